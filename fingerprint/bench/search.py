"""Exact search of the bench: the best references of each query, by vectors or by codes, over all views of the query."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fingerprint.bench.base import BACKGROUND_IMAGES, CANDIDATES
from fingerprint.errors import ConfigError
from fingerprint.exact_search import nearest
from fingerprint.hamming import HammingIndex
from fingerprint.types import F32, F64, I64, U64


@dataclass(frozen=True, slots=True)
class Scored:
    """Scored pairs, grouped by query, the best first.

    Attributes
    ----------
    query_idx, reference_idx : int64 arrays, shape (n,)
    scores : float64 array, shape (n,)
    """

    query_idx: I64
    reference_idx: I64
    scores: F64


def search(views: F32 | U64, owners: I64, references: F32 | U64, k: int = CANDIDATES) -> Scored:
    """Return the `k` best references of each query.

    Parameters
    ----------
    views, references : float32 arrays, shape (n, d), or uint64 arrays, shape (n, n_words)
        Scores are minus half the squared Euclidean distance, which for unit vectors is the cosine minus one, or minus
        the Hamming distance.
    owners : int64 array, shape (n_views,)
        The query of each view; ascending.
    k : int

    Raises
    ------
    ConfigError
        If the two are not of one kind and one length.
    """
    if views.dtype != references.dtype or views.shape[1:] != references.shape[1:]:
        raise ConfigError(
            f"queries are {views.dtype} {views.shape[1:]}, what they are compared with {references.dtype} "
            f"{references.shape[1:]}: a method describes all alike"
        )
    if not len(views) or not len(references):
        return Scored(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64))
    if views.dtype == np.uint64:
        index = HammingIndex(64 * views.shape[1])
        index.add(np.asarray(references, np.uint64))
        found = index.nearest(np.asarray(views, np.uint64), k)
        counts = np.diff(found.starts)
        return best_of(np.repeat(owners, counts), found.rows, -found.distances.astype(np.float64), k)
    rows, distances = nearest(np.asarray(views, np.float32), np.asarray(references, np.float32), k)
    return best_of(np.repeat(owners, rows.shape[1]), rows.ravel(), -distances.ravel() / 2, k)


def best_of(query_idx: I64, reference_idx: I64, scores: F64, k: int) -> Scored:
    """Return the `k` best references of each query, where each pair counts with its best score; ties by reference."""
    order = np.lexsort((-scores, reference_idx, query_idx))
    q, r, s = query_idx[order], reference_idx[order], scores[order]
    first = np.ones(len(q), np.bool_)
    first[1:] = (q[1:] != q[:-1]) | (r[1:] != r[:-1])
    q, r, s = q[first], r[first], s[first]
    order = np.lexsort((r, -s, q))
    q, r, s = q[order], r[order], s[order]
    kept = np.arange(len(q)) - np.searchsorted(q, q) < k
    return Scored(q[kept], r[kept], s[kept])


def background(among_training: Scored, n_queries: int, n_training: int, absent: float | None = None) -> F64:
    """Return the mean of each query's best scores among the training images: float64 array, shape (n_queries,).

    Parameters
    ----------
    among_training : Scored
    n_queries, n_training : int
    absent : float, optional
        The score of pairs that are not there: methods that match keypoints leave out pairs without any. By default all
        are there.
    """
    n = min(BACKGROUND_IMAGES, n_training)
    best = best_of(among_training.query_idx, among_training.reference_idx, among_training.scores, n)
    counts = np.bincount(best.query_idx, minlength=n_queries)
    sums = np.bincount(best.query_idx, best.scores, n_queries)
    if absent is not None:
        return np.asarray((sums + absent * (n - counts)) / n)
    return np.asarray(sums / np.maximum(counts, 1))
