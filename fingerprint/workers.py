"""Work in threads or on a cluster, with results in input order; no other module starts threads for work.

OpenCV, Pillow and the numba kernels release the interpreter's lock, so threads use all cores and share the models.
Beyond one machine the same work is given to a `Cluster`; `fingerprint.cluster` connects to one.
"""

from __future__ import annotations

import os
import tempfile
import threading
from abc import ABC, abstractmethod
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from fingerprint.errors import ConfigError, ImageError
from fingerprint.locations import is_url
from fingerprint.types import Skipped

Item = TypeVar("Item")
Result = TypeVar("Result")
Value = TypeVar("Value")

Found_co = TypeVar("Found_co", covariant=True)

_AHEAD = 4  # parcels in progress for each worker: enough to hide slow ones, few enough to bound memory
_FAR_PARCEL = 8  # least number of items of a task on a cluster, where handing one over takes some milliseconds


class Pending(Protocol[Found_co]):
    """The result of a task on a cluster, which other tasks may take as an argument without its being fetched."""

    def result(self) -> Found_co:
        """Wait for the task and return its result, or raise its error."""

    def cancel(self) -> None:
        """Say that the result is not wanted any more."""


class Cluster(ABC):
    """Worker processes, on any number of machines, that all see the same files."""

    @property
    @abstractmethod
    def n_threads(self) -> int:
        """Tasks that may run at the same time; it changes as workers come and go."""

    @property
    @abstractmethod
    def shared_folder(self) -> Path | None:
        """Folder for temporary files that all workers reach."""

    @abstractmethod
    def start(
        self,
        work: Callable[..., Result],
        *arguments: object,
        name: str,
        near: Pending[Any] | None = None,
        place: int | None = None,
    ) -> Pending[Result]:
        """Start a task.

        Parameters
        ----------
        work : callable
            It and its result can be pickled. It may be called again if a worker dies, so it must be repeatable.
        *arguments
            Those that are `Pending` become their results, which travel from worker to worker.
        name : str
            Of this kind of task, for people who watch the cluster.
        near : Pending, optional
            The new task goes to the worker that has the result of this one, if it is done and its worker still lives.
        place : int, optional
            Tasks with the same number go to the same worker if possible, as they use the same files. A task with either
            continues what was begun, and goes before others.
        """

    @abstractmethod
    def share(self, value: Result) -> Pending[Result]:
        """Give a value, such as models, to the cluster: each worker that needs it gets it once."""


class Kept(Generic[Value]):
    """Values by key, of which a process keeps those that were used last; several threads may use it.

    Parameters
    ----------
    most : int
        Values that are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[object, Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: object, make: Callable[[], Value]) -> Value:
        """Return the value of a key; it is made if need be, perhaps by several threads at the same time."""
        with self._lock:
            known = self._values.get(key)
        value = make() if known is None else known
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        return value


#: Threads, one for each core if it is None, or a cluster.
Workers: TypeAlias = "int | Cluster | None"


def map_images(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    n_workers: Workers = None,
    *,
    parcel: int = 1,
    strict: bool = False,
) -> Iterator[Result | Skipped]:
    """Yield ``work(item)`` for each item, in order; a bad image becomes a `Skipped` and the run goes on.

    Parameters
    ----------
    work : callable
        Called from several threads. For a cluster it, the items and the results can be pickled.
    items : iterable
        Taken a few at a time, so it may be endless.
    n_workers : int or Cluster, optional
        Threads, one for each core by default, or a cluster. The results do not depend on it.
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
    if parcel < 1:
        raise ConfigError(f"a parcel must have 1 item or more, not {parcel}")
    if isinstance(n_workers, Cluster):
        yield from _map_on_cluster(work, items, n_workers, max(parcel, _FAR_PARCEL), strict)
        return
    count = n_workers if n_workers is not None else (os.cpu_count() or 1)
    if count < 1:
        raise ConfigError(f"the number of workers must be 1 or more, not {count}")
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


@contextmanager
def temporary_folder(prefix: str, n_workers: Workers) -> Iterator[Path]:
    """Yield a new folder that all workers reach, and delete it at the end.

    Raises
    ------
    ConfigError
        If the workers are those of a cluster that has no folder for temporary files.
    """
    place = None
    if isinstance(n_workers, Cluster):
        place = n_workers.shared_folder
        if place is None:
            raise ConfigError(
                "the workers of a cluster need a folder for temporary files that all of them reach under one path: "
                "--shared-folder DIR"
            )
    with tempfile.TemporaryDirectory(prefix=prefix, dir=place) as folder:
        yield Path(folder)


def in_order(started: Iterable[Pending[Result]], cluster: Cluster, ahead: int = _AHEAD) -> Iterator[Result]:
    """Yield the results of tasks in order; a few for each worker are started before they are needed.

    Parameters
    ----------
    started : iterable of Pending
        Starts a task whenever it is asked for the next one.
    cluster : Cluster
    ahead : int
        Tasks under way for each thread of the cluster.
    """
    pending: deque[Pending[Result]] = deque()
    try:
        for task in started:
            pending.append(task)
            if len(pending) >= max(1, cluster.n_threads) * ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for task in pending:
            task.cancel()


@dataclass(frozen=True, slots=True)
class FarPath(os.PathLike[str]):
    """A path as the workers of a cluster reach it, whatever folder they are in; it is shown as it was given."""

    absolute: str
    given: str

    def __fspath__(self) -> str:
        return self.absolute

    def __str__(self) -> str:
        return self.given


def far(item: Any) -> Any:
    """Return an item as the workers of a cluster can use it: of a relative path, a `FarPath`."""
    if isinstance(item, str | os.PathLike) and not isinstance(item, FarPath):
        name = os.fsdecode(item)
        if not is_url(name) and not os.path.isabs(name):  # noqa: PTH117 - also of names that Path would change
            # without leaving out what is before a "..", which may be a link
            return FarPath(os.path.join(os.getcwd(), name), name)  # noqa: PTH109, PTH118 - Path would change names
    return item


def task_name(work: Callable[..., Any]) -> str:
    """Return the name of a function as that of a task."""
    function = getattr(work, "func", work)
    return str(getattr(function, "__name__", type(function).__name__)).strip("_").replace("_", "-")


def _map_on_cluster(
    work: Callable[[Item], Result], items: Iterable[Item], cluster: Cluster, parcel: int, strict: bool
) -> Iterator[Result | Skipped]:
    shared, waiting = cluster.share(work), map(far, items)
    tasks = (
        cluster.start(_attempt_all, shared, some, name=task_name(work))
        for some in iter(lambda: list(islice(waiting, parcel)), [])
    )
    for done in in_order(tasks, cluster):
        yield from _unpacked(done, strict)


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


def _attempt_all(
    work: Callable[[Item], Result], items: Iterable[Item], stopped: threading.Event | None = None
) -> _Done[Result]:
    results: list[Result | Skipped] = []
    for item in items:
        if stopped is not None and stopped.is_set():
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
