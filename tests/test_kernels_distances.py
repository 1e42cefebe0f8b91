"""Distances of compact descriptors: right, and the same bits wherever a vector lies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingerprint.kernels.distances import squared_distances


def distances(vectors: np.ndarray, one: np.ndarray) -> np.ndarray:
    out = np.full(len(vectors), np.nan, np.float32)
    squared_distances(vectors, one, out)
    return out


@pytest.mark.parametrize("d", [1, 15, 16, 17, 100, 256])
def test_against_numpy_in_double_precision(d: int) -> None:
    rng = np.random.default_rng(d)
    vectors, one = rng.normal(size=(30, d)).astype(np.float32), rng.normal(size=d).astype(np.float32)
    exact = np.square(vectors.astype(np.float64) - one).sum(axis=1)
    np.testing.assert_allclose(distances(vectors, one), exact, rtol=1e-5)


@given(st.integers(0, 2**32 - 1), st.integers(1, 70))
def test_a_vectors_distance_does_not_depend_on_its_place(seed: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, one = rng.normal(size=(9, d)).astype(np.float32), rng.normal(size=d).astype(np.float32)
    together = distances(vectors, one)
    order = rng.permutation(9)[: rng.integers(0, 10)]
    assert distances(np.ascontiguousarray(vectors[order]), one).tobytes() == together[order].tobytes()


def test_a_vector_is_no_distance_from_itself() -> None:
    vectors = np.random.default_rng(0).normal(size=(5, 256)).astype(np.float32)
    assert [distances(vectors, one)[i] for i, one in enumerate(vectors)] == [0] * 5


def test_none() -> None:
    assert distances(np.zeros((0, 8), np.float32), np.zeros(8, np.float32)).shape == (0,)
