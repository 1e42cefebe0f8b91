"""Products of matrices: those of NumPy in double precision, and row by row the same bytes."""

from __future__ import annotations

import numpy as np
import pytest

from fingerprint.kernels.products import TOGETHER, add_products, project_rows


@pytest.mark.parametrize("m", [1, 7, 8, 9, 64, 128])
@pytest.mark.parametrize("n", [0, 1, TOGETHER - 1, TOGETHER, 3 * TOGETHER + 1])
def test_products_are_those_of_numpy(n: int, m: int) -> None:
    rng = np.random.default_rng(n * 1000 + m)
    a, b = rng.normal(size=(n, m)).astype(np.float32), rng.normal(size=(m, 33)).astype(np.float32)
    before = rng.normal(size=(n, 33)).astype(np.float32)
    out = before.copy()
    add_products(a, b, out)
    np.testing.assert_allclose(out, before + a.astype(np.float64) @ b, atol=1e-4)


def test_summands_are_added_one_after_the_other() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(5, 43)).astype(np.float32), rng.normal(size=(43, 17)).astype(np.float32)
    out, expected = np.zeros((5, 17), np.float32), np.zeros((5, 17), np.float32)
    add_products(a, b, out)
    for k in range(43):
        expected += a[:, k : k + 1] * b[k]
    np.testing.assert_array_equal(out, expected)


def test_a_row_does_not_depend_on_the_rows_beside_it() -> None:
    rng = np.random.default_rng(0)
    descriptors = rng.integers(0, 256, (2 * TOGETHER + 3, 128), dtype=np.uint8)
    mean, basis = rng.normal(size=128).astype(np.float32), rng.normal(size=(128, 64)).astype(np.float32)
    together, alone = np.empty((len(descriptors), 64), np.float32), np.empty((1, 64), np.float32)
    project_rows(descriptors, mean, basis, together)
    np.testing.assert_allclose(together, (descriptors.astype(np.float64) - mean) @ basis, rtol=1e-4, atol=1e-2)
    for i in range(len(descriptors)):
        project_rows(descriptors[i : i + 1], mean, basis, alone)
        np.testing.assert_array_equal(alone[0], together[i])
