"""The shortlist: the candidates with the most votes of signatures, and those that are always verified."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fingerprint.config import CandidateConfig, Config
from fingerprint.features.signatures import NOT_COUNTED, Voters
from fingerprint.types import F32, VARIANTS, Candidate, Query

_MIN_VOTES = 2.0  # a match votes for itself, so a single vote proves nothing


def shortlist(query: Query, candidates: Sequence[Candidate], config: Config) -> list[Candidate]:
    """Return the candidates to verify: those with the most votes first, then the others that are always verified.

    Parameters
    ----------
    query : Query
    candidates : sequence of Candidate
        From `Reader.select_candidates`.
    config : Config
        ``candidates`` says how many are chosen by votes of their 128-bit signatures.
    """
    return [candidates[rank] for rank in voted(query, candidates, config)[1]]


def voted(query: Query, candidates: Sequence[Candidate], config: Config) -> tuple[list[F32], list[int]]:
    """Return the votes of all candidates, as `count_votes` does, and the ranks of those to verify, as `choose` does."""
    votes = count_votes(query, candidates, config)
    always_verified = [candidate.always_verified for candidate in candidates]
    return votes, choose([float(own.max()) for own in votes], always_verified, config.candidates)


def count_votes(query: Query, candidates: Sequence[Candidate], config: Config) -> list[F32]:
    """Return for each candidate the votes of its signatures, by variant; `NOT_COUNTED` for those it is not named for.

    Returns
    -------
    list of float32 arrays, shape (4,)
    """
    voters, counted = Voters(query.variants, config.match), []
    for candidate in candidates:
        votes = np.full(len(VARIANTS), NOT_COUNTED)
        votes[list(candidate.variants)] = voters.votes(candidate.keypoints, candidate.variants)
        counted.append(votes)
    return counted


def choose(votes: Sequence[float], always_verified: Sequence[bool], caps: CandidateConfig) -> list[int]:
    """Return the ranks of the candidates to verify, in the order of `shortlist`; equal votes by rank."""
    ranked = sorted((-own, rank) for rank, own in enumerate(votes))
    best = [rank for own, rank in ranked[: caps.n_verified] if -own >= _MIN_VOTES]
    more = ranked[caps.n_verified : caps.n_verified + caps.n_verified_more]
    best += [rank for own, rank in more if -own >= caps.many_votes]
    return best + [rank for _, rank in ranked if always_verified[rank] and rank not in best]
