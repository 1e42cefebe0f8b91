"""Collections that an older version made: brought to the present format in their place."""

from __future__ import annotations

import json
import shutil
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from fingerprint.cli import main
from fingerprint.errors import CollectionBusyError, CollectionCorruptError, CollectionError, CollectionNotFoundError
from fingerprint.index import FORMAT_VERSION, check_store, upgrade_store
from fingerprint.index import upgrade as upgrade_module
from fingerprint.index.atomic_folder import replace_file
from fingerprint.index.catalogue import Catalogue
from fingerprint.index.lock import WriterLock
from fingerprint.index.snapshot import open_snapshots

#: Made by the last version that wrote format 2: three photographs of scikit-image in segments of two, 40 keypoints
#: each;
#: coffee.jpg was removed, broken.jpg could not be read.
GOLDEN = Path(__file__).parents[1] / "golden" / "format2.zip"
SKIPPED = "not an image of a known format (JPEG, PNG, WEBP, GIF, TIFF, BMP, AVIF, PPM)"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    with zipfile.ZipFile(GOLDEN) as archive:
        archive.extractall(tmp_path / "old")
    return tmp_path / "old"


def files_of(folder: Path) -> dict[str, bytes]:
    """All files but the lock, which has the time in it."""
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "writer.lock"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def contents(folder: Path) -> tuple[list[str], list[tuple[str, str]], list[str]]:
    """Ids that are live, what was skipped, and contents of the records in order."""
    catalogue = Catalogue(folder / "catalogue.sqlite")
    try:
        (snapshot,) = open_snapshots(folder, catalogue, {}).values()
        records = [r for s in catalogue.segments() for r, _ in catalogue.records(s.number)]
        ids = list(snapshot.live_ids())
        for segment in snapshot.segments:
            segment.close()
        return ids, catalogue.skipped(), [f"{r.image_id} {r.path} {r.n_bytes}" for r in records]
    finally:
        catalogue.close()


class TestUpgrade:
    def test_everything_is_there_and_sound(self, old: Path) -> None:
        before = files_of(old)
        assert upgrade_store(old) == 2
        assert check_store(old) == []
        ids, skipped, records = contents(old)
        assert ids == ["chelsea.jpg", "rocket.jpg"]
        assert skipped == [("oldimgs/broken.jpg", SKIPPED)]
        assert [r.split()[:2] for r in records] == [[name, f"oldimgs/{name}"] for name in ("chelsea.jpg", "rocket.jpg")]
        after = files_of(old)
        assert not {name for name in before if name.startswith("segments")} & after.keys()
        assert json.loads(after["collection.json"]) == {
            "format_version": FORMAT_VERSION,
            "keep_local_descriptors": True,
            **{key: json.loads(before["collection.json"])[key] for key in ("features", "model_id")},
        }

    def test_a_second_time_nothing_is_changed(self, old: Path) -> None:
        upgrade_store(old)
        before = files_of(old)
        assert upgrade_store(old) == FORMAT_VERSION
        assert files_of(old) == before

    @pytest.mark.parametrize("n_writes", range(1, 12))
    def test_after_an_interruption_it_goes_on(
        self, n_writes: int, old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = Path(shutil.copytree(old, tmp_path / "whole"))
        upgrade_store(whole)
        written = 0
        write = replace_file

        def failing(path: Path, data: bytes) -> None:
            nonlocal written
            written += 1
            if written == n_writes:
                raise KeyboardInterrupt
            write(path, data)

        monkeypatch.setattr(upgrade_module, "replace_file", failing)
        try:
            upgrade_store(old)
        except KeyboardInterrupt:
            pass
        else:
            assert n_writes > 9  # six files of ids, two manifests of segments, the collection's
        monkeypatch.undo()
        upgrade_store(old)
        assert check_store(old) == []
        assert contents(old) == contents(whole)

    def test_is_asked_for_by_name_when_an_old_one_is_opened(self, old: Path) -> None:
        assert any("fingerprint index upgrade" in problem for problem in check_store(old))
        ended = CliRunner().invoke(main, ["index", "info", str(old)])
        assert ended.exit_code == 2
        assert f"format version 2, this version of copyprint reads 3 to {FORMAT_VERSION}" in ended.output
        assert "fingerprint index upgrade" in ended.output

    def test_by_the_command(self, old: Path) -> None:
        ended = CliRunner().invoke(main, ["index", "upgrade", str(old)])
        assert (ended.exit_code, ended.output) == (0, f"{old}: format 2 before, {FORMAT_VERSION} now\n")
        ended = CliRunner().invoke(main, ["index", "upgrade", str(old), "--json"])
        assert json.loads(ended.output) == {
            "collection": str(old),
            "format_before": FORMAT_VERSION,
            "format": FORMAT_VERSION,
        }


class TestRefused:
    def test_a_newer_collection_is_left_as_it_is(self, old: Path) -> None:
        upgrade_store(old)
        path = old / "collection.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": FORMAT_VERSION + 1}))
        before = files_of(old)
        ended = CliRunner().invoke(main, ["index", "upgrade", str(old)])
        assert ended.exit_code == 2
        assert f"format version {FORMAT_VERSION + 1}" in ended.output
        assert "install the version that made it" in ended.output
        assert files_of(old) == before

    def test_nothing_there(self, tmp_path: Path) -> None:
        with pytest.raises(CollectionNotFoundError, match="nowhere"):
            upgrade_store(tmp_path / "nowhere")

    def test_while_another_is_writing(self, old: Path) -> None:
        lock = WriterLock(old)
        lock.acquire()
        try:
            with pytest.raises(CollectionBusyError):
                upgrade_store(old)
        finally:
            lock.release()

    def test_a_newer_one(self, old: Path) -> None:
        with closing(sqlite3.connect(old / "catalogue.sqlite")) as database:
            database.execute("PRAGMA user_version = 9")
        with pytest.raises(CollectionCorruptError, match=r"catalogue version 9.* knows 1, 2"):
            upgrade_store(old)

    @pytest.mark.parametrize("name", ["collection.json", "catalogue.sqlite", "segments/000002/manifest.json"])
    def test_a_damaged_one_is_named_and_left(self, name: str, old: Path) -> None:
        (old / name).write_bytes(b"no sense")
        arrays = {name: data for name, data in files_of(old).items() if name.endswith(".npy")}
        with pytest.raises(CollectionError, match=str(old)):
            upgrade_store(old)
        after = files_of(old)
        assert all(after[name] == data for name, data in arrays.items())

    def test_segments_and_catalogue_that_disagree(self, old: Path) -> None:
        with closing(sqlite3.connect(old / "catalogue.sqlite")) as database:
            database.execute("DELETE FROM images WHERE id = 'rocket.jpg'")
            database.commit()
        with pytest.raises(CollectionCorruptError, match="000002"):
            upgrade_store(old)
