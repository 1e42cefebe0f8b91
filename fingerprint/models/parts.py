"""The trained parts, and the ids that are digests of their contents."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fingerprint.models.reflections import KINDS, kind_basis
from fingerprint.types import F32, F64, I8, I32, U32, U64, Postings


@dataclass(frozen=True)
class DescriptorModel:
    """Turns local descriptors into signatures, and with global cues into the compact descriptor.

    Attributes
    ----------
    signature_rotation : float32 array, shape (128, 128)
        Orthogonal; each column is a direction.
    signature_thresholds : float32 array, shape (128,)
        Median of each direction over the training set.
    local_mean, local_basis : float32 arrays, shapes (128,) and (128, p)
        Principal components of the training set's local descriptors.
    codebooks : float32 array, shape (b, k, p)
        Several codebooks of codewords in the reduced space.
    vlad_mean, vlad_projection : float32 arrays, shapes (b k p,) and (b k p, d_v)
    gist_mean, gist_projection : float32 arrays, shapes (480,) and (480, d_g)
    colour_mean, colour_projection : float32 arrays, shapes (2304,) and (2304, d_c)
        Centre of each cue and the directions in which copies and their sources agree; d_v + d_g + d_c = d <= 256.
    cue_weights : float32 array, shape (3,)
        Lengths of the three parts before they are joined.
    background : float32 array, shape (b, d)
        Unit descriptors of training images, for background normalisation.
    """

    signature_rotation: F32
    signature_thresholds: F32
    local_mean: F32
    local_basis: F32
    codebooks: F32
    vlad_mean: F32
    vlad_projection: F32
    gist_mean: F32
    gist_projection: F32
    colour_mean: F32
    colour_projection: F32
    cue_weights: F32
    background: F32

    @property
    def dimension(self) -> int:
        """Number of dimensions of the compact descriptor."""
        return sum(int(projection.shape[1]) for _, projection in self.cue_projections)

    @cached_property
    def signature_directions(self) -> F32:
        """`signature_rotation` by kind and orbit, shape (4, 32, 128), as the kernel takes it; made on first use."""
        rotation = self.signature_rotation.astype(np.float64)
        return np.stack([kind_basis(kind).T @ rotation / 2 for kind in range(len(KINDS))]).astype(np.float32)

    @cached_property
    def codeword_tables(self) -> tuple[tuple[F32, F32], ...]:
        """Each of `codebooks` with a word in each column, and half of the words' squared norms; made on first use."""
        return tuple(
            (np.ascontiguousarray(words.T), (np.square(words).sum(axis=1) / 2).astype(np.float32))
            for words in self.codebooks
        )

    @cached_property
    def background_t(self) -> F32:
        """`background` with a picture in each column, shape (d, b); made on first use."""
        return np.ascontiguousarray(self.background.T)

    @property
    def cue_projections(self) -> tuple[tuple[F32, F32], ...]:
        """Centre and directions of each cue: VLAD, GIST, colours."""
        return (
            (self.vlad_mean, self.vlad_projection),
            (self.gist_mean, self.gist_projection),
            (self.colour_mean, self.colour_projection),
        )


@dataclass(frozen=True, slots=True)
class WordTables:
    """A vocabulary in the form that the kernels take; see `fingerprint.kernels.words`."""

    signs: F32
    coarse_t: F32
    coarse_half: F32
    fine_t: F32
    fine_half: F32


@dataclass(frozen=True)
class VocabularyModel:
    """Turns local descriptors into words of an inverted file: A coarse cells of B words each, and their reflections.

    Attributes
    ----------
    mean, basis : float32 arrays, shapes (128,) and (128, 64)
        Leading principal directions of the training set's local descriptors in all variants. Each changes at most its
        sign when a picture is mirrored or made negative. Those that change alike are randomly rotated among
        themselves, so that each axis divides descriptors as well as any other.
    signs : int8 array, shape (4, 64)
        1 or -1: what each of `fingerprint.types.VARIANTS` makes of the axes.
    coarse : float32 array, shape (A, 64)
        Centres of the cells.
    centres : int8 array, shape (A * B, 64)
        Centres of the words, in units of `step`; they are also the thresholds of the signatures within a word. Words
        are numbered with their reflections: four times the row here, plus the variant.
    step : float32 array, shape (1,)
        Unit of `centres`.
    rarity : float32 array, shape (A * B,)
        Weight of a word and its reflections: higher for those that fewer images of the training set have.
    """

    mean: F32
    basis: F32
    signs: I8
    coarse: F32
    centres: I8
    step: F32
    rarity: F32

    @property
    def n_words(self) -> int:
        """How many words there are, with their reflections."""
        return 4 * len(self.centres)

    @cached_property
    def tables(self) -> WordTables:
        """The arrays that the kernels take; made on first use."""
        n_cells, p = self.coarse.shape
        fine = (self.centres.astype(np.float32) * self.step[0]).reshape(n_cells, -1, p)
        return WordTables(
            signs=self.signs.astype(np.float32),
            coarse_t=np.ascontiguousarray(self.coarse.T),
            coarse_half=(np.square(self.coarse).sum(axis=1) / 2).astype(np.float32),
            fine_t=np.ascontiguousarray(fine.transpose(0, 2, 1)),
            fine_half=(np.square(fine).sum(axis=2) / 2).astype(np.float32),
        )


@dataclass(frozen=True)
class CohortModel:
    """An inverted file of training images, the cohort: it shows how well a query agrees with unrelated pictures.

    Attributes
    ----------
    words, starts, signatures, references, geometry : arrays
        As in `fingerprint.types.Postings`.
    n_images : uint32 array, shape (1,)
    """

    words: U32
    starts: U32
    signatures: U64
    references: U32
    geometry: U32
    n_images: U32

    @property
    def postings(self) -> Postings:
        """The arrays as an inverted file that can be searched."""
        return Postings(self.words, self.starts, self.signatures, self.references, self.geometry, int(self.n_images[0]))


@dataclass(frozen=True, slots=True)
class InsetModel:
    """Finds insets, pictures within a picture; see `fingerprint.features.insets`.

    Attributes
    ----------
    evidence : float32 array, shape (64,)
        Log-likelihood ratio of each bin of `fingerprint.kernels.rectangles.boundary_bins`: at the border of an inset
        against any position.
    centre, spread : float64 arrays, shape (n,)
        Mean and standard deviation of the measures of a rectangle.
    weights : float64 array, shape (n + n (n + 1) / 2,)
        Of the standardised measures and of their products, in log-odds.
    bias : float64 array, shape (1,)
    """

    evidence: F32
    centre: F64
    spread: F64
    weights: F64
    bias: F64


@dataclass(frozen=True, slots=True)
class CalibrationModel:
    """The first look at a pair, a logistic model: ``bias + (evidence - centre) / spread @ weights``.

    Attributes
    ----------
    weights, centre, spread : float64 arrays, shape (n_evidence,)
        `n_evidence` and the order are those of `fingerprint.verify.score.EVIDENCE_NAMES`.
    bias : float64 array, shape (1,)
        Log-odds at the centre.
    """

    weights: F64
    centre: F64
    spread: F64
    bias: F64


@dataclass(frozen=True, slots=True)
class TreesModel:
    """Boosted trees: log-odds are a linear function and one leaf of each tree; see `fingerprint.kernels.trees`.

    Attributes
    ----------
    features : int32 array, shape (n_trees, depth)
        Position of what each level of a tree asks about: in the first look's evidence, followed by
        `fingerprint.verify.overlap.OVERLAP_NAMES`, or only those of the coarse comparison.
    thresholds : float64 array, shape (n_trees, depth)
        The question is whether it is larger than this.
    values : float64 array, shape (n_trees, 2**depth)
        Log-odds of each leaf.
    weights : float64 array, shape (e,)
        Log-odds for each unit of the evidence.
    bias : float64 array, shape (1,)
        Log-odds where the evidence is 0.
    """

    features: I32
    thresholds: F64
    values: F64
    weights: F64
    bias: F64


@dataclass(frozen=True, slots=True)
class Models:
    """All trained parts with their ids.

    Attributes
    ----------
    descriptor : DescriptorModel
    vocabulary : VocabularyModel
    insets : InsetModel
        `model_id` is the digest of these three; all that a collection stores depends on them.
    cohort : CohortModel
    calibration : CalibrationModel
        The first look: whether a pair is a copy.
    ruled_out : CalibrationModel
        Of pairs that the first look rules out as copies: whether they share a template or a scene.
    promising : TreesModel
        Whether a pair gets all of the second look, as it may be a copy or share something: if its log-odds are not
        negative. It knows the evidence of the first look, and how the pair agrees on the coarse grid.
    copies, shared : TreesModel
        The second look: whether a pair is a copy; and if not, whether it shares a template or a scene.
        `calibration_id` is the digest of these six; they may be replaced without changing a collection.
    model_id, calibration_id : str
        Content digests.
    facts : mapping
        How it was trained: number of images, settings, version; for information only.
    """

    descriptor: DescriptorModel
    vocabulary: VocabularyModel
    insets: InsetModel
    cohort: CohortModel
    calibration: CalibrationModel
    ruled_out: CalibrationModel
    promising: TreesModel
    copies: TreesModel
    shared: TreesModel
    model_id: str
    calibration_id: str
    facts: Mapping[str, Any]


Part: TypeAlias = DescriptorModel | VocabularyModel | InsetModel | CohortModel | CalibrationModel | TreesModel
PARTS: Mapping[str, type[Part]] = {
    "descriptor": DescriptorModel,
    "vocabulary": VocabularyModel,
    "insets": InsetModel,
    "cohort": CohortModel,
    "calibration": CalibrationModel,
    "ruled_out": CalibrationModel,
    "promising": TreesModel,
    "copies": TreesModel,
    "shared": TreesModel,
}


def make_models(
    descriptor: DescriptorModel,
    vocabulary: VocabularyModel,
    insets: InsetModel,
    cohort: CohortModel,
    calibration: CalibrationModel,
    ruled_out: CalibrationModel,
    promising: TreesModel,
    copies: TreesModel,
    shared: TreesModel,
    facts: Mapping[str, Any],
) -> Models:
    """Combine trained parts and compute their ids."""
    return Models(
        descriptor=descriptor,
        vocabulary=vocabulary,
        insets=insets,
        cohort=cohort,
        calibration=calibration,
        ruled_out=ruled_out,
        promising=promising,
        copies=copies,
        shared=shared,
        model_id=f"{_sizes(descriptor)}-{_digest(descriptor, vocabulary, insets)}",
        calibration_id=f"trees-{_digest(cohort, calibration, ruled_out, promising, copies, shared)}",
        facts=dict(facts),
    )


def _sizes(descriptor: DescriptorModel) -> str:
    n_codebooks, n_words = descriptor.codebooks.shape[:2]
    return f"vlad{n_codebooks}x{n_words}-{descriptor.dimension}"


def arrays_of(part: Part) -> dict[str, NDArray[Any]]:
    """Return the arrays of a part by their names, in the order of its digest."""
    return {f.name: getattr(part, f.name) for f in fields(part)}


def _digest(*parts: Part) -> str:
    h = hashlib.sha256()
    for part in parts:
        for name, array in arrays_of(part).items():
            h.update(f"{name} {array.dtype.str} {array.shape}".encode())
            h.update(np.ascontiguousarray(array).tobytes())
    return h.hexdigest()[:12]
