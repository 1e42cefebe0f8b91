"""The table of second shots: what was called a copy before the engine was trained on them, and now."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from _figures.results import Results
from _figures.tables import table

_RUNS = ("second_shots_before", "second_shots")
_PARTS = {"data": "data", "packages": "packages", "all": "both"}
_KINDS = {"second_shots": "second shots", "unrelated": "unrelated", "listed_copies": "listed copies"}


def parts(results: Results) -> list[str]:
    """Return the requirement, and rows for the kinds of pair of each part."""
    before, now = runs = tuple(results[name] for name in _RUNS)
    if before["kept"] != now["kept"]:
        raise ValueError("the two runs of second shots keep different shares of the copies")
    kept = now["kept"]
    requirement = (
        f"The requirement: at the threshold that keeps {_percent(kept, 0)} of the edited copies, at most "
        f"{_percent(1 - kept, 0)} of the second shots are called copies."
    )
    head = (">= 0.5", ">= 0.9", "at the threshold")
    rows: list[tuple[str, ...]] = []
    for part, name in _PARTS.items():
        if part not in now["parts"]:
            continue
        found = [run["parts"][part] for run in runs]
        for kind, words in _KINDS.items():
            counts = (cell for row in found for cell in _counts(row[kind]))
            rows.append((f"{name}: {words}", str(found[-1][kind]["pairs"]), *counts))
        copies = (cell for row in found for cell in _copies(row, kept))
        rows.append((f"{name}: edited copies", str(found[-1]["copies"]), *copies))
        thresholds = (cell for row in found for cell in ("", "", f"{row['threshold']['probability']:.3f}"))
        rows.append((f"{name}: the threshold", "", *thresholds))
    names = ("", "number", *(f"{run}: {column}" for run in ("before", "now") for column in head))
    return [*textwrap.wrap(requirement, 120), "", *table(names, rows)]


def _counts(row: dict[str, Any]) -> Iterator[str]:
    yield from (str(row["at_half"]), str(row["at_nine_tenths"]), _percent(row["share_at_threshold"], 1))


def _copies(row: dict[str, Any], kept: float) -> Iterator[str]:
    yield from (str(row["copies_at_half"]), str(row["copies_at_nine_tenths"]), _percent(kept, 1))


def _percent(share: float, digits: int) -> str:
    return f"{100 * share:.{digits}f} %"
