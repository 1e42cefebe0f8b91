"""Atomic writing of folders: a folder gets its final name only when all its files are on disk.

A folder is written under a temporary name. Each file is flushed to disk, then the folder; then it is renamed, and its
parent folder is flushed. If power fails at any time, the final name has all files or does not exist.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fingerprint.errors import CollectionError
from fingerprint.files.atomic import UNFINISHED, flush_folder, replace_bytes
from fingerprint.index.own_files import check_file, discard

_PIECE = 1 << 22  # bytes written at once


class NewFolder:
    """A new folder, under a temporary name until `publish` renames it.

    Use it in a ``with`` statement: if that ends with an error, the folder is removed.

    Attributes
    ----------
    path : Path
        The folder under its temporary name.
    digests : dict of str to str
        SHA-256 in hex of each file that was written, by name.
    """

    def __init__(self, final: Path) -> None:
        self._final = final
        self.path = final.with_name(final.name + UNFINISHED)
        self.digests: dict[str, str] = {}

    def __enter__(self) -> NewFolder:
        with reported(self.path):
            if not discard(self.path):  # left by a writer that died: the lock keeps other writers out
                raise CollectionError(f"{self.path}: the collection did not make all that is there; move it elsewhere")
            self.path.mkdir(parents=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if kind is not None:
            with suppress(OSError):  # the next writer clears away the rest; the first error is the one to raise
                discard(self.path if self.path.exists() else self._final)
        if isinstance(error, OSError) and not isinstance(error, CollectionError):
            raise failure(self.path, error) from error

    @contextmanager
    def array(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> Iterator[ArrayWriter]:
        """Yield a writer for an array of known shape, which is written part by part."""
        with (self.path / f"{name}.npy").open("xb") as file:
            writer = ArrayWriter(file, shape, np.dtype(dtype))
            yield writer
            writer.finish()
            _flush_file(file)
        self.digests[f"{name}.npy"] = writer.digest

    def add_array(self, name: str, array: NDArray[Any]) -> None:
        """Write a whole array."""
        with self.array(name, array.shape, array.dtype) as writer:
            writer.write(array)

    def add_written(self, name: str) -> None:
        """Flush and digest a file that other code has written into the folder."""
        with (self.path / name).open("rb+") as file:
            self.digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
            _flush_file(file)

    def publish(self, manifest: Mapping[str, Any], name: str) -> str:
        """Write the manifest, give the folder its final name and return the text of the manifest."""
        data = json_bytes(manifest)
        with (self.path / name).open("xb") as file:
            file.write(data)
            _flush_file(file)
        flush_folder(self.path)
        self.path.rename(self._final)
        flush_folder(self._final.parent)
        return data.decode()


class ArrayWriter:
    """Writes an array in NumPy's format row by row, so that the whole array need not be in memory."""

    def __init__(self, file: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._file = _Hashed(file)
        self._dtype = dtype
        self._left = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._file, header)

    def write(self, rows: NDArray[Any]) -> None:
        """Append rows."""
        if rows.dtype != self._dtype:
            raise TypeError(f"rows of {rows.dtype} written to an array of {self._dtype}")
        data: Any = np.ascontiguousarray(rows).reshape(-1).view(np.uint8).data
        for start in range(0, len(data), _PIECE):
            self._file.write(data[start : start + _PIECE])
        self._left -= len(data)

    def finish(self) -> None:
        """Check that all rows were written."""
        if self._left:
            raise ValueError(f"{self._left} bytes of the array were not written")

    @property
    def digest(self) -> str:
        """SHA-256 in hex of what has been written."""
        return self._file.digest.hexdigest()


class _Hashed:
    """A file, with the digest of what was written to it."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def write(self, data: bytes | memoryview) -> int:
        self.digest.update(data)
        return int(self._file.write(data))


def json_bytes(content: Mapping[str, Any]) -> bytes:
    """Return JSON as it is written to disk: sorted, so that equal content gives equal bytes."""
    return (json.dumps(content, indent=2, sort_keys=True) + "\n").encode()


def npy_bytes(array: NDArray[Any]) -> bytes:
    """Return the bytes of an array's file."""
    file = io.BytesIO()
    ArrayWriter(file, array.shape, array.dtype).write(array)
    return file.getvalue()


def replace_file(path: Path, data: bytes) -> None:
    """Replace a file of a collection; the lock of the collection must be held.

    Raises
    ------
    CollectionError
        If the file cannot be written, or there is a link in its place; the old one is then untouched.
    """
    check_file(path, written=False)
    with reported(path):
        replace_bytes(path, data, locked=True)


@contextmanager
def reported(path: Path) -> Iterator[None]:
    """Turn an `OSError` of a change into a `CollectionError` that names the path and the remedy."""
    try:
        yield
    except CollectionError:
        raise
    except OSError as error:
        raise failure(path, error) from error


def failure(path: Path, error: OSError) -> CollectionError:
    """Return the error to raise for a change that failed."""
    name = path if error.filename is None else os.fsdecode(error.filename)
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        remedy = "free some space"
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        remedy = "check the permissions of the collection's folder"
    elif error.errno in (errno.EMFILE, errno.ENFILE):
        remedy = "raise the limit of open files ('ulimit -n')"
    else:
        remedy = "check the disk"
    return CollectionError(f"{name}: {reason}; this step was undone: {remedy}, then try again")


def _flush_file(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
