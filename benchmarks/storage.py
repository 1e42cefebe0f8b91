"""Bytes of a collection by part: all files of one that is made of DATA's references, over their number."""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from pathlib import Path

from _records import RESULTS, header, write

from fingerprint import create_collection
from fingerprint.images.find import find_images
from fingerprint.index import FORMAT_VERSION
from fingerprint.models import load_models

#: Parts of a collection, by the names of files; all others are the last one.
PARTS = {
    "signatures": ("signatures",),
    "frames": ("frames",),
    "postings": ("posting_signatures", "posting_references", "posting_geometry", "posting_words", "posting_starts"),
    "thumbnail": ("thumbnails", "thumbnail_offsets"),
    "compact descriptor": ("descriptors", "codes"),
    "hashes and size": ("hashes", "sizes"),
    "colours": ("colours",),
}
OTHERS = "ids, catalogue, manifests"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with references/")
    parser.add_argument("--json", type=Path, default=RESULTS / "storage.json")
    arguments = parser.parse_args()
    models = load_models()
    result = header(arguments.data) | {"model_id": models.model_id, "format": FORMAT_VERSION}
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "references.fp"
        with create_collection(folder, models=models) as collection:
            added = collection.add_files(find_images([arguments.data / "references"])[0])
            if added.skipped:
                raise SystemExit(f"{added.skipped[0].path}: {added.skipped[0].reason}")
            info = collection.info()
        n = info.references
        result |= {"references": n, "segments": info.segments, "keypoints": round(info.keypoints / n, 1)}
        result["bytes_a_reference"] = {part: round(count / n, 1) for part, count in bytes_by_part(folder).items()}
    write(arguments.json, result)


def bytes_by_part(folder: Path) -> dict[str, int]:
    """Return the bytes of each part of a collection, and of all of it."""
    part_of = {name: part for part, names in PARTS.items() for name in names}
    found: dict[str, int] = defaultdict(int)
    for path in folder.rglob("*"):
        if path.is_file():
            found[part_of.get(path.stem, OTHERS)] += path.stat().st_size
    return {part: found[part] for part in (*PARTS, OTHERS)} | {"all": sum(found.values())}


if __name__ == "__main__":
    main()
