"""The lines of a list, and their fields; a quoted field may hold the separator and go over several lines."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO

from fingerprint.hashlists.entries import MalformedError, quoted
from fingerprint.types import is_unicode

#: Separators of fields, apart from blanks, in the order in which they are tried.
SEPARATORS = ("\t", ",", ";")
#: Most lines that a quoted field may continue for, so that a stray quotation mark does not take the rest of the file.
_MOST_CONTINUED = 100


class Lines:
    """The lines of a binary stream one by one, with look-ahead.

    Parameters
    ----------
    stream : binary file
        Read as far as is needed.

    Attributes
    ----------
    number : int
        Number of the line that was yielded last, from 1.
    """

    __slots__ = ("_ahead", "_raw", "number")

    def __init__(self, stream: BinaryIO) -> None:
        self._raw = iter(stream)
        self._ahead: deque[bytes] = deque()
        self.number = 0

    def __iter__(self) -> Iterator[bytes]:
        while True:
            line = self._ahead.popleft() if self._ahead else next(self._raw, b"")
            if not line:
                return
            self.number += 1
            yield line

    def following(self) -> Iterator[str]:
        """Yield the next lines without consuming them, at most as many as a quoted field may continue for.

        Bytes that are not UTF-8 become lone surrogates.
        """
        for i in range(_MOST_CONTINUED):
            if i == len(self._ahead):
                if not (line := next(self._raw, b"")):
                    return
                self._ahead.append(line)
            yield with_broken_bytes(self._ahead[i])

    def pass_over(self, n: int) -> None:
        """Skip lines that `following` has yielded."""
        for _ in range(n):
            self._ahead.popleft()
        self.number += n


def decoded(line: bytes) -> str:
    """Return a line as text.

    Raises
    ------
    MalformedError
        The line is not UTF-8.
    """
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        shown = line[:40].decode("utf-8", "backslashreplace").strip()
        raise MalformedError(f"not text in UTF-8 ({error.reason}): '{shown}'") from error


def with_broken_bytes(line: bytes) -> str:
    """Return a line as text; bytes that are not UTF-8 become lone surrogates."""
    return line.decode("utf-8", "surrogateescape")


def split_fields(line: str, separator: str, lines: Lines, *, spaced: bool = True) -> tuple[list[str], int]:
    """Return the fields of a line, and how many of the following lines belong to it.

    Parameters
    ----------
    line : str
        With its end.
    separator : str
        A tab, or another character that is not a blank.
    lines : Lines
        Where `line` comes from.
    spaced : bool
        Whether blanks after a separator belong to it, not to the field.

    Returns
    -------
    fields : list of str
        Without their quotation marks.
    n_more : int
        Lines that the last, quoted field continues for.

    Raises
    ------
    MalformedError
        Quotation marks do not close, or text follows the closing one. Or a quoted field goes over several lines and is
        not UTF-8; then all its lines are skipped.
    """
    if '"' not in line:
        fields = without_end(line).split(separator)
        return ([field.lstrip(" ") for field in fields] if spaced and " " in line else fields), 0
    rows = csv.reader(_with_following(line, lines), delimiter=separator, skipinitialspace=spaced, strict=True)
    try:
        fields = next(rows)
    except csv.Error as error:
        raise MalformedError(f"quotation marks do not close, or not before a separator, in {quoted(line)}") from error
    n_more = rows.line_num - 1
    if n_more and not all(map(is_unicode, fields)):
        lines.pass_over(n_more)
        raise MalformedError(f"not text in UTF-8, {n_more + 1} lines in quotation marks: {quoted(''.join(fields))}")
    return fields, n_more


def without_end(line: str) -> str:
    """Return a line without its line feed, and without the carriage return before that."""
    return line.removesuffix("\n").removesuffix("\r")


def _with_following(line: str, lines: Lines) -> Iterator[str]:
    yield line
    yield from lines.following()
