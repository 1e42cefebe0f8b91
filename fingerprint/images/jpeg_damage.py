"""Whether all pixels of a JPEG file are there, or its decoder has to make some of them up.

libjpeg never stops at damaged data: it warns, fills the gap and goes on. Pillow hides the warning. `simplejpeg` raises
it, at no cost for a sound file, and this module judges it:

- Warnings about headers are no damage, nor are stray bytes between their segments, nor is padding (one byte value,
  repeated) before the end marker.
- A file without its end marker is completed with one. If data are missing, libjpeg then warns that they end early.
  A cut between two scans leaves no trace in them, so the scans of such a file are counted.
- Every other warning about the data is damage.

A JPEG has no checksum, so damage can look like valid data. One kind that is frequent on disks is found nevertheless:
bytes overwritten by zeros. In a photograph's Huffman code they mean one faint coefficient after the other, which no
encoder writes.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

import numpy as np
import simplejpeg

from fingerprint.types import U8

_EOI = b"\xff\xd9"
_SOS, _DHT, _FIRST_APP, _COMMENT = 0xDA, 0xC4, 0xE0, 0xFE
_ABOUT_COLOURS = (_FIRST_APP, _FIRST_APP + 14)  # JFIF and Adobe: what the components are
_SEQUENTIAL, _PROGRESSIVE = (0xC0, 0xC1), 0xC2
_MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")  # in a scan, 0xFF also stuffs and restarts
_SURPLUS = re.compile(r"(\d+) extraneous bytes before marker 0xd9")
_ABOUT_DATA = ("Corrupt JPEG data", "Premature end", "Inconsistent progression")
_FAILURES = (ValueError, KeyError)  # the latter for a sampling of the colours that it does not know
_ZEROS = bytes(24)  # 64 faint coefficients one after the other, if zeros mean that
_COEFFICIENTS = 64
_MOST_SEGMENTS = 20_000  # comments and profiles of a GiB, and the scans of any encoder
_SIZE = 15  # the part of a Huffman symbol that says how many bits of a coefficient follow; 0 for no change


class DamagedJpegError(Exception):
    """A part of a JPEG's pixels is not there; the text says how that shows."""


@dataclass(frozen=True, slots=True)
class _Segment:
    """A marker and its body; a scan is followed by its data, which end at `data_end`."""

    marker: int
    start: int
    body: bytes
    data_start: int
    data_end: int


def complete_jpeg(data: bytes) -> bytes:
    """Return a JPEG file with an end marker: as it is, or with one appended.

    Raises
    ------
    DamagedJpegError
        The file ends before its last scan.
    """
    if data.endswith(_EOI):
        return data
    segments = list(_segments(data))
    if not segments:
        return data  # Pillow will say what is wrong
    if data.startswith(_EOI, segments[-1].data_end):
        return data  # something follows the picture
    if not _has_all_scans(segments):
        raise DamagedJpegError("truncated JPEG file: it ends before its last scan")
    return data + _EOI


def check_jpeg(file: IO[bytes]) -> None:
    """Check that all pixels of a JPEG file are there; one that `simplejpeg` cannot read is only checked for zeros.

    Parameters
    ----------
    file : binary stream
        A file with its end marker; its position is kept.

    Raises
    ------
    DamagedJpegError
        A part of the pixels would be made up.
    """
    position = file.tell()
    file.seek(0)
    data = file.read()
    file.seek(position)
    decode_undamaged(data, (1, 1), 8)


def decode_undamaged(data: bytes, at_least: tuple[int, int], divisor: int, colours: str = "GRAY") -> U8 | None:
    """Decode a JPEG file of which all pixels are there.

    Parameters
    ----------
    data : bytes
        A file with its end marker.
    at_least : (int, int)
        Least width and height to decode at, in pixels.
    divisor : int
        1, 2, 4 or 8: both sides are divided by it while decoding, as far as `at_least` allows.
    colours : str
        ``GRAY`` for the luma alone, or ``RGB``.

    Returns
    -------
    uint8 array, shape (h, w) or (h, w, 3), or None
        None if `simplejpeg` cannot read it, or warns of its headers.

    Raises
    ------
    DamagedJpegError
        A part of the pixels would be made up.
    """
    padding, pixels = 0, None
    try:
        pixels = _decode(data, at_least, divisor, colours)
    except _FAILURES as warning:
        about_data = str(warning).startswith(_ABOUT_DATA)
        bare = bare_jpeg(data)
        if bare != data:  # libjpeg gives only its first warning: look for others without what headers are warned of for
            decode_undamaged(bare, (1, 1), 8)
            tidy = bare_jpeg(data, kept=_ABOUT_COLOURS)
            return _decode(tidy, at_least, divisor, colours, strict=False) if about_data else None
        if about_data:
            padding = _padding(data, str(warning))
            pixels = _decode(data, at_least, divisor, colours, strict=False)
    if data.find(_ZEROS) >= 0 and _has_overwritten_data(data, padding):
        raise DamagedJpegError("damaged JPEG file: a part of its data is overwritten by zeros")
    return pixels


def _decode(data: bytes, at_least: tuple[int, int], divisor: int, colours: str = "GRAY", *, strict: bool = True) -> U8:
    width, height = at_least
    pixels: U8 = simplejpeg.decode_jpeg(
        data, colours, min_height=height, min_width=width, min_factor=divisor, strict=strict
    )
    return pixels[..., 0] if colours == "GRAY" else pixels


def _padding(data: bytes, warning: str) -> int:
    """Return how many bytes of padding end the last scan; raise `DamagedJpegError` if the warning is not about that."""
    surplus = _SURPLUS.search(warning)
    if surplus is not None:
        n, end = int(surplus[1]), list(_segments(data))[-1].data_end
        if len(set(data[end - n : end])) == 1:
            return n
    cut = "premature end" in warning.lower()
    kind = "truncated JPEG file, or one that lost a part" if cut else "damaged JPEG file"
    raise DamagedJpegError(f"{kind}: its decoder would make up pixels ({warning})")


def _segments(data: bytes) -> Iterator[_Segment]:
    """Yield the segments up to the end marker, or as far as they are whole.

    Raises
    ------
    DamagedJpegError
        There are more than any encoder writes: looking at millions of them takes minutes and gigabytes.
    """
    at, n, found_in = 2, 0, _MARKER.search  # decoders skip what stands between two segments of the header
    while (found := found_in(data, at)) is not None and found[0][-1] != _EOI[1]:
        start, body = found.end() - 2, found.end() + 2
        if body > len(data):
            return
        after = found.end() + struct.unpack_from(">H", data, found.end())[0]
        end = after
        if found[0][-1] == _SOS:
            found_in = _MARKER.match
            following = _MARKER.search(data, after)
            end = len(data) if following is None else following.start()
        n += 1
        if n > _MOST_SEGMENTS:
            raise DamagedJpegError(f"damaged JPEG file: it has more than {_MOST_SEGMENTS:,} segments")
        yield _Segment(found[0][-1], start, data[body:after], after, end)
        at = end


def _has_all_scans(segments: list[_Segment]) -> bool:
    """Return whether the scans hold every coefficient of every component, to its last bit."""
    frames = [s for s in segments if s.marker in _SEQUENTIAL or s.marker == _PROGRESSIVE]
    if len(frames) != 1 or len(frames[0].body) < 6:
        return False
    names = frames[0].body[6::3]
    missing = {name: np.full(_COEFFICIENTS, True) for name in names}
    for scan in (s.body for s in segments if s.marker == _SOS):
        n = scan[0] if scan else 0
        if len(scan) < 2 * n + 4:
            return False
        first, last, bits = scan[2 * n + 1 : 2 * n + 4]
        for name in scan[1 : 2 * n + 1 : 2]:
            if name in missing and frames[0].marker in _SEQUENTIAL:
                missing[name][:] = False
            elif name in missing and bits & 15 == 0:
                missing[name][first : last + 1] = False
    return not any(part.any() for part in missing.values())


def _has_overwritten_data(data: bytes, padding: int) -> bool:
    """Return whether a JPEG has zeros in its data, before the padding, that no encoder writes."""
    segments = list(_segments(data))
    end = segments[-1].data_end - padding if segments else 0
    first_symbols: dict[int, int] = {}
    for segment in segments:
        if segment.marker == _DHT:
            first_symbols.update(_first_symbols(segment.body))
        elif (
            segment.marker == _SOS
            and data.find(_ZEROS, segment.data_start, min(segment.data_end, end)) >= 0
            and any(first_symbols.get(table, 1) & _SIZE for table in _tables_of(segment.body))
        ):
            return True
    return False


def _tables_of(scan: bytes) -> set[int]:
    """Return the names of the Huffman tables that a scan reads whole blocks or new coefficients with.

    Zeros can be an even area only if the first code of each of them means that nothing changes. A scan that refines
    coefficients has none, as it holds bare bits too.
    """
    n = 2 * scan[0] if scan else 0
    if len(scan) != n + 4:
        return set()
    first, last, bits = scan[n + 1 : n + 4]
    if bits >> 4:
        return set()
    selectors = scan[2 : n + 1 : 2]
    dc = {both >> 4 for both in selectors} if first == 0 else set()
    ac = {16 | both & 15 for both in selectors} if last > 0 else set()
    return dc | ac


def _first_symbols(tables: bytes) -> Iterator[tuple[int, int]]:
    """Yield the name of each Huffman table, with 16 added for AC, and the symbol of its first code."""
    at = 0
    while at + 17 < len(tables):
        yield tables[at], tables[at + 17]
        at += 17 + sum(tables[at + 1 : at + 17])


def bare_jpeg(data: bytes, kept: Sequence[int] = ()) -> bytes:
    """Return a JPEG file without what does not concern its pixels, up to its first scan.

    That is comments, stray bytes between segments, and segments of applications but those whose markers are `kept`.
    """
    parts = [data[:2]]
    end = 2
    for segment in _segments(data):
        if segment.marker == _SOS:
            parts.append(data[segment.start : segment.data_start])
            end = segment.data_start
            break
        end = segment.data_end
        of_application = _FIRST_APP <= segment.marker <= _FIRST_APP + 15 or segment.marker == _COMMENT
        if segment.marker in kept or not of_application:
            parts.append(data[segment.start : end])
    return b"".join((*parts, data[end:]))
