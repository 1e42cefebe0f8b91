"""JPEG XL, read by imagecodecs: it keeps all bits of deep pictures, and its licence is as free as that of copyprint.

libjxl turns the picture as its codestream says. The orientation in EXIF data does not count (ISO/IEC 18181-2), so it is
not looked at. What it costs is known before decoding, by the header of the codestream, which is read here.
"""

from __future__ import annotations

import struct

from PIL import Image

from fingerprint.images.damage import DamagedImageError
from fingerprint.images.depth import UnsupportedImageError
from fingerprint.images.extra_image import ExtraImage, picture_of

_CODESTREAM = b"\xff\x0a"
_CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
_MOST_BOXES = 1000
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))  # width to height
_SIDE_BITS = (9, 13, 18, 30)


def is_jxl(start: bytes) -> bool:
    """Return whether a file is a JPEG XL file by its first bytes."""
    return start.startswith((_CODESTREAM, _CONTAINER))


class JxlImage(ExtraImage):
    """The first frame of a JPEG XL file."""

    format = "JPEG XL"

    def _open(self) -> None:
        self._data = self._file().read()
        width, height, bits = read_header(codestream_of(self._data))
        self._expect((width, height), "RGB", deep=bits > 8)

    def _decoded(self) -> Image.Image:
        import imagecodecs

        samples = imagecodecs.jpegxl_decode(self._data, index=0, numthreads=1)
        if samples.ndim not in (2, 3) or samples.shape[2:] not in ((), (1,), (2,), (3,), (4,)):
            raise UnsupportedImageError(f"samples of the shape {samples.shape}")
        if samples.dtype.kind not in "uf":
            raise UnsupportedImageError(f"samples of the type {samples.dtype}")
        return picture_of(samples)


def codestream_of(data: bytes) -> bytes:
    """Return the first bytes of the codestream, out of its container if it has one.

    Raises
    ------
    DamagedImageError
        If there is none.
    """
    if data.startswith(_CODESTREAM):
        return data[:64]
    at = 0
    for _ in range(_MOST_BOXES):
        if at + 8 > len(data):
            break
        size, kind = struct.unpack_from(">I4s", data, at)
        body = at + 8
        if size == 1:
            size, body = int.from_bytes(data[body : body + 8], "big"), body + 8
        if kind == b"jxlc":
            return data[body : body + 64]
        if kind == b"jxlp":  # a part of it, after its number
            return data[body + 4 : body + 68]
        if size == 0 or at + size < body:
            break
        at += size
    raise DamagedImageError("truncated JPEG XL file: its picture is missing")


def read_header(codestream: bytes) -> tuple[int, int, int]:
    """Return width, height and bits a sample by the header of a codestream (ISO/IEC 18181-1, annex D).

    The size is as stored, before turning.

    Raises
    ------
    DamagedImageError
        If it is no codestream.
    """
    if not codestream.startswith(_CODESTREAM):
        raise DamagedImageError("truncated JPEG XL file: its header is missing")
    bits = _Bits(codestream[2:])
    small = bits.take(1)
    height = _side(bits, small=small)
    ratio = bits.take(3)
    if ratio:
        numerator, denominator = _RATIOS[ratio - 1]
        width = height * numerator // denominator
    else:
        width = _side(bits, small=small)
    return width, height, _depth(bits)


def _side(bits: _Bits, *, small: int) -> int:
    if small:
        return 8 * (bits.take(5) + 1)
    return bits.take(_SIDE_BITS[bits.take(2)]) + 1


def _depth(bits: _Bits) -> int:
    """Return the bits a sample; 32 where finding out would take reading on, beyond rare fields."""
    if bits.take(1):  # all fields have their defaults
        return 8
    if bits.take(1):  # rare fields, between which the orientation is
        bits.take(3)
        if bits.take(1):  # intrinsic size
            small = bits.take(1)
            _side(bits, small=small)
            if not bits.take(3):
                _side(bits, small=small)
        if bits.take(1) or bits.take(1):  # a preview, or an animation
            return 32
    if bits.take(1):
        return 32  # floating point
    kind = bits.take(2)
    return (8, 10, 12)[kind] if kind < 3 else bits.take(6) + 1


class _Bits:
    """Numbers in a row of bits, the lowest bit of a byte first."""

    def __init__(self, data: bytes) -> None:
        self._bits = int.from_bytes(data, "little")

    def take(self, n: int) -> int:
        """Return the next n bits as a number."""
        value = self._bits & ((1 << n) - 1)
        self._bits >>= n
        return value
