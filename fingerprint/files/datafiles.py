"""Reading files of data that may be damaged or made to harm: what is wrong with one is an `OSError` or a `ValueError`.

Sizes are checked before anything is read: a small file cannot claim memory that it does not fill.
"""

from __future__ import annotations

import errno
import json
import lzma
import math
import os
import stat
import struct
import sys
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

#: Most bytes of a file of JSON.
MOST_JSON = 1 << 24
#: Data that is compressed may claim this many bytes in any case, and else this many for each byte in the file.
_FREE_CLAIM, _MOST_RATIO = 1 << 26, 200
_BYTES_AT_ONCE = 1 << 24
_KINDS = "biufcSU"  # of dtypes
#: What NumPy, `zipfile` and the parser of headers raise for damaged bytes, apart from `OSError` and `ValueError`.
_BROKEN = (
    EOFError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    RuntimeError,  # RecursionError and NotImplementedError among them
    SyntaxError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)

#: Shape and type of an array, and whether it is in Fortran's order.
Header: TypeAlias = tuple[tuple[int, ...], "np.dtype[Any]", bool]


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file for reading; a pipe, on which a program could wait for ever, is refused.

    Raises
    ------
    OSError
        If there is none, it cannot be read, or it is not a regular file.
    """
    mode = Path(path).stat().st_mode
    if not stat.S_ISREG(mode):
        number = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
        raise OSError(number, "a folder, not a file" if stat.S_ISDIR(mode) else "not a regular file", os.fspath(path))
    return open(path, "rb")  # noqa: PTH123 - the caller closes it


def read_small(path: str | os.PathLike[str], limit: int = MOST_JSON) -> bytes:
    """Return the bytes of a regular file.

    Raises
    ------
    OSError
    ValueError
        If there are more than `limit`.
    """
    with open_regular(path) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"longer than {limit:,} bytes")
    return data


def parse_json(data: bytes | str) -> Any:
    """Return the value of JSON in UTF-8.

    Raises
    ------
    ValueError
        If it is none, or nested more deeply than Python can read.
    """
    try:
        return json.loads(data.decode() if isinstance(data, bytes) else data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def check_claim(claimed: int, stored: int, remedy: str = ": write it without compression") -> None:
    """Check that data does not claim to be far larger than what is in the file.

    Parameters
    ----------
    claimed, stored : int
        Bytes in memory, and bytes in the file.
    remedy : str
        The end of the message.

    Raises
    ------
    ValueError
    """
    if claimed > max(_FREE_CLAIM, _MOST_RATIO * stored):
        raise ValueError(f"{stored:,} bytes that claim to be {claimed:,}{remedy}")


def size_of(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    """Return the number of bytes of an array."""
    return math.prod(shape) * dtype.itemsize


def read_header(file: Any) -> Header:
    """Read the header of an array in NumPy's format, and leave the file where the array begins.

    Raises
    ------
    ValueError
        If it is not one of numbers or texts.
    """
    with as_value_error():
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
        if dtype.hasobject:
            raise ValueError("pickled, which is never read")
        if dtype.kind not in _KINDS or dtype.subdtype is not None or any(n < 0 for n in shape):
            raise ValueError(f"{dtype} {shape} is no array of numbers or texts")
        return tuple(map(int, shape)), dtype, bool(fortran) and len(shape) > 1


def load_array(path: str | os.PathLike[str], shape: tuple[int, ...], dtype: str, mapped_from: int = 0) -> NDArray[Any]:
    """Map an array of known form from a file, read-only.

    Parameters
    ----------
    path : path-like
    shape : tuple of int
    dtype : str
    mapped_from : int
        Bytes; a smaller file is read, as each mapping keeps a file open.

    Raises
    ------
    OSError
    ValueError
        If the file has an array of another form, or is longer or shorter than it.
    """
    with open_regular(path) as file:
        found_shape, found_dtype, fortran = read_header(file)
        if found_shape != shape or found_dtype != np.dtype(dtype) or fortran:
            order = " in Fortran's order" if fortran else ""
            raise ValueError(f"{found_dtype} {found_shape}{order} where {dtype} {shape} belongs")
        start, size, needed = file.tell(), os.fstat(file.fileno()).st_size, size_of(shape, np.dtype(dtype))
        if size - start != needed:
            raise ValueError(f"{size - start:,} bytes of data where {needed:,} belong")
        if not needed or size < mapped_from:
            array: NDArray[Any] = np.ndarray(shape, dtype, file.read(needed))
        else:
            with as_value_error():
                array = np.memmap(file, dtype, "r", start, shape)
    array.setflags(write=False)
    return array


class Archive:
    """The arrays of an open NPZ file; each is checked before it is read.

    Attributes
    ----------
    names : tuple of str
        Of the arrays, without ``.npy``.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._entries = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
        self._archive = archive
        self.names = tuple(self._entries)

    def form(self, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Return the shape and type of an array.

        Raises
        ------
        ValueError
            If it is damaged, pickled, or not as long as its shape says.
        """
        with as_value_error(), self._opened(name) as (_, (shape, dtype, _)):
            return shape, dtype

    def array(self, name: str) -> NDArray[Any]:
        """Return an array.

        Raises
        ------
        ValueError
            If it is damaged, pickled, or not as long as its shape says, or claims far more memory than the file has.
        """
        with as_value_error(), self._opened(name) as (file, (shape, dtype, fortran)):
            check_claim(size_of(shape, dtype), self._entries[name].compress_size)
            array: NDArray[Any] = np.empty(math.prod(shape), dtype)
            if dtype.itemsize:
                _fill(file, array.view(np.uint8))
            _finish(file)
            return array.reshape(shape, order="F" if fortran else "C")

    def texts(self, name: str) -> Iterator[str]:
        """Yield the texts of an array, or bytes of UTF-8 as texts; a few are in memory at a time.

        Raises
        ------
        ValueError
            As `array`, or if a text is not valid.
        """
        with as_value_error(), self._opened(name) as (file, (shape, dtype, _)):
            if dtype.itemsize > _BYTES_AT_ONCE:
                raise ValueError(f"a text of {dtype.itemsize:,} bytes")
            n = math.prod(shape)
            step = max(1, (_BYTES_AT_ONCE >> 4) // max(1, dtype.itemsize))
            for start in range(0, n, step):
                part: NDArray[Any] = np.empty(min(step, n - start), dtype)
                if dtype.itemsize:
                    _fill(file, part.view(np.uint8))
                    if dtype.kind == "U" and part.view(f"{dtype.byteorder}u4").max() > sys.maxunicode:
                        raise ValueError(f"{name} has characters that do not exist")  # NumPy makes broken texts of them
                yield from (np.strings.decode(part, "utf-8") if dtype.kind == "S" else part).tolist()
            _finish(file)

    @contextmanager
    def _opened(self, name: str) -> Iterator[tuple[Any, Header]]:
        """Yield the file of an array after its header, and what the header says."""
        entry = self._entries[name]
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{name} is compressed in a way that NumPy does not write")
        with self._archive.open(entry) as file:
            try:
                shape, dtype, fortran = read_header(file)
            except ValueError as error:
                raise ValueError(f"{name} is {error}" if "pickled" in str(error) else f"{name}: {error}") from error
            if entry.file_size - file.tell() != size_of(shape, dtype):
                raise ValueError(f"{name} is not as long as its shape {shape} says")
            yield file, (shape, dtype, fortran)


@contextmanager
def open_archive(path: str | os.PathLike[str]) -> Iterator[Archive]:
    """Open an NPZ file.

    Raises
    ------
    OSError
        If it cannot be read, or is not a regular file.
    ValueError
        If it is no archive.
    """
    with open_regular(path) as file:
        with as_value_error():
            archive = zipfile.ZipFile(file)
        with archive:
            yield Archive(archive)


@contextmanager
def as_value_error() -> Iterator[None]:
    """Turn what NumPy and `zipfile` raise for damaged bytes into a `ValueError`."""
    try:
        yield
    except _BROKEN as error:
        raise ValueError(f"{error}" or type(error).__name__) from error


def _fill(file: Any, out: NDArray[np.uint8]) -> None:
    """Read the next bytes of a file into an array."""
    done = 0
    while done < len(out):
        part = file.read(min(len(out) - done, _BYTES_AT_ONCE))
        if not part:
            raise ValueError("it ends too early")
        out[done : done + len(part)] = np.frombuffer(part, np.uint8)
        done += len(part)


def _finish(file: Any) -> None:
    """Read the end of a file, where `zipfile` compares the checksum."""
    if file.read(1):
        raise ValueError("it goes on after its end")
