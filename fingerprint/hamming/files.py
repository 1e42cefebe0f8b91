"""The files of a Hamming index in a folder; a crash never leaves half a change.

- ``hamming.json``: the manifest: format version, length of a code, number of codes, which tables there are, checksums;
- ``codes.u64``: the codes one after the other, little-endian; codes past the published number do not count;
- ``tables-FIRST-STOP.u32``: `starts`, `rows` and `rests` (see `TableSegment`) of a range of rows, one after the other.

All files are complete and on disk before a new manifest that names them replaces the old one. Codes are only appended
and table files never change, so a reader's mappings stay as they were when it opened them.
"""

from __future__ import annotations

import json
import os
import re
import stat
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerprint.errors import CollectionCorruptError, CollectionError, CollectionNotFoundError
from fingerprint.files.atomic import UNFINISHED, replacing
from fingerprint.files.datafiles import open_regular, parse_json, read_small
from fingerprint.hamming.tables import Span, TableSegment, table_shapes
from fingerprint.types import U64

FORMAT_VERSION = 1
MANIFEST_NAME = "hamming.json"
CODES_NAME = "codes.u64"
_ENTRIES = {"format_version": int, "n_bits": int, "n_codes": int, "codes_crc32": int, "tables": list}
_TABLE_ENTRIES = ("first_row", "n_rows", "crc32")
_TABLES = re.compile(rf"tables-[0-9]+-[0-9]+\.u32(?:{re.escape(UNFINISHED)})?")
_READ_AT_ONCE = 1 << 22  # bytes


@dataclass(frozen=True, slots=True)
class TableFile:
    """The entry of a file of tables in the manifest."""

    first_row: int
    n_rows: int
    crc32: int

    @property
    def span(self) -> Span:
        """First row and the one after the last."""
        return self.first_row, self.first_row + self.n_rows


@dataclass(frozen=True, slots=True)
class Manifest:
    """The contents of ``hamming.json``; the checksum of the codes is continued as codes are added."""

    n_bits: int
    n_codes: int = 0
    codes_crc32: int = 0
    tables: tuple[TableFile, ...] = ()


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest and check that its entries agree with each other.

    Raises
    ------
    CollectionNotFoundError
        There is no index in `folder`.
    CollectionCorruptError
        The manifest is unreadable, incomplete or of another format version, or its entries disagree.
    """
    path = folder / MANIFEST_NAME
    if not path.is_file():
        raise CollectionNotFoundError(f"{folder}: no Hamming index here; make one with HammingIndex.create")
    try:
        entries = parse_json(read_small(path))
    except (OSError, ValueError) as error:
        raise _corrupt(path, str(error)) from error
    if not isinstance(entries, dict) or any(type(entries.get(key)) is not kind for key, kind in _ENTRIES.items()):
        raise _corrupt(path, "entries are missing or of the wrong type")
    if entries["format_version"] != FORMAT_VERSION:
        raise _corrupt(path, f"format version {entries['format_version']}, this version reads {FORMAT_VERSION}")
    tables = entries["tables"]
    if any(not isinstance(t, dict) or any(type(t.get(key)) is not int for key in _TABLE_ENTRIES) for t in tables):
        raise _corrupt(path, "entries of a table are missing or of the wrong type")
    files = tuple(TableFile(*(t[key] for key in _TABLE_ENTRIES)) for t in tables)
    borders = [0, *(file.span[1] for file in files)]
    if entries["n_bits"] not in (64, 128, 192, 256) or not 0 <= borders[-1] <= entries["n_codes"]:
        raise _corrupt(path, "its numbers do not fit each other")
    if any(file.first_row != before or file.n_rows < 1 for file, before in zip(files, borders, strict=False)):
        raise _corrupt(path, "its tables do not follow each other")
    return Manifest(entries["n_bits"], entries["n_codes"], entries["codes_crc32"], files)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest; from then on readers see the files that it names."""
    entries = {"format_version": FORMAT_VERSION, **asdict(manifest)}
    _write(folder / MANIFEST_NAME, [(json.dumps(entries, indent=2) + "\n").encode()])


def map_codes(folder: Path, manifest: Manifest) -> U64:
    """Map the published codes: uint64 (n_codes, n_words), read-only.

    Raises
    ------
    CollectionCorruptError
        The file is missing or shorter than the manifest says.
    """
    path, n_words = folder / CODES_NAME, manifest.n_bits // 64
    codes: U64 = _map(path, "<u8", manifest.n_codes * n_words, exact=False).reshape(-1, n_words)
    return codes


def append_codes(folder: Path, manifest: Manifest, codes: U64) -> int:
    """Write codes after the published ones and return the checksum of all; a manifest must then publish them."""
    path = folder / CODES_NAME
    data = np.ascontiguousarray(codes, "<u8").reshape(-1).view(np.uint8).data
    _check_own(path)
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.truncate(manifest.n_codes * manifest.n_bits // 8)  # drops codes that a crash left unpublished
        file.seek(0, os.SEEK_END)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return zlib.crc32(data, manifest.codes_crc32)


def write_tables(folder: Path, segment: TableSegment) -> TableFile:
    """Write the tables of a segment to a new file."""
    arrays = (segment.starts, segment.rows, segment.rests)
    parts = [np.ascontiguousarray(array, "<u4").reshape(-1).view(np.uint8).data for array in arrays]
    crc32 = 0
    for part in parts:
        crc32 = zlib.crc32(part, crc32)
    _write(_tables_path(folder, segment.span), parts)
    return TableFile(segment.first_row, segment.n_rows, crc32)


def map_tables(folder: Path, manifest: Manifest, file: TableFile) -> TableSegment:
    """Map the tables of a segment.

    Raises
    ------
    CollectionCorruptError
        The file is missing or has the wrong size, or its buckets do not cover all rows.
    """
    path = _tables_path(folder, file.span)
    shapes = table_shapes(manifest.n_bits, file.n_rows)
    sizes = [rows * columns for rows, columns in shapes]
    flat = _map(path, "<u4", sum(sizes), exact=True)
    parts = np.split(flat, np.cumsum(sizes)[:-1])
    starts, rows, rests = (part.reshape(shape) for part, shape in zip(parts, shapes, strict=True))
    if (starts[:, 0] != 0).any() or (starts[:, -1] != file.n_rows).any() or (starts[:, 1:] < starts[:, :-1]).any():
        raise _corrupt(path, "its buckets do not run from the first to the last row")
    return TableSegment(file.first_row, file.n_rows, starts, rows, rests)


def remove_unlisted(folder: Path, manifest: Manifest) -> None:
    """Remove table files that the manifest does not name: merged ones, and those that a crash left."""
    listed = {_tables_path(folder, file.span) for file in manifest.tables}
    for path in list(folder.iterdir()):
        if _TABLES.fullmatch(path.name) and path not in listed and stat.S_ISREG(path.lstat().st_mode):
            path.unlink(missing_ok=True)


def problems(folder: Path, manifest: Manifest) -> list[str]:
    """Compare all files with their checksums and return the differences."""
    files = [(folder / CODES_NAME, manifest.n_codes * manifest.n_bits // 8, manifest.codes_crc32)]
    for file in manifest.tables:
        n_entries = sum(rows * columns for rows, columns in table_shapes(manifest.n_bits, file.n_rows))
        files.append((_tables_path(folder, file.span), 4 * n_entries, file.crc32))
    found = []
    for path, size, crc32 in files:
        try:
            if _checksum(path, size) != crc32:
                found.append(f"{path}: its bytes have changed since it was written")
        except OSError as error:
            found.append(f"{path}: {error.strerror or error}")
    return found


def _checksum(path: Path, size: int) -> int:
    crc32 = 0
    with open_regular(path) as file:
        while size > 0 and (part := file.read(min(size, _READ_AT_ONCE))):
            crc32 = zlib.crc32(part, crc32)
            size -= len(part)
    return crc32


def _check_own(path: Path) -> None:
    """Check that a file that is changed in place is an ordinary one, without a second name elsewhere."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        raise CollectionError(
            f"{path}: a link, or a file with another name elsewhere; an index changes only its own files: put a copy "
            "of the file in its place"
        )


def _tables_path(folder: Path, span: Span) -> Path:
    return folder / f"tables-{span[0]}-{span[1]}.u32"


def _map(path: Path, dtype: str, n: int, *, exact: bool) -> NDArray[Any]:
    try:
        open_regular(path).close()  # no pipe
        size, wanted = path.stat().st_size, n * np.dtype(dtype).itemsize
        if size < wanted or (exact and size != wanted):
            raise _corrupt(path, f"{size} bytes where {wanted} belong")
        if n == 0:
            array: NDArray[Any] = np.empty(0, dtype)
            array.setflags(write=False)
            return array
        return np.memmap(path, dtype, "r", shape=(n,)).view(np.ndarray)  # a plain array is faster than NumPy's subclass
    except OSError as error:
        raise _corrupt(path, error.strerror or str(error)) from error


def _write(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    with replacing(path, locked=True) as temporary, temporary.open("xb") as file:
        for part in parts:
            file.write(part)


def _corrupt(path: Path, reason: str) -> CollectionCorruptError:
    return CollectionCorruptError(f"{path}: {reason}; restore the file or build the index again")
