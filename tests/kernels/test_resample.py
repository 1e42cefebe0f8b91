"""Making pictures small, against Pillow and NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from fingerprint.kernels.resample import block_means, lanczos_weights, luma, reduce_rows, resample
from fingerprint.types import U8

LANCZOS = Image.Resampling.LANCZOS
greys = hnp.arrays(np.uint8, st.tuples(st.integers(1, 90), st.integers(1, 90)))
lines = hnp.arrays(np.uint8, st.tuples(st.integers(1, 90), st.integers(1, 90)), elements=st.sampled_from([0, 255]))


def ours(grey: U8, width: int, height: int, length_x: float, length_y: float) -> U8:
    x = lanczos_weights(grey.shape[1], length_x, width)
    return resample(grey, *x, *lanczos_weights(grey.shape[0], length_y, height))


def pillow(grey: U8, width: int, height: int, length_x: float, length_y: float) -> U8:
    """One axis after the other, as the order in which Pillow takes both differs from variant to variant."""
    whole = Image.fromarray(grey)
    low = whole.resize((whole.width, height), LANCZOS, box=(0, 0, whole.width, length_y))
    return np.asarray(low.resize((width, height), LANCZOS, box=(0, 0, length_x, height)))


@given(st.one_of(greys, lines), st.sampled_from([(32, 32), (9, 8), (8, 9), (64, 64), (1, 1), (100, 7)]))
@settings(max_examples=150)
def test_the_lanczos_filter_is_pillows(grey: U8, size: tuple[int, int]) -> None:
    whole = float(grey.shape[1]), float(grey.shape[0])
    assert np.array_equal(ours(grey, *size, *whole), pillow(grey, *size, *whole))


@given(greys, st.integers(0, 7), st.integers(0, 7), st.sampled_from([(32, 32), (9, 8), (64, 64)]))
@settings(max_examples=150)
def test_a_picture_may_end_within_its_last_pixel(grey: U8, less_x: int, less_y: int, size: tuple[int, int]) -> None:
    ends = grey.shape[1] - less_x / 8, grey.shape[0] - less_y / 8  # eighths are exact in Pillow's single precision
    assert np.array_equal(ours(grey, *size, *ends), pillow(grey, *size, *ends))


def test_photographs_are_resampled_as_with_pillow(photos: dict[str, U8]) -> None:
    for rgb in photos.values():
        grey = np.asarray(Image.fromarray(rgb).convert("L")).copy()
        whole = float(grey.shape[1]), float(grey.shape[0])
        assert np.array_equal(ours(grey, 32, 32, *whole), pillow(grey, 32, 32, *whole))


@given(greys, st.integers(1, 256))
def test_rows_are_averaged_and_rounded(grey: U8, n: int) -> None:
    parts = [grey[top : top + n].astype(np.int64) for top in range(0, len(grey), n)]
    expected = [(part.sum(axis=0) + len(part) // 2) // len(part) for part in parts]
    found = reduce_rows(grey, n)
    assert found.dtype == np.uint8
    assert found.tolist() == np.array(expected).tolist()


@pytest.mark.parametrize("n", [1, 2, 3, 7, 100, 255, 256])
def test_every_possible_sum_of_rows_is_rounded_rightly(n: int) -> None:
    sums = np.arange(255 * n + 1)
    grey = np.full((n, len(sums)), sums // n, np.uint8)
    grey += (np.arange(n)[:, None] < sums % n).astype(np.uint8)
    assert grey.sum(axis=0, dtype=np.int64).tolist() == sums.tolist()
    assert reduce_rows(grey, n)[0].tolist() == ((sums + n // 2) // n).tolist()


@given(greys, st.integers(1, 20), st.integers(0, 7), st.integers(0, 7))
def test_block_means_are_integrals_over_blocks(grey: U8, n: int, less_x: int, less_y: int) -> None:
    def shares(size: int, length: float) -> np.ndarray:
        edges = np.arange(n + 1) * length / n
        low, high = np.maximum(edges[:-1, None], np.arange(size)), np.minimum(edges[1:, None], np.arange(1, size + 1))
        return np.maximum(high - low, 0) * n / length

    ends = grey.shape[1] - less_x / 8, grey.shape[0] - less_y / 8
    expected = shares(grey.shape[0], ends[1]) @ grey.astype(float) @ shares(grey.shape[1], ends[0]).T
    np.testing.assert_allclose(block_means(grey, *ends, n), expected, atol=1e-9)


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20), st.just(3))))
def test_luma_is_pillows(rgb: U8) -> None:
    assert np.array_equal(luma(rgb), np.asarray(Image.fromarray(rgb).convert("L")))
