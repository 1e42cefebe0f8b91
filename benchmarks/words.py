"""Find edited training photographs by the words of their keypoints alone, with several settings of the look-up.

The training photographs of a challenge-shaped folder are the references. Every other one, edited by a seeded chain of
two to five edits, is a query. Words, hits and votes are those of a search; what is counted is the rank of the
photograph that a query was made from, by votes. Nothing else judges, so many queries that a search finds are missed
here. Times are of one core, all settings of a query one after the other.

What is written is one object: ids, ``command``, ``n_references``, ``n_queries`` and ``settings``, one row for each:
``beam`` (cells that are searched), ``n_words``, ``word_bits``, share of the sources in the ``first_1``, ``first_10``
and ``first_100``, mean ``visited`` postings and ``hits`` of a query, and median ``words_ms`` and ``vote_ms``. The row
``each variant for itself`` looks the words of the mirrored and negative variants up instead of deriving them.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from _records import RESULTS, SEED, header, write

from fingerprint.config import DEFAULT_CONFIG, MatchConfig
from fingerprint.edits import random_chain
from fingerprint.edits.canvas import as_jpeg
from fingerprint.features import vocabulary as look_up
from fingerprint.features.describe import describe_query, describe_reference
from fingerprint.features.inverted_file import build_postings, vote
from fingerprint.images.decode import read_rgb
from fingerprint.images.find import find_images
from fingerprint.models import Models, load_models
from fingerprint.types import Keypoints, Skipped
from fingerprint.workers import map_images

EDITS = (2, 5)
#: Beam, words of a keypoint, bits of a hit.
SETTINGS = ((3, 4, 22), (2, 4, 22), (4, 4, 22), (3, 4, 21), (3, 4, 23), (3, 3, 22), (3, 5, 22))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with train/")
    parser.add_argument("--queries", type=int, default=900)
    parser.add_argument("--out", type=Path, default=RESULTS / "words.json")
    arguments = parser.parse_args()
    models = load_models()
    paths = find_images([arguments.data / "train"])[0]
    references = described(paths, partial(describe_reference, models=models))
    postings = build_postings([fingerprint.keypoints for fingerprint in references], models.vocabulary)
    chosen = [i * len(paths) // arguments.queries for i in range(min(arguments.queries, len(paths)))]
    queries = described(chosen, partial(describe_edited, paths=paths, models=models))
    rows = []
    for beam, n_words, word_bits in SETTINGS:
        config = replace(DEFAULT_CONFIG.match, n_words=n_words, word_bits=word_bits)
        own = measure([query.variants for query in queries], chosen, postings, models, config, beam)
        rows.append({"beam": beam, "n_words": n_words, "word_bits": word_bits, **own})
    rows.append({"each variant for itself": True, **time_each([query.variants for query in queries], models)})
    result = {
        **header(arguments.data),
        "model_id": models.model_id,
        "n_references": len(references),
        "n_queries": len(queries),
        "settings": rows,
    }
    write(arguments.out, result)


def described(items: Sequence[Any], describe: Any) -> list[Any]:
    """Describe pictures on all cores, in order; all of them must be readable."""
    found = list(map_images(describe, items, None))
    for item in found:
        if isinstance(item, Skipped):
            raise SystemExit(item.reason)
    return found


def describe_edited(row: int, paths: Sequence[Path], models: Models) -> Any:
    rng = np.random.default_rng([SEED, row])
    others = [read_rgb(paths[int(i)]).pixels for i in rng.integers(0, len(paths), 3)]
    edited = random_chain(read_rgb(paths[row]).pixels, rng, others, EDITS)
    return describe_query(as_jpeg(edited.pixels, 85), models)


def measure(
    queries: Sequence[Sequence[Keypoints]],
    sources: Sequence[int],
    postings: Any,
    models: Models,
    config: MatchConfig,
    beam: int,
) -> dict[str, Any]:
    """Return the figures of one setting."""
    look_up._BEAM = beam  # noqa: SLF001 - no user needs to choose it
    counts: dict[str, list[float]] = defaultdict(list)
    for variants, source in zip(queries, sources, strict=True):
        start = time.process_time()
        assignments = look_up.assign_words(variants, models.vocabulary, config)
        looked_up = time.process_time()
        votes = vote(assignments, postings, models.vocabulary, config)
        counts["words_ms"].append((looked_up - start) * 1e3)
        counts["vote_ms"].append((time.process_time() - looked_up) * 1e3)
        scores = np.zeros(postings.n_references, np.float32)
        np.maximum.at(scores, votes.rows, votes.scores)
        rank = int((scores > scores[source]).sum()) if scores[source] > 0 else postings.n_references
        for n in (1, 10, 100):
            counts[f"first_{n}"].append(rank < n)
        counts["visited"].append(votes.n_visited)
        counts["hits"].append(votes.n_hits)
    return {
        name: round(float(np.median(values) if name.endswith("_ms") else np.mean(values)), 4)
        for name, values in counts.items()
    }


def time_each(queries: Sequence[Sequence[Keypoints]], models: Models) -> dict[str, float]:
    """Return the time of looking the words of each variant up."""
    config = DEFAULT_CONFIG.match
    spent = []
    for variants in queries:
        start = time.process_time()
        for keypoints, cap in zip(variants, (None, None, config.n_inverted, config.n_inverted), strict=True):
            look_up.quantise(keypoints.descriptors[:cap], models.vocabulary, config.n_words)
        spent.append((time.process_time() - start) * 1e3)
    return {"words_ms": round(float(np.median(spent)), 4)}


if __name__ == "__main__":
    main()
