"""A search: the query is described, candidates are named, the shortlist is chosen and verified.

If no reference is then surely the source, parts of the query are looked at in the same way, and all of it once more.
Where sure sources fill cells of a grid, the query is a collage, and its other cells are looked at.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from fingerprint.collection.cluster_search import ClusterSearch
from fingerprint.collection.looking import Looker
from fingerprint.collection.looks import BATCH, BATCH_FROM, Answers, Look, SearchOptions
from fingerprint.collection.search_tasks import Asked
from fingerprint.collection.stored_queries import stored_queries, stored_query
from fingerprint.config import Config
from fingerprint.errors import UnknownIdError
from fingerprint.features.describe import (
    ReadPicture,
    describe_read_query,
    read_picture,
)
from fingerprint.index import Reader
from fingerprint.index.stopwatch import Stopwatch
from fingerprint.models import Models
from fingerprint.results import Answer
from fingerprint.types import ImageSource, Query, Skipped
from fingerprint.workers import Cluster, Workers, map_images


class Search:
    """Searches one collection with one set of options.

    Parameters
    ----------
    reader : Reader
    models : Models
    config : Config
    options : SearchOptions
    """

    def __init__(self, reader: Reader, models: Models, config: Config, options: SearchOptions) -> None:
        self._reader = reader.pinned()
        self._models = models
        self._config = config
        self._options = options
        self._answers = Answers(reader.folder, options)

    def answer(self, source: ImageSource) -> Answer:
        """Search for one picture, and look at it more closely if no reference is surely its source.

        Raises
        ------
        ImageError
            If it cannot be read.
        """
        return self._answer(self._describe(source), n_threads=os.cpu_count() or 1)

    def answer_many(self, sources: Iterable[ImageSource], n_workers: Workers = None) -> Iterator[Answer | Skipped]:
        """Yield the answer to each picture, in order. In a large collection descriptors are compared in batches."""
        if isinstance(n_workers, Cluster):
            if len(self._reader.whole()):
                yield from self._on_cluster(sources, n_workers)
                return
            n_workers = 1
        if len(self._reader) < BATCH_FROM:
            yield from map_images(self.answer, sources, n_workers, strict=self._config.strict)
            return
        described = map_images(self._describe, sources, n_workers, strict=self._config.strict)
        while batch := list(islice(described, BATCH)):
            queries = [item.query for item in batch if not isinstance(item, Skipped)]
            watch = Stopwatch()
            nearest = iter(self._reader.nearest_by_descriptor(queries, exact=self._options.exact))
            share = watch.lap() / max(1, len(queries))
            items = [
                item
                if isinstance(item, Skipped)
                else replace(item, spent={**item.spent, "descriptors": share}, by_descriptor=next(nearest))
                for item in batch
            ]
            yield from map_images(self._answer_batched, items, n_workers)

    def answer_stored(
        self, collection: Reader, ids: Iterable[str], n_workers: Workers = None
    ) -> Iterator[Answer | Skipped]:
        """Yield the answer to each picture of a collection, in order: one look, as its picture is not at hand."""
        if isinstance(n_workers, Cluster) and len(self._reader.whole()):
            yield from self._on_cluster(stored_queries(collection, ids), n_workers)
            return

        def work(image_id: str) -> Answer:
            record = collection.record(image_id)
            if record is None:
                raise UnknownIdError(f"{image_id}: no such id in the collection {collection.folder}", image_id)
            return self.answer_described(stored_query(collection.whole(), record, self._models, self._config))

        yield from map_images(work, ids, 1 if isinstance(n_workers, Cluster) else n_workers)

    def _on_cluster(self, sources: Iterable[Asked], cluster: Cluster) -> Iterator[Answer | Skipped]:
        search = ClusterSearch(self._reader, self._models, self._config, self._options, cluster)
        return search.answer_many(sources)

    def answer_described(self, query: Query, by_descriptor: Sequence[tuple[int, float]] | None = None) -> Answer:
        """Search for a query that is already described: one look, as its picture is not at hand.

        Parameters
        ----------
        query : Query
        by_descriptor : sequence of (int, float), optional
            What `Reader.nearest_by_descriptor` found for this query in a batch.

        Raises
        ------
        ModelMismatchError
            If the query was described by another model.
        """
        self._reader.check_described(query)
        return self._answers.answer(query.name, query.is_plain, self._look(self._looker(1), query, by_descriptor))

    def _answer(self, described: _Described, n_threads: int = 1) -> Answer:
        """Look at a query, and look closer while no reference is surely its source."""
        query, looker = described.query, self._looker(n_threads)
        look = self._look(looker, query, described.by_descriptor)
        for stage, before in described.spent.items():
            look.milliseconds[stage] += before
        if self._reader:
            looker.look_closer(described.read, query, look, past_identical=self._options.past_identical)
        return self._answers.answer(query.name, query.is_plain, look)

    def _looker(self, n_threads: int) -> Looker:
        return Looker(self._reader.whole(), self._models, self._config, self._options.exact, n_threads)

    def _look(self, looker: Looker, query: Query, by_descriptor: Sequence[tuple[int, float]] | None = None) -> Look:
        """Look at all of a query; `by_descriptor` is what `Reader.nearest_by_descriptor` found in a batch."""
        if by_descriptor is None:
            self._reader.log_how(1, exact=self._options.exact)
        identical = self._reader.known_identical(query.identity, self._options.n_results)
        return looker.look(query, query, identical, by_descriptor)

    def _describe(self, source: ImageSource) -> _Described:
        watch = Stopwatch()
        read = read_picture(source, self._config)
        query = describe_read_query(read, self._config.query, self._models, self._config)
        return _Described(read, query, {"describe": watch.lap()})

    def _answer_batched(self, item: Skipped | _Described) -> Answer | Skipped:
        return item if isinstance(item, Skipped) else self._answer(item)


@dataclass(frozen=True, slots=True)
class _Described:
    """A query that was read and described for a first look.

    Attributes
    ----------
    read : ReadPicture
    query : Query
    spent : mapping of str to float
        Milliseconds that stages have taken.
    by_descriptor : list of (int, float), optional
        What `Reader.nearest_by_descriptor` found if it was compared together with others.
    """

    read: ReadPicture
    query: Query
    spent: Mapping[str, float]
    by_descriptor: list[tuple[int, float]] | None = None
