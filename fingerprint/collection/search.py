"""A search: the query is described, candidates are named, the shortlist is chosen and verified."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from fingerprint.collection.given import check_source
from fingerprint.config import Config
from fingerprint.errors import CollectionCorruptError, ConfigError, ImageError
from fingerprint.features.describe import describe_query, has_local_descriptors, query_from_fingerprint
from fingerprint.images.identity import load_identified
from fingerprint.index import Reader, shortlist
from fingerprint.index.records import ImageRecord
from fingerprint.index.segment import reference_fault
from fingerprint.index.stopwatch import Stopwatch
from fingerprint.models import Models
from fingerprint.types import Answer, Fingerprint, Identity, ImageSource, Match, Query, Skipped
from fingerprint.verify import verify
from fingerprint.workers import map_images

_log = logging.getLogger(__name__)
_BATCH = 64  # queries whose descriptors are compared together
_BATCH_FROM = 50_000  # references; batches are used from here on, below they save less than 1 % of a search
_MOST_RESULTS = (1 << 63) - 1  # as the catalogue counts


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """Search options.

    Attributes
    ----------
    n_results : int, >= 0
        Largest number of matches of a query, and of references that share something with it.
    min_probability : float, [0, 1]
        Least probability of a match. It is about copies.
    exact : bool
        Compare with every descriptor, rather than use codes or Annoy in large segments.

    Raises
    ------
    ConfigError
        If `n_results` is negative or more than a collection can hold, or `min_probability` is no number from 0 to 1.
    """

    n_results: int
    min_probability: float = 0.0
    exact: bool = False

    def __post_init__(self) -> None:
        if self.n_results < 0:
            raise ConfigError(f"n_results is {self.n_results}, must not be negative")
        if self.n_results > _MOST_RESULTS:
            raise ConfigError(f"n_results is {self.n_results}, must be at most {_MOST_RESULTS:,}")
        if not 0 <= self.min_probability <= 1:
            raise ConfigError(f"min_probability is {self.min_probability}, must be a number from 0 to 1")


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
        self._reader = reader
        self._models = models
        self._config = config
        self._options = options
        self._reported: set[str] = set()

    def answer(self, source: ImageSource) -> Answer:
        """Search for one picture.

        Raises
        ------
        ImageError
            If it cannot be read.
        """
        query, milliseconds = self._describe(source)
        return self.answer_described(query, {"describe": milliseconds})

    def answer_many(self, sources: Iterable[ImageSource], n_workers: int | None = None) -> Iterator[Answer | Skipped]:
        """Yield the answer to each picture, in order. In a large collection descriptors are compared in batches."""
        if len(self._reader) < _BATCH_FROM:
            yield from map_images(self.answer, sources, n_workers, strict=self._config.strict)
            return
        described = map_images(self._describe, sources, n_workers, strict=self._config.strict)
        while batch := list(islice(described, _BATCH)):
            queries = [item[0] for item in batch if not isinstance(item, Skipped)]
            watch = Stopwatch()
            nearest = iter(self._reader.nearest_by_descriptor(queries, exact=self._options.exact))
            share = watch.lap() / max(1, len(queries))
            items = [
                item
                if isinstance(item, Skipped)
                else _Described(item[0], next(nearest), {"describe": item[1], "descriptors": share})
                for item in batch
            ]
            yield from map_images(self._answer_batched, items, n_workers)

    def answer_described(
        self,
        query: Query,
        spent: Mapping[str, float] | None = None,
        by_descriptor: Sequence[int] | None = None,
    ) -> Answer:
        """Search for a query that is already described.

        Parameters
        ----------
        query : Query
        spent : mapping of str to float, optional
            Milliseconds that stages have taken before this call.
        by_descriptor : sequence of int, optional
            What `Reader.nearest_by_descriptor` found for this query in a batch.
        """
        exact = self._options.exact
        found, work = self._reader.select_candidates(query, exact=exact, by_descriptor=by_descriptor)
        watch = Stopwatch()
        identical = self._reader.identical(query, self._options.n_results)
        known = {candidate.reference_id for candidate in identical}
        candidates = [*identical, *(c for c in found if c.reference_id not in known)]
        faults = {c.reference_id: fault for c in candidates if (fault := reference_fault(c.fingerprint)) is not None}
        others = [c for c in found if c.reference_id not in known and c.reference_id not in faults]
        chosen = [c for c in identical if c.reference_id not in faults] + shortlist(query, others, self._config)
        milliseconds = {"describe": 0.0, **work.milliseconds, "shortlist": watch.lap()}
        matches = []
        for c in chosen:
            try:
                verification = verify(query, c.fingerprint, self._models, self._config.match)
            except CollectionCorruptError as error:
                faults[c.reference_id] = str(error)
            else:
                matches.append(Match(query.name, c.reference_id, verification))
        kept, shared = self._divide(matches)
        milliseconds["verify"] = watch.lap()
        for stage, before in (spent or {}).items():
            milliseconds[stage] += before
        counters = {**work.counters, "candidates": len(candidates), "pairs_aligned": len(chosen)}
        plain = query.flat or not len(query.plain)
        return Answer(query.name, kept, shared, milliseconds, counters, self._report(faults), plain)

    def _report(self, faults: Mapping[str, str]) -> tuple[Skipped, ...]:
        """Log each damaged reference once, and return all of them."""
        for name in faults.keys() - self._reported:
            self._reported.add(name)
            _log.warning(
                "%s: reference %s is left out of searches, as it is damaged: %s; 'fingerprint index check --repair' "
                "restores what it can",
                *(self._reader.folder, name, faults[name]),
            )
        return tuple(Skipped(name, fault) for name, fault in faults.items())

    def _divide(self, verified: Sequence[Match]) -> tuple[tuple[Match, ...], tuple[Match, ...]]:
        """Return the matches, and the other references that share something with the query."""
        limit = self._options.n_results
        by_score = sorted(verified, key=lambda match: (-match.score, match.reference_id))
        kept = [match for match in by_score if match.probability >= self._options.min_probability][:limit]
        known = {match.reference_id for match in kept}
        shared = [match for match in verified if match.relation == "shared" and match.reference_id not in known]
        shared.sort(key=lambda match: (-match.shared_probability, match.reference_id))
        return tuple(kept), tuple(shared[:limit])

    def _describe(self, source: ImageSource) -> tuple[Query, float]:
        """Return a query, and the milliseconds that describing it took."""
        watch = Stopwatch()
        check_source(source)
        query = describe_query(source, self._models, self._config)
        return query, watch.lap()

    def _answer_batched(self, item: Skipped | _Described) -> Answer | Skipped:
        return item if isinstance(item, Skipped) else self.answer_described(item.query, item.spent, item.by_descriptor)


@dataclass(frozen=True, slots=True)
class _Described:
    """A query whose descriptor was compared together with others."""

    query: Query
    by_descriptor: list[int]
    spent: Mapping[str, float]


def reference_as_query(
    reader: Reader, record: ImageRecord, fingerprint: Fingerprint, models: Models, config: Config
) -> Query:
    """Return a reference as a query: from its local descriptors if the collection keeps them, else from its file.

    Raises
    ------
    ImageError
        If its file is needed and is gone or has changed.
    """
    if has_local_descriptors(fingerprint):
        identified = dataclasses.replace(fingerprint, identity=Identity(record.content, record.pixels))
        return query_from_fingerprint(record.image_id, identified, models, config)
    try:
        data, content, _ = load_identified(record.path or "", config.limits)
    except ImageError:
        content = ""
    if content != record.content:
        raise ImageError(
            record.image_id,
            f"the collection {reader.folder} does not keep the local descriptors that a query needs, and the file "
            f"{record.path or '(none)'} is missing or has changed; give image files as queries, or make the "
            "collection with local descriptors ('fingerprint index create --keep-local')",
        )
    return dataclasses.replace(describe_query(data, models, config), name=record.image_id)
