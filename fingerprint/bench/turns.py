"""One process at a time writes a set, or the results of a method on a set: what two of them write would be mixed."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from fingerprint.errors import BenchBusyError, ConfigError
from fingerprint.files.locks import CAN_LOCK, take

#: In a set that is being made, or was not made to the end.
UNFINISHED_NAME = "unfinished.lock"
UNFINISHED = "a set that 'fingerprint bench make' has not made to the end"

_WAIT = "wait until it has ended, then run the same command again"


@contextmanager
def turn(path: Path, what: str, remedy: str = _WAIT) -> Iterator[None]:
    """Hold a lock.

    Parameters
    ----------
    path : Path
        The lock's file.
    what : str
        What another process is doing if it has the lock, for the message.
    remedy : str
        What to do then.

    Raises
    ------
    BenchBusyError
        If another process has it.
    ConfigError
        If files cannot be locked where it is.
    """
    if not CAN_LOCK:  # pragma: no cover - Windows: there the one who starts two runs must keep them apart
        path.touch()
        yield
        return
    try:
        file = take(path)
    except BlockingIOError as error:
        raise BenchBusyError(f"{path.parent}: {what} in another process ({error.strerror}): {remedy}") from error
    except OSError as error:
        if error.errno in (errno.ENOLCK, errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
            raise ConfigError(f"{path}: files cannot be locked there: choose a folder on another disk") from error
        raise
    try:
        yield
    finally:
        file.close()


@contextmanager
def new_set(folder: Path, names: Sequence[str]) -> Iterator[None]:
    """Keep the folder of a new set for one process, and mark it until the set is whole.

    Parameters
    ----------
    folder : Path
        Made if it is missing.
    names : sequence of str
        The files and folders of a set, which are deleted if it is not made to the end.

    Raises
    ------
    ConfigError
        If there is anything in it.
    BenchBusyError
        If another process makes a set there.
    """
    is_new = not folder.exists()
    check_empty(folder)
    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / UNFINISHED_NAME
    with turn(mark, "a set is made", "give another folder"):
        if any(path != mark for path in folder.iterdir()):  # another process was quicker
            mark.unlink()
            check_empty(folder)
        try:
            yield
        except BaseException:
            with suppress(OSError):  # the first error is the one to raise; the mark stays if not all could be deleted
                _delete(folder, names, is_new=is_new)
            raise
        mark.unlink()


def check_empty(folder: Path) -> None:
    """Check that a set can be made in a folder: it is not there, or empty.

    Raises
    ------
    ConfigError
        If there is anything in it.
    BenchBusyError
        If another process makes a set there.
    """
    if (folder / UNFINISHED_NAME).exists():
        with turn(folder / UNFINISHED_NAME, "a set is made", "give another folder"):
            raise ConfigError(f"{folder}: {UNFINISHED}: delete the folder, or give a new one")
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder}: not empty; give a new folder")


def _delete(folder: Path, names: Sequence[str], *, is_new: bool) -> None:
    for path in (folder / name for name in names):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    (folder / UNFINISHED_NAME).unlink()
    if is_new:
        folder.rmdir()
