"""Training the detector of insets: how their borders look, and which rectangles are insets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fingerprint.errors import ConfigError
from fingerprint.features.insets import bins_both_ways, expand, find_rectangles, shrink_for_search
from fingerprint.models import InsetModel
from fingerprint.train.fitting import fit_logistic
from fingerprint.types import BOUNDARY_BINS, F32, F64, RECTANGLE_MEASURES, U8, Skipped, StageProgress
from fingerprint.workers import Workers, map_images

_MOST_AREA = 0.98  # of the picture; borders are not learned from larger regions
_STRAIGHT = 0.004  # of the picture's side; borders are not learned from sides that deviate more from the axis
_LEAST_SIDE = 0.1  # of the picture's side; borders are not learned from smaller regions
_MARGIN = 4  # lines along the picture's own border, which lack some neighbours
_PRIOR = 200.0  # weight of the usual frequencies of bins, in boundary pixels
_SAME_REGION = 0.7  # a rectangle of more overlap counts as the region of the source
_RIDGE = 300.0


@dataclass(frozen=True, slots=True)
class InsetExample:
    """An edited training image from which the detector of insets learns.

    Attributes
    ----------
    grey : uint8 array, shape (h, w)
        At `fingerprint.features.insets.SEARCH_SIDE`.
    corners : float64 array, shape (4, 2)
        Corners of the source in the edited picture, clockwise from the source's top left, in units of the picture's
        width and height. They may lie outside the picture.
    """

    grey: U8
    corners: F64

    @classmethod
    def of(cls, grey: U8, size: tuple[int, int], source_size: tuple[int, int], transform: F64) -> InsetExample:
        """Make an example of an edited picture.

        Parameters
        ----------
        grey : uint8 array, shape (h, w)
            Decoded at any size.
        size, source_size : (width, height)
            Of the edited picture and of its source, in pixels.
        transform : float64 array, shape (3, 3)
            From source pixels to pixels of the edited picture.
        """
        (w, h), (width, height) = size, source_size
        corners = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]], np.float64)
        corners[:, :2] -= 0.5
        moved = corners @ transform.T
        return cls(shrink_for_search(grey), (moved[:, :2] / moved[:, 2:] + 0.5) / [w, h])

    @property
    def box(self) -> F64:
        """The upright rectangle around the visible part of the source: left, top, right, bottom, within [0, 1]."""
        return np.asarray(np.clip(np.concatenate([self.corners.min(axis=0), self.corners.max(axis=0)]), 0, 1))


def fit_insets(examples: Sequence[InsetExample], n_workers: Workers, progress: StageProgress) -> InsetModel:
    """Fit the detector on edited training images.

    Parameters
    ----------
    examples : sequence of InsetExample
    n_workers : int or Cluster, optional
        Threads; the model does not depend on it.
    progress : callable
        Called as ``progress(stage, done, total)``.

    Raises
    ------
    ConfigError
        If none of the edited images has an inset.
    """
    evidence = fit_evidence(examples)

    def work(example: InsetExample) -> tuple[F64, F64]:
        rectangles = find_rectangles(example.grey, evidence)
        return rectangles.measures, overlap(rectangles.boxes, example.box)

    measures, overlaps = [np.zeros((0, RECTANGLE_MEASURES))], [np.zeros(0)]
    for done, found in enumerate(map_images(work, examples, n_workers), start=1):
        if not isinstance(found, Skipped):  # never skipped, as no file is read
            measures.append(found[0])
            overlaps.append(found[1])
        progress("insets", done, len(examples))
    x, y = np.concatenate(measures), np.concatenate(overlaps) > _SAME_REGION
    if not y.any():
        raise ConfigError("none of the edited training images has an inset; give more training images or edited copies")
    centre, spread = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-6)
    weights, expanded_centre, expanded_spread, bias = fit_logistic(expand(x, centre, spread), y, _RIDGE)
    weights /= expanded_spread
    return InsetModel(
        evidence=evidence, centre=centre, spread=spread, weights=weights, bias=bias - weights @ expanded_centre
    )


def fit_evidence(examples: Sequence[InsetExample]) -> F32:
    """Return for each bin the logarithm of its frequency along borders of insets, relative to that anywhere."""
    at_borders, anywhere = np.zeros(BOUNDARY_BINS * BOUNDARY_BINS), np.zeros(BOUNDARY_BINS * BOUNDARY_BINS)
    for example in examples:
        left, top, right, bottom = example.box
        if (
            not _is_upright(example.corners)
            or (right - left) * (bottom - top) > _MOST_AREA
            or min(right - left, bottom - top) < _LEAST_SIDE
        ):
            continue
        height, width = example.grey.shape
        both = bins_both_ways(example.grey)
        across_y, across_x = both
        for bins, line, start, stop, n in (
            (across_y, top * height, left * width, right * width, height),
            (across_y, bottom * height, left * width, right * width, height),
            (across_x, left * width, top * height, bottom * height, width),
            (across_x, right * width, top * height, bottom * height, width),
        ):
            at = round(line)
            if _MARGIN <= at <= n - _MARGIN:
                near = bins[at - 1 : at + 2, int(start) : int(stop)]
                most = (near // BOUNDARY_BINS).sum(axis=1).argmax()  # rounding and resampling move a border by a pixel
                at_borders += np.bincount(near[most], minlength=len(at_borders))
        for bins in both:
            anywhere += np.bincount(bins[_MARGIN:-_MARGIN].ravel(), minlength=len(anywhere))
    usual = (anywhere + 1) / (anywhere + 1).sum()
    special = at_borders + _PRIOR * usual
    return np.asarray(np.log(special / special.sum() / usual), np.float32)


def overlap(boxes: F64, box: F64) -> F64:
    """Return intersection over union of each of `boxes`, shape (n, 4), with `box`, shape (4,)."""
    sides = np.minimum(boxes[:, 2:], box[2:]) - np.maximum(boxes[:, :2], box[:2])
    common = np.maximum(sides, 0).prod(axis=1)
    union = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) + (box[2:] - box[:2]).prod() - common
    return np.asarray(common / np.maximum(union, 1e-12))


def _is_upright(corners: F64) -> bool:
    """Return whether the sides of the source are parallel to those of the picture; it may be turned by right angles."""
    sides = np.abs(np.roll(corners, -1, axis=0) - corners)
    return bool((sides.min(axis=1) < _STRAIGHT).all())
