"""The grey pixels that verification compares: a small square of a reference, a pyramid of a query."""

from __future__ import annotations

import zlib

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
#: What libjpeg writes before the scan of such a JPEG: the table of quality 55, the size, ITU-T T.81's Huffman codes. It
#: is part of the format of collections: with another quality, add another one.
_HEAD = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000ffdb0043000e0a0b0d0b090e0d0c0d100f0e11162417161414162c20211a24342e37"
    "36332e32323a4153463a3d4e3e32324862494e56585d5e5d3845666d655a6c535b5d59ffc0000b0800c000c001011100ffc4001f0000"
    "010501010101010100000000000000000102030405060708090a0bffc400b5100002010303020403050504040000017d010203000411"
    "05122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738393a434445"
    "464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9"
    "aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9faffda00080101"
    "00003f00"
)
_WHOLE = b"\xff\xff"  # before a thumbnail without that head; a scan never begins like this, nor with a marker


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


def shorten(thumbnail: U8) -> U8:
    """Return a thumbnail without the bytes that all have in common, as a collection keeps it.

    Parameters
    ----------
    thumbnail : uint8 array, shape (n,)
        From `make_thumbnail` or `pack_thumbnail`; any bytes come back from `lengthen`.

    Returns
    -------
    uint8 array, shape (m,)
        328 bytes fewer, with a checksum of two bytes; or two bytes more if it does not begin and end as those of
        `make_thumbnail` do.

    Examples
    --------
    >>> whole = make_thumbnail(np.full((30, 200), 7, np.uint8))
    >>> len(whole) - len(shorten(whole)), np.array_equal(lengthen(shorten(whole)), whole)
    (328, True)
    """
    data, (_, end) = thumbnail.tobytes(), _JPEG_ENDS
    if data.startswith(_HEAD) and data.endswith(end) and data[len(_HEAD) : len(_HEAD) + 2] != _WHOLE:
        scan = data[len(_HEAD) : -len(end)]
        return np.frombuffer(scan + _checksum(scan), np.uint8)
    return np.frombuffer(_WHOLE + data, np.uint8)


def lengthen(short: U8) -> U8:
    """Return the thumbnail that was shortened: uint8 array, shape (n,).

    Damaged bytes are returned as they are; `open_thumbnail` refuses them. OpenCV would decode a damaged scan.
    """
    data = short.tobytes()
    if data.startswith(_WHOLE):
        return np.frombuffer(data[len(_WHOLE) :], np.uint8)
    scan, end = data[:-2], _JPEG_ENDS[1]
    return np.frombuffer(_HEAD + scan + end if data[-2:] == _checksum(scan) else data, np.uint8)


def _checksum(data: bytes) -> bytes:
    return (zlib.crc32(data) & 0xFFFF).to_bytes(2, "little")


def open_thumbnail(stored: U8) -> U8:
    """Return the pixels of a thumbnail.

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
