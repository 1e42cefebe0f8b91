"""The writer's lock: one writer at a time. The system releases it when the process ends, even by a crash."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from io import FileIO
from pathlib import Path
from typing import Any

from fingerprint.datafiles import parse_json
from fingerprint.errors import CollectionBusyError, CollectionError
from fingerprint.index.atomic_folder import reported
from fingerprint.index.own_files import LOCK_NAME, check_own

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows: collections can be read there, not changed
    fcntl = None  # type: ignore[assignment]

_LONGEST = 1000  # bytes, far more than `_sign` writes


class WriterLock:
    """The right to change a collection. The thread that has it may `acquire` it again, and must `release` it as often.

    Another thread that uses the same object waits for it.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_NAME
        self._file: FileIO | None = None
        self._depth = 0
        self._thread = threading.RLock()

    @property
    def depth(self) -> int:
        """How often the lock was acquired and not yet released."""
        return self._depth

    def acquire(self) -> None:
        """Take the lock.

        Raises
        ------
        CollectionBusyError
            If another process, or another object of this one, has it; the message says which.
        CollectionError
            If the folder cannot be written to.
        """
        self._thread.acquire()
        try:
            if self._depth == 0:
                self._file = self._locked()
            self._depth += 1
        except BaseException:
            self._thread.release()
            raise

    def release(self) -> None:
        """Give the lock back."""
        self._depth -= 1
        if self._depth == 0 and self._file is not None:
            self._file.close()
            self._file = None
        self._thread.release()

    def _locked(self) -> FileIO:
        """Open the lock's file, lock it and sign it."""
        if fcntl is None:
            raise CollectionError(f"{self._path.parent}: collections cannot be changed on this system, only read")
        with reported(self._path):
            check_own(self._path.parent)
            file = open(self._path, "ab+", buffering=0, opener=_open_no_link)  # noqa: SIM115 - closing must not write
        try:
            self._take(file)
            _sign(file, self._path)
        except BaseException:
            file.close()
            raise
        return file

    def _take(self, file: FileIO) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if not isinstance(error, BlockingIOError):
                with reported(self._path):
                    raise
            raise CollectionBusyError(
                f"{self._path.parent}: another process is writing to it ({_owner(file)}); wait until it has ended"
            ) from error


def _open_no_link(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def _sign(file: FileIO, path: Path) -> None:
    """Write the owner of the lock into its file, for the error message in other processes."""
    who = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
    with reported(path):
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
