"""The grey pixels that verification compares: a small square of a reference, a pyramid of a query."""

from __future__ import annotations

import cv2
import numpy as np

from fingerprint.types import U8

#: Width and height of a reference's thumbnail, in pixels, for pictures of any shape.
THUMBNAIL_SIDE = 64
#: The longer side of a query in the finest level of its pyramid, in pixels.
QUERY_SIDE = 256

_FLAT = 2.0  # grey values; standard deviation below which a picture is flat


def is_flat(thumbnail: U8) -> bool:
    """Return whether a picture is so even that its hashes and descriptor say nothing about it.

    Parameters
    ----------
    thumbnail : uint8 array, shape (64, 64)
        From `make_thumbnail`.

    Examples
    --------
    >>> is_flat(make_thumbnail(np.full((30, 200), 7, np.uint8)))
    True
    """
    return bool(thumbnail.std() < _FLAT)


def make_thumbnail(grey: U8) -> U8:
    """Return the thumbnail of a reference.

    Parameters
    ----------
    grey : uint8 array, shape (h, w), h, w >= 1

    Returns
    -------
    uint8 array, shape (64, 64)
        The picture squeezed into a square, every pixel an average over its area.

    Examples
    --------
    >>> make_thumbnail(np.full((30, 200), 7, np.uint8)).shape
    (64, 64)
    """
    return shrink(np.ascontiguousarray(grey), THUMBNAIL_SIDE, THUMBNAIL_SIDE)


def make_pyramid(grey: U8) -> tuple[U8, ...]:
    """Return the pyramid of a query: the picture at decreasing sizes, each half the one before.

    Parameters
    ----------
    grey : uint8 array, shape (h, w), h, w >= 1

    Returns
    -------
    tuple of uint8 arrays, shape (h_i, w_i)
        The first has a longer side of at most 256 pixels (a smaller picture stays as it is), the last one of at most
        16.

    Examples
    --------
    >>> [level.shape for level in make_pyramid(np.zeros((300, 512), np.uint8))]
    [(150, 256), (75, 128), (38, 64), (19, 32), (10, 16)]
    """
    level = np.ascontiguousarray(grey)
    height, width = level.shape
    factor = max(height, width) / QUERY_SIDE
    if factor > 1:
        level = shrink(level, max(1, round(height / factor)), max(1, round(width / factor)))
    levels = [level]
    while max(level.shape) > 16:
        height, width = level.shape
        level = shrink(level, (height + 1) // 2, (width + 1) // 2)
        levels.append(level)
    return tuple(levels)


def shrink(pixels: U8, height: int, width: int) -> U8:
    """Return a picture at a smaller size, every pixel an average over its area: uint8 (h, w) -> (height, width)."""
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
