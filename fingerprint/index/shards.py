"""The manifest of a sharded collection: ``shards.json``, which names the collections that are searched as one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

from fingerprint.errors import CollectionCorruptError, CollectionNotFoundError
from fingerprint.files.datafiles import parse_json, read_small
from fingerprint.index.atomic_folder import json_bytes, replace_file
from fingerprint.index.own_files import CATALOGUE_NAME, COLLECTION_MANIFEST, SHARDS_MANIFEST

_FORMAT_VERSION = 1


def read_shards(folder: Path) -> list[Path]:
    """Return the folders of the shards of a sharded collection, in order.

    Raises
    ------
    CollectionCorruptError
        If the manifest is damaged or of another format version, names a folder twice, or a sharded collection.
    CollectionNotFoundError
        If a shard is not where the manifest says.
    """
    path = folder / SHARDS_MANIFEST
    try:
        manifest = parse_json(read_small(path))
    except (OSError, ValueError) as error:
        raise CollectionCorruptError(f"{path}: cannot be read ({error}); restore the file") from error
    names = manifest.get("shards") if isinstance(manifest, dict) else None
    if not isinstance(names, list) or not names or not all(map(_is_name, names)):
        raise CollectionCorruptError(f"{path}: it names no shards; restore the file")
    version = manifest.get("format_version")
    if version != _FORMAT_VERSION:
        raise CollectionCorruptError(
            f"{path}: format version {version!r}, this version of copyprint reads {_FORMAT_VERSION}; "
            "restore the file, or install the version that made it"
        )
    shards = [folder / name for name in names]  # an absolute name stays as it is
    places = [os.path.realpath(shard) for shard in shards]
    for shard, place in zip(shards, places, strict=True):
        if places.count(place) > 1:
            raise CollectionCorruptError(f"{path}: it names {shard} twice; correct the file")
        if is_sharded(shard):
            raise CollectionCorruptError(f"{path}: {shard} is a sharded collection; name the shards of that instead")
        if not any((shard / name).is_file() for name in (COLLECTION_MANIFEST, CATALOGUE_NAME)):
            raise CollectionNotFoundError(
                f"{shard}: a shard of {folder} that is not there; bring its folder back, or correct {path}"
            )
    return shards


def _is_name(name: object) -> bool:
    return isinstance(name, str) and name != "" and "\0" not in name


def write_shards(folder: Path, shards: Sequence[Path]) -> None:
    """Write the manifest; shards within the folder are named relative to it, so that it can be moved with them."""
    within = folder.absolute()
    names = [
        str(shard.absolute().relative_to(within)) if shard.absolute().is_relative_to(within) else str(shard.absolute())
        for shard in shards
    ]
    replace_file(folder / SHARDS_MANIFEST, json_bytes({"format_version": _FORMAT_VERSION, "shards": names}))


def shard_folders(folder: Path) -> list[Path]:
    """Return the folders of the shards, in order; none if there is no sharded collection in a folder."""
    return read_shards(folder) if is_sharded(folder) else []


def is_sharded(folder: str | os.PathLike[str]) -> bool:
    """Return whether there is a sharded collection in a folder."""
    return (Path(folder) / SHARDS_MANIFEST).is_file()


def shard_of(image_id: str, n_shards: int) -> int:
    """Return the number of the shard that a new picture is added to: its id's BLAKE2b of 8 bytes, modulo the shards."""
    digest = blake2b(image_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % n_shards
