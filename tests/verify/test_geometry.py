"""Points mapped by planar transforms against OpenCV's, and polygons."""

from __future__ import annotations

import math

import cv2
import numpy as np

from fingerprint.verify.geometry import apply_transform, rectangle, signed_area


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


class TestAreas:
    def test_signed_area_is_positive_clockwise_as_y_points_down(self) -> None:
        square = rectangle(4, 3)
        assert signed_area(square) == 12
        assert signed_area(square[::-1]) == -12

    def test_rectangle_reaches_half_a_pixel_around_the_centres(self) -> None:
        assert rectangle(2, 1).tolist() == [[-0.5, -0.5], [1.5, -0.5], [1.5, 0.5], [-0.5, 0.5]]
