"""The real DISC21: from the folders as they are published to the files of both tracks and their metrics.

The run is resumable: references are kept in a collection, queries in blocks of files. Each query is treated by itself,
each reference too, and the training images are not used: the models of the package are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from fingerprint.bench.arrays import load_arrays, save_arrays
from fingerprint.bench.notes import has_note, write_note
from fingerprint.bench.turns import turn
from fingerprint.challenge import (
    MAX_ROWS,
    DescriptorSet,
    Matches,
    Metrics,
    evaluate_descriptors,
    evaluate_matches,
    read_ground_truth,
    write_descriptors,
    write_matches,
)
from fingerprint.collection.collection import Collection, create_collection, open_collection
from fingerprint.config import DEFAULT_PROFILE, config_for
from fingerprint.errors import ConfigError
from fingerprint.features.describe import compact_descriptor
from fingerprint.files import atomic
from fingerprint.images.find import find_images
from fingerprint.index.own_files import is_collection
from fingerprint.models import Models, load_models
from fingerprint.types import F32, Skipped, StageProgress
from fingerprint.workers import Workers, map_images

Split: TypeAlias = Literal["dev", "final", "all"]
SPLITS: tuple[Split, ...] = ("dev", "final", "all")
#: The first query of the final phase.
FIRST_FINAL = 50_000

_QUERIES, _REFERENCES = ("query_images", "queries"), ("reference_images", "references")
_TRUTH = ("public_ground_truth.csv", "ground_truth.csv")
_QUERY = re.compile(r"Q(\d+)")
_REFERENCES_AT_ONCE, _QUERIES_AT_ONCE = 4096, 256
MATCHES_NAME, DESCRIPTORS_NAME, SCORES_NAME = "matches.csv", "descriptors.h5", "scores.json"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run gave.

    Attributes
    ----------
    matches, descriptors : Path
        The files of both tracks.
    n_queries, n_references : int
        Pictures that could be read.
    matching, descriptor : Metrics or None
        Of the labelled queries; None without a ground truth.
    skipped : tuple of Skipped
    """

    matches: Path
    descriptors: Path
    n_queries: int
    n_references: int
    matching: Metrics | None
    descriptor: Metrics | None
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class _Layout:
    queries: dict[str, Path]
    references: dict[str, Path]
    truth: Path | None


def run_disc21(
    folder: Path,
    out: Path,
    *,
    split: Split = "dev",
    profile: str = DEFAULT_PROFILE,
    ground_truth: Path | None = None,
    models: Models | None = None,
    n_workers: Workers = None,
    progress: StageProgress | None = None,
) -> Outcome:
    """Run both tracks on the data set as it is published, and judge them.

    Parameters
    ----------
    folder : Path
        With ``query_images/``, ``reference_images/`` and, to be judged, ``public_ground_truth.csv``.
    out : Path
        A folder for the files and for what is kept between runs. The same call goes on where an interrupted one ended.
    split : {"dev", "final", "all"}
        Queries below Q50000, from Q50000 on, or all.
    profile : str
    ground_truth : Path, optional
        Another file of the ground truth. Only queries that it names are judged.
    models : Models, optional
    n_workers : int or Cluster, optional
        Threads, one for each core by default, or a cluster. The result does not depend on it.
    progress : callable, optional
        Called as ``progress(stage, done, total)``.

    Raises
    ------
    ConfigError
        If a folder is missing or has no image, or `out` has a run with other settings.
    ChallengeFileError
        If the ground truth breaks the challenge's rules.
    BenchBusyError
        If another process runs the challenge with this folder.
    CollectionError
        If the collection cannot be used.
    """
    models, report = models or load_models(), progress or (lambda _stage, _done, _total: None)
    layout = _layout_of(folder, split, ground_truth)
    truth = None if layout.truth is None else read_ground_truth(layout.truth)
    out.mkdir(parents=True, exist_ok=True)
    with turn(out / ".running.lock", "the challenge is run"):
        _claim(out, {"models": models.model_id, "calibration": models.calibration_id}, "run.json")
        parts = out / f"queries-{split}-{profile}"
        names = list(layout.queries)
        collection, skipped = _take_in(out / "references.fp", layout.references, models, profile, n_workers, report)
        with collection:
            blocks = list(_asked(collection, layout.queries, parts, models, profile, n_workers, report))
            matches = _matches_of(blocks)
            write_matches(out / MATCHES_NAME, matches)
            reference_ids = tuple(collection.ids)
            described = [block for block in blocks if len(block["described"])]
            if not described or not reference_ids:
                raise ConfigError(f"{folder}: no picture of the queries or of the references can be read")
            descriptors = DescriptorSet(
                np.concatenate([block["vectors"] for block in described]),
                collection.descriptors(),
                tuple(str(name) for block in described for name in block["described"]),
                reference_ids,
            )
        write_descriptors(out / DESCRIPTORS_NAME, descriptors)
        skipped += [Skipped(str(path), str(reason)) for block in blocks for path, reason in block["skipped"]]
        matching = descriptor = None
        if truth is not None:
            if not truth.query_ids & set(names):
                raise ConfigError(f"{layout.truth}: names none of the queries of the split {split!r}: give theirs")
            matching = evaluate_matches(matches.of_queries(truth.query_ids), truth)
            descriptor = evaluate_descriptors(descriptors, truth, partial(report, "judging"))
        outcome = Outcome(
            out / MATCHES_NAME,
            out / DESCRIPTORS_NAME,
            len(descriptors.query_ids),
            len(reference_ids),
            matching,
            descriptor,
            tuple(skipped),
        )
        scores = {name: None if value is None else asdict(value) for name, value in _figures(outcome)}
        atomic.replace_bytes(out / SCORES_NAME, (json.dumps(scores, indent=2) + "\n").encode())
        return outcome


def _figures(outcome: Outcome) -> list[tuple[str, Metrics | None]]:
    return [("matching_track", outcome.matching), ("descriptor_track", outcome.descriptor)]


def _layout_of(folder: Path, split: Split, ground_truth: Path | None) -> _Layout:
    if split not in SPLITS:
        raise ConfigError(f"no split is called {split!r}: choose from {', '.join(SPLITS)}")
    queries = {name: path for name, path in _named(folder, _QUERIES).items() if _in_split(name, split)}
    if not queries:
        raise ConfigError(
            f"{folder}: no queries of the split {split!r}: dev is below Q{FIRST_FINAL}, final from there on"
        )
    found = next((folder / name for name in _TRUTH if (folder / name).is_file()), None)
    return _Layout(queries, _named(folder, _REFERENCES), ground_truth or found)


def _named(folder: Path, choices: Sequence[str]) -> dict[str, Path]:
    """Return the images of the first folder that is there, by their ids."""
    place = next((folder / name for name in choices if (folder / name).is_dir()), None)
    if place is None:
        raise ConfigError(f"{folder}: no folder {choices[0]}/ in it: DISC21 is published with one")
    images = [image for image in find_images([place])[0] if isinstance(image, Path)]
    named = {path.stem: path for path in images}
    if not named:
        raise ConfigError(f"{place}: no images in it")
    if len(named) < len(images):
        raise ConfigError(f"{place}: {len(images) - len(named)} images have the name of another one: keep one of each")
    return named


def _in_split(name: str, split: Split) -> bool:
    if split == "all":
        return True
    number = _QUERY.fullmatch(name)
    return number is not None and (int(number[1]) >= FIRST_FINAL) == (split == "final")


def _claim(out: Path, settings: dict[str, str], name: str) -> None:
    """Note the settings of a run, or check that those of the one before are the same."""
    path = out / name
    if not path.exists():
        write_note(path, settings)
    elif not has_note(path, settings):
        raise ConfigError(f"{path}: damaged, or of a run with other models: give another folder")


def _take_in(
    place: Path,
    references: dict[str, Path],
    models: Models,
    profile: str,
    n_workers: Workers,
    report: StageProgress,
) -> tuple[Collection, list[Skipped]]:
    """Add the references that are not there yet, so an interrupted run need not read the others again."""
    make = open_collection if is_collection(place) else create_collection
    collection = make(place, models=models, config=config_for(profile))
    there = set(collection.ids)
    if stranger := next((name for name in there if name not in references), None):
        collection.close()
        raise ConfigError(f"{place}: has {stranger!r}, which is not among the references; give another folder")
    missing = [(name, path) for name, path in references.items() if name not in there]
    skipped: list[Skipped] = []
    for start in range(0, len(missing), _REFERENCES_AT_ONCE):
        added = collection.add_images(missing[start : start + _REFERENCES_AT_ONCE], n_workers=n_workers)
        skipped += added.skipped
        report("references", len(there) + min(start + _REFERENCES_AT_ONCE, len(missing)), len(references))
    return collection, skipped


def _asked(
    collection: Collection,
    queries: dict[str, Path],
    parts: Path,
    models: Models,
    profile: str,
    n_workers: Workers,
    report: StageProgress,
) -> Iterator[dict[str, np.ndarray]]:
    """Yield the blocks of all queries, each from its file if it is there."""
    parts.mkdir(parents=True, exist_ok=True)
    names = list(queries)
    for start in range(0, len(names), _QUERIES_AT_ONCE):
        chosen = names[start : start + _QUERIES_AT_ONCE]
        file = parts / f"{start:06}.npz"
        block = load_arrays(file) if file.exists() else {}
        if block.get("asked", np.empty(0)).tolist() != [*chosen, str(len(collection))]:
            found = _block(collection, [(name, queries[name]) for name in chosen], models, profile, n_workers)
            save_arrays(file, asked=np.array([*chosen, str(len(collection))], np.str_), **found)
            block = load_arrays(file)
        report("queries", min(start + _QUERIES_AT_ONCE, len(names)), len(names))
        yield block


def _block(
    collection: Collection,
    queries: Sequence[tuple[str, Path]],
    models: Models,
    profile: str,
    n_workers: Workers,
) -> dict[str, np.ndarray]:
    paths = [path for _, path in queries]
    rows: list[tuple[str, str]] = []
    scores: list[float] = []
    skipped: list[tuple[str, str]] = []
    for (name, _), found in zip(queries, collection.search_many(paths, n_workers=n_workers), strict=True):
        if isinstance(found, Skipped):
            skipped.append((found.path, found.reason))
            continue
        rows += [(name, match.reference_id) for match in found]
        scores += [match.score for match in found]
    describe = partial(compact_descriptor, models=models, config=config_for(profile), as_query=True)
    vectors: list[F32] = []
    described: list[str] = []
    for (name, _), vector in zip(queries, map_images(describe, paths, n_workers), strict=True):
        if not isinstance(vector, Skipped):
            vectors.append(vector)
            described.append(name)
    return {
        "pairs": np.array(rows, np.str_).reshape(-1, 2),
        "scores": np.array(scores, np.float64),
        "vectors": np.stack(vectors) if vectors else np.empty((0, 0), np.float32),
        "described": np.array(described, np.str_),
        "skipped": np.array(skipped, np.str_).reshape(-1, 2),
    }


def _matches_of(blocks: Sequence[dict[str, np.ndarray]]) -> Matches:
    """Return the pairs of all blocks: those with the highest scores, as many as a file may have, in their order."""
    scores = np.concatenate([block["scores"] for block in blocks])
    pairs = [(str(query), str(reference)) for block in blocks for query, reference in block["pairs"]]
    kept = np.sort(np.argsort(-scores, kind="stable")[:MAX_ROWS])
    return Matches(tuple(pairs[i][0] for i in kept), tuple(pairs[i][1] for i in kept), scores[kept])
