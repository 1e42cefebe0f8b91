"""Pixels -> keypoints with RootSIFT descriptors; mirrored and negative variants without a second extraction.

References
----------
Lowe, *Distinctive image features from scale-invariant keypoints*, IJCV 2004; Arandjelović and Zisserman, *Three things
everyone should know to improve object retrieval*, CVPR 2012 (RootSIFT).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from fingerprint.config import FeatureConfig
from fingerprint.errors import ConfigError
from fingerprint.features.sift import describe, detect, orient
from fingerprint.features.thumbnail import shrink
from fingerprint.models.reflections import MIRROR_PERMUTATION
from fingerprint.types import F32, I64, U8, LocalFeatures, Picture

_LEAST_SIZE = 3.6  # pixels, of a keypoint in octave 0: between the sizes in octaves -1 and 0
_MOST_ENLARGED = 3.0  # enlarging more shows no further detail


def extract_features(picture: Picture, config: FeatureConfig) -> tuple[LocalFeatures, ...]:
    """Describe a grey picture at each of `config.sides`.

    Parameters
    ----------
    picture : Picture
        `pixels` uint8 (h, w) grey, decoded at any size; `width` and `height` are those of the original.
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
        _extract(_resize(grey, side), picture, n_keypoints, doubled, config)
        for side, n_keypoints, doubled in zip(config.sides, config.n_keypoints, config.doubled, strict=True)
    )


def _resize(grey: U8, side: int) -> U8:
    """Resize a picture to a longer side, but enlarge it at most `_MOST_ENLARGED` times."""
    height, width = grey.shape
    factor = min(side / max(height, width), _MOST_ENLARGED)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    if size == (width, height):
        return grey
    if factor < 1:
        return shrink(grey, size[1], size[0])
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def _extract(grey: U8, picture: Picture, n_keypoints: int, doubled: bool, config: FeatureConfig) -> LocalFeatures:
    height, width = grey.shape
    scale = max(width, height) / max(picture.width, picture.height)
    extrema = detect(grey, -1 if doubled else 0, config.contrast_threshold, config.edge_threshold)
    if not len(extrema):
        return _empty(width, height, scale)
    chosen = select_by_octave(extrema.response, extrema.octave, n_keypoints, config.octave_share)
    oriented = orient(extrema, chosen)
    kept = select_by_octave(oriented.response, oriented.octave, n_keypoints, config.octave_share)
    points, sizes, angles, descriptors = describe(extrema, oriented, kept)
    return LocalFeatures(
        points=points,
        sizes=sizes,
        angles=angles,
        descriptors=descriptors,
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
        Cap of one octave as a part of `n`; exceeded if otherwise fewer than `n` would be chosen.

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


def thin_features(features: LocalFeatures, n: int, share: float) -> LocalFeatures:
    """Return the strongest of a picture's features, with a cap on how many one octave may give.

    Parameters
    ----------
    features : LocalFeatures
        As `extract_features` gives them: the stronger ones of an octave first.
    n : int
        How many to keep at most.
    share : float, (0, 1]
        As in `select_by_octave`.
    """
    octave = np.floor(np.log2(np.maximum(features.sizes, np.float32(1e-3)) / _LEAST_SIZE)).astype(np.int64)
    rank = np.arange(len(features), 0, -1).astype(np.float32)
    kept = np.sort(select_by_octave(rank, octave, n, share))
    return replace(
        features,
        points=features.points[kept],
        sizes=features.sizes[kept],
        angles=features.angles[kept],
        descriptors=features.descriptors[kept],
    )


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
