"""The log of what was done to files: JSON lines, each on disk before the action that it describes."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

from fingerprint.dedupe.values import Action
from fingerprint.errors import ConfigError

_FORMAT, _VERSION = "fingerprint dedupe log", 1


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
    """

    path: str
    to: str
    keeper: str
    state: FileState


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
    """

    action: Action
    path: str
    aside: str
    keeper: str
    target: str
    state: FileState


@dataclass(frozen=True, slots=True)
class FolderMade:
    """A folder that was made to move files into."""

    path: str


Entry: TypeAlias = Moved | Linked | FolderMade
_KINDS: dict[str, type[Moved] | type[Linked] | type[FolderMade]] = {
    "move": Moved,
    "link": Linked,
    "folder": FolderMade,
}


class Log:
    """A new log file, written line by line.

    Parameters
    ----------
    path : Path
        There must be no file yet.

    Raises
    ------
    FileExistsError
        If there is one.
    OSError
        If it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("x", encoding="ascii")
        self._write({"log": _FORMAT, "version": _VERSION})

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._file.close()

    def note(self, entry: Entry) -> None:
        """Write what is about to be done, and wait until it is on disk."""
        kind = next(name for name, known in _KINDS.items() if isinstance(entry, known))
        self._write({"do": kind, **asdict(entry)})

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def read_log(path: Path) -> list[Entry]:
    """Return what a log says, in its order. A last line that is cut short is left out: its action was not begun.

    Raises
    ------
    ConfigError
        If it is no such log, or a line of it makes no sense.
    OSError
        If it cannot be read.
    """
    text = path.read_bytes().decode("ascii", "replace")
    lines = text.split("\n")[:-1]  # what follows the last line's end was not written to its end
    if not lines or _parsed(lines[0]).get("log") != _FORMAT:
        raise ConfigError(f"{path}: this is no log of 'fingerprint dedupe'")
    if _parsed(lines[0]).get("version") != _VERSION:
        raise ConfigError(f"{path}: a log of another version; undo it with the version of copyprint that wrote it")
    entries = []
    for number, line in enumerate(lines[1:], start=2):
        fields = _parsed(line)
        try:
            kind = _KINDS[fields.pop("do")]
            if "state" in fields:
                fields["state"] = FileState(**fields["state"])
            entries.append(kind(**fields))
        except (KeyError, TypeError) as error:
            raise ConfigError(f"{path}: line {number} of the log is damaged; nothing was undone") from error
    return entries


def _parsed(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
