"""Evidence that a query was made from a reference, and the calibrated probability that follows from it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, gammaln

from fingerprint.errors import ModelError
from fingerprint.models import CalibrationModel
from fingerprint.types import F64


@dataclass(frozen=True, slots=True)
class Likeness:
    """What was measured on one pair of pictures beside the agreement of their keypoints.

    Attributes
    ----------
    descriptor_similarity : float, [-1, 1]
        Cosine of the compact descriptors.
    hash_distance : int, 0..64
        Hamming distance of the perceptual hashes, the smallest among the algorithms and versions.
    background : float, >= 0
        How well the query agrees with pictures it has nothing to do with; see `fingerprint.types.Query`.
    inverted : bool
        Whether the query agrees as a negative, which is rare.
    pixel_correlation, pixel_edges : float, [0, 1] and [-1, 1]
        How alike the pixels are where the transform lays them on each other, times how far that is to be trusted; see
        `fingerprint.pixels.PixelAgreement`. 0 without a transform.
    """

    descriptor_similarity: float
    hash_distance: int
    background: float
    inverted: bool
    pixel_correlation: float
    pixel_edges: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was measured on one pair of pictures.

    Attributes
    ----------
    n_matches : int
        Query keypoints that found a similar reference keypoint.
    n_inliers : int
        Those that agree on one transform, each place counted once in both pictures.
    n_precise : int
        Of `n_inliers`, those nearer than `fingerprint.align.PRECISE` tolerances to where the transform puts them.
    significance : float
        ``-log10`` of the number of such agreements expected by chance (a-contrario), >= 0.
    similarity : float, [0, 1]
        Mean cosine of the inliers' local descriptors; 0 without inliers.
    residual : float
        Root mean square distance between where the transform puts the inliers and where they are, in tolerances.
    reference_cover, query_cover : float, [0, 1]
        Area of the convex hull of the inliers as a part of the picture.
    reference_density : float, [0, 1]
        Part of the reference's keypoints within the bounds of the inliers that are inliers themselves.
    n_cells : int
        Cells of a grid over the picture that hold inliers, the smaller of query and reference.
    anisotropy : float, >= 0
        Natural logarithm of how much more the transform stretches one direction than another.
    likeness : Likeness
        What does not come from keypoints.
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


#: Names, in order, of what the calibration weighs.
EVIDENCE_NAMES = (
    "log_inliers",
    "log_precise",
    "precise_share",
    "significance",
    "log_significance",
    "inlier_share",
    "similarity",
    "residual",
    "reference_cover",
    "query_cover",
    "reference_density",
    "log_cells",
    "anisotropy",
    "descriptor_similarity",
    "descriptor_likeness",
    "hash_likeness",
    "hash_identity",
    "background",
    "background_excess",
    "inverted",
    "pixel_correlation",
    "pixel_edges",
)
_SIGNIFICANCE_CAP = 60.0  # beyond this more of it says nothing more, and the logistic model must stay finite


def evidence_vector(e: Evidence) -> F64:
    """Return what the calibration weighs: float64 array, shape (len(EVIDENCE_NAMES),)."""
    significance = min(e.significance, _SIGNIFICANCE_CAP)
    other = e.likeness
    return np.array(
        [
            math.log1p(e.n_inliers),
            math.log1p(e.n_precise),
            e.n_precise / (e.n_inliers + 2.0),
            significance,
            math.log1p(significance),
            e.n_inliers / (e.n_matches + 5.0),
            e.similarity,
            e.residual,
            math.sqrt(e.reference_cover),
            math.sqrt(e.query_cover),
            e.reference_density,
            math.log1p(e.n_cells),
            e.anisotropy,
            other.descriptor_similarity,
            max(0.0, other.descriptor_similarity - 0.3),
            max(0.0, 20.0 - other.hash_distance) / 20.0,
            max(0.0, 8.0 - other.hash_distance) / 8.0,
            math.log1p(other.background),
            max(0.0, math.log1p(other.background) - math.log1p(e.n_inliers)),
            float(other.inverted),
            other.pixel_correlation,
            other.pixel_edges,
        ]
    )


def log_odds(evidence: Evidence, model: CalibrationModel) -> float:
    """Return the calibrated log-odds that the pair is a copy and its source.

    Raises
    ------
    ModelError
        If `model` was fitted to another list of evidence.
    """
    vector = evidence_vector(evidence)
    if vector.shape != model.weights.shape:
        raise ModelError(
            f"the calibration weighs {len(model.weights)} kinds of evidence, this version measures {len(vector)}; "
            "train the models anew"
        )
    return float((vector - model.centre) / model.spread @ model.weights + model.bias[0])


def probability(odds: float) -> float:
    """Return the probability for log-odds."""
    return float(expit(odds))


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
    log_choose = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    log_alarms = math.log(n_matches) + log_choose + k * math.log(min(max(chance, 1e-12), 1.0))
    return max(0.0, float(-log_alarms / math.log(10)))
