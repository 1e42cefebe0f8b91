"""Fitting both looks at a pair on copies, look-alikes and unrelated pictures; see `fingerprint.train.pairs`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fingerprint.errors import ConfigError
from fingerprint.kernels.colours import COLOUR_MEASURES
from fingerprint.kernels.overlap import MEASURES
from fingerprint.models import CalibrationModel, TreesModel
from fingerprint.train.boosting import BoostingPlan, fit_calibrated_trees, fit_trees, judge_left_out
from fingerprint.train.fitting import fit_logistic
from fingerprint.train.known_pairs import COPY, SHARED, UNRELATED
from fingerprint.train.pairs import Pair, PairMaker, make_pairs
from fingerprint.types import F64, I64, Bool, StageProgress
from fingerprint.verify.overlap import OVERLAP_NAMES
from fingerprint.verify.score import deserves_second_look, is_promising
from fingerprint.workers import Workers

_PLAN = BoostingPlan()
_PROMISING_PLAN = BoostingPlan(n_trees=600, rate=0.05)
#: Share of the copies that get all of the second look, of those that get some of it.
_KEPT = 0.998
_START = 0.5  # of the log-odds of the first look
#: How many pairs a pair of a kind counts for in the trees for copies; 1 if it is not named. Most pairs are of graphics,
#: and there are few second shots and few surfaces to learn from.
COUNTS = {"graphics": 0.6, "scene": 3.0, "surface": 3.0}
#: Share of the queries whose pairs are learned from as if the references had no colours, as in older collections.
_UNCOLOURED = 0.1


@dataclass(frozen=True, slots=True)
class Calibration:
    """The fitted models of both looks, and facts for the model card."""

    first: CalibrationModel
    ruled_out: CalibrationModel
    promising: TreesModel
    copies: TreesModel
    shared: TreesModel
    facts: dict[str, Any]


def fit_calibration(maker: PairMaker, n_workers: Workers, progress: StageProgress) -> Calibration:
    """Make the calibration set of `maker` and fit both looks on it."""
    pairs = make_pairs(maker, n_workers, progress)
    progress("calibration fits", 0, 1)
    fitted = fit_looks(pairs, maker.train.seed)
    progress("calibration fits", 1, 1)
    return replace(fitted, facts={"n_calibration_queries": len(maker.plan.tasks()), **fitted.facts})


def fit_looks(pairs: Sequence[Pair], seed: int) -> Calibration:
    """Fit both looks on pairs.

    Which pairs get all of the second look is learned from those that are compared on its coarse grid. The trees for
    copies are fitted on the pairs that get all of it. They start from half of the log-odds of the first look: trees
    know little about pairs unlike all that they saw, and then the first look still says something. Whether a pair that
    is no copy shares something is learned from those that are no copies: from all that are compared coarsely, as hardly
    any unrelated ones may be left of the others.
    """
    evidence, overlap = np.stack([p.evidence for p in pairs]), np.stack([p.overlap for p in pairs])
    labels, queries = np.array([p.label for p in pairs]), np.array([p.query for p in pairs])
    forget_colours(overlap, queries, seed)
    numbers = {group: number for number, group in enumerate(dict.fromkeys(p.group for p in pairs))}
    groups = np.array([numbers[p.group] for p in pairs])
    first = CalibrationModel(*fit_logistic(evidence, labels == COPY))
    rng = np.random.default_rng([seed, 3])
    begun = np.array([begins_second_look(pair, first) for pair in pairs])
    promising = _fit_promising(_seen_coarsely(evidence, overlap)[begun], labels[begun], groups[begun], rng)
    closer = np.array([gets_second_look(pair, first, promising) for pair in pairs])
    ruled_out = _fit_ruled_out(evidence[~closer], labels[~closer] == SHARED)
    both = np.column_stack([evidence, overlap])
    counts = counted([str(p.group[0]) for p in pairs])
    copies, shared = (
        fit_calibrated_trees(
            both[rows], labels[rows] == label, groups[rows], queries[rows], _PLAN, rng, start, weighed
        )[0]
        for rows, label, start, weighed in (
            (closer, COPY, first_look_in_part(first, both.shape[1]), counts[closer]),
            (begun & (labels != COPY), SHARED, None, None),
        )
    )
    facts = {
        "n_calibration_pairs": len(pairs),
        "n_calibration_copies": int((labels == COPY).sum()),
        "n_calibration_shared": int((labels == SHARED).sum()),
        "n_second_looks": int(closer.sum()),
    }
    return Calibration(first, ruled_out, promising, copies, shared, facts)


def forget_colours(overlap: F64, queries: I64, seed: int) -> None:
    """Set what is measured of colours to 0, in place, for the pairs of some queries: as for references without colours.

    Parameters
    ----------
    overlap : float64 array, shape (n, len(OVERLAP_NAMES))
        Changed in place.
    queries : int64 array, shape (n,)
        Number of each pair's query.
    seed : int
    """
    columns = np.array([OVERLAP_NAMES.index(name) for name in COLOUR_MEASURES])
    draws = np.random.default_rng([seed, 4]).random(int(queries.max()) + 1)
    forgotten = draws[queries] < _UNCOLOURED
    measured = np.isfinite(overlap[:, columns[0]])
    rows = np.flatnonzero(forgotten & measured)
    overlap[rows[:, np.newaxis], columns] = 0.0


def counted(kinds: Sequence[str]) -> F64:
    """Return how many pairs a pair of each kind counts for in the trees for copies: float64 array, shape (n,)."""
    return np.array([COUNTS.get(kind, 1.0) for kind in kinds])


def begins_second_look(pair: Pair, first: CalibrationModel) -> bool:
    """Return whether a pair is compared on the coarse grid in a search."""
    return bool(np.isfinite(pair.overlap[0])) and deserves_second_look(pair.evidence, first)


def gets_second_look(pair: Pair, first: CalibrationModel, promising: TreesModel) -> bool:
    """Return whether a pair gets all of the second look in a search."""
    coarse = pair.overlap[: len(MEASURES)]
    return begins_second_look(pair, first) and is_promising(coarse, pair.evidence, promising)


def _seen_coarsely(evidence: F64, overlap: F64) -> F64:
    """Return the evidence of pairs that is there when they have been compared on the coarse grid: (n, e)."""
    return np.column_stack([evidence, overlap[:, : len(MEASURES)]])


def _fit_promising(x: F64, labels: I64, groups: I64, rng: np.random.Generator) -> TreesModel:
    """Fit which pairs may be copies or share something; log-odds 0 keep `_KEPT` of copies that were left out."""
    copies = labels == COPY
    if not copies.any():
        raise ConfigError("no copy agrees with its source by the first look; give more training images")
    odds = judge_left_out(x, labels != UNRELATED, groups, _PROMISING_PLAN, rng)
    trees = fit_trees(x, labels != UNRELATED, _PROMISING_PLAN, rng)
    return replace(trees, bias=trees.bias - np.quantile(odds[copies], 1 - _KEPT))


def first_look_in_part(model: CalibrationModel, n: int) -> tuple[F64, float]:
    """Return a part of the first look's log-odds as weights and bias for `n` kinds of evidence, its own first."""
    weights = np.zeros(n)
    weights[: len(model.weights)] = _START * model.weights / model.spread
    return weights, float(_START * model.bias[0] - weights[: len(model.centre)] @ model.centre)


def _fit_ruled_out(evidence: F64, shares: Bool) -> CalibrationModel:
    """Fit whether pairs share something that the first look rules out as copies; a constant if all are of one kind."""
    if shares.any() and not shares.all():
        return CalibrationModel(*fit_logistic(evidence, shares))
    n, share = evidence.shape[1], (shares.sum() + 0.5) / (len(shares) + 1)
    return CalibrationModel(np.zeros(n), np.zeros(n), np.ones(n), np.array([np.log(share / (1 - share))]))
