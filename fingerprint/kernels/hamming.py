"""Distances between packed hashes: differing bits, counted.

Hashes are ``uint64`` words; those of more than 64 bits have several words each.
"""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.arrays import longer
from fingerprint.kernels.bits import popcount
from fingerprint.kernels.compiled import njit
from fingerprint.types import U8, U64

_BLOCK = 4096
_BLOCK_WORDS = 2048  # of stored codes, 16 KiB: they stay in the L1 cache while all queries are compared with them
_CHUNK = 128  # codes whose least distance is found together
_TURNED_FROM = 8  # queries: for fewer, transposing a block takes longer than reading it as it is
_DISTANCE_SHIFT = np.int64(48)
_FAR = np.uint64(1 << 20)  # more than any distance


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
    """Return (rows, distances) of the pictures that have a hash within `limit` of a hash of the query.

    stored : uint64 (n, a), a column for each algorithm; seen : uint64 (v, a), a row for each variant of the query;
    limit : int, the largest distance. Returns int64 (k,), ascending, and int64 (k,), the least distance of each.
    """
    rows, distances, n = np.empty(64, np.int64), np.empty(64, np.int64), np.int64(0)
    least, column = np.empty(_BLOCK, np.uint64), np.empty(_BLOCK, np.uint64)
    for start in range(0, len(stored), _BLOCK):
        block = stored[start : start + _BLOCK]
        least[:] = np.uint64(64)
        for a in range(seen.shape[1]):
            for i in range(len(block)):
                column[i] = block[i, a]
            for variant in range(seen.shape[0]):  # the inner loop is over pictures, one after the other in memory
                sought = seen[variant, a]
                for i in range(_BLOCK):
                    bits = popcount(column[i] ^ sought)
                    least[i] = bits if bits < least[i] else least[i]
        nearest = np.uint64(64)
        for i in range(len(block)):
            nearest = least[i] if least[i] < nearest else nearest
        if np.int64(nearest) > limit:
            continue
        for i in range(len(block)):
            distance = np.int64(least[i])
            if distance <= limit:
                if n == len(rows):
                    rows, distances = longer(rows, 2 * n), longer(distances, 2 * n)
                rows[n], distances[n] = start + i, distance
                n += 1
    return rows[:n], distances[:n]


@njit(cache=True, nogil=True)
def scan(codes, first_row, queries, k, limits, counts):  # type: ignore[no-untyped-def]
    """Compare queries with all codes and return the codes within their limits, which fall as neighbours are found.

    codes : uint64 (n, w), read-only, w from 1 to 4; first_row : int, the row of the first code; queries : uint64
    (q, w), read-only; k : int, how many neighbours each query needs; limits : int64 (q,), distances must be below them,
    changed in place; counts : int64 (q, at least the largest limit), how many were found at each distance, changed in
    place. Returns int64 (t,) and (t,): queries, and ``distance << 48 | row`` of the codes found, for each query in the
    order of rows. When a query has `k` rows below its limit, the limit falls to the distance of the farthest, because
    at equal distance the first rows count. So a query never gets more than `k` rows at any one distance.
    """
    n, n_words = codes.shape
    n_queries, flat = len(queries), codes.reshape(-1)
    query_idx, keys, found = np.empty(1024, np.int64), np.empty(1024, np.int64), 0
    below = np.zeros(n_queries, np.int64)  # how many have been found below the limit
    for q in range(n_queries):
        below[q] = counts[q, : limits[q]].sum()
    n_block = _BLOCK_WORDS // (4 if n_words > 1 else 1)
    turned = n_words > 1 and n_queries >= _TURNED_FROM
    columns = np.zeros((4, n_block), np.uint64)  # unused words stay 0, as in `sought`
    sought, distances = np.zeros(4, np.uint64), np.empty(_CHUNK, np.uint64)
    for start in range(0, n, n_block):
        stop = min(start + n_block, n)
        if turned:
            _turn(codes[start:stop], columns)
        for q in range(n_queries):
            sought[:n_words] = queries[q]
            at = start
            while limits[q] > 0:
                if turned:
                    at = start + _next_of_columns(columns, at - start, stop - start, sought, limits[q])
                elif n_words == 1:
                    at = _next_of_words(flat, at, stop, sought[0], limits[q])
                else:
                    at = _next_of_rows(flat, at, stop, sought, n_words, limits[q])
                if at >= stop:
                    break
                if found + _CHUNK > len(keys):
                    query_idx, keys = longer(query_idx, 2 * len(keys)), longer(keys, 2 * len(keys))
                size = min(_CHUNK, stop - at)
                _distances(flat[at * n_words : (at + size) * n_words], sought, n_words, distances)
                some = keys[found : found + _CHUNK]
                n_some, limits[q], below[q] = _keep(
                    distances[:size], first_row + at, k, limits[q], below[q], counts[q], some
                )
                query_idx[found : found + n_some] = q
                found += n_some
                at += _CHUNK
    return query_idx[:found], keys[:found]


@njit(cache=True, nogil=True)
def _keep(distances, first_row, k, limit, below, counts, keys):  # type: ignore[no-untyped-def]
    """Write the keys of the codes of one chunk that are below the limit; return how many, the new limit and `below`."""
    n = 0
    for i in range(len(distances)):
        distance = np.int64(distances[i])
        if distance < limit:
            keys[n] = (distance << _DISTANCE_SHIFT) | (first_row + i)
            n += 1
            counts[distance] += 1
            below += 1
            while below >= k:
                limit -= 1
                below -= counts[limit]
    return n, limit, below


@njit(cache=True, nogil=True)
def _turn(codes, columns):  # type: ignore[no-untyped-def]
    """Transpose codes: uint64 (n, w) into uint64 (4, at least n)."""
    for i in range(codes.shape[0]):
        for word in range(codes.shape[1]):
            columns[word, i] = codes[i, word]


@njit(cache=True, nogil=True)
def _next_of_columns(columns, at, stop, sought, limit):  # type: ignore[no-untyped-def]
    """Return the start of the next chunk of a transposed block that has a distance below the limit, or `stop`.

    columns : uint64 (4, n); at, stop : int, at a multiple of a chunk; sought : uint64 (4,); limit : int, above 0.
    Entries past `stop` are 0 or of an earlier block, so a chunk may seem near that is not.
    """
    for start in range(at, stop, _CHUNK):
        least = _least_of_columns(columns, start, sought)
        if least < np.uint64(limit):
            return start
    return stop


@njit(cache=True, nogil=True)
def _least_of_columns(columns, start, sought):  # type: ignore[no-untyped-def]
    """Return the least distance of a chunk of a transposed block: uint64 (4, n), int, uint64 (4,)."""
    q0, q1, q2, q3 = sought[0], sought[1], sought[2], sought[3]
    a, b = columns[0, start : start + _CHUNK], columns[1, start : start + _CHUNK]
    c, d = columns[2, start : start + _CHUNK], columns[3, start : start + _CHUNK]
    least = _FAR
    for i in range(_CHUNK):
        least = min(least, popcount(a[i] ^ q0) + popcount(b[i] ^ q1) + popcount(c[i] ^ q2) + popcount(d[i] ^ q3))
    return least


@njit(cache=True, nogil=True)
def _next_of_words(words, at, stop, sought, limit):  # type: ignore[no-untyped-def]
    """Return the start of the next chunk of codes that has a distance below the limit, or `stop`.

    words : uint64 (n,); at, stop : int; sought : uint64; limit : int, above 0. A chunk that is not whole is always
    returned. This loop and the next are functions of their own, as the compiler makes a larger loop slower.
    """
    for start in range(at, stop, _CHUNK):
        if start + _CHUNK > stop:
            return start
        chunk = words[start : start + _CHUNK]
        least = _FAR
        for i in range(_CHUNK):
            least = min(least, popcount(chunk[i] ^ sought))
        if least < np.uint64(limit):
            return start
    return stop


@njit(cache=True, nogil=True)
def _next_of_rows(words, at, stop, sought, n_words, limit):  # type: ignore[no-untyped-def]
    """Do the same for untransposed codes of 2 to 4 words: uint64 (n n_words,), int, int, uint64 (4,), int, int."""
    a, b, c, d = sought[0], sought[1], sought[2], sought[3]
    for start in range(at, stop, _CHUNK):
        if start + _CHUNK > stop:
            return start
        chunk = words[start * n_words : (start + _CHUNK) * n_words]
        least = _FAR
        if n_words == 2:
            for i in range(_CHUNK):
                least = min(least, popcount(chunk[2 * i] ^ a) + popcount(chunk[2 * i + 1] ^ b))
        elif n_words == 3:
            for i in range(_CHUNK):
                left = popcount(chunk[3 * i] ^ a) + popcount(chunk[3 * i + 1] ^ b)
                least = min(least, left + popcount(chunk[3 * i + 2] ^ c))
        else:
            for i in range(_CHUNK):
                left = popcount(chunk[4 * i] ^ a) + popcount(chunk[4 * i + 1] ^ b)
                right = popcount(chunk[4 * i + 2] ^ c) + popcount(chunk[4 * i + 3] ^ d)
                least = min(least, left + right)
        if least < np.uint64(limit):
            return start
    return stop


@njit(cache=True, nogil=True)
def _distances(words, sought, n_words, out):  # type: ignore[no-untyped-def]
    """Write the distances of codes to one: uint64 (n n_words,), uint64 (4,), int, uint64 (at least n,)."""
    if n_words == 1:
        for i in range(len(words)):
            out[i] = popcount(words[i] ^ sought[0])
        return
    for i in range(len(words) // n_words):
        total = np.uint64(0)
        for word in range(n_words):
            total += popcount(words[i * n_words + word] ^ sought[word])
        out[i] = total


@njit(cache=True, nogil=True)
def group_neighbours(query_idx, keys, n_queries, k):  # type: ignore[no-untyped-def]
    """Return the `k` nearest of the codes found for each query, by distance, then by row.

    query_idx, keys : int64 (t,), as `scan` gives them, in any order. Returns int64 (n_queries + 1,), where the
    neighbours of each query begin, int64 rows and uint16 distances.
    """
    ends = np.zeros(n_queries + 1, np.int64)
    for q in query_idx:
        ends[q + 1] += 1
    for q in range(n_queries):
        ends[q + 1] += ends[q]
    sorted_keys, at = np.empty(len(keys), np.int64), ends[:-1].copy()
    for i in range(len(keys)):
        q = query_idx[i]
        sorted_keys[at[q]] = keys[i]
        at[q] += 1
    starts = np.zeros(n_queries + 1, np.int64)
    for q in range(n_queries):
        starts[q + 1] = starts[q] + min(k, ends[q + 1] - ends[q])
    rows, distances = np.empty(starts[-1], np.int64), np.empty(starts[-1], np.uint16)
    for q in range(n_queries):
        mine = np.sort(sorted_keys[ends[q] : ends[q + 1]])
        for i in range(starts[q + 1] - starts[q]):
            rows[starts[q] + i] = mine[i] & ((np.int64(1) << _DISTANCE_SHIFT) - 1)
            distances[starts[q] + i] = mine[i] >> _DISTANCE_SHIFT
    return starts, rows, distances
