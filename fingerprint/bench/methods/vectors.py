"""Vectors that are there already, of any model: NPZ, NPY with a list of ids, or HDF5.

One file or several, separated by commas, together have a vector for each picture of the set:

- ``.npz`` with ``ids`` and ``descriptors``; or with ``train``, ``references`` and ``queries``, a row for each picture
  in the order of the file names, and ``train_ids`` and so on if some are missing;
- ``.npy`` (n, d), beside a file of the same name that ends in ``.txt``, with an id on each line;
- ``.hdf5`` or ``.h5``: the challenge's file, or the older layout.

Vectors of other pictures may be there, as of a larger set; a warning says how many.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fingerprint.bench.base import DescribingMethod, Learned, Role
from fingerprint.bench.sets import BenchSet, Part
from fingerprint.challenge.files import first_repeated
from fingerprint.errors import ConfigError, ImageError
from fingerprint.files.datafiles import as_value_error, open_archive, read_small
from fingerprint.hdf5 import open_hdf5
from fingerprint.types import F32
from fingerprint.vectorfiles import is_hdf5, read_vectors

#: The arrays of an archive for each folder of a set, and as what their pictures are described.
_PARTS: Mapping[str, Role] = MappingProxyType({"train": "train", "references": "reference", "queries": "query"})
#: Ids and vectors, and as what they are described; None if a vector is of the picture in any folder.
_Rows: TypeAlias = tuple[Role | None, Sequence[str], NDArray[Any]]

_ENDINGS = (".npz", ".npy", ".csv", ".hdf5", ".h5")
_IDS = "ids are names of files without folder and extension"

_log = logging.getLogger(__name__)


class VectorsMethod(DescribingMethod):
    """Vectors from files.

    Parameters
    ----------
    paths : sequence of Path
    bench_set : BenchSet
        The set whose pictures they are of.

    Raises
    ------
    ConfigError
        If a file cannot be read, or has another form.
    """

    timed = False

    def __init__(self, paths: Sequence[Path], bench_set: BenchSet) -> None:
        self._paths = tuple(paths)
        self.title = f"vectors of {', '.join(path.name for path in paths)}"
        self._vectors: dict[tuple[Role | None, str], F32] = {}
        for path in paths:
            for role, ids, vectors in _read(path, bench_set):
                if len(ids) != len(vectors):
                    raise ConfigError(f"{path}: {len(ids)} ids for {len(vectors)} vectors: give one each")
                keys = [(role, name) for name in ids]
                if first_repeated(keys) is not None or (repeated := self._vectors.keys() & set(keys)):
                    name = first_repeated(ids) or next(iter(repeated))[1]
                    raise ConfigError(f"{path}: {name!r} has a vector already: give one for each picture")
                self._vectors.update(zip(keys, _checked(path, vectors), strict=True))
                _warn_of_unused(path, keys, bench_set)
        if len({len(vector) for vector in self._vectors.values()}) != 1:
            raise ConfigError(f"{paths[0]}: vectors of different dimensions: give those of one model")

    @property
    def identity(self) -> str:
        """The digest of the files."""
        digest = hashlib.sha256()
        for path in self._paths:
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def describe(self, picture: Path, role: Role, learned: Learned) -> F32:
        """Return the picture's vector; see `DescribingMethod`."""
        del learned
        for key in ((role, picture.stem), (None, picture.stem)):
            if key in self._vectors:
                return self._vectors[key]
        raise ImageError(str(picture), f"no vector with the id {picture.stem!r} in {self._paths[0]}; {_IDS}")


def _read(path: Path, bench_set: BenchSet) -> Iterator[_Rows]:
    """Yield ids and vectors of a file, part by part."""
    if not path.is_file():
        raise ConfigError(f"{path}: no such file")
    ending = path.suffix.lower()
    if ending not in _ENDINGS:
        raise ConfigError(f"{path}: not a file of vectors by its name: it must end with {', '.join(_ENDINGS)}")
    try:
        if ending == ".npy":
            ids = path.with_suffix(".txt")
            if not ids.is_file():
                raise ConfigError(f"{path}: no {ids.name} beside it: write the id of each row there, one on a line")
            with as_value_error():
                vectors = np.load(path, allow_pickle=False)
            yield None, read_small(ids, 1 << 30).decode().rstrip().splitlines(), vectors
        elif ending == ".npz" and (parts := _parts_of(path, bench_set)):
            yield from parts
        elif is_hdf5(path):
            yield from _halves(path)
        else:
            found = read_vectors(path)
            yield None, found.ids, found.vectors
    except (OSError, ValueError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{path}: no vectors with ids that can be read: {error}") from error


def _halves(path: Path) -> Iterator[_Rows]:
    with open_hdf5(path) as file:
        names = set(file.names)
    halves = [name for name in ("query", "reference") if name in names]
    for queries in [name == "query" for name in halves] or [False]:
        found = read_vectors(path, queries=queries)
        yield None, found.ids, found.vectors


def _parts_of(path: Path, bench_set: BenchSet) -> list[_Rows]:
    """Return the parts of an archive with an array for each folder of the set; nothing if it is no such archive."""
    found: list[_Rows] = []
    with open_archive(path) as archive:
        for name, role in _PARTS.items():
            if name not in archive.names:
                continue
            part: Part = getattr(bench_set, name)
            vectors = archive.array(name)
            own_ids = f"{name}_ids" in archive.names
            ids = tuple(archive.texts(f"{name}_ids")) if own_ids else part.ids
            if len(ids) != len(vectors):
                raise ConfigError(
                    f"{path}: {len(vectors)} vectors in {name!r} for {len(ids)} ids: give one for each picture of "
                    f"{bench_set.folder / name}, in the order of names, or say whose they are in '{name}_ids'"
                )
            found.append((role, ids, vectors))
    return found


def _warn_of_unused(path: Path, keys: Sequence[tuple[Role | None, str]], bench_set: BenchSet) -> None:
    parts: dict[Role, Part] = {role: getattr(bench_set, name) for name, role in _PARTS.items()}
    known: set[tuple[Role | None, str]] = {(role, name) for role, part in parts.items() for name in part.ids}
    known |= {(None, name) for _, name in known}
    if unused := [name for role, name in keys if (role, name) not in known]:
        _log.warning(
            "%s: %d of %d ids are of no picture of the set, as %r; %s", path, len(unused), len(keys), unused[0], _IDS
        )


def _checked(path: Path, vectors: NDArray[Any]) -> F32:
    if vectors.ndim != 2 or vectors.dtype.kind != "f":
        raise ConfigError(f"{path}: {vectors.dtype} of shape {vectors.shape}: write floating-point numbers (n, d)")
    checked = np.ascontiguousarray(vectors, np.float32)
    if not np.isfinite(checked).all():
        raise ConfigError(f"{path}: vector {int(np.isfinite(checked).all(axis=1).argmin())} is not finite: replace it")
    return checked
