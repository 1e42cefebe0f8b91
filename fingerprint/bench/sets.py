"""Sets to judge on: a folder with training images, references, queries and the ground truth."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from fingerprint.bench.turns import UNFINISHED, UNFINISHED_NAME
from fingerprint.challenge import GroundTruth, read_ground_truth
from fingerprint.challenge.edits import read_edits
from fingerprint.challenge.files import id_fault
from fingerprint.errors import ConfigError
from fingerprint.files.datafiles import open_regular
from fingerprint.images.find import find_images

TRUTH_NAME, EDITS_NAME = "ground_truth.csv", "edits.tsv"
_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """One folder of a set.

    Attributes
    ----------
    ids : tuple of str
        Names of the files without extension, in order of their paths.
    paths : tuple of Path
    """

    ids: tuple[str, ...]
    paths: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class BenchSet:
    """A set to judge methods on.

    Attributes
    ----------
    folder : Path
    train, references, queries : Part
        There may be no training images; then there are no background-normalised rows.
    truth : GroundTruth
        It names all queries of the set, and only its references.
    edits : mapping of str to tuple of str
        The chain of edits of each query, or nothing.
    digest : str
        SHA-256, in hexadecimal, of the names and contents of all files.
    """

    folder: Path
    train: Part
    references: Part
    queries: Part
    truth: GroundTruth
    edits: Mapping[str, tuple[str, ...]]
    digest: str

    @property
    def name(self) -> str:
        """Name of a new folder of results: that of the set's folder, with the beginning of the digest."""
        return f"{self.folder.resolve().name or 'set'}-{self.digest[:12]}"


def open_set(folder: str | os.PathLike[str]) -> BenchSet:
    """Open a set: ``train/`` (may be missing), ``references/``, ``queries/``, ``ground_truth.csv``, ``edits.tsv``.

    Parameters
    ----------
    folder : path
        ``edits.tsv`` may be missing; `fingerprint.challenge.edits` says what is in it.

    Raises
    ------
    ConfigError
        If the set is unfinished, a folder or the ground truth is missing, two pictures of a folder have one id, or the
        ground truth names pictures that are not there, has no line of a query, or no true pair.
    ChallengeFileError
        If the ground truth or the table of edits breaks the challenge's rules.
    """
    folder = Path(folder)
    if (folder / UNFINISHED_NAME).exists():
        raise ConfigError(f"{folder}: {UNFINISHED}: wait until it has, or delete the folder and make it again")
    if not (folder / TRUTH_NAME).is_file():
        raise ConfigError(f"{folder}: no {TRUTH_NAME} in it; a set is a folder that 'fingerprint bench make' makes")
    train, references, queries = (_part(folder / name, name) for name in ("train", "references", "queries"))
    truth = read_ground_truth(folder / TRUTH_NAME)
    for what, named, part in (("query", truth.query_ids, queries), ("reference", truth.reference_ids, references)):
        if missing := sorted(named - set(part.ids)):
            raise ConfigError(f"{folder / TRUTH_NAME}: no picture of the {what} {missing[0]!r}; {len(missing)} missing")
    unnamed = sorted(set(queries.ids) - truth.query_ids)
    if unnamed:
        raise ConfigError(
            f"{folder / TRUTH_NAME}: no line of the query {unnamed[0]!r}; {len(unnamed)} missing: a query that matches "
            "nothing has a line with an empty second field"
        )
    if not truth.pairs:
        raise ConfigError(f"{folder / TRUTH_NAME}: no query has a reference, so there is nothing to find")
    edits = edits_of(folder)
    paths = [*train.paths, *references.paths, *queries.paths, folder / TRUTH_NAME]
    paths += [folder / EDITS_NAME] if edits else []
    try:
        digest = digest_of_files(folder, paths)
    except OSError as error:
        name, reason = error.filename or folder, error.strerror or error
        raise ConfigError(
            f"{name}: {reason}: remove it from the set, or put a picture there that can be read"
        ) from error
    return BenchSet(folder, train, references, queries, truth, edits, digest)


def edits_of(folder: Path) -> Mapping[str, tuple[str, ...]]:
    """Return the edits of each query from ``edits.tsv`` in a folder; nothing if there is no such file.

    Raises
    ------
    ChallengeFileError
        If it cannot be read.
    """
    path = folder / EDITS_NAME
    return MappingProxyType(read_edits(path) if path.is_file() else {})


def _part(folder: Path, name: str) -> Part:
    found = find_images([folder])[0] if folder.is_dir() else []
    images = [image for image in found if isinstance(image, Path)]  # as all in a folder of this machine are
    if not images and name != "train":
        raise ConfigError(f"{folder}: no images; a set has some in {name}/")
    owners: dict[str, Path] = {}
    for image in images:
        if fault := id_fault(image.stem):
            raise ConfigError(f"{image}: {fault}; rename it")
        if (other := owners.setdefault(image.stem, image)) != image:
            raise ConfigError(f"{other} and {image} would have the same id; rename one of them")
    return Part(tuple(owners), tuple(images))


def digest_of_files(folder: Path, paths: Sequence[Path]) -> str:
    """Return the SHA-256, in hexadecimal, of the contents of files and of their paths within a folder."""
    digest = hashlib.sha256()
    for path in paths:
        with open_regular(path) as file:
            n_bytes = os.fstat(file.fileno()).st_size
            digest.update(f"{path.relative_to(folder).as_posix()}\0{n_bytes}\0".encode("utf-8", "surrogatepass"))
            while block := file.read(_READ_BYTES):
                digest.update(block)
    return digest.hexdigest()
