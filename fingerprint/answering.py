"""The walk from a query to its matches: described, candidates named, voted on, the best compared in full."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from time import perf_counter
from types import MappingProxyType

from fingerprint.config import Config
from fingerprint.describe import describe_query
from fingerprint.index import Store
from fingerprint.models import Models
from fingerprint.types import Answer, ImageSource, Match, Query, Skipped
from fingerprint.verify import shortlist, verify
from fingerprint.workers import map_images

_BATCH = 64  # queries whose descriptors are compared together,
_BATCH_FROM = 50_000  # in collections of so many references: below, that saves less than a hundredth of a search
_NOTHING: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a search.

    Attributes
    ----------
    n_results : int, >= 0
        The most matches of a query.
    min_probability : float, [0, 1]
        Matches below it are left out.
    exact : bool
        Compare with every descriptor, rather than by Annoy in large segments.
    """

    n_results: int
    min_probability: float
    exact: bool


def answer(store: Store, source: ImageSource, models: Models, config: Config, wanted: Wanted) -> Answer:
    """Search for one picture.

    Raises
    ------
    ImageError
        If it cannot be read.
    """
    query, took = _describe(source, models, config)
    return answer_described(store, query, models, config, wanted, spent={"describe": took})


def answer_many(
    store: Store,
    sources: Iterable[ImageSource],
    models: Models,
    config: Config,
    wanted: Wanted,
    n_workers: int | None = None,
) -> Iterator[Answer | Skipped]:
    """Yield the answer to each picture, in order; in a large collection descriptors are compared some at a time."""

    def describe(source: ImageSource) -> tuple[Query, float]:
        return _describe(source, models, config)

    def alone(source: ImageSource) -> Answer:
        return answer(store, source, models, config, wanted)

    def search(item: Skipped | tuple[Query, list[int], dict[str, float]]) -> Answer | Skipped:
        if isinstance(item, Skipped):
            return item
        query, by_descriptor, spent = item
        return answer_described(store, query, models, config, wanted, by_descriptor=by_descriptor, spent=spent)

    if len(store) < _BATCH_FROM:
        yield from map_images(alone, sources, n_workers)
        return
    described = map_images(describe, sources, n_workers)
    while batch := list(islice(described, _BATCH)):
        asked = [item[0] for item in batch if not isinstance(item, Skipped)]
        start = perf_counter()
        found = iter(store.nearest_by_descriptor(asked, exact=wanted.exact))
        share = _since(start) / max(1, len(asked))
        items = [
            item if isinstance(item, Skipped) else (item[0], next(found), {"describe": item[1], "candidates": share})
            for item in batch
        ]
        yield from map_images(search, items, n_workers)


def answer_described(
    store: Store,
    query: Query,
    models: Models,
    config: Config,
    wanted: Wanted,
    *,
    by_descriptor: Sequence[int] | None = None,
    spent: Mapping[str, float] = _NOTHING,
) -> Answer:
    """Search for a picture that was described before.

    Parameters
    ----------
    store, models, config, wanted
    query : Query
    by_descriptor : sequence of int, optional
        What `Store.nearest_by_descriptor` found for it among others.
    spent : mapping of str to float
        Milliseconds that stages have taken already.
    """
    begin = perf_counter()
    candidates = store.candidates(query, exact=wanted.exact, by_descriptor=by_descriptor)
    took = {"describe": spent.get("describe", 0.0), "candidates": spent.get("candidates", 0.0) + _since(begin)}
    begin = perf_counter()
    candidates = shortlist(query, candidates, config)
    took["vote"] = _since(begin)
    begin = perf_counter()
    matches = [
        Match(query.name, c.reference_id, verify(query, c.fingerprint, models, config.match)) for c in candidates
    ]
    matches.sort(key=lambda match: (-match.score, match.reference_id))
    kept = [match for match in matches if match.probability >= wanted.min_probability]
    took["verify"] = _since(begin)
    return Answer(query.name, tuple(kept[: wanted.n_results]), took)


def _describe(source: ImageSource, models: Models, config: Config) -> tuple[Query, float]:
    start = perf_counter()
    query = describe_query(source, models, config)
    return query, _since(start)


def _since(start: float) -> float:
    """Return the milliseconds since a reading of the clock."""
    return (perf_counter() - start) * 1000
