"""Which references are worth verifying for a query: the union of what keypoints, descriptor and hashes name.

Each source is a function from a query and the segments to positions in the collection, the most promising first. An
inverted file for collections that are too large to scan takes the place of `_by_keypoints` without a change elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from fingerprint.config import CandidateConfig, Config, MatchConfig
from fingerprint.exact import nearest
from fingerprint.hashes import hamming
from fingerprint.index.segment import Segment
from fingerprint.kernels.matching import scan_references
from fingerprint.types import F32, I64, Bool, Query

_MAX_SCAN_MATCHES = 150  # of one reference; repeated patterns would make the vote slow without making it better
_MIN_VOTES = 2.0  # a single match agrees with itself


def select_candidates(
    query: Query, segments: Sequence[Segment], live: Bool, config: Config, *, exact: bool
) -> list[int]:
    """Return positions of candidates, counted over all segments, without repeats and in the same order every run.

    Parameters
    ----------
    query : Query
    segments : sequence of Segment
    live : bool array, shape (n,)
        Which pictures are not removed.
    config : Config
        Caps of the sources and settings of the scan.
    exact : bool
        Compare all descriptors, never by Annoy.
    """
    if not live.any():
        return []
    votes = scan_votes(query, segments, config.match)
    sources = (
        _by_keypoints(votes, live, config.candidates),
        _by_descriptor(query, segments, live, config, exact=exact),
        _by_hashes(query, segments, live, config.candidates),
    )
    return list(dict.fromkeys(int(position) for source in sources for position in source))


def scan_votes(query: Query, segments: Sequence[Segment], config: MatchConfig) -> F32:
    """Return how many keypoint matches agree on one similarity transform, for every reference: float32 array, (n,)."""
    parts = []
    for segment in segments:
        best = np.zeros(len(segment), dtype=np.float32)
        for keypoints in (query.plain, query.mirrored):
            votes = np.zeros(len(segment), dtype=np.float32)
            scan_references(
                keypoints.signatures,
                keypoints.frame,
                segment.signatures,
                segment.frames,
                segment.offsets,
                config.scan_bits,
                _MAX_SCAN_MATCHES,
                np.float32(config.tolerance),
                np.float32(config.log_scale_tolerance),
                np.float32(math.cos(math.radians(config.angle_tolerance))),
                votes,
            )
            np.maximum(best, votes, out=best)
        parts.append(best)
    return np.concatenate(parts)


def _by_keypoints(votes: F32, live: Bool, config: CandidateConfig) -> I64:
    offered = np.flatnonzero((votes >= _MIN_VOTES) & live)
    order = np.argsort(-votes[offered], kind="stable")
    return offered[order[: config.from_keypoints]]


def _by_descriptor(query: Query, segments: Sequence[Segment], live: Bool, config: Config, *, exact: bool) -> I64:
    wanted = config.candidates.from_descriptor
    if wanted == 0:
        return np.zeros(0, dtype=np.int64)
    positions, distances = [np.zeros(0, np.int64)], [np.zeros(0, np.float64)]
    start = 0
    for segment in segments:
        n_removed = int((~live[start : start + len(segment)]).sum())
        k = min(len(segment), wanted + n_removed)
        if exact or len(segment) < config.candidates.annoy_from:
            row_block, squared = nearest(query.descriptor[None], np.asarray(segment.descriptors), k)
            rows, distance = row_block[0], np.sqrt(squared[0])
        else:
            rows, near = segment.trees.nearest(query.descriptor, k, config.annoy.search_k)
            distance = near.astype(np.float64)
        kept = live[start + rows]
        positions.append(start + rows[kept])
        distances.append(distance[kept])
        start += len(segment)
    found, apart = np.concatenate(positions), np.concatenate(distances)
    return found[np.lexsort((found, apart))][:wanted]


def _by_hashes(query: Query, segments: Sequence[Segment], live: Bool, config: CandidateConfig) -> I64:
    stored = np.concatenate([np.asarray(segment.hashes) for segment in segments])
    distance = np.full(len(stored), 255, dtype=np.int64)
    for seen in query.hashes:
        np.minimum(distance, hamming(stored, np.broadcast_to(seen, stored.shape)).min(axis=1), out=distance)
    offered = np.flatnonzero((distance <= config.hash_distance) & live)
    order = np.argsort(distance[offered], kind="stable")
    return offered[order[: config.from_hashes]]
