"""Segments: the immutable, memory-mapped arrays of the pictures that were added together.

All segments have ``ids.npy``, ``id_offsets.npy``, ``id_order.npy`` (see `ids`) · ``descriptors.npy`` (n, d).
Large ones also have ``descriptors.ann``, Annoy's trees. ``manifest.json`` has the format version, the kind, the model,
counts, Annoy's settings and a digest of every file.

A segment of the kind ``vectors`` has no other files, and its descriptors are float32. In one of the kind ``pictures``
they are int8 (see `packed_vectors`), and it also has:

For each picture: ``codes.npy`` uint64 (n, w) signs of the descriptor · ``hashes.npy`` uint64 (n, 3) · ``sizes.npy``
int32 (n, 2) width and height · ``offsets.npy`` int64 (n + 1,) first keypoint of each picture · ``thumbnails.npy`` uint8
(b,) thumbnails end to end, each as `fingerprint.features.thumbnail.shorten` returns it · ``thumbnail_offsets.npy``
int64 (n + 1,) first byte of each · ``colours.npy`` int8 (n, 8, 8, 2), see `fingerprint.features.colour_grid`.

For each keypoint, picture by picture: ``signatures.npy`` uint64 (N, 2) · ``frames.npy`` uint16 (N, 4), see
`fingerprint.kernels.frames` · ``local.npy`` uint8 (N, 128), or (0, 128) if they are not kept.

For each keypoint, word by word (see `fingerprint.types.Postings`): ``posting_words.npy`` uint32 (u,) ·
``posting_starts.npy`` uint32 (u + 1,) · ``posting_signatures.npy`` uint64 (N,) · ``posting_references.npy`` uint16
(N,), or uint32 in a segment of more than 65,536 pictures · ``posting_geometry.npy`` uint32 (N,).

In format 5, there are no colours. In format 4, besides, frames are float32 (N, 5), descriptors of pictures float32
without codes, references of postings uint32, and thumbnails whole JPEG or PNG files. In format 3, besides, thumbnails
are raw pixels instead, uint8 (n, 64, 64), without offsets.
"""

from __future__ import annotations

import errno
import hashlib
import math
import mmap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerprint.errors import CollectionCorruptError, CollectionError
from fingerprint.features.colour_grid import REFERENCE_SIDE, unknown_colours
from fingerprint.features.packed_frames import unpack_frames
from fingerprint.features.thumbnail import lengthen
from fingerprint.files.datafiles import load_array, open_regular
from fingerprint.index.annoy_trees import Trees
from fingerprint.index.ids import SegmentIds
from fingerprint.index.manifests import (
    PICTURES,
    RAW_THUMBNAILS,
    UNCOLOURED,
    UNPACKED,
    VECTORS,
    corrupt,
    read_segment_manifest,
)
from fingerprint.index.own_files import SEGMENT_MANIFEST, TREES_NAME
from fingerprint.index.packed_vectors import Vectors, as_vectors, code_words
from fingerprint.types import F32, I8, I32, I64, U8, U16, U64, Fingerprint, Keypoints, Postings

_SCATTERED = ("signatures", "frames", "thumbnails", "colours", "local")  # arrays that are read at scattered rows
MAPPED_FROM = 1 << 18  # bytes; smaller files are read into memory
_LONGEST_SIDE = 1 << 24  # pixels, of a picture
_RAW_SIDE = 64  # pixels, of a thumbnail in a segment of format 3
_SHORT_ROWS = 1 << 16  # pictures whose rows fit into 16 bits
_NOT_FINITE = "it has numbers that are not finite"
_NO_LOCAL = np.zeros((0, 128), np.uint8)
_UNKNOWN_COLOURS = unknown_colours(1)[0]
_PICTURE_ARRAYS = (
    *("hashes", "sizes", "thumbnails", "thumbnail_offsets", "colours", "offsets", "signatures", "frames", "local"),
)
POSTING_ARRAYS = ("words", "starts", "signatures", "references", "geometry")


@dataclass(frozen=True, slots=True)
class Segment:
    """An open segment; all arrays are mapped from disk and read-only.

    `codes` are of packed descriptors, None if they are not packed.
    """

    folder: Path
    manifest: dict[str, Any]
    ids: SegmentIds
    descriptors: Vectors
    codes: U64 | None
    trees: Trees | None

    def __len__(self) -> int:
        return len(self.descriptors)

    def close(self) -> None:
        """Unmap Annoy's file. The arrays are unmapped when nothing refers to them any more."""
        if self.trees is not None:
            self.trees.close()


@dataclass(frozen=True, slots=True)
class PictureSegment(Segment):
    """An open segment of pictures, with all that a search of pictures needs.

    `thumbnail_offsets` is None in a segment of format 3, whose `thumbnails` are raw pixels. `frames` are packed, except
    in segments of format 3 and 4. `colours` is None in segments of format 3 to 5.
    """

    hashes: U64
    sizes: I32
    thumbnails: U8
    thumbnail_offsets: I64 | None
    colours: I8 | None
    offsets: I64
    signatures: U64
    frames: U16 | F32
    local: U8
    postings: Postings

    def will_need(self, rows: Sequence[int]) -> None:
        """Ask the system to read the keypoints of some pictures ahead, all at once rather than one by one."""
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

    def fingerprint(self, row: int, keypoints: Keypoints | None = None) -> Fingerprint:
        """Return the fingerprint of the picture in `row`; its arrays stay mapped from disk.

        `keypoints` : those of `row`, if they were read already.
        """
        return Fingerprint(
            hashes=self.hashes[row],
            keypoints=self.keypoints(row) if keypoints is None else keypoints,
            descriptor=self.descriptors[row],
            thumbnail=self._thumbnail(row),
            colours=_UNKNOWN_COLOURS if self.colours is None else self.colours[row],
            model_id=str(self.manifest["model_id"]),
        )

    def keypoints(self, row: int) -> Keypoints:
        """Return the keypoints of the picture in `row`."""
        start, stop = int(self.offsets[row]), int(self.offsets[row + 1])
        return Keypoints(
            descriptors=self.local[start:stop] if len(self.local) else _NO_LOCAL,
            signatures=self.signatures[start:stop],
            frame=self.unpacked_frames(start, stop),
            width=int(self.sizes[row, 0]),
            height=int(self.sizes[row, 1]),
        )

    def unpacked_frames(self, start: int, stop: int) -> F32:
        """Return the frames of a run of keypoints: float32 array, shape (stop - start, 5)."""
        stored: Any = self.frames[start:stop]
        frame: F32 = unpack_frames(stored) if stored.dtype == np.uint16 else stored
        return frame

    def _thumbnail(self, row: int) -> U8:
        if self.thumbnail_offsets is None:
            return np.asarray(self.thumbnails[row])
        stored = self.thumbnails[int(self.thumbnail_offsets[row]) : int(self.thumbnail_offsets[row + 1])]
        return stored if self.manifest["format_version"] == UNPACKED else lengthen(stored)


def reference_fault(reference: Fingerprint) -> str | None:
    """Return what is wrong with a stored picture, so that it cannot be compared, or None. Only damage makes such."""
    if np.isfinite(reference.descriptor.sum()):
        return keypoints_fault(reference.keypoints)
    return _NOT_FINITE


def keypoints_fault(keypoints: Keypoints) -> str | None:
    """Return what is wrong with the stored keypoints of a picture, or None; see `reference_fault`."""
    if not (0 < keypoints.width <= _LONGEST_SIDE and 0 < keypoints.height <= _LONGEST_SIDE):
        return f"its size is {keypoints.width} x {keypoints.height} pixels"
    return None if math.isfinite(keypoints.frame.sum()) else _NOT_FINITE


def row_type(n_pictures: int) -> str:
    """Return the dtype of the references of postings in a segment of so many pictures."""
    return "uint16" if n_pictures <= _SHORT_ROWS else "uint32"


def expected_arrays(manifest: dict[str, Any]) -> dict[str, tuple[tuple[int, ...], str]]:
    """Return the shape and dtype that a segment's manifest says of each array, by name."""
    n = manifest["n_images"]
    packed = manifest["kind"] == PICTURES and manifest["format_version"] > UNPACKED
    common: dict[str, tuple[tuple[int, ...], str]] = {
        "ids": ((manifest["n_id_bytes"],), "uint8"),
        "id_offsets": ((n + 1,), "int64"),
        "id_order": ((n,), "uint32"),
        "descriptors": ((n, manifest["dimension"]), "int8" if packed else "float32"),
    }
    if manifest["kind"] == VECTORS:
        return common
    if packed:
        common["codes"] = ((n, code_words(manifest["dimension"])), "uint64")
    if manifest["format_version"] > UNCOLOURED:
        common["colours"] = ((n, REFERENCE_SIDE, REFERENCE_SIDE, 2), "int8")
    thumbnails: dict[str, tuple[tuple[int, ...], str]] = {"thumbnails": ((n, _RAW_SIDE, _RAW_SIDE), "uint8")}
    if manifest["format_version"] != RAW_THUMBNAILS:
        thumbnails = {
            "thumbnails": ((manifest["n_thumbnail_bytes"],), "uint8"),
            "thumbnail_offsets": ((n + 1,), "int64"),
        }
    total, n_words = manifest["n_keypoints"], manifest["n_words"]
    return common | {
        "hashes": ((n, 3), "uint64"),
        "sizes": ((n, 2), "int32"),
        "offsets": ((n + 1,), "int64"),
        "signatures": ((total, 2), "uint64"),
        "frames": ((total, 4), "uint16") if packed else ((total, 5), "float32"),
        "local": ((manifest["n_local"], 128), "uint8"),
        "posting_words": ((n_words,), "uint32"),
        "posting_starts": ((n_words + 1,), "uint32"),
        "posting_signatures": ((total,), "uint64"),
        "posting_references": ((total,), row_type(n) if packed else "uint32"),
        "posting_geometry": ((total,), "uint32"),
        **thumbnails,
    }


def open_segment(folder: Path, model_id: str, noted: str | None = None) -> Segment:
    """Map a segment and check that its files fit its manifest.

    Parameters
    ----------
    folder : Path
    model_id : str
        Of the model that the segment must be of.
    noted : str, optional
        The text of its manifest in the catalogue.

    Returns
    -------
    Segment
        A `PictureSegment` if it is of the kind ``pictures``.

    Raises
    ------
    CollectionCorruptError
        If a file is missing, cut short or of another shape than the manifest says.
    ModelMismatchError
        If it is of another model than `model_id`.
    """
    manifest = read_segment_manifest(folder, noted, model_id)
    check_digests(folder, manifest)
    n = manifest["n_images"]
    arrays = {name: _map(folder / f"{name}.npy", *form) for name, form in expected_arrays(manifest).items()}
    _check_run(folder / "id_offsets.npy", arrays["id_offsets"], manifest["n_id_bytes"], "bytes of the ids")
    if n and arrays["id_order"].max() >= n:
        raise corrupt(folder / "id_order.npy", f"it names rows beyond the {n} of the segment")
    ids = SegmentIds(arrays["ids"], arrays["id_offsets"], arrays["id_order"])
    trees = None
    if manifest["kind"] == PICTURES:
        total = manifest["n_keypoints"]
        if manifest["n_local"] not in (0, total):
            raise corrupt(folder / SEGMENT_MANIFEST, f"n_local is {manifest['n_local']}, neither 0 nor {total}")
        _check_run(folder / "offsets.npy", arrays["offsets"], total, "number of keypoints")
        if (bounds := arrays.get("thumbnail_offsets")) is not None:
            _check_run(folder / "thumbnail_offsets.npy", bounds, manifest["n_thumbnail_bytes"], "bytes of thumbnails")
        _check_run(folder / "posting_starts.npy", arrays["posting_starts"], total, "number of keypoints")
    if manifest["annoy"] is not None:
        trees = Trees(folder / TREES_NAME, manifest["dimension"], n, manifest["annoy"])
    vectors = as_vectors(arrays["descriptors"])
    if manifest["kind"] == VECTORS:
        return Segment(folder, manifest, ids, vectors, None, trees)
    postings = Postings(**{name: arrays[f"posting_{name}"] for name in POSTING_ARRAYS}, n_references=n)
    pictures: dict[str, Any] = {name: arrays.get(name) for name in _PICTURE_ARRAYS}
    codes = arrays.get("codes")
    return PictureSegment(folder, manifest, ids, vectors, codes, trees, postings=postings, **pictures)


def check_digests(folder: Path, manifest: dict[str, Any]) -> None:
    """Check that the manifest has a digest of each file of the segment, and of no other file."""
    sums = manifest["sha256"]
    expected = {f"{name}.npy" for name in expected_arrays(manifest)} | ({TREES_NAME} if manifest["annoy"] else set())
    if sums.keys() != expected or not all(isinstance(digest, str) for digest in sums.values()):
        wrong = sorted(sums.keys() ^ expected)
        what = f"not one of each file: {wrong[0]!r}" if wrong else "not of type str"
        raise corrupt(folder / SEGMENT_MANIFEST, f"sha256: the digests are {what}")


def _check_run(path: Path, bounds: NDArray[Any], last: int, what: str) -> None:
    """Check that bounds run from 0 to `last` and never fall."""
    signed = bounds.astype(np.int64)
    if signed[0] != 0 or signed[-1] != last or (np.diff(signed) < 0).any():
        raise corrupt(path, f"its numbers do not run from 0 to the {what}")


def _map(path: Path, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    """Map an array from disk and check its shape and dtype. A small one is read, as each mapping keeps a file open."""
    try:
        array = load_array(path, shape, dtype, MAPPED_FROM)
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
            raise CollectionError(
                f"{path}: too many open files, as every segment keeps some; raise the limit ('ulimit -n') or build the "
                "collection again in larger steps"
            ) from error
        raise corrupt(path, getattr(error, "strerror", None) or str(error)) from error
    mapping: Any = array.base
    if path.stem in _SCATTERED and isinstance(mapping, mmap.mmap) and hasattr(mmap, "MADV_RANDOM"):
        mapping.madvise(mmap.MADV_RANDOM)  # do not read ahead: neighbouring bytes are of other pictures
    return array.view(np.ndarray)  # still mapped, without the cost of numpy's subclass at every slice


def segment_problems(folder: Path, noted: str | None = None) -> list[str]:
    """Compare every file of a segment with its digest and return the problems; empty if it is sound."""
    try:
        manifest = read_segment_manifest(folder, noted)
        check_digests(folder, manifest)
    except CollectionCorruptError as error:
        return [str(error)]
    problems = []
    for name, written in sorted(manifest["sha256"].items()):
        try:
            found = file_digest(folder / name)
        except OSError as error:
            problems.append(f"{folder / name}: {error.strerror or error}")
            continue
        if found != written:
            problems.append(f"{folder / name}: its bytes have changed since it was written")
    return problems


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type] # it is a buffered reader
