"""Quantisation of local descriptors to a two-level vocabulary, and their signatures within a word.

Mirroring a picture, or taking its negative, changes the sign of some axes of a local descriptor's point and nothing
else: `signs` says which, for each of the four variants. Of each cell and each word only one is kept, and the other
three are its *reflections*. So the vocabulary has A cells of B words, and 4 A B words with their reflections. Word
``4 * (a * B + b) + v`` is reflection v of the b-th word of cell a; and the word of a point's reflection v is the word
of the point with these two bits exclusive-or v.

A *cost* is half of the squared distance less half of the point's own squared norm, so it orders words as the distance
does.
"""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.arrays import copy
from fingerprint.kernels.compiled import njit
from fingerprint.kernels.products import TOGETHER, add_products, project_rows

_FAR = np.float32(3e38)
_LANES = 32


@njit(cache=True, nogil=True)
def rotate_descriptors(descriptors, mean, basis, out):  # type: ignore[no-untyped-def]
    """Project local descriptors: out[i] = (descriptors[i] - mean) @ basis, summed in a fixed order.

    descriptors : uint8 (n, 128); mean : float32 (128,); basis : float32 (128, p); out : float32 (n, p).
    """
    project_rows(descriptors, mean, basis, out)


@njit(cache=True, nogil=True)
def _costs(points, half, columns, out):  # type: ignore[no-untyped-def]
    """Write half[b] - points[i] @ columns[:, b] for all i and b, eight summands at a time: few passes over `out`.

    The eight rows of `columns` are used for all points while they are in the L1 cache.
    """
    p, n = columns.shape
    for i in range(len(points)):
        copy(half, out[i, :n])
    whole = p - p % 8
    for k in range(0, whole, 8):
        for i in range(len(points)):
            point, row = points[i], out[i]
            x0, x1, x2, x3 = point[k], point[k + 1], point[k + 2], point[k + 3]
            x4, x5, x6, x7 = point[k + 4], point[k + 5], point[k + 6], point[k + 7]
            for b in range(n):
                row[b] -= (
                    x0 * columns[k, b]
                    + x1 * columns[k + 1, b]
                    + x2 * columns[k + 2, b]
                    + x3 * columns[k + 3, b]
                    + x4 * columns[k + 4, b]
                    + x5 * columns[k + 5, b]
                    + x6 * columns[k + 6, b]
                    + x7 * columns[k + 7, b]
                )
    for k in range(whole, p):
        for i in range(len(points)):
            for b in range(n):
                out[i, b] -= points[i, k] * columns[k, b]


@njit(cache=True, nogil=True)
def _axes_by_kind(signs):  # type: ignore[no-untyped-def]
    """Return the axes in order of how the variants treat them, int64 (p,), and where each kind begins, int64 (5,)."""
    p = signs.shape[1]
    axes, starts, n = np.empty(p, np.int64), np.zeros(5, np.int64), 0
    for kind in range(4):
        for k in range(p):
            if 2 * (signs[1, k] < 0) + (signs[2, k] < 0) == kind:
                axes[n] = k
                n += 1
        starts[kind + 1] = n
    return axes, starts


@njit(cache=True, nogil=True)
def _cell_costs(points, axes, starts, coarse, coarse_half, out):  # type: ignore[no-untyped-def]
    """Write the costs of all reflections of all cells: out : float32 (n, 4 A), reflection v of cell a at 4 a + v.

    Axes that the variants treat alike are summed once; a reflection adds or subtracts the sum. axes, starts : from
    `_axes_by_kind`; coarse : float32 (p, A), the rows of the cells' axes in that order.
    """
    n_cells = len(coarse_half)
    parts = np.zeros((4, len(points), n_cells), np.float32)
    for kind in range(4):
        begin, end = starts[kind], starts[kind + 1]
        own = np.empty((len(points), end - begin), np.float32)
        for i in range(len(points)):
            for k in range(end - begin):
                own[i, k] = points[i, axes[begin + k]]
        add_products(own, coarse[begin:end], parts[kind])
    for i in range(len(points)):
        for a in range(n_cells):
            both, mirror, negative, neither = parts[0, i, a], parts[1, i, a], parts[2, i, a], parts[3, i, a]
            # parts[1] changes its sign in a negative only, parts[2] in a mirror image only, parts[3] in each of them
            half = coarse_half[a]
            out[i, 4 * a] = half - (both + mirror + negative + neither)
            out[i, 4 * a + 1] = half - (both + mirror - negative - neither)
            out[i, 4 * a + 2] = half - (both - mirror + negative - neither)
            out[i, 4 * a + 3] = half - (both - mirror - negative + neither)


@njit(cache=True, nogil=True)
def _least(values):  # type: ignore[no-untyped-def]
    """Return the least of some numbers, in a loop that is vectorised."""
    least = _FAR
    for t in range(len(values)):
        value = values[t]
        least = value if value < least else least
    return least


@njit(cache=True, nogil=True)
def _nearest_cells(points, signs, coarse_t, coarse_half, beam):  # type: ignore[no-untyped-def]
    """Return the `beam` nearest reflections of cells of each point, int64 (n, beam), and the points by cell.

    Reflection v of cell a is ``4 * a + v``.
    """
    n, n_cells = len(points), len(coarse_half)
    cells = np.empty((n, beam), np.int64)
    n_looks = np.zeros(n_cells, np.int64)
    costs = np.empty((TOGETHER, 4 * n_cells), np.float32)
    axes, starts = _axes_by_kind(signs)
    coarse = np.empty(coarse_t.shape, np.float32)
    for k in range(len(axes)):
        copy(coarse_t[axes[k]], coarse[k])
    for start in range(0, n, TOGETHER):
        stop = min(start + TOGETHER, n)
        _cell_costs(points[start:stop], axes, starts, coarse, coarse_half, costs)
        for i in range(start, stop):
            cost = costs[i - start]
            for j in range(beam):
                least, best = _least(cost), 0
                while cost[best] > least:  # the first of equal ones
                    best += 1
                cost[best] = _FAR
                cells[i, j] = best
                n_looks[best >> 2] += 1
    return cells, n_looks


@njit(cache=True, nogil=True)
def _insert(costs, words, cost, word):  # type: ignore[no-untyped-def]
    """Insert a word into an ascending list, after those of equal cost, and drop the last."""
    at = len(costs) - 1
    while at > 0 and costs[at - 1] > cost:
        costs[at] = costs[at - 1]
        words[at] = words[at - 1]
        at -= 1
    costs[at] = cost
    words[at] = word


@njit(cache=True, nogil=True)
def _take_nearest(row, first_word, costs, words):  # type: ignore[no-untyped-def]
    """Insert the words of a reflected cell that are nearer than the farthest of an ascending list."""
    last = len(costs) - 1
    for start in range(0, len(row), _LANES):
        stop = min(start + _LANES, len(row))
        if _least(row[start:stop]) < costs[last]:  # most have none, and the least of all is found without a branch
            for b in range(start, stop):
                if row[b] < costs[last]:
                    _insert(costs, words, row[b], first_word + 4 * b)


@njit(cache=True, nogil=True)
def nearest_words(  # type: ignore[no-untyped-def]
    points, signs, coarse_t, coarse_half, fine_t, fine_half, beam, words, costs
):
    """Write the nearest words of each point among those of its `beam` nearest reflected cells, the nearest first.

    points : float32 (n, p); signs : float32 (4, p), 1 or -1; coarse_t : float32 (p, A), each column a cell;
    coarse_half : float32 (A,), half of their squared norms; fine_t : float32 (A, p, B); fine_half : float32 (A, B);
    beam : int, 1..4 A; words : int32 (n, m), written; -1 where the cells have too few words; costs : float32 (n, m),
    written. Ties go to the lower cell and the lower word.
    """
    n = len(points)
    n_cells, n_fine = fine_half.shape
    cells, n_looks = _nearest_cells(points, signs, coarse_t, coarse_half, beam)
    # Cell by cell, not point by point: the words of a cell fit in the cache, those of all cells do not.
    first, fill = np.zeros(n_cells + 1, np.int64), np.empty(n_cells, np.int64)
    for a in range(n_cells):
        first[a + 1], fill[a] = first[a] + n_looks[a], first[a]
    looks = np.empty(n * beam, np.int64)  # of cell after cell: four times the point's row, plus the reflection
    for i in range(n):
        for j in range(beam):
            cell = cells[i, j]
            looks[fill[cell >> 2]] = 4 * i + (cell & 3)
            fill[cell >> 2] += 1
        for j in range(words.shape[1]):
            words[i, j], costs[i, j] = -1, _FAR
    rows = np.empty((TOGETHER, n_fine), np.float32)
    reflected = np.empty((TOGETHER, points.shape[1]), np.float32)
    for a in range(n_cells):
        for begin in range(first[a], first[a + 1], TOGETHER):
            here = looks[begin : min(begin + TOGETHER, first[a + 1])]
            for t in range(len(here)):
                point, sign, line = points[here[t] >> 2], signs[here[t] & 3], reflected[t]
                for k in range(len(line)):
                    line[k] = point[k] * sign[k]
            _costs(reflected[: len(here)], fine_half[a], fine_t[a], rows)
            for t in range(len(here)):
                i = here[t] >> 2
                _take_nearest(rows[t], 4 * a * n_fine + (here[t] & 3), costs[i], words[i])


@njit(cache=True, nogil=True)
def word_signatures(points, signs, words, thresholds, step, out):  # type: ignore[no-untyped-def]
    """Write on which side of a word's centre a point lies along each axis: 64 bits a word.

    The point is reflected to where the word is kept, so a point and its reflection have the same signature, each in its
    own word.

    points : float32 (n, 64); signs : float32 (4, 64); words : int32 (n, m); thresholds : int8 (A B, 64), times `step`
    the centres of the words; out : uint64 (n, m), zero where there is no word.
    """
    n, m = words.shape
    for i in range(n):
        point = points[i]
        for j in range(m):
            bits = np.uint64(0)
            word = words[i, j]
            if word >= 0:
                sign, threshold = signs[word & 3], thresholds[word >> 2]
                for b in range(64):  # without branches, so that it is vectorised
                    bits |= np.uint64(point[b] * sign[b] > np.float32(threshold[b]) * step) << np.uint64(b)
            out[i, j] = bits
