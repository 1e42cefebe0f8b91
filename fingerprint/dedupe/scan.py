"""Which files there are, which of them are the same file or have the same bytes, and which cannot be read."""

from __future__ import annotations

import os
import stat
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from fingerprint.config import ReadLimits
from fingerprint.dedupe.values import PictureFile
from fingerprint.errors import ImageError
from fingerprint.images.files import load_regular
from fingerprint.images.identity import load_identified
from fingerprint.types import Progress, Skipped, is_unicode
from fingerprint.workers import Workers, map_images


@dataclass(frozen=True, slots=True)
class SameBytes:
    """Files that have the same bytes, in their order, and further paths that lead to one of them."""

    files: tuple[PictureFile, ...]
    others: tuple[tuple[PictureFile, PictureFile], ...]


def scan_files(
    images: Sequence[Path],
    references: Sequence[Path],
    limits: ReadLimits,
    n_workers: Workers = None,
    progress: Progress | None = None,
    *,
    read_all: bool = False,
) -> tuple[list[SameBytes], list[Skipped]]:
    """Look at files, and put those together that have the same bytes.

    Only files that have their size in common with another are read for that, unless all are to be.

    Parameters
    ----------
    images : sequence of Path
    references : sequence of Path
        Files that are only compared with. One that is also in `images` is one of these.
    limits : ReadLimits
    n_workers : int or Cluster, optional
    progress : callable, optional
        Called as ``progress(done, total)``, in files that are read.
    read_all : bool
        Whether the digest of all files is wanted.

    Returns
    -------
    same : list of SameBytes
        In the order of their first files.
    skipped : list of Skipped
        Files that are not there or cannot be read, with the reason.
    """
    files, skipped = _look_at(images, references, limits)
    first, others = _by_file(files)
    read, unread = _read(first, limits, n_workers, progress, read_all=read_all)
    skipped += unread
    by_content: dict[object, list[PictureFile]] = defaultdict(list)
    for file in read:
        by_content[file.content or file.order].append(file)
    same = []
    for members in by_content.values():
        known = {(file.device, file.inode): file for file in members}
        further = [(other, known[key]) for key in known for other in others.get(key, ())]
        same.append(SameBytes(tuple(members), tuple(sorted(further, key=lambda pair: pair[0].order))))
    return same, skipped


def _look_at(
    images: Iterable[Path], references: Iterable[Path], limits: ReadLimits
) -> tuple[list[PictureFile], list[Skipped]]:
    """Return the state of each file; one that is reached by two spellings of a path is taken once."""
    files: list[PictureFile] = []
    skipped: list[Skipped] = []
    known: set[str] = set()
    kept = {os.path.abspath(path) for path in references}  # noqa: PTH100 - does not follow links
    for path in (*images, *references):
        name = os.path.abspath(path)  # noqa: PTH100
        if name in known:
            continue
        known.add(name)
        try:
            state = path.stat()
            if not stat.S_ISREG(state.st_mode):
                load_regular(path, limits)  # raises, and says what it is
        except (OSError, ValueError) as error:
            skipped.append(_unread(path, limits, error))
            continue
        files.append(
            PictureFile(
                path=path,
                order=len(files),
                is_reference=name in kept,
                is_link=path.is_symlink(),
                device=state.st_dev,
                inode=state.st_ino,
                n_links=state.st_nlink,
                n_bytes=state.st_size,
                mtime_ns=state.st_mtime_ns,
            )
        )
    return files, skipped


def _unread(path: Path, limits: ReadLimits, error: Exception) -> Skipped:
    """Return why a file cannot be read, in the words of all commands."""
    try:
        load_regular(path, limits)
    except ImageError as said:
        return Skipped(str(path), said.reason)
    return Skipped(str(path), str(error))


def _by_file(
    files: Sequence[PictureFile],
) -> tuple[list[PictureFile], dict[tuple[int, int], list[PictureFile]]]:
    """Return each file by one path, and its other paths.

    The path is one of a reference if there is any, and no link if there is a path that is none; and then one that can
    be an id, if there is such a one.
    """
    paths: dict[tuple[int, int], list[PictureFile]] = defaultdict(list)
    for file in files:
        paths[file.device, file.inode].append(file)
    first, others = [], {}
    for key, same in paths.items():
        best = min(same, key=lambda f: (not f.is_reference, f.is_link, not is_unicode(f.id), f.order))
        first.append(best)
        others[key] = [file for file in same if file is not best]
    return sorted(first, key=lambda file: file.order), others


def _read(
    files: Sequence[PictureFile],
    limits: ReadLimits,
    n_workers: Workers,
    progress: Progress | None,
    *,
    read_all: bool,
) -> tuple[list[PictureFile], list[Skipped]]:
    """Return the files with the digest of their bytes: all of them, or those whose size another one has."""
    sizes = Counter(file.n_bytes for file in files)
    wanted = [file for file in files if read_all or sizes[file.n_bytes] > 1]
    digests: dict[int, str] = {}
    skipped: dict[int, Skipped] = {}
    results = map_images(partial(_digest, limits=limits), [file.path for file in wanted], n_workers)
    for done, (file, result) in enumerate(zip(wanted, results, strict=True), start=1):
        if isinstance(result, Skipped):
            skipped[file.order] = result
        else:
            digests[file.order] = result
        if progress is not None:
            progress(done, len(wanted))
    read = [replace(file, content=digests.get(file.order, "")) for file in files if file.order not in skipped]
    return read, list(skipped.values())


def _digest(path: Path, limits: ReadLimits) -> str:
    return load_identified(path, limits)[1]
