"""``fingerprint index``: collections of references on disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from fingerprint.cli._adding import add_images
from fingerprint.cli._help import ExampleCommand
from fingerprint.cli._options import (
    EXISTING_FOLDER,
    EXISTING_FOLDER_OR_URL,
    FOLDER,
    IMAGES_OR_STDIN,
    Command,
    Count,
    chosen_limits,
    chosen_models,
    engine_options,
    frames_option,
    json_option,
    limit_options,
    message_options,
    models_option,
    verbose_option,
    workers_option,
)
from fingerprint.cli._output import EXIT_SKIPPED, count, leave, print_json, print_line, shown, shown_name, skipped_json
from fingerprint.cli._progress import progress
from fingerprint.cli._scheduler import chosen_workers, scheduler_options
from fingerprint.cli.shard import shard_command
from fingerprint.cli.vectors import export_command, import_command, imported_json, model_id_option, print_imported
from fingerprint.config import DEFAULT_CONFIG, DESCRIPTOR_INDICES, DescriptorIndex
from fingerprint.locations import Location


@click.group("index")
def index_group() -> None:
    """Make and maintain collections of references.

    A collection is a folder with what a search needs of pictures. It does not keep the pictures themselves.
    """


index_group.add_command(export_command)
index_group.add_command(import_command)
index_group.add_command(shard_command)


def _adding_options(command: Command) -> Command:
    """Add the options of commands that add images."""
    root = click.option(
        "--root",
        metavar="DIR",
        type=EXISTING_FOLDER_OR_URL,
        help="Folder that contains all images; ids are paths within it.  [default: for each image the given folder]",
    )
    as_json_too = json_option("a JSON object for each file that was not added, and one with the counts")
    return root(frames_option(as_json_too(command)))


@index_group.command("create", cls=ExampleCommand, examples=("fingerprint index create photos.fp photos/",))
@click.argument("folder", metavar="COLLECTION", type=FOLDER)
@click.argument("images", metavar="[IMAGES...]", nargs=-1, type=IMAGES_OR_STDIN)
@click.option(
    "--keep-local",
    is_flag=True,
    help="Keep local descriptors, so that references can be queries without their files; more than doubles the size.",
)
@click.option(
    "--descriptor-index",
    type=click.Choice(DESCRIPTOR_INDICES),
    default=DEFAULT_CONFIG.candidates.descriptor_index,
    show_default=True,
    help="How single queries find near descriptors: in large segments by short codes (imported vectors: by Annoy's "
    "trees), by Annoy's trees in all segments, or by comparing all.",
)
@_adding_options
@scheduler_options
@engine_options
def create_command(
    folder: Path,
    images: tuple[Location, ...],
    keep_local: bool,
    descriptor_index: DescriptorIndex,
    root: Location | None,
    n_frames: int,
    as_json: bool,
    models_folder: Path | None,
    n_workers: int | None,
    quiet: bool,
) -> None:
    """Make a collection in a new or empty folder, and add image files and folders of images to it.

    After an interruption, 'fingerprint index add' with the same images adds the missing ones.
    """
    from fingerprint.collection.collection import create_collection

    storage = replace(DEFAULT_CONFIG.storage, keep_local_descriptors=keep_local)
    candidates = replace(DEFAULT_CONFIG.candidates, descriptor_index=descriptor_index)
    config = replace(DEFAULT_CONFIG, storage=storage, candidates=candidates, limits=chosen_limits())
    with (
        chosen_workers(n_workers) as workers,
        create_collection(folder, models=chosen_models(models_folder), config=config) as collection,
    ):
        add_images(
            *(collection, folder, images, root),
            n_frames=n_frames,
            as_json=as_json,
            n_workers=workers,
            quiet=quiet,
        )


@index_group.command(
    "add",
    cls=ExampleCommand,
    examples=(
        "fingerprint index add photos.fp photos/ more/cat.jpg",
        "find photos/ -newer last-run -type f | fingerprint index add photos.fp --root photos/ -",
    ),
)
@click.argument("folder", metavar="COLLECTION", type=EXISTING_FOLDER)
@click.argument("images", metavar="IMAGES...", nargs=-1, required=True, type=IMAGES_OR_STDIN)
@click.option("--replace", "replace_others", is_flag=True, help="Let a file replace another file with the same id.")
@_adding_options
@scheduler_options
@engine_options
def add_command(
    folder: Path,
    images: tuple[Location, ...],
    replace_others: bool,
    root: Location | None,
    n_frames: int,
    as_json: bool,
    models_folder: Path | None,
    n_workers: int | None,
    quiet: bool,
) -> None:
    """Add image files, and all images in folders; with - for IMAGES, those that stdin lists, one a line.

    The id of a file in a folder is its path within that folder; the id of a file that is given itself is its name.
    Unchanged files are not described again; a file that has changed where it is replaces the old one. Another file with
    the same id is skipped: '--root' gives it an id of its own, '--replace' lets it replace the old one. After an
    interruption, the same command adds the missing files. Files and folders may also be URLs, such as s3://bucket/photos.
    """
    from fingerprint.collection.collection import open_collection

    config = replace(DEFAULT_CONFIG, limits=chosen_limits())
    with (
        chosen_workers(n_workers) as workers,
        open_collection(folder, models=chosen_models(models_folder), config=config) as collection,
    ):
        add_images(
            *(collection, folder, images, root),
            replace_others=replace_others,
            n_frames=n_frames,
            as_json=as_json,
            n_workers=workers,
            quiet=quiet,
        )


@index_group.command("compact", cls=ExampleCommand, examples=("fingerprint index compact photos.fp",))
@click.argument("folder", metavar="COLLECTION", type=EXISTING_FOLDER)
@click.option(
    "--segment-size",
    metavar="N",
    type=Count(min=1),
    default=DEFAULT_CONFIG.storage.compact_to,
    show_default=True,
    help="Largest number of references in a segment.",
)
@json_option("one JSON object")
@models_option
@verbose_option
def compact_command(folder: Path, segment_size: int, as_json: bool, models_folder: Path | None) -> None:
    """Merge segments, divide those that are too large and free the space of removed references.

    Searches can continue meanwhile.
    """
    from fingerprint.collection.collection import open_collection

    with open_collection(folder, models=chosen_models(models_folder)) as collection:
        before = collection.info()
        collection.compact(segment_size)
        after = collection.info()
    freed = max(0, before.bytes - after.bytes)  # dividing can take more than is freed
    if as_json:
        print_json(
            {
                "collection": str(folder),
                "references": after.references,
                "segments_before": before.segments,
                "segments": after.segments,
                "bytes": after.bytes,
                "bytes_freed": freed,
            }
        )
    else:
        click.echo(
            f"{shown_name(folder)}: {count(before.segments, 'segment')} before, {after.segments:,} now; "
            f"{count(freed, 'byte')} freed"
        )


@index_group.command("remove", cls=ExampleCommand, examples=("fingerprint index remove photos.fp 2019/cat.jpg",))
@click.argument("folder", metavar="COLLECTION", type=EXISTING_FOLDER)
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@model_id_option("Remove only the vectors of this model.  [default: those of all models]")
@json_option("one JSON object")
@models_option
@verbose_option
def remove_command(
    folder: Path, ids: tuple[str, ...], model_id: str | None, as_json: bool, models_folder: Path | None
) -> None:
    """Remove references by their ids; none at all if one of the ids is not in the collection.

    With a file, its frames that were added by '--frames' are removed, too; 'cat.gif#frame=12' is one of them. An id
    that two shards of a sharded collection have is removed from both, and counts twice.
    """
    from fingerprint.collection.collection import open_collection

    unique = tuple(dict.fromkeys(ids))
    with open_collection(folder, models=chosen_models(models_folder)) as collection:
        gone = collection.remove(unique, model_id)
        if as_json:
            of_model = {} if model_id is None else {"model_id": model_id}
            facts = {"collection": str(folder), "removed": gone, "references": len(collection)}
            print_json({**facts, **of_model})
        else:
            click.echo(f"{shown_name(folder)}: {len(gone):,} removed; {count(len(collection), 'reference')} left")
            for image_id, n in Counter(gone).items():
                if n > 1:
                    click.echo(f"{shown_name(image_id)}: {n} shards had it, and it is removed from all")


@index_group.command(
    "list",
    cls=ExampleCommand,
    examples=("fingerprint index list photos.fp", "fingerprint index list photos.fp --json"),
)
@click.argument("folder", metavar="COLLECTION", type=EXISTING_FOLDER)
@json_option("one JSON object a line, one for each reference")
@models_option
@verbose_option
def list_command(folder: Path, as_json: bool, models_folder: Path | None) -> None:
    """List the ids of a collection's references, one a line, in the order in which they were added.

    Those of a sharded collection are sorted, over all shards.
    """
    from fingerprint.collection.collection import open_collection
    from fingerprint.images.frame_paths import split_frame

    with open_collection(folder, models=chosen_models(models_folder)) as collection:
        for image_id in collection.listed_ids():
            if as_json:
                record = collection.record(image_id)
                path, frame = (None, 0) if record.path is None else split_frame(record.path)
                facts = {"id": image_id, "path": path, "width": record.width, "height": record.height}
                print_json(facts | ({"frame": frame} if frame else {}))
            else:
                print_line(shown_name(image_id))


@index_group.command("info", cls=ExampleCommand, examples=("fingerprint index info photos.fp",))
@click.argument("folder", metavar="COLLECTION", type=EXISTING_FOLDER)
@json_option("one JSON object")
@models_option
@verbose_option
def info_command(folder: Path, as_json: bool, models_folder: Path | None) -> None:
    """Show what a collection holds, and which files could not be added."""
    from fingerprint.collection.collection import open_collection

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
        "keeps_local": info.keep_local_descriptors,
        "descriptor_index": info.descriptor_index,
        "segments_by_codes": info.segments_by_codes,
        "segments_by_annoy": info.segments_by_annoy,
    }
    facts |= {"shards": info.shards} if info.shards else {}
    if as_json:
        print_json({**facts, "imported": imported_json(info), "skipped": skipped_json(info.skipped)})
        return
    for name, value in facts.items():
        if isinstance(value, bool):
            text = "yes" if value else "no"
        else:
            text = f"{value:,}" if isinstance(value, int) else shown_name(value)
        click.echo(f"{name:<20} {text}")
    print_imported(info)
    click.echo(f"{'skipped':<20} {len(info.skipped):,}")
    for item in info.skipped:
        click.echo(f"  {shown_name(item.path)}: {shown(item.reason)}")


@index_group.command("upgrade", cls=ExampleCommand, examples=("fingerprint index upgrade photos.fp",))
@click.argument("folder", metavar="COLLECTION", type=EXISTING_FOLDER)
@json_option("one JSON object")
@verbose_option
def upgrade_command(folder: Path, as_json: bool) -> None:
    """Upgrade a collection that an older version made to the current format, in place and without its images."""
    from fingerprint.index import FORMAT_VERSION, upgrade_store

    before = upgrade_store(folder)
    if as_json:
        print_json({"collection": str(folder), "format_before": before, "format": FORMAT_VERSION})
    elif before == FORMAT_VERSION:
        click.echo(f"{shown_name(folder)}: of format {before} already")
    else:
        click.echo(f"{shown_name(folder)}: format {before} before, {FORMAT_VERSION} now")


@index_group.command(
    "check",
    cls=ExampleCommand,
    examples=("fingerprint index check photos.fp", "fingerprint index check photos.fp --repair"),
)
@click.argument("folder", metavar="COLLECTION", type=EXISTING_FOLDER)
@click.option(
    "--repair",
    is_flag=True,
    help="Restore what can be restored: from the catalogue, from other files, and from unchanged images.",
)
@json_option("one JSON object")
@models_option
@workers_option
@limit_options
@message_options
def check_command(
    folder: Path, repair: bool, as_json: bool, models_folder: Path | None, n_workers: int | None, quiet: bool
) -> None:
    """Compare every file of a collection with its digest; exit with code 1 if anything is wrong.

    With --repair, the code is 1 if something was lost or is still wrong.
    """
    from fingerprint.index import check_store

    if repair:
        _repair(folder, models_folder, as_json=as_json, n_workers=n_workers, quiet=quiet)
        return
    problems = check_store(folder)
    if as_json:
        print_json({"collection": str(folder), "sound": not problems, "problems": problems})
    else:
        _print_problems(folder, problems)
    if problems:
        leave(EXIT_SKIPPED)


def _repair(folder: Path, models_folder: Path | None, *, as_json: bool, n_workers: int | None, quiet: bool) -> None:
    """Repair a collection and print the outcome."""
    from fingerprint.collection.repair import repair_collection

    with progress(quiet=quiet) as report:
        done = repair_collection(
            folder,
            models=chosen_models(models_folder),
            config=replace(DEFAULT_CONFIG, limits=chosen_limits()),
            n_workers=n_workers,
            progress=partial(report, "images described again"),
        )
    if as_json:
        print_json(
            {
                "collection": str(folder),
                "sound": not done.problems,
                "problems": done.problems,
                "restored": done.restored,
                "described": done.described,
                "lost": skipped_json(done.lost),
            }
        )
    else:
        for item in done.restored:
            click.echo(f"restored: {shown_name(item)}")
        if done.described:
            click.echo(f"described again: {count(done.described, 'reference')}")
        for lost in done.lost:
            click.echo(f"lost: {shown_name(lost.path)}: {shown(lost.reason)}")
        _print_problems(folder, done.problems)
    if done.problems or done.lost:
        leave(EXIT_SKIPPED)


def _print_problems(folder: Path, problems: Sequence[str]) -> None:
    for problem in problems:
        click.echo(shown(problem))
    click.echo(f"{shown_name(folder)}: {count(len(problems), 'problem') if problems else 'sound'}")
