"""Products of matrices with few columns, summed in a fixed order: the same bytes on every machine, unlike BLAS.

Numba's cache does not see a change in another file: after a change here, remove the caches of the kernels.
"""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.compiled import njit

#: Rows that callers multiply together: they and eight rows of the other matrix fit in the L1 cache.
TOGETHER = 16


@njit(cache=True, nogil=True)
def add_products(a, b, out):  # type: ignore[no-untyped-def]
    """Add to each row of `out` the rows of `b`, each times a number of that row of `a`, one after the other.

    Eight at a time, so that `out` is read and written an eighth as often.

    a : float32 (n, m); b : float32 (m, p); out : float32 (n, p).
    """
    m, p = b.shape
    whole = m - m % 8
    for k in range(0, whole, 8):
        b0, b1, b2, b3, b4, b5, b6, b7 = b[k], b[k + 1], b[k + 2], b[k + 3], b[k + 4], b[k + 5], b[k + 6], b[k + 7]
        for i in range(len(a)):
            x, row = a[i, k : k + 8], out[i]
            x0, x1, x2, x3, x4, x5, x6, x7 = x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]
            for c in range(p):
                half = row[c] + x0 * b0[c] + x1 * b1[c] + x2 * b2[c] + x3 * b3[c]
                row[c] = half + x4 * b4[c] + x5 * b5[c] + x6 * b6[c] + x7 * b7[c]
    for k in range(whole, m):
        for i in range(len(a)):
            for c in range(p):
                out[i, c] += a[i, k] * b[k, c]


@njit(cache=True, nogil=True)
def project_rows(descriptors, mean, basis, out):  # type: ignore[no-untyped-def]
    """Write out = (descriptors - mean) @ basis.

    descriptors : uint8 (n, m); mean : float32 (m,); basis : float32 (m, p); out : float32 (n, p).
    """
    n, m = descriptors.shape
    centred = np.empty((TOGETHER, m), np.float32)
    out[:] = 0
    for start in range(0, n, TOGETHER):
        stop = min(start + TOGETHER, n)
        for i in range(start, stop):
            line, own = centred[i - start], descriptors[i]
            for k in range(m):
                line[k] = np.float32(own[k]) - mean[k]
        add_products(centred[: stop - start], basis, out[start:stop])
