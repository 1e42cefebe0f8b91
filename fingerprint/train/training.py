"""From training photographs to models: signatures, codebook, projections, insets, vocabulary, cohort, calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from fingerprint.config import Config, TrainConfig, config_digest
from fingerprint.edits import TRAINED_WIDE_EDITS, random_chain
from fingerprint.edits.canvas import as_jpeg
from fingerprint.errors import ConfigError
from fingerprint.features.descriptor import Cues, compute_cues, embed, reduce_local
from fingerprint.features.global_cues import make_cue_thumbnail
from fingerprint.features.inverted_file import build_postings
from fingerprint.features.local_features import extract_features
from fingerprint.features.signatures import make_keypoints
from fingerprint.images.decode import luma_of, read_planes, read_rgb
from fingerprint.kernels.overlap import MEASURES
from fingerprint.locations import Location
from fingerprint.models import (
    CalibrationModel,
    CohortModel,
    DescriptorModel,
    Models,
    TreesModel,
    VocabularyModel,
    make_models,
)
from fingerprint.train.calibration import fit_calibration
from fingerprint.train.fitting import (
    DEFAULT_SHRINKAGE,
    fit_agreement,
    fit_codebook,
    fit_local_basis,
    fit_signatures,
)
from fingerprint.train.insets import InsetExample, fit_insets
from fingerprint.train.pairs import PairMaker
from fingerprint.train.words import fit_vocabulary
from fingerprint.types import COLOUR_DIMENSION, GIST_DIMENSION, U8, ImageSource, LocalFeatures, Skipped, StageProgress
from fingerprint.verify.overlap import OVERLAP_NAMES
from fingerprint.verify.score import EVIDENCE_NAMES
from fingerprint.version import __version__
from fingerprint.workers import Cluster, Workers, map_images


@dataclass(frozen=True, slots=True)
class _CuePlan:
    """How the projection of a cue is fitted; chosen on training images that were left out of the fit."""

    share: int  # of the descriptor's dimensions, in parts of 16
    weight: float
    n_principal: int
    shrinkage: float


_CUES = {
    "vlad": _CuePlan(9, 1.0, 512, DEFAULT_SHRINKAGE),
    "gist": _CuePlan(4, 0.7, 400, DEFAULT_SHRINKAGE),
    "colour": _CuePlan(3, 0.6, 256, 0.5),
}
_INSET_COPIES = 6  # usual edited copies of each image from which the detector of insets learns
_WIDE_CHAIN = (1, 3)  # fewest and most edits of a copy with one of the wider edits
_QUALITIES = (70, 96)  # of JPEG, at which edited copies are saved


def train_models(
    paths: Sequence[Location],
    config: Config,
    train: TrainConfig | None = None,
    *,
    known_pairs: Mapping[frozenset[str], int] | None = None,
    n_workers: Workers = None,
    progress: StageProgress | None = None,
) -> tuple[Models, tuple[Skipped, ...]]:
    """Train all models on photographs.

    Parameters
    ----------
    paths : sequence of Path or Url
        Image files; at least 20 readable ones. They are used in the order of their names.
    config : Config
        Settings of the engine that the models are for.
    train : TrainConfig, optional
        Settings of the training.
    known_pairs : mapping of pairs of file names to a label, optional
        Photographs among `paths` that are not as unrelated as the others; see `fingerprint.train.pairs`.
    n_workers : int or Cluster, optional
        Threads, or a cluster; the models do not depend on it.
    progress : callable, optional
        Called as ``progress(stage, done, total)``.

    Returns
    -------
    models : Models
    skipped : tuple of Skipped
        Files that could not be read.

    Raises
    ------
    ConfigError
        If there are too few images.
    """
    train = train or TrainConfig()
    progress = progress or _silent
    ordered = sorted(paths, key=lambda path: path.parts)
    features: list[LocalFeatures] = []
    thumbnails: list[U8] = []
    usable: list[Location] = []
    skipped: list[Skipped] = []
    for path, result in zip(
        ordered,
        map_images(partial(_features_of_file, config=config), ordered, n_workers, strict=config.strict),
        strict=True,
    ):
        if isinstance(result, Skipped):
            skipped.append(result)
        else:
            features.append(result[0])
            thumbnails.append(result[1])
            usable.append(path.absolute() if isinstance(n_workers, Cluster) else path)
        progress("keypoints", len(usable) + len(skipped), len(ordered))
    if len(usable) < 20:
        raise ConfigError(f"training needs at least 20 readable images, found {len(usable)}; give more images")

    rng = np.random.default_rng(train.seed)
    partial_model = _fit_local(features, train, rng)
    cues = [compute_cues(f, t, partial_model) for f, t in zip(features, thumbnails, strict=True)]
    copies = _describe_copies(usable, partial_model, config, train, n_workers, progress)
    projected = _fit_cues(partial_model, cues, copies, train.dimension)
    chosen = np.sort(rng.choice(len(cues), min(train.n_background, len(cues)), replace=False))
    background = np.array([embed(cues[i], projected) for i in chosen], dtype=np.float32)
    insets = fit_insets([copy.example for copy in copies if copy.example is not None], n_workers, progress)
    descriptor = replace(projected, background=background.reshape(-1, projected.dimension))
    progress("vocabulary", 0, 1)
    vocabulary = fit_vocabulary([f.descriptors for f in features], train.n_cells, rng)
    in_cohort = np.unique(np.linspace(0, len(features) - 1, min(train.n_cohort, len(features))).astype(int))
    cohort = _make_cohort([features[i] for i in in_cohort], descriptor, vocabulary)
    progress("vocabulary", 1, 1)

    facts = {
        "copyprint": __version__,
        "n_images": len(usable),
        "n_projection_vectors": len(cues) + len(copies),
        "n_inset_views": sum(copy.example is not None for copy in copies),
        "config": config_digest(config),
        "features": config_digest(config.reference),
        "seed": train.seed,
        "n_edited_copies": train.n_edited_copies,
    }
    parts = (descriptor, vocabulary, insets, cohort)
    rows = {int(i): row for row, i in enumerate(in_cohort)}
    maker = PairMaker(
        usable, train, config, make_models(*(parts + _neutral_calibration()), facts), rows, known_pairs or {}
    )
    fitted = fit_calibration(maker, n_workers, progress)
    looks = (fitted.first, fitted.ruled_out, fitted.promising, fitted.copies, fitted.shared)
    return make_models(*(parts + looks), facts | fitted.facts), tuple(skipped)


def _silent(_stage: str, _done: int, _total: int) -> None:
    return


def _features_of_file(source: ImageSource, config: Config) -> tuple[LocalFeatures, U8]:
    planes = read_planes(source, at_least=config.decode_side, limits=config.limits)
    return extract_features(luma_of(planes), config.reference)[0], make_cue_thumbnail(planes.pixels)


def _fit_local(features: Sequence[LocalFeatures], train: TrainConfig, rng: np.random.Generator) -> DescriptorModel:
    """Fit the parts for single local descriptors; the projections are still empty."""
    everything = np.concatenate([f.descriptors for f in features])
    if not len(everything):
        raise ConfigError("the training images have no keypoints at all; give photographs")
    sample = everything[np.sort(rng.choice(len(everything), min(train.n_local, len(everything)), replace=False))]
    rotation, thresholds = fit_signatures(sample, rng)
    mean, basis = fit_local_basis(sample, train.local_dimension)
    points = reduce_local(sample, mean, basis)
    codebooks = np.stack([fit_codebook(points, train.n_words, rng) for _ in range(train.n_codebooks)])
    empty = {
        f"{name}_{what}": np.zeros(shape, np.float32)
        for name, size in (("vlad", codebooks.size), ("gist", GIST_DIMENSION), ("colour", COLOUR_DIMENSION))
        for what, shape in (("mean", (size,)), ("projection", (size, 0)))
    }
    return DescriptorModel(
        signature_rotation=rotation,
        signature_thresholds=thresholds,
        local_mean=mean,
        local_basis=basis,
        codebooks=codebooks,
        **empty,
        cue_weights=np.array([plan.weight for plan in _CUES.values()], np.float32),
        background=np.zeros((0, 0), np.float32),
    )


def _make_cohort(
    features: Sequence[LocalFeatures], descriptor: DescriptorModel, vocabulary: VocabularyModel
) -> CohortModel:
    """Return the inverted file of the cohort's images."""
    postings = build_postings([make_keypoints(f, f.width, f.height, descriptor) for f in features], vocabulary)
    return CohortModel(
        words=postings.words,
        starts=postings.starts,
        signatures=postings.signatures,
        references=postings.references,
        geometry=postings.geometry,
        n_images=np.array([postings.n_references], np.uint32),
    )


@dataclass(frozen=True, slots=True)
class _EditedCopy:
    """An edited copy of a training image: the index of its original, its cues, and its example for insets, if any."""

    owner: int
    cues: Cues
    example: InsetExample | None


def _describe_copies(
    paths: Sequence[Location],
    model: DescriptorModel,
    config: Config,
    train: TrainConfig,
    n_workers: Workers,
    progress: StageProgress,
) -> list[_EditedCopy]:
    """Describe edited copies of the training images, saved as JPEG and read again as queries are."""

    def copies_of(index: int) -> list[_EditedCopy]:
        rng = np.random.default_rng([train.seed, 1, index])
        picture = read_rgb(paths[index], at_least=config.decode_side, limits=config.limits)
        others = [
            read_rgb(paths[i], at_least=config.decode_side, limits=config.limits).pixels
            for i in rng.choice(len(paths), 2)
        ]
        found = []
        for number in range(train.n_edited_copies + train.n_wide_copies):
            wide = number >= train.n_edited_copies
            edited = (
                random_chain(picture.pixels, rng, others, _WIDE_CHAIN, TRAINED_WIDE_EDITS)
                if wide
                else random_chain(picture.pixels, rng, others)
            )
            planes = read_planes(
                as_jpeg(edited.pixels, int(rng.integers(*_QUALITIES))),
                at_least=config.decode_side,
                limits=config.limits,
            )
            luma = luma_of(planes)
            cues = compute_cues(extract_features(luma, config.reference)[0], make_cue_thumbnail(planes.pixels), model)
            size = (planes.width, planes.height)
            source_size = (picture.pixels.shape[1], picture.pixels.shape[0])
            example = InsetExample.of(luma.pixels, size, source_size, edited.transform)
            found.append(_EditedCopy(index, cues, example if number < _INSET_COPIES or wide else None))
        return found

    described: list[_EditedCopy] = []
    for done, result in enumerate(map_images(copies_of, range(len(paths)), n_workers), start=1):
        if not isinstance(result, Skipped):  # never skipped, as each image could be read before
            described += result
        progress("edited copies", done, len(paths))
    return described


def _fit_cues(
    model: DescriptorModel, originals: Sequence[Cues], copies: Sequence[_EditedCopy], dimension: int
) -> DescriptorModel:
    """Fit the projection of each cue."""
    owners = np.array([copy.owner for copy in copies], np.int64)
    fitted = {}
    left, shares_left = dimension, sum(plan.share for plan in _CUES.values())
    for number, (name, plan) in enumerate(_CUES.items()):
        wanted = round(left * plan.share / shares_left)
        left, shares_left = left - wanted, shares_left - plan.share
        edited = [copy.cues[number] for copy in copies]
        first = np.stack([cues[number] for cues in originals])
        second = np.stack(edited) if edited else first[:0]
        fitted[f"{name}_mean"], fitted[f"{name}_projection"] = fit_agreement(
            first, second, owners, wanted, plan.n_principal, plan.shrinkage
        )
    return replace(model, **fitted)


def _neutral_calibration() -> tuple[CalibrationModel, CalibrationModel, TreesModel, TreesModel, TreesModel]:
    n = len(EVIDENCE_NAMES)
    promising, trees = (
        TreesModel(np.zeros((0, 0), np.int32), np.zeros((0, 0)), np.zeros((0, 1)), np.zeros(n + more), np.zeros(1))
        for more in (len(MEASURES), len(OVERLAP_NAMES))
    )
    first = CalibrationModel(np.zeros(n), np.zeros(n), np.ones(n), np.zeros(1))
    return first, first, promising, trees, trees
