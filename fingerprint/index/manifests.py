"""The two manifests of a collection, read and checked: ``collection.json``, and ``manifest.json`` of each segment."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from fingerprint.config import DESCRIPTOR_INDICES, Config
from fingerprint.errors import CollectionCorruptError, CollectionNotFoundError, ModelMismatchError
from fingerprint.files.datafiles import parse_json, read_small
from fingerprint.index.atomic_folder import json_bytes
from fingerprint.index.own_files import COLLECTION_MANIFEST, SEGMENT_MANIFEST

#: Format of collections and of their segments that are written; `fingerprint.index.upgrade` upgrades older ones to it.
FORMAT_VERSION = 6
#: The format before, which is read as it is: its segments have no colours.
UNCOLOURED = 5
#: The one before that, which is read as well: its segments keep frames, descriptors and thumbnails unpacked.
UNPACKED = 4
#: The oldest that is read: its segments keep thumbnails as raw pixels.
RAW_THUMBNAILS = 3
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
_ANNOY_ENTRIES: Entries = {"n_trees": (int,), "seed": (int,), "n_jobs": (int,)}


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
    data = _read(path)
    manifest = _parse(path, data)
    _check_entries(path, manifest, _COLLECTION_ENTRIES)
    if manifest.setdefault("descriptor_index", DESCRIPTOR_INDICES[0]) not in DESCRIPTOR_INDICES:
        raise corrupt(path, f"descriptor_index is {manifest['descriptor_index']!r}")
    return manifest, data.decode()


def with_own_index(config: Config, manifest: Mapping[str, Any]) -> Config:
    """Return settings with the ``descriptor_index`` that a collection was made with, given its manifest."""
    return replace(config, candidates=replace(config.candidates, descriptor_index=manifest["descriptor_index"]))


def raised(text: str) -> str:
    """Return the text of a collection's manifest in the current format, given one of any format that is read.

    Raises
    ------
    ValueError
        If it is no manifest.
    """
    entries = parse_json(text)
    if not isinstance(entries, dict):
        raise ValueError("no JSON object")
    return json_bytes({**entries, "format_version": FORMAT_VERSION}).decode()


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
    data = _read(path)
    manifest = parse_segment_manifest(path, data)
    if model_id is not None and manifest["model_id"] != model_id:  # first: its message says more than the next one
        raise ModelMismatchError(
            f"{folder}: made by model {manifest['model_id']}, opened with {model_id}; "
            "use the models that made the collection or build it again"
        )
    if noted is not None and data != noted.encode():
        raise corrupt(path, "its bytes have changed since it was written")
    return manifest


def parse_segment_manifest(path: Path, data: bytes) -> dict[str, Any]:
    """Return the manifest of a segment from its bytes; `path` is for messages.

    Raises
    ------
    CollectionCorruptError
        If an entry is missing or of the wrong type, or the format version is not read.
    """
    manifest = _parse(path, data)
    if manifest.get("kind") not in (PICTURES, VECTORS):
        raise corrupt(path, f"the kind is {manifest.get('kind')!r}, not {PICTURES} or {VECTORS}")
    _check_entries(path, manifest, _SEGMENT_ENTRIES)
    if manifest["kind"] == PICTURES:
        _check_entries(path, manifest, _PICTURE_ENTRIES)
        if manifest["format_version"] != RAW_THUMBNAILS:
            _check_entries(path, manifest, _THUMBNAIL_ENTRIES)
    if manifest["annoy"] is not None:
        _check_entries(path, manifest["annoy"], _ANNOY_ENTRIES)
    return manifest


def corrupt(path: Path, reason: str) -> CollectionCorruptError:
    """Return the error to raise for a damaged file."""
    return CollectionCorruptError(
        f"{path}: {reason}; 'fingerprint index check --repair' restores what it can, or restore the file"
    )


def _read(path: Path) -> bytes:
    try:
        return read_small(path)
    except (OSError, ValueError) as error:
        raise corrupt(path, getattr(error, "strerror", None) or str(error)) from error


def _parse(path: Path, data: bytes) -> dict[str, Any]:
    """Return a manifest, which must be of a format version that is read."""
    try:
        manifest = parse_json(data)
    except ValueError as error:
        raise corrupt(path, str(error)) from error
    if not isinstance(manifest, dict) or "format_version" not in manifest:
        raise corrupt(path, "entries are missing")
    version = manifest["format_version"]
    if type(version) is not int or not RAW_THUMBNAILS <= version <= FORMAT_VERSION:
        raise CollectionCorruptError(unread_format(path, version))
    return manifest


def unread_format(path: Path, version: object) -> str:
    """Return the message for a manifest of a format version that is not read."""
    newer = type(version) is int and version > FORMAT_VERSION
    remedy = (
        "install the version that made it, or a later one"
        if newer
        else "'fingerprint index upgrade' brings older collections up to date"
    )
    return (
        f"{path}: format version {version!r}, this version of copyprint reads {RAW_THUMBNAILS} to {FORMAT_VERSION}; "
        f"{remedy}"
    )


def _check_entries(path: Path, manifest: Mapping[str, Any], entries: Entries) -> None:
    for name, types in entries.items():
        if name not in manifest:
            raise corrupt(path, "entries are missing")
        if type(manifest[name]) not in types:
            raise corrupt(path, f"{name} is {manifest[name]!r}, not of type {types[0].__name__}")
