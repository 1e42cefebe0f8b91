"""A collection on disk, to be read: opened, and asked for what it holds and for candidates."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from fingerprint.config import Config, description_digest
from fingerprint.errors import CollectionError, ConfigError, ModelMismatchError
from fingerprint.index.candidates import nearest_by_descriptor, nearest_vectors, select_candidates
from fingerprint.index.catalogue import CATALOGUE_NAME, Catalogue
from fingerprint.index.layout import MANIFEST_NAME, read_manifest, segment_folder
from fingerprint.index.records import ImageRecord
from fingerprint.index.segment import PictureSegment, corrupt
from fingerprint.index.view import NOTHING, LiveVectors, View, open_views
from fingerprint.models import Models
from fingerprint.types import F32, Candidate, Fingerprint, Query, Skipped

#: Under this name the catalogue has what is in ``collection.json``.
MANIFEST_FACT = "collection.json"
Reader = TypeVar("Reader", bound="StoreReader")


@dataclass(frozen=True, slots=True)
class VectorsInfo:
    """What a collection holds of a model other than its own: vectors that were imported."""

    model_id: str
    vectors: int
    dimension: int
    segments: int


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
    keep_local_descriptors : bool
        Whether its pictures can be queries without their files.
    skipped : tuple of Skipped
        Files that could not be added.
    imported : tuple of VectorsInfo
        By model.
    """

    path: str
    model_id: str
    references: int
    removed: int
    segments: int
    keypoints: int
    bytes: int
    keep_local_descriptors: bool
    skipped: tuple[Skipped, ...]
    imported: tuple[VectorsInfo, ...]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A reference near a query by the vectors of a model, with their Euclidean distance."""

    reference_id: str
    distance: float


class StoreReader:
    """An open collection that is not changed through this object; close it, or use it in a ``with`` statement."""

    def __init__(self, folder: Path, models: Models, config: Config, *, keep_local: bool) -> None:
        self.folder = folder
        self.model_id = models.model_id
        self.keep_local = keep_local
        self._vocabulary = models.vocabulary
        self._config = config
        self._views: Mapping[str, View] = {}
        self._pictures: tuple[PictureSegment, ...] = ()
        self._catalogue = Catalogue(folder / CATALOGUE_NAME)
        try:
            self.refresh()
        except BaseException:
            self._catalogue.close()
            raise

    @classmethod
    def open_existing(cls: type[Reader], folder: Path, models: Models, config: Config) -> Reader:
        """Open a collection and check that it was made by this model with these settings.

        Raises
        ------
        CollectionNotFoundError, CollectionCorruptError, ModelMismatchError, ConfigError
        """
        manifest, digest = read_manifest(folder)
        catalogue = Catalogue(folder / CATALOGUE_NAME)
        try:
            noted = noted_digest(catalogue)
        finally:
            catalogue.close()
        if noted != digest:
            raise corrupt(folder / MANIFEST_NAME, "its bytes have changed since it was written")
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
        return cls(folder, models, config, keep_local=manifest["keep_local_descriptors"])

    def __enter__(self: Reader) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return self._view.n_live

    def __contains__(self, image_id: str) -> bool:
        return self._view.position(image_id) is not None

    @property
    def _view(self) -> View:
        return self._views.get(self.model_id, NOTHING)

    def close(self) -> None:
        """Let go of the segments and close the catalogue."""
        for view in self._views.values():
            for segment in view.segments:
                segment.close()
        self._views, self._pictures = {}, ()
        self._catalogue.close()

    def refresh(self) -> None:
        """See what has been published since the collection was opened; until then what is seen does not change.

        Raises
        ------
        CollectionCorruptError
            If a segment is missing or damaged; the view stays as it was.
        """
        known = {
            number: segment
            for view in self._views.values()
            for number, segment in zip(view.numbers, view.segments, strict=True)
        }
        views = open_views(self.folder, self._catalogue, known)
        own = views.get(self.model_id, NOTHING)
        pictures = tuple(segment for segment in own.segments if isinstance(segment, PictureSegment))
        if len(pictures) < len(own.segments):
            bare = next(i for i, segment in enumerate(own.segments) if not isinstance(segment, PictureSegment))
            raise corrupt(segment_folder(self.folder, own.numbers[bare]) / "manifest.json", "it is not of pictures")
        self._views, self._pictures = views, pictures
        for number in known.keys() - {number for view in self._views.values() for number in view.numbers}:
            known[number].close()

    @property
    def ids(self) -> list[str]:
        """Ids of the pictures in the collection, in the order in which they were added."""
        return list(self._view.live_ids())

    @property
    def longest_id(self) -> int:
        """Length in bytes of about the longest id: the mean of the segment where they are longest."""
        means = [-(-len(segment.ids.text) // max(1, len(segment))) for segment in self._view.segments]
        return max(means, default=0)

    def published(self, image_id: str) -> ImageRecord | None:
        """Return the file facts of the picture that is published under an id now, whatever the view is of."""
        return self._catalogue.find(image_id, self.model_id)

    def record(self, image_id: str) -> ImageRecord | None:
        """Return the file facts of a picture, or None if it is not in the collection.

        Raises
        ------
        CollectionError
            If another process has removed it and compacted the collection since this view was taken.
        """
        position = self._view.position(image_id)
        if position is None:
            return None
        which, row = self._view.place(position)
        found = self._catalogue.record(self._view.numbers[which], row) or self._catalogue.find(image_id, self.model_id)
        if found is None:
            raise CollectionError(
                f"{image_id}: another process has removed it from {self.folder} meanwhile; open the collection again"
            )
        return found

    def fingerprint(self, image_id: str) -> Fingerprint | None:
        """Return what is kept of a picture, or None if it is not in the collection."""
        position = self._view.position(image_id)
        return None if position is None else self._at(position)

    def _at(self, position: int) -> Fingerprint:
        which, row = self._view.place(position)
        return self._pictures[which].fingerprint(row)

    def nearest_by_descriptor(self, queries: Sequence[Query], *, exact: bool = False) -> list[list[int]]:
        """Return for each of several queries what `candidates` takes as `by_descriptor`, found for all at once."""
        if not queries:
            return []
        vectors = np.stack([query.descriptor for query in queries])
        return nearest_by_descriptor(vectors, self._view, self._config, exact=exact)

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
        view = self._view
        found = select_candidates(
            query, self._pictures, view, self._vocabulary, self._config, exact=exact, by_descriptor=by_descriptor
        )
        rows: dict[int, list[int]] = {}
        for place in found:
            which, row = view.place(place.position)
            rows.setdefault(which, []).append(row)
        for which, needed in rows.items():
            self._pictures[which].will_need(needed)
        return [Candidate(view[p.position], self._at(p.position), p.versions, p.assured) for p in found]

    def vectors(self, model_id: str | None = None) -> tuple[list[str], F32]:
        """Return the ids and vectors of the collection's own or another model: float32 array, shape (n, d).

        Raises
        ------
        ModelMismatchError
            If there is nothing of that model.
        """
        own = self.live_vectors(model_id)
        return own.ids, own[:]

    def live_vectors(self, model_id: str | None = None) -> LiveVectors:
        """Return the same, to be read part by part; what is removed or merged later does not change it.

        Raises
        ------
        ModelMismatchError
            If there is nothing of that model.
        """
        wanted = self.model_id if model_id is None else model_id
        if wanted not in self.model_ids:
            raise ModelMismatchError(f"{self.folder}: no vectors of {wanted}; there are {', '.join(self.model_ids)}")
        return LiveVectors.of(self._views.get(wanted, NOTHING))

    @property
    def model_ids(self) -> list[str]:
        """The collection's own model, and those whose vectors were imported."""
        return sorted({*self._views, self.model_id})

    def nearest_vectors(self, vectors: F32, model_id: str, k: int, *, exact: bool = False) -> list[list[Neighbour]]:
        """Return the references whose vectors of a model are nearest, for each query, nearest first, equal ones by id.

        Parameters
        ----------
        vectors : float32 array, shape (n_q, d)
            Of the queries, of the same model.
        model_id : str
            The collection's own, or one whose vectors were imported.
        k : int, >= 1
            References for a query.
        exact : bool
            Compare all vectors, rather than use Annoy in large segments.

        Raises
        ------
        ModelMismatchError
            If there is nothing of that model, or its vectors have another number of dimensions.
        """
        view = self._views.get(model_id, NOTHING)
        if not view.segments:
            raise ModelMismatchError(f"{self.folder}: no vectors of {model_id}; import them first")
        dimension = view.segments[0].descriptors.shape[1]
        if vectors.shape[1] != dimension:
            raise ModelMismatchError(
                f"{self.folder}: vectors of {model_id} have {dimension} dimensions, the queries {vectors.shape[1]}"
            )
        found = nearest_vectors(vectors, view, k, self._config, exact=exact)
        return [[Neighbour(view[position], math.sqrt(squared)) for position, squared in own] for own in found]

    def info(self) -> StoreInfo:
        """Return what the collection holds."""
        view = self._view
        return StoreInfo(
            path=str(self.folder),
            model_id=self.model_id,
            references=view.n_live,
            removed=len(view) - view.n_live,
            segments=len(view.segments),
            keypoints=sum(int(segment.offsets[-1]) for segment in self._pictures),
            bytes=_size(self.folder),
            keep_local_descriptors=self.keep_local,
            skipped=tuple(Skipped(path, reason) for path, reason in self._catalogue.skipped()),
            imported=tuple(
                VectorsInfo(model_id, own.n_live, own.segments[0].descriptors.shape[1], len(own.segments))
                for model_id, own in sorted(self._views.items())
                if model_id != self.model_id
            ),
        )


def noted_digest(catalogue: Catalogue) -> str:
    """Return the SHA-256 in hex of the collection's manifest as the catalogue has it."""
    return hashlib.sha256((catalogue.fact(MANIFEST_FACT) or "").encode()).hexdigest()


def _size(folder: Path) -> int:
    """Return how many bytes there are in a folder, of which another process may be clearing away files."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += Path(place, name).stat().st_size
    return total
