"""Pixel check: once a transform is known, how alike two pictures are where they overlap.

Keypoints prove only that two pictures have something in common, which may be a floor, a logo, an application's window
or a typeface. The pixel check compares the whole overlap: a copy repeats nearly everything, a look-alike only what the
keypoints found.

The query is warped onto the reference's thumbnail. The check compares the directions of gradients and gives little
weight to their strength: the copy may be darker, faded or inverted, and strong overlaid text must not outweigh the
rest. The grid is fixed, so the cost of a pair does not depend on the size of the pictures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from fingerprint.features.thumbnail import shrink
from fingerprint.types import F32, F64, U8, Bool
from fingerprint.verify.warp import COARSE_SIDE, Warper

_BLOCKS = 8  # the thumbnail is divided into this many blocks each way
_SOFT_GRADIENT = 1.0  # grey values per pixel; weaker gradients count less, as they may be rounding errors
_TEXTURE = 1.5  # grey values per pixel; root mean square gradient of the reference that makes a block textured
_LEAST_PART = 0.25  # of a block's area; smaller parts inside the query do not count
_DOUBTFUL_BLOCKS = 5.0  # number of textured blocks for a support of 1/2
_LEAST_VARIANCE = 1e-5  # of gradient lengths scaled to [0, 1]; anything below is rounding errors
_KERNEL = np.ones((3, 3), np.uint8)


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
    fine = _Comparison(warped, reference, inside)
    n_blocks = float(fine.textured_blocks().sum())
    if not n_blocks:
        return NEUTRAL
    half = COARSE_SIDE // 2
    # A second, coarser scale tolerates noise, halftone dots and transforms that are a pixel off.
    coarse = _Comparison(
        shrink(warped, half, half),
        shrink(reference, half, half),
        shrink(inside.astype(np.uint8) * 255, half, half) >= 128,
    )
    return PixelAgreement(
        correlation=(fine.correlation() + coarse.correlation()) / 2,
        edges=(fine.edge_correlation() + coarse.edge_correlation()) / 2,
        textured_blocks=n_blocks,
    )


class _Comparison:
    """Gradients of two square pictures of one size, and sums of their products over blocks.

    Parameters
    ----------
    query, reference : uint8 arrays, shape (n, n)
    inside : bool array, shape (n, n)
        Which pixels the query covers.
    """

    def __init__(self, query: U8, reference: U8, inside: Bool) -> None:
        # A gradient needs neighbours on both sides, in both pictures.
        weight = cv2.erode(inside.astype(np.uint8), _KERNEL, borderType=cv2.BORDER_CONSTANT, borderValue=0)
        self.weight = weight.astype(np.float32)
        query_x, query_y, query_length = _soft_gradients(query)
        reference_x, reference_y, reference_length = _soft_gradients(reference)
        self.query_share = query_length / (query_length + np.float32(_SOFT_GRADIENT))
        self.reference_share = reference_length / (reference_length + np.float32(_SOFT_GRADIENT))
        self.area = _block_sums(self.weight)
        self.products = _block_sums((query_x * reference_x + query_y * reference_y) * self.weight)
        self.query_energy = _block_sums(np.square(self.query_share) * self.weight)
        self.reference_energy = _block_sums(np.square(self.reference_share) * self.weight)
        self.reference_power = _block_sums(np.square(reference_length) * self.weight)

    def correlation(self) -> float:
        """Return the correlation over the whole overlap, [-1, 1]."""
        return _ratio(float(self.products.sum()), float(self.query_energy.sum()), float(self.reference_energy.sum()))

    def textured_blocks(self) -> F64:
        """Return the share of each block that is inside the query, [0, 1], 0 without texture: shape (8, 8)."""
        part = self.area / (self.weight.size / _BLOCKS**2)
        counts = (part >= _LEAST_PART) & (self.reference_power > _TEXTURE**2 * self.area)
        return np.where(counts, part, 0.0)

    def edge_correlation(self) -> float:
        """Return the correlation of the gradients' strength, [-1, 1]."""
        total = float(self.area.sum())
        if not total:
            return 0.0
        query = float(_block_sums(self.query_share * self.weight).sum())
        reference = float(_block_sums(self.reference_share * self.weight).sum())
        product = float(_block_sums(self.query_share * self.reference_share * self.weight).sum())
        query_variance = float(self.query_energy.sum()) / total - (query / total) ** 2
        reference_variance = float(self.reference_energy.sum()) / total - (reference / total) ** 2
        if min(query_variance, reference_variance) < _LEAST_VARIANCE:
            return 0.0
        return _ratio(product / total - query * reference / total**2, query_variance, reference_variance)


def _soft_gradients(pixels: U8) -> tuple[F32, F32, F32]:
    """Return gradients in x and y whose length tends to 1 as they grow, and their true length in grey values/pixel."""
    x = cv2.Scharr(pixels, cv2.CV_32F, 1, 0, scale=1 / 32)
    y = cv2.Scharr(pixels, cv2.CV_32F, 0, 1, scale=1 / 32)
    length = np.sqrt(x * x + y * y)
    soft = 1 / (length + np.float32(_SOFT_GRADIENT))
    return np.asarray(x * soft, np.float32), np.asarray(y * soft, np.float32), np.asarray(length, np.float32)


def _block_sums(values: F32) -> F64:
    """Return sums over the blocks: shape (8, 8)."""
    per_block = values.size / _BLOCKS**2
    return cv2.resize(values, (_BLOCKS, _BLOCKS), interpolation=cv2.INTER_AREA).astype(np.float64) * per_block


def _ratio(product: float, one: float, other: float) -> float:
    """Return a correlation from sums of products, 0 where one side is flat."""
    bound = math.sqrt(max(one, 0.0) * max(other, 0.0))
    return min(1.0, max(-1.0, product / bound)) if bound > 1e-6 else 0.0
