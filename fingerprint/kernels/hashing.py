"""Kernels of the perceptual hashes: a thumbnail becomes 64 bits in one ``uint64``.

Bits are packed in reading order, row by row, the first bit most significant. So in 16 hexadecimal digits a hash reads
as `imagehash` writes it.

The pHash compares the coefficients of a cosine transform with their median. On drawings, stripes and flat pictures many
of them are zero or equal in exact arithmetic, and only rounding decides on which side of the median they lie. To give
the same bits as SciPy's transform, `_dct32` repeats the arithmetic of the FFT behind SciPy (pocketfft, a revision of
FFTPACK) in its order: a DCT of type II by a real FFT of length 32 with the factors 2, 4, 4, roots of unity that are
products of two table entries, and no fused multiply-add. It finishes only the coefficients that are used. Columns are
transformed one by one: side by side in vectors would save a few millionths of a second a picture, but takes three
times as long to compile. The simple pHash transforms only the rows and compares with
a mean, which `phash_simple64` adds up in NumPy's order for the same reason.

References
----------
P. N. Swarztrauber, "Vectorizing the FFTs", in G. Rodrigue (ed.), *Parallel Computations*, Academic Press, 1982.
"""

from __future__ import annotations

import math

import numpy as np

from fingerprint.kernels.compiled import njit
from fingerprint.kernels.sorting import in_order, middle_of
from fingerprint.types import F64, U8

_N = 32  # side of the pHash thumbnail
_LOW = 8  # coefficients kept a side
_SQRT2 = math.sqrt(2.0)
_ONE = np.uint64(1)


def _roots_of_unity(n: int, count: int) -> F64:
    """Return cosine and sine of ``2 pi k / n`` for ``k < count``, rounded as in the FFT behind SciPy.

    Each angle is the sum of a coarse and a fine one. This changes the last bit of some values, on purpose.

    Parameters
    ----------
    n : int
        Number of roots in the full circle, a multiple of 8.
    count : int
        How many to return, at most ``n / 2``.

    Returns
    -------
    float64 array, shape (count, 2)
        Cosine and sine, [-1, 1].
    """
    bits = 1
    while 4**bits < (n + 2) // 2:
        bits += 1

    def direct(k: int) -> tuple[float, float]:
        octant, rest = divmod(k, n // 8)
        angle = 2 * math.pi / n * (n // 8 - rest if octant % 2 else rest)
        c, s = math.cos(angle), math.sin(angle)
        if octant in (1, 2):
            c, s = s, c
        return (c, s) if octant < 2 else (-c, s)

    table = np.empty((count, 2))
    for k in range(count):
        coarse = k >> bits << bits
        (c1, s1), (c2, s2) = direct(k - coarse), direct(coarse)
        table[k] = c1 * c2 - s1 * s2, c1 * s2 + s1 * c2
    return table


_FFT_ROOTS = _roots_of_unity(_N, _N // 2)
_DCT_ROOTS = _roots_of_unity(4 * _N, _N)[:, 0].copy()


@njit(cache=True, nogil=True)
def _split_by_two(a: F64, b: F64) -> None:
    """Factor 2 of the FFT: one half-complex sequence of 32 in `a` becomes two of 16 in `b`."""
    b[0] = a[0] + a[31]
    b[16] = a[0] - a[31]
    b[15] = 2.0 * a[15]
    b[31] = -2.0 * a[16]
    for i in range(1, 8):
        c, s = _FFT_ROOTS[i, 0], _FFT_ROOTS[i, 1]
        p, q = 2 * i - 1, 31 - 2 * i  # real parts of frequency i and its partner; the imaginary parts follow
        b[p] = a[p] + a[q]
        b[p + 1] = a[p + 1] - a[q + 1]
        re = a[p] - a[q]
        im = a[p + 1] + a[q + 1]
        b[p + 16] = c * re - s * im
        b[p + 17] = c * im + s * re


@njit(cache=True, nogil=True)
def _split_by_four(b: F64, a: F64) -> None:
    """Factor 4 of the FFT: two sequences of 16 become eight of 4 (frequency 0; re and im of 1; frequency 2)."""
    for h in range(2):
        i, o = 16 * h, 4 * h
        sum_, dif = b[i] + b[i + 15], b[i] - b[i + 15]
        re, im = 2.0 * b[i + 7], 2.0 * b[i + 8]
        a[o] = sum_ + re
        a[o + 8] = dif - im
        a[o + 16] = sum_ - re
        a[o + 24] = dif + im
        re_sum, re_dif = b[i + 3] + b[i + 11], b[i + 3] - b[i + 11]
        im_sum, im_dif = b[i + 12] + b[i + 4], b[i + 12] - b[i + 4]
        a[o + 3] = re_sum + re_sum
        a[o + 11] = _SQRT2 * (re_dif - im_sum)
        a[o + 19] = im_dif + im_dif
        a[o + 27] = -_SQRT2 * (re_dif + im_sum)
        r_a, r_b = b[i + 1] + b[i + 13], b[i + 1] - b[i + 13]
        r_c, i_d = b[i + 9] + b[i + 5], b[i + 9] - b[i + 5]
        i_b, i_a = b[i + 2] + b[i + 14], b[i + 2] - b[i + 14]
        r_d, i_c = b[i + 10] + b[i + 6], b[i + 10] - b[i + 6]
        a[o + 1] = r_a + r_c
        a[o + 2] = i_a + i_c
        _turn(r_b - r_d, i_b + i_d, 2, o + 9, a)
        _turn(r_a - r_c, i_a - i_c, 4, o + 17, a)
        _turn(r_b + r_d, i_b - i_d, 6, o + 25, a)


@njit(cache=True, nogil=True)
def _turn(re: float, im: float, root: int, at: int, a: F64) -> None:
    """Write a complex number, multiplied by a root of unity, to two places of `a`."""
    c, s = _FFT_ROOTS[root, 0], _FFT_ROOTS[root, 1]
    a[at] = c * re - s * im
    a[at + 1] = c * im + s * re


@njit(cache=True, nogil=True)
def _finish_fours(a: F64, b: F64) -> None:
    """Factor 4 of the FFT, the last: eight sequences of 4 become 32 values."""
    for h in range(8):
        i = 4 * h
        sum_, dif = a[i] + a[i + 3], a[i] - a[i + 3]
        re, im = 2.0 * a[i + 1], 2.0 * a[i + 2]
        b[h] = sum_ + re
        b[h + 8] = dif - im
        b[h + 16] = sum_ - re
        b[h + 24] = dif + im


@njit(cache=True, nogil=True)
def _dct32(a: F64, b: F64, low: int) -> None:
    """Replace the first `low` numbers of `a` by its lowest DCT-II coefficients; both (32,), `b` scratch."""
    # The input of a real inverse FFT: neighbours become real and imaginary parts.
    a[0] *= 2.0
    a[_N - 1] *= 2.0
    for k in range(1, _N - 1, 2):
        u, v = a[k], a[k + 1]
        a[k] = v + u
        a[k + 1] = v - u
    _split_by_two(a, b)
    _split_by_four(b, a)
    _finish_fours(a, b)
    # A DCT of type II is off by half a sample: rotate each pair of values back. Coefficient 0 needs no rotation.
    a[0] = b[0]
    for k in range(1, low):
        c, s = _DCT_ROOTS[k], _DCT_ROOTS[_N - k]
        u, v = b[k], b[_N - k]
        a[k] = 0.5 * ((c * v + s * u) + (c * u - s * v))


@njit(cache=True, nogil=True)
def low_dct(thumbnail: U8) -> F64:
    """Return the 8 x 8 lowest coefficients of the unnormalised two-dimensional DCT-II.

    Parameters
    ----------
    thumbnail : uint8 array, shape (32, 32)
        Grey values.

    Returns
    -------
    float64 array, shape (8, 8)
        Vertical frequency down, horizontal across; equal to the last bit to SciPy's
        ``dct(dct(thumbnail, axis=0), axis=1)[:8, :8]``.
    """
    values = np.empty((_N + _LOW, _N))  # the columns of the thumbnail, then the lowest coefficients of all of them
    scratch = np.empty(_N)
    for y in range(_N):
        for x in range(_N):
            values[x, y] = thumbnail[y, x]
    for i in range(_N + _LOW):
        _dct32(values[i], scratch, _LOW)
        if i < _N:
            for y in range(_LOW):
                values[_N + y, i] = values[i, y]
    out = np.empty((_LOW, _LOW))
    for y in range(_LOW):
        for x in range(_LOW):
            out[y, x] = values[_N + y, x]
    return out


@njit(cache=True, nogil=True)
def above(values: F64, threshold: float) -> np.uint64:
    """Return which of 8 x 8 values exceed a threshold, packed."""
    bits = np.uint64(0)
    for y in range(8):
        for x in range(8):
            bits <<= _ONE
            if values[y, x] > threshold:
                bits |= _ONE
    return bits


@njit(cache=True, nogil=True)
def median64(values: F64) -> float:
    """Return the median of 8 x 8 values."""
    flat = np.empty(64)
    for y in range(8):
        for x in range(8):
            flat[8 * y + x] = values[y, x]
    return middle_of(in_order(flat))


@njit(cache=True, nogil=True)
def phash64(thumbnail: U8) -> np.uint64:
    """Return the pHash of a thumbnail: which low DCT coefficients exceed their median, the constant one included.

    Parameters
    ----------
    thumbnail : uint8 array, shape (32, 32)
        Grey values.

    Returns
    -------
    uint64
        Packed bits.
    """
    values = low_dct(thumbnail)
    return above(values, median64(values))


@njit(cache=True, nogil=True)
def simple_dct(thumbnail: U8) -> tuple[F64, float]:
    """Return the frequencies 1 to 8 of the eight upper rows of a thumbnail, and their mean.

    Parameters
    ----------
    thumbnail : uint8 array, shape (32, 32)
        Grey values.

    Returns
    -------
    values : float64 array, shape (8, 8)
        Of the unnormalised DCT-II of each row; rows from top to bottom, frequencies across.
    mean : float
        Added up in NumPy's order.
    """
    values, row, scratch = np.empty((_LOW, _LOW)), np.empty(_N), np.empty(_N)
    for y in range(_LOW):
        for x in range(_N):
            row[x] = thumbnail[y, x]
        _dct32(row, scratch, _LOW + 1)
        for k in range(_LOW):
            values[y, k] = row[1 + k]
    # NumPy adds 64 values in eight strands, here the frequencies, and then adds the strands in pairs.
    strands = np.zeros(_LOW)
    for k in range(_LOW):
        for y in range(_LOW):
            strands[k] += values[y, k]
    left = (strands[0] + strands[1]) + (strands[2] + strands[3])
    mean = (left + ((strands[4] + strands[5]) + (strands[6] + strands[7]))) / 64.0
    return values, mean


@njit(cache=True, nogil=True)
def phash_simple64(thumbnail: U8) -> np.uint64:
    """Return the simple pHash of a thumbnail: which low coefficients of its upper rows exceed their mean.

    As in `imagehash.phash_simple`, only rows are transformed, the constant coefficient is left out, and rows below the
    eighth do not count.

    Parameters
    ----------
    thumbnail : uint8 array, shape (32, 32)
        Grey values.

    Returns
    -------
    uint64
        Packed bits: the rows from top to bottom, in each the frequencies 1 to 8.
    """
    values, mean = simple_dct(thumbnail)
    return above(values, mean)


@njit(cache=True, nogil=True)
def dhash64(thumbnail: U8) -> np.uint64:
    """Return the horizontal dHash of a thumbnail: which pixels are brighter than their left neighbour.

    Parameters
    ----------
    thumbnail : uint8 array, shape (8, 9)
        Grey values.

    Returns
    -------
    uint64
        Packed bits.
    """
    bits = np.uint64(0)
    for y in range(8):
        for x in range(8):
            bits <<= _ONE
            if thumbnail[y, x + 1] > thumbnail[y, x]:
                bits |= _ONE
    return bits


@njit(cache=True, nogil=True)
def dhash_vertical64(thumbnail: U8) -> np.uint64:
    """Return the vertical dHash of a thumbnail: which pixels are brighter than the one above.

    Parameters
    ----------
    thumbnail : uint8 array, shape (9, 8)
        Grey values.

    Returns
    -------
    uint64
        Packed bits.
    """
    bits = np.uint64(0)
    for y in range(8):
        for x in range(8):
            bits <<= _ONE
            if thumbnail[y + 1, x] > thumbnail[y, x]:
                bits |= _ONE
    return bits


@njit(cache=True, nogil=True)
def ahash64(thumbnail: U8) -> np.uint64:
    """Return the aHash of a thumbnail: which pixels are brighter than the mean.

    Parameters
    ----------
    thumbnail : uint8 array, shape (8, 8)
        Grey values.

    Returns
    -------
    uint64
        Packed bits.
    """
    total = np.int64(0)
    for y in range(8):
        for x in range(8):
            total += np.int64(thumbnail[y, x])
    bits = np.uint64(0)
    for y in range(8):
        for x in range(8):
            bits <<= _ONE
            if np.int64(64) * np.int64(thumbnail[y, x]) > total:  # integers: the mean is never rounded
                bits |= _ONE
    return bits


@njit(cache=True, nogil=True)
def thumbnail_quality(thumbnail: U8) -> int:
    """Return how much neighbouring values differ, in whole hundredths of the range, as PDQ does for its thumbnail.

    The scale makes 50 about equal to PDQ's 50: on photographs of falling contrast, both agree for 96 of 100 pictures
    on which side of 50 they lie.

    Parameters
    ----------
    thumbnail : uint8 array, shape (32, 32)
        Grey values.

    Returns
    -------
    int
        [0, 100].
    """
    total = np.int64(0)
    for y in range(_N):
        for x in range(_N):
            if y > 0:
                total += abs(np.int64(thumbnail[y, x]) - np.int64(thumbnail[y - 1, x])) * 100 // 255
            if x > 0:
                total += abs(np.int64(thumbnail[y, x]) - np.int64(thumbnail[y, x - 1])) * 100 // 255
    return int(total // 30) if total < 3000 else 100
