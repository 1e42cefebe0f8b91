"""What each way to look closer at a query finds, and what it costs.

``--collection`` has DATA's references. Each of DATA's queries is searched for from its file in each way, one after the
other on one core. ``micro_ap`` and ``recall_at_p90`` are those of the Matching Track, ``source_first`` is the part of
the copies whose source comes first, ``looks`` the mean number of looks at a copy and at a stranger, ``ms`` the mean
processor time, also in parts of that of a single look. The ways take turns at each query.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from _records import RESULTS, header, write

from fingerprint.challenge import GroundTruth, Matches, evaluate_matches, read_ground_truth
from fingerprint.collection.looks import SearchOptions
from fingerprint.collection.search import Search
from fingerprint.config import DEFAULT_CONFIG, PROFILES, CloserConfig
from fingerprint.index import Reader
from fingerprint.models import load_models
from fingerprint.tracks import challenge_id

_THOROUGH = PROFILES["thorough"]
WAYS: dict[str, CloserConfig] = {
    "one look (fast)": PROFILES["fast"],
    "one inset": CloserConfig(n_insets=1, stretched=()),
    "two insets": CloserConfig(stretched=()),
    "three insets": CloserConfig(n_insets=3, stretched=()),
    "the whole in more detail, without a hint": CloserConfig(hint=0.0, n_insets=0, whole=_THOROUGH.whole, stretched=()),
    "stretched, at a hint": CloserConfig(n_insets=0),
    "two insets, and stretched at a hint (standard)": PROFILES["standard"],
    "all of it, without a hint (thorough)": _THOROUGH,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--collection", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="ask only every Nth query")
    parser.add_argument("--json", type=Path, default=RESULTS / "closer.json")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    paths = sorted((arguments.data / "queries").iterdir())[:: arguments.every]
    every_truth = read_ground_truth(arguments.data / "ground_truth.csv")
    truth = dict(every_truth.pairs)
    models = load_models()
    rows: dict[str, list[tuple[str, str, float]]] = {way: [] for way in WAYS}
    looks: dict[tuple[str, bool], list[int]] = defaultdict(list)
    spent: dict[str, list[float]] = {way: [] for way in WAYS}
    first: dict[str, int] = dict.fromkeys(WAYS, 0)
    with Reader.open(arguments.collection, models, DEFAULT_CONFIG) as reader:
        searches = {
            way: Search(reader, models, replace(DEFAULT_CONFIG, closer=closer), SearchOptions(DEFAULT_CONFIG.results))
            for way, closer in WAYS.items()
        }
        for search in searches.values():
            search.answer(paths[0])
        for path in paths:
            name = path.stem
            for way, search in searches.items():
                start = time.process_time()
                answer = search.answer(path)
                spent[way].append(1000 * (time.process_time() - start))
                looks[way, bool(truth.get(name))].append(answer.counters["looks"])
                found = [(challenge_id(match.reference_id), match.score) for match in answer.matches]
                rows[way] += [(name, reference, score) for reference, score in found]
                first[way] += bool(found) and found[0][0] == truth.get(name)
    asked = {path.stem for path in paths}
    judged_truth = GroundTruth(tuple(pair for pair in every_truth.pairs if pair[0] in asked))
    result: dict[str, Any] = header(arguments.data) | {
        "model_id": models.model_id,
        "calibration_id": models.calibration_id,
        "queries": len(paths),
        "copies": len(judged_truth.pairs),
        "ways": {},
    }
    once = np.mean(spent["one look (fast)"])
    for way in WAYS:
        queries, references, scores = zip(*rows[way], strict=True)
        judged = evaluate_matches(Matches(queries, references, np.array(scores)), judged_truth)
        result["ways"][way] = {
            "micro_ap": round(judged.micro_ap, 4),
            "recall_at_p90": round(judged.recall_at_p90, 4),
            "source_first": round(first[way] / len(judged_truth.pairs), 4),
            "looks": {
                "copies": round(float(np.mean(looks[way, True])), 2),
                "strangers": round(float(np.mean(looks[way, False])), 2),
            },
            "ms": round(float(np.mean(spent[way])), 1),
            "times": round(float(np.mean(spent[way]) / once), 2),
        }
    write(arguments.json, result)


if __name__ == "__main__":
    main()
