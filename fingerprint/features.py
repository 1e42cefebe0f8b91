"""Pixels -> keypoints with RootSIFT descriptors; mirrored and negative versions without a second extraction.

References
----------
Lowe, *Distinctive image features from scale-invariant keypoints*, IJCV 2004; Arandjelović and Zisserman, *Three things
everyone should know to improve object retrieval*, CVPR 2012 (RootSIFT).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from fingerprint.config import ROOTSIFT_SCALE, FeatureConfig
from fingerprint.errors import ConfigError
from fingerprint.types import F32, I64, U8, LocalFeatures, Picture

# OpenCV doubles the picture with pixel centres at halves, but halves the places with pixel centres at integers, which
# moves every keypoint to the right and down by as much. Without this a mirrored copy would lie half a pixel off.
_DOUBLING_SHIFT = np.float32(0.25)

_CELL_ROW, _CELL_COLUMN, _BIN = (axis.ravel() for axis in np.indices((4, 4, 8)))
#: ``mirrored[:, k] = original[:, MIRROR_PERMUTATION[k]]``: the descriptor of the same patch seen in a mirror.
MIRROR_PERMUTATION = ((3 - _CELL_ROW) * 4 + _CELL_COLUMN) * 8 + (8 - _BIN) % 8
#: The same for the photographic negative: every gradient turns by 180 degrees, and with it the patch's own frame.
INVERT_PERMUTATION = ((3 - _CELL_ROW) * 4 + (3 - _CELL_COLUMN)) * 8 + _BIN


def extract_features(picture: Picture, config: FeatureConfig) -> tuple[LocalFeatures, ...]:
    """Describe a grey picture at each of `config.sides`.

    Parameters
    ----------
    picture : Picture
        `pixels` uint8 (h, w) grey, decoded at any size; `width` and `height` say how large the original is.
    config : FeatureConfig
        Sides, numbers of keypoints and thresholds.

    Returns
    -------
    tuple of LocalFeatures
        One for each side, in order. Flat pictures give empty ones.

    Raises
    ------
    ConfigError
        If `picture.pixels` is not a grey uint8 array.
    """
    grey = picture.pixels
    if grey.ndim != 2 or grey.dtype != np.uint8:
        raise ConfigError(f"{picture.name}: keypoints need grey uint8 pixels (h, w), not {grey.dtype} {grey.shape}")
    return tuple(
        _extract(_reduce(grey, side), picture, n_keypoints, config)
        for side, n_keypoints in zip(config.sides, config.n_keypoints, strict=True)
    )


def _reduce(grey: U8, side: int) -> U8:
    height, width = grey.shape
    factor = side / max(height, width)
    if factor >= 1:
        return grey
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _extract(grey: U8, picture: Picture, n_keypoints: int, config: FeatureConfig) -> LocalFeatures:
    height, width = grey.shape
    scale = max(width, height) / max(picture.width, picture.height)
    sift = cv2.SIFT.create(
        nfeatures=0, contrastThreshold=config.contrast_threshold, edgeThreshold=config.edge_threshold
    )
    keypoints = sift.detect(grey, None)
    if not keypoints:
        return _empty(width, height, scale)
    response = np.array([k.response for k in keypoints], dtype=np.float32)
    octave = np.array([(k.octave & 255) for k in keypoints], dtype=np.int64)
    octave = np.where(octave >= 128, octave - 256, octave)
    chosen = select_by_octave(response, octave, n_keypoints, config.octave_share)
    kept, raw = sift.compute(grey, [keypoints[i] for i in chosen])
    if raw is None or not kept:
        return _empty(width, height, scale)
    return LocalFeatures(
        points=np.array([k.pt for k in kept], dtype=np.float32) - _DOUBLING_SHIFT,
        sizes=np.array([k.size for k in kept], dtype=np.float32),
        angles=np.array([k.angle for k in kept], dtype=np.float32) % np.float32(360),
        descriptors=root_sift(np.asarray(raw, dtype=np.float32)),
        width=width,
        height=height,
        scale=scale,
    )


def _empty(width: int, height: int, scale: float) -> LocalFeatures:
    return LocalFeatures(
        points=np.zeros((0, 2), np.float32),
        sizes=np.zeros(0, np.float32),
        angles=np.zeros(0, np.float32),
        descriptors=np.zeros((0, 128), np.uint8),
        width=width,
        height=height,
        scale=scale,
    )


def select_by_octave(response: F32, octave: I64, n: int, share: float) -> I64:
    """Choose the strongest keypoints, with a cap on how many one octave may give.

    Parameters
    ----------
    response : float32 array, shape (m,)
        Strength of each keypoint.
    octave : int64 array, shape (m,)
        Octave of each keypoint.
    n : int
        How many to choose at most.
    share : float, (0, 1]
        Cap of one octave as a part of `n`; lifted if the octaves together offer fewer than `n`.

    Returns
    -------
    int64 array, shape (min(m, n),)
        Positions, strongest first among those within the cap, then the rest; equal responses in input order.
    """
    order = np.argsort(-response, kind="stable")
    cap = max(1, round(share * n))
    rank = np.empty(len(order), dtype=np.int64)
    ordered_octave = octave[order]
    for value in np.unique(ordered_octave):
        members = np.flatnonzero(ordered_octave == value)
        rank[members] = np.arange(len(members))
    within = rank < cap
    return np.concatenate([order[within], order[~within]])[:n].astype(np.int64)


def root_sift(descriptors: F32) -> U8:
    """Turn SIFT descriptors into RootSIFT in 8 bits: L1-normalised, square root, times 512.

    Parameters
    ----------
    descriptors : float32 array, shape (n, 128)
        SIFT, non-negative.

    Returns
    -------
    uint8 array, shape (n, 128)
        Values above 255 (half the norm in one bin) are cut off there.
    """
    total = np.maximum(descriptors.sum(axis=1, keepdims=True), np.float32(1e-6))
    scaled = np.sqrt(descriptors / total) * np.float32(ROOTSIFT_SCALE)
    return np.asarray(np.minimum(np.rint(scaled), 255), dtype=np.uint8)


def mirror_features(features: LocalFeatures) -> LocalFeatures:
    """Return the features of the left-right mirrored picture, by permutation alone."""
    points = features.points.copy()
    points[:, 0] = np.float32(features.width - 1) - points[:, 0]
    return LocalFeatures(
        points=points,
        sizes=features.sizes,
        angles=(np.float32(180) - features.angles) % np.float32(360),
        descriptors=np.ascontiguousarray(features.descriptors[:, MIRROR_PERMUTATION]),
        width=features.width,
        height=features.height,
        scale=features.scale,
    )


def invert_features(features: LocalFeatures) -> LocalFeatures:
    """Return the features of the photographic negative, by permutation alone."""
    return LocalFeatures(
        points=features.points,
        sizes=features.sizes,
        angles=(features.angles + np.float32(180)) % np.float32(360),
        descriptors=np.ascontiguousarray(features.descriptors[:, INVERT_PERMUTATION]),
        width=features.width,
        height=features.height,
        scale=features.scale,
    )


def merge_features(parts: Sequence[LocalFeatures]) -> LocalFeatures:
    """Join the features of one picture described at several sides, in the coordinates of the largest.

    Raises
    ------
    ConfigError
        If `parts` is empty.
    """
    if not parts:
        raise ConfigError("merge_features needs the features of at least one side")
    largest = max(parts, key=lambda part: part.width * part.height)
    factors = [np.float32(largest.scale / part.scale) for part in parts]
    half = np.float32(0.5)
    return LocalFeatures(
        points=np.concatenate([(p.points + half) * f - half for p, f in zip(parts, factors, strict=True)]),
        sizes=np.concatenate([p.sizes * f for p, f in zip(parts, factors, strict=True)]),
        angles=np.concatenate([p.angles for p in parts]),
        descriptors=np.concatenate([p.descriptors for p in parts]),
        width=largest.width,
        height=largest.height,
        scale=largest.scale,
    )
