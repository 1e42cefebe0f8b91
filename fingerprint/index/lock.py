"""The writer's lock: one writer at a time. The system releases it when the process ends, even by a crash."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from io import FileIO
from pathlib import Path

from fingerprint.errors import CollectionBusyError
from fingerprint.index.atomic_folder import reported

LOCK_NAME = "writer.lock"


class WriterLock:
    """The right to change a collection. The owner may `acquire` it again, and must `release` it as often."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_NAME
        self._file: FileIO | None = None
        self._depth = 0

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
        if self._depth == 0:
            with reported(self._path):
                file = self._path.open("ab+", buffering=0)  # unbuffered: closing must not write
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                owner = _owner(file)
                file.close()
                if not isinstance(error, BlockingIOError):
                    with reported(self._path):
                        raise
                raise CollectionBusyError(
                    f"{self._path.parent}: another process is writing to it ({owner}); wait until it has ended"
                ) from error
            try:
                _sign(file, self._path)
            except BaseException:
                file.close()
                raise
            self._file = file
        self._depth += 1

    def release(self) -> None:
        """Give the lock back."""
        self._depth -= 1
        if self._depth == 0 and self._file is not None:
            self._file.close()
            self._file = None


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
        who = json.loads(file.read().decode())
        return f"process {int(who['pid'])} on {who['host']} since {who['since']}"
    except (OSError, ValueError, KeyError, TypeError):  # the owner has not finished writing it
        return "its process is not known"
