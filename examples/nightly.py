"""A batch job: say which new files are copies of what the collection has, then add them.

$ python examples/nightly.py photos.fp incoming/ > copies.jsonl

A second run describes only what is new. Run it from cron; it exits with 1 if files were skipped.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import fingerprint
from fingerprint.images.find import identify_images


def main(folder: Path, incoming: Path) -> int:
    """Print a JSON object for each copy on stdout, and the counts on stderr."""
    opened = fingerprint.open_collection(folder) if folder.exists() else fingerprint.create_collection(folder)
    with opened as collection:
        named, _ = identify_images([incoming])
        new = [(image_id, path) for image_id, path in named if image_id not in collection]
        answers = collection.answer_many([path for _, path in new], n_results=1, min_probability=0.5)
        for (image_id, _), answer in zip(new, answers, strict=True):
            if isinstance(answer, fingerprint.Answer) and answer.matches:
                best = answer.matches[0]
                found = {"new": image_id, "copy_of": best.reference_id, "probability": round(best.probability, 3)}
                print(json.dumps(found))
        report = collection.add_files([incoming])
    for item in report.skipped:
        print(f"skipped: {item.path}: {item.reason}", file=sys.stderr)
    print(f"{report.added} added, {report.unchanged} unchanged", file=sys.stderr)
    return 1 if report.skipped else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
