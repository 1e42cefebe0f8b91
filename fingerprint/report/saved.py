"""Pages of results that were saved: the JSON lines of ``search``, ``compare`` and ``dedupe find``."""

from __future__ import annotations

import codecs
import math
import os
import unicodedata
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

from fingerprint.errors import ConfigError
from fingerprint.files.datafiles import parse_json
from fingerprint.files.listfiles import open_list
from fingerprint.locations import Location, Url, location
from fingerprint.report.draft import Draft, References
from fingerprint.report.from_search import add_answer
from fingerprint.report.values import Kind, Page, PagePair, PagePicture
from fingerprint.results import Answer, Match, Verification
from fingerprint.types import Skipped

_Line = dict[str, Any]
_EXPECTED = (
    "give what 'search', 'compare' or 'dedupe find' printed with --json, or a Matching Track file: CSV with the header "
    "query_id,reference_id,score"
)
_BEGINNING = 1 << 12  # bytes by which its kind is known
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LONGEST = 1 << 28  # bytes of a line, which may hold a group of many thousand files


def is_json_lines(path: Path) -> bool:
    """Return whether a file has a JSON object on each line, rather than the rows of a Matching Track file.

    Raises
    ------
    ConfigError
        If it begins as neither of them, or cannot be read.
    """
    try:
        with open_list(path) as file:
            start = file.read(_BEGINNING).removeprefix(codecs.BOM_UTF8).lstrip(b" \t\r\n")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from error
    if start.startswith(b"{"):
        return True
    if not _may_be_rows(start):
        found = (
            "it is empty" if not start else "UTF-16 text, not UTF-8" if start[:2] in _UTF16 else "another kind of file"
        )
        raise ConfigError(f"{path}: {found}; {_EXPECTED}")
    return False


def _may_be_rows(start: bytes) -> bool:
    """Return whether a file that begins like this may be CSV, be it a sound one or not."""
    line, _, rest = start.partition(b"\n")
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(line, final=bool(rest))
    except UnicodeDecodeError:
        return False
    *others, last = text.rstrip().split(",")
    if not others or any(unicodedata.category(char) == "Cc" for char in text.rstrip() if char != "\t"):
        return False
    return not (text.startswith("[") and last.endswith("]"))  # a JSON array


def page_of_saved(path: Path, root: Path, references: References) -> Page:
    """Return the page of the results in a file.

    Parameters
    ----------
    path : Path
        What a command printed with ``--json``.
    root : Path
        Where paths that are not absolute begin: the folder in which the command ran.
    references : References
        Where the pictures of references are found, besides the files that the lines name.

    Raises
    ------
    ConfigError
        If the file cannot be read, or a line is of none of these commands.
    """
    draft = Draft()
    kinds: set[Kind] = set()
    for number, line in _lines(path):
        try:
            kinds.add(_add(draft, line, root, references))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ConfigError(f"{path}: line {number} is no result; {_EXPECTED}") from error
    if len(kinds) != 1:
        found = " and ".join(f"'{kind}'" for kind in sorted(kinds)) or "nothing"
        raise ConfigError(f"{path}: it holds results of {found}; give those of one command")
    return draft.page(kinds.pop(), f"Results in {path.name}")


def _lines(path: Path) -> Iterator[tuple[int, _Line]]:
    try:
        with open_list(path, longest=_LONGEST) as file:
            for number, text in enumerate(file, start=1):
                if text.strip():
                    line = parse_json(text)
                    if not isinstance(line, dict):
                        raise ConfigError(f"{path}: line {number} is no JSON object; give what --json printed")
                    yield number, line
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: not JSON lines ({error}); give what --json printed") from error


def _add(draft: Draft, line: _Line, root: Path, references: References) -> Kind:
    if "group" in line:
        _add_group(draft, line, root)
        return "dedupe"
    if "query" in line and "reference" in line:
        query, reference = (draft.file(_within(root, line[key])) for key in ("query", "reference"))
        draft.pairs.append(PagePair(query, reference, _verification(line)))
        return "compare"
    if "query" in line:
        named = {m["reference"]: _within(root, m["file"]) for m in _matches(line) if m.get("file")}
        add_answer(draft, _within(root, line["query"]), _answer(line), references.also_at(named))
        return "search"
    if "skipped" in line and "path" in line:
        draft.skipped.append(Skipped(str(line["path"]), str(line["skipped"])))
    elif not (type(line["groups"]) is type(line["files"]) is int):  # otherwise these are the totals of 'dedupe find'
        raise ValueError("unknown")
    return "dedupe"


def _within(root: Path, name: object) -> Location:
    """Return the URL that a name is, or its path, which begins in `root` if it is not absolute."""
    found = location(str(name))
    return found if isinstance(found, Url) else root / found


def _matches(line: _Line) -> list[_Line]:
    return [*line.get("matches", ()), *line.get("shared", ())]


def _answer(line: _Line) -> Answer | Skipped:
    query = str(line["query"])
    if "skipped" in line:
        return Skipped(query, str(line["skipped"]))
    matches, shared = (
        tuple(Match(query, str(m["reference"]), _verification(m)) for m in line.get(key, ()))
        for key in ("matches", "shared")
    )
    return Answer(query, matches, shared, {}, {}, plain="plain" in line)


def _add_group(draft: Draft, line: _Line, root: Path) -> None:
    keeper = _file(draft, line["keeper"], root)
    why = "; ".join(map(str, line["keeper"].get("reasons", ())))
    for member in line["members"]:
        draft.pairs.append(
            PagePair(
                query=_file(draft, member, root),
                reference=keeper,
                found=_verification(member),
                words=str(member["what"]),
                group=int(line["group"]),
                why=why,
                frees=int(member.get("frees", 0)),
            )
        )
    for member in line.get("shared", ()):
        query = _file(draft, member, root)
        draft.pairs.append(PagePair(query, keeper, _verification(member), group=int(line["group"])))


def _file(draft: Draft, facts: Mapping[str, Any], root: Path) -> int:
    path = root / str(facts["path"])
    key = os.path.abspath(path)  # noqa: PTH100 - does not follow links

    def make() -> PagePicture:
        return PagePicture(
            str(facts["path"]),
            path,
            path=key,
            size=(int(facts["width"]), int(facts["height"])),
            content=str(facts.get("sha256", "")),
            n_bytes=int(facts["bytes"]),
        )

    return draft.picture(key, partial(make))


def _verification(facts: Mapping[str, Any]) -> Verification:
    """Return a verdict as `fingerprint.cli` writes it in JSON; a number that JSON does not have is written as null."""

    def region(name: str) -> tuple[tuple[float, float], ...] | None:
        corners = facts[name]
        if corners is None or any(value is None for corner in corners for value in corner):
            return None
        return tuple((_finite(x), _finite(y)) for x, y in corners)

    transform = cast("list[float | None] | None", facts["transform"])
    known = None
    if transform is not None and len(transform) == 9 and None not in transform:
        known = tuple(_finite(value or 0.0) for value in transform)
    return Verification(
        probability=_probability(facts["probability"]),
        shared_probability=_probability(facts["shared_probability"]),
        log_odds=_finite(facts["log_odds"]),
        n_inliers=int(facts["inliers"]),
        transform=known,
        mirrored=bool(facts["mirrored"]),
        inverted=bool(facts["inverted"]),
        reference_region=region("reference_region"),
        query_region=region("query_region"),
        identical=bool(facts["identical"]),
    )


def _finite(value: Any) -> float:
    """Return a number of a result; Python reads NaN and Infinity, which no command writes and no page can hold."""
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is no number of a result")
    return number


def _probability(value: Any) -> float:
    number = _finite(value)
    if not 0 <= number <= 1:
        raise ValueError(f"{value!r} is no probability")
    return number
