"""Which pictures were made from others in their group: crops, and pictures that another one was put into.

A verdict does not say which of two pictures came first. Where one shows a part of the other, it may have been cut out
of it, or the other may be a collage, a screenshot or a meme. Several things speak for that; without any it is a crop.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from fingerprint.dedupe.detail import Box
from fingerprint.dedupe.looks import Looks
from fingerprint.dedupe.values import Picture
from fingerprint.dedupe.verdicts import Verdicts
from fingerprint.dedupe.worth import Worth
from fingerprint.results import Verification
from fingerprint.verify.changes import Changes, changes_of

_AS_SHARP = 1.25  # detail of a part, compared with what the larger picture shows of it, up to which it may be a crop
_FILLS = 0.93  # share of a canvas that a rotated picture fills from border to border
#: How far four corners must be from a parallelogram, in parts of its diagonal, and how many keypoints must agree, for a
#: picture to be seen in perspective: with so many, corners of 74 crops are off by 0.04 at most, with fewer by 0.1.
_IN_PERSPECTIVE, _LEAST_INLIERS = 0.05, 50
_NEARLY_AS_MANY = (
    0.8  # pixels of a picture for one of what shows it in perspective, along a line, from which it is finer
)
_PLAIN = 0.6  # share of one grey value around a picture from which on it is a border, a caption or a page


def derived_pictures(
    pictures: Sequence[Picture],
    near: Mapping[int, Sequence[int]],
    verdicts: Verdicts,
    worth: Mapping[int, Sequence[Worth]],
    looks: Looks,
) -> tuple[set[int], set[int]]:
    """Return which pictures another one was put into, and which are a crop of another one.

    Parameters
    ----------
    pictures : sequence of Picture
    near : mapping of int to sequence of int
        The copies of each picture.
    verdicts : Verdicts
    worth : mapping of int to sequence of Worth
        What is known of the files of each picture that has a copy.
    looks : Looks

    Returns
    -------
    composed, parts : set of int
        Positions; one picture may be in both.
    """
    made: set[int] = set()  # with another one in them
    parts: dict[int, list[tuple[int, Box]]] = defaultdict(list)
    shown: dict[int, list[Box]] = defaultdict(list)  # where pictures show parts of others, with more around them
    for part, neighbours in near.items():
        for whole in neighbours:
            known = verdicts.known(part, whole)
            if known is None or known.reference_region is None:
                continue
            changes = changes_of(known)
            if changes.is_part_of_part:
                shown[whole].append(_box(known))
                if _has_camera(worth[part]) and not _has_camera(worth[whole]):
                    made.add(whole)  # a part of the photograph, with more around it: a screenshot, a collage
            if not changes.is_part:
                continue
            parts[whole].append((part, _box(known)))
            within = partial(looks.detail_within, whole, _box(known))
            if _was_put_into(changes, known, pictures[whole].size, worth[part], worth[whole], within):
                made.add(whole)
    for whole in sorted((parts.keys() | shown.keys()) - made):
        boxes = [*(box for _, box in parts.get(whole, ())), *shown.get(whole, ())]
        if looks.plain_around(whole, boxes) > _PLAIN:
            made.add(whole)
    return made, {part for whole, inside in parts.items() if whole not in made for part, _ in inside}


def _was_put_into(
    changes: Changes,
    found: Verification,
    size: tuple[int, int],
    part: Sequence[Worth],
    whole: Sequence[Worth],
    detail_within: Callable[[], float],
) -> bool:
    """Return whether a picture that shows a part of a larger one came first, by what both say of themselves.

    It did if it is sharper than what the larger one shows of it, if it alone names its camera, if only the larger one
    is named as a screenshot, if it is tilted in a canvas that grew with it, or if it is seen in perspective, as of a
    print or a screen that was photographed.
    """
    if changes.scale > _NEARLY_AS_MANY and _is_in_perspective(found):
        return True
    if changes.is_tilted:
        left, top, right, bottom = _box(found)
        if (right - left) * (bottom - top) > _FILLS * size[0] * size[1]:
            return True
    detail = changes.scale * part[0].detail
    if detail > _AS_SHARP * whole[0].detail and detail > _AS_SHARP * detail_within():  # it may be sharp in places
        return True
    if _is_screenshot(whole) and not _is_screenshot(part):
        return True
    return _has_camera(part) and not _has_camera(whole)


def _is_in_perspective(found: Verification) -> bool:
    """Return whether the reference shows the query with corners that no crop has."""
    corners = np.array(found.reference_region if found.reference_region is not None else ())
    if len(corners) != 4 or found.n_inliers < _LEAST_INLIERS:
        return False
    gap = np.linalg.norm(corners[0] - corners[1] + corners[2] - corners[3])
    diagonal = max(np.linalg.norm(corners[0] - corners[2]), np.linalg.norm(corners[1] - corners[3]))
    return bool(gap > _IN_PERSPECTIVE * diagonal)


def _is_screenshot(worth: Sequence[Worth]) -> bool:
    return any(file.is_named_as_screenshot for file in worth)


def _has_camera(worth: Sequence[Worth]) -> bool:
    return any(file.origin.camera for file in worth)


def _box(found: Verification) -> Box:
    """Return the upright box round what the query shows of the reference."""
    x, y = zip(*(found.reference_region or ((0.0, 0.0),)), strict=True)
    return min(x), min(y), max(x), max(y)
