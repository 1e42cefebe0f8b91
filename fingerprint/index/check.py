"""The check of a collection: whether every file and entry is as it was written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from hashlib import blake2b
from pathlib import Path

import numpy as np

from fingerprint.errors import CollectionCorruptError, CollectionError
from fingerprint.index.catalogue import Catalogue
from fingerprint.index.layout import is_noted, open_listed, segment_folder
from fingerprint.index.manifests import corrupt, read_collection_manifest
from fingerprint.index.own_files import CATALOGUE_NAME, COLLECTION_MANIFEST, SEGMENTS_NAME
from fingerprint.index.records import SegmentRecord, facts_digest
from fingerprint.index.segment import segment_problems
from fingerprint.index.shards import is_sharded, read_shards


def check_store(folder: str | os.PathLike[str]) -> list[str]:
    """Compare every file of a collection with its digest, and the catalogue with the segments; open every segment.

    Returns
    -------
    list of str
        The problems, one sentence each; empty if all is sound. Files that an interrupted change left are no problem:
        nobody reads them, and the next change deletes them.

    Raises
    ------
    CollectionNotFoundError
        If there is no collection in `folder`.
    """
    folder = Path(folder)
    if is_sharded(folder):
        found = [problem for shard in read_shards(folder) for problem in check_store(shard)]
        return found or ids_of_two_shards(folder)
    problems: list[str] = []
    text = None
    try:
        text = read_collection_manifest(folder)[1]
    except CollectionCorruptError as error:
        problems.append(str(error))
    try:
        catalogue = Catalogue(folder / CATALOGUE_NAME)
    except CollectionError as error:
        return [*problems, str(error)]
    try:
        found = catalogue.problems()
        if found:
            return [*problems, *found]
        if text is not None and not is_noted(catalogue, text):
            problems.append(str(corrupt(folder / COLLECTION_MANIFEST, "its bytes have changed since it was written")))
        damaged = catalogue.read_at_once(
            lambda: {listed.number: damage(folder, catalogue, listed) for listed in catalogue.segments()}
        )
        still_listed = {listed.number for listed in catalogue.segments()}  # the others were merged away meanwhile
        for number, reasons in damaged.items():
            problems += reasons if number in still_listed else []
    except CollectionCorruptError as error:
        problems.append(str(error))
    finally:
        catalogue.close()
    return problems


def ids_of_two_shards(folder: Path) -> list[str]:
    """Return what is wrong with a sharded collection of which each shard is sound: ids that are in two of them.

    A shard that others add to by itself may get ids that another one has.
    """
    shards = read_shards(folder)
    digests = [np.fromiter(map(_digest, _ids(shard)), np.uint64) for shard in shards]
    values, counts = np.unique(np.concatenate([np.unique(own) for own in digests]), return_counts=True)
    suspects = set(values[counts > 1].tolist())
    if not suspects:
        return []
    places: dict[tuple[str, str], list[Path]] = {}
    for shard in shards:
        for key in _ids(shard):
            if _digest(key) in suspects:
                places.setdefault(key, []).append(shard)
    repeated = {image_id: where for (_, image_id), where in places.items() if len(where) > 1}
    return [
        f"{folder}: {image_id!r} is in {where[0]} and in {where[1]}; remove it from one of them"
        for image_id, where in sorted(repeated.items())
    ]


def _ids(shard: Path) -> Iterator[tuple[str, str]]:
    """Yield (model id, image id) of the pictures and vectors of a shard that are not removed."""
    with closing(Catalogue(shard / CATALOGUE_NAME)) as catalogue, catalogue.read_transaction():
        for listed in catalogue.segments():
            for record, is_removed in catalogue.records(listed.number):
                if not is_removed:
                    yield listed.model_id, record.image_id


def _digest(key: tuple[str, str]) -> int:
    """Return 8 bytes of a hash of an id: the ids of millions of pictures fit in memory."""
    text = "\0".join(key).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


def damage(folder: Path, catalogue: Catalogue, listed: SegmentRecord) -> list[str]:
    """Return the problems of a segment: of its files, and of its entries in the catalogue."""
    directory = segment_folder(folder, listed.number)
    found = segment_problems(directory, listed.manifest)
    ids = None
    if not found:
        try:
            segment = open_listed(folder, listed)
        except CollectionError as error:
            found.append(str(error))
        else:
            ids = list(segment.ids)
            segment.close()
    return found + disagreement(folder, catalogue, listed, ids)


def disagreement(folder: Path, catalogue: Catalogue, listed: SegmentRecord, ids: list[str] | None) -> list[str]:
    """Return where the catalogue's entries of a segment contradict each other, or the ids in the segment if given."""
    name = f"{folder / CATALOGUE_NAME}: segment {listed.number}"
    n_rows, highest, n_removed, n_foreign = catalogue.counts(listed.number)
    if (n_rows, highest) != (listed.n_rows, listed.n_rows - 1):
        return [f"{name}: the rows are not 0 to {listed.n_rows - 1}"]
    found = []
    if n_removed != listed.n_removed:
        found.append(f"{name}: {n_removed} pictures are marked as removed, {listed.n_removed} should be")
    if n_foreign:
        found.append(f"{name}: {n_foreign} pictures are listed as of another model")
    if facts_digest(record for record, _ in catalogue.records(listed.number)) != listed.facts:
        found.append(f"{name}: ids, paths or contents of its pictures have changed since they were written")
    elif ids is not None and ids != [record.image_id for record, _ in catalogue.records(listed.number)]:
        found.append(f"{name}: the ids are not those in {SEGMENTS_NAME}")
    return found
