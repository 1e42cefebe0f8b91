"""Verification of a query with one reference: how they agree, how probable a copy is, and which part is seen."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fingerprint.config import COPY_PROBABILITY, MatchConfig
from fingerprint.errors import ModelMismatchError
from fingerprint.features.signatures import Voters
from fingerprint.features.thumbnail import is_flat, open_thumbnail, shrink
from fingerprint.features.views import View
from fingerprint.models import Models
from fingerprint.results import Verification
from fingerprint.types import F32, F64, VARIANTS, Fingerprint, Keypoints, Query
from fingerprint.verify.align import Alignment, align
from fingerprint.verify.bend import Chain
from fingerprint.verify.evidence import Evidence, Likeness, measure_evidence
from fingerprint.verify.geometry import apply_transform, rectangle
from fingerprint.verify.overlap import OVERLAP_NAMES, Coarse, Overlap, Sides, Surroundings, compare_coarsely
from fingerprint.verify.pixels import NEUTRAL, compare_pixels
from fingerprint.verify.region import as_corners, seen_regions
from fingerprint.verify.score import NEAR_HASHES, deserves_second_look, evidence_vector, is_promising, judge
from fingerprint.verify.warp import COARSE_SIDE

#: Score of two pictures with the same pixels; no other evidence reaches it.
IDENTICAL_LOG_ODDS = 100.0
#: Score of two pictures with the same bytes, so that a picture itself ranks before others that look just like it.
SAME_BYTES_LOG_ODDS = 101.0

_CORRELATION = OVERLAP_NAMES.index("coarse_correlation")
_LEAST_CORRELATION = 0.3  # of pictures that no keypoints agree on, laid whole onto each other
_MIN_COMPARED = 3  # inliers; fewer agree by chance, and comparing pixels under such a transform proves nothing


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a query and a reference agree, and what that proves.

    Attributes
    ----------
    variant : int
        Position in `fingerprint.types.VARIANTS` of the variant of the query that agrees best.
    transform : float64 array, shape (3, 3), or None
        From pixels of the original query to pixels of the original reference, any mirroring included.
    n_agreeing : int
        Matches that agree on the transform.
    evidence : Evidence
        For the first look.
    sides : Sides
        Both pictures, for the second look.
    inliers : float32 array, shape (k, 4), or None
        As in `Verification`, if they are to be kept.
    """

    variant: int
    transform: F64 | None
    n_agreeing: int
    evidence: Evidence
    sides: Sides
    inliers: F32 | None = None

    def compare_coarsely(self) -> Coarse | None:
        """Begin the second look; see `fingerprint.verify.overlap.compare_coarsely`."""
        usable = self.transform if self.n_agreeing >= _MIN_COMPARED else None
        alike = self.evidence.likeness.hash_distance < NEAR_HASHES
        return compare_coarsely(self.sides, usable, self.n_agreeing, alike_as_wholes=alike)

    def measure_overlap(self) -> Overlap | None:
        """Return all that the second look measures, however little agrees."""
        coarse = self.compare_coarsely()
        return None if coarse is None else coarse.compare_finely()


@dataclass(frozen=True, slots=True)
class Examined:
    """A verdict on a pair with the numbers that it comes from.

    Attributes
    ----------
    verification : Verification
    evidence : float64 array, shape (len(EVIDENCE_NAMES),)
        Of the first look.
    overlap : float64 array, shape (len(OVERLAP_NAMES),), or None
        Of the second look; None if there was none.
    """

    verification: Verification
    evidence: F64
    overlap: F64 | None


def verify(
    query: Query,
    reference: Fingerprint,
    models: Models,
    config: MatchConfig,
    around: Surroundings | None = None,
    votes: F32 | None = None,
) -> Verification:
    """Compare a query with one reference; parameters as in `examine`."""
    return examine(query, reference, models, config, around, votes).verification


def examine(
    query: Query,
    reference: Fingerprint,
    models: Models,
    config: MatchConfig,
    around: Surroundings | None = None,
    votes: F32 | None = None,
) -> Examined:
    """Compare a query with one reference; the outcome depends on these two and the models only.

    Parameters
    ----------
    query : Query
    reference : Fingerprint
    models : Models
    config : MatchConfig
    around : Surroundings, optional
        What the query was cut out of, if it is a part of a picture.
    votes : float32 array, shape (4,), optional
        What `fingerprint.features.signatures.Voters` counted for this reference, so that it is not counted again.

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
    agreement = find_agreement(query, reference, config, around, votes)
    evidence = evidence_vector(agreement.evidence)
    seen = _look_again(agreement, evidence, models)
    overlap = None if seen is None else seen.measures
    judgement = judge(evidence, overlap, models)
    transform, size = agreement.transform, (query.plain.width, query.plain.height)
    mirrored, inverted = VARIANTS[agreement.variant]
    of_copy = seen if judgement.copy >= COPY_PROBABILITY else None
    if of_copy is not None and of_copy.transform is not None:
        transform = of_copy.transform / of_copy.transform[2, 2]
        mirrored = bool(np.linalg.det(transform[:2, :2]) < 0)
    region, query_region = seen_regions(transform, size, (reference.width, reference.height), of_copy)
    found = Verification(
        probability=judgement.copy,
        shared_probability=judgement.shared,
        log_odds=judgement.log_odds,
        n_inliers=agreement.evidence.n_inliers,
        transform=None if transform is None else tuple(transform.ravel().tolist()),
        mirrored=mirrored,
        inverted=inverted,
        reference_region=region,
        query_region=query_region,
        query_size=size,
        reference_size=(reference.width, reference.height),
        inliers=agreement.inliers,
    )
    return Examined(_if_identical(found, query, reference), evidence, overlap)


def _look_again(agreement: Agreement, evidence: F64, models: Models) -> Overlap | None:
    """Return what the second look measures, or None if the pair gets none, or not all of it."""
    if not deserves_second_look(evidence, models.calibration):
        return None
    coarse = agreement.compare_coarsely()
    if coarse is None or not is_promising(coarse.measures, evidence, models.promising):
        return None
    if agreement.n_agreeing < _MIN_COMPARED and coarse.measures[_CORRELATION] < _LEAST_CORRELATION:
        return None  # neither keypoints nor pixels agree: what would be measured is chance
    return coarse.compare_finely()


def _if_identical(found: Verification, query: Query, reference: Fingerprint) -> Verification:
    """Return the outcome for two pictures that are the same, if they are; else what was found."""
    if query.identity is None or reference.identity is None or not query.identity.same_as(reference.identity):
        return found
    same_bytes = query.identity.content is not None and query.identity.content == reference.identity.content
    odds = SAME_BYTES_LOG_ODDS if same_bytes else IDENTICAL_LOG_ODDS
    return _as_identical(found, odds, query.plain.width, query.plain.height)


def _as_identical(found: Verification, odds: float, width: int, height: int) -> Verification:
    """Return the outcome for two pictures that are the same: certain, each seen whole in the other."""
    whole = as_corners(rectangle(width, height))
    return replace(
        found,
        probability=1.0,
        shared_probability=0.0,
        log_odds=odds,
        transform=tuple(np.eye(3).ravel().tolist()),
        mirrored=False,
        inverted=False,
        reference_region=whole,
        query_region=whole,
        identical=True,
        inliers=None,  # those found may be of another transform, as of a pattern's repetitions
    )


def verify_view(
    view: View, whole: Query, reference: Fingerprint, models: Models, config: MatchConfig, votes: F32 | None = None
) -> Verification:
    """Compare a view of a query with one reference; parameters as in `examine_view`."""
    return examine_view(view, whole, reference, models, config, votes).verification


def examine_view(
    view: View, whole: Query, reference: Fingerprint, models: Models, config: MatchConfig, votes: F32 | None = None
) -> Examined:
    """Compare a view of a query with one reference.

    Parameters
    ----------
    view : View
    whole : Query
        The query that it is a view of.
    reference, models, config, votes
        As in `examine`; the votes are those of the view.

    Returns
    -------
    Examined
        Its verdict is in pixels of the whole query.
    """
    size = whole.plain.width, whole.plain.height
    around = Surroundings(whole.pixels, size, view.place) if view.partial else None
    found = examine(view.query, reference, models, config, around, votes)
    return replace(found, verification=_seen_from_whole(found.verification, view.place, size))


def surer(known: Verification, seen: Verification) -> Verification:
    """Return the verdict that counts, of a look at a query and of a closer look: the more probable copy.

    But what shares a scene or a template with the query stays so, unless the closer look is surer of a copy: parts of
    two shots of one scene can be quite alike. Where a copy is seen is what the look says on which more keypoints agree.
    """
    least = known.shared_probability if known.relation == "shared" else 0.0
    if seen.log_odds <= known.log_odds or seen.probability <= least:
        return known
    if known.relation == "copy" and known.n_inliers > seen.n_inliers:
        return replace(
            known,
            probability=seen.probability,
            shared_probability=seen.shared_probability,
            log_odds=seen.log_odds,
        )
    return seen


def _seen_from_whole(found: Verification, place: F64, size: tuple[int, int]) -> Verification:
    """Return the verification of a view, at its `place`, in pixels of the whole query of this `size`."""
    if found.transform is None:
        return replace(found, query_size=size)
    transform = np.reshape(found.transform, (3, 3)) @ place
    back = np.asarray(np.linalg.inv(place), np.float64)
    region, inliers = found.query_region, found.inliers
    if region is not None:
        region = as_corners(apply_transform(back, np.array(region, np.float64)))
    if inliers is not None:
        inliers = np.hstack(
            [apply_transform(back, inliers[:, :2].astype(np.float64)), inliers[:, 2:]], dtype=np.float32
        )
    row_major = tuple((transform / transform[2, 2]).ravel().tolist())
    return replace(found, transform=row_major, query_region=region, query_size=size, inliers=inliers)


def find_agreement(
    query: Query,
    reference: Fingerprint,
    config: MatchConfig,
    around: Surroundings | None = None,
    votes: F32 | None = None,
) -> Agreement:
    """Match the reference with the variant of the query on which most keypoints agree; parameters as in `examine`."""
    similarity, hash_distance = 0.0, 64
    thumbnail = open_thumbnail(reference.thumbnail)
    coarse = shrink(thumbnail, COARSE_SIDE, COARSE_SIDE)
    if not query.flat and not is_flat(coarse):  # flat pictures are alike and prove nothing
        similarity = float(query.descriptor.astype(np.float64) @ reference.descriptor.astype(np.float64))
        hash_distance = int(np.bitwise_count(query.hashes ^ reference.hashes).min())
    variant = Voters(query.variants, config).best_variant(reference.keypoints, votes)
    keypoints = query.variants[variant]
    alignment = align(keypoints, reference.keypoints, config)
    transform = _pixel_transform(alignment.transform, VARIANTS[variant][0], keypoints, reference.keypoints)
    size, reference_size = (query.plain.width, query.plain.height), (reference.width, reference.height)
    n_agreeing = len(alignment.query_idx)
    pixels = NEUTRAL
    if transform is not None and n_agreeing >= _MIN_COMPARED:
        pixels = compare_pixels(query.pixels, size, coarse, reference_size, transform)
    likeness = Likeness(
        descriptor_similarity=similarity,
        hash_distance=hash_distance,
        cohort_score=query.cohort_score,
        inverted=VARIANTS[variant][1],
        pixel_correlation=abs(pixels.correlation) * pixels.support,
        pixel_edges=pixels.edges * pixels.support,
    )
    evidence = measure_evidence(alignment, keypoints, reference.keypoints, likeness, config)
    chain = Chain(keypoints, reference.keypoints, *alignment.matches, *VARIANTS[variant])
    colours = query.colours, reference.colours
    sides = Sides(query.pixels, size, thumbnail, reference_size, VARIANTS[variant][1], chain, colours, around)
    inliers = None
    if config.keep_inliers and transform is not None:
        inliers = _pixel_positions(alignment, VARIANTS[variant][0], keypoints, reference.keypoints)
    return Agreement(variant, transform, n_agreeing, evidence, sides, inliers)


def _pixel_positions(alignment: Alignment, mirrored: bool, query: Keypoints, reference: Keypoints) -> F32:
    """Return where the keypoints of an alignment lie in the original pictures: float32 array, shape (k, 4)."""
    in_query = query.frame[alignment.query_idx, :2] * query.side - 0.5
    if mirrored:
        in_query[:, 0] = query.width - 1 - in_query[:, 0]
    in_reference = reference.frame[alignment.reference_idx, :2] * reference.side - 0.5
    return np.hstack([in_query, in_reference], dtype=np.float32)


def _pixel_transform(transform: F64 | None, mirrored: bool, query: Keypoints, reference: Keypoints) -> F64 | None:
    """Convert a transform between keypoints' positions into one between pixels of the original pictures."""
    if transform is None:
        return None
    to_frame = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, query.side]]) / query.side
    mirror = np.eye(3)
    if mirrored:
        mirror[0, 0], mirror[0, 2] = -1.0, query.width - 1.0
    to_pixels = np.array([[reference.side, 0.0, -0.5], [0.0, reference.side, -0.5], [0.0, 0.0, 1.0]])
    between = to_pixels @ transform @ to_frame @ mirror
    return np.asarray(between / between[2, 2])
