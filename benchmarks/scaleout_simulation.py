"""What large collections would cost on many machines, and how long a query would take: computed, not measured.

What one reference, one query and one task cost comes from `scaleout.json`, how the candidates of a query grow with the
references from `scale.json`. `_scaleout_model` has the arithmetic. Two tables are made:

- ``sizes``: collections of a million to ten thousand million references, in machines of 32 cores and 128 GB that hold
  in memory what a search needs;
- ``latency``: single queries, of which the measured stages are replayed, in 1 to 1,000 parts, each with a worker of its
  own; with all parts of the same size (``grown``), and with one collection divided (``divided``). A share of the
  workers is slow, and each step waits for the slowest.

Assumptions are in ``assumed``: memory, network, and slow workers. The vote of one query by two threads, from 50,000
references on, is counted twice: so many cores were busy at the most.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from _figures.results import Results
from _records import RESULTS, SEED, header, write
from _scaleout_model import Costs, Curve, Network, Replay, Setting, latencies, quantiles, size_for

from fingerprint.collection import cluster_search
from fingerprint.collection.looks import BATCH

SIZES = (10**6, 10**8, 10**9, 10**10)
PARTS = (1, 2, 4, 10, 30, 100, 300, 1000)
DIVIDED = 10**7  # references
CORES = 32
MEMORY = 128e9
FREE = 0.8  # of the memory, for mapped files
PROCESS_MEMORY = 0.5e9  # of each worker's own
ROUND_TRIP_MS = 1.0
SLOW_SHARE, SLOWNESS = 0.01, 5.0
N_QUERIES = 4_000
THREADS, THREADS_FROM = 2, 50_000  # of the vote in scale.json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=N_QUERIES, help="that are simulated")
    parser.add_argument("--out", type=Path, default=RESULTS / "scaleout_simulation.json")
    arguments = parser.parse_args()
    results = Results()
    costs = costs_of(results)
    memory = FREE * MEMORY - CORES * PROCESS_MEMORY
    setting = Setting(CORES, memory, cluster_search._PART_BYTES, BATCH)  # noqa: SLF001 - what the package does
    result = {
        **header(None),
        "data_digest": results["scaleout"]["data_digest"],
        "assumed": {
            "cores": CORES,
            "memory_bytes": MEMORY,
            "memory_bytes_for_mapped_files": memory,
            "part_bytes": setting.part_bytes,
            "queries_a_parcel": setting.parcel,
            "round_trip_ms": ROUND_TRIP_MS,
            "slow_share": SLOW_SHARE,
            "slowness": SLOWNESS,
        },
        "costs": {**asdict(costs)},
        "sizes": [rounded(size_for(n, costs, setting)) for n in SIZES],
        "latency": simulate(results["scaleout"], costs, setting, arguments.queries),
    }
    write(arguments.out, result)


def costs_of(results: Results) -> Costs:
    """Return what was measured, from the results of the benchmarks."""
    measured, scale = results["scaleout"], results["scale"]
    constants, replay = measured["constants"], measured["replay"]
    (several,) = (cost for job, cost in measured["an_item"].items() if job.startswith("search, "))
    n_parts = several["tasks"]["shared"]["number"] - 1  # one is what all tasks share
    looks = float(np.mean(replay["looks"]))
    largest = scale["measured"][max(scale["grown"], key=int)]
    mapped = largest["memory"]["after all queries"]["RssFile"] - largest["memory"]["before opening"]["RssFile"]
    growth = [grown for grown in scale["grown"].values() if grown["to"] > THREADS_FROM]
    mean = {stage: float(np.mean(times)) for stage, times in replay["milliseconds"].items()}
    queries = several["tasks"]["queries"]["bytes_answered"] + several["tasks"]["views"]["bytes_answered"]
    return Costs(
        describe_reference_ms=constants["core_ms_to_describe_a_reference"],
        write_reference_ms=1e3
        * sum(grown["seconds_in_additions"] for grown in growth)
        / sum(grown["to"] - grown["from"] for grown in growth),
        file_bytes=constants["bytes_of_a_file"],
        fingerprint_bytes=constants["bytes_of_a_fingerprint"],
        reference_bytes=largest["bytes"]["total"] / largest["references"],
        mapped_bytes=mapped / largest["references"],
        describe_ms=mean["describe"],
        shortlist_ms=mean["shortlist"],
        verify_ms=mean["verify"],
        candidates=candidates_of(scale),
        looks=looks,
        query_bytes=queries / looks,
        named_bytes=several["tasks"]["name-in-part"]["bytes_answered"] / n_parts / looks,
        task_ms=constants["client_core_ms_a_task"],
        merge_ms=several["client_core_ms"] / n_parts,  # at most: all that the caller does for a query
    )


def candidates_of(scale: dict[str, Any]) -> Curve:
    """Return the core milliseconds of naming candidates, by number of references."""
    sizes = [scale["small"], *(scale["measured"][key] for key in sorted(scale["grown"], key=int))]
    milliseconds = []
    for size in sizes:
        spent = {stage: times["mean"] for stage, times in size["ms"].items()}
        threads = THREADS if size["references"] >= THREADS_FROM else 1
        milliseconds.append(round(spent["descriptors"] + spent["hashes"] + threads * spent["vote"], 2))
    return Curve(tuple(float(size["references"]) for size in sizes), tuple(milliseconds))


def simulate(measured: dict[str, Any], costs: Costs, setting: Setting, n: int) -> dict[str, Any]:
    """Return the quantiles of latency by number of parts, with and without slow workers."""
    replay = Replay.of(measured["replay"])
    here = costs.candidates.at(measured["sizes"]["searched"])
    steady = Network(ROUND_TRIP_MS, costs.task_ms, costs.merge_ms)
    networks = {"steady": steady, "slow": replace(steady, slow_share=SLOW_SHARE, slowness=SLOWNESS)}
    part = setting.part_bytes / costs.reference_bytes
    found: dict[str, Any] = {"part_references": round(part), "divided_references": DIVIDED, "rows": []}
    for parts in PARTS:
        row: dict[str, Any] = {"parts": parts}
        for kind, references in (("grown", part), ("divided", DIVIDED / parts)):
            for name, network in networks.items():
                rng = np.random.default_rng([SEED, parts, kind == "divided", name == "slow"])
                times = costs.candidates.at(references) / here
                row[f"{kind}, {name}"] = quantiles(latencies(replay, parts, times, network, rng, n=n))
        found["rows"].append(row)
    return found


def rounded(numbers: dict[str, float]) -> dict[str, float]:
    """Return numbers with four significant digits, and whole ones as they are."""
    return {n: number if isinstance(number, int) else float(f"{number:.4g}") for n, number in numbers.items()}


if __name__ == "__main__":
    main()
