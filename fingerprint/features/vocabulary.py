"""Keypoints -> visual words, and signatures within the words.

References
----------
Sivic and Zisserman, *Video Google*, ICCV 2003 (inverted files of words); Nistér and Stewénius, *Scalable recognition
with a vocabulary tree*, CVPR 2006 (two levels); Jégou, Douze and Schmid, *Hamming embedding and weak geometric
consistency for large scale image search*, ECCV 2008 (signatures within a word; here the word's own centre divides the
points); Philbin et al., *Lost in quantization*, CVPR 2008 (several words for a query keypoint).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fingerprint.config import MatchConfig
from fingerprint.kernels.words import nearest_words, rotate_descriptors, word_signatures
from fingerprint.models import VocabularyModel
from fingerprint.types import F32, I32, U8, U64, VARIANTS, Keypoints, WordAssignments

_BEAM = 3  # reflected cells that are searched for words; with 2 or 4 of them as many sources are found
_SIGNATURE_BITS = 64


def assign_words(variants: Sequence[Keypoints], vocabulary: VocabularyModel, config: MatchConfig) -> WordAssignments:
    """Return the words that a query looks up in an inverted file.

    Parameters
    ----------
    variants : sequence of Keypoints
        Of the query, in each of `fingerprint.types.VARIANTS`.
    vocabulary : VocabularyModel
    config : MatchConfig
        Number of words for each keypoint.
    """
    found, signed = quantise(variants[0].descriptors, vocabulary, max(config.n_words, config.n_words_inverted))
    words, signatures, rows, frames = [], [], [], []
    start = 0
    for variant, (keypoints, (_, inverted)) in enumerate(zip(variants, VARIANTS, strict=True)):
        n = min(len(keypoints), config.n_inverted) if inverted else len(keypoints)
        n_words = config.n_words_inverted if inverted else config.n_words
        own = found[:n, :n_words]
        row = np.broadcast_to(np.arange(start, start + n, dtype=np.int32)[:, None], own.shape)
        valid = own >= 0
        words.append(own[valid].astype(np.uint32) ^ np.uint32(variant))  # the words of the reflected descriptors
        signatures.append(signed[:n, :n_words][valid])
        rows.append(row[valid])
        frames.append(keypoints.frame[:n])
        start += n
    flat = np.concatenate(words)
    order = np.argsort(flat, kind="stable")
    return WordAssignments(
        words=flat[order],
        signatures=np.concatenate(signatures)[order],
        rows=np.concatenate(rows)[order],
        frames=np.ascontiguousarray(np.concatenate(frames)),
        variants=np.repeat(np.arange(len(frames), dtype=np.uint8), [len(frame) for frame in frames]),
    )


def rotate(descriptors: U8, vocabulary: VocabularyModel) -> F32:
    """Return local descriptors in the vocabulary's space: float32 array, shape (n, 64)."""
    points = np.empty((len(descriptors), vocabulary.basis.shape[1]), np.float32)
    rotate_descriptors(np.ascontiguousarray(descriptors), vocabulary.mean, vocabulary.basis, points)
    return points


def quantise(descriptors: U8, vocabulary: VocabularyModel, n_words: int) -> tuple[I32, U64]:
    """Return the nearest words of local descriptors and their signatures within them.

    Parameters
    ----------
    descriptors : uint8 array, shape (n, 128)
        RootSIFT as in `LocalFeatures.descriptors`.
    vocabulary : VocabularyModel
    n_words : int
        Number of words for each descriptor, m.

    Returns
    -------
    words : int32 array, shape (n, m)
        Nearest first; -1 where the searched cells have too few words. The words of a mirrored or negative
        picture's descriptors are these, with the bits of the variant (see `fingerprint.kernels.words`) changed.
    signatures : uint64 array, shape (n, m)
    """
    points = rotate(descriptors, vocabulary)
    tables = vocabulary.tables
    n_cells, n_fine = tables.fine_half.shape
    shape = (len(points), min(n_words, 4 * n_cells * n_fine))
    words, costs = np.empty(shape, np.int32), np.empty(shape, np.float32)
    beam = min(_BEAM, 4 * n_cells)
    nearest_words(
        *(points, tables.signs, tables.coarse_t, tables.coarse_half, tables.fine_t, tables.fine_half),
        *(beam, words, costs),
    )
    signatures = np.empty(shape, np.uint64)
    word_signatures(points, tables.signs, words, vocabulary.centres, vocabulary.step[0], signatures)
    return words, signatures
