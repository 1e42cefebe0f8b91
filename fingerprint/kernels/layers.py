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
    bounds = np.empty(len(picture), np.int32)
    every, low = np.empty((2, len(picture)), np.int32), np.empty((2, len(picture)), np.int32)
    for row in range(side):
        bounds[:] = 256
        _count_below(picture, shared, row * CELL, bounds, every)
        for column in range(side):
            at = column * CELL
            usable[row, column] = every[0, at] >= LEAST_PART * CELL * CELL
            if usable[row, column]:
                out[:, row, column] = every[1, at] / every[0, at]
            bounds[at : at + CELL] = np.int32(np.ceil(out[0, row, column]))  # grey values are whole numbers
        _count_below(picture, shared, row * CELL, bounds, low)
        for column in range(side):
            at = column * CELL
            if usable[row, column] and low[0, at]:
                out[0, row, column] = low[1, at] / low[0, at]
                out[1, row, column] = (every[1, at] - low[1, at]) / (every[0, at] - low[0, at])
    return out


@njit(cache=True, nogil=True)
def _count_below(picture, shared, top, bounds, sums):  # type: ignore[no-untyped-def]
    """Write how many shared pixels of each cell of a row are below a bound, and their sum, in its first column.

    bounds : int32 (n,), for each column of pixels; sums : int32 (2, n), written.
    """
    sums[:] = 0
    number, total = sums[0], sums[1]
    for y in range(top, top + CELL):
        mask, line = shared[y], picture[y]
        for x in range(len(mask)):  # one sum a loop, so that both are vectorised
            number[x] += np.int32(mask[x] & (np.int32(line[x]) < bounds[x]))
        for x in range(len(mask)):
            total[x] += np.int32(mask[x] & (np.int32(line[x]) < bounds[x])) * np.int32(line[x])
    _add_in_cells(number)
    _add_in_cells(total)


@njit(cache=True, nogil=True)
def _add_in_cells(line):  # type: ignore[no-untyped-def]
    """Add up the columns of each cell into its first one."""
    for start in range(0, len(line), CELL):
        total = np.int32(0)
        for x in range(start, start + CELL):
            total += line[x]
        line[start] = total


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
