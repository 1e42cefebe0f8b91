"""``fingerprint index``: collections of references on disk."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fingerprint.cli._help import ExampleCommand
from fingerprint.cli._options import (
    EXISTING,
    EXISTING_FOLDER,
    FOLDER,
    chosen_models,
    engine_options,
    json_option,
    models_option,
    verbose_option,
)
from fingerprint.cli._output import EXIT_SKIPPED, count, finish, leave, note_ignored, print_json, shown, skipped_json
from fingerprint.cli._progress import progress

if TYPE_CHECKING:
    from fingerprint.pipeline import Collection


@click.group("index")
def index_group() -> None:
    """Make collections of references, and look after them.

    A collection is a folder that keeps what is needed to find pictures again, not the pictures themselves.
    """


@index_group.command("create", cls=ExampleCommand, examples=("fingerprint index create photos.fp photos/",))
@click.argument("folder", metavar="COLLECTION", type=FOLDER)
@click.argument("images", metavar="[IMAGES...]", nargs=-1, type=EXISTING)
@json_option("one JSON object")
@engine_options
def create_command(
    folder: Path,
    images: tuple[Path, ...],
    as_json: bool,
    models_folder: Path | None,
    n_workers: int | None,
    quiet: bool,
) -> None:
    """Make a collection in a new or empty folder, and add image files and folders of images to it."""
    from fingerprint.pipeline import create_collection

    with create_collection(folder, models=chosen_models(models_folder)) as collection:
        _add(collection, folder, images, as_json=as_json, n_workers=n_workers, quiet=quiet)


@index_group.command("add", cls=ExampleCommand, examples=("fingerprint index add photos.fp photos/ more/cat.jpg",))
@click.argument("folder", metavar="COLLECTION", type=EXISTING_FOLDER)
@click.argument("images", metavar="IMAGES...", nargs=-1, required=True, type=EXISTING)
@json_option("one JSON object")
@engine_options
def add_command(
    folder: Path,
    images: tuple[Path, ...],
    as_json: bool,
    models_folder: Path | None,
    n_workers: int | None,
    quiet: bool,
) -> None:
    """Add image files, and folders with all images in them.

    The id of a file in a folder is its path within that folder, that of a file named by itself its name. What is there
    with the same bytes costs nothing; a file that has changed takes the place of the old one. After an interruption,
    the same command goes on with what is missing.
    """
    from fingerprint.pipeline import open_collection

    with open_collection(folder, models=chosen_models(models_folder)) as collection:
        _add(collection, folder, images, as_json=as_json, n_workers=n_workers, quiet=quiet)


@index_group.command("remove", cls=ExampleCommand, examples=("fingerprint index remove photos.fp 2019/cat.jpg",))
@click.argument("folder", metavar="COLLECTION", type=EXISTING_FOLDER)
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@json_option("one JSON object")
@models_option
@verbose_option
def remove_command(folder: Path, ids: tuple[str, ...], as_json: bool, models_folder: Path | None) -> None:
    """Take references out by their ids; none at all if one of the ids is not there."""
    from fingerprint.pipeline import open_collection

    unique = tuple(dict.fromkeys(ids))
    with open_collection(folder, models=chosen_models(models_folder)) as collection:
        collection.remove(unique)
        if as_json:
            print_json({"collection": str(folder), "removed": list(unique), "references": len(collection)})
        else:
            click.echo(f"{shown(folder)}: {len(unique):,} removed; {count(len(collection), 'reference')} left")


@index_group.command("info", cls=ExampleCommand, examples=("fingerprint index info photos.fp",))
@click.argument("folder", metavar="COLLECTION", type=EXISTING_FOLDER)
@json_option("one JSON object")
@models_option
@verbose_option
def info_command(folder: Path, as_json: bool, models_folder: Path | None) -> None:
    """Tell what a collection holds, and which files could not be added."""
    from fingerprint.pipeline import open_collection

    with open_collection(folder, models=chosen_models(models_folder)) as collection:
        info = collection.info()
    facts = {
        "collection": info.path,
        "model_id": info.model_id,
        "references": info.references,
        "removed": info.removed,
        "segments": info.segments,
        "keypoints": info.keypoints,
        "bytes": info.bytes,
    }
    if as_json:
        print_json({**facts, "skipped": skipped_json(info.skipped)})
        return
    for name, value in facts.items():
        click.echo(f"{name:<12} {value:,}" if isinstance(value, int) else f"{name:<12} {shown(value)}")
    click.echo(f"{'skipped':<12} {len(info.skipped):,}")
    for item in info.skipped:
        click.echo(f"  {shown(item.path)}: {shown(item.reason)}")


@index_group.command("check", cls=ExampleCommand, examples=("fingerprint index check photos.fp",))
@click.argument("folder", metavar="COLLECTION", type=EXISTING_FOLDER)
@json_option("one JSON object")
@verbose_option
def check_command(folder: Path, as_json: bool) -> None:
    """Compare every file of a collection with its digest; exit with code 1 if anything is wrong."""
    from fingerprint.index import check_store

    problems = check_store(folder)
    if as_json:
        print_json({"collection": str(folder), "sound": not problems, "problems": problems})
    else:
        for problem in problems:
            click.echo(shown(problem))
        click.echo(f"{shown(folder)}: {count(len(problems), 'problem') if problems else 'sound'}")
    if problems:
        leave(EXIT_SKIPPED)


def _add(
    collection: Collection,
    folder: Path,
    images: tuple[Path, ...],
    *,
    as_json: bool,
    n_workers: int | None,
    quiet: bool,
) -> None:
    """Add images and say what became of them."""
    from fingerprint.folders import unread_folders

    with progress(quiet=quiet) as report:
        added = collection.add_files(images, n_workers=n_workers, progress=partial(report, "images"))
    skipped = added.skipped + unread_folders(added.ignored)
    ignored = [name for name in added.ignored if not Path(name).is_dir()]
    if as_json:
        print_json(
            {
                "collection": str(folder),
                "added": added.added,
                "unchanged": added.unchanged,
                "replaced": added.replaced,
                "references": len(collection),
                "skipped": skipped_json(skipped),
                "ignored": ignored,
            }
        )
    else:
        click.echo(
            f"{shown(folder)}: {added.added:,} added, {added.unchanged:,} unchanged, {added.replaced:,} replaced, "
            f"{len(skipped):,} skipped; {count(len(collection), 'reference')}"
        )
    note_ignored(ignored, quiet=quiet)
    finish(skipped)
