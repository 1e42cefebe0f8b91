"""The comparison of colours, against NumPy and on colours that were changed in a known way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingerprint.kernels.colours import CHANGED, COLOUR_MEASURES, UNKNOWN, measure_colours
from fingerprint.types import F64, I8

N, M = 8, 64


def colours(seed: int, most: int = 60) -> I8:
    return np.random.default_rng(seed).integers(-most, most + 1, (N, N, 2)).astype(np.int8)


def enlarged(grid: I8) -> I8:
    return grid.repeat(M // N, axis=0).repeat(M // N, axis=1)


def measured(query: I8, reference: I8, to_query: F64 | None = None, *, inverted: bool = False) -> dict[str, float]:
    found = measure_colours(query, reference, np.eye(3) if to_query is None else to_query, inverted)
    return dict(zip(COLOUR_MEASURES, found.tolist(), strict=True))


@given(st.integers(0, 1000), st.integers(0, 1000), st.booleans())
def test_as_numpy_says(first: int, second: int, inverted: bool) -> None:
    """Over whole pictures that lie on each other."""
    a, b = colours(first).reshape(-1, 2).astype(float), colours(second).reshape(-1, 2).astype(float)
    found = measured(enlarged(colours(first)), colours(second), inverted=inverted)
    a = -a if inverted else a
    differences = a - b
    shift = np.sort(differences, axis=0)[len(a) // 2]
    distances = np.sort(np.linalg.norm(differences - shift, axis=1))
    centred = a - a.mean(axis=0), b - b.mean(axis=0)
    sums = [float((c**2).sum()) + 4.0 * len(a) for c in centred]
    expected = {
        "colour_cells": 1.0,
        "colour_of_query": np.log1p(np.linalg.norm(a, axis=1).mean()),
        "colour_of_reference": np.log1p(np.linalg.norm(b, axis=1).mean()),
        "colour_shift": np.log1p(np.linalg.norm(shift)),
        "colour_half": np.log1p(distances[len(a) // 2]),
        "colour_tenth": np.log1p(distances[len(a) - 1 - len(a) // 10]),
        "colour_changed": (distances > CHANGED).mean(),
        "colour_spread": np.log1p(np.sqrt((centred[1] ** 2).sum() / len(a))),
        "colour_correlation": (centred[0] * centred[1]).sum() / np.sqrt(sums[0] * sums[1]),
    }
    assert found == pytest.approx(expected, abs=1e-9)


def test_a_filter_moves_all_colours_alike() -> None:
    reference = colours(1)
    found = measured(enlarged((reference + np.array([20, -15])).astype(np.int8)), reference)
    assert found["colour_changed"] == found["colour_half"] == found["colour_tenth"] == 0
    assert found["colour_shift"] == pytest.approx(np.log1p(25))
    assert found["colour_correlation"] > 0.99


def test_what_is_laid_over_a_part_changes_that_part() -> None:
    reference = colours(2, 10)
    query = reference.copy()
    query[:4, :4] = (90, -90)
    found = measured(enlarged(query), reference)
    assert found["colour_changed"] == pytest.approx(0.25)
    assert found["colour_half"] == 0


def test_only_what_the_query_shows_is_compared() -> None:
    """A query that is the lower right quarter of the reference, and one that has the reference in its middle."""
    reference = colours(3)
    quarter = np.array([[2.0, 0.0, -1.0], [0.0, 2.0, -1.0], [0.0, 0.0, 1.0]])
    shown = reference[4:, 4:].repeat(16, axis=0).repeat(16, axis=1)
    found = measured(shown, reference, quarter)
    assert (found["colour_cells"], found["colour_tenth"]) == (0.25, 0)
    around = np.full((M, M, 2), 100, np.int8)
    around[16:48, 16:48] = reference.repeat(4, axis=0).repeat(4, axis=1)
    middle = np.array([[0.5, 0.0, 0.25], [0.0, 0.5, 0.25], [0.0, 0.0, 1.0]])
    found = measured(around, reference, middle)
    assert (found["colour_cells"], found["colour_tenth"]) == (1, 0)


def test_a_negative_has_the_opposite_colours() -> None:
    reference = colours(4)
    query = enlarged((-reference).astype(np.int8))
    assert measured(query, reference)["colour_correlation"] < -0.9
    assert measured(query, reference, inverted=True)["colour_correlation"] > 0.9


@pytest.mark.parametrize("to_query", [np.diag([1.0, 1.0, -1.0]), np.diag([1e9, 1.0, 1.0]), np.zeros((3, 3))])
def test_nothing_is_measured_where_the_query_is_not_seen(to_query: F64) -> None:
    found = measure_colours(enlarged(colours(5)), colours(6), to_query, False)
    assert np.isfinite(found).all()
    assert found[0] <= 0.2


def test_nothing_is_measured_if_the_colours_are_not_known() -> None:
    unknown = np.full((N, N, 2), UNKNOWN, np.int8)
    assert not measure_colours(enlarged(colours(7)), unknown, np.eye(3), False).any()
    assert not measure_colours(enlarged(unknown), colours(7), np.eye(3), False).any()
