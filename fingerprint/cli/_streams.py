"""Standard streams that are closed, as ``2>&-`` closes one: a command still knows them, and no file takes their number.

The next file that a process opens gets the lowest free number. Without stderr that could be a catalogue, into which a
codec would then write its messages.
"""

from __future__ import annotations

import io
import os
import sys


def fill_closed_streams() -> None:
    """Put a stream in the place of each standard stream that is closed.

    Messages to stderr are dropped. Reading stdin and writing stdout raise an `OSError`, of code ``EBADF``: results must
    not be lost without a word.
    """
    for number, name, flags in ((0, "stdin", os.O_WRONLY), (1, "stdout", os.O_RDONLY), (2, "stderr", os.O_WRONLY)):
        if getattr(sys, name) is None:
            setattr(sys, name, _stream(number, flags))


def _stream(number: int, flags: int) -> io.TextIOWrapper:
    opened = os.open(os.devnull, flags)
    try:
        os.fstat(number)
    except OSError:  # it is free
        os.dup2(opened, number)
    if opened != number:
        os.close(opened)
    raw = io.FileIO(number, "r" if number == 0 else "w", closefd=False)
    buffered = io.BufferedReader(raw) if number == 0 else io.BufferedWriter(raw)
    return io.TextIOWrapper(buffered, encoding="utf-8", errors="backslashreplace", line_buffering=number == 2)
