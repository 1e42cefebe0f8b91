"""Where a collection keeps what, and its manifest.

- ``collection.json``: format version, model id, digest of the settings of keypoints;
- ``catalogue.sqlite``: ids, file facts, which row of which segment (see `catalogue`);
- ``segments/000001/``, ...: arrays of the pictures that were added together (see `segment`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fingerprint.errors import CollectionCorruptError, CollectionNotFoundError
from fingerprint.index.segment import Segment, open_segment

FORMAT_VERSION = 2
MANIFEST_NAME = "collection.json"
SEGMENTS_NAME = "segments"


def segment_folder(folder: Path, number: int) -> Path:
    """Return where a collection keeps a segment."""
    return folder / SEGMENTS_NAME / f"{number:06d}"


def open_listed(folder: Path, number: int, n_rows: int, model_id: str) -> Segment:
    """Open a segment of a collection and check that it has as many rows as the catalogue says."""
    segment = open_segment(segment_folder(folder, number), model_id)
    if len(segment) != n_rows:
        segment.trees.close()
        raise CollectionCorruptError(
            f"{segment.folder}: the catalogue has {n_rows} pictures, the segment {len(segment)}; "
            "restore the collection or build it anew"
        )
    return segment


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read what a collection says of itself.

    Raises
    ------
    CollectionNotFoundError
        If there is no collection in `folder`.
    CollectionCorruptError
        If its manifest is damaged or of another format version.
    """
    path = folder / MANIFEST_NAME
    if not path.is_file():
        raise CollectionNotFoundError(
            f"{folder}: no collection here; make one with 'fingerprint index create {folder} IMAGES'"
        )
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CollectionCorruptError(f"{path}: {error}; restore the file or build the collection anew") from error
    if not isinstance(manifest, dict) or any(k not in manifest for k in ("format_version", "model_id", "features")):
        raise CollectionCorruptError(f"{path}: entries are missing; restore the file or build the collection anew")
    if manifest["format_version"] != FORMAT_VERSION:
        raise CollectionCorruptError(
            f"{path}: format version {manifest['format_version']}, this version of copyprint reads {FORMAT_VERSION}; "
            "build the collection anew or install the version that made it"
        )
    return manifest
