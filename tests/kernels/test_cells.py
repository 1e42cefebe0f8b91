"""The comparison of two pictures cell by cell: against OpenCV and NumPy, and on pictures that were moved."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy import ndimage

from fingerprint.kernels.cells import (
    AREA,
    BEST,
    CELL,
    MOVED_X,
    MOVED_Y,
    N_COLUMNS,
    QUERY_DEVIATION,
    QUERY_ENERGY,
    QUERY_MEAN,
    REACH,
    REFERENCE_DEVIATION,
    REFERENCE_ENERGY,
    REFERENCE_MEAN,
    UNMOVED,
    compare_cells,
)
from fingerprint.types import F64, U8, Bool


def everywhere(picture: U8) -> Bool:
    return np.ones(picture.shape, np.bool_)


def soft_gradients(grey: U8, inner: Bool) -> F64:
    """Scharr gradients by OpenCV, of a length that tends to 1; 0 where not all neighbours are shared: (2, n, n)."""
    both = np.stack([cv2.Scharr(grey, cv2.CV_64F, *axis) / 32 for axis in ((1, 0), (0, 1))])
    return np.asarray(np.where(inner, both / (np.sqrt((both**2).sum(axis=0)) + 2), 0.0))


def moved_correlations(query: F64, reference: F64, inner: Bool, top: int, left: int) -> F64:
    """Correlation of a cell of soft gradients for each move of the query, down by across."""
    rows, columns = slice(top, top + CELL), slice(left, left + CELL)
    wide = np.pad(query, ((0, 0), (REACH, REACH), (REACH, REACH)))
    cell = reference[:, rows, columns]
    whole = (query[:, rows, columns] ** 2).sum()
    out = np.empty((2 * REACH + 1, 2 * REACH + 1))
    for j in range(2 * REACH + 1):
        for i in range(2 * REACH + 1):
            part = wide[:, top + j : top + j + CELL, left + i : left + i + CELL]
            energy = ((part**2).sum(axis=0) * inner[rows, columns]).sum()
            out[j, i] = (part * cell).sum() / np.sqrt((cell**2).sum() * max(energy, 0.25 * whole))
    return out


class TestCompareCells:
    @pytest.mark.parametrize("kind", ["changed", "moved", "half", "other"])
    def test_against_numpy(self, kind: str, scenes: dict[str, U8]) -> None:
        reference, side = scenes["chelsea"], len(scenes["chelsea"])
        query = {
            "changed": np.asarray(cv2.GaussianBlur(reference, (0, 0), 1) // 2 + 40, np.uint8),
            "moved": np.roll(reference, (1, -2), (0, 1)),
            "half": reference[::-1],
            "other": scenes["coffee"],
        }[kind]
        shared = everywhere(reference)
        if kind == "half":
            shared = np.add.outer(np.arange(side), 2 * np.arange(side)) % 500 < 250
        inner = ndimage.binary_erosion(shared, np.ones((3, 3)))
        q, r = soft_gradients(query, inner), soft_gradients(reference, inner)
        table = compare_cells(np.ascontiguousarray(query), reference, shared)
        assert table.shape == (side // CELL, side // CELL, N_COLUMNS)
        assert table.dtype == np.float64
        n_correlated = 0
        for (row, column), cell in zip(np.ndindex(*table.shape[:2]), table.reshape(-1, N_COLUMNS), strict=True):
            at = slice(row * CELL, row * CELL + CELL), slice(column * CELL, column * CELL + CELL)
            assert cell[AREA] == inner[at].sum()
            energies = [(part[:, at[0], at[1]] ** 2).sum() for part in (r, q)]
            np.testing.assert_allclose(cell[[REFERENCE_ENERGY, QUERY_ENERGY]], energies, rtol=1e-4, atol=1e-4)
            if not cell[AREA]:
                continue
            tones = [query[at][inner[at]], reference[at][inner[at]]]
            np.testing.assert_allclose(cell[[QUERY_MEAN, REFERENCE_MEAN]], [t.mean() for t in tones])
            np.testing.assert_allclose(
                cell[[QUERY_DEVIATION, REFERENCE_DEVIATION]], [t.std() for t in tones], atol=1e-4
            )
            if cell[AREA] < 0.3 * CELL**2 or min(energies) < 1e-2:
                continue
            n_correlated += 1
            moves = moved_correlations(q, r, inner, row * CELL, column * CELL)
            assert cell[UNMOVED] == pytest.approx(moves[REACH, REACH], abs=1e-4)
            assert cell[BEST] == pytest.approx(moves.max(), abs=1e-4)
            if (moves > moves.max() - 1e-3).sum() == 1:
                j, i = np.unravel_index(moves.argmax(), moves.shape)
                assert abs(cell[MOVED_X] - (i - REACH)) <= 0.5
                assert abs(cell[MOVED_Y] - (j - REACH)) <= 0.5
        assert n_correlated > 200

    @pytest.mark.parametrize(("x", "y"), [(0, 0), (1, 0), (0, -1), (-2, 1)])
    def test_finds_the_move_of_a_shifted_photograph(self, x: int, y: int, scenes: dict[str, U8]) -> None:
        for name, scene in scenes.items():
            table = compare_cells(np.roll(scene, (y, x), (0, 1)), scene, everywhere(scene))
            inside = table[1:-1, 1:-1].reshape(-1, N_COLUMNS)
            seen = inside[np.minimum(inside[:, REFERENCE_ENERGY], inside[:, QUERY_ENERGY]) > 4]
            assert len(seen) > 100, name
            assert np.median(seen[:, BEST]) > 0.97, name
            # The best move of a cell on an edge is uncertain along it, and the largest move is not refined.
            assert (np.abs(seen[:, MOVED_X] - x) < 0.5).mean() > 0.85, name
            assert (np.abs(seen[:, MOVED_Y] - y) < 0.5).mean() > 0.85, name

    def test_nothing_that_is_passed_is_written_to(self, scenes: dict[str, U8]) -> None:
        query, reference = scenes["coffee"].copy(), scenes["chelsea"].copy()
        shared = everywhere(query)
        for array in (query, reference, shared):
            array.setflags(write=False)
        expected = compare_cells(scenes["coffee"], scenes["chelsea"], everywhere(query))
        np.testing.assert_array_equal(compare_cells(query, reference, shared), expected)
