"""Damaged collections: what the check says of every byte, and what the repair restores, describes anew or gives up."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from fingerprint.cli import main
from fingerprint.collection.collection import create_collection, open_collection
from fingerprint.collection.repair import RepairReport, repair_collection
from fingerprint.config import DEFAULT_CONFIG, CandidateConfig, Config, StorageConfig
from fingerprint.errors import CollectionBusyError, CollectionCorruptError, CollectionError, CollectionNotFoundError
from fingerprint.index import check_store
from fingerprint.index.lock import WriterLock
from fingerprint.kernels.colours import UNKNOWN
from fingerprint.types import U8

SEGMENT = Path("segments") / "000001"
#: Follow from the catalogue, from descriptors or from local descriptors.
DERIVED = (
    *("ids.npy", "id_offsets.npy", "id_order.npy", "sizes.npy", "descriptors.ann", "manifest.json"),
    *("posting_words.npy", "posting_starts.npy", "posting_signatures.npy", "posting_references.npy"),
    "posting_geometry.npy",
)
#: Can only be had from the pictures.
ORIGINAL = (
    *("descriptors.npy", "hashes.npy", "thumbnails.npy", "thumbnail_offsets.npy", "offsets.npy", "signatures.npy"),
    *("frames.npy", "local.npy", "colours.npy"),
)
CONFIG = dataclasses.replace(
    DEFAULT_CONFIG,
    storage=StorageConfig(keep_local_descriptors=True, merge_factor=100),
    candidates=CandidateConfig(descriptor_index="annoy"),
)
LEAN = dataclasses.replace(CONFIG, storage=StorageConfig(merge_factor=100))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory, photos: dict[str, U8]) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for name, pixels in photos.items():
        Image.fromarray(pixels[::2, ::2]).save(folder / f"{name}.png")
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> dict[str, Path]:
    """Two collections of two segments and imported vectors; one keeps local descriptors."""
    place = tmp_path_factory.mktemp("made")
    names = sorted(path.name for path in pictures.iterdir())
    for kind, config in (("whole", CONFIG), ("lean", LEAN)):
        with create_collection(place / kind, config=config) as collection:
            collection.add_files([pictures / name for name in names[:3]])
            collection.add_files([pictures / name for name in names[3:]])
            collection.remove([names[0]])
    return {kind: place / kind for kind in ("whole", "lean")}


@pytest.fixture
def files(pictures: Path, tmp_path: Path, made: dict[str, Path]) -> Path:
    """The pictures, where a test may remove them; `folder` knows them by this place."""
    return Path(shutil.copytree(pictures, tmp_path / "pictures"))


@pytest.fixture(params=["whole", "lean"])
def folder(request: pytest.FixtureRequest, made: dict[str, Path], files: Path, tmp_path: Path) -> Path:
    return prepared(made[request.param], files, tmp_path)


@pytest.fixture
def whole(made: dict[str, Path], files: Path, tmp_path: Path) -> Path:
    return prepared(made["whole"], files, tmp_path)


def prepared(source: Path, files: Path, tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(source, tmp_path / "collection"))
    with open_collection(folder, config=config_of(folder)) as collection:
        collection.add_files([files / name for name in collection.ids])  # unchanged, but now in this place
    assert check_store(folder) == []
    return folder


def config_of(folder: Path) -> Config:
    return CONFIG if json.loads((folder / "collection.json").read_text())["keep_local_descriptors"] else LEAN


def repaired(folder: Path) -> RepairReport:
    return repair_collection(folder, config=CONFIG)


def contents(folder: Path) -> tuple[list[str], list[bytes]]:
    with open_collection(folder, config=CONFIG) as collection:
        kept = [collection.fingerprint(image_id) for image_id in collection.ids]
        return collection.ids, [
            b"".join(
                part.tobytes()
                for part in (
                    *(f.hashes, f.descriptor, f.thumbnail, f.keypoints.signatures),
                    *(f.keypoints.frame, f.keypoints.descriptors),
                )
            )
            for f in kept
        ]


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


class TestRestored:
    @pytest.mark.parametrize("harm", [Path.unlink, cut, flip])
    def test_what_follows_from_the_rest_is_the_same_bytes_again(
        self, harm: Callable[[Path], None], whole: Path
    ) -> None:
        before = bytes_of(whole / SEGMENT)
        for name in DERIVED:
            harm(whole / SEGMENT / name)
            assert len(check_store(whole)) == 1, name
            report = repaired(whole)
            assert (report.described, report.lost, report.problems) == (0, (), ()), name
            assert [name in what for what in report.restored] == [True], name
            assert bytes_of(whole / SEGMENT) == before, name

    def test_several_at_once(self, whole: Path) -> None:
        before = bytes_of(whole / SEGMENT)
        for name in DERIVED:
            cut(whole / SEGMENT / name)
        assert repaired(whole).problems == ()
        assert bytes_of(whole / SEGMENT) == before

    @pytest.mark.parametrize("text", ["", "{}", "[3]", '{"format_version": 3}'])
    def test_the_collections_manifest(self, text: str, folder: Path) -> None:
        before = (folder / "collection.json").read_bytes()
        (folder / "collection.json").write_text(text)
        assert check_store(folder) != []
        report = repaired(folder)
        assert (len(report.restored), report.problems) == (1, ())
        assert (folder / "collection.json").read_bytes() == before

    def test_the_catalogues_copy_of_it(self, folder: Path) -> None:
        change(folder, "UPDATE facts SET value = '{}'")
        assert repaired(folder).problems == ()
        assert contents(folder)[0]

    @pytest.mark.parametrize(
        "harm",
        [
            "UPDATE segments SET n_removed = 2 WHERE number = 1",
            "UPDATE segments SET n_rows = 2 WHERE number = 1",
            "UPDATE images SET id = 'other' WHERE segment = 1 AND row = 1",
            "UPDATE images SET path = '/elsewhere' WHERE segment = 1 AND row = 1",
            "UPDATE segments SET facts = 'x' WHERE number = 1",
            "INSERT INTO models (model_id) VALUES ('m'); UPDATE images SET model = 2 WHERE segment = 1 AND row = 1",
        ],
    )
    def test_what_the_catalogue_says_of_a_segment(self, harm: str, folder: Path) -> None:
        before = contents(folder)
        change(folder, harm)
        assert check_store(folder) != []
        report = repaired(folder)
        assert report.restored
        assert (report.described, report.lost, report.problems) == (0, (), ())
        assert contents(folder) == before

    def test_a_sound_one_is_left_alone(self, folder: Path) -> None:
        before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.npy")}
        assert repaired(folder) == RepairReport((), 0, (), ())
        assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.npy")} == before


class TestDescribedAnew:
    @pytest.mark.parametrize("name", ORIGINAL)
    def test_pictures_whose_files_are_there(self, name: str, whole: Path) -> None:
        before = contents(whole)
        cut(whole / SEGMENT / name)
        report = repaired(whole)
        assert (report.described, report.lost, report.problems) == (2, (), ())
        assert contents(whole) == before
        assert not (whole / "damaged").exists()

    def test_postings_where_local_descriptors_are_not_kept(
        self, made: dict[str, Path], files: Path, tmp_path: Path
    ) -> None:
        folder = prepared(made["lean"], files, tmp_path)
        before = contents(folder)
        flip(folder / SEGMENT / "posting_geometry.npy")
        assert repaired(folder).described == 2
        assert contents(folder) == before

    def test_a_segment_that_is_gone(self, folder: Path) -> None:
        before = contents(folder)
        shutil.rmtree(folder / SEGMENT)
        assert repaired(folder).described == 2
        assert contents(folder) == before

    def test_order_and_answers_stay(self, folder: Path, photos: dict[str, U8]) -> None:
        def answers() -> list[list[tuple[str, float]]]:
            with open_collection(folder, config=config_of(folder)) as collection:
                found = [collection.search(pixels[::2, ::2]) for pixels in photos.values()]
            return [[(match.reference_id, match.score) for match in matches] for matches in found]

        before = answers()
        flip(folder / SEGMENT / "signatures.npy")
        repaired(folder)
        assert answers() == before


class TestLost:
    @pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"another")])
    def test_pictures_whose_files_are_gone_or_changed_are_named(
        self, harm: Callable[[Path], None], folder: Path, files: Path
    ) -> None:
        ids = contents(folder)[0]
        harm(files / ids[0])
        kept = (folder / SEGMENT / "frames.npy").read_bytes()
        flip(folder / SEGMENT / "thumbnails.npy")
        report = repaired(folder)
        assert (report.described, report.problems) == (1, ())
        assert [item.path for item in report.lost] == [str(files / ids[0])]
        assert contents(folder)[0] == ids[1:]
        assert (folder / "damaged" / "000001" / "frames.npy").read_bytes() == kept
        with open_collection(folder, config=config_of(folder)) as collection:
            assert collection.info().skipped == report.lost
            shutil.copy(files / ids[1], files / ids[0])
            assert collection.add_files([files / ids[0]]).added == 1
            assert collection.info().skipped == ()

    @pytest.mark.parametrize("harm", [Path.unlink, cut, flip])
    def test_colours_alone_lose_no_picture(self, harm: Callable[[Path], None], folder: Path, files: Path) -> None:
        before = contents(folder)
        for path in files.iterdir():
            path.unlink()
        harm(folder / SEGMENT / "colours.npy")
        report = repaired(folder)
        assert (report.described, report.lost, report.problems) == (0, (), ())
        assert ["colours" in what for what in report.restored] == [True]
        assert contents(folder) == before
        with open_collection(folder, config=config_of(folder)) as collection:
            assert (collection.fingerprint(before[0][0]).colours == UNKNOWN).all()

    @pytest.mark.parametrize("put", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("elsewhere")])
    def test_what_stands_in_the_place_of_colours_is_not_removed(
        self, put: Callable[[Path], None], folder: Path, files: Path
    ) -> None:
        for path in files.iterdir():
            path.unlink()
        place = folder / SEGMENT / "colours.npy"
        place.unlink()
        put(place)
        with pytest.raises(CollectionError, match=r"colours\.npy.*did not make"):
            repaired(folder)
        assert place.is_symlink() or place.exists()
        assert (folder / SEGMENT / "frames.npy").exists()

    def test_vectors_of_another_model(self, folder: Path, tmp_path: Path) -> None:
        np.savez(tmp_path / "v.npz", ids=np.array(["a", "b"]), descriptors=np.eye(2, dtype=np.float32))
        with open_collection(folder, config=config_of(folder)) as collection:
            collection.import_vectors(tmp_path / "v.npz", "learned")
            ids = collection.ids
        flip(folder / "segments" / "000003" / "descriptors.npy")
        report = repaired(folder)
        assert [item.path for item in report.lost] == ["a", "b"]
        assert all("import it again" in item.reason for item in report.lost)
        assert (report.problems, contents(folder)[0]) == ((), ids)


class TestRefused:
    def test_without_a_catalogue_nothing_can_be_done(self, folder: Path) -> None:
        data = bytearray((folder / "catalogue.sqlite").read_bytes())
        data[4096:9000] = bytes(4904)
        (folder / "catalogue.sqlite").write_bytes(data)
        segments = bytes_of(folder / SEGMENT)
        with pytest.raises(CollectionCorruptError, match=r"catalogue\.sqlite"):
            repaired(folder)
        assert bytes_of(folder / SEGMENT) == segments

    def test_where_nothing_is(self, tmp_path: Path) -> None:
        with pytest.raises(CollectionNotFoundError):
            repaired(tmp_path)

    def test_while_another_is_writing(self, folder: Path) -> None:
        lock = WriterLock(folder)
        lock.acquire()
        try:
            with pytest.raises(CollectionBusyError):
                repaired(folder)
        finally:
            lock.release()


class TestAnyByte:
    @pytest.mark.parametrize("seed", range(6))
    def test_flipped_is_told_with_the_file_or_changes_nothing(self, seed: int, folder: Path) -> None:
        chance = random.Random(seed)
        ids = contents(folder)[0]
        chosen = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "writer.lock"]
        for path in chosen:
            data = path.read_bytes()
            at = chance.randrange(len(data))
            path.write_bytes(data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :])
            problems = check_store(folder)
            if path.name == "catalogue.sqlite":
                assert all(path.name in problem or str(folder) in problem for problem in problems)
                if not problems:  # space that is not used, or a count that is of no matter
                    assert contents(folder)[0] == ids
            else:
                assert any(str(path) in problem for problem in problems), (path, at)
            path.write_bytes(data)
            for left in folder.glob("catalogue.sqlite-*"):
                left.unlink()
        assert check_store(folder) == []

    @pytest.mark.parametrize("seed", range(4))
    def test_cut_anywhere_is_told_when_it_is_opened(self, seed: int, folder: Path) -> None:
        chance = random.Random(seed)
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or path.name == "writer.lock":
                continue
            data = path.read_bytes()
            path.write_bytes(data[: chance.randrange(len(data))])
            with pytest.raises(CollectionError) as caught:
                contents(folder)
            assert path.name in str(caught.value)
            path.write_bytes(data)
            for left in folder.glob("catalogue.sqlite-*"):
                left.unlink()


class TestCommand:
    def test_says_what_was_done(self, made: dict[str, Path], tmp_path: Path, pictures: Path) -> None:
        folder = tmp_path / "plain"
        with create_collection(folder) as collection:
            collection.add_files([pictures])
        (folder / SEGMENT / "ids.npy").unlink()
        run = CliRunner()
        assert run.invoke(main, ["index", "check", str(folder)]).exit_code == 1
        ended = run.invoke(main, ["index", "check", str(folder), "--repair"])
        assert ended.exit_code == 0
        assert ended.output.splitlines() == [
            f"restored: {folder / SEGMENT / 'ids.npy'}: made again",
            f"{folder}: sound",
        ]
        flip(folder / SEGMENT / "hashes.npy")
        ended = run.invoke(main, ["index", "check", str(folder), "--repair", "--json"])
        told = json.loads(ended.output)
        n = len(list(pictures.iterdir()))
        assert (ended.exit_code, told["sound"], told["described"], told["lost"]) == (0, True, n, [])

    def test_what_is_lost_is_listed_and_ends_with_one(self, tmp_path: Path, photos: dict[str, U8]) -> None:
        folder = tmp_path / "plain"
        with create_collection(folder) as collection:
            collection.add("from memory", photos["chelsea"][::2, ::2])
        flip(folder / SEGMENT / "hashes.npy")
        ended = CliRunner().invoke(main, ["index", "check", str(folder), "--repair"])
        assert ended.exit_code == 1
        assert "lost: from memory: lost to damage" in ended.output
        assert ended.output.endswith(f"{folder}: sound\n")


def change(folder: Path, statements: str) -> None:
    with closing(sqlite3.connect(folder / "catalogue.sqlite")) as database:
        database.executescript(statements)
