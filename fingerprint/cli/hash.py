"""``fingerprint hash``: perceptual hashes of images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from fingerprint.cli._help import ExampleCommand
from fingerprint.cli._ignored import frames_of, listed_images, note_ignored
from fingerprint.cli._options import (
    IMAGES,
    AlgorithmName,
    chosen_limits,
    frames_option,
    message_options,
    reading_options,
    workers_option,
)
from fingerprint.cli._output import finish, print_json, print_line, shown_name
from fingerprint.cli._progress import progress
from fingerprint.locations import Location

if TYPE_CHECKING:
    from fingerprint.hashes import PerceptualHash

_PARCEL = 16  # images that a worker takes at a time, since one takes only a third of a millisecond


@click.command(
    "hash",
    short_help="Print perceptual hashes of images.",
    cls=ExampleCommand,
    examples=(
        "fingerprint hash --algorithm pdq photos/ > photos.tsv",
        "fingerprint hash --algorithm phash --algorithm dhash --format csv cat.jpg",
        "fingerprint hash photos/ cat.jpg",
    ),
)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=IMAGES)
@click.option(
    "--algorithm",
    "algorithms",
    metavar="NAME",
    multiple=True,
    type=AlgorithmName(),
    help="Which hash: pdq, phash, phash-simple, dhash, dhash-vertical, ahash, whash, blockmean or colorhash. Give "
    "it several times for several hashes.  [default: phash, dhash and ahash]",
)
@click.option("--exact", is_flag=True, help="Compute exactly the bits of imagehash, or of PDQ's own tools.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "csv", "json")),
    default="text",
    show_default=True,
    help="How a hash is written; 'fingerprint hash-list' reads all of them.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as '--format json': one JSON object a line.")
@frames_option
@workers_option
@reading_options
@message_options
def hash_command(
    paths: tuple[Location, ...],
    algorithms: tuple[str, ...],
    exact: bool,
    form: str,
    as_json: bool,
    n_frames: int,
    n_workers: int | None,
    quiet: bool,
) -> None:
    """Print perceptual hashes of images, in hexadecimal digits.

    PATH is an image file or a folder of images. With '--algorithm' there is a line for each hash, with its quality from
    0 to 100, which is low for flat, blank and tiny pictures. Without '--algorithm' there is a line for each image, with
    its pHash, dHash and aHash, bit by bit those of imagehash.
    """
    from fingerprint.hashes import perceptual_hashes
    from fingerprint.types import HASH_ALGORITHMS

    form = "json" if as_json else form
    if not algorithms and (exact or form == "csv"):
        raise click.UsageError("'--exact' and '--format csv' need '--algorithm NAME'; give one")
    limits = chosen_limits()
    if algorithms:
        work, write = partial(perceptual_hashes, algorithms=algorithms, exact=exact, limits=limits), _print_records
    else:
        work, write = partial(perceptual_hashes, algorithms=HASH_ALGORITHMS, exact=True, limits=limits), _print_digits
    _print_all(paths, work, write, form, n_frames=n_frames, n_workers=n_workers, quiet=quiet)


def _print_all(
    paths: Sequence[Location],
    work: Callable[[Location], Any],
    write: Callable[[Location, Any, str], None],
    form: str,
    *,
    n_frames: int,
    n_workers: int | None,
    quiet: bool,
) -> None:
    """Hash all images and print the results in their order, as they come."""
    from fingerprint.hashlists import CSV_HEADER
    from fingerprint.types import Skipped
    from fingerprint.workers import map_images

    images, unread, ignored = listed_images(paths)
    images = frames_of(images, n_frames, n_workers)
    skipped: list[Skipped] = []
    if form == "csv":
        print_line(CSV_HEADER)
    with progress(quiet=quiet, streams=True) as report:
        for done, (path, result) in enumerate(
            zip(images, map_images(work, images, n_workers, parcel=_PARCEL), strict=True), start=1
        ):
            if isinstance(result, Skipped):
                skipped.append(result)
                _print_skipped(path, result, form)
            else:
                write(path, result, form)
            report("hashes", done, len(images))
    for item in unread:
        _print_skipped(item.path, item, form)
    note_ignored(ignored, quiet=quiet)
    finish((*skipped, *unread))


def _print_skipped(path: object, item: Any, form: str) -> None:
    if form == "json":
        print_json({"path": str(path), "skipped": item.reason})


def _print_records(path: Location, hashes: Sequence[PerceptualHash], form: str) -> None:
    from fingerprint.hashlists import hash_record_csv, hash_record_json, hash_record_text

    write = {"text": hash_record_text, "csv": hash_record_csv, "json": hash_record_json}[form]
    for found in hashes:
        print_line(write(path, found))


def _print_digits(path: Location, hashes: Sequence[PerceptualHash], form: str) -> None:
    if form == "json":
        print_json({"path": str(path), **{found.algorithm: found.hex for found in hashes}})
    else:
        print_line(f"{shown_name(path)}  {' '.join(found.hex for found in hashes)}")
