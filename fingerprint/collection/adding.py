"""A run of adding: pictures come in order, are gathered in batches, and are published."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from fingerprint.collection.describing import APART, Described, Elsewhere
from fingerprint.config import Config
from fingerprint.errors import ImageError
from fingerprint.images.limits import NO_SUCH_FILE
from fingerprint.index import ImageRecord, Writer
from fingerprint.locations import is_url
from fingerprint.results import AddReport
from fingerprint.types import Fingerprint, Skipped

_MOST = 2_000  # pictures of a batch of several shards


@dataclass(slots=True)
class Batch:
    """Pictures that are not yet written as a segment."""

    fingerprints: list[Fingerprint | Elsewhere] = field(default_factory=list)
    records: list[ImageRecord] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.records) + len(self.skipped) + len(self.moved)


#: Publishes a batch as a segment, and returns the ids of pictures that it replaces.
Publish: TypeAlias = Callable[[], list[str]]


class Adding:
    """A run of adding: the batch under way, and what has come of all pictures so far.

    Parameters
    ----------
    writer : Writer
        Holds the lock.
    config : Config
    begin : callable
        Begins to write a batch, and returns what publishes it.
    ahead : int, >= 0
        Batches that are being written while later pictures are taken.

    Attributes
    ----------
    noted : set of str
        Paths that the catalogue lists as not added.
    """

    def __init__(self, writer: Writer, config: Config, begin: Callable[[Batch], Publish], ahead: int = 0) -> None:
        self.noted: set[str] = set()
        self._writer, self._config, self._begin, self._ahead = writer, config, begin, ahead
        self._begun: deque[tuple[Batch, Publish]] = deque()
        batch = config.storage.batch
        self._most = min(batch * writer.n_shards, max(batch, _MOST))  # each shard gets a part of it as a segment
        self._batch = Batch()
        self._owners: dict[str, str] = {}
        self._published = self._unchanged = self._replaced = 0
        self._skipped: list[Skipped] = []
        self._plain: list[str] = []
        self._again: list[str] = []

    def take(self, result: Described | Skipped, path: str | None, name: str) -> None:
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
            if outcome.plain:
                self._plain.append(outcome.record.image_id)
        if len(self._batch) >= self._most:
            self._begin_batch()

    def _skip(self, skipped: Skipped, path: str | None, name: str) -> None:
        if self._config.strict:
            raise ImageError(skipped.path, skipped.reason)
        self._skipped.append(skipped)
        if path is None or _was_there(path, skipped):  # a mistyped name is not worth a note that stays
            self._batch.skipped.append(Skipped(name, skipped.reason))

    def finish(self) -> None:
        """Publish all that was taken."""
        self._begin_batch()
        while self._begun:
            self._publish(*self._begun.popleft())

    def _begin_batch(self) -> None:
        """Begin to write the batch, and publish what was begun before."""
        batch, self._batch = self._batch, Batch()
        self._begun.append((batch, self._begin(batch)))
        while len(self._begun) > self._ahead:
            self._publish(*self._begun.popleft())

    def _publish(self, batch: Batch, publish: Publish) -> None:
        if batch.skipped:
            self._writer.note_skipped(batch.skipped)
        if batch.cleared:
            self._writer.clear_skipped(batch.cleared)
        if batch.moved:
            self._writer.note_moved(batch.moved)
        self._again += [r.image_id for r in batch.records if self._writer.reader.has_under_other_id(r)]
        replaced = publish() if batch.records else []
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


def _unless_repeated(described: Described, owners: dict[str, str]) -> Described | Skipped:
    """Return a picture, or a `Skipped` if its id came before."""
    image_id, name = described.record.image_id, described.record.path or described.record.image_id
    if image_id in owners:
        advice = "" if described.record.path is None else f"; {APART}"
        return Skipped(name, f"its id {image_id!r} is already that of {owners[image_id]}{advice}")
    owners[image_id] = name
    return described


def _was_there(path: str, skipped: Skipped) -> bool:
    """Return whether there is a file at a path, or by a URL; of a URL the reason says it."""
    return skipped.reason != NO_SUCH_FILE if is_url(path) else os.path.lexists(path)
