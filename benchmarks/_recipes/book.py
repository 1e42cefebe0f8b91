"""What recipes are made of. A recipe gives vectors of all queries and references."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np

from _recipes.judging import judge
from _recipes.lab import (
    SHRINKAGE,
    SPLITS,
    Cue,
    Feature,
    Lab,
    Split,
    SplitName,
    Table,
    agreement,
    discriminant,
    join,
    nearest_mean,
    subtract,
)
from _recipes.looks import whole_gist
from _recipes.pictures import N_COPIES, OTHER_SIDES
from _recipes.sums import Vlad
from fingerprint.bench.base import unit
from fingerprint.features.descriptor import STRETCH_NEIGHBOURS
from fingerprint.features.global_cues import compute_colours, compute_gist
from fingerprint.types import F32, U8

SHARE, N_NEIGHBOURS = 0.35, 10
_BIAS_NEIGHBOURS = 3
_SIDE_WEIGHT = 0.5
_LEAST_COMMON = 0.01


@dataclass(frozen=True)
class Outcome:
    """Vectors of queries and references, compared by Euclidean distance; the nearest view of a query counts."""

    views: tuple[F32, ...]  # each (queries, d)
    references: F32  # (references, d)

    @property
    def dimension(self) -> int | str:
        d = self.references.shape[1]
        return d if len(self.views) == 1 else f"{len(self.views)} x {d}"


@dataclass(frozen=True)
class Recipe:
    """A small experiment: everything but what its description says is as in the others of its group."""

    name: str
    group: str
    description: str
    run: Callable[[Lab, Split], Outcome]
    splits: tuple[SplitName, ...] = SPLITS

    def judge(self, lab: Lab) -> dict[str, object]:
        figures: dict[str, object] = {"dev": None, "judged": None}
        for name in self.splits:
            split = lab.split(name)
            outcome = self.run(lab, split)
            figures[name] = judge(outcome.views, outcome.references, split.truth)
            figures["dimension"] = outcome.dimension
        return figures


def fit_vlad(sample: U8, *n_words: int, **changes: object) -> Vlad:
    return replace(Vlad.fit(sample, n_words or (64,)), **changes)  # type: ignore[arg-type]


TABLES = {
    "vlad64": Table(fit_vlad),
    "vlad64-sized": Table(partial(fit_vlad, full_size=6.0)),
    "vlad64-one": Table(partial(fit_vlad, mirrored=False), few_copies=True),
    "vlad256": Table(lambda sample: fit_vlad(sample, 256), few_copies=True),
    "vlad32x4": Table(lambda sample: fit_vlad(sample, *(32,) * 4), few_copies=True),
    "vlad32x4-sized": Table(lambda sample: fit_vlad(sample, *(32,) * 4, full_size=6.0)),
    "gist": Table(look=compute_gist),
    "gist-whole": Table(look=whole_gist),
    "colour": Table(look=compute_colours),
}

ROOTED = Feature("vlad64", 0.5)
ONE_CODEBOOK, SIZED = Feature("vlad64-sized", 0.4), Feature("vlad32x4-sized", 0.4)
GIST, COLOUR = Feature("gist"), Feature("colour")


@dataclass(frozen=True)
class Plan:
    """How a cue is whitened and projected."""

    feature: Feature
    dimension: int = 256
    m: int = 512
    how: Literal["agreement", "discriminant", "whitening"] = "agreement"
    shrinkage: float = SHRINKAGE
    exponent: float = 0.5
    n_edited_copies: int = N_COPIES
    views: bool = False

    def project(self, lab: Lab, split: Split) -> Cue:
        fitted = split.with_copies(self.n_edited_copies)
        whitened = lab.whitened(self.feature, fitted, self.m, self.shrinkage, views=self.views)
        if self.how == "discriminant":
            return discriminant(whitened, fitted.owners, self.dimension)
        if self.how == "agreement":
            return agreement(whitened, fitted.owners, self.dimension, self.exponent)
        return whitened


#: The cues of the package's descriptor.
SHIPPED = (
    Plan(SIZED, 144, views=True),
    Plan(GIST, 64, 400, views=True),
    Plan(COLOUR, 48, 256, shrinkage=0.5, views=True),
)
WEIGHTS = (1.0, 0.7, 0.6)


def resized(plans: Sequence[Plan], dimensions: Sequence[int]) -> tuple[Plan, ...]:
    return tuple(replace(plan, dimension=d) for plan, d in zip(plans, dimensions, strict=True))


def compare(cue: Cue, share: float = SHARE, n_neighbours: int = N_NEIGHBOURS, sides: str = "both") -> Outcome:
    """Normalise by the background."""
    queries, references = cue.queries, cue.references
    if sides != "references":
        queries = subtract(queries, cue.originals, share, n_neighbours)
    if sides != "queries":
        references = subtract(references, cue.originals, share, n_neighbours)
    return Outcome((queries,), references)


def stretch(cue: Cue, factor: float) -> Outcome:
    """Make queries the longer, the nearer training images are to them, as the package does."""
    queries, references, background = _subtracted(cue, SHARE)
    near = np.maximum(nearest_mean(queries, background, STRETCH_NEIGHBOURS), _LEAST_COMMON)
    return Outcome((queries * np.sqrt(factor * near)[:, None],), references)


def add_biases(cue: Cue, factor: float, share: float = SHARE, *, both: bool = True) -> Outcome:
    """Two further dimensions take from every distance how near training images are to the query and the reference."""
    queries, references, background = _subtracted(cue, share)

    def lifted(vectors: F32, dimension: int, weight: float) -> F32:
        extra = np.zeros((len(vectors), 2), np.float32)
        bias = weight * nearest_mean(vectors, background, _BIAS_NEIGHBOURS)
        extra[:, dimension] = np.sqrt(np.maximum(2 * bias + 2 * weight, 0))
        return np.concatenate([vectors, extra], axis=1)

    return Outcome((lifted(queries, 0, factor),), lifted(references, 1, factor if both else 0.0))


def _subtracted(cue: Cue, share: float) -> tuple[F32, F32, F32]:
    queries, references = (subtract(x, cue.originals, share, N_NEIGHBOURS) for x in (cue.queries, cue.references))
    return queries, references, subtract(cue.originals, cue.originals, share, N_NEIGHBOURS)


def single(lab: Lab, split: Split, plan: Plan, share: float = SHARE) -> Outcome:
    return compare(plan.project(lab, split), share)


def jointly(lab: Lab, split: Split, plans: Sequence[Plan], weights: Sequence[float]) -> Outcome:
    """Join whitened cues first, and project all together."""
    whole = join([replace(plan, how="whitening").project(lab, split) for plan in plans], weights)
    return compare(agreement(whole, split.owners, 256))


def late(
    lab: Lab,
    split: Split,
    plans: Sequence[Plan] = SHIPPED,
    weights: Sequence[float] = WEIGHTS,
    end: Callable[[Cue], Outcome] = compare,
) -> Outcome:
    """Project each cue, then join them."""
    return end(join([plan.project(lab, split) for plan in plans], weights))


def viewed(
    lab: Lab,
    split: Split,
    plans: Sequence[Plan] = SHIPPED,
    whole_weight: float = 0.4,
    end: Callable[[Cue], Outcome] = compare,
    *,
    sides: bool = False,
    insets: bool = True,
) -> Outcome:
    """Describe queries by their insets, as likely as these are, and by the whole picture at several sides."""
    pictures = lab.pictures(f"views-{split.name}")
    owners, kinds, likely = (np.asarray(pictures.load(name)) for name in ("owners", "kinds", "probabilities"))
    cues = [plan.project(lab, split) for plan in plans]
    joined = join(cues, WEIGHTS)
    whole = kinds == "whole"
    if sides:
        local = cues[0].views[whole].copy()
        for side in OTHER_SIDES:
            local += np.float32(_SIDE_WEIGHT) * cues[0].views[kinds == f"side {side}"]
        parts = [unit(local), *(cue.views[whole] for cue in cues[1:])]
        total = unit(np.concatenate([np.float32(w) * x for w, x in zip(WEIGHTS, parts, strict=True)], axis=1))
    else:
        total = joined.views[whole].copy()
    if insets:
        total *= np.float32(whole_weight)
        inset = kinds == "inset"
        np.add.at(total, owners[inset], likely[inset, None].astype(np.float32) * joined.views[inset])
    return end(replace(joined, queries=unit(total)))
