"""A faster way to the pixels of ordinary JPEG files, which most image files are, and one that notices damage.

Pillow spends a third of a millisecond in the interpreter on a file whose luma libjpeg decodes in a quarter of one, and
hides what libjpeg says of damage. So `fingerprint.images.decode` checks the markers with this module, and the file is
decoded here if they show nothing unusual. Pillow and `simplejpeg` are built on libjpeg-turbo and give the same pixels.
Pillow decodes the unusual files: colour spaces other than grey and YCbCr, and orientations in XMP.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from fingerprint.images.convert import Mode
from fingerprint.images.jpeg_damage import bare_jpeg, decode_undamaged
from fingerprint.types import U8

_SOI = b"\xff\xd8"
#: Says that a file's three components are not to be converted, as they are red, green and blue.
_AS_STORED = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
_NEUTRAL = 128
_SOF = frozenset((0xC0, 0xC1, 0xC2))  # baseline, extended and progressive, Huffman coded
_SOS, _APP1, _APP14 = 0xDA, 0xE1, 0xEE
#: Lossless, hierarchical and arithmetic coding; markers that belong between scans.
_UNUSUAL = frozenset((0x01, *range(0xC3, 0xD8))) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """What the markers of an ordinary JPEG file say.

    Attributes
    ----------
    width, height : int
        Stored size in pixels, before any orientation.
    n_components : int
        1 for grey, 3 for YCbCr.
    exif : bytes
        The EXIF block, from ``Exif`` on; empty if there is none.
    """

    width: int
    height: int
    n_components: int
    exif: bytes


def ordinary_header(data: bytes) -> JpegHeader | None:
    """Return the header of an ordinary grey or YCbCr JPEG; None for any other file.

    Parameters
    ----------
    data : bytes
        The whole file.
    """
    if not data.startswith(_SOI):
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


def _ordinary_size(data: bytes, body: int) -> tuple[int, int, int] | None:
    """Return (width, height, number of components) from a frame header of 8 bits, grey or YCbCr, else None."""
    precision, height, width, n_components = struct.unpack_from(">BHHB", data, body)
    names = data[body + 6 : body + 6 + 3 * n_components : 3]
    ordinary = precision == 8 and n_components in (1, 3) and names != b"RGB" and width > 0 and height > 0
    return (width, height, n_components) if ordinary else None


def decode_ordinary(data: bytes, header: JpegHeader, mode: Mode, divisor: int) -> U8 | None:
    """Return the pixels of a JPEG file as it is stored, not turned by its orientation.

    Parameters
    ----------
    data : bytes
        A file with its end marker.
    header : JpegHeader
        What `ordinary_header` says of it.
    mode : str
        ``L``, ``RGB`` or ``YCbCr``.
    divisor : int
        1, 2, 4 or 8, at most the shorter side: both sides are divided by it while decoding.

    Returns
    -------
    uint8 array, shape (h, w) or (h, w, 3), or None
        h and w are ``ceil(height / divisor)`` and ``ceil(width / divisor)``. None if it cannot be read here.

    Raises
    ------
    DamagedJpegError
        A part of the pixels would be made up.
    """
    at_least = (-(-header.width // divisor), -(-header.height // divisor))
    if mode == "L" or header.n_components == 1:
        luma = decode_undamaged(data, at_least, divisor)
        if luma is None or mode == "L":
            return luma
        chroma = luma if mode == "RGB" else np.full_like(luma, _NEUTRAL)
        return np.dstack([luma, chroma, chroma])
    if mode == "YCbCr":
        bare = bare_jpeg(data)
        data = bare[:2] + _AS_STORED + bare[2:]
    return decode_undamaged(data, at_least, divisor, colours="RGB")
