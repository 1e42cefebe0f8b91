"""Names as text: most are as they are, none harms a terminal, and all are read back."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingerprint.files.names import escaped, is_safe, read_name, written_name

ANY = (
    st.text(max_size=12)
    | st.text(st.sampled_from(['"', "\\", "n", "u", "0", "\n", "\x1b", "\udcff", "\u202e", "\u202f"]), max_size=8)
    | st.binary(max_size=8).map(os.fsdecode)
)


@pytest.mark.parametrize(
    "name",
    [
        "a b.jpg",
        "Screenshot 10.15.02\u202fPM.png",
        "\u200f\u05e9\u05dc.jpg",
        "👩\u200d💻.png",
        "a\u00a0b",
        '"x".jpg',
        "C:\\new\\t.jpg",
        "",
    ],
)
def test_honest_names_are_written_as_they_are(name: str) -> None:
    assert written_name(name) == escaped(name) == name


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a\nb", '"a\\nb"'),
        ("\x1b[31m", '"\\u001b[31m"'),
        ("\x9b1m", '"\\u009b1m"'),
        ("\udcff.jpg", '"\\udcff.jpg"'),
        ("\u202egnp.exe", '"\\u202egnp.exe"'),
        ("a\\\n", '"a\\\\\\n"'),
        ('"a\\nb"', '"\\"a\\\\nb\\""'),
        ("\u2028", '"\\u2028"'),
    ],
)
def test_other_names_are_json_strings(name: str, written: str) -> None:
    assert written_name(name) == written
    assert json.loads(written) == name


@given(ANY)
def test_any_name_is_safe_and_read_back(name: str) -> None:
    written = written_name(name)
    assert is_safe(written)
    assert is_safe(escaped(name))
    assert read_name(written) == name
    written.encode()


@given(ANY)
def test_what_was_not_written_by_us_is_left_alone(text: str) -> None:
    assert read_name(text) == text or written_name(read_name(text)) == text
