"""Measuring the inliers of a pair: where they lie, how many are distinct, and how much of the pictures they cover.

Numba's cache does not see a change in another file: after one in `matching` or `sorting`, remove the caches.
"""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.compiled import njit
from fingerprint.kernels.matching import filled_cells
from fingerprint.kernels.sorting import stable_order
from fingerprint.types import F32, F64, I64


@njit(cache=True, nogil=True)
def _positions(frame, rows, residuals, limit):  # type: ignore[no-untyped-def]
    """Return the positions of those rows of a frame whose residuals are below a limit: float64 (n, 2)."""
    out, n = np.empty((len(rows), 2)), 0
    for i in range(len(rows)):
        if residuals[i] < limit:
            out[n, 0], out[n, 1] = frame[rows[i], 0], frame[rows[i], 1]
            n += 1
    return out[:n]


@njit(cache=True, nogil=True)
def _beside(frame, points):  # type: ignore[no-untyped-def]
    """Return the positions of a frame in the bounding box of some points, at least one: float64 (n, 2)."""
    low_x, high_x, low_y, high_y = np.inf, -np.inf, np.inf, -np.inf
    for i in range(len(points)):
        low_x, high_x = min(low_x, points[i, 0]), max(high_x, points[i, 0])
        low_y, high_y = min(low_y, points[i, 1]), max(high_y, points[i, 1])
    out, n = np.empty((len(frame), 2)), 0
    for i in range(len(frame)):
        x, y = frame[i, 0], frame[i, 1]
        if low_x <= x and x <= high_x and low_y <= y and y <= high_y:
            out[n, 0], out[n, 1] = x, y
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
    residuals : float64 array, shape (k,), finite
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
    source, target = _positions(q_frame, q_rows, residuals, np.inf), _positions(r_frame, r_rows, residuals, np.inf)
    n_precise = min(
        filled_cells(_positions(q_frame, q_rows, residuals, precise), fine),
        filled_cells(_positions(r_frame, r_rows, residuals, precise), fine),
    )
    in_reference = filled_cells(target, fine)
    density = 0.0
    if len(target) >= 3:
        density = in_reference / max(1, filled_cells(_beside(r_frame, target), fine))
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
    keys = np.empty(n)
    for i in range(n):
        keys[i] = points[i, 1]
    by_y = stable_order(keys)
    for i in range(n):
        keys[i] = points[by_y[i], 0]
    by_x = stable_order(keys)
    area, chain = 0.0, np.empty((n, 2))
    for back in range(2):  # along one side of the hull, and back along the other
        size = 0
        for i in range(n):
            at = by_y[by_x[n - 1 - i if back else i]]
            x, y = points[at, 0], points[at, 1]
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
