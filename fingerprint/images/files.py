"""Reading regular files, in few system calls; and files by URL."""

from __future__ import annotations

import io
import os
import stat

from fingerprint.config import DEFAULT_LIMITS, ReadLimits
from fingerprint.errors import ImageError
from fingerprint.images.limits import NO_SUCH_FILE, too_many_bytes
from fingerprint.images.remote import read_remote
from fingerprint.locations import Url, is_url, local_name
from fingerprint.types import source_name

#: O_NONBLOCK: opening a pipe without a writer returns at once instead of waiting, and the pipe is then refused.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)

#: Files up to this size are read in one piece.
_SMALL = 1 << 26


def load_regular(path: str | os.PathLike[str], limits: ReadLimits | None = None) -> bytes | io.FileIO:
    """Return the bytes of a regular file, or the open file if it is larger than 64 MiB.

    Of a URL they are always the bytes.

    Raises
    ------
    ImageError
        If there is no file at `path`, it is a folder, a pipe or a device, it is larger than the limits allow, or it
        cannot be read.
    """
    remote = remote_of(path)
    if remote is not None:
        return read_remote(remote, limits or DEFAULT_LIMITS)
    number, size = _open(path)
    if limits is not None and size > limits.max_bytes:
        os.close(number)
        raise ImageError(source_name(path), too_many_bytes(size, limits))
    if size > _SMALL:
        return io.FileIO(number)
    try:
        data = os.read(number, size + 1)  # one byte more shows the end of the file in the same call
        return data if len(data) == size else data + _rest(number)
    except OSError as error:
        raise ImageError(source_name(path), error.strerror or str(error)) from error
    finally:
        os.close(number)


def remote_of(path: str | os.PathLike[str]) -> Url | None:
    """Return the URL of a file that is not of this machine; None for other files."""
    if isinstance(path, str) and is_url(path):
        path = Url(path)
    return path if isinstance(path, Url) and path.local is None else None


def _open(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Return the file descriptor of a regular file, and its size in bytes."""
    try:
        number = os.open(local_name(path), _FLAGS)
    except FileNotFoundError:
        problem = NO_SUCH_FILE
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
    raise ImageError(source_name(path), problem)


def _rest(number: int) -> bytes:
    """Return the bytes after those read so far: the file grew, or a read returned less than it was asked for."""
    parts = []
    while part := os.read(number, _SMALL):
        parts.append(part)
    return b"".join(parts)
