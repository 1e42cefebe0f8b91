"""Boosted trees: what they learn that a straight line cannot, and how sure they are about groups left out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from fingerprint.errors import ConfigError
from fingerprint.models import TreesModel
from fingerprint.train.boosting import BoostingPlan, fit_calibrated_trees, fit_trees
from fingerprint.train.fitting import fit_logistic
from fingerprint.types import F64, I64, Bool
from fingerprint.verify.score import tree_log_odds

PLAN = BoostingPlan(n_trees=60, depth=3, rate=0.15, share=0.7)


def rng_of(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def odds_of(x: F64, model: TreesModel) -> F64:
    return np.array([tree_log_odds(row, model) for row in x])


def log_loss(odds: F64, y: Bool) -> float:
    return float((np.logaddexp(0, odds) - y * odds).mean())


def exclusive(seed: int, n: int = 600) -> tuple[F64, Bool]:
    """True where one of two numbers is positive, not both; two further numbers mean nothing."""
    x = rng_of(seed).normal(size=(n, 4))
    return x, (x[:, 0] > 0) ^ (x[:, 1] > 0)


def families(seed: int, n_groups: int = 40, n: int = 50) -> tuple[F64, Bool, I64]:
    """Noisy labels of groups that differ: a part of the log-odds belongs to the group and cannot be learned."""
    rng = rng_of(seed)
    groups = np.repeat(np.arange(n_groups), n)
    x = rng.normal(size=(n_groups * n, 6))
    x[:, 5] = rng.normal(size=n_groups)[groups]  # says which group it is
    odds = 1.5 * x[:, 0] - x[:, 1] * (x[:, 2] > 0) - 0.5 + rng.normal(0, 0.7, n_groups)[groups]
    return x, rng.random(len(x)) < expit(odds), groups.astype(np.int64)


def calibration_error(odds: F64, y: Bool) -> float:
    """Mean difference, in ten bins of equal size, between probability and share."""
    order = np.argsort(odds)
    return float(np.mean([abs(expit(odds[part]).mean() - y[part].mean()) for part in np.array_split(order, 10)]))


class TestFitTrees:
    def test_a_pair_that_counts_for_three_is_as_good_as_three(self) -> None:
        rng = rng_of(9)
        x = rng.integers(0, 2, (400, 4)).astype(float)  # so that cuts do not depend on how many there are
        y = rng.random(400) < 0.2 + 0.5 * (x[:, 0] == x[:, 1])
        counts = np.where(x[:, 2] > 0, 3.0, 1.0)
        times = counts.astype(int)
        counted = fit_trees(x, y, PLAN, rng_of(1), counts=counts)
        repeated = fit_trees(x.repeat(times, axis=0), y.repeat(times), PLAN, rng_of(1))
        np.testing.assert_allclose(odds_of(x, counted), odds_of(x, repeated), atol=1e-9)
        assert not np.allclose(odds_of(x, counted), odds_of(x, fit_trees(x, y, PLAN, rng_of(1))), atol=0.01)

    def test_separate_what_a_straight_line_cannot(self) -> None:
        x, y = exclusive(0)
        model = fit_trees(x, y, PLAN, rng_of(1))
        new, truth = exclusive(2)
        assert ((odds_of(new, model) > 0) == truth).mean() > 0.95
        weights, centre, spread, bias = fit_logistic(x, y)
        assert (((new - centre) / spread @ weights + bias[0] > 0) == truth).mean() < 0.6
        assert set(model.features[:, 0].tolist()) <= {0, 1, 2, 3}

    def test_more_trees_lower_the_loss(self) -> None:
        x, y, _ = families(0, 10)
        losses = [
            log_loss(odds_of(x, fit_trees(x, y, BoostingPlan(n, 3, 0.1, share=0.7), rng_of(0))), y)
            for n in (0, 1, 10, 40)
        ]
        assert losses == sorted(losses, reverse=True)
        assert losses[-1] < losses[0] - 0.1
        share = y.mean()
        assert losses[0] == pytest.approx(-(share * np.log(share) + (1 - share) * np.log(1 - share)))

    def test_has_the_shapes_that_are_checked(self) -> None:
        x, y = exclusive(0, 100)
        model = fit_trees(x, y, PLAN, rng_of(0))
        arrays = (model.features, model.thresholds, model.values, model.weights, model.bias)
        assert [a.shape for a in arrays] == [(60, 3), (60, 3), (60, 8), (4,), (1,)]
        assert [a.dtype for a in arrays] == [np.int32, *[np.float64] * 4]
        assert 0 <= model.features.min() <= model.features.max() < 4
        assert np.isfinite([*model.values.ravel(), *model.bias]).all()
        assert not np.isnan(model.thresholds).any()

    def test_come_back_from_the_seed(self) -> None:
        x, y = exclusive(0, 200)
        one, again, other = (fit_trees(x, y, PLAN, rng_of(seed)) for seed in (3, 3, 4))
        for name in ("features", "thresholds", "values", "weights", "bias"):
            assert getattr(one, name).tobytes() == getattr(again, name).tobytes()
        assert one.values.tobytes() != other.values.tobytes()

    @pytest.mark.parametrize("label", [True, False])
    def test_one_kind_of_label_is_refused(self, *, label: bool) -> None:
        with pytest.raises(ConfigError, match="both kinds"):
            fit_trees(np.zeros((5, 2)), np.full(5, label), PLAN, rng_of(0))

    def test_where_nothing_divides_the_pairs_only_the_bias_speaks(self) -> None:
        x, y = np.full((40, 3), 7.0), np.arange(40) < 10
        model = fit_trees(x, y, PLAN, rng_of(0))
        assert (model.thresholds == np.inf).all()
        odds = odds_of(np.array([[7.0] * 3, [-1e9] * 3, [1e9] * 3]), model)
        np.testing.assert_allclose(odds, np.log(10 / 30), atol=1e-6)

    def test_few_distinct_values_and_far_ones_are_divided(self) -> None:
        x = np.repeat([[0.0, -1.0], [1.0, -1.0], [1e12, -1.0]], 30, axis=0)
        y = np.repeat([False, True, False], 30)
        model = fit_trees(x, y, PLAN, rng_of(0))
        found = odds_of(np.array([[0.0, 0], [1, 0], [1e12, 0], [1e300, 0]]), model) > 0
        assert found.tolist() == [False, True, False, False]

    def test_thresholds_divide_as_the_bins_did(self) -> None:
        """Each leaf is one step of Newton's method from the bias, by the pairs that fall into it."""
        x, y, _ = families(1, 8)
        plan = BoostingPlan(n_trees=1, depth=4, rate=1.0, ridge=1e-9, share=1.0)
        model = fit_trees(x, y, plan, rng_of(0))
        odds = odds_of(x, model)
        p = y.mean()
        for value in np.unique(odds.round(9)):
            own = odds.round(9) == value
            step = (y[own] - p).sum() / (p * (1 - p) * own.sum())
            assert value - model.bias[0] == pytest.approx(step, abs=1e-6)


def slope(seed: int, n: int = 800) -> tuple[F64, Bool]:
    """Labels whose log-odds rise by 3 with the first of two numbers, and fall by 2 where the second is positive."""
    rng = rng_of(seed)
    x = rng.normal(size=(n, 2))
    return x, rng.random(n) < expit(3 * x[:, 0] - 2 * (x[:, 1] > 0))


class TestStart:
    """Trees that correct a linear function."""

    START = (np.array([3.0, 0.0]), -1.0)

    def test_no_trees_are_the_start_alone(self) -> None:
        x, y = slope(0)
        model = fit_trees(x, y, BoostingPlan(n_trees=0, depth=3), rng_of(0), self.START)
        new = rng_of(1).normal(size=(20, 2)) * 100
        np.testing.assert_allclose(odds_of(new, model), 3 * new[:, 0] - 1, rtol=1e-12)

    def test_without_a_start_only_the_share_counts_before_the_trees(self) -> None:
        x, y = slope(0)
        model = fit_trees(x, y, BoostingPlan(n_trees=0, depth=3), rng_of(0))
        assert model.weights.tolist() == [0, 0]
        assert expit(model.bias[0]) == pytest.approx(y.mean())

    def test_what_the_start_lacks_is_learned(self) -> None:
        x, y = slope(0)
        model = fit_trees(x, y, PLAN, rng_of(0), self.START)
        new = np.column_stack([np.zeros(400), rng_of(1).normal(size=400)])
        falls = odds_of(new[new[:, 1] > 0.2], model).mean() - odds_of(new[new[:, 1] < -0.2], model).mean()
        assert falls == pytest.approx(-2, abs=0.6)
        assert log_loss(odds_of(x, model), y) < log_loss(3 * x[:, 0] - 1, y) - 0.05

    def test_a_start_that_explains_all_leaves_little_to_the_trees(self) -> None:
        x = rng_of(3).normal(size=(4000, 2))
        y = rng_of(4).random(4000) < expit(3 * x[:, 0] - 1)
        few = BoostingPlan(n_trees=20, depth=2, rate=0.2, share=1.0)
        right, from_share = fit_trees(x, y, few, rng_of(0), self.START), fit_trees(x, y, few, rng_of(0))
        assert np.abs(odds_of(x, right) - (3 * x[:, 0] - 1)).mean() < 0.2
        assert np.abs(right.values).mean() < np.abs(from_share.values).mean() / 3

    def test_beyond_the_training_data_log_odds_follow_the_start(self) -> None:
        x, y = slope(0)
        with_start, without = (fit_trees(x, y, PLAN, rng_of(0), start) for start in (self.START, None))
        far = np.array([[at, 0.5] for at in (-40.0, -20.0, 20.0, 40.0)])
        found, flat = odds_of(far, with_start), odds_of(far, without)
        assert found[1] - found[0] == pytest.approx(3 * 20)
        assert found[3] - found[2] == pytest.approx(3 * 20)
        np.testing.assert_allclose(flat[[0, 2]], flat[[1, 3]], rtol=1e-12)  # trees alone know no more than at the rim

    def test_improves_what_trees_cannot_extrapolate(self) -> None:
        x, y = slope(0, 2000)
        seen = np.abs(x[:, 0]) < 0.7
        models = [fit_trees(x[seen], y[seen], PLAN, rng_of(0), start) for start in (self.START, None)]
        beyond = np.abs(x[:, 0]) > 1.4
        with_start, without = (log_loss(odds_of(x[beyond], model), y[beyond]) for model in models)
        assert with_start < without - 0.05

    def test_is_not_changed(self) -> None:
        x, y = slope(0, 200)
        weights = np.array([3.0, 0.0])
        fit_trees(x, y, PLAN, rng_of(0), (weights, -1.0))
        fit_calibrated_trees(x, y, np.arange(200), np.arange(200), PLAN, rng_of(0), (weights, -1.0))
        assert weights.tolist() == [3, 0]

    def test_the_calibration_shrinks_the_start_as_the_trees(self) -> None:
        """This start is three times as sure as it may be."""
        x, y = slope(0, 3000)
        groups, each = np.arange(3000) % 50, np.arange(3000)
        plan = BoostingPlan(n_trees=0, depth=1)
        model, left_out = fit_calibrated_trees(x, y, groups, each, plan, rng_of(0), (np.array([9.0, 0.0]), 5.0))
        np.testing.assert_allclose(odds_of(x, model), left_out, rtol=1e-9)
        assert calibration_error(left_out, y) < 0.05
        factor = model.weights[0] / 9
        assert factor == pytest.approx(1 / 3, abs=0.07)
        assert model.weights[1] == 0
        assert model.bias[0] < 0

    def test_leaves_weights_and_bias_are_calibrated_by_one_line(self) -> None:
        x, y, groups = families(2, 15, 30)
        plan, start = BoostingPlan(n_trees=15, depth=3, share=1.0), (np.array([2.0, 0, 0, 0, 0, 1.0]), 0.3)
        raw = fit_trees(x, y, plan, rng_of(7), start)
        calibrated, _ = fit_calibrated_trees(x, y, groups, np.arange(len(y)), plan, rng_of(5), start)
        before, after = odds_of(x, raw), odds_of(x, calibrated)
        factor, shift = np.polyfit(before, after, 1)
        np.testing.assert_allclose(after, factor * before + shift, atol=1e-9)
        np.testing.assert_allclose(calibrated.weights, raw.weights * factor, atol=1e-9)


class TestFitCalibratedTrees:
    @pytest.mark.parametrize("seed", range(2))
    def test_are_as_sure_as_they_may_be_about_groups_left_out(self, seed: int) -> None:
        x, y, groups = families(seed)
        eager = BoostingPlan(n_trees=80, depth=4, rate=0.3, ridge=0.5, least_hessian=0.5, share=0.7)
        trees, left_out = fit_calibrated_trees(x, y, groups, np.arange(len(y)), eager, rng_of(seed))
        assert left_out.shape == y.shape
        assert calibration_error(left_out, y) < 0.06
        assert expit(left_out).mean() == pytest.approx(y.mean(), abs=0.01)
        unshrunk = odds_of(x, fit_trees(x, y, eager, rng_of(seed)))
        new, truth, _ = families(seed + 100)
        calibrated = odds_of(new, trees)
        assert calibration_error(calibrated, truth) < 0.1
        assert np.std(calibrated) < 0.8 * np.std(unshrunk)  # these were fitted too closely
        assert log_loss(calibrated, truth) < log_loss(np.full(len(truth), trees.bias[0]), truth)

    def test_a_group_is_left_out_as_a_whole(self) -> None:
        """A number that names the group decides its label: on groups left out that is worth nothing."""
        rng = rng_of(0)
        groups = np.repeat(np.arange(30), 20).astype(np.int64)
        label = rng.random(30) < 0.5
        x = np.column_stack([rng.permutation(30)[groups], rng.normal(size=600)]).astype(float)
        y = label[groups]
        each, plan = np.arange(600), BoostingPlan(60, 5, 0.3, least_hessian=0.1, share=0.3)
        _, left_out = fit_calibrated_trees(x, y, groups, each, plan, rng_of(1))
        assert log_loss(left_out, y) > 0.6
        _, mixed = fit_calibrated_trees(x, y, each, each, plan, rng_of(1))
        assert log_loss(mixed, y) < 0.2

    def test_the_most_probable_pairs_of_each_query_are_calibrated(self) -> None:
        """Where most pairs are easy, these must not make the others look surer than they are."""
        x, y, groups = families(0)
        queries = np.random.default_rng(0).permutation(len(y)) // 5
        _, odds = fit_calibrated_trees(x, y, groups, queries, PLAN, rng_of(0))
        first = [max(np.flatnonzero(queries == query), key=lambda i: odds[i]) for query in range(len(y) // 5)]
        assert expit(odds[first]).mean() == pytest.approx(y[first].mean(), abs=0.01)
        assert calibration_error(odds[first], y[first]) < 0.1
        _, by_all = fit_calibrated_trees(x, y, groups, np.arange(len(y)), PLAN, rng_of(0))
        assert np.corrcoef(by_all, odds)[0, 1] > 1 - 1e-9  # another straight line, the same order

    def test_come_back_from_the_seed(self) -> None:
        x, y, groups = families(3, 12, 20)
        plan = BoostingPlan(n_trees=10, depth=2)
        (one, first), (two, second) = (
            fit_calibrated_trees(x, y, groups, np.arange(len(y)), plan, rng_of(5)) for _ in range(2)
        )
        np.testing.assert_array_equal(first, second)
        np.testing.assert_array_equal(one.values, two.values)

    def test_one_kind_of_label_is_refused(self) -> None:
        x, y, groups = families(3, 12, 20)
        with pytest.raises(ConfigError):
            fit_calibrated_trees(x, np.zeros_like(y), groups, groups, PLAN, rng_of(0))
