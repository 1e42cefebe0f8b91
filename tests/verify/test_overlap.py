"""The second look: a query warped onto a thumbnail, and what it measures on pictures changed in a known way."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingerprint.config import DEFAULT_CONFIG
from fingerprint.features.colour_grid import unknown_colours
from fingerprint.features.describe import describe_query, describe_reference
from fingerprint.features.thumbnail import THUMBNAIL_SIDE, make_pyramid, make_thumbnail, open_thumbnail, shrink
from fingerprint.images.decode import read_grey
from fingerprint.kernels.colours import COLOUR_MEASURES
from fingerprint.models import Models
from fingerprint.types import F64, U8, Keypoints
from fingerprint.verify.bend import Chain
from fingerprint.verify.overlap import OVERLAP_NAMES, Overlap, Sides, compare_coarsely, measure_overlap
from fingerprint.verify.verification import find_agreement, verify
from fingerprint.verify.warp import COARSE_SIDE, UNCHANGED, Warper, resize_map

SCENES = ("astronaut", "chelsea", "coffee")
MANY = 100  # inliers: the transform is trusted
UNUSABLE = [
    np.zeros((3, 3)),
    np.ones((3, 3)),
    np.diag([1.0, 0, 1]),
    np.diag([1.0, 1, 0]),
    np.full((3, 3), math.nan),
    np.full((3, 3), math.inf),
    np.diag([1e-9, 1e-9, 1]),
    np.diag([1e9, 1e9, 1]),
    np.diag([1e300, 1e300, 1e-300]),
]

#: The colours of a pair of grey pictures.
GREY = np.zeros((64, 64, 2), np.int8), np.zeros((8, 8, 2), np.int8)


@pytest.fixture(scope="module")
def scenes(photos: dict[str, U8]) -> dict[str, U8]:
    return {name: read_grey(photos[name]).pixels for name in SCENES}


def size_of(pixels: U8) -> tuple[int, int]:
    return pixels.shape[1], pixels.shape[0]


def sides_of(query: U8, reference: U8, *, inverted: bool = False) -> Sides:
    thumbnail = open_thumbnail(make_thumbnail(reference))
    pixels, sizes = make_pyramid(query), (size_of(query), size_of(reference))
    return Sides(pixels, sizes[0], thumbnail, sizes[1], inverted, unmatched(), GREY)


def unmatched() -> Chain:
    """Return no matches: nothing can be bent back."""
    nothing = Keypoints(
        np.zeros((0, 128), np.uint8), np.zeros((0, 2), np.uint64), np.zeros((0, 5), np.float32), width=1, height=1
    )
    no_rows = np.zeros(0, np.int64)
    return Chain(nothing, nothing, no_rows, no_rows, mirrored=False, inverted=False)


def measured(
    query: U8, reference: U8, transform: F64 | None, n_inliers: int = MANY, *, inverted: bool = False
) -> dict[str, float]:
    found = measure_overlap(sides_of(query, reference, inverted=inverted), transform, n_inliers)
    assert found is not None
    return dict(zip(OVERLAP_NAMES, found.measures.tolist(), strict=True))


def shift(x: float, y: float) -> F64:
    return np.array([[1.0, 0, x], [0, 1, y], [0, 0, 1]])


def mirror(width: int) -> F64:
    return np.array([[-1.0, 0, width - 1], [0, 1, 0], [0, 0, 1]])


class TestResizeMap:
    @given(st.tuples(*[st.integers(1, 5000)] * 4))
    def test_maps_corners_to_corners(self, sizes: tuple[int, int, int, int]) -> None:
        before, after = sizes[:2], sizes[2:]
        corners = np.array([[-0.5, -0.5, 1], [before[0] - 0.5, before[1] - 0.5, 1]]).T
        expected = np.array([[-0.5, -0.5], [after[0] - 0.5, after[1] - 0.5]]).T
        np.testing.assert_allclose((resize_map(before, after) @ corners)[:2], expected, rtol=1e-9, atol=1e-9)


class TestWarper:
    @pytest.mark.parametrize("side", [COARSE_SIDE, THUMBNAIL_SIDE])
    def test_of_the_identity_the_grid_is_the_thumbnail(self, side: int, scenes: dict[str, U8]) -> None:
        for name, scene in scenes.items():
            warper = Warper.of(np.eye(3), size_of(scene), size_of(scene), side)
            assert warper is not None
            warped, shared = warper.warp(make_pyramid(scene))
            assert shared.all(), name
            assert np.abs(warped - shrink(scene, side, side).astype(float)).mean() < 4, name

    def test_only_what_the_query_covers_is_shared(self, scenes: dict[str, U8]) -> None:
        scene = scenes["astronaut"]  # 512 x 512
        warper = Warper.of(shift(128, 256), (256, 256), (512, 512), COARSE_SIDE)
        assert warper is not None
        _, shared = warper.warp(make_pyramid(scene[256:, 128:384]))
        expected = np.zeros((COARSE_SIDE, COARSE_SIDE), np.bool_)
        expected[32:, 16:48] = True
        np.testing.assert_array_equal(shared, expected)

    def test_a_move_looks_for_the_same_elsewhere_in_the_query(self, scenes: dict[str, U8]) -> None:
        scene = scenes["astronaut"]
        levels, size = make_pyramid(scene), size_of(scene)
        warpers = [Warper.of(np.eye(3), size, size, COARSE_SIDE, m) for m in (UNCHANGED, np.eye(3), shift(3, -2))]
        plain, same, moved = (w.warp(levels)[0] for w in warpers if w is not None)
        np.testing.assert_array_equal(plain, same)
        np.testing.assert_array_equal(moved[2:, :-3], plain[:-2, 3:])

    @pytest.mark.parametrize("factor", [-3.0, 1e-20, 1e20])
    def test_any_factor_is_the_same_transform(self, factor: float, scenes: dict[str, U8]) -> None:
        scene = scenes["coffee"]
        size = size_of(scene)
        plain, scaled = (Warper.of(m, size, size, COARSE_SIDE) for m in (shift(20, 5), shift(20, 5) * factor))
        assert plain is not None
        assert scaled is not None
        assert scaled.scale == pytest.approx(plain.scale)
        np.testing.assert_allclose(scaled.to_query, plain.to_query, rtol=1e-9, atol=1e-9)

    @pytest.mark.parametrize("side", [COARSE_SIDE, THUMBNAIL_SIDE])
    def test_between_squares_is_the_same_map_without_pixels(self, side: int) -> None:
        """The query is the lower right quarter of the reference."""
        warper = Warper.of(shift(200, 150), (200, 150), (400, 300), side)
        assert warper is not None
        corners = warper.between_squares() @ np.array([[0.5, 0.5, 1], [1, 1, 1], [0.5, 1, 1]]).T
        np.testing.assert_allclose(corners[:2] / corners[2], np.array([[0, 0], [1, 1], [0, 1]]).T, atol=1e-9)

    @pytest.mark.parametrize("transform", UNUSABLE, ids=str)
    def test_an_unusable_transform_has_none(self, transform: F64) -> None:
        assert Warper.of(transform, (300, 200), (400, 500), COARSE_SIDE) is None

    def test_beyond_the_horizon_nothing_is_shared(self, scenes: dict[str, U8]) -> None:
        transform = np.array([[1.0, 0, -190], [0, 1, -190], [-1 / 150, 0, 1]])
        warper = Warper.of(transform, (200, 200), (512, 512), COARSE_SIDE)
        assert warper is not None
        assert not warper.warp(make_pyramid(scenes["astronaut"][:200, :200]))[1].any()


class TestMeasureOverlap:
    def test_names_are_distinct(self) -> None:
        assert len(set(OVERLAP_NAMES)) == len(OVERLAP_NAMES)

    def test_of_the_same_picture_all_agrees(self, scenes: dict[str, U8]) -> None:
        for name, scene in scenes.items():
            for n_inliers in (0, MANY):
                found = measured(scene, scene, np.eye(3), n_inliers)
                for grid in ("coarse", "fine"):
                    assert found[f"{grid}_agreeing"] > (0.9 if grid == "coarse" else 0.75), (name, grid)  # JPEG
                    assert found[f"{grid}_contradicting"] < 0.05, (name, grid)
                assert found["realigned"] < 0.5, name
                assert found["whole"] == 0, name

    def test_a_crop_agrees_where_it_is(self, scenes: dict[str, U8]) -> None:
        for name, scene in scenes.items():
            height, width = scene.shape
            crop = scene[height // 4 : 3 * height // 4, width // 5 : 4 * width // 5]
            found = measured(crop, scene, shift(width // 5, height // 4))
            assert found["coarse_agreeing"] > 0.9, name
            assert found["coarse_log_textured"] < measured(scene, scene, np.eye(3))["coarse_log_textured"], name

    def test_a_transform_a_little_off_is_corrected(self, scenes: dict[str, U8]) -> None:
        for name, scene in scenes.items():
            width, height = size_of(scene)
            off = shift(1.5 * width / COARSE_SIDE, -height / COARSE_SIDE)
            found = measured(scene, scene, off)
            assert 1 < found["realigned"] < 2.5, name
            assert found["coarse_agreeing"] > 0.9, name
            assert found["fine_agreeing"] > 0.8, name
            assert found["whole"] == 0, name

    def test_another_picture_contradicts(self, scenes: dict[str, U8]) -> None:
        found = measured(scenes["coffee"], scenes["chelsea"], resize_map(*map(size_of, list(scenes.values())[2:0:-1])))
        assert found["coarse_agreeing"] < 0.3
        assert found["fine_agreeing"] < 0.2

    def test_a_negative_agrees_when_it_is_turned_back(self, scenes: dict[str, U8]) -> None:
        for name, scene in scenes.items():
            negative = 255 - scene
            assert measured(negative, scene, np.eye(3), inverted=True)["coarse_agreeing"] > 0.95, name
            assert measured(negative, scene, np.eye(3))["coarse_agreeing"] < 0.3, name
            assert measured(scene, scene, np.eye(3), inverted=True)["coarse_agreeing"] < 0.3, name

    def test_a_wrong_transform_of_few_keypoints_gives_way_to_whole_pictures(self, scenes: dict[str, U8]) -> None:
        for name, scene in scenes.items():
            width, height = size_of(scene)
            wrong = shift(width / 3, height / 4)
            assert measured(scene, scene, wrong, 3)["whole"] == 1, name
            assert measured(scene, scene, wrong, 3)["coarse_agreeing"] > 0.95, name
            assert measured(scene, scene, wrong, MANY)["whole"] == 0, name
            assert measured(scene, scene, wrong, MANY)["coarse_agreeing"] < 0.4, name

    @pytest.mark.parametrize("alike", [False, True])
    def test_one_of_many_keypoints_gives_way_if_wholes_are_alike(self, alike: bool, scenes: dict[str, U8]) -> None:
        sides = sides_of(scenes["coffee"], scenes["coffee"])
        wrong = np.array([[0.4, 0.2, 60.0], [-0.2, 0.4, 120.0], [0.0, 0.0, 1.0]])
        found = compare_coarsely(sides, wrong, MANY, alike_as_wholes=alike)
        assert found is not None
        assert found.whole == alike

    @pytest.mark.parametrize("step", [1, -1], ids=["plain", "mirrored"])
    def test_without_a_transform_whole_pictures_are_laid_onto_each_other(
        self, step: int, scenes: dict[str, U8]
    ) -> None:
        for name, scene in scenes.items():
            copy = cv2.resize(scene[:, ::step], (300, 370), interpolation=cv2.INTER_AREA)
            found = measured(np.asarray(copy, np.uint8), scene, None, 0)
            assert found["whole"] == 1, name
            assert found["coarse_agreeing"] > 0.9, name

    @pytest.mark.parametrize("transform", UNUSABLE, ids=str)
    def test_an_unusable_transform_gives_nothing(self, transform: F64, scenes: dict[str, U8]) -> None:
        sides = sides_of(scenes["coffee"], scenes["coffee"])
        assert measure_overlap(sides, transform, MANY) is None
        found = measure_overlap(sides, transform, 3)  # then whole pictures are tried
        assert found is not None
        assert found.measures[OVERLAP_NAMES.index("whole")] == 1

    @given(
        values=st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=9, max_size=9),
        n_inliers=st.sampled_from([0, 5, MANY]),
    )
    def test_any_transform_gives_finite_numbers_or_nothing(self, values: list[float], n_inliers: int) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (40, 70), dtype=np.uint8)
        assert_finite(measure_overlap(sides_of(noise, noise), np.array(values).reshape(3, 3), n_inliers))

    @given(seed=st.integers(0, 2**32 - 1), width=st.integers(1, 90), height=st.integers(1, 90))
    def test_near_the_identity_too(self, seed: int, width: int, height: int) -> None:
        rng = np.random.default_rng(seed)
        query = rng.integers(0, 256, (height, width), dtype=np.uint8)
        reference = rng.integers(0, 256, (30, 50), dtype=np.uint8)
        transform = np.eye(3) + rng.normal(0, 1, (3, 3)) * [[1, 1, 20], [1, 1, 20], [0.02, 0.02, 0]]
        assert_finite(measure_overlap(sides_of(query, reference), transform, int(rng.integers(0, 30))))

    @pytest.mark.parametrize("transform", [shift(10_000, 0), shift(0, -1e30), np.diag([1e3, 1e-3, 1])], ids=str)
    def test_without_an_overlap_nothing_agrees(self, transform: F64, scenes: dict[str, U8]) -> None:
        found = measure_overlap(sides_of(scenes["coffee"], scenes["coffee"]), transform, MANY)
        assert_finite(found)
        if found is not None:
            assert found.measures[OVERLAP_NAMES.index("coarse_agreeing")] == 0

    def test_drawings_have_a_ground_and_photographs_have_not(self, scenes: dict[str, U8]) -> None:
        drawing = np.full((300, 400), 240, np.uint8)
        cv2.putText(drawing, "WORDS", (30, 170), cv2.FONT_HERSHEY_DUPLEX, 3.0, 20, 6, cv2.LINE_AA)
        drawn = measured(drawing, drawing, np.eye(3))
        assert drawn["ground"] > 0.6
        assert drawn["flat"] > 0.6
        for name, scene in scenes.items():
            found = measured(scene, scene, np.eye(3))
            assert found["ground"] < 0.4, name
            assert found["flat"] < 0.6, name
            assert found["log_gradient"] > drawn["log_gradient"], name

    def test_flat_pictures_have_no_texture(self) -> None:
        flat = np.full((60, 80), 130, np.uint8)
        found = measured(flat, flat, None, 0)
        assert found["coarse_log_textured"] == found["fine_log_textured"] == found["coarse_contradicting"] == 0

    @pytest.mark.parametrize("side", [64, 100, THUMBNAIL_SIDE])
    def test_thumbnails_of_other_sides_do_as_well(self, side: int, scenes: dict[str, U8]) -> None:
        """Segments of format 3 keep 64 x 64 pixels."""
        scene = scenes["coffee"]
        thumbnail = shrink(scene, side, side)
        size = size_of(scene)
        sides = Sides(make_pyramid(scene), size, thumbnail, size, inverted=False, chain=unmatched(), colours=GREY)
        found = measure_overlap(sides, np.eye(3), MANY)
        assert found is not None
        for grid in ("coarse", "fine"):
            assert found.measures[OVERLAP_NAMES.index(f"{grid}_agreeing")] > 0.95

    def test_nothing_that_is_passed_is_written_to(self, scenes: dict[str, U8]) -> None:
        sides, transform = sides_of(scenes["coffee"], scenes["coffee"]), shift(8, 3)
        arrays: list[np.ndarray] = [*sides.query, sides.thumbnail, transform]
        for array in arrays:
            array.setflags(write=False)
        first, again = (measure_overlap(sides, transform, MANY) for _ in range(2))
        assert first is not None
        assert again is not None
        np.testing.assert_array_equal(first.measures, again.measures)
        np.testing.assert_array_equal(first.piece, again.piece)


class TestColours:
    @pytest.mark.parametrize("mirrored", [False, True])
    def test_a_crop_has_the_colours_of_its_place(self, mirrored: bool, photos: dict[str, U8]) -> None:
        photo = photos["coffee"]
        crop = photo[60:300, 100:500]
        found = seen(crop[:, ::-1] if mirrored else crop, photo)
        assert found["colour_cells"] > 0.3
        assert found["colour_changed"] == 0
        assert found["colour_correlation"] > 0.9

    def test_a_filter_changes_all_colours_alike_and_another_cup_does_not(self, photos: dict[str, U8]) -> None:
        photo = photos["coffee"]
        warmer = np.clip(photo.astype(int) + np.array([25, 0, -25]), 0, 255).astype(np.uint8)
        recoloured = photo.copy()
        recoloured[:, :300] = recoloured[:, :300, ::-1]  # blue things instead of brown ones
        plain, filtered, changed = (seen(query, photo) for query in (photo, warmer, recoloured))
        assert filtered["colour_shift"] > plain["colour_shift"] + 1
        assert filtered["colour_changed"] < 0.1
        assert changed["colour_changed"] > 0.3

    def test_colours_that_are_not_known_are_not_compared(self, photos: dict[str, U8]) -> None:
        reference = replace(describe_reference(photos["coffee"]), colours=unknown_colours(1)[0])
        overlap = find_agreement(describe_query(photos["coffee"]), reference, DEFAULT_CONFIG.match).measure_overlap()
        assert overlap is not None
        assert not overlap.measures[-len(COLOUR_MEASURES) :].any()


def seen(query: U8, reference: U8) -> dict[str, float]:
    """What the second look measures on two pictures in colour."""
    agreement = find_agreement(describe_query(query), describe_reference(reference), DEFAULT_CONFIG.match)
    overlap = agreement.measure_overlap()
    assert overlap is not None
    return dict(zip(OVERLAP_NAMES, overlap.measures.tolist(), strict=True))


@pytest.mark.parametrize("name", SCENES)
class TestTransform:
    """The transform on which pixels agree, where that of the keypoints is not good enough."""

    def test_a_good_transform_stays(self, name: str, scenes: dict[str, U8]) -> None:
        found = measure_overlap(sides_of(scenes[name][:, 40:], scenes[name]), shift(40, 0), MANY)
        assert found is not None
        assert found.transform is None

    @pytest.mark.parametrize("mirrored", [False, True])
    def test_wholes_that_agree_better_give_theirs(self, name: str, mirrored: bool, scenes: dict[str, U8]) -> None:
        reference = scenes[name]
        small = shrink(reference, reference.shape[0] // 2, reference.shape[1] // 2)
        query = np.ascontiguousarray(small[:, ::-1]) if mirrored else small
        wrong = np.array([[1.2, 0.3, 40.0], [-0.3, 1.2, 20.0], [0, 0, 1]])
        expected = resize_map(size_of(small), size_of(reference)) @ (mirror(small.shape[1]) if mirrored else np.eye(3))
        for transform in (wrong, None):
            found = measure_overlap(sides_of(query, reference), transform, 4)
            assert found is not None
            assert found.transform is not None
            np.testing.assert_allclose(found.transform, expected, atol=1.0)

    def test_a_transform_that_is_off_is_corrected(self, name: str, scenes: dict[str, U8]) -> None:
        reference = scenes[name]
        off = 1.6 * reference.shape[1] / COARSE_SIDE
        found = measure_overlap(sides_of(reference[:, 40:], reference), shift(40 + off, 0), MANY)
        assert found is not None
        assert found.transform is not None
        corner = found.transform @ (200, 150, 1)
        np.testing.assert_allclose(corner[:2] / corner[2], (240, 150), atol=off / 2)


def test_a_thumbnail_smaller_than_a_cell_is_not_compared() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (60, 60), dtype=np.uint8)
    thumbnail = np.zeros((7, 7), np.uint8)
    size = (60, 60)
    sides = Sides(make_pyramid(grey), size, thumbnail, size, inverted=False, chain=unmatched(), colours=GREY)
    assert measure_overlap(sides, np.eye(3), 30) is None


def assert_finite(found: Overlap | None) -> None:
    if found is not None:
        assert found.measures.shape == (len(OVERLAP_NAMES),)
        assert np.isfinite(found.measures).all()
        left, top, right, bottom = found.piece
        assert 0 <= left <= right <= 1
        assert 0 <= top <= bottom <= 1


class TestFlatDrawings:
    """Drawings of few even areas have hardly any keypoints; whole pictures are compared then."""

    def drawing(self, seed: int) -> U8:
        rng = np.random.default_rng(seed)
        sheet = np.full((300, 400), 235, np.uint8)
        for _ in range(3):
            points = rng.integers(0, [400, 300], (3, 2)).astype(np.int32)
            cv2.fillPoly(sheet, [points], int(rng.integers(40, 200)), cv2.LINE_AA)
        return np.asarray(cv2.GaussianBlur(sheet, (0, 0), 1.5), np.uint8)

    @pytest.mark.parametrize("seed", range(4))
    def test_a_mirrored_one_is_laid_onto_its_source(self, seed: int, models: Models) -> None:
        drawing = self.drawing(seed)
        query = describe_query(np.ascontiguousarray(drawing[:, ::-1]), models)
        agreement = find_agreement(query, describe_reference(drawing, models), DEFAULT_CONFIG.match)
        overlap = measure_overlap(agreement.sides, None, 0)
        assert overlap is not None
        found = dict(zip(OVERLAP_NAMES, overlap.measures.tolist(), strict=True))
        assert found["whole"] == 1
        assert found["coarse_agreeing"] > 0.9

    def test_most_mirrored_ones_are_taken_for_copies(self, models: Models) -> None:
        drawings = [self.drawing(seed) for seed in range(5)]
        queries = [describe_query(np.ascontiguousarray(drawing[:, ::-1]), models) for drawing in drawings]
        references = [describe_reference(drawing, models) for drawing in drawings]
        found = np.array(
            [[verify(q, r, models, DEFAULT_CONFIG.match).probability for r in references] for q in queries]
        )
        own = np.diag(found)
        others = found[~np.eye(5, dtype=np.bool_)]
        assert np.median(own) > 0.5 > np.median(others)
