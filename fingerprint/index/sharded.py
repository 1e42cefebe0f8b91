"""A sharded collection: several collections, each with its own lock, that are read and changed as one.

All segments of all shards are one part of a search, so the answers are those of a single collection. A picture that is
in a shard stays there; a new one goes to the shard that the hash of its id names.
"""

from __future__ import annotations

import copy
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from fingerprint.config import Config
from fingerprint.errors import CollectionBusyError, ConfigError, UnknownIdError
from fingerprint.index.additions import check_dimensions, check_fingerprints, check_ids, check_other_model
from fingerprint.index.info import StoreInfo
from fingerprint.index.part import PartRecord
from fingerprint.index.reader import Reader, Seen
from fingerprint.index.records import ImageRecord
from fingerprint.index.segment import PictureSegment
from fingerprint.index.shards import is_sharded, read_shards, shard_of
from fingerprint.index.snapshot import NOTHING, Snapshot
from fingerprint.index.writer import Writer
from fingerprint.models import Models
from fingerprint.types import F32, Fingerprint, Identity, Skipped

_COUNTED = ("references", "removed", "segments", "keypoints", "bytes", "segments_by_codes", "segments_by_annoy")


def open_writer(folder: Path, models: Models, config: Config) -> Writer:
    """Open a collection or a sharded one; errors as in `Reader.open`."""
    return (
        ShardedWriter.open_shards(folder, models, config) if is_sharded(folder) else Writer.open(folder, models, config)
    )


class ShardedReader(Reader):
    """Open shards, seen as one collection.

    Attributes
    ----------
    shards : tuple of Reader
    """

    def __init__(self, folder: Path, shards: Sequence[Reader]) -> None:  # no catalogue of its own, so not Reader's
        first = shards[0]
        self.folder, self.shards = folder, tuple(shards)
        self.model_id, self.vocabulary, self.config = first.model_id, first.vocabulary, first.config
        self.keep_local = all(shard.keep_local for shard in shards)
        self._refreshing = threading.Lock()
        self._logged: set[str] = set()
        self._closed = False
        self._combined: tuple[tuple[Seen, ...], Seen] | None = None

    @property
    def _seen(self) -> Seen:  # type: ignore[override] # an attribute of a single collection
        present = tuple(shard._seen for shard in self.shards)  # noqa: SLF001
        known = self._combined
        if known is None or any(now is not before for now, before in zip(present, known[0], strict=True)):
            self._combined = known = present, _combine(present)
        return known[1]

    def pinned(self) -> ShardedReader:
        """Return this reader as it sees all shards now; see `Reader.pinned`."""
        self.check_open()
        found = copy.copy(self)
        found.shards = tuple(shard.pinned() for shard in self.shards)
        return found

    def close(self) -> None:
        """Close all shards."""
        self._closed = True
        for shard in self.shards:
            shard.close()

    def refresh(self) -> None:
        """Take a new snapshot of each shard."""
        with self._refreshing:
            self.check_open()
            for shard in self.shards:
                shard.refresh()

    def skipped(self) -> set[str]:
        """Return the paths of the files that are noted as not added."""
        return set().union(*(shard.skipped() for shard in self.shards))

    def published(self, image_id: str) -> ImageRecord | None:
        """Return the file facts that are published under an id now."""
        found = (shard.published(image_id) for shard in self.shards)
        return next((record for record in found if record is not None), None)

    def record(self, image_id: str) -> ImageRecord | None:
        """Return the file facts of a picture, or None if it is not in the collection."""
        shard = next((shard for shard in self.shards if image_id in shard), None)
        return None if shard is None else shard.record(image_id)

    def listed(self) -> Iterator[str]:
        """Yield the ids in their own order: which shard got a picture first is not known."""
        return self._snapshot.sorted_ids()

    def parts(self, most_bytes: int) -> list[PartRecord]:
        """Divide the segments of all shards into parts; none has segments of two shards."""
        return [part for shard in self.shards for part in shard.parts(most_bytes)]

    def info(self) -> StoreInfo:
        """Return what the shards hold together."""
        each = [shard.info() for shard in self.shards]
        first = each[0]
        counted = {name: sum(getattr(info, name) for info in each) for name in _COUNTED}
        vectors = {item.model_id: item for info in each for item in info.imported}
        imported = tuple(
            replace(
                item,
                vectors=sum(i.vectors for info in each for i in info.imported if i.model_id == name),
                segments=sum(i.segments for info in each for i in info.imported if i.model_id == name),
            )
            for name, item in sorted(vectors.items())
        )
        return replace(
            first,
            path=str(self.folder),
            keep_local_descriptors=self.keep_local,
            skipped=tuple({item.path: item for info in each for item in info.skipped}.values()),
            imported=imported,
            shards=len(each),
            **counted,
        )

    def _frame_paths(self, image_id: str) -> dict[str, str | None]:
        return {name: path for shard in self.shards for name, path in shard._frame_paths(image_id).items()}  # noqa: SLF001

    def _identical(self, identity: Identity, most: int) -> dict[str, bool]:
        found = {name: same for shard in self.shards for name, same in shard._identical(identity, most).items()}  # noqa: SLF001
        return dict(sorted(found.items(), key=lambda item: (not item[1], item[0]))[:most])


def _combine(seen: Sequence[Seen]) -> Seen:
    """Return what all shards see together."""
    model_ids = {model_id: None for shard in seen for model_id in shard.snapshots}
    snapshots = {
        model_id: _concatenate([shard.snapshots.get(model_id, NOTHING) for shard in seen]) for model_id in model_ids
    }
    pictures: tuple[PictureSegment, ...] = tuple(segment for shard in seen for segment in shard.pictures)
    return Seen(snapshots, pictures)


def _concatenate(snapshots: Sequence[Snapshot]) -> Snapshot:
    segments = tuple(segment for snapshot in snapshots for segment in snapshot.segments)
    live = np.concatenate([snapshot.live for snapshot in snapshots])
    live.setflags(write=False)
    return Snapshot(
        tuple(number for snapshot in snapshots for number in snapshot.numbers),
        segments,
        np.cumsum([0] + [len(segment) for segment in segments], dtype=np.int64),
        live,
    )


class ShardedWriter(Writer):
    """Changes shards as one collection. A change is one step in each shard, not in all of them.

    Attributes
    ----------
    reader : ShardedReader
    shards : tuple of Writer
    """

    def __init__(self, folder: Path, shards: Sequence[Writer]) -> None:  # no catalogue of its own, so not Writer's
        self.shards = tuple(shards)
        self.reader = ShardedReader(folder, [shard.reader for shard in shards])
        self._folder = folder

    @classmethod
    def open_shards(cls, folder: Path, models: Models, config: Config) -> ShardedWriter:
        """Open a sharded collection.

        Raises
        ------
        CollectionCorruptError
            If its manifest is damaged.
        CollectionNotFoundError, ModelMismatchError, ConfigError
            As in `Reader.open`, for any of its shards.
        """
        return cls(folder, open_all(folder, read_shards(folder), models, config))

    @property
    def n_shards(self) -> int:
        """Collections that it changes as one."""
        return len(self.shards)

    def close(self) -> None:
        """Close all shards."""
        self.reader.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep all other writers out of all shards; see `Writer.writing`."""
        self.reader.check_open()
        with ExitStack() as stack:
            for shard in self.shards:
                stack.enter_context(shard.writing())
            yield

    @contextmanager
    def adopting(self) -> Iterator[None]:
        """Keep what other processes write for `adopt` in any shard; see `Writer.adopting`."""
        with ExitStack() as stack:
            for shard in self.shards:
                stack.enter_context(shard.adopting())
            yield

    def divide(self, ids: Sequence[str], model_id: str | None = None) -> list[tuple[Writer, list[int]]]:
        """Return the shards that pictures belong to, each with the positions of its ids; see `Writer.divide`."""
        own = self.reader.model_id
        homes: dict[str, int] = {}
        for model in dict.fromkeys((model_id or own, own)):  # a vector is where that of its picture is
            for number, shard in enumerate(self.shards):
                for image_id in shard.live(ids, model):
                    homes.setdefault(image_id, number)
        rows: dict[int, list[int]] = {}
        for position, image_id in enumerate(ids):
            number = homes[image_id] if image_id in homes else shard_of(image_id, len(self.shards))
            rows.setdefault(number, []).append(position)
        return [(self.shards[number], rows[number]) for number in sorted(rows)]

    def live(self, ids: Sequence[str], model_id: str) -> list[str]:
        """Return the ids, of those given, that are in any shard."""
        found = {image_id for shard in self.shards for image_id in shard.live(ids, model_id)}
        return [image_id for image_id in ids if image_id in found]

    def add(
        self,
        fingerprints: Sequence[Fingerprint],
        records: Sequence[ImageRecord],
        replaced: Iterable[str] | None = (),
        *,
        n_workers: int | None = None,
    ) -> list[str]:
        """Add pictures as a new segment of each shard that gets some; see `Writer.add`."""
        ids = [record.image_id for record in records]
        check_fingerprints(self._folder, self.reader.model_id, fingerprints, records)  # before any shard is changed
        check_ids(self._folder, records)
        outgoing = None if replaced is None else set(replaced)
        gone: list[str] = []
        with self.writing():
            for shard, rows in self.divide(ids):
                own = None if outgoing is None else shard.live(sorted(outgoing), self.reader.model_id)
                gone += shard.add([fingerprints[k] for k in rows], [records[k] for k in rows], own, n_workers=n_workers)
        return gone

    def adopt(self, folder: Path, manifest: str, records: Sequence[ImageRecord]) -> list[str]:  # noqa: ARG002
        """Refuse: a segment is adopted by the shard that it belongs to, see `divide`."""
        raise AssertionError(f"{folder}: adopted by a shard, not by {self._folder}")

    def add_vectors(self, model_id: str, ids: Sequence[str], vectors: F32) -> list[str]:
        """Add vectors of another model as a new segment of each shard that gets some; see `Writer.add_vectors`."""
        check_other_model(self._folder, self.reader.model_id, model_id)
        with self.writing():
            check_dimensions(self._folder, model_id, self.reader.snapshot_of(model_id), vectors)
            return [
                image_id
                for shard, rows in self.divide(ids, model_id)
                for image_id in shard.add_vectors(model_id, [ids[k] for k in rows], vectors[rows])
            ]

    def remove(self, ids: Sequence[str], model_id: str | None = None) -> list[str]:
        """Remove pictures from all shards that have them; none if one of the ids is not in the collection."""
        with self.writing():
            models = [model_id] if model_id is not None else self.reader.model_ids
            there = [{i for model in models for i in shard.live(ids, model)} for shard in self.shards]
            known = set().union(*there)
            if (unknown := next((i for i in ids if i not in known), None)) is not None:
                raise UnknownIdError(f"{unknown}: no such id in the collection; nothing was removed", unknown)
            repeated = next((i for i, n in Counter(ids).items() if n > 1), None)
            if repeated is not None:  # as in a single collection, where it is gone at the second time
                raise UnknownIdError(f"{repeated}: no such id in the collection; nothing was removed", repeated)
            for shard, own in zip(self.shards, there, strict=True):
                if own:
                    shard.remove([i for i in ids if i in own], model_id)
            return [i for i in ids for own in there if i in own]

    def note_skipped(self, skipped: Sequence[Skipped]) -> None:
        """Note files that could not be added, each in one shard."""
        for number, shard in enumerate(self.shards):
            own = [item for item in skipped if shard_of(item.path, len(self.shards)) == number]
            if own:
                shard.note_skipped(own)

    def clear_skipped(self, paths: Iterable[str]) -> None:
        """Delete the notes that files could not be added."""
        listed = list(paths)
        for shard in self.shards:
            shard.clear_skipped(listed)

    def note_moved(self, paths: Mapping[str, str]) -> None:
        """Note the new paths of pictures' files, by id."""
        ids = list(paths)
        for shard, rows in self.divide(ids):
            shard.note_moved({ids[k]: paths[ids[k]] for k in rows})

    def compact(self, largest: int | None = None) -> int:
        """Compact each shard; see `Writer.compact`. One that another process writes to is left as it is.

        Raises
        ------
        CollectionBusyError
            If another process writes to some of them. The others are compacted.
        """
        fell, busy = 0, []
        for shard in self.shards:
            try:
                fell += shard.compact(largest)
            except CollectionBusyError:
                busy.append(str(shard.reader.folder))
        if busy:
            raise CollectionBusyError(
                f"{self._folder}: {len(self.shards) - len(busy)} of {len(self.shards)} shards were compacted, but not "
                f"{', '.join(busy)}: another process is writing there; wait until it has ended, and compact again"
            )
        return fell

    def merge_newest(self, n_added: int) -> None:
        """Merge the newest segments of each shard, of which each got a part of what was added."""
        for shard in self.shards:
            shard.merge_newest(-(-n_added // len(self.shards)))


def check_alike(folder: Path, settings: Iterable[tuple[bool, str]]) -> None:
    """Check that shards have those settings in common that a search of all of them needs; see `settings_of`.

    Raises
    ------
    ConfigError
    """
    if len(set(settings)) > 1:
        raise ConfigError(
            f"{folder}: shards with different settings of --keep-local or --descriptor-index; make them alike"
        )


def settings_of(shard: Writer) -> tuple[bool, str]:
    """Return the settings that all shards have in common: whether local descriptors are kept, the descriptor index."""
    return shard.reader.keep_local, shard.reader.config.candidates.descriptor_index


def open_all(folder: Path, places: Sequence[Path], models: Models, config: Config) -> list[Writer]:
    """Open shards; errors as in `ShardedWriter.open_shards`."""
    opened: list[Writer] = []
    try:
        for place in places:
            opened.append(Writer.open(place, models, config))  # noqa: PERF401 - those before are closed if one fails
        check_alike(folder, map(settings_of, opened))
    except BaseException:
        for writer in opened:
            writer.close()
        raise
    return opened
