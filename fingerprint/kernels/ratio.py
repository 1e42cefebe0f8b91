"""Lowe's ratio test of the keypoints of one picture against those of many."""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.compiled import njit


@njit(cache=True, nogil=True)
def count_by_ratio(products, half_norms, squares, bounds, ratio, scores):  # type: ignore[no-untyped-def]
    """Add to the score of each reference its matches, and a part of less than 1 that says how clear they are.

    products : float32 (m, n), of the m descriptors of the query with the n of some references; half_norms : float32
    (n,), half the squared norms of these; squares : float32 (m,), squared norms of the query's; bounds : int64
    (r + 1,), where each reference begins; ratio : float32, squared; scores : float64 (r,).
    """
    m = products.shape[0]
    for r in range(len(scores)):
        start, stop = bounds[r], bounds[r + 1]
        if stop - start < 2:
            continue
        count, clear = 0, np.float64(0)
        for i in range(m):
            row = products[i]
            best = second = np.float32(np.inf)
            for j in range(start, stop):
                cost = half_norms[j] - row[j]
                if cost < second:
                    if cost < best:
                        second = best
                        best = cost
                    else:
                        second = cost
            near = max(np.float32(0), squares[i] + 2 * best)
            next_near = max(np.float32(0), squares[i] + 2 * second)
            if near < ratio * next_near:
                count += 1
                clear += 1 - near / (ratio * next_near)
        if count:
            scores[r] += count + 0.999 * clear / count
