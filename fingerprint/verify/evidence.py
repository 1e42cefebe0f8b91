"""Evidence, measured on a query and a reference: how their keypoints agree, and how alike they are otherwise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fingerprint.config import MatchConfig
from fingerprint.kernels.inliers import measure_inliers
from fingerprint.kernels.planar import PRECISE, stretches
from fingerprint.types import Keypoints
from fingerprint.verify.align import Alignment

_FINE_CELLS = 100  # cells along the longer side; inliers in the same cell count once


@dataclass(frozen=True, slots=True)
class Likeness:
    """Evidence on one pair of pictures, other than the agreement of their keypoints.

    Attributes
    ----------
    descriptor_similarity : float, [-1, 1]
        Cosine of the compact descriptors.
    hash_distance : int, 0..64
        Hamming distance of the perceptual hashes, the smallest among the algorithms and variants.
    cohort_score : float, >= 0
        How well the query agrees with unrelated pictures; see `fingerprint.types.Query`.
    inverted : bool
        Whether the query agrees as a negative, which is rare.
    pixel_correlation, pixel_edges : float, [0, 1] and [-1, 1]
        How alike the pixels are where the pictures overlap under the transform, times the support; see
        `fingerprint.verify.pixels.PixelAgreement`. 0 without a transform.
    """

    descriptor_similarity: float
    hash_distance: int
    cohort_score: float
    inverted: bool
    pixel_correlation: float
    pixel_edges: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence on one pair of pictures.

    Attributes
    ----------
    n_matches : int
        Query keypoints that match a reference keypoint.
    n_inliers : int
        Matches that agree on one transform; matches at the same position of either picture count once.
    n_precise : int
        The same for inliers with a residual below `fingerprint.kernels.planar.PRECISE` tolerances.
    significance : float
        ``-log10`` of the number of such agreements expected by chance (a-contrario), >= 0.
    similarity : float, [0, 1]
        Mean cosine of the inliers' local descriptors; 0 without inliers.
    residual : float
        Root mean square of the inliers' residuals, in tolerances.
    reference_cover, query_cover : float, [0, 1]
        Area of the convex hull of the inliers as a part of the picture.
    reference_density : float, [0, 1]
        Share of inliers among the reference's keypoints in the bounding box of the inliers. A copy repeats nearly all
        keypoints there; two pictures that only share a pattern or a logo do not.
    n_cells : int
        Cells of a grid that have inliers; the smaller number of query and reference.
    anisotropy : float, >= 0
        Natural logarithm of the ratio of the transform's largest to its smallest stretch.
    likeness : Likeness
        Evidence that does not come from keypoints.
    """

    n_matches: int
    n_inliers: int
    n_precise: int
    significance: float
    similarity: float
    residual: float
    reference_cover: float
    query_cover: float
    reference_density: float
    n_cells: int
    anisotropy: float
    likeness: Likeness


def measure_evidence(
    alignment: Alignment,
    query: Keypoints,
    reference: Keypoints,
    likeness: Likeness,
    config: MatchConfig,
) -> Evidence:
    """Return the evidence of an alignment of `query` with `reference`, together with the other `likeness`."""
    reference_area = reference.width * reference.height / reference.side**2
    query_area = query.width * query.height / query.side**2
    scale, anisotropy = 1.0, 0.0
    if alignment.transform is not None:
        largest, smallest = stretches(*alignment.transform[:2, :2].ravel())
        scale = math.sqrt(largest * smallest)
        anisotropy = min(2.0, math.log(largest / max(smallest, 1e-9)))
    limit = config.tolerance / 2 * max(1.0, scale)
    chance = math.pi * limit**2 / reference_area * (config.angle_tolerance / 120) * (config.log_scale_tolerance / 1.5)
    distinct, n_precise, n_cells, reference_hull, query_hull, density = measure_inliers(
        query.frame,
        reference.frame,
        alignment.query_idx,
        alignment.reference_idx,
        alignment.residuals,
        PRECISE,
        _FINE_CELLS,
        config.cells,
    )
    return Evidence(
        n_matches=alignment.n_matches,
        n_inliers=distinct,
        n_precise=n_precise,
        significance=significance(alignment.n_matches, distinct, chance),
        similarity=float(alignment.similarities.mean()) if distinct else 0.0,
        residual=float(np.sqrt(np.square(alignment.residuals).mean())) if distinct else 1.0,
        reference_cover=min(1.0, reference_hull / reference_area),
        query_cover=min(1.0, query_hull / query_area),
        reference_density=density,
        n_cells=n_cells,
        anisotropy=anisotropy,
        likeness=likeness,
    )


def significance(n_matches: int, n_agreeing: int, chance: float) -> float:
    """Return ``-log10`` of the number of false alarms of an agreement among matches, at least 0.

    Every match is a hypothesis; of the other ``n_matches - 1``, each agrees by chance with probability `chance`. The
    binomial tail is bounded by its union bound ``C(n, k) p^k``, which is close for small `chance`.

    References
    ----------
    Moisan and Stival, *A probabilistic criterion to detect rigid point matches between two images*, IJCV 2004.
    """
    n, k = n_matches - 1, n_agreeing - 1
    if k < 1 or n < k:
        return 0.0
    log_choose = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    log_alarms = math.log(n_matches) + log_choose + k * math.log(min(max(chance, 1e-12), 1.0))
    return max(0.0, float(-log_alarms / math.log(10)))
