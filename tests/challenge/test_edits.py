"""The table of edits, with and without its header."""

from __future__ import annotations

from pathlib import Path

import pytest

from fingerprint.challenge.edits import read_edits
from fingerprint.errors import ChallengeFileError


@pytest.mark.parametrize("header", ["", "query_id\treference_id\tedits\n", "\ufeffquery_id\treference_id\tedits\r\n\n"])
def test_the_header_may_be_missing(header: str, tmp_path: Path) -> None:
    path = tmp_path / "edits.tsv"
    path.write_text(f"{header}Q0\tR7\tcrop+hflip\nQ1\t\tblur\nQ2\t\t\n", encoding="utf-8")
    assert read_edits(path) == {"Q0": ("crop", "hflip"), "Q1": ("blur",), "Q2": ()}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"Q0\tR7\n", "line 1: 2 fields instead of 3"),
        (b"Q0\t\tcrop\nQ0\t\tblur\n", "line 2: query 'Q0' is there twice"),
        (b"\xff\xfe", "not a text file in UTF-8"),
    ],
)
def test_what_is_wrong_is_said_with_the_file(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "edits.tsv").write_bytes(content)
    with pytest.raises(ChallengeFileError, match=message) as caught:
        read_edits(tmp_path / "edits.tsv")
    assert str(tmp_path / "edits.tsv") in str(caught.value)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ChallengeFileError, match=r"none\.tsv: cannot be read"):
        read_edits(tmp_path / "none.tsv")
