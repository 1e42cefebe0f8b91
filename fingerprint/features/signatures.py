"""LocalFeatures -> Keypoints: binary signatures, and frames that do not depend on the picture's size.

References
----------
Jégou, Douze and Schmid, *Hamming embedding and weak geometric consistency for large scale image search*, ECCV 2008.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fingerprint.config import MatchConfig
from fingerprint.kernels.matching import pack_signatures, vote_variants
from fingerprint.models import DescriptorModel
from fingerprint.models.reflections import KINDS, ORBITS, PERMUTATIONS
from fingerprint.types import F32, I64, U8, U64, VARIANTS, Keypoints, LocalFeatures

#: Stands for the votes of a variant that has not voted.
NOT_COUNTED = np.float32(-1.0)
_MAX_VOTES = 150  # matches of a pair that are hypotheses; with repeated patterns, more would be slower but not better


def make_keypoints(features: LocalFeatures, width: int, height: int, model: DescriptorModel) -> Keypoints:
    """Return features as the keypoints of a picture of `width` x `height` original pixels."""
    return replace(
        unsigned_keypoints(features, width, height), signatures=compute_signatures(features.descriptors, model)
    )


def unsigned_keypoints(features: LocalFeatures, width: int, height: int) -> Keypoints:
    """Return features as keypoints without signatures, from which `make_variants` makes those of a query."""
    return Keypoints(features.descriptors, np.zeros((0, 2), np.uint64), compute_frame(features), width, height)


def compute_signatures(descriptors: U8, model: DescriptorModel) -> U64:
    """Return the signatures of local descriptors.

    Parameters
    ----------
    descriptors : uint8 array, shape (n, 128)
        RootSIFT as in `LocalFeatures.descriptors`.
    model : DescriptorModel
        Gives the rotation and the thresholds.

    Returns
    -------
    uint64 array, shape (n, 2)
        As in `Keypoints.signatures`.
    """
    (signatures,) = _signatures_of_variants(descriptors, model, 1)
    return np.asarray(signatures)


def _signatures_of_variants(descriptors: U8, model: DescriptorModel, n_variants: int) -> U64:
    """Return the signatures of local descriptors in the first of `VARIANTS`: uint64 array, shape (n_variants, n, 2)."""
    out = np.empty((n_variants, len(descriptors), 2), dtype=np.uint64)
    pack_signatures(
        np.ascontiguousarray(descriptors),
        *(ORBITS, KINDS, model.signature_directions, model.signature_thresholds, out),
    )
    return out


def compute_frame(features: LocalFeatures) -> F32:
    """Return positions, sizes and angles as in `Keypoints.frame`: float32 array, shape (n, 5)."""
    side = np.float32(max(features.width, features.height))
    radians = np.deg2rad(features.angles.astype(np.float64))
    return np.column_stack(
        [
            (features.points + np.float32(0.5)) / side,
            np.log(np.maximum(features.sizes, np.float32(1e-3)) / side),
            np.cos(radians),
            np.sin(radians),
        ]
    ).astype(np.float32)


def make_variants(keypoints: Keypoints, model: DescriptorModel) -> tuple[Keypoints, ...]:
    """Return the keypoints of a picture in each of `fingerprint.types.VARIANTS`, without a second extraction.

    Their signatures are computed from the local descriptors, all together; those of `keypoints` are not used.
    """
    signatures = _signatures_of_variants(keypoints.descriptors, model, len(VARIANTS))
    made = [replace(keypoints, signatures=signatures[0])]
    for variant, (mirrored, inverted) in enumerate(VARIANTS[1:], start=1):
        frame = keypoints.frame.copy()
        if mirrored:
            frame[:, 0] = np.float32(keypoints.width / keypoints.side) - frame[:, 0]
            frame[:, 3] = -frame[:, 3]
        if inverted:
            frame[:, 3:] = -frame[:, 3:]
        descriptors = np.ascontiguousarray(keypoints.descriptors[:, PERMUTATIONS[variant]])
        made.append(Keypoints(descriptors, signatures[variant], frame, keypoints.width, keypoints.height))
    return tuple(made)


class Voters:
    """The variants of a query, to vote on references.

    Parameters
    ----------
    variants : sequence of Keypoints
        Of one query.
    config : MatchConfig
        ``vote_bits`` and the tolerances.
    """

    def __init__(self, variants: Sequence[Keypoints], config: MatchConfig) -> None:
        self._signatures = np.stack([keypoints.signatures for keypoints in variants])
        self._frames = np.stack([keypoints.frame for keypoints in variants])
        self._settings = (
            config.vote_bits,
            _MAX_VOTES,
            np.float32(config.tolerance),
            np.float32(config.log_scale_tolerance),
            np.float32(math.cos(math.radians(config.angle_tolerance))),
        )

    def votes(self, reference: Keypoints, variants: Sequence[int] | I64) -> F32:
        """Return how many matches with a reference agree on one similarity transform, by signatures alone.

        Parameters
        ----------
        reference : Keypoints
        variants : sequence of int, or an int64 array
            Positions of the variants of the query that vote.

        Returns
        -------
        float32 array, shape (len(variants),), >= 0
            For each variant the number of matches, plus a part below 1 for how near their signatures are.
        """
        chosen = np.array(variants, np.int64)
        return np.asarray(
            vote_variants(
                *(chosen, self._signatures, self._frames, reference.signatures, reference.frame), *self._settings
            )
        )

    def best_variant(self, reference: Keypoints, known: F32 | None = None) -> int:
        """Return the position of the variant on which most matches with a reference agree; of several the first.

        Parameters
        ----------
        reference : Keypoints
        known : float32 array, shape (4,), optional
            The votes that are known already, `NOT_COUNTED` where they are not.
        """
        votes = np.full(len(VARIANTS), NOT_COUNTED) if known is None else known.copy()
        missing = np.flatnonzero(votes == NOT_COUNTED)
        votes[missing] = self.votes(reference, missing)
        return int(votes.argmax())
