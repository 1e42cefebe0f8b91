"""The walk from many pictures to segments of a collection: described by several workers, written some at a time."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from fingerprint.config import Config
from fingerprint.errors import ImageError
from fingerprint.features.describe import describe_reference
from fingerprint.images.files import read_file
from fingerprint.index import ImageRecord, Writer
from fingerprint.models import Models
from fingerprint.types import U8, AddReport, Fingerprint, ImageSource, Progress, Skipped, is_unicode, source_name
from fingerprint.workers import map_images


@dataclass(slots=True)
class _Batch:
    """Pictures that wait to become a segment."""

    fingerprints: list[Fingerprint] = field(default_factory=list)
    records: list[ImageRecord] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.records) + len(self.skipped) + len(self.moved)


@dataclass(frozen=True, slots=True)
class _Offered:
    """A picture that is to be added, and what is there under its id."""

    image_id: str
    source: ImageSource
    known: ImageRecord | None


@dataclass(frozen=True, slots=True)
class _Described:
    """A picture that was described, or only looked at: None if it is there with the same bytes.

    `moved` is where its file is now, if it is not where the catalogue has it.
    """

    fingerprint: Fingerprint | None
    record: ImageRecord
    moved: str | None = None


def add_images(
    writer: Writer,
    images: Iterable[tuple[str, ImageSource]],
    models: Models,
    config: Config,
    *,
    n_workers: int | None = None,
    progress: Progress | None = None,
    total: int = 0,
) -> AddReport:
    """Add (id, picture) pairs to a collection, taken a few at a time, and publish them in batches.

    Parameters
    ----------
    writer : Writer
        Holds the lock all the while.
    images : iterable of (str, path, bytes or array)
        A picture whose bytes are there under its id costs nothing; one with other bytes replaces the old.
    models : Models
    config : Config
        ``config.storage.batch`` pictures are held in memory.
    n_workers : int, optional
        Threads; one for each core by default. The result does not depend on it.
    progress : callable, optional
        Called as ``progress(done, total)``, in pictures.
    total : int
        How many there will be, for `progress`; 0 if that is not known.

    Returns
    -------
    AddReport
        Pictures that cannot be read, and those whose id came before, are among its skipped ones.

    Raises
    ------
    CollectionBusyError
        If another process is writing.
    CollectionError
        If the disk refuses; what was published before stays.
    """
    published = unchanged = replaced = 0
    skipped: list[Skipped] = []
    batch = _Batch()
    owners: dict[str, str] = {}
    under_way: deque[str] = deque()

    def offered() -> Iterator[_Offered]:  # run by this thread: the catalogue is for one at a time
        for image_id, source in images:
            under_way.append(_path_of(source) or image_id)
            yield _Offered(image_id, source, writer.reader.published(image_id) if is_unicode(image_id) else None)

    with writer.writing():
        described = map_images(partial(_describe, models=models, config=config), offered(), n_workers)
        for done, result in enumerate(described, start=1):
            outcome = result if isinstance(result, Skipped) else _unless_repeated(result, owners)
            path = under_way.popleft()
            if isinstance(outcome, Skipped):
                skipped.append(outcome)
                batch.skipped.append(Skipped(path, outcome.reason))
            elif outcome.fingerprint is None:
                unchanged += 1
                if outcome.moved is not None:
                    batch.moved[outcome.record.image_id] = outcome.moved
            else:
                batch.fingerprints.append(outcome.fingerprint)
                batch.records.append(outcome.record)
            if len(batch) >= config.storage.batch:
                published += len(batch.records)
                replaced += _publish(writer, batch, n_workers)
                batch = _Batch()
            if progress is not None:
                progress(done, total)
        published += len(batch.records)
        replaced += _publish(writer, batch, n_workers)
    return AddReport(published - replaced, unchanged, replaced, tuple(skipped), ())


def describe_all(
    images: Iterable[tuple[str, ImageSource]], models: Models, config: Config, n_workers: int | None = None
) -> tuple[list[Fingerprint], list[ImageRecord]]:
    """Describe (id, picture) pairs, all of them.

    Raises
    ------
    ImageError
        At the first picture that cannot be read.
    """
    offered = [_Offered(image_id, source, None) for image_id, source in images]
    batch = _Batch()
    for result in map_images(partial(_describe, models=models, config=config), offered, n_workers):
        if isinstance(result, Skipped):
            raise ImageError(result.path, result.reason)
        if result.fingerprint is not None:
            batch.fingerprints.append(result.fingerprint)
            batch.records.append(result.record)
    return batch.fingerprints, batch.records


def _publish(writer: Writer, batch: _Batch, n_workers: int | None) -> int:
    """Write a batch and return how many pictures it replaced."""
    if batch.skipped:
        writer.note_skipped(batch.skipped)
    if batch.moved:
        writer.note_moved(batch.moved)
    return len(writer.add(batch.fingerprints, batch.records, replaced=None, n_workers=n_workers))


def _unless_repeated(described: _Described, owners: dict[str, str]) -> _Described | Skipped:
    """Return a picture, or why it is skipped if its id came before."""
    image_id, name = described.record.image_id, described.record.path or described.record.image_id
    if image_id in owners:
        return Skipped(name, f"its id {image_id!r} is already that of {owners[image_id]}")
    owners[image_id] = name
    return described


def _describe(item: _Offered, models: Models, config: Config) -> _Described:
    """Describe a picture, unless it is in the collection with the same bytes."""
    image_id, source = item.image_id, item.source
    path = _path_of(source)
    name = (image_id or source_name(source)) if path is None else source_name(source)
    if not is_unicode(image_id):
        raise ImageError(name, "its name has characters that cannot be an id; rename the file")
    if not image_id:
        raise ImageError(name, "its id is empty; give it one")
    data = source if isinstance(source, bytes | np.ndarray) else read_file(source)
    content, n_bytes = _content(data), len(data) if isinstance(data, bytes) else None
    if item.known is not None and content == item.known.content:
        return _Described(None, item.known, path if path != item.known.path else None)
    try:
        fingerprint = describe_reference(data, models, config)
    except ImageError as error:
        raise ImageError(name, error.reason) from error
    return _Described(fingerprint, ImageRecord(image_id, path, n_bytes, content, fingerprint.width, fingerprint.height))


def _path_of(source: ImageSource) -> str | None:
    """Return where a picture's file is, from the root, or None for one from memory."""
    return None if isinstance(source, bytes | np.ndarray) else os.path.abspath(source)  # noqa: PTH100 - links stay


def _content(data: bytes | U8) -> str:
    """Return the SHA-256 in hex of a file's bytes, or of an array's with its type and shape."""
    if isinstance(data, bytes):
        return hashlib.sha256(data).hexdigest()
    form = f"{data.dtype.str} {data.shape} ".encode()
    return hashlib.sha256(form + np.ascontiguousarray(data).tobytes()).hexdigest()
