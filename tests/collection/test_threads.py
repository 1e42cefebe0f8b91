"""One collection used by several threads, as the handlers of a service do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from fingerprint import Collection, create_collection, open_collection
from fingerprint.config import DEFAULT_CONFIG, Config, StorageConfig
from fingerprint.errors import CollectionBusyError, CollectionError
from fingerprint.models import Models
from fingerprint.types import U8

#: Segments of two pictures that are merged all the time.
BUSY = Config(storage=StorageConfig(batch=2))


@pytest.fixture(scope="module")
def scenes(photos: dict[str, U8]) -> dict[str, U8]:
    """Small photographs, which are quick."""
    return {name: np.ascontiguousarray(pixels[:256:2, :256:2]) for name, pixels in photos.items()}


@pytest.fixture
def collection(tmp_path: Path, models: Models, scenes: dict[str, U8]) -> Iterator[Collection]:
    with create_collection(tmp_path / "busy.fp", models=models, config=BUSY) as made:
        made.add_images([("cat", scenes["chelsea"]), ("coffee", scenes["coffee"])], n_workers=1)
        yield made


def together(*works: Callable[[], object]) -> list[object]:
    with ThreadPoolExecutor(len(works)) as threads:
        return [done.result(timeout=300) for done in [threads.submit(work) for work in works]]


def test_threads_search_while_another_adds_and_removes(collection: Collection, scenes: dict[str, U8]) -> None:
    stop = threading.Event()
    crop = scenes["chelsea"][10:110, 10:120].copy()

    def search() -> int:
        n = 0
        while not stop.is_set() or not n:
            answer = collection.answer(crop, n_results=3)
            assert answer.matches[0].reference_id == "cat"
            assert answer.matches[0].relation == "copy"
            assert not answer.damaged
            n += 1
        return n

    def look() -> int:
        n = 0
        while not stop.is_set() or not n:
            collection.refresh()
            assert "cat" in collection.ids
            assert collection.fingerprint("coffee").width == collection.record("coffee").width
            assert collection.info().references >= 2
            n += 1
        return n

    def change() -> None:
        try:
            others = [(name, pixels) for name, pixels in scenes.items() if name not in ("chelsea", "coffee")]
            for _ in range(2):
                for name, pixels in others[:6]:
                    collection.add(name, pixels)  # each a segment of its own, which are merged
                collection.remove([name for name, _ in others[:6:2]])
                collection.compact()
        finally:
            stop.set()

    _, *counts = together(change, search, search, look)
    assert all(isinstance(n, int) and n > 0 for n in counts)
    assert len(collection) == 2 + 3


def test_what_one_thread_added_all_find(collection: Collection, scenes: dict[str, U8]) -> None:
    together(lambda: collection.add("rocket", scenes["rocket"]))
    assert collection.search(scenes["rocket"], n_results=1)[0].reference_id == "rocket"


def test_threads_that_add_wait_for_each_other(collection: Collection, scenes: dict[str, U8]) -> None:
    names = [name for name in scenes if name not in ("chelsea", "coffee")][:8]
    together(*(lambda name=name: collection.add(name, scenes[name]) for name in names))
    assert set(collection.ids) == {"cat", "coffee", *names}


def test_another_object_is_refused_and_sees_it_later(
    collection: Collection, scenes: dict[str, U8], models: Models
) -> None:
    with open_collection(collection.info().path, models=models, config=BUSY) as other:
        with collection._writer.writing(), pytest.raises(CollectionBusyError):
            other.add("rocket", scenes["rocket"])
        collection.add("rocket", scenes["rocket"])
        assert "rocket" not in other
        other.refresh()
        assert "rocket" in other


def test_a_search_under_way_sees_what_it_began_with(collection: Collection, scenes: dict[str, U8]) -> None:
    answers = collection.answer_many([scenes["chelsea"], scenes["rocket"]], n_workers=1)
    first = next(answers)
    collection.add("rocket", scenes["rocket"])
    collection.remove(["cat"])
    collection.compact()
    second = next(answers)
    assert [m.reference_id for m in first.matches][:1] == ["cat"]  # type: ignore[union-attr]
    assert "rocket" not in {m.reference_id for m in second.matches}  # type: ignore[union-attr]
    assert collection.search(scenes["rocket"], n_results=1)[0].reference_id == "rocket"


def test_segments_go_with_the_last_search(collection: Collection, scenes: dict[str, U8]) -> None:
    import weakref

    segments = [weakref.ref(segment.signatures) for segment in collection._reader._seen.pictures]
    kept = collection._reader.pinned()
    collection.add("rocket", scenes["rocket"])
    collection.compact()
    assert all(ref() is not None for ref in segments)
    del kept
    assert all(ref() is None for ref in segments)


def test_annoy_is_not_unloaded_under_a_search(tmp_path: Path, models: Models, scenes: dict[str, U8]) -> None:
    import dataclasses

    config = dataclasses.replace(
        BUSY, candidates=dataclasses.replace(DEFAULT_CONFIG.candidates, descriptor_index="annoy")
    )
    with create_collection(tmp_path / "annoy.fp", models=models, config=config) as made:
        made.add_images(scenes.items(), n_workers=1)
        pinned = made._reader.pinned()
        made.compact()
        vectors = made.descriptors()
        assert pinned.nearest_vectors(vectors[:1], models.model_id, 1)[0][0].distance < 0.1


def test_after_closing_threads_are_told_so(collection: Collection, scenes: dict[str, U8]) -> None:
    collection.close()
    for call in (lambda: collection.search(scenes["coffee"]), lambda: collection.refresh(), lambda: collection.ids):
        with pytest.raises(CollectionError, match="closed"):
            call()
    assert repr(collection).endswith("closed)")
