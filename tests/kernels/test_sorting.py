"""Sorting, against NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

from fingerprint.kernels.sorting import in_order, middle_of, stable_order


@pytest.mark.parametrize("n", [0, 1, 2, 15, 16, 17, 31, 32, 33, 64, 100, 1000])
@pytest.mark.parametrize("n_values", [1, 3, 1_000_000])
def test_the_order_is_numpys_stable_one(n: int, n_values: int) -> None:
    keys = np.random.default_rng(n).integers(-n_values, n_values, n).astype(np.float64)
    np.testing.assert_array_equal(stable_order(keys), np.argsort(keys, kind="stable"))
    np.testing.assert_array_equal(in_order(keys), np.sort(keys))
    if n:
        assert middle_of(in_order(keys)) == np.median(keys)


def test_what_is_sorted_is_not_changed() -> None:
    keys = np.array([3.0, 1.0, 2.0])
    in_order(keys)
    np.testing.assert_array_equal(keys, [3.0, 1.0, 2.0])
