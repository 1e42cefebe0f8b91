"""The demo, end to end: what it prints is true, what it names is there, and it clears away nothing but its own."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner
from PIL import Image

from fingerprint.cli import main as command_line
from fingerprint.results import Match, Verification

SCRIPT = Path(__file__).parents[1] / "docs" / "demo.py"


@dataclass(frozen=True)
class Run:
    """What a run of the demo left behind."""

    out: Path
    code: int
    said: str

    @property
    def rows(self) -> list[list[str]]:
        """The lines of the table, cell by cell."""
        lines = self.said.splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith("-----"))
        rule, body = lines[start], lines[start + 1 : lines.index("", start)]
        spans = [match.span() for match in re.finditer("-+", rule)]
        return [[line[a:b].strip() for a, b in spans] for line in body]


@pytest.fixture(scope="module")
def demo() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("copyprint_demo", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def run_demo(demo: ModuleType, out: Path) -> Run:
    said = StringIO()
    with redirect_stdout(said), redirect_stderr(StringIO()):
        code = demo.main(["--out", str(out)])
    return Run(out, code, said.getvalue())


@pytest.fixture(scope="module")
def run(demo: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_demo(demo, tmp_path_factory.mktemp("demo") / "demo out")  # a space, as in the folders of many people


def test_it_runs_and_every_query_has_its_line(run: Run) -> None:
    assert run.code == 0
    assert len(run.rows) >= 20
    queries = sorted(path.name for path in (run.out / "queries").iterdir())
    assert sorted(row[0] for row in run.rows) == queries


def test_every_plain_edit_is_found_with_its_photograph(run: Run) -> None:
    plain = [row for row in run.rows if "," not in row[5] and "not in the collection" not in row[5]]
    assert len(plain) >= 12
    for query, reference, relation, probability, right, _ in plain:
        assert reference == f"{query.rpartition('-')[0]}.jpg"
        assert relation == "copy"
        assert right == "yes"
        assert float(probability.removeprefix("> ").removesuffix(" %")) > 50


def test_nothing_is_found_for_photographs_that_are_not_in_the_collection(run: Run) -> None:
    strangers = [row for row in run.rows if "not in the collection" in row[5]]
    assert len(strangers) >= 4
    assert {(row[1], row[4]) for row in strangers} == {("-", "yes")}
    assert {row[2] for row in strangers} <= {"shared", "unrelated"}
    assert any("nothing" in row[5] for row in strangers)
    assert any("nothing" not in row[5] for row in strangers)


def test_there_are_chains_of_edits_and_all_edits_that_people_know(run: Run) -> None:
    done = [row[5] for row in run.rows if "not in the collection" not in row[5]]
    assert sum("," in words for words in done) >= 2
    for word in ("cropped", "mirrored", "rotated", "pasted into", "text", "blurred", "JPEG"):
        assert any(word in words and "," not in words for words in done)


def test_the_counts_agree_with_the_table(run: Run) -> None:
    copies = [row for row in run.rows if "not in the collection" not in row[5]]
    counted = re.search(r"Found: (\d+) of (\d+) copies", run.said)
    wrong = re.search(r"Wrongly found: (\d+)", run.said)
    assert counted is not None
    assert wrong is not None
    assert int(counted[1]) == sum(row[4] == "yes" for row in copies)
    assert int(counted[2]) == len(copies)
    assert int(wrong[1]) == 0


def test_everything_lies_where_it_says(run: Run) -> None:
    places = run.said.partition("Where everything lies:\n")[2].partition("\n\n")[0].splitlines()
    assert [line.rpartition(str(run.out))[2].split()[0] for line in places] == [
        *("/index.html", "/photos", "/queries", "/collection")
    ]
    pictures = [*(run.out / "photos").rglob("*.jpg"), *(run.out / "queries").rglob("*.jpg")]
    assert len(pictures) >= 36
    for path in pictures:
        with Image.open(path) as image:
            assert image.format == "JPEG"
    page = (run.out / "index.html").read_text(encoding="utf-8")
    held = json.loads(page.partition('id="data">')[2].partition("</script>")[0])
    queries = {Path(held["pictures"][pair["query"]]["name"]).name for pair in held["pairs"]}
    assert queries == {row[0] for row in run.rows}
    assert sum(pair["true"] and pair["relation"] == "copy" for pair in held["pairs"]) == sum(
        row[2] == "copy" for row in run.rows
    )
    assert held["skipped"] == []


def test_the_commands_it_names_work_on_what_it_made(run: Run) -> None:
    commands = run.said.partition("The same from the shell:\n")[2].splitlines()
    assert [shlex.split(line)[1] for line in commands] == ["search", "compare", "index"]
    for line in commands:
        program, *words = shlex.split(line)
        assert Path(program).name == "fingerprint"
        result = CliRunner().invoke(command_line, words)
        assert result.exit_code == 0, result.output
    assert (run.out / "pair.png").stat().st_size > 10_000


def test_a_second_run_says_and_makes_the_same_and_leaves_other_files_alone(demo: ModuleType, run: Run) -> None:
    def made() -> dict[str, bytes]:
        files = [run.out / "index.html", *(run.out / "photos").rglob("*.jpg"), *(run.out / "queries").rglob("*.jpg")]
        return {str(path): path.read_bytes() for path in files}

    before = made()
    (run.out / "queries" / "left over.jpg").write_bytes(b"")
    (run.out / "my notes.txt").write_text("mine")
    again = run_demo(demo, run.out)
    assert again.code == 0
    assert again.said == run.said
    assert made() == before
    assert (run.out / "my notes.txt").read_text() == "mine"


@pytest.mark.parametrize("kind", ["folder", "file", "broken link"])
def test_what_no_demo_made_is_never_replaced(
    demo: ModuleType, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "precious"
    if kind == "folder":
        (out / "photos").mkdir(parents=True)
        (out / "photos" / "wedding.jpg").write_bytes(b"dear")
    elif kind == "file":
        out.write_bytes(b"dear")
    else:
        out.symlink_to(tmp_path / "nowhere")
    assert demo.main(["--out", str(out)]) == 2
    assert str(out) in capsys.readouterr().err
    if kind == "folder":
        assert [path.read_bytes() for path in out.rglob("*.jpg")] == [b"dear"]
    elif kind == "file":
        assert out.read_bytes() == b"dear"
    else:
        assert out.is_symlink()
        assert not out.exists()


def test_links_in_an_earlier_demo_are_removed_and_not_followed(demo: ModuleType, tmp_path: Path) -> None:
    elsewhere, out = tmp_path / "elsewhere", tmp_path / "out"
    elsewhere.mkdir()
    (elsewhere / "wedding.jpg").write_bytes(b"dear")
    demo.prepare(out)
    (out / "photos").symlink_to(elsewhere)
    demo.prepare(out)
    assert not (out / "photos").is_symlink()
    assert (elsewhere / "wedding.jpg").read_bytes() == b"dear"


def test_without_the_photographs_it_says_what_to_install(
    demo: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert demo.main(["--out", str(tmp_path / "out")]) == 2
    assert "copyprint[demo]" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def found(*references: str) -> tuple[Match | None, tuple[str, ...]]:
    sure = Verification(0.9, 0.05, 2.2, 9, None, False, False, None, None)
    return (Match("q", references[0], sure) if references else None), references


@pytest.mark.parametrize(
    ("source", "references", "said"),
    [
        ("cat.jpg", ("cat.jpg",), "yes"),
        (None, (), "yes"),
        ("cat.jpg", (), "NO, missed"),
        ("cat.jpg", ("dog.jpg",), "NO, it is cat.jpg"),
        ("cat.jpg", ("cat.jpg", "dog.jpg"), "NO, it is cat.jpg alone"),
        (None, ("dog.jpg", "cat.jpg"), "NO, found dog.jpg, cat.jpg"),
    ],
)
def test_the_verdict_is_honest(demo: ModuleType, source: str | None, references: tuple[str, ...], said: str) -> None:
    best, names = found(*references)
    answer = demo.Answer(demo.Task(Path("q.jpg"), source, "blurred"), best, names)
    assert demo.verdict(answer) == said
    assert answer.right == (said == "yes")


def test_the_summary_counts_what_was_missed_and_wrongly_found(demo: ModuleType) -> None:
    cases = [("cat.jpg", ("cat.jpg", "dog.jpg")), ("cat.jpg", ()), (None, ("dog.jpg",)), (None, ())]
    answers = [demo.Answer(demo.Task(Path("q.jpg"), source, "-"), *found(*names)) for source, names in cases]
    summary = demo.summarise(answers)
    assert summary[0].startswith("Found: 1 of 2 copies")
    assert summary[1].startswith("Wrongly found: 2, with 2 pictures")
