"""Finding groups of copies: files are looked at, described, asked once, and gathered round keepers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from fingerprint.collection.collection import Collection, create_collection, open_collection
from fingerprint.config import DEFAULT_CONFIG, Config
from fingerprint.dedupe.grouping import Gathered, gather
from fingerprint.dedupe.looks import Looks
from fingerprint.dedupe.scan import SameBytes, scan_files
from fingerprint.dedupe.values import Group, Groups, Member, Picture, PictureFile, Rules, allowed
from fingerprint.dedupe.verdicts import Verdicts, answers, same_picture
from fingerprint.dedupe.worth import Preference, Worth, worth_of
from fingerprint.errors import ConfigError
from fingerprint.models import Models
from fingerprint.results import Verification
from fingerprint.types import Skipped, StageProgress
from fingerprint.verify.changes import changes_of
from fingerprint.workers import Workers, map_images, temporary_folder

_DAMAGED = "nothing was compared with it, as what the collection keeps of it is damaged: {}"


def find_groups(
    images: Sequence[Path],
    collection: Collection,
    rules: Rules,
    *,
    references: Sequence[Path] = (),
    models: Models,
    config: Config = DEFAULT_CONFIG,
    n_workers: Workers = None,
    progress: StageProgress | None = None,
) -> Groups:
    """Find groups of copies among image files.

    Every picture is described once, and asked once; the time and the memory grow with the number of pictures, not with
    that of their pairs.

    Parameters
    ----------
    images : sequence of path
        Image files.
    collection : Collection
        Made for this, empty or kept from an earlier run: ids are absolute paths. What is new or has changed is added to
        it, and what it has of files that are gone is removed.
    rules : Rules
    references : sequence of path
        Image files that the others are compared with. They are keepers, and never members.
    models : Models
    config : Config
    n_workers : int or Cluster, optional
        Threads, one for each core by default, or a cluster. The outcome does not depend on it.
    progress : callable, optional
        Called as ``progress(stage, done, total)``.

    Returns
    -------
    Groups

    Raises
    ------
    ConfigError
        If the collection was made for something else.
    CollectionBusyError, CollectionError
    """
    report = progress or _nothing
    _check_ids(collection)
    same, skipped = scan_files(images, references, config.limits, n_workers, partial(report, "files of one size"))
    pictures, unread, plain = _describe(same, collection, n_workers, report)
    positions = {picture.image_id: k for k, picture in enumerate(pictures)}
    verdicts = Verdicts([Path(picture.image_id) for picture in pictures], models, config)
    asked = answers(
        collection, pictures, [Path(p.image_id) for p in pictures], n_workers, partial(report, "pictures asked")
    )
    damaged: dict[str, str] = {}
    for picture, answer in asked:
        if isinstance(answer, Skipped):  # gone or changed since it was described
            unread.append(Skipped(str(picture.files[0].path), answer.reason))
            continue
        damaged |= {item.path: item.reason for item in answer.damaged}
        for match in (*answer.matches, *answer.shared):
            other = positions.get(match.reference_id)
            if other is not None and other != positions[picture.image_id]:
                verdicts.note(positions[picture.image_id], other, match.verification)

    def look_at(related: Sequence[int]) -> dict[int, list[Worth]]:
        work = partial(worth_of, limits=config.limits, with_detail=rules.keep == "best")
        known = map_images(work, [_anywhere(pictures[k]) for k in related], n_workers)
        return {
            k: [replace(worth, file=file) for worth, file in zip(found, pictures[k].files, strict=True)]
            for k, found in zip(related, known, strict=True)
            if not isinstance(found, Skipped)
        }

    unread += [
        Skipped(str(pictures[positions[image_id]].files[0].path), _DAMAGED.format(reason))
        for image_id, reason in sorted(damaged.items())
        if image_id in positions
    ]
    looks = Looks(pictures, config.limits)
    gathered = gather(pictures, verdicts, rules, look_at, looks, partial(report, "keepers"))
    groups = _groups(pictures, gathered, rules)
    n_files = sum(len(picture.files) + len(picture.others) for picture in pictures)
    return Groups(tuple(groups), n_files, len(pictures), (*skipped, *unread), tuple(plain))


@contextmanager
def working_collection(
    folder: Path | None, models: Models, config: Config = DEFAULT_CONFIG, n_workers: Workers = None
) -> Iterator[Collection]:
    """Yield a collection to work with: a temporary one, or the one that is kept in a folder, which is made if need be.

    Raises
    ------
    CollectionError
        If it cannot be opened, or there is something else in the folder.
    """
    with ExitStack() as stack:
        place = folder or stack.enter_context(temporary_folder("fingerprint-dedupe-", n_workers)) / "pictures.fp"
        is_there = place.is_dir() and any(place.iterdir())
        make = open_collection if is_there else create_collection
        with make(place, models=models, config=config) as collection:
            yield collection


def _check_ids(collection: Collection) -> None:
    """Refuse a collection whose ids are no absolute paths: this must not remove anything from it.

    Raises
    ------
    ConfigError
    """
    other = next((image_id for image_id in collection.ids if not os.path.isabs(image_id)), None)  # noqa: PTH117 - an id
    if other is not None:
        raise ConfigError(
            f"{collection.info().path}: not a collection of 'fingerprint dedupe', as it has the id {other!r}; "
            "give a new folder to --collection, or name it with --against"
        )


def _describe(
    same: Sequence[SameBytes], collection: Collection, n_workers: Workers, report: StageProgress
) -> tuple[list[Picture], list[Skipped], list[Path]]:
    """Bring the collection up to date, and return what it has of each picture, what it has not, and what is plain.

    Of files with the same bytes one stands for all: the first that can be added, as its name may be none for an id.
    """
    choices = [sorted(group.files, key=lambda file: (file.id not in collection, file.order)) for group in same]
    known = {file.id for files in choices for file in files}
    gone = [image_id for image_id in collection.ids if image_id not in known and not os.path.lexists(image_id)]
    if gone:
        collection.remove(gone)
    chosen: dict[int, PictureFile] = {}  # by position in `same`
    reasons: dict[int, dict[str, str]] = {k: {} for k in range(len(same))}
    plain: list[Path] = []
    todo = list(range(len(same)))
    for turn in range(max(map(len, choices), default=0)):
        todo = [k for k in todo if k not in chosen and turn < len(choices[k])]
        if not todo:
            break
        added = collection.add_images(
            ((choices[k][turn].id, Path(choices[k][turn].id)) for k in todo),
            n_workers=n_workers,
            progress=lambda done, _, todo=todo: report("pictures described", done, len(todo)),  # type: ignore[misc]
        )
        failed, plain_ids = {item.path: item.reason for item in added.skipped}, set(added.plain)
        for k in todo:
            file = choices[k][turn]
            if file.id in failed:
                reasons[k][file.id] = failed[file.id]
            else:
                chosen[k] = file
                plain += [file.path] if file.id in plain_ids else []
    pictures, skipped = [], []
    for k, group in enumerate(same):
        if k not in chosen:
            skipped += [Skipped(str(file.path), reasons[k][file.id]) for file in group.files]
            continue
        record = collection.record(chosen[k].id)
        files = tuple(replace(other, content=record.content or "") for other in group.files)
        pictures.append(Picture(chosen[k].id, files, group.others, record.width, record.height))
    return pictures, skipped, plain


def _anywhere(picture: Picture) -> Picture:
    """Return a picture with absolute paths, as workers of a cluster are in other folders."""
    return replace(picture, files=tuple(replace(file, path=file.path.absolute()) for file in picture.files))


def _groups(pictures: Sequence[Picture], gathered: Gathered, rules: Rules) -> list[Group]:
    """Return the groups that have a copy, or something shared, in the order of their first files."""
    preference = Preference(rules)
    groups = []
    for position in sorted(gathered.members.keys() | gathered.shared.keys(), key=lambda k: pictures[k].files[0].order):
        picture, worth = pictures[position], gathered.worth.get(position)
        keeper = worth[0].file if worth else picture.files[0]
        joined = gathered.members.get(position, [])
        members = [*_same_bytes(picture, keeper), *_members(pictures, joined, gathered)]
        shared = _members(pictures, gathered.shared.get(position, []), gathered)
        members, shared = (allowed(found, keeper, rules) for found in (members, shared))
        if not members and not shared:
            continue
        known = {w.file: w for k in (position, *(k for k, _ in joined)) for w in gathered.worth.get(k, ())}
        others = [known[member.file] for member in members if member.file in known]
        reasons = preference.reasons(known[keeper], others) if members and keeper in known else ()
        groups.append(Group(keeper, picture.size, reasons, tuple(members), tuple(shared)))
    return groups


def _same_bytes(picture: Picture, keeper: PictureFile) -> list[Member]:
    """Return the other files of the keeper's picture, and the other paths to them."""
    whole = same_picture(*picture.size)
    return [
        _member(file, picture, whole, same_as)
        for file, same_as in _files(picture)
        if file is not keeper and file != keeper
    ]


def _members(
    pictures: Sequence[Picture], joined: Sequence[tuple[int, Verification]], gathered: Gathered
) -> list[Member]:
    """Return the files of pictures that belong to a keeper."""
    members = []
    for k, found in joined:
        n_frames = max((worth.n_frames for worth in gathered.worth.get(k, ())), default=1)
        members += [_member(file, pictures[k], found, same_as, n_frames) for file, same_as in _files(pictures[k])]
    return members


def _files(picture: Picture) -> list[tuple[PictureFile, PictureFile | None]]:
    """Return the files of a picture, and the other paths to them with the path that stands for each."""
    return [*((file, None) for file in picture.files), *picture.others]


def _member(
    file: PictureFile, picture: Picture, found: Verification, same_as: PictureFile | None, n_frames: int = 1
) -> Member:
    return Member(file, picture.size, found, changes_of(found), same_as, n_frames)


def _nothing(_stage: str, _done: int, _total: int) -> None:
    return
