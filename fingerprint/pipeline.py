"""The walk from pictures to answers: compare two, keep many in a collection, find the sources of queries."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

from fingerprint.config import DEFAULT_CONFIG, Config
from fingerprint.describe import describe_query, describe_reference, query_from_fingerprint
from fingerprint.errors import ConfigError, ImageError, UnknownIdError
from fingerprint.files import read_file
from fingerprint.folders import identify_images, is_unicode
from fingerprint.index import ImageRecord, Store, StoreInfo
from fingerprint.models import Models, load_models
from fingerprint.types import F32, AddReport, Fingerprint, ImageSource, Match, Query, Skipped, Verification, source_name
from fingerprint.verify import shortlist, verify
from fingerprint.workers import map_images

#: Called as ``progress(done, total)``.
Progress = Callable[[int, int], None]

_BATCH = 64  # queries whose descriptors are compared together,
_BATCH_FROM = 50_000  # in collections of so many references: below, that saves less than a hundredth of a search


@dataclass(slots=True)
class _Batch:
    """Pictures that wait to become a segment."""

    fingerprints: list[Fingerprint] = field(default_factory=list)
    records: list[ImageRecord] = field(default_factory=list)


def compare(
    query: ImageSource, reference: ImageSource, *, models: Models | None = None, config: Config = DEFAULT_CONFIG
) -> Verification:
    """Tell whether `query` was made from `reference`, how sure that is, and which part is seen where.

    Parameters
    ----------
    query, reference : path, bytes of an image file, or uint8 array (h, w) or (h, w, 3) RGB
    models : Models, optional
        Those that ship with the package by default.
    config : Config, optional

    Raises
    ------
    ImageError
        If one of them cannot be read; the message names it.

    Examples
    --------
    >>> import fingerprint, skimage.data
    >>> cat = skimage.data.chelsea()
    >>> fingerprint.compare(cat[40:260, 200:30:-1], cat).mirrored
    True
    """
    models = models or load_models()
    described = describe_query(query, models, config)
    return verify(described, describe_reference(reference, models, config), models, config.match)


class Collection:
    """A collection of references on disk.

    Make one with `create_collection`, open one with `open_collection`; close it or use it in a ``with`` statement.
    Use one object from one thread; any number of processes may read the same collection.
    """

    def __init__(self, store: Store, models: Models, config: Config) -> None:
        self._store = store
        self._models = models
        self._config = config

    def __enter__(self) -> Collection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._store)

    def __contains__(self, image_id: object) -> bool:
        return isinstance(image_id, str) and image_id in self._store

    @property
    def ids(self) -> list[str]:
        """Ids of the references, in the order in which they were added."""
        return self._store.ids

    def close(self) -> None:
        """Release the collection's files."""
        self._store.close()

    def info(self) -> StoreInfo:
        """Return what the collection holds."""
        return self._store.info()

    def remove(self, ids: Sequence[str]) -> None:
        """Take references out; none if one of the ids is not there.

        Raises
        ------
        UnknownIdError
            Naming the first id that is not in the collection.
        ConfigError
            If `ids` is one text rather than a list.
        """
        if isinstance(ids, str):
            raise ConfigError(f"ids is the text {ids!r}; give a list of ids")
        unknown = next((image_id for image_id in ids if image_id not in self), None)
        if unknown is not None:
            raise UnknownIdError(f"{unknown}: no such id in the collection; nothing was removed")
        self._store.remove(ids)

    def add_files(
        self,
        paths: Iterable[str | os.PathLike[str]],
        *,
        n_workers: int | None = None,
        progress: Progress | None = None,
    ) -> AddReport:
        """Add image files, and folders with all that is in them.

        The id of a file in a folder is its path within that folder, that of a file named by itself its name. A file
        that is there with the same bytes costs nothing; one with other bytes takes the place of the old. What was
        finished before an interruption is kept, and the same call goes on from there.

        Parameters
        ----------
        paths : iterable of path
        n_workers : int, optional
            Threads; one for each core by default.
        progress : callable, optional
            Called as ``progress(done, total)``, in files.

        Raises
        ------
        ImageError
            If a path does not exist.
        CollectionBusyError
            If another process is writing.
        """
        named, ignored = identify_images(paths)
        published = unchanged = replaced = 0
        skipped: list[Skipped] = []
        batch = _Batch()
        taken: dict[str, Path] = {}
        described = map_images(self._describe_file, named, n_workers)
        for done, ((image_id, path), result) in enumerate(zip(named, described, strict=True), start=1):
            outcome = result
            if not isinstance(outcome, Skipped) and taken.setdefault(image_id, path) != path:
                outcome = Skipped(str(path), f"its id {image_id!r} is already that of {taken[image_id]}")
            if isinstance(outcome, Skipped):
                skipped.append(outcome)
            elif outcome is None:
                unchanged += 1
            else:
                fingerprint, record = outcome
                batch.fingerprints.append(fingerprint)
                batch.records.append(record)
                if len(batch.records) >= self._config.segment_size:
                    replaced += self._publish(batch)
                    published += len(batch.records)
                    batch = _Batch()
            if progress is not None:
                progress(done, len(named))
        replaced += self._publish(batch)
        published += len(batch.records)
        if skipped:
            self._store.note_skipped(skipped)
        return AddReport(
            published - replaced, unchanged, replaced, tuple(skipped), tuple(str(path) for path in ignored)
        )

    def add(self, image_id: str, source: ImageSource) -> None:
        """Add one picture under an id, in the place of what was there under it.

        Raises
        ------
        ImageError
            If the picture cannot be read.
        ConfigError
            If the id is empty or not valid Unicode.
        """
        self.add_many([(image_id, source)])

    def add_many(self, images: Iterable[tuple[str, ImageSource]], *, n_workers: int | None = None) -> None:
        """Add (id, picture) pairs, all of them or, if one cannot be read or an id comes twice, none.

        Raises
        ------
        ImageError, ConfigError
        """
        batch = _Batch()
        pairs = list(images)
        if any(not isinstance(image_id, str) or not image_id or not is_unicode(image_id) for image_id, _ in pairs):
            raise ConfigError("ids must be texts of valid Unicode and must not be empty")
        if len({image_id for image_id, _ in pairs}) < len(pairs):
            raise ConfigError("ids must not come twice")
        described = map_images(lambda pair: self._describe(pair[1]), pairs, n_workers)
        for (image_id, source), result in zip(pairs, described, strict=True):
            if isinstance(result, Skipped):
                raise ImageError(result.path, result.reason)
            fingerprint, content = result
            path = None if source_name(source).startswith("<") else source_name(source)
            batch.fingerprints.append(fingerprint)
            batch.records.append(ImageRecord(image_id, path, None, content, fingerprint.width, fingerprint.height))
        self._publish(batch)

    def search(
        self, query: ImageSource, *, n_results: int | None = None, min_probability: float = 0.0, exact: bool = False
    ) -> list[Match]:
        """Find the references that a picture may have been made from.

        Parameters
        ----------
        query : path, bytes of an image file, or uint8 array (h, w) or (h, w, 3) RGB
        n_results : int, optional
            The most matches to return.
        min_probability : float, [0, 1]
            Matches below it are left out.
        exact : bool
            Compare with every descriptor, rather than by Annoy where the collection is large.

        Returns
        -------
        list of Match
            The surest first; at equal score by id.

        Raises
        ------
        ImageError
            If the query cannot be read.
        ConfigError
            If `n_results` is negative.
        """
        described = describe_query(query, self._models, self._config)
        return self.search_described(described, n_results=n_results, min_probability=min_probability, exact=exact)

    def search_described(
        self, query: Query, *, n_results: int | None = None, min_probability: float = 0.0, exact: bool = False
    ) -> list[Match]:
        """Do as `search` for a query that was described before."""
        return self._search(query, None, n_results, min_probability, exact)

    def _search(
        self,
        query: Query,
        by_descriptor: Sequence[int] | None,
        n_results: int | None,
        min_probability: float,
        exact: bool,
    ) -> list[Match]:
        limit = self._config.results if n_results is None else n_results
        if limit < 0:
            raise ConfigError(f"n_results is {limit}, must not be negative")
        candidates = self._store.candidates(query, exact=exact, by_descriptor=by_descriptor)
        candidates = shortlist(query, candidates, self._config)
        matches = [
            Match(query.name, c.reference_id, verify(query, c.fingerprint, self._models, self._config.match))
            for c in candidates
        ]
        matches.sort(key=lambda match: (-match.score, match.reference_id))
        kept = [match for match in matches if match.probability >= min_probability]
        return kept[:limit]

    def search_many(
        self,
        queries: Iterable[ImageSource],
        *,
        n_results: int | None = None,
        min_probability: float = 0.0,
        exact: bool = False,
        n_workers: int | None = None,
    ) -> Iterator[list[Match] | Skipped]:
        """Yield what `search` finds for each query, in order; a query that cannot be read becomes a `Skipped`.

        In a large collection queries are described some at a time and their descriptors compared together.
        """
        if len(self._store) < _BATCH_FROM:
            work = partial(self.search, n_results=n_results, min_probability=min_probability, exact=exact)
            yield from map_images(work, queries, n_workers)
            return
        describe = partial(describe_query, models=self._models, config=self._config)

        def search(item: Skipped | tuple[Query, list[int]]) -> list[Match] | Skipped:
            return item if isinstance(item, Skipped) else self._search(*item, n_results, min_probability, exact)

        described = map_images(describe, queries, n_workers)
        while batch := list(islice(described, _BATCH)):
            asked = [query for query in batch if not isinstance(query, Skipped)]
            found = iter(self._store.nearest_by_descriptor(asked, exact=exact))
            items = [query if isinstance(query, Skipped) else (query, next(found)) for query in batch]
            yield from map_images(search, items, n_workers)

    def as_queries(self) -> Iterator[Query]:
        """Yield the references as queries, described as they are stored: in less detail than from their files."""
        for image_id in self.ids:
            fingerprint = self.fingerprint(image_id)
            yield query_from_fingerprint(image_id, fingerprint, self._models, self._config)

    def fingerprint(self, image_id: str) -> Fingerprint:
        """Return what is kept of a reference.

        Raises
        ------
        UnknownIdError
        """
        found = self._store.fingerprint(image_id)
        if found is None:
            raise UnknownIdError(f"{image_id}: no such id in the collection {self._store.folder}")
        return found

    def record(self, image_id: str) -> ImageRecord:
        """Return the file facts of a reference.

        Raises
        ------
        UnknownIdError
        """
        found = self._store.record(image_id)
        if found is None:
            raise UnknownIdError(f"{image_id}: no such id in the collection {self._store.folder}")
        return found

    def descriptors(self) -> F32:
        """Return the compact descriptors in the order of `ids`: float32 array, shape (n, d)."""
        return self._store.descriptors()

    def _describe(self, source: ImageSource) -> tuple[Fingerprint, str | None]:
        content = hashlib.sha256(source).hexdigest() if isinstance(source, bytes) else None
        return describe_reference(source, self._models, self._config), content

    def _describe_file(self, item: tuple[str, Path]) -> tuple[Fingerprint, ImageRecord] | None:
        """Describe a file, or return None if it is in the collection with the same bytes."""
        image_id, path = item
        if not is_unicode(image_id):
            raise ImageError(str(path), "its name has characters that cannot be an id; rename the file")
        data = read_file(path)
        content = hashlib.sha256(data).hexdigest()
        known = self._store.record(image_id)
        if known is not None and known.content == content:
            return None
        try:
            fingerprint = describe_reference(data, self._models, self._config)
        except ImageError as error:
            raise ImageError(str(path), error.reason) from error
        return fingerprint, ImageRecord(image_id, str(path), len(data), content, fingerprint.width, fingerprint.height)

    def _publish(self, batch: _Batch) -> int:
        """Store a batch and return how many pictures it took the place of."""
        return len(self._store.add(batch.fingerprints, batch.records, replaced=None))


def create_collection(
    folder: str | os.PathLike[str], *, models: Models | None = None, config: Config = DEFAULT_CONFIG
) -> Collection:
    """Make an empty collection in a new or empty folder.

    Raises
    ------
    CollectionExistsError
        If there is anything in `folder`.
    """
    models = models or load_models()
    return Collection(Store.create(Path(folder), models, config), models, config)


def open_collection(
    folder: str | os.PathLike[str], *, models: Models | None = None, config: Config = DEFAULT_CONFIG
) -> Collection:
    """Open a collection.

    Raises
    ------
    CollectionNotFoundError
        If there is none in `folder`.
    ModelMismatchError
        If it was made by other models; the message names both.
    CollectionCorruptError
        If a file is missing or damaged.
    """
    models = models or load_models()
    return Collection(Store.open_existing(Path(folder), models, config), models, config)
