"""The pixel check against real photographs, edited with a known transform, and against every kind of nonsense."""

from __future__ import annotations

import itertools
import math
from dataclasses import astuple

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingerprint.features.thumbnail import (
    QUERY_SIDE,
    THUMBNAIL_SIDE,
    make_pyramid,
    make_thumbnail,
    open_thumbnail,
)
from fingerprint.images.decode import read_grey
from fingerprint.types import U8
from fingerprint.verify.geometry import apply_transform
from fingerprint.verify.pixels import NEUTRAL, PixelAgreement, compare_pixels

SCENES = ("astronaut", "chelsea", "coffee", "rocket")


@pytest.fixture(scope="module")
def scenes(photos: dict[str, U8]) -> dict[str, U8]:
    return {name: read_grey(photos[name]).pixels for name in SCENES}


def size_of(pixels: U8) -> tuple[int, int]:
    return pixels.shape[1], pixels.shape[0]


def stored(reference: U8) -> U8:
    """The thumbnail of a reference, as it is compared after it was stored."""
    return open_thumbnail(make_thumbnail(reference))


def check(query: U8, reference: U8, transform: np.ndarray) -> PixelAgreement:
    return compare_pixels(make_pyramid(query), size_of(query), stored(reference), size_of(reference), transform)


def shift(x: float, y: float) -> np.ndarray:
    return np.array([[1.0, 0, x], [0, 1, y], [0, 0, 1]])


def resize_map(before: tuple[int, int], after: tuple[int, int]) -> np.ndarray:
    kx, ky = after[0] / before[0], after[1] / before[1]
    return np.array([[kx, 0, kx / 2 - 0.5], [0, ky, ky / 2 - 0.5], [0, 0, 1]])


def around(degrees: float, scale: float, centre: tuple[float, float], size: tuple[int, int]) -> np.ndarray:
    """Rotation and scaling of a picture that puts `centre` into the middle of a new one of `size`."""
    c, s = scale * math.cos(math.radians(degrees)), scale * math.sin(math.radians(degrees))
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
    return shift((size[0] - 1) / 2, (size[1] - 1) / 2) @ turn @ shift(-centre[0], -centre[1])


def warp(reference: U8, to_copy: np.ndarray, size: tuple[int, int], background: U8 | None = None) -> U8:
    out = np.full(size[::-1], 128, np.uint8) if background is None else cv2.resize(background, size)
    return np.asarray(
        cv2.warpPerspective(reference, to_copy, size, dst=out, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_TRANSPARENT)
    )


def jpeg(pixels: U8, quality: int) -> U8:
    _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE))


def drawn_over(pixels: U8) -> U8:
    out = pixels.copy()
    height, width = out.shape
    for line in range(3):
        place = (width // 12, (line + 1) * height // 4)
        cv2.putText(out, "COPY OF A COPY", place, cv2.FONT_HERSHEY_DUPLEX, width / 350, 255, max(2, width // 100))
    cv2.circle(out, (3 * width // 4, height // 3), width // 9, 0, -1)
    return out


class TestWhatIsKept:
    @pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (64, 64), (40, 63), (301, 512)])
    def test_a_thumbnail_has_one_shape(self, shape: tuple[int, int]) -> None:
        thumbnail = stored(np.full(shape, 9, np.uint8))
        assert thumbnail.shape == (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
        assert thumbnail.dtype == np.uint8
        assert (thumbnail == 9).all()

    def test_a_thumbnail_is_made_of_averages(self, scenes: dict[str, U8]) -> None:
        picture = np.asarray(cv2.resize(scenes["astronaut"], (4 * THUMBNAIL_SIDE, 2 * THUMBNAIL_SIDE)), np.uint8)
        expected = picture.reshape(THUMBNAIL_SIDE, 2, THUMBNAIL_SIDE, 4).mean(axis=(1, 3))
        error = stored(picture) - expected
        assert np.abs(error).max() < 70  # JPEG
        assert np.sqrt((error**2).mean()) < 10
        assert abs(error.mean()) < 0.3

    def test_a_thumbnail_is_small(self, scenes: dict[str, U8]) -> None:
        for name, picture in scenes.items():
            thumbnail = make_thumbnail(picture)
            assert (thumbnail.dtype, thumbnail.ndim) == (np.uint8, 1), name
            assert 500 < len(thumbnail) < 12_000, name
            np.testing.assert_array_equal(make_thumbnail(np.asfortranarray(picture)), thumbnail, err_msg=name)

    @pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (2000, 2), (10, 16), (257, 256), (600, 900)])
    def test_a_pyramid_halves_down_to_16_pixels(self, shape: tuple[int, int]) -> None:
        levels = make_pyramid(np.zeros(shape, np.uint8))
        sides = [max(level.shape) for level in levels]
        assert sides[0] == min(max(shape), QUERY_SIDE)
        assert sides[-1] <= 16
        assert all(2 * b in (a, a + 1) for a, b in itertools.pairwise(sides))

    def test_a_small_query_stays_as_it_is(self) -> None:
        picture = np.arange(200, dtype=np.uint8).reshape(10, 20)
        assert (make_pyramid(picture)[0] == picture).all()


class TestCopies:
    def test_itself(self, scenes: dict[str, U8]) -> None:
        for name in SCENES:
            found = check(scenes[name], scenes[name], np.eye(3))
            assert found.correlation > 0.95, name
            assert found.edges > 0.9, name
            assert found.textured_blocks > 12, name

    def test_another_size(self, scenes: dict[str, U8]) -> None:
        for name in SCENES:
            reference = scenes[name]
            for size in ((1500, 700), (90, 140)):
                copy = np.asarray(cv2.resize(reference, size, interpolation=cv2.INTER_AREA), np.uint8)
                assert check(copy, reference, resize_map(size, size_of(reference))).correlation > 0.9, name

    def test_crop(self, scenes: dict[str, U8]) -> None:
        for name in SCENES:
            reference = scenes[name]
            height, width = reference.shape
            left, top = width // 5, height // 4
            copy = reference[top : top + height // 2, left : left + width // 2]
            found = check(copy, reference, shift(left, top))
            assert found.correlation > 0.9, name
            assert found.support < check(reference, reference, np.eye(3)).support, name

    def test_mirror_image(self, scenes: dict[str, U8]) -> None:
        for name in SCENES:
            reference = scenes[name]
            mirror = np.array([[-1.0, 0, reference.shape[1] - 1], [0, 1, 0], [0, 0, 1]])
            assert check(reference[:, ::-1], reference, mirror).correlation > 0.95, name
            assert check(reference[:, ::-1], reference, np.eye(3)).correlation < 0.4, name

    @pytest.mark.parametrize("degrees", [90, 180, 17, -40])
    def test_rotation(self, scenes: dict[str, U8], degrees: float) -> None:
        for name in SCENES:
            reference = scenes[name]
            width, height = size_of(reference)
            to_copy = around(degrees, 1.1, (width / 2, height / 2), (500, 420))
            found = check(warp(reference, to_copy, (500, 420)), reference, np.linalg.inv(to_copy))
            assert found.correlation > 0.85, name

    def test_perspective(self, scenes: dict[str, U8]) -> None:
        for name in SCENES:
            reference = scenes[name]
            width, height = size_of(reference)
            corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
            seen = np.array([[60, 40], [420, 90], [390, 330], [20, 380]], np.float32)
            to_copy = cv2.getPerspectiveTransform(corners, seen)
            found = check(warp(reference, to_copy, (480, 400)), reference, np.linalg.inv(to_copy))
            assert found.correlation > 0.85, name

    def test_inset_on_another_photograph(self, scenes: dict[str, U8]) -> None:
        for name in SCENES:
            reference = scenes[name]
            width, height = size_of(reference)
            to_copy = around(8, 200 / max(width, height), (width / 2, height / 2), (480, 360))
            background = scenes["coffee" if name != "coffee" else "chelsea"]
            found = check(warp(reference, to_copy, (480, 360), background), reference, np.linalg.inv(to_copy))
            assert found.correlation > 0.75, name

    @pytest.mark.parametrize(
        ("edit", "least"),
        [
            (lambda p: cv2.GaussianBlur(p, (0, 0), p.shape[1] / 100), 0.7),
            (lambda p: jpeg(p, 8), 0.8),
            (lambda p: (p // 3 + 20).astype(np.uint8), 0.9),
            (lambda p: np.rint(255 * (p / 255) ** 2.2).astype(np.uint8), 0.8),
            (drawn_over, 0.45),
        ],
        ids=["blur", "jpeg", "contrast", "gamma", "drawn over"],
    )
    def test_changed_pixels(self, scenes: dict[str, U8], edit: object, least: float) -> None:
        for name in SCENES:
            assert callable(edit), name
            found = check(np.asarray(edit(scenes[name])), scenes[name], np.eye(3))
            assert found.correlation > least, name

    def test_negative(self, scenes: dict[str, U8]) -> None:
        for name in SCENES:
            found = check(255 - scenes[name], scenes[name], np.eye(3))
            assert found.correlation < -0.9, name
            assert found.edges > 0.9, name

    def test_outlines_are_seen_by_their_place(self, scenes: dict[str, U8]) -> None:
        for name in SCENES:
            reference = scenes[name]
            x, y = cv2.Sobel(reference, cv2.CV_32F, 1, 0), cv2.Sobel(reference, cv2.CV_32F, 0, 1)
            found = check(np.asarray(cv2.convertScaleAbs(cv2.magnitude(x, y))), reference, np.eye(3))
            assert abs(found.correlation) < 0.5, name
            # Of the cat's fur nearly everything is an outline; its correlation is negative, as between dark hairs.
            assert found.edges > (0.1 if name == "chelsea" else 0.4), name


class TestStrangers:
    def test_another_picture(self, scenes: dict[str, U8]) -> None:
        for name, other in itertools.permutations(SCENES, 2):
            query, reference = scenes[name], scenes[other]
            width, height = size_of(reference)
            for transform in (
                resize_map(size_of(query), size_of(reference)),
                np.eye(3),
                np.linalg.inv(around(25, 0.8, (width / 2, height / 2), size_of(query))),
            ):
                found = check(query, reference, transform)
                assert abs(found.correlation) < 0.3, (name, other)
                assert abs(found.edges) < 0.55, (name, other)

    @pytest.mark.parametrize("wrong", [shift(60, 0), shift(-25, 40), np.diag([1.3, 1.3, 1.0])], ids=["x", "xy", "size"])
    def test_the_right_picture_in_the_wrong_place(self, scenes: dict[str, U8], wrong: np.ndarray) -> None:
        for name in SCENES:
            reference = scenes[name]
            found = check(reference, reference, wrong)
            # The rocket's sky is one even slope, which agrees with itself wherever it is laid.
            assert found.correlation < (0.5 if name == "rocket" else 0.15), name

    def test_a_shared_logo_is_not_enough(self, scenes: dict[str, U8]) -> None:
        one, other = scenes["astronaut"], np.asarray(cv2.resize(scenes["rocket"], (512, 512)), np.uint8)
        logo = np.asarray(cv2.resize(scenes["coffee"], (130, 90), interpolation=cv2.INTER_AREA))
        one, other = one.copy(), other.copy()
        one[400:490, 20:150] = logo
        other[400:490, 20:150] = logo
        found = check(one, other, np.eye(3))
        assert found.correlation < 0.35

    def test_a_pasted_picture_leaves_most_of_the_agreement(self, scenes: dict[str, U8]) -> None:
        reference = scenes["astronaut"]
        copy = reference.copy()
        copy[200:420, 250:500] = cv2.resize(scenes["coffee"], (250, 220))
        assert check(copy, reference, np.eye(3)).correlation > 0.6


class TestNothingToCompare:
    @pytest.mark.parametrize(
        "transform",
        [
            np.zeros((3, 3)),
            np.ones((3, 3)),
            np.diag([1.0, 0, 1]),
            np.diag([1.0, 1, 0]),
            np.full((3, 3), math.nan),
            np.full((3, 3), math.inf),
            np.diag([1e-9, 1e-9, 1]),
            np.diag([1e9, 1e9, 1]),
            np.diag([1e300, 1e300, 1e-300]),
            shift(10_000, 0),
            shift(0, -1e30),
            np.array([[1.0, 0, 0], [0, 1, 0], [-1 / 255.5, 0, 1]]),
        ],
        ids=str,
    )
    def test_neutral(self, scenes: dict[str, U8], transform: np.ndarray) -> None:
        assert check(scenes["astronaut"], scenes["astronaut"], transform) == NEUTRAL

    @pytest.mark.parametrize("level", [0, 100, 255])
    def test_flat_reference(self, scenes: dict[str, U8], level: int) -> None:
        found = check(scenes["chelsea"], np.full((300, 400), level, np.uint8), np.eye(3))
        assert found == NEUTRAL

    def test_flat_query(self, scenes: dict[str, U8]) -> None:
        found = check(np.full((300, 451), 77, np.uint8), scenes["chelsea"], np.eye(3))
        assert (found.correlation, found.edges) == (0, 0)
        assert found.textured_blocks > 0

    def test_two_even_slopes_have_no_edges(self) -> None:
        slope = np.tile(np.arange(256, dtype=np.uint8), (256, 1))
        assert check(slope, slope, np.eye(3)).correlation > 0.99
        assert check(slope, slope, np.eye(3)).edges == 0

    @pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 2)])
    def test_tiny_pictures(self, scenes: dict[str, U8], shape: tuple[int, int]) -> None:
        tiny = np.full(shape, 50, np.uint8)
        photo = scenes["chelsea"]
        for transform in (np.eye(3), resize_map(size_of(tiny), size_of(photo))):
            assert astuple(check(tiny, photo, transform))[:2] == (0, 0)
        assert check(photo, tiny, resize_map(size_of(photo), size_of(tiny))) == NEUTRAL

    def test_beyond_the_horizon_is_not_seen(self, scenes: dict[str, U8]) -> None:
        """The line x = 150 of the query is the horizon: what lies right of it would be folded back onto the picture."""
        query = scenes["astronaut"][:200, :200]
        transform = np.array([[1.0, 0, -190], [0, 1, -190], [-1 / 150, 0, 1]])
        folded = apply_transform(transform, np.array([[170.0, 180.0]]))
        assert ((folded > 0) & (folded < 512)).all()
        assert check(query, scenes["astronaut"], transform) == NEUTRAL

    @given(values=st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=9, max_size=9))
    def test_any_transform_gives_finite_numbers(self, values: list[float]) -> None:
        rng = np.random.default_rng(0)
        noise = rng.integers(0, 256, (40, 70), dtype=np.uint8)
        assert_in_range(check(noise, noise, np.array(values)))

    @given(seed=st.integers(0, 2**32 - 1), width=st.integers(1, 90), height=st.integers(1, 90))
    def test_near_the_identity_too(self, seed: int, width: int, height: int) -> None:
        rng = np.random.default_rng(seed)
        query = rng.integers(0, 256, (height, width), dtype=np.uint8)
        reference = rng.integers(0, 256, (30, 50), dtype=np.uint8)
        transform = np.eye(3) + rng.normal(0, 1, (3, 3)) * [[1, 1, 20], [1, 1, 20], [0.02, 0.02, 0]]
        assert_in_range(check(query, reference, transform))


def assert_in_range(found: PixelAgreement) -> None:
    assert all(math.isfinite(value) for value in astuple(found))
    assert -1 <= found.correlation <= 1
    assert -1 <= found.edges <= 1
    assert 0 <= found.support < 1
    assert 0 <= found.textured_blocks <= 64


class TestForm:
    def test_memory_layout_does_not_matter(self, scenes: dict[str, U8]) -> None:
        query, reference = scenes["chelsea"], scenes["chelsea"][10:280, 30:400]
        transform = shift(-30, -10)
        expected = check(np.ascontiguousarray(query), np.ascontiguousarray(reference), transform)
        padded = np.zeros((query.shape[0], query.shape[1] * 2), np.uint8)
        padded[:, ::2] = query
        levels = [np.asfortranarray(level) for level in make_pyramid(padded[:, ::2])]
        thumbnail = stored(np.asfortranarray(reference))
        found = compare_pixels(
            levels, size_of(query), np.asfortranarray(thumbnail), size_of(reference), np.asfortranarray(transform)
        )
        assert found == expected

    def test_nothing_that_is_passed_is_written_to(self, scenes: dict[str, U8]) -> None:
        picture = scenes["coffee"].copy()
        picture.setflags(write=False)
        levels, thumbnail = make_pyramid(picture), stored(picture)
        for array in (*levels, thumbnail):
            array.setflags(write=False)
        assert compare_pixels(levels, size_of(picture), thumbnail, size_of(picture), np.eye(3)).correlation > 0.9

    def test_nine_numbers_and_any_factor_are_the_same_transform(self, scenes: dict[str, U8]) -> None:
        picture = scenes["rocket"]
        levels, thumbnail, size = make_pyramid(picture), stored(picture), size_of(picture)
        expected = compare_pixels(levels, size, thumbnail, size, shift(3, 5))
        for factor in (1.0, -2.0, 1e-20, 1e20):
            numbers = tuple((shift(3, 5) * factor).ravel())
            assert astuple(compare_pixels(levels, size, thumbnail, size, numbers)) == pytest.approx(astuple(expected))

    def test_a_query_decoded_at_a_fraction_of_its_size(self, scenes: dict[str, U8]) -> None:
        reference = scenes["coffee"]
        width, height = size_of(reference)
        half = np.asarray(cv2.resize(reference, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8)
        found = compare_pixels(make_pyramid(half), (width, height), stored(reference), (width, height), np.eye(3))
        assert found.correlation > 0.95
