"""No file that a command writes may be one that it reads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from fingerprint.cli._output import shown_name
from fingerprint.locations import Location, Url


def refuse_input(
    out: Path,
    option: str,
    *,
    files: Iterable[Location | None] = (),
    pictures: Iterable[Location] = (),
    folders: Iterable[Path | None] = (),
) -> None:
    """Raise a usage error if a file to write is an input, by any name; call it before the work.

    Parameters
    ----------
    out : Path
        The file to write.
    option : str
        What names it on the command line.
    files : iterable of Path or None
        Files that are read.
    pictures : iterable of Path or Url
        Images and folders of images: of a folder, the images count. A collection counts as one of `folders`. Nothing is
        looked for by a URL that is not of this machine.
    folders : iterable of Path or None
        Folders of which any file may be read: collections and models.

    Raises
    ------
    click.UsageError
    """
    try:
        written = out.stat()
    except OSError:
        return  # there is no such file yet
    for path in _read(files, pictures, folders):
        try:
            same = os.path.samestat(path.stat(), written)
        except OSError:
            continue
        if same:
            name = shown_name(path)
            raise click.UsageError(
                f"{option}: {shown_name(out)} is read by this command, as {name}: write another file"
            )


def _read(
    files: Iterable[Location | None], pictures: Iterable[Location], folders: Iterable[Path | None]
) -> Iterator[Path]:
    from fingerprint.images.find import find_images
    from fingerprint.index.own_files import is_collection

    yield from _local(path for path in files if path is not None)
    for path in _local(pictures):
        yield from _all_files(path) if is_collection(path) else _local(find_images([path])[0])
    for folder in folders:
        yield from _all_files(folder) if folder is not None else ()


def _local(given: Iterable[Location]) -> Iterator[Path]:
    for path in given:
        local = path.local if isinstance(path, Url) else path
        if local is not None:
            yield local


def _all_files(folder: Path) -> Iterator[Path]:
    return (Path(parent) / name for parent, _, names in os.walk(folder) for name in names)
