"""Calendars: one design with other months, weeks and entries."""

from __future__ import annotations

from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import brand, photo_of
from fingerprint.edits.graphics.sheet import Sheet
from fingerprint.edits.graphics.styles import extent, ink_on, palette, random_style
from fingerprint.edits.graphics.wording import (
    MONTHS,
    WEEKDAYS,
    date,
    pick,
    title,
    words,
)
from fingerprint.types import U8


def _month(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw a month of a calendar: a photograph above, or a coloured head, and the days in a grid."""
    w, h = extent(shared, (0.65, 1.0), (500, 1200))
    style, with_photo, boxed = random_style(shared, 0.1), shared.random() < 0.5, shared.random() < 0.5
    top, weekend, start_sunday = (0.45 if with_photo else 0.16) * h, style.second, shared.random() < 0.3
    month, year, first = int(own.integers(12)), int(own.integers(1990, 2035)), int(own.integers(7))
    sheet = Sheet(w, h, style.ground)
    sheet.box(0, 0, w, top, style.accent)
    head = f"{MONTHS[month]} {year}"
    if with_photo:
        sheet.paste(photo_of(photos, own, w, top - 0.1 * h), 0, 0)
    sheet.text(w / 2, top - 0.05 * h, head, style.head, 0.06 * h, ink_on(style.accent), "m", fit=0.8 * w)
    names = (*WEEKDAYS[-1:], *WEEKDAYS[:-1]) if start_sunday else WEEKDAYS
    step, row = 0.92 * w / 7, (h - top - 0.1 * h) / 6
    for i, name in enumerate(names):
        sheet.text(0.04 * w + (i + 0.5) * step, top + 0.04 * h, name, style.head, 0.3 * step, style.accent, "m")
    for day in range((31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month]):
        i, j = divmod(day + first, 7)
        x, y = 0.04 * w + j * step, top + 0.07 * h + i * row
        if boxed:
            sheet.outline(x, y, step + 1, row + 1, style.faint, 1)
        colour = weekend if names[j] in ("Sa", "Su") else style.ink
        at = (x + 0.28 * step, y + 0.28 * row) if boxed else (x + step / 2, y + row / 2)
        sheet.text(*at, str(day + 1), style.head, 0.36 * min(step, row), colour, "m")
        if boxed and own.random() < 0.2:
            sheet.box(x + 3, y + 0.55 * row, step - 6, 0.3 * row, style.accent, 3, opacity=0.5)
            sheet.text(x + 6, y + 0.7 * row, words(own, 1, 2), style.body, 0.2 * row, style.ink, fit=step - 10)
    return sheet.pixels


def _year(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a year: twelve small months, some days marked."""
    w, h = extent(shared, (0.7, 1.4), (600, 1200))
    style, columns = random_style(shared, 0.15), int(shared.choice([3, 4]))
    seed, firm, banded, colours = (
        int(shared.integers(10**6)),
        title(shared, 1, 2),
        shared.random() < 0.5,
        palette(shared, 4),
    )
    year, first = int(own.integers(1980, 2040)), int(own.integers(7))
    rows = 12 // columns
    sheet = Sheet(w, h, style.ground)
    sheet.box(0, 0, w, 0.1 * h, style.accent if banded else style.panel)
    ink = ink_on(style.accent) if banded else style.accent
    sheet.text(0.04 * w, 0.05 * h, str(year), style.head, 0.08 * h, ink)
    sheet.text(0.9 * w, 0.05 * h, firm, style.body, 0.035 * h, ink, "r", fit=0.4 * w)
    brand(sheet, 0.95 * w, 0.05 * h, 0.06 * h, seed, style.second, ink)
    cell_w, cell_h = 0.94 * w / columns, 0.87 * h / rows
    for month in range(12):
        x, y = 0.03 * w + (month % columns) * cell_w, 0.115 * h + (month // columns) * cell_h
        sheet.text(x + 0.46 * cell_w, y + 0.08 * cell_h, MONTHS[month], style.head, 0.1 * cell_h, style.accent, "m")
        days = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month]
        step, row = 0.92 * cell_w / 7, 0.82 * cell_h / 7
        for j, name in enumerate(WEEKDAYS):
            sheet.text(x + (j + 0.5) * step, y + 0.2 * cell_h, name[0], style.body, 0.5 * row, style.second, "m")
        for day in range(days):
            i, j = divmod(day + first, 7)
            px, py = x + (j + 0.5) * step, y + 0.2 * cell_h + (i + 1) * row
            marked = own.random() < 0.08
            if marked:
                sheet.disc(px, py, 0.48 * min(step, row), colours[int(own.integers(4))])
            sheet.text(px, py, str(day + 1), style.body, 0.55 * row, style.second if j > 4 else style.ink, "m")
        first = (first + days) % 7
    return sheet.pixels


def _week(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a week in a planner: hours down, days across, coloured blocks of entries."""
    w, h = extent(shared, (1.1, 1.7), (700, 1200))
    style, colours, n_hours = random_style(shared, 0.3), palette(shared, 5), int(shared.integers(9, 14))
    start, names = int(shared.integers(6, 9)), [title(shared, 1, 1) for _ in range(6)]
    side = shared.uniform(0.14, 0.2) * w
    left, top = side + 0.05 * w, 0.13 * h
    step, row = (w - left) / 7, (h - top) / n_hours
    day = int(own.integers(1, 22))
    sheet = Sheet(w, h, style.ground)
    sheet.box(0, 0, side, h, style.panel)
    for i, name in enumerate(names):
        sheet.box(0.015 * w, (0.42 + 0.07 * i) * h, 0.02 * w, 0.02 * w, colours[i % 5], 3)
        sheet.text(
            0.045 * w, (0.42 + 0.07 * i) * h + 0.01 * w, name, style.body, 0.016 * w, style.ink, fit=side - 0.05 * w
        )
    sheet.text(
        0.015 * w,
        0.06 * h,
        f"{pick(own, MONTHS)[:3]} {date(own)[-4:]}",
        style.head,
        0.026 * w,
        style.accent,
        fit=side - 0.02 * w,
    )
    for i in range(35):
        x, y = 0.025 * w + (i % 7) * (side - 0.03 * w) / 6.6, (0.13 + 0.045 * (i // 7)) * h
        sheet.text(x, y, str((i + day) % 31 + 1), style.body, 0.012 * w, style.ink, "m")
    for i in range(n_hours):
        sheet.box(side, top + i * row, w, 1, style.faint)
        sheet.text(left - 6, top + i * row, f"{start + i}:00", style.body, 0.013 * w, style.ink, "r")
    for j, name in enumerate(WEEKDAYS):
        x = left + j * step
        sheet.box(x, 0.07 * h, 1, h, style.faint)
        sheet.text(x + step / 2, 0.04 * h, name, style.body, 0.016 * w, style.ink, "m")
        sheet.text(x + step / 2, 0.09 * h, str(day + j), style.head, 0.028 * w, style.ink, "m")
        for _ in range(int(own.integers(0, 5))):
            hour, length, colour = own.uniform(0, n_hours - 1), own.uniform(0.7, 2.5), colours[int(own.integers(5))]
            y = top + round(hour * 2) / 2 * row
            sheet.box(x + 2, y + 1, step - 4, length * row, colour, 4)
            sheet.text(x + 7, y + 0.4 * row, words(own, 1, 3), style.body, 0.014 * w, ink_on(colour), fit=step - 12)
    return sheet.pixels


CALENDARS = family("calendars", (_month, _year), (_week,))
