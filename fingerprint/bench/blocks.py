"""Describing many pictures in blocks: each block is a file, so an interrupted run goes on with the next one.

A block is so large that it takes seconds, not minutes: that much is lost by an interruption.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerprint.bench.arrays import load_arrays, save_arrays
from fingerprint.bench.clock import processor_seconds
from fingerprint.errors import ConfigError
from fingerprint.types import Progress, Skipped
from fingerprint.workers import map_images

#: Most pictures of a block.
BLOCK = 256
_FIRST, _SECONDS = 16, 15.0  # pictures of the first block that is made; how long others may take

_OWN = {"_rows", "_counts", "_seconds", "_skipped"}


@dataclass(frozen=True, slots=True)
class Block:
    """What was made of some pictures.

    Attributes
    ----------
    rows : int64 array, shape (n,)
        Positions of the pictures that could be read.
    arrays : mapping of str to array
        Rows of all of them, one below the other; `counts` says how many each has.
    counts : int64 array, shape (n,)
    skipped : tuple of Skipped
    seconds : float
        Processor time that it took.
    """

    rows: NDArray[np.int64]
    counts: NDArray[np.int64]
    arrays: Mapping[str, NDArray[Any]]
    skipped: tuple[Skipped, ...]
    seconds: float

    @property
    def n_pictures(self) -> int:
        """Pictures, also those that could not be read."""
        return len(self.rows) + len(self.skipped)


def in_blocks(
    paths: Sequence[Path],
    describe: Callable[[Path], Mapping[str, NDArray[Any]]],
    folder: Path,
    n_workers: int | None = None,
    progress: Progress | None = None,
    size: int = BLOCK,
) -> list[Block]:
    """Describe pictures, and keep each block of them as a file.

    Parameters
    ----------
    paths : sequence of Path
    describe : callable
        Gives arrays by name, each of shape (m, ...) with one m for a picture; called from several threads.
    folder : Path
        Made if it is missing. Blocks that are there are read, not made again: the caller gives another folder for other
        pictures or another way to describe them.
    n_workers : int, optional
    progress : callable, optional
        Called as ``progress(done, total)``.
    size : int
        Most pictures of a block. It has fewer where they take long.

    Returns
    -------
    list of Block

    Raises
    ------
    ConfigError
        If a block is damaged, or pictures are not described alike.
    """
    folder.mkdir(parents=True, exist_ok=True)
    blocks: list[Block] = []
    start, n = 0, min(_FIRST, size)
    while start < len(paths):
        file = folder / f"{start:08d}.npz"
        if not file.exists():
            before = time.monotonic()
            some = paths[start : start + n]
            _save(file, _made(some, start, describe, n_workers, folder))
            n = min(size, 1 + int(_SECONDS * len(some) / max(time.monotonic() - before, 1e-3)))
        block = _load(file)
        if not 0 < block.n_pictures <= len(paths) - start:
            raise ConfigError(f"{file}: of other pictures; delete it, and run the same command again")
        blocks.append(block)
        _check_alike([block.arrays for block in blocks if len(block.rows)][-2:], folder)
        start += block.n_pictures
        if progress is not None:
            progress(start, len(paths))
    return blocks


def joined(blocks: Sequence[Block], name: str) -> NDArray[Any]:
    """Return one array of all blocks that have any rows."""
    parts = [block.arrays[name] for block in blocks if len(block.rows)]
    return np.concatenate(parts) if parts else np.empty((0, 0), np.float32)


def spent(blocks: Sequence[Block]) -> tuple[float, tuple[Skipped, ...]]:
    """Return the processor time of all blocks, and the pictures that could not be read."""
    return sum(block.seconds for block in blocks), tuple(item for block in blocks for item in block.skipped)


def _made(
    paths: Sequence[Path],
    start: int,
    describe: Callable[[Path], Mapping[str, NDArray[Any]]],
    n_workers: int | None,
    folder: Path,
) -> Block:
    before = processor_seconds()
    rows: list[int] = []
    found: list[Mapping[str, NDArray[Any]]] = []
    skipped = []
    for row, result in enumerate(map_images(describe, paths, n_workers), start=start):
        if isinstance(result, Skipped):
            skipped.append(result)
        else:
            rows.append(row)
            found.append(result)
    _check_alike(found, folder)
    arrays = {name: np.concatenate([one[name] for one in found]) for name in (found[0] if found else ())}
    counts = [len(next(iter(one.values()))) for one in found]
    seconds = processor_seconds() - before
    return Block(np.array(rows, np.int64), np.array(counts, np.int64), arrays, tuple(skipped), seconds)


def _check_alike(found: Sequence[Mapping[str, NDArray[Any]]], folder: Path) -> None:
    forms = {", ".join(f"{name} {a.dtype} {a.shape[1:]}" for name, a in one.items()) for one in found}
    if len(forms) > 1:
        first, second = sorted(forms)[:2]
        raise ConfigError(f"{folder}: pictures are described by {first} and by {second}: a method describes all alike")


def _save(file: Path, block: Block) -> None:
    reasons = [[item.path, item.reason] for item in block.skipped]
    own = {
        "_rows": block.rows,
        "_counts": block.counts,
        "_seconds": np.array(block.seconds),
        "_skipped": np.array(reasons, dtype=np.str_).reshape(-1, 2),
    }
    save_arrays(file, **own, **block.arrays)


def _load(file: Path) -> Block:
    arrays = load_arrays(file)
    if not arrays.keys() >= _OWN:
        raise ConfigError(f"{file}: not of the bench; delete it, and run the same command again")
    skipped = tuple(Skipped(str(path), str(reason)) for path, reason in arrays.pop("_skipped"))
    rows, counts, seconds = (arrays.pop(name) for name in ("_rows", "_counts", "_seconds"))
    return Block(rows, counts, arrays, skipped, float(seconds))
