"""The tasks of a search on a cluster: what a worker does for a parcel of queries. See `cluster_search`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

from fingerprint.collection.looking import Looker, verdict_on
from fingerprint.collection.looks import Look
from fingerprint.collection.stored_queries import StoredQuery, stored_query
from fingerprint.config import Config
from fingerprint.errors import ImageError
from fingerprint.features.describe import ReadPicture, describe_read_query, read_picture
from fingerprint.features.insets import Inset
from fingerprint.features.views import Likeliest, View, likely_insets, next_view
from fingerprint.index.candidates import Found, Named
from fingerprint.index.part import Part, PartRecord, open_part
from fingerprint.index.segment import keypoints_fault
from fingerprint.index.shortlist import count_votes
from fingerprint.index.stopwatch import Stopwatch
from fingerprint.models import Models
from fingerprint.results import Verification, Work
from fingerprint.types import Identity, ImageSource, Query, Skipped, array_bytes
from fingerprint.workers import Kept

#: A query on a cluster: a picture, or one that a collection has.
Asked: TypeAlias = "ImageSource | StoredQuery"
#: What is looked at: all of a query, or a view of it; None where a query is not looked at.
Looked: TypeAlias = Query | View | None

_KEPT_INSETS = 512  # pictures


@dataclass(frozen=True, slots=True)
class Setup:
    """What all tasks of a search have in common.

    Attributes
    ----------
    models : Models
    config : Config
        Of the collection.
    exact : bool
        Compare with every descriptor, rather than use codes or Annoy in large segments.
    n_references : int
        In all parts, removed ones too.
    """

    models: Models
    config: Config
    exact: bool
    n_references: int


@dataclass(frozen=True, slots=True)
class Described:
    """A described query; `read` is None if its picture is not at hand, so that it cannot be looked at closer."""

    query: Query
    read: ReadPicture | None
    milliseconds: float

    def __sizeof__(self) -> int:
        """Return the bytes of its arrays."""
        return array_bytes((self.query, self.read))


@dataclass(frozen=True, slots=True)
class Head:
    """What the caller needs to know of a described query."""

    name: str
    identity: Identity | None
    plain: bool
    has_picture: bool
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Viewed:
    """The next view of a query, if there is one, and how many were planned up to it."""

    view: View | None
    n_planned: int
    milliseconds: float

    def __sizeof__(self) -> int:
        """Return the bytes of its arrays."""
        return array_bytes(self.view)


def describe_queries(setup: Setup, sources: Sequence[Asked]) -> list[Described | Skipped]:
    """Read and describe queries; the result stays with the worker."""
    found: list[Described | Skipped] = []
    for source in sources:
        watch = Stopwatch()
        try:
            if isinstance(source, StoredQuery):
                part = _open_part(source.part, setup)
                query = stored_query(part, source.record, setup.models, setup.config)
                found.append(Described(query, None, watch.lap()))
            else:
                read = read_picture(source, setup.config)
                query = describe_read_query(read, setup.config.query, setup.models, setup.config)
                found.append(Described(query, read, watch.lap()))
        except ImageError as error:
            found.append(Skipped(error.path, error.reason))
    return found


def heads_of(described: Sequence[Described | Skipped]) -> list[Head | Skipped]:
    """Return what the caller needs to know of described queries."""
    return [
        item
        if isinstance(item, Skipped)
        else Head(item.query.name, item.query.identity, item.query.is_plain, item.read is not None, item.milliseconds)
        for item in described
    ]


def queries_of(described: Sequence[Described | Skipped]) -> list[Query | None]:
    """Return described queries without their pixels, which only their worker needs."""
    return [None if isinstance(item, Skipped) else item.query for item in described]


def plan_views(
    setup: Setup, described: Sequence[Described | Skipped], known: Mapping[int, Sequence[Likeliest]]
) -> dict[int, Viewed]:
    """Return the next view of some of the queries; `known` as in `fingerprint.features.views.next_view`."""
    found = {}
    for number, before in known.items():
        item, watch = described[number], Stopwatch()
        if isinstance(item, Skipped) or item.read is None:
            raise AssertionError("a query without a picture has no views")
        insets = partial(_insets, item.read, setup)
        view, n_planned = next_view(item.read, setup.models, setup.config, before, insets)
        found[number] = Viewed(view, n_planned, watch.lap())
    return found


def views_of(viewed: Mapping[int, Viewed], n: int) -> list[View | None]:
    """Return the views of `n` queries, None for those that have none."""
    return [viewed[number].view if number in viewed else None for number in range(n)]


def outcomes_of(viewed: Mapping[int, Viewed]) -> dict[int, tuple[bool, int, float]]:
    """Return for each query whether it has a view, how many were planned, and the milliseconds it took."""
    return {number: (item.view is not None, item.n_planned, item.milliseconds) for number, item in viewed.items()}


def look_in_only_part(
    setup: Setup,
    record: PartRecord,
    described: Sequence[Described | Skipped],
    identical: Mapping[int, Sequence[tuple[str, Identity]]],
    together: bool,
    past_identical: bool,
) -> dict[int, Look]:
    """Look at queries as closely as need be, where all references are in one part.

    Parameters
    ----------
    setup : Setup
    record : PartRecord
    described : sequence of Described or Skipped
    identical : mapping of int to a sequence of (id, Identity)
        References with the same bytes or pixels, for each query that could be read.
    together : bool
        Whether the descriptors of all queries are compared at once.
    past_identical : bool
        As in `fingerprint.collection.looks.SearchOptions`.
    """
    part = _open_part(record, setup)
    looker = Looker(part, setup.models, setup.config, setup.exact)
    known = {number: item for number in identical if not isinstance(item := described[number], Skipped)}
    watch = Stopwatch()
    queries = [item.query for item in known.values()]
    nearest = part.nearest_by_descriptor(queries, exact=setup.exact) if together else [None] * len(queries)
    share = watch.lap() / max(1, len(queries)) if together else 0.0
    looks = {}
    for (number, item), by_descriptor in zip(known.items(), nearest, strict=True):
        looks[number] = look = looker.look(item.query, item.query, identical[number], by_descriptor)
        look.milliseconds["descriptors"] += share
        look.milliseconds["describe"] += item.milliseconds
        if item.read is not None and part.snapshot.n_live:
            looker.look_closer(item.read, item.query, look, past_identical=past_identical)
    return looks


def name_in_part(
    setup: Setup, record: PartRecord, looks: Sequence[Looked], which: Sequence[int], together: bool
) -> dict[int, tuple[Named[str], Work]]:
    """Return what each source names in a part, for some of the looks.

    Parameters
    ----------
    setup : Setup
    record : PartRecord
    looks : sequence of Query, View or None
    which : sequence of int
    together : bool
        Whether the descriptors of all queries are compared at once.
    """
    part = _open_part(record, setup)
    queries = {number: _query_of(looks[number]) for number in which}
    watch = Stopwatch()
    nearest = part.nearest_by_descriptor(list(queries.values()), exact=setup.exact) if together else None
    share = watch.lap() / max(1, len(queries)) if together else 0.0
    found = {}
    for at, (number, query) in enumerate(queries.items()):
        named, work = part.name(
            query,
            exact=setup.exact,
            by_descriptor=None if nearest is None else nearest[at],
            n_references=setup.n_references,
        )
        spent = {**work.milliseconds, "descriptors": work.milliseconds["descriptors"] + share}
        found[number] = part.by_id(named), replace(work, milliseconds=spent)
    return found


def vote_in_part(
    setup: Setup, record: PartRecord, looks: Sequence[Looked], found: Mapping[int, Sequence[Found[str]]]
) -> dict[int, tuple[list[float | str], float]]:
    """Return for some of the looks the votes of each candidate, or what is wrong with it, and the milliseconds."""
    part, counted = _open_part(record, setup), {}
    for number, named in found.items():
        watch = Stopwatch()
        candidates = part.candidates(part.by_position(named))
        faults = [keypoints_fault(candidate.keypoints) for candidate in candidates]
        sound = [candidate for candidate, fault in zip(candidates, faults, strict=True) if fault is None]
        votes = (float(own.max()) for own in count_votes(_query_of(looks[number]), sound, setup.config))
        counted[number] = [next(votes) if fault is None else fault for fault in faults], watch.lap()
    return counted


def verify_in_part(
    setup: Setup,
    record: PartRecord,
    wholes: Sequence[Query | None],
    looks: Sequence[Looked],
    chosen: Mapping[int, Sequence[tuple[str, Identity | None]]],
) -> dict[int, tuple[list[Verification | str], float]]:
    """Return for some of the looks the verification of each chosen reference, or its fault, and the milliseconds.

    Parameters
    ----------
    setup : Setup
    record : PartRecord
    wholes : sequence of Query or None
        The queries of which the looks may be views.
    looks : sequence of Query, View or None
    chosen : mapping of int to a sequence of (id, Identity or None)
        References, with what is known to be the same of a query and a reference.
    """
    part, found = _open_part(record, setup), {}
    for number, names in chosen.items():
        watch = Stopwatch()
        looked, whole = looks[number], _query_of(wholes[number])
        verdicts = [
            verdict_on(part.fingerprint(name, known), looked or whole, whole, setup.models, setup.config)
            for name, known in names
        ]
        found[number] = verdicts, watch.lap()
    return found


def _query_of(look: Looked) -> Query:
    query = look.query if isinstance(look, View) else look
    if query is None:
        raise AssertionError("a query that could not be read is not looked at")
    return query


_known_insets: Kept[list[Inset]] = Kept(_KEPT_INSETS)


def _insets(read: ReadPicture, setup: Setup) -> list[Inset]:
    """Return the likely insets of a picture, which are wanted again for each of its views."""
    if read.identity is None:
        return likely_insets(read, setup.models, setup.config)
    key = read.identity.pixels, setup.models.model_id, setup.config.closer
    return _known_insets.get(key, lambda: likely_insets(read, setup.models, setup.config))


def _open_part(record: PartRecord, setup: Setup) -> Part:
    return open_part(record, setup.models.vocabulary, setup.config)
