"""Snapshots: the segments of one model and which of their pictures are live, as a reader sees them as of one moment.

A snapshot does not change while others write: segments never change, and mapped files stay readable when deleted.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fingerprint.errors import CollectionCorruptError, CollectionError
from fingerprint.index.catalogue import Catalogue
from fingerprint.index.layout import open_listed
from fingerprint.index.records import SegmentRecord
from fingerprint.index.segment import Segment
from fingerprint.types import F32, I64, Bool

_ATTEMPTS = 20  # to open segments that another process may merge away meanwhile


@dataclass(frozen=True, slots=True)
class Snapshot(Sequence[str]):
    """Pictures by position, counted over all segments in order. As a sequence it has their ids, also of removed ones.

    Attributes
    ----------
    numbers : tuple of int
        Of the segments.
    segments : tuple of Segment
    starts : int64 array, shape (s + 1,)
        Position of the first picture of each segment, and at the end the number of pictures.
    live : bool array, shape (n,)
        Which pictures are not removed.
    """

    numbers: tuple[int, ...]
    segments: tuple[Segment, ...]
    starts: I64
    live: Bool

    def __len__(self) -> int:
        return len(self.live)

    def __getitem__(self, position: int) -> str:  # type: ignore[override] # no slices
        which, row = self.locate(position)
        return self.segments[which].ids[row]

    @property
    def n_live(self) -> int:
        """Number of pictures that are not removed."""
        return int(np.count_nonzero(self.live))

    def locate(self, position: int) -> tuple[int, int]:
        """Return the index of the segment that has a position, and the row there."""
        which = int(self.starts.searchsorted(position, side="right")) - 1
        return which, position - int(self.starts[which])

    def position(self, image_id: str) -> int | None:
        """Return the position of the live picture with an id, or None if there is none."""
        for which in reversed(range(len(self.segments))):
            row = self.segments[which].ids.row(image_id)
            if row is not None and self.live[self.starts[which] + row]:
                return int(self.starts[which]) + row
        return None

    def live_of(self, which: int) -> Bool:
        """Return which pictures of a segment are not removed: bool array, shape (n of the segment,)."""
        return self.live[self.starts[which] : self.starts[which + 1]]

    def live_ids(self) -> Iterator[str]:
        """Yield the ids of the pictures that are not removed, in order."""
        for which, segment in enumerate(self.segments):
            for image_id, live in zip(segment.ids, self.live_of(which).tolist(), strict=True):
                if live:
                    yield image_id

    def sorted_ids(self) -> Iterator[str]:
        """Yield the ids of the pictures that are not removed, sorted as texts; only those next in turn are read."""
        return heapq.merge(*(self._sorted_ids_of(which) for which in range(len(self.segments))))

    def _sorted_ids_of(self, which: int) -> Iterator[str]:
        ids, live = self.segments[which].ids, self.live_of(which)
        return (ids[row] for row in map(int, ids.order) if live[row])


@dataclass(frozen=True, slots=True)
class LiveVectors:
    """The live vectors of a snapshot. Indexing with a slice or with rows reads them from the segments.

    Attributes
    ----------
    snapshot : Snapshot
    positions : int64 array, shape (n,)
        Position in the snapshot of each row.
    """

    snapshot: Snapshot
    positions: I64

    @classmethod
    def of(cls, snapshot: Snapshot) -> LiveVectors:
        """Return the live vectors of a snapshot."""
        return cls(snapshot, np.flatnonzero(snapshot.live))

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of vectors and of dimensions; 0 dimensions if nothing was ever added."""
        return len(self), self.snapshot.segments[0].descriptors.shape[1] if self.snapshot.segments else 0

    def __getitem__(self, rows: slice | I64) -> F32:
        positions = self.positions[rows]
        which = np.searchsorted(self.snapshot.starts, positions, side="right") - 1
        found = np.empty((len(positions), self.shape[1]), np.float32)
        for at in np.unique(which).tolist():
            inside = which == at
            found[inside] = self.snapshot.segments[at].descriptors[positions[inside] - self.snapshot.starts[at]]
        return found

    @property
    def ids(self) -> list[str]:
        """Ids, one for each row."""
        return list(self.snapshot.live_ids())


#: The snapshot of a model without vectors.
NOTHING = Snapshot((), (), np.zeros(1, np.int64), np.zeros(0, np.bool_))


def open_snapshots(folder: Path, catalogue: Catalogue, known: Mapping[int, Segment]) -> dict[str, Snapshot]:
    """Return the snapshots of what is published now, by model.

    Parameters
    ----------
    folder : Path
    catalogue : Catalogue
    known : mapping of int to Segment
        Open segments by number; those that are still listed are used again.

    Raises
    ------
    CollectionCorruptError
        If a segment is missing or does not agree with the catalogue.
    """
    for attempt in range(_ATTEMPTS):
        listed, tombstones = catalogue.read_at_once(lambda: (catalogue.segments(), catalogue.tombstones()))
        opened: dict[int, Segment] = {}
        try:
            for record in listed:
                opened[record.number] = known.get(record.number) or open_listed(folder, record)
        except CollectionError:
            for number in opened.keys() - known.keys():
                opened[number].close()
            failed = listed[len(opened)].number
            if attempt == _ATTEMPTS - 1 or failed in {record.number for record in catalogue.segments()}:
                raise  # the segment is still listed: another process did not merge it away
            continue
        return {
            model_id: snapshot_of_segments(
                folder,
                own := [record for record in listed if record.model_id == model_id],
                [opened[record.number] for record in own],
                [tombstones.get(record.number, ()) for record in own],
            )
            for model_id in {record.model_id for record in listed}
        }
    raise AssertionError("the last attempt returns or raises")


def snapshot_of_segments(
    folder: Path,
    listed: Sequence[SegmentRecord],
    segments: Sequence[Segment],
    removed: Sequence[Sequence[int]],
) -> Snapshot:
    """Return the snapshot of open segments.

    Parameters
    ----------
    folder : Path
        Of the collection, for messages.
    listed : sequence of SegmentRecord
    segments : sequence of Segment
        Those that are listed.
    removed : sequence of sequences of int
        Rows of the removed pictures of each.

    Raises
    ------
    CollectionCorruptError
        If the removed pictures are not as many as listed, or not in the segment.
    """
    starts = np.cumsum([0] + [len(segment) for segment in segments], dtype=np.int64)
    live = np.ones(int(starts[-1]), dtype=np.bool_)
    for record, rows, start, stop in zip(listed, removed, starts[:-1], starts[1:], strict=True):
        if len(rows) != record.n_removed or any(not 0 <= row < record.n_rows for row in rows):
            raise CollectionCorruptError(
                f"{folder}: the catalogue says that {record.n_removed} pictures of segment {record.number} are removed "
                f"but names {len(rows)}; restore the catalogue or build the collection again"
            )
        live[start:stop][list(rows)] = False
    live.setflags(write=False)
    return Snapshot(tuple(record.number for record in listed), tuple(segments), starts, live)
