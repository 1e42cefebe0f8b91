"""Large codebooks by k-means, and the words of local descriptors; matrix products do the work."""

from __future__ import annotations

import numpy as np

from fingerprint.types import F32, I64

_PRODUCTS = 1 << 24  # elements of a product at a time


def nearest_words(points: F32, codebook: F32, n: int) -> I64:
    """Return the `n` nearest codewords of each point, in no order: int64 array, shape (len(points), n).

    Parameters
    ----------
    points : float32 array, shape (m, p)
    codebook : float32 array, shape (k, p), k >= n
    n : int
    """
    half = np.square(codebook).sum(axis=1) / 2
    found = np.empty((len(points), n), np.int64)
    step = max(1, _PRODUCTS // len(codebook))
    for start in range(0, len(points), step):
        costs = half - points[start : start + step] @ codebook.T
        if n == 1:
            found[start : start + step, 0] = costs.argmin(axis=1)
        else:
            found[start : start + step] = np.argpartition(costs, n - 1, axis=1)[:, :n]
    return found


def cluster(points: F32, n_words: int, n_rounds: int, rng: np.random.Generator) -> F32:
    """Cluster points by k-means from a start by chance; empty clusters restart at points by chance.

    Parameters
    ----------
    points : float32 array, shape (n, p), n >= `n_words`
    n_words, n_rounds : int
    rng : numpy.random.Generator

    Returns
    -------
    float32 array, shape (n_words, p)
    """
    codebook = points[rng.choice(len(points), n_words, replace=False)]
    for _ in range(n_rounds):
        words = nearest_words(points, codebook, 1)[:, 0]
        order = np.argsort(words, kind="stable")
        counts = np.bincount(words, minlength=n_words)
        filled = np.flatnonzero(counts)
        sums = np.add.reduceat(points[order], (np.cumsum(counts) - counts)[filled], axis=0)
        codebook = points[rng.choice(len(points), n_words, replace=False)]
        codebook[filled] = sums / counts[filled, None].astype(np.float32)
    return np.asarray(codebook, np.float32)
