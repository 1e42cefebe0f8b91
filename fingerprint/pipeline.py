"""The walk from pictures to answers: compare two, keep many in a collection, find the sources of queries."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from fingerprint.adding import add_images, describe_all
from fingerprint.answering import Wanted, answer, answer_described, answer_many
from fingerprint.config import DEFAULT_CONFIG, Config
from fingerprint.describe import describe_query, describe_reference, has_local_descriptors, query_from_fingerprint
from fingerprint.errors import ConfigError, ImageError, UnknownIdError
from fingerprint.files import read_file
from fingerprint.folders import identify_images, is_unicode
from fingerprint.index import ImageRecord, Store, StoreInfo
from fingerprint.models import Models, load_models
from fingerprint.moving import VectorAccess
from fingerprint.types import F32, AddReport, Answer, Fingerprint, ImageSource, Match, Query, Skipped, Verification
from fingerprint.verify import verify

#: Called as ``progress(done, total)``.
Progress = Callable[[int, int], None]


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


class Collection(VectorAccess):
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

    @property
    def longest_id(self) -> int:
        """About how long the ids are where they are longest, in bytes: for tables, without reading them all."""
        return self._store.longest_id

    def close(self) -> None:
        """Release the collection's files."""
        self._store.close()

    def info(self) -> StoreInfo:
        """Return what the collection holds."""
        return self._store.info()

    def add_files(
        self,
        paths: Iterable[str | os.PathLike[str]],
        *,
        root: str | os.PathLike[str] | None = None,
        n_workers: int | None = None,
        progress: Progress | None = None,
    ) -> AddReport:
        """Add image files, and folders with all that is in them.

        The id of a file in a folder is its path within that folder, that of a file named by itself its name. A file
        that is there with the same bytes costs nothing; one with other bytes takes the place of the old. What was
        published before an interruption is kept, and the same call goes on from there.

        Parameters
        ----------
        paths : iterable of path
        root : path, optional
            A folder that all of them lie in; ids are then paths within it.
        n_workers : int, optional
            Threads; one for each core by default.
        progress : callable, optional
            Called as ``progress(done, total)``, in files.

        Raises
        ------
        ImageError
            If a path does not exist.
        ConfigError
            If a path is not within `root`.
        CollectionBusyError
            If another process is writing.
        CollectionError
            If the disk refuses; what was published before stays.
        """
        named, ignored = identify_images(paths, root)
        told = None if progress is None else lambda done: progress(done, len(named))
        report = add_images(self._store, named, self._models, self._config, n_workers=n_workers, told=told)
        return dataclasses.replace(report, ignored=tuple(str(path) for path in ignored))

    def add_images(
        self,
        images: Iterable[tuple[str, ImageSource]],
        *,
        n_workers: int | None = None,
        told: Callable[[int], None] | None = None,
    ) -> AddReport:
        """Add (id, picture) pairs as they come, in batches; one that cannot be read is skipped.

        Parameters
        ----------
        images : iterable of (str, path, bytes of an image file, or uint8 array)
            Taken a few at a time, so there may be any number. A picture that is there under its id with the same bytes
            costs nothing, one with other bytes takes the place of the old.
        n_workers : int, optional
            Threads; one for each core by default.
        told : callable, optional
            Called as ``told(done)``, in pictures.

        Returns
        -------
        AddReport

        Raises
        ------
        CollectionBusyError, CollectionError
        """
        return add_images(self._store, images, self._models, self._config, n_workers=n_workers, told=told)

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
        """Add (id, picture) pairs in one step: all of them or, if one cannot be read or an id comes twice, none.

        All are held in memory; `add_images` is for many.

        Raises
        ------
        ImageError, ConfigError, CollectionBusyError, CollectionError
        """
        pairs = list(images)
        if any(not isinstance(image_id, str) or not image_id or not is_unicode(image_id) for image_id, _ in pairs):
            raise ConfigError("ids must be texts of valid Unicode and must not be empty")
        if len({image_id for image_id, _ in pairs}) < len(pairs):
            raise ConfigError("ids must not come twice")
        fingerprints, records = describe_all(pairs, self._models, self._config, n_workers)
        self._store.add(fingerprints, records, replaced=None, n_workers=n_workers)

    def compact(self, largest: int | None = None) -> int:
        """Merge segments and drop what was removed, while readers go on; return how many segments there are fewer.

        Parameters
        ----------
        largest : int, optional
            The most pictures in a segment that is made; 250,000 by default.

        Raises
        ------
        CollectionBusyError, CollectionError, ConfigError
        """
        return self._store.compact(largest)

    def refresh(self) -> None:
        """See what others have published since the collection was opened; until then a reader keeps its view."""
        self._store.refresh()

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
        return list(self.answer(query, n_results=n_results, min_probability=min_probability, exact=exact).matches)

    def answer(
        self, query: ImageSource, *, n_results: int | None = None, min_probability: float = 0.0, exact: bool = False
    ) -> Answer:
        """Do as `search`, and tell how long each stage took."""
        wanted = self._wanted(n_results, min_probability, exact=exact)
        return answer(self._store, query, self._models, self._config, wanted)

    def search_described(
        self, query: Query, *, n_results: int | None = None, min_probability: float = 0.0, exact: bool = False
    ) -> list[Match]:
        """Do as `search` for a query that was described before."""
        wanted = self._wanted(n_results, min_probability, exact=exact)
        return list(answer_described(self._store, query, self._models, self._config, wanted).matches)

    def _wanted(self, n_results: int | None, min_probability: float, *, exact: bool) -> Wanted:
        limit = self._config.results if n_results is None else n_results
        if limit < 0:
            raise ConfigError(f"n_results is {limit}, must not be negative")
        return Wanted(limit, min_probability, exact)

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
        answers = self.answer_many(
            queries, n_results=n_results, min_probability=min_probability, exact=exact, n_workers=n_workers
        )
        for found in answers:
            yield found if isinstance(found, Skipped) else list(found.matches)

    def answer_many(
        self,
        queries: Iterable[ImageSource],
        *,
        n_results: int | None = None,
        min_probability: float = 0.0,
        exact: bool = False,
        n_workers: int | None = None,
    ) -> Iterator[Answer | Skipped]:
        """Do as `search_many`, and tell for each query how long each stage took."""
        wanted = self._wanted(n_results, min_probability, exact=exact)
        return answer_many(self._store, queries, self._models, self._config, wanted, n_workers)

    def as_queries(self) -> Iterator[Query]:
        """Yield the references as queries, see `as_query`."""
        return map(self.as_query, self.ids)

    def as_query(self, image_id: str) -> Query:
        """Return a reference as a query.

        Where the collection keeps local descriptors it is described as it is stored: in less detail than from its
        file. Where it does not, it is described from its file, which must be there unchanged.

        Raises
        ------
        UnknownIdError
        ImageError
            If its file is needed and is gone or has changed.
        """
        fingerprint = self.fingerprint(image_id)
        if has_local_descriptors(fingerprint):
            return query_from_fingerprint(image_id, fingerprint, self._models, self._config)
        record = self.record(image_id)
        try:
            data = read_file(record.path) if record.path is not None else None
        except ImageError:
            data = None
        if data is None or hashlib.sha256(data).hexdigest() != record.content:
            raise ImageError(
                image_id,
                f"the collection {self._store.folder} does not keep what a query needs, and its file "
                f"{record.path or '(none)'} is not there as it was; give image files as queries, or make the "
                "collection with local descriptors ('fingerprint index create --keep-local')",
            )
        described = describe_query(data, self._models, self._config)
        return dataclasses.replace(described, name=image_id)

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
        return self._store.vectors()[1]


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
