"""Collections with missing, cut, changed or foreign files: a clear error that names the file, and `check_store`."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

from fingerprint.collection.collection import create_collection, open_collection
from fingerprint.collection.repair import repair_collection
from fingerprint.config import DEFAULT_CONFIG, CandidateConfig, StorageConfig
from fingerprint.errors import CollectionCorruptError, CollectionError, ModelMismatchError
from fingerprint.features.describe import describe_query
from fingerprint.files.datafiles import open_regular
from fingerprint.index import ImageRecord, Writer, annoy_trees, check_store, upgrade_store
from fingerprint.index.catalogue import Catalogue
from fingerprint.index.own_files import CATALOGUE_NAME
from fingerprint.models import Models
from fingerprint.types import U8, Candidate, Fingerprint, Query
from fingerprint.vectorfiles import VectorSet

ARRAYS = (
    *("ids.npy", "id_offsets.npy", "id_order.npy"),
    *(
        "codes.npy",
        "descriptors.npy",
        "frames.npy",
        "hashes.npy",
        "local.npy",
        "offsets.npy",
        "signatures.npy",
        "sizes.npy",
    ),
    *("thumbnails.npy", "thumbnail_offsets.npy", "posting_words.npy", "posting_starts.npy", "posting_signatures.npy"),
    *("posting_references.npy", "posting_geometry.npy"),
)
FILES = (*ARRAYS, "descriptors.ann", "manifest.json")
SEGMENT = Path("segments") / "000001"
#: There is every file that there can be.
CONFIG = dataclasses.replace(
    DEFAULT_CONFIG,
    candidates=CandidateConfig(descriptor_index="annoy"),
    storage=StorageConfig(keep_local_descriptors=True),
)


def build(folder: Path, pictures: dict[str, Fingerprint], models: Models) -> None:
    with Writer.create(folder, models, CONFIG) as store:
        records = [ImageRecord(i, f"/pictures/{i}", 1, "0" * 64, f.width, f.height) for i, f in pictures.items()]
        store.add(list(pictures.values()), records)


def candidates_of(store: Writer, query: Query, *, exact: bool = False) -> list[Candidate]:
    return store.reader.select_candidates(query, exact=exact)[0]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, described: dict[str, Fingerprint], models: Models) -> Path:
    """A collection to copy: 80 pictures with long ids, so that its catalogue has pages enough to damage."""
    folder = tmp_path_factory.mktemp("sound") / "collection"
    some = [described[name] for name in ("astronaut", "chelsea", "coffee", "rocket")]
    build(folder, {f"{i:03d}-{'x' * 200}": some[i % 4] for i in range(80)}, models)
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "collection"))


@pytest.fixture(scope="module")
def query(photos: dict[str, U8], models: Models) -> Query:
    return describe_query(photos["chelsea"][::2, ::2], models)


def opened(folder: Path, models: Models) -> int:
    with Writer.open(folder, models, DEFAULT_CONFIG) as store:
        return len(store.reader)


def change_manifest(path: Path, **entries: object) -> None:
    """Change entries of a manifest; one that is ... goes."""
    changed = json.loads(path.read_text("utf-8")) | entries
    path.write_text(json.dumps({key: value for key, value in changed.items() if value is not ...}), encoding="utf-8")


def note_manifests(folder: Path) -> None:
    """Let the catalogue take the manifests for what was written, as if a program with a fault had written them."""
    of_segment = (folder / SEGMENT / "manifest.json").read_text("utf-8")
    text = (folder / "collection.json").read_text("utf-8")
    with sqlite3.connect(folder / "catalogue.sqlite") as catalogue:
        catalogue.execute("UPDATE segments SET manifest = ?", (of_segment,))
        catalogue.execute("UPDATE facts SET value = ?", (text,))
    catalogue.close()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def test_a_copy_elsewhere_is_as_sound(folder: Path, models: Models) -> None:
    assert opened(folder, models) == 80
    assert check_store(folder) == []


class TestSegmentFiles:
    @pytest.mark.parametrize("damage", [Path.unlink, cut, empty], ids=["missing", "cut", "empty"])
    def test_what_is_missing_or_short_is_named(
        self, damage: Callable[[Path], None], folder: Path, models: Models
    ) -> None:
        said: dict[str, list[str]] = {}
        for name in FILES:
            path = folder / SEGMENT / name
            data = path.read_bytes()
            damage(path)
            with pytest.raises(CollectionCorruptError) as caught:
                opened(folder, models)
            said[name] = [str(caught.value), *check_store(folder)]
            path.write_bytes(data)
        assert {name: texts for name, texts in said.items() if [name in text for text in texts] != [True, True]} == {}

    def test_one_changed_byte_is_found_by_the_check(self, folder: Path) -> None:
        said: dict[Path, list[str]] = {}
        for name in (*ARRAYS, "descriptors.ann"):
            path = folder / SEGMENT / name
            data = path.read_bytes()
            path.write_bytes(data[:-3] + bytes([data[-3] ^ 1]) + data[-2:])
            said[path] = check_store(folder)
            path.write_bytes(data)
        assert {path: texts for path, texts in said.items() if [str(path) in text for text in texts] != [True]} == {}

    def test_every_damaged_file_is_told(self, folder: Path) -> None:
        for name in ("hashes.npy", "local.npy", "descriptors.ann"):
            cut(folder / SEGMENT / name)
        assert len(check_store(folder)) == 3

    def test_a_missing_segment_is_named(self, folder: Path, models: Models) -> None:
        shutil.rmtree(folder / SEGMENT)
        with pytest.raises(CollectionCorruptError, match="000001"):
            opened(folder, models)
        assert any("000001" in problem for problem in check_store(folder))

    @pytest.mark.parametrize(
        ("name", "array"),
        [
            ("ids.npy", np.zeros(5, np.uint8)),
            ("id_offsets.npy", np.zeros(81, np.int64)),
            ("id_order.npy", np.full(80, 80, np.uint32)),
            ("descriptors.npy", np.zeros((80, 256), np.float32)),
            ("frames.npy", np.zeros((80, 5), np.float32)),
            ("hashes.npy", np.zeros((80, 3), np.int32)),
            ("sizes.npy", np.zeros((79, 2), np.int32)),
            ("offsets.npy", np.zeros(81, np.int64)),
            ("local.npy", np.zeros((5, 128), np.uint8)),
            ("thumbnails.npy", np.zeros((80, 64, 64), np.uint8)),
            ("thumbnails.npy", np.zeros(7, np.uint8)),
            ("thumbnail_offsets.npy", np.zeros(81, np.int64)),
            ("thumbnail_offsets.npy", np.zeros(80, np.int64)),
            ("posting_words.npy", np.zeros(0, np.uint32)),
            ("posting_starts.npy", np.zeros(1, np.uint32)),
            ("posting_signatures.npy", np.zeros(7, np.uint64)),
            ("posting_references.npy", np.zeros(3, np.int64)),
            ("posting_geometry.npy", np.zeros((2, 2), np.uint32)),
        ],
    )
    def test_an_array_of_another_shape_or_type_is_named(
        self, name: str, array: np.ndarray, folder: Path, models: Models
    ) -> None:
        np.save(folder / SEGMENT / name, array)
        with pytest.raises(CollectionCorruptError, match=name):
            opened(folder, models)

    @pytest.mark.parametrize("name", ["offsets", "thumbnail_offsets"])
    def test_offsets_that_run_backwards_are_refused(self, name: str, folder: Path, models: Models) -> None:
        path = folder / SEGMENT / f"{name}.npy"
        offsets = np.load(path)
        offsets[3], offsets[4] = offsets[4], offsets[3]
        np.save(path, offsets)
        with pytest.raises(CollectionCorruptError, match=rf"/{name}\.npy"):
            opened(folder, models)

    @pytest.mark.parametrize("fault", ["backwards", "too long", "late"])
    def test_lists_of_postings_that_lead_astray_are_refused(self, fault: str, folder: Path, models: Models) -> None:
        path = folder / SEGMENT / "posting_starts.npy"
        starts = np.load(path)
        at, value = {"backwards": (3, starts[-1]), "too long": (-1, 2**32 - 1), "late": (0, 1)}[fault]
        starts[at] = value
        np.save(path, starts)
        with pytest.raises(CollectionCorruptError, match=r"posting_starts\.npy"):
            opened(folder, models)

    @pytest.mark.parametrize("name", ["posting_words", "posting_references", "posting_geometry", "posting_signatures"])
    def test_damaged_postings_do_not_crash_a_search(
        self, name: str, folder: Path, models: Models, query: Query
    ) -> None:
        """Only `check_store` reads every byte; a search has to live with any of them."""
        for seed in range(2):
            path = folder / SEGMENT / f"{name}.npy"
            array = np.load(path)
            np.save(path, np.random.default_rng(seed).integers(0, 2**32, array.shape).astype(array.dtype))
            with Writer.open(folder, models, DEFAULT_CONFIG) as store:
                found = candidates_of(store, query)
                assert {candidate.reference_id for candidate in found} <= set(store.reader.ids), seed
            assert any(name in problem for problem in check_store(folder)), seed

    @pytest.mark.parametrize(("name", "kind"), [("ids", np.uint8), ("id_order", np.uint32)])
    def test_damaged_ids_do_not_crash_a_search(
        self, name: str, kind: type, folder: Path, models: Models, query: Query
    ) -> None:
        path = folder / SEGMENT / f"{name}.npy"
        array = np.load(path)
        np.save(path, np.random.default_rng(0).integers(0, 80 if kind is np.uint32 else 256, array.shape).astype(kind))
        with Writer.open(folder, models, DEFAULT_CONFIG) as store:
            assert len(store.reader.ids) == len(store.reader) == 80
            assert {candidate.reference_id for candidate in candidates_of(store, query)} <= set(store.reader.ids)
            assert "no such id" not in store.reader
        assert any(f"{name}.npy" in problem for problem in check_store(folder))

    @pytest.mark.parametrize(
        "data",
        [
            b"PK\x03\x04" + bytes(100),
            b"\x93NUMPY\x01\x00\x0b\x00{'descr': (",
            b"\x93NUMPY\x01\x00\x08\x00" + b"(" * 8,
            b"\x93NUMPY\x01\x00\x70\x17" + b"-" * 5999 + b"1",
            b"\x93NUMPY\x07\x00\x01\x00{",
            b"\x93NUMPY\x01\x00\x02\x00\x00{",
        ],
    )
    def test_arrays_whose_beginning_is_something_else(self, data: bytes, folder: Path, models: Models) -> None:
        for name in ("hashes.npy", "descriptors.npy"):  # one that is read, and one that is mapped
            path = folder / SEGMENT / name
            whole = path.read_bytes()
            path.write_bytes(data + whole[len(data) :])
            with pytest.raises(CollectionCorruptError, match=rf"{name}.*--repair"):
                opened(folder, models)
            assert any(name in problem for problem in check_store(folder))
            path.write_bytes(whole)

    def test_pickled_arrays_are_not_read(self, folder: Path, models: Models) -> None:
        np.save(folder / SEGMENT / "hashes.npy", np.array([[1, 2, 3]] * 80, dtype=object), allow_pickle=True)
        with pytest.raises(CollectionCorruptError, match=r"hashes\.npy"):
            opened(folder, models)


class TestDamagedReferences:
    """One damaged picture costs only itself; the others are found, and it is reported."""

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("sizes", 0),
            ("sizes", -7),
            ("thumbnails", 0),
        ],
    )
    def test_are_left_out_and_reported(
        self, name: str, value: float, folder: Path, models: Models, query: Query, caplog: pytest.LogCaptureFixture
    ) -> None:
        path = folder / SEGMENT / f"{name}.npy"
        array = np.load(path)
        row = 1  # a picture of the cat, as is every fourth
        starts = {"thumbnails": np.load(folder / SEGMENT / "thumbnail_offsets.npy")}.get(name, np.arange(81))
        array[starts[row] : starts[row + 1]] = value
        np.save(path, array)
        damaged = f"{row:03d}-{'x' * 200}"
        for profile in (CONFIG, DEFAULT_CONFIG):  # by Annoy, and exactly
            caplog.clear()
            with open_collection(folder, models=models, config=profile) as collection:
                searching = collection._searching(80, 0.0, exact=False)
                answer = searching.answer_described(query)
                searching.answer_described(query)
            assert damaged not in [match.reference_id for match in answer.matches]
            assert any(match.probability > 0.9 for match in answer.matches)
            assert all(item.path == damaged for item in answer.damaged)
            said = [record.message for record in caplog.records if damaged in record.message]
            assert len(said) == len(answer.damaged)
            assert all("--repair" in text and str(folder) in text for text in said)

    @pytest.mark.parametrize("name", ["descriptors", "frames"])
    def test_other_numbers_are_compared_all_the_same(
        self, name: str, folder: Path, models: Models, query: Query
    ) -> None:
        """Whatever the bytes of packed numbers are, they are numbers."""
        path = folder / SEGMENT / f"{name}.npy"
        array = np.load(path)
        path.write_bytes(path.read_bytes()[: -array.nbytes] + b"\x80" * array.nbytes)
        for profile in (CONFIG, DEFAULT_CONFIG):
            with open_collection(folder, models=models, config=profile) as collection:
                assert collection._searching(80, 0.0, exact=False).answer_described(query).damaged == ()

    @staticmethod
    def with_vectors(folder: Path, models: Models, damaged: slice) -> np.ndarray:
        """Import vectors, of which some become not a number, and return the first."""
        vectors = np.random.default_rng(7).normal(size=(80, 32)).astype(np.float32)
        with open_collection(folder, models=models, config=CONFIG) as collection:
            collection.import_vectors(VectorSet(tuple(f"{i:03d}" for i in range(80)), vectors), "net")
        path = folder / "segments" / "000002" / "descriptors.npy"
        array = np.load(path)
        array[damaged] = np.nan
        np.save(path, array)
        return vectors[:1]

    def test_nearest_vectors_for_one_query_and_for_many(self, folder: Path, models: Models) -> None:
        first = self.with_vectors(folder, models, slice(1, 2))
        for config in (CONFIG, DEFAULT_CONFIG):
            with open_collection(folder, models=models, config=config) as collection:
                for n in (1, 40):
                    for found in collection.nearest(np.tile(first, (n, 1)), "net", n_results=80):
                        ids = [neighbour.reference_id for neighbour in found]
                        assert ids[0] == "000"
                        assert "001" not in ids
                        assert len(ids) >= 70

    def test_all_of_them(self, folder: Path, models: Models) -> None:
        first = self.with_vectors(folder, models, slice(None))
        with open_collection(folder, models=models, config=DEFAULT_CONFIG) as collection:
            assert collection.nearest(first, "net") == [[]]


class TestClosed:
    def test_nothing_is_answered(self, folder: Path, models: Models, query: Query) -> None:
        collection = open_collection(folder, models=models, config=CONFIG)
        collection.close()
        collection.close()
        calls: list[Callable[[], object]] = [
            *(lambda: collection.search_described(query), lambda: collection.ids, lambda: len(collection)),
            *(collection.refresh, collection.info, lambda: collection.nearest(np.ones((1, 256), np.float32))),
            *(lambda: collection.remove(["x"]), lambda: "x" in collection, collection.descriptors),
        ]
        for call in calls:
            with pytest.raises(CollectionError, match=r"closed.*open"):
                call()


class TestSegmentManifest:
    @pytest.mark.parametrize("text", ["", "[]", "{}", "nonsense", "3", "[" * 100_000, '{"a":' * 100_000])
    def test_one_that_is_none_is_named(self, text: str, folder: Path, models: Models) -> None:
        (folder / SEGMENT / "manifest.json").write_text(text)
        with pytest.raises(CollectionCorruptError, match=r"manifest\.json"):
            opened(folder, models)
        assert any("manifest.json" in problem for problem in check_store(folder))

    def test_a_missing_entry_is_noticed(self, folder: Path, models: Models) -> None:
        path = folder / SEGMENT / "manifest.json"
        whole = path.read_text("utf-8")
        entries = (
            *("format_version", "kind", "model_id", "n_images", "n_id_bytes", "dimension", "n_keypoints", "n_words"),
            *("n_local", "n_thumbnail_bytes", "annoy", "sha256"),
        )
        assert set(entries) <= json.loads(whole).keys()
        said = {}
        for entry in entries:
            change_manifest(path, **{entry: ...})
            for moment in ("as it is", "though the catalogue agrees"):
                with pytest.raises(CollectionCorruptError) as caught:
                    opened(folder, models)
                said[entry, moment] = str(caught.value)
                note_manifests(folder)
            path.write_text(whole, "utf-8")
            note_manifests(folder)
        assert {key: text for key, text in said.items() if "manifest.json" not in text} == {}

    @pytest.mark.parametrize(
        ("entry", "value"),
        [
            ("annoy", 3),
            ("kind", "drawings"),
            ("kind", None),
            ("n_images", "80"),
            ("n_keypoints", None),
            ("n_words", 7.0),
            ("n_thumbnail_bytes", "9"),
            ("dimension", True),
        ],
    )
    def test_an_entry_of_another_kind_is_damage_too(
        self, entry: str, value: object, folder: Path, models: Models
    ) -> None:
        change_manifest(folder / SEGMENT / "manifest.json", **{entry: value})
        for _ in ("as it is", "though the catalogue agrees"):
            with pytest.raises(CollectionCorruptError, match=rf"000001.*{entry}"):
                opened(folder, models)
            note_manifests(folder)

    @pytest.mark.parametrize(
        ("entry", "value"),
        [
            ("format_version", 5.0),
            ("annoy", {}),
            ("annoy", {"metric": "euclidean", "n_trees": "9", "seed": 1, "n_jobs": 1}),
            ("sha256", {}),
            ("sha256", {"../../../etc/passwd": "0" * 64}),
        ],
    )
    def test_an_entry_that_is_wrong_inside(self, entry: str, value: object, folder: Path, models: Models) -> None:
        change_manifest(folder / SEGMENT / "manifest.json", **{entry: value})
        for _ in ("as it is", "though the catalogue agrees"):
            with pytest.raises(CollectionCorruptError, match=r"000001/manifest\.json"):
                opened(folder, models)
            assert any("manifest.json" in problem for problem in check_store(folder))
            note_manifests(folder)
        assert repair_collection(folder, models=models, config=CONFIG, n_workers=1).problems == ()

    @pytest.mark.parametrize("value", [None, [], "x"])
    def test_digests_of_another_kind_are_a_problem_not_a_crash(self, value: object, folder: Path) -> None:
        change_manifest(folder / SEGMENT / "manifest.json", sha256=value)
        for _ in ("as it is", "though the catalogue agrees"):
            assert any("manifest.json" in problem for problem in check_store(folder))
            note_manifests(folder)

    @pytest.mark.parametrize(
        "entry",
        ["n_images", "n_id_bytes", "n_keypoints", "n_words", "n_local", "n_thumbnail_bytes", "dimension"],
    )
    def test_counts_that_are_wrong_are_found(self, entry: str, folder: Path, models: Models) -> None:
        path = folder / SEGMENT / "manifest.json"
        change_manifest(path, **{entry: json.loads(path.read_text())[entry] + 1})
        for _ in ("as it is", "though the catalogue agrees"):
            with pytest.raises(CollectionCorruptError):
                opened(folder, models)
            assert check_store(folder) != []
            note_manifests(folder)

    @pytest.mark.parametrize("change", [lambda text: text + " ", lambda text: text.replace('"seed": ', '"seed": 1')])
    def test_any_other_byte_is_noticed_when_it_is_opened(
        self, change: Callable[[str], str], folder: Path, models: Models
    ) -> None:
        path = folder / SEGMENT / "manifest.json"
        text = path.read_text()
        path.write_text(change(text))
        assert path.read_text() != text
        with pytest.raises(CollectionCorruptError, match=r"000001/manifest\.json: its bytes have changed.*; "):
            opened(folder, models)
        assert [str(path) in problem for problem in check_store(folder)] == [True]

    @pytest.mark.parametrize("place", [SEGMENT / "manifest.json", Path("collection.json")])
    @pytest.mark.parametrize("version", [1, 2])
    def test_the_formats_before_this_one_are_refused(
        self, version: int, place: Path, folder: Path, models: Models
    ) -> None:
        change_manifest(folder / place, format_version=version)
        for _ in ("as it is", "though the catalogue agrees"):
            with pytest.raises(CollectionCorruptError, match=rf"version {version},.* reads 3 to 6"):
                opened(folder, models)
            note_manifests(folder)

    def test_another_format_version_is_refused_with_both(self, folder: Path, models: Models) -> None:
        change_manifest(folder / SEGMENT / "manifest.json", format_version=77)
        with pytest.raises(CollectionCorruptError, match=r"version 77.* 3 to 6; install the version that made it"):
            opened(folder, models)

    def test_a_segment_of_another_model_is_refused_with_both(self, folder: Path, models: Models) -> None:
        change_manifest(folder / SEGMENT / "manifest.json", model_id="vlad-other")
        for _ in ("as it is", "though the catalogue agrees"):
            with pytest.raises(ModelMismatchError) as caught:
                opened(folder, models)
            assert models.model_id in str(caught.value)
            assert "vlad-other" in str(caught.value)
            note_manifests(folder)


class TestAnnoysFile:
    def test_the_manifest_tells_what_the_file_does_not(self, folder: Path) -> None:
        told = json.loads((folder / SEGMENT / "manifest.json").read_text())["annoy"]
        assert told == {
            "metric": "euclidean",
            "n_trees": DEFAULT_CONFIG.annoy.n_trees,
            "seed": DEFAULT_CONFIG.annoy.seed,
            "n_jobs": DEFAULT_CONFIG.annoy.n_jobs,
        }

    @pytest.mark.parametrize("metric", ["angular", None])
    def test_another_metric_is_refused_with_both(self, metric: str | None, folder: Path, models: Models) -> None:
        path = folder / SEGMENT / "manifest.json"
        change_manifest(path, annoy=json.loads(path.read_text())["annoy"] | {"metric": metric})
        note_manifests(folder)
        with pytest.raises(CollectionCorruptError, match=rf"{metric}.*euclidean"):
            opened(folder, models)

    def test_trees_over_another_number_of_items_are_refused_with_both(
        self, folder: Path, tmp_path: Path, described: dict[str, Fingerprint], models: Models
    ) -> None:
        build(tmp_path / "other", dict(list(described.items())[:3]), models)
        shutil.copy(tmp_path / "other" / SEGMENT / "descriptors.ann", folder / SEGMENT / "descriptors.ann")
        with pytest.raises(CollectionCorruptError, match=r"descriptors\.ann: 3 items.* 80"):
            opened(folder, models)

    @pytest.mark.parametrize("n_bytes", [0, 1, 1000])
    def test_a_cut_file_is_refused_without_a_line_of_annoys_own(
        self, n_bytes: int, folder: Path, models: Models, capfd: pytest.CaptureFixture[str]
    ) -> None:
        path = folder / SEGMENT / "descriptors.ann"
        path.write_bytes(path.read_bytes()[:n_bytes])
        with pytest.raises(CollectionCorruptError, match=r"descriptors\.ann"):
            opened(folder, models)
        assert not capfd.readouterr().err

    @pytest.mark.parametrize(
        ("which", "column", "value"),
        [
            ("bucket", 2, 2_000_000_000),  # an item beyond the file
            ("bucket", 3, -1),
            ("bucket", 0, -5),  # less than none
            ("divided", 2, 2_000_000_000),
            ("divided", 3, -1),
            ("divided", 2, "itself"),  # a walk that never ends
            ("item", 0, 3),  # an item that lists others
        ],
    )
    def test_trees_that_lead_out_of_the_file_or_round_in_it_are_refused(
        self, which: str, column: int, value: int | str, tmp_path: Path
    ) -> None:
        """Annoy would crash, or never end."""
        n, dimension, path = 400, 4, tmp_path / "trees.ann"
        vectors = np.random.default_rng(2).normal(size=(n, dimension)).astype(np.float32)
        annoy_trees.build_trees(vectors, path, DEFAULT_CONFIG.annoy)
        facts = {"metric": "euclidean"}
        assert len(annoy_trees.Trees(path, dimension, n, facts).nearest(vectors[0], 5, 1000)[0]) == 5
        nodes = np.fromfile(path, np.int32).reshape(-1, 4 + dimension)
        most = nodes.shape[1] - 2
        inner = np.arange(len(nodes)) >= n
        divided = np.flatnonzero(inner & (nodes[:, 0] > most))
        named = nodes[divided, 2:4]
        row = {
            "bucket": int(np.flatnonzero(inner & (nodes[:, 0] > 1) & (nodes[:, 0] <= most))[0]),
            "divided": int(divided[0]),
            "item": int(named[named < n][0]),
        }[which]
        nodes[row, column] = row if value == "itself" else value
        nodes.tofile(path)
        with pytest.raises(CollectionCorruptError, match="its trees name nodes that are not there"):
            annoy_trees.Trees(path, dimension, n, facts)

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names of open files")
    def test_a_file_that_another_process_deletes_meanwhile_is_loaded(
        self, folder: Path, models: Models, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        def opened_and_deleted(path: Path) -> BinaryIO:
            file = open_regular(path)
            path.unlink()
            return file

        monkeypatch.setattr(annoy_trees, "open_regular", opened_and_deleted)
        assert opened(folder, models) == 80
        assert not capfd.readouterr().err

    def test_same_pictures_same_bytes(
        self, folder: Path, tmp_path: Path, described: dict[str, Fingerprint], models: Models
    ) -> None:
        some = dict(list(described.items())[:5])
        for name in ("one", "two"):
            build(tmp_path / name, some, models)
        files = [(tmp_path / name / SEGMENT / "descriptors.ann").read_bytes() for name in ("one", "two")]
        assert files[0] == files[1]


class TestCatalogue:
    def damaged(self, folder: Path, models: Models) -> None:
        with pytest.raises(CollectionCorruptError, match=r"catalogue\.sqlite"):
            opened(folder, models)
        assert any("catalogue.sqlite" in problem for problem in check_store(folder))

    def test_another_id_than_in_the_segment(self, folder: Path, models: Models) -> None:
        with sqlite3.connect(folder / "catalogue.sqlite") as catalogue:
            catalogue.execute("UPDATE images SET id = 'another' WHERE row = 0")
        catalogue.close()
        with open_collection(folder, models=models) as collection:
            first = collection.ids[0]
            for look in (collection.record, collection.as_query):
                with pytest.raises(CollectionCorruptError, match=r"catalogue\.sqlite: row 0 of segment 1 is 'another'"):
                    look(first)

    def test_missing_and_not_made_anew_by_looking(self, folder: Path, models: Models) -> None:
        for name in ("catalogue.sqlite", "catalogue.sqlite-wal", "catalogue.sqlite-shm"):
            (folder / name).unlink(missing_ok=True)
        self.damaged(folder, models)
        assert not (folder / "catalogue.sqlite").exists()

    def test_a_folder_in_its_place(self, folder: Path, models: Models) -> None:
        (folder / "catalogue.sqlite").unlink()
        (folder / "catalogue.sqlite").mkdir()
        self.damaged(folder, models)

    @pytest.mark.parametrize("data", [b"", b"not a database at all" * 300])
    def test_not_a_database(self, data: bytes, folder: Path, models: Models) -> None:
        (folder / "catalogue.sqlite").write_bytes(data)
        self.damaged(folder, models)

    @pytest.mark.parametrize("keep", [0.3, 0.5, 0.8])
    def test_cut_short(self, keep: float, folder: Path, models: Models) -> None:
        path = folder / "catalogue.sqlite"
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * keep) // 4096 * 4096])
        self.damaged(folder, models)

    def test_pages_overwritten(self, folder: Path, models: Models) -> None:
        path = folder / "catalogue.sqlite"
        data = bytearray(path.read_bytes())
        assert len(data) > 5 * 4096
        data[2 * 4096 :] = np.random.default_rng(0).bytes(len(data) - 2 * 4096)
        path.write_bytes(data)
        self.damaged(folder, models)

    def test_that_knows_other_pictures_than_the_segments(
        self, folder: Path, tmp_path: Path, described: dict[str, Fingerprint], models: Models
    ) -> None:
        build(tmp_path / "other", dict(list(described.items())[:3]), models)
        shutil.rmtree(folder / SEGMENT)
        shutil.copytree(tmp_path / "other" / SEGMENT, folder / SEGMENT)
        with pytest.raises(CollectionCorruptError, match=r"000001/manifest\.json: its bytes have changed.*; "):
            opened(folder, models)
        assert check_store(folder) != []
        note_manifests(folder)
        with pytest.raises(CollectionCorruptError, match=r"80 .*3"):
            opened(folder, models)
        assert check_store(folder) != []

    def test_that_has_lost_count_of_what_was_removed(self, folder: Path, models: Models) -> None:
        self.change(folder, "UPDATE images SET removed = 1 WHERE row = 3")
        with pytest.raises(CollectionCorruptError, match=r"0 pictures of segment 1 are removed but names 1; restore"):
            opened(folder, models)
        assert any("removed" in problem for problem in check_store(folder))

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE images SET id = 'other' WHERE row = 7",
            "UPDATE images SET path = '/elsewhere' WHERE row = 7",
            "UPDATE images SET content = 'ff' WHERE row = 7",
            "UPDATE images SET width = width + 1 WHERE row = 7",
            "DELETE FROM images WHERE row = 7",
        ],
    )
    def test_facts_that_were_changed_behind_its_back(self, statement: str, folder: Path) -> None:
        self.change(folder, statement)
        assert ["catalogue.sqlite: segment 1" in problem for problem in check_store(folder)] == [True]

    @staticmethod
    def change(folder: Path, statement: str) -> None:
        with sqlite3.connect(folder / "catalogue.sqlite") as catalogue:
            assert catalogue.execute(statement).rowcount == 1
        catalogue.close()

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE images SET path = CAST(x'ff00fe' AS TEXT) WHERE row = 7",
            "UPDATE images SET id = CAST(x'ff00fe' AS TEXT) WHERE row = 7",
            "UPDATE segments SET manifest = CAST(x'ff00fe' AS TEXT)",
            "UPDATE facts SET value = CAST(x'ff00fe' AS TEXT)",
            "UPDATE facts SET value = '[]'",
            "UPDATE facts SET value = 'nonsense'",
            "UPDATE sqlite_sequence SET seq = 'x'",
        ],
    )
    def test_texts_and_numbers_that_are_none(
        self, statement: str, folder: Path, models: Models, described: dict[str, Fingerprint]
    ) -> None:
        self.change(folder, statement)
        picture = described["chelsea"]
        new = [ImageRecord("new", None, None, None, picture.width, picture.height)]
        for call in (
            lambda: opened(folder, models),
            lambda: upgrade_store(folder),
            lambda: repair_collection(folder, models=models, config=CONFIG, n_workers=1),
        ):
            with suppress(CollectionError):
                call()
        with suppress(CollectionError), Writer.open(folder, models, CONFIG) as store:
            store.add([picture], new)
            store.compact()
        for problem in check_store(folder):
            assert str(folder) in problem

    def test_tables_of_another_form(self, folder: Path, models: Models) -> None:
        """Without STRICT, SQLite keeps texts where numbers belong."""
        with sqlite3.connect(folder / "catalogue.sqlite") as catalogue:
            catalogue.execute("CREATE TABLE loose AS SELECT * FROM segments")
            catalogue.execute("DROP TABLE segments")
            catalogue.execute("ALTER TABLE loose RENAME TO segments")
            catalogue.execute("UPDATE segments SET n_rows = 'many'")
        catalogue.close()
        with pytest.raises(CollectionCorruptError, match=r"catalogue\.sqlite: not a sound.*'many' is of type str"):
            opened(folder, models)


class TestCollectionManifest:
    @pytest.mark.parametrize("text", ["[]", "3", "null", "[" * 100_000, '{"format_version": []}'])
    def test_upgrading_one_that_is_none(self, text: str, folder: Path) -> None:
        (folder / "collection.json").write_text(text)
        with pytest.raises(CollectionCorruptError, match=str(folder)):
            upgrade_store(folder)

    @pytest.mark.parametrize(
        "text", ["", "[]", "{}", "nonsense", '{"format_version": 1}', '{"format_version": 3.0}', "[" * 100_000]
    )
    def test_one_that_is_none_is_named(self, text: str, folder: Path, models: Models) -> None:
        (folder / "collection.json").write_text(text)
        with pytest.raises(CollectionCorruptError, match=r"collection\.json"):
            opened(folder, models)
        assert any("collection.json" in problem for problem in check_store(folder))

    def test_another_format_version_is_refused_with_both(self, folder: Path, models: Models) -> None:
        change_manifest(folder / "collection.json", format_version=9)
        with pytest.raises(CollectionCorruptError, match=r"version 9.* reads 3"):
            opened(folder, models)

    @pytest.mark.parametrize("entry", ["format_version", "model_id", "features", "keep_local_descriptors"])
    @pytest.mark.parametrize("value", [..., None, [7]])
    def test_an_entry_that_is_missing_or_of_another_kind(
        self, value: object, entry: str, folder: Path, models: Models
    ) -> None:
        change_manifest(folder / "collection.json", **{entry: value})
        for _ in ("as it is", "though the catalogue agrees"):
            with pytest.raises(CollectionCorruptError, match=r"collection\.json"):
                opened(folder, models)
            note_manifests(folder)

    def test_any_other_change_is_noticed_when_it_is_opened(self, folder: Path, models: Models) -> None:
        change_manifest(folder / "collection.json", keep_local_descriptors=False)
        with pytest.raises(CollectionCorruptError, match=r"collection\.json: its bytes have changed.*; "):
            opened(folder, models)
        assert ["collection.json" in problem for problem in check_store(folder)] == [True]

    def test_all_of_it_is_a_collection_error(self, folder: Path, models: Models) -> None:
        (folder / "collection.json").unlink()
        with pytest.raises(CollectionError, match="no collection here"):
            opened(folder, models)


# --- What the catalogue says ------------------------------------------------------------------------------------------


def test_an_empty_catalogue_is_restored_and_not_upgraded(folder: Path) -> None:
    (folder / "catalogue.sqlite").write_bytes(b"")
    for problems in (check_store(folder), check_store(str(folder))):
        (said,) = [problem for problem in problems if "catalogue.sqlite" in problem]
        assert "an empty file" in said
        assert "restore it" in said
        assert "upgrade" not in said


def test_an_error_does_not_show_a_whole_text(folder: Path) -> None:
    with sqlite3.connect(folder / "catalogue.sqlite") as database:
        database.execute("UPDATE segments SET manifest = CAST(x'ff' || manifest AS TEXT)")
    database.close()
    (said,) = [problem for problem in check_store(folder) if "not a sound catalogue" in problem]
    assert "Could not decode to UTF-8" in said
    assert len(said) < len(str(folder)) + 300


@pytest.mark.parametrize(
    "name", ["bad\udcff.jpg", "plain.jpg", "a\nb.jpg", '"a\\nb.jpg"', '"quoted".jpg', "bad\\udcff"]
)
def test_names_of_skipped_files_come_back_as_they_are(name: str, tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path / "catalogue.sqlite", create=True)
    with catalogue.change():
        catalogue.set_skipped(name, "no picture")
    assert catalogue.skipped() == [(name, "no picture")]
    with catalogue.change():
        catalogue.clear_skipped(name)
    assert catalogue.skipped() == []
    catalogue.close()


def test_a_first_change_that_was_cut_off_is_undone(tmp_path: Path) -> None:
    """Whoever made the collection died with a journal left, which only a connection that may write can undo."""
    folder = tmp_path / "new"
    (folder / "segments").mkdir(parents=True)
    with closing(sqlite3.connect(folder / CATALOGUE_NAME)) as database:
        database.execute("PRAGMA journal_mode = WAL")
    header = bytes.fromhex("d9d505f920a163d7 00000000 00000000 00000000 00000200 00001000".replace(" ", ""))
    (folder / f"{CATALOGUE_NAME}-journal").write_bytes(header.ljust(512, b"\x00"))
    create_collection(folder).close()
    assert check_store(folder) == []
