"""Merging: the bytes that writing all at once would give, few segments however small the steps, readers undisturbed."""

from __future__ import annotations

import dataclasses
import itertools
import os
import resource
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerprint.config import DEFAULT_CONFIG, Config, StorageConfig
from fingerprint.edits import apply_edits
from fingerprint.errors import CollectionCorruptError, ConfigError
from fingerprint.features.describe import describe_query
from fingerprint.features.descriptor import rounded_descriptor
from fingerprint.features.packed_frames import rounded_frames
from fingerprint.index import ImageRecord, Writer, check_store, segment_merger
from fingerprint.index import check as check_module
from fingerprint.index.ids import SegmentIds
from fingerprint.index.merge_policy import Rewrite, due_after_adding, due_for_merging, rewrites_to_compact
from fingerprint.index.records import SegmentRecord
from fingerprint.index.segment import open_segment, segment_problems
from fingerprint.index.segment_merger import Source, merge_segments
from fingerprint.index.segment_writer import write_pictures, write_vectors
from fingerprint.models import Models
from fingerprint.types import U8, Candidate, Fingerprint, Keypoints, Query

NO_MERGING = StorageConfig(merge_factor=10_000)
CONFIG = dataclasses.replace(DEFAULT_CONFIG, storage=NO_MERGING)
WITH_TREES = dataclasses.replace(CONFIG, candidates=dataclasses.replace(CONFIG.candidates, descriptor_index="annoy"))
OTHER = "other-model"


def invented(n: int, models: Models, seed: int = 0, most: int = 5) -> dict[str, Fingerprint]:
    """Pictures that never were, with few keypoints of few words, or none; ids of all alphabets."""
    rng = np.random.default_rng(seed)
    common = rng.integers(0, 90, (6, 128)).astype(np.uint8)
    out = {}
    for i in range(n):
        vector = rng.standard_normal(models.descriptor.dimension)
        k = int(rng.integers(0, most + 1))
        keypoints = Keypoints(
            descriptors=common[rng.integers(0, len(common), k)],
            signatures=rng.integers(0, 2**63, (k, 2)).astype(np.uint64),
            frame=rounded_frames(rng.random((k, 5)).astype(np.float32)),
            width=int(rng.integers(1, 5000)),
            height=480,
        )
        out[("plain", "üñí", "日本語", "🦊", "a/b c")[i % 5] + f"-{seed}-{i * 7919 % 1000}"] = Fingerprint(
            hashes=rng.integers(0, 2**63, 3).astype(np.uint64),
            keypoints=keypoints,
            descriptor=rounded_descriptor((vector / np.linalg.norm(vector)).astype(np.float32)),
            thumbnail=rng.integers(0, 256, rng.integers(1, 90)).astype(np.uint8),
            colours=rng.integers(-127, 128, (8, 8, 2)).astype(np.int8),
            model_id=models.model_id,
        )
    return out


def record(image_id: str, fingerprint: Fingerprint) -> ImageRecord:
    return ImageRecord(image_id, f"{image_id}.jpg", 7, None, fingerprint.width, fingerprint.height)


def candidates_of(store: Writer, query: Query, *, exact: bool = False) -> list[Candidate]:
    return store.reader.select_candidates(query, exact=exact)[0]


def add(store: Writer, pictures: dict[str, Fingerprint], replaced: Sequence[str] | None = ()) -> None:
    store.add(list(pictures.values()), [record(i, f) for i, f in pictures.items()], replaced)


def in_parts(pictures: dict[str, Fingerprint], *sizes: int) -> list[dict[str, Fingerprint]]:
    left = iter(pictures.items())
    return [dict(itertools.islice(left, size)) for size in sizes] + [dict(left)]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def the_segment(store: Writer) -> dict[str, bytes]:
    (folder,) = (store.reader.folder / "segments").iterdir()
    return files(folder)


def made(folder: Path, models: Models, config: Config = CONFIG) -> Writer:
    return Writer.create(folder, models, config)


@pytest.fixture(scope="module")
def pictures(described: dict[str, Fingerprint], models: Models) -> dict[str, Fingerprint]:
    """A few photographs among many pictures that never were."""
    few = {name: described[name] for name in ("astronaut", "chelsea", "coffee", "rocket")}
    first, second = invented(40, models, seed=1), invented(37, models, seed=2)
    return {**dict(list(few.items())[:2]), **first, **dict(list(few.items())[2:]), **second}


@pytest.fixture(scope="module")
def queries(photos: dict[str, U8], models: Models) -> list[Query]:
    chains = {"chelsea": ("hflip", "jpeg"), "coffee": ("crop",), "rocket": ("rotate",)}
    return [
        describe_query(apply_edits(photos[name], chain, np.random.default_rng(1)).pixels, models)
        for name, chain in chains.items()
    ]


def answers(store: Writer, queries: Sequence[Query]) -> list[object]:
    found: list[object] = []
    for query in queries:
        for exact in (False, True):
            told = [
                (c.reference_id, c.variants, c.always_verified, c.load().thumbnail.tobytes())
                for c in candidates_of(store, query, exact=exact)
            ]
            found.append(told)
        found.append(store.reader.nearest_vectors(query.descriptor[np.newaxis], store.reader.model_id, 7, exact=True))
    return found


class TestSameBytes:
    """What is merged is what writing it at once would have been, file by file."""

    @pytest.mark.parametrize("at_once", [1, 1_000, 1 << 25], ids=["by one", "by some", "whole"])
    @pytest.mark.parametrize("removed", ["none", "some", "a whole segment", "all but one"])
    @pytest.mark.parametrize("keep_local", [False, True], ids=["lean", "local"])
    def test_pictures(
        self,
        at_once: int,
        removed: str,
        keep_local: bool,
        tmp_path: Path,
        models: Models,
        pictures: dict[str, Fingerprint],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        names = list(pictures)
        gone = {
            "none": set(),
            "some": set(names[::3]) | {"coffee"},
            "a whole segment": set(names[1:21]),
            "all but one": set(names) - {"rocket"},
        }[removed]
        monkeypatch.setattr(segment_merger, "_BYTES_AT_ONCE", at_once)
        monkeypatch.setattr(segment_merger, "_POSTINGS_AT_ONCE", max(1, at_once // 100))
        config = WITH_TREES if keep_local else CONFIG

        def write(name: str, part: dict[str, Fingerprint]) -> Path:
            ids, own = list(part), list(part.values())
            write_pictures(tmp_path / name, ids, own, models.vocabulary, config, keep_local=keep_local)
            return tmp_path / name

        sources = []
        for at, part in enumerate(in_parts(pictures, 1, 20, 30, 2)):
            segment = open_segment(write(f"part-{at}", part), models.model_id)
            sources.append(Source(segment, np.array([image_id not in gone for image_id in part])))
        digest = merge_segments(tmp_path / "merged", sources, config)
        left = {image_id: own for image_id, own in pictures.items() if image_id not in gone}
        expected = files(write("at once", left))
        assert files(tmp_path / "merged") == expected
        assert ("descriptors.ann" in expected) == keep_local
        merged = open_segment(tmp_path / "merged", models.model_id, digest)
        assert list(merged.ids) == list(left)

    @settings(max_examples=25)
    @given(st.data())
    def test_any_parts_and_any_removals(
        self, models: Models, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
    ) -> None:
        most = data.draw(st.sampled_from([0, 1, 4]))  # keypoints
        own = invented(12, models, seed=data.draw(st.integers(0, 5)), most=most)
        sizes = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
        kept = data.draw(st.lists(st.booleans(), min_size=12, max_size=12).filter(any))
        folder = tmp_path_factory.mktemp("parts")
        sources, start = [], 0
        with pytest.MonkeyPatch.context() as patches:
            patches.setattr(os, "fsync", lambda _: None)  # for speed
            patches.setattr(segment_merger, "_BYTES_AT_ONCE", data.draw(st.sampled_from([1, 300, 10**6])))
            patches.setattr(segment_merger, "_POSTINGS_AT_ONCE", data.draw(st.sampled_from([1, 3, 10**6])))
            for at, part in enumerate(part for part in in_parts(own, *sizes) if part):
                place = folder / f"{at}"
                write_pictures(place, list(part), list(part.values()), models.vocabulary, CONFIG, keep_local=True)
                sources.append(Source(open_segment(place, models.model_id), np.array(kept[start : start + len(part)])))
                start += len(part)
            merge_segments(folder / "merged", sources, CONFIG)
        left = {image_id: f for (image_id, f), stays in zip(own.items(), kept, strict=True) if stays}
        write_pictures(folder / "at once", list(left), list(left.values()), models.vocabulary, CONFIG, keep_local=True)
        assert files(folder / "merged") == files(folder / "at once")

    @pytest.mark.parametrize("config", [CONFIG, WITH_TREES], ids=["bare", "trees"])
    @pytest.mark.parametrize("at_once", [1, 1 << 25])
    def test_vectors(self, config: Config, at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(segment_merger, "_BYTES_AT_ONCE", at_once)
        vectors = np.random.default_rng(3).standard_normal((60, 24)).astype(np.float32)
        ids = [f"вектор-{i * 37 % 60}" for i in range(60)]
        kept = np.random.default_rng(4).random(60) < 0.7
        sources = []
        for start, stop in itertools.pairwise((0, 1, 31, 60)):
            place = tmp_path / f"{start}"
            write_vectors(place, ids[start:stop], vectors[start:stop], OTHER, config)
            sources.append(Source(open_segment(place, OTHER), kept[start:stop]))
        merge_segments(tmp_path / "merged", sources, config)
        left = list(itertools.compress(ids, kept.tolist()))
        write_vectors(tmp_path / "at once", left, vectors[kept], OTHER, config)
        assert files(tmp_path / "merged") == files(tmp_path / "at once")
        assert (tmp_path / "merged" / "descriptors.ann").exists() == (config is WITH_TREES)

    def test_a_collection_that_was_compacted(
        self, tmp_path: Path, models: Models, pictures: dict[str, Fingerprint]
    ) -> None:
        gone = list(pictures)[5:60:4]
        with made(tmp_path / "steps", models) as steps, made(tmp_path / "once", models) as once:
            for part in in_parts(pictures, 1, 30, 30):
                add(steps, part)
            steps.remove(gone)
            assert steps.compact() == 3
            add(once, {image_id: own for image_id, own in pictures.items() if image_id not in gone})
            assert the_segment(steps) == the_segment(once)
            for image_id in once.reader.ids:
                assert steps.reader.record(image_id) == once.reader.record(image_id)


class TestAddingALittleAtATime:
    def test_leaves_few_segments_and_the_order(
        self, tmp_path: Path, models: Models, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "fsync", lambda _: None)  # for speed
        pictures = invented(200, models)
        storage = StorageConfig(merge_factor=4)
        order: list[str] = []
        with made(tmp_path / "c", models, dataclasses.replace(CONFIG, storage=storage)) as store:
            for image_id, own in pictures.items():
                again = order[len(order) // 2] if len(order) % 10 == 9 else image_id
                add(store, {again: own}, replaced=None)
                order = [name for name in order if name != again] + [again]
                assert store.reader.info().segments < 4
            assert store.reader.ids == order
            with Writer.open(store.reader.folder, models, CONFIG) as reopened:
                assert reopened.reader.ids == order
        assert check_store(tmp_path / "c") == []

    def test_large_segments_are_left_alone(self, tmp_path: Path, models: Models) -> None:
        config = dataclasses.replace(CONFIG, storage=StorageConfig(merge_factor=2, merge_below=5))
        with made(tmp_path / "c", models, config) as store:
            for part in in_parts(invented(12, models), 6, 1, 1, 1, 1, 1):
                add(store, part)
            sizes = [segment.n_rows for segment in store.reader.catalogue.segments()]
            assert sizes[0] == 6
            assert len(sizes) <= 4
            assert sum(sizes) == 12


class TestCompacting:
    @pytest.fixture
    def store(self, tmp_path: Path, models: Models, pictures: dict[str, Fingerprint]) -> Writer:
        with made(tmp_path / "c", models, WITH_TREES) as store:
            for part in in_parts(pictures, 10, 3, 30, 25):
                add(store, part)
            store.remove([*list(pictures)[4:60:5], "astronaut"])
            store.add_vectors(OTHER, ["a", "b"], np.eye(2, dtype=np.float32))
            store.add_vectors(OTHER, ["b", "c"], np.eye(2, dtype=np.float32)[::-1])
            return store

    @pytest.mark.parametrize("largest", [None, 1, 20])
    def test_changes_nothing_that_is_found(
        self, largest: int | None, store: Writer, models: Models, queries: list[Query]
    ) -> None:
        with Writer.open(store.reader.folder, models, WITH_TREES) as one:
            ids, before, other = one.reader.ids, answers(one, queries), one.reader.vectors(OTHER)
            n_before = len(one.reader.catalogue.segments())
            n = one.compact(largest)
            sizes = [segment.n_rows for segment in one.reader.catalogue.segments()]
            assert n == n_before - len(sizes)
            assert max(sizes) <= (largest or 1_000)
            assert len(sizes) == 2 or largest is not None
            with Writer.open(store.reader.folder, models, WITH_TREES) as two:
                for each in (one, two):
                    assert each.reader.ids == ids
                    assert answers(each, queries) == before
                    assert each.reader.vectors(OTHER)[0] == other[0] == ["a", "b", "c"]
                    np.testing.assert_array_equal(each.reader.vectors(OTHER)[1], other[1])
                    assert each.reader.info().removed == 0
        assert check_store(store.reader.folder) == []

    def test_what_could_not_be_opened_again_is_refused(
        self, store: Writer, models: Models, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("fingerprint.index.rewriter.MAPPED_FROM", 1)  # as if the pictures were many
        with Writer.open(store.reader.folder, models, WITH_TREES) as one:
            before = one.reader.catalogue.segments()
            with monkeypatch.context() as patches:
                patches.setattr(resource, "getrlimit", lambda _: (200, 200))
                with pytest.raises(ConfigError, match=r"segments need about \d+ open files, and 200 are allowed"):
                    one.compact(1)
                assert one.reader.catalogue.segments() == before
                assert one.compact() > 0
        assert check_store(store.reader.folder) == []

    def test_a_second_time_does_nothing(self, store: Writer, models: Models) -> None:
        with Writer.open(store.reader.folder, models, CONFIG) as one:
            one.compact()
            before = {path: path.stat().st_mtime_ns for path in (one.reader.folder / "segments").rglob("*")}
            assert one.compact() == 0
            assert before == {path: path.stat().st_mtime_ns for path in (one.reader.folder / "segments").rglob("*")}

    def test_frees_space(self, store: Writer, models: Models) -> None:
        with Writer.open(store.reader.folder, models, CONFIG) as one:
            one.remove(one.reader.ids[:30])
            before = one.reader.info().bytes
            one.compact()
            assert one.reader.info().bytes < 0.7 * before
            assert {p.name for p in (one.reader.folder / "segments").iterdir()} == {
                f"{segment.number:06d}" for segment in one.reader.catalogue.segments()
            }

    def test_all_removed_leaves_an_empty_sound_collection(
        self, store: Writer, models: Models, described: dict[str, Fingerprint], queries: list[Query]
    ) -> None:
        with Writer.open(store.reader.folder, models, CONFIG) as one:
            one.remove(["a", "b", "c"], OTHER)
            one.remove(one.reader.ids)
            one.compact()
            assert (
                one.reader.ids,
                one.reader.info().segments,
                one.reader.info().imported,
                candidates_of(one, queries[0]),
            ) == ([], 0, (), [])
            assert list((one.reader.folder / "segments").iterdir()) == []
            assert check_store(one.reader.folder) == []
            add(one, {"coffee": described["coffee"]})
            assert candidates_of(one, queries[1])[0].reference_id == "coffee"

    def test_numbers_are_never_used_again(self, tmp_path: Path, models: Models) -> None:
        seen: set[int] = set()
        parts = iter(in_parts(invented(20, models), *[1] * 19))
        for _ in range(5):
            folder = tmp_path / "c"
            opened = Writer.open(folder, models, CONFIG) if folder.exists() else made(folder, models)
            with opened as store:
                for _ in range(3):
                    add(store, next(parts))
                    (new,) = {segment.number for segment in store.reader.catalogue.segments()} - seen
                    assert new > max(seen, default=0)
                    seen.add(new)
                store.remove(store.reader.ids[:1])
                store.compact()
                numbers = {segment.number for segment in store.reader.catalogue.segments()}
                assert min(numbers) > max(seen)
                seen |= numbers
                store.remove(store.reader.ids)
                store.compact()
                assert store.reader.catalogue.segments() == []

    def test_a_reader_keeps_its_view_until_it_asks_for_another(
        self, store: Writer, models: Models, pictures: dict[str, Fingerprint], queries: list[Query]
    ) -> None:
        def seen(reader: Writer) -> list[object]:
            kept = [reader.reader.fingerprint(image_id) for image_id in reader.reader.ids]
            arrays = [f and (f.thumbnail.tobytes(), f.keypoints.signatures.tobytes()) for f in kept]
            return [
                reader.reader.ids,
                arrays,
                answers(reader, queries),
                len(reader.reader),
                reader.reader.vectors(OTHER)[0],
            ]

        with (
            Writer.open(store.reader.folder, models, WITH_TREES) as reader,
            Writer.open(store.reader.folder, models, WITH_TREES) as writer,
        ):
            before = seen(reader)
            records = [reader.reader.record(image_id) for image_id in reader.reader.ids]
            writer.compact()
            assert seen(reader) == before
            assert [reader.reader.record(image_id) for image_id in reader.reader.ids] == records
            add(writer, {"new": pictures["coffee"], "chelsea": pictures["rocket"]}, replaced=None)
            writer.compact()
            assert seen(reader) == before
            assert "new" not in reader.reader
            reader.reader.refresh()
            assert seen(reader) == seen(writer)
            assert reader.reader.ids[-2:] == ["new", "chelsea"]
            found = reader.reader.fingerprint("chelsea")
            assert found is not None
            np.testing.assert_array_equal(found.thumbnail, pictures["rocket"].thumbnail)


class TestDamage:
    @pytest.mark.parametrize(
        "name", ["thumbnails", "thumbnail_offsets", "posting_references", "posting_words", "frames", "ids"]
    )
    def test_is_not_merged_into_what_looks_sound(
        self, name: str, tmp_path: Path, models: Models, caplog: pytest.LogCaptureFixture
    ) -> None:
        pictures = invented(12, models, most=3)
        storage = StorageConfig(merge_factor=3)
        with made(tmp_path / "c", models, dataclasses.replace(CONFIG, storage=storage)) as store:
            first, second, third, fourth = in_parts(pictures, 3, 3, 3)
            for part in (first, second):
                add(store, part)
            damaged = store.reader.folder / "segments" / "000001" / f"{name}.npy"
            whole = damaged.read_bytes()
            damaged.write_bytes(whole[:-1] + bytes([whole[-1] ^ 0x55]))
            with pytest.raises(CollectionCorruptError, match=damaged.name):
                store.compact()
            add(store, third)  # is there, though it is not merged
            assert damaged.name in caplog.text
            assert len(store.reader) == 9
            assert any(damaged.name in problem for problem in check_store(store.reader.folder))
            damaged.write_bytes(whole)
            add(store, fourth)
            assert (store.reader.ids, store.reader.info().segments) == (list(pictures), 1)
        assert check_store(tmp_path / "c") == []


def test_a_check_beside_a_writer_that_merges_finds_nothing_wrong(
    pictures: dict[str, Fingerprint], models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with made(tmp_path / "c", models) as store:
        for part in in_parts(pictures, 2, 2):
            add(store, part)
        look = segment_problems

        def after_a_merge(folder: Path, noted: str | None = None) -> list[str]:
            store.compact()  # between reading the catalogue and reading the files
            return look(folder, noted)

        monkeypatch.setattr(check_module, "segment_problems", after_a_merge)
        assert check_store(tmp_path / "c") == []
        monkeypatch.undo()
        assert check_store(tmp_path / "c") == []
        (segment,) = (tmp_path / "c" / "segments").iterdir()
        (segment / "hashes.npy").unlink()
        assert len(check_store(tmp_path / "c")) == 1


def listed(*sizes: int, model: str = "m", removed: Sequence[int] = (), first: int = 1) -> list[SegmentRecord]:
    """Records of segments as the catalogue would give them."""
    gone = [*removed, *[0] * len(sizes)]
    return [
        SegmentRecord(first + i, first + i, model, size, gone[i], manifest="", facts="") for i, size in enumerate(sizes)
    ]


class TestDueAfterAdding:
    @pytest.mark.parametrize(
        ("sizes", "n_added", "merged"),
        [
            ((), 5, 0),
            ((200, 200, 200), 600, 0),  # few
            ((200, 200, 200, 200), 800, 4),
            ((1_600, 200, 200, 200, 137), 2_337, 5),
            ((1_600, 200, 200, 200, 200), 100, 4),  # the first is too much to write again for a hundred
            ((1_600, 200, 200, 200), 100, 0),
            ((18_000, 500, 500, 500, 500), 100_000, 5),
            ((19_000, 500, 500, 500, 500), 100_000, 4),
        ],
    )
    def test_many_small_ones_that_are_quickly_written(self, sizes: tuple[int, ...], n_added: int, merged: int) -> None:
        segments = listed(*sizes)
        assert due_after_adding(segments, "m", n_added) == segments[len(segments) - merged :]

    def test_of_the_model_that_was_added_to(self) -> None:
        mixed = [*listed(1, 1, first=1), *listed(1, 1, 1, 1, model="n", first=3), *listed(1, 1, first=7)]
        found = due_after_adding(mixed, "m", 4)
        assert [segment.number for segment in found] == [1, 2, 7, 8]
        assert due_after_adding(mixed, "other", 4) == []


class TestDueForMerging:
    @pytest.mark.parametrize(
        ("sizes", "merged"),
        [
            ((), 0),
            ((1,), 0),
            ((1, 999), 0),
            ((1, 999, 5), 3),
            ((2_000, 1, 1), 0),
            ((2_000, 1, 1, 1), 3),
            ((2_000, 1_000, 1, 9_999), 4),  # smaller ones between are taken along
            ((9_000, 1_000, 1_000), 3),
            ((20_000, 2_000, 2_000, 1), 0),
            ((20_000, 2_000, 2_000, 1, 1, 1), 3),
            ((2_000, 20_000, 2_000, 2_000), 0),  # not neighbours
            ((20_000, 20_000, 20_000), 0),  # not below merge_below
            ((1, 1, 20_000, 1), 0),
        ],
    )
    def test_neighbours_of_like_size(self, sizes: tuple[int, ...], merged: int) -> None:
        segments = listed(*sizes)
        found = due_for_merging(segments, StorageConfig(merge_factor=3, merge_below=20_000))
        assert found == segments[len(segments) - merged :]

    def test_models_are_kept_apart(self) -> None:
        storage = StorageConfig(merge_factor=3)
        own, other = listed(1, 1, first=1), listed(1, 1, model="n", first=3)
        assert due_for_merging([*own, *other], storage) == []
        mixed = sorted([*own, *other, *listed(1, first=9)], key=lambda segment: segment.rank)
        found = due_for_merging(mixed, storage)
        assert [(segment.number, segment.model_id) for segment in found] == [(1, "m"), (2, "m"), (9, "m")]

    @given(st.lists(st.integers(1, 3_000), max_size=60), st.integers(2, 6))
    def test_there_are_never_many(self, sizes: list[int], factor: int) -> None:
        """However much is added at a time; and what is merged keeps its order."""
        storage = StorageConfig(merge_factor=factor, merge_below=10_000)
        segments: list[SegmentRecord] = []
        for number, size in enumerate(sizes):
            segments += listed(size, first=number)
            while group := due_for_merging(segments, storage):
                assert segments[-len(group) :] == group
                assert len(group) >= factor
                total = sum(segment.n_rows for segment in group)
                segments = segments[: -len(group)] + listed(total, first=group[0].rank)
            small = [s for s in segments if s.n_rows < 1_000]
            tail = list(itertools.takewhile(lambda s: s.n_rows < 1_000, reversed(segments)))
            assert len(tail) < factor
            assert len(small) <= (factor - 1) * (1 + len(segments) - len(small))
        assert sum(segment.n_rows for segment in segments) == sum(sizes)


Parts = list[list[list[tuple[int, int, int]]]]


def parts_of(rewrites: Sequence[Rewrite]) -> Parts:
    """Number of the segment, first and last picture of each part, by rewrite and output."""
    return [[[(p.segment.number, p.start, p.stop) for p in output] for output in rewrite] for rewrite in rewrites]


class TestRewritesToCompact:
    @pytest.mark.parametrize(
        ("sizes", "removed", "groups"),
        [
            ((), (), []),
            ((5,), (), []),
            ((5,), (1,), [[1]]),
            ((5, 5), (), [[1, 2]]),
            ((5, 6), (), []),
            ((5, 6), (0, 1), [[1, 2]]),
            ((5, 6, 2), (), [[2, 3]]),
            ((30, 1), (29,), [[1, 2]]),
            ((4, 4, 4, 4, 4), (), [[1, 2], [3, 4]]),
            ((4, 4), (4, 4), [[1, 2]]),
        ],
    )
    def test_neighbours_that_fit_become_one(
        self, sizes: tuple[int, ...], removed: tuple[int, ...], groups: list[list[int]]
    ) -> None:
        found = rewrites_to_compact(listed(*sizes, removed=removed), 10)
        assert [[[number for number, *_ in output] for output in rewrite] for rewrite in parts_of(found)] == [
            [group] for group in groups
        ]

    @pytest.mark.parametrize(
        ("sizes", "removed", "parts"),
        [
            ((11,), (), [[[(1, 0, 5)], [(1, 5, 11)]]]),
            ((30,), (1,), [[[(1, 0, 9)], [(1, 9, 19)], [(1, 19, 29)]]]),
            ((11, 1, 9, 1), (), [[[(1, 0, 5)], [(1, 5, 11), (2, 0, 1)]], [[(3, 0, 9), (4, 0, 1)]]]),
            ((4, 12, 3), (), [[[(1, 0, 4), (2, 0, 6)], [(2, 6, 12), (3, 0, 3)]]]),
        ],
    )
    def test_what_is_too_large_is_divided_in_one_step_with_its_neighbours(
        self, sizes: tuple[int, ...], removed: tuple[int, ...], parts: Parts
    ) -> None:
        assert parts_of(rewrites_to_compact(listed(*sizes, removed=removed), 10)) == parts

    @given(st.lists(st.integers(0, 60), max_size=12), st.data(), st.integers(1, 25))
    def test_all_that_is_there_is_kept_in_order_and_a_second_time_changes_nothing(
        self, sizes: list[int], data: st.DataObject, largest: int
    ) -> None:
        removed = [data.draw(st.integers(0, size)) for size in sizes]
        segments = listed(*sizes, removed=removed)
        rewrites = rewrites_to_compact(segments, largest)
        written = [part for rewrite in rewrites for output in rewrite for part in output]
        touched = {part.segment.number for part in written}
        for segment in segments:
            own = [part for part in written if part.segment == segment]
            if segment.number in touched:
                rows = [row for part in own for row in range(part.start, part.stop)]
                assert rows == list(range(segment.n_rows - segment.n_removed))
            else:
                assert segment.n_rows <= largest
                assert segment.n_removed == 0
        assert [p.segment.number for p in written] == sorted(p.segment.number for p in written)
        sums = [sum(part.stop - part.start for part in output) for rewrite in rewrites for output in rewrite]
        assert all(total <= largest for total in sums)
        after: list[tuple[int, int]] = [(s.number, s.n_rows) for s in segments if s.number not in touched]
        after += [
            (output[0].segment.number, total)
            for output, total in zip((o for rewrite in rewrites for o in rewrite), sums, strict=True)
            if total
        ]
        again = listed(*(n for _, n in sorted(after, key=lambda item: item[0])))
        assert rewrites_to_compact(again, largest) == []

    def test_models_are_kept_apart(self) -> None:
        mixed = [*listed(1, 1), *listed(1, model="n", first=3), *listed(1, first=4)]
        assert parts_of(rewrites_to_compact(mixed, 10)) == [[[(1, 0, 1), (2, 0, 1), (4, 0, 1)]]]


class TestSegmentIds:
    @given(st.lists(st.text(), unique=True), st.lists(st.text()))
    def test_any_texts_are_found_and_others_are_not(self, ids: list[str], others: list[str]) -> None:
        ids = [image_id for image_id in ids if encodable(image_id)]
        stored = SegmentIds.of(ids)
        assert list(stored) == [stored[row] for row in range(len(stored))] == ids
        assert [stored.row(image_id) for image_id in ids] == list(range(len(ids)))
        for other in [*others, *(image_id + "x" for image_id in ids), *(image_id[:-1] for image_id in ids), "\udcff"]:
            assert stored.row(other) == (ids.index(other) if other in ids else None)
        assert [ids[row] for row in stored.order] == sorted(ids)


def encodable(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)
