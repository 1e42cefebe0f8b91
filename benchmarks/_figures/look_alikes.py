"""The table of look-alikes: what was taken for a copy, and which copies were found, by family."""

from __future__ import annotations

from _figures.results import Results
from _figures.tables import table


def families(results: Results) -> list[str]:
    """Return a row for each family, those first of which most strangers were taken for copies."""
    found = results["look_alikes"]
    rows = sorted(found["families"].items(), key=lambda item: -item[1]["strangers_at_half"] / item[1]["strangers"])
    return table(
        ("family", "strangers", ">= 0.5", ">= 0.9", "copies", "source first", "found at 0.5"),
        (
            (
                name.replace("_", " "),
                *(str(row[key]) for key in ("strangers", "strangers_at_half", "strangers_at_nine_tenths")),
                *(str(row[key]) for key in ("copies", "source_first", "found_at_half")),
            )
            for name, row in [*rows, ("all", found["all"])]
        ),
    )


def judged(results: Results) -> list[str]:
    """Return the challenge's metrics of copies among strangers."""
    metrics = results["look_alikes"]["metrics"]["all"]
    return [
        f"Copies among all these strangers: µAP {metrics['micro_ap']:.3f}, recall@P90 {metrics['recall_at_p90']:.3f}."
    ]
