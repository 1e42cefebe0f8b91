"""Warping a query onto the square grid of a reference's thumbnail."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fingerprint.kernels.warp import SAMPLES, map_grid, multiply, warp_to_grid
from fingerprint.types import F64, U8, Bool

#: Side of the grid on which pictures are compared coarsely, in pixels; the fine one has the thumbnail's side.
COARSE_SIDE = 64

#: The move that changes nothing.
UNCHANGED = np.eye(3)


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
        move: F64 = UNCHANGED,
    ) -> Warper | None:
        """Return the warper for a transform, or None if the transform cannot be used.

        Parameters
        ----------
        transform : float64 array, shape (3, 3), or its 9 elements row by row
            From pixels of the original query to pixels of the original reference, pixel centres at integers.
        query_size, reference_size : (width, height)
            Of the originals, in pixels.
        side : int
            Even.
        move : float64 array, shape (3, 3), optional
            A correction: from pixels of the grid to the pixels of the grid where the query shows the same.
        """
        matrix = np.ascontiguousarray(transform, dtype=np.float64).reshape(3, 3)
        usable, to_query, scale = map_grid(matrix, *query_size, *reference_size, side, move)
        return cls(query_size, side, to_query, scale) if usable else None

    def between_squares(self) -> F64:
        """Return the map from the reference to the query, both as squares from (0, 0) to (1, 1)."""
        n = SAMPLES * self.side
        width, height = self.query_size
        to_samples = np.array([[n, 0.0, -0.5], [0.0, n, -0.5], [0.0, 0.0, 1.0]])
        from_pixels = np.array([[1 / width, 0.0, 0.5 / width], [0.0, 1 / height, 0.5 / height], [0.0, 0.0, 1.0]])
        return multiply(multiply(from_pixels, self.to_query), to_samples)

    def warp(self, levels: Sequence[U8]) -> tuple[U8, Bool]:
        """Return the query on the grid, and which pixels of the grid it covers: shapes (side, side).

        `levels` : sequence of uint8 arrays, from `fingerprint.features.thumbnail.make_pyramid`. Pixels that are not
        covered have no meaning, but beside covered ones they have the grey values of the query's rim.
        """
        finest = self.scale * max(levels[0].shape) / max(self.query_size)
        number = min(max(round(math.log2(finest)), 0), len(levels) - 1)  # one sample is about one pixel: no aliasing
        level = np.ascontiguousarray(levels[number])
        to_level = resize_map(self.query_size, (level.shape[1], level.shape[0]))
        grid, covered = warp_to_grid(level, multiply(to_level, self.to_query), self.side)
        return grid, covered


def resize_map(before: tuple[int, int], after: tuple[int, int]) -> F64:
    """Return the map between pixels of a picture before and after resizing, sizes as (width, height)."""
    x, y = after[0] / before[0], after[1] / before[1]
    return np.array([[x, 0.0, x / 2 - 0.5], [0.0, y, y / 2 - 0.5], [0.0, 0.0, 1.0]])
