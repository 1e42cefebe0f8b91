"""Keypoint matches of two pictures, and the planar transform on which most of them agree."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fingerprint.config import MatchConfig
from fingerprint.kernels.agreement import nearest_matches
from fingerprint.kernels.matching import best_similarity, match_signatures, residuals_under
from fingerprint.types import F32, F64, I64, Bool, Keypoints
from fingerprint.verify.geometry import fit_affine, fit_homography, fit_similarity, is_plausible_at

MAX_HYPOTHESES = 250  # matches of a pair that are tried; the cost grows with the square of their number
#: Inliers with a residual below this, in tolerances, count as precise.
PRECISE = 0.4
SIGNATURE_BITS = 128
_MIN_AFFINE, _MIN_HOMOGRAPHY = 4, 10
_REFINEMENTS = 3
#: Fits that follow, each kept if it makes no fewer matches precise: how, the fewest matches, the largest residual of
#: those that are fitted, and how often. A tilted picture agrees with an affine map in a part only, and each homography
#: reaches further.
_FINAL_FITS = ((fit_affine, 2 * _MIN_AFFINE, PRECISE, 1), (fit_homography, _MIN_HOMOGRAPHY, 2.0, 3))


@dataclass(frozen=True, slots=True)
class Alignment:
    """The matches of two sets of keypoints that agree on one transform.

    Attributes
    ----------
    query_idx, reference_idx : int64 arrays, shape (k,)
        Rows of the keypoints that agree, by query row.
    similarities : float64 array, shape (k,)
        Cosines of their local descriptors, estimated from their signatures, [0, 1].
    residuals : float64 array, shape (k,)
        Distances between their positions by the transform and in the reference, in tolerances, [0, 1).
    transform : float64 array, shape (3, 3), or None
        From positions in the query to positions in the reference, each in units of its own picture's longer side; None
        if fewer than two positions agree.
    n_matches : int
        Number of matches that were tried.
    """

    query_idx: I64
    reference_idx: I64
    similarities: F64
    residuals: F64
    transform: F64 | None
    n_matches: int


@dataclass(frozen=True, slots=True)
class _Matches:
    """Tentative matches: frames (m, 5) in the query and in the reference, one row for each match."""

    query: F32
    reference: F32
    config: MatchConfig

    @property
    def source(self) -> F64:
        return self.query[:, :2].astype(np.float64)

    @property
    def target(self) -> F64:
        return self.reference[:, :2].astype(np.float64)

    def residuals(self, transform: F64) -> F64:
        """Return residuals in tolerances; see `fingerprint.kernels.matching.residuals_under`."""
        return residuals_under(
            transform,
            self.query,
            self.reference,
            self.config.tolerance / 2,
            self.config.log_scale_tolerance * 1.5,
            math.cos(math.radians(self.config.angle_tolerance * 1.5)),  # shear turns angles
        )


def align(query: Keypoints, reference: Keypoints, config: MatchConfig) -> Alignment:
    """Match two sets of keypoints and find the transform on which most matches agree.

    Each match is a hypothesis of position, scale and angle. The best one is refined to an affine map, and then to a
    homography if that has at least as many precise inliers.

    Parameters
    ----------
    query, reference : Keypoints
        Of the same model.
    config : MatchConfig

    References
    ----------
    Philbin et al., *Object retrieval with large vocabularies and fast spatial matching*, CVPR 2007 (a transform from
    every single match); Charikar, *Similarity estimation techniques from rounding algorithms*, STOC 2002 (the angle
    between two vectors is proportional to the share of random hyperplanes that separate them).
    """
    query_idx, reference_idx, bits = match_signatures(query.signatures, reference.signatures, config.verify_bits)
    kept = nearest_matches(bits, MAX_HYPOTHESES)
    query_idx, reference_idx, bits = query_idx[kept], reference_idx[kept], bits[kept]
    inlier = best_similarity(
        query.frame,
        reference.frame,
        query_idx,
        reference_idx,
        np.float32(config.tolerance),
        np.float32(config.log_scale_tolerance),
        np.float32(math.cos(math.radians(config.angle_tolerance))),
    )
    matches = _Matches(query.frame[query_idx], reference.frame[reference_idx], config)
    transform, inlier, residuals = _refine(matches, inlier)
    rows = np.flatnonzero(inlier)
    return Alignment(
        query_idx=query_idx[rows],
        reference_idx=reference_idx[rows],
        similarities=np.cos(np.pi / SIGNATURE_BITS * bits[rows]),
        residuals=residuals[rows],
        transform=transform,
        n_matches=len(query_idx),
    )


def _refine(matches: _Matches, inlier: Bool) -> tuple[F64 | None, Bool, F64]:
    """Fit an affine map, then a homography if there are enough inliers; each fit also updates the inliers."""
    source, target = matches.source, matches.target
    transform: F64 | None = None
    residuals = np.zeros(len(source))
    for _ in range(_REFINEMENTS):
        fitted = fit_affine(source[inlier], target[inlier]) if inlier.sum() >= _MIN_AFFINE else None
        if fitted is None:
            break
        step = matches.residuals(fitted)
        if (step < 1).sum() < _MIN_AFFINE:
            break
        settled = bool(((step < 1) == inlier).all())
        transform, inlier, residuals = fitted, step < 1, step
        if settled:
            break
    if transform is None:
        transform = fit_similarity(source[inlier], target[inlier])
        if transform is not None:
            residuals = np.minimum(matches.residuals(transform), 1.0)
        return transform, inlier, residuals
    for fit, minimum, nearest, tries in _FINAL_FITS:
        for _ in range(tries):
            near = residuals < nearest
            fitted = fit(source[near], target[near]) if near.sum() >= minimum else None
            if fitted is None or not is_plausible_at(fitted, source[near]):
                break
            step = matches.residuals(fitted)
            if (step < PRECISE).sum() < (residuals < PRECISE).sum() or (step < 1).sum() < _MIN_AFFINE:
                break
            settled = bool(((step < 1) == inlier).all())
            transform, inlier, residuals = fitted, step < 1, step
            if settled:
                break
    return transform, inlier, residuals
