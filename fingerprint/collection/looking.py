"""Looking at one query in one part of the references: candidates, shortlist, verdicts, and closer views."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from fingerprint.collection.looks import Look
from fingerprint.config import Config
from fingerprint.errors import CollectionCorruptError
from fingerprint.features.describe import ReadPicture
from fingerprint.features.views import View, closer_views
from fingerprint.index.part import Part
from fingerprint.index.segment import keypoints_fault, reference_fault
from fingerprint.index.shortlist import voted
from fingerprint.index.stopwatch import Stopwatch
from fingerprint.models import Models
from fingerprint.results import Verification
from fingerprint.types import F32, Fingerprint, Identity, Query
from fingerprint.verify import verify, verify_view


@dataclass(frozen=True, slots=True)
class Looker:
    """Looks at queries in one part of the references: a whole collection, or what a worker has of it.

    Attributes
    ----------
    part : Part
    models : Models
    config : Config
    exact : bool
        Compare with every descriptor, rather than use codes or Annoy in large segments.
    n_threads : int
        Threads that vote on the segments of a large collection.
    """

    part: Part
    models: Models
    config: Config
    exact: bool
    n_threads: int = 1

    def look(
        self,
        looked: Query | View,
        whole: Query,
        identical: Sequence[tuple[str, Identity]] = (),
        by_descriptor: Sequence[tuple[int, float]] | None = None,
    ) -> Look:
        """Find the candidates of a query, or of a view of it, and verify them.

        Parameters
        ----------
        looked : Query or View
        whole : Query
            The query, also where a view is looked at.
        identical : sequence of (id, Identity)
            References with the same bytes or pixels; see `fingerprint.index.reader.Reader.known_identical`.
        by_descriptor : sequence of (int, float), optional
            What `Part.nearest_by_descriptor` found for this query in a batch.
        """
        query = looked.query if isinstance(looked, View) else looked
        named, work = self.part.name(query, exact=self.exact, by_descriptor=by_descriptor, n_threads=self.n_threads)
        watch = Stopwatch()
        found = self.part.candidates(named.union())
        known = {name for name, _ in identical}
        others = [c for c in found if c.reference_id not in known]
        faults = {c.reference_id: fault for c in others if (fault := keypoints_fault(c.keypoints)) is not None}
        sound = [c for c in others if c.reference_id not in faults]
        votes, ranks = voted(query, sound, self.config)
        milliseconds = {"describe": 0.0, **work.milliseconds, "shortlist": watch.lap()}
        load: dict[str, tuple[Callable[[], Fingerprint], F32 | None]] = {
            name: (partial(self.part.fingerprint, name, same), None) for name, same in identical
        }
        load |= {sound[rank].reference_id: (sound[rank].load, votes[rank]) for rank in ranks}
        verified = {}
        for name, (loaded, counted) in load.items():
            verdict = verdict_on(loaded(), looked, whole, self.models, self.config, counted)
            if isinstance(verdict, str):
                faults[name] = verdict
            else:
                verified[name] = verdict
        milliseconds["verify"] = watch.lap()
        counters = {
            "looks": 1,
            **work.counters,
            "candidates": len(identical) + len(others),
            "pairs_aligned": len(load),
        }
        return Look(verified, faults, milliseconds, counters)

    def look_closer(self, read: ReadPicture, query: Query, look: Look, *, past_identical: bool) -> None:
        """Look at views of a query while no reference is surely its source, and add what they show to a look.

        Parameters
        ----------
        read : ReadPicture
        query : Query
            Made from the picture.
        look : Look
            The first look at it.
        past_identical : bool
            As in `fingerprint.collection.looks.SearchOptions`.
        """
        watch = Stopwatch()
        known = partial(look.likeliest, past_identical=past_identical)
        for view in closer_views(read, self.models, self.config, known):
            look.milliseconds["describe"] += watch.lap()
            look.add(self.look(view, query))
            watch.lap()


def verdict_on(
    reference: Fingerprint,
    looked: Query | View,
    whole: Query,
    models: Models,
    config: Config,
    votes: F32 | None = None,
) -> Verification | str:
    """Return the verdict on a reference, or what is wrong with it; its `votes` if they were counted already."""
    fault = reference_fault(reference)
    if fault is not None:
        return fault
    try:
        if isinstance(looked, View):
            return verify_view(looked, whole, reference, models, config.match, votes)
        return verify(looked, reference, models, config.match, None, votes)
    except CollectionCorruptError as error:
        return str(error)
