"""Which part of a reference is seen in a query, and where."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np

from fingerprint.kernels.polygons import clip, map_points, shared_region, without_straight_corners
from fingerprint.types import F64
from fingerprint.verify.overlap import OVERLAP_NAMES, Overlap

#: Corners ``(x, y)``, in pixels.
Corners: TypeAlias = tuple[tuple[float, float], ...]

# Copies of the whole reach a border of 0.6 and some dozen contradicting cells, where the reference has little texture.
_LEAST_BORDER = 0.7  # logarithm of how much stronger the query's edges are at the border of a piece
_LEAST_AGREEING, _MOST_CONTRADICTING = 0.5, 0.2  # shares of a piece's textured cells
_MOST_AROUND = 0.2  # share of the textured cells around it that agree
_LEAST_AROUND = math.log1p(40)  # of the number of cells around it that contradict
#: Share of the texture that agrees on the coarse grid: from here on the whole does, whatever compression took of what
#: is finer, as of leather around a dress.
_WHOLE_AGREES = 0.9


def seen_regions(
    transform: F64 | None, query_size: tuple[int, int], reference_size: tuple[int, int], overlap: Overlap | None = None
) -> tuple[Corners | None, Corners | None]:
    """Return the part of a reference that a query shows, and where in the query it is.

    Parameters
    ----------
    transform : float64 array, shape (3, 3), or None
        From pixels of the query to pixels of the reference; without one, nothing is known.
    query_size, reference_size : (int, int)
        Width and height in pixels.
    overlap : Overlap, optional
        If it shows that only a piece agrees, and that this has a border of its own in the query, only the piece is
        seen: it was cut out and pasted, or something was laid over the rest.

    Returns
    -------
    region, query_region : tuple of (x, y), or None
        The corners in pixels of the reference, clockwise, and the same corners in pixels of the query.
    """
    if transform is None:
        return None, None
    region, query_region = shared_region(transform, *query_size, *reference_size)
    if overlap is not None and len(region) and _is_piece(overlap):
        width, height = reference_size
        left, top, right, bottom = overlap.piece * (width, height, width, height) - 0.5
        piece = clip(clip(region, 0, 1.0, right), 0, -1.0, -left)
        piece = clip(clip(piece, 1, 1.0, bottom), 1, -1.0, -top)
        if len(piece) >= 3:
            region = without_straight_corners(piece)
            query_region = map_points(np.asarray(np.linalg.inv(transform), np.float64), region)
    return as_corners(region), as_corners(query_region)


def as_corners(polygon: F64) -> Corners | None:
    """Return a polygon as `fingerprint.types.Verification` has it: None for one without corners."""
    return tuple((x, y) for x, y in polygon.tolist()) or None


def _is_piece(overlap: Overlap) -> bool:
    """Return whether what agrees is a piece with a border of its own."""
    known = dict(zip(OVERLAP_NAMES, overlap.measures.tolist(), strict=True))
    return bool(
        known["coarse_agreeing"] < _WHOLE_AGREES
        and known["piece_sides"] > 0
        and known["border"] >= _LEAST_BORDER
        and known["piece_agreeing"] >= _LEAST_AGREEING
        and known["piece_contradicting"] <= _MOST_CONTRADICTING
        and known["around_agreeing"] <= _MOST_AROUND
        and known["log_around_contradicting"] >= _LEAST_AROUND
    )
