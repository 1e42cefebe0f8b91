"""Tables over ranges of rows, and the ranges that they cover as codes are added.

The ranges form a log-structured merge tree: the last rows have no tables until there are many of them. Then tables are
built of them, and ranges of similar size are merged. So the tables of a row are rebuilt only a few times: as often as
the size of its range can double.

P. O'Neil, E. Cheng, D. Gawlick, E. O'Neil, "The log-structured merge-tree", 1996.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fingerprint.kernels.multi_index import N_BUCKETS, SUBSTRING_BITS, build_tables
from fingerprint.types import U32, U64

Span = tuple[int, int]  #: first row and the one after the last
TAIL_ROWS = 1 << 16  # rows without tables are scanned, which takes no longer than their tables up to this number
_LARGEST = 1 << 31  # rows of one segment: they are numbered in 32 bits


@dataclass(frozen=True, slots=True)
class TableSegment:
    """The tables of the codes in a range of rows.

    Attributes
    ----------
    first_row, n_rows : int
        The range of rows.
    starts : uint32 array, shape (n_tables, 65537), read-only
        Where each bucket of a table begins in `rows`.
    rows : uint32 array, shape (n_tables, n_rows), read-only
        Rows, counted from `first_row`, bucket by bucket.
    rests : uint32 array, shape (4, n_rows) or (n_tables, 0), read-only
        Other bits of 64-bit codes, in the order of `rows`; see `fingerprint.kernels.multi_index.build_tables`.
    """

    first_row: int
    n_rows: int
    starts: U32
    rows: U32
    rests: U32

    @property
    def span(self) -> Span:
        """First row and the one after the last."""
        return self.first_row, self.first_row + self.n_rows


def table_shapes(n_bits: int, n_rows: int) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Return the shapes of `starts`, `rows` and `rests`."""
    n_tables = n_bits // SUBSTRING_BITS
    return (n_tables, N_BUCKETS + 1), (n_tables, n_rows), (n_tables, n_rows if n_bits == 64 else 0)


def build_segment(codes: U64, span: Span) -> TableSegment:
    """Build the tables of the codes in a range of rows.

    Parameters
    ----------
    codes : uint64 array, shape (n, n_words), C-contiguous, read-only
        All codes.
    span : (int, int)
        First row and the one after the last.
    """
    first, stop = span
    starts, rows, rests = (np.empty(shape, np.uint32) for shape in table_shapes(codes.shape[1] * 64, stop - first))
    build_tables(codes[first:stop], starts, rows, rests)
    for array in (starts, rows, rests):
        array.setflags(write=False)
    return TableSegment(first, stop - first, starts, rows, rests)


def planned_spans(spans: Sequence[Span], n_rows: int) -> list[Span]:
    """Return the ranges that have tables when there are `n_rows` codes; the new ones must be built.

    Examples
    --------
    >>> planned_spans([(0, 200_000)], 270_000), planned_spans([(0, 200_000)], 400_000)
    ([(0, 200000), (200000, 270000)], [(0, 400000)])
    """
    planned = list(spans)
    covered = planned[-1][1] if planned else 0
    while n_rows - covered >= TAIL_ROWS:
        planned.append((covered, min(n_rows, covered + _LARGEST)))
        covered = planned[-1][1]
    while len(planned) > 1:
        (first, middle), (_, stop) = planned[-2:]
        if middle - first > 2 * (stop - middle) or stop - first > _LARGEST:
            break
        planned[-2:] = [(first, stop)]
    return planned
