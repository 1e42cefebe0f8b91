"""Vectors in NumPy's archives: the arrays ``ids``, ``descriptors`` and, if it is known, ``model_id``; never pickled."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerprint.challenge.halves import Rows
from fingerprint.errors import ConfigError
from fingerprint.vectorfiles.values import file_fault, rows_at_once, shape_fault

_IDS_AT_ONCE = 1 << 16
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, NotImplementedError, RuntimeError)


def read_npz(path: Path) -> tuple[NDArray[Any], tuple[str, ...], str | None]:
    """Return the vectors (n, d) of an archive in their stored type, its ids and its model id.

    Raises
    ------
    ConfigError
        If it is damaged, pickled, or lacks an array.
    OSError
        If it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            found = {name.removesuffix(".npy") for name in archive.namelist()}
            if missing := [name for name in ("ids", "descriptors") if name not in found]:
                have = ", ".join(sorted(found)) or "nothing"
                raise file_fault(path, f"has {have}, lacks {' and '.join(missing)}: write ids and descriptors")
            ids = _texts(path, "ids", _member(path, archive, "ids"))
            if ids.ndim != 1:
                raise file_fault(path, f"ids has shape {ids.shape}: write one id a row")
            model = _texts(path, "model_id", _member(path, archive, "model_id")) if "model_id" in found else None
            if model is not None and model.size != 1:
                raise file_fault(path, f"model_id has shape {model.shape}: write one text")
            descriptors = _member(path, archive, "descriptors")
    except ConfigError:
        raise
    except _BROKEN as error:
        raise file_fault(path, f"not a sound NPZ archive ({error}): write or copy it again") from error
    return descriptors, tuple(ids.tolist()), None if model is None else str(model.item())


def write_npz(path: Path, ids: Sequence[str], rows: Rows, model_id: str | None) -> None:
    """Write a new archive, a part at a time."""
    width = max(map(len, ids))
    with zipfile.ZipFile(path, "x") as archive:
        with _new_member(archive, "ids", (len(ids),), f"<U{width}", zipfile.ZIP_DEFLATED) as file:
            for start in range(0, len(ids), _IDS_AT_ONCE):
                file.write(np.array(ids[start : start + _IDS_AT_ONCE], dtype=f"<U{width}").tobytes())
        if model_id is not None:
            with _new_member(archive, "model_id", (), f"<U{len(model_id)}") as file:
                file.write(np.array(model_id, dtype=f"<U{len(model_id)}").tobytes())
        with _new_member(archive, "descriptors", rows.shape, "<f4") as file:
            for start in range(0, len(ids), step := rows_at_once(rows.shape[1])):
                file.write(rows[start : start + step].astype("<f4", copy=False).tobytes())


def _member(path: Path, archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """Return an array of an archive, after checking that it is complete."""
    with archive.open(f"{name}.npy") as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
        rest = archive.getinfo(f"{name}.npy").file_size - file.tell()
    if dtype.hasobject:
        raise file_fault(path, f"{name} is pickled, which is never read: save it as texts or float32")
    if rest != dtype.itemsize * int(np.prod(shape, dtype=object)):
        raise file_fault(path, f"{name} is not as long as its shape {shape} says: write or copy the file again")
    if name == "descriptors" and (what := shape_fault(shape)):
        raise file_fault(path, what)
    with archive.open(f"{name}.npy") as file:
        array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    return array


def _texts(path: Path, name: str, array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind == "S":
        return np.strings.decode(array, "utf-8")  # read_npz reports its error as one of the archive
    if array.dtype.kind != "U":
        raise file_fault(path, f"{name} is of type {array.dtype}: write texts")
    return array


@contextmanager
def _new_member(
    archive: zipfile.ZipFile, name: str, shape: tuple[int, ...], descr: str, how: int = zipfile.ZIP_STORED
) -> Iterator[Any]:
    """Open a new array of an archive and write its header; without a date, so that equal content gives equal bytes."""
    info = zipfile.ZipInfo(f"{name}.npy")
    info.compress_type = how
    with archive.open(info, "w", force_zip64=True) as file:
        np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
        yield file
