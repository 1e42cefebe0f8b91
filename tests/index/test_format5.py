"""Collections of format 5, which know no colours: read as they are, added to, upgraded without their images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import fingerprint
from fingerprint.cli import main
from fingerprint.features.colour_grid import unknown_colours
from fingerprint.index import check_store
from fingerprint.types import I8, U8
from tests.golden_collections import assert_read_right, files_of, fingerprints, format_of, query, unpack

#: Made by the last version that wrote format 5, with the models that shipped then: chelsea, coffee and rocket of
#: scikit-image, reduced and blurred, in segments of one and two; coffee.jpg was removed, broken.jpg could not be read.
#: A third segment has two vectors of another model.
GOLDEN = Path(__file__).parents[1] / "golden" / "format5.zip"
IDS = ["chelsea.jpg", "rocket.jpg"]
UNKNOWN = unknown_colours(1)[0]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return unpack(GOLDEN, tmp_path / "old")


def colours(folder: Path) -> dict[str, I8]:
    return {image_id: known.colours for image_id, known in fingerprints(folder).items()}


def test_reading_changes_nothing(old: Path, photos: dict[str, U8]) -> None:
    before = files_of(old)
    with fingerprint.open_collection(old) as collection:
        assert collection.ids == IDS
        assert_read_right(collection, photos, "chelsea", "rocket")
        assert collection.info().imported[0].vectors == 2
    for known in colours(old).values():
        np.testing.assert_array_equal(known, UNKNOWN)
    assert check_store(old) == []
    assert files_of(old) == before
    assert format_of(old) == (5, [5, 5, 5])


def test_upgrading_keeps_what_is_found(old: Path, photos: dict[str, U8]) -> None:
    names = ("chelsea", "rocket", "coffee")
    with fingerprint.open_collection(old) as collection:
        found = [collection.search(query(photos, name)) for name in names]
    ended = CliRunner().invoke(main, ["index", "upgrade", str(old)])
    assert (ended.exit_code, ended.output) == (0, f"{old}: format 5 before, 6 now\n")
    assert format_of(old) == (6, [5, 6, 6])  # the vectors are left alone
    assert check_store(old) == []
    for known in colours(old).values():
        np.testing.assert_array_equal(known, UNKNOWN)
    with fingerprint.open_collection(old) as collection:
        assert [collection.search(query(photos, name)) for name in names] == found


def test_the_format_before_is_that_of_the_oldest_segment(old: Path, photos: dict[str, U8]) -> None:
    with fingerprint.open_collection(old) as collection:
        collection.add("coffee.jpg", query(photos, "coffee"))
    ended = CliRunner().invoke(main, ["index", "upgrade", str(old)])
    assert (ended.exit_code, ended.output) == (0, f"{old}: format 5 before, 6 now\n")
    assert format_of(old) == (6, [5, 6, 6, 6])


def test_colours_of_what_is_added_stay_when_segments_are_merged(old: Path, photos: dict[str, U8]) -> None:
    with fingerprint.open_collection(old) as collection:
        collection.add("coffee.jpg", query(photos, "coffee"))
        assert format_of(old) == (6, [5, 5, 5, 6])
        assert_read_right(collection, photos, "chelsea", "coffee", "rocket")
        added = np.array(collection.fingerprint("coffee.jpg").colours)
        assert np.abs(added.astype(int)).max() > 20
        collection.compact()
    assert format_of(old) == (6, [5, 6])
    assert check_store(old) == []
    expected = {"chelsea.jpg": UNKNOWN, "coffee.jpg": added, "rocket.jpg": UNKNOWN}
    for image_id, known in colours(old).items():
        np.testing.assert_array_equal(known, expected[image_id], image_id)
