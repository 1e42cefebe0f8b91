"""Converting a loaded image of any mode to grey values or colours, by the rules in `fingerprint.images.decode`."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fingerprint.types import U8

Mode: TypeAlias = Literal["L", "RGB", "YCbCr"]


def pixels_of(image: Image.Image, mode: Mode) -> U8:
    """Return a loaded image as grey values, colours, or luma and chroma.

    Parameters
    ----------
    image : PIL.Image.Image
        Loaded and upright.
    mode : str
        ``L``, ``RGB`` or ``YCbCr``.

    Returns
    -------
    uint8 array, shape (h, w) or (h, w, 3)
        A new, writable array.
    """
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
    return np.asarray(image).copy()  # np.asarray(image) is read-only; np.array(image) is much slower


def _to_8_bits(deep: NDArray[Any]) -> U8:
    """Return integer or floating-point grey values as 8 bits, by the rules in `fingerprint.images.decode`."""
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
    """Return how many low bits to drop so that values up to `largest` (8, 16 or 31 bits) fit into 8 bits."""
    return 0 if largest < 1 << 8 else 8 if largest < 1 << 16 else 23
