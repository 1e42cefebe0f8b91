"""Rows of `results/bench.json`: what they are called, and which are those of other methods."""

from __future__ import annotations

from typing import Any

from _figures.results import Results

#: Methods of this package; its commands measure them apart, too.
OURS = ("matching-track-", "descriptor-track")


def label(row: dict[str, Any]) -> str:
    """Return what a row is, in words."""
    return row["title"] if row["row"] == "raw" else f"{row['title']}; background-normalised"


def others(results: Results) -> dict[str, dict[str, Any]]:
    """Return the better row of each other method, and both of the learned one."""
    chosen: dict[str, dict[str, Any]] = {}
    seen: set[str] = set()
    for row in results["bench"]["rows"]:  # the best first
        if not row["method"].startswith(OURS) and (row["method"] not in seen or row["method"] == "sscd"):
            chosen[label(row)] = row
            seen.add(row["method"])
    return chosen
