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
    pixels : str or None
        Digest of the decoded pixels; see `fingerprint.types.Identity`. None for pictures that were added before
        catalogues had it.
    """

    image_id: str
    path: str | None
    n_bytes: int | None
    content: str | None
    width: int
    height: int
    pixels: str | None = None


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
        facts = storable_facts(record)
        # without the pixels where there are none, so that the digests of older collections stay valid
        digest.update(json.dumps(facts if record.pixels is not None else facts[:-1]).encode() + b"\n")
    return digest.hexdigest()


def storable_facts(record: ImageRecord) -> tuple[str, str | None, int | None, str | None, int, int, str | None]:
    """Return the columns of a record, except its segment and row."""
    path = None if record.path is None else storable(record.path)
    return record.image_id, path, record.n_bytes, record.content, record.width, record.height, record.pixels


def storable(text: str) -> str:
    """Escape lone surrogates, which SQLite cannot store. They stand for bytes of file names that are not UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
