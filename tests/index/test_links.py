"""Links in a collection's folder, and files that it did not make: nothing else is written to, changed or deleted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fingerprint.config import DEFAULT_CONFIG
from fingerprint.errors import CollectionError, CollectionExistsError
from fingerprint.index import FORMAT_VERSION, ImageRecord, Writer, check_store
from fingerprint.index.own_files import ARRAY_NAMES, CATALOGUE_NAME, SIDE_FILES
from fingerprint.index.repair import Repair
from fingerprint.index.segment import expected_arrays
from fingerprint.models import Models
from fingerprint.types import Fingerprint

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links need rights there")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, described: dict[str, Fingerprint], models: Models) -> Path:
    folder = tmp_path_factory.mktemp("links") / "collection"
    with Writer.create(folder, models, DEFAULT_CONFIG) as store:
        for name in ("chelsea", "coffee", "rocket"):
            add(store, name, described[name])
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "collection"))


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder outside, with files that must stay as they are."""
    outside = tmp_path / "elsewhere"
    (outside / "000042").mkdir(parents=True)
    (outside / "000042" / "hashes.npy").write_bytes(b"mine")
    (outside / "precious.txt").write_bytes(b"precious")
    return outside


def add(store: Writer, name: str, picture: Fingerprint) -> None:
    store.add([picture], [ImageRecord(name, f"/{name}", 1, "0" * 64, picture.width, picture.height)])


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


CHANGES: dict[str, Callable[[Writer, Fingerprint], object]] = {
    "add": lambda store, picture: add(store, "new", picture),
    "remove": lambda store, _: store.remove(["coffee"]),
    "compact": lambda store, _: store.compact(),
}


def refused(folder: Path, models: Models, picture: Fingerprint, what: str) -> None:
    """Check that every change is refused with the name of the link."""
    for change in CHANGES.values():
        with pytest.raises(CollectionError, match=f"{what}.*did not make|{what}.*hard link"):
            opened_and_changed(folder, models, picture, change)


def opened_and_changed(
    folder: Path, models: Models, picture: Fingerprint, change: Callable[[Writer, Fingerprint], object]
) -> None:
    with Writer.open(folder, models, DEFAULT_CONFIG) as store:
        change(store, picture)


class TestLinks:
    @pytest.mark.parametrize("name", ["segments", "segments/000001", "collection.json", "damaged", CATALOGUE_NAME])
    def test_in_the_place_of_what_is_there(
        self, name: str, folder: Path, elsewhere: Path, models: Models, described: dict[str, Fingerprint]
    ) -> None:
        (folder / "damaged").mkdir()
        place = folder / name
        moved = elsewhere / place.name
        place.rename(moved)
        place.symlink_to(moved)
        before = contents(elsewhere)
        refused(folder, models, described["rocket"], name)
        with pytest.raises(CollectionError, match=name), Repair(folder, models, DEFAULT_CONFIG):
            pass
        assert contents(elsewhere) == before

    @pytest.mark.parametrize("kind", ["link", "hard link", "broken link"])
    @pytest.mark.parametrize("name", ["writer.lock", *(CATALOGUE_NAME + end for end in SIDE_FILES)])
    def test_under_a_name_that_is_written_to(
        self,
        name: str,
        kind: str,
        folder: Path,
        elsewhere: Path,
        models: Models,
        described: dict[str, Fingerprint],
    ) -> None:
        place, precious = folder / name, elsewhere / "precious.txt"
        place.unlink(missing_ok=True)
        if kind == "hard link":
            place.hardlink_to(precious)
        else:
            place.symlink_to(precious if kind == "link" else elsewhere / "not-there")
        before = contents(elsewhere)
        refused(folder, models, described["rocket"], name)
        assert contents(elsewhere) == before

    def test_a_second_name_of_the_catalogue(
        self, folder: Path, elsewhere: Path, models: Models, described: dict[str, Fingerprint]
    ) -> None:
        (elsewhere / "second.sqlite").hardlink_to(folder / CATALOGUE_NAME)
        with Writer.open(folder, models, DEFAULT_CONFIG) as store:  # reading changes nothing
            assert len(store.reader) == 3
        refused(folder, models, described["rocket"], CATALOGUE_NAME)

    @pytest.mark.parametrize("name", ["000004", "000004.unfinished"])
    def test_where_the_next_segment_belongs(
        self, name: str, folder: Path, elsewhere: Path, models: Models, described: dict[str, Fingerprint]
    ) -> None:
        (folder / "segments" / name).symlink_to(elsewhere)
        before = contents(elsewhere)
        refused(folder, models, described["rocket"], name)
        assert contents(elsewhere) == before

    def test_within_a_segment_that_is_deleted(self, folder: Path, elsewhere: Path, models: Models) -> None:
        nested = folder / "segments" / "000001" / "hashes.npy"
        nested.rename(elsewhere / "hashes.npy")
        nested.symlink_to(elsewhere / "hashes.npy")
        before = contents(elsewhere)
        with Writer.open(folder, models, DEFAULT_CONFIG) as store:
            store.compact()
            assert len(store.reader) == 3
        assert contents(elsewhere) == before
        assert nested.is_symlink()
        assert check_store(folder) == []

    def test_in_a_folder_for_a_new_collection(self, tmp_path: Path, elsewhere: Path, models: Models) -> None:
        before = contents(elsewhere)
        (elsewhere / "empty").mkdir()
        for name, target in (
            *(("writer.lock", "precious.txt"), (CATALOGUE_NAME, "precious.txt"), ("segments", "empty")),
            ("collection.json.unfinished", "precious.txt"),
        ):
            place = tmp_path / f"new-{name}"
            place.mkdir()
            (place / name).symlink_to(elsewhere / target)
            with pytest.raises(CollectionExistsError, match="other files"):
                Writer.create(place, models, DEFAULT_CONFIG)
            assert (place / name).is_symlink()
        assert contents(elsewhere) == before

    def test_a_pipe_does_not_make_anybody_wait(
        self, folder: Path, models: Models, described: dict[str, Fingerprint]
    ) -> None:
        lock = folder / "writer.lock"
        lock.unlink()
        os.mkfifo(lock)
        refused(folder, models, described["rocket"], "writer.lock")
        lock.unlink()
        array = folder / "segments" / "000001" / "hashes.npy"
        array.unlink()
        os.mkfifo(array)
        with pytest.raises(CollectionError, match=r"hashes\.npy: .*not a regular file"):
            Writer.open(folder, models, DEFAULT_CONFIG)
        assert any("not a regular file" in problem for problem in check_store(folder))


class TestFilesOfOthers:
    def test_stay_where_they_are(
        self, folder: Path, models: Models, described: dict[str, Fingerprint], elsewhere: Path
    ) -> None:
        segments = folder / "segments"
        (segments / "notes").mkdir()
        (segments / "notes" / "a.txt").write_text("a")
        (segments / "todo.txt").write_text("b")
        (segments / "000001" / "readme").write_text("c")
        (segments / "000777").mkdir()
        (segments / "000777" / "ids.npy").write_text("left by a writer that died")
        (segments / "000777" / "diary").write_text("d")
        (segments / "seen").symlink_to(elsewhere)
        before = contents(elsewhere)
        with Writer.open(folder, models, DEFAULT_CONFIG) as store:
            for change in CHANGES.values():
                change(store, described["rocket"])
        own = {"notes/a.txt": b"a", "todo.txt": b"b", "000001/readme": b"c", "000777/diary": b"d"}
        assert own.items() <= contents(segments).items()
        assert [path.name for path in (segments / "000001").iterdir()] == ["readme"]
        assert [path.name for path in (segments / "000777").iterdir()] == ["diary"]
        assert contents(elsewhere) == before
        assert check_store(folder) == []

    def test_where_the_next_segment_is_written(
        self, folder: Path, models: Models, described: dict[str, Fingerprint]
    ) -> None:
        diary = folder / "segments" / "000004.unfinished" / "diary"
        diary.parent.mkdir()
        diary.write_text("d")
        with Writer.open(folder, models, DEFAULT_CONFIG) as store:
            with pytest.raises(CollectionError, match=r"000004\.unfinished.*move it"):
                add(store, "new", described["rocket"])
            diary.rename(folder / "diary")
            add(store, "new", described["rocket"])
            assert "new" in store.reader

    @pytest.mark.parametrize("data", [b"anything", b"SQLite format 3\0" + bytes(84)])
    def test_a_database_that_is_no_catalogue(self, data: bytes, tmp_path: Path, models: Models) -> None:
        place = tmp_path / "new"
        place.mkdir()
        (place / CATALOGUE_NAME).write_bytes(data)
        with pytest.raises(CollectionExistsError, match="other files"):
            Writer.create(place, models, DEFAULT_CONFIG)
        assert (place / CATALOGUE_NAME).read_bytes() == data


def test_all_names_of_arrays_are_known() -> None:
    """A file under another name would never be deleted."""
    counts = dict.fromkeys(("n_images", "n_id_bytes", "dimension", "n_keypoints", "n_words", "n_local"), 1)
    manifest = {**counts, "n_thumbnail_bytes": 1, "kind": "pictures", "format_version": FORMAT_VERSION}
    assert set(expected_arrays(manifest)) == set(ARRAY_NAMES)


@pytest.mark.parametrize("mask", [0o022, 0o002, 0o077])
def test_permissions_are_those_of_the_umask(
    mask: int, tmp_path: Path, models: Models, described: dict[str, Fingerprint]
) -> None:
    before = os.umask(mask)
    try:
        with Writer.create(tmp_path / "c", models, DEFAULT_CONFIG) as store:
            add(store, "rocket", described["rocket"])
            store.remove(["rocket"])
            modes = {path: path.stat().st_mode & 0o777 for path in [tmp_path / "c", *(tmp_path / "c").rglob("*")]}
    finally:
        os.umask(before)
    assert any(path.name == f"{CATALOGUE_NAME}-wal" for path in modes)
    assert {
        path: oct(mode) for path, mode in modes.items() if mode != (0o777 if path.is_dir() else 0o666) & ~mask
    } == {}
