"""Moving and reading files so that nothing is overwritten, and nothing is lost if the machine stops in between."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from pathlib import Path

from fingerprint.dedupe.actions import FileState
from fingerprint.files.atomic import UNFINISHED

_PART = 1 << 20  # bytes compared at a time
_LONGEST_NAME = 255  # bytes of a name in a folder


def state_of(path: Path) -> FileState:
    """Return what a file is like now; a symbolic link is no file.

    Raises
    ------
    OSError
        If there is no regular file, or it cannot be read.
    """
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(number, "rb") as file:
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
        content = hashlib.file_digest(file, "sha256").hexdigest()
    return FileState(found.st_size, found.st_mtime_ns, stat.S_IMODE(found.st_mode), content)


def same_bytes(first: Path, second: Path) -> bool:
    """Return whether two files have the same bytes, by comparing all of them."""
    with first.open("rb") as a, second.open("rb") as b:
        while part := a.read(_PART):
            if b.read(len(part)) != part:
                return False
        return not b.read(1)


def move(source: Path, target: Path) -> None:
    """Move a file to a name that is free, to another file system by copying it.

    An empty file of the new name is made first, which fails if there is anything; the move then takes its place. So
    nothing is overwritten on file systems that have no hard links either.

    Raises
    ------
    FileExistsError
        If there is anything at `target`.
    OSError
        If it cannot be moved; it is then where it was.
    """
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        try:
            source.rename(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _copy_over(source, target)
            _give_up(source, target)
    except BaseException:
        remove_placeholder(target)  # which is empty, unless the file has taken its place
        raise


def remove_placeholder(target: Path) -> None:
    """Remove what `move` leaves at `target` if it is interrupted: an empty file, and a copy that is not finished."""
    for leftover in (unfinished(target), target):
        if _is_plain_file(leftover) and (leftover != target or leftover.stat().st_size == 0):
            leftover.unlink()


def remove_other_copy(path: Path, kept: Path, state: FileState) -> None:
    """Remove one of two equal files, which a move to another file system leaves if it is interrupted at its end.

    Parameters
    ----------
    path : Path
        What is removed if it is a file with the same bytes as the one that stays, and in the state that `move` gives.
    kept : Path
        The file that stays.
    state : FileState
        Of the file that was moved.
    """
    if not (_is_plain_file(path) and _is_plain_file(kept)) or path.samefile(kept):
        return
    if state_of(path) == state and same_bytes(path, kept):
        path.unlink()


def _is_plain_file(path: Path) -> bool:
    """Return whether there is a file that is no link; a name that the file system cannot have is none."""
    return os.path.isfile(path) and not os.path.islink(path)  # noqa: PTH113, PTH114 - those of Path may raise


def unfinished(target: Path) -> Path:
    """Return the name under which a file is copied to another file system: short, however long that of the file is."""
    return target.with_name(f".{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:32]}{UNFINISHED}")


def _copy_over(source: Path, target: Path) -> None:
    """Copy a file with its times and permissions, check the copy, and give it the name of the placeholder."""
    partial = unfinished(target)
    with source.open("rb") as read, partial.open("xb") as written:
        shutil.copyfileobj(read, written, _PART)
        written.flush()
        os.fsync(written.fileno())
    shutil.copystat(source, partial)
    if not same_bytes(source, partial):
        raise OSError(errno.EIO, "its copy differs", os.fspath(source))
    partial.replace(target)


def _give_up(source: Path, target: Path) -> None:
    """Remove a file that was copied; if that is not allowed, remove its copy."""
    try:
        source.unlink()
    except OSError:
        target.unlink()
        raise


def free_name(wanted: Path) -> Path:
    """Return a path at which there is nothing: the one that is wanted, or with a number before its ending."""
    number, path = 1, wanted
    while os.path.lexists(path) or os.path.lexists(unfinished(path)):
        number += 1
        path = wanted.with_name(_numbered(wanted.stem, f" ({number}){wanted.suffix}"))
    return path


def _numbered(stem: str, ending: str) -> str:
    """Return a name with an ending, shortened before it to what file systems take."""
    while stem and len(os.fsencode(stem + ending)) > _LONGEST_NAME:
        stem = stem[:-1]
    return stem + ending
