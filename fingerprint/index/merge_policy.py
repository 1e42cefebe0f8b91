"""The merge policy: which segments are merged when pictures are added, and which are written again by compacting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise, takewhile
from typing import TypeAlias

from fingerprint.config import StorageConfig
from fingerprint.index.records import SegmentRecord

_SMALL = 1_000  # pictures; all smaller segments count as one size
_QUICK = 20_000  # pictures that are merged in some seconds
_AGAIN = 8  # pictures that may be written again for each that was added
_FEW = 3  # segments that cost a search next to nothing


def due_for_merging(segments: Sequence[SegmentRecord], storage: StorageConfig) -> list[SegmentRecord]:
    """Return the newest segments of a model that should be merged into one, or none.

    Segments count as one size between two powers of ten. When ``merge_factor`` neighbours are of one size, they are
    merged, together with all smaller ones after them. So every picture is written only a few times, and there are few
    segments of each size.

    Parameters
    ----------
    segments : sequence of SegmentRecord
        Of all models.
    storage : StorageConfig
    """
    for same in _by_model(segments):
        for level in sorted({_level(segment) for segment in same}):
            newest = list(
                takewhile(lambda s: _level(s) <= level and s.n_rows < storage.merge_below, reversed(same))  # noqa: B023
            )
            if sum(_level(segment) == level for segment in newest) >= storage.merge_factor:
                return newest[::-1]
    return []


def due_after_adding(segments: Sequence[SegmentRecord], model_id: str, n_added: int) -> list[SegmentRecord]:
    """Return the newest segments of a model that should be merged when an addition of many pictures ends, or none.

    A search looks up its words in each segment, so some thousand references in eight segments cost as much as ten
    times as many in one. They are merged if that is quick, beside describing what was added.

    Parameters
    ----------
    segments : sequence of SegmentRecord
        Of all models.
    model_id : str
    n_added : int
        Number of pictures that were added.
    """
    most = min(_QUICK, _AGAIN * n_added)
    chosen: list[SegmentRecord] = []
    same = sorted((s for s in segments if s.model_id == model_id), key=lambda segment: -segment.rank)
    for segment in same:
        if segment.n_rows + sum(other.n_rows for other in chosen) > most:
            break
        chosen.append(segment)
    return chosen[::-1] if len(chosen) > _FEW else []


@dataclass(frozen=True, slots=True)
class Part:
    """A run of live pictures of a segment.

    Attributes
    ----------
    segment : SegmentRecord
    start, stop : int
        The run, counted from 0 over the segment's live pictures.
    """

    segment: SegmentRecord
    start: int
    stop: int

    @classmethod
    def whole(cls, segment: SegmentRecord) -> Part:
        """Return all live pictures of a segment."""
        return cls(segment, 0, n_live(segment))


#: New segments, each as the parts that it is written from. They replace all segments that these parts come from.
Rewrite: TypeAlias = Sequence[Sequence[Part]]


def rewrites_to_compact(segments: Sequence[SegmentRecord], largest: int) -> list[Rewrite]:
    """Return the rewrites after which there are few segments, none with more than `largest` pictures.

    Neighbours of one model are merged as long as they fit into one segment. A segment that is too large is divided. One
    that would not change is not rewritten.
    """
    rewrites: list[Rewrite] = []
    for same in _by_model(segments):
        outputs: list[list[Part]] = []
        room = 0
        for segment in same:
            for part in _divided(segment, largest):
                n = part.stop - part.start
                if not outputs or n > room:
                    outputs.append([])
                    room = largest
                outputs[-1].append(part)
                room -= n
        rewrites += _grouped(outputs)
    return [rewrite for rewrite in rewrites if not _is_no_change(rewrite)]


def n_live(segment: SegmentRecord) -> int:
    """Return the number of live pictures of a segment."""
    return segment.n_rows - segment.n_removed


def _divided(segment: SegmentRecord, largest: int) -> list[Part]:
    """Divide a segment into parts of about the same size, at most `largest` pictures each."""
    n = n_live(segment)
    n_parts = max(1, -(-n // largest))
    bounds = [n * number // n_parts for number in range(n_parts + 1)]
    return [Part(segment, start, stop) for start, stop in pairwise(bounds)]


def _grouped(outputs: Sequence[Sequence[Part]]) -> list[Rewrite]:
    """Group new segments into rewrites: those written from parts of the same segment belong together."""
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
    return [list(same) for _, same in groupby(ordered, key=lambda segment: segment.model_id)]


def _level(segment: SegmentRecord) -> int:
    """Return the size of a segment as a level: 0 below 1,000 pictures, 1 below 10,000, and so on."""
    return 0 if segment.n_rows < _SMALL else 1 + int(math.log10(segment.n_rows / _SMALL))
