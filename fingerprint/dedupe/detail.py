"""What pixels say of a picture's history: whether it was enlarged, and whether something plain was put around it.

An enlarged copy has more pixels than its source, and shows no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from fingerprint.types import F64, U8

#: Left, top, right and bottom of a part of a picture, in its pixels.
Box: TypeAlias = tuple[float, float, float, float]

_NEAR_GREY = 3  # grey values within which pixels count as the same
_TILE = 128  # pixels
_MOST_TILES = 4  # each way
_BINS = 32  # of spatial frequency, up to the highest that the pixels can have
#: Enlargements that are looked for, as the part of the frequencies that the source had: 3, 2 and 1.5 times.
_CUTS = (1 / 3, 1 / 2, 2 / 3)
#: Photographs have nearly the same power in each octave. Above the cut an enlarged one has at most this part of it.
_DROP = 0.14


def detail_share(grey: U8) -> float:
    """Return which part of its pixels along a line a picture needs for what it shows: 1, or less if it was enlarged.

    The power of an enlarged picture drops where the frequencies of its source end. A blurred photograph has such a
    drop, too: it could be reduced without a loss.

    Parameters
    ----------
    grey : uint8 array, shape (h, w)
        The picture at its full size.

    Returns
    -------
    float
        1, 2/3, 1/2 or 1/3.
    """
    if min(grey.shape) < _BINS:
        return 1.0  # too few pixels for a spectrum
    spectrum = _spectrum(grey)
    frequency = (np.arange(_BINS) + 0.5) / _BINS
    power = spectrum * frequency**2
    for cut in _CUTS:
        above = power[(frequency > 1.05 * cut) & (frequency <= min(1.0, 1.5 * cut))].mean()
        below = power[(frequency > 0.5 * cut) & (frequency <= 0.85 * cut)].mean()
        if above < _DROP * below:
            return cut
    return 1.0


def plain_share(grey: U8, size: tuple[int, int], boxes: Sequence[Box]) -> float:
    """Return how plain a picture is outside some boxes, as are borders, bars of text, and the pages of screenshots.

    Parameters
    ----------
    grey : uint8 array, shape (h, w)
        The picture at any size.
    size : (int, int)
        Width and height that the boxes refer to.
    boxes : sequence of Box

    Returns
    -------
    float, [0, 1]
        Largest share of the pixels outside that are nearly of one grey value; 0 if there are none.
    """
    outside = np.ones(grey.shape, np.bool_)
    scale_x, scale_y = grey.shape[1] / size[0], grey.shape[0] / size[1]
    for left, top, right, bottom in boxes:
        rows = slice(max(0, int(top * scale_y)), max(0, round((bottom + 1) * scale_y)))
        columns = slice(max(0, int(left * scale_x)), max(0, round((right + 1) * scale_x)))
        outside[rows, columns] = False
    counts = np.bincount(grey[outside], minlength=256)
    if not counts.sum():
        return 0.0
    together = np.convolve(counts, np.ones(2 * _NEAR_GREY + 1, np.int64))
    return float(together.max() / counts.sum())


def _spectrum(grey: U8) -> F64:
    """Return the mean power by spatial frequency: float64 array, shape (_BINS,)."""
    side = min(_TILE, *grey.shape)
    window = np.hanning(side)
    frequencies = 2 * np.maximum(np.abs(np.fft.fftfreq(side))[:, None], np.fft.rfftfreq(side)[None, :])
    bins = np.minimum((frequencies * _BINS).astype(np.int64), _BINS - 1).ravel()
    power = np.zeros(_BINS)
    for y in _places(grey.shape[0], side):
        for x in _places(grey.shape[1], side):
            tile = grey[y : y + side, x : x + side].astype(np.float64)
            waves = np.abs(np.fft.rfft2((tile - tile.mean()) * np.outer(window, window))) ** 2
            power += np.bincount(bins, waves.ravel(), _BINS)
    return power / np.maximum(np.bincount(bins, minlength=_BINS), 1)


def _places(length: int, side: int) -> list[int]:
    """Return where tiles begin along a line: evenly from the first to the last pixel."""
    n = min(_MOST_TILES, max(1, length // side))
    return [int(place) for place in np.linspace(0, length - side, n)]
