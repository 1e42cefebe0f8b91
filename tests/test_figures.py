"""Every figure of the pages is what the results say, and none is written by hand."""

from __future__ import annotations

import importlib
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

import pytest

from fingerprint.bench.sets import open_set

ROOT = Path(__file__).parent.parent
BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture(scope="module")
def figures() -> Iterator[ModuleType]:
    """Import ``benchmarks/figures.py``, which is no part of a package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield importlib.import_module("figures")


@pytest.fixture(scope="module")
def marks(figures: ModuleType) -> ModuleType:
    del figures
    return importlib.import_module("_figures.pages")


def copied(pages: Sequence[Path], root: Path) -> Path:
    """Copy pages to another root."""
    for page in pages:
        copy = root / page.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(page, copy)
    return root


class TestThePages:
    def test_are_up_to_date_and_have_no_measured_number_outside_of_marks(
        self, figures: ModuleType, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code = figures.main(["--check"])
        assert capsys.readouterr().err == ""
        assert code == 0

    def test_need_every_number_that_is_allowed(self, figures: ModuleType, marks: ModuleType) -> None:
        """An allowance that no page needs would let the next measured number through."""
        allowed = importlib.import_module("_figures.allowed").ALLOWED
        found = {
            page.relative_to(ROOT).as_posix(): {words for _, words in marks.unmarked(page.read_text(encoding="utf-8"))}
            for page in marks.pages(ROOT)
        }
        assert {name: sorted(words) for name, words in allowed.items()} == {
            name: sorted(words) for name, words in found.items() if words
        }

    def test_have_no_mark_that_is_not_filled(self, marks: ModuleType) -> None:
        """Decisions are history and are not filled, so they may not have marks."""
        others = set((ROOT / "docs").rglob("*.md")) - set(marks.pages(ROOT))
        assert not [page for page in others if re.search(r"<!-- ?f(igure)?:", page.read_text(encoding="utf-8"))]


class TestTheCommand:
    def test_changes_pages_when_a_result_changes_and_nothing_the_next_time(
        self, figures: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        root = copied(figures.pages(ROOT), tmp_path / "root")
        shutil.copytree(BENCHMARKS / "results", tmp_path / "results")
        path = tmp_path / "results" / "challenge_set.json"
        measured = json.loads(path.read_text(encoding="utf-8"))
        measured["matching_track"]["thorough"]["micro_ap"] = 0.91234
        path.write_text(json.dumps(measured), encoding="utf-8")

        def run(*arguments: str) -> int:
            results = figures.Results(tmp_path / "results")
            return int(figures.main(arguments, root=root, results=results))

        assert run("--check") == 1
        assert "README.md: differs from the results" in capsys.readouterr().err
        assert run() == 0
        assert run("--check") == 0
        assert "0.912" in (root / "README.md").read_text(encoding="utf-8")
        assert "0.912" in (root / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
        before = {page: page.read_text(encoding="utf-8") for page in root.rglob("*.md")}
        assert run() == 0
        assert before == {page: page.read_text(encoding="utf-8") for page in root.rglob("*.md")}

    def test_refuses_a_page_with_a_measured_number_in_its_prose(
        self, figures: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        root = copied(figures.pages(ROOT), tmp_path / "root")
        with (root / "README.md").open("a", encoding="utf-8") as page:
            page.write("\nA query takes 93 ms.\n")
        assert figures.main(["--check"], root=root) == 1
        assert "93 ms: not in a mark" in capsys.readouterr().err

    def test_refuses_a_result_that_does_not_say_where_it_comes_from(
        self, figures: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shutil.copytree(BENCHMARKS / "results", tmp_path / "results")

        def change(name: str, **changes: object) -> None:
            path = tmp_path / "results" / f"{name}.json"
            record = json.loads(path.read_text(encoding="utf-8"))
            path.write_text(json.dumps({**record, **changes}), encoding="utf-8")

        change("challenge_set", machine="", command=None)
        (run, *_) = json.loads((tmp_path / "results" / "bench.json").read_text(encoding="utf-8"))["runs"].values()
        change("bench", runs={"pdq": {**run, "versions": {}}})
        root = copied(figures.pages(ROOT), tmp_path / "root")
        assert figures.main(["--check"], root=root, results=figures.Results(tmp_path / "results")) == 1
        said = capsys.readouterr().err
        assert "results/challenge_set.json: names no machine, command" in said
        assert "results/bench.json: names no versions" in said
        assert said.count("results/") == 2  # the notes of experiments name nothing of this


class TestRecords:
    def test_name_machine_versions_command_and_the_digest_of_the_pictures(
        self, figures: ModuleType, tmp_path: Path
    ) -> None:
        del figures
        records, origins = importlib.import_module("_records"), importlib.import_module("_figures.origins")
        for name in ("train", "references", "queries"):
            (tmp_path / "set" / name).mkdir(parents=True)
            (tmp_path / "set" / name / f"{name[0].upper()}0.jpg").write_bytes(b"picture")
        folder = records.header(tmp_path / "set")["data_digest"]
        assert records.header(tmp_path / "set" / "train")["data_digest"] != folder
        (tmp_path / "set" / "ground_truth.csv").write_text("Q0,R0\n")
        found = records.header(tmp_path / "set")
        assert found["data_digest"] == open_set(tmp_path / "set").digest != folder
        assert origins.lacking(found) == ()
        assert origins.lacking(records.header(None)) == ()
        assert origins.lacking({}) == ("machine", "versions", "command", "data")

    def test_notes_of_experiments_are_named_by_the_decision_records_that_rest_on_them_and_by_no_other_page(
        self, figures: ModuleType
    ) -> None:
        del figures
        notes = importlib.import_module("_figures.origins").NOTES
        written = sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")) + [BENCHMARKS / "README.md"]
        pages = {page: page.read_text(encoding="utf-8") for page in written}
        named = {name: [page for page, text in pages.items() if f"{name}.json" in text] for name in notes}
        records = {name: [page.parent.name + "/" + page.name[:4] for page in found] for name, found in named.items()}
        assert records == {name: [f"decisions/{number:04}" for number in numbers] for name, numbers in notes.items()}
        assert {path.stem for path in (BENCHMARKS / "results").glob("experiments-*.json")} == set(notes)


class TestMarks:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("<!-- figure: nonsense -->\n<!-- end -->", "no block of figures is called nonsense"),
            ("a <!--f:nonsense-->1<!--/f-->", "no figure is called nonsense"),
            ("<!-- figure: tracks -->\nto the end of the page", "a mark is not closed"),
            ("<!-- figure: tracks -->\n<!-- figure: edits -->\n<!-- end -->", "tracks is not closed"),
            ("a <!--f:set.queries-->976 queries", "a mark is not closed"),
            ("- <!--f:set.queries-->976<!--/f--> queries", "a figure begins a line"),
        ],
    )
    def test_that_cannot_be_filled_are_refused(
        self, figures: ModuleType, marks: ModuleType, text: str, message: str
    ) -> None:
        with pytest.raises(marks.MarkError, match=message):
            marks.fill(text, figures.Results())

    def test_keep_what_is_around_them(self, figures: ModuleType, marks: ModuleType) -> None:
        filled = marks.fill("Of <!--f:set.queries-->1<!--/f--> queries.\n", figures.Results())
        assert filled == "Of <!--f:set.queries-->976<!--/f--> queries.\n"

    def test_say_what_a_folder_takes_as_it_grows(self, marks: ModuleType) -> None:
        sizes = {"1250": {"copies": 530, "core_seconds": 100.0, "peak_mb": 380}}
        sizes["10000"] = {"copies": 4287, "core_seconds": 1000.0, "peak_mb": 1100}
        *_, first, last = marks.BLOCKS["dedupe-scale"]({"dedupe_scale": {"measured": sizes}})
        assert first == "| 1,250 | 530 | 100 | 80 ms | 380 MB |"
        assert last == "| 10,000 | 4,287 | 1,000 | 100 ms | 1,100 MB |"

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("It takes 12.5 ms or\n3 GB.", [(1, "12.5 ms"), (2, "3 GB")]),
            ("1,024 bytes, 90 %, 95% and 142 of 150", [(1, "1,024 bytes"), (1, "90 %"), (1, "95%"), (1, "142 of 150")]),
            ("a µAP of 0.959, twice", [(1, "0.959")]),
            ("split\nover two 4\nGB lines", [(2, "4 GB")]),
            ("versions 0.1.0 and Apache-2.0, 600 pixels, 4 words", []),
            ("`0.5 ms` and\n```text\n3 ms\n```\n    4 ms\n", []),
            ("[link](a-0.5-b.md) <!--f:set.queries-->0.5<!--/f-->", []),
            ("<!-- figure: tracks -->\n0.5\n<!-- end -->\n", []),
        ],
    )
    def test_measured_numbers_outside_are_found(
        self, marks: ModuleType, text: str, found: list[tuple[int, str]]
    ) -> None:
        assert list(marks.unmarked(text)) == found
