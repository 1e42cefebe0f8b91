"""Kernels that reduce a picture: Pillow's Lanczos filter, equal to the bit, means over boxes, luma.

References
----------
K. Turkowski, "Filters for common resampling tasks", in A. Glassner (ed.), *Graphics Gems*, Academic Press, 1990.
"""

from __future__ import annotations

import math

import numpy as np

from fingerprint.kernels.compiled import njit
from fingerprint.types import F64, I32, U8

_LOBES = 3.0
_PRECISION = 22  # fractional bits of a weight: products with grey values then fit 32 bits
_SHARES = (19595, 38470, 7471)  # of red, green and blue in luma, in 65536ths


@njit(cache=True, nogil=True)
def _sinc(x: float) -> float:
    return 1.0 if x == 0.0 else math.sin(x * math.pi) / (x * math.pi)


@njit(cache=True, nogil=True)
def lanczos_weights(size: int, length: float, n_out: int) -> tuple[I32, I32]:
    """Return which input pixels make up each output pixel along one axis, and with what weight.

    Parameters
    ----------
    size : int
        Input pixels.
    length : float, (0, size]
        Where the picture ends, in input pixels: less than `size` if the last pixel belongs to it only in part.
    n_out : int
        Output pixels.

    Returns
    -------
    spans : int32 array, shape (n_out, 2)
        First input pixel, and how many.
    weights : int32 array, shape (n_out, k)
        Weights in units of 2**-22, which add up to 1 for each output pixel; 0 beyond the span.
    """
    scale = length / n_out
    stretch = max(scale, 1.0)
    support = _LOBES * stretch
    n_taps = math.ceil(support) * 2 + 1
    spans, weights = np.zeros((n_out, 2), np.int32), np.zeros((n_out, n_taps), np.int32)
    taps = np.empty(n_taps)
    for i in range(n_out):
        centre = (i + 0.5) * scale
        first = max(int(centre - support + 0.5), 0)
        count = min(int(centre + support + 0.5), size) - first
        total = 0.0
        for k in range(count):
            x = (k + first - centre + 0.5) * (1.0 / stretch)
            taps[k] = _sinc(x) * _sinc(x / _LOBES) if -_LOBES <= x < _LOBES else 0.0
            total += taps[k]
        for k in range(count):
            share = taps[k] / total * (1 << _PRECISION)
            weights[i, k] = int(share + 0.5) if share >= 0 else int(share - 0.5)
        spans[i, 0], spans[i, 1] = first, count
    return spans, weights


@njit(cache=True, nogil=True)
def resample(grey: U8, x_spans: I32, x_weights: I32, y_spans: I32, y_weights: I32) -> U8:
    """Resample a picture along its columns, then along its rows, rounding to grey values in between.

    Parameters
    ----------
    grey : uint8 array, shape (h, w)
    x_spans, x_weights : int32 arrays, shapes (n_x, 2) and (n_x, k)
        From `lanczos_weights` for the width.
    y_spans, y_weights : int32 arrays, shapes (n_y, 2) and (n_y, l)
        The same for the height.

    Returns
    -------
    uint8 array, shape (n_y, n_x)
    """
    width, n_x, n_y = grey.shape[1], len(x_spans), len(y_spans)
    half = np.int32(1 << (_PRECISION - 1))
    out = np.empty((n_y, n_x), np.uint8)
    sums = np.empty(width, np.int32)
    for y in range(n_y):
        sums[:] = half
        first, count = y_spans[y]
        for k in range(count):
            weight = y_weights[y, k]
            line = grey[first + k]
            for x in range(width):  # casts at every step keep this in 32 bits, so that it is vectorised
                sums[x] = np.int32(sums[x] + np.int32(np.int32(line[x]) * weight))
        for x in range(width):
            sums[x] = min(max(sums[x] >> _PRECISION, 0), 255)
        for x in range(n_x):
            start, row, total = np.uint64(x_spans[x, 0]), np.uint64(x), half  # unsigned: no check for negative indices
            for k in range(np.uint64(x_spans[x, 1])):
                total = np.int32(total + np.int32(sums[start + np.uint64(k)] * x_weights[row, np.uint64(k)]))
            level = total >> _PRECISION
            out[y, x] = 0 if level < 0 else 255 if level > 255 else level
    return out


@njit(cache=True, nogil=True)
def reduce_rows(grey: U8, n: int) -> U8:
    """Return the rounded means of `n` rows at a time; the last may be of fewer.

    Parameters
    ----------
    grey : uint8 array, shape (h, w)
    n : int
        Rows, [1, 256].

    Returns
    -------
    uint8 array, shape (ceil(h / n), w)
    """
    h, w = grey.shape
    n_y = -(-h // n)
    out = np.empty((n_y, w), np.uint8)
    sums = np.empty(w, np.uint16)
    for y in range(n_y):
        rows = grey[y * n : (y + 1) * n]
        sums[:] = len(rows) // 2
        for row in rows:
            for x in range(w):
                sums[x] = np.uint16(sums[x] + np.uint16(row[x]))
        share = np.float32(1.0 / len(rows))
        for x in range(w):  # the added quarter keeps integer means exact, as the result is rounded down
            out[y, x] = np.uint8((np.float32(sums[x]) + np.float32(0.25)) * share)
    return out


@njit(cache=True, nogil=True)
def block_means(grey: U8, length_x: float, length_y: float, n: int) -> F64:
    """Return the means over ``n x n`` blocks of equal size, pixels on their borders shared by area.

    Parameters
    ----------
    grey : uint8 array, shape (h, w)
    length_x, length_y : float, (0, w] and (0, h]
        Where the picture ends, in pixels.
    n : int
        Blocks each way.

    Returns
    -------
    float64 array, shape (n, n), [0, 255]
    """
    h, w = grey.shape
    rows = np.zeros((n, w))
    for y in range(h):
        begin = min(y * n / length_y, n)
        end = min((y + 1) * n / length_y, n)
        for block in range(int(begin), min(math.ceil(end), n)):
            share = min(end, block + 1.0) - max(begin, float(block))
            for x in range(w):
                rows[block, x] += share * grey[y, x]
    means = np.zeros((n, n))
    for x in range(w):
        begin = min(x * n / length_x, n)
        end = min((x + 1) * n / length_x, n)
        for block in range(int(begin), min(math.ceil(end), n)):
            share = min(end, block + 1.0) - max(begin, float(block))
            for y in range(n):
                means[y, block] += share * rows[y, x]
    return means


@njit(cache=True, nogil=True)
def luma(rgb: U8) -> U8:
    """Return the luma of colours, rounded as Pillow does.

    Parameters
    ----------
    rgb : uint8 array, shape (h, w, 3), C-contiguous

    Returns
    -------
    uint8 array, shape (h, w)
    """
    h, w = rgb.shape[:2]
    out = np.empty((h, w), np.uint8)
    red, green, blue = np.uint32(_SHARES[0]), np.uint32(_SHARES[1]), np.uint32(_SHARES[2])
    one, two, three = np.uint64(1), np.uint64(2), np.uint64(3)
    for y in range(h):
        row, line = rgb[y].reshape(-1), out[y]
        for x in range(w):  # unsigned indices and 32 bits at every step, so that it is vectorised
            i = np.uint64(x) * three
            total = np.uint32(red * np.uint32(row[i]) + np.uint32(1 << 15))
            total = np.uint32(total + np.uint32(green * np.uint32(row[i + one])))
            total = np.uint32(total + np.uint32(blue * np.uint32(row[i + two])))
            line[x] = np.uint8(total >> np.uint32(16))
    return out
