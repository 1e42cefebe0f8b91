"""Collections of format 4, whose arrays are not packed: read as they are, added to, upgraded without their images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import fingerprint
from fingerprint.cli import main
from fingerprint.errors import CollectionCorruptError
from fingerprint.features.descriptor import PACKED_STEP
from fingerprint.features.packed_frames import rounded_frames
from fingerprint.index import check_store, segment_merger, upgrade_store
from fingerprint.index.segment_merger import merge_segments
from fingerprint.types import U8
from tests.golden_collections import assert_read_right, files_of, fingerprints, format_of, query, unpack

#: Made by the last version that wrote format 4, with the models that shipped then: chelsea, coffee and rocket of
#: scikit-image, reduced and blurred, in segments of one and two; coffee.jpg was removed, broken.jpg could not be read.
#: A third segment has two vectors of another model.
GOLDEN = Path(__file__).parents[1] / "golden" / "format4.zip"
IDS = ["chelsea.jpg", "rocket.jpg"]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return unpack(GOLDEN, tmp_path / "old")


def postings(folder: Path, name: str) -> list[list[int]]:
    return [np.load(path).tolist() for path in sorted(folder.glob(f"segments/*/posting_{name}.npy"))]


def test_reading_changes_nothing(old: Path, photos: dict[str, U8]) -> None:
    before = files_of(old)
    with fingerprint.open_collection(old) as collection:
        assert collection.ids == IDS
        assert_read_right(collection, photos, "chelsea", "rocket")
        assert collection.info().imported[0].vectors == 2
        assert collection.info().descriptor_index == "auto"
    assert check_store(old) == []
    assert files_of(old) == before
    assert format_of(old) == (4, [4, 4, 4])


def test_upgrading_keeps_what_is_found_in_fewer_bytes(old: Path, photos: dict[str, U8]) -> None:
    before = fingerprints(old)
    with fingerprint.open_collection(old) as collection:
        collection.compact()  # as the format before would have merged it, but for the format
        found = [collection.search(query(photos, name)) for name in ("chelsea", "rocket", "coffee")]
    again = unpack(GOLDEN, old.with_name("again"))
    ended = CliRunner().invoke(main, ["index", "upgrade", str(again)])
    assert (ended.exit_code, ended.output) == (0, f"{again}: format 4 before, 6 now\n")
    assert format_of(again) == (6, [4, 6, 6])  # the vectors are left alone
    assert check_store(again) == []
    after = fingerprints(again)
    assert list(after) == IDS
    for image_id, one in after.items():
        was = before[image_id]
        np.testing.assert_array_equal(one.keypoints.frame, rounded_frames(was.keypoints.frame))
        np.testing.assert_array_equal(one.keypoints.signatures, was.keypoints.signatures)
        np.testing.assert_array_equal(one.hashes, was.hashes)
        assert one.thumbnail.tobytes() == was.thumbnail.tobytes()
        assert np.abs(one.descriptor - was.descriptor).max() <= PACKED_STEP / 2 + 1e-7
    with fingerprint.open_collection(again) as collection:
        assert [collection.search(query(photos, name)) for name in ("chelsea", "rocket", "coffee")] == found
        assert collection.info().removed == 0


def test_what_is_added_stands_beside_it(old: Path, photos: dict[str, U8]) -> None:
    with fingerprint.open_collection(old) as collection:
        collection.add("coffee.jpg", query(photos, "coffee"))
        assert format_of(old) == (6, [4, 4, 4, 6])
        assert collection.ids == [*IDS, "coffee.jpg"]
        assert_read_right(collection, photos, "chelsea", "coffee", "rocket")
        assert collection.search(query(photos, "coffee"))[0].probability > 0.9  # of today's models
        collection.compact()
    assert format_of(old) == (6, [4, 6])
    assert check_store(old) == []


@pytest.mark.parametrize("n_merges", [0, 1])
def test_after_an_interruption_the_upgrade_goes_on(n_merges: int, old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = 0

    def failing(*arguments: object) -> str:
        nonlocal done
        text = merge_segments(*arguments)  # type: ignore[arg-type]
        if done == n_merges:
            raise KeyboardInterrupt  # when it is on disk and not yet published
        done += 1
        return text

    before = fingerprints(old)
    monkeypatch.setattr(segment_merger, "merge_segments", failing)
    with pytest.raises(KeyboardInterrupt):
        upgrade_store(old)
    monkeypatch.undo()
    assert check_store(old) == []
    assert fingerprints(old).keys() == before.keys()
    upgrade_store(old)
    assert format_of(old) == (6, [4, 6, 6])
    assert check_store(old) == []
    assert upgrade_store(old) == 6


def test_a_damaged_segment_is_not_written_again(old: Path) -> None:
    path = old / "segments" / "000002" / "frames.npy"
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(CollectionCorruptError, match=r"000002.*--repair"):
        upgrade_store(old)
    assert path.read_bytes() != data
    assert [str(path) in problem for problem in check_store(old)] == [True]
