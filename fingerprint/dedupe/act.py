"""Acting on the members of groups: they are moved away, or replaced by links to their keepers. Nothing is deleted.

A file is acted on only if it and its keeper are as they were when they were looked at: size, time and bytes.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from fingerprint.dedupe.actions import FileState, FolderMade, Linked, Moved
from fingerprint.dedupe.files import free_name, move, same_bytes, state_of
from fingerprint.dedupe.log import Log
from fingerprint.dedupe.values import Action, Copy, Kept, PictureFile
from fingerprint.errors import ConfigError

_LONGEST_NAME = 40  # letters of a name that are kept in the name of a file put aside; a name has 255 bytes at most
_CHANGED = "it has changed since it was looked at"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done with a member of a group.

    Attributes
    ----------
    path : Path
    done : str
        ``"moved"``, ``"hardlinked"`` or ``"symlinked"``; ``"left alone"`` if that is never done with such a file;
        ``"failed"`` if it could not be done, for instance as the file has changed.
    to : Path or None
        Where it is now, if it was moved.
    reason : str
        Why nothing was done; empty if something was.
    n_bytes : int
        What that freed where it was.
    """

    path: Path
    done: str
    to: Path | None = None
    reason: str = ""
    n_bytes: int = 0


def act(groups: Sequence[Kept], action: Action, log: Log, folder: Path | None = None) -> Iterator[Outcome]:
    """Act on the members of groups, one after the other, and yield what was done with each.

    Parameters
    ----------
    groups : sequence of Group or Decided
    action : ``"move"``, ``"hardlink"`` or ``"symlink"``
        Links are made only in place of files with the same bytes as the keeper: nothing would keep the bytes of others.
    log : Log
        Each action is written down before it is begun.
    folder : Path, optional
        Where files are moved to. They lie there as they lay to each other.

    Raises
    ------
    ConfigError
        If files are to be moved, and no folder is given.
    OSError
        If the log cannot be written.
    """
    if action == "move" and folder is None:
        raise ConfigError("to move files, give the folder that they are to be moved to")
    members = [member for group in groups for member in group.members]
    base = _common_folder([member.file for member in members])
    for group in groups:
        watched = _Watched(group.keeper)
        for member in group.members:
            if (reason := _reason_to_leave(member, group.keeper, action)) is not None:
                yield Outcome(member.file.path, "left alone", reason=reason)
            elif (problem := watched.problem()) is not None:
                yield Outcome(member.file.path, "failed", reason=problem)
            elif action == "move" and folder is not None:
                yield _move(member, group.keeper, log, folder / os.path.relpath(member.file.id, base))
            else:
                yield _link(member, group.keeper, log, action)


def _common_folder(files: Sequence[PictureFile]) -> str:
    folders = [os.path.dirname(file.id) for file in files]  # noqa: PTH120 - of ids
    return os.path.commonpath(folders) if folders else ""


class _Watched:
    """A keeper, looked at before each of its copies is touched; it is read again only if its facts have changed."""

    def __init__(self, keeper: PictureFile) -> None:
        self._keeper = keeper
        self._facts: tuple[int, ...] | None = None  # of the file that had the right bytes

    def problem(self) -> str | None:
        """Return why no copy of the keeper may be touched: it must be there, as it was."""
        path = Path(os.path.realpath(self._keeper.id))
        try:
            found = path.stat()
            facts = found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
            if facts != self._facts:
                state = state_of(path)
                if (state.n_bytes, state.content) != (self._keeper.n_bytes, self._keeper.content):
                    return f"its keeper {self._keeper.path} has changed since it was looked at"
                self._facts = facts
        except OSError as error:
            return f"its keeper {self._keeper.path} cannot be read: {error.strerror}"
        return None


def _absolute(path: Path) -> str:
    """Return a path as the log has it: undoing may run in another folder."""
    return os.path.abspath(path)  # noqa: PTH100 - does not follow links


def _why_not(file: PictureFile) -> str:
    return _CHANGED if os.path.lexists(file.id) else "it is gone since it was looked at"


def _reason_to_leave(member: Copy, keeper: PictureFile, action: Action) -> str | None:
    if member.same_as is not None:
        return f"{member.words}: nothing would be freed"
    if member.file.is_link:
        return "a symbolic link: what it leads to is left alone"
    if member.has_unseen_frames:
        return "it has several frames or pages, of which only the first was compared"
    if action != "move" and member.file.content != keeper.content:
        return "its bytes are not those of the keeper: a link in its place would lose them"
    return None


def _unchanged(file: PictureFile) -> FileState | None:
    """Return the state of a file, None if it is not as it was."""
    with suppress(OSError):
        state = state_of(Path(file.id))
        if (state.n_bytes, state.mtime_ns, state.content) == (file.n_bytes, file.mtime_ns, file.content):
            return state
    return None


def _move(member: Copy, keeper: PictureFile, log: Log, wanted: Path) -> Outcome:
    file, state = member.file, _unchanged(member.file)
    if state is None:
        return Outcome(file.path, "failed", reason=_why_not(file))
    try:
        for parent in reversed([p for p in (wanted.parent, *wanted.parent.parents) if not os.path.lexists(p)]):
            log.note(FolderMade(_absolute(parent)))
            with suppress(FileExistsError):  # another run was faster
                parent.mkdir()
        target = free_name(wanted)
        with _noted(log, Moved(file.id, _absolute(target), keeper.id, state)):
            move(Path(file.id), target)
    except OSError as error:
        return Outcome(file.path, "failed", reason=f"it cannot be moved: {error.strerror or error}")
    return Outcome(file.path, "moved", target, n_bytes=member.frees)


def _link(member: Copy, keeper: PictureFile, log: Log, action: Action) -> Outcome:
    """Replace a file by a link: it is put aside, the link is made, and only then its bytes are given up.

    Its bytes are those of the keeper: that is looked at again, byte by byte, when the link is there.
    """
    file, state = member.file, _unchanged(member.file)
    if state is None:
        return Outcome(file.path, "failed", reason=_why_not(file))
    path, kept = Path(file.id), Path(os.path.realpath(keeper.id))
    aside = path.with_name(f".{path.name[:_LONGEST_NAME]}.{uuid.uuid4().hex}.aside")
    target = os.path.relpath(kept, os.path.realpath(path.parent)) if action == "symlink" else ""
    try:
        with _noted(log, Linked(action, str(path), str(aside), str(kept), target, state)):
            _replace(path, aside, kept, target if action == "symlink" else None)
    except OSError as error:
        return Outcome(file.path, "failed", reason=f"it cannot be replaced by a link: {error.strerror or error}")
    return Outcome(file.path, "hardlinked" if action == "hardlink" else "symlinked", n_bytes=member.frees)


def _replace(path: Path, aside: Path, kept: Path, target: str | None) -> None:
    """Put a file aside, make a link to the keeper in its place, and remove the file: a hard link without a target."""
    path.rename(aside)
    try:
        if target is not None:
            path.symlink_to(target)
        else:
            os.link(kept, path, follow_symlinks=False)
        if not same_bytes(aside, path):
            raise OSError("the keeper has changed")
    except BaseException:
        if path.is_symlink() or (path.exists() and path.samefile(kept)):
            path.unlink()
        if not os.path.lexists(path):
            aside.rename(path)
        raise
    aside.unlink()


@contextmanager
def _noted(log: Log, entry: Moved | Linked) -> Iterator[None]:
    """Write an action down before it is begun, and how it ended."""
    log.note(entry)
    try:
        yield
    except OSError:
        log.ended(done=False)
        raise
    log.ended(done=True)
