"""What a collection of many parts costs on many machines: arithmetic, and a simulation of single queries.

Nothing is measured here. `Costs` has what was measured on one machine; everything else follows from it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

N_STEPS = 3  # of a look at a query in several parts: name candidates, count votes, verify


@dataclass(frozen=True, slots=True)
class Curve:
    """Milliseconds by number of references: straight lines between measured numbers, and beyond the last."""

    references: tuple[float, ...]
    milliseconds: tuple[float, ...]

    def at(self, references: float) -> float:
        """Return the milliseconds at a number of references; the first line is used below the first number, too."""
        at = int(np.clip(np.searchsorted(self.references, references), 1, len(self.references) - 1))
        (x0, x1), (y0, y1) = self.references[at - 1 : at + 1], self.milliseconds[at - 1 : at + 1]
        return max(0.0, y0 + (references - x0) * (y1 - y0) / (x1 - x0))


@dataclass(frozen=True, slots=True)
class Costs:
    """What was measured: core milliseconds, and bytes.

    Attributes
    ----------
    describe_reference_ms, write_reference_ms : float
        Writing includes merging.
    file_bytes, fingerprint_bytes, reference_bytes : float
        Of a picture's file; of a described reference that travels to the worker that writes it; on disk.
    mapped_bytes : float
        Of a reference's files, what a search keeps in memory.
    describe_ms, shortlist_ms, verify_ms : float
        Of a query, all looks together.
    candidates : Curve
        Of a query in one part, all looks together.
    looks : float
        At a query.
    query_bytes : float
        Of a described query, for each look.
    named_bytes : float
        What one part names in one look.
    task_ms : float
        To hand over a task and take its result: the scheduler and the caller.
    merge_ms : float
        Of the caller, to merge what one part names for one query, all looks together.
    """

    describe_reference_ms: float
    write_reference_ms: float
    file_bytes: float
    fingerprint_bytes: float
    reference_bytes: float
    mapped_bytes: float
    describe_ms: float
    shortlist_ms: float
    verify_ms: float
    candidates: Curve
    looks: float
    query_bytes: float
    named_bytes: float
    task_ms: float
    merge_ms: float


@dataclass(frozen=True, slots=True)
class Setting:
    """What a cluster is built of, and how work is divided.

    Attributes
    ----------
    cores : int
        Of a machine; each is a worker.
    memory_bytes : float
        Of a machine that is left for mapped files.
    part_bytes : float
        Of the files of a part of a collection.
    parcel : int
        Queries of a task.
    """

    cores: int
    memory_bytes: float
    part_bytes: float
    parcel: int


def size_for(n_references: int, costs: Costs, setting: Setting) -> dict[str, float]:
    """Return what a number of references needs, and what the machines that hold them in memory can do."""
    machines = max(1, math.ceil(n_references * costs.mapped_bytes / setting.memory_bytes))
    cores = machines * setting.cores
    part = min(n_references, setting.part_bytes / costs.reference_bytes)
    parts = math.ceil(n_references / part)
    build = n_references * (costs.describe_reference_ms + costs.write_reference_ms) / 3.6e6
    core_ms = core_ms_of_a_query(parts, part, costs)
    tasks = tasks_of_a_query(parts, costs, setting.parcel)
    caller_ms = tasks * costs.task_ms + (parts * costs.merge_ms if parts > 1 else 0.0)
    return {
        "references": n_references,
        "disk_bytes": n_references * costs.reference_bytes,
        "memory_bytes": n_references * costs.mapped_bytes,
        "machines": machines,
        "cores": cores,
        "parts": parts,
        "build_core_hours": build,
        "build_hours": build / cores,
        "network_bytes_a_reference": costs.file_bytes + costs.fingerprint_bytes + costs.reference_bytes,
        "core_seconds_a_query": core_ms / 1e3,
        "tasks_a_query": tasks,
        "network_bytes_a_query": bytes_of_a_query(parts, cores, costs),
        "queries_a_second_by_cores": 1e3 * cores / core_ms,
        "queries_a_second_by_caller": 1e3 / caller_ms,
    }


def core_ms_of_a_query(parts: int, references_a_part: float, costs: Costs) -> float:
    """Return the core milliseconds of a query in all parts: verification does not depend on how many there are."""
    return costs.describe_ms + parts * costs.candidates.at(references_a_part) + costs.shortlist_ms + costs.verify_ms


def tasks_of_a_query(parts: int, costs: Costs, parcel: int) -> float:
    """Return the tasks that a query has its share of; in one part they are three, whatever is looked at."""
    return (3 if parts == 1 else 3 + costs.looks * (N_STEPS * parts + 3)) / parcel


def bytes_of_a_query(parts: int, workers: int, costs: Costs) -> float:
    """Return the bytes that travel: the query to each worker for each look, and what parts name, to the caller."""
    if parts == 1:
        return 0.0
    return costs.looks * (min(parts, workers) * costs.query_bytes + parts * costs.named_bytes)


@dataclass(frozen=True, slots=True)
class Replay:
    """Measured queries: core milliseconds of their stages, all looks together, and how repetitions differ."""

    describe: F64
    candidates: F64
    shortlist: F64
    verify: F64
    looks: NDArray[np.int64]
    noise: F64

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Replay:
        stages = {name: np.array(record["milliseconds"][name]) for name in ("describe", "candidates", "shortlist")}
        return cls(
            **stages,
            verify=np.array(record["milliseconds"]["verify"]),
            looks=np.array(record["looks"]),
            noise=np.array(record["noise_percentiles"]),
        )


@dataclass(frozen=True, slots=True)
class Network:
    """What lies between the caller and the parts.

    Attributes
    ----------
    round_trip_ms : float
        Of a task that waits for nothing.
    task_ms : float
        To hand over one task; tasks of a step are handed over one after the other.
    merge_ms : float
        Of the caller for what one part answers, in all looks together.
    slow_share : float
        Of the workers.
    slowness : float
        How many times as long a slow worker takes.
    """

    round_trip_ms: float = 0.0
    task_ms: float = 0.0
    merge_ms: float = 0.0
    slow_share: float = 0.0
    slowness: float = 1.0


def latencies(
    replay: Replay,
    parts: int,
    times_candidates: float,
    network: Network,
    rng: np.random.Generator,
    *,
    n: int,
    shown: tuple[int, int] = (50, 9),
) -> F64:
    """Return the milliseconds of queries that are asked one at a time, of a cluster that has a worker for each part.

    Parameters
    ----------
    replay : Replay
        Queries are drawn from it.
    parts : int
    times_candidates : float
        How many times as long as in the replay naming candidates takes in each part.
    network : Network
    rng : numpy.random.Generator
    n : int
        Queries.
    shown : (int, int)
        Candidates whose votes are counted, and references that are verified, of each look; they lie in as many parts
        at most.
    """
    drawn = rng.integers(len(replay.looks), size=n)
    looks = replay.looks[drawn]
    describe, candidates, shortlist, verify = (
        getattr(replay, name)[drawn] / looks for name in ("describe", "candidates", "shortlist", "verify")
    )
    speed = np.where(rng.random((n, parts)) < network.slow_share, network.slowness, 1.0)  # of each part's worker

    def noise(shape: tuple[int, ...]) -> F64:
        return rng.choice(replay.noise, shape)

    if parts == 1:  # a worker does all looks of a query
        work = (describe + candidates * times_candidates + shortlist + verify) * looks
        alone: F64 = network.round_trip_ms + network.task_ms + work * noise((n,)) * speed[:, 0]
        return alone

    def step(work: F64, among: int) -> F64:
        """Return how long parts take to do a step, until the last has answered."""
        own = work[:, None] * noise((n, among)) * speed[:, :among]
        handed_over = network.task_ms * np.arange(1, among + 1)
        found: F64 = network.round_trip_ms + (handed_over + own).max(axis=1)
        return found

    counted, verified = (min(parts, number) for number in shown)
    total = np.zeros(n)
    for look in range(int(looks.max())):
        spent = network.round_trip_ms + network.task_ms + describe * noise((n,))
        spent += step(candidates * times_candidates, parts) + network.merge_ms * parts / looks
        spent += step(shortlist / counted, counted) + step(verify / verified, verified)
        total += np.where(look < looks, spent, 0.0)
    return total


def quantiles(milliseconds: F64, shares: Sequence[float] = (0.5, 0.95, 0.99)) -> dict[str, float]:
    """Return the median and other quantiles by name, such as p95."""
    return {f"p{100 * share:.0f}": round(float(np.quantile(milliseconds, share)), 1) for share in shares}
