"""Groups round the references of an existing collection: which files are copies of what it has. It is only read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from fingerprint.collection.collection import Collection
from fingerprint.config import DEFAULT_CONFIG, Config, ReadLimits
from fingerprint.dedupe.scan import SameBytes, scan_files
from fingerprint.dedupe.values import Group, Groups, Member, PictureFile, Rules, allowed
from fingerprint.dedupe.verdicts import answers
from fingerprint.dedupe.worth import frames_of
from fingerprint.index import ImageRecord
from fingerprint.locations import is_url
from fingerprint.results import Match
from fingerprint.types import Skipped, StageProgress
from fingerprint.verify.changes import changes_of
from fingerprint.workers import Workers

_ANY_SIDE = 64  # pixels that a picture is read with to learn its size


def find_copies_of_references(
    images: Sequence[Path],
    collection: Collection,
    rules: Rules,
    *,
    config: Config = DEFAULT_CONFIG,
    n_workers: Workers = None,
    progress: StageProgress | None = None,
) -> Groups:
    """Find the files that are copies of a collection's references: each belongs to the one it is most surely a copy of.

    The files are not compared with each other.

    Parameters
    ----------
    images : sequence of path
        Image files.
    collection : Collection
        Is not changed.
    rules : Rules
        `keep` and `prefer` do not matter, as the keepers are the references.
    config : Config
    n_workers : int or Cluster, optional
        Threads, one for each core by default, or a cluster. The outcome does not depend on it.
    progress : callable, optional
        Called as ``progress(stage, done, total)``.

    Raises
    ------
    CollectionError
    """
    report = progress or (lambda _stage, _done, _total: None)
    same, skipped = scan_files(images, (), config.limits, n_workers, partial(report, "files read"), read_all=True)
    found: dict[str, list[Member]] = {}
    shared: dict[str, list[Member]] = {}
    paths = [group.files[0].path for group in same]
    damaged: dict[str, str] = {}
    for group, answer in answers(collection, same, paths, n_workers, partial(report, "pictures asked")):
        if isinstance(answer, Skipped):
            skipped += [Skipped(str(file.path), answer.reason) for file in group.files]
            continue
        damaged |= {item.path: item.reason for item in answer.damaged}
        copies = [match for match in answer.matches if match.probability >= rules.min_probability]
        near = copies or [match for match in (*answer.matches, *answer.shared) if match.relation == "shared"]
        if near:
            best = max(near, key=lambda match: (match.probability, match.shared_probability, match.score))
            members = (found if copies else shared).setdefault(best.reference_id, [])
            members += _members(group, best, collection.record(best.reference_id), config.limits)
    skipped += [
        Skipped(image_id, f"nothing was compared with this reference, as it is damaged: {reason}")
        for image_id, reason in sorted(damaged.items())
    ]
    groups = []
    for image_id in sorted(found.keys() | shared.keys()):
        record = collection.record(image_id)
        keeper = _keeper(record)
        members, others = (allowed(known.get(image_id, ()), keeper, rules) for known in (found, shared))
        members.sort(key=lambda member: (-member.verification.log_odds, member.file.order))
        if members or others:
            reasons = (f"in the collection as {image_id}",)
            groups.append(Group(keeper, (record.width, record.height), reasons, tuple(members), tuple(others)))
    n_files = sum(len(group.files) + len(group.others) for group in same)
    return Groups(tuple(groups), n_files, len(same), tuple(skipped))


def _members(group: SameBytes, match: Match, record: ImageRecord, limits: ReadLimits) -> list[Member]:
    """Return the files of a picture as members round a reference."""
    size, keeper = match.verification.query_size, _keeper(record)
    changes, n_frames = changes_of(match.verification), frames_of(group.files[0], limits)
    members = []
    for file, same_as in (*((file, None) for file in group.files), *group.others):
        is_keeper = (file.device, file.inode) == (keeper.device, keeper.inode)
        members.append(Member(file, size, match.verification, changes, keeper if is_keeper else same_as, n_frames))
    return members


def _keeper(record: ImageRecord) -> PictureFile:
    """Return the file of a reference as the collection knows it; it may be gone, or have changed."""
    by_path = record.path is not None and not is_url(record.path)
    path = Path(record.path if by_path and record.path else record.image_id)
    try:
        state = path.stat()
    except (OSError, ValueError):
        state = os.stat_result([0] * 10)
    return PictureFile(
        path=path,
        order=0,
        is_reference=True,
        is_link=path.is_symlink(),
        device=state.st_dev,
        inode=state.st_ino,
        n_links=state.st_nlink,
        n_bytes=record.n_bytes or 0,
        mtime_ns=state.st_mtime_ns,
        content=record.content or "",
    )
