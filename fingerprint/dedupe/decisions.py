"""What a person decided about groups of copies: read from the file that the page of a report saves, and checked.

A decision is about two files by their bytes: a copy, and the keeper that was proposed. Nothing is acted on that was not
decided, that is not there as it was, or that is not among the files that the command is about.
"""

from __future__ import annotations

import csv
import io
import os
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, get_args

from fingerprint.config import DEFAULT_CONFIG
from fingerprint.dedupe.files import state_of
from fingerprint.dedupe.values import PictureFile
from fingerprint.dedupe.worth import frames_of
from fingerprint.errors import ConfigError
from fingerprint.files.datafiles import parse_json
from fingerprint.files.listfiles import open_list
from fingerprint.files.names import read_name
from fingerprint.types import Skipped

_FORMAT, _VERSION = "fingerprint decisions", 1
_COLUMNS = (
    *("decision", "group", "query", "reference"),
    *("query_bytes", "query_sha256", "reference_bytes", "reference_sha256"),
)
#: What can be decided: the query is a copy of the reference and goes; it is kept in place of the reference, which goes;
#: both are left alone; it is no copy.
Choice: TypeAlias = Literal["copy", "keep-query", "skip", "not-a-copy"]
_CHOICES: tuple[Choice, ...] = get_args(Choice)


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file as it was when a page was made: its absolute path, its size, and the SHA-256 of its bytes in hex."""

    path: str
    n_bytes: int
    content: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about a file, and the keeper that was proposed for it."""

    choice: Choice
    query: KnownFile
    reference: KnownFile


@dataclass(frozen=True, slots=True)
class Leaving:
    """A file that goes, by decision."""

    file: PictureFile
    words: str = "a copy, by decision"
    same_as: PictureFile | None = None
    has_unseen_frames: bool = False

    @property
    def frees(self) -> int:
        """Bytes that are free without it."""
        return self.file.frees


@dataclass(frozen=True, slots=True)
class Decided:
    """A file that stays, by decision, and the files that go."""

    keeper: PictureFile
    members: tuple[Leaving, ...]


def read_decisions(path: Path) -> list[Decision]:
    """Read the decisions that the page of a report has saved, as JSON or as a CSV table.

    Raises
    ------
    ConfigError
        If it is no such file, or decides on something else than groups of copies.
    OSError
        If it cannot be read.
    """
    with open_list(path, longest=1 << 28) as file:
        data = file.read()
    try:
        text = _decoded(data)
        rows = _from_json(text) if text.lstrip().startswith("{") else _from_csv(text)
    except (ValueError, csv.Error) as error:
        raise ConfigError(
            f"{path}: these are no decisions of a page that 'fingerprint dedupe' made: {error}"
        ) from error
    decisions = []
    for number, row in enumerate(rows, start=1):
        try:
            decisions.append(_decision(row))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ConfigError(f"{path}: decision {number} makes no sense ({error}); nothing was done") from error
    return decisions


def _decoded(data: bytes) -> str:
    """Return the text of a file.

    Raises
    ------
    ValueError
        If it is in another encoding, or there is none.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError("it is not UTF-8: save it in that encoding") from error
    if not text.strip():
        raise ValueError("it is empty")
    return text


def decided_groups(
    decisions: Sequence[Decision], images: Sequence[Path], references: Sequence[Path] = ()
) -> tuple[list[Decided], list[Skipped]]:
    """Return what is to be done by decisions, and what is left alone, with the reason.

    Parameters
    ----------
    decisions : sequence of Decision
    images : sequence of Path
        Files that may be acted on.
    references : sequence of Path
        Files that stay in any case.

    Returns
    -------
    decided : list of Decided
    left : list of Skipped
        Files that were decided on and are left alone: they are not among the images, have changed, or what was decided
        contradicts itself.
    """
    groups: dict[str, list[Decision]] = defaultdict(list)
    clear, left = _without_contradictions(decisions)
    for decision in clear:
        groups[decision.reference.path].append(decision)
    plans = [_plan(group) for group in groups.values()]
    stay = {keeper.path for keeper, goes in plans if keeper is not None and goes}
    may_go = {os.path.abspath(path): path for path in images}  # noqa: PTH100 - does not follow links
    for path in references:
        may_go.pop(os.path.abspath(path), None)  # noqa: PTH100
    decided = []
    taken: set[str] = set()
    for keeper, goes in plans:
        members = []
        for known in goes:
            problem = _problem(known, keeper, may_go, stay, taken)
            taken.add(known.path)
            if problem is not None:
                left.append(Skipped(known.path, problem))
            else:
                members.append(Leaving(_file(known, may_go[known.path], len(taken))))
        if keeper is not None and members:
            decided.append(Decided(_file(keeper, Path(keeper.path), 0), tuple(members)))
    return decided, left


def _without_contradictions(decisions: Sequence[Decision]) -> tuple[list[Decision], list[Skipped]]:
    """Return the decisions, each once, without those on pairs on which several were made, and the files of these."""
    by_pair: dict[tuple[str, str], dict[Decision, None]] = defaultdict(dict)
    for decision in decisions:
        by_pair[decision.query.path, decision.reference.path][decision] = None
    clear: list[Decision] = []
    left: list[Skipped] = []
    for (query, _), made in by_pair.items():
        if len(made) == 1:
            clear += made
        else:
            choices = ", ".join(f"'{choice}'" for choice in dict.fromkeys(decision.choice for decision in made))
            left.append(Skipped(query, f"several decisions were made on it that differ ({choices}): keep one of them"))
    return clear, left


def _plan(group: Sequence[Decision]) -> tuple[KnownFile | None, list[KnownFile]]:
    """Return the file that stays of a group, and those that go; none stays if two are to be kept."""
    copies = [decision.query for decision in group if decision.choice == "copy"]
    chosen = [decision.query for decision in group if decision.choice == "keep-query"]
    if len(chosen) > 1:
        return None, [*copies, group[0].reference, *chosen]
    if chosen:
        return chosen[0], [group[0].reference, *copies]
    return group[0].reference, copies


def _problem(
    known: KnownFile,
    keeper: KnownFile | None,
    may_go: Mapping[str, Path],
    stay: Collection[str],
    taken: Collection[str],
) -> str | None:
    """Return why a file that is to go is left alone; None if it can go."""
    if keeper is None:
        return "two files of its group are to be kept in place of one: decide for one of them"
    if known.path in stay or known.path in taken:
        return "it is decided on twice, or kept for other files"
    if known.path not in may_go:
        return "not known: it is not among the images that were named, or it is one that is never touched"
    if not (known.content and keeper.content):
        return "the decisions do not say which bytes it and its keeper had"
    if Path(known.path).is_symlink():
        return "a symbolic link: what it leads to is left alone"
    try:
        state = state_of(Path(known.path))
        same = Path(keeper.path).exists() and Path(known.path).samefile(keeper.path)
    except OSError as error:
        return f"it cannot be read: {error.strerror or error}"
    if (state.n_bytes, state.content) != (known.n_bytes, known.content):
        return "it has changed since the page was made"
    if same:
        return "another path to the file that is kept: nothing would be freed"
    has_bytes_of_keeper = known.content == keeper.content
    if not has_bytes_of_keeper and frames_of(_file(known, Path(known.path), 0), DEFAULT_CONFIG.limits) > 1:
        return "it has several frames or pages, of which only the first was compared"
    return None


def _file(known: KnownFile, path: Path, order: int) -> PictureFile:
    """Return a file as `act` takes it: with the bytes that were decided on."""
    try:
        state = path.stat()
    except OSError:  # of a keeper that is gone: `act` says so of each of its copies
        state = os.stat_result([0] * 10)
    return PictureFile(
        path=path,
        order=order,
        is_reference=False,
        is_link=path.is_symlink(),
        device=state.st_dev,
        inode=state.st_ino,
        n_links=state.st_nlink,
        n_bytes=known.n_bytes,
        mtime_ns=state.st_mtime_ns,
        content=known.content,
    )


def _from_json(text: str) -> list[Mapping[str, Any]]:
    held = parse_json(text)
    if held.get("format") != _FORMAT:
        raise ValueError(f"the format is {held.get('format')!r}")
    if held.get("version") != _VERSION:
        raise ValueError(f"version {held.get('version')!r}, this program reads {_VERSION}")
    if held.get("kind") != "dedupe":
        raise ValueError(f"they are about the page of a {held.get('kind')}, not about groups of copies")
    rows = held.get("decisions")
    if not isinstance(rows, list):
        raise ValueError("it has no list of decisions")
    return rows


def _from_csv(text: str) -> list[Mapping[str, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise ValueError(
            f"it has no column {missing[0]!r}; columns are separated by commas, and named in the first line"
        )
    rows = list(reader)
    short = next((number for number, row in enumerate(rows, start=1) if None in row.values()), None)
    if short is not None:
        raise ValueError(f"decision {short} has fewer columns than the head of the table")
    return [{**row, "query": read_name(row["query"]), "reference": read_name(row["reference"])} for row in rows]


def _decision(row: object) -> Decision:
    if not isinstance(row, Mapping):
        raise TypeError(f"{row!r} has no fields")
    choice = row["decision"]
    if choice not in _CHOICES:
        raise ValueError(f"{choice!r} is none of {', '.join(_CHOICES)}")
    query, reference = (
        KnownFile(_path(row[name]), int(row[f"{name}_bytes"] or 0), str(row[f"{name}_sha256"] or ""))
        for name in ("query", "reference")
    )
    return Decision(cast("Choice", choice), query, reference)


def _path(value: object) -> str:
    if not isinstance(value, str) or not os.path.isabs(value) or "\0" in value:  # noqa: PTH117 - a text
        raise ValueError(f"{value!r} is no absolute path")
    os.fsencode(value)  # raises where no file can be called that
    return os.path.normpath(value)
