"""Rewriting the segments of a collection: merging small ones, dividing large ones, dropping removed pictures."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType

import numpy as np

from fingerprint.errors import CollectionCorruptError, CollectionError, ConfigError
from fingerprint.index.layout import raise_format, segment_folder
from fingerprint.index.merge_policy import Part, Rewrite, due_after_adding, due_for_merging, rewrites_to_compact
from fingerprint.index.reader import Reader
from fingerprint.index.records import ImageRecord, SegmentRecord
from fingerprint.index.segment import MAPPED_FROM, segment_problems
from fingerprint.index.segment_merger import Source, merge_segments

resource: ModuleType | None
try:
    import resource
except ImportError:  # pragma: no cover - Windows
    resource = None

_OTHER_FILES = 40  # that a process has open besides those of segments
_log = logging.getLogger(__name__)


class Rewriter:
    """Replaces segments of a collection by others with the same live pictures. All other writers must be kept out.

    Parameters
    ----------
    reader : Reader
        Of the collection; it sees each rewrite as soon as it is published.
    clear_away : callable
        Deletes the segments that are in the folder and not in the catalogue.
    """

    def __init__(self, reader: Reader, clear_away: Callable[[], None]) -> None:
        self._reader = reader
        self._folder = reader.folder
        self._catalogue = reader.catalogue
        self._clear_away = clear_away

    def compact(self, limit: int) -> int:
        """Merge and divide segments, to new ones of at most `limit` pictures; as `Writer.compact`."""
        before = self._catalogue.segments()
        rewrites = rewrites_to_compact(before, limit)
        self._check_open_files(before, rewrites)
        for rewrite in rewrites:
            self._rewrite(rewrite)
        return len(before) - len(self._catalogue.segments())

    def merge_newest(self, n_added: int) -> None:
        """Merge the newest segments of pictures into one if that is quick, at the end of adding `n_added` pictures."""
        self._merge(lambda: due_after_adding(self._catalogue.segments(), self._reader.model_id, n_added))

    def merge_small(self) -> None:
        """Merge the newest segments of a model if many are of similar size."""
        self._merge(lambda: due_for_merging(self._catalogue.segments(), self._reader.config.storage))

    def _merge(self, due: Callable[[], list[SegmentRecord]]) -> None:
        """Merge segments as long as some are due."""
        try:
            while group := due():
                self._rewrite([[Part.whole(segment) for segment in group]])
        except CollectionError as error:  # the pictures are added all the same
            _log.warning("%s: segments could not be merged now, adding will try again (%s)", self._folder, error)

    def _check_open_files(self, before: Sequence[SegmentRecord], rewrites: Sequence[Rewrite]) -> None:
        """Refuse to divide segments if the collection could then not be opened under the limit of open files."""
        n_outputs = sum(len(rewrite) for rewrite in rewrites)
        old = {part.segment.number for rewrite in rewrites for output in rewrite for part in output}
        if n_outputs <= len(old):
            return
        outputs = [output for rewrite in rewrites for output in rewrite]
        outputs += [[Part.whole(segment)] for segment in before if segment.number not in old]
        needed = sum(map(self._open_files, outputs))
        if resource is None:
            return
        allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if allowed != resource.RLIM_INFINITY and needed > allowed - _OTHER_FILES:
            raise ConfigError(
                f"{self._folder}: {len(outputs)} segments need about {needed} open files, and {allowed} are allowed; "
                "give a larger segment size or raise the limit ('ulimit -n')"
            )

    def _open_files(self, output: Sequence[Part]) -> int:
        """Return about how many files stay open for a segment that is written from parts of others."""
        sizes: Counter[str] = Counter()
        for part in output:
            share = (part.stop - part.start) / max(1, part.segment.n_rows)
            for path in segment_folder(self._folder, part.segment.number).glob("*.npy"):
                sizes[path.name] += round(share * path.stat().st_size)
        return sum(size >= MAPPED_FROM for size in sizes.values())

    def _rewrite(self, rewrite: Rewrite) -> None:
        """Replace old segments by new ones, in one step. They are checked first: damage must not get new digests."""
        old = {part.segment.number: part.segment for output in rewrite for part in output}
        for segment in old.values():
            for problem in segment_problems(segment_folder(self._folder, segment.number), segment.manifest):
                raise CollectionCorruptError(
                    f"{problem}; 'fingerprint index check --repair' restores what it can, or restore the file"
                )
        raise_format(self._folder, self._catalogue)
        first = rewrite[0][0].segment
        present = {segment.number: segment.rank for segment in self._catalogue.segments()}
        number, first_rank = self._catalogue.next_number(), present[first.number]  # earlier rewrites change ranks
        try:
            live = {segment.number: self._live_records(segment.number) for segment in old.values()}
            made = [
                (at, _records(output, live), self._write(at, output))
                for at, output in enumerate(rewrite, start=number)
                if any(part.stop > part.start for part in output)
            ]
            with self._catalogue.change():
                for segment in old.values():
                    self._catalogue.drop_segment(segment.number)
                self._catalogue.make_room(first_rank, len(made))
                for rank, (at, records, manifest) in enumerate(made, start=first_rank):
                    self._catalogue.add_segment(at, first.model_id, records, manifest, rank)
        except BaseException:
            self._clear_away()
            raise
        self._reader.refresh()
        self._clear_away()

    def _live_records(self, number: int) -> list[ImageRecord]:
        """Return the file facts of the live pictures of a segment."""
        return [record for record, removed in self._catalogue.records(number) if not removed]

    def _write(self, number: int, output: Sequence[Part]) -> str:
        """Write a new segment from parts of others, and return its manifest."""
        snapshot = self._reader.snapshot_of(output[0].segment.model_id)
        sources = []
        for part in output:
            which = snapshot.numbers.index(part.segment.number)
            kept = np.zeros(len(snapshot.segments[which]), np.bool_)
            kept[np.flatnonzero(snapshot.live_of(which))[part.start : part.stop]] = True
            sources.append(Source(snapshot.segments[which], kept))
        return merge_segments(segment_folder(self._folder, number), sources, self._reader.config)


def _records(output: Sequence[Part], live: Mapping[int, Sequence[ImageRecord]]) -> list[ImageRecord]:
    """Return the file facts of the pictures of a new segment, of those of the old ones by number."""
    return [record for part in output for record in live[part.segment.number][part.start : part.stop]]
