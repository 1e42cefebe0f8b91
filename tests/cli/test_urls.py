"""Commands with pictures by URL: the same results as by path, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from fingerprint import create_collection, open_collection
from fingerprint.cli import main
from fingerprint.collection.repair import repair_collection
from fingerprint.errors import ConfigError, ImageError
from fingerprint.models import Models
from fingerprint.types import U8

fsspec = pytest.importorskip("fsspec")

NAMES = ("chelsea", "coffee", "rocket")


def run(*arguments: object, given: bytes | None = None) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="fingerprint", input=given)


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture(scope="module")
def tree(photos: dict[str, U8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("urls") / "tree"
    (folder / "sub").mkdir(parents=True)
    for name in NAMES:
        path = folder / ("sub" if name == "rocket" else "") / f"{name}.png"
        Image.fromarray(photos[name]).resize((240, 180)).save(path)
    return folder


@pytest.fixture(autouse=True)
def memory(tree: Path) -> Iterator[Any]:
    """The folder in memory, at ``memory://tree``."""
    system = fsspec.filesystem("memory")
    for path in tree.rglob("*.png"):
        system.pipe(f"/tree/{path.relative_to(tree).as_posix()}", path.read_bytes())
    yield system
    system.rm("/", recursive=True)


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    """A collection of the references by URL."""
    folder = tmp_path / "references.fp"
    assert run("index", "create", folder, "memory://tree", "-q").exit_code == 0
    return folder


def test_a_collection_by_url_is_that_by_path(tree: Path, collection: Path, tmp_path: Path) -> None:
    for name, given in (("path.fp", str(tree)), ("file.fp", f"file://{tree}")):
        assert run("index", "create", tmp_path / name, given, "-q").exit_code == 0
    with (
        open_collection(tmp_path / "path.fp") as by_path,
        open_collection(tmp_path / "file.fp") as by_file,
        open_collection(collection) as by_url,
    ):
        assert by_path.ids == by_file.ids == by_url.ids == ["chelsea.png", "coffee.png", "sub/rocket.png"]
        for image_id in by_path.ids:
            assert by_path.fingerprint(image_id) == by_file.fingerprint(image_id) == by_url.fingerprint(image_id)
            assert by_path.record(image_id).content == by_url.record(image_id).content
            assert by_file.record(image_id).path == f"file://{tree}/{image_id}"
            assert by_url.record(image_id).path == f"memory://tree/{image_id}"
    listed = lines(run("index", "list", collection, "--json"))
    assert [item["path"] for item in listed] == [f"memory://tree/{item['id']}" for item in listed]


def test_adding_again_describes_nothing(tree: Path, collection: Path, memory: Any) -> None:
    again = run("index", "add", collection, "memory://tree/", "--json")
    assert lines(again)[-1]["unchanged"] == 3
    memory.pipe("/tree/coffee.png", (tree / "chelsea.png").read_bytes())
    assert lines(run("index", "add", collection, "memory://tree", "--json"))[-1]["replaced"] == 1
    by_path = run("index", "add", collection, tree / "coffee.png", "--json")
    assert "its id 'coffee.png' is already that of memory://tree/coffee.png" in lines(by_path)[0]["skipped"]


def test_the_same_file_by_path_and_by_url(tree: Path, tmp_path: Path) -> None:
    with create_collection(tmp_path / "c") as collection:
        assert collection.add_files([tree]).added == 3
        (tree / "coffee.png").touch()
        assert collection.add_files([f"file://{tree}"]).unchanged == 3


def test_what_cannot_be_read_is_skipped(collection: Path, memory: Any) -> None:
    memory.pipe("/tree/broken.png", b"no image")
    result = run("index", "add", collection, "memory://tree", "memory://gone.png", "memory://gone", "--json")
    assert result.exit_code == 1
    skipped = {item["path"]: item["skipped"] for item in lines(result)[:-1]}
    assert list(skipped) == ["memory://tree/broken.png", "memory://gone.png", "memory://gone"]
    assert list(skipped.values())[1:] == ["no such file", "no such file"]
    with open_collection(collection) as opened:
        assert [item.path for item in opened.info().skipped] == ["memory://tree/broken.png"]
    memory.rm("/tree/broken.png")
    strict = run("index", "add", collection, "memory://gone.png", "--strict")
    assert strict.exit_code == 2
    assert "memory://gone.png: no such file" in strict.stderr


def test_credentials_are_neither_shown_nor_stored(tmp_path: Path, tree: Path, memory: Any) -> None:
    memory.pipe("/someone:pass-word@tree/chelsea.png", (tree / "chelsea.png").read_bytes())
    url = "memory://someone:pass-word@tree"
    folder = tmp_path / "c.fp"
    made = run("index", "create", folder, url, f"{url}/gone.png", "--json", "-v", "-v")
    assert lines(made)[-1]["added"] == 1
    outputs = [made.output]
    for arguments in (
        ("search", folder, f"{url}/chelsea.png", f"{url}/gone.png"),
        ("search", folder, url, "--json"),
        ("hash", url, f"{url}/gone.png", "--algorithm", "pdq"),
        ("hash", url, "--format", "json"),
        ("compare", f"{url}/chelsea.png", tree / "chelsea.png"),
        ("compare", f"{url}/gone.png", tree / "chelsea.png"),
        ("challenge", "describe", "--queries", f"{url}/gone", "--references", url, "--out", tmp_path / "x.h5"),
        ("index", "add", folder, url, "--root", "memory://someone:pass-word@other"),
        ("dedupe", url),
    ):
        result = run(*arguments)
        assert "tree" in result.output or "other" in result.output
        outputs.append(result.output)
    assert not any("pass-word" in output for output in outputs)
    with open_collection(folder) as opened:
        assert opened.record("chelsea.png").path == "memory://tree/chelsea.png"
    assert not any(b"pass-word" in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_searching(tree: Path, collection: Path) -> None:
    by_path = run("search", collection, tree, "--json")
    for url in ("memory://tree", f"file://{tree}"):
        found = run("search", collection, url, "--json")
        assert found.exit_code == 0
        for one, other in zip(lines(found), lines(by_path), strict=True):
            assert one["query"] == f"{url}/{Path(other['query']).relative_to(tree)}"
            assert one["matches"] == other["matches"]
    missing = run("search", collection, "memory://gone.png", "--json")
    assert lines(missing) == [{"query": "memory://gone.png", "skipped": "no such file"}]
    vectors = run("search", collection, "memory://queries.npz")
    assert vectors.exit_code == 2
    assert "memory://queries.npz: vectors are not read by URL" in vectors.stderr


def test_a_page_shows_pictures_by_url(collection: Path, tmp_path: Path, memory: Any) -> None:
    found = run("search", collection, "memory://tree/coffee.png", "--report", tmp_path / "page.html", "--json")
    assert "1 pair" in found.stderr
    assert "not read" not in found.stderr
    (tmp_path / "results.jsonl").write_text(found.stdout)
    saved = run("report", tmp_path / "results.jsonl", "--out", tmp_path / "saved.html")
    assert saved.exit_code == 0, saved.output
    assert "not read" not in saved.stderr
    memory.rm("/tree/coffee.png")
    gone = run("report", tmp_path / "results.jsonl", "--references", collection, "--out", tmp_path / "gone.html")
    assert "not read" in gone.stderr


def test_comparing(tree: Path, tmp_path: Path) -> None:
    by_path = run("compare", tree / "coffee.png", tree / "chelsea.png", "--json")
    by_url = run(
        "compare", "memory://tree/coffee.png", f"file://{tree}/chelsea.png", "--json", "--picture", tmp_path / "a.png"
    )
    expected = lines(by_path)[0] | {"query": "memory://tree/coffee.png", "reference": f"file://{tree}/chelsea.png"}
    assert lines(by_url) == [expected]
    assert (tmp_path / "a.png").is_file()
    picture = f"file://{tree}/coffee.png"
    assert "is read by this command" in run("compare", picture, picture, "--picture", tree / "coffee.png").stderr


def test_hashing(tree: Path) -> None:
    by_path, by_url = (
        run("hash", given, "--algorithm", "pdq", "--algorithm", "phash") for given in (tree, "memory://tree")
    )
    assert by_url.stdout == by_path.stdout.replace(str(tree), "memory://tree")
    assert len(by_url.stdout.splitlines()) == 6


def test_a_file_is_read_once(monkeypatch: pytest.MonkeyPatch, memory: Any, collection: Path) -> None:
    whole, reads = type(memory).cat_file, []

    def counted(self: Any, path: str, **kwargs: Any) -> Any:
        reads.append(path)
        return whole(self, path, **kwargs)

    monkeypatch.setattr(type(memory), "cat_file", counted)
    run("hash", "memory://tree/coffee.png", "--algorithm", "pdq", "--algorithm", "phash", "--algorithm", "colorhash")
    assert reads == ["/tree/coffee.png"]
    run("search", collection, "memory://tree/coffee.png", "--profile", "thorough")
    assert reads == ["/tree/coffee.png"] * 2


@pytest.mark.parametrize("command", ["match", "describe"])
def test_the_challenge(tree: Path, tmp_path: Path, command: str) -> None:
    ending = {"match": "csv", "describe": "h5"}[command]
    outputs = []
    for number, (queries, references) in enumerate(((tree, tree), ("memory://tree", f"file://{tree}"))):
        out = tmp_path / f"{number}.{ending}"
        made = run("challenge", command, "--queries", queries, "--references", references, "--out", out)
        assert made.exit_code == 0, made.output
        outputs.append(out.read_bytes())
    assert outputs[0] == outputs[1]
    for url, said in (("memory://gone", "no such file"), ("memory://tree/coffee.png", "this is a file")):
        out = tmp_path / f"x.{ending}"
        refused = run("challenge", command, "--queries", url, "--references", tree, "--out", out)
        assert refused.exit_code == 2
        assert f"{url}: {said}" in refused.stderr


def test_a_list_on_standard_input(tree: Path, tmp_path: Path) -> None:
    folder = tmp_path / "c.fp"
    given = f"memory://tree/sub\n{tree}/coffee.png\nmemory://tree/chelsea.png\nmemory://gone.png\n".encode()
    made = run("index", "create", folder, "-", "--json", given=given)
    assert lines(made)[-1]["added"] == 3
    with open_collection(folder) as opened:
        assert opened.ids == ["rocket.png", "coffee.png", "chelsea.png"]
    rooted = run("index", "create", tmp_path / "d.fp", "--root", "memory://tree", "-", "--json", given=given)
    assert lines(rooted)[-1]["added"] == 2
    with open_collection(tmp_path / "d.fp") as opened:
        assert opened.ids == ["sub/rocket.png", "chelsea.png"]


def test_what_acts_on_files_refuses_urls(collection: Path, tmp_path: Path) -> None:
    for arguments in (("dedupe", "memory://tree"), ("bench", "make", "memory://tree", "--out", tmp_path / "set")):
        refused = run(*arguments)
        assert refused.exit_code == 2
        assert "memory://tree is a URL, and this acts on files of this machine: give a path" in refused.stderr


def test_copies_of_references_by_url(tree: Path, collection: Path) -> None:
    found = run("dedupe", tree, "--against", collection, "--json")
    assert found.exit_code == 0, found.output
    keepers = {line["keeper"]["path"] for line in lines(found) if "keeper" in line}
    assert keepers == {"chelsea.png", "coffee.png", "sub/rocket.png"}


def test_training_reads_by_url(memory: Any, tree: Path, tmp_path: Path) -> None:
    few = run("train", "memory://tree", "--out", tmp_path / "models")
    assert few.exit_code == 2
    assert "at least 20 readable images, found 3" in few.stderr


def test_searching_opens_no_reference(
    collection: Path, tree: Path, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("info", "cat_file", "ls", "isdir", "_open"):
        monkeypatch.setattr(type(memory), name, lambda *_, **__: pytest.fail("a reference was opened"))
    found = run("search", collection, tree / "coffee.png", "--json")
    assert lines(found)[0]["matches"][0]["reference"] == "coffee.png"
    assert run("index", "info", collection).exit_code == run("index", "check", collection).exit_code == 0


def test_a_reference_as_a_query_and_repair(collection: Path, memory: Any, models: Models) -> None:
    with open_collection(collection) as opened:
        assert opened.as_query("coffee.png").name == "coffee.png"
        memory.pipe("/tree/coffee.png", b"other")
        with pytest.raises(ImageError, match=r"memory://tree/coffee\.png is missing or has changed;"):
            opened.as_query("coffee.png")
        memory.rm("/tree/coffee.png")
        with pytest.raises(ImageError, match=r"memory://tree/coffee\.png is missing or has changed \(no such file\);"):
            opened.as_query("coffee.png")
    for path in (collection / "segments").rglob("*.npy"):
        path.write_bytes(path.read_bytes()[:-1])
    done = repair_collection(collection, models=models)
    assert (done.described, [lost.path for lost in done.lost]) == (2, ["memory://tree/coffee.png"])
    assert "no such file" in done.lost[0].reason
    assert done.problems == ()


def test_the_library(tmp_path: Path, tree: Path) -> None:
    with create_collection(tmp_path / "c") as collection:
        assert collection.add_images([("one", "memory://tree/coffee.png")]).added == 1
        collection.add("two", f"file://{tree}/chelsea.png")
        assert collection.record("one").path == "memory://tree/coffee.png"
        assert collection.search(f"file://{tree}/coffee.png")[0].reference_id == "one"
        assert collection.add_files(["memory://tree/sub/"], root="memory://tree").added == 1
        assert collection.ids == ["one", "two", "sub/rocket.png"]
        with pytest.raises(ConfigError, match="'s3://bucket/a'; give a list"):
            collection.add_files("s3://key:word@bucket/a")
        with pytest.raises(ImageError, match=r"^memory://gone\.png: no such file$"):
            collection.search("memory://gone.png")
