"""The writer's lock: one writer at a time. The system releases it when the process ends, even by a crash."""

from __future__ import annotations

import threading
from io import FileIO
from pathlib import Path

from fingerprint.errors import CollectionBusyError, CollectionError
from fingerprint.files.locks import CAN_LOCK, take
from fingerprint.index.atomic_folder import reported
from fingerprint.index.own_files import LOCK_NAME, check_own


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
        if not CAN_LOCK:  # pragma: no cover - Windows: collections can be read there, not changed
            raise CollectionError(f"{self._path.parent}: collections cannot be changed on this system, only read")
        with reported(self._path):
            check_own(self._path.parent)
            try:
                return take(self._path)
            except BlockingIOError as error:
                raise CollectionBusyError(
                    f"{self._path.parent}: another process is writing to it ({error.strerror}); wait until it has ended"
                ) from error
