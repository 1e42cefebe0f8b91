"""Upgrade of collections of an older format: the catalogue is migrated, segments are completed.

In format 2, segments had no ids, and the catalogue was of schema 1 and did not have the manifests. The new catalogue is
made beside the old one and replaces it in one step. It has all manifests, so an upgrade that was interrupted after that
step is completed from it. Segments become those of format 3.

A collection of format 3 to 5 can be used as it is: its manifest and its catalogue, of schema 2, get the new versions
when it is added to. The upgrade raises them at once, and then writes its segments of pictures again in the current
format: one after the other, each published by itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from fingerprint.config import DEFAULT_CONFIG
from fingerprint.errors import CollectionCorruptError, CollectionNotFoundError
from fingerprint.files.atomic import UNFINISHED, flush_folder
from fingerprint.files.datafiles import parse_json, read_small
from fingerprint.index.atomic_folder import json_bytes, npy_bytes, replace_file, reported
from fingerprint.index.catalogue import SCHEMA_VERSION, UNIDENTIFIED, Catalogue
from fingerprint.index.ids import SegmentIds
from fingerprint.index.layout import MANIFEST_FACT, raise_format, segment_folder
from fingerprint.index.lock import WriterLock
from fingerprint.index.manifests import (
    FORMAT_VERSION,
    PICTURES,
    RAW_THUMBNAILS,
    read_collection_manifest,
    unread_format,
    with_own_index,
)
from fingerprint.index.own_files import CATALOGUE_NAME, COLLECTION_MANIFEST, SEGMENT_MANIFEST, SIDE_FILES
from fingerprint.index.records import ImageRecord
from fingerprint.index.segment import file_digest, segment_problems
from fingerprint.index.segment_merger import rewrite_segment
from fingerprint.index.shards import shard_folders


@dataclass(frozen=True, slots=True)
class _OldSegment:
    """A segment as a catalogue of schema 1 lists it."""

    number: int
    records: tuple[ImageRecord, ...]
    removed: tuple[int, ...]


def upgrade_store(folder: Path) -> int:
    """Upgrade a collection to the current format, in place and without its pictures, unless it is of that format.

    After an interruption, the same call continues.

    Returns
    -------
    int
        The oldest format before, of the collection and of its segments of pictures; of a sharded collection, of its
        shards.

    Raises
    ------
    CollectionNotFoundError
        If there is no collection in `folder`.
    CollectionCorruptError
        If it is damaged, or of a format that cannot be upgraded.
    CollectionBusyError, CollectionError
    """
    if shards := shard_folders(folder):
        return min(map(upgrade_store, shards))
    if not (folder / COLLECTION_MANIFEST).is_file():
        raise CollectionNotFoundError(f"{folder}: no collection here; give the folder of one")
    lock = WriterLock(folder)
    lock.acquire()
    try:
        with reported(folder), _reported(folder):
            path = folder / COLLECTION_MANIFEST
            before = _manifest(path).get("format_version", 0)
            if type(before) is not int:
                raise CollectionCorruptError(f"{path}: format version {before!r} is no number; restore the file")
            if before > FORMAT_VERSION:
                raise CollectionCorruptError(unread_format(path, before))
            version = _schema(folder / CATALOGUE_NAME)
            if version in _MIGRATIONS:
                _MIGRATIONS[version](folder)
            elif version not in (UNIDENTIFIED, SCHEMA_VERSION):
                raise CollectionCorruptError(
                    f"{folder / CATALOGUE_NAME}: catalogue version {version}, this version of copyprint knows "
                    f"{', '.join(map(str, [*_MIGRATIONS, UNIDENTIFIED, SCHEMA_VERSION]))}; "
                    "install the version that made it"
                )
            _write_manifests(folder)
            _raise_format(folder)
            return min(before, _rewrite_segments(folder))
    finally:
        lock.release()


@contextmanager
def _reported(folder: Path) -> Iterator[None]:
    """Turn errors of SQLite, JSON and NumPy about a damaged file into one that names the collection."""
    try:
        yield
    except (sqlite3.Error, ValueError, KeyError, TypeError, OverflowError) as error:
        if isinstance(error, CollectionCorruptError):
            raise
        raise CollectionCorruptError(
            f"{folder}: it cannot be read as an older collection ({error}); restore it or build the collection again"
        ) from error


def _manifest(path: Path) -> dict[str, Any]:
    """Return a manifest of any format."""
    found = parse_json(read_small(path))
    if not isinstance(found, dict):
        raise CollectionCorruptError(f"{path}: not a manifest; restore the file or build the collection again")
    return found


def _schema(path: Path) -> int:
    """Return the version of a catalogue's schema."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as database:
        return int(database.execute("PRAGMA user_version").fetchone()[0])


def _from_schema_1(folder: Path) -> None:
    """Complete the segments, and replace a catalogue of schema 1 by one of the current schema."""
    path = folder / CATALOGUE_NAME
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as database:
        segments = list(_old_segments(database))
        skipped = database.execute("SELECT path, reason FROM skipped").fetchall()
        database.execute("PRAGMA journal_mode = DELETE")  # deletes its log, which the new catalogue must not get
    old = _manifest(folder / COLLECTION_MANIFEST)
    manifests = {segment.number: _complete(folder, segment) for segment in segments}
    made = path.with_name(path.name + UNFINISHED)
    for end in ("", *SIDE_FILES):
        made.with_name(made.name + end).unlink(missing_ok=True)
    catalogue = Catalogue(made, create=True)
    try:
        with catalogue.change():
            for segment in segments:
                text = json_bytes(manifests[segment.number]).decode()
                catalogue.add_segment(segment.number, old["model_id"], segment.records, text)
                catalogue.remove_rows(segment.number, segment.removed)
            for file, reason in skipped:
                catalogue.set_skipped(file, reason)
            kept = all(m["n_local"] == m["n_keypoints"] for m in manifests.values())
            now = {"format_version": FORMAT_VERSION, "keep_local_descriptors": kept and bool(manifests)}
            catalogue.set_fact(MANIFEST_FACT, json_bytes({**old, **now}).decode())
    finally:
        catalogue.close()
    made.replace(path)
    flush_folder(folder)


def _old_segments(database: sqlite3.Connection) -> Iterator[_OldSegment]:
    for number, _ in database.execute("SELECT number, n_rows FROM segments ORDER BY number").fetchall():
        rows = database.execute(
            "SELECT removed, id, path, bytes, content, width, height FROM images WHERE segment = ? ORDER BY row",
            (number,),
        ).fetchall()
        removed = tuple(at for at, row in enumerate(rows) if row[0])
        yield _OldSegment(int(number), tuple(ImageRecord(*row[1:]) for row in rows), removed)


def _complete(folder: Path, segment: _OldSegment) -> Mapping[str, Any]:
    """Write the ids of a segment beside its other files, and return its manifest in the current format."""
    directory = segment_folder(folder, segment.number)
    manifest = _manifest(directory / SEGMENT_MANIFEST)
    ids = SegmentIds.of([record.image_id for record in segment.records])
    if manifest["n_images"] != len(ids):
        raise CollectionCorruptError(
            f"{directory}: {manifest['n_images']} pictures, the catalogue has {len(ids)}; restore the collection first"
        )
    sums = dict(manifest["sha256"])
    for name, array in (("ids", ids.text), ("id_offsets", ids.offsets), ("id_order", ids.order)):
        replace_file(directory / f"{name}.npy", npy_bytes(np.asarray(array)))
        sums[f"{name}.npy"] = file_digest(directory / f"{name}.npy")
    present = {"format_version": RAW_THUMBNAILS, "kind": PICTURES, "n_id_bytes": len(ids.text), "sha256": sums}
    return {**manifest, **present}


def _write_manifests(folder: Path) -> None:
    """Write the manifests that differ from those in the catalogue."""
    catalogue = Catalogue(folder / CATALOGUE_NAME)
    try:
        texts = {segment_folder(folder, s.number) / SEGMENT_MANIFEST: s.manifest for s in catalogue.segments()}
        # the last to be written: with it the collection can be opened
        texts[folder / COLLECTION_MANIFEST] = catalogue.fact(MANIFEST_FACT) or ""
    finally:
        catalogue.close()
    for path, text in texts.items():
        if path.read_bytes() != text.encode():
            replace_file(path, text.encode())


def _raise_format(folder: Path) -> None:
    """Raise the manifest of a collection."""
    catalogue = Catalogue(folder / CATALOGUE_NAME)
    try:
        raise_format(folder, catalogue)
    finally:
        catalogue.close()


def _rewrite_segments(folder: Path) -> int:
    """Write the segments of pictures of older formats again, and return the oldest of their formats.

    Those of vectors are the same in all formats.
    """
    oldest = FORMAT_VERSION
    config = with_own_index(DEFAULT_CONFIG, read_collection_manifest(folder)[0])
    catalogue = Catalogue(folder / CATALOGUE_NAME)
    try:
        for listed in catalogue.segments():
            manifest = parse_json(listed.manifest)
            if manifest["kind"] == PICTURES and manifest["format_version"] < FORMAT_VERSION:
                oldest = min(oldest, int(manifest["format_version"]))
                old = segment_folder(folder, listed.number)
                for problem in segment_problems(old, listed.manifest):  # damage must not get new digests
                    raise CollectionCorruptError(
                        f"{problem}; 'fingerprint index check --repair' restores what it can, then upgrade again"
                    )
                rewrite_segment(folder, catalogue, listed, config)
    finally:
        catalogue.close()
    return oldest


#: Migrations by the version of the schema that they start from.
_MIGRATIONS: Mapping[int, Callable[[Path], None]] = MappingProxyType({1: _from_schema_1})
