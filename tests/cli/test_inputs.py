"""No command writes over what it reads, whatever name that has."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from fingerprint.cli import main
from fingerprint.types import U8


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="fingerprint")


@pytest.fixture(scope="module")
def made(photos: dict[str, U8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `pictures`, `pairs.csv`, and the collection `references.fp`."""
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "pictures").mkdir()
    for name in ("coffee", "chelsea"):
        Image.fromarray(photos[name]).resize((160, 120)).save(folder / "pictures" / f"{name}.png")
    (folder / "pairs.csv").write_text("first,second,kind\n")
    assert run("index", "create", folder / "references.fp", folder / "pictures", "-q").exit_code == 0
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def assert_refused(folder: Path, out: Path, *arguments: object) -> None:
    before = contents(folder)
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert f"{out} is read by this command" in result.stderr
    assert contents(folder) == before


@pytest.mark.parametrize("link", [None, os.symlink, os.link])
def test_the_picture_of_a_comparison(made: Path, tmp_path: Path, link: object) -> None:
    original = made / "pictures" / "coffee.png"
    out = original
    if callable(link):
        out = tmp_path / "other.png"
        link(original, out)
    other = made / "pictures" / "chelsea.png"
    assert_refused(made, out, "compare", original, other, "--picture", out)
    assert_refused(made, out, "compare", other, original, "--picture", out)


@pytest.mark.parametrize("command", ["match", "describe"])
def test_files_of_the_challenge(made: Path, tmp_path: Path, command: str) -> None:
    pictures, collection = made / "pictures", made / "references.fp"
    for out, queries, references in (
        (pictures / "coffee.png", pictures, collection),
        (collection / "catalogue.sqlite", pictures, collection),
        (collection / "collection.json", collection, pictures),
    ):
        assert_refused(made, out, "challenge", command, "--queries", queries, "--references", references, "--out", out)
    linked = tmp_path / "linked"
    linked.mkdir()
    for name in ("a.png", "b.png"):
        (linked / name).symlink_to(pictures / "coffee.png")
    arguments = ("challenge", command, "--queries", linked, "--references", collection, "--out")
    assert_refused(made, pictures / "coffee.png", *arguments, pictures / "coffee.png")


def test_an_export(made: Path, tmp_path: Path) -> None:
    collection = made / "references.fp"
    inside = collection / "vectors.npz"
    inside.write_bytes(b"")
    assert_refused(made, inside, "index", "export", collection, inside)
    inside.unlink()
    queries = tmp_path / "queries.npz"
    assert run("index", "export", collection, queries).exit_code == 0
    assert_refused(made, queries, "index", "export", collection, queries, "--queries", queries)
    assert run("index", "export", collection, queries).exit_code == 0  # written again


def test_the_files_of_training(made: Path, tmp_path: Path) -> None:
    pairs = tmp_path / "MODELS.json"
    pairs.write_text("first,second,kind\n")
    assert_refused(made, pairs, "train", made / "pictures", "--out", tmp_path, "--known-pairs", pairs, "--force")
    picture = tmp_path / "models.npz"
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(picture, "PNG")
    assert_refused(made, picture, "train", picture, "--out", tmp_path, "--force")


def test_another_file_in_the_folder_of_queries_can_be_written_again(made: Path, tmp_path: Path) -> None:
    queries = tmp_path / "queries"
    queries.mkdir()
    (queries / "coffee.png").write_bytes((made / "pictures" / "coffee.png").read_bytes())
    out = queries / "matches.csv"
    for _ in range(2):
        result = run("challenge", "match", "--queries", queries, "--references", made / "references.fp", "--out", out)
        assert result.exit_code == 0, result.output
        assert out.read_text().startswith("query_id,")
