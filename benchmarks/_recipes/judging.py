"""How recipes are judged: by the package's exact search, and by the metrics that judge all methods of the bench.

Unlike there, a query does not keep its 10 best references: recipes are for the Descriptor Track, whose rule is the best
pairs of all queries together, 10 a query on average.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fingerprint.bench.search import best_of
from fingerprint.challenge import GroundTruth, Matches, evaluate_matches
from fingerprint.challenge.metrics import PAIRS_PER_QUERY
from fingerprint.exact_search import global_nearest
from fingerprint.types import F32, I64


def judge(views: Sequence[F32], references: F32, truth: I64) -> dict[str, float]:
    """Judge vectors as the Descriptor Track does.

    Parameters
    ----------
    views : sequence of float32 arrays, shape (n_q, d)
        Of all queries; the nearest view of a query counts.
    references : float32 array, shape (n_r, d)
    truth : int64 array, shape (n_q,)
        Row of the query's source among the references, or -1.
    """
    n = PAIRS_PER_QUERY * len(truth)
    # A pair is found once for each view at most, so the n best pairs are among so many rows.
    view_idx, rows, distances = global_nearest(np.concatenate(views), references, n * len(views))
    found = best_of(view_idx % len(truth), rows, -distances, len(references))
    best = np.argsort(-found.scores, kind="stable")[:n]
    query_ids = [f"Q{row}" for row in range(len(truth))]
    matches = Matches(
        tuple(query_ids[row] for row in found.query_idx[best]),
        tuple(f"R{row}" for row in found.reference_idx[best]),
        found.scores[best],
    )
    pairs = tuple((query_ids[row], f"R{source}") for row, source in enumerate(truth) if source >= 0)
    unmatched = tuple(query_ids[row] for row, source in enumerate(truth) if source < 0)
    metrics = evaluate_matches(matches, GroundTruth(pairs, unmatched))
    figures = {"micro_ap": metrics.micro_ap, "recall_at_p90": metrics.recall_at_p90, "recall_at_1": metrics.recall_at_1}
    return {name: round(value, 4) for name, value in figures.items()}
