"""Pictures that were bent agree with their source once they are bent back; other pictures do not."""

from __future__ import annotations

import numpy as np
import pytest

from fingerprint.config import DEFAULT_CONFIG
from fingerprint.edits import apply_edits
from fingerprint.features.describe import describe_query
from fingerprint.models import Models
from fingerprint.types import U8, Fingerprint
from fingerprint.verify.bend import BEND_NAMES
from fingerprint.verify.overlap import OVERLAP_NAMES
from fingerprint.verify.verification import find_agreement

SCENES = ("astronaut", "chelsea", "coffee", "rocket")


def measured(query: U8, reference: Fingerprint, models: Models) -> dict[str, float]:
    overlap = find_agreement(describe_query(query, models), reference, DEFAULT_CONFIG.match).measure_overlap()
    assert overlap is not None
    return dict(zip(OVERLAP_NAMES, overlap.measures.tolist(), strict=True))


def bent(pixels: U8, kind: str, *, mirrored: bool = False) -> U8:
    edits = ("hflip", kind) if mirrored else (kind,)
    return apply_edits(pixels, edits, np.random.default_rng(7)).pixels


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("name", ["astronaut", "chelsea"])
def test_a_swirl_agrees_when_it_is_bent_back(
    name: str, mirrored: bool, photos: dict[str, U8], described: dict[str, Fingerprint], models: Models
) -> None:
    found = measured(bent(photos[name], "swirl", mirrored=mirrored), described[name], models)
    assert found["log_chained"] > np.log1p(20)
    assert found["turn"] > 0.08
    assert found["bent_agreeing"] > found["coarse_agreeing"] + 0.1
    assert found["bent_contradicting"] < found["coarse_contradicting"]


@pytest.mark.parametrize("name", SCENES)
def test_of_a_plain_copy_nothing_is_turned(
    name: str, photos: dict[str, U8], described: dict[str, Fingerprint], models: Models
) -> None:
    found = measured(np.ascontiguousarray(photos[name][10:-10, 10:-10]), described[name], models)
    assert found["log_chained"] > np.log1p(50)
    assert found["turn"] < 0.08
    assert found["bent_agreeing"] > 0.85


def test_of_other_scenes_nothing_hangs_together(
    photos: dict[str, U8], described: dict[str, Fingerprint], models: Models
) -> None:
    for first, second in (("astronaut", "coffee"), ("chelsea", "rocket"), ("coffee", "chelsea")):
        found = measured(photos[first], described[second], models)
        assert {found[name] for name in BEND_NAMES[:3]} == {0.0}
        kept = [name for name in BEND_NAMES if name.startswith("bent_")]
        assert [found[name] for name in kept] == [found[f"coarse_{name.removeprefix('bent_')}"] for name in kept]
