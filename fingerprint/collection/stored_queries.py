"""References of a collection as queries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from fingerprint.config import Config
from fingerprint.errors import ImageError, UnknownIdError
from fingerprint.features.describe import describe_query, has_local_descriptors, query_from_fingerprint
from fingerprint.images.identity import load_identified
from fingerprint.index import Reader
from fingerprint.index.part import Part, PartRecord, parts_by_segment
from fingerprint.index.records import ImageRecord
from fingerprint.locations import is_url
from fingerprint.models import Models
from fingerprint.types import Identity, Query


@dataclass(frozen=True, slots=True)
class StoredQuery:
    """A picture of a collection that is to be a query of another process: its record, and the part that has it."""

    record: ImageRecord
    part: PartRecord


def stored_queries(reader: Reader, ids: Iterable[str]) -> Iterator[StoredQuery]:
    """Yield pictures of a collection as queries of other processes, which do not open its catalogue."""
    parts = reader.parts(0)
    part_of = parts_by_segment(parts)
    for image_id in ids:
        record = reader.record(image_id)
        if record is None:
            raise UnknownIdError(f"{image_id}: no such id in the collection {reader.folder}", image_id)
        yield StoredQuery(record, parts[part_of[reader.segment_of(image_id)]])


def stored_query(part: Part, record: ImageRecord, models: Models, config: Config) -> Query:
    """Return a reference as a query: from its local descriptors if the collection keeps them, else from its file.

    Parameters
    ----------
    part : Part
        The one that has the reference.
    record : ImageRecord
    models : Models
    config : Config

    Raises
    ------
    ImageError
        If its file is needed and is gone or has changed.
    """
    fingerprint = part.fingerprint(record.image_id)
    if has_local_descriptors(fingerprint):
        identified = replace(fingerprint, identity=Identity(record.content, record.pixels))
        return query_from_fingerprint(record.image_id, identified, models, config)
    try:
        data, content, _ = load_identified(record.path or "", config.limits)
        detail = ""
    except ImageError as error:
        content, detail = "", f" ({error.reason})" if record.path and is_url(record.path) else ""
    if content != record.content:
        raise ImageError(
            record.image_id,
            f"the collection {part.folder_of(record.image_id)} does not keep the local descriptors that a query needs, "
            "and the file "
            f"{record.path or '(none)'} is missing or has changed{detail}; give image files as queries, or make the "
            "collection with local descriptors ('fingerprint index create --keep-local')",
        )
    return replace(describe_query(data, models, config), name=record.image_id)
