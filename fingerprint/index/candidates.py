"""The candidates of a query: the union of those that keypoints, descriptor and hashes name.

Each source ranks positions in the snapshot. Ties are ordered by id, so that candidates do not depend on the order in
which references were added, or on the segments that hold them. What several parts of the references name, each by
itself, is merged by the same rule (`merge_named`), so that nothing depends on the parts either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from types import MappingProxyType
from typing import Generic, Literal, TypeAlias, TypeVar

import numpy as np

from fingerprint.config import CandidateConfig, Config, MatchConfig
from fingerprint.errors import ConfigError
from fingerprint.exact_search import nearest, nearest_to_one
from fingerprint.features.inverted_file import Votes, vote
from fingerprint.index.annoy_trees import inspected
from fingerprint.index.packed_vectors import PackedVectors, in_parts, nearest_by_codes, nearest_of
from fingerprint.index.segment import PictureSegment, Segment
from fingerprint.index.snapshot import Snapshot
from fingerprint.index.stopwatch import Stopwatch
from fingerprint.kernels.hamming import near_hashes
from fingerprint.models import VocabularyModel
from fingerprint.results import Work
from fingerprint.types import F32, F64, I64, Query
from fingerprint.workers import map_parts

#: How the descriptors of a segment are searched.
Way: TypeAlias = Literal["exact", "codes", "annoy"]

_PLAIN_AND_MIRRORED = (0, 1)
_BATCH_FROM = 16  # queries; for this many at once, one matrix product is quicker than reading all vectors for each
_FEW = 1_000  # nearest references of a query; if more are wanted, queries of a batch are compared one by one
#: Stages and counters of a search for candidates, in `fingerprint.results.Work`.
STAGES = ("descriptors", "hashes", "vote")
COUNTERS = ("postings_visited", "hits", "references_scored", "bytes_compared")

_SIGNATURE_BYTES = 8  # of a posting
_RIVAL = 0.6  # other variants are kept if they have at least this part of the best one's score


#: How a reference is named: by its position in a snapshot, or by its id.
Name = TypeVar("Name", bound="int | str")


@dataclass(frozen=True, slots=True)
class Found(Generic[Name]):
    """A candidate by its position in the snapshot or its id; the rest as in `fingerprint.types.Candidate`."""

    name: Name
    variants: tuple[int, ...]
    always_verified: bool


@dataclass(frozen=True, slots=True)
class Named(Generic[Name]):
    """What each source names for a query, best first; equally good ones by id.

    Attributes
    ----------
    by_keypoints : list of (name, score, variants)
        The variants are indices in `fingerprint.types.VARIANTS`, best first.
    by_descriptor : list of (name, squared distance)
    by_hashes : list of (name, distance in bits)
    """

    by_keypoints: list[tuple[Name, float, tuple[int, ...]]]
    by_descriptor: list[tuple[Name, float]]
    by_hashes: list[tuple[Name, float]]

    def names(self) -> set[Name]:
        """Return all that are named."""
        return {row[0] for rows in (self.by_keypoints, self.by_descriptor, self.by_hashes) for row in rows}

    def union(self) -> list[Found[Name]]:
        """Return the candidates, each once and always in the same order."""
        nearest: list[Name] = [name for name, _ in self.by_descriptor]
        near: list[Name] = [name for name, _ in self.by_hashes]
        always = {*(name for name, *_ in self.by_keypoints[:1]), *nearest[:1], *near}
        found = {name: Found(name, variants, name in always) for name, _, variants in self.by_keypoints}
        for name in [*nearest, *near]:
            found.setdefault(name, Found(name, _PLAIN_AND_MIRRORED, name in always))
        return list(found.values())


def merge_named(parts: Sequence[Named[str]], caps: CandidateConfig) -> Named[str]:
    """Return what the sources name in all parts together, of what they name in each.

    Parameters
    ----------
    parts : sequence of Named
        Of parts of the references that have no id in common.
    caps : CandidateConfig
        The caps with which each part was searched.
    """
    by_keypoints = sorted((row for part in parts for row in part.by_keypoints), key=lambda row: (-row[1], row[0]))
    by_descriptor = sorted((row for part in parts for row in part.by_descriptor), key=lambda row: (row[1], row[0]))
    by_hashes = sorted((row for part in parts for row in part.by_hashes), key=lambda row: (row[1], row[0]))
    return Named(
        by_keypoints[: caps.from_keypoints], by_descriptor[: caps.from_descriptor], by_hashes[: caps.from_hashes]
    )


def name_candidates(
    query: Query,
    segments: Sequence[PictureSegment],
    snapshot: Snapshot,
    vocabulary: VocabularyModel,
    config: Config,
    *,
    exact: bool,
    by_descriptor: Sequence[tuple[int, float]] | None = None,
    n_references: int | None = None,
    n_threads: int = 1,
) -> tuple[Named[int], Work]:
    """Return what each source names, by position in the snapshot, and the work of each source.

    Parameters
    ----------
    query : Query
    segments : sequence of PictureSegment
        Those of the snapshot.
    snapshot : Snapshot
    vocabulary : VocabularyModel
        The one that the segments were made with.
    config : Config
        Caps of the sources and settings of the vote.
    exact : bool
        Compare all descriptors, never use codes or Annoy.
    by_descriptor : sequence of (int, float), optional
        What `nearest_by_descriptor` found for this query in a batch.
    n_references : int, optional
        How many references are searched in all, removed ones too, if these segments are only a part of them.
    n_threads : int, >= 1
        Threads that vote, each on a segment at a time. The candidates do not depend on it.
    """
    milliseconds, counters = dict.fromkeys(STAGES, 0.0), dict.fromkeys(COUNTERS, 0)
    if not snapshot.live.any():
        return Named([], [], []), Work(milliseconds, counters)
    caps = config.candidates
    watch = Stopwatch()
    if by_descriptor is None:
        (by_descriptor,) = nearest_by_descriptor(query.descriptor[np.newaxis], snapshot, config, exact=exact)
    milliseconds["descriptors"] = watch.lap()
    by_hashes = _by_hashes(query, segments, snapshot, caps)
    milliseconds["hashes"] = watch.lap()
    large = (len(snapshot) if n_references is None else n_references) >= config.match.large_from
    match = replace(config.match, word_bits=config.match.word_bits_large) if large else config.match
    votes = _vote(query, segments, vocabulary, match, n_threads)
    by_keypoints = _by_keypoints(votes, snapshot, caps)
    milliseconds["vote"] = watch.lap()
    counters |= {
        "postings_visited": votes.n_visited,
        "hits": votes.n_hits,
        "references_scored": len(votes.rows),
        "bytes_compared": _SIGNATURE_BYTES * votes.n_visited + sum(segment.hashes.nbytes for segment in segments),
    }
    return Named(by_keypoints, list(by_descriptor), by_hashes), Work(milliseconds, counters)


def _by_keypoints(votes: Votes, snapshot: Snapshot, caps: CandidateConfig) -> list[tuple[int, float, tuple[int, ...]]]:
    """Return positions, each with its score and the variants of the query that found it."""
    kept = snapshot.live[votes.rows]
    positions, scores, variants = votes.rows[kept], votes.scores[kept].astype(np.float64), votes.variants[kept]
    # a picture that several variants found counts with its best score
    order = np.lexsort((variants, -scores))
    first = order[np.unique(positions[order], return_index=True)[1]]
    chosen = _cut(positions[first], -scores[first], snapshot, caps.from_keypoints)
    best = dict(zip(positions[first].tolist(), scores[first].tolist(), strict=True))
    found: dict[int, list[int]] = {position: [] for position in chosen}
    relevant = np.flatnonzero(np.isin(positions, chosen))
    for at in relevant[np.argsort(-scores[relevant], kind="stable")].tolist():
        position = int(positions[at])
        if scores[at] >= _RIVAL * best[position]:
            found[position].append(int(variants[at]))
    return [(position, best[position], tuple(found[position])) for position in chosen]


def _vote(
    query: Query, segments: Sequence[PictureSegment], vocabulary: VocabularyModel, config: MatchConfig, n_threads: int
) -> Votes:
    """Return the votes on all segments, with positions in the snapshot as rows."""
    parts = map_parts(lambda s: vote(query.assignments, s.postings, vocabulary, config), segments, n_threads)
    starts = [0, *accumulate(len(segment) for segment in segments[:-1])]
    return Votes(
        rows=np.concatenate([part.rows + first for part, first in zip(parts, starts, strict=True)]),
        variants=np.concatenate([part.variants for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
        n_visited=sum(part.n_visited for part in parts),
        n_hits=sum(part.n_hits for part in parts),
    )


def nearest_by_descriptor(
    descriptors: F32, snapshot: Snapshot, config: Config, *, exact: bool
) -> list[list[tuple[int, float]]]:
    """Return for each query (position, squared distance) of the references with the nearest descriptors, nearest first.

    Each segment is searched in the way that `how_searched` says. Exactly, a query gets the same alone and in a batch.

    Parameters
    ----------
    descriptors : float32 array, shape (n_q, d)
        Of the queries.
    snapshot, config, exact
        As in `name_candidates`.
    """
    wanted = config.candidates.from_descriptor
    if wanted == 0:
        return [[] for _ in descriptors]
    return nearest_vectors(descriptors, snapshot, wanted, config, exact=exact)


def nearest_vectors(
    vectors: F32, snapshot: Snapshot, k: int, config: Config, *, exact: bool
) -> list[list[tuple[int, float]]]:
    """Return (position, squared distance) of the at most `k` nearest references of each query, in order, ties by id."""
    if not len(vectors) or not snapshot.live.any():
        return [[] for _ in vectors]
    ways = [how_searched(segment, len(vectors), config, exact=exact) for segment in snapshot.segments]
    found: list[list[tuple[I64, F64]]] = [[] for _ in vectors]
    for which, (segment, way) in enumerate(zip(snapshot.segments, ways, strict=True)):
        kept, start = snapshot.live_of(which), int(snapshot.starts[which])
        n = min(len(segment), k + int((~kept).sum()))
        for parts, (rows, distances) in zip(found, _SEARCHES[way](vectors, segment, n, config), strict=True):
            alive = kept[rows]
            parts.append((start + rows[alive], distances[alive]))
    nearest_of_all = []
    for parts in found:
        positions, squared = (np.concatenate(column) for column in zip(*parts, strict=True))
        chosen = _cut(np.arange(len(positions)), squared, _Chosen(snapshot, positions), k)
        nearest_of_all.append([(int(positions[at]), float(squared[at])) for at in chosen])
    return nearest_of_all


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The ids of chosen positions of a snapshot."""

    snapshot: Snapshot
    positions: I64

    def __getitem__(self, at: int) -> str:
        return self.snapshot[int(self.positions[at])]


def how_searched(segment: Segment, n_queries: int, config: Config, *, exact: bool) -> Way:
    """Return how a segment is searched for this many queries at once: exactly, by codes first, or by Annoy's trees."""
    if exact or n_queries >= _BATCH_FROM:
        return "exact"
    if segment.trees is not None and config.candidates.has_trees(len(segment), coded=segment.codes is not None):
        return "annoy"
    if segment.codes is not None and config.candidates.kept_by_codes(len(segment)):
        return "codes"
    return "exact"


def count_ways(snapshot: Snapshot, n_queries: int, config: Config, *, exact: bool) -> Counter[Way]:
    """Return how many segments are searched in each way for this many queries at once."""
    return Counter(how_searched(segment, n_queries, config, exact=exact) for segment in snapshot.segments)


def how_compared(snapshot: Snapshot, n_queries: int, config: Config, *, exact: bool) -> str:
    """Return in words how `nearest_vectors` compares this many queries."""
    ways = count_ways(snapshot, n_queries, config, exact=exact)
    batch = n_queries >= _BATCH_FROM
    others = "compared all at once, as the queries come in a batch" if batch else "compared one query at a time"
    return (
        f"of {len(snapshot.segments)} segments, {ways['annoy']} searched by Annoy and {ways['codes']} by codes, "
        f"the others {others}"
    )


def _by_annoy(descriptors: F32, segment: Segment, k: int, config: Config) -> list[tuple[I64, F64]]:
    search_k, trees = inspected(len(segment), k, config.annoy), segment.trees
    if trees is None:
        raise AssertionError("Annoy is to search a segment without trees")
    found = []
    for descriptor in descriptors:
        rows = np.sort(trees.nearest(descriptor, k, search_k)[0])
        order, distances = nearest_to_one(descriptor, segment.descriptors[rows], len(rows))
        found.append((rows[order], distances))
    return found


def _by_codes(descriptors: F32, segment: Segment, k: int, config: Config) -> list[tuple[I64, F64]]:
    vectors, codes, kept = segment.descriptors, segment.codes, config.candidates.kept_by_codes(len(segment))
    if codes is None or not isinstance(vectors, PackedVectors):
        raise AssertionError("a segment without codes is to be searched by them")
    return [nearest_by_codes(descriptor, vectors, codes, k, max(k, kept)) for descriptor in descriptors]


def _exactly(descriptors: F32, segment: Segment, k: int, config: Config) -> list[tuple[I64, F64]]:  # noqa: ARG001
    """Return for each query all that are at least as near as the k-th; the same for a query alone and in a batch."""
    if len(descriptors) < _BATCH_FROM or k > _FEW:
        return [nearest_of(descriptor, segment.descriptors, k) for descriptor in descriptors]
    found: list[list[tuple[I64, F64]]] = [[] for _ in descriptors]
    for start, part in in_parts(segment.descriptors):
        for own, (rows, squared) in zip(found, _of_batch(descriptors, part, min(k, len(part))), strict=True):
            own.append((start + rows, squared))
    return [tuple(np.concatenate(column) for column in zip(*own, strict=True)) for own in found]  # type: ignore[misc]


def _of_batch(descriptors: F32, vectors: F32, k: int) -> list[tuple[I64, F64]]:
    """Return for each of many queries all that are at least as near as the k-th."""
    try:
        indices, distances = nearest(descriptors, vectors, k + 1)
    except ConfigError:  # a stored vector is damaged and not finite: one by one they are searched all the same
        return [nearest_to_one(descriptor, vectors, k) for descriptor in descriptors]
    tied = distances[:, -1] == distances[:, k - 1] if k < len(vectors) else np.zeros(len(descriptors), bool)
    return [
        nearest_to_one(descriptor, vectors, k) if more else (rows[:k], squared[:k])
        for descriptor, rows, squared, more in zip(descriptors, indices, distances, tied, strict=True)
    ]


_SEARCHES: Mapping[Way, Callable[[F32, Segment, int, Config], list[tuple[I64, F64]]]] = MappingProxyType(
    {"exact": _exactly, "codes": _by_codes, "annoy": _by_annoy}
)


def _by_hashes(
    query: Query, segments: Sequence[PictureSegment], snapshot: Snapshot, config: CandidateConfig
) -> list[tuple[int, float]]:
    if query.flat:  # all flat pictures have the same few hashes
        return []
    positions, distances = [], []
    start = 0
    for segment in segments:
        rows, distance = near_hashes(segment.hashes, query.hashes, config.hash_distance)
        positions.append(rows + start)
        distances.append(distance)
        start += len(segment)
    found, bits = np.concatenate(positions), np.concatenate(distances)
    kept = snapshot.live[found]
    near, costs = found[kept], bits[kept].astype(np.float64)
    chosen = _cut(near, costs, snapshot, config.from_hashes)
    return list(zip(chosen, costs[np.searchsorted(near, chosen)].tolist(), strict=True))  # near is ascending


def _cut(positions: I64, costs: F64, ids: Snapshot | _Chosen, cap: int) -> list[int]:
    """Return the positions of least cost, at most `cap`; ties by id."""
    if cap <= 0:
        return []
    if len(positions) > cap:
        near = costs <= np.partition(costs, cap - 1)[cap - 1]
        positions, costs = positions[near], costs[near]
    order = np.argsort(costs, kind="stable")
    chosen, ordered = positions[order].tolist(), costs[order]
    begin = 0
    for end in [*(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1).tolist(), len(chosen)]:
        if end - begin > 1:  # ids are only looked up for ties
            chosen[begin:end] = sorted(chosen[begin:end], key=ids.__getitem__)
        begin = end
    return [int(position) for position in chosen[:cap]]
