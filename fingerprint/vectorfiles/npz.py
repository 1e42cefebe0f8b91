"""Vectors in NumPy's archives: the arrays ``ids``, ``descriptors`` and, if it is known, ``model_id``; never pickled."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerprint.challenge.halves import Rows
from fingerprint.errors import ConfigError
from fingerprint.files.datafiles import Archive, open_archive
from fingerprint.vectorfiles.values import file_fault, rows_at_once, shape_fault

_IDS_AT_ONCE = 1 << 16


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
        with open_archive(path) as archive:
            return _read(path, archive)
    except ConfigError:
        raise
    except ValueError as error:
        raise file_fault(path, f"not a sound NPZ archive ({error}): write or copy it again") from error


def _read(path: Path, archive: Archive) -> tuple[NDArray[Any], tuple[str, ...], str | None]:
    if missing := [name for name in ("ids", "descriptors") if name not in archive.names]:
        have = ", ".join(sorted(archive.names)) or "nothing"
        raise file_fault(path, f"has {have}, lacks {' and '.join(missing)}: write ids and descriptors")
    n_ids = _check_texts(path, archive, "ids")
    if len(n_ids) != 1:
        raise file_fault(path, f"ids has shape {n_ids}: write one id a row")
    shape, _ = archive.form("descriptors")
    if what := shape_fault(shape):
        raise file_fault(path, what)
    if n_ids[0] != shape[0]:
        raise file_fault(path, f"{n_ids[0]} ids for {shape[0]} vectors: give one each")
    model = None
    if "model_id" in archive.names:
        form = _check_texts(path, archive, "model_id")
        if math.prod(form) != 1:
            raise file_fault(path, f"model_id has shape {form}: write one text")
        model = next(archive.texts("model_id"))
    descriptors = archive.array("descriptors")
    return descriptors, tuple(archive.texts("ids")), model


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


def _check_texts(path: Path, archive: Archive, name: str) -> tuple[int, ...]:
    """Return the shape of an array, which must be of texts."""
    shape, dtype = archive.form(name)
    if dtype.kind not in "SU":
        raise file_fault(path, f"{name} is of type {dtype}: write texts")
    return shape


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
