"""Ways to make one vector of the local descriptors of a picture; the mirrored picture is summed in, as a rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal, Protocol

import numpy as np
from scipy.special import logsumexp

from fingerprint.bench.base import unit
from fingerprint.bench.clustering import nearest_words
from fingerprint.kernels.vlad import aggregate_residuals
from fingerprint.models.reflections import MIRROR_PERMUTATION
from fingerprint.train.fitting import fit_codebook, fit_local_basis
from fingerprint.types import F32, I64, U8

_CELL_ROW, _CELL_COLUMN, _BIN = (axis.ravel() for axis in np.indices((4, 4, 8)))
#: The mirror image of an upright keypoint that stays upright.
UPRIGHT_MIRROR = (_CELL_ROW * 4 + 3 - _CELL_COLUMN) * 8 + (4 - _BIN) % 8

_LEAST_POSTERIOR = 1e-3
_SINKHORN_ROUNDS, _SINKHORN_POWER = 10, 0.5


class Summer(Protocol):
    """Turns the local descriptors of several pictures into vectors."""

    def __call__(self, descriptors: U8, sizes: F32, offsets: I64) -> F32:
        """Return float32 (n, D) of n pictures; offsets (n + 1,) say which descriptors are whose."""


@dataclass(frozen=True)
class Reducer:
    """Principal directions of local descriptors; what they give is brought to unit length."""

    mean: F32
    basis: F32

    @classmethod
    def fit(cls, descriptors: U8, dimension: int) -> Reducer:
        return cls(*fit_local_basis(descriptors, dimension))

    def __call__(self, descriptors: U8) -> F32:
        return unit((descriptors.astype(np.float32) - self.mean) @ self.basis)


@dataclass(frozen=True)
class Mirror:
    """What is summed: the picture, its mirror image, or both."""

    which: Literal["both", "none", "only"] = "both"
    permutation: I64 = field(default_factory=lambda: MIRROR_PERMUTATION)

    def __call__(self, descriptors: U8) -> Iterator[U8]:
        if self.which != "only":
            yield descriptors
        if self.which != "none":
            yield descriptors[:, self.permutation]


@dataclass(frozen=True)
class Vlad:
    """Sums of the residuals from the nearest word of each codebook, each of unit length if `normalised`.

    `rotations`, if any, are the words' own coordinate systems (Delhumeau et al. 2013). Keypoints smaller than
    `least_size` are left out; with `full_size` a keypoint below it weighs size / full_size, 0.1 at least.
    """

    reducer: Reducer
    codebooks: tuple[F32, ...]
    mirror: Mirror = field(default_factory=Mirror)
    normalised: bool = True
    rotations: F32 | None = None
    full_size: float | None = None
    least_size: float = 0.0

    @classmethod
    def fit(cls, sample: U8, n_words: Sequence[int], dimension: int = 64) -> Vlad:
        reducer = Reducer.fit(sample, dimension)
        points = reducer(sample)
        fitted = (fit_codebook(points, n, np.random.default_rng(seed)) for seed, n in enumerate(n_words))
        return cls(reducer, tuple(fitted))

    def with_own_coordinates(self, sample: U8) -> Vlad:
        (codebook,) = self.codebooks
        points = self.reducer(sample)
        words = nearest_words(points, codebook, 1)[:, 0]
        residuals = unit(points - codebook[words])
        rotations = [np.linalg.eigh(np.cov(residuals[words == w].T))[1][:, ::-1] for w in range(len(codebook))]
        return replace(self, rotations=np.array(rotations, np.float32))

    def __call__(self, descriptors: U8, sizes: F32, offsets: I64) -> F32:
        weights = (sizes >= self.least_size).astype(np.float32)
        if self.full_size is not None:
            weights *= np.clip(sizes / np.float32(self.full_size), np.float32(0.1), np.float32(1))
        totals = [np.zeros((len(offsets) - 1, *codebook.shape), np.float32) for codebook in self.codebooks]
        for seen in self.mirror(descriptors):
            points = self.reducer(seen)
            for total, codebook in zip(totals, self.codebooks, strict=True):
                words = nearest_words(points, codebook, 1)[:, 0]
                weighted = weights
                if not self.normalised:
                    weighted = weights * np.linalg.norm(points - codebook[words], axis=1)
                for one, (start, stop) in zip(total, pairwise(offsets), strict=True):
                    span = slice(start, stop)
                    aggregate_residuals(points[span], words[span], weighted[span], codebook, one)
        if self.rotations is not None:
            totals = [np.einsum("nkp,kpq->nkq", total, self.rotations, optimize=True) for total in totals]
        return np.concatenate([total.reshape(len(total), -1) for total in totals], axis=1)


@dataclass(frozen=True)
class Fisher:
    """Gradients by means and variances of a diagonal mixture of Gaussians (Perronnin et al. 2010), not yet rooted."""

    reducer: Reducer
    shares: F32
    means: F32
    variances: F32
    mirror: Mirror = field(default_factory=Mirror)

    @classmethod
    def fit(cls, sample: U8, n_gaussians: int, seed: int, rounds: int = 20) -> Fisher:
        reducer = Reducer.fit(sample, 64)
        points = reducer(sample)
        means = fit_codebook(points, n_gaussians, np.random.default_rng(seed))
        start = np.full(n_gaussians, 1 / n_gaussians, np.float32)
        model = cls(reducer, start, means, np.tile(points.var(axis=0), (n_gaussians, 1)))
        for _ in range(rounds):
            posteriors = model.posteriors(points)
            counts = posteriors.sum(axis=0) + np.float32(1e-6)
            means = (posteriors.T @ points) / counts[:, None]
            variances = (posteriors.T @ np.square(points)) / counts[:, None] - np.square(means)
            model = cls(reducer, counts / counts.sum(), means, np.maximum(variances, np.float32(1e-5)))
        return model

    def posteriors(self, points: F32) -> F32:
        precisions = 1 / self.variances
        constants = np.log(self.shares) + (np.log(precisions) - np.square(self.means) * precisions).sum(axis=1) / 2
        logs = constants + points @ (self.means * precisions).T - np.square(points) @ precisions.T / 2
        found = np.exp(logs - logsumexp(logs, axis=1, keepdims=True)).astype(np.float32)
        return np.where(found < _LEAST_POSTERIOR, np.float32(0), found)

    def __call__(self, descriptors: U8, sizes: F32, offsets: I64) -> F32:
        del sizes
        n, (k, p) = len(offsets) - 1, self.means.shape
        out = np.zeros((n, 2, k, p), np.float32)
        deviations = np.sqrt(self.variances)
        for seen in self.mirror(descriptors):
            points = self.reducer(seen)
            posteriors = self.posteriors(points)
            for i, (start, stop) in enumerate(pairwise(offsets)):
                x, g = points[start:stop], posteriors[start:stop].T
                sums, squares, counts = g @ x, g @ np.square(x), g.sum(axis=1, keepdims=True)
                centred = sums - counts * self.means
                spread = squares - 2 * self.means * sums + counts * np.square(self.means)
                out[i, 0] += centred / deviations
                out[i, 1] += (spread / self.variances - counts) / np.sqrt(np.float32(2))
        return np.asarray(out / np.sqrt(self.shares)[:, None], np.float32).reshape(n, -1)


@dataclass(frozen=True)
class Triangulation:
    """Directions to all anchors, whitened, summed with democratic weights (Jégou and Zisserman 2014)."""

    reducer: Reducer
    anchors: F32
    mean: F32
    whitening: F32
    democratic: bool = True
    mirror: Mirror = field(default_factory=Mirror)

    @classmethod
    def fit(cls, sample: U8, n_anchors: int, dimension: int, seed: int) -> Triangulation:
        reducer = Reducer.fit(sample, dimension)
        points = reducer(sample)
        anchors = fit_codebook(points, n_anchors, np.random.default_rng(seed))
        directions = _directions(points, anchors)
        mean = directions.mean(axis=0)
        values, vectors = np.linalg.eigh(np.cov((directions - mean).T))
        kept = slice(0, len(values) - dimension)  # the strongest, as many as a point has dimensions, are left out
        return cls(reducer, anchors, mean, (vectors[:, kept] / np.sqrt(values[kept] + 1e-6)).astype(np.float32))

    def __call__(self, descriptors: U8, sizes: F32, offsets: I64) -> F32:
        del sizes
        out = np.zeros((len(offsets) - 1, self.whitening.shape[1]), np.float32)
        for seen in self.mirror(descriptors):
            for i, (start, stop) in enumerate(pairwise(offsets)):
                directions = _directions(self.reducer(seen[start:stop]), self.anchors)
                phi = unit((directions - self.mean) @ self.whitening)
                out[i] += (democratic_weights(phi) if self.democratic else np.ones(len(phi), np.float32)) @ phi
        return out


def democratic_weights(vectors: F32) -> F32:
    """Return weights with which every vector contributes about the same to the sum's norm, by Sinkhorn's scaling."""
    kernel = np.maximum(vectors @ vectors.T, 0)
    weights = np.ones(len(vectors), np.float32)
    for _ in range(_SINKHORN_ROUNDS):
        weights /= np.maximum(weights * (kernel @ weights), np.float32(1e-9)) ** np.float32(_SINKHORN_POWER)
    return weights


def _directions(points: F32, anchors: F32) -> F32:
    apart = points[:, None] - anchors
    apart /= np.maximum(np.linalg.norm(apart, axis=2, keepdims=True), 1e-9)
    return apart.reshape(len(points), anchors.size)
