"""Pictures added in batches: from files and from memory, counted, interrupted and gone on with."""

from __future__ import annotations

import dataclasses
import io
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

import fingerprint.collection.describing
from fingerprint import Collection, create_collection, open_collection
from fingerprint.config import DEFAULT_CONFIG, Config, StorageConfig
from fingerprint.errors import CollectionBusyError, ConfigError, ImageError
from fingerprint.features.describe import ReadPicture, read_picture
from fingerprint.index import check_store
from fingerprint.results import AddReport
from fingerprint.types import U8, Fingerprint, ImageSource

#: What is in the folder, in the order in which it is walked, and what is wrong with it.
FILES = {
    "a.png": None,
    "b-broken.jpg": "not an image",
    "c.png": None,
    "d.png": None,
    "e-empty.png": "empty file",
    "f.png": None,
    "sub/a.png": None,
    "sub/z-torn.png": "truncated",
}
GOOD = [name for name, fault in FILES.items() if fault is None]
BAD = [name for name, fault in FILES.items() if fault is not None]


def storing(**settings: Any) -> Config:
    return dataclasses.replace(DEFAULT_CONFIG, storage=StorageConfig(**settings))


def png_of(pixels: U8) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


#: Ids and sources, as they are added.
Pictures = list[tuple[str, ImageSource]]


def offered(report: AddReport) -> int:
    return report.added + report.unchanged + report.replaced + len(report.skipped) + len(report.ignored)


@pytest.fixture(scope="module")
def scenes(photos: dict[str, U8]) -> list[U8]:
    """Photographs at 240 pixels, which is quicker."""
    out: list[U8] = []
    for pixels in photos.values():
        factor = 240 / max(pixels.shape[:2])
        small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        out.append(np.asarray(small, np.uint8))
    return out


@pytest.fixture(scope="module")
def folder(scenes: list[U8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight files by the names of images, three of them bad, and a text."""
    place = tmp_path_factory.mktemp("pictures")
    (place / "sub").mkdir()
    for name, pixels in zip(GOOD, scenes, strict=False):
        (place / name).write_bytes(png_of(pixels))
    (place / "b-broken.jpg").write_bytes(b"this is no JPEG")
    (place / "e-empty.png").write_bytes(b"")
    (place / "sub" / "z-torn.png").write_bytes(png_of(scenes[0])[:4000])
    (place / "notes.txt").write_text("not a picture")
    return place


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[Collection]:
    with create_collection(tmp_path / "collection") as made:
        yield made


@pytest.fixture
def described(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Everything that is read to be described while adding."""
    seen: list[object] = []

    def watched(source: Any, *rest: Any) -> ReadPicture:
        seen.append(source)
        return read_picture(source, *rest)

    monkeypatch.setattr(fingerprint.collection.describing, "read_picture", watched)
    return seen


class TestAddImages:
    def test_paths_bytes_and_arrays_become_references(
        self, collection: Collection, scenes: list[U8], folder: Path
    ) -> None:
        pictures: Pictures = [("path", folder / "a.png"), ("text", str(folder / "c.png")), ("bytes", png_of(scenes[0]))]
        report = collection.add_images([*pictures, ("array", scenes[0])])
        assert report == AddReport(4, 0, 0, (), ())
        assert collection.ids == ["path", "text", "bytes", "array"]
        paths = [collection.record(image_id).path for image_id in collection.ids]
        assert paths == [str(folder / "a.png"), str(folder / "c.png"), None, None]
        sizes = [collection.record(image_id).n_bytes for image_id in collection.ids]
        assert sizes == [(folder / "a.png").stat().st_size, (folder / "c.png").stat().st_size, sizes[0], None]
        contents = [collection.record(image_id).content for image_id in collection.ids]
        assert all(content is not None and len(content) == 64 for content in contents)
        assert len({collection.fingerprint(i).descriptor.tobytes() for i in ("path", "bytes", "array")}) == 1

    def test_what_is_there_with_the_same_bytes_is_not_described(
        self, collection: Collection, scenes: list[U8], folder: Path, described: list[object]
    ) -> None:
        grey = np.ascontiguousarray(scenes[1][..., 0])
        pictures: Pictures = [
            ("path", folder / "a.png"),
            ("bytes", png_of(scenes[0])),
            ("array", scenes[0]),
            ("grey", grey),
        ]
        collection.add_images(pictures)
        before = collection.info()
        described.clear()
        assert collection.add_images(pictures) == AddReport(0, 4, 0, (), ())
        elsewhere = [("array", np.asfortranarray(scenes[0])), ("grey", scenes[1][..., 0])]
        assert collection.add_images(elsewhere).unchanged == 2  # the same pixels, otherwise in memory
        assert described == []
        assert (collection.info().segments, collection.info().removed) == (before.segments, 0)

    def test_what_has_changed_takes_the_place_of_the_old(
        self, collection: Collection, scenes: list[U8], described: list[object]
    ) -> None:
        collection.add_images([("array", scenes[0]), ("bytes", png_of(scenes[0])), ("turned", scenes[1])])
        touched = scenes[0].copy()
        touched[0, 0] ^= 1
        turned = scenes[1].reshape(scenes[1].shape[1], scenes[1].shape[0], 3)  # the same bytes in another shape
        described.clear()
        changes: Pictures = [("array", touched), ("bytes", png_of(touched)), ("turned", turned), ("new", scenes[1])]
        assert collection.add_images(changes) == AddReport(1, 0, 3, (), ())
        assert len(described) == 4
        assert sorted(collection.ids) == ["array", "bytes", "new", "turned"]
        assert collection.record("turned").height == scenes[1].shape[1]
        assert collection.info().removed == 3

    def test_an_id_that_comes_again_is_skipped_and_the_first_stays(
        self, collection: Collection, scenes: list[U8], folder: Path
    ) -> None:
        pictures: Pictures = [("one", scenes[0]), ("one", scenes[1]), ("one", folder / "c.png"), ("two", scenes[2])]
        for round_ in range(3):
            report = collection.add_images(pictures)
            assert (report.added, report.unchanged, report.replaced) == ((2, 0, 0) if round_ == 0 else (0, 2, 0))
            assert [item.path for item in report.skipped] == ["one", str(folder / "c.png")]
            assert all("its id 'one' is already that of one" in item.reason for item in report.skipped)
            assert collection.record("one").height == scenes[0].shape[0]

    def test_a_file_replaces_another_one_unless_it_may_not(self, collection: Collection, folder: Path) -> None:
        collection.add_images([("one", folder / "a.png")])
        report = collection.add_images([("one", folder / "c.png")], replace=False)
        assert (report.replaced, [item.path for item in report.skipped]) == (0, [str(folder / "c.png")])
        assert collection.add_images([("one", folder / "c.png")]).replaced == 1
        assert collection.add_files([folder / "a.png"]).added == 1

    def test_what_is_no_picture_and_no_id_is_skipped(self, collection: Collection, scenes: list[U8]) -> None:
        bad: list[Any] = [
            ("number", 3.5),
            ("stream", io.BytesIO()),
            ("none", None),
            (7, scenes[0]),
        ]
        report = collection.add_images([*bad, ("good", scenes[1]), ("pillow", Image.fromarray(scenes[0]))])
        assert collection.ids == ["good", "pillow"]
        assert [item.path for item in report.skipped] == ["number", "stream", "none", "7"]
        assert "an object of the type float is no picture here; give a path" in report.skipped[0].reason
        assert "empty file, or one that was read to its end before" in report.skipped[1].reason
        assert report.skipped[3].reason == "its id is 7; an id is a text"
        for query in (3.5, None, ["a.png"]):
            with pytest.raises(ImageError, match="is no picture here; give a path"):
                collection.search(query)  # type: ignore[arg-type]
        with pytest.raises(ImageError, match="number: an object of the type float is no picture"):
            collection.add_many(bad[:1])

    def test_one_path_is_no_list(self, collection: Collection, folder: Path) -> None:
        for one in (str(folder), folder, b"bytes"):
            calls: list[Callable[[Any], object]] = [collection.add_files, collection.remove]
            calls += [lambda q: list(collection.search_many(q)), lambda q: list(collection.answer_many(q))]
            for call in calls:
                with pytest.raises(ConfigError, match="give a list, such as"):
                    call(one)
        assert len(collection) == 0

    def test_pairs_are_pairs(self, collection: Collection, scenes: list[U8]) -> None:
        for given in ({"one": scenes[0]}, ["ab"], [("one", scenes[0], 3)], scenes):
            for add in (collection.add_images, collection.add_many):
                with pytest.raises(ConfigError, match="is no pair of id and picture; of a dict, give its items"):
                    add(given)  # type: ignore[arg-type]
        assert collection.ids == []

    def test_a_bad_one_does_not_take_the_id(self, collection: Collection, scenes: list[U8]) -> None:
        report = collection.add_images([("one", b"no picture"), ("one", scenes[0])])
        assert (report.added, [item.path for item in report.skipped]) == (1, ["one"])
        assert "one" in collection
        assert collection.info().skipped == ()

    def test_bad_ones_are_skipped_and_named_by_their_ids(
        self, collection: Collection, scenes: list[U8], folder: Path
    ) -> None:
        pictures: Pictures = [
            ("first", scenes[0]),
            ("bad bytes", b"no picture"),
            ("torn bytes", png_of(scenes[0])[:4000]),
            ("no array of a picture", np.zeros((3, 4, 5, 6), np.uint8)),
            ("bad file", folder / "b-broken.jpg"),
            ("no file", folder / "nowhere.png"),
            ("a folder", folder),
            ("", scenes[1]),
            ("\udcff", scenes[1]),
            ("last", scenes[1]),
        ]
        report = collection.add_images(pictures)
        assert collection.ids == ["first", "last"]
        assert [item.path for item in report.skipped] == [
            *("bad bytes", "torn bytes", "no array of a picture", str(folder / "b-broken.jpg")),
            *(str(folder / "nowhere.png"), str(folder), "<array>", "\udcff"),
        ]
        assert all(item.reason for item in report.skipped)
        assert offered(report) == len(pictures)
        assert len(collection.info().skipped) == 7  # nowhere.png never was there
        assert {"bad bytes", str(folder), "\udcff"} <= {item.path for item in collection.info().skipped}
        collection.add_images([("bad bytes", scenes[2])])  # mended
        assert len(collection.info().skipped) == 6
        assert check_store(Path(collection.info().path)) == []

    @pytest.mark.parametrize("n_workers", [1, 2, None])
    def test_pictures_are_taken_a_few_at_a_time(
        self, n_workers: int | None, tmp_path: Path, scenes: list[U8], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """So that there may be any number: neither what waits nor what was done is held."""
        (whole,) = _one(tmp_path, scenes[0])
        monkeypatch.setattr(fingerprint.collection.describing, "describe_read_reference", lambda *_: whole)
        taken, ahead, told = 0, 0, []

        def pictures() -> Iterator[tuple[str, U8]]:
            nonlocal taken
            for number in range(200):
                taken += 1
                yield f"{number}", np.full((2, 2), number, np.uint8)

        def tell(done: int) -> None:
            nonlocal ahead
            told.append(done)
            ahead = max(ahead, taken - done)

        with create_collection(tmp_path / "new", config=storing(batch=30)) as made:
            assert made.add_images(pictures(), n_workers=n_workers, progress=lambda done, _: tell(done)).added == 200
            assert made.ids == [str(number) for number in range(200)]
        assert told == list(range(1, 201))
        assert ahead <= 4 * (n_workers or os.cpu_count() or 1)

    @pytest.mark.parametrize(("batch", "sizes"), [(1, [1] * 7), (3, [3, 3, 1]), (7, [7]), (100, [7])])
    def test_batches_become_segments(self, batch: int, sizes: list[int], tmp_path: Path, scenes: list[U8]) -> None:
        config = storing(batch=batch, merge_factor=100, merge_at_end=False)
        with create_collection(tmp_path / "new", config=config) as made:
            made.add_images((str(number), pixels) for number, pixels in enumerate(scenes[:7]))
            assert [len(segment) for segment in made._reader._snapshot.segments] == sizes

    def test_an_addition_of_many_ends_with_one_segment(self, tmp_path: Path, scenes: list[U8]) -> None:
        with create_collection(tmp_path / "new", config=storing(batch=1, merge_factor=100)) as made:
            made.add_images((str(number), pixels) for number, pixels in enumerate(scenes[:3]))
            assert made.info().segments == 3  # few as they are
            made.add_images((str(number), pixels) for number, pixels in enumerate(scenes[:7]))
            assert made.info().segments == 1
            assert made.ids == [str(number) for number in range(7)]
            made.add_images([("more", scenes[0])])
            assert made.info().segments == 2
        assert check_store(tmp_path / "new") == []

    def test_many_small_batches_do_not_leave_many_segments(self, tmp_path: Path, scenes: list[U8]) -> None:
        pictures: Pictures = [(str(number), scenes[number % 3]) for number in range(40)]
        with create_collection(tmp_path / "new", config=storing(batch=1, merge_factor=4)) as made:
            made.add_images(pictures)
            assert made.ids == [image_id for image_id, _ in pictures]
            assert made.info().segments < 8
        assert check_store(tmp_path / "new") == []

    def test_a_second_writer_is_turned_away_before_it_takes_a_picture(
        self, collection: Collection, scenes: list[U8]
    ) -> None:
        def taken() -> tuple[str, U8]:
            raise AssertionError("a picture was taken")

        with (
            open_collection(collection.info().path) as second,
            second._writer.writing(),
            pytest.raises(CollectionBusyError, match="another process is writing"),
        ):
            collection.add_images(taken() for _ in range(1))
        assert collection.add_images([("after", scenes[0])]).added == 1

    def test_nothing_offered(self, collection: Collection) -> None:
        assert collection.add_images([]) == AddReport(0, 0, 0, (), ())
        assert collection.info().segments == 0

    def test_a_file_whose_name_begins_like_a_word_for_memory(
        self, collection: Collection, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shutil.copy(folder / "a.png", tmp_path / "<odd>.png")
        monkeypatch.chdir(tmp_path)
        collection.add_files(["<odd>.png"])
        assert collection.record("<odd>.png").path == str(tmp_path / "<odd>.png")


def _one(tmp_path: Path, pixels: U8) -> tuple[Fingerprint]:
    with create_collection(tmp_path / "one", config=storing(keep_local_descriptors=True)) as made:
        made.add("one", pixels)
        return (made.fingerprint("one"),)


class TestCounts:
    def test_every_file_that_was_seen_is_counted_once(
        self, collection: Collection, folder: Path, tmp_path: Path
    ) -> None:
        place = Path(shutil.copytree(folder, tmp_path / "pictures"))
        n_files = sum(path.is_file() for path in place.rglob("*"))
        first = collection.add_files([place])
        assert (first.added, len(first.skipped), len(first.ignored)) == (len(GOOD), len(BAD), 1)
        for item, name in zip(first.skipped, BAD, strict=True):
            assert item.path == str(place / name)
            assert FILES[name] in item.reason  # type: ignore[operator] # as they are bad
        shutil.copy(place / "a.png", place / "c.png")
        shutil.copy(place / "a.png", place / "g-new.png")
        (place / "d.png").write_bytes(b"")
        second = collection.add_files([place])
        assert (second.added, second.unchanged, second.replaced) == (1, len(GOOD) - 2, 1)
        assert (len(second.skipped), len(second.ignored)) == (len(BAD) + 1, 1)
        assert (offered(first), offered(second)) == (n_files, n_files + 1)
        assert len(collection) == len(GOOD) + 1  # a file that has gone bad does not drive out what was there

    def test_what_is_named_twice_is_one_file(self, collection: Collection, folder: Path) -> None:
        paths = [folder, folder / "a.png", folder, folder / "notes.txt"]
        report = collection.add_files(paths)
        assert (report.added, report.unchanged, len(report.skipped), report.ignored) == (5, 0, 4, ())
        assert report.skipped[-1].path == str(folder / "notes.txt")  # named itself, so taken for an image

    @pytest.mark.parametrize("n_workers", [1, 3])
    def test_the_number_of_workers_does_not_show(self, n_workers: int, tmp_path: Path, folder: Path) -> None:
        with create_collection(tmp_path / "new", config=storing(batch=3)) as made:
            report = made.add_files([folder], n_workers=n_workers)
            assert made.ids == GOOD
        assert [item.path for item in report.skipped] == [str(folder / name) for name in BAD]


class TestRoot:
    def test_ids_are_paths_within_it(self, collection: Collection, folder: Path) -> None:
        report = collection.add_files([folder / "sub", folder / "a.png", folder / "d.png"], root=folder)
        assert collection.ids == ["sub/a.png", "a.png", "d.png"]
        assert report.added == 3

    def test_without_it_files_of_one_name_are_in_each_others_way(self, collection: Collection, folder: Path) -> None:
        report = collection.add_files([folder / "sub", folder / "a.png"])
        assert collection.ids == ["a.png"]
        assert [item.path for item in report.skipped][-1] == str(folder / "a.png")

    def test_the_same_ids_whatever_is_named_and_from_where(
        self, collection: Collection, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        collection.add_files([folder])
        monkeypatch.chdir(folder / "sub")
        for paths, root in (([Path()], ".."), ([Path("a.png")], folder), ([folder / "sub" / ".." / "c.png"], "../")):
            report = collection.add_files(paths, root=root)
            assert (report.added, report.replaced) == (0, 0)
            assert report.unchanged == 1
        assert collection.ids == GOOD

    def test_a_link_goes_by_its_own_name(self, collection: Collection, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "links").mkdir()
        (tmp_path / "links" / "linked.png").symlink_to(folder / "a.png")
        collection.add_files([tmp_path / "links" / "linked.png"], root=tmp_path)
        assert collection.ids == ["links/linked.png"]

    def test_what_lies_elsewhere_is_an_error_that_names_both_and_adds_nothing(
        self, collection: Collection, folder: Path
    ) -> None:
        with pytest.raises(ConfigError, match=r"a\.png: not in the folder .*sub that ids are relative to"):
            collection.add_files([folder / "sub", folder / "a.png"], root=folder / "sub")
        assert collection.ids == []


class TestInterruption:
    @staticmethod
    def stop_at(moment: int, error: type[BaseException]) -> Callable[[int, int], None]:
        def progress(done: int, _total: int) -> None:
            if done == moment:
                raise error("stop")

        return progress

    @pytest.mark.parametrize(
        ("moment", "n_workers", "error"),
        [
            *((moment, 1, RuntimeError) for moment in range(1, 9)),
            *((moment, 3, KeyboardInterrupt) for moment in (1, 4, 7)),
        ],
    )
    def test_what_was_published_stays_and_the_same_call_goes_on(
        self,
        moment: int,
        n_workers: int,
        error: type[BaseException],
        folder: Path,
        tmp_path: Path,
        described: list[object],
    ) -> None:
        published = list(FILES)[: moment // 2 * 2]
        kept = [name for name in GOOD if name in published]
        with create_collection(tmp_path / "new", config=storing(batch=2)) as made:
            with pytest.raises(error, match="stop"):
                made.add_files([folder], n_workers=n_workers, progress=self.stop_at(moment, error))
            assert made.ids == kept
            noted = {item.path for item in made.info().skipped}
            assert noted == {str(folder / name) for name in BAD if name in published}
            assert check_store(tmp_path / "new") == []
            described.clear()
            report = made.add_files([folder], n_workers=n_workers)  # the same object, whose lock was given back
            assert (report.added, report.unchanged) == (len(GOOD) - len(kept), len(kept))
            assert len(report.skipped) == len(BAD)
            assert len(described) == len(FILES) - len(kept)  # bad ones are tried anew
            assert made.ids == GOOD
        assert check_store(tmp_path / "new") == []

    def test_it_ends_as_if_nothing_had_happened(self, folder: Path, tmp_path: Path, scenes: list[U8]) -> None:
        config = storing(batch=1)
        with create_collection(tmp_path / "torn", config=config) as torn:
            for moment in (2, 5, 7):
                with pytest.raises(KeyboardInterrupt):
                    torn.add_files([folder], progress=self.stop_at(moment, KeyboardInterrupt))
            torn.add_files([folder])
        with create_collection(tmp_path / "whole", config=config) as whole:
            whole.add_files([folder])
            with open_collection(tmp_path / "torn") as again:
                assert again.ids == whole.ids
                assert [again.record(i) for i in again.ids] == [whole.record(i) for i in whole.ids]
                np.testing.assert_array_equal(again.descriptors(), whole.descriptors())
                assert again.info().skipped == whole.info().skipped
                for pixels in scenes[:2]:
                    assert again.search(pixels) == whole.search(pixels)

    def test_a_source_of_pictures_that_fails_loses_no_more_than_a_batch(
        self, tmp_path: Path, scenes: list[U8], described: list[object]
    ) -> None:
        def failing() -> Iterator[tuple[str, U8]]:
            yield from pictures[:5]
            raise OSError("the source is gone")

        pictures = [(str(number), pixels) for number, pixels in enumerate(scenes[:6])]
        with create_collection(tmp_path / "new", config=storing(batch=2)) as made:
            with pytest.raises(OSError, match="the source is gone"):
                made.add_images(failing(), n_workers=1)
            assert made.ids == ["0", "1", "2", "3"]
            described.clear()
            report = made.add_images(pictures)
            assert (report.added, report.unchanged, len(described)) == (2, 4, 2)

    def test_a_replacement_that_is_interrupted_leaves_the_old(
        self, folder: Path, tmp_path: Path, scenes: list[U8]
    ) -> None:
        place = Path(shutil.copytree(folder, tmp_path / "pictures"))
        with create_collection(tmp_path / "new", config=storing(batch=100)) as made:
            made.add_files([place])
            before = made.record("a.png")
            (place / "a.png").write_bytes(png_of(scenes[9]))
            with pytest.raises(KeyboardInterrupt):
                made.add_files([place], progress=self.stop_at(3, KeyboardInterrupt))
            assert made.record("a.png") == before
            assert made.ids == GOOD
            assert made.add_files([place]).replaced == 1
            assert made.record("a.png") != before
