"""Measuring where the overlap of two aligned pictures agrees and where it differs, from their table of cells.

Numba's cache does not see a change in another file: after a change in `fingerprint.kernels.cells`, remove the caches.
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
    N_COLUMNS,
    QUERY_DEVIATION,
    QUERY_ENERGY,
    QUERY_MEAN,
    REFERENCE_DEVIATION,
    REFERENCE_ENERGY,
    REFERENCE_MEAN,
    UNMOVED,
)
from fingerprint.kernels.compiled import njit
from fingerprint.types import F64, U8

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
_SAME_TONE = 0.5
_FLAT_GRADIENT = 1.0  # grey values per pixel
_LONGEST = 256  # grey values per pixel; no gradient is longer
_LENGTH_STEPS = 64  # in which gradients are counted, for each grey value per pixel


@njit(cache=True, nogil=True)
def _mean_energy(cells, column):  # type: ignore[no-untyped-def]
    """Return the mean squared gradient of each cell, 0 where too little of it is shared: shape (n,)."""
    area = cells[:, AREA]
    return np.where(area >= LEAST_PART * CELL * CELL, cells[:, column] / np.maximum(area, 1.0), 0.0)


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
    cells = table.reshape(side * side, N_COLUMNS)
    texture = np.minimum(_mean_energy(cells, REFERENCE_ENERGY), _mean_energy(cells, QUERY_ENERGY))
    seen = np.flatnonzero((texture > _TEXTURE) & (cells[:, BEST] > _SEEN))
    move = np.eye(3)
    if len(seen) < _LEAST_SEEN:
        return False, move, np.zeros(0)
    x = (seen % side + 0.5) * CELL - 0.5
    y = (seen // side + 0.5) * CELL - 0.5
    middle_x, middle_y, width = x.mean(), y.mean(), float(side * CELL)
    positions = np.ones((len(seen), 3))
    positions[:, 0] = (x - middle_x) / width
    positions[:, 1] = (y - middle_y) / width
    moved = np.stack((cells[seen, MOVED_X], cells[seen, MOVED_Y]), axis=1)
    weight, distances = np.ones(len(seen)), np.zeros(len(seen))
    solution = np.zeros((3, 2))
    ridge = np.diag(np.array([0.3, 0.3, 1e-3]))
    for _ in range(4):  # cells that moved otherwise count less each time
        weighted = positions * weight.reshape(-1, 1)
        solution = np.linalg.solve(positions.T @ weighted + ridge, weighted.T @ moved)
        miss = moved - positions @ solution
        distances = np.sqrt(miss[:, 0] ** 2 + miss[:, 1] ** 2)
        weight = 1 / (1 + (distances / 0.7) ** 2)
    for axis in range(2):
        move[axis, 0] += solution[0, axis] / width
        move[axis, 1] += solution[1, axis] / width
        move[axis, 2] = solution[2, axis] - (solution[0, axis] * middle_x + solution[1, axis] * middle_y) / width
    return True, move, distances


@njit(cache=True, nogil=True)
def likeness_of(table: F64, column: int, least: float) -> float:
    """Return how much two pictures agree over all cells, by texture, >= 0, to compare alignments.

    `column` is `UNMOVED` or `BEST`; only what a cell's correlation exceeds `least` by counts.
    """
    total = 0.0
    for row in table:
        for cell in row:
            total += max(cell[column] - least, 0.0) * np.sqrt(cell[REFERENCE_ENERGY] * cell[QUERY_ENERGY])
    return total


@njit(cache=True, nogil=True)
def _fit_tone(cells, seen):  # type: ignore[no-untyped-def]
    """Return slope, shift and noise of the linear change of tone from reference to query over the cells seen."""
    if len(seen) < 4:
        return 1.0, 0.0, 30.0
    q, r = cells[seen, QUERY_MEAN], cells[seen, REFERENCE_MEAN]
    weight, miss = np.ones(len(seen)), np.zeros(len(seen))
    slope, shift = 1.0, 0.0
    for _ in range(4):
        # weighted least squares, held a little to a slope of 1
        s, sr, srr = weight.sum() + 1e-3, (weight * r).sum(), (weight * r * r).sum() + 20.0
        sq, srq = (weight * q).sum(), (weight * r * q).sum() + 20.0
        determinant = s * srr - sr * sr
        slope, shift = (s * srq - sr * sq) / determinant, (srr * sq - sr * srq) / determinant
        miss = q - slope * r - shift
        weight = 1 / (1 + (miss / 12) ** 2)
    return slope, shift, np.median(np.abs(miss))


@njit(cache=True, nogil=True)
def _parts(marked, side):  # type: ignore[no-untyped-def]
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
def _weighted_quantiles(values, weights, levels):  # type: ignore[no-untyped-def]
    out = np.zeros(len(levels))
    if len(values) == 0:
        return out
    order = np.argsort(values)
    running = np.cumsum(weights[order])
    for i in range(len(levels)):
        out[i] = values[order[min(np.searchsorted(running, running[-1] * levels[i]), len(values) - 1)]]
    return out


@njit(cache=True, nogil=True)
def summarise_cells(table: F64) -> F64:
    """Return the `MEASURES` of a table of cells: float64 array, shape (len(MEASURES),), all finite.

    Parameters
    ----------
    table : float64 array, shape (side, side, N_COLUMNS)
        From `compare_cells`.
    """
    side = table.shape[0]
    cells = table.reshape(side * side, N_COLUMNS)
    scale = 64.0 / (side * side)  # cells -> 64ths of the reference
    within = cells[:, AREA] >= LEAST_PART * CELL * CELL
    n_within = max(int(within.sum()), 1)
    in_reference, in_query = _mean_energy(cells, REFERENCE_ENERGY), _mean_energy(cells, QUERY_ENERGY)
    both = np.minimum(in_reference, in_query) > _TEXTURE
    most = np.maximum(in_reference, in_query)
    textured = most > 2 * _TEXTURE
    n_textured = max(int(textured.sum()), 1)
    agreement = np.where(both, cells[:, BEST], 0.0)
    weight = np.sqrt(most) * textured
    total = max(weight.sum(), 1e-9)
    rows = np.flatnonzero(textured)
    levels = _weighted_quantiles(agreement[rows], weight[rows], np.array([0.1, 0.25, 0.5, 0.75, 0.9]))
    correlation = (agreement * weight).sum() / total
    unmoved = (np.where(both, cells[:, UNMOVED], 0.0) * weight).sum() / total

    contradicts = textured & (agreement < min(_CONTRADICTS, 0.6 * levels[3]))
    n_contradicting = int(contradicts.sum())
    ratio = np.log((in_query + 0.02) / (in_reference + 0.02))
    parts = _parts(contradicts, side)
    largest = parts.max() if len(parts) else 0
    agrees = textured & (agreement > _AGREES)

    found, _, distances = fit_moves(table)
    ordered = np.sort(distances)
    flow = np.median(distances) if found else -1.0
    flow_most = ordered[int(0.8 * (len(ordered) - 1))] if found else -1.0

    slope, shift, noise = _fit_tone(cells, np.flatnonzero(both & (cells[:, BEST] > _SEEN)))
    contrast = max(abs(slope), 0.1)
    miss = np.abs(cells[:, QUERY_MEAN] - slope * cells[:, REFERENCE_MEAN] - shift) / max(contrast * 40.0, 8.0)
    stronger = np.log((cells[:, QUERY_DEVIATION] + 3.0) / (contrast * cells[:, REFERENCE_DEVIATION] + 3.0))
    same_tone = contradicts & (miss < _SAME_TONE) & (np.abs(stronger) < _SAME_TONE)
    n_same_tone = int(same_tone.sum())
    broken = within & (miss > 1.0)
    bad = np.flatnonzero(contradicts)

    out = np.empty(len(MEASURES))
    out[0] = np.log1p(textured.sum() * scale)
    out[1] = correlation
    out[2] = correlation - unmoved
    out[3:8] = levels
    out[8] = levels[1] / max(levels[3], 0.2)
    out[9] = levels[0] / max(levels[3], 0.2)
    out[10] = n_contradicting / n_textured
    out[11] = largest / n_textured
    out[12] = np.log1p((parts >= 2).sum())
    out[13] = np.log1p(largest * scale)
    out[14] = (contradicts & (np.abs(ratio) < _ALIKE)).sum() / n_textured
    out[15] = (contradicts & (ratio <= -_ALIKE)).sum() / n_textured
    out[16] = (contradicts & (ratio >= _ALIKE)).sum() / n_textured
    out[17] = agrees.sum() / n_textured
    out[18] = flow
    out[19] = flow_most
    out[20] = noise
    out[21] = n_same_tone / n_textured
    out[22] = np.log1p(n_same_tone)
    out[23] = (n_contradicting - n_same_tone) / n_textured
    out[24] = n_same_tone / (n_contradicting + 2.0)
    out[25] = np.median(miss[bad]) if len(bad) else 0.0
    out[26] = np.median(stronger[bad]) if len(bad) else 0.0
    out[27] = broken.sum() / n_within
    out[28] = np.log(contrast)
    return out


@njit(cache=True, nogil=True)
def measure_drawn(picture: U8):  # type: ignore[no-untyped-def]
    """Measure how much a picture looks drawn: drawings have a ground of one tone, photographs have noise.

    Parameters
    ----------
    picture : uint8 array, shape (n, n), n >= 3

    Returns
    -------
    ground : float, [0, 1]
        Largest share of the pixels that five neighbouring grey values have.
    flat : float, [0, 1]
        Share of the pixels without a gradient, by a Scharr filter.
    gradient : float
        Median length of the gradients, in grey values per pixel, to a 64th.
    """
    n = picture.shape[0]
    tones, lengths = np.zeros(256, np.int64), np.zeros(_LONGEST * _LENGTH_STEPS, np.int64)
    for tone in picture.reshape(-1):
        tones[tone] += 1
    steps, share = np.empty(n, np.int32), np.float64(_LENGTH_STEPS / 32)
    for y in range(1, n - 1):
        rows = picture[y - 1 : y + 2].astype(np.int32)
        above, here, below = rows[0], rows[1], rows[2]
        for x in range(n - 2):
            left, right = 3 * (above[x] + below[x]), 3 * (above[x + 2] + below[x + 2])
            along = np.int32(right - left + 10 * (here[x + 2] - here[x]))
            lower, upper = below[x] + below[x + 2], above[x] + above[x + 2]
            across = np.int32(3 * (lower - upper) + 10 * (below[x + 1] - above[x + 1]))
            steps[x] = np.int32(np.sqrt(np.float64(np.int32(along * along + across * across))) * share)
        for x in range(n - 2):
            lengths[steps[x]] += 1
    most = 0
    for middle in range(256):
        most = max(most, tones[max(middle - 2, 0) : middle + 3].sum())
    flat = lengths[: int(_FLAT_GRADIENT * _LENGTH_STEPS)].sum()
    passed, median = 0, 0
    total = lengths.sum()
    while 2 * (passed + lengths[median]) < total:
        passed += lengths[median]
        median += 1
    return most / picture.size, flat / total, (median + 0.5) / _LENGTH_STEPS
