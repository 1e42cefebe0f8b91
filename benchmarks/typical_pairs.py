"""What is measured on typical pairs, a copy and two unrelated photographs: explanations of verdicts start from these.

Photographs of ``DATA/train`` are drawn. Each is compared with a copy of it, made by a chain of edits, and some with all
others; each pair by both looks, whether it deserves the second or not. The medians over all pairs of a kind are written
to ``fingerprint/verify/typical_pairs.json``, which is part of the package.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from _records import ROOT, SEED, header, write

from fingerprint.config import DEFAULT_CONFIG
from fingerprint.edits import random_chain
from fingerprint.features.describe import describe_query, describe_reference
from fingerprint.images.decode import read_rgb
from fingerprint.models import load_models
from fingerprint.types import F64, Fingerprint, Query
from fingerprint.verify.overlap import OVERLAP_NAMES
from fingerprint.verify.score import EVIDENCE_NAMES, evidence_vector, tree_log_odds
from fingerprint.verify.verification import find_agreement

OUT = ROOT / "fingerprint" / "verify" / "typical_pairs.json"
DIGITS = 4
N_EDITS = (1, 3)
N_OTHERS = 2  # photographs that an edit may paste


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with train/")
    parser.add_argument("--photographs", type=int, default=100)
    parser.add_argument("--queries", type=int, default=20, help="photographs that are compared with all others")
    parser.add_argument("--result", type=Path, default=OUT)
    arguments = parser.parse_args()
    models = load_models()
    rng = np.random.default_rng(SEED)
    paths = sorted((arguments.data / "train").glob("*.jpg"))
    drawn = [paths[k] for k in rng.choice(len(paths), arguments.photographs, replace=False)]
    pixels = [read_rgb(path).pixels for path in drawn]
    references = [describe_reference(path, models) for path in drawn]
    copies, unrelated = [], []
    for k, reference in enumerate(references):
        pasted = [pixels[j] for j in rng.choice(np.delete(np.arange(len(drawn)), k), N_OTHERS, replace=False)]
        copies += measured(describe_query(random_chain(pixels[k], rng, pasted, N_EDITS).pixels, models), [reference])
    for k in range(arguments.queries):
        others = references[:k] + references[k + 1 :]
        unrelated += measured(describe_query(drawn[k], models), others)
    kinds = {"copy": copies, "unrelated": unrelated}
    result = {
        **header(arguments.data),
        "pairs": {kind: len(rows) for kind, rows in kinds.items()},
        "log_odds": {
            kind: round(tree_log_odds(np.median(rows, axis=0), models.copies), 2) for kind, rows in kinds.items()
        },
        "medians": {
            name: {kind: round(float(np.median(rows, axis=0)[k]), DIGITS) for kind, rows in kinds.items()}
            for k, name in enumerate((*EVIDENCE_NAMES, *OVERLAP_NAMES))
        },
    }
    write(arguments.result, result, show=False)


def measured(query: Query, references: Sequence[Fingerprint]) -> list[F64]:
    """Return what both looks measure on the pairs that can be laid onto each other."""
    rows = []
    for reference in references:
        agreement = find_agreement(query, reference, DEFAULT_CONFIG.match)
        overlap = agreement.measure_overlap()
        if overlap is not None:
            rows.append(np.concatenate([evidence_vector(agreement.evidence), overlap.measures]))
    return rows


if __name__ == "__main__":
    main()
