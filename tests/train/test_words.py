"""The fit of the vocabulary: axes that reflections keep or reverse, words near the points, weights by rarity."""

from __future__ import annotations

import numpy as np
import pytest

from fingerprint.features.vocabulary import rotate
from fingerprint.models.reflections import INVERT_PERMUTATION, MIRROR_PERMUTATION
from fingerprint.train.words import fit_rarity, fit_symmetric_basis, fit_vocabulary


def descriptors(n: int, seed: int = 0) -> np.ndarray:
    """Twelve clusters that lie apart."""
    rng = np.random.default_rng(seed)
    centres = rng.integers(20, 200, (12, 128))
    return np.clip(centres[rng.integers(12, size=n)] + rng.normal(0, 3, (n, 128)), 0, 255).astype(np.uint8)


class TestFitSymmetricBasis:
    def test_reflections_change_signs_alone(self) -> None:
        x = descriptors(500)
        mean, basis, signs = fit_symmetric_basis(x, np.random.default_rng(0))
        points = (x - mean.astype(np.float64)) @ basis
        for variant, permutation in (
            (1, MIRROR_PERMUTATION),
            (2, INVERT_PERMUTATION),
            (3, MIRROR_PERMUTATION[INVERT_PERMUTATION]),
        ):
            reflected = (x[:, permutation] - mean.astype(np.float64)) @ basis
            np.testing.assert_allclose(reflected, points * signs[variant], atol=1e-2)
        assert (signs[0] == 1).all()

    def test_is_orthonormal_and_holds_the_most_variance(self) -> None:
        """Of all descriptors and their reflections, against their principal directions by NumPy."""
        x = descriptors(2_000)
        mean, basis, _ = fit_symmetric_basis(x, np.random.default_rng(0))
        np.testing.assert_allclose(basis.T.astype(np.float64) @ basis, np.eye(64), atol=1e-5)
        both = np.concatenate([x, x[:, MIRROR_PERMUTATION]])
        every = np.concatenate([both, both[:, INVERT_PERMUTATION]]).astype(np.float64)
        np.testing.assert_allclose(mean, every.mean(axis=0), atol=1e-3)
        values = np.linalg.eigvalsh(np.cov(every, rowvar=False))[::-1]
        assert ((every - mean) @ basis).var(axis=0).sum() == pytest.approx(values[:64].sum(), rel=1e-2)

    def test_axes_of_a_kind_divide_alike(self) -> None:
        x = descriptors(3_000)
        mean, basis, signs = fit_symmetric_basis(x, np.random.default_rng(0))
        variances = ((x - mean) @ basis).var(axis=0)
        for kind in np.unique(signs, axis=1).T:
            own = variances[(signs == kind[:, np.newaxis]).all(axis=0)]
            assert own.max() < 0.7 * own.sum()


class TestFitVocabulary:
    @pytest.mark.parametrize(
        ("n", "wanted", "cells", "words"), [(2_000, 8, 2, 8), (2_000, 40, 7, 31), (100, 9, 1, 7), (3, 9, 1, 1)]
    )
    def test_there_are_as_many_words_as_the_descriptors_allow(
        self, n: int, wanted: int, cells: int, words: int
    ) -> None:
        found = fit_vocabulary([descriptors(n)], wanted, np.random.default_rng(0))
        assert found.coarse.shape == (cells, 64)
        assert (found.centres.shape, found.centres.dtype) == ((cells * words, 64), np.int8)
        assert found.n_words == 4 * cells * words
        assert np.isfinite(found.coarse).all()
        assert found.step[0] > 0

    def test_points_lie_near_their_words(self) -> None:
        x = descriptors(3_000)
        found = fit_vocabulary([x], 12, np.random.default_rng(0))
        points = rotate(x, found)
        words = (found.centres.astype(np.float32) * found.step[0])[:, np.newaxis] * found.signs.astype(np.float32)
        nearest = np.sqrt(((points[:, None] - words.reshape(-1, 64)[None]) ** 2).sum(axis=2)).min(axis=1)
        spread = np.linalg.norm(points - points.mean(axis=0), axis=1)
        assert np.median(nearest) < 0.25 * np.median(spread)

    def test_is_the_same_for_a_picture_and_its_mirror_image(self) -> None:
        """The same words up to reflection: as near to the points of the one as to those of the other."""
        x = descriptors(1_000)
        found = fit_vocabulary([x], 8, np.random.default_rng(0))
        words = (found.centres.astype(np.float32) * found.step[0])[:, np.newaxis] * found.signs.astype(np.float32)
        distances = [
            np.linalg.norm(rotate(np.ascontiguousarray(x[:, p]), found)[:, None] - words.reshape(-1, 64), axis=2)
            for p in (np.arange(128), MIRROR_PERMUTATION)
        ]
        np.testing.assert_allclose(distances[0].min(axis=1), distances[1].min(axis=1), rtol=1e-3, atol=1e-2)

    def test_words_in_few_images_weigh_more(self) -> None:
        common, rare = descriptors(50, 1)[:2], descriptors(50, 2)[:2]
        images = [common] * 40 + [np.concatenate([common, rare])] * 2
        found = fit_vocabulary(images, 8, np.random.default_rng(0))
        assert found.rarity.shape == (len(found.centres),)
        assert found.rarity.max() > 1.5 * found.rarity.min()

    def test_same_chance_same_words(self) -> None:
        x = descriptors(600)
        one, two = (fit_vocabulary([x], 5, np.random.default_rng(7)) for _ in range(2))
        assert one.centres.tobytes() == two.centres.tobytes()
        assert one.coarse.tobytes() == two.coarse.tobytes()


class TestFitRarity:
    def test_rarer_words_weigh_more_within_bounds(self) -> None:
        counts = np.array([0, 1, 2, 5, 20, 80, 300, 1000])
        weights = fit_rarity(counts, 1000)
        assert weights.dtype == np.float32
        assert (np.diff(weights) <= 0).all()
        assert weights[0] > weights[-1]
        assert ((weights >= 0.25) & (weights <= 2)).all()

    @pytest.mark.parametrize("counts", [[10, 10, 10], [0, 0, 0], [10], []])
    def test_equally_rare_words_weigh_one(self, counts: list[int]) -> None:
        found = fit_rarity(np.array(counts, np.int64), 10 if len(counts) == 1 else 50)
        assert found.tolist() == pytest.approx([1.0] * len(counts))
