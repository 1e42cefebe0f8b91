"""Importing vectors of any model into a collection, exporting them, and searching them."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from fingerprint.challenge import DescriptorSet, write_descriptors
from fingerprint.errors import ChallengeFileError, ConfigError, ModelMismatchError
from fingerprint.index import Neighbour, Reader, Writer
from fingerprint.types import F32, Bool, Progress
from fingerprint.vectorfiles import (
    VectorSet,
    check_model_id,
    is_hdf5,
    read_vectors,
    write_vectors,
)

_ROWS_AT_ONCE = 100_000


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Outcome of importing vectors into a collection.

    Attributes
    ----------
    model_id : str
    added, unchanged, replaced : int
        New ids, ids that the collection has with the same bytes, ids whose vectors replaced others.
    """

    model_id: str
    added: int
    unchanged: int
    replaced: int


def import_vectors(writer: Writer, offered: VectorSet, model_id: str, progress: Progress | None = None) -> ImportReport:
    """Import vectors of another model in batches; parameters and errors as in `Collection.import_vectors`."""
    check_model_id(model_id)
    reader = writer.reader
    counts = np.zeros(3, np.int64)  # added, unchanged, replaced
    with writer.writing():
        stored = reader.live_vectors(model_id) if model_id in reader.model_ids else None
        rows = {image_id: row for row, image_id in enumerate(stored.ids)} if stored is not None else {}
        for start in range(0, len(offered), _ROWS_AT_ONCE):
            ids = offered.ids[start : start + _ROWS_AT_ONCE]
            vectors = offered.vectors[start : start + _ROWS_AT_ONCE]
            same = np.zeros(len(ids), np.bool_)
            if stored is not None and rows and stored.shape[1] == vectors.shape[1]:
                at = np.array([rows.get(image_id, -1) for image_id in ids])
                same[at >= 0] = _same_bytes(stored[at[at >= 0]], vectors[at >= 0])
            new = [image_id for image_id, known in zip(ids, same.tolist(), strict=True) if not known]
            replaced = len(writer.add_vectors(model_id, new, vectors if not same.any() else vectors[~same]))
            counts += (len(new) - replaced, len(ids) - len(new), replaced)
            if progress is not None:
                progress(start + len(ids), len(offered))
    return ImportReport(model_id, *counts.tolist())


def export_vectors(
    reader: Reader,
    path: str | os.PathLike[str],
    model_id: str,
    queries: str | os.PathLike[str] | VectorSet | None = None,
) -> int:
    """Write the vectors of a model to a file; parameters and errors as in `Collection.export_vectors`."""
    stored = reader.live_vectors(model_id)
    if not len(stored):
        raise ConfigError(f"{reader.folder}: no vectors of {model_id} to write; add some first")
    if queries is None:
        write_vectors(path, stored.ids, stored, model_id)
        return len(stored)
    if not is_hdf5(path):
        raise ConfigError(
            f"{os.fspath(path)}: queries can only be written to the challenge's HDF5 file; name it .hdf5 or .h5"
        )
    query_set = queries if isinstance(queries, VectorSet) else read_vectors(queries, queries=True)
    if query_set.model_id not in (None, model_id):
        raise ModelMismatchError(
            f"the queries are of {query_set.model_id}, the references of {model_id}: use one model"
        )
    try:
        both = DescriptorSet(query_set.vectors, stored[:], query_set.ids, tuple(stored.ids))
    except ChallengeFileError as error:
        raise ChallengeFileError(f"{os.fspath(path)}: not written: {error}") from error
    write_descriptors(path, both)
    return len(stored)


def nearest_neighbours(
    reader: Reader, queries: VectorSet | F32, model_id: str | None, n_results: int, *, exact: bool
) -> list[list[Neighbour]]:
    """Return the references with the nearest vectors; parameters and errors as in `Collection.nearest`."""
    if isinstance(queries, VectorSet):
        name, vectors = model_of(queries, model_id, queries), queries.vectors
    else:
        name, vectors = reader.model_id if model_id is None else model_id, queries
        if len(vectors):
            VectorSet(tuple(map(str, range(len(vectors)))), vectors)  # raises if they are not valid
    reader.live_vectors(name)  # raises if there are none
    if not len(vectors) or not n_results:
        return [[] for _ in vectors]
    return reader.nearest_vectors(np.ascontiguousarray(vectors), name, n_results, exact=exact)


def model_of(vectors: VectorSet, model_id: str | None, source: object) -> str:
    """Return `model_id`, or else the model that the set names; `source` is its file, for the error message.

    Raises
    ------
    ConfigError
        If no model is named.
    """
    name = vectors.model_id if model_id is None else model_id
    if name is None:
        prefix = "" if isinstance(source, VectorSet) else f"{source}: "
        raise ConfigError(f"{prefix}the model that made the vectors is not named; give its id (--model-id ID)")
    return name


def _same_bytes(left: F32, right: F32) -> Bool:
    """Return for each row whether two arrays have the same bits: 0 and -0 differ."""
    return (left.view(np.uint32) == right.view(np.uint32)).all(axis=1)  # type: ignore[no-any-return]
