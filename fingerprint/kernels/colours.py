"""Whether two aligned pictures have the same colours in the same places.

Everything else in the second look compares grey values, in which a red and a green seal are the same. Colours are
compared coarsely: a filter moves all of them together, something laid over a copy changes few of them, and another
picture of the same template changes those of its content.
"""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.compiled import njit
from fingerprint.kernels.sorting import in_order
from fingerprint.types import F64, I8

#: Stands for a chroma that is not known.
UNKNOWN = -128
#: What `measure_colours` measures, in order. Chroma is a vector (Cb, Cr); lengths are logarithms of 1 + its length.
COLOUR_MEASURES = (
    "colour_cells",  # share of the reference's cells that the query covers; 0 if the reference's colours are not known
    "colour_of_query",  # mean length, over these cells
    "colour_of_reference",
    "colour_shift",  # length of the median difference
    "colour_half",  # distance from the median difference that half of the cells exceed
    "colour_tenth",  # that a tenth of the cells exceed
    "colour_changed",  # share of the cells whose distance exceeds `CHANGED`
    "colour_spread",  # root mean square of the reference's chroma about its mean
    "colour_correlation",  # of the chroma about its mean; near 0 if a picture has only one colour
)
CHANGED = 12.0
_SAMPLES = 4  # of the query in a cell, each way
_LEAST_SAMPLES = 8  # that a cell must have to count
_NOISE = 4.0  # squared chroma of a cell that is as good as none


@njit(cache=True, nogil=True, error_model="numpy")
def measure_colours(query: I8, reference: I8, to_query: F64, inverted: bool) -> F64:
    """Compare the colours of two aligned pictures.

    Parameters
    ----------
    query : int8 array, shape (m, m, 2)
        Cb and Cr less 128 of the whole query, squeezed into a square.
    reference : int8 array, shape (n, n, 2)
        Those of the reference, or `UNKNOWN`.
    to_query : float64 array, shape (3, 3)
        From the reference to the query, both as squares from (0, 0) to (1, 1); the third coordinate is positive on the
        query's side of the horizon.
    inverted : bool
        Whether the query is compared as a negative.

    Returns
    -------
    float64 array, shape (len(COLOUR_MEASURES),)
        All 0 if the reference's colours are not known or no cell counts.
    """
    out = np.zeros(len(COLOUR_MEASURES))
    n, m = len(reference), len(query)
    if reference[0, 0, 0] == UNKNOWN or query[0, 0, 0] == UNKNOWN:
        return out
    sign = -1.0 if inverted else 1.0
    of_query, of_reference = np.empty((2, n * n)), np.empty((2, n * n))
    n_cells = 0
    for row in range(n):
        for column in range(n):
            first, second, inside = 0, 0, 0
            for i in range(_SAMPLES):
                y = (row + (i + 0.5) / _SAMPLES) / n
                for j in range(_SAMPLES):
                    x = (column + (j + 0.5) / _SAMPLES) / n
                    w = to_query[2, 0] * x + to_query[2, 1] * y + to_query[2, 2]
                    u = (to_query[0, 0] * x + to_query[0, 1] * y + to_query[0, 2]) / w
                    v = (to_query[1, 0] * x + to_query[1, 1] * y + to_query[1, 2]) / w
                    if w > 0.0 and 0.0 <= u < 1.0 and 0.0 <= v < 1.0:
                        at_y, at_x = np.int64(v * m), np.int64(u * m)
                        first += query[at_y, at_x, 0]
                        second += query[at_y, at_x, 1]
                        inside += 1
            if inside >= _LEAST_SAMPLES:
                of_query[0, n_cells] = sign * first / inside
                of_query[1, n_cells] = sign * second / inside
                of_reference[0, n_cells] = reference[row, column, 0]
                of_reference[1, n_cells] = reference[row, column, 1]
                n_cells += 1
    if n_cells:
        _summarise(of_query[:, :n_cells], of_reference[:, :n_cells], n_cells / (n * n), out)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _summarise(query: F64, reference: F64, share: float, out: F64) -> None:
    """Write the measures of cells, chroma (2, k) of each picture."""
    k = query.shape[1]
    shift, centre = np.empty(2), np.empty((2, 2))
    for channel in range(2):
        shift[channel] = in_order(query[channel] - reference[channel])[k // 2]
        centre[0, channel], centre[1, channel] = query[channel].mean(), reference[channel].mean()
    distances = np.empty(k)
    product = first = second = n_changed = 0.0
    for i in range(k):
        distances[i] = np.hypot(query[0, i] - reference[0, i] - shift[0], query[1, i] - reference[1, i] - shift[1])
        n_changed += distances[i] > CHANGED
        out[1] += np.hypot(query[0, i], query[1, i]) / k
        out[2] += np.hypot(reference[0, i], reference[1, i]) / k
        for channel in range(2):
            a, b = query[channel, i] - centre[0, channel], reference[channel, i] - centre[1, channel]
            product += a * b
            first += a * a
            second += b * b
    ordered = in_order(distances)
    out[0] = share
    out[1], out[2] = np.log1p(out[1]), np.log1p(out[2])
    out[3] = np.log1p(np.hypot(shift[0], shift[1]))
    out[4], out[5] = np.log1p(ordered[k // 2]), np.log1p(ordered[k - 1 - k // 10])
    out[6] = n_changed / k
    out[7] = np.log1p(np.sqrt(second / k))
    out[8] = product / np.sqrt((first + _NOISE * k) * (second + _NOISE * k))
