"""The command ``report``, and ``--report`` on other commands: pages of what was found, at once or afterwards."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from fingerprint.cli import main
from fingerprint.types import U8


def done(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="fingerprint")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def held(path: str | Path) -> dict[str, Any]:
    text = Path(path).read_text(encoding="utf-8")
    return json.loads(text.partition('id="data">')[2].partition("</script>")[0])


def named_pairs(page: dict[str, Any]) -> list[tuple[str, str | None]]:
    """Return the names of each pair's pictures, without folder."""
    names = [Path(picture["name"]).name for picture in page["pictures"]]
    return [(names[p["query"]], None if p["reference"] is None else names[p["reference"]]) for p in page["pairs"]]


@pytest.fixture(scope="module")
def source(photos: dict[str, U8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """References R0 to R2, queries Q0 (a crop of R0), Q1 (R1 mirrored), Q2 (of nothing), and a collection."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "references").mkdir()
    (folder / "queries").mkdir()
    for k, name in enumerate(("chelsea", "rocket", "coffee")):
        image = Image.fromarray(photos[name])
        image.thumbnail((360, 360))
        image.save(folder / "references" / f"R{k}.jpg", quality=92)
    with Image.open(folder / "references/R0.jpg") as image:
        image.crop((20, 20, 260, 200)).save(folder / "queries" / "Q0.jpg")
    with Image.open(folder / "references/R1.jpg") as image:
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "queries" / "Q1.png")
    Image.fromarray(photos["astronaut"][:200, :200]).save(folder / "queries" / "Q2.jpg")
    (folder / "queries" / "Q3.jpg").write_text("no picture")
    done("index", "create", folder / "photos.fp", folder / "references", "-q")
    (folder / "truth.csv").write_text("query_id,reference_id\nQ0,R0\nQ1,R1\nQ2,R2\nQ3,\n")
    (folder / "edits.tsv").write_text("Q0\tR0\tcrop\nQ1\tR1\thflip+png\nQ2\tR2\tcrop\nQ3\t\tblur\n")
    return folder


@pytest.fixture
def place(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(source, tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def test_a_search_and_its_saved_results_give_the_same_pairs(place: Path) -> None:
    result = done("search", "photos.fp", "queries", "--report", "page.html", "--json", code=1)
    assert "page.html: a page of 3 pairs" in result.stderr
    page = held("page.html")
    assert named_pairs(page) == [("Q0.jpg", "R0.jpg"), ("Q1.png", "R1.jpg"), ("Q2.jpg", None)]
    assert page["pairs"][0]["words"].startswith("crop")
    assert page["pairs"][1]["words"].startswith("mirrored")
    assert all(len(pair["points"]) > 5 for pair in page["pairs"][:2])
    assert [Path(item["path"]).name for item in page["skipped"]] == ["Q3.jpg"]
    assert all(picture["width"] for picture in page["pictures"])
    Path("results.jsonl").write_text(result.stdout)
    done("report", "results.jsonl", "--out", "later.html")
    later = held("later.html")
    assert named_pairs(later) == named_pairs(page)
    assert [pair["words"] for pair in later["pairs"]] == [pair["words"] for pair in page["pairs"]]
    assert all(len(pair["points"]) > 5 for pair in later["pairs"][:2])
    done("report", "results.jsonl", "--out", "later.html", "--look-again", "0")
    assert [pair["points"] for pair in held("later.html")["pairs"]] == [None] * 3


def test_the_page_changes_no_answer(place: Path) -> None:
    plain = done("search", "photos.fp", "queries", "--json", code=1).stdout
    assert done("search", "photos.fp", "queries", "--json", "--report", "page.html", code=1).stdout == plain


def test_references_that_are_gone_are_shown_as_the_collection_keeps_them(place: Path) -> None:
    shutil.rmtree("photos.fp")  # its files are those that were copied
    done("index", "create", "photos.fp", "references", "-q")
    shutil.rmtree("photos.fp")  # its files are those that were copied
    done("index", "create", "photos.fp", "references", "-q")
    Path("results.jsonl").write_text(done("search", "photos.fp", "queries", "--json", code=1).stdout)
    for path in Path("references").iterdir():
        path.unlink()
    done("search", "photos.fp", "queries", "--report", "page.html", code=1)
    stored = [picture for picture in held("page.html")["pictures"] if picture["name"].startswith("R")]
    assert [picture["stored"] for picture in stored] == [True, True]
    done("report", "results.jsonl", "--out", "later.html", "--references", "photos.fp")
    assert sum(bool(picture.get("stored")) for picture in held("later.html")["pictures"]) == 2
    result = done("report", "results.jsonl", "--out", "bare.html")
    assert "2 pictures not read" in result.stderr
    page = held("bare.html")
    assert sorted(item["path"] for item in page["skipped"])[:2] == ["R0.jpg", "R1.jpg"]


def test_results_can_be_looked_at_from_another_folder(place: Path) -> None:
    Path("results.jsonl").write_text(done("search", "photos.fp", "queries", "--json", code=1).stdout)
    Path("other").mkdir()
    Path("references").rename("moved")
    done("report", "results.jsonl", "--out", "other/page.html", "--root", place, "--references", "moved")
    assert all("problem" not in picture for picture in held("other/page.html")["pictures"])


def test_a_run_of_the_challenge_against_its_truth(place: Path) -> None:
    places = ("--queries", "queries", "--references", "references")
    truth = ("--ground-truth", "truth.csv", "--edits", "edits.tsv")
    done("challenge", "match", *places, "--out", "matches.csv", "--report", "run.html", *truth, code=1)
    page = held("run.html")
    assert page["axis"] == "probability"
    outcomes = {names: pair["true"] for names, pair in zip(named_pairs(page), page["pairs"], strict=True)}
    assert outcomes["Q0", "R0"]
    assert outcomes["Q1", "R1"]
    assert outcomes["Q2", "R2"]  # missed: it was not made from it
    missed = next(pair for names, pair in zip(named_pairs(page), page["pairs"], strict=True) if names == ("Q2", "R2"))
    assert missed["value"] is None or missed["value"] < 0.5
    assert page["pairs"][0]["edits"] == ["crop"]
    done("report", "matches.csv", *places, *truth, "--out", "later.html")
    later = held("later.html")
    assert later["axis"] == "score"
    true = [pair for pair in later["pairs"] if pair["true"]]
    assert len(true) == 3
    assert all(pair["transform"] for pair in true[:2])  # looked at again
    result = done("challenge", "match", *places, "--out", "matches.csv", *truth, code=2)
    assert "--report" in result.stderr


def test_a_comparison(place: Path) -> None:
    done("compare", "queries/Q0.jpg", "references/R0.jpg", "--report", "page.html")
    assert "of the texture agrees" in Path("page.html").read_text(encoding="utf-8")  # what speaks for a copy
    page = held("page.html")
    assert named_pairs(page) == [("Q0.jpg", "R0.jpg")]
    assert page["pairs"][0]["points"]
    saved = done("compare", "queries/Q0.jpg", "references/R0.jpg", "--json").stdout
    Path("results.jsonl").write_text(saved)
    done("report", "results.jsonl", "--out", "later.html")
    assert held("later.html")["kind"] == "compare"


def test_groups_and_their_saved_results(place: Path) -> None:
    Path("queries/Q3.jpg").unlink()
    result = done("dedupe", "queries", "references", "--report", "page.html", "--json")
    page = held("page.html")
    assert {frozenset(names) for names in named_pairs(page)} == {
        frozenset({"Q0.jpg", "R0.jpg"}),
        frozenset({"Q1.png", "R1.jpg"}),
    }
    assert all(picture["content"] and picture["bytes"] for picture in page["pictures"])
    Path("results.jsonl").write_text(result.stdout)
    done("report", "results.jsonl", "--out", "later.html")
    later = held("later.html")
    assert later["kind"] == "dedupe"
    for key in ("query", "reference", "words", "group", "why", "frees", "probability"):
        assert [pair[key] for pair in later["pairs"]] == [pair[key] for pair in page["pairs"]]
    assert [p["content"] for p in later["pictures"]] == [p["content"] for p in page["pictures"]]
    assert [p["path"] for p in later["pictures"]] == [p["path"] for p in page["pictures"]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}\n", "line 1 is no result"),
        ('{"groups": {"a": 5}, "files": 3}\n', "line 1 is no result"),
        ('{"groups": 1}\n', "line 1 is no result"),
        ('{"query": "a.jpg", "matches": [{"reference": "b"}]}\n', "line 1 is no result"),
        ('{"query": "a.jpg", "matches": []}\n{"group": 1}\n', "line 2 is no result"),
        ('{"query": "a.jpg", "matches": []}\n{"files": 1, "groups": 0}\n', "'dedupe' and 'search'"),
        ('{"query": \n', "not JSON lines"),
        ("query_id,reference_id,score\nQ0,R0,1\n", "--queries"),
    ],
)
def test_what_are_no_results_is_refused(place: Path, text: str, said: str) -> None:
    Path("results").write_text(text)
    assert said in done("report", "results", "--out", "page.html", code=2).stderr
    assert not Path("page.html").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b" \n\n", "it is empty"),
        (b"[]", "another kind of file"),
        (b'[{"query": "a.jpg", "matches": []}]', "another kind of file"),
        (b'[\n  {"query": "a.jpg", "matches": []}\n]\n', "another kind of file"),
        (b"[1, 2, 3]\n", "another kind of file"),
        (b'"text"', "another kind of file"),
        (b"<html><body>, , </body>\0</html>", "another kind of file"),
        ('{"query": "a.jpg", "matches": []}\n'.encode("utf-16"), "UTF-16 text"),
        (b'{"hash": "ff", "path": "a.jpg"}\n', "line 1 is no result"),
    ],
)
@pytest.mark.parametrize("folders", [(), ("--queries", "queries", "--references", "references")])
def test_files_of_another_kind_are_told_what_is_expected(
    place: Path, content: bytes, said: str, folders: tuple[str, ...]
) -> None:
    Path("results").write_bytes(content)
    if folders and content.startswith(b"{"):
        return  # these options are refused for JSON lines
    result = done("report", "results", "--out", "page.html", *folders, code=2)
    assert said in result.stderr
    assert "give what 'search', 'compare' or 'dedupe find' printed with --json" in " ".join(result.stderr.split())


def test_a_picture_is_no_result(place: Path) -> None:
    result = done("report", "queries/Q1.png", "--out", "page.html", code=2)
    assert "queries/Q1.png: another kind of file; give what " in result.stderr


def test_ids_may_begin_as_json_does(place: Path) -> None:
    Path("results").write_text("[1]Q0,[1]R0,0.5\n")
    folders = ("--queries", "queries", "--references", "references")
    done("report", "results", "--out", "page.html", *folders)
    assert len(held("page.html")["pairs"]) == 1


def test_numbers_that_no_command_writes_are_refused(place: Path) -> None:
    """JSON of Python reads NaN and Infinity, and numbers of any length; a page could not hold them."""
    line = json.loads(done("search", "photos.fp", "queries/Q0.jpg", "--json").stdout)
    for key in ("probability", "shared_probability", "log_odds"):
        for value in ("NaN", "Infinity", "-Infinity", "1e999", "9" * 400, "null", '"x"', "[]"):
            changed = {**line, "matches": [{**line["matches"][0], key: "HERE"}]}
            Path("results").write_text(json.dumps(changed).replace('"HERE"', value) + "\n")
            assert "line 1 is no result" in done("report", "results", "--out", "page.html", code=2).stderr, (key, value)
    for outside in (-0.1, 1.5):
        changed = {**line, "matches": [{**line["matches"][0], "probability": outside}]}
        Path("results").write_text(json.dumps(changed) + "\n")
        done("report", "results", "--out", "page.html", code=2)
    Path("results").write_text('{"query": ' + "[" * 100_000 + "\n")
    assert "not JSON lines" in done("report", "results", "--out", "page.html", code=2).stderr
    assert not Path("page.html").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("search", "photos.fp", "queries", "--report", "queries/Q0.jpg"), "must end in .html"),
        (("search", "photos.fp", "queries", "--report", "nowhere/page.html"), "does not exist"),
        (("dedupe", "queries", "--apply", "truth.csv", "--report", "page.html"), "excludes '--report'"),
        (("dedupe", "queries", "--apply", "truth.csv", "--prefer", "queries"), "excludes '--prefer'"),
        (("dedupe", "queries", "--apply", "truth.csv", "--csv"), "excludes '--csv'"),
        (("dedupe", "queries", "--apply", "truth.csv"), "no decisions"),
        (("report", "truth.csv", "--out", "page.png"), "must end in .html"),
    ],
)
def test_what_makes_no_sense_is_refused(place: Path, arguments: tuple[str, ...], said: str) -> None:
    assert said in done(*arguments, code=2).stderr
