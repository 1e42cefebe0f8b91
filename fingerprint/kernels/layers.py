"""Whether two aligned pictures agree in their dark and in their light layer, each by itself.

Text on a photograph, a frame on a wall, a grid on paper: of a template and its content, often one is darker than the
other all over the picture. What is strong in both pictures then hides that what is weak differs. So each cell is
divided at its mean, and the means of both parts are compared from cell to cell.
"""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.cells import CELL, LEAST_PART
from fingerprint.kernels.compiled import njit
from fingerprint.kernels.sorting import in_order
from fingerprint.types import F64, U8, Bool

_LAYER = (
    "",  # correlation of the steps from cell to cell, over the whole overlap
    "_quarter",  # the correlation that a quarter of the blocks do not reach
    "_half",
    "_steps",  # how much there is to compare in the reference: mean squared soft step
)
#: What `measure_layers` measures, in order.
LAYER_MEASURES = tuple(f"{layer}{name}" for layer in ("dark", "light") for name in _LAYER)

_SOFT = 2.0  # grey values; weaker steps count less
_BLOCK = 4  # cells each way of a block
_LEAST_STEPS = 0.02  # mean squared soft step from which a block is compared


@njit(cache=True, nogil=True)
def measure_layers(query: U8, reference: U8, shared: Bool) -> F64:
    """Compare the dark and the light layers of two aligned pictures.

    Parameters
    ----------
    query, reference : uint8 arrays, shape (n, n)
        n is a multiple of `CELL`.
    shared : bool array, shape (n, n)
        Which pixels both have.

    Returns
    -------
    float64 array, shape (len(LAYER_MEASURES),)
        Correlations from -1 to 1; 0 where there is nothing to compare.
    """
    side = len(query) // CELL
    usable = np.zeros((side, side), np.bool_)
    in_query, in_reference = _layers(query, shared, usable), _layers(reference, shared, usable)
    n = len(LAYER_MEASURES) // 2
    out = np.zeros(len(LAYER_MEASURES))
    for layer in range(2):
        _compare(in_query[layer], in_reference[layer], usable, out[layer * n : (layer + 1) * n])
    return out


@njit(cache=True, nogil=True)
def _layers(picture, shared, usable):  # type: ignore[no-untyped-def]
    """Return the mean of each cell's pixels below and above its mean, float64 (2, side, side); write what is usable."""
    side = len(usable)
    out = np.zeros((2, side, side))
    for row in range(side):
        for column in range(side):
            area, total = 0, 0.0
            for y in range(row * CELL, (row + 1) * CELL):
                for x in range(column * CELL, (column + 1) * CELL):
                    if shared[y, x]:
                        area += 1
                        total += picture[y, x]
            usable[row, column] = area >= LEAST_PART * CELL * CELL
            if not usable[row, column]:
                continue
            mean, n_below, below = total / area, 0, 0.0
            for y in range(row * CELL, (row + 1) * CELL):
                for x in range(column * CELL, (column + 1) * CELL):
                    if shared[y, x] and picture[y, x] < mean:
                        n_below += 1
                        below += picture[y, x]
            out[0, row, column] = below / n_below if n_below else mean
            out[1, row, column] = (total - below) / (area - n_below)
    return out


@njit(cache=True, nogil=True)
def _compare(q, r, usable, out):  # type: ignore[no-untyped-def]
    """Write the measures of one layer: of the soft steps between neighbouring cells, by blocks."""
    side = len(q)
    n_blocks = (side + _BLOCK - 1) // _BLOCK
    sums = np.zeros((n_blocks * n_blocks, 4))  # products, query, reference, steps
    for row in range(side):
        for column in range(side):
            block = sums[row // _BLOCK * n_blocks + column // _BLOCK]
            for down in range(2):
                y, x = row + down, column + 1 - down
                if y < side and x < side and usable[row, column] and usable[y, x]:
                    a, b = q[y, x] - q[row, column], r[y, x] - r[row, column]
                    a, b = a / (abs(a) + _SOFT), b / (abs(b) + _SOFT)
                    block[0] += a * b
                    block[1] += a * a
                    block[2] += b * b
                    block[3] += 1
    correlations, n, whole = np.empty(len(sums)), 0, np.zeros(4)
    for k in range(len(sums)):
        whole += sums[k]
        if min(sums[k, 1], sums[k, 2]) > _LEAST_STEPS * sums[k, 3]:
            correlations[n] = sums[k, 0] / np.sqrt(sums[k, 1] * sums[k, 2])
            n += 1
    if min(whole[1], whole[2]) > 0:
        out[0] = whole[0] / np.sqrt(whole[1] * whole[2])
    if n:
        ordered = in_order(correlations[:n])
        out[1], out[2] = ordered[n // 4], ordered[n // 2]
    if whole[3] > 0:
        out[3] = whole[2] / whole[3]
