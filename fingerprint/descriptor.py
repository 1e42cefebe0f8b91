"""LocalFeatures -> compact descriptor: VLAD over a trained codebook, projected, background-normalised.

References
----------
Jégou, Douze, Schmid and Pérez, *Aggregating local descriptors into a compact image representation*, CVPR 2010;
Delhumeau et al., *Revisiting the VLAD image representation*, ACM MM 2013 (residual normalisation); Jégou and Chum,
*Negative evidences and co-occurrences in image retrieval*, ECCV 2012 (whitening); the background normalisation is the
embedding subtraction of the 2021 Image Similarity Challenge's descriptor track.
"""

from __future__ import annotations

import numpy as np

from fingerprint.features import mirror_features
from fingerprint.kernels.vlad import aggregate_residuals, assign, project, reduce_descriptors
from fingerprint.models import DescriptorModel
from fingerprint.types import F32, U8, LocalFeatures

#: Exponent of the power law on the sums, which tames repeated structure.
POWER = 0.5
#: Background normalisation: how much of the mean of how many neighbours in the training set is taken away.
BACKGROUND_SHARE = np.float32(0.35)
BACKGROUND_NEIGHBOURS = 10


def compute_descriptor(features: LocalFeatures, model: DescriptorModel) -> F32:
    """Return the compact descriptor of one picture; it depends on that picture and the model only.

    Parameters
    ----------
    features : LocalFeatures
        As the reference profile gives them.
    model : DescriptorModel
        Codebook, projection and background.

    Returns
    -------
    float32 array, shape (d,), d <= 256
        Of unit length. A picture without a single keypoint gets the vector of an empty VLAD: such pictures are alike.
    """
    return normalise_background(project_vlad(compute_vlad(features, model), model), model.background)


def compute_vlad(features: LocalFeatures, model: DescriptorModel) -> F32:
    """Return the VLAD vector with the mirrored picture summed in, so that a picture and its mirror image are equal.

    Returns
    -------
    float32 array, shape (k * p,)
        Power-normalised and of unit length; zeros where there are no keypoints.
    """
    sums = np.zeros(model.codebook.shape, dtype=np.float32)
    codebook_t = np.ascontiguousarray(model.codebook.T)
    half_norms = (np.square(model.codebook).sum(axis=1) / 2).astype(np.float32)
    for descriptors in (features.descriptors, mirror_features(features).descriptors):
        points = reduce_local(descriptors, model.local_mean, model.local_basis)
        words = np.empty(len(points), dtype=np.int64)
        assign(points, codebook_t, half_norms, words)
        aggregate_residuals(points, words, model.codebook, sums)
    vector = sums.ravel()
    return _unit(np.sign(vector) * np.abs(vector) ** np.float32(POWER))


def reduce_local(descriptors: U8, mean: F32, basis: F32) -> F32:
    """Return local descriptors in the reduced space, of unit length: float32 array, shape (n, p)."""
    points = np.empty((len(descriptors), basis.shape[1]), dtype=np.float32)
    reduce_descriptors(np.ascontiguousarray(descriptors), mean, basis, points)
    return points


def project_vlad(vlad: F32, model: DescriptorModel) -> F32:
    """Return the VLAD vector in the model's d dimensions, of unit length, before background normalisation."""
    out = np.empty(model.dimension, dtype=np.float32)
    project(vlad, model.projection_mean, model.projection, out)
    return _unit(out)


def normalise_background(vector: F32, background: F32) -> F32:
    """Take away what a unit vector shares with its nearest training images, and bring it back to unit length.

    Parameters
    ----------
    vector : float32 array, shape (d,)
    background : float32 array, shape (b, d)
        Unit vectors of training images; with b = 0 the vector is returned as it is.
    """
    if not len(background):
        return vector
    out = np.empty(len(background), dtype=np.float32)
    project(vector, np.zeros_like(vector), np.ascontiguousarray(background.T), out)
    nearest = np.argsort(-out, kind="stable")[:BACKGROUND_NEIGHBOURS]
    return _unit(vector - BACKGROUND_SHARE * background[nearest].mean(axis=0, dtype=np.float32))


def _unit(vector: F32) -> F32:
    norm = np.sqrt(np.square(vector, dtype=np.float32).sum(dtype=np.float64))
    return vector.astype(np.float32) if norm == 0 else (vector / np.float32(norm)).astype(np.float32)
