"""What a calibration set is made of: the pictures of its collection, and the queries that it is asked.

Which photographs play which part, and which edits each query gets, comes from the seed alone; no picture is read here.
`fingerprint.train.pairs` says what the parts are for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from fingerprint.config import TrainConfig
from fingerprint.edits.graphics import TRAINING_FAMILIES
from fingerprint.train.known_pairs import linked
from fingerprint.types import I64

#: Stands after the seed in all random numbers of a calibration set, so that no other part of training has the same.
SEED_STREAM = 2
_MEMBERS = 3  # of each template in the collection; as many others are strangers
_MORE_SHOTS = 2  # further second shots of each scene: a picture that was bent is much like one
#: Fewest and most edits of the copies of a template's members, and of strangers; None only saves the picture once more.
#: Without copies that are not edited, whatever is faultless would be taken for another member.
_COPY_EDITS = (None, (1, 2), (1, 4))
_STRANGER_EDITS = (1, 2)
#: Edits of the queries of a surface that is in the collection, and of one that is not.
_SURFACE_EDITS, _ABSENT_SURFACE_EDITS = (None, None, (1, 2)), (None,)
#: Share of the queries of photographs that are only saved once more.
_PLAIN = 0.1
#: Share of the queries of which only a piece is seen, pasted onto another photograph, before any other edits.
_PASTED = 0.2
_PASTED_EDITS = (None, (1, 2))
#: Fewest and most edits of each query that shows a photograph with known second shots.
_KNOWN_EDITS = (None, (1, 2), (1, 2), (1, 5))
#: Fewest and most edits of a query with one of the wider edits.
_WIDE_EDITS = (1, 3)
#: Share of these queries that show graphics, and scenes; the others show photographs.
_WIDE_GRAPHICS, _WIDE_SCENES = 0.25, 0.15


@dataclass(frozen=True, slots=True)
class Subject:
    """What a picture shows: a photograph, a surface, a member of a template, or a shot of a scene, the first being 0.

    Attributes
    ----------
    group : tuple
        Of a template or a scene, equal for all its pictures.
    number : int
        Of the picture in its group.
    """

    group: tuple[str, str | int, int]
    number: int


@dataclass(frozen=True, slots=True)
class Task:
    """A query to make.

    Attributes
    ----------
    subject : Subject
    edits : tuple of int, optional
        Fewest and most edits, None for none.
    pasted : bool
        Whether a piece of it is pasted onto another photograph first.
    wide : bool
        Whether one of the edits is one of phones, printers, scissors and filter apps.
    """

    subject: Subject
    edits: tuple[int, int] | None
    pasted: bool = False
    wide: bool = False


@dataclass(frozen=True)
class CalibrationPlan:
    """The pictures and queries of a calibration set.

    Attributes
    ----------
    names : sequence of str
        File names of the training photographs.
    train : TrainConfig
    known_pairs : mapping of pairs of file names to `COPY` or `SHARED`
        Photographs that are not as unrelated as others.
    stored, scenes, pool : int64 arrays
        The photographs that the collection has, those of which it has a first shot, and those that graphics show and
        edits paste; numbers of `names`.
    alike : mapping of int to int
        The first of all photographs that are linked by known second shots, for each of them.
    """

    names: Sequence[str]
    train: TrainConfig
    known_pairs: Mapping[frozenset[str], int]
    stored: I64 = field(init=False)
    scenes: I64 = field(init=False)
    pool: I64 = field(init=False)
    alike: Mapping[int, int] = field(init=False)

    def __post_init__(self) -> None:
        alike = linked(self.names, self.known_pairs)
        object.__setattr__(self, "alike", alike)
        order = np.random.default_rng([self.train.seed, SEED_STREAM]).permutation(len(self.names))
        order = order[np.argsort([i not in alike for i in order.tolist()], kind="stable")]
        n_stored, n_scenes = len(order) * 5 // 9, min(self.train.n_scenes, len(order) // 6)
        for name, part in (
            ("stored", order[:n_stored]),
            ("scenes", order[n_stored : n_stored + n_scenes]),
            ("pool", order[n_stored + n_scenes :]),
        ):
            object.__setattr__(self, name, np.sort(part))

    def references(self) -> list[Subject]:
        """Return the subjects of the collection's pictures."""
        return [
            *(Subject(("photograph", "", int(i)), 0) for i in self.stored),
            *(Subject(("graphics", f, t), n) for f, t in self._templates() for n in range(_MEMBERS)),
            *(Subject(("scene", "", int(i)), 0) for i in self.scenes),
            *(Subject(("surface", "", i), 0) for i in range(0, self.train.n_surfaces, 2)),
        ]

    def tasks(self) -> list[Task]:
        """Return the queries to make."""
        rng = np.random.default_rng([self.train.seed, SEED_STREAM, 0])
        absent = np.concatenate([self.pool, self.scenes])
        found = [
            Task(
                Subject(("photograph", "", int(rng.choice(absent if rng.random() < 1 / 3 else self.stored))), 0),
                None if rng.random() < _PLAIN else (1, 5),
            )
            for _ in range(self.train.n_calibration)
        ]
        for f, t in self._templates():
            for n in range(_MEMBERS):
                found.append(Task(Subject(("graphics", f, t), n), _COPY_EDITS[n]))
                found.append(Task(Subject(("graphics", f, t), _MEMBERS + n), _STRANGER_EDITS if n % 2 else None))
        for number, i in enumerate(self.scenes):
            found.append(Task(Subject(("scene", "", int(i)), 1), _STRANGER_EDITS if number % 2 else None))
            if number % 2:
                found.append(Task(Subject(("scene", "", int(i)), 0), _COPY_EDITS[number % 3]))
        for i in range(self.train.n_surfaces):
            edits_of_each = _ABSENT_SURFACE_EDITS if i % 2 else _SURFACE_EDITS
            found += [Task(Subject(("surface", "", i), 0), edits) for edits in edits_of_each]
        found += [
            Task(task.subject, _PASTED_EDITS[int(rng.integers(len(_PASTED_EDITS)))], pasted=True)
            for task in found
            if rng.random() < _PASTED
        ]
        found += [Task(self._any_subject(rng, absent), _WIDE_EDITS, wide=True) for _ in range(self.train.n_wide)]
        known = set(self.alike) & set(self.stored.tolist())
        found += [Task(Subject(("photograph", "", i), 0), edits) for i in sorted(known) for edits in _KNOWN_EDITS]
        return found + [
            Task(Subject(("scene", "", int(i)), shot), _STRANGER_EDITS if (i + shot) % 2 else None)
            for shot in range(2, 2 + _MORE_SHOTS)
            for i in self.scenes
        ]

    def place_of(self, subject: Subject) -> int:
        """Return the place of a member of a template in the row of all members, of all templates of all families."""
        _, family, template = subject.group
        number = list(TRAINING_FAMILIES).index(str(family)) * self.train.n_templates + template
        return number * 2 * _MEMBERS + subject.number

    def _any_subject(self, rng: np.random.Generator, absent: I64) -> Subject:
        """Draw a photograph that the collection has or not, a member of a template, or a shot of a scene."""
        kind, templates = rng.random(), self._templates()
        if kind < _WIDE_GRAPHICS and templates:
            family, template = templates[int(rng.integers(len(templates)))]
            return Subject(("graphics", family, template), int(rng.integers(2 * _MEMBERS)))
        if kind < _WIDE_GRAPHICS + _WIDE_SCENES and len(self.scenes):
            return Subject(("scene", "", int(rng.choice(self.scenes))), int(rng.integers(2)))
        return Subject(("photograph", "", int(rng.choice(absent if rng.random() < 1 / 3 else self.stored))), 0)

    def _templates(self) -> list[tuple[str, int]]:
        return [(f, t) for f in TRAINING_FAMILIES for t in range(self.train.n_templates)]
