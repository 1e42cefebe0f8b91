"""The command ``dedupe``: what it prints, what it does to files, and how that is taken back."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from fingerprint.cli import main
from fingerprint.cli.dedupe import _KEEPS
from fingerprint.dedupe import KEEPS
from fingerprint.types import U8


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="fingerprint")


def done(*arguments: object, code: int = 0) -> Result:
    result = run(*arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def source(photos: dict[str, U8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dedupe") / "photos"
    (folder / "sub").mkdir(parents=True)
    for name in ("chelsea", "rocket"):
        image = Image.fromarray(photos[name])
        image.thumbnail((320, 320), Image.Resampling.LANCZOS)
        image.save(folder / f"{name}.jpg", quality=92)
    shutil.copy(folder / "chelsea.jpg", folder / "sub" / "chelsea (1).jpg")
    with Image.open(folder / "rocket.jpg") as image:
        image.resize((image.width // 2, image.height // 2)).save(folder / "sub" / "rocket-small.jpg")
    (folder / "letter.jpg").write_text("no picture")
    (folder / "notes.txt").write_text("no image by its name")
    return folder


@pytest.fixture
def library(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the folder, and make the one above it the current one."""
    shutil.copytree(source, tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    return Path("photos")


def test_links_are_counted_beside_copies(library: Path) -> None:
    (library / "letter.jpg").unlink()
    (library / "again.jpg").hardlink_to(library / "chelsea.jpg")
    *_, totals = lines(done("dedupe", library, "--json"))
    assert (totals["groups"], totals["groups_only_shared"], totals["copies"], totals["links"]) == (2, 0, 2, 1)
    assert "2 groups, 2 copies and 1 link among 5 files" in done("dedupe", library).stdout
    done("dedupe", library, "--report", "page.html")
    assert "<title>2 copies and 1 link among 5 files" in Path("page.html").read_text()


def test_text_says_what_would_be_kept_and_changes_nothing(library: Path) -> None:
    before = files(library)
    result = done("dedupe", library, code=1)
    text = result.stdout
    assert "keep  photos/chelsea.jpg" in text
    assert "photos/sub/chelsea (1).jpg  same file" in text
    assert "smaller (50 %)" in text
    assert "2 groups, 2 copies among 4 files" in text
    assert "Nothing was changed" in text
    assert "With --collection DIR the next run describes only" in result.stderr
    assert "letter.jpg: not an image of a known format" in result.stderr
    assert "1 file is no image by its name" in result.stderr
    assert files(library) == before
    assert sorted(path.name for path in Path().iterdir()) == ["photos"]


def test_json_has_groups_skipped_files_and_totals(library: Path) -> None:
    *groups, skipped, totals = lines(done("dedupe", "find", library, "--json", code=1))
    assert [group["keeper"]["path"] for group in groups] == ["photos/chelsea.jpg", "photos/rocket.jpg"]
    assert groups[0]["keeper"]["reasons"]
    (member,) = groups[1]["members"]
    assert member["what"] == "smaller (50 %)"
    assert member["relation"] == "copy"
    assert member["frees"] == (library / "sub/rocket-small.jpg").stat().st_size
    assert skipped["path"] == "photos/letter.jpg"
    assert {key: totals[key] for key in ("files", "groups", "copies", "skipped")} == {
        "files": 4,
        "groups": 2,
        "copies": 2,
        "skipped": 1,
    }


def test_csv_has_a_line_for_each_file(library: Path) -> None:
    rows = list(csv.DictReader(done("dedupe", library, "--csv", code=1).stdout.splitlines()))
    assert [(row["group"], row["role"], Path(row["path"]).name) for row in rows] == [
        ("1", "keeper", "chelsea.jpg"),
        ("1", "copy", "chelsea (1).jpg"),
        ("2", "keeper", "rocket.jpg"),
        ("2", "copy", "rocket-small.jpg"),
    ]
    assert rows[1]["what"] == "same file"


def test_moved_and_moved_back(library: Path) -> None:
    before = files(library)
    (library / "letter.jpg").unlink()
    before.pop("letter.jpg")
    result = done("dedupe", library, "--move-to", "copies", "--log", "log.jsonl", "--collection", "kept.fp")
    assert "'fingerprint dedupe undo log.jsonl' takes this back" in result.stderr
    assert "2 files moved" in result.stdout
    assert sorted(files(Path("copies"))) == ["chelsea (1).jpg", "rocket-small.jpg"]
    assert "no copies among 2 files" in done("dedupe", library, "--collection", "kept.fp").stdout
    assert "2 files back" in done("dedupe", "undo", "log.jsonl").stdout
    assert files(library) == before
    again = lines(done("dedupe", "undo", "log.jsonl", "--json"))
    assert [item["outcome"] for item in again] == ["was there already"] * 2
    (library / "sub/rocket-small.jpg").write_bytes(b"mine")
    result = done("dedupe", "undo", "log.jsonl", code=1)
    assert "something else lies there" in result.stderr


def test_links_need_the_same_bytes(library: Path) -> None:
    *groups, _, totals = lines(done("dedupe", library, "--hardlink", "--json", code=1))
    (same,), (smaller,) = (group["members"] for group in groups)
    assert same["outcome"] == "hardlinked"
    assert smaller["outcome"] == "left alone"
    assert "bytes" in smaller["reason"]
    assert totals["acted_on"] == 1
    assert (library / "chelsea.jpg").samefile(library / "sub/chelsea (1).jpg")
    (log,) = Path().glob("dedupe-*.jsonl")
    done("dedupe", "undo", log)
    assert not (library / "chelsea.jpg").samefile(library / "sub/chelsea (1).jpg")


def test_the_keeper_is_a_matter_of_options(library: Path) -> None:
    (library / "letter.jpg").unlink()
    kept = ("--collection", "kept.fp", "--json")
    assert "With --collection" not in done("dedupe", library, *kept).stderr
    preferred = lines(done("dedupe", library, "--prefer", library / "sub", *kept))[:-1]
    assert {group["keeper"]["path"] for group in preferred} == {
        "photos/sub/chelsea (1).jpg",
        "photos/sub/rocket-small.jpg",
    }
    reference = lines(done("dedupe", library / "chelsea.jpg", "--reference", library / "sub", *kept))[:-1]
    assert [group["members"][0]["path"] for group in reference] == ["photos/chelsea.jpg"]
    assert len(lines(done("dedupe", library, "--min-score", "1", *kept))) == 2


def test_against_a_collection(library: Path) -> None:
    done("index", "create", "photos.fp", library / "chelsea.jpg")
    (group, totals) = lines(done("dedupe", library / "sub", "--against", "photos.fp", "--json"))
    assert group["keeper"]["path"] == str(Path("photos/chelsea.jpg").absolute())
    assert [member["path"] for member in group["members"]] == ["photos/sub/chelsea (1).jpg"]
    assert totals["copies"] == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--move-to", "x", "--hardlink"), "exclude each other"),
        (("--json", "--csv"), "exclude each other"),
        (("--log", "log.jsonl"), "--move-to"),
        (("--min-score", "0.3"), "0.3 is not in the range"),
        (("--move-to", "photos/copies"), "found again"),
        (("--keep", "prettiest"), "path-order"),
        (("--against", "photos", "--collection", "kept.fp"), "excludes"),
    ],
)
def test_what_makes_no_sense_is_refused(library: Path, options: tuple[str, ...], said: str) -> None:
    assert said in done("dedupe", library, *options, code=2).stderr


def test_files_are_not_moved_into_the_folder_in_which_they_lie(library: Path) -> None:
    """They would only be given other names there."""
    before, named = files(library), sorted(path for path in library.rglob("*") if path.is_file())
    for folder in {path.parent for path in named}:
        refused = done("dedupe", *named, "--move-to", folder, "--log", "log.jsonl", code=2)
        assert "already; choose another folder" in refused.stderr
    assert files(library) == before


def test_a_log_that_cannot_be_made_is_known_before_the_work(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != "." and access(path, mode))
    assert "give --log FILE" in done("dedupe", library, "--hardlink", code=2).stderr
    done("dedupe", library, "--hardlink", "--log", "log.jsonl", code=1)


def test_a_log_that_is_there_is_not_written_over(library: Path) -> None:
    Path("log.jsonl").write_text("mine")
    assert "is there already" in done("dedupe", library, "--hardlink", "--log", "log.jsonl", code=2).stderr
    assert "no log" in done("dedupe", "undo", "log.jsonl", code=2).stderr
    assert Path("log.jsonl").read_text() == "mine"


def test_a_folder_called_undo_is_written_with_its_path(library: Path) -> None:
    library.rename("undo")
    assert "2 groups" in done("dedupe", "./undo", code=1).stdout
    assert "is a directory" in done("dedupe", "undo", "undo", code=2).stderr


def test_help_is_that_of_the_group_without_arguments() -> None:
    assert "undo" in done("dedupe", "--help").stdout
    assert "--move-to" in done("dedupe", "find", "--help").stdout
    assert run("dedupe").exit_code == 2


def test_the_choices_of_the_command_are_those_of_the_library() -> None:
    assert _KEEPS == KEEPS
