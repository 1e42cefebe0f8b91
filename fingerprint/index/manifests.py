"""The two manifests of a collection, read and checked: ``collection.json``, and ``manifest.json`` of each segment."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from fingerprint.errors import CollectionCorruptError, CollectionNotFoundError, ModelMismatchError
from fingerprint.index.atomic_folder import json_bytes

#: Format of collections and of their segments that are written; `fingerprint.index.upgrade` upgrades older ones to it.
FORMAT_VERSION = 4
#: The format before, which is read as it is: its segments keep thumbnails as raw pixels.
RAW_THUMBNAILS = 3
COLLECTION_MANIFEST = "collection.json"
SEGMENT_MANIFEST = "manifest.json"
#: The kinds of segments.
PICTURES, VECTORS = "pictures", "vectors"

Entries: TypeAlias = Mapping[str, tuple[type, ...]]
_COLLECTION_ENTRIES: Entries = {"model_id": (str,), "features": (str,), "keep_local_descriptors": (bool,)}
_SEGMENT_ENTRIES: Entries = {
    "kind": (str,),
    "model_id": (str,),
    "n_images": (int,),
    "n_id_bytes": (int,),
    "dimension": (int,),
    "annoy": (dict, type(None)),
    "sha256": (dict,),
}
_PICTURE_ENTRIES: Entries = {"n_keypoints": (int,), "n_words": (int,), "n_local": (int,)}
_THUMBNAIL_ENTRIES: Entries = {"n_thumbnail_bytes": (int,)}


def read_collection_manifest(folder: Path) -> tuple[dict[str, Any], str]:
    """Read the manifest of a collection, and return it with its text.

    Raises
    ------
    CollectionNotFoundError
        If there is no collection in `folder`.
    CollectionCorruptError
        If its manifest is damaged or of another format version.
    """
    path = folder / COLLECTION_MANIFEST
    if not path.is_file():
        raise CollectionNotFoundError(
            f"{folder}: no collection here; make one with 'fingerprint index create {shlex.quote(str(folder))} IMAGES'"
        )
    manifest, data = _read(path)
    _check_entries(path, manifest, _COLLECTION_ENTRIES)
    return manifest, data.decode()


def raised(text: str) -> str:
    """Return the text of a collection's manifest in the current format, given one of any format that is read."""
    return json_bytes({**json.loads(text), "format_version": FORMAT_VERSION}).decode()


def read_segment_manifest(folder: Path, noted: str | None = None, model_id: str | None = None) -> dict[str, Any]:
    """Read and check the manifest of a segment.

    Parameters
    ----------
    folder : Path
        Of the segment.
    noted : str, optional
        The text of the manifest in the catalogue, which the file must have.
    model_id : str, optional
        The model that the segment must be of.

    Raises
    ------
    CollectionCorruptError
        If it is missing, unreadable, incomplete, changed, of another format version, or an entry is of the wrong type.
    ModelMismatchError
        If it is of another model.
    """
    path = folder / SEGMENT_MANIFEST
    manifest, data = _read(path)
    if manifest.get("kind") not in (PICTURES, VECTORS):
        raise corrupt(path, f"the kind is {manifest.get('kind')!r}, not {PICTURES} or {VECTORS}")
    _check_entries(path, manifest, _SEGMENT_ENTRIES)
    if manifest["kind"] == PICTURES:
        _check_entries(path, manifest, _PICTURE_ENTRIES)
        if manifest["format_version"] != RAW_THUMBNAILS:
            _check_entries(path, manifest, _THUMBNAIL_ENTRIES)
    if model_id is not None and manifest["model_id"] != model_id:  # first: its message says more than the next one
        raise ModelMismatchError(
            f"{folder}: made by model {manifest['model_id']}, opened with {model_id}; "
            "use the models that made the collection or build it again"
        )
    if noted is not None and data != noted.encode():
        raise corrupt(path, "its bytes have changed since it was written")
    return manifest


def corrupt(path: Path, reason: str) -> CollectionCorruptError:
    """Return the error to raise for a damaged file."""
    return CollectionCorruptError(
        f"{path}: {reason}; 'fingerprint index check --repair' restores what it can, or restore the file"
    )


def _read(path: Path) -> tuple[dict[str, Any], bytes]:
    """Return a manifest, which must be of a format version that is read, and its bytes."""
    try:
        data = path.read_bytes()
        manifest = json.loads(data.decode())
    except (OSError, ValueError) as error:
        raise corrupt(path, str(error)) from error
    if not isinstance(manifest, dict) or "format_version" not in manifest:
        raise corrupt(path, "entries are missing")
    if manifest["format_version"] not in (RAW_THUMBNAILS, FORMAT_VERSION):
        raise CollectionCorruptError(
            f"{path}: format version {manifest['format_version']}, this version of copyprint reads {RAW_THUMBNAILS} "
            f"and {FORMAT_VERSION}; 'fingerprint index upgrade' brings older collections up to date"
        )
    return manifest, data


def _check_entries(path: Path, manifest: Mapping[str, Any], entries: Entries) -> None:
    for name, types in entries.items():
        if name not in manifest:
            raise corrupt(path, "entries are missing")
        if type(manifest[name]) not in types:
            raise corrupt(path, f"{name} is {manifest[name]!r}, not of type {types[0].__name__}")
