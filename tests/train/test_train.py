"""Training: the fits against known answers, and a whole tiny training twice."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from scipy.linalg import subspace_angles
from scipy.optimize import minimize
from scipy.stats import ortho_group

from fingerprint.config import DEFAULT_CONFIG
from fingerprint.edits.graphics import TRAINING_FAMILIES
from fingerprint.errors import ConfigError
from fingerprint.models import ARRAYS_NAME, MANIFEST_NAME, Models, load_models, save_models
from fingerprint.train import TrainConfig, train_models
from fingerprint.train.boosting import BoostingPlan
from fingerprint.train.calibration import Calibration, fit_calibration
from fingerprint.train.fitting import (
    fit_agreement,
    fit_codebook,
    fit_local_basis,
    fit_logistic,
    fit_projection,
    fit_signatures,
)
from fingerprint.train.known_pairs import SHARED
from fingerprint.train.pairs import PairMaker
from fingerprint.types import U8, Skipped
from fingerprint.verify.compare import compare
from fingerprint.verify.overlap import OVERLAP_NAMES
from fingerprint.verify.score import EVIDENCE_NAMES

SMALL = TrainConfig(
    n_codebooks=2,
    n_words=8,
    local_dimension=16,
    dimension=16,
    n_edited_copies=1,
    n_wide_copies=1,
    n_background=10,
    n_local=3_000,
    n_cells=6,
    n_cohort=15,
    n_calibration=30,
    n_templates=1,
    n_scenes=1,
    n_surfaces=4,
    n_wide=12,
)


@pytest.fixture(scope="module", autouse=True)
def few_families_and_trees() -> Iterator[None]:
    """Drawing all families, and hundreds of trees for few pairs, would take most of the time."""
    few = {name: TRAINING_FAMILIES[name] for name in ("charts", "memes")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fingerprint.train.plan.TRAINING_FAMILIES", few)
        patch.setattr("fingerprint.train.pairs._HEAVY", 0.0)  # hardly a keypoint is left of pictures as small as these
        patch.setattr("fingerprint.train.calibration._PLAN", BoostingPlan(n_trees=30, depth=3, rate=0.2))
        yield


@pytest.fixture(scope="module")
def photographs(photos: dict[str, U8], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two halves of twelve photographs each, small: 24 files that are not alike."""
    folder = tmp_path_factory.mktemp("train")
    paths = []
    for name in list(photos)[:12]:
        whole = cv2.resize(photos[name], (360, 180), interpolation=cv2.INTER_AREA)
        for half, pixels in enumerate((whole[:, :180], whole[:, 180:])):
            paths.append(folder / f"{name}-{half}.png")
            Image.fromarray(np.ascontiguousarray(pixels)).save(paths[-1])
    return paths


@pytest.fixture(scope="module")
def trained(photographs: list[Path]) -> Models:
    models, skipped = train_models(photographs, DEFAULT_CONFIG, SMALL, n_workers=2)
    assert skipped == ()
    return models


def saved_bytes(models: Models, folder: Path) -> list[bytes]:
    save_models(models, folder)
    return [(folder / name).read_bytes() for name in (ARRAYS_NAME, MANIFEST_NAME)]


class TestTrainModels:
    def test_again_in_another_order_with_other_workers_gives_the_same_bytes(
        self, photographs: list[Path], trained: Models, tmp_path: Path
    ) -> None:
        again, _ = train_models(photographs[::-1], DEFAULT_CONFIG, SMALL, n_workers=1)
        assert (again.model_id, again.calibration_id) == (trained.model_id, trained.calibration_id)
        assert saved_bytes(again, tmp_path / "again") == saved_bytes(trained, tmp_path / "first")

    def test_models_are_complete(self, trained: Models, tmp_path: Path) -> None:
        save_models(trained, tmp_path)
        loaded = load_models(tmp_path)  # checks shapes, types and ids
        assert loaded.model_id == trained.model_id
        assert loaded.model_id.startswith("vlad2x8-16-")
        assert trained.descriptor.background.shape == (10, 16)
        projections = [projection.shape for _, projection in trained.descriptor.cue_projections]
        assert projections == [(2 * 8 * 16, 9), (480, 4), (2304, 3)]
        assert np.isfinite(trained.insets.weights).all()
        assert (len(trained.vocabulary.coarse), len(trained.vocabulary.centres)) == (1, 6)
        assert int(trained.cohort.n_images[0]) == 15
        assert trained.facts["n_images"] == 24
        assert trained.facts["n_projection_vectors"] == 72
        assert trained.facts["n_inset_views"] == 48
        assert "whitening" not in trained.facts
        queries = 30 + 6 * 2 + 1 + 8  # photographs, two templates, a scene, surfaces; and some of them as pasted pieces
        others = SMALL.n_wide + 2  # with wider edits; further second shots of the scene
        assert queries < trained.facts["n_calibration_queries"] - others < 1.6 * queries
        assert 0 < trained.facts["n_calibration_copies"] < trained.facts["n_second_looks"]
        assert 0 < trained.facts["n_calibration_shared"] < trained.facts["n_second_looks"]
        assert trained.facts["n_second_looks"] <= trained.facts["n_calibration_pairs"]
        assert trained.calibration_id.startswith("trees-")
        assert trained.calibration.weights.shape == (len(EVIDENCE_NAMES),)
        assert np.isfinite(trained.ruled_out.weights).all()
        for trees in (trained.copies, trained.shared):
            assert trees.features.shape == (30, 3)
            assert 0 <= trees.features.min() <= trees.features.max() < len(EVIDENCE_NAMES) + len(OVERLAP_NAMES)
            assert trees.values.any()

    def test_they_tell_a_copy_from_a_stranger(self, photographs: list[Path], trained: Models) -> None:
        with Image.open(photographs[0]) as image:
            pixels = np.asarray(image)
        mirrored = np.ascontiguousarray(pixels[:, ::-1])
        odds = [compare(mirrored, path, models=trained).log_odds for path in photographs]
        assert odds.index(max(odds)) == 0
        assert odds[0] > sorted(odds)[-2] + 5  # how far from zero differs between versions of OpenCV

    def test_files_that_cannot_be_read_are_told_and_progress_and_known_pairs_are_passed_on(
        self, photographs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bad = tmp_path / "bad.png"
        bad.write_bytes(b"no picture")
        told: list[tuple[str, int, int]] = []
        few = dataclasses.replace(SMALL, n_calibration=8)
        makers: list[PairMaker] = []

        def fitting(maker: PairMaker, *others: Any) -> Calibration:
            makers.append(maker)
            return fit_calibration(maker, *others)

        monkeypatch.setattr("fingerprint.train.training.fit_calibration", fitting)
        known = {frozenset({photographs[0].name, photographs[1].name}): SHARED}
        models, skipped = train_models(
            [bad, *photographs],
            DEFAULT_CONFIG,
            few,
            known_pairs=known,
            n_workers=2,
            progress=lambda *state: told.append(state),
        )
        assert makers[0].known_pairs == known
        assert list(makers[0].paths) == sorted(photographs)
        assert [(type(s), s.path) for s in skipped] == [(Skipped, str(bad))]
        assert models.facts["n_images"] == 24
        stages = [stage for stage, _ in itertools.groupby(state[0] for state in told)]
        assert len(stages) == len(set(stages)) >= 3
        for stage in stages:
            done = [(n, total) for name, n, total in told if name == stage]
            first, total = done[0]
            assert first in (0, 1)  # a stage of one long step says when it begins
            assert done == [(i, total) for i in range(first, total + 1)]

    def test_too_few_images_are_refused_with_their_number(self, photographs: list[Path], tmp_path: Path) -> None:
        (tmp_path / "bad.png").write_bytes(b"")
        with pytest.raises(ConfigError, match=r"at least 20 .*19"):
            train_models([*photographs[:19], tmp_path / "bad.png"], DEFAULT_CONFIG, SMALL)

    def test_pictures_without_keypoints_are_refused(self, tmp_path: Path) -> None:
        paths = []
        for i in range(20):
            paths.append(tmp_path / f"{i:02d}.png")
            Image.fromarray(np.full((40, 40), i, np.uint8)).save(paths[-1])
        with pytest.raises(ConfigError, match="no keypoints"):
            train_models(paths, DEFAULT_CONFIG, SMALL)

    def test_a_short_descriptor_leaves_cues_out(
        self, photographs: list[Path], trained: Models, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fitted = Calibration(
            trained.calibration, trained.ruled_out, trained.promising, trained.copies, trained.shared, {}
        )
        monkeypatch.setattr("fingerprint.train.training.fit_calibration", lambda *_: fitted)  # the calibration is slow
        short = dataclasses.replace(SMALL, dimension=2)
        models, _ = train_models(photographs, DEFAULT_CONFIG, short)
        assert [projection.shape[1] for _, projection in models.descriptor.cue_projections] == [1, 1, 0]
        assert models.descriptor.background.shape == (10, 2)

    @pytest.mark.parametrize(
        "setting",
        [
            {"dimension": 0},
            {"dimension": 257},
            {"n_words": 0},
            {"n_codebooks": 0},
            {"n_wide_copies": -1},
            {"n_wide": -1},
            {"local_dimension": 129},
            {"n_calibration": 0},
            {"n_local": 0},
            {"n_cells": 0},
            {"n_cohort": -1},
            {"n_templates": -1},
            {"n_scenes": -1},
            {"n_surfaces": -1},
            {"n_edited_copies": 0},
            {"n_edited_copies": -1},
        ],
    )
    def test_settings_out_of_range_are_refused(self, setting: dict[str, int]) -> None:
        with pytest.raises(ConfigError):
            TrainConfig(**setting)


class TestFitLogistic:
    def data(self, seed: int, n: int = 300) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(n, 3)) * [1, 10, 0.1] + [0, 50, -3]
        odds = 1.5 * x[:, 0] - 0.1 * (x[:, 1] - 50) + 0.4
        return x, rng.random(n) < 1 / (1 + np.exp(-odds))

    @pytest.mark.parametrize("ridge", [0.1, 1.0, 50.0])
    def test_against_a_plain_minimisation(self, ridge: float) -> None:
        x, y = self.data(0)
        weights, centre, spread, bias = fit_logistic(x, y, ridge)
        z = (x - x.mean(axis=0)) / x.std(axis=0)
        sign = np.where(y, 1.0, -1.0)

        def loss(w: np.ndarray) -> float:
            return float(np.log1p(np.exp(-sign * (z @ w[:3] + w[3]))).sum() + ridge / 2 * (w[:3] ** 2).sum())

        expected = minimize(
            loss, np.zeros(4), method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9, "maxiter": 4000}
        ).x
        np.testing.assert_allclose(np.append(weights, bias), expected, atol=2e-3)
        np.testing.assert_allclose(centre, x.mean(axis=0))
        np.testing.assert_allclose(spread, x.std(axis=0))

    def test_recovers_the_odds_that_made_the_labels(self) -> None:
        x, y = self.data(1, n=20_000)
        weights, centre, spread, bias = fit_logistic(x, y)
        slope = weights / spread
        assert (np.abs(slope - [1.5, -0.1, 0]) < [0.1, 0.01, 0.5]).all()
        assert bias[0] - slope @ centre == pytest.approx(0.4 + 0.1 * 50, abs=1.5)

    def test_probabilities_are_calibrated(self) -> None:
        """With an unpunished bias the mean probability is the share of copies."""
        x, y = self.data(2)
        weights, centre, spread, bias = fit_logistic(x, y, ridge=10.0)
        odds = (x - centre) / spread @ weights + bias[0]
        assert (1 / (1 + np.exp(-odds))).mean() == pytest.approx(y.mean(), abs=1e-4)

    def test_a_constant_measure_weighs_nothing(self) -> None:
        x, y = self.data(3)
        x[:, 2] = 7.0
        weights, _, spread, _ = fit_logistic(x, y)
        assert weights[2] == pytest.approx(0, abs=1e-6)
        assert spread[2] > 0

    def test_separable_data_stay_finite(self) -> None:
        x = np.linspace(-1, 1, 50)[:, None]
        weights, _, _, bias = fit_logistic(x, x[:, 0] > 0)
        assert np.isfinite([*weights, *bias]).all()
        assert weights[0] > 0

    @pytest.mark.parametrize("label", [True, False])
    def test_one_kind_of_label_is_refused(self, *, label: bool) -> None:
        with pytest.raises(ConfigError, match="unrelated"):
            fit_logistic(np.zeros((5, 2)), np.full(5, label))


class TestFitProjection:
    @pytest.mark.parametrize(("n", "width"), [(400, 30), (60, 200)], ids=["more vectors", "more dimensions"])
    def test_the_projected_are_uncorrelated_and_ordered(self, n: int, width: int) -> None:
        rng = np.random.default_rng(0)
        x = (rng.normal(size=(n, width)) * np.geomspace(3, 0.1, width) + 1).astype(np.float32)
        mean, basis = fit_projection(x, 12, 0.0)
        assert basis.shape == (width, 12)
        np.testing.assert_allclose(mean, x.mean(axis=0), atol=1e-4)
        np.testing.assert_allclose(basis.T @ basis, np.eye(12), atol=1e-3)
        projected = (x - mean) @ basis
        covariance = np.cov(projected, rowvar=False)
        variance = np.diag(covariance)
        np.testing.assert_allclose(covariance, np.diag(variance), atol=0.01 * variance[0])
        assert (np.diff(variance) <= 1e-3).all()

    def test_whitening_makes_the_variances_nearly_equal(self) -> None:
        rng = np.random.default_rng(1)
        x = (rng.normal(size=(500, 40)) * np.geomspace(3, 0.5, 40)).astype(np.float32)
        spread = []
        for power in (0.0, 0.25, 0.5):
            mean, basis = fit_projection(x, 10, power)
            deviation = ((x - mean) @ basis).std(axis=0)
            spread.append(float(deviation.max() / deviation.min()))
        assert spread == sorted(spread, reverse=True)
        assert spread[2] < 1.1  # some shrinkage is on purpose

    def test_more_shrinkage_whitens_less(self) -> None:
        rng = np.random.default_rng(1)
        x = (rng.normal(size=(500, 40)) * np.geomspace(3, 0.5, 40)).astype(np.float32)
        spread = []
        for shrinkage in (0.0, 0.05, 0.5, 5.0):
            mean, basis = fit_projection(x, 10, 0.5, shrinkage)
            deviation = ((x - mean) @ basis).std(axis=0)
            spread.append(float(deviation.max() / deviation.min()))
        assert spread == sorted(spread)
        assert spread[0] == pytest.approx(1, abs=1e-3)

    def test_spans_the_principal_subspace(self) -> None:
        rng = np.random.default_rng(2)
        x = (rng.normal(size=(200, 20)) * np.geomspace(5, 0.1, 20)).astype(np.float32)
        _, _, right = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
        _, basis = fit_projection(x, 5, 0.0)
        np.testing.assert_allclose(np.linalg.svd(right[:5] @ basis, compute_uv=False), 1, atol=1e-3)

    def test_fewer_dimensions_where_the_vectors_span_fewer(self) -> None:
        rng = np.random.default_rng(3)
        x = (rng.normal(size=(50, 4)) @ rng.normal(size=(4, 60))).astype(np.float32)
        _, basis = fit_projection(x, 16, 0.5)
        assert basis.shape == (60, 4)
        assert np.isfinite(basis).all()

    def test_signs_do_not_depend_on_chance(self) -> None:
        """Eigenvectors are known up to their sign; the largest entry of each is made positive."""
        x = np.random.default_rng(4).normal(size=(100, 12)).astype(np.float32)
        for n in (100, 8):
            _, basis = fit_projection(x[:n], 5, 0.5)
            assert (basis[np.abs(basis).argmax(axis=0), range(5)] > 0).all()


class TestFitAgreement:
    def pairs(
        self, seed: int, n: int = 800, width: int = 40, shared: int = 4
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Originals, two edited copies of each, owners, and the few directions (width, shared) that edits leave alone.

        What edits change is larger: principal components alone would keep that.
        """
        rng = np.random.default_rng(seed)
        directions = ortho_group.rvs(width, random_state=rng)
        kept, changed = directions[:, :shared], directions[:, shared : 4 * shared]
        owners = np.repeat(np.arange(n), 2)
        own = rng.normal(size=(n, shared))

        def vectors(mine: np.ndarray) -> np.ndarray:
            loud, quiet = rng.normal(0, 2, (len(mine), 3 * shared)), rng.normal(0, 0.3, (len(mine), width))
            return (mine @ kept.T + loud @ changed.T + quiet + 1).astype(np.float32)

        return vectors(own), vectors(own[owners]), owners, kept

    @pytest.mark.parametrize("seed", range(4))
    def test_recovers_the_directions_that_copies_share(self, seed: int) -> None:
        originals, copies, owners, kept = self.pairs(seed)
        mean, projection = fit_agreement(originals, copies, owners, 4, 40, 0.05)
        assert (mean.dtype, projection.dtype, projection.shape) == (np.float32, np.float32, (40, 4))
        np.testing.assert_allclose(mean, np.concatenate([originals, copies]).mean(axis=0), atol=1e-4)
        assert np.degrees(subspace_angles(projection.astype(float), kept)).max() < 12
        _, principal = fit_projection(np.concatenate([originals, copies]), 4, 0.5)
        assert np.degrees(subspace_angles(principal.astype(float), kept)).max() > 60

    def test_new_copies_are_nearest_to_their_sources_more_often_than_after_whitening(self) -> None:
        originals, copies, owners, kept = self.pairs(0)
        mean, projection = fit_agreement(originals, copies, owners, 4, 40, 0.05)
        centre, whitened = fit_projection(np.concatenate([originals, copies]), 4, 0.5)
        rng = np.random.default_rng(9)
        own = rng.normal(size=(100, 4))
        noise = [rng.normal(size=(100, 40)) @ (np.eye(40) - kept @ kept.T) for _ in range(2)]
        one, two = (own @ kept.T + n + 1 for n in noise)

        def hits(centre: np.ndarray, basis: np.ndarray) -> int:
            a, b = (
                x / np.linalg.norm(x, axis=1, keepdims=True) for x in ((one - centre) @ basis, (two - centre) @ basis)
            )
            return int(((a @ b.T).argmax(axis=1) == np.arange(100)).sum())

        assert hits(mean, projection) > 50 > 20 > hits(centre, whitened)

    @pytest.mark.parametrize(("n", "width"), [(150, 30), (40, 90)], ids=["more vectors", "more dimensions"])
    def test_against_numpy(self, n: int, width: int) -> None:
        """The generalised problem by Cholesky's triangle, in double precision."""
        originals, copies, owners, _ = self.pairs(5, n, width)
        _, projection = fit_agreement(originals, copies, owners, 6, 20, 0.2)
        x = np.concatenate([originals, copies]).astype(float)
        _, values, right = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
        variance = values[:20] ** 2 / len(x)
        basis = right[:20].T / np.sqrt(variance + 0.2 * variance.mean())

        def rows(vectors: np.ndarray) -> np.ndarray:
            projected = (vectors - x.mean(axis=0)) @ basis
            return projected / np.linalg.norm(projected, axis=1, keepdims=True)

        a, b = rows(originals), rows(copies)
        across = b.T @ a[owners] / len(b)
        within = (b.T @ b / len(b) + a.T @ a / len(a)) / 2
        within += 0.1 * np.trace(within) / 20 * np.eye(20)
        inverse = np.linalg.inv(np.linalg.cholesky(within))
        found, vectors = np.linalg.eigh(inverse @ (across + across.T) / 2 @ inverse.T)
        expected = basis @ inverse.T @ vectors[:, ::-1][:, :6] * np.sqrt(found[::-1][:6])
        cosines = (projection * expected).sum(axis=0) / (
            np.linalg.norm(projection, axis=0) * np.linalg.norm(expected, axis=0)
        )
        np.testing.assert_allclose(np.abs(cosines), 1, atol=1e-3)
        np.testing.assert_allclose(np.linalg.norm(projection, axis=0), np.linalg.norm(expected, axis=0), rtol=1e-2)

    def test_directions_come_in_the_order_of_their_agreement(self) -> None:
        originals, copies, owners, _ = self.pairs(1)
        mean, projection = fit_agreement(originals, copies, owners, 12, 40, 0.05)
        a, b = (originals[owners] - mean) @ projection, (copies - mean) @ projection
        correlations = [float(np.corrcoef(a[:, i], b[:, i])[0, 1]) for i in range(12)]
        assert min(correlations[:4]) > 0.5 > 0.2 > max(correlations[4:])
        lengths = np.linalg.norm(b, axis=0)
        assert lengths[:4].min() > 2 * lengths[4:].max()

    def test_without_versions_it_whitens(self) -> None:
        originals = self.pairs(2)[0]
        nothing = np.zeros((0, 40), np.float32), np.zeros(0, np.int64)
        found = fit_agreement(originals, *nothing, 7, 30, 0.1)
        expected = fit_projection(originals, 7, 0.5, 0.1)
        assert [array.tobytes() for array in found] == [array.tobytes() for array in expected]
        projected = (originals - found[0]) @ found[1]
        deviations = projected.std(axis=0)
        assert deviations.max() / deviations.min() < 1.1

    @pytest.mark.parametrize(("wanted", "found"), [(2, 2), (5, 5), (16, 5)])
    def test_fewer_dimensions_where_the_vectors_span_fewer(self, wanted: int, found: int) -> None:
        rng = np.random.default_rng(3)
        x = (rng.normal(size=(60, 5)) @ rng.normal(size=(5, 70))).astype(np.float32)
        mean, projection = fit_agreement(x[:20], x[20:], np.arange(40) % 20, wanted, 50, 0.05)
        assert projection.shape == (70, found)
        assert np.isfinite(projection).all()
        assert np.isfinite(mean).all()

    @pytest.mark.parametrize("n_edited_copies", [0, 30])
    def test_no_dimension_at_all(self, n_edited_copies: int) -> None:
        x = np.random.default_rng(0).normal(size=(30, 8)).astype(np.float32)
        mean, projection = fit_agreement(x, x[:n_edited_copies], np.arange(n_edited_copies), 0, 5, 0.05)
        assert projection.shape == (8, 0)
        np.testing.assert_allclose(mean, x.mean(axis=0), atol=1e-6)

    def test_more_dimensions_than_principal_directions_may_be_had(self) -> None:
        originals, versions, owners, _ = self.pairs(4)
        assert fit_agreement(originals, versions, owners, 12, 3, 0.05)[1].shape == (40, 12)

    def test_signs_do_not_depend_on_chance(self) -> None:
        originals, versions, owners, _ = self.pairs(6, n=200)
        _, projection = fit_agreement(originals, versions, owners, 4, 40, 0.05)
        order = np.random.default_rng(0).permutation(len(versions))
        _, shuffled = fit_agreement(originals, versions[order], owners[order], 4, 40, 0.05)
        _, negative = fit_agreement(-originals, -versions, owners, 4, 40, 0.05)
        np.testing.assert_allclose(shuffled, projection, atol=2e-2)
        np.testing.assert_allclose(negative, projection, atol=2e-2)

    def test_inputs_are_not_changed(self) -> None:
        originals, versions, owners, _ = self.pairs(7, n=50)
        copies = originals.copy(), versions.copy(), owners.copy()
        fit_agreement(originals, versions, owners, 4, 20, 0.05)
        for before, after in zip(copies, (originals, versions, owners), strict=True):
            np.testing.assert_array_equal(before, after)


class TestFitCodebook:
    @pytest.mark.parametrize("seed", range(5))
    def test_finds_clusters_that_lie_apart(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        centres = rng.normal(size=(6, 10)) * 10
        points = (centres[rng.integers(0, 6, 600)] + rng.normal(0, 0.1, (600, 10))).astype(np.float32)
        found = fit_codebook(points, 6, rng)
        assert (found.dtype, found.shape) == (np.float32, (6, 10))
        apart = np.linalg.norm(found[:, None] - centres[None], axis=2)
        assert sorted(apart.argmin(axis=1)) == list(range(6))
        assert apart.min(axis=1).max() < 0.1

    def test_same_chance_same_words(self) -> None:
        points = np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32)
        one, two = (fit_codebook(points, 5, np.random.default_rng(3)) for _ in range(2))
        assert one.tobytes() == two.tobytes()

    def test_as_many_words_as_points(self) -> None:
        points = np.eye(4, dtype=np.float32) * 5
        found = fit_codebook(points, 4, np.random.default_rng(0))
        assert sorted(map(tuple, found.tolist())) == sorted(map(tuple, points.tolist()))

    def test_equal_points_give_finite_words(self) -> None:
        found = fit_codebook(np.ones((50, 3), np.float32), 4, np.random.default_rng(0))
        np.testing.assert_array_equal(found, np.ones((4, 3)))

    def test_more_words_than_points_are_refused_with_both_numbers(self) -> None:
        with pytest.raises(ConfigError, match=r"9 words.* 5"):
            fit_codebook(np.zeros((5, 3), np.float32), 9, np.random.default_rng(0))


class TestFitLocalParts:
    def test_the_rotation_is_orthogonal_and_the_thresholds_halve(self) -> None:
        rng = np.random.default_rng(0)
        descriptors = rng.integers(0, 200, (501, 128)).astype(np.uint8)
        rotation, thresholds = fit_signatures(descriptors, rng)
        np.testing.assert_allclose(rotation.T.astype(np.float64) @ rotation, np.eye(128), atol=1e-5)
        above = (descriptors.astype(np.float32) @ rotation > thresholds).mean(axis=0)
        np.testing.assert_allclose(above, 0.5, atol=0.01)

    def test_the_basis_holds_the_directions_of_most_variance(self) -> None:
        rng = np.random.default_rng(0)
        directions = ortho_group.rvs(128, random_state=rng)[:, :4]
        x = rng.normal(size=(3000, 4)) * [30, 25, 20, 15] @ directions.T + 100 + rng.normal(0, 1, (3000, 128))
        mean, basis = fit_local_basis(np.clip(np.rint(x), 0, 255).astype(np.uint8), 4)
        np.testing.assert_allclose(mean, 100, atol=1.5)
        np.testing.assert_allclose(np.abs((basis * directions).sum(axis=0)), 1, atol=0.01)
        np.testing.assert_allclose(basis.T @ basis, np.eye(4), atol=1e-5)
