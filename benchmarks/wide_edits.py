"""Edits by phones, printers, scissors and filter apps: what both tracks find of them, kind by kind.

Photographs of ``DATA/references`` are edited with each of `fingerprint.edits.WIDE_EDITS`: every second query has that
edit alone, the others two more of the usual ones. Backgrounds are photographs of ``DATA/train``. Two in five of the
photographs are not among the references, so their copies match nothing. Two splits of other photographs are judged:
decisions may look at ``seen``, and none looks at ``unseen``. The kinds in ``held_out`` were not trained on.

With ``--earlier`` the result is kept as ``wide_edits_before.json``.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _records import RESULTS, SEED, header, write
from challenge_set import fingerprint, judge_details, recall_by_edit, timed

from fingerprint.challenge import Matches, read_descriptors, read_ground_truth
from fingerprint.edits import HELD_OUT_EDITS, TRAINED_WIDE_EDITS, WIDE_EDITS, apply_edits, random_chain
from fingerprint.edits.canvas import as_jpeg, resize
from fingerprint.exact_search import nearest
from fingerprint.images.decode import read_rgb
from fingerprint.models import load_models
from fingerprint.types import U8, Skipped
from fingerprint.workers import map_images

SPLITS = ("seen", "unseen")
_SIDE = 800  # pixels, of the photographs that are edited
_STRANGERS = 2  # of five photographs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with train/ and references/")
    parser.add_argument("--each", type=int, default=50, help="photographs of each split, edited in every way")
    parser.add_argument("--earlier", action="store_true", help="write wide_edits_before.json")
    parser.add_argument("--only", choices=SPLITS, help="judge this split, and write nothing")
    arguments = parser.parse_args()
    models = load_models()
    result: dict[str, Any] = {
        **header(arguments.data),
        "model_id": models.model_id,
        "calibration_id": models.calibration_id,
        "held_out": list(HELD_OUT_EDITS),
        "splits": {},
    }
    for split in (arguments.only,) if arguments.only else SPLITS:
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder), arguments.data, split, arguments.each)
            result["splits"][split] = judged(Path(folder))
    for split, found in result["splits"].items():
        show(split, found)
    if not arguments.only:
        name = "wide_edits_before.json" if arguments.earlier else "wide_edits.json"
        write(RESULTS / name, result, show=False)


def make(folder: Path, data: Path, split: str, n: int) -> None:
    """Make a set in the challenge's layout."""
    references = sorted((data / "references").glob("*.jpg"))
    scenes = sorted((data / "train").glob("*.jpg"))
    first = n * SPLITS.index(split)
    order = np.random.default_rng([SEED, 40]).permutation(len(references))
    asked = [references[i] for i in order[first : first + n]]
    strangers = {path.name for k, path in enumerate(asked) if k % 5 < _STRANGERS}
    (folder / "references").mkdir()
    (folder / "queries").mkdir()
    for path in references:
        if path.name not in strangers:
            (folder / "references" / path.name).symlink_to(path.resolve())
    queries = [(number, path, kind) for number, path in enumerate(asked) for kind in WIDE_EDITS]
    with (
        (folder / "ground_truth.csv").open("w", newline="", encoding="utf-8") as truth_file,
        (folder / "edits.tsv").open("w", newline="", encoding="utf-8") as edits_file,
    ):
        truth, edits = csv.writer(truth_file), csv.writer(edits_file, delimiter="\t")
        truth.writerow(("query_id", "reference_id"))
        edits.writerow(("query_id", "reference_id", "edits"))
        for position, result in enumerate(map_images(lambda at: edited(at, queries, scenes), range(len(queries)))):
            if isinstance(result, Skipped):
                raise SystemExit(f"{result.path}: {result.reason}")
            name, source = f"Q{position:05}", queries[position][1]
            reference = "" if source.name in strangers else source.stem
            (folder / "queries" / f"{name}.jpg").write_bytes(result[0])
            truth.writerow((name, reference))
            edits.writerow((name, reference, "+".join(result[1])))


def edited(
    position: int, queries: Sequence[tuple[int, Path, str]], scenes: Sequence[Path]
) -> tuple[bytes, Sequence[str]]:
    """Make a query; return its file and the names of its edits."""
    number, path, kind = queries[position]
    rng = np.random.default_rng([SEED, 41, position, number])
    others = [bounded(scenes[int(i)]) for i in rng.choice(len(scenes), 2)]
    source = bounded(path)
    copy = (
        random_chain(source, rng, others, (3, 3), [kind])
        if (position + number) % 2
        else apply_edits(source, [kind], rng, others)
    )
    return as_jpeg(copy.pixels, int(rng.integers(70, 97))), copy.names


def bounded(path: Path) -> U8:
    pixels = read_rgb(path).pixels
    factor = min(1.0, _SIDE / max(pixels.shape[:2]))
    return resize(pixels, round(pixels.shape[1] * factor), round(pixels.shape[0] * factor))[0]


def judged(folder: Path) -> dict[str, Any]:
    """Run both tracks on a set, and return the figures, kind by kind."""
    folders = ["--queries", str(folder / "queries"), "--references", str(folder / "references")]
    matches_path, descriptors_path = folder / "matches.csv", folder / "descriptors.h5"
    seconds = {
        "challenge match": timed("challenge", "match", *folders, "--out", str(matches_path)),
        "challenge describe": timed("challenge", "describe", *folders, "--out", str(descriptors_path)),
    }
    truth_path = folder / "ground_truth.csv"
    truth = read_ground_truth(truth_path)
    by_vector = nearest_matches(descriptors_path)
    details = judge_details(folder, matches_path)
    kinds = details["recall_by_edit"]
    by_vector_kinds = recall_by_edit(folder, truth, by_vector)
    return {
        "queries": len(truth.query_ids),
        "copies": len({query for query, _ in truth.pairs}),
        "matching_track": evaluated("--matching", matches_path, truth_path),
        "descriptor_track": evaluated("--descriptors", descriptors_path, truth_path),
        "calibration_error_of_first_rows": details["calibration"]["top_rows"]["expected_calibration_error"],
        "thresholds": details["thresholds"],
        "kinds": {
            kind: {**kinds[kind], "recall_at_1_of_descriptors": by_vector_kinds[kind]["recall_at_1"]}
            for kind in WIDE_EDITS
        },
        **{
            name: averaged([kinds[kind] for kind in chosen])
            for name, chosen in (("trained", TRAINED_WIDE_EDITS), ("held_out", HELD_OUT_EDITS))
        },
        "seconds": seconds,
    }


def evaluated(option: str, path: Path, truth: Path) -> Any:
    return json.loads(fingerprint("challenge", "evaluate", option, str(path), "--ground-truth", str(truth), "--json"))


def nearest_matches(path: Path) -> Matches:
    """Return the five nearest references of each query by their descriptors, as matches."""
    found = read_descriptors(path)
    indices, distances = nearest(found.query, found.reference, 5)
    rows = [
        (found.query_ids[q], found.reference_ids[int(r)], -float(d))
        for q in range(len(indices))
        for r, d in zip(indices[q], distances[q], strict=True)
    ]
    queries, references, scores = zip(*rows, strict=True)
    return Matches(queries, references, np.array(scores))


def averaged(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the mean of each figure over kinds; all have the same number of queries."""
    return {name: round(float(np.mean([row[name] for row in rows])), 4) for name in ("recall_at_1", "recall_at_half")}


def show(split: str, found: dict[str, Any]) -> None:
    print(f"{split}: matching {found['matching_track']}\n  descriptors {found['descriptor_track']}")
    print(f"  trained {found['trained']}\n  held out {found['held_out']}")
    print(f"  calibration error of first rows {found['calibration_error_of_first_rows']}, seconds {found['seconds']}")
    for kind, row in sorted(found["kinds"].items(), key=lambda item: item[1]["recall_at_1"]):
        figures = "  ".join(
            f"{row[name]:.3f}" for name in ("recall_at_1", "recall_at_half", "recall_at_1_of_descriptors")
        )
        print(f"  {kind + ('*' if kind in HELD_OUT_EDITS else ''):20s} {row['queries']:4d}  {figures}")


if __name__ == "__main__":
    main()
