"""Comparing two pictures by their keypoints: which matches agree on one transform, and how much that proves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fingerprint.align import PRECISE, Alignment, align
from fingerprint.config import Config, MatchConfig
from fingerprint.errors import ModelMismatchError
from fingerprint.geometry import apply_transform, hull_area, shared_region
from fingerprint.hashes import hamming
from fingerprint.kernels.matching import vote_pair
from fingerprint.models import Models
from fingerprint.pixels import NEUTRAL, compare_pixels, is_flat
from fingerprint.score import Evidence, Likeness, log_odds, probability, significance
from fingerprint.types import F64, VERSIONS, Candidate, Fingerprint, Keypoints, Query, Verification

_MAX_VOTES = 150  # matches of a pair that are hypotheses; repeated patterns would make the vote slow and no better
_MIN_COMPARED = 3  # inliers; fewer agree by chance, and pixels laid on each other by chance prove nothing
_MIN_VOTES = 2.0  # a single match agrees with itself
_FINE_CELLS = 100  # two inliers nearer than a hundredth of the picture are one observation


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a query and a reference agree, and what that proves.

    Attributes
    ----------
    alignment : Alignment
        Of the query, in the version below, with the reference.
    version : int
        Position in `fingerprint.types.VERSIONS` of the version of the query that agrees best.
    transform : float64 array, shape (3, 3), or None
        From pixels of the original query to pixels of the original reference, any mirroring included.
    evidence : Evidence
        What is weighed.
    """

    alignment: Alignment
    version: int
    transform: F64 | None
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
    transform = agreement.transform
    region = None
    if transform is not None:
        region = shared_region(transform, (query.plain.width, query.plain.height), (reference.width, reference.height))
    mirrored, inverted = VERSIONS[agreement.version]
    return Verification(
        probability=probability(odds),
        log_odds=odds,
        n_inliers=agreement.evidence.n_inliers,
        transform=None if transform is None else tuple(float(v) for v in transform.ravel()),
        mirrored=mirrored,
        inverted=inverted,
        reference_region=None if region is None else _corners(region),
        query_region=None if region is None or transform is None else _back(transform, region),
    )


def shortlist(query: Query, candidates: Sequence[Candidate], config: Config) -> list[Candidate]:
    """Return the candidates that are worth comparing in full, the most promising first.

    Those are the ones on which most keypoints agree by their 128-bit signatures, and the assured ones.
    """
    ranked = sorted(
        (-max(_votes(query, version, candidate.fingerprint, config.match) for version in candidate.versions), rank)
        for rank, candidate in enumerate(candidates)
    )
    best = [rank for votes, rank in ranked[: config.candidates.n_verified] if -votes >= _MIN_VOTES]
    rest = [rank for _, rank in ranked if candidates[rank].assured and rank not in best]
    return [candidates[rank] for rank in best + rest]


def find_agreement(query: Query, reference: Fingerprint, config: MatchConfig) -> Agreement:
    """Match the query, in the version on which most keypoints agree, with the reference."""
    similarity, hash_distance = 0.0, 64
    if not query.flat and not is_flat(reference.thumbnail):  # flat pictures are alike and prove nothing
        similarity = float(query.descriptor.astype(np.float64) @ reference.descriptor.astype(np.float64))
        hash_distance = int(hamming(query.hashes, reference.hashes).min())
    votes = [_votes(query, version, reference, config) for version in range(len(VERSIONS))]
    version = votes.index(max(votes))
    keypoints = query.versions[version]
    alignment = align(keypoints, reference.keypoints, config)
    transform = _pixel_transform(alignment.transform, VERSIONS[version][0], keypoints, reference.keypoints)
    pixels = NEUTRAL
    if transform is not None and len(alignment.query_idx) >= _MIN_COMPARED:
        plain = query.plain
        sizes = (plain.width, plain.height), (reference.width, reference.height)
        pixels = compare_pixels(query.pixels, sizes[0], reference.thumbnail, sizes[1], transform)
    likeness = Likeness(
        descriptor_similarity=similarity,
        hash_distance=hash_distance,
        background=query.background,
        inverted=VERSIONS[version][1],
        pixel_correlation=abs(pixels.correlation) * pixels.support,
        pixel_edges=pixels.edges * pixels.support,
    )
    evidence = measure(alignment, keypoints, reference.keypoints, likeness, config)
    return Agreement(alignment, version, transform, evidence)


def _votes(query: Query, version: int, reference: Fingerprint, config: MatchConfig) -> float:
    """Return on how many keypoints of a version of the query the reference agrees, by signatures alone."""
    keypoints = query.versions[version]
    return float(
        vote_pair(
            keypoints.signatures,
            keypoints.frame,
            reference.keypoints.signatures,
            reference.keypoints.frame,
            config.vote_bits,
            _MAX_VOTES,
            np.float32(config.tolerance),
            np.float32(config.log_scale_tolerance),
            np.float32(math.cos(math.radians(config.angle_tolerance))),
        )
    )


def measure(
    alignment: Alignment,
    query: Keypoints,
    reference: Keypoints,
    likeness: Likeness,
    config: MatchConfig,
) -> Evidence:
    """Return what an alignment of `query` with `reference` proves, together with what was measured otherwise."""
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
        likeness=likeness,
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


def _pixel_transform(transform: F64 | None, mirrored: bool, query: Keypoints, reference: Keypoints) -> F64 | None:
    """Return the transform between pixels of the original pictures, for one between frames."""
    if transform is None:
        return None
    to_frame = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, query.side]]) / query.side
    mirror = np.eye(3)
    if mirrored:
        mirror[0, 0], mirror[0, 2] = -1.0, query.width - 1.0
    to_pixels = np.array([[reference.side, 0.0, -0.5], [0.0, reference.side, -0.5], [0.0, 0.0, 1.0]])
    between = to_pixels @ transform @ to_frame @ mirror
    return np.asarray(between / between[2, 2])


def _corners(polygon: F64) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in polygon)


def _back(transform: F64, region: F64) -> tuple[tuple[float, float], ...] | None:
    try:
        inverse: F64 = np.asarray(np.linalg.inv(transform), dtype=np.float64)
    except np.linalg.LinAlgError:
        return None
    return _corners(apply_transform(inverse, region))
