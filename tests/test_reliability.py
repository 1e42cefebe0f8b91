"""The benchmarks' calibration error tells right probabilities from wrong ones."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.special import expit, logit

from fingerprint.types import F64, Bool

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def reliability() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield importlib.import_module("reliability")


@pytest.fixture(scope="module")
def rows() -> tuple[F64, Bool]:
    """Return probabilities and outcomes that are drawn by them."""
    rng = np.random.default_rng(7)
    probability = expit(rng.normal(0, 3, 2000))
    return probability, np.asarray(rng.random(2000) < probability)


def test_right_probabilities_have_the_error_that_chance_gives_them(
    reliability: ModuleType, rows: tuple[F64, Bool]
) -> None:
    found = reliability.calibration(*rows)
    assert 0.2 * found["error_by_chance"]["mean"] < found["expected_calibration_error"]
    assert found["expected_calibration_error"] < found["error_by_chance"]["worst_of_twenty"]


@pytest.mark.parametrize("slope", [0.5, 2.0])
def test_probabilities_that_are_too_careful_or_too_sure_have_more(
    reliability: ModuleType, rows: tuple[F64, Bool], slope: float
) -> None:
    probability, correct = rows
    found = reliability.calibration(expit(slope * logit(probability)), correct)
    assert found["expected_calibration_error"] > 2 * found["error_by_chance"]["worst_of_twenty"]


def test_the_error_is_the_distance_in_each_bin_weighed_by_its_rows(reliability: ModuleType) -> None:
    found = reliability.calibration(np.array([0.05, 0.05, 0.05, 0.95]), np.array([False, False, True, True]))
    assert found["expected_calibration_error"] == pytest.approx((3 * (1 / 3 - 0.05) + 0.05) / 4, abs=1e-5)
    assert [row["rows"] for row in found["reliability"]] == [3, 1]
