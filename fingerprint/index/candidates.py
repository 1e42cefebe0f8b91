"""Which references are worth comparing with a query: the union of what keypoints, descriptor and hashes name.

Each source gives positions in the collection with how promising they are. Equal promise is ordered by id, so what is
found does not depend on the order in which references were added, or on the segments they came to lie in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fingerprint.config import CandidateConfig, Config, MatchConfig
from fingerprint.index.segment import Segment
from fingerprint.kernels.distances import squared_distances
from fingerprint.kernels.hashing import near_hashes
from fingerprint.models import VocabularyModel
from fingerprint.types import F64, I64, Bool, Query
from fingerprint.vocabulary import vote

_PLAIN_AND_MIRRORED = (0, 1)
_RIVAL = 0.6  # a version with this part of the best version's score is looked at as well


@dataclass(frozen=True, slots=True)
class Place:
    """A candidate by its position, counted over all segments; the rest as in `fingerprint.types.Candidate`."""

    position: int
    versions: tuple[int, ...]
    assured: bool


def select_candidates(
    query: Query,
    segments: Sequence[Segment],
    ids: Sequence[str],
    live: Bool,
    vocabulary: VocabularyModel,
    config: Config,
    *,
    exact: bool,
) -> list[Place]:
    """Return candidates without repeats and in the same order every run.

    Parameters
    ----------
    query : Query
    segments : sequence of Segment
    ids : sequence of str
        Of all pictures in the segments.
    live : bool array, shape (n,)
        Which of them are not removed.
    vocabulary : VocabularyModel
        That the segments were made with.
    config : Config
        Caps of the sources and settings of the vote.
    exact : bool
        Compare all descriptors, never by Annoy.
    """
    if not live.any():
        return []
    caps = config.candidates
    by_descriptor = _by_descriptor(query, segments, ids, live, config, exact=exact)
    by_hashes = _by_hashes(query, segments, ids, live, caps)
    by_keypoints = _by_keypoints(query, segments, ids, live, vocabulary, config)
    first = [position for position, _ in by_keypoints[: caps.n_assured]]
    assured = {*first, *by_descriptor[: caps.n_assured], *by_hashes}
    places = {position: Place(position, versions, position in assured) for position, versions in by_keypoints}
    for position in [*by_descriptor, *by_hashes]:
        places.setdefault(position, Place(position, _PLAIN_AND_MIRRORED, position in assured))
    return list(places.values())


def _by_keypoints(
    query: Query,
    segments: Sequence[Segment],
    ids: Sequence[str],
    live: Bool,
    vocabulary: VocabularyModel,
    config: Config,
) -> list[tuple[int, tuple[int, ...]]]:
    """Return positions and the versions of the query that found them."""
    positions, scores, versions = _votes(query, segments, vocabulary, config.match)
    kept = live[positions]
    positions, scores, versions = positions[kept], scores[kept], versions[kept]
    # a picture that several versions found counts with its best
    order = np.lexsort((versions, -scores))
    first = order[np.unique(positions[order], return_index=True)[1]]
    chosen = _cut(positions[first], -scores[first], ids, config.candidates.from_keypoints)
    best = dict(zip(positions[first].tolist(), scores[first].tolist(), strict=True))
    found: dict[int, list[int]] = {position: [] for position in chosen}
    relevant = np.flatnonzero(np.isin(positions, chosen))
    for at in relevant[np.argsort(-scores[relevant], kind="stable")].tolist():
        position = int(positions[at])
        if scores[at] >= _RIVAL * best[position]:
            found[position].append(int(versions[at]))
    return [(position, tuple(found[position])) for position in chosen]


def _votes(
    query: Query, segments: Sequence[Segment], vocabulary: VocabularyModel, config: MatchConfig
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


def _by_descriptor(
    query: Query, segments: Sequence[Segment], ids: Sequence[str], live: Bool, config: Config, *, exact: bool
) -> list[int]:
    wanted = config.candidates.from_descriptor
    if wanted == 0:
        return []
    positions, distances = [np.zeros(0, np.int64)], [np.zeros(0, np.float64)]
    n_large = max(1, sum(len(segment) >= config.candidates.annoy_from for segment in segments))
    start = 0
    for segment in segments:
        n_removed = int((~live[start : start + len(segment)]).sum())
        k = min(len(segment), wanted + n_removed)
        if exact or len(segment) < config.candidates.annoy_from:
            squared = np.empty(len(segment), np.float32)
            squared_distances(segment.descriptors, query.descriptor, squared)
            rows = np.flatnonzero(squared <= np.partition(squared, k - 1)[k - 1])  # all of the last one's equals too
            distance = np.sqrt(squared[rows].astype(np.float64))
        else:
            rows, near = segment.trees.nearest(query.descriptor, k, max(k, config.annoy.search_k // n_large))
            distance = near.astype(np.float64)
        kept = live[start + rows]
        positions.append(start + rows[kept])
        distances.append(distance[kept])
        start += len(segment)
    return _cut(np.concatenate(positions), np.concatenate(distances), ids, wanted)


def _by_hashes(
    query: Query, segments: Sequence[Segment], ids: Sequence[str], live: Bool, config: CandidateConfig
) -> list[int]:
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
    kept = live[offered]
    return _cut(offered[kept], apart[kept].astype(np.float64), ids, config.from_hashes)


def _cut(positions: I64, costs: F64, ids: Sequence[str], cap: int) -> list[int]:
    """Return the positions of least cost, at most `cap`; at equal cost by id."""
    if cap <= 0:
        return []
    if len(positions) > cap:
        near = costs <= np.partition(costs, cap - 1)[cap - 1]
        positions, costs = positions[near], costs[near]
    pairs = sorted((float(cost), ids[position], int(position)) for position, cost in zip(positions, costs, strict=True))
    return [position for _, _, position in pairs[:cap]]
