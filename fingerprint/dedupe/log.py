"""The log of what was done to files: JSON lines, each on disk before the action that it describes.

A further line says how the action ended, and later ones that it was taken back. So what the log names may be touched
only as long as it is what this log put there: another run may have put an equal file in the same place since.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, get_args

from fingerprint.dedupe.actions import Entry, FileState, FolderMade, Linked, Moved, Stage
from fingerprint.dedupe.values import Action
from fingerprint.errors import ConfigError
from fingerprint.files.datafiles import parse_json

_FORMAT, _VERSION = "fingerprint dedupe log", 2
_VERSIONS = (1, _VERSION)  # that can be read; those of version 1 do not say how actions ended
_MOST_MODE = 0o7777
_log = logging.getLogger(__name__)

_KINDS: dict[str, type[Moved] | type[Linked] | type[FolderMade]] = {
    "move": Moved,
    "link": Linked,
    "folder": FolderMade,
}
_LINKS: tuple[str, ...] = tuple(action for action in get_args(Action) if action != "move")
_PATHS = ("path", "to", "aside", "keeper")  # fields that must be absolute paths


class Log:
    """A new log file, written line by line; use it in a ``with`` statement.

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
        self._file: BinaryIO = path.open("xb", buffering=0)  # so that closing has nothing to write that failed before
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
        fields = asdict(entry)
        fields.pop("stage", None)
        self._write({"do": kind, **fields})

    def ended(self, *, done: bool) -> None:
        """Write how the last action that was noted has ended."""
        self._write_if_possible({"do": _ENDED, "done": done})

    def undoing(self, number: int) -> None:
        """Write that an action, by its position among all entries, is about to be taken back."""
        self._write_if_possible({"do": "undoing", "number": number}, wait=True)

    def undone(self, number: int) -> None:
        """Write that an action was taken back."""
        self._write_if_possible({"do": "undone", "number": number})

    def _write_if_possible(self, line: dict[str, Any], *, wait: bool = False) -> None:
        """Write a line that is no condition: without it, undoing leaves more alone, as on a full disk."""
        with suppress(OSError):
            self._write(line, wait=wait)

    def _write(self, line: dict[str, Any], *, wait: bool = True) -> None:
        self._append(json.dumps(line).encode("ascii") + b"\n", wait=wait)

    def _append(self, data: bytes, *, wait: bool = True) -> None:
        try:
            written = 0
            while written < len(data):
                written += self._file.write(data[written:])
            if wait:
                os.fsync(self._file.fileno())
            self._n_bytes += len(data)
        except OSError as error:
            with suppress(OSError):  # half a line would make nonsense of the next one
                self._file.truncate(self._n_bytes)
                self._file.seek(self._n_bytes)
            raise OSError(error.errno, f"the log cannot be written: {error.strerror}", os.fspath(self.path)) from error


class Reopened(Log):
    """A log that was written before, and that `read_log` could read, to note what is taken back.

    Raises
    ------
    OSError
        If it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        whole, lacks_end = _without_cut_line(path.read_bytes())
        self._file = path.open("r+b", buffering=0)
        self._n_bytes = len(whole)
        try:
            self._file.truncate(len(whole))  # half a line would make nonsense of the next one
            self._file.seek(len(whole))
            if lacks_end:
                self._append(b"\n")
        except OSError:
            self._file.close()
            raise


_ENDED = "ended"
_TAKEN_BACK = ("undoing", "undone")


def read_log(path: Path) -> list[Entry]:
    """Return what a log says, in its order, and how far each action has come.

    A last line that is cut short is left out, with a warning: as a rule its action was not begun.

    Raises
    ------
    ConfigError
        If it is no such log, or a line of it makes no sense.
    OSError
        If it cannot be read.
    """
    data = path.read_bytes()
    whole, last = _without_cut_line(data)
    if len(whole) < len(data):
        _log.warning("%s: the last line is cut short and left out; most likely nothing was done by it", path)
    lines = whole.decode("ascii", "replace").split("\n")
    lines = lines if last else lines[:-1]
    if not lines or _parsed(lines[0]).get("log") != _FORMAT:
        raise ConfigError(f"{path}: this is no log of 'fingerprint dedupe'")
    version = _parsed(lines[0]).get("version")
    if version not in _VERSIONS:
        raise ConfigError(f"{path}: a log of another version; undo it with the version of copyprint that wrote it")
    entries: list[Entry] = []
    for number, line in enumerate(lines[1:], start=2):
        fields = _parsed(line)
        try:
            if fields["do"] in (_ENDED, *_TAKEN_BACK):
                _note_stage(entries, fields)
            else:
                entries.append(_entry(fields))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ConfigError(f"{path}: line {number} of the log is damaged; nothing was undone") from error
    return _settled(entries, by_version=version)


def _without_cut_line(data: bytes) -> tuple[bytes, bool]:
    """Return a log without a last line that is cut short, and whether its last line only lacks its end."""
    _, _, last = data.rpartition(b"\n")
    if not last:
        return data, False
    if _parsed(last.decode("ascii", "replace")):
        return data, True
    return data[: len(data) - len(last)], False


def _note_stage(entries: list[Entry], fields: Mapping[str, Any]) -> None:
    """Note how far an action has come by a line that says so.

    Raises
    ------
    KeyError, TypeError, ValueError, IndexError
        If the line makes no sense.
    """
    stage: Stage
    if fields["do"] == _ENDED:
        number, stage = len(entries) - 1, "done" if fields["done"] else "failed"
    else:
        number, stage = fields["number"], "undone" if fields["do"] == "undone" else "undoing"
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < len(entries):
        raise ValueError(f"there is no action {number!r}")
    entry = entries[number]
    if isinstance(entry, FolderMade):
        raise ValueError("it is about a folder")
    entries[number] = replace(entry, stage=stage)


def _settled(entries: Sequence[Entry], *, by_version: int) -> list[Entry]:
    """Return the entries, those that are only said to have begun as ended, unless they were interrupted.

    Only the last action of a log may have been interrupted. Of any other one, only the line on its end could not be
    written; and logs of version 1 have no such lines.
    """
    last = max((k for k, entry in enumerate(entries) if not isinstance(entry, FolderMade)), default=-1)
    settled: list[Entry] = []
    for k, entry in enumerate(entries):
        ended = by_version != _VERSION or k < last
        if not isinstance(entry, FolderMade) and entry.stage == "begun" and ended:
            entry = replace(entry, stage="done")
        settled.append(entry)
    return settled


def _entry(fields: Mapping[str, Any]) -> Entry:
    """Return what a line says.

    Raises
    ------
    KeyError, TypeError, ValueError
        If it makes no sense: undoing acts on it, so all of it is looked at first.
    """
    values = dict(fields)
    kind = _KINDS[values.pop("do")]
    if "stage" in values:
        raise ValueError("the stage has lines of its own")
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
