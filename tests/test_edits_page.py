"""The page of edits says what their docstrings say, and its sheet shows each of them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from fingerprint.edits import EDITS

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def page() -> ModuleType:
    """Import ``docs/make_edits_page.py``, which is no part of a package."""
    spec = importlib.util.spec_from_file_location("make_edits_page", ROOT / "docs" / "make_edits_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(page: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert page.main(["--check"]) == 0, capsys.readouterr().err


def test_every_edit_is_described_once(page: ModuleType) -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    assert all(text.count(f"| `{name}` |") == 1 for name in EDITS)
    assert all(len((edit.__doc__ or "").split()) >= 3 for edit in EDITS.values())


def test_the_sheet_has_a_block_for_each_edit(page: ModuleType) -> None:
    sheet = page.draw_sheet()
    blocks = sum(len(names) for names in page.GROUPS.values())
    assert blocks == len(EDITS)
    assert sheet.width * sheet.height > blocks * 3 * 104 * 104
