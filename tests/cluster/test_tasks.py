"""What is given to a cluster: the same answers and the same bytes, and all that travels can be pickled."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fingerprint.collection import cluster_search
from fingerprint.collection.collection import Collection, create_collection, open_collection
from fingerprint.config import DEFAULT_CONFIG, PROFILES, Config
from fingerprint.edits import random_chain
from fingerprint.errors import ConfigError, FingerprintError, ImageError
from fingerprint.models import Models
from fingerprint.results import Answer
from fingerprint.types import U8, Skipped
from fingerprint.workers import FarPath, far, in_order, map_images, temporary_folder
from tests.cluster.pretended import PretendedCluster
from tests.collection.test_closer import collage, place_within


def save(pixels: U8, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture(scope="module")
def files(photos: dict[str, U8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of references, with a broken one, an empty one and one that shows nothing."""
    folder = tmp_path_factory.mktemp("cluster") / "references"
    for name, pixels in photos.items():
        save(pixels[::2, ::2], folder / f"{name}.png")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    (folder / "empty.png").write_bytes(b"")
    save(np.full((40, 60, 3), 128, np.uint8), folder / "plain.png")
    return folder


@pytest.fixture(scope="module")
def queries(photos: dict[str, U8], files: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("queries")
    rng = np.random.default_rng(7)
    others = list(photos.values())[:3]
    paths = [
        save(random_chain(pixels[::2, ::2], rng, others, (1, 3)).pixels, folder / f"{name}.jpg")
        for name, pixels in list(photos.items())[:9]
    ]
    paths.append(save(place_within(photos, "rocket"), folder / "within.png"))
    paths.append(save(collage(photos), folder / "collage.png"))
    shutil.copy(files / "chelsea.png", folder / "same.png")
    (folder / "broken.jpg").write_bytes(b"no picture")
    return [*paths, folder / "same.png", folder / "broken.jpg", folder / "missing.jpg", files / "plain.png"]


@pytest.fixture(scope="module")
def folder(files: Path, models: Models, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collection of several segments, with removed pictures, that keeps local descriptors."""
    made = tmp_path_factory.mktemp("cluster") / "collection.fp"
    storage = replace(DEFAULT_CONFIG.storage, batch=4, merge_at_end=False, keep_local_descriptors=True)
    with create_collection(made, models=models, config=replace(DEFAULT_CONFIG, storage=storage)) as collection:
        collection.add_files([files])
        collection.remove(["coins.png", "brick.png"])
        assert collection.info().segments > 3
    return made


@pytest.fixture
def collection(folder: Path, models: Models) -> Iterator[Collection]:
    with open_collection(folder, models=models) as opened:
        yield opened


def without_times(answers: Sequence[Answer | Skipped]) -> list[object]:
    return [a if isinstance(a, Skipped) else replace(a, milliseconds=dict.fromkeys(a.milliseconds)) for a in answers]  # type: ignore[arg-type]


@pytest.fixture(params=[1, 4 << 30], ids=["a part for each segment", "one part"])
def parts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(cluster_search, "_PART_BYTES", request.param)
    return int(request.param)


class TestSearch:
    @pytest.mark.parametrize("together", [False, True], ids=["one by one", "in batches"])
    @pytest.mark.parametrize("past_identical", [False, True])
    def test_the_answers_are_those_of_one_process(
        self,
        collection: Collection,
        queries: list[Path],
        parts: int,
        together: bool,
        past_identical: bool,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        if together:
            for module in ("search", "cluster_search"):
                monkeypatch.setattr(f"fingerprint.collection.{module}.BATCH_FROM", 1)
                monkeypatch.setattr(f"fingerprint.collection.{module}.BATCH", 18)
        cluster = PretendedCluster()
        ask = partial(collection.answer_many, queries, n_results=5, past_identical=past_identical)
        here, there = list(ask(n_workers=1)), list(ask(n_workers=cluster))
        assert without_times(there) == without_times(here)
        assert sum(isinstance(answer, Skipped) for answer in there) == 2
        assert cluster.tasks["name-in-part"] == 0 if parts > 1 else cluster.tasks["name-in-part"] > 3
        assert (len(cluster.places) > 3) is (parts == 1)

    def test_times_are_those_of_the_stages(self, collection: Collection, queries: list[Path], parts: int) -> None:
        (here,), (there,) = (
            [a for a in collection.answer_many(queries[:1], n_workers=w) if isinstance(a, Answer)]
            for w in (1, PretendedCluster())
        )
        assert list(there.milliseconds) == list(here.milliseconds)
        assert all(spent > 0 for spent in there.milliseconds.values())

    def test_a_task_that_is_done_twice_changes_nothing(
        self, collection: Collection, queries: list[Path], parts: int
    ) -> None:
        once = list(collection.answer_many(queries, n_workers=PretendedCluster()))
        assert without_times(list(collection.answer_many(queries, n_workers=PretendedCluster(twice=True)))) == (
            without_times(once)
        )

    def test_references_are_queries(self, collection: Collection, parts: int) -> None:
        ids = collection.ids[::2]
        here, there = (list(collection.search_stored(collection, ids, n_workers=w)) for w in (1, PretendedCluster()))
        assert here == there
        assert [found[0].reference_id for found in there if isinstance(found, list)] == ids

    def test_damaged_references_are_told(
        self, folder: Path, queries: list[Path], models: Models, parts: int, tmp_path: Path
    ) -> None:
        copied = shutil.copytree(folder, tmp_path / "damaged.fp")
        for frames in (copied / "segments").glob("*/frames.npy"):
            content = bytearray(frames.read_bytes())
            content[-4000:] = b"\xff" * 4000
            frames.write_bytes(content)
        with open_collection(copied, models=models) as collection:
            here, there = (list(collection.answer_many(queries, n_workers=w)) for w in (1, PretendedCluster()))
        assert without_times(there) == without_times(here)

    def test_an_empty_collection_finds_nothing(self, models: Models, queries: list[Path], tmp_path: Path) -> None:
        with create_collection(tmp_path / "empty.fp", models=models) as collection:
            here, there = (list(collection.answer_many(queries, n_workers=w)) for w in (1, PretendedCluster()))
        assert without_times(there) == without_times(here)

    @pytest.mark.parametrize("profile", sorted(PROFILES))
    def test_each_profile(self, folder: Path, queries: list[Path], models: Models, parts: int, profile: str) -> None:
        config = replace(DEFAULT_CONFIG, closer=PROFILES[profile])
        with open_collection(folder, models=models, config=config) as collection:
            here, there = (list(collection.answer_many(queries[-8:], n_workers=w)) for w in (1, PretendedCluster()))
        assert without_times(there) == without_times(here)

    def test_strict_settings_raise(self, folder: Path, queries: list[Path], models: Models) -> None:
        with (
            open_collection(folder, models=models, config=replace(DEFAULT_CONFIG, strict=True)) as collection,
            pytest.raises(ImageError, match=r"broken\.jpg"),
        ):
            list(collection.answer_many(queries, n_workers=PretendedCluster()))

    def test_a_segment_that_is_merged_away_is_told(
        self, folder: Path, queries: list[Path], models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        copied = shutil.copytree(folder, tmp_path / "copied.fp")
        with open_collection(copied, models=models) as collection, open_collection(copied, models=models) as other:
            other.compact()
            with pytest.raises(FingerprintError, match="merged"):
                list(collection.answer_many(queries, n_workers=PretendedCluster()))
            collection.refresh()
            assert len(list(collection.answer_many(queries, n_workers=PretendedCluster()))) == len(queries)


class TestAdd:
    def bytes_of(self, collection: Path) -> dict[str, str]:
        return {
            str(path.relative_to(collection)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(collection.glob("segments/**/*"))
            if path.is_file()
        }

    @pytest.mark.parametrize("twice", [False, True])
    @pytest.mark.parametrize("batch", [3, 200])
    def test_the_segments_have_the_same_bytes(
        self, files: Path, models: Models, tmp_path: Path, batch: int, twice: bool
    ) -> None:
        config = replace(DEFAULT_CONFIG, storage=replace(DEFAULT_CONFIG.storage, batch=batch))
        reports: list[Any] = []
        for name, workers in (("here", 1), ("there", PretendedCluster(twice=twice))):
            with create_collection(tmp_path / name, models=models, config=config) as collection:
                reports.append(collection.add_files([files], n_workers=workers))
                reports.append(collection.add_files([files], n_workers=workers))
                records = [collection.record(image_id) for image_id in collection.ids]
                reports.append([(r.image_id, r.path, r.content, r.pixels) for r in records])
                reports.append([(s.path, s.reason) for s in collection.info().skipped])
        assert reports[:4] == reports[4:]
        assert self.bytes_of(tmp_path / "here") == self.bytes_of(tmp_path / "there")
        assert not (tmp_path / "there" / "incoming").exists()

    def test_changes_moves_and_repeated_ids(self, photos: dict[str, U8], models: Models, tmp_path: Path) -> None:
        outcomes = []
        for name, workers in (("here", 1), ("there", PretendedCluster())):
            place = tmp_path / name
            for number, pixels in enumerate(list(photos.values())[:6]):
                save(pixels[::3, ::3], place / "pictures" / f"{number}.png")
            with create_collection(place / "collection.fp", models=models) as collection:
                first = collection.add_files([place / "pictures"], n_workers=workers)
                save(photos["chelsea"][::4, ::4], place / "pictures" / "1.png")
                (place / "pictures" / "2.png").unlink()
                save(photos["coffee"][::4, ::4], place / "more" / "4.png")
                pairs = [("a", place / "pictures" / "0.png"), ("a", place / "pictures" / "3.png")]
                second = collection.add_files([place / "pictures", place / "more"], n_workers=workers)
                third = collection.add_images(pairs, n_workers=workers)
                told = [(r.added, r.replaced, r.unchanged, len(r.skipped), r.again) for r in (first, second, third)]
                outcomes.append((told, collection.ids, [collection.record(i).content for i in collection.ids]))
        assert outcomes[0] == outcomes[1]

    def test_what_a_dead_writer_left_is_deleted(self, files: Path, models: Models, tmp_path: Path) -> None:
        with create_collection(tmp_path / "c", models=models) as collection:
            left = tmp_path / "c" / "incoming" / "000123456"
            left.mkdir(parents=True)
            (left / "descriptors.npy").write_bytes(b"half")
            foreign = tmp_path / "c" / "incoming" / "holidays"
            foreign.mkdir()
            collection.add_files([files / "camera.png"], n_workers=PretendedCluster())
            assert not left.exists()
            assert foreign.exists()

    def test_an_error_leaves_nothing_behind(
        self, files: Path, models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object, **__: object) -> str:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("fingerprint.collection.cluster_add.write_pictures", full)
        with create_collection(tmp_path / "c", models=models) as collection:
            with pytest.raises(OSError, match="No space left"):
                collection.add_files([files], n_workers=PretendedCluster())
            assert len(collection) == 0
            assert not (tmp_path / "c" / "incoming").exists()


class TestMapping:
    def test_results_come_in_order_and_bad_images_are_skipped(self) -> None:
        def work(number: int) -> int:
            if number % 7 == 3:
                raise ImageError(str(number), "bad")
            return number * number

        expected = list(map_images(work, range(50), 1))
        assert list(map_images(work, range(50), PretendedCluster())) == expected
        with pytest.raises(ImageError, match="3: bad"):
            list(map_images(work, range(50), PretendedCluster(), strict=True))

    def test_another_error_is_raised_after_the_results_before_it(self) -> None:
        def work(number: int) -> int:
            if number == 20:
                raise ConfigError("no")
            return number

        found: list[object] = []
        with pytest.raises(ConfigError, match="no"):
            found.extend(map_images(work, range(50), PretendedCluster()))
        assert found == list(range(20))

    def test_few_tasks_are_under_way(self) -> None:
        started, taken = 0, 0
        cluster = PretendedCluster(n_threads=2)

        def tasks() -> Iterator[Any]:
            nonlocal started
            for number in range(40):
                started += 1
                yield cluster.start(abs, number, name="abs")

        for result in in_order(tasks(), cluster, ahead=3):
            assert result == taken
            taken += 1
            assert started - taken <= 2 * 3
        assert taken == 40

    def test_a_relative_path_is_shown_as_it_was_given(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        path = far(Path("photos") / "a.jpg")
        assert isinstance(path, FarPath)
        assert (str(path), path.__fspath__()) == ("photos/a.jpg", str(tmp_path / "photos" / "a.jpg"))
        assert far(tmp_path) == tmp_path
        assert far(b"bytes") == b"bytes"
        assert far(path) is path

    def test_temporary_files_need_a_folder_that_all_reach(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="--shared-folder"), temporary_folder("x-", PretendedCluster()):
            pass
        with temporary_folder("x-", PretendedCluster(shared_folder=tmp_path)) as made:
            assert made.parent == tmp_path
        assert not made.exists()


def test_settings_can_be_pickled_and_are_keys(models: Models) -> None:
    config: Config = replace(DEFAULT_CONFIG, strict=True)
    assert {config: 1}[replace(DEFAULT_CONFIG, strict=True)] == 1
