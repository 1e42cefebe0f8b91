"""Describing a picture that is to be added to a collection, unless the collection has it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

import numpy as np

from fingerprint.config import Config
from fingerprint.errors import ImageError
from fingerprint.features.describe import ReadPicture, describe_read_query, describe_read_reference, read_picture
from fingerprint.features.thumbnail import open_thumbnail
from fingerprint.images.identity import load_identified
from fingerprint.index import ImageRecord
from fingerprint.index.records import storable
from fingerprint.locations import Url, local_name, location
from fingerprint.models import Models
from fingerprint.types import Fingerprint, ImageSource, Skipped, array_bytes, is_unicode, source_name
from fingerprint.verify import verify
from fingerprint.workers import Pending

_MANY_KINDS = 60  # of keypoints; nearly all photographs have more than 200
_KIND = np.uint64(0xFFFF)  # the bits of a signature that tell them apart
_MUCH_CONTRAST = 12.0  # grey values; standard deviation
#: The way out where two files have one id.
APART = "give --root a folder that contains both, for an id of its own"


@dataclass(frozen=True, slots=True)
class Offered:
    """A picture to add, and the record that the collection has under its id."""

    image_id: str
    source: ImageSource
    known: ImageRecord | None


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A fingerprint that stays with the worker that made it: the task that described its parcel, and its row there."""

    parcel: Pending[list[Described | Skipped]]
    row: int


@dataclass(frozen=True, slots=True)
class Described:
    """A picture that was described; its fingerprint is None if the collection has the same bytes under its id.

    `moved` is the path of its file, if it is not the one in the catalogue. `plain` is whether it shows so little,
    or repeats it so, that the engine may not find a copy of it by what it shows.
    """

    fingerprint: Fingerprint | Elsewhere | None
    record: ImageRecord
    moved: str | None = None
    plain: bool = False

    def __sizeof__(self) -> int:
        """Return the bytes of its arrays."""
        return array_bytes(self.fingerprint) if isinstance(self.fingerprint, Fingerprint) else 0


def describe_offered(item: Offered, models: Models, config: Config, *, replace_others: bool = True) -> Described:
    """Describe a picture, unless it is in the collection with the same bytes."""
    image_id, source = item.image_id, item.source
    path = path_of(source)
    name = str(image_id or source_name(source)) if path is None else source_name(source)
    if not isinstance(image_id, str):
        raise ImageError(name, f"its id is {image_id!r}; an id is a text")
    if not is_unicode(image_id):
        raise ImageError(name, "its name is not valid Unicode, so it cannot be an id; rename the file")
    if not image_id:
        raise ImageError(name, "its id is empty; give it an id")
    try:
        data, content, n_bytes = load_identified(source, config.limits)
    except ImageError as error:
        raise ImageError(name, error.reason) from error
    if item.known is not None and content == item.known.content:
        return Described(None, item.known, path if path != item.known.path else None)
    if not replace_others and item.known is not None and _is_another(path, item.known.path):
        taken = f"its id {image_id!r} is already that of {item.known.path}"
        raise ImageError(name, f"{taken}; {APART}, or --replace if it takes that one's place")
    try:
        read = read_picture(data, config)
    except ImageError as error:
        raise ImageError(name, error.reason) from error
    fingerprint = describe_read_reference(read, models, config)
    pixels = None if fingerprint.identity is None else fingerprint.identity.pixels
    record = ImageRecord(image_id, path, n_bytes, content, fingerprint.width, fingerprint.height, pixels)
    return Described(fingerprint, record, plain=_is_plain(read, fingerprint, models, config))


def _is_plain(read: ReadPicture, fingerprint: Fingerprint, models: Models, config: Config) -> bool:
    """Return whether a picture shows so little, or repeats it so, that not even the same file is found by that.

    Only pictures with few kinds of keypoints or little contrast are tried, as nearly all others are found.
    A checkerboard has hundreds of keypoints of a few kinds, and no way to tell which of them is which.
    """
    n_kinds = len(np.unique(fingerprint.keypoints.signatures[:, 0] & _KIND))
    contrast = float(open_thumbnail(fingerprint.thumbnail).std())
    if n_kinds >= _MANY_KINDS and contrast >= _MUCH_CONTRAST:
        return False
    unidentified = replace(fingerprint, identity=None)
    query = describe_read_query(replace(read, identity=None), config.query, models, config)
    return verify(query, unidentified, models, config.match).relation != "copy"


def _is_another(path: str | None, known: str | None) -> bool:
    """Return whether two paths are those of different files; one that is gone counts as different."""
    if path is None or known is None or storable(path) == known:
        return False
    try:
        return not os.path.samefile(local_name(path), local_name(known))  # noqa: PTH121 - of URLs too
    except OSError:
        return True


def path_of(source: ImageSource) -> str | None:
    """Return the absolute path of a picture's file, or its URL without credentials; None for one from memory."""
    if not isinstance(source, str | os.PathLike):
        return None
    found = location(source)
    return str(found) if isinstance(found, Url) else os.path.abspath(source)  # noqa: PTH100 - does not follow links
