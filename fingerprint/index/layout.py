"""Where a collection keeps what, and its manifest.

- ``collection.json``: format version, model id, digest of the settings of keypoints, whether it keeps
  local descriptors;
- ``catalogue.sqlite``: ids, file facts, which row of which segment (see `catalogue`);
- ``segments/000001/``, ...: arrays of the pictures that were added together (see `segment`);
- ``writer.lock``: held by the process that is writing (see `lock`).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from fingerprint.errors import CollectionCorruptError, CollectionNotFoundError
from fingerprint.index.records import SegmentRecord
from fingerprint.index.segment import Segment, corrupt, open_segment

FORMAT_VERSION = 3
MANIFEST_NAME = "collection.json"
SEGMENTS_NAME = "segments"
_ENTRIES: dict[str, type] = {"format_version": int, "model_id": str, "features": str, "keep_local_descriptors": bool}


def segment_folder(folder: Path, number: int) -> Path:
    """Return where a collection keeps a segment."""
    return folder / SEGMENTS_NAME / f"{number:06d}"


def open_listed(folder: Path, listed: SegmentRecord) -> Segment:
    """Open a segment of a collection and check that it is the one that the catalogue means."""
    segment = open_segment(segment_folder(folder, listed.number), listed.model_id, listed.manifest)
    if len(segment) != listed.n_rows:
        segment.close()
        raise corrupt(segment.folder, f"the catalogue has {listed.n_rows} pictures, the segment {len(segment)}")
    return segment


def read_manifest(folder: Path) -> tuple[dict[str, Any], str]:
    """Read what a collection says of itself, and the SHA-256 in hex of that.

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
        data = path.read_bytes()
        manifest = json.loads(data.decode())
    except (OSError, ValueError) as error:
        raise CollectionCorruptError(f"{path}: {error}; restore the file or build the collection anew") from error
    if not isinstance(manifest, dict) or "format_version" not in manifest:
        raise CollectionCorruptError(f"{path}: entries are missing; restore the file or build the collection anew")
    if manifest["format_version"] != FORMAT_VERSION:
        raise CollectionCorruptError(
            f"{path}: format version {manifest['format_version']}, this version of copyprint reads {FORMAT_VERSION}; "
            f"'fingerprint index upgrade {folder}' brings older ones up to date"
        )
    if any(type(manifest.get(key)) is not kind for key, kind in _ENTRIES.items()):
        raise CollectionCorruptError(f"{path}: entries are missing; restore the file or build the collection anew")
    return manifest, hashlib.sha256(data).hexdigest()
