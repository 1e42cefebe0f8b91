"""Which references are worth comparing with a query: the union of what keypoints, descriptor and hashes name.

Each source gives positions in the collection with how promising they are. Equal promise is ordered by id, so what is
found does not depend on the order in which references were added, or on the segments they came to lie in.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from fingerprint.config import CandidateConfig, Config, MatchConfig
from fingerprint.exact import nearest, nearest_to_one
from fingerprint.index.segment import PictureSegment, Segment
from fingerprint.index.trees import inspected
from fingerprint.index.view import View
from fingerprint.kernels.hamming import near_hashes
from fingerprint.models import VocabularyModel
from fingerprint.types import F32, F64, I64, Query
from fingerprint.vocabulary import vote

_PLAIN_AND_MIRRORED = (0, 1)
_BATCH_FROM = 16  # queries at once from which on one matrix product is quicker than to read the vectors for each
_FEW = 1_000  # nearest references of a query that a batch is sorted by
_log = logging.getLogger(__name__)
_RIVAL = 0.6  # a version with this part of the best version's score is looked at as well


@dataclass(frozen=True, slots=True)
class Place:
    """A candidate by its position, counted over all segments; the rest as in `fingerprint.types.Candidate`."""

    position: int
    versions: tuple[int, ...]
    assured: bool


def select_candidates(
    query: Query,
    segments: Sequence[PictureSegment],
    view: View,
    vocabulary: VocabularyModel,
    config: Config,
    *,
    exact: bool,
    by_descriptor: Sequence[int] | None = None,
) -> list[Place]:
    """Return candidates without repeats and in the same order every run.

    Parameters
    ----------
    query : Query
    segments : sequence of PictureSegment
        Those of the view.
    view : View
    vocabulary : VocabularyModel
        That the segments were made with.
    config : Config
        Caps of the sources and settings of the vote.
    exact : bool
        Compare all descriptors, never by Annoy.
    by_descriptor : sequence of int, optional
        What `nearest_by_descriptor` found for this query among others.
    """
    if not view.live.any():
        return []
    caps = config.candidates
    if by_descriptor is None:
        (by_descriptor,) = nearest_by_descriptor(query.descriptor[np.newaxis], view, config, exact=exact)
    by_hashes = _by_hashes(query, segments, view, caps)
    by_keypoints = _by_keypoints(query, segments, view, vocabulary, config)
    first = [position for position, _ in by_keypoints[: caps.n_assured]]
    assured = {*first, *by_descriptor[: caps.n_assured], *by_hashes}
    places = {position: Place(position, versions, position in assured) for position, versions in by_keypoints}
    for position in [*by_descriptor, *by_hashes]:
        places.setdefault(position, Place(position, _PLAIN_AND_MIRRORED, position in assured))
    return list(places.values())


def _by_keypoints(
    query: Query,
    segments: Sequence[PictureSegment],
    view: View,
    vocabulary: VocabularyModel,
    config: Config,
) -> list[tuple[int, tuple[int, ...]]]:
    """Return positions and the versions of the query that found them."""
    positions, scores, versions = _votes(query, segments, vocabulary, config.match)
    kept = view.live[positions]
    positions, scores, versions = positions[kept], scores[kept], versions[kept]
    # a picture that several versions found counts with its best
    order = np.lexsort((versions, -scores))
    first = order[np.unique(positions[order], return_index=True)[1]]
    chosen = _cut(positions[first], -scores[first], view, config.candidates.from_keypoints)
    best = dict(zip(positions[first].tolist(), scores[first].tolist(), strict=True))
    found: dict[int, list[int]] = {position: [] for position in chosen}
    relevant = np.flatnonzero(np.isin(positions, chosen))
    for at in relevant[np.argsort(-scores[relevant], kind="stable")].tolist():
        position = int(positions[at])
        if scores[at] >= _RIVAL * best[position]:
            found[position].append(int(versions[at]))
    return [(position, tuple(found[position])) for position in chosen]


def _votes(
    query: Query, segments: Sequence[PictureSegment], vocabulary: VocabularyModel, config: MatchConfig
) -> tuple[I64, F64, I64]:
    """Return positions, scores and versions of all agreements."""
    positions, scores, versions = [], [], []
    start = 0
    for segment in segments:
        rows, version, found = vote(query.visits, segment.postings, vocabulary, config)
        positions.append(rows + start)
        scores.append(found.astype(np.float64))
        versions.append(version)
        start += len(segment)
    return np.concatenate(positions), np.concatenate(scores), np.concatenate(versions)


def nearest_by_descriptor(descriptors: F32, view: View, config: Config, *, exact: bool) -> list[list[int]]:
    """Return the positions of the references whose descriptors are nearest, for each query, nearest first.

    By Annoy in segments that `searched_by_annoy` names; in all others exactly, which gives the same for a query
    whether it comes alone or in a batch.

    Parameters
    ----------
    descriptors : float32 array, shape (n_q, d)
        Of queries that are asked together.
    view, config, exact
        As in `select_candidates`.
    """
    wanted = config.candidates.from_descriptor
    if wanted == 0:
        return [[] for _ in descriptors]
    found = nearest_vectors(descriptors, view, wanted, config, exact=exact)
    return [[position for position, _ in own] for own in found]


def nearest_vectors(vectors: F32, view: View, k: int, config: Config, *, exact: bool) -> list[list[tuple[int, float]]]:
    """Return (position, distance) of the at most `k` nearest references of each query, as `nearest_by_descriptor`."""
    if not len(vectors) or not view.live.any():
        return [[] for _ in vectors]
    by_annoy = [
        not exact and s.trees is not None and searched_by_annoy(len(s), len(vectors), config) for s in view.segments
    ]
    _tell(len(view.segments), sum(by_annoy), len(vectors) >= _BATCH_FROM)
    found: list[list[tuple[I64, F64]]] = [[] for _ in vectors]
    for which, (segment, approximate) in enumerate(zip(view.segments, by_annoy, strict=True)):
        kept, start = view.live_of(which), int(view.starts[which])
        n = min(len(segment), k + int((~kept).sum()))
        search = _approximately if approximate else _exactly
        for own, (rows, distances) in zip(found, search(vectors, segment, n, config), strict=True):
            alive = kept[rows]
            own.append((start + rows[alive], distances[alive]))
    nearest_of_all = []
    for own in found:
        positions, apart = np.concatenate([rows for rows, _ in own]), np.concatenate([each for _, each in own])
        chosen = _cut(np.arange(len(positions)), apart, _Chosen(view, positions), k)
        nearest_of_all.append([(int(positions[at]), float(apart[at])) for at in chosen])
    return nearest_of_all


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The ids of some positions of a view."""

    view: View
    positions: I64

    def __getitem__(self, at: int) -> str:
        return self.view[int(self.positions[at])]


def searched_by_annoy(n_references: int, n_queries: int, config: Config) -> bool:
    """Return whether Annoy is the quicker one in a segment of so many references, for so many queries at once."""
    return n_references >= config.candidates.annoy_from and n_queries < _BATCH_FROM


@lru_cache(maxsize=16)  # once for each collection rather than for each query
def _tell(n_segments: int, n_by_annoy: int, batch: bool) -> None:
    how = "compared all at once, as the queries come in a batch" if batch else "compared one query at a time"
    _log.info("descriptors: %d of %d segments searched by Annoy, the others %s", n_by_annoy, n_segments, how)


def _approximately(descriptors: F32, segment: Segment, k: int, config: Config) -> list[tuple[I64, F64]]:
    search_k, trees = inspected(len(segment), k, config.annoy), segment.trees
    if trees is None:
        raise AssertionError("asked of a segment without trees")
    found = []
    for descriptor in descriptors:
        rows = np.sort(trees.nearest(descriptor, k, search_k)[0])
        order, distances = nearest_to_one(descriptor, segment.descriptors[rows], len(rows))
        found.append((rows[order], distances))
    return found


def _exactly(descriptors: F32, segment: Segment, k: int, config: Config) -> list[tuple[I64, F64]]:  # noqa: ARG001
    """Return all that are as near as the k-th, for each query; the same whether it comes alone or not."""
    vectors = segment.descriptors
    if len(descriptors) < _BATCH_FROM or k > _FEW:
        return [nearest_to_one(descriptor, vectors, k) for descriptor in descriptors]
    indices, distances = nearest(descriptors, vectors, k + 1)
    tied = distances[:, -1] == distances[:, k - 1] if k < len(vectors) else np.zeros(len(descriptors), bool)
    return [
        nearest_to_one(descriptor, vectors, k) if more else (rows[:k], apart[:k])
        for descriptor, rows, apart, more in zip(descriptors, indices, distances, tied, strict=True)
    ]


def _by_hashes(query: Query, segments: Sequence[PictureSegment], view: View, config: CandidateConfig) -> list[int]:
    if query.flat:  # all flat pictures have the same few hashes
        return []
    positions, distances = [], []
    start = 0
    for segment in segments:
        rows, distance = near_hashes(segment.hashes, query.hashes, config.hash_distance)
        positions.append(rows + start)
        distances.append(distance)
        start += len(segment)
    offered, apart = np.concatenate(positions), np.concatenate(distances)
    kept = view.live[offered]
    return _cut(offered[kept], apart[kept].astype(np.float64), view, config.from_hashes)


def _cut(positions: I64, costs: F64, ids: View | _Chosen, cap: int) -> list[int]:
    """Return the positions of least cost, at most `cap`; at equal cost by id."""
    if cap <= 0:
        return []
    if len(positions) > cap:
        near = costs <= np.partition(costs, cap - 1)[cap - 1]
        positions, costs = positions[near], costs[near]
    pairs = sorted((float(cost), ids[position], int(position)) for position, cost in zip(positions, costs, strict=True))
    return [position for _, _, position in pairs[:cap]]
