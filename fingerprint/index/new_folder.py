"""The folder of a new collection."""

from __future__ import annotations

import shlex
import stat
from pathlib import Path

from fingerprint.config import Config, description_digest
from fingerprint.errors import CollectionExistsError
from fingerprint.files.atomic import UNFINISHED, flush_folder
from fingerprint.index.atomic_folder import json_bytes, replace_file, reported
from fingerprint.index.catalogue import Catalogue, was_unfinished
from fingerprint.index.layout import MANIFEST_FACT
from fingerprint.index.manifests import FORMAT_VERSION
from fingerprint.index.own_files import CATALOGUE_NAME, COLLECTION_MANIFEST, LOCK_NAME, SEGMENTS_NAME, SIDE_FILES
from fingerprint.models import Models


def check_empty(folder: Path) -> None:
    """Check that a folder is empty, except for what an interrupted `Writer.create` left."""
    if (folder / COLLECTION_MANIFEST).exists():
        raise CollectionExistsError(
            f"{folder}: already a collection; 'fingerprint index add {shlex.quote(str(folder))} IMAGES' adds to it"
        )
    if folder.exists() and not (folder.is_dir() and all(map(_left_by_create, list(folder.iterdir())))):
        what = "a folder of other files" if folder.is_dir() else "a file"
        raise CollectionExistsError(
            f"{folder}: {what}, not a collection; name a new folder for the collection, then the images "
            "('fingerprint index create NEW-FOLDER IMAGES')"
        )


def make_empty(folder: Path, models: Models, config: Config) -> None:
    """Write an empty collection."""
    manifest = json_bytes(
        {
            "format_version": FORMAT_VERSION,
            "model_id": models.model_id,
            "features": description_digest(config),
            "keep_local_descriptors": config.storage.keep_local_descriptors,
            "descriptor_index": config.candidates.descriptor_index,
        }
    )
    with reported(folder):
        for left in folder.iterdir():
            if left.name == SEGMENTS_NAME:
                left.rmdir()
            elif left.name != LOCK_NAME:
                left.unlink()
        (folder / SEGMENTS_NAME).mkdir()
        catalogue = Catalogue(folder / CATALOGUE_NAME, create=True)
        try:
            with catalogue.change():
                catalogue.set_fact(MANIFEST_FACT, manifest.decode())
        finally:
            catalogue.close()
        replace_file(folder / COLLECTION_MANIFEST, manifest)  # from here on it is a collection
        flush_folder(folder.absolute().parent)


def _left_by_create(path: Path) -> bool:
    """Return whether a file is one that an interrupted `Writer.create` leaves."""
    mode = path.lstat().st_mode
    if path.name == SEGMENTS_NAME:
        return stat.S_ISDIR(mode) and not any(path.iterdir())
    if path.name == CATALOGUE_NAME:
        return stat.S_ISREG(mode) and was_unfinished(path)
    made = (*(CATALOGUE_NAME + end for end in SIDE_FILES), LOCK_NAME, COLLECTION_MANIFEST + UNFINISHED)
    return stat.S_ISREG(mode) and path.name in made
