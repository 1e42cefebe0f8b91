"""The table of a search, in a terminal of some width and for a program."""

from __future__ import annotations

import pytest

from fingerprint.cli._table import Table

LONG = "holidays/2026/a-long-folder-name/IMG_20260101_000000_as_phones_write_them.jpg"


def lines(table: Table, capsys: pytest.CaptureFixture[str], reference: str) -> list[str]:
    query, other = "cat.jpg", "dog.jpg"
    table.header(f"{'copy':>8}  relation   what is seen")
    table.widen([reference])
    table.row(query, reference, "   100 %  copy       same file")
    table.row(query, "short.jpg", "    51 %  copy       cropped")
    table.note(other, "nothing found")
    return capsys.readouterr().out.splitlines()


def test_names_that_fit_are_columns(capsys: pytest.CaptureFixture[str]) -> None:
    for columns in (None, 80):
        assert lines(Table(7, 9, columns), capsys, "short.jpg") == [
            "query    reference      copy  relation   what is seen",
            "cat.jpg  short.jpg     100 %  copy       same file",
            "cat.jpg  short.jpg      51 %  copy       cropped",
            "dog.jpg  nothing found",
        ]


def test_names_that_do_not_fit_are_below_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert lines(Table(7, len(LONG), 80), capsys, LONG) == [
        "      copy  relation   what is seen",
        "cat.jpg",
        "     100 %  copy       same file",
        f"      {LONG}",
        "      51 %  copy       cropped",
        "      short.jpg",
        "dog.jpg",
        "  nothing found",
    ]


def test_a_program_gets_columns_whatever_the_names(capsys: pytest.CaptureFixture[str]) -> None:
    found = lines(Table(7, len(LONG), None), capsys, LONG)
    assert found[1] == f"cat.jpg  {LONG}     100 %  copy       same file"
    assert len(found) == 4


def test_a_terminal_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Table(1, 1).columns is None
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "71")
    assert Table(1, 1).columns == 71
