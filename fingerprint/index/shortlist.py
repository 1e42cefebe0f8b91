"""The shortlist: the candidates with the most votes of signatures, and those that are always verified."""

from __future__ import annotations

from collections.abc import Sequence

from fingerprint.config import CandidateConfig, Config
from fingerprint.features.signatures import Voters
from fingerprint.types import Candidate, Query

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
    votes = count_votes(query, candidates, config)
    chosen = choose(votes, [candidate.always_verified for candidate in candidates], config.candidates)
    return [candidates[rank] for rank in chosen]


def count_votes(query: Query, candidates: Sequence[Candidate], config: Config) -> list[float]:
    """Return the votes of the signatures of each candidate, of its best variant."""
    voters = Voters(query.variants, config.match)
    return [float(voters.votes(candidate.keypoints, candidate.variants).max()) for candidate in candidates]


def choose(votes: Sequence[float], always_verified: Sequence[bool], caps: CandidateConfig) -> list[int]:
    """Return the ranks of the candidates to verify, in the order of `shortlist`; equal votes by rank."""
    ranked = sorted((-own, rank) for rank, own in enumerate(votes))
    best = [rank for own, rank in ranked[: caps.n_verified] if -own >= _MIN_VOTES]
    more = ranked[caps.n_verified : caps.n_verified + caps.n_verified_more]
    best += [rank for own, rank in more if -own >= caps.many_votes]
    return best + [rank for _, rank in ranked if always_verified[rank] and rank not in best]
