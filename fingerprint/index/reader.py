"""The reader of a collection on disk: its contents, and the candidates of a query."""

from __future__ import annotations

import copy
import logging
import math
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from fingerprint.config import Config, description_digest
from fingerprint.errors import CollectionError, ConfigError, ModelMismatchError
from fingerprint.images.frame_paths import split_frame
from fingerprint.index.candidates import count_ways, how_compared, nearest_vectors
from fingerprint.index.catalogue import Catalogue
from fingerprint.index.info import Neighbour, StoreInfo, VectorsInfo
from fingerprint.index.layout import is_noted, segment_folder
from fingerprint.index.manifests import corrupt, read_collection_manifest, with_own_index
from fingerprint.index.own_files import CATALOGUE_NAME, COLLECTION_MANIFEST, SEGMENT_MANIFEST
from fingerprint.index.part import Part, PartRecord, part_records
from fingerprint.index.records import ImageRecord, storable
from fingerprint.index.segment import PictureSegment
from fingerprint.index.snapshot import NOTHING, LiveVectors, Snapshot, open_snapshots
from fingerprint.models import Models
from fingerprint.results import Work
from fingerprint.types import F32, Candidate, Fingerprint, Identity, Query, Skipped, is_unicode

_log = logging.getLogger(__name__)
_SAME_BYTES = 20  # files with the same bytes among which one is looked for


@dataclass(frozen=True, slots=True)
class Seen:
    """What a reader sees as of one moment: the snapshots by model, and the segments of the collection's own model."""

    snapshots: Mapping[str, Snapshot]
    pictures: tuple[PictureSegment, ...]


class Reader:
    """An open collection, seen as a snapshot; close it, or use it in a ``with`` statement.

    A `fingerprint.index.writer.Writer` changes the collection through it. Several threads may use it: each call works
    with the snapshot that it finds, and `pinned` gives one that stays. A segment that a snapshot no longer has is not
    closed, as another thread may be searching in it; it goes with the last that refers to it.

    Attributes
    ----------
    folder : Path
    model_id : str
        Of the collection's own model.
    keep_local : bool
        Whether the collection keeps local descriptors.
    config : Config
        With the ``descriptor_index`` of the collection.
    vocabulary : VocabularyModel
        Of the collection's own model.
    catalogue : Catalogue
    """

    def __init__(self, folder: Path, models: Models, config: Config, *, keep_local: bool) -> None:
        self.folder = folder
        self.model_id = models.model_id
        self.keep_local = keep_local
        self.config = config
        self.vocabulary = models.vocabulary
        self._seen = Seen({}, ())  # replaced as a whole
        self._refreshing = threading.Lock()
        self._logged: set[str] = set()
        self._closed = False
        self.catalogue = Catalogue(folder / CATALOGUE_NAME)
        try:
            self.refresh()
        except BaseException:
            self.catalogue.close()
            raise

    @classmethod
    def open(cls, folder: Path, models: Models, config: Config) -> Reader:
        """Open a collection and check that it was made by this model with these settings.

        Raises
        ------
        CollectionNotFoundError, CollectionCorruptError, ModelMismatchError, ConfigError
        """
        manifest, text = read_collection_manifest(folder)
        catalogue = Catalogue(folder / CATALOGUE_NAME)
        try:
            noted = is_noted(catalogue, text)
        finally:
            catalogue.close()
        if not noted:
            raise corrupt(folder / COLLECTION_MANIFEST, "its bytes have changed since it was written")
        if manifest["model_id"] != models.model_id:
            raise ModelMismatchError(
                f"{folder}: made by model {manifest['model_id']}, opened with {models.model_id}; "
                "use the models that made it (--models DIR) or build the collection again"
            )
        if manifest["features"] != description_digest(config):
            raise ConfigError(
                f"{folder}: made with the settings {manifest['features']}, opened with "
                f"{description_digest(config)}; use the same settings or build the collection again"
            )
        config = with_own_index(config, manifest)
        return cls(folder, models, config, keep_local=manifest["keep_local_descriptors"])

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return self._snapshot.n_live

    def __contains__(self, image_id: str) -> bool:
        return self._snapshot.position(image_id) is not None

    @property
    def _snapshot(self) -> Snapshot:
        return self.snapshot_of(self.model_id)

    def snapshot_of(self, model_id: str) -> Snapshot:
        """Return the snapshot of a model, an empty one if there are no vectors of it.

        Raises
        ------
        CollectionError
            If the reader is closed.
        """
        self.check_open()
        return self._seen.snapshots.get(model_id, NOTHING)

    def pinned(self) -> Reader:
        """Return this reader as it sees the collection now, whatever others publish; do not refresh or close it.

        It keeps the segments of its snapshot open, also those that others merge away.
        """
        self.check_open()
        return copy.copy(self)

    def close(self) -> None:
        """Close the catalogue; segments are closed when no search uses them any more."""
        self._closed = True
        self._seen = Seen({}, ())
        self.catalogue.close()

    @property
    def closed(self) -> bool:
        """Whether the reader was closed."""
        return self._closed

    def check_open(self) -> None:
        """Raise `CollectionError` if the reader is closed."""
        if self._closed:
            raise CollectionError(f"{self.folder}: this collection was closed; open it again")

    def refresh(self) -> None:
        """Take a new snapshot, which shows what was published since the last one.

        Raises
        ------
        CollectionCorruptError
            If a segment is missing or damaged; the snapshot stays as it was.
        CollectionError
            If the reader is closed.
        """
        with self._refreshing:  # of two at a time, the later one must not be overtaken
            self.check_open()
            self._seen = self._latest()

    def _latest(self) -> Seen:
        known = {
            number: segment
            for snapshot in self._seen.snapshots.values()
            for number, segment in zip(snapshot.numbers, snapshot.segments, strict=True)
        }
        snapshots = open_snapshots(self.folder, self.catalogue, known)
        own = snapshots.get(self.model_id, NOTHING)
        pictures = tuple(segment for segment in own.segments if isinstance(segment, PictureSegment))
        if len(pictures) < len(own.segments):
            bare = next(i for i, segment in enumerate(own.segments) if not isinstance(segment, PictureSegment))
            raise corrupt(segment_folder(self.folder, own.numbers[bare]) / SEGMENT_MANIFEST, "it is not of pictures")
        return Seen(snapshots, pictures)

    @property
    def ids(self) -> list[str]:
        """Ids of the pictures in the collection, in the order in which they were added."""
        return list(self._snapshot.live_ids())

    def listed(self) -> Iterator[str]:
        """Yield the ids as they are listed: in the order in which they were added."""
        return self._snapshot.live_ids()

    @property
    def longest_id(self) -> int:
        """Approximate length of the longest ids, in bytes: the largest mean of any segment."""
        means = [-(-len(segment.ids.text) // max(1, len(segment))) for segment in self._snapshot.segments]
        return max(means, default=0)

    def has_under_other_id(self, record: ImageRecord) -> bool:
        """Return whether the same file, with the same bytes, is published under another id."""
        if record.path is None or record.content is None:
            return False
        ids = self._identical(Identity(record.content, None), _SAME_BYTES)
        others = (self.published(image_id) for image_id in ids if image_id != record.image_id)
        return any(other is not None and other.path == storable(record.path) for other in others)

    def skipped(self) -> set[str]:
        """Return the paths of the files that are noted as not added; those that are not UTF-8 are escaped."""
        return {path for path, _ in self.catalogue.skipped()}

    def published(self, image_id: str) -> ImageRecord | None:
        """Return the file facts that are published under an id now; the snapshot may be older."""
        return self.catalogue.find(image_id, self.model_id)

    def frames_of(self, image_id: str) -> list[str]:
        """Return the ids of the frames of a picture's file that are published as pictures of their own."""
        if not is_unicode(image_id):
            return []
        record = self.published(image_id)
        if record is None or record.path is None:
            return []
        found = self._frame_paths(image_id)
        # who chooses ids may choose any: a frame has a path in the file
        return [name for name, path in found.items() if path is not None and split_frame(path)[0] == record.path]

    def record(self, image_id: str) -> ImageRecord | None:
        """Return the file facts of a picture, or None if it is not in the collection.

        Raises
        ------
        CollectionCorruptError
            If the catalogue has another id in its place.
        CollectionError
            If another process has removed it and compacted the collection since this snapshot was taken.
        """
        snapshot = self._snapshot
        position = snapshot.position(image_id)
        if position is None:
            return None
        which, row = snapshot.locate(position)
        found = self.catalogue.record(snapshot.numbers[which], row) or self.catalogue.find(image_id, self.model_id)
        if found is None:
            raise CollectionError(
                f"{image_id}: another process has removed it from {self.folder} meanwhile; open the collection again"
            )
        if found.image_id != image_id:
            what = f"row {row} of segment {snapshot.numbers[which]} is {found.image_id!r}, in the segment {image_id!r}"
            raise corrupt(self.folder / CATALOGUE_NAME, what)
        return found

    def fingerprint(self, image_id: str) -> Fingerprint | None:
        """Return the fingerprint of a picture, or None if it is not in the collection."""
        snapshot, pictures = self._own()
        position = snapshot.position(image_id)
        return None if position is None else _at(position, snapshot, pictures)

    def _own(self) -> tuple[Snapshot, tuple[PictureSegment, ...]]:
        """Return the snapshot of the collection's own model, and its segments, as of one moment."""
        self.check_open()
        seen = self._seen
        return seen.snapshots.get(self.model_id, NOTHING), seen.pictures

    def whole(self) -> Part:
        """Return all segments of the collection's own model as one part."""
        snapshot, pictures = self._own()
        return Part(snapshot, pictures, self.vocabulary, self.config)

    def parts(self, most_bytes: int) -> list[PartRecord]:
        """Divide the segments of the collection's own model into parts that other processes can open.

        Parameters
        ----------
        most_bytes : int
            Neighbouring segments are one part as long as their files are no larger than this together; a larger segment
            is a part by itself.

        Raises
        ------
        CollectionError
            If another process has just merged a segment away.
        """
        return part_records(self.folder, self._snapshot, self.catalogue.segments(), most_bytes)

    def nearest_by_descriptor(self, queries: Sequence[Query], *, exact: bool = False) -> list[list[tuple[int, float]]]:
        """Return for each query the `by_descriptor` of `select_candidates`, found for all queries at once."""
        if queries:
            self.log_how(len(queries), exact=exact)
        return self.whole().nearest_by_descriptor(queries, exact=exact)

    def select_candidates(
        self,
        query: Query,
        *,
        exact: bool = False,
        by_descriptor: Sequence[tuple[int, float]] | None = None,
        n_threads: int = 1,
    ) -> tuple[list[Candidate], Work]:
        """Return the candidates of a query, the most promising first, and the work that it took.

        Parameters
        ----------
        query : Query
            Described by the collection's model.
        exact : bool
            Compare with every descriptor, rather than use codes or Annoy in large segments.
        by_descriptor : sequence of (int, float), optional
            What `nearest_by_descriptor` returned for this query.
        n_threads : int, >= 1
            Threads that vote on the segments of a large collection.

        Returns
        -------
        candidates : list of Candidate
        work : Work
            Of the stages and counters that `fingerprint.index.candidates` names.

        Raises
        ------
        ModelMismatchError
            If the query was described by another model.
        """
        self.check_described(query)
        if by_descriptor is None:
            self.log_how(1, exact=exact)
        part = self.whole()
        named, work = part.name(query, exact=exact, by_descriptor=by_descriptor, n_threads=n_threads)
        return part.candidates(named.union()), work

    def check_described(self, query: Query) -> None:
        """Check that a query was described by the collection's model.

        Raises
        ------
        ModelMismatchError
        """
        if query.model_id != self.model_id:
            raise ModelMismatchError(
                f"{query.name} was described by model {query.model_id}, the collection {self.folder} "
                f"is of {self.model_id}; describe it with the collection's model"
            )

    def _identical(self, identity: Identity, most: int) -> dict[str, bool]:
        """Return what the catalogue names as identical; it may have been published after the snapshot was taken."""
        return self.catalogue.identical(identity, self.model_id, most)

    def _frame_paths(self, image_id: str) -> dict[str, str | None]:
        return self.catalogue.frames_of(image_id, self.model_id)

    def segment_of(self, image_id: str) -> Path:
        """Return the folder of the segment that has a picture of the snapshot."""
        snapshot = self._snapshot
        position = snapshot.position(image_id)
        if position is None:
            raise AssertionError(f"{image_id} is in the snapshot")
        return snapshot.segments[snapshot.locate(position)[0]].folder.absolute()

    def known_identical(self, identity: Identity | None, most: int) -> list[tuple[str, Identity]]:
        """Return the ids of at most `most` pictures with the same bytes or pixels as a query, or with both.

        Parameters
        ----------
        identity : Identity or None
            Of the query.
        most : int

        Returns
        -------
        list of (id, Identity)
            The same bytes first, then by id, each with what of the identity is the same.
        """
        if identity is None:
            return []
        return [
            (image_id, identity if same_bytes else replace(identity, content=None))
            for image_id, same_bytes in self._identical(identity, most).items()
            if image_id in self  # otherwise it was added after this snapshot was taken
        ]

    def vectors(self, model_id: str | None = None) -> tuple[list[str], F32]:
        """Return the ids and vectors of the collection's own or another model: float32 array, shape (n, d).

        Raises
        ------
        ModelMismatchError
            If there are no vectors of that model.
        """
        own = self.live_vectors(model_id)
        return own.ids, own[:]

    def live_vectors(self, model_id: str | None = None) -> LiveVectors:
        """Return the vectors to be read part by part; later removals and merges do not change them.

        Raises
        ------
        ModelMismatchError
            If there are no vectors of that model.
        """
        wanted = self.model_id if model_id is None else model_id
        if wanted not in self.model_ids:
            raise ModelMismatchError(f"{self.folder}: no vectors of {wanted}; there are {', '.join(self.model_ids)}")
        return LiveVectors.of(self.snapshot_of(wanted))

    @property
    def model_ids(self) -> list[str]:
        """The collection's own model, and those whose vectors were imported."""
        self.check_open()
        return sorted({*self._seen.snapshots, self.model_id})

    def nearest_vectors(self, vectors: F32, model_id: str, k: int, *, exact: bool = False) -> list[list[Neighbour]]:
        """Return for each query the references with the nearest vectors of a model, nearest first, ties by id.

        Parameters
        ----------
        vectors : float32 array, shape (n_q, d)
            Of the queries, of the same model.
        model_id : str
            The collection's own, or one whose vectors were imported.
        k : int, >= 1
            References for a query.
        exact : bool
            Compare all vectors, rather than use codes or Annoy in large segments.

        Raises
        ------
        ModelMismatchError
            If there are no vectors of that model, or they have another number of dimensions.
        """
        snapshot = self.snapshot_of(model_id)
        if not snapshot.segments:
            raise ModelMismatchError(f"{self.folder}: no vectors of {model_id}; import them first")
        dimension = snapshot.segments[0].descriptors.shape[1]
        if vectors.shape[1] != dimension:
            raise ModelMismatchError(
                f"{self.folder}: vectors of {model_id} have {dimension} dimensions, the queries {vectors.shape[1]}"
            )
        self._log_once(how_compared(snapshot, len(vectors), self.config, exact=exact))
        found = nearest_vectors(vectors, snapshot, k, self.config, exact=exact)
        return [[Neighbour(snapshot[position], math.sqrt(squared)) for position, squared in own] for own in found]

    def log_how(self, n_queries: int, *, exact: bool) -> None:
        """Log how the descriptors of this many queries are compared with those of the collection."""
        self._log_once(how_compared(self._snapshot, n_queries, self.config, exact=exact))

    def _log_once(self, how: str) -> None:
        """Log each way of comparing once, not for each query."""
        if how not in self._logged:
            self._logged.add(how)
            _log.info("descriptors: %s", how)

    def info(self) -> StoreInfo:
        """Return what the collection holds."""
        self.check_open()
        seen = self._seen
        snapshot = seen.snapshots.get(self.model_id, NOTHING)
        ways = count_ways(snapshot, 1, self.config, exact=False)
        return StoreInfo(
            path=str(self.folder),
            model_id=self.model_id,
            references=snapshot.n_live,
            removed=len(snapshot) - snapshot.n_live,
            segments=len(snapshot.segments),
            keypoints=sum(int(segment.offsets[-1]) for segment in seen.pictures),
            bytes=_size(self.folder),
            keep_local_descriptors=self.keep_local,
            descriptor_index=self.config.candidates.descriptor_index,
            segments_by_codes=ways["codes"],
            segments_by_annoy=ways["annoy"],
            skipped=tuple(Skipped(path, reason) for path, reason in self.catalogue.skipped()),
            imported=tuple(
                VectorsInfo(model_id, own.n_live, own.segments[0].descriptors.shape[1], len(own.segments))
                for model_id, own in sorted(seen.snapshots.items())
                if model_id != self.model_id
            ),
        )


def _at(position: int, snapshot: Snapshot, pictures: Sequence[PictureSegment]) -> Fingerprint:
    which, row = snapshot.locate(position)
    return pictures[which].fingerprint(row)


def _size(folder: Path) -> int:
    """Return the size of a collection in bytes. Another process may be deleting files in it.

    The side files that SQLite keeps only while the catalogue is open are not counted.
    """
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            if not name.startswith(CATALOGUE_NAME) or name == CATALOGUE_NAME:
                with suppress(FileNotFoundError):
                    total += Path(path, name).stat().st_size
    return total
