"""The collection on disk: added to, reopened, changed, shared between processes; candidates by every source."""

from __future__ import annotations

import dataclasses
import logging
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import fingerprint
from fingerprint.config import (
    DEFAULT_CONFIG,
    DESCRIPTOR_INDICES,
    AnnoyConfig,
    CandidateConfig,
    Config,
    DescriptorIndex,
    FeatureConfig,
    StorageConfig,
)
from fingerprint.edits import apply_edits
from fingerprint.errors import (
    CollectionBusyError,
    CollectionError,
    CollectionExistsError,
    CollectionNotFoundError,
    ConfigError,
    FingerprintError,
    ModelMismatchError,
    UnknownIdError,
)
from fingerprint.features.describe import describe_query, describe_reference
from fingerprint.features.descriptor import rounded_descriptor
from fingerprint.features.packed_frames import rounded_frames
from fingerprint.index import ImageRecord, Writer, check_store
from fingerprint.index import database as database_module
from fingerprint.index import writer as writer_module
from fingerprint.index.annoy_trees import inspected
from fingerprint.index.candidates import Way, count_ways, how_compared, name_candidates, nearest_by_descriptor
from fingerprint.index.catalogue import Catalogue
from fingerprint.index.records import SegmentRecord
from fingerprint.index.segment_writer import write_pictures
from fingerprint.models import Models, load_models
from fingerprint.types import U8, VARIANTS, Candidate, Fingerprint, Keypoints, Query, Skipped

ROOT = Path(fingerprint.__file__).parents[1]
ONLY_DESCRIPTOR = CandidateConfig(from_keypoints=0, from_hashes=0, from_descriptor=10)
KEEPING = dataclasses.replace(DEFAULT_CONFIG, storage=StorageConfig(keep_local_descriptors=True))
#: Every segment has trees, and single queries are searched by them.
BY_ANNOY = dataclasses.replace(
    DEFAULT_CONFIG, candidates=dataclasses.replace(ONLY_DESCRIPTOR, descriptor_index="annoy")
)


def record(image_id: str, fingerprint: Fingerprint, path: str | None = None) -> ImageRecord:
    return ImageRecord(image_id, path, None, None, fingerprint.width, fingerprint.height)


def with_caps(from_keypoints: int, from_descriptor: int, from_hashes: int) -> Config:
    caps = CandidateConfig(from_keypoints=from_keypoints, from_descriptor=from_descriptor, from_hashes=from_hashes)
    return dataclasses.replace(DEFAULT_CONFIG, candidates=caps)


def candidates_of(store: Writer, query: Query, *, exact: bool = False) -> list[Candidate]:
    return store.reader.select_candidates(query, exact=exact)[0]


def add(store: Writer, pictures: dict[str, Fingerprint], replaced: Sequence[str] = ()) -> None:
    store.add(list(pictures.values()), [record(i, f) for i, f in pictures.items()], replaced)


def parts_of(pictures: dict[str, Fingerprint], size: int) -> Iterator[dict[str, Fingerprint]]:
    names = list(pictures)
    for start in range(0, len(names), size):
        yield {name: pictures[name] for name in names[start : start + size]}


def invented(n: int, models: Models, seed: int = 0) -> dict[str, Fingerprint]:
    """Pictures that never were: random descriptors, hardly any keypoints."""
    rng = np.random.default_rng(seed)
    out = {}
    for i in range(n):
        vector = rng.standard_normal(models.descriptor.dimension)
        keypoints = Keypoints(
            descriptors=rng.integers(0, 90, (2, 128)).astype(np.uint8),
            signatures=rng.integers(0, 2**63, (2, 2)).astype(np.uint64),
            frame=rounded_frames(rng.random((2, 5)).astype(np.float32)),
            width=640,
            height=480,
        )
        out[f"invented-{i}"] = Fingerprint(
            hashes=rng.integers(0, 2**63, 3).astype(np.uint64),
            keypoints=keypoints,
            descriptor=rounded_descriptor((vector / np.linalg.norm(vector)).astype(np.float32)),
            thumbnail=rng.integers(0, 256, rng.integers(1, 90)).astype(np.uint8),
            colours=rng.integers(-127, 128, (8, 8, 2)).astype(np.int8),
            model_id=models.model_id,
        )
    return out


def told(candidates: Sequence[Candidate]) -> list[tuple[str, tuple[int, ...], bool]]:
    """Everything about candidates but their fingerprints."""
    return [(c.reference_id, c.variants, c.always_verified) for c in candidates]


def ids_of(candidates: Sequence[Candidate]) -> list[str]:
    return [candidate.reference_id for candidate in candidates]


def assert_same_fingerprint(a: Fingerprint, b: Fingerprint) -> None:
    assert a.model_id == b.model_id
    for name in ("hashes", "descriptor", "thumbnail"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
        assert getattr(a, name).dtype == getattr(b, name).dtype
    for name in ("descriptors", "signatures", "frame", "width", "height"):
        np.testing.assert_array_equal(getattr(a.keypoints, name), getattr(b.keypoints, name))


@pytest.fixture
def empty(tmp_path: Path, models: Models) -> Iterator[Writer]:
    with Writer.create(tmp_path / "collection", models, KEEPING) as store:
        yield store


@pytest.fixture
def store(empty: Writer, described: dict[str, Fingerprint]) -> Writer:
    """All photographs, in three segments."""
    for part in parts_of(described, -(-len(described) // 3)):
        add(empty, part)
    return empty


def reopened(store: Writer, config: Config = DEFAULT_CONFIG) -> Writer:
    return Writer.open(store.reader.folder, load_models(), config)


@pytest.fixture(scope="module")
def queries(photos: dict[str, U8], models: Models) -> dict[str, Query]:
    chains = {"chelsea": ("hflip", "jpeg"), "coffee": ("crop",), "rocket": ("rotate",), "astronaut": ("scale",)}
    return {
        name: describe_query(apply_edits(photos[name], chain, np.random.default_rng(1)).pixels, models)
        for name, chain in chains.items()
    }


class TestAddAndReopen:
    def test_what_was_added_comes_back_the_same(self, store: Writer, described: dict[str, Fingerprint]) -> None:
        with reopened(store) as again:
            assert again.reader.ids == store.reader.ids == list(described)
            assert len(again.reader) == len(described)
            for name, fingerprint in described.items():
                found = again.reader.fingerprint(name)
                assert found is not None
                assert_same_fingerprint(found, fingerprint)
            ids, vectors = again.reader.vectors()
            assert ids == again.reader.ids
            np.testing.assert_array_equal(
                vectors, np.stack([fingerprint.descriptor for fingerprint in described.values()])
            )

    def test_info_counts(self, store: Writer, described: dict[str, Fingerprint]) -> None:
        info = store.reader.info()
        assert (info.references, info.removed, info.segments) == (len(described), 0, 3)
        assert info.keypoints == sum(len(f.keypoints) for f in described.values())
        assert info.model_id == store.reader.model_id
        side_files = {"catalogue.sqlite-wal", "catalogue.sqlite-shm"}  # they go when the catalogue is closed
        files = [p for p in store.reader.folder.rglob("*") if p.is_file() and p.name not in side_files]
        on_disk = sum(p.stat().st_size for p in files)
        assert info.bytes == on_disk
        assert check_store(store.reader.folder) == []

    @pytest.mark.parametrize("n", [1, 2, 3])
    def test_a_few_pictures_are_a_collection_too(
        self, n: int, empty: Writer, described: dict[str, Fingerprint]
    ) -> None:
        few = dict(list(described.items())[:n])
        add(empty, few)
        with reopened(empty) as again:
            assert again.reader.ids == list(few)

    def test_an_empty_one_is_sound(self, empty: Writer, queries: dict[str, Query]) -> None:
        with reopened(empty) as again:
            assert (len(again.reader), again.reader.ids, candidates_of(again, queries["coffee"])) == (0, [], [])
            ids, vectors = again.reader.vectors()
            assert (ids, len(vectors)) == ([], 0)
        assert check_store(empty.reader.folder) == []

    def test_adding_nothing_makes_no_segment(self, empty: Writer) -> None:
        empty.add([], [])
        assert empty.reader.info().segments == 0

    def test_pictures_without_keypoints(self, empty: Writer, models: Models, queries: dict[str, Query]) -> None:
        """A segment may hold no keypoint at all."""
        flat = {
            name: dataclasses.replace(
                fingerprint,
                keypoints=Keypoints(
                    np.zeros((0, 128), np.uint8), np.zeros((0, 2), np.uint64), np.zeros((0, 5), np.float32), 9, 7
                ),
            )
            for name, fingerprint in invented(2, models).items()
        }
        add(empty, flat)
        with reopened(empty) as again:
            assert set(ids_of(candidates_of(again, queries["coffee"]))) <= set(flat)
            assert check_store(again.reader.folder) == []

    @pytest.mark.parametrize(
        "image_id", ["über/ß.png", "日本語 写真.jpg", "🦊", "a'b\"c;--", "../up", " ", "x" * 3000, "\n"]
    )
    def test_ids_may_be_any_text(self, image_id: str, empty: Writer, described: dict[str, Fingerprint]) -> None:
        add(empty, {image_id: described["coffee"], "plain": described["rocket"]})
        with reopened(empty) as again:
            assert again.reader.ids == [image_id, "plain"]
            assert again.reader.record(image_id) == record(image_id, described["coffee"])
            again.remove([image_id])
            assert again.reader.ids == ["plain"]

    def test_create_refuses_a_place_that_is_taken(self, store: Writer, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("mine")
        for place in (store.reader.folder, tmp_path, tmp_path / "file"):
            with pytest.raises(CollectionExistsError, match=place.name):
                Writer.create(place, load_models(), DEFAULT_CONFIG)
        assert (tmp_path / "file").read_text() == "mine"

    def test_create_takes_an_empty_folder_and_missing_parents(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        for place in (tmp_path / "empty", tmp_path / "a" / "b" / "c"):
            Writer.create(place, load_models(), DEFAULT_CONFIG).close()
            assert check_store(place) == []

    def test_nothing_there_is_said_with_the_place(self, tmp_path: Path) -> None:
        for act in (lambda p: Writer.open(p, load_models(), DEFAULT_CONFIG), check_store):
            with pytest.raises(CollectionNotFoundError, match="nowhere"):
                act(tmp_path / "nowhere")

    def test_the_same_pictures_give_the_same_bytes(
        self, tmp_path: Path, models: Models, described: dict[str, Fingerprint]
    ) -> None:
        digests = []
        for name in ("one", "two"):
            with Writer.create(tmp_path / name, models, DEFAULT_CONFIG) as made:
                add(made, described)
                segment = made.reader.folder / "segments" / "000001"
                digests.append({path.name: path.read_bytes() for path in segment.iterdir()})
        assert digests[0] == digests[1]


class TestRemoveAndReplace:
    def test_removed_pictures_are_gone_for_good(self, store: Writer, queries: dict[str, Query]) -> None:
        n = len(store.reader)
        store.remove(["chelsea", "rocket"])
        with reopened(store) as again:
            for one in (store, again):
                assert len(one.reader) == n - 2
                assert not {"chelsea", "rocket"} & set(one.reader.ids)
                assert one.reader.fingerprint("chelsea") is None
                assert one.reader.record("chelsea") is None
                ids, vectors = one.reader.vectors()
                assert ids == one.reader.ids
                assert len(vectors) == n - 2
                for query in queries.values():
                    assert not {"chelsea", "rocket"} & set(ids_of(candidates_of(one, query)))
            assert again.reader.info().removed == 2

    def test_an_unknown_id_removes_nothing(self, store: Writer) -> None:
        before = store.reader.ids
        with pytest.raises(UnknownIdError, match="no-such"):
            store.remove(["chelsea", "no-such"])
        assert store.reader.ids == before
        with reopened(store) as again:
            assert again.reader.ids == before

    def test_a_removed_picture_may_come_back(self, store: Writer, described: dict[str, Fingerprint]) -> None:
        store.remove(["coffee"])
        add(store, {"coffee": described["coffee"]})
        assert store.reader.ids[-1] == "coffee"
        assert store.reader.ids.count("coffee") == 1

    def test_a_replaced_picture_is_the_new_one(self, store: Writer, described: dict[str, Fingerprint]) -> None:
        add(store, {"coffee": described["rocket"]}, replaced=["coffee"])
        with reopened(store) as again:
            found = again.reader.fingerprint("coffee")
            assert found is not None
            assert_same_fingerprint(found, described["rocket"])
            assert again.reader.ids.count("coffee") == 1
            assert again.reader.info().removed == 1

    def test_replacing_what_is_not_there_adds_nothing(self, store: Writer, described: dict[str, Fingerprint]) -> None:
        before = store.reader.ids
        with pytest.raises(UnknownIdError, match="no-such"):
            add(store, {"new": described["rocket"]}, replaced=["no-such"])
        assert store.reader.ids == before
        add(store, {"new": described["rocket"]})  # what the failure left behind is not in the way
        assert store.reader.ids == [*before, "new"]
        assert check_store(store.reader.folder) == []

    def test_the_same_id_twice_is_refused_and_adds_nothing(
        self, store: Writer, described: dict[str, Fingerprint]
    ) -> None:
        before = store.reader.ids
        with pytest.raises(FingerprintError, match="coffee"):
            add(store, {"new": described["rocket"], "coffee": described["coffee"]})
        assert store.reader.ids == before

    def test_all_may_be_removed(self, store: Writer, queries: dict[str, Query]) -> None:
        store.remove(store.reader.ids)
        assert (len(store.reader), candidates_of(store, queries["coffee"])) == (0, [])
        assert check_store(store.reader.folder) == []


class TestSkipped:
    def test_is_remembered_by_path_until_the_file_is_added(
        self, store: Writer, described: dict[str, Fingerprint]
    ) -> None:
        store.note_skipped([Skipped("b.jpg", "torn"), Skipped("a/ü.png", "empty file")])
        store.note_skipped([Skipped("b.jpg", "still torn")])
        with reopened(store) as again:
            assert again.reader.info().skipped == (Skipped("a/ü.png", "empty file"), Skipped("b.jpg", "still torn"))
            again.add([described["coffee"]], [record("b", described["coffee"], path="b.jpg")])
            assert again.reader.info().skipped == (Skipped("a/ü.png", "empty file"),)


class TestModels:
    def test_another_model_is_refused_with_both_ids(
        self, store: Writer, described: dict[str, Fingerprint], queries: dict[str, Query]
    ) -> None:
        other = dataclasses.replace(load_models(), model_id="vlad-other")
        offers = [
            lambda: Writer.open(store.reader.folder, other, DEFAULT_CONFIG),
            lambda: add(store, {"x": dataclasses.replace(described["coffee"], model_id="vlad-other")}),
            lambda: candidates_of(store, dataclasses.replace(queries["coffee"], model_id="vlad-other")),
        ]
        for offer in offers:
            with pytest.raises(ModelMismatchError) as caught:
                offer()
            assert "vlad-other" in str(caught.value)
            assert store.reader.model_id in str(caught.value)
        assert "x" not in store.reader.ids

    def test_one_bad_fingerprint_among_good_ones_adds_none(
        self, store: Writer, described: dict[str, Fingerprint]
    ) -> None:
        before = store.reader.ids
        bad = dataclasses.replace(described["coffee"], model_id="vlad-other")
        with pytest.raises(ModelMismatchError, match="bad"):
            add(store, {"good": described["rocket"], "bad": bad})
        assert store.reader.ids == before

    def test_other_keypoint_settings_are_refused(self, store: Writer) -> None:
        config = dataclasses.replace(
            DEFAULT_CONFIG, reference=FeatureConfig(sides=(200,), n_keypoints=(99,), doubled=(True,))
        )
        with pytest.raises(ConfigError, match="settings"):
            reopened(store, config)

    def test_another_size_of_decoding_is_refused(self, store: Writer) -> None:
        """The hashes of its pictures would be others."""
        config = dataclasses.replace(DEFAULT_CONFIG, decode_side=640)
        with pytest.raises(ConfigError, match=r"made with the settings [0-9a-f]{16}, opened with [0-9a-f]{16}"):
            reopened(store, config)

    def test_settings_of_the_query_may_change(self, store: Writer) -> None:
        config = dataclasses.replace(
            DEFAULT_CONFIG, query=FeatureConfig(sides=(200,), n_keypoints=(99,), doubled=(True,))
        )
        reopened(store, config).close()


class TestCandidates:
    def test_the_source_is_the_first(self, store: Writer, queries: dict[str, Query]) -> None:
        for name, query in queries.items():
            assert candidates_of(store, query)[0].reference_id == name

    def test_come_without_repeats_and_the_same_each_time(self, store: Writer, queries: dict[str, Query]) -> None:
        for query in queries.values():
            ids = ids_of(candidates_of(store, query))
            assert len(set(ids)) == len(ids)
            assert ids_of(candidates_of(store, query)) == ids

    @pytest.mark.parametrize("size", [1, 4, 100])
    def test_do_not_depend_on_the_segments(
        self, size: int, tmp_path: Path, store: Writer, described: dict[str, Fingerprint], queries: dict[str, Query]
    ) -> None:
        unmerged = dataclasses.replace(DEFAULT_CONFIG, storage=StorageConfig(merge_factor=100))
        with Writer.create(tmp_path / "other", load_models(), unmerged) as other:
            for part in parts_of(described, size):
                add(other, part)
            assert other.reader.info().segments == -(-len(described) // size)
            for query in queries.values():
                assert told(candidates_of(other, query)) == told(candidates_of(store, query))

    def test_do_not_depend_on_the_order_of_adding(
        self, tmp_path: Path, store: Writer, described: dict[str, Fingerprint], queries: dict[str, Query]
    ) -> None:
        with Writer.create(tmp_path / "other", load_models(), DEFAULT_CONFIG) as other:
            add(other, dict(reversed(described.items())))
            for query in queries.values():
                assert told(candidates_of(other, query)) == told(candidates_of(store, query))

    def test_equal_pictures_are_ordered_and_cut_by_their_ids(
        self, empty: Writer, described: dict[str, Fingerprint], queries: dict[str, Query]
    ) -> None:
        for name in ("m", "z", "a", "q"):
            add(empty, {name: described["coffee"]})
        add(empty, {"other": described["rocket"], "b": described["coffee"]})
        assert ids_of(candidates_of(empty, queries["coffee"]))[:5] == ["a", "b", "m", "q", "z"]
        for caps in ((3, 0, 0), (0, 3, 0)):
            with reopened(empty, with_caps(*caps)) as again:
                assert ids_of(candidates_of(again, queries["coffee"])) == ["a", "b", "m"]

    def test_tell_in_which_version_the_source_was_found(
        self, store: Writer, photos: dict[str, U8], models: Models
    ) -> None:
        for variant, (mirrored, inverted) in enumerate(VARIANTS):
            pixels = photos["coffee"][40:340, 60:500]
            pixels = 255 - pixels if inverted else pixels
            pixels = np.ascontiguousarray(pixels[:, ::-1] if mirrored else pixels)
            first = candidates_of(store, describe_query(pixels, models))[0]
            assert first.reference_id == "coffee"
            assert first.variants[0] == variant

    def test_versions_are_known_ones_without_repeats(self, store: Writer, queries: dict[str, Query]) -> None:
        for query in queries.values():
            for candidate in candidates_of(store, query):
                assert set(candidate.variants) <= set(range(len(VARIANTS)))
                assert len(set(candidate.variants)) == len(candidate.variants) >= 1

    def test_always_verified_are_the_first_by_words_and_by_descriptor_and_all_by_hashes(
        self, store: Writer, queries: dict[str, Query]
    ) -> None:
        for query in queries.values():
            with reopened(store, with_caps(100, 0, 0)) as again:
                by_words = ids_of(candidates_of(again, query))
            with reopened(store, with_caps(0, 1, 0)) as again:
                by_descriptor = ids_of(candidates_of(again, query))
            with reopened(store, with_caps(0, 0, 5)) as again:
                by_hashes = ids_of(candidates_of(again, query))
            found = {c.reference_id for c in candidates_of(store, query) if c.always_verified}
            assert found == {*by_words[:1], *by_descriptor, *by_hashes}
            assert found

    def test_flat_pictures_are_not_named_by_hashes(self, empty: Writer, models: Models) -> None:
        """All of them have the same few hashes."""
        flat = {f"flat-{v}": describe_reference(np.full((90, 120), v, np.uint8), models) for v in (0, 60, 128, 255)}
        add(empty, flat)
        with reopened(empty, with_caps(100, 0, 5)) as again:
            assert candidates_of(again, describe_query(np.full((60, 80), 128, np.uint8), models)) == []

    @pytest.mark.parametrize("caps", [(3, 1, 0), (0, 4, 0), (0, 1, 1), (2, 3, 1), (4, 0, 0), (0, 0, 2), (0, 0, 0)])
    def test_each_source_keeps_to_its_cap(
        self, caps: tuple[int, int, int], store: Writer, queries: dict[str, Query]
    ) -> None:
        with reopened(store, with_caps(*caps)) as again:
            for query in queries.values():
                assert len(candidates_of(again, query)) <= sum(caps)

    def test_the_descriptor_finds_copies_alone(self, store: Writer, queries: dict[str, Query]) -> None:
        with reopened(store, with_caps(0, 5, 0)) as again:
            for name, query in queries.items():
                assert name in ids_of(candidates_of(again, query))

    def test_keypoints_find_copies_alone(
        self, store: Writer, described: dict[str, Fingerprint], queries: dict[str, Query]
    ) -> None:
        with reopened(store, with_caps(1, 1, 0)) as again:
            for name, query in queries.items():
                misled = dataclasses.replace(query, descriptor=described["camera"].descriptor)
                assert ids_of(candidates_of(again, misled)) == [name, "camera"]

    @pytest.mark.parametrize("edit", ["jpeg", "hflip"])
    def test_hashes_find_a_recompressed_and_a_mirrored_picture_alone(
        self, edit: str, store: Writer, photos: dict[str, U8], described: dict[str, Fingerprint], models: Models
    ) -> None:
        query = describe_query(apply_edits(photos["coffee"], [edit], np.random.default_rng(0)).pixels, models)
        misled = dataclasses.replace(query, descriptor=described["camera"].descriptor)
        with reopened(store, with_caps(0, 1, 3)) as again:
            assert ids_of(candidates_of(again, misled))[:2] == ["camera", "coffee"]


class TestWithoutLocalDescriptors:
    """They take most of the room, and only pictures that are to be queries need them."""

    @pytest.fixture
    def lean(self, tmp_path: Path, described: dict[str, Fingerprint], models: Models) -> Iterator[Writer]:
        with Writer.create(tmp_path / "lean", models, DEFAULT_CONFIG) as made:
            for part in parts_of(described, 7):
                add(made, part)
            yield made

    def test_candidates_are_the_same_and_it_is_smaller(
        self, lean: Writer, store: Writer, queries: dict[str, Query]
    ) -> None:
        for query in queries.values():
            assert told(candidates_of(lean, query)) == told(candidates_of(store, query))
        assert lean.reader.info().keypoints == store.reader.info().keypoints
        assert lean.reader.info().bytes < 0.7 * store.reader.info().bytes
        assert check_store(lean.reader.folder) == []

    def test_all_else_is_kept(self, lean: Writer, described: dict[str, Fingerprint]) -> None:
        for name, whole in described.items():
            self.assert_kept_without_local(lean, name, whole)

    @staticmethod
    def assert_kept_without_local(store: Writer, name: str, whole: Fingerprint) -> None:
        found = store.reader.fingerprint(name)
        assert found is not None
        assert found.keypoints.descriptors.shape == (0, 128)
        assert len(found.keypoints) == len(whole.keypoints)
        rest = dataclasses.replace(whole.keypoints, descriptors=found.keypoints.descriptors)
        assert_same_fingerprint(found, dataclasses.replace(whole, keypoints=rest))

    def test_what_it_keeps_cannot_be_added_elsewhere(
        self, lean: Writer, empty: Writer, described: dict[str, Fingerprint]
    ) -> None:
        found = lean.reader.fingerprint("coffee")
        assert found is not None
        with pytest.raises(
            CollectionError, match=r"again: its fingerprint has no local descriptors.*describe the picture"
        ):
            add(empty, {"rocket": described["rocket"], "again": found})
        assert empty.reader.ids == []

    def test_it_is_a_property_of_the_collection_whatever_later_settings_say(
        self, lean: Writer, store: Writer, described: dict[str, Fingerprint], queries: dict[str, Query]
    ) -> None:
        with reopened(lean, KEEPING) as again:
            add(again, {"new": described["coffee"]})
            assert not again.reader.info().keep_local_descriptors
            self.assert_kept_without_local(again, "new", described["coffee"])
            assert set(ids_of(candidates_of(again, queries["coffee"]))[:2]) == {"coffee", "new"}
        with reopened(store, DEFAULT_CONFIG) as again:
            add(again, {"new": described["coffee"]})
            assert again.reader.info().keep_local_descriptors
            found = again.reader.fingerprint("new")
            assert found is not None
            assert_same_fingerprint(found, described["coffee"])
        for one in (lean, store):
            assert check_store(one.reader.folder) == []


class TestAnnoy:
    def test_agrees_with_exact_search_on_few(
        self, tmp_path: Path, models: Models, described: dict[str, Fingerprint], queries: dict[str, Query]
    ) -> None:
        with Writer.create(tmp_path / "few", models, BY_ANNOY) as few:
            for part in parts_of(described, -(-len(described) // 3)):
                add(few, part)
            few.remove(["moon"] if "moon" in few.reader.ids else ["camera"])
        with reopened(few, BY_ANNOY) as again:
            assert all(segment.trees is not None for segment in again.reader._snapshot.segments)
            for query in queries.values():
                approximate = ids_of(candidates_of(again, query))
                assert approximate == ids_of(candidates_of(again, query, exact=True))
                assert len(approximate) == 10

    def test_finds_most_of_many(self, tmp_path: Path, models: Models, queries: dict[str, Query]) -> None:
        pictures = invented(1_500, models)
        vectors = np.stack([f.descriptor for f in pictures.values()]).astype(np.float64)
        rng = np.random.default_rng(5)
        found = wanted = 0
        with Writer.create(tmp_path / "many", models, BY_ANNOY) as many:
            add(many, pictures)
            assert many.reader._snapshot.segments[0].trees is not None
            for row in rng.integers(0, len(vectors), 15):
                vector = vectors[row] + rng.normal(0, 0.02, vectors.shape[1])
                vector = (vector / np.linalg.norm(vector)).astype(np.float32)
                query = dataclasses.replace(queries["coffee"], descriptor=vector)
                nearest = np.argsort(np.linalg.norm(vectors - vector, axis=1))[:10]
                expected = [f"invented-{i}" for i in nearest]
                assert ids_of(candidates_of(many, query, exact=True)) == expected
                approximate = ids_of(candidates_of(many, query))
                assert approximate[0] == f"invented-{row}"
                found += len(set(approximate) & set(expected))
                wanted += 10
        assert found >= 2 / 3 * wanted

    @pytest.mark.parametrize("way", ["annoy", "codes", "exact"])
    def test_removed_pictures_do_not_use_up_places(
        self, way: Way, tmp_path: Path, models: Models, described: dict[str, Fingerprint], queries: dict[str, Query]
    ) -> None:
        kind: DescriptorIndex = "auto" if way == "codes" else way
        caps = dataclasses.replace(ONLY_DESCRIPTOR, descriptor_index=kind, codes_from=1, from_descriptor=6)
        config = dataclasses.replace(DEFAULT_CONFIG, candidates=caps)
        with Writer.create(tmp_path / "c", models, config) as again:
            add(again, described)  # one segment
            assert count_ways(again.reader._snapshot, 1, config, exact=False) == {way: 1}
            before = ids_of(candidates_of(again, queries["coffee"]))
            again.remove(before[:5])
            after = ids_of(candidates_of(again, queries["coffee"]))
        assert after[0] == before[5]
        assert len(set(after)) == 6


class TestExactOrAnnoy:
    @pytest.fixture
    def several(self, tmp_path: Path, models: Models) -> Iterator[Writer]:
        """Three segments; in the last are descriptors of the first once more, and twelve times the same one."""
        first, second = invented(300, models, seed=1), invented(40, models, seed=2)
        with Writer.create(tmp_path / "several", models, BY_ANNOY) as store:
            add(store, first)
            add(store, {f"other-{name}": f for name, f in second.items()})
            again = list(first.values())
            add(store, {f"again-{i}": again[max(i - 11, 0)] for i in range(30)})
            store.remove(["invented-3", "again-2", "again-20"])
            yield store

    @staticmethod
    def vectors(store: Writer) -> np.ndarray:
        some = store.reader.vectors()[1][:300:15]
        noise = np.random.default_rng(3).normal(0, 0.02, some.shape)
        vectors = np.concatenate([some, some + noise])
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)

    @staticmethod
    def ask(store: Writer, vectors: np.ndarray, config: Config, *, exact: bool) -> list[list[int]]:
        found = nearest_by_descriptor(vectors, store.reader._snapshot, config, exact=exact)
        return [[position for position, _ in nearest] for nearest in found]

    def test_a_query_gets_the_same_alone_and_in_a_batch(self, several: Writer) -> None:
        config, vectors = dataclasses.replace(DEFAULT_CONFIG, candidates=ONLY_DESCRIPTOR), self.vectors(several)
        together = self.ask(several, vectors, config, exact=True)
        alone = [self.ask(several, vector[np.newaxis], config, exact=True)[0] for vector in vectors]
        assert together == alone
        for found, vector in zip(together, vectors, strict=True):
            snapshot = several.reader._snapshot
            stored = np.concatenate([segment.descriptors[:] for segment in snapshot.segments])
            apart = np.square(stored.astype(np.float64) - vector).sum(axis=1)
            live = [position for position in range(len(stored)) if snapshot.live[position]]
            rank = {position: (round(apart[position], 12), snapshot[position]) for position in live}
            assert found == sorted(live, key=rank.__getitem__)[:10]

    def test_what_annoy_finds_is_ordered_like_what_is_compared(self, several: Writer) -> None:
        """With such a search_k Annoy looks at all of them."""
        caps = dataclasses.replace(ONLY_DESCRIPTOR, descriptor_index="annoy")
        config = dataclasses.replace(DEFAULT_CONFIG, candidates=caps, annoy=AnnoyConfig(search_share=1e3))
        for vector in self.vectors(several):
            found = self.ask(several, vector[np.newaxis], config, exact=False)
            assert found == self.ask(several, vector[np.newaxis], config, exact=True)

    def test_a_batch_given_beforehand_is_used(self, several: Writer, queries: dict[str, Query], models: Models) -> None:
        config = dataclasses.replace(DEFAULT_CONFIG, candidates=ONLY_DESCRIPTOR)
        parts = several.reader._seen.pictures, several.reader._snapshot
        found, _ = name_candidates(
            queries["coffee"], *parts, models.vocabulary, config, exact=False, by_descriptor=[(5, 0.1), (7, 0.2)]
        )
        assert [item.name for item in found.union()] == [5, 7]

    def test_what_codes_find_is_ordered_like_what_is_compared(self, several: Writer) -> None:
        """All are kept after their codes were compared."""
        caps = dataclasses.replace(ONLY_DESCRIPTOR, codes_from=1, codes_kept=1e3)
        config = dataclasses.replace(DEFAULT_CONFIG, candidates=caps)
        assert count_ways(several.reader._snapshot, 1, config, exact=False) == {"codes": 3}
        for vector in self.vectors(several):
            found = self.ask(several, vector[np.newaxis], config, exact=False)
            assert found == self.ask(several, vector[np.newaxis], config, exact=True)

    def test_few_are_kept_of_many(self, several: Writer) -> None:
        """A copy is nearly always among the nearest codes."""
        caps = dataclasses.replace(ONLY_DESCRIPTOR, codes_from=300, codes_kept=1)
        config = dataclasses.replace(DEFAULT_CONFIG, candidates=caps)
        assert [caps.kept_by_codes(n) for n in (299, 300, 1_000_000)] == [0, 17, 1_000]
        snapshot = several.reader._snapshot
        assert count_ways(snapshot, 1, config, exact=False) == {"codes": 1, "exact": 2}
        for vector in self.vectors(several):
            (found,) = self.ask(several, vector[np.newaxis], config, exact=False)
            (exact,) = self.ask(several, vector[np.newaxis], config, exact=True)
            assert found[0] == exact[0]

    def test_setting_size_and_batch_decide_and_the_log_says_so(
        self, several: Writer, queries: dict[str, Query], caplog: pytest.LogCaptureFixture
    ) -> None:
        caps = dataclasses.replace(ONLY_DESCRIPTOR, codes_from=300)
        auto, annoy, never = (
            dataclasses.replace(DEFAULT_CONFIG, candidates=dataclasses.replace(caps, descriptor_index=kind))
            for kind in DESCRIPTOR_INDICES
        )
        snapshot, n = several.reader._snapshot, len(self.vectors(several))
        one, many = "the others compared one query at a time", "the others compared all at once, as the queries come in"
        assert [
            how_compared(snapshot, 2, auto, exact=False),
            how_compared(snapshot, 2, annoy, exact=False),
            how_compared(snapshot, 2, never, exact=False),
            how_compared(snapshot, 2, annoy, exact=True),
            how_compared(snapshot, n, annoy, exact=False),
        ] == [
            f"of 3 segments, 0 searched by Annoy and 1 by codes, {one}",
            f"of 3 segments, 3 searched by Annoy and 0 by codes, {one}",
            *[f"of 3 segments, 0 searched by Annoy and 0 by codes, {one}"] * 2,
            f"of 3 segments, 0 searched by Annoy and 0 by codes, {many} a batch",
        ]
        with caplog.at_level(logging.INFO, "fingerprint"):
            for _ in range(2):
                candidates_of(several, queries["coffee"])
        assert len(caplog.messages) == 1

    def test_nobody_asks(self, several: Writer) -> None:
        assert self.ask(several, self.vectors(several)[:0], DEFAULT_CONFIG, exact=False) == []

    def test_more_is_inspected_where_there_is_more(self) -> None:
        looked_at = [inspected(n, 10, DEFAULT_CONFIG.annoy) for n in (1, 1_000, 10_000, 1_000_000)]
        assert looked_at[0] >= 10
        assert looked_at == sorted(looked_at)
        n_trees = DEFAULT_CONFIG.annoy.n_trees
        assert inspected(1_000, 10**6, DEFAULT_CONFIG.annoy) == n_trees * 10**6


class TestDiedWriter:
    def test_an_unfinished_segment_is_not_seen_and_not_in_the_way(
        self, store: Writer, described: dict[str, Fingerprint]
    ) -> None:
        before = store.reader.ids
        for left_over in ("000004", "000004.unfinished"):
            folder = store.reader.folder / "segments" / left_over
            folder.mkdir()
            (folder / "descriptors.npy").write_bytes(b"half of it")
        with reopened(store) as again:
            assert again.reader.ids == before
            assert check_store(store.reader.folder) == []
            add(again, {"new": described["coffee"]})
            assert again.reader.ids == [*before, "new"]
        assert check_store(store.reader.folder) == []
        assert not list((store.reader.folder / "segments").glob("*.unfinished"))

    @pytest.mark.parametrize("moment", ["before the segment", "after the segment"])
    def test_a_failure_while_adding_changes_nothing(
        self, moment: str, store: Writer, described: dict[str, Fingerprint], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = store.reader.ids
        write = write_pictures

        def fail(folder: Path, *rest: object, **settings: object) -> None:
            if moment == "after the segment":
                write(folder, *rest, **settings)  # type: ignore[arg-type]
            else:
                folder.with_name(folder.name + ".unfinished").mkdir()
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(writer_module, "write_pictures", fail)
        with pytest.raises(OSError, match="No space"):
            add(store, {"new": described["coffee"]}, replaced=["coffee"])
        monkeypatch.undo()
        assert store.reader.ids == before
        assert store.reader.fingerprint("coffee") is not None
        with reopened(store) as again:
            assert again.reader.ids == before
            add(again, {"new": described["coffee"]})
            assert again.reader.ids == [*before, "new"]
        assert check_store(store.reader.folder) == []


@contextmanager
def other_process(script: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a script in another process, up to its first line; it goes on when its stdin is closed."""
    with subprocess.Popen(
        [sys.executable, "-c", script, *arguments], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.stdin.close()
        assert process.wait(timeout=60) == 0


WRITE = """
import sys
from pathlib import Path
from fingerprint.config import DEFAULT_CONFIG
from fingerprint.index import Writer
from fingerprint.models import load_models
with Writer.open(Path(sys.argv[1]), load_models(), DEFAULT_CONFIG) as store, store.writing():
    print("ready", flush=True)
    sys.stdin.read()
"""
HOLD = """
import sys
from pathlib import Path
from fingerprint.index.catalogue import Catalogue
catalogue = Catalogue(Path(sys.argv[1]) / "catalogue.sqlite")
with catalogue.change():
    print("ready", flush=True)
    sys.stdin.read()
catalogue.close()
"""
COPY = """
import sys
from pathlib import Path
from fingerprint.config import DEFAULT_CONFIG
from fingerprint.index import ImageRecord, Writer
from fingerprint.models import load_models
with Writer.open(Path(sys.argv[1]), load_models(), DEFAULT_CONFIG) as store:
    picture = store.reader.fingerprint("coffee")
    store.add([picture], [ImageRecord("new", None, None, None, 600, 400)], ["coffee"])
    store.remove(["rocket"])
print("ready", flush=True)
"""


class TestTwoProcesses:
    @pytest.mark.parametrize(
        ("script", "message"),
        [
            (WRITE, r"collection: another process is writing to it \(process {pid} on .* since .*wait"),
            (HOLD, "another process is using it.*wait"),
        ],
        ids=["of the collection", "of the catalogue"],
    )
    def test_a_second_writer_is_told_that_it_is_busy(
        self,
        script: str,
        message: str,
        store: Writer,
        described: dict[str, Fingerprint],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(database_module, "_BUSY_SECONDS", 0.1)
        before = store.reader.ids
        with reopened(store) as second, other_process(script, str(store.reader.folder)) as other:
            for act in (
                lambda: add(second, {"new": described["coffee"]}),
                lambda: second.remove(["coffee"]),
                lambda: second.note_skipped([Skipped("a", "b")]),
            ):
                with pytest.raises(CollectionBusyError, match=message.replace("{pid}", str(other.pid))):
                    act()
            assert second.reader.ids == before  # and reading goes on
            assert second.reader.record("coffee") is not None
        with reopened(store) as later:
            add(later, {"new": described["coffee"]})
            assert later.reader.ids == [*before, "new"]
        assert check_store(store.reader.folder) == []

    def test_a_reader_keeps_its_view_while_another_process_writes(
        self, store: Writer, queries: dict[str, Query]
    ) -> None:
        before, found = store.reader.ids, {n: ids_of(candidates_of(store, q)) for n, q in queries.items()}
        with other_process(COPY, str(store.reader.folder)):
            pass
        assert store.reader.ids == before
        assert {n: ids_of(candidates_of(store, q)) for n, q in queries.items()} == found
        assert store.reader.fingerprint("rocket") is not None
        with reopened(store) as later:
            assert later.reader.ids == [i for i in before if i not in ("coffee", "rocket")] + ["new"]

    def test_a_readers_view_is_one_view(self, store: Writer, described: dict[str, Fingerprint]) -> None:
        """Ids, records and fingerprints are of the same moment."""
        with reopened(store) as writer:
            add(writer, {"new": described["coffee"]})
            writer.remove(["rocket"])
        for image_id in ("new", "rocket"):
            known = image_id in store.reader.ids
            assert (store.reader.fingerprint(image_id) is not None) == known
            assert (store.reader.record(image_id) is not None) == known

    def test_opening_while_another_process_publishes(
        self, store: Writer, described: dict[str, Fingerprint], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A segment that appears between two questions to the catalogue is not damage."""
        read_segments = Catalogue.segments
        with reopened(store) as writer:
            waiting = [{"new": described["coffee"]}]

            def segments(self: Catalogue) -> list[SegmentRecord]:
                found = read_segments(self)
                if waiting:
                    add(writer, waiting.pop())
                return found

            monkeypatch.setattr(Catalogue, "segments", segments)
            with reopened(store) as reader:
                assert len(reader.reader) in (len(described), len(described) + 1)

    def test_a_writer_that_opened_earlier_adds_to_what_is_there_now(
        self, store: Writer, described: dict[str, Fingerprint]
    ) -> None:
        with reopened(store) as second:
            add(second, {"by the second": described["coffee"]})
            add(store, {"by the first": described["rocket"]})
        assert store.reader.ids[-2:] == ["by the second", "by the first"]
        assert check_store(store.reader.folder) == []
