"""Exact search at the challenge's size beside the bare matrix product, by turns in one run, on all cores.

The vectors are real as far as there are real ones: `challenge describe` describes DATA's queries and references with
the models in use (or ``--descriptors`` names a file that it wrote before). All others are *mixed*: the weighted sum of
the vectors of two or three random pictures of the same half, weights uniform on the simplex, at length 1 again; the
seed is 20210621. So a mixture lies between real vectors, nearer to the others than the vector of an unrelated picture,
and a picture has some hundreds of mixtures about it. That is harder than a million real pictures for anything
approximate, and hard enough on the cut for exact search.

What is timed:

- ``global``: the ``10 * n_q`` nearest of all pairs, `exact_search.global_nearest`, as `challenge evaluate` calls
  it. After every block of queries the bare float32 product of the same queries with a quarter of the references is
  timed, in blocks of the same shape written to the same memory; that time is not counted as ours. ``ratio`` is our
  pairs per second over those of the bare product.
- ``each``: the 10 nearest of each of some queries, `exact_search.nearest`, beside the bare product and Faiss's
  `IndexFlatL2`, by turns; left out of the result where Faiss is not installed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from _records import RESULTS, SEED, header, write

from fingerprint.challenge import read_descriptors
from fingerprint.exact_search import _QUERY_BLOCK, _REFERENCE_BLOCK, global_nearest, nearest
from fingerprint.models import load_models
from fingerprint.tracks import describe_track
from fingerprint.types import F32

QUERIES, REFERENCES = 50_000, 1_000_000
QUICK_QUERIES, QUICK_REFERENCES = 8_192, 100_000
_MIXED_AT_ONCE = 50_000
Value = TypeVar("Value")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_source_options(parser)
    parser.add_argument("--queries", type=int, help=f"{QUERIES} by default")
    parser.add_argument("--references", type=int, help=f"{REFERENCES} by default")
    parser.add_argument("--dim", type=int, help="take so many of the numbers; all by default")
    parser.add_argument("--each", type=int, default=4_096, help="queries that get their own nearest, 0 for none")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_QUERIES} queries, {QUICK_REFERENCES} references")
    parser.add_argument("--json", type=Path, default=RESULTS / "exact_search.json")
    arguments = parser.parse_args()
    n_q = arguments.queries or (QUICK_QUERIES if arguments.quick else QUERIES)
    n_r = arguments.references or (QUICK_REFERENCES if arguments.quick else REFERENCES)
    real = real_descriptors(arguments)
    rng = np.random.default_rng(SEED)
    queries, references = (mixed(half, n, rng, arguments.dim) for half, n in zip(real, (n_q, n_r), strict=True))
    result: dict[str, Any] = header(arguments.data) | {
        "vectors": f"{len(real[0])} real queries and {len(real[1])} real references, the others mixed",
        "queries": n_q,
        "references": n_r,
        "dimensions": queries.shape[1],
    }
    warm = queries[:64]
    nearest(warm, references[:1000], 5)
    global_nearest(warm, references[:1000], 50)
    before = peak_memory()
    result["global"] = time_global(queries, references)
    result["peak_memory"] = {"vectors alone, bytes": before, "all, bytes": peak_memory()}
    if arguments.each:
        result["each"] = time_each(queries[: arguments.each], references)
    write(arguments.json, result)


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """Say where real descriptors come from."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, help="folder with queries/ and references/, which are described")
    source.add_argument("--descriptors", type=Path, help="what `fingerprint challenge describe` wrote of them")
    parser.add_argument("--models", type=Path, help="folder with the models; those of the package by default")


def real_descriptors(arguments: argparse.Namespace) -> tuple[F32, F32]:
    """Return the descriptors of real queries and of real references."""
    if arguments.descriptors is not None:
        found = read_descriptors(arguments.descriptors)
    else:
        models = load_models(arguments.models)
        found, skipped = describe_track(arguments.data / "queries", arguments.data / "references", models=models)
        if skipped:
            raise SystemExit(f"{skipped[0].path}: {skipped[0].reason}")
    return found.query, found.reference


def mixed(real: F32, n: int, rng: np.random.Generator, dimensions: int | None = None) -> F32:
    """Return `n` vectors, the real ones first and as many mixtures of two or three as are needed; see the module."""
    real = np.ascontiguousarray(real[:, :dimensions])
    out = np.empty((n, real.shape[1]), np.float32)
    out[: len(real)] = real[:n]
    for start in range(len(real), n, _MIXED_AT_ONCE):
        part = out[start : start + _MIXED_AT_ONCE]
        weights = rng.dirichlet((1, 1, 1), len(part)).astype(np.float32)
        of_two = rng.random(len(part)) < 0.5
        share = weights[of_two, 0] / (weights[of_two, 0] + weights[of_two, 1])
        weights[of_two] = np.stack([share, 1 - share, np.zeros_like(share)], axis=1)
        part[:] = 0
        for column in range(3):
            part += weights[:, column, None] * real[rng.integers(0, len(real), len(part))]
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return out


def time_global(queries: F32, references: F32) -> dict[str, Any]:
    """Time `global_nearest`, and the bare product between its blocks."""
    ours, bare, bare_pairs, turn = [], 0.0, 0, 0
    start = block_start = time.perf_counter()
    product = Product()

    def between(done: int, total: int) -> None:
        nonlocal bare, bare_pairs, turn, block_start
        ours.append(time.perf_counter() - block_start)
        rows = queries[done - ((done - 1) % _QUERY_BLOCK + 1) : done]
        some = references[turn % 4 * len(references) // 4 : (turn % 4 + 1) * len(references) // 4]
        bare += timed(lambda: product(rows, some))[0]
        bare_pairs += len(rows) * len(some)
        turn += 1
        print(f"{done} of {total} queries, {sum(ours):.1f} s; bare product {bare:.1f} s", file=sys.stderr, flush=True)
        block_start = time.perf_counter()

    n_pairs = 10 * len(queries)
    _, _, distances = global_nearest(queries, references, n_pairs, between)
    ours.append(time.perf_counter() - block_start)  # the last sort
    seconds, pairs = sum(ours), len(queries) * len(references)
    return {
        "pairs": n_pairs,
        "seconds": round(seconds, 2),
        "minutes": round(seconds / 60, 2),
        "pairs_per_second": round(pairs / seconds),
        "bare_product_pairs_per_second": round(bare_pairs / bare),
        "ratio": round(pairs / seconds / (bare_pairs / bare), 3),
        "wall_clock_with_the_bare_products": round(time.perf_counter() - start, 2),
        "largest_squared_distance": float(distances[-1]),
    }


def time_each(queries: F32, references: F32, rounds: int = 2) -> dict[str, Any]:
    """Time the 10 nearest of each query, the bare product and Faiss by turns, and keep the fastest of each."""
    product, spent = Product(), {}
    contestants: dict[str, Callable[[], Any]] = {
        "ours": lambda: nearest(queries, references, 10)[0],
        "bare product": lambda: product(queries, references),
    }
    try:
        import faiss
    except ImportError:
        print("Faiss is not installed: left out", file=sys.stderr)
    else:
        index = faiss.IndexFlatL2(references.shape[1])
        index.add(references)
        contestants["faiss.IndexFlatL2"] = lambda: index.search(queries, 10)[1]
    found = {}
    for _ in range(rounds):
        for name, work in contestants.items():
            seconds, found[name] = timed(work)
            spent[name] = min(spent.get(name, seconds), seconds)
    result: dict[str, Any] = {
        "queries": len(queries),
        "seconds": {name: round(seconds, 3) for name, seconds in spent.items()},
        "ratio_to_bare_product": round(spent["bare product"] / spent["ours"], 3),
    }
    if "faiss.IndexFlatL2" in spent:
        same = found["ours"] == found["faiss.IndexFlatL2"]
        result["ratio_to_faiss"] = round(spent["faiss.IndexFlatL2"] / spent["ours"], 3)
        result["places_that_faiss_fills_alike"] = round(float(same.mean()), 5)
    return result


class Product:
    """The bare float32 product, in blocks of the shape that exact search uses."""

    def __init__(self) -> None:
        self._out = np.empty((_QUERY_BLOCK, _REFERENCE_BLOCK), np.float32)

    def __call__(self, queries: F32, references: F32) -> None:
        n, m = self._out.shape
        for i in range(0, len(queries), n):
            rows = queries[i : i + n]
            for j in range(0, len(references), m):
                columns = references[j : j + m]
                out = self._out.reshape(-1)[: len(rows) * len(columns)].reshape(len(rows), len(columns))
                np.matmul(rows, columns.T, out=out)


def timed(work: Callable[[], Value]) -> tuple[float, Value]:
    start = time.perf_counter()
    value = work()
    return time.perf_counter() - start, value


def peak_memory() -> int:
    """Return the most memory that this process had resident, in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main()
