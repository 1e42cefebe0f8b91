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
_MOVES = 2 * REACH + 1  # each way
_N_MOVES = _MOVES * _MOVES  # by rows
_N_SUMS = 7  # that are kept of each column of pixels


@njit(cache=True, nogil=True, error_model="numpy")
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
    inner = _with_neighbours(shared)
    wide = n + 2 * REACH
    qx, qy = np.zeros((wide, wide), np.float32), np.zeros((wide, wide), np.float32)
    rx, ry = np.zeros((n, n), np.float32), np.zeros((n, n), np.float32)
    _soft_gradients(query, inner, np.int64(REACH), qx, qy)  # a constant would be a type of its own, compiled apart
    _soft_gradients(reference, inner, np.int64(0), rx, ry)
    energy, r_energy = _energies(qx, qy), _energies(rx, ry)
    side = n // CELL
    out = np.zeros((side, side, N_COLUMNS))
    sums = np.empty((_N_SUMS, n), np.float32)
    products, energies = np.empty((_N_MOVES, n), np.float32), np.empty((_N_MOVES, n), np.float32)
    for row in range(side):
        top, cells = row * CELL, out[row]
        _sum_columns(query, reference, inner, energy, r_energy, top, sums)
        _measure_cells(sums, cells)
        if _any_counts(cells):
            _sum_products(qx, qy, rx, ry, top, products)
            _sum_energies(inner, energy, top, energies)
            _move_cells(products, energies, cells)
    return out


@njit(cache=True, nogil=True)
def _with_neighbours(shared: Bool) -> F32:
    """Return 1 where a pixel and its eight neighbours are shared, and 0 elsewhere."""
    n = shared.shape[0]
    out = np.zeros((n, n), np.float32)
    columns = np.zeros(n, np.bool_)
    for y in range(1, n - 1):
        above, here, below, line = shared[y - 1], shared[y], shared[y + 1], out[y, 1:]
        for x in range(n):
            columns[x] = above[x] & here[x] & below[x]
        for x in range(n - 2):
            line[x] = np.float32(columns[x] & columns[x + 1] & columns[x + 2])
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _soft_gradients(grey: U8, inner: F32, margin: np.int64, out_x: F32, out_y: F32) -> None:
    """Write Scharr gradients whose length tends to 1 as they grow, into arrays with a margin on all sides."""
    n = grey.shape[0]
    across, middle = np.zeros(n, np.float32), np.zeros(n, np.float32)
    three, ten, share = np.float32(3), np.float32(10), np.float32(1 / 32)
    for y in range(1, n - 1):
        above, here, below, mask = grey[y - 1], grey[y], grey[y + 1], inner[y, 1:]
        right, down = out_x[y + margin, margin + 1 :], out_y[y + margin, margin + 1 :]
        for x in range(n):
            upper, lower = np.float32(above[x]), np.float32(below[x])
            middle[x] = three * (upper + lower) + ten * np.float32(here[x])
            across[x] = lower - upper
        for x in range(n - 2):
            along = (middle[x + 2] - middle[x]) * share
            below_above = (three * (across[x] + across[x + 2]) + ten * across[x + 1]) * share
            scale = mask[x] / (np.sqrt(along * along + below_above * below_above) + _SOFT)
            right[x] = along * scale
            down[x] = below_above * scale


@njit(cache=True, nogil=True)
def _energies(x: F32, y: F32) -> F32:
    """Return the squared lengths of gradients."""
    out = np.empty(x.shape, np.float32)
    for i in range(len(out)):
        line, along, down = out[i], x[i], y[i]
        for j in range(len(line)):
            line[j] = along[j] * along[j] + down[j] * down[j]
    return out


@njit(cache=True, nogil=True)
def _any_counts(cells: F64) -> bool:
    """Return whether both pictures share enough of any cell of a row."""
    n = 0
    for column in range(len(cells)):
        n += cells[column, AREA] >= LEAST_PART * CELL * CELL
    return n > 0


@njit(cache=True, nogil=True)
def _sum_columns(query, reference, inner, q_energy, r_energy, top, sums):  # type: ignore[no-untyped-def]
    """Write sums over the pixels of each column of a row of cells: area, energies, grey values and their squares.

    All but the energies are whole numbers that float32 holds exactly. (One sum a loop, all eight rows at once: the
    compiler vectorises no loop that may write to more than a few of the arrays it reads.)
    """
    _sum_rows(inner, top, sums[0])
    _sum_rows(r_energy, top, sums[1])
    _sum_rows(q_energy[:, REACH:], top + REACH, sums[2])
    _sum_greys(query, inner, top, sums[3], sums[4])
    _sum_greys(reference, inner, top, sums[5], sums[6])


@njit(cache=True, nogil=True)
def _sum_rows(values, top, out):  # type: ignore[no-untyped-def]
    """Write the sums over a row of cells of each column of an array."""
    a, b, c, d = values[top], values[top + 1], values[top + 2], values[top + 3]
    e, f, g, h = values[top + 4], values[top + 5], values[top + 6], values[top + 7]
    for x in range(len(out)):
        out[x] = a[x] + b[x] + c[x] + d[x] + e[x] + f[x] + g[x] + h[x]


@njit(cache=True, nogil=True)
def _sum_greys(grey, mask, top, total, square):  # type: ignore[no-untyped-def]
    """Write the sums of grey values over a row of cells, and of their squares."""
    total[:] = 0
    square[:] = 0
    for y in range(top, top + CELL, 4):
        a, b, c, d = grey[y], grey[y + 1], grey[y + 2], grey[y + 3]
        i, j, k, m = mask[y], mask[y + 1], mask[y + 2], mask[y + 3]
        for x in range(len(total)):
            upper, lower = a[x] * i[x] + b[x] * j[x], c[x] * k[x] + d[x] * m[x]
            total[x] += upper + lower
        for x in range(len(total)):
            upper = a[x] * i[x] * a[x] + b[x] * j[x] * b[x]
            square[x] += upper + (c[x] * k[x] * c[x] + d[x] * m[x] * d[x])


@njit(cache=True, nogil=True)
def _add_in_cells(line: F32) -> None:
    """Add up the columns of each cell, by halves, into its first one."""
    n = len(line)
    for x in range(n - 1):
        line[x] += line[x + 1]
    for x in range(n - 3):
        line[x] += line[x + 2]
    for x in range(n - 7):
        line[x] += line[x + 4]


@njit(cache=True, nogil=True, error_model="numpy")
def _measure_cells(sums, cells):  # type: ignore[no-untyped-def]
    """Write area, energies, means and deviations of a row of cells, from the sums of its columns."""
    for i in range(len(sums)):
        _add_in_cells(sums[i])
    for column in range(len(cells)):
        x, cell = column * CELL, cells[column]
        area = np.float64(sums[0, x])  # float64, as squares of means are subtracted
        cell[AREA], cell[REFERENCE_ENERGY], cell[QUERY_ENERGY] = area, sums[1, x], sums[2, x]
        if area:
            q_mean, r_mean = sums[3, x] / area, sums[5, x] / area
            cell[QUERY_MEAN], cell[REFERENCE_MEAN] = q_mean, r_mean
            cell[QUERY_DEVIATION] = np.sqrt(max(sums[4, x] / area - q_mean * q_mean, 0.0))
            cell[REFERENCE_DEVIATION] = np.sqrt(max(sums[6, x] / area - r_mean * r_mean, 0.0))


@njit(cache=True, nogil=True)
def _sum_products(qx, qy, rx, ry, top, products):  # type: ignore[no-untyped-def]
    """Write the products of both gradients for each move: over the pixels of each cell, in its first column."""
    n = rx.shape[0]
    for move in range(_N_MOVES):
        j, i = move // _MOVES, move % _MOVES
        line = products[move]
        line[:] = 0
        for y in range(top, top + CELL, 4):  # four rows at a time: the sums are read and written less often
            a, a1, a2, a3 = qx[y + j, i:], qx[y + j + 1, i:], qx[y + j + 2, i:], qx[y + j + 3, i:]
            b, b1, b2, b3 = qy[y + j, i:], qy[y + j + 1, i:], qy[y + j + 2, i:], qy[y + j + 3, i:]
            c, c1, c2, c3 = rx[y], rx[y + 1], rx[y + 2], rx[y + 3]
            d, d1, d2, d3 = ry[y], ry[y + 1], ry[y + 2], ry[y + 3]
            for x in range(n):
                upper = (a[x] * c[x] + b[x] * d[x]) + (a1[x] * c1[x] + b1[x] * d1[x])
                lower = (a2[x] * c2[x] + b2[x] * d2[x]) + (a3[x] * c3[x] + b3[x] * d3[x])
                line[x] += upper + lower
        _add_in_cells(line)


@njit(cache=True, nogil=True)
def _any_marked(mask):  # type: ignore[no-untyped-def]
    """Return whether any entry of a mask of 0 and 1 is 1."""
    total = np.float32(0)
    for x in range(len(mask)):
        total = max(total, mask[x])
    return total > 0


@njit(cache=True, nogil=True)
def _ragged(compared, n_rows):  # type: ignore[no-untyped-def]
    """Return the columns of which some, but not all, rows are compared: int64 (k,)."""
    out, n = np.empty(len(compared), np.int64), 0
    for x in range(len(compared)):
        if compared[x] > 0 and compared[x] < n_rows:
            out[n] = x
            n += 1
    return out[:n]


@njit(cache=True, nogil=True)
def _sum_energies(inner, energy, top, energies):  # type: ignore[no-untyped-def]
    """Write the query's energy for each move: over the pixels of each cell that are compared, in its first column."""
    n = inner.shape[0]
    n_rows = np.float32(0)  # that have pixels to compare
    compared = np.zeros(n, np.float32)  # pixels in each column
    columns = np.zeros((_MOVES, energy.shape[1]), np.float32)
    for y in range(top, top + CELL):
        mask = inner[y]
        if _any_marked(mask):
            n_rows += np.float32(1)
            for x in range(n):
                compared[x] += mask[x]
            for j in range(_MOVES):
                line, moved = columns[j], energy[y + j]
                for x in range(len(line)):
                    line[x] += moved[x]
    ragged = _ragged(compared, n_rows)
    for move in range(_N_MOVES):
        j, i = move // _MOVES, move % _MOVES
        line, moved = energies[move], columns[j, i:]
        for x in range(n):
            line[x] = moved[x] if compared[x] > 0 else np.float32(0)
        for k in range(len(ragged)):  # those that are compared in some of these rows only
            column = ragged[k]
            line[column] = 0
            for y in range(top, top + CELL):
                line[column] += energy[y + j, column + i] * inner[y, column]
        _add_in_cells(line)


@njit(cache=True, nogil=True, error_model="numpy")
def _move_cells(products, energies, cells):  # type: ignore[no-untyped-def]
    """Write the correlations of the cells' gradients without a move and with the best one, and that move."""
    side = len(cells)
    reference, least = np.empty(side, np.float32), np.empty(side, np.float32)
    correlations = np.empty((_N_MOVES, side), np.float32)
    best, best_move = np.empty(side, np.float32), np.empty(side, np.int32)
    for k in range(side):
        reference[k], least[k] = cells[k, REFERENCE_ENERGY], cells[k, QUERY_ENERGY] / 4
        best[k], best_move[k] = -2, 0
    for move in range(_N_MOVES):
        product, energy, line = products[move], energies[move], correlations[move]
        for k in range(side):
            line[k] = product[k * CELL] / np.sqrt(reference[k] * max(energy[k * CELL], least[k]))
        for k in range(side):
            best_move[k] = move if line[k] > best[k] else best_move[k]
            best[k] = line[k] if line[k] > best[k] else best[k]
    for k in range(side):
        cell = cells[k]
        if cell[AREA] < LEAST_PART * CELL * CELL or min(cell[REFERENCE_ENERGY], cell[QUERY_ENERGY]) <= 1e-3:
            continue
        at = best_move[k]
        j, i = at // _MOVES, at % _MOVES
        cell[UNMOVED], cell[BEST] = correlations[_N_MOVES // 2, k], best[k]
        cell[MOVED_X], cell[MOVED_Y] = i - REACH, j - REACH
        if 0 < i < _MOVES - 1:
            cell[MOVED_X] += _vertex(correlations[at - 1, k], best[k], correlations[at + 1, k])
        if 0 < j < _MOVES - 1:
            cell[MOVED_Y] += _vertex(correlations[at - _MOVES, k], best[k], correlations[at + _MOVES, k])


@njit(cache=True, nogil=True, error_model="numpy")
def _vertex(before: float, here: float, after: float) -> float:
    """Return where between its neighbours, -0.5 to 0.5, a parabola through three values is highest."""
    curve = before - 2 * here + after
    return 0.5 * (before - after) / curve if curve < -1e-6 else 0.0
