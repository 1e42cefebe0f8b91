"""The kernels of the compact descriptor against NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.cluster.vq import vq

from fingerprint.kernels.vlad import aggregate_residuals, assign, project, reduce_descriptors


def half_norms(codebook: np.ndarray) -> np.ndarray:
    return (np.square(codebook).sum(axis=1) / 2).astype(np.float32)


def assigned(points: np.ndarray, codebook: np.ndarray) -> np.ndarray:
    words = np.full(len(points), -1, np.int64)
    assign(points, np.ascontiguousarray(codebook.T), half_norms(codebook), words)
    return words


def normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape, dtype=np.float32)


class TestReduceDescriptors:
    @pytest.mark.parametrize("p", [1, 16, 64, 128])
    def test_against_numpy_in_double_precision(self, p: int) -> None:
        rng = np.random.default_rng(p)
        descriptors = rng.integers(0, 256, (50, 128)).astype(np.uint8)
        mean, basis = rng.uniform(0, 100, 128).astype(np.float32), normal(rng, 128, p)
        out = np.full((50, p), np.nan, np.float32)
        reduce_descriptors(descriptors, mean, basis, out)
        expected = (descriptors - mean.astype(np.float64)) @ basis
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
        np.testing.assert_allclose(out, expected, atol=2e-5)

    def test_what_equals_the_mean_becomes_zero_not_nan(self) -> None:
        out = np.full((1, 4), np.nan, np.float32)
        basis = normal(np.random.default_rng(0), 128, 4)
        reduce_descriptors(np.full((1, 128), 7, np.uint8), np.full(128, 7, np.float32), basis, out)
        assert out.tolist() == [[0, 0, 0, 0]]

    def test_none(self) -> None:
        out = np.empty((0, 4), np.float32)
        reduce_descriptors(np.zeros((0, 128), np.uint8), np.zeros(128, np.float32), np.ones((128, 4), np.float32), out)


class TestAssign:
    @pytest.mark.parametrize(("n_words", "p"), [(1, 3), (2, 1), (8, 16), (64, 64)])
    def test_against_scipy(self, n_words: int, p: int) -> None:
        rng = np.random.default_rng(n_words)
        points, codebook = normal(rng, 300, p), normal(rng, n_words, p)
        expected, _ = vq(points.astype(np.float64), codebook.astype(np.float64))
        np.testing.assert_array_equal(assigned(points, codebook), expected)

    def test_long_words_do_not_draw_everything(self) -> None:
        """It is the distance that counts, not the product."""
        codebook = np.array([[1, 0], [10, 0]], dtype=np.float32)
        assert assigned(np.array([[2, 0], [9, 0]], dtype=np.float32), codebook).tolist() == [0, 1]

    def test_ties_go_to_the_lower_word(self) -> None:
        codebook = np.array([[1, 0], [-1, 0], [1, 0]], dtype=np.float32)
        points = np.array([[0, 5], [3, 0], [-3, 0]], dtype=np.float32)
        assert assigned(points, codebook).tolist() == [0, 0, 1]

    def test_none(self) -> None:
        assert assigned(np.zeros((0, 3), np.float32), np.ones((2, 3), np.float32)).tolist() == []


class TestAggregateResiduals:
    def test_against_numpy(self) -> None:
        rng = np.random.default_rng(0)
        points, codebook = normal(rng, 200, 16), normal(rng, 8, 16)
        words = rng.integers(0, 7, 200)  # the last word stays empty
        residuals = points.astype(np.float64) - codebook[words]
        residuals /= np.linalg.norm(residuals, axis=1, keepdims=True)
        weights = rng.uniform(0.1, 1, 200).astype(np.float32)
        expected = np.zeros((8, 16))
        np.add.at(expected, words, residuals * weights[:, None])
        out = np.zeros((8, 16), np.float32)
        aggregate_residuals(points, words, weights, codebook, out)
        np.testing.assert_allclose(out, expected, atol=1e-4)
        assert not out[7].any()

    def test_is_added_to_what_is_there(self) -> None:
        rng = np.random.default_rng(1)
        points, codebook = normal(rng, 20, 4), normal(rng, 3, 4)
        words, weights = rng.integers(0, 3, 20), rng.uniform(0.1, 1, 20).astype(np.float32)
        once, twice = np.zeros((3, 4), np.float32), np.zeros((3, 4), np.float32)
        aggregate_residuals(points, words, weights, codebook, once)
        aggregate_residuals(points, words, weights, codebook, twice)
        aggregate_residuals(points, words, weights, codebook, twice)
        np.testing.assert_allclose(twice, 2 * once, atol=1e-5)

    def test_a_point_on_its_word_adds_nothing(self) -> None:
        codebook = np.array([[1, 2], [3, 4]], dtype=np.float32)
        out = np.zeros((2, 2), np.float32)
        aggregate_residuals(codebook.copy(), np.array([0, 1]), np.ones(2, np.float32), codebook, out)
        assert not out.any()

    def test_a_point_without_weight_adds_nothing_and_twice_the_weight_adds_twice(self) -> None:
        rng = np.random.default_rng(2)
        points, codebook = normal(rng, 3, 4), normal(rng, 1, 4)
        words = np.zeros(3, np.int64)
        sums = [np.zeros((1, 4), np.float32) for _ in range(3)]
        for weights, out in zip(([0, 1, 0], [0, 2, 0], [0, 0, 0]), sums, strict=True):
            aggregate_residuals(points, words, np.array(weights, np.float32), codebook, out)
        np.testing.assert_allclose(np.linalg.norm(sums[0]), 1, atol=1e-6)
        np.testing.assert_allclose(sums[1], 2 * sums[0], atol=1e-6)
        assert not sums[2].any()


class TestProject:
    @pytest.mark.parametrize(("width", "d"), [(1, 1), (128, 16), (1000, 256)])
    def test_against_numpy_in_double_precision(self, width: int, d: int) -> None:
        rng = np.random.default_rng(d)
        vector, mean, basis = normal(rng, width), normal(rng, width), normal(rng, width, d)
        out = np.full(d, np.nan, np.float32)
        project(vector, mean, basis, out)
        expected = (vector.astype(np.float64) - mean) @ basis
        np.testing.assert_allclose(out, expected, atol=1e-3)

    def test_same_bytes_from_read_only_memory(self) -> None:
        """A collection's arrays are mapped read-only; they must give what fresh ones give."""
        rng = np.random.default_rng(3)
        vector, mean, basis = normal(rng, 60), normal(rng, 60), normal(rng, 60, 7)
        fresh, mapped = np.empty(7, np.float32), np.empty(7, np.float32)
        project(vector, mean, basis, fresh)
        for array in (vector, mean, basis):
            array.setflags(write=False)
        project(vector, mean, basis, mapped)
        assert fresh.tobytes() == mapped.tobytes()
