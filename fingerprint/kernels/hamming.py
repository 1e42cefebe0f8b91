"""Distances between packed hashes: differing bits, counted.

Hashes are ``uint64`` words; those of more than 64 bits have several words each.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from fingerprint.kernels.bits import popcount
from fingerprint.types import U8, U64

_BLOCK = 4096


@njit(cache=True, nogil=True)
def hamming_pairs(a: U64, b: U64) -> U8:
    """Return the Hamming distances of hashes taken in pairs.

    Parameters
    ----------
    a, b : uint64 array, shape (n,)
        Packed bits.

    Returns
    -------
    uint8 array, shape (n,)
        Differing bits, [0, 64].
    """
    out = np.empty(len(a), np.uint8)
    for i in range(len(a)):
        out[i] = popcount(a[i] ^ b[i])
    return out


@njit(cache=True, nogil=True)
def hamming_to_one(hashes: U64, one: np.uint64) -> U8:
    """Return the Hamming distances of many hashes to one.

    Parameters
    ----------
    hashes : uint64 array, shape (n,)
        Packed bits.
    one : uint64
        Packed bits.

    Returns
    -------
    uint8 array, shape (n,)
        Differing bits, [0, 64].
    """
    out = np.empty(len(hashes), np.uint8)
    for i in range(len(hashes)):
        out[i] = popcount(hashes[i] ^ one)
    return out


@njit(cache=True, nogil=True)
def near_hashes(stored, seen, limit):  # type: ignore[no-untyped-def]
    """Return (rows, distances) of the pictures that have a hash within a distance of one of a query's.

    stored : uint64 (n, a), an algorithm a column; seen : uint64 (v, a), a version of the query a row; limit : int, the
    largest distance. Returns int64 (k,), ascending, and int64 (k,), the least distance of each.
    """
    rows, distances = np.empty(0, np.int64), np.empty(0, np.int64)
    least = np.empty(_BLOCK, np.uint64)
    for start in range(0, len(stored), _BLOCK):
        block = stored[start : start + _BLOCK]
        least[:] = np.uint64(64)
        for version in range(seen.shape[0]):  # picture by picture within: that loop is done many at a time
            for a in range(seen.shape[1]):
                sought = seen[version, a]
                for i in range(len(block)):
                    least[i] = min(least[i], popcount(block[i, a] ^ sought))
        near = np.flatnonzero(least[: len(block)].astype(np.int64) <= limit)
        if len(near) > 0:
            rows = np.concatenate((rows, near + start))
            distances = np.concatenate((distances, least[near].astype(np.int64)))
    return rows, distances
