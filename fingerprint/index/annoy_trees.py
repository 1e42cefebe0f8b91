"""Annoy: approximate nearest neighbours of compact descriptors. No other module uses the library.

An Annoy file does not record its metric, dimension or seed. The segment's manifest does, and this module checks it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from annoy import AnnoyIndex

from fingerprint.config import AnnoyConfig
from fingerprint.errors import CollectionCorruptError
from fingerprint.files.datafiles import open_regular
from fingerprint.index.packed_vectors import Vectors, in_parts
from fingerprint.types import F32, I64

METRIC: Final = "euclidean"
_CHILDREN = 2  # numbers of a node before its children: a count and an offset
_NODES_AT_ONCE = 1 << 12
_NODE_HEAD = 16  # bytes of a node before its vector, in this metric: a count, an offset and two children


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
    """Trees mapped from a file.

    Annoy writes a line to stderr about each file that it cannot load. So what it could complain of is looked for first,
    in the file that it then loads, even if another process deletes that meanwhile.
    """

    def __init__(self, path: Path, dimension: int, n_items: int, recorded: Mapping[str, Any]) -> None:
        if recorded.get("metric") != METRIC:
            raise CollectionCorruptError(
                f"{path}: built for the metric {recorded.get('metric')}, searched with {METRIC}; "
                "build the collection again"
            )
        self._index = AnnoyIndex(dimension, METRIC)
        node = _NODE_HEAD + np.dtype(np.float32).itemsize * dimension
        try:
            with open_regular(path) as file:
                n_bytes = os.fstat(file.fileno()).st_size
                if n_bytes == 0 or n_bytes % node:
                    raise CollectionCorruptError(
                        f"{path}: {n_bytes:,} bytes are no whole number of nodes of {node}; restore the file or build "
                        "the collection again"
                    )
                _check_nodes(file, path, n_items, dimension)
                self._index.load(_same_file(file, path))
        except OSError as error:
            raise CollectionCorruptError(
                f"{path}: Annoy cannot load it ({error}); restore the file or build the collection again"
            ) from error

    def nearest(self, vector: F32, k: int, search_k: int) -> tuple[I64, F32]:
        """Return rows and Euclidean distances of approximately the `k` nearest, nearest first, ties by row."""
        rows, distances = self._index.get_nns_by_vector(vector, k, search_k=search_k, include_distances=True)
        rows_array, distance_array = np.array(rows, dtype=np.int64), np.array(distances, dtype=np.float32)
        order = np.lexsort((rows_array, distance_array))
        return rows_array[order], distance_array[order]

    def close(self) -> None:
        """Unmap the file."""
        self._index.unload()


def _check_nodes(file: BinaryIO, path: Path, n_items: int, dimension: int) -> None:
    """Check that a search stays within the file and ends, whatever is in it: Annoy itself checks nothing.

    The first nodes are the items, with a count of 1. Each that follows lists as many items as its count says, if they
    fit into a node; with a larger count it is divided, and names two nodes. They are before it, as trees are built from
    their leaves, so that no walk comes back to where it was. Items are looked at only if they are named in that way.

    Raises
    ------
    CollectionCorruptError
    """
    nodes = np.memmap(file, np.int32, "r").reshape(-1, _NODE_HEAD // 4 + dimension)
    found = int(nodes[-1, 0])  # the roots are the last; small leaves look like roots, so they are not counted
    if found != n_items:
        raise CollectionCorruptError(
            f"{path}: {found} items, the manifest says {n_items}; restore the file or build the collection again"
        )
    most = nodes.shape[1] - _CHILDREN  # items that a node lists
    sound = len(nodes) > n_items
    for start in range(n_items, len(nodes), _NODES_AT_ONCE):
        part = np.asarray(nodes[start : start + _NODES_AT_ONCE])
        counts, listed = part[:, 0], part[:, _CHILDREN:]
        divided = counts > most
        children = listed[divided, :2]
        own = np.arange(start, start + len(part))[divided, None]
        wrong = (listed < 0) | (listed >= n_items)
        sound &= not (counts < 0).any() and not (wrong & (np.arange(most) < counts[:, None]) & ~divided[:, None]).any()
        sound &= bool(((children >= 0) & (children < own)).all())
        if not sound:
            break
        items = children[children < n_items]
        sound &= bool((nodes[items, 0] == 1).all())
    if not sound:
        raise CollectionCorruptError(
            f"{path}: its trees name nodes that are not there; restore the file or build the collection again"
        )


def _same_file(file: BinaryIO, path: Path) -> str:
    """Return a name of an open file that holds if it is deleted or replaced; its path where systems have no such names.

    Such a name is of the file itself, rather than of its place, on Linux only.
    """
    if sys.platform == "linux":
        name = f"/proc/self/fd/{file.fileno()}"
        if os.path.exists(name):  # noqa: PTH110 - not where /proc is missing, as in some containers
            return name
    return str(path)
