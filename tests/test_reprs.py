"""What public values show of themselves: one short line that says what matters, however much they hold."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from fingerprint import AddReport, Answer, Config, Fingerprint, ImportReport, Match, Neighbour, Skipped, StoreInfo
from fingerprint.collection.collection import create_collection
from fingerprint.hashes import PerceptualHash
from fingerprint.index import VectorsInfo
from fingerprint.results import Verification
from fingerprint.types import Keypoints

MANY = 3_000
CERTAIN = Verification(0.98765, 0.01, 4.381, 120, None, False, False, None, None)
ALIKE = Verification(0.012, 0.9, -4.4, 40, None, False, False, None, None)
TURNED = dataclasses.replace(
    CERTAIN, mirrored=True, inverted=True, identical=True, transform=(0, 1, 0, 1, 0, 0, 0, 0, 1)
)
MILLISECONDS = dict.fromkeys(("describe", "descriptors", "hashes", "vote", "shortlist", "verify"), 1.5)
COUNTERS = dict.fromkeys(("postings_visited", "hits", "references_scored", "candidates", "pairs_aligned"), 7)


def answer(n_matches: int, n_shared: int = 0) -> Answer:
    matches = tuple(Match("q.jpg", f"r{i}.jpg", CERTAIN) for i in range(n_matches))
    shared = tuple(Match("q.jpg", f"s{i}.jpg", ALIKE) for i in range(n_shared))
    return Answer("q.jpg", matches, shared, MILLISECONDS, COUNTERS)


FINGERPRINT = Fingerprint(
    hashes=np.array([1, 2, 3], np.uint64),
    keypoints=Keypoints(
        descriptors=np.zeros((MANY, 128), np.uint8),
        signatures=np.zeros((MANY, 2), np.uint64),
        frame=np.zeros((MANY, 5), np.float32),
        width=640,
        height=480,
    ),
    descriptor=np.zeros(256, np.float32),
    thumbnail=np.zeros(9, np.uint8),
    colours=np.zeros((8, 8, 2), np.int8),
    model_id="vlad64-256-0123456789ab",
)
SKIPPED = tuple(Skipped(f"bad{i}.jpg", "torn") for i in range(MANY))
INFO = StoreInfo(
    path="photos.fp",
    model_id="vlad64-256-0123456789ab",
    references=12_345,
    removed=6,
    segments=7,
    keypoints=3_000_000,
    bytes=987_654_321,
    keep_local_descriptors=False,
    descriptor_index="auto",
    segments_by_codes=1,
    segments_by_annoy=1,
    skipped=SKIPPED,
    imported=(VectorsInfo("resnet50", 12_000, 512, 1),),
)
INFO_SHOWN = (
    "StoreInfo('photos.fp': 12345 references, 6 removed, 7 segments, 987654321 bytes, "
    "model 'vlad64-256-0123456789ab', skipped: 3000, imported: ['resnet50'])"
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (answer(0), "Answer('q.jpg': nothing found)"),
        (answer(1), "Answer('q.jpg': 'r0.jpg' 0.988)"),
        (answer(MANY), "Answer('q.jpg': 'r0.jpg' 0.988 and 2999 more)"),
        (answer(0, MANY), "Answer('q.jpg': nothing found; shared: 3000)"),
        (answer(2, 1), "Answer('q.jpg': 'r0.jpg' 0.988 and 1 more; shared: 1)"),
        (
            AddReport(1, 2, 3, SKIPPED, ("notes.txt",) * MANY),
            "AddReport(added=1, unchanged=2, replaced=3, skipped: 3000 ('bad0.jpg', ...), ignored: 3000, plain: 0)",
        ),
        (CERTAIN, "Verification(copy 0.988, 120 inliers)"),
        (TURNED, "Verification(copy 0.988, 120 inliers, identical, mirrored, rotated 270°, negative)"),
        (Match("q.jpg", "r0.jpg", ALIKE), "Match('q.jpg', 'r0.jpg': shared 0.012)"),
        (PerceptualHash("phash", 255, 97), "PerceptualHash('phash', 0xff, 97)"),
        (ImportReport("resnet50", 1, 2, 3), "ImportReport(model_id='resnet50', added=1, unchanged=2, replaced=3)"),
        (Neighbour("r0.jpg", 0.25), "Neighbour(reference_id='r0.jpg', distance=0.25)"),
        (INFO, INFO_SHOWN),
        (Config(), "Config()"),
        (Config(results=3, decode_side=640), "Config(decode_side=640, results=3)"),
        (
            FINGERPRINT,
            "Fingerprint(640 x 480, 3000 keypoints, 256 dimensions, model 'vlad64-256-0123456789ab')",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_is_one_short_line(value: object, shown: str) -> None:
    assert repr(value) == shown
    assert len(shown) < 200
    assert "\n" not in shown


def test_names_that_a_line_cannot_hold_are_escaped() -> None:
    for value in (
        dataclasses.replace(answer(1), query="a\nb"),
        dataclasses.replace(INFO, path="a\nb"),
        dataclasses.replace(FINGERPRINT, model_id="a\nb"),
        Neighbour("a\nb", 1.0),
        AddReport(0, 0, 0, (Skipped("a\nb", "torn"),), ()),
    ):
        assert "\n" not in repr(value)
        assert r"a\nb" in repr(value)


class Tags(HTMLParser):
    """Collects the text of a page, and checks that its elements are closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.sources: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("br", "img"):
            self.open.append(tag)
        self.sources += [str(value) for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        (CERTAIN, ("copy", "0.988", "120")),
        (TURNED, ("identical, mirrored, rotated 270°, negative",)),
        (Match("q.jpg", "r0.jpg", ALIKE), ("q.jpg: shared of r0.jpg", "0.900")),
        (answer(2, 1), ("r0.jpg", "s0.jpg", "q.jpg")),
        (answer(0), ("nothing found",)),
        (answer(MANY), ("q.jpg, the first 20 of 3000",)),
        (FINGERPRINT, ("640 x 480", "3000", "vlad64-256-0123456789ab")),
        (PerceptualHash("phash", 255, 97), ("00000000000000ff", "97 of 100")),
        (INFO, ("12,345", "vectors of resnet50")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_notebooks_show_a_small_table(value: object, texts: tuple[str, ...]) -> None:
    page = value._repr_html_()  # type: ignore[attr-defined]
    assert page.startswith("<table>")
    assert len(page) < 6000
    found = Tags(page)
    assert set(texts) <= set(found.text)
    assert found.sources == []


def test_names_are_escaped_in_tables() -> None:
    evil = "<script>alert('&\"')</script>"
    for value in (
        Match(evil, evil, CERTAIN),
        dataclasses.replace(answer(1), query=evil),
        dataclasses.replace(INFO, path=evil),
        dataclasses.replace(FINGERPRINT, model_id=evil),
        PerceptualHash(evil, 1, 1),
    ):
        page = value._repr_html_()
        assert "<script" not in page
        assert evil in "".join(Tags(page).text)


def test_a_fingerprint_shows_its_thumbnail(described: dict[str, Fingerprint]) -> None:
    (source,) = Tags(described["chelsea"]._repr_html_()).sources
    assert re.match(r"data:image/(jpeg|png);base64,\S+$", source)


def test_a_collection_shows_its_size(tmp_path: Path) -> None:
    with create_collection(tmp_path / "small.fp") as collection:
        assert repr(collection) == f"Collection({str(tmp_path / 'small.fp')!r}: 0 references)"
        assert "references" in Tags(collection._repr_html_()).text
    assert repr(collection) == f"Collection({str(tmp_path / 'small.fp')!r}: closed)"
    assert "closed" in Tags(collection._repr_html_()).text


def test_fingerprints_are_equal_if_all_they_hold_is() -> None:
    for value in (FINGERPRINT, FINGERPRINT.keypoints):
        again = pickle.loads(pickle.dumps(value))
        assert again is not value
        assert again == value
        assert copy.deepcopy(value) == value
        assert hash(again) == hash(value)
        assert value != "something else"
    other = dataclasses.replace(FINGERPRINT, descriptor=np.ones(256, np.float32))
    assert FINGERPRINT not in (other, dataclasses.replace(FINGERPRINT, model_id="another"))
    moved = dataclasses.replace(FINGERPRINT.keypoints, frame=np.ones((MANY, 5), np.float32))
    assert dataclasses.replace(FINGERPRINT, keypoints=moved) != FINGERPRINT


def test_a_collection_says_what_to_do_instead_of_pickling_it(tmp_path: Path) -> None:
    with create_collection(tmp_path / "c.fp") as collection:
        for work in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="with open_collection where it is used"):
                work(collection)
