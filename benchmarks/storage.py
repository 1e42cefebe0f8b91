"""Bytes of a collection by part, before and after it is upgraded to the current format, and what that does to scores.

``--before`` is a collection of DATA's references that an older version of copyprint made, in an older format. A copy of
it is upgraded, without the images. All of DATA's queries, each described once, are then asked of both:

- ``bytes_a_reference``: sizes of files over the number of references;
- ``score``: by how much the log-odds of the same pair of query and reference differ, of the pairs that both name among
  the 10 best of a query: of all of them, and of those that are copies by the ground truth;
- ``micro_ap``: of the Matching Track, of both; ``named_by_one``: pairs that only one of the two names.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from _records import RESULTS, header, write

from fingerprint.challenge import read_ground_truth
from fingerprint.collection.collection import open_collection
from fingerprint.features.describe import describe_query
from fingerprint.index import FORMAT_VERSION, upgrade_store
from fingerprint.models import load_models
from fingerprint.types import Query, Skipped
from fingerprint.workers import map_images

#: Parts of a collection, by the names of files.
PARTS = {
    "signatures": ("signatures",),
    "frames": ("frames",),
    "postings": ("posting_signatures", "posting_references", "posting_geometry", "posting_words", "posting_starts"),
    "thumbnail": ("thumbnails", "thumbnail_offsets"),
    "compact descriptor": ("descriptors", "codes"),
    "hashes and size": ("hashes", "sizes"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--before", type=Path, required=True, metavar="COLLECTION")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="ask only every Nth query")
    parser.add_argument("--json", type=Path, default=RESULTS / "storage.json")
    arguments = parser.parse_args()
    queries = described(sorted((arguments.data / "queries").iterdir())[:: arguments.every])
    truth = dict(read_ground_truth(arguments.data / "ground_truth.csv").pairs)
    with tempfile.TemporaryDirectory() as folder:
        after = Path(shutil.copytree(arguments.before, Path(folder) / "after"))
        format_before = upgrade_store(after)
        sizes = {"before": bytes_by_part(arguments.before), "after": bytes_by_part(after)}
        scores = {"before": scores_of(arguments.before, queries), "after": scores_of(after, queries)}
    write(
        arguments.json,
        header(arguments.data)
        | {
            "model_id": load_models().model_id,
            "format_before": format_before,
            "format": FORMAT_VERSION,
            "queries": len(queries),
            "bytes_a_reference": sizes,
            "score": differences(scores["before"], scores["after"], truth),
            "micro_ap": {name: micro_ap(found, truth, queries) for name, found in scores.items()},
        },
    )


def described(paths: list[Path]) -> dict[str, Query]:
    """Describe queries; by the challenge's ids."""
    models, found = load_models(), {}
    for path, query in zip(paths, map_images(lambda path: describe_query(path, models), paths), strict=True):
        if isinstance(query, Skipped):
            raise SystemExit(f"{query.path}: {query.reason}")
        found[path.stem] = query
    return found


def bytes_by_part(folder: Path) -> dict[str, float]:
    """Return the bytes of each part of a collection for each reference."""
    with open_collection(folder) as collection:
        info = collection.info()
    found: dict[str, int] = defaultdict(int)
    part_of = {name: part for part, names in PARTS.items() for name in names}
    for path in folder.rglob("*"):
        if path.is_file():
            found[part_of.get(path.stem, "ids, catalogue, manifests")] += path.stat().st_size
    named = {part: round(found[part] / info.references, 1) for part in (*PARTS, "ids, catalogue, manifests")}
    return {
        **named,
        "all": round(sum(found.values()) / info.references, 1),
        "references": info.references,
        "segments": info.segments,
        "keypoints": round(info.keypoints / info.references, 1),
    }


def scores_of(folder: Path, queries: dict[str, Query]) -> dict[tuple[str, str], float]:
    """Return the log-odds of the pairs that a collection names."""
    found = {}
    with open_collection(folder) as collection:
        for name, query in queries.items():
            for match in collection.search_described(query):
                found[name, Path(match.reference_id).stem] = match.score
    print(f"{folder}: {len(found)} pairs", file=sys.stderr, flush=True)
    return found


def differences(
    before: dict[tuple[str, str], float], after: dict[tuple[str, str], float], truth: dict[str, str]
) -> dict[str, Any]:
    both = before.keys() & after.keys()
    copies = {pair for pair in both if truth.get(pair[0]) == pair[1]}
    return {
        "all pairs": quantiles([abs(before[pair] - after[pair]) for pair in both]),
        "copies": quantiles([abs(before[pair] - after[pair]) for pair in copies]),
        "named_by_one": len(before.keys() ^ after.keys()),
    }


def quantiles(values: list[float]) -> dict[str, float]:
    return {
        "pairs": len(values),
        "median": round(float(np.median(values)), 5),
        "95 of 100 below": round(float(np.quantile(values, 0.95)), 4),
        "largest": round(max(values), 3),
    }


def micro_ap(found: dict[tuple[str, str], float], truth: dict[str, str], queries: dict[str, Query]) -> float:
    """Return µAP over the queries that were asked."""
    n_copies = sum(bool(truth.get(name)) for name in queries)
    right = np.array([truth.get(q) == r for (q, r), _ in sorted(found.items(), key=lambda item: -item[1])])
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    return round(float(precision[right].sum()) / n_copies, 5)


if __name__ == "__main__":
    main()
