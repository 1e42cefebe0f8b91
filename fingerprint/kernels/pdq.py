"""Kernels of PDQ: from grey values to a 64 x 64 picture, to its quality and 16 x 16 cosine coefficients, to bits.

PDQ reduces the picture by a Jarosz filter, which is two passes of a box filter each way, and then takes values at equal
steps. Both are linear and only 64 values each way are needed, so here each value is a weighted sum of the pixels around
it: every pixel is read about once, at any width of the filter. Sums are taken in another order than in the reference
implementation; if a coefficient lies within rounding of the median, its bit can differ.

References
----------
Facebook, "The TMK+PDQF video-hashing algorithm and the PDQ image-hashing algorithm", 2019.
"""

from __future__ import annotations

import math

import numpy as np

from fingerprint.kernels.compiled import njit
from fingerprint.types import F32, I32, U64

_SIDE = 64  # of the small picture
_LOW = 16  # coefficients kept each way, the constant one left out
_N_BITS = _LOW * _LOW
_ONE = np.uint64(1)
_ROUNDING = np.float32(0.25)  # how far rounded luma moves a coefficient, about


def _cosines() -> F32:
    """Return the rows 1 to 16 of the orthonormal DCT-II of 64 values, transposed; float32 (64, 16)."""
    k, x = np.arange(1, _LOW + 1), np.arange(_SIDE)[:, None]
    cosines = np.cos(math.pi / 2 / _SIDE * k * (2 * x + 1))
    return np.asarray(np.float32(math.sqrt(2 / _SIDE)) * cosines, np.float32)


_COSINES = _cosines()


@njit(cache=True, nogil=True)
def jarosz_weights(n: int, divisor: int) -> tuple[I32, F32]:
    """Return which pixels make up each of 64 values along one axis, and with what weight.

    Parameters
    ----------
    n : int, >= 1
        Pixels of the original picture along this axis.
    divisor : int
        By how much the given pixels were reduced: each is the mean of so many original ones, the last one of those that
        were left.

    Returns
    -------
    spans : int32 array, shape (64, 2)
        First pixel, and how many.
    weights : float32 array, shape (64, k)
        They add up to 1 for each value; 0 beyond the span.
    """
    window = (n + 2 * _SIDE - 1) // (2 * _SIDE)
    after = (window + 2) // 2 - 1  # pixels of a box after the one in its middle
    before = window - 1 - after
    spans, weights = np.zeros((_SIDE, 2), np.int32), np.zeros((_SIDE, 2 * window // divisor + 2), np.float32)
    for i in range(_SIDE):
        middle = int((i + 0.5) * n / _SIDE)
        low, high = max(middle - before, 0), min(middle + after + 1, n)
        first = max(low - before, 0) // divisor
        last = 0
        for outer in range(low, high):
            begin, end = max(outer - before, 0), min(outer + after + 1, n)
            share = 1.0 / ((high - low) * (end - begin))
            for x in range(begin, end):
                last = max(last, x // divisor)
                weights[i, x // divisor - first] += np.float32(share)
        spans[i, 0], spans[i, 1] = first, last - first + 1
    return spans, weights


@njit(cache=True, nogil=True)
def jarosz64(grey, x_spans, x_weights, y_spans, y_weights):  # type: ignore[no-untyped-def]
    """Return a picture reduced as in PDQ.

    grey : uint8 or float32 (h, w), [0, 255]; x_spans, x_weights, y_spans, y_weights : from `jarosz_weights` for width
    and height. Returns float32 (64, 64), [0, 255].
    """
    width = grey.shape[1]
    out = np.empty((_SIDE, _SIDE), np.float32)
    line = np.empty(width, np.float32)
    for y in range(_SIDE):
        line[:] = 0.0
        first, count = y_spans[y]
        for k in range(count):
            weight = y_weights[y, k]
            row = grey[first + k]
            for x in range(width):
                line[x] += weight * np.float32(row[x])
        for x in range(_SIDE):
            start, column, total = np.uint64(x_spans[x, 0]), np.uint64(x), np.float32(0.0)
            for k in range(np.uint64(x_spans[x, 1])):
                total += x_weights[column, np.uint64(k)] * line[start + np.uint64(k)]
            out[y, x] = total
    return out


@njit(cache=True, nogil=True)
def pdq_quality(small: F32) -> int:
    """Return PDQ's figure of quality: how much neighbouring values differ, in whole hundredths of the range.

    Parameters
    ----------
    small : float32 array, shape (64, 64), [0, 255]

    Returns
    -------
    int
        [0, 100].
    """
    total = 0
    hundred, white = np.float32(100.0), np.float32(255.0)
    for y in range(_SIDE - 1):
        for x in range(_SIDE):
            total += abs(int((small[y, x] - small[y + 1, x]) * hundred / white))
    for y in range(_SIDE):
        for x in range(_SIDE - 1):
            total += abs(int((small[y, x] - small[y, x + 1]) * hundred / white))
    return total // 90 if total < 9000 else 100


@njit(cache=True, nogil=True)
def pdq_coefficients(small: F32) -> F32:
    """Return the cosine coefficients of frequencies 1 to 16 each way.

    Parameters
    ----------
    small : float32 array, shape (64, 64), [0, 255]

    Returns
    -------
    float32 array, shape (16, 16)
        Vertical frequency down, horizontal across.
    """
    columns = np.zeros((_LOW, _SIDE), np.float32)
    for y in range(_SIDE):
        for i in range(_LOW):
            factor = _COSINES[y, i]
            for x in range(_SIDE):
                columns[i, x] += factor * small[y, x]
    out = np.zeros((_LOW, _LOW), np.float32)
    for i in range(_LOW):
        for x in range(_SIDE):
            factor = columns[i, x]
            for j in range(_LOW):
                out[i, j] += factor * _COSINES[x, j]
    return out


@njit(cache=True, nogil=True)
def _pack_above_median(coefficients: F32, words: U64) -> None:
    """Set the bits of the coefficients above the lower median; the last coefficient is the most significant bit."""
    values = coefficients.ravel()
    median = np.partition(values, _N_BITS // 2 - 1)[_N_BITS // 2 - 1]
    for word in range(4):
        bits = np.uint64(0)
        for bit in range(64):
            bits <<= _ONE
            if values[_N_BITS - 1 - 64 * word - bit] > median:
                bits |= _ONE
        words[word] = bits


@njit(cache=True, nogil=True)
def pdq_bits(coefficients: F32) -> U64:
    """Return the PDQ hash of the coefficients.

    Parameters
    ----------
    coefficients : float32 array, shape (16, 16)

    Returns
    -------
    uint64 array, shape (4,)
        Packed bits; in 64 hexadecimal digits they read as PDQ's tools write them.
    """
    words = np.empty(4, np.uint64)
    _pack_above_median(coefficients, words)
    return words


@njit(cache=True, nogil=True)
def pdq_dihedral(coefficients: F32) -> U64:
    """Return the PDQ hashes of a picture in all eight orientations.

    Turning by a right angle and mirroring only swap the axes of the coefficients and change signs of every other one.

    Parameters
    ----------
    coefficients : float32 array, shape (16, 16)

    Returns
    -------
    uint64 array, shape (8, 4)
        In the order of `fingerprint.hashes.ORIENTATIONS`: as it is; turned by 90, 180 and 270 degrees, clockwise;
        mirrored left to right; that turned by 90, 180 and 270 degrees.
    """
    words = np.empty((8, 4), np.uint64)
    turned = coefficients.copy()
    previous = np.empty_like(turned)
    for orientation in range(8):
        if orientation == 4:  # back to the original, and mirrored: odd horizontal frequencies change their sign
            for i in range(_LOW):
                for j in range(_LOW):
                    turned[i, j] = coefficients[i, j] if j % 2 else -coefficients[i, j]
        elif orientation:  # a quarter more: the axes swap, then the picture is mirrored left to right
            previous[:] = turned
            for i in range(_LOW):
                for j in range(_LOW):
                    turned[i, j] = previous[j, i] if j % 2 else -previous[j, i]
        _pack_above_median(turned, words[orientation])
    return words


@njit(cache=True, nogil=True)
def n_undecided(coefficients: F32) -> int:
    """Return how many coefficients are so near the median that rounded grey values may put them on its other side.

    Parameters
    ----------
    coefficients : float32 array, shape (16, 16)

    Returns
    -------
    int
        [1, 256]; some 2 for a photograph, many for stripes, most of whose coefficients are nearly 0.
    """
    values = coefficients.ravel()
    median = np.partition(values, _N_BITS // 2 - 1)[_N_BITS // 2 - 1]
    count = 0
    for value in values:
        count += abs(value - median) < _ROUNDING
    return count


@njit(cache=True, nogil=True)
def pdq_of(grey, x_spans, x_weights, y_spans, y_weights):  # type: ignore[no-untyped-def]
    """Return the PDQ hash of a picture, uint64 (4,), its quality, its coefficients, and how many are undecided.

    The parameters are those of `jarosz64`. All in one call, because threads wait for each other at every return to
    the interpreter.
    """
    small = jarosz64(grey, x_spans, x_weights, y_spans, y_weights)
    coefficients = pdq_coefficients(small)
    return pdq_bits(coefficients), pdq_quality(small), coefficients, n_undecided(coefficients)
