"""Annoy: approximate nearest neighbours of compact descriptors. No other module uses the library.

An Annoy file does not record its metric, dimension or seed. The segment's manifest does, and this module checks it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from annoy import AnnoyIndex

from fingerprint.config import AnnoyConfig
from fingerprint.datafiles import open_regular
from fingerprint.errors import CollectionCorruptError
from fingerprint.index.packed_vectors import Vectors, in_parts
from fingerprint.types import F32, I64

METRIC: Final = "euclidean"


def build_trees(descriptors: Vectors, path: Path, config: AnnoyConfig) -> None:
    """Build trees over descriptors, (n, d), and save them; one job and a fixed seed give the same bytes."""
    index = AnnoyIndex(descriptors.shape[1], METRIC)
    index.set_seed(config.seed)
    for start, part in in_parts(descriptors):
        for row, vector in enumerate(part, start):
            index.add_item(row, vector)
    index.build(config.n_trees, n_jobs=config.n_jobs)
    index.save(str(path))
    index.unload()


def inspected(n_items: int, k: int, config: AnnoyConfig) -> int:
    """Return Annoy's search_k for finding `k` neighbours in a segment of `n_items`.

    Trees name the same items again and again, so for many neighbours it is at least Annoy's own: `k` from each tree.
    """
    return max(k * config.n_trees, round(config.search_base + config.search_share * n_items))


class Trees:
    """Trees mapped from a file."""

    def __init__(self, path: Path, dimension: int, n_items: int, recorded: Mapping[str, Any]) -> None:
        if recorded.get("metric") != METRIC:
            raise CollectionCorruptError(
                f"{path}: built for the metric {recorded.get('metric')}, searched with {METRIC}; "
                "build the collection again"
            )
        self._index = AnnoyIndex(dimension, METRIC)
        try:
            open_regular(path).close()  # raises if the file is missing; Annoy would also print to stderr
            self._index.load(str(path))
        except OSError as error:
            raise CollectionCorruptError(
                f"{path}: Annoy cannot load it ({error}); restore the file or build the collection again"
            ) from error
        # The number of trees cannot be checked: on loading, Annoy also counts small leaves as trees.
        found = self._index.get_n_items()
        if found != n_items:
            raise CollectionCorruptError(
                f"{path}: {found} items, the manifest says {n_items}; restore the file or build the collection again"
            )

    def nearest(self, vector: F32, k: int, search_k: int) -> tuple[I64, F32]:
        """Return rows and Euclidean distances of approximately the `k` nearest, nearest first, ties by row."""
        rows, distances = self._index.get_nns_by_vector(vector, k, search_k=search_k, include_distances=True)
        rows_array, distance_array = np.array(rows, dtype=np.int64), np.array(distances, dtype=np.float32)
        order = np.lexsort((rows_array, distance_array))
        return rows_array[order], distance_array[order]

    def close(self) -> None:
        """Unmap the file."""
        self._index.unload()
