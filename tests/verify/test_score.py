"""Evidence and probabilities: significance against the exact binomial, both looks against sums made by hand."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logsumexp
from scipy.stats import binom

from fingerprint.errors import ModelError
from fingerprint.models import CalibrationModel, Models, TreesModel
from fingerprint.verify.evidence import Evidence, Likeness, significance
from fingerprint.verify.overlap import OVERLAP_NAMES
from fingerprint.verify.score import EVIDENCE_NAMES, LOOK_CLOSER, evidence_vector, first_look, judge, tree_log_odds

_NONE, _MOST = {"int": 0, "float": 0.0, "bool": False}, {"int": 10_000, "float": 1.0, "bool": True}
#: Names of all that is measured, (whether of `Likeness`, name); annotations are strings here.
MEASURED = [
    *((False, field.name) for field in dataclasses.fields(Evidence) if field.name != "likeness"),
    *((True, field.name) for field in dataclasses.fields(Likeness)),
]


def evidence_of(values: dict[str, float]) -> Evidence:
    """Evidence with a value for each type."""
    of_likeness: dict[str, Any] = {f.name: values[str(f.type)] for f in dataclasses.fields(Likeness)}
    own: dict[str, Any] = {f.name: values[str(f.type)] for f in dataclasses.fields(Evidence) if f.name != "likeness"}
    return Evidence(**own, likeness=Likeness(**of_likeness))


def changed(evidence: Evidence, **values: float) -> Evidence:
    """The evidence with other values, those of its likeness included."""
    inner: dict[str, Any] = {name: value for name, value in values.items() if (True, name) in MEASURED}
    outer: dict[str, Any] = {name: value for name, value in values.items() if name not in inner}
    return dataclasses.replace(evidence, **outer, likeness=dataclasses.replace(evidence.likeness, **inner))


N_MEASURED = len(EVIDENCE_NAMES) + len(OVERLAP_NAMES)
NOTHING, MUCH = evidence_of(_NONE), evidence_of(_MOST)


def calibration(seed: int, n: int = len(EVIDENCE_NAMES)) -> CalibrationModel:
    rng = np.random.default_rng(seed)
    return CalibrationModel(rng.normal(size=n), rng.normal(size=n), rng.uniform(0.5, 2, n), rng.normal(size=1))


def drawn_trees(seed: int, n: int = 20, depth: int = 3) -> TreesModel:
    rng = np.random.default_rng(seed)
    thresholds = rng.normal(size=(n, depth))
    thresholds[::4, 0] = np.inf
    features = rng.integers(0, N_MEASURED, (n, depth)).astype(np.int32)
    values, weights = rng.normal(size=(n, 2**depth)), rng.normal(size=N_MEASURED)
    return TreesModel(features, thresholds, values, weights, rng.normal(size=1))


def models_of(models: Models, seed: int) -> Models:
    """The models with both looks exchanged for drawn ones."""
    parts: dict[str, Any] = {
        "calibration": calibration(seed),
        "copies": drawn_trees(seed + 1),
        "shared": drawn_trees(seed + 2),
    }
    return dataclasses.replace(models, **parts)


def exact_significance(n_matches: int, n_agreeing: int, chance: float) -> float:
    """``-log10`` of expected false alarms: a hypothesis a match, times the tail of the others that agree with it."""
    tail = logsumexp(binom.logpmf(np.arange(n_agreeing - 1, n_matches), n_matches - 1, chance))
    return -(math.log(n_matches) + float(tail)) / math.log(10)


counts = st.integers(1, 500)
chances = st.floats(1e-12, 1.0)


class TestSignificance:
    @given(counts, counts, chances)
    def test_never_claims_more_than_the_exact_binomial_tail(
        self, n_matches: int, n_agreeing: int, chance: float
    ) -> None:
        found = significance(n_matches, n_agreeing, chance)
        if n_agreeing < 2 or n_agreeing > n_matches:
            assert found == 0
            return
        exact = exact_significance(n_matches, n_agreeing, chance)
        assert 0 <= found <= max(0.0, exact) + 1e-6 * max(1.0, abs(exact))

    @pytest.mark.parametrize("n_matches", [5, 50, 400])
    @pytest.mark.parametrize("chance", [1e-3, 1e-5])
    def test_is_close_to_it_where_chance_is_small(self, n_matches: int, chance: float) -> None:
        for n_agreeing in range(2, n_matches + 1, 3):
            exact = exact_significance(n_matches, n_agreeing, chance)
            assert significance(n_matches, n_agreeing, chance) >= exact - 0.2

    @given(st.integers(2, 400), chances)
    def test_grows_with_the_matches_that_agree(self, n_matches: int, chance: float) -> None:
        found = [significance(n_matches, k, chance) for k in range(n_matches + 1)]
        assert all(a <= b + 1e-9 for a, b in itertools.pairwise(found))

    @given(st.integers(2, 200), st.lists(chances, min_size=2, max_size=6))
    def test_falls_as_chance_and_matches_grow(self, n_agreeing: int, several: list[float]) -> None:
        by_chance = [significance(300, n_agreeing, chance) for chance in sorted(several)]
        assert by_chance == sorted(by_chance, reverse=True)
        by_matches = [significance(n_agreeing + more, n_agreeing, several[0]) for more in (0, 1, 10, 200)]
        assert by_matches == sorted(by_matches, reverse=True)

    @pytest.mark.parametrize(("n_matches", "n_agreeing"), [(0, 0), (1, 1), (300, 1), (300, 0)])
    def test_a_match_that_agrees_with_itself_proves_nothing(self, n_matches: int, n_agreeing: int) -> None:
        assert significance(n_matches, n_agreeing, 1e-6) == 0

    @pytest.mark.parametrize("chance", [0.0, -1.0, 1.0, 7.0])
    def test_stays_finite_at_the_ends(self, chance: float) -> None:
        assert math.isfinite(significance(400, 400, chance))


class TestEvidenceVector:
    @pytest.mark.parametrize("evidence", [NOTHING, MUCH], ids=["nothing", "much"])
    def test_has_a_finite_value_for_each_name(self, evidence: Evidence) -> None:
        vector = evidence_vector(evidence)
        assert vector.shape == (len(EVIDENCE_NAMES),)
        assert vector.dtype == np.float64
        assert np.isfinite(vector).all()
        assert len(set(EVIDENCE_NAMES)) == len(EVIDENCE_NAMES)

    def test_everything_measured_is_weighed(self) -> None:
        for field in [name for _, name in MEASURED]:
            middle = changed(
                NOTHING, n_matches=50, n_inliers=10, significance=5.0, hash_distance=4, descriptor_similarity=0.5
            )
            value = getattr(middle.likeness if (True, field) in MEASURED else middle, field)
            more = changed(middle, **{field: not value if isinstance(value, bool) else value + 1})
            assert (evidence_vector(middle) != evidence_vector(more)).any(), field

    @pytest.mark.parametrize(
        "name", ["inverted", "pixel_correlation", "pixel_edges", "descriptor_similarity", "anisotropy"]
    )
    def test_what_is_weighed_as_it_is_has_its_own_name(self, name: str) -> None:
        at = EVIDENCE_NAMES.index(name)
        before, after = (evidence_vector(changed(NOTHING, **{name: value})) for value in (0.0, 0.25))
        assert (before[at], after[at]) == (0, 0.25)
        same = [i for i, other in enumerate(EVIDENCE_NAMES) if other not in (name, "descriptor_likeness")]
        np.testing.assert_array_equal(before[same], after[same])

    def test_a_background_counts_as_excess_only_beyond_the_inliers(self) -> None:
        at = EVIDENCE_NAMES.index("cohort_excess")
        values = [evidence_vector(changed(NOTHING, n_inliers=10, cohort_score=b))[at] for b in (0.0, 9.0, 10.0, 20.0)]
        assert values[:3] == [0, 0, 0]
        assert values[3] == pytest.approx(math.log(21 / 11))

    def test_boundless_significance_is_capped(self) -> None:
        at = EVIDENCE_NAMES.index("significance")
        values = [evidence_vector(changed(MUCH, significance=s))[at] for s in (1e2, 1e4, 1e9)]
        assert len(set(values)) == 1

    @pytest.mark.parametrize(("better", "worse"), [(0, 7), (7, 15), (3, 64)])
    def test_a_smaller_hash_distance_is_more_like(self, better: int, worse: int) -> None:
        near, far = (evidence_vector(changed(NOTHING, hash_distance=d)) for d in (better, worse))
        likeness = [i for i, name in enumerate(EVIDENCE_NAMES) if name.startswith("hash")]
        assert (near[likeness] >= far[likeness]).all()
        assert (near[likeness] > far[likeness]).any()


class TestFirstLook:
    @pytest.mark.parametrize("evidence", [NOTHING, MUCH], ids=["nothing", "much"])
    @pytest.mark.parametrize("seed", range(3))
    def test_is_the_weighted_sum(self, seed: int, evidence: Evidence) -> None:
        model = calibration(seed)
        expected = float(model.bias[0])
        for value, weight, centre, spread in zip(
            evidence_vector(evidence), model.weights, model.centre, model.spread, strict=True
        ):
            expected += weight * (value - centre) / spread
        assert first_look(evidence_vector(evidence), model) == pytest.approx(expected, abs=1e-9)

    def test_a_calibration_of_another_version_is_refused_with_both_numbers(self, models: Models) -> None:
        n = len(EVIDENCE_NAMES)
        with pytest.raises(ModelError, match=rf"{n + 2}.* {n};.* train"):
            first_look(evidence_vector(NOTHING), calibration(0, n + 2))
        with pytest.raises(ModelError, match=rf"{n - 1}.* {n};.* train"):
            judge(evidence_vector(NOTHING), None, dataclasses.replace(models, calibration=calibration(0, n - 1)))

    def test_the_shipped_one_takes_no_evidence_for_a_stranger(self, models: Models) -> None:
        stranger = changed(NOTHING, n_matches=10, n_inliers=1, hash_distance=30, residual=1.0)
        vector = evidence_vector(stranger)
        assert first_look(vector, models.calibration) < 0
        assert judge(vector, None, models).copy < 0.01

    def test_looks_closer_from_one_in_a_thousand_on(self) -> None:
        assert 1 / (1 + math.exp(-LOOK_CLOSER)) == pytest.approx(0.001)


class TestTreeLogOdds:
    @pytest.mark.parametrize("seed", range(3))
    def test_is_a_linear_function_and_a_leaf_of_each_tree(self, seed: int) -> None:
        model, x = drawn_trees(seed), np.random.default_rng(seed).normal(size=N_MEASURED)
        expected = float(model.bias[0])
        for weight, value in zip(model.weights, x, strict=True):
            expected += weight * value
        for features, thresholds, values in zip(model.features, model.thresholds, model.values, strict=True):
            leaf = 0
            for feature, threshold in zip(features, thresholds, strict=True):
                leaf = 2 * leaf + int(x[feature] > threshold)
            expected += values[leaf]
        found = tree_log_odds(x, model)
        assert type(found) is float
        assert found == pytest.approx(expected)

    def test_far_beyond_all_thresholds_only_the_linear_part_changes(self) -> None:
        model = drawn_trees(4)
        for position, weight in enumerate(model.weights):
            x = np.zeros(N_MEASURED)
            found = []
            for value in (1e6, 3e6):
                x[position] = value
                found.append(tree_log_odds(x, model))
            assert found[1] - found[0] == pytest.approx(2e6 * weight), position

    @pytest.mark.parametrize("n", [0, 1, N_MEASURED - 1, N_MEASURED + 1])
    def test_evidence_of_another_length_is_refused_with_both_numbers(self, n: int, models: Models) -> None:
        """The kernel would read memory outside its arrays, or the trees would ask about something else."""
        with pytest.raises(ModelError, match=rf"{N_MEASURED} kinds .* {n};.* train"):
            tree_log_odds(np.zeros(n), drawn_trees(0))
        other = dataclasses.replace(drawn_trees(0), weights=np.zeros(n))
        overlap = np.zeros(len(OVERLAP_NAMES))
        for part in ("copies", "shared"):
            changes: dict[str, Any] = {part: other}
            with pytest.raises(ModelError, match=rf"{n} kinds .* {N_MEASURED};.* train"):
                judge(evidence_vector(NOTHING), overlap, dataclasses.replace(models, **changes))


class TestJudge:
    @given(seed=st.integers(0, 1000), scale=st.floats(0, 50), looked=st.booleans())
    def test_probabilities_are_of_three_cases(self, models: Models, seed: int, scale: float, *, looked: bool) -> None:
        rng = np.random.default_rng(seed)
        evidence, overlap = rng.normal(size=len(EVIDENCE_NAMES)), rng.normal(size=len(OVERLAP_NAMES))
        for judges in (models, models_of(models, seed)):
            found = judge(evidence * scale, overlap * scale if looked else None, judges)
            assert 0 <= found.copy <= 1
            assert 0 <= found.shared <= 1
            assert found.copy + found.shared <= 1 + 1e-12
            assert [type(value) for value in dataclasses.astuple(found)] == [float] * 3
            if abs(found.log_odds) < 30:
                assert found.copy == pytest.approx(1 / (1 + math.exp(-found.log_odds)), rel=1e-9)

    @pytest.mark.parametrize("seed", range(3))
    def test_a_second_look_decides_alone(self, seed: int, models: Models) -> None:
        judges, rng = models_of(models, seed), np.random.default_rng(seed)
        evidence, overlap = rng.normal(size=len(EVIDENCE_NAMES)), rng.normal(size=len(OVERLAP_NAMES))
        found = judge(evidence, overlap, judges)
        both = np.concatenate([evidence, overlap])
        assert found.log_odds == tree_log_odds(both, judges.copies)
        share = 1 / (1 + math.exp(-tree_log_odds(both, judges.shared)))
        assert found.shared == pytest.approx((1 - found.copy) * share)

    def test_without_one_pairs_keep_the_order_of_the_first_look(self, models: Models) -> None:
        n = len(EVIDENCE_NAMES)
        firsts = [
            CalibrationModel(np.zeros(n), np.zeros(n), np.ones(n), np.array([odds]))
            for odds in (-9.0, LOOK_CLOSER - 0.5, LOOK_CLOSER + 0.5, LOOK_CLOSER + 2.0)
        ]
        found = [judge(np.zeros(n), None, dataclasses.replace(models, calibration=f)).log_odds for f in firsts]
        assert found == sorted(set(found))

    @pytest.mark.parametrize("bias", [-40.0, -10.0, 0.0, 50.0])
    def test_without_one_log_odds_are_capped_and_another_model_says_what_is_shared(
        self, bias: float, models: Models
    ) -> None:
        n = len(EVIDENCE_NAMES)
        flat, rarely = (
            CalibrationModel(np.zeros(n), np.zeros(n), np.ones(n), np.array([odds]))
            for odds in (bias, math.log(0.03 / 0.97))
        )
        found = judge(np.zeros(n), None, dataclasses.replace(models, calibration=flat, ruled_out=rarely))
        assert found.log_odds == bias if bias < LOOK_CLOSER - 0.1 else LOOK_CLOSER - 0.1 < found.log_odds <= LOOK_CLOSER
        assert found.copy <= 0.001 * (1 + 1e-9)
        assert found.shared == pytest.approx(0.03 * (1 - found.copy))
