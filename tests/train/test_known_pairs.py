"""Lists of training photographs that are copies or second shots of each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from fingerprint.errors import ConfigError
from fingerprint.train.known_pairs import COPY, SHARED, linked, read_known_pairs


class TestReadKnownPairs:
    def test_kinds_that_are_known_are_read(self, tmp_path: Path) -> None:
        file = tmp_path / "pairs.csv"
        file.write_text(
            "second,kind,note,first\n"
            'b.jpg,copy,,a.jpg\nd.jpg,second shot,"from aside, later",c.jpg\nf.jpg,same window,,e.jpg\n'
            "grün.jpg,copy,,a.jpg\n",
            encoding="utf-8",
        )
        assert read_known_pairs(file) == {
            frozenset({"a.jpg", "b.jpg"}): COPY,
            frozenset({"c.jpg", "d.jpg"}): SHARED,
            frozenset({"a.jpg", "grün.jpg"}): COPY,
        }

    def test_a_byte_order_mark_does_no_harm(self, tmp_path: Path) -> None:
        (tmp_path / "pairs.csv").write_bytes(b"\xef\xbb\xbffirst,second,kind\r\na.jpg,b.jpg,copy\r\n")
        assert read_known_pairs(tmp_path / "pairs.csv") == {frozenset({"a.jpg", "b.jpg"}): COPY}

    def test_no_pairs(self, tmp_path: Path) -> None:
        (tmp_path / "pairs.csv").write_text("first,second,kind\n")
        assert read_known_pairs(tmp_path / "pairs.csv") == {}

    @pytest.mark.parametrize(
        "data",
        [
            b"first,second\na,b\n",
            b"first,kind\na,copy\n",
            b"a.jpg,b.jpg,copy\nc.jpg,d.jpg,copy\n",
            b"\xff\xd8\xff\xe0",
            b"",
            b"first,second,kind\na.jpg,b.jpg\n",
            b'first,second,kind\n"a.jpg,b.jpg,copy\n',
        ],
        ids=["no kind", "no second", "no head", "no text", "empty", "a field too few", "open quotes"],
    )
    def test_another_file_is_named_with_what_it_needs(self, data: bytes, tmp_path: Path) -> None:
        file = tmp_path / "pairs.csv"
        file.write_bytes(data)
        with pytest.raises(ConfigError, match="first, second and kind") as caught:
            read_known_pairs(file)
        assert str(file) in str(caught.value)

    def test_the_list_of_the_benchmarks_can_be_read(self) -> None:
        found = read_known_pairs(Path(__file__).parents[2] / "benchmarks" / "training_pairs.csv")
        assert set(found.values()) <= {COPY, SHARED}
        assert len(found) > 10


class TestLinked:
    def test_photographs_are_linked_over_others(self) -> None:
        known = {frozenset(pair): SHARED for pair in (("e", "c"), ("b", "a"), ("c", "b"), ("f", "g"))}
        assert linked(list("abcdefgh"), known) == {0: 0, 1: 0, 2: 0, 4: 0, 5: 5, 6: 5}

    def test_the_order_of_the_pairs_does_not_matter(self) -> None:
        pairs = [("a", "d"), ("b", "e"), ("d", "e"), ("c", "f")]
        expected = {0: 0, 1: 0, 3: 0, 4: 0, 2: 2, 5: 2}
        for start in range(len(pairs)):
            turned = pairs[start:] + pairs[:start]
            assert linked(list("abcdef"), {frozenset(pair): SHARED for pair in turned}) == expected

    def test_copies_and_other_files_link_nothing(self) -> None:
        known = {frozenset({"a", "b"}): COPY, frozenset({"a", "z"}): SHARED}
        assert linked(["a", "b", "c"], known) == {}
