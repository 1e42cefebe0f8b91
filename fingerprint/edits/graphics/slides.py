"""Slides: one deck with other points, photographs and drawings."""

from __future__ import annotations

from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import N_ICONS, brand, icon, photo_of
from fingerprint.edits.graphics.sheet import Sheet
from fingerprint.edits.graphics.styles import BLACK, WHITE, Style, extent, ink_on, mixed, random_style
from fingerprint.edits.graphics.wording import date, filled, person, pick, title, words, wrapped
from fingerprint.types import U8


def _lines(sheet: Sheet, x: float, y: float, width: float, n: int, size: float, style: Style, own: Rng) -> None:
    """Write running text."""
    for i, line in enumerate(filled(own, style.body, size, width, n, ragged=0.1)):
        sheet.text(x, y + 1.5 * size * i, line, style.body, size, style.ink)


def _bullets(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a slide: a coloured head with the title, points, a foot with mark, date and number."""
    w, h = extent(shared, (1.33, 1.78), (500, 1200))
    style, seed, event, day = random_style(shared), int(shared.integers(10**6)), title(shared, 2, 4), date(shared)
    top, mark, waves = shared.uniform(0.14, 0.22) * h, pick(shared, "- * > +"), shared.random() < 0.5
    sheet = Sheet(w, h, style.ground)
    if waves:
        sheet.disc(w, h, 0.4 * h, style.panel)
        sheet.disc(w, h, 0.25 * h, mixed(style.panel, style.accent, 0.3))
    sheet.box(0, 0, w, top, style.accent)
    sheet.box(0, top, w, 0.012 * h, style.second)
    sheet.text(0.05 * w, top / 2, title(own, 2, 6), style.head, 0.42 * top, ink_on(style.accent), fit=0.8 * w)
    brand(sheet, 0.93 * w, top / 2, 0.6 * top, seed, ink_on(style.accent), style.second)
    y, size = top + 0.12 * h, 0.052 * h
    while y < 0.86 * h:
        deep = own.random() < 0.35
        x = (0.11 if deep else 0.06) * w
        px = size * (0.8 if deep else 1)
        sheet.text(x, y, mark, style.head, px, style.accent)
        sheet.text(x + 1.3 * px, y, words(own, 4, 9), style.body, px, style.ink, fit=0.92 * w - x)
        y += px * 2
    sheet.box(0, 0.93 * h, w, 0.07 * h, style.panel)
    sheet.text(0.05 * w, 0.965 * h, event, style.body, 0.03 * h, style.ink)
    sheet.text(0.6 * w, 0.965 * h, day, style.body, 0.03 * h, style.ink, "m")
    sheet.text(0.95 * w, 0.965 * h, str(int(own.integers(1, 60))), style.body, 0.03 * h, style.ink, "r")
    return sheet.pixels


def _picture_slide(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw a slide with text at one side and a photograph at the other."""
    w, h = extent(shared, (1.33, 1.78), (500, 1200))
    style, seed, on_left = random_style(shared), int(shared.integers(10**6)), shared.random() < 0.5
    share, speaker, radius = shared.uniform(0.36, 0.5), person(shared), float(shared.choice([0, 0.03]))
    sheet = Sheet(w, h, style.ground)
    x = 0.04 * w if on_left else (0.96 - share) * w
    text_x, width = ((0.09 + share) * w if on_left else 0.05 * w), (0.85 - share) * w
    sheet.box(text_x, 0.09 * h, 0.12 * w, 0.015 * h, style.accent)
    for i, line in enumerate(wrapped(title(own, 2, 5), 2)[:2]):
        sheet.text(text_x, (0.17 + 0.09 * i) * h, line, style.head, 0.075 * h, style.ink, fit=width)
    _lines(sheet, text_x, 0.38 * h, width, 7, 0.042 * h, style, own)
    sheet.paste(photo_of(photos, own, share * w, 0.74 * h), x, 0.09 * h, radius * w)
    sheet.box(0, 0.89 * h, w, 0.11 * h, style.accent)
    brand(sheet, 0.06 * w, 0.945 * h, 0.075 * h, seed, style.second, ink_on(style.accent))
    sheet.text(0.11 * w, 0.945 * h, speaker, style.body, 0.035 * h, ink_on(style.accent))
    sheet.text(0.95 * w, 0.945 * h, str(int(own.integers(1, 60))), style.head, 0.045 * h, ink_on(style.accent), "r")
    return sheet.pixels


def _section(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a slide with a large number or word, a line below, and circles in the corners."""
    w, h = extent(shared, (1.33, 1.78), (500, 1200))
    style, seed, firm = random_style(shared, 0.4), int(shared.integers(10**6)), title(shared, 1, 2)
    circles, centred, lined = (
        shared.uniform([-0.1, -0.1, 0.05], [1.1, 1.1, 0.3], (5, 3)),
        shared.random() < 0.5,
        shared.random() < 0.5,
    )
    sheet = Sheet(w, h, style.ground)
    for i, (x, y, r) in enumerate(circles):
        sheet.disc(x * w, y * h, r * h, (style.accent, style.second, style.panel)[i % 3], opacity=0.7)
    x, align = (w / 2, "m") if centred else (0.08 * w, "l")
    sheet.text(
        x,
        0.34 * h,
        f"{int(own.integers(1, 100))}{('%', '', 'x', '.')[int(own.integers(4))]}",
        style.head,
        0.4 * h,
        style.ink,
        align,
    )
    for i, line in enumerate(wrapped(title(own, 4, 8), 2)[:2]):
        sheet.text(x, (0.62 + 0.11 * i) * h, line, style.body, 0.08 * h, style.ink, align, fit=0.85 * w)
    if lined:
        sheet.box(0.08 * w, 0.86 * h, 0.84 * w, 2, style.ink)
    brand(sheet, 0.1 * w, 0.93 * h, 0.07 * h, seed, style.accent, style.second)
    sheet.text(0.15 * w, 0.93 * h, firm, style.body, 0.035 * h, style.ink)
    return sheet.pixels


def _compared(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a slide of two columns with heads, on a ground with slanted areas."""
    w, h = extent(shared, (1.33, 1.78), (500, 1200))
    style, seed, firm = random_style(shared, 0.4), int(shared.integers(10**6)), title(shared, 1, 2)
    lean = shared.uniform(0.1, 0.4)
    sheet = Sheet(w, h, style.ground)
    sheet.polygon([(w, 0), ((1 - lean) * w, 0), (w, 1.3 * lean * h)], style.accent)
    sheet.polygon([(0, h), (0, (1 - lean) * h), (0.8 * lean * w, h)], style.second)
    sheet.text(0.05 * w, 0.11 * h, title(own, 2, 5), style.head, 0.085 * h, style.ink, fit=(0.9 - lean) * w)
    for i in range(2):
        x, colour = (0.08 + 0.45 * i) * w, (style.accent, style.second)[i]
        sheet.box(x, 0.24 * h, 0.4 * w, 0.1 * h, colour, 0.01 * h)
        sheet.text(x + 0.2 * w, 0.29 * h, title(own, 1, 2), style.head, 0.05 * h, ink_on(colour), "m", fit=0.36 * w)
        sheet.outline(x, 0.36 * h, 0.4 * w, 0.48 * h, colour, 2, 0.01 * h)
        for j in range(int(own.integers(3, 6))):
            icon(sheet, x + 0.03 * w, (0.43 + 0.09 * j) * h, 0.018 * h, 10, colour)
            sheet.text(
                x + 0.06 * w, (0.43 + 0.09 * j) * h, words(own, 2, 5), style.body, 0.042 * h, style.ink, fit=0.32 * w
            )
    brand(sheet, 0.9 * w, 0.93 * h, 0.08 * h, seed, style.accent, style.second)
    sheet.text(0.86 * w, 0.93 * h, firm, style.head, 0.035 * h, style.ink, "r")
    return sheet.pixels


def _steps(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a slide with boxes in a row, joined by arrows, each with an icon and words."""
    w, h = extent(shared, (1.33, 1.78), (500, 1200))
    style, n, round_ones = random_style(shared, 0.4), int(shared.integers(3, 6)), shared.random() < 0.5
    foot, dark = title(shared, 2, 4), mixed(style.accent, BLACK, 0.3)
    sheet = Sheet(w, h, style.ground)
    sheet.fade(0, 0, w, 0.3 * h, style.accent, dark)
    sheet.text(w / 2, 0.15 * h, title(own, 3, 6), style.head, 0.09 * h, ink_on(dark), "m", fit=0.9 * w)
    step = 0.92 * w / n
    for i in range(n):
        x = 0.04 * w + (i + 0.5) * step
        if round_ones:
            sheet.disc(x, 0.5 * h, 0.3 * step, style.second)
        else:
            sheet.box(x - 0.32 * step, 0.5 * h - 0.28 * step, 0.64 * step, 0.56 * step, style.second, 0.06 * step)
        icon(sheet, x, 0.5 * h, 0.14 * step, int(own.integers(N_ICONS)), ink_on(style.second), 0.03 * step)
        if i < n - 1:
            icon(sheet, x + step / 2, 0.5 * h, 0.08 * step, 9, style.ink, 0.02 * step)
        for j, line in enumerate(wrapped(words(own, 3, 6), 3)[:3]):
            sheet.text(x, (0.72 + 0.06 * j) * h, line, style.body, 0.04 * h, style.ink, "m", fit=0.9 * step)
    sheet.box(0.04 * w, 0.93 * h, 0.92 * w, 1, style.faint)
    sheet.text(0.04 * w, 0.965 * h, foot, style.body, 0.03 * h, mixed(style.ink, WHITE, 0.3))
    return sheet.pixels


SLIDES = family("slides", (_bullets, _picture_slide, _section), (_compared, _steps))
