"""Writing segments, from pictures and from vectors; see `segment_merger` for segments that are made of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerprint.config import AnnoyConfig, Config
from fingerprint.features.descriptor import pack_descriptors
from fingerprint.features.inverted_file import build_postings
from fingerprint.features.packed_frames import pack_frames, unpack_frames
from fingerprint.features.thumbnail import pack_thumbnail, shorten
from fingerprint.index.annoy_trees import METRIC, build_trees
from fingerprint.index.atomic_folder import NewFolder
from fingerprint.index.ids import SegmentIds
from fingerprint.index.manifests import FORMAT_VERSION, PICTURES, VECTORS
from fingerprint.index.own_files import SEGMENT_MANIFEST, TREES_NAME
from fingerprint.index.packed_vectors import Vectors, as_vectors, sign_codes
from fingerprint.index.segment import POSTING_ARRAYS, row_type
from fingerprint.models import VocabularyModel
from fingerprint.types import F32, U8, Fingerprint, Postings

_NO_LOCAL = np.zeros((0, 128), np.uint8)


def write_pictures(
    folder: Path,
    ids: Sequence[str],
    fingerprints: Sequence[Fingerprint],
    vocabulary: VocabularyModel,
    config: Config,
    *,
    keep_local: bool,
    n_workers: int | None = None,
) -> str:
    """Write a new segment of pictures; it is complete and on disk when this returns.

    Parameters
    ----------
    folder : Path
        Must not exist. Everything is written to a folder beside it that is renamed at the end.
    ids : sequence of str
    fingerprints : sequence of Fingerprint
        One for each id, at least one, all of one model.
    vocabulary : VocabularyModel
        Of the same model; gives the words of the inverted file.
    config : Config
        Settings of Annoy, and which segments get trees.
    keep_local : bool
        Whether to keep local descriptors. A picture needs them to be a query.
    n_workers : int, optional
        Threads that look up words; one for each core by default. The bytes do not depend on it.

    Returns
    -------
    str
        The text of the manifest, for the catalogue.

    Raises
    ------
    CollectionError
        If a file cannot be written; nothing is left behind then.
    """
    frames = [pack_frames(f.keypoints.frame) for f in fingerprints]
    # the inverted file is made of what is stored, so that it can be made again
    keypoints = [
        replace(f.keypoints, frame=unpack_frames(stored)) for f, stored in zip(fingerprints, frames, strict=True)
    ]
    thumbnails = [shortened(f.thumbnail) for f in fingerprints]
    packed = pack_descriptors(np.stack([f.descriptor for f in fingerprints]))
    arrays: dict[str, NDArray[Any]] = {
        "descriptors": packed,
        "codes": sign_codes(packed),
        "hashes": np.stack([f.hashes for f in fingerprints]).astype(np.uint64),
        "sizes": np.array([(k.width, k.height) for k in keypoints], dtype=np.int32),
        "thumbnails": np.concatenate(thumbnails),
        "thumbnail_offsets": np.cumsum([0] + [len(stored) for stored in thumbnails], dtype=np.int64),
        "colours": np.stack([f.colours for f in fingerprints]),
        "offsets": np.cumsum([0] + [len(k) for k in keypoints], dtype=np.int64),
        "signatures": np.concatenate([k.signatures for k in keypoints]),
        "frames": np.concatenate(frames),
        "local": np.concatenate([k.descriptors for k in keypoints] if keep_local else [_NO_LOCAL]),
    }
    postings = build_postings(keypoints, vocabulary, n_workers)
    arrays |= posting_arrays(postings)
    counts = {
        "n_keypoints": int(arrays["offsets"][-1]),
        "n_words": len(postings.words),
        "n_local": len(arrays["local"]),
        "n_thumbnail_bytes": len(arrays["thumbnails"]),
    }
    with NewFolder(folder) as new:
        for name, array in arrays.items():
            new.add_array(name, array)
        add_ids(new, SegmentIds.of(ids))
        vectors = as_vectors(packed)
        return finish(new, PICTURES, fingerprints[0].model_id, vectors, len(_joined(ids)), config, counts)


def posting_arrays(postings: Postings) -> dict[str, NDArray[Any]]:
    """Return an inverted file as the arrays of a segment, by name."""
    found: dict[str, NDArray[Any]] = {f"posting_{name}": getattr(postings, name) for name in POSTING_ARRAYS}
    found["posting_references"] = postings.references.astype(row_type(postings.n_references))
    return found


def write_vectors(folder: Path, ids: Sequence[str], vectors: F32, model_id: str, config: Config) -> str:
    """Write a new segment of vectors of any model; parameters, result and errors as in `write_pictures`.

    `vectors` : float32 array, shape (n, d), finite.
    """
    with NewFolder(folder) as new:
        new.add_array("descriptors", np.ascontiguousarray(vectors, dtype=np.float32))
        add_ids(new, SegmentIds.of(ids))
        return finish(new, VECTORS, model_id, vectors, len(_joined(ids)), config, {})


def shortened(thumbnail: U8) -> U8:
    """Return a thumbnail as segments keep it; raw pixels, of segments of format 3, become a PNG first."""
    return shorten(pack_thumbnail(thumbnail) if thumbnail.ndim == 2 else thumbnail)


def _joined(ids: Sequence[str]) -> bytes:
    return "".join(ids).encode()


def add_ids(new: NewFolder, ids: SegmentIds) -> None:
    """Write the arrays of the ids."""
    new.add_array("ids", ids.text)
    new.add_array("id_offsets", ids.offsets)
    new.add_array("id_order", ids.order)


def finish(
    new: NewFolder,
    kind: str,
    model_id: str,
    descriptors: Vectors,
    n_id_bytes: int,
    config: Config,
    counts: dict[str, int],
) -> str:
    """Build trees if the segment is to have them, write the manifest and give the folder its final name."""
    trees = None
    if config.candidates.has_trees(len(descriptors), coded=kind == PICTURES):
        build_trees(descriptors, new.path / TREES_NAME, config.annoy)
        new.add_written(TREES_NAME)
        trees = annoy_settings(config.annoy)
    manifest = {
        "format_version": FORMAT_VERSION,
        "kind": kind,
        "model_id": model_id,
        "n_images": len(descriptors),
        "n_id_bytes": n_id_bytes,
        "dimension": int(descriptors.shape[1]),
        **counts,
        "annoy": trees,
        "sha256": new.digests,
    }
    return new.publish(manifest, SEGMENT_MANIFEST)


def annoy_settings(annoy: AnnoyConfig) -> dict[str, Any]:
    """Return the entry of a manifest for Annoy's trees."""
    return {"metric": METRIC, "n_trees": annoy.n_trees, "seed": annoy.seed, "n_jobs": annoy.n_jobs}
