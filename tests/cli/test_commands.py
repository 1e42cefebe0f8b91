"""The command line: what it prints, how it ends, and that a bad file neither stops a run nor disappears."""

from __future__ import annotations

import csv
import errno
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import click
import h5py
import imagehash
import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import fingerprint.collection.collection
import fingerprint.collection.describing
import fingerprint.tracks
from fingerprint import __version__, compare, create_collection, open_collection
from fingerprint.cli import main
from fingerprint.cli._output import print_json, region_words, shown
from fingerprint.cli._progress import progress
from fingerprint.config import DEFAULT_CONFIG, Config, TrainConfig
from fingerprint.edits import apply_edits
from fingerprint.edits.graphics import TRAINING_FAMILIES
from fingerprint.errors import ConfigError, FingerprintError
from fingerprint.features.describe import describe_query
from fingerprint.index import Reader
from fingerprint.index.shortlist import shortlist
from fingerprint.models import load_models
from fingerprint.results import Verification
from fingerprint.train.boosting import BoostingPlan
from fingerprint.types import U8, Fingerprint, Query
from fingerprint.verify.changes import changes_of
from fingerprint.verify.score import Judgement

ROOT = Path(__file__).parents[2]
GOOD = ("astronaut", "chelsea", "coffee", "rocket")
#: Bad files and a part of what must be said of each.
BAD = {
    "cut.jpg": "truncated JPEG file",
    "empty.png": "empty file",
    "letter.jpg": "not an image of a known format",
    "noise.webp": "not an image of a known format",
}
METRICS = ["micro_ap", "recall_at_p90", "threshold_at_p90", "recall_at_1", "recall_at_10"]


@dataclass(frozen=True)
class Place:
    """Where the module's pictures are.

    `good` holds photographs, `mixed` the same and bad files, `copies` edited copies, a stranger and a bad file;
    `collection` was made from `good`.
    """

    good: Path
    mixed: Path
    copies: Path
    collection: Path
    truth: Path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="fingerprint")


def done(*arguments: object, code: int = 0) -> Result:
    result = run(*arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def lines(result: Result) -> list[dict[str, Any]]:
    return [strict_json(line) for line in result.stdout.splitlines()]


def strict_json(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def subprocess_of(*arguments: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "fingerprint", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, check=False, timeout=120, **options)


def save(path: Path, pixels: U8) -> None:
    image = Image.fromarray(pixels)
    image.thumbnail((320, 320))
    image.save(path, quality=92)


@pytest.fixture(scope="module")
def place(photos: dict[str, U8], tmp_path_factory: pytest.TempPathFactory) -> Place:
    root = tmp_path_factory.mktemp("cli")
    good, mixed, copies = (root / name for name in ("good", "mixed", "copies"))
    good.mkdir()
    copies.mkdir()
    for name in GOOD:
        save(good / f"{name}.jpg", photos[name])
    shutil.copytree(good, mixed)
    data = (good / "coffee.jpg").read_bytes()
    (mixed / "cut.jpg").write_bytes(data[: len(data) // 2])
    (mixed / "empty.png").write_bytes(b"")
    (mixed / "letter.jpg").write_text("Dear Sir or Madam, this is no picture.\n")
    (mixed / "noise.webp").write_bytes(np.random.default_rng(0).bytes(5000))
    (mixed / "notes.txt").write_text("not even by its name")
    for name, edits in (("chelsea", ("hflip",)), ("coffee", ("crop",)), ("rocket", ("jpeg",))):
        save(copies / f"of-{name}.jpg", apply_edits(photos[name], edits, np.random.default_rng(5)).pixels)
    save(copies / "stranger.jpg", photos["clock_motion"])
    (copies / "torn.jpg").write_bytes(data[:400])
    truth = root / "truth.csv"
    rows = [(f"of-{name}", name) for name in ("chelsea", "coffee", "rocket")] + [("stranger", ""), ("torn", "")]
    truth.write_text("query_id,reference_id\n" + "".join(f"{query},{reference}\n" for query, reference in rows))
    with create_collection(root / "collection") as made:
        made.add_files([good])
    return Place(good, mixed, copies, root / "collection", truth)


@pytest.fixture
def own(place: Place, tmp_path: Path) -> Path:
    """Return a copy of the collection that a test may change."""
    shutil.copytree(place.collection, tmp_path / "own")
    return tmp_path / "own"


def assert_bad_files_are_told(result: Result, bad: dict[str, str] = BAD) -> None:
    """Check the summary on stderr: a count, then a line for each file with its reason."""
    told = [line for line in result.stderr.splitlines() if not line.startswith("fingerprint: note")]
    assert told[0] == f"fingerprint: skipped {len(bad)} file{'s' * (len(bad) > 1)}:"
    assert len(told) == 1 + len(bad)
    for name, reason in bad.items():
        assert any(f"/{name}: {reason}" in line for line in told), name


def commands(group: click.Command = main, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    if isinstance(group, click.Group):
        for name, command in group.commands.items():
            yield from commands(command, (*path, name))
    else:
        yield " ".join(path), group


COMMANDS = dict(commands())


class TestHelp:
    def test_every_command_explains_itself(self) -> None:
        for name in ["", "index", "challenge", *COMMANDS]:
            result = done(*name.split(), "--help")
            assert result.stdout.startswith(f"Usage: fingerprint {name}".rstrip()), name
            assert done(*name.split(), "-h").stdout == result.stdout, name

    def test_every_command_has_an_example_of_itself_and_help_for_every_option(self) -> None:
        for name in COMMANDS:
            text = done(*name.split(), "--help").stdout
            assert f"  fingerprint {name} " in text.partition("Example")[2], name
            for parameter in COMMANDS[name].params:
                if isinstance(parameter, click.Option):
                    assert parameter.help, parameter.name
                    assert parameter.help.endswith((".", "]")), parameter.name

    def test_the_page_of_the_reference_names_every_command_and_option(self) -> None:
        page = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
        sections = {part.partition("\n")[0].strip("` "): part for part in page.split("\n## ")[1:]}
        for name, command in COMMANDS.items():
            section = sections[f"fingerprint {name}"]
            assert f"$ fingerprint {name} " in section, name
            for parameter in command.params:
                if isinstance(parameter, click.Option):
                    missing = [option for option in parameter.opts if f"`{option}" not in section]
                    assert not missing, f"{name}: {missing}"
                else:
                    assert (parameter.metavar or "").strip("[]") in section, f"{name}: {parameter.metavar}"

    def test_the_page_names_no_option_that_is_not_there(self) -> None:
        page = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
        known = {option for command in COMMANDS.values() for parameter in command.params for option in parameter.opts}
        for word in page.replace("`", " ").split():
            if word.startswith("--") and word.strip("->"):
                assert word.partition("=")[0].rstrip(".,;:)") in known | {"--help", "--version"}, word

    def test_defaults_are_those_of_the_config(self) -> None:
        text = done("search", "--help").stdout
        assert f"[default: {DEFAULT_CONFIG.results}]".replace("]", "") in text
        assert f"[default: {DEFAULT_CONFIG.probability_threshold}".replace("]", "") in text

    def test_the_version(self) -> None:
        first, of_models, parts = done("--version").stdout.splitlines()
        assert first == f"fingerprint, version {__version__}"
        models = load_models()
        assert of_models == f"models: {models.model_id}, {models.calibration_id}"
        assert f"numpy {np.__version__}" in parts
        assert "numba" in parts

    @pytest.mark.parametrize("start", [("-m", "fingerprint"), ("cli.py",)])
    def test_a_module_and_a_file_run_it_without_loading_the_engine(self, start: tuple[str, ...]) -> None:
        command = [sys.executable, "-X", "importtime", *start, "--help"]
        ended = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60)
        assert ended.stdout.split() == run("--help").stdout.split()
        loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in ended.stderr.splitlines()}
        assert "click" in loaded
        assert not loaded & {"numpy", "cv2", "numba", "scipy", "PIL", "annoy", "h5py", "sqlite3"}


class TestHash:
    def test_text_and_json_say_the_same_as_imagehash(self, place: Place) -> None:
        path = place.good / "coffee.jpg"
        with Image.open(path) as image:
            expected = [str(function(image)) for function in (imagehash.phash, imagehash.dhash, imagehash.average_hash)]
        assert done("hash", path).stdout == f"{path}  {' '.join(expected)}\n"
        as_json = lines(done("hash", "--json", path))
        assert as_json == [{"path": str(path), **dict(zip(("phash", "dhash", "ahash"), expected, strict=True))}]

    def test_they_are_those_of_a_collection(self, place: Place) -> None:
        with open_collection(place.collection) as collection:
            kept = [f"{value:016x}" for value in collection.fingerprint("coffee.jpg").hashes]
        assert done("hash", place.good / "coffee.jpg").stdout.split()[1:] == kept

    def test_bad_files_among_good_ones(self, place: Place) -> None:
        result = done("hash", place.mixed, code=1)
        assert [line.split()[0] for line in result.stdout.splitlines()] == [
            str(place.mixed / f"{name}.jpg") for name in GOOD
        ]
        assert_bad_files_are_told(result)
        assert "note: 1 file is no image by its name, such as" in result.stderr
        as_json = done("hash", place.mixed, "--json", "--quiet", code=1)
        assert_bad_files_are_told(as_json)
        assert "note" not in as_json.stderr
        skipped = {Path(item["path"]).name: item["skipped"] for item in lines(as_json) if "skipped" in item}
        assert skipped.keys() == BAD.keys()
        assert all(skipped[name].startswith(reason) for name, reason in BAD.items())
        assert len(lines(as_json)) == len(GOOD) + len(BAD)

    def test_the_same_whatever_the_number_of_workers(self, place: Place) -> None:
        one, two = (done("hash", place.mixed, "--json", "--workers", n, code=1).stdout_bytes for n in (1, 2))
        assert one == two

    def test_a_long_list_of_skipped_files_is_cut(self, tmp_path: Path) -> None:
        for number in range(23):
            (tmp_path / f"{number:02}.jpg").write_bytes(b"")
        result = done("hash", tmp_path, code=1)
        assert result.stderr.splitlines()[0] == "fingerprint: skipped 23 files:"
        assert result.stderr.splitlines()[-2:] == [f"  {tmp_path}/19.jpg: empty file", "  and 3 more"]
        assert len(lines(done("hash", tmp_path, "--json", code=1))) == 23

    def test_names_that_a_terminal_must_not_see(self, place: Place, tmp_path: Path) -> None:
        name = os.fsdecode(b"a\nb\x1b[2J\xff.jpg")
        try:
            shutil.copy(place.good / "rocket.jpg", tmp_path / name)
        except OSError:
            pytest.skip("the file system takes UTF-8 names only")
        result = done("hash", tmp_path)
        assert result.stdout.startswith(f'"{tmp_path}/a\\nb\\u001b[2J\\udcff.jpg"  ')
        assert lines(done("hash", tmp_path, "--json"))[0]["path"] == f"{tmp_path}/{name}"

    def test_links_to_folders_are_reported(self, place: Place, tmp_path: Path) -> None:
        shutil.copy(place.good / "rocket.jpg", tmp_path)
        (tmp_path / "more").symlink_to(place.good)
        result = done("hash", tmp_path, "--json", code=1)
        assert [len(item) for item in lines(result)] == [4, 2]
        assert "more: a link to another folder" in result.stderr

    def test_nothing_to_hash(self, tmp_path: Path) -> None:
        result = done("hash", tmp_path, code=2)
        assert (
            result.stderr == f"fingerprint: error: {tmp_path}: no images found; give image files or folders of images\n"
        )
        (tmp_path / "a.psd").touch()
        assert "no images found; 1 image is of a format not read" in done("hash", tmp_path, code=2).stderr


class TestCompare:
    def test_text(self, place: Place) -> None:
        result = done("compare", place.copies / "of-chelsea.jpg", place.good / "chelsea.jpg")
        told = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
        assert told["verdict"] == "a copy: one was made from the other, or both from a third"
        assert told["seen"].startswith("mirrored")
        assert re.fullmatch(r"x (\d+\.\.\d+) y \S+ of the reference at x \1 y \S+ of the query", told["where"])
        assert "for a copy   +++ " in result.stdout
        assert "against it" not in result.stdout
        strangers = done("compare", place.copies / "stranger.jpg", place.good / "chelsea.jpg").stdout
        assert "verdict      unrelated\n" in strangers
        assert "against it   --- " in strangers
        assert "for a copy" not in strangers

    @pytest.mark.parametrize(
        ("judgement", "verdict", "numbers"),
        [
            (
                Judgement(3.5, 0.97, 0.02),
                "a copy: one was made from the other, or both from a third",
                ("97.0 % (log-odds 3.50)", "2.0 %", "1.0 %"),
            ),
            (
                Judgement(-3.5, 0.03, 0.95),
                "the same template or scene; neither was made from the other",
                ("3.0 % (log-odds -3.50)", "95.0 %", "2.0 %"),
            ),
            (Judgement(-3.5, 0.03, 0.07), "unrelated", ("3.0 % (log-odds -3.50)", "7.0 %", "90.0 %")),
        ],
        ids=["copy", "shared", "unrelated"],
    )
    def test_each_relation_in_text_and_json(
        self,
        judgement: Judgement,
        verdict: str,
        numbers: tuple[str, ...],
        place: Place,
        monkeypatch: pytest.MonkeyPatch,
        request: pytest.FixtureRequest,
    ) -> None:
        monkeypatch.setattr("fingerprint.verify.verification.judge", lambda *_: judgement)
        pair = (place.copies / "of-coffee.jpg", place.good / "coffee.jpg")
        told = dict(line.split(maxsplit=1) for line in done("compare", *pair).stdout.splitlines() if line[0] != " ")
        assert told["verdict"] == verdict
        assert (told["copy"], told["shared"], told["unrelated"]) == numbers
        (as_json,) = lines(done("compare", *pair, "--json"))
        assert as_json["relation"] == request.node.callspec.id
        assert Judgement(*(as_json[key] for key in ("log_odds", "probability", "shared_probability"))) == judgement
        assert as_json["reference_region"] is not None
        assert ({"seen", "where"} <= told.keys()) == (verdict != "unrelated")
        assert (as_json["what"] is not None) == (verdict != "unrelated")
        assert ("of the query" in str(told)) == (verdict != "unrelated")

    def test_json_is_the_library_verification(self, place: Place) -> None:
        a, b = place.copies / "of-coffee.jpg", place.good / "coffee.jpg"
        (told,) = lines(done("compare", a, b, "--json"))
        expected = compare(a, b)
        assert list(told) == [
            *("query", "reference", "relation", "probability", "shared_probability", "log_odds", "identical"),
            *("inliers", "mirrored", "inverted", "rotation", "transform", "reference_region", "query_region"),
            *("query_size", "reference_size", "what", "reasons"),
        ]
        assert (told["query"], told["reference"]) == (str(a), str(b))
        assert told["probability"] == expected.probability
        assert (told["relation"], told["shared_probability"]) == (expected.relation, expected.shared_probability)
        assert told["log_odds"] == expected.log_odds
        assert told["inliers"] == expected.n_inliers
        assert tuple(told["transform"]) == expected.transform
        assert tuple(map(tuple, told["reference_region"])) == expected.reference_region
        for key, path in (("query_size", a), ("reference_size", b)):
            with Image.open(path) as image:
                assert tuple(told[key]) == image.size
        assert told["what"] == changes_of(expected).words
        assert all(set(reason) == {"name", "log_odds", "words"} for reason in told["reasons"])
        assert told["reasons"]

    @pytest.mark.parametrize("ending", ["png", "JPG"])
    def test_the_picture(self, place: Place, tmp_path: Path, ending: str) -> None:
        out = tmp_path / f"shared.{ending}"
        result = done("compare", place.copies / "of-coffee.jpg", place.good / "coffee.jpg", "--picture", out)
        assert f"picture      {out}\n" in result.stdout
        with Image.open(out) as image:
            assert min(image.size) > 100

    def test_a_picture_that_cannot_be_written_is_found_out_first(self, place: Place, tmp_path: Path) -> None:
        pair = (place.good / "coffee.jpg", place.good / "rocket.jpg")
        assert "the name must end in .png" in done("compare", *pair, "--picture", tmp_path / "a.gif", code=2).stderr
        missing = done("compare", *pair, "--picture", tmp_path / "not" / "a.png", code=2)
        assert "does not exist; make it first" in missing.stderr

    def test_a_file_that_cannot_be_read_is_named(self, place: Place) -> None:
        for pair in (("letter.jpg", "coffee.jpg"), ("coffee.jpg", "letter.jpg")):
            result = done("compare", *(place.mixed / name for name in pair), code=2)
            assert result.stdout == ""
            assert result.stderr.startswith(f"fingerprint: error: {place.mixed}/letter.jpg: not an image")


class TestIndex:
    def test_a_whole_life(self, place: Place, tmp_path: Path) -> None:
        folder = tmp_path / "new"
        assert done("index", "create", folder).stdout == (
            f"{folder}: 0 added, 0 unchanged, 0 replaced, 0 skipped; 0 references\n"
        )
        (added,) = lines(done("index", "add", folder, place.good, "--json"))
        assert added == {
            "collection": str(folder),
            "added": 4,
            "unchanged": 0,
            "replaced": 0,
            "skipped": 0,
            "ignored": 0,
            "again": 0,
            "unsupported": 0,
            "plain": 0,
            "unread_folders": 0,
            "references": 4,
        }
        (again,) = lines(done("index", "add", folder, place.good / "coffee.jpg", "--json"))
        assert (again["added"], again["unchanged"]) == (0, 1)
        (removed,) = lines(done("index", "remove", folder, "coffee.jpg", "rocket.jpg", "coffee.jpg", "--json"))
        assert removed == {"collection": str(folder), "removed": ["coffee.jpg", "rocket.jpg"], "references": 2}
        (info,) = lines(done("index", "info", folder, "--json"))
        assert list(info) == [
            *("collection", "model_id", "references", "removed", "segments", "keypoints", "bytes", "keeps_local"),
            *("descriptor_index", "segments_by_codes", "segments_by_annoy", "imported", "skipped"),
        ]
        assert (info["references"], info["removed"], info["segments"]) == (2, 2, 1)
        assert info["model_id"] == load_models().model_id
        assert f"references           {2}\n" in done("index", "info", folder).stdout
        assert done("index", "check", folder).stdout == f"{folder}: sound\n"
        assert lines(done("index", "check", folder, "--json")) == [
            {"collection": str(folder), "sound": True, "problems": []}
        ]
        assert done("index", "remove", folder, "chelsea.jpg").stdout == f"{folder}: 1 removed; 1 reference left\n"

    @pytest.mark.parametrize("how", ["create", "add"])
    def test_bad_files_among_good_ones(self, place: Place, tmp_path: Path, how: str) -> None:
        folder = tmp_path / "new"
        if how == "add":
            done("index", "create", folder)
        result = done("index", how, folder, place.mixed, "--json", code=1)
        assert_bad_files_are_told(result)
        *files, told = lines(result)
        assert told["added"] == told["references"] == len(GOOD)
        skipped = [item for item in files if "skipped" in item]
        assert {Path(item["path"]).name for item in skipped} == BAD.keys()
        assert all(item["skipped"].startswith(BAD[Path(item["path"]).name]) for item in skipped)
        ignored = [item["path"] for item in files if "ignored" in item]
        assert ignored == [str(place.mixed / "notes.txt")]
        assert (told["skipped"], told["ignored"], len(files)) == (len(BAD), 1, len(BAD) + 1)
        with open_collection(folder) as collection:
            assert collection.ids == [f"{name}.jpg" for name in GOOD]
        (info,) = lines(done("index", "info", folder, "--json"))
        assert info["skipped"] == [{"path": item["path"], "reason": item["skipped"]} for item in skipped]
        text = done("index", "info", folder).stdout
        assert re.search(r"^skipped +4$", text, re.MULTILINE)
        assert f"  {place.mixed}/empty.png: empty file\n" in text

    def test_the_same_whatever_the_number_of_workers(self, place: Place, tmp_path: Path) -> None:
        for n in (1, 2):
            done("index", "create", tmp_path / str(n), place.mixed, "--workers", n, code=1)
        one, two = (tmp_path / name / "segments" / "000001" for name in "12")
        assert {path.name: path.read_bytes() for path in one.iterdir()} == {
            path.name: path.read_bytes() for path in two.iterdir()
        }

    def test_a_damaged_file_is_found(self, own: Path) -> None:
        frames = own / "segments" / "000001" / "frames.npy"
        data = bytearray(frames.read_bytes())
        data[-1] ^= 1
        frames.write_bytes(data)
        result = done("index", "check", own, code=1)
        assert "frames.npy" in result.stdout
        assert result.stdout.endswith("own: 1 problem\n")
        (told,) = lines(done("index", "check", own, "--json", code=1))
        assert not told["sound"]
        assert len(told["problems"]) == 1

    def test_what_is_in_the_way_is_left_alone(self, place: Place, own: Path) -> None:
        before = sorted(own.rglob("*"))
        result = done("index", "create", own, place.good, code=2)
        assert result.stderr == (
            f"fingerprint: error: {own}: already a collection; 'fingerprint index add {own} IMAGES' adds to it\n"
        )
        assert sorted(own.rglob("*")) == before
        result = done("index", "create", own.parent, place.good, code=2)
        assert (
            result.stderr
            == f"fingerprint: error: {own.parent}: a folder of other files, not a collection; name a new folder for "
            "the collection, then the images ('fingerprint index create NEW-FOLDER IMAGES')\n"
        )
        assert sorted(own.parent.rglob("*")) == [own, *before]

    def test_a_bad_name_is_a_skipped_file_for_every_command(self, place: Place, tmp_path: Path) -> None:
        """Among files named on the command line as in a folder: the others are worked on, and the code says so."""
        dangling, good = tmp_path / "dangling.jpg", place.good / "chelsea.jpg"
        dangling.symlink_to(tmp_path / "gone.jpg")
        listed = tmp_path / "list.txt"
        listed.write_text(done("hash", "--algorithm", "pdq", good).stdout)
        named = (dangling, good, tmp_path / "nowhere.jpg", tmp_path / ("long" * 100))
        for command, rows in (
            (("hash", "--json"), 4),
            (("hash", "--algorithm", "pdq", "--json"), 4),
            (("search", place.collection, "--json"), 4),
            (("hash-list", "match", listed, "--json"), 5),
            (("index", "create", tmp_path / "new", "--json"), 4),
            (("index", "add", tmp_path / "new", "--json"), 4),
        ):
            for code, strict in ((1, ()), (2, ("--strict",))):
                if command[1] == "create" and strict:
                    continue  # it is there by now
                result = done(*command, *strict, *named, code=code)
                assert len(lines(result)) == rows, command
                assert (
                    sum(
                        ("skipped" in line and "path" in line) or ("query" in line and "skipped" in line)
                        for line in lines(result)
                    )
                    == 3
                )
                heading = "fingerprint: error: skipped 3 files:" if strict else "fingerprint: skipped 3 files:"
                assert heading in result.stderr
                assert f"{dangling}: no such file" in result.stderr
        with open_collection(tmp_path / "new") as collection:
            assert collection.ids == ["chelsea.jpg"]

    def test_a_file_that_may_not_be_read_is_a_skipped_file_for_every_command(
        self, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whether it can be read is seen when it is read, and ends nothing for the others."""
        closed, good = tmp_path / "closed.jpg", place.good / "chelsea.jpg"
        shutil.copy(good, closed)
        listed = tmp_path / "list.txt"
        listed.write_text(done("hash", "--algorithm", "pdq", good).stdout)
        may, opened = os.access, os.open

        def refusing(file: Any, *rest: Any, **more: Any) -> Any:
            if os.fspath(file) == str(closed):
                raise PermissionError(errno.EACCES, "Permission denied", str(file))
            return opened(file, *rest, **more)

        monkeypatch.setattr(os, "access", lambda path, mode, **more: path != str(closed) and may(path, mode, **more))
        monkeypatch.setattr(os, "open", refusing)
        for command in (
            ("hash",),
            ("search", place.collection),
            ("hash-list", "match", listed),
            ("index", "create", tmp_path / "new"),
            ("index", "add", tmp_path / "new"),
            ("dedupe", "find"),
        ):
            result = done(*command, closed, good, code=1)
            assert f"skipped 1 file:\n  {closed}: no permission to read it" in result.stderr, command

    def test_limits_are_options_of_every_command_that_reads_images(self, place: Place, tmp_path: Path) -> None:
        small, listed = place.good / "chelsea.jpg", tmp_path / "list.txt"
        listed.write_text(done("hash", "--algorithm", "pdq", small).stdout)
        for command in (
            ("hash", small),
            ("hash", "--algorithm", "phash", "--exact", small),
            ("search", place.collection, small),
            ("hash-list", "match", listed, small),
            ("index", "create", tmp_path / "new", small),
            ("index", "add", tmp_path / "new", small),
        ):
            result = done(*command, "--max-pixels", 1_000, "--timeout", 5, code=1)
            assert "pixels are more than the limit of 1,000" in result.stderr, command
        result = done("compare", small, small, "--max-pixels", 1_000, code=2)
        assert "pixels are more than the limit of 1,000" in result.stderr
        for wrong in (("--max-pixels", 0), ("--timeout", 0), ("--timeout", "nan"), ("--timeout", "inf")):
            done("hash", small, *wrong, code=2)

    def test_an_unknown_id_removes_nothing(self, own: Path) -> None:
        result = done("index", "remove", own, "coffee.jpg", "tea.jpg", code=2)
        assert result.stderr == "fingerprint: error: tea.jpg: no such id in the collection; nothing was removed\n"
        with open_collection(own) as collection:
            assert "coffee.jpg" in collection

    @pytest.mark.parametrize("command", ["info", "check"])
    def test_a_folder_that_is_no_collection(self, place: Place, command: str) -> None:
        result = done("index", command, place.good, code=2)
        assert f"{place.good}: no collection here; make one with 'fingerprint index create" in result.stderr

    def test_models_that_are_not_there(self, place: Place, tmp_path: Path) -> None:
        result = done("index", "info", place.collection, "--models", tmp_path, code=2)
        assert f"error: {tmp_path}: cannot read the models" in result.stderr
        assert "fingerprint train" in result.stderr


class TestSearch:
    def test_text_says_what_was_found_and_what_was_not(self, place: Place) -> None:
        result = done("search", place.collection, place.copies, code=1)
        table = result.stdout.splitlines()
        assert table[0].split() == ["query", "reference", "copy", "relation", "what", "is", "seen"]
        assert all(re.search(r"  (> )?\d\d\.\d %  copy       ", line) for line in table[1:4])
        rows = [line.split()[:2] for line in table[1:]]
        assert rows == [
            [str(place.copies / "of-chelsea.jpg"), "chelsea.jpg"],
            [str(place.copies / "of-coffee.jpg"), "coffee.jpg"],
            [str(place.copies / "of-rocket.jpg"), "rocket.jpg"],
            [str(place.copies / "stranger.jpg"), "nothing"],
            [str(place.copies / "torn.jpg"), "skipped:"],
        ]
        assert "copy       mirrored" in table[1]
        assert "mirrored" not in table[3]
        assert table[4].endswith("  nothing found")
        assert_bad_files_are_told(result, {"torn.jpg": "truncated JPEG file"})

    def test_json_has_a_line_for_every_query(self, place: Place) -> None:
        told = lines(done("search", place.collection, place.copies, "--json", code=1))
        assert [Path(item["query"]).name for item in told] == sorted(path.name for path in place.copies.iterdir())
        assert [match["reference"] for match in told[0]["matches"]] == ["chelsea.jpg"]
        assert told[3] == {"query": str(place.copies / "stranger.jpg"), "matches": []}
        assert list(told[4]) == ["query", "skipped"]
        with open_collection(place.collection) as collection:
            (expected,) = collection.search(place.copies / "of-coffee.jpg", min_probability=0.5)
        assert told[1]["matches"][0]["log_odds"] == expected.score
        assert told[1]["matches"][0]["inliers"] == expected.verification.n_inliers
        assert told[1]["matches"][0]["relation"] == "copy"
        assert told[1]["matches"][0]["shared_probability"] == expected.shared_probability

    VERDICTS: ClassVar = {
        "chelsea.jpg": (0.9, 0.05),
        "rocket.jpg": (0.1, 0.8),
        "coffee.jpg": (0.02, 0.9),
        "astronaut.jpg": (0.05, 0.1),
    }

    @pytest.fixture
    def judged(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        """Give each reference of the collection the probabilities of `VERDICTS`."""
        with open_collection(place.collection) as collection:
            owners = {collection.fingerprint(image_id).hashes.tobytes(): image_id for image_id in collection.ids}

        def judging(_query: Query, reference: Fingerprint, *_: Any) -> Verification:
            copy, shared = self.VERDICTS[owners[reference.hashes.tobytes()]]
            region = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0))
            return Verification(copy, shared, float(np.log(copy / (1 - copy))), 12, None, True, False, region, region)

        for name in ("fingerprint.collection.looking", "fingerprint.verify.verification"):  # of a query, of its views
            monkeypatch.setattr(f"{name}.verify", judging)

        def everything(_query: Query, found: list[Any], _config: Any) -> tuple[list[None], list[int]]:
            return [None] * len(found), list(range(len(found)))

        monkeypatch.setattr("fingerprint.collection.looking.voted", everything)

    def columns(self, result: Result) -> list[list[str]]:
        """Return the columns of the table, each cut where its heading begins."""
        head, *rows = result.stdout.splitlines()
        assert head.startswith("query ")
        return [re.split(r" {2,}", row)[1:] for row in rows]

    @pytest.mark.usefixtures("judged")
    def test_what_is_shared_is_listed_after_the_copies_on_demand(self, place: Place) -> None:
        arguments = ("search", place.collection, place.copies / "stranger.jpg")
        assert self.columns(done(*arguments)) == [["chelsea.jpg", "90.0 %", "copy", "mirrored"]]
        assert self.columns(done(*arguments, "--show-shared")) == [
            ["chelsea.jpg", "90.0 %", "5.0 %", "copy", "mirrored"],
            ["coffee.jpg", "2.0 %", "90.0 %", "shared", "mirrored"],
            ["rocket.jpg", "10.0 %", "80.0 %", "shared", "mirrored"],
        ]
        assert len(self.columns(done(*arguments, "--show-shared", "-k", 1))) == 2
        without, with_shared = (lines(done(*arguments, "--json", *more))[0] for more in ((), ("--show-shared",)))
        assert list(without) == ["query", "matches"]
        assert list(with_shared) == ["query", "matches", "shared"]
        assert with_shared["matches"] == without["matches"]
        facts = [
            (m["reference"], m["relation"], m["probability"], m["shared_probability"]) for m in with_shared["shared"]
        ]
        assert facts == [("coffee.jpg", "shared", 0.02, 0.9), ("rocket.jpg", "shared", 0.1, 0.8)]
        assert list(with_shared["shared"][0]) == list(without["matches"][0])

    def test_a_damaged_reference_is_left_out_and_reported(self, place: Place, own: Path) -> None:
        (path,) = (own / "segments").glob("*/thumbnails.npy")
        np.save(path, np.zeros_like(np.load(path)))
        result = done("search", own, place.good, "--json", code=1)
        answers = lines(result)
        assert all(answer["matches"] == [] for answer in answers)
        damaged = {item["reference"] for answer in answers for item in answer["damaged"]}
        assert damaged
        for name in damaged:
            (line,) = [line for line in result.stderr.splitlines() if f"reference {name} is left out" in line]
            assert "--repair" in line
        done("search", own, place.good, code=1)

    @pytest.mark.usefixtures("judged")
    def test_nothing_is_found_where_there_is_no_copy(self, place: Place) -> None:
        arguments = ("search", place.collection, place.copies / "stranger.jpg", "--min-score", 0.95)
        assert done(*arguments).stdout.splitlines()[1].endswith("  nothing found")
        listed = self.columns(done(*arguments, "--show-shared"))
        assert [row[0] for row in listed] == ["coffee.jpg", "rocket.jpg"]

    @pytest.mark.usefixtures("judged")
    def test_of_an_unrelated_reference_no_part_is_shown(self, place: Place) -> None:
        arguments = ("search", place.collection, place.copies / "stranger.jpg", "--min-score", 0)
        rows = {row[0]: row[1:] for row in self.columns(done(*arguments))}
        assert rows["astronaut.jpg"] == ["5.0 %", "unrelated", "-"]
        assert rows["coffee.jpg"][1] == "shared"

    def test_nothing_found_with_nothing_shared(self, place: Place, tmp_path: Path) -> None:
        done("index", "create", tmp_path / "empty")
        arguments = ("search", tmp_path / "empty", place.copies / "stranger.jpg", "--show-shared")
        assert done(*arguments).stdout.splitlines()[1].endswith("  nothing found")
        (told,) = lines(done(*arguments, "--json"))
        assert (told["matches"], told["shared"]) == ([], [])

    def test_how_many_and_how_sure(self, place: Place) -> None:
        query = place.copies / "stranger.jpg"
        everything = lines(done("search", place.collection, query, "--min-score", 0, "--json"))[0]["matches"]
        models = load_models()
        described = describe_query(query, models)
        with Reader.open(place.collection, models, DEFAULT_CONFIG) as reader:
            compared = shortlist(described, reader.select_candidates(described)[0], DEFAULT_CONFIG)
        assert sorted(match["reference"] for match in everything) == sorted(c.reference_id for c in compared)
        assert len(everything) >= 2
        odds = [match["log_odds"] for match in everything]
        assert odds == sorted(odds, reverse=True)
        best = lines(done("search", place.collection, query, "--min-score", 0, "-k", 2, "--json"))[0]["matches"]
        assert best == everything[:2]
        exact = lines(done("search", place.collection, query, "--min-score", 0, "--exact", "--json"))[0]["matches"]
        assert exact == everything

    @pytest.mark.parametrize("options", [(), ("--exact",)])
    def test_verbose_says_how_descriptors_were_compared(self, place: Place, options: tuple[str, ...]) -> None:
        query = place.copies / "stranger.jpg"
        told = done("search", place.collection, query, *options, "--verbose").stderr.splitlines()
        said = "of 1 segments, 0 searched by Annoy and 0 by codes, the others compared one query at a time"
        assert [line for line in told if "Annoy" in line] == [f"fingerprint: info: descriptors: {said}"]

    @pytest.mark.parametrize("wrong", [("-k", "0"), ("--min-score", "1.5"), ("--min-score", "nan"), ("--workers", "0")])
    def test_options_out_of_range(self, place: Place, wrong: tuple[str, str]) -> None:
        result = done("search", place.collection, place.good, *wrong, code=2)
        assert f"Invalid value for '{wrong[0]}'" in result.stderr.replace("-k' / '--results", "-k")

    def test_the_same_whatever_the_number_of_workers(self, place: Place) -> None:
        arguments = ("search", place.collection, place.copies, "--json", "--min-score", 0, "--workers")
        assert done(*arguments, 1, code=1).stdout_bytes == done(*arguments, 2, code=1).stdout_bytes


def micro_ap(rows: list[tuple[str, str, float]], pairs: set[tuple[str, str]]) -> float:
    """Compute the micro average precision from the definition, one threshold after the other."""
    total, last_recall = 0.0, 0.0
    for threshold in sorted({score for _, _, score in rows}, reverse=True):
        taken = [(query, reference) for query, reference, score in rows if score >= threshold]
        hits = len(pairs & set(taken))
        recall = hits / len(pairs)
        total += (recall - last_recall) * hits / len(taken)
        last_recall = recall
    return total


@pytest.fixture(scope="module")
def matching(place: Place, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    out = tmp_path_factory.mktemp("match") / "matches.csv"
    result = run(
        *("challenge", "match", "--queries", place.copies, "--references", place.mixed),
        *("--out", out, "--json", "--workers", 2),
    )
    return result, out


@pytest.fixture(scope="module")
def describing(place: Place, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    out = tmp_path_factory.mktemp("describe") / "descriptors.h5"
    result = run(
        *("challenge", "describe", "--queries", place.copies, "--references", place.mixed),
        *("--out", out, "--json", "--workers", 2),
    )
    return result, out


class TestChallenge:
    def pairs(self, place: Place) -> set[tuple[str, str]]:
        with place.truth.open() as file:
            return {(row["query_id"], row["reference_id"]) for row in csv.DictReader(file) if row["reference_id"]}

    def test_match_goes_past_bad_files(self, matching: tuple[Result, Path]) -> None:
        result, out = matching
        assert result.exit_code == 1, result.output
        assert_bad_files_are_told(result, BAD | {"torn.jpg": "truncated JPEG file"})
        (told,) = lines(result)
        rows = list(csv.DictReader(out.read_text().splitlines()))
        assert (told["out"], told["rows"]) == (str(out), len(rows))
        assert told["queries_with_rows"] == len({row["query_id"] for row in rows}) == 4
        assert {Path(item["path"]).name for item in told["skipped"]} == {*BAD, "torn.jpg"}
        assert {row["reference_id"] for row in rows} == set(GOOD)
        assert all(repr(float(row["score"])) == row["score"] for row in rows)

    def test_describe_goes_past_bad_files(self, matching: tuple[Result, Path], describing: tuple[Result, Path]) -> None:
        result, out = describing
        assert result.exit_code == 1, result.output
        assert_bad_files_are_told(result, BAD | {"torn.jpg": "truncated JPEG file"})
        (told,) = lines(result)
        assert sorted(map(str, told["skipped"])) == sorted(map(str, lines(matching[0])[0]["skipped"]))
        assert (told["queries"], told["references"]) == (4, 4)
        with h5py.File(out) as file:
            assert [name.decode() for name in file["reference_ids"][()]] == sorted(GOOD)
            assert file["query"].shape == (4, told["dimensions"])

    def test_judging_the_matches(self, place: Place, matching: tuple[Result, Path]) -> None:
        _, out = matching
        (told,) = lines(done("challenge", "evaluate", "--ground-truth", place.truth, "--matching", out, "--json"))
        assert list(told) == METRICS
        rows = [(q, r, float(s)) for q, r, s in list(csv.reader(out.read_text().splitlines()))[1:]]
        assert told["micro_ap"] == pytest.approx(micro_ap(rows, self.pairs(place)), abs=1e-12)
        assert told["recall_at_1"] == told["recall_at_10"] == 1.0

    def test_judging_the_descriptors_draws_a_bar(
        self, place: Place, describing: tuple[Result, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        steps: list[tuple[str, int, int]] = []

        @contextmanager
        def watched(*, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
            yield lambda *step: steps.append(step)

        monkeypatch.setattr("fingerprint.cli.challenge.progress", watched)
        done("challenge", "evaluate", "--ground-truth", place.truth, "--descriptors", describing[1])
        assert steps == [("queries", 4, 4)]

    def test_judging_the_descriptors(self, place: Place, describing: tuple[Result, Path]) -> None:
        _, out = describing
        (told,) = lines(done("challenge", "evaluate", "--ground-truth", place.truth, "--descriptors", out, "--json"))
        with h5py.File(out) as file:
            query, reference = (file[name][()].astype(np.float64) for name in ("query", "reference"))
            query_ids, reference_ids = ([n.decode() for n in file[f"{s}_ids"][()]] for s in ("query", "reference"))
        rows = [
            (query_ids[i], reference_ids[j], -float(np.square(query[i] - reference[j]).sum()))
            for i in range(len(query))
            for j in range(len(reference))
        ]
        assert list(told) == METRICS
        assert told["micro_ap"] == pytest.approx(micro_ap(rows, self.pairs(place)), abs=1e-12)

    def test_the_same_bytes_whatever_the_number_of_workers(
        self, place: Place, tmp_path: Path, matching: tuple[Result, Path], describing: tuple[Result, Path]
    ) -> None:
        sets = ("--queries", place.copies, "--references", place.mixed, "--workers", 1, "--out")
        done("challenge", "match", *sets, tmp_path / "m.csv", code=1)
        done("challenge", "describe", *sets, tmp_path / "d.h5", code=1)
        assert (tmp_path / "m.csv").read_bytes() == matching[1].read_bytes()
        assert (tmp_path / "d.h5").read_bytes() == describing[1].read_bytes()

    def test_text(self, place: Place, tmp_path: Path) -> None:
        sets = ("--queries", place.good, "--references", place.collection, "--out")
        matched = done("challenge", "match", *sets, tmp_path / "m.csv").stdout
        assert matched == f"{tmp_path}/m.csv: 15 rows on 4 of the queries\n"
        described = done("challenge", "describe", *sets, tmp_path / "d.h5").stdout
        assert described == f"{tmp_path}/d.h5: 4 queries and 4 references in 256 dimensions\n"
        truth = tmp_path / "truth.csv"
        truth.write_text("".join(f"{name},{name}\n" for name in GOOD))
        judged = done("challenge", "evaluate", "--ground-truth", truth, "--matching", tmp_path / "m.csv").stdout
        assert [line.split()[0] for line in judged.splitlines()] == METRICS
        assert judged.startswith("micro_ap          1.0000\n")

    def test_the_collection_may_be_kept(self, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        sets = ("challenge", "match", "--queries", place.copies, "--references", place.good)
        first = (*sets, "--collection", tmp_path / "kept", "--out")
        done(*first, tmp_path / "a.csv", code=1)
        monkeypatch.setattr(fingerprint.collection.describing, "describe_read_reference", None)
        done(*first, tmp_path / "b.csv", code=1)
        assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()

    def test_a_place_that_cannot_be_written_is_found_out_before_the_work(
        self, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(fingerprint.tracks, "match_track", None)
        sets = ("challenge", "match", "--queries", place.copies, "--references", place.good, "--out")
        assert "does not exist; make it first" in done(*sets, tmp_path / "not" / "m.csv", code=2).stderr
        assert "is a directory" in done(*sets, tmp_path, code=2).stderr

    def test_judging_the_labelled_part_only(self, tmp_path: Path) -> None:
        (tmp_path / "truth.csv").write_text("Q0,R0\nQ1,\n")
        (tmp_path / "m.csv").write_text("Q7,R3,9.5\nQ0,R0,9.25\n")
        judge = ("challenge", "evaluate", "--json", "--ground-truth", tmp_path / "truth.csv", "--matching")
        result = done(*judge, tmp_path / "m.csv")
        assert lines(result)[0]["micro_ap"] == 0.5
        assert result.stderr.startswith(
            "fingerprint: warning: 1 rows are on queries that the ground truth does not name"
        )
        labelled = done(*judge, tmp_path / "m.csv", "--labelled-only")
        assert lines(labelled)[0]["micro_ap"] == 1.0
        assert labelled.stderr == ""

    @pytest.mark.parametrize(
        ("rows", "said"), [("Q0.jpg,R0,9\n", "drop the extension"), ("Q7,R3,9\n", "none of the 1 rows")]
    )
    def test_nothing_that_is_labelled_is_no_zero(self, rows: str, said: str, tmp_path: Path) -> None:
        (tmp_path / "truth.csv").write_text("Q0,R0\nQ1,\n")
        (tmp_path / "m.csv").write_text(rows)
        judge = ("challenge", "evaluate", "--ground-truth", tmp_path / "truth.csv", "--matching", tmp_path / "m.csv")
        assert said in done(*judge, "--labelled-only", code=2).stderr

    def test_no_threshold_is_null(self, tmp_path: Path) -> None:
        (tmp_path / "truth.csv").write_text("Q0,R0\n")
        (tmp_path / "m.csv").write_text("Q0,R1,1.0\n")
        judge = ("challenge", "evaluate", "--ground-truth", tmp_path / "truth.csv", "--matching", tmp_path / "m.csv")
        assert lines(done(*judge, "--json"))[0]["threshold_at_p90"] is None
        assert "threshold_at_p90  none\n" in done(*judge).stdout

    def test_the_older_layout_comes_in_two_files(self, tmp_path: Path) -> None:
        for name, ids, vectors in (("q", [b"Q0"], [[0.0, 1.0]]), ("r", [b"R1", b"R0"], [[5.0, 5.0], [0.0, 1.5]])):
            with h5py.File(tmp_path / f"{name}.h5", "w") as file:
                file["vectors"] = np.array(vectors, np.float32)
                file["image_names"] = np.array(ids)
        (tmp_path / "truth.csv").write_text("Q0,R0\n")
        judge = ("challenge", "evaluate", "--json", "--ground-truth", tmp_path / "truth.csv")
        files = ("--descriptors", tmp_path / "q.h5", "--descriptors", tmp_path / "r.h5")
        (told,) = lines(done(*judge, *files))
        assert (told["micro_ap"], told["threshold_at_p90"]) == (1.0, -0.25)
        assert "this is the older layout" in done(*judge, *files[:2], code=2).stderr

    def test_what_can_be_judged_together(self, place: Place, matching: tuple[Result, Path]) -> None:
        truth, file = ("--ground-truth", place.truth), matching[1]
        for wrong in ((), ("--matching", file, "--descriptors", file), ("--descriptors", file, "--labelled-only")):
            result = done("challenge", "evaluate", *truth, *wrong, code=2)
            assert result.stderr.startswith("Usage: fingerprint challenge evaluate")

    def test_a_broken_file_is_named_with_its_line(self, place: Place, tmp_path: Path) -> None:
        (tmp_path / "m.csv").write_text("query_id,reference_id,score\nQ0,R0,nan\n")
        judge = ("challenge", "evaluate", "--ground-truth", place.truth, "--matching", tmp_path / "m.csv")
        assert done(*judge, code=2).stderr.startswith(
            f"fingerprint: error: {tmp_path}/m.csv, line 2: the score is 'nan'"
        )


@pytest.fixture(scope="module")
def pictures(photos: dict[str, U8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("train")
    tiles = [photos[name][:180, x : x + 180] for name in ("astronaut", "coffee", "rocket") for x in (0, 120, 240)]
    tiles += [photos["coffee"][220:, x : x + 180] for x in (0, 180, 360)]
    tiles += [photos[name][:180, :180] for name in photos][:12]
    for number, tile in enumerate(tiles):
        Image.fromarray(tile).save(folder / f"T{number:02}.png")
    (folder / "T99.png").write_bytes(b"")
    return folder


#: Facts that ``train`` prints of the small models, in order, and those numbers that follow from the settings.
FACTS: dict[str, int | None] = {
    "copyprint": None,
    "n_images": 24,
    "n_projection_vectors": 48,
    "n_inset_views": 24,
    "config": None,
    "features": None,
    "seed": 20210621,
    "n_edited_copies": 1,
    #: Photographs, graphics, a scene, surfaces; then as pasted pieces, with wider edits, as more second shots.
    "n_calibration_queries": 20 + 6 + 1 + 4 + 8 + 4 + 2,
    "n_calibration_pairs": None,
    "n_calibration_copies": None,
    "n_calibration_shared": None,
    "n_second_looks": None,
}


class TestTrain:
    SMALL = (
        *("--words", 4, "--dimension", 8, "--edited-copies", 1),
        *("--calibration", 20, "--templates", 1, "--scenes", 1, "--surfaces", 2),
        *("--wide", 4, "--wide-copies", 0),
    )

    @pytest.fixture(autouse=True)
    def few_families_and_trees(self, monkeypatch: pytest.MonkeyPatch) -> None:
        few = {"charts": TRAINING_FAMILIES["charts"]}
        monkeypatch.setattr("fingerprint.train.plan.TRAINING_FAMILIES", few)
        monkeypatch.setattr("fingerprint.train.calibration._PLAN", BoostingPlan(n_trees=30, depth=3, rate=0.2))

    def test_models_can_be_used_and_are_the_same_each_time(self, pictures: Path, place: Place, tmp_path: Path) -> None:
        out = tmp_path / "models"
        result = done("train", pictures, "--out", out, *self.SMALL, "--json", code=1)
        assert_bad_files_are_told(result, {"T99.png": "empty file"})
        (told,) = lines(result)
        models = load_models(out)
        assert list(told) == ["out", "model_id", "calibration_id", "facts", "skipped"]
        assert (told["model_id"], told["calibration_id"]) == (models.model_id, models.calibration_id)
        assert told["facts"]["n_images"] == 24
        assert told["model_id"].startswith("vlad4x4-8-")
        text = done("train", pictures, "--out", tmp_path / "again", *self.SMALL, "--workers", 1, code=1).stdout
        assert f"model_id               {models.model_id}\n" in text
        assert f"calibration_id         {models.calibration_id}\n" in text
        assert re.fullmatch(r"trees-[0-9a-f]{12}", models.calibration_id)
        names = [line.split()[0] for line in text.splitlines()]
        assert names == ["models", "model_id", "calibration_id", *told["facts"]]
        assert list(told["facts"]) == list(FACTS)
        numbers = {name: value for name, value in FACTS.items() if value is not None}
        assert {name: told["facts"][name] for name in numbers} == numbers
        assert all(f"\n{name:<22} {told['facts'][name]}\n" in text for name in FACTS)
        assert (tmp_path / "again" / "models.npz").read_bytes() == (out / "models.npz").read_bytes()

        refused = done("train", pictures, "--out", out, *self.SMALL, code=2)
        assert "models.npz: already exists; choose another --out, or replace it with --force" in refused.stderr
        done("index", "create", tmp_path / "own", place.good, "--models", out)
        query = place.copies / "of-chelsea.jpg"
        assert "chelsea.jpg" in done("search", tmp_path / "own", query, "--models", out, "--min-score", 0).stdout
        mismatch = done("search", tmp_path / "own", query, code=2).stderr
        assert models.model_id in mismatch
        assert load_models().model_id in mismatch

    def test_known_pairs_are_read_and_passed_on(
        self, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        passed: list[Any] = []

        def training(_images: list[Path], _config: Config, train: TrainConfig, **options: Any) -> None:
            passed.extend([train, options["known_pairs"]])
            raise ConfigError("that is enough")

        monkeypatch.setattr("fingerprint.train.train_models", training)
        listed = tmp_path / "pairs.csv"
        listed.write_text("first,second,kind\nT00.png,T01.png,second shot\nT02.png,T03.png,copy\n")
        arguments = ("train", pictures, "--out", tmp_path / "models", "--templates", 3, "--scenes", 0)
        assert "that is enough" in done(*arguments, "--known-pairs", listed, code=2).stderr
        done(*arguments, code=2)
        assert (passed[0].n_templates, passed[0].n_scenes) == (3, 0)
        assert passed[1] == {frozenset({"T00.png", "T01.png"}): 1, frozenset({"T02.png", "T03.png"}): 2}
        assert passed[3] is None

    def test_known_pairs_that_cannot_be_read(self, pictures: Path, tmp_path: Path) -> None:
        listed = tmp_path / "pairs.csv"
        arguments = ("train", pictures, "--out", tmp_path / "models", "--known-pairs", listed)
        assert f"'{listed}' does not exist" in done(*arguments, code=2).stderr
        listed.write_text("first,second\nT00.png,T01.png\n")
        assert done(*arguments, code=2).stderr == (
            f"fingerprint: error: {listed}: not a list of pairs ('kind'); it needs the columns first, second and kind\n"
        )

    @pytest.mark.parametrize("option", ["--templates", "--scenes"])
    def test_a_negative_number_is_refused(self, option: str, pictures: Path, tmp_path: Path) -> None:
        result = done("train", pictures, "--out", tmp_path / "models", option, -1, code=2)
        assert f"Invalid value for '{option}'" in result.stderr

    def test_too_few_pictures(self, place: Place, tmp_path: Path) -> None:
        result = done("train", place.good, "--out", tmp_path / "models", code=2)
        assert result.stderr == (
            "fingerprint: error: training needs at least 20 readable images, found 4; give more images\n"
        )


class TestBoundary:
    """Failures of all kinds, raised where a command calls the library."""

    @pytest.fixture
    def failing(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> Any:
        def fail(error: BaseException) -> Result:
            def raising(*_: object, **__: object) -> None:
                raise error

            monkeypatch.setattr(fingerprint.collection.collection, "open_collection", raising)
            return run("index", "info", place.collection)

        return fail

    @pytest.mark.parametrize(
        ("error", "message"),
        [
            (FingerprintError("a.jpg: what; remedy"), "a.jpg: what; remedy"),
            (FingerprintError("a\x1b[2J\n.jpg: what"), "a\\u001b[2J\\n.jpg: what"),
            (
                OSError(errno.ENOSPC, "No space left on device", "/x/y"),
                "/x/y: no space left on device; free some space",
            ),
            (PermissionError(errno.EACCES, "Permission denied", "/x"), "/x: permission denied; choose another folder"),
            (OSError("something odd"), "something odd"),
            (MemoryError(), "not enough memory; give fewer --workers"),
            (
                sqlite3.OperationalError("database or disk is full"),
                "the collection's catalogue: database or disk is full",
            ),
        ],
        ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
    )
    def test_foreseeable_failures_are_one_line_and_code_2(self, failing: Any, error: Exception, message: str) -> None:
        result = failing(error)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert result.stderr.startswith(f"fingerprint: error: {message}")
        assert result.stderr.count("\n") == 1

    def test_an_interruption_is_code_130(self, failing: Any) -> None:
        result = failing(KeyboardInterrupt())
        assert (result.exit_code, result.stderr) == (130, "\nfingerprint: interrupted\n")

    @pytest.mark.parametrize(("stopped", "code"), [(KeyboardInterrupt(), 130), (SystemExit(143), 143)])
    def test_an_interruption_that_numba_wraps_is_one_too(self, failing: Any, stopped: BaseException, code: int) -> None:
        """A signal while a kernel hands over its result comes as an error of the system, caused by another."""
        inner, outer = SystemError("returned a result with an exception set"), SystemError("the same of the dispatcher")
        inner.__cause__, outer.__cause__ = stopped, inner
        assert failing(outer).exit_code == code
        assert failing(SystemError("without a signal")).exit_code == 70

    def test_the_signal_term_takes_temporary_files_with_it(self, place: Place, tmp_path: Path) -> None:
        program = (
            "import os, signal, sys, fingerprint.tracks as tracks\n"
            "search = tracks._search\n"
            "def stop(*arguments):\n"
            "    os.kill(os.getpid(), signal.SIGTERM)\n"
            "    yield from search(*arguments)\n"
            "tracks._search = stop\n"
            "from fingerprint.cli import main\n"
            "main(sys.argv[1:])\n"
        )
        sets = ("--queries", place.good, "--references", place.good, "--out", tmp_path / "m.csv")
        (tmp_path / "temporary").mkdir()
        command = [sys.executable, "-c", program, "challenge", "match", *map(str, sets)]
        environment = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
        ended = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, timeout=120)
        assert (ended.returncode, ended.stdout, ended.stderr) == (143, b"", b"")
        assert [path.name for path in tmp_path.rglob("*")] == ["temporary"]

    def test_a_fault_of_the_program_has_a_code_of_its_own(self, failing: Any) -> None:
        """Not 1, which means that the work was done."""
        result = failing(RuntimeError("a\nbug"))
        assert result.exit_code == 70
        assert result.stderr.startswith(
            "fingerprint: internal error: RuntimeError: a\\nbug; this is a bug of copyprint"
        )
        assert result.stderr.count("\n") == 1
        assert result.stdout == ""

    def test_its_traceback_is_shown_on_demand(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(fingerprint.collection.collection, "open_collection", lambda *_, **__: 1 / 0)
        for more, wanted in (((), False), (("-v",), False), (("-vv",), True)):
            result = run("index", "info", place.collection, *more)
            assert result.exit_code == 70
            assert ("Traceback" in result.stderr) is wanted

    def test_warnings_of_libraries_are_told_on_demand(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        def warn(*_: object, **__: object) -> None:
            warnings.warn("Corrupt EXIF data", stacklevel=1)
            raise FingerprintError("done")

        monkeypatch.setattr(fingerprint.collection.collection, "open_collection", warn)
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            quiet, verbose = (run("index", "info", place.collection, *more) for more in ((), ("--verbose",)))
        assert quiet.stderr == "fingerprint: error: done\n"
        assert verbose.stderr == "fingerprint: info: Corrupt EXIF data\nfingerprint: error: done\n"

    def test_usage_errors_are_code_2(self) -> None:
        for wrong in (["nonsense"], ["hash"], ["hash", "--nonsense", "x"], ["index", "add", "nowhere", "x"]):
            result = run(*wrong)
            assert result.exit_code == 2
            assert "Usage: fingerprint" in result.stderr

    def test_a_reader_that_has_had_enough_is_no_error(self, place: Place) -> None:
        read, write = os.pipe()
        os.close(read)
        try:
            ended = subprocess_of("hash", place.mixed, stdout=write, stderr=subprocess.PIPE)
        finally:
            os.close(write)
        assert ended.returncode == 141
        assert ended.stderr == b""

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
    def test_a_full_disk_under_stdout_is_told(self, place: Place) -> None:
        with Path("/dev/full").open("wb") as full:
            ended = subprocess_of("hash", place.good, stdout=full, stderr=subprocess.PIPE)
        assert ended.returncode == 2
        assert ended.stderr.startswith(b"fingerprint: error: no space left on device; free some space")
        assert ended.stderr.count(b"\n") == 1

    def test_a_process_ends_with_the_code(self, place: Place, tmp_path: Path) -> None:
        ended = subprocess_of("index", "create", tmp_path / "new", place.mixed, "--json", capture_output=True)
        assert ended.returncode == 1
        assert strict_json(ended.stdout.decode().splitlines()[-1])["added"] == 4
        assert ended.stderr.decode().splitlines()[1] == "fingerprint: skipped 4 files:"


class TestProgress:
    def drawn(self, *, total: int = 3, stderr: bool = True, stdout: bool = False, **options: bool) -> str:
        """Return what three steps of two stages write to stderr; `stderr` and `stdout` say which are terminals."""
        written: list[str] = []

        def stream(terminal: bool, write: Callable[[str], object]) -> Any:
            return SimpleNamespace(isatty=lambda: terminal, write=write, flush=lambda: None, encoding="utf-8")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stderr", stream(stderr, written.append))
            patch.setattr(sys, "stdout", stream(stdout, sys.stdout.write))
            with progress(quiet=options.pop("quiet", False), **options) as report:
                for stage in ("references", "queries"):
                    for step in (1, 2, 3):
                        report(stage, step, total)
        return "".join(written)

    def test_a_bar_for_each_stage(self) -> None:
        for stage, line in zip(("references", "queries", ""), self.drawn().split("\n"), strict=True):
            if not stage:
                assert line == ""
                break
            assert line.count(stage) == 4
            assert "3/3" in line

    def test_a_count_where_the_number_is_not_known(self) -> None:
        for stage, line in zip(("references", "queries"), self.drawn(total=0).split("\n"), strict=False):
            assert stage in line
            assert re.search(r"\b3\b", line)
            assert "3/3" not in line
            assert "%" not in line

    def test_none_when_quiet_or_without_a_terminal_or_between_results(self) -> None:
        assert self.drawn(streams=True) != ""
        assert self.drawn(streams=True, stdout=True) == ""
        assert self.drawn(quiet=True) == ""
        assert self.drawn(stderr=False) == ""


class TestOutput:
    def test_json_is_strict(self, capsys: pytest.CaptureFixture[str]) -> None:
        print_json({"a": float("nan"), "b": [float("inf"), (1.5, None)], "c": "é\udcff"})
        assert capsys.readouterr().out == '{"a": null, "b": [null, [1.5, null]], "c": "\\u00e9\\udcff"}\n'

    def test_names_are_shown_on_one_line(self) -> None:
        assert shown("été 1.jpg") == "été 1.jpg"
        assert shown("a\tb\r\n\u202e\udc80") == "a\\tb\\r\\n\\u202e\\udc80"

    def test_regions_in_words(self) -> None:
        region = ((-0.5, -0.5), (99.5, 3.2), (20.0, 40.7))
        facts = (0.9, 0.05, 2.0, 12, None, False, False)
        assert region_words(Verification(*facts, region, region)) == (
            "x 0..99 y 0..40 of the reference at x 0..99 y 0..40 of the query"
        )
        endless = ((float("inf"), 0.0),) * 3
        assert "an unbounded part of the query" in region_words(Verification(*facts, region, endless))
        assert region_words(Verification(*facts, None, None)) == "not known"
