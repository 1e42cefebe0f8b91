"""Finding the images among files and in folders, and their ids."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from fingerprint.errors import ConfigError
from fingerprint.images.remote import walk_remote
from fingerprint.locations import Location, Url, local_name, location
from fingerprint.types import Skipped

#: Endings, in lower case, of camera RAW files.
RAW_SUFFIXES = frozenset(
    {".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".kdc", ".mef", ".mos", ".mrw"}
    | {".nef", ".nrw", ".orf", ".pef", ".raf", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"}
)
#: Endings, in lower case, of the files in a folder that count as images.
IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".avif"}
    | {".pbm", ".pgm", ".ppm", ".pnm", ".heic", ".heics", ".heif", ".heifs", ".hif", ".jxl"}
    | RAW_SUFFIXES
)


def find_images(paths: Iterable[str | os.PathLike[str]]) -> tuple[list[Location], list[Location]]:
    """List the images among files and in folders.

    A name in `paths` that is no folder counts as an image with any ending, also if there is no such file: reading it
    then says so, and a batch goes on. A folder is walked recursively, in the order of names, and its files count as
    images by their endings. Hidden files and folders in it (their names begin with a dot) are skipped;
    links to other folders are not followed.

    A URL of a folder is listed by the same rules. One with the ending of an image is that of a file, unless it ends
    with ``/``; so is any of a server (``http``, ``https``).

    Parameters
    ----------
    paths : iterable of str or path
        Files and folders, by path or URL.

    Returns
    -------
    images : list of Path or Url
        In the order of `paths`, each once.
    ignored : list of Path or Url
        Everything else in the folders: files with other endings, links to folders, folders that cannot be read.
    """
    images: dict[Location, None] = {}
    ignored: dict[Location, None] = {}

    def unread(folder: Location) -> None:
        ignored[folder] = None

    for path in map(location, paths):
        walk = _walk(path, unread)
        if walk is None:
            images[path] = None
            continue
        for parent, inner, names in walk:
            inner[:] = sorted(name for name in inner if not name.startswith("."))
            ignored.update((parent / name, None) for name in inner if (parent / name).is_symlink())
            for name in sorted(name for name in names if not name.startswith(".")):
                known = Path(name).suffix.lower() in IMAGE_SUFFIXES
                (images if known else ignored)[parent / name] = None
    return list(images), [path for path in ignored if path not in images]


def _walk(path: Location, unread: Callable[[Location], None]) -> Iterator[tuple[Location, list[str], list[str]]] | None:
    """Return folder, names of folders and names of files in it, of all folders as `os.walk` has them; None for a file.

    `unread` is called with folders that cannot be read.
    """
    if isinstance(path, Url) and path.local is None:
        return None if path.suffix.lower() in IMAGE_SUFFIXES else walk_remote(path, unread)
    local = local_name(path)
    if not os.path.isdir(local):  # noqa: PTH112 - Path.is_dir() raises where a name is too long
        return None

    def named(folder: str) -> Location:  # as it was given: by path or by URL
        return location(f"{path}{folder.removeprefix(os.fspath(local))}") if isinstance(path, Url) else Path(folder)

    walk = os.walk(local, onerror=lambda error: unread(named(error.filename)))
    return ((named(folder), inner, names) for folder, inner, names in walk)


def identify_images(
    paths: Iterable[str | os.PathLike[str]], root: str | os.PathLike[str] | None = None
) -> tuple[list[tuple[str, Location]], list[Location]]:
    """Return (id, file) of each image among files and in folders, and the paths that do not count as images.

    The id of a file in a folder is its path within that folder; the id of a file in `paths` is its name. With `root`,
    which must contain all files, ids are paths within it. A folder has the same ids by a URL as by a path.

    Raises
    ------
    ConfigError
        A file is not within `root`.
    """
    named: list[tuple[str, Location]] = []
    ignored: list[Location] = []
    for path in map(location, paths):
        found, others = find_images([path])
        folder = path.parent if found == [path] else path
        named += [(identify(image, folder, root), image) for image in found]
        ignored += others
    images = {image for _, image in named}
    others = [path for path in dict.fromkeys(ignored) if path not in images]
    return list(dict.fromkeys(named)), others  # a file that is named twice is one file


def identify(image: Location, folder: Location, root: str | os.PathLike[str] | None) -> str:
    """Return the id of an image: its path within a folder, or within `root` if that is given.

    Raises
    ------
    ConfigError
        The image is not within `root`.
    """
    if root is None:
        return image.relative_to(folder).as_posix()
    try:
        return _absolute(image).relative_to(_absolute(root)).as_posix()
    except ValueError as error:
        raise ConfigError(f"{image}: not in the folder {location(root)} that ids are relative to") from error


def _absolute(path: str | os.PathLike[str]) -> Location:
    """Return a URL, or an absolute path without following links: an id is made of names, not of where a link leads."""
    found = location(path).absolute()
    return found if isinstance(found, Url) else Path(os.path.normpath(found))


def unread_folders(ignored: Iterable[str | os.PathLike[str]]) -> tuple[Skipped, ...]:
    """Return the folders that `find_images` did not enter, so images in them were not found.

    Parameters
    ----------
    ignored : iterable of path
        The second value of `find_images`.

    Returns
    -------
    tuple of Skipped
        Each folder with the reason; ignored files are left out.
    """
    folders = [path for path in map(location, ignored) if path.is_dir()]
    reasons = ("a folder that cannot be read", "a link to another folder, not followed: name that folder itself")
    return tuple(Skipped(str(path), reasons[path.is_symlink()]) for path in folders)
