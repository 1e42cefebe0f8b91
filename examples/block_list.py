"""Block lists with labels, a threshold for each, and a list of pictures that must never match.

A picture is blocked by the list that is surest of it, unless a picture of the negative list is as good an answer, such
as a news photograph that shows a poster of the list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import fingerprint
from fingerprint.types import ImageSource


@dataclass(frozen=True)
class BlockList:
    """One list: its label, its pictures, and the probability from which it blocks."""

    label: str
    pictures: fingerprint.Collection
    threshold: float


@dataclass(frozen=True)
class Verdict:
    """Which list blocks a picture, by which of its pictures, and how sure that is."""

    label: str
    match: fingerprint.Match


def blocked_by(
    picture: ImageSource, lists: Sequence[BlockList], never: fingerprint.Collection | None = None
) -> Verdict | None:
    """Return the verdict of the surest list; None if no list blocks the picture."""
    verdicts = [
        Verdict(own.label, match)
        for own in lists
        for match in own.pictures.search(picture, n_results=1, min_probability=own.threshold)
    ]
    if not verdicts:
        return None
    surest = max(verdicts, key=lambda verdict: verdict.match.score)
    allowed = never.search(picture, n_results=1, min_probability=0.5) if never is not None else []
    return None if allowed and allowed[0].score >= surest.match.score else surest
