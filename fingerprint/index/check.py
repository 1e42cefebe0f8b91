"""The check of a collection: whether every file and entry is as it was written."""

from __future__ import annotations

import os
from pathlib import Path

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
        return [problem for shard in read_shards(folder) for problem in check_store(shard)]
    problems, text = [], None
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
        with catalogue.read_transaction():
            damaged = {listed.number: damage(folder, catalogue, listed) for listed in catalogue.segments()}
        still_listed = {listed.number for listed in catalogue.segments()}  # the others were merged away meanwhile
        for number, reasons in damaged.items():
            problems += reasons if number in still_listed else []
    except CollectionCorruptError as error:
        problems.append(str(error))
    finally:
        catalogue.close()
    return problems


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
