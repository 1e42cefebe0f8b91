"""Pages of searches: each query with the references that were found for it."""

from __future__ import annotations

from functools import partial

from fingerprint.locations import Location
from fingerprint.report.draft import Draft, References
from fingerprint.report.values import PagePair
from fingerprint.results import Answer
from fingerprint.types import Skipped


def add_answer(draft: Draft, query: Location, answer: Answer | Skipped, references: References) -> None:
    """Add what a search found for a query: copies, and what only shares something with it.

    Parameters
    ----------
    draft : Draft
    query : Path or Url
        File of the query.
    answer : Answer or Skipped
    references : References
        Where the pictures of references are found.
    """
    if isinstance(answer, Skipped):
        draft.skipped.append(answer)
        return
    position = draft.file(query)
    matches = (*answer.matches, *answer.shared)
    if not matches:
        words = "too little to see" if answer.plain else "nothing found"
        draft.pairs.append(PagePair(position, words=words))
    for match in matches:
        name = match.reference_id
        reference = draft.picture(("reference", name), partial(references.picture, name))
        draft.pairs.append(PagePair(position, reference, match.verification))
