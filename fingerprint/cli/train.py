"""``fingerprint train``: models from photographs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from fingerprint.cli._help import ExampleCommand
from fingerprint.cli._ignored import listed_images, note_ignored
from fingerprint.cli._inputs import refuse_input
from fingerprint.cli._options import (
    EXISTING_FILE,
    FOLDER,
    IMAGES,
    Count,
    chosen_limits,
    json_option,
    message_options,
    reading_options,
    workers_option,
)
from fingerprint.cli._output import finish, print_json, shown, skipped_json
from fingerprint.cli._progress import progress
from fingerprint.cli._scheduler import chosen_workers, scheduler_options
from fingerprint.config import DEFAULT_CONFIG, DEFAULT_TRAIN_CONFIG, TrainConfig
from fingerprint.errors import ConfigError
from fingerprint.locations import Location


@click.command(
    "train",
    short_help="Train models on photographs.",
    cls=ExampleCommand,
    examples=(
        "fingerprint train photographs/ --out models/",
        "fingerprint index create photos.fp photos/ --models models/",
    ),
)
@click.argument("paths", metavar="IMAGES...", nargs=-1, required=True, type=IMAGES)
@click.option("--out", metavar="DIR", required=True, type=FOLDER, help="Folder for models.npz and MODELS.json.")
@click.option("--force", is_flag=True, help="Replace existing models. Collections made with them still need them.")
@click.option(
    "--seed",
    metavar="N",
    type=click.IntRange(min=0),
    default=DEFAULT_TRAIN_CONFIG.seed,
    show_default=True,
    help="Seed of all random numbers.",
)
@click.option(
    "--codebooks",
    "n_codebooks",
    metavar="N",
    type=Count(min=1),
    default=DEFAULT_TRAIN_CONFIG.n_codebooks,
    show_default=True,
    help="Number of codebooks of the compact descriptor.",
)
@click.option(
    "--words",
    "n_words",
    metavar="N",
    type=Count(min=1),
    default=DEFAULT_TRAIN_CONFIG.n_words,
    show_default=True,
    help="Codewords in each codebook.",
)
@click.option(
    "--dimension",
    metavar="N",
    type=click.IntRange(1, 256),
    default=DEFAULT_TRAIN_CONFIG.dimension,
    show_default=True,
    help="Dimensions of the compact descriptor.",
)
@click.option(
    "--edited-copies",
    "n_edited_copies",
    metavar="N",
    type=Count(min=1),
    default=DEFAULT_TRAIN_CONFIG.n_edited_copies,
    show_default=True,
    help="Edited copies of each image to learn from.",
)
@click.option(
    "--wide-copies",
    "n_wide_copies",
    metavar="N",
    type=Count(min=0),
    default=DEFAULT_TRAIN_CONFIG.n_wide_copies,
    show_default=True,
    help="Further ones with an edit of phones, printers, scissors or filter apps.",
)
@click.option(
    "--calibration",
    "n_calibration",
    metavar="N",
    type=Count(min=20),
    default=DEFAULT_TRAIN_CONFIG.n_calibration,
    show_default=True,
    help="Edited photographs that the calibration is fitted on, as queries.",
)
@click.option(
    "--templates",
    "n_templates",
    metavar="N",
    type=Count(min=0),
    default=DEFAULT_TRAIN_CONFIG.n_templates,
    show_default=True,
    help="Templates of each family of drawn graphics that the calibration is fitted on; each has six queries.",
)
@click.option(
    "--scenes",
    "n_scenes",
    metavar="N",
    type=Count(min=0),
    default=DEFAULT_TRAIN_CONFIG.n_scenes,
    show_default=True,
    help="Made pairs of second shots that the calibration is fitted on, at most a sixth of the images.",
)
@click.option(
    "--surfaces",
    "n_surfaces",
    metavar="N",
    type=Count(min=0),
    default=DEFAULT_TRAIN_CONFIG.n_surfaces,
    show_default=True,
    help="Drawn close-ups of walls, pebbles and the like that the calibration is fitted on.",
)
@click.option(
    "--wide",
    "n_wide",
    metavar="N",
    type=Count(min=0),
    default=DEFAULT_TRAIN_CONFIG.n_wide,
    show_default=True,
    help="Queries with an edit of phones, printers, scissors or filter apps that the calibration is fitted on.",
)
@click.option(
    "--known-pairs",
    metavar="FILE",
    type=EXISTING_FILE,
    help="CSV of images among IMAGES that are not unrelated: columns first, second, kind (copy or second shot).",
)
@json_option("one JSON object")
@scheduler_options
@workers_option
@reading_options
@message_options
def train_command(
    paths: tuple[Location, ...],
    out: Path,
    force: bool,
    known_pairs: Path | None,
    as_json: bool,
    n_workers: int | None,
    quiet: bool,
    **settings: int,
) -> None:
    """Train models on photographs: at least some hundreds, better thousands, of the kind that will be searched.

    References and queries should not be among them. The same photographs and settings give the same
    bytes. The defaults are those of the models in the package, which were made when fewer kinds of graphics and no
    surfaces were drawn.
    """
    from fingerprint.models import ARRAYS_NAME, MANIFEST_NAME, save_models
    from fingerprint.train import read_known_pairs, train_models

    existing = next((out / name for name in (ARRAYS_NAME, MANIFEST_NAME) if (out / name).exists()), None)
    if existing is not None and not force:
        raise ConfigError(f"{existing}: already exists; choose another --out, or replace it with --force")
    for name in (ARRAYS_NAME, MANIFEST_NAME):
        refuse_input(out / name, "--out", files=(known_pairs,), pictures=paths)
    out.mkdir(parents=True, exist_ok=True)
    images, unread, ignored = listed_images(paths)
    with chosen_workers(n_workers) as workers, progress(quiet=quiet) as report:
        models, skipped = train_models(
            images,
            replace(DEFAULT_CONFIG, limits=chosen_limits()),
            TrainConfig(**settings),
            known_pairs=None if known_pairs is None else read_known_pairs(known_pairs),
            n_workers=workers,
            progress=report,
        )
    save_models(models, out)
    if as_json:
        ids = {"out": str(out), "model_id": models.model_id, "calibration_id": models.calibration_id}
        print_json({**ids, "facts": dict(models.facts), "skipped": skipped_json((*skipped, *unread))})
    else:
        ids = {"models": str(out), "model_id": models.model_id, "calibration_id": models.calibration_id}
        for name, value in (ids | dict(models.facts)).items():
            click.echo(f"{name:<22} {shown(value)}")
    note_ignored(ignored, quiet=quiet)
    finish((*skipped, *unread))
