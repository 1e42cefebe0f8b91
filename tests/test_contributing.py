"""What the pages for contributors say is so: the map, the commands, and the versions that are written in two files."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import fingerprint

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
CONTRIBUTING = PAGES[0].read_text(encoding="utf-8")
ROW = re.compile(r"^\| (.+?) \| `([^`]+)` \| `([^`]+)` \|$", re.MULTILINE)
MAP = ROW.findall(CONTRIBUTING.partition("<!-- map -->")[2].partition("<!-- end -->")[0])
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = re.findall(r"^([a-z]+)[a-z-]*%?:", MAKEFILE, re.MULTILINE)


def defined_in(path: Path) -> set[str]:
    """Return the names of functions, classes and constants of a module."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def project() -> dict[str, Any]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        table: dict[str, Any] = tomllib.load(file)["project"]
    return table


def test_the_map_answers_many_questions() -> None:
    assert len(MAP) >= 30
    questions = [question for question, _, _ in MAP]
    assert len(set(questions)) == len(questions)


@pytest.mark.parametrize(("question", "path", "name"), MAP, ids=[question for question, _, _ in MAP])
def test_the_map_names_what_is_there(question: str, path: str, name: str) -> None:
    file = ROOT / path
    assert file.is_file(), f"where is {question}? Not in {path}: correct the map in CONTRIBUTING.md"
    there = name in (defined_in(file) if file.suffix == ".py" else file.read_text(encoding="utf-8"))
    assert there, f"where is {question}? {path} has no {name}: correct the map in CONTRIBUTING.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    linked = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    named = re.findall(r"`((?:\w+/)*\w+\.(?:py|md|toml|txt))`", text)
    assert named
    assert [path for path in linked if not (ROOT / path).exists()] == []
    assert [path for path in named if not (ROOT / path).exists() and not (ROOT / "fingerprint" / path).exists()] == []


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES, *(ROOT / "docs").rglob("*.md")], ids=lambda p: p.name)
def test_the_targets_of_make_that_pages_name_are_there(page: Path) -> None:
    named = " ".join(re.findall(r"(?:^\$ |`)make ([^`#\n]*)", page.read_text(encoding="utf-8"), re.MULTILINE))
    targets = {word.partition("-")[0] for word in named.split() if "=" not in word}
    assert targets <= {"-C", *TARGETS}


def test_the_citation_has_the_version() -> None:
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.*)$", text, re.MULTILINE) == [fingerprint.__version__]
    assert f"license: {project()['license']}\n" in text
    assert "cff-version: 1.2.0\n" in text


def test_the_classifiers_name_the_pythons_that_are_tested() -> None:
    minors = re.findall(r"Programming Language :: Python :: 3\.(\d+)", "\n".join(project()["classifiers"]))
    assert project()["requires-python"] == f">=3.{minors[0]}"
    (tested,) = re.findall(r"^PYTHONS := (.*)$", MAKEFILE, re.MULTILINE)
    assert tested.split() == [f"3.{minor}" for minor in minors]


def test_every_dependency_has_a_lower_bound_that_make_oldest_can_install() -> None:
    """As ``name>=version``, where the version is one that was published, in full."""
    assert [text for text in project()["dependencies"] if not re.match(r"[a-z0-9-]+>=\d+(\.\d+)+(,|$)", text)] == []
