"""The colours of a picture on a coarse square grid, without its brightness: what the second look compares of them."""

from __future__ import annotations

import numpy as np

from fingerprint.features.thumbnail import shrink
from fingerprint.kernels.colours import UNKNOWN
from fingerprint.types import I8, U8

#: Cells each way of a reference's grid, and of a query's. A query may show a small part of its reference, or the
#: reference may be a small part of it.
REFERENCE_SIDE, QUERY_SIDE = 8, 64


def make_colour_grid(planes: U8, side: int) -> I8:
    """Return the mean chroma of the cells of a picture, squeezed into a square.

    Parameters
    ----------
    planes : uint8 array, shape (h, w, 3)
        Y, Cb, Cr of the whole picture, as `fingerprint.images.decode.read_planes` gives them; it may be reduced, as by
        `fingerprint.features.global_cues.make_cue_thumbnail`.
    side : int
        Cells each way.

    Returns
    -------
    int8 array, shape (side, side, 2)
        Cb and Cr less 128, -127 to 127; 0 for grey.

    Examples
    --------
    >>> red = np.full((30, 40, 3), (76, 84, 255), np.uint8)  # in Y, Cb, Cr
    >>> make_colour_grid(red, 1).tolist()
    [[[-44, 127]]]
    """
    chroma = shrink(np.ascontiguousarray(planes[..., 1:]), side, side)
    return np.maximum(chroma.astype(np.int16) - 128, -127).astype(np.int8)


def unknown_colours(n: int) -> I8:
    """Return the grids of `n` references whose colours are not known: int8 array, shape (n, 8, 8, 2)."""
    return np.full((n, REFERENCE_SIDE, REFERENCE_SIDE, 2), UNKNOWN, np.int8)


def enlarge_colour_grid(grid: I8) -> I8:
    """Return the grid of a reference as that of a query: int8 array, shape (64, 64, 2)."""
    times = QUERY_SIDE // REFERENCE_SIDE
    return grid.repeat(times, axis=0).repeat(times, axis=1)
