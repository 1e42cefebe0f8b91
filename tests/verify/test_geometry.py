"""Planar fits against OpenCV's and NumPy's, and shared regions against counted pixels."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from scipy.spatial import ConvexHull

from fingerprint.verify.geometry import (
    apply_transform,
    fit_affine,
    fit_homography,
    fit_similarity,
    hull_area,
    is_plausible,
    is_plausible_at,
    rectangle,
    shared_region,
    signed_area,
)

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


class TestApplyTransform:
    def test_against_opencv(self) -> None:
        rng = np.random.default_rng(0)
        transform, points = random_homography(rng), random_points(rng)
        expected = cv2.perspectiveTransform(points[None], transform)[0]
        np.testing.assert_allclose(apply_transform(transform, points), expected, atol=1e-12)

    def test_points_on_the_horizon_are_not_finite_and_no_warning_comes(self) -> None:
        transform = np.array([[1.0, 0, 0], [0, 1, 0], [1, 0, 0]])
        assert not np.isfinite(apply_transform(transform, np.array([[0.0, 5.0]]))).all()

    def test_none(self) -> None:
        assert apply_transform(np.eye(3), np.zeros((0, 2))).shape == (0, 2)


def pixels_inside(transform: np.ndarray, query_size: tuple[int, int], reference_size: tuple[int, int]) -> np.ndarray:
    """Mask of the reference's pixels whose place in the query is inside it, a pixel at a time."""
    width, height = reference_size
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    back = apply_transform(np.linalg.inv(transform), np.column_stack([x.ravel(), y.ravel()]).astype(np.float64))
    inside = (back >= -0.5).all(axis=1) & (back <= np.array(query_size) - 0.5).all(axis=1)
    return inside.reshape(height, width)


def pixels_of(polygon: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Mask of the pixels inside a clockwise convex polygon: to the right of all of its edges."""
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    mask = np.ones(x.shape, dtype=bool)
    for (ax, ay), (bx, by) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        mask &= (bx - ax) * (y - ay) - (by - ay) * (x - ax) >= -1e-3
    return mask


class TestSharedRegion:
    def check(self, transform: np.ndarray, query_size: tuple[int, int], reference_size: tuple[int, int]) -> float:
        expected = pixels_inside(transform, query_size, reference_size)
        region = shared_region(transform, query_size, reference_size)
        if region is None:
            assert expected.sum() <= 2
            return 0.0
        assert signed_area(region) > 0  # clockwise as the eye sees it
        assert (region >= -0.5 - 1e-3).all()
        assert (region <= np.array(reference_size) - 0.5 + 1e-3).all()
        outline = cv2.arcLength(region.astype(np.float32), closed=True)
        assert (pixels_of(region, reference_size) ^ expected).sum() <= 0.02 * outline + 1
        assert abs(signed_area(region) - expected.sum()) <= outline
        return signed_area(region)

    def test_against_counted_pixels(self) -> None:
        for seed in range(25):
            rng = np.random.default_rng(seed)
            query_size, reference_size = ((int(w), int(h)) for w, h in rng.integers(40, 200, (2, 2)))
            transform = random_affine(rng)
            transform[:2, 2] = rng.uniform(-50, 150, 2)
            if seed % 2:  # from a mirrored query
                transform = transform @ np.array([[-1, 0, query_size[0] - 1], [0, 1, 0], [0, 0, 1.0]])
            if seed % 3 == 0:
                transform[2, :2] = rng.uniform(-1, 1, 2) / 800
            self.check(transform, query_size, reference_size)

    def test_the_whole_of_both(self) -> None:
        assert self.check(np.eye(3), (60, 40), (60, 40)) == pytest.approx(60 * 40)

    def test_mirrored_whole(self) -> None:
        mirror = np.array([[-1.0, 0, 59], [0, 1, 0], [0, 0, 1]])
        assert self.check(mirror, (60, 40), (60, 40)) == pytest.approx(60 * 40)

    @pytest.mark.parametrize("quarter_turns", [1, 2, 3])
    def test_quarter_turns_of_a_square(self, quarter_turns: int) -> None:
        turn = np.round(similarity(1, 90 * quarter_turns, 0, 0))
        centre = np.array([[1.0, 0, 24.5], [0, 1, 24.5], [0, 0, 1]])
        assert self.check(centre @ turn @ np.linalg.inv(centre), (50, 50), (50, 50)) == pytest.approx(2500)

    def test_a_crop_is_its_own_rectangle(self) -> None:
        crop = np.array([[1.0, 0, 20], [0, 1, 10], [0, 0, 1]])
        assert self.check(crop, (30, 25), (100, 80)) == pytest.approx(30 * 25)

    def test_a_crop_that_shares_an_edge_with_the_reference(self) -> None:
        crop = np.array([[1.0, 0, 0], [0, 1, 10], [0, 0, 1]])
        assert self.check(crop, (30, 70), (100, 80)) == pytest.approx(30 * 70)

    def test_a_picture_with_a_border_shows_all_of_it(self) -> None:
        border = np.array([[1.0, 0, -15], [0, 1, -5], [0, 0, 1]])
        assert self.check(border, (130, 120), (100, 80)) == pytest.approx(100 * 80)

    def test_none_where_nothing_is_shared(self) -> None:
        away = np.array([[1.0, 0, 500], [0, 1, 0], [0, 0, 1]])
        assert shared_region(away, (60, 40), (60, 40)) is None

    def test_none_where_the_horizon_cuts_through_the_query(self) -> None:
        folded = np.array([[1.0, 0, 0], [0, 1, 0], [-1 / 30, 0, 1]])
        assert shared_region(folded, (60, 40), (60, 40)) is None

    def test_none_for_a_map_to_far_away_or_to_nothing(self) -> None:
        assert shared_region(similarity(1e7, 10, 0, 0), (60, 40), (60, 40)) is None
        assert shared_region(np.diag([0.0, 0.0, 1.0]), (60, 40), (60, 40)) is None


class TestAreas:
    def test_signed_area_is_positive_clockwise_as_y_points_down(self) -> None:
        square = rectangle(4, 3)
        assert signed_area(square) == 12
        assert signed_area(square[::-1]) == -12

    def test_rectangle_reaches_half_a_pixel_around_the_centres(self) -> None:
        assert rectangle(2, 1).tolist() == [[-0.5, -0.5], [1.5, -0.5], [1.5, 0.5], [-0.5, 0.5]]

    @pytest.mark.parametrize("seed", SEEDS)
    def test_hull_area_against_scipy(self, seed: int) -> None:
        points = np.random.default_rng(seed).random((40, 2))
        assert hull_area(points) == pytest.approx(ConvexHull(points).volume, rel=1e-5)

    @pytest.mark.parametrize("points", [np.zeros((0, 2)), LINE[:1], LINE[:2], LINE, ONE_PLACE])
    def test_hull_of_a_line_or_less_has_no_area(self, points: np.ndarray) -> None:
        assert hull_area(points) == pytest.approx(0, abs=1e-6)
