"""Annoy beside exact search on compact descriptors: recall@10, queries per second, and where each is the faster one.

References are the real ones of DATA and mixtures of them, as `exact_search.py` makes them and says why; queries are the
descriptors of DATA's real queries, edited copies for the most part, spread over all of them. For every size and number
of trees an index is built by `fingerprint.index.annoy_trees`, as segments are, and asked with every ``search_k`` of a
geometric range, until recall is 0.99 or ``search_k`` has passed the size. ``recall_at_10`` is the mean part of the true
10 nearest, by `exact_search.nearest`, that Annoy names; it says nothing of whether a copy's source is among them.

Beside it is timed, of each size,

- ``exact, one query``: `exact_search.nearest_to_one`, by turns with Annoy, query by query: ``ratio_to_exact`` is
  Annoy's median time over that of exact search in the same turns. Both use one core, and what is counted is that core's
  time (`time.thread_time`), so that others on the machine count as little as can be;
- ``exact, batch``: `exact_search.nearest` for 1,000 queries at once, on all cores: wall clock, the faster of two.

``fit`` is the least ``search_k`` by size and number of trees at which recall@10 is 0.95 or more, taken between two
measured ones on a logarithmic scale, and the milliseconds and the ratio that go with it; "none" where no ``search_k``
gets there.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from _records import RESULTS, SEED, header, write
from exact_search import add_source_options, mixed, real_descriptors, timed

from fingerprint.config import DEFAULT_CONFIG
from fingerprint.exact_search import nearest, nearest_to_one
from fingerprint.index.annoy_trees import METRIC, Trees, build_trees
from fingerprint.types import F32, I64

K = 10
BATCH = 1_000
MOST_READ = 20_000_000  # references that exact search reads for one point
ENOUGH, TARGET = 0.99, 0.95
#: Trees that are tried, by number of references.
GRID = {10_000: (16, 50, 100), 100_000: (16, 50, 100), 1_000_000: (20, 50)}
QUICK_GRID = {2_000: (20, 50), 10_000: (20, 50)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_source_options(parser)
    parser.add_argument("--sizes", type=int, nargs="+", help=f"by default {list(GRID)}")
    parser.add_argument("--trees", type=int, nargs="+", help="numbers of trees, the same for all sizes")
    parser.add_argument("--queries", type=int, default=200, help="real queries that are asked")
    parser.add_argument("--quick", action="store_true", help="small sizes and few trees")
    parser.add_argument("--json", type=Path, default=RESULTS / "annoy_search.json")
    arguments = parser.parse_args()
    real_queries, real_references = real_descriptors(arguments)
    asked = real_queries[np.linspace(0, len(real_queries) - 1, arguments.queries).astype(np.int64)]
    grid = QUICK_GRID if arguments.quick else GRID
    sizes = arguments.sizes or list(grid)
    result: dict[str, Any] = header() | {
        "annoy": version("annoy"),
        "vectors": f"{len(asked)} real queries; {len(real_references)} real references, the others mixed",
        "dimensions": real_references.shape[1],
        "target_recall_at_10": TARGET,
        "sizes": {},
    }
    for size in sizes:
        references = mixed(real_references, size, np.random.default_rng(SEED))
        trees = arguments.trees or grid.get(size, (20, 50))
        result["sizes"][str(size)] = measure(references, asked, real_queries, trees)
        write(arguments.json, result)  # what is there when a longer run ends early


def measure(references: F32, asked: F32, real_queries: F32, tree_counts: tuple[int, ...]) -> dict[str, Any]:
    """Measure one size."""
    batch = mixed(real_queries, BATCH, np.random.default_rng(SEED))
    truth = nearest(asked, references, K)[0]
    nearest_to_one(asked[0], references, K)  # compiles
    many = min(timed(lambda: nearest(batch, references, K))[0] for _ in range(2))
    by_trees = [measure_trees(references, asked, truth, n_trees) for n_trees in tree_counts]
    one = [row["exact_ms_a_query"] for of_trees in by_trees for row in of_trees["searches"]]
    return {
        "exact, one query": costs(float(np.median(one)) / 1e3),
        f"exact, batch of {BATCH}": costs(many / BATCH),
        "annoy": by_trees,
    }


def measure_trees(references: F32, asked: F32, truth: I64, n_trees: int) -> dict[str, Any]:
    """Build trees and ask them with rising search_k."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trees.ann"
        config = dataclasses.replace(DEFAULT_CONFIG.annoy, n_trees=n_trees)
        start = time.process_time()  # Annoy builds in threads of its own
        build_trees(references, path, config)
        seconds, n_bytes = time.process_time() - start, path.stat().st_size
        trees = Trees(path, references.shape[1], len(references), {"metric": METRIC})
        rows: list[dict[str, Any]] = []
        search_k = 1_000
        while not rows or (rows[-1]["recall_at_10"] < ENOUGH and search_k <= 4 * len(references)):
            rows.append({"search_k": search_k} | ask(trees, references, asked, truth, search_k))
            print(f"{len(references)} references, {n_trees} trees: {rows[-1]}", file=sys.stderr, flush=True)
            search_k *= 2
        trees.close()
    return {
        "n_trees": n_trees,
        "build_core_seconds": round(seconds, 1),
        "bytes_beyond_vectors": n_bytes - references.nbytes,
        "searches": rows,
        "fit": fit(rows),
    }


def ask(trees: Trees, references: F32, asked: F32, truth: I64, search_k: int) -> dict[str, float]:
    """Return recall and the median times of Annoy and of exact search, which every so many queries has its turn."""
    every = max(1, len(asked) * len(references) // MOST_READ)
    hits, by_annoy, exactly = 0, [], []
    for number, (query, wanted) in enumerate(zip(asked, truth.tolist(), strict=True)):
        start = time.thread_time()
        rows = trees.nearest(query, K, search_k)[0]
        by_annoy.append(time.thread_time() - start)
        hits += len(set(rows.tolist()) & set(wanted))
        if number % every == 0:
            start = time.thread_time()
            nearest_to_one(query, references, K)
            exactly.append(time.thread_time() - start)
    one, other = float(np.median(by_annoy)), float(np.median(exactly))
    return {
        "recall_at_10": round(hits / truth.size, 4),
        **costs(one),
        "exact_ms_a_query": round(other * 1e3, 4),
        "ratio_to_exact": round(one / other, 3),
    }


def costs(seconds: float) -> dict[str, float]:
    return {"ms_a_query": round(seconds * 1e3, 4), "queries_per_second": round(1 / seconds, 1)}


def fit(rows: list[dict[str, Any]]) -> dict[str, float] | str:
    """Return where recall gets to the target, between two measured points."""
    above = next((i for i, row in enumerate(rows) if row["recall_at_10"] >= TARGET), None)
    if above is None:
        return "none"
    high, low = rows[above], rows[max(0, above - 1)]
    rise = high["recall_at_10"] - low["recall_at_10"]
    part = (TARGET - low["recall_at_10"]) / rise if rise > 0 else 1.0
    return {
        name: round(float(np.exp(np.log(low[name]) + part * (np.log(high[name]) - np.log(low[name])))), 3)
        for name in ("search_k", "ms_a_query", "ratio_to_exact")
    }


if __name__ == "__main__":
    main()
