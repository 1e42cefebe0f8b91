"""From queries and references to the contents of the challenge's files, for both tracks.

Each set is a folder of images or a collection. The challenge's id of a picture is the name of its file, or its id in
the collection, without folder and extension. Every query is treated by itself.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from fingerprint.challenge import MAX_ROWS, DescriptorSet, Matches
from fingerprint.challenge.files import id_fault
from fingerprint.collection.collection import Collection, create_collection, open_collection
from fingerprint.config import DEFAULT_CONFIG, Config
from fingerprint.errors import ChallengeFileError, ConfigError, ImageError
from fingerprint.features.describe import compact_descriptor
from fingerprint.images.files import load_regular
from fingerprint.images.find import IMAGE_SUFFIXES, find_images, unread_folders
from fingerprint.index.own_files import is_collection
from fingerprint.locations import Location, local_name, location
from fingerprint.models import Models, load_models
from fingerprint.results import Match
from fingerprint.types import F32, Progress, Skipped, StageProgress, is_unicode
from fingerprint.workers import Workers, map_images, temporary_folder

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Folder:
    """The images in a folder.

    Attributes
    ----------
    path : Path or Url
    images : tuple of Path or Url
        At least one.
    ids : tuple of str
        Their ids in the challenge.
    skipped : tuple of Skipped
        Folders inside it that were not read.
    """

    path: Location
    images: tuple[Location, ...]
    ids: tuple[str, ...]
    skipped: tuple[Skipped, ...]


def match_track(
    queries: str | os.PathLike[str],
    references: str | os.PathLike[str],
    *,
    models: Models | None = None,
    config: Config = DEFAULT_CONFIG,
    collection: str | os.PathLike[str] | None = None,
    n_workers: Workers = None,
    progress: StageProgress | None = None,
    found: Callable[[str, Sequence[Match]], None] | None = None,
) -> tuple[Matches, tuple[Skipped, ...]]:
    """Find the sources of all queries, each by itself, for the Matching Track.

    Parameters
    ----------
    queries, references : path
        A folder of images, or a collection. Give queries as files if possible: a collection has described its pictures
        in less detail than a search describes files.
    models : Models, optional
        Those that ship with the package by default.
    config : Config, optional
        A query gets at most ``config.results`` rows.
    collection : path, optional
        Folder in which to keep the collection that is made from a folder of references. An existing one is brought up
        to date and used again. Default: a temporary folder.
    n_workers : int or Cluster, optional
        Threads, one for each core by default, or a cluster. The result does not depend on it.
    progress : callable, optional
        Called as ``progress(stage, done, total)``; the stages are ``"references"`` and ``"queries"``.
    found : callable, optional
        Called as ``found(query_id, matches)`` for each query with those of its matches that become rows.

    Returns
    -------
    matches : Matches
        In the order of the queries, and highest score first for each query; the score is the log-odds of a copy. At
        most `MAX_ROWS` rows, those with the highest scores.
    skipped : tuple of Skipped
        Pictures that could not be read. They are in no row.

    Raises
    ------
    ChallengeFileError
        If two pictures of a set have the same id, or an id is not allowed in the challenge's file.
    ConfigError
        If a folder has no image, or `collection` holds other references.
    CollectionError
        If a collection cannot be used.
    """
    models = models or load_models()
    progress = progress or _silent
    with ExitStack() as stack:
        query_set = _open(queries, models, config, stack)
        reference_set = _open(references, models, config, stack)
        query_ids = _ids_by_collection_id(query_set, queries) if isinstance(query_set, Collection) else {}
        skipped: list[Skipped] = []
        unread: set[str] = set()
        if isinstance(reference_set, _Folder):
            source, bad = _collect(reference_set, collection, models, config, n_workers, progress, stack)
            skipped += bad
            paths = {item.path for item in bad}
            unread = {_id_in(reference_set, image) for image in reference_set.images if str(image) in paths}
        elif collection is not None:
            raise ConfigError(
                f"{references}: already a collection; {collection} is for references in a folder of images, omit it"
            )
        else:
            source = reference_set
        reference_ids = _ids_by_collection_id(source, references)
        rows: list[tuple[str, str, float]] = []
        for query_id, answer in _search(query_set, query_ids, source, n_workers, progress):
            if isinstance(answer, Skipped):
                skipped.append(answer)
                continue
            kept = [match for match in answer if match.reference_id not in unread]
            rows += [(query_id, reference_ids[match.reference_id], match.score) for match in kept]
            if found is not None:
                found(query_id, kept)
        if isinstance(query_set, _Folder):
            skipped += query_set.skipped
    return _as_matches(rows), tuple(skipped)


def describe_track(
    queries: str | os.PathLike[str],
    references: str | os.PathLike[str],
    *,
    models: Models | None = None,
    config: Config = DEFAULT_CONFIG,
    n_workers: Workers = None,
    progress: StageProgress | None = None,
) -> tuple[DescriptorSet, tuple[Skipped, ...]]:
    """Describe all queries and references, each by itself, for the Descriptor Track.

    Only the descriptors are held in memory, and nothing is written to disk.

    Parameters
    ----------
    queries, references : path
        A folder of images, or a collection, whose stored descriptors are taken.
    models : Models, optional
        Those that ship with the package by default.
    config : Config, optional
    n_workers : int or Cluster, optional
        Threads, one for each core by default, or a cluster. The result does not depend on it.
    progress : callable, optional
        Called as ``progress(stage, done, total)``; the stages are ``"references"`` and ``"queries"``.

    Returns
    -------
    descriptors : DescriptorSet
        In the order of the file names, or of the collection.
    skipped : tuple of Skipped
        Pictures that could not be read; they have no row.

    Raises
    ------
    ChallengeFileError
        If two pictures of a set have the same id, an id is not allowed in the challenge's file, or no picture of a set
        could be read.
    ConfigError
        If a folder has no image.
    CollectionError
        If a collection cannot be used.
    """
    models = models or load_models()
    progress = progress or _silent
    skipped: list[Skipped] = []
    with ExitStack() as stack:
        halves = [_open(location, models, config, stack) for location in (queries, references)]
        ids = [
            tuple(_ids_by_collection_id(half, location).values()) if isinstance(half, Collection) else half.ids
            for half, location in zip(halves, (queries, references), strict=True)
        ]
        if foreign := next((name for half in ids for name in half if not name.isascii()), None):
            raise ChallengeFileError(f"the id {foreign!r} is not ASCII, which a descriptor file needs: rename it")
        described: list[tuple[F32, tuple[str, ...]]] = []
        for stage, half, names in zip(("queries", "references"), halves, ids, strict=True):
            if isinstance(half, Collection):
                described.append((half.descriptors(), names))
            else:
                vectors, kept, unread = _describe_folder(
                    half, models, config, n_workers, partial(progress, stage), as_query=stage == "queries"
                )
                described.append((vectors, kept))
                skipped += unread
    (query, query_ids), (reference, reference_ids) = described
    return DescriptorSet(query, reference, query_ids, reference_ids), tuple(skipped)


def challenge_id(name: str) -> str:
    """Return the challenge's id for a path or an id in a collection: its last part, without an image's extension.

    Examples
    --------
    >>> challenge_id("references/R000001.jpg"), challenge_id("v1.2")
    ('R000001', 'v1.2')
    """
    last = PurePosixPath(name)
    return last.stem if last.suffix.lower() in IMAGE_SUFFIXES else last.name


def _silent(_stage: str, _done: int, _total: int) -> None:
    return


def _open(source: str | os.PathLike[str], models: Models, config: Config, stack: ExitStack) -> Collection | _Folder:
    """Open a collection, or list the images of a folder and check that no two have the same id."""
    path = location(local_name(source))
    if isinstance(path, Path) and is_collection(path):
        return stack.enter_context(open_collection(path, models=models, config=config))
    if isinstance(path, Path) and not path.exists():
        raise ImageError(str(path), "no such file or folder")
    images, ignored = find_images([path])
    if images == [path]:
        load_regular(path, config.limits)  # says why a URL cannot be listed
        raise ConfigError(f"{path}: this is a file; give a folder of images or a collection")
    if not images:
        raise ConfigError(f"{path}: neither images nor a collection in this folder; give another one")
    n_other = sum(not other.is_dir() for other in ignored)
    if n_other:
        _log.info("%s: %d files ignored, their names are not those of images", path, n_other)
    ids = _checked_ids([str(image) for image in images], path)
    return _Folder(path, tuple(images), tuple(ids), unread_folders(ignored))


def _ids_by_collection_id(collection: Collection, location: str | os.PathLike[str]) -> Mapping[str, str]:
    names = collection.ids
    return dict(zip(names, _checked_ids(names, location), strict=True))


def _checked_ids(names: Sequence[str], location: str | os.PathLike[str]) -> list[str]:
    """Return the challenge's ids for paths or ids in a collection. Checked at the start, before hours of work."""
    owners: dict[str, str] = {}
    for name in names:
        short = challenge_id(name)
        if fault := id_fault(short) or (None if is_unicode(short) else "it is not UTF-8"):
            raise ChallengeFileError(f"{location}: {name!r} cannot be in the challenge's files: {fault}; rename it")
        if (other := owners.setdefault(short, name)) != name:
            raise ChallengeFileError(f"{location}: {other!r} and {name!r} would both be {short!r}; rename one of them")
    return list(owners)


def _id_in(folder: _Folder, image: Location) -> str:
    """Return the id under which `Collection.add_files` keeps an image of a folder."""
    return image.relative_to(folder.path).as_posix()


def _collect(
    folder: _Folder,
    keep: str | os.PathLike[str] | None,
    models: Models,
    config: Config,
    n_workers: Workers,
    progress: StageProgress,
    stack: ExitStack,
) -> tuple[Collection, tuple[Skipped, ...]]:
    """Make a collection from a folder of references, or bring an existing one up to date."""
    if keep is None:
        location = stack.enter_context(temporary_folder("fingerprint-", n_workers)) / "collection"
    else:
        location = Path(keep)
    make = open_collection if is_collection(location) else create_collection
    collection = stack.enter_context(make(location, models=models, config=config))
    expected = {_id_in(folder, image) for image in folder.images}
    if (other := next((name for name in collection.ids if name not in expected), None)) is not None:
        raise ConfigError(
            f"{location}: it holds {other!r}, which is not in {folder.path}; remove that reference "
            f"('fingerprint index remove'), keep the collection elsewhere, or give {location} as the references"
        )
    added = collection.add_files([folder.path], n_workers=n_workers, progress=partial(progress, "references"))
    return collection, added.skipped + folder.skipped


def _search(
    query_set: Collection | _Folder,
    query_ids: Mapping[str, str],
    source: Collection,
    n_workers: Workers,
    progress: StageProgress,
) -> Iterator[tuple[str, list[Match] | Skipped]]:
    """Yield the challenge's id and the matches of each query."""
    if isinstance(query_set, Collection):
        names: Sequence[str] = tuple(query_ids.values())
        found = source.search_stored(query_set, list(query_ids), n_workers=n_workers)
    else:
        names = query_set.ids
        found = source.search_many(query_set.images, n_workers=n_workers)
    for done, (name, matches) in enumerate(zip(names, found, strict=True), start=1):
        yield name, matches
        progress("queries", done, len(names))


def _as_matches(rows: Sequence[tuple[str, str, float]]) -> Matches:
    """Return the `MAX_ROWS` rows with the highest scores, in the order given."""
    scores = np.array([score for _, _, score in rows], np.float64)
    kept = np.sort(np.argsort(-scores, kind="stable")[:MAX_ROWS])
    return Matches(tuple(rows[i][0] for i in kept), tuple(rows[i][1] for i in kept), scores[kept])


def _describe_folder(
    folder: _Folder,
    models: Models,
    config: Config,
    n_workers: Workers,
    progress: Progress,
    *,
    as_query: bool,
) -> tuple[F32, tuple[str, ...], tuple[Skipped, ...]]:
    """Return the descriptors and ids of the images that can be read, and the images that cannot."""
    n_images = len(folder.images)
    vectors = np.empty((n_images, models.descriptor.dimension), np.float32)
    kept: list[str] = []
    skipped: list[Skipped] = []
    results = map_images(
        partial(compact_descriptor, models=models, config=config, as_query=as_query),
        folder.images,
        n_workers,
        strict=config.strict,
    )
    for done, (name, result) in enumerate(zip(folder.ids, results, strict=True), start=1):
        if isinstance(result, Skipped):
            skipped.append(result)
        else:
            vectors[len(kept)] = result
            kept.append(name)
        progress(done, n_images)
    if not kept:
        first = skipped[0]
        raise ChallengeFileError(
            f"{folder.path}: none of its {n_images} images can be read, so there is nothing to describe; "
            f"the first: {first.path}: {first.reason}"
        )
    return vectors[: len(kept)], tuple(kept), (*skipped, *folder.skipped)
