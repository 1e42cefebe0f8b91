"""Compact descriptors of all real photographs of a set and of edited copies of them, for judging approximate search.

Nothing is mixed or drawn at random: a mixture of vectors is no picture's, and how hard it is to find what is nearest
depends on how real vectors lie. The references are those of the set, then its training photographs, then edited copies
of the training photographs, one of each photograph after the other. So the first n of them are all real pictures, for
any n. Queries are described as `fingerprint.search` describes them.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from _records import SEED

from fingerprint.edits import random_chain
from fingerprint.features.describe import compact_descriptor, describe_query
from fingerprint.images.decode import read_rgb
from fingerprint.models import Models, load_models
from fingerprint.types import F32, I64, Skipped
from fingerprint.workers import map_images

COPIES = 12
_QUALITIES = (70, 96)  # of JPEG, at which edited copies are saved


@dataclass(frozen=True, slots=True)
class RealVectors:
    """Vectors of references and of queries, and of each query the row of its source, or -1.

    Attributes
    ----------
    references, queries : float32 arrays, shape (n, d) and (n_q, d)
    sources : int64 array, shape (n_q,)
    """

    references: F32
    queries: F32
    sources: I64


def real_vectors(data: Path, kept: Path | None, copies: int = COPIES) -> RealVectors:
    """Describe a set, or read what was described before.

    Parameters
    ----------
    data : Path
        With ``references/``, ``train/``, ``queries/`` and ``ground_truth.csv``.
    kept : Path or None
        Folder to keep the vectors in.
    copies : int
        Edited copies of each photograph in ``train/``.
    """
    models = load_models()
    references, train, queries = (sorted((data / name).iterdir()) for name in ("references", "train", "queries"))
    parts = {"references": references, "train": train}
    found = [_kept(kept, name, models, partial(_of_files, paths, models)) for name, paths in parts.items()]
    asked = _kept(kept, "queries", models, partial(_of_queries, queries, models))
    found += [
        _kept(kept, f"copies-{number}", models, partial(_of_copies, train, number, models)) for number in range(copies)
    ]
    return RealVectors(np.concatenate(found), asked, sources(data, references, queries))


def learned_vectors(data: Path) -> RealVectors:
    """Return the vectors of a learned model that come with the set: ``sscd.npz``, in the order of the files."""
    references, queries = (sorted((data / name).iterdir()) for name in ("references", "queries"))
    with np.load(data / "sscd.npz") as stored:
        both = np.concatenate([stored["references"], stored["train"]]).astype(np.float32)
        return RealVectors(both, stored["queries"].astype(np.float32), sources(data, references, queries))


def sources(data: Path, references: list[Path], queries: list[Path]) -> I64:
    """Return of each query the index of its source among the references, or -1."""
    rows = {path.stem: row for row, path in enumerate(references)}
    with (data / "ground_truth.csv").open(encoding="utf-8", newline="") as file:
        pairs = dict(row[:2] for row in csv.reader(file))
    return np.array([rows.get(pairs.get(path.stem, ""), -1) for path in queries], np.int64)


def _kept(folder: Path | None, name: str, models: Models, make: Callable[[], F32]) -> F32:
    path = None if folder is None else folder / f"{models.model_id}-{name}.npy"
    if path is not None and path.exists():
        stored: F32 = np.load(path)
        return stored
    made = make()
    print(f"{name}: {len(made)} described", file=sys.stderr, flush=True)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, made)
    return made


def _of_files(paths: list[Path], models: Models) -> F32:
    return _stacked(map_images(lambda path: compact_descriptor(path, models, as_query=False), paths))


def _of_queries(paths: list[Path], models: Models) -> F32:
    return _stacked(map_images(lambda path: describe_query(path, models).descriptor, paths))


def _of_copies(paths: list[Path], number: int, models: Models) -> F32:
    """Describe one edited copy of each photograph, saved as JPEG and read again."""

    def describe(index: int) -> F32:
        rng = np.random.default_rng([SEED, number, index])
        others = [read_rgb(paths[int(at)]).pixels for at in rng.choice(len(paths), 2)]
        edited = random_chain(read_rgb(paths[index]).pixels, rng, others)
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(*_QUALITIES))]
        _, data = cv2.imencode(".jpg", np.ascontiguousarray(edited.pixels[..., ::-1]), quality)
        return compact_descriptor(data.tobytes(), models, as_query=False)

    return _stacked(map_images(describe, range(len(paths))))


def _stacked(found: Iterable[F32 | Skipped]) -> F32:
    rows = []
    for vector in found:
        if isinstance(vector, Skipped):
            raise SystemExit(f"{vector.path}: {vector.reason}")
        rows.append(vector)
    return np.stack(rows)
