"""What speaks for and against a copy: Shapley values against their definition, and words on real pictures."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st

import fingerprint
from fingerprint.edits.second_shots import second_shots
from fingerprint.models import load_models
from fingerprint.types import F64
from fingerprint.verify.explain import GROUPS, LEAST_WEIGHT, Explanation, _shapley, explain, typical_pairs
from fingerprint.verify.overlap import OVERLAP_NAMES
from fingerprint.verify.score import EVIDENCE_NAMES, tree_log_odds

NAMES = (*EVIDENCE_NAMES, *OVERLAP_NAMES)


@pytest.fixture(scope="module")
def cat() -> np.ndarray:
    return skimage.data.chelsea()


def weight(found: Explanation, name: str) -> float:
    return sum(reason.log_odds for reason in found.reasons if reason.name == name)


def test_each_kind_of_evidence_is_in_one_group() -> None:
    assert sorted(name for group in GROUPS for name in group.names) == sorted(NAMES)
    assert len({group.name for group in GROUPS}) == len(GROUPS)


def test_typical_pairs_are_what_they_are_called() -> None:
    models = load_models()
    unrelated, copy = typical_pairs()
    assert tree_log_odds(unrelated, models.copies) < -4
    assert tree_log_odds(copy, models.copies) > 3


def test_values_are_means_over_all_orders() -> None:
    rng = np.random.default_rng(3)
    values, typical = rng.normal(size=5), rng.normal(size=5)
    groups = [[0, 3], [1], [2, 4]]

    def log_odds(x: F64) -> float:
        return float(x[0] * x[1] - np.tanh(x[2]) + x[3] * x[4] * x[1])

    gains = np.zeros(3)
    orders = list(permutations(range(3)))
    for order in orders:
        known = typical.copy()
        for k in order:
            before = log_odds(known)
            known[groups[k]] = values[groups[k]]
            gains[k] += (log_odds(known) - before) / len(orders)
    assert _shapley(values, typical, groups, log_odds) == pytest.approx(gains.tolist())


@given(st.lists(st.floats(-3, 3), min_size=4, max_size=4), st.lists(st.floats(-3, 3), min_size=4, max_size=4))
def test_values_of_a_sum_are_its_terms(values: list[float], weights: list[float]) -> None:
    x, w = np.array(values), np.array(weights)
    shares = _shapley(x, np.zeros(4), [[0], [1], [2], [3]], lambda known: float(known @ w))
    assert shares == pytest.approx((x * w).tolist(), abs=1e-9)


def test_a_copy_has_its_pixels_and_keypoints_for_it(cat: np.ndarray) -> None:
    found = fingerprint.explain(cat[:, ::-1], cat)
    assert found.verification == fingerprint.compare(cat[:, ::-1], cat)
    assert found.changes.words == "mirrored"
    assert weight(found, "likeness") > 2
    assert weight(found, "keypoints") > 2
    assert {reason.name for reason in found.reasons[:3]} >= {"likeness", "keypoints"}
    assert all(reason.log_odds > -1 for reason in found.reasons)


def test_unrelated_pictures_have_both_against_it(cat: np.ndarray) -> None:
    found = explain(skimage.data.astronaut(), cat)
    assert found.verification.relation == "unrelated"
    assert weight(found, "likeness") < -2
    assert weight(found, "keypoints") < -2


def test_second_shots_are_held_back_by_what_differs() -> None:
    shots = second_shots(skimage.data.coffee(), np.random.default_rng(5), 0.6)
    found = explain(shots.second, shots.first)
    assert found.verification.relation == "shared"
    against = {reason.name for reason in found.reasons if reason.log_odds < 0}
    assert against & {"likeness", "differences", "movement", "tones"}


def test_reasons_are_sorted_and_each_group_gives_one(cat: np.ndarray) -> None:
    found = explain(skimage.data.rocket(), cat)
    sizes = [abs(reason.log_odds) for reason in found.reasons]
    assert sizes == sorted(sizes, reverse=True)
    assert min(sizes) >= LEAST_WEIGHT
    names = [reason.name for reason in found.reasons]
    assert len(set(names)) == len(names)
    assert all(math.isfinite(size) for size in sizes)


def test_the_same_picture_needs_no_reasons(cat: np.ndarray) -> None:
    found = explain(cat, cat)
    assert found.reasons == ()
    assert found.changes.same_pixels


def test_colours_get_words_only_where_there_are_any() -> None:
    tones = next(group for group in GROUPS if group.name == "tones")
    known = dict(zip(NAMES, typical_pairs()[1].tolist(), strict=True))
    none = known | {"colour_of_query": 0.0, "colour_of_reference": 0.0, "colour_changed": 0.0}
    changed = known | {"colour_of_query": 3.0, "colour_of_reference": 3.0, "colour_changed": 0.4}
    assert "colours" not in tones.words(none, True)
    assert "colours" not in tones.words(none, False)
    alike = changed | {"colour_changed": 0.0}
    assert tones.words(alike, True) == "light, contrast and colours changed alike everywhere"
    assert tones.words(changed, False).startswith("colours differ in 40 %")
    assert "colours" not in tones.words(changed, True)
    assert "colours" not in tones.words(changed | {"colour_changed": 0.1}, False)


def test_colours_are_named_for_a_copy_in_colour_only(cat: np.ndarray) -> None:
    grey = np.repeat(cat.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    for photo, in_colour in ((cat, True), (grey, False)):
        found = fingerprint.explain(photo[:, ::-1], photo)
        words = next(reason.words for reason in found.reasons if reason.name == "tones")
        assert ("colours" in words) == in_colour
