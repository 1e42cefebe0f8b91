"""What the log of actions on files says: the file that was moved or replaced by a link, and how far that has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from fingerprint.dedupe.values import Action

#: How far an action has come: `begun` and `undoing` if it, or taking it back, was interrupted.
Stage: TypeAlias = Literal["begun", "done", "failed", "undoing", "undone"]


@dataclass(frozen=True, slots=True)
class FileState:
    """What a file was like before it was acted on.

    Attributes
    ----------
    n_bytes, mtime_ns, mode : int
        Size, time of the last change in nanoseconds, and permissions.
    content : str
        SHA-256 of its bytes in hex.
    """

    n_bytes: int
    mtime_ns: int
    mode: int
    content: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A file that was, or was about to be, moved; all paths are absolute.

    Attributes
    ----------
    path, to : str
        Where it was, and where it is now.
    keeper : str
        The file that it is a copy of.
    state : FileState
    stage : Stage
    """

    path: str
    to: str
    keeper: str
    state: FileState
    stage: Stage = "begun"


@dataclass(frozen=True, slots=True)
class Linked:
    """A file that was, or was about to be, replaced by a link to one with the same bytes.

    Attributes
    ----------
    action : str
        ``"hardlink"`` or ``"symlink"``.
    path : str
        The file that became a link.
    aside : str
        Where it lies while the link is made; gone when all is done.
    keeper : str
        The file that the link leads to.
    target : str
        What a symbolic link says; empty for a hard link.
    state : FileState
    stage : Stage
    """

    action: Action
    path: str
    aside: str
    keeper: str
    target: str
    state: FileState
    stage: Stage = "begun"


@dataclass(frozen=True, slots=True)
class FolderMade:
    """A folder that was made to move files into."""

    path: str


Entry: TypeAlias = Moved | Linked | FolderMade
