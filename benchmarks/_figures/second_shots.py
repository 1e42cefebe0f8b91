"""The table of second shots: what is called a copy."""

from __future__ import annotations

import textwrap

from _figures.results import Results
from _figures.tables import table

_PARTS = {"data": "data", "packages": "packages", "all": "both"}
_KINDS = {"second_shots": "second shots", "unrelated": "unrelated", "listed_copies": "listed copies"}


def parts(results: Results) -> list[str]:
    """Return the requirement, and rows for the kinds of pair of each part."""
    measured = results["second_shots"]
    kept = measured["kept"]
    requirement = (
        f"The requirement: at the threshold that keeps {_percent(kept, 0)} of the edited copies, at most "
        f"{_percent(1 - kept, 0)} of the second shots are called copies."
    )
    rows: list[tuple[object, ...]] = []
    for part, name in _PARTS.items():
        if part not in measured["parts"]:
            continue
        found = measured["parts"][part]
        for kind, words in _KINDS.items():
            row = found[kind]
            counts = (row["at_half"], row["at_nine_tenths"], _percent(row["share_at_threshold"], 1))
            rows.append((f"{name}: {words}", row["pairs"], *counts))
        copies = (found["copies_at_half"], found["copies_at_nine_tenths"], _percent(kept, 1))
        rows.append((f"{name}: edited copies", found["copies"], *copies))
        rows.append((f"{name}: the threshold", "", "", "", f"{found['threshold']['probability']:.3f}"))
    head = ("", "number", ">= 0.5", ">= 0.9", "at the threshold")
    return [*textwrap.wrap(requirement, 120), "", *table(head, rows)]


def _percent(share: float, digits: int) -> str:
    return f"{100 * share:.{digits}f} %"
