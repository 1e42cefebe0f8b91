"""Collections: many references on disk, among which the sources of queries are found."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from fingerprint.collection.add import add_images, describe_all
from fingerprint.collection.given import checked_pairs, refuse_one, similar_text
from fingerprint.collection.looks import SearchOptions
from fingerprint.collection.search import Search
from fingerprint.collection.stored_queries import stored_query
from fingerprint.collection.vectors import (
    ImportReport,
    export_vectors,
    import_vectors,
    model_of,
    nearest_neighbours,
)
from fingerprint.config import DEFAULT_CONFIG, Config
from fingerprint.errors import ConfigError, UnknownIdError
from fingerprint.htmltables import facts_table
from fingerprint.images.find import identify_images
from fingerprint.images.frames import with_frames
from fingerprint.index import ImageRecord, Neighbour, StoreInfo, Writer, open_writer
from fingerprint.models import Models, load_models
from fingerprint.results import AddReport, Answer, Match
from fingerprint.types import F32, Fingerprint, ImageSource, Progress, Query, Skipped, is_unicode
from fingerprint.vectorfiles import VectorSet, read_vectors
from fingerprint.workers import Workers


class Collection:
    """A collection of references on disk.

    Make one with `create_collection`, open one with `open_collection`; close it or use it in a ``with`` statement.

    One object may be used from several threads, as the handlers of a service do. Any number of processes may read the
    same collection.

    - Searches run at the same time. Each sees the collection as it is when the search begins, whatever is added,
      removed or merged meanwhile. What a thread has added, all threads find from then on.
    - One thread at a time adds, removes or compacts; others that want to wait until it has ended. Another object, or
      another process, is refused with `CollectionBusyError` instead.
    - A search waits while a change is entered in the catalogue: some milliseconds as a rule, and as long as it takes to
      enter all pictures of a segment when segments are merged.
    - A search under way keeps the segments that it sees. Those that are merged away meanwhile take memory and disk
      until it ends, and so they do for an iterator of `answer_many` that is not finished.
    - Threads share one copy of the models and of the mapped segments; each search takes as much memory as it would
      alone. Describing and verifying release the interpreter's lock, so threads use several cores.
    - Close it when no thread uses it any more: later calls raise `CollectionError`.
    """

    def __init__(self, writer: Writer, models: Models, config: Config) -> None:
        self._reader = writer.reader
        self._writer = writer
        self._models = models
        self._config = config

    def __enter__(self) -> Collection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied: two objects cannot share one lock and the open files.

        Raises
        ------
        TypeError
        """
        raise TypeError(
            f"a collection cannot be pickled or copied: pass its folder, {str(self._reader.folder)!r}, and open it "
            "with open_collection where it is used; threads share one object"
        )

    def __repr__(self) -> str:
        """Return folder and size in one line."""
        size = "closed" if self._reader.closed else f"{len(self)} references"
        return f"Collection({str(self._reader.folder)!r}: {size})"

    def _repr_html_(self) -> str:
        """Return what it holds as a table, for notebooks."""
        return (
            facts_table(str(self._reader.folder), {"": "closed"}) if self._reader.closed else self.info()._repr_html_()
        )

    def __len__(self) -> int:
        return len(self._reader)

    def __contains__(self, image_id: object) -> bool:
        return isinstance(image_id, str) and image_id in self._reader

    @property
    def ids(self) -> list[str]:
        """Ids of the references, in the order in which they were added; of a sharded collection, shard after shard."""
        return self._reader.ids

    def listed_ids(self) -> Iterator[str]:
        """Yield the ids of the references, without holding all of them in memory.

        They are in the order in which they were added; those of a sharded collection are sorted, as its shards do not
        know which of them got a reference first.
        """
        return self._reader.listed()

    @property
    def longest_id(self) -> int:
        """Approximate length of the longest ids, in bytes, without reading all ids; for the width of tables."""
        return self._reader.longest_id

    def close(self) -> None:
        """Release the collection's files."""
        self._writer.close()

    def info(self) -> StoreInfo:
        """Return what the collection holds."""
        return self._reader.info()

    def add_files(
        self,
        paths: Iterable[str | os.PathLike[str]],
        *,
        root: str | os.PathLike[str] | None = None,
        replace: bool = False,
        frames: int = 1,
        n_workers: Workers = None,
        progress: Progress | None = None,
    ) -> AddReport:
        """Add image files, and all image files in folders; one that cannot be read, or is not there, is skipped.

        The id of a file in a folder is its path within that folder; the id of a file that is given itself is its name.
        A file that the collection has under its id with the same bytes is not described again; one that has changed
        where it is replaces the old. After an interruption, what was published is kept, and the same call continues.
        Files and folders may be given by URL, such as ``"s3://bucket/folder"``; see the page on object storage.

        Parameters
        ----------
        paths : iterable of path or URL
        root : path or URL, optional
            A folder that contains all of them; ids are then paths within it.
        replace : bool
            Let a file replace another file with the same id. By default it is skipped, as cameras and phones repeat
            names: give `root` for an id of its own.
        frames : int
            Of animations and files of several pages, take up to so many frames, spread evenly from the first on. Each
            is a picture of its own: frame 12 of ``cat.gif`` has the id ``cat.gif#frame=12`` (frames are counted from
            0, and the first one has the id of the file).
        n_workers : int or Cluster, optional
            Threads, one for each core by default, or a cluster.
        progress : callable, optional
            Called as ``progress(done, total)``, in files.

        Raises
        ------
        ImageError
            If a picture is to be skipped and the collection's settings are strict.
        ConfigError
            If a path is not within `root`, or `paths` is one path rather than a list.
        CollectionBusyError
            If another process is writing.
        CollectionError
            If writing fails; what was published before stays.
        """
        refuse_one("paths", paths)
        named, ignored = identify_images(paths, root)
        named = with_frames(named, frames, self._config.limits, n_workers)
        report = self._add_images(named, n_workers, progress, len(named), replace=replace)
        return dataclasses.replace(report, ignored=tuple(str(path) for path in ignored))

    def add_images(
        self,
        images: Iterable[tuple[str, ImageSource]],
        *,
        replace: bool = True,
        n_workers: Workers = None,
        progress: Progress | None = None,
    ) -> AddReport:
        """Add (id, picture) pairs as they come, in batches; one that cannot be read is skipped.

        Parameters
        ----------
        images : iterable of (str, picture) as `search` takes it
            Taken a few at a time, so there may be any number. A picture that the collection has under its id with the
            same bytes is not described again; one with other bytes replaces the old.
        replace : bool
            Let a file replace another file with the same id, as here the ids are chosen by the caller; if not, it is
            skipped.
        n_workers : int or Cluster, optional
            Threads, one for each core by default, or a cluster.
        progress : callable, optional
            Called as ``progress(done, 0)``, in pictures; their total is not known.

        Returns
        -------
        AddReport

        Raises
        ------
        CollectionBusyError, CollectionError
        """
        return self._add_images(images, n_workers, progress, 0, replace=replace)

    def _add_images(
        self,
        images: Iterable[tuple[str, ImageSource]],
        n_workers: Workers,
        progress: Progress | None,
        total: int,
        *,
        replace: bool,
    ) -> AddReport:
        return add_images(
            self._writer,
            images,
            self._models,
            self._config,
            replace_others=replace,
            n_workers=n_workers,
            progress=progress,
            total=total,
        )

    def add(self, image_id: str, source: ImageSource) -> None:
        """Add one picture under an id; it replaces any picture with that id.

        Raises
        ------
        ImageError
            If the picture cannot be read.
        ConfigError
            If the id is empty or not valid Unicode.
        """
        self.add_many([(image_id, source)])

    def add_many(self, images: Iterable[tuple[str, ImageSource]], *, n_workers: int | None = None) -> None:
        """Add (id, picture) pairs in one step; none of them if one cannot be read or an id comes twice.

        All are held in memory; use `add_images` for many pictures.

        Raises
        ------
        ImageError, ConfigError, CollectionBusyError, CollectionError
        """
        pairs = list(checked_pairs(images))
        seen: set[str] = set()
        for image_id, _ in pairs:
            if not isinstance(image_id, str) or not image_id or not is_unicode(image_id):
                raise ConfigError(f"one of the ids is {image_id!r}; ids are texts of valid Unicode, and not empty")
            if image_id in seen:
                raise ConfigError(f"one of the ids comes twice: {image_id!r}")
            seen.add(image_id)
        fingerprints, records = describe_all(pairs, self._models, self._config, n_workers)
        self._writer.add(fingerprints, records, replaced=None, n_workers=n_workers)

    def compact(self, largest: int | None = None) -> int:
        """Merge segments, divide those that are too large and drop removed pictures, while readers continue.

        Parameters
        ----------
        largest : int, optional
            Largest number of pictures in a new segment; 250,000 by default.

        Returns
        -------
        int
            By how much the number of segments fell; negative if it rose, as large ones were divided.

        Raises
        ------
        CollectionBusyError, CollectionError, ConfigError
        """
        return self._writer.compact(largest)

    def refresh(self) -> None:
        """Take a new snapshot, which shows what others have published since the collection was opened."""
        self._reader.refresh()

    def search(
        self, query: ImageSource, *, n_results: int | None = None, min_probability: float = 0.0, exact: bool = False
    ) -> list[Match]:
        """Find the references that a picture may have been made from.

        Parameters
        ----------
        query : path, bytes of an image file, binary file, uint8 array (h, w) or (h, w, 3) RGB, or Pillow image
        n_results : int, optional
            Largest number of matches; ``config.results`` by default.
        min_probability : float, [0, 1]
            Least probability of a match. It is about copies; `answer` also gives the references that only share
            something with the query. By default all that were compared are returned, unrelated ones too, to be ranked
            or judged by the caller; give 0.5 for copies alone, as the command ``fingerprint search`` does.
        exact : bool
            Compare with every descriptor, rather than use codes or Annoy in large segments.

        Returns
        -------
        list of Match
            Highest score first, ties by id.

        Raises
        ------
        ImageError
            If the query cannot be read.
        ConfigError
            If `n_results` is negative, or `min_probability` is no number from 0 to 1.
        """
        return list(self.answer(query, n_results=n_results, min_probability=min_probability, exact=exact).matches)

    def answer(
        self, query: ImageSource, *, n_results: int | None = None, min_probability: float = 0.0, exact: bool = False
    ) -> Answer:
        """Search as `search` does; also return what shares a template or a scene, the times and the counters."""
        return self._searching(n_results, min_probability, exact=exact).answer(query)

    def search_described(
        self, query: Query, *, n_results: int | None = None, min_probability: float = 0.0, exact: bool = False
    ) -> list[Match]:
        """Search as `search` does, for a query that is already described."""
        return list(self._searching(n_results, min_probability, exact=exact).answer_described(query).matches)

    def _searching(
        self, n_results: int | None, min_probability: float, *, exact: bool, past_identical: bool = False
    ) -> Search:
        limit = self._config.results if n_results is None else n_results
        options = SearchOptions(limit, min_probability, exact, past_identical)
        return Search(self._reader, self._models, self._config, options)

    def search_many(
        self,
        queries: Iterable[ImageSource],
        *,
        n_results: int | None = None,
        min_probability: float = 0.0,
        exact: bool = False,
        n_workers: Workers = None,
    ) -> Iterator[list[Match] | Skipped]:
        """Yield what `search` finds for each query, in order; a query that cannot be read becomes a `Skipped`.

        In a large collection queries are described in batches, and the descriptors of a batch are compared together.

        Raises
        ------
        ConfigError
            If `queries` is one query rather than a list, or as in `search`.
        """
        refuse_one("queries", queries)
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
        past_identical: bool = False,
        n_workers: Workers = None,
    ) -> Iterator[Answer | Skipped]:
        """Search as `search_many` does; yield for each query what `answer` returns.

        With `past_identical`, a query that is itself a reference, or has the pixels of one, is looked at as closely as
        others: for those who look for all copies of it, where `search` looks for a source.
        """
        refuse_one("queries", queries)
        search = self._searching(n_results, min_probability, exact=exact, past_identical=past_identical)
        return search.answer_many(queries, n_workers)

    def search_stored(
        self, queries: Collection, ids: Sequence[str], *, n_workers: Workers = None
    ) -> Iterator[list[Match] | Skipped]:
        """Yield what `search_described` finds for references of a collection, in order; see `as_query`.

        Parameters
        ----------
        queries : Collection
        ids : sequence of str
            Of references of `queries`.
        n_workers : int or Cluster, optional
            As in `search_many`.

        Raises
        ------
        UnknownIdError
        """
        search = self._searching(None, 0.0, exact=False)
        for found in search.answer_stored(queries._reader.pinned(), ids, n_workers):
            yield found if isinstance(found, Skipped) else list(found.matches)

    def as_queries(self) -> Iterator[Query]:
        """Yield the references as queries, see `as_query`."""
        return map(self.as_query, self.ids)

    def as_query(self, image_id: str) -> Query:
        """Return a reference as a query.

        If the collection keeps local descriptors, the query is made from its fingerprint, in less detail than from its
        file. Otherwise it is described from its file, which must be unchanged.

        Raises
        ------
        UnknownIdError
        ImageError
            If its file is needed and is gone or has changed.
        """
        reader = self._reader.pinned()
        record = reader.record(image_id)
        if record is None:
            raise self._unknown(image_id)
        return stored_query(reader.whole(), record, self._models, self._config)

    def fingerprint(self, image_id: str) -> Fingerprint:
        """Return the fingerprint of a reference.

        Raises
        ------
        UnknownIdError
        """
        found = self._reader.fingerprint(image_id)
        if found is None:
            raise self._unknown(image_id)
        return found

    def record(self, image_id: str) -> ImageRecord:
        """Return the file facts of a reference.

        Raises
        ------
        UnknownIdError
        """
        found = self._reader.record(image_id)
        if found is None:
            raise self._unknown(image_id)
        return found

    def _unknown(self, image_id: str) -> UnknownIdError:
        similar = similar_text(image_id, self.ids)
        return UnknownIdError(f"{image_id}: no such id in the collection {self._reader.folder}{similar}", image_id)

    def descriptors(self) -> F32:
        """Return the compact descriptors in the order of `ids`: float32 array, shape (n, d)."""
        return self._reader.vectors()[1]

    def remove(self, ids: Sequence[str], model_id: str | None = None) -> list[str]:
        """Remove references, and imported vectors with the same ids; none if one id is not in the collection.

        With a file, its frames that are references of their own are removed, too.

        Parameters
        ----------
        ids : sequence of str
        model_id : str, optional
            Remove only the vectors of this model.

        Returns
        -------
        list of str
            All ids that were removed. One that two shards of a sharded collection had is removed from both, and is
            there twice.

        Raises
        ------
        UnknownIdError
            The message names the first id that is not in the collection, and similar ones.
        ModelMismatchError
            If there are no vectors of that model.
        ConfigError
            If `ids` is one text rather than a list.
        CollectionBusyError, CollectionError
        """
        refuse_one("ids", ids)
        with self._writer.writing():
            if model_id is not None:
                self._reader.live_vectors(model_id)  # raises if there are none
            frames = [] if model_id is not None else [frame for name in ids for frame in self._reader.frames_of(name)]
            gone = list(dict.fromkeys((*ids, *frames))) if frames else list(ids)
            try:
                return self._writer.remove(gone, model_id)
            except UnknownIdError as error:
                wanted = str(error.args[1])
                raise UnknownIdError(f"{error}{similar_text(wanted, self.ids)}", wanted) from None

    def import_vectors(
        self,
        source: str | os.PathLike[str] | VectorSet,
        model_id: str | None = None,
        *,
        progress: Progress | None = None,
    ) -> ImportReport:
        """Import vectors of another model. Only `nearest` searches them, never a search for pictures.

        A vector that the collection has under its id with the same bytes is not written again; another one replaces the
        old. After an interruption, what was published is kept, and the same call continues.

        Parameters
        ----------
        source : path or VectorSet
            A file as `fingerprint.vectorfiles.read_vectors` reads it: ``.npz``, ``.csv``, ``.hdf5`` or ``.h5``. The ids
            need not be those of pictures.
        model_id : str, optional
            The model that made the vectors; by default the one that the file names.
        progress : callable, optional
            Called as ``progress(done, total)``, in vectors.

        Raises
        ------
        ConfigError
            If the file cannot be read, a rule of `VectorSet` is broken, or no model is named.
        ChallengeFileError
            If an HDF5 file cannot be read.
        ModelMismatchError
            If the model is the collection's own, or its stored vectors have another number of dimensions.
        CollectionBusyError, CollectionError
        """
        offered = source if isinstance(source, VectorSet) else read_vectors(source)
        return import_vectors(self._writer, offered, model_of(offered, model_id, source), progress)

    def export_vectors(
        self,
        path: str | os.PathLike[str],
        model_id: str | None = None,
        *,
        queries: str | os.PathLike[str] | VectorSet | None = None,
    ) -> int:
        """Write the vectors of a model to a file, without loss of a bit.

        Parameters
        ----------
        path : path-like
            ``.npz`` and ``.csv``: in the order of the collection. ``.hdf5`` and ``.h5``: the references' half of the
            challenge's file, sorted by id. An existing file is replaced when the new one is complete.
        model_id : str, optional
            The collection's own by default.
        queries : path or VectorSet, optional
            The queries' half of the challenge's file. The file is then complete and must follow the challenge's rules.

        Returns
        -------
        int
            How many vectors were written.

        Raises
        ------
        ModelMismatchError
            If there are no vectors of that model.
        ConfigError
            If all vectors of it were removed, or the file cannot be written.
        ChallengeFileError
            If a complete file would break the challenge's rules.
        """
        return export_vectors(self._reader, path, self._reader.model_id if model_id is None else model_id, queries)

    def nearest(
        self,
        queries: VectorSet | F32,
        model_id: str | None = None,
        *,
        n_results: int | None = None,
        exact: bool = False,
    ) -> list[list[Neighbour]]:
        """Return the references with the nearest vectors of a model, by Euclidean distance.

        Parameters
        ----------
        queries : VectorSet, or float32 array, shape (n_q, d)
            Of that model, finite.
        model_id : str, optional
            By default the one that the set names; for an array, the collection's own.
        n_results : int, optional
            Largest number of references for a query; ``config.results`` by default.
        exact : bool
            Compare with every vector, rather than use codes or Annoy in large segments.

        Returns
        -------
        list of list of Neighbour
            For each query, nearest first, ties by id.

        Raises
        ------
        ModelMismatchError
            If there are no vectors of that model, or they have another number of dimensions.
        ConfigError
            If an array is not float32, not 2-D or not finite, if no model is named, or `n_results` is negative.

        Examples
        --------
        >>> import numpy as np
        >>> from fingerprint import create_collection
        >>> from fingerprint.vectorfiles import VectorSet
        >>> with create_collection("own.fp") as collection:
        ...     collection.import_vectors(VectorSet.of(["a", "b"], np.eye(2), "a-network")).added
        ...     collection.nearest(np.array([[0, 3]], np.float32), "a-network", n_results=1)
        2
        [[Neighbour(reference_id='b', distance=2.0)]]
        """
        options = SearchOptions(self._config.results if n_results is None else n_results)
        return nearest_neighbours(self._reader, queries, model_id, options.n_results, exact=exact)


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
    return Collection(Writer.create(Path(folder), models, config), models, config)


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
    return Collection(open_writer(Path(folder), models, config), models, config)
