"""The kernels of exact search against plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerprint.kernels.nearest import (
    entries_below,
    largest_magnitude_bits,
    lift,
    lowest_of_rows,
    merge_nearest,
    paired_distances,
    rough_distances,
)


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


@pytest.mark.parametrize("shape", [(1, 1), (3, 127), (3, 128), (2, 129), (5, 700), (0, 4), (4, 0)])
def test_entries_below_are_those_of_numpy_in_its_order(shape: tuple[int, int]) -> None:
    for limit in [-9.0, -2.0, 0.0, np.inf]:
        products = normal(1, *shape)
        limits = np.where(np.arange(shape[0]) % 2, limit, limit / 2).astype(np.float32)
        rows, columns, values = entries_below(products, limits)
        expected = np.nonzero(products <= limits[:, None])
        assert (rows.dtype, columns.dtype, values.dtype) == (np.int64, np.int64, np.float32), limit
        assert rows.tolist() == expected[0].tolist(), limit
        assert columns.tolist() == expected[1].tolist(), limit
        assert values.tobytes() == products[expected].tobytes(), limit


def test_an_entry_at_its_limit_is_taken() -> None:
    products = np.full((1, 300), 2, np.float32)
    products[0, [0, 127, 128, 299]] = 1
    assert entries_below(products, np.ones(1, np.float32))[1].tolist() == [0, 127, 128, 299]


@given(st.lists(st.floats(width=32), max_size=20))
def test_the_largest_magnitude(numbers: list[float]) -> None:
    values = np.array(numbers, np.float32)
    largest = np.array(largest_magnitude_bits(values.view(np.uint32)), np.uint32).view(np.float32)
    assert np.isfinite(largest) == np.isfinite(values).all()
    if np.isfinite(largest):
        assert largest == np.abs(values).max(initial=0)


@pytest.mark.parametrize("d", [1, 7, 8, 9, 64, 256])
def test_lifted_vectors_and_their_lengths(d: int) -> None:
    block, centre, scale = normal(d, 20, d), normal(d + 1, d), np.float32(0.5)
    lifted, norms = np.full((20, d + 1), 9, np.float32), np.empty(20)
    lift(block, scale, centre, 0.25, np.float32(-2), lifted, norms)
    moved = block * scale - centre
    assert lifted[:, :-1].tobytes() == (-2 * moved).tobytes()
    assert (lifted[:, -1] == 9).all()
    np.testing.assert_allclose(norms, 0.75 * np.square(moved.astype(np.float64)).sum(axis=1), rtol=1e-13)


@pytest.mark.parametrize("d", [1, 7, 63, 64, 65, 100, 256])
def test_distances_against_numpy_in_double_precision(d: int) -> None:
    left, right = normal(d, 30, d), normal(d + 100, 30, d)
    out, rough = np.empty(30), np.empty(30, np.float32)
    paired_distances(left, right, out)
    np.testing.assert_allclose(out, np.square(left.astype(np.float64) - right).sum(axis=1), rtol=1e-13)
    rough_distances(left, right[0], rough)
    expected = np.square(left.astype(np.float64) - right[0]).sum(axis=1)
    np.testing.assert_allclose(rough, expected, rtol=(d + 4) * 2.0**-24)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 150))
def test_a_distance_does_not_depend_on_the_place(seed: int, d: int) -> None:
    left, right, order = normal(seed, 9, d), normal(seed + 1, 9, d), np.random.default_rng(seed).permutation(9)
    straight, shuffled = np.empty(9), np.empty(9)
    paired_distances(left, right, straight)
    paired_distances(left[order], right[order], shuffled)
    assert shuffled.tobytes() == straight[order].tobytes()


@settings(deadline=None)
@given(st.data())
def test_merging_in_any_parts_is_sorting_all(data: st.DataObject) -> None:
    n, m, k = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 9)), data.draw(st.integers(1, 5))
    all_distances = np.array(data.draw(st.lists(st.integers(0, 3), min_size=n * m, max_size=n * m)), np.float64)
    part = np.array(data.draw(st.lists(st.integers(0, 2), min_size=n * m, max_size=n * m)))
    indices, distances = np.full((n, k), m), np.full((n, k), np.inf)
    for number in range(3):
        at = np.flatnonzero(part == number)
        merge_nearest(at // m, at % m, all_distances[at], indices, distances)
    for row, of_row in enumerate(all_distances.reshape(n, m)):
        order = np.argsort(of_row, kind="stable")[:k]
        assert indices[row, : len(order)].tolist() == order.tolist()
        assert distances[row, : len(order)].tolist() == of_row[order].tolist()
        assert np.isinf(distances[row, len(order) :]).all()


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=30), st.integers(1, 6))
def test_lowest_of_rows(entries: list[tuple[int, int]], k: int) -> None:
    rows = np.array(sorted(row for row, _ in entries), np.int64)
    keys = np.array([key for _, key in entries], np.float64)
    chosen = lowest_of_rows(rows, keys, k)
    assert chosen.tolist() == sorted(set(chosen.tolist()))
    for row in range(4):
        of_row = chosen[rows[chosen] == row]
        assert sorted(keys[of_row].tolist()) == sorted(keys[rows == row].tolist())[:k]
