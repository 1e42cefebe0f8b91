"""Kernels of what a hash is worth: how many bits it takes to write down those of its bits that are not rounding.

A picture of two flat halves has bits that no edit changes, and yet says next to nothing: one edge decides all of them,
and every picture with such an edge has the same hash. So two things are measured. A bit is decided if what it compares
differs by more than re-compression and scaling change it (see benchmarks/README.md). The information is the length of
the shortest description of the decided bits, among those that fit simple pictures:

- bits that are as their neighbour to the left, above, or diagonally above, or as two of these together, say (stripes,
  flat parts),
- bits that differ from their neighbours only at corners (rectangles, frames, quarters),
- rows that are all as the first one, or its negative (stripes and chequers of any width),
- bits that lie on one side of a straight line (halves and ramps in any direction).

Each description counts how often it is wrong, and is charged for that as by an adaptive coder, which needs no
probabilities from elsewhere. Equal bits are charged 4 bits in all, random ones about one bit each.

References
----------
R. Krichevsky, V. Trofimov, "The performance of universal encoding", IEEE Trans. Information Theory 27, 1981.
J. Rissanen, "Modeling by shortest data description", Automatica 14, 1978.
"""

from __future__ import annotations

import math

import numpy as np

from fingerprint.kernels.blocks import (
    block_mean256,
    block_mean256_of_means,
    block_sums,
    colour_hash_of_counts,
    count_colours,
    whash64,
)
from fingerprint.kernels.compiled import njit
from fingerprint.kernels.hashing import (
    above,
    ahash64,
    dhash64,
    dhash_vertical64,
    low_dct,
    median64,
    simple_dct,
)
from fingerprint.types import F64, I64, U8, U64

#: How far re-compression and scaling move what a bit compares, in about 99 of 100 cases.
_GREY_STEP = 1  # a grey value of a thumbnail, rounded to whole numbers
_MEAN_STEP = 0.4  # the mean of a block, not rounded
_COEFFICIENT_STEP = 150.0  # a coefficient of `low_dct`
_ROW_STEP = 11.0  # a coefficient of `simple_dct`
_AMOUNT_STEP = 0.1  # an amount of a colour, in eighths

_MOST_BITS = 256
_N_SIMPLE = 8  # descriptions by other cells


def _charges() -> tuple[F64, F64]:
    """Return the sums of log2(i + 1/2) and of log2(i + 1) over i < k, for k from 0 to 256."""
    i = np.arange(_MOST_BITS)
    return (
        np.concatenate([[0.0], np.cumsum(np.log2(i + 0.5))]),
        np.concatenate([[0.0], np.cumsum(np.log2(i + 1.0))]),
    )


def _sweeps(side: int) -> I64:
    """Return the cells of a square in the order in which a line passes over them, for lines of several directions.

    Returns
    -------
    int64 array, shape (n_directions, side * side)
        Cells in reading order; directions go up to 4 steps across for 1 down.
    """
    y, x = np.divmod(np.arange(side * side), side)
    steps = [(dx, dy) for dx in range(5) for dy in range(-4, 5) if math.gcd(dx, dy) == 1 and (dx > 0 or dy > 0)]
    return np.array([np.argsort(dx * x + dy * y, kind="stable") for dx, dy in steps], np.int64)


_HALVES, _WHOLES = _charges()
_SWEEPS_8, _SWEEPS_16 = _sweeps(8), _sweeps(16)


@njit(cache=True, nogil=True)
def _charge(n_zeros: int, n_ones: int) -> float:
    """Return the bits that an adaptive coder takes for so many zeros and ones, in any order."""
    return float(_WHOLES[n_zeros + n_ones] - _HALVES[n_zeros] - _HALVES[n_ones])


@njit(cache=True, nogil=True)
def by_other_cells(bits: U8, decided: U8) -> float:
    """Return the length of the shortest description by other cells; see `information`."""
    n = bits.shape[0]
    counts = np.zeros((_N_SIMPLE, 4, 2), np.int64)  # by description, by what it looks at, by the bit
    for y in range(n):
        for x in range(n):
            if not decided[y, x]:
                continue
            bit = bits[y, x]
            left = bits[y, x - 1] if x else 0
            above = bits[y - 1, x] if y else 0
            corner = bits[y - 1, x - 1] if x and y else 0
            other = bits[y - 1, x + 1] if y and x + 1 < n else 0
            counts[0, 0, bit] += 1
            counts[1, left, bit] += 1
            counts[2, above, bit] += 1
            counts[3, corner, bit] += 1
            counts[4, other, bit] += 1
            counts[5, 2 * left + above, bit] += 1
            counts[6, 0, bit ^ left ^ above ^ corner] += 1
            within = x and y
            counts[7, 1 if within else 0, bit ^ bits[y, 0] ^ bits[0, x] ^ bits[0, 0] if within else bit] += 1
    shortest = np.inf
    for description in range(_N_SIMPLE):
        length = 0.0
        for seen in range(4):
            length += _charge(counts[description, seen, 0], counts[description, seen, 1])
        shortest = min(shortest, length)
    return shortest


@njit(cache=True, nogil=True)
def by_a_line(bits: U8, decided: U8) -> float:
    """Return the length of the description by the best straight line; see `information`."""
    n_cells = bits.size
    flat, known = bits.ravel(), decided.ravel()
    sweeps = _SWEEPS_8 if bits.shape[0] == 8 else _SWEEPS_16
    n_decided = n_ones = 0
    for cell in range(n_cells):
        n_decided += known[cell]
        n_ones += known[cell] & flat[cell]
    fewest = min(n_ones, n_decided - n_ones)
    for direction in range(sweeps.shape[0]):
        wrong = n_ones  # if cells that the line has passed are 1 and the others 0
        for place in range(n_cells):
            cell = sweeps[direction, place]
            if known[cell]:
                wrong += -1 if flat[cell] else 1
            fewest = min(fewest, wrong, n_decided - wrong)
    return math.log2(sweeps.size) + _charge(n_decided - fewest, fewest)


@njit(cache=True, nogil=True)
def information(bits: U8, decided: U8) -> float:
    """Return how many bits describe the decided bits of a hash.

    Parameters
    ----------
    bits : uint8 array, shape (8, 8) or (16, 16)
        The hash in reading order, 0 or 1.
    decided : uint8 array, of the same shape
        1 where a bit stands on more than rounding.

    Returns
    -------
    float
        0 if no bit is decided; about the number of bits if they are random.
    """
    return min(by_other_cells(bits, decided), by_a_line(bits, decided))


@njit(cache=True, nogil=True)
def _of_values(values: F64, threshold: float, step: float) -> float:
    """Return the information in which `values`, (8, 8) or (16, 16), exceed a threshold by more than a step."""
    bits, decided = np.empty(values.shape, np.uint8), np.empty(values.shape, np.uint8)
    for y in range(values.shape[0]):
        for x in range(values.shape[1]):
            bits[y, x] = values[y, x] > threshold
            decided[y, x] = abs(values[y, x] - threshold) > step
    return information(bits, decided)


@njit(cache=True, nogil=True)
def measured_phash(thumbnail: U8) -> tuple[np.uint64, float]:
    """Return the pHash of a thumbnail, uint8 (32, 32), and its information."""
    values = low_dct(thumbnail)
    median = median64(values)
    return above(values, median), _of_values(values, median, _COEFFICIENT_STEP)


@njit(cache=True, nogil=True)
def measured_phash_simple(thumbnail: U8) -> tuple[np.uint64, float]:
    """Return the simple pHash of a thumbnail, uint8 (32, 32), and its information."""
    values, mean = simple_dct(thumbnail)
    return above(values, mean), _of_values(values, mean, _ROW_STEP)


@njit(cache=True, nogil=True)
def measured_dhash(thumbnail: U8) -> tuple[np.uint64, float]:
    """Return the horizontal dHash of a thumbnail, uint8 (8, 9), and its information."""
    steps = thumbnail[:, 1:].astype(np.float64) - thumbnail[:, :-1].astype(np.float64)
    return dhash64(thumbnail), _of_values(steps, 0.0, _GREY_STEP)


@njit(cache=True, nogil=True)
def measured_dhash_vertical(thumbnail: U8) -> tuple[np.uint64, float]:
    """Return the vertical dHash of a thumbnail, uint8 (9, 8), and its information."""
    steps = thumbnail[1:].astype(np.float64) - thumbnail[:-1].astype(np.float64)
    return dhash_vertical64(thumbnail), _of_values(steps, 0.0, _GREY_STEP)


@njit(cache=True, nogil=True)
def measured_ahash(thumbnail: U8) -> tuple[np.uint64, float]:
    """Return the aHash of a thumbnail, uint8 (8, 8), and its information."""
    values = thumbnail.astype(np.float64)
    return ahash64(thumbnail), _of_values(values, values.sum() / 64.0, _GREY_STEP)


@njit(cache=True, nogil=True)
def measured_whash(thumbnail: U8) -> tuple[np.uint64, float]:
    """Return the wavelet hash of a thumbnail, uint8 (s, s), s a power of two, at least 8; and its information."""
    side = thumbnail.shape[0] // 8
    means = block_sums(thumbnail, side) / (side * side)
    ordered = np.sort(means)
    median = (ordered[31] + ordered[32]) / 2.0
    return whash64(thumbnail), _of_values(means.reshape(8, 8), median, _MEAN_STEP)


@njit(cache=True, nogil=True)
def measured_block_mean(thumbnail: U8) -> tuple[U64, float]:
    """Return the block mean hash of a thumbnail, uint8 (256, 256), and its information."""
    means = block_sums(thumbnail, 16) / 256.0
    return block_mean256(thumbnail), _of_values(means.reshape(16, 16), means.mean(), _MEAN_STEP)


@njit(cache=True, nogil=True)
def measured_block_mean_of_means(means: F64) -> tuple[U64, float]:
    """Return the block mean hash of a picture from the means of its blocks, (16, 16), and its information."""
    return block_mean256_of_means(means), _of_values(means, means.mean(), _MEAN_STEP)


@njit(cache=True, nogil=True)
def measured_colour_hash(luma: U8, hsv: U8) -> tuple[np.uint64, float]:
    """Return the colour hash of a picture, from luma (h, w) and Pillow's HSV (h, w, 3), uint8; and its information.

    That is: how much is black, grey and coloured, which of twelve hues there are, and how much of each. The amounts add
    up to the whole, so one of them is known from the others, and an amount at the edge of an eighth says nothing.
    """
    counts = count_colours(luma, hsv)
    pixels = counts.sum()
    coloured = pixels - counts[0] - counts[1]
    parts = np.array([counts[0], counts[1], coloured]) * 8.0 / pixels
    known = _of_amounts(parts)[1]
    if parts[2] > _AMOUNT_STEP:
        n_hues, amounts = _of_amounts(counts[2:14] * 8.0 / coloured)
        choices = 1.0
        for i in range(n_hues):
            choices *= (12.0 - i) / (1.0 + i)
        known += math.log2(choices) + amounts
    return colour_hash_of_counts(counts), known


@njit(cache=True, nogil=True)
def _of_amounts(eighths: F64) -> tuple[int, float]:
    """Return how many of the amounts are not 0, and the information in bits of how large they are."""
    n_present, n_decided = 0, 0
    for amount in eighths:
        if amount >= 1.0 - _AMOUNT_STEP:
            n_present += 1
            n_decided += abs(amount - np.rint(amount)) > _AMOUNT_STEP
    return n_present, 3.0 * max(min(n_decided, n_present - 1), 0)
