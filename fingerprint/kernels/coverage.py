"""Which pixels of a grid a warped picture covers."""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.compiled import njit
from fingerprint.types import F64, Bool


@njit(cache=True, nogil=True)
def covered_pixels(to_picture: F64, width: int, height: int, side: int, samples: int) -> Bool:
    """Mark the pixels of a square grid that a picture covers wholly.

    Parameters
    ----------
    to_picture : float64 array, shape (3, 3)
        Projective map from samples of the grid to pixels of the picture, pixel centres at integers; the third
        coordinate is positive on the picture's side of the horizon.
    width, height : int
        Of the picture, in pixels.
    side : int
        Pixels of the grid each way.
    samples : int
        Samples of a pixel each way.

    Returns
    -------
    bool array, shape (side, side)
        Whether all samples of a pixel lie in the picture, which reaches half a pixel beyond the centres of its pixels.
    """
    out = np.zeros((side, side), np.bool_)
    # The picture is where none of these is negative; beyond the horizon one of them is. Each is a * x + b in a row, so
    # the samples of a row that are inside are an interval.
    bounds = np.empty((4, 3))
    bounds[0] = to_picture[0] + 0.5 * to_picture[2]
    bounds[1] = (width - 0.5) * to_picture[2] - to_picture[0]
    bounds[2] = to_picture[1] + 0.5 * to_picture[2]
    bounds[3] = (height - 0.5) * to_picture[2] - to_picture[1]
    for row in range(side):
        first, last = -np.inf, np.inf
        for y in range(row * samples, (row + 1) * samples):
            for i in range(4):
                a, b = bounds[i, 0], bounds[i, 1] * y + bounds[i, 2]
                if a > 0:
                    first = max(first, -b / a)
                elif a < 0:
                    last = min(last, -b / a)
                elif b < 0:
                    last = -np.inf
        for column in range(side):
            out[row, column] = column * samples >= first and (column + 1) * samples - 1 <= last
    return out
