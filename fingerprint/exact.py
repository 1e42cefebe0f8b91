"""Exact Euclidean search: every query against every reference, in blocks of bounded memory.

A float32 matrix product bounds the squared distances of a block from below, its own rounding allowed for; the few pairs
whose bound is within the best found so far get ``sum((q - r)**2)`` in float64. None is lost, whatever the block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from fingerprint.errors import ConfigError
from fingerprint.types import F32, F64, I64

_QUERY_BLOCK, _REFERENCE_BLOCK = 1024, 4096  # one product is 16 MiB
_RECOMPUTED_ELEMENTS = 1 << 21  # float64 elements that the recomputation of distances holds at a time


def nearest(queries: F32, references: F32, k: int) -> tuple[I64, F64]:
    """Return the `k` nearest references of each query.

    Parameters
    ----------
    queries, references : float32 arrays, shape (n_q, d) and (n_r, d)
        Finite; any length, they are compared as they are.
    k : int
        How many references a query gets, at least 1; clipped to n_r.

    Returns
    -------
    reference_idx : int64 array, shape (n_q, k)
        Rows of `references`, nearest first; at equal distance the lower row comes first.
    squared_distances : float64 array, shape (n_q, k)
        Squared Euclidean distances, ascending, >= 0.

    Raises
    ------
    ConfigError
        If an array is not float32, not 2-D or not finite, if the dimensions differ, or if `k` is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> references = np.array([[0, 0], [3, 4], [1, 0]], np.float32)
    >>> reference_idx, squared_distances = nearest(np.zeros((1, 2), np.float32), references, 2)
    >>> reference_idx.tolist(), squared_distances.tolist()
    ([[0, 2]], [[0.0, 1.0]])
    """
    frame = _Frame.of(queries, references)
    if k < 1:
        raise ConfigError(f"k is {k}: ask for at least 1 reference a query")
    k = min(k, len(references))
    indices, distances = np.empty((len(queries), k), np.int64), np.empty((len(queries), k), np.float64)
    for rows in _spans(len(queries), _QUERY_BLOCK) if k else ():
        indices[rows], distances[rows] = _nearest_of_block(frame, queries[rows], references, k)
    return indices, distances


def global_nearest(
    queries: F32, references: F32, n_pairs: int, progress: Callable[[int, int], None] | None = None
) -> tuple[I64, I64, F64]:
    """Return the `n_pairs` nearest (query, reference) pairs of all pairs there are.

    Parameters
    ----------
    queries, references : float32 arrays, shape (n_q, d) and (n_r, d)
        Finite; any length, they are compared as they are.
    n_pairs : int
        How many pairs to return, at least 1; clipped to n_q * n_r. Memory grows with it, not with n_q * n_r.
    progress : callable, optional
        Called as ``progress(done, total)`` with counts of queries, after every block.

    Returns
    -------
    query_idx, reference_idx : int64 arrays, shape (n_pairs,)
        Rows of `queries` and of `references`. A query may have no pair or many.
    squared_distances : float64 array, shape (n_pairs,)
        Squared Euclidean distances, ascending, >= 0; ties go to the lower query row, then to the lower reference row.

    Raises
    ------
    ConfigError
        If an array is not float32, not 2-D or not finite, if the dimensions differ, or if `n_pairs` is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> queries, references = np.array([[0], [9]], np.float32), np.array([[1], [2]], np.float32)
    >>> [column.tolist() for column in global_nearest(queries, references, 2)]
    [[0, 0], [0, 1], [1.0, 4.0]]
    """
    frame = _Frame.of(queries, references)
    if n_pairs < 1:
        raise ConfigError(f"n_pairs is {n_pairs}: ask for at least 1 pair")
    best = _BestPairs(n_pairs)
    for rows in _spans(len(queries), _QUERY_BLOCK):
        lifted, norms = frame.lift_queries(queries[rows])
        for columns in _spans(len(references), _REFERENCE_BLOCK, first=256):  # small while there is no cut
            limits = frame.limits(norms, np.full(len(norms), best.cut))
            q, r, products = _pairs_below(lifted, frame.lift_references(references[columns]), limits)
            q, r, bounds = q + rows.start, r + columns.start, products + norms[q]
            if len(q) > best.n_pairs:  # the likeliest lower the cut for the others
                likely, others = np.split(np.argpartition(bounds, best.n_pairs), [best.n_pairs])
                best.add(q[likely], r[likely], _squared_distances(queries, references, q[likely], r[likely]))
                others = others[bounds[others] <= frame.limits(np.zeros(1), np.array([best.cut]))]
                q, r = q[others], r[others]
            best.add(q, r, _squared_distances(queries, references, q, r))
        if progress is not None:
            progress(rows.stop, len(queries))
    best.prune()
    return best.kept


def _pairs_below(lifted_queries: F32, lifted_references: F32, limits: F32) -> tuple[I64, I64, F32]:
    """Return rows, columns and values of the product's entries that are within their row's limit."""
    products = lifted_queries @ lifted_references.T
    at = np.flatnonzero(products <= limits[:, np.newaxis])
    rows, columns = np.divmod(at, products.shape[1])
    return rows, columns, products.ravel()[at]


def _nearest_of_block(frame: _Frame, queries: F32, references: F32, k: int) -> tuple[I64, F64]:
    lifted, norms = frame.lift_queries(queries)
    indices, distances = np.full((len(queries), k), len(references)), np.full((len(queries), k), np.inf)

    def merge(rows: I64, columns: I64) -> None:
        touched, local = np.unique(rows, return_inverse=True)
        all_rows = np.concatenate([np.repeat(np.arange(len(touched)), k), local])
        all_columns = np.concatenate([indices[touched].ravel(), columns])
        found = _squared_distances(queries, references, rows, columns)
        all_distances = np.concatenate([distances[touched].ravel(), found])
        kept = _first_of_rows(all_rows, (all_columns, all_distances), k).reshape(-1, k)
        indices[touched], distances[touched] = all_columns[kept], all_distances[kept]

    for span in _spans(len(references), _REFERENCE_BLOCK, first=max(4 * k, 128)):  # the first has no limit yet
        limits, lifted_references = frame.limits(norms, distances[:, -1]), frame.lift_references(references[span])
        rows, columns, bounds = _pairs_below(lifted, lifted_references, limits)
        columns = columns + span.start
        if len(rows) > k * len(queries):  # the likeliest of each query lower its limit for the others
            likely = _first_of_rows(rows, (bounds,), k)
            merge(rows[likely], columns[likely])
            others = bounds <= frame.limits(norms, distances[:, -1])[rows]
            others[likely] = False
            rows, columns = rows[others], columns[others]
        merge(rows, columns)
    return indices, distances


@dataclass(frozen=True, slots=True)
class _Frame:
    """The shift and the scale under which both sets meet, so that float32 neither overflows nor cancels.

    With ``x' = (x - centre) * scale``, the product of ``[-2 q', 1]`` and ``[r', (1 - slack) |r'|^2]``, plus
    ``(1 - slack) |q'|^2``, is a lower bound of ``|q' - r'|^2``.
    """

    centre: F32
    scale: np.float32
    slack: float

    @classmethod
    def of(cls, queries: F32, references: F32) -> _Frame:
        """Validate both arrays and fit the frame to them."""
        largest = max(_largest_magnitude(queries, "queries"), _largest_magnitude(references, "references"))
        d = queries.shape[1]
        if d != references.shape[1] or d == 0:
            raise ConfigError(f"{d} dimensions against {references.shape[1]}: give both sets the same, at least 1")
        scale = np.ldexp(np.float32(1), int(np.clip(-np.frexp(largest)[1], -126, 126)))  # a power of two: exact
        centre = references.mean(axis=0, dtype=np.float64) if len(references) else np.zeros(d)
        # A float32 sum of d + 1 products is off by at most some (d + 1) * 2**-24 of the sum of their magnitudes, here
        # below 2 |q|^2 + 2 |r|^2; the rest is for the rounding of the shift, of the norms and of the limits.
        return cls((centre * scale).astype(np.float32), scale, (2.5 * d + 20) * 2.0**-24)

    def lift_queries(self, block: F32) -> tuple[F32, F64]:
        """Return ``[-2 q', 1]`` as float32, shape (n, d + 1), and ``(1 - slack) |q'|^2``, shape (n,)."""
        moved, norms = self._move(block)
        return np.hstack([moved * np.float32(-2), np.ones((len(moved), 1), np.float32)]), norms

    def lift_references(self, block: F32) -> F32:
        """Return ``[r', (1 - slack) |r'|^2]`` as float32, shape (n, d + 1)."""
        moved, norms = self._move(block)
        return np.hstack([moved, norms.astype(np.float32)[:, np.newaxis]])

    def limits(self, norms: F64, squared_distances: F64) -> F32:
        """Return what a query's product must not exceed for the pair to be within `squared_distances`."""
        exact = squared_distances * float(self.scale) ** 2 - norms + 1e-30  # the last for what float32 flushes to 0
        return np.nextafter(exact.astype(np.float32), np.float32(np.inf))

    def _move(self, block: F32) -> tuple[F32, F64]:
        moved = block * self.scale - self.centre
        return moved, (1 - self.slack) * np.einsum("ij,ij->i", moved, moved, dtype=np.float64)


class _BestPairs:
    """The best pairs so far, those since added, and `cut`, the squared distance that no pair of the result exceeds."""

    def __init__(self, n_pairs: int) -> None:
        self.n_pairs, self.cut, self.n_added = n_pairs, np.inf, 0
        self.kept = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64))
        self.added: list[tuple[I64, I64, F64]] = []

    def add(self, query_idx: I64, reference_idx: I64, squared_distances: F64) -> None:
        self.added.append((query_idx, reference_idx, squared_distances))
        self.n_added += len(query_idx)
        if self.n_added >= self.n_pairs:
            self.prune()

    def prune(self) -> None:
        q, r, distances = (np.concatenate(column) for column in zip(self.kept, *self.added, strict=True))
        order = np.lexsort((r, q, distances))[: self.n_pairs]
        self.kept, self.added, self.n_added = (q[order], r[order], distances[order]), [], 0
        if len(order) == self.n_pairs:
            self.cut = float(distances[order[-1]])


def _squared_distances(queries: F32, references: F32, query_idx: I64, reference_idx: I64) -> F64:
    distances = np.empty(len(query_idx), np.float64)
    for part in _spans(len(query_idx), max(1, _RECOMPUTED_ELEMENTS // queries.shape[1])):
        difference = queries[query_idx[part]].astype(np.float64)
        difference -= references[reference_idx[part]]
        distances[part] = np.square(difference, out=difference).sum(axis=1)
    return distances


def _first_of_rows(rows: I64, keys: tuple[I64 | F32 | F64, ...], k: int) -> I64:
    """Return the positions of the first `k` of each row, rows ascending; the last of `keys` decides first."""
    order = np.lexsort((*keys, rows))
    by_row = rows[order]
    return order[np.arange(len(order)) - np.searchsorted(by_row, by_row) < k]


def _spans(n: int, size: int, first: int | None = None) -> Iterator[slice]:
    """Cut ``range(n)`` into slices of `size`, or of `first` and then twice as long each until `size`."""
    start, width = 0, min(first or size, size)
    while start < n:
        yield slice(start, min(start + width, n))
        start, width = start + width, min(2 * width, size)


def _largest_magnitude(vectors: F32, name: str) -> float:
    if not isinstance(vectors, np.ndarray) or vectors.dtype != np.float32 or vectors.ndim != 2:
        kind = f"{getattr(vectors, 'dtype', type(vectors))} of shape {np.shape(vectors)}"
        raise ConfigError(f"{name} must be a float32 array of shape (n, d), not {kind}")
    largest = float(max(vectors.max(), -vectors.min())) if vectors.size else 0.0
    if not np.isfinite(largest):
        row = np.isfinite(vectors).all(axis=1).argmin()
        raise ConfigError(f"row {row} of {name} is not finite: remove it or describe that picture anew")
    return largest
