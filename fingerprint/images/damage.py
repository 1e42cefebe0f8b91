"""Whether all pixels of a PNG or TIFF file are there: what Pillow and its libraries do not check themselves.

- PNG: Pillow leaves the checksums of the parts alone and takes a stream of pixels that ends early for black rows. So
  after a wrong checksum, or if the picture ends in black, the stream is checked as a whole, with its own checksum. A
  damaged part without pixels, such as a comment, is left out, and so are colour profiles and texts.
- TIFF: libtiff stops reading a strip when its rows are full, before the checksum of a deflated one; and Pillow hides
  what libjpeg says of a strip that is a JPEG. Strips of PackBits must make as many bytes as their rows have: a hole in
  them hardly ever does.

The decoders of WebP, GIF, BMP, PPM and AVIF refuse data that end early. What else shows in WebP, AVIF and HEIC is
looked for in `webp_damage` and `heif_damage`. Other damage is not noticed in formats without checksums: these, BMP,
PPM, and TIFF with other compressions or none.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import IO

import numpy as np
from PIL import Image, TiffImagePlugin

from fingerprint.images.jpeg_damage import check_jpeg, complete_jpeg

_PNG_START = 8
_PIECE = 1 << 20  # bytes that are inflated at a time
_MARGIN = 1 << 24  # bytes beyond the pixels that are inflated to reach a checksum
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_WITH_ORIENTATION = (b"Raw profile type exif", b"XML:com.adobe.xmp")  # keywords that Pillow looks into
_LONGEST_TEXT = 1 << 20  # bytes that Pillow inflates
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by the colour type of a PNG
#: First column, first row, step of columns and of rows of each pass of an interlaced PNG.
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_BITS_PER_SAMPLE, _COMPRESSION, _JPEG_TABLES = 258, 259, 347  # tags of a TIFF
_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES = 273, 279, 324, 325
_ROWS_PER_STRIP, _TILE_WIDTH, _TILE_LENGTH, _PLANES = 278, 322, 323, 284
_DEFLATE, _JPEG, _PACKBITS = (8, 32946), 7, 32773
_LONGEST_RUN = 128  # bytes that one code of PackBits makes at most


class DamagedImageError(Exception):
    """A part of a picture's pixels is not there; the text says how that shows."""


def without_harmful_extras(data: bytes) -> bytes:
    """Return a PNG file without those parts that hold no pixels and could keep Pillow from reading it.

    These are parts that do not have the checksum they state, colour profiles and texts. Pillow refuses a file in which
    one of them inflates to more than 1 MiB, or all texts together to more than 64. Texts with an orientation are kept
    up to that size.
    """
    if all(_is_harmless(part) for part in _parts(data) if _is_extra(part)):
        return data
    return data[:_PNG_START] + b"".join(part for part in _parts(data) if not _is_extra(part) or _is_harmless(part))


def check_png(file: IO[bytes], image: Image.Image) -> None:
    """Check that all pixels of a PNG file are there.

    Parameters
    ----------
    file : binary stream
        The whole file.
    image : PIL.Image.Image
        The same, loaded.

    Raises
    ------
    DamagedImageError
        A part of the pixels is made up.
    """
    file.seek(0)
    data = file.read()
    pixels = [part for part in _parts(data) if _kind(part) == b"IDAT"]
    sound = all(map(_is_sound, pixels))
    if sound and not _ends_empty(image):
        return
    left = _stream_length(data)
    inflater = zlib.decompressobj()
    try:
        for part in pixels:
            left -= _inflated(inflater, part[8:-4], max(left, 0) + _MARGIN)
    except zlib.error as error:
        raise DamagedImageError(f"damaged PNG file: its pixels cannot be inflated: {error}") from error
    if left > 0:
        raise DamagedImageError("truncated PNG file: its data end before the picture does")
    if not sound and not inflater.eof:
        raise DamagedImageError("damaged PNG file: a checksum of its pixels is wrong")


def _parts(data: bytes) -> Iterator[bytes]:
    """Yield the parts of a PNG file: length, kind, content and checksum."""
    at = _PNG_START
    while at + 12 <= len(data):
        end = at + 12 + int(struct.unpack_from(">I", data, at)[0])
        if end > len(data):
            return
        yield data[at:end]
        at = end


def _kind(part: bytes) -> bytes:
    return part[4:8]


def _is_extra(part: bytes) -> bool:
    return part[4:5].islower() and _kind(part) != b"tRNS"


def _is_sound(part: bytes) -> bool:
    return zlib.crc32(memoryview(part)[4:-4]) == int.from_bytes(part[-4:])


def _is_harmless(part: bytes) -> bool:
    kind = _kind(part)
    if kind not in _TEXTS:
        return kind != b"iCCP" and _is_sound(part)
    keyword, _, rest = part[8:-4].partition(b"\0")
    if keyword not in _WITH_ORIENTATION or not _is_sound(part):
        return False
    if kind == b"iTXt":  # compressed or not, method, language, translated keyword
        flags, rest = rest[:2], rest[2:].partition(b"\0")[2].partition(b"\0")[2]
        if flags[:1] == b"\0":
            return len(rest) <= _LONGEST_TEXT
    elif kind == b"tEXt":
        return len(rest) <= _LONGEST_TEXT
    else:
        rest = rest[1:]
    try:
        return len(zlib.decompressobj().decompress(rest, _LONGEST_TEXT + 1)) <= _LONGEST_TEXT
    except zlib.error:
        return False


def _ends_empty(image: Image.Image) -> bool:
    """Return whether one of the last two rows is zero throughout, as rows are that were never read."""
    last = np.asarray(image.crop((0, max(0, image.height - 2), image.width, image.height)))
    return bool((last.reshape(len(last), -1) == 0).all(axis=1).any())


def _stream_length(data: bytes) -> int:
    """Return how many bytes the rows of a PNG take, with their filters."""
    width, height, bits, colours, _, _, interlaced = struct.unpack_from(">IIBBBBB", data, _PNG_START + 8)
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    sizes = [(-(-(width - x) // dx), -(-(height - y) // dy)) for x, y, dx, dy in passes if width > x and height > y]
    return sum(rows * (1 + -(-columns * bits * _SAMPLES[colours] // 8)) for columns, rows in sizes)


def _inflated(inflater: zlib._Decompress, data: bytes, most: int) -> int:
    """Inflate data, a piece at a time, until they end or make more than `most` bytes; return how many they make."""
    n = 0
    while data and not inflater.eof and n <= most:
        n += len(inflater.decompress(data, _PIECE))
        data = inflater.unconsumed_tail
    return n


def check_tiff(file: IO[bytes], image: TiffImagePlugin.TiffImageFile) -> None:
    """Check that all pixels of a TIFF file's first page are there, if it is deflated, of PackBits or made of JPEGs.

    Parameters
    ----------
    file : binary stream
        The whole file; its position is kept.
    image : PIL.TiffImagePlugin.TiffImageFile
        The same, opened.

    Raises
    ------
    DamagedImageError, DamagedJpegError
        A part of the pixels is made up.
    """
    tags, position = image.tag_v2, file.tell()
    compression = tags.get(_COMPRESSION)
    strips = zip(
        tags.get(_STRIPS, tags.get(_TILES, ())), tags.get(_STRIP_BYTES, tags.get(_TILE_BYTES, ())), strict=False
    )
    try:
        if compression in _DEFLATE:
            n_bytes = image.width * image.height * max(1, sum(tags.get(_BITS_PER_SAMPLE, (1,))) // 8)
            _check_deflated(_read_strips(file, strips), 2 * n_bytes + _MARGIN)
        elif compression == _JPEG:
            tables = bytes(tags.get(_JPEG_TABLES, b""))[:-2]
            for strip in _read_strips(file, strips):
                check_jpeg(io.BytesIO(complete_jpeg((tables + strip[2:]) if tables else strip)))
        elif compression == _PACKBITS:
            for strip, wanted in zip(_read_strips(file, strips), _strip_lengths(image), strict=False):
                _check_packbits(strip, wanted)
    finally:
        file.seek(position)


def _read_strips(file: IO[bytes], strips: Iterable[tuple[int, int]]) -> Iterator[bytes]:
    for offset, n_bytes in strips:
        file.seek(offset)
        yield file.read(n_bytes)


def _check_deflated(strips: Iterable[bytes], most: int) -> None:
    """Inflate strips, at most so many bytes in all: more are no pixels, and none of theirs is missing."""
    for strip in strips:
        inflater = zlib.decompressobj()
        try:
            most -= _inflated(inflater, strip, most)
        except zlib.error as error:
            raise DamagedImageError(f"damaged TIFF file: its pixels cannot be inflated: {error}") from error
        if most < 0:
            return
        if not inflater.eof:
            raise DamagedImageError("truncated TIFF file: a part of its pixels ends early")


def _strip_lengths(image: TiffImagePlugin.TiffImageFile) -> Iterator[int]:
    """Yield the bytes of each strip's or tile's pixels, without end for tiles."""
    tags = image.tag_v2
    bits = tags.get(_BITS_PER_SAMPLE, (1,))
    planes = len(bits) if tags.get(_PLANES, 1) == 2 else 1
    bits_per_pixel = bits[0] if planes > 1 else sum(bits)
    if _TILES in tags:
        yield from repeat(-(-tags[_TILE_WIDTH] * bits_per_pixel // 8) * tags[_TILE_LENGTH])
    height = image.tag_v2.get(257, image.height)
    rows = min(tags.get(_ROWS_PER_STRIP, height), height)
    row = -(-tags.get(256, image.width) * bits_per_pixel // 8)
    for _ in range(planes):
        for first in range(0, height, max(1, rows)):
            yield row * min(rows, height - first)


def _check_packbits(strip: bytes, wanted: int) -> None:
    """Check that a strip's codes make as many bytes as its pixels have; one more code may be padding."""
    at, n = 0, 0
    while at < len(strip):
        code = strip[at]
        if code < 128:  # this many bytes, and one more, as they are
            n, at = n + code + 1, at + code + 2
        else:  # one byte repeated; 128 stands for nothing
            n, at = n + (257 - code if code > 128 else 0), at + (2 if code > 128 else 1)
    if at > len(strip) + 1 or not wanted <= n <= wanted + _LONGEST_RUN:
        raise DamagedImageError("damaged TIFF file: its PackBits make another number of pixels than the picture has")
