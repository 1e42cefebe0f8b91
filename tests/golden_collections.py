"""Collections that earlier versions made, kept to see that they can still be read."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np

import fingerprint
from fingerprint.collection import Collection
from fingerprint.features.thumbnail import open_thumbnail
from fingerprint.models import load_models
from fingerprint.types import U8, Fingerprint

#: The models that they were made by, which have changed since, and with them their id; what is tested is the format.
_GOLDEN_MODELS = ("vlad64-256-5c137817b924", "vlad4x32-256-fb6db57b5cc6")


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a collection as if the models of today had made it."""
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
    today = load_models().model_id
    for golden in _GOLDEN_MODELS:
        _rename_model(folder, golden, today)
    return folder


def _rename_model(folder: Path, before: str, after: str) -> None:
    for path in folder.rglob("*.json"):
        path.write_text(path.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
    with closing(sqlite3.connect(folder / "catalogue.sqlite")) as catalogue, catalogue:
        for (table,) in catalogue.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for column in [row[1] for row in catalogue.execute(f"PRAGMA table_info({table})").fetchall()]:
                catalogue.execute(
                    f"UPDATE {table} SET {column} = replace({column}, ?1, ?2) WHERE instr({column}, ?1)",
                    (before, after),
                )


def query(photos: dict[str, U8], name: str, cut: int = 20) -> U8:
    """An edited copy: reduced and blurred like the reference, and cut at the top."""
    pixels = photos[name]
    factor = 240 / max(pixels.shape[:2])
    small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), 2.5)[cut:], np.uint8)


def assert_read_right(collection: Collection, photos: dict[str, U8], *names: str) -> None:
    """What is kept is the picture, or its edited copy where that was added, and a search compares with it.

    How probable a copy is says nothing here: the keypoints and descriptors are of models of then. So copies are sought
    that are not cut: their hashes are those that are kept.
    """
    for name in names:
        thumbnail = open_thumbnail(collection.fingerprint(f"{name}.jpg").thumbnail)
        sources = (cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) for pixels in (photos[name], query(photos, name)))
        expected = [cv2.resize(grey, thumbnail.shape[::-1], interpolation=cv2.INTER_AREA) for grey in sources]
        assert max(np.corrcoef(thumbnail.ravel(), grey.ravel())[0, 1] for grey in expected) > 0.9, name
        found = collection.answer(query(photos, name, cut=0))
        assert f"{name}.jpg" in {match.reference_id for match in found.matches}, name
        assert not found.damaged


def fingerprints(folder: Path) -> dict[str, Fingerprint]:
    """What is kept of each picture, by its id."""
    with fingerprint.open_collection(folder) as collection:
        return {image_id: collection.fingerprint(image_id) for image_id in collection.ids}


def format_of(folder: Path) -> tuple[int, list[int]]:
    """Format versions of a collection and of its segments."""
    manifests = [folder / "collection.json", *sorted(folder.glob("segments/*/manifest.json"))]
    first, *others = (int(json.loads(path.read_text())["format_version"]) for path in manifests)
    return first, others


def files_of(folder: Path) -> dict[str, bytes]:
    """Arrays and manifests of a collection, by path."""
    found = [path for path in folder.rglob("*") if path.is_file() and path.name.endswith((".npy", ".json"))]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}
