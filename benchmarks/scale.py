"""What a collection costs as it grows to a million references: bytes, build rate, open time, memory, latency, recall.

The collection holds the real references of ``DATA/references`` and synthetic ones made from real features, see
`synthetic`; it is grown as a user grows it, a thousand at a time, and kept as it was at each of the sizes; then all
sizes are measured one after the other. The same queries are asked of a small collection of the real references alone;
what counts is how many of those that find their source there find it among all. At the last size a thousand references
are added a few times, removed again, and everything is compacted. ``--work`` keeps the collections (about 21 KB a
reference, twice that while they are compacted): a run that was interrupted goes on from there.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from _records import RESULTS, command_line, digest_of, write
from reliability import can_plot
from synthetic import HOW, load_pool, make_pool, make_references, save_pool

from fingerprint import open_collection
from fingerprint.challenge import read_ground_truth
from fingerprint.config import DEFAULT_CONFIG
from fingerprint.features.describe import describe_query, describe_reference
from fingerprint.images.find import find_images
from fingerprint.index import ImageRecord, Writer, check_store
from fingerprint.models import Models, load_models
from fingerprint.results import Answer
from fingerprint.types import Fingerprint, Skipped
from fingerprint.version import __version__
from fingerprint.workers import map_images

STEP = 1_000  # references added at a time
N_COLD = 20  # queries that are counted apart: what they read was not in memory
#: Those of `fingerprint.results.Answer`; the kept results have the second to the fourth together as "candidates".
STAGES = ("describe", "descriptors", "hashes", "vote", "shortlist", "verify")
SINGLE_THREADED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
PARTS = {
    "inverted file": ("posting_*.npy",),
    "signatures and frames": ("signatures.npy", "frames.npy", "offsets.npy"),
    "thumbnails": ("thumbnails.npy", "thumbnail_offsets.npy"),
    "compact descriptors": ("descriptors.npy", "descriptors.ann"),
    "hashes and sizes": ("hashes.npy", "sizes.npy"),
    "ids, catalogue, manifests": ("id*.npy", "catalogue.sqlite*", "*.json"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--queries", type=int, default=150, help="that have a source")
    parser.add_argument("--negatives", type=int, default=50, help="queries that have none")
    parser.add_argument("--work", type=Path, required=True, help="folder for the collections")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-compact", action="store_true", help="leave the last step out")
    parser.add_argument("--out", type=Path, default=RESULTS / "scale.json")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    os.environ.update(dict.fromkeys(SINGLE_THREADED, "1"))
    models = load_models()
    notes = Notes(arguments.work / "notes.json")
    if not notes.known("begun"):
        begin(arguments, models, notes)
    truth = read_ground_truth(arguments.data / "ground_truth.csv")
    positives = [query for query, _ in _spread(truth.pairs, arguments.queries)]
    asked = _mixed(positives, _spread(truth.unmatched_ids, arguments.negatives))
    work: Path = arguments.work
    large, last = work / "large", max(arguments.sizes)
    ask = partial(in_a_process, measure, data=arguments.data, asked=asked, truth=dict(truth.pairs))
    for size in sorted(arguments.sizes):
        if not notes.known(f"grown {size}"):
            grow(arguments, models, notes, size)
    notes.once("small", lambda: ask(work / "small"))
    notes.once("segments", lambda: cost_of_segments(work, arguments.data, models, asked[:60]))
    for size in sorted(arguments.sizes):
        notes.once(f"measured {size}", partial(ask, large if size == last else work / f"at-{size}"))
    notes.once("two processes", lambda: two_processes(large, arguments.data, asked[:40]))
    notes.once("added", lambda: add_more(large, work / "pool", models, (arguments.seed, 2)))
    if not arguments.no_compact:
        notes.once("compacted", lambda: compact(large, models))
        notes.once("measured compacted", lambda: ask(large))
    result = {
        "copyprint": __version__,
        "model_id": models.model_id,
        "calibration_id": models.calibration_id,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "command": command_line(),
        "data_digest": digest_of(arguments.data),
        "how": HOW,
        **summary(notes.all, sorted(arguments.sizes), last),
    }
    write(arguments.out, result, show=False)
    if can_plot():
        draw(result, arguments.out.with_suffix(".png"))
    else:
        print("no picture, as matplotlib is not installed: pip install -c constraints.txt -e '.[bench]'")
    print(json.dumps({key: result[key] for key in ("targets", "added", "compacted", "two_processes")}, indent=2))


class Notes:
    """What has been measured, kept in a file so that an interrupted run can go on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.all: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}

    def known(self, name: str) -> bool:
        return name in self.all

    def set(self, name: str, value: Any) -> None:
        self.all[name] = value
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps(self.all, indent=1) + "\n", encoding="utf-8")
        temporary.replace(self._path)

    def once(self, name: str, work: Callable[[], Any]) -> None:
        if not self.known(name):
            print(f"{time.strftime('%H:%M:%S')} {name}", flush=True)
            self.set(name, work())


def begin(arguments: argparse.Namespace, models: Models, notes: Notes) -> None:
    """Describe the real pictures, make both collections of them and the pool that the others are made from."""
    work: Path = arguments.work
    if work.exists() and any(work.iterdir()):
        raise SystemExit(f"{work} is not empty and not of an earlier run: remove it or name another")
    work.mkdir(parents=True, exist_ok=True)
    if (needed := max(arguments.sizes) * 44_000) > (free := shutil.disk_usage(work).free):
        print(f"{work} has {free / 1e9:.1f} GB free, compacting may need {needed / 1e9:.1f} GB", flush=True)
    start = time.perf_counter()
    real = describe_folder(arguments.data / "references", models)
    seconds = time.perf_counter() - start
    trained_on = describe_folder(arguments.data / "train", models)
    sources = read_ground_truth(arguments.data / "ground_truth.csv").reference_ids
    save_pool(make_pool([*trained_on.values(), *(f for n, f in real.items() if n not in sources)]), work / "pool")
    records = [ImageRecord(name, None, None, None, f.width, f.height) for name, f in real.items()]
    written = {}
    for name in ("small", "large"):
        with Writer.create(work / name, models, DEFAULT_CONFIG) as store:
            begun = time.perf_counter()
            for first in range(0, len(records), STEP):
                store.add(list(real.values())[first : first + STEP], records[first : first + STEP])
            written[name] = time.perf_counter() - begun
    notes.set(
        "begun",
        {
            "n_real": len(real),
            "seconds_write": written["large"],
            "describe_references_per_second": round(len(real) / seconds, 1),
            "describe_workers": os.cpu_count(),
        },
    )


def describe_folder(folder: Path, models: Models) -> dict[str, Fingerprint]:
    """Return the fingerprints of a folder's images by name without extension."""
    paths = find_images([folder])[0]
    described = map_images(partial(describe_reference, models=models), paths)
    return {p.stem: f for p, f in zip(paths, described, strict=True) if not isinstance(f, Skipped)}


def grow(arguments: argparse.Namespace, models: Models, notes: Notes, size: int) -> None:
    """Add synthetic references, a thousand at a time, until there are `size`, and note what the additions took."""
    begun = time.perf_counter()
    with Writer.open(arguments.work / "large", models, DEFAULT_CONFIG) as store:
        before, seconds, longest = len(store.reader), 0.0, 0.0
        n_real = notes.all["begun"]["n_real"]
        starts = range(before - n_real, size - n_real, STEP)
        counts = [min(STEP, size - n_real - first) for first in starts]
        for done, (first, made) in enumerate(zip(starts, generated(arguments, starts, counts), strict=True), start=1):
            start = time.perf_counter()
            store.add(made, records_of("S", first, made))
            took = time.perf_counter() - start
            seconds, longest = seconds + took, max(longest, took)
            if done % 25 == 0:
                size_now = f"{len(store.reader):,} references, {seconds:.0f} s in additions"
                print(f"{time.strftime('%H:%M:%S')} {size_now}", flush=True)
    if size < max(arguments.sizes):
        keep(arguments.work / "large", arguments.work / f"at-{size}")
    notes.set(
        f"grown {size}",
        {
            "from": before,
            "to": size,
            "seconds_in_additions": round(seconds, 2),
            "longest_addition": round(longest, 2),
            "seconds_with_generation": round(time.perf_counter() - begun, 1),
            "peak_memory": memory()["VmHWM"],
        },
    )


def keep(folder: Path, copy: Path) -> None:
    """Keep a collection as it is; its segments are linked, as they never change."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder / "segments", copy / "segments", copy_function=os.link)
    for name in ("collection.json", "catalogue.sqlite"):  # closed, so there is no log beside it
        shutil.copyfile(folder / name, copy / name)


def generated(
    arguments: argparse.Namespace, starts: Sequence[int], counts: Sequence[int]
) -> Iterator[list[Fingerprint]]:
    """Yield the synthetic references of each step, made by another process while the last ones are written."""
    task = partial(make_some, arguments.work / "pool", arguments.seed)
    waiting: deque[Any] = deque()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        for first, count in zip(starts, counts, strict=True):
            waiting.append(pool.submit(task, first, count))
            if len(waiting) > 2:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def make_some(pool: Path, seed: int, first: int, count: int) -> list[Fingerprint]:
    """Make the synthetic references of one step; they depend on the seed and the step only."""
    models = load_models()
    return list(make_references(load_pool(pool), count, (seed, 1, first), models.descriptor, models.model_id))


def records_of(prefix: str, first: int, made: Sequence[Fingerprint]) -> list[ImageRecord]:
    return [ImageRecord(f"{prefix}{first + i:07d}", None, None, None, f.width, f.height) for i, f in enumerate(made)]


def add_more(folder: Path, pool: Path, models: Models, seed: tuple[int, int], times: int = 9) -> dict[str, Any]:
    """Add a thousand references a few times, one picture by itself, and remove them all again."""
    with Writer.open(folder, models, DEFAULT_CONFIG) as store:
        seconds = []
        for number in range(times):
            made = list(make_references(load_pool(pool), STEP, (*seed, number), models.descriptor, models.model_id))
            start = time.perf_counter()
            store.add(made, records_of("T", number * STEP, made))
            seconds.append(round(time.perf_counter() - start, 3))
        single = []
        for number in range(20):
            start = time.perf_counter()
            store.add(made[:1], records_of("U", number, made[:1]))
            single.append(round(time.perf_counter() - start, 3))
        start = time.perf_counter()
        store.remove([f"T{i:07d}" for i in range(times * STEP)] + [f"U{i:07d}" for i in range(20)])
        removed = time.perf_counter() - start
    return {"seconds_for_1000": seconds, "seconds_for_one": single, "seconds_to_remove_them": round(removed, 3)}


def compact(folder: Path, models: Models) -> dict[str, Any]:
    """Merge all segments and say how long that took and what it freed."""
    with Writer.open(folder, models, DEFAULT_CONFIG) as store:
        before = store.reader.info()
        start = time.perf_counter()
        store.compact()
        seconds = time.perf_counter() - start
        after = store.reader.info()
    start = time.perf_counter()
    problems = check_store(folder)
    return {
        "segments_before": before.segments,
        "segments": after.segments,
        "bytes_before": before.bytes,
        "bytes": after.bytes,
        "seconds": round(seconds, 1),
        "peak_memory": memory()["VmHWM"],
        "seconds_check": round(time.perf_counter() - start, 1),
        "problems": len(problems),
    }


def cost_of_segments(work: Path, data: Path, models: Models, asked: Sequence[str]) -> dict[str, Any]:
    """Return what the same references cost in many segments and in few."""
    paths = {path.stem: path for path in find_images([data / "queries"])[0]}
    queries = [describe_query(paths[name], models) for name in asked]
    each, number = 25, 400
    config = replace(DEFAULT_CONFIG, storage=replace(DEFAULT_CONFIG.storage, merge_factor=10**6))
    folder = work / "segments"
    shutil.rmtree(folder, ignore_errors=True)
    with Writer.create(folder, models, config) as store:
        for first in range(0, each * number, STEP):
            made = make_some(work / "pool", 3, first, STEP)
            records = records_of("S", first, made)
            for at in range(0, STEP, each):
                store.add(made[at : at + each], records[at : at + each])
    costs = {}
    for largest in (each, each * 4, each * 40, each * 400):
        with Writer.open(folder, models, config) as store:
            store.compact(largest)
        opening = min(timed(lambda: Writer.open(folder, models, config).close()) for _ in range(3))
        with Writer.open(folder, models, config) as store:
            spent = [timed(partial(store.reader.select_candidates, query)) for query in (*queries[:5], *queries)][5:]
            costs[store.reader.info().segments] = {
                "references_each": largest,
                "open_ms": round(opening * 1e3, 1),
                "candidates_ms": round(float(np.median(spent)) * 1e3, 2),
                "bytes": store.reader.info().bytes,
            }
    return costs


def in_a_process(work: Callable[..., dict[str, Any]], folder: Path, **given: Any) -> dict[str, Any]:
    """Call a function in a fresh process, so that memory is its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, folder, **given).result()


def measure(folder: Path, data: Path, asked: Sequence[str], truth: dict[str, str]) -> dict[str, Any]:
    """Open a collection, ask every query one by one, and return a row for each, bytes, memory and times."""
    cv2.setNumThreads(1)
    paths = {path.stem: path for path in find_images([data / "queries"])[0]}
    with open_collection(folder.parent / "small") as collection:  # kernels are compiled now; nothing else is kept
        for name in asked[:2]:
            collection.search(paths[name])
    drop_from_page_cache(folder)
    before, load = memory(), os.getloadavg()
    opening = [timed(lambda: open_collection(folder).close()) for _ in range(3)]  # the first from the disk
    start = time.perf_counter()
    with open_collection(folder) as collection:
        opening.append(time.perf_counter() - start)
        opened = memory()
        info = collection.info()
        rows = [row_of(name, collection.answer(paths[name]), truth.get(name)) for name in asked]
        asked_all = memory()
        start = time.perf_counter()
        found = sum(1 for _ in collection.search_many([paths[name] for name in asked]))
        batch = (time.perf_counter() - start) * 1e3 / found
    return {
        "references": info.references,
        "segments": info.segments,
        "bytes": bytes_by_part(folder),
        "open_seconds": {"cold": round(opening[0], 3), "warm": round(min(opening[1:]), 3)},
        "memory": {"before opening": before, "opened": opened, "after all queries": asked_all},
        "batch_ms_a_query": round(batch, 1),
        "load_average": [round(load[0], 2), round(os.getloadavg()[0], 2)],
        "rows": rows,
    }


def row_of(name: str, answer: Answer, source: str | None) -> dict[str, Any]:
    ids = [match.reference_id for match in answer.matches]
    return {
        "query": name,
        "source": source,
        "rank": ids.index(source) if source in ids else None,
        "first_probability": round(answer.matches[0].probability, 4) if ids else 0.0,
        "ms": {stage: round(answer.milliseconds[stage], 2) for stage in STAGES},
    }


def two_processes(folder: Path, data: Path, asked: Sequence[str]) -> dict[str, Any]:
    """Let two processes ask the same queries at once, and return what memory each has and both have together."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(2, mp_context=context) as pool:
        barrier = manager.Barrier(2)
        tasks = [pool.submit(share, folder, data, asked, barrier) for _ in range(2)]
        each = [task.result() for task in tasks]
    return {"resident_of_each": [e["Rss"] for e in each], "resident_of_both": sum(e["Pss"] for e in each)}


def share(folder: Path, data: Path, asked: Sequence[str], barrier: Any) -> dict[str, int]:
    paths = {path.stem: path for path in find_images([data / "queries"])[0]}
    with open_collection(folder) as collection:
        for name in asked:
            collection.search(paths[name])
        barrier.wait()
        lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
        fields = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith(" kB")}
        barrier.wait()
    return {name: fields[name] for name in ("Rss", "Pss")}


def timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


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


def bytes_by_part(folder: Path) -> dict[str, int]:
    """Return the bytes on disk by part."""
    total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    parts = {
        part: sum(path.stat().st_size for pattern in patterns for path in folder.rglob(pattern))
        for part, patterns in PARTS.items()
    }
    return {**parts, "rest": total - sum(parts.values()), "total": total}


def summary(notes: dict[str, Any], sizes: Sequence[int], last: int) -> dict[str, Any]:
    """Return everything that was noted, with percentiles instead of single queries, and the targets."""
    measured = {str(size): condensed(notes[f"measured {size}"], notes["small"]) for size in sizes}
    if "measured compacted" in notes:
        measured["compacted"] = condensed(notes["measured compacted"], notes["small"])
    out: dict[str, Any] = {
        "begun": notes["begun"],
        "small": condensed(notes["small"], notes["small"]),
        "grown": {str(size): notes[f"grown {size}"] for size in sizes},
        "measured": measured,
        "segments": notes["segments"],
        "two_processes": notes["two processes"],
        "added": notes["added"],
        "compacted": notes.get("compacted"),
    }
    largest = measured[str(last)]
    targets: dict[str, Any] = {
        "open_seconds_cold": largest["open_seconds"]["cold"],
        "bytes_a_reference": round(largest["bytes"]["total"] / largest["references"]),
    }
    if len(sizes) > 1:
        smaller = measured[str(sizes[-2])]
        grown = notes[f"grown {last}"]  # the longest of them, so the steadiest rate
        build = sizes[-2] / ((grown["to"] - grown["from"]) / grown["seconds_in_additions"])
        for key in ("all", "search"):
            for p in ("p50", "p95"):
                targets[f"growth_{key}_{p}"] = round(largest["ms"][key][p] / smaller["ms"][key][p], 2)
        added = notes["added"]["seconds_for_1000"]
        targets["seconds_to_build_the_size_before"] = round(build, 1)
        targets["add_1000_share_of_that"] = {
            "median": round(float(np.median(added)) / build, 4),
            "mean": round(float(np.mean(added)) / build, 4),
            "longest": round(max(added) / build, 4),
        }
    return {**out, "targets": targets}


def condensed(measured: dict[str, Any], small: dict[str, Any]) -> dict[str, Any]:
    """Return percentiles of the cold and the other queries, and what is found of what the small collection finds."""
    rows = measured["rows"]
    pairs = [(s, b) for s, b in zip(small["rows"], rows, strict=True) if s["source"] is not None]
    first_small = [b for s, b in pairs if s["rank"] == 0]
    return {
        **{key: value for key, value in measured.items() if key != "rows"},
        "first_queries_ms": percentiles(rows[:N_COLD]),
        "ms": percentiles(rows[N_COLD:] or rows),
        "found": {
            "queries_with_source": len(pairs),
            "source_in_results": sum(b["rank"] is not None for _, b in pairs),
            "source_first": sum(b["rank"] == 0 for _, b in pairs),
            "first_among_few_and_still": [len(first_small), sum(b["rank"] == 0 for b in first_small)],
            "queries_without": len(rows) - len(pairs),
            "false_alarms": sum(b["first_probability"] >= 0.5 for b in rows if b["source"] is None),
        },
    }


def percentiles(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return p50, p95 and mean of the stages, of all of them, and of all but the description (``search``)."""
    columns = {stage: [row["ms"][stage] for row in rows] for stage in STAGES}
    columns["search"] = [sum(row["ms"][stage] for stage in STAGES[1:]) for row in rows]
    columns["all"] = [sum(row["ms"][stage] for stage in STAGES) for row in rows]
    return {
        name: {
            "p50": round(float(np.percentile(values, 50)), 1),
            "p95": round(float(np.percentile(values, 95)), 1),
            "mean": round(float(np.mean(values)), 1),
        }
        for name, values in columns.items()
    }


def draw(result: dict[str, Any], path: Path) -> None:
    """Draw each measure against size."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    parts = [part for key, part in result["measured"].items() if key != "compacted"]
    sizes = [part["references"] for part in parts]
    rates = [
        (grown["to"] - grown["from"]) / max(1e-9, grown["seconds_in_additions"]) for grown in result["grown"].values()
    ]
    panels: list[tuple[str, dict[str, list[float]]]] = [
        (
            "one query, ms",
            {
                f"{key}, {p}": [part["ms"][key][p] for part in parts]
                for key in ("all", "search")
                for p in ("p50", "p95")
            },
        ),
        ("open, s", {key: [part["open_seconds"][key] for part in parts] for key in ("cold", "warm")}),
        (
            "resident memory after all queries, GB",
            {
                "with what is mapped": [part["memory"]["after all queries"]["VmRSS"] / 1e9 for part in parts],
                "its own": [part["memory"]["after all queries"]["RssAnon"] / 1e9 for part in parts],
            },
        ),
        ("kB a reference", {"on disk": [part["bytes"]["total"] / part["references"] / 1e3 for part in parts]}),
        ("references written a second", {"added, a thousand at a time": rates}),
    ]
    figure, axes = plt.subplots(1, len(panels), figsize=(4 * len(panels), 3.6), constrained_layout=True)
    for axis, (title, lines) in zip(axes, panels, strict=True):
        for label, values in lines.items():
            axis.plot(sizes, values, marker="o", label=label)
        axis.set(title=title, xscale="log", xlabel="references")
        axis.set_ylim(0, 1.2 * max(max(values) for values in lines.values()))
        axis.legend(fontsize=8)
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _spread(items: Sequence[Any], count: int) -> list[Any]:
    """Return `count` of the items, evenly spaced."""
    chosen = np.unique(np.linspace(0, len(items) - 1, min(count, len(items))).astype(int))
    return [items[i] for i in chosen.tolist()]


def _mixed(positives: Sequence[str], negatives: Sequence[str]) -> list[str]:
    """Return both lists as one in which the shorter is spread evenly over the longer."""
    keyed = [((i + 0.5) / len(part), name) for part in (positives, negatives) for i, name in enumerate(part)]
    return [name for _, name in sorted(keyed)]


if __name__ == "__main__":
    main()
