"""The Hamming index against NumPy: in memory and in a folder, in pieces, reopened, damaged, while another adds."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerprint.errors import (
    CollectionBusyError,
    CollectionCorruptError,
    CollectionError,
    CollectionExistsError,
    CollectionNotFoundError,
    ConfigError,
)
from fingerprint.hamming import HammingIndex, Neighbours, files, search, tables
from fingerprint.hamming.search import Method

METHODS: tuple[Method, ...] = ("auto", "scan", "tables")
LENGTHS = (64, 256)


def make_codes(seed: int, n: int, n_bits: int) -> np.ndarray:
    """Half random, half near each other, some equal."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 2**64, (n, n_bits // 64), dtype=np.uint64)
    for row in np.flatnonzero(rng.random(n) < 0.5):
        codes[row] = codes[row // 8]
        for bit in rng.integers(0, n_bits, rng.integers(0, 9)).tolist():
            codes[row, bit // 64] ^= np.uint64(1) << np.uint64(bit % 64)
    return codes


def make_queries(seed: int, codes: np.ndarray, n: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    near = codes[rng.integers(0, len(codes), n)].copy()
    near[:, 0] ^= np.uint64(1) << rng.integers(0, 64, n).astype(np.uint64)
    return np.concatenate([near, rng.integers(0, 2**64, (n, codes.shape[1]), dtype=np.uint64)])


def assert_found(found: Neighbours, codes: np.ndarray, queries: np.ndarray, k: int, radius: int) -> None:
    assert (found.rows.dtype, found.distances.dtype, found.starts.dtype) == (np.int64, np.uint16, np.int64)
    assert len(found) == len(queries)
    assert found.starts[0] == 0
    assert found.starts[-1] == len(found.rows) == len(found.distances)
    for q, query in enumerate(queries):
        distances = np.bitwise_count(codes ^ query).sum(axis=1, dtype=np.int64)
        order = np.argsort(distances, kind="stable")
        order = order[distances[order] <= radius][:k]
        rows, its_distances = found.of(q)
        assert rows.tolist() == order.tolist()
        assert its_distances.tolist() == distances[order].tolist()


def assert_searches(hamming: HammingIndex, codes: np.ndarray, seed: int = 1, n_queries: int = 10) -> None:
    queries = make_queries(seed, codes, n_queries)
    for method in METHODS:
        for radius in (0, 7, hamming.n_bits // 8 - 1, hamming.n_bits, hamming.n_bits + 1):
            assert_found(hamming.within(queries, radius, method=method), codes, queries, len(codes), radius)
        for k, most in ((1, None), (10, None), (3, 9), (len(codes) + 5, None)):
            found = hamming.nearest(queries, k, most, method=method)
            assert_found(found, codes, queries, k, hamming.n_bits if most is None else most)


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables from 100 rows on, groups of 18 words of queries."""
    monkeypatch.setattr(tables, "TAIL_ROWS", 100)
    monkeypatch.setattr(search, "_GROUP_WORDS", 18)


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Callable[[int], HammingIndex]]:
    """How to make an index: in memory, in a folder."""
    return {"memory": HammingIndex, "folder": lambda n_bits: HammingIndex.create(tmp_path / f"index{n_bits}", n_bits)}


@pytest.mark.parametrize("n_bits", LENGTHS)
@pytest.mark.parametrize("place", ["memory", "folder"])
@pytest.mark.usefixtures("small_segments")
def test_every_method_finds_what_numpy_finds(
    places: dict[str, Callable[[int], HammingIndex]], place: str, n_bits: int
) -> None:
    codes = make_codes(3, 1000, n_bits)
    with places[place](n_bits) as hamming:
        for start, stop in ((0, 430), (430, 600), (600, 601), (601, 950), (950, 1000)):
            assert hamming.add(codes[start:stop]) == range(start, stop)
        assert [segment.span for segment in hamming._segments] == [(0, 950)]
        assert_searches(hamming, codes)


@pytest.mark.parametrize("n_bits", [128, 192])
@pytest.mark.usefixtures("small_segments")
def test_lengths_between(n_bits: int) -> None:
    codes = make_codes(4, 330, n_bits)
    hamming = HammingIndex(n_bits)
    hamming.add(codes)
    assert_searches(hamming, codes)


@pytest.mark.usefixtures("small_segments")
def test_several_segments_are_searched_as_one() -> None:
    codes = make_codes(5, 1550, 64)
    hamming = HammingIndex(64)
    for start, stop in ((0, 1000), (1000, 1350), (1350, 1500), (1500, 1550)):
        hamming.add(codes[start:stop])
    assert [segment.span for segment in hamming._segments] == [(0, 1000), (1000, 1350), (1350, 1500)]
    assert_searches(hamming, codes)


@given(st.lists(st.integers(0, 250), max_size=12), st.sampled_from(LENGTHS))
@settings(max_examples=15)
def test_pieces_are_as_good_as_the_whole(sizes: list[int], n_bits: int) -> None:
    codes = make_codes(6, max(1, sum(sizes)), n_bits)[: sum(sizes)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "TAIL_ROWS", 100)
        whole, pieces = HammingIndex(n_bits), HammingIndex(n_bits)
        whole.add(codes)
        at = 0
        for size in sizes:
            pieces.add(codes[at : at + size])
            at += size
        spans = [segment.span for segment in pieces._segments]
    assert np.array_equal(pieces.codes, codes)
    covered = spans[-1][1] if spans else 0
    assert [first for first, _ in spans] == [0, *(stop for _, stop in spans)][: len(spans)]
    assert len(codes) - covered < 100
    lengths = [stop - first for first, stop in spans]
    assert all(a > 2 * b for a, b in pairwise(lengths))
    queries = make_queries(7, make_codes(6, 50, n_bits), 4)
    for method in METHODS:
        one, other = (i.nearest(queries, 5, method=method) for i in (whole, pieces))
        assert one.rows.tolist() == other.rows.tolist()
        assert one.distances.tolist() == other.distances.tolist()


def test_rows_are_built_anew_only_a_few_times() -> None:
    spans: list[tuple[int, int]] = []
    built = 0
    for n_rows in range(0, 10_000_000, 50_000):
        planned = tables.planned_spans(spans, n_rows)
        built += sum(stop - first for first, stop in planned if (first, stop) not in spans)
        spans = planned
    assert built < 10_000_000 * 10
    assert len(spans) < 10


def test_segments_stay_below_the_largest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_LARGEST", 100_000)
    assert tables.planned_spans([], 250_000) == [(0, 100_000), (100_000, 200_000)]
    assert tables.planned_spans([(0, 100_000), (100_000, 200_000)], 300_000)[-1] == (200_000, 300_000)


@pytest.mark.parametrize("place", ["memory", "folder"])
@pytest.mark.parametrize("n_bits", LENGTHS)
def test_nothing_and_one(places: dict[str, Callable[[int], HammingIndex]], place: str, n_bits: int) -> None:
    with places[place](n_bits) as hamming:
        codes = make_codes(8, 1, n_bits)
        assert len(hamming) == 0
        assert hamming.add(codes[:0]) == range(0)
        for method in METHODS:
            assert hamming.nearest(codes, 3, method=method).starts.tolist() == [0, 0]
            assert hamming.within(codes, 3, method=method).starts.tolist() == [0, 0]
        assert hamming.add(codes) == range(1)
        assert len(hamming) == 1
        assert hamming.nearest(codes, 3).rows.tolist() == [0]
        assert hamming.within(codes[:0], 3).starts.tolist() == [0]


def test_codes_of_one_word_may_be_flat_and_of_any_layout() -> None:
    hamming = HammingIndex(64)
    codes = make_codes(9, 40, 64)
    hamming.add(codes[:20, 0])
    hamming.add(np.repeat(codes[20:], 2, axis=0)[::2])
    hamming.add(np.asfortranarray(np.zeros((0, 1), np.uint64)))
    assert np.array_equal(hamming.codes, codes)
    assert hamming.nearest(hamming.codes[5], 1).distances.tolist() == [0]


def test_what_is_wrong_is_refused() -> None:
    hamming = HammingIndex(256)
    with pytest.raises(ConfigError, match="codes of 100 bits"):
        HammingIndex(100)
    for wrong in (np.zeros(4, np.uint64), np.zeros((2, 3), np.uint64), np.zeros((2, 4), np.int64), np.zeros((1, 1, 4))):
        with pytest.raises(ConfigError, match=r"uint64 \(n, 4\)"):
            hamming.add(wrong)  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match="queries"):
            hamming.within(wrong, 3)  # type: ignore[arg-type]
    queries = np.zeros((1, 4), np.uint64)
    with pytest.raises(ConfigError, match="k is 0"):
        hamming.nearest(queries, 0)
    with pytest.raises(ConfigError, match="radius is -1"):
        hamming.within(queries, -1)
    with pytest.raises(ConfigError, match="method is 'best'"):
        hamming.within(queries, 1, method="best")  # type: ignore[arg-type]
    hamming.close()
    with pytest.raises(CollectionError, match="closed"):
        hamming.within(queries, 1)
    with pytest.raises(CollectionError, match="closed"):
        hamming.add(queries)


@pytest.mark.parametrize("n_bits", LENGTHS)
@pytest.mark.usefixtures("small_segments")
def test_reopened_it_is_the_same_and_can_be_added_to(tmp_path: Path, n_bits: int) -> None:
    codes = make_codes(10, 500, n_bits)
    with HammingIndex.create(tmp_path / "a", n_bits) as hamming:
        hamming.add(codes[:250])
    with HammingIndex.open(tmp_path / "a") as hamming:
        assert len(hamming) == 250
        assert not hamming.codes.flags.writeable
        assert_searches(hamming, codes[:250])
        assert hamming.add(codes[250:]) == range(250, 500)
    with HammingIndex.open(tmp_path / "a") as hamming:
        assert hamming.check() == []
        assert_searches(hamming, codes)
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [
        "codes.u64",
        "hamming.json",
        "tables-0-500.u32",
    ]


@pytest.mark.usefixtures("small_segments")
def test_a_reader_keeps_its_view_while_another_adds(tmp_path: Path) -> None:
    codes = make_codes(11, 900, 64)
    writer = HammingIndex.create(tmp_path, 64)
    writer.add(codes[:300])
    reader = HammingIndex.open(tmp_path)
    view = reader.codes
    writer.add(codes[300:])  # merges: the file that the reader has mapped is removed
    assert_searches(reader, codes[:300])
    assert_searches(writer, codes)
    with pytest.raises(CollectionBusyError, match="another process"):
        reader.add(codes[:1])
    reader.close()
    writer.close()
    assert np.array_equal(view, codes[:300])


@pytest.mark.usefixtures("small_segments")
@pytest.mark.parametrize("step", ["append_codes", "write_tables", "write_manifest", "remove_unlisted"])
def test_a_crash_leaves_the_state_before_or_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    codes = make_codes(12, 600, 64)
    hamming = HammingIndex.create(tmp_path, 64)
    hamming.add(codes[:200])
    done = getattr(files, step)

    def fail_at_the_end(*arguments: object) -> None:
        if step != "write_manifest":
            done(*arguments)
        raise OSError("no more power")

    with monkeypatch.context() as patch:
        patch.setattr(files, step, fail_at_the_end)
        with pytest.raises(OSError, match="no more power"):
            hamming.add(codes[200:500])
    n = 500 if step == "remove_unlisted" else 200
    hamming = HammingIndex.open(tmp_path)
    assert hamming.check() == []
    assert_searches(hamming, codes[:n])
    assert hamming.add(codes[n:]) == range(n, 600)
    assert_searches(HammingIndex.open(tmp_path), codes)
    assert len(list(tmp_path.glob("tables-*"))) == len(hamming._segments)


def test_opening_tries_again_when_the_manifest_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    HammingIndex.create(tmp_path, 64).add(np.zeros(3, np.uint64))
    old = files.Manifest(64, 4)
    found = iter([old, files.read_manifest(tmp_path), files.read_manifest(tmp_path)])
    monkeypatch.setattr(files, "read_manifest", lambda folder: next(found))
    assert len(HammingIndex.open(tmp_path)) == 3
    changing = (files.Manifest(64, n) for n in range(9, 99))
    monkeypatch.setattr(files, "read_manifest", lambda folder: next(changing))
    with pytest.raises(CollectionBusyError, match="changed during every attempt"):
        HammingIndex.open(tmp_path)


@pytest.fixture
def stored(tmp_path: Path, small_segments: None) -> Path:
    HammingIndex.create(tmp_path, 64).add(make_codes(13, 300, 64))
    return tmp_path


def test_only_an_empty_folder_becomes_an_index(stored: Path, tmp_path: Path) -> None:
    with pytest.raises(CollectionExistsError, match="exists and is not empty"):
        HammingIndex.create(stored, 64)
    with pytest.raises(CollectionExistsError):
        HammingIndex.create(stored / "codes.u64", 64)
    with pytest.raises(CollectionNotFoundError, match="no Hamming index here"):
        HammingIndex.open(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["codes.u64", "tables-0-300.u32"])
def test_missing_and_short_files_are_named(stored: Path, name: str) -> None:
    path = stored / name
    whole = path.read_bytes()
    path.write_bytes(whole[:-4])
    with pytest.raises(CollectionCorruptError, match=rf"{name}: {len(whole) - 4} bytes where {len(whole)} belong"):
        HammingIndex.open(stored)
    path.unlink()
    with pytest.raises(CollectionCorruptError, match=rf"{name}: No such file"):
        HammingIndex.open(stored)


def test_damaged_tables_are_named_and_never_read_past_the_codes(stored: Path) -> None:
    path = stored / "tables-0-300.u32"
    whole = np.fromfile(path, np.uint32)
    n_starts = 4 * 65537
    for at, value in ((0, 1), (65536, 299), (1000, 10_000)):
        damaged = whole.copy()
        damaged[at] = value
        damaged.tofile(path)
        with pytest.raises(CollectionCorruptError, match="buckets do not run"):
            HammingIndex.open(stored)
    damaged = whole.copy()
    damaged[n_starts:] = 0xFFFFFFFF
    damaged.tofile(path)
    hamming = HammingIndex.open(stored)
    assert [str(path) in problem for problem in hamming.check()] == [True]
    hamming.within(hamming.codes, 9, method="tables")


def test_check_names_changed_codes(stored: Path) -> None:
    hamming = HammingIndex.open(stored)
    codes = np.fromfile(stored / "codes.u64", np.uint64)
    codes[7] ^= np.uint64(4)
    codes.tofile(stored / "codes.u64")
    assert [problem.split(": ")[0] for problem in hamming.check()] == [str(stored / "codes.u64")]
    (stored / "codes.u64").unlink()
    assert "No such file" in hamming.check()[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.pop("n_bits"), "missing or of the wrong type"),
        (lambda m: m.update(n_codes="300"), "missing or of the wrong type"),
        (lambda m: m.update(format_version=99), "format version 99"),
        (lambda m: m.update(n_bits=65), "do not fit"),
        (lambda m: m.update(n_codes=299), "do not fit"),
        (lambda m: m["tables"][0].update(first_row=1, n_rows=299), "do not follow"),
        (lambda m: m["tables"][0].pop("crc32"), "entries of a table"),
        (lambda m: m.update(tables=[3]), "entries of a table"),
    ],
)
def test_a_damaged_manifest_is_named(stored: Path, change: Callable[[dict[str, Any]], object], message: str) -> None:
    path = stored / "hamming.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))
    with pytest.raises(CollectionCorruptError, match=rf"hamming.json: .*{message}"):
        HammingIndex.open(stored)
    path.write_text("{")
    with pytest.raises(CollectionCorruptError, match=r"hamming.json"):
        HammingIndex.open(stored)


def test_few_queries_and_many_are_budgeted_apart() -> None:
    codes = make_codes(14, 5000, 256)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "TAIL_ROWS", 100)
        hamming = HammingIndex(256)
        hamming.add(codes)
    for n in (1, 3, 40):
        queries = make_queries(n, codes, n)
        assert_found(hamming.within(queries, 31), codes, queries, len(codes), 31)
        assert_found(hamming.nearest(queries, 10), codes, queries, 10, 256)
