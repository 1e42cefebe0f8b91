"""The layout of a collection's folder.

- ``collection.json``: format version, model id, digest of the settings of keypoints, whether it keeps
  local descriptors;
- ``catalogue.sqlite``: ids, file facts, and the segment and row of each picture (see `catalogue`);
- ``segments/000001/``, ...: arrays of the pictures that were added together (see `segment`);
- ``writer.lock``: held by the process that is writing (see `lock`).
"""

from __future__ import annotations

from pathlib import Path

from fingerprint.index.manifests import corrupt
from fingerprint.index.records import SegmentRecord
from fingerprint.index.segment import Segment, open_segment

SEGMENTS_NAME = "segments"


def segment_folder(folder: Path, number: int) -> Path:
    """Return the folder of a segment."""
    return folder / SEGMENTS_NAME / f"{number:06d}"


def open_listed(folder: Path, listed: SegmentRecord) -> Segment:
    """Open a segment of a collection and check that it is the one in the catalogue."""
    segment = open_segment(segment_folder(folder, listed.number), listed.model_id, listed.manifest)
    if len(segment) != listed.n_rows:
        segment.close()
        raise corrupt(segment.folder, f"the catalogue has {listed.n_rows} pictures, the segment {len(segment)}")
    return segment
