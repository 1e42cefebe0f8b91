"""Planar fits against OpenCV's and NumPy's, what is plausible, and the refinement of a transform."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingerprint.kernels import planar
from fingerprint.types import F64
from fingerprint.verify.geometry import apply_transform, rectangle

SEEDS = range(6)
LINE = np.column_stack([np.arange(8.0), 2 * np.arange(8.0) + 1])
ONE_PLACE = np.full((6, 2), 3.0)


def similarity(scale: float, degrees: float, dx: float, dy: float) -> np.ndarray:
    c, s = scale * math.cos(math.radians(degrees)), scale * math.sin(math.radians(degrees))
    return np.array([[c, -s, dx], [s, c, dy], [0, 0, 1.0]])


def random_affine(rng: np.random.Generator) -> np.ndarray:
    shear = np.array([[1, rng.uniform(-0.4, 0.4), 0], [0, rng.uniform(0.7, 1.4), 0], [0, 0, 1]])
    return similarity(rng.uniform(0.4, 2.5), rng.uniform(0, 360), *rng.uniform(-1, 1, 2)) @ shear


def random_homography(rng: np.random.Generator) -> np.ndarray:
    out = random_affine(rng)
    out[2, :2] = rng.uniform(-0.3, 0.3, 2)
    return out


def random_points(rng: np.random.Generator, n: int = 30) -> np.ndarray:
    return rng.random((n, 2))


def fit_with(kernel: Callable[..., tuple[bool, F64]], source: np.ndarray, target: np.ndarray) -> F64 | None:
    found, transform = kernel(np.ascontiguousarray(source), np.ascontiguousarray(target))
    return transform if found else None


def fit_affine(source: np.ndarray, target: np.ndarray) -> F64 | None:
    return fit_with(planar.fit_affine, source, target)


def fit_similarity(source: np.ndarray, target: np.ndarray) -> F64 | None:
    return fit_with(planar.fit_similarity, source, target)


def fit_homography(source: np.ndarray, target: np.ndarray) -> F64 | None:
    return fit_with(planar.fit_homography, source, target)


def is_plausible(linear: np.ndarray) -> bool:
    return bool(planar.is_plausible(*(float(v) for v in linear.ravel())))


def is_plausible_at(transform: np.ndarray, points: np.ndarray) -> bool:
    return bool(planar.is_plausible_at(np.ascontiguousarray(transform), np.ascontiguousarray(points)))


class TestFitAffine:
    @pytest.mark.parametrize("seed", SEEDS)
    def test_recovers_a_known_map(self, seed: int) -> None:
        for n in [3, 4, 30]:
            rng = np.random.default_rng(seed)
            truth, source = random_affine(rng), random_points(rng, n)
            found = fit_affine(source, apply_transform(truth, source))
            assert found is not None, n
            np.testing.assert_allclose(found, truth, atol=1e-8, err_msg=str(n))

    @pytest.mark.parametrize("seed", SEEDS)
    def test_is_the_least_squares_solution(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        source = random_points(rng)
        target = apply_transform(random_affine(rng), source) + rng.normal(0, 0.02, source.shape)
        expected, *_ = np.linalg.lstsq(np.column_stack([source, np.ones(len(source))]), target, rcond=None)
        found = fit_affine(source, target)
        assert found is not None
        np.testing.assert_allclose(found[:2], expected.T, atol=1e-9)
        assert found[2].tolist() == [0, 0, 1]

    def test_agrees_with_opencv_on_pixels(self) -> None:
        rng = np.random.default_rng(9)
        source = rng.uniform(0, 1000, (40, 2))
        target = apply_transform(random_affine(rng), source)
        expected, _ = cv2.estimateAffine2D(source, target)
        found = fit_affine(source, target)
        assert found is not None
        np.testing.assert_allclose(found[:2], expected, rtol=1e-3, atol=1e-2)

    @pytest.mark.parametrize(
        "source", [np.zeros((0, 2)), LINE[:2], LINE, ONE_PLACE, LINE + [[0, 1e-7], [0, -1e-7]] * 4], ids=len
    )
    def test_none_where_it_is_not_determined(self, source: np.ndarray) -> None:
        assert fit_affine(source, source * 2) is None

    @pytest.mark.parametrize(
        "linear",
        [np.diag([-1.0, 1.0]), np.diag([1.0, 0.1]), np.zeros((2, 2)), np.array([[1.0, 1.0], [1.0, 1.0]])],
        ids=["mirrors", "flattens", "shrinks to a point", "shrinks to a line"],
    )
    def test_none_for_a_map_that_folds_or_flattens(self, linear: np.ndarray) -> None:
        source = random_points(np.random.default_rng(0))
        assert fit_affine(source, source @ linear.T) is None


class TestFitSimilarity:
    @pytest.mark.parametrize("seed", SEEDS)
    def test_recovers_a_known_map(self, seed: int) -> None:
        for n in [2, 3, 20]:
            rng = np.random.default_rng(seed)
            truth = similarity(rng.uniform(0.3, 3), rng.uniform(0, 360), *rng.uniform(-1, 1, 2))
            source = random_points(rng, n)
            found = fit_similarity(source, apply_transform(truth, source))
            assert found is not None, n
            np.testing.assert_allclose(found, truth, atol=1e-8, err_msg=str(n))

    @pytest.mark.parametrize("seed", SEEDS)
    def test_is_the_least_squares_solution(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        source = random_points(rng)
        target = apply_transform(similarity(1.3, 40, 0.1, 0.2), source) + rng.normal(0, 0.03, source.shape)
        x, y = source.T
        ones, zeros = np.ones(len(x)), np.zeros(len(x))
        rows = np.concatenate([np.column_stack([x, -y, ones, zeros]), np.column_stack([y, x, zeros, ones])])
        (a, b, dx, dy), *_ = np.linalg.lstsq(rows, target.T.ravel(), rcond=None)
        found = fit_similarity(source, target)
        assert found is not None
        np.testing.assert_allclose(found, [[a, -b, dx], [b, a, dy], [0, 0, 1]], atol=1e-9)

    @pytest.mark.parametrize("source", [np.zeros((0, 2)), LINE[:1], ONE_PLACE], ids=len)
    def test_none_for_fewer_than_two_places(self, source: np.ndarray) -> None:
        assert fit_similarity(source, source * 2) is None

    def test_none_for_a_map_to_a_point(self) -> None:
        assert fit_similarity(LINE, np.zeros_like(LINE)) is None


class TestFitHomography:
    @pytest.mark.parametrize("seed", SEEDS)
    def test_recovers_a_known_map(self, seed: int) -> None:
        for n in [4, 5, 40]:
            rng = np.random.default_rng(seed)
            truth, source = random_homography(rng), random_points(rng, n)
            found = fit_homography(source, apply_transform(truth, source))
            assert found is not None, n
            np.testing.assert_allclose(found, truth, atol=1e-5, err_msg=str(n))

    @pytest.mark.parametrize("seed", SEEDS)
    def test_near_opencvs_under_noise(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        source = rng.uniform(0, 500, (80, 2))
        truth = np.array([[1.1, 0.2, 30], [-0.1, 0.9, 20], [2e-4, -1e-4, 1]])
        target = apply_transform(truth, source) + rng.normal(0, 0.5, source.shape)
        expected, _ = cv2.findHomography(source, target)
        found = fit_homography(source, target)
        assert found is not None
        ours, theirs, true = (
            apply_transform(np.asarray(t, np.float64), rectangle(500, 500)) for t in (found, expected, truth)
        )
        assert np.abs(ours - theirs).max() < 1
        assert np.abs(ours - true).max() < 3

    def test_units_do_not_matter(self) -> None:
        rng = np.random.default_rng(1)
        truth, source = random_homography(rng), random_points(rng, 20)
        target = apply_transform(truth, source) + rng.normal(0, 0.01, source.shape)
        unit = np.diag([1000, 1000, 1.0])
        in_pixels, found = fit_homography(source * 1000, target * 1000), fit_homography(source, target)
        assert in_pixels is not None
        assert found is not None
        np.testing.assert_allclose(np.linalg.inv(unit) @ in_pixels @ unit, found, atol=1e-8)

    @pytest.mark.parametrize("source", [np.zeros((0, 2)), LINE[:3], ONE_PLACE, LINE], ids=["0", "3", "one", "line"])
    def test_none_where_it_is_not_determined(self, source: np.ndarray) -> None:
        assert fit_homography(source, source * 2) is None


class TestIsPlausible:
    @pytest.mark.parametrize("seed", SEEDS)
    def test_turning_and_scaling_are(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        assert is_plausible(similarity(rng.uniform(0.01, 100), rng.uniform(0, 360), 0, 0)[:2, :2])

    @pytest.mark.parametrize(("stretch", "plausible"), [(4.9, True), (5.1, False), (1 / 4.9, True), (1 / 5.1, False)])
    def test_stretching_is_up_to_five_times(self, stretch: float, *, plausible: bool) -> None:
        turn = similarity(1, 33, 0, 0)[:2, :2]
        assert is_plausible(turn @ np.diag([stretch, 1.0]) @ turn) is plausible

    @pytest.mark.parametrize("linear", [np.diag([-1.0, 1.0]), np.zeros((2, 2)), np.full((2, 2), 1.0)])
    def test_folding_and_flattening_are_not(self, linear: np.ndarray) -> None:
        assert not is_plausible(linear)

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_what_is_not_finite_is_not(self, value: float) -> None:
        assert not is_plausible(np.array([[1.0, value], [0.0, 1.0]]))


SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1.0]])


def tilted(height: float) -> np.ndarray:
    """The map of a square whose right side becomes only so high as a part of its left, and so much nearer to it."""
    low, high = (1 - height) / 2, (1 + height) / 2
    after = np.array([[0, 0], [height**0.5, low], [height**0.5, high], [0, 1]], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(SQUARE.astype(np.float32), after), np.float64)


def deeper(depth: float, stretch: float = 1.0) -> np.ndarray:
    """A map under which x = 1 is so many times as far away as x = 0; it stretches x by `stretch` at x = y = 0."""
    return np.array([[stretch, 0, 0], [0, 1, 0], [depth - 1, 0, 1]])


def leaning(away: tuple[float, float]) -> np.ndarray:
    """A map that leaves the middle of the square as it is; depth grows by `away` for each unit from there."""
    middle = similarity(1, 0, 0.5, 0.5)
    return middle @ np.array([[1, 0, 0], [0, 1, 0], [*away, 1]]) @ np.linalg.inv(middle)


class TestIsPlausibleAt:
    @pytest.mark.parametrize("seed", SEEDS)
    def test_an_affine_map_is_where_its_linear_part_is(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        for stretch in (0.1, 0.3, 1.0, 3.0, 20.0, -1.0):
            transform = random_affine(rng) @ np.diag([stretch, 1, 1])
            points = rng.normal(size=(5, 2)) * 10
            assert is_plausible_at(transform, points) == is_plausible(transform[:2, :2]), stretch

    @pytest.mark.parametrize("height", [0.9, 0.5, 0.35, 0.2, 0.17])
    def test_strong_perspective_is_from_both_sides(self, height: float) -> None:
        transform = tilted(height)
        turn = similarity(1.3, 130, 0.2, -0.4)
        for tilt, points in ((transform, SQUARE), (np.linalg.inv(transform), apply_transform(transform, SQUARE))):
            assert is_plausible_at(tilt, points)
            assert is_plausible_at(turn @ tilt, points)
            assert is_plausible_at(tilt @ np.linalg.inv(turn), apply_transform(turn, points))

    @pytest.mark.parametrize(("depths", "plausible"), [(5.9, True), (6.1, False), (1 / 5.9, True), (1 / 6.1, False)])
    def test_no_point_is_six_times_as_far_away_as_another(self, depths: float, *, plausible: bool) -> None:
        growth = 2 * (depths - 1) / (depths + 1)
        for away in ((growth, 0.0), (0.0, growth), (growth / 2, growth / 2)):
            assert is_plausible_at(leaning(away), SQUARE) is plausible, away
            assert is_plausible_at(leaning(away), (SQUARE + 1) / 3), away

    @pytest.mark.parametrize("horizon", [-0.05, 0.0, 0.3, 0.6, 1.0, 1.05])
    def test_a_horizon_within_or_near_the_points_is_refused(self, horizon: float) -> None:
        growth = 1 / (0.5 - horizon)
        for away in ((growth, 0.0), (0.0, growth)):
            assert not is_plausible_at(leaning(away), SQUARE), away

    def test_points_beyond_the_horizon_are_refused(self) -> None:
        assert not is_plausible_at(-np.eye(3), SQUARE)
        beyond = np.array([[-1.0, 0, 0], [0, -1, 0], [-0.1, 0, 1]])  # the horizon is at x = 10
        assert is_plausible_at(beyond, SQUARE)
        assert not is_plausible_at(beyond, SQUARE + 20)

    @pytest.mark.parametrize("height", [1.0, 0.5, 0.3])
    def test_mirroring_is_refused(self, height: float) -> None:
        mirror = np.array([[-1.0, 0, 1], [0, 1, 0], [0, 0, 1]])
        assert is_plausible_at(tilted(height), SQUARE)
        assert not is_plausible_at(tilted(height) @ mirror, SQUARE)
        assert not is_plausible_at(mirror @ tilted(height), SQUARE)

    @pytest.mark.parametrize(
        ("at_the_left", "in_the_middle"), [(9.8, 4.9), (10.2, 5.1), (2 / 4.9, 1 / 4.9), (2 / 5.1, 1 / 5.1), (6, 3)]
    )
    def test_stretching_counts_at_the_middle_of_the_points(self, at_the_left: float, in_the_middle: float) -> None:
        points = np.array([[0, 0], [1, 0], [0.5, 0.0]])
        transform = deeper(3, stretch=at_the_left)  # twice as deep at the middle
        assert is_plausible_at(transform, points) is (0.2 < in_the_middle < 5)

    def test_one_point_is_enough(self) -> None:
        assert is_plausible_at(tilted(0.4), SQUARE[:1])
        assert not is_plausible_at(np.diag([1.0, 1.0, 0.0]), SQUARE[:1])

    def test_what_is_not_finite_is_refused(self) -> None:
        for row in range(3):
            transform = np.eye(3)
            transform[row, row] = np.nan
            assert not is_plausible_at(transform, SQUARE), row


class TestStretches:
    @given(st.lists(st.floats(-1e3, 1e3), min_size=4, max_size=4))
    def test_are_the_singular_values(self, linear: list[float]) -> None:
        expected = np.linalg.svd(np.array(linear).reshape(2, 2), compute_uv=False)
        np.testing.assert_allclose(planar.stretches(*linear), expected, rtol=1e-9, atol=1e-9)


class TestRefine:
    """On matches of which some are wrong; that alignments of pictures are found is tested in tests/verify."""

    @staticmethod
    def frames(truth: np.ndarray, n: int, n_wrong: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        source = random_points(rng, n)
        target = apply_transform(truth, source) + rng.normal(0, 1e-4, source.shape)
        target[:n_wrong] = rng.random((n_wrong, 2)) + 5
        scale, angle = math.sqrt(np.linalg.det(truth[:2, :2])), math.atan2(truth[1, 0], truth[0, 0])
        rest = np.column_stack([np.full(n, -3.0), np.ones(n), np.zeros(n)])
        turned = np.column_stack(
            [np.full(n, -3 + math.log(scale)), *(np.full(n, f(angle)) for f in (math.cos, math.sin))]
        )
        return (
            np.column_stack([source, rest]).astype(np.float32),
            np.column_stack([target, turned]).astype(np.float32),
        )

    @pytest.mark.parametrize("seed", SEEDS)
    def test_finds_the_map_of_the_right_matches(self, seed: int) -> None:
        truth = similarity(1.4, 30, 0.1, -0.2)
        truth[2, :2] = 0.02, -0.03
        q_frames, r_frames = self.frames(truth, 60, 15, seed)
        start = np.arange(60) >= 40
        found, transform, inlier, residuals = planar.refine(q_frames, r_frames, start, 0.025, 0.9, 0.7)
        assert found
        np.testing.assert_array_equal(inlier, np.arange(60) >= 15)
        assert (residuals[15:] < 0.2).all()
        points = q_frames[15:, :2].astype(np.float64)
        np.testing.assert_allclose(apply_transform(transform, points), apply_transform(truth, points), atol=1e-3)

    def test_a_similarity_is_all_that_three_matches_give(self) -> None:
        truth = similarity(0.7, 80, 0.3, 0.1)
        q_frames, r_frames = self.frames(truth, 3, 0, 0)
        found, transform, inlier, _ = planar.refine(q_frames, r_frames, np.ones(3, np.bool_), 0.025, 0.9, 0.7)
        assert found
        assert inlier.all()
        np.testing.assert_allclose(transform, truth, atol=2e-3)

    def test_nothing_is_found_on_one_match_or_none(self) -> None:
        for n in (0, 1):
            q_frames, r_frames = self.frames(np.eye(3), n, 0, 0)
            found, _, inlier, residuals = planar.refine(q_frames, r_frames, np.ones(n, np.bool_), 0.025, 0.9, 0.7)
            assert not found
            assert len(inlier) == len(residuals) == n
