"""The calibration applied to evidence: log-odds, and the probability that a query was made from a reference."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import expit

from fingerprint.errors import ModelError
from fingerprint.models import CalibrationModel
from fingerprint.types import F64
from fingerprint.verify.evidence import Evidence

#: Names of the numbers that the calibration weighs, in order.
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
    "cohort_score",
    "cohort_excess",
    "inverted",
    "pixel_correlation",
    "pixel_edges",
)
_SIGNIFICANCE_CAP = 60.0  # higher values prove no more, and the logistic model must stay finite


def evidence_vector(e: Evidence) -> F64:
    """Return the numbers that the calibration weighs: float64 array, shape (len(EVIDENCE_NAMES),)."""
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
            math.log1p(other.cohort_score),
            max(0.0, math.log1p(other.cohort_score) - math.log1p(e.n_inliers)),
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
            f"the calibration weighs {len(model.weights)} kinds of evidence, this version of copyprint measures "
            f"{len(vector)}; train the models again"
        )
    return float((vector - model.centre) / model.spread @ model.weights + model.bias[0])


def probability(odds: float) -> float:
    """Return the probability for log-odds."""
    return float(expit(odds))
