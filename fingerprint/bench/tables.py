"""Comparisons as files: Markdown, CSV, JSON, and a page in HTML that stands alone."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from html import escape
from typing import Any

from fingerprint.bench.files import Result, SetResults
from fingerprint.bench.judging import Difference, Row, better_rows, copies_by_edit

_HEAD = (
    "method",
    "µAP",
    "95 % interval",
    "recall@P90",
    "recall@1",
    "recall@10",
    "CPU ms an image",
    "bytes an image",
    "CPU ms a query",
)
_GAP_HEAD = (
    *("method", "µAP less by", "95 % interval", "p"),
    *("first only by the best", "first only by this", "p (McNemar)"),
)
_MISSING = "-"
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; color: #1b1b1b; }
table { border-collapse: collapse; margin: 1rem 0; } th, td { padding: .25rem .6rem; border-bottom: 1px solid #ddd; }
td { text-align: right; font-variant-numeric: tabular-nums; } th, td:first-child { text-align: left; }
img { max-width: 100%; } .heat td { border: 1px solid #fff; text-align: center; }
"""


def markdown(found: SetResults, rows: Sequence[Row], gaps: Sequence[Difference]) -> str:
    """Return the comparison in Markdown."""
    lines = [f"# {_plain(found.name)}", "", _sizes(found), "", *_md_table(_HEAD, [_cells(row) for row in rows]), ""]
    if gaps:
        head, body = _gap_table(gaps)
        lines += [
            f"Against {_plain(gaps[0].first)}, on the same resamples and queries:",
            "",
            *_md_table(head, body),
            "",
        ]
    edits, counts = _edit_names(found, rows)
    if edits:
        better = better_rows(rows)
        head = ("edit", "copies", *(row.method for row in better))
        body = [(name, str(counts[name]), *(f"{row.by_edit[name]:.2f}" for row in better)) for name in edits]
        lines += ["Copies whose reference is ranked first, by kind of edit:", "", *_md_table(head, body), ""]
    lines += _notes(found)
    return "\n".join(lines) + "\n"


def as_csv(rows: Sequence[Row]) -> str:
    """Return the table as CSV, numbers at full precision."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    figures = [_figures(row) for row in rows]
    writer.writerow(figures[0])
    writer.writerows(["" if value is None else value for value in one.values()] for one in figures)
    return out.getvalue()


def as_json(found: SetResults, rows: Sequence[Row], gaps: Sequence[Difference]) -> dict[str, Any]:
    """Return everything as JSON values."""
    runs = {
        result.name: {key: result.facts.get(key) for key in ("title", "machine", "versions", "command", "skipped")}
        for result in found.results
    }
    listed = [{**_figures(row), "recall_at_1_by_edit": dict(row.by_edit)} for row in rows]
    return {"set": dict(found.facts), "rows": listed, "differences": [asdict(gap) for gap in gaps], "runs": runs}


def html(found: SetResults, rows: Sequence[Row], gaps: Sequence[Difference], pictures: Mapping[str, bytes]) -> str:
    """Return a page with the tables, and with pictures by their captions: PNG files."""
    title = escape(found.name)
    parts = [f"<h1>{title}</h1><p>{escape(_sizes(found))}</p>", _html_table(_HEAD, [_cells(row) for row in rows])]
    if gaps:
        parts.append(f"<h2>Against {escape(gaps[0].first)}</h2><p>On the same resamples and queries.</p>")
        parts.append(_html_table(*_gap_table(gaps)))
    edits, counts = _edit_names(found, rows)
    if edits:
        parts.append("<h2>Recall at rank 1 by kind of edit</h2>" + _heat_table(edits, counts, better_rows(rows)))
    for caption, data in pictures.items():
        encoded = base64.b64encode(data).decode("ascii")
        parts.append(f'<h2>{escape(caption)}</h2><img alt="{escape(caption)}" src="data:image/png;base64,{encoded}">')
    parts += [f"<p>{escape(note)}</p>" for note in _notes(found) if note]
    head = f'<meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


def text(rows: Sequence[Row]) -> list[str]:
    """Return the table as lines for a terminal."""
    table = [_HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(_HEAD))]
    return [
        "  ".join(
            cell.ljust(w) if column == 0 else cell.rjust(w)
            for column, (cell, w) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in table
    ]


def incomplete(found: SetResults) -> list[str]:
    """Return the methods that skipped pictures, with their number."""
    return [f"{result.name}: {_skipped(result)}" for result in found.results if result.facts.get("skipped")]


def _figures(row: Row) -> dict[str, Any]:
    return {
        "method": row.method,
        "row": row.row,
        "title": row.title,
        **asdict(row.metrics),
        "micro_ap_low": row.interval[0],
        "micro_ap_high": row.interval[1],
        **asdict(row.costs),
    }


def _cells(row: Row) -> tuple[str, ...]:
    metrics, costs = row.metrics, row.costs
    return (
        row.label,
        f"{metrics.micro_ap:.4f}",
        f"{row.interval[0]:.3f} to {row.interval[1]:.3f}",
        f"{metrics.recall_at_p90:.4f}",
        f"{metrics.recall_at_1:.4f}",
        f"{metrics.recall_at_10:.4f}",
        *(_cost(value) for value in (costs.image_ms, costs.image_bytes, costs.query_ms)),
    )


def _cost(value: float | None) -> str:
    if value is None:
        return _MISSING
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _gap_table(gaps: Sequence[Difference]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    body: list[tuple[str, ...]] = [
        (
            gap.second,
            f"{gap.micro_ap:.4f}",
            f"{gap.interval[0]:.4f} to {gap.interval[1]:.4f}",
            f"{gap.p_value:.2g}",
            str(gap.only_first),
            str(gap.only_second),
            f"{gap.p_value_first:.2g}",
        )
        for gap in gaps
    ]
    return _GAP_HEAD, body


def _sizes(found: SetResults) -> str:
    facts = found.facts
    return (
        f"{facts['references']:,} references, {facts['queries']:,} queries, {facts['copies']:,} true pairs, "
        f"{facts['train']:,} training images; digest {str(facts['digest'])[:12]}. "
        "A query keeps its 10 best references, with every method."
    )


def _notes(found: SetResults) -> list[str]:
    notes = []
    for result in found.results:
        versions = result.facts.get("versions", {})
        packages = ", ".join(f"{name} {number}" for name, number in versions.items())
        failed = f"; {_skipped(result)}, so its figures do not compare" if result.facts.get("skipped") else ""
        notes.append(f"- {result.name}: {_plain(result.title)}; {result.facts.get('machine')}; {packages}{failed}.")
    return notes


def _skipped(result: Result) -> str:
    number = len(result.facts["skipped"])
    return f"{number:,} {'picture' if number == 1 else 'pictures'} skipped"


def _edit_names(found: SetResults, rows: Sequence[Row]) -> tuple[list[str], Mapping[str, int]]:
    """Return the kinds of edit, those that the best row finds least first, and how many copies have each."""
    counts = copies_by_edit(found)
    return sorted(counts, key=lambda name: (rows[0].by_edit[name], name)), counts


def _md_table(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(_plain(cell) for cell in line) + " |" for line in (head, *body)]
    return [lines[0], "|" + "---|" * len(head), *lines[1:]]


def _plain(value: str) -> str:
    return value.replace("\n", " ").replace("|", "\\|")


def _html_table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    first = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in line) + "</tr>" for line in body)
    return f"<table><tr>{first}</tr>{lines}</table>"


def _heat_table(edits: Sequence[str], counts: Mapping[str, int], rows: Sequence[Row]) -> str:
    first = "".join(f"<th>{escape(cell)}</th>" for cell in ("edit", "copies", *(row.method for row in rows)))
    lines = []
    for name in edits:
        cells = "".join(_heat_cell(row.by_edit[name]) for row in rows)
        lines.append(f"<tr><td>{escape(name)}</td><td>{counts[name]}</td>{cells}</tr>")
    return f'<table class="heat"><tr>{first}</tr>{"".join(lines)}</table>'


def _heat_cell(share: float) -> str:
    """Return a cell from red to green; the figure is in it, so colour says nothing by itself."""
    return f'<td style="background: hsl({120 * share:.0f} 60% 82%)">{share:.2f}</td>'


def to_json(value: Any) -> str:
    """Return JSON as text, with a line end."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
