"""The writer of a collection on disk: it creates, adds, removes and merges, in one process at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from fingerprint.config import Config
from fingerprint.errors import CollectionError, ConfigError
from fingerprint.files.atomic import flush_folder
from fingerprint.index.additions import check_dimensions, check_fingerprints, check_ids, check_other_model
from fingerprint.index.atomic_folder import reported
from fingerprint.index.layout import raise_format, segment_folder
from fingerprint.index.lock import WriterLock
from fingerprint.index.new_folder import check_empty, make_empty
from fingerprint.index.own_files import INCOMING_NAME, SEGMENTS_NAME, discard, is_segment_name
from fingerprint.index.reader import Reader
from fingerprint.index.records import ImageRecord
from fingerprint.index.rewriter import Rewriter
from fingerprint.index.segment_writer import write_pictures, write_vectors
from fingerprint.models import Models
from fingerprint.types import F32, Fingerprint, Skipped

_log = logging.getLogger(__name__)


class Writer:
    """Changes a collection through a reader, which sees each change as soon as it is published.

    Close it, or use it in a ``with`` statement; the reader is closed with it.

    Attributes
    ----------
    reader : Reader
    """

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._folder = reader.folder
        self._catalogue = reader.catalogue
        self._lock = WriterLock(reader.folder)
        self._rewriter = Rewriter(reader, self._clear_away)
        self._adopting = False

    @classmethod
    def create(cls, folder: Path, models: Models, config: Config) -> Writer:
        """Make an empty collection in a new or empty folder, and open it.

        Raises
        ------
        CollectionExistsError
            If there is anything in `folder`, except what an interrupted call left.
        CollectionError
            If the folder cannot be written to.
        """
        check_empty(folder)
        with reported(folder):
            folder.mkdir(parents=True, exist_ok=True)
        lock = WriterLock(folder)
        lock.acquire()
        try:
            check_empty(folder)  # again, as another process may have made one before the lock was held
            make_empty(folder, models, config)
        finally:
            lock.release()
        return cls(Reader(folder, models, config, keep_local=config.storage.keep_local_descriptors))

    @classmethod
    def open(cls, folder: Path, models: Models, config: Config) -> Writer:
        """Open a collection; parameters and errors as in `Reader.open`."""
        return cls(Reader.open(folder, models, config))

    @property
    def n_shards(self) -> int:
        """Collections that it changes as one."""
        return 1

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the reader."""
        self.reader.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep all other writers out, after a refresh of the reader. May be nested.

        Raises
        ------
        CollectionBusyError
            If another process, or another object of this one, is writing.
        CollectionError
            If the reader is closed.
        """
        self.reader.check_open()
        self._lock.acquire()
        try:
            if self._lock.depth == 1:
                with reported(self._folder):
                    self._sweep()
                self.reader.refresh()
            yield
        finally:
            self._lock.release()

    def _sweep(self) -> None:
        """Delete segments that are not in the catalogue: a writer that died has left them.

        Anything else in the folder stays: the collection did not make it.
        """
        listed = {segment_folder(self._folder, s.number).name for s in self._catalogue.segments()}
        for left in list((self._folder / SEGMENTS_NAME).iterdir()):
            if left.name not in listed:
                _discard(left)
        incoming = self._folder / INCOMING_NAME
        if not self._adopting and incoming.exists():
            gone = [_discard(left) for left in list(incoming.iterdir())]
            if all(gone):
                incoming.rmdir()

    def _clear_away(self) -> None:
        """Sweep after a change. If that fails, it is only logged, as the change itself is not affected."""
        try:
            self._sweep()
        except (CollectionError, OSError) as error:
            _log.warning("%s: files that are no longer needed stay until the next change (%s)", self._folder, error)

    def add(
        self,
        fingerprints: Sequence[Fingerprint],
        records: Sequence[ImageRecord],
        replaced: Iterable[str] | None = (),
        *,
        n_workers: int | None = None,
    ) -> list[str]:
        """Add pictures as a new segment and remove those that they replace, in one step.

        Parameters
        ----------
        fingerprints, records : sequences
            One of each for every picture.
        replaced : iterable of str or None
            Ids to remove; None for those of `records` that are in the collection when it is written.
        n_workers : int, optional
            Threads that look up words; one for each core by default. The bytes on disk do not depend on it.

        Returns
        -------
        list of str
            The ids that were removed.

        Raises
        ------
        ModelMismatchError
            If a fingerprint is of another model.
        CollectionBusyError
            If another process is writing.
        UnknownIdError
            If an id to remove is not in the collection.
        CollectionError
            If an id is in the collection and not replaced, a fingerprint has no local descriptors, or writing fails.
        """
        check_fingerprints(self._folder, self.reader.model_id, fingerprints, records)
        if not fingerprints:
            return []
        ids = [record.image_id for record in records]

        def write(number: int) -> str:
            return write_pictures(
                segment_folder(self._folder, number),
                ids,
                fingerprints,
                self.reader.vocabulary,
                self.reader.config,
                keep_local=self.reader.keep_local,
                n_workers=n_workers,
            )

        return self._add_segment(records, replaced, write)

    def divide(self, ids: Sequence[str], model_id: str | None = None) -> list[tuple[Writer, list[int]]]:  # noqa: ARG002
        """Return the writers that publish pictures, each with the positions of its ids: this one, with all of them."""
        return [(self, list(range(len(ids))))] if len(ids) else []

    def live(self, ids: Sequence[str], model_id: str) -> list[str]:
        """Return the ids, of those given, that are in the collection now."""
        return self._catalogue.live(ids, model_id)

    @contextmanager
    def adopting(self) -> Iterator[None]:
        """Keep what other processes write for `adopt`; what is not adopted in the end is deleted."""
        with self.writing():
            self._adopting = True
            try:
                yield
            finally:
                self._adopting = False
                self._clear_away()

    def adopt(self, folder: Path, manifest: str, records: Sequence[ImageRecord]) -> list[str]:
        """Publish a segment that another process has written, as `add` does with ``replaced=None``.

        Parameters
        ----------
        folder : Path
            An `fingerprint.index.layout.incoming_folder` of the collection, made by `write_pictures`.
        manifest : str
            Its manifest, as that process has returned it.
        records : sequence of ImageRecord
            Of its pictures.
        """

        def take(number: int) -> str:
            final = segment_folder(self._folder, number)
            with reported(folder):
                folder.rename(final)
                flush_folder(final.parent)
            return manifest

        return self._add_segment(records, None, take)

    def _add_segment(
        self, records: Sequence[ImageRecord], replaced: Iterable[str] | None, write: Callable[[int], str]
    ) -> list[str]:
        """Add a segment of pictures that `write` puts on disk under a number; it returns the manifest."""
        check_ids(self._folder, records)
        with self.writing():
            known = self._catalogue.live([record.image_id for record in records], self.reader.model_id)
            outgoing = known if replaced is None else list(replaced)
            clashes = set(known).difference(outgoing)
            if clashes:
                raise CollectionError(
                    f"{min(clashes)}: already in the collection {self._folder}; remove it first or choose another id"
                )
            raise_format(self._folder, self._catalogue)
            number = self._catalogue.next_number()
            self._publish(number, self.reader.model_id, records, write(number), outgoing)
            self._rewriter.merge_small()
        return outgoing

    def add_vectors(self, model_id: str, ids: Sequence[str], vectors: F32) -> list[str]:
        """Add vectors of another model as a new segment; they replace stored ones with the same ids.

        Parameters
        ----------
        model_id : str
            Not the collection's own model.
        ids : sequence of str
            Each once; they need not be ids of pictures.
        vectors : float32 array, shape (n, d)
            With as many dimensions as the stored vectors of that model.

        Returns
        -------
        list of str
            The ids that were removed.

        Raises
        ------
        ModelMismatchError
            If the dimensions differ from those of stored vectors, or the model is the collection's own.
        CollectionBusyError, CollectionError
        """
        check_other_model(self._folder, self.reader.model_id, model_id)
        if not len(ids):
            return []
        with self.writing():
            check_dimensions(self._folder, model_id, self.reader.snapshot_of(model_id), vectors)
            outgoing = self._catalogue.live(ids, model_id)
            raise_format(self._folder, self._catalogue)
            number = self._catalogue.next_number()
            manifest = write_vectors(segment_folder(self._folder, number), ids, vectors, model_id, self.reader.config)
            records = [ImageRecord(image_id, None, None, None, 0, 0) for image_id in ids]
            self._publish(number, model_id, records, manifest, outgoing)
            self._rewriter.merge_small()
        return outgoing

    def _publish(
        self, number: int, model_id: str, records: Sequence[ImageRecord], manifest: str, outgoing: Sequence[str]
    ) -> None:
        """Enter a segment that is on disk in the catalogue, and delete it if that fails."""
        try:
            with self._catalogue.change():
                self._catalogue.remove(outgoing, model_id)
                self._catalogue.add_segment(number, model_id, records, manifest)
                if model_id == self.reader.model_id:  # an imported vector does not mean that the file can be read
                    for record in records:
                        self._catalogue.clear_skipped(record.path or record.image_id)
        except BaseException:
            self._clear_away()  # deletes the segment, unless Ctrl-C came right after it was published
            raise
        self.reader.refresh()

    def remove(self, ids: Sequence[str], model_id: str | None = None) -> list[str]:
        """Remove pictures, for all models or for one; none if one of the ids is not in the collection.

        Returns
        -------
        list of str
            The ids of what was removed; an id that two shards had is there twice.

        Raises
        ------
        UnknownIdError, CollectionBusyError
        """
        with self.writing():
            with self._catalogue.change():
                self._catalogue.remove(ids, model_id)
            self.reader.refresh()
        return list(ids)

    def note_skipped(self, skipped: Sequence[Skipped]) -> None:
        """Note files that could not be added, for `Reader.info`."""
        with self.writing(), self._catalogue.change():
            for item in skipped:
                self._catalogue.set_skipped(item.path, item.reason)

    def clear_skipped(self, paths: Iterable[str]) -> None:
        """Delete the notes that files could not be added."""
        with self.writing(), self._catalogue.change():
            for path in paths:
                self._catalogue.clear_skipped(path)

    def note_moved(self, paths: Mapping[str, str]) -> None:
        """Note the new paths of pictures' files, by id."""
        with self.writing(), self._catalogue.change():
            self._catalogue.set_paths(paths, self.reader.model_id)

    def compact(self, largest: int | None = None) -> int:
        """Merge segments, divide those that are too large and drop removed pictures, while readers continue.

        Each rewrite is published by itself, so an interruption undoes only the one under way.

        Parameters
        ----------
        largest : int, optional
            Largest number of pictures in a new segment; `StorageConfig.compact_to` by default.

        Returns
        -------
        int
            By how much the number of segments fell; negative if it rose, as large ones were divided.

        Raises
        ------
        CollectionBusyError, CollectionError
        ConfigError
            If `largest` is below 1, or so small that the collection would need more open files than allowed.
        """
        limit = self.reader.config.storage.compact_to if largest is None else largest
        if limit < 1:
            raise ConfigError(f"the largest number of pictures in a segment is {limit}, it must be >= 1")
        with self.writing():
            return self._rewriter.compact(limit)

    def merge_newest(self, n_added: int) -> None:
        """Merge the newest segments of pictures into one if that is quick, at the end of adding `n_added` pictures."""
        if not self.reader.config.storage.merge_at_end:
            return
        with self.writing():
            self._rewriter.merge_newest(n_added)


def _discard(left: Path) -> bool:
    """Delete a segment that is not needed; anything else stays. Returns whether nothing is left."""
    gone = is_segment_name(left.name) and discard(left)
    if not gone:
        _log.info("%s: not made by the collection; it stays", left)
    return gone
