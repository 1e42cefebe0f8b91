"""The one door from bytes to pixels; nothing else in the package opens an image.

Whatever comes in is treated the same way every time:

- the first frame or page counts, and it is turned upright as its EXIF orientation says;
- what is transparent is laid over white: alpha channels, palettes with alpha, a transparent colour (but not the one
  transparent colour that a 16-bit PNG may name);
- palettes, 1-bit pictures, CMYK and YCCK (as Adobe writes them, inverted), YCbCr and LAB become RGB; an embedded ICC
  profile is not applied;
- 16-bit grey keeps its high byte; 16-bit colour comes as Pillow reads it, which is the same;
- 32-bit whole numbers are taken as 8, 16 or 31 bits wide, the least that holds the largest; negative ones are black;
- floating-point grey is stretched from its least to its largest finite value; what is not finite is black.

Everything that cannot be read becomes an `ImageError` that says why. How much is decoded is limited by `MAX_PIXELS`,
which is checked against the header, before decoding. Pillow's own guard against decompression bombs is part of
``PIL.Image.open``, which is not used here: the plugins of the allowed formats are called directly, so no other one
runs, and no setting of the host program is touched. (Pillow's TIFF plugin, and in newer versions its WebP plugin,
have a guard of their own: they raise beyond 179 million pixels, and a TIFF beyond 89 million brings Pillow's warning.)
"""

from __future__ import annotations

import io
import logging
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
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

from fingerprint.errors import ConfigError, ImageError
from fingerprint.types import U8, ImageSource, Picture, source_name

_LOGGER = logging.getLogger(__name__)

#: The largest picture that is decoded, in pixels: a little more than the largest telephone camera's.
MAX_PIXELS = 200_000_000

_READERS: Mapping[str, Callable[[IO[bytes]], ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,  # of an MPO it sees the first picture
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "PPM": PpmImagePlugin.PpmImageFile,
}

_Mode: TypeAlias = Literal["L", "RGB", "YCbCr"]
_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_grey(source: ImageSource, *, at_least: int | None = None) -> Picture:
    """Read a picture as grey values.

    Of a JPEG only the luma is decoded. It may differ by one or two grey values from the luma of the decoded colours.

    Parameters
    ----------
    source : str, path, bytes or uint8 array
        A file, the bytes of a file, or pixels of shape (h, w), (h, w, 3) RGB or (h, w, 4) RGBA.
    at_least : int, optional
        The length in pixels, >= 1, that is wanted of the longer side. A JPEG is then decoded at 1/2, 1/4 or 1/8 of its
        size where that leaves the longer side at least as long; everything else comes in full size. Default: full size.

    Returns
    -------
    Picture
        uint8 pixels of shape (h, w), in an array of its own. `width` and `height` tell the full size in any case.

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
    return _read(source, "L", at_least)


def read_rgb(source: ImageSource, *, at_least: int | None = None) -> Picture:
    """Read a picture as colours; grey ones get three equal channels.

    Parameters
    ----------
    source : str, path, bytes or uint8 array
        As in `read_grey`.
    at_least : int, optional
        As in `read_grey`.

    Returns
    -------
    Picture
        uint8 pixels of shape (h, w, 3), in an array of its own. `width` and `height` tell the full size in any case.

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
    return _read(source, "RGB", at_least)


def read_planes(source: ImageSource, *, at_least: int | None = None) -> Picture:
    """Read a picture as luma and chroma: what a JPEG holds, at hardly more than the cost of its luma.

    Parameters
    ----------
    source : str, path, bytes or uint8 array
        As in `read_grey`.
    at_least : int, optional
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
    return _read(source, "YCbCr", at_least)


def luma_of(planes: Picture) -> Picture:
    """Return the luma of a picture from `read_planes` as a grey picture: uint8 pixels of shape (h, w)."""
    return replace(planes, pixels=np.ascontiguousarray(planes.pixels[..., 0]))


def read_file(path: str | os.PathLike[str]) -> bytes:
    """Return the bytes of a regular file.

    Raises
    ------
    ImageError
        If there is none at `path`, it is a folder, a pipe or a device, or it cannot be read.
    """
    with _open(Path(path)) as file:
        try:
            return file.read()
        except OSError as error:
            raise ImageError(str(path), error.strerror or str(error)) from error


def to_grey(rgb: U8) -> U8:
    """Return the luma of ITU-R BT.601 of colours, to the bit as Pillow's ``convert("L")`` rounds it.

    Parameters
    ----------
    rgb : uint8 array, shape (h, w, 3)
        Red, green, blue.

    Returns
    -------
    uint8 array, shape (h, w)
        ``(19595 R + 38470 G + 7471 B + 32768) // 65536``.

    Raises
    ------
    ImageError
        The array is not of this type or shape.

    Examples
    --------
    >>> import numpy as np
    >>> to_grey(np.array([[[0, 255, 0]]], np.uint8))
    array([[150]], dtype=uint8)
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3:
        raise ImageError("<array>", f"colours are a uint8 array (h, w, 3), not {rgb.dtype} {rgb.shape}")
    return _from_array(rgb, "L").pixels


def _read(source: ImageSource, mode: _Mode, at_least: int | None) -> Picture:
    if at_least is not None and at_least < 1:
        raise ConfigError(f"at_least must be 1 pixel or more, not {at_least}")
    if isinstance(source, np.ndarray):
        return _from_array(source, mode)
    name = source_name(source)
    if isinstance(source, bytes):
        return _from_file(io.BytesIO(source), name, mode, at_least)
    with _open(Path(source)) as file:
        return _from_file(file, name, mode, at_least)


def _from_array(array: U8, mode: _Mode) -> Picture:
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or array.shape[2:] not in ((), (3,), (4,)):
        said = f"not {array.dtype} {array.shape}"
        raise ImageError("<array>", f"pixels are a uint8 array (h, w), (h, w, 3) RGB or (h, w, 4) RGBA, {said}")
    height, width = array.shape[:2]
    _check_size(width, height, "<array>")
    return Picture(_pixels(Image.fromarray(array), mode), width, height, "<array>")


def _open(path: Path) -> IO[bytes]:
    try:
        kind = path.stat().st_mode
        if stat.S_ISREG(kind):
            return path.open("rb")
        problem = "a folder, not an image" if stat.S_ISDIR(kind) else "not a regular file"  # a pipe would block
    except FileNotFoundError:
        problem = "no such file"
    except PermissionError:
        problem = "no permission to read it"
    except OSError as error:
        problem = error.strerror or str(error)
    except ValueError as error:  # a zero byte in the path
        problem = str(error)
    raise ImageError(str(path), problem)


def _from_file(file: IO[bytes], name: str, mode: _Mode, at_least: int | None) -> Picture:
    form = _format_of(file, name)
    try:
        image = _READERS[form](file)
        width, height = image.size
        _check_size(width, height, name)
        _shrink(image, mode, at_least)
        image.load()
        orientation = _orientation(image)
        pixels = _pixels(image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image, mode)
    except ImageError:
        raise
    except Exception as error:  # a damaged file can trip a decoder anywhere, with any exception
        raise ImageError(name, _reason(error, form)) from error
    if orientation >= 5:
        width, height = height, width
    return Picture(pixels, width, height, name)


def _format_of(file: IO[bytes], name: str) -> str:
    """Return which of the formats the first bytes are of."""
    prefix = file.read(16)
    file.seek(0)
    if not prefix:
        raise ImageError(name, "empty file")
    for form in _READERS:
        accept = Image.OPEN[form][1]
        verdict = accept is None or accept(prefix)
        if isinstance(verdict, str):
            raise ImageError(name, f"a {form} file, and this build of Pillow cannot read those")
        if verdict:
            return form
    raise ImageError(name, f"not an image of a known format ({', '.join(_READERS)})")


def _check_size(width: int, height: int, name: str) -> None:
    if width < 1 or height < 1:
        raise ImageError(name, f"no pixels ({width} x {height})")
    if width * height > MAX_PIXELS:
        raise ImageError(name, f"{width} x {height} pixels are more than the limit of {MAX_PIXELS:,}")


def _shrink(image: ImageFile.ImageFile, mode: str, at_least: int | None) -> None:
    """Make a JPEG decode at the least size that leaves its longer side `at_least`, and luma alone for grey."""
    if not isinstance(image, JpegImagePlugin.JpegImageFile):
        return
    longer = max(image.size)
    divisors = [d for d in (8, 4, 2) if at_least is not None and -(-longer // d) >= at_least]
    divisor = divisors[0] if divisors else 1
    named_rgb = [component[0] for component in image.layer] == [*b"RGB"]
    if "jfif" not in image.info and image.info.get("adobe_transform", 0 if named_rgb else 1) == 0:
        mode = mode if mode == "L" else "RGB"  # what is stored as RGB, libjpeg does not turn into Y, Cb, Cr
    image.draft(mode, (max(1, image.width // divisor), max(1, image.height // divisor)))


def _orientation(image: ImageFile.ImageFile) -> int:
    """Return the EXIF orientation, 1 to 8, of a loaded image (a TIFF is upright already and has none left)."""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception as error:  # noqa: BLE001 - damaged EXIF does not make the pixels unreadable
        _LOGGER.info("EXIF data that cannot be read is taken as upright: %s", error)
        return 1
    return value if isinstance(value, int) and value in _UPRIGHT else 1


def _pixels(image: Image.Image, mode: _Mode) -> U8:
    """Return a loaded image of whatever mode as grey values or colours."""
    if image.mode.startswith("I") or image.mode == "F":
        image = Image.fromarray(_to_8_bits(np.asarray(image)))
    elif image.has_transparency_data:
        colours = image.convert("RGBA")
        image = Image.new("RGB", image.size, "white")
        image.paste(colours, mask=colours)
    elif image.mode not in ("L", "RGB", "YCbCr"):
        image = image.convert("RGB")
    if mode == "YCbCr" and image.mode != mode:
        planes = np.asarray(image.convert(mode)).copy()
        planes[..., 0] = np.asarray(image.convert("L"))  # Pillow rounds the two differently
        return planes
    if image.mode != mode:
        image = image.convert(mode)
    return np.asarray(image).copy()  # may be written to, unlike np.asarray(image); much faster than np.array(image)


def _to_8_bits(deep: NDArray[Any]) -> U8:
    """Return grey values of 16 or 32 bits, whole or floating, as 8 bits; see the head of the module."""
    if deep.dtype.kind == "f":
        finite = np.isfinite(deep)
        low = float(deep.min(where=finite, initial=np.inf))
        high = float(deep.max(where=finite, initial=-np.inf))
        if not low < high:
            return np.zeros(deep.shape, np.uint8)
        scaled = (np.where(finite, deep, low).astype(np.float64) - low) * (255 / (high - low))
        return np.rint(scaled).astype(np.uint8)
    positive = np.maximum(deep, 0)
    shift = 8 if deep.dtype.itemsize == 2 else _excess_bits(int(positive.max()))
    levels: U8 = np.right_shift(positive, shift).astype(np.uint8)
    return levels


def _excess_bits(largest: int) -> int:
    """Return how many low bits a whole number of 8, 16 or 31 bits has too many."""
    return 0 if largest < 1 << 8 else 8 if largest < 1 << 16 else 23


def _reason(error: Exception, form: str) -> str:
    """Say for people why decoding failed."""
    said = str(error) or type(error).__name__
    if isinstance(error, MemoryError):
        return f"not enough memory to decode this {form} file"
    if isinstance(error, Image.DecompressionBombError):
        return f"too large for Pillow: {said}"
    if "truncated" in said.lower():
        return f"truncated {form} file: {said}"
    return f"damaged {form} file, or of a kind that is not supported: {said}"
