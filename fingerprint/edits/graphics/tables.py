"""Tables: one grid with other names and numbers."""

from __future__ import annotations

import numpy as np

from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import N_ICONS, brand, icon, icons
from fingerprint.edits.graphics.sheet import Sheet
from fingerprint.edits.graphics.styles import WHITE, extent, ink_on, mixed, palette, random_style
from fingerprint.edits.graphics.wording import (
    amount,
    clock,
    digits,
    made_word,
    pick,
    title,
    words,
)
from fingerprint.types import U8


def _spreadsheet(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a spreadsheet: ribbon, letters and numbers along the edges, cells of text and amounts."""
    w, h = extent(shared, (1.0, 1.8), (600, 1200))
    style, n_columns, row = random_style(shared, 0.15), int(shared.integers(6, 11)), shared.uniform(18, 28)
    kinds, tabs = shared.integers(0, N_ICONS, 14), [title(shared, 1, 1) for _ in range(5)]
    widths = shared.uniform(0.6, 1.6, n_columns)
    widths *= (w - 36) / widths.sum()
    numeric = shared.random(n_columns) < 0.65
    edges, top, size = 36 + np.concatenate([[0], np.cumsum(widths)]), 4.2 * row, 0.55 * row
    sheet = Sheet(w, h, style.ground)
    sheet.box(0, 0, w, 1.1 * row, style.accent)
    for i, tab in enumerate(tabs):
        sheet.text(12 + i * 90, 0.55 * row, tab, style.body, size, ink_on(style.accent))
    sheet.box(0, 1.1 * row, w, 3.1 * row, style.panel)
    icons(sheet, 0, 2.0 * row, w, 0.35 * row, kinds, style.ink)
    sheet.box(60, 3 * row, w - 70, 0.9 * row, style.ground)
    sheet.text(
        68,
        3.45 * row,
        f"=SUM({pick(own, 'A B C D')}{digits(own, 1)}:{pick(own, 'E F G')}{digits(own, 2)})",
        style.body,
        size,
        style.ink,
    )
    sheet.box(0, top, w, row, style.panel)
    sheet.box(0, top, 36, h, style.panel)
    chosen = (int(own.integers(n_columns)), int(own.integers(2, 9)))
    for j in range(n_columns):
        middle = (edges[j] + edges[j + 1]) / 2
        sheet.text(middle, top + row / 2, "ABCDEFGHIJKL"[j], style.body, size, style.ink, "m")
        sheet.box(edges[j], top, 1, h, style.faint)
    filled_rows = int(own.integers(8, 60))
    for i in range(1, int((h - top) / row)):
        y = top + i * row
        sheet.box(0, y, w, 1, style.faint)
        sheet.text(18, y + row / 2, str(i), style.body, size, style.ink, "m")
        for j in range(n_columns if i <= filled_rows else 0):
            cell = title(own, 1, 2) if i == 1 or not numeric[j] else amount(own, 2000)
            if own.random() < 0.9:
                x, align = (edges[j + 1] - 5, "r") if numeric[j] and i > 1 else (edges[j] + 5, "l")
                face = style.head if i == 1 else style.body
                sheet.text(x, y + row / 2, cell, face, size, style.ink, align, fit=widths[j] - 8)
    column, line = chosen
    sheet.outline(edges[column], top + line * row, widths[column], row + 1, style.accent, 2)
    return sheet.pixels


def _report(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a table of a report: title, coloured head, stripes, a line of sums, a note."""
    w, h = extent(shared, (0.8, 1.6), (500, 1200))
    style, n_columns, n_rows = random_style(shared, 0.2), int(shared.integers(4, 8)), int(shared.integers(8, 18))
    heads, names = [title(shared, 1, 1) for _ in range(n_columns)], [title(shared, 1, 2) for _ in range(n_rows)]
    same_names, striped, seed = shared.random() < 0.5, shared.random() < 0.6, int(shared.integers(10**6))
    currency = pick(shared, ["", "$", "%", "k"])
    row, left = 0.72 * h / (n_rows + 2), 0.05 * w
    first = 0.26 * w
    step = (0.9 * w - first) / (n_columns - 1)
    sheet = Sheet(w, h, style.ground)
    sheet.text(left, 0.08 * h, title(own, 2, 5), style.head, 0.055 * h, style.ink, fit=0.75 * w)
    brand(sheet, 0.92 * w, 0.08 * h, 0.08 * h, seed, style.accent, style.second)
    top = 0.15 * h
    sheet.box(left, top, 0.9 * w, row, style.accent)
    for j, head in enumerate(heads):
        x, align = (left + 8, "l") if j == 0 else (left + first + j * step - 8, "r")
        sheet.text(x, top + row / 2, head, style.head, 0.5 * row, ink_on(style.accent), align, fit=0.9 * step)
    for i in range(n_rows + 1):
        y, is_sum = top + (i + 1) * row, i == n_rows
        if striped and i % 2:
            sheet.box(left, y, 0.9 * w, row, style.panel)
        name = made_word(own, 2).title() if is_sum else names[i] if same_names else title(own, 1, 2)
        face = style.head if is_sum else style.body
        sheet.text(left + 8, y + row / 2, name, face, 0.48 * row, style.ink, fit=first - 8)
        for j in range(1, n_columns):
            text = f"{amount(own, 990 if not is_sum else 9000)}{currency}"
            sheet.text(
                left + first + j * step - 8, y + row / 2, text, face, 0.48 * row, style.ink, "r", fit=0.92 * step
            )
        sheet.box(
            left, y + row, 0.9 * w, 2 if is_sum or i == n_rows - 1 else 1, style.accent if is_sum else style.faint
        )
    sheet.text(left, 0.95 * h, words(own, 6, 10), style.body, 0.022 * h, style.faint, fit=0.8 * w)
    return sheet.pixels


def _heading(rng: Rng) -> str:
    """Return a short heading in capitals."""
    return title(rng, 1, 2).upper()


def _timetable(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a board of departures: time, number, goal, track, remark."""
    w, h = extent(shared, (1.1, 1.9), (500, 1200))
    style, n_rows = random_style(shared, 0.75, "fixed sans bitmap pen"), int(shared.integers(8, 15))
    name, heads, kind, boxed = (
        _heading(shared),
        [title(shared, 1, 1) for _ in range(5)],
        int(shared.integers(N_ICONS)),
        shared.random() < 0.5,
    )
    row, columns, letters = h / (n_rows + 2.4), (0.03, 0.16, 0.3, 0.72, 0.82), made_word(shared, 1)[:2].upper()
    sheet = Sheet(w, h, style.ground)
    sheet.box(0, 0, w, 1.4 * row, style.accent)
    icon(sheet, 0.05 * w, 0.7 * row, 0.4 * row, kind, ink_on(style.accent))
    sheet.text(0.1 * w, 0.7 * row, name, style.head, 0.8 * row, ink_on(style.accent), fit=0.6 * w)
    sheet.text(0.97 * w, 0.7 * row, clock(own), style.head, 0.8 * row, style.second, "r")
    for x, head in zip(columns, heads, strict=True):
        sheet.text(x * w, 1.9 * row, head, style.body, 0.35 * row, style.accent, fit=0.12 * w)
    minutes = int(own.integers(300, 1200))
    for i in range(n_rows):
        y = (2.4 + i) * row
        minutes += int(own.integers(1, 15))
        late = own.random() < 0.25
        cells = (
            f"{minutes // 60 % 24:02d}:{minutes % 60:02d}",
            f"{letters}{digits(own, 3)}",
            title(own, 1, 2),
            str(int(own.integers(1, 25))),
            f"+{int(own.integers(3, 60))}" if late else "",
        )
        if boxed:
            sheet.box(0.02 * w, y + 0.08 * row, 0.96 * w, 0.84 * row, style.panel)
        else:
            sheet.box(0.02 * w, y, 0.96 * w, 1, style.faint)
        for j, (x, cell) in enumerate(zip(columns, cells, strict=True)):
            colour = style.second if j == 4 or j == 1 else style.ink
            sheet.text(x * w, y + row / 2, cell, style.head, 0.55 * row, colour, fit=0.4 * w if j == 2 else 0.13 * w)
    return sheet.pixels


def _league(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a table of a league: ranks, badges, names, small numbers, form as discs."""
    w, h = extent(shared, (0.7, 1.2), (600, 1200))
    style, n_rows, head = random_style(shared, 0.4), int(shared.integers(10, 19)), _heading(shared)
    teams, columns, colours = (
        [made_word(shared, 2).title() for _ in range(n_rows)],
        int(shared.integers(4, 7)),
        palette(shared, n_rows),
    )
    seeds, labels = shared.integers(0, 10**6, n_rows), [title(shared, 1, 1)[:1] for _ in range(columns)]
    row = 0.86 * h / (n_rows + 1)
    order = own.permutation(n_rows)
    sheet = Sheet(w, h, style.ground)
    sheet.fade(0, 0, w, 0.1 * h, style.accent, mixed(style.accent, style.second, 0.6))
    sheet.text(0.04 * w, 0.05 * h, head, style.head, 0.05 * h, ink_on(style.accent), fit=0.7 * w)
    for j, label in enumerate(labels):
        sheet.text((0.48 + 0.3 * j / columns) * w, 0.12 * h, label, style.head, 0.4 * row, style.ink, "m")
    for i, team in enumerate(order):
        y = 0.12 * h + (i + 1) * row
        sheet.box(0, y - row / 2, w, 1, style.faint)
        sheet.box(
            0,
            y - row / 2 + 1,
            0.008 * w,
            row - 1,
            style.accent if i < 4 else style.second if i > n_rows - 4 else style.ground,
        )
        sheet.text(0.06 * w, y, str(i + 1), style.head, 0.45 * row, style.ink, "r")
        brand(sheet, 0.11 * w, y, 0.7 * row, int(seeds[team]), colours[int(team)], WHITE)
        sheet.text(0.15 * w, y, teams[int(team)], style.body, 0.5 * row, style.ink, fit=0.28 * w)
        for j in range(columns):
            face = style.head if j == columns - 1 else style.body
            sheet.text(
                (0.48 + 0.3 * j / columns) * w, y, str(int(own.integers(0, 60))), face, 0.45 * row, style.ink, "m"
            )
        for k in range(5):
            colour = ((40, 160, 80), (200, 60, 50), (150, 150, 150))[int(own.integers(3))]
            sheet.disc((0.8 + 0.04 * k) * w, y, min(0.016 * w, 0.3 * row), colour)
    return sheet.pixels


TABLES = family("tables", (_spreadsheet, _report), (_timetable, _league))
