"""Lists of hashes: the forms they come in, what is reported instead of guessed, and that our own are read back."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerprint import hashlists
from fingerprint.errors import ConfigError
from fingerprint.files.names import is_safe, read_name, written_name
from fingerprint.hashes import perceptual_hash
from fingerprint.hashes.algorithms import ALGORITHMS, PerceptualHash
from fingerprint.hashlists import (
    CSV_HEADER,
    HashGroup,
    HashList,
    ListMatcher,
    MalformedLine,
    hash_record_csv,
    hash_record_json,
    hash_record_text,
    read_hash_list,
)
from fingerprint.hashlists import read as read_module
from fingerprint.types import U8, U64, is_unicode

PDQ = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
OTHER_PDQ = "0000000000000001000000000000000200000000000000030000000000000004"
PHASH = "ffd8a0b1c2d3e4f5"
OTHER = "0123456789abcdef"
COLOUR = "07000000001"


def read(content: str | bytes, algorithm: str | None = None) -> HashList:
    return read_hash_list(io.BytesIO(content if isinstance(content, bytes) else content.encode()), algorithm)


def value(words: U64) -> int:
    """Return the number that packed words stand for."""
    number = 0
    for word in words.tolist():
        number = number << 64 | word
    return number


def entries(read_list: HashList) -> list[tuple[int, str, int, str, int]]:
    """Return all that a list says, in the order of its lines: line, algorithm, number, id, quality."""
    return sorted(
        (int(line), group.algorithm, value(code), name, int(quality))
        for group in read_list.groups
        for line, code, name, quality in zip(group.lines, group.codes, group.ids, group.qualities, strict=True)
    )


def said(read_list: HashList) -> list[tuple[str, str, str, int]]:
    """Return algorithm, digits, id and quality of each hash, digits as long as the algorithm's."""
    return [
        (algorithm, f"{number:0{ALGORITHMS[algorithm].n_digits}x}", name, quality)
        for _, algorithm, number, name, quality in entries(read_list)
    ]


def everything(read_list: HashList) -> tuple[list[tuple[int, str, int, str, int]], tuple[MalformedLine, ...]]:
    return entries(read_list), read_list.malformed


def test_public_names() -> None:
    assert hashlists.__all__ == sorted(hashlists.__all__, key=lambda name: (not name.isupper(), name.islower(), name))
    assert all(hasattr(hashlists, name) for name in hashlists.__all__)


# --- single lines -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "algorithm", "digits", "name", "quality"),
    [
        (PDQ, "pdq", PDQ, "", -1),
        (PDQ.upper(), "pdq", PDQ, "", -1),
        (f"  {PHASH}\t", "phash", PHASH, "", -1),
        (f"{PHASH},cat.jpg", "phash", PHASH, "cat.jpg", -1),
        (f"cat.jpg,{PHASH}", "phash", PHASH, "cat.jpg", -1),
        (f"{PHASH};cat.jpg", "phash", PHASH, "cat.jpg", -1),
        (f"{PHASH}; a, b", "phash", PHASH, "a, b", -1),
        (f"{PHASH}\ta cat.jpg", "phash", PHASH, "a cat.jpg", -1),
        (f"a, cat;.jpg\t{PHASH}", "phash", PHASH, "a, cat;.jpg", -1),
        (f"{PHASH} , cat.jpg", "phash", PHASH, "cat.jpg", -1),
        (f"{PDQ},57,cats/a b.jpg", "pdq", PDQ, "cats/a b.jpg", 57),
        (f"{PDQ},0,", "pdq", PDQ, "", 0),
        (f"{PDQ}, 100, x", "pdq", PDQ, "x", 100),
        (f"x,{PDQ},100", "pdq", PDQ, "x", 100),
        (f"{PDQ},x,y,z", "pdq", PDQ, "x,y,z", -1),
        (f"{PDQ},100,holiday, beach.jpg", "pdq", PDQ, "holiday, beach.jpg", 100),
        (f"holiday, beach.jpg,{PDQ},100", "pdq", PDQ, "holiday, beach.jpg", 100),
        (f"{PDQ};a; b;c.jpg", "pdq", PDQ, "a; b;c.jpg", -1),
        (f"{PDQ},100,Screenshot 10.15\u202fPM.png", "pdq", PDQ, "Screenshot 10.15\u202fPM.png", 100),
        (f"{PDQ} 57\u202fPM.png", "pdq", PDQ, "57\u202fPM.png", -1),
        (f"{PDQ} \u202fa \u200f", "pdq", PDQ, "\u202fa \u200f", -1),
        (f"{PDQ},,x", "pdq", PDQ, "x", -1),
        (f"{PDQ},57,12", "pdq", PDQ, "12", 57),
        (f"{PDQ}  my photo.jpg", "pdq", PDQ, "my photo.jpg", -1),
        (f"{PDQ}  *cats/a.jpg", "pdq", PDQ, "*cats/a.jpg", -1),
        (f"{PDQ} 57 my photo, 2.jpg", "pdq", PDQ, "my photo, 2.jpg", 57),
        (f"my photo.jpg {PDQ}", "pdq", PDQ, "my photo.jpg", -1),
        (f"my photo.jpg {PDQ} 57", "pdq", PDQ, "my photo.jpg", 57),
        (f"pdq {PDQ}", "pdq", PDQ, "", -1),
        (f"dhash,{PHASH},x", "dhash", PHASH, "x", -1),
        (f"{PHASH} 57 dHash_Vertical x", "dhash-vertical", PHASH, "x", 57),
        (f"{PHASH},ahash,57,x", "ahash", PHASH, "x", 57),
        (f"{COLOUR} colorhash x y", "colorhash", COLOUR, "x y", -1),
        (f"{COLOUR},colorhash,x", "colorhash", COLOUR, "x", -1),
        (f'{PHASH},"a ""b"", c"', "phash", PHASH, 'a "b", c', -1),
        (f'"a;b";{PHASH}', "phash", PHASH, "a;b", -1),
        (f'{PHASH},5" disk.jpg', "phash", PHASH, '5" disk.jpg', -1),
        (f"{PHASH},{PHASH}", "phash", PHASH, PHASH, -1),
        (f"{{9f-11}},{PHASH}", "phash", PHASH, "{9f-11}", -1),
        (f"{PHASH}\t57\tdhash\t'a' \"b\", {PDQ}", "dhash", PHASH, f"'a' \"b\", {PDQ}", 57),
        (json.dumps({"id": 17, "hash": PHASH}), "phash", PHASH, "17", -1),
        (json.dumps({"path": "x", "quality": 57.0, "DHash": PHASH}), "dhash", PHASH, "x", 57),
        (json.dumps({"path": "p", "id": "i", "algorithm": None, "hash": PDQ}), "pdq", PDQ, "i", -1),
    ],
)
def test_forms_of_a_line(line: str, algorithm: str | None, digits: str, name: str, quality: int) -> None:
    for end in ("", "\n", "\r\n"):
        assert said(read(line + end)) == [(algorithm, digits, name, quality)]


@pytest.mark.parametrize("numbers", [("17",), ("17", "17", "18"), ("100", "99"), ("1", "2", "3")])
def test_a_number_that_stands_alone_beside_the_hash_is_an_id_whatever_the_others_are(numbers: list[str]) -> None:
    """A quality taken for an id does no harm. An id taken for a low quality would silence the hash."""
    for separator in (",", ";", "\t", " "):
        found = read("".join(f"{PDQ}{separator}{number}\n" for number in numbers))
        assert [(name, quality) for _, _, name, quality in said(found)] == [(number, -1) for number in numbers]
    found = read("hash,quality\n" + "".join(f"{PDQ},{number}\n" for number in numbers))
    assert [(name, quality) for _, _, name, quality in said(found)] == [("", int(number)) for number in numbers]


def test_a_told_algorithm_decides_where_the_line_tells_none() -> None:
    assert said(read(f"{PHASH}\n{PHASH},phash,x\n", "dHash")) == [
        ("dhash", PHASH, "", -1),
        ("phash", PHASH, "x", -1),
    ]
    assert said(read(f"{PDQ},x", "blockmean")) == [("blockmean", PDQ, "x", -1)]
    assert said(read(f"{COLOUR}\n", "colorhash")) == [("colorhash", COLOUR, "", -1)]
    assert said(read(f"{PDQ},{PHASH}", "pdq")) == [("pdq", PDQ, PHASH, -1)]
    assert said(read(f"{PDQ},{PHASH}", "phash")) == [("phash", PHASH, PDQ, -1)]


@pytest.mark.parametrize(
    ("line", "algorithm", "reason"),
    [
        ("nothing here", None, "no hash in 'nothing here'"),
        ("x" * 100, None, f"no hash in '{'x' * 40}'..."),
        ("\x1b[31m\u202e", None, r"no hash in '\x1b[31m\u202e'"),
        (b"caf\xe9.jpg," + PHASH.encode(), None, r"not text in UTF-8 (invalid continuation byte): 'caf\xe9.jpg"),
        (PHASH[:-1], None, "has 15 hex digits, a hash has 16 or 64"),
        (f"x,{PDQ}0", None, "has 65 hex digits, a hash has 16 or 64"),
        (COLOUR, None, "has 11 hex digits: give the algorithm if it is a hash of colorhash"),
        (PHASH, "pdq", "has 16 hex digits, a hash of pdq has 64"),
        (f"{PDQ},101,x", None, "fields 2 and 3 can both be the id: quote an id that holds the separator, or name the"),
        (f"{PDQ},07,x", None, "fields 2 and 3 can both be the id"),
        (f"{PDQ},x,57", None, "fields 2 and 3 can both be the id"),
        (f"12,{PDQ},57,x", None, "fields 1 and 4 can both be the id"),
        (f'{PDQ},x,"y"', None, "fields 2 and 3 can both be the id"),
        (f"{PDQ}\tx\ty", None, "fields 2 and 3 can both be the id"),
        (f"#1.jpg,{PDQ}", None, "a comment, or an id that begins with #"),
        (f"{PDQ},x\r{OTHER_PDQ},y", None, "a carriage return within"),
        (f"{PHASH},x.jpg", "pdq", "has 16 hex digits, a hash of pdq has 64"),
        (f"{PHASH},pdq,x", None, "has 16 hex digits, a hash of pdq has 64"),
        (f"{PDQ}\t50\tphash\tx", None, "has 64 hex digits, a hash of phash has 16"),
        ("f" + COLOUR[1:], "colorhash", "has more than the 42 bits of colorhash"),
        (f"{PDQ},{PHASH}", None, "fields 1 and 2 can both be the hash: name the columns"),
        (f"{PHASH} {OTHER}", "phash", "fields 1 and 2 can both be the hash"),
        (f'{PHASH},"x', None, "quotation marks do not close"),
        (f'{PHASH},"x"y', None, "quotation marks do not close, or not before a separator"),
        ('{"hash": "0123", "path": "x"}', None, "'0123' has 4 hex digits"),
        ('{"hash": "', None, "no hash in"),
        ('{"path": "x"}', None, "no hash in"),
        ('{"hash": ["%s"]}' % PHASH, None, "is no hash in hex"),  # noqa: UP031 (braces)
        ('{"hash": "%s", "quality": true}' % PHASH, None, "the quality is 'true'"),  # noqa: UP031
        ('{"hash": "%s", "quality": -1}' % PHASH, None, "the quality is '-1': a whole number from 0"),  # noqa: UP031
        ('{"hash": "%s", "algorithm": "md5"}' % PHASH, None, "no hash algorithm is called 'md5'"),  # noqa: UP031
        ('{"a":' * 100_000, None, "no hash in"),
        ('{"hash": ' + "1" * 5_000 + "}", None, "no hash in"),
    ],
)
def test_lines_that_are_reported_instead_of_guessed(line: str | bytes, algorithm: str | None, reason: str) -> None:
    data = line if isinstance(line, bytes) else line.encode()
    good = (f"{COLOUR},colorhash" if algorithm == "colorhash" else f"{OTHER_PDQ},pdq,y").encode()
    found = read(good + b"\n\n" + data + b"\n" + good, algorithm)
    assert len(found) == 2
    (malformed,) = found.malformed
    assert malformed.number == 3
    assert reason in malformed.reason
    assert malformed.reason.isprintable()
    assert len(malformed.reason) < 300


# --- files --------------------------------------------------------------------------------------------------------


def test_all_forms_in_one_file() -> None:
    found = read(
        "\ufeff# hash,quality,id\r\n"
        f"{PHASH}\r\n\r\n"
        f"  # {PHASH}\n"
        f"{PDQ},57,cat.jpg\n"
        "rubbish\n"
        '{"path": "a", "algorithm": "dhash", "hash": "%s", "quality": 3}\n'
        '{"path": "b", "skipped": "torn"}\n'
        f"{COLOUR}\t60\tcolorhash\ta b\n"
        f"{PHASH} last" % OTHER
    )
    assert entries(found) == [
        (2, "phash", int(PHASH, 16), "", -1),
        (5, "pdq", int(PDQ, 16), "cat.jpg", 57),
        (7, "dhash", int(OTHER, 16), "a", 3),
        (9, "colorhash", int(COLOUR, 16), "a b", 60),
        (10, "phash", int(PHASH, 16), "last", -1),
    ]
    assert found.malformed == (MalformedLine(6, "no hash in 'rubbish'"),)
    assert len(found) == 5
    assert [group.algorithm for group in found.groups] == ["pdq", "phash", "dhash", "colorhash"]


def test_groups_are_packed_as_others_expect() -> None:
    pdq, phash, colour = read(f"{OTHER_PDQ}\n{PHASH}\n{PDQ}\n{COLOUR},colorhash\n").groups
    assert pdq.codes[0].tolist() == [1, 2, 3, 4]
    assert [f"{word:016x}" for word in pdq.codes[1].tolist()] == re.findall(".{16}", PDQ)
    assert phash.codes.tolist() == [[int(PHASH, 16)]]
    assert colour.codes.tolist() == [[int(COLOUR, 16)]]
    for group, n in ((pdq, 2), (phash, 1), (colour, 1)):
        assert (group.codes.dtype, group.qualities.dtype, group.lines.dtype) == (np.uint64, np.int16, np.int64)
        assert group.codes.dtype.isnative
        assert group.codes.flags.c_contiguous
        assert group.codes.flags.writeable
        assert len(group) == n == len(group.codes)


@pytest.mark.parametrize(
    "table",
    [
        f"path,algorithm,hash,quality\na b,dhash,{PHASH},57\n",
        f"QUALITY, Hash ,when,algorithm,filename\n57,{PHASH},now,dhash,a b\n",
        f"quality;dhash;name\n57;{PHASH};a b\n",
        f"name\tpath\tdhash\tquality\nother\ta b\t{PHASH}\t 57.0 \n",
        f"dhash_hash,quality,id,name\n{PHASH},57,a b,other\n",
        f"dhash quality file\n{PHASH}  57 a b\n",
        f'"path","d-hash","quality"\n"a b","{PHASH}","57"\n',
        f"dhash,quality,id\n{PHASH},57,a b,,\n",
    ],
)
def test_columns_by_their_names(table: str) -> None:
    assert said(read(table)) == [("dhash", PHASH, "a b", 57)]
    assert said(read(table + table)) == 2 * [("dhash", PHASH, "a b", 57)]
    assert read("# c\n\n" + table.replace("\n", "\r\n")).malformed == ()


def test_what_a_table_leaves_open_is_told_from_outside() -> None:
    assert said(read(f"id,hash\nx,{PHASH}\n", "ahash")) == [("ahash", PHASH, "x", -1)]
    assert said(read(f"id,phash\nx,{PHASH}\n", "ahash")) == [("phash", PHASH, "x", -1)]
    assert said(read(f"id,hash,algorithm\nx,{PHASH},\ny,{PHASH},whash\n")) == [
        ("phash", PHASH, "x", -1),
        ("whash", PHASH, "y", -1),
    ]


def test_ids_in_a_table_may_look_like_hashes() -> None:
    assert said(read(f"id,hash\n{OTHER},{PHASH}\n17,{PHASH}\npdq,{PHASH}\n")) == [
        ("phash", PHASH, OTHER, -1),
        ("phash", PHASH, "17", -1),
        ("phash", PHASH, "pdq", -1),
    ]


def test_several_columns_of_hashes_give_several_hashes() -> None:
    found = read(f"path,phash,dhash,pdq\nx,{PHASH},{OTHER},{PDQ}\ny,,{OTHER},\n")
    assert said(found) == [
        ("dhash", OTHER, "x", -1),
        ("pdq", PDQ, "x", -1),
        ("phash", PHASH, "x", -1),
        ("dhash", OTHER, "y", -1),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("x,,57", "the column of the hash is empty"),
        (OTHER, "the column of the hash is empty"),
        ("x,y,57", "'y' is no hash in hex"),
        (f"x,{PHASH},high", "the quality is 'high'"),
        (f"x,{PHASH},101", "the quality is '101'"),
        (f"x, y.jpg,{PHASH},57", "4 fields for 3 columns: quote fields that hold the separator"),
        (f'"x,{PHASH},57', "quotation marks do not close"),
    ],
)
def test_rows_that_do_not_fit_their_table(row: str, reason: str) -> None:
    found = read(f"id,hash,quality\n{row}\n" + f"z,{PHASH},1\n" * 150)
    assert len(found) == 150
    assert [line.number for line in found.malformed] == [2]
    assert reason in found.malformed[0].reason


def test_a_quotation_that_does_not_close_takes_no_other_line_with_it() -> None:
    found = read(f'id,hash\n"a,{PHASH}\n' + f"b,{PHASH}\n" * 300 + f'"c\nd",{PHASH}\n')
    assert [line.number for line in found.malformed] == [2]
    assert len(found) == 301
    assert found.groups[0].ids[-1] == "c\nd"
    assert found.groups[0].lines[-1] == 303


def test_a_quotation_may_go_over_lines_that_look_like_others() -> None:
    name = f"a\n\n#b\r\n{PHASH}\n{{}}"
    assert entries(read(f'{OTHER},"{name}"\n{PHASH}')) == [
        (1, "phash", int(OTHER, 16), name, -1),
        (6, "phash", int(PHASH, 16), "", -1),
    ]


def test_broken_bytes_in_a_quotation_spoil_only_it() -> None:
    found = read(b'hash,id\n%b,"a\n\xff\n%b,x\n' % (PHASH.encode(), PHASH.encode()))
    assert [name for *_, name, _ in entries(found)] == ["x"]
    assert [line.number for line in found.malformed] == [2, 3]
    found = read(b'hash,id\n%b,"a\n\xff"\n%b,"\xff\n"\n%b,x\n' % ((PHASH.encode(),) * 3))
    assert [name for *_, name, _ in entries(found)] == ["x"]
    assert [line.number for line in found.malformed] == [2, 4]
    assert all("UTF-8" in line.reason and line.reason.isprintable() for line in found.malformed)


def test_a_damaged_line_within_a_list_is_no_header() -> None:
    found = read(f"pdq,{PDQ}\npdq,abc\nthe hash, of today\nphash\npdq,{OTHER_PDQ}\n")
    assert [line.number for line in found.malformed] == [2, 3, 4]
    assert [digits for _, digits, _, _ in said(found)] == [PDQ, OTHER_PDQ]


def test_files_joined_to_one() -> None:
    text = hash_record_text("t", PerceptualHash("whash", 5, 50))
    joined = f"{PHASH},x\nid,hash\na,{OTHER}\n{text}\npath,algorithm,hash,quality\nb,ahash,{PHASH},9\n"
    assert said(read(joined)) == [
        ("phash", PHASH, "x", -1),
        ("phash", OTHER, "a", -1),
        ("whash", "0000000000000005", "t", 50),
        ("ahash", PHASH, "b", 9),
    ]


@pytest.mark.parametrize(
    ("line", "identifier"),
    [
        (f"0x{PHASH}", ""),
        (f"0X{PHASH},cat.jpg", "cat.jpg"),
        (f"cat.jpg\t0x{PHASH}", "cat.jpg"),
        (f'{{"phash": "0x{PHASH}", "id": "cat.jpg"}}', "cat.jpg"),
        (f"my cat.jpg: {PHASH}", "my cat.jpg"),
        (f"cat.jpg : 0x{PHASH}", "cat.jpg"),
        (f"{PHASH},0x12.jpg", "0x12.jpg"),
        (f"{PHASH},0x{PHASH}.jpg", f"0x{PHASH}.jpg"),
    ],
)
def test_usual_ways_to_write_a_hash(line: str, identifier: str) -> None:
    (group,) = read_hash_list(io.BytesIO(f"{line}\n".encode())).groups
    assert group.codes.tolist() == [[int(PHASH, 16)]]
    assert group.ids == (identifier,)


def test_a_repeated_line_matches_once(photos: dict[str, U8]) -> None:
    cat = photos["chelsea"]
    found = perceptual_hash(cat).hex
    given = f"{found},cat\n{found},other\n{found.upper()},cat\n"
    matches = ListMatcher(read_hash_list(io.BytesIO(given.encode()))).match(cat).matches
    assert [(match.id, match.line) for match in matches] == [("cat", 1), ("other", 2)]


def test_lines_of_the_hashes_that_a_collection_keeps() -> None:
    hashes = f"{PHASH} {OTHER} {PHASH}"
    given = f"a cat.jpg  {hashes}\n#b.jpg  {hashes}\n# c.jpg  {hashes}\nd.jpg  {PHASH} {OTHER}\n"
    read = read_hash_list(io.BytesIO(given.encode()))
    assert [(group.algorithm, group.ids) for group in read.groups] == [
        (name, ("a cat.jpg",)) for name in ("phash", "dhash", "ahash")
    ]
    assert [line.number for line in read.malformed] == [2, 4]
    assert "a comment, or an id that begins with #" in read.malformed[0].reason


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no usable hash; no line has one: write one hash in hex on each line"),
        (b"# nothing\n\n", "no line has one"),
        (b"path,algorithm,hash,quality\n", "no line has one"),
        (b'{"path": "a", "skipped": "torn"}\n', "no line has one"),
        (b"\nfoo\nbar\n", "line 2: no hash in 'foo'"),
        (gzip.compress(PHASH.encode(), mtime=0), "the list is compressed with gzip: save it as text in UTF-8"),
        (PHASH.encode("utf-16"), "the list is text in UTF-16 or UTF-32: save it as text in UTF-8"),
        (PHASH.encode("utf-16-le"), "the list is text in UTF-16 or UTF-32"),
        (PHASH.encode("utf-16-be"), "the list is text in UTF-16 or UTF-32"),
        (("\ufeff" + PHASH).encode("utf-16-be"), "the list is text in UTF-16"),
        (PHASH.encode("utf-32"), "the list is text in UTF-16 or UTF-32"),
        (b"PK\x03\x04\x14\x00", "the list is a zip archive, or a spreadsheet"),
        (f"caf\xe9,{PHASH}".encode("latin-1"), "line 1: not text in UTF-8"),
        (f"{PHASH},a\r{OTHER},b\r".encode(), "line 1: a carriage return within"),
    ],
)
def test_a_file_without_a_hash_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_hash_list(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_files_that_cannot_be_read_and_algorithms_that_are_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(ConfigError, match="cannot be read") as caught:
            read_hash_list(path)
        assert str(caught.value).startswith(str(path))
    with pytest.raises(ConfigError, match="no hash algorithm is called 'md5'"):
        read(PHASH, "md5")


def test_a_list_is_called_after_its_file(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text(PHASH)
    assert read_hash_list(path).name == read_hash_list(str(path)).name == str(path)
    with path.open("rb") as stream:
        assert read_hash_list(stream).name == str(path)
        assert not stream.closed
    assert read(PHASH).name == "<stream>"


def test_groups_are_checked() -> None:
    good = read(PDQ).groups[0]
    with pytest.raises(ConfigError, match="no hash algorithm is called 'md5'"):
        HashGroup("md5", good.codes, good.ids, good.qualities, good.lines)
    with pytest.raises(ConfigError, match=r"uint64 \(1, 4\).*give uint64 \(1, 1\)"):
        HashGroup("phash", good.codes, good.ids, good.qualities, good.lines)
    with pytest.raises(ConfigError, match=r"int64 \(1,\): give uint64 \(2, 4\)"):
        HashGroup("pdq", good.codes, ("a", "b"), good.qualities, good.lines)


# --- any content --------------------------------------------------------------------------------------------------

FIELDS = st.one_of(
    st.sampled_from([PDQ, PHASH, PHASH.upper(), OTHER, COLOUR, PHASH[:-1], "57", "101", "pdq", "dhash", "PDQ-hash"]),
    st.sampled_from(
        ["cat.jpg", "a b.jpg", ' "x"', '"a,b"', "", " ", "#x.y", "{a.b}", "hash", "id", "\u00a0#.x", "\ufeffa."]
    ),
    st.sampled_from(
        ["550e8400-e29b-41d4-a716-446655440000", "12345678901", "0000000000.jpg", "quality", "é.png", "\r."]
    ),
    st.text(max_size=6),
)
LINES = st.builds(str.join, st.sampled_from([",", ",", "\t", ";", " ", ", "]), st.lists(FIELDS, max_size=5))
ENDS = st.sampled_from(["\n", "\n", "\r\n"])


@given(st.lists(st.tuples(LINES, ENDS), max_size=6), st.sampled_from([None, "pdq", "dhash", "colorhash"]))
def test_the_short_cut_for_usual_lines_changes_nothing(lines: list[tuple[str, str]], algorithm: str | None) -> None:
    content = "".join(line + end for line, end in lines) + f"\n{PHASH}\t1\tphash\tx"
    with pytest.MonkeyPatch.context() as patch:
        results: list[object] = []
        for pattern in (read_module._USUAL, re.compile(b"(?!)")):
            patch.setattr(read_module, "_USUAL", pattern)
            try:
                results.append(everything(read(content, algorithm)))
            except ConfigError as error:
                results.append(str(error))
    assert results[0] == results[1]


@given(st.binary(max_size=200) | LINES.map(str.encode))
def test_whatever_a_file_holds_every_line_is_accounted_for(content: bytes) -> None:
    try:
        found = read(content)
    except ConfigError as error:
        assert re.match("<stream>: (no usable hash|the list is )", str(error))  # noqa: PT017 (most content has none)
        return
    assert isinstance(found, HashList)
    numbers = [line for line, *_ in entries(found)] + [line.number for line in found.malformed]
    assert len(set(numbers)) == len(numbers)
    assert set(numbers) <= set(range(1, content.count(b"\n") + 2))


# --- what we write ------------------------------------------------------------------------------------------------

HASHES = st.sampled_from(sorted(ALGORITHMS)).flatmap(
    lambda name: st.builds(
        PerceptualHash, st.just(name), st.integers(0, 2 ** ALGORITHMS[name].n_bits - 1), st.integers(0, 100)
    )
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
AWKWARD = st.sampled_from(
    (
        *(
            "",
            " ",
            " a",
            "a ",
            "#a",
            "\u00a0#a",
            "a,b",
            '"',
            '"a',
            'a"b',
            "a\nb",
            "\r",
            "\r\n#",
            "\n\n",
            "\ta",
            "'a'",
            "\\n",
        ),
        *("17", "100", PHASH, PDQ, COLOUR, "pdq", "hash", "path", "path,algorithm,hash,quality", "{}", '{"hash": 1}'),
        *(
            "Screenshot 10.15.02\u202fPM.png",
            "\u200fa\u200e",
            "\u202egnp.exe",
            "\x1b[31m",
            "\udcff.jpg",
            '"a\\nb"',
            '"\\"a"',
        ),
        *("\ufeff", "\x00", "\x85", "\u2028", "é", f"{PHASH}\t1\tpdq\tx", f"{PDQ},1,x", "a" * 5_000),
    )
)
PATHS = AWKWARD | TEXT | st.builds(str.__add__, AWKWARD, TEXT)
BYTES_IN_DISGUISE = st.binary(max_size=8).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
RECORDS = st.lists(st.tuples(PATHS, HASHES), min_size=1, max_size=8)


def expected(records: list[tuple[str, PerceptualHash]]) -> list[tuple[str, str, str, int]]:
    return [(item.algorithm, item.hex, path, item.quality) for path, item in records]


@given(st.lists(st.tuples(PATHS | BYTES_IN_DISGUISE, HASHES), min_size=1, max_size=8))
def test_csv_is_read_back(records: list[tuple[str, PerceptualHash]]) -> None:
    lines = [CSV_HEADER, *(hash_record_csv(path, item) for path, item in records)]
    assert all(map(is_safe, lines))
    for end in ("\n", "\r\n"):
        found = read("".join(line + end for line in lines))
        assert said(found) == expected(records)
        assert found.malformed == ()


@given(st.lists(st.tuples(PATHS | BYTES_IN_DISGUISE, HASHES), min_size=1, max_size=8))
def test_json_is_read_back_and_is_ascii(records: list[tuple[str, PerceptualHash]]) -> None:
    lines = [hash_record_json(path, item) for path, item in records]
    assert all(line.isascii() and "\n" not in line for line in lines)
    assert [list(json.loads(line)) for line in lines] == len(lines) * [["path", "algorithm", "hash", "quality"]]
    found = read("\n".join(lines))
    assert said(found) == expected(records)
    assert found.malformed == ()


@given(st.lists(st.tuples(PATHS | BYTES_IN_DISGUISE, HASHES), min_size=1, max_size=8))
def test_text_is_read_back(records: list[tuple[str, PerceptualHash]]) -> None:
    lines = [hash_record_text(path, item) for path, item in records]
    assert all(line.count("\t") == 3 and is_safe(line.replace("\t", "")) for line in lines)
    for end in ("\n", "\r\n"):
        found = read(end.join(lines))
        assert said(found) == expected(records)
        assert found.malformed == ()


@given(PATHS, HASHES)
def test_csv_is_what_the_csv_module_reads(path: str, item: PerceptualHash) -> None:
    rows = csv.reader(io.StringIO(hash_record_csv(path, item) + "\n", newline=""), strict=True)
    assert list(rows) == [[written_name(path), item.algorithm, item.hex, str(item.quality)]]
    assert written_name(path) == path or not is_safe(path) or path[:1] == '"'


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (PerceptualHash("md5", 1, 1), "no hash algorithm is called 'md5'"),
        (
            PerceptualHash("phash", 2**64, 1),
            r"\"a\\n.jpg\": a hash of phash is a number of 64 bits, not 0x10000000000000000",
        ),
        (PerceptualHash("phash", -1, 1), "not -0x1"),
        (PerceptualHash("colorhash", 2**42, 1), "42 bits"),
        (PerceptualHash("phash", 1, 101), r"\"a\\n.jpg\": a quality lies in 0..100, not 101"),
        (PerceptualHash("phash", 1, -1), "not -1"),
    ],
)
def test_what_could_not_be_read_back_is_not_written(item: PerceptualHash, message: str) -> None:
    for write in [hash_record_text, hash_record_csv, hash_record_json]:
        with pytest.raises(ConfigError, match=message):
            write("a\n.jpg", item)


def test_exact_records(tmp_path: Path) -> None:
    item = PerceptualHash("colorhash", 0x1F, 7)
    assert hash_record_text("a b\n.jpg", item) == '0000000001f\t7\tcolorhash\t"a b\\n.jpg"'
    assert hash_record_csv("a b.jpg", item) == "a b.jpg,colorhash,0000000001f,7"
    assert hash_record_csv('#"a"', item) == '"#""a""",colorhash,0000000001f,7'
    assert hash_record_json("é", item) == (
        '{"path": "\\u00e9", "algorithm": "colorhash", "hash": "0000000001f", "quality": 7}'
    )
    assert hash_record_csv(tmp_path, item).startswith(f"{tmp_path},")


# --- what others write --------------------------------------------------------------------------------------------

FOREIGN = (PATHS | st.sampled_from([" a", "a ", "\u202fa", "a\u202fb, c.jpg", "\u200fa;b"])).filter(
    lambda name: not {"\x00", "\r"} & set(name) and read_name(name) == name and is_unicode(name)  # csv quotes no \r
)
LISTED = st.lists(st.tuples(FOREIGN, HASHES), min_size=1, max_size=6)
FILES = st.tuples(st.sampled_from(["", "\ufeff"]), st.sampled_from(["\n", "\r\n"]))


def table(header: list[str], rows: list[list[str]], form: tuple[str, str], **how: Any) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator=form[1], **how)
    writer.writerow(header)
    writer.writerows(rows)
    return (form[0] + out.getvalue()).encode()


def kept(read_list: HashList) -> list[tuple[str, str, str]]:
    return [(algorithm, digits, name) for algorithm, digits, name, _ in said(read_list)]


@given(LISTED, FILES, st.sampled_from([",", "\t", ";"]), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_tables_that_the_csv_module_writes(
    listed: list[tuple[str, PerceptualHash]], form: tuple[str, str], separator: str, quoting: int
) -> None:
    """With a hash first, so that no name begins a line; names that need no quotation marks have none."""
    rows = [[item.hex, item.algorithm, name] for name, item in listed]
    for names in (["hash", "algorithm", "path"], ["indicator", "type", "id"], ["hash", "algorithm", "sha256"]):
        found = read(table(names, rows, form, delimiter=separator, quoting=quoting))
        assert kept(found) == [(item.algorithm, item.hex, name) for name, item in listed]
        assert found.malformed == ()


@given(LISTED, FILES)
def test_threat_exchange(listed: list[tuple[str, PerceptualHash]], form: tuple[str, str]) -> None:
    rows = [
        [str(number), item.hex, f"HASH_{item.algorithm.upper().replace('-', '_')}", name, "2026-01-01"]
        for number, (name, item) in enumerate(listed)
    ]
    found = read(table(["id", "indicator", "type", "description", "added_on"], rows, form))
    assert kept(found) == [(item.algorithm, item.hex, str(number)) for number, (_, item) in enumerate(listed)]
    others = read(table(["id", "indicator", "type"], [*[row[:3] for row in rows], ["9", "0" * 32, "HASH_MD5"]], form))
    assert [line.reason[:39] for line in others.malformed] == ["no hash algorithm is called 'HASH_MD5';"]


@given(LISTED, FILES)
def test_ids_before_hashes_are_kept_or_reported(
    listed: list[tuple[str, PerceptualHash]], form: tuple[str, str]
) -> None:
    """Only a name that begins with # and a blank cannot be told from a comment."""
    rows = [[name, item.algorithm, item.hex] for name, item in listed]
    found = read(table(["path", "algorithm", "hash"], [*rows, ["last", "phash", PHASH]], form))
    all_of_them = [(item.algorithm, item.hex, name) for name, item in listed]
    left = [entry for entry in all_of_them if entry in kept(found)]
    assert kept(found)[:-1] == left
    lost = [name for entry, (name, _) in zip(all_of_them, listed, strict=True) if entry not in left]
    assert len(found.malformed) >= sum(not name.lstrip().startswith(("# ", "#\t")) for name in lost)


@given(st.lists(HASHES, min_size=1, max_size=8), FILES)
def test_bare_hashes(items: list[PerceptualHash], form: tuple[str, str]) -> None:
    lines = [item.hex.upper() for item in items if item.algorithm in ("pdq", "phash")]
    found = read((form[0] + form[1].join([*lines, PHASH])).encode())
    assert [digits for _, digits, _ in kept(found)] == [*map(str.lower, lines), PHASH]


@given(st.lists(st.text("ab,;. 1-9_é\u202f", min_size=1, max_size=9), min_size=1, max_size=6), st.sampled_from("ab"))
def test_unquoted_names_are_whole_or_reported(names: list[str], side: str) -> None:
    names = [name.strip(" ,;") for name in names]
    lines = [f"{PDQ},100,{name}" if side == "a" else f"{name},{PDQ},100" for name in names]
    found = read("\n".join([*lines, f"{OTHER_PDQ},last"]))
    reported = {line.number for line in found.malformed}
    whole = [name for number, name in enumerate([*names, "last"], 1) if number not in reported]
    assert [name for _, _, name in kept(found)] == whole


def test_a_header_that_names_another_id() -> None:
    sha = "9f" * 32
    assert said(read(f"sha256,pdq\n{sha},{PDQ}\n")) == [("pdq", PDQ, sha, -1)]
    assert said(read(f"md5;hash\nabc;{PHASH}\n")) == [("phash", PHASH, "abc", -1)]
    assert said(read(f"id,path,hash\n,a.jpg,{PHASH}\n7,b.jpg,{PHASH}\n")) == [
        ("phash", PHASH, "a.jpg", -1),
        ("phash", PHASH, "7", -1),
    ]


# --- damage -------------------------------------------------------------------------------------------------------

PIECES = st.binary(max_size=4) | st.sampled_from(
    [
        *(
            b'"',
            b",",
            b"\n",
            b"\r",
            b"\t",
            b";",
            b"{",
            b"}",
            b"#",
            b"\x00",
            b"\xff\xfe",
            b"\xef\xbb\xbf",
            b"\xe2\x80\xaf",
        ),
        *(b"hash", b"id,hash\n", b"pdq", PDQ.encode(), PHASH.encode(), b'{"hash":', b"[" * 50, b"9" * 30),
    ]
)


@given(
    st.sampled_from([hash_record_text, hash_record_csv, hash_record_json]),
    RECORDS,
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), PIECES), min_size=1, max_size=5),
)
@settings(max_examples=200)
def test_a_damaged_list_is_read_or_refused_line_by_line(
    write: Callable[[str, PerceptualHash], str],
    records: list[tuple[str, PerceptualHash]],
    damages: list[tuple[float, int, bytes]],
) -> None:
    """Bytes are cut out and put in; what is left untouched is still read, and no line counts twice."""
    lines = [write(path, item) for path, item in records]
    data = "\n".join([*([CSV_HEADER] if write is hash_record_csv else []), *lines]).encode()
    for where, n_cut, piece in damages:
        at = int(where * len(data))
        data = data[:at] + piece + data[at + n_cut :]
    good = hash_record_text("good", PerceptualHash("dhash", 7, 90)).encode()
    tail = b'\n"\n' + b"x\n" * 110 + good  # a quotation that the damage opened ends within 100 lines
    try:
        found = read(data + tail)
    except ConfigError as error:
        assert "<stream>: " in str(error)  # noqa: PT017 (a list may have become a table, or binary)
        return
    numbers = [line.number for line in found.malformed]
    assert len(set(numbers)) == len(numbers)
    assert not set(numbers) & {line for line, *_ in entries(found)}
    assert all(0 <= quality <= 100 or quality == -1 for *_, quality in said(found))
    for group in found.groups:
        again = read("\n".join(hash_record_text(name, PerceptualHash(group.algorithm, 1, 1)) for name in group.ids))
        assert again.groups[0].ids == group.ids  # any id that was read can be written and read again
