"""The ground truth: which query was made from which reference, and which queries were made from none."""

from __future__ import annotations

import os
from dataclasses import dataclass

from fingerprint.challenge.files import csv_rows, fault, first_repeated, id_fault
from fingerprint.errors import ChallengeFileError


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """True pairs, and the queries that are known to match nothing.

    Attributes
    ----------
    pairs : tuple of (query id, reference id)
        The true pairs, each once. The challenge has at most one for a query; more are allowed here.
    unmatched_ids : tuple of str
        Queries that are named and match nothing, each once. They need not be complete: a query that is not named at all
        matches nothing either.

    Raises
    ------
    ChallengeFileError
        If a pair or an unmatched query is there twice, or a query is both matched and unmatched.
    """

    pairs: tuple[tuple[str, str], ...]
    unmatched_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that no two entries contradict or repeat each other."""
        if (repeated := first_repeated(self.pairs) or first_repeated(self.unmatched_ids)) is not None:
            raise ChallengeFileError(f"ground truth: {repeated!r} is there twice: remove one")
        matched = {query_id for query_id, _ in self.pairs}
        if (both := next((name for name in self.unmatched_ids if name in matched), None)) is not None:
            raise ChallengeFileError(f"ground truth: query {both!r} is matched and unmatched: remove one of the two")

    @property
    def query_ids(self) -> frozenset[str]:
        """The queries that are named, matched and unmatched."""
        return frozenset(query_id for query_id, _ in self.pairs) | frozenset(self.unmatched_ids)

    @property
    def reference_ids(self) -> frozenset[str]:
        """The references of the true pairs."""
        return frozenset(reference_id for _, reference_id in self.pairs)


def read_ground_truth(path: str | os.PathLike[str]) -> GroundTruth:
    """Read a ground-truth file.

    Parameters
    ----------
    path : path-like
        CSV with the header ``query_id,reference_id``, which may be missing. The second field of an unmatched query is
        empty.

    Returns
    -------
    GroundTruth
        In the order of the file.

    Raises
    ------
    ChallengeFileError
        If the file cannot be read, a line does not have two fields, an id is invalid, a line is there twice, or a query
        is both matched and unmatched.
    """
    pairs: dict[tuple[str, str], int] = {}
    unmatched: dict[str, int] = {}
    matched: dict[str, int] = {}
    for line, (query_id, reference_id) in csv_rows(path, ("query_id", "reference_id")):
        for name in (query_id, reference_id) if reference_id else (query_id,):
            if what := id_fault(name):
                raise fault(path, what, line)
        before = pairs.get((query_id, reference_id)) if reference_id else unmatched.get(query_id)
        if before is not None:
            raise fault(path, f"the same as line {before}: remove one of the two", line)
        other = unmatched.get(query_id) if reference_id else matched.get(query_id)
        if other is not None:
            raise fault(path, f"query {query_id!r} is both matched and unmatched (see line {other}): remove one", line)
        if reference_id:
            pairs[query_id, reference_id] = matched[query_id] = line
        else:
            unmatched[query_id] = line
    return GroundTruth(tuple(pairs), tuple(unmatched))
