"""Segments: the immutable, memory-mapped arrays of the pictures that were added together.

Of pictures: ``descriptors.npy`` float32 (n, d) · ``hashes.npy`` uint64 (n, 3) · ``sizes.npy`` int32 (n, 2) width and
height · ``thumbnails.npy`` uint8 (n, 64, 64) · ``offsets.npy`` int64 (n + 1,) first keypoint of each picture.

Of keypoints, picture by picture: ``signatures.npy`` uint64 (N, 2) · ``frames.npy`` float32 (N, 5) · ``local.npy`` uint8
(N, 128), or (0, 128) where they are not kept.

Of keypoints, word by word (see `fingerprint.types.Postings`): ``posting_words.npy`` uint32 (u,) ·
``posting_starts.npy`` uint32 (u + 1,) · ``posting_signatures.npy`` uint64 (N,) · ``posting_references.npy`` uint32
(N,) · ``posting_geometry.npy`` uint32 (N,).

``descriptors.ann``: Annoy's trees.
``manifest.json`` has the format version, the model, counts, Annoy's settings and a digest of every file.
"""

from __future__ import annotations

import errno
import hashlib
import json
import mmap
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerprint.config import AnnoyConfig
from fingerprint.errors import CollectionCorruptError, CollectionError, ModelMismatchError
from fingerprint.index.trees import TREES_NAME, Trees, build_trees
from fingerprint.models import VocabularyModel
from fingerprint.pixels import THUMBNAIL_SIDE
from fingerprint.types import F32, I32, I64, U8, U64, Fingerprint, Keypoints, Postings
from fingerprint.vocabulary import build_postings

FORMAT_VERSION = 2
MANIFEST_NAME = "manifest.json"
_ENTRIES = {  # of the manifest, with their types
    "format_version": int,
    "model_id": str,
    "n_images": int,
    "n_keypoints": int,
    "n_words": int,
    "n_local": int,
    "dimension": int,
    "annoy": dict,
    "sha256": dict,
}
_SCATTERED = ("signatures", "frames", "thumbnails", "local")  # read for a few pictures here and there
_MAPPED_FROM = 1 << 18  # bytes
_NO_LOCAL = np.zeros((0, 128), np.uint8)
_PICTURE_ARRAYS = ("descriptors", "hashes", "sizes", "thumbnails", "offsets", "signatures", "frames", "local")
_POSTING_ARRAYS = ("words", "starts", "signatures", "references", "geometry")


@dataclass(frozen=True, slots=True)
class Segment:
    """An open segment; all arrays are mapped from disk and read-only."""

    folder: Path
    manifest: dict[str, Any]
    descriptors: F32
    hashes: U64
    sizes: I32
    thumbnails: U8
    offsets: I64
    signatures: U64
    frames: F32
    local: U8
    postings: Postings
    trees: Trees

    def __len__(self) -> int:
        return len(self.descriptors)

    def will_need(self, rows: Sequence[int]) -> None:
        """Ask the system to read the keypoints of pictures all at once, rather than one by one as they are used."""
        for array in (self.signatures, self.frames):
            mapped: Any = array.base
            if isinstance(mapped, np.memmap) and hasattr(mmap, "MADV_WILLNEED"):
                size = array.strides[0]
                for row in rows:
                    start = int(mapped.offset % mmap.ALLOCATIONGRANULARITY) + int(self.offsets[row]) * size
                    length = int(self.offsets[row + 1] - self.offsets[row]) * size
                    page = start - start % mmap.PAGESIZE
                    if length:
                        mapping: Any = mapped.base
                        mapping.madvise(mmap.MADV_WILLNEED, page, start + length - page)

    def fingerprint(self, row: int) -> Fingerprint:
        """Return what is kept of the picture in `row`; its arrays are views of the files."""
        start, stop = int(self.offsets[row]), int(self.offsets[row + 1])
        return Fingerprint(
            hashes=self.hashes[row],
            keypoints=Keypoints(
                descriptors=self.local[start:stop] if len(self.local) else _NO_LOCAL,
                signatures=self.signatures[start:stop],
                frame=self.frames[start:stop],
                width=int(self.sizes[row, 0]),
                height=int(self.sizes[row, 1]),
            ),
            descriptor=self.descriptors[row],
            thumbnail=self.thumbnails[row],
            model_id=str(self.manifest["model_id"]),
        )


def write_segment(
    folder: Path,
    fingerprints: Sequence[Fingerprint],
    vocabulary: VocabularyModel,
    annoy: AnnoyConfig,
    *,
    keep_local: bool = True,
) -> None:
    """Write a new segment; it is complete and on disk when this returns.

    Parameters
    ----------
    folder : Path
        Must not exist. Everything is written to a folder beside it that is renamed at the end.
    fingerprints : sequence of Fingerprint
        At least one, all of one model.
    vocabulary : VocabularyModel
        Of the same model; gives the words of the inverted file.
    annoy : AnnoyConfig
        Settings of the trees.
    keep_local : bool
        Whether to keep the local descriptors, which only pictures that are to be queries need.
    """
    keypoints = [f.keypoints for f in fingerprints]
    arrays: dict[str, NDArray[Any]] = {
        "descriptors": np.stack([f.descriptor for f in fingerprints]).astype(np.float32),
        "hashes": np.stack([f.hashes for f in fingerprints]).astype(np.uint64),
        "sizes": np.array([(k.width, k.height) for k in keypoints], dtype=np.int32),
        "thumbnails": np.stack([f.thumbnail for f in fingerprints]),
        "offsets": np.cumsum([0] + [len(k) for k in keypoints], dtype=np.int64),
        "signatures": np.concatenate([k.signatures for k in keypoints]),
        "frames": np.concatenate([k.frame for k in keypoints]),
        "local": np.concatenate([k.descriptors for k in keypoints] if keep_local else [_NO_LOCAL]),
    }
    postings = build_postings(keypoints, vocabulary)
    arrays |= {f"posting_{name}": getattr(postings, name) for name in _POSTING_ARRAYS}
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
        "n_words": len(postings.words),
        "n_local": len(arrays["local"]),
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
    n, total, dimension = manifest["n_images"], manifest["n_keypoints"], manifest["dimension"]
    n_words = manifest["n_words"]
    if manifest["n_local"] not in (0, total):
        raise _corrupt(folder / MANIFEST_NAME, f"n_local is {manifest['n_local']}, neither 0 nor {total}")
    expected: dict[str, tuple[tuple[int, ...], str]] = {
        "descriptors": ((n, dimension), "float32"),
        "hashes": ((n, 3), "uint64"),
        "sizes": ((n, 2), "int32"),
        "thumbnails": ((n, THUMBNAIL_SIDE, THUMBNAIL_SIDE), "uint8"),
        "offsets": ((n + 1,), "int64"),
        "signatures": ((total, 2), "uint64"),
        "frames": ((total, 5), "float32"),
        "local": ((manifest["n_local"], 128), "uint8"),
        "posting_words": ((n_words,), "uint32"),
        "posting_starts": ((n_words + 1,), "uint32"),
        "posting_signatures": ((total,), "uint64"),
        "posting_references": ((total,), "uint32"),
        "posting_geometry": ((total,), "uint32"),
    }
    arrays = {name: _map(folder / f"{name}.npy", shape, dtype) for name, (shape, dtype) in expected.items()}
    offsets = np.asarray(arrays["offsets"])
    if offsets[0] != 0 or offsets[-1] != total or (np.diff(offsets) < 0).any():
        raise _corrupt(folder / "offsets.npy", "offsets do not run from 0 to the number of keypoints")
    starts = arrays["posting_starts"].astype(np.int64)
    if starts[0] != 0 or starts[-1] != total or (np.diff(starts) < 0).any():
        raise _corrupt(folder / "posting_starts.npy", "lists do not run from 0 to the number of keypoints")
    postings = Postings(**{name: arrays[f"posting_{name}"] for name in _POSTING_ARRAYS}, n_references=n)
    trees = Trees(folder / TREES_NAME, dimension=dimension, n_items=n, recorded=manifest["annoy"])
    pictures = {name: arrays[name] for name in _PICTURE_ARRAYS}
    return Segment(folder, manifest, postings=postings, trees=trees, **pictures)


def _map(path: Path, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    """Map an array from disk and check its form; a small one is read, as each mapping keeps a file open."""
    try:
        small = path.stat().st_size < _MAPPED_FROM
        array: NDArray[Any] = np.load(path, mmap_mode=None if small else "r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
            raise CollectionError(
                f"{path}: too many open files, as every segment keeps some; raise the limit ('ulimit -n') or build the "
                "collection anew in larger steps"
            ) from error
        raise _corrupt(path, str(error)) from error
    if array.shape != shape or array.dtype != np.dtype(dtype):
        raise _corrupt(path, f"{array.dtype} {array.shape} where {dtype} {shape} belongs")
    array.setflags(write=False)
    mapping: Any = array.base
    if path.stem in _SCATTERED and isinstance(mapping, mmap.mmap) and hasattr(mmap, "MADV_RANDOM"):
        mapping.madvise(mmap.MADV_RANDOM)  # what lies around what is read is of other pictures
    return array.view(np.ndarray)  # still mapped, without the cost of numpy's subclass at every slice


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
