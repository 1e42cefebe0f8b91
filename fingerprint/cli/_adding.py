"""Images added to a collection by a command: where they come from, and what became of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fingerprint.cli._output import count, finish, note_ignored, print_json, shown
from fingerprint.cli._progress import Report, progress

if TYPE_CHECKING:
    from fingerprint.pipeline import Collection
    from fingerprint.types import AddReport

_STDIN = Path("-")


def add_images(
    collection: Collection,
    folder: Path,
    images: Sequence[Path],
    root: Path | None,
    *,
    as_json: bool,
    n_workers: int | None,
    quiet: bool,
) -> None:
    """Add images and say what became of them."""
    from fingerprint.folders import unread_folders

    named = [image for image in images if image != _STDIN]
    with progress(quiet=quiet) as report:
        added = collection.add_files(named, root=root, n_workers=n_workers, progress=partial(report, "images"))
        if len(named) < len(images):
            ignored: list[str] = []
            told = partial(_of_unknown_number, report)
            listed = collection.add_images(_listed(root, ignored), n_workers=n_workers, told=told)
            added = _both(added, replace(listed, ignored=tuple(ignored)))
    unread = unread_folders(added.ignored)
    ignored = [name for name in added.ignored if not Path(name).is_dir()]
    if as_json:
        for item in (*added.skipped, *unread):
            print_json({"path": item.path, "skipped": item.reason})
        for name in ignored:
            print_json({"path": name, "ignored": "no image by its name"})
        print_json(
            {
                "collection": str(folder),
                "added": added.added,
                "unchanged": added.unchanged,
                "replaced": added.replaced,
                "skipped": len(added.skipped),
                "ignored": len(ignored),
                "unread_folders": len(unread),
                "references": len(collection),
            }
        )
    else:
        click.echo(
            f"{shown(folder)}: {added.added:,} added, {added.unchanged:,} unchanged, {added.replaced:,} replaced, "
            f"{len(added.skipped) + len(unread):,} skipped; {count(len(collection), 'reference')}"
        )
    note_ignored(ignored, quiet=quiet)
    finish((*added.skipped, *unread))


def _of_unknown_number(report: Report, done: int) -> None:
    report("images of the list", done, 0)


def _listed(root: Path | None, ignored: list[str]) -> Iterator[tuple[str, Path]]:
    """Yield (id, file) of what stdin lists: a file or folder a line, read as it comes."""
    import os

    from fingerprint.folders import identify, identify_images

    for line in sys.stdin.buffer:
        name = os.fsdecode(line.rstrip(b"\r\n"))
        if not name:
            continue
        path = Path(name)
        if path.is_dir():
            images, others = identify_images([path], root)
            ignored += map(str, others)
            yield from images
        else:
            yield identify(path, path.parent, root), path


def _both(first: AddReport, second: AddReport) -> AddReport:
    return replace(
        first,
        added=first.added + second.added,
        unchanged=first.unchanged + second.unchanged,
        replaced=first.replaced + second.replaced,
        skipped=first.skipped + second.skipped,
        ignored=first.ignored + second.ignored,
    )
