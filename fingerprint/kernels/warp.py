"""Warping a picture onto a square grid: the map, which pixels of the grid the picture covers, and their grey values."""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.compiled import njit
from fingerprint.types import F64, I64, U8, U32

#: Samples of a pixel of the grid each way. Pixels are oblong in the picture, so they are averages of isotropic samples.
SAMPLES = 2

_LEAST_SCALE = 1e-4  # the scale of a plausible transform is between this and its inverse
_BYTE = np.uint32(255)
_SECOND, _THIRD, _FOURTH = np.uint32(8), np.uint32(16), np.uint32(24)  # bits below a byte


@njit(cache=True, nogil=True, error_model="numpy")
def map_grid(transform, query_width, query_height, reference_width, reference_height, side, move):  # type: ignore[no-untyped-def]
    """Return the map from samples of a square grid over a reference to pixels of a query, if the transform has one.

    Parameters
    ----------
    transform : float64 array, shape (3, 3)
        From pixels of the query to pixels of the reference, pixel centres at integers, up to a factor.
    query_width, query_height, reference_width, reference_height : int
        Of the original pictures, in pixels.
    side : int
        Pixels of the grid each way; it has ``SAMPLES * side`` samples each way.
    move : float64 array, shape (3, 3)
        A correction: from pixels of the grid to the pixels of the grid where the query shows the same.

    Returns
    -------
    usable : bool
        Whether the transform can be inverted and its scale is plausible.
    to_query : float64 array, shape (3, 3)
        The map; its third coordinate is positive on the query's side of the horizon.
    scale : float
        Pixels of the query for one sample, at the middle of the query.
    """
    n = side * SAMPLES
    forward, to_query = np.empty((3, 3)), np.zeros((3, 3))
    x, y = n / reference_width, n / reference_height
    for i in range(3):
        forward[0, i] = x * transform[0, i] + (x / 2 - 0.5) * transform[2, i]
        forward[1, i] = y * transform[1, i] + (y / 2 - 0.5) * transform[2, i]
        forward[2, i] = transform[2, i]
    middle = forward[2, 0] * (query_width - 1) / 2 + forward[2, 1] * (query_height - 1) / 2 + forward[2, 2]
    for i in range(3):
        for j in range(3):
            forward[i, j] /= middle
    # A projective map scales areas by det / w^3, and w is now 1 at the middle of the query.
    inverse, determinant = invert(forward)
    scale = np.sqrt(abs(determinant))
    finite = True
    for i in range(3):
        for j in range(3):
            finite = finite and np.isfinite(inverse[i, j])
    if not (_LEAST_SCALE < scale < 1 / _LEAST_SCALE and finite):
        return False, to_query, 0.0
    # Samples to pixels of the grid, which move, and back to samples.
    half = (SAMPLES - 1) / 2
    moved = np.empty((3, 3))
    for i in range(3):
        a, b, c = move[i, 0] / SAMPLES, move[i, 1] / SAMPLES, move[i, 2]
        moved[i, 0], moved[i, 1], moved[i, 2] = a, b, c - half * (a + b)
    for i in range(2):
        for j in range(3):
            moved[i, j] = SAMPLES * moved[i, j] + half * moved[2, j]
    return True, multiply(inverse, moved), 1 / scale


@njit(cache=True, nogil=True)
def multiply(a: F64, b: F64) -> F64:
    """Return the product of two 3 x 3 matrices."""
    out = np.zeros((3, 3))
    for i in range(3):
        for k in range(3):
            for j in range(3):
                out[i, j] += a[i, k] * b[k, j]
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def invert(m: F64):  # type: ignore[no-untyped-def]
    """Return the inverse of a 3 x 3 matrix, not finite if it is singular, and the determinant."""
    out = np.empty((3, 3))
    for i in range(3):
        p, q = (i + 1) % 3, (i + 2) % 3
        for j in range(3):
            r, s = (j + 1) % 3, (j + 2) % 3
            out[j, i] = m[p, r] * m[q, s] - m[p, s] * m[q, r]
    determinant = m[0, 0] * out[0, 0] + m[0, 1] * out[1, 0] + m[0, 2] * out[2, 0]
    for i in range(3):
        for j in range(3):
            out[i, j] /= determinant
    return out, determinant


@njit(cache=True, nogil=True)
def covered_columns(to_picture: F64, width: int, height: int, side: int, samples: int) -> I64:
    """Return which pixels of each row of a square grid a picture covers wholly.

    Parameters
    ----------
    to_picture : float64 array, shape (3, 3)
        Projective map from samples of the grid to pixels of the picture, pixel centres at integers; the third
        coordinate is positive on the picture's side of the horizon.
    width, height : int
        Of the picture, in pixels.
    side : int
        Pixels of the grid each way.
    samples : int
        Samples of a pixel each way.

    Returns
    -------
    int64 array, shape (side, 2)
        For each row, the first pixel all of whose samples lie in the picture, and the one after the last; equal if
        there is none. The picture reaches half a pixel beyond the centres of its pixels.
    """
    # The picture is where none of these is negative; beyond the horizon one of them is. Each is a * x + b in a row, so
    # the samples of a row that are inside are an interval.
    bounds = np.empty((4, 3))
    for k in range(3):
        bounds[0, k] = to_picture[0, k] + 0.5 * to_picture[2, k]
        bounds[1, k] = (width - 0.5) * to_picture[2, k] - to_picture[0, k]
        bounds[2, k] = to_picture[1, k] + 0.5 * to_picture[2, k]
        bounds[3, k] = (height - 0.5) * to_picture[2, k] - to_picture[1, k]
    out = np.zeros((side, 2), np.int64)
    for row in range(side):
        first, last = 0.0, float(side * samples - 1)
        for y in range(row * samples, (row + 1) * samples):
            for i in range(4):
                a, b = bounds[i, 0], bounds[i, 1] * y + bounds[i, 2]
                if a > 0:
                    first = max(first, -b / a)
                elif a < 0:
                    last = min(last, -b / a)
                elif b < 0:
                    last = -1.0
        if first <= last:
            begin, end = np.int64(np.ceil(first / samples)), np.int64(np.floor((last + 1) / samples))
            out[row, 0], out[row, 1] = begin, max(begin, end)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def warp_to_grid(picture: U8, to_picture: F64, side: int):  # type: ignore[no-untyped-def]
    """Return a picture on a square grid, every pixel the mean of ``SAMPLES x SAMPLES`` bilinear samples.

    Parameters
    ----------
    picture : uint8 array, shape (h, w)
    to_picture : float64 array, shape (3, 3)
        As in `covered_columns`.
    side : int
        Pixels of the grid each way, even.

    Returns
    -------
    grid : uint8 array, shape (side, side)
        Samples, and then their means, are rounded to grey values. The picture's outermost pixels continue beyond it.
        Pixels that are not covered are sampled beside covered ones, where averages over 2 x 2 pixels need them, and are
        0 elsewhere.
    covered : bool array, shape (side, side)
        By `covered_columns`.
    """
    height, width = picture.shape
    grid, covered = np.zeros((side, side), np.uint8), np.zeros((side, side), np.bool_)
    columns = covered_columns(to_picture, width, height, side, SAMPLES)
    corners = _pack_corners(picture)
    at, right, down = np.empty(side, np.uint32), np.empty(side, np.float32), np.empty(side, np.float32)
    values, sums = np.empty(side, np.uint32), np.empty(side, np.uint32)
    for top in range(0, side, 2):
        begin, end = side, 0  # columns that are covered in either of two rows of pixels
        for row in range(top, top + 2):
            first, last = columns[row, 0], columns[row, 1]
            for x in range(first, last):
                covered[row, x] = True
            if first < last:
                begin, end = min(begin, first), max(end, last)
        begin, end = begin // 2 * 2, (end + 1) // 2 * 2
        for row in range(top, top + 2):
            n = max(end - begin, 0)
            sums[:] = SAMPLES * SAMPLES // 2
            for y in range(row * SAMPLES, (row + 1) * SAMPLES):
                for x in range(SAMPLES):
                    _place(to_picture, SAMPLES * begin + x, y, n, width, height, at, right, down)
                    for i in range(n):
                        values[i] = corners[at[i]]
                    _add_samples(values, right, down, n, sums)
            line = grid[row, begin:]
            for i in range(n):
                line[i] = sums[i] // np.uint32(SAMPLES * SAMPLES)
    return grid, covered


@njit(cache=True, nogil=True)
def _pack_corners(picture: U8) -> U32:
    """Return each pixel with its neighbours to the right, below, and below to the right, a byte each: shape (h * w,).

    One number to fetch for a sample instead of four.
    """
    height, width = picture.shape
    out = np.empty((height, width), np.uint32)
    for y in range(height):
        here, below, line = picture[y], picture[min(y + 1, height - 1)], out[y]
        for x in range(width - 1):
            upper = np.uint32(here[x]) | np.uint32(here[x + 1]) << _SECOND
            line[x] = upper | np.uint32(below[x]) << _THIRD | np.uint32(below[x + 1]) << _FOURTH
        upper = np.uint32(here[width - 1]) | np.uint32(here[width - 1]) << _SECOND
        line[width - 1] = upper | np.uint32(below[width - 1]) << _THIRD | np.uint32(below[width - 1]) << _FOURTH
    return out.reshape(-1)


@njit(cache=True, nogil=True, error_model="numpy")
def _place(to_picture, first, y, n, width, height, at, right, down):  # type: ignore[no-untyped-def]
    """Write where one sample of each pixel of a row lies: the picture's pixel up and left of it, and how far beyond."""
    a, d, g = np.float32(to_picture[0, 0]), np.float32(to_picture[1, 0]), np.float32(to_picture[2, 0])
    b = np.float32(to_picture[0, 1] * y + to_picture[0, 2])
    e = np.float32(to_picture[1, 1] * y + to_picture[1, 2])
    h = np.float32(to_picture[2, 1] * y + to_picture[2, 2])
    most_x, most_y, zero = np.float32(width - 1), np.float32(height - 1), np.float32(0)
    for k in range(n):
        x = np.float32(np.int32(first + SAMPLES * k))
        share = np.float32(1) / (g * x + h)
        u, v = (a * x + b) * share, (d * x + e) * share
        u = u if u > zero else zero  # also what is not a number, beyond the horizon
        v = v if v > zero else zero
        u = u if u < most_x else most_x
        v = v if v < most_y else most_y
        i, j = np.int32(u), np.int32(v)
        at[k] = np.uint32(j * np.int32(width) + i)
        right[k] = u - np.float32(i)
        down[k] = v - np.float32(j)


@njit(cache=True, nogil=True)
def _add_samples(values, right, down, n, sums):  # type: ignore[no-untyped-def]
    """Add bilinear samples, rounded, to the sums of their pixels; values are packed by `_pack_corners`."""
    half = np.float32(0.5)
    for i in range(n):
        a, b = np.float32(np.int32(values[i] & _BYTE)), np.float32(np.int32(values[i] >> _SECOND & _BYTE))
        c, d = np.float32(np.int32(values[i] >> _THIRD & _BYTE)), np.float32(np.int32(values[i] >> _FOURTH))
        upper, lower = a + right[i] * (b - a), c + right[i] * (d - c)
        sums[i] += np.uint32(np.int32(upper + down[i] * (lower - upper) + half))
