"""Segments: the immutable, memory-mapped arrays of the pictures that were added together.

``descriptors.npy`` float32 (n, d) · ``hashes.npy`` uint64 (n, 3) · ``sizes.npy`` int32 (n, 2) width and height ·
``offsets.npy`` int64 (n + 1,) first keypoint of each picture · ``signatures.npy`` uint64 (2, N) by word, so that a scan
reads them in one stream · ``frames.npy`` float32 (N, 5) · ``local.npy`` uint8 (N, 128) · ``descriptors.ann`` Annoy.
``manifest.json`` has the format version, the model, counts, Annoy's settings and a digest of every file.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerprint.config import AnnoyConfig
from fingerprint.errors import CollectionCorruptError, ModelMismatchError
from fingerprint.index.trees import TREES_NAME, Trees, build_trees
from fingerprint.types import F32, I64, U8, U64, Fingerprint, Keypoints

FORMAT_VERSION = 1
MANIFEST_NAME = "manifest.json"
_ENTRIES = {  # of the manifest, with their types
    "format_version": int,
    "model_id": str,
    "n_images": int,
    "n_keypoints": int,
    "dimension": int,
    "annoy": dict,
    "sha256": dict,
}
_ARRAY_NAMES = ("descriptors", "hashes", "sizes", "offsets", "signatures", "frames", "local")


@dataclass(frozen=True, slots=True)
class Segment:
    """An open segment; all arrays are mapped from disk and read-only."""

    folder: Path
    manifest: dict[str, Any]
    descriptors: F32
    hashes: U64
    sizes: NDArray[np.int32]
    offsets: I64
    signatures: U64
    frames: F32
    local: U8
    trees: Trees

    def __len__(self) -> int:
        return len(self.descriptors)

    def fingerprint(self, row: int) -> Fingerprint:
        """Return what is kept of the picture in `row`; its arrays are views of the files."""
        start, stop = int(self.offsets[row]), int(self.offsets[row + 1])
        return Fingerprint(
            hashes=self.hashes[row],
            keypoints=Keypoints(
                descriptors=self.local[start:stop],
                signatures=np.ascontiguousarray(self.signatures[:, start:stop].T),
                frame=self.frames[start:stop],
                width=int(self.sizes[row, 0]),
                height=int(self.sizes[row, 1]),
            ),
            descriptor=self.descriptors[row],
            model_id=str(self.manifest["model_id"]),
        )


def write_segment(folder: Path, fingerprints: Sequence[Fingerprint], annoy: AnnoyConfig) -> None:
    """Write a new segment; it is complete and on disk when this returns.

    Parameters
    ----------
    folder : Path
        Must not exist. Everything is written to a folder beside it that is renamed at the end.
    fingerprints : sequence of Fingerprint
        At least one, all of one model.
    annoy : AnnoyConfig
        Settings of the trees.
    """
    keypoints = [f.keypoints for f in fingerprints]
    arrays: dict[str, NDArray[Any]] = {
        "descriptors": np.stack([f.descriptor for f in fingerprints]).astype(np.float32),
        "hashes": np.stack([f.hashes for f in fingerprints]).astype(np.uint64),
        "sizes": np.array([(k.width, k.height) for k in keypoints], dtype=np.int32),
        "offsets": np.cumsum([0] + [len(k) for k in keypoints], dtype=np.int64),
        "signatures": np.ascontiguousarray(np.concatenate([k.signatures for k in keypoints]).T),
        "frames": np.concatenate([k.frame for k in keypoints]),
        "local": np.concatenate([k.descriptors for k in keypoints]),
    }
    unfinished = folder.with_name(folder.name + ".unfinished")
    unfinished.mkdir(parents=True)
    for name, array in arrays.items():
        np.save(unfinished / f"{name}.npy", array, allow_pickle=False)
    build_trees(arrays["descriptors"], unfinished / TREES_NAME, annoy)
    manifest = {
        "format_version": FORMAT_VERSION,
        "model_id": fingerprints[0].model_id,
        "n_images": len(fingerprints),
        "n_keypoints": int(arrays["offsets"][-1]),
        "dimension": int(arrays["descriptors"].shape[1]),
        "annoy": {"metric": "euclidean", "n_trees": annoy.n_trees, "seed": annoy.seed, "n_jobs": annoy.n_jobs},
        "sha256": {path.name: file_digest(path) for path in sorted(unfinished.iterdir())},
    }
    (unfinished / MANIFEST_NAME).write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    for path in [*unfinished.iterdir(), unfinished]:
        _flush(path)
    unfinished.rename(folder)
    _flush(folder.parent)


def open_segment(folder: Path, model_id: str) -> Segment:
    """Map a segment and check that its files fit its manifest.

    Raises
    ------
    CollectionCorruptError
        If a file is missing, cut short or of another shape than the manifest says.
    ModelMismatchError
        If it was described by another model than `model_id`.
    """
    manifest = read_manifest(folder)
    if manifest["model_id"] != model_id:
        raise ModelMismatchError(
            f"{folder}: made by model {manifest['model_id']}, asked for with {model_id}; "
            "use the models that made the collection or build it anew"
        )
    arrays: dict[str, NDArray[Any]] = {}
    for name in _ARRAY_NAMES:
        path = folder / f"{name}.npy"
        try:
            arrays[name] = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise _corrupt(path, str(error)) from error
    n, total, dimension = manifest["n_images"], manifest["n_keypoints"], manifest["dimension"]
    expected: dict[str, tuple[tuple[int, ...], str]] = {
        "descriptors": ((n, dimension), "float32"),
        "hashes": ((n, 3), "uint64"),
        "sizes": ((n, 2), "int32"),
        "offsets": ((n + 1,), "int64"),
        "signatures": ((2, total), "uint64"),
        "frames": ((total, 5), "float32"),
        "local": ((total, 128), "uint8"),
    }
    for name, (shape, dtype) in expected.items():
        array = arrays[name]
        if array.shape != shape or array.dtype != np.dtype(dtype):
            raise _corrupt(folder / f"{name}.npy", f"{array.dtype} {array.shape} where {dtype} {shape} belongs")
    offsets = np.asarray(arrays["offsets"])
    if offsets[0] != 0 or offsets[-1] != total or (np.diff(offsets) < 0).any():
        raise _corrupt(folder / "offsets.npy", "offsets do not run from 0 to the number of keypoints")
    trees = Trees(folder / TREES_NAME, dimension=dimension, n_items=n, recorded=manifest["annoy"])
    return Segment(folder, manifest, trees=trees, **arrays)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return a segment's manifest.

    Raises
    ------
    CollectionCorruptError
        If it is missing, unreadable, incomplete, of another format version or if an entry is of the wrong type.
    """
    path = folder / MANIFEST_NAME
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _corrupt(path, str(error)) from error
    if not isinstance(manifest, dict) or any(key not in manifest for key in _ENTRIES):
        raise _corrupt(path, "entries are missing")
    for key, kind in _ENTRIES.items():
        if type(manifest[key]) is not kind:
            raise _corrupt(path, f"{key} is {manifest[key]!r}, which is no {kind.__name__}")
    if manifest["format_version"] != FORMAT_VERSION:
        raise _corrupt(path, f"format version {manifest['format_version']}, this version reads {FORMAT_VERSION}")
    return manifest


def segment_problems(folder: Path) -> list[str]:
    """Compare every file of a segment with its digest and return what does not agree; empty if it is sound."""
    try:
        manifest = read_manifest(folder)
    except CollectionCorruptError as error:
        return [str(error)]
    problems = []
    for name, digest in sorted(manifest["sha256"].items()):
        try:
            found = file_digest(folder / name)
        except OSError as error:
            problems.append(f"{folder / name}: {error.strerror or error}")
            continue
        if found != digest:
            problems.append(f"{folder / name}: its bytes have changed since it was written")
    return problems


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _corrupt(path: Path, reason: str) -> CollectionCorruptError:
    return CollectionCorruptError(f"{path}: {reason}; restore the file or build the collection anew")


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
