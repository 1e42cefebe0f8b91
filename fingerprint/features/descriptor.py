"""Cues of a picture -> compact descriptor: VLAD of its keypoints, GIST and colours, projected and joined.

References
----------
Jégou, Douze, Schmid and Pérez, *Aggregating local descriptors into a compact image representation*, CVPR 2010;
Delhumeau et al., *Revisiting the VLAD image representation*, ACM MM 2013 (residual normalisation); Jégou and Chum,
*Negative evidences and co-occurrences in image retrieval*, ECCV 2012 (whitening, several codebooks reduced together);
Hotelling, *Relations between two sets of variates*, Biometrika 1936 (the projections); the background normalisation is
the embedding subtraction of the 2021 Image Similarity Challenge's descriptor track.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from fingerprint.features.global_cues import compute_colours, compute_gist, unit
from fingerprint.features.local_features import mirror_features
from fingerprint.kernels.vlad import aggregate_residuals, assign, project, reduce_descriptors
from fingerprint.models import DescriptorModel
from fingerprint.types import F32, I8, U8, LocalFeatures

#: VLAD, GIST and colours of one picture, before their projections.
Cues: TypeAlias = tuple[F32, F32, F32]

#: Exponent of the power law on the sums, which reduces the weight of repeated structure.
POWER = 0.4
#: Keypoints of this size, in pixels at the side of the description, have full weight. Edits destroy smaller ones first.
FULL_WEIGHT_SIZE = np.float32(6.0)
LEAST_WEIGHT = np.float32(0.1)
#: Weight of the VLAD vector of a picture described at another side.
OTHER_SIDE_SHARE = np.float32(0.5)
#: Background normalisation: the share that is subtracted of the mean of the nearest training images; their number.
BACKGROUND_SHARE = np.float32(0.35)
BACKGROUND_NEIGHBOURS = 10
#: Stretching of a query: number of nearest training images; factor of its mean cosine with them in the squared length.
STRETCH_NEIGHBOURS, STRETCH_SHARE = 5, 1.5
_LEAST_COMMON = 0.01
#: Step of packed descriptors. Numbers of a unit vector of 256 dimensions are about 1/16; 127 steps reach 8 times that.
PACKED_STEP = 0.5 / 127


def compute_descriptor(features: LocalFeatures, thumbnail: U8, model: DescriptorModel) -> F32:
    """Return the compact descriptor of one picture; it depends on that picture and the model only.

    Parameters
    ----------
    features : LocalFeatures
        As the reference profile gives them.
    thumbnail : uint8 array, shape (128, 128, 3)
        From `fingerprint.features.global_cues.make_cue_thumbnail`.
    model : DescriptorModel
        Codebook, projections, and training images for background normalisation.

    Returns
    -------
    float32 array, shape (d,), d <= 256
        Of unit length.
    """
    return join_views([(1.0, embed(compute_cues(features, thumbnail, model), model))], model)


def compute_cues(features: LocalFeatures, thumbnail: U8, model: DescriptorModel) -> Cues:
    """Return all cues of one picture; parameters as in `compute_descriptor`."""
    return compute_vlad(features, model), compute_gist(thumbnail), compute_colours(thumbnail)


def embed(cues: Cues, model: DescriptorModel, at_other_sides: Sequence[F32] = ()) -> F32:
    """Project each cue, give it its weight, and join them.

    Parameters
    ----------
    cues : tuple of three float32 arrays
        From `compute_cues`.
    model : DescriptorModel
    at_other_sides : sequence of float32 arrays, shape (b * k * p,)
        VLAD vectors of the same picture described at other sides; each counts half as much.

    Returns
    -------
    float32 array, shape (d,)
        Of unit length, before background normalisation. A cue of zeros, such as VLAD without keypoints, is left out.
    """
    parts = []
    for cue, (mean, projection), weight in zip(cues, model.cue_projections, model.cue_weights, strict=True):
        out = np.zeros(projection.shape[1], dtype=np.float32)
        if cue.any():
            project(cue, mean, projection, out)
        parts.append(weight * unit(out))
    for vlad in at_other_sides:
        if vlad.any():
            out = np.empty(len(parts[0]), dtype=np.float32)
            project(vlad, model.vlad_mean, model.vlad_projection, out)
            parts[0] += OTHER_SIDE_SHARE * model.cue_weights[0] * unit(out)
    parts[0] = model.cue_weights[0] * unit(parts[0])
    return unit(np.concatenate(parts))


def join_views(views: Sequence[tuple[float, F32]], model: DescriptorModel, *, stretched: bool = False) -> F32:
    """Return the compact descriptor of a picture from its views.

    Parameters
    ----------
    views : sequence of (float, float32 array of shape (d,))
        Weight of each view, and what `embed` returned for it; at least one.
    model : DescriptorModel
    stretched : bool
        Whether the descriptor is the longer, the more the picture is like unrelated pictures, rather than of length 1.
        A longer query is farther from all references, so its pairs rank after those of other queries; the order of its
        own pairs stays. This is for the Descriptor Track, where the pairs of all queries are ranked together.

    Returns
    -------
    float32 array, shape (d,)
        Background-normalised; of unit length, or stretched.
    """
    total = np.zeros(model.dimension, np.float32)
    for weight, vector in views:
        total += np.float32(weight) * vector
    vector = unit(total)
    if not len(model.background):
        return vector
    cosines = _dots(vector, model.background_t)
    normalised = _subtract(vector, model.background, cosines)
    if not stretched:
        return normalised
    cosines = np.sort(cosines)[-STRETCH_NEIGHBOURS:]
    common = max(float(cosines.mean(dtype=np.float64)), _LEAST_COMMON)
    return (normalised * np.float32(np.sqrt(STRETCH_SHARE * common))).astype(np.float32)


def pack_descriptors(vectors: F32) -> I8:
    """Return compact descriptors in 8 bits for each number, a quarter of their size.

    Parameters
    ----------
    vectors : float32 array, shape (n, d)

    Returns
    -------
    int8 array, shape (n, d)
        In steps of `PACKED_STEP`, the same for all pictures and models; numbers beyond 127 steps are cut off.
    """
    steps = np.rint(vectors / np.float32(PACKED_STEP))
    return np.asarray(np.clip(steps, -127, 127), dtype=np.int8)


def unpack_descriptors(packed: I8) -> F32:
    """Return packed descriptors as float32. The error is at most half a step, unless a number was cut off.

    Parameters
    ----------
    packed : int8 array, shape (n, d)

    Returns
    -------
    float32 array, shape (n, d)
    """
    return packed.astype(np.float32) * np.float32(PACKED_STEP)


def rounded_descriptor(vector: F32) -> F32:
    """Return a compact descriptor as it comes back from a collection, which keeps it packed: float32, shape (d,)."""
    return unpack_descriptors(pack_descriptors(vector))


def compute_vlad(features: LocalFeatures, model: DescriptorModel) -> F32:
    """Return the VLAD vector, summed over the picture and its mirror image, so that it is the same for both.

    Parameters
    ----------
    features : LocalFeatures
        Sizes in pixels at the side of the description; small keypoints weigh less.
    model : DescriptorModel
        Of b codebooks of k words in p dimensions.

    Returns
    -------
    float32 array, shape (b * k * p,)
        Power-normalised and of unit length; zeros where there are no keypoints.
    """
    sums = np.zeros(model.codebooks.shape, dtype=np.float32)
    weights = np.clip(features.sizes / FULL_WEIGHT_SIZE, LEAST_WEIGHT, np.float32(1)).astype(np.float32)
    for descriptors in (features.descriptors, mirror_features(features).descriptors):
        points = reduce_local(descriptors, model.local_mean, model.local_basis)
        words = np.empty(len(points), dtype=np.int64)
        for codebook, (codebook_t, half_norms), own in zip(model.codebooks, model.codeword_tables, sums, strict=True):
            assign(points, codebook_t, half_norms, words)
            aggregate_residuals(points, words, weights, codebook, own)
    vector = sums.ravel()
    return unit(np.sign(vector) * np.abs(vector) ** np.float32(POWER))


def reduce_local(descriptors: U8, mean: F32, basis: F32) -> F32:
    """Return local descriptors in the reduced space, of unit length: float32 array, shape (n, p)."""
    points = np.empty((len(descriptors), basis.shape[1]), dtype=np.float32)
    reduce_descriptors(np.ascontiguousarray(descriptors), mean, basis, points)
    return points


def _subtract(vector: F32, background: F32, cosines: F32) -> F32:
    """Subtract what a unit vector shares with its nearest training images, and return it at unit length."""
    nearest = np.argsort(-cosines, kind="stable")[:BACKGROUND_NEIGHBOURS]
    return unit(vector - BACKGROUND_SHARE * background[nearest].mean(axis=0, dtype=np.float32))


def _dots(vector: F32, columns: F32) -> F32:
    out = np.empty(columns.shape[1], dtype=np.float32)
    project(vector, np.zeros_like(vector), columns, out)
    return out
