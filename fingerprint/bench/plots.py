"""Pictures of a comparison: recall by kind of edit, precision against recall. matplotlib is the extra ``plots``."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fingerprint.bench.judging import Row, better_rows

HEAT, CURVES = "Recall at rank 1 by kind of edit", "Precision against recall"
_MOST_CURVES = 20


def plots(rows: Sequence[Row], copies: Mapping[str, int]) -> dict[str, bytes]:
    """Return pictures as PNG files by their captions; nothing if matplotlib is not installed.

    Parameters
    ----------
    rows : sequence of Row
        The best first; the first 20 have curves.
    copies : mapping of str to int
        How many copies were made with each kind of edit.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return {}
    pictures = {}
    if rows[0].by_edit:
        pictures[HEAT] = _png(_heat_map(Figure, better_rows(rows), copies))
    pictures[CURVES] = _png(_curves(Figure, rows[:_MOST_CURVES]))
    return pictures


def _heat_map(figure_of: Any, rows: Sequence[Row], copies: Mapping[str, int]) -> Any:
    edits = sorted(rows[0].by_edit, key=lambda name: (rows[0].by_edit[name], name))
    values = np.array([[row.by_edit[name] for row in rows] for name in edits])
    figure = figure_of(figsize=(2.5 + 0.55 * len(rows), 2.5 + 0.28 * len(edits)), layout="constrained")
    axes = figure.subplots()
    axes.set_title(f"{HEAT} (copies)")
    image = axes.imshow(values, vmin=0, vmax=1, cmap="viridis", aspect="auto")
    axes.set_xticks(range(len(rows)), [row.method for row in rows], rotation=60, ha="right")
    axes.set_yticks(range(len(edits)), [f"{name} ({copies[name]})" for name in edits])
    for y, line in enumerate(values):
        for x, value in enumerate(line):
            axes.text(x, y, f"{value:.2f}", ha="center", va="center", size=7, color="white" if value < 0.6 else "black")
    figure.colorbar(image, label="copies whose reference is ranked first")
    return figure


def _curves(figure_of: Any, rows: Sequence[Row]) -> Any:
    figure = figure_of(figsize=(8.5, 5.5), layout="constrained")
    axes = figure.subplots()
    methods = list(dict.fromkeys(row.method for row in rows))  # both rows of a method have one colour
    for row in rows:
        style = "-" if row.row == "raw" else "--"
        colour = f"C{methods.index(row.method) % 10}"
        axes.plot(*row.curve, style, color=colour, label=f"{row.label}: {row.metrics.micro_ap:.3f}")
    axes.axhline(0.9, color="grey", linewidth=0.8)
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02), title=CURVES)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=8, title="µAP")
    return figure


def _png(figure: Any) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=110)
    return out.getvalue()
