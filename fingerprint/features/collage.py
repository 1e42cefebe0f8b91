"""Collages: pictures in a grid. Where a search has found some of them, the others are where the grid has cells."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from fingerprint.types import F64

_MOST_LINES = 5  # of a grid, each way
_FULL = 0.7  # least part of a cell's width and height that a picture fills
_OFF_CENTRE = 0.12  # of a cell's side, by which the middle of a picture may miss that of its cell
_UPRIGHT = 0.85  # least part of its box that an upright picture fills
_TAKEN = 0.3  # part of a cell from which it is not open
_LEAST_SIDE = 32  # pixels of a cell


def open_cells(
    size: tuple[int, int], regions: Sequence[Sequence[tuple[float, float]]]
) -> list[tuple[int, int, int, int]]:
    """Return the cells of a collage in which no picture was found yet.

    Parameters
    ----------
    size : (width, height)
        Of the query, in pixels.
    regions : sequence of polygons, sequences of (x, y)
        Where pictures were found in it, as `fingerprint.results.Verification.query_region` says.

    Returns
    -------
    list of (left, top, right, bottom)
        In whole pixels, by rows; empty if no found picture lies in the cell of a grid of two cells or more. The grid is
        the one in which most found pictures lie; of several the coarsest.
    """
    polygons = [np.asarray(region, np.float64) for region in regions]
    boxes = [box for box in (_upright_box(polygon, size) for polygon in polygons) if box is not None]
    grids = [grid for grid in (_grid_of(box, size) for box in boxes) if grid is not None]
    if not grids:
        return []
    columns, rows = max(sorted(set(grids), key=lambda grid: grid[0] * grid[1]), key=grids.count)
    taken = np.zeros((size[1], size[0]), np.uint8)
    for polygon in polygons:
        cv2.fillPoly(taken, [np.rint(polygon).astype(np.int32)], (1,))
    across, down = (
        np.rint(np.linspace(0, side, n + 1)).astype(int) for side, n in zip(size, (columns, rows), strict=True)
    )
    cells = [
        (int(across[i]), int(down[j]), int(across[i + 1]), int(down[j + 1]))
        for j in range(rows)
        for i in range(columns)
    ]
    return [
        (left, top, right, bottom)
        for left, top, right, bottom in cells
        if min(right - left, bottom - top) >= _LEAST_SIDE and taken[top:bottom, left:right].mean() < _TAKEN
    ]


def _upright_box(polygon: F64, size: tuple[int, int]) -> F64 | None:
    """Return the box of a polygon within the picture, shape (2, 2), or None if the polygon is no upright rectangle."""
    box = np.clip(np.stack([polygon.min(axis=0), polygon.max(axis=0)]), 0, np.array(size, np.float64))
    area = float(np.prod(box[1] - box[0]))
    return box if area > 0 and cv2.contourArea(polygon.astype(np.float32)) >= _UPRIGHT * area else None


def _grid_of(box: F64, size: tuple[int, int]) -> tuple[int, int] | None:
    """Return columns and rows of the grid in one of whose cells a box lies and that it fills; None if there is none."""
    columns, rows = (_lines_of(low, high, side) for low, high, side in zip(box[0], box[1], size, strict=True))
    return (columns, rows) if columns and rows and columns * rows > 1 else None


def _lines_of(low: float, high: float, side: int) -> int:
    """Return into how many equal parts a side is divided if a stretch fills one of them, at most; 0 if none fits."""
    for n in range(min(_MOST_LINES, max(1, round(side / (high - low)))), 0, -1):
        part = side / n
        if high - low < _FULL * part:
            break
        if abs((low + high) / 2 / part % 1 - 0.5) <= _OFF_CENTRE:
            return n
    return 0
