"""Exact search against SciPy's and pure Python's brute force."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.distance import cdist

from fingerprint import exact_search
from fingerprint.errors import ConfigError
from fingerprint.exact_search import global_nearest, nearest, nearest_packed_to_one, nearest_to_one
from fingerprint.types import F32


def all_pairs_sorted(queries: np.ndarray, references: np.ndarray) -> list[tuple[float, int, int]]:
    """Return (distance, query row, reference row) of all pairs, ascending, in float64."""
    distances = cdist(queries.astype(np.float64), references.astype(np.float64), "sqeuclidean")
    return sorted((d, q, r) for q, row in enumerate(distances.tolist()) for r, d in enumerate(row))


def assert_nearest(queries: np.ndarray, references: np.ndarray, k: int, rtol: float = 1e-12) -> None:
    indices, distances = nearest(queries, references, k)
    assert indices.dtype == np.int64
    assert distances.dtype == np.float64
    pairs = all_pairs_sorted(queries, references)
    for query in range(len(queries)):
        expected = [(r, d) for d, q, r in pairs if q == query][:k]
        assert indices[query].tolist() == [r for r, _ in expected]
        np.testing.assert_allclose(distances[query], [d for _, d in expected], rtol=rtol)


def assert_global(queries: np.ndarray, references: np.ndarray, n_pairs: int, rtol: float = 1e-12) -> None:
    query_idx, reference_idx, distances = global_nearest(queries, references, n_pairs)
    expected = all_pairs_sorted(queries, references)[:n_pairs]
    assert list(zip(query_idx.tolist(), reference_idx.tolist(), strict=True)) == [(q, r) for _, q, r in expected]
    np.testing.assert_allclose(distances, [d for d, _, _ in expected], rtol=rtol)


def normal(seed: int, n: int, d: int) -> F32:
    return np.random.default_rng(seed).standard_normal((n, d), dtype=np.float32)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact_search, "_QUERY_BLOCK", 7)
    monkeypatch.setattr(exact_search, "_REFERENCE_BLOCK", 11)
    monkeypatch.setattr(exact_search, "_RECOMPUTED_ELEMENTS", 50)


@pytest.mark.parametrize("n_q", [1, 6, 7, 8, 15])
@pytest.mark.usefixtures("small_blocks")
def test_same_as_scipy_on_both_sides_of_block_boundaries(n_q: int) -> None:
    for n_r in [1, 10, 11, 12, 34]:
        queries, references = normal(n_q, n_q, 5), normal(100 + n_r, n_r, 5)
        assert_nearest(queries, references, min(4, n_r))
        assert_global(queries, references, 2 * n_q)


#: Small whole numbers: distances are exact, and full of ties, so the order of ties is checked as well.
WHOLE = st.integers(-2, 2).map(float)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_ties_go_to_the_lower_row_whatever_the_blocks(data: st.DataObject) -> None:
    d = data.draw(st.integers(1, 3))
    queries = data.draw(hnp.arrays(np.float32, (data.draw(st.integers(1, 9)), d), elements=WHOLE))
    references = data.draw(hnp.arrays(np.float32, (data.draw(st.integers(1, 12)), d), elements=WHOLE))
    k = data.draw(st.integers(1, len(references)))
    n_pairs = data.draw(st.integers(1, len(queries) * len(references)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact_search, "_QUERY_BLOCK", data.draw(st.integers(1, 5)))
        patch.setattr(exact_search, "_REFERENCE_BLOCK", data.draw(st.integers(1, 5)))
        assert_nearest(queries, references, k, rtol=0)
        assert_global(queries, references, n_pairs, rtol=0)


@pytest.mark.parametrize("blocks", [(1, 1), (3, 200), (64, 16)])
def test_bytes_do_not_depend_on_blocks(monkeypatch: pytest.MonkeyPatch, blocks: tuple[int, int, int]) -> None:
    queries, references = normal(1, 40, 33), normal(2, 300, 33)
    whole = [*nearest(queries, references, 6), *global_nearest(queries, references, 90)]
    monkeypatch.setattr(exact_search, "_QUERY_BLOCK", blocks[0])
    monkeypatch.setattr(exact_search, "_REFERENCE_BLOCK", blocks[1])
    monkeypatch.setattr(exact_search, "_RECOMPUTED_ELEMENTS", 33 * blocks[0])
    cut = [*nearest(queries, references, 6), *global_nearest(queries, references, 90)]
    assert [a.tobytes() for a in whole] == [a.tobytes() for a in cut]


@pytest.mark.usefixtures("small_blocks")
def test_near_duplicates_that_float32_products_cannot_tell_apart() -> None:
    """Two tight clusters far from each other: no shift brings both near the origin, so the product's order is noise."""
    rng = np.random.default_rng(3)
    clusters = np.repeat(normal(4, 2, 64), 60, axis=0)
    references = (clusters + 1e-5 * rng.standard_normal(clusters.shape)).astype(np.float32)
    queries = (clusters[::15] + 1e-5 * rng.standard_normal((8, 64))).astype(np.float32)
    products = (queries**2).sum(axis=1)[:, None] + (references**2).sum(axis=1) - 2 * queries @ references.T
    true = cdist(queries.astype(np.float64), references.astype(np.float64), "sqeuclidean")
    assert (products.argmin(axis=1) != true.argmin(axis=1)).any()  # the plain formula does get it wrong here
    assert_nearest(queries, references, 5)
    assert_global(queries, references, 40)


@pytest.mark.parametrize(("scale", "offset"), [(1e-2, 1e4), (1e18, 0), (1e37, 0), (1e-20, 0), (1e-38, 0)])
def test_offsets_and_magnitudes_that_break_float32_squares(scale: float, offset: float) -> None:
    queries = (normal(5, 9, 8) * np.float32(scale) + np.float32(offset)).astype(np.float32)
    references = (normal(6, 50, 8) * np.float32(scale) + np.float32(offset)).astype(np.float32)
    assert_nearest(queries, references, 7)
    assert_global(queries, references, 30)


@pytest.mark.usefixtures("small_blocks")
def test_references_that_come_ever_nearer() -> None:
    """The worst order: each block beats all blocks before it."""
    queries = normal(7, 10, 4)
    references = (normal(8, 90, 4) * np.linspace(9, 0.1, 90)[:, None]).astype(np.float32)
    assert_nearest(queries, references, 3)
    assert_global(queries, references, 25)


def test_equal_vectors_only() -> None:
    queries, references = np.ones((3, 2), np.float32), np.ones((2000, 2), np.float32)
    indices, distances = nearest(queries, references, 4)
    assert indices.tolist() == [[0, 1, 2, 3]] * 3
    assert not distances.any()
    query_idx, reference_idx, _ = global_nearest(queries, references, 2001)
    assert query_idx.tolist() == [0] * 2000 + [1]
    assert reference_idx.tolist() == [*range(2000), 0]


def test_ties_that_rounding_tells_apart_are_ties() -> None:
    """Rearranged whole numbers: equally far from a constant vector, but not in float32 after the shift."""
    references = np.random.default_rng(16).permuted(
        np.tile(np.array([1, 2, 4, 7, 11, 13], np.float32), (300, 1)), axis=1
    )
    queries = np.zeros((2, 6), np.float32)
    assert nearest(queries, references, 10)[0].tolist() == [list(range(10))] * 2
    query_idx, reference_idx, distances = global_nearest(queries, references, 310)
    assert query_idx.tolist() == [0] * 300 + [1] * 10
    assert reference_idx.tolist() == [*range(300), *range(10)]
    assert set(distances.tolist()) == {360.0}  # 1 + 4 + 16 + 49 + 121 + 169


def test_few_distances_are_recomputed_even_far_from_the_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    recomputed = []

    def counting(
        queries: np.ndarray, references: np.ndarray, query_idx: np.ndarray, reference_idx: np.ndarray
    ) -> np.ndarray:
        recomputed.append(len(query_idx))
        return direct(queries, references, query_idx, reference_idx)

    direct = exact_search._squared_distances
    monkeypatch.setattr(exact_search, "_squared_distances", counting)
    queries, references = normal(17, 20, 16) + np.float32(1e4), normal(18, 5000, 16) + np.float32(1e4)
    nearest(queries, references, 5)
    assert sum(recomputed) < 20 * 5000 / 20
    recomputed.clear()
    global_nearest(queries, references, 100)
    assert sum(recomputed) < 20 * 5000 / 20


def test_a_global_list_may_leave_a_query_out() -> None:
    queries = np.array([[0.0], [100.0]], np.float32)
    references = np.array([[1.0], [2.0], [90.0]], np.float32)
    query_idx, reference_idx, distances = global_nearest(queries, references, 2)
    assert query_idx.tolist() == [0, 0]
    assert reference_idx.tolist() == [0, 1]
    assert distances.tolist() == [1.0, 4.0]


def test_counts_are_clipped() -> None:
    queries, references = normal(9, 3, 2), normal(10, 4, 2)
    assert nearest(queries, references, 99)[0].shape == (3, 4)
    assert len(global_nearest(queries, references, 99)[0]) == 12


@pytest.mark.parametrize(("n_q", "n_r", "shape"), [(0, 5, (0, 2)), (5, 0, (5, 0)), (0, 0, (0, 0))])
def test_empty_sets(n_q: int, n_r: int, shape: tuple[int, int]) -> None:
    queries, references = np.empty((n_q, 3), np.float32), np.empty((n_r, 3), np.float32)
    assert [a.shape for a in nearest(queries, references, 2)] == [shape] * 2
    assert [a.shape for a in global_nearest(queries, references, 2)] == [(0,)] * 3


def test_strided_and_read_only_input_is_taken_and_left_alone() -> None:
    stored = normal(11, 40, 12)
    queries, references = stored[:20:2, ::2], np.asfortranarray(stored[20:, ::2])
    stored.flags.writeable = references.flags.writeable = False
    before = stored.tobytes()
    assert_nearest(queries, references, 3)
    assert_global(queries, references, 9)
    assert stored.tobytes() == before


@pytest.mark.parametrize("scale", [1, 1e-25, 1e-38, 1e30])
def test_one_query_alone_gets_what_it_gets_among_others(scale: float) -> None:
    for d in [1, 5, 64, 100]:
        queries, references = (normal(seed, n, d) * np.float32(scale) for seed, n in ((21, 5), (22, 700)))
        references[40:44] = references[7] = queries[0]
        indices, distances = nearest(queries, references, 6)
        for query, expected, apart in zip(queries, indices, distances, strict=True):
            rows, found = nearest_to_one(query, references, 6)
            assert rows[:6].tolist() == expected.tolist(), d
            assert found[:6].tobytes() == apart.tobytes(), d
            assert (found[6:] == found[5]).all(), d


def test_one_query_gets_all_that_are_as_near_as_the_last() -> None:
    references = np.repeat(np.array([[5], [1], [3]], np.float32), 4, axis=0)
    rows, distances = nearest_to_one(np.zeros(1, np.float32), references, 6)
    assert rows.tolist() == [4, 5, 6, 7, 8, 9, 10, 11]
    assert distances.tolist() == [1.0] * 4 + [9.0] * 4
    assert nearest_to_one(np.zeros(1, np.float32), references, 4)[0].tolist() == [4, 5, 6, 7]


def test_many_more_pairs_than_are_kept_at_once() -> None:
    """Ties at the cut, and more of them than there is room for, while the cut comes down."""
    rng = np.random.default_rng(23)
    queries, references = (rng.integers(-2, 3, (n, 2)).astype(np.float32) for n in (400, 3000))
    for n_pairs in (1, 700, 60_000):
        assert_global(queries, references, n_pairs, rtol=0)


THREADS = """
import hashlib, numpy as np
from fingerprint.exact_search import global_nearest, nearest
rng = np.random.default_rng(24)
queries, references = (rng.standard_normal((n, 96), dtype=np.float32) for n in (300, 4000))
found = [*nearest(queries, references, 9), *global_nearest(queries, references, 3000)]
print(hashlib.sha256(b"".join(column.tobytes() for column in found)).hexdigest())
"""


def test_bytes_do_not_depend_on_the_threads_of_blas() -> None:
    told = set()
    for count in ("1", "2", "3"):
        names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
        environment = os.environ | dict.fromkeys(names, count)
        done = subprocess.run([sys.executable, "-c", THREADS], env=environment, capture_output=True, check=True)
        told.add(done.stdout)
    assert len(told) == 1


@pytest.mark.usefixtures("small_blocks")
def test_progress_counts_queries_up_to_the_last() -> None:
    seen = []
    global_nearest(normal(12, 15, 2), normal(13, 30, 2), 5, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(7, 15), (14, 15), (15, 15)]


def test_memory_stays_far_below_the_full_matrix() -> None:
    queries, references = normal(14, 4000, 4), normal(15, 20_000, 4)  # all distances: 320 MB in float32
    for search, count in ((nearest, 3), (global_nearest, 5000)):
        tracemalloc.start()
        search(queries, references, count)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 100e6


GOOD = np.ones((3, 2), np.float32)
NAN = np.array([[1, 2], [np.nan, 0]], np.float32)


@pytest.mark.parametrize(
    ("queries", "references", "count", "message"),
    [
        (GOOD.astype(np.float64), GOOD, 1, "queries must be a float32 array .* not float64"),
        (GOOD, GOOD[0], 1, r"references must be .* of shape \(2,\)"),
        (GOOD.tolist(), GOOD, 1, "queries must be a float32 array"),
        (GOOD, GOOD[:, :1], 1, "queries have 2 dimensions, references 1"),
        (GOOD[:, :0], GOOD[:, :0], 1, "0 dimensions"),
        (GOOD, NAN, 1, "row 1 of references is not finite"),
        (-np.inf * GOOD, GOOD, 1, "row 0 of queries is not finite"),
        (GOOD, GOOD, 0, "is 0: ask for at least 1"),
    ],
)
def test_bad_arguments(queries: np.ndarray, references: np.ndarray, count: int, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        nearest(queries, references, count)
    with pytest.raises(ConfigError, match=message):
        global_nearest(queries, references, count)


@pytest.mark.parametrize(("n", "d"), [(0, 5), (1, 1), (300, 63), (300, 64), (2_000, 200), (500, 256)])
def test_packed_references_give_the_bits_of_unpacked_ones(n: int, d: int) -> None:
    rng = np.random.default_rng(n + d)
    packed, step = rng.integers(-127, 128, (n, d)).astype(np.int8), 0.5 / 127
    packed[n // 2 :: 7] = packed[: len(packed[n // 2 :: 7])]  # ties
    unpacked = packed.astype(np.float32) * np.float32(step)
    for query in rng.normal(0, 0.3, (5, d)).astype(np.float32):
        for k in {1, min(n, 10), n}:
            expected = nearest_to_one(query, unpacked, max(1, k))
            found = nearest_packed_to_one(query, packed, step, max(1, k))
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_array_equal(one, other)
