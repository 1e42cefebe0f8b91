"""Many pictures at once: the one place where work is spread over threads, with results in input order.

OpenCV, Pillow and the numba kernels release the interpreter's lock, so threads use all cores and share the models.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from fingerprint.errors import ConfigError, ImageError
from fingerprint.types import Skipped

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 4  # items under way for each worker: enough to hide uneven ones, few enough to bound memory


def map_images(
    work: Callable[[Item], Result], items: Iterable[Item], n_workers: int | None = None
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

    Raises
    ------
    ConfigError
        If `n_workers` is below one.
    """
    count = n_workers if n_workers is not None else (os.cpu_count() or 1)
    if count < 1:
        raise ConfigError(f"the number of workers must be 1 or more, not {count}")

    def attempt(item: Item) -> Result | Skipped:
        try:
            return work(item)
        except ImageError as error:
            return Skipped(error.path, error.reason)

    if count == 1:
        yield from map(attempt, items)
        return
    pool = ThreadPoolExecutor(count, thread_name_prefix="fingerprint")
    pending: deque[Future[Result | Skipped]] = deque()
    try:
        for item in items:
            pending.append(pool.submit(attempt, item))
            if len(pending) >= count * _AHEAD:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
