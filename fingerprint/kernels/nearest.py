"""Kernels of exact search, besides matrix products: lift vectors, find the few small entries, keep the nearest."""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.arrays import longer
from fingerprint.kernels.compiled import njit

_LANES = 8
_WIDE = 64  # parallel float32 sums: enough to hide the latency of an addition
_CHUNK = 128  # entries of a row that are compared together


@njit(cache=True, nogil=True)
def largest_magnitude_bits(bits):  # type: ignore[no-untyped-def]
    """Return the largest magnitude of float32 numbers, all as uint32 (n,); not finite from 0x7f800000 on.

    Without the sign bit, the bits are ordered as integers like the magnitudes, so one pass finds the largest.
    """
    largest = np.uint32(0)
    for value in bits:
        largest = max(largest, value & np.uint32(0x7FFFFFFF))
    return largest


@njit(cache=True, nogil=True)
def lift(block, scale, centre, slack, factor, lifted, norms):  # type: ignore[no-untyped-def]
    """Write ``factor * x'`` and ``(1 - slack) * |x'|**2`` of vectors x, where ``x' = x * scale - centre``.

    block : float32 (n, d), C-contiguous; scale, factor : float32; centre : float32 (d,); slack : float; lifted :
    float32 (n, d + 1), whose last column is not written; norms : float64 (n,).
    """
    n, d = block.shape
    whole = d - d % _LANES
    sums = np.empty(_LANES, np.float64)
    for i in range(n):
        sums[:] = 0
        for k in range(0, whole, _LANES):
            for lane in range(_LANES):
                moved = block[i, k + lane] * scale - centre[k + lane]
                lifted[i, k + lane] = factor * moved
                wide = np.float64(moved)
                sums[lane] += wide * wide
        total = 0.0
        for lane in range(_LANES):
            total += sums[lane]
        for k in range(whole, d):
            moved = block[i, k] * scale - centre[k]
            lifted[i, k] = factor * moved
            wide = np.float64(moved)
            total += wide * wide
        norms[i] = (1.0 - slack) * total


@njit(cache=True, nogil=True)
def rough_distances(vectors, one, out):  # type: ignore[no-untyped-def]
    """Write the squared distances of vectors to one in single precision: float32 (n, d), float32 (d,), float32 (n,).

    Only the vectors are subtracted, so the relative error of each is a few roundings.
    """
    n, d = vectors.shape
    whole = d - d % _WIDE
    sums = np.empty(_WIDE, np.float32)
    for i in range(n):
        row = vectors[i]
        sums[:] = 0
        for k in range(0, whole, _WIDE):
            left, right = row[k : k + _WIDE], one[k : k + _WIDE]
            for lane in range(_WIDE):
                apart = left[lane] - right[lane]
                sums[lane] += apart * apart
        for lane in range(32):
            sums[lane] += sums[lane + 32]
        for lane in range(16):
            sums[lane] += sums[lane + 16]
        total = np.float32(0)
        for lane in range(16):
            total += sums[lane]
        for k in range(whole, d):
            apart = row[k] - one[k]
            total += apart * apart
        out[i] = total


@njit(cache=True, nogil=True)
def rough_distances_of_packed(packed, step, one, out):  # type: ignore[no-untyped-def]
    """Do the same for packed vectors: int8 (n, d), the float32 step of their numbers, float32 (d,), float32 (n,).

    A difference has the same bits as if the vectors had been unpacked first.
    """
    n, d = packed.shape
    whole = d - d % _WIDE
    sums = np.empty(_WIDE, np.float32)
    for i in range(n):
        row = packed[i]
        sums[:] = 0
        for k in range(0, whole, _WIDE):
            left, right = row[k : k + _WIDE], one[k : k + _WIDE]
            for lane in range(_WIDE):
                apart = np.float32(left[lane]) * step - right[lane]
                sums[lane] += apart * apart
        for lane in range(32):
            sums[lane] += sums[lane + 32]
        for lane in range(16):
            sums[lane] += sums[lane + 16]
        total = np.float32(0)
        for lane in range(16):
            total += sums[lane]
        for k in range(whole, d):
            apart = np.float32(row[k]) * step - one[k]
            total += apart * apart
        out[i] = total


@njit(cache=True, nogil=True)
def entries_below(products, limits):  # type: ignore[no-untyped-def]
    """Return rows, columns and values of the entries that are at most their row's limit, row by row.

    products : float32 (n, m), C-contiguous; limits : float32 (n,). Returns int64, int64 and float32, of the number of
    such entries, at most n * m. Most chunks have none, so each is counted first: a loop without branches over a view of
    fixed length is vectorised.
    """
    n, m = products.shape
    whole = m - m % _CHUNK
    room = 1024
    rows, columns, values = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.float32)
    found = 0
    for i in range(n):
        limit, row = limits[i], products[i]
        for start in range(0, m, _CHUNK):
            stop = min(start + _CHUNK, m)
            if start < whole:
                chunk = row[start : start + _CHUNK]
                hits = np.int32(0)
                for t in range(_CHUNK):
                    hits += np.int32(chunk[t] <= limit)
                if hits == 0:
                    continue
            if found + _CHUNK > room:
                room *= 2
                rows, columns, values = longer(rows, room), longer(columns, room), longer(values, room)
            for j in range(start, stop):
                if row[j] <= limit:
                    rows[found], columns[found], values[found] = i, j, row[j]
                    found += 1
    return rows[:found], columns[:found], values[:found]


@njit(cache=True, nogil=True)
def paired_distances(left, right, out):  # type: ignore[no-untyped-def]
    """Write ``sum((left - right)**2)`` row by row, in double precision and in the same order of sums for every row.

    left, right : float32 (n, d), C-contiguous; out : float64 (n,).
    """
    n, d = left.shape
    whole = d - d % _LANES
    sums = np.empty(_LANES, np.float64)
    for i in range(n):
        sums[:] = 0
        for k in range(0, whole, _LANES):
            for lane in range(_LANES):
                apart = np.float64(left[i, k + lane]) - np.float64(right[i, k + lane])
                sums[lane] += apart * apart
        total = 0.0
        for lane in range(_LANES):
            total += sums[lane]
        for k in range(whole, d):
            apart = np.float64(left[i, k]) - np.float64(right[i, k])
            total += apart * apart
        out[i] = total


@njit(cache=True, nogil=True)
def lowest_of_rows(rows, keys, k):  # type: ignore[no-untyped-def]
    """Return the positions, ascending, of the `k` entries of each row with the lowest keys, or of all if fewer.

    rows : int64 (t,), ascending; keys : float64 (t,).
    """
    chosen = np.empty(len(rows), np.int64)
    n = start = 0
    while start < len(rows):
        stop = start + 1
        while stop < len(rows) and rows[stop] == rows[start]:
            stop += 1
        room = min(k, stop - start)
        limit = np.partition(keys[start:stop], room - 1)[room - 1]
        equal = room  # how many keys at the limit are still to be taken
        for at in range(start, stop):
            equal -= keys[at] < limit
        for at in range(start, stop):
            take = keys[at] < limit
            if keys[at] == limit and equal > 0:
                take = True
                equal -= 1
            if take:
                chosen[n] = at
                n += 1
        start = stop
    return chosen[:n]


@njit(cache=True, nogil=True)
def merge_nearest(rows, columns, found, indices, distances):  # type: ignore[no-untyped-def]
    """Merge new entries into the nearest entries of their rows, which stay sorted by distance, then by column.

    rows, columns : int64 (t,), ascending by row, then by column; found : float64 (t,), their distances; indices : int64
    (n, k) and distances : float64 (n, k), changed in place. No new entry may be among them already.
    """
    k = indices.shape[1]
    old_indices, old_distances = np.empty(k, np.int64), np.empty(k, np.float64)
    start = 0
    while start < len(rows):
        row, stop = rows[start], start + 1
        while stop < len(rows) and rows[stop] == row:
            stop += 1
        order = np.argsort(found[start:stop], kind="mergesort") + start  # stable: at equal distance by column
        old_indices[:], old_distances[:] = indices[row], distances[row]
        old = new = 0
        for place in range(k):
            take = False
            if new < len(order):
                at = order[new]
                take = found[at] < old_distances[old] or (
                    found[at] == old_distances[old] and columns[at] < old_indices[old]
                )
            if take:
                indices[row, place], distances[row, place] = columns[order[new]], found[order[new]]
                new += 1
            else:
                indices[row, place], distances[row, place] = old_indices[old], old_distances[old]
                old += 1
        start = stop
