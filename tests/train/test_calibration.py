"""Both looks fitted on made pairs: which get a second look, and what is learned from which."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from fingerprint.errors import ConfigError
from fingerprint.kernels.colours import COLOUR_MEASURES
from fingerprint.train.boosting import BoostingPlan
from fingerprint.train.calibration import (
    Calibration,
    begins_second_look,
    fit_looks,
    forget_colours,
    gets_second_look,
)
from fingerprint.train.known_pairs import COPY, SHARED, UNRELATED
from fingerprint.train.pairs import Pair
from fingerprint.verify.overlap import OVERLAP_NAMES
from fingerprint.verify.score import EVIDENCE_NAMES, LOOK_CLOSER, first_look, tree_log_odds

N_EVIDENCE, N_OVERLAP = len(EVIDENCE_NAMES), len(OVERLAP_NAMES)


@pytest.fixture(autouse=True)
def few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fingerprint.train.calibration._PLAN", BoostingPlan(n_trees=40, depth=3, rate=0.2))
    monkeypatch.setattr("fingerprint.train.calibration._PROMISING_PLAN", BoostingPlan(n_trees=20, depth=3, rate=0.3))


def made_pairs(seed: int, n: int = 400) -> list[Pair]:
    """Pairs whose keypoints say whether they have something in common, and whose overlap says what.

    A part of those that share something looks unrelated to the first look, a part of the unrelated ones does not. A few
    have no overlap.
    """
    rng = np.random.default_rng(seed)
    found = []
    for number in range(n):
        label = int(rng.choice([UNRELATED, UNRELATED, SHARED, COPY]))
        evidence, overlap = rng.normal(size=N_EVIDENCE), rng.normal(size=N_OVERLAP)
        evidence[:12] += 9 if label == COPY or (label == SHARED and rng.random() < 0.8) else -9
        overlap[0] += 4 if label == COPY else -4
        overlap[1] += 4 if label == SHARED else -4
        if label == UNRELATED and number % 5 == 0:
            evidence[:12], overlap = 9.0, np.full(N_OVERLAP, np.nan)
        elif label == UNRELATED and number % 5 == 1:
            evidence[:12] = 9.0
        found.append(Pair(number // 4, ("photograph", "", number // 4), evidence, overlap, label))
    return found


@pytest.fixture
def fitted() -> Calibration:
    return fit_looks(made_pairs(0), 7)


def both(pair: Pair) -> np.ndarray:
    return np.concatenate([pair.evidence, pair.overlap])


class TestFitLooks:
    def test_facts_and_shares_are_counted(self, fitted: Calibration) -> None:
        pairs = made_pairs(0)
        closer = [gets_second_look(p, fitted.first, fitted.promising) for p in pairs]
        others = [p for p, looked in zip(pairs, closer, strict=True) if not looked]
        assert 0 < len(others) < len(pairs)
        assert fitted.facts == {
            "n_calibration_pairs": len(pairs),
            "n_calibration_copies": sum(p.label == COPY for p in pairs),
            "n_calibration_shared": sum(p.label == SHARED for p in pairs),
            "n_second_looks": sum(closer),
        }
        share = sum(p.label == SHARED for p in others) / len(others)
        said = expit([first_look(p.evidence, fitted.ruled_out) for p in others])
        assert said.mean() == pytest.approx(share, abs=0.01)
        assert 0 < share < 0.5

    def test_new_pairs_are_told_apart(self, fitted: Calibration) -> None:
        new = [p for p in made_pairs(1) if first_look(p.evidence, fitted.first) >= LOOK_CLOSER]
        new = [p for p in new if not np.isnan(p.overlap[0])]
        copies = np.array([tree_log_odds(both(p), fitted.copies) for p in new])
        truly = np.array([p.label == COPY for p in new])
        assert ((copies > 0) == truly).mean() > 0.97
        assert expit(copies).mean() == pytest.approx(truly.mean(), abs=0.08)
        shared = [tree_log_odds(both(p), fitted.shared) > 0 for p in new if p.label != COPY]
        assert np.mean(np.array(shared) == [p.label == SHARED for p in new if p.label != COPY]) > 0.9

    def test_what_agrees_nowhere_on_the_coarse_grid_is_not_looked_at_further(self, fitted: Calibration) -> None:
        begun = [p for p in made_pairs(1, 1200) if begins_second_look(p, fitted.first)]
        kept = {
            label: np.mean([gets_second_look(p, fitted.first, fitted.promising) for p in begun if p.label == label])
            for label in (COPY, SHARED, UNRELATED)
        }
        assert kept[COPY] > 0.98
        assert kept[SHARED] > 0.8
        assert kept[UNRELATED] < 0.5

    def test_come_back_from_the_seed(self, fitted: Calibration) -> None:
        again, other = fit_looks(made_pairs(0), 7), fit_looks(made_pairs(0), 8)
        for name in ("features", "thresholds", "values", "bias"):
            assert getattr(again.copies, name).tobytes() == getattr(fitted.copies, name).tobytes()
            assert getattr(again.shared, name).tobytes() == getattr(fitted.shared, name).tobytes()
            assert getattr(again.promising, name).tobytes() == getattr(fitted.promising, name).tobytes()
        assert other.copies.values.tobytes() != fitted.copies.values.tobytes()

    @pytest.mark.parametrize("missing", [COPY, SHARED])
    def test_pairs_without_copies_or_without_look_alikes_are_refused(self, missing: int) -> None:
        with pytest.raises(ConfigError):
            fit_looks([p for p in made_pairs(0) if p.label != missing], 7)


def test_all_pairs_of_some_queries_lose_their_colours_and_nothing_else() -> None:
    queries = np.repeat(np.arange(500), 3)
    before = np.random.default_rng(0).uniform(1, 2, (len(queries), N_OVERLAP))
    before[queries == 7] = np.nan  # could not be laid onto each other
    after = before.copy()
    forget_colours(after, queries, 1)
    n = N_OVERLAP - len(COLOUR_MEASURES)
    np.testing.assert_array_equal(after[:, :n], before[:, :n])
    forgotten = (after[:, n:] == 0).all(axis=1).reshape(500, 3)
    assert (forgotten.all(axis=1) | ~forgotten.any(axis=1)).all()
    assert 25 < forgotten.all(axis=1).sum() < 75
    kept = ~forgotten.ravel()
    np.testing.assert_array_equal(after[kept], before[kept])
    assert np.isnan(after[queries == 7]).all()
