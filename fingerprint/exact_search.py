"""Exact Euclidean search: every query against every reference, in blocks of bounded memory.

A float32 matrix product gives lower bounds of the squared distances of a block, with its rounding allowed for. The few
pairs whose bound is within the best found so far get ``sum((q - r)**2)`` in float64. No pair is lost, at any size of
the blocks. BLAS uses its own threads for the product; kernels do the rest while the product is in the cache.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from fingerprint.errors import ConfigError
from fingerprint.kernels.nearest import (
    entries_below,
    largest_magnitude_bits,
    lift,
    lowest_of_rows,
    merge_nearest,
    paired_distances,
    rough_distances,
    rough_distances_of_packed,
)
from fingerprint.types import F32, F64, I8, I64, Progress

_QUERY_BLOCK, _REFERENCE_BLOCK = 4096, 1024  # one product is 16 MiB; shapes near to these are about as fast
_WIDEST = 16  # most reference blocks that are taken at once if there are few queries
_UNLIMITED_ENTRIES = 1 << 18  # of the first product, where all entries pass because there is no limit yet
_SAMPLE = 8192  # references that the centre is estimated from, and rows that are validated at a time
_RECOMPUTED_ELEMENTS = 1 << 18  # elements of vectors that are gathered at a time to recompute distances


def nearest(queries: F32, references: F32, k: int) -> tuple[I64, F64]:
    """Return the `k` nearest references of each query.

    Parameters
    ----------
    queries, references : float32 arrays, shape (n_q, d) and (n_r, d)
        Finite; of any norm, they are compared as they are.
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
    scaling = _Scaling.of(queries, references)
    if k < 1:
        raise ConfigError(f"k is {k}: ask for at least 1 reference a query")
    k = min(k, len(references))
    indices, distances = np.empty((len(queries), k), np.int64), np.empty((len(queries), k), np.float64)
    for rows in _spans(len(queries), _QUERY_BLOCK) if k else ():
        indices[rows], distances[rows] = _nearest_of_block(scaling, queries[rows], references, k)
    return indices, distances


def global_nearest(
    queries: F32, references: F32, n_pairs: int, progress: Progress | None = None
) -> tuple[I64, I64, F64]:
    """Return the `n_pairs` nearest of all (query, reference) pairs.

    Parameters
    ----------
    queries, references : float32 arrays, shape (n_q, d) and (n_r, d)
        Finite; of any norm, they are compared as they are.
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
    scaling = _Scaling.of(queries, references)
    if n_pairs < 1:
        raise ConfigError(f"n_pairs is {n_pairs}: ask for at least 1 pair")
    best = _BestPairs(n_pairs)
    for rows in _spans(len(queries), _QUERY_BLOCK):
        block = _Block(scaling, queries[rows])
        first = None if np.isfinite(best.cut) else _UNLIMITED_ENTRIES // len(block.norms)
        for columns in block.spans(len(references), first):
            q, r, bounds = block.pairs_within(references[columns], np.array([best.cut]))
            q, r = q + rows.start, r + columns.start
            if len(q) > best.n_pairs:  # the likeliest first, as they lower the cut for the others
                likely, others = np.split(np.argpartition(bounds, best.n_pairs), [best.n_pairs])
                best.add(q[likely], r[likely], _squared_distances(queries, references, q[likely], r[likely]))
                others = others[bounds[others] <= scaling.limits(np.zeros(1), np.array([best.cut]))]
                q, r = q[others], r[others]
            best.add(q, r, _squared_distances(queries, references, q, r))
        if progress is not None:
            progress(rows.stop, len(queries))
    return best.sorted()


def nearest_to_one(query: F32, references: F32, k: int) -> tuple[I64, F64]:
    """Return the `k` nearest references of one query, and others that are exactly as far as the last.

    For one query a matrix product does not pay: reading the references, once, takes the time. Nothing is validated. A
    reference with NaN, which only damage can make, is as far as none, and never among them.

    Parameters
    ----------
    query : float32 array, shape (d,)
        Finite.
    references : float32 array, shape (n_r, d), C-contiguous
        Finite; may be mapped from a file.
    k : int
        1 to n_r.

    Returns
    -------
    reference_idx : int64 array, shape (k,), or longer where others are exactly as far as the last
        Rows of `references`, nearest first; at equal distance the lower row comes first.
    squared_distances : float64 array, same shape
        The same bits that `nearest` gives.

    Examples
    --------
    >>> import numpy as np
    >>> references = np.array([[0, 0], [3, 4], [0, 1], [1, 0]], np.float32)
    >>> [column.tolist() for column in nearest_to_one(np.zeros(2, np.float32), references, 2)]
    [[0, 2, 3], [0.0, 1.0, 1.0]]
    """
    if not len(references):
        return np.empty(0, np.int64), np.empty(0, np.float64)
    rough = np.empty(len(references), np.float32)
    rough_distances(references, query, rough)
    return _nearest_by_rough(query, rough, lambda rows: references[rows], k)


def nearest_packed_to_one(query: F32, packed: I8, step: float, k: int) -> tuple[I64, F64]:
    """Do the same with packed references, whose numbers are multiples of a step: a quarter of the bytes is read.

    Parameters
    ----------
    query : float32 array, shape (d,)
        Finite.
    packed : int8 array, shape (n_r, d), C-contiguous
    step : float
    k : int
        1 to n_r.

    Returns
    -------
    reference_idx, squared_distances : arrays
        The same bits as `nearest_to_one` gives for ``packed.astype(np.float32) * np.float32(step)``.
    """
    if not len(packed):
        return np.empty(0, np.int64), np.empty(0, np.float64)
    rough, unit = np.empty(len(packed), np.float32), np.float32(step)
    rough_distances_of_packed(packed, unit, query, rough)
    return _nearest_by_rough(query, rough, lambda rows: packed[rows].astype(np.float32) * unit, k)


def _nearest_by_rough(query: F32, rough: F32, read: Callable[[I64], F32], k: int) -> tuple[I64, F64]:
    """Return the `k` nearest, given all distances in single precision and what reads the vectors of rows."""
    # All terms are positive, so the relative error of a float32 sum of d squares is at most some (d + 2) * 2**-24.
    slack = 1 + 2.5 * (len(query) + 4) * 2.0**-24
    limit = float(np.partition(rough, k - 1)[k - 1]) * slack + 1e-30
    if math.isnan(limit):  # NaN comes last
        limit, k = math.inf, len(rough) - int(np.isnan(rough).sum())
        if not k:
            return np.empty(0, np.int64), np.empty(0, np.float64)
    rows = np.flatnonzero(rough <= limit)
    near = read(rows)
    distances = _squared_distances(query[np.newaxis], near, np.zeros(len(rows), np.int64), np.arange(len(rows)))
    order = np.lexsort((rows, distances))
    order = order[: np.searchsorted(distances[order], distances[order[k - 1]], side="right")]
    return rows[order], distances[order]


class _Block:
    """A block of queries, and buffers for their products with the references that are taken at once."""

    def __init__(self, scaling: _Scaling, queries: F32) -> None:
        self._scaling = scaling
        self.lifted, self.norms = scaling.lift_queries(queries)
        self._width = _REFERENCE_BLOCK * max(1, min(_WIDEST, _QUERY_BLOCK // len(queries)))
        self._products = np.empty(0, np.float32)
        self._lifted_references = np.empty((0, queries.shape[1] + 1), np.float32)

    def spans(self, n_references: int, first: int | None) -> Iterator[slice]:
        """Cut the references into spans; the first ones are short if there is no limit yet."""
        return _spans(n_references, self._width, None if first is None else max(1, first))

    def pairs_within(self, references: F32, squared_distances: F64) -> tuple[I64, I64, F64]:
        """Return rows, columns and lower bounds of the pairs that may be within a distance, (n,) or the same for all.

        The bounds are of scaled vectors.
        """
        n, m = len(self.norms), len(references)
        if len(self._lifted_references) < m:
            self._lifted_references = np.empty((m, self.lifted.shape[1]), np.float32)
            self._products = np.empty(n * m, np.float32)
        products = self._products[: n * m].reshape(n, m)
        lifted_references = self._lifted_references[:m]
        self._scaling.lift_references(references, lifted_references)
        np.matmul(self.lifted, lifted_references.T, out=products)
        rows, columns, values = entries_below(products, self._scaling.limits(self.norms, squared_distances))
        return rows, columns, values + self.norms[rows]


def _nearest_of_block(scaling: _Scaling, queries: F32, references: F32, k: int) -> tuple[I64, F64]:
    block = _Block(scaling, queries)
    indices, distances = np.full((len(queries), k), len(references)), np.full((len(queries), k), np.inf)

    def merge(rows: I64, columns: I64) -> None:
        merge_nearest(rows, columns, _squared_distances(queries, references, rows, columns), indices, distances)

    for span in block.spans(len(references), max(4 * k, 128)):
        rows, columns, bounds = block.pairs_within(references[span], distances[:, -1])
        columns = columns + span.start
        if len(rows) > k * len(queries):  # the likeliest of each query first, as they lower its limit for the others
            likely = lowest_of_rows(rows, bounds, k)
            merge(rows[likely], columns[likely])
            others = bounds <= scaling.limits(np.zeros(len(queries)), distances[:, -1])[rows]
            others[likely] = False
            rows, columns = rows[others], columns[others]
        merge(rows, columns)
    return indices, distances


@dataclass(frozen=True, slots=True)
class _Scaling:
    """The shift and the scale that are applied to both sets, so that float32 neither overflows nor cancels.

    With ``x' = (x - centre) * scale``, the product of ``[-2 q', 1]`` and ``[r', (1 - slack) |r'|^2]``, plus
    ``(1 - slack) |q'|^2``, is a lower bound of ``|q' - r'|^2``.
    """

    centre: F32
    scale: np.float32
    slack: float

    @classmethod
    def of(cls, queries: F32, references: F32) -> _Scaling:
        """Validate both arrays and choose the shift and the scale for them."""
        largest = max(_largest_magnitude(queries, "queries"), _largest_magnitude(references, "references"))
        d = queries.shape[1]
        if d != references.shape[1] or d == 0:
            raise ConfigError(
                f"queries have {d} dimensions, references {references.shape[1]}: give both the same number, at least 1"
            )
        scale = np.ldexp(np.float32(1), int(np.clip(-np.frexp(largest)[1], -126, 126)))  # a power of two: exact
        some = references[:: len(references) // _SAMPLE + 1]  # a rough centre is good enough
        centre = some.mean(axis=0, dtype=np.float64) if len(some) else np.zeros(d)
        # The error of a float32 sum of d + 1 products is at most some (d + 1) * 2**-24 of the sum of their magnitudes,
        # here below 2 |q|^2 + 2 |r|^2; the rest is for the rounding of the shift, of the norms and of the limits.
        return cls((centre * scale).astype(np.float32), scale, (2.5 * d + 20) * 2.0**-24)

    def lift_queries(self, block: F32) -> tuple[F32, F64]:
        """Return ``[-2 q', 1]`` as float32, shape (n, d + 1), and ``(1 - slack) |q'|^2``, shape (n,)."""
        lifted = np.empty((len(block), block.shape[1] + 1), np.float32)
        norms = self._lift(block, np.float32(-2), lifted)
        lifted[:, -1] = 1
        return lifted, norms

    def lift_references(self, block: F32, out: F32) -> None:
        """Write ``[r', (1 - slack) |r'|^2]`` as float32, shape (n, d + 1)."""
        out[:, -1] = self._lift(block, np.float32(1), out)

    def limits(self, norms: F64, squared_distances: F64) -> F32:
        """Return for each query the largest product of a pair that may be within `squared_distances`."""
        exact = squared_distances * float(self.scale) ** 2 - norms + 1e-30  # 1e-30 for values that float32 flushes to 0
        return np.nextafter(exact.astype(np.float32), np.float32(np.inf))

    def _lift(self, block: F32, factor: np.float32, lifted: F32) -> F64:
        norms = np.empty(len(block), np.float64)
        lift(np.ascontiguousarray(block), self.scale, self.centre, self.slack, factor, lifted, norms)
        return norms


class _BestPairs:
    """The best pairs so far, and pairs added since; no pair of the result exceeds the squared distance `cut`."""

    def __init__(self, n_pairs: int) -> None:
        self.n_pairs, self.cut, self.n_added = n_pairs, np.inf, 0
        self._kept = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64))
        self._added: list[tuple[I64, I64, F64]] = []

    def add(self, query_idx: I64, reference_idx: I64, squared_distances: F64) -> None:
        self._added.append((query_idx, reference_idx, squared_distances))
        self.n_added += len(query_idx)
        if self.n_added >= self.n_pairs:
            self._prune()

    def sorted(self) -> tuple[I64, I64, F64]:
        """Return the best pairs, nearest first, at equal distance by query row and then by reference row."""
        self._prune()
        q, r, distances = self._kept
        order = np.lexsort((r, q, distances))
        return q[order], r[order], distances[order]

    def _prune(self) -> None:
        q, r, distances = (np.concatenate(column) for column in zip(self._kept, *self._added, strict=True))
        self._added, self.n_added = [], 0
        if len(distances) >= self.n_pairs:
            self.cut = float(np.partition(distances, self.n_pairs - 1)[self.n_pairs - 1])
            kept, last = np.flatnonzero(distances < self.cut), np.flatnonzero(distances == self.cut)
            first_of_last = last[np.lexsort((r[last], q[last]))[: self.n_pairs - len(kept)]]
            kept = np.concatenate([kept, first_of_last])
            q, r, distances = q[kept], r[kept], distances[kept]
        self._kept = q, r, distances


def _squared_distances(queries: F32, references: F32, query_idx: I64, reference_idx: I64) -> F64:
    distances = np.empty(len(query_idx), np.float64)
    for part in _spans(len(query_idx), max(1, _RECOMPUTED_ELEMENTS // queries.shape[1])):
        paired_distances(queries[query_idx[part]], references[reference_idx[part]], distances[part])
    return distances


def _spans(n: int, size: int, first: int | None = None) -> Iterator[slice]:
    """Cut ``range(n)`` into slices of `size`; if `first` is given, they begin with it and double up to `size`."""
    start, width = 0, min(first or size, size)
    while start < n:
        yield slice(start, min(start + width, n))
        start, width = start + width, min(2 * width, size)


def _largest_magnitude(vectors: F32, name: str) -> float:
    if not isinstance(vectors, np.ndarray) or vectors.dtype != np.float32 or vectors.ndim != 2:
        kind = f"{getattr(vectors, 'dtype', type(vectors))} of shape {np.shape(vectors)}"
        raise ConfigError(f"{name} must be a float32 array of shape (n, d), not {kind}")
    bits = [
        largest_magnitude_bits(np.ascontiguousarray(vectors[rows]).reshape(-1).view(np.uint32))
        for rows in _spans(len(vectors), _SAMPLE)
    ]
    largest = float(np.array(max(bits, default=0), np.uint32).view(np.float32))
    if not np.isfinite(largest):
        row = np.isfinite(vectors).all(axis=1).argmin()
        raise ConfigError(f"row {row} of {name} is not finite: remove it or describe that picture again")
    return largest
