"""Pixel check: once a transform is known, how alike two pictures are where they overlap.

Keypoints prove only that two pictures have something in common, which may be a floor, a logo, an application's window
or a typeface. The pixel check compares the whole overlap: a copy repeats nearly everything, a look-alike only what the
keypoints found.

The query is warped onto the reference's thumbnail. The check compares the directions of gradients and gives little
weight to their strength: the copy may be darker, faded or inverted, and strong overlaid text must not outweigh the
rest. The grid is fixed, so the cost of a pair does not depend on the size of the pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fingerprint.features.thumbnail import shrink
from fingerprint.kernels.gradients import correlate_gradients
from fingerprint.types import F64, U8
from fingerprint.verify.warp import COARSE_SIDE, Warper

_DOUBTFUL_BLOCKS = 5.0  # number of textured blocks for a support of 1/2


@dataclass(frozen=True, slots=True)
class PixelAgreement:
    """How alike a query and a reference are where they overlap under a transform.

    Attributes
    ----------
    correlation : float, [-1, 1]
        Correlation of the gradients' directions over the overlap, mean of two scales. Below 0 for a photographic
        negative. 0 if nothing is textured.
    edges : float, [-1, 1]
        Correlation of the gradients' strength, regardless of direction, mean of two scales. It also finds copies made
        with an edge filter. 0 if nothing is textured.
    textured_blocks : float, [0, 64]
        Area that was compared, in blocks. The reference has 8 x 8 blocks; those count that have texture and at least a
        quarter of their area inside the query.
    """

    correlation: float
    edges: float
    textured_blocks: float

    @property
    def support(self) -> float:
        """How far the correlations can be trusted, [0, 1): little if little was compared.

        A few blocks may agree by chance, so a correlation is multiplied by this to be evidence.
        """
        return self.textured_blocks / (self.textured_blocks + _DOUBTFUL_BLOCKS)


#: The result if there is nothing to compare: no overlap, or no usable transform.
NEUTRAL = PixelAgreement(0.0, 0.0, 0.0)


def compare_pixels(
    query: Sequence[U8],
    query_size: tuple[int, int],
    thumbnail: U8,
    reference_size: tuple[int, int],
    transform: F64 | Sequence[float],
) -> PixelAgreement:
    """Warp a query onto a reference and measure how alike they are.

    Parameters
    ----------
    query : sequence of uint8 arrays
        From `fingerprint.features.thumbnail.make_pyramid`.
    query_size : (width, height)
        Of the original query, in pixels.
    thumbnail : uint8 array, shape (s, s), s >= 64
        The reference squeezed into a square; from `fingerprint.features.thumbnail.open_thumbnail`.
    reference_size : (width, height)
        Of the original reference, in pixels.
    transform : float64 array, shape (3, 3), or its 9 elements row by row
        From pixels of the original query to pixels of the original reference, pixel centres at integers, any
        mirroring included. If it is singular or implausible, the result is `NEUTRAL`.

    Returns
    -------
    PixelAgreement
        All finite.

    Examples
    --------
    >>> from fingerprint.features.thumbnail import make_pyramid
    >>> picture = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    >>> compare_pixels(make_pyramid(picture), (64, 64), picture, (64, 64), np.eye(3)).correlation > 0.9
    True
    """
    warper = Warper.of(transform, query_size, reference_size, COARSE_SIDE)
    if warper is None:
        return NEUTRAL
    warped, inside = warper.warp(query)
    reference = shrink(np.ascontiguousarray(thumbnail), COARSE_SIDE, COARSE_SIDE)
    fine_correlation, fine_edges, n_blocks = correlate_gradients(warped, reference, inside)
    if not n_blocks:
        return NEUTRAL
    half = COARSE_SIDE // 2
    # A second, coarser scale tolerates noise, halftone dots and transforms that are a pixel off.
    correlation, edges, _ = correlate_gradients(
        shrink(warped, half, half),
        shrink(reference, half, half),
        shrink(inside.astype(np.uint8) * 255, half, half) >= 128,
    )
    return PixelAgreement((fine_correlation + correlation) / 2, (fine_edges + edges) / 2, n_blocks)
