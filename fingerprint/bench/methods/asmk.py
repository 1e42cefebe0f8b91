"""SIFT with ASMK*, the aggregated selective match kernel on binary residuals, written from the paper.

For each visual word of a picture the residuals of its local descriptors are summed, and the signs of the sum are kept:
128 bits. Two pictures are compared by the words that both have, ``sum of u**alpha`` over those whose similarity
``u = 1 - 2 h / 128`` is above a threshold (h is the Hamming distance), divided by the square roots of their numbers of
words. A query assigns its descriptors to several words, a reference to one.

References
----------
Tolias, Avrithis and Jégou, *To aggregate or not to aggregate: selective match kernels for image search*, ICCV 2013;
the same, *Image search with selective match kernels: aggregation across single and multiple images*, IJCV 2016.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fingerprint.bench.base import Learned, Matcher, MatchingMethod
from fingerprint.bench.blocks import in_blocks, spent
from fingerprint.bench.clustering import cluster, nearest_words
from fingerprint.bench.keypoints import root_sift, sift_of, training_sample
from fingerprint.types import F32, F64, I64, U8, U64

_KEYPOINTS, _BITS = 500, 128
_MOST_WORDS, _POINTS_A_WORD, _SAMPLE, _ROUNDS = 16_384, 16, 400_000, 8
_ASSIGNED = 5  # words of a query's descriptor
_ALPHA, _THRESHOLD = 3.0, 0.0


class SiftAsmk(MatchingMethod):
    """ASMK* with RootSIFT: alpha 3, threshold 0, 5 words a descriptor of a query, up to 16,384 words."""

    title = "SIFT and ASMK*"

    def learn(self, training: Sequence[Path]) -> Learned:
        """Return the codebook, learned on the training images: a word for each 16 keypoints, at most 16,384."""
        sample = training_sample(training, _KEYPOINTS, _SAMPLE, "sift-asmk")
        n_words = max(16, min(_MOST_WORDS, len(sample) // _POINTS_A_WORD))
        return {"codebook": cluster(sample, n_words, _ROUNDS, np.random.default_rng(0))}

    def open(self, references: Sequence[Path], learned: Learned, work: Path, n_workers: int | None) -> Matcher:
        """Aggregate the references, and invert them by word; see `MatchingMethod`."""
        codebook = np.asarray(learned["codebook"], np.float32)

        def describe(path: Path) -> dict[str, I64 | U64]:
            words, codes = aggregate(sift_of(path, _KEYPOINTS), codebook, 1)
            return {"words": words, "codes": codes}

        blocks = in_blocks(references, describe, work / "asmk", n_workers)
        counts = np.zeros(len(references), np.int64)
        for block in blocks:
            counts[block.rows] = block.counts
        words = np.concatenate([np.empty(0, np.int64), *(b.arrays["words"] for b in blocks if len(b.rows))])
        codes = np.concatenate([np.empty((0, 2), np.uint64), *(b.arrays["codes"] for b in blocks if len(b.rows))])
        matcher = _Asmk(codebook, words, codes, counts)
        matcher.seconds, matcher.skipped = spent(blocks)
        return matcher


class _Asmk(Matcher):
    def __init__(self, codebook: F32, words: I64, codes: U64, counts: I64) -> None:
        self._codebook, self._counts = codebook, counts
        order = np.argsort(words, kind="stable")
        self._rows = np.repeat(np.arange(len(counts)), counts)[order].astype(np.int32)
        self._codes = codes[order]
        self._starts = np.searchsorted(words[order], np.arange(len(codebook) + 1))

    @property
    def n_bytes(self) -> int:
        return self._rows.nbytes + self._codes.nbytes

    def match(self, query: Path) -> Sequence[tuple[int, float]]:
        words, codes = aggregate(sift_of(query, _KEYPOINTS), self._codebook, min(_ASSIGNED, len(self._codebook)))
        scores = self._scores(words, codes)
        best = np.argsort(-scores, kind="stable")[:64]
        return [(int(row), float(scores[row])) for row in best if scores[row] > 0]

    def _scores(self, words: I64, codes: U64) -> F64:
        first, lengths = self._starts[words], self._starts[words + 1] - self._starts[words]
        owners = np.repeat(np.arange(len(words)), lengths)
        postings = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths) + first[owners]
        rows = self._rows[postings]
        sums = np.bincount(rows, similarities(codes[owners], self._codes[postings]), len(self._counts))
        return np.asarray(sums / np.sqrt(np.maximum(1, self._counts) * max(1, len(words))))


def aggregate(sift: U8, codebook: F32, n_assigned: int) -> tuple[I64, U64]:
    """Return the words of a picture and the signs of their summed residuals.

    Parameters
    ----------
    sift : uint8 array, shape (n, 128)
    codebook : float32 array, shape (k, 128)
        Of RootSIFT.
    n_assigned : int
        Words of each descriptor.

    Returns
    -------
    words : int64 array, shape (w,)
        Ascending, each once.
    codes : uint64 array, shape (w, 2)
    """
    if not len(sift):
        return np.empty(0, np.int64), np.empty((0, 2), np.uint64)
    points = root_sift(sift)
    assigned = nearest_words(points, codebook, n_assigned).ravel()
    residuals = np.repeat(points, n_assigned, axis=0) - codebook[assigned]
    words, positions = np.unique(assigned, return_inverse=True)
    sums = np.zeros((len(words), codebook.shape[1]), np.float32)
    np.add.at(sums, positions, residuals)
    return words, np.packbits(sums > 0, axis=1).view(np.uint64)


def similarities(first: U64, second: U64) -> F64:
    """Return the selective similarity of pairs of codes: float64 array, shape (n,).

    Parameters
    ----------
    first, second : uint64 arrays, shape (n, 2)
    """
    distances = np.bitwise_count(first ^ second).sum(axis=1, dtype=np.int64)
    return np.asarray(_table()[distances], np.float64)


def _table() -> F64:
    u = 1 - 2 * np.arange(_BITS + 1) / _BITS
    return np.where(u > _THRESHOLD, np.maximum(u, 0) ** _ALPHA, 0.0)
