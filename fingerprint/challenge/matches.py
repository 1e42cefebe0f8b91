"""The Matching Track's file: claimed pairs with their scores."""

from __future__ import annotations

import math
import os
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from fingerprint.challenge.files import (
    csv_rows,
    fault,
    first_repeated,
    id_fault,
    number_of,
    refuse_picture_names,
    replacing,
)
from fingerprint.errors import ChallengeFileError
from fingerprint.types import F64

#: Most rows of a Matching Track file.
MAX_ROWS = 500_000

_HEADER = ("query_id", "reference_id", "score")


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Claimed pairs, one a row, in any order.

    Attributes
    ----------
    query_ids : tuple of str, length n
        Ids without file extension. A query may have any number of rows.
    reference_ids : tuple of str, length n
        Ids without file extension.
    scores : float64 array, shape (n,)
        Finite, any range; higher is more similar.

    Raises
    ------
    ChallengeFileError
        If the lengths differ, `scores` is not float64, a score is not finite, or a pair is there twice.
    """

    query_ids: tuple[str, ...]
    reference_ids: tuple[str, ...]
    scores: F64

    def __post_init__(self) -> None:
        """Check the rules that the metrics rely on."""
        n = len(self.query_ids)
        if len(self.reference_ids) != n or self.scores.shape != (n,) or self.scores.dtype != np.float64:
            raise ChallengeFileError(
                f"matches: {n} query ids, {len(self.reference_ids)} reference ids and {self.scores.dtype} scores of "
                f"shape {self.scores.shape}: give as many of each, scores as float64"
            )
        if not np.isfinite(self.scores).all():
            row = int(np.isfinite(self.scores).argmin())
            pair = f"({self.query_ids[row]}, {self.reference_ids[row]})"
            raise ChallengeFileError(f"matches: the score of {pair} is {self.scores[row]}: leave the pair out")
        if (repeated := first_repeated(zip(self.query_ids, self.reference_ids, strict=True))) is not None:
            raise ChallengeFileError(f"matches: the pair {repeated} is there twice: keep the better one")

    def __len__(self) -> int:
        return len(self.query_ids)

    def of_queries(self, query_ids: Collection[str]) -> Matches:
        """Return the rows of some queries only, in the same order.

        Parameters
        ----------
        query_ids : set of str
            For instance `GroundTruth.query_ids`, to judge a file on the part of its queries that has labels.

        Returns
        -------
        Matches
            A new object.

        Raises
        ------
        ChallengeFileError
            If there are rows and none is of these queries, or an id has a picture's extension that it should not have:
            all rows would be left out without a word.
        """
        refuse_picture_names(self.query_ids, query_ids, "matches")
        rows = [row for row, query_id in enumerate(self.query_ids) if query_id in query_ids]
        if len(self) and not rows:
            raise ChallengeFileError(
                f"matches: none of the {len(self):,} rows is on a query that the ground truth names, the first is on "
                f"{self.query_ids[0]!r}: give the ground truth of these queries"
            )
        queries = tuple(self.query_ids[row] for row in rows)
        return Matches(queries, tuple(self.reference_ids[row] for row in rows), self.scores[rows])


def read_matches(path: str | os.PathLike[str]) -> Matches:
    """Read a Matching Track file.

    Parameters
    ----------
    path : path-like
        CSV with the header ``query_id,reference_id,score``, which may be missing.

    Returns
    -------
    Matches
        In the order of the file.

    Raises
    ------
    ChallengeFileError
        If the file cannot be read, has more than `MAX_ROWS` rows, a line does not have three fields, an id is invalid,
        a score is not a finite number, or a pair is there twice.
    """
    lines: dict[tuple[str, str], int] = {}
    scores: list[float] = []
    for line, (query_id, reference_id, written) in csv_rows(path, _HEADER):
        if what := id_fault(query_id) or id_fault(reference_id):
            raise fault(path, what, line)
        try:
            score = number_of(written)
        except ValueError as error:
            raise fault(path, f"the score {written!r} is no number: give a finite one", line) from error
        if not math.isfinite(score):
            raise fault(path, f"the score is {written!r}: give a finite number or leave the line out", line)
        if (before := lines.setdefault((query_id, reference_id), line)) != line:
            raise fault(path, f"the pair {query_id},{reference_id} was on line {before}: keep the better one", line)
        scores.append(score)
        if len(scores) > MAX_ROWS:
            raise fault(path, f"more than {MAX_ROWS:,} rows: keep the {MAX_ROWS:,} with the highest scores", line)
    return Matches(tuple(pair[0] for pair in lines), tuple(pair[1] for pair in lines), np.array(scores, np.float64))


def write_matches(path: str | os.PathLike[str], matches: Matches) -> None:
    """Write a Matching Track file, the scores at full precision: rounded scores tie, and ties cost precision.

    Parameters
    ----------
    path : path-like
        Replaced when the new file is complete.
    matches : Matches
        At most `MAX_ROWS` rows; written in their order.

    Raises
    ------
    ChallengeFileError
        If there are too many rows, an id has a comma, a space or a quotation mark, or the file cannot be written.
    """
    if len(matches) > MAX_ROWS:
        raise fault(path, f"{len(matches):,} rows, {MAX_ROWS:,} are allowed: keep those with the highest scores")
    for name in {*matches.query_ids, *matches.reference_ids}:
        if what := id_fault(name):
            raise fault(path, f"not written: {what}")
    with replacing(path) as temporary, temporary.open("x", encoding="utf-8", newline="") as file:
        file.write(",".join(_HEADER) + "\n")
        rows = zip(matches.query_ids, matches.reference_ids, matches.scores.tolist(), strict=True)
        file.writelines(f"{query_id},{reference_id},{score!r}\n" for query_id, reference_id, score in rows)
