"""A picture warped onto a grid, and which pixels of the grid it covers, against OpenCV's warps."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fingerprint.kernels.warp import SAMPLES, covered_columns, invert, map_grid, multiply, warp_to_grid
from fingerprint.types import F64, U8, Bool

#: Samples this near to the rim of the picture, in its pixels, may be rounded to either side.
RIM = 1e-3


def covered_pixels(to_picture: F64, width: int, height: int, side: int, samples: int) -> Bool:
    """A mask of the pixels that are covered."""
    columns = np.arange(side)
    covered = covered_columns(to_picture, width, height, side, samples)
    return (covered[:, :1] <= columns) & (columns < covered[:, 1:])


def positions(to_picture: F64, n: int) -> tuple[F64, F64, F64]:
    """The positions x and y of n x n samples in the picture, and their third coordinates."""
    along = np.arange(n, dtype=np.float64)
    x, y, w = (a * along + (b * along + c)[:, None] for a, b, c in to_picture)
    with np.errstate(divide="ignore", invalid="ignore"):
        return x / w, y / w, w


def white_warped(to_picture: F64, width: int, height: int, n: int) -> Bool:
    """Which of n x n samples OpenCV finds in a white picture on black, on both sides of the horizon."""
    white = np.full((height, width), 255, np.uint8)
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    warped = cv2.warpPerspective(white, to_picture, (n, n), flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(warped == 255)


def whole_pixels(inside: Bool, samples: int) -> Bool:
    """The pixels of which all samples are marked."""
    side = len(inside) // samples
    return np.asarray(inside.reshape(side, samples, side, samples).all(axis=(1, 3)))


def certain_pixels(to_picture: F64, width: int, height: int, side: int, samples: int) -> Bool:
    """The pixels of which no sample lies on the rim of the picture."""
    x, y, _ = positions(to_picture, side * samples)
    rim = np.minimum(np.abs([x + 0.5, x - width + 0.5]).min(axis=0), np.abs([y + 0.5, y - height + 0.5]).min(axis=0))
    return whole_pixels(~(rim < RIM), samples)


def check(to_picture: F64, width: int, height: int, side: int, samples: int) -> Bool:
    """Compare with OpenCV, and return what is covered."""
    found = covered_pixels(to_picture, width, height, side, samples)
    assert found.shape == (side, side)
    assert found.dtype == np.bool_
    n = side * samples
    expected = whole_pixels(white_warped(to_picture, width, height, n) & (positions(to_picture, n)[2] > 0), samples)
    certain = certain_pixels(to_picture, width, height, side, samples)
    np.testing.assert_array_equal(found[certain], expected[certain])
    return found


def random_map(rng: np.random.Generator, width: int, height: int, n: int) -> F64:
    """A map that brings the middle of n x n samples to somewhere in the picture; the horizon may cut the grid."""
    angle, scale = rng.uniform(0, 2 * math.pi), rng.uniform(0.1, 2) * max(width, height) / n
    c, s = scale * math.cos(angle), scale * math.sin(angle)
    out = np.eye(3)
    out[:2, :2] = np.array([[c, -s], [s, c]]) @ [[1, rng.uniform(-0.4, 0.4)], [0, rng.uniform(0.5, 1.5)]]
    if rng.random() < 0.3:  # mirrored
        out[:2, 0] *= -1
    out[2, :2] = rng.normal(size=2) * rng.choice([0.0, 0.3, 1.5]) / n
    middle = np.full(2, (n - 1) / 2)
    out[2, 2] = 1 - out[2, :2] @ middle
    out[:2, 2] = rng.uniform(0, 1, 2) * [width, height] - out[:2, :2] @ middle
    return out


def turned(degrees: float, width: float, height: float, n: int, scale: float = 1.0) -> F64:
    """The map that turns n x n samples about their middle, onto the middle of the picture."""
    c, s = scale * math.cos(math.radians(degrees)), scale * math.sin(math.radians(degrees))
    turn = np.array([[c, -s], [s, c]])
    out = np.eye(3)
    out[:2, :2] = turn
    out[:2, 2] = np.array([width - 1, height - 1]) / 2 - turn @ np.full(2, (n - 1) / 2)
    return out


class TestAgainstOpenCV:
    def test_random_maps(self) -> None:
        shares, n_cut = [], 0
        for seed in range(300):
            rng = np.random.default_rng(seed)
            side, samples = int(rng.integers(2, 33)), int(rng.integers(1, 4))
            width, height = (int(size) for size in rng.integers(1, 200, 2))
            to_picture = random_map(rng, width, height, side * samples)
            shares.append(check(to_picture, width, height, side, samples).mean())
            n_cut += int((positions(to_picture, side * samples)[2] <= 0).any())
        assert n_cut > 30  # by the horizon
        assert sum(0.1 < share < 0.9 for share in shares) > 100

    @given(
        seed=st.integers(0, 2**32 - 1),
        side=st.integers(1, 12),
        samples=st.integers(1, 3),
        width=st.integers(1, 40),
        height=st.integers(1, 40),
    )
    def test_small_grids_and_pictures(self, seed: int, side: int, samples: int, width: int, height: int) -> None:
        check(random_map(np.random.default_rng(seed), width, height, side * samples), width, height, side, samples)

    @pytest.mark.parametrize("degrees", [5, 30, 45, 89, 135, 200, 359])
    def test_turned(self, degrees: float) -> None:
        for width, height in ((64, 64), (100, 30), (7, 200)):
            found = check(turned(degrees, width, height, 96), width, height, 48, 2)
            assert 0.02 < found.mean() < 0.5, (width, height)


class TestKnownMaps:
    @pytest.mark.parametrize("samples", [1, 2, 3])
    def test_a_picture_as_large_as_the_grid_covers_it(self, samples: int) -> None:
        n = 10 * samples
        for quarter_turns in range(4):
            to_picture = np.round(turned(90 * quarter_turns, n, n, n), 9)
            assert covered_pixels(to_picture, n, n, 10, samples).all(), quarter_turns

    @pytest.mark.parametrize(("width", "height"), [(20, 20), (19, 20), (20, 19), (18, 18), (17, 5), (1, 20), (2, 2)])
    def test_a_pixel_needs_all_of_its_samples(self, width: int, height: int) -> None:
        expected = np.zeros((10, 10), np.bool_)
        expected[: height // 2, : width // 2] = True
        np.testing.assert_array_equal(covered_pixels(np.eye(3), width, height, 10, 2), expected)

    @pytest.mark.parametrize("edge", [0.49, 0.51])
    def test_the_picture_reaches_half_a_pixel_beyond_the_centres(self, edge: float) -> None:
        for sign_x, sign_y in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            shift = np.array([[1.0, 0, sign_x * edge], [0, 1, sign_y * edge], [0, 0, 1]])
            found = covered_pixels(shift, 8, 8, 8, 1)
            assert found.all() == (edge < 0.5), (sign_x, sign_y)
            assert found.sum() == (64 if edge < 0.5 else 56), (sign_x, sign_y)

    @pytest.mark.parametrize(
        "to_picture",
        [
            np.array([[1.0, 0, 50], [0, 1, 0], [0, 0, 1]]),
            np.array([[1.0, 0, 0], [0, 1, -50], [0, 0, 1]]),
            turned(45, 100, 100, 20),
            -np.eye(3),
            np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, -1]]),
        ],
        ids=["right of it", "above it", "turned", "behind the horizon", "mirrored through the horizon"],
    )
    def test_nothing_is_covered(self, to_picture: F64) -> None:
        assert not covered_pixels(to_picture, 20, 20, 10, 2).any()

    @pytest.mark.parametrize("degrees", [0, 20, 45, 90, 180, 300])
    def test_everything_is_covered_by_an_enlarged_picture(self, degrees: float) -> None:
        to_picture = turned(degrees, 30, 40, 20, scale=0.9)
        to_picture[2, :2] = 0.001, -0.002
        assert check(to_picture, 30, 40, 10, 2).all()

    def test_beyond_the_horizon_the_picture_is_not_seen_again(self) -> None:
        to_picture = np.array([[1.0, 0.2, -21], [0.1, 1, -22], [0.02, 0.03, -1]])
        n = 40
        third = positions(to_picture, n)[2]
        folded = whole_pixels(white_warped(to_picture, 50, 50, n) & (third < 0), 2)
        assert folded.sum() > 10
        found = check(to_picture, 50, 50, n // 2, 2)
        assert found.any()
        assert not (found & folded).any()

    @given(seed=st.integers(0, 2**32 - 1), factor=st.floats(1e-6, 1e6))
    def test_the_length_of_the_coordinates_does_not_matter(self, seed: int, factor: float) -> None:
        to_picture = random_map(np.random.default_rng(seed), 50, 30, 32)
        assume(certain_pixels(to_picture, 50, 30, 16, 2).all())
        np.testing.assert_array_equal(
            covered_pixels(to_picture * factor, 50, 30, 16, 2), covered_pixels(to_picture, 50, 30, 16, 2)
        )


class TestWarpToGrid:
    @staticmethod
    def by_opencv(picture: U8, to_picture: F64, side: int) -> U8:
        n = SAMPLES * side
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        warped = cv2.warpPerspective(picture, to_picture, (n, n), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(cv2.resize(warped, (side, side), interpolation=cv2.INTER_AREA), np.uint8)

    @pytest.mark.parametrize("side", [64, 192])
    def test_against_opencv(self, side: int, scenes: dict[str, U8]) -> None:
        shares = []
        for seed, scene in enumerate(scenes.values()):
            for attempt in range(5):
                rng = np.random.default_rng([seed, attempt])
                height, width = scene.shape
                to_picture = random_map(rng, width, height, SAMPLES * side)
                grid, covered = warp_to_grid(scene, to_picture, side)
                np.testing.assert_array_equal(covered, covered_pixels(to_picture, width, height, side, SAMPLES))
                off = np.abs(grid.astype(int) - self.by_opencv(scene, to_picture, side))[covered]
                shares.append(covered.mean())
                # older versions of OpenCV round positions to a 32nd of a pixel
                assert (off > 8).mean() < 0.01
                assert off.mean() < 0.5
        assert max(shares) > 0.3

    def test_of_the_identity_pixels_are_means(self, scenes: dict[str, U8]) -> None:
        scene = scenes["coffee"]
        side = len(scene) // SAMPLES
        grid, covered = warp_to_grid(scene, np.eye(3), side)
        expected = scene.reshape(side, SAMPLES, side, SAMPLES).astype(int).sum(axis=(1, 3))
        assert covered.all()
        np.testing.assert_array_equal(grid, (expected + 2) // 4)

    @given(seed=st.integers(0, 2**32 - 1), width=st.integers(1, 30), height=st.integers(1, 30))
    def test_any_map_gives_grey_values_of_the_picture(self, seed: int, width: int, height: int) -> None:
        rng = np.random.default_rng(seed)
        picture = rng.integers(100, 110, (height, width), np.uint8)
        grid, covered = warp_to_grid(picture, random_map(rng, width, height, 32), 16)
        assert not covered.any() or picture.min() <= grid[covered].min() <= grid[covered].max() <= picture.max()

    def test_what_is_not_finite_is_not_covered(self) -> None:
        for value in (math.nan, math.inf, 1e300):
            to_picture = np.eye(3)
            to_picture[0, 0] = value
            grid, _ = warp_to_grid(np.full((9, 9), 7, np.uint8), to_picture, 8)
            assert set(np.unique(grid)) <= {0, 7}


class TestMapGrid:
    @pytest.mark.parametrize("seed", range(6))
    def test_is_the_inverse_of_transform_and_resizing(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        transform = random_map(rng, 300, 200, 500)
        move = np.eye(3)
        move[:2] += rng.normal(0, 0.01, (2, 3))
        usable, to_query, scale = map_grid(transform, 500, 400, 300, 200, 64, move)
        assert usable
        n = 64 * SAMPLES
        points = rng.uniform(0, 20, (10, 2))  # in the query
        shown = cv2.perspectiveTransform(points[None], transform)[0]
        in_grid = ((shown + 0.5) * [64 / 300, 64 / 200] - 0.5).reshape(-1, 1, 2)
        before_move = cv2.perspectiveTransform(in_grid, np.linalg.inv(move))[:, 0]
        samples = (before_move + 0.5) * SAMPLES - 0.5
        np.testing.assert_allclose(cv2.perspectiveTransform(samples[None], to_query)[0], points, atol=1e-6)
        middle = np.array([499 / 2, 399 / 2])
        step = middle + np.array([[0, 0], [1e-3, 0], [0, 1e-3]])
        mapped = (cv2.perspectiveTransform(step[None], transform)[0] + 0.5) * [n / 300, n / 200]
        area = abs(np.linalg.det((mapped[1:] - mapped[0]) / 1e-3))
        assert scale == pytest.approx(1 / math.sqrt(area), rel=1e-3)

    @given(st.lists(st.floats(-10, 10), min_size=9, max_size=9))
    def test_inverse_and_product_are_numpys(self, numbers: list[float]) -> None:
        matrix = np.array(numbers).reshape(3, 3)
        assume(np.linalg.cond(matrix) < 1e4)
        inverse, determinant = invert(matrix)
        np.testing.assert_allclose(inverse, np.linalg.inv(matrix), rtol=1e-6, atol=1e-9)
        assert determinant == pytest.approx(np.linalg.det(matrix), rel=1e-6)
        np.testing.assert_allclose(multiply(matrix, inverse), np.eye(3), atol=1e-6)
