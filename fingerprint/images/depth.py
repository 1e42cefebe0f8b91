"""Pictures of more than 8 bits a sample, as pictures of 8 bits; and transparent colours that are named in full depth.

One rule for whole numbers, in grey and in colour, whatever the file's container: the picture is taken to be as wide as
the least usual width (`USUAL_WIDTHS`) that holds its largest value, and its 8 highest bits are kept. So a scan of 10
bits in a 16-bit file is not black, and a picture that uses its 16 bits keeps its high byte. A TIFF that states another
width than 16 or 32 bits is as wide as it states.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, PngImagePlugin, TiffImagePlugin

from fingerprint.types import U8

#: Bits a sample that cameras, scanners and instruments give.
USUAL_WIDTHS = (8, 10, 12, 14, 16, 24, 31, 32)
#: Returns the opened file again, before loading.
Again: TypeAlias = Callable[[], ImageFile.ImageFile]

_BITS_PER_SAMPLE, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339
_MIN_IS_WHITE, _MIN_IS_BLACK, _UNSIGNED = 0, 1, 1
_SWAPPED = str.maketrans("BL", "LB")
_OPAQUE = 255


class DeepTiff(TiffImagePlugin.TiffImageFile):
    """A TIFF file; Pillow reads deep grey only where 0 is black, so that is what it is given.

    Attributes
    ----------
    inverted : bool
        Whether 0 is white in the file, and Pillow does not know it.
    """

    def _setup(self) -> None:
        bits = self.tag_v2.get(_BITS_PER_SAMPLE, (1,))
        self.inverted = self.tag_v2.get(_PHOTOMETRIC) == _MIN_IS_WHITE and max(bits) > 8
        if self.inverted:
            self.tag_v2[_PHOTOMETRIC] = _MIN_IS_BLACK
        super()._setup()


def layout_of(image: ImageFile.ImageFile) -> str:
    """Return how a file that is not loaded yet stores a pixel, in Pillow's words (a raw mode)."""
    if not image.tile:
        return image.mode
    arguments = image.tile[0][3]
    return str(arguments[0] if isinstance(arguments, tuple) and arguments else arguments or image.mode)


def is_plain(image: Image.Image, layout: str) -> bool:
    """Return whether an image is opaque and has at most 8 bits a sample, so that every program reads it alike."""
    return ";16" not in layout and image.mode[0] not in "IF" and not image.has_transparency_data


def to_8_bits(image: Image.Image, layout: str, again: Again) -> Image.Image:
    """Return a loaded image with 8 bits a sample.

    Parameters
    ----------
    image : PIL.Image.Image
        Loaded.
    layout : str
        What `layout_of` said before.
    again : callable
        Opens the file again. Pillow keeps the high byte of 16-bit colours, so the low ones take a second reading. It is
        done only where they matter.

    Returns
    -------
    PIL.Image.Image
        The image itself, or one of mode L, LA, RGB or RGBA.
    """
    if image.mode[0] in "IF":
        return _grey_to_8_bits(image)
    if layout in ("L;2", "L;4") and isinstance(image.info.get("transparency"), int):  # Pillow scales the pixels only
        image.info["transparency"] *= 85 if layout == "L;2" else 17
    if ";16" in layout and image.mode in ("RGB", "RGBA") and isinstance(image, PngImagePlugin.PngImageFile | DeepTiff):
        return _colours_to_8_bits(image, layout, again)
    return image


def as_reference_tools(image: Image.Image, layout: str, again: Again) -> Image.Image:
    """Return a loaded image that is not plain as PDQ's tools see it: of mode RGB, without its transparency.

    They are built on Pillow, which takes values of 16-bit grey beyond 255 for white. Narrower pictures are reduced to
    8 bits as in `to_8_bits`.
    """
    if image.mode[0] in "IF":
        deep = np.asarray(image)
        if deep.dtype.kind == "f" or width_of(int(deep.max())) >= 16:
            return image.convert("RGB")
    return to_8_bits(image, layout, again).convert("RGB")


def _grey_to_8_bits(image: Image.Image) -> Image.Image:
    deep = np.asarray(image)
    tags = image.tag_v2 if isinstance(image, DeepTiff) else {}
    if (
        deep.dtype == np.int32
        and tags.get(_BITS_PER_SAMPLE) == (32,)
        and tags.get(_SAMPLE_FORMAT, (1,)) == (_UNSIGNED,)
    ):
        deep = deep.view(np.uint32)
    (stated,) = set(tags.get(_BITS_PER_SAMPLE, (16,)))
    levels = _stretched(deep) if deep.dtype.kind == "f" else _high_bits(deep, stated if stated < 16 else None)
    if isinstance(image, DeepTiff) and image.inverted:
        levels = 255 - levels
    transparent = image.info.get("transparency")
    if not isinstance(transparent, int):
        return Image.fromarray(levels)
    return Image.fromarray(np.dstack([levels, np.where(deep == transparent, 0, _OPAQUE).astype(np.uint8)]))


def _stretched(deep: NDArray[Any]) -> U8:
    finite = np.isfinite(deep)
    low = float(deep.min(where=finite, initial=np.inf))
    high = float(deep.max(where=finite, initial=-np.inf))
    if not low < high:
        return np.zeros(deep.shape, np.uint8)
    scaled = (np.where(finite, deep, low).astype(np.float64) - low) * (255 / (high - low))
    return np.rint(scaled).astype(np.uint8)


def width_of(largest: int) -> int:
    """Return the least usual width, in bits, that holds a value."""
    return next(width for width in USUAL_WIDTHS if largest < 1 << width)


def _high_bits(deep: NDArray[Any], stated: int | None = None) -> U8:
    """Return the 8 highest bits of whole numbers, by the rule of this module; negative values are black."""
    positive = np.maximum(deep, 0)
    width = max(8, stated or width_of(int(positive.max())))
    levels: U8 = np.right_shift(positive, width - 8).astype(np.uint8)
    return levels


def _colours_to_8_bits(image: ImageFile.ImageFile, layout: str, again: Again) -> Image.Image:
    high = np.asarray(image)
    transparent = image.info.get("transparency")
    named = isinstance(transparent, tuple) and image.mode == "RGB"
    visible = high[..., :3] if image.mode == "RGB" else np.where(high[..., 3:] > 0, high[..., :3], 0)
    narrow = width_of(int(visible.max()) << 8 | 0xFF) < 16
    faint = image.mode == "RGBA" and width_of(int(high[..., 3].max()) << 8 | 0xFF) < 16
    if not (named or narrow or faint):
        return image
    deep = _in_full_depth(high, layout, again)
    if deep is None:
        return image
    colours = _high_bits(deep[..., :3])
    if named:
        alpha = np.where((deep == np.array(transparent)).all(axis=2), 0, _OPAQUE).astype(np.uint8)
    elif image.mode == "RGBA":
        alpha = _high_bits(deep[..., 3])
    else:
        return Image.fromarray(colours)
    return Image.fromarray(np.dstack([colours, alpha]))


def _in_full_depth(high: U8, layout: str, again: Again) -> NDArray[np.uint16] | None:
    """Return all 16 bits of colours whose high bytes are known; None if Pillow cannot give the low ones."""
    if layout == "LA;16B":
        both = _loaded_as(again(), "RGBA").astype(np.uint16)
        grey, alpha = both[..., 0] << 8 | both[..., 1], both[..., 2] << 8 | both[..., 3]
        return np.dstack([grey, grey, grey, alpha])
    order = layout[-1] if layout[-1] != "N" else "L" if sys.byteorder == "little" else "B"
    if order not in "BL" or layout.startswith("RGBa"):
        return None
    low = _loaded_as(again(), layout[:-1] + order.translate(_SWAPPED)).astype(np.uint16)
    deep: NDArray[np.uint16] = high * np.uint16(256) + low
    return deep


def _loaded_as(image: ImageFile.ImageFile, layout: str) -> U8:
    """Load a file with its pixels taken for ones of another layout."""
    tiles = []
    for tile in image.tile:
        arguments = (layout, *tile[3][1:]) if isinstance(tile[3], tuple) else layout
        tiles.append(tile._replace(args=arguments))
    image.tile = tiles
    image.load()
    return np.asarray(image)
