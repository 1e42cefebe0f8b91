"""Measuring where the overlap of two aligned pictures agrees and where it differs, from their table of cells.

Numba's cache does not see a change in another file: after one in `cells` or `sorting`, remove the caches.
"""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.cells import (
    AREA,
    BEST,
    CELL,
    LEAST_PART,
    MOVED_X,
    MOVED_Y,
    QUERY_DEVIATION,
    QUERY_ENERGY,
    QUERY_MEAN,
    REFERENCE_DEVIATION,
    REFERENCE_ENERGY,
    REFERENCE_MEAN,
    UNMOVED,
)
from fingerprint.kernels.compiled import njit
from fingerprint.kernels.sorting import in_order, middle_of, stable_order
from fingerprint.types import F64, I64

#: What `summarise_cells` measures, in order. A cell is textured if either picture has texture in it; it agrees or
#: contradicts by its best correlation, and contradicts only where the other cells of the pair do better.
MEASURES = (
    "log_textured",  # logarithm of the textured area, in 64ths of the reference
    "correlation",  # mean of the best correlations, by texture
    "gain",  # what moving the cells added to it
    "tenth",  # the correlation that a tenth of the texture does not reach; and so on
    "quarter",
    "half",
    "three_quarters",
    "nine_tenths",
    "quarter_by_three",  # the second of these in relation to the fourth: whether some parts are worse than others
    "tenth_by_three",
    "contradicting",  # share of the textured cells
    "largest_contradiction",  # the same, of the largest connected part
    "log_contradictions",  # logarithm of the number of parts of two cells or more
    "log_largest",  # logarithm of the area of the largest, in 64ths of the reference
    "contradicting_alike",  # share of the textured cells that contradict and have as much texture in both pictures
    "contradicting_reference",  # the same with more texture in the reference: something is gone
    "contradicting_query",  # the same with more texture in the query: something was added
    "agreeing",  # share of the textured cells
    "flow",  # median distance of the moves from one affine map, in pixels; -1 if too few cells agree
    "flow_most",  # the distance that four in five do not exceed
    "tone_noise",  # grey values by which agreeing cells differ after one linear change of tone
    "same_tone",  # share of the textured cells that contradict in the tones of the reference: content was replaced
    "log_same_tone",  # logarithm of their number
    "other_tone",  # share of the textured cells that contradict in other tones: something was laid over
    "same_tone_part",  # share of the contradicting cells with the reference's tones
    "tone_difference",  # median over the contradicting cells, in contrasts
    "contrast_difference",  # the same of the logarithm of the contrast
    "tone_broken",  # share of the overlap whose tone the linear change does not explain
    "log_tone_slope",
)

_TEXTURE = 0.03  # mean squared length of the soft gradients from which a cell has texture
_AGREES = 0.7
_CONTRADICTS = 0.5
_SEEN = 0.6  # correlation from which a cell's move and tone are believed
_ALIKE = 0.7  # largest logarithm of the ratio of texture in two cells with as much of it
_LEAST_SEEN = 6
_LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)  # of the texture, up to which correlations are given
_SAME_TONE = 0.5
_STIFF = 0.3  # ridge of the slopes of moves


@njit(cache=True, nogil=True)
def _mean_energies(cell):  # type: ignore[no-untyped-def]
    """Return a cell's mean squared gradients in the reference and the query, 0 where too little of it is shared."""
    if cell[AREA] < LEAST_PART * CELL * CELL:
        return 0.0, 0.0
    area = max(cell[AREA], 1.0)
    return cell[REFERENCE_ENERGY] / area, cell[QUERY_ENERGY] / area


@njit(cache=True, nogil=True)
def _seen_cells(table: F64) -> I64:
    """Return the numbers, by rows, of the cells whose moves and tones are believed: int64 (k,)."""
    side = table.shape[0]
    out, n = np.empty(side * side, np.int64), 0
    for k in range(side * side):
        cell = table[k // side, k % side]
        in_reference, in_query = _mean_energies(cell)
        if min(in_reference, in_query) > _TEXTURE and cell[BEST] > _SEEN:
            out[n] = k
            n += 1
    return out[:n]


@njit(cache=True, nogil=True)
def fit_moves(table: F64):  # type: ignore[no-untyped-def]
    """Fit one affine map to the moves of the cells that are seen in both pictures.

    Parameters
    ----------
    table : float64 array, shape (side, side, N_COLUMNS)
        From `compare_cells`.

    Returns
    -------
    found : bool
        Whether there are enough such cells.
    move : float64 array, shape (3, 3)
        From positions on the reference's grid, in pixels, to the positions of the same content in the warped query.
    distances : float64 array, shape (k,)
        Of the cells' moves from the map's, in pixels.
    """
    side = table.shape[0]
    seen, width = _seen_cells(table), float(side * CELL)
    n, move = len(seen), np.zeros((3, 3))
    for axis in range(3):
        move[axis, axis] = 1.0
    if n < _LEAST_SEEN:
        return False, move, np.zeros(0)
    middle_x = middle_y = 0.0
    for i in range(n):
        middle_x += (seen[i] % side + 0.5) * CELL - 0.5
        middle_y += (seen[i] // side + 0.5) * CELL - 0.5
    middle_x, middle_y = middle_x / n, middle_y / n
    positions, moved = np.empty((n, 3)), np.empty((n, 2))
    weight, distances = np.empty(n), np.empty(n)
    for i in range(n):
        column, row = seen[i] % side, seen[i] // side
        positions[i, 0] = ((column + 0.5) * CELL - 0.5 - middle_x) / width
        positions[i, 1] = ((row + 0.5) * CELL - 0.5 - middle_y) / width
        positions[i, 2] = 1.0
        moved[i, 0], moved[i, 1] = table[row, column, MOVED_X], table[row, column, MOVED_Y]
        weight[i] = 1.0
    solution = np.zeros((3, 2))
    for _ in range(4):  # cells that moved otherwise count less each time
        solve_moves(positions, moved, weight, _STIFF, solution)
        for i in range(n):
            squares = 0.0
            for axis in range(2):
                fitted = positions[i, 0] * solution[0, axis] + positions[i, 1] * solution[1, axis] + solution[2, axis]
                squares += (moved[i, axis] - fitted) * (moved[i, axis] - fitted)
            distances[i] = np.sqrt(squares)
            weight[i] = 1 / (1 + (distances[i] / 0.7) ** 2)
    for axis in range(2):
        move[axis, 0] += solution[0, axis] / width
        move[axis, 1] += solution[1, axis] / width
        move[axis, 2] = solution[2, axis] - (solution[0, axis] * middle_x + solution[1, axis] * middle_y) / width
    return True, move, distances


@njit(cache=True, nogil=True)
def solve_moves(positions, moved, weight, ridge, solution):  # type: ignore[no-untyped-def]
    """Write the weighted least squares of moves on positions, held a little to no move: (n, 3), (n, 2), (n,), (3, 2).

    By Gaussian elimination; with the ridge (of both slopes) the matrix is positive definite, so no pivots are sought.
    """
    system = np.zeros((3, 5))  # the matrix and the two right sides beside it
    for i in range(len(weight)):
        for a in range(3):
            weighted = positions[i, a] * weight[i]
            for b in range(3):
                system[a, b] += weighted * positions[i, b]
            for axis in range(2):
                system[a, 3 + axis] += weighted * moved[i, axis]
    system[0, 0] += ridge
    system[1, 1] += ridge
    system[2, 2] += ridge / 300
    for a in range(3):
        for below in range(a + 1, 3):
            factor = system[below, a] / system[a, a]
            for b in range(a, 5):
                system[below, b] -= factor * system[a, b]
    for a in range(2, -1, -1):
        for axis in range(2):
            rest = system[a, 3 + axis]
            for b in range(a + 1, 3):
                rest -= system[a, b] * solution[b, axis]
            solution[a, axis] = rest / system[a, a]


@njit(cache=True, nogil=True)
def likeness_of(table: F64, column: int, least: float) -> float:
    """Return how much two pictures agree over all cells, by texture, >= 0, to compare alignments.

    `column` is `UNMOVED` or `BEST`; only what a cell's correlation exceeds `least` by counts.
    """
    total = 0.0
    for row in range(table.shape[0]):
        for place in range(table.shape[1]):
            cell = table[row, place]
            total += max(cell[column] - least, 0.0) * np.sqrt(cell[REFERENCE_ENERGY] * cell[QUERY_ENERGY])
    return total


@njit(cache=True, nogil=True)
def _fit_tone(table, seen):  # type: ignore[no-untyped-def]
    """Return slope, shift and noise of the linear change of tone from reference to query over the cells seen."""
    n, side = len(seen), table.shape[0]
    if n < 4:
        return 1.0, 0.0, 30.0
    q, r, weight, miss = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    for i in range(n):
        cell = table[seen[i] // side, seen[i] % side]
        q[i], r[i], weight[i] = cell[QUERY_MEAN], cell[REFERENCE_MEAN], 1.0
    slope, shift = 1.0, 0.0
    for _ in range(4):
        s = sr = srr = sq = srq = 0.0
        for i in range(n):
            s += weight[i]
            sr += weight[i] * r[i]
            srr += weight[i] * r[i] * r[i]
            sq += weight[i] * q[i]
            srq += weight[i] * r[i] * q[i]
        # weighted least squares, held a little to a slope of 1
        s, srr, srq = s + 1e-3, srr + 20.0, srq + 20.0
        determinant = s * srr - sr * sr
        slope, shift = (s * srq - sr * sq) / determinant, (srr * sq - sr * srq) / determinant
        for i in range(n):
            miss[i] = q[i] - slope * r[i] - shift
            weight[i] = 1 / (1 + (miss[i] / 12) ** 2)
    for i in range(n):
        miss[i] = abs(miss[i])
    return slope, shift, middle_of(in_order(miss))


@njit(cache=True, nogil=True)
def connected_parts(marked, side):  # type: ignore[no-untyped-def]
    """Return the sizes of the connected parts of the marked cells: shape (k,)."""
    todo = marked.copy()
    sizes, stack, count = np.zeros(side * side, np.int64), np.zeros(side * side, np.int64), 0
    for start in range(side * side):
        if not todo[start]:
            continue
        todo[start] = False
        stack[0], top, size = start, 1, 0
        while top:
            top -= 1
            row, column = stack[top] // side, stack[top] % side
            size += 1
            for down in range(-1, 2):
                for right in range(-1, 2):
                    y, x = row + down, column + right
                    if 0 <= y < side and 0 <= x < side and (down == 0 or right == 0) and todo[y * side + x]:
                        todo[y * side + x] = False
                        stack[top] = y * side + x
                        top += 1
        sizes[count] = size
        count += 1
    return sizes[:count]


@njit(cache=True, nogil=True)
def _weighted_quantiles(values, weights, out):  # type: ignore[no-untyped-def]
    """Write the values that the `_LEVELS` of the weight do not exceed; 0 if there are none."""
    order, running = stable_order(values), np.empty(len(values))
    total = 0.0
    for i in range(len(values)):
        total += weights[order[i]]
        running[i] = total
    for level in range(len(_LEVELS)):
        at = 0
        while at < len(values) - 1 and running[at] < total * _LEVELS[level]:
            at += 1
        out[level] = values[order[at]] if len(values) else 0.0


@njit(cache=True, nogil=True)
def summarise_cells(table: F64) -> F64:
    """Return the `MEASURES` of a table of cells: float64 array, shape (len(MEASURES),), all finite.

    Parameters
    ----------
    table : float64 array, shape (side, side, N_COLUMNS)
        From `compare_cells`.
    """
    side = table.shape[0]
    n, scale = side * side, 64.0 / (side * side)  # cells -> 64ths of the reference
    agreement, weight, ratio, textured = np.empty(n), np.empty(n), np.empty(n), np.empty(n, np.bool_)
    total, correlation, unmoved = 0.0, 0.0, 0.0
    area = n_within = np.int64(0)  # a constant 0 would be a type of its own, for which callees are compiled too
    for k in range(n):
        cell = table[k // side, k % side]
        in_reference, in_query = _mean_energies(cell)
        both, most = min(in_reference, in_query) > _TEXTURE, max(in_reference, in_query)
        textured[k] = most > 2 * _TEXTURE
        agreement[k] = cell[BEST] if both else 0.0
        weight[k] = np.sqrt(most) if textured[k] else 0.0
        ratio[k] = np.log((in_query + 0.02) / (in_reference + 0.02))
        total += weight[k]
        correlation += agreement[k] * weight[k]
        unmoved += (cell[UNMOVED] if both else 0.0) * weight[k]
        area += textured[k]
        n_within += cell[AREA] >= LEAST_PART * CELL * CELL
    total, n_textured = max(total, 1e-9), area + np.int64(area == 0)

    out = np.empty(len(MEASURES))
    levels = out[3:8]
    _weighted_quantiles(_marked(agreement, textured, area), _marked(weight, textured, area), levels)
    limit = min(_CONTRADICTS, 0.6 * levels[3])
    contradicts, n_contradicting = np.empty(n, np.bool_), np.int64(0)
    n_alike = n_less = n_more = n_agreeing = 0
    for k in range(n):
        contradicts[k] = textured[k] and agreement[k] < limit
        if contradicts[k]:
            n_contradicting += 1
            n_alike += abs(ratio[k]) < _ALIKE
            n_less += ratio[k] <= -_ALIKE
            n_more += ratio[k] >= _ALIKE
        n_agreeing += textured[k] and agreement[k] > _AGREES
    parts, largest, n_parts = connected_parts(contradicts, side), 0, 0
    for k in range(len(parts)):
        largest = max(largest, parts[k])
        n_parts += parts[k] >= 2

    out[0] = np.log1p(area * scale)
    out[1] = correlation / total
    out[2] = out[1] - unmoved / total
    out[8] = levels[1] / max(levels[3], 0.2)
    out[9] = levels[0] / max(levels[3], 0.2)
    out[10] = n_contradicting / n_textured
    out[11] = largest / n_textured
    out[12] = np.log1p(n_parts)
    out[13] = np.log1p(largest * scale)
    out[14] = n_alike / n_textured
    out[15] = n_less / n_textured
    out[16] = n_more / n_textured
    out[17] = n_agreeing / n_textured
    found, _, distances = fit_moves(table)
    distances = in_order(distances)
    out[18] = middle_of(distances) if found else -1.0
    out[19] = distances[int(0.8 * (len(distances) - 1))] if found else -1.0
    _summarise_tones(table, contradicts, n_contradicting, n_textured, max(n_within, 1), out)
    return out


@njit(cache=True, nogil=True)
def _marked(values, marked, n):  # type: ignore[no-untyped-def]
    """Return the `n` values that are marked."""
    out, at = np.empty(n), 0
    for k in range(len(values)):
        if marked[k]:
            out[at] = values[k]
            at += 1
    return out


@njit(cache=True, nogil=True)
def _summarise_tones(table, contradicts, n_contradicting, n_textured, n_within, out):  # type: ignore[no-untyped-def]
    """Write the last measures of `summarise_cells`, those of tones."""
    side = table.shape[0]
    slope, shift, noise = _fit_tone(table, _seen_cells(table))
    contrast = max(abs(slope), 0.1)
    unit = max(contrast * 40.0, 8.0)
    misses, contrasts, at = np.empty(n_contradicting), np.empty(n_contradicting), 0
    n_same = n_broken = 0
    for k in range(side * side):
        cell = table[k // side, k % side]
        miss = abs(cell[QUERY_MEAN] - slope * cell[REFERENCE_MEAN] - shift) / unit
        n_broken += cell[AREA] >= LEAST_PART * CELL * CELL and miss > 1.0
        if contradicts[k]:
            stronger = np.log((cell[QUERY_DEVIATION] + 3.0) / (contrast * cell[REFERENCE_DEVIATION] + 3.0))
            misses[at], contrasts[at] = miss, stronger
            at += 1
            n_same += miss < _SAME_TONE and abs(stronger) < _SAME_TONE
    out[20] = noise
    out[21] = n_same / n_textured
    out[22] = np.log1p(n_same)
    out[23] = (n_contradicting - n_same) / n_textured
    out[24] = n_same / (n_contradicting + 2.0)
    out[25] = middle_of(in_order(misses)) if n_contradicting else 0.0
    out[26] = middle_of(in_order(contrasts)) if n_contradicting else 0.0
    out[27] = n_broken / n_within
    out[28] = np.log(contrast)
