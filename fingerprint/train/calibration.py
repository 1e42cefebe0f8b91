"""Fitting both looks at a pair on copies, look-alikes and unrelated pictures; see `fingerprint.train.pairs`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fingerprint.kernels.overlap import MEASURES
from fingerprint.models import CalibrationModel, TreesModel
from fingerprint.train.boosting import BoostingPlan, fit_calibrated_trees
from fingerprint.train.fitting import fit_logistic
from fingerprint.train.pairs import COPY, SHARED, Pair, PairMaker, make_pairs
from fingerprint.types import F64, Bool, StageProgress
from fingerprint.verify.score import agrees_somewhere, deserves_second_look
from fingerprint.workers import Workers

_PLAN = BoostingPlan()
_START = 0.5  # of the log-odds of the first look


@dataclass(frozen=True, slots=True)
class Calibration:
    """The fitted models of both looks, and facts for the model card."""

    first: CalibrationModel
    ruled_out: CalibrationModel
    copies: TreesModel
    shared: TreesModel
    facts: dict[str, Any]


def fit_calibration(maker: PairMaker, n_workers: Workers, progress: StageProgress) -> Calibration:
    """Make the calibration set of `maker` and fit both looks on it."""
    pairs = make_pairs(maker, n_workers, progress)
    progress("calibration fits", 0, 1)
    fitted = fit_looks(pairs, maker.train.seed)
    progress("calibration fits", 1, 1)
    return replace(fitted, facts={"n_calibration_queries": len(maker.tasks()), **fitted.facts})


def fit_looks(pairs: Sequence[Pair], seed: int) -> Calibration:
    """Fit both looks on pairs.

    The trees are fitted on the pairs that get a second look. Those for copies start from half of the log-odds of the
    first look: trees know little about pairs unlike all that they saw, and then the first look still says something.
    Whether a pair that is no copy shares something is learned from those that are no copies.
    """
    evidence, overlap = np.stack([p.evidence for p in pairs]), np.stack([p.overlap for p in pairs])
    labels, queries = np.array([p.label for p in pairs]), np.array([p.query for p in pairs])
    numbers = {group: number for number, group in enumerate(dict.fromkeys(p.group for p in pairs))}
    groups = np.array([numbers[p.group] for p in pairs])
    first = CalibrationModel(*fit_logistic(evidence, labels == COPY))
    closer = np.array([gets_second_look(pair, first) for pair in pairs])
    ruled_out = _fit_ruled_out(evidence[~closer], labels[~closer] == SHARED)
    both, rng = np.column_stack([evidence, overlap]), np.random.default_rng([seed, 3])
    copies, shared = (
        fit_calibrated_trees(both[rows], labels[rows] == label, groups[rows], queries[rows], _PLAN, rng, start)[0]
        for rows, label, start in (
            (closer, COPY, first_look_in_part(first, both.shape[1])),
            (closer & (labels != COPY), SHARED, None),
        )
    )
    facts = {
        "n_calibration_pairs": len(pairs),
        "n_calibration_copies": int((labels == COPY).sum()),
        "n_calibration_shared": int((labels == SHARED).sum()),
        "n_second_looks": int(closer.sum()),
    }
    return Calibration(first, ruled_out, copies, shared, facts)


def gets_second_look(pair: Pair, first: CalibrationModel) -> bool:
    """Return whether a pair gets all of the second look in a search."""
    if not np.isfinite(pair.overlap[0]) or not deserves_second_look(pair.evidence, first):
        return False
    return agrees_somewhere(pair.overlap[: len(MEASURES)], pair.evidence, first)


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
