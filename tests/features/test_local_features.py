"""Keypoints and their descriptors: places, quotas, norms, and the permutations that spare a second extraction."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fingerprint.config import FeatureConfig
from fingerprint.errors import ConfigError
from fingerprint.features.local_features import (
    extract_features,
    merge_features,
    mirror_features,
    select_by_octave,
)
from fingerprint.images.decode import read_grey
from fingerprint.models.reflections import INVERT_PERMUTATION, MIRROR_PERMUTATION
from fingerprint.types import ROOTSIFT_SCALE, U8, LocalFeatures, Picture

ONE_SIDE = FeatureConfig(sides=(300,), n_keypoints=(300,), doubled=(True,))
NAMES = ("astronaut", "chelsea", "coffee", "rocket")


def picture(pixels: U8, width: int | None = None, height: int | None = None) -> Picture:
    h, w = pixels.shape
    return Picture(np.ascontiguousarray(pixels), width or w, height or h, "<test>")


def features_of(pixels: U8, config: FeatureConfig = ONE_SIDE) -> LocalFeatures:
    return extract_features(picture(pixels), config)[0]


@pytest.fixture(scope="module")
def greys(photos: dict[str, U8]) -> dict[str, U8]:
    """Grey photographs at the size at which they are described, so that mirroring them commutes with reduction."""
    out: dict[str, U8] = {}
    for name in NAMES:
        grey = read_grey(photos[name]).pixels
        factor = 300 / max(grey.shape)
        size = (round(grey.shape[1] * factor), round(grey.shape[0] * factor))
        out[name] = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    return out


@pytest.fixture(scope="module")
def extracted(greys: dict[str, U8]) -> dict[str, LocalFeatures]:
    return {name: features_of(grey) for name, grey in greys.items()}


def angle_between(a: np.ndarray, b: np.ndarray | float) -> np.ndarray:
    return np.abs((a - b + 180) % 360 - 180)


def match_by_place(a: LocalFeatures, b: LocalFeatures) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of keypoints that lie at the same place (1 pixel), in the same size and direction, in both."""
    apart = np.linalg.norm(a.points[:, None] - b.points[None], axis=2)
    growth = np.abs(np.log(a.sizes[:, None] / b.sizes[None]))
    turn = angle_between(a.angles[:, None], b.angles[None])
    cost = np.where((apart < 1) & (growth < 0.1) & (turn < 5), apart + growth + turn / 5, np.inf)
    rows = np.flatnonzero(np.isfinite(cost.min(axis=1)))
    return rows, cost[rows].argmin(axis=1)


def cosines(a: U8, b: U8) -> np.ndarray:
    a, b = a.astype(np.float64), b.astype(np.float64)
    return (a * b).sum(axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))


def assert_same_features(a: LocalFeatures, b: LocalFeatures) -> None:
    for field in fields(LocalFeatures):
        np.testing.assert_array_equal(getattr(a, field.name), getattr(b, field.name), err_msg=field.name)


class TestMirror:
    @pytest.mark.parametrize("name", NAMES)
    def test_permuted_features_are_those_of_the_mirror_image(
        self, name: str, greys: dict[str, U8], extracted: dict[str, LocalFeatures]
    ) -> None:
        permuted = mirror_features(extracted[name])
        real = features_of(np.ascontiguousarray(greys[name][:, ::-1]))
        rows, partners = match_by_place(permuted, real)
        assert len(rows) > 0.8 * len(permuted)
        likeness = cosines(permuted.descriptors[rows], real.descriptors[partners])
        assert np.median(likeness) > 0.995
        assert np.quantile(likeness, 0.1) > 0.98
        assert np.median(angle_between(permuted.angles[rows], real.angles[partners])) < 0.5
        np.testing.assert_allclose(np.median(real.sizes[partners] / permuted.sizes[rows]), 1, atol=0.01)

    @pytest.mark.parametrize("name", NAMES)
    def test_places_have_no_bias(self, name: str, greys: dict[str, U8], extracted: dict[str, LocalFeatures]) -> None:
        """What lies at x must lie at width - 1 - x in the mirror image: pixel centres are at integers."""
        real = features_of(np.ascontiguousarray(greys[name][:, ::-1]))
        mirrored = mirror_features(extracted[name])
        rows, partners = match_by_place(mirrored, real)
        shift = real.points[partners] - mirrored.points[rows]
        np.testing.assert_allclose(np.median(shift, axis=0), 0, atol=0.1)

    def test_twice_is_the_same_again(self, extracted: dict[str, LocalFeatures]) -> None:
        before = extracted["chelsea"]
        after = mirror_features(mirror_features(before))
        np.testing.assert_array_equal(after.descriptors, before.descriptors)
        np.testing.assert_allclose(after.points, before.points, atol=1e-3)
        np.testing.assert_allclose(angle_between(after.angles, before.angles), 0, atol=1e-3)

    def test_angles_stay_in_their_range_and_the_input_is_not_changed(self, extracted: dict[str, LocalFeatures]) -> None:
        before = extracted["coffee"]
        copies = {field.name: np.copy(getattr(before, field.name)) for field in fields(before)}
        after = mirror_features(before)
        assert (after.angles >= 0).all()
        assert (after.angles < 360).all()
        assert after.descriptors.flags.c_contiguous
        for name, copy in copies.items():
            np.testing.assert_array_equal(getattr(before, name), copy)

    @pytest.mark.parametrize("permutation", [MIRROR_PERMUTATION, INVERT_PERMUTATION])
    def test_permutations_are_involutions(self, permutation: np.ndarray) -> None:
        assert sorted(permutation) == list(range(128))
        np.testing.assert_array_equal(permutation[permutation], np.arange(128))


class TestExtraction:
    def test_one_result_a_side_in_order_with_its_own_scale(self, photos: dict[str, U8]) -> None:
        grey = read_grey(photos["coffee"]).pixels  # 600 x 400
        config = FeatureConfig(sides=(300, 150, 512), n_keypoints=(100, 60, 200), doubled=(True, False, False))
        parts = extract_features(picture(grey), config)
        assert [(p.width, p.height) for p in parts] == [(300, 200), (150, 100), (512, 341)]
        assert [p.scale for p in parts] == pytest.approx([1 / 2, 1 / 4, 512 / 600])
        assert [len(p) <= n for p, n in zip(parts, config.n_keypoints, strict=True)] == [True] * 3

    def test_scale_counts_from_the_original_not_from_the_pixels_that_were_decoded(self, photos: dict[str, U8]) -> None:
        grey = np.asarray(cv2.resize(read_grey(photos["coffee"]).pixels, (600, 400)), np.uint8)
        half_decoded = extract_features(picture(grey, width=1200, height=800), ONE_SIDE)[0]
        assert half_decoded.scale == pytest.approx(300 / 1200)

    @pytest.mark.parametrize(("width", "described"), [(120, 300), (100, 300), (99, 297), (64, 192), (10, 30)])
    def test_small_pictures_are_enlarged_three_times_at_most(
        self, width: int, described: int, photos: dict[str, U8]
    ) -> None:
        grey, size = read_grey(photos["chelsea"]).pixels, (width, width * 2 // 3)
        small = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
        found = features_of(small)
        assert found.width == described
        assert abs(found.height - described * small.shape[0] / width) < 1
        assert found.scale == pytest.approx(described / width)
        if width >= 64:
            assert len(found) > 50

    def test_places_in_an_enlarged_picture_are_those_of_the_large_one(self, greys: dict[str, U8]) -> None:
        """A third of the size and enlarged again: what is still seen lies where it lay."""
        large = greys["astronaut"]
        small = np.asarray(cv2.resize(large, None, fx=1 / 3, fy=1 / 3, interpolation=cv2.INTER_AREA), np.uint8)
        one, other = features_of(large), features_of(small)
        assert (one.width, one.height) == (other.width, other.height)
        rows, partners = match_by_place(other, one)
        assert len(rows) > 20
        np.testing.assert_allclose(np.median(one.points[partners] - other.points[rows], axis=0), 0, atol=0.1)

    @pytest.mark.parametrize("name", NAMES)
    def test_doubled_finds_finer_ones(self, name: str, greys: dict[str, U8]) -> None:
        plain, doubled = (
            features_of(greys[name], FeatureConfig((300,), (10_000,), (twice,), octave_share=1.0))
            for twice in (False, True)
        )
        assert len(doubled) > 1.5 * len(plain)
        assert doubled.sizes.min() < plain.sizes.min()
        assert (doubled.width, doubled.scale) == (plain.width, plain.scale) == (300, 1.0)
        rows, _ = match_by_place(plain, doubled)
        assert len(rows) > 0.5 * len(plain)

    def test_each_side_is_doubled_or_not_for_itself(self, greys: dict[str, U8]) -> None:
        both = extract_features(picture(greys["coffee"]), FeatureConfig((300, 150), (300, 90), (False, True)))
        for part, settings in zip(both, [((300,), (300,), (False,)), ((150,), (90,), (True,))], strict=True):
            assert_same_features(part, features_of(greys["coffee"], FeatureConfig(*settings)))

    @pytest.mark.parametrize("name", NAMES)
    def test_values_are_in_their_ranges(self, name: str, extracted: dict[str, LocalFeatures]) -> None:
        found = extracted[name]
        n = len(found)
        assert 100 < n <= 300
        assert [getattr(found, f).dtype for f in ("points", "sizes", "angles")] == [np.float32] * 3
        assert found.points.shape == (n, 2)
        assert found.sizes.shape == found.angles.shape == (n,)
        assert (found.descriptors.dtype, found.descriptors.shape) == (np.uint8, (n, 128))
        assert (found.points >= -0.5).all()
        assert (found.points <= [found.width - 0.5, found.height - 0.5]).all()
        assert (found.sizes > 0).all()
        assert ((found.angles >= 0) & (found.angles < 360)).all()
        norms = np.linalg.norm(found.descriptors.astype(np.float64), axis=1)
        np.testing.assert_allclose(norms, ROOTSIFT_SCALE, rtol=0.05)

    def test_angle_is_the_gradients_as_y_points_down(self) -> None:
        """A blob with a bright side to its right and below: the gradient points to (1, 1), which is 45 degrees."""
        y, x = np.mgrid[:201, :201].astype(np.float64) - 100
        blob = 200 * np.exp(-(x**2 + y**2) / (2 * 12**2)) * (1 + np.tanh((x + y) / 10)) / 2
        found = features_of(blob.astype(np.uint8))
        assert len(found)
        strongest = np.argmin(np.linalg.norm(found.points - 100, axis=1))
        assert angle_between(found.angles[strongest], 45) < 10

    def test_flat_pictures_give_none(self) -> None:
        for size in [(1, 1), (1, 7), (300, 1), (16, 16), (400, 640)]:
            for value in [0, 128, 255]:
                found = features_of(np.full(size, value, np.uint8))
                assert len(found) == 0, (size, value)
                assert [a.shape for a in (found.points, found.sizes, found.angles, found.descriptors)] == [
                    (0, 2),
                    (0,),
                    (0,),
                    (0, 128),
                ], (size, value)
                assert found.descriptors.dtype == np.uint8, (size, value)
                assert found.scale == pytest.approx(min(3, 300 / max(size))), (size, value)

    def test_any_size_is_described(self) -> None:
        for width in [1, 2, 4, 9, 31]:
            for height in [1, 2, 3, 5, 8, 17, 33]:
                noise = np.random.default_rng(width * 100 + height).integers(0, 256, (height, width)).astype(np.uint8)
                found = features_of(noise)
                assert (found.width, found.height) == (3 * width, 3 * height), (width, height)
                assert len(found.points) == len(found.descriptors) == len(found.sizes), (width, height)

    @pytest.mark.parametrize("shape", [(3000, 1), (1, 2000), (2000, 3)])
    def test_thin_pictures_keep_a_pixel_on_the_short_side(self, shape: tuple[int, int]) -> None:
        noise = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
        found = features_of(noise)
        assert max(found.width, found.height) == 300
        assert min(found.width, found.height) == 1

    @pytest.mark.parametrize(
        "pixels", [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.float32), np.zeros(4, np.uint8)]
    )
    def test_refuses_what_is_not_grey_and_names_it(self, pixels: np.ndarray) -> None:
        with pytest.raises(ConfigError, match=r"cat\.png.*grey uint8"):
            extract_features(Picture(pixels, 4, 4, "cat.png"), ONE_SIDE)

    def test_same_from_many_threads(self, greys: dict[str, U8], extracted: dict[str, LocalFeatures]) -> None:
        with ThreadPoolExecutor(4) as pool:
            again = list(pool.map(features_of, [greys[name] for name in NAMES] * 3))
        for found, name in zip(again, NAMES * 3, strict=True):
            assert_same_features(found, extracted[name])

    def test_pixels_are_not_changed(self, greys: dict[str, U8]) -> None:
        before = greys["chelsea"].copy()
        features_of(greys["chelsea"])
        np.testing.assert_array_equal(greys["chelsea"], before)

    @pytest.mark.parametrize("name", NAMES)
    def test_no_octave_takes_more_than_its_share_while_others_have_more(self, name: str, greys: dict[str, U8]) -> None:
        """The octave shows in the size, which doubles from one to the next: the finest has 1.796 to 3.592 pixels."""

        def count(n: int, share: float) -> np.ndarray:
            sizes = features_of(
                greys[name], FeatureConfig(sides=(300,), n_keypoints=(n,), doubled=(True,), octave_share=share)
            ).sizes
            return np.bincount(np.floor(np.log2(sizes / 1.796)).astype(int), minlength=8)

        offered, free, capped = count(100_000, 1.0), count(100, 1.0), count(100, 0.25)
        assert free.sum() == capped.sum() == 100
        assert free.max() > 25  # without the cap one octave takes more than a quarter
        assert capped[2:].sum() > free[2:].sum()
        if np.minimum(offered, 25).sum() >= 100:
            assert capped.max() <= 25
        else:
            assert (capped >= np.minimum(offered, 25)).all()

    def test_more_keypoints_asked_for_hold_those_of_fewer(self, greys: dict[str, U8]) -> None:
        few, many = (
            features_of(
                greys["astronaut"], FeatureConfig(sides=(300,), n_keypoints=(n,), doubled=(True,), octave_share=1.0)
            )
            for n in (50, 200)
        )
        places = {tuple(row) for row in np.column_stack([many.points, many.sizes, many.angles]).tolist()}
        assert {tuple(row) for row in np.column_stack([few.points, few.sizes, few.angles]).tolist()} <= places


responses = hnp.arrays(np.float32, st.integers(0, 60), elements=st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5]))


class TestSelectByOctave:
    @given(responses, st.data())
    def test_against_a_walk_in_order_of_strength(self, response: np.ndarray, data: st.DataObject) -> None:
        octave = data.draw(hnp.arrays(np.int64, len(response), elements=st.integers(-1, 4)))
        n = data.draw(st.integers(1, 70))
        share = data.draw(st.sampled_from([0.05, 0.3, 0.5, 1.0]))
        cap = max(1, round(share * n))
        within: list[int] = []
        beyond: list[int] = []
        taken = dict.fromkeys(range(-1, 5), 0)
        for i in sorted(range(len(response)), key=lambda i: (-response[i], i)):
            (within if taken[int(octave[i])] < cap else beyond).append(i)
            taken[int(octave[i])] += 1
        chosen = select_by_octave(response, octave, n, share)
        assert chosen.tolist() == (within + beyond)[:n]
        assert chosen.dtype == np.int64

    def test_the_cap_is_lifted_when_one_octave_is_all_there_is(self) -> None:
        response = np.linspace(1, 0.1, 20, dtype=np.float32)
        chosen = select_by_octave(response, np.zeros(20, np.int64), 15, 0.1)
        assert chosen.tolist() == list(range(15))

    def test_weak_ones_of_other_octaves_come_before_the_surplus_of_one(self) -> None:
        response = np.array([9, 8, 7, 6, 1, 0.5], dtype=np.float32)
        octave = np.array([0, 0, 0, 0, 1, 2])
        assert select_by_octave(response, octave, 4, 0.5).tolist() == [0, 1, 4, 5]


class TestMerge:
    def test_the_same_place_of_the_picture_is_the_same_place_at_every_side(self, photos: dict[str, U8]) -> None:
        grey = read_grey(photos["astronaut"]).pixels
        small, large = extract_features(
            picture(grey), FeatureConfig(sides=(256, 512), n_keypoints=(50, 70), doubled=(True, False))
        )
        merged = merge_features([small, large])
        assert len(merged) == len(small) + len(large)
        assert (merged.width, merged.height, merged.scale) == (512, 512, 1.0)
        n = len(small)
        # Pixel (0, 0) of the half-size picture covers pixels 0 and 1 of the large one: its centre is at 0.5.
        np.testing.assert_allclose(merged.points[:n], small.points * 2 + 0.5, atol=1e-3)
        np.testing.assert_allclose(merged.sizes[:n], small.sizes * 2, rtol=1e-5)
        np.testing.assert_array_equal(merged.points[n:], large.points)
        np.testing.assert_array_equal(merged.sizes[n:], large.sizes)
        np.testing.assert_array_equal(merged.angles, np.concatenate([small.angles, large.angles]))
        np.testing.assert_array_equal(merged.descriptors, np.concatenate([small.descriptors, large.descriptors]))

    def test_keypoints_found_at_both_sides_lie_on_each_other(self, photos: dict[str, U8]) -> None:
        grey = read_grey(photos["coffee"]).pixels
        parts = extract_features(
            picture(grey), FeatureConfig(sides=(300, 600), n_keypoints=(100, 400), doubled=(True, True))
        )
        merged = merge_features(parts)
        coarse, fine = merged.points[: len(parts[0])], merged.points[len(parts[0]) :]
        nearest = np.linalg.norm(coarse[:, None] - fine[None], axis=2).min(axis=1)
        assert (nearest < 1.5).mean() > 0.4

    def test_one_part_alone_is_itself(self, extracted: dict[str, LocalFeatures]) -> None:
        alone = extracted["chelsea"]
        merged = merge_features([alone])
        np.testing.assert_allclose(merged.points, alone.points, atol=1e-4)
        np.testing.assert_array_equal(merged.sizes, alone.sizes)
        np.testing.assert_array_equal(merged.descriptors, alone.descriptors)
        assert (merged.width, merged.height, merged.scale) == (alone.width, alone.height, alone.scale)

    def test_order_of_the_parts_only_orders_the_keypoints(self, photos: dict[str, U8]) -> None:
        parts = extract_features(
            picture(read_grey(photos["rocket"]).pixels),
            FeatureConfig(sides=(150, 300), n_keypoints=(40, 60), doubled=(True, True)),
        )
        there, back = merge_features(parts), merge_features(parts[::-1])
        assert (there.width, there.height, there.scale) == (back.width, back.height, back.scale)
        assert sorted(there.points.tolist()) == sorted(back.points.tolist())

    def test_empty_parts(self) -> None:
        flat = extract_features(
            picture(np.zeros((400, 400), np.uint8)),
            FeatureConfig(sides=(100, 300), n_keypoints=(5, 5), doubled=(True, False)),
        )
        merged = merge_features(flat)
        assert len(merged) == 0
        assert (merged.width, merged.height) == (300, 300)

    def test_nothing_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="at least one"):
            merge_features([])


class TestFeatureConfig:
    @pytest.mark.parametrize(
        ("sides", "n_keypoints", "doubled", "share"),
        [
            *[((), (), (), 0.5), ((300,), (1, 2), (True,), 0.5), ((15,), (1,), (True,), 0.5)],
            *[((300,), (0,), (True,), 0.5), ((300,), (1,), (True,), 0.0), ((300,), (1,), (True,), 1.01)],
            *[((300,), (1,), (), 0.5), ((300,), (1,), (True, False), 0.5)],
        ],
    )
    def test_refuses_what_is_out_of_range(
        self, sides: tuple[int, ...], n_keypoints: tuple[int, ...], doubled: tuple[bool, ...], share: float
    ) -> None:
        with pytest.raises(ConfigError):
            FeatureConfig(sides=sides, n_keypoints=n_keypoints, doubled=doubled, octave_share=share)
