"""Fitting boosted trees to evidence, so that the sum of their leaves is a calibrated log-odds.

References
----------
Friedman, *Greedy function approximation: a gradient boosting machine*, Annals of Statistics 2001; Platt, *Probabilistic
outputs for support vector machines*, 1999 (the straight line that calibrates scores).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from fingerprint.errors import ConfigError
from fingerprint.kernels.trees import grow_tree
from fingerprint.models import TreesModel
from fingerprint.types import F64, I64, U8, Bool
from fingerprint.verify.score import tree_log_odds

_N_BINS = 64
_N_FOLDS = 10
_LEAST_CURVATURE = 1e-6  # of the loss of one pair, so that a pair that is certain still has a step


@dataclass(frozen=True, slots=True)
class BoostingPlan:
    """How trees are grown; chosen by leaving whole families of graphics out of the fit.

    Attributes
    ----------
    n_trees, depth : int
    rate : float
        What a leaf adds, as a part of the step that would be best by itself.
    ridge : float
        See `fingerprint.kernels.trees.grow_tree`.
    least_hessian : float
        The same.
    share : float, (0, 1]
        Share of the features, drawn for each tree, that it may ask about.
    """

    n_trees: int = 2000
    depth: int = 6
    rate: float = 0.08
    ridge: float = 5.0
    least_hessian: float = 2.0
    share: float = 0.1


def fit_trees(
    x: F64,
    y: Bool,
    plan: BoostingPlan,
    rng: np.random.Generator,
    start: tuple[F64, float] | None = None,
    counts: F64 | None = None,
) -> TreesModel:
    """Fit trees that add up to the log-odds that `y` is true.

    Parameters
    ----------
    x : float64 array, shape (n, e)
    y : bool array, shape (n,)
    plan : BoostingPlan
    rng : numpy.random.Generator
        Draws the features that each tree may ask about.
    start : weights and bias, optional
        A linear function of `x` that the trees correct, weights of shape (e,); the share of true `y` by default.
    counts : float64 array, shape (n,), optional
        How many pairs each pair counts for; 1 by default.

    Raises
    ------
    ConfigError
        If `y` is the same everywhere.
    """
    if y.all() or not y.any():
        raise ConfigError("trees need pairs of both kinds to tell apart; give more training images")
    edges = [np.unique(np.quantile(column, np.linspace(0, 1, _N_BINS + 1)[1:-1])) for column in x.T]
    bins: U8 = np.stack([np.searchsorted(e, column) for e, column in zip(edges, x.T, strict=True)]).astype(np.uint8)
    truth = y.astype(np.float64)
    counts = np.ones(len(y)) if counts is None else counts
    share = float(counts @ truth / counts.sum())
    weights, bias = start or (np.zeros(x.shape[1]), float(np.log(share / (1 - share))))
    odds = x @ weights + bias
    features = np.zeros((plan.n_trees, plan.depth), np.int32)
    thresholds = np.zeros((plan.n_trees, plan.depth))
    values = np.zeros((plan.n_trees, 1 << plan.depth))
    cuts, leaf = np.zeros(plan.depth, np.int32), np.zeros(len(y), np.int32)
    for tree in range(plan.n_trees):
        p = expit(odds)
        gradient, hessian = counts * (p - truth), counts * np.maximum(p * (1 - p), _LEAST_CURVATURE)
        allowed: Bool = np.asarray(rng.random(x.shape[1]) < plan.share)
        grow_tree(bins, _N_BINS, gradient, hessian, allowed, plan.ridge, plan.least_hessian, features[tree], cuts, leaf)
        for level, (feature, cut) in enumerate(zip(features[tree], cuts, strict=True)):
            thresholds[tree, level] = edges[feature][cut] if cut < len(edges[feature]) else np.inf
        sums = np.bincount(leaf, gradient, 1 << plan.depth), np.bincount(leaf, hessian, 1 << plan.depth)
        values[tree] = -plan.rate * sums[0] / (sums[1] + plan.ridge)
        odds += values[tree, leaf]
    return TreesModel(features, thresholds, values, weights, np.array([bias]))


def fit_calibrated_trees(
    x: F64,
    y: Bool,
    groups: I64,
    queries: I64,
    plan: BoostingPlan,
    rng: np.random.Generator,
    start: tuple[F64, float] | None = None,
    counts: F64 | None = None,
) -> tuple[TreesModel, F64]:
    """Fit trees, and make them as sure as they may be about kinds of pictures that they were not fitted on.

    Each tenth of the groups is judged by trees that were fitted on the others. A straight line through these log-odds
    is then applied to the trees that are fitted on everything. The line is fitted on the first row of each query, as
    users look at those, each counted once.

    Parameters
    ----------
    x, y, plan, rng, start, counts
        As in `fit_trees`.
    groups : int64 array, shape (n,)
        Pairs of one group are left out together.
    queries : int64 array, shape (n,)
        Number of each pair's query.

    Returns
    -------
    trees : TreesModel
    left_out : float64 array, shape (n,)
        Calibrated log-odds of each pair by trees that were not fitted on its group.
    """
    left_out = judge_left_out(x, y, groups, plan, rng, start, counts)
    order = np.lexsort([-left_out, queries])
    first = order[np.unique(queries[order], return_index=True)[1]]
    slope, shift = _fit_line(left_out[first], y[first])
    trees = fit_trees(x, y, plan, rng, start, counts)
    calibrated = replace(
        trees, values=trees.values * slope, weights=trees.weights * slope, bias=trees.bias * slope + shift
    )
    return calibrated, left_out * slope + shift


def judge_left_out(
    x: F64,
    y: Bool,
    groups: I64,
    plan: BoostingPlan,
    rng: np.random.Generator,
    start: tuple[F64, float] | None = None,
    counts: F64 | None = None,
) -> F64:
    """Return log-odds of each pair by trees that were not fitted on its group: float64 array, shape (n,).

    Parameters and errors as in `fit_calibrated_trees`; the log-odds are not calibrated.
    """
    names = np.unique(groups)
    fold = dict(zip(names.tolist(), rng.permutation(len(names)) % _N_FOLDS, strict=True))
    folds = np.array([fold[group] for group in groups.tolist()])
    left_out = np.zeros(len(y))
    for number in range(_N_FOLDS):
        out = folds == number
        if out.any():
            trees = fit_trees(x[~out], y[~out], plan, rng, start, None if counts is None else counts[~out])
            left_out[out] = [tree_log_odds(row, trees) for row in x[out]]
    return left_out


def _fit_line(odds: F64, y: Bool) -> tuple[float, float]:
    """Return the slope and the shift that make log-odds most likely."""

    def loss(line: F64) -> tuple[float, F64]:
        z = line[0] * odds + line[1]
        miss = expit(z) - y
        return float((np.logaddexp(0, z) - y * z).sum()), np.array([(miss * odds).sum(), miss.sum()])

    slope, shift = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=[(0.05, 5), (-10, 10)]).x
    return float(slope), float(shift)
