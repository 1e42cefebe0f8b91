"""Collections of format 3, whose thumbnails are raw pixels: read as they are, added to, merged without loss."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

import fingerprint
from fingerprint.cli import main
from fingerprint.collection.repair import repair_collection
from fingerprint.errors import CollectionCorruptError
from fingerprint.features.thumbnail import THUMBNAIL_SIDE, open_thumbnail, pack_thumbnail
from fingerprint.index import check_store, upgrade_store
from fingerprint.index import layout as layout_module
from fingerprint.types import U8
from tests.golden_collections import assert_read_right, files_of, format_of, query, unpack

#: Made by the last version that wrote format 3, with the models that shipped then: chelsea, coffee and rocket of
#: scikit-image, reduced and blurred, in segments of one and two; coffee.jpg was removed, broken.jpg could not be read.
#: A third segment has two vectors of another model.
GOLDEN = Path(__file__).parents[1] / "golden" / "format3.zip"
IDS = ["chelsea.jpg", "rocket.jpg"]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return unpack(GOLDEN, tmp_path / "old")


def thumbnails(collection: fingerprint.Collection) -> dict[str, U8]:
    return {image_id: collection.fingerprint(image_id).thumbnail for image_id in collection.ids}


def test_reading_changes_nothing(old: Path, photos: dict[str, U8]) -> None:
    before = files_of(old)
    with fingerprint.open_collection(old) as collection:
        assert collection.ids == IDS
        assert {thumbnail.shape for thumbnail in thumbnails(collection).values()} == {(64, 64)}
        assert_read_right(collection, photos, "chelsea", "rocket")
        collection.search_described(collection.as_query("rocket.jpg"))
        assert collection.info().imported[0].vectors == 2
    assert check_store(old) == []
    assert files_of(old) == before
    assert format_of(old) == (3, [3, 3, 3])


def test_removing_leaves_the_format(old: Path) -> None:
    with fingerprint.open_collection(old) as collection:
        collection.remove(["rocket.jpg"])
    assert format_of(old) == (3, [3, 3, 3])
    assert check_store(old) == []


def test_what_is_added_is_of_the_new_format(old: Path, photos: dict[str, U8]) -> None:
    with fingerprint.open_collection(old) as collection, fingerprint.open_collection(old) as reader:
        raw = thumbnails(collection)
        collection.add("coffee.jpg", query(photos, "coffee"))
        assert format_of(old) == (6, [3, 3, 3, 6])
        assert check_store(old) == []
        reader.refresh()
        for each in (collection, reader):
            assert_read_right(each, photos, "chelsea", "coffee", "rocket")
            new = thumbnails(each)
            assert open_thumbnail(new.pop("coffee.jpg")).shape == (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
            assert all(np.array_equal(new[name], raw[name]) for name in IDS)
    with fingerprint.open_collection(old) as collection:
        assert collection.ids == [*IDS, "coffee.jpg"]


def test_merging_keeps_every_pixel(old: Path, photos: dict[str, U8]) -> None:
    with fingerprint.open_collection(old) as collection:
        raw = thumbnails(collection)
        before = [collection.search(query(photos, name)) for name in ("chelsea", "rocket", "coffee")]
        collection.compact()
        assert format_of(old) == (6, [3, 6])  # the vectors are left alone
        assert check_store(old) == []
        after = [collection.search(query(photos, name)) for name in ("chelsea", "rocket", "coffee")]
        for one, other in zip(after, before, strict=True):  # frames and descriptors are rounded
            assert [m.reference_id for m in one] == [m.reference_id for m in other]
            assert [m.score for m in one] == pytest.approx([m.score for m in other], abs=0.05)
        for image_id, stored in thumbnails(collection).items():
            assert np.array_equal(stored, pack_thumbnail(raw[image_id]))
            assert np.array_equal(open_thumbnail(stored), raw[image_id])
        collection.add("coffee.jpg", query(photos, "coffee"))
        kept = thumbnails(collection)
        collection.compact()
        assert {name: stored.tobytes() for name, stored in thumbnails(collection).items()} == {
            name: stored.tobytes() for name, stored in kept.items()
        }
        assert_read_right(collection, photos, "chelsea", "coffee", "rocket")
    assert check_store(old) == []


def test_vectors_raise_the_format_too(old: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", ids=np.array(["a"]), descriptors=np.ones((1, 4), np.float32))
    with fingerprint.open_collection(old) as collection:
        collection.import_vectors(tmp_path / "v.npz", "other-model")
    assert format_of(old) == (6, [3, 3, 3, 6])
    assert check_store(old) == []


@pytest.mark.parametrize("moment", ["before the catalogue", "before the file"])
def test_cut_off_while_the_format_is_raised_it_stays_sound(
    moment: str, old: Path, photos: dict[str, U8], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    name = {"before the catalogue": "raised", "before the file": "replace_file"}[moment]
    with fingerprint.open_collection(old) as collection:
        monkeypatch.setattr(layout_module, name, fail)
        with pytest.raises(KeyboardInterrupt):
            collection.add("coffee.jpg", query(photos, "coffee"))
        monkeypatch.undo()
    assert format_of(old) == (3, [3, 3, 3])
    assert check_store(old) == []
    with fingerprint.open_collection(old) as collection:
        assert collection.ids == IDS
        collection.add("coffee.jpg", query(photos, "coffee"))
    assert format_of(old) == (6, [3, 3, 3, 6])
    assert check_store(old) == []


def test_upgrading_writes_it_in_the_new_format(old: Path, photos: dict[str, U8]) -> None:
    with fingerprint.open_collection(old) as collection:
        raw = thumbnails(collection)
    ended = CliRunner().invoke(main, ["index", "upgrade", str(old)])
    assert (ended.exit_code, ended.output) == (0, f"{old}: format 3 before, 6 now\n")
    assert format_of(old) == (6, [3, 6, 6])  # the vectors are left alone
    assert check_store(old) == []
    with fingerprint.open_collection(old) as collection:
        assert collection.ids == IDS
        assert {name: open_thumbnail(t).tolist() for name, t in thumbnails(collection).items()} == {
            name: pixels.tolist() for name, pixels in raw.items()
        }
        assert_read_right(collection, photos, "chelsea", "rocket")
    before = files_of(old)
    assert upgrade_store(old) == 6
    assert files_of(old) == before


def test_damage_to_raw_thumbnails_is_found(old: Path) -> None:
    path = old / "segments" / "000001" / "thumbnails.npy"
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert [str(path) in problem for problem in check_store(old)] == [True]
    np.save(path, np.zeros(4096, np.uint8))
    with pytest.raises(CollectionCorruptError, match=r"thumbnails\.npy"):
        fingerprint.open_collection(old)


def test_repair_describes_again_in_the_new_format(old: Path, tmp_path: Path, photos: dict[str, U8]) -> None:
    chelsea = tmp_path / "chelsea.png"
    cv2.imwrite(str(chelsea), query(photos, "chelsea"))
    with fingerprint.open_collection(old) as collection:
        collection.remove(["chelsea.jpg"])
        collection.add_files([chelsea])
    fresh = unpack(GOLDEN, tmp_path / "fresh")
    shutil.copy(fresh / "collection.json", old)  # as if the writer had been cut off before it replaced the file
    assert check_store(old) == []
    (old / "segments" / "000004" / "hashes.npy").unlink()
    report = repair_collection(old)
    assert (report.described, report.lost, report.problems) == (1, (), ())
    assert format_of(old) == (6, [3, 3, 3, 6])
    assert check_store(old) == []
