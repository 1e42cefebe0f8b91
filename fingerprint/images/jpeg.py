"""A faster way to the luma of ordinary JPEG files, which most image files are.

Pillow spends a third of a millisecond in the interpreter on a file whose luma libjpeg decodes in a quarter of one. So
`fingerprint.images.decode.read_grey` checks the markers with this module, and OpenCV decodes the luma if they show
nothing unusual. Both libraries are built on libjpeg-turbo and give the same pixels. Pillow decodes the unusual files:
colour spaces other than grey and YCbCr, orientations in XMP, and above all files without the end marker. Pillow refuses
those as truncated, but OpenCV returns a picture that is half grey.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from fingerprint.types import U8

_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
_SOF = frozenset((0xC0, 0xC1, 0xC2))  # baseline, extended and progressive, Huffman coded
_SOS, _APP1, _APP14 = 0xDA, 0xE1, 0xEE
#: Lossless, hierarchical and arithmetic coding; markers that belong between scans.
_UNUSUAL = frozenset((0x01, *range(0xC3, 0xD8))) - {0xC4, 0xC8, 0xCC}
_REDUCED = {
    1: "IMREAD_GRAYSCALE",
    2: "IMREAD_REDUCED_GRAYSCALE_2",
    4: "IMREAD_REDUCED_GRAYSCALE_4",
    8: "IMREAD_REDUCED_GRAYSCALE_8",
}


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """What the markers of an ordinary JPEG file say.

    Attributes
    ----------
    width, height : int
        Stored size in pixels, before any orientation.
    exif : bytes
        The EXIF block, from ``Exif`` on; empty if there is none.
    """

    width: int
    height: int
    exif: bytes


def ordinary_header(data: bytes) -> JpegHeader | None:
    """Return the header of an ordinary grey or YCbCr JPEG that ends with the end marker; None for any other file.

    Parameters
    ----------
    data : bytes
        The whole file.
    """
    if not (data.startswith(_SOI) and data.endswith(_EOI)):
        return None
    try:
        return _walk(data)
    except (IndexError, struct.error):  # a marker points beyond the end: Pillow will say what is wrong
        return None


def _walk(data: bytes) -> JpegHeader | None:
    """Read the markers up to the first scan."""
    at, size, exif = len(_SOI), None, b""
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker in _UNUSUAL:
            return None
        (length,) = struct.unpack_from(">H", data, at + 2)
        body, after = at + 4, at + 2 + length
        if marker == _SOS:
            return None if size is None else JpegHeader(*size, exif)
        if marker in _SOF:
            size = _ordinary_size(data, body)
            if size is None:
                return None
        elif marker == _APP1:
            if exif or b"rientation" in data[body:after]:  # EXIF in several segments, or XMP with an orientation
                return None
            exif = data[body:after] if data.startswith(b"Exif\0\0", body) else b""
        elif marker == _APP14 and data.startswith(b"Adobe", body) and data[body + 11] != 1:
            return None
        at = after
    return None


def _ordinary_size(data: bytes, body: int) -> tuple[int, int] | None:
    """Return (width, height) from a frame header of 8 bits a sample in grey or YCbCr, else None."""
    precision, height, width, n_components = struct.unpack_from(">BHHB", data, body)
    names = data[body + 6 : body + 6 + 3 * n_components : 3]
    ordinary = precision == 8 and n_components in (1, 3) and names != b"RGB" and width > 0 and height > 0
    return (width, height) if ordinary else None


def decode_luma(data: bytes, divisor: int) -> U8 | None:
    """Return the luma of a JPEG file as it is stored, not turned by its orientation.

    Parameters
    ----------
    data : bytes
        A file that has an `ordinary_header`.
    divisor : int
        1, 2, 4 or 8: both sides are divided by it while decoding.

    Returns
    -------
    uint8 array, shape (ceil(height / divisor), ceil(width / divisor)), or None
        None if libjpeg cannot read it.
    """
    import cv2  # not needed in the processes that decode what is no ordinary JPEG

    flags = getattr(cv2, _REDUCED[divisor]) | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        return None
    return None if pixels is None else np.asarray(pixels, np.uint8)
