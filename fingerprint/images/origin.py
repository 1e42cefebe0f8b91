"""What a file says about where its picture comes from: format, how much was lost by compression, camera, date.

Only headers are read, nothing is decoded. A header that makes no sense says nothing; it is never an error.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fingerprint.images.heif import is_heic
from fingerprint.images.jxl import is_jxl
from fingerprint.images.raw import is_raw

_READ = 1 << 18  # bytes from the start of a file; headers of photographs lie within 64 KiB or a little more
_READ_ALL = 1 << 26  # the same of formats whose EXIF data may lie behind the picture
_BEHIND = ("PNG", "WebP", "TIFF", "HEIC", "AVIF", "JPEG XL")
_OF_BOXES = ("HEIC", "AVIF", "JPEG XL")
_BLOCK = re.compile(rb"(?:Exif\0\0|\0\0\0\0)(?=II\*\0|MM\0\*)")  # what is before EXIF data in these
_SOI = b"\xff\xd8"
_SOS, _DQT, _APP1, _APP2 = 0xDA, 0xDB, 0xE1, 0xE2
_ALONE = frozenset((0x01, *range(0xD0, 0xD9)))  # markers without a length
_EXIF = b"Exif\0\0"
_MAKE, _MODEL, _DATE, _EXIF_FOLDER, _TAKEN = 0x010F, 0x0110, 0x0132, 0x8769, 0x9003
_TEXT, _LONGEST = 2, 64  # type of a text in EXIF, and the most bytes of one that is read
_MOST_TAGS = 512
_MPF, _PICTURES = b"MPF\0", 0xB002  # the index of a JPEG of several pictures, and its tag that lists them
_OWN_KINDS = frozenset((0x020001, 0x020002, 0x020003))  # part of a panorama, another eye's view, another angle
_UNNAMED_KIND, _OWN_SHARE = 0, 0.5  # the kind of gain maps, too; but these have a small part of the first one's bytes
_WEBP_ANIMATION = 2  # a bit of the flags of VP8X
_DATE_FORM = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)")
#: Steps in which a JPEG of quality 50 has luma, in the order of a file (zigzag): Annex K of the standard, ITU-T T.81.
LUMA_STEPS = (
    *(16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51),
    *(61, 60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103, 104, 103, 62, 77),
    *(113, 121, 112, 100, 120, 92, 101, 103, 99),
)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a file says about its picture.

    Attributes
    ----------
    form : str
        ``"JPEG"``, ``"PNG"``, ``"WebP"``, ``"TIFF"``, ``"GIF"``, ``"BMP"``, ``"HEIC"``, ``"AVIF"``,
        ``"JPEG XL"``, ``"camera RAW"``, or ``""`` for any other.
    quality : int or None
        Of a JPEG, 1 to 100: the quality at which libjpeg would have quantised luma like that. Of formats without loss
        100. None where it is not known.
    camera : str or None
        Maker and model of the camera.
    taken : str or None
        When the photograph was taken, ``"2019-05-01 12:30:59"``, by the camera's clock; if the file does not say, when
        it was last changed by a program that wrote that down.
    may_have_frames : bool
        Whether it may be an animation or have several pages; `fingerprint.images.decode.count_frames` counts them.
    n_further : int
        Pictures of their own that follow the first in a JPEG of several (MPO), as of a stereo camera; previews and gain
        maps are none.
    """

    form: str
    quality: int | None
    camera: str | None
    taken: str | None
    may_have_frames: bool = False
    n_further: int = 0


def origin_of(path: Path) -> Origin:
    """Return what a file says about its picture.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(_READ)
        return origin_of_bytes(data + file.read(_READ_ALL) if _form(data) in _BEHIND else data)


def origin_of_bytes(data: bytes) -> Origin:
    """Return what the first bytes of a file say about its picture."""
    form = _form(data)
    camera, taken = _exif_facts(_exif(form, data))
    n_further = _further_pictures(data) if form == "JPEG" else 0
    return Origin(form, _quality(form, data), camera, taken, _may_have_frames(form, data), n_further)


def _form(data: bytes) -> str:
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WebP"
    if is_heic(data):
        return "HEIC"
    if data[4:8] == b"ftyp" and data[8:12] in (b"avif", b"avis", b"mif1", b"msf1"):
        return "AVIF"
    if is_jxl(data):
        return "JPEG XL"
    if is_raw(data[:16], io.BytesIO(data)):
        return "camera RAW"
    starts = (
        *((_SOI, "JPEG"), (b"\x89PNG\r\n\x1a\n", "PNG"), (b"II*\0", "TIFF"), (b"MM\0*", "TIFF"), (b"GIF8", "GIF")),
        (b"BM", "BMP"),
    )
    return next((name for start, name in starts if data.startswith(start)), "")


def _quality(form: str, data: bytes) -> int | None:
    if form in ("TIFF", "BMP", "camera RAW"):
        return 100
    if form == "PNG":
        return None if data[25:26] == b"\x03" else 100  # with a palette most photographs have lost colours
    if form == "WebP":
        return 100 if data[12:16] == b"VP8L" else None
    if form != "JPEG":
        return None
    for marker, body in _segments(data):
        if marker == _DQT and (table := _luma_table(body)) is not None:
            return _quality_of(table)
    return None


def _may_have_frames(form: str, data: bytes) -> bool:
    if form == "PNG":
        return b"acTL" in data
    if form == "WebP":
        return data[12:16] == b"VP8X" and any(flags & _WEBP_ANIMATION for flags in data[20:21])
    return form in ("GIF", "TIFF", "AVIF", "HEIC")


def _further_pictures(data: bytes) -> int:
    """Return how many pictures of their own follow the first one in a JPEG.

    Reference: CIPA DC-007, *Multi-Picture Format*, 2009.
    """
    for marker, body in _segments(data):
        if marker == _APP2 and body.startswith(_MPF):
            try:
                first, *others = _picture_entries(body[len(_MPF) :])
            except (struct.error, ValueError):  # a header that makes no sense says nothing
                return 0
            return sum(
                kind in _OWN_KINDS or (kind == _UNNAMED_KIND and n_bytes >= _OWN_SHARE * first[1])
                for kind, n_bytes in others
            )
    return 0


def _picture_entries(tiff: bytes) -> list[tuple[int, int]]:
    """Return kind and size in bytes of the pictures that the index of a JPEG of several has."""
    order = "<" if tiff.startswith(b"II") else ">"
    (at,) = struct.unpack_from(f"{order}I", tiff, 4)
    (n_tags,) = struct.unpack_from(f"{order}H", tiff, at)
    for k in range(min(n_tags, _MOST_TAGS)):
        tag, _, n_bytes, place = struct.unpack_from(f"{order}HHII", tiff, at + 2 + 12 * k)
        if tag == _PICTURES:
            table = tiff[place : place + n_bytes - n_bytes % 16]
            entries = struct.iter_unpack(f"{order}IIIHH", table)
            return [(attributes & 0xFFFFFF, size) for attributes, size, *_ in entries]
    return []


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield marker and body of the segments of a JPEG before its first scan."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != _SOS:
        marker = data[at + 1]
        if marker == 0xFF or marker in _ALONE:
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        yield marker, data[at + 4 : at + 2 + length]
        at += 2 + max(2, length)


def _luma_table(body: bytes) -> tuple[int, ...] | None:
    """Return table 0 of a segment of quantisation tables, 64 numbers in the order of the file."""
    at = 0
    while at < len(body):
        wide, number = body[at] >> 4, body[at] & 15
        size = 128 if wide else 64
        if at + 1 + size > len(body):
            return None
        if number == 0:
            return struct.unpack_from(">64H" if wide else ">64B", body, at + 1)
        at += 1 + size
    return None


def _quality_of(table: tuple[int, ...]) -> int:
    """Return the quality whose table, as libjpeg scales the standard's, has the same sum."""
    return quality_of_percent(100 * sum(table) / sum(LUMA_STEPS))


def quality_of_percent(percent: float) -> int:
    """Return the quality, 1 to 100, at which libjpeg has steps of this percentage of `LUMA_STEPS`."""
    quality = 100 - percent / 2 if percent <= 100 else 5000 / percent
    return min(100, max(1, round(quality)))


def _exif(form: str, data: bytes) -> bytes:
    """Return the EXIF block of a file, as a TIFF begins; nothing if there is none within `data`."""
    if form in ("TIFF", "camera RAW"):
        return data
    if form == "JPEG":
        bodies = (body[len(_EXIF) :] for marker, body in _segments(data) if marker == _APP1 and body.startswith(_EXIF))
        return next(bodies, b"")
    if form == "PNG":
        at = data.find(b"eXIf", 8)
        return data[at + 4 : at + 4 + int.from_bytes(data[at - 4 : at], "big")] if at >= 12 else b""
    if form in _OF_BOXES:
        found = _BLOCK.search(data)
        return data[found.end() : found.end() + _READ] if found else b""
    if form == "WebP":
        at = data.find(b"EXIF", 12)
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        return data[at + 8 : at + 8 + size].removeprefix(_EXIF) if at >= 12 else b""
    return b""


def _exif_facts(block: bytes) -> tuple[str | None, str | None]:
    """Return the camera and the date."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None:
        return None, None
    try:
        (first,) = struct.unpack_from(order + "I", block, 4)
        tags = _tags(block, order, first)
        folder = tags.get(_EXIF_FOLDER)
        inner = _tags(block, order, folder) if isinstance(folder, int) else {}
    except struct.error:
        return None, None
    words = [value for tag in (_MAKE, _MODEL) if isinstance(value := tags.get(tag), str) and value]
    if len(words) == 2 and words[1].casefold().startswith(words[0].casefold()):
        words = words[1:]  # many models begin with their maker
    return " ".join(words) or None, _date(inner.get(_TAKEN)) or _date(tags.get(_DATE))


def _tags(block: bytes, order: str, at: int) -> dict[int, str | int]:
    """Return the texts and the whole numbers of a folder of tags."""
    (n_tags,) = struct.unpack_from(order + "H", block, at)
    found: dict[int, str | int] = {}
    for k in range(min(n_tags, _MOST_TAGS)):
        tag, kind, count, value = struct.unpack_from(order + "HHII", block, at + 2 + 12 * k)
        if tag not in (_MAKE, _MODEL, _DATE, _EXIF_FOLDER, _TAKEN):
            continue
        if kind == _TEXT:
            start = value if count > 4 else at + 2 + 12 * k + 8
            text = block[start : start + min(count, _LONGEST)].split(b"\0")[0]
            found[tag] = " ".join(text.decode("utf-8", "replace").split())
        elif tag == _EXIF_FOLDER:
            found[tag] = value
    return found


def _date(text: object) -> str | None:
    """Return a date of EXIF as ``YYYY-MM-DD HH:MM:SS``; None for zeros, blanks and anything else."""
    found = _DATE_FORM.fullmatch(text) if isinstance(text, str) else None
    if found is None or found[1] == "0000":
        return None
    year, month, day, hour, minute, second = found.groups()
    return f"{year}-{month}-{day} {hour}:{minute}:{second}"
