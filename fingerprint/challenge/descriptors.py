"""The Descriptor Track's file: one vector for each query and each reference."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from fingerprint.challenge.files import fault, first_repeated, id_fault, replacing
from fingerprint.config import MAX_DESCRIPTOR_DIMENSION
from fingerprint.errors import ChallengeFileError
from fingerprint.hdf5 import Hdf5File, open_hdf5
from fingerprint.types import F32

#: Most dimensions that a descriptor may have.
MAX_DIMENSIONS = MAX_DESCRIPTOR_DIMENSION

_WRITTEN_ROWS = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class DescriptorSet:
    """The descriptors of all queries and all references; row i belongs to id i.

    Attributes
    ----------
    query : float32 array, shape (n_q, d), d <= 256
        Finite, at least one row. Compared as they are: norms count.
    reference : float32 array, shape (n_r, d)
        Finite, at least one row.
    query_ids : tuple of str, length n_q
        Each once, without file extension, in any order.
    reference_ids : tuple of str, length n_r
        Each once, without file extension, in any order.

    Raises
    ------
    ChallengeFileError
        If one of these rules is broken.
    """

    query: F32
    reference: F32
    query_ids: tuple[str, ...]
    reference_ids: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check both halves and that they fit each other."""
        for name, vectors, ids in (
            ("query", self.query, self.query_ids),
            ("reference", self.reference, self.reference_ids),
        ):
            if vectors.dtype != np.float32:
                raise ChallengeFileError(f"{name} descriptors: the vectors are {vectors.dtype}: give float32")
            if what := _form_fault(vectors.shape, vectors.dtype) or _ids_fault(vectors, ids):
                raise ChallengeFileError(f"{name} descriptors: {what}")
        if self.query.shape[1] != self.reference.shape[1]:
            d_query, d_reference = self.query.shape[1], self.reference.shape[1]
            raise ChallengeFileError(
                f"query descriptors have {d_query} dimensions and reference descriptors {d_reference}: use one model"
            )


def read_descriptors(
    path: str | os.PathLike[str], reference_path: str | os.PathLike[str] | None = None
) -> DescriptorSet:
    """Read a Descriptor Track file, or the two files of the older layout.

    Parameters
    ----------
    path : path-like
        HDF5 with the datasets ``query`` and ``reference``, float32, and ``query_ids`` and ``reference_ids``, sorted
        ascending. With `reference_path`: the queries of the older layout.
    reference_path : path-like, optional
        The references of the older layout, in which a file holds one set as ``vectors``, float32, and
        ``image_names``, in any order.

    Returns
    -------
    DescriptorSet
        Rows in the order of the file.

    Raises
    ------
    ChallengeFileError
        If a file cannot be read, is not HDF5, lacks a dataset, or breaks a rule of `DescriptorSet`.
    """
    if reference_path is None:
        with open_hdf5(path) as file:
            query, query_ids = _read_half(path, file, "query", "query_ids")
            reference, reference_ids = _read_half(path, file, "reference", "reference_ids")
        for name, ids in (("query_ids", query_ids), ("reference_ids", reference_ids)):
            if (late := next((b for a, b in pairwise(ids) if b < a), None)) is not None:
                raise fault(path, f"{name} are not sorted: {late!r} comes too late; sort the rows by id")
    else:
        with open_hdf5(path) as file:
            query, query_ids = _read_half(path, file, "vectors", "image_names")
        with open_hdf5(reference_path) as file:
            reference, reference_ids = _read_half(reference_path, file, "vectors", "image_names")
    try:
        return DescriptorSet(query, reference, query_ids, reference_ids)
    except ChallengeFileError as error:
        names = os.fspath(path) if reference_path is None else f"{os.fspath(path)}, {os.fspath(reference_path)}"
        raise ChallengeFileError(f"{names}: {error}") from error


def write_descriptors(path: str | os.PathLike[str], descriptors: DescriptorSet) -> None:
    """Write a Descriptor Track file: four datasets, rows sorted by id, ids as fixed-length bytes.

    Parameters
    ----------
    path : path-like
        Replaced when the new file is complete.
    descriptors : DescriptorSet
        Rows in any order; not changed.

    Raises
    ------
    ChallengeFileError
        If an id is not ASCII or has a comma, a space or a quotation mark, or the file cannot be written.
    """
    import h5py

    for name in (*descriptors.query_ids, *descriptors.reference_ids):
        if what := id_fault(name) or (None if name.isascii() else f"the id {name!r} is not ASCII: rename it"):
            raise fault(path, f"not written: {what}")
    with replacing(path) as temporary, h5py.File(temporary, "x") as file:
        for name, vectors, ids in (
            ("query", descriptors.query, descriptors.query_ids),
            ("reference", descriptors.reference, descriptors.reference_ids),
        ):
            encoded = np.array(ids, dtype=np.bytes_)
            order = np.argsort(encoded)
            file.create_dataset(f"{name}_ids", data=encoded[order])
            rows = file.create_dataset(name, shape=vectors.shape, dtype=np.float32)
            for start in range(0, len(order), _WRITTEN_ROWS):
                part = order[start : start + _WRITTEN_ROWS]
                rows[start : start + len(part)] = vectors[part]


def _read_half(
    path: str | os.PathLike[str], file: Hdf5File, vectors_name: str, ids_name: str
) -> tuple[F32, tuple[str, ...]]:
    file.check(vectors_name, ids_name)
    if vectors_name not in file.names or ids_name not in file.names:
        raise fault(path, _layout_fault(set(file.names), vectors_name, ids_name))
    (shape, dtype), (ids_shape, _) = file.form(vectors_name), file.form(ids_name)
    if what := _form_fault(shape, dtype):
        raise fault(path, f"{vectors_name}: {what}")
    if len(ids_shape) == 1 and ids_shape[0] != shape[0]:
        where = "" if vectors_name == "vectors" else f"{vectors_name} descriptors: "
        raise fault(path, f"{where}{ids_shape[0]} ids for {shape[0]} vectors: give one each")
    ids = file.texts(ids_name, "ascii", "ASCII bytes: write ids like b'Q00000'")
    return np.ascontiguousarray(file.numbers(vectors_name), np.float32), ids


def _layout_fault(found: set[str], vectors_name: str, ids_name: str) -> str:
    have = ", ".join(sorted(found)) or "no dataset"
    if "vectors" in found:
        return f"this is the older layout ({have}): give a file of queries and a file of references"
    if vectors_name == "vectors" and "query" in found:
        return f"this file holds queries and references ({have}): give it alone"
    needed = "vectors and image_names" if vectors_name == "vectors" else "query, reference, query_ids, reference_ids"
    return f"has {have}, lacks {vectors_name if vectors_name not in found else ids_name}: write {needed}"


def _form_fault(shape: tuple[int, ...], dtype: Any) -> str | None:
    """Return what is wrong with the form of vectors, which need not be read for it, or None."""
    if np.dtype(dtype).newbyteorder("=") != np.float32:  # in a file, of any byte order
        return f"the vectors are {dtype}: write them as float32"
    if len(shape) != 2 or 0 in shape:
        return f"the vectors have shape {shape}: give (n, d), at least one row and one dimension"
    if shape[1] > MAX_DIMENSIONS:
        return f"{shape[1]} dimensions, {MAX_DIMENSIONS} are allowed: project them"
    return None


def _ids_fault(vectors: F32, ids: tuple[str, ...]) -> str | None:
    if len(ids) != len(vectors):
        return f"{len(ids)} ids for {len(vectors)} vectors: give one each"
    if (repeated := first_repeated(ids)) is not None:
        return f"the id {repeated!r} is there twice: keep one row of it"
    if not np.isfinite([vectors.max(), vectors.min()]).all():
        row = int(np.isfinite(vectors).all(axis=1).argmin())
        return f"the vector of {ids[row]!r} is not finite: leave it out or describe that picture again"
    return None
