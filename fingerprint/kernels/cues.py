"""Sums over cells of whole-image cues, in a fixed order."""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.compiled import njit


@njit(cache=True, nogil=True)
def pool_magnitudes(responses, weights, out):  # type: ignore[no-untyped-def]
    """Write weighted sums of magnitudes: out[a, b, f] = sum_yx weights[a, y] weights[b, x] |responses[f, y, x]|.

    responses : float32 (f, n, n); weights : float32 (c, n); out : float32 (c, c, f).
    """
    n_filters, n, _ = responses.shape
    n_cells = weights.shape[0]
    row = np.empty(n, np.float32)
    for f in range(n_filters):
        for a in range(n_cells):
            row[:] = 0
            for y in range(n):
                weight = weights[a, y]
                if weight > 0:
                    for x in range(n):
                        row[x] += weight * abs(responses[f, y, x])
            for b in range(n_cells):
                total = np.float32(0)
                for x in range(n):
                    total += weights[b, x] * row[x]
                out[a, b, f] = total


@njit(cache=True, nogil=True)
def count_colours(lab, out):  # type: ignore[no-untyped-def]
    """Count colours in 4 x 4 cells: 4 steps of lightness, 8 of each opponent colour around grey.

    lab : uint8 (n, n, 3), CIE L*a*b* as OpenCV gives it in 8 bits, n divisible by 4; out : int64 (4, 4, 4, 8, 8), added
    to.
    """
    n = lab.shape[0]
    size = n // 4
    for y in range(n):
        for x in range(n):
            a = min(max((np.int64(lab[y, x, 1]) - 64) // 16, 0), 7)
            b = min(max((np.int64(lab[y, x, 2]) - 64) // 16, 0), 7)
            out[y // size, x // size, np.int64(lab[y, x, 0]) // 64, a, b] += 1
