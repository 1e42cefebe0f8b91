"""Pages of a challenge run: pairs with their scores, against the ground truth if there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from fingerprint.challenge import GroundTruth, Matches, evaluate_matches
from fingerprint.collection.collection import open_collection
from fingerprint.config import COPY_PROBABILITY
from fingerprint.images.find import find_images
from fingerprint.index.own_files import is_collection
from fingerprint.locations import Location, local_name, location
from fingerprint.models import Models
from fingerprint.report.draft import Draft, References
from fingerprint.report.values import Page, PagePair, PagePicture
from fingerprint.results import Verification
from fingerprint.tracks import challenge_id
from fingerprint.types import Skipped

#: Most pairs of a page besides the true ones: those with the highest scores.
MOST_PAIRS = 5_000
#: Least probability of a copy of the pairs of a page that are no true ones: a run names several for each query.
LEAST_PROBABILITY = 0.05

#: Returns the picture of an id.
Pictures = Callable[[str], PagePicture]


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known about a run.

    Attributes
    ----------
    pairs : GroundTruth or None
    edits : mapping of str to tuple of str
        By query, what was done to it.
    """

    pairs: GroundTruth | None = None
    edits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Row:
    query_id: str
    reference_id: str
    value: float
    found: Verification | None


def page_of_run(
    found: Iterable[tuple[str, str, Verification]],
    queries: Pictures,
    references: Pictures,
    truth: Truth,
    skipped: Iterable[Skipped] = (),
) -> Page:
    """Return the page of a run of which the verdicts are known; the threshold is a probability of a copy.

    Parameters
    ----------
    found : iterable of (query id, reference id, Verification)
    queries, references : callable
        Return the picture of an id.
    truth : Truth
    skipped : iterable of Skipped
        Pictures that the run could not read.
    """
    rows = [_Row(query, reference, verdict.probability, verdict) for query, reference, verdict in found]
    draft, n_left_out, _ = _drafted(rows, queries, references, truth, LEAST_PROBABILITY)
    draft.skipped += skipped
    return draft.page(
        *("challenge", "A run of the Matching Track", _notes(n_left_out, truth)),
        threshold=COPY_PROBABILITY,
        span=(LEAST_PROBABILITY, 1.0),
    )


def page_of_matches(matches: Matches, queries: Pictures, references: Pictures, truth: Truth) -> Page:
    """Return the page of a Matching Track file, of any system; the threshold is a score.

    It begins at the score with the largest recall at a precision of 0.9, if the truth is known, else at 0, where the
    log-odds of this package mean a probability of 0.5.
    """
    rows = [
        _Row(*row, None) for row in zip(matches.query_ids, matches.reference_ids, matches.scores.tolist(), strict=True)
    ]
    draft, n_left_out, values = _drafted(rows, queries, references, truth, None)
    least, most = min(values, default=0.0), max(values, default=1.0)
    threshold = 0.0
    if truth.pairs is not None and truth.pairs.pairs:
        at_p90 = evaluate_matches(matches, truth.pairs).threshold_at_p90
        threshold = threshold if at_p90 is None else at_p90
    return draft.page(
        *("challenge", "A Matching Track file", _notes(n_left_out, truth)),
        axis="score",
        threshold=min(most, max(least, threshold)),
        span=(least, most if most > least else least + 1.0),
    )


def pictures_at(given: Location, models: Models, stack: ExitStack, also: Sequence[Path] = ()) -> Pictures:
    """Return what finds the picture of a challenge's id: in a folder of images, or in a collection.

    Parameters
    ----------
    given : Path or Url
    models : Models
    stack : ExitStack
        Closes the collection.
    also : sequence of Path
        Folders in which the files of a collection are looked for first.
    """
    place = location(local_name(given))
    if isinstance(place, Path) and is_collection(place):
        collection = stack.enter_context(open_collection(place, models=models))
        by_id = {challenge_id(name): name for name in collection.ids}
        known = References(collection, also)
        return lambda image_id: known.picture(by_id.get(image_id, image_id))
    files = {challenge_id(str(path)): path for path in find_images([place])[0]}
    return lambda image_id: PagePicture(image_id, files.get(image_id))


def _drafted(
    rows: Sequence[_Row], queries: Pictures, references: Pictures, truth: Truth, least: float | None
) -> tuple[Draft, int, list[float]]:
    """Gather the pairs that are shown; also return how many are not, and the values of those that are."""
    true_pairs = frozenset(truth.pairs.pairs) if truth.pairs is not None else frozenset()
    false_rows = [row for row in rows if (row.query_id, row.reference_id) not in true_pairs]
    false_rows = [row for row in false_rows if least is None or row.value >= least]
    kept = {id(row) for row in sorted(false_rows, key=lambda row: -row.value)[:MOST_PAIRS]}
    shown = [row for row in rows if id(row) in kept or (row.query_id, row.reference_id) in true_pairs]
    draft = Draft()

    def pair(query_id: str, reference_id: str, row: _Row | None) -> PagePair:
        return PagePair(
            query=draft.picture(("query", query_id), partial(queries, query_id)),
            reference=draft.picture(("reference", reference_id), partial(references, reference_id)),
            found=None if row is None else row.found,
            words="not among the results" if row is None else None,
            score=None if row is None else row.value,
            is_true=None if truth.pairs is None else (query_id, reference_id) in true_pairs,
            edits=truth.edits.get(query_id, ()),
        )

    draft.pairs += [pair(row.query_id, row.reference_id, row) for row in shown]
    named = {(row.query_id, row.reference_id) for row in rows}
    draft.pairs += [
        pair(*missing, None) for missing in (truth.pairs.pairs if truth.pairs else ()) if missing not in named
    ]
    return draft, len(rows) - len(shown), [row.value for row in shown]


def _notes(n_left_out: int, truth: Truth) -> list[str]:
    notes = []
    if n_left_out:
        notes.append(f"{n_left_out:,} pairs of the run with low scores, none of them true, are left out of the page.")
    if truth.pairs is None:
        notes.append("There is no ground truth: give --ground-truth to see what was missed and what is wrong.")
    return notes
