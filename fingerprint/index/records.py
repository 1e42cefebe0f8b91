"""The records of pictures and segments in the catalogue, and how they are stored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """A picture in the catalogue.

    Attributes
    ----------
    image_id : str
        Unique among the pictures that are not removed.
    path : str or None
        Path of its file; None for pictures from memory.
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
    """A segment in the catalogue.

    Attributes
    ----------
    number : int
        Never used for another segment, even after this one is deleted.
    rank : int
        Its number in the order of the segments, which is the order of adding; there may be gaps.
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
    """Return the SHA-256 in hex of the records of a segment's pictures."""
    digest = hashlib.sha256()
    for record in records:
        digest.update(json.dumps(storable_facts(record)).encode() + b"\n")
    return digest.hexdigest()


def storable_facts(record: ImageRecord) -> tuple[str, str | None, int | None, str | None, int, int]:
    """Return the columns of a record, except its segment and row."""
    path = None if record.path is None else storable(record.path)
    return record.image_id, path, record.n_bytes, record.content, record.width, record.height


def storable(text: str) -> str:
    """Escape lone surrogates, which SQLite cannot store. They stand for bytes of file names that are not UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
