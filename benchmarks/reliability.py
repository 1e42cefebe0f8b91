"""Draw the reliability diagram: what the engine said about how sure it is, against how often that was right.

``challenge_set.py`` draws it at its end. Called by itself, this draws it once more from the JSON written then. It needs
matplotlib: ``pip install -c constraints.txt -e '.[bench]'``.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _records import RESULTS, SEED

from fingerprint.types import F64, I64, Bool

N_BINS = 10
N_DRAWS = 400
MISSING = (
    "no reliability diagram, as matplotlib is not installed; "
    "pip install -c constraints.txt -e '.[bench]', then python benchmarks/reliability.py"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, default=RESULTS / "challenge_set.json", help="what challenge_set.py wrote")
    parser.add_argument("--out", type=Path, help="PNG to write; reliability.png beside the JSON by default")
    arguments = parser.parse_args()
    if not can_plot():
        raise SystemExit(MISSING)
    judged = json.loads(arguments.json.read_text(encoding="utf-8"))["calibration"]["all_rows"]
    out = arguments.out or arguments.json.with_name("reliability.png")
    plot_reliability(judged["reliability"], judged["expected_calibration_error"], out)
    print(f"written to {out}")


def calibration(probability: F64, correct: Bool) -> dict[str, Any]:
    """Return the expected calibration error over bins of equal width, the Brier score, and the table of the bins.

    Few rows have an error by chance even if every probability is exactly right: ``error_by_chance`` has what such an
    engine would have with these probabilities, on average and in the worst of twenty cases.
    """
    which = np.minimum((probability * N_BINS).astype(int), N_BINS - 1)
    table = []
    for number in range(N_BINS):
        inside = which == number
        if inside.any():
            table.append(
                {
                    "from": number / N_BINS,
                    "to": (number + 1) / N_BINS,
                    "rows": int(inside.sum()),
                    "probability": round(float(probability[inside].mean()), 4),
                    "frequency": round(float(correct[inside].mean()), 4),
                }
            )
    rng = np.random.default_rng(SEED)
    by_chance = [_error(probability, rng.random(len(probability)) < probability, which) for _ in range(N_DRAWS)]
    brier = float(np.square(probability - correct).mean()) if len(correct) else 0.0
    return {
        "rows": len(correct),
        "expected_calibration_error": round(_error(probability, correct, which), 5),
        "error_by_chance": {
            "mean": round(float(np.mean(by_chance)), 5),
            "worst_of_twenty": round(float(np.quantile(by_chance, 0.95)), 5),
        },
        "brier_score": round(brier, 5),
        "reliability": table,
    }


def _error(probability: F64, correct: Bool, which: I64) -> float:
    """Return the mean distance of probability and frequency, over bins by their rows."""
    return float(np.abs(np.bincount(which, correct - probability, N_BINS)).sum()) / max(len(correct), 1)


def can_plot() -> bool:
    return importlib.util.find_spec("matplotlib") is not None


def plot_reliability(table: Sequence[Mapping[str, float]], error: float, out: Path) -> None:
    """Write the diagram as a PNG.

    Parameters
    ----------
    table : sequence of mappings
        One for each bin that has rows: ``from`` and ``to``, its bounds; ``rows``, how many; ``probability``, their
        mean; ``frequency``, which part of them is right.
    error : float
        The expected calibration error, for the title.
    out : Path
        The file to write.
    """
    from matplotlib.figure import Figure  # only here, as nothing else needs it

    said = [row["probability"] for row in table]
    figure = Figure(figsize=(5.2, 5.6), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    top.set_title(f"Expected calibration error {error:.4f}, {sum(int(row['rows']) for row in table):,} rows")
    top.plot([0, 1], [0, 1], color="0.6", linestyle="--", linewidth=1, label="ideal")
    top.plot(said, [row["frequency"] for row in table], color="tab:blue", marker="o", markersize=5, label="measured")
    top.set(xlim=(0, 1), ylim=(-0.02, 1.02), ylabel="how often it was right")
    top.legend(loc="upper left")
    top.grid(color="0.9")
    bottom.bar(
        [row["from"] for row in table],
        [row["rows"] for row in table],
        width=[row["to"] - row["from"] for row in table],
        align="edge",
        color="tab:blue",
        edgecolor="white",
    )
    bottom.set(yscale="log", xlabel="probability that was said", ylabel="rows")
    bottom.set_ylim(bottom=0.5)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=100, metadata={"Software": None})


if __name__ == "__main__":
    main()
