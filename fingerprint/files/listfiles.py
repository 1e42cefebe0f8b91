"""Opening lists: text that is read line by line, from a file or from a pipe, with a limit on bytes and on a line.

A list may come from a regular file, from standard input, and from a pipe that a shell passes by its number, as for
``<(command)``. Other pipes, on which a program could wait for ever, and devices, which never end, are refused.
"""

from __future__ import annotations

import errno
import io
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

#: Most bytes of a list, and of one of its lines.
MOST_LIST = 1 << 31
LONGEST_LINE = 1 << 20
#: Names of what this process was given open; opening one does not wait for a writer.
_GIVEN = re.compile(r"/dev/(stdin|fd/[0-9]+)|/proc/self/fd/[0-9]+")
#: O_NONBLOCK: opening a pipe without a writer returns at once, and the pipe is then refused.
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)


@contextmanager
def open_list(
    path: str | os.PathLike[str], most: int | None = MOST_LIST, longest: int = LONGEST_LINE
) -> Iterator[BinaryIO]:
    """Open a list for reading.

    Parameters
    ----------
    path : path-like
        A regular file, or ``/dev/stdin``, ``/dev/fd/N`` or ``/proc/self/fd/N`` for what this process was given.
    most : int, optional
        Bytes of the whole list; None for no limit.
    longest : int
        Bytes of a line.

    Raises
    ------
    OSError
        If it cannot be opened, or is another pipe, a device or a folder; when it is read, also beyond the limits.
    """
    given = _GIVEN.fullmatch(os.fspath(path)) is not None
    number = os.open(path, _FLAGS | (0 if given else _NO_WAIT))
    try:
        mode = os.fstat(number).st_mode
        if stat.S_ISDIR(mode):
            raise OSError(errno.EISDIR, "a folder, not a file", os.fspath(path))
        if not (stat.S_ISREG(mode) or (given and (stat.S_ISFIFO(mode) or os.isatty(number)))):
            raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
        with io.FileIO(number, closefd=False) as file:
            yield bounded(file, most, longest)
    finally:
        os.close(number)


def bounded(stream: Any, most: int | None = MOST_LIST, longest: int = LONGEST_LINE) -> BinaryIO:
    """Return a stream of the same bytes that raises an `OSError` beyond so many, in all or in a line.

    `stream` stays open when the new one is closed.
    """
    return io.BufferedReader(_Bounded(stream, most, longest))


class _Bounded(io.RawIOBase):
    """A stream that counts what is read."""

    def __init__(self, stream: Any, most: int | None, longest: int) -> None:
        self._read = getattr(stream, "read1", stream.read)  # what is there, rather than all that was asked for
        self._most, self._longest = most, longest
        self._n_bytes = self._n_line = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._read(len(buffer))
        except OSError as error:
            if error.errno == errno.EBADF:
                raise OSError(errno.EBADF, "the stream is closed") from error
            raise
        end = max(data.rfind(b"\n"), data.rfind(b"\r"))
        self._n_line = len(data) - end - 1 if end >= 0 else self._n_line + len(data)
        self._n_bytes += len(data)
        if self._n_line > self._longest:
            raise OSError(errno.EFBIG, f"a line of more than {self._longest:,} bytes: this is no list")
        if self._most is not None and self._n_bytes > self._most:
            raise OSError(errno.EFBIG, f"more than {self._most:,} bytes: divide the list")
        buffer[: len(data)] = data
        return len(data)
