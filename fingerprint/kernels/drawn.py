"""Measuring how much a picture looks drawn."""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.compiled import njit
from fingerprint.types import U8

_FLAT_GRADIENT = 1.0  # grey values per pixel
_LONGEST = 256  # grey values per pixel; no gradient is longer
_LENGTH_STEPS = 64  # in which gradients are counted, for each grey value per pixel


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
    for y in range(n):
        for x in range(n):
            tones[picture[y, x]] += 1
    steps, share = np.empty(n, np.int32), np.float64(_LENGTH_STEPS / 32)
    rows = np.empty((3, n), np.int32)
    above, here, below = rows[0], rows[1], rows[2]
    for y in range(1, n - 1):
        for x in range(n):
            above[x], here[x], below[x] = picture[y - 1, x], picture[y, x], picture[y + 1, x]
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
        near = 0
        for tone in range(max(middle - 2, 0), min(middle + 3, 256)):
            near += tones[tone]
        most = max(most, near)
    flat = total = 0
    for k in range(len(lengths)):
        total += lengths[k]
        if k < _FLAT_GRADIENT * _LENGTH_STEPS:
            flat += lengths[k]
    passed, median = 0, 0
    while 2 * (passed + lengths[median]) < total:
        passed += lengths[median]
        median += 1
    return most / (n * n), flat / total, (median + 0.5) / _LENGTH_STEPS
