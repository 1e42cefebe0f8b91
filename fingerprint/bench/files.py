"""The files of results: what a run leaves behind, and how it is read again."""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fingerprint.bench.sets import EDITS_NAME, TRUTH_NAME, BenchSet, edits_of
from fingerprint.challenge import GroundTruth, Matches, read_ground_truth, read_matches
from fingerprint.challenge.files import first_repeated
from fingerprint.errors import ConfigError
from fingerprint.files import atomic
from fingerprint.files.datafiles import parse_json, read_small
from fingerprint.version import __version__

FORMAT = 1
RESULT_NAME, SET_NAME, QUERIES_NAME = "result.json", "set.json", "queries.txt"
ROWS = ("raw", "normalised")
_REWRITTEN = "run any method again, which writes it"
_AGAIN = "run the method with --again"
_PACKAGES = ("numpy", "scipy", "numba", "opencv-contrib-python-headless", "pillow", "onnxruntime")


@dataclass(frozen=True, slots=True)
class Costs:
    """What a method costs; None where it does not describe by itself.

    Attributes
    ----------
    image_ms : float or None
        Processor time of one reference, from its file to what is kept.
    image_bytes : float or None
        What is kept of one reference.
    query_ms : float or None
        Processor time of one query, from its file to its ranking.
    """

    image_ms: float | None
    image_bytes: float | None
    query_ms: float | None


@dataclass(frozen=True, slots=True)
class Result:
    """What a run leaves behind.

    Attributes
    ----------
    folder : Path
    name : str
        Of the folder: a copy of it under another name is another row.
    title : str
        Of the method.
    facts : mapping
        All of ``result.json``.
    costs : Costs
    """

    folder: Path
    name: str
    title: str
    facts: Mapping[str, Any]
    costs: Costs

    @property
    def rows(self) -> tuple[str, ...]:
        """The rows of the method: ``raw``, and if there is a background ``normalised``."""
        return tuple(self.facts["rows"])

    def read(self, row: str) -> Matches:
        """Read the scored pairs of a row.

        Raises
        ------
        ChallengeFileError
            If the file is missing or damaged.
        ConfigError
            If it has not all the pairs, or anything in it is not as the run wrote it.
        """
        path = pairs_path(self.folder, row)
        matches, n_written = read_matches(path), self.facts.get("pairs")
        if n_written not in (None, len(matches)):  # other programs need not say how many there are
            raise ConfigError(f"{path}: {len(matches)} pairs, but the run wrote {n_written}: {_AGAIN}")
        written, found = (self.facts.get("pairs_sha256") or {}).get(row), pairs_digest(self.folder, row)
        if written not in (None, found):
            raise ConfigError(
                f"{path}: not the file that the run wrote: its SHA-256 is {found}, that in {RESULT_NAME} {written}: "
                f"put that file back, or {_AGAIN}"
            )
        return matches


def pairs_path(folder: Path, row: str) -> Path:
    """Return the path of the scored pairs of a row, a Matching Track file."""
    return folder / f"pairs-{row}.csv"


def pairs_digest(folder: Path, row: str) -> str:
    """Return the SHA-256 of the scored pairs of a row, in hexadecimal digits."""
    with pairs_path(folder, row).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def machine_facts(command: str | None) -> dict[str, Any]:
    """Return the facts about the machine, the versions and the command that a result names."""
    versions = {"copyprint": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "system": platform.system(),
        "versions": versions,
        "command": command,
    }


def write_result(folder: Path, facts: Mapping[str, Any], costs: Costs) -> None:
    """Write ``result.json``, the last file of a run."""
    content = {"format": FORMAT, **facts, "costs": asdict(costs)}
    atomic.replace_bytes(folder / RESULT_NAME, (json.dumps(content, indent=2) + "\n").encode())


def read_result(folder: Path) -> Result:
    """Read ``result.json``.

    Raises
    ------
    ConfigError
        If it is missing, damaged or of another format.
    """
    path = folder / RESULT_NAME
    try:
        facts = parse_json(read_small(path))
        if facts["format"] != FORMAT:
            raise ConfigError(f"{path}: format {facts['format']}, this version reads {FORMAT}: {_AGAIN}")
        if wrong := next((key for key, is_right in _IN_RESULT.items() if not is_right(facts.get(key))), None):
            raise ValueError(f"{wrong!r} is {facts.get(wrong)!r}")
        return Result(folder, folder.name, facts["title"], facts, Costs(**facts["costs"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{path}: no result that can be read ({error}): {_AGAIN}") from error


def _is_cost(value: Any) -> bool:
    return value is None or (type(value) in (int, float) and 0 <= value < math.inf)


def _is_pair_of_texts(value: Any) -> bool:
    return type(value) is list and [type(item) for item in value] == [str, str]


def _is_text_by_row(value: Any) -> bool:
    return type(value) is dict and all(row in ROWS and type(text) is str for row, text in value.items())


#: What must hold of the entries of ``result.json`` that are used; other programs may leave out the last four.
_IN_RESULT: Mapping[str, Callable[[Any], bool]] = MappingProxyType(
    {
        "title": lambda value: type(value) is str,
        "rows": lambda value: value in ([row] for row in ROWS) or value == list(ROWS),
        "set": lambda value: type(value) is dict and type(value.get("digest")) is str,
        "costs": lambda value: type(value) is dict and all(map(_is_cost, value.values())),
        "pairs": lambda value: value is None or type(value) is int,
        "pairs_sha256": lambda value: value is None or _is_text_by_row(value),
        "skipped": lambda value: value is None or (type(value) is list and all(map(_is_pair_of_texts, value))),
        "versions": lambda value: value is None or type(value) is dict,
    }
)
#: The numbers in ``set.json``.
_SIZES = ("train", "references", "queries", "copies")


@dataclass(frozen=True, slots=True)
class SetResults:
    """All results on one set.

    Attributes
    ----------
    name : str
    facts : mapping
        Digest and sizes of the set.
    truth : GroundTruth
    edits : mapping of str to tuple of str
    query_ids : tuple of str
        All queries of the set.
    results : tuple of Result
        By name.
    """

    name: str
    facts: Mapping[str, Any]
    truth: GroundTruth
    edits: Mapping[str, tuple[str, ...]]
    query_ids: tuple[str, ...]
    results: tuple[Result, ...]


def folder_of_set(results: Path, bench_set: BenchSet) -> Path:
    """Return the folder of the results on a set: that of any set with the same digest, if there is one already."""
    own = results / bench_set.name
    same = [path for path in find_sets(results) if _digest_in(path) == bench_set.digest]
    return own if own in same or not same else same[0]


def _digest_in(folder: Path) -> str | None:
    try:
        return str(parse_json(read_small(folder / SET_NAME))["digest"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # damaged: no set that results can be added to; comparing says so


def write_set(folder: Path, bench_set: BenchSet) -> None:
    """Write what judging needs of a set, so that results can be judged where the pictures are not."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (TRUTH_NAME, EDITS_NAME):
        if (bench_set.folder / name).exists():
            atomic.replace_bytes(folder / name, (bench_set.folder / name).read_bytes())
    atomic.replace_bytes(folder / QUERIES_NAME, "".join(f"{name}\n" for name in bench_set.queries.ids).encode())
    sizes = {name: len(getattr(bench_set, name)) for name in ("train", "references", "queries")}
    facts = {"name": folder.name, "digest": bench_set.digest, **sizes, "copies": len(bench_set.truth.pairs)}
    atomic.replace_bytes(folder / SET_NAME, (json.dumps(facts, indent=2) + "\n").encode())


def read_set(folder: Path, names: Sequence[str] = ()) -> SetResults:
    """Read all results on one set, or those of some methods.

    Raises
    ------
    ConfigError
        If there are none, or one is damaged or of another set.
    ChallengeFileError
        If the ground truth is damaged.
    """
    try:
        facts = parse_json(read_small(folder / SET_NAME))
        query_ids = tuple((folder / QUERIES_NAME).read_text(encoding="utf-8").split("\n")[:-1])
        digest, name = facts["digest"], str(facts["name"])
        if wrong := next((key for key in _SIZES if type(facts[key]) is not int), None):
            raise ValueError(f"{wrong!r} is {facts[wrong]!r}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{folder}: no results of 'fingerprint bench run' that can be read ({error})") from error
    if (repeated := first_repeated(query_ids)) is not None:
        raise ConfigError(f"{folder / QUERIES_NAME}: {repeated!r} is there twice: {_REWRITTEN}")
    finished = sorted(path.parent.name for path in folder.glob(f"*/{RESULT_NAME}"))
    if missing := [name for name in names if name not in finished]:
        raise ConfigError(f"{folder}: no result of {missing[0]!r}; there are {', '.join(finished) or 'none'}")
    results = tuple(read_result(folder / name) for name in names or finished)
    if not results:
        raise ConfigError(f"{folder}: no method has finished: run 'fingerprint bench run' to the end")
    for result in results:
        if result.facts["set"]["digest"] != digest:
            raise ConfigError(f"{result.folder}: of another set than {folder / SET_NAME}: {_AGAIN}")
    truth = read_ground_truth(folder / TRUTH_NAME)
    if missing := sorted(truth.query_ids - set(query_ids)):
        raise ConfigError(f"{folder / QUERIES_NAME}: lacks the query {missing[0]!r}: {_REWRITTEN}")
    return SetResults(name, facts, truth, edits_of(folder), query_ids, results)


def find_sets(results: Path) -> list[Path]:
    """Return the folders of sets in a folder of results, or that folder itself if it is one."""
    if (results / SET_NAME).exists():
        return [results]
    return sorted(path.parent for path in results.glob(f"*/{SET_NAME}"))
