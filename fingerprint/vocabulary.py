"""Keypoints -> words and signatures; postings of pictures; votes of a query on them.

References
----------
Sivic and Zisserman, *Video Google*, ICCV 2003 (inverted files of words); Nistér and Stewénius, *Scalable recognition
with a vocabulary tree*, CVPR 2006 (two levels); Jégou, Douze and Schmid, *Hamming embedding and weak geometric
consistency for large scale image search*, ECCV 2008 (signatures within a word; here the word's own centre divides the
points); Philbin et al., *Lost in quantization*, CVPR 2008 (several words a query keypoint).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np

from fingerprint.config import MatchConfig
from fingerprint.kernels.postings import pack_geometry, vote_postings
from fingerprint.kernels.words import nearest_words, rotate_descriptors, word_signatures
from fingerprint.models import Models, VocabularyModel
from fingerprint.types import F32, I32, I64, U8, U32, U64, VERSIONS, Keypoints, Postings, Skipped, Visits
from fingerprint.workers import map_images

#: Training images, those that agree most with a query, that its background is the mean over.
BACKGROUND_IMAGES = 3
_BEAM = 4  # coarse cells in which words are looked for
_SIGNATURE_BITS = 64
_HITS_PER_REFERENCE = 200  # the vote takes each as a hypothesis; the cost grows with the square
_CHUNK = 15_000  # keypoints that are quantised together


def visit_words(versions: Sequence[Keypoints], vocabulary: VocabularyModel, config: MatchConfig) -> Visits:
    """Return the words that a query looks up in an inverted file.

    Parameters
    ----------
    versions : sequence of Keypoints
        Of the query, in each of `fingerprint.types.VERSIONS`.
    vocabulary : VocabularyModel
    config : MatchConfig
        Words a keypoint.
    """
    words, signatures, rows, frames = [], [], [], []
    start = 0
    for inverted, n_words in ((False, config.n_words), (True, config.n_words_inverted)):
        parts = [
            (keypoints.descriptors[:cap], keypoints.frame[:cap])
            for keypoints, (_, so) in zip(versions, VERSIONS, strict=True)
            if so == inverted
            for cap in (config.n_inverted if inverted else len(keypoints),)
        ]
        # together, because most of the time goes into bringing the words of each cell to the processor
        found, signed = quantise(np.concatenate([descriptors for descriptors, _ in parts]), vocabulary, n_words)
        row = np.broadcast_to(np.arange(start, start + len(found), dtype=np.int32)[:, None], found.shape)
        there = found >= 0
        words.append(found[there].astype(np.uint32))
        signatures.append(signed[there])
        rows.append(row[there])
        frames += [frame for _, frame in parts]
        start += len(found)
    flat = np.concatenate(words)
    order = np.argsort(flat, kind="stable")
    return Visits(
        words=flat[order],
        signatures=np.concatenate(signatures)[order],
        rows=np.concatenate(rows)[order],
        frames=np.ascontiguousarray(np.concatenate(frames)),
        versions=np.repeat(np.arange(len(frames), dtype=np.uint8), [len(frame) for frame in frames]),
    )


def build_postings(
    pictures: Sequence[Keypoints], vocabulary: VocabularyModel, n_workers: int | None = None
) -> Postings:
    """Return the inverted file of pictures; the row of a picture is its place in `pictures`.

    Each posting depends on its own picture only, whatever others there are and however many threads work.

    Parameters
    ----------
    pictures : sequence of Keypoints
    vocabulary : VocabularyModel
    n_workers : int, optional
        Threads; one for each core by default.
    """
    counts = [len(keypoints) for keypoints in pictures]
    total = sum(counts)

    def look_up(part: Sequence[Keypoints]) -> tuple[I32, U64, U32]:
        found, signed = quantise(np.concatenate([k.descriptors for k in part]), vocabulary, 1)
        packed = np.empty(len(found), np.uint32)
        pack_geometry(np.concatenate([k.frame for k in part]), packed)
        return found[:, 0], signed[:, 0], packed

    words = np.empty(total, np.uint32)
    signatures = np.empty(total, np.uint64)
    geometry = np.empty(total, np.uint32)
    start = 0
    for result in map_images(look_up, _chunks(pictures), n_workers):
        if isinstance(result, Skipped):
            raise AssertionError(result.reason)  # there are no images here that could be bad
        stop = start + len(result[0])
        words[start:stop], signatures[start:stop], geometry[start:stop] = result
        start = stop
    order = np.argsort(words, kind="stable")
    present, starts = np.unique(words[order], return_index=True)
    references = np.repeat(np.arange(len(counts), dtype=np.uint32), counts)
    return Postings(
        words=present.astype(np.uint32),
        starts=np.append(starts, total).astype(np.uint32),
        signatures=signatures[order],
        references=references[order],
        geometry=geometry[order],
        n_references=len(counts),
    )


def vote(visits: Visits, postings: Postings, vocabulary: VocabularyModel, config: MatchConfig) -> tuple[I64, I64, F32]:
    """Score pictures of an inverted file by the hits that agree on one similarity transform with the query.

    A picture's score depends on the query and on its own postings only.

    Returns
    -------
    rows : int64 array, shape (k,)
        Pictures on which at least two keypoints of a version of the query agree, ascending.
    versions : int64 array, shape (k,)
        Which version; a picture may come with several.
    scores : float32 array, shape (k,)
        Weighted number of keypoints that agree.
    """
    weights = np.zeros(_SIGNATURE_BITS + 2, np.float32)
    weights[: config.word_bits + 1] = np.linspace(1.0, 0.15, config.word_bits + 1)
    rows, versions, scores = vote_postings(
        visits.words,
        visits.signatures,
        visits.rows,
        visits.frames,
        visits.versions,
        len(VERSIONS),
        postings.words,
        postings.starts,
        postings.signatures,
        postings.references,
        postings.geometry,
        postings.n_references,
        weights,
        vocabulary.rarity,
        _HITS_PER_REFERENCE,
        np.float32(config.tolerance),
        np.float32(config.log_scale_tolerance),
        np.float32(math.cos(math.radians(config.angle_tolerance))),
    )
    return rows, versions, scores


def measure_background(visits: Visits, models: Models, config: MatchConfig, excluded: Collection[int] = ()) -> float:
    """Return how well a query agrees with training images, with which it has nothing to do.

    Parameters
    ----------
    visits : Visits
        Of the query.
    models : Models
    config : MatchConfig
    excluded : collection of int
        Rows of the background that are not asked; in training, those that the query was made from.

    Returns
    -------
    float, >= 0
        Mean score of the three images with the highest scores of `vote`.
    """
    postings = models.background.postings
    best = np.zeros(postings.n_references + BACKGROUND_IMAGES, np.float32)
    rows, _, scores = vote(visits, postings, models.vocabulary, config)
    np.maximum.at(best, rows, scores)
    best[list(excluded)] = 0
    return float(np.sort(best)[-BACKGROUND_IMAGES:].sum()) / BACKGROUND_IMAGES


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
        Words a descriptor, m.

    Returns
    -------
    words : int32 array, shape (n, m)
        The nearest first; -1 where the cells that were looked into have too few.
    signatures : uint64 array, shape (n, m)
    """
    points = rotate(descriptors, vocabulary)
    tables = vocabulary.tables
    n_cells, n_fine = tables.fine_half.shape
    shape = (len(points), min(n_words, n_cells * n_fine))
    words, costs = np.empty(shape, np.int32), np.empty(shape, np.float32)
    beam = min(_BEAM, n_cells)
    nearest_words(points, tables.coarse_t, tables.coarse_half, tables.fine_t, tables.fine_half, beam, words, costs)
    signatures = np.empty(shape, np.uint64)
    word_signatures(points, words, vocabulary.centres, vocabulary.step[0], signatures)
    return words, signatures


def _chunks(pictures: Sequence[Keypoints]) -> list[list[Keypoints]]:
    """Divide pictures so that no part has many more than `_CHUNK` keypoints."""
    parts: list[list[Keypoints]] = []
    room = 0
    for keypoints in pictures:
        if room <= 0:
            parts.append([])
            room = _CHUNK
        parts[-1].append(keypoints)
        room -= len(keypoints)
    return parts
