"""Reducing pictures by averages over areas, to the bit as OpenCV does with ``INTER_AREA``, in about half the time."""

from __future__ import annotations

import math

import numpy as np

from fingerprint.kernels.compiled import njit
from fingerprint.types import F32, I64, U8

_LEAST_SHARE = 1e-3  # of a pixel; OpenCV leaves smaller parts out


@njit(cache=True, nogil=True)
def area_weights(size: int, n_out: int) -> tuple[I64, F32]:
    """Return which input pixels make up each output pixel along one axis, and with what weight.

    Parameters
    ----------
    size : int
        Input pixels.
    n_out : int, [1, size]
        Output pixels.

    Returns
    -------
    starts : int64 array, shape (n_out,)
        First input pixel.
    weights : float32 array, shape (n_out, k)
        Weights of it and those after it, which add up to about 1; 0 for pixels that do not count.
    """
    scale = 1.0 / (n_out / size)
    n_taps = min(math.ceil(scale) + 1, size)
    starts, weights = np.empty(n_out, np.int64), np.zeros((n_out, n_taps), np.float32)
    for i in range(n_out):
        begin = i * scale
        end = begin + scale
        length = min(scale, size - begin)
        last = min(math.floor(end), size - 1)  # the pixel that may belong to it in part
        first = min(math.ceil(begin), last)  # the first that belongs to it as a whole
        starts[i] = max(min(first - 1, size - n_taps), 0)
        at = starts[i]
        if first - begin > _LEAST_SHARE:
            weights[i, first - 1 - at] = np.float32((first - begin) / length)
        for k in range(first, last):
            weights[i, k - at] = np.float32(1.0 / length)
        if end - last > _LEAST_SHARE:
            weights[i, last - at] = np.float32(min(min(end - last, 1.0), length) / length)
    return starts, weights


@njit(cache=True, nogil=True)
def reduce_area(pixels: U8, n_channels: int, width: int, height: int) -> U8:
    """Return a picture at a smaller size, each pixel an average over its area, along rows and then along columns.

    Parameters
    ----------
    pixels : uint8 array, shape (h, w * n_channels)
    n_channels : int
    width, height : int, [1, w] and [1, h]

    Returns
    -------
    uint8 array, shape (height, width * n_channels)
        Halves are rounded to even.
    """
    n_rows, n_values = pixels.shape
    x_starts, x_weights = area_weights(n_values // n_channels, width)
    y_starts, y_weights = area_weights(n_rows, height)
    n_taps = x_weights.shape[1]
    places = np.empty(width * n_channels, np.int32)  # of the first value of each
    taps = np.empty((n_taps, width * n_channels), np.float32)
    for x in range(width):
        for channel in range(n_channels):
            at = x * n_channels + channel
            places[at] = x_starts[x] * n_channels + channel
            for tap in range(n_taps):
                taps[tap, at] = x_weights[x, tap]
    out = np.empty((height, width * n_channels), np.uint8)
    line, short = np.empty(n_values, np.float32), np.empty(width * n_channels, np.float32)
    total = np.empty(width * n_channels, np.float32)
    done = -1  # the row that `short` was made from; the next output row may need it too
    for y in range(height):
        total[:] = 0
        for k in range(y_weights.shape[1]):
            row, share = y_starts[y] + k, y_weights[y, k]
            if share == 0:
                continue
            if row != done:
                done = row
                _to_float(pixels[row], line)
                short[:] = 0
                for tap in range(n_taps):
                    _add_tap(line, places, np.int32(tap * n_channels), taps[tap], short)
            for x in range(len(total)):
                total[x] += share * short[x]
        _round(total, out[y])
    return out


@njit(cache=True, nogil=True)
def _add_tap(line, places, offset, weights, out):  # type: ignore[no-untyped-def]
    for x in range(len(out)):
        out[x] += weights[x] * line[np.uint32(places[x] + offset)]


@njit(cache=True, nogil=True)
def _to_float(values, out):  # type: ignore[no-untyped-def]
    for x in range(len(out)):
        out[x] = np.float32(values[x])


@njit(cache=True, nogil=True)
def _round(values, out):  # type: ignore[no-untyped-def]
    for x in range(len(out)):
        out[x] = np.uint8(min(np.rint(values[x]), np.float32(255)))
