"""Views of a query: a part of its picture, or all of it in more detail or another shape, each a query of its own.

A source that is shown small within another picture has few of its keypoints, and none of its descriptor and hashes. A
view of that part alone has them all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import cv2
import numpy as np

from fingerprint.config import CloserConfig, Config, FeatureConfig
from fingerprint.features.collage import open_cells
from fingerprint.features.describe import ReadPicture, describe_read_query
from fingerprint.features.insets import Inset, find_insets
from fingerprint.features.relief import restore
from fingerprint.images.decode import luma_of
from fingerprint.models import Models
from fingerprint.results import Verification
from fingerprint.types import F64, Picture, Query

#: Corners (x, y) in pixels of the original picture.
Polygon: TypeAlias = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class View:
    """A view of a query.

    Attributes
    ----------
    query : Query
        The view as a query.
    place : float64 array, shape (3, 3)
        From pixels of the original picture to pixels of the view, pixel centres at integers.
    partial : bool
        Whether it shows a part of the picture.
    """

    query: Query
    place: F64
    partial: bool


@dataclass(frozen=True, slots=True)
class Likeliest:
    """What the looks up to now have found.

    Attributes
    ----------
    copy : float, [0, 1]
        Highest probability of a copy.
    shared : bool
        Whether a reference shares something with the query.
    places : tuple of (float, polygon)
        Of each reference with a region in the query: its probability of a copy, and the region, as
        `fingerprint.results.Verification.query_region` has it.
    """

    copy: float
    shared: bool
    places: tuple[tuple[float, Polygon], ...] = ()

    @classmethod
    def of(cls, found: Iterable[Verification]) -> Likeliest:
        """Return the likeliest of some verifications."""
        known = list(found)
        return cls(
            max((v.probability for v in known), default=0.0),
            any(v.relation == "shared" for v in known),
            tuple((v.probability, v.query_region) for v in known if v.query_region is not None),
        )


@dataclass(frozen=True, slots=True)
class _Plan:
    """A view that is not described yet: its pixels, its place, its keypoints, and whether it shows a part."""

    planes: Picture
    place: F64
    features: FeatureConfig
    partial: bool


def closer_views(read: ReadPicture, models: Models, config: Config, known: Callable[[], Likeliest]) -> Iterator[View]:
    """Yield views as ``config.closer`` asks for them, each described when it is asked for; flat ones are left out.

    The cells of a collage come last, whatever is sure by then: a collage has several sources.

    Parameters
    ----------
    read : ReadPicture
        The query, as it was read for the first look.
    models : Models
    config : Config
    known : callable
        Returns what the looks up to now have found.
    """
    for plan in _plans(read, config, known, partial(likely_insets, read, models, config)):
        view = _described(plan, models, config)
        if view is not None:
            yield view


def next_view(
    read: ReadPicture,
    models: Models,
    config: Config,
    known: Sequence[Likeliest],
    insets: Callable[[], Sequence[Inset]],
) -> tuple[View | None, int]:
    """Return the view that `closer_views` yields next, and how many views it has planned up to it.

    This is for those who cannot keep the iterator, as each view may be described by another process.

    Parameters
    ----------
    read, models, config
        As in `closer_views`.
    known : sequence of Likeliest, length >= 1
        For each view that was planned before, flat ones too, and for this one: what was known when it was asked for.
    insets : callable
        Returns what `likely_insets` does of the picture.

    Returns
    -------
    view : View or None
        None if there are no more.
    n_planned : int
    """
    planned: list[_Plan] = []
    for plan in _plans(read, config, lambda: known[min(len(planned), len(known) - 1)], insets):
        planned.append(plan)
        if len(planned) >= len(known):
            view = _described(plan, models, config)
            if view is not None:
                return view, len(planned)
    return None, len(planned)


def _plans(
    read: ReadPicture, config: Config, known: Callable[[], Likeliest], insets: Callable[[], Sequence[Inset]]
) -> Iterator[_Plan]:
    closer = config.closer
    restored = restore(read.planes) if closer.relief and known().copy < closer.sure else None
    if restored is not None:
        yield _Plan(restored, np.eye(3), config.query, partial=False)
    for inset in insets() if closer.n_insets and known().copy < closer.sure else ():
        if known().copy >= closer.sure:
            break
        planes, place = _cut(read.planes, inset)
        yield _Plan(planes, place, closer.inset, partial=True)
    if closer.whole is not None and _hints(known(), closer):
        yield _Plan(read.planes, np.eye(3), closer.whole, partial=False)
    for factor in closer.stretched:
        if _hints(known(), closer):
            planes, place = _stretch(read.planes, factor)
            yield _Plan(planes, place, config.query, partial=False)
    sure = [region for probability, region in known().places if probability >= closer.sure]
    for planes, place in _open_cells(read.planes, sure)[: closer.n_cells] if closer.n_cells and sure else ():
        yield _Plan(planes, place, closer.inset, partial=True)


def _hints(known: Likeliest, closer: CloserConfig) -> bool:
    """Return whether something hints at a copy, and none is sure."""
    return known.copy < closer.sure and (known.copy >= closer.hint or known.shared)


def likely_insets(read: ReadPicture, models: Models, config: Config) -> list[Inset]:
    """Return the insets that are looked at closer, the most probable first."""
    found = find_insets(luma_of(read.planes).pixels, models.insets)
    return sorted(found, key=lambda inset: -inset.probability)[: config.closer.n_insets]


def _open_cells(planes: Picture, regions: Sequence[Polygon]) -> list[tuple[Picture, F64]]:
    """Return the cells of a collage in which nothing was found yet, and their places."""
    height, width = planes.pixels.shape[:2]
    across, down = width / planes.width, height / planes.height  # the picture may have been reduced when it was read
    found = [[(x * across, y * down) for x, y in region] for region in regions]
    return [_cut(planes, Inset(*cell, 1.0)) for cell in open_cells((width, height), found)]


def _described(plan: _Plan, models: Models, config: Config) -> View | None:
    """Describe a view; None if it is flat."""
    query = describe_read_query(ReadPicture(plan.planes), plan.features, models, config)
    return None if query.flat else View(query, plan.place, plan.partial)


def _cut(planes: Picture, inset: Inset) -> tuple[Picture, F64]:
    """Return the part of a picture that an inset covers, and its place."""
    pixels = inset.cut(planes.pixels)
    height, width = planes.pixels.shape[:2]
    across, down = planes.width / width, planes.height / height  # the picture may have been reduced when it was read
    size = [max(1, round(side * scale)) for side, scale in zip(pixels.shape[1::-1], (across, down), strict=True)]
    factors = size[0] / (pixels.shape[1] * across), size[1] / (pixels.shape[0] * down)
    return replace(planes, pixels=pixels, width=size[0], height=size[1]), _place(
        (inset.left * across, inset.top * down), factors
    )


def _stretch(planes: Picture, factor: float) -> tuple[Picture, F64]:
    """Return a picture with its width divided by its height multiplied by a factor, and its place."""
    wider = math.sqrt(factor)
    height, width = planes.pixels.shape[:2]
    to = max(1, round(width * wider)), max(1, round(height / wider))
    pixels = cv2.resize(planes.pixels, to, interpolation=cv2.INTER_LINEAR)
    size = max(1, round(planes.width * wider)), max(1, round(planes.height / wider))
    place = _place((0.0, 0.0), (size[0] / planes.width, size[1] / planes.height))
    return replace(planes, pixels=np.asarray(pixels, np.uint8), width=size[0], height=size[1]), place


def _place(corner: tuple[float, float], factors: tuple[float, float]) -> F64:
    """Return the map from pixels of a picture to those of a view with this upper left corner, scaled by factors."""
    (left, top), (x, y) = corner, factors
    return np.array([[x, 0.0, (0.5 - left) * x - 0.5], [0.0, y, (0.5 - top) * y - 0.5], [0.0, 0.0, 1.0]])
