"""Arrays that grow, and masks."""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.arrays import below, copy, count_marked, longer, longer_table


def test_a_longer_array_begins_with_the_shorter_one() -> None:
    numbers = np.arange(5)
    grown = longer(numbers, 8)
    assert grown.shape == (8,)
    assert grown.dtype == numbers.dtype
    np.testing.assert_array_equal(grown[:5], numbers)


def test_a_longer_table_begins_with_the_rows_of_the_shorter_one() -> None:
    table = np.arange(12, dtype=np.float32).reshape(3, 4)
    grown = longer_table(table, 7)
    assert grown.shape == (7, 4)
    assert grown.dtype == table.dtype
    np.testing.assert_array_equal(grown[:3], table)


def test_what_is_below_a_limit_is_marked_and_counted() -> None:
    marked = below(np.array([0.5, 1.0, 0.0, 2.0]), 1.0)
    np.testing.assert_array_equal(marked, [True, False, True, False])
    assert count_marked(marked) == 2


def test_numbers_are_copied() -> None:
    out = np.zeros(3, np.float32)
    copy(np.arange(3, dtype=np.float32), out)
    np.testing.assert_array_equal(out, [0, 1, 2])
