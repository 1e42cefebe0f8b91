"""The walk that repairs a collection: pictures of damaged segments are described anew from their files."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from fingerprint.config import DEFAULT_CONFIG, Config
from fingerprint.errors import ImageError
from fingerprint.features.describe import describe_reference
from fingerprint.images.files import read_file
from fingerprint.index import ImageRecord, check_store
from fingerprint.index.repair import DAMAGED_NAME, Damaged, Repair
from fingerprint.models import Models, load_models
from fingerprint.types import Fingerprint, Progress, Skipped
from fingerprint.workers import map_images


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What a repair did.

    Attributes
    ----------
    restored : tuple of str
        Files and entries that were put right, one sentence each.
    described : int
        Pictures of damaged segments that were described anew from their files.
    lost : tuple of Skipped
        Pictures that are not in the collection any more, with the reason.
    problems : tuple of str
        What is wrong all the same.
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

    What follows from the catalogue or from other files is put back as it was. Of a segment that is damaged otherwise,
    the pictures are described anew from their files, where those are there unchanged. The others are taken out and
    named; the damaged segment is then kept in the collection's folder ``damaged``, for whoever can make more of it.

    Parameters
    ----------
    folder : path
    models : Models, optional
        Those that made the collection; by default those that ship with the package.
    config : Config, optional
    n_workers : int, optional
        Threads; one for each core by default.
    progress : callable, optional
        Called as ``progress(done, total)``, in pictures that are described anew.

    Raises
    ------
    CollectionNotFoundError, CollectionBusyError
    CollectionCorruptError
        If the catalogue itself is damaged.
    CollectionError
        If the disk refuses.
    """
    models = models or load_models()
    path = Path(folder)
    described = 0
    lost: list[Skipped] = []
    with Repair(path, models, config) as repair:
        damaged = repair.damaged()
        total = sum(len(item.pictures) for item in damaged)
        for item in damaged:
            fingerprints, records, gone = _describe_anew(item, models, config, n_workers, progress, (described, total))
            repair.replace(item, fingerprints, records, gone)
            described += len(records)
            lost += gone
        restored = tuple(repair.restored)
    return RepairReport(restored, described, tuple(lost), tuple(check_store(path)))


def _describe_anew(
    damaged: Damaged,
    models: Models,
    config: Config,
    n_workers: int | None,
    progress: Progress | None,
    counted: tuple[int, int],
) -> tuple[list[Fingerprint], list[ImageRecord], list[Skipped]]:
    """Describe the pictures of a segment whose files are as they were."""
    fingerprints, records, lost = [], [], []
    own = damaged.segment.model_id == models.model_id

    def describe(record: ImageRecord) -> Fingerprint:
        if not own:
            raise ImageError(record.image_id, f"a vector of {damaged.segment.model_id}; import it again")
        if record.path is None:
            raise ImageError(record.image_id, "it came from memory; add it again")
        data = read_file(record.path)
        if hashlib.sha256(data).hexdigest() != record.content:
            raise ImageError(record.path, "its file has changed since; add it again")
        return describe_reference(data, models, config)

    for done, (record, result) in enumerate(
        zip(damaged.pictures, map_images(describe, damaged.pictures, n_workers), strict=True), start=1
    ):
        if isinstance(result, Skipped):
            name = record.path or record.image_id
            where = f"{DAMAGED_NAME}/{damaged.segment.number:06d}"
            lost.append(Skipped(name, f"lost to damage, what is left of it is in {where}: {result.reason}"))
        else:
            fingerprints.append(result)
            records.append(record)
        if progress is not None:
            progress(counted[0] + done, counted[1])
    return fingerprints, records, lost
