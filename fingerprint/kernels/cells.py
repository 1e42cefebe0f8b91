"""Comparing two aligned pictures cell by cell.

Both pictures are squares of grey values on one grid. A cell is a square of `CELL` pixels. Gradients are compared by
direction, and strong ones hardly weigh more than weak ones: a copy may be darker, faded or sharpened.
"""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.compiled import njit
from fingerprint.types import F32, F64, U8, Bool

#: Side of a cell in pixels.
CELL = 8
#: Columns of the table of cells.
(
    AREA,  # pixels that both pictures have
    REFERENCE_ENERGY,  # sum of the squared lengths of the soft gradients
    QUERY_ENERGY,
    UNMOVED,  # correlation of the gradients
    BEST,  # the same where it is highest, the query moved by at most REACH pixels each way
    MOVED_X,  # that move, in pixels
    MOVED_Y,
    QUERY_MEAN,  # grey values
    REFERENCE_MEAN,
    QUERY_DEVIATION,
    REFERENCE_DEVIATION,
) = range(11)
N_COLUMNS = 11
#: Largest move of a cell, in pixels.
REACH = 2
#: Smallest part of a cell's area that both pictures must have; cells of which less is shared do not count.
LEAST_PART = 0.3

_SOFT = np.float32(2.0)  # grey values per pixel; weaker gradients count less


@njit(cache=True, nogil=True)
def _soft_gradients(grey: U8, inner: F32, margin: int, out_x: F32, out_y: F32) -> None:
    """Write Scharr gradients whose length tends to 1 as they grow, into arrays with a margin on all sides."""
    n = grey.shape[0]
    across, middle = np.zeros(n, np.float32), np.zeros(n, np.float32)
    for y in range(1, n - 1):
        above, here, below = grey[y - 1].astype(np.float32), grey[y].astype(np.float32), grey[y + 1].astype(np.float32)
        right, down = out_x[y + margin, margin : margin + n], out_y[y + margin, margin : margin + n]
        mask = inner[y]
        for x in range(n):
            middle[x] = 3 * (above[x] + below[x]) + 10 * here[x]
            across[x] = below[x] - above[x]
        for x in range(1, n - 1):
            right[x] = (middle[x + 1] - middle[x - 1]) / np.float32(32)
            down[x] = (3 * (across[x - 1] + across[x + 1]) + 10 * across[x]) / np.float32(32)
        for x in range(1, n - 1):
            scale = mask[x] / (np.sqrt(right[x] * right[x] + down[x] * down[x]) + _SOFT)
            right[x] *= scale
            down[x] *= scale


@njit(cache=True, nogil=True)
def compare_cells(query: U8, reference: U8, shared: Bool) -> F64:
    """Compare two aligned pictures cell by cell.

    Parameters
    ----------
    query, reference : uint8 arrays, shape (n, n)
        n is a multiple of `CELL`.
    shared : bool array, shape (n, n)
        Which pixels both have; gradients are compared where all neighbours are shared as well.

    Returns
    -------
    float64 array, shape (n / CELL, n / CELL, N_COLUMNS)
    """
    n = query.shape[0]
    inner = np.zeros((n, n), np.float32)
    for y in range(1, n - 1):
        for x in range(1, n - 1):
            above = shared[y - 1, x - 1] & shared[y - 1, x] & shared[y - 1, x + 1]
            below = shared[y + 1, x - 1] & shared[y + 1, x] & shared[y + 1, x + 1]
            inner[y, x] = np.float32(above & below & shared[y, x - 1] & shared[y, x] & shared[y, x + 1])
    wide = n + 2 * REACH
    qx, qy = np.zeros((wide, wide), np.float32), np.zeros((wide, wide), np.float32)
    rx, ry = np.zeros((n, n), np.float32), np.zeros((n, n), np.float32)
    _soft_gradients(query, inner, REACH, qx, qy)
    _soft_gradients(reference, inner, 0, rx, ry)
    side = n // CELL
    out = np.zeros((side, side, N_COLUMNS))
    energy = qx * qx + qy * qy
    products = np.empty((2 * REACH + 1, 2 * REACH + 1, n), np.float32)
    energies = np.empty((2 * REACH + 1, 2 * REACH + 1, n), np.float32)
    for row in range(side):
        _move_row(inner, qx, qy, energy, rx, ry, row * CELL, products, energies)
        for column in range(side):
            cell, left = out[row, column], column * CELL
            _measure_cell(query, reference, inner, qx, qy, rx, ry, row * CELL, left, cell)
            if cell[AREA] >= LEAST_PART * CELL * CELL and min(cell[REFERENCE_ENERGY], cell[QUERY_ENERGY]) > 1e-3:
                _move_cell(products[:, :, left : left + CELL], energies[:, :, left : left + CELL], cell)
    return out


@njit(cache=True, nogil=True)
def _move_row(inner, qx, qy, energy, rx, ry, top, products, energies):  # type: ignore[no-untyped-def]
    """Write sums over the pixels of each column of a row of cells, for each move: products, and the query's energy."""
    n = inner.shape[0]
    for j in range(2 * REACH + 1):
        for i in range(2 * REACH + 1):
            product, summed = products[j, i], energies[j, i]
            product[:] = 0
            summed[:] = 0
            for y in range(top, top + CELL):
                along, down, moved = qx[y + j, i : i + n], qy[y + j, i : i + n], energy[y + j, i : i + n]
                right, below, mask = rx[y], ry[y], inner[y]
                for x in range(n):
                    product[x] += along[x] * right[x] + down[x] * below[x]
                    summed[x] += moved[x] * mask[x]


@njit(cache=True, nogil=True)
def _measure_cell(query, reference, inner, qx, qy, rx, ry, top, left, cell):  # type: ignore[no-untyped-def]
    """Write area, energies, means and deviations of a cell."""
    area = 0
    r_energy = q_energy = q_sum = r_sum = q_square = r_square = 0.0
    for y in range(top, top + CELL):
        for x in range(left, left + CELL):
            if inner[y, x]:
                area += 1
                a, b = qx[y + REACH, x + REACH], qy[y + REACH, x + REACH]
                r_energy += rx[y, x] * rx[y, x] + ry[y, x] * ry[y, x]
                q_energy += a * a + b * b
                q, r = float(query[y, x]), float(reference[y, x])
                q_sum += q
                r_sum += r
                q_square += q * q
                r_square += r * r
    cell[AREA], cell[REFERENCE_ENERGY], cell[QUERY_ENERGY] = area, r_energy, q_energy
    if area:
        cell[QUERY_MEAN], cell[REFERENCE_MEAN] = q_sum / area, r_sum / area
        cell[QUERY_DEVIATION] = np.sqrt(max(q_square / area - (q_sum / area) ** 2, 0.0))
        cell[REFERENCE_DEVIATION] = np.sqrt(max(r_square / area - (r_sum / area) ** 2, 0.0))


@njit(cache=True, nogil=True)
def _move_cell(products, energies, cell):  # type: ignore[no-untyped-def]
    """Write the correlation of a cell's gradients without a move and with the best one, and that move."""
    moves = np.empty((2 * REACH + 1, 2 * REACH + 1))
    best, best_i, best_j = -2.0, REACH, REACH
    for j in range(2 * REACH + 1):
        for i in range(2 * REACH + 1):
            product, energy = 0.0, 0.0
            for x in range(CELL):
                product += products[j, i, x]
                energy += energies[j, i, x]
            value = product / np.sqrt(cell[REFERENCE_ENERGY] * max(energy, 0.25 * cell[QUERY_ENERGY]))
            moves[j, i] = value
            if value > best:
                best, best_i, best_j = value, i, j
    cell[UNMOVED], cell[BEST] = moves[REACH, REACH], best
    cell[MOVED_X] = best_i - REACH
    cell[MOVED_Y] = best_j - REACH
    if 0 < best_i < 2 * REACH:
        cell[MOVED_X] += _vertex(moves[best_j, best_i - 1], best, moves[best_j, best_i + 1])
    if 0 < best_j < 2 * REACH:
        cell[MOVED_Y] += _vertex(moves[best_j - 1, best_i], best, moves[best_j + 1, best_i])


@njit(cache=True, nogil=True)
def _vertex(before: float, here: float, after: float) -> float:
    """Return where between its neighbours, -0.5 to 0.5, a parabola through three values is highest."""
    curve = before - 2 * here + after
    return 0.5 * (before - after) / curve if curve < -1e-6 else 0.0
