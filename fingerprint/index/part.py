"""A part of a collection: some of its segments, as of one moment, which are searched together.

One process searches all segments as one part. On a cluster each worker searches some of them, and what it names is
merged by id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from fingerprint.config import Config
from fingerprint.errors import CollectionError
from fingerprint.index.candidates import Found, Named, name_candidates, nearest_by_descriptor
from fingerprint.index.layout import open_listed, segment_folder
from fingerprint.index.manifests import corrupt
from fingerprint.index.own_files import CATALOGUE_NAME, SEGMENT_MANIFEST
from fingerprint.index.records import SegmentRecord
from fingerprint.index.segment import PictureSegment
from fingerprint.index.snapshot import Snapshot, snapshot_of_segments
from fingerprint.models import VocabularyModel
from fingerprint.results import Work
from fingerprint.types import Candidate, Fingerprint, Identity, Query
from fingerprint.workers import Kept

#: References from which several threads vote for one query; below, starting them takes as long as they save.
_THREADS_FROM = 50_000
_KEPT_OPEN = 64  # parts that a process keeps open


@dataclass(frozen=True, slots=True)
class PartRecord:
    """What another process needs to open a part of a collection.

    Attributes
    ----------
    folder : Path
        Of the collection.
    segments : tuple of SegmentRecord
    removed : tuple of tuple of int
        Rows of the removed pictures of each segment.
    """

    folder: Path
    segments: tuple[SegmentRecord, ...]
    removed: tuple[tuple[int, ...], ...]


def parts_by_segment(parts: Sequence[PartRecord]) -> dict[Path, int]:
    """Return the position of the part that has each segment, by the segment's folder."""
    return {segment_folder(part.folder, s.number): at for at, part in enumerate(parts) for s in part.segments}


def part_records(
    folder: Path, snapshot: Snapshot, published: Sequence[SegmentRecord], most_bytes: int
) -> list[PartRecord]:
    """Divide a snapshot as `fingerprint.index.reader.Reader.parts` says; `published` are the segments listed now."""
    listed = {record.number: record for record in published}
    parts: list[PartRecord] = []
    room = 0
    for which, number in enumerate(snapshot.numbers):
        record = listed.get(number)
        if record is None:
            raise CollectionError(f"{folder}: another process has just merged segments of it; search again")
        rows = tuple(np.flatnonzero(~snapshot.live_of(which)).tolist())
        record = replace(record, n_removed=len(rows))  # as of the snapshot
        size = sum(path.stat().st_size for path in segment_folder(folder, number).iterdir())
        if parts and size <= room:
            last = parts[-1]
            parts[-1] = replace(last, segments=(*last.segments, record), removed=(*last.removed, rows))
            room -= size
        else:
            parts.append(PartRecord(folder.absolute(), (record,), (rows,)))
            room = most_bytes - size
    return parts


def open_part(record: PartRecord, vocabulary: VocabularyModel, config: Config) -> Part:
    """Open a part of a collection as `Part.open` does, or return it if this process has it open."""
    return _open.get((record, config), lambda: Part.open(record, vocabulary, config))


@dataclass(frozen=True, slots=True)
class Part:
    """Open segments of pictures that are searched together.

    Attributes
    ----------
    snapshot : Snapshot
    pictures : tuple of PictureSegment
        The segments of the snapshot.
    vocabulary : VocabularyModel
        With which they were made.
    config : Config
    """

    snapshot: Snapshot
    pictures: tuple[PictureSegment, ...]
    vocabulary: VocabularyModel
    config: Config

    def __len__(self) -> int:
        """Return the number of pictures, removed ones too."""
        return len(self.snapshot)

    @classmethod
    def open(cls, record: PartRecord, vocabulary: VocabularyModel, config: Config) -> Part:
        """Open a part of a collection.

        Raises
        ------
        CollectionError
            If a segment is gone: another process has merged it away.
        CollectionCorruptError
            If a segment is damaged.
        """
        opened = [open_listed(record.folder, listed) for listed in record.segments]
        pictures = tuple(segment for segment in opened if isinstance(segment, PictureSegment))
        if len(pictures) < len(opened):
            raise corrupt(record.folder / SEGMENT_MANIFEST, "a segment is not of pictures")
        snapshot = snapshot_of_segments(record.folder, record.segments, opened, record.removed)
        return cls(snapshot, pictures, vocabulary, config)

    def nearest_by_descriptor(self, queries: Sequence[Query], *, exact: bool) -> list[list[tuple[int, float]]]:
        """Return for each query (position, squared distance) of the nearest references, found for all at once."""
        if not queries:
            return []
        vectors = np.stack([query.descriptor for query in queries])
        return nearest_by_descriptor(vectors, self.snapshot, self.config, exact=exact)

    def name(
        self,
        query: Query,
        *,
        exact: bool,
        by_descriptor: Sequence[tuple[int, float]] | None = None,
        n_references: int | None = None,
        n_threads: int = 1,
    ) -> tuple[Named[int], Work]:
        """Return what each source names for a query, by position, as `fingerprint.index.candidates` says."""
        return name_candidates(
            query,
            self.pictures,
            self.snapshot,
            self.vocabulary,
            self.config,
            exact=exact,
            by_descriptor=by_descriptor,
            n_references=n_references,
            n_threads=n_threads if len(self) >= _THREADS_FROM else 1,
        )

    def by_id(self, named: Named[int]) -> Named[str]:
        """Return what the sources name by ids rather than positions."""
        ids = self.snapshot
        return Named(
            [(ids[position], score, variants) for position, score, variants in named.by_keypoints],
            [(ids[position], squared) for position, squared in named.by_descriptor],
            [(ids[position], bits) for position, bits in named.by_hashes],
        )

    def by_position(self, found: Sequence[Found[str]]) -> list[Found[int]]:
        """Return candidates by positions rather than ids; all ids are in the part."""
        return [Found(self._position(item.name), item.variants, item.always_verified) for item in found]

    def candidates(self, found: Sequence[Found[int]]) -> list[Candidate]:
        """Return candidates with their keypoints."""
        places = [self.snapshot.locate(item.name) for item in found]
        rows: dict[int, list[int]] = {}
        for which, row in places:
            rows.setdefault(which, []).append(row)
        for which, needed in rows.items():
            self.pictures[which].will_need(needed)
        candidates = []
        for item, (which, row) in zip(found, places, strict=True):
            keypoints = self.pictures[which].keypoints(row)
            candidates.append(
                Candidate(
                    reference_id=self.pictures[which].ids[row],
                    keypoints=keypoints,
                    variants=item.variants,
                    always_verified=item.always_verified,
                    load=partial(self.pictures[which].fingerprint, row, keypoints),
                )
            )
        return candidates

    def fingerprint(self, image_id: str, identity: Identity | None = None) -> Fingerprint:
        """Return the fingerprint of a picture in the part, with its identity if that is known."""
        which, row = self.snapshot.locate(self._position(image_id))
        found = self.pictures[which].fingerprint(row)
        return found if identity is None else replace(found, identity=identity)

    def folder_of(self, image_id: str) -> Path:
        """Return the folder of the collection that has a picture of the part."""
        which, _ = self.snapshot.locate(self._position(image_id))
        return self.pictures[which].folder.parent.parent

    def _position(self, image_id: str) -> int:
        position = self.snapshot.position(image_id)
        if position is None:
            folder = self.pictures[0].folder.parent.parent if self.pictures else Path()
            raise corrupt(folder / CATALOGUE_NAME, f"it names {image_id!r}, which no segment has")
        return position


_open: Kept[Part] = Kept(_KEPT_OPEN)
