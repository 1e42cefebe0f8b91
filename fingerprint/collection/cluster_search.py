"""A search on a cluster.

The segments of a collection are divided into parts, and each look at a query goes through all parts in three steps:
every source names candidates, the votes of their signatures are counted, and the shortlist is verified. A worker opens
the segments of a part itself, so only queries, names, votes and verdicts travel. Between the steps what the parts
answer is merged by the rules of a search by one process (`fingerprint.index.candidates`), so the answers are the same.

Queries go in parcels, so that a task is long against the time it takes to hand it over. A thread of the caller leads a
parcel through its steps; several parcels are under way at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeAlias, TypeVar

from fingerprint.collection.looks import BATCH, BATCH_FROM, Answers, Look, SearchOptions
from fingerprint.collection.search_tasks import (
    Asked,
    Described,
    Head,
    Setup,
    describe_queries,
    heads_of,
    look_in_only_part,
    name_in_part,
    outcomes_of,
    plan_views,
    queries_of,
    verify_in_part,
    views_of,
    vote_in_part,
)
from fingerprint.config import Config
from fingerprint.errors import ImageError
from fingerprint.features.views import Likeliest
from fingerprint.index import Reader
from fingerprint.index.candidates import Found, Named, merge_named
from fingerprint.index.part import PartRecord, parts_by_segment
from fingerprint.index.shortlist import choose
from fingerprint.models import Models
from fingerprint.results import Answer, Verification, Work
from fingerprint.types import Identity, Query, Skipped
from fingerprint.workers import Cluster, Pending, far, map_images, task_name

Item = TypeVar("Item")
Result = TypeVar("Result")

_PARCEL = 8  # queries of a task; each takes some 50 milliseconds
_PART_BYTES = 4 << 30  # of the files of a part: a worker maps them, and keeps in memory what it uses of them
_UNDER_WAY = 3  # parcels for each thread of the cluster: others work while the caller merges what one has found
_LEAST_UNDER_WAY = 32  # parcels: workers may join; those that wait cost nothing, as looks go before descriptions


class ClusterSearch:
    """Searches one collection with one set of options on a cluster, whose workers all reach the collection's folder.

    Parameters
    ----------
    reader : Reader
        A pinned one.
    models : Models
    config : Config
    options : SearchOptions
    cluster : Cluster
    """

    def __init__(
        self,
        reader: Reader,
        models: Models,
        config: Config,
        options: SearchOptions,
        cluster: Cluster,
    ) -> None:
        self._reader, self._config, self._options, self._cluster = reader, config, options, cluster
        self._answers = Answers(reader.folder, options)
        whole = reader.whole()
        self._together = len(reader) >= BATCH_FROM
        self._setup = cluster.share(Setup(models, whole.config, options.exact, len(whole)))
        parts = reader.parts(_PART_BYTES)
        self._parts: list[Pending[PartRecord]] = [cluster.share(part) for part in parts]
        self._part_of_segment = parts_by_segment(parts)

    def answer_many(self, sources: Iterable[Asked]) -> Iterator[Answer | Skipped]:
        """Yield the answer to each query, in order.

        Raises
        ------
        ImageError
            If a query cannot be read and the settings are strict.
        """
        waiting, size = map(far, sources), BATCH if self._together else _PARCEL
        parcels = iter(lambda: list(islice(waiting, size)), [])
        n_threads = max(_LEAST_UNDER_WAY, _UNDER_WAY * self._cluster.n_threads)
        for answers in map_images(self._answer_parcel, parcels, n_threads):
            if isinstance(answers, Skipped):
                raise AssertionError("a parcel notes what it skips")
            for answer in answers:
                if self._config.strict and isinstance(answer, Skipped):
                    raise ImageError(answer.path, answer.reason)
                yield answer

    def _answer_parcel(self, sources: Sequence[Asked]) -> list[Answer | Skipped]:
        start = self._cluster.start
        described = start(describe_queries, self._setup, sources, name="describe-queries")
        heads = start(heads_of, described, name="heads", near=described).result()
        known = {number: head for number, head in enumerate(heads) if isinstance(head, Head)}
        look = self._look_in_only_part if len(self._parts) == 1 else self._look_in_parts
        looks = look(described, known) if known else {}
        return [
            head if isinstance(head, Skipped) else self._answers.answer(head.name, head.plain, looks[number])
            for number, head in enumerate(heads)
        ]

    def _look_in_only_part(
        self, described: Pending[list[Described | Skipped]], heads: Mapping[int, Head]
    ) -> dict[int, Look]:
        """Look at queries, all by the worker that has described them."""
        identical = {number: self._identical(head.identity) for number, head in heads.items()}
        return self._cluster.start(
            *(look_in_only_part, self._setup, self._parts[0], described, identical),
            *(self._together, self._options.past_identical),
            name="look",
            near=described,
        ).result()

    def _look_in_parts(
        self, described: Pending[list[Described | Skipped]], heads: Mapping[int, Head]
    ) -> dict[int, Look]:
        """Look at queries in several parts."""
        queries = self._cluster.start(queries_of, described, name="queries", near=described)
        parcel = _Parcel(described, queries, max(heads) + 1)
        identities = {number: head.identity for number, head in heads.items()}
        looks = self._look(parcel, parcel.queries, identities, self._together)
        for number, head in heads.items():
            looks[number].milliseconds["describe"] += head.milliseconds
        if len(self._reader):
            self._look_closer(parcel, looks, [number for number, head in heads.items() if head.has_picture])
        return looks

    def _identical(self, identity: Identity | None) -> list[tuple[str, Identity]]:
        return self._reader.known_identical(identity, self._options.n_results)

    def _look_closer(self, parcel: _Parcel, looks: Mapping[int, Look], which: Sequence[int]) -> None:
        """Look at views of queries as long as there are some, at one view of each query at a time."""
        past = self._options.past_identical
        known: dict[int, list[Likeliest]] = {number: [] for number in which}
        while known:
            for number, before in known.items():
                before.append(looks[number].likeliest(past_identical=past))
            viewed = self._cluster.start(
                plan_views, self._setup, parcel.described, known, name="plan-views", near=parcel.described
            )
            outcomes = self._cluster.start(outcomes_of, viewed, name="views-planned", near=viewed).result()
            for number, (there, n_planned, spent) in outcomes.items():
                looks[number].milliseconds["describe"] += spent
                before = known[number]
                before += before[-1:] * (n_planned - len(before))  # flat views were passed over
                if not there:
                    del known[number]
            views = self._cluster.start(views_of, viewed, parcel.size, name="views", near=viewed)
            for number, seen in self._look(parcel, views, dict.fromkeys(known), together=False).items():
                looks[number].add(seen)

    def _look(
        self,
        parcel: _Parcel,
        looked: Pending[Any],
        identities: Mapping[int, Identity | None],
        together: bool,
    ) -> dict[int, Look]:
        """Look at some queries of a parcel, or at views of them, each with the identity of its picture."""
        if not identities:
            return {}
        which = list(identities)
        named = self._in_parts(name_in_part, dict.fromkeys(range(len(self._parts)), (looked, which, together)))
        looks = {number: self._begin(identities[number], [found[number] for found in named]) for number in which}
        wanted = self._by_part({number: look.others for number, look in looks.items()}, looks, _name_of)
        counted = self._in_parts(vote_in_part, {part: (looked, own) for part, own in wanted.items()})
        for own, by_number in zip(wanted.values(), counted, strict=True):
            for number, (votes, spent) in by_number.items():
                looks[number].count(own[number], votes, spent)
        chosen = self._by_part({n: look.choose(self._config) for n, look in looks.items()}, looks, _first_of)
        verified = self._in_parts(verify_in_part, {part: (parcel.queries, looked, own) for part, own in chosen.items()})
        for chose, answered in zip(chosen.values(), verified, strict=True):
            for number, (verdicts, spent) in answered.items():
                looks[number].verify(chose[number], verdicts, spent)
        return {number: look.finished() for number, look in looks.items()}

    def _in_parts(self, work: Callable[..., Result], arguments: Mapping[int, Sequence[object]]) -> list[Result]:
        """Do a step in some parts, each with its arguments, and return what they answer in the same order."""
        started = [
            self._cluster.start(
                work,
                self._setup,
                self._parts[part],
                *own,
                name=task_name(work),
                place=part,
            )
            for part, own in arguments.items()
        ]
        return [task.result() for task in started]

    def _begin(self, identity: Identity | None, named: Sequence[tuple[Named[str], Work]]) -> _Begun:
        """Return a look of which all parts have named candidates."""
        part_of = {name: part for part, (found, _) in enumerate(named) for name in found.names()}
        identical = self._identical(identity)
        part_of |= {name: self._part_of_segment[self._reader.segment_of(name)] for name, _ in identical}
        found = merge_named([found for found, _ in named], self._config.candidates).union()
        milliseconds: Counter[str] = Counter()
        counters: Counter[str] = Counter()
        for _, work in named:
            milliseconds.update(work.milliseconds)
            counters.update(work.counters)
        known = {name for name, _ in identical}
        return _Begun(
            part_of, identical, [item for item in found if item.name not in known], dict(milliseconds), dict(counters)
        )

    def _by_part(
        self, items: Mapping[int, Sequence[Item]], looks: Mapping[int, _Begun], name_of: Callable[[Item], str]
    ) -> dict[int, dict[int, list[Item]]]:
        """Divide what is asked about each query by the parts that have the references."""
        divided: dict[int, dict[int, list[Item]]] = {}
        for number, own in items.items():
            for item in own:
                part = looks[number].part_of[name_of(item)]
                divided.setdefault(part, {}).setdefault(number, []).append(item)
        return dict(sorted(divided.items()))


@dataclass(frozen=True, slots=True)
class _Parcel:
    """Queries that are described: what their worker keeps, the queries alone, and how many up to the last one."""

    described: Pending[list[Described | Skipped]]
    queries: Pending[list[Query | None]]
    size: int


#: A reference to verify, and what of a query's identity it has.
_Chosen: TypeAlias = tuple[str, Identity | None]


@dataclass(slots=True)
class _Begun:
    """A look at a query that is under way.

    Attributes
    ----------
    part_of : dict of str to int
        The part that has each named reference.
    identical : list of (id, Identity)
        References with the same bytes or pixels.
    others : list of Found
        The other candidates, in order.
    milliseconds, counters : dict
        Of the work in all parts.
    """

    part_of: dict[str, int]
    identical: list[tuple[str, Identity]]
    others: list[Found[str]]
    milliseconds: dict[str, float]
    counters: dict[str, int]
    _votes: dict[str, float] = field(default_factory=dict)
    _faults: dict[str, str] = field(default_factory=dict)
    _chosen: list[_Chosen] = field(default_factory=list)
    _verdicts: dict[str, Verification] = field(default_factory=dict)
    _spent: dict[str, float] = field(default_factory=lambda: {"shortlist": 0.0, "verify": 0.0})

    def count(self, found: Sequence[Found[str]], votes: Sequence[float | str], spent: float) -> None:
        """Take the votes of candidates, or what is wrong with them, from one part."""
        for item, own in zip(found, votes, strict=True):
            if isinstance(own, str):
                self._faults[item.name] = own
            else:
                self._votes[item.name] = own
        self._spent["shortlist"] += spent

    def choose(self, config: Config) -> list[_Chosen]:
        """Return the references to verify, when all votes are counted."""
        sound = [item for item in self.others if item.name in self._votes]
        ranks = choose(
            [self._votes[item.name] for item in sound], [item.always_verified for item in sound], config.candidates
        )
        self._chosen = [*self.identical, *((sound[rank].name, None) for rank in ranks)]
        return self._chosen

    def verify(self, chosen: Sequence[_Chosen], verdicts: Sequence[Verification | str], spent: float) -> None:
        """Take the verdicts on references, or what is wrong with them, from one part."""
        for (name, _), found in zip(chosen, verdicts, strict=True):
            if isinstance(found, str):
                self._faults[name] = found
            else:
                self._verdicts[name] = found
        self._spent["verify"] += spent

    def finished(self) -> Look:
        """Return what the look found."""
        verified = {name: self._verdicts[name] for name, _ in self._chosen if name in self._verdicts}
        counters = {
            "looks": 1,
            **self.counters,
            "candidates": len(self.identical) + len(self.others),
            "pairs_aligned": len(self._chosen),
        }
        return Look(verified, self._faults, {"describe": 0.0, **self.milliseconds, **self._spent}, counters)


def _name_of(found: Found[str]) -> str:
    return found.name


def _first_of(chosen: _Chosen) -> str:
    return chosen[0]
