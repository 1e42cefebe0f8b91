"""Notes beside results of what made them, so that a run goes on with its own only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from fingerprint.files import atomic
from fingerprint.files.datafiles import parse_json, read_small


def write_note(path: Path, facts: Mapping[str, str]) -> None:
    """Write a note."""
    atomic.replace_bytes(path, json.dumps(dict(facts)).encode())


def has_note(path: Path, facts: Mapping[str, str]) -> bool:
    """Say whether a note has exactly these facts; one that is missing or damaged has not."""
    try:
        return bool(parse_json(read_small(path)) == dict(facts))
    except (OSError, ValueError):
        return False
