"""Files in folders that are not read by their names; images of other formats among them are counted apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fingerprint.cli._output import shown_name
from fingerprint.errors import ConfigError
from fingerprint.locations import Location

if TYPE_CHECKING:
    from fingerprint.types import Skipped
    from fingerprint.workers import Workers

#: Endings, in lower case, of images in formats that are not read.
_OTHER_IMAGES = frozenset(
    {".jp2", ".j2k", ".jpx", ".jxr", ".ico", ".tga", ".psd", ".svg", ".exr", ".hdr", ".dds", ".pcx", ".xcf", ".eps"}
)
NO_IMAGE = "no image by its name"
UNSUPPORTED = "an image of a format that is not read; convert it to JPEG or PNG"


def divided(ignored: Iterable[object]) -> tuple[list[str], list[str]]:
    """Return the names of other files, and those of images in formats that are not read."""
    names = [str(name) for name in ignored]
    images = [name for name in names if Path(name).suffix.lower() in _OTHER_IMAGES]
    return [name for name in names if Path(name).suffix.lower() not in _OTHER_IMAGES], images


def unsupported_text(images: Sequence[str]) -> str:
    """Return in words how many images are of formats that are not read."""
    formats = "1 image is of a format" if len(images) == 1 else f"{len(images):,} images are of formats"
    return f"{formats} not read, such as {shown_name(images[0])}; convert to JPEG or PNG"


def listed_images(paths: Sequence[Location]) -> tuple[list[Location], tuple[Skipped, ...], list[Location]]:
    """Return the images among files and in folders, the folders that were not read, and the other files.

    Raises
    ------
    ConfigError
        If there is no image.
    """
    from fingerprint.images.find import find_images, unread_folders

    images, ignored = find_images(paths)
    files = [path for path in ignored if not path.is_dir()]
    if not images:
        _, unsupported = divided(files)
        advice = unsupported_text(unsupported) if unsupported else "give image files or folders of images"
        raise ConfigError(f"{', '.join(map(str, paths))}: no images found; {advice}")
    return images, unread_folders(ignored), files


def listed_files(paths: Sequence[Path]) -> tuple[list[Path], tuple[Skipped, ...], list[Location]]:
    """Return the same of paths of this machine."""
    images, unread, files = listed_images(paths)
    return [path for path in images if isinstance(path, Path)], unread, files


def frames_of(images: Sequence[Location], n_frames: int, n_workers: Workers) -> list[Location]:
    """Return the images, and after each its further frames, up to so many in all for an image."""
    from fingerprint.cli._options import chosen_limits
    from fingerprint.images.frames import with_frames

    named = [(str(path), path) for path in images]
    return [path for _, path in with_frames(named, n_frames, chosen_limits(), n_workers)]


def note_ignored(ignored: Sequence[object], *, quiet: bool) -> None:
    """Print on stderr how many files were ignored, because of what they are by their names."""
    if quiet:
        return
    others, images = divided(ignored)
    if images:
        click.echo(f"fingerprint: note: {unsupported_text(images)}", err=True)
    if others:
        files = "1 file is no image by its name" if len(others) == 1 else f"{len(others)} files are no images by name"
        click.echo(f"fingerprint: note: {files}, such as {shown_name(others[0])}; ignored", err=True)
