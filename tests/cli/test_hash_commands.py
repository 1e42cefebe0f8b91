"""The commands about perceptual hashes, as a user meets them."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import imagehash
import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from fingerprint.cli import main
from fingerprint.files.names import read_name
from fingerprint.hashes import ALGORITHMS, dihedral_hashes, perceptual_hash
from fingerprint.hashlists import read_hash_list
from fingerprint.types import U8

ROOT = Path(__file__).parents[2]
NAMES = ("astronaut", "chelsea", "coffee", "rocket")


def done(*arguments: object, code: int = 0, given: str | bytes | None = None) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="fingerprint", input=given)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def objects(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture(scope="module")
def folder(photos: dict[str, U8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs as JPEG."""
    folder = tmp_path_factory.mktemp("photos")
    for name in NAMES:
        Image.fromarray(photos[name]).save(folder / f"{name}.jpg", quality=90)
    return folder


@pytest.fixture
def odd(tmp_path: Path) -> list[str]:
    """Names of pictures that the file system takes."""
    names = ["a, b.jpg", " a;b .jpg", '"c".jpg', "#1.jpg", "{d}.jpg", "Screenshot 10.15.02\u202fPM.jpg", "\u200fe.jpg"]
    names += ["f\tg.jpg", "h\ni.jpg", "\x1b[31mj.jpg", "\u202egpj.jpg", "k\\n.jpg", os.fsdecode(b"\xff\x9b.jpg")]
    for name in names.copy():
        try:
            (tmp_path / name).touch()
            (tmp_path / name).unlink()
        except OSError:
            names.remove(name)
    return names


@pytest.fixture(scope="module")
def uploads(photos: dict[str, U8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Changed copies, a stranger, a blank picture and a torn one."""
    folder = tmp_path_factory.mktemp("uploads")
    cat, coffee = Image.fromarray(photos["chelsea"]), Image.fromarray(photos["coffee"])
    cat.resize((300, 200)).save(folder / "cat.webp")
    cat.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "cat-mirrored.jpg", quality=60)
    coffee.transpose(Image.Transpose.ROTATE_270).save(folder / "coffee-turned.png")  # clockwise by 90 degrees
    Image.fromarray(photos["camera"]).save(folder / "stranger.jpg")
    Image.new("RGB", (400, 300), "white").save(folder / "blank.png")
    (folder / "torn.jpg").write_bytes(b"\xff\xd8\xff\xe0torn")
    return folder


@pytest.fixture(scope="module")
def known(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list of the photographs' hashes, as the command writes it."""
    path = tmp_path_factory.mktemp("lists") / "known.txt"
    path.write_text(done("hash", "--algorithm", "pdq", folder).stdout)
    return path


class TestHash:
    @pytest.mark.parametrize("name", ALGORITHMS)
    def test_each_algorithm_in_each_form(self, name: str, folder: Path) -> None:
        expected = [(str(folder / f"{n}.jpg"), perceptual_hash(folder / f"{n}.jpg", name)) for n in NAMES]
        as_json = objects(done("hash", "--algorithm", name, "--json", folder))
        assert as_json == [
            {"path": path, "algorithm": name, "hash": found.hex, "quality": found.quality} for path, found in expected
        ]
        assert [list(line) for line in as_json] == [["path", "algorithm", "hash", "quality"]] * len(NAMES)
        assert objects(done("hash", "--algorithm", name, "--format", "json", folder)) == as_json
        rows = list(csv.DictReader(io.StringIO(done("hash", "--algorithm", name, "--format", "csv", folder).stdout)))
        assert [{**row, "quality": int(row["quality"])} for row in rows] == as_json
        text = done("hash", "--algorithm", name, folder).stdout.splitlines()
        assert [line.split("\t") for line in text] == [
            [found.hex, str(found.quality), name, path] for path, found in expected
        ]

    def test_several_algorithms_in_the_order_they_were_named(self, folder: Path) -> None:
        chosen = ("--algorithm", "dHash_Vertical", "--algorithm", "pdq")
        found = objects(done("hash", *chosen, "--json", folder))
        assert [line["algorithm"] for line in found] == ["dhash-vertical", "pdq"] * len(NAMES)

    def test_the_exact_mode_says_what_imagehash_says(self, folder: Path) -> None:
        for line in objects(done("hash", "--exact", "--algorithm", "phash", "--json", folder)):
            with Image.open(line["path"]) as image:
                assert line["hash"] == str(imagehash.phash(image))

    def test_bad_files_stop_nothing(self, uploads: Path) -> None:
        result = done("hash", "--algorithm", "pdq", "--json", uploads, code=1)
        found = {Path(line["path"]).name: line for line in objects(result)}
        assert len(found) == 6
        assert "skipped" in found["torn.jpg"]
        assert found["blank.png"]["quality"] == 0
        assert "skipped 1 file" in result.stderr
        assert len(done("hash", "--algorithm", "pdq", uploads, code=1).stdout.splitlines()) == 5

    @pytest.mark.parametrize("form", ["text", "csv", "json"])
    def test_the_same_bytes_whatever_the_number_of_workers(self, form: str, uploads: Path, folder: Path) -> None:
        command = ("hash", "--algorithm", "pdq", "--algorithm", "whash", "--format", form, uploads, folder)
        assert len({done(*command, "--workers", n, code=1).stdout_bytes for n in (1, 2, 5)}) == 1

    def test_what_makes_no_sense_is_refused(self, folder: Path) -> None:
        assert "need '--algorithm NAME'" in done("hash", "--exact", folder, code=2).stderr
        assert "need '--algorithm NAME'" in done("hash", "--format", "csv", folder, code=2).stderr
        assert "no hash algorithm is called 'sha1'" in done("hash", "--algorithm", "sha1", folder, code=2).stderr

    @pytest.mark.parametrize("form", ["text", "json"])
    def test_without_an_algorithm_it_is_a_list_too(
        self, form: str, folder: Path, tmp_path: Path, odd: list[str]
    ) -> None:
        pictures = tmp_path / "odd"
        pictures.mkdir()
        for name in odd:
            (pictures / name).write_bytes((folder / "rocket.jpg").read_bytes())
        printed = done("hash", "--format", form, pictures, folder).stdout_bytes
        read = read_hash_list(io.BytesIO(printed))
        assert read.malformed == ()
        assert [group.algorithm for group in read.groups] == ["phash", "dhash", "ahash"]
        names = [str(pictures / name) for name in odd] + [str(folder / f"{name}.jpg") for name in NAMES]
        assert all(sorted(group.ids) == sorted(names) for group in read.groups)
        (tmp_path / "list").write_bytes(printed)
        found, _ = objects(done("hash-list", "match", "--json", tmp_path / "list", folder / "coffee.jpg"))
        assert {(match["id"], match["algorithm"]) for match in found["matches"]} >= {
            (str(folder / "coffee.jpg"), name) for name in ("phash", "dhash", "ahash")
        }

    @pytest.mark.parametrize("form", ["text", "csv", "json"])
    def test_odd_names_are_printed_so_that_a_list_has_them(
        self, form: str, folder: Path, tmp_path: Path, odd: list[str]
    ) -> None:
        pictures = tmp_path / "odd"
        pictures.mkdir()
        for name in odd:
            (pictures / name).write_bytes((folder / "rocket.jpg").read_bytes())
        printed = done("hash", "--algorithm", "pdq", "--format", form, pictures).stdout_bytes
        assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80\xae", printed)
        read = read_hash_list(io.BytesIO(printed))
        assert sorted(read.groups[0].ids) == sorted(str(pictures / name) for name in odd)
        assert read.malformed == ()
        assert all(Path(name).exists() for name in read.groups[0].ids)
        if form != "json":
            assert f"{pictures}/Screenshot 10.15.02\u202fPM.jpg".encode() in printed
        (tmp_path / "list").write_bytes(printed)
        found, _ = objects(done("hash-list", "match", "--json", tmp_path / "list", folder / "rocket.jpg"))
        assert sorted(match["id"] for match in found["matches"]) == sorted(read.groups[0].ids)
        rows = done("hash-list", "match", tmp_path / "list", folder / "rocket.jpg").stdout_bytes.decode().split("\n")
        assert sorted(read_name(row.split("\t")[4]) for row in rows if row) == sorted(read.groups[0].ids)

    @pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
    def test_a_terminal_without_unicode_ends_no_command(self, encoding: str, folder: Path, tmp_path: Path) -> None:
        path = tmp_path / "10.15\u202fPM.jpg"
        path.write_bytes((folder / "rocket.jpg").read_bytes())
        environment = {**os.environ, "PYTHONIOENCODING": f"{encoding}:strict"}
        for arguments, printed in (
            (("compare", path, path), rb"10.15\u202fPM.jpg"),
            (("hash", path), "10.15\u202fPM.jpg  ".encode()),  # a list, which is UTF-8 everywhere
        ):
            command = [sys.executable, "-m", "fingerprint", *map(str, arguments)]
            ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
            assert ended.returncode == 0, ended.stderr
            assert printed in ended.stdout


class TestInterrupt:
    @pytest.mark.parametrize("n_workers", [1, 2])
    def test_control_c_ends_at_once_and_leaves_whole_lines(self, n_workers: int, folder: Path, tmp_path: Path) -> None:
        for number in range(20_000):
            (tmp_path / f"{number:05}.jpg").hardlink_to(folder / "astronaut.jpg")
        command = [sys.executable, "-m", "fingerprint", "hash", "--algorithm", "pdq", "--json", str(tmp_path)]
        process = subprocess.Popen(
            [*command, "--workers", str(n_workers)],
            cwd=ROOT,
            bufsize=0,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # shells turn it off in the background
        )
        assert process.stdout is not None
        first = process.stdout.readline()  # under way
        process.send_signal(signal.SIGINT)
        before = time.monotonic()
        rest, told = process.communicate(timeout=60)
        assert time.monotonic() - before < 30  # not the minute that all of them would take
        assert process.returncode == 130
        assert told.decode().split() == ["fingerprint:", "interrupted"]
        printed = (first + rest).splitlines(keepends=True)
        assert 1 <= len(printed) < 20_000
        assert all(json.loads(line)["algorithm"] == "pdq" and line.endswith(b"\n") for line in printed)


class TestHashList:
    def test_what_the_list_knows_is_found_however_it_is_turned(self, known: Path, uploads: Path, folder: Path) -> None:
        result = done("hash-list", "match", "--json", known, uploads, code=1)  # one file is torn
        *found, about = objects(result)
        matches = {Path(line["path"]).name: line.get("matches") for line in found}
        ids = {name: [Path(match["id"]).stem for match in items] for name, items in matches.items() if items}
        assert ids == {"cat.webp": ["chelsea"], "cat-mirrored.jpg": ["chelsea"], "coffee-turned.png": ["coffee"]}
        orientations = {name: items[0]["orientation"] for name, items in matches.items() if items}
        assert orientations == {
            "cat.webp": "upright",
            "cat-mirrored.jpg": "mirrored",
            "coffee-turned.png": "rotated-90",
        }
        for name, items in matches.items():
            for match in items or []:
                assert match["algorithm"] == "pdq"
                assert match["hash"] == perceptual_hash(folder / Path(match["id"]).name).hex
                assert match["distance"] <= 31
                nearest = min(
                    bin(found.value ^ int(match["hash"], 16)).count("1") for found in dihedral_hashes(uploads / name)
                )
                assert match["distance"] == nearest
        assert matches["blank.png"] == matches["stranger.jpg"] == []
        assert matches["torn.jpg"] is None
        assert about == {"list": str(known), "hashes": 4, "left_out": 0, "matched": 3, "malformed": []}
        assert (
            "images with a match: 3 of 5, among 4 hashes; 1 image too flat or too small to be compared" in result.stderr
        )

    def test_text_has_a_line_for_each_match(self, known: Path, uploads: Path, folder: Path) -> None:
        result = done("hash-list", "match", "--quiet", known, uploads, code=1)
        rows = [line.split("\t") for line in result.stdout.splitlines()]
        assert [(Path(row[0]).name, row[2], row[3], row[4]) for row in rows] == [
            ("cat-mirrored.jpg", "mirrored", "pdq", str(folder / "chelsea.jpg")),
            ("cat.webp", "upright", "pdq", str(folder / "chelsea.jpg")),
            ("coffee-turned.png", "rotated-90", "pdq", str(folder / "coffee.jpg")),
        ]
        assert "with a match" not in result.stderr

    def test_upright_looks_for_nothing_turned(self, known: Path, uploads: Path) -> None:
        result = done("hash-list", "match", "--quiet", "--upright", known, uploads, code=1)
        assert [Path(line.split("\t")[0]).name for line in result.stdout.splitlines()] == ["cat.webp"]

    @pytest.mark.parametrize("name", ["pdq", "phash", "dhash"])
    def test_the_orientation_is_how_the_image_shows_the_listed_one(
        self, name: str, photos: dict[str, U8], tmp_path: Path
    ) -> None:
        for turn in ["rotated-90", "rotated-180", "rotated-270", "mirrored", "mirrored-rotated-90"]:
            rgb = photos["astronaut"]
            quarters = int(turn.rpartition("-")[2]) // 90 if "rotated" in turn else 0
            shown = np.rot90(rgb[:, ::-1] if turn.startswith("mirrored") else rgb, -quarters)
            Image.fromarray(np.ascontiguousarray(shown)).save(tmp_path / "shown.png")
            listed = f"{perceptual_hash(rgb, name).hex},astronaut"
            found, _ = objects(
                done("hash-list", "match", "--json", "--algorithm", name, "-", tmp_path / "shown.png", given=listed)
            )
            assert [match["orientation"] for match in found["matches"]] == [turn], turn

    def test_malformed_lines_are_told_by_number_and_stop_nothing(self, uploads: Path, folder: Path) -> None:
        code = perceptual_hash(folder / "chelsea.jpg").hex
        listed = f"# known bad\n\n{code},100,cat\nnonsense\n{code[:-1]},short\n{code.upper()} again\n"
        result = done("hash-list", "match", "--json", "-", uploads / "cat.webp", given=listed, code=1)
        found, about = objects(result)
        assert [(match["id"], match["line"]) for match in found["matches"]] == [("cat", 3), ("again", 6)]
        assert [line["line"] for line in about["malformed"]] == [4, 5]
        assert "2 lines could not be used" in result.stderr
        assert "  line 4: " in result.stderr

    def test_entries_of_low_quality_match_nothing(self, uploads: Path, folder: Path) -> None:
        code = perceptual_hash(folder / "chelsea.jpg").hex
        result = done("hash-list", "match", "-", uploads / "cat.webp", given=f"{code},49,dim\n{code},50,fair\n")
        assert [line.split("\t")[-1] for line in result.stdout.splitlines()] == ["fair"]
        assert "1 hash of the list left out for low quality" in result.stderr

    def test_a_blank_picture_does_not_match_its_own_hash(self, uploads: Path) -> None:
        for name in ("pdq", "phash", "dhash", "ahash"):
            listed = perceptual_hash(uploads / "blank.png", name).hex
            result = done("hash-list", "match", "--algorithm", name, "-", uploads / "blank.png", given=listed)
            assert result.stdout == ""

    def test_how_far_is_a_matter_of_the_option(self, uploads: Path, folder: Path) -> None:
        code = perceptual_hash(folder / "chelsea.jpg", "phash").hex
        far = f"{int(code, 16) ^ 0xFFF0000000000000:016x}"
        assert done("hash-list", "match", "-", folder / "chelsea.jpg", given=far).stdout == ""
        row = done("hash-list", "match", "--max-distance", 12, "-", folder / "chelsea.jpg", given=far).stdout.split(
            "\t"
        )
        assert row[1:4] == ["12", "upright", "phash"]
        assert row[4].strip() == far
        refused = done("hash-list", "match", "--max-distance", 64, "-", folder / "chelsea.jpg", given=far, code=2)
        assert "64" in refused.stderr
        assert "0..63 for phash" in refused.stderr

    def test_lists_of_several_algorithms(self, uploads: Path, folder: Path) -> None:
        chosen = [word for name in ALGORITHMS for word in ("--algorithm", name)]
        for form in ("text", "csv", "json"):
            listed = done("hash", *chosen, "--format", form, folder / "chelsea.jpg").stdout
            found, about = objects(done("hash-list", "match", "--json", "-", uploads / "cat.webp", given=listed))
            near = {match["algorithm"] for match in found["matches"]}
            assert {"pdq", "phash", "dhash", "blockmean"} <= near <= ALGORITHMS.keys()
            assert about["hashes"] == len(ALGORITHMS)

    @pytest.mark.parametrize("name", ALGORITHMS)
    def test_a_picture_matches_its_own_hash_of_any_algorithm(self, name: str, folder: Path) -> None:
        listed = done("hash", "--algorithm", name, folder / "chelsea.jpg").stdout
        found, _ = objects(done("hash-list", "match", "--json", "-", folder / "chelsea.jpg", given=listed))
        assert [(match["distance"], match["orientation"]) for match in found["matches"]] == [(0, "upright")]

    def test_the_same_bytes_whatever_the_number_of_workers(self, known: Path, uploads: Path) -> None:
        command = ("hash-list", "match", "--json", known, uploads)
        assert len({done(*command, "--workers", n, code=1).stdout_bytes for n in (1, 2, 5)}) == 1

    def test_no_list_at_all(self, uploads: Path, tmp_path: Path) -> None:
        assert "does not exist" in done("hash-list", "match", tmp_path / "nowhere", uploads, code=2).stderr
        (tmp_path / "empty").write_text("# nothing\n")
        refused = done("hash-list", "match", tmp_path / "empty", uploads, code=2)
        assert str(tmp_path / "empty") in refused.stderr
