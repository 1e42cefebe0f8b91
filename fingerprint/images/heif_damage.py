"""Whether a part of a HEIF file's pixels is overwritten by zeros: HEIC and AVIF have no checksums.

- In HEVC data there are never three zero bytes in a row: where a code would make them, a byte is put between (ITU-T
  H.265, 7.4.1.1). Data begin with their length, in four bytes.
- AV1 has no such rule, but its code leaves no long runs of zeros: the longest in drawn pictures of one colour, of
  dots, lines and tiles was 50 bytes.

Only the data of pictures are looked at, as the boxes of the file list them: zeros in camera notes are common.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fingerprint.images.damage import DamagedImageError

#: Zero bytes in a row that data of a codec do not have, by the type of their item.
_ZEROS: Mapping[bytes, bytes] = {b"hvc1": bytes(12), b"av01": bytes(256)}
_FRAME_UNITS = (4, 6)  # types of the units (OBU) of AV1 that have pixels; others may be padding
_PARTS_OF_OTHERS = (b"thmb", b"auxl")  # references of thumbnails, and of transparency and depth, to their pictures
_MOST_ITEMS = 100_000


@dataclass(slots=True)
class _Items:
    """What the boxes say: the primary item, the type of each, where its data are, and what refers to what."""

    primary: int | None = None
    kinds: dict[int, bytes] = field(default_factory=dict)
    places: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    references: list[tuple[bytes, int, list[int]]] = field(default_factory=list)


def check_zeros(data: bytes, form: str, *, primary: bool) -> None:
    """Check that the pictures of a HEIF file are not overwritten by zeros; what cannot be understood passes.

    Parameters
    ----------
    data : bytes
        The whole file.
    form : str
        Its format in messages.
    primary : bool
        Look at the primary picture and its tiles alone; otherwise at all pictures but thumbnails and transparency.

    Raises
    ------
    DamagedImageError
    """
    items = _Items()
    try:
        _read_boxes(data, 0, len(data), items)
    except (struct.error, IndexError):  # the decoder says what is wrong with the boxes
        return
    for number in _pictures(items, primary=primary):
        kind = items.kinds.get(number, b"")
        zeros = _ZEROS.get(kind)
        if zeros is not None and any(
            data.find(zeros, start, end) >= 0
            for place in items.places.get(number, ())
            for start, end in (_frame_units(data, *place) if kind == b"av01" else [place])
        ):
            raise DamagedImageError(f"damaged {form} file: a part of its data is overwritten by zeros")


def _pictures(items: _Items, *, primary: bool) -> set[int]:
    if not primary:
        parts = {source for kind, source, _ in items.references if kind in _PARTS_OF_OTHERS}
        return set(items.kinds) - parts
    chosen, left = set[int](), [] if items.primary is None else [items.primary]
    while left:
        number = left.pop()
        if number not in chosen:
            chosen.add(number)
            left += [
                to for kind, source, all_to in items.references if (kind, source) == (b"dimg", number) for to in all_to
            ]
    return chosen


def _read_boxes(data: bytes, at: int, end: int, items: _Items) -> None:
    """Read the boxes between two positions that say something of items."""
    while at + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if size == 1:
            (size,), start = struct.unpack_from(">Q", data, start), start + 8
        stop = end if size == 0 else min(end, at + size)
        if stop <= at + 7:
            return
        version, body = data[start] if start < stop else 0, start + 4
        if kind == b"meta":
            _read_boxes(data, body, stop, items)
        elif kind == b"pitm":
            items.primary = struct.unpack_from(">I" if version else ">H", data, body)[0]
        elif kind == b"iinf":
            _read_boxes(data, body + (4 if version else 2), stop, items)
        elif kind == b"infe" and version >= 2:
            number, _, name = struct.unpack_from(">IH4s" if version >= 3 else ">HH4s", data, body)
            items.kinds[number] = name
        elif kind == b"iref":
            _read_references(data, body, stop, version, items)
        elif kind == b"iloc":
            _read_places(data, body, version, items)
        at = stop


def _read_references(data: bytes, at: int, end: int, version: int, items: _Items) -> None:
    number = "I" if version else "H"
    while at + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, at)
        source, count = struct.unpack_from(f">{number}H", data, at + 8)
        found = struct.unpack_from(f">{count}{number}", data, at + 8 + struct.calcsize(f">{number}H"))
        items.references.append((kind, source, list(found)))
        if size < 8:
            return
        at += size


def _read_places(data: bytes, at: int, version: int, items: _Items) -> None:
    """Read where the data of items are; those that are not plainly in the file are left out."""

    def number(n_bytes: int) -> int:
        nonlocal at
        if at + n_bytes > len(data):
            raise IndexError(at)
        at += n_bytes
        return int.from_bytes(data[at - n_bytes : at], "big")

    sizes = number(2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version in (1, 2) else 0
    left = _MOST_ITEMS
    for _ in range(number(4 if version == 2 else 2)):
        item = number(4 if version == 2 else 2)
        in_file = (number(2) & 15 if version in (1, 2) else 0) == 0
        number(2)  # another file
        base, places = number(base_size), []
        for _ in range(number(2)):
            number(index_size)
            start, length = base + number(offset_size), number(length_size)
            places.append((start, start + length if length else len(data)))
            left -= 1
            if left < 0:
                return
        if in_file:
            items.places[item] = places


def _frame_units(data: bytes, at: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield where the units of AV1 data are that have pixels."""
    end = min(end, len(data))
    while at < end:
        head = data[at]
        kind, extended, sized = head >> 3 & 15, head >> 2 & 1, head >> 1 & 1
        at += 1 + extended
        size, shift = 0, 0
        while sized and at < end:  # seven bits a byte, the least first
            size |= (data[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if not data[at - 1] & 128 or shift > 56:
                break
        stop = min(end, at + size) if sized else end
        if kind in _FRAME_UNITS:
            yield at, stop
        at = max(stop, at)
        if not size and sized and kind == 0:
            return
