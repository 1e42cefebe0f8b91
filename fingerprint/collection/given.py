"""Checks of what a caller gives: (id, picture) pairs, and lists."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator, Sequence

from fingerprint.errors import ConfigError
from fingerprint.locations import without_credentials
from fingerprint.types import ImageSource

_SHOWN = 60  # characters
_MOST_SIMILAR = 3  # ids that a message names
_SIMILAR = 0.7  # of the letters, as difflib counts them
_FEW_IDS = 20_000  # that are compared letter by letter, in about a second


def checked_pairs(images: Iterable[tuple[str, ImageSource]]) -> Iterator[tuple[str, ImageSource]]:
    """Yield (id, picture) pairs as they come.

    Raises
    ------
    ConfigError
        If something else comes, such as the keys of a dict.
    """
    for item in images:
        if not isinstance(item, tuple | list) or len(item) != 2:
            raise ConfigError(f"{_beginning(item)} is no pair of id and picture; of a dict, give its items()")
        yield item[0], item[1]


def refuse_one(what: str, given: object) -> None:
    """Refuse one path, text, open file or Pillow image where a list is expected, rather than take its letters or lines.

    Raises
    ------
    ConfigError
    """
    if isinstance(given, str | bytes | bytearray | os.PathLike) or hasattr(given, "read") or hasattr(given, "getexif"):
        raise ConfigError(f"{what} is {_beginning(given)}; give a list, such as [{_beginning(given)}]")


def similar_text(wanted: str, ids: Sequence[str]) -> str:
    """Return which ids are like one that is not there, for the end of a message; nothing if none is."""
    last = wanted.rsplit("/", 1)[-1].casefold()
    near = [known for known in ids if known.rsplit("/", 1)[-1].casefold() == last]
    if not near and len(ids) <= _FEW_IDS:
        near = difflib.get_close_matches(wanted, ids, _MOST_SIMILAR, _SIMILAR)
    names = ", ".join(repr(known) for known in near[:_MOST_SIMILAR])
    return f"; there is {names}" if names else ""


def _beginning(value: object) -> str:
    text = repr(without_credentials(value) if isinstance(value, str) else value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
