"""Keypoint matches of two pictures, and the planar transform on which most of them agree."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fingerprint.config import MatchConfig
from fingerprint.kernels.agreement import nearest_matches
from fingerprint.kernels.matching import best_similarity, match_signatures
from fingerprint.kernels.planar import refine
from fingerprint.types import F64, I64, Keypoints

MAX_HYPOTHESES = 250  # matches of a pair that are tried; the cost grows with the square of their number
SIGNATURE_BITS = 128


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
    matches : (int64 array, int64 array), shapes (m,)
        Rows of the query and of the reference of all matches that were tried.
    """

    query_idx: I64
    reference_idx: I64
    similarities: F64
    residuals: F64
    transform: F64 | None
    matches: tuple[I64, I64]

    @property
    def n_matches(self) -> int:
        """Number of matches that were tried."""
        return len(self.matches[0])


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
    found, transform, inlier, residuals = refine(
        query.frame[query_idx],
        reference.frame[reference_idx],
        inlier,
        config.tolerance / 2,
        config.log_scale_tolerance * 1.5,
        math.cos(math.radians(config.angle_tolerance * 1.5)),  # shear turns angles
    )
    rows = np.flatnonzero(inlier)
    return Alignment(
        query_idx=query_idx[rows],
        reference_idx=reference_idx[rows],
        similarities=np.cos(np.pi / SIGNATURE_BITS * bits[rows]),
        residuals=residuals[rows],
        transform=transform if found else None,
        matches=(query_idx, reference_idx),
    )
