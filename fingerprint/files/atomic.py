"""Atomic writing: a file gets its final name only when it is complete. All files of this package are written this way.

The new file is written under a temporary name in the same folder and flushed to disk. Then it is renamed, and the
folder is flushed. If the machine stops before that, the old file is untouched; if it stops later, the new one is there.
"""

from __future__ import annotations

import errno
import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

#: End of the temporary name of a file that only one process can be writing.
UNFINISHED = ".unfinished"


@contextmanager
def replacing(path: str | os.PathLike[str], *, locked: bool = False) -> Iterator[Path]:
    """Yield a temporary path to write to; the file there is renamed to `path` once it is on disk.

    Parameters
    ----------
    path : path-like
        The file to write. An existing one stays untouched until the new one is complete, and the new one gets its
        permissions. A link is followed.
    locked : bool
        Whether no other process can be writing this file, because the caller holds a lock. The temporary name is then
        always the same, so that a file left by a killed process is overwritten.

    Yields
    ------
    pathlib.Path
        A free name in the same folder. No file of this name is left, even if writing fails.

    Raises
    ------
    OSError
        If the file cannot be written, or there is a pipe or a device at `path`, which must not be replaced. It has the
        file's name, also where the disk is full.
    """
    target = Path(path if locked else os.path.realpath(path))
    present = _status(target)
    if present is not None and not (stat.S_ISREG(present.st_mode) or stat.S_ISDIR(present.st_mode)):
        raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
    if locked:
        temporary = target.with_name(target.name + UNFINISHED)
        temporary.unlink(missing_ok=True)
    else:
        temporary = target.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())  # if power fails, the new name must not survive without the contents
        if present is not None and stat.S_ISREG(present.st_mode):
            temporary.chmod(stat.S_IMODE(present.st_mode))
        temporary.replace(target)
    except BaseException as error:
        with suppress(OSError):  # the first error is the one to raise
            temporary.unlink()
        if isinstance(error, OSError) and error.filename in (None, os.fspath(temporary)):
            error.filename = os.fspath(path)  # a full disk names no file, and the temporary name says nothing
        raise
    # a folder with permission to write but not to read cannot be flushed, and only collections depend on that
    with nullcontext() if locked else suppress(PermissionError):
        flush_folder(target.absolute().parent)


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def replace_bytes(path: str | os.PathLike[str], data: bytes, *, locked: bool = False) -> None:
    """Write a file as `replacing` does.

    Raises
    ------
    OSError
        If the file cannot be written; an existing one is then untouched.
    """
    with replacing(path, locked=locked) as temporary, temporary.open("xb") as file:
        file.write(data)


def flush_folder(path: Path) -> None:
    """Flush the names in a folder to disk.

    Raises
    ------
    OSError
        If the folder cannot be flushed.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
