"""The log of what was done to files: JSON lines, each on disk before the action that it describes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias, get_args

from fingerprint.dedupe.values import Action
from fingerprint.errors import ConfigError
from fingerprint.files.datafiles import parse_json

_FORMAT, _VERSION = "fingerprint dedupe log", 1
_MOST_MODE = 0o7777


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
_LINKS: tuple[str, ...] = tuple(action for action in get_args(Action) if action != "move")
_PATHS = ("path", "to", "aside", "keeper")  # fields that must be absolute paths


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
        self._file = path.open("xb", buffering=0)  # so that closing it has nothing to write that failed before
        self._n_bytes = 0
        try:
            self._write({"log": _FORMAT, "version": _VERSION})
        except OSError:  # as on a full disk; an empty file would be in the way of the next attempt
            self._file.close()
            path.unlink(missing_ok=True)
            raise

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._file.close()

    def note(self, entry: Entry) -> None:
        """Write what is about to be done, and wait until it is on disk."""
        kind = next(name for name, known in _KINDS.items() if isinstance(entry, known))
        self._write({"do": kind, **asdict(entry)})

    def _write(self, line: dict[str, Any]) -> None:
        data = json.dumps(line).encode("ascii") + b"\n"
        try:
            written = 0
            while written < len(data):
                written += self._file.write(data[written:])
            os.fsync(self._file.fileno())
            self._n_bytes += len(data)
        except OSError as error:
            with suppress(OSError):  # half a line would make nonsense of the next one
                self._file.truncate(self._n_bytes)
                self._file.seek(self._n_bytes)
            raise OSError(error.errno, f"the log cannot be written: {error.strerror}", os.fspath(self.path)) from error


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
            entries.append(_entry(fields))
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"{path}: line {number} of the log is damaged; nothing was undone") from error
    return entries


def _entry(fields: Mapping[str, Any]) -> Entry:
    """Return what a line says.

    Raises
    ------
    KeyError, TypeError, ValueError
        If it makes no sense: undoing acts on it, so all of it is looked at first.
    """
    values = dict(fields)
    kind = _KINDS[values.pop("do")]
    if kind is not FolderMade:
        values["state"] = _state(values["state"])
    for name in values.keys() - {"state"}:
        check = _check_path if name in _PATHS else _check_text
        check(values[name])
    if kind is Linked and values["action"] not in _LINKS:
        raise ValueError(f"{values['action']!r} is no kind of link")
    return kind(**values)


def _state(fields: Mapping[str, Any]) -> FileState:
    state = FileState(**fields)
    _check_text(state.content)
    for number in (state.n_bytes, state.mtime_ns, state.mode):
        if isinstance(number, bool) or not isinstance(number, int) or abs(number) >= 1 << 63:
            raise ValueError(f"{number!r} is no size, time or mode")
    if not 0 <= state.mode <= _MOST_MODE:
        raise ValueError(f"{state.mode} is no mode")
    return state


def _check_text(value: object) -> None:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(f"{value!r} is no text")
    os.fsencode(value)  # raises where no file can be called that


def _check_path(value: object) -> None:
    _check_text(value)
    if not isinstance(value, str) or not os.path.isabs(value) or not Path(value).name:  # noqa: PTH117 - a text
        raise ValueError(f"{value!r} is no absolute path of a file")


def _parsed(line: str) -> dict[str, Any]:
    try:
        found = parse_json(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
