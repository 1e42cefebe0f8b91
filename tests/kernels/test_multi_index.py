"""Scans and tables against NumPy, on codes that are even, skewed, equal and few."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerprint.kernels.hamming import group_neighbours, scan
from fingerprint.kernels.multi_index import N_BUCKETS, build_tables, search_tables

ALL = 1 << 62
UNLIMITED = 1 << 61

Tables = tuple[np.ndarray, np.ndarray, np.ndarray]
#: Row and distance of what was found, for each query.
Listed = list[list[tuple[int, int]]]
Maker = Callable[[np.random.Generator, int, int], np.ndarray]


def random_codes(rng: np.random.Generator, n: int, n_words: int) -> np.ndarray:
    return rng.integers(0, 2**64, (n, n_words), dtype=np.uint64)


def skewed_codes(rng: np.random.Generator, n: int, n_words: int) -> np.ndarray:
    """Few originals, most codes within some bits of one of them, some equal, the lowest substring nearly always 0."""
    codes = random_codes(rng, max(1, n // 20), n_words)[rng.integers(0, max(1, n // 20), n)]
    for _ in range(6):
        bits = np.uint64(1) << rng.integers(0, 64, n).astype(np.uint64)
        codes[np.arange(n), rng.integers(0, n_words, n)] ^= np.where(rng.random(n) < 0.5, bits, np.uint64(0))
    codes[rng.random(n) < 0.9, 0] &= ~np.uint64(0xFFFF)
    return codes


def read_only(array: np.ndarray) -> np.ndarray:
    view = np.ascontiguousarray(array).view()
    view.setflags(write=False)
    return view


def tables_of(codes: np.ndarray) -> Tables:
    n, n_words = codes.shape
    starts = np.empty((4 * n_words, N_BUCKETS + 1), np.uint32)
    rows = np.empty((4 * n_words, n), np.uint32)
    rests = np.empty((4 * n_words, n if n_words == 1 else 0), np.uint32)
    build_tables(read_only(codes), starts, rows, rests)
    return read_only(starts), read_only(rows), read_only(rests)


def state(queries: np.ndarray, radius: int) -> tuple[np.ndarray, np.ndarray]:
    n_bits = 64 * queries.shape[1]
    limits = np.full(len(queries), min(radius, n_bits) + 1, np.int64)
    return limits, np.zeros((len(queries), n_bits + 1), np.int64)


def by_numpy(codes: np.ndarray, queries: np.ndarray, k: int, radius: int) -> Listed:
    found = []
    for query in queries:
        distances = np.bitwise_count(codes ^ query).sum(axis=1, dtype=np.int64)
        order = np.argsort(distances, kind="stable")
        order = order[distances[order] <= radius][:k]
        found.append(list(zip(order.tolist(), distances[order].tolist(), strict=True)))
    return found


def listed(query_idx: np.ndarray, keys: np.ndarray, n_queries: int, k: int) -> Listed:
    starts, rows, distances = group_neighbours(query_idx, keys, n_queries, k)
    pairs = list(zip(rows.tolist(), distances.tolist(), strict=True))
    return [pairs[a:b] for a, b in pairwise(starts)]


def by_scan(codes: np.ndarray, queries: np.ndarray, k: int, radius: int) -> Listed:
    query_idx, keys = scan(read_only(codes), 0, read_only(queries), k, *state(queries, radius))
    return listed(query_idx, keys, len(queries), k)


def by_tables(
    codes: np.ndarray, tables: Tables, queries: np.ndarray, k: int, radius: int, budget: int = UNLIMITED
) -> tuple[Listed, np.ndarray]:
    resolved = np.zeros(len(queries), np.bool_)
    limits, counts = state(queries, radius)
    settings = (k, limits, counts, budget, resolved)
    query_idx, keys = search_tables(read_only(codes), tables, 0, read_only(queries), *settings)
    return listed(query_idx, keys, len(queries), k), resolved


def queries_near(rng: np.random.Generator, codes: np.ndarray, n: int) -> np.ndarray:
    queries = codes[rng.integers(0, len(codes), n)].copy()
    for i in range(n):
        for bit in rng.integers(0, 64 * codes.shape[1], rng.integers(0, 11)).tolist():
            queries[i, bit // 64] ^= np.uint64(1) << np.uint64(bit % 64)
    queries[n // 2 :: 2] = random_codes(rng, len(queries[n // 2 :: 2]), codes.shape[1])
    return queries


@pytest.mark.parametrize("make", [random_codes, skewed_codes])
@pytest.mark.parametrize("n_words", [1, 2, 3, 4])
def test_scan_and_tables_find_what_numpy_finds(make: Maker, n_words: int) -> None:
    for n in [1, 127, 128, 513, 5000]:
        rng = np.random.default_rng(n * 10 + n_words)
        codes = make(rng, n, n_words)
        tables = tables_of(codes)
        for n_queries in (1, 12, 20):  # the scan has one way for few and one for many, and so have the tables
            queries = queries_near(rng, codes, n_queries)
            for k, radius in (
                (1, 64),
                (10, 256),
                (n + 1, 256),
                (ALL, 0),
                (ALL, 8 * n_words - 1),
                (ALL, 10 * n_words),
                (4, 9),
            ):
                expected = by_numpy(codes, queries, k, radius)
                assert by_scan(codes, queries, k, radius) == expected, n
                found, resolved = by_tables(codes, tables, queries, k, radius)
                assert [f for f, ok in zip(found, resolved, strict=True) if ok] == [
                    e for e, ok in zip(expected, resolved, strict=True) if ok
                ], n
                assert not any(f for f, ok in zip(found, resolved, strict=True) if not ok), n
                assert resolved.all() or radius >= 12 * n_words, n


@given(st.data())
@settings(max_examples=60)
def test_any_few_codes(data: st.DataObject) -> None:
    n_words = data.draw(st.integers(1, 4))
    words = st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 3, 2**64 - 1, 2**63])
    code = st.lists(words, min_size=n_words, max_size=n_words)
    codes = np.array(data.draw(st.lists(code, min_size=1, max_size=12)), np.uint64)
    queries = np.array(data.draw(st.lists(code, min_size=1, max_size=10)), np.uint64)
    k, radius = data.draw(st.sampled_from([1, 2, 5, ALL])), data.draw(st.integers(0, 64 * n_words + 1))
    expected = by_numpy(codes, queries, k, radius)
    assert by_scan(codes, queries, k, radius) == expected
    found, resolved = by_tables(codes, tables_of(codes), queries, k, radius)
    assert all(f == e for f, e, ok in zip(found, expected, resolved, strict=True) if ok)


@pytest.mark.parametrize("n_words", [1, 4])
def test_every_row_is_once_in_every_table_in_its_bucket(n_words: int) -> None:
    codes = skewed_codes(np.random.default_rng(5), 3000, n_words)
    starts, rows, rests = tables_of(codes)
    substrings = codes.view("<u2")
    for table in range(4 * n_words):
        assert sorted(rows[table].tolist()) == list(range(len(codes)))
        buckets = np.repeat(np.arange(N_BUCKETS), np.diff(starts[table].astype(np.int64)))
        assert np.array_equal(substrings[rows[table], table], buckets)
        assert all((np.diff(rows[table].astype(np.int64))[np.diff(buckets) == 0]) > 0)
        if n_words == 1:
            low, high = substrings[rows[table], (table + 1) % 4], substrings[rows[table], (table + 2) % 4]
            assert np.array_equal(rests[table], low.astype(np.uint32) | high.astype(np.uint32) << np.uint32(16))


@pytest.mark.parametrize("make", [random_codes, skewed_codes])
@pytest.mark.parametrize("n", [1, 40, 63, 64, 65, 20_000])
def test_many_queries_at_once_find_what_each_finds_alone(make: Maker, n: int) -> None:
    rng = np.random.default_rng(n)
    codes = make(rng, n, 1)
    queries, tables = queries_near(rng, codes, 150), tables_of(codes)
    for radius in range(14):
        found, resolved = by_tables(codes, tables, queries, ALL, radius)
        alone = [by_tables(codes, tables, queries[q : q + 1], ALL, radius) for q in range(len(queries))]
        assert found == [of_one[0] for of_one, _ in alone]
        assert resolved.tolist() == [bool(ok[0]) for _, ok in alone] == [radius < 12] * len(queries)
        if radius in (0, 2, 7, 9, 11):
            assert found == by_numpy(codes, queries, ALL, radius)


def test_limits_of_many_queries_fall_where_there_may_be_k_neighbours_with_those_of_parts_before() -> None:
    rng = np.random.default_rng(8)
    codes = skewed_codes(rng, 1000, 1)
    codes[500:530], queries = codes[:30], queries_near(rng, codes, 40)
    k, radius = 505, 11  # more than either half has
    limits, counts = state(queries, radius)
    query_idx, keys = [], []
    for start in (0, 500):
        part, resolved = codes[start : start + 500], np.zeros(len(queries), np.bool_)
        found = search_tables(
            read_only(part), tables_of(part), start, read_only(queries), k, limits, counts, UNLIMITED, resolved
        )
        assert resolved.all()
        query_idx.append(found[0])
        keys.append(found[1])
    together = listed(np.concatenate(query_idx), np.concatenate(keys), len(queries), k)
    assert together == by_numpy(codes, queries, k, radius)


def test_damaged_tables_do_not_lead_out_of_the_codes() -> None:
    rng = np.random.default_rng(9)
    codes = skewed_codes(rng, 3000, 1)
    starts, rows, rests = tables_of(codes)
    tables = starts, read_only(np.full_like(rows, 2**32 - 1)), rests
    queries = queries_near(rng, codes, 40)
    for some in (queries, queries[:3]):
        found, _ = by_tables(codes, tables, some, ALL, 11)
        assert {row for pairs in found for row, _ in pairs} <= {2999}


@pytest.mark.parametrize("n_words", [1, 4])
def test_a_query_that_costs_more_than_its_budget_is_left_to_the_scan(n_words: int) -> None:
    rng = np.random.default_rng(6)
    codes = skewed_codes(rng, 4000, n_words)
    queries = queries_near(rng, codes, 20)
    radius = 8 * n_words - 1
    expected = by_numpy(codes, queries, ALL, radius)
    shares = set()
    for budget in (0, 20_000, 100_000, 400_000, UNLIMITED):
        found, resolved = by_tables(codes, tables_of(codes), queries, ALL, radius, budget)
        assert found == [e if ok else [] for e, ok in zip(expected, resolved, strict=True)]
        shares.add(float(resolved.mean()))
    assert {0.0, 1.0} <= shares
    assert len(shares) > 2


def test_equal_codes_at_the_limit_come_by_row() -> None:
    codes = np.zeros((500, 1), np.uint64)
    codes[250:] = 1
    for found in (
        by_scan(codes, codes[300:301], 260, 64),
        by_tables(codes, tables_of(codes), codes[300:301], 260, 9)[0],
    ):
        assert found == [[(row, 0) for row in range(250, 500)] + [(row, 1) for row in range(10)]]


def test_parts_searched_in_turn_give_the_nearest_of_all() -> None:
    rng = np.random.default_rng(7)
    codes = skewed_codes(rng, 2000, 1)
    queries = queries_near(rng, codes, 16)
    limits, counts = state(queries, 64)
    query_idx, keys = [], []
    for start in range(0, len(codes), 300):
        found = scan(read_only(codes[start : start + 300]), start, read_only(queries), 7, limits, counts)
        query_idx.append(found[0])
        keys.append(found[1])
    together = listed(np.concatenate(query_idx), np.concatenate(keys), len(queries), 7)
    assert together == by_numpy(codes, queries, 7, 64)
