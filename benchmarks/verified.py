"""Which candidates are worth verifying, and which pairs are worth all of the second look.

``--collection`` has DATA's references. Each of DATA's queries, and strong edits of DATA's references, get one look, in
which every candidate is verified with all of the second look. What is written, for both sets:

- ``found``: true pairs with a probability of 0.5 or more;
- ``rules``: for each rule by which candidates may be chosen, how many a query has that no rule before it chooses
  (``pairs``), and how many of the true pairs are among these (``found``);
- ``second_look``: for least log-odds that a pair is promising, judged on the coarse grid, the share of the second looks
  that end there (``ended``), and how many true pairs with a probability of 0.5, and of 0.02, are lost by that. Models
  are trained so that 0 is the least.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from _records import RESULTS, SEED, header, write

from fingerprint.challenge import read_ground_truth
from fingerprint.config import config_for
from fingerprint.features.describe import describe_query
from fingerprint.features.signatures import Voters
from fingerprint.images.decode import read_rgb
from fingerprint.images.find import find_images
from fingerprint.index import Reader
from fingerprint.kernels.overlap import MEASURES
from fingerprint.models import Models, load_models
from fingerprint.tracks import challenge_id
from fingerprint.types import U8, Query
from fingerprint.verify.score import deserves_second_look, evidence_vector, judge, tree_log_odds
from fingerprint.verify.verification import find_agreement

RULES = (
    "first by words",
    "hashes within 8",
    "first by descriptor",
    "3 by votes",
    "7 by votes",
    "12 by votes",
    "all others",
)
LEAST = (-1.0, -0.5, 0.0, 0.5, 1.0)
SUSPECTED = math.log(0.02 / 0.98)
_EVERY = 40  # references of which edits are made
_CONFIG = config_for("fast")


@dataclass(frozen=True, slots=True)
class Verified:
    """A candidate of a query: the first rule that chooses it, and what verification says.

    `promising` is None without a second look.
    """

    true: bool
    rule: int
    log_odds: float
    promising: float | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--collection", type=Path, required=True)
    parser.add_argument("--json", type=Path, default=RESULTS / "verified.json")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    models = load_models()
    truth = dict(read_ground_truth(arguments.data / "ground_truth.csv").pairs)
    with Reader.open(arguments.collection, models, _CONFIG) as reader:
        queries = find_images([arguments.data / "queries"])[0]
        asked = ((describe_query(path, models, _CONFIG), truth.get(path.stem)) for path in queries)
        edits = (
            (describe_query(pixels, models, _CONFIG), name)
            for name, pixels in strong_edits(arguments.data / "references")
        )
        sets = {"queries": verify_all(asked, reader, models), "strong edits": verify_all(edits, reader, models)}
    write(
        arguments.json,
        header(arguments.data)
        | {"model_id": models.model_id, "calibration_id": models.calibration_id}
        | {name: summary(found) for name, found in sets.items()},
    )


def verify_all(queries: Iterator[tuple[Query, str | None]], reader: Reader, models: Models) -> list[list[Verified]]:
    """Return all candidates of each query, verified."""
    return [verify_candidates(query, source, reader, models) for query, source in queries]


def verify_candidates(query: Query, source: str | None, reader: Reader, models: Models) -> list[Verified]:
    """Return all candidates of one query, verified."""
    candidates, voters = reader.select_candidates(query)[0], Voters(query.variants, _CONFIG.match)
    votes = [float(voters.votes(c.keypoints, c.variants).max()) for c in candidates]
    rank = {at: k for k, at in enumerate(sorted(range(len(votes)), key=lambda at: (-votes[at], at)))}
    ((first_by_descriptor,),) = reader.nearest_vectors(query.descriptor[np.newaxis], query.model_id, 1)
    found = []
    for at, candidate in enumerate(candidates):
        reference = candidate.load()
        bits = int(np.bitwise_count(query.hashes ^ reference.hashes).min())
        chosen = (
            at == 0,
            bits <= _CONFIG.candidates.hash_distance and not query.flat,
            candidate.reference_id == first_by_descriptor.reference_id,
            *(rank[at] < n and votes[at] >= 2 for n in (3, 7, 12)),
            True,
        )
        agreement = find_agreement(query, reference, _CONFIG.match)
        evidence = evidence_vector(agreement.evidence)
        overlap = agreement.measure_overlap() if deserves_second_look(evidence, models.calibration) else None
        measures = None if overlap is None else overlap.measures
        true = source is not None and challenge_id(candidate.reference_id) == source
        odds = judge(evidence, measures, models).log_odds
        promising = None
        if measures is not None:
            promising = tree_log_odds(np.concatenate([evidence, measures[: len(MEASURES)]]), models.promising)
        found.append(Verified(true, chosen.index(True), odds, promising))
    return found


def summary(queries: Sequence[Sequence[Verified]]) -> dict[str, Any]:
    """Return what the module's docstring says."""
    pairs = [pair for found in queries for pair in found]
    looked = [pair for pair in pairs if pair.promising is not None]
    rules = {}
    for rule, name in enumerate(RULES):
        chosen = [pair for pair in pairs if pair.rule == rule]
        rules[name] = {
            "pairs": round(len(chosen) / len(queries), 2),
            "found": sum(pair.true and pair.log_odds > 0 for pair in chosen),
        }
    ended: dict[str, Mapping[str, float]] = {}
    for least in LEAST:
        lost = [pair for pair in looked if pair.promising is not None and pair.promising < least]
        ended[str(least)] = {
            "ended": round(len(lost) / max(1, len(looked)), 3),
            "lost_at_0.5": sum(pair.true and pair.log_odds > 0 for pair in lost),
            "lost_at_0.02": sum(pair.true and pair.log_odds > SUSPECTED for pair in lost),
        }
    return {
        "n_queries": len(queries),
        "found": sum(pair.true and pair.log_odds > 0 for pair in pairs),
        "rules": rules,
        "second_looks": round(len(looked) / len(queries), 2),
        "second_look": ended,
    }


def strong_edits(references: Path) -> Iterator[tuple[str, U8]]:
    """Yield the id of a reference and an edited copy of it, for many references and each of the edits."""
    rng = np.random.default_rng(SEED)
    for path in find_images([references])[0][::_EVERY]:
        picture = read_rgb(path, at_least=_CONFIG.decode_side).pixels
        height, width = picture.shape[:2]
        for share in (0.015, 0.03, 0.06):
            yield path.stem, np.asarray(cv2.GaussianBlur(picture, (0, 0), share * max(height, width)), np.uint8)
        for side in (24, 40, 64):
            yield path.stem, resized(picture, side * width / max(height, width), side * height / max(height, width))
        small = resized(picture, 24, 24 * height / width)
        yield path.stem, np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)
        yield path.stem, resized(picture, 500, 180)
        noisy = picture + rng.normal(0, 70, picture.shape)
        yield path.stem, np.clip(noisy, 0, 255).astype(np.uint8)
        down, across = int(0.3 * height), int(0.3 * width)
        top, left = int(rng.integers(0, height - down)), int(rng.integers(0, width - across))
        yield path.stem, np.ascontiguousarray(picture[top : top + down, left : left + across])


def resized(picture: U8, width: float, height: float) -> U8:
    size = max(1, round(width)), max(1, round(height))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


if __name__ == "__main__":
    main()
