"""Running one method on one set: learning, describing or taking in, searching; each step goes on where it ended."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fingerprint.bench.arrays import load_arrays, save_arrays
from fingerprint.bench.base import CANDIDATES, DescribingMethod, Learned, Matcher, MatchingMethod, Method, Role
from fingerprint.bench.blocks import Block, in_blocks, joined, spent
from fingerprint.bench.clock import processor_seconds
from fingerprint.bench.files import (
    RESULT_NAME,
    Costs,
    Result,
    folder_of_set,
    machine_facts,
    pairs_digest,
    pairs_path,
    read_result,
    write_result,
    write_set,
)
from fingerprint.bench.notes import has_note, write_note
from fingerprint.bench.search import Scored, background, best_of, search
from fingerprint.bench.sets import BenchSet, Part
from fingerprint.bench.turns import turn
from fingerprint.challenge import Matches, write_matches
from fingerprint.errors import ConfigError, FingerprintError, ImageError
from fingerprint.types import F64, I64, Skipped, StageProgress

_QUERY_BLOCK = 64
_ROLES: tuple[tuple[str, Role], ...] = (("train", "train"), ("references", "reference"), ("queries", "query"))


@dataclass(frozen=True, slots=True)
class _Found:
    """What a method found on a set."""

    scored: Scored
    background: F64 | None
    costs: Costs
    skipped: tuple[Skipped, ...]
    facts: Mapping[str, Any]


def run_method(
    bench_set: BenchSet,
    name: str,
    method: Method,
    results: Path,
    *,
    command: str | None = None,
    again: bool = False,
    n_workers: int | None = None,
    progress: StageProgress | None = None,
) -> Result:
    """Run a method on a set, and write its results to ``RESULTS/SET-DIGEST/NAME/``.

    A set with the same contents in another folder is the same set: its results are found, and added to.

    Parameters
    ----------
    bench_set : BenchSet
    name : str
        Of the folder, and of the rows in tables.
    method : Method
    results : Path
        The folder of all results.
    command : str, optional
        What was typed, to be named in the result.
    again : bool
        Delete a result that is there, and all that an interrupted run left.
    n_workers : int, optional
        Threads; one for each core by default. Scores do not depend on it.
    progress : callable, optional
        Called as ``progress(stage, done, total)``.

    Returns
    -------
    Result
        If it is there already, it is read and nothing is done.

    Raises
    ------
    ConfigError
        If the folder has what another model left, or the method cannot work with this set.
    BenchBusyError
        If another process runs a method of this name on this set.
    """
    set_results = folder_of_set(results, bench_set)
    write_set(set_results, bench_set)
    folder = set_results / name
    with turn(set_results / f".{name}.lock", f"{name!r} is run"):
        if again and folder.exists():
            shutil.rmtree(folder)
        _claim(folder, method)
        if (folder / RESULT_NAME).exists():
            return read_result(folder)
        report = progress or (lambda _stage, _done, _total: None)
        with _blamed(method, name):
            found = _find(method, bench_set, folder, n_workers, partial(_reported, report, name))
        _write_pairs(folder, found, bench_set)
        rows = ["raw"] if found.background is None else ["raw", "normalised"]
        facts = {
            "name": name,
            "title": method.title or name,
            "identity": method.identity,
            "rows": rows,
            "set": {"name": set_results.name, "digest": bench_set.digest},
            "candidates_a_query": CANDIDATES,
            "pairs": len(found.scored.scores),
            "pairs_sha256": {row: pairs_digest(folder, row) for row in rows},
            **found.facts,
            "skipped": [[Path(item.path).name, item.reason] for item in found.skipped],
            **machine_facts(command),
        }
        write_result(folder, facts, found.costs)
        shutil.rmtree(folder / "work", ignore_errors=True)
        return read_result(folder)


def _find(method: Method, bench_set: BenchSet, folder: Path, n_workers: int | None, report: StageProgress) -> _Found:
    report("learning", 0, 1)
    learned = _learned(folder, method, bench_set)
    report("learning", 1, 1)
    if isinstance(method, DescribingMethod):
        return _describe(method, learned, bench_set, folder, n_workers, report)
    return _match(method, learned, bench_set, folder, n_workers, report)


@contextmanager
def _blamed(method: Method, name: str) -> Iterator[None]:
    """Say of a method that another package adds that it failed: its faults are no bugs of this package."""
    try:
        yield
    except Exception as error:
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        if full or isinstance(error, FingerprintError) or type(method).__module__.startswith("fingerprint."):
            raise
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise ConfigError(f"the method {name!r} of {type(method).__module__} failed: {what}") from error


def _reported(report: StageProgress, name: str, stage: str, done: int, total: int) -> None:
    report(f"{name}, {stage}", done, total)


def _claim(folder: Path, method: Method) -> None:
    """Note whose folder it is, or check that it is this method's."""
    path = folder / "method.json"
    own = {"class": f"{type(method).__module__}.{type(method).__qualname__}", "identity": method.identity}
    if path.exists():
        if has_note(path, own):
            return
        if (folder / RESULT_NAME).exists() or any(file.is_file() for file in (folder / "work").rglob("*")):
            raise ConfigError(
                f"{folder}: made by another model or method of this name: give --again, or another --name"
            )
        shutil.rmtree(folder)  # that run failed before it described anything
    folder.mkdir(parents=True, exist_ok=True)
    write_note(path, own)


def _learned(folder: Path, method: Method, bench_set: BenchSet) -> Learned:
    path = folder / "learned.npz"
    if not path.exists():
        learned = method.learn(bench_set.train.paths)
        if not isinstance(learned, Mapping) or any(np.asarray(array).dtype == object for array in learned.values()):
            raise ConfigError(f"{type(method).__name__}.learn returned no arrays of numbers or text by their names")
        save_arrays(path, **learned)
    return load_arrays(path)


def _describe(
    method: DescribingMethod,
    learned: Learned,
    bench_set: BenchSet,
    folder: Path,
    n_workers: int | None,
    report: StageProgress,
) -> _Found:
    blocks: dict[str, list[Block]] = {}
    for part_name, role in _ROLES:
        part: Part = getattr(bench_set, part_name)
        describe = partial(_vectors_of, method=method, role=role, learned=learned)
        _warm(describe, part)
        blocks[part_name] = in_blocks(
            part.paths, describe, folder / "work" / part_name, n_workers, partial(report, part_name)
        )
        _save_vectors(folder / f"{part_name}.npz", part, blocks[part_name])
    rows = {name: _rows_of(found) for name, found in blocks.items()}
    vectors = {name: joined(found, "vectors") for name, found in blocks.items()}
    for name in ("references", "queries"):
        _check_any(bench_set, name, spent(blocks[name])[1])
    owners = np.repeat(rows["queries"], np.concatenate([b.counts for b in blocks["queries"]]))
    search(vectors["queries"][:1], owners[:1], vectors["references"][:2])  # compiles
    before = processor_seconds()
    found = search(vectors["queries"], owners, vectors["references"])
    seconds = processor_seconds() - before
    scored = Scored(found.query_idx, rows["references"][found.reference_idx], found.scores)
    n_queries = len(bench_set.queries)
    among = None
    if len(rows["train"]):
        among = background(search(vectors["queries"], owners, vectors["train"]), n_queries, len(rows["train"]))
    n_bytes = vectors["references"].nbytes / len(rows["references"])
    costs = Costs(None, n_bytes, None)
    if method.timed:
        query_seconds = sum(b.seconds for b in blocks["queries"]) + seconds
        image_seconds = sum(b.seconds for b in blocks["references"])
        costs = Costs(1000 * image_seconds / len(bench_set.references), n_bytes, 1000 * query_seconds / n_queries)
    kind = "codes" if vectors["references"].dtype == np.uint64 else "vectors"
    skipped = tuple(item for found in blocks.values() for block in found for item in block.skipped)
    return _Found(scored, among, costs, skipped, {"kind": kind, "numbers": int(vectors["references"].shape[1])})


def _vectors_of(path: Path, method: DescribingMethod, role: Role, learned: Learned) -> Mapping[str, Any]:
    found = np.atleast_2d(method.describe(path, role, learned))
    is_array = found.dtype in (np.float32, np.uint64) and found.ndim == 2 and found.shape[1]
    if not is_array or (role != "query" and len(found) != 1):
        raise ConfigError(
            f"{type(method).__name__}.describe returned {found.dtype} {found.shape} for a {role}: return float32 or "
            "uint64, one row; several for queries only"
        )
    if found.dtype == np.float32 and not np.isfinite(found).all():
        raise ImageError(str(path), "its vector is not finite")
    return {"vectors": found}


def _warm(describe: Callable[[Path], object], part: Part) -> None:
    """Describe one picture: what is loaded on the way is not a cost of describing."""
    for path in part.paths:
        try:
            describe(path)
        except ImageError:
            continue
        return


def _check_any(bench_set: BenchSet, name: str, skipped: Sequence[Skipped]) -> None:
    """Check that not all pictures of a folder were skipped."""
    part: Part = getattr(bench_set, name)
    if len(skipped) >= len(part):
        raise ConfigError(
            f"{bench_set.folder / name}: none of its {len(part)} pictures could be described; of "
            f"{Path(skipped[0].path).name}: {skipped[0].reason}"
        )


def _rows_of(blocks: list[Block]) -> I64:
    return np.concatenate([np.empty(0, np.int64), *(block.rows for block in blocks)])


def _save_vectors(path: Path, part: Part, blocks: list[Block]) -> None:
    rows = _rows_of(blocks)
    counts = np.concatenate([np.empty(0, np.int64), *(block.counts for block in blocks)])
    ids = np.array([part.ids[row] for row in rows], np.str_)
    save_arrays(path, ids=np.repeat(ids, counts), vectors=joined(blocks, "vectors"))


def _match(
    method: MatchingMethod,
    learned: Learned,
    bench_set: BenchSet,
    folder: Path,
    n_workers: int | None,
    report: StageProgress,
) -> _Found:
    part, n_references = bench_set.queries, len(bench_set.references)
    work = folder / "work"
    report("references", 0, n_references)
    seconds, matcher, blocks = _asked(method, learned, bench_set.references, part, work / "own", n_workers, report)
    n_bytes = matcher.n_bytes / n_references
    matcher.close()
    query_seconds, skipped = spent(blocks)
    _check_any(bench_set, "references", matcher.skipped)
    _check_any(bench_set, "queries", skipped)
    skipped = (*matcher.skipped, *skipped)
    among = None
    if method.normalised and len(bench_set.train):
        _, matcher, others = _asked(method, learned, bench_set.train, part, work / "train", n_workers, report)
        matcher.close()
        skipped = (*matcher.skipped, *skipped)
        if len(matcher.skipped) < len(bench_set.train):
            among = background(_scored(others), len(part), len(bench_set.train), absent=0.0)
    costs = Costs(1000 * seconds / n_references, n_bytes, 1000 * query_seconds / len(part))
    return _Found(_scored(blocks), among, costs, skipped, {"kind": "pairs"})


def _asked(
    method: MatchingMethod,
    learned: Learned,
    references: Part,
    queries: Part,
    work: Path,
    n_workers: int | None,
    report: StageProgress,
) -> tuple[float, Matcher, list[Block]]:
    """Take in references and score them for all queries; return the seconds of the first, and the blocks."""
    work.mkdir(parents=True, exist_ok=True)
    before = processor_seconds()
    matcher = method.open(references.paths, learned, work, n_workers)
    if not isinstance(matcher, Matcher):
        raise ConfigError(f"{type(method).__name__}.open returned {type(matcher).__name__}: return a Matcher")
    seconds = processor_seconds() - before if matcher.seconds is None else matcher.seconds
    _warm(matcher.match, queries)
    find = partial(_pairs_of, matcher=matcher, n_references=len(references))
    blocks = in_blocks(queries.paths, find, work / "pairs", n_workers, partial(report, "queries"), _QUERY_BLOCK)
    return seconds, matcher, blocks


def _pairs_of(path: Path, matcher: Matcher, n_references: int) -> Mapping[str, Any]:
    found = matcher.match(path)
    rows, scores = np.array([row for row, _ in found], np.int64), np.array([score for _, score in found], np.float64)
    wrong = (rows < 0) | (rows >= n_references) | ~np.isfinite(scores)
    if wrong.any():
        at = int(wrong.argmax())
        raise ConfigError(
            f"{path}: {type(matcher).__name__}.match returned row {rows[at]} with score {scores[at]}: return rows of "
            f"the {n_references} references and finite scores"
        )
    best = best_of(np.zeros(len(rows), np.int64), rows, scores, CANDIDATES)
    return {"rows": best.reference_idx, "scores": best.scores}


def _scored(blocks: list[Block]) -> Scored:
    counts = np.concatenate([block.counts for block in blocks])
    pairs = [(block.arrays["rows"], block.arrays["scores"]) for block in blocks if len(block.rows)]
    rows = np.concatenate([np.empty(0, np.int64), *(rows for rows, _ in pairs)])
    scores = np.concatenate([np.empty(0, np.float64), *(scores for _, scores in pairs)])
    return Scored(np.repeat(_rows_of(blocks), counts), rows, scores)


def _write_pairs(folder: Path, found: _Found, bench_set: BenchSet) -> None:
    queries = tuple(bench_set.queries.ids[row] for row in found.scored.query_idx)
    references = tuple(bench_set.references.ids[row] for row in found.scored.reference_idx)
    write_matches(pairs_path(folder, "raw"), Matches(queries, references, found.scored.scores))
    if found.background is not None:
        normalised = found.scored.scores - found.background[found.scored.query_idx]
        write_matches(pairs_path(folder, "normalised"), Matches(queries, references, normalised))
