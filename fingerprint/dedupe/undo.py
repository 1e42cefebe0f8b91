"""Taking back what a log says was done, also after an interruption. What is back already is left as it is."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fingerprint.dedupe.actions import Entry, FileState, FolderMade, Linked, Moved
from fingerprint.dedupe.files import move, remove_other_copy, remove_placeholder, same_bytes, state_of, unfinished
from fingerprint.dedupe.log import Log


@dataclass(frozen=True, slots=True)
class Undone:
    """What has come of one file.

    Attributes
    ----------
    path : Path
        Where it was at first.
    done : str
        ``"back"``, ``"was there already"`` or ``"not undone"``.
    reason : str
        Why it was not undone; empty if it was.
    """

    path: Path
    done: str
    reason: str = ""


_BACK, _THERE, _FAILED = "back", "was there already", "not undone"


def undo(entries: list[Entry], log: Log | None = None) -> Iterator[Undone]:
    """Take back what a log says, the last action first, and yield what has come of each file.

    Nothing is overwritten: where something else lies in the way, or a file has changed meanwhile, it is left alone.
    What failed, and what was taken back before, is not touched again. Undoing that was interrupted is gone on with:
    what it left, such as an empty file in the place of one that waits to be moved back, is not in the way. Folders that
    were made for files that are moved back are removed if they are empty.

    Parameters
    ----------
    entries : list of Entry
        From `read_log`.
    log : Log, optional
        Where it is noted what was taken back: the same log, opened again. Without it, a copy to another file system may
        be left where undoing was interrupted.
    """
    for number, entry in reversed(list(enumerate(entries))):
        if isinstance(entry, FolderMade):
            with suppress(OSError):  # it is not empty, or gone
                Path(entry.path).rmdir()
            continue
        path = Path(entry.path)
        if entry.stage == "undone":
            yield _back_before(entry, path)
            continue
        if entry.stage == "failed" and not (isinstance(entry, Linked) and os.path.lexists(entry.aside)):
            continue
        if log is not None:
            log.undoing(number)
        try:
            item = _moved_back(entry, path) if isinstance(entry, Moved) else _unlinked(entry, path)
        except OSError as error:
            item = Undone(path, _FAILED, f"{error.strerror or error}")
        if log is not None and not item.reason:
            log.undone(number)
        yield item


def _back_before(entry: Moved | Linked, path: Path) -> Undone:
    """Return what has become of a file since it was taken back; nothing is done any more."""
    if not os.path.lexists(path):
        return Undone(path, _FAILED, "it is gone since it was taken back")
    there = _has_content(Path(os.path.realpath(path)), entry.state)
    return Undone(path, _THERE) if there else Undone(path, _FAILED, "something else lies there")


def _has_content(path: Path, state: FileState) -> bool:
    """Return whether there is a regular file with the bytes that a file had."""
    try:
        return state_of(path).content == state.content
    except OSError:
        return False


def _moved_back(entry: Moved, path: Path) -> Undone:
    moved = Path(entry.to)
    if os.path.lexists(path) and _has_content(path, entry.state):  # it was not moved, or is back
        if entry.stage in ("begun", "undoing"):  # else another run may have put an equal file there
            remove_placeholder(moved)
            remove_other_copy(moved, path, entry.state)
        return Undone(path, _THERE)
    if _has_content(moved, entry.state):
        remove_placeholder(path)  # of undoing that was interrupted
    if os.path.lexists(path):
        return Undone(path, _FAILED, "something else lies there")
    if not os.path.lexists(moved):
        return Undone(path, _FAILED, f"{moved} is gone")
    if not _has_content(moved, entry.state):
        return Undone(path, _FAILED, f"{moved} has changed since it was moved")
    path.parent.mkdir(parents=True, exist_ok=True)
    move(moved, path)
    return Undone(path, _BACK)


def _unlinked(entry: Linked, path: Path) -> Undone:
    aside = Path(entry.aside)
    if os.path.lexists(aside):  # it was interrupted
        if not os.path.lexists(path) or _is_the_link(entry, path):
            with suppress(FileNotFoundError):
                path.unlink()
            aside.rename(path)
            return Undone(path, _BACK)
        return Undone(path, _FAILED, f"something else lies there; its file is {aside}")
    if not os.path.lexists(path):
        return Undone(path, _FAILED, "it is gone")
    if not _is_the_link(entry, path):
        there = _has_content(path, entry.state)
        return Undone(path, _THERE) if there else Undone(path, _FAILED, "something else lies there")
    return _with_own_bytes(entry, path, aside)


def _is_the_link(entry: Linked, path: Path) -> bool:
    if entry.action == "symlink":
        return path.is_symlink() and os.readlink(path) == entry.target  # noqa: PTH115 - the text as it was written
    keeper = Path(entry.keeper)
    return not path.is_symlink() and keeper.exists() and path.samefile(keeper)


def _with_own_bytes(entry: Linked, path: Path, aside: Path) -> Undone:
    """Replace a link by a file of its own with the same bytes, and with the time and the permissions it had."""
    if not _has_content(Path(os.path.realpath(path)), entry.state):
        return Undone(path, _FAILED, f"{entry.keeper} has changed since the link to it was made")
    own = unfinished(aside)  # never the name of a file that was put aside
    try:
        shutil.copyfile(path, own)
        own.chmod(entry.state.mode)
        os.utime(own, ns=(entry.state.mtime_ns, entry.state.mtime_ns))
        with own.open("rb") as file:
            os.fsync(file.fileno())
        if not same_bytes(path, own):
            return Undone(path, _FAILED, f"{entry.keeper} changed while it was copied")
        own.replace(path)
    finally:
        own.unlink(missing_ok=True)
    return Undone(path, _BACK)
