"""What a search costs and finds among a million references: time by stage on one core, memory, disk, recall.

The collection holds the real references of ``DATA/references`` and synthetic ones made from real features, see
`synthetic`. The same queries are asked of a small collection of the real references alone; what counts is how many of
those that find their source there find it among all. ``--work`` keeps the collections (about 22 KB a reference): a
second run with the same settings goes on where the first was interrupted, or measures again without building.
"""

from __future__ import annotations

import argparse
import inspect
import json
import multiprocessing
import os
import platform
import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial, wraps
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
from synthetic import HOW, jitter_cosines, load_pool, make_pool, make_references, save_pool

import fingerprint.index.candidates
import fingerprint.verify
from fingerprint.challenge import read_ground_truth
from fingerprint.config import DEFAULT_CONFIG, description_digest
from fingerprint.describe import describe_query, describe_reference
from fingerprint.folders import find_images
from fingerprint.index import ImageRecord, Store
from fingerprint.index.catalogue import CATALOGUE_NAME, Catalogue
from fingerprint.index.layout import SEGMENTS_NAME
from fingerprint.index.segment import read_manifest, write_segment
from fingerprint.models import Models, load_models
from fingerprint.types import Candidate, Fingerprint, Query, Skipped, Verification
from fingerprint.verify import shortlist, verify
from fingerprint.version import __version__
from fingerprint.vocabulary import measure_background, visit_words
from fingerprint.workers import map_images

ROOT = Path(__file__).parent.parent
N_COLD = 20  # queries that are counted apart: what they read was not in memory
STAGES = ("words", "candidates", "shortlist", "verify")
CONFIG = replace(DEFAULT_CONFIG, keep_local_descriptors=False)  # these pictures are not to be queries
BYTES_PER_REFERENCE = 26_000  # about, to tell in time that the disk is too small
SINGLE_THREADED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
PARTS_OF_INDEX = {
    "inverted file": ("posting_*.npy",),
    "local descriptors": ("local.npy",),
    "signatures and frames": ("signatures.npy", "frames.npy", "offsets.npy"),
    "thumbnails": ("thumbnails.npy",),
    "compact descriptors": ("descriptors.npy",),
    "Annoy's trees": ("descriptors.ann",),
    "hashes and sizes": ("hashes.npy", "sizes.npy"),
    "catalogue and manifests": ("catalogue.sqlite*", "*.json"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--references", type=int, default=1_000_000, help="in total, the real ones among them")
    parser.add_argument("--queries", type=int, default=150, help="that have a source")
    parser.add_argument("--negatives", type=int, default=50, help="queries that have none")
    parser.add_argument("--models", type=Path, help="folder with the models; those of the package by default")
    parser.add_argument("--work", type=Path, required=True, help="folder for the collections, 22 KB a reference")
    parser.add_argument("--block", type=int, default=31_250, help="synthetic references in a segment")
    parser.add_argument("--processes", type=int, default=2, help="that build; the result does not depend on them")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "million.json")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    models = load_models(arguments.models)
    built = build(arguments, models)
    work: Path = arguments.work
    truth = read_ground_truth(arguments.data / "ground_truth.csv")
    positives = [query for query, _ in _spread(truth.pairs, arguments.queries)]
    asked = _mixed(positives, _spread(truth.unmatched_ids, arguments.negatives))
    measured = {}
    os.environ.update(dict.fromkeys(SINGLE_THREADED, "1"))
    for name in ("small", "large"):  # a fresh process each, so that memory is its own
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            task = (work / name, arguments.data, asked, dict(truth.pairs), arguments.models)
            measured[name] = pool.submit(measure, *task).result()
    result = {
        "copyprint": __version__,
        "model_id": models.model_id,
        "calibration_id": models.calibration_id,
        "n_words": len(models.vocabulary.centres),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "command": f"python benchmarks/{' '.join([Path(sys.argv[0]).name, *sys.argv[1:]])}",
        **built,
        "bytes": index_bytes(work / "large", arguments.references),
        "recall": judge(measured["small"]["rows"], measured["large"]["rows"]),
        "small": summary(measured["small"]),
        "large": summary(measured["large"]),
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print_result(result)
    print(f"written to {arguments.out}")


def build(arguments: argparse.Namespace, models: Models) -> dict[str, Any]:
    """Make both collections in the work folder, or what is missing of them, and return how they were made."""
    work: Path = arguments.work
    settings = {
        "references": arguments.references,
        "block": arguments.block,
        "seed": arguments.seed,
        "model_id": models.model_id,
        "features": description_digest(CONFIG),
    }
    begun, done = work / "begun.json", work / "built.json"
    if begun.exists():
        real: dict[str, Any] = json.loads(begun.read_text(encoding="utf-8"))
        if real["settings"] != settings:
            raise SystemExit(f"{work} was begun with {real['settings']}, not {settings}: remove it or name another")
    else:
        real = {"settings": settings, **begin(arguments, models)}
        begun.write_text(json.dumps(real, indent=2) + "\n", encoding="utf-8")
    if done.exists():
        return {**real, **json.loads(done.read_text(encoding="utf-8"))}
    start = time.perf_counter()
    blocks = build_blocks(arguments, real["n_real"])
    wrote = time.perf_counter()
    publish(work / "large", blocks)
    new = [block for block in blocks if not block["was_there"]]
    n_synthetic = sum(len(block["records"]) for block in blocks)
    built = {
        "n_synthetic": n_synthetic,
        "keypoints_of_a_synthetic_reference": round(sum(b["n_keypoints"] for b in blocks) / max(1, n_synthetic), 1),
        "build": {
            "processes": arguments.processes,
            "segments": len(blocks),
            "segments_kept_of_an_earlier_run": len(blocks) - len(new),
            "seconds": round(wrote - start, 1),
            "references_per_second": round(sum(len(b["records"]) for b in new) / max(1e-9, wrote - start), 1),
            "core_seconds_generation": round(sum(b["generation"] for b in new), 1),
            "core_seconds_write_segment": round(sum(b["writing"] for b in new), 1),
            "seconds_publish": round(time.perf_counter() - wrote, 1),
            "peak_memory_of_a_process": max((b["peak_memory"] for b in new), default=0),
        },
    }
    done.write_text(json.dumps(built, indent=2) + "\n", encoding="utf-8")
    return {**real, **built}


def begin(arguments: argparse.Namespace, models: Models) -> dict[str, Any]:
    """Describe the real pictures, make both collections of them and the pool that the others are made from."""
    work: Path = arguments.work
    if work.exists() and any(work.iterdir()):
        raise SystemExit(f"{work} is not empty and not of an earlier run: remove it or name another")
    work.mkdir(parents=True, exist_ok=True)
    if (needed := arguments.references * BYTES_PER_REFERENCE) > (free := shutil.disk_usage(work).free):
        raise SystemExit(f"{work} has {free / 1e9:.1f} GB free, about {needed / 1e9:.1f} GB are needed")
    start = time.perf_counter()
    real = describe_folder(arguments.data / "references", models)
    trained_on = describe_folder(arguments.data / "train", models)
    sources = read_ground_truth(arguments.data / "ground_truth.csv").reference_ids
    pool = make_pool([*trained_on.values(), *(f for name, f in real.items() if name not in sources)])
    save_pool(pool, work / "pool")
    records = [ImageRecord(name, None, None, None, f.width, f.height) for name, f in real.items()]
    for name in ("small", "large"):
        with Store.create(work / name, models, CONFIG) as store:
            store.add(list(real.values()), records)
    cosines = np.percentile(jitter_cosines(pool, arguments.seed), (5, 50, 95))
    return {
        "how": HOW,
        "n_real": len(real),
        "n_pool": len(pool),
        "cosine_of_jittered_descriptors": dict(zip(("p5", "p50", "p95"), cosines.round(3).tolist(), strict=True)),
        "keypoints_of_a_real_reference": round(float(np.mean([len(f.keypoints) for f in real.values()])), 1),
        "seconds_real_pictures": round(time.perf_counter() - start, 1),
    }


def describe_folder(folder: Path, models: Models) -> dict[str, Fingerprint]:
    """Return the fingerprints of a folder's images by name without extension."""
    paths = find_images([folder])[0]
    described = map_images(partial(describe_reference, models=models), paths)
    return {p.stem: f for p, f in zip(paths, described, strict=True) if not isinstance(f, Skipped)}


def build_blocks(arguments: argparse.Namespace, n_real: int) -> list[dict[str, Any]]:
    """Write all synthetic segments, several at a time, and return what is known of each, in order."""
    n_synthetic = max(0, arguments.references - n_real)
    starts = range(0, n_synthetic, arguments.block)
    context = multiprocessing.get_context("spawn")
    start, blocks = time.perf_counter(), []
    with ProcessPoolExecutor(arguments.processes, mp_context=context, max_tasks_per_child=1) as pool:
        counts = [min(arguments.block, n_synthetic - first) for first in starts]
        task = partial(build_block, arguments.work, arguments.models, arguments.seed)
        for block in pool.map(task, range(len(starts)), starts, counts):
            blocks.append(block)
            print(f"segment {len(blocks)} of {len(starts)}, {time.perf_counter() - start:.0f} s", flush=True)
    return blocks


def build_block(
    work: Path, models_folder: Path | None, seed: int, number: int, first: int, count: int
) -> dict[str, Any]:
    """Make the synthetic references of one segment, unless it is there; segment 1 is that of the real ones."""
    folder = work / "large" / SEGMENTS_NAME / f"{number + 2:06d}"
    was_there = folder.exists()
    start = generated = time.process_time()
    if not was_there:
        models = load_models(models_folder)
        shutil.rmtree(folder.with_name(folder.name + ".unfinished"), ignore_errors=True)  # of a run that was killed
        made = make_references(load_pool(work / "pool"), count, (seed, 1, number), models.descriptor, models.model_id)
        fingerprints = list(made)
        generated = time.process_time()
        write_segment(folder, fingerprints, models.vocabulary, CONFIG.annoy, keep_local=False)
    sizes = np.load(folder / "sizes.npy").tolist()
    return {
        "number": number + 2,
        "was_there": was_there,
        "records": [ImageRecord(f"S{first + i:07d}", None, None, None, *size) for i, size in enumerate(sizes)],
        "n_keypoints": read_manifest(folder)["n_keypoints"],
        "generation": generated - start,
        "writing": time.process_time() - generated,
        "peak_memory": memory()["VmHWM"],
    }


def publish(folder: Path, blocks: Sequence[dict[str, Any]]) -> None:
    """Enter segments that are on disk into the catalogue, all in one go."""
    catalogue = Catalogue(folder / CATALOGUE_NAME)
    with catalogue.change():
        for block in blocks:
            catalogue.add_segment(block["number"], block["records"])
    catalogue.close()


def measure(
    folder: Path, data: Path, asked: Sequence[str], truth: dict[str, str], models_folder: Path | None
) -> dict[str, Any]:
    """Ask every query and return a row for each, memory and times by function; meant for a process of its own."""
    cv2.setNumThreads(1)
    models, config = load_models(models_folder), CONFIG
    paths = {path.stem: path for path in find_images([data / "queries"])[0]}
    warm_up(folder.parent / "small", paths[asked[0]], models)  # kernels are compiled now; nothing else is kept
    drop_from_page_cache(folder)
    before, load = memory(), os.getloadavg()
    start = time.perf_counter()
    store = Store.open_existing(folder, models, config)
    seconds = time.perf_counter() - start
    opened = memory()
    clock = Clock()
    clock.watch(fingerprint.index.candidates, fingerprint.verify)
    rows = []
    for name in asked:
        query = describe_query(paths[name], models, config)
        clock.start()
        clock.timed("words", partial(look_up, query, models))  # describe_query did this too; it is part of the search
        candidates = clock.timed("candidates", partial(store.candidates, query))
        chosen = clock.timed("shortlist", partial(shortlist, query, candidates, config))
        found = clock.timed("verify", partial(verify_all, query, chosen, models))
        ranking = sorted(found, key=lambda item: (-item[1].log_odds, item[0]))
        ids, source = [reference_id for reference_id, _ in ranking], truth.get(name)
        rank = ids.index(source) if source in ids else None
        rows.append(
            {
                "query": name,
                "source": source,
                "named": source in {c.reference_id for c in candidates},
                "n_candidates": len(candidates),
                "n_verified": len(chosen),
                "rank": rank,
                "probability": None if rank is None else ranking[rank][1].probability,
                "first": ids[0] if ids else None,
                "first_probability": ranking[0][1].probability if ids else 0.0,
                "n_keypoints": len(query.plain),
                "ms": clock.take(),
            }
        )
    asked_all = memory()
    info = store.info()
    store.close()
    return {
        "rows": rows,
        "open_seconds": round(seconds, 2),
        "memory": {"before opening": before, "opened": opened, "after all queries": asked_all},
        "segments": info.segments,
        "keypoints": info.keypoints,
        "load_average_before_and_after": [round(load[0], 2), round(os.getloadavg()[0], 2)],
    }


def look_up(query: Query, models: Models) -> None:
    """Do again what of `describe_query` belongs to the search rather than to the features."""
    measure_background(visit_words(query.versions, models.vocabulary, CONFIG.match), models, CONFIG.match)


def verify_all(query: Query, chosen: Sequence[Candidate], models: Models) -> list[tuple[str, Verification]]:
    """Compare a query with what is on the shortlist, as `Collection.search_described` does."""
    return [(c.reference_id, verify(query, c.fingerprint, models, CONFIG.match)) for c in chosen]


def warm_up(folder: Path, path: Path, models: Models) -> None:
    """Ask one query of a collection so that everything that is compiled at its first use has been."""
    with Store.open_existing(folder, models, CONFIG) as store:
        query = describe_query(path, models, CONFIG)
        verify_all(query, shortlist(query, store.candidates(query), CONFIG), models)


class Clock:
    """Milliseconds of one query by stage, and within it by function, callees included."""

    def __init__(self) -> None:
        self._spent: dict[str, float] = defaultdict(float)
        self._stage = ""

    def start(self) -> None:
        self._spent.clear()

    def take(self) -> dict[str, float]:
        return {name: round(spent, 4) for name, spent in self._spent.items()}

    def timed(self, stage: str, work: Callable[[], Any]) -> Any:
        self._stage = stage
        start, cpu = time.perf_counter(), time.process_time()
        value = work()
        self._spent[stage] += (time.perf_counter() - start) * 1e3
        self._spent[f"{stage}, core"] += (time.process_time() - cpu) * 1e3
        self._stage = ""
        return value

    def watch(self, *modules: ModuleType) -> None:
        """Time every function that is defined in a module or imported into it, as the module calls it."""
        for module in modules:
            for name, function in list(vars(module).items()):
                if inspect.isfunction(function) and function.__module__.startswith("fingerprint."):
                    setattr(module, name, self._wrapped(name, function))

    def _wrapped(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self._spent[f"{self._stage}: {name}"] += (time.perf_counter() - start) * 1e3

        return wrapper


def memory() -> dict[str, int]:
    """Return resident memory of this process in bytes, in all, mapped from files, its own, and its peak."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    return {name: int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "RssFile", "RssAnon", "VmHWM")}


def drop_from_page_cache(folder: Path) -> None:
    """Ask the system to forget a folder's files, so that the first queries read them from the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            handle = os.open(path, os.O_RDONLY)
            try:
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(handle)


def index_bytes(folder: Path, n_references: int) -> dict[str, dict[str, float]]:
    """Return bytes of the index by part: in all and a reference."""
    total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    parts = {
        part: sum(path.stat().st_size for pattern in patterns for path in folder.rglob(pattern))
        for part, patterns in PARTS_OF_INDEX.items()
    }
    parts |= {"rest": total - sum(parts.values()), "total": total}
    return {part: {"bytes": n, "per_reference": round(n / n_references, 1)} for part, n in parts.items()}


def judge(small: Sequence[dict[str, Any]], large: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what is found in both collections and which share of what the small one finds the large one does."""
    measures: dict[str, Callable[[dict[str, Any]], bool]] = {
        "named": lambda row: bool(row["named"]),
        "verified": lambda row: row["rank"] is not None,
        "first": lambda row: row["rank"] == 0,
        "first_with_half": lambda row: row["rank"] == 0 and row["probability"] >= 0.5,
    }
    pairs = [(s, b) for s, b in zip(small, large, strict=True) if s["source"] is not None]
    outcome: dict[str, Any] = {"n_queries": len(pairs)}
    for name, holds in measures.items():
        of_small = [b for s, b in pairs if holds(s)]
        kept = sum(holds(b) for b in of_small)
        outcome[name] = {
            "small": len(of_small),
            "large": sum(holds(b) for _, b in pairs),
            "still": round(kept / max(1, len(of_small)), 4),
            "lost": [b["query"] for b in of_small if not holds(b)],
        }
    for name, rows in (("small", small), ("large", large)):
        without = [row for row in rows if row["source"] is None]
        outcome[f"false_alarms_{name}"] = {
            "queries_without_source": len(without),
            "probability_half": sum(row["first_probability"] >= 0.5 for row in without),
        }
    return outcome


def summary(measured: dict[str, Any]) -> dict[str, Any]:
    """Return times of the cold and of the other queries, functions by mean time, and the rest as it is."""
    rows = measured["rows"]
    warm = rows[N_COLD:] or rows
    parts = sorted({name for row in warm for name in row["ms"] if ": " in name})
    by_function = {name: round(float(np.mean([row["ms"].get(name, 0.0) for row in warm])), 3) for name in parts}
    return {
        "first_queries_ms": {"queries": len(rows[:N_COLD]), **times(rows[:N_COLD])},
        "ms": {"queries": len(warm), **times(warm)},
        "mean_ms_by_function": dict(sorted(by_function.items(), key=lambda item: -item[1])),
        "mean_candidates": round(float(np.mean([row["n_candidates"] for row in rows])), 1),
        "mean_verified": round(float(np.mean([row["n_verified"] for row in rows])), 1),
        **{key: value for key, value in measured.items() if key != "rows"},
        "rows": [{key: value for key, value in row.items() if key != "ms"} for row in rows],
    }


def times(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return p50, p95 and mean by stage, by the clock on the wall and by the core's."""
    table: dict[str, Any] = {}
    for suffix in ("", ", core"):
        columns = {stage + suffix: [row["ms"][stage + suffix] for row in rows] for stage in STAGES}
        columns["all" + suffix] = [sum(row["ms"][stage + suffix] for stage in STAGES) for row in rows]
        for name, values in columns.items():
            table[name] = {
                "p50": round(float(np.percentile(values, 50)), 2),
                "p95": round(float(np.percentile(values, 95)), 2),
                "mean": round(float(np.mean(values)), 2),
            }
    return table


def _spread(items: Sequence[Any], count: int) -> list[Any]:
    """Return `count` of the items, evenly spaced."""
    chosen = np.unique(np.linspace(0, len(items) - 1, min(count, len(items))).astype(int))
    return [items[i] for i in chosen.tolist()]


def _mixed(positives: Sequence[str], negatives: Sequence[str]) -> list[str]:
    """Return both lists as one in which the shorter is spread evenly over the longer."""
    keyed = [((i + 0.5) / len(part), name) for part in (positives, negatives) for i, name in enumerate(part)]
    return [name for _, name in sorted(keyed)]


def print_result(result: dict[str, Any]) -> None:
    for name in ("small", "large"):
        part = result[name]
        print(f"\n{name}: {part['keypoints']} keypoints, {part['segments']} segments, {part['open_seconds']} s to open")
        for label, key in (("first queries", "first_queries_ms"), ("other queries", "ms")):
            print(f"  {label} ({part[key]['queries']})         p50     p95    mean")
            for stage, row in part[key].items():
                if stage != "queries":
                    print(f"    {stage:24s} {row['p50']:7.1f} {row['p95']:7.1f} {row['mean']:7.1f}")
        for function, spent in list(part["mean_ms_by_function"].items())[:16]:
            print(f"    mean {spent:8.2f} ms in {function}")
        for moment, kinds in part["memory"].items():
            print(f"  {moment}: " + ", ".join(f"{kind} {n / 1e6:.0f} MB" for kind, n in kinds.items()))
    print()
    for part, row in result["bytes"].items():
        print(f"{part:26s} {row['bytes'] / 1e9:8.3f} GB {row['per_reference']:10.1f} bytes a reference")
    print(json.dumps({"build": result["build"], "recall": result["recall"]}, indent=2))


if __name__ == "__main__":
    main()
