"""What the vote finds and costs in a large collection, by its settings.

``--collection`` is one that `scale.py` grew: it has DATA's references among many synthetic ones. Each of DATA's queries
that has a source, or every Nth, is described and its candidates are chosen, one after the other on one core, with each
setting. ``candidates`` is how many sources are named, ``verified`` how many of these the shortlist has, ``first`` how
many come first by words; ``ms`` the median processor time of choosing candidates, ``visited`` and ``hits`` the mean
numbers of postings that are compared and of hits among them.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from _records import RESULTS, header, write

from fingerprint.challenge import read_ground_truth
from fingerprint.config import config_for
from fingerprint.features.describe import describe_query
from fingerprint.index import Reader, shortlist
from fingerprint.models import load_models
from fingerprint.tracks import challenge_id

SETTINGS: dict[str, dict[str, int]] = {
    "22 bits": {"word_bits_large": 22},
    "20 bits": {"word_bits_large": 20},
    "18 bits": {"word_bits_large": 18},
    "20 bits, 3 words": {"word_bits_large": 20, "n_words": 3},
    "20 bits, 2 words": {"word_bits_large": 20, "n_words": 2},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--collection", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="ask only every Nth query")
    parser.add_argument("--json", type=Path, default=RESULTS / "large_vote.json")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    models, plain = load_models(), config_for("fast")
    pairs = read_ground_truth(arguments.data / "ground_truth.csv").pairs[:: arguments.every]
    files = {path.stem: path for path in (arguments.data / "queries").iterdir()}
    result: dict[str, Any] = header(arguments.data)
    result |= {"model_id": models.model_id, "queries": len(pairs), "settings": {}}
    for name, changed in SETTINGS.items():
        config = replace(plain, match=replace(plain.match, **changed))
        spent, counted = [], []
        named = verified = first = 0
        with Reader.open(arguments.collection, models, config) as reader:
            result["references"] = len(reader)
            for query_id, source in pairs:
                query = describe_query(files[query_id], models, config)
                start = time.process_time()
                candidates, work = reader.select_candidates(query)
                spent.append(1000 * (time.process_time() - start))
                counted.append([work.counters["postings_visited"], work.counters["hits"]])
                ids = [challenge_id(candidate.reference_id) for candidate in candidates]
                named += source in ids
                first += ids[:1] == [source]
                verified += source in [challenge_id(c.reference_id) for c in shortlist(query, candidates, config)]
        visited, hits = np.mean(counted, axis=0)
        result["settings"][name] = {
            "candidates": named,
            "verified": verified,
            "first": first,
            "ms": round(float(np.median(spent)), 1),
            "visited": round(float(visited)),
            "hits": round(float(hits)),
        }
    write(arguments.json, result)


if __name__ == "__main__":
    main()
