"""The commands of the bench as a researcher meets them, on a set of a few small pictures."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from fingerprint.bench.profiles import PROFILES
from fingerprint.cli import main
from fingerprint.cli.bench import _EDIT_PROFILES
from fingerprint.types import U8


def done(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="fingerprint")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="module")
def made(photos: dict[str, U8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a set: four references, a copy of two of them, and two training images."""
    root = tmp_path_factory.mktemp("bench")
    pictures = [Image.fromarray(pixels).resize((120, 90)) for pixels in photos.values()]
    for name, chosen in (("train", pictures[4:6]), ("references", pictures[:4]), ("queries", pictures[:2])):
        folder = root / "set" / name
        folder.mkdir(parents=True)
        for row, picture in enumerate(chosen):
            picture.save(folder / f"{name[0].upper()}{row}.jpg", quality=60 if name == "queries" else 95)
    (root / "set" / "ground_truth.csv").write_text("Q0,R0\nQ1,R1\n")
    (root / "set" / "edits.tsv").write_text("Q0\tR0\tjpeg\nQ1\tR1\tjpeg\n")
    ids = [f"{letter}{row}" for letter, n in (("T", 2), ("R", 4), ("Q", 2)) for row in range(n)]
    rows = np.random.default_rng(0).standard_normal((8, 5)).astype(np.float32)
    rows[6:] = rows[2:4]  # the queries are as their references
    np.savez(root / "mine.npz", ids=ids, descriptors=rows)
    return root


def test_methods_are_run_and_compared(made: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    ran = done("bench", "run", made / "set", "--method", "phash", "--method", "dhash", "--results", results)
    assert ran.stdout.count("2 rows") == 2
    as_json = done(
        *("bench", "run", made / "set", "--method", f"vectors:{made / 'mine.npz'}"),
        *("--name", "mine", "--results", results, "--json"),
    )
    facts = json.loads(as_json.stdout)
    assert facts["name"] == "mine"
    assert facts["costs"] == {"image_ms": None, "image_bytes": 20.0, "query_ms": None}
    out = tmp_path / "comparison"
    shown = done("bench", "compare", results, "--out", out, "--resamples", 50)
    assert shown.stdout.splitlines()[1].split()[1] == "1.0000"
    assert len(shown.stdout.splitlines()) == 7
    with (out / "comparison.csv").open(encoding="utf-8", newline="") as file:
        rows = {(row["method"], row["row"]): row for row in csv.DictReader(file)}
    assert rows["mine", "raw"]["micro_ap"] == "1.0"
    compared = json.loads((out / "comparison.json").read_text(encoding="utf-8"))
    assert json.loads(done("bench", "compare", results, "--resamples", 50, "--json").stdout) == compared
    assert "| jpeg | 2 |" in (out / "comparison.md").read_text(encoding="utf-8")
    assert "<table" in (out / "comparison.html").read_text(encoding="utf-8")
    one = done("bench", "compare", results, "--method", "mine")
    assert len(one.stdout.splitlines()) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "set", "--method", "surf", "--results", "r"), "no method is called 'surf'"),
        (("run", "set", "--method", "phash", "--name", "../x", "--results", "r"), "is a plain name"),
        (
            ("run", "set", "--method", "phash", "--method", "dhash", "--name", "x", "--results", "r"),
            "with one --method",
        ),
        (("run", "set", "--method", "onnx:a/x.toml", "--method", "onnx:b/x.toml", "--results", "r"), "the same name"),
        (("run", "set/train", "--method", "phash", "--results", "r"), "no ground_truth.csv"),
        (("compare", "set"), "no results in it"),
        (("make", "nowhere", "--out", "new"), "nowhere: "),
        (("make", "set/train", "--out", "new", "--edits", 5, 3), "the fewest first"),
        (("compare", "set", "--set", "other"), "no results on 'other'"),
    ],
)
def test_what_cannot_be_done_is_said(
    made: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(made)
    assert message in done("bench", *arguments, code=2).stderr
    assert not (made / "new").exists()


def test_all_profiles_of_edits_can_be_chosen() -> None:
    assert set(_EDIT_PROFILES) == set(PROFILES)


def test_methods_that_skipped_pictures_are_marked(made: Path, tmp_path: Path) -> None:
    """Fewer strangers mean fewer false positives: such figures look better than they are."""
    ids = [path.stem for name in ("train", "references", "queries") for path in sorted((made / "set" / name).iterdir())]
    vectors = np.random.default_rng(0).normal(size=(len(ids), 8)).astype(np.float32)
    np.savez(tmp_path / "some.npz", ids=np.array(ids[:-1]), descriptors=vectors[:-1])
    run = ("bench", "run", made / "set", "--method", f"vectors:{tmp_path}/some.npz", "--name", "some")
    first = done(*run, "--results", tmp_path / "results", code=1)
    assert "skipped 1 picture" in first.stderr
    again = done(*run, "--results", tmp_path / "results", code=1)
    assert "made before" in again.stdout
    assert "made before" not in first.stdout
    compared = done("bench", "compare", tmp_path / "results", "--resamples", 20, "--out", tmp_path / "out")
    assert "some: 1 picture skipped" in compared.stderr
    assert "1 picture skipped, so its figures do not compare" in (tmp_path / "out" / "comparison.md").read_text("utf-8")


def test_a_method_that_fails_leaves_the_others_alone(made: Path, tmp_path: Path) -> None:
    """Without training images there is nothing that GIST's directions could be learned from."""
    bare = tmp_path / "bare"
    shutil.copytree(made / "set", bare)
    shutil.rmtree(bare / "train")
    methods = ("--method", "gist256", "--method", "phash")
    ran = done("bench", "run", bare, *methods, "--results", tmp_path / "results", code=2)
    assert "phash: 1 row to compare" in ran.stdout
    assert "gist256: gist256: no training images" in ran.stderr
    assert "1 of 2 methods failed" in ran.stderr
    alone = done("bench", "run", bare, "--method", "gist256", "--results", tmp_path / "results", code=2)
    assert "gist256: no training images" in alone.stderr
    out = tmp_path / "out"
    out.mkdir()
    (out / "heat-map.png").write_bytes(b"of another comparison: this set does not say how its copies were edited")
    (bare / "edits.tsv").unlink()
    unlabelled = tmp_path / "unlabelled"
    done("bench", "run", bare, "--method", "phash", "--results", unlabelled)
    done("bench", "compare", unlabelled, "--resamples", 20, "--out", out)
    assert not (out / "heat-map.png").exists()
    compared = done("bench", "compare", tmp_path / "results", "--resamples", 20)
    assert len(compared.stdout.splitlines()) == 2
