"""SIFT with the plain ratio test: how many keypoints of the query have one clear match in the reference.

References
----------
Lowe, *Distinctive image features from scale-invariant keypoints*, IJCV 2004.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fingerprint.bench.base import Learned, Matcher, MatchingMethod
from fingerprint.bench.blocks import in_blocks, joined, spent
from fingerprint.bench.keypoints import sift_of
from fingerprint.kernels.ratio import count_by_ratio
from fingerprint.types import F32, F64, I64, U8

_KEYPOINTS, _RATIO = 256, 0.8
_ROWS = 1 << 14  # keypoints of references in one product


class SiftRatio(MatchingMethod):
    """Every query is matched with every reference; the score is the number of matches that pass Lowe's test.

    As equal scores are judged at their worst, a part of less than 1 is added: how far the matches are below the ratio.
    """

    title = "SIFT, ratio test 0.8, all pairs"

    def open(self, references: Sequence[Path], learned: Learned, work: Path, n_workers: int | None) -> Matcher:
        """Describe the references; see `MatchingMethod`."""
        del learned
        blocks = in_blocks(references, lambda path: {"sift": sift_of(path, _KEYPOINTS)}, work / "sift", n_workers)
        counts = np.zeros(len(references), np.int64)
        for block in blocks:
            counts[block.rows] = block.counts
        matcher = _Ratio(joined(blocks, "sift").reshape(-1, 128), counts)  # none may be readable
        matcher.seconds, matcher.skipped = spent(blocks)
        return matcher


class _Ratio(Matcher):
    def __init__(self, descriptors: U8, counts: I64) -> None:
        self._starts = np.concatenate([[0], np.cumsum(counts)])
        self._descriptors = descriptors
        self._half_norms = (np.square(descriptors.astype(np.float32)).sum(axis=1) / 2).astype(np.float32)
        self._spans = _spans(self._starts)

    @property
    def n_bytes(self) -> int:
        return self._descriptors.nbytes

    def match(self, query: Path) -> Sequence[tuple[int, float]]:
        own = sift_of(query, _KEYPOINTS).astype(np.float32)
        scores = count_matches(own, self._descriptors, self._half_norms, self._starts, self._spans)
        best = np.argsort(-scores, kind="stable")[:64]
        return [(int(row), float(scores[row])) for row in best if scores[row] > 0]


def count_matches(own: F32, descriptors: U8, half_norms: F32, starts: I64, spans: Sequence[tuple[int, int]]) -> F64:
    """Return the score of every reference: float64 array, shape (n_references,).

    Parameters
    ----------
    own : float32 array, shape (m, 128)
        Of the query.
    descriptors, half_norms : uint8 array, shape (n, 128), and float32 array, shape (n,)
        Of all references, one below the other, and half their squared norms.
    starts : int64 array, shape (n_references + 1,)
        Where the keypoints of a reference begin.
    spans : sequence of (first reference, end)
        What is compared at once.
    """
    scores = np.zeros(len(starts) - 1, np.float64)
    squares = np.square(own).sum(axis=1)
    for first, end in spans:
        rows = slice(starts[first], starts[end])
        products = own @ descriptors[rows].astype(np.float32).T
        bounds = starts[first : end + 1] - starts[first]
        count_by_ratio(products, half_norms[rows], squares, bounds, np.float32(_RATIO**2), scores[first:end])
    return scores


def _spans(starts: I64) -> list[tuple[int, int]]:
    """Cut references into spans with about `_ROWS` keypoints."""
    spans, first = [], 0
    n = len(starts) - 1
    while first < n:
        end = max(first + 1, int(np.searchsorted(starts, starts[first] + _ROWS, side="right")) - 1)
        spans.append((first, min(end, n)))
        first = spans[-1][1]
    return spans
