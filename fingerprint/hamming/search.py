"""Search in all segments and in the rows without tables, in the cheaper way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fingerprint.hamming.neighbours import U16, Neighbours
from fingerprint.hamming.tables import TableSegment
from fingerprint.kernels.hamming import group_neighbours, scan
from fingerprint.kernels.multi_index import search_tables
from fingerprint.types import I64, U64

Method = Literal["auto", "scan", "tables"]
ALL = 1 << 62  # neighbours
_GROUP_WORDS = 4096  # of the queries that are searched together, so that their counts by distance stay small
_UNLIMITED = 1 << 61  # cost
# A word scanned for fewer than `_BATCH` queries costs as much as `_ALONE` words scanned in a batch: transposing blocks
# of longer codes only pays for several queries (measured: 1.2 ns a code of four words by itself, 0.3 ns in a batch).
_ALONE, _BATCH = 4, 6


@dataclass(frozen=True, slots=True)
class _State:
    """The state of the search for a group of queries.

    Distances must be below `limits`, (q,); `counts`, (q, bits + 1), says how many were found at each distance. Parts
    must be searched in the order of their rows, see `fingerprint.kernels.hamming.scan`.
    """

    queries: U64
    k: int
    limits: I64
    counts: I64

    def scan(self, codes: U64, first_row: int) -> tuple[I64, I64]:
        query_idx, keys = scan(codes, first_row, self.queries, self.k, self.limits, self.counts)
        return query_idx, keys

    def search_tables(self, codes: U64, segment: TableSegment, budget: int) -> list[tuple[I64, I64]]:
        """Search by tables; scan for the queries for which tables cost more than the budget."""
        resolved = np.zeros(len(self.queries), np.bool_)
        tables = segment.starts, segment.rows, segment.rests
        first = segment.first_row
        found = [search_tables(codes, tables, first, self.queries, self.k, self.limits, self.counts, budget, resolved)]
        if not resolved.any():
            found = [self.scan(codes, first)]
        elif not resolved.all():
            left = np.flatnonzero(~resolved)
            some = _State(_read_only(self.queries[left]), self.k, self.limits[left], self.counts[left])
            query_idx, keys = some.scan(codes, first)
            self.limits[left], self.counts[left] = some.limits, some.counts
            found.append((left[query_idx], keys))
        return found


def search(
    codes: U64, segments: Sequence[TableSegment], queries: U64, k: int, radius: int, method: Method
) -> Neighbours:
    """Return the `k` nearest codes of each query that are within a radius; equally near ones by their rows.

    Parameters
    ----------
    codes : uint64 array, shape (n, n_words), C-contiguous, read-only
        All codes.
    segments : sequence of TableSegment
        Tables of the rows from 0 on, ascending, without gaps; the rows after the last have none.
    queries : uint64 array, shape (q, n_words), C-contiguous
        Any number.
    k : int
        At least 1; `ALL` for all within the radius.
    radius : int
        At least 0.
    method : {"auto", "scan", "tables"}
        How to search; the result is the same. The last uses tables wherever they reach far enough.
    """
    n_words, size = codes.shape[1], _GROUP_WORDS // codes.shape[1]
    groups = [queries[start : start + size] for start in range(0, max(1, len(queries)), size)]
    n_bits = n_words * 64
    found = []
    for group in groups:
        limits = np.full(len(group), min(radius, n_bits) + 1, np.int64)
        state = _State(_read_only(group), k, limits, np.zeros((len(group), n_bits + 1), np.int64))
        found.append(_search_group(codes, segments, state, method))
    if len(found) == 1:  # concatenation would take longer than the search for one query
        return Neighbours(*found[0])
    starts = np.concatenate([[0], *(np.diff(starts) for starts, _, _ in found)]).cumsum()
    return Neighbours(starts, np.concatenate([f[1] for f in found]), np.concatenate([f[2] for f in found]))


def _search_group(codes: U64, segments: Sequence[TableSegment], state: _State, method: Method) -> tuple[I64, I64, U16]:
    found: list[tuple[I64, I64]] = []
    covered = 0
    for segment in segments if method != "scan" else ():
        start, covered = segment.span
        part = codes[start:covered]
        found += state.search_tables(part, segment, _budget(part, state, method))
    if covered < len(codes) or not found:
        found.append(state.scan(codes[covered:], covered))
    query_idx, keys = found[0]
    if len(found) > 1:
        query_idx, keys = (np.concatenate(column) for column in zip(*found, strict=True))
    starts, rows, distances = group_neighbours(query_idx, keys, len(state.queries), state.k)
    return starts, rows, distances


def _budget(codes: U64, state: _State, method: Method) -> int:
    """Return the most that a query may cost in tables, in units of a word that is scanned in a batch."""
    if method == "tables":
        return _UNLIMITED
    words = codes.size
    if codes.shape[1] > 1 and len(state.queries) < _BATCH:
        words *= _ALONE
    return words


def _read_only(queries: U64) -> U64:
    """Return a read-only view, like the stored codes: for a writable one Numba would compile again."""
    view = queries.view()
    view.setflags(write=False)
    return view
