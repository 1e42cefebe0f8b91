"""How much compression a picture went through before it was saved as it is, by its pixels.

A JPEG rounds the cosine transform of each 8 x 8 pixels to multiples of a step for each frequency. Saved again with less
loss, drawn on, mirrored, or kept as PNG, a picture still has its coefficients near these multiples. Where the step of
the last time is nearly as large, some of its multiples are missing, as none of the multiples of before is near them. So
an edited copy is known to have no more quality than what it was made from. Scaled or turned a little, it says nothing.

References
----------
Fan and de Queiroz, *Identification of bitmap compression history: JPEG detection and quantizer estimation*, IEEE
Transactions on Image Processing, 2003; Lukáš and Fridrich, *Estimation of primary quantization matrix in double
compressed JPEG images*, DFRWS 2003 (the missing multiples).
"""

from __future__ import annotations

import numpy as np

from fingerprint.images.origin import LUMA_STEPS, quality_of_percent
from fingerprint.types import F64, U8

_SIDE = 8  # pixels of a block
_MOST_BLOCKS = 4096  # that are looked at, evenly over the picture
#: Rows and columns of the lowest frequencies but the mean, in the order of a JPEG's tables (zigzag), from 1 on.
_FREQUENCIES = ((0, 1), (1, 0), (2, 0), (1, 1), (0, 2), (0, 3), (1, 2), (2, 1), (3, 0), (4, 0), (3, 1), (2, 2))
_STEPS = range(40, 2, -1)  # smaller ones are lost in rounding
_NEAR = 0.35  # mean squared distance from the nearest multiple, of that of numbers at random, below which it is a step
_LEAST_COEFFICIENTS = 40  # that are not rounded to 0, for a step to be believed
_LEAST_FREQUENCIES = 6  # with a step, for a quality to be believed
_MOST_MULTIPLES = 24  # of a step, among which missing ones are looked for
_MISSING = 0.3  # share of the coefficients that multiples have, of what those beside them have, below which they miss
_LEAST_MISSING = 100  # coefficients that missing multiples would have, to be believed
_NEAR_HALF = 0.06  # parts of a step within which a multiple may be rounded up or down
_COARSER, _LEAST_COARSER = 1.08, 4  # how much larger an earlier step is, and at how many frequencies, to be believed


def pixel_quality(grey: U8) -> int | None:
    """Return the lowest quality, as of libjpeg, with which a picture was saved as a JPEG before.

    Parameters
    ----------
    grey : uint8 array, shape (h, w)
        The picture at its full size.

    Returns
    -------
    int or None
        1 to 100; None if no steps are found: it was never a JPEG, was scaled since, or is too small or plain to say.
    """
    # blocks begin at the corner that was the upper left one when it was saved; in whole blocks, that is any of them
    down, across = ((1, -1) if length % _SIDE else (1,) for length in grey.shape)
    found = [_quality_in(grey[::y, ::x]) for y in down for x in across]
    return min((quality for quality in found if quality is not None), default=None)


def _quality_in(grey: U8) -> int | None:
    """Return the lowest quality of a picture whose blocks begin at its upper left corner."""
    last: list[float] = []  # steps in percent of the standard's, of the last time
    earlier: list[float] = []  # those that are larger, of a time before
    for number, values in enumerate(_coefficients(grey), start=1):
        sizes = np.sort(np.abs(values))
        step = _step_of(sizes)
        if step is not None:
            percent = 100 / LUMA_STEPS[number]
            last.append(percent * step)
            before = _earlier_step(sizes, step)
            earlier += [percent * before] if before > _COARSER * step else []
        if len(last) + len(_FREQUENCIES) - number < _LEAST_FREQUENCIES:
            return None
    return quality_of_percent(float(np.median(earlier if len(earlier) >= _LEAST_COARSER else last)))


def _coefficients(grey: U8) -> F64:
    """Return the cosine transform of the blocks at `_FREQUENCIES`: float64 array, shape (len(_FREQUENCIES), n)."""
    rows, columns = (length // _SIDE for length in grey.shape)
    tiles = grey[: rows * _SIDE, : columns * _SIDE].reshape(rows, _SIDE, columns, _SIDE).transpose(0, 2, 1, 3)
    whole = tiles.reshape(-1, _SIDE, _SIDE)
    blocks = whole[:: max(1, -(-len(whole) // _MOST_BLOCKS))].astype(np.float64) - 128
    k, n = np.arange(_SIDE)[:, None], np.arange(_SIDE)[None, :]
    basis = np.cos((2 * n + 1) * k * np.pi / (2 * _SIDE)) * np.where(k == 0, np.sqrt(1 / _SIDE), np.sqrt(2 / _SIDE))
    transformed = basis @ blocks @ basis.T
    return np.stack([transformed[:, row, column] for row, column in _FREQUENCIES])


def _step_of(sizes: F64) -> int | None:
    """Return the largest step that coefficients, by ascending size, are near multiples of; None if there is none."""
    for step in _STEPS:
        multiples = sizes[np.searchsorted(sizes, step / 2 + 0.5) :] / step
        if len(multiples) >= _LEAST_COEFFICIENTS and 12 * np.mean((multiples - np.rint(multiples)) ** 2) < _NEAR:
            return step
    return None


def _earlier_step(sizes: F64, step: int) -> int:
    """Return the largest step of an earlier time, up to twice the last one, that explains missing multiples of it.

    The last step is returned if none does.
    """
    counts = np.bincount(np.rint(sizes / step).astype(np.int64), minlength=_MOST_MULTIPLES + 1)[: _MOST_MULTIPLES + 1]
    beside = (counts[:-2] + counts[2:]) / 2  # of the multiples from 1 on
    for before in range(min(_STEPS[0], 2 * step), step, -1):
        places = np.arange(_MOST_MULTIPLES + 1) * before / step
        possible = np.zeros(int(places[-1]) + 2, np.bool_)
        for shift in (-_NEAR_HALF, _NEAR_HALF):
            possible[np.maximum(np.rint(places + shift), 0).astype(np.int64)] = True
        missing = ~possible[1:_MOST_MULTIPLES]
        missing[0] = False  # those beside the first one have far more, and far fewer
        expected = float(beside[missing].sum())
        if expected >= _LEAST_MISSING and counts[1:-1][missing].sum() < _MISSING * expected:
            return before
    return step
