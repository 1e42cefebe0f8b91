"""Files that are whole or not there: the one way in which this package puts a file under its final name.

The new file is written under a temporary name beside it and flushed to disk, then it gets its name, then the folder is
flushed. After that it is there however the machine stops; before that, what was there is untouched.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: Ends the temporary name of what is written by the only writer that there can be.
UNFINISHED = ".unfinished"


@contextmanager
def replacing(path: str | os.PathLike[str], *, locked: bool = False) -> Iterator[Path]:
    """Give a temporary name beside `path` to write to; what was written gets the name `path` once it is on disk.

    Parameters
    ----------
    path : path-like
        The file to write. What is there stays untouched until the new file is whole.
    locked : bool
        Whether nobody else can be writing this file, as with a lock held. The temporary name is then always the same,
        so that what a killed process left under it is written over.

    Yields
    ------
    pathlib.Path
        A name in the same folder that is not taken. No file of that name is left, whether or not writing succeeds.

    Raises
    ------
    OSError
        If the system refuses.
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
            os.fsync(file.fileno())  # a name that survives a loss of power is worth nothing without what it names
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):  # the first error is what counts
            temporary.unlink()
        raise
    flush_folder(target.absolute().parent)


def replace_bytes(path: str | os.PathLike[str], data: bytes, *, locked: bool = False) -> None:
    """Write a file as `replacing` does.

    Raises
    ------
    OSError
        If the system refuses; what was there is untouched then.
    """
    with replacing(path, locked=locked) as temporary, temporary.open("xb") as file:
        file.write(data)


def flush_folder(path: Path) -> None:
    """Flush the names in a folder to disk.

    Raises
    ------
    OSError
        If the system refuses.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
