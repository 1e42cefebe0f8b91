"""``fingerprint index shard``: several collections that are searched as one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from fingerprint.cli._help import ExampleCommand
from fingerprint.cli._options import FOLDER, Count, chosen_models, json_option, models_option, verbose_option
from fingerprint.cli._output import count, print_json, shown_name
from fingerprint.config import DEFAULT_CONFIG, DESCRIPTOR_INDICES, DescriptorIndex


@click.command(
    "shard",
    cls=ExampleCommand,
    examples=(
        "fingerprint index shard archive.fps --new 4",
        "fingerprint index shard archive.fps /disk1/a.fp /disk2/b.fp",
    ),
)
@click.argument("folder", metavar="SHARDED", type=FOLDER)
@click.argument("shards", metavar="[SHARDS...]", nargs=-1, type=FOLDER)
@click.option("--new", "n_new", metavar="N", type=Count(min=1), help="Make N new shards within the folder.")
@click.option(
    "--keep-local",
    is_flag=True,
    help="Of new shards: keep local descriptors, so that references can be queries without their files.",
)
@click.option(
    "--descriptor-index",
    type=click.Choice(DESCRIPTOR_INDICES),
    default=DEFAULT_CONFIG.candidates.descriptor_index,
    show_default=True,
    help="Of new shards: how single queries find near descriptors; see 'fingerprint index create'.",
)
@json_option("one JSON object")
@models_option
@verbose_option
def shard_command(
    folder: Path,
    shards: tuple[Path, ...],
    n_new: int | None,
    keep_local: bool,
    descriptor_index: DescriptorIndex,
    as_json: bool,
    models_folder: Path | None,
) -> None:
    """Make one collection of several, for what no single folder should hold; or give it more shards.

    A shard is a collection in a folder of its own, perhaps on another disk; one that is not there is made. All commands
    take SHARDED where they take a COLLECTION, and answer as one collection would. A new picture is added to the shard
    that the hash of its id names; one that a shard has stays there. Each shard has its own lock, and can be used by
    itself.
    """
    from fingerprint.index import make_sharded, shard_folders

    if not shards and n_new is None:
        raise click.UsageError("name shards, or say how many new ones to make: '--new N'")
    known = shard_folders(folder)
    inner = [folder / f"shard-{number:03d}" for number in range(len(known), len(known) + (n_new or 0))]
    storage = replace(DEFAULT_CONFIG.storage, keep_local_descriptors=keep_local)
    candidates = replace(DEFAULT_CONFIG.candidates, descriptor_index=descriptor_index)
    config = replace(DEFAULT_CONFIG, storage=storage, candidates=candidates)
    made = make_sharded(folder, [*shards, *inner], chosen_models(models_folder), config)
    try:
        info = made.reader.info()
    finally:
        made.close()
    if as_json:
        places = [str(place) for place in shard_folders(folder)]
        print_json({"collection": str(folder), "shards": places, "references": info.references})
    else:
        click.echo(f"{shown_name(folder)}: {count(info.shards, 'shard')}, {count(info.references, 'reference')}")
