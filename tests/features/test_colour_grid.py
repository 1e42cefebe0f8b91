"""The grid of colours, against the plain mean of the cells."""

from __future__ import annotations

import numpy as np

from fingerprint.features.colour_grid import (
    QUERY_SIDE,
    REFERENCE_SIDE,
    enlarge_colour_grid,
    make_colour_grid,
    unknown_colours,
)
from fingerprint.features.describe import describe_query, describe_reference
from fingerprint.images.decode import read_planes
from fingerprint.kernels.colours import UNKNOWN
from fingerprint.types import U8


def test_a_cell_has_the_mean_chroma_of_its_pixels() -> None:
    planes = np.random.default_rng(0).integers(0, 256, (48, 72, 3), dtype=np.uint8)
    cells = planes.reshape(8, 6, 8, 9, 3)[..., 1:].mean(axis=(1, 3)) - 128
    np.testing.assert_allclose(make_colour_grid(planes, 8), cells, atol=0.51)


def test_the_strongest_colours_are_not_those_that_are_unknown() -> None:
    for extreme in (0, 255):
        grid = make_colour_grid(np.full((16, 16, 3), extreme, np.uint8), 8)
        assert grid.dtype == np.int8
        assert (np.abs(grid.astype(int)) == 127).all()
    assert (unknown_colours(3) == UNKNOWN).all()
    assert unknown_colours(3).shape == (3, REFERENCE_SIDE, REFERENCE_SIDE, 2)


def test_references_and_queries_know_the_colours_of_the_whole_picture(photos: dict[str, U8]) -> None:
    photo = photos["coffee"]
    planes = read_planes(photo).pixels
    for grid, side in (
        (describe_reference(photo).colours, REFERENCE_SIDE),
        (describe_query(photo).colours, QUERY_SIDE),
    ):
        expected = make_colour_grid(planes, side).astype(int)
        assert np.abs(grid - expected).mean() < 1  # they are reduced in two steps


def test_grey_pictures_have_no_colours(photos: dict[str, U8]) -> None:
    grey = np.ascontiguousarray(photos["coffee"][..., 1])
    assert not describe_reference(grey).colours.any()
    assert not describe_query(grey).colours.any()


def test_a_stored_grid_becomes_that_of_a_query() -> None:
    grid = np.random.default_rng(1).integers(-127, 128, (8, 8, 2)).astype(np.int8)
    large = enlarge_colour_grid(grid)
    assert large.shape == (QUERY_SIDE, QUERY_SIDE, 2)
    np.testing.assert_array_equal(large[4::8, 4::8], grid)
