"""Planar transforms: least-squares fits, residuals, and the part of one picture that another shows."""

from __future__ import annotations

import cv2
import numpy as np

from fingerprint.types import F32, F64

_MAX_DEPTHS = 6.0  # largest ratio of the distances from the camera, for points of one picture


def fit_affine(source: F64, target: F64) -> F64 | None:
    """Fit ``target ~ A source + t`` by least squares.

    Parameters
    ----------
    source, target : float64 arrays, shape (n, 2)

    Returns
    -------
    float64 array, shape (3, 3), or None
        None for fewer than three points, points on a line, or a fit that folds or flattens the plane.
    """
    if len(source) < 3:
        return None
    centre_s, centre_t = source.mean(axis=0), target.mean(axis=0)
    s, t = source - centre_s, target - centre_t
    if _on_a_line(source):
        return None
    scatter = s.T @ s
    linear = np.linalg.solve(scatter, s.T @ t).T
    if not is_plausible(linear):
        return None
    out = np.eye(3)
    out[:2, :2] = linear
    out[:2, 2] = centre_t - linear @ centre_s
    return out


def _on_a_line(points: F64) -> bool:
    """Return whether points lie on one line, or nearly, or all at one position."""
    s = points - points.mean(axis=0)
    scatter = s.T @ s
    determinant = scatter[0, 0] * scatter[1, 1] - scatter[0, 1] * scatter[1, 0]
    return bool(determinant <= 1e-6 * max(float(np.trace(scatter)) ** 2, 1e-300))


def fit_similarity(source: F64, target: F64) -> F64 | None:
    """Fit rotation, scale and shift by least squares, in the complex plane.

    Parameters
    ----------
    source, target : float64 arrays, shape (n, 2)

    Returns
    -------
    float64 array, shape (3, 3), or None
        None for fewer than two positions, or a map that shrinks everything to a point.
    """
    if len(source) < 2:
        return None
    s = source[:, 0] + 1j * source[:, 1]
    t = target[:, 0] + 1j * target[:, 1]
    spread = np.square(np.abs(s - s.mean())).sum()
    if spread < 1e-8:
        return None
    turn = (np.conj(s - s.mean()) * (t - t.mean())).sum() / spread
    if abs(turn) < 1e-3:
        return None
    shift = t.mean() - turn * s.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag], [0.0, 0.0, 1.0]])


def is_plausible(linear: F64) -> bool:
    """Return whether a 2 x 2 map keeps its orientation and stretches no direction 5 times as much as another."""
    if not np.isfinite(linear).all():
        return False
    stretch = np.linalg.svd(linear, compute_uv=False)
    return bool(np.linalg.det(linear) > 0 and stretch[0] < 5 * stretch[1])


def is_plausible_at(transform: F64, points: F64) -> bool:
    """Return whether a projective map is plausible where it was fitted: at the middle, and with the horizon far away.

    Parameters
    ----------
    transform : float64 array, shape (3, 3)
    points : float64 array, shape (n, 2), n >= 1
    """
    depths = points @ transform[2, :2] + transform[2, 2]
    if not depths.min() > 0 or depths.max() > _MAX_DEPTHS * depths.min():
        return False
    x, y = points.mean(axis=0)
    w = transform[2] @ np.array([x, y, 1.0])
    mapped = transform[:2] @ np.array([x, y, 1.0]) / w
    return is_plausible((transform[:2, :2] - np.outer(mapped, transform[2, :2])) / w)


def fit_homography(source: F64, target: F64) -> F64 | None:
    """Fit a homography by normalised direct linear transformation (Hartley 1997), or return None if it is degenerate.

    Parameters
    ----------
    source, target : float64 arrays, shape (n, 2), n >= 4
    """
    if len(source) < 4 or _on_a_line(source) or _on_a_line(target):
        return None
    norm_s, norm_t = _normaliser(source), _normaliser(target)
    s, t = apply_transform(norm_s, source), apply_transform(norm_t, target)
    zeros, ones = np.zeros(len(s)), np.ones(len(s))
    x, y, u, v = s[:, 0], s[:, 1], t[:, 0], t[:, 1]
    rows_u = np.column_stack([x, y, ones, zeros, zeros, zeros, -u * x, -u * y, -u])
    rows_v = np.column_stack([zeros, zeros, zeros, x, y, ones, -v * x, -v * y, -v])
    rows = np.concatenate([rows_u, rows_v])
    _, vectors = np.linalg.eigh(rows.T @ rows)
    h = np.linalg.inv(norm_t) @ vectors[:, 0].reshape(3, 3) @ norm_s
    if not np.isfinite(h).all() or abs(h[2, 2]) < 1e-9 * np.abs(h).max():
        return None
    return np.asarray(h / h[2, 2])


def _normaliser(points: F64) -> F64:
    centre = points.mean(axis=0)
    spread = np.sqrt(np.square(points - centre).sum(axis=1).mean() / 2)
    k = 1.0 / max(float(spread), 1e-12)
    return np.array([[k, 0.0, -k * centre[0]], [0.0, k, -k * centre[1]], [0.0, 0.0, 1.0]])


def apply_transform(transform: F64, points: F64) -> F64:
    """Map points: float64 arrays, shapes (3, 3) and (n, 2) -> (n, 2). Points on the horizon become infinite."""
    w = points @ transform[2, :2] + transform[2, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((points @ transform[:2, :2].T + transform[:2, 2]) / w[:, None])


def rectangle(width: float, height: float) -> F64:
    """Return the corners of a picture, clockwise from the top left, pixel centres at integers: shape (4, 2)."""
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float64) - 0.5


def shared_region(transform: F64, query_size: tuple[int, int], reference_size: tuple[int, int]) -> F64 | None:
    """Return the part of the reference that lies inside the query, as a convex polygon.

    Parameters
    ----------
    transform : float64 array, shape (3, 3)
        From query to reference pixels.
    query_size, reference_size : (width, height)

    Returns
    -------
    float64 array, shape (n, 2), or None
        Corners in reference pixels, clockwise on the screen; None if nothing is shared or the horizon of the transform
        cuts through the query.
    """
    corners = rectangle(*query_size)
    w = corners @ transform[2, :2] + transform[2, 2]
    if not (w > 1e-6).all():
        return None
    mapped = apply_transform(transform, corners)
    if not np.isfinite(mapped).all() or np.abs(mapped).max() > 1e6:
        return None
    area, polygon = cv2.intersectConvexConvex(
        _clockwise(mapped).astype(np.float32), rectangle(*reference_size).astype(np.float32)
    )
    if area <= 0 or polygon is None:
        return None
    return _without_straight_corners(_clockwise(np.asarray(polygon, dtype=np.float64).reshape(-1, 2)))


def _without_straight_corners(polygon: F64) -> F64:
    """Drop corners that lie within half a pixel of the line through their neighbours; clipping makes such corners."""
    corners = list(polygon)
    position = 0
    while position < len(corners) and len(corners) > 3:
        before, here, after = corners[position - 1], corners[position], corners[(position + 1) % len(corners)]
        base = after - before
        height = abs(base[0] * (here - before)[1] - base[1] * (here - before)[0]) / max(float(np.hypot(*base)), 1e-9)
        if height < 0.5:
            del corners[position]
            position = max(position - 1, 0)
        else:
            position += 1
    return np.array(corners)


def _clockwise(polygon: F64) -> F64:
    return polygon if signed_area(polygon) >= 0 else polygon[::-1]


def signed_area(polygon: F64 | F32) -> float:
    """Return the area of a polygon, shape (n, 2), positive if its corners run clockwise where y points down."""
    x, y = polygon[:, 0].astype(np.float64), polygon[:, 1].astype(np.float64)
    return float((x[:-1] @ y[1:] - y[:-1] @ x[1:] + x[-1] * y[0] - y[-1] * x[0]) / 2)


def hull_area(points: F64) -> float:
    """Return the area of the convex hull of points, shape (n, 2); 0.0 for fewer than three."""
    if len(points) < 3:
        return 0.0
    return float(cv2.contourArea(cv2.convexHull(points.astype(np.float32))))
