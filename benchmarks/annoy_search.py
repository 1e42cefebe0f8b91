"""What it takes to find the nearest compact descriptors of real pictures: exactly, with Annoy, and with short codes.

Vectors are real, see `_real_vectors.py`: the references and training photographs of DATA and edited copies of the
latter, of compact descriptors; and the learned vectors that come with DATA, which are fewer. Queries are all of DATA's.
What is counted of each way, for a query alone:

- ``share_of_10``: the mean part of the true 10 nearest that it names;
- ``sources_of_10``: of the queries with a source among the references, the part whose source is among the 10. That is
  what a source of candidates is for;
- ``ratio_to_exact``: its median time over that of `exact_search.nearest_to_one`, both of one core's own time
  (`time.thread_time`), by turns, query by query.

The ways:

- ``annoy``: trees as segments have them, with every ``search_k`` of a geometric range;
- ``codes``: `index.packed_vectors.nearest_by_codes`, as collections do it: a code of one bit for each number of the
  vector, its sign. All codes are compared by Hamming distance, then the vectors of the nearest ``kept``, in 8 bits
  a number. Not for the learned vectors, which have more numbers than the kernel takes;
- ``signs``: the same with float32 vectors, less the mean of the references and turned by a random rotation before the
  signs are taken: the first step of RaBitQ (Gao and Long, SIGMOD 2024);
- ``8 bits``: all compared by `exact_search.nearest_packed_to_one`, packed by `features.descriptor.pack_descriptors`.

``annoy, as shipped`` and ``codes, as shipped`` are with the settings that ship.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from _real_vectors import COPIES, RealVectors, learned_vectors, real_vectors
from _records import RESULTS, SEED, header, write

from fingerprint.config import DEFAULT_CONFIG, MAX_DESCRIPTOR_DIMENSION
from fingerprint.exact_search import nearest, nearest_packed_to_one, nearest_to_one
from fingerprint.features.descriptor import PACKED_STEP, pack_descriptors
from fingerprint.index.annoy_trees import METRIC, Trees, build_trees, inspected
from fingerprint.index.packed_vectors import PackedVectors, nearest_by_codes, sign_codes
from fingerprint.kernels.bits import popcount
from fingerprint.kernels.compiled import njit
from fingerprint.types import F32, I64, U64

K = 10
SIZES = (5_000, 10_000)  # and all that there are
TREES = (10, 20, 50)
KEPT = (20, 50, 100, 200, 500)
ENOUGH = 0.97  # share at which search_k is not raised any more
Way: TypeAlias = Callable[[F32], I64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, help="folder to keep the vectors in, which take long to describe")
    parser.add_argument("--copies", type=int, default=COPIES, help="edited copies of each training photograph")
    parser.add_argument("--json", type=Path, default=RESULTS / "annoy_search.json")
    arguments = parser.parse_args()
    compact, learned = real_vectors(arguments.data, arguments.work, arguments.copies), learned_vectors(arguments.data)
    result: dict[str, Any] = header(arguments.data) | {
        "annoy": version("annoy"),
        "queries": len(compact.queries),
        "copies": int((compact.sources >= 0).sum()),
        "compact": {},
        "learned": {},
    }
    n = len(compact.references)
    for name, vectors, sizes in (
        ("compact", compact, sorted({*(size for size in SIZES if size < n), n})),
        ("learned", learned, [len(learned.references)]),
    ):
        for size in sizes:
            result[name][str(size)] = measure(replace(vectors, references=vectors.references[:size]))
            write(arguments.json, result, show=False)  # what is there when a longer run ends early


def measure(vectors: RealVectors) -> dict[str, Any]:
    """Measure one size."""
    truth = nearest(vectors.queries, vectors.references, K)[0]
    rows: list[dict[str, Any]] = []

    def add(way: str, find: Way, **settings: float) -> float:
        rows.append({"way": way, **settings, **ask(find, vectors, truth)})
        print(f"{len(vectors.references)} references: {rows[-1]}", file=sys.stderr, flush=True)
        return float(rows[-1]["share_of_10"])

    builds = []
    for n_trees in TREES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "trees.ann"
            start = time.process_time()  # Annoy builds in threads of its own
            build_trees(vectors.references, path, replace(DEFAULT_CONFIG.annoy, n_trees=n_trees))
            seconds, n_bytes = time.process_time() - start, path.stat().st_size
            builds.append(
                {
                    "n_trees": n_trees,
                    "build_core_seconds": round(seconds, 2),
                    "bytes_a_reference": round(n_bytes / len(vectors.references)),
                }
            )
            trees = Trees(path, vectors.references.shape[1], len(vectors.references), {"metric": METRIC})
            if n_trees == DEFAULT_CONFIG.annoy.n_trees:
                search_k = inspected(len(vectors.references), K, DEFAULT_CONFIG.annoy)
                add("annoy, as shipped", by_trees(trees, vectors, search_k), n_trees=n_trees, search_k=search_k)
            search_k = 100
            while search_k <= 2 * len(vectors.references):
                if add("annoy", by_trees(trees, vectors, search_k), n_trees=n_trees, search_k=search_k) >= ENOUGH:
                    break
                search_k *= 2
            trees.close()
    rotation = np.linalg.qr(np.random.default_rng(SEED).normal(size=(vectors.references.shape[1],) * 2))[0]
    signs = Signs(vectors.references, rotation.astype(np.float32))
    for kept in KEPT:
        add("signs", ranked_again(signs.distances, vectors, kept), kept=kept)
    packed = pack_descriptors(vectors.references)
    if vectors.references.shape[1] <= MAX_DESCRIPTOR_DIMENSION:
        codes = sign_codes(packed)
        codes.setflags(write=False)
        shipped = replace(DEFAULT_CONFIG.candidates, codes_from=1).kept_by_codes(len(packed))
        for way, kept in (("codes, as shipped", shipped), *(("codes", kept) for kept in KEPT)):
            add(way, partial(by_codes, PackedVectors(packed), codes, kept), kept=kept)
    add("8 bits", lambda query: nearest_packed_to_one(query, packed, PACKED_STEP, K)[0])
    return {
        "dimensions": vectors.references.shape[1],
        "exact_ms": round(float(np.median([row["exact_ms"] for row in rows])), 3),
        "exact_sources_of_10": with_source(truth, vectors.sources),
        "trees": builds,
        "searches": rows,
    }


def by_trees(trees: Trees, vectors: RealVectors, search_k: int) -> Way:
    """Return a way that does what a collection does: Annoy, then the distances of what it named."""

    def find(query: F32) -> I64:
        rows = np.sort(trees.nearest(query, K, search_k)[0])
        return rows[nearest_to_one(query, vectors.references[rows], len(rows))[0]]

    return find


def by_codes(vectors: PackedVectors, codes: U64, kept: int, query: F32) -> I64:
    """Find as a collection does it."""
    return nearest_by_codes(query, vectors, codes, K, kept)[0]


def ranked_again(rough: Callable[[F32], Any], vectors: RealVectors, kept: int) -> Way:
    """Return a way that compares the `kept` nearest by a rough distance by their vectors."""

    def find(query: F32) -> I64:
        rows = np.sort(np.argpartition(rough(query), kept)[:kept])
        return rows[nearest_to_one(query, vectors.references[rows], K)[0][:K]]

    return find


class Signs:
    """Codes of one bit for each number of rotated vectors."""

    def __init__(self, references: F32, rotation: F32) -> None:
        self._rotation, self._mean = rotation, references.mean(axis=0)
        self._codes = self._code(references)
        self._out = np.empty(len(references), np.int32)

    def _code(self, vectors: F32) -> Any:
        return sign_codes((vectors - self._mean) @ self._rotation)

    def distances(self, query: F32) -> Any:
        hamming_to_all(self._codes, self._code(query[np.newaxis])[0], self._out)
        return self._out


@njit(cache=True, nogil=True)
def hamming_to_all(codes, code, out):  # type: ignore[no-untyped-def]
    """Write Hamming distances: uint64 (n, w), uint64 (w,), int32 (n,)."""
    for i in range(codes.shape[0]):
        total = np.uint64(0)
        for word in range(codes.shape[1]):
            total += popcount(codes[i, word] ^ code[word])
        out[i] = total


def ask(find: Way, vectors: RealVectors, truth: I64) -> dict[str, float]:
    """Return what a way finds, and its median time beside that of exact search, by turns."""
    find(vectors.queries[0])  # compiles
    nearest_to_one(vectors.queries[0], vectors.references, K)
    named, spent, exactly = np.full(truth.shape, -1), [], []
    for number, query in enumerate(vectors.queries):
        start = time.thread_time()
        rows = find(query)[:K]
        middle = time.thread_time()
        if number % 4 == 0:
            nearest_to_one(query, vectors.references, K)
            exactly.append(time.thread_time() - middle)
        spent.append(middle - start)
        named[number, : len(rows)] = rows
    hits = sum(len(set(a) & set(b)) for a, b in zip(named.tolist(), truth.tolist(), strict=True))
    one, other = float(np.median(spent)), float(np.median(exactly))
    return {
        "share_of_10": round(hits / truth.size, 4),
        "sources_of_10": with_source(named, vectors.sources),
        "ms": round(one * 1e3, 4),
        "exact_ms": round(other * 1e3, 4),
        "ratio_to_exact": round(one / other, 3),
    }


def with_source(named: I64, sources: I64) -> float:
    """Return the part of the queries with a source that have it among what was named."""
    known = sources >= 0
    return round(float((named[known] == sources[known, np.newaxis]).any(axis=1).mean()), 4)


if __name__ == "__main__":
    main()
