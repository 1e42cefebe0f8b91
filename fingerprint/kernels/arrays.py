"""Arrays that grow while a kernel fills them.

Numba's cache does not see a change in another file: after a change here, remove the caches of the kernels.
"""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.compiled import njit


@njit(cache=True, nogil=True)
def longer(array, length):  # type: ignore[no-untyped-def]
    """Return an array of a length that begins with the rows of `array`, which is no longer; the others are not set.

    Row by row, as assigning whole arrays takes seconds to compile.
    """
    out = np.empty((length, *array.shape[1:]), array.dtype)
    for i in range(len(array)):
        out[i] = array[i]
    return out
