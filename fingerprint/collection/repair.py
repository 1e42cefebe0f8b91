"""Repairing a collection; pictures of damaged segments are described again from their files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from fingerprint.config import DEFAULT_CONFIG, Config
from fingerprint.errors import ImageError
from fingerprint.features.describe import describe_reference
from fingerprint.images.identity import load_identified
from fingerprint.index import ImageRecord, check_store, ids_of_two_shards
from fingerprint.index.own_files import DAMAGED_NAME
from fingerprint.index.repair import Damaged, Repair
from fingerprint.index.shards import shard_folders
from fingerprint.models import Models, load_models
from fingerprint.types import Fingerprint, Progress, Skipped
from fingerprint.workers import map_images


@dataclass(frozen=True, slots=True)
class RepairReport:
    """Outcome of a repair.

    Attributes
    ----------
    restored : tuple of str
        Files and entries that were restored, one sentence each.
    described : int
        Number of pictures of damaged segments that were described again from their files.
    lost : tuple of Skipped
        Pictures that the collection no longer has, with the reason.
    problems : tuple of str
        Problems that remain.
    """

    restored: tuple[str, ...]
    described: int
    lost: tuple[Skipped, ...]
    problems: tuple[str, ...]


def repair_collection(
    folder: str | os.PathLike[str],
    *,
    models: Models | None = None,
    config: Config = DEFAULT_CONFIG,
    n_workers: int | None = None,
    progress: Progress | None = None,
) -> RepairReport:
    """Restore what can be restored of a damaged collection.

    Files that can be computed from the catalogue or from other files are restored. If other files of a segment are
    damaged, its pictures are described again from their own files, if those are unchanged. The other pictures are lost:
    they are removed and reported, and the damaged segment is kept in the collection's folder ``damaged``. But if only
    the colours of a segment are damaged, all its pictures are kept, without their colours.

    Parameters
    ----------
    folder : path
    models : Models, optional
        Those that made the collection; by default those that ship with the package.
    config : Config, optional
    n_workers : int, optional
        Threads; one for each core by default.
    progress : callable, optional
        Called as ``progress(done, total)``, in pictures that are described again; of a sharded collection shard by
        shard.

    Raises
    ------
    CollectionNotFoundError, CollectionBusyError
    CollectionCorruptError
        If the catalogue itself is damaged.
    CollectionError
        If writing fails.
    """
    models = models or load_models()
    path = Path(folder)
    if shards := shard_folders(path):
        repaired = [
            repair_collection(shard, models=models, config=config, n_workers=n_workers, progress=progress)
            for shard in shards
        ]
        return RepairReport(
            tuple(f"{shard}: {text}" for shard, own in zip(shards, repaired, strict=True) for text in own.restored),
            sum(own.described for own in repaired),
            tuple(item for own in repaired for item in own.lost),
            tuple(problem for own in repaired for problem in own.problems) or tuple(ids_of_two_shards(path)),
        )
    described = 0
    lost: list[Skipped] = []
    with Repair(path, models, config) as repair:
        damaged = repair.damaged()
        total = sum(len(item.pictures) for item in damaged)
        for item in damaged:
            fingerprints, records, gone = _describe_again(item, models, config, n_workers, progress, (described, total))
            if gone and item.only_colours:
                repair.forget_colours(item)
                continue
            repair.replace(item, fingerprints, records, gone)
            described += len(records)
            lost += gone
        restored = tuple(repair.restored)
    return RepairReport(restored, described, tuple(lost), tuple(check_store(path)))


def _describe_again(
    damaged: Damaged,
    models: Models,
    config: Config,
    n_workers: int | None,
    progress: Progress | None,
    counted: tuple[int, int],
) -> tuple[list[Fingerprint], list[ImageRecord], list[Skipped]]:
    """Describe those pictures of a segment whose files are unchanged."""
    fingerprints, records, lost = [], [], []
    same_model = damaged.segment.model_id == models.model_id

    def describe(record: ImageRecord) -> Fingerprint:
        if not same_model:
            raise ImageError(record.image_id, f"a vector of {damaged.segment.model_id}; import it again")
        if record.path is None:
            raise ImageError(record.image_id, "it came from memory; add it again")
        data, content, _ = load_identified(record.path, config.limits)
        if content != record.content:
            raise ImageError(record.path, "its file has changed since; add it again")
        return describe_reference(data, models, config)

    for done, (record, result) in enumerate(
        zip(damaged.pictures, map_images(describe, damaged.pictures, n_workers), strict=True), start=1
    ):
        if isinstance(result, Skipped):
            name = record.path or record.image_id
            where = f"{DAMAGED_NAME}/{damaged.segment.number:06d}"
            lost.append(Skipped(name, f"lost to damage, its segment is kept in {where}: {result.reason}"))
        else:
            fingerprints.append(result)
            records.append(record)
        if progress is not None:
            progress(counted[0] + done, counted[1])
    return fingerprints, records, lost
