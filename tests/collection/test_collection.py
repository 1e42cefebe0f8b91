"""From picture to answer: compare two, keep many, find the sources of queries."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import math
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest
from PIL import Image

import fingerprint
from fingerprint import Answer, Collection, Match, Skipped, compare, create_collection, open_collection
from fingerprint.config import DEFAULT_CONFIG, Config, StorageConfig
from fingerprint.edits import apply_edits
from fingerprint.errors import (
    CollectionError,
    CollectionExistsError,
    CollectionNotFoundError,
    ConfigError,
    ImageError,
    ModelMismatchError,
    UnknownIdError,
)
from fingerprint.features.describe import describe_query, describe_reference, query_from_fingerprint
from fingerprint.features.views import View
from fingerprint.hashes import compute_hashes
from fingerprint.images.decode import read_grey
from fingerprint.index import check_store
from fingerprint.models import Models, make_models
from fingerprint.results import Verification
from fingerprint.types import U8, VARIANTS, Fingerprint, ImageSource, Query
from fingerprint.verify.verification import Examined, examine

Verdicts = Mapping[str, tuple[float, float]]  # by id: the probability of a copy, and of something shared
GOOD = ("astronaut.png", "chelsea.png", "coffee.jpg", "sub/camera.png", "sub/deeper/rocket.jpg")
COPIES = {
    "astronaut.png": ("crop", "jpeg"),
    "chelsea.png": ("hflip",),
    "coffee.jpg": ("rotate",),
    "sub/camera.png": ("scale", "overlay_text"),
    "sub/deeper/rocket.jpg": ("pad",),
}


def storing(**settings: Any) -> Config:
    return dataclasses.replace(DEFAULT_CONFIG, storage=StorageConfig(**settings))


def save(pixels: U8, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, quality=92)


def png_of(pixels: U8) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def scenes(photos: dict[str, U8]) -> dict[str, U8]:
    """The photographs at 320 pixels, which is quicker."""
    out: dict[str, U8] = {}
    for name, pixels in photos.items():
        factor = 320 / max(pixels.shape[:2])
        small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        out[name] = np.asarray(small, np.uint8)
    return out


@pytest.fixture(scope="module")
def folder(scenes: dict[str, U8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs in folders, and among them files that are none or cannot be read."""
    place = tmp_path_factory.mktemp("pictures")
    for name in GOOD:
        save(scenes[Path(name).stem], place / name)
    jpeg = (place / "coffee.jpg").read_bytes()
    (place / "broken.jpg").write_bytes(b"this is no JPEG")
    (place / "empty.png").write_bytes(b"")
    (place / "sub" / "torn.jpg").write_bytes(jpeg[: len(jpeg) // 3])
    (place / "notes.txt").write_text("not a picture")
    (place / ".hidden.png").write_bytes(b"hidden")
    return place


@pytest.fixture(scope="module")
def copies(scenes: dict[str, U8]) -> dict[str, U8]:
    """An edited copy of each photograph in the folder, by the id of its source."""
    return {
        name: apply_edits(scenes[Path(name).stem], edits, np.random.default_rng(seed)).pixels
        for seed, (name, edits) in enumerate(COPIES.items())
    }


@pytest.fixture(scope="module")
def built(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("built") / "collection"
    with create_collection(place, config=storing(keep_local_descriptors=True)) as collection:
        collection.add_files([folder])
    return place


@pytest.fixture(scope="module")
def reader(built: Path) -> Iterator[Collection]:
    with open_collection(built) as collection:
        yield collection


@pytest.fixture
def collection(built: Path, tmp_path: Path) -> Iterator[Collection]:
    """One that may be changed."""
    with open_collection(Path(shutil.copytree(built, tmp_path / "collection"))) as opened:
        yield opened


class TestCompare:
    def test_a_copy_and_a_stranger(self, copies: dict[str, U8], scenes: dict[str, U8]) -> None:
        assert compare(copies["chelsea.png"], scenes["chelsea"]).probability > 0.9
        assert compare(copies["chelsea.png"], scenes["coffee"]).probability < 0.2

    def test_path_bytes_and_pixels_are_one_picture(self, folder: Path, copies: dict[str, U8]) -> None:
        path = folder / "astronaut.png"
        with Image.open(path) as image:
            pixels = np.asarray(image)
        query = copies["astronaut.png"]
        sources: list[ImageSource] = [path, str(path), path.read_bytes(), pixels]
        assert len({compare(query, source) for source in sources}) == 1
        assert len({compare(source, pixels) for source in (query, png_of(query))}) == 1

    def test_colour_or_grey_does_not_matter_much(self, scenes: dict[str, U8]) -> None:
        grey = read_grey(scenes["coffee"]).pixels
        assert compare(grey, scenes["coffee"]).probability > 0.99

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_what_cannot_be_read_is_named(self, order: tuple[int, int], folder: Path) -> None:
        paths = (folder / "broken.jpg", folder / "chelsea.png")
        with pytest.raises(ImageError, match=r"broken\.jpg"):
            compare(*(paths[i] for i in order))

    @pytest.mark.parametrize("shape", [(1, 1), (1, 50), (16, 16)])
    def test_tiny_and_flat_pictures_are_compared_too(self, shape: tuple[int, int], scenes: dict[str, U8]) -> None:
        found = compare(np.full(shape, 200, np.uint8), scenes["coffee"])
        assert found.probability < 0.2
        assert found.transform is None

    def test_the_same_each_time(self, copies: dict[str, U8], scenes: dict[str, U8]) -> None:
        assert len({compare(copies["coffee.jpg"], scenes["coffee"]) for _ in range(3)}) == 1


class TestDescribe:
    def test_a_picture_has_nearly_the_same_descriptor_in_both_roles(self, folder: Path, models: Models) -> None:
        """Unrelated pictures have cosines of 0.2 at most."""
        for name in GOOD:
            query = describe_query(folder / name, models)
            assert float(query.descriptor @ describe_reference(folder / name, models).descriptor) > 0.5

    def test_a_picture_has_the_same_hashes_in_both_roles(self, folder: Path, models: Models) -> None:
        for name in GOOD:
            query, reference = describe_query(folder / name, models), describe_reference(folder / name, models)
            np.testing.assert_array_equal(query.hashes[0], reference.hashes)
            assert query.model_id == reference.model_id == models.model_id
            assert query.name == str(folder / name)
            assert (query.plain.width, query.plain.height) == (reference.width, reference.height)

    def test_a_query_is_described_as_its_mirror_image_too(self, scenes: dict[str, U8], models: Models) -> None:
        pixels = scenes["coffee"]
        query = describe_query(pixels, models)
        mirrored = describe_query(np.ascontiguousarray(pixels[:, ::-1]), models)
        np.testing.assert_array_equal(query.hashes[[1, 0, 3, 2]], mirrored.hashes)
        assert [len(variant) for variant in query.variants] == [len(query.plain)] * 4
        assert compute_hashes(read_grey(pixels).pixels).tolist() == query.hashes[0].tolist()

    def test_hashes_of_the_negative_are_nearly_those_of_its_pixels(self, scenes: dict[str, U8], models: Models) -> None:
        """They are not measured: every comparison of grey values turns round, but for ties and rounding."""
        query = describe_query(scenes["astronaut"], models)
        for variant, pixels in ((2, scenes["astronaut"]), (3, scenes["astronaut"][:, ::-1])):
            negative = compute_hashes(read_grey(np.ascontiguousarray(255 - pixels)).pixels)
            differ = [int(a ^ b).bit_count() for a, b in zip(query.hashes[variant], negative, strict=True)]
            assert max(differ) <= 6

    def test_a_thumbnail_is_the_same_however_the_picture_comes(self, folder: Path, models: Models) -> None:
        path = folder / "chelsea.png"
        one, other = (describe_reference(source, models).thumbnail for source in (path, path.read_bytes()))
        np.testing.assert_array_equal(one, other)
        assert (one.dtype, one.ndim) == (np.uint8, 1)

    def test_a_query_is_described_in_more_detail(self, scenes: dict[str, U8], models: Models) -> None:
        pixels = scenes["astronaut"]
        query, reference = describe_query(pixels, models), describe_reference(pixels, models)
        assert len(query.plain) > len(reference.keypoints)

    def test_a_small_picture_is_not_described_twice_over(self, scenes: dict[str, U8], models: Models) -> None:
        small = cv2.resize(scenes["coffee"], (200, 133), interpolation=cv2.INTER_AREA)
        frame = describe_query(np.asarray(small, np.uint8), models).plain.frame
        assert len(np.unique(frame, axis=0)) == len(frame) > 50

    def test_size_is_the_originals(self, folder: Path, scenes: dict[str, U8], tmp_path: Path, models: Models) -> None:
        """A large JPEG is decoded at a fraction of its size; the transform must not know of it."""
        large = cv2.resize(scenes["coffee"], (2400, 1600), interpolation=cv2.INTER_CUBIC)
        save(np.asarray(large, np.uint8), tmp_path / "large.jpg")
        reference = describe_reference(tmp_path / "large.jpg", models)
        assert (reference.width, reference.height) == (2400, 1600)
        found = compare(scenes["coffee"], tmp_path / "large.jpg")
        assert found.transform is not None
        assert found.transform[0] == pytest.approx(7.5, abs=0.1)

    def test_fingerprint_image_is_the_public_name(self, folder: Path, models: Models) -> None:
        found = fingerprint.fingerprint_image(folder / "chelsea.png")
        assert (found.width, found.height, found.model_id) == (320, 213, models.model_id)
        with pytest.raises(dataclasses.FrozenInstanceError):
            found.model_id = "x"  # type: ignore[misc]

    def test_a_stored_picture_as_a_query(self, reader: Collection, models: Models) -> None:
        stored = reader.fingerprint("coffee.jpg")
        query = query_from_fingerprint("name", stored, models)
        assert query.name == "name"
        np.testing.assert_array_equal(query.plain.frame, stored.keypoints.frame)


class TestAddFiles:
    def test_report_ids_and_records(self, folder: Path, tmp_path: Path) -> None:
        calls: list[tuple[int, int]] = []
        with create_collection(tmp_path / "new") as made:
            report = made.add_files([folder], progress=lambda done, total: calls.append((done, total)))
            assert made.ids == list(GOOD)
            assert (report.added, report.unchanged, report.replaced) == (5, 0, 0)
            assert [Path(s.path).name for s in report.skipped] == ["broken.jpg", "empty.png", "torn.jpg"]
            assert all(s.reason for s in report.skipped)
            assert [Path(p).name for p in report.ignored] == ["notes.txt"]
            assert {s.path for s in made.info().skipped} == {s.path for s in report.skipped}
            record = made.record("coffee.jpg")
            assert (record.width, record.height) == (320, 213)
            assert record.n_bytes == (folder / "coffee.jpg").stat().st_size
            assert record.path == str(folder / "coffee.jpg")
        assert calls == [(i, 8) for i in range(1, 9)]
        assert check_store(tmp_path / "new") == []

    def test_files_named_by_themselves_go_by_their_names(self, folder: Path, tmp_path: Path) -> None:
        with create_collection(tmp_path / "new") as made:
            made.add_files([folder / "sub" / "deeper" / "rocket.jpg", str(folder / "chelsea.png")])
            assert made.ids == ["rocket.jpg", "chelsea.png"]

    def test_again_costs_nothing(self, folder: Path, collection: Collection) -> None:
        segments = collection.info().segments
        report = collection.add_files([folder])
        assert (report.added, report.unchanged, report.replaced, len(report.skipped)) == (0, 5, 0, 3)
        assert collection.info().segments == segments

    def test_changed_bytes_take_the_place_of_the_old(
        self, folder: Path, tmp_path: Path, collection: Collection, scenes: dict[str, U8], copies: dict[str, U8]
    ) -> None:
        changed = Path(shutil.copytree(folder, tmp_path / "changed"))
        save(scenes["coins"], changed / "chelsea.png")
        save(scenes["coins"][::2], changed / "zz new.png")
        report = collection.add_files([changed], replace=True)
        assert (report.added, report.unchanged, report.replaced) == (1, 4, 1)
        assert sorted(collection.ids) == sorted([*GOOD, "zz new.png"])
        assert (collection.record("chelsea.png").height, collection.info().removed) == (scenes["coins"].shape[0], 1)
        assert "chelsea.png" not in [
            m.reference_id for m in collection.search(copies["chelsea.png"], min_probability=0.5)
        ]

    def test_a_mended_file_is_no_longer_skipped(
        self, folder: Path, tmp_path: Path, collection: Collection, scenes: dict[str, U8]
    ) -> None:
        mended = Path(shutil.copytree(folder, tmp_path / "mended"))
        collection.add_files([mended])
        assert str(mended / "broken.jpg") in {s.path for s in collection.info().skipped}
        save(scenes["coins"], mended / "broken.jpg")
        assert collection.add_files([mended]).added == 1
        assert str(mended / "broken.jpg") not in {s.path for s in collection.info().skipped}

    @pytest.mark.parametrize("n_workers", [1, 3])
    def test_workers_and_segments_do_not_show_in_the_answers(
        self, n_workers: int, folder: Path, tmp_path: Path, reader: Collection, copies: dict[str, U8]
    ) -> None:
        config = storing(batch=n_workers, merge_factor=100, merge_at_end=False)
        with create_collection(tmp_path / "new", config=config) as made:
            report = made.add_files([folder], n_workers=n_workers)
            assert [Path(s.path).name for s in report.skipped] == ["broken.jpg", "empty.png", "torn.jpg"]
            assert made.ids == reader.ids
            assert made.info().segments == {1: 5, 3: 3}[n_workers]  # skipped files fill a batch as well
            np.testing.assert_array_equal(made.descriptors(), reader.descriptors())
            for copy in copies.values():
                assert made.search(copy) == reader.search(copy)

    def test_what_was_finished_before_an_interruption_is_kept(self, folder: Path, tmp_path: Path) -> None:
        config = storing(batch=2)

        def interrupt(done: int, _total: int) -> None:
            if done == 6:
                raise KeyboardInterrupt

        with create_collection(tmp_path / "new", config=config) as made, pytest.raises(KeyboardInterrupt):
            made.add_files([folder], progress=interrupt)
        with open_collection(tmp_path / "new", config=config) as again:
            n = len(again)
            assert 2 <= n < 5
            report = again.add_files([folder])
            assert (report.unchanged, report.added) == (n, 5 - n)
            assert sorted(again.ids) == sorted(GOOD)

    def test_two_files_of_one_id_never_take_turns(
        self, tmp_path: Path, collection: Collection, scenes: dict[str, U8]
    ) -> None:
        """The first that is named has the id, at the first call and at every later one."""
        for place, name in (("a", "coins"), ("b", "camera")):
            save(scenes[name], tmp_path / place / "same.png")
        for _ in range(3):
            report = collection.add_files([tmp_path / "a", tmp_path / "b"])
            assert collection.record("same.png").path == str(tmp_path / "a" / "same.png")
            assert report.replaced == 0
            assert [s.path for s in report.skipped] == [str(tmp_path / "b" / "same.png")]
            assert "same.png" in report.skipped[0].reason

    @pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such file names")
    def test_a_file_name_that_is_no_text_does_not_stop_the_run(
        self, tmp_path: Path, collection: Collection, scenes: dict[str, U8]
    ) -> None:
        save(scenes["coins"], tmp_path / "new" / "good.png")
        odd = os.fsencode(tmp_path / "new") + b"/caf\xe9.png"  # Latin-1, as old archives have it
        try:
            shutil.copy(os.fsencode(tmp_path / "new" / "good.png"), odd)
        except OSError:
            pytest.skip("the file system takes UTF-8 only")
        report = collection.add_files([tmp_path / "new"])
        assert "good.png" in collection
        assert report.added + len(report.skipped) == 2

    def test_a_path_that_does_not_exist_is_skipped_and_named(self, collection: Collection, tmp_path: Path) -> None:
        report = collection.add_files([tmp_path / "nowhere"])
        assert report.skipped == (Skipped(str(tmp_path / "nowhere"), "no such file"),)

    def test_what_was_never_there_is_not_noted(self, collection: Collection, tmp_path: Path) -> None:
        noted = collection.info().skipped
        collection.add_files([tmp_path / "nowhere", tmp_path / "nowhere" / "cat.jpg"])
        assert collection.info().skipped == noted

    def test_what_the_collection_has_is_no_longer_noted(
        self, folder: Path, tmp_path: Path, collection: Collection
    ) -> None:
        (tmp_path / "coffee.jpg").write_bytes(b"torn")
        collection.add_files([tmp_path / "coffee.jpg"])
        assert str(tmp_path / "coffee.jpg") in {s.path for s in collection.info().skipped}
        shutil.copy(folder / "coffee.jpg", tmp_path)
        assert collection.add_files([tmp_path / "coffee.jpg"]).unchanged == 1
        assert str(tmp_path / "coffee.jpg") not in {s.path for s in collection.info().skipped}

    def test_strict_settings_make_it_an_error(self, tmp_path: Path, models: Models, scenes: dict[str, U8]) -> None:
        save(scenes["coins"], tmp_path / "good.png")
        (tmp_path / "bad.png").write_bytes(b"")
        strict = dataclasses.replace(DEFAULT_CONFIG, strict=True)
        with create_collection(tmp_path / "new", models=models, config=strict) as made:
            for n_workers in (1, 3):
                with pytest.raises(ImageError, match="empty file"):
                    made.add_files([tmp_path / "good.png", tmp_path / "bad.png"], n_workers=n_workers)
                with pytest.raises(ImageError, match="empty file"):
                    list(made.search_many([tmp_path / "good.png", tmp_path / "bad.png"], n_workers=n_workers))
            made.add_files([tmp_path / "good.png"])
            assert made.ids == ["good.png"]

    def test_a_large_file_is_hashed_in_pieces_and_not_held(
        self, collection: Collection, tmp_path: Path, scenes: dict[str, U8], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        save(scenes["coins"], tmp_path / "large.png")
        with monkeypatch.context() as patch:
            patch.setattr("fingerprint.images.files._SMALL", 0)
            assert collection.add_files([tmp_path / "large.png"]).added == 1
        record = collection.record("large.png")
        assert record.content == hashlib.sha256((tmp_path / "large.png").read_bytes()).hexdigest()
        assert record.n_bytes == (tmp_path / "large.png").stat().st_size
        assert collection.add_files([tmp_path / "large.png"]).unchanged == 1

    def test_nothing_to_add(self, collection: Collection, tmp_path: Path) -> None:
        report = collection.add_files([tmp_path])
        assert (report.added, report.unchanged, report.replaced) == (0, 0, 0)


class TestAddMany:
    def test_from_memory(self, collection: Collection, scenes: dict[str, U8], folder: Path) -> None:
        collection.add_many(
            [("pixels", scenes["coins"]), ("bytes", png_of(scenes["coins"])), ("path", folder / "coffee.jpg")]
        )
        assert collection.ids[-3:] == ["pixels", "bytes", "path"]
        paths = [collection.record(i).path for i in ("pixels", "bytes", "path")]
        assert paths == [None, None, str(folder / "coffee.jpg")]
        one, other = (collection.fingerprint(i) for i in ("pixels", "bytes"))
        np.testing.assert_array_equal(one.descriptor, other.descriptor)

    def test_one_that_cannot_be_read_adds_none(
        self, collection: Collection, scenes: dict[str, U8], folder: Path
    ) -> None:
        before = collection.ids
        with pytest.raises(ImageError, match=r"broken\.jpg"):
            collection.add_many([("good", scenes["coins"]), ("bad", folder / "broken.jpg"), ("x", scenes["coins"])])
        assert collection.ids == before

    @pytest.mark.parametrize("ids", [("a", "b", "a"), ("a", ""), ("",)])
    def test_bad_ids_add_none(self, ids: tuple[str, ...], collection: Collection, scenes: dict[str, U8]) -> None:
        before = collection.ids
        with pytest.raises(ConfigError, match="comes twice: 'a'" if "b" in ids else "one of the ids is ''"):
            collection.add_many([(image_id, scenes["coins"]) for image_id in ids])
        assert collection.ids == before

    def test_add_takes_the_place_of_what_was_there(self, collection: Collection, scenes: dict[str, U8]) -> None:
        collection.add("chelsea.png", scenes["coins"])
        collection.add("chelsea.png", scenes["camera"])
        assert collection.ids.count("chelsea.png") == 1
        assert collection.record("chelsea.png").height == scenes["camera"].shape[0]

    def test_into_an_empty_collection_one_by_one(self, tmp_path: Path, scenes: dict[str, U8]) -> None:
        with create_collection(tmp_path / "new") as made:
            for name in ("coffee", "rocket"):
                made.add(name, scenes[name])
            assert made.ids == ["coffee", "rocket"]
        with open_collection(tmp_path / "new") as again:
            assert again.search(scenes["rocket"])[0].reference_id == "rocket"

    def test_pictures_without_a_single_keypoint(self, collection: Collection, copies: dict[str, U8]) -> None:
        collection.add_many([("flat", np.full((40, 50), 128, np.uint8)), ("dot", np.zeros((1, 1), np.uint8))])
        matches = collection.search(copies["chelsea.png"])
        assert matches[0].reference_id == "chelsea.png"
        assert not {m.reference_id for m in matches if m.probability > 0.5} & {"flat", "dot"}


class TestSearch:
    @pytest.mark.parametrize("image_id", GOOD)
    def test_finds_the_source_first_and_no_other(
        self, image_id: str, reader: Collection, copies: dict[str, U8]
    ) -> None:
        matches = reader.search(copies[image_id])
        assert matches[0].reference_id == image_id
        assert matches[0].probability > 0.5
        assert all(match.probability < 0.5 for match in matches[1:])

    def test_unrelated_pictures_have_no_sure_match(self, reader: Collection, scenes: dict[str, U8]) -> None:
        for name in scenes.keys() - {Path(good).stem for good in GOOD}:
            assert reader.search(scenes[name], min_probability=0.5) == [], name

    def test_gives_what_compare_gives(self, reader: Collection, folder: Path, copies: dict[str, U8]) -> None:
        for image_id, copy in copies.items():
            assert reader.search(copy)[0].verification == compare(copy, folder / image_id)

    def test_surest_first_and_equal_ones_by_id(
        self, collection: Collection, folder: Path, copies: dict[str, U8]
    ) -> None:
        for image_id in ("zz", "aa", "mm"):
            collection.add(image_id, folder / "coffee.jpg")
        matches = collection.search(copies["coffee.jpg"])
        assert [m.reference_id for m in matches[:4]] == ["aa", "coffee.jpg", "mm", "zz"]
        assert len({m.score for m in matches[:4]}) == 1
        keys = [(-m.score, m.reference_id) for m in matches]
        assert keys == sorted(keys)

    def test_n_results_and_min_probability_cut_the_same_list(self, reader: Collection, copies: dict[str, U8]) -> None:
        everything = reader.search(copies["coffee.jpg"])
        assert len(everything) > 1
        for n in (0, 1, len(everything), len(everything) + 1):
            assert reader.search(copies["coffee.jpg"], n_results=n) == everything[:n]
        for least in (0.0, everything[1].probability, 0.5, 1.0):
            kept = [m for m in everything if m.probability >= least]
            assert reader.search(copies["coffee.jpg"], min_probability=least) == kept

    @pytest.mark.parametrize("least", [2, -1, float("nan")])
    def test_a_probability_is_a_number_from_0_to_1(
        self, least: float, reader: Collection, copies: dict[str, U8]
    ) -> None:
        with pytest.raises(ConfigError, match=r"min_probability is .*, must be a number from 0 to 1"):
            reader.search(copies["coffee.jpg"], min_probability=least)

    def test_match_tells_query_reference_and_score(self, reader: Collection, folder: Path) -> None:
        match = reader.search(folder / "coffee.jpg")[0]
        assert isinstance(match, Match)
        assert (match.query, match.reference_id) == (str(folder / "coffee.jpg"), "coffee.jpg")
        assert match.score == match.verification.log_odds
        assert match.probability == match.verification.probability

    def test_path_bytes_and_pixels_find_the_same(
        self, reader: Collection, copies: dict[str, U8], tmp_path: Path
    ) -> None:
        pixels = copies["astronaut.png"]
        save(pixels, tmp_path / "query.png")
        answers = [
            [(m.reference_id, m.verification) for m in reader.search(source)]
            for source in (tmp_path / "query.png", (tmp_path / "query.png").read_bytes(), pixels)
        ]
        assert answers[0] == answers[1] == answers[2]

    def test_exact_or_not_is_the_same_for_few(self, reader: Collection, copies: dict[str, U8]) -> None:
        for copy in copies.values():
            assert reader.search(copy, exact=True) == reader.search(copy)

    def test_other_references_do_not_change_a_verdict(self, collection: Collection, copies: dict[str, U8]) -> None:
        before = collection.search(copies["chelsea.png"])[0]
        collection.remove([i for i in collection.ids if i != "chelsea.png"])
        assert collection.search(copies["chelsea.png"]) == [before]

    def test_a_removed_source_is_not_found(self, collection: Collection, copies: dict[str, U8]) -> None:
        collection.remove(["chelsea.png"])
        assert collection.search(copies["chelsea.png"], min_probability=0.5) == []

    def test_in_an_empty_collection(self, tmp_path: Path, copies: dict[str, U8]) -> None:
        with create_collection(tmp_path / "new") as made:
            assert made.search(copies["chelsea.png"]) == []

    def test_what_cannot_be_read_is_named(self, reader: Collection, folder: Path) -> None:
        with pytest.raises(ImageError, match=r"empty\.png"):
            reader.search(folder / "empty.png")


class TestSearchMany:
    def test_in_input_order_with_skipped_in_their_places(
        self, reader: Collection, folder: Path, copies: dict[str, U8]
    ) -> None:
        sources: list[ImageSource] = [
            *(copies["coffee.jpg"], folder / "broken.jpg", folder / "chelsea.png", b"", copies["sub/camera.png"])
        ]
        found = list(reader.search_many(sources, n_workers=2))
        firsts = [f if isinstance(f, Skipped) else f[0].reference_id for f in found]
        assert [firsts[i] for i in (0, 2, 4)] == ["coffee.jpg", "chelsea.png", "sub/camera.png"]
        assert isinstance(firsts[1], Skipped)
        assert firsts[1].path == str(folder / "broken.jpg")
        assert firsts[3] == Skipped("<bytes>", "empty file")

    def test_workers_do_not_change_the_answers(self, reader: Collection, copies: dict[str, U8]) -> None:
        answers = [
            list(reader.search_many(copies.values(), n_workers=n, n_results=3, min_probability=0.01)) for n in (1, 2)
        ]
        assert answers[0] == answers[1]
        assert answers[0] == [reader.search(c, n_results=3, min_probability=0.01) for c in copies.values()]

    @pytest.mark.parametrize("exact", [False, True])
    def test_a_batch_finds_what_single_queries_find(
        self, exact: bool, reader: Collection, copies: dict[str, U8], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sources: list[ImageSource] = [*copies.values(), b"no picture", *copies.values()]
        alone = list(reader.search_many(sources, exact=exact))
        monkeypatch.setattr("fingerprint.collection.search.BATCH_FROM", 0)
        monkeypatch.setattr("fingerprint.collection.search.BATCH", 5)
        assert list(reader.search_many(sources, exact=exact, n_workers=2)) == alone
        assert sum(isinstance(found, Skipped) for found in alone) == 1

    def test_queries_may_be_endless(self, reader: Collection, copies: dict[str, U8]) -> None:
        def forever() -> Iterator[U8]:
            while True:
                yield copies["chelsea.png"]

        results = reader.search_many(forever(), n_workers=2)
        first = next(results)
        assert isinstance(first, list)
        assert first[0].reference_id == "chelsea.png"
        results.close()  # type: ignore[attr-defined]


class TestAnswer:
    STAGES = ("describe", "descriptors", "hashes", "vote", "shortlist", "verify")
    COUNTERS = (
        *("looks", "postings_visited", "hits", "references_scored", "bytes_compared", "candidates", "pairs_aligned"),
    )

    def test_what_search_finds_and_how_long_each_stage_took(self, reader: Collection, copies: dict[str, U8]) -> None:
        for copy in copies.values():
            begin = perf_counter()
            found = reader.answer(copy)
            passed = (perf_counter() - begin) * 1000
            assert (found.query, list(found.matches)) == ("<array>", reader.search(copy))
            assert tuple(found.milliseconds) == self.STAGES
            assert all(took > 0 for took in found.milliseconds.values())
            assert passed / 2 < sum(found.milliseconds.values()) <= passed

    def test_its_settings_are_those_of_search(self, reader: Collection, copies: dict[str, U8]) -> None:
        copy = copies["coffee.jpg"]
        for settings in ({"n_results": 2}, {"n_results": 0}, {"min_probability": 0.5}, {"exact": True}):
            assert list(reader.answer(copy, **settings).matches) == reader.search(copy, **settings)
        with pytest.raises(ConfigError, match="n_results is -1"):
            reader.answer(copy, n_results=-1)
        with pytest.raises(ConfigError, match="n_results is -1"):
            reader.answer_many([copy], n_results=-1)

    @pytest.mark.parametrize("batch_from", [0, 50_000], ids=["in batches", "one by one"])
    @pytest.mark.parametrize("n_workers", [1, 2])
    def test_many_at_once(
        self,
        n_workers: int,
        batch_from: int,
        reader: Collection,
        folder: Path,
        copies: dict[str, U8],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("fingerprint.collection.search.BATCH_FROM", batch_from)
        monkeypatch.setattr("fingerprint.collection.search.BATCH", 3)
        sources = [*copies.values(), folder / "broken.jpg", folder / "chelsea.png"]
        settings = {"n_results": 3, "min_probability": 0.01}
        found = list(reader.answer_many(sources, n_workers=n_workers, **settings))  # type: ignore[arg-type]
        assert [f if isinstance(f, Skipped) else list(f.matches) for f in found] == list(
            reader.search_many(sources, n_workers=n_workers, **settings)  # type: ignore[arg-type]
        )
        for source, one in zip(sources, found, strict=True):
            if isinstance(one, Skipped):
                assert (source, one.path) == (folder / "broken.jpg", str(folder / "broken.jpg"))
            else:
                assert list(one.matches) == reader.search(source, **settings)  # type: ignore[arg-type]
                assert one.query == (str(source) if isinstance(source, Path) else "<array>")
                assert tuple(one.milliseconds) == self.STAGES
                assert all(took > 0 for took in one.milliseconds.values())

    def test_counts_what_was_done(
        self, reader: Collection, copies: dict[str, U8], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        verified: list[Query] = []

        def counting(query: Query, *rest: Any) -> Examined:
            verified.append(query)
            return examine(query, *rest)

        monkeypatch.setattr("fingerprint.verify.verification.examine", counting)
        for name, copy in copies.items():
            verified.clear()
            counters = reader.answer(copy).counters
            assert tuple(counters) == self.COUNTERS, name
            assert counters["pairs_aligned"] == len(verified), name
            assert counters["bytes_compared"] > 8 * counters["postings_visited"], name
            assert counters["postings_visited"] >= counters["hits"] >= counters["references_scored"] > 0, name
            looks = counters["looks"]
            closer = DEFAULT_CONFIG.closer
            assert 1 <= looks <= 1 + closer.n_insets + closer.n_cells + len(closer.stretched), name
            assert counters["references_scored"] <= looks * len(reader) * len(VARIANTS), name
            assert looks * len(reader) >= counters["candidates"] >= counters["pairs_aligned"] > 0, name

    def test_the_counts_do_not_depend_on_what_is_asked_for(self, reader: Collection, copies: dict[str, U8]) -> None:
        for copy in copies.values():
            counters = reader.answer(copy).counters
            assert reader.answer(copy).counters == counters
            assert reader.answer(copy, n_results=0, min_probability=1.0).counters == counters

    def test_a_flat_picture_scores_nothing(self, reader: Collection) -> None:
        counters = reader.answer(np.full((200, 300), 90, np.uint8)).counters
        assert [counters[name] for name in ("postings_visited", "hits", "references_scored")] == [0, 0, 0]

    def test_in_an_empty_collection(self, tmp_path: Path, copies: dict[str, U8]) -> None:
        with create_collection(tmp_path / "new") as made:
            found = made.answer(copies["chelsea.png"])
        assert (found.matches, tuple(found.milliseconds)) == ((), self.STAGES)
        assert dict(found.counters) == {**dict.fromkeys(self.COUNTERS, 0), "looks": 1}

    def test_what_cannot_be_read_is_named(self, reader: Collection, folder: Path) -> None:
        with pytest.raises(ImageError, match=r"empty\.png"):
            reader.answer(folder / "empty.png")


class TestShared:
    """References that share something with the query, with verdicts that the tests choose."""

    VERDICTS: ClassVar = {
        "astronaut.png": (0.9, 0.05),
        "sub/deeper/rocket.jpg": (0.6, 0.35),
        "chelsea.png": (0.1, 0.8),
        "coffee.jpg": (0.02, 0.9),
        "sub/camera.png": (0.05, 0.1),
    }

    @pytest.fixture
    def judged(self, reader: Collection, monkeypatch: pytest.MonkeyPatch) -> Callable[[Verdicts], Collection]:
        """Return a function that makes the collection give certain probabilities, by id."""
        owners = {reader.fingerprint(image_id).hashes.tobytes(): image_id for image_id in reader.ids}

        def judge(verdicts: Verdicts) -> Collection:
            def judging(query: Query, reference: Fingerprint, *_: Any) -> Verification:
                copy, shared = verdicts[owners[reference.hashes.tobytes()]]
                odds = math.log(copy / (1 - copy))
                return Verification(copy, shared, odds, 9, None, False, False, None, None)

            def judging_view(_view: View, whole: Query, *rest: Any) -> Verification:
                return judging(whole, *rest)

            monkeypatch.setattr("fingerprint.collection.looking.verify", judging)
            monkeypatch.setattr("fingerprint.collection.looking.verify_view", judging_view)

            def everything(_query: Query, found: list[Any], _config: Any) -> tuple[list[None], list[int]]:
                return [None] * len(found), list(range(len(found)))

            monkeypatch.setattr("fingerprint.collection.looking.voted", everything)
            return reader

        return judge

    @pytest.mark.parametrize(
        ("asked", "matches", "shared"),
        [
            ({"min_probability": 0.5}, ["astronaut", "rocket"], ["coffee", "chelsea"]),
            ({"min_probability": 0.7}, ["astronaut"], ["coffee", "chelsea"]),
            ({"min_probability": 0.95}, [], ["coffee", "chelsea"]),
            ({"min_probability": 0.08}, ["astronaut", "rocket", "chelsea"], ["coffee"]),
            ({}, ["astronaut", "rocket", "chelsea", "camera", "coffee"], []),
            ({"n_results": 3}, ["astronaut", "rocket", "chelsea"], ["coffee"]),
            ({"n_results": 1, "min_probability": 0.5}, ["astronaut"], ["coffee"]),
            ({"n_results": 0}, [], []),
        ],
        ids=str,
    )
    def test_they_are_those_that_are_no_matches(
        self,
        asked: dict[str, Any],
        matches: list[str],
        shared: list[str],
        judged: Callable[[Verdicts], Collection],
        copies: dict[str, U8],
    ) -> None:
        found = judged(self.VERDICTS).answer(copies["coffee.jpg"], **asked)
        assert [Path(match.reference_id).stem for match in found.matches] == matches
        assert [Path(match.reference_id).stem for match in found.shared] == shared
        assert all(match.query == found.query for match in found.shared)

    def test_equal_ones_come_by_id(self, judged: Callable[[Verdicts], Collection], copies: dict[str, U8]) -> None:
        found = judged(dict.fromkeys(GOOD, (0.1, 0.8))).answer(copies["coffee.jpg"], min_probability=0.5)
        assert [match.reference_id for match in found.shared] == sorted(GOOD)
        assert found.matches == ()

    @pytest.mark.parametrize("seed", range(10))
    def test_each_one_is_listed_once_where_it_belongs(
        self, seed: int, judged: Callable[[Verdicts], Collection], copies: dict[str, U8]
    ) -> None:
        rng = np.random.default_rng(seed)
        shares = rng.dirichlet((0.5, 0.5, 0.5), len(GOOD)).clip(0.001, 0.998)
        verdicts = {image_id: (copy, shared) for image_id, (copy, shared, _) in zip(GOOD, shares.tolist(), strict=True)}
        least = float(rng.choice([0.0, 0.3, 0.5, 0.8]))
        found = judged(verdicts).answer(copies["coffee.jpg"], min_probability=least)
        assert {match.reference_id for match in found.matches} == {
            i for i, (copy, _) in verdicts.items() if copy >= least
        }
        assert {match.reference_id for match in found.shared} == {
            i for i, (copy, shared) in verdicts.items() if copy < min(0.5, least) and shared > 1 - copy - shared
        }
        assert list(found.shared) == sorted(found.shared, key=lambda match: -match.shared_probability)

    @pytest.mark.parametrize("batch_from", [0, 50_000], ids=["in batches", "one by one"])
    def test_many_at_once_get_the_same(
        self,
        batch_from: int,
        judged: Callable[[Verdicts], Collection],
        copies: dict[str, U8],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("fingerprint.collection.search.BATCH_FROM", batch_from)
        reader = judged(self.VERDICTS)
        for found in reader.answer_many(copies.values(), min_probability=0.5):
            assert isinstance(found, Answer)
            assert [match.reference_id for match in found.shared] == ["coffee.jpg", "chelsea.png"]

    def test_in_an_empty_collection(self, tmp_path: Path, copies: dict[str, U8]) -> None:
        with create_collection(tmp_path / "new") as made:
            assert made.answer(copies["chelsea.png"], min_probability=0.5).shared == ()


class TestRefresh:
    def test_a_reader_sees_what_others_published_when_it_asks_to(
        self, collection: Collection, scenes: dict[str, U8], copies: dict[str, U8]
    ) -> None:
        with open_collection(collection.info().path) as other:
            before = other.ids
            collection.add_many([("coins", scenes["coins"]), ("chelsea.png", scenes["camera"])])
            collection.remove(["astronaut.png"])
            assert other.ids == before
            assert other.search(copies["astronaut.png"])[0].reference_id == "astronaut.png"
            assert other.search(scenes["coins"], min_probability=0.5) == []
            other.refresh()
            assert other.ids == collection.ids == [*GOOD[2:], "coins", "chelsea.png"]
            assert (len(other), other.info().removed) == (5, 2)
            assert other.search(copies["astronaut.png"], min_probability=0.5) == []
            assert other.search(scenes["coins"])[0].reference_id == "coins"
            assert other.record("chelsea.png") == collection.record("chelsea.png")
            np.testing.assert_array_equal(other.descriptors(), collection.descriptors())

    def test_after_compacting_it_is_the_same_collection(
        self, collection: Collection, scenes: dict[str, U8], copies: dict[str, U8]
    ) -> None:
        collection.add("coins", scenes["coins"])
        collection.remove(["coffee.jpg"])
        with open_collection(collection.info().path) as other:
            ids, answers = other.ids, [other.search(copy) for copy in copies.values()]
            assert collection.compact() == 1
            for _ in ("as before", "refreshed"):
                assert other.ids == ids
                assert [other.search(copy) for copy in copies.values()] == answers
                other.refresh()
            assert (other.info().segments, other.info().removed) == (1, 0)
        assert check_store(Path(collection.info().path)) == []

    def test_when_nothing_has_happened(self, collection: Collection) -> None:
        before = collection.ids
        for _ in range(3):
            collection.refresh()
        assert collection.ids == before


class TestCollection:
    def test_another_size_of_decoding_is_refused(self, built: Path) -> None:
        with pytest.raises(ConfigError, match="settings"):
            open_collection(built, config=dataclasses.replace(DEFAULT_CONFIG, decode_side=640))

    def test_as_queries_each_finds_itself(self, reader: Collection) -> None:
        names = []
        for query in reader.as_queries():
            names.append(query.name)
            matches = reader.search_described(query)
            assert matches[0].reference_id == query.name
            assert matches[0].probability > 0.9
            assert all(m.probability < 0.5 for m in matches[1:])
        assert names == reader.ids

    def test_without_local_descriptors_it_answers_the_same_and_its_queries_are_the_files(
        self, tmp_path: Path, folder: Path, reader: Collection, copies: dict[str, U8]
    ) -> None:
        with create_collection(tmp_path / "lean") as lean:
            lean.add_files([folder])
            assert not lean.info().keep_local_descriptors
            assert lean.info().bytes < 0.8 * reader.info().bytes
            for copy in copies.values():
                assert lean.search(copy) == reader.search(copy)
            queries = list(lean.as_queries())
            assert [query.name for query in queries] == lean.ids
            for query in queries:
                expected = reader.search(folder / query.name)
                found = reader.search_described(query)
                assert [(m.reference_id, m.verification) for m in found] == [
                    (m.reference_id, m.verification) for m in expected
                ]
                assert {m.query for m in found} == {query.name}

    @pytest.mark.parametrize("fate", ["gone", "changed"])
    def test_without_local_descriptors_a_query_needs_its_file(self, fate: str, tmp_path: Path, folder: Path) -> None:
        place = Path(shutil.copytree(folder, tmp_path / "pictures"))
        with create_collection(tmp_path / "lean") as lean:
            lean.add_files([place])
            if fate == "gone":
                (place / "chelsea.png").unlink()
            else:
                shutil.copy(place / "astronaut.png", place / "chelsea.png")
            queries = lean.as_queries()
            assert next(queries).name == "astronaut.png"
            with pytest.raises(
                ImageError,
                match=r"chelsea\.png: .*pictures/chelsea\.png is missing or has changed; give .*--keep-local",
            ):
                next(queries)

    def test_without_local_descriptors_pictures_from_memory_are_no_queries(
        self, tmp_path: Path, scenes: dict[str, U8]
    ) -> None:
        with create_collection(tmp_path / "lean") as lean:
            lean.add("from memory", scenes["coins"])
            with pytest.raises(ImageError, match=r"from memory: .*\(none\) is missing.*--keep-local"):
                list(lean.as_queries())

    def test_with_local_descriptors_queries_need_no_files(self, tmp_path: Path, folder: Path) -> None:
        place = Path(shutil.copytree(folder, tmp_path / "pictures"))
        with create_collection(tmp_path / "whole", config=storing(keep_local_descriptors=True)) as whole:
            whole.add_files([place])
        shutil.rmtree(place)
        with open_collection(tmp_path / "whole") as again:
            assert again.info().keep_local_descriptors
            assert [again.search_described(query)[0].reference_id for query in again.as_queries()] == again.ids

    def test_descriptors_are_those_of_the_ids(self, reader: Collection, folder: Path, models: Models) -> None:
        expected = np.stack([describe_reference(folder / i, models).descriptor for i in reader.ids])
        np.testing.assert_array_equal(reader.descriptors(), expected)

    def test_membership_and_length(self, reader: Collection) -> None:
        assert len(reader) == 5
        assert "coffee.jpg" in reader
        assert "nothing" not in reader
        assert 7 not in reader

    @pytest.mark.parametrize("ask", ["fingerprint", "record"])
    def test_an_unknown_id_is_named_with_the_collection(self, ask: str, reader: Collection, built: Path) -> None:
        with pytest.raises(UnknownIdError, match="no-such") as caught:
            getattr(reader, ask)("no-such")
        assert str(built) in str(caught.value)

    def test_remove_is_all_or_nothing(self, collection: Collection) -> None:
        with pytest.raises(KeyError, match="no-such"):
            collection.remove(["chelsea.png", "no-such"])
        assert "chelsea.png" in collection

    def test_reopened_it_gives_the_same(self, collection: Collection, built: Path, copies: dict[str, U8]) -> None:
        answers = [collection.search(copy) for copy in copies.values()]
        with open_collection(collection.info().path) as again:
            assert [again.search(copy) for copy in copies.values()] == answers
            assert again.ids == collection.ids

    def test_create_does_not_touch_what_is_there(self, built: Path) -> None:
        with pytest.raises(CollectionExistsError):
            create_collection(built)
        assert check_store(built) == []

    def test_open_says_where_nothing_is(self, tmp_path: Path) -> None:
        with pytest.raises(CollectionNotFoundError, match="nowhere"):
            open_collection(tmp_path / "nowhere")

    def test_other_models_are_refused_and_both_named(self, built: Path, models: Models) -> None:
        thresholds = models.descriptor.signature_thresholds + np.float32(1)
        other = make_models(
            dataclasses.replace(models.descriptor, signature_thresholds=thresholds),
            models.vocabulary,
            models.insets,
            models.cohort,
            models.calibration,
            models.ruled_out,
            models.promising,
            models.copies,
            models.shared,
            {},
        )
        with pytest.raises(ModelMismatchError) as caught:
            open_collection(built, models=other)
        assert models.model_id in str(caught.value)
        assert other.model_id in str(caught.value)

    def test_another_calibration_may_be_used(self, built: Path, models: Models, copies: dict[str, U8]) -> None:
        sceptic = dataclasses.replace(models.copies, bias=models.copies.bias - 5)
        parts = (models.descriptor, models.vocabulary, models.insets, models.cohort)
        other = make_models(*parts, models.calibration, models.ruled_out, models.promising, sceptic, models.shared, {})
        with open_collection(built, models=other) as opened, open_collection(built) as plain:
            one, two = (c.search(copies["chelsea.png"])[0].score for c in (opened, plain))
        assert one == pytest.approx(two - 5)

    def test_a_closed_one_says_so_whatever_is_asked(self, built: Path, scenes: dict[str, U8]) -> None:
        closed = open_collection(built)
        closed.close()
        calls: list[Callable[[], object]] = [lambda: closed.add("x", scenes["coins"]), lambda: closed.remove(["x"])]
        calls += [lambda: closed.add_images([("x", scenes["coins"])]), closed.compact, lambda: closed.ids]
        for call in calls:
            with pytest.raises(CollectionError, match="this collection was closed; open it again"):
                call()

    def test_closing_twice_is_no_error(self, built: Path) -> None:
        collection = open_collection(built)
        collection.close()
        collection.close()
