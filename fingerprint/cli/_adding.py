"""Adding images to a collection by a command: which files they are, and the printed outcome."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fingerprint.cli._ignored import NO_IMAGE, UNSUPPORTED, divided, note_ignored
from fingerprint.cli._output import count, finish, list_on_stderr, print_json, shown_name
from fingerprint.cli._progress import progress
from fingerprint.errors import ConfigError
from fingerprint.files.listfiles import bounded
from fingerprint.locations import Location, location

if TYPE_CHECKING:
    from fingerprint.collection.collection import Collection
    from fingerprint.types import Skipped
    from fingerprint.workers import Workers

_STDIN = Path("-")
_AGAIN = "in the collection under another id as well"
_PLAIN = "so plain or regular that only the same bytes or pixels are sure to be found as a copy"


def add_images(
    collection: Collection,
    folder: Path,
    images: Sequence[Location],
    root: Location | None,
    *,
    replace_others: bool = False,
    n_frames: int,
    as_json: bool,
    n_workers: Workers,
    quiet: bool,
) -> None:
    """Add images and print the outcome."""
    from fingerprint.images.find import identify_images, unread_folders

    named = [image for image in images if image != _STDIN]
    with progress(quiet=quiet) as report:
        if len(named) == len(images):
            added = collection.add_files(
                named,
                root=root,
                replace=replace_others,
                frames=n_frames,
                n_workers=n_workers,
                progress=partial(report, "images"),
            )
        else:
            listed = _Listed(*identify_images(named, root), root)
            added = collection.add_images(
                _each_with_frames(listed, n_frames),
                replace=replace_others,
                n_workers=n_workers,
                progress=partial(report, "images of the list"),
            )
            added = replace(added, skipped=(*added.skipped, *listed.outside), ignored=listed.ignored())
    unread = unread_folders(added.ignored)
    ignored = [name for name in added.ignored if not location(name).is_dir()]
    no_images, unsupported = divided(ignored)
    if as_json:
        for item in (*added.skipped, *unread):
            print_json({"path": item.path, "skipped": item.reason})
        for name in no_images:
            print_json({"path": name, "ignored": NO_IMAGE})
        for name in unsupported:
            print_json({"path": name, "ignored": UNSUPPORTED})
        for image_id in added.again:
            print_json({"id": image_id, "again": _AGAIN})
        for image_id in added.plain:
            print_json({"id": image_id, "plain": _PLAIN})
        print_json(
            {
                "collection": str(folder),
                "added": added.added,
                "unchanged": added.unchanged,
                "replaced": added.replaced,
                "skipped": len(added.skipped),
                "ignored": len(no_images),
                "unsupported": len(unsupported),
                "plain": len(added.plain),
                "again": len(added.again),
                "unread_folders": len(unread),
                "references": len(collection),
            }
        )
    else:
        click.echo(
            f"{shown_name(folder)}: {added.added:,} added, {added.unchanged:,} unchanged, {added.replaced:,} replaced, "
            f"{len(added.skipped) + len(unread):,} skipped; {count(len(collection), 'reference')}"
        )
        if added.again and not quiet:
            what = f"{count(len(added.again), 'picture')} {_AGAIN}, such as {shown_name(added.again[0])}"
            click.echo(f"fingerprint: note: {what}; ids depend on --root: give the same each time", err=True)
        if added.plain and not quiet:
            list_on_stderr(f"{count(len(added.plain), 'picture')} {_PLAIN}", [shown_name(i) for i in added.plain])
    note_ignored(ignored, quiet=quiet)
    finish((*added.skipped, *unread))


def _each_with_frames(listed: _Listed, n_frames: int) -> Iterator[tuple[str, Location]]:
    """Yield files as they come, and after each its further frames."""
    from fingerprint.cli._options import chosen_limits
    from fingerprint.images.frames import with_frames

    for item in listed:
        yield from with_frames([item], n_frames, chosen_limits(), 1)


class _Listed:
    """Files with their ids: first those of the command line, then those that stdin lists, a file or folder a line.

    Attributes
    ----------
    outside : list of Skipped
        Files and folders in the list on stdin that are not within the root.
    """

    def __init__(
        self, files: Sequence[tuple[str, Location]], others: Sequence[Location], root: Location | None
    ) -> None:
        self._files = dict.fromkeys(files)  # a file that is named twice is one file
        self._others = dict.fromkeys(others)
        self._root = root
        self.outside: list[Skipped] = []

    def __iter__(self) -> Iterator[tuple[str, Location]]:
        """Yield (id, file); a line of stdin is read only when it is needed."""
        yield from tuple(self._files)
        for line in bounded(sys.stdin.buffer):
            name = os.fsdecode(line.rstrip(b"\r\n"))
            for item in self._found(name) if name else ():
                if item not in self._files:
                    self._files[item] = None
                    yield item

    def _found(self, name: str) -> list[tuple[str, Location]]:
        from fingerprint.images.find import identify, identify_images
        from fingerprint.types import Skipped

        path = location(name)
        try:
            if isinstance(path, Path) and not os.path.isdir(name):  # noqa: PTH112 - Path.is_dir() raises for long names
                return [(identify(path, path.parent, self._root), path)]
            images, others = identify_images([path], self._root)
        except ConfigError as error:
            self.outside.append(Skipped(str(path), str(error).removeprefix(f"{path}: ")))
            return []
        self._others |= dict.fromkeys(others)
        return images

    def ignored(self) -> tuple[str, ...]:
        """Return the files in the folders whose names are not those of images."""
        images = {path for _, path in self._files}
        return tuple(str(path) for path in self._others if path not in images)
