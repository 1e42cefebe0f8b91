"""Insets: pictures within a picture, pasted onto a background, framed, letterboxed or shown on a screen.

The borders of an inset are straight and end at its corners, and the pixels on their two sides are unrelated. The
straight boundaries with the most evidence are combined into rectangles. A logistic model, learned from edited training
images, gives the probability that a rectangle is the region of the source. A probable rectangle is searched for insets
itself, as a screenshot of a framed picture has two.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.special import expit

from fingerprint.kernels.rectangles import (
    best_rectangles,
    best_segments,
    boundary_bins,
    measure_rectangles,
)
from fingerprint.models import InsetModel
from fingerprint.types import F32, F64, I64, RECTANGLE_MEASURES, U8

#: The longer side, in pixels, at which boundaries are looked for.
SEARCH_SIDE = 320

_N_LINES = 24  # in each direction, from which rectangles are made
_N_RECTANGLES = 8
_LEAST_LINE = 6.0  # evidence of a line
_APART = 2  # pixels between two lines
_LEAST_SIDE = 16  # pixels, of a rectangle
_LEAST_PART = 0.1  # of the picture's side, of a rectangle
_CLIP = 4.0  # standard deviations
_N_INSETS = 3
_LEAST_PROBABILITY = 0.03
_OUTER_PROBABILITY = 0.1  # least probability of a region that is searched for insets itself
_INNER_PROBABILITY = 0.15
_INNER_PART = 0.9  # of the outer region's area; a larger inner one is the same region
_N_INNER = 2
_INNER_SIDE = 60  # pixels; least shorter side of a region that is searched for insets itself


@dataclass(frozen=True, slots=True)
class Inset:
    """A rectangle that may show the source of a picture.

    Attributes
    ----------
    left, top, right, bottom : int
        In pixels of the picture that was given; ``pixels[top:bottom, left:right]`` is the region.
    probability : float, (0, 1]
        That this is the region of the source, and not the whole picture or another part of it.
    """

    left: int
    top: int
    right: int
    bottom: int
    probability: float

    def cut(self, pixels: U8) -> U8:
        """Return the region of an array (h, w) or (h, w, c) of the same picture."""
        return np.ascontiguousarray(pixels[self.top : self.bottom, self.left : self.right])


def find_insets(grey: U8, model: InsetModel) -> tuple[Inset, ...]:
    """Find rectangles that may show the source of a picture.

    Parameters
    ----------
    grey : uint8 array, shape (h, w)
    model : InsetModel

    Returns
    -------
    tuple of Inset
        At most 9: the outer ones by falling probability, each after those inside it. Their probabilities need not sum
        to 1. Empty for a picture that is too small.
    """
    found: list[Inset] = []
    for outer in _rank(grey, model)[:_N_INSETS]:
        if outer.probability < _LEAST_PROBABILITY:
            break
        rest = outer.probability
        region = outer.cut(grey)
        if outer.probability >= _OUTER_PROBABILITY and min(region.shape) >= _INNER_SIDE:
            for inner in _rank(region, model)[:_N_INNER]:
                part = (inner.right - inner.left) * (inner.bottom - inner.top) / region.size
                if inner.probability < _INNER_PROBABILITY or part > _INNER_PART:
                    continue
                probability = outer.probability * inner.probability
                rest -= probability
                x, y = outer.left, outer.top
                found.append(Inset(inner.left + x, inner.top + y, inner.right + x, inner.bottom + y, probability))
        if rest > 0:
            found.append(Inset(outer.left, outer.top, outer.right, outer.bottom, rest))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Rectangles:
    """Rectangles in a picture at `SEARCH_SIDE`, and their measures.

    Attributes
    ----------
    boxes : float64 array, shape (n, 4)
        Left, top, right, bottom, in units of the picture's width and height.
    measures : float64 array, shape (n, RECTANGLE_MEASURES)
        See `fingerprint.kernels.rectangles.measure_rectangles`.
    """

    boxes: F64
    measures: F64


def find_rectangles(grey: U8, evidence: F32) -> Rectangles:
    """Find the rectangles with most evidence along their sides.

    Parameters
    ----------
    grey : uint8 array, shape (h, w)
    evidence : float32 array, shape (64,)
        Of each bin of `fingerprint.kernels.rectangles.boundary_bins`.

    Returns
    -------
    Rectangles
        At most 8, most evidence first; none in pictures below 32 pixels.
    """
    small = shrink_for_search(grey)
    height, width = small.shape
    if min(height, width) < 2 * _LEAST_SIDE:
        return Rectangles(np.zeros((0, 4)), np.zeros((0, RECTANGLE_MEASURES)))
    across_y, across_x = (evidence[bins] for bins in bins_both_ways(small))
    rows, columns = _choose_lines(across_y), _choose_lines(across_x)
    along_x, along_y = _running_sums(across_y), _running_sums(across_x)
    least_height = max(_LEAST_SIDE, int(_LEAST_PART * height))
    least_width = max(_LEAST_SIDE, int(_LEAST_PART * width))
    best = np.zeros((_N_RECTANGLES, 5), np.float32)
    n = best_rectangles(along_x, along_y, rows, columns, least_height, least_width, best)
    measures = np.empty((n, RECTANGLE_MEASURES), np.float64)
    measure_rectangles(small, along_x, along_y, best[:n], measures)
    return Rectangles(best[:n, 1:].astype(np.float64) / [width, height, width, height], measures)


def probabilities(measures: F64, model: InsetModel) -> F64:
    """Return the probability of each rectangle to be the region of the source, shape (n,)."""
    return np.asarray(expit(expand(measures, model.centre, model.spread) @ model.weights + model.bias[0]))


def expand(measures: F64, centre: F64, spread: F64) -> F64:
    """Return standardised measures, cut off at 4 standard deviations, and the products of all pairs, shape (n, m)."""
    x = np.clip((measures - centre) / spread, -_CLIP, _CLIP)
    first, second = np.triu_indices(x.shape[1])
    return np.concatenate([x, x[:, first] * x[:, second]], axis=1)


def shrink_for_search(grey: U8) -> U8:
    """Reduce a larger picture to a longer side of `SEARCH_SIDE`."""
    height, width = grey.shape
    factor = SEARCH_SIDE / max(height, width)
    if factor >= 1:
        return np.ascontiguousarray(grey)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def bins_both_ways(grey: U8) -> tuple[U8, U8]:
    """Return bins of the horizontal boundaries (h + 1, w) and of the vertical ones (w + 1, h)."""
    height, width = grey.shape
    across_y = np.empty((height + 1, width), np.uint8)
    across_x = np.empty((width + 1, height), np.uint8)
    boundary_bins(grey, across_y)
    boundary_bins(np.ascontiguousarray(grey.T), across_x)
    return across_y, across_x


def _rank(grey: U8, model: InsetModel) -> list[Inset]:
    """Return the rectangles of a picture as insets, the most probable first."""
    height, width = grey.shape
    rectangles = find_rectangles(grey, model.evidence)
    chances = probabilities(rectangles.measures, model)
    corners = np.rint(rectangles.boxes * [width, height, width, height]).astype(np.int64)
    # A pixel beside a boundary mixes both sides, so it is left out.
    left, top = (np.where(corners[:, i] > 0, corners[:, i] + 1, 0) for i in (0, 1))
    right, bottom = (np.where(corners[:, i] < side, corners[:, i] - 1, side) for i, side in ((2, width), (3, height)))
    return [
        Inset(int(left[i]), int(top[i]), int(right[i]), int(bottom[i]), float(chances[i]))
        for i in np.argsort(-chances, kind="stable")
    ]


def _choose_lines(evidence: F32) -> I64:
    """Return the lines with the most evidence along one of their parts, and the two borders, ascending."""
    strength = np.empty(len(evidence), np.float32)
    best_segments(evidence, strength)
    n = len(evidence) - 1
    strength[:4] = strength[n - 3 :] = 0
    chosen = [0, n]
    for _ in range(_N_LINES):
        line = int(strength.argmax())
        if strength[line] < _LEAST_LINE:
            break
        chosen.append(line)
        strength[max(0, line - _APART) : line + _APART + 1] = 0
    return np.array(sorted(chosen), dtype=np.int64)


def _running_sums(evidence: F32) -> F32:
    sums = np.zeros((evidence.shape[0], evidence.shape[1] + 1), np.float32)
    np.cumsum(evidence, axis=1, out=sums[:, 1:])
    return sums
