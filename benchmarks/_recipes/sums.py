"""One vector of the local descriptors of a picture; the mirrored picture is summed in, as a rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from fingerprint.bench.base import unit
from fingerprint.bench.clustering import nearest_words
from fingerprint.kernels.vlad import aggregate_residuals
from fingerprint.models.reflections import MIRROR_PERMUTATION
from fingerprint.train.fitting import fit_codebook, fit_local_basis
from fingerprint.types import F32, I64, U8


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
class Vlad:
    """Sums of the residuals, each of unit length, from the nearest word of each codebook.

    With `full_size` a keypoint below it weighs size / full_size, 0.1 at least.
    """

    reducer: Reducer
    codebooks: tuple[F32, ...]
    mirrored: bool = True
    full_size: float | None = None

    @classmethod
    def fit(cls, sample: U8, n_words: Sequence[int], dimension: int = 64) -> Vlad:
        reducer = Reducer.fit(sample, dimension)
        points = reducer(sample)
        fitted = (fit_codebook(points, n, np.random.default_rng(seed)) for seed, n in enumerate(n_words))
        return cls(reducer, tuple(fitted))

    def __call__(self, descriptors: U8, sizes: F32, offsets: I64) -> F32:
        weights = np.ones(len(sizes), np.float32)
        if self.full_size is not None:
            weights = np.clip(sizes / np.float32(self.full_size), np.float32(0.1), np.float32(1))
        totals = [np.zeros((len(offsets) - 1, *codebook.shape), np.float32) for codebook in self.codebooks]
        for seen in (descriptors, descriptors[:, MIRROR_PERMUTATION]) if self.mirrored else (descriptors,):
            points = self.reducer(seen)
            for total, codebook in zip(totals, self.codebooks, strict=True):
                words = nearest_words(points, codebook, 1)[:, 0]
                for one, (start, stop) in zip(total, pairwise(offsets), strict=True):
                    span = slice(start, stop)
                    aggregate_residuals(points[span], words[span], weights[span], codebook, one)
        return np.concatenate([total.reshape(len(total), -1) for total in totals], axis=1)
