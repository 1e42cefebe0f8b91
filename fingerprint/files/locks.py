"""Locks between processes: a file that one of them has. The system frees it when that process ends, even by a crash."""

from __future__ import annotations

import errno
import json
import os
import socket
import time
from io import FileIO
from pathlib import Path
from typing import Any

from fingerprint.files.datafiles import parse_json

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None  # type: ignore[assignment]

#: Whether this system has such locks.
CAN_LOCK = fcntl is not None

_LONGEST = 1000  # bytes, far more than `_sign` writes


def take(path: Path) -> FileIO:
    """Open a file, lock it and write into it who has it; closing it frees the lock. The file itself stays.

    Parameters
    ----------
    path : Path
        Made if it is missing. No link is followed.

    Returns
    -------
    FileIO

    Raises
    ------
    BlockingIOError
        If another process, or another part of this one, has it; its ``strerror`` says who.
    OSError
        If the file cannot be written, or cannot be locked where it is.
    """
    file = open(path, "ab+", buffering=0, opener=_open_no_link)  # noqa: SIM115 - closing must not write
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BlockingIOError(errno.EWOULDBLOCK, _owner(file), str(path)) from error
        _sign(file)
    except BaseException:
        file.close()
        raise
    return file


def _open_no_link(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def _sign(file: FileIO) -> None:
    """Write the owner of the lock into its file, for the error message in other processes."""
    who = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
    file.truncate(0)
    file.write(json.dumps(who).encode())


def _owner(file: FileIO) -> str:
    """Return the owner of the lock in words, as far as it is known."""
    try:
        file.seek(0)
        who: Any = parse_json(file.read(_LONGEST))
        return f"process {int(who['pid'])} on {who['host']} since {who['since']}"
    except (OSError, ValueError, KeyError, TypeError):  # the owner has not finished writing it
        return "its process is not known"
