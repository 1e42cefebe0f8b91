"""What an alignment proves: how many such agreements chance would bring, by a formula written down once more."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fingerprint.config import MatchConfig
from fingerprint.types import Keypoints
from fingerprint.verify.align import Alignment
from fingerprint.verify.evidence import Likeness, measure_evidence

CONFIG = MatchConfig()
LIKENESS = Likeness(
    descriptor_similarity=0.0,
    hash_distance=64,
    cohort_score=0.0,
    inverted=False,
    pixel_correlation=0.0,
    pixel_edges=0.0,
)
N_MATCHES, N_INLIERS = 60, 9


def picture(width: int = 800, height: int = 600) -> Keypoints:
    """Nine keypoints, far from each other."""
    x, y = np.meshgrid([0.2, 0.4, 0.6], [0.1, 0.3, 0.5])
    frame = np.column_stack([x.ravel(), y.ravel(), np.full(9, -3.0), np.ones(9), np.zeros(9)])
    return Keypoints(
        descriptors=np.zeros((0, 128), np.uint8),
        signatures=np.zeros((9, 2), np.uint64),
        frame=frame.astype(np.float32),
        width=width,
        height=height,
    )


def alignment_by(transform: np.ndarray | None) -> Alignment:
    """All nine agree, whatever the transform."""
    rows = np.arange(N_INLIERS)
    tried = np.arange(N_MATCHES)
    return Alignment(rows, rows, np.ones(N_INLIERS), np.zeros(N_INLIERS), transform, (tried, tried))


def found(transform: np.ndarray | None, config: MatchConfig = CONFIG, reference: Keypoints | None = None) -> float:
    evidence = measure_evidence(alignment_by(transform), picture(), reference or picture(), LIKENESS, config)
    assert (evidence.n_matches, evidence.n_inliers) == (N_MATCHES, N_INLIERS)
    return evidence.significance


def expected(scale: float, config: MatchConfig = CONFIG, height: int = 600) -> float:
    """By counting: an inlier by chance lies in a disc of half the tolerance, with a like angle and size.

    Where the transform magnifies, errors of position are magnified as well, and so is the disc.
    """
    radius = config.tolerance / 2 * max(1.0, scale)
    disc = math.pi * radius**2 / (height / 800)
    chance = disc * (config.angle_tolerance / 120) * (config.log_scale_tolerance / 1.5)
    alarms = N_MATCHES * math.comb(N_MATCHES - 1, N_INLIERS - 1) * chance ** (N_INLIERS - 1)
    return -math.log10(alarms)


@pytest.mark.parametrize("scale", [0.2, 0.99, 1.0, 1.01, 1.5, 2.0])
def test_significance_is_that_of_the_disc_that_an_inlier_may_lie_in(scale: float) -> None:
    assert expected(scale) > 0
    assert found(np.diag([scale, scale, 1.0])) == pytest.approx(expected(scale), rel=1e-9)


def test_a_transform_that_magnifies_proves_less_and_one_that_reduces_no_more() -> None:
    plain, larger, largest, smaller = (found(np.diag([scale, scale, 1.0])) for scale in (1.0, 1.5, 2.0, 0.5))
    assert largest < larger < plain == smaller
    # Twice the radius is four times the chance, for each of the eight that agree with the ninth.
    assert plain - largest == pytest.approx(8 * math.log10(4), rel=1e-9)


def test_the_scale_is_that_of_the_area() -> None:
    """Whatever the turn, the mirroring and the stretching."""
    turn = np.array([[0.6, -0.8, 0.3], [0.8, 0.6, 0.1], [0, 0, 1.0]])
    for linear in (turn, turn @ np.diag([-1.0, 1, 1]), turn @ np.diag([0.5, 2, 1])):
        assert found(linear) == pytest.approx(expected(1.0), rel=1e-9)
    assert found(turn @ np.diag([3.0, 0.75, 1])) == pytest.approx(expected(1.5), rel=1e-9)


def test_without_a_transform_nothing_is_magnified() -> None:
    assert found(None) == pytest.approx(expected(1.0), rel=1e-9)


def test_a_smaller_reference_and_wider_tolerances_leave_more_to_chance() -> None:
    assert found(np.eye(3), reference=picture(height=400)) == pytest.approx(expected(1.0, height=400), rel=1e-9)
    assert found(np.eye(3), reference=picture(height=400)) < found(np.eye(3))
    for wider in (MatchConfig(tolerance=0.08), MatchConfig(angle_tolerance=60.0), MatchConfig(log_scale_tolerance=1.0)):
        assert found(np.eye(3), wider) == pytest.approx(expected(1.0, wider), rel=1e-9), wider
        assert found(np.eye(3), wider) < found(np.eye(3)), wider
