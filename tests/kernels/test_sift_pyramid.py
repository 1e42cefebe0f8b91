"""The Gaussian pyramid and its extrema, against SciPy's Gaussian and its filters of maxima and minima."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, maximum_filter, minimum_filter

from fingerprint.kernels.sift_pyramid import BASE_SIGMA, BLURS, BORDER, LAYERS, LEVELS, fill
from fingerprint.types import F32, U8

SIGMAS = BASE_SIGMA * 2 ** (np.arange(LEVELS) / LAYERS)


def filled(base: F32, least: float) -> tuple[F32, np.ndarray]:
    """Return the levels of an octave that begins with `base` as its level 0, and where it may have extrema."""
    levels = np.empty((LEVELS, *base.shape), np.float32)
    levels[0] = base
    return levels, fill(levels, levels[0], BLURS[0], 1, np.float32(least))


def base_of(grey: U8) -> F32:
    return np.asarray(gaussian_filter(grey.astype(np.float64), 1.5, mode="mirror"), np.float32)


@pytest.mark.parametrize("shape", [(192, 192), (61, 150), (150, 47), (17, 16), (11, 11), (12, 90)])
def test_each_level_is_the_base_blurred_by_a_gaussian(shape: tuple[int, int], scenes: dict[str, U8]) -> None:
    for name, grey in scenes.items():
        base = base_of(grey[: shape[0], : shape[1]])
        levels, _ = filled(base, 1.0)
        for level, sigma in zip(levels[1:], SIGMAS[1:], strict=True):
            rise = np.sqrt(sigma**2 - BASE_SIGMA**2)
            exact = gaussian_filter(base.astype(np.float64), rise, mode="mirror", truncate=8)
            assert np.abs(level - exact).max() <= 0.15, name  # grey values
            assert np.sqrt(np.square(level - exact).mean()) <= 0.03, name


@pytest.mark.parametrize("least", [0.05, 0.5, 3.0])
@pytest.mark.parametrize("shape", [(192, 192), (101, 60), (11, 11), (16, 130)])
def test_all_extrema_among_26_neighbours_are_found(shape: tuple[int, int], least: float, scenes: dict[str, U8]) -> None:
    for name, grey in scenes.items():
        levels, found = filled(base_of(grey[: shape[0], : shape[1]]), least)
        d = np.diff(levels, axis=0)
        high, low = maximum_filter(d, 3), minimum_filter(d, 3)
        extreme = ((d > np.float32(least)) & (d == high)) | ((d < -np.float32(least)) & (d == low))
        inner = np.zeros_like(extreme)
        inner[1:-1, BORDER:-BORDER, BORDER:-BORDER] = True
        expected = np.argwhere(extreme & inner)
        assert sorted(map(tuple, found.tolist())) == sorted(map(tuple, expected.tolist())), name
        assert (np.diff(found[:, 1]) >= 0).all()


def test_a_flat_octave_has_no_extrema() -> None:
    levels, found = filled(np.full((40, 30), 77, np.float32), 1e-3)
    assert len(found) == 0
    np.testing.assert_allclose(levels, 77, atol=1e-3)
