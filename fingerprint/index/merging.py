"""Which segments are to be merged: by adding, so that there are never many small ones, and by compacting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby, takewhile

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


def groups_to_compact(segments: Sequence[SegmentRecord], largest: int) -> list[list[SegmentRecord]]:
    """Return the groups of neighbours that are to become one segment each, of at most `largest` pictures.

    A segment that would stay alone and has nothing removed is left as it is.
    """
    groups: list[list[SegmentRecord]] = []
    for own in _by_model(segments):
        room = 0
        for at, segment in enumerate(own):
            n = segment.n_rows - segment.n_removed
            if at == 0 or n > room:
                groups.append([])
                room = largest
            groups[-1].append(segment)
            room -= n
    return [group for group in groups if len(group) > 1 or group[0].n_removed]


def _by_model(segments: Sequence[SegmentRecord]) -> list[list[SegmentRecord]]:
    ordered = sorted(segments, key=lambda segment: (segment.model_id, segment.place))
    return [list(own) for _, own in groupby(ordered, key=lambda segment: segment.model_id)]


def _level(segment: SegmentRecord) -> int:
    """Return the size of a segment: 0 below 1,000 pictures, 1 below 10,000, and so on."""
    return 0 if segment.n_rows < _SMALL else 1 + int(math.log10(segment.n_rows / _SMALL))
