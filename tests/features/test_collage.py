"""Open cells of collages: where the grid of what was found has more cells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingerprint.config import CloserConfig, Config
from fingerprint.features.collage import open_cells
from fingerprint.features.describe import read_picture
from fingerprint.features.views import Likeliest, View, closer_views
from fingerprint.models import Models
from fingerprint.types import U8

Polygon = list[tuple[float, float]]


def box(left: float, top: float, right: float, bottom: float) -> Polygon:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def cell(size: tuple[int, int], columns: int, rows: int, i: int, j: int, margin: float = 0.02) -> Polygon:
    """Return what a picture fills of a cell, with a margin as a share of the cell."""
    w, h = size[0] / columns, size[1] / rows
    return box((i + margin) * w, (j + margin) * h, (i + 1 - margin) * w, (j + 1 - margin) * h)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 3), st.integers(0, 3), st.integers(0, 12))
def test_all_cells_but_the_found_one_are_open(columns: int, rows: int, i: int, j: int, margin: int) -> None:
    i, j = i % columns, j % rows
    found = open_cells((800, 600), [cell((800, 600), columns, rows, i, j, margin / 100)])
    assert len(found) == columns * rows - 1
    own = cell((800, 600), columns, rows, i, j)
    for left, top, right, bottom in found:
        assert right <= own[0][0] + 20 or left >= own[2][0] - 20 or bottom <= own[0][1] + 20 or top >= own[2][1] - 20


def test_cells_cover_the_picture_and_are_ordered_by_rows() -> None:
    assert open_cells((300, 200), [cell((300, 200), 3, 2, 1, 0)]) == [
        *((0, 0, 100, 100), (200, 0, 300, 100)),
        *((0, 100, 100, 200), (100, 100, 200, 200), (200, 100, 300, 200)),
    ]


def test_what_was_found_elsewhere_is_not_open() -> None:
    size = (900, 900)
    regions = [cell(size, 3, 3, 0, 0), cell(size, 3, 3, 1, 1), box(300, 0, 900, 300)]
    assert len(open_cells(size, regions)) == 5


@pytest.mark.parametrize(
    "region",
    [
        box(0, 0, 800, 600),  # all of it
        box(150, 100, 550, 400),  # half of each side, across the lines of a grid
        box(10, 10, 100, 70),  # as small as one of many cells
        [(200, 0), (400, 300), (200, 600), (0, 300)],  # turned
        box(0, 0, 560, 600),  # fills no cell
        [(5, 5), (5, 5), (5, 5)],
    ],
)
def test_what_lies_in_no_cell_makes_no_grid(region: Polygon) -> None:
    assert open_cells((800, 600), [region]) == []


def test_nothing_found_means_no_grid() -> None:
    assert open_cells((800, 600), []) == []


def test_tiny_cells_are_left_out() -> None:
    assert open_cells((80, 400), [cell((80, 400), 4, 1, 0, 0)]) == []


def test_the_grid_of_most_pictures_is_taken() -> None:
    size = (1200, 900)
    regions = [cell(size, 3, 3, 0, 0), cell(size, 3, 3, 2, 0), cell(size, 2, 1, 1, 0)]
    found = open_cells(size, regions)
    assert {(right - left, bottom - top) for left, top, right, bottom in found} == {(400, 300)}


def views_of(page: U8, models: Models, closer: CloserConfig, *places: tuple[float, Polygon]) -> list[View]:
    config = Config(closer=closer)
    known = Likeliest(max((p for p, _ in places), default=0.0), False, places)
    return list(closer_views(read_picture(page, config), models, config, lambda: known))


class TestViews:
    @pytest.fixture
    def page(self, photos: dict[str, U8]) -> U8:
        return np.ascontiguousarray(np.tile(photos["chelsea"][:150, :200], (2, 2, 1)))

    def test_are_the_open_cells(self, page: U8, models: Models) -> None:
        views = views_of(page, models, CloserConfig(), (0.96, cell((400, 300), 2, 2, 0, 1)))
        assert len(views) == 3
        assert all(view.partial for view in views)
        corners = [(np.linalg.inv(view.place) @ [-0.5, -0.5, 1])[:2] + 0.5 for view in views]
        np.testing.assert_allclose(corners, [[0, 0], [200, 0], [200, 150]], atol=1e-6)

    @pytest.mark.parametrize(("n_cells", "expected"), [(0, 0), (2, 2), (15, 3)])
    def test_no_more_than_asked_for(self, n_cells: int, expected: int, page: U8, models: Models) -> None:
        closer = CloserConfig(n_cells=n_cells)
        assert len(views_of(page, models, closer, (0.96, cell((400, 300), 2, 2, 0, 0)))) == expected

    def test_only_sure_sources_make_a_grid(self, page: U8, models: Models) -> None:
        closer = CloserConfig(n_insets=0, hint=1.0)
        assert views_of(page, models, closer, (0.9, cell((400, 300), 2, 2, 0, 0))) == []
