"""The compact descriptor: of unit length, of one picture alone, the same in the mirror, and near under edits."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.cluster.vq import vq

from fingerprint.config import DEFAULT_CONFIG
from fingerprint.edits import apply_edits
from fingerprint.features.descriptor import (
    BACKGROUND_NEIGHBOURS,
    BACKGROUND_SHARE,
    FULL_WEIGHT_SIZE,
    LEAST_WEIGHT,
    OTHER_SIDE_SHARE,
    PACKED_STEP,
    POWER,
    STRETCH_NEIGHBOURS,
    STRETCH_SHARE,
    compute_cues,
    compute_descriptor,
    compute_vlad,
    embed,
    join_views,
    pack_descriptors,
    reduce_local,
    unpack_descriptors,
)
from fingerprint.features.global_cues import make_cue_thumbnail
from fingerprint.features.local_features import extract_features, mirror_features
from fingerprint.images.decode import read_grey, read_planes
from fingerprint.models import DescriptorModel, Models
from fingerprint.models.reflections import MIRROR_PERMUTATION
from fingerprint.types import F32, U8, LocalFeatures

NAMES = ("astronaut", "chelsea", "coffee", "rocket", "camera", "coins", "page", "motorcycle_left")


def features_of(pixels: U8) -> LocalFeatures:
    return extract_features(read_grey(pixels), DEFAULT_CONFIG.reference)[0]


def thumbnail_of(pixels: U8) -> U8:
    return make_cue_thumbnail(read_planes(pixels).pixels)


def descriptor_of(pixels: U8, models: Models) -> F32:
    return compute_descriptor(features_of(pixels), thumbnail_of(pixels), models.descriptor)


@pytest.fixture(scope="module")
def features(photos: dict[str, U8]) -> dict[str, LocalFeatures]:
    return {name: features_of(photos[name]) for name in NAMES if name in photos}


@pytest.fixture(scope="module")
def thumbnails(photos: dict[str, U8]) -> dict[str, U8]:
    return {name: thumbnail_of(photos[name]) for name in NAMES if name in photos}


@pytest.fixture(scope="module")
def vectors(features: dict[str, LocalFeatures], thumbnails: dict[str, U8], models: Models) -> dict[str, F32]:
    return {name: compute_descriptor(f, thumbnails[name], models.descriptor) for name, f in features.items()}


@pytest.fixture(scope="module")
def flat() -> LocalFeatures:
    return features_of(np.full((200, 300), 90, np.uint8))


def unit(rng: np.random.Generator, n: int, d: int) -> F32:
    vectors = rng.standard_normal((n, d))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def length(vector: np.ndarray) -> float:
    return float(np.linalg.norm(vector.astype(np.float64)))


class TestComputeDescriptor:
    @pytest.mark.parametrize("name", NAMES[:4])
    def test_is_a_unit_vector_that_the_challenge_allows(
        self, name: str, vectors: dict[str, F32], models: Models
    ) -> None:
        vector = vectors[name]
        assert vector.dtype == np.float32
        assert vector.shape == (models.descriptor.dimension,)
        assert vector.shape[0] <= 256
        assert length(vector) == pytest.approx(1, abs=1e-5)

    @pytest.mark.parametrize("name", NAMES[:4])
    def test_is_the_same_for_the_mirrored_features(
        self, name: str, features: dict[str, LocalFeatures], thumbnails: dict[str, U8], models: Models
    ) -> None:
        plain, mirrored = (
            compute_descriptor(f, thumbnails[name], models.descriptor)
            for f in (features[name], mirror_features(features[name]))
        )
        np.testing.assert_allclose(plain, mirrored, atol=1e-4)

    def test_is_the_same_for_mirrored_features_and_thumbnails(
        self, features: dict[str, LocalFeatures], thumbnails: dict[str, U8], vectors: dict[str, F32], models: Models
    ) -> None:
        for name in NAMES[:4]:
            thumbnail = np.ascontiguousarray(thumbnails[name][:, ::-1])
            mirrored = compute_descriptor(mirror_features(features[name]), thumbnail, models.descriptor)
            np.testing.assert_allclose(vectors[name], mirrored, atol=1e-4)

    @pytest.mark.parametrize("name", NAMES[:4])
    def test_hardly_moves_for_the_mirrored_picture(
        self, name: str, photos: dict[str, U8], vectors: dict[str, F32], models: Models
    ) -> None:
        mirrored = descriptor_of(np.ascontiguousarray(photos[name][:, ::-1]), models)
        assert mirrored @ vectors[name] > 0.85

    def test_pictures_without_keypoints_are_finite_and_told_apart_by_their_colours(
        self, flat: LocalFeatures, models: Models
    ) -> None:
        assert len(flat) == 0
        grey, also, red = (np.full((200, 300, 3), colour, np.uint8) for colour in ((90,) * 3, (90,) * 3, (200, 0, 0)))
        one, same, other = (compute_descriptor(flat, thumbnail_of(p), models.descriptor) for p in (grey, also, red))
        assert one.tobytes() == same.tobytes()
        for vector in (one, other):
            assert np.isfinite(vector).all()
            assert length(vector) == pytest.approx(1, abs=1e-5)
        assert one @ other < 0.9

    def test_depends_on_its_picture_alone(
        self, features: dict[str, LocalFeatures], thumbnails: dict[str, U8], models: Models
    ) -> None:
        """Same bytes alone, after others, before others and in threads."""

        def describe(name: str) -> bytes:
            return compute_descriptor(features[name], thumbnails[name], models.descriptor).tobytes()

        alone = describe("chelsea")
        for order in (list(features), list(features)[::-1]):
            assert {name: describe(name) for name in order}["chelsea"] == alone
        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(describe, ["chelsea"] * 8)) == {alone}

    def test_order_of_the_keypoints_does_not_matter(
        self, features: dict[str, LocalFeatures], thumbnails: dict[str, U8], models: Models
    ) -> None:
        before = features["coffee"]
        order = np.random.default_rng(0).permutation(len(before))
        shuffled = dataclasses.replace(before, descriptors=before.descriptors[order], sizes=before.sizes[order])
        a, b = (compute_descriptor(f, thumbnails["coffee"], models.descriptor) for f in (before, shuffled))
        np.testing.assert_allclose(a, b, atol=1e-3)

    def test_inputs_are_not_changed(
        self, features: dict[str, LocalFeatures], thumbnails: dict[str, U8], models: Models
    ) -> None:
        before = features["rocket"].descriptors.copy(), thumbnails["rocket"].copy()
        compute_descriptor(features["rocket"], thumbnails["rocket"], models.descriptor)
        np.testing.assert_array_equal(features["rocket"].descriptors, before[0])
        np.testing.assert_array_equal(thumbnails["rocket"], before[1])

    def test_strangers_are_far_from_each_other(self, vectors: dict[str, F32]) -> None:
        matrix = np.stack(list(vectors.values()))
        cosines = matrix @ matrix.T
        np.fill_diagonal(cosines, -1)
        assert cosines.max() < 0.6

    @pytest.mark.parametrize(
        "edits",
        [("jpeg",), ("hflip",), ("scale",), ("rotate",), ("color_jitter", "jpeg"), ("blur",), ("pad",)],
        ids="+".join,
    )
    def test_an_edited_copy_is_nearest_to_its_source(
        self, edits: tuple[str, ...], photos: dict[str, U8], vectors: dict[str, F32], models: Models
    ) -> None:
        matrix = np.stack(list(vectors.values()))
        found = []
        for row, name in enumerate(vectors):
            copy = apply_edits(photos[name], edits, np.random.default_rng(row)).pixels
            found.append(int((matrix @ descriptor_of(copy, models)).argmax()) == row)
        assert sum(found) >= len(found) - 1


class TestEmbed:
    def test_against_numpy(self, features: dict[str, LocalFeatures], thumbnails: dict[str, U8], models: Models) -> None:
        model = models.descriptor
        cues = compute_cues(features["coffee"], thumbnails["coffee"], model)
        parts = []
        for cue, name, weight in zip(cues, ("vlad", "gist", "colour"), model.cue_weights, strict=True):
            projection = getattr(model, f"{name}_projection").astype(np.float64)
            part = (cue.astype(np.float64) - getattr(model, f"{name}_mean")) @ projection
            parts.append(float(weight) * part / np.linalg.norm(part))
        expected = np.concatenate(parts)
        np.testing.assert_allclose(embed(cues, model), expected / np.linalg.norm(expected), atol=1e-4)

    def test_a_cue_that_is_all_zeros_is_left_out(
        self, features: dict[str, LocalFeatures], thumbnails: dict[str, U8], models: Models
    ) -> None:
        model = models.descriptor
        cues = compute_cues(features["coffee"], thumbnails["coffee"], model)
        ends = np.cumsum([projection.shape[1] for _, projection in model.cue_projections])
        whole = np.split(embed(cues, model), ends[:-1])
        for i in range(3):
            left = tuple(np.zeros_like(cue) if k == i else cue for k, cue in enumerate(cues))
            vector = embed(left, model)  # type: ignore[arg-type]
            assert length(vector) == pytest.approx(1, abs=1e-5)
            for k, (part, before) in enumerate(zip(np.split(vector, ends[:-1]), whole, strict=True)):
                if k == i:
                    assert not part.any()
                else:
                    np.testing.assert_allclose(part / length(part), before / length(before), atol=1e-5)

    def test_other_sides_turn_the_first_part_only(
        self, features: dict[str, LocalFeatures], thumbnails: dict[str, U8], models: Models
    ) -> None:
        model = models.descriptor
        cues = compute_cues(features["coffee"], thumbnails["coffee"], model)
        others = [compute_vlad(features[name], model) for name in ("rocket", "page")]
        d = model.vlad_projection.shape[1]

        def part(vlad: F32) -> np.ndarray:
            projected = (vlad.astype(np.float64) - model.vlad_mean) @ model.vlad_projection
            return projected / np.linalg.norm(projected)

        expected = part(cues[0]) + float(OTHER_SIDE_SHARE) * (part(others[0]) + part(others[1]))
        plain, joined = embed(cues, model), embed(cues, model, [*others, np.zeros_like(cues[0])])
        np.testing.assert_allclose(joined[:d] / length(joined[:d]), expected / np.linalg.norm(expected), atol=1e-4)
        np.testing.assert_allclose(joined[d:], plain[d:], atol=1e-5)
        assert length(joined) == pytest.approx(1, abs=1e-5)
        np.testing.assert_allclose(embed(cues, model, [cues[0]] * 2), plain, atol=1e-5)

    def test_nothing_at_all_gives_zeros_not_nan(self, models: Models) -> None:
        model = models.descriptor
        nothing = tuple(np.zeros(len(mean), np.float32) for mean, _ in model.cue_projections)
        assert not embed(nothing, model).any()  # type: ignore[arg-type]


class TestJoinViews:
    @pytest.fixture
    def plain(self, models: Models) -> DescriptorModel:
        """A model without background normalisation."""
        return dataclasses.replace(models.descriptor, background=models.descriptor.background[:0])

    @pytest.mark.parametrize("n", [1, 2, 5])
    def test_is_the_weighted_mean_at_unit_length(self, n: int, plain: DescriptorModel) -> None:
        rng = np.random.default_rng(n)
        seen, weights = unit(rng, n, plain.dimension), rng.uniform(0.05, 1, n)
        expected = weights @ seen.astype(np.float64)
        found = join_views(list(zip(weights.tolist(), seen, strict=True)), plain)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected / np.linalg.norm(expected), atol=1e-5)

    def test_of_one_view_the_weight_does_not_matter(self, plain: DescriptorModel) -> None:
        vector = unit(np.random.default_rng(0), 1, plain.dimension)[0]
        for weight in (0.03, 0.5, 7.0):
            np.testing.assert_allclose(join_views([(weight, vector)], plain), vector, atol=1e-6)

    def test_the_heavier_view_is_nearer(self, plain: DescriptorModel) -> None:
        one, two = unit(np.random.default_rng(1), 2, plain.dimension)
        joined = join_views([(0.9, one), (0.2, two)], plain)
        assert joined @ one > 0.9 > 0.5 > joined @ two

    def test_stretching_changes_the_length_alone(self, models: Models) -> None:
        model, rng = models.descriptor, np.random.default_rng(2)
        near = model.background[3] + 0.2 * unit(rng, 1, model.dimension)[0]
        lengths = []
        for vector in (near / np.linalg.norm(near), unit(rng, 1, model.dimension)[0]):
            usual, stretched = (join_views([(1.0, vector)], model, stretched=way) for way in (False, True))
            cosines = np.sort(model.background.astype(np.float64) @ vector)[-STRETCH_NEIGHBOURS:]
            assert length(stretched) == pytest.approx(np.sqrt(STRETCH_SHARE * max(cosines.mean(), 0.01)), rel=1e-4)
            np.testing.assert_allclose(stretched / length(stretched), usual, atol=1e-6)
            lengths.append(length(stretched))
        assert lengths[0] > lengths[1]  # what is like a training image is farther from all

    def test_without_a_background_nothing_is_stretched(self, plain: DescriptorModel) -> None:
        vector = unit(np.random.default_rng(3), 1, plain.dimension)[0]
        assert length(join_views([(1.0, vector)], plain, stretched=True)) == pytest.approx(1, abs=1e-6)

    def test_one_whole_view_gives_the_descriptor_to_the_bit(
        self, features: dict[str, LocalFeatures], thumbnails: dict[str, U8], vectors: dict[str, F32], models: Models
    ) -> None:
        model = models.descriptor
        vector = embed(compute_cues(features["page"], thumbnails["page"], model), model)
        assert join_views([(1.0, vector)], model).tobytes() == vectors["page"].tobytes()


class TestPacking:
    def test_comes_back_to_half_a_step(self, vectors: dict[str, F32]) -> None:
        matrix = np.stack(list(vectors.values()))
        packed = pack_descriptors(matrix)
        assert (packed.dtype, packed.shape) == (np.int8, matrix.shape)
        inside = np.abs(matrix) < 0.5
        assert inside.mean() > 0.999
        back = unpack_descriptors(packed)
        assert back.dtype == np.float32
        assert np.abs(back - matrix)[inside].max() <= PACKED_STEP / 2 + 1e-6
        np.testing.assert_allclose(back @ back.T, matrix @ matrix.T, atol=0.01)

    def test_what_is_too_large_is_cut_off(self) -> None:
        row = np.array([[0, 0.5, 2, -0.5, -2, PACKED_STEP * 0.4, -PACKED_STEP * 0.6]], np.float32)
        assert pack_descriptors(row).tolist() == [[0, 127, 127, -127, -127, 0, -1]]

    def test_packing_what_was_unpacked_changes_nothing(self) -> None:
        every = np.arange(-127, 128, dtype=np.int8)[None]
        np.testing.assert_array_equal(pack_descriptors(unpack_descriptors(every)), every)

    def test_a_picture_is_packed_by_itself(self, vectors: dict[str, F32]) -> None:
        together = pack_descriptors(np.stack(list(vectors.values())))
        for row, vector in zip(together, vectors.values(), strict=True):
            np.testing.assert_array_equal(pack_descriptors(vector[np.newaxis])[0], row)

    def test_distances_hardly_change(self, vectors: dict[str, F32]) -> None:
        exact = np.stack(list(vectors.values()))
        packed = unpack_descriptors(pack_descriptors(exact))
        np.testing.assert_allclose(packed @ packed.T, exact @ exact.T, atol=0.01)

    def test_none(self) -> None:
        assert pack_descriptors(np.zeros((0, 5), np.float32)).shape == (0, 5)


class TestVlad:
    def test_against_numpy_and_scipy(self, features: dict[str, LocalFeatures], models: Models) -> None:
        model, found = models.descriptor, features["rocket"]
        sums = np.zeros(model.codebooks.shape)
        weights = np.clip(found.sizes.astype(np.float64) / 6, 0.1, 1)
        for variant in (found.descriptors, found.descriptors[:, MIRROR_PERMUTATION]):
            points = (variant - model.local_mean.astype(np.float64)) @ model.local_basis
            points /= np.linalg.norm(points, axis=1, keepdims=True)
            for codebook, own in zip(model.codebooks, sums, strict=True):
                words, _ = vq(points, codebook.astype(np.float64))
                residuals = points - codebook[words]
                residuals /= np.linalg.norm(residuals, axis=1, keepdims=True)
                np.add.at(own, words, residuals * weights[:, None])
        powered = (np.sign(sums) * np.abs(sums) ** 0.4).ravel()
        np.testing.assert_allclose(
            compute_vlad(features["rocket"], model), powered / np.linalg.norm(powered), atol=2e-3
        )

    def test_small_keypoints_weigh_less(self, features: dict[str, LocalFeatures], models: Models) -> None:
        """Two halves of the keypoints, one of them made small: the vector turns to the other, and no further."""
        model, whole = models.descriptor, features["astronaut"]
        half = np.arange(len(whole)) % 2 == 0

        def vlad(sizes: np.ndarray) -> F32:
            return compute_vlad(dataclasses.replace(whole, sizes=sizes.astype(np.float32)), model)

        wanted = vlad(np.where(half, 6, 1e-6))
        large, less, least, beyond = (vlad(np.where(half, 6, size)) for size in (6, 3, 0.6, 0.01))
        assert large @ wanted < less @ wanted < least @ wanted
        assert beyond.tobytes() == least.tobytes() == wanted.tobytes()
        assert vlad(np.where(half, 6, 60)).tobytes() == large.tobytes()
        assert (float(FULL_WEIGHT_SIZE), float(LEAST_WEIGHT), POWER) == (6, pytest.approx(0.1), 0.4)

    def test_is_zero_without_keypoints(self, flat: LocalFeatures, models: Models) -> None:
        vlad = compute_vlad(flat, models.descriptor)
        assert vlad.shape == (models.descriptor.codebooks.size,)
        assert not vlad.any()

    def test_reduced_local_descriptors_are_of_unit_length(
        self, features: dict[str, LocalFeatures], models: Models
    ) -> None:
        model = models.descriptor
        reduced = reduce_local(features["coffee"].descriptors, model.local_mean, model.local_basis)
        assert reduced.shape == (len(features["coffee"]), model.codebooks.shape[2])
        np.testing.assert_allclose(np.linalg.norm(reduced, axis=1), 1, atol=1e-5)


class TestBackgroundNormalisation:
    @staticmethod
    def normalised(vector: F32, background: F32, models: Models) -> F32:
        return join_views([(1.0, vector)], dataclasses.replace(models.descriptor, background=background))

    @pytest.mark.parametrize("n_background", [1, 9, 10, 200])
    def test_against_numpy(self, n_background: int, models: Models) -> None:
        rng, d = np.random.default_rng(n_background), models.descriptor.dimension
        vector, background = unit(rng, 1, d)[0], unit(rng, n_background, d)
        nearest = np.argsort(-(background.astype(np.float64) @ vector))[:BACKGROUND_NEIGHBOURS]
        expected = vector - float(BACKGROUND_SHARE) * background[nearest].astype(np.float64).mean(axis=0)
        expected /= np.linalg.norm(expected)
        found = self.normalised(vector, background, models)
        np.testing.assert_allclose(found, expected, atol=1e-5)
        assert found.dtype == np.float32

    def test_order_of_the_background_does_not_matter(self, models: Models) -> None:
        rng, d = np.random.default_rng(1), models.descriptor.dimension
        vector, background = unit(rng, 1, d)[0], unit(rng, 50, d)
        there, back = (self.normalised(vector, b, models) for b in (background, background[::-1]))
        np.testing.assert_allclose(there, back, atol=1e-6)

    def test_takes_strangers_apart_that_share_a_direction(self, models: Models) -> None:
        rng, d = np.random.default_rng(2), models.descriptor.dimension
        common = unit(rng, 1, d)[0]

        def crowd(n: int) -> F32:
            vectors = common + 0.8 * unit(rng, n, d)
            return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

        background, strangers = crowd(300), crowd(20)
        normalised = np.stack([self.normalised(vector, background, models) for vector in strangers])
        before, after = ((v @ v.T)[np.triu_indices(20, 1)] for v in (strangers, normalised))
        assert after.mean() < before.mean() - 0.02
        assert (after < before).mean() > 0.9

    def test_inputs_are_not_changed(self, models: Models) -> None:
        rng, d = np.random.default_rng(3), models.descriptor.dimension
        vector, background = unit(rng, 1, d)[0], unit(rng, 20, d)
        copies = vector.copy(), background.copy()
        self.normalised(vector, background, models)
        np.testing.assert_array_equal(vector, copies[0])
        np.testing.assert_array_equal(background, copies[1])
