"""Run both tracks on a challenge-shaped folder through the command line, judge them, and write the figures down.

The folder has ``queries/``, ``references/``, ``ground_truth.csv`` and, if the recall by kind of edit is wanted,
``edits.tsv`` (query, reference or nothing, edits joined by +).

Beside the JSON goes ``reliability.png``, for which matplotlib must be installed. Most rows of the Matching Track's file
are easy negatives, which any method gets right; so calibration is judged over all rows and over the top row of each
query.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from _records import RESULTS, ROOT, command_line, write
from reliability import MISSING, calibration, can_plot, plot_reliability
from scipy.special import expit

from fingerprint.bench.judging import queries_by_edit, ranked_first
from fingerprint.bench.sets import edits_of, open_set
from fingerprint.challenge import GroundTruth, Matches, read_ground_truth, read_matches
from fingerprint.config import DEFAULT_PROFILE, PROFILES
from fingerprint.models import load_models
from fingerprint.types import F64, Bool
from fingerprint.version import __version__

THRESHOLDS = (0.1, 0.5, 0.7, 0.9, 0.99, 0.999)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=RESULTS / "challenge_set.json")
    parser.add_argument("--keep", type=Path, help="folder for the collection and the challenge's files")
    arguments = parser.parse_args()
    if not can_plot():
        print(f"note: there will be {MISSING}", file=sys.stderr, flush=True)  # now, not only when all is done
    with tempfile.TemporaryDirectory() as temporary:
        work = arguments.keep or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        result = run(arguments.data, work)
    result["command"] = command_line()
    write(arguments.out, result, show=False)
    print(
        json.dumps(
            {k: v for k, v in result.items() if not k.startswith("recall_by_edit") and k != "calibration"}, indent=2
        )
    )
    print_table(result["recall_by_edit"])
    for name, judged in result["calibration"].items():
        print_calibration(name, judged)
    if can_plot():
        judged, picture = result["calibration"]["all_rows"], arguments.out.with_name("reliability.png")
        plot_reliability(judged["reliability"], judged["expected_calibration_error"], picture)
        print(f"written to {picture}")
    else:
        print(MISSING, file=sys.stderr)


def run(data: Path, work: Path) -> dict[str, Any]:
    matches, descriptors = {name: work / f"matches-{name}.csv" for name in PROFILES}, work / "descriptors.h5"
    collection = work / "collection"
    folders = ["--queries", str(data / "queries"), "--references", str(data / "references")]
    truth = ["--ground-truth", str(data / "ground_truth.csv"), "--json"]
    seconds = {}
    if not collection.exists():
        seconds["index create"] = timed("index", "create", str(collection), str(data / "references"))
    searched = [*folders[:2], "--references", str(collection)]
    for name, path in matches.items():
        seconds[f"challenge match, {name}"] = timed(
            "challenge", "match", *searched, "--profile", name, "--out", str(path)
        )
    seconds["challenge describe"] = timed("challenge", "describe", *folders, "--out", str(descriptors))
    models = load_models()
    n_queries = len(list((data / "queries").iterdir()))
    for name in matches:
        seconds[f"one query, wall, {name}"] = round(seconds[f"challenge match, {name}"] / n_queries, 3)
    return {
        "copyprint": __version__,
        "model_id": models.model_id,
        "calibration_id": models.calibration_id,
        "opencv": cv2.__version__,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "data_digest": open_set(data).digest,
        "matching_track": {
            name: json.loads(fingerprint("challenge", "evaluate", "--matching", str(path), *truth))
            for name, path in matches.items()
        },
        "descriptor_track": json.loads(fingerprint("challenge", "evaluate", "--descriptors", str(descriptors), *truth)),
        "seconds": seconds,
        **judge_details(data, matches[DEFAULT_PROFILE]),
        "recall_by_edit_thorough": judge_details(data, matches["thorough"])["recall_by_edit"],
    }


def timed(*arguments: str) -> float:
    """Run a command and return the seconds that it took."""
    start = time.perf_counter()
    fingerprint(*arguments)
    return round(time.perf_counter() - start, 1)


def fingerprint(*arguments: str) -> str:
    command = [sys.executable, "-m", "fingerprint", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout


def judge_details(data: Path, matches_path: Path) -> dict[str, Any]:
    """Return recall by kind of edit and how far probabilities are from frequencies."""
    ground_truth = read_ground_truth(data / "ground_truth.csv")
    truth, matches = dict(ground_truth.pairs), read_matches(matches_path)
    correct = np.array([truth.get(q) == r for q, r in zip(matches.query_ids, matches.reference_ids, strict=True)])
    best: dict[str, int] = {}
    for row in np.argsort(-matches.scores, kind="stable"):
        best.setdefault(matches.query_ids[row], int(row))
    probability = expit(matches.scores)
    top = np.array(list(best.values()), dtype=np.int64)
    return {
        "recall_by_edit": recall_by_edit(data, ground_truth, matches),
        "calibration": {
            "all_rows": calibration(probability, correct),
            "top_rows": calibration(probability[top], correct[top]),
        },
        "thresholds": [thresholds_row(t, truth, matches, probability, correct) for t in THRESHOLDS],
    }


def thresholds_row(
    least: float, truth: dict[str, str], matches: Matches, probability: F64, correct: Bool
) -> dict[str, float]:
    """Return what is found from a probability on: sources, and queries to which something else is matched."""
    sure = probability >= least
    found = {q for q, s, c in zip(matches.query_ids, sure, correct, strict=True) if s and c}
    wrong = {q for q, s, c in zip(matches.query_ids, sure, correct, strict=True) if s and not c}
    return {
        "probability": least,
        "found": round(len(found) / len(truth), 4),
        "wrongly_matched": len(wrong),
        "strangers_matched": len(wrong - truth.keys()),
    }


def recall_by_edit(data: Path, truth: GroundTruth, matches: Matches) -> dict[str, dict[str, float]]:
    """Return, by edit: queries with it, found first, and found with a probability of a half or more."""
    true_pairs = frozenset(truth.pairs)
    pairs = zip(matches.query_ids, matches.reference_ids, matches.scores, strict=True)
    sure = {query for query, reference, score in pairs if score >= 0 and (query, reference) in true_pairs}
    first = ranked_first(matches, truth)
    groups = queries_by_edit({query for query, _ in truth.pairs}, edits_of(data))
    return {
        edit: {
            "queries": len(queries),
            "recall_at_1": round(len(queries & first) / len(queries), 4),
            "recall_at_half": round(len(queries & sure) / len(queries), 4),
        }
        for edit, queries in sorted(groups.items())
    }


def print_table(rows: dict[str, dict[str, float]]) -> None:
    for edit, row in sorted(rows.items(), key=lambda item: item[1]["recall_at_1"]):
        print(f"{edit:26s} {row['queries']:4d}  {row['recall_at_1']:.3f}  {row['recall_at_half']:.3f}")


def print_calibration(name: str, judged: dict[str, Any]) -> None:
    print(
        f"{name.replace('_', ' ')}: {judged['rows']}, expected calibration error "
        f"{judged['expected_calibration_error']:.5f}, Brier score {judged['brier_score']:.5f}"
    )
    print(f"  {'bin':9s} {'rows':>7s} {'probability':>12s} {'frequency':>10s}")
    for row in judged["reliability"]:
        bounds = f"{row['from']:.1f}..{row['to']:.1f}"
        print(f"  {bounds:9s} {row['rows']:7d} {row['probability']:12.4f} {row['frequency']:10.4f}")


if __name__ == "__main__":
    main()
