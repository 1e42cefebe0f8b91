"""What was done to a picture, in words: how a query differs from the reference that it is a copy of.

Everything comes from the verdict on the pair; no pixels are needed. Which of the two was
made from the other is not in the verdict: a query that shows a part of the reference may be its crop, or the reference
may be a picture that the query was pasted into.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from fingerprint.results import Verification
from fingerprint.verify.geometry import signed_area
from fingerprint.verify.verification import SAME_BYTES_LOG_ODDS

_Region: TypeAlias = tuple[tuple[float, float], ...]

_WHOLE = 0.95  # share of the area from which on a picture is seen whole: transforms are off by a pixel or two a side
_SAME_SIZE = 0.03  # by how much a scale differs from 1 before it is worth a word
_SAME_SHAPE = 0.04  # the same for a stretch
#: A stretch is known less well the smaller the region and the fewer keypoints agree in it. Of crops that nobody
#: stretched, nearly none has a stretch of more than 1 + _ERROR / (side of the region * sqrt(keypoints)).
_ERROR = 60.0  # pixels
_SIDE = 512  # about the longest side, in pixels, of the pictures in which keypoints are found
_INSET = 0.5  # share of the query's area below which the reference is an inset in it
_LEAST_TURN = 2.0  # degrees; less may be an error of the transform
_OFF_MIDDLE = 0.08  # share of a side by which a part's middle must be off before it lies left, right, up or down
_PLACES = (("upper left", "top", "upper right"), ("left", "middle", "right"), ("lower left", "bottom", "lower right"))
_STRAIGHT_ANGLE = 1.0  # degrees within which a turn counts as one by 90, 180 or 270


@dataclass(frozen=True, slots=True)
class Changes:
    """How a query shows a reference.

    Attributes
    ----------
    same_file : bool
        Whether the two have the same bytes.
    same_pixels : bool
        Whether the decoded pixels are the same; also true for the same bytes.
    mirrored, inverted : bool
        As in `Verification`.
    rotation : float, [0, 360)
        Degrees clockwise, after mirroring; 0 if no transform is known.
    shown : float, [0, 1]
        Part of the reference's area that the query shows; 1 if it is not known.
    taken : float, [0, 1]
        Part of the query's area that shows the reference; 1 if it is not known.
    scale : float, > 0
        Pixels of the query for one of the reference, along a line; 1 if it is not known.
    stretch : float, >= 1
        How much more the query is enlarged in one direction than in the other; 1 if it is not sure to be at all.
    located : bool
        Whether a transform, and so all that comes from it, is known.
    part, place : (x, y), [0, 1], or None
        The middle of what is shown, in shares of the reference's width and height; and of where it is seen, in shares
        of the query's. None if they are not known.
    is_copy : bool
        Whether the verdict is a copy: nothing was done to what only shares something.
    """

    same_file: bool
    same_pixels: bool
    mirrored: bool
    inverted: bool
    rotation: float
    shown: float
    taken: float
    scale: float
    stretch: float
    located: bool
    part: tuple[float, float] | None = None
    place: tuple[float, float] | None = None
    is_copy: bool = True

    @property
    def is_part(self) -> bool:
        """Whether the query shows only a part of the reference, and nothing else."""
        return self.shown < _WHOLE <= self.taken

    @property
    def has_more(self) -> bool:
        """Whether the query shows all of the reference, and more around it."""
        return self.taken < _WHOLE <= self.shown

    @property
    def is_whole(self) -> bool:
        """Whether the query shows all of the reference and nothing else, as far as that is known."""
        return self.shown >= _WHOLE and self.taken >= _WHOLE

    @property
    def is_part_of_part(self) -> bool:
        """Whether each of the two shows only a part of the other, and more besides."""
        return self.shown < _WHOLE and self.taken < _WHOLE

    @property
    def is_tilted(self) -> bool:
        """Whether one is rotated against the other by anything but 90, 180 or 270 degrees."""
        return _turned(self.rotation) and not _is_straight(self.rotation)

    @property
    def is_upright(self) -> bool:
        """Whether one is neither mirrored, nor a negative, nor turned against the other, nor stretched."""
        return not (self.mirrored or self.inverted or _turned(self.rotation) or self.stretch > 1)

    @property
    def words(self) -> str:
        """What was done, such as ``"mirrored, crop, 40 % shown (lower left)"``."""
        if self.same_file:
            return "same file"
        if self.same_pixels:
            return "same pixels"
        said = _turn_words(self)
        if self.located:
            said += [*_part_words(self), *_size_words(self)]
        return ", ".join(said) or ("re-encoded or retouched" if self.is_copy else "as a whole")


def changes_of(found: Verification) -> Changes:
    """Return how a query shows the reference that it was compared with.

    Parameters
    ----------
    found : Verification

    Examples
    --------
    >>> import fingerprint, skimage.data
    >>> from fingerprint.verify.changes import changes_of
    >>> cat = skimage.data.chelsea()
    >>> changes_of(fingerprint.compare(cat[:, ::-1], cat)).words
    'mirrored'
    >>> changes_of(fingerprint.compare(cat[:200, :300], cat)).words
    'crop, 45 % shown (upper left)'
    """
    shown = taken = scale = stretch = 1.0
    part = place = None
    of_reference, of_query = _area(found.reference_region), _area(found.query_region)
    located = found.transform is not None and of_reference > 0 and of_query > 0
    if located and not found.identical and found.transform is not None and found.query_region is not None:
        shown, part = _share(of_reference, found.reference_size), _middle(found.reference_region, found.reference_size)
        taken, place = _share(of_query, found.query_size), _middle(found.query_region, found.query_size)
        scale = math.sqrt(of_query / of_reference)
        stretch = _stretch(found.transform, found.query_region)
        if stretch < 1 + _stretch_error(found, of_reference, of_query):
            stretch = 1.0
    rotation = found.rotation or 0.0
    return Changes(
        same_file=found.identical and found.log_odds >= SAME_BYTES_LOG_ODDS,
        same_pixels=found.identical,
        mirrored=found.mirrored,
        inverted=found.inverted,
        rotation=rotation if math.isfinite(rotation) else 0.0,
        shown=shown,
        taken=taken,
        scale=scale,
        stretch=stretch,
        located=located,
        part=part,
        place=place,
        is_copy=found.relation == "copy",
    )


def turned_round(found: Verification) -> Verification:
    """Return a verdict as it reads when query and reference change places.

    The probabilities stay: a copy means that one was made from the other, and evidence does not say which. A transform
    that has no inverse is left out, and the regions with it.
    """
    inliers = None if found.inliers is None else found.inliers[:, [2, 3, 0, 1]]
    turned = replace(
        found,
        reference_region=found.query_region,
        query_region=found.reference_region,
        query_size=found.reference_size,
        reference_size=found.query_size,
        inliers=inliers,
    )
    if found.transform is None:
        return turned
    inverse = _inverse(found.transform)
    if inverse is None:
        return replace(turned, transform=None, reference_region=None, query_region=None, inliers=None)
    return replace(turned, transform=inverse)


def _turned(rotation: float) -> bool:
    return _LEAST_TURN <= rotation <= 360 - _LEAST_TURN


def _is_straight(rotation: float) -> bool:
    return abs(rotation - round(rotation / 90) * 90) <= _STRAIGHT_ANGLE


def _turn_words(changes: Changes) -> list[str]:
    rotation, straight = changes.rotation, _is_straight(changes.rotation)
    quarters = round(rotation / 90) * 90
    said = []
    if changes.mirrored and straight and quarters == 180:
        said.append("mirrored top to bottom")
    else:
        said += ["mirrored"] if changes.mirrored else []
        if _turned(rotation):
            degrees = quarters if straight else round(rotation)
            said.append(f"rotated by {degrees}°" if degrees <= 180 else f"rotated by {360 - degrees}° anticlockwise")
    return said + (["negative"] if changes.inverted else [])


def _part_words(changes: Changes) -> list[str]:
    said = []
    if changes.shown < _WHOLE:
        said.append(f"crop, {_percent(changes.shown)} shown{_place_words(changes.part)}")
    if changes.taken < _INSET:
        said.append(f"inset, takes {_percent(changes.taken)} of it{_place_words(changes.place)}")
    elif changes.taken < _WHOLE and not changes.is_tilted:  # a tilted picture has corners around it
        said.append("larger picture that contains it" if changes.shown >= _WHOLE else "with something around it")
    return said


def _size_words(changes: Changes) -> list[str]:
    said = ["stretched"] if changes.stretch > 1 else []
    if changes.scale < 1 - _SAME_SIZE:
        said.append(f"smaller ({_percent(changes.scale)})")
    elif changes.scale > 1 + _SAME_SIZE:
        said.append(f"enlarged ({_percent(changes.scale)})")
    return said


def _place_words(middle: tuple[float, float] | None) -> str:
    """Return where a part lies by its middle, in brackets; nothing if that is not known."""
    if middle is None:
        return ""
    across, down = ((at > 0.5 + _OFF_MIDDLE) - (at < 0.5 - _OFF_MIDDLE) for at in middle)
    return f" ({_PLACES[down + 1][across + 1]})"


def _percent(share: float) -> str:
    number = round(100 * share)
    return f"{number} %" if number else "less than 1 %"


def _share(area: float, size: tuple[int, int]) -> float:
    """Return what part of a picture an area is, 1 if its size is not known."""
    return min(1.0, area / (size[0] * size[1])) if all(size) else 1.0


def _middle(region: _Region | None, size: tuple[int, int]) -> tuple[float, float] | None:
    """Return the middle of the box round a region, in shares of a picture; None if its size is not known."""
    if region is None or not all(size) or not np.isfinite(region).all():
        return None
    x, y = ((min(values) + max(values) + 1) / 2 for values in zip(*region, strict=True))
    return min(1.0, max(0.0, x / size[0])), min(1.0, max(0.0, y / size[1]))


def _area(region: _Region | None) -> float:
    """Return the area of a polygon, 0 without one."""
    corners = np.array(region if region is not None else ((0.0, 0.0),), np.float64)
    return abs(signed_area(corners)) if np.isfinite(corners).all() else 0.0


def _stretch(transform: tuple[float, ...], region: _Region) -> float:
    """Return the ratio of both singular values of a transform's derivative, in the middle of a region."""
    x, y = (sum(values) / len(region) for values in zip(*region, strict=True))
    along_x, along_y, depth = (_dot(transform[k : k + 3], x, y) for k in (0, 3, 6))
    g, h = transform[6:8]
    a, b = transform[0] * depth - along_x * g, transform[1] * depth - along_x * h
    c, d = transform[3] * depth - along_y * g, transform[4] * depth - along_y * h
    total, area = a * a + b * b + c * c + d * d, abs(a * d - b * c)
    if area <= 0:
        return 1.0
    ratio = total / (2 * area)  # of the singular values s and t it is (s / t + t / s) / 2
    return ratio + math.sqrt(max(0.0, ratio * ratio - 1))


def _stretch_error(found: Verification, of_reference: float, of_query: float) -> float:
    """Return by how much a stretch must differ from 1 to be one, for the areas of both regions in pixels.

    Of whole pictures the borders tell their shape, so few keypoints are enough.
    """
    sizes = found.reference_size, found.query_size
    areas = of_reference, of_query
    if all(_share(area, size) >= _WHOLE for area, size in zip(areas, sizes, strict=True)):
        return _SAME_SHAPE
    sides = (math.sqrt(area) * min(1.0, _SIDE / max(*size, 1)) for area, size in zip(areas, sizes, strict=True))
    return max(_SAME_SHAPE, _ERROR / (min(sides) * math.sqrt(max(found.n_inliers, 1))))


def _dot(row: Sequence[float], x: float, y: float) -> float:
    return row[0] * x + row[1] * y + row[2]


def _inverse(transform: tuple[float, ...]) -> tuple[float, ...] | None:
    """Return the inverse of a homography, with 1 as its last number; None if it has none."""
    try:
        inverse = np.linalg.inv(np.reshape(transform, (3, 3)))
    except np.linalg.LinAlgError:
        return None
    if not np.isfinite(inverse).all() or inverse[2, 2] == 0:
        return None
    return tuple((inverse / inverse[2, 2]).ravel().tolist())
