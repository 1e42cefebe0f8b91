"""Reading regular files, in few system calls."""

from __future__ import annotations

import io
import os
import stat

from fingerprint.config import ReadLimits
from fingerprint.errors import ImageError

#: O_NONBLOCK: opening a pipe without a writer returns at once instead of waiting, and the pipe is then refused.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)

#: Files up to this size are read in one piece.
_SMALL = 1 << 26


def load_regular(path: str | os.PathLike[str], limits: ReadLimits | None = None) -> bytes | io.FileIO:
    """Return the bytes of a regular file, or the open file if it is larger than 64 MiB.

    Raises
    ------
    ImageError
        If there is no file at `path`, it is a folder, a pipe or a device, it is larger than the limits allow, or it
        cannot be read.
    """
    number, size = _open(path)
    if limits is not None and size > limits.max_bytes:
        os.close(number)
        raise ImageError(str(path), too_many_bytes(size, limits))
    if size > _SMALL:
        return io.FileIO(number)
    try:
        data = os.read(number, size + 1)  # one byte more shows the end of the file in the same call
        return data if len(data) == size else data + _rest(number)
    except OSError as error:
        raise ImageError(str(path), error.strerror or str(error)) from error
    finally:
        os.close(number)


def too_many_bytes(n_bytes: int, limits: ReadLimits) -> str:
    """Return what is said of a file that is larger than the limits allow."""
    return f"{n_bytes:,} bytes are more than the limit of {limits.max_bytes:,}"


def _open(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Return the file descriptor of a regular file, and its size in bytes."""
    try:
        number = os.open(path, _FLAGS)
    except FileNotFoundError:
        problem = "no such file"
    except PermissionError:
        problem = "no permission to read it"
    except OSError as error:
        problem = error.strerror or str(error)
    except ValueError as error:
        problem = "embedded null byte" if "\0" in os.fspath(path) else str(error)  # Pythons word it differently
    else:
        status = os.fstat(number)
        if stat.S_ISREG(status.st_mode):
            return number, status.st_size
        os.close(number)
        problem = "a folder, not an image" if stat.S_ISDIR(status.st_mode) else "not a regular file"
    raise ImageError(str(path), problem)


def _rest(number: int) -> bytes:
    """Return the bytes after those read so far: the file grew, or a read returned less than it was asked for."""
    parts = []
    while part := os.read(number, _SMALL):
        parts.append(part)
    return b"".join(parts)
