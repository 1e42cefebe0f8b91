"""What a verdict is called, from its probabilities."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingerprint.config import COPY_PROBABILITY, DEFAULT_CONFIG
from fingerprint.results import Match, Verification


def verdict(probability: float, shared: float) -> Verification:
    return Verification(probability, shared, -1.5, 9, None, False, False, None, None)


@st.composite
def verdicts(draw: st.DrawFn) -> Verification:
    probability = draw(st.floats(0, 1))
    return verdict(probability, draw(st.floats(0, 1)) * (1 - probability))


@pytest.mark.parametrize(
    ("probability", "shared", "relation"),
    [
        *((1.0, 0.0, "copy"), (0.5, 0.5, "copy"), (0.5, 0.0, "copy"), (0.51, 0.48, "copy")),
        *((0.0, 1.0, "shared"), (0.4, 0.35, "shared"), (math.nextafter(0.5, 0), 0.4, "shared")),
        *((0.0, 0.0, "unrelated"), (0.4, 0.25, "unrelated"), (math.nextafter(0.5, 0), 0.1, "unrelated")),
    ],
)
def test_the_relation_follows_from_the_probabilities(probability: float, shared: float, relation: str) -> None:
    found = verdict(probability, shared)
    assert found.relation == relation
    assert Match("q", "r", found).relation == relation


@given(verdicts())
def test_the_probabilities_add_up_and_name_the_relation(found: Verification) -> None:
    of = {"copy": found.probability, "shared": found.shared_probability, "unrelated": found.unrelated_probability}
    assert math.isclose(sum(of.values()), 1.0)
    assert all(0 <= value <= 1 for value in of.values())
    assert (found.relation == "copy") == (found.probability >= COPY_PROBABILITY)
    if found.relation != "copy":
        assert of[found.relation] == max(of["shared"], of["unrelated"])


@pytest.mark.parametrize("probability", [0.1, 0.3, 0.7])
def test_rounding_makes_no_probability_negative(probability: float) -> None:
    assert verdict(probability, math.nextafter(1 - probability, 2)).unrelated_probability == 0.0


def test_a_match_has_the_probabilities_and_the_score_of_its_verification() -> None:
    match = Match("q", "r", verdict(0.2, 0.7))
    assert (match.probability, match.shared_probability, match.score) == (0.2, 0.7, -1.5)


def test_a_search_calls_found_what_is_called_a_copy() -> None:
    assert DEFAULT_CONFIG.probability_threshold == COPY_PROBABILITY
