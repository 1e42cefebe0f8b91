"""Judging results: metrics, intervals by bootstrap over queries, recall by kind of edit, tests between two methods.

References
----------
Efron and Tibshirani, *An Introduction to the Bootstrap*, 1993 (percentile intervals); McNemar, *Note on the sampling
error of the difference between correlated proportions*, Psychometrika 1947 (exact test on discordant pairs).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fingerprint.bench.files import Costs, Result, SetResults, pairs_path
from fingerprint.challenge import GroundTruth, Matches, Metrics, evaluate_matches
from fingerprint.errors import ConfigError
from fingerprint.types import F64, I64, Bool

RESAMPLES, SEED, LEVEL = 1000, 0, 0.95


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One row of the comparison: a method, raw or background-normalised.

    Attributes
    ----------
    method, title, row : str
    metrics : Metrics
        As `fingerprint.challenge` judges the pairs.
    interval : tuple of float
        Of the µAP, for 95 % of the resamples.
    costs : Costs
    curve : float64 array, shape (2, n)
        Recall and precision after each row of the ranking that is a hit.
    ranked_first : frozenset of str
        Queries whose reference is ranked first, before all others.
    by_edit : mapping of str to float
        Share of the queries with an edit whose reference is ranked first.
    samples : float64 array, shape (n_resamples,)
        µAP of each resample; the resamples are the same for all rows of a comparison.
    """

    method: str
    title: str
    row: str
    metrics: Metrics
    interval: tuple[float, float]
    costs: Costs
    curve: F64
    ranked_first: frozenset[str]
    by_edit: Mapping[str, float]
    samples: F64

    @property
    def label(self) -> str:
        """Name of the row in tables and pictures."""
        return self.method if self.row == "raw" else f"{self.method}, {self.row}"


@dataclass(frozen=True, slots=True)
class Difference:
    """One row against the best.

    Attributes
    ----------
    first, second : str
        Labels.
    micro_ap : float
        µAP of the first minus that of the second.
    interval : tuple of float
        Of this difference, for 95 % of the resamples.
    p_value : float
        Two-sided: twice the share of the resamples in which the difference has the other sign or is zero. At least
        2 / (n + 1).
    only_first, only_second : int
        Copies that only one of the two ranks first.
    p_value_first : float
        McNemar's exact test on these two numbers.
    """

    first: str
    second: str
    micro_ap: float
    interval: tuple[float, float]
    p_value: float
    only_first: int
    only_second: int
    p_value_first: float


def judge(found: SetResults, resamples: int = RESAMPLES, seed: int = SEED) -> tuple[Row, ...]:
    """Judge all rows of all results on a set.

    Parameters
    ----------
    found : SetResults
    resamples : int
        Of the bootstrap, at least 20.
    seed : int

    Returns
    -------
    tuple of Row
        Highest µAP first.
    """
    if resamples < 20:
        raise ConfigError(f"{resamples} resamples: give at least 20")
    draws = _draws(len(found.query_ids), resamples, seed)
    position = {name: row for row, name in enumerate(found.query_ids)}
    n_true = np.zeros(len(position), np.int64)
    for query_id, _ in found.truth.pairs:
        n_true[position[query_id]] += 1
    rows = [_row(found, result, name, position, n_true, draws) for result in found.results for name in result.rows]
    return tuple(sorted(rows, key=lambda row: (-row.metrics.micro_ap, row.label)))


def _row(found: SetResults, result: Result, name: str, position: Mapping[str, int], n_true: I64, draws: I64) -> Row:
    matches = result.read(name)
    if unknown := sorted(set(matches.query_ids) - position.keys()):
        path = pairs_path(result.folder, name)
        raise ConfigError(f"{path}: no query of the set is called {unknown[0]!r}: run the method with --again")
    query_idx, hits = ranking(matches, found.truth, position)
    samples = resampled_precision(query_idx, hits, n_true, draws)
    first = ranked_first(matches, found.truth)
    return Row(
        method=result.name,
        title=result.title,
        row=name,
        metrics=evaluate_matches(matches, found.truth),
        interval=interval_of(samples),
        costs=result.costs,
        curve=precision_curve(hits, int(n_true.sum())),
        ranked_first=first,
        by_edit=recall_by_edit(first, found.truth, found.edits),
        samples=samples,
    )


def ranking(matches: Matches, truth: GroundTruth, position: Mapping[str, int]) -> tuple[I64, Bool]:
    """Return the query and whether it is a hit of each row, in the order in which the judge counts them.

    Returns
    -------
    query_idx : int64 array, shape (n,)
        Position of the query in the set.
    hits : bool array, shape (n,)
    """
    true_pairs = frozenset(truth.pairs)
    pairs = zip(matches.query_ids, matches.reference_ids, strict=True)
    is_true = np.fromiter((pair in true_pairs for pair in pairs), np.bool_, len(matches))
    query_idx = np.fromiter((position[name] for name in matches.query_ids), np.int64, len(matches))
    order = np.lexsort((is_true, -matches.scores))  # at equal scores the false positives first, as the judge does
    return query_idx[order], is_true[order]


def precision_curve(hits: Bool, n_true: int) -> F64:
    """Return recall and precision at each hit of a ranking: float64 array, shape (2, n_hits)."""
    at = np.flatnonzero(hits)
    n_hits = np.arange(1, len(at) + 1)
    return np.stack([n_hits / n_true, n_hits / (at + 1)])


def _draws(n_queries: int, resamples: int, seed: int) -> I64:
    """Return how often each query is drawn in each resample: int64 array, shape (resamples, n_queries)."""
    rng = np.random.default_rng(seed)
    return np.stack(
        [np.bincount(rng.integers(n_queries, size=n_queries), minlength=n_queries) for _ in range(resamples)]
    )


def resampled_precision(query_idx: I64, hits: Bool, n_true: I64, draws: I64) -> F64:
    """Return the micro average precision of each resample of the queries.

    Parameters
    ----------
    query_idx, hits : arrays, shape (n,)
        A ranking, as from `ranking`.
    n_true : int64 array, shape (n_queries,)
        True pairs of each query.
    draws : int64 array, shape (n_resamples, n_queries)
        How often each query is drawn. A query drawn twice counts as two queries with the same rows.

    Returns
    -------
    float64 array, shape (n_resamples,)
        0 where no query with a true pair is drawn.
    """
    found = np.zeros(len(draws))
    for number, counts in enumerate(draws):
        drawn = np.repeat(hits, counts[query_idx])
        at = np.flatnonzero(drawn)
        total = int(n_true @ counts)
        found[number] = (np.arange(1, len(at) + 1) / (at + 1)).sum() / total if total else 0.0
    return found


def interval_of(samples: F64) -> tuple[float, float]:
    """Return the percentiles between which 95 % of some samples lie."""
    low, high = np.quantile(samples, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def ranked_first(matches: Matches, truth: GroundTruth) -> frozenset[str]:
    """Return the queries of which a true pair has a higher score than all other rows of the query."""
    true_pairs = frozenset(truth.pairs)
    best_true: dict[str, float] = {}
    best_false: dict[str, float] = {}
    for query_id, reference_id, score in zip(
        matches.query_ids, matches.reference_ids, matches.scores.tolist(), strict=True
    ):
        best = best_true if (query_id, reference_id) in true_pairs else best_false
        best[query_id] = max(score, best.get(query_id, -math.inf))
    return frozenset(name for name, score in best_true.items() if score > best_false.get(name, -math.inf))


def recall_by_edit(
    first: frozenset[str], truth: GroundTruth, edits: Mapping[str, Sequence[str]]
) -> Mapping[str, float]:
    """Return for each kind of edit the share of the copies with it whose reference is ranked first."""
    copies = {query_id for query_id, _ in truth.pairs}
    return {
        name: len(queries & first) / len(queries) for name, queries in sorted(queries_by_edit(copies, edits).items())
    }


def queries_by_edit(copies: set[str], edits: Mapping[str, Sequence[str]]) -> Mapping[str, set[str]]:
    """Return the copies that were made with each kind of edit."""
    groups: dict[str, set[str]] = {}
    for query_id, chain in edits.items():
        if query_id in copies:
            for name in chain:
                groups.setdefault(name, set()).add(query_id)
    return groups


def copies_by_edit(found: SetResults) -> Mapping[str, int]:
    """Return how many copies were made with each kind of edit."""
    copies = {query_id for query_id, _ in found.truth.pairs}
    return {name: len(queries) for name, queries in queries_by_edit(copies, found.edits).items()}


def better_rows(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return the first row of each method: what is ranked first is the same in both, but for rounding."""
    best: dict[str, Row] = {}
    for row in rows:
        best.setdefault(row.method, row)
    return tuple(best.values())


def differences(rows: Sequence[Row]) -> tuple[Difference, ...]:
    """Compare the best row with each of the others."""
    return tuple(difference(rows[0], other) for other in rows[1:])


def difference(first: Row, second: Row) -> Difference:
    """Compare two rows on the same resamples and the same queries."""
    gaps = first.samples - second.samples
    gap = first.metrics.micro_ap - second.metrics.micro_ap
    against = int((gaps <= 0).sum() if gap >= 0 else (gaps >= 0).sum())
    only_first = len(first.ranked_first - second.ranked_first)
    only_second = len(second.ranked_first - first.ranked_first)
    return Difference(
        first.label,
        second.label,
        gap,
        interval_of(gaps),
        min(1.0, 2 * (against + 1) / (len(gaps) + 1)),
        only_first,
        only_second,
        mcnemar(only_first, only_second),
    )


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the p-value of McNemar's exact test, two-sided.

    Examples
    --------
    >>> mcnemar(0, 5), mcnemar(3, 3)
    (0.0625, 1.0)
    """
    n, least = only_first + only_second, min(only_first, only_second)
    below = sum(math.comb(n, k) for k in range(least + 1))
    return min(1.0, float(2 * below / 2**n))
