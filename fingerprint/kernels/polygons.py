"""The part of a picture that another shows, as a convex polygon.

Polygons are float64 (n, 2), in pixels, pixel centres at integers; a picture reaches half a pixel beyond these.

Numba's cache does not see a change in another file: after one in `fingerprint.kernels.warp`, remove the caches.
"""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.compiled import njit
from fingerprint.kernels.warp import invert
from fingerprint.types import F64

_STRAIGHT = 0.5  # pixels; corners this near to the line through their neighbours are dropped: clipping makes such
_FARTHEST = 1e6  # pixels
_LEAST_AREA = 1e-6  # square pixels


@njit(cache=True, nogil=True, error_model="numpy")
def map_points(m: F64, points: F64) -> F64:
    """Map points by a projective map, float64 (3, 3); points on the horizon are not finite."""
    out = np.empty(points.shape)
    for i in range(len(points)):
        x, y = points[i, 0], points[i, 1]
        w = m[2, 0] * x + m[2, 1] * y + m[2, 2]
        out[i, 0] = (m[0, 0] * x + m[0, 1] * y + m[0, 2]) / w
        out[i, 1] = (m[1, 0] * x + m[1, 1] * y + m[1, 2]) / w
    return out


@njit(cache=True, nogil=True)
def area_of(polygon: F64) -> float:
    """Return the area of a polygon, positive if its corners run clockwise where y points down."""
    area = 0.0
    for i in range(len(polygon)):
        a, b = polygon[i - 1], polygon[i]
        area += a[0] * b[1] - a[1] * b[0]
    return area / 2


@njit(cache=True, nogil=True)
def clip(polygon: F64, axis: int, sign: float, limit: float) -> F64:
    """Return the part of a convex polygon where ``sign * coordinate <= limit`` along an axis.

    References
    ----------
    Sutherland and Hodgman, *Reentrant polygon clipping*, CACM 1974.
    """
    out, n = np.empty((len(polygon) + 1, 2)), 0
    for i in range(len(polygon)):
        a, b = polygon[i - 1], polygon[i]
        before, here = limit - sign * a[axis], limit - sign * b[axis]
        if (before < 0) != (here < 0) and n < len(out):
            share = before / (before - here)
            out[n, 0], out[n, 1] = a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share
            n += 1
        if here >= 0 and n < len(out):
            out[n, 0], out[n, 1] = b[0], b[1]
            n += 1
    return out[:n]


@njit(cache=True, nogil=True)
def without_straight_corners(polygon: F64) -> F64:
    """Drop corners that lie within half a pixel of the line through their neighbours, until three are left."""
    out, n, position = polygon.copy(), len(polygon), 0
    while position < n and n > 3:
        before, here, after = out[(position - 1) % n], out[position], out[(position + 1) % n]
        base_x, base_y = after[0] - before[0], after[1] - before[1]
        across = abs(base_x * (here[1] - before[1]) - base_y * (here[0] - before[0]))
        if across < _STRAIGHT * max(np.sqrt(base_x * base_x + base_y * base_y), 1e-9):
            for i in range(position, n - 1):
                out[i, 0], out[i, 1] = out[i + 1, 0], out[i + 1, 1]
            n -= 1
            position = max(position - 1, 0)
        else:
            position += 1
    return out[:n]


@njit(cache=True, nogil=True)
def shared_region(transform, query_width, query_height, width, height):  # type: ignore[no-untyped-def]
    """Return the part of a reference that lies inside a query, and where the query shows it.

    Parameters
    ----------
    transform : float64 array, shape (3, 3)
        From query to reference pixels.
    query_width, query_height, width, height : int
        Of the query and of the reference, in pixels.

    Returns
    -------
    region, query_region : float64 arrays, shape (n, 2)
        Corners in reference pixels, clockwise on the screen, and the same corners in query pixels. None of them if
        nothing is shared or the horizon of the transform cuts through the query.
    """
    nothing = np.zeros((0, 2))
    right, below = query_width - 0.5, query_height - 0.5
    corners = np.empty((4, 2))
    for i in range(4):
        corners[i, 0], corners[i, 1] = right if i in (1, 2) else -0.5, below if i >= 2 else -0.5
        if not transform[2, 0] * corners[i, 0] + transform[2, 1] * corners[i, 1] + transform[2, 2] > 1e-6:
            return nothing, nothing
    region = map_points(transform, corners)
    for i in range(4):
        if not (abs(region[i, 0]) <= _FARTHEST and abs(region[i, 1]) <= _FARTHEST):
            return nothing, nothing
    if area_of(region) < 0:
        for axis in range(2):  # the other way round: the first corner becomes the last
            region[0, axis], region[3, axis] = region[3, axis], region[0, axis]
            region[1, axis], region[2, axis] = region[2, axis], region[1, axis]
    for axis in range(2):
        region = clip(region, axis, 1.0, (height if axis else width) - 0.5)
        region = clip(region, axis, -1.0, 0.5)
    if area_of(region) < _LEAST_AREA:
        return nothing, nothing
    region = without_straight_corners(region)
    inverse, _ = invert(transform)
    return region, map_points(inverse, region)
