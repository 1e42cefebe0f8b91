"""Decoding pictures: the only module of the package that opens images.

Every picture is decoded by the same rules:

- only the first frame or page is read, and it is turned upright by its EXIF orientation;
- transparent pixels are laid over white: alpha channels, palettes with alpha, a transparent colour (but not the one
  transparent colour that a 16-bit PNG may name);
- palettes, 1-bit pictures, CMYK and YCCK (as Adobe writes them, inverted), YCbCr and LAB become RGB; an embedded ICC
  profile is not applied;
- 16-bit grey keeps its high byte, and so does 16-bit colour as Pillow reads it;
- 32-bit integers are taken as 8, 16 or 31 bits wide, the least width that holds the largest value; negative values are
  black;
- floating-point grey is stretched from its least to its largest finite value; values that are not finite are black.

A picture that cannot be read raises an `ImageError` that says why. `ReadLimits` limit its size; the header is checked
against them before decoding. Plain JPEG, PNG and WebP files, by their headers, are decoded here; all others in a
process with limits on memory and time, see `fingerprint.images.sandbox`. A picture that takes more than 128 MiB as
Pillow holds it is reduced by 2, 4 or 8 right after decoding, see `fingerprint.images.limits`.

Pillow's own guard against decompression bombs is part of ``PIL.Image.open``, which is not used here: the plugins of the
allowed formats are called directly, so no other plugin runs, and no setting of the host program is changed.
"""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import IO

import numpy as np
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from fingerprint.config import DEFAULT_LIMITS, ReadLimits
from fingerprint.errors import ConfigError, ImageError
from fingerprint.images.convert import Mode, pixels_of
from fingerprint.images.files import load_regular
from fingerprint.images.headers import Header, header_of
from fingerprint.images.jpeg import decode_luma, ordinary_header
from fingerprint.images.limits import GATE, check_bytes, check_size, divisor_of, largest_cost, plain_cost, reduced
from fingerprint.images.sandbox import SandboxUnavailableError, decode_apart
from fingerprint.types import U8, ImageSource, Picture, source_name

_LOGGER = logging.getLogger(__name__)

_READERS: Mapping[str, Callable[[IO[bytes]], ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,  # reads the first picture of an MPO
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "PPM": PpmImagePlugin.PpmImageFile,
}

_ORIENTATION_TAG = 0x0112
_LONGEST_MARK = 16  # leading bytes that identify a format
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_grey(source: ImageSource, *, at_least: int | None = None, limits: ReadLimits = DEFAULT_LIMITS) -> Picture:
    """Read a picture as grey values.

    Only the luma of a JPEG is decoded. It may differ by one or two grey values from the luma of the decoded colours.

    Parameters
    ----------
    source : str, path, bytes or uint8 array
        A file, the bytes of a file, or pixels of shape (h, w), (h, w, 3) RGB or (h, w, 4) RGBA.
    at_least : int, optional
        Least length in pixels, >= 1, of the decoded longer side. A JPEG is then decoded at 1/2, 1/4 or 1/8 of its size
        if the longer side stays that long; other formats are decoded in full size. Default: full size.
    limits : ReadLimits, optional
        What a picture may cost before it is refused.

    Returns
    -------
    Picture
        uint8 pixels of shape (h, w), in a new array. `width` and `height` are always the full size.

    Raises
    ------
    ImageError
        The picture cannot be read.
    ConfigError
        `at_least` is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> read_grey(np.full((2, 3, 3), (255, 0, 0), np.uint8)).pixels.tolist()
    [[76, 76, 76], [76, 76, 76]]
    """
    return _read(source, Request("L", at_least, False, limits))


def read_rgb(source: ImageSource, *, at_least: int | None = None, limits: ReadLimits = DEFAULT_LIMITS) -> Picture:
    """Read a picture as colours; a grey one gets three equal channels.

    Parameters
    ----------
    source : str, path, bytes or uint8 array
        As in `read_grey`.
    at_least : int, optional
        As in `read_grey`.
    limits : ReadLimits, optional
        As in `read_grey`.

    Returns
    -------
    Picture
        uint8 pixels of shape (h, w, 3), in a new array. `width` and `height` are always the full size.

    Raises
    ------
    ImageError
        The picture cannot be read.
    ConfigError
        `at_least` is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> picture = read_rgb(np.zeros((4, 6), np.uint8))
    >>> picture.pixels.shape, picture.width, picture.height
    ((4, 6, 3), 6, 4)
    """
    return _read(source, Request("RGB", at_least, False, limits))


def read_planes(source: ImageSource, *, at_least: int | None = None, limits: ReadLimits = DEFAULT_LIMITS) -> Picture:
    """Read a picture as luma and chroma, as a JPEG stores them; this costs hardly more than its luma alone.

    Parameters
    ----------
    source : str, path, bytes or uint8 array
        As in `read_grey`.
    at_least : int, optional
        As in `read_grey`.
    limits : ReadLimits, optional
        As in `read_grey`.

    Returns
    -------
    Picture
        uint8 pixels of shape (h, w, 3): Y as `read_grey` gives it, Cb, Cr.

    Raises
    ------
    ImageError
        The picture cannot be read.
    ConfigError
        `at_least` is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> read_planes(np.full((1, 1, 3), (255, 0, 0), np.uint8)).pixels.tolist()
    [[[76, 84, 255]]]
    """
    return _read(source, Request("YCbCr", at_least, False, limits))


def read_as_pillow(source: ImageSource, *, colours: bool = False, limits: ReadLimits = DEFAULT_LIMITS) -> Picture:
    """Read a picture as ``PIL.Image.open(source).convert(...)`` does: for hashes that are exchanged with `imagehash`.

    The picture is neither turned upright nor laid over white, and 16-bit values beyond 255 are white.

    Parameters
    ----------
    source : str, path, bytes or uint8 array
        As in `read_grey`.
    colours : bool
        Convert to RGB instead of grey.
    limits : ReadLimits, optional
        As in `read_grey`.

    Returns
    -------
    Picture
        uint8 pixels of shape (h, w) or (h, w, 3), in a new array, in full size.

    Raises
    ------
    ImageError
        The picture cannot be read.

    Examples
    --------
    >>> import numpy as np
    >>> read_as_pillow(np.full((1, 2, 4), (255, 0, 0, 0), np.uint8)).pixels.tolist()
    [[76, 76]]
    """
    return _read(source, Request("RGB" if colours else "L", None, True, limits))


def luma_of(planes: Picture) -> Picture:
    """Return the luma of a picture from `read_planes` as a grey picture: uint8 pixels of shape (h, w)."""
    return replace(planes, pixels=np.ascontiguousarray(planes.pixels[..., 0]))


@dataclass(frozen=True, slots=True)
class Request:
    """How a picture is to be read.

    Attributes
    ----------
    mode : str
        ``L``, ``RGB`` or ``YCbCr``.
    at_least : int or None
        As in `read_grey`.
    as_pillow : bool
        As `read_as_pillow` does.
    limits : ReadLimits
    """

    mode: Mode
    at_least: int | None
    as_pillow: bool
    limits: ReadLimits


def _read(source: ImageSource, request: Request) -> Picture:
    if request.at_least is not None and request.at_least < 1:
        raise ConfigError(f"at_least must be 1 pixel or more, not {request.at_least}")
    if isinstance(source, np.ndarray):
        return _from_array(source, request)
    name = source_name(source)
    if isinstance(source, bytes):
        return _from_bytes(source, name, request)
    loaded = load_regular(source)
    if isinstance(loaded, bytes):
        return _from_bytes(loaded, name, request)
    with io.BufferedReader(loaded) as file:
        check_bytes(os.fstat(file.fileno()).st_size, name, request.limits)
        form = _format_of(file.peek(_LONGEST_MARK), name)
        return _decode_apart(source, file, name, form, None, request)


def _from_bytes(data: bytes, name: str, request: Request) -> Picture:
    check_bytes(len(data), name, request.limits)
    form = _format_of(data, name)
    header = header_of(form, data)
    cost = None
    if header is not None and header.plain:
        check_size(header.width, header.height, name, request.limits)
        grey = form == "JPEG" and request.mode == "L"
        divisor = _divisor(max(header.width, header.height), request.at_least) if form == "JPEG" else 1
        cost = plain_cost(header.width * header.height, header.n_passes, divisor, grey=grey)
    if cost is None:
        return _decode_apart(data, io.BytesIO(data), name, form, header, request)
    with GATE.reserved(cost):
        if form == "JPEG" and request.mode == "L" and not request.as_pillow:
            picture = _from_ordinary_jpeg(data, name, request)
            if picture is not None:
                return picture
        return decode_stream(io.BytesIO(data), name, form, request)


def _decode_apart(
    source: bytes | str | os.PathLike[str],
    file: IO[bytes],
    name: str,
    form: str,
    header: Header | None,
    request: Request,
) -> Picture:
    """Decode a picture in a process of its own; here if there is none on this platform."""
    try:
        return decode_apart(source, name, form, header, request)
    except SandboxUnavailableError:
        with GATE.reserved(largest_cost(request.limits.max_pixels, 0)):  # alone: its size is not known yet
            return decode_stream(file, name, form, request)


def _from_array(array: U8, request: Request) -> Picture:
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or array.shape[2:] not in ((), (3,), (4,)):
        found = f"{array.dtype} {array.shape}"
        raise ImageError("<array>", f"pixels are a uint8 array (h, w), (h, w, 3) RGB or (h, w, 4) RGBA, not {found}")
    height, width = array.shape[:2]
    check_size(width, height, "<array>", request.limits)
    image = Image.fromarray(array)
    pixels = _converted(image, request.mode) if request.as_pillow else pixels_of(image, request.mode)
    return Picture(pixels, width, height, "<array>")


def decode_stream(
    file: IO[bytes],
    name: str,
    form: str,
    request: Request,
    admit: Callable[[Image.Image], None] | None = None,
) -> Picture:
    """Decode a picture with Pillow in this process.

    Parameters
    ----------
    file : binary stream
    name : str
        Its name in messages.
    form : str
        Its format, a key of the readers.
    request : Request
    admit : callable, optional
        Called with the opened image before it is decoded. It raises an `ImageError` if the image is too large. By
        default the size is checked against the request's limits.

    Raises
    ------
    ImageError
    """
    mode = request.mode
    try:
        image = _READERS[form](file)
        width, height = image.size
        if admit is not None:
            admit(image)
        else:
            check_size(width, height, name, request.limits)
        if request.as_pillow:
            return Picture(_converted(image, mode), width, height, name)
        _shrink(image, mode, request.at_least)
        image.load()
        orientation = _orientation(image.getexif)
        upright = reduced(image, divisor_of(image.size, image.mode, mode))
        pixels = pixels_of(upright.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else upright, mode)
    except ImageError:
        raise
    except Exception as error:  # a damaged file can make a decoder raise any exception
        raise ImageError(name, _reason(error, form)) from error
    if orientation >= 5:
        width, height = height, width
    return Picture(pixels, width, height, name)


def _converted(image: Image.Image, mode: Mode) -> U8:
    return np.asarray(image.convert(mode)).copy()


def _format_of(data: bytes, name: str) -> str:
    """Return the name of a file's format, by its first bytes."""
    prefix = data[:_LONGEST_MARK]
    if not prefix:
        raise ImageError(name, "empty file")
    for form in _READERS:
        accept = Image.OPEN[form][1]
        verdict = accept is None or accept(prefix)
        if isinstance(verdict, str):
            raise ImageError(name, f"{form} files cannot be read by this build of Pillow")
        if verdict:
            return form
    raise ImageError(name, f"not an image of a known format ({', '.join(_READERS)})")


def _shrink(image: ImageFile.ImageFile, mode: str, at_least: int | None) -> None:
    """Set a JPEG to decode at the least size whose longer side is `at_least`, and as luma alone for grey."""
    if not isinstance(image, JpegImagePlugin.JpegImageFile):
        return
    divisor = max(_divisor(max(image.size), at_least), divisor_of(image.size, mode, mode))
    named_rgb = [component[0] for component in image.layer] == [*b"RGB"]
    if "jfif" not in image.info and image.info.get("adobe_transform", 0 if named_rgb else 1) == 0:
        mode = mode if mode == "L" else "RGB"  # libjpeg does not convert a JPEG stored as RGB to YCbCr
    image.draft(mode, (max(1, image.width // divisor), max(1, image.height // divisor)))


def _divisor(longer: int, at_least: int | None) -> int:
    """Return the largest divisor, 1, 2, 4 or 8, that leaves the longer side of a JPEG `at_least`."""
    if at_least is None:
        return 1
    return next((d for d in (8, 4, 2) if -(-longer // d) >= at_least), 1)


def _from_ordinary_jpeg(data: bytes, name: str, request: Request) -> Picture | None:
    """Return the luma of an ordinary JPEG, decoded by OpenCV; None for a file that Pillow must decode."""
    header = ordinary_header(data)
    if header is None:
        return None
    width, height = header.width, header.height
    divisor = max(_divisor(max(width, height), request.at_least), divisor_of((width, height), "L", "L"))
    pixels = decode_luma(data, divisor) if min(width, height) >= divisor else None  # else Pillow reduces less
    if pixels is None:
        return None
    orientation = _orientation(lambda: _parsed_exif(header.exif)) if header.exif else 1
    if orientation in _UPRIGHT:
        pixels = np.asarray(Image.fromarray(pixels).transpose(_UPRIGHT[orientation])).copy()
    if orientation >= 5:
        width, height = height, width
    return Picture(pixels, width, height, name)


def _orientation(read_exif: Callable[[], Image.Exif]) -> int:
    """Return the EXIF orientation, 1 to 8, of a loaded image (Pillow has turned a TIFF upright and removed its tag)."""
    try:
        value = read_exif().get(_ORIENTATION_TAG, 1)
    except Exception as error:  # noqa: BLE001 - damaged EXIF does not make the pixels unreadable
        _LOGGER.info("EXIF data cannot be read, the picture is taken as upright: %s", error)
        return 1
    return value if isinstance(value, int) and value in _UPRIGHT else 1


def _parsed_exif(block: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif.load(block)
    return exif


def _reason(error: Exception, form: str) -> str:
    """Return why decoding failed, in words for the user."""
    detail = str(error) or type(error).__name__
    if isinstance(error, MemoryError) or detail == "decoder error -9":  # which is libtiff's way to say it
        return f"not enough memory to decode this {form} file"
    if isinstance(error, Image.DecompressionBombError):
        return f"too large for Pillow: {detail}"
    if "truncated" in detail.lower():
        return f"truncated {form} file: {detail}"
    return f"damaged {form} file, or of an unsupported kind: {detail}"
