"""Adding to a collection on a cluster: workers describe pictures and write segments, the caller publishes them.

Fingerprints stay with the workers: the caller learns only which pictures could be described, with their file facts. It
gathers them in the same batches as without a cluster, so the segments have the same bytes.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from fingerprint.collection.adding import Batch, Publish
from fingerprint.collection.describing import Described, Elsewhere, Offered
from fingerprint.config import Config
from fingerprint.errors import ImageError
from fingerprint.index import Writer
from fingerprint.index.layout import incoming_folder
from fingerprint.index.segment_writer import write_pictures
from fingerprint.models import VocabularyModel
from fingerprint.types import Fingerprint, Skipped
from fingerprint.workers import Cluster, Pending, in_order

_PARCEL = 16  # pictures of a task; each takes some 15 milliseconds


class ClusterSegments:
    """Describes pictures and writes segments on a cluster.

    Parameters
    ----------
    writer : Writer
        Is adopting.
    cluster : Cluster
        All its workers reach the folder of the collection.
    """

    def __init__(self, writer: Writer, cluster: Cluster) -> None:
        self._writer, self._cluster = writer, cluster
        reader = writer.reader
        self._setup = cluster.share(_Setup(reader.vocabulary, reader.config, reader.keep_local))

    def describe(
        self, work: Callable[[Offered], Described], offered: Iterable[Offered]
    ) -> Iterator[Described | Skipped]:
        """Yield what is known of each picture, in order; its fingerprint stays elsewhere."""
        shared, waiting = self._cluster.share(work), iter(offered)
        parcels = iter(lambda: list(islice(waiting, _PARCEL)), [])
        for parcel, outlines in in_order((self._started(shared, items) for items in parcels), self._cluster):
            for row, outline in enumerate(outlines):
                if isinstance(outline, _Outline):
                    there = Elsewhere(parcel, row) if outline.is_described else None
                    yield replace(outline.described, fingerprint=there)
                else:
                    yield outline

    def _started(self, work: Pending[Callable[[Offered], Described]], items: Sequence[Offered]) -> _Started:
        parcel = self._cluster.start(_describe_parcel, work, items, name="describe-references")
        return _Started(parcel, self._cluster.start(_outlines, parcel, name="outlines"))

    def begin(self, batch: Batch) -> Publish:
        """Let workers write a segment, in a sharded collection one for each shard; return what publishes them."""
        started = [
            (shard, [batch.records[k] for k in rows], self._write(shard, batch, rows))
            for shard, rows in self._writer.divide([record.image_id for record in batch.records])
        ]

        def publish() -> list[str]:
            gone: list[str] = []
            for shard, records, written in started:
                number, manifest = written.result()
                gone += shard.adopt(incoming_folder(shard.reader.folder, number), manifest, records)
            return gone

        return publish

    def _write(self, shard: Writer, batch: Batch, rows: Sequence[int]) -> Pending[tuple[int, str]]:
        places = [f for k in rows if isinstance(f := batch.fingerprints[k], Elsewhere)]
        parcels = list({id(place.parcel): place.parcel for place in places}.values())
        numbers = {id(parcel): number for number, parcel in enumerate(parcels)}
        chosen = [(numbers[id(place.parcel)], place.row) for place in places]
        ids = [batch.records[k].image_id for k in rows]
        folder = shard.reader.folder.absolute()
        return self._cluster.start(_write_segment, self._setup, folder, ids, chosen, *parcels, name="write-segment")


@dataclass(frozen=True, slots=True)
class _Setup:
    """What a worker needs to write segments of a collection."""

    vocabulary: VocabularyModel
    config: Config
    keep_local: bool


@dataclass(frozen=True, slots=True)
class _Outline:
    """A described picture without its fingerprint, and whether it has one."""

    described: Described
    is_described: bool


@dataclass(frozen=True, slots=True)
class _Started:
    """A parcel that is being described: what stays with its worker, and what the caller gets."""

    parcel: Pending[list[Described | Skipped]]
    outlines: Pending[list[_Outline | Skipped]]

    def result(self) -> tuple[Pending[list[Described | Skipped]], list[_Outline | Skipped]]:
        """Wait for the parcel."""
        return self.parcel, self.outlines.result()

    def cancel(self) -> None:
        """Say that the parcel is not wanted any more."""
        self.outlines.cancel()
        self.parcel.cancel()


def _describe_parcel(work: Callable[[Offered], Described], items: Sequence[Offered]) -> list[Described | Skipped]:
    found: list[Described | Skipped] = []
    for item in items:
        try:
            found.append(work(item))
        except ImageError as error:
            found.append(Skipped(error.path, error.reason))
    return found


def _outlines(parcel: Sequence[Described | Skipped]) -> list[_Outline | Skipped]:
    return [
        item
        if isinstance(item, Skipped)
        else _Outline(replace(item, fingerprint=None), isinstance(item.fingerprint, Fingerprint))
        for item in parcel
    ]


def _write_segment(
    setup: _Setup,
    folder: Path,
    ids: Sequence[str],
    rows: Sequence[tuple[int, int]],
    *parcels: Sequence[Described | Skipped],
) -> tuple[int, str]:
    """Write a segment, and return the number of its folder and its manifest.

    The number is of chance: another worker may do the same task, as this one was thought to be dead.
    """
    fingerprints = []
    for number, row in rows:
        item = parcels[number][row]
        if isinstance(item, Skipped) or not isinstance(item.fingerprint, Fingerprint):
            raise AssertionError("only pictures with a fingerprint are in a batch")
        fingerprints.append(item.fingerprint)
    chosen = secrets.randbits(60)
    return chosen, write_pictures(
        *(incoming_folder(folder, chosen), ids, fingerprints, setup.vocabulary, setup.config),
        keep_local=setup.keep_local,
        n_workers=1,
    )
