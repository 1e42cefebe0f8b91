"""One half of a Descriptor Track file: the vectors of the references, or those of the queries."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from fingerprint.challenge.files import fault
from fingerprint.hdf5 import open_hdf5
from fingerprint.types import F32

#: The datasets to read; the first pair in the file counts. A file of references alone can be read as queries.
_LAYOUTS = {
    "reference": (("reference", "reference_ids"), ("vectors", "image_names")),
    "query": (("query", "query_ids"), ("vectors", "image_names"), ("reference", "reference_ids")),
}
_MODEL = "model_id"  # attribute of the file; the challenge's own files have none
_WRITTEN_ROWS = 1 << 14


class Rows(Protocol):
    """Vectors that are read a part at a time: a float32 array, shape (n, d), or one that is stored on disk."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of vectors and of dimensions."""

    def __getitem__(self, rows: Any, /) -> F32:
        """Return some rows, by a slice or by an int64 array."""


def read_half(
    path: str | os.PathLike[str], role: Literal["query", "reference"], max_dimensions: int
) -> tuple[NDArray[Any], tuple[str, ...], str | None]:
    """Read one half of a Descriptor Track file, or a file of the older layout, which has one half.

    Parameters
    ----------
    path : path-like
        HDF5 with the datasets ``reference`` and ``reference_ids``, or ``query`` and ``query_ids``, or ``vectors`` and
        ``image_names``; ids are bytes or texts in any order.
    role : {"query", "reference"}
        The half to read. A file of references alone can be read as queries.
    max_dimensions : int
        A file with more of them is refused before it is read.

    Returns
    -------
    vectors : array, shape (n, d)
        In the file's own type.
    ids : tuple of str, as many as the file has
    model_id : str or None
        The id that `write_half` stored.

    Raises
    ------
    ChallengeFileError
        If the file cannot be read, is not HDF5, lacks these datasets, or the vectors are not two-dimensional or have
        too many dimensions.
    """
    with open_hdf5(path) as file:
        wanted = _LAYOUTS[role]
        for names in wanted:
            file.check(*names)
        layout = next((names for names in wanted if set(names) <= set(file.names)), None)
        if layout is None:
            have, first = ", ".join(sorted(file.names)) or "no dataset", " and ".join(wanted[0])
            raise fault(path, f"has {have}: write {first}, or vectors and image_names")
        (shape, _), (ids_shape, _) = file.form(layout[0]), file.form(layout[1])
        if len(shape) != 2:
            raise fault(path, f"{layout[0]} has shape {shape}: write (n, d), a vector a row")
        if shape[1] > max_dimensions:
            raise fault(path, f"{shape[1]} dimensions, {max_dimensions} are allowed: project them")
        if len(ids_shape) == 1 and ids_shape[0] != shape[0]:
            raise fault(path, f"{ids_shape[0]} ids for {shape[0]} vectors: give one each")
        ids = file.texts(layout[1], "utf-8", "bytes in UTF-8: write ids like b'R000000'")
        return file.numbers(layout[0]), ids, file.attribute(_MODEL)


def write_half(path: Path, ids: Sequence[str], rows: Rows, model_id: str | None = None) -> None:
    """Write the half of the references, sorted by id: ``reference`` and ``reference_ids``.

    Parameters
    ----------
    path : Path
        A new file.
    ids : sequence of str, length n
        Each once, without NUL; written as bytes of fixed length, in UTF-8.
    rows : float32 array, shape (n, d), or `Rows`
        Read a part at a time.
    model_id : str, optional
        Stored as an attribute of the file.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    import h5py

    encoded = np.array([name.encode() for name in ids], dtype=np.bytes_)
    order = np.argsort(encoded)
    with h5py.File(path, "x") as file:
        file.create_dataset("reference_ids", data=encoded[order])
        written = file.create_dataset("reference", shape=rows.shape, dtype=np.float32)
        for start in range(0, len(order), _WRITTEN_ROWS):
            part = order[start : start + _WRITTEN_ROWS]
            written[start : start + len(part)] = rows[part]
        if model_id is not None:
            file.attrs[_MODEL] = model_id
