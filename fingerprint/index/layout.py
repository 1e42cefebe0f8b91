"""The layout of a collection's folder.

- ``collection.json``: format version, model id, digest of the settings of keypoints, whether it keeps
  local descriptors;
- ``catalogue.sqlite``: ids, file facts, and the segment and row of each picture (see `catalogue`);
- ``segments/000001/``, ...: arrays of the pictures that were added together (see `segment`);
- ``incoming/``: segments that workers of a cluster have written, until the writer publishes them;
- ``writer.lock``: held by the process that is writing (see `lock`).
"""

from __future__ import annotations

from pathlib import Path

from fingerprint.index.atomic_folder import replace_file, reported
from fingerprint.index.catalogue import Catalogue
from fingerprint.index.manifests import corrupt, raised
from fingerprint.index.own_files import CATALOGUE_NAME, COLLECTION_MANIFEST, INCOMING_NAME, SEGMENTS_NAME
from fingerprint.index.records import SegmentRecord
from fingerprint.index.segment import Segment, open_segment

#: Name of the fact in the catalogue that has the text of ``collection.json``.
MANIFEST_FACT = "collection.json"


def segment_folder(folder: Path, number: int) -> Path:
    """Return the folder of a segment."""
    return folder / SEGMENTS_NAME / f"{number:06d}"


def incoming_folder(folder: Path, number: int) -> Path:
    """Return the folder in which another process writes a segment that is to be published; the number is of chance."""
    return folder / INCOMING_NAME / f"{number:06d}"


def open_listed(folder: Path, listed: SegmentRecord) -> Segment:
    """Open a segment of a collection and check that it is the one in the catalogue."""
    segment = open_segment(segment_folder(folder, listed.number), listed.model_id, listed.manifest)
    if len(segment) != listed.n_rows:
        segment.close()
        raise corrupt(segment.folder, f"the catalogue has {listed.n_rows} pictures, the segment {len(segment)}")
    return segment


def is_noted(catalogue: Catalogue, text: str) -> bool:
    """Return whether the text of ``collection.json`` is the one in the catalogue.

    The catalogue may already have it in the current format: `raise_format` was interrupted, or is at work.
    """
    return catalogue.fact(MANIFEST_FACT) in (text, raised(text))


def raise_format(folder: Path, catalogue: Catalogue) -> None:
    """Raise a collection to the current format before a segment of this format is added. Hold the writer's lock.

    Only ``collection.json``, its copy in the catalogue and the schema of the catalogue change. A version of copyprint
    that cannot read the new segment then refuses the collection by its format. Segments of the format before stay as
    they are.
    """
    catalogue.raise_schema()
    noted = catalogue.fact(MANIFEST_FACT) or ""
    try:
        present = raised(noted)
    except ValueError as error:
        raise corrupt(folder / CATALOGUE_NAME, f"its copy of {COLLECTION_MANIFEST} is damaged ({error})") from error
    if noted != present:
        with catalogue.change():
            catalogue.set_fact(MANIFEST_FACT, present)
    path = folder / COLLECTION_MANIFEST
    with reported(path):
        if path.read_bytes() != present.encode():
            replace_file(path, present.encode())
