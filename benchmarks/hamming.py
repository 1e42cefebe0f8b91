"""Exact search in Hamming space beside Faiss, by turns in one run, one thread each.

Codes are random, and real: pHash and dHash of random crops of the photographs in ``--images``, each decoded once at
128 pixels or somewhat more and cut with sides of at least a half; and PDQ hashes (256 bits, of `pdqhash`) of such
crops. The crops of the last twentieth of the photographs are not stored. Half of the queries are stored codes with 0 to
10 flipped bits, half are unrelated: random for random codes, crops of photographs that are not stored for real ones.

What is timed is queries a second, of the fastest of some rounds, all queries at once and one by one, with
`HammingIndex.nearest` (k = 10) beside `IndexBinaryFlat`, and with `HammingIndex.within` (radius 7 of 64 bits, 31 of
256) beside `IndexBinaryMultiHash`; the Faiss settings are such that it cannot miss any (``nhash`` substrings of ``b``
bits, up to ``nflip`` flipped), and the fastest of them counts. What we find is compared with NumPy for some queries.
The skew of the buckets is the largest bucket, and how many rows are in the bucket of a stored code on average
(``sum(n_b**2) / n``), over those if all buckets were equal.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from _records import RESULTS, SEED, header, write

from fingerprint.hamming import HammingIndex, Neighbours
from fingerprint.hashes import compute_hashes
from fingerprint.images.decode import read_grey
from fingerprint.types import I64, U8, U64

SETTINGS = {64: ((4, 16, 1), (3, 21, 2)), 256: ((16, 16, 1),)}  # of Faiss: nhash, b, nflip; none misses at RADIUS
RADIUS = {64: 7, 256: 31}
RADII = {64: (3, 5, 7, 9, 11), 256: (15, 31, 47)}
K = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, help="folder with photographs for real hashes; none by default")
    parser.add_argument("--work", type=Path, help="folder in which the real hashes are kept for the next run")
    parser.add_argument("--codes", type=int, default=1_000_000, help="random ones and crops; 1,000,000 by default")
    parser.add_argument("--pdq", type=int, default=250_000, help="crops that get a PDQ hash; 250,000 by default")
    parser.add_argument("--queries", type=int, default=1_000)
    parser.add_argument("--checked", type=int, default=40, help="queries that are compared with NumPy")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, default=RESULTS / "hamming.json")
    arguments = parser.parse_args()
    import faiss  # here and below, so that --help needs none

    faiss.omp_set_num_threads(1)
    result: dict[str, Any] = header(arguments.images) | {"faiss": faiss.__version__, "threads": 1, "k": K, "sets": {}}
    for name, stored, queries in all_sets(arguments):
        print(f"{name}: {len(stored)} codes", flush=True)
        result["sets"][name] = measure(stored, queries, arguments)
    write(arguments.json, result)


def all_sets(arguments: argparse.Namespace) -> Iterator[tuple[str, U64, U64]]:
    """Yield name, stored codes and queries."""
    rng = np.random.default_rng(SEED)
    for n_bits in (64, 256):
        stored = rng.integers(0, 2**64, (arguments.codes, n_bits // 64), dtype=np.uint64)
        unrelated = rng.integers(0, 2**64, (arguments.queries // 2, n_bits // 64), dtype=np.uint64)
        yield f"random, {n_bits} bits", stored, make_queries(stored, unrelated, arguments.queries, rng)
    if arguments.images is None:
        return
    hashes = cached(arguments, "hashes", arguments.codes, compute_hashes)
    pdq = cached(arguments, "pdq", arguments.pdq, pdq_hash)
    for name, codes in (("pHash", hashes[:, :1]), ("dHash", hashes[:, 1:2]), ("PDQ", pdq)):
        n = len(codes) - len(codes) // 20  # crops of one photograph lie together
        unrelated = codes[n:][rng.integers(0, len(codes) - n, arguments.queries // 2)]
        stored = np.ascontiguousarray(codes[:n])
        yield name, stored, make_queries(stored, unrelated, arguments.queries, rng)


def make_queries(stored: U64, unrelated: U64, n: int, rng: np.random.Generator) -> U64:
    """Return stored codes with 0 to 10 flipped bits and the unrelated ones, mixed."""
    related = stored[rng.integers(0, len(stored), n - len(unrelated))].copy()
    for code in related:
        for bit in rng.choice(64 * stored.shape[1], int(rng.integers(0, 11)), replace=False).tolist():
            code[bit // 64] ^= np.uint64(1) << np.uint64(bit % 64)
    return np.ascontiguousarray(rng.permutation(np.concatenate([related, unrelated])))


def cached(arguments: argparse.Namespace, name: str, n: int, compute: Callable[[U8], U64]) -> U64:
    """Return hashes of `n` crops of the photographs, an equal number of each, photograph by photograph."""
    path = None if arguments.work is None else arguments.work / f"{name}-{n}.npy"
    if path is not None and path.exists():
        return np.load(path)
    paths = sorted(p for p in arguments.images.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    rng, each, hashes = np.random.default_rng(SEED), -(-n // len(paths)), []
    for photograph in paths:
        grey = read_grey(photograph, at_least=128).pixels
        height, width = grey.shape
        for _ in range(min(each, n - len(hashes))):
            h, w = int(rng.integers((height + 1) // 2, height + 1)), int(rng.integers((width + 1) // 2, width + 1))
            y, x = int(rng.integers(0, height - h + 1)), int(rng.integers(0, width - w + 1))
            hashes.append(compute(grey[y : y + h, x : x + w].copy()))
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, np.stack(hashes))
    return np.stack(hashes)


def pdq_hash(grey: U8) -> U64:
    import pdqhash

    bits, _ = pdqhash.compute(np.repeat(grey[:, :, np.newaxis], 3, axis=2))
    return np.packbits(bits.astype(np.uint8), bitorder="little").view(np.uint64)


def measure(stored: U64, queries: U64, arguments: argparse.Namespace) -> dict[str, Any]:
    """Time everything on one set of codes."""
    import faiss

    n_bits = 64 * stored.shape[1]
    radius, one_by_one = RADIUS[n_bits], queries[:100]
    index = HammingIndex(n_bits)
    started = time.perf_counter()
    index.add(stored)
    built = time.perf_counter() - started
    flat = faiss.IndexBinaryFlat(n_bits)
    flat.add(stored.view(np.uint8))
    hashed = {}
    for n_hash, b, n_flip in SETTINGS[n_bits]:
        hashed[f"nhash={n_hash}, b={b}, nflip={n_flip}"] = its = faiss.IndexBinaryMultiHash(n_bits, n_hash, b)
        its.nflip = n_flip
        its.add(stored.view(np.uint8))
    works: dict[str, tuple[int, Callable[[], Any]]] = {}
    for name, some in (("batch", queries), ("one by one", one_by_one)):
        parts = [some] if name == "batch" else [some[i : i + 1] for i in range(len(some))]
        n = len(some)
        few = parts if name != "batch" else [some[: max(100, n // 5)]]  # Faiss takes the same time for each
        works[f"k={K}, {name}"] = n, lambda p=parts: [index.nearest(q, K) for q in p]
        works[f"k={K}, {name}, scan"] = n, lambda p=parts: [index.nearest(q, K, method="scan") for q in p]
        works[f"k={K}, {name}, Flat"] = (
            sum(map(len, few)),
            lambda p=few: [flat.search(q.view(np.uint8), K) for q in p],
        )
        for r in RADII[n_bits]:
            works[f"radius {r}, {name}"] = n, lambda p=parts, r=r: [index.within(q, r) for q in p]
        for method in ("tables", "scan"):
            works[f"radius {radius}, {name}, {method}"] = (
                n,
                lambda p=parts, m=method: [index.within(q, radius, method=m) for q in p],
            )
        for setting, its in hashed.items():
            works[f"radius {radius}, {name}, MultiHash {setting}"] = (
                n,
                lambda p=parts, i=its: [i.range_search(q.view(np.uint8), radius + 1) for q in p],  # it finds below
            )
    seconds: dict[str, float] = {}
    for _ in range(arguments.rounds):
        for name, (n, work) in works.items():
            start = time.perf_counter()
            work()
            seconds[name] = min(seconds.get(name, np.inf), (time.perf_counter() - start) / n)
    rate = {name: round(1 / value) for name, value in seconds.items()}
    ratios = {}
    for name in ("batch", "one by one"):
        best = max(value for key, value in rate.items() if key.startswith(f"radius {radius}, {name}, MultiHash"))
        ratios[f"k={K}, {name}, to Flat"] = round(rate[f"k={K}, {name}"] / rate[f"k={K}, {name}, Flat"], 1)
        ratios[f"radius {radius}, {name}, to the best MultiHash"] = round(rate[f"radius {radius}, {name}"] / best, 1)
    checked = queries[: arguments.checked]
    recall = {f"k={K}": agreement(index.nearest(checked, K), stored, checked, K, n_bits)} | {
        f"radius {r}": agreement(index.within(checked, r), stored, checked, len(stored), r) for r in RADII[n_bits]
    }
    _, _, rows = next(iter(hashed.values())).range_search(checked.view(np.uint8), radius + 1)
    return {
        "codes": len(stored),
        "queries": len(queries),
        "seconds_to_build": round(built, 2),
        "buckets": skew(stored),
        "queries_per_second": rate,
        "ratios": ratios,
        "equal_to_numpy": recall,
        f"found_by_us_and_by_faiss_within_{radius}": [len(index.within(checked, radius).rows), len(rows)],
    }


def agreement(found: Neighbours, stored: U64, queries: U64, k: int, radius: int) -> float:
    """Return the part of the queries for which rows and distances are exactly those of NumPy."""
    equal = 0
    for q, query in enumerate(queries):
        distances = np.bitwise_count(stored ^ query).sum(axis=1, dtype=np.int64)
        near = np.flatnonzero(distances <= radius)
        near = near[np.argsort(distances[near], kind="stable")][:k]
        rows, its_distances = found.of(q)
        equal += np.array_equal(rows, near) and np.array_equal(its_distances, distances[near])
    return equal / len(queries)


def skew(stored: U64) -> dict[str, Any]:
    """Return how unevenly the substrings of 16 bits fill their buckets, table by table."""
    counts: list[I64] = [np.bincount(column, minlength=65536) for column in stored.view("<u2").T]
    even = len(stored) / 65536
    return {
        "even": round(even, 2),
        "largest": [int(c.max()) for c in counts],
        "of_a_stored_code_over_even": [round(float((c**2).sum() / len(stored) / even), 2) for c in counts],
    }


if __name__ == "__main__":
    main()
