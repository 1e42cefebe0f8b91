"""The commands about collections: lists on stdin, ids relative to a folder, counts, and what a collection keeps."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from fingerprint import create_collection, open_collection
from fingerprint.cli import main
from fingerprint.config import DEFAULT_CONFIG
from fingerprint.types import U8

COUNTS = ("added", "unchanged", "replaced", "skipped", "ignored")
BAD = {"cut.jpg": "truncated JPEG file", "empty.png": "empty file", "sub/letter.jpg": "not an image of a known format"}


def run(*arguments: object, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="fingerprint", input=given)


def done(*arguments: object, code: int = 0, given: str | bytes | None = None) -> Result:
    result = run(*arguments, given=given)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def objects(result: Result) -> tuple[dict[str, str], dict[str, str], dict[str, Any]]:
    """Return skipped and ignored files with the reasons, and the counts: in this order, whole numbers, last."""
    *files, counts = [json.loads(line) for line in result.stdout.splitlines()]
    assert list(counts) == ["collection", *COUNTS, "unsupported", "plain", "again", "unread_folders", "references"]
    assert all(type(counts[name]) is int for name in counts if name != "collection")
    skipped = {item["path"]: item["skipped"] for item in files if list(item) == ["path", "skipped"]}
    ignored = {item["path"]: item["ignored"] for item in files if list(item) == ["path", "ignored"]}
    assert len(skipped) + len(ignored) == len(files)
    assert counts["skipped"] + counts["unread_folders"] == len(skipped)
    assert counts["ignored"] + counts["unsupported"] == len(ignored)
    return skipped, ignored, counts


def ids_in(collection: Path) -> list[str]:
    with open_collection(collection) as opened:
        return opened.ids


@pytest.fixture(scope="module")
def photographs(photos: dict[str, U8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good, bad and other files, some of them in a folder of their own; `a.jpg` is in both."""
    place = tmp_path_factory.mktemp("cli") / "photographs"
    (place / "sub").mkdir(parents=True)
    for path, name in {"a.jpg": "astronaut", "b.jpg": "chelsea", "sub/a.jpg": "coffee", "sub/c.jpg": "rocket"}.items():
        image = Image.fromarray(photos[name])
        image.thumbnail((240, 240))
        image.save(place / path, quality=92)
    (place / "cut.jpg").write_bytes((place / "a.jpg").read_bytes()[:3000])
    (place / "empty.png").write_bytes(b"")
    (place / "sub" / "letter.jpg").write_text("Dear Sir or Madam, this is no picture.\n")
    (place / "notes.txt").write_text("not even by its name")
    (place / "sub" / "table.csv").write_text("1,2\n")
    return place


@pytest.fixture
def pictures(photographs: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(photographs, tmp_path / "photographs"))


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    create_collection(tmp_path / "collection").close()
    return tmp_path / "collection"


class TestCounts:
    @pytest.mark.parametrize("how", ["create", "add", "list"])
    def test_they_sum_to_the_files_that_were_seen(self, how: str, collection: Path, pictures: Path) -> None:
        if how == "create":
            shutil.rmtree(collection)
        command = ("index", "create" if how == "create" else "add", collection, "-" if how == "list" else pictures)
        result = done(*command, "--json", code=1, given=f"{pictures}\n")
        skipped, ignored, counts = objects(result)
        assert {str(Path(path).relative_to(pictures)) for path in skipped} == BAD.keys()
        for name, reason in BAD.items():
            assert skipped[str(pictures / name)].startswith(reason)
        assert ignored.keys() == {str(pictures / "notes.txt"), str(pictures / "sub" / "table.csv")}
        assert counts == {
            "collection": str(collection),
            "added": 4,
            "unchanged": 0,
            "replaced": 0,
            "skipped": 3,
            "ignored": 2,
            "unsupported": 0,
            "plain": 0,
            "again": 0,
            "unread_folders": 0,
            "references": 4,
        }
        assert sum(counts[name] for name in COUNTS) == sum(path.is_file() for path in pictures.rglob("*"))

    def test_the_second_time(self, collection: Path, pictures: Path) -> None:
        done("index", "add", collection, pictures, code=1)
        shutil.copy(pictures / "sub" / "c.jpg", pictures / "b.jpg")
        shutil.copy(pictures / "sub" / "c.jpg", pictures / "d.jpg")
        (pictures / "more").symlink_to(pictures / "sub")
        _, _, counts = objects(done("index", "add", collection, pictures, "--json", code=1))
        assert [counts[name] for name in COUNTS] == [1, 3, 1, 3, 2]
        assert (counts["unread_folders"], counts["references"]) == (1, 5)
        text = done("index", "add", collection, pictures, code=1).stdout
        assert text == f"{collection}: 0 added, 5 unchanged, 0 replaced, 4 skipped; 5 references\n"

    def test_folder_and_file_named_together_are_counted_once(self, collection: Path, pictures: Path) -> None:
        names = (pictures, pictures / "a.jpg", pictures / "notes.txt", pictures)
        skipped, ignored, counts = objects(done("index", "add", collection, *names, "--json", code=1))
        assert sum(counts[name] for name in COUNTS) == 9
        assert str(pictures / "notes.txt") in skipped  # named itself, so taken for an image
        assert ignored.keys() == {str(pictures / "sub" / "table.csv")}


class TestListOnStdin:
    def test_files_folders_and_what_is_missing(self, collection: Path, pictures: Path) -> None:
        given = (
            f"{pictures}/b.jpg\n\n{pictures}/nowhere.jpg\n{pictures}/sub\r\n{pictures}/empty.png\n"
            f"{pictures}/notes.txt\n{pictures}/{'x' * 300}.jpg\n{pictures}/b.jpg/inside.jpg\na\0b.jpg\n"
            f"{pictures}/cut.jpg"
        )
        skipped, ignored, counts = objects(done("index", "add", collection, "-", "--json", code=1, given=given))
        assert ids_in(collection) == ["b.jpg", "a.jpg", "c.jpg"]
        assert {path.removeprefix(f"{pictures}/")[:20]: reason for path, reason in skipped.items()} == {
            "nowhere.jpg": "no such file",
            "empty.png": "empty file",
            "notes.txt": skipped[f"{pictures}/notes.txt"],
            "x" * 20: "File name too long",
            "b.jpg/inside.jpg": "Not a directory",
            "a\0b.jpg": "embedded null byte",
            "cut.jpg": skipped[f"{pictures}/cut.jpg"],
            "sub/letter.jpg": skipped[f"{pictures}/sub/letter.jpg"],
        }
        assert all(skipped.values())
        assert ignored.keys() == {f"{pictures}/sub/table.csv"}
        assert [counts[name] for name in COUNTS] == [3, 0, 0, 8, 1]

    def test_ids_relative_to_a_folder(self, collection: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(pictures)  # as after: find . -type f
        given = "./sub/c.jpg\n./a.jpg\nsub/a.jpg\nsub/gone.jpg\n"
        skipped, _, counts = objects(
            done("index", "add", collection, "--root", ".", "-", "--json", code=1, given=given)
        )
        assert ids_in(collection) == ["sub/c.jpg", "a.jpg", "sub/a.jpg"]
        assert skipped == {"sub/gone.jpg": "no such file"}
        monkeypatch.chdir("/")
        given = f"{pictures}/sub\n{pictures}/b.jpg\n"
        _, _, counts = objects(done("index", "add", collection, "--root", pictures, "-", "--json", code=1, given=given))
        assert (counts["added"], counts["unchanged"]) == (1, 2)
        assert ids_in(collection) == ["sub/c.jpg", "a.jpg", "sub/a.jpg", "b.jpg"]

    def test_a_file_outside_the_folder_is_skipped_and_named(self, collection: Path, pictures: Path) -> None:
        given = f"{pictures}/a.jpg\n{pictures}/sub/c.jpg\n"
        result = done("index", "add", collection, "--root", pictures / "sub", "-", code=1, given=given)
        assert result.stderr == (
            "fingerprint: skipped 1 file:\n"
            f"  {pictures}/a.jpg: not in the folder {pictures}/sub that ids are relative to\n"
        )
        assert "c.jpg" in ids_in(collection)

    def test_a_file_that_is_listed_twice_or_named_besides_is_one_file(self, collection: Path, pictures: Path) -> None:
        given = f"{pictures}/a.jpg\n{pictures}/a.jpg\n{pictures}/./b.jpg\n{pictures}/sub\n"
        arguments = ("index", "add", collection, "--root", pictures, pictures / "b.jpg", "-", pictures / "sub")
        _, _, counts = objects(done(*arguments, "--json", code=1, given=given))
        assert [counts[name] for name in COUNTS] == [4, 0, 0, 1, 1]
        assert ids_in(collection) == ["b.jpg", "sub/a.jpg", "sub/c.jpg", "a.jpg"]

    def test_what_was_named_has_the_id_every_time(self, collection: Path, pictures: Path) -> None:
        given = f"{pictures}/sub/a.jpg\n"
        for _ in range(3):
            arguments = ("index", "add", collection, "-", pictures / "a.jpg", "--json")
            skipped, _, counts = objects(done(*arguments, code=1, given=given))
            assert counts["replaced"] == 0
            assert skipped.keys() == {f"{pictures}/sub/a.jpg"}
            assert f"its id 'a.jpg' is already that of {pictures}/a.jpg" in skipped[f"{pictures}/sub/a.jpg"]

    @pytest.mark.parametrize("given", ["", "\n\r\n"])
    def test_an_empty_list(self, given: str, collection: Path) -> None:
        _, _, counts = objects(done("index", "add", collection, "-", "--json", given=given))
        assert [counts[name] for name in COUNTS] == [0] * 5

    def test_names_that_are_no_utf8(self, collection: Path, pictures: Path) -> None:
        name = os.fsencode(pictures) + b"/caf\xe9.jpg"
        try:
            shutil.copy(os.fsencode(pictures / "a.jpg"), name)
        except OSError:
            pytest.skip("the file system takes UTF-8 names only")
        skipped, _, counts = objects(done("index", "add", collection, "-", "--json", code=1, given=name + b"\n"))
        assert skipped == {os.fsdecode(name): "its name is not valid Unicode, so it cannot be an id; rename the file"}
        assert counts["skipped"] == 1

    def test_a_list_makes_a_collection_too(self, tmp_path: Path, pictures: Path) -> None:
        result = done("index", "create", tmp_path / "new", "--root", pictures, "-", given=f"{pictures}/sub/c.jpg\n")
        assert result.stdout == f"{tmp_path}/new: 1 added, 0 unchanged, 0 replaced, 0 skipped; 1 reference\n"
        assert ids_in(tmp_path / "new") == ["sub/c.jpg"]


class TestRoot:
    @pytest.mark.parametrize("how", ["create", "add"])
    def test_ids_are_paths_within_it(self, how: str, tmp_path: Path, pictures: Path) -> None:
        place = tmp_path / "new"
        if how == "add":
            done("index", "create", place)
        done("index", how, place, "--root", pictures, pictures / "sub", pictures / "a.jpg", code=1)
        assert ids_in(place) == ["sub/a.jpg", "sub/c.jpg", "a.jpg"]

    def test_a_file_outside_it_adds_nothing(self, collection: Path, pictures: Path) -> None:
        result = done("index", "add", collection, "--root", pictures / "sub", pictures, code=2)
        assert f"error: {pictures}/a.jpg: not in the folder {pictures}/sub" in result.stderr
        assert ids_in(collection) == []

    def test_it_must_be_there(self, collection: Path, pictures: Path) -> None:
        result = done("index", "add", collection, "--root", pictures / "nowhere", pictures, code=2)
        assert "Invalid value for '--root'" in result.stderr


def test_images_of_other_formats_are_told_apart(collection: Path, pictures: Path) -> None:
    (pictures / "IMG_1.PSD").touch()
    (pictures / "scan.jp2").touch()
    result = done("index", "add", collection, pictures, code=1)
    assert "note: 2 images are of formats not read, such as " in result.stderr
    assert "; convert to JPEG or PNG\n" in result.stderr
    assert "note: 2 files are no images by name, such as" in result.stderr
    _, ignored, counts = objects(done("index", "add", collection, pictures, "--json", code=1))
    assert (counts["ignored"], counts["unsupported"]) == (2, 2)
    assert ignored[str(pictures / "IMG_1.PSD")] == "an image of a format that is not read; convert it to JPEG or PNG"


class TestOneIdForTwoFiles:
    """Cameras and phones repeat names, so a file of another folder never replaces one silently."""

    @pytest.fixture
    def added(self, collection: Path, pictures: Path) -> Path:
        done("index", "add", collection, pictures / "a.jpg")
        return collection

    @pytest.mark.parametrize("gone", [False, True])
    @pytest.mark.parametrize("listed", [False, True])
    def test_the_second_is_skipped_and_both_are_named(
        self, gone: bool, listed: bool, added: Path, pictures: Path
    ) -> None:
        if gone:  # such as a memory card that was taken out
            (pictures / "a.jpg").unlink()
        what = "-" if listed else pictures / "sub" / "a.jpg"
        result = done("index", "add", added, what, code=1, given=f"{pictures}/sub/a.jpg\n")
        assert "0 added, 0 unchanged, 0 replaced, 1 skipped; 1 reference\n" in result.stdout
        assert result.stderr == (
            "fingerprint: skipped 1 file:\n"
            f"  {pictures}/sub/a.jpg: its id 'a.jpg' is already that of {pictures}/a.jpg; "
            "give --root a folder that contains both, for an id of its own, or --replace if it takes that one's place\n"
        )

    def test_root_gives_it_an_id_of_its_own(self, added: Path, pictures: Path) -> None:
        done("index", "add", added, "--root", pictures, pictures / "sub" / "a.jpg")
        assert ids_in(added) == ["a.jpg", "sub/a.jpg"]

    @pytest.mark.parametrize("listed", [False, True])
    def test_replace_lets_it(self, listed: bool, added: Path, pictures: Path) -> None:
        what = "-" if listed else pictures / "sub" / "a.jpg"
        result = done("index", "add", added, "--replace", what, given=f"{pictures}/sub/a.jpg\n")
        assert "0 added, 0 unchanged, 1 replaced, 0 skipped; 1 reference\n" in result.stdout

    def test_a_file_that_has_changed_where_it_is_replaces_the_old(
        self, added: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "link").symlink_to(pictures)
        monkeypatch.chdir(pictures)
        for other, path in (("b.jpg", "a.jpg"), ("sub/c.jpg", tmp_path / "link" / "a.jpg")):
            shutil.copy(pictures / other, pictures / "a.jpg")
            assert "1 replaced, 0 skipped" in done("index", "add", added, path).stdout

    def test_the_same_picture_in_another_folder_is_the_same(self, added: Path, pictures: Path, tmp_path: Path) -> None:
        shutil.copy(pictures / "a.jpg", tmp_path)
        assert "1 unchanged" in done("index", "add", added, tmp_path / "a.jpg").stdout


class TestIds:
    @pytest.fixture
    def added(self, collection: Path, pictures: Path) -> Path:
        done("index", "add", collection, pictures, code=1)
        return collection

    def test_they_are_listed(self, added: Path, pictures: Path) -> None:
        assert (
            done("index", "list", added).stdout.splitlines()
            == ids_in(added)
            == [*("a.jpg", "b.jpg", "sub/a.jpg", "sub/c.jpg")]
        )
        told = [json.loads(line) for line in done("index", "list", added, "--json").stdout.splitlines()]
        assert [item["id"] for item in told] == ids_in(added)
        assert list(told[0]) == ["id", "path", "width", "height"]
        assert (told[3]["path"], max(told[3]["width"], told[3]["height"])) == (str(pictures / "sub" / "c.jpg"), 240)

    @pytest.mark.parametrize(
        ("wanted", "similar"),
        [
            ("c.jpg", "; there is 'sub/c.jpg'"),
            ("photos/A.JPG", "; there is 'a.jpg', 'sub/a.jpg'"),
            ("sub/c.jpeg", "; there is 'sub/c.jpg', 'sub/a.jpg'"),
            ("zebra", ""),
        ],
    )
    def test_similar_ones_are_named(self, wanted: str, similar: str, added: Path) -> None:
        result = done("index", "remove", added, wanted, code=2)
        assert result.stderr == (
            f"fingerprint: error: {wanted}: no such id in the collection; nothing was removed{similar}\n"
        )
        with open_collection(added) as opened, pytest.raises(KeyError) as caught:
            opened.record(wanted)
        assert str(caught.value) == f"{wanted}: no such id in the collection {added}{similar}"

    def test_a_root_that_was_forgotten_is_told(self, collection: Path, pictures: Path) -> None:
        done("index", "add", collection, "--root", pictures.parent, pictures / "sub" / "c.jpg")
        result = done("index", "add", collection, pictures / "sub" / "c.jpg", pictures / "b.jpg")
        assert "2 added" in result.stdout
        assert result.stderr == (
            "fingerprint: note: 1 picture in the collection under another id as well, such as c.jpg; "
            "ids depend on --root: give the same each time\n"
        )
        done("index", "remove", collection, "c.jpg")
        *told, counts = done("index", "add", collection, pictures / "sub" / "c.jpg", "--json").stdout.splitlines()
        assert [json.loads(line) for line in told] == [
            {"id": "c.jpg", "again": "in the collection under another id as well"}
        ]
        assert json.loads(counts)["again"] == 1


def test_a_query_with_too_little_to_see_is_told(collection: Path, pictures: Path, tmp_path: Path) -> None:
    done("index", "add", collection, pictures / "a.jpg")
    Image.new("RGB", (200, 150), "white").save(tmp_path / "blank.png")
    why = "there is so little to see that only the same bytes or pixels are sure to be found"
    rows = done("search", collection, tmp_path / "blank.png", pictures / "b.jpg").stdout.splitlines()
    assert rows[1].endswith(f"  nothing found; {why}")
    assert rows[2].endswith("  nothing found")
    told = [
        json.loads(line)
        for line in done("search", collection, tmp_path / "blank.png", pictures / "b.jpg", "--json").stdout.splitlines()
    ]
    assert [item.get("plain") for item in told] == [why, None]


def test_columns_of_an_answer_are_as_wide_as_its_ids(collection: Path, pictures: Path) -> None:
    shutil.copy(pictures / "b.jpg", pictures / "a cat that looks at you.jpg")
    done("index", "add", collection, pictures, code=1)
    rows = done("search", collection, pictures / "b.jpg").stdout.splitlines()[1:]
    assert len(rows) == 2
    assert len({row.index("  copy ") for row in rows}) == 1
    assert {re.split(r" {2,}", row)[1] for row in rows} == {"b.jpg", "a cat that looks at you.jpg"}


class TestKeepLocal:
    def test_by_default_they_are_not_kept(self, tmp_path: Path, pictures: Path) -> None:
        sizes = {}
        for name, options in (("lean", ()), ("whole", ("--keep-local",))):
            done("index", "create", tmp_path / name, pictures, *options, code=1)
            info = json.loads(done("index", "info", tmp_path / name, "--json").stdout)
            assert info["keeps_local"] is (name == "whole")
            sizes[name] = info["bytes"] - 128 * info["keypoints"] * (name == "whole")
            said = "yes" if name == "whole" else "no"
            assert re.search(rf"^keeps_local +{said}$", done("index", "info", tmp_path / name).stdout, re.MULTILINE)
        assert sizes["whole"] == pytest.approx(sizes["lean"], abs=1000)

    def test_what_is_added_later_is_kept_as_the_first(self, tmp_path: Path, pictures: Path) -> None:
        for name, options in (("lean", ()), ("whole", ("--keep-local",))):
            done("index", "create", tmp_path / name, *options)
            done("index", "add", tmp_path / name, pictures / "sub", code=1)
            with open_collection(tmp_path / name) as opened:
                keypoints = opened.fingerprint("c.jpg").keypoints
            assert len(keypoints.descriptors) == (len(keypoints) if name == "whole" else 0)

    def test_only_then_queries_need_no_files(self, tmp_path: Path, pictures: Path) -> None:
        for name, options in (("lean", ()), ("whole", ("--keep-local",))):
            done("index", "create", tmp_path / name, pictures / "b.jpg", *options)
        sets = ("--references", tmp_path / "lean", "--out", tmp_path / "m.csv", "--queries")
        told = {}
        for name in ("lean", "whole"):
            done("challenge", "match", *sets, tmp_path / name)
            told[name] = (tmp_path / "m.csv").read_text()
            assert told[name].splitlines()[1].startswith("b,b,")
        (pictures / "b.jpg").unlink()
        done("challenge", "match", *sets, tmp_path / "whole")
        assert (tmp_path / "m.csv").read_text() == told["whole"]
        result = done("challenge", "match", *sets, tmp_path / "lean", code=1)
        assert result.stderr == (
            "fingerprint: skipped 1 file:\n"
            f"  b.jpg: the collection {tmp_path}/lean does not keep the local descriptors that a query needs, and the "
            f"file {pictures}/b.jpg is missing or has changed; give image files as queries, or make the collection "
            "with local descriptors ('fingerprint index create --keep-local')\n"
        )


class TestCompact:
    @pytest.fixture
    def scattered(self, collection: Path, pictures: Path) -> Path:
        """Four references in four segments, and a removed one."""
        for name in ("a.jpg", "b.jpg", "sub/a.jpg", "sub/c.jpg"):
            done("index", "add", collection, "--root", pictures, pictures / name)
        shutil.copy(pictures / "b.jpg", pictures / "gone.jpg")
        done("index", "add", collection, pictures / "gone.jpg")
        done("index", "remove", collection, "gone.jpg")
        return collection

    def test_one_segment_of_the_same_references(self, scattered: Path, pictures: Path) -> None:
        search = ("search", scattered, pictures, "--json", "--min-score", 0)
        before, ids = done(*search, code=1).stdout, ids_in(scattered)
        (told,) = (json.loads(line) for line in done("index", "compact", scattered, "--json").stdout.splitlines())
        info = json.loads(done("index", "info", scattered, "--json").stdout)
        assert list(told) == ["collection", "references", "segments_before", "segments", "bytes", "bytes_freed"]
        assert (told["collection"], told["references"]) == (str(scattered), 4)
        assert (told["segments_before"], told["segments"], info["segments"], info["removed"]) == (2, 1, 1, 0)
        assert told["bytes_freed"] > 0
        assert ids_in(scattered) == ids
        assert done(*search, code=1).stdout == before
        assert done("index", "check", scattered).stdout == f"{scattered}: sound\n"

    def test_text(self, scattered: Path) -> None:
        said = done("index", "compact", scattered).stdout
        assert re.fullmatch(rf"{scattered}: 2 segments before, 1 now; [\d,]+ bytes freed\n", said)
        again = done("index", "compact", scattered).stdout
        assert again == f"{scattered}: 1 segment before, 1 now; 0 bytes freed\n"

    def test_no_segment_is_larger_than_asked_for(self, scattered: Path) -> None:
        told = json.loads(done("index", "compact", scattered, "--segment-size", 2, "--json").stdout)
        assert told["segments"] == 2
        with open_collection(scattered) as opened:
            assert [len(segment) for segment in opened._reader._snapshot.segments] == [2, 2]

    def test_a_segment_that_is_too_large_is_divided(self, scattered: Path, pictures: Path) -> None:
        search = ("search", scattered, pictures, "--json", "--min-score", 0)
        done("index", "compact", scattered)
        done("index", "remove", scattered, "b.jpg")
        before, ids = done(*search, code=1).stdout, ids_in(scattered)
        told = json.loads(done("index", "compact", scattered, "--segment-size", 2, "--json").stdout)
        assert (told["segments_before"], told["segments"]) == (1, 2)
        with open_collection(scattered) as opened:
            assert [len(segment) for segment in opened._reader._snapshot.segments] == [1, 2]
        assert ids_in(scattered) == ids
        assert done(*search, code=1).stdout == before
        assert done("index", "check", scattered).stdout == f"{scattered}: sound\n"

    def test_the_size_must_be_one_at_least(self, scattered: Path) -> None:
        assert (
            "Invalid value for '--segment-size'"
            in done(*("index", "compact", scattered, "--segment-size", 0), code=2).stderr
        )
        default = f"{DEFAULT_CONFIG.storage.compact_to}"
        assert f"default: {default}" in " ".join(done("index", "compact", "--help").stdout.split())

    def test_of_nothing(self, collection: Path) -> None:
        assert done("index", "compact", collection).stdout == (
            f"{collection}: 0 segments before, 0 now; 0 bytes freed\n"
        )


class TestOneWriter:
    @pytest.mark.parametrize("command", ["add", "list", "remove", "compact"])
    def test_a_second_one_is_told_who_is_writing_and_changes_nothing(
        self, command: str, collection: Path, pictures: Path
    ) -> None:
        done("index", "add", collection, pictures / "a.jpg")
        arguments: tuple[object, ...] = {
            "add": ("add", collection, pictures / "b.jpg"),
            "list": ("add", collection, "-"),
            "remove": ("remove", collection, "a.jpg"),
            "compact": ("compact", collection),
        }[command]
        with open_collection(collection) as other, other._writer.writing():
            begin = time.monotonic()
            result = done("index", *arguments, code=2, given=f"{pictures}/b.jpg\n")
            assert time.monotonic() - begin < 4
            assert result.stderr.startswith(
                f"fingerprint: error: {collection}: another process is writing to it (process {os.getpid()} on "
            )
            assert result.stderr.endswith("); wait until it has ended\n")
            assert json.loads(done("index", "info", collection, "--json").stdout)["references"] == 1
            found = done("search", collection, pictures / "a.jpg", "--json").stdout
            assert json.loads(found)["matches"][0]["reference"] == "a.jpg"
        done("index", *arguments, given=f"{pictures}/b.jpg\n")


def test_arrays_and_files_of_a_collection_can_be_told_apart(collection: Path, pictures: Path) -> None:
    """What was added from memory through the library shows in the command line like the rest."""
    with open_collection(collection) as opened:
        opened.add_images([("from memory", np.asarray(Image.open(pictures / "a.jpg"))), ("bad", b"no picture")])
    told = done("index", "info", collection).stdout
    assert re.search(r"^references +1$", told, re.MULTILINE)
    assert "  bad: not an image of a known format" in told


class TestDescriptorIndex:
    @pytest.mark.parametrize("kind", ["auto", "annoy", "exact"])
    def test_it_is_chosen_once_and_shown(self, kind: str, tmp_path: Path, pictures: Path) -> None:
        folder = tmp_path / "c"
        done("index", "create", folder, pictures / "sub", "--descriptor-index", kind, code=1)
        done("index", "add", folder, pictures, code=1)
        info = json.loads(done("index", "info", folder, "--json").stdout)
        assert info["descriptor_index"] == kind
        assert info["segments_by_annoy"] == (info["segments"] if kind == "annoy" else 0)
        assert re.search(rf"^descriptor_index +{kind}$", done("index", "info", folder).stdout, re.MULTILINE)

    def test_another_kind_is_refused(self, tmp_path: Path) -> None:
        assert "--descriptor-index" in done("index", "create", tmp_path / "c", "--descriptor-index", "x", code=2).stderr
