"""Where inliers lie: kept only if that is asked for, in pixels of both originals, and without another answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fingerprint.config import DEFAULT_CONFIG
from fingerprint.models import Models
from fingerprint.types import U8
from fingerprint.verify.changes import turned_round
from fingerprint.verify.compare import compare
from fingerprint.verify.geometry import apply_transform

KEEPING = replace(DEFAULT_CONFIG, match=replace(DEFAULT_CONFIG.match, keep_inliers=True))


def pasted(cat: U8, other: U8) -> U8:
    """Return a picture in which another one is shown small, which is found by looking closer."""
    out = np.array(other[:400, :600])
    out[200:350, 60:285] = cat[::2, ::2][:150, :225]
    return out


@pytest.mark.parametrize(
    "edit",
    [
        lambda cat, other: cat[40:260, 60:360],
        lambda cat, other: cat[:, ::-1],
        lambda cat, other: np.rot90(cat)[::-1],
        lambda cat, other: 255 - cat[:, ::-1],
        pasted,
    ],
    ids=["crop", "mirrored", "turned", "negative", "inset"],
)
def test_they_agree_with_the_transform_and_nothing_else_changes(
    photos: dict[str, U8], models: Models, edit: Callable[[U8, U8], U8]
) -> None:
    reference = photos["chelsea"]
    query = np.ascontiguousarray(edit(reference, photos["coffee"]))
    plain = compare(query, reference, models=models)
    kept = compare(query, reference, models=models, config=KEEPING)
    assert plain.inliers is None
    assert kept == plain
    assert kept.inliers is not None
    assert kept.transform is not None
    assert kept.inliers.dtype == np.float32
    assert len(kept.inliers) >= kept.n_inliers > 5
    points = kept.inliers.astype(np.float64)
    mapped = apply_transform(np.reshape(kept.transform, (3, 3)), points[:, :2])
    away = np.hypot(*(mapped - points[:, 2:]).T)
    assert np.median(away) < 4
    for columns, (height, width) in ((points[:, :2], query.shape[:2]), (points[:, 2:], reference.shape[:2])):
        assert columns.min() >= -1
        assert (columns.max(axis=0) <= (width, height)).all()
    back = turned_round(kept)
    assert back.inliers is not None
    assert np.array_equal(back.inliers[:, :2], kept.inliers[:, 2:])


def test_of_the_same_picture_there_are_none(photos: dict[str, U8], models: Models) -> None:
    kept = compare(photos["chelsea"], photos["chelsea"], models=models, config=KEEPING)
    assert kept.identical
    assert kept.inliers is None
