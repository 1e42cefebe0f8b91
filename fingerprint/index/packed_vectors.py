"""Compact descriptors in 8 bits a number, as segments keep those of pictures, and their codes of one bit a number.

Packed vectors are read as float32. A code has the signs of a vector. The codes of a segment are compared first, by
Hamming distance, and the vectors of the nearest then: Charikar, *Similarity estimation techniques from rounding
algorithms*, STOC 2002. A random rotation before that, as in RaBitQ (Gao and Long, SIGMOD 2024), gains nothing here: the
projections of the descriptor have spread what it says over all numbers.

Vectors that were imported stay float32, so that not a bit of them is lost, and have no codes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fingerprint.exact_search import nearest_packed_to_one, nearest_to_one
from fingerprint.features.descriptor import PACKED_STEP, unpack_descriptors
from fingerprint.kernels.hamming import group_neighbours, scan
from fingerprint.types import F32, F64, I8, I64, U64

_ROWS_AT_ONCE = 1 << 16  # that are unpacked together: 64 MiB
_WORD = 64


@dataclass(frozen=True, slots=True)
class PackedVectors:
    """Packed vectors, int8 (n, d). Indexing with a row, rows or a slice unpacks these."""

    packed: I8

    def __len__(self) -> int:
        return len(self.packed)

    def __getitem__(self, rows: int | slice | I64) -> F32:
        return unpack_descriptors(self.packed[rows])

    @property
    def shape(self) -> tuple[int, int]:
        """Number of vectors and of dimensions."""
        n, d = self.packed.shape
        return n, d


Vectors: TypeAlias = F32 | PackedVectors


def as_vectors(stored: NDArray[Any]) -> Vectors:
    """Return an array of a segment as vectors."""
    return PackedVectors(stored) if stored.dtype == np.int8 else stored


def in_parts(vectors: Vectors) -> Iterator[tuple[int, F32]]:
    """Yield float32 vectors part by part, each with the row of its first; all at once if none are packed."""
    if isinstance(vectors, PackedVectors):
        for start in range(0, len(vectors), _ROWS_AT_ONCE):
            yield start, vectors[start : start + _ROWS_AT_ONCE]
    else:
        yield 0, vectors


def nearest_of(query: F32, vectors: Vectors, k: int) -> tuple[I64, F64]:
    """Return the `k` vectors nearest to one; parameters and result as in `exact_search.nearest_to_one`."""
    if isinstance(vectors, PackedVectors):
        return nearest_packed_to_one(query, vectors.packed, PACKED_STEP, k)
    return nearest_to_one(query, vectors, k)


def code_words(dimension: int) -> int:
    """Return the uint64 words of a code."""
    return -(-dimension // _WORD)


def sign_codes(vectors: F32 | I8) -> U64:
    """Return the codes of vectors: bit ``b`` is set where number ``b`` is above 0.

    Parameters
    ----------
    vectors : float32 or int8 array, shape (n, d)
        Packed ones have the same codes, but for numbers that are rounded to 0.

    Returns
    -------
    uint64 array, shape (n, ceil(d / 64))
        Bits beyond d are 0.

    Examples
    --------
    >>> sign_codes(np.array([[0.5, -0.5, 0.0, 2.0]], np.float32)).tolist()
    [[9]]
    """
    n, d = vectors.shape
    padded = np.zeros((n, code_words(d) * _WORD), np.bool_)
    np.greater(vectors, 0, out=padded[:, :d])
    return np.packbits(padded, axis=1, bitorder="little").view("<u8").astype(np.uint64, copy=False)


def nearest_by_codes(query: F32, vectors: PackedVectors, codes: U64, k: int, kept: int) -> tuple[I64, F64]:
    """Return the `k` nearest of the `kept` vectors with the nearest codes; result as in `exact_search.nearest_to_one`.

    Parameters
    ----------
    query : float32 array, shape (d,), d <= 256
    vectors : PackedVectors
    codes : uint64 array, shape (n, w), read-only
    k, kept : int
        ``1 <= k <= kept``.
    """
    code = sign_codes(query[np.newaxis])
    code.setflags(write=False)  # for a writable one Numba would compile again
    n_bits = codes.shape[1] * _WORD
    limits, counts = np.array([n_bits + 1], np.int64), np.zeros((1, n_bits + 1), np.int64)
    query_idx, keys = scan(codes, 0, code, kept, limits, counts)
    rows = np.sort(group_neighbours(query_idx, keys, 1, kept)[1])
    order, squared = nearest_packed_to_one(query, vectors.packed[rows], PACKED_STEP, min(k, len(rows)))
    return rows[order], squared
