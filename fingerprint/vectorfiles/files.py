"""Files of vectors with their ids: ``.npz``, ``.csv`` and the challenge's HDF5. Vectors are read back bit for bit.

``.npz``: NumPy's archive with ``ids`` (texts or bytes in UTF-8), ``descriptors`` (n, d) and, if known, ``model_id``.
``.csv``: UTF-8 with the header ``id,d0,d1,...``. ``.hdf5`` and ``.h5``: see `fingerprint.challenge.halves`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fingerprint.challenge.halves import Rows, read_half, write_half
from fingerprint.errors import ConfigError
from fingerprint.files import atomic
from fingerprint.vectorfiles.npz import read_npz, write_npz
from fingerprint.vectorfiles.table import read_csv, write_csv
from fingerprint.vectorfiles.values import MAX_DIMENSION, VectorSet, file_fault, ids_fault, shape_fault

#: Endings of files of vectors, in any case.
ENDINGS = (".npz", ".csv", ".hdf5", ".h5")
_HDF5 = (".hdf5", ".h5")


def is_vector_file(path: str | os.PathLike[str]) -> bool:
    """Return whether a file is one of vectors, by its ending."""
    return os.fspath(path).lower().endswith(ENDINGS)


def is_hdf5(path: str | os.PathLike[str]) -> bool:
    """Return whether a file has the challenge's layout, by its ending."""
    return os.fspath(path).lower().endswith(_HDF5)


def read_vectors(path: str | os.PathLike[str], *, queries: bool = False) -> VectorSet:
    """Read a file of vectors.

    Parameters
    ----------
    path : path-like
        With one of `ENDINGS`.
    queries : bool
        Read the queries of the challenge's file instead of its references.

    Returns
    -------
    VectorSet
        Rows in the order of the file. Other floating-point types become float32.

    Raises
    ------
    ConfigError
        If the file cannot be read, has another ending or another form, or breaks a rule of `VectorSet`.
    ChallengeFileError
        If an HDF5 file cannot be read or lacks the challenge's datasets.

    Examples
    --------
    >>> import numpy as np
    >>> np.savez("own.npz", ids=["a", "b"], descriptors=np.eye(2, dtype=np.float32))
    >>> read_vectors("own.npz").ids
    ('a', 'b')
    """
    _check_ending(path)
    if not Path(path).is_file():
        what = "a folder, not a file" if Path(path).is_dir() else "no such file, or not a regular one; check its name"
        raise file_fault(path, what)
    if is_hdf5(path):
        vectors, ids, model_id = read_half(path, "query" if queries else "reference", MAX_DIMENSION)
    else:
        read = read_npz if os.fspath(path).lower().endswith(".npz") else read_csv
        try:
            vectors, ids, model_id = read(Path(path))
        except OSError as error:
            raise file_fault(path, f"cannot be read: {error.strerror or error}") from error
    try:
        return VectorSet.of(ids, vectors, model_id)
    except ConfigError as error:
        raise file_fault(path, str(error)) from error


def write_vectors(path: str | os.PathLike[str], ids: Sequence[str], rows: Rows, model_id: str | None = None) -> None:
    """Write a file of vectors, a part at a time.

    Parameters
    ----------
    path : path-like
        With one of `ENDINGS`. Replaced when the new file is complete and on disk. In HDF5 the vectors are written as
        references, sorted by id.
    ids : sequence of str, length n
        Each once and not empty.
    rows : float32 array, shape (n, d), or `Rows`
        Finite.
    model_id : str, optional
        Stored in NPZ and HDF5; CSV cannot hold it.

    Raises
    ------
    ConfigError
        If an id or the shape breaks a rule of `VectorSet`, the ending is not one of `ENDINGS`, or the file cannot be
        written.
    """
    _check_ending(path)
    if what := shape_fault(rows.shape) or ids_fault(ids, rows.shape[0]):
        raise file_fault(path, f"not written: {what}")
    with replacing(path) as temporary:
        if is_hdf5(path):
            write_half(temporary, ids, rows, model_id)
        elif os.fspath(path).lower().endswith(".npz"):
            write_npz(temporary, ids, rows, model_id)
        else:
            write_csv(temporary, ids, rows)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path to write to; it replaces `path` once it is on disk.

    Raises
    ------
    ConfigError
        If the file cannot be written; then an existing file is untouched, and no partial file is left.
    """
    try:
        with atomic.replacing(path) as temporary:
            yield temporary
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error  # HDF5's own message is longer
        raise file_fault(path, f"cannot be written: {reason}; free some space or choose another folder") from error


def _check_ending(path: str | os.PathLike[str]) -> None:
    if not is_vector_file(path):
        raise file_fault(path, f"not a file of vectors by its name; it must end with {', '.join(ENDINGS[:-1])} or .h5")
