"""Whether two aligned pictures have lines in the same directions, whichever side of a line is the brighter one.

Solarised pictures, edge filters and reliefs keep where lines run, and lose which side is bright. So directions are
compared with twice their angle, as orientations are averaged (Bigün and Granlund, *Optimal orientation detection of
linear symmetry*, ICCV 1987).
"""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.cells import CELL, LEAST_PART
from fingerprint.kernels.compiled import njit
from fingerprint.kernels.sorting import in_order
from fingerprint.types import F64, U8, Bool

#: What `measure_axial` measures, in order. A cell counts if it has lines in both pictures.
AXIAL_MEASURES = (
    "axial",  # correlation of the doubled directions, over all cells together
    "axial_quarter",  # the correlation that a quarter of the cells do not reach
    "axial_half",
    "axial_agreeing",  # share of the cells with a correlation above `AGREES`
)
AGREES = 0.5
_SOFT = 2.0  # grey values per pixel; weaker gradients count less
_TEXTURE = 0.03  # mean length of the soft gradients, squared, from which a cell has lines


@njit(cache=True, nogil=True)
def _doubled(picture: U8, y: int, x: int):  # type: ignore[no-untyped-def]
    """Return the gradient at a pixel with its angle doubled; its length tends to 1 as the gradient grows."""
    dx = (np.float64(picture[y, x + 1]) - np.float64(picture[y, x - 1])) / 2
    dy = (np.float64(picture[y + 1, x]) - np.float64(picture[y - 1, x])) / 2
    squared = dx * dx + dy * dy
    scale = 1.0 / (squared + _SOFT * _SOFT)
    return (dx * dx - dy * dy) * scale, 2 * dx * dy * scale


@njit(cache=True, nogil=True)
def measure_axial(query: U8, reference: U8, shared: Bool) -> F64:
    """Compare the directions of lines in two aligned pictures.

    Parameters
    ----------
    query, reference : uint8 arrays, shape (n, n)
        n is a multiple of `CELL`.
    shared : bool array, shape (n, n)
        Which pixels both have.

    Returns
    -------
    float64 array, shape (len(AXIAL_MEASURES),)
        Correlations from -1 to 1; all 0 if no cell counts.
    """
    n = len(query)
    side = n // CELL
    correlations, n_cells = np.empty(side * side), 0
    products = of_query = of_reference = 0.0
    out = np.zeros(len(AXIAL_MEASURES))
    for row in range(side):
        for column in range(side):
            product, first, second, area = 0.0, 0.0, 0.0, 0
            for y in range(max(1, row * CELL), min(n - 1, (row + 1) * CELL)):
                for x in range(max(1, column * CELL), min(n - 1, (column + 1) * CELL)):
                    if shared[y, x] and shared[y - 1, x] and shared[y + 1, x] and shared[y, x - 1] and shared[y, x + 1]:
                        qa, qb = _doubled(query, y, x)
                        ra, rb = _doubled(reference, y, x)
                        product += qa * ra + qb * rb
                        first += qa * qa + qb * qb
                        second += ra * ra + rb * rb
                        area += 1
            if area < LEAST_PART * CELL * CELL or min(first, second) <= _TEXTURE * area:
                continue
            products += product
            of_query += first
            of_reference += second
            correlations[n_cells] = product / np.sqrt(first * second)
            n_cells += 1
    if n_cells:
        ordered = in_order(correlations[:n_cells])
        out[0] = products / np.sqrt(of_query * of_reference)
        out[1] = ordered[n_cells // 4]
        out[2] = ordered[n_cells // 2]
        for k in range(n_cells):
            out[3] += (ordered[k] > AGREES) / n_cells
    return out
