"""Planar transforms fitted to matches: least squares, which fits are plausible, and their refinement.

Each fit returns whether it worked, and a float64 matrix, shape (3, 3). Points are float64 (n, 2).

Numba's cache does not see a change in another file: after one in `arrays` or `matching`, remove the caches.
"""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.arrays import below, count_marked
from fingerprint.kernels.compiled import njit
from fingerprint.kernels.matching import residuals_under
from fingerprint.types import F32, F64, Bool

#: Inliers with a residual below this, in tolerances, count as precise.
PRECISE = 0.4

_MAX_DEPTHS = 6.0  # largest ratio of the distances from the camera, for points of one picture
_MIN_AFFINE, _MIN_HOMOGRAPHY = 4, 10
_REFINEMENTS = 3
_HOMOGRAPHIES = 3
_NEAR = 2.0  # tolerances; largest residual of the matches that a homography is fitted to


@njit(cache=True, nogil=True)
def _identity() -> F64:
    """Return the map that moves nothing."""
    out = np.zeros((3, 3))
    for i in range(3):
        out[i, i] = 1.0
    return out


@njit(cache=True, nogil=True)
def _moments(source: F64, target: F64):  # type: ignore[no-untyped-def]
    """Return both centres, and the sums of products of the points' distances from them: (2,), (2,), (2, 2), (2, 2)."""
    n = len(source)
    centre_s, centre_t = np.zeros(2), np.zeros(2)
    for i in range(n):
        for axis in range(2):
            centre_s[axis] += source[i, axis]
            centre_t[axis] += target[i, axis]
    for axis in range(2):
        centre_s[axis] /= n
        centre_t[axis] /= n
    scatter, across = np.zeros((2, 2)), np.zeros((2, 2))
    for i in range(n):
        for a in range(2):
            for b in range(2):
                scatter[a, b] += (source[i, a] - centre_s[a]) * (source[i, b] - centre_s[b])
                across[a, b] += (source[i, a] - centre_s[a]) * (target[i, b] - centre_t[b])
    return centre_s, centre_t, scatter, across


@njit(cache=True, nogil=True)
def _flat(scatter):  # type: ignore[no-untyped-def]
    """Return whether points lie on one line, or nearly, or all at one position."""
    trace = scatter[0, 0] + scatter[1, 1]
    determinant = scatter[0, 0] * scatter[1, 1] - scatter[0, 1] * scatter[1, 0]
    return determinant <= 1e-6 * max(trace * trace, 1e-300)


@njit(cache=True, nogil=True, error_model="numpy")
def fit_affine(source: F64, target: F64):  # type: ignore[no-untyped-def]
    """Fit ``target ~ A source + t`` by least squares.

    It fails for fewer than three points, points on a line, or a fit that folds or flattens the plane.
    """
    out = _identity()
    if len(source) < 3:
        return False, out
    centre_s, centre_t, scatter, across = _moments(source, target)
    if _flat(scatter):
        return False, out
    determinant = scatter[0, 0] * scatter[1, 1] - scatter[0, 1] * scatter[1, 0]
    for axis in range(2):
        a = (scatter[1, 1] * across[0, axis] - scatter[0, 1] * across[1, axis]) / determinant
        b = (scatter[0, 0] * across[1, axis] - scatter[1, 0] * across[0, axis]) / determinant
        out[axis, 0], out[axis, 1] = a, b
        out[axis, 2] = centre_t[axis] - a * centre_s[0] - b * centre_s[1]
    return is_plausible(out[0, 0], out[0, 1], out[1, 0], out[1, 1]), out


@njit(cache=True, nogil=True, error_model="numpy")
def fit_similarity(source: F64, target: F64):  # type: ignore[no-untyped-def]
    """Fit rotation, scale and shift by least squares.

    It fails for fewer than two positions, or a map that shrinks everything to a point.
    """
    out = _identity()
    if len(source) < 2:
        return False, out
    centre_s, centre_t, scatter, across = _moments(source, target)
    spread = scatter[0, 0] + scatter[1, 1]
    if spread < 1e-8:
        return False, out
    c, s = (across[0, 0] + across[1, 1]) / spread, (across[0, 1] - across[1, 0]) / spread
    if np.sqrt(c * c + s * s) < 1e-3:
        return False, out
    out[0, 0], out[0, 1], out[0, 2] = c, -s, centre_t[0] - c * centre_s[0] + s * centre_s[1]
    out[1, 0], out[1, 1], out[1, 2] = s, c, centre_t[1] - s * centre_s[0] - c * centre_s[1]
    return True, out


@njit(cache=True, nogil=True, error_model="numpy")
def stretches(a: float, b: float, c: float, d: float):  # type: ignore[no-untyped-def]
    """Return the largest and the smallest stretch of the map [[a, b], [c, d]], its singular values."""
    together, apart = np.hypot(a + d, c - b), np.hypot(a - d, c + b)
    return (together + apart) / 2, abs(together - apart) / 2


@njit(cache=True, nogil=True)
def is_plausible(a: float, b: float, c: float, d: float) -> bool:
    """Return whether [[a, b], [c, d]] keeps its orientation and stretches no direction 5 times as much as another."""
    largest, smallest = stretches(a, b, c, d)
    return np.isfinite(largest) and a * d - b * c > 0 and largest < 5 * smallest


@njit(cache=True, nogil=True, error_model="numpy")
def is_plausible_at(m: F64, points: F64) -> bool:
    """Return whether a projective map is plausible where it was fitted: at the middle, and with the horizon far away.

    m : float64 (3, 3); points : float64 (n, 2), n >= 1.
    """
    x, y, nearest, farthest = 0.0, 0.0, np.inf, -np.inf
    for i in range(len(points)):
        depth = m[2, 0] * points[i, 0] + m[2, 1] * points[i, 1] + m[2, 2]
        if not np.isfinite(depth):
            return False
        nearest, farthest = min(nearest, depth), max(farthest, depth)
        x += points[i, 0] / len(points)
        y += points[i, 1] / len(points)
    if not nearest > 0 or farthest > _MAX_DEPTHS * nearest:
        return False
    w = m[2, 0] * x + m[2, 1] * y + m[2, 2]
    u, v = (m[0, 0] * x + m[0, 1] * y + m[0, 2]) / w, (m[1, 0] * x + m[1, 1] * y + m[1, 2]) / w
    return is_plausible(
        (m[0, 0] - u * m[2, 0]) / w,
        (m[0, 1] - u * m[2, 1]) / w,
        (m[1, 0] - v * m[2, 0]) / w,
        (m[1, 1] - v * m[2, 1]) / w,
    )


@njit(cache=True, nogil=True, error_model="numpy")
def fit_homography(source: F64, target: F64):  # type: ignore[no-untyped-def]
    """Fit a homography by normalised direct linear transformation (Hartley 1997).

    It fails for fewer than four points, points on a line in either picture, or a map of the origin to infinity.
    """
    out = _identity()
    n = len(source)
    if n < 4:
        return False, out
    centre_s, centre_t, scatter_s, _ = _moments(source, target)
    _, _, scatter_t, _ = _moments(target, source)
    if _flat(scatter_s) or _flat(scatter_t):
        return False, out
    # Both sets of points are centred, and scaled to a mean square of 1 along each axis.
    k_s = 1 / max(np.sqrt((scatter_s[0, 0] + scatter_s[1, 1]) / n / 2), 1e-12)
    k_t = 1 / max(np.sqrt((scatter_t[0, 0] + scatter_t[1, 1]) / n / 2), 1e-12)
    normal = np.zeros((9, 9))
    _add_equations(source, target, centre_s, centre_t, k_s, k_t, normal)
    _, vectors = np.linalg.eigh(normal)
    h = np.empty((3, 3))
    for i in range(3):  # back to the target's own coordinates, then to the source's
        for j in range(2):
            out[j, i] = vectors[3 * j + i, 0] / k_t + centre_t[j] * vectors[6 + i, 0]
        out[2, i] = vectors[6 + i, 0]
    for j in range(3):
        h[j, 0], h[j, 1] = out[j, 0] * k_s, out[j, 1] * k_s
        h[j, 2] = out[j, 2] - h[j, 0] * centre_s[0] - h[j, 1] * centre_s[1]
    return _divide_by_last(h, out), out


@njit(cache=True, nogil=True, error_model="numpy")
def _add_equations(source, target, centre_s, centre_t, k_s, k_t, normal):  # type: ignore[no-untyped-def]
    """Add the products of the two equations of each match, with positions moved and scaled: float64 (9, 9)."""
    row = np.zeros(9)
    for i in range(len(source)):
        x, y = k_s * (source[i, 0] - centre_s[0]), k_s * (source[i, 1] - centre_s[1])
        for axis in range(2):
            u = k_t * (target[i, axis] - centre_t[axis])
            for a in range(6):
                row[a] = 0.0
            row[3 * axis], row[3 * axis + 1], row[3 * axis + 2] = x, y, 1.0
            row[6], row[7], row[8] = -u * x, -u * y, -u
            for a in range(9):
                for b in range(9):
                    normal[a, b] += row[a] * row[b]


@njit(cache=True, nogil=True, error_model="numpy")
def _divide_by_last(m, out):  # type: ignore[no-untyped-def]
    """Write a matrix, float64 (3, 3), divided by its last entry, if that is not nearly 0 and all are finite."""
    largest = 0.0
    for i in range(3):
        for j in range(3):
            if not np.isfinite(m[i, j]):
                return False
            largest = max(largest, abs(m[i, j]))
    if abs(m[2, 2]) < 1e-9 * largest:
        return False
    for i in range(3):
        for j in range(3):
            out[i, j] = m[i, j] / m[2, 2]
    return True


@njit(cache=True, nogil=True)
def _among(points: F64, marked: Bool) -> F64:
    """Return the marked points."""
    out, n = np.empty(points.shape), 0
    for i in range(len(points)):
        if marked[i]:
            out[n, 0], out[n, 1] = points[i, 0], points[i, 1]
            n += 1
    return out[:n]


@njit(cache=True, nogil=True)
def refine(q_frames: F32, r_frames: F32, inlier: Bool, tolerance: float, log_scale: float, min_cos: float):  # type: ignore[no-untyped-def]
    """Fit an affine map, then a homography if there are enough inliers; each fit also updates the inliers.

    After the first affine map has settled, fits are kept if they make no fewer matches precise. A tilted picture agrees
    with an affine map in a part only, and each homography reaches further.

    Parameters
    ----------
    q_frames, r_frames : float32 arrays, shape (m, 5)
        The two frames of each match.
    inlier : bool array, shape (m,)
        Matches that agree on one similarity transform.
    tolerance, log_scale, min_cos : float
        As for `residuals_under`.

    Returns
    -------
    found : bool
        Whether there is a transform.
    transform : float64 array, shape (3, 3)
    inlier : bool array, shape (m,)
    residuals : float64 array, shape (m,)
        In tolerances; 0 without a transform.
    """
    limits = tolerance, log_scale, min_cos
    source, target = _positions(q_frames), _positions(r_frames)
    found, transform, inlier, residuals = _settle(source, target, q_frames, r_frames, inlier, limits)
    if found:
        transform, inlier, residuals = _reach_further(
            source, target, q_frames, r_frames, transform, inlier, residuals, limits
        )
        return True, transform, inlier, residuals
    found, transform = fit_similarity(_among(source, inlier), _among(target, inlier))
    if found:
        residuals = residuals_under(transform, q_frames, r_frames, *limits)
        for t in range(len(residuals)):
            residuals[t] = min(residuals[t], 1.0)
    return found, transform, inlier, residuals


@njit(cache=True, nogil=True)
def _positions(frames: F32) -> F64:
    """Return the positions of frames: float64 (m, 2)."""
    out = np.empty((len(frames), 2))
    for i in range(len(frames)):
        out[i, 0], out[i, 1] = frames[i, 0], frames[i, 1]
    return out


@njit(cache=True, nogil=True)
def _same(one: Bool, other: Bool) -> bool:
    """Return whether two masks mark the same."""
    differing = 0
    for i in range(len(one)):
        differing += one[i] != other[i]
    return differing == 0


@njit(cache=True, nogil=True)
def _settle(source, target, q_frames, r_frames, inlier, limits):  # type: ignore[no-untyped-def]
    """Fit affine maps to the inliers until these no longer change; return as `refine` does."""
    transform, residuals, found = _identity(), np.zeros(len(source)), False
    for _ in range(_REFINEMENTS):
        if count_marked(inlier) < _MIN_AFFINE:
            break
        fitted, step = fit_affine(_among(source, inlier), _among(target, inlier))
        if not fitted:
            break
        distances = residuals_under(step, q_frames, r_frames, *limits)
        agree = below(distances, 1.0)
        if count_marked(agree) < _MIN_AFFINE:
            break
        settled = _same(agree, inlier)
        found, transform, inlier, residuals = True, step, agree, distances
        if settled:
            break
    return found, transform, inlier, residuals


@njit(cache=True, nogil=True)
def _reach_further(source, target, q_frames, r_frames, transform, inlier, residuals, limits):  # type: ignore[no-untyped-def]
    """Fit an affine map to the precise inliers, then homographies to those near; return the last one that is kept."""
    for attempt in range(1 + _HOMOGRAPHIES):
        affine = attempt == 0
        near = below(residuals, PRECISE if affine else _NEAR)
        kept = count_marked(near) >= (2 * _MIN_AFFINE if affine else _MIN_HOMOGRAPHY)
        settled = False
        if kept:
            points, images = _among(source, near), _among(target, near)
            fitted, step = fit_affine(points, images) if affine else fit_homography(points, images)
            kept = fitted and is_plausible_at(step, points)
            if kept:
                distances = residuals_under(step, q_frames, r_frames, *limits)
                agree = below(distances, 1.0)
                kept = count_marked(agree) >= _MIN_AFFINE and (
                    count_marked(below(distances, PRECISE)) >= count_marked(below(residuals, PRECISE))
                )
                if kept:
                    settled = _same(agree, inlier)
                    transform, inlier, residuals = step, agree, distances
        if not affine and (settled or not kept):
            break
    return transform, inlier, residuals
