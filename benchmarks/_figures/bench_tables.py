"""Tables of `results/bench.json`: other methods on the same files, by the same judge."""

from __future__ import annotations

from typing import Any

from _figures.bench_rows import label
from _figures.results import Results
from _figures.tables import table


def _cost(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def bench(results: Results) -> list[str]:
    """Return all rows, with intervals and costs."""
    return table(
        ("method", "µAP", "95 % interval", "R@P90", "R@1", "R@10", "CPU ms an image", "bytes", "CPU ms a query"),
        (
            (
                label(row),
                f"{row['micro_ap']:.4f}",
                f"{row['micro_ap_low']:.3f} to {row['micro_ap_high']:.3f}",
                *(f"{row[key]:.4f}" for key in ("recall_at_p90", "recall_at_1", "recall_at_10")),
                *(_cost(row[key]) for key in ("image_ms", "image_bytes", "query_ms")),
            )
            for row in results["bench"]["rows"]
        ),
    )


def bench_edits(results: Results) -> list[str]:
    """Return recall at rank 1 by kind of edit, of the better row of each method."""
    best: dict[str, dict[str, Any]] = {}
    for row in results["bench"]["rows"]:
        best.setdefault(row["method"], row)
    first = next(iter(best.values()))["recall_at_1_by_edit"]
    return table(
        ("edit", *best),
        (
            (edit, *(f"{row['recall_at_1_by_edit'][edit]:.2f}" for row in best.values()))
            for edit in sorted(first, key=lambda name: (first[name], name))
        ),
    )


def bench_runs(results: Results) -> list[str]:
    """Return how each method was run, and on what."""
    measured = results["bench"]
    machines: dict[str, list[str]] = {}
    for name, run in measured["runs"].items():
        versions = ", ".join(f"{package} {number}" for package, number in run["versions"].items())
        machines.setdefault(f"On {run['machine']}; {versions}:", []).append(f"- {name}: `{run['command']}`")
    lines = [f"On the set with the digest `{measured['set']['digest'][:16]}`."]
    for machine, runs in machines.items():
        lines += ["", machine, "", *runs]
    return lines
