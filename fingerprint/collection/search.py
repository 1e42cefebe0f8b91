"""A search: the query is described, candidates are named, the shortlist is chosen and verified.

If no reference is then surely the source, parts of the query are looked at in the same way, and all of it once more.
Where sure sources fill cells of a grid, the query is a collage, and its other cells are looked at.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from fingerprint.config import Config
from fingerprint.errors import CollectionCorruptError, ConfigError, ImageError
from fingerprint.features.describe import (
    ReadPicture,
    describe_query,
    describe_read_query,
    has_local_descriptors,
    query_from_fingerprint,
    read_picture,
)
from fingerprint.features.views import Likeliest, View, closer_views
from fingerprint.images.identity import load_identified
from fingerprint.index import Reader, shortlist
from fingerprint.index.records import ImageRecord
from fingerprint.index.segment import keypoints_fault, reference_fault
from fingerprint.index.stopwatch import Stopwatch
from fingerprint.models import Models
from fingerprint.results import Answer, Match, Verification
from fingerprint.types import Fingerprint, Identity, ImageSource, Query, Skipped
from fingerprint.verify import surer, verify, verify_view
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
    past_identical : bool
        Whether a query is looked at more closely also if a reference has the same bytes or pixels: what else it was
        made from, or was made from it, is wanted, too.

    Raises
    ------
    ConfigError
        If `n_results` is negative or more than a collection can hold, or `min_probability` is no number from 0 to 1.
    """

    n_results: int
    min_probability: float = 0.0
    exact: bool = False
    past_identical: bool = False

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
        self._reader = reader.pinned()
        self._models = models
        self._config = config
        self._options = options
        self._reported: set[str] = set()

    def answer(self, source: ImageSource) -> Answer:
        """Search for one picture, and look at it more closely if no reference is surely its source.

        Raises
        ------
        ImageError
            If it cannot be read.
        """
        return self._answer(self._describe(source), n_threads=os.cpu_count() or 1)

    def answer_many(self, sources: Iterable[ImageSource], n_workers: int | None = None) -> Iterator[Answer | Skipped]:
        """Yield the answer to each picture, in order. In a large collection descriptors are compared in batches."""
        if len(self._reader) < _BATCH_FROM:
            yield from map_images(self.answer, sources, n_workers, strict=self._config.strict)
            return
        described = map_images(self._describe, sources, n_workers, strict=self._config.strict)
        while batch := list(islice(described, _BATCH)):
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

    def answer_described(self, query: Query, by_descriptor: Sequence[int] | None = None) -> Answer:
        """Search for a query that is already described: one look, as its picture is not at hand.

        Parameters
        ----------
        query : Query
        by_descriptor : sequence of int, optional
            What `Reader.nearest_by_descriptor` found for this query in a batch.
        """
        return self._as_answer(query, self._look(query, by_descriptor))

    def _answer(self, described: _Described, n_threads: int = 1) -> Answer:
        """Look at a query, and look closer while no reference is surely its source."""
        query = described.query
        look = self._look(query, described.by_descriptor, n_threads)
        for stage, before in described.spent.items():
            look.milliseconds[stage] += before
        watch = Stopwatch()
        past = self._options.past_identical
        known = partial(look.likeliest, past_identical=past)
        for view in closer_views(described.read, self._models, self._config, known) if self._reader else ():
            look.milliseconds["describe"] += watch.lap()
            look.add(self._look_at_view(view, query, n_threads))
            watch.lap()
        return self._as_answer(query, look)

    def _look(self, query: Query, by_descriptor: Sequence[int] | None = None, n_threads: int = 1) -> _Look:
        """Look at a query; `by_descriptor` is what `Reader.nearest_by_descriptor` found in a batch."""
        match = self._config.match
        return self._look_with(
            query, lambda reference: verify(query, reference, self._models, match), by_descriptor, n_threads
        )

    def _look_at_view(self, view: View, whole: Query, n_threads: int) -> _Look:
        """Look at a view of a query."""
        match = self._config.match
        return self._look_with(
            view.query, lambda reference: verify_view(view, whole, reference, self._models, match), None, n_threads
        )

    def _look_with(
        self,
        query: Query,
        verified_with: Callable[[Fingerprint], Verification],
        by_descriptor: Sequence[int] | None,
        n_threads: int,
    ) -> _Look:
        """Find the candidates of a query and verify them."""
        found, work = self._reader.select_candidates(
            query, exact=self._options.exact, by_descriptor=by_descriptor, n_threads=n_threads
        )
        watch = Stopwatch()
        identical = self._reader.identical(query, self._options.n_results)
        known = {candidate.reference_id for candidate in identical}
        others = [c for c in found if c.reference_id not in known]
        faults = {c.reference_id: fault for c in others if (fault := keypoints_fault(c.keypoints)) is not None}
        chosen = identical + shortlist(query, [c for c in others if c.reference_id not in faults], self._config)
        milliseconds = {"describe": 0.0, **work.milliseconds, "shortlist": watch.lap()}
        verified = {}
        for c in chosen:
            reference = c.load()
            fault = reference_fault(reference)
            if fault is None:
                try:
                    verified[c.reference_id] = verified_with(reference)
                except CollectionCorruptError as error:
                    fault = str(error)
            if fault is not None:
                faults[c.reference_id] = fault
        milliseconds["verify"] = watch.lap()
        counters = {
            "looks": 1,
            **work.counters,
            "candidates": len(identical) + len(others),
            "pairs_aligned": len(chosen),
        }
        return _Look(verified, faults, milliseconds, counters)

    def _as_answer(self, query: Query, look: _Look) -> Answer:
        kept, shared = self._divide([Match(query.name, name, found) for name, found in look.verified.items()])
        plain = query.flat or not len(query.plain)
        return Answer(query.name, kept, shared, look.milliseconds, look.counters, self._report(look.faults), plain)

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
    by_descriptor : list of int, optional
        What `Reader.nearest_by_descriptor` found if it was compared together with others.
    """

    read: ReadPicture
    query: Query
    spent: Mapping[str, float]
    by_descriptor: list[int] | None = None


@dataclass(frozen=True, slots=True)
class _Look:
    """What one or several looks at a query found: verifications and faults by reference, times and counters."""

    verified: dict[str, Verification]
    faults: dict[str, str]
    milliseconds: dict[str, float]
    counters: dict[str, int]

    def likeliest(self, *, past_identical: bool = False) -> Likeliest:
        """Return the likeliest of what was found; with `past_identical` of what has not the same bytes or pixels."""
        return Likeliest.of(found for found in self.verified.values() if not (past_identical and found.identical))

    def add(self, other: _Look) -> None:
        """Add a look at a view of the query; of two verifications of a reference, the surer one is kept."""
        for name, seen in other.verified.items():
            known = self.verified.get(name)
            self.verified[name] = seen if known is None else surer(known, seen)
        self.faults.update(other.faults)
        for stage, spent in other.milliseconds.items():
            self.milliseconds[stage] += spent
        for name, n in other.counters.items():
            self.counters[name] += n


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
        identified = replace(fingerprint, identity=Identity(record.content, record.pixels))
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
    return replace(describe_query(data, models, config), name=record.image_id)
