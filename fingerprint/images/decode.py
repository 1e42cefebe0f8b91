"""Decoding pictures: the one door to them.

Every picture is decoded by the same rules:

- only the first frame or page is read, unless the path names another (see `fingerprint.images.frames`), and it is
  turned upright by its EXIF orientation;
- a picture with transparency (an alpha channel, a palette with alpha, a transparent colour) is laid over white, or over
  black if its content would hardly show on white; see `fingerprint.images.ground`;
- palettes, 1-bit pictures, CMYK and YCCK (as Adobe writes them, inverted), YCbCr and LAB become RGB; an embedded ICC
  profile is not applied;
- of more than 8 bits, grey or in colours, the 8 highest are kept that are in use: a picture is taken to be 8, 10, 12,
  14, 16, 24, 31 or 32 bits wide, the least width that holds its largest value; negative values are black; see
  `fingerprint.images.depth`;
- floating-point grey and colours are stretched from their least to their largest finite value; values that are not
  finite are black;
- TIFF samples of 8, 16 and 32 bits and floats of 32 and 64 are read in grey, RGB and CMYK, contiguous or in planes,
  with extra samples, in both byte orders; see `fingerprint.images.tiff_samples`;
- the fourth byte of a 32-bit BMP is alpha only if the file names it in a mask, as the format says;
- a TIFF whose least value is white is inverted, at any depth;
- HEIC and JPEG XL are turned by their own transformations, and EXIF data do not turn them again; see
  `fingerprint.images.heif` and `jxl`. Of camera RAW a large JPEG preview is read, or else the sensor's values at half
  size; see `fingerprint.images.raw`. These three need packages of their own, see `fingerprint.images.formats`;
- all of the picture must be there. If a decoder would make up a part of the pixels, because the file is cut or damaged,
  the picture is not read; see `fingerprint.images.jpeg_damage` and `fingerprint.images.damage`. A JPEG that only lacks
  its end marker, bytes after the picture and damaged comments do no harm.

A picture that cannot be read raises an `ImageError` that says why. `ReadLimits` limit its size; the header is checked
against them before decoding. Plain JPEG, PNG and WebP files, by their headers, are decoded here; all others in a
process with limits on memory and time, see `fingerprint.images.sandbox`. A picture that takes more than 128 MiB as
Pillow holds it is reduced by 2, 4 or 8 right after decoding, see `fingerprint.images.limits`.

Pillow's own guard against decompression bombs is part of ``PIL.Image.open``, which is not used here: the plugins of the
allowed formats are called directly, so no other plugin runs, and no setting of the host program is changed.
"""

from __future__ import annotations

import io
import os
from dataclasses import replace
from typing import IO

import numpy as np
from PIL import Image

from fingerprint.config import DEFAULT_LIMITS, ReadLimits
from fingerprint.errors import ConfigError, ImageError
from fingerprint.images.convert import pixels_of
from fingerprint.images.decoder_pool import SandboxUnavailableError
from fingerprint.images.files import load_regular
from fingerprint.images.formats import format_of
from fingerprint.images.frame_paths import split_frame
from fingerprint.images.given import held
from fingerprint.images.headers import Header, header_of
from fingerprint.images.jpeg import JpegHeader, decode_ordinary, ordinary_header
from fingerprint.images.jpeg_damage import DamagedJpegError, complete_jpeg
from fingerprint.images.limits import GATE, check_bytes, check_size, divisor_of, largest_cost, plain_cost
from fingerprint.images.orientation import orientation_of, parsed_exif, swaps_sides, upright
from fingerprint.images.sandbox import decode_apart
from fingerprint.images.stream import Request, converted, decode_stream, divisor_for, picture_from
from fingerprint.locations import local_name
from fingerprint.types import U8, ImageSource, Picture, source_name


def read_grey(source: ImageSource, *, at_least: int | None = None, limits: ReadLimits = DEFAULT_LIMITS) -> Picture:
    """Read a picture as grey values.

    Only the luma of a JPEG is decoded. It mostly differs by one or two grey values at most from the luma of the decoded
    colours; at saturated colours of a JPEG with reduced chroma, which are clipped, by about ten.

    Parameters
    ----------
    source : str, path, bytes, binary file, uint8 array or Pillow image
        A file, the bytes of a file, a file that is open in binary mode, pixels of shape (h, w), (h, w, 3) RGB or
        (h, w, 4) RGBA, or an image of Pillow, which is read as its file would be.
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
    return _read(source, Request("L", at_least, "seen", limits))


def read_rgb(source: ImageSource, *, at_least: int | None = None, limits: ReadLimits = DEFAULT_LIMITS) -> Picture:
    """Read a picture as colours; a grey one gets three equal channels.

    Parameters
    ----------
    source : str, path, bytes, binary file, uint8 array or Pillow image
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
    return _read(source, Request("RGB", at_least, "seen", limits))


def read_planes(source: ImageSource, *, at_least: int | None = None, limits: ReadLimits = DEFAULT_LIMITS) -> Picture:
    """Read a picture as luma and chroma, as a JPEG stores them; this costs hardly more than its luma alone.

    Parameters
    ----------
    source : str, path, bytes, binary file, uint8 array or Pillow image
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
    return _read(source, Request("YCbCr", at_least, "seen", limits))


def read_as_pillow(source: ImageSource, *, colours: bool = False, limits: ReadLimits = DEFAULT_LIMITS) -> Picture:
    """Read a picture as ``PIL.Image.open(source).convert(...)`` does: for hashes that are exchanged with `imagehash`.

    The picture is neither turned upright nor laid over a ground, and 16-bit values beyond 255 are white. TIFF that
    Pillow reads wrong or not at all is read by the rules of this module.

    Parameters
    ----------
    source : str, path, bytes, binary file, uint8 array or Pillow image
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
    return _read(source, Request("RGB" if colours else "L", None, "pillow", limits))


def read_for_pdq(source: ImageSource, *, limits: ReadLimits = DEFAULT_LIMITS) -> Picture:
    """Read a picture for PDQ: as its tools read it, where programs differ, and turned upright.

    Programs differ where a picture is transparent or has more than 8 bits a sample. PDQ's tools drop the transparency,
    so that what is behind it shows, and take 16-bit grey values beyond 255 for white. Pictures narrower than 16 bits
    are reduced to 8 bits by the rules of this module.

    Parameters
    ----------
    source : str, path, bytes, binary file, uint8 array or Pillow image
        As in `read_grey`.
    limits : ReadLimits, optional
        As in `read_grey`.

    Returns
    -------
    Picture
        As from `read_grey` in full size if `Picture.plain`, otherwise with uint8 pixels of shape (h, w, 3).

    Raises
    ------
    ImageError
        The picture cannot be read.

    Examples
    --------
    >>> import numpy as np
    >>> read_for_pdq(np.full((1, 1, 4), (255, 0, 0, 0), np.uint8)).pixels.tolist()
    [[[255, 0, 0]]]
    """
    return _read(source, Request("L", None, "pdq", limits))


def count_frames(source: ImageSource, *, limits: ReadLimits = DEFAULT_LIMITS) -> int:
    """Return how many frames an animation has, or pages a TIFF; 1 for other pictures.

    The first frame is decoded; the others are only counted. In a TIFF, the first damaged page is the last that is
    counted: those after it cannot be found.

    Raises
    ------
    ImageError
        The picture cannot be read.

    Examples
    --------
    >>> import numpy as np
    >>> count_frames(np.zeros((4, 6), np.uint8))
    1
    """
    return _read(source, Request("L", None, "seen", limits, count=True)).n_frames


def luma_of(planes: Picture) -> Picture:
    """Return the luma of a picture from `read_planes` as a grey picture: uint8 pixels of shape (h, w)."""
    return replace(planes, pixels=np.ascontiguousarray(planes.pixels[..., 0]))


def _read(source: ImageSource, request: Request) -> Picture:
    if request.at_least is not None and request.at_least < 1:
        raise ConfigError(f"at_least must be 1 pixel or more, not {request.at_least}")
    name, given = source_name(source), held(source, request.limits)
    if isinstance(given, np.ndarray):
        return _from_array(given, request)
    if isinstance(given, Image.Image):
        return picture_from(given, given.mode, request, name)
    if isinstance(given, bytes):
        return _from_bytes(given, name, request)
    path, frame = split_frame(given)
    request = replace(request, frame=frame)
    loaded = load_regular(path, request.limits)
    if isinstance(loaded, bytes):
        return _from_bytes(loaded, name, request)
    with io.BufferedReader(loaded) as file:
        form = format_of(file, name)
        return _decode_apart(local_name(path), file, name, form, None, request)


def _from_bytes(data: bytes, name: str, request: Request) -> Picture:
    check_bytes(len(data), name, request.limits)
    form = format_of(io.BytesIO(data), name)
    header = header_of(form, data)
    ordinary = ordinary_header(data) if form == "JPEG" else None
    cost = None
    if header is not None and header.plain and not request.frame:
        check_size(header.width, header.height, name, request.limits)
        grey = ordinary is not None and request.mode == "L" and request.reading != "pillow"
        divisor = divisor_for(max(header.width, header.height), request.at_least) if form == "JPEG" else 1
        cost = plain_cost(header.width * header.height, header.n_passes, divisor, grey=grey)
    if cost is None:
        return _decode_apart(data, io.BytesIO(data), name, form, header, request)
    with GATE.reserved(cost):
        picture = None if ordinary is None else _from_ordinary_jpeg(data, ordinary, name, request)
        return picture or decode_stream(io.BytesIO(data), name, form, request)


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
    plain = not image.has_transparency_data
    mode, reading = request.mode, request.reading
    if reading == "pdq" and not plain:
        mode, reading = "RGB", "pillow"
    pixels = converted(image, mode) if reading == "pillow" else pixels_of(image, mode)
    return Picture(pixels, width, height, "<array>", plain)


def _from_ordinary_jpeg(data: bytes, header: JpegHeader, name: str, request: Request) -> Picture | None:
    """Return an ordinary JPEG, decoded without Pillow; None for a file that Pillow must decode."""
    width, height, mode = header.width, header.height, request.mode
    divisor = max(divisor_for(max(width, height), request.at_least), divisor_of((width, height), mode, mode))
    if min(width, height) < divisor:  # Pillow reduces less
        return None
    try:
        whole = complete_jpeg(data)
        if request.reading == "pillow":  # it makes grey from colours
            pixels = decode_ordinary(whole, header, "L" if header.n_components == 1 else "RGB", 1)
            return None if pixels is None else Picture(converted(Image.fromarray(pixels), mode), width, height, name)
        pixels = decode_ordinary(whole, header, mode, divisor)
    except DamagedJpegError as error:
        raise ImageError(name, str(error)) from error
    if pixels is None:
        return None
    orientation = orientation_of(lambda: parsed_exif(header.exif)) if header.exif else 1
    if orientation > 1:
        pixels = np.asarray(upright(Image.fromarray(pixels), orientation)).copy()
    if swaps_sides(orientation):
        width, height = height, width
    return Picture(pixels, width, height, name)
