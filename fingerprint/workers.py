"""Work in threads, with results in input order; no other module starts threads for work.

OpenCV, Pillow and the numba kernels release the interpreter's lock, so threads use all cores and share the models.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from fingerprint.errors import ConfigError, ImageError
from fingerprint.types import Skipped

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 4  # parcels in progress for each worker: enough to hide slow ones, few enough to bound memory


def map_images(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    n_workers: int | None = None,
    *,
    parcel: int = 1,
    strict: bool = False,
) -> Iterator[Result | Skipped]:
    """Yield ``work(item)`` for each item, in order; a bad image becomes a `Skipped` and the run goes on.

    Parameters
    ----------
    work : callable
        Called from several threads.
    items : iterable
        Taken a few at a time, so it may be endless.
    n_workers : int, optional
        Threads; one for each core by default. The results do not depend on it.
    parcel : int
        Items that a worker takes at a time. For items of less than a millisecond, handing over single ones costs as
        much as the work.
    strict : bool
        Raise the error of the first bad image, in input order, instead of going on.

    Raises
    ------
    ImageError
        If `strict`, and an image cannot be used.
    ConfigError
        If `n_workers` or `parcel` is below one.
    """
    count = n_workers if n_workers is not None else (os.cpu_count() or 1)
    if count < 1:
        raise ConfigError(f"the number of workers must be 1 or more, not {count}")
    if parcel < 1:
        raise ConfigError(f"a parcel must have 1 item or more, not {parcel}")
    if count == 1:
        for item in items:
            yield _checked(_attempt(work, item), strict)
        return
    stopped = threading.Event()
    pool = ThreadPoolExecutor(count, thread_name_prefix="fingerprint")
    pending: deque[Future[_Done[Result]]] = deque()
    waiting = iter(items)
    try:
        while some := list(islice(waiting, parcel)):
            pending.append(pool.submit(_attempt_all, work, some, stopped))
            if len(pending) >= count * _AHEAD:
                yield from _unpacked(pending.popleft().result(), strict)
        while pending:
            yield from _unpacked(pending.popleft().result(), strict)
    finally:
        stopped.set()
        pool.shutdown(wait=True, cancel_futures=True)


def map_parts(work: Callable[[Item], Result], parts: Sequence[Item], n_threads: int) -> list[Result]:
    """Return ``work(part)`` for each part of one piece of work, in order; an error of any part is raised.

    Parameters
    ----------
    work : callable
        Called from several threads.
    parts : sequence
    n_threads : int, >= 1
        With 1, no thread is started.
    """
    if min(n_threads, len(parts)) < 2:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(min(n_threads, len(parts)), thread_name_prefix="fingerprint") as pool:
        return list(pool.map(work, parts))


@dataclass(frozen=True, slots=True)
class _Done(Generic[Result]):
    """The outcome of a parcel: results up to the first error other than an `ImageError`, and that error."""

    results: list[Result | Skipped]
    error: Exception | None


def _attempt(work: Callable[[Item], Result], item: Item) -> Result | Skipped:
    try:
        return work(item)
    except ImageError as error:
        return Skipped(error.path, error.reason)


def _checked(result: Result | Skipped, strict: bool) -> Result | Skipped:
    if strict and isinstance(result, Skipped):
        raise ImageError(result.path, result.reason)
    return result


def _attempt_all(work: Callable[[Item], Result], items: Iterable[Item], stopped: threading.Event) -> _Done[Result]:
    results: list[Result | Skipped] = []
    for item in items:
        if stopped.is_set():
            break
        try:
            results.append(_attempt(work, item))
        except Exception as error:  # noqa: BLE001 - raised again where the results are read, after those before it
            return _Done(results, error)
    return _Done(results, None)


def _unpacked(done: _Done[Result], strict: bool) -> Iterator[Result | Skipped]:
    for result in done.results:
        yield _checked(result, strict)
    if done.error is not None:
        raise done.error
