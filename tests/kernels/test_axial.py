"""Directions of lines, against a slow computation from the definition, and on pictures whose bright sides changed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fingerprint.kernels.axial import AGREES, AXIAL_MEASURES, measure_axial
from fingerprint.kernels.cells import CELL, LEAST_PART
from fingerprint.types import F64, U8, Bool

SIDE = 64


def scene(seed: int) -> U8:
    """Return a smooth picture with lines in all directions."""
    noise = np.random.default_rng(seed).normal(0, 60, (12, 12))
    return np.clip(128 + cv2.resize(noise, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


def measured(query: U8, reference: U8, shared: Bool | None = None) -> dict[str, float]:
    shared = np.ones(query.shape, np.bool_) if shared is None else shared
    return dict(zip(AXIAL_MEASURES, measure_axial(query, reference, shared).tolist(), strict=True))


def by_definition(query: U8, reference: U8, shared: Bool) -> F64:
    """Do the same with whole arrays: gradients as complex numbers, squared."""

    def doubled(picture: U8) -> np.ndarray:
        grey, out = picture.astype(float), np.zeros(picture.shape, complex)
        dx, dy = grey[1:-1, 2:] - grey[1:-1, :-2], grey[2:, 1:-1] - grey[:-2, 1:-1]
        gradient = (dx + 1j * dy) / 2
        out[1:-1, 1:-1] = gradient**2 / (np.abs(gradient) ** 2 + 4)
        return out

    seen = np.zeros(shared.shape, bool)
    seen[1:-1, 1:-1] = shared[1:-1, 1:-1] & shared[:-2, 1:-1] & shared[2:, 1:-1] & shared[1:-1, :-2] & shared[1:-1, 2:]
    first, second = doubled(query) * seen, doubled(reference) * seen
    sums = [
        x.reshape(SIDE // CELL, CELL, SIDE // CELL, CELL).sum(axis=(1, 3)).ravel()
        for x in ((first * second.conj()).real, np.abs(first) ** 2, np.abs(second) ** 2, seen.astype(float))
    ]
    counts = (sums[3] >= LEAST_PART * CELL**2) & (np.minimum(sums[1], sums[2]) > 0.03 * sums[3])
    if not counts.any():
        return np.zeros(len(AXIAL_MEASURES))
    product, a, b, _ = (x[counts] for x in sums)
    each = np.sort(product / np.sqrt(a * b))
    n = len(each)
    return np.array([product.sum() / np.sqrt(a.sum() * b.sum()), each[n // 4], each[n // 2], (each > AGREES).mean()])


@pytest.mark.parametrize("seed", range(6))
def test_agrees_with_the_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    query, reference = scene(seed), scene(seed + 100 * (seed % 2))
    query = np.clip(query + rng.normal(0, 8, query.shape), 0, 255).astype(np.uint8)
    shared = cv2.resize(rng.random((6, 6)), (SIDE, SIDE)) > 0.35
    np.testing.assert_allclose(measure_axial(query, reference, shared), by_definition(query, reference, shared))


def test_negatives_and_solarised_pictures_have_the_same_lines() -> None:
    reference = scene(1)
    for query in (255 - reference, np.where(reference > 128, 255 - reference, reference)):
        assert measured(query, reference)["axial"] > 0.8
        assert measured(query, reference)["axial_agreeing"] > 0.8
    assert measured(reference, reference)["axial"] == pytest.approx(1)


def test_a_picture_turned_by_a_right_angle_has_other_lines() -> None:
    stripes = np.tile(np.array([0, 0, 80, 80], np.uint8), (SIDE, SIDE // 4))
    assert measured(stripes.T.copy(), stripes)["axial"] == pytest.approx(-1)


def test_other_pictures_agree_about_nothing() -> None:
    assert abs(np.mean([measured(scene(k), scene(k + 50))["axial"] for k in range(10)])) < 0.1


@pytest.mark.parametrize("flat", [np.full((SIDE, SIDE), 90, np.uint8)])
def test_flat_or_unshared_pictures_count_nothing(flat: U8) -> None:
    assert set(measured(flat, scene(2)).values()) == {0.0}
    assert set(measured(scene(2), scene(2), np.zeros((SIDE, SIDE), np.bool_)).values()) == {0.0}
