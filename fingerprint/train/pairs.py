"""Pairs that the calibration learns from: copies, pictures that only share something, and unrelated ones.

A collection is made of photographs, of graphics (several members of each template), of first shots of scenes and of
close-ups of surfaces. It is asked for edited copies of these; for edited copies of photographs and surfaces that it
does not have; for other members of the same templates; and for second shots of the scenes. Scenes are photographs that
were changed; training photographs that are known to be second shots of each other are all in the collection, and each
is asked for several times. The pairs are those that a search would verify, so many are hard.

A photograph that graphics show, or that is pasted into a query, is not in the collection by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import overload

import numpy as np

from fingerprint.config import Config, TrainConfig
from fingerprint.edits import TRAINED_WIDE_EDITS, apply_edits, random_chain
from fingerprint.edits.canvas import as_jpeg
from fingerprint.edits.graphics import draw_member
from fingerprint.edits.second_shots import second_shots
from fingerprint.edits.surfaces import draw_surface
from fingerprint.errors import ImageError
from fingerprint.features.describe import ReadPicture, describe_read_query, describe_reference, read_picture
from fingerprint.features.inverted_file import measure_cohort_score
from fingerprint.features.relief import restore
from fingerprint.images.decode import read_rgb
from fingerprint.index import ImageRecord, Writer, shortlist
from fingerprint.index.part import Part, PartRecord, open_part
from fingerprint.locations import Location
from fingerprint.models import Models, VocabularyModel
from fingerprint.train.known_pairs import COPY, SHARED, UNRELATED
from fingerprint.train.plan import SEED_STREAM, CalibrationPlan, Subject, Task
from fingerprint.types import F64, U8, Candidate, Fingerprint, Query, Skipped, StageProgress
from fingerprint.verify.overlap import OVERLAP_NAMES
from fingerprint.verify.score import evidence_vector
from fingerprint.verify.verification import find_agreement
from fingerprint.workers import Cluster, Workers, map_images, temporary_folder

_ANY_SIZE = 1 << 62  # bytes
_PHOTOS = 16  # most photographs that a member shows
_STRENGTHS = (0.0, 0.7)  # of second shots; above, they look made
_QUALITIES = (70, 97)  # of JPEG
#: Share of the queries that are compressed heavily instead, copies and strangers alike, and their qualities.
_HEAVY, _HEAVY_QUALITIES = 0.15, (5, 40)
#: The same share for surfaces, of which compression takes most: what is left of a brick wall is much like another one.
_HEAVY_SURFACES = 0.5


@dataclass(frozen=True, slots=True)
class Pair:
    """A verified pair: the number of its query, its group for leaving out, the evidence of both looks, and its label.

    The label is `COPY`, `SHARED` or `UNRELATED`.
    """

    query: int
    group: tuple[str, str | int, int]
    evidence: F64
    overlap: F64
    label: int


class _Given(Sequence[U8]):
    """Photographs by index, from a starting point on; `used` has those that were asked for."""

    def __init__(self, maker: PairMaker, start: int) -> None:
        self.maker, self.start = maker, start
        self.used: list[int] = []

    def __len__(self) -> int:
        return len(self.maker.plan.pool)

    @overload
    def __getitem__(self, index: int) -> U8: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[U8]: ...
    def __getitem__(self, index: int | slice) -> U8 | Sequence[U8]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        photo = int(self.maker.plan.pool[(self.start + len(self.used)) % len(self)])
        self.used.append(photo)
        return self.maker.photo(photo)


@dataclass(frozen=True)
class PairMaker:
    """Makes the pictures of a calibration set from training photographs.

    Attributes
    ----------
    paths : sequence of Path or Url
        The training photographs.
    train, config
        Settings.
    models : Models
        Without calibration.
    cohort_rows : mapping of int to int
        Row in the cohort of each photograph that is in it: what a query was made from is left out of its cohort.
    known_pairs : mapping of pairs of file names to `COPY` or `SHARED`
        Photographs that are not as unrelated as others.
    plan : CalibrationPlan
        Which pictures and queries are made.
    """

    paths: Sequence[Location]
    train: TrainConfig
    config: Config
    models: Models
    cohort_rows: Mapping[int, int]
    known_pairs: Mapping[frozenset[str], int]
    plan: CalibrationPlan = field(init=False)

    def __post_init__(self) -> None:
        plan = CalibrationPlan([path.name for path in self.paths], self.train, self.known_pairs)
        object.__setattr__(self, "plan", plan)

    def photo(self, index: int) -> U8:
        """Return a training photograph."""
        return read_rgb(self.paths[index], at_least=self.config.decode_side, limits=self.config.limits).pixels

    def draw(self, subject: Subject) -> tuple[U8, set[int]]:
        """Return the picture of a subject, and the photographs that it shows."""
        kind, family, index = subject.group
        if kind == "photograph":
            return self.photo(index), {index}
        if kind == "surface":
            return draw_surface(np.random.default_rng([self.train.seed, SEED_STREAM, 3, index])), set()
        if kind == "scene":
            another = [subject.number] if subject.number > 1 else []
            rng = np.random.default_rng([self.train.seed, SEED_STREAM, 1, index, *another])
            shots = second_shots(self.photo(index), rng, float(rng.uniform(*_STRENGTHS)))
            return (shots.second if subject.number else shots.first), {index}
        given = _Given(self, self.plan.place_of(subject) * _PHOTOS)
        pixels = draw_member(str(family), self.train.seed + index, subject.number, given, "training")
        return pixels, set(given.used)

    def label(
        self, query: Subject, used: set[int], pasted: set[int], reference: Subject, shown: set[int]
    ) -> int | None:
        """Return the label of a pair, or None if it is neither one thing nor the other.

        `used` and `shown` are the photographs in query and reference, `pasted` those that edits laid into the query.
        """
        if query == reference:
            return COPY
        one_scene = query.group == reference.group and query.group[0] == "scene"
        if pasted & shown or (used & shown and not one_scene):
            return None
        if query.group == reference.group:
            return SHARED
        known = {
            self.known_pairs.get(frozenset({self.paths[a].name, self.paths[b].name}))
            for a in used | pasted
            for b in shown
        }
        if COPY in known:
            return None
        plain = query.group[0] == reference.group[0] == "photograph"
        return SHARED if SHARED in known and plain else UNRELATED

    def describe(self, subject: Subject) -> tuple[Fingerprint, set[int]]:
        """Describe a picture of the collection."""
        pixels, shown = self.draw(subject)
        if subject.group[0] == "photograph":
            source: Location | bytes = self.paths[subject.group[2]]
        else:
            rng = np.random.default_rng([self.train.seed, subject.number, *map(ord, str(subject.group))])
            source = as_jpeg(pixels, int(rng.integers(*_QUALITIES)))
        return describe_reference(source, self.models, self.config), shown

    def pairs_of(
        self,
        number: int,
        tasks: Sequence[Task],
        select: Callable[[Query], list[Candidate]],
        references: Sequence[tuple[Subject, set[int]]],
    ) -> list[Pair]:
        """Make a query, search for it, and return the pairs that are verified.

        `select` : returns candidates of the collection. `references` : subjects of the collection's pictures, and the
        photographs that they show; ids are positions.
        """
        task = tasks[number]
        rng = np.random.default_rng([self.train.seed, SEED_STREAM, 2, number])
        pixels, used = self.draw(task.subject)
        pasted: set[int] = set()
        if task.edits is not None or task.pasted:
            pasted = {int(i) for i in rng.choice(self.plan.pool, min(2, len(self.plan.pool)), replace=False)} - used
            others = [self.photo(i) for i in sorted(pasted)]
            if task.pasted:
                pixels = apply_edits(pixels, ("paste_piece",), rng, others).pixels
            if task.edits is not None:
                pixels = random_chain(pixels, rng, others, task.edits, TRAINED_WIDE_EDITS if task.wide else ()).pixels
        heavy = _HEAVY_SURFACES if task.subject.group[0] == "surface" else _HEAVY
        qualities = _HEAVY_QUALITIES if rng.random() < heavy else _QUALITIES
        read = read_picture(as_jpeg(pixels, int(rng.integers(*qualities))), self.config)
        restored = restore(read.planes)
        excluded = [self.cohort_rows[i] for i in sorted(used | pasted) if i in self.cohort_rows]
        kind, family, index = task.subject.group
        group = (kind, family, 0 if family else self.plan.alike.get(index, index) if kind == "photograph" else index)
        found = []
        for picture in (read,) if restored is None else (read, ReadPicture(restored)):
            query = describe_read_query(picture, self.config.query, self.models, self.config)
            cohort_score = measure_cohort_score(query.assignments, self.models, self.config.match, excluded)
            query = replace(query, cohort_score=cohort_score)
            for candidate in shortlist(query, select(query), self.config):
                label = self.label(task.subject, used, pasted, *references[int(candidate.reference_id)])
                if label is not None:
                    agreement = find_agreement(query, candidate.load(), self.config.match)
                    overlap = agreement.measure_overlap()
                    measures = np.full(len(OVERLAP_NAMES), np.nan) if overlap is None else overlap.measures
                    found.append(Pair(number, group, evidence_vector(agreement.evidence), measures, label))
        return found

    @contextmanager
    def collection(
        self, n_workers: Workers, progress: StageProgress
    ) -> Iterator[tuple[Callable[[Query], list[Candidate]], list[tuple[Subject, set[int]]]]]:
        """Make the collection, which lasts as long as the context.

        Returns
        -------
        select : callable
            Returns the candidates of a query.
        references : list of (Subject, set of int)
            The subjects of its pictures, and the photographs that they show.
        """
        subjects = self.plan.references()
        described: list[tuple[Fingerprint, set[int]]] = []
        for result in map_images(self.describe, subjects, n_workers):
            if isinstance(result, Skipped):
                raise ImageError(result.path, f"it could be read when the training began: {result.reason}")
            described.append(result)
            progress("calibration references", len(described), len(subjects))
        with (
            temporary_folder("fingerprint-train-", n_workers) as folder,
            Writer.create(folder / "collection", self.models, self.config) as writer,
        ):
            writer.add(
                [fingerprint for fingerprint, _ in described],
                [ImageRecord(str(i), None, None, None, f.width, f.height) for i, (f, _) in enumerate(described)],
            )
            if isinstance(n_workers, Cluster):
                (record,) = writer.reader.parts(_ANY_SIZE)
                select = partial(_select_far, record, self.models.vocabulary, writer.reader.config)
            else:
                select = partial(_select, writer.reader.whole())
            yield select, [(subject, shown) for subject, (_, shown) in zip(subjects, described, strict=True)]


def _select(part: Part, query: Query) -> list[Candidate]:
    return part.candidates(part.name(query, exact=False)[0].union())


def _select_far(record: PartRecord, vocabulary: VocabularyModel, config: Config, query: Query) -> list[Candidate]:
    return _select(open_part(record, vocabulary, config), query)


def make_pairs(maker: PairMaker, n_workers: Workers, progress: StageProgress) -> list[Pair]:
    """Make the pairs of a calibration set, in the order of its queries."""
    tasks = maker.plan.tasks()
    found: list[Pair] = []
    with maker.collection(n_workers, progress) as (select, references):
        work = partial(maker.pairs_of, tasks=tasks, select=select, references=references)
        for done, result in enumerate(map_images(work, range(len(tasks)), n_workers), start=1):
            if not isinstance(result, Skipped):
                found += result
            progress("calibration queries", done, len(tasks))
    return found
