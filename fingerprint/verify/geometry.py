"""Points mapped by planar transforms, and polygons."""

from __future__ import annotations

import numpy as np

from fingerprint.types import F32, F64


def apply_transform(transform: F64, points: F64) -> F64:
    """Map points: float64 arrays, shapes (3, 3) and (n, 2) -> (n, 2). Points on the horizon become infinite."""
    w = points @ transform[2, :2] + transform[2, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((points @ transform[:2, :2].T + transform[:2, 2]) / w[:, None])


def rectangle(width: float, height: float) -> F64:
    """Return the corners of a picture, clockwise from the top left, pixel centres at integers: shape (4, 2)."""
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float64) - 0.5


def signed_area(polygon: F64 | F32) -> float:
    """Return the area of a polygon, shape (n, 2), positive if its corners run clockwise where y points down."""
    x, y = polygon[:, 0].astype(np.float64), polygon[:, 1].astype(np.float64)
    return float((x[:-1] @ y[1:] - y[:-1] @ x[1:] + x[-1] * y[0] - y[-1] * x[0]) / 2)
