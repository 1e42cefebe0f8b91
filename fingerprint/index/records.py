"""What the catalogue knows of a picture and of a segment, and how it is written down."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """What the catalogue knows of one picture.

    Attributes
    ----------
    image_id : str
        Unique among the pictures that are not removed.
    path : str or None
        Where the file was; None for pictures from memory.
    n_bytes : int or None
        Size of the file.
    content : str or None
        SHA-256 of the file's bytes, in hex.
    width, height : int
        In pixels, upright; 0 for a vector that came without a picture.
    """

    image_id: str
    path: str | None
    n_bytes: int | None
    content: str | None
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class SegmentRecord:
    """What the catalogue knows of a segment.

    Attributes
    ----------
    number : int
        Never used for another segment, even when this one is gone.
    rank : int
        Its rank among the segments, which keeps the order of addition; not dense.
    model_id : str
    n_rows, n_removed : int
        Pictures in it, and those of them that were removed.
    manifest : str
        The text of its manifest.
    facts : str
        SHA-256 in hex of the file facts of its pictures.
    """

    number: int
    rank: int
    model_id: str
    n_rows: int
    n_removed: int
    manifest: str
    facts: str


def facts_digest(records: Iterable[ImageRecord]) -> str:
    """Return the SHA-256 in hex of what the catalogue says of the pictures of a segment."""
    digest = hashlib.sha256()
    for record in records:
        digest.update(json.dumps(storable_facts(record)).encode() + b"\n")
    return digest.hexdigest()


def storable_facts(record: ImageRecord) -> tuple[str, str | None, int | None, str | None, int, int]:
    """Return a record as it is written down, without its place."""
    path = None if record.path is None else storable(record.path)
    return record.image_id, path, record.n_bytes, record.content, record.width, record.height


def storable(text: str) -> str:
    """Return a text that SQLite can keep: lone surrogates, which stand for foreign bytes in file names, escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
