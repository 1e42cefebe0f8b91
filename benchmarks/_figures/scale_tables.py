"""Tables of what a collection costs as it grows, from `scale.json`, and de-duplicating, from `dedupe_scale.json`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from _figures.results import Results
from _figures.singles import FIGURES
from _figures.tables import table

#: Of `scale.json`: the stages as they were called before the vote, the descriptors and the hashes were timed apart.
_FORMER_STAGES = {"candidates": "candidates: vote, descriptors, hashes", "vote": "shortlist"}
_COMPACTED = "the last, compacted"


def _columns(results: Results) -> dict[str, dict[str, Any]]:
    """Return what was measured at each size, by heading."""
    measured = results["scale"]["measured"]
    return {_COMPACTED if key == "compacted" else f"{int(key):,}": part for key, part in measured.items()}


def scale(results: Results) -> list[str]:
    columns, measured = _columns(results), results["scale"]
    rates = {
        f"{int(key):,}": f"{(grown['to'] - grown['from']) / max(1e-9, grown['seconds_in_additions']):,.0f}"
        for key, grown in measured["grown"].items()
    }
    rows: dict[str, Callable[[dict[str, Any]], str]] = {
        "segments": lambda p: f"{p['segments']}",
        "bytes a reference": lambda p: f"{p['bytes']['total'] / p['references']:,.0f}",
        "open: from disk, from memory": lambda p: (
            f"{p['open_seconds']['cold']:.2f} s, {p['open_seconds']['warm']:.3f} s"
        ),
        "memory of the process's own": lambda p: f"{p['memory']['after all queries']['RssAnon'] / 1e9:.2f} GB",
        "memory with what is mapped": lambda p: f"{p['memory']['after all queries']['VmRSS'] / 1e9:.2f} GB",
        "one query, all stages: median": lambda p: f"{p['ms']['all']['p50']:.0f} ms",
        "95 of 100 take less than": lambda p: f"{p['ms']['all']['p95']:.0f} ms",
        "the first 20, from disk: median": lambda p: f"{p['first_queries_ms']['all']['p50']:.0f} ms",
        "a query among many, two workers": lambda p: f"{p['batch_ms_a_query']:.0f} ms",
        "source first": lambda p: f"{p['found']['source_first']} of {p['found']['queries_with_source']}",
        "queries without a source, with a match at 0.5": lambda p: (
            f"{p['found']['false_alarms']} of {p['found']['queries_without']}"
        ),
    }
    lines = [[label, *(cell(part) for part in columns.values())] for label, cell in rows.items()]
    lines.insert(2, ["written a second, of described references", *(rates.get(name, "") for name in columns)])
    return table(("references", *columns), lines)


def scale_stages(results: Results) -> list[str]:
    columns = _columns(results)
    timed = next(iter(columns.values()))["ms"]
    words = _FORMER_STAGES if "candidates" in timed else {}
    return table(
        ("median, 95 of 100", *columns),
        (
            (
                words.get(stage, stage),
                *(f"{p['ms'][stage]['p50']:.0f}, {p['ms'][stage]['p95']:.0f} ms" for p in columns.values()),
            )
            for stage in timed
            if stage != "search"
        ),
    )


def scale_bytes(results: Results) -> list[str]:
    name, part = [item for item in _columns(results).items() if item[0] != _COMPACTED][-1]
    return table(
        (f"of {name} references", "bytes", "a reference"),
        ((key, f"{n / 1e9:.2f} GB", f"{n / part['references']:,.0f}") for key, n in part["bytes"].items()),
    )


def scale_segments(results: Results) -> list[str]:
    return table(
        ("10,000 references in", "candidates of a query", "open", "bytes a reference"),
        (
            (
                f"{int(number):,} of {cost['references_each']:,}",
                f"{cost['candidates_ms']:.1f} ms",
                f"{cost['open_ms']:.0f} ms",
                f"{cost['bytes'] / 10_000:,.0f}",
            )
            for number, cost in results["scale"]["segments"].items()
        ),
    )


def scale_targets(results: Results) -> list[str]:
    targets = results["scale"]["targets"]
    shares = [100 * targets["add_1000_share_of_that"][key] for key in ("median", "mean", "longest")]
    searches = [targets[f"growth_search_{p}"] for p in ("p50", "p95")]
    return table(
        ("", "target", "measured"),
        (
            ("bytes a reference", "at most 30,000", f"{targets['bytes_a_reference']:,}"),
            ("to open, from disk", "below 1 s", f"{targets['open_seconds_cold']:.2f} s"),
            (
                "median of a query, largest size to the one before",
                "at most 6 times",
                f"{targets['growth_all_p50']:.2f} times",
            ),
            ("the same of 95 of 100", "at most 6 times", f"{targets['growth_all_p95']:.2f} times"),
            (
                "the same without describing: median, 95 of 100",
                "at most 6 times",
                f"{searches[0]:.2f}, {searches[1]:.2f} times",
            ),
            (
                "to add 1,000 to the largest, of building the size before: median, mean, longest",
                "at most 5 %",
                ", ".join(f"{share:.1f}" for share in shares) + " %",
            ),
            (
                "memory of two processes together, of one alone",
                "shared",
                f"{FIGURES['million.two'].text(results)} GB, {FIGURES['million.one'].text(results)} GB",
            ),
        ),
    )


def dedupe_scale(results: Results) -> list[str]:
    """Return what de-duplicating takes as a folder grows."""
    return table(
        ("files", "edited copies among them", "core seconds", "a file", "memory"),
        (
            (
                f"{int(files):,}",
                f"{found['copies']:,}",
                f"{found['core_seconds']:,.0f}",
                f"{1000 * found['core_seconds'] / int(files):.0f} ms",
                f"{found['peak_mb']:,} MB",
            )
            for files, found in results["dedupe_scale"]["measured"].items()
        ),
    )
