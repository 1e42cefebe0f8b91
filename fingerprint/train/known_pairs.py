"""Photographs that are not as unrelated as others: copies and second shots that somebody has looked at and listed."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from fingerprint.errors import ConfigError
from fingerprint.files.listfiles import open_list

COPY, SHARED, UNRELATED = 2, 1, 0
#: Of a pair of training photographs: kinds as in a file of known pairs.
KINDS = {"copy": COPY, "second shot": SHARED}


def read_known_pairs(path: Path) -> dict[frozenset[str], int]:
    """Read a CSV file of pairs of photographs that are not unrelated.

    Parameters
    ----------
    path : Path
        With the columns ``first`` and ``second``, file names without folders, and ``kind``: ``copy`` or
        ``second shot``. Other kinds and columns are ignored.

    Returns
    -------
    dict of pairs of file names to `COPY` or `SHARED`

    Raises
    ------
    ConfigError
        If the file cannot be read, is no text in UTF-8 (a byte-order mark does no harm), or lacks a column or a field.
    """
    try:
        with open_list(path) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file, strict=True)
            if missing := {"first", "second", "kind"} - set(table.fieldnames or ()):
                raise KeyError(", ".join(sorted(missing)))
            known = {}
            for row in table:
                if row["first"] is None or row["second"] is None or row["kind"] is None:
                    raise KeyError(f"a field of line {table.line_num}")
                if row["kind"] in KINDS:
                    known[frozenset({row["first"], row["second"]})] = KINDS[row["kind"]]
        return known
    except OSError as error:
        raise ConfigError(f"{path}: the list of pairs cannot be read: {error.strerror or error}") from error
    except (KeyError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(
            f"{path}: not a list of pairs ({error}); it needs the columns first, second and kind"
        ) from error


def linked(names: Sequence[str], known_pairs: Mapping[frozenset[str], int]) -> dict[int, int]:
    """Group photographs by the second shots that link them, also over others.

    Parameters
    ----------
    names : sequence of str
        File names of the photographs.
    known_pairs : mapping of pairs of file names to `COPY` or `SHARED`
        Pairs of other files are ignored.

    Returns
    -------
    dict of int to int
        For the number of each photograph that has a second shot: the lowest number in its group.
    """
    numbers = {name: number for number, name in enumerate(names)}
    first: dict[int, int] = {}
    for pair, kind in known_pairs.items():
        found = [numbers[name] for name in pair if name in numbers]
        if kind == SHARED and len(found) == len(pair):
            linked = {first.get(number, number) for number in found}
            merged = {number for number, root in first.items() if root in linked} | set(found)
            first.update(dict.fromkeys(merged, min(merged)))
    return first
