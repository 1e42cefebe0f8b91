"""The fits on arrays. All random numbers come from a generator that the caller passes."""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh
from scipy.optimize import minimize
from scipy.special import expit

from fingerprint.errors import ConfigError
from fingerprint.kernels.vlad import assign
from fingerprint.types import F32, F64, I64, U8, Bool

_KMEANS_ROUNDS = 25
_RANK = 1e-6  # eigenvalues below this part of the first are rounding errors of float32
_AGREEMENT_RIDGE = 0.1  # part of the mean variance that is added to the variances of originals and copies
_LEAST_CORRELATION = 1e-3
#: See `fit_projection`.
DEFAULT_SHRINKAGE = 0.05


def fit_signatures(descriptors: U8, rng: np.random.Generator) -> tuple[F32, F32]:
    """Draw a random orthogonal basis and take the medians of the training descriptors in it as thresholds.

    A random basis did better than iterative quantization on our photographs: all directions then
    split the descriptors equally well, and matches are counted over all of them.

    Returns
    -------
    rotation : float32 array, shape (128, 128)
    thresholds : float32 array, shape (128,)
    """
    q, r = np.linalg.qr(rng.standard_normal((128, 128)))
    rotation = (q * np.sign(np.diag(r))).astype(np.float32)
    return rotation, np.median(descriptors.astype(np.float32) @ rotation, axis=0).astype(np.float32)


def fit_local_basis(descriptors: U8, dimension: int) -> tuple[F32, F32]:
    """Return mean (128,) and leading principal directions (128, dimension) of local descriptors, float32."""
    x = descriptors.astype(np.float64)
    mean = x.mean(axis=0)
    _, vectors = np.linalg.eigh(np.cov(x, rowvar=False))
    return mean.astype(np.float32), _fixed_signs(vectors[:, ::-1][:, :dimension]).astype(np.float32)


def fit_codebook(points: F32, n_words: int, rng: np.random.Generator) -> F32:
    """Cluster points by k-means (k-means++ start); empty clusters restart at random points.

    Parameters
    ----------
    points : float32 array, shape (n, p), n >= n_words
    n_words : int

    Raises
    ------
    ConfigError
        If there are fewer points than words.
    """
    if len(points) < n_words:
        raise ConfigError(
            f"a codebook of {n_words} words needs at least as many keypoints, the training images have {len(points)}; "
            "give more images or fewer words"
        )
    codebook = _spread_start(points, n_words, rng)
    words = np.empty(len(points), dtype=np.int64)
    for _ in range(_KMEANS_ROUNDS):
        half_norms = (np.square(codebook).sum(axis=1) / 2).astype(np.float32)
        assign(points, np.ascontiguousarray(codebook.T), half_norms, words)
        counts = np.bincount(words, minlength=n_words)
        sums = np.stack([np.bincount(words, weights=column, minlength=n_words) for column in points.T], axis=1)
        codebook = (sums / np.maximum(counts, 1)[:, None]).astype(np.float32)
        empty = np.flatnonzero(counts == 0)
        codebook[empty] = points[rng.choice(len(points), len(empty), replace=False)]
    return codebook


def _spread_start(points: F32, n_words: int, rng: np.random.Generator) -> F32:
    sample = points[rng.choice(len(points), min(len(points), 50 * n_words), replace=False)].astype(np.float64)
    centres = [sample[rng.integers(len(sample))]]
    distance = np.square(sample - centres[0]).sum(axis=1)
    for _ in range(n_words - 1):
        total = distance.sum()
        weights = distance / total if total > 0 else None
        centres.append(sample[rng.choice(len(sample), p=weights)])
        distance = np.minimum(distance, np.square(sample - centres[-1]).sum(axis=1))
    return np.array(centres, dtype=np.float32)


def fit_agreement(
    originals: F32, copies: F32, owners: I64, dimension: int, n_principal: int, shrinkage: float
) -> tuple[F32, F32]:
    """Return centre (D,) and the directions (D, d) in which edited copies agree best with their originals, float32.

    This is canonical correlation analysis with the same map for both sides (Hotelling 1936), in the whitened leading
    principal directions of all vectors. Its directions are generalised eigenvectors: of the covariance between
    originals and copies, against the mean of their own covariances. Each is weighted by the square root of its
    correlation.

    Parameters
    ----------
    originals : float32 array, shape (n, D)
        Of training images.
    copies : float32 array, shape (m, D)
        Of edited copies; without any, the whitened principal directions are returned.
    owners : int64 array, shape (m,)
        Row of the original of each copy.
    dimension : int
        Number of directions, d; fewer are returned if the vectors span fewer.
    n_principal : int
        Number of leading principal directions to use.
    shrinkage : float
        As in `fit_projection`.
    """
    everything = np.concatenate([originals, copies])
    if not dimension:  # in a short descriptor a cue may get no dimension
        nothing = np.zeros((originals.shape[1], 0), np.float32)
        return everything.mean(axis=0, dtype=np.float64).astype(np.float32), nothing
    if not len(copies):
        return fit_projection(everything, dimension, 0.5, shrinkage)
    mean, basis = fit_projection(everything, max(dimension, n_principal), 0.5, shrinkage)
    first, second = _unit_rows((originals - mean) @ basis), _unit_rows((copies - mean) @ basis)
    paired = first[owners]
    across = (second.T @ paired).astype(np.float64) / len(copies)
    within = (second.T @ second / len(copies) + first.T @ first / len(originals)).astype(np.float64) / 2
    n = len(within)
    within += np.eye(n) * _AGREEMENT_RIDGE * np.trace(within) / n
    d = min(dimension, n)
    correlations, directions = eigh((across + across.T) / 2, within, subset_by_index=[n - d, n - 1])
    weights = np.sqrt(np.maximum(correlations[::-1], _LEAST_CORRELATION))
    projection = basis.astype(np.float64) @ (_fixed_signs(directions[:, ::-1]) * weights)
    return mean, projection.astype(np.float32)


def _unit_rows(vectors: F32 | F64) -> F32:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), np.float32)


def fit_projection(vectors: F32, dimension: int, power: float, shrinkage: float = DEFAULT_SHRINKAGE) -> tuple[F32, F32]:
    """Return centre (D,) and principal directions (D, d) divided by ``variance ** power``, float32.

    Parameters
    ----------
    vectors : float32 array, shape (n, D)
        One for each training image and each edited copy.
    dimension : int
        Number of directions, d; fewer are returned if the vectors span fewer.
    power : float
        0.5 whitens fully, 0 not at all.
    shrinkage : float
        Part of the mean variance added before whitening, so that the last directions are not only noise.
    """
    mean = vectors.mean(axis=0, dtype=np.float64)
    x = vectors - mean.astype(np.float32)
    n, width = x.shape
    if n <= width:  # the smaller (n, n) problem has the same solution
        values, left = np.linalg.eigh((x @ x.T).astype(np.float64) / n)
        values, left = values[::-1], left[:, ::-1]
        rank = min(dimension, int((values > _RANK * values[0]).sum()))
        basis = (x.T @ left[:, :rank].astype(np.float32)).astype(np.float64)
        basis /= np.linalg.norm(basis, axis=0)
    else:
        wanted = [width - min(dimension, width), width - 1]
        values, right = eigh((x.T @ x).astype(np.float64) / n, subset_by_index=wanted)
        values, right = values[::-1], right[:, ::-1]
        rank = min(dimension, int((values > _RANK * values[0]).sum()))
        basis = right[:, :rank]
    variance = values[:rank] + shrinkage * values[:rank].mean()
    return mean.astype(np.float32), (_fixed_signs(basis) / variance**power).astype(np.float32)


def _fixed_signs(vectors: F64) -> F64:
    """Choose the sign of each column so that its largest entry is positive: the sign of an eigenvector is arbitrary."""
    largest = np.abs(vectors).argmax(axis=0)
    return np.asarray(vectors * np.where(vectors[largest, np.arange(vectors.shape[1])] < 0, -1.0, 1.0))


def fit_logistic(vectors: F64, labels: Bool, ridge: float = 1.0) -> tuple[F64, F64, F64, F64]:
    """Fit a logistic regression with a ridge penalty.

    Parameters
    ----------
    vectors : float64 array, shape (n, e)
        Evidence.
    labels : bool array, shape (n,)
        Whether the pair is a copy and its source.
    ridge : float
        Weight of the penalty, in observations.

    Returns
    -------
    weights, centre, spread : float64 arrays, shape (e,)
    bias : float64 array, shape (1,)

    Raises
    ------
    ConfigError
        If all labels are the same.
    """
    if labels.all() or not labels.any():
        raise ConfigError("calibration needs pairs of copies and of unrelated images; give more training images")
    centre = vectors.mean(axis=0)
    spread = np.maximum(vectors.std(axis=0), 1e-6)
    x = np.column_stack([(vectors - centre) / spread, np.ones(len(vectors))])
    y = labels.astype(np.float64)

    def loss(w: F64) -> tuple[float, F64]:
        z = x @ w
        value = (np.logaddexp(0, z) - y * z).sum() + ridge / 2 * np.square(w[:-1]).sum()
        gradient = x.T @ (expit(z) - y) + ridge * np.append(w[:-1], 0.0)
        return float(value), gradient

    w = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 2000}).x
    return w[:-1].copy(), centre, spread, w[-1:].copy()
