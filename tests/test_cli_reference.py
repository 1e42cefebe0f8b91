"""The reference of the command line is what the commands say, and misses none of them."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """Import ``docs/make_cli_reference.py``, which is no part of a package."""
    path = ROOT / "docs" / "make_cli_reference.py"
    spec = importlib.util.spec_from_file_location("make_cli_reference", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(reference: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    code = reference.main(["--check"])
    assert capsys.readouterr().err == ""
    assert code == 0


def test_every_option_of_every_command_is_in_its_section(reference: ModuleType) -> None:
    sections = re.split(r"^## (.*)$", reference.PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    texts = dict(zip(sections[::2], sections[1::2], strict=True))
    for name, command in reference.commands().items():
        for parameter in command.params:
            for option in parameter.opts if parameter.param_type_name == "option" else [parameter.metavar]:
                assert str(option).strip("[]") in texts[name], f"{name}: {option}"


def test_a_page_that_differs_is_brought_up_to_date(reference: ModuleType, tmp_path: Path) -> None:
    text = reference.PAGE.read_text(encoding="utf-8")
    page = tmp_path / "cli.md"
    page.write_text(text.replace("fingerprint search [OPTIONS]", "fingerprint seek [OPTIONS]"), encoding="utf-8")
    assert reference.main(["--check"], page=page) == 1
    assert reference.main([], page=page) == 0
    assert page.read_text(encoding="utf-8") == reference.fill(text)


def test_a_command_without_a_mark_is_named(
    reference: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = reference.PAGE.read_text(encoding="utf-8")
    page = tmp_path / "cli.md"
    page.write_text(
        text.replace("<!-- cli: fingerprint search -->", "<!-- cli: fingerprint seek -->"), encoding="utf-8"
    )
    assert reference.main(["--check"], page=page) == 1
    said = capsys.readouterr().err
    assert "no command is called fingerprint seek" in said
    assert "fingerprint search has no mark" in said
