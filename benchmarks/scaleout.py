"""What a cluster costs and gains: adding, searching and describing by one process, by threads, and on Dask clusters.

Four ways do the same work: one thread (`plain`), a thread for each core (`threads`), and clusters of one and of two
worker processes with one thread each (`local:1`, `local:2`). All clusters are started first, and every way does all
work once before anything is timed, so that neither starting nor the loading of kernels is in the times; both are
written apart. Then all ways take turns, in another order each round, and ratios are taken within a round: other work
on the machine lengthens both of its times. The record has the median of the rounds. What the ways make is compared:
it must be the same, byte for byte. ``apart`` are two processes that know nothing of each other and do half of the work
each: no cluster of two workers on this machine can be faster.

``client`` is the process that asks, which also runs the scheduler of its clusters.

Two files are written: ``scaleout_ways.json`` has the ways and their ratios, ``scaleout.json`` what one picture and one
task cost. With ``--ways-only``, the second stays as it is: on a machine that is slower than usual, ratios say something
and costs do not.

``constants`` has what one reference, one query and one task cost, for `scaleout_simulation`; ``replay`` has the times
of the stages of each query.
"""

from __future__ import annotations

import argparse
import os
import pickle
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import cloudpickle
import cv2
import distributed
import numpy as np
from _apart import JOBS, Apart
from _records import RESULTS, header, write

from fingerprint import create_collection, open_collection
from fingerprint.cluster import connect
from fingerprint.collection import cluster_search
from fingerprint.collection.collection import Collection
from fingerprint.config import DEFAULT_CONFIG
from fingerprint.features.describe import describe_query, describe_reference
from fingerprint.images.find import find_images
from fingerprint.models import Models, load_models
from fingerprint.results import Answer
from fingerprint.tracks import describe_track
from fingerprint.types import Skipped
from fingerprint.workers import Cluster, Pending, Workers, in_order

#: Dask gives its workers one thread for linear algebra; the other ways get the same.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
N_PARTS = 4
N_TASKS = 1_000
N_DESCRIBED = 100
MB = 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with references/ and queries/")
    parser.add_argument("--references", type=int, default=600, help="that are added each time")
    parser.add_argument("--searched", type=int, default=2937, help="references that are searched")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--described", type=int, default=60, help="queries, and twice as many references, of a track")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ways-only", action="store_true", help="write scaleout_ways.json only")
    arguments = parser.parse_args()
    if any(os.environ.get(name) != value for name, value in ONE_THREAD.items()):  # read when NumPy is loaded
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ONE_THREAD})
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory(prefix="scaleout-") as folder, ExitStack() as stack:
        work = Work.prepare(arguments, Path(folder))
        ways, starts = open_ways(stack)
        apart = Apart(stack, work.folder, work.folder / "searched", work.added, work.queries)
        made = {
            **header(arguments.data),
            "distributed": distributed.__version__,
            "sizes": {name: getattr(arguments, name) for name in ("references", "searched", "queries", "described")},
            "rounds": arguments.rounds,
            "seconds_to_start": starts,
        }
        jobs, an_item = measure(work, ways, apart, arguments.rounds)
        costs = {
            "an_item": an_item,
            "constants": {**constants_of_pictures(work), **constants_of_tasks(ways["local:1"])},
            "replay": work.replay(arguments.rounds),
        }
    write(RESULTS / "scaleout_ways.json", {**made, **jobs, "load_average_at_end": round(os.getloadavg()[0], 2)})
    if not arguments.ways_only:
        write(RESULTS / "scaleout.json", {**made, **costs})


@dataclass(slots=True)
class Way:
    """One way to do work, and the Dask client of its cluster if it has one."""

    workers: Workers
    client: Any = None

    def ask(self, function: Callable[..., Any]) -> list[Any]:
        """Call a function in all worker processes."""
        return [] if self.client is None else list(self.client.run(function).values())


def open_ways(stack: ExitStack) -> tuple[dict[str, Way], dict[str, float]]:
    """Return all ways, and the seconds that it took to start the clusters."""
    ways, seconds = {"plain": Way(1), "threads": Way(os.cpu_count())}, {}
    for name in ("local:1", "local:2"):
        start = time.perf_counter()
        cluster: Any = stack.enter_context(connect(name))
        seconds[name] = round(time.perf_counter() - start, 2)
        ways[name] = Way(cluster, cluster._client)  # noqa: SLF001 - no other way to ask workers
    return ways, seconds


@dataclass(slots=True)
class Work:
    """The pictures, the collection that is searched, and what has been found so far."""

    folder: Path
    models: Models
    added: list[Path]
    queries: list[Path]
    collection: Collection
    digests: dict[str, str] = field(default_factory=dict)
    answers: list[list[Answer]] = field(default_factory=list)  # those of each round by one thread
    core_seconds: list[list[float]] = field(default_factory=list)  # of each of these answers

    @classmethod
    def prepare(cls, arguments: argparse.Namespace, folder: Path) -> Work:
        references = find_images([arguments.data / "references"])[0]
        queries = spread(find_images([arguments.data / "queries"])[0], arguments.queries)
        added = spread(references, arguments.references)
        for name, paths, n in (("queries", queries, 1), ("references", added, 2)):
            (folder / name).mkdir()
            for path in spread(paths, n * arguments.described):
                shutil.copy(path, folder / name)
        models = load_models()
        searched = spread(references, arguments.searched)
        storage = replace(DEFAULT_CONFIG.storage, batch=-(-len(searched) // N_PARTS), merge_at_end=False)
        config = replace(DEFAULT_CONFIG, storage=storage)  # a segment for each part
        with create_collection(folder / "searched", models=models, config=config) as made:
            made.add_files(searched)
        return cls(folder, models, added, queries, open_collection(folder / "searched", models=models))

    def jobs(self) -> dict[str, Callable[[Way], str]]:
        """Return the work by name; each returns the digest of what it made."""
        return {
            "index add": self.add,
            "search": self.search,
            f"search, {N_PARTS} parts": self.search_parts,
            "challenge describe": self.describe,
        }

    def add(self, way: Way) -> str:
        place = self.folder / "added"
        with create_collection(place, models=self.models) as made:
            made.add_files(self.added, n_workers=way.workers)
        found = digest(path.read_bytes() for path in sorted(place.glob("segments/**/*")) if path.is_file())
        shutil.rmtree(place)
        return found

    def search(self, way: Way) -> str:
        answers, spent, start = [], [], time.thread_time()
        for answer in self.collection.answer_many(self.queries, n_workers=way.workers):
            if isinstance(answer, Skipped):
                raise SystemExit(f"{answer.path}: {answer.reason}")
            answers.append(answer)
            spent.append(time.thread_time() - start)
            start = time.thread_time()
        if way.workers == 1:
            self.answers.append(answers)
            self.core_seconds.append(spent)
        return digest(repr((a.query, a.matches, a.shared, dict(a.counters))).encode() for a in answers)

    def search_parts(self, way: Way) -> str:
        """Search as if the collection were too large for one worker."""
        whole = cluster_search._PART_BYTES  # noqa: SLF001 - no setting: results do not depend on it
        cluster_search._PART_BYTES = size_of(self.folder / "searched") // N_PARTS  # noqa: SLF001
        try:
            return self.search(way)
        finally:
            cluster_search._PART_BYTES = whole  # noqa: SLF001

    def describe(self, way: Way) -> str:
        found, _ = describe_track(
            self.folder / "queries", self.folder / "references", models=self.models, n_workers=way.workers
        )
        return digest((found.query.tobytes(), found.reference.tobytes()))

    def replay(self, n_rounds: int) -> dict[str, Any]:
        """Return the core milliseconds of each query's stages by one thread, and how repetitions differ.

        A stage has its share of the query's time by the clock.
        """
        rounds = slice(1, 1 + n_rounds)  # the first was the warm-up
        stages = {
            "describe": ("describe",),
            "candidates": ("descriptors", "hashes", "vote"),
            "shortlist": ("shortlist",),
            "verify": ("verify",),
        }
        clock = {
            name: np.array(
                [[sum(a.milliseconds[p] for p in parts) for a in answers] for answers in self.answers[rounds]]
            )
            for name, parts in stages.items()
        }
        cores = 1e3 * np.array(self.core_seconds[rounds])
        usual = np.median(cores, axis=0)
        shares = {name: np.median(spent / sum(clock.values()), axis=0) for name, spent in clock.items()}
        whole = sum(shares.values())  # of medians, so not quite one
        return {
            "milliseconds": {name: (usual * share / whole).round(2).tolist() for name, share in shares.items()},
            "looks": [answer.counters["looks"] for answer in self.answers[0]],
            "noise_percentiles": np.percentile(cores / usual, np.arange(1, 100)).round(3).tolist(),
        }


def measure(work: Work, ways: dict[str, Way], apart: Apart, rounds: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Do all work by all ways, by turns, and return the medians of the rounds, and what one item costs."""
    jobs, names = work.jobs(), list(ways)
    warm_up: dict[str, float] = dict.fromkeys(names, 0.0)
    runs: dict[str, dict[str, list[dict[str, Any]]]] = {job: defaultdict(list) for job in jobs}
    for number in range(-1, rounds):
        for job, do in jobs.items():
            for at in range(len(names)):
                name = names[(at + number) % len(names)]
                if "parts" in job and ways[name].client is None:
                    continue
                found = timed(do, ways[name], work.digests, job.partition(",")[0])
                if number < 0:
                    warm_up[name] += found["seconds"]
                else:
                    runs[job][name].append(found)
                print(f"round {number + 1}, {job}, {name}: {found['seconds']:.1f} s", file=sys.stderr)
            if job in JOBS:
                seconds = apart.seconds(job)
                if number >= 0:
                    runs[job]["apart"].append({"seconds": seconds, "received": Counter()})
                print(f"round {number + 1}, {job}, two processes apart: {seconds:.1f} s", file=sys.stderr)
    costs = counted(work)
    found = {
        "seconds_to_warm_up": {name: round(seconds, 1) for name, seconds in warm_up.items()},
        "jobs": {job: summary(found, runs["search"], sizes_of(costs[job])) for job, found in runs.items()},
    }
    return found, costs


def sizes_of(costs: dict[str, Any]) -> dict[str, float]:
    """Return the bytes of a result of each kind of task."""
    return {name: costs["items"] * task["bytes_answered"] / task["number"] for name, task in costs["tasks"].items()}


def timed(do: Callable[[Way], str], way: Way, digests: dict[str, str], kind: str) -> dict[str, Any]:
    """Do some work, and return what it took here and in the worker processes."""
    way.ask(forget_peak)
    before, cores, start = way.ask(used), time.process_time(), time.perf_counter()
    made = do(way)
    seconds, cores = time.perf_counter() - start, time.process_time() - cores
    after = way.ask(used)
    if digests.setdefault(kind, made) != made:
        raise SystemExit(f"{kind}: another result than that of the first run")
    received: Counter[str] = Counter()
    for a, b in zip(before, after, strict=True):
        received.update(b[1] - a[1])
    return {
        "seconds": seconds,
        "client_core_seconds": cores,
        "worker_core_seconds": sum(b[0] - a[0] for a, b in zip(before, after, strict=True)),
        "received": received,
        "peak_mb": max((peak["VmHWM"] for peak in way.ask(memory)), default=0) / MB,
        "own_mb": max((peak["RssAnon"] for peak in way.ask(memory)), default=0) / MB,
    }


def summary(
    runs: dict[str, list[dict[str, Any]]], searches: dict[str, list[dict[str, Any]]], sizes: dict[str, float]
) -> dict[str, Any]:
    """Return the medians of each way, and the ratios within the rounds.

    `searches` are those in one part; `sizes` are the bytes of a result of each task.
    """

    def ratio(name: str, other: str) -> float:
        others = runs.get(other, searches[other])
        return statistics.median(a["seconds"] / b["seconds"] for a, b in zip(runs[name], others, strict=True))

    found: dict[str, Any] = {
        name: {key: round(statistics.median(run[key] for run in rounds), 2) for key in rounds[0] if key != "received"}
        for name, rounds in runs.items()
    }
    for name, rounds in runs.items():
        travelled = sum(sizes.get(task, 0.0) * n for run in rounds for task, n in run["received"].items())
        found[name]["mb_between_workers"] = round(travelled / len(rounds) / MB, 2)
    found["ratios"] = {
        "local:1 to plain": round(ratio("local:1", "plain"), 3),
        "speed-up of local:2 to local:1": round(1 / ratio("local:2", "local:1"), 3),
        "speed-up of local:2 to plain": round(1 / ratio("local:2", "plain"), 3),
        "local:2 to threads": round(ratio("local:2", "threads"), 3),
    }
    if "apart" in runs:
        found["ratios"]["speed-up of two processes apart to plain"] = round(1 / ratio("apart", "plain"), 3)
    return found


def constants_of_pictures(work: Work) -> dict[str, Any]:
    """Return what one reference and one query cost by themselves."""
    references, queries = spread(work.added, N_DESCRIBED), spread(work.queries, N_DESCRIBED)
    start = time.process_time()
    fingerprints = [describe_reference(path, work.models) for path in references]
    middle = time.process_time()
    for path in queries:
        describe_query(path, work.models)
    end = time.process_time()
    return {
        "core_ms_to_describe_a_reference": round(1e3 * (middle - start) / len(references), 2),
        "core_ms_to_describe_a_query_once": round(1e3 * (end - middle) / len(queries), 2),
        "bytes_of_a_file": mean(path.stat().st_size for path in references),
        "bytes_of_a_fingerprint": mean(len(pickled(one)) for one in fingerprints),
        "bytes_of_a_reference_on_disk": round(size_of(work.folder / "searched") / len(work.collection)),
        "bytes_of_models": len(pickled(work.models)),
    }


def constants_of_tasks(way: Way) -> dict[str, float]:
    """Return what it costs to hand over a task that does nothing: here, which is scheduler and client, and there."""
    cluster = way.workers
    if not isinstance(cluster, Cluster):
        raise TypeError("only a cluster has tasks")
    for _ in in_order((cluster.start(nothing, n, name="nothing") for n in range(100)), cluster, 100):
        pass
    before, cores, start = way.ask(used), time.process_time(), time.perf_counter()
    for _ in in_order((cluster.start(nothing, n, name="nothing") for n in range(N_TASKS)), cluster, 100):
        pass
    seconds, cores, after = time.perf_counter() - start, time.process_time() - cores, way.ask(used)
    there = sum(b[0] - a[0] for a, b in zip(before, after, strict=True))
    start = time.perf_counter()
    for number in range(50):
        cluster.start(nothing, number, name="nothing").result()
    return {
        "ms_a_task": round(1e3 * seconds / N_TASKS, 3),
        "client_core_ms_a_task": round(1e3 * cores / N_TASKS, 3),
        "worker_core_ms_a_task": round(1e3 * there / N_TASKS, 3),
        "ms_from_start_to_result": round(1e3 * (time.perf_counter() - start) / 50, 2),
    }


def counted(work: Work) -> dict[str, dict[str, Any]]:
    """Return for each kind of work how many tasks it is, and what they take and answer."""
    found = {}
    items = {"index add": len(work.added), "challenge describe": len(list(work.folder.glob("[qr]*s/*.*")))}
    for job, do in work.jobs().items():
        counting = CountingCluster()
        start = time.process_time()
        do(Way(counting))
        spent = time.process_time() - start - counting.pickling - sum(t.core_seconds for t in counting.tasks.values())
        n = items.get(job, len(work.queries))
        found[job] = {
            "items": n,
            "client_core_ms": round(1e3 * spent / n, 3),
            "tasks": {
                task: {
                    "number": kind.n,
                    "core_ms": round(1e3 * kind.core_seconds / n, 3),
                    "bytes_asked": round(kind.asked / n),
                    "bytes_answered": round(kind.answered / n),
                }
                for task, kind in sorted(counting.tasks.items())
            },
        }
    return found


@dataclass(slots=True)
class Kind:
    """What tasks of one name cost: bytes from the caller, and of the results."""

    n: int = 0
    core_seconds: float = 0.0
    asked: int = 0
    answered: int = 0


class Done:
    """The result of a task that was done at once."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def result(self) -> Any:
        return self.value

    def cancel(self) -> None:
        return


class CountingCluster(Cluster):
    """Does tasks at once in this process, and counts them and what would travel."""

    n_threads = 1
    shared_folder = None

    def __init__(self) -> None:
        self.tasks: dict[str, Kind] = defaultdict(Kind)
        self.pickling = 0.0
        self._lock = threading.Lock()

    def start(
        self,
        work: Callable[..., Any],
        *arguments: object,
        name: str,
        near: Pending[Any] | None = None,
        place: int | None = None,
    ) -> Done:
        del near, place
        given = [item.value if isinstance(item, Done) else item for item in arguments]
        start = time.thread_time()
        value = work(*given)
        done = time.thread_time()
        asked = len(pickled([item for item in arguments if not isinstance(item, Done)]))
        answered = len(pickled(value))
        with self._lock:
            kind = self.tasks[name]
            kind.n += 1
            kind.core_seconds += done - start
            kind.asked += asked
            kind.answered += answered
            self.pickling += time.thread_time() - done
        return Done(value)

    def share(self, value: Any) -> Done:
        return self.start(same, value, name="shared")


def same(value: Any) -> Any:
    return value


def nothing(number: int) -> int:
    return number


def used(dask_worker: Any) -> tuple[float, Counter[str]]:
    """Return the core seconds that a worker process has used so far, and how many results it has got from others.

    Results are counted by the names of their tasks. Dask's own counters of bytes know those of arrays and text only.
    """
    keys = (key for one in dask_worker.transfer_incoming_log for key in one["keys"])
    return time.process_time(), Counter(key.rpartition("-")[0] for key in keys)


def memory() -> dict[str, int]:
    """Return bytes of memory: the peak, and what is the process's own now."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {name: int(fields[name].split()[0]) * 1024 for name in ("VmHWM", "RssAnon")}


def forget_peak() -> None:
    """Let the peak of memory begin again from what is used now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def spread(paths: Sequence[Path], n: int) -> list[Path]:
    """Return `n` of the paths, evenly spread."""
    return [paths[int(at)] for at in np.linspace(0, len(paths) - 1, min(n, len(paths)))]


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def mean(numbers: Iterator[int]) -> int:
    return round(statistics.mean(numbers))


def pickled(value: object) -> bytes:
    return bytes(cloudpickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL))


def digest(parts: Any) -> str:
    state = blake2b(digest_size=16)
    for part in parts:
        state.update(part)
    return state.hexdigest()


if __name__ == "__main__":
    main()
