"""Collections with missing, cut, changed or foreign files: a clear error that names the file, and `check_store`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fingerprint.config import DEFAULT_CONFIG
from fingerprint.describe import describe_query
from fingerprint.errors import CollectionCorruptError, CollectionError, ModelMismatchError
from fingerprint.index import ImageRecord, Store, check_store
from fingerprint.models import Models
from fingerprint.types import U8, Fingerprint, Query

ARRAYS = (
    *("descriptors.npy", "frames.npy", "hashes.npy", "local.npy", "offsets.npy", "signatures.npy", "sizes.npy"),
    *("thumbnails.npy", "posting_words.npy", "posting_starts.npy", "posting_signatures.npy"),
    *("posting_references.npy", "posting_geometry.npy"),
)
FILES = (*ARRAYS, "descriptors.ann", "manifest.json")
SEGMENT = Path("segments") / "000001"


def build(folder: Path, pictures: dict[str, Fingerprint], models: Models) -> None:
    with Store.create(folder, models, DEFAULT_CONFIG) as store:
        records = [ImageRecord(i, f"/pictures/{i}", 1, "0" * 64, f.width, f.height) for i, f in pictures.items()]
        store.add(list(pictures.values()), records)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, described: dict[str, Fingerprint], models: Models) -> Path:
    """A collection to copy: 80 pictures with long ids, so that its catalogue has pages enough to damage."""
    folder = tmp_path_factory.mktemp("sound") / "collection"
    some = list(described.values())
    build(folder, {f"{i:03d}-{'x' * 200}": some[i % 4] for i in range(80)}, models)
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "collection"))


@pytest.fixture(scope="module")
def query(photos: dict[str, U8], models: Models) -> Query:
    return describe_query(photos["chelsea"][::2, ::2], models)


def opened(folder: Path, models: Models) -> int:
    with Store.open_existing(folder, models, DEFAULT_CONFIG) as store:
        return len(store)


def change_manifest(path: Path, **entries: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | entries), encoding="utf-8")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def test_a_copy_elsewhere_is_as_sound(folder: Path, models: Models) -> None:
    assert opened(folder, models) == 80
    assert check_store(folder) == []


class TestSegmentFiles:
    @pytest.mark.parametrize("damage", [Path.unlink, cut, empty], ids=["missing", "cut", "empty"])
    @pytest.mark.parametrize("name", FILES)
    def test_what_is_missing_or_short_is_named(
        self, name: str, damage: Callable[[Path], None], folder: Path, models: Models
    ) -> None:
        damage(folder / SEGMENT / name)
        with pytest.raises(CollectionCorruptError, match=name):
            opened(folder, models)
        assert [name in problem for problem in check_store(folder)] == [True]

    @pytest.mark.parametrize("name", [*ARRAYS, "descriptors.ann"])
    def test_one_changed_byte_is_found_by_the_check(self, name: str, folder: Path) -> None:
        path = folder / SEGMENT / name
        data = bytearray(path.read_bytes())
        data[-3] ^= 1
        path.write_bytes(data)
        problems = check_store(folder)
        assert len(problems) == 1
        assert str(path) in problems[0]

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
            ("descriptors.npy", np.zeros((80, 3), np.float32)),
            ("hashes.npy", np.zeros((80, 3), np.int32)),
            ("sizes.npy", np.zeros((79, 2), np.int32)),
            ("offsets.npy", np.zeros(81, np.int64)),
            ("local.npy", np.zeros((5, 128), np.uint8)),
            ("thumbnails.npy", np.zeros((80, 64, 63), np.uint8)),
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

    def test_offsets_that_run_backwards_are_refused(self, folder: Path, models: Models) -> None:
        path = folder / SEGMENT / "offsets.npy"
        offsets = np.load(path)
        offsets[3], offsets[4] = offsets[4], offsets[3]
        np.save(path, offsets)
        with pytest.raises(CollectionCorruptError, match=r"offsets\.npy"):
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
    @pytest.mark.parametrize("seed", range(2))
    def test_damaged_postings_do_not_crash_a_search(
        self, seed: int, name: str, folder: Path, models: Models, query: Query
    ) -> None:
        """Only `check_store` reads every byte; a search has to live with any of them."""
        path = folder / SEGMENT / f"{name}.npy"
        array = np.load(path)
        np.save(path, np.random.default_rng(seed).integers(0, 2**32, array.shape).astype(array.dtype))
        with Store.open_existing(folder, models, DEFAULT_CONFIG) as store:
            found = store.candidates(query)
            assert {candidate.reference_id for candidate in found} <= set(store.ids)
        assert any(name in problem for problem in check_store(folder))

    def test_pickled_arrays_are_not_read(self, folder: Path, models: Models) -> None:
        np.save(folder / SEGMENT / "hashes.npy", np.array([[1, 2, 3]] * 80, dtype=object), allow_pickle=True)
        with pytest.raises(CollectionCorruptError, match=r"hashes\.npy"):
            opened(folder, models)


class TestSegmentManifest:
    @pytest.mark.parametrize("text", ["", "[]", "{}", "nonsense", "3"])
    def test_one_that_is_none_is_named(self, text: str, folder: Path, models: Models) -> None:
        (folder / SEGMENT / "manifest.json").write_text(text)
        with pytest.raises(CollectionCorruptError, match=r"manifest\.json"):
            opened(folder, models)
        assert any("manifest.json" in problem for problem in check_store(folder))

    @pytest.mark.parametrize(
        "entry", ["format_version", "model_id", "n_images", "n_keypoints", "n_words", "annoy", "sha256"]
    )
    def test_a_missing_entry_is_noticed(self, entry: str, folder: Path, models: Models) -> None:
        path = folder / SEGMENT / "manifest.json"
        manifest = json.loads(path.read_text())
        del manifest[entry]
        path.write_text(json.dumps(manifest))
        with pytest.raises(CollectionCorruptError, match=r"manifest\.json"):
            opened(folder, models)

    @pytest.mark.parametrize(
        ("entry", "value"), [("annoy", None), ("n_images", "80"), ("n_keypoints", None), ("n_words", 7.0)]
    )
    def test_an_entry_of_another_kind_is_damage_too(
        self, entry: str, value: object, folder: Path, models: Models
    ) -> None:
        change_manifest(folder / SEGMENT / "manifest.json", **{entry: value})
        with pytest.raises(CollectionCorruptError, match="000001"):
            opened(folder, models)

    @pytest.mark.parametrize("value", [None, [], "x"])
    def test_digests_of_another_kind_are_a_problem_not_a_crash(self, value: object, folder: Path) -> None:
        change_manifest(folder / SEGMENT / "manifest.json", sha256=value)
        assert any("manifest.json" in problem for problem in check_store(folder))

    @pytest.mark.parametrize("entry", ["n_images", "n_keypoints", "n_words", "n_local", "dimension"])
    def test_counts_that_are_wrong_are_found(self, entry: str, folder: Path, models: Models) -> None:
        path = folder / SEGMENT / "manifest.json"
        change_manifest(path, **{entry: json.loads(path.read_text())[entry] + 1})
        with pytest.raises(CollectionCorruptError):
            opened(folder, models)
        assert check_store(folder) != []

    @pytest.mark.parametrize("place", [SEGMENT / "manifest.json", Path("collection.json")])
    def test_the_format_before_this_one_is_refused(self, place: Path, folder: Path, models: Models) -> None:
        change_manifest(folder / place, format_version=1)
        with pytest.raises(CollectionCorruptError, match=r"version 1,.* reads 2"):
            opened(folder, models)

    def test_another_format_version_is_refused_with_both(self, folder: Path, models: Models) -> None:
        change_manifest(folder / SEGMENT / "manifest.json", format_version=77)
        with pytest.raises(CollectionCorruptError, match=r"version 77.* reads 2"):
            opened(folder, models)

    def test_a_segment_of_another_model_is_refused_with_both(self, folder: Path, models: Models) -> None:
        change_manifest(folder / SEGMENT / "manifest.json", model_id="vlad-other")
        with pytest.raises(ModelMismatchError) as caught:
            opened(folder, models)
        assert models.model_id in str(caught.value)
        assert "vlad-other" in str(caught.value)


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
        with pytest.raises(CollectionCorruptError, match=rf"{metric}.*euclidean"):
            opened(folder, models)

    def test_trees_over_another_number_of_items_are_refused_with_both(
        self, folder: Path, tmp_path: Path, described: dict[str, Fingerprint], models: Models
    ) -> None:
        build(tmp_path / "other", dict(list(described.items())[:3]), models)
        shutil.copy(tmp_path / "other" / SEGMENT / "descriptors.ann", folder / SEGMENT / "descriptors.ann")
        with pytest.raises(CollectionCorruptError, match=r"descriptors\.ann: 3 items.* 80"):
            opened(folder, models)

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
        with pytest.raises(CollectionCorruptError, match=r"80 .*3"):
            opened(folder, models)
        assert check_store(folder) != []


class TestCollectionManifest:
    @pytest.mark.parametrize("text", ["", "[]", "{}", "nonsense", '{"format_version": 1}'])
    def test_one_that_is_none_is_named(self, text: str, folder: Path, models: Models) -> None:
        (folder / "collection.json").write_text(text)
        with pytest.raises(CollectionCorruptError, match=r"collection\.json"):
            opened(folder, models)
        assert any("collection.json" in problem for problem in check_store(folder))

    def test_another_format_version_is_refused_with_both(self, folder: Path, models: Models) -> None:
        change_manifest(folder / "collection.json", format_version=9)
        with pytest.raises(CollectionCorruptError, match=r"version 9.* reads 2"):
            opened(folder, models)

    def test_all_of_it_is_a_collection_error(self, folder: Path, models: Models) -> None:
        (folder / "collection.json").unlink()
        with pytest.raises(CollectionError, match="no collection here"):
            opened(folder, models)
