"""What pixels say of a picture's history: whether it was enlarged, and whether something plain was put around it.

An enlarged copy has more pixels than its source, and shows no more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fingerprint.kernels.resample import lanczos_weights, resample
from fingerprint.types import F64, U8

#: Left, top, right and bottom of a part of a picture, in its pixels.
Box: TypeAlias = tuple[float, float, float, float]

_NEAR_GREY = 3  # grey values within which pixels count as the same
_STRIP = 4  # pixels inside a box in which it is looked at whether what is plain goes on
_GOES_ON = 0.2  # share of them from which on it does; pictures in borders have less than 0.1, 19 of 20
_TILE = 128  # pixels
_MOST_TILES = 4  # each way
_BINS = 32  # of spatial frequency, up to the highest that the pixels can have
#: Enlargements that are looked for, as the part of the frequencies that the source had: 3, 2 and 1.5 times.
_CUTS = (1 / 3, 1 / 2, 2 / 3)
#: Photographs have nearly the same power in each octave. Above the cut an enlarged one has at most this part of it.
_DROP = 0.14
_CLEARLY = 2.5  # how many times the power above a cut that enlarged copies have is in their sources, at least
_NO_DROPS = (1.0,) * len(_CUTS)
_FINEST = (0.6, 0.92)  # of the frequencies of the smaller of two copies, where enlarging takes most
_GAIN = 1.05  # how much more of these a source has than what was made from it by enlarging, at least
_IN_STEP = 0.85  # their coherence, at least; compression leaves less between an original and its smaller copy


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
    return share_of(drops(grey))


def drops(grey: U8) -> tuple[float, ...]:
    """Return the power above each cut, as a part of that below it: for each enlargement that is looked for.

    Parameters
    ----------
    grey : uint8 array, shape (h, w)
        The picture at its full size.
    """
    if min(grey.shape) < _BINS:
        return _NO_DROPS  # too few pixels for a spectrum
    frequency = (np.arange(_BINS) + 0.5) / _BINS
    power = _spectrum(grey) * frequency**2
    found = []
    for cut in _CUTS:
        above = float(power[(frequency > 1.05 * cut) & (frequency <= min(1.0, 1.5 * cut))].mean())
        below = float(power[(frequency > 0.5 * cut) & (frequency <= 0.85 * cut)].mean())
        found.append(above / below if below > 0 else 1.0)
    return tuple(found)


def share_of(found: Sequence[float]) -> float:
    """Return what `detail_share` makes of the drops of a picture."""
    return next((cut for cut, drop in zip(_CUTS, found, strict=True) if drop < _DROP), 1.0)


def shows_no_more(found: Sequence[float], other: Sequence[float]) -> bool:
    """Return whether a picture of the same size shows no more than one that may have been enlarged.

    Compressing adds some power everywhere. So a blurred photograph may fall below the limit and its copy not, though
    nothing was added to what it shows.

    Parameters
    ----------
    found : sequence of float
        The drops of the one that may have been enlarged.
    other : sequence of float
    """
    pairs = zip(found, other, strict=True)
    return all(of_other < max(_DROP, _CLEARLY * own) for own, of_other in pairs if own < _DROP)


def was_enlarged(large: U8, small: U8) -> bool:
    """Return whether the larger of two copies of one picture was made by enlarging the smaller one.

    The larger one is reduced to the size of the other. If it was made from that one, interpolation has taken some of
    the finest detail, and what is left is in step with it. If the smaller one was made from the larger, it has no more
    detail, and what reducing and compressing did to it is not in step.

    Parameters
    ----------
    large, small : uint8 arrays, shapes (h, w) and (k, l)
        Both show the same whole picture.
    """
    if large.shape[0] < small.shape[0] or large.shape[1] < small.shape[1] or min(small.shape) < _BINS:
        return False
    height, width = small.shape
    columns, rows = (lanczos_weights(n, n, m) for n, m in ((large.shape[1], width), (large.shape[0], height)))
    reduced = resample(np.ascontiguousarray(large), *columns, *rows)
    power, of_small, common = _spectra(reduced, small)
    frequency = (np.arange(_BINS) + 0.5) / _BINS
    finest = (frequency > _FINEST[0]) & (frequency <= _FINEST[1])
    own, other, both = (float(part[finest].mean()) for part in (power, of_small, common))
    return both > _GAIN * own and both > _IN_STEP * math.sqrt(own * other)


def plain_share(grey: U8, size: tuple[int, int], boxes: Sequence[Box]) -> float:
    """Return how plain a picture is outside some boxes, as are borders, bars of text, and the pages of screenshots.

    A sky, a wall or the ground of a studio is plain, too, but does not end where a box begins: then it is no border.

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
        Largest share of the pixels outside that are nearly of one grey value; 0 if there are none, or if what is plain
        goes on within the boxes.
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
    together = np.convolve(counts, np.ones(2 * _NEAR_GREY + 1, np.int64), "same")
    within = grey[_just_inside(outside)].astype(np.int64)
    if within.size and np.mean(np.abs(within - together.argmax()) <= _NEAR_GREY) > _GOES_ON:
        return 0.0
    return float(together.max() / counts.sum())


def _just_inside(outside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels of a strip along the edges of what is inside, without those next to it, which are blurred."""
    near = _grown(outside, 1)
    return np.logical_and(_grown(near, _STRIP), ~near)


def _grown(region: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    """Return a region with the pixels that lie within so many steps of it."""
    grown = region
    for _ in range(by):
        known, grown = grown, grown.copy()
        grown[1:] |= known[:-1]
        grown[:-1] |= known[1:]
        grown[:, 1:] |= known[:, :-1]
        grown[:, :-1] |= known[:, 1:]
    return grown


def _spectrum(grey: U8) -> F64:
    """Return the mean power by spatial frequency: float64 array, shape (_BINS,)."""
    return _by_frequency(grey, [np.abs(waves) ** 2 for waves in _waves(grey)])


def _spectra(first: U8, second: U8) -> tuple[F64, F64, F64]:
    """Return the power of two pictures of one size by spatial frequency, and what both have in step."""
    common = [(a * b.conj()).real for a, b in zip(_waves(first), _waves(second), strict=True)]
    return _spectrum(first), _spectrum(second), _by_frequency(first, common)


def _waves(grey: U8) -> Iterator[NDArray[np.complex128]]:
    """Yield the Fourier transforms of tiles of a picture."""
    side = min(_TILE, *grey.shape)
    window = np.outer(np.hanning(side), np.hanning(side))
    for y in _places(grey.shape[0], side):
        for x in _places(grey.shape[1], side):
            tile = grey[y : y + side, x : x + side].astype(np.float64)
            yield np.fft.rfft2((tile - tile.mean()) * window)


def _by_frequency(grey: U8, values: Sequence[F64]) -> F64:
    """Return the mean of what there is for each wave of the tiles, by spatial frequency: shape (_BINS,)."""
    side = min(_TILE, *grey.shape)
    frequencies = 2 * np.maximum(np.abs(np.fft.fftfreq(side))[:, None], np.fft.rfftfreq(side)[None, :])
    bins = np.minimum((frequencies * _BINS).astype(np.int64), _BINS - 1).ravel()
    total = np.zeros(_BINS)
    for tile in values:
        total += np.bincount(bins, tile.ravel(), _BINS)
    return total / np.maximum(np.bincount(bins, minlength=_BINS), 1)


def _places(length: int, side: int) -> list[int]:
    """Return where tiles begin along a line: evenly from the first to the last pixel."""
    n = min(_MOST_TILES, max(1, length // side))
    return [int(place) for place in np.linspace(0, length - side, n)]
