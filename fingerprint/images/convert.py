"""Converting a loaded image of 8 bits a sample to grey or colours, by the rules in `fingerprint.images.decode`."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from PIL import Image

from fingerprint.images.ground import over_ground
from fingerprint.types import U8

Mode: TypeAlias = Literal["L", "RGB", "YCbCr"]


def pixels_of(image: Image.Image, mode: Mode) -> U8:
    """Return a loaded image as grey values, colours, or luma and chroma.

    Parameters
    ----------
    image : PIL.Image.Image
        Loaded, upright, and of 8 bits a sample.
    mode : str
        ``L``, ``RGB`` or ``YCbCr``.

    Returns
    -------
    uint8 array, shape (h, w) or (h, w, 3)
        A new, writable array.
    """
    if image.has_transparency_data:
        image = over_ground(image)
    elif image.mode not in ("L", "RGB", "YCbCr"):
        image = image.convert("RGB")
    if mode == "YCbCr" and image.mode != mode:
        planes = np.asarray(image.convert(mode)).copy()
        planes[..., 0] = np.asarray(image.convert("L"))  # Pillow rounds the two differently
        return planes
    if image.mode != mode:
        image = image.convert(mode)
    return np.asarray(image).copy()  # np.asarray(image) is read-only; np.array(image) is much slower
