"""The walk from training photographs to models: signatures, codebook, projection, background, calibration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from fingerprint.config import Config, TrainConfig, config_digest
from fingerprint.descriptor import compute_vlad, project_vlad, reduce_local
from fingerprint.edits import random_chain
from fingerprint.errors import ConfigError
from fingerprint.features import MIRROR_PERMUTATION, extract_features
from fingerprint.image import read_rgb, to_grey
from fingerprint.keypoints import make_keypoints
from fingerprint.models import (
    WORD_DIMENSION,
    BackgroundModel,
    CalibrationModel,
    DescriptorModel,
    Models,
    VocabularyModel,
    make_models,
)
from fingerprint.score import EVIDENCE_NAMES
from fingerprint.train.calibration import fit_calibration
from fingerprint.train.fitting import (
    fit_codebook,
    fit_local_basis,
    fit_projection,
    fit_rarity,
    fit_signatures,
    fit_vocabulary,
)
from fingerprint.types import F32, U8, LocalFeatures, Picture, Skipped
from fingerprint.version import __version__
from fingerprint.vocabulary import build_postings, quantise
from fingerprint.workers import map_images

Progress = Callable[[str, int, int], None]


def train_models(
    paths: Sequence[Path],
    config: Config,
    train: TrainConfig | None = None,
    *,
    n_workers: int | None = None,
    progress: Progress | None = None,
) -> tuple[Models, tuple[Skipped, ...]]:
    """Train all models on photographs.

    Parameters
    ----------
    paths : sequence of Path
        Image files; at least 20 readable ones. They are used in the order of their names.
    config : Config
        Settings of the engine that the models are for.
    train : TrainConfig, optional
        Settings of the training.
    n_workers : int, optional
        Threads; the models do not depend on it.
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
    report = progress or _silent
    ordered = sorted(paths)
    features: list[LocalFeatures] = []
    usable: list[Path] = []
    skipped: list[Skipped] = []
    for path, result in zip(
        ordered, map_images(partial(_features_of_file, config=config), ordered, n_workers), strict=True
    ):
        if isinstance(result, Skipped):
            skipped.append(result)
        else:
            features.append(result)
            usable.append(path)
        report("keypoints", len(usable) + len(skipped), len(ordered))
    if len(usable) < 20:
        raise ConfigError(f"training needs at least 20 readable images, found {len(usable)}")

    rng = np.random.default_rng(train.seed)
    partial_model = _fit_local(features, train, rng)
    vlads = [compute_vlad(f, partial_model) for f in features]
    versions = _version_vlads(usable, partial_model, config, train, n_workers, report)
    mean, projection = fit_projection(np.stack(vlads + versions), train.dimension, train.whitening)
    projected = replace(partial_model, projection_mean=mean, projection=projection)
    chosen = np.sort(rng.choice(len(vlads), min(train.n_background, len(vlads)), replace=False))
    background = np.array([project_vlad(vlads[i], projected) for i in chosen], dtype=np.float32)
    descriptor = replace(projected, background=background.reshape(-1, projected.dimension))
    report("vocabulary", 0, 1)
    vocabulary = _fit_vocabulary(features, train, rng)
    shown = np.unique(np.linspace(0, len(features) - 1, min(train.n_background_postings, len(features))).astype(int))
    unknown = _background_of([features[i] for i in shown], descriptor, vocabulary)
    report("vocabulary", 1, 1)

    facts = {
        "copyprint": __version__,
        "n_images": len(usable),
        "n_projection_vectors": len(vlads) + len(versions),
        "config": config_digest(config),
        "features": config_digest(config.reference),
        "seed": train.seed,
        "n_versions": train.n_versions,
        "whitening": train.whitening,
    }
    untrained = make_models(descriptor, vocabulary, unknown, _neutral_calibration(), facts)
    rows = {int(i): row for row, i in enumerate(shown)}
    calibration, calibration_facts = fit_calibration(
        usable, untrained, config, train.n_calibration, rows, n_workers, report
    )
    return make_models(descriptor, vocabulary, unknown, calibration, facts | calibration_facts), tuple(skipped)


def _silent(_stage: str, _done: int, _total: int) -> None:
    return


def _features_of_file(path: Path, config: Config) -> LocalFeatures:
    picture = read_rgb(path, at_least=config.decode_side)
    return extract_features(
        Picture(to_grey(picture.pixels), picture.width, picture.height, picture.name), config.reference
    )[0]


def _features_of_pixels(rgb: U8, config: Config) -> LocalFeatures:
    height, width = rgb.shape[:2]
    return extract_features(Picture(to_grey(rgb), width, height, "<edited>"), config.reference)[0]


def _fit_local(features: Sequence[LocalFeatures], train: TrainConfig, rng: np.random.Generator) -> DescriptorModel:
    """Fit what concerns single local descriptors; the projection is still empty."""
    everything = np.concatenate([f.descriptors for f in features])
    if not len(everything):
        raise ConfigError("the training images have no keypoints at all; give photographs")
    sample = everything[np.sort(rng.choice(len(everything), min(train.n_local, len(everything)), replace=False))]
    rotation, thresholds = fit_signatures(sample, rng)
    mean, basis = fit_local_basis(sample, train.local_dimension)
    codebook = fit_codebook(reduce_local(sample, mean, basis), train.n_words, rng)
    width = codebook.size
    return DescriptorModel(
        signature_rotation=rotation,
        signature_thresholds=thresholds,
        local_mean=mean,
        local_basis=basis,
        codebook=codebook,
        projection_mean=np.zeros(width, np.float32),
        projection=np.zeros((width, 1), np.float32),
        background=np.zeros((0, 1), np.float32),
    )


def _fit_vocabulary(features: Sequence[LocalFeatures], train: TrainConfig, rng: np.random.Generator) -> VocabularyModel:
    """Learn the words of the inverted file, and how much each weighs."""
    everything = np.concatenate([f.descriptors for f in features])
    both = np.concatenate([everything, everything[:, MIRROR_PERMUTATION]])
    vocabulary = fit_vocabulary(both, fit_local_basis(both, WORD_DIMENSION), train.n_cells, rng)
    words = quantise(everything, vocabulary, 1)[0][:, 0].astype(np.int64)
    image = np.repeat(np.arange(len(features)), [len(f) for f in features])
    once = np.unique(image * len(vocabulary.centres) + words) % len(vocabulary.centres)
    n_images_with = np.bincount(once, minlength=len(vocabulary.centres))
    return replace(vocabulary, rarity=fit_rarity(n_images_with, len(features)))


def _background_of(
    features: Sequence[LocalFeatures], descriptor: DescriptorModel, vocabulary: VocabularyModel
) -> BackgroundModel:
    """Return the inverted file of training images."""
    postings = build_postings([make_keypoints(f, f.width, f.height, descriptor) for f in features], vocabulary)
    return BackgroundModel(
        words=postings.words,
        starts=postings.starts,
        signatures=postings.signatures,
        references=postings.references,
        geometry=postings.geometry,
        n_images=np.array([postings.n_references], np.uint32),
    )


def _version_vlads(
    paths: Sequence[Path],
    model: DescriptorModel,
    config: Config,
    train: TrainConfig,
    n_workers: int | None,
    report: Progress,
) -> list[F32]:
    """Return VLAD vectors of edited versions, so that the projection learns what edits do."""

    def versions(index: int) -> list[F32]:
        rng = np.random.default_rng([train.seed, 1, index])
        picture = read_rgb(paths[index], at_least=config.decode_side)
        others = [read_rgb(paths[i], at_least=config.decode_side).pixels for i in rng.choice(len(paths), 2)]
        return [
            compute_vlad(_features_of_pixels(random_chain(picture.pixels, rng, others).pixels, config), model)
            for _ in range(train.n_versions)
        ]

    found: list[F32] = []
    for done, result in enumerate(map_images(versions, range(len(paths)), n_workers), start=1):
        if not isinstance(result, Skipped):  # each was read a moment ago
            found += result
        report("edited versions", done, len(paths))
    return found


def _neutral_calibration() -> CalibrationModel:
    n = len(EVIDENCE_NAMES)
    return CalibrationModel(weights=np.zeros(n), centre=np.zeros(n), spread=np.ones(n), bias=np.zeros(1))
