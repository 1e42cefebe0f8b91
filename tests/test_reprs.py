"""What public values show of themselves: one short line that says what matters, however much they hold."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from fingerprint import AddReport, Answer, Config, Fingerprint, ImportReport, Match, Neighbour, Skipped, StoreInfo
from fingerprint.index import VectorsInfo
from fingerprint.types import Keypoints, Verification

MANY = 3_000
CERTAIN = Verification(0.98765, 0.01, 4.381, 120, None, False, False, None, None)
ALIKE = Verification(0.012, 0.9, -4.4, 40, None, False, False, None, None)
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
