"""The challenge's files: what is read, what is refused and how the refusal reads, what is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerprint import challenge
from fingerprint.challenge import (
    DescriptorSet,
    GroundTruth,
    Matches,
    read_descriptors,
    read_ground_truth,
    read_matches,
    write_descriptors,
    write_matches,
)
from fingerprint.challenge import matches as matches_module
from fingerprint.errors import ChallengeFileError, FingerprintError

#: Writes a file of some content and name, and returns its path.
Writer = Callable[..., Path]
MATCHES = Matches(("Q00002", "Q00001", "Q00002"), ("R000005", "R000001", "R000001"), np.array([0.25, 1e-17, -3.0]))


@pytest.fixture
def written(tmp_path: Path) -> Writer:
    def write(content: str | bytes, name: str = "file.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def refusal(read: Callable[..., object], *paths: Path) -> str:
    """Return the message with which `read` refuses, which always begins with the file."""
    with pytest.raises(ChallengeFileError) as caught:
        read(*paths)
    assert isinstance(caught.value, FingerprintError)
    assert str(caught.value).startswith(str(paths[0]))
    return str(caught.value).removeprefix(str(paths[0]))


def test_public_names() -> None:
    assert challenge.__all__ == sorted(challenge.__all__, key=lambda name: (name.upper() != name, name))
    assert all(hasattr(challenge, name) for name in challenge.__all__)
    assert (challenge.MAX_ROWS, challenge.MAX_DIMENSIONS) == (500_000, 256)


# --- ground truth -------------------------------------------------------------------------------------------------

TRUTH = GroundTruth((("Q00001", "R000007"), ("Q00003", "R000002")), unmatched_ids=("Q00000",))


@pytest.mark.parametrize(
    "content",
    [
        "query_id,reference_id\nQ00000,\nQ00001,R000007\nQ00003,R000002\n",
        "Q00000,\nQ00001,R000007\nQ00003,R000002",  # no header, no last line end
        "query_id,reference_id\r\nQ00000,\r\nQ00001,R000007\r\nQ00003,R000002\r\n",
        b"\xef\xbb\xbfquery_id,reference_id\nQ00000,\nQ00001,R000007\nQ00003,R000002\n",
        b"\xef\xbb\xbfQ00000,\nQ00001,R000007\nQ00003,R000002\n",
        "\n\nquery_id,reference_id\n\nQ00000,\n  \nQ00001,R000007\nQ00003,R000002\n\n",
        '"query_id","reference_id"\n"Q00000",""\n"Q00001","R000007"\n"Q00003","R000002"\n',
        "Query_ID, reference_id\nQ00000,\nQ00001,R000007\nQ00003,R000002\n",
        "query_id,reference_id\nQ00000,\nquery_id,reference_id\nQ00001,R000007\nQ00003,R000002\n",
    ],
    ids=[
        "plain",
        "no header",
        "CRLF",
        "BOM",
        "BOM, no header",
        "blank lines",
        "quoted",
        "header in other letters",
        "joined",
    ],
)
def test_ground_truth_in_the_forms_it_comes_in(written: Writer, content: str | bytes) -> None:
    assert read_ground_truth(written(content)) == TRUTH


def test_ground_truth_says_who_is_named() -> None:
    assert TRUTH.query_ids == {"Q00000", "Q00001", "Q00003"}
    assert TRUTH.reference_ids == {"R000007", "R000002"}


def test_ground_truth_of_pairs_only_and_of_no_pair(written: Writer) -> None:
    assert read_ground_truth(written("query_id,reference_id\nQ1,R1\nQ1,R2\n")).pairs == (("Q1", "R1"), ("Q1", "R2"))
    assert read_ground_truth(written("query_id,reference_id\nQ1,\n")) == GroundTruth((), ("Q1",))
    assert read_ground_truth(written("query_id,reference_id\n")) == GroundTruth(())
    assert read_ground_truth(written("Q1,R1\nquery,score\n")).pairs == (("Q1", "R1"), ("query", "score"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("Q1,R1\nQ2\n", "line 2: 1 field instead of 2: write query_id,reference_id"),
        ("query_id,reference_id,score\nQ1,R1,0.5\n", "line 1: the header is 'query_id,reference_id,score'"),
        ("reference_id,query_id\nR1,Q1\n", "line 1: the header is 'reference_id,query_id'"),
        ("Q1,R1,0.5\n", "line 1: 3 fields instead of 2"),
        ("Q1;R1\n", "line 1: 1 field instead of 2"),
        ("query_id,reference_id\n\n,R1\n", "line 3: '' is no id"),
        ("Q1, R1\n", "line 1: ' R1' is no id"),
        ("Q1,R1\n,\n", "line 2: '' is no id"),
        ("Q1,R1\nQ2,\nQ1,R1\n", "line 3: the same as line 1"),
        ("Q1,\nQ1,\n", "line 2: the same as line 1"),
        ("Q1,R1\nQ1,\n", "line 2: query 'Q1' is both matched and unmatched (see line 1)"),
        ("Q1,\nQ1,R1\n", "line 2: query 'Q1' is both matched and unmatched (see line 1)"),
        (b"Q1,R\xff1\n", "not a text file in UTF-8"),
        ('Q1,"R1\nQ2,R2\n', "not a CSV file"),
    ],
)
def test_ground_truth_refused(written: Writer, content: str | bytes, message: str) -> None:
    assert message in refusal(read_ground_truth, written(content))


def test_files_that_are_not_there(tmp_path: Path) -> None:
    for read in (read_ground_truth, read_matches, read_descriptors):
        assert "cannot be read" in refusal(read, tmp_path / "nothing")
        assert "cannot be read" in refusal(read, tmp_path)


def test_ground_truth_in_memory_must_not_contradict_itself() -> None:
    with pytest.raises(ChallengeFileError, match=r"\('Q1', 'R1'\) is there twice"):
        GroundTruth((("Q1", "R1"), ("Q1", "R1")))
    with pytest.raises(ChallengeFileError, match="'Q2' is there twice"):
        GroundTruth((), ("Q2", "Q2"))
    with pytest.raises(ChallengeFileError, match="'Q1' is matched and unmatched"):
        GroundTruth((("Q1", "R1"),), ("Q1",))


# --- matches ------------------------------------------------------------------------------------------------------


def assert_same_matches(a: Matches, b: Matches) -> None:
    assert (a.query_ids, a.reference_ids) == (b.query_ids, b.reference_ids)
    assert a.scores.tobytes() == b.scores.tobytes()


def test_matches_round_trip_and_exact_text(tmp_path: Path) -> None:
    write_matches(tmp_path / "m.csv", MATCHES)
    assert (tmp_path / "m.csv").read_bytes() == (
        b"query_id,reference_id,score\nQ00002,R000005,0.25\nQ00001,R000001,1e-17\nQ00002,R000001,-3.0\n"
    )
    assert_same_matches(read_matches(tmp_path / "m.csv"), MATCHES)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=20))
def test_no_bit_of_a_score_is_lost(tmp_path_factory: pytest.TempPathFactory, scores: list[float]) -> None:
    names = tuple(f"Q{i:05}" for i in range(len(scores)))
    path = tmp_path_factory.mktemp("scores") / "m.csv"
    matches = Matches(names, names, np.array(scores, np.float64))
    write_matches(path, matches)
    assert_same_matches(read_matches(path), matches)


@pytest.mark.parametrize(
    "content",
    [
        "Q00002,R000005,0.25\nQ00001,R000001,1e-17\nQ00002,R000001,-3\n",
        "\ufeffquery_id,reference_id,score\r\nQ00002,R000005,.25\r\n\r\nQ00001,R000001,1E-17\r\nQ00002,R000001,-3.0",
    ],
    ids=["no header", "BOM, CRLF, blank line"],
)
def test_matches_in_other_forms(written: Writer, content: str | bytes) -> None:
    assert_same_matches(read_matches(written(content)), MATCHES)


def test_ids_are_taken_as_they_are(written: Writer) -> None:
    """Somebody's own collection may be named after files; only the judge knows whether that is a mistake."""
    assert read_matches(written("holiday.jpg,R1,1\n")).query_ids == ("holiday.jpg",)


def test_no_match_at_all_is_a_file_of_its_header(written: Writer) -> None:
    assert len(read_matches(written("query_id,reference_id,score\n"))) == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("Q1,R1,0.5\nQ2,R2\n", "line 2: 2 fields instead of 3: write query_id,reference_id,score"),
        ("query_id,reference_id\nQ1,R1\n", "line 1: the header is 'query_id,reference_id': make it 'query_id,refe"),
        ("score,query_id,reference_id\n1,Q1,R1\n", "line 1: the header is 'score,query_id,reference_id'"),
        ("Q1,R1,0.5\nQ2,R2,high\n", "line 2: the score 'high' is no number"),
        ("Q1,R1,\n", "line 1: the score '' is no number"),
        ("Q1,R1,nan\n", "line 1: the score is 'nan': give a finite number"),
        ("query_id,reference_id,score\nQ1,R1,-inf\n", "line 2: the score is '-inf'"),
        ("Q1,R1,1e999\n", "line 1: the score is '1e999'"),
        ("Q1,,0.5\n", "line 1: '' is no id"),
        ("Q 1,R1,0.5\n", "line 1: 'Q 1' is no id"),
        ('"Q1,x",R1,0.5\n', "line 1: 'Q1,x' is no id"),
        ("Q1,R1,0.5\n\nQ1,R2,0.5\nQ1,R1,0.4\n", "line 4: the pair Q1,R1 was on line 1"),
    ],
)
def test_matches_refused(written: Writer, content: str | bytes, message: str) -> None:
    assert message in refusal(read_matches, written(content))


def test_at_most_so_many_rows_both_ways(tmp_path: Path, written: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matches_module, "MAX_ROWS", 3)
    write_matches(tmp_path / "full.csv", MATCHES)
    assert len(read_matches(tmp_path / "full.csv")) == 3
    monkeypatch.setattr(matches_module, "MAX_ROWS", 2)
    assert "line 4: more than 2 rows" in refusal(read_matches, tmp_path / "full.csv")
    with pytest.raises(ChallengeFileError, match="3 rows, 2 are allowed"):
        write_matches(tmp_path / "more.csv", MATCHES)
    assert not (tmp_path / "more.csv").exists()


@pytest.mark.parametrize(
    ("queries", "references", "scores", "message"),
    [
        (("Q1",), ("R1",), [np.nan], r"score of \(Q1, R1\) is nan"),
        (("Q1", "Q2"), ("R1", "R2"), [0.0, np.inf], r"score of \(Q2, R2\) is inf"),
        (("Q1", "Q1"), ("R1", "R1"), [0.5, 0.5], r"\('Q1', 'R1'\) is there twice"),
        (("Q1", "Q2"), ("R1",), [0.5, 0.5], "2 query ids, 1 reference ids"),
        (("Q1",), ("R1",), [[0.5]], r"scores of shape \(1, 1\)"),
    ],
)
def test_matches_in_memory_are_checked(
    queries: tuple[str, ...], references: tuple[str, ...], scores: list[float], message: str
) -> None:
    with pytest.raises(ChallengeFileError, match=message):
        Matches(queries, references, np.array(scores, np.float64))


def test_matches_of_float32_are_refused_not_rounded() -> None:
    with pytest.raises(ChallengeFileError, match="float32 scores"):
        Matches(("Q1",), ("R1",), np.array([0.5], np.float32))


def test_rows_of_some_queries() -> None:
    assert_same_matches(
        MATCHES.of_queries({"Q00002", "Q00009"}),
        Matches(("Q00002", "Q00002"), ("R000005", "R000001"), np.array([0.25, -3.0])),
    )


@pytest.mark.parametrize("bad", ["a,b", "a b", "a\nb", "", 'a"b'])
def test_ids_that_a_line_cannot_hold_are_not_written(tmp_path: Path, bad: str) -> None:
    with pytest.raises(ChallengeFileError, match=r"not written: .* is no id"):
        write_matches(tmp_path / "m.csv", Matches(("Q1",), (bad,), np.array([0.5])))
    assert list(tmp_path.iterdir()) == []


# --- descriptors --------------------------------------------------------------------------------------------------


def small_set(d: int = 3) -> DescriptorSet:
    rng = np.random.default_rng(0)
    return DescriptorSet(
        query=rng.standard_normal((3, d), dtype=np.float32),
        reference=rng.standard_normal((2, d), dtype=np.float32),
        query_ids=("Q00002", "Q00000", "Q00001"),
        reference_ids=("R000001", "R000000"),
    )


def test_descriptor_file_is_sorted_float32_and_fixed_length(tmp_path: Path) -> None:
    made = small_set()
    before = made.query.tobytes()
    write_descriptors(tmp_path / "d.h5", made)
    with h5py.File(tmp_path / "d.h5") as file:
        assert set(file) == {"query", "reference", "query_ids", "reference_ids"}
        assert file["query"].dtype == file["reference"].dtype == np.float32
        assert (file["query_ids"].dtype, file["reference_ids"].dtype) == (np.dtype("S6"), np.dtype("S7"))
        assert file["query_ids"][()].tolist() == [b"Q00000", b"Q00001", b"Q00002"]
        assert file["reference_ids"][()].tolist() == [b"R000000", b"R000001"]
        np.testing.assert_array_equal(file["query"][()], made.query[[1, 2, 0]])
        np.testing.assert_array_equal(file["reference"][()], made.reference[[1, 0]])
    assert made.query.tobytes() == before


def test_descriptor_round_trip_over_several_written_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fingerprint.challenge.descriptors._WRITTEN_ROWS", 2)
    write_descriptors(tmp_path / "d.h5", small_set(256))
    read = read_descriptors(tmp_path / "d.h5")
    assert read.query_ids == ("Q00000", "Q00001", "Q00002")
    assert read.reference_ids == ("R000000", "R000001")
    np.testing.assert_array_equal(read.query, small_set(256).query[[1, 2, 0]])
    np.testing.assert_array_equal(read.reference, small_set(256).reference[[1, 0]])
    assert read.query.dtype == np.float32


def h5(path: Path, **datasets: object) -> Path:
    with h5py.File(path, "w") as file:
        for name, data in datasets.items():
            file[name] = data
    return path


def ids(*names: str) -> np.ndarray:
    return np.array(names, np.bytes_)


ROW = np.ones((1, 2), np.float32)
TWO = np.ones((2, 2), np.float32)
PLAIN = {"query": TWO, "reference": ROW, "query_ids": ids("Q0", "Q1"), "reference_ids": ids("R0")}


def test_older_layout_in_any_order(tmp_path: Path) -> None:
    queries = h5(tmp_path / "q.h5", vectors=np.array([[1, 2], [3, 4]], np.float32), image_names=ids("Q1", "Q0"))
    references = h5(tmp_path / "r.h5", vectors=ROW, image_names=ids("R0"))
    read = read_descriptors(queries, references)
    assert (read.query_ids, read.reference_ids) == (("Q1", "Q0"), ("R0",))
    assert read.query.tolist() == [[1, 2], [3, 4]]
    assert read.reference.tolist() == [[1, 1]]


def test_vectors_of_another_byte_order_are_read(tmp_path: Path) -> None:
    swapped = {name: value.astype(">f4") for name, value in PLAIN.items() if name in ("query", "reference")}
    read = read_descriptors(h5(tmp_path / "d.h5", **(PLAIN | swapped)))
    for vectors in (read.query, read.reference):
        assert vectors.dtype == np.float32
        assert vectors.dtype.isnative
        assert (vectors == 1).all()


@pytest.mark.parametrize("score", ["1_0", "\u0663", "1e1_0", "nan", "inf", "0x10", "\uff11", ""])
def test_scores_are_numbers_as_other_programs_write_them(score: str, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(f"Q1,R1,{score}\n", encoding="utf-8")
    with pytest.raises(ChallengeFileError, match=r"m\.csv, line 1: .*finite"):
        read_matches(tmp_path / "m.csv")


def test_ids_of_variable_length_are_read_too(tmp_path: Path) -> None:
    path = h5(tmp_path / "d.h5", **(PLAIN | {"query_ids": ["Q0", "Q1"]}))
    assert read_descriptors(path).query_ids == ("Q0", "Q1")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"query": TWO.astype(np.float64)}, "query: the vectors are float64: write them as float32"),
        ({"reference": ROW[0]}, "reference: the vectors have shape (2,)"),
        ({"reference": ROW[:0], "reference_ids": ids()}, "reference: the vectors have shape (0, 2)"),
        ({"query": np.ones((2, 257), np.float32)}, "query: 257 dimensions, 256 are allowed"),
        ({"query": np.ones((2, 3), np.float32)}, "query descriptors have 3 dimensions and reference descriptors 2"),
        ({"query": TWO * np.array([[1], [np.nan]], np.float32)}, "query descriptors: the vector of 'Q1' is not finite"),
        (
            {"query": TWO * np.array([[-np.inf], [1]], np.float32)},
            "query descriptors: the vector of 'Q0' is not finite",
        ),
        ({"reference": -np.inf * ROW}, "reference descriptors: the vector of 'R0' is not finite"),
        ({"query_ids": ids("Q1", "Q0")}, "query_ids are not sorted: 'Q0' comes too late"),
        ({"query_ids": ids("Q0", "Q0")}, "query descriptors: the id 'Q0' is there twice"),
        ({"query_ids": ids("Q0")}, "query descriptors: 1 ids for 2 vectors"),
        ({"query_ids": np.arange(2)}, "query_ids are not ASCII bytes"),
        ({"query_ids": np.array([b"Q\xff", b"R"])}, "query_ids are not ASCII bytes"),
        ({"query_ids": ids("Q0", "Q1")[None]}, "query_ids is not one-dimensional"),
        ({"query_ids": b"Q0"}, "query_ids is not one-dimensional"),
    ],
)
def test_descriptor_files_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    assert message in refusal(read_descriptors, h5(tmp_path / "d.h5", **(PLAIN | change)))


def test_layouts_mixed_up(tmp_path: Path, written: Writer) -> None:
    both, half = h5(tmp_path / "both.h5", **PLAIN), h5(tmp_path / "half.h5", vectors=TWO, image_names=ids("Q0", "Q1"))
    assert "this is the older layout (image_names, vectors): give a file of" in refusal(read_descriptors, half)
    assert "holds queries and references" in refusal(read_descriptors, both, half)
    lone = h5(tmp_path / "lone.h5", **{name: PLAIN[name] for name in ("query", "query_ids", "reference")})
    assert "has query, query_ids, reference, lacks reference_ids" in refusal(read_descriptors, lone)
    assert "has no dataset, lacks query" in refusal(read_descriptors, h5(tmp_path / "empty.h5"))
    assert "lacks vectors: write vectors and image_names" in refusal(
        read_descriptors, h5(tmp_path / "o.h5", other=ROW), half
    )
    assert "cannot be read as HDF5" in refusal(read_descriptors, written("query_id,reference_id,score\n"))


def test_the_broken_one_of_two_files_is_named(tmp_path: Path) -> None:
    good = h5(tmp_path / "good.h5", vectors=TWO, image_names=ids("Q0", "Q1"))
    bad = h5(tmp_path / "bad.h5", vectors=TWO.astype(np.float16), image_names=ids("R0", "R1"))
    with pytest.raises(ChallengeFileError, match=r"bad\.h5: vectors: the vectors are float16"):
        read_descriptors(good, bad)


@pytest.mark.parametrize(("bad", "message"), [("Qé", "is not ASCII"), ("Q 0", "is no id"), ("", "is no id")])
def test_descriptor_ids_that_a_file_cannot_hold(tmp_path: Path, bad: str, message: str) -> None:
    with pytest.raises(ChallengeFileError, match=f"not written: .*{message}"):
        write_descriptors(tmp_path / "d.h5", DescriptorSet(ROW, ROW, (bad,), ("R0",)))
    assert list(tmp_path.iterdir()) == []


# --- all or nothing -----------------------------------------------------------------------------------------------

WRITERS = pytest.mark.parametrize(
    "write", [lambda path: write_matches(path, MATCHES), lambda path: write_descriptors(path, small_set())]
)


@WRITERS
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path | str], None]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    target = tmp_path / "file"
    target.write_text("old")
    monkeypatch.setattr("os.replace", full)
    with pytest.raises(ChallengeFileError, match="file: cannot be written: No space left on device"):
        write(target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@WRITERS
def test_places_that_cannot_be_written_to(tmp_path: Path, write: Callable[[Path | str], None]) -> None:
    (tmp_path / "text").write_text("")
    (tmp_path / "directory").mkdir()
    for target in (tmp_path / "none" / "file", tmp_path / "text" / "file", tmp_path / "directory"):
        with pytest.raises(ChallengeFileError, match="cannot be written"):
            write(target)
    assert {path.name for path in tmp_path.iterdir()} == {"text", "directory"}


@WRITERS
def test_a_file_is_replaced_and_bytes_repeat(tmp_path: Path, write: Callable[[Path | str], None]) -> None:
    target = tmp_path / "file"
    target.write_text("old")
    write(target)
    first = target.read_bytes()
    write(str(target))
    assert target.read_bytes() == first
    assert list(tmp_path.iterdir()) == [target]
