"""Shared by the challenge's files: checks of ids, lines of CSV, and replacing a file by a complete one."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fingerprint.errors import ChallengeFileError
from fingerprint.files import atomic
from fingerprint.files.listfiles import open_list

#: First fields of header lines in use; a first line with one of them that is not the header has other columns.
_HEADER_WORDS = frozenset({"query_id", "reference_id", "score", "query", "reference", "query_image_id", "image_id"})
_ID = re.compile(r'[^\s,"\0]+')
_PICTURE_NAME = re.compile(r"(.+)\.(?:jpe?g|png|webp|gif|bmp|tiff?)", re.IGNORECASE)


def id_fault(name: str) -> str | None:
    """Return what is wrong with an id, or None: ids have no space, comma, quote or NUL and are not empty."""
    if _ID.fullmatch(name):
        return None
    return f"{name!r} is no id: an id is not empty and has no space, comma or quotation mark"


def first_repeated(names: Iterable[object]) -> object | None:
    """Return the first of `names` that occurred before, or None."""
    seen = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def refuse_picture_names(names: Iterable[str], known: Collection[str], where: str) -> None:
    """Raise if a name is a known id with a picture's extension: it would silently count as a miss.

    Parameters
    ----------
    names : iterable of str
        The ids of the file to judge.
    known : set of str
        The ids of the ground truth.
    where : str
        What `names` belong to, for the message.

    Raises
    ------
    ChallengeFileError
        If a name is not in `known`, but would be without its extension.
    """
    for name in names:
        if name not in known and (bare := _PICTURE_NAME.fullmatch(name)) and bare[1] in known:
            raise ChallengeFileError(f"{where}: {name!r}, but the ground truth has {bare[1]!r}: drop the extension")


def number_of(written: str) -> float:
    """Return the number that a field of a file states: in ASCII digits and without underscores, unlike Python's own.

    Raises
    ------
    ValueError
    """
    if "_" in written or not written.isascii():
        raise ValueError(f"{written!r} is no number")
    return float(written)


def csv_rows(path: str | os.PathLike[str], header: tuple[str, ...]) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and fields of each line of a CSV file, without the header and without blank lines.

    Parameters
    ----------
    path : path-like
        UTF-8, with or without byte-order mark, any line ends.
    header : tuple of str
        The names of the columns. The header line itself may be missing, or repeated.

    Yields
    ------
    line : int
        Number of the line, from 1.
    fields : list of str
        As many as `header` has.

    Raises
    ------
    ChallengeFileError
        If the file cannot be read or is too long, is empty, is not UTF-8, has another header, or a line has another
        number of fields.
    """
    expected = ",".join(header)
    first = True
    try:
        with open_list(path) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            for fields in rows:
                if not any(field.strip() for field in fields) and len(fields) < 2:
                    continue
                if [field.strip().lower() for field in fields] == list(header):
                    first = False  # joined files repeat the header
                    continue
                if first and fields[0].strip().lower() in _HEADER_WORDS:
                    raise fault(path, f"the header is {','.join(fields)!r}: make it {expected!r}", rows.line_num)
                if len(fields) != len(header):
                    number = "1 field" if len(fields) == 1 else f"{len(fields)} fields"
                    raise fault(path, f"{number} instead of {len(header)}: write {expected}", rows.line_num)
                first = False
                yield rows.line_num, fields
    except UnicodeDecodeError as error:
        raise fault(path, f"not a text file in UTF-8 ({error.reason}): save it as CSV in UTF-8") from error
    except csv.Error as error:
        raise fault(path, f"not a CSV file ({error}): write {expected} on each line") from error
    except OSError as error:
        raise fault(path, f"cannot be read: {error.strerror or error}") from error
    if first:
        raise fault(path, f"the file is empty: write at least the header {expected!r}")


def fault(path: str | os.PathLike[str], what: str, line: int | None = None) -> ChallengeFileError:
    """Return an error that names the file, the line and what is wrong."""
    where = os.fspath(path) if line is None else f"{os.fspath(path)}, line {line}"
    return ChallengeFileError(f"{where}: {what}")


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path to write to; it replaces `path` if no error was raised.

    Parameters
    ----------
    path : path-like
        The file to write. An existing file stays untouched until the new one is complete.

    Yields
    ------
    pathlib.Path
        A new name in the same directory.

    Raises
    ------
    ChallengeFileError
        If the directory cannot be written to.
    """
    try:
        with atomic.replacing(path) as temporary:
            yield temporary
    except OSError as error:
        raise fault(path, f"cannot be written: {error.strerror or error}") from error
