"""Vectors in comma-separated lines: ``id,d0,d1,...`` in UTF-8."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerprint.challenge.files import number_of
from fingerprint.challenge.halves import Rows
from fingerprint.files.listfiles import open_list
from fingerprint.vectorfiles.values import file_fault, rows_at_once

_LONGEST_LINE = 1 << 24  # bytes; 4,096 numbers take 100 kB


def read_csv(path: Path) -> tuple[NDArray[Any], tuple[str, ...], None]:
    """Return the vectors, float32 (n, d), and the ids of a table; None for the model, which a table does not name.

    Raises
    ------
    ConfigError
        If the file is no table of this form; the message has the number of the line.
    OSError
        If it cannot be read.
    """
    ids: list[str] = []
    values = bytearray()  # grows in place, so that there is one copy of the numbers
    d = 0
    try:
        with (
            open_list(path, most=None, longest=_LONGEST_LINE) as raw,
            io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as file,
        ):
            rows = csv.reader(file, strict=True)
            for fields in rows:
                if not fields:
                    continue
                if not d:
                    d = _dimension_of_header(path, fields)
                    continue
                if len(fields) != d + 1:
                    raise file_fault(path, f"line {rows.line_num}: {len(fields)} fields where the header has {d + 1}")
                try:
                    numbers = np.array(list(map(number_of, fields[1:])))
                except ValueError as error:
                    raise file_fault(path, f"line {rows.line_num}: {error}; write numbers like 0.25") from error
                ids.append(fields[0])
                with np.errstate(over="ignore", under="ignore"):
                    values += numbers.astype(np.float32).tobytes()
    except UnicodeDecodeError as error:
        raise file_fault(path, f"not a text file in UTF-8 ({error.reason}): save it as CSV in UTF-8") from error
    except csv.Error as error:
        raise file_fault(path, f"not a CSV file ({error}): write id,d0,d1,... on each line") from error
    if not d:
        raise file_fault(path, "the file is empty: write the header id,d0,d1,... and a line for each vector")
    return np.frombuffer(values, np.float32).reshape(-1, d), tuple(ids), None


def write_csv(path: Path, ids: Sequence[str], rows: Rows) -> None:
    """Write a new table, a part at a time."""
    d = rows.shape[1]
    numbers = ",%.9g" * d + "\n"  # nine digits distinguish all float32
    with path.open("x", encoding="utf-8", newline="") as file:
        file.write("id," + ",".join(f"d{i}" for i in range(d)) + "\n")
        for start in range(0, len(ids), step := rows_at_once(rows.shape[1])):
            for name, vector in zip(ids[start : start + step], rows[start : start + step].tolist(), strict=True):
                quoted = '"' + name.replace('"', '""') + '"' if any(c in name for c in ',"\r\n') else name
                file.write(quoted + numbers % tuple(vector))


def _dimension_of_header(path: Path, fields: Sequence[str]) -> int:
    names = [field.strip().lower() for field in fields]
    if len(names) < 2 or names != ["id", *(f"d{i}" for i in range(len(names) - 1))]:
        found = ",".join(fields[:4]) + (",..." if len(fields) > 4 else "")
        raise file_fault(path, f"the header is {found!r}: make it id,d0,d1,...")
    return len(names) - 1
