"""Distances of compact descriptors, each in the same order of sums wherever it lies in an array."""

from __future__ import annotations

import numpy as np
from numba import njit

_LANES = 16


@njit(cache=True, nogil=True)
def squared_distances(vectors, one, out):  # type: ignore[no-untyped-def]
    """Write the squared Euclidean distances of vectors to one: float32 (n, d), float32 (d,), float32 (n,).

    BLAS would be no faster for a single vector, and its sums depend on where a row lies among the others.
    """
    n, d = vectors.shape
    whole = d - d % _LANES
    sums = np.empty(_LANES, np.float32)
    for i in range(n):
        sums[:] = 0
        for k in range(0, whole, _LANES):
            for lane in range(_LANES):
                apart = vectors[i, k + lane] - one[k + lane]
                sums[lane] += apart * apart
        total = np.float32(0)
        for lane in range(_LANES):
            total += sums[lane]
        for k in range(whole, d):
            apart = vectors[i, k] - one[k]
            total += apart * apart
        out[i] = total
