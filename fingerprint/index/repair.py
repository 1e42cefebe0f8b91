"""Repair of a damaged collection: from the catalogue, from other files, or from the pictures themselves.

A file is only put back if its bytes have the digest that the segment's manifest has for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from fingerprint.config import AnnoyConfig, Config, description_digest
from fingerprint.errors import CollectionCorruptError
from fingerprint.features.colour_grid import unknown_colours
from fingerprint.features.inverted_file import build_postings
from fingerprint.features.packed_frames import unpack_frames
from fingerprint.files.atomic import flush_folder
from fingerprint.files.datafiles import load_array, parse_json, read_small
from fingerprint.index.annoy_trees import build_trees
from fingerprint.index.atomic_folder import npy_bytes, replace_file, reported
from fingerprint.index.catalogue import Catalogue
from fingerprint.index.check import damage
from fingerprint.index.ids import SegmentIds
from fingerprint.index.layout import MANIFEST_FACT, raise_format, segment_folder
from fingerprint.index.lock import WriterLock
from fingerprint.index.manifests import PICTURES, parse_segment_manifest, read_collection_manifest, with_own_index
from fingerprint.index.own_files import (
    CATALOGUE_NAME,
    COLLECTION_MANIFEST,
    DAMAGED_NAME,
    SEGMENT_MANIFEST,
    TREES_NAME,
    check_file,
    discard,
)
from fingerprint.index.packed_vectors import as_vectors, sign_codes
from fingerprint.index.records import ImageRecord, SegmentRecord
from fingerprint.index.segment import check_digests, expected_arrays, file_digest
from fingerprint.index.segment_merger import rewrite_segment
from fingerprint.index.segment_writer import posting_arrays, write_pictures
from fingerprint.models import Models
from fingerprint.types import Fingerprint, Keypoints, Skipped

_MOST_TREES = 10_000  # of Annoy; a manifest that says more is not ours
_COLOURS = "colours.npy"
_KEYPOINT_FILES = ("offsets.npy", "signatures.npy", "frames.npy", "local.npy", "sizes.npy")


@dataclass(frozen=True, slots=True)
class Damaged:
    """A segment that cannot be restored from its own files and the catalogue.

    Attributes
    ----------
    segment : SegmentRecord
    pictures : tuple of ImageRecord
        Its live pictures.
    only_colours : bool
        Whether the file of colours is all that is wrong with it; see `Repair.forget_colours`.
    """

    segment: SegmentRecord
    pictures: tuple[ImageRecord, ...]
    only_colours: bool


class Repair:
    """A collection under repair; use it in a ``with`` statement, which keeps all other writers out.

    Attributes
    ----------
    restored : list of str
        What has been restored, one sentence each.
    keep_local : bool
        Whether the collection keeps local descriptors.

    Raises
    ------
    CollectionNotFoundError, CollectionBusyError
    CollectionCorruptError
        On entering, if the catalogue is damaged: without it nothing can be restored.
    """

    def __init__(self, folder: Path, models: Models, config: Config) -> None:
        self.restored: list[str] = []
        self.keep_local = False
        self._folder = folder
        self._models = models
        self._config = config
        self._lock = WriterLock(folder)

    def __enter__(self) -> Repair:
        with suppress(CollectionCorruptError):
            read_collection_manifest(self._folder)  # raises if there is no collection to repair
        self._lock.acquire()
        try:
            self._catalogue = Catalogue(self._folder / CATALOGUE_NAME)
            try:
                self._restore_catalogue()
                self._restore_manifest()
            except BaseException:
                self._catalogue.close()
                raise
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._catalogue.close()
        self._lock.release()

    def damaged(self) -> list[Damaged]:
        """Restore what can be restored in place, and return the segments that are still damaged after that."""
        found = []
        for listed in self._catalogue.segments():
            if not damage(self._folder, self._catalogue, listed):
                continue
            self._restore_files(listed)
            with suppress(OSError, ValueError):
                self._settle(listed)
            (fresh,) = (s for s in self._catalogue.segments() if s.number == listed.number)
            if damage(self._folder, self._catalogue, fresh):
                pictures = [record for record, removed in self._catalogue.records(listed.number) if not removed]
                found.append(Damaged(fresh, tuple(pictures), self._only_colours_are_lost(fresh)))
        return found

    def replace(
        self,
        damaged: Damaged,
        fingerprints: Sequence[Fingerprint],
        records: Sequence[ImageRecord],
        lost: Sequence[Skipped],
    ) -> None:
        """Replace a damaged segment by a new one. The old one is moved to `DAMAGED_NAME` if pictures are lost.

        Parameters
        ----------
        damaged : Damaged
        fingerprints, records : sequences
            Of its pictures that could be described again.
        lost : sequence of Skipped
            Its other pictures; they are noted as files that could not be added.
        """
        old = damaged.segment
        number = self._catalogue.next_number()
        if records:
            raise_format(self._folder, self._catalogue)
            ids = [record.image_id for record in records]
            folder = segment_folder(self._folder, number)
            manifest = write_pictures(
                folder, ids, fingerprints, self._models.vocabulary, self._config, keep_local=self.keep_local
            )
        with self._catalogue.change():
            self._catalogue.drop_segment(old.number)
            if records:
                self._catalogue.add_segment(number, old.model_id, records, manifest, old.rank)
            for item in lost:
                self._catalogue.set_skipped(item.path, item.reason)
        directory = segment_folder(self._folder, old.number)
        with reported(directory):
            if lost and directory.exists():
                aside = self._folder / DAMAGED_NAME / directory.name
                aside.parent.mkdir(exist_ok=True)
                directory.rename(aside)
                flush_folder(aside.parent)
            else:
                discard(directory)

    def forget_colours(self, damaged: Damaged) -> None:
        """Write a segment again of which only the colours are lost; they are not known then, and no picture is lost.

        Raises
        ------
        CollectionError
            If a file cannot be written, or what stands in the place of the colours is no file of the collection.
        """
        listed = damaged.segment
        path = segment_folder(self._folder, listed.number) / _COLOURS
        replace_file(path, npy_bytes(unknown_colours(listed.n_rows)))
        raise_format(self._folder, self._catalogue)
        rewrite_segment(self._folder, self._catalogue, listed, self._config)
        self.restored.append(
            f"{path}: cannot be made again; its pictures are kept, and compared without their colours until they are "
            "added again"
        )

    def _restore_catalogue(self) -> None:
        """Rebuild the indices of the database if nothing else is wrong with it."""
        problems = self._catalogue.problems()
        if problems:
            if all("index" in problem for problem in problems):
                self._catalogue.rebuild_indices()
            if remaining := self._catalogue.problems():
                raise CollectionCorruptError(
                    f"{remaining[0]}; nothing can be restored without the catalogue: take it from a backup or build "
                    "the collection again"
                )
            self.restored.append(f"{self._folder / CATALOGUE_NAME}: its indices were rebuilt")

    def _restore_manifest(self) -> None:
        """Restore the collection's manifest from its copy in the catalogue, or the copy from the file."""
        path = self._folder / COLLECTION_MANIFEST
        noted = self._catalogue.fact(MANIFEST_FACT) or ""
        try:
            found = read_small(path).decode()
        except (OSError, ValueError):
            found = ""
        if found != noted:
            if self._is_manifest(noted):
                replace_file(path, noted.encode())
                self.restored.append(f"{path}: put back from the catalogue")
            elif self._is_manifest(found):
                with self._catalogue.change():
                    self._catalogue.set_fact(MANIFEST_FACT, found)
                self.restored.append(f"{self._folder / CATALOGUE_NAME}: its copy of {path.name} was restored")
        manifest = read_collection_manifest(self._folder)[0]
        self.keep_local = bool(manifest["keep_local_descriptors"])
        self._config = with_own_index(self._config, manifest)

    def _is_manifest(self, text: str) -> bool:
        """Return whether a text is a manifest of a collection of these models and settings."""
        try:
            entries = parse_json(text)
        except ValueError:
            return False
        expected = {"model_id": self._models.model_id, "features": description_digest(self._config)}
        return isinstance(entries, dict) and all(entries.get(key) == value for key, value in expected.items())

    def _settle(self, listed: SegmentRecord) -> None:
        """Correct the catalogue's entries of a segment by the ids in it, if their digests are right."""
        directory = segment_folder(self._folder, listed.number)
        manifest = _noted_manifest(directory, listed)
        names, sums = ("ids", "id_offsets", "id_order"), manifest["sha256"]
        if any(file_digest(directory / f"{name}.npy") != sums[f"{name}.npy"] for name in names):
            return
        forms = expected_arrays(manifest)
        ids = SegmentIds(*(load_array(directory / f"{name}.npy", *forms[name]) for name in names))
        with self._catalogue.change():
            done = self._catalogue.settle(listed.number, list(ids))
        self.restored += [f"{self._folder / CATALOGUE_NAME}: segment {listed.number}: {change}" for change in done]

    def _only_colours_are_lost(self, listed: SegmentRecord) -> bool:
        directory = segment_folder(self._folder, listed.number)
        try:
            sums = _noted_manifest(directory, listed)["sha256"]
        except CollectionCorruptError:
            return False
        digests = {**sums, SEGMENT_MANIFEST: hashlib.sha256(listed.manifest.encode()).hexdigest()}
        return {name for name, digest in digests.items() if not _is_sound(directory / name, digest)} == {_COLOURS}

    def _restore_files(self, listed: SegmentRecord) -> None:
        """Restore files of a segment that can be computed from the catalogue or from its other files."""
        directory = segment_folder(self._folder, listed.number)
        if not directory.is_dir():
            return
        try:
            manifest = _noted_manifest(directory, listed)
        except CollectionCorruptError:
            return
        sums: dict[str, str] = manifest["sha256"]
        path = directory / SEGMENT_MANIFEST
        if not path.is_file() or file_digest(path) != hashlib.sha256(listed.manifest.encode()).hexdigest():
            replace_file(path, listed.manifest.encode())
            self.restored.append(f"{path}: put back from the catalogue")
        records = [record for record, _ in self._catalogue.records(listed.number)]
        makers: list[Callable[[set[str]], dict[str, bytes]]] = [
            lambda _: _id_files(records),
            lambda _: _size_file(records) if manifest["kind"] == PICTURES else {},
            lambda bad: _posting_files(directory, manifest, self._models, bad) if _sound(bad, _KEYPOINT_FILES) else {},
            lambda bad: _code_file(directory, manifest) if _sound(bad, ("descriptors.npy",)) else {},
            lambda bad: _tree_file(directory, manifest) if _sound(bad, ("descriptors.npy",)) else {},
        ]
        for make in makers:
            bad = {name for name, digest in sums.items() if not _is_sound(directory / name, digest)}
            if not bad:
                return
            made: dict[str, bytes] = {}
            with suppress(OSError, ValueError, OverflowError):  # what it is made from is damaged too
                made = make(bad)
            for name, data in made.items():
                if name in bad and hashlib.sha256(data).hexdigest() == sums[name]:
                    replace_file(directory / name, data)
                    self.restored.append(f"{directory / name}: made again")


def _noted_manifest(directory: Path, listed: SegmentRecord) -> dict[str, Any]:
    """Return the manifest of a segment that the catalogue has."""
    manifest = parse_segment_manifest(directory / SEGMENT_MANIFEST, listed.manifest.encode())
    check_digests(directory, manifest)
    return manifest


def _sound(bad: set[str], needed: Sequence[str]) -> bool:
    return bad.isdisjoint(needed)


def _is_sound(path: Path, digest: str) -> bool:
    try:
        return file_digest(path) == digest
    except OSError:
        return False


def _id_files(records: Sequence[ImageRecord]) -> dict[str, bytes]:
    ids = SegmentIds.of([record.image_id for record in records])
    return {
        "ids.npy": npy_bytes(ids.text),
        "id_offsets.npy": npy_bytes(ids.offsets),
        "id_order.npy": npy_bytes(ids.order),
    }


def _size_file(records: Sequence[ImageRecord]) -> dict[str, bytes]:
    return {"sizes.npy": npy_bytes(np.array([(record.width, record.height) for record in records], dtype=np.int32))}


def _posting_files(directory: Path, manifest: dict[str, Any], models: Models, bad: set[str]) -> dict[str, bytes]:
    """Return the inverted file, computed from local descriptors and frames if these are kept."""
    if not any(name.startswith("posting_") for name in bad):
        return {}
    forms = expected_arrays(manifest)
    names = ("offsets", "signatures", "frames", "local", "sizes")
    offsets, signatures, frames, local, sizes = (load_array(directory / f"{name}.npy", *forms[name]) for name in names)
    if len(local) < len(frames):
        return {}
    if frames.dtype == np.uint16:
        frames = unpack_frames(frames)
    pictures = [
        Keypoints(local[start:stop], signatures[start:stop], frames[start:stop], int(width), int(height))
        for start, stop, (width, height) in zip(offsets, offsets[1:], sizes, strict=False)
    ]
    postings = build_postings(pictures, models.vocabulary)
    made = posting_arrays(postings)
    return {f"{name}.npy": npy_bytes(array.astype(forms[name][1], copy=False)) for name, array in made.items()}


def _code_file(directory: Path, manifest: dict[str, Any]) -> dict[str, bytes]:
    """Return the codes of the descriptors, if the segment has them."""
    forms = expected_arrays(manifest)
    if "codes" not in forms:
        return {}
    return {"codes.npy": npy_bytes(sign_codes(load_array(directory / "descriptors.npy", *forms["descriptors"])))}


def _tree_file(directory: Path, manifest: dict[str, Any]) -> dict[str, bytes]:
    """Return Annoy's trees, computed from the descriptors."""
    settings = manifest["annoy"]
    if settings is None or _is_sound(directory / TREES_NAME, manifest["sha256"][TREES_NAME]):
        return {}
    chosen = {name: settings[name] for name in ("n_trees", "seed", "n_jobs")}
    if not 1 <= chosen["n_trees"] <= _MOST_TREES:
        return {}
    made = directory / f"{TREES_NAME}.new"
    check_file(made, written=True)
    try:
        descriptors = load_array(directory / "descriptors.npy", *expected_arrays(manifest)["descriptors"])
        build_trees(as_vectors(descriptors), made, AnnoyConfig(**chosen))
        return {TREES_NAME: made.read_bytes()}
    finally:
        made.unlink(missing_ok=True)
