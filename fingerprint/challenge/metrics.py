"""The challenge's metrics, for both tracks."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from fingerprint.challenge.descriptors import DescriptorSet
from fingerprint.challenge.files import refuse_picture_names
from fingerprint.challenge.ground_truth import GroundTruth
from fingerprint.challenge.matches import Matches
from fingerprint.errors import ChallengeFileError
from fingerprint.exact_search import global_nearest
from fingerprint.types import F64, I64, Bool, Progress

#: Pairs that the Descriptor Track keeps for each labelled query, on average.
PAIRS_PER_QUERY = 10

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Metrics:
    """The challenge's metrics; the denominator of every recall is the number of true pairs.

    Attributes
    ----------
    micro_ap : float
        Micro average precision over all rows of all queries, [0, 1]: submissions are ranked by it.
    recall_at_p90 : float
        Largest recall at any threshold with a precision of at least 0.9, [0, 1]; 0 if there is none.
    threshold_at_p90 : float or None
        The least score to accept for `recall_at_p90`; None if there is none.
    recall_at_1, recall_at_10 : float
        Share of the true pairs whose score no other row (fewer than ten other rows) of the query reaches, [0, 1].
    """

    micro_ap: float
    recall_at_p90: float
    threshold_at_p90: float | None
    recall_at_1: float
    recall_at_10: float


def evaluate_matches(matches: Matches, ground_truth: GroundTruth) -> Metrics:
    """Judge a Matching Track file.

    All rows count. A query that the ground truth does not name matches nothing, so its rows are false positives; to
    judge a file on a labelled part of its queries, give ``matches.of_queries(ground_truth.query_ids)``.

    Parameters
    ----------
    matches : Matches
        Scores rise with likeness. At equal scores the false positives count first.
    ground_truth : GroundTruth
        At least one true pair. Pairs that `matches` does not have cost recall.

    Returns
    -------
    Metrics

    Raises
    ------
    ChallengeFileError
        If the ground truth has no true pair, or `matches` writes its ids with a file extension.

    Examples
    --------
    >>> import numpy as np
    >>> truth = GroundTruth((("Q0", "R0"), ("Q1", "R1")), unmatched_ids=("Q2",))
    >>> matches = Matches(("Q0", "Q2", "Q1"), ("R0", "R5", "R1"), np.array([9.0, 8.0, 7.0]))
    >>> metrics = evaluate_matches(matches, truth)
    >>> round(metrics.micro_ap, 4), metrics.recall_at_p90, metrics.threshold_at_p90
    (0.8333, 0.5, 9.0)
    """
    named = ground_truth.query_ids
    refuse_picture_names(matches.query_ids, named, "matches")
    refuse_picture_names(matches.reference_ids, ground_truth.reference_ids, "matches")
    n_unnamed = sum(query_id not in named for query_id in matches.query_ids)
    if n_unnamed and ground_truth.unmatched_ids:
        _log.warning("%d rows are on queries that the ground truth does not name: they are false positives", n_unnamed)
    true_pairs = frozenset(ground_truth.pairs)
    pairs = zip(matches.query_ids, matches.reference_ids, strict=True)
    is_true = np.fromiter((pair in true_pairs for pair in pairs), np.bool_, len(matches))
    positions: dict[str, int] = {}
    query_idx = [positions.setdefault(query_id, len(positions)) for query_id in matches.query_ids]
    return _metrics(np.array(query_idx, np.int64), matches.scores, is_true, len(true_pairs))


def evaluate_descriptors(
    descriptors: DescriptorSet, ground_truth: GroundTruth, progress: Progress | None = None
) -> Metrics:
    """Judge a Descriptor Track file: exact search over all pairs, then the Matching Track's metrics.

    The labelled queries are searched: the queries of the file that the ground truth names. If it lists only true pairs,
    all queries of the file count as labelled, and those without a pair as unmatched. The ``10 * n_q`` nearest pairs of
    all n_q labelled queries are kept, with the score ``-|q - r|**2``.

    Parameters
    ----------
    descriptors : DescriptorSet
        Compared as they are: norms count.
    ground_truth : GroundTruth
        At least one true pair. Pairs of which `descriptors` lacks the query or the reference cost recall.
    progress : callable, optional
        Called as ``progress(done, total)`` with counts of queries.

    Returns
    -------
    Metrics
        `threshold_at_p90` is a negative squared distance.

    Raises
    ------
    ChallengeFileError
        If the ground truth has no true pair, or `descriptors` writes its ids with a file extension.
    """
    named, named_references = ground_truth.query_ids, ground_truth.reference_ids
    refuse_picture_names(descriptors.query_ids, named, "query descriptors")
    refuse_picture_names(descriptors.reference_ids, named_references, "reference descriptors")
    query, query_ids = descriptors.query, descriptors.query_ids
    if ground_truth.unmatched_ids:
        labelled = [row for row, query_id in enumerate(query_ids) if query_id in named]
        query, query_ids = query[labelled], tuple(query_ids[row] for row in labelled)
    query_rows = {query_id: row for row, query_id in enumerate(query_ids) if query_id in named}
    reference_rows = {name: row for row, name in enumerate(descriptors.reference_ids) if name in named_references}
    n_references = len(descriptors.reference_ids)
    true_cells = [
        query_rows[query_id] * n_references + reference_rows[reference_id]
        for query_id, reference_id in ground_truth.pairs
        if query_id in query_rows and reference_id in reference_rows
    ]
    if n_absent := len(ground_truth.pairs) - len(true_cells):
        _log.warning("%d true pairs have no descriptor on one side or both: they count as missed", n_absent)
    n_pairs = PAIRS_PER_QUERY * max(1, len(query_ids))
    query_idx, reference_idx, distances = global_nearest(query, descriptors.reference, n_pairs, progress)
    is_true = np.isin(query_idx * n_references + reference_idx, np.array(true_cells, np.int64))
    return _metrics(query_idx, 0.0 - distances, is_true, len(ground_truth.pairs))


def _metrics(query_idx: I64, scores: F64, is_true: Bool, n_true_pairs: int) -> Metrics:
    if n_true_pairs == 0:
        raise ChallengeFileError("ground truth: no query has a reference: no metric is defined, give at least one pair")
    order = np.lexsort((is_true, -scores))  # the worst case: at equal scores the false positives first
    hits = is_true[order]
    n_hits, n_rows = np.cumsum(hits), np.arange(1, len(hits) + 1)
    precise = 10 * n_hits >= 9 * n_rows  # in integers: nine of ten is 0.9 exactly
    hits_at_p90, threshold = 0, None
    if precise.any():
        at = int(np.where(precise, n_hits, 0).argmax())
        hits_at_p90, threshold = int(n_hits[at]), float(scores[order[at]])
    ranks = _ranks(query_idx, scores, is_true)
    return Metrics(
        micro_ap=float((n_hits / n_rows)[hits].sum() / n_true_pairs),
        recall_at_p90=hits_at_p90 / n_true_pairs,
        threshold_at_p90=threshold,
        recall_at_1=int((ranks < 1).sum()) / n_true_pairs,
        recall_at_10=int((ranks < 10).sum()) / n_true_pairs,
    )


def _ranks(query_idx: I64, scores: F64, is_true: Bool) -> I64:
    """Return for each true row how many other rows of its query have its score or a higher one."""
    order = np.lexsort((scores, query_idx))
    by_query, ascending = query_idx[order], scores[order]
    true_queries = query_idx[is_true]
    starts, stops = np.searchsorted(by_query, true_queries), np.searchsorted(by_query, true_queries, side="right")
    rows = zip(starts, stops, scores[is_true], strict=True)
    return np.array([stop - start - np.searchsorted(ascending[start:stop], score) - 1 for start, stop, score in rows])
