"""The one place where work is spread over threads."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from fingerprint.errors import ConfigError, ImageError
from fingerprint.locations import Url
from fingerprint.types import Skipped
from fingerprint.workers import far, map_images

COUNTS = (1, 2, 5)


def close(results: Iterator[object]) -> None:
    assert isinstance(results, Generator)
    results.close()


class Counting:
    """An iterator without end, for all that a careful reader can tell; it knows how far it was read."""

    def __init__(self) -> None:
        self.taken = 0

    def __iter__(self) -> Iterator[int]:
        while True:
            self.taken += 1
            assert self.taken < 1_000, "read without end"
            yield self.taken - 1


def uneven(item: int) -> int:
    time.sleep(0.002 * (item * 7 % 3))  # later items finish before earlier ones
    return item * item


@pytest.mark.parametrize("n_workers", COUNTS)
def test_results_come_in_input_order(n_workers: int) -> None:
    assert list(map_images(uneven, range(40), n_workers)) == [i * i for i in range(40)]


@pytest.mark.parametrize("n_workers", [*COUNTS, None])
def test_nothing_in_nothing_out(n_workers: int | None) -> None:
    assert list(map_images(uneven, [], n_workers)) == []


@pytest.mark.parametrize("n_workers", COUNTS)
def test_a_bad_image_becomes_skipped_in_its_place(n_workers: int) -> None:
    def work(item: int) -> int:
        if item % 3 == 1:
            raise ImageError(f"{item}.png", "torn")
        return item

    found = list(map_images(work, range(6), n_workers))
    assert found == [0, Skipped("1.png", "torn"), 2, 3, Skipped("4.png", "torn"), 5]


@pytest.mark.parametrize("n_workers", COUNTS)
def test_any_other_error_reaches_the_caller_after_what_came_before_it(n_workers: int) -> None:
    def work(item: int) -> int:
        if item == 3:
            raise ZeroDivisionError("a bug")
        return item

    results = map_images(work, range(100), n_workers)
    assert list(itertools.islice(results, 3)) == [0, 1, 2]
    with pytest.raises(ZeroDivisionError, match="a bug"):
        next(results)
    assert list(results) == []


@pytest.mark.parametrize("n_workers", COUNTS)
def test_an_error_of_the_iterator_reaches_the_caller(n_workers: int) -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(map_images(uneven, items(), n_workers))


@pytest.mark.parametrize("n_workers", COUNTS)
def test_an_endless_iterator_is_read_a_few_at_a_time(n_workers: int) -> None:
    items = Counting()
    results = map_images(uneven, items, n_workers)
    assert [next(results) for _ in range(10)] == [i * i for i in range(10)]
    assert items.taken <= 10 + 8 * n_workers
    close(results)


def test_nothing_is_begun_before_the_first_result_is_asked_for() -> None:
    items = Counting()
    close(map_images(uneven, items, 2))
    assert items.taken == 0


@pytest.mark.parametrize("n_workers", COUNTS)
def test_closing_early_ends_the_work_and_its_threads(n_workers: int) -> None:
    done: list[int] = []

    def work(item: int) -> int:
        done.append(item)
        return item

    before = threading.active_count()
    results = map_images(work, Counting(), n_workers)
    next(results)
    close(results)
    n_done = len(done)
    assert n_done <= 1 + 8 * n_workers
    assert threading.active_count() == before
    time.sleep(0.02)
    assert len(done) == n_done


@pytest.mark.parametrize("n_workers", [2, 3])
def test_workers_really_work_at_the_same_time(n_workers: int) -> None:
    together = threading.Barrier(n_workers)

    def work(item: int) -> int:
        together.wait(timeout=30)  # raises if the others are not under way
        return item

    assert list(map_images(work, range(n_workers * 3), n_workers)) == list(range(n_workers * 3))


def test_one_worker_is_the_callers_own_thread() -> None:
    assert list(map_images(lambda _: threading.get_ident(), range(3), 1)) == [threading.get_ident()] * 3


@pytest.mark.parametrize("n_workers", COUNTS)
def test_parcels_change_nothing_in_the_results(n_workers: int) -> None:
    for parcel in [1, 2, 7, 100]:

        def work(item: int) -> int:
            if item % 5 == 2:
                raise ImageError(str(item), "torn")
            return uneven(item)

        found = list(map_images(work, range(40), n_workers, parcel=parcel))
        assert found == [Skipped(str(i), "torn") if i % 5 == 2 else i * i for i in range(40)], parcel


@pytest.mark.parametrize("n_workers", COUNTS)
def test_an_error_within_a_parcel_comes_after_what_was_before_it(n_workers: int) -> None:
    def work(item: int) -> int:
        if item == 10:
            raise ZeroDivisionError("a bug")
        return item

    results = map_images(work, range(100), n_workers, parcel=8)
    assert list(itertools.islice(results, 10)) == list(range(10))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        next(results)


def test_closing_early_breaks_off_within_a_parcel() -> None:
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        time.sleep(0.01)
        return item

    results = map_images(work, range(10_000), 2, parcel=100)
    next(results)
    at_closing = len(begun)
    close(results)
    assert len(begun) <= at_closing + 2
    assert threading.active_count() == 1 or all("fingerprint" not in t.name for t in threading.enumerate())


def test_refuses_an_empty_parcel() -> None:
    with pytest.raises(ConfigError, match="0"):
        list(map_images(uneven, range(3), 2, parcel=0))


@pytest.mark.parametrize("n_workers", [0, -1])
def test_refuses_fewer_than_one_worker(n_workers: int) -> None:
    with pytest.raises(ConfigError, match=str(n_workers)):
        list(map_images(uneven, range(3), n_workers))


def test_workers_elsewhere_get_urls_as_they_are() -> None:
    assert far("s3://bucket/a.jpg") == "s3://bucket/a.jpg"
    url = Url("https://user:word@host/a.jpg")
    assert far(url) is url
    assert Path(far("a.jpg")).is_absolute()
