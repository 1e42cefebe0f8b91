"""The merge policy: which segments are merged when pictures are added, and which are written again by compacting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise, takewhile
from typing import TypeAlias

from fingerprint.config import StorageConfig
from fingerprint.index.records import SegmentRecord

_SMALL = 1_000  # pictures: smaller segments are all of one size


def due_for_merging(segments: Sequence[SegmentRecord], storage: StorageConfig) -> list[SegmentRecord]:
    """Return the newest segments of a model that are to become one, or none.

    Sizes are told apart by powers of ten. When there are as many neighbours of one size as ``merge_factor``, they are
    merged with all smaller ones after them: so every picture is written a few times at most, and of each size there
    are few segments.

    Parameters
    ----------
    segments : sequence of SegmentRecord
        Of all models.
    storage : StorageConfig
    """
    for own in _by_model(segments):
        for level in sorted({_level(segment) for segment in own}):
            newest = list(
                takewhile(lambda s: _level(s) <= level and s.n_rows < storage.merge_below, reversed(own))  # noqa: B023
            )
            if sum(_level(segment) == level for segment in newest) >= storage.merge_factor:
                return newest[::-1]
    return []


@dataclass(frozen=True, slots=True)
class Part:
    """Neighbouring pictures of a segment.

    Attributes
    ----------
    segment : SegmentRecord
    start, stop : int
        Which of those of its pictures that are not removed, counted from 0.
    """

    segment: SegmentRecord
    start: int
    stop: int

    @classmethod
    def whole(cls, segment: SegmentRecord) -> Part:
        """Return all pictures of a segment that are not removed."""
        return cls(segment, 0, n_live(segment))


#: Segments that are to be written, each from these parts, in the place of all segments that the parts are of.
Rewrite: TypeAlias = Sequence[Sequence[Part]]


def rewrites_to_compact(segments: Sequence[SegmentRecord], largest: int) -> list[Rewrite]:
    """Return what is to be written so that there are few segments, none with more than `largest` pictures.

    Neighbours of one model become one segment as long as they fit into it; a segment that is too large is divided. A
    segment that would stay as it is is left alone.
    """
    rewrites: list[Rewrite] = []
    for own in _by_model(segments):
        outputs: list[list[Part]] = []
        room = 0
        for segment in own:
            for part in _divided(segment, largest):
                n = part.stop - part.start
                if not outputs or n > room:
                    outputs.append([])
                    room = largest
                outputs[-1].append(part)
                room -= n
        rewrites += _apart(outputs)
    return [rewrite for rewrite in rewrites if not _is_no_change(rewrite)]


def n_live(segment: SegmentRecord) -> int:
    """Return how many pictures of a segment are not removed."""
    return segment.n_rows - segment.n_removed


def _divided(segment: SegmentRecord, largest: int) -> list[Part]:
    """Return a segment as parts of at most `largest` pictures, about as large as each other."""
    n = n_live(segment)
    n_parts = max(1, -(-n // largest))
    bounds = [n * number // n_parts for number in range(n_parts + 1)]
    return [Part(segment, start, stop) for start, stop in pairwise(bounds)]


def _apart(outputs: Sequence[Sequence[Part]]) -> list[Rewrite]:
    """Return the steps in which segments can be written: those that use parts of one segment are one step."""
    steps: list[list[Sequence[Part]]] = []
    for output in outputs:
        if steps and steps[-1][-1][-1].segment.number == output[0].segment.number:
            steps[-1].append(output)
        else:
            steps.append([output])
    return list(steps)


def _is_no_change(rewrite: Rewrite) -> bool:
    return len(rewrite) == 1 and len(rewrite[0]) == 1 and rewrite[0][0].segment.n_removed == 0


def _by_model(segments: Sequence[SegmentRecord]) -> list[list[SegmentRecord]]:
    ordered = sorted(segments, key=lambda segment: (segment.model_id, segment.rank))
    return [list(own) for _, own in groupby(ordered, key=lambda segment: segment.model_id)]


def _level(segment: SegmentRecord) -> int:
    """Return the size of a segment: 0 below 1,000 pictures, 1 below 10,000, and so on."""
    return 0 if segment.n_rows < _SMALL else 1 + int(math.log10(segment.n_rows / _SMALL))
