"""Regular files, opened with care and few system calls."""

from __future__ import annotations

import io
import os
import stat

from fingerprint.errors import ImageError

#: A pipe without a writer is opened at once instead of waiting for one; then it is refused.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


#: Files up to this size are read in one piece.
_SMALL = 1 << 26


def load_regular(path: str | os.PathLike[str]) -> bytes | io.FileIO:
    """Return the bytes of a regular file or, of one beyond 64 MiB, the file itself, open for reading.

    Raises
    ------
    ImageError
        If there is none at `path`, it is a folder, a pipe or a device, or it cannot be read.
    """
    number, size = _open(path)
    if size > _SMALL:
        return io.FileIO(number)
    try:
        data = os.read(number, size + 1)  # one more, to see the end in the same call
        return data if len(data) == size else data + _rest(number)
    except OSError as error:
        raise ImageError(str(path), error.strerror or str(error)) from error
    finally:
        os.close(number)


def read_file(path: str | os.PathLike[str]) -> bytes:
    """Return the bytes of a regular file, however large.

    Raises
    ------
    ImageError
        As `load_regular`.
    """
    loaded = load_regular(path)
    if isinstance(loaded, bytes):
        return loaded
    with loaded as file:
        try:
            return file.readall()
        except OSError as error:
            raise ImageError(str(path), error.strerror or str(error)) from error


def _open(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Return the descriptor of a regular file, and its size in bytes."""
    try:
        number = os.open(path, _FLAGS)
    except FileNotFoundError:
        problem = "no such file"
    except PermissionError:
        problem = "no permission to read it"
    except OSError as error:
        problem = error.strerror or str(error)
    except ValueError as error:  # a zero byte in the path
        problem = str(error)
    else:
        status = os.fstat(number)
        if stat.S_ISREG(status.st_mode):
            return number, status.st_size
        os.close(number)
        problem = "a folder, not an image" if stat.S_ISDIR(status.st_mode) else "not a regular file"
    raise ImageError(str(path), problem)


def _rest(number: int) -> bytes:
    """Return what a file has beyond what was read: it grew, or a read gave less than was asked for."""
    parts = []
    while part := os.read(number, _SMALL):
        parts.append(part)
    return b"".join(parts)
