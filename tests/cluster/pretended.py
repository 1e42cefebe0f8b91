"""A cluster that is none: tasks are done at once in this process, and all that would travel is pickled."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle

from fingerprint.workers import Cluster, Pending


class Done:
    """The pickled result of a task, or its error."""

    def __init__(self, result: bytes | None, error: Exception | None = None) -> None:
        self.pickled, self.error = result, error

    def result(self) -> Any:
        if self.error is not None:
            raise self.error
        assert self.pickled is not None
        return cloudpickle.loads(self.pickled)

    def cancel(self) -> None:
        return


class PretendedCluster(Cluster):
    """Counts tasks by name; `twice` does each task twice, as if a worker had died after its work."""

    def __init__(self, *, n_threads: int = 2, twice: bool = False, shared_folder: Path | None = None) -> None:
        self.tasks: Counter[str] = Counter()
        self.places: set[int] = set()
        self._n_threads, self._twice, self._shared_folder = n_threads, twice, shared_folder
        self._lock = threading.Lock()

    @property
    def n_threads(self) -> int:
        return self._n_threads

    @property
    def shared_folder(self) -> Path | None:
        return self._shared_folder

    def start(
        self,
        work: Callable[..., Any],
        *arguments: object,
        name: str,
        near: Pending[Any] | None = None,
        place: int | None = None,
    ) -> Any:
        with self._lock:
            self.tasks[name] += 1
            if place is not None:
                self.places.add(place)
        given = [item.pickled if isinstance(item, Done) else cloudpickle.dumps(item) for item in arguments]
        errors = [item.error for item in arguments if isinstance(item, Done) and item.error is not None]
        if errors:
            return Done(None, errors[0])
        work = cloudpickle.loads(cloudpickle.dumps(work))
        try:
            if self._twice:
                work(*map(cloudpickle.loads, given))
            return Done(cloudpickle.dumps(work(*map(cloudpickle.loads, given))))
        except Exception as error:  # noqa: BLE001 - raised where the result is asked for
            return Done(None, error)

    def share(self, value: Any) -> Any:
        return self.start(lambda it: it, value, name="shared")
