"""The grey pixels that verification compares: a small square of a reference, a pyramid of a query."""

from __future__ import annotations

import cv2
import numpy as np

from fingerprint.errors import CollectionCorruptError
from fingerprint.kernels.area import reduce_area
from fingerprint.types import U8

#: Width and height of a reference's thumbnail, in pixels, for pictures of any shape.
THUMBNAIL_SIDE = 192
#: The longer side of a query in the finest level of its pyramid, in pixels.
QUERY_SIDE = 512

#: Quality of a thumbnail's JPEG, 0 to 100. Text of a few pixels can still be compared at this quality, and a thumbnail
#: takes about as many bytes as the 64 x 64 raw pixels that collections of format 3 keep.
_JPEG_QUALITY = 55
_FLAT = 2.0  # grey values; standard deviation below which a picture is flat
_FLAT_SIDE = 64  # pixels; of the square on which it is measured
#: How a stored thumbnail begins, and how it ends. OpenCV fills up a JPEG that is cut short without an error.
_JPEG_ENDS = (b"\xff\xd8", b"\xff\xd9")
_PNG_ENDS = (b"\x89PNG\r\n\x1a\n", b"IEND\xae\x42\x60\x82")


def is_flat(thumbnail: U8) -> bool:
    """Return whether a picture is so even that its hashes and descriptor say nothing about it.

    Parameters
    ----------
    thumbnail : uint8 array, shape (h, w), h, w >= 1
        The picture, reduced; of a reference from `open_thumbnail`. It is squeezed into 64 x 64 pixels before it is
        judged, so that fine noise does not count.

    Examples
    --------
    >>> is_flat(open_thumbnail(make_thumbnail(np.full((30, 200), 7, np.uint8))))
    True
    """
    _, deviation = cv2.meanStdDev(shrink(thumbnail, _FLAT_SIDE, _FLAT_SIDE))
    return bool(deviation[0, 0] < _FLAT)


def make_thumbnail(grey: U8) -> U8:
    """Return the thumbnail of a reference, as it is stored.

    Parameters
    ----------
    grey : uint8 array, shape (h, w), h, w >= 1

    Returns
    -------
    uint8 array, shape (n,)
        The bytes of a grey JPEG of 192 x 192 pixels: the picture squeezed into a square, every pixel an average over
        its area. A picture smaller than that is enlarged. The bytes depend on the version of OpenCV.

    Examples
    --------
    >>> open_thumbnail(make_thumbnail(np.full((30, 200), 7, np.uint8))).shape
    (192, 192)
    """
    height, width = grey.shape
    side = THUMBNAIL_SIDE
    # in two steps: when a picture is to be enlarged in one direction, INTER_AREA averages in neither
    square = shrink(np.ascontiguousarray(grey), min(height, side), min(width, side))
    if square.shape != (side, side):
        square = np.asarray(cv2.resize(square, (side, side), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    return _encode(".jpg", square, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])


def pack_thumbnail(pixels: U8) -> U8:
    """Return a raw thumbnail as the bytes of a PNG, without loss: uint8 (s, s) -> uint8 (n,)."""
    return _encode(".png", np.ascontiguousarray(pixels), [])


def open_thumbnail(stored: U8) -> U8:
    """Return the pixels of a stored thumbnail.

    Parameters
    ----------
    stored : uint8 array, shape (n,) or (64, 64)
        The bytes of a grey JPEG or PNG, or raw pixels, which segments of format 3 keep. Raw pixels are returned as they
        are.

    Returns
    -------
    uint8 array, shape (s, s)

    Raises
    ------
    CollectionCorruptError
        If the bytes are not those of a complete, square picture.
    """
    if stored.ndim == 2:
        return stored
    data = stored.tobytes()
    whole = any(data.startswith(first) and data.endswith(last) for first, last in (_JPEG_ENDS, _PNG_ENDS))
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) if whole else None
    except cv2.error:
        pixels = None
    if pixels is None or pixels.shape[0] != pixels.shape[1]:
        raise CollectionCorruptError(
            f"the {len(data)} bytes of its stored thumbnail are not a square JPEG or PNG; run 'fingerprint index "
            "check' on the collection that it comes from"
        )
    return np.asarray(pixels, dtype=np.uint8)


def make_pyramid(grey: U8) -> tuple[U8, ...]:
    """Return the pyramid of a query: the picture at decreasing sizes, each half the one before.

    Parameters
    ----------
    grey : uint8 array, shape (h, w), h, w >= 1

    Returns
    -------
    tuple of uint8 arrays, shape (h_i, w_i)
        The first has a longer side of at most 512 pixels (a smaller picture stays as it is), the last one of at most
        16.

    Examples
    --------
    >>> [level.shape for level in make_pyramid(np.zeros((600, 1024), np.uint8))]
    [(300, 512), (150, 256), (75, 128), (38, 64), (19, 32), (10, 16)]
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
    """Return a picture at a smaller size, every pixel an average over its area.

    The result is that of OpenCV with ``INTER_AREA``, to the bit. OpenCV is faster only if both sides are divided by
    whole numbers. Where one side grows, it interpolates linearly.

    Parameters
    ----------
    pixels : uint8 array, shape (h, w) or (h, w, c)
    height, width : int

    Returns
    -------
    uint8 array, shape (height, width) or (height, width, c)
    """
    h, w = pixels.shape[:2]
    if (h, w) == (height, width):
        return pixels
    if h < height or w < width or (h % height == 0 and w % width == 0):
        return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    n_channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    flat = np.ascontiguousarray(pixels).reshape(h, w * n_channels)
    return reduce_area(flat, n_channels, width, height).reshape(height, width, *pixels.shape[2:])


def _encode(ending: str, pixels: U8, options: list[int]) -> U8:
    done, data = cv2.imencode(ending, pixels, options)
    if not done:
        raise AssertionError(f"OpenCV cannot write {ending}")
    return np.asarray(data, dtype=np.uint8).reshape(-1)
