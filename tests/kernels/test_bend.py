"""Matches that hang together by their neighbours, and the map that goes through them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from fingerprint.kernels.bend import chain_matches, fit_bend, warp_bent
from fingerprint.types import F32, F64, I64


def frames(points: F64, log_size: F64, angle: F64) -> F32:
    return np.column_stack([points, log_size, np.cos(angle), np.sin(angle)]).astype(np.float32)


def swirled(points: F64, most: float) -> tuple[F64, F64]:
    """Turn points about (0.5, 0.35), less the farther out; return them and the angles."""
    offset = points - np.array([0.5, 0.35])
    angle = most * np.exp(-3 * np.square(offset / 0.4).sum(axis=1))
    cos, sin = np.cos(angle), np.sin(angle)
    turned = np.column_stack([cos * offset[:, 0] - sin * offset[:, 1], sin * offset[:, 0] + cos * offset[:, 1]])
    return turned + np.array([0.5, 0.35]), angle


def planted(seed: int, n: int = 150, n_wrong: int = 60, most: float = 1.2) -> tuple[F32, F32, I64]:
    """Return keypoints of a query and of a reference that was swirled into it, and rows that are matched wrongly."""
    rng = np.random.default_rng(seed)
    reference = rng.uniform([0, 0], [1, 0.7], (n, 2))
    query, turn = swirled(reference, most)
    size, angle = rng.normal(-3, 0.5, n), rng.uniform(0, 2 * np.pi, n)
    noise = rng.normal(0, 0.001, (n, 2))
    in_query, in_reference = frames(query + noise, size, angle + turn), frames(reference, size, angle)
    wrong = rng.choice(n, n_wrong, replace=False)
    in_query[wrong] = frames(
        rng.uniform([0, 0], [1, 0.7], (n_wrong, 2)), rng.normal(-3, 0.5, n_wrong), rng.uniform(0, 7, n_wrong)
    )
    return in_query, in_reference, np.sort(wrong)


class TestChains:
    @pytest.mark.parametrize("seed", range(5))
    def test_follow_a_swirl_and_leave_wrong_matches_out(self, seed: int) -> None:
        query, reference, wrong = planted(seed)
        rows = np.arange(len(query))
        chained, turn, stretch = chain_matches(query, reference, rows, rows)
        right = np.setdiff1d(rows, wrong)
        assert np.isin(right, chained).mean() > 0.9
        assert np.isin(wrong, chained).mean() < 0.1
        assert 0.15 < turn < 0.8
        assert stretch < 0.2

    def test_nothing_turns_or_stretches_in_a_plain_copy(self) -> None:
        query, reference, _ = planted(0, n_wrong=0, most=0.0)
        rows = np.arange(len(query))
        chained, turn, stretch = chain_matches(query, reference, rows, rows)
        np.testing.assert_array_equal(chained, rows)
        assert turn < 1e-3
        assert stretch < 1e-3

    @pytest.mark.parametrize("n", [0, 1, 2])
    def test_too_few_matches_hang_together_with_nothing(self, n: int) -> None:
        query, reference, _ = planted(1)
        chained, turn, stretch = chain_matches(query, reference, np.arange(n), np.arange(n))
        assert (len(chained), turn, stretch) == (0, 0.0, 0.0)

    def test_many_matches_of_one_place_are_no_neighbours(self) -> None:
        query, reference, _ = planted(2)
        rows = np.zeros(40, np.int64)
        assert len(chain_matches(query, reference, rows, rows)[0]) == 0

    @given(seed=st.integers(0, 10**6), n=st.integers(0, 80))
    def test_chance_hardly_ever_makes_a_long_chain(self, seed: int, n: int) -> None:
        rng = np.random.default_rng(seed)
        made = [
            frames(rng.uniform(0, 1, (80, 2)), rng.normal(-3, 1, 80), rng.uniform(0, 2 * np.pi, 80)) for _ in range(2)
        ]
        rows = rng.integers(0, 80, (2, n))
        chained, turn, stretch = chain_matches(*made, *rows)
        assert (np.diff(chained) > 0).all()
        assert len(chained) <= 12
        assert np.isfinite([turn, stretch]).all()


class TestMaps:
    def test_go_through_an_affine_map(self) -> None:
        rng = np.random.default_rng(3)
        source = rng.uniform([0, 0], [1, 0.6], (60, 2))
        matrix, shift = np.array([[0.5, -0.2], [0.1, 0.7]]), np.array([0.2, 0.1])
        nodes = fit_bend(source, source @ matrix.T + shift, 1.0, 0.6)
        y, x = np.mgrid[0:0.6:9j, 0:1:9j]
        np.testing.assert_allclose(nodes, np.dstack([x, y]) @ matrix.T + shift, atol=1e-4)

    def test_follow_a_swirl_better_than_any_affine_map(self) -> None:
        rng = np.random.default_rng(4)
        source = rng.uniform([0, 0], [1, 0.7], (200, 2))
        target, _ = swirled(source, 1.2)
        nodes = fit_bend(source, target, 1.0, 0.7)
        y, x = np.mgrid[0:0.7:9j, 0:1:9j]
        wanted, _ = swirled(np.column_stack([x.ravel(), y.ravel()]), 1.2)
        miss = np.linalg.norm(nodes.reshape(-1, 2) - wanted, axis=1)
        basis = np.column_stack([source, np.ones(len(source))])
        affine = np.column_stack([x.ravel(), y.ravel(), np.ones(x.size)]) @ np.linalg.lstsq(basis, target)[0]
        assert np.median(miss) < 0.01
        assert miss.mean() < 0.35 * np.linalg.norm(affine - wanted, axis=1).mean()

    def test_points_on_a_line_give_a_finite_map(self) -> None:
        source = np.column_stack([np.linspace(0, 1, 10), np.full(10, 0.3)])
        assert np.isfinite(fit_bend(source, source, 1.0, 0.6)).all()


class TestWarps:
    @pytest.mark.parametrize("mirrored", [False, True])
    def test_are_bilinear(self, mirrored: bool) -> None:
        rng = np.random.default_rng(5)
        picture = rng.integers(0, 256, (45, 60), dtype=np.uint8)
        v, u = np.mgrid[0:1:9j, 0:1:9j]
        nodes = np.dstack([0.1 + 0.7 * u + 0.05 * v, 0.2 + 0.4 * v - 0.02 * u])
        grid, covered = warp_bent(picture, nodes, mirrored, 32)
        at = (np.arange(32) + 0.5) / 32
        x = (0.1 + 0.7 * at[None] + 0.05 * at[:, None]) * 60
        y = (0.2 + 0.4 * at[:, None] - 0.02 * at[None]) * 60
        wanted = map_coordinates(
            picture.astype(float), [y - 0.5, (60 - x if mirrored else x) - 0.5], order=1, mode="nearest"
        )
        np.testing.assert_array_equal(covered, (y >= 0) & (y <= 45))
        np.testing.assert_allclose(grid[covered], wanted[covered], atol=0.51)
        assert not grid[~covered].any()

    def test_of_a_picture_that_lies_elsewhere_cover_nothing(self) -> None:
        nodes = np.full((9, 9, 2), 3.0)
        grid, covered = warp_bent(np.full((20, 20), 200, np.uint8), nodes, False, 16)
        assert not covered.any()
        assert not grid.any()
