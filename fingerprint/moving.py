"""Vectors of any model moved into a collection and out of it, and searched there."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fingerprint.challenge import DescriptorSet, write_descriptors
from fingerprint.config import Config
from fingerprint.errors import ChallengeFileError, ConfigError, ModelMismatchError
from fingerprint.index import Neighbour, Store
from fingerprint.types import F32, Bool
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
        New ids, ids that were there with the same bytes, ids whose vectors took the place of others.
    """

    model_id: str
    added: int
    unchanged: int
    replaced: int


class VectorAccess:
    """What a collection does with vectors of any model, its own or others, and with the ids of all of them."""

    _store: Store
    _config: Config

    def remove(self, ids: Sequence[str], model_id: str | None = None) -> None:
        """Take references out, with the vectors of other models that are there of them; none if one is not there.

        Parameters
        ----------
        ids : sequence of str
        model_id : str, optional
            Take out only what is there of this model.

        Raises
        ------
        UnknownIdError
            Naming the first id that is not in the collection.
        ModelMismatchError
            If there is nothing of that model.
        ConfigError
            If `ids` is one text rather than a list.
        CollectionBusyError, CollectionError
        """
        if isinstance(ids, str):
            raise ConfigError(f"ids is the text {ids!r}; give a list of ids")
        if model_id is not None:
            with self._store.writing():
                self._store.live_vectors(model_id)  # whether there is anything
                self._store.remove(ids, model_id)
        else:
            self._store.remove(ids)

    def import_vectors(
        self,
        source: str | os.PathLike[str] | VectorSet,
        model_id: str | None = None,
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> ImportReport:
        """Take in vectors of another model, to be searched with `nearest`; searches of pictures never look at them.

        A vector that is there under its id with the same bytes costs nothing, another one takes the place of the old.
        What was published before an interruption is kept, and the same call goes on from there.

        Parameters
        ----------
        source : path or VectorSet
            A file as `fingerprint.vectorfiles.read_vectors` reads it: ``.npz``, ``.csv``, ``.hdf5`` or ``.h5``. The ids
            need not be those of pictures.
        model_id : str, optional
            What made the vectors; by default what the file says.
        progress : callable, optional
            Called as ``progress(done, total)``, in vectors.

        Raises
        ------
        ConfigError
            If the file cannot be read, a rule of `VectorSet` is broken, or no model is named.
        ChallengeFileError
            If an HDF5 file cannot be read.
        ModelMismatchError
            If the model is the collection's own, or its vectors have another number of dimensions there.
        CollectionBusyError, CollectionError
        """
        offered = source if isinstance(source, VectorSet) else read_vectors(source)
        name = model_of(offered, model_id, source)
        check_model_id(name)
        counts = np.zeros(3, np.int64)  # added, unchanged, replaced
        with self._store.writing():
            there = self._store.live_vectors(name) if name in self._store.model_ids else None
            rows = {image_id: row for row, image_id in enumerate(there.ids)} if there is not None else {}
            for start in range(0, len(offered), _ROWS_AT_ONCE):
                ids = offered.ids[start : start + _ROWS_AT_ONCE]
                vectors = offered.vectors[start : start + _ROWS_AT_ONCE]
                same = np.zeros(len(ids), np.bool_)
                if there is not None and rows and there.shape[1] == vectors.shape[1]:
                    at = np.array([rows.get(image_id, -1) for image_id in ids])
                    same[at >= 0] = _same_bytes(there[at[at >= 0]], vectors[at >= 0])
                new = [image_id for image_id, known in zip(ids, same.tolist(), strict=True) if not known]
                replaced = len(self._store.add_vectors(name, new, vectors if not same.any() else vectors[~same]))
                counts += (len(new) - replaced, len(ids) - len(new), replaced)
                if progress is not None:
                    progress(start + len(ids), len(offered))
        return ImportReport(name, *counts.tolist())

    def export_vectors(
        self,
        path: str | os.PathLike[str],
        model_id: str | None = None,
        *,
        queries: str | os.PathLike[str] | VectorSet | None = None,
    ) -> int:
        """Write the vectors of a model to a file, from which they come back bit for bit.

        Parameters
        ----------
        path : path-like
            ``.npz`` and ``.csv``: in the order of the collection. ``.hdf5`` and ``.h5``: the half of the challenge's
            file that has the references, sorted by id. Replaced when the new file is whole.
        model_id : str, optional
            The collection's own by default.
        queries : path or VectorSet, optional
            The other half of the challenge's file, which is complete then and follows the challenge's rules.

        Returns
        -------
        int
            How many vectors were written.

        Raises
        ------
        ModelMismatchError
            If there is nothing of that model.
        ConfigError
            If there is no vector of it left, or the file cannot be written.
        ChallengeFileError
            If the challenge's rules do not allow what a complete file would have.
        """
        name = self._store.model_id if model_id is None else model_id
        there = self._store.live_vectors(name)
        if not len(there):
            raise ConfigError(f"{self._store.folder}: no vectors of {name} to write; add some first")
        if queries is None:
            write_vectors(path, there.ids, there, name)
            return len(there)
        if not is_hdf5(path):
            raise ConfigError(f"{os.fspath(path)}: queries go with the challenge's HDF5 only; name it .hdf5 or .h5")
        asked = queries if isinstance(queries, VectorSet) else read_vectors(queries, queries=True)
        if asked.model_id not in (None, name):
            raise ModelMismatchError(f"the queries are of {asked.model_id}, the references of {name}: use one model")
        try:
            both = DescriptorSet(asked.vectors, there[:], asked.ids, tuple(there.ids))
        except ChallengeFileError as error:
            raise ChallengeFileError(f"{os.fspath(path)}: not written: {error}") from error
        write_descriptors(path, both)
        return len(there)

    def nearest(
        self,
        queries: VectorSet | F32,
        model_id: str | None = None,
        *,
        n_results: int | None = None,
        exact: bool = False,
    ) -> list[list[Neighbour]]:
        """Return the references whose vectors of a model are nearest, by Euclidean distance.

        Parameters
        ----------
        queries : VectorSet, or float32 array, shape (n_q, d)
            Of that model, finite.
        model_id : str, optional
            By default what the set says; of an array, the collection's own.
        n_results : int, optional
            The most references for a query; 10 by default.
        exact : bool
            Compare with every vector, rather than by Annoy where a segment is large.

        Returns
        -------
        list of list of Neighbour
            For each query, the nearest first; at equal distance by id.

        Raises
        ------
        ModelMismatchError
            If there is nothing of that model, or its vectors have another number of dimensions.
        ConfigError
            If an array is not float32, not 2-D or not finite, if no model is named, or `n_results` is negative.

        Examples
        --------
        >>> import numpy as np
        >>> from fingerprint import create_collection
        >>> from fingerprint.vectorfiles import VectorSet
        >>> with create_collection("own.fp") as collection:
        ...     collection.import_vectors(VectorSet.of(["a", "b"], np.eye(2), "a-network")).added
        ...     collection.nearest(np.array([[0, 3]], np.float32), "a-network", n_results=1)
        2
        [[Neighbour(reference_id='b', distance=2.0)]]
        """
        limit = self._config.results if n_results is None else n_results
        if limit < 0:
            raise ConfigError(f"n_results is {limit}, must not be negative")
        if isinstance(queries, VectorSet):
            name, vectors = model_of(queries, model_id, queries), queries.vectors
        else:
            name, vectors = self._store.model_id if model_id is None else model_id, queries
            if len(vectors):
                VectorSet(tuple(map(str, range(len(vectors)))), vectors)  # checks them
        self._store.live_vectors(name)  # whether there is anything
        if not len(vectors) or not limit:
            return [[] for _ in vectors]
        return self._store.nearest_vectors(np.ascontiguousarray(vectors), name, limit, exact=exact)


def model_of(vectors: VectorSet, model_id: str | None, source: object) -> str:
    """Return the model that was named, or that the set names; `source` is where it comes from, for the message.

    Raises
    ------
    ConfigError
        If neither is there.
    """
    name = vectors.model_id if model_id is None else model_id
    if name is None:
        place = "" if isinstance(source, VectorSet) else f"{source}: "
        raise ConfigError(f"{place}no word of the model that made the vectors; give its id (--model-id ID)")
    return name


def _same_bytes(left: F32, right: F32) -> Bool:
    """Return for each row whether two arrays have the same bits: 0 and -0 differ."""
    return (left.view(np.uint32) == right.view(np.uint32)).all(axis=1)  # type: ignore[no-any-return]
