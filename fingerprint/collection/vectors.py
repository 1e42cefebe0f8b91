"""Vectors of any model moved into a collection and out of it, and searched there."""

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
    """What became of the vectors offered to a collection.

    Attributes
    ----------
    model_id : str
    added, unchanged, replaced : int
        New ids, ids that were there with the same bytes, ids whose vectors replaced others.
    """

    model_id: str
    added: int
    unchanged: int
    replaced: int


def import_vectors(writer: Writer, offered: VectorSet, model_id: str, progress: Progress | None = None) -> ImportReport:
    """Take in vectors of another model, some at a time; parameters and errors as in `Collection.import_vectors`."""
    check_model_id(model_id)
    reader = writer.reader
    counts = np.zeros(3, np.int64)  # added, unchanged, replaced
    with writer.writing():
        there = reader.live_vectors(model_id) if model_id in reader.model_ids else None
        rows = {image_id: row for row, image_id in enumerate(there.ids)} if there is not None else {}
        for start in range(0, len(offered), _ROWS_AT_ONCE):
            ids = offered.ids[start : start + _ROWS_AT_ONCE]
            vectors = offered.vectors[start : start + _ROWS_AT_ONCE]
            same = np.zeros(len(ids), np.bool_)
            if there is not None and rows and there.shape[1] == vectors.shape[1]:
                at = np.array([rows.get(image_id, -1) for image_id in ids])
                same[at >= 0] = _same_bytes(there[at[at >= 0]], vectors[at >= 0])
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
    there = reader.live_vectors(model_id)
    if not len(there):
        raise ConfigError(f"{reader.folder}: no vectors of {model_id} to write; add some first")
    if queries is None:
        write_vectors(path, there.ids, there, model_id)
        return len(there)
    if not is_hdf5(path):
        raise ConfigError(f"{os.fspath(path)}: queries go with the challenge's HDF5 only; name it .hdf5 or .h5")
    asked = queries if isinstance(queries, VectorSet) else read_vectors(queries, queries=True)
    if asked.model_id not in (None, model_id):
        raise ModelMismatchError(f"the queries are of {asked.model_id}, the references of {model_id}: use one model")
    try:
        both = DescriptorSet(asked.vectors, there[:], asked.ids, tuple(there.ids))
    except ChallengeFileError as error:
        raise ChallengeFileError(f"{os.fspath(path)}: not written: {error}") from error
    write_descriptors(path, both)
    return len(there)


def nearest_neighbours(
    reader: Reader, queries: VectorSet | F32, model_id: str | None, n_results: int, *, exact: bool
) -> list[list[Neighbour]]:
    """Return the references whose vectors are nearest; parameters and errors as in `Collection.nearest`."""
    if isinstance(queries, VectorSet):
        name, vectors = model_of(queries, model_id, queries), queries.vectors
    else:
        name, vectors = reader.model_id if model_id is None else model_id, queries
        if len(vectors):
            VectorSet(tuple(map(str, range(len(vectors)))), vectors)  # checks them
    reader.live_vectors(name)  # whether there is anything
    if not len(vectors) or not n_results:
        return [[] for _ in vectors]
    return reader.nearest_vectors(np.ascontiguousarray(vectors), name, n_results, exact=exact)


def model_of(vectors: VectorSet, model_id: str | None, source: object) -> str:
    """Return the model that was named, or that the set names; `source` is where it comes from, for the message.

    Raises
    ------
    ConfigError
        If neither is there.
    """
    name = vectors.model_id if model_id is None else model_id
    if name is None:
        prefix = "" if isinstance(source, VectorSet) else f"{source}: "
        raise ConfigError(f"{prefix}the model that made the vectors is not named; give its id (--model-id ID)")
    return name


def _same_bytes(left: F32, right: F32) -> Bool:
    """Return for each row whether two arrays have the same bits: 0 and -0 differ."""
    return (left.view(np.uint32) == right.view(np.uint32)).all(axis=1)  # type: ignore[no-any-return]
