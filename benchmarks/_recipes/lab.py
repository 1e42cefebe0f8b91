"""What recipes are fitted on: splits, tables of features on disk, principal directions, projections."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from scipy.linalg import eigh, qr

from _recipes.pictures import N_COPIES, N_QUERIED, PictureSet, is_held_out
from _recipes.sums import Summer
from fingerprint.bench.base import unit
from fingerprint.challenge import read_ground_truth
from fingerprint.types import F32, F64, I64, U8

SplitName = Literal["dev", "judged"]
SPLITS: tuple[SplitName, ...] = ("dev", "judged")
#: Of the references of the dev figures: one in nine identities is asked for, one in nine is not.
DEV_REFERENCES = (0, 3)
SHRINKAGE = 0.05

_CHUNK = 400
_ROWS = 2000
_WIDE = 5000  # dimensions from which principal directions are found by iteration
_EXACT_RANK, _WIDE_RANK = 1024, 512
_OVERSAMPLING, _ITERATIONS = 64, 3
_RIDGE = 0.1
_LEAST_CORRELATION = 1e-3
_RANK = 1e-6  # variances below this part of the first are rounding errors


@dataclass(frozen=True)
class Split:
    """Which pictures are fitted on, which ask and which are asked for; there are 12 rows of copies an image."""

    name: SplitName
    originals: I64
    copies: I64
    query_set: str
    queries: I64
    reference_set: str
    references: I64
    truth: I64  # (queries,) row among the references, or -1

    @property
    def owners(self) -> I64:
        """Row of each copy's original among the originals."""
        return np.searchsorted(self.originals, self.copies // N_COPIES)

    def with_copies(self, n_edited_copies: int) -> Split:
        return replace(self, copies=self.copies[self.copies % N_COPIES < n_edited_copies])


@dataclass(frozen=True)
class Table:
    """A feature of every picture: from keypoints (`fit` on a sample of the training images') or from the thumbnail."""

    fit: Callable[[U8], Summer] | None = None
    look: Callable[[U8], F32] | None = None
    few_copies: bool = False  # N_QUERIED instead of N_COPIES


@dataclass(frozen=True)
class Feature:
    """A table with what is done to its vectors before anything is fitted to them."""

    table: str
    power: float = 1.0
    intra: int = 0  # length of the blocks that are brought to unit length first

    @property
    def key(self) -> str:
        return f"{self.table}-power{self.power:g}" + (f"-intra{self.intra}" if self.intra else "")

    def __call__(self, raw: F32) -> F32:
        x = raw.astype(np.float32)
        if self.intra:
            x = unit(x.reshape(-1, self.intra)).reshape(x.shape)
        return unit(np.sign(x) * np.abs(x) ** np.float32(self.power) if self.power != 1 else x)


@dataclass(frozen=True)
class Cue:
    """Vectors of one feature, or of several joined, of all pictures of a split."""

    originals: F32
    copies: F32
    queries: F32
    references: F32
    views: F32  # of queries; (0, d) if there are none

    def map(self, function: Callable[[F32], F32]) -> Cue:
        return Cue(*(function(getattr(self, part.name)) for part in fields(self)))


class Lab:
    """Gives features of the pictures in a working folder, and keeps there what took long."""

    def __init__(self, work: Path, data: Path, tables: Mapping[str, Table]) -> None:
        self.work, self.data, self._tables = work, data, tables
        self.split = cache(self._split)

    def pictures(self, name: str) -> PictureSet:
        return PictureSet(self.work / name)

    def _split(self, name: SplitName) -> Split:
        identities = np.arange(len(self.pictures("train")))
        copies = np.arange(len(self.pictures("copies")))
        if name == "judged":
            references = [path.stem for path in sorted((self.data / "references").glob("*.jpg"))]
            queries = [path.stem for path in sorted((self.data / "queries").glob("*.jpg"))]
            pairs = dict(read_ground_truth(self.data / "ground_truth.csv").pairs)
            truth = [references.index(pairs[query]) if query in pairs else -1 for query in queries]
            everyone = (np.arange(len(queries)), "references", np.arange(len(references)), np.array(truth))
            return Split(name, identities, copies, "queries", *everyone)
        held = is_held_out(copies // N_COPIES)
        queried = copies[held & (copies % N_COPIES < N_QUERIED)]
        asked = identities[np.isin(identities % 9, DEV_REFERENCES)]
        row_of = {int(identity): row for row, identity in enumerate(asked)}
        true = np.array([row_of.get(int(row) // N_COPIES, -1) for row in queried])
        fitted = identities[~is_held_out(identities)]
        return Split(name, fitted, copies[~held], "copies", queried, "train", asked, true)

    def rows(self, table: str, of_set: str) -> F32:
        """Return the raw vectors of a set, mapped from disk; computed first if need be."""
        path = self.work / "tables" / table / f"{of_set}.npy"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            whole = path.with_suffix(".part.npy")
            np.save(whole, self._compute(self._tables[table], of_set))
            whole.rename(path)
        return np.asarray(np.load(path, mmap_mode="r"))

    def sample(self, n: int = 100_000) -> U8:
        """Return local descriptors of training images."""
        everything = self.pictures("train").load("descriptors")
        rng = np.random.default_rng(0)
        return np.asarray(everything[np.sort(rng.choice(len(everything), min(n, len(everything)), replace=False))])

    def _compute(self, table: Table, of_set: str) -> F32:
        pictures = self.pictures(of_set)
        wanted = np.arange(len(pictures))
        if table.few_copies and of_set == "copies":
            wanted = wanted[wanted % N_COPIES < N_QUERIED]
        if table.look is not None:
            thumbnails = np.asarray(pictures.load("thumbnails"), np.uint8)
            return np.stack([table.look(thumbnail) for thumbnail in thumbnails[wanted]]).astype(np.float16)
        assert table.fit is not None
        summer = table.fit(self.sample())
        descriptors, sizes = pictures.load("descriptors"), pictures.load("sizes")
        done = []
        for start in range(0, len(wanted), _CHUNK):
            chunk = wanted[start : start + _CHUNK]
            spans = [slice(*pictures.offsets[i : i + 2]) for i in chunk]
            offsets = np.cumsum([0, *(span.stop - span.start for span in spans)])
            taken = np.concatenate([np.asarray(descriptors[span]) for span in spans])
            done.append(summer(taken, np.concatenate([sizes[span] for span in spans]), offsets).astype(np.float16))
        return np.concatenate(done)

    def vectors(self, feature: Feature, of_set: str, rows: I64) -> F32:
        """Return the vectors of some pictures of a set."""
        table = self._tables[feature.table]
        raw = self.rows(feature.table, of_set)
        if of_set == "copies" and table.few_copies:
            rows = rows // N_COPIES * N_QUERIED + rows % N_COPIES
        parts = [raw[rows[i : i + _ROWS]] for i in range(0, len(rows), _ROWS)]
        return np.concatenate([feature(part).astype(np.float16) for part in parts])

    def principal(self, feature: Feature, split: Split, *, views: bool = False) -> tuple[Cue, F32]:
        """Return coordinates in the principal directions of originals and copies, and the variances along them."""
        name = f"{feature.key}-{split.name}-{len(split.copies)}" + ("-views" if views else "")
        path = self.work / "principal" / f"{name}.npz"
        if path.exists():
            kept = np.load(path)
            return Cue(*(kept[part.name] for part in fields(Cue))), kept["variances"]
        originals = self.vectors(feature, "train", split.originals)
        copies = self.vectors(feature, "copies", split.copies)
        mean, basis, variances = principal_directions([originals, copies])
        queries = self.vectors(feature, split.query_set, split.queries)
        references = self.vectors(feature, split.reference_set, split.references)
        seen = originals[:0]
        if views:
            name = f"views-{split.name}"
            seen = self.vectors(feature, name, np.arange(len(self.pictures(name))))
        cue = Cue(originals, copies, queries, references, seen).map(lambda x: apply_directions(x, mean, basis))
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = path.with_suffix(".part.npz")
        np.savez(whole, variances=variances, **{part.name: getattr(cue, part.name) for part in fields(cue)})
        whole.rename(path)
        return cue, variances

    def whitened(
        self, feature: Feature, split: Split, m: int, shrinkage: float = SHRINKAGE, *, views: bool = False
    ) -> Cue:
        """Return the m leading principal coordinates, each divided by its deviation, at unit length."""
        cue, variances = self.principal(feature, split, views=views)
        kept = variances[:m][variances[:m] > _RANK * variances[0]]
        scale = (1 / np.sqrt(kept + shrinkage * kept.mean())).astype(np.float32)
        return cue.map(lambda x: unit(x[:, : len(scale)] * scale))


def apply_directions(vectors: F32, mean: F32, basis: F32) -> F32:
    parts = [(vectors[i : i + _ROWS].astype(np.float32) - mean) @ basis for i in range(0, len(vectors), _ROWS)]
    return np.concatenate([np.zeros((0, basis.shape[1]), np.float32), *parts])


def principal_directions(parts: Sequence[F32]) -> tuple[F32, F32, F32]:
    """Return mean, directions (D, m) and variances (m,); by subspace iteration if D is large."""
    n, width = sum(map(len, parts)), parts[0].shape[1]
    mean = (sum(part.sum(axis=0, dtype=np.float64) for part in parts) / n).astype(np.float32)
    chunks = [part[i : i + _ROWS] for part in parts for i in range(0, len(part), _ROWS)]

    def spread_of(basis: F32 | None) -> F32:
        """Return the covariance, times `basis` if there is one."""
        total = np.zeros((width, width if basis is None else basis.shape[1]), np.float32)
        for chunk in chunks:
            x = chunk.astype(np.float32) - mean
            total += x.T @ x if basis is None else x.T @ (x @ basis)
        return total / np.float32(n)

    if width <= _WIDE:
        rank = min(_EXACT_RANK, width)
        values, vectors = eigh(spread_of(None), subset_by_index=[width - rank, width - 1], driver="evr")
        return mean, np.ascontiguousarray(vectors[:, ::-1], np.float32), values[::-1]
    start = np.random.default_rng(0).standard_normal((width, _WIDE_RANK + _OVERSAMPLING), np.float32)
    for _ in range(_ITERATIONS):
        start = qr(spread_of(start), mode="economic")[0]
    values, turn = np.linalg.eigh(start.T @ spread_of(start))
    return mean, (start @ turn[:, ::-1])[:, :_WIDE_RANK], values[::-1][:_WIDE_RANK]


def agreement(cue: Cue, owners: I64, d: int, exponent: float = 0.5) -> Cue:
    """Project as `fingerprint.train.fitting.fit_agreement` does after whitening."""
    paired = cue.originals[owners]
    across = (cue.copies.T @ paired).astype(np.float64) / len(owners)
    within = cue.copies.T @ cue.copies / len(owners) + cue.originals.T @ cue.originals / len(cue.originals)
    correlations, directions = _generalised((across + across.T) / 2, within.astype(np.float64) / 2, d)
    projection = (directions * np.maximum(correlations, _LEAST_CORRELATION) ** exponent).astype(np.float32)
    return cue.map(lambda x: unit(x @ projection))


def discriminant(cue: Cue, owners: I64, d: int) -> Cue:
    """Project on the directions in which identities differ most, against what differs within them."""
    sums, counts = cue.originals.copy(), np.ones(len(cue.originals), np.float32)
    np.add.at(sums, owners, cue.copies)
    np.add.at(counts, owners, np.float32(1))
    means = sums / counts[:, None]
    apart = np.concatenate([cue.originals - means, cue.copies - means[owners]])
    everything = np.concatenate([cue.originals, cue.copies])
    total = everything.T @ everything / len(everything)
    _, directions = _generalised(total.astype(np.float64), (apart.T @ apart / len(apart)).astype(np.float64), d)
    return cue.map(lambda x: unit(x @ directions.astype(np.float32)))


def _generalised(upper: F64, lower: F64, d: int) -> tuple[F64, F64]:
    n = len(lower)
    ridged = lower + np.eye(n) * _RIDGE * np.trace(lower) / n
    values, vectors = eigh(upper, ridged, subset_by_index=[n - min(d, n), n - 1])
    return values[::-1], vectors[:, ::-1]


def join(cues: Sequence[Cue], weights: Sequence[float]) -> Cue:
    """Put vectors side by side, each times its weight, and bring the whole to unit length; views if all have them."""

    def side_by_side(name: str) -> F32:
        parts = [np.float32(w) * getattr(cue, name) for cue, w in zip(cues, weights, strict=True)]
        parts = [part[: min(map(len, parts))] for part in parts]
        return unit(np.concatenate(parts, axis=1))

    return Cue(*(side_by_side(part.name) for part in fields(Cue)))


def subtract(vectors: F32, background: F32, share: float, n_neighbours: int) -> F32:
    """Take away the mean of the nearest background vectors, times `share`."""
    if not share:
        return vectors
    near = np.argpartition(-(vectors @ background.T), n_neighbours, axis=1)[:, :n_neighbours]
    return unit(vectors - np.float32(share) * background[near].mean(axis=1))


def nearest_mean(vectors: F32, background: F32, n_neighbours: int) -> F32:
    """Return the mean similarity of each vector to its nearest background vectors."""
    near = np.partition(vectors @ background.T, -n_neighbours, axis=1)[:, -n_neighbours:]
    return np.asarray(near.mean(axis=1, dtype=np.float32), np.float32)
