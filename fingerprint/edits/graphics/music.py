"""Sheets of music: one notation and design, other tunes and words."""

from __future__ import annotations

import numpy as np

from fingerprint.edits.graphics.faces import random_face
from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.scans import random_scanner, scanned
from fingerprint.edits.graphics.sheet import Sheet, arc
from fingerprint.edits.graphics.styles import BLACK, extent, random_style
from fingerprint.edits.graphics.wording import person, slogan, title, words
from fingerprint.types import F64, U8

_PAPER = (252, 251, 247)


def _note(sheet: Sheet, x: float, y: float, r: float, up: bool, filled_head: bool, ink: tuple[int, int, int]) -> F64:
    """Draw a note; return the end of its stem."""
    sheet.disc(x, y, 1.15 * r, ink, 0.85 * r)
    if not filled_head:
        sheet.disc(x, y, 0.8 * r, (255, 255, 255), 0.4 * r)
    side = r if up else -r
    end = np.array([x + side, y + (-6.5 * r if up else 6.5 * r)])
    sheet.line([(x + side, y), (float(end[0]), float(end[1]))], ink, 0.3 * r)
    return end


def _staves(sheet: Sheet, y: float, gap: float, left: float, right: float, ink: tuple[int, int, int]) -> None:
    """Draw the five lines of a staff."""
    for i in range(5):
        sheet.box(left, y + i * gap, right - left, max(1, 0.12 * gap), ink)


def _bars_of_notes(sheet: Sheet, y: float, gap: float, left: float, right: float, n_bars: int, own: Rng) -> None:
    """Fill a staff with bars of notes, some of them joined by beams."""
    ink, width = (20, 20, 20), (right - left) / n_bars
    for bar in range(n_bars):
        x = left + bar * width
        sheet.box(x + width, y, max(1, 0.15 * gap), 4 * gap, ink)
        n = int(own.choice([1, 2, 4, 4, 6, 8]))
        steps = np.clip(np.cumsum(own.integers(-2, 3, n)) + own.integers(0, 8), -1, 9)
        up = bool(steps.mean() < 4.5)
        ends = [
            _note(sheet, x + (k + 0.7) * width / (n + 0.6), y + 4 * gap - step * gap / 2, 0.45 * gap, up, n > 2, ink)
            for k, step in enumerate(steps)
        ]
        if n >= 6:
            for k in range(0, n - 1, 2):
                sheet.line(np.stack(ends[k : k + 2]), ink, 0.45 * gap)


def _score_sheet(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a sheet of music: title, single staves with clefs."""
    w, h = extent(shared, (0.68, 0.8), (700, 1200))
    face, n_staves, scanner = random_face(shared, "serif"), int(shared.integers(6, 11)), random_scanner(shared, 0.5)
    n_bars, kind = int(shared.integers(3, 6)), slogan(shared, 1, 1)
    sheet = Sheet(w, h, (255, 255, 255))
    sheet.text(w / 2, 0.06 * h, title(own, 2, 4), face, 0.05 * w, BLACK, "m", fit=0.8 * w)
    sheet.text(0.93 * w, 0.1 * h, person(own), face, 0.022 * w, BLACK, "r")
    sheet.text(0.07 * w, 0.1 * h, kind, face, 0.022 * w, BLACK)
    step = 0.84 * h / n_staves
    gap = min(0.1 * step, 0.013 * w)
    for i in range(n_staves):
        y = 0.145 * h + i * step
        _staves(sheet, y, gap, 0.07 * w, 0.93 * w, (20, 20, 20))
        sheet.line(arc(0.09 * w, y + 2.6 * gap, 1.2 * gap, 0, 5.5, 1.4 * gap), (20, 20, 20), 0.3 * gap)
        sheet.line([(0.092 * w, y - gap), (0.09 * w, y + 5.2 * gap)], (20, 20, 20), 0.3 * gap)
        _bars_of_notes(sheet, y, gap, 0.12 * w, 0.93 * w, n_bars, own)
    return scanned(sheet.pixels, scanner, own)


def _chords(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a song for guitar: words with chords above them, drawings of fingers on strings."""
    w, h = extent(shared, (0.65, 0.85), (600, 1200))
    style, scanner, n_boxes = (
        random_style(shared, 0, "sans fixed serif"),
        random_scanner(shared, 0.4),
        int(shared.integers(4, 8)),
    )
    book, size, boxed = title(shared, 1, 3), shared.uniform(0.022, 0.03) * w, shared.random() < 0.5
    sheet = Sheet(w, h, _PAPER)
    sheet.text(0.06 * w, 0.05 * h, title(own, 2, 4), style.head, 0.05 * w, BLACK, fit=0.6 * w)
    sheet.text(0.94 * w, 0.05 * h, book, style.body, 0.025 * w, style.accent, "r", fit=0.28 * w)
    step, names = 0.88 * w / n_boxes, ("C", "D", "E", "F", "G", "A", "B", "Am", "Dm", "Em", "G7", "F#m")
    used = [names[int(k)] for k in own.permutation(len(names))[:n_boxes]]
    for i, name in enumerate(used):
        x, y, side = 0.06 * w + (i + 0.2) * step, 0.13 * h, 0.6 * step
        sheet.text(x + side / 2, y - 0.025 * h, name, style.head, 0.18 * step, style.accent, "m")
        sheet.box(x, y, side, 4, BLACK)
        for k in range(6):
            sheet.box(x + side * k / 5, y, 1, side * 1.1, BLACK)
            sheet.box(x, y + side * 1.1 * k / 5, side, 1, BLACK)
        for string in own.permutation(6)[:3]:
            sheet.disc(x + side * string / 5, y + side * 1.1 * (own.integers(0, 4) + 0.5) / 5, 0.07 * side, BLACK)
    y = 0.13 * h + step
    while y < 0.93 * h:
        for _ in range(int(own.integers(3, 6))):
            line = words(own, 5, 9)
            width = style.body.measure(line, size)
            for share in np.sort(own.random(int(own.integers(1, 4)))):
                sheet.text(
                    0.08 * w + share * width, y, used[int(own.integers(n_boxes))], style.head, size, style.accent
                )
            sheet.text(0.08 * w, y + 1.4 * size, line, style.body, size, BLACK)
            y += 3 * size
        if boxed:
            sheet.box(0.06 * w, y - 0.8 * size, 0.2 * w, 1, style.accent)
        y += 1.4 * size
    return scanned(sheet.pixels, scanner, own)


def _songbook(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw systems of two joined staves with words between them."""
    w, h = extent(shared, (0.68, 0.85), (700, 1200))
    face, n_systems, scanner = (
        random_face(shared, "serif sans"),
        int(shared.integers(3, 6)),
        random_scanner(shared, 0.5),
    )
    n_bars, number = int(shared.integers(3, 5)), shared.random() < 0.5
    sheet = Sheet(w, h, (255, 255, 255))
    sheet.text(0.08 * w, 0.05 * h, f"{int(own.integers(1, 400))}." if number else "*", face, 0.05 * w, BLACK)
    sheet.text(0.2 * w, 0.05 * h, title(own, 2, 5), face, 0.04 * w, BLACK, fit=0.7 * w)
    step = 0.88 * h / n_systems
    gap = min(0.042 * step, 0.011 * w)
    for i in range(n_systems):
        y = 0.12 * h + i * step
        lower = y + 0.45 * step
        for top in (y, lower):
            _staves(sheet, top, gap, 0.08 * w, 0.94 * w, (20, 20, 20))
            _bars_of_notes(sheet, top, gap, 0.13 * w, 0.94 * w, n_bars, own)
        sheet.line([(0.08 * w, y), (0.08 * w, lower + 4 * gap)], (20, 20, 20), 0.4 * gap)
        sheet.line(
            arc(0.075 * w, (y + lower + 4 * gap) / 2, 0.012 * w, 1.6, 4.7, (lower - y) / 2 + 2 * gap),
            (20, 20, 20),
            0.5 * gap,
        )
        for k in range(2):
            sheet.text(0.13 * w, y + (0.24 + 0.07 * k) * step, words(own, 6, 9), face, 0.02 * w, BLACK, fit=0.8 * w)
    return scanned(sheet.pixels, scanner, own)


MUSIC = family("music", (_score_sheet, _chords), (_songbook,))
