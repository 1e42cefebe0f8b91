"""The table of look-alikes: what was taken for a copy, and which copies were found, by family."""

from __future__ import annotations

from _figures.results import Results
from _figures.tables import table


def families(results: Results) -> list[str]:
    """Return a row for each family, those first of which most strangers were taken for copies."""
    found = results["look_alikes"]
    rows = sorted(found["families"].items(), key=lambda item: -item[1]["strangers_at_half"] / item[1]["strangers"])
    return table(
        (
            "family",
            "strangers",
            ">= 0.5",
            ">= 0.9",
            "called shared",
            "copies",
            "source first",
            "found at 0.5",
        ),
        (
            (
                name.replace("_", " "),
                *(str(row[key]) for key in ("strangers", "strangers_at_half", "strangers_at_nine_tenths")),
                *(str(row[key]) for key in ("strangers_shared", "copies", "source_first", "found_at_half")),
            )
            for name, row in [*rows, ("all", found["all"])]
        ),
    )


def judged(results: Results) -> list[str]:
    """Return the challenge's metrics of copies among strangers."""
    found = results["look_alikes"]["metrics"]["all"]
    rows = results["look_alikes"]["calibration"]["all"]
    error, by_chance = rows["expected_calibration_error"], rows["error_by_chance"]
    ap, recall = (f"{found[key]:.3f}" for key in ("micro_ap", "recall_at_p90"))
    return [
        f"Copies among all these strangers: µAP {ap}, recall@P90 {recall}.",
        f"Expected calibration error of the first rows: {error:.3f}. With probabilities that are exactly right it is",
        f"{by_chance['mean']:.3f} on average, and more than {by_chance['worst_of_twenty']:.3f} once in twenty cases.",
    ]


def second_look(results: Results) -> list[str]:
    """Return a row for each kind of evidence that was left out, judged on graphics, and recall of the others."""
    rows = results["second_look"]["left_out"]
    return table(
        (
            "without",
            "strangers >= 0.5",
            ">= 0.9",
            "copies at 0.5",
            "µAP",
            "recall@P90",
            "photographs µAP",
            "scenes µAP",
        ),
        (
            (
                name,
                *(f"{row['graphics'][key]:.3f}" for key in ("strangers_at_half", "strangers_at_nine_tenths")),
                *(f"{row['graphics'][key]:.3f}" for key in ("copies_at_half", "micro_ap", "recall_at_p90")),
                *(f"{row[kind]['micro_ap']:.3f}" for kind in ("photograph", "scene")),
            )
            for name, row in rows.items()
        ),
    )
