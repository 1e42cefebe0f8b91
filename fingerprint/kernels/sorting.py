"""Sorting, for all kernels by the same few lines: Numba compiles its own sorts for seconds, and for each type again.

Numba's cache does not see a change in another file: after a change here, remove the caches of the kernels.
"""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.compiled import njit
from fingerprint.types import F64, I64

_RUN = 16  # keys that are sorted by insertion before runs are merged


@njit(cache=True, nogil=True)
def stable_order(keys: F64) -> I64:
    """Return the positions of numbers in ascending order, equal ones as they stand: float64 (n,), int64 (n,).

    By merging sorted runs, two at a time.
    """
    n = len(keys)
    order, merged = np.empty(n, np.int64), np.empty(n, np.int64)
    for i in range(n):
        at, key = i, keys[i]
        first = i - i % _RUN
        while at > first and keys[order[at - 1]] > key:
            order[at] = order[at - 1]
            at -= 1
        order[at] = i
    width = _RUN
    while width < n:
        for start in range(0, n, 2 * width):
            middle, end = min(start + width, n), min(start + 2 * width, n)
            left, right = start, middle
            for at in range(start, end):
                if left < middle and (right == end or keys[order[left]] <= keys[order[right]]):
                    merged[at] = order[left]
                    left += 1
                else:
                    merged[at] = order[right]
                    right += 1
        order, merged = merged, order
        width *= 2
    return order


@njit(cache=True, nogil=True)
def in_order(values: F64) -> F64:
    """Return numbers in ascending order: float64 (n,). The numbers themselves move, not their positions."""
    n = len(values)
    out, merged = np.empty(n), np.empty(n)
    for i in range(n):
        at, value = i, values[i]
        first = i - i % _RUN
        while at > first and out[at - 1] > value:
            out[at] = out[at - 1]
            at -= 1
        out[at] = value
    width = _RUN
    while width < n:
        for start in range(0, n, 2 * width):
            middle, end = min(start + width, n), min(start + 2 * width, n)
            left, right = start, middle
            for at in range(start, end):
                if left < middle and (right == end or out[left] <= out[right]):
                    merged[at] = out[left]
                    left += 1
                else:
                    merged[at] = out[right]
                    right += 1
        out, merged = merged, out
        width *= 2
    return out


@njit(cache=True, nogil=True)
def middle_of(ordered: F64) -> float:
    """Return the median of ascending numbers, at least one: float64 (n,)."""
    half = len(ordered) >> 1
    return float(ordered[half] if len(ordered) & 1 else (ordered[half - 1] + ordered[half]) / 2)
