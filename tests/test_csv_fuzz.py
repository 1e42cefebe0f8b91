"""Damaged CSV files: every one is read, or refused by an error that names the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fingerprint.challenge import read_ground_truth, read_matches
from fingerprint.errors import FingerprintError
from fingerprint.vectorfiles import VectorSet, read_vectors, write_vectors

#: A sound file of each kind, and its reader.
KINDS: dict[str, tuple[bytes, Callable[[Path], object]]] = {
    "vectors": (b'id,d0,d1\na,0.25,-1\n"b,c",1e-3,2\nd,3,4\n', read_vectors),
    "matches": (b"query_id,reference_id,score\nQ1,R1,0.5\nQ2,R7,-3.25\n", read_matches),
    "ground truth": (b"query_id,reference_id\nQ1,R1\nQ2,\n", read_ground_truth),
}
PIECES = st.binary(max_size=4) | st.sampled_from(
    [
        *(
            b'"',
            b'""',
            b",",
            b",,",
            b"\n",
            b"\r",
            b"\x00",
            b"\xff\xfe",
            b"\xef\xbb\xbf",
            b"\xe2\x80\xaf",
            b"\xed\xa0\x80",
        ),
        *(b"nan", b"inf", b"1e999", b"-", b"1_0", b"9" * 400, b"x" * 200_000, b"id,d0\n", b"Q1,R1\n"),
    ]
)
DAMAGES = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), PIECES), min_size=1, max_size=4)


@pytest.mark.parametrize("kind", KINDS)
@given(damages=DAMAGES)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_damaged_file_is_read_or_refused(kind: str, damages: list[tuple[float, int, bytes]], tmp_path: Path) -> None:
    data, read = KINDS[kind]
    for where, n_cut, piece in damages:
        at = int(where * len(data))
        data = data[:at] + piece + data[at + n_cut :]
    path = tmp_path / "damaged.csv"
    path.write_bytes(data)
    try:
        found = read(path)
    except FingerprintError as error:
        assert str(path) in str(error)  # noqa: PT017 (most damaged files are refused)
        return
    if isinstance(found, VectorSet):
        path.unlink()
        write_vectors(path, found.ids, found.vectors)  # what was read can be written and read again
        assert read_vectors(path).ids == found.ids


IDS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8
) | st.sampled_from(
    [
        "a,b",
        '"',
        ' "a"',
        "a\nb",
        "\r",
        "\r\n",
        "\ta ",
        "#a",
        "10.15\u202fPM",
        "\u200fa",
        "\x1b[31m",
        "\ufeff",
        "id",
        "\u2028",
    ]
)


@given(ids=st.lists(IDS, min_size=1, max_size=6, unique=True))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_ids_of_vectors_are_read_back(ids: list[str], tmp_path: Path) -> None:
    path = tmp_path / "vectors.csv"
    path.unlink(missing_ok=True)
    write_vectors(path, ids, np.ones((len(ids), 2), np.float32))
    assert read_vectors(path).ids == tuple(ids)
