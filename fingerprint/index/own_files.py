"""Which files of a collection's folder are its own: nothing else is deleted, and nothing is written through a link.

Others may be able to write to the folder, and people keep their own files in it. A link, or a second name of a file,
would let a change reach files elsewhere. These checks cannot help against one who swaps a file at the very moment of a
change.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from fingerprint.errors import CollectionError
from fingerprint.files.atomic import UNFINISHED

COLLECTION_MANIFEST = "collection.json"
SHARDS_MANIFEST = "shards.json"
SEGMENT_MANIFEST = "manifest.json"
CATALOGUE_NAME = "catalogue.sqlite"
LOCK_NAME = "writer.lock"
SEGMENTS_NAME = "segments"
#: Folder for segments that other processes have written, until they are published.
INCOMING_NAME = "incoming"
#: Folder for segments of which pictures were lost.
DAMAGED_NAME = "damaged"
TREES_NAME = "descriptors.ann"
#: Files that SQLite keeps beside a database while it is open.
SIDE_FILES = ("-wal", "-shm", "-journal")
#: Names of the arrays that a segment may have.
ARRAY_NAMES = (
    *("ids", "id_offsets", "id_order", "descriptors", "codes", "hashes", "sizes", "thumbnails", "thumbnail_offsets"),
    *("colours", "offsets", "signatures", "frames", "local", "posting_words", "posting_starts", "posting_signatures"),
    *("posting_references", "posting_geometry"),
)
_FINISHED = (*(f"{name}.npy" for name in ARRAY_NAMES), TREES_NAME, SEGMENT_MANIFEST)
_SEGMENT_FILES = frozenset({*_FINISHED, *(name + UNFINISHED for name in _FINISHED), f"{TREES_NAME}.new"})
_SEGMENT = re.compile(rf"[0-9]{{6,}}({re.escape(UNFINISHED)})?")
_CATALOGUES = tuple(CATALOGUE_NAME + end for end in ("", *SIDE_FILES))
_REMEDY = "a collection changes only its own files: remove it, or put a copy of what it stands for in its place"


def check_own(folder: Path) -> None:
    """Check that what a change of a collection writes to is its own.

    Raises
    ------
    CollectionError
        If there is a link, or anything else than a file or folder of its own, under one of its names.
    """
    for name in (SEGMENTS_NAME, DAMAGED_NAME, INCOMING_NAME):
        check_folder(folder / name)
    for name in (*_CATALOGUES, LOCK_NAME):
        check_file(folder / name, written=True)
    for name in (COLLECTION_MANIFEST, COLLECTION_MANIFEST + UNFINISHED):
        check_file(folder / name, written=False)
    segments = folder / SEGMENTS_NAME
    for path in list(segments.iterdir()) if segments.exists() else ():
        if is_segment_name(path.name):
            check_folder(path)


def check_file(path: Path, *, written: bool) -> None:
    """Check that there is an ordinary file at a path, or nothing.

    Parameters
    ----------
    path : Path
    written : bool
        Whether the file is changed in place. Then it must have no other name: a change would alter that file too.

    Raises
    ------
    CollectionError
    """
    status = _status(path)
    if status is None:
        return
    if not stat.S_ISREG(status.st_mode):
        raise _foreign(path, status.st_mode)
    if written and status.st_nlink > 1:
        raise CollectionError(f"{path}: the same file has another name elsewhere (a hard link); {_REMEDY}")


def check_folder(path: Path) -> None:
    """Check that there is a folder at a path and no link to one, or nothing.

    Raises
    ------
    CollectionError
    """
    status = _status(path)
    if status is not None and not stat.S_ISDIR(status.st_mode):
        raise _foreign(path, status.st_mode)


def is_collection(folder: Path) -> bool:
    """Return whether there is a collection in a folder, or a sharded one."""
    return any((folder / name).is_file() for name in (COLLECTION_MANIFEST, SHARDS_MANIFEST))


def is_segment_name(name: str) -> bool:
    """Return whether a name is that of a segment's folder, finished or not."""
    return _SEGMENT.fullmatch(name) is not None


def discard(folder: Path) -> bool:
    """Delete a segment's folder that nobody reads, if it exists: only files that have a segment's names.

    Returns
    -------
    bool
        Whether nothing is left; a link, or a folder with other files in it, stays.

    Raises
    ------
    OSError
    """
    status = _status(folder)
    if status is None:
        return True
    if not stat.S_ISDIR(status.st_mode):
        return False
    left = 0
    for path in list(folder.iterdir()):
        if path.name in _SEGMENT_FILES and stat.S_ISREG(path.lstat().st_mode):
            path.unlink()
        else:
            left += 1
    if not left:
        folder.rmdir()
    return not left


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except FileNotFoundError:
        return None


def _foreign(path: Path, mode: int) -> CollectionError:
    what = (
        "a link" if stat.S_ISLNK(mode) else "a folder" if stat.S_ISDIR(mode) else "a file" if stat.S_ISREG(mode) else ""
    )
    return CollectionError(
        f"{path}: {what or 'neither a file nor a folder'} that the collection did not make; {_REMEDY}"
    )
