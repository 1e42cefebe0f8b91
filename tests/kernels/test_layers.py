"""The dark and the light layer of two aligned pictures, each by itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingerprint.kernels.layers import LAYER_MEASURES, measure_layers
from fingerprint.types import U8, Bool

SIDE = 96


def measured(query: U8, reference: U8, shared: Bool | None = None) -> dict[str, float]:
    everything = np.ones(query.shape, np.bool_) if shared is None else shared
    return dict(zip(LAYER_MEASURES, measure_layers(query, reference, everything).tolist(), strict=True))


def ground(seed: int, low: float, high: float) -> U8:
    """A smooth picture between two grey values."""
    coarse = np.random.default_rng(seed).uniform(0, 1, (9, 9))
    rows = np.linspace(0, 7.999, SIDE)
    i, part = rows.astype(int), (rows % 1)[:, None]
    down = coarse[i] * (1 - part) + coarse[i + 1] * part
    smooth = down[:, i] * (1 - part.T) + down[:, i + 1] * part.T
    return np.rint(low + (high - low) * smooth).astype(np.uint8)


def strokes(seed: int) -> Bool:
    """Strokes of text: a third of the pixels of most cells."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((SIDE, SIDE), np.bool_)
    for y in range(2, SIDE, 8):
        for x in range(0, SIDE, 4):
            mask[y : y + int(rng.integers(2, 6)), x : x + int(rng.integers(1, 3))] = True
    return mask


def written(text: Bool, on: U8, ink: int) -> U8:
    return np.where(text, np.uint8(ink), on)


class TestTextOnAPicture:
    def test_the_same_text_on_another_picture_agrees_in_its_own_layer_only(self) -> None:
        text = strokes(0)
        light = written(text, ground(1, 20, 60), 250), written(text, ground(2, 20, 60), 250)
        found = measured(*light)
        assert abs(found["dark"]) < 0.35
        dark = written(text, ground(1, 180, 230), 10), written(text, ground(2, 180, 230), 10)
        found = measured(*dark)
        assert abs(found["light"]) < 0.35

    def test_a_faded_noisy_copy_agrees_in_both(self) -> None:
        reference = written(strokes(0), ground(1, 20, 90), 250)
        noise = np.random.default_rng(3).normal(0, 4, reference.shape)
        query = np.clip(reference * 0.7 + 40 + noise, 0, 255).astype(np.uint8)
        found = measured(query, reference)
        assert found["dark"] > 0.85
        assert found["dark_quarter"] > 0.75

    def test_another_text_on_the_same_picture_agrees_in_the_layer_of_the_picture(self) -> None:
        picture = ground(1, 20, 90)
        found = measured(written(strokes(0), picture, 250), written(strokes(5), picture, 250))
        assert found["dark"] > 0.8


class TestProperties:
    @given(seed=st.integers(0, 10**6))
    def test_a_picture_agrees_with_itself_wholly_and_with_its_negative_the_other_way(self, seed: int) -> None:
        picture = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE), dtype=np.uint8)
        found = measured(picture, picture)
        for name in ("dark", "dark_quarter", "dark_half", "light", "light_quarter", "light_half"):
            assert found[name] == pytest.approx(1)

    @given(seed=st.integers(0, 10**6), share=st.floats(0, 1))
    def test_measures_are_bounded_whatever_is_shared(self, seed: int, share: float) -> None:
        rng = np.random.default_rng(seed)
        query, reference = rng.integers(0, 256, (2, 32, 32), dtype=np.uint8)
        found = measure_layers(query, reference, rng.random((32, 32)) < share)
        assert np.isfinite(found).all()
        assert (np.abs(found) <= 1 + 1e-9).all()

    @given(seed=st.integers(0, 10**6))
    def test_pixels_that_are_not_shared_do_not_matter(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        query, reference = rng.integers(0, 256, (2, 32, 32), dtype=np.uint8)
        shared = rng.random((32, 32)) < 0.7
        other = np.where(shared, query, rng.integers(0, 256, query.shape, dtype=np.uint8)).astype(np.uint8)
        np.testing.assert_array_equal(
            measure_layers(query, reference, shared), measure_layers(other, reference, shared)
        )

    def test_flat_pictures_have_nothing_to_compare(self) -> None:
        flat = np.full((SIDE, SIDE), 90, np.uint8)
        assert set(measured(flat, flat).values()) == {0.0}


def test_is_what_numpy_computes() -> None:
    rng = np.random.default_rng(8)
    query, reference = rng.integers(0, 256, (2, SIDE, SIDE), dtype=np.uint8)
    side = SIDE // 8
    steps = []
    for picture in (query, reference):
        cells = picture.reshape(side, 8, side, 8).swapaxes(1, 2).reshape(side, side, 64).astype(float)
        mean = cells.mean(axis=2, keepdims=True)
        dark = np.where(cells < mean, cells, np.nan)
        layer = np.nanmean(dark, axis=2)
        both = np.concatenate([np.diff(layer, axis=0).ravel(), np.diff(layer, axis=1).ravel()])
        steps.append(both / (np.abs(both) + 2))
    a, b = steps
    found = measured(query, reference)
    assert found["dark"] == pytest.approx((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))
    assert found["dark_steps"] == pytest.approx((b * b).mean())
