"""The shortlist: the candidates with the most votes of signatures, and those that are always verified."""

from __future__ import annotations

from collections.abc import Sequence

from fingerprint.config import Config
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
    caps, voters = config.candidates, Voters(query.variants, config.match)
    ranked = sorted(
        (-float(voters.votes(candidate.keypoints, candidate.variants).max()), rank)
        for rank, candidate in enumerate(candidates)
    )
    best = [rank for votes, rank in ranked[: caps.n_verified] if -votes >= _MIN_VOTES]
    more = ranked[caps.n_verified : caps.n_verified + caps.n_verified_more]
    best += [rank for votes, rank in more if -votes >= caps.many_votes]
    rest = [rank for _, rank in ranked if candidates[rank].always_verified and rank not in best]
    return [candidates[rank] for rank in best + rest]
