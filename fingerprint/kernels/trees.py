"""Boosted trees of which all nodes at one level ask the same question: growing one, and adding up the leaves.

A tree of depth d has d questions, ``x[feature] > threshold``. Their answers, first one highest, are the bits of the
number of the leaf.

Reference: Prokhorenkova et al., *CatBoost: unbiased boosting with categorical features*, NeurIPS 2018, where they are
called oblivious trees.
"""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.compiled import njit
from fingerprint.types import F64, I32, U8, Bool


@njit(cache=True, nogil=True)
def sum_leaves(x: F64, features: I32, thresholds: F64, values: F64) -> float:
    """Return the sum of the leaves that `x` falls into.

    Parameters
    ----------
    x : float64 array, shape (e,)
    features, thresholds : int32 and float64 arrays, shape (n_trees, depth)
        The questions; features are below e.
    values : float64 array, shape (n_trees, 2**depth)
        The leaves.
    """
    total = 0.0
    for tree in range(features.shape[0]):
        leaf = 0
        for level in range(features.shape[1]):
            leaf *= 2
            if x[features[tree, level]] > thresholds[tree, level]:
                leaf += 1
        total += values[tree, leaf]
    return total


@njit(cache=True, nogil=True)
def grow_tree(
    bins: U8,
    n_bins: int,
    gradient: F64,
    hessian: F64,
    allowed: Bool,
    ridge: float,
    least_hessian: float,
    features: I32,
    cuts: I32,
    leaf: I32,
) -> None:
    """Grow one tree, level by level: the question that lowers the loss most, over all nodes of the level together.

    Parameters
    ----------
    bins : uint8 array, shape (e, n)
        Bin of each observation's feature, 0 to `n_bins` - 1.
    n_bins : int
    gradient, hessian : float64 arrays, shape (n,)
        First and second derivatives of the loss of each observation.
    allowed : bool array, shape (e,)
        Features that may be asked about.
    ridge : float
        Added to the second derivatives of a leaf.
    least_hessian : float
        A node is not divided if one side would have less.
    features, cuts : int32 arrays, shape (depth,)
        Written: the features, and the last bin for which the answer is no.
    leaf : int32 array, shape (n,)
        Written: the leaf of each observation.
    """
    n_features, n = bins.shape
    leaf[:] = 0
    for level in range(len(features)):
        n_nodes = 1 << level
        node_gradient, node_hessian = np.zeros(n_nodes), np.zeros(n_nodes)
        for i in range(n):
            node_gradient[leaf[i]] += gradient[i]
            node_hessian[leaf[i]] += hessian[i]
        best, best_feature, best_cut = 0.0, 0, n_bins  # a cut beyond the last bin divides nothing
        by_gradient, by_hessian, gain = np.zeros((n_nodes, n_bins)), np.zeros((n_nodes, n_bins)), np.zeros(n_bins)
        for feature in range(n_features):
            if not allowed[feature]:
                continue
            by_gradient[:] = 0.0
            by_hessian[:] = 0.0
            gain[:] = 0.0
            row = bins[feature]
            for i in range(n):
                by_gradient[leaf[i], row[i]] += gradient[i]
                by_hessian[leaf[i], row[i]] += hessian[i]
            for node in range(n_nodes):
                g, h, all_g, all_h = 0.0, 0.0, node_gradient[node], node_hessian[node]
                whole = all_g * all_g / (all_h + ridge)
                for cut in range(n_bins - 1):
                    g += by_gradient[node, cut]
                    h += by_hessian[node, cut]
                    if h >= least_hessian and all_h - h >= least_hessian:
                        gain[cut] += g * g / (h + ridge) + (all_g - g) ** 2 / (all_h - h + ridge) - whole
            for cut in range(n_bins - 1):
                if gain[cut] > best:
                    best, best_feature, best_cut = gain[cut], feature, cut
        features[level] = best_feature
        cuts[level] = best_cut
        row = bins[best_feature]
        for i in range(n):
            leaf[i] = leaf[i] * 2 + (1 if row[i] > best_cut else 0)
