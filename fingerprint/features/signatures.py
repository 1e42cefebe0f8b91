"""LocalFeatures -> Keypoints: binary signatures, and frames that do not depend on the picture's size.

References
----------
Jégou, Douze and Schmid, *Hamming embedding and weak geometric consistency for large scale image search*, ECCV 2008.
"""

from __future__ import annotations

import math

import numpy as np

from fingerprint.config import MatchConfig
from fingerprint.features.local_features import INVERT_PERMUTATION, MIRROR_PERMUTATION
from fingerprint.kernels.matching import pack_signatures, vote_pair
from fingerprint.models import DescriptorModel
from fingerprint.types import F32, I64, U8, U64, Keypoints, LocalFeatures

_MAX_VOTES = 150  # matches of a pair that are hypotheses; with repeated patterns, more would be slower but not better


def make_keypoints(features: LocalFeatures, width: int, height: int, model: DescriptorModel) -> Keypoints:
    """Return features as the keypoints of a picture of `width` x `height` original pixels."""
    return Keypoints(
        descriptors=features.descriptors,
        signatures=compute_signatures(features.descriptors, model),
        frame=compute_frame(features),
        width=width,
        height=height,
    )


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
    out = np.empty((len(descriptors), 2), dtype=np.uint64)
    pack_signatures(np.ascontiguousarray(descriptors), model.signature_rotation, model.signature_thresholds, out)
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


def mirror_keypoints(keypoints: Keypoints, model: DescriptorModel) -> Keypoints:
    """Return the keypoints of the left-right mirrored picture, without a second extraction."""
    frame = keypoints.frame.copy()
    frame[:, 0] = np.float32(keypoints.width / keypoints.side) - frame[:, 0]
    frame[:, 3] = -frame[:, 3]
    return _permuted(keypoints, MIRROR_PERMUTATION, frame, model)


def invert_keypoints(keypoints: Keypoints, model: DescriptorModel) -> Keypoints:
    """Return the keypoints of the photographic negative, without a second extraction."""
    frame = keypoints.frame.copy()
    frame[:, 3:] = -frame[:, 3:]
    return _permuted(keypoints, INVERT_PERMUTATION, frame, model)


def make_variants(keypoints: Keypoints, model: DescriptorModel) -> tuple[Keypoints, ...]:
    """Return the keypoints of a picture in each of `fingerprint.types.VARIANTS`."""
    mirrored = mirror_keypoints(keypoints, model)
    return keypoints, mirrored, invert_keypoints(keypoints, model), invert_keypoints(mirrored, model)


def _permuted(keypoints: Keypoints, permutation: I64, frame: F32, model: DescriptorModel) -> Keypoints:
    descriptors = np.ascontiguousarray(keypoints.descriptors[:, permutation])
    return Keypoints(
        descriptors=descriptors,
        signatures=compute_signatures(descriptors, model),
        frame=frame,
        width=keypoints.width,
        height=keypoints.height,
    )


def pair_votes(query: Keypoints, reference: Keypoints, config: MatchConfig) -> float:
    """Return how many matches of two pictures agree on one similarity transform, by their signatures alone.

    Parameters
    ----------
    query, reference : Keypoints
        Of the query, in one of its variants, and of the reference.
    config : MatchConfig
        ``vote_bits`` and the tolerances.

    Returns
    -------
    float, >= 0
        The number of matches, plus a part below 1 for how near their signatures are.
    """
    return float(
        vote_pair(
            query.signatures,
            query.frame,
            reference.signatures,
            reference.frame,
            config.vote_bits,
            _MAX_VOTES,
            np.float32(config.tolerance),
            np.float32(config.log_scale_tolerance),
            np.float32(math.cos(math.radians(config.angle_tolerance))),
        )
    )
