"""``fingerprint hash``: perceptual hashes of images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fingerprint.cli._help import ExampleCommand
from fingerprint.cli._options import EXISTING, json_option, message_options, workers_option
from fingerprint.cli._output import finish, listed_images, note_ignored, print_json, shown
from fingerprint.cli._progress import progress

if TYPE_CHECKING:
    from fingerprint.types import U64


@click.command(
    "hash",
    short_help="Print perceptual hashes of images.",
    cls=ExampleCommand,
    examples=("fingerprint hash photos/ cat.jpg",),
)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=EXISTING)
@json_option("one JSON object a line")
@workers_option
@message_options
def hash_command(paths: tuple[Path, ...], as_json: bool, n_workers: int | None, quiet: bool) -> None:
    """Print the perceptual hashes of images: pHash, dHash and aHash, 64 bits each in hex.

    PATH is an image file or a folder of images. The hashes are those that a collection keeps, and those of the Python
    package imagehash for the same pixels.
    """
    from fingerprint.config import HASH_ALGORITHMS
    from fingerprint.hashes import hash_to_hex
    from fingerprint.types import Skipped
    from fingerprint.workers import map_images

    images, unread, ignored = listed_images(paths)
    skipped: list[Skipped] = []
    with progress(quiet=quiet, streams=True) as report:
        for done, (path, result) in enumerate(
            zip(images, map_images(_hashes_of_file, images, n_workers), strict=True), start=1
        ):
            if isinstance(result, Skipped):
                skipped.append(result)
                if as_json:
                    print_json({"path": str(path), "skipped": result.reason})
            else:
                digits = [hash_to_hex(value) for value in result]
                if as_json:
                    print_json({"path": str(path), **dict(zip(HASH_ALGORITHMS, digits, strict=True))})
                else:
                    click.echo(f"{shown(path)}  {' '.join(digits)}")
            report("hashes", done, len(images))
    for item in unread:
        if as_json:
            print_json({"path": item.path, "skipped": item.reason})
    note_ignored(ignored, quiet=quiet)
    finish((*skipped, *unread))


def _hashes_of_file(path: Path) -> U64:
    from fingerprint.config import DEFAULT_CONFIG
    from fingerprint.hashes import compute_hashes
    from fingerprint.image import read_grey

    return compute_hashes(read_grey(path, at_least=DEFAULT_CONFIG.decode_side).pixels)
