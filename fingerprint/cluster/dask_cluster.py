"""Giving tasks to a Dask cluster that is connected."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from fingerprint.errors import ClusterError
from fingerprint.version import __version__
from fingerprint.workers import Cluster, Pending

if TYPE_CHECKING:
    from distributed import Client, Future

Result = TypeVar("Result")

_log = logging.getLogger(__name__)
_COUNTED_AGAIN = 2.0  # seconds after which the threads of the cluster are counted again
_LOOKED_AFTER = 5.0  # seconds that a result is waited for until it is asked whether there are workers


class DaskCluster(Cluster):
    """A cluster that a Dask client is connected to.

    Parameters
    ----------
    client : distributed.Client
    shared_folder : Path, optional
    """

    def __init__(self, client: Client, shared_folder: Path | None) -> None:
        self._client = client
        self._shared_folder = shared_folder
        self._lock = threading.Lock()
        self._counted = 0.0
        self._threads: dict[str, int] = {}
        self._warned = False

    @property
    def n_threads(self) -> int:
        """Tasks that may run at the same time; it changes as workers come and go."""
        return sum(self._nthreads().values())

    @property
    def shared_folder(self) -> Path | None:
        """Folder for temporary files that all workers reach."""
        return self._shared_folder

    def start(
        self,
        work: Callable[..., Result],
        *arguments: object,
        name: str,
        near: Pending[Any] | None = None,
        place: int | None = None,
    ) -> Pending[Result]:
        """Start a task, see `fingerprint.workers.Cluster.start`."""
        given = [item.future if isinstance(item, _Task) else item for item in arguments]
        worker = (
            self._worker_of(near) if isinstance(near, _Task) else None if place is None else self._worker_for(place)
        )
        try:
            future = self._client.submit(
                _run,
                __version__,
                work,
                *given,
                key=f"{name}-{uuid.uuid4().hex}",
                pure=False,
                workers=worker,
                allow_other_workers=worker is not None,
                priority=int(near is not None or place is not None),
            )
        except (RuntimeError, OSError) as error:  # the client was closed: the scheduler is gone
            raise _lost(error) from error
        return _Task(future, self._nthreads)

    def share(self, value: Result) -> Pending[Result]:
        """Give a value to the cluster, see `fingerprint.workers.Cluster.share`.

        It stays with the scheduler, from which a worker gets it again if all that had it have died.
        """
        return self.start(_itself, value, name="shared")

    def _nthreads(self) -> dict[str, int]:
        with self._lock:
            if time.monotonic() - self._counted > _COUNTED_AGAIN:
                self._threads = dict(_answer(self._client.nthreads))
                self._counted = time.monotonic()
                if not self._threads and not self._warned:
                    _log.warning("the cluster has no workers left; waiting for some")
                self._warned = not self._threads
            return self._threads

    def _worker_of(self, task: _Task[Any]) -> str | None:
        """Return a worker that has the result of a task, if it is done."""
        if task.future.done() and task.worker not in self._nthreads():
            (found,) = _answer(lambda: self._client.who_has([task.future])).values()
            task.worker = min(found, default=None)
        return task.worker

    def _worker_for(self, place: int) -> str | None:
        """Return the worker for a place; when workers come or go, only their places move (rendezvous hashing)."""

        def rank(address: str) -> bytes:
            return blake2b(f"{place} {address}".encode(), digest_size=8).digest()

        return max(self._nthreads(), key=rank, default=None)


class _Task(Generic[Result]):
    """A task on a Dask cluster."""

    def __init__(self, future: Future[Any], count_workers: Callable[[], object]) -> None:
        self.future = future
        self._count_workers = count_workers
        self.worker: str | None = None  # one that has the result, once that was asked for

    def result(self) -> Result:
        """Wait for the task and return its result, or raise its error."""
        from distributed import CancelledError, KilledWorker
        from distributed.comm.core import CommClosedError

        try:
            found = self._awaited()
        except KilledWorker as error:
            raise ClusterError(
                f"the task {self.future.key} was given to several workers, and each of them died: {error}; look at "
                "their logs, they may have too little memory"
            ) from error
        except (CancelledError, CommClosedError, TimeoutError) as error:
            if self.future.status == "error":  # the task itself has raised it
                raise
            raise _lost(error) from error
        return found

    def _awaited(self) -> Result:
        """Return the result; if it takes long, see whether there are workers at all, which warns if there are none."""
        while True:
            try:
                found: Result = self.future.result(timeout=_LOOKED_AFTER)
            except TimeoutError:
                if self.future.status == "error":  # the task itself has raised it
                    raise
                self._count_workers()
            else:
                return found

    def cancel(self) -> None:
        """Say that the result is not wanted any more."""
        self.future.release()


def _answer(ask: Callable[[], Result]) -> Result:
    """Return what a scheduler answers.

    Raises
    ------
    ClusterError
        If it is gone.
    """
    try:
        return ask()
    except OSError as error:  # a connection that was closed, and a timeout, too
        raise _lost(error) from error


def _lost(error: Exception) -> ClusterError:
    reason = (str(error) or type(error).__name__).split("\n", 1)[0].split("\\n", 1)[0]
    return ClusterError(
        f"the connection to the scheduler was lost ({reason}); what was published before stays: start the scheduler "
        "again, then run the same command"
    )


def _run(wanted: str, work: Callable[..., Result], *arguments: object) -> Result:
    """Do a task in a worker process, if it has the right version: it may have joined since the others were checked."""
    if __version__ != wanted:
        raise ClusterError(
            f"a worker has copyprint {__version__}, the process that gives it work {wanted}; install the same version "
            "on all machines"
        )
    return work(*arguments)


def _itself(value: Result) -> Result:
    return value
