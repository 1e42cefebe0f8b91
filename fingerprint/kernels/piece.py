"""Rectangles of an overlap: the piece that agrees, if it is less than all, and the slot that contradicts.

A piece that was cut out of a picture and pasted into another agrees in one rectangle of the reference, and contradicts
around it. A copy with a picture laid over it contradicts in one rectangle, and so do two pictures of one template,
where its content is. Borders tell them apart: what was pasted has an edge in the query where the reference has none;
two pictures of one template have the same edges.

Numba's cache does not see a change in another file: after a change in `fingerprint.kernels.cells` or
`fingerprint.kernels.overlap`, remove the caches.
"""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.cells import AREA, BEST, CELL, LEAST_PART, QUERY_ENERGY, REFERENCE_ENERGY
from fingerprint.kernels.compiled import njit
from fingerprint.kernels.overlap import _AGREES, _CONTRADICTS, _TEXTURE
from fingerprint.types import F64, I64, U8, Bool

#: What `measure_piece_and_slot` measures of the piece, in order. The piece is the rectangle of cells in which agreeing
#: cells outnumber contradicting ones most.
PIECE_MEASURES = (
    "piece",  # its share of the overlap
    "piece_agreeing",  # share of its textured cells
    "piece_contradicting",
    "around_agreeing",  # share of the textured cells around it
    "log_around_contradicting",  # logarithm of their number
    "piece_sides",  # how many of its sides lie within the overlap
    "border",  # how much stronger the query's edges are there than the reference's: mean of the sides, logarithm
    "weakest_border",  # the same of the side where it is least
)
#: What it measures of the slot: the rectangle in which contradicting cells outnumber agreeing ones most. Around a slot
#: for a template's content both pictures have an edge; what was laid over a copy has one in the query only.
SLOT_MEASURES = (
    "slot",  # its share of the overlap
    "slot_contradicting",  # share of its textured cells
    "around_slot_agreeing",  # share of the textured cells around it
    "slot_sides",  # how many of its sides lie within the overlap
    "slot_border",  # how much stronger the query's edges are there than the reference's: mean of the sides, logarithm
    "slot_edge",  # how strong the edges are that both have on one line: mean of the sides, logarithm
    "weakest_slot_edge",  # the same of the side where it is least
)
_SEARCHED = CELL  # pixels on both sides of a piece's border in which its edge is looked for
_LEAST_EDGE = 2.0  # grey values per pixel; below, edges are alike
_CORNER = CELL // 2  # pixels at the ends of a border that are left out


@njit(cache=True, nogil=True)
def best_rectangle(weights: F64):  # type: ignore[no-untyped-def]
    """Return top, bottom, left, right of the rectangle with the largest sum; of several the largest one.

    Rows are summed for each first and last row, and the best stretch of columns is found in one pass (Bentley,
    *Programming pearls: algorithm design techniques*, CACM 1984).

    Parameters
    ----------
    weights : float64 array, shape (n, n)
        Whole numbers, so that sums are exact.
    """
    n = weights.shape[0]
    unit = np.float64(n * n + 1)  # a sum that is larger by 1 counts more than any size
    best = -np.inf
    top, bottom, left, right = 0, n, 0, n
    columns = np.empty(n)
    for first in range(n):
        columns[:] = 0.0
        for last in range(first, n):
            total, start = 0.0, 0
            for x in range(n):  # the best stretch of columns that ends here
                columns[x] += unit * weights[last, x] + 1.0
                if total <= 0.0:
                    total, start = columns[x], x
                else:
                    total += columns[x]
                if total > best:
                    best = total
                    top, bottom, left, right = first, last + 1, start, x + 1
    return top, bottom, left, right


@njit(cache=True, nogil=True)
def _edge_along(picture: U8, shared: Bool, across: bool, at: int, start: int, end: int) -> float:
    """Return the mean step between the lines before and after a border, in grey values; -1 if little of it is shared.

    `across` : whether the border is a column; `at` : the line after it; `start`, `end` : its extent along it.
    """
    total, n = 0.0, 0
    for i in range(start, end):
        if across:
            seen = shared[i, at - 1] and shared[i, at]
            step = abs(np.float64(picture[i, at]) - np.float64(picture[i, at - 1]))
        else:
            seen = shared[at - 1, i] and shared[at, i]
            step = abs(np.float64(picture[at, i]) - np.float64(picture[at - 1, i]))
        if seen:
            total += step
            n += 1
    return total / n if 2 * n >= end - start and n > 0 else -1.0


@njit(cache=True, nogil=True)
def _border(query: U8, reference: U8, shared: Bool, across: bool, at: int, start: int, end: int):  # type: ignore[no-untyped-def]
    """Look near a border for the line where the query has an edge and the reference has not, and for a common edge.

    Returns
    -------
    found : bool
        Whether enough of the border is shared.
    contrast : float
        Logarithm of how much stronger the query's edge is.
    line : int
        Where it is.
    common : float
        Logarithm of the strongest edge that both have on one line, 0 for none.
    """
    side = query.shape[0]
    found, best, line, common = False, -1e18, at, 0.0
    start, end = start + _CORNER, end - _CORNER
    for position in range(max(1, at - _SEARCHED), min(side, at + _SEARCHED + 1)):
        of_query = _edge_along(query, shared, across, position, start, end)
        if of_query < 0:
            continue
        of_reference = _edge_along(reference, shared, across, position, start, end)
        contrast = np.log((of_query + _LEAST_EDGE) / (of_reference + _LEAST_EDGE))
        common = max(common, np.log((min(of_query, of_reference) + _LEAST_EDGE) / _LEAST_EDGE))
        if contrast > best:
            found, best, line = True, contrast, position
    return found, best, line, common


@njit(cache=True, nogil=True)
def _weigh_cells(table: F64, most_agree: float):  # type: ignore[no-untyped-def]
    """Return of each cell whether it agrees (1), contradicts (-1) or neither (0), has texture, and is covered."""
    n = table.shape[0]
    weights = np.zeros((n, n))
    textured, covered = np.zeros((n, n), np.bool_), np.zeros((n, n), np.bool_)
    bound = min(_CONTRADICTS, 0.6 * most_agree)
    for y in range(n):
        for x in range(n):
            area = table[y, x, AREA]
            if area < LEAST_PART * CELL * CELL:
                continue
            covered[y, x] = True
            in_reference, in_query = table[y, x, REFERENCE_ENERGY] / area, table[y, x, QUERY_ENERGY] / area
            if max(in_reference, in_query) <= 2 * _TEXTURE:
                continue
            textured[y, x] = True
            agreement = table[y, x, BEST] if min(in_reference, in_query) > _TEXTURE else 0.0
            weights[y, x] = np.float64(agreement > _AGREES) - np.float64(agreement < bound)
    return weights, textured, covered


@njit(cache=True, nogil=True)
def _count_cells(weights: F64, textured: Bool, covered: Bool, box: I64) -> F64:
    """Count cells around a box and in it: rows of covered, textured, agreeing and contradicting ones, shape (2, 4)."""
    counts = np.zeros((2, 4))
    for y in range(len(weights)):
        for x in range(len(weights)):
            row = 1 if box[1] <= y < box[3] and box[0] <= x < box[2] else 0
            counts[row, 0] += covered[y, x]
            counts[row, 1] += textured[y, x]
            counts[row, 2] += weights[y, x] > 0
            counts[row, 3] += weights[y, x] < 0
    return counts


@njit(cache=True, nogil=True)
def _covered_box(covered: Bool) -> I64:
    """Return left, top, right and bottom of the covered cells."""
    n = len(covered)
    box = np.array([n, n, 0, 0])
    for y in range(n):
        for x in range(n):
            if covered[y, x]:
                box[0], box[1] = min(box[0], x), min(box[1], y)
                box[2], box[3] = max(box[2], x + 1), max(box[3], y + 1)
    return box


@njit(cache=True, nogil=True)
def _look_at_sides(query: U8, reference: U8, shared: Bool, box: I64, outer: I64, lines: I64, found: F64) -> None:
    """Look at those sides of a box that lie within the overlap.

    box, outer, lines : int64 (4,), left, top, right, bottom: the box and the covered cells, in cells; the pixels where
    the query's edges are, written for the sides that were looked at.
    found : float64 (5,): number of the sides; mean and least contrast, mean and least common edge, as in `_border`; all
    0 if there are no sides.
    """
    n_sides, contrasts, commons = 0, 0.0, 0.0
    least_contrast = least_common = np.inf
    for k in range(4):
        within = box[k] > outer[k] if k < 2 else box[k] < outer[k]
        if not within:
            continue
        across = k % 2 == 0
        start, end = (box[1], box[3]) if across else (box[0], box[2])
        is_shared, contrast, line, common = _border(
            query, reference, shared, across, box[k] * CELL, start * CELL, end * CELL
        )
        if is_shared:
            lines[k] = line
            n_sides += 1
            contrasts += contrast
            commons += common
            least_contrast, least_common = min(least_contrast, contrast), min(least_common, common)
    found[:] = 0.0
    if n_sides:
        found[0] = n_sides
        found[1] = contrasts / n_sides
        found[2] = least_contrast
        found[3] = commons / n_sides
        found[4] = least_common


@njit(cache=True, nogil=True)
def measure_piece_and_slot(table: F64, query: U8, reference: U8, shared: Bool, most_agree: float):  # type: ignore[no-untyped-def]
    """Find the piece of a reference that agrees, and the slot that contradicts, and measure how their borders look.

    Parameters
    ----------
    table : float64 array, shape (side / CELL, side / CELL, N_COLUMNS)
        From `compare_cells`.
    query, reference : uint8 arrays, shape (side, side)
        The pictures that were compared, the query warped.
    shared : bool array, shape (side, side)
        Which pixels both have.
    most_agree : float
        The correlation that three quarters of the texture do not exceed; see `fingerprint.kernels.overlap.MEASURES`.

    Returns
    -------
    piece : float64 array, shape (4,)
        Left, top, right and bottom of the piece, in shares of the reference's sides.
    measures : float64 array, shape (len(PIECE_MEASURES) + len(SLOT_MEASURES),)
        Those of the slot are 0 if no cell contradicts.
    """
    weights, textured, covered = _weigh_cells(table, most_agree)
    outer, sides = _covered_box(covered), np.empty(5)
    measures = np.zeros(len(PIECE_MEASURES) + len(SLOT_MEASURES))
    top, bottom, left, right = best_rectangle(weights)
    box = np.array([left, top, right, bottom])
    lines = box * CELL
    counts = _count_cells(weights, textured, covered, box)
    _look_at_sides(query, reference, shared, box, outer, lines, sides)
    measures[0] = counts[1, 0] / max(1.0, counts[0, 0] + counts[1, 0])
    measures[1] = counts[1, 2] / max(1.0, counts[1, 1])
    measures[2] = counts[1, 3] / max(1.0, counts[1, 1])
    measures[3] = counts[0, 2] / max(1.0, counts[0, 1])
    measures[4] = np.log1p(counts[0, 3])
    measures[5], measures[6], measures[7] = sides[0], sides[1], sides[2]
    piece = lines / len(query)

    top, bottom, left, right = best_rectangle(-weights)
    box[0], box[1], box[2], box[3] = left, top, right, bottom
    counts = _count_cells(weights, textured, covered, box)
    if counts[1, 3] > 0:
        _look_at_sides(query, reference, shared, box, outer, lines, sides)
        slot = measures[len(PIECE_MEASURES) :]
        slot[0] = counts[1, 0] / max(1.0, counts[0, 0] + counts[1, 0])
        slot[1] = counts[1, 3] / max(1.0, counts[1, 1])
        slot[2] = counts[0, 2] / max(1.0, counts[0, 1])
        slot[3], slot[4], slot[5], slot[6] = sides[0], sides[1], sides[3], sides[4]
    return piece, measures
