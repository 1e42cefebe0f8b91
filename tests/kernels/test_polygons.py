"""Shared regions against counted pixels, and against OpenCV's intersection of convex polygons."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from fingerprint.kernels import polygons
from fingerprint.types import F64
from fingerprint.verify.geometry import apply_transform, rectangle, signed_area


def similarity(scale: float, degrees: float, dx: float, dy: float) -> np.ndarray:
    c, s = scale * math.cos(math.radians(degrees)), scale * math.sin(math.radians(degrees))
    return np.array([[c, -s, dx], [s, c, dy], [0, 0, 1.0]])


def random_affine(rng: np.random.Generator) -> np.ndarray:
    shear = np.array([[1, rng.uniform(-0.4, 0.4), 0], [0, rng.uniform(0.7, 1.4), 0], [0, 0, 1]])
    return similarity(rng.uniform(0.4, 2.5), rng.uniform(0, 360), *rng.uniform(-1, 1, 2)) @ shear


def shared_region(transform: np.ndarray, query_size: tuple[int, int], reference_size: tuple[int, int]) -> F64 | None:
    region, back = polygons.shared_region(transform, *query_size, *reference_size)
    assert region.shape == back.shape
    if len(region):
        np.testing.assert_allclose(apply_transform(transform, back), region, atol=1e-6)
    return region if len(region) else None


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

    def test_against_opencv(self) -> None:
        n_shared = 0
        for seed in range(60):
            rng = np.random.default_rng(seed)
            transform = random_affine(rng)
            transform[:2, 2] = rng.uniform(-100, 200, 2)
            transform[2, :2] = rng.uniform(-1, 1, 2) / 1000
            query, reference = apply_transform(transform, rectangle(150, 90)), rectangle(120, 160)
            expected, _ = cv2.intersectConvexConvex(query.astype(np.float32), reference.astype(np.float32))
            region = shared_region(transform, (150, 90), (120, 160))
            found = 0.0 if region is None else signed_area(region)
            assert found == pytest.approx(expected, rel=0.02, abs=20), seed  # corners are dropped
            n_shared += region is not None
        assert n_shared > 20


class TestClip:
    def test_keeps_half_of_a_square(self) -> None:
        half = polygons.clip(rectangle(10, 10), 0, 1.0, 4.5)
        assert sorted(map(tuple, half.tolist())) == [(-0.5, -0.5), (-0.5, 9.5), (4.5, -0.5), (4.5, 9.5)]
        assert signed_area(half) == 50

    def test_all_or_nothing(self) -> None:
        square = rectangle(10, 10)
        assert signed_area(polygons.clip(square, 1, -1.0, 0.5)) == 100
        assert len(polygons.clip(square, 1, 1.0, -1.0)) == 0
