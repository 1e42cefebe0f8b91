"""The outline of what two pictures share: the corners that are worth drawing, in one order for both."""

from __future__ import annotations

import numpy as np

from fingerprint.results import Verification
from fingerprint.types import F64, I64
from fingerprint.verify.geometry import signed_area


def outlines(verification: Verification) -> tuple[F64 | None, F64 | None]:
    """Return both regions, starting at the corner nearest the reference's upper left; None if none is to be drawn.

    Returns
    -------
    query_region, reference_region : float64 arrays, shape (n, 2), or None
        ``(x, y)`` in pixels of each original, the same corners in the same order.
    """
    query_region, reference_region = verification.query_region, verification.reference_region
    if verification.relation == "unrelated":
        return None, None
    if query_region is None or reference_region is None or len(query_region) != len(reference_region):
        return None, None
    in_query = np.array(query_region, dtype=np.float64).reshape(-1, 2)
    in_reference = np.array(reference_region, dtype=np.float64).reshape(-1, 2)
    if len(in_reference) < 3 or not (np.isfinite(in_query).all() and np.isfinite(in_reference).all()):
        return None, None
    kept = true_corners(in_reference)
    kept = np.roll(kept, -int(in_reference[kept].sum(axis=1).argmin()))
    return in_query[kept], in_reference[kept]


def true_corners(region: F64) -> I64:
    """Return the rows of a polygon's real corners: clipping at the border also makes corners on nearly straight lines.

    The flattest corner is dropped repeatedly, as long as the outline moves by less than 2 % of the polygon's extent and
    a quarter of its thickness.
    """
    kept = list(range(len(region)))
    extent = max(float(np.ptp(region, axis=0).max()), 1e-9)
    limit = min(0.02 * extent, 0.25 * abs(signed_area(region)) / extent)
    while len(kept) > 3:
        points = region[kept]
        before, after = np.roll(points, 1, axis=0), np.roll(points, -1, axis=0)
        along, aside = after - before, points - before
        length = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)
        bends = np.abs(along[:, 0] * aside[:, 1] - along[:, 1] * aside[:, 0]) / length
        least = int(bends.argmin())
        if bends[least] >= limit:
            break
        del kept[least]
    return np.array(kept, dtype=np.int64)
