"""Keypoints in the form that matching takes: signatures, and places free of the picture's size."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from fingerprint.config import FeatureConfig
from fingerprint.features.local_features import extract_features, mirror_features
from fingerprint.features.signatures import (
    compute_frame,
    compute_signatures,
    make_keypoints,
    make_variants,
)
from fingerprint.images.decode import read_grey
from fingerprint.models import Models
from fingerprint.models.reflections import INVERT_PERMUTATION
from fingerprint.types import U8, VARIANTS, Keypoints, LocalFeatures, Picture


def features_of(grey: U8, side: int) -> LocalFeatures:
    config = FeatureConfig(sides=(side,), n_keypoints=(200,), doubled=(True,))
    return extract_features(Picture(grey, grey.shape[1], grey.shape[0], "<test>"), config)[0]


def assert_same_keypoints(a: Keypoints, b: Keypoints) -> None:
    np.testing.assert_array_equal(a.descriptors, b.descriptors)
    np.testing.assert_array_equal(a.signatures, b.signatures)
    np.testing.assert_allclose(a.frame, b.frame, atol=1e-5)
    assert (a.width, a.height) == (b.width, b.height)


def negative_of(features: LocalFeatures) -> LocalFeatures:
    """Return the features of the photographic negative."""
    descriptors = np.ascontiguousarray(features.descriptors[:, INVERT_PERMUTATION])
    return dataclasses.replace(features, angles=(features.angles + 180) % 360, descriptors=descriptors)


@pytest.fixture(scope="module")
def features(photos: dict[str, U8]) -> LocalFeatures:
    return features_of(read_grey(photos["coffee"]).pixels, 300)


class TestFrame:
    def test_is_in_longer_sides_from_the_corner(self, features: LocalFeatures) -> None:
        frame = compute_frame(features)
        assert (frame.dtype, frame.shape) == (np.float32, (len(features), 5))
        np.testing.assert_allclose(frame[:, :2] * 300 - 0.5, features.points, atol=1e-3)
        np.testing.assert_allclose(np.exp(frame[:, 2]) * 300, features.sizes, rtol=1e-4)
        radians = np.deg2rad(features.angles)
        np.testing.assert_allclose(frame[:, 3:], np.column_stack([np.cos(radians), np.sin(radians)]), atol=1e-6)
        assert ((frame[:, :2] >= 0) & (frame[:, :2] <= [1, 200 / 300])).all()

    def test_does_not_depend_on_the_size_of_the_picture(self, photos: dict[str, U8]) -> None:
        """The same keypoints, found at two sizes, have the same frame."""
        plain = read_grey(photos["coffee"]).pixels
        grey = np.asarray(cv2.resize(plain, (1200, 800), interpolation=cv2.INTER_CUBIC), np.uint8)
        small, large = (compute_frame(features_of(grey, side)) for side in (300, 600))
        apart = np.linalg.norm(small[:, None, :2] - large[None, :, :2], axis=2)
        apart += 0.01 * np.abs(small[:, None, 2] - large[None, :, 2])
        nearest = apart.argmin(axis=1)
        same = apart[np.arange(len(small)), nearest] < 0.005
        assert same.mean() > 0.3
        shift = (large[nearest] - small)[same]
        np.testing.assert_allclose(np.median(shift, axis=0), 0, atol=0.02)
        np.testing.assert_allclose(np.median(shift[:, :2], axis=0), 0, atol=5e-4)

    def test_none(self) -> None:
        assert compute_frame(features_of(np.zeros((40, 40), np.uint8), 40)).shape == (0, 5)


class TestSignatures:
    def test_half_of_the_bits_are_set(self, features: LocalFeatures, models: Models) -> None:
        """The thresholds are medians: a photograph that they were not trained on is not far from them."""
        bits = np.unpackbits(compute_signatures(features.descriptors, models.descriptor).view(np.uint8), axis=1)
        assert bits.shape == (len(features), 128)
        assert 0.4 < bits.mean() < 0.6

    def test_like_descriptors_have_near_signatures(self, features: LocalFeatures, models: Models) -> None:
        rng = np.random.default_rng(0)
        noisy = np.clip(features.descriptors + rng.normal(0, 4, features.descriptors.shape), 0, 255).astype(np.uint8)
        before, after = (compute_signatures(x, models.descriptor) for x in (features.descriptors, noisy))

        def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
            return np.unpackbits((a ^ b).view(np.uint8), axis=1).sum(axis=1)

        assert np.median(distances(before, after)) < 15
        assert np.median(distances(before, np.roll(after, 1, axis=0))) > 40

    def test_none(self, models: Models) -> None:
        assert compute_signatures(np.zeros((0, 128), np.uint8), models.descriptor).shape == (0, 2)


class TestMakeVariants:
    def test_are_in_the_order_of_the_list(self, features: LocalFeatures, models: Models) -> None:
        plain = make_keypoints(features, 600, 400, models.descriptor)
        variants = make_variants(plain, models.descriptor)
        assert len(variants) == len(VARIANTS)
        for variant, (mirrored, inverted) in zip(variants, VARIANTS, strict=True):
            wanted = mirror_features(features) if mirrored else features
            wanted = negative_of(wanted) if inverted else wanted
            assert_same_keypoints(variant, make_keypoints(wanted, 600, 400, models.descriptor))

    def test_of_a_variant_are_the_others(self, features: LocalFeatures, models: Models) -> None:
        plain = make_keypoints(features, 600, 400, models.descriptor)
        before = plain.frame.copy()
        variants = make_variants(plain, models.descriptor)
        for first, own in enumerate(variants):
            for second, again in enumerate(make_variants(own, models.descriptor)):
                assert_same_keypoints(again, variants[first ^ second])
        np.testing.assert_array_equal(plain.frame, before)  # the input is not changed

    def test_places_and_sizes_stay_in_a_negative(self, features: LocalFeatures, models: Models) -> None:
        plain = make_keypoints(features, 600, 400, models.descriptor)
        negative = make_variants(plain, models.descriptor)[2]
        np.testing.assert_array_equal(negative.frame[:, :3], plain.frame[:, :3])
        np.testing.assert_array_equal(negative.frame[:, 3:], -plain.frame[:, 3:])

    def test_no_two_are_alike(self, features: LocalFeatures, models: Models) -> None:
        variants = make_variants(make_keypoints(features, 600, 400, models.descriptor), models.descriptor)
        assert len({variant.descriptors.tobytes() for variant in variants}) == 4

    def test_of_a_picture_without_keypoints(self, models: Models) -> None:
        flat = make_keypoints(features_of(np.zeros((40, 40), np.uint8), 40), 40, 40, models.descriptor)
        assert [len(variant) for variant in make_variants(flat, models.descriptor)] == [0] * 4
