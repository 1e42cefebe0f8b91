"""SIFT of OpenCV for the baselines that match or aggregate keypoints, so that they are what everybody would build."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from fingerprint.errors import ConfigError
from fingerprint.images.decode import read_grey
from fingerprint.types import F32, U8, Skipped
from fingerprint.workers import map_images

SIDE = 512


def sift_of(path: Path, n_keypoints: int, side: int = SIDE) -> U8:
    """Return SIFT descriptors of the strongest keypoints: uint8 array, shape (n, 128), n <= `n_keypoints`.

    Parameters
    ----------
    path : Path
    n_keypoints : int
    side : int
        Longer side to which a larger picture is reduced, in pixels; a smaller one is not enlarged.

    Raises
    ------
    ImageError
        If the picture cannot be read.
    """
    grey = read_grey(path, at_least=side).pixels
    factor = side / max(grey.shape)
    if factor < 1:
        size = tuple(max(1, round(length * factor)) for length in grey.shape[::-1])
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    _, found = cv2.SIFT_create(nfeatures=n_keypoints).detectAndCompute(grey, None)  # type: ignore[attr-defined]
    if found is None:
        return np.empty((0, 128), np.uint8)
    return np.asarray(found[:n_keypoints], np.uint8)  # its values are whole numbers up to 255


def root_sift(descriptors: U8) -> F32:
    """Return RootSIFT of SIFT descriptors: square roots of shares, of unit length; float32 array, shape (n, 128)."""
    values = descriptors.astype(np.float32)
    shares = values / np.maximum(values.sum(axis=1, keepdims=True), np.float32(1e-6))
    return np.asarray(np.sqrt(shares), np.float32)


def training_sample(training: Sequence[Path], n_keypoints: int, most: int, method: str) -> F32:
    """Return RootSIFT of the training images, at most `most` of them by chance: float32 array, shape (n, 128).

    Raises
    ------
    ConfigError
        If the training images have too few keypoints to learn anything from them.
    """
    found = map_images(lambda path: sift_of(path, n_keypoints), training)
    parts = [item for item in found if not isinstance(item, Skipped)]
    everything = np.concatenate(parts) if parts else np.empty((0, 128), np.uint8)
    if len(everything) < 256:
        raise ConfigError(
            f"{method}: {len(everything)} keypoints in the training images; give more images to learn from"
        )
    if len(everything) > most:
        chosen = np.random.default_rng(0).choice(len(everything), most, replace=False)
        everything = everything[np.sort(chosen)]
    return root_sift(everything)
