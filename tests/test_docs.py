"""The documentation's examples run, its links lead somewhere, and its commands exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click import Command, Group

from fingerprint.cli import main
from fingerprint.cli._default_group import DefaultGroup
from fingerprint.models import load_models

ROOT = Path(__file__).parent.parent
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "benchmarks" / "README.md"])
PAGES = [page for page in PAGES if "_build" not in page.parts]


def fences(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", [p for p in PAGES if fences(p, "python")], ids=lambda p: str(p.relative_to(ROOT)))
def test_python_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for number, example in enumerate(fences(page, "python")):
        exec(compile(example, f"{page.name}, example {number + 1}", "exec"), names)


def test_links_to_files_lead_somewhere() -> None:
    astray = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert astray == []


def test_examples_name_the_models_that_ship() -> None:
    ids = re.compile(r"\b(?:vlad[0-9x]+-[0-9]+|trees|logistic)-[0-9a-f]{12}\b")
    models = load_models()
    named = {found for page in PAGES for found in ids.findall(page.read_text(encoding="utf-8"))}
    assert named == {models.model_id, models.calibration_id}


def test_shell_examples_name_commands_and_options_that_exist() -> None:
    lines = {
        f"{page.name}: fingerprint {line}": line
        for page in PAGES
        for block in fences(page, "console")
        for line in re.findall(r"^\$ fingerprint (.*)$", block, re.MULTILINE)
    }
    assert len(lines) > 20
    for where, line in lines.items():
        words = shlex.split(line, comments=True)
        command: Command = main
        while words and isinstance(command, Group) and not words[0].startswith("-"):
            words = command.with_default(words) if isinstance(command, DefaultGroup) else words
            assert words[0] in command.commands, where
            command = command.commands[words.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts} | {"--help", "--version"}
        used = {word.split("=")[0] for word in words if word.startswith("--")}
        assert used <= known, where
