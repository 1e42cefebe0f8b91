"""Averages over areas, against OpenCV and against plain NumPy."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fingerprint.features.thumbnail import shrink
from fingerprint.kernels.area import area_weights, reduce_area
from fingerprint.types import U8

sides = st.tuples(st.integers(1, 90), st.integers(1, 90))


@st.composite
def reductions(draw: st.DrawFn) -> tuple[U8, int, int]:
    height, width = draw(sides)
    shape = draw(st.sampled_from([(height, width), (height, width, 3)]))
    elements = draw(st.sampled_from([st.integers(0, 255), st.sampled_from([0, 255])]))
    pixels = draw(hnp.arrays(np.uint8, shape, elements=elements))
    return pixels, draw(st.integers(1, height)), draw(st.integers(1, width))


@given(reductions())
@settings(max_examples=300)
def test_pictures_are_reduced_as_opencv_does(reduction: tuple[U8, int, int]) -> None:
    pixels, height, width = reduction
    theirs = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(shrink(pixels, height, width), theirs)


def test_photographs_are_reduced_as_opencv_does(photos: dict[str, U8]) -> None:
    for name, pixels in photos.items():
        for height, width in [(128, 128), (101, 150), (190, 190)]:
            theirs = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
            np.testing.assert_array_equal(shrink(pixels, height, width), theirs, err_msg=name)
            grey = np.ascontiguousarray(pixels[..., 1])
            np.testing.assert_array_equal(shrink(grey, height, width), theirs[..., 1], err_msg=name)


@pytest.mark.parametrize(("size", "n_out"), [(7, 3), (640, 300), (343, 172), (10, 1), (5, 5), (1, 1), (90, 89)])
def test_weights_are_shares_of_an_area(size: int, n_out: int) -> None:
    starts, weights = area_weights(size, n_out)
    edges = np.arange(n_out + 1) * size / n_out
    pixel = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    full = np.zeros((n_out, size))
    for i, start in enumerate(starts):
        full[i, start : start + weights.shape[1]] = weights[i]
    np.testing.assert_allclose(full, np.maximum(overlap, 0) * n_out / size, atol=1.1e-3)


def test_halves_are_rounded_to_even() -> None:
    steps = np.array([[0, 1, 1, 1, 2, 2, 2, 3, 9]], np.uint8).repeat(3, axis=0)
    assert reduce_area(steps[:, :8], 1, 4, 2)[0].tolist() == [0, 1, 2, 2]  # of 0.5, 1, 2, 2.5


def test_what_grows_is_interpolated(photos: dict[str, U8]) -> None:
    grey = np.ascontiguousarray(photos["coffee"][:100, :50, 0])
    theirs = cv2.resize(grey, (64, 64), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(shrink(grey, 64, 64), theirs)
