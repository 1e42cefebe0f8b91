"""Inverted files: postings of pictures by word, and the votes of a query on them.

References
----------
Sivic and Zisserman, *Video Google*, ICCV 2003 (inverted files of words); Jégou, Douze and Schmid, *Hamming embedding
and weak geometric consistency for large scale image search*, ECCV 2008 (hits by signature, votes by geometry).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fingerprint.config import MatchConfig
from fingerprint.features.vocabulary import quantise
from fingerprint.kernels.postings import pack_geometry, vote_postings
from fingerprint.models import Models, VocabularyModel
from fingerprint.types import F32, I32, I64, U32, U64, VARIANTS, Keypoints, Postings, Skipped, WordAssignments
from fingerprint.workers import map_images

#: Number of images of the cohort, those that agree best with a query, over which the cohort score is the mean.
COHORT_IMAGES = 3
_SIGNATURE_BITS = 64
_HITS_PER_REFERENCE = 200  # each is a hypothesis in the vote; the cost grows with the square of their number
_CHUNK = 15_000  # keypoints that are quantised together


def build_postings(
    pictures: Sequence[Keypoints], vocabulary: VocabularyModel, n_workers: int | None = None
) -> Postings:
    """Return the inverted file of pictures; the row of a picture is its index in `pictures`.

    Each posting depends on its own picture only, not on the other pictures or the number of threads.

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
            raise AssertionError(result.reason)  # no image is read here, so none can be bad
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


@dataclass(frozen=True, slots=True)
class Votes:
    """Votes of a query on the pictures of an inverted file.

    Attributes
    ----------
    rows : int64 array, shape (k,)
        Pictures on which at least two keypoints of a variant of the query agree, ascending.
    variants : int64 array, shape (k,)
        Index of the variant in `VARIANTS`; a picture may come with several.
    scores : float32 array, shape (k,)
        Weighted number of keypoints that agree.
    n_visited, n_hits : int
        Number of postings that were compared, and of hits among them.
    """

    rows: I64
    variants: I64
    scores: F32
    n_visited: int
    n_hits: int


def vote(assignments: WordAssignments, postings: Postings, vocabulary: VocabularyModel, config: MatchConfig) -> Votes:
    """Score pictures of an inverted file by the hits that agree on one similarity transform with the query.

    A picture's score depends on the query and on its own postings only.
    """
    weights = np.zeros(_SIGNATURE_BITS + 2, np.float32)
    weights[: config.word_bits + 1] = np.linspace(1.0, 0.15, config.word_bits + 1)
    rows, variants, scores, n_visited, n_hits = vote_postings(
        assignments.words,
        assignments.signatures,
        assignments.rows,
        assignments.frames,
        assignments.variants,
        len(VARIANTS),
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
    return Votes(rows, variants, scores, int(n_visited), int(n_hits))


def measure_cohort_score(
    assignments: WordAssignments, models: Models, config: MatchConfig, excluded: Collection[int] = ()
) -> float:
    """Return the cohort score of a query: how well it agrees with unrelated pictures.

    Parameters
    ----------
    assignments : WordAssignments
        Of the query.
    models : Models
    config : MatchConfig
    excluded : collection of int
        Rows of the cohort to leave out. In training, these are the images that the query was made from.

    Returns
    -------
    float, >= 0
        Mean score of the three images with the highest scores of `vote`.
    """
    postings = models.cohort.postings
    best = np.zeros(postings.n_references + COHORT_IMAGES, np.float32)
    votes = vote(assignments, postings, models.vocabulary, replace(config, word_bits=config.cohort_bits))
    np.maximum.at(best, votes.rows, votes.scores)
    best[list(excluded)] = 0
    return float(np.sort(best)[-COHORT_IMAGES:].sum()) / COHORT_IMAGES


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
