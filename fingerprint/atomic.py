"""Atomic writing: a file gets its final name only when it is complete. All files of this package are written this way.

The new file is written under a temporary name in the same folder and flushed to disk. Then it is renamed, and the
folder is flushed. If the machine stops before that, the old file is untouched; if it stops later, the new one is there.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: End of the temporary name of a file that only one process can be writing.
UNFINISHED = ".unfinished"


@contextmanager
def replacing(path: str | os.PathLike[str], *, locked: bool = False) -> Iterator[Path]:
    """Yield a temporary path to write to; the file there is renamed to `path` once it is on disk.

    Parameters
    ----------
    path : path-like
        The file to write. An existing one stays untouched until the new one is complete.
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
        If the file cannot be written.
    """
    target = Path(path)
    if locked:
        temporary = target.with_name(target.name + UNFINISHED)
        temporary.unlink(missing_ok=True)
    else:
        temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())  # if power fails, the new name must not survive without the contents
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):  # the first error is the one to raise
            temporary.unlink()
        raise
    flush_folder(target.absolute().parent)


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
