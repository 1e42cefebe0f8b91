"""Verify real second shots, listed copies and unrelated pairs, and say how many are called copies.

Second shots are two photographs of one scene or two pictures of one template. They are not copies of each other. The
requirement: at the threshold that keeps 95 % of the copies, at most 5 % of the second shots are called copies.

- Pairs: those of ``second_shot_pairs.csv``. Each is verified in both directions, and the higher log-odds count.
- Copies: one edited copy of each listed picture, 1 to 3 edits, verified against its picture. What is pasted in comes
  from other listed pictures of the same part.

There are two parts: pairs of DATA/references, and pairs of files of public packages. Without ``--packages`` there is
only the first.
"""

from __future__ import annotations

import argparse
import csv
import math
import re
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
import PIL
from _records import RESULTS, SEED, header, write
from PIL import Image

from fingerprint import Verification, compare
from fingerprint.config import DEFAULT_PROFILE, PROFILES, Config, config_for
from fingerprint.edits import random_chain
from fingerprint.images.decode import read_rgb
from fingerprint.models import Models, load_models
from fingerprint.types import U8

PAIRS = Path(__file__).parent / "second_shot_pairs.csv"
PARTS = ("data", "packages")
KINDS = {"second shot": "second_shots", "unrelated": "unrelated", "copy": "listed_copies"}
KEPT = 0.95  # share of the copies at or above the threshold
LEVELS = {"at_half": 0.5, "at_nine_tenths": 0.9}
N_EDITS = (1, 3)
N_OTHERS = 2  # pictures that an edit may paste
QUALITY = (75, 96)  # of the JPEG files
WORKERS = 2

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Pair:
    """A pair of the list."""

    first: str
    second: str
    kind: str
    note: str

    @property
    def part(self) -> str:
        return PARTS[":" in self.first]


@dataclass(frozen=True, slots=True)
class Judged:
    """A pair with the outcome of both directions, or the edited copy of a picture with that of one."""

    part: str
    outcomes: tuple[Verification, ...]
    edits: str = ""

    @property
    def best(self) -> Verification:
        return max(self.outcomes, key=lambda outcome: outcome.log_odds)


class Pictures:
    """The listed pictures, by name: a path below DATA, or ``PACKAGE:PATH`` with ``#N`` for a frame of a film."""

    def __init__(self, data: Path, packages: Path | None) -> None:
        self.data, self.packages = data, packages

    def path(self, name: str) -> Path:
        package, colon, path = name.partition(":")
        if not colon:
            return self.data / name
        assert self.packages is not None
        return self.packages / package / path.partition("#")[0]

    def source(self, name: str) -> Path | U8:
        """Return the file, or the pixels of a film's frame."""
        path, frame = self.path(name), name.partition("#")[2]
        return read_frame(path, int(frame)) if frame else path

    def pixels(self, name: str) -> U8:
        return read_rgb(self.source(name)).pixels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with references/")
    parser.add_argument("--packages", type=Path, help="folder with the unpacked files of each package")
    parser.add_argument("--profile", choices=tuple(PROFILES), default=DEFAULT_PROFILE)
    parser.add_argument("--result", type=Path, default=RESULTS / "second_shots.json")
    arguments = parser.parse_args()
    parts = PARTS if arguments.packages else PARTS[:1]
    pairs = [pair for pair in read_pairs() if pair.part in parts]
    pictures = Pictures(arguments.data, arguments.packages)
    listed = {
        part: sorted({name for pair in pairs if pair.part == part for name in (pair.first, pair.second)})
        for part in parts
    }
    names = [name for part in parts for name in listed[part]]
    if missing := [name for name in names if not pictures.path(name).is_file()]:
        parser.error(f"{len(missing)} listed files are missing, {missing[0]} for one; see benchmarks/README.md")

    models, config = load_models(), config_for(arguments.profile)
    start = time.perf_counter()
    judged = run("pairs", partial(verify_pair, pictures, models, config), pairs)
    copies = run("copies", partial(verify_copy, pictures, listed, models, config), names)
    rows = {part: part_of(part, pairs, judged, copies) for part in parts}
    rows["all"] = part_of(None, pairs, judged, copies)
    result = {
        **header(arguments.data),
        "opencv": cv2.__version__,
        "pillow": PIL.__version__,
        "model_id": models.model_id,
        "calibration_id": models.calibration_id,
        "profile": arguments.profile,
        "seconds": round(time.perf_counter() - start, 1),
        "kept": KEPT,
        "parts": rows,
        "notes": by_note(pairs, judged, rows["all"]["threshold"]["log_odds"]),
        "copies_below_half": [
            f"{name}, {copy.edits}, {copy.best.probability:.3f}"
            for name, copy in zip(names, copies, strict=True)
            if copy.best.probability < LEVELS["at_half"]
        ],
        "pairs": [
            f"{pair.first}, {pair.second}, {pair.kind}, {found.best.probability:.3f}"
            for pair, found in zip(pairs, judged, strict=True)
        ],
    }
    general = {"--packages": "PACKAGES", "--result": "FILE"}
    result["command"] = re.sub(
        r"(--packages|--result)[ =]\S+", lambda found: f"{found[1]} {general[found[1]]}", result["command"]
    )
    write(arguments.result, result, show=False)
    print_table(rows)


def read_pairs() -> list[Pair]:
    with PAIRS.open(encoding="utf-8", newline="") as file:
        return [Pair(row["first"], row["second"], row["kind"], row["note"]) for row in csv.DictReader(file)]


def read_frame(path: Path, number: int) -> U8:
    film = cv2.VideoCapture(str(path))
    try:
        for _ in range(number):  # one by one: going straight to a frame is not exact in all formats
            film.grab()
        found, pixels = film.read()
    finally:
        film.release()
    if not found:
        raise SystemExit(f"{path} has no frame {number}, or OpenCV cannot read it")
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))


def run(name: str, work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Return what `work` makes of each item; OpenCV, Pillow and the kernels let threads use all cores."""
    results = []
    with ThreadPoolExecutor(WORKERS) as pool:
        for result in pool.map(work, items):
            results.append(result)
            if len(results) % 100 == 0 or len(results) == len(items):
                print(f"{name}: {len(results)} of {len(items)}", file=sys.stderr, flush=True)
    return results


def verify_pair(pictures: Pictures, models: Models, config: Config, pair: Pair) -> Judged:
    first, second = pictures.source(pair.first), pictures.source(pair.second)
    directions = ((first, second), (second, first))
    return Judged(pair.part, tuple(compare(query, known, models=models, config=config) for query, known in directions))


def verify_copy(pictures: Pictures, listed: dict[str, list[str]], models: Models, config: Config, name: str) -> Judged:
    """Make an edited copy of a picture, the same in each run, and verify it against the picture."""
    part = PARTS[":" in name]
    rng = np.random.default_rng([SEED, *name.encode()])
    others = [other for other in listed[part] if other != name]
    pasted = [pictures.pixels(others[i]) for i in rng.choice(len(others), N_OTHERS, replace=False)]
    edited = random_chain(pictures.pixels(name), rng, pasted, n_edits=N_EDITS)
    file = BytesIO()
    Image.fromarray(edited.pixels).save(file, "JPEG", quality=int(rng.integers(*QUALITY, endpoint=True)))
    outcome = compare(file.getvalue(), pictures.source(name), models=models, config=config)
    return Judged(part, (outcome,), "+".join(edited.names))


def part_of(
    part: str | None, pairs: Sequence[Pair], judged: Sequence[Judged], copies: Sequence[Judged]
) -> dict[str, Any]:
    """Judge the pairs of a part, or of all parts, by the copies of the same part."""
    own = sorted((copy.best for copy in copies if part in (None, copy.part)), key=lambda copy: -copy.log_odds)
    threshold = own[math.ceil(KEPT * len(own)) - 1]
    row: dict[str, Any] = {
        "copies": len(own),
        **{f"copies_{name}": sum(copy.probability >= level for copy in own) for name, level in LEVELS.items()},
        "threshold": {"probability": round(threshold.probability, 6), "log_odds": round(threshold.log_odds, 4)},
    }
    for kind, key in KINDS.items():
        of_kind = [
            found for pair, found in zip(pairs, judged, strict=True) if pair.kind == kind and part in (None, pair.part)
        ]
        row[key] = counted(of_kind, threshold.log_odds)
    return row


def counted(found: Sequence[Judged], threshold: float) -> dict[str, Any]:
    """Count pairs; a pair is at a level if one of its two directions is."""
    best = [pair.best for pair in found]
    comparisons = [outcome for pair in found for outcome in pair.outcomes]
    counts: dict[str, Any] = {
        "pairs": len(found),
        **{name: sum(outcome.probability >= level for outcome in best) for name, level in LEVELS.items()},
        "at_threshold": sum(outcome.log_odds >= threshold for outcome in best),
        "share_at_threshold": share([outcome.log_odds >= threshold for outcome in best]),
        "share_of_directions_at_threshold": share([outcome.log_odds >= threshold for outcome in comparisons]),
    }
    if all(hasattr(outcome, "shared_probability") for outcome in best):
        counts["relation_shared"] = sum(is_shared(outcome) for outcome in best)
    return counts


def share(flags: Sequence[bool]) -> float:
    return round(sum(flags) / len(flags), 4) if flags else 0.0


def is_shared(outcome: Any) -> bool:
    """Say whether a verification calls the two pictures second shots: engines differ in how they say it, or do not."""
    if hasattr(outcome, "relation"):
        return bool(outcome.relation == "shared")
    shared, copy = outcome.shared_probability, outcome.probability
    return bool(shared >= max(copy, 1 - copy - shared))


def by_note(pairs: Sequence[Pair], judged: Sequence[Judged], threshold: float) -> dict[str, dict[str, int]]:
    """Count the second shots of each note, most pairs first."""
    groups: dict[str, list[Verification]] = {}
    for pair, found in zip(pairs, judged, strict=True):
        if pair.kind == "second shot":
            groups.setdefault(pair.note, []).append(found.best)
    return {
        note: {
            "pairs": len(best),
            "at_half": sum(outcome.probability >= LEVELS["at_half"] for outcome in best),
            "at_threshold": sum(outcome.log_odds >= threshold for outcome in best),
        }
        for note, best in sorted(groups.items(), key=lambda group: -len(group[1]))
    }


def print_table(rows: dict[str, dict[str, Any]]) -> None:
    for part, row in rows.items():
        threshold = row["threshold"]
        print(
            f"{part}: {row['copies']} copies, {row['copies_at_half']} at 0.5; {KEPT:.0%} are kept at probability",
            end="",
        )
        print(f" {threshold['probability']:.4f}, log-odds {threshold['log_odds']:.2f}")
        for key in KINDS.values():
            counts = row[key]
            numbers = (
                f"{counts['pairs']:4d} pairs, >= 0.5: {counts['at_half']:4d}, >= 0.9: {counts['at_nine_tenths']:4d}"
            )
            at = f"at the threshold: {counts['at_threshold']:4d}, {counts['share_at_threshold']:.1%}"
            shared = f", relation shared: {counts['relation_shared']:4d}" if "relation_shared" in counts else ""
            print(f"  {key:14s} {numbers}, {at}{shared}")


if __name__ == "__main__":
    main()
