"""Turning pictures upright, by the orientation in their EXIF data."""

from __future__ import annotations

import logging
from collections.abc import Callable

from PIL import Image

_LOGGER = logging.getLogger(__name__)

_TAG = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientation_of(read_exif: Callable[[], Image.Exif], default: int = 1) -> int:
    """Return the EXIF orientation, 1 to 8, of a loaded image; `default` if it has none.

    Pillow itself turns a TIFF upright and removes its tag.
    """
    try:
        value = read_exif().get(_TAG, default)
    except Exception as error:  # noqa: BLE001 - damaged EXIF does not make the pixels unreadable
        _LOGGER.info("EXIF data cannot be read, the picture is taken as upright: %s", error)
        return 1
    return value if isinstance(value, int) and value in _TURNS else 1


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Return an image turned upright; itself if it is."""
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image


def swaps_sides(orientation: int) -> bool:
    """Return whether width and height change places."""
    return orientation >= 5


def parsed_exif(block: bytes) -> Image.Exif:
    """Return the tags of a block of EXIF data."""
    exif = Image.Exif()
    exif.load(block)
    return exif
