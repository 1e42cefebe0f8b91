"""Boosted trees: the sum of leaves against a plain loop, and the first question against all others."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingerprint.kernels.trees import grow_tree, sum_leaves
from fingerprint.types import F64, I32, U8

RIDGE, N_BINS = 1.5, 7


def plain_sum(x: F64, features: I32, thresholds: F64, values: F64) -> float:
    total = 0.0
    for questions, limits, leaves in zip(features, thresholds, values, strict=True):
        answers = ["1" if x[f] > t else "0" for f, t in zip(questions, limits, strict=True)]
        total += leaves[int("".join(answers), 2) if answers else 0]
    return float(total)


class TestSumLeaves:
    @given(seed=st.integers(0, 2**32 - 1), n_trees=st.integers(0, 9), depth=st.integers(1, 5))
    def test_against_a_plain_loop(self, seed: int, n_trees: int, depth: int) -> None:
        rng = np.random.default_rng(seed)
        x = rng.integers(-2, 3, 6).astype(float)  # often equal to a threshold
        features = rng.integers(0, 6, (n_trees, depth)).astype(np.int32)
        thresholds = rng.integers(-2, 3, (n_trees, depth)).astype(float)
        thresholds[rng.random((n_trees, depth)) < 0.1] = np.inf
        values = rng.normal(size=(n_trees, 2**depth))
        assert sum_leaves(x, features, thresholds, values) == pytest.approx(
            plain_sum(x, features, thresholds, values), abs=1e-12
        )

    def test_a_threshold_itself_is_not_above_and_nothing_is_above_infinity(self) -> None:
        features, values = np.zeros((1, 1), np.int32), np.array([[-1.0, 1.0]])
        for x, threshold, expected in ((2.0, 2.0, -1), (2.1, 2.0, 1), (1e308, np.inf, -1), (-1.0, -np.inf, 1)):
            assert sum_leaves(np.array([x]), features, np.array([[threshold]]), values) == expected

    def test_the_first_question_is_the_highest_bit(self) -> None:
        features, thresholds = np.array([[0, 1]], np.int32), np.zeros((1, 2))
        values = np.array([[0.0, 1.0, 2.0, 3.0]])
        found = [
            sum_leaves(np.array(x), features, thresholds, values) for x in itertools.product((-1.0, 1.0), repeat=2)
        ]
        assert found == [0, 1, 2, 3]

    def test_no_trees_add_nothing(self) -> None:
        assert sum_leaves(np.zeros(3), np.zeros((0, 0), np.int32), np.zeros((0, 0)), np.zeros((0, 1))) == 0


def data(seed: int, n: int = 200, e: int = 5) -> tuple[U8, F64, F64]:
    """Bins (e, n), gradients and second derivatives."""
    rng = np.random.default_rng(seed)
    bins = rng.integers(0, N_BINS, (e, n)).astype(np.uint8)
    gradient = rng.normal(size=n) - 0.8 * (bins[seed % e] > 3)
    return bins, gradient, rng.uniform(0.05, 0.25, n)


def grow(
    bins: U8, gradient: F64, hessian: F64, depth: int, allowed: list[bool] | None = None, least: float = 0.5
) -> tuple[I32, I32, I32]:
    features, cuts = np.zeros(depth, np.int32), np.zeros(depth, np.int32)
    leaf = np.full(bins.shape[1], 99, np.int32)
    may = np.ones(len(bins), np.bool_) if allowed is None else np.array(allowed)
    grow_tree(bins, N_BINS, gradient, hessian, may, RIDGE, least, features, cuts, leaf)
    return features, cuts, leaf


def gain_of(answer: np.ndarray, node: I32, gradient: F64, hessian: F64, least: float) -> float:
    """By how much a question about all observations lowers the loss, nodes that it must not divide left out."""

    def score(mask: np.ndarray) -> float:
        return float(gradient[mask].sum() ** 2 / (hessian[mask].sum() + RIDGE))

    total = 0.0
    for number in np.unique(node):
        own = node == number
        sides = own & answer, own & ~answer
        if min(hessian[side].sum() for side in sides) >= least:
            total += sum(map(score, sides)) - score(own)
    return total


class TestGrowTree:
    @pytest.mark.parametrize("seed", range(8))
    @pytest.mark.parametrize("least", [0.5, 5.0])
    def test_each_question_is_the_best_of_all(self, seed: int, least: float) -> None:
        bins, gradient, hessian = data(seed)
        features, cuts, leaf = grow(bins, gradient, hessian, 3, least=least)
        node = np.zeros(bins.shape[1], np.int32)
        for feature, cut in zip(features, cuts, strict=True):
            gains = {
                (f, c): gain_of(bins[f] > c, node, gradient, hessian, least)
                for f in range(len(bins))
                for c in range(N_BINS - 1)
            }
            best = max(gains.values())
            if best <= 0:
                assert cut >= N_BINS
            else:
                assert gains[int(feature), int(cut)] == pytest.approx(best)
            node = node * 2 + (bins[feature] > cut)
        np.testing.assert_array_equal(leaf, node)

    def test_asks_about_allowed_features_only(self) -> None:
        bins, gradient, hessian = data(0)
        features, cuts, _ = grow(bins, gradient, hessian, 3, [False, False, True, False, True])
        assert set(features[cuts < N_BINS].tolist()) <= {2, 4}

    @pytest.mark.parametrize("reason", ["none allowed", "no gradient", "all the same", "too few"])
    def test_a_level_may_divide_nothing(self, reason: str) -> None:
        bins, gradient, hessian = data(1)
        allowed, least = [reason != "none allowed"] * len(bins), 1e6 if reason == "too few" else 0.5
        if reason == "no gradient":
            gradient = np.zeros_like(gradient)
        if reason == "all the same":
            bins = np.full_like(bins, 3)
        _, cuts, leaf = grow(bins, gradient, hessian, 2, allowed, least)
        assert (cuts >= N_BINS).all()
        assert (leaf == 0).all()
