"""Warping a query onto the square grid of a reference's thumbnail."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from fingerprint.features.thumbnail import shrink
from fingerprint.kernels.coverage import covered_pixels
from fingerprint.types import F64, U8, Bool

#: Side of the grid on which pictures are compared coarsely, in pixels; the fine one has the thumbnail's side.
COARSE_SIDE = 64

_SUPERSAMPLING = 2  # pixels of the grid are oblong in the query, so they are averages of 2 x 2 isotropic samples
_LEAST_SCALE = 1e-4  # the scale of a plausible transform is between this and its inverse


@dataclass(frozen=True, slots=True)
class Warper:
    """The map from a square grid over a reference to a query.

    Attributes
    ----------
    query_size : (width, height)
        Of the original query, in pixels.
    side : int
        Pixels of the grid each way.
    to_query : float64 array, shape (3, 3)
        From samples of the grid to pixels of the original query; the third coordinate is positive on the query's side
        of the horizon.
    scale : float
        Original query pixels for one sample at the middle of the query.
    """

    query_size: tuple[int, int]
    side: int
    to_query: F64
    scale: float

    @classmethod
    def of(
        cls,
        transform: F64 | Sequence[float],
        query_size: tuple[int, int],
        reference_size: tuple[int, int],
        side: int,
        move: F64 | None = None,
    ) -> Warper | None:
        """Return the warper for a transform, or None if the transform cannot be used.

        Parameters
        ----------
        transform : float64 array, shape (3, 3), or its 9 elements row by row
            From pixels of the original query to pixels of the original reference, pixel centres at integers.
        query_size, reference_size : (width, height)
            Of the originals, in pixels.
        side : int
        move : float64 array, shape (3, 3), optional
            A correction: from pixels of the grid to the pixels of the grid where the query shows the same.
        """
        samples = side * _SUPERSAMPLING
        to_grid = resize_map(reference_size, (samples, samples))
        with np.errstate(all="ignore"):
            forward = to_grid @ np.asarray(transform, dtype=np.float64).reshape(3, 3)
            forward = forward / (forward[2] @ np.array([(query_size[0] - 1) / 2, (query_size[1] - 1) / 2, 1.0]))
            if not np.isfinite(forward).all():
                return None
            # A projective map scales areas by det / w^3, and w is now 1 at the middle of the query.
            growth = abs(float(np.linalg.det(forward)))
            if not _LEAST_SCALE < math.sqrt(growth) < 1 / _LEAST_SCALE:
                return None
            try:
                inverse = np.asarray(np.linalg.inv(forward), dtype=np.float64)
            except np.linalg.LinAlgError:
                return None
            if not np.isfinite(inverse).all():
                return None
        if move is not None:
            finer = resize_map((side, side), (samples, samples))
            inverse = inverse @ finer @ move @ np.linalg.inv(finer)
        return cls(query_size, side, inverse, 1 / math.sqrt(growth))

    def warp(self, levels: Sequence[U8]) -> tuple[U8, Bool]:
        """Return the query on the grid, and which pixels of the grid it covers: shapes (side, side).

        `levels` : sequence of uint8 arrays, from `fingerprint.features.thumbnail.make_pyramid`.
        """
        finest = self.scale * max(levels[0].shape) / max(self.query_size)
        number = min(max(round(math.log2(finest)), 0), len(levels) - 1)  # one sample is about one pixel: no aliasing
        level = np.ascontiguousarray(levels[number])
        to_level = resize_map(self.query_size, (level.shape[1], level.shape[0])) @ self.to_query
        samples = self.side * _SUPERSAMPLING
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        warped = cv2.warpPerspective(level, to_level, (samples, samples), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        height, width = level.shape
        covered = covered_pixels(to_level, width, height, self.side, _SUPERSAMPLING)
        return shrink(np.asarray(warped, np.uint8), self.side, self.side), covered


def resize_map(before: tuple[int, int], after: tuple[int, int]) -> F64:
    """Return the map between pixels of a picture before and after resizing, sizes as (width, height)."""
    x, y = after[0] / before[0], after[1] / before[1]
    return np.array([[x, 0.0, x / 2 - 0.5], [0.0, y, y / 2 - 0.5], [0.0, 0.0, 1.0]])
