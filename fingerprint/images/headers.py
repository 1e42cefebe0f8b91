"""What the first bytes of a JPEG, PNG or WebP file say: its size, and whether anything about it is unusual.

Plain files are decoded in the process of the caller. All others are decoded in a process of their own, see
`fingerprint.images.sandbox`. Nothing is decoded to find that out.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

_MOST_SEGMENTS = 500  # of a JPEG, before its first scan; a colour profile of 4 MiB takes 64
_MOST_SCANS = 1000  # of a JPEG; encoders write up to 12, and 300 could hold every coefficient by itself
_MOST_CHUNKS = 64  # of a PNG or WebP, besides those of its pixels
_LONGEST_CHUNK = 1 << 20  # bytes, of the same
_MEAN_PART = 1024  # bytes: Pillow's loop over a PNG's parts takes longer than decoding if they are smaller
_SOF_PLAIN = frozenset((0xC0, 0xC1, 0xC2))  # baseline, extended, progressive
_SOF_OTHER = frozenset(range(0xC3, 0xD0)) - {0xC4, 0xC8, 0xCC}  # lossless, hierarchical, arithmetic
_PROGRESSIVE, _SOS, _EOI, _APP1 = 0xC2, 0xDA, 0xD9, 0xE1
_EXIF = b"Exif\0\0"
_TAG_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}  # bytes by type
_WITHIN_TAG = 4  # bytes: a longer value lies elsewhere in the block
_READ_TAGS = (0x0112, 0x011A, 0x0128)  # orientation and resolution


@dataclass(frozen=True, slots=True)
class Header:
    """What a header says of a picture.

    Attributes
    ----------
    width, height : int
        Stored size in pixels.
    n_passes : int
        How many times a decoder walks over all pixels: the scans of a JPEG that is stored in several.
    plain : bool
        Whether the file is of the usual kind: one frame, at most 8 bits a sample, no more parts than its pixels need,
        and EXIF that is sound.
    """

    width: int
    height: int
    n_passes: int = 1
    plain: bool = True


def header_of(form: str, data: bytes) -> Header | None:
    """Return what the header of a JPEG, PNG or WebP file says; None for any other file, and if it cannot be read.

    Parameters
    ----------
    form : str
        Format by the first bytes, as Pillow names it.
    data : bytes
        The whole file.
    """
    parse = _PARSERS.get(form)
    if parse is None:
        return None
    try:
        return parse(data)
    except (IndexError, struct.error):  # cut short: Pillow will say what is wrong
        return None


def _jpeg(data: bytes) -> Header | None:
    at, n_segments, frame, exif = 2, 0, None, b""
    while data[at] == 0xFF and n_segments <= _MOST_SEGMENTS:
        marker = data[at + 1]
        n_segments += 1
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker in _SOF_OTHER or marker <= 0x01 or 0xD0 <= marker <= _EOI:
            return None
        if marker in _SOF_PLAIN:
            if frame is not None:
                return None
            frame = (marker, *struct.unpack_from(">BHHB", data, at + 4))
        elif marker == _APP1 and data.startswith(_EXIF, at + 4):
            after = at + 2 + struct.unpack_from(">H", data, at + 2)[0]
            exif = data[at + 4 : after] if not exif else b"in several segments"
        elif marker == _SOS:
            if frame is None:
                return None
            kind, bits, height, width, n_components = frame
            whole = kind != _PROGRESSIVE and data[at + 4] == n_components  # all in this one scan
            n_scans = data.count(b"\xff\xda", at)
            return Header(
                width, height, 1 if whole else n_scans, bits == 8 and n_scans <= _MOST_SCANS and _is_sound(exif)
            )
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return None


def _png(data: bytes) -> Header | None:
    length, kind, width, height, bits = struct.unpack_from(">I4sIIB", data, 8)
    if kind != b"IHDR" or length != 13:
        return None
    at, n_parts, n_others = 33, 0, 0
    read = struct.Struct(">I4s").unpack_from
    plain = bits <= 8
    while plain and at + 8 <= len(data):
        length, kind = read(data, at)
        if kind == b"IDAT":
            n_parts += 1
        elif kind == b"IEND":
            return Header(width, height, plain=n_parts <= _MOST_CHUNKS + len(data) // _MEAN_PART)
        else:
            n_others += 1
            plain = n_others <= _MOST_CHUNKS and length <= _LONGEST_CHUNK and kind not in (b"acTL", b"fcTL", b"fdAT")
            body = data[at + 8 : at + 8 + length]
            plain = plain and (_is_sound(body) if kind == b"eXIf" else not body.startswith(b"Raw profile type exif"))
        at += 12 + length
    return Header(width, height, plain=False)


def _webp(data: bytes) -> Header | None:
    kind, at = data[12:16], 20
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, at + 6)
        return Header(width & 0x3FFF, height & 0x3FFF, plain=data[at + 3 : at + 6] == b"\x9d\x01\x2a")
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, at + 1)
        return Header((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, plain=data[at] == 0x2F)
    if kind != b"VP8X":
        return None
    width = int.from_bytes(data[at + 4 : at + 7], "little") + 1
    height = int.from_bytes(data[at + 7 : at + 10], "little") + 1
    animated = bool(data[at] & 0x02)
    return Header(width, height, plain=not animated and _few_chunks(data))


def _few_chunks(data: bytes) -> bool:
    at, n_chunks = 12, 0
    while at + 8 <= len(data) and n_chunks <= _MOST_CHUNKS:
        kind, length = struct.unpack_from("<4sI", data, at)
        if kind not in (b"VP8 ", b"VP8L", b"ALPH") and length > _LONGEST_CHUNK:
            return False
        if kind == b"EXIF" and not _is_sound(data[at + 8 : at + 8 + length]):
            return False
        at += 8 + length + length % 2
        n_chunks += 1
    return n_chunks <= _MOST_CHUNKS


def _is_sound(exif: bytes) -> bool:
    """Return whether Pillow reads EXIF data without a warning, which in this process would not name the file."""
    block = exif.removeprefix(_EXIF)
    if not block:
        return True
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None:
        return False
    try:
        (at,) = struct.unpack_from(order + "I", block, 4)
        (n_tags,) = struct.unpack_from(order + "H", block, at)
        struct.unpack_from(order + "I", block, at + 2 + 12 * n_tags)  # what follows the tags
        values = 0
        for tag, kind, count, value in struct.iter_unpack(order + "HHII", block[at + 2 : at + 2 + 12 * n_tags]):
            size = _TAG_SIZES.get(kind, 0) * count
            values += size if size > _WITHIN_TAG else 0
            if (size > _WITHIN_TAG and value + size > len(block)) or (tag in _READ_TAGS and count != 1):
                return False
    except struct.error:
        return False
    return values <= len(block)


_PARSERS = {"JPEG": _jpeg, "PNG": _png, "WEBP": _webp}
