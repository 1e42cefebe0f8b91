"""Kernels of the perceptual hashes: a thumbnail becomes 64 bits in one ``uint64``.

Bits are packed in reading order, row by row, the first bit most significant. So in 16 hexadecimal digits a hash reads
as `imagehash` writes it.

The pHash compares the coefficients of a cosine transform with their median. On drawings, stripes and flat pictures many
of them are zero or equal in exact arithmetic, and only rounding decides on which side of the median they lie. To give
the same bits as SciPy's transform, `_dct32` repeats the arithmetic of the FFT behind SciPy (pocketfft, a revision of
FFTPACK) in its order: a DCT of type II by a real FFT of length 32 with the factors 2, 4, 4, roots of unity that are
products of two table entries, and no fused multiply-add. It transforms all columns side by side, so the inner loops
vectorise, and finishes only the coefficients that are used. The simple pHash transforms only the rows and compares with
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
    """Factor 2 of the FFT: one half-complex sequence of 32 in the columns of `a` becomes two of 16 in `b`."""
    m = a.shape[1]
    for j in range(m):
        b[0, j] = a[0, j] + a[31, j]
        b[16, j] = a[0, j] - a[31, j]
        b[15, j] = 2.0 * a[15, j]
        b[31, j] = -2.0 * a[16, j]
    for i in range(1, 8):
        c, s = _FFT_ROOTS[i]
        p, q = 2 * i - 1, 31 - 2 * i  # real parts of frequency i and its partner; the imaginary parts follow
        for j in range(m):
            b[p, j] = a[p, j] + a[q, j]
            b[p + 1, j] = a[p + 1, j] - a[q + 1, j]
            re = a[p, j] - a[q, j]
            im = a[p + 1, j] + a[q + 1, j]
            b[p + 16, j] = c * re - s * im
            b[p + 17, j] = c * im + s * re


@njit(cache=True, nogil=True)
def _split_by_four(b: F64, a: F64) -> None:
    """Factor 4 of the FFT: two sequences of 16 become eight of 4 (frequency 0; re and im of 1; frequency 2)."""
    m = a.shape[1]
    (c1, s1), (c2, s2), (c3, s3) = _FFT_ROOTS[2], _FFT_ROOTS[4], _FFT_ROOTS[6]
    for h in range(2):
        i, o = 16 * h, 4 * h
        for j in range(m):
            sum_, dif = b[i, j] + b[i + 15, j], b[i, j] - b[i + 15, j]
            re, im = 2.0 * b[i + 7, j], 2.0 * b[i + 8, j]
            a[o, j] = sum_ + re
            a[o + 8, j] = dif - im
            a[o + 16, j] = sum_ - re
            a[o + 24, j] = dif + im
        for j in range(m):
            re_sum, re_dif = b[i + 3, j] + b[i + 11, j], b[i + 3, j] - b[i + 11, j]
            im_sum, im_dif = b[i + 12, j] + b[i + 4, j], b[i + 12, j] - b[i + 4, j]
            a[o + 3, j] = re_sum + re_sum
            a[o + 11, j] = _SQRT2 * (re_dif - im_sum)
            a[o + 19, j] = im_dif + im_dif
            a[o + 27, j] = -_SQRT2 * (re_dif + im_sum)
        for j in range(m):
            r_a, r_b = b[i + 1, j] + b[i + 13, j], b[i + 1, j] - b[i + 13, j]
            r_c, i_d = b[i + 9, j] + b[i + 5, j], b[i + 9, j] - b[i + 5, j]
            i_b, i_a = b[i + 2, j] + b[i + 14, j], b[i + 2, j] - b[i + 14, j]
            r_d, i_c = b[i + 10, j] + b[i + 6, j], b[i + 10, j] - b[i + 6, j]
            a[o + 1, j] = r_a + r_c
            a[o + 2, j] = i_a + i_c
            re, im = r_b - r_d, i_b + i_d
            a[o + 9, j] = c1 * re - s1 * im
            a[o + 10, j] = c1 * im + s1 * re
            re, im = r_a - r_c, i_a - i_c
            a[o + 17, j] = c2 * re - s2 * im
            a[o + 18, j] = c2 * im + s2 * re
            re, im = r_b + r_d, i_b - i_d
            a[o + 25, j] = c3 * re - s3 * im
            a[o + 26, j] = c3 * im + s3 * re


@njit(cache=True, nogil=True)
def _finish_fours(a: F64, b: F64) -> None:
    """Factor 4 of the FFT, the last: eight sequences of 4 become 32 values."""
    m = a.shape[1]
    for h in range(8):
        i = 4 * h
        for j in range(m):
            sum_, dif = a[i, j] + a[i + 3, j], a[i, j] - a[i + 3, j]
            re, im = 2.0 * a[i + 1, j], 2.0 * a[i + 2, j]
            b[h, j] = sum_ + re
            b[h + 8, j] = dif - im
            b[h + 16, j] = sum_ - re
            b[h + 24, j] = dif + im


@njit(cache=True, nogil=True)
def _dct32(a: F64, b: F64, low: int) -> None:
    """Put the `low` lowest DCT-II coefficients of each column of `a` into its first rows; both (32, m), `b` scratch."""
    m = a.shape[1]
    # The input of a real inverse FFT: neighbours become real and imaginary parts.
    for j in range(m):
        a[0, j] *= 2.0
        a[_N - 1, j] *= 2.0
    for k in range(1, _N - 1, 2):
        for j in range(m):
            u, v = a[k, j], a[k + 1, j]
            a[k, j] = v + u
            a[k + 1, j] = v - u
    _split_by_two(a, b)
    _split_by_four(b, a)
    _finish_fours(a, b)
    # A DCT of type II is off by half a sample: rotate each pair of values back. Coefficient 0 needs no rotation.
    for j in range(m):
        a[0, j] = b[0, j]
    for k in range(1, low):
        c, s = _DCT_ROOTS[k], _DCT_ROOTS[_N - k]
        for j in range(m):
            u, v = b[k, j], b[_N - k, j]
            a[k, j] = 0.5 * ((c * v + s * u) + (c * u - s * v))


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
    columns, rows = np.empty((_N, _N)), np.empty((_N, _LOW))
    scratch = np.empty((_N, _N))
    for y in range(_N):
        for x in range(_N):
            columns[y, x] = thumbnail[y, x]
    _dct32(columns, scratch, _LOW)
    for x in range(_N):
        for y in range(_LOW):
            rows[x, y] = columns[y, x]
    _dct32(rows, scratch, _LOW)
    out = np.empty((_LOW, _LOW))
    for y in range(_LOW):
        for x in range(_LOW):
            out[y, x] = rows[x, y]
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
    rows, scratch = np.empty((_N, _LOW)), np.empty((_N, _LOW))  # a row of the thumbnail is a column here
    for y in range(_LOW):
        for x in range(_N):
            rows[x, y] = thumbnail[y, x]
    _dct32(rows, scratch, _LOW + 1)
    # NumPy adds 64 values in eight strands, here the frequencies, and then adds the strands in pairs.
    strands = np.zeros(_LOW + 1)
    for k in range(1, _LOW + 1):
        for y in range(_LOW):
            strands[k] += rows[k, y]
    left = (strands[1] + strands[2]) + (strands[3] + strands[4])
    mean = (left + ((strands[5] + strands[6]) + (strands[7] + strands[8]))) / 64.0
    return rows[1 : _LOW + 1].T.copy(), mean


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
