"""The compact descriptor: of unit length, of one picture alone, the same in the mirror, and near under edits."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.cluster.vq import vq

from fingerprint.config import DEFAULT_CONFIG
from fingerprint.descriptor import (
    BACKGROUND_NEIGHBOURS,
    BACKGROUND_SHARE,
    compute_descriptor,
    compute_vlad,
    normalise_background,
    project_vlad,
    reduce_local,
)
from fingerprint.edits import apply_edits
from fingerprint.features import MIRROR_PERMUTATION, extract_features, mirror_features
from fingerprint.image import read_grey
from fingerprint.models import Models
from fingerprint.types import F32, U8, LocalFeatures

NAMES = ("astronaut", "chelsea", "coffee", "rocket", "camera", "coins", "page", "motorcycle_left")


def features_of(pixels: U8) -> LocalFeatures:
    return extract_features(read_grey(pixels), DEFAULT_CONFIG.reference)[0]


@pytest.fixture(scope="module")
def features(photos: dict[str, U8]) -> dict[str, LocalFeatures]:
    return {name: features_of(photos[name]) for name in NAMES if name in photos}


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
        self, name: str, features: dict[str, LocalFeatures], models: Models
    ) -> None:
        vector = compute_descriptor(features[name], models.descriptor)
        assert vector.dtype == np.float32
        assert vector.shape == (models.descriptor.dimension,)
        assert vector.shape[0] <= 256
        assert length(vector) == pytest.approx(1, abs=1e-5)

    @pytest.mark.parametrize("name", NAMES[:4])
    def test_is_the_same_for_the_mirrored_features(
        self, name: str, features: dict[str, LocalFeatures], models: Models
    ) -> None:
        plain, mirrored = (
            compute_descriptor(f, models.descriptor) for f in (features[name], mirror_features(features[name]))
        )
        np.testing.assert_allclose(plain, mirrored, atol=1e-4)

    @pytest.mark.parametrize("name", NAMES[:4])
    def test_hardly_moves_for_the_mirrored_picture(
        self, name: str, photos: dict[str, U8], features: dict[str, LocalFeatures], models: Models
    ) -> None:
        mirrored = compute_descriptor(features_of(np.ascontiguousarray(photos[name][:, ::-1])), models.descriptor)
        assert mirrored @ compute_descriptor(features[name], models.descriptor) > 0.85

    def test_pictures_without_keypoints_are_alike_and_finite(self, flat: LocalFeatures, models: Models) -> None:
        assert len(flat) == 0
        other = features_of(np.zeros((7, 500), np.uint8))
        one, two = (compute_descriptor(f, models.descriptor) for f in (flat, other))
        assert one.tobytes() == two.tobytes()
        assert np.isfinite(one).all()
        assert length(one) == pytest.approx(1, abs=1e-5)

    def test_depends_on_its_picture_alone(self, features: dict[str, LocalFeatures], models: Models) -> None:
        """Same bytes alone, after others, before others and in threads."""
        alone = compute_descriptor(features["chelsea"], models.descriptor).tobytes()
        for order in (list(features), list(features)[::-1]):
            by_name = {name: compute_descriptor(features[name], models.descriptor) for name in order}
            assert by_name["chelsea"].tobytes() == alone
        with ThreadPoolExecutor(4) as pool:
            many = pool.map(lambda f: compute_descriptor(f, models.descriptor), [features["chelsea"]] * 8)
            assert {vector.tobytes() for vector in many} == {alone}

    def test_order_of_the_keypoints_does_not_matter(self, features: dict[str, LocalFeatures], models: Models) -> None:
        before = features["coffee"]
        order = np.random.default_rng(0).permutation(len(before))
        shuffled = dataclasses.replace(before, descriptors=before.descriptors[order])
        a, b = (compute_descriptor(f, models.descriptor) for f in (before, shuffled))
        np.testing.assert_allclose(a, b, atol=1e-3)

    def test_strangers_are_far_from_each_other(self, features: dict[str, LocalFeatures], models: Models) -> None:
        vectors = np.stack([compute_descriptor(f, models.descriptor) for f in features.values()])
        cosines = vectors @ vectors.T
        np.fill_diagonal(cosines, -1)
        assert cosines.max() < 0.6

    @pytest.mark.parametrize(
        "edits",
        [("jpeg",), ("hflip",), ("scale",), ("rotate",), ("color_jitter", "jpeg"), ("blur",), ("pad",)],
        ids="+".join,
    )
    def test_an_edited_copy_is_nearest_to_its_source(
        self, edits: tuple[str, ...], photos: dict[str, U8], features: dict[str, LocalFeatures], models: Models
    ) -> None:
        vectors = np.stack([compute_descriptor(f, models.descriptor) for f in features.values()])
        found = []
        for row, name in enumerate(features):
            copy = apply_edits(photos[name], edits, np.random.default_rng(row)).pixels
            cosines = vectors @ compute_descriptor(features_of(copy), models.descriptor)
            found.append(int(cosines.argmax()) == row)
        assert sum(found) >= len(found) - 1


class TestVlad:
    def test_against_numpy_and_scipy(self, features: dict[str, LocalFeatures], models: Models) -> None:
        model, descriptors = models.descriptor, features["rocket"].descriptors
        sums = np.zeros(model.codebook.shape)
        for version in (descriptors, descriptors[:, MIRROR_PERMUTATION]):
            points = (version - model.local_mean.astype(np.float64)) @ model.local_basis
            points /= np.linalg.norm(points, axis=1, keepdims=True)
            words, _ = vq(points, model.codebook.astype(np.float64))
            residuals = points - model.codebook[words]
            residuals /= np.linalg.norm(residuals, axis=1, keepdims=True)
            np.add.at(sums, words, residuals)
        powered = (np.sign(sums) * np.sqrt(np.abs(sums))).ravel()
        np.testing.assert_allclose(
            compute_vlad(features["rocket"], model), powered / np.linalg.norm(powered), atol=2e-3
        )

    def test_is_zero_without_keypoints(self, flat: LocalFeatures, models: Models) -> None:
        vlad = compute_vlad(flat, models.descriptor)
        assert vlad.shape == (models.descriptor.codebook.size,)
        assert not vlad.any()

    def test_reduced_local_descriptors_are_of_unit_length(
        self, features: dict[str, LocalFeatures], models: Models
    ) -> None:
        model = models.descriptor
        reduced = reduce_local(features["coffee"].descriptors, model.local_mean, model.local_basis)
        assert reduced.shape == (len(features["coffee"]), model.codebook.shape[1])
        np.testing.assert_allclose(np.linalg.norm(reduced, axis=1), 1, atol=1e-5)

    def test_projection_against_numpy(self, features: dict[str, LocalFeatures], models: Models) -> None:
        model = models.descriptor
        vlad = compute_vlad(features["coffee"], model)
        expected = (vlad.astype(np.float64) - model.projection_mean) @ model.projection
        np.testing.assert_allclose(project_vlad(vlad, model), expected / np.linalg.norm(expected), atol=1e-4)


class TestNormaliseBackground:
    @pytest.mark.parametrize("n_background", [1, 9, 10, 200])
    def test_against_numpy(self, n_background: int) -> None:
        rng = np.random.default_rng(n_background)
        vector, background = unit(rng, 1, 24)[0], unit(rng, n_background, 24)
        nearest = np.argsort(-(background.astype(np.float64) @ vector))[:BACKGROUND_NEIGHBOURS]
        expected = vector - float(BACKGROUND_SHARE) * background[nearest].astype(np.float64).mean(axis=0)
        expected /= np.linalg.norm(expected)
        found = normalise_background(vector, background)
        np.testing.assert_allclose(found, expected, atol=1e-5)
        assert found.dtype == np.float32

    def test_without_a_background_nothing_changes(self) -> None:
        vector = unit(np.random.default_rng(0), 1, 8)[0]
        np.testing.assert_array_equal(normalise_background(vector, np.zeros((0, 8), np.float32)), vector)

    def test_order_of_the_background_does_not_matter(self) -> None:
        rng = np.random.default_rng(1)
        vector, background = unit(rng, 1, 16)[0], unit(rng, 50, 16)
        there, back = (normalise_background(vector, b) for b in (background, background[::-1]))
        np.testing.assert_allclose(there, back, atol=1e-6)

    def test_takes_strangers_apart_that_share_a_direction(self) -> None:
        rng = np.random.default_rng(2)
        common = unit(rng, 1, 32)[0]

        def crowd(n: int) -> F32:
            vectors = common + 0.8 * unit(rng, n, 32)
            return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

        background, strangers = crowd(300), crowd(20)
        normalised = np.stack([normalise_background(vector, background) for vector in strangers])
        before, after = ((v @ v.T)[np.triu_indices(20, 1)] for v in (strangers, normalised))
        assert after.mean() < before.mean() - 0.02
        assert (after < before).mean() > 0.9

    def test_inputs_are_not_changed(self) -> None:
        rng = np.random.default_rng(3)
        vector, background = unit(rng, 1, 8)[0], unit(rng, 20, 8)
        copies = vector.copy(), background.copy()
        normalise_background(vector, background)
        np.testing.assert_array_equal(vector, copies[0])
        np.testing.assert_array_equal(background, copies[1])
