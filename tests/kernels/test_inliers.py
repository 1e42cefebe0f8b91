"""What is measured on inliers, against SciPy's hulls and counts in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from fingerprint.kernels.inliers import hull_area, measure_inliers

SEEDS = range(6)
LINE = np.column_stack([np.arange(8.0), 2 * np.arange(8.0) + 1])
ONE_PLACE = np.full((6, 2), 3.0)


def cells_of(points: np.ndarray, n: int) -> int:
    return len({tuple(cell) for cell in np.floor(points.astype(np.float64) * n).astype(int).tolist()})


class TestHullArea:
    @pytest.mark.parametrize("seed", SEEDS)
    def test_against_scipy(self, seed: int) -> None:
        points = np.random.default_rng(seed).random((40, 2))
        assert hull_area(points) == pytest.approx(ConvexHull(points).volume, rel=1e-5)

    @pytest.mark.parametrize("points", [np.zeros((0, 2)), LINE[:1], LINE[:2], LINE, ONE_PLACE])
    def test_a_line_or_less_has_no_area(self, points: np.ndarray) -> None:
        assert hull_area(points) == pytest.approx(0, abs=1e-6)

    def test_points_twice_and_in_line_change_nothing(self) -> None:
        square = np.array([[0, 0], [4, 0], [4, 4], [0, 4.0]])
        more = np.concatenate([square, square, (square + np.roll(square, 1, 0)) / 2, [[1.0, 2.0]]])
        assert hull_area(more) == 16


class TestMeasureInliers:
    @pytest.mark.parametrize("seed", SEEDS)
    def test_against_numpy(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        q_frame, r_frame = rng.random((50, 5)).astype(np.float32), rng.random((70, 5)).astype(np.float32)
        k = int(rng.integers(3, 30))
        q_rows, r_rows, residuals = rng.integers(0, 50, k), rng.integers(0, 70, k), rng.random(k)
        found = measure_inliers(q_frame, r_frame, q_rows, r_rows, residuals, 0.4, 20, 3)
        q, r = q_frame[q_rows, :2], r_frame[r_rows, :2]
        near = residuals < 0.4
        within = ((r_frame[:, :2] >= r.min(axis=0)) & (r_frame[:, :2] <= r.max(axis=0))).all(axis=1)
        assert found[:3] == tuple(
            min(cells_of(q[chosen], n), cells_of(r[chosen], n))
            for chosen, n in ((near | True, 20), (near, 20), (near | True, 3))
        )
        assert found[3] == pytest.approx(hull_area(r.astype(np.float64)))
        assert found[4] == pytest.approx(hull_area(q.astype(np.float64)))
        assert found[5] == pytest.approx(cells_of(r, 20) / cells_of(r_frame[within, :2], 20))

    @pytest.mark.parametrize("k", [0, 1, 2])
    def test_few_cover_nothing(self, k: int) -> None:
        frame, rows = np.random.default_rng(0).random((9, 5)).astype(np.float32), np.arange(k)
        found = measure_inliers(frame, frame, rows, rows, np.zeros(k), 0.4, 100, 8)
        assert found == (k, k, found[2], 0.0, 0.0, 0.0)
