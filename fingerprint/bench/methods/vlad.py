"""One VLAD vector of SIFT: 64 words, power-normalised, whitened to 256 dimensions.

References
----------
Jégou et al., *Aggregating local image descriptors into compact codes*, TPAMI 2012; Jégou and Chum, *Negative evidences
and co-occurrences in image retrieval*, ECCV 2012 (whitening).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fingerprint.bench.base import DescribingMethod, Learned, Role, unit
from fingerprint.bench.clustering import nearest_words
from fingerprint.bench.keypoints import root_sift, sift_of, training_sample
from fingerprint.errors import ConfigError
from fingerprint.train.fitting import fit_codebook, fit_projection
from fingerprint.types import F32, Skipped
from fingerprint.workers import map_images

_KEYPOINTS, _WORDS, _LOCAL, _DIMENSION = 500, 64, 64, 256
_SAMPLE = 100_000


class SingleVlad(DescribingMethod):
    """VLAD of RootSIFT in 64 dimensions, 64 words, square roots of the sums, whitened to 256 dimensions."""

    title = "VLAD of SIFT, 64 words, whitened to 256"

    def learn(self, training: Sequence[Path]) -> Learned:
        """Return the reduction of local descriptors, the codebook and the projection."""
        sample = training_sample(training, _KEYPOINTS, _SAMPLE, "vlad")
        local_mean, local_basis = fit_projection(sample, _LOCAL, 0.0)
        points = np.asarray((sample - local_mean) @ local_basis, np.float32)
        codebook = fit_codebook(points, _WORDS, np.random.default_rng(0))
        learned = {"local_mean": local_mean, "local_basis": local_basis, "codebook": codebook}
        full = [v for v in map_images(lambda path: _vlad(path, learned), training) if not isinstance(v, Skipped)]
        if len(full) < 2:
            raise ConfigError("vlad: fewer than two training images; its projection is learned from them")
        mean, projection = fit_projection(np.stack(full), _DIMENSION, 0.5)
        return learned | {"mean": mean, "projection": projection}

    def describe(self, picture: Path, role: Role, learned: Learned) -> F32:
        """Return the whitened vector, of unit length; see `DescribingMethod`."""
        del role
        return unit((_vlad(picture, learned) - learned["mean"]) @ learned["projection"])


def _vlad(picture: Path, learned: Learned) -> F32:
    codebook = np.asarray(learned["codebook"], np.float32)
    points = (root_sift(sift_of(picture, _KEYPOINTS)) - learned["local_mean"]) @ learned["local_basis"]
    sums = np.zeros(codebook.shape, np.float32)
    if len(points):
        words = nearest_words(points, codebook, 1)[:, 0]
        np.add.at(sums, words, points - codebook[words])
    flat = sums.ravel()
    return unit(np.sign(flat) * np.sqrt(np.abs(flat)))
