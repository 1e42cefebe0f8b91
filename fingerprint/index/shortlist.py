"""Which candidates are verified: those on which most signatures agree, and those that are always verified."""

from __future__ import annotations

from collections.abc import Sequence

from fingerprint.config import Config
from fingerprint.features.signatures import pair_votes
from fingerprint.types import Candidate, Query

_MIN_VOTES = 2.0  # a single match agrees with itself


def shortlist(query: Query, candidates: Sequence[Candidate], config: Config) -> list[Candidate]:
    """Return the candidates that are to be verified, the most promising first.

    Parameters
    ----------
    query : Query
    candidates : sequence of Candidate
        From `Reader.select_candidates`.
    config : Config
        ``candidates.n_verified`` with most votes of 128-bit signatures, and all that are always verified.
    """
    ranked = sorted((-_most_votes(query, candidate, config), rank) for rank, candidate in enumerate(candidates))
    best = [rank for votes, rank in ranked[: config.candidates.n_verified] if -votes >= _MIN_VOTES]
    rest = [rank for _, rank in ranked if candidates[rank].always_verified and rank not in best]
    return [candidates[rank] for rank in best + rest]


def _most_votes(query: Query, candidate: Candidate, config: Config) -> float:
    """Return the votes of the best variant of the query."""
    reference = candidate.fingerprint.keypoints
    return max(pair_votes(query.variants[variant], reference, config.match) for variant in candidate.variants)
