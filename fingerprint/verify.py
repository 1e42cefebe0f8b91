"""Comparing two pictures by their keypoints: which matches agree on one transform, and how much that proves."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fingerprint.config import ROOTSIFT_SCALE, MatchConfig
from fingerprint.errors import ModelMismatchError
from fingerprint.geometry import apply_transform, fit_affine, fit_homography, hull_area, is_plausible, shared_region
from fingerprint.hashes import hamming
from fingerprint.kernels.matching import best_similarity, match_pair
from fingerprint.models import Models
from fingerprint.score import Evidence, log_odds, probability, significance
from fingerprint.types import F64, I64, Bool, Fingerprint, Keypoints, Query, Verification

_MAX_HYPOTHESES = 400  # matches of a pair that are tried; the cost grows with the square
_FINE_CELLS = 100  # two inliers nearer than a hundredth of the picture are one observation
_MIN_AFFINE, _MIN_HOMOGRAPHY = 4, 10
_REFINEMENTS = 3


@dataclass(frozen=True, slots=True)
class Agreement:
    """The matches of a pair that agree on one transform.

    Attributes
    ----------
    query_idx, reference_idx : int64 arrays, shape (k,)
        Rows of the keypoints that agree.
    transform : float64 array, shape (3, 3), or None
        From the query's to the reference's frame (longer sides, the query mirrored if `mirrored`).
    mirrored : bool
        Whether the query had to be mirrored.
    residuals : float64 array, shape (k,)
        In tolerances.
    evidence : Evidence
        What this proves.
    """

    query_idx: I64
    reference_idx: I64
    transform: F64 | None
    mirrored: bool
    residuals: F64
    evidence: Evidence


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
    tries = [
        _agree(keypoints, reference.keypoints, mirrored, similarity, hash_distance, config)
        for mirrored, keypoints in ((False, query.plain), (True, query.mirrored))
    ]
    return max(tries, key=lambda a: (a.evidence.n_inliers, a.evidence.significance, not a.mirrored))


def _agree(
    query: Keypoints,
    reference: Keypoints,
    mirrored: bool,
    descriptor_similarity: float,
    hash_distance: int,
    config: MatchConfig,
) -> Agreement:
    min_dot = round(config.min_similarity * ROOTSIFT_SCALE**2)
    query_idx, reference_idx, dots = match_pair(
        query.signatures, query.descriptors, reference.signatures, reference.descriptors, config.verify_bits, min_dot
    )
    n_matches = len(query_idx)
    if n_matches > _MAX_HYPOTHESES:
        best = np.sort(np.argsort(-dots, kind="stable")[:_MAX_HYPOTHESES])
        query_idx, reference_idx, dots = query_idx[best], reference_idx[best], dots[best]
    _, inlier = best_similarity(
        query.frame,
        reference.frame,
        query_idx,
        reference_idx,
        np.float32(config.tolerance),
        np.float32(config.log_scale_tolerance),
        np.float32(math.cos(math.radians(config.angle_tolerance))),
    )
    source = query.frame[query_idx, :2].astype(np.float64)
    target = reference.frame[reference_idx, :2].astype(np.float64)
    transform, inlier, residual = _refine(source, target, inlier, config.tolerance / 2)
    rows = np.flatnonzero(inlier)
    evidence = _measure(
        source[rows],
        target[rows],
        dots[rows],
        residual[rows],
        transform,
        min(n_matches, _MAX_HYPOTHESES),
        query,
        reference,
        descriptor_similarity,
        hash_distance,
        config,
    )
    return Agreement(query_idx[rows], reference_idx[rows], transform, mirrored, residual[rows], evidence)


def _refine(source: F64, target: F64, inlier: Bool, tolerance: float) -> tuple[F64 | None, Bool, F64]:
    """Fit an affine map, then a homography where there is enough to fit one, and take in what it explains."""
    residual = np.zeros(len(source))
    transform: F64 | None = None
    for _ in range(_REFINEMENTS):
        if inlier.sum() < _MIN_AFFINE:
            break
        fitted = fit_affine(source[inlier], target[inlier])
        if fitted is None:
            break
        step = _residuals(fitted, source, target, tolerance)
        explained = step < 1
        if explained.sum() < _MIN_AFFINE:
            break
        settled = bool((explained == inlier).all())
        transform, inlier, residual = fitted, explained, step
        if settled:
            break
    if transform is not None and inlier.sum() >= _MIN_HOMOGRAPHY:
        wider = _residuals(transform, source, target, 2 * tolerance) < 1
        fitted = fit_homography(source[wider], target[wider])
        if fitted is not None and is_plausible(fitted[:2, :2]) and np.abs(fitted[2, :2]).max() < 1:
            step = _residuals(fitted, source, target, tolerance)
            if (step < 1).sum() > 1.1 * inlier.sum():
                transform, inlier, residual = fitted, step < 1, step
    if transform is None:
        transform = _similarity(source[inlier], target[inlier])
    return transform, inlier, residual


def _similarity(source: F64, target: F64) -> F64 | None:
    """Fit rotation, scale and shift to two or more points, in the complex plane."""
    if len(source) < 2:
        return None
    s = source[:, 0] + 1j * source[:, 1]
    t = target[:, 0] + 1j * target[:, 1]
    spread = np.square(np.abs(s - s.mean())).sum()
    if spread < 1e-8:
        return None
    turn = (np.conj(s - s.mean()) * (t - t.mean())).sum() / spread
    if abs(turn) < 1e-3:
        return None
    shift = t.mean() - turn * s.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag], [0.0, 0.0, 1.0]])


def _residuals(transform: F64, source: F64, target: F64, tolerance: float) -> F64:
    """Return distances in tolerances; a transform that magnifies is allowed as much more."""
    scale = math.sqrt(abs(float(np.linalg.det(transform[:2, :2]))))
    distance = np.sqrt(np.square(apply_transform(transform, source) - target).sum(axis=1))
    return np.asarray(np.nan_to_num(distance, nan=np.inf) / (tolerance * max(1.0, scale)))


def _measure(
    source: F64,
    target: F64,
    dots: I64,
    residual: F64,
    transform: F64 | None,
    n_matches: int,
    query: Keypoints,
    reference: Keypoints,
    descriptor_similarity: float,
    hash_distance: int,
    config: MatchConfig,
) -> Evidence:
    distinct = min(_n_distinct(source, _FINE_CELLS), _n_distinct(target, _FINE_CELLS))
    reference_area = reference.width * reference.height / reference.side**2
    query_area = query.width * query.height / query.side**2
    scale, anisotropy = 1.0, 0.0
    if transform is not None:
        stretch = np.linalg.svd(transform[:2, :2], compute_uv=False)
        scale = math.sqrt(stretch[0] * stretch[1])
        anisotropy = min(2.0, math.log(stretch[0] / max(stretch[1], 1e-9)))
    limit = config.tolerance / 2 * max(1.0, scale)
    chance = math.pi * limit**2 / reference_area * (config.angle_tolerance / 180) * (config.log_scale_tolerance / 2)
    return Evidence(
        n_matches=n_matches,
        n_inliers=distinct,
        significance=significance(n_matches, distinct, chance),
        similarity=float(dots.mean() / ROOTSIFT_SCALE**2) if len(dots) else 0.0,
        residual=float(np.sqrt(np.square(residual).mean())) if len(residual) else 1.0,
        reference_cover=min(1.0, hull_area(target) / reference_area),
        query_cover=min(1.0, hull_area(source) / query_area),
        n_cells=min(_n_distinct(source, config.cells), _n_distinct(target, config.cells)),
        anisotropy=anisotropy,
        descriptor_similarity=descriptor_similarity,
        hash_distance=hash_distance,
    )


def _n_distinct(points: F64, cells: int) -> int:
    if not len(points):
        return 0
    grid = np.floor(points * cells).astype(np.int64)
    return len(np.unique(grid[:, 0] * 1_000_003 + grid[:, 1]))


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
