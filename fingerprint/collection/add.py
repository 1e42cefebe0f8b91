"""Adding many pictures to a collection: several workers describe them, and they are written in batches."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from fingerprint.collection.given import checked_pairs
from fingerprint.config import Config
from fingerprint.errors import ImageError
from fingerprint.features.describe import describe_reference, query_from_fingerprint
from fingerprint.features.thumbnail import open_thumbnail
from fingerprint.images.identity import load_identified
from fingerprint.index import ImageRecord, Writer
from fingerprint.index.records import storable
from fingerprint.models import Models
from fingerprint.results import AddReport
from fingerprint.types import Fingerprint, ImageSource, Progress, Skipped, is_unicode, source_name
from fingerprint.verify import verify
from fingerprint.workers import map_images

_MANY_KEYPOINTS = 60
_MUCH_CONTRAST = 12.0  # grey values; standard deviation
#: The way out where two files have one id.
_APART = "give --root a folder that contains both, for an id of its own"


@dataclass(slots=True)
class _Batch:
    """Pictures that are not yet written as a segment."""

    fingerprints: list[Fingerprint] = field(default_factory=list)
    records: list[ImageRecord] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.records) + len(self.skipped) + len(self.moved)


@dataclass(frozen=True, slots=True)
class _Offered:
    """A picture to add, and the record that the collection has under its id."""

    image_id: str
    source: ImageSource
    known: ImageRecord | None


@dataclass(frozen=True, slots=True)
class _Described:
    """A picture that was described; its fingerprint is None if the collection has the same bytes under its id.

    `moved` is the path of its file, if it is not the one in the catalogue. `plain` is whether it shows so little that
    the engine would not find a copy of it by what it shows.
    """

    fingerprint: Fingerprint | None
    record: ImageRecord
    moved: str | None = None
    plain: bool = False


def add_images(
    writer: Writer,
    images: Iterable[tuple[str, ImageSource]],
    models: Models,
    config: Config,
    *,
    replace_others: bool = True,
    n_workers: int | None = None,
    progress: Progress | None = None,
    total: int = 0,
) -> AddReport:
    """Add (id, picture) pairs to a collection, taken a few at a time, and publish them in batches.

    Parameters
    ----------
    writer : Writer
        Holds the lock during the whole call.
    images : iterable of (str, path, bytes or array)
        A picture that the collection has under its id with the same bytes is not described again; one with other bytes
        replaces the old.
    models : Models
    config : Config
        ``config.storage.batch`` pictures are held in memory.
    replace_others : bool
        Whether a file may replace another file that has its id; otherwise it is skipped. A file that has changed where
        it is always replaces what the collection has of it.
    n_workers : int, optional
        Threads; one for each core by default. The result does not depend on it.
    progress : callable, optional
        Called as ``progress(done, total)``, in pictures.
    total : int
        Number of pictures, for `progress`; 0 if it is not known.

    Returns
    -------
    AddReport
        Pictures that cannot be read, and those whose id is that of another, are skipped.

    Raises
    ------
    ImageError
        If ``config.strict``, instead of skipping a picture; what was published before stays.
    CollectionBusyError
        If another process is writing.
    CollectionError
        If writing fails; what was published before stays.
    """
    adding = _Adding(writer, config, n_workers)
    under_way: deque[tuple[str | None, str]] = deque()

    def offered() -> Iterator[_Offered]:  # runs in this thread, which alone uses the catalogue
        for image_id, source in checked_pairs(images):
            path = _path_of(source)
            under_way.append((path, path or str(image_id)))
            known = writer.reader.published(image_id) if _is_text(image_id) else None
            yield _Offered(image_id, source, known)

    with writer.writing():
        adding.noted = writer.reader.skipped()
        described = map_images(
            partial(_describe, models=models, config=config, replace_others=replace_others),
            offered(),
            n_workers,
            strict=config.strict,
        )
        for done, result in enumerate(described, start=1):
            adding.take(result, *under_way.popleft())
            if progress is not None:
                progress(done, total)
        adding.publish()
        report = adding.report()
        writer.merge_newest(report.added + report.replaced)
    return report


class _Adding:
    """A run of adding: the batch under way, and what has come of all pictures so far.

    Attributes
    ----------
    noted : set of str
        Paths that the catalogue lists as not added.
    """

    def __init__(self, writer: Writer, config: Config, n_workers: int | None) -> None:
        self.noted: set[str] = set()
        self._writer, self._config, self._n_workers = writer, config, n_workers
        self._batch = _Batch()
        self._owners: dict[str, str] = {}
        self._published = self._unchanged = self._replaced = 0
        self._skipped: list[Skipped] = []
        self._plain: list[str] = []
        self._again: list[str] = []

    def take(self, result: _Described | Skipped, path: str | None, name: str) -> None:
        """Take the next picture, of the file at `path` if it has one, and publish the batch when it is full.

        Raises
        ------
        ImageError
            If the picture is skipped and the settings are strict.
        """
        outcome = result if isinstance(result, Skipped) else _unless_repeated(result, self._owners)
        if isinstance(outcome, Skipped):
            self._skip(outcome, path, name)
        elif outcome.fingerprint is None:
            self._unchanged += 1
            if name in self.noted:
                self._batch.cleared.append(name)
            if outcome.moved is not None:
                self._batch.moved[outcome.record.image_id] = outcome.moved
        else:
            self._batch.fingerprints.append(outcome.fingerprint)
            self._batch.records.append(outcome.record)
            if self._writer.reader.has_under_other_id(outcome.record):
                self._again.append(outcome.record.image_id)
            if outcome.plain:
                self._plain.append(outcome.record.image_id)
        if len(self._batch) >= self._config.storage.batch:
            self.publish()

    def _skip(self, skipped: Skipped, path: str | None, name: str) -> None:
        if self._config.strict:
            raise ImageError(skipped.path, skipped.reason)
        self._skipped.append(skipped)
        if path is None or os.path.lexists(path):  # a mistyped name is not worth a note that stays
            self._batch.skipped.append(Skipped(name, skipped.reason))

    def publish(self) -> None:
        """Write the batch."""
        batch, self._batch = self._batch, _Batch()
        if batch.skipped:
            self._writer.note_skipped(batch.skipped)
        if batch.cleared:
            self._writer.clear_skipped(batch.cleared)
        if batch.moved:
            self._writer.note_moved(batch.moved)
        replaced = self._writer.add(batch.fingerprints, batch.records, replaced=None, n_workers=self._n_workers)
        added = {record.image_id for record in batch.records}
        outdated = [frame for name in replaced for frame in self._writer.reader.frames_of(name) if frame not in added]
        if outdated:  # frames of a file that has changed; those that are taken again come after it
            self._writer.remove(outdated)
        self._published += len(batch.records)
        self._replaced += len(replaced)

    def report(self) -> AddReport:
        """Return what has come of all pictures."""
        return AddReport(
            self._published - self._replaced,
            self._unchanged,
            self._replaced,
            tuple(self._skipped),
            (),
            tuple(self._plain),
            tuple(self._again),
        )


def describe_all(
    images: Iterable[tuple[str, ImageSource]], models: Models, config: Config, n_workers: int | None = None
) -> tuple[list[Fingerprint], list[ImageRecord]]:
    """Describe (id, picture) pairs; all must be readable.

    Raises
    ------
    ImageError
        At the first picture that cannot be read.
    """
    offered = [_Offered(image_id, source, None) for image_id, source in checked_pairs(images)]
    batch = _Batch()
    for result in map_images(partial(_describe, models=models, config=config), offered, n_workers):
        if isinstance(result, Skipped):
            raise ImageError(result.path, result.reason)
        if result.fingerprint is not None:
            batch.fingerprints.append(result.fingerprint)
            batch.records.append(result.record)
    return batch.fingerprints, batch.records


def _unless_repeated(described: _Described, owners: dict[str, str]) -> _Described | Skipped:
    """Return a picture, or a `Skipped` if its id came before."""
    image_id, name = described.record.image_id, described.record.path or described.record.image_id
    if image_id in owners:
        advice = "" if described.record.path is None else f"; {_APART}"
        return Skipped(name, f"its id {image_id!r} is already that of {owners[image_id]}{advice}")
    owners[image_id] = name
    return described


def _describe(item: _Offered, models: Models, config: Config, *, replace_others: bool = True) -> _Described:
    """Describe a picture, unless it is in the collection with the same bytes."""
    image_id, source = item.image_id, item.source
    path = _path_of(source)
    name = str(image_id or source_name(source)) if path is None else source_name(source)
    if not isinstance(image_id, str):
        raise ImageError(name, f"its id is {image_id!r}; an id is a text")
    if not is_unicode(image_id):
        raise ImageError(name, "its name is not valid Unicode, so it cannot be an id; rename the file")
    if not image_id:
        raise ImageError(name, "its id is empty; give it an id")
    try:
        data, content, n_bytes = load_identified(source, config.limits)
    except ImageError as error:
        raise ImageError(name, error.reason) from error
    if item.known is not None and content == item.known.content:
        return _Described(None, item.known, path if path != item.known.path else None)
    if not replace_others and item.known is not None and _is_another(path, item.known.path):
        taken = f"its id {image_id!r} is already that of {item.known.path}"
        raise ImageError(name, f"{taken}; {_APART}, or --replace if it takes that one's place")
    try:
        fingerprint = describe_reference(data, models, config)
    except ImageError as error:
        raise ImageError(name, error.reason) from error
    pixels = None if fingerprint.identity is None else fingerprint.identity.pixels
    record = ImageRecord(image_id, path, n_bytes, content, fingerprint.width, fingerprint.height, pixels)
    return _Described(fingerprint, record, plain=_is_plain(image_id, fingerprint, models, config))


def _is_plain(name: str, fingerprint: Fingerprint, models: Models, config: Config) -> bool:
    """Return whether a picture shows so little that it would not even be found by its own description.

    Only pictures with few keypoints or little contrast are tried, as nearly all others are found.
    """
    contrast = float(open_thumbnail(fingerprint.thumbnail).std())
    if len(fingerprint.keypoints) >= _MANY_KEYPOINTS and contrast >= _MUCH_CONTRAST:
        return False
    unidentified = replace(fingerprint, identity=None)
    query = query_from_fingerprint(name, unidentified, models, config)
    return verify(query, unidentified, models, config.match).relation != "copy"


def _is_another(path: str | None, known: str | None) -> bool:
    """Return whether two paths are those of different files; one that is gone counts as different."""
    if path is None or known is None or storable(path) == known:
        return False
    try:
        return not Path(path).samefile(known)
    except OSError:
        return True


def _path_of(source: ImageSource) -> str | None:
    """Return the absolute path of a picture's file, or None for a picture from memory."""
    return os.path.abspath(source) if isinstance(source, str | os.PathLike) else None  # noqa: PTH100 - does not follow links


def _is_text(image_id: object) -> bool:
    return isinstance(image_id, str) and is_unicode(image_id)
