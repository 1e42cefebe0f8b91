"""What the candidates that compact descriptors name are worth to the answers: found exactly, by Annoy, or not at all.

``--collection`` has DATA's references. Each of DATA's queries is described once and asked several times; only the
references that the descriptors name differ:

- ``exact``: the 10 nearest;
- ``annoy``: the 10 that Annoy's trees name, with the settings that ship, over all references in one segment;
- ``none``: none, the other sources are as they are.

``share_of_10`` is the mean part of the 10 nearest that are named, ``micro_ap`` that of the Matching Track,
``copies_found`` how many copies have their source among the matches, ``same_answers`` the queries whose matches are the
same, with the same scores, as with ``exact``.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from _records import RESULTS, header, write

from fingerprint.challenge import read_ground_truth
from fingerprint.collection.looks import SearchOptions
from fingerprint.collection.search import Search
from fingerprint.config import DEFAULT_CONFIG
from fingerprint.exact_search import nearest
from fingerprint.features.describe import describe_query
from fingerprint.index import Reader
from fingerprint.index.annoy_trees import METRIC, Trees, build_trees, inspected
from fingerprint.models import load_models
from fingerprint.types import F32, Query, Skipped
from fingerprint.workers import map_images


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--collection", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="ask only every Nth query")
    parser.add_argument("--json", type=Path, default=RESULTS / "descriptor_source.json")
    arguments = parser.parse_args()
    queries = described(sorted((arguments.data / "queries").iterdir())[:: arguments.every])
    truth = dict(read_ground_truth(arguments.data / "ground_truth.csv").pairs)
    models = load_models()
    with Reader.open(arguments.collection, models, DEFAULT_CONFIG) as reader:
        vectors = reader.vectors()[1]
        if len(vectors) < reader.info().references + reader.info().removed:
            raise SystemExit("the collection has removed references: compact it first")
        search = Search(reader, models, DEFAULT_CONFIG, SearchOptions(DEFAULT_CONFIG.results))
        k = DEFAULT_CONFIG.candidates.from_descriptor
        exact = nearest(np.stack([query.descriptor for query in queries.values()]), vectors, k)[0].tolist()
        named = {"exact": exact, "annoy": by_annoy(queries, vectors, k), "none": [[] for _ in queries]}
        found = {way: answers(search, queries, positions) for way, positions in named.items()}
    asked = [name for name in queries if truth.get(name)]
    result: dict[str, Any] = header(arguments.data) | {
        "model_id": models.model_id,
        "references": len(vectors),
        "queries": len(queries),
        "copies": len(asked),
        "n_trees": DEFAULT_CONFIG.annoy.n_trees,
        "search_k": inspected(len(vectors), k, DEFAULT_CONFIG.annoy),
        "ways": {},
    }
    for way, scores in found.items():
        hits = sum(len(set(a) & set(b)) for a, b in zip(named[way], exact, strict=True))
        per_query = {name: {pair: score for pair, score in scores.items() if pair[0] == name} for name in queries}
        reference = {name: {p: s for p, s in found["exact"].items() if p[0] == name} for name in queries}
        result["ways"][way] = {
            "share_of_10": round(hits / (k * len(queries)), 4),
            "micro_ap": micro_ap(scores, truth, queries),
            "copies_found": sum((name, truth[name]) in scores for name in asked),
            "same_answers": sum(per_query[name] == reference[name] for name in queries),
        }
    write(arguments.json, result)


def described(paths: list[Path]) -> dict[str, Query]:
    """Describe queries; by the challenge's ids."""
    models, found = load_models(), {}
    for path, query in zip(paths, map_images(lambda path: describe_query(path, models), paths), strict=True):
        if isinstance(query, Skipped):
            raise SystemExit(f"{query.path}: {query.reason}")
        found[path.stem] = query
    return found


def by_annoy(queries: dict[str, Query], vectors: F32, k: int) -> list[list[int]]:
    """Return for each query what Annoy names."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trees.ann"
        build_trees(vectors, path, DEFAULT_CONFIG.annoy)
        trees = Trees(path, vectors.shape[1], len(vectors), {"metric": METRIC})
        search_k = inspected(len(vectors), k, DEFAULT_CONFIG.annoy)
        found = [trees.nearest(query.descriptor, k, search_k)[0].tolist() for query in queries.values()]
        trees.close()
    return found


def answers(search: Search, queries: dict[str, Query], positions: list[list[int]]) -> dict[tuple[str, str], float]:
    """Return the log-odds of the pairs that are named, with these references by descriptor."""
    scores = {}
    for (name, query), found in zip(queries.items(), positions, strict=True):
        ranked = [(position, float(rank)) for rank, position in enumerate(found)]
        for match in search.answer_described(query, ranked).matches:
            scores[name, Path(match.reference_id).stem] = match.score
    return scores


def micro_ap(found: dict[tuple[str, str], float], truth: dict[str, str], queries: dict[str, Query]) -> float:
    """Return µAP over the queries that were asked."""
    n_copies = sum(bool(truth.get(name)) for name in queries)
    right = np.array([truth.get(q) == r for (q, r), _ in sorted(found.items(), key=lambda item: -item[1])])
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    return round(float(precision[right].sum()) / n_copies, 5)


if __name__ == "__main__":
    main()
