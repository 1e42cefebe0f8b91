"""Kernels of the hashes that count or average over parts of a picture: wavelet, block mean and colour hash.

Bits are packed in reading order, the first one most significant. So in 16 hexadecimal digits (64 for `block_mean256`,
11 for `colour_hash42`) a hash reads as `imagehash` writes it.

The wavelet hash says which of 8 x 8 blocks are brighter than their median. `imagehash` computes it by a Haar transform
down to a single coefficient, which it drops, and then back up and down again. In exact arithmetic this only removes the
mean, so integer sums of the blocks give the same bits. They do in floating point too, unless two sums are equal at the
median: different sums lie further apart than the transforms can err (for a side of ``s`` pixels the coefficients are at
least 0.01 / s from the median, with an error of at most some 1e-14 * s). If they are equal, as on drawings, stripes and
flat margins, only rounding decides. Then `whash64` does the transforms in the order of PyWavelets: columns before rows
on the way down, rows before columns on the way up, each product rounded.

References
----------
A. Haar, "Zur Theorie der orthogonalen Funktionensysteme", Mathematische Annalen 69, 1910.
B. Yang, F. Gu, X. Niu, "Block mean value based image perceptual hashing", IIH-MSP, 2006.
"""

from __future__ import annotations

import math

import numpy as np

from fingerprint.kernels.compiled import njit
from fingerprint.types import F64, I64, U8, U64

_ONE = np.uint64(1)
_ROOT = math.sqrt(0.5)  # the only coefficient of the Haar filters

_BLACK, _GREY, _FAINT, _BRIGHT, _NOWHERE = 0, 1, 2, 8, 14  # the colour hash's counters: the first of each kind


def _counter_table() -> tuple[U8, U8]:
    """Return the kind of a pixel by its saturation, and its counter by its kind and hue.

    Returns
    -------
    uint8 array, shape (256,)
        Kind by saturation, 1 to 4; kind 0 is for black.
    uint8 array, shape (5, 256)
        Counter by kind and hue, 0 to 14.
    """
    kinds = np.full(256, 3, np.uint8)
    kinds[:85], kinds[85:170], kinds[170] = 1, 2, 4
    hue_bin = np.minimum(np.arange(256) * 2 // 85, 5)  # six bins of 42.5; the last includes both its ends
    counters = np.empty((5, 256), np.uint8)
    counters[:] = np.array([_BLACK, _GREY, _FAINT, _BRIGHT, _NOWHERE])[:, None]
    counters[2:4] += hue_bin.astype(np.uint8)
    return kinds, counters


_KIND, _COUNTER = _counter_table()


# --- Wavelet hash -----------------------------------------------------------------------------------------------------


@njit(cache=True, nogil=True)
def _haar_down(a: F64) -> None:
    """Haar transform of `a` in place; shape (n, n), n a power of two.

    The coefficients of a 2 x 2 block replace it: upper left the average, which the next level works on, upper right the
    horizontal, lower left the vertical and lower right the diagonal detail. In the end ``a[0, 0]`` is the mean times
    ``n``.
    """
    n, step = a.shape[0], 1
    while step < n:
        for y in range(0, n, 2 * step):
            for x in range(0, n, 2 * step):
                upper, lower = _ROOT * a[y, x], _ROOT * a[y + step, x]
                low_0, high_0 = lower + upper, upper - lower
                upper, lower = _ROOT * a[y, x + step], _ROOT * a[y + step, x + step]
                low_1, high_1 = lower + upper, upper - lower
                a[y, x] = _ROOT * low_1 + _ROOT * low_0
                a[y, x + step] = _ROOT * low_0 - _ROOT * low_1
                a[y + step, x] = _ROOT * high_1 + _ROOT * high_0
                a[y + step, x + step] = _ROOT * high_0 - _ROOT * high_1
        step *= 2


@njit(cache=True, nogil=True)
def _haar_up(a: F64) -> None:
    """Invert `_haar_down` in place, up to rounding; shape (n, n), n a power of two."""
    n = a.shape[0]
    step = n // 2
    while step > 0:
        for y in range(0, n, 2 * step):
            for x in range(0, n, 2 * step):
                average, detail = _ROOT * a[y, x], _ROOT * a[y, x + step]
                low_0, low_1 = _ROOT * (average + detail), _ROOT * (average - detail)
                average, detail = _ROOT * a[y + step, x], _ROOT * a[y + step, x + step]
                high_0, high_1 = _ROOT * (average + detail), _ROOT * (average - detail)
                a[y, x] = low_0 + high_0
                a[y, x + step] = low_1 + high_1
                a[y + step, x] = low_0 - high_0
                a[y + step, x + step] = low_1 - high_1
        step //= 2


@njit(cache=True, nogil=True)
def _load(thumbnail: U8, top: int, left: int, tile: F64) -> None:
    """Fill `tile` (n, n) with the grey values in [0, 1] from ``thumbnail[top, left]`` on."""
    for y in range(tile.shape[0]):
        line, into = thumbnail[top + y, left : left + tile.shape[1]], tile[y]
        for x in range(into.size):
            into[x] = line[x] / 255.0


@njit(cache=True, nogil=True)
def low_haar(thumbnail: U8) -> F64:
    """Return the Haar averages of 8 x 8 blocks with the mean removed, rounded as by PyWavelets.

    No Haar coefficient reaches beyond its block. So each block is transformed down, up and down again by itself, in a
    buffer that is a 64th of the thumbnail; only the 8 x 8 averages combine blocks.

    Parameters
    ----------
    thumbnail : uint8 array, shape (s, s)
        Grey values; s a power of two, at least 8.

    Returns
    -------
    float64 array, shape (8, 8)
        Averages times ``s / 8``, of grey values in [0, 1]; equal to the last bit to the approximation that PyWavelets
        has after ``wavedec2``, zeroing the last approximation, ``waverec2`` and ``wavedec2`` down to 8 x 8.
    """
    side = thumbnail.shape[0] // 8
    tile, low = np.empty((side, side)), np.empty((8, 8))
    for y in range(8):
        for x in range(8):
            _load(thumbnail, y * side, x * side, tile)
            _haar_down(tile)
            low[y, x] = tile[0, 0]
    _haar_down(low)
    low[0, 0] = 0.0
    _haar_up(low)
    for y in range(8):
        for x in range(8):
            _load(thumbnail, y * side, x * side, tile)
            _haar_down(tile)
            tile[0, 0] = low[y, x]
            _haar_up(tile)
            _haar_down(tile)
            low[y, x] = tile[0, 0]
    return low


@njit(cache=True, nogil=True)
def block_sums(image: U8, side: int) -> I64:
    """Return the sums of square blocks in reading order: `image` (h, w), both multiples of `side`; (h * w / side²,)."""
    across = image.shape[1] // side
    sums = np.zeros(image.shape[0] // side * across, np.int64)
    for y in range(image.shape[0]):
        line, first = image[y], y // side * across
        for block in range(across):
            total = np.uint32(0)  # 32 bits, so that vector instructions add more at a time
            for value in line[block * side : (block + 1) * side]:
                total = np.uint32(total + value)
            sums[first + block] += np.int64(total)
    return sums


@njit(cache=True, nogil=True)
def whash64(thumbnail: U8) -> np.uint64:
    """Return the wavelet hash of a thumbnail: which of 8 x 8 blocks are brighter than their median.

    Parameters
    ----------
    thumbnail : uint8 array, shape (s, s)
        Grey values; s a power of two, at least 8.

    Returns
    -------
    uint64
        Packed bits, equal to `imagehash.whash` with its defaults, also where blocks tie.
    """
    sums = block_sums(thumbnail, thumbnail.shape[0] // 8)
    ordered = np.sort(sums)
    bits = np.uint64(0)
    if ordered[31] < ordered[32]:  # no block lies at the median, so rounding does not matter
        for i in range(64):
            bits <<= _ONE
            if sums[i] > ordered[31]:
                bits |= _ONE
        return bits
    values = low_haar(thumbnail).ravel()
    levels = np.sort(values)
    median = (levels[31] + levels[32]) / 2.0
    for i in range(64):
        bits <<= _ONE
        if values[i] > median:
            bits |= _ONE
    return bits


# --- Block mean hash --------------------------------------------------------------------------------------------------


@njit(cache=True, nogil=True)
def _bits_from_mean_on(values: F64) -> U64:
    """Return which of 256 `values` reach their mean, packed into four words: (256,) to (4,)."""
    total = values.copy()
    half = 128
    while half > 0:  # added in pairs, so that the mean of 256 equal values is exact
        for i in range(half):
            total[i] += total[i + half]
        half //= 2
    words = np.zeros(4, np.uint64)
    for i in range(256):
        words[i >> 6] <<= _ONE
        if 256.0 * values[i] >= total[0]:  # times a power of two: exact
            words[i >> 6] |= _ONE
    return words


@njit(cache=True, nogil=True)
def block_mean256(thumbnail: U8) -> U64:
    """Return the block mean hash of a thumbnail: which of 16 x 16 blocks are as bright as their mean, or brighter.

    Parameters
    ----------
    thumbnail : uint8 array, shape (256, 256)
        Grey values.

    Returns
    -------
    uint64 array, shape (4,)
        Packed bits: the first block of the first row is the most significant of word 0. These are the bits of OpenCV's
        ``blockMeanHash`` of mode 0, which writes the first one least significant in each byte. OpenCV compares with
        the mean, the paper with the median.
    """
    sums = block_sums(thumbnail, 16)
    values = np.empty(256)
    for i in range(256):
        values[i] = sums[i]
    return _bits_from_mean_on(values)


@njit(cache=True, nogil=True)
def block_mean256_of_means(means: F64) -> U64:
    """Return the block mean hash of a picture from the means of its blocks.

    Parameters
    ----------
    means : float64 array, shape (16, 16)
        Means of the blocks, [0, 255].

    Returns
    -------
    uint64 array, shape (4,)
        Packed bits, as of `block_mean256`.
    """
    return _bits_from_mean_on(means.ravel())


# --- Colour hash ------------------------------------------------------------------------------------------------------


@njit(cache=True, nogil=True)
def count_colours(luma: U8, hsv: U8) -> I64:
    """Return how many pixels are black, grey, of six faint hues, of six bright ones, and in between; (15,)."""
    counts = np.zeros((4, _NOWHERE + 1), np.int64)  # four sets, so that equal neighbours do not wait for each other
    for y in range(luma.shape[0]):
        for x in range(luma.shape[1]):
            kind = _KIND[hsv[y, x, 1]]
            if luma[y, x] < 32:
                kind = np.uint8(0)
            counts[x & 3, _COUNTER[kind, hsv[y, x, 0]]] += 1
    total = np.empty(_NOWHERE + 1, np.int64)
    for place in range(_NOWHERE + 1):
        total[place] = counts[0, place] + counts[1, place] + counts[2, place] + counts[3, place]
    return total


@njit(cache=True, nogil=True)
def colour_hash42(luma: U8, hsv: U8) -> np.uint64:
    """Return the colour hash of a picture: how much of it is black, how much grey, and how much has which hue.

    Black and grey are counted in eighths of the picture, hues in eighths of the pixels that are neither; seven is the
    most. The bits of an amount `v` are ``v >= 4``, ``v >= 2`` and whether `v` is odd, which is not quite `v` in binary.
    Colours of saturation 170 have no hue, but count as neither black nor grey. Both follow `imagehash`.

    Parameters
    ----------
    luma : uint8 array, shape (h, w)
        Grey values; at least one pixel.
    hsv : uint8 array, shape (h, w, 3)
        Hue, saturation and value, [0, 255] each, as in Pillow.

    Returns
    -------
    uint64
        42 packed bits, those of ``imagehash.colorhash(image, binbits=3)``: three each for black, grey, six hues of
        saturation 85 to 169 and six of 171 and more.
    """
    return colour_hash_of_counts(count_colours(luma, hsv))


@njit(cache=True, nogil=True)
def colour_hash_of_counts(counts: I64) -> np.uint64:
    """Return the colour hash of the counts of `count_colours`; see `colour_hash42`."""
    pixels = counts.sum()
    coloured = max(np.int64(1), pixels - counts[_BLACK] - counts[_GREY])
    bits = np.uint64(0)
    for place in range(_NOWHERE):
        whole = pixels if place < _FAINT else coloured
        amount = min(np.int64(7), 8 * counts[place] // whole)
        bits = bits << np.uint64(3) | np.uint64(amount | (amount >> 1 & 2))
    return bits
