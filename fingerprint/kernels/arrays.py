"""Small things that kernels need of arrays; they are loops, as these compile in a tenth of the time of expressions.

Numba's cache does not see a change in another file: after a change here, remove the caches of the kernels.
"""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.compiled import njit
from fingerprint.types import F64, Bool


@njit(cache=True, nogil=True)
def longer(array, length):  # type: ignore[no-untyped-def]
    """Return an array of a length that begins with `array`, which is no longer: (n,); the other numbers are not set.

    One by one, as assigning whole arrays takes seconds to compile.
    """
    out = np.empty(length, array.dtype)
    for i in range(len(array)):
        out[i] = array[i]
    return out


@njit(cache=True, nogil=True)
def longer_table(table, length):  # type: ignore[no-untyped-def]
    """Do the same with the rows of a table: (n, m)."""
    out = np.empty((length, table.shape[1]), table.dtype)
    for i in range(table.shape[0]):
        for j in range(table.shape[1]):
            out[i, j] = table[i, j]
    return out


@njit(cache=True, nogil=True)
def count_marked(marked: Bool) -> int:
    """Return how many are marked: bool (n,)."""
    n = 0
    for i in range(len(marked)):
        n += marked[i]
    return n


@njit(cache=True, nogil=True)
def below(values: F64, limit: float) -> Bool:
    """Return which numbers are below a limit: float64 (n,), bool (n,)."""
    out = np.empty(len(values), np.bool_)
    for i in range(len(values)):
        out[i] = values[i] < limit
    return out


@njit(cache=True, nogil=True)
def copy(source, out):  # type: ignore[no-untyped-def]
    """Copy numbers: (n,) each."""
    for x in range(len(out)):
        out[x] = source[x]
