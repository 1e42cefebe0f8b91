"""Measuring the inliers of a pair: where they lie, how many are distinct, and how much of the pictures they cover.

Numba's cache does not see a change in another file: after one in `fingerprint.kernels.matching`, remove the caches.
"""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.compiled import njit
from fingerprint.kernels.matching import filled_cells
from fingerprint.types import F32, F64, I64


@njit(cache=True, nogil=True)
def _positions(frame, rows, marked):  # type: ignore[no-untyped-def]
    """Return the positions of the marked ones of some rows of a frame: float64 (n, 2)."""
    out, n = np.empty((len(rows), 2)), 0
    for i in range(len(rows)):
        if marked[i]:
            out[n, 0], out[n, 1] = frame[rows[i], 0], frame[rows[i], 1]
            n += 1
    return out[:n]


@njit(cache=True, nogil=True)
def measure_inliers(  # type: ignore[no-untyped-def]
    q_frame: F32, r_frame: F32, q_rows: I64, r_rows: I64, residuals: F64, precise: float, fine: int, coarse: int
):
    """Measure the inliers of a pair.

    Parameters
    ----------
    q_frame, r_frame : float32 arrays, shapes (nq, 5) and (nr, 5)
        All keypoints of the query and of the reference, as in `fingerprint.kernels.agreement`.
    q_rows, r_rows : int64 arrays, shape (k,)
        The rows of the inliers.
    residuals : float64 array, shape (k,)
    precise : float
        Inliers with residuals below this are precise.
    fine, coarse : int
        Cells of two grids, along the longer side.

    Returns
    -------
    n_distinct, n_precise : int
        Cells of the fine grid that have inliers, or precise ones, in the picture where these are fewer.
    n_cells : int
        The first of these for the coarse grid.
    r_area, q_area : float
        Areas of the convex hulls, in squares of the longer side.
    density : float, [0, 1]
        Fine cells of the reference that have inliers, as a share of those that have keypoints, in the bounding box of
        the inliers; 0 for fewer than three.
    """
    every = np.ones(len(q_rows), np.bool_)
    source, target = _positions(q_frame, q_rows, every), _positions(r_frame, r_rows, every)
    near = residuals < precise
    n_precise = min(
        filled_cells(_positions(q_frame, q_rows, near), fine), filled_cells(_positions(r_frame, r_rows, near), fine)
    )
    in_reference = filled_cells(target, fine)
    density = 0.0
    if len(target) >= 3:
        low_x, high_x, low_y, high_y = target[:, 0].min(), target[:, 0].max(), target[:, 1].min(), target[:, 1].max()
        within = np.empty(len(r_frame), np.bool_)
        for i in range(len(r_frame)):
            x, y = r_frame[i, 0], r_frame[i, 1]
            within[i] = (low_x <= x) & (x <= high_x) & (low_y <= y) & (y <= high_y)
        density = in_reference / max(1, filled_cells(_positions(r_frame, np.arange(len(r_frame)), within), fine))
    return (
        min(filled_cells(source, fine), in_reference),
        n_precise,
        min(filled_cells(source, coarse), filled_cells(target, coarse)),
        hull_area(target),
        hull_area(source),
        density,
    )


@njit(cache=True, nogil=True)
def hull_area(points: F64) -> float:
    """Return the area of the convex hull of points, float64 (n, 2); 0 for fewer than three.

    References
    ----------
    Andrew, *Another efficient algorithm for convex hulls in two dimensions*, Information Processing Letters 1979.
    """
    n = len(points)
    if n < 3:
        return 0.0
    by_y = np.argsort(points[:, 1], kind="mergesort")
    order = by_y[np.argsort(points[by_y, 0], kind="mergesort")]
    area, chain = 0.0, np.empty((n, 2))
    for direction in (1, -1):  # along one side of the hull, and back along the other
        size = 0
        for i in order[::direction]:
            x, y = points[i, 0], points[i, 1]
            while size >= 2:
                turn = (chain[size - 1, 0] - chain[size - 2, 0]) * (y - chain[size - 2, 1])
                turn -= (chain[size - 1, 1] - chain[size - 2, 1]) * (x - chain[size - 2, 0])
                if turn > 0:
                    break
                size -= 1
            chain[size, 0], chain[size, 1] = x, y
            size += 1
        for i in range(size - 1):
            area += chain[i, 0] * chain[i + 1, 1] - chain[i + 1, 0] * chain[i, 1]
    return abs(area) / 2
