"""A collection on disk: segments and their catalogue, opened, added to, and asked for candidates."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fingerprint.config import Config, description_digest
from fingerprint.errors import (
    CollectionCorruptError,
    CollectionError,
    CollectionExistsError,
    ConfigError,
    ModelMismatchError,
)
from fingerprint.index.candidates import nearest_by_descriptor, select_candidates
from fingerprint.index.catalogue import CATALOGUE_NAME, Catalogue, ImageRecord
from fingerprint.index.layout import (
    FORMAT_VERSION,
    MANIFEST_NAME,
    SEGMENTS_NAME,
    open_listed,
    read_manifest,
    segment_folder,
)
from fingerprint.index.segment import Segment, write_segment
from fingerprint.models import Models
from fingerprint.types import F32, Bool, Candidate, Fingerprint, Query, Skipped


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """What a collection holds.

    Attributes
    ----------
    path : str
    model_id : str
    references : int
        Pictures that can be found.
    removed : int
        Pictures that were removed and still take space.
    segments, keypoints, bytes : int
    skipped : tuple of Skipped
        Files that could not be added.
    """

    path: str
    model_id: str
    references: int
    removed: int
    segments: int
    keypoints: int
    bytes: int
    skipped: tuple[Skipped, ...]


class Store:
    """An open collection. Make one with `create` or `open_existing`; close it, or use it in a ``with`` statement."""

    def __init__(self, folder: Path, models: Models, config: Config) -> None:
        self.folder = folder
        self.model_id = models.model_id
        self._vocabulary = models.vocabulary
        self._config = config
        self._catalogue = Catalogue(folder / CATALOGUE_NAME)
        self._segments: list[Segment] = []
        try:
            self._load()
        except BaseException:
            self._catalogue.close()
            raise

    @classmethod
    def create(cls, folder: Path, models: Models, config: Config) -> Store:
        """Make an empty collection in a new or empty folder.

        Raises
        ------
        CollectionExistsError
            If there is anything in `folder`.
        """
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise CollectionExistsError(f"{folder}: not empty; choose another place or remove it first")
        (folder / SEGMENTS_NAME).mkdir(parents=True, exist_ok=True)
        Catalogue(folder / CATALOGUE_NAME, create=True).close()
        manifest = {
            "format_version": FORMAT_VERSION,
            "model_id": models.model_id,
            "features": description_digest(config),
        }
        (folder / MANIFEST_NAME).write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        return cls(folder, models, config)

    @classmethod
    def open_existing(cls, folder: Path, models: Models, config: Config) -> Store:
        """Open a collection and check that it was made by this model with these settings.

        Raises
        ------
        CollectionNotFoundError, CollectionCorruptError, ModelMismatchError, ConfigError
        """
        manifest = read_manifest(folder)
        if manifest["model_id"] != models.model_id:
            raise ModelMismatchError(
                f"{folder}: made by model {manifest['model_id']}, opened with {models.model_id}; "
                "use the models that made it (--models DIR) or build the collection anew"
            )
        if manifest["features"] != description_digest(config):
            raise ConfigError(
                f"{folder}: made with the settings {manifest['features']}, opened with "
                f"{description_digest(config)}; use the same settings or build the collection anew"
            )
        return cls(folder, models, config)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return int(self._live.sum())

    def __contains__(self, image_id: str) -> bool:
        return image_id in self._position

    def close(self) -> None:
        """Unmap the segments and close the catalogue."""
        for segment in self._segments:
            segment.trees.close()
        self._segments = []
        self._catalogue.close()

    def _load(self) -> None:
        """Map all segments and read which rows are live."""
        with self._catalogue.moment():
            listed, rows = self._catalogue.segments(), self._catalogue.rows()
        self._segments = [open_listed(self.folder, number, n_rows, self.model_id) for number, n_rows in listed]
        self._numbers = [number for number, _ in listed]
        self._starts = np.cumsum([0] + [len(s) for s in self._segments], dtype=np.int64)
        if len(rows) != self._starts[-1]:
            raise CollectionCorruptError(
                f"{self.folder}: the catalogue has {len(rows)} pictures, the segments {self._starts[-1]}; "
                "restore the collection or build it anew"
            )
        self._ids = [image_id for _, _, image_id, _ in rows]
        self._live: Bool = np.array([not removed for _, _, _, removed in rows], dtype=np.bool_)
        self._position = {image_id: i for i, image_id in enumerate(self._ids) if self._live[i]}

    @property
    def ids(self) -> list[str]:
        """Ids of the pictures in the collection, in the order in which they were added."""
        return [image_id for image_id, live in zip(self._ids, self._live, strict=True) if live]

    def record(self, image_id: str) -> ImageRecord | None:
        """Return what the catalogue knows of a picture, or None if it is not in the collection."""
        position = self._position.get(image_id)
        if position is None:
            return None
        which, row = self._place(position)
        return self._catalogue.record(self._numbers[which], row)

    def add(
        self, fingerprints: Sequence[Fingerprint], records: Sequence[ImageRecord], replaced: Iterable[str] | None = ()
    ) -> list[str]:
        """Add pictures as a new segment and take out those they replace, in one step.

        Parameters
        ----------
        fingerprints, records : sequences
            One of each for a picture.
        replaced : iterable of str or None
            Ids to take out; None for those of `records` that are in the collection when it is written.

        Returns
        -------
        list of str
            The ids that were taken out.

        Raises
        ------
        ModelMismatchError
            If a fingerprint is of another model.
        CollectionBusyError
            If another process is writing.
        UnknownIdError
            If a replaced id is not there.
        CollectionError
            If an id is there that is not replaced.
        """
        for fingerprint, record in zip(fingerprints, records, strict=True):
            if fingerprint.model_id != self.model_id:
                raise ModelMismatchError(
                    f"{record.image_id}: described by model {fingerprint.model_id}, the collection {self.folder} "
                    f"is of {self.model_id}; describe it with the collection's model"
                )
        if not fingerprints:
            return []
        with self._catalogue.change():
            known = self._catalogue.live(record.image_id for record in records)
            outgoing = known if replaced is None else list(replaced)
            clashes = set(known).difference(outgoing)
            if clashes:
                raise CollectionError(
                    f"{min(clashes)}: already in the collection {self.folder}; remove it first or choose another id"
                )
            number = max((n for n, _ in self._catalogue.segments()), default=0) + 1
            folder = segment_folder(self.folder, number)
            for left_over in (folder, folder.with_name(folder.name + ".unfinished")):
                if left_over.exists():  # of a writer that died before it published; nobody else can be writing now
                    shutil.rmtree(left_over)
            write_segment(
                folder,
                fingerprints,
                self._vocabulary,
                self._config.annoy,
                keep_local=self._config.keep_local_descriptors,
            )
            self._catalogue.remove(outgoing)
            self._catalogue.add_segment(number, records)
            for record in records:
                if record.path is not None:
                    self._catalogue.clear_skipped(record.path)
        self._reload()
        return outgoing

    def remove(self, ids: Sequence[str]) -> None:
        """Take pictures out; none if one of them is not there.

        Raises
        ------
        UnknownIdError, CollectionBusyError
        """
        with self._catalogue.change():
            self._catalogue.remove(ids)
        self._reload()

    def note_skipped(self, skipped: Sequence[Skipped]) -> None:
        """Remember files that could not be added, for `info`."""
        with self._catalogue.change():
            for item in skipped:
                self._catalogue.set_skipped(item.path, item.reason)

    def _reload(self) -> None:
        for segment in self._segments:
            segment.trees.close()
        self._load()

    def fingerprint(self, image_id: str) -> Fingerprint | None:
        """Return what is kept of a picture, or None if it is not in the collection."""
        position = self._position.get(image_id)
        return None if position is None else self._at(position)[1]

    def _place(self, position: int) -> tuple[int, int]:
        """Return which of the segments a position lies in, and its row there."""
        which = int(np.searchsorted(self._starts, position, side="right")) - 1
        return which, position - int(self._starts[which])

    def _at(self, position: int) -> tuple[str, Fingerprint]:
        which, row = self._place(position)
        return self._ids[position], self._segments[which].fingerprint(row)

    def nearest_by_descriptor(self, queries: Sequence[Query], *, exact: bool = False) -> list[list[int]]:
        """Return for each of several queries what `candidates` takes as `by_descriptor`, found for all at once."""
        if not queries:
            return []
        vectors = np.stack([query.descriptor for query in queries])
        return nearest_by_descriptor(vectors, self._segments, self._ids, self._live, self._config, exact=exact)

    def candidates(
        self, query: Query, *, exact: bool = False, by_descriptor: Sequence[int] | None = None
    ) -> list[Candidate]:
        """Return the references worth comparing with a query, the most promising first.

        Parameters
        ----------
        query : Query
            Described by the collection's model.
        exact : bool
            Compare with every descriptor, whatever the size of the collection, rather than use Annoy.
        by_descriptor : sequence of int, optional
            What `nearest_by_descriptor` returned for this query.

        Raises
        ------
        ModelMismatchError
            If the query was described by another model.
        """
        if query.model_id != self.model_id:
            raise ModelMismatchError(
                f"{query.name} was described by model {query.model_id}, the collection {self.folder} "
                f"is of {self.model_id}; describe it with the collection's model"
            )
        found = select_candidates(
            query,
            self._segments,
            self._ids,
            self._live,
            self._vocabulary,
            self._config,
            exact=exact,
            by_descriptor=by_descriptor,
        )
        rows: dict[int, list[int]] = {}
        for place in found:
            which, row = self._place(place.position)
            rows.setdefault(which, []).append(row)
        for which, needed in rows.items():
            self._segments[which].will_need(needed)
        return [Candidate(*self._at(place.position), place.versions, place.assured) for place in found]

    def descriptors(self) -> F32:
        """Return the compact descriptors in the order of `ids`: float32 array, shape (n, d)."""
        parts = [np.asarray(segment.descriptors) for segment in self._segments]
        stacked = np.concatenate(parts) if parts else np.zeros((0, 0), dtype=np.float32)
        return np.asarray(stacked[self._live], dtype=np.float32)

    def info(self) -> StoreInfo:
        """Return what the collection holds."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return StoreInfo(
            path=str(self.folder),
            model_id=self.model_id,
            references=len(self),
            removed=len(self._live) - len(self),
            segments=len(self._segments),
            keypoints=sum(int(s.offsets[-1]) for s in self._segments),
            bytes=sum(path.stat().st_size for path in files),
            skipped=tuple(Skipped(path, reason) for path, reason in self._catalogue.skipped()),
        )
