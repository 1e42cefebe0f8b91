"""Comparing two pictures by their keypoints: which matches agree on one transform, and how much that proves."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fingerprint.align import PRECISE, Alignment, align
from fingerprint.config import MatchConfig
from fingerprint.errors import ModelMismatchError
from fingerprint.geometry import apply_transform, hull_area, shared_region
from fingerprint.hashes import hamming
from fingerprint.models import Models
from fingerprint.score import Evidence, log_odds, probability, significance
from fingerprint.types import F64, Fingerprint, Keypoints, Query, Verification

_FINE_CELLS = 100  # two inliers nearer than a hundredth of the picture are one observation


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a query and a reference agree, and what that proves.

    Attributes
    ----------
    alignment : Alignment
        Of the query, mirrored if `mirrored`, with the reference.
    mirrored : bool
        Whether the query had to be mirrored.
    evidence : Evidence
        What is weighed.
    """

    alignment: Alignment
    mirrored: bool
    evidence: Evidence

    @property
    def transform(self) -> F64 | None:
        """Transform between the frames of query (mirrored if `mirrored`) and reference, (3, 3), or None."""
        return self.alignment.transform


def verify(query: Query, reference: Fingerprint, models: Models, config: MatchConfig) -> Verification:
    """Compare a query with one reference; the outcome depends on these two and the models only.

    Raises
    ------
    ModelMismatchError
        If the two were described by different models.
    """
    if query.model_id != reference.model_id:
        raise ModelMismatchError(
            f"{query.name} was described by model {query.model_id}, the reference by {reference.model_id}; "
            "describe both with the same model"
        )
    agreement = find_agreement(query, reference, config)
    odds = log_odds(agreement.evidence, models.calibration)
    transform = _pixel_transform(agreement, query.plain, reference.keypoints)
    region = None
    if transform is not None:
        region = shared_region(transform, (query.plain.width, query.plain.height), (reference.width, reference.height))
    return Verification(
        probability=probability(odds),
        log_odds=odds,
        n_inliers=agreement.evidence.n_inliers,
        transform=None if transform is None else tuple(float(v) for v in transform.ravel()),
        mirrored=agreement.mirrored,
        reference_region=None if region is None else _corners(region),
        query_region=None if region is None or transform is None else _back(transform, region),
    )


def find_agreement(query: Query, reference: Fingerprint, config: MatchConfig) -> Agreement:
    """Match the query, plain and mirrored, with the reference and return the stronger agreement."""
    similarity = float(query.descriptor.astype(np.float64) @ reference.descriptor.astype(np.float64))
    hash_distance = int(hamming(query.hashes, np.broadcast_to(reference.hashes, query.hashes.shape)).min())
    plain = align(query.plain, reference.keypoints, config)
    turned = align(query.mirrored, reference.keypoints, config)
    mirrored = (turned.n_votes, len(turned.query_idx)) > (plain.n_votes, len(plain.query_idx))
    alignment, keypoints = (turned, query.mirrored) if mirrored else (plain, query.plain)
    evidence = measure(alignment, keypoints, reference.keypoints, similarity, hash_distance, config)
    return Agreement(alignment, mirrored, evidence)


def measure(
    alignment: Alignment,
    query: Keypoints,
    reference: Keypoints,
    descriptor_similarity: float,
    hash_distance: int,
    config: MatchConfig,
) -> Evidence:
    """Return what an alignment of `query` with `reference` proves, together with the global likenesses."""
    source = query.frame[alignment.query_idx, :2].astype(np.float64)
    target = reference.frame[alignment.reference_idx, :2].astype(np.float64)
    precise = alignment.residuals < PRECISE
    reference_area = reference.width * reference.height / reference.side**2
    query_area = query.width * query.height / query.side**2
    scale, anisotropy = 1.0, 0.0
    if alignment.transform is not None:
        stretch = np.linalg.svd(alignment.transform[:2, :2], compute_uv=False)
        scale = math.sqrt(stretch[0] * stretch[1])
        anisotropy = min(2.0, math.log(stretch[0] / max(stretch[1], 1e-9)))
    limit = config.tolerance / 2 * max(1.0, scale)
    chance = math.pi * limit**2 / reference_area * (config.angle_tolerance / 120) * (config.log_scale_tolerance / 1.5)
    distinct = _n_distinct(source, target, _FINE_CELLS)
    return Evidence(
        n_matches=alignment.n_matches,
        n_inliers=distinct,
        n_precise=_n_distinct(source[precise], target[precise], _FINE_CELLS),
        significance=significance(alignment.n_matches, distinct, chance),
        similarity=float(alignment.similarities.mean()) if distinct else 0.0,
        residual=float(np.sqrt(np.square(alignment.residuals).mean())) if distinct else 1.0,
        reference_cover=min(1.0, hull_area(target) / reference_area),
        query_cover=min(1.0, hull_area(source) / query_area),
        reference_density=_density(target, reference),
        n_cells=_n_distinct(source, target, config.cells),
        anisotropy=anisotropy,
        descriptor_similarity=descriptor_similarity,
        hash_distance=hash_distance,
    )


def _n_distinct(source: F64, target: F64, cells: int) -> int:
    """Count matches by the cells of a grid that they fill, in whichever picture that is fewer."""
    return min(_n_filled(source, cells), _n_filled(target, cells))


def _n_filled(points: F64, cells: int) -> int:
    if not len(points):
        return 0
    grid = np.floor(points * cells).astype(np.int64)
    return len(np.unique(grid[:, 0] * 1_000_003 + grid[:, 1]))


def _density(inliers: F64, reference: Keypoints) -> float:
    """Return which part of the reference's keypoints within the bounds of the inliers are inliers themselves.

    A copy repeats nearly everything within its bounds; a pattern or a logo that two pictures share does not.
    """
    if len(inliers) < 3:
        return 0.0
    low, high = inliers.min(axis=0), inliers.max(axis=0)
    within = ((reference.frame[:, :2] >= low) & (reference.frame[:, :2] <= high)).all(axis=1)
    return _n_filled(inliers, _FINE_CELLS) / max(
        1, _n_filled(reference.frame[within, :2].astype(np.float64), _FINE_CELLS)
    )


def _pixel_transform(agreement: Agreement, query: Keypoints, reference: Keypoints) -> F64 | None:
    """Return the transform between pixels of the original pictures, any mirroring included."""
    if agreement.transform is None:
        return None
    to_frame = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, query.side]]) / query.side
    mirror = np.eye(3)
    if agreement.mirrored:
        mirror[0, 0], mirror[0, 2] = -1.0, query.width - 1.0
    to_pixels = np.array([[reference.side, 0.0, -0.5], [0.0, reference.side, -0.5], [0.0, 0.0, 1.0]])
    transform = to_pixels @ agreement.transform @ to_frame @ mirror
    return np.asarray(transform / transform[2, 2])


def _corners(polygon: F64) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in polygon)


def _back(transform: F64, region: F64) -> tuple[tuple[float, float], ...] | None:
    try:
        inverse: F64 = np.asarray(np.linalg.inv(transform), dtype=np.float64)
    except np.linalg.LinAlgError:
        return None
    return _corners(apply_transform(inverse, region))
