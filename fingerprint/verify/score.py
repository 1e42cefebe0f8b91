"""The models applied to the evidence on a pair: how probable it is a copy, or shares something."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from fingerprint.errors import ModelError
from fingerprint.kernels.trees import sum_leaves
from fingerprint.models import CalibrationModel, Models, TreesModel
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
#: Pairs of at least these log-odds by the first look, a probability of 0.001, get a second one.
LOOK_CLOSER = math.log(0.001 / 0.999)
#: Bits, of 64, from which on perceptual hashes are no longer nearly equal.
NEAR_HASHES = 8.0
_ROOM = 0.1  # log-odds below `LOOK_CLOSER` for pairs that are ruled out although the first look gives more
_HASH_IDENTITY = EVIDENCE_NAMES.index("hash_identity")
_LOG_INLIERS = EVIDENCE_NAMES.index("log_inliers")
_MANY = 12  # inliers, from which a pair is looked at closely in any case
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
            max(0.0, NEAR_HASHES - other.hash_distance) / NEAR_HASHES,
            math.log1p(other.cohort_score),
            max(0.0, math.log1p(other.cohort_score) - math.log1p(e.n_inliers)),
            float(other.inverted),
            other.pixel_correlation,
            other.pixel_edges,
        ]
    )


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the evidence says about a pair.

    Attributes
    ----------
    log_odds : float
        Log-odds that the query was made from the reference.
    copy : float, [0, 1]
        The probability of that.
    shared : float, [0, 1]
        Probability that the two share a template or a scene, and neither was made from the other. What is left to 1 is
        the probability that they are unrelated.
    """

    log_odds: float
    copy: float
    shared: float


def first_look(evidence: F64, model: CalibrationModel) -> float:
    """Return log-odds by the first look: keypoints, descriptors, hashes and coarse pixels.

    Parameters
    ----------
    evidence : float64 array, shape (len(EVIDENCE_NAMES),)
        From `evidence_vector`.
    model : CalibrationModel
        ``Models.calibration`` for the log-odds of a copy; ``Models.ruled_out`` for those of something shared.

    Raises
    ------
    ModelError
        If `model` was fitted to another list of evidence.
    """
    if evidence.shape != model.weights.shape:
        raise ModelError(
            f"the calibration weighs {len(model.weights)} kinds of evidence, this version of copyprint measures "
            f"{len(evidence)}; train the models again"
        )
    return float((evidence - model.centre) / model.spread @ model.weights + model.bias[0])


def deserves_second_look(evidence: F64, model: CalibrationModel) -> bool:
    """Return whether a pair gets a second look: it may be a copy by the first one, or its hashes are nearly equal.

    Few keypoints survive where a picture was stretched, but its hashes do not change. Where many keypoints agree and
    nothing else does, the picture may have been bent.
    """
    return first_look(evidence, model) >= LOOK_CLOSER or bool(evidence[_HASH_IDENTITY] > 0) or _many_agree(evidence)


def is_promising(coarse: F64, evidence: F64, model: TreesModel) -> bool:
    """Return whether a pair is worth all of the second look, as it may be a copy or share something.

    Parameters
    ----------
    coarse : float64 array, shape (len(MEASURES),)
        From `fingerprint.verify.overlap.compare_coarsely`.
    evidence : float64 array, shape (len(EVIDENCE_NAMES),)
        From `evidence_vector`.
    model : TreesModel
        ``Models.promising``.

    Raises
    ------
    ModelError
        If `model` was fitted to another list of evidence.
    """
    return _many_agree(evidence) or tree_log_odds(np.concatenate([evidence, coarse]), model) >= 0


def _many_agree(evidence: F64) -> bool:
    return bool(evidence[_LOG_INLIERS] >= math.log1p(_MANY))


def tree_log_odds(x: F64, model: TreesModel) -> float:
    """Return the log-odds that trees give to a pair: of `x`, float64 array, shape (e,).

    Raises
    ------
    ModelError
        If the trees were fitted to another list of evidence.
    """
    if x.shape != model.weights.shape:
        raise ModelError(
            f"the trees weigh {len(model.weights)} kinds of evidence, this version of copyprint measures {len(x)}; "
            "train the models again"
        )
    linear = float(model.weights @ x + model.bias[0])
    return linear + sum_leaves(x, model.features, model.thresholds, model.values)


def _ruled_out(first: float) -> float:
    """Return the log-odds of a pair without a second look: those of the first one, but at most `LOOK_CLOSER`.

    Above it they rise hardly any more. So pairs that the second look ruled out early keep their order: a file for the
    challenge has a limited number of rows.
    """
    above = max(0.0, first - LOOK_CLOSER)
    return min(first, LOOK_CLOSER - _ROOM + min(above / 100, _ROOM))


def judge(evidence: F64, overlap: F64 | None, models: Models) -> Judgement:
    """Return what both looks at a pair say.

    Parameters
    ----------
    evidence : float64 array, shape (len(EVIDENCE_NAMES),)
        From `evidence_vector`.
    overlap : float64 array, shape (len(OVERLAP_NAMES),), or None
        From `fingerprint.verify.overlap.measure_overlap`; None if there was no second look.
    models : Models
    """
    if overlap is None:
        odds = _ruled_out(first_look(evidence, models.calibration))
        copy = float(expit(odds))
        return Judgement(odds, copy, (1 - copy) * float(expit(first_look(evidence, models.ruled_out))))
    both = np.concatenate([evidence, overlap])
    odds = tree_log_odds(both, models.copies)
    copy = float(expit(odds))
    return Judgement(odds, copy, (1 - copy) * float(expit(tree_log_odds(both, models.shared))))
