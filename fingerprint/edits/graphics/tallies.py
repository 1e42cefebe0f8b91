"""Sheets in which only marks and numbers differ: answers, seats, chords, bingo."""

from __future__ import annotations

from fingerprint.edits.graphics.faces import random_face
from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import brand, star_points
from fingerprint.edits.graphics.sheet import Sheet
from fingerprint.edits.graphics.styles import BLACK, WHITE, extent, hsv, ink_on, mixed, palette, random_style, vivid
from fingerprint.edits.graphics.wording import date, digits, made_word, person, slogan, title, words
from fingerprint.types import U8


def _answers(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a sheet of answers: rows of circles or boxes of which one each is filled or ticked."""
    w, h = extent(shared, (0.6, 0.9), (600, 1200))
    style, columns, choices = random_style(shared, 0), int(shared.integers(1, 5)), int(shared.integers(3, 7))
    rows, round_ones, head = int(shared.integers(10, 26)), shared.random() < 0.6, title(shared, 2, 4)
    face, ink = random_face(shared, "hand"), hsv(shared.uniform(0.55, 0.7), 0.7, 0.35)
    asked = [words(shared, 3, 6) for _ in range(rows)] if columns == 1 else []
    sheet = Sheet(w, h, style.ground)
    sheet.text(0.06 * w, 0.05 * h, head, style.head, 0.035 * h, style.ink, fit=0.6 * w)
    sheet.box(0.06 * w, 0.12 * h, 0.5 * w, 2, style.ink)
    sheet.text(0.08 * w, 0.1 * h, person(own), face, 0.03 * h, ink, fit=0.46 * w, rng=own)
    sheet.outline(0.66 * w, 0.03 * h, 0.28 * w, 0.09 * h, style.accent, 2)
    sheet.text(0.8 * w, 0.075 * h, digits(own, 6), face, 0.04 * h, ink, "m", rng=own)
    wide, tall = 0.9 * w / columns, 0.82 * h / rows
    r = min(0.3 * tall, 0.28 * wide / (choices + 1))
    for i in range(columns * rows):
        x, y = 0.05 * w + i // rows * wide, 0.15 * h + (i % rows + 0.5) * tall
        if i % 2 and asked:
            sheet.box(x, y - tall / 2, wide, tall, style.panel)
        sheet.text(x + 0.01 * w, y, f"{i + 1}.", style.body, 0.4 * tall, style.ink)
        start = x + (0.6 if asked else 0.2) * wide
        if asked:
            sheet.text(x + 0.05 * w, y, asked[i], style.body, 0.36 * tall, style.ink, fit=0.5 * wide)
        step, chosen = (x + 0.97 * wide - start) / choices, int(own.integers(choices))
        for k in range(choices):
            at = start + (k + 0.5) * step
            if round_ones:
                sheet.ring(at, y, r, style.accent, 1.5)
                sheet.text(at, y, "ABCDEF"[k], style.body, 1.1 * r, style.accent, "m")
                if k == chosen:
                    sheet.disc(at + own.normal(0, 0.1 * r), y, 0.85 * r, (50, 50, 55))
            else:
                sheet.outline(at - r, y - r, 2 * r, 2 * r, style.accent, 1.5)
                if k == chosen:
                    tick = [(at - 0.7 * r, y), (at - 0.1 * r, y + 0.8 * r), (at + 1.2 * r, y - 1.3 * r)]
                    sheet.line(tick, ink, 0.25 * r + 1)
    return sheet.pixels


def _seats(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a plan of seats, or a calendar of squares: which are taken differs."""
    w, h = extent(shared, (0.8, 2.0), (500, 1100))
    style, columns, rows = random_style(shared, 0.4), int(shared.integers(8, 30)), int(shared.integers(6, 16))
    shades = [style.faint, style.accent, style.second, mixed(style.accent, WHITE, 0.5)]
    aisle, curved, radius = int(shared.integers(2, columns - 1)), shared.uniform(0, 0.12) * h, shared.uniform(0, 0.5)
    head, front = title(shared, 1, 3), slogan(shared, 1, 1)
    shares = own.dirichlet([2, 2, 1, 1])
    sheet = Sheet(w, h, style.ground)
    sheet.text(0.04 * w, 0.06 * h, head, style.head, 0.05 * h, style.ink, fit=0.5 * w)
    sheet.text(0.96 * w, 0.06 * h, date(own), style.body, 0.04 * h, style.ink, "r")
    sheet.box(0.25 * w, 0.11 * h, 0.5 * w, 0.05 * h, style.panel, 0.02 * h)
    sheet.text(0.5 * w, 0.135 * h, front, style.body, 0.03 * h, style.ink, "m")
    step = min(0.9 * w / (columns + 1), 0.7 * (h - curved) / rows)
    for i in range(rows):
        sheet.text(0.03 * w, 0.22 * h + i * step, "ABCDEFGHIJKLMNOPQR"[i], style.body, 0.4 * step, style.ink, "m")
        for j in range(columns):
            x = w / 2 + (j + (j >= aisle) - columns / 2) * step
            y = 0.22 * h + i * step + curved * (1 - ((2 * j - columns) / columns) ** 2)
            fill = shades[int(own.choice(4, p=shares))]
            sheet.box(x - 0.4 * step, y - 0.4 * step, 0.8 * step, 0.8 * step, fill, radius * 0.8 * step)
    for k, shade in enumerate(shades):
        sheet.box((0.1 + 0.22 * k) * w, 0.94 * h, 0.02 * w, 0.02 * w, shade)
        sheet.text((0.13 + 0.22 * k) * w, 0.95 * h, front[: 3 + k], style.body, 0.025 * h, style.ink)
    return sheet.pixels


def _chords(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw charts of chords: grids of strings and frets with dots and names."""
    w, h = extent(shared, (0.7, 1.8), (450, 1000))
    style, n_strings, frets = random_style(shared, 0.3), int(shared.integers(4, 7)), int(shared.integers(4, 6))
    columns, rows, head = int(shared.integers(2, 6)), int(shared.integers(1, 4)), title(shared, 1, 2)
    numbered, pen = shared.random() < 0.5, shared.uniform(1, 2.5)
    sheet = Sheet(w, h, style.ground)
    sheet.text(0.04 * w, 0.06 * h, head, style.head, 0.06 * h, style.accent)
    cell = 0.94 * w / columns, 0.86 * h / rows
    for i in range(columns * rows):
        x, y = 0.03 * w + (i % columns + 0.2) * cell[0], 0.12 * h + (i // columns + 0.26) * cell[1]
        wide, tall = 0.62 * cell[0], 0.64 * cell[1]
        name = "ABCDEFG"[int(own.integers(7))] + ("", "m", "7", "maj7", "sus4", "#", "b")[int(own.integers(7))]
        sheet.text(x + wide / 2, y - 0.14 * cell[1], name, style.head, 0.14 * cell[1], style.ink, "m")
        sheet.box(x, y - 3, wide, 5, style.ink)
        sheet.lines(
            [[(x, y + k * tall / frets), (x + wide, y + k * tall / frets)] for k in range(frets + 1)], style.ink, pen
        )
        across = [x + k * wide / (n_strings - 1) for k in range(n_strings)]
        sheet.lines([[(at, y), (at, y + tall)] for at in across], style.ink, pen)
        r = 0.3 * min(tall / frets, wide / n_strings)
        for at in across:
            place = int(own.integers(-1, frets))
            if place < 0:
                sheet.ring(at, y - 0.05 * cell[1], 0.7 * r, style.ink, 1)
                continue
            spot = y + (place + 0.5) * tall / frets
            sheet.disc(at, spot, 1.2 * r, style.accent)
            if numbered:
                sheet.text(at, spot, str(int(own.integers(1, 5))), style.body, 1.4 * r, ink_on(style.accent), "m")
    return sheet.pixels


def _bingo(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a card of bingo or a coupon of a lottery: numbers in a grid, a frame, some crossed or stamped."""
    w, h = extent(shared, (0.75, 1.2), (400, 900))
    style, n, seed = random_style(shared, 0.1), int(shared.integers(4, 8)), int(shared.integers(2**31))
    head, colours, stamped = slogan(shared, 1, 2), palette(shared, n), shared.random() < 0.5
    rules, tint = words(shared, 5, 9), vivid(shared)
    sheet = Sheet(w, h, mixed(tint, WHITE, 0.6))
    for k in range(14):
        sheet.polygon(star_points((k + 0.5) * w / 14, 0.025 * h, 0.018 * w, 5, 0.45), tint)
    brand(sheet, 0.1 * w, 0.11 * h, 0.1 * h, seed, tint, style.second)
    sheet.text(0.55 * w, 0.11 * h, head, style.head, 0.09 * h, BLACK, "m", fit=0.7 * w)
    left, top, step = 0.06 * w, 0.18 * h, min(0.88 * w, 0.72 * h) / n
    for i in range(n * n):
        x, y = left + i % n * step, top + i // n * step
        sheet.box(x + 1, y + 1, step - 2, step - 2, mixed(colours[i % n], WHITE, 0.7))
        sheet.text(x + step / 2, y + step / 2, str(int(own.integers(1, 91))), style.head, 0.45 * step, BLACK, "m")
        if own.random() < 0.25:
            if stamped:
                sheet.disc(x + step / 2, y + step / 2, 0.38 * step, style.accent, opacity=0.5)
            else:
                for a, b in ((0.15, 0.85), (0.85, 0.15)):
                    sheet.line([(x + 0.15 * step, y + a * step), (x + 0.85 * step, y + b * step)], style.accent, 3)
    sheet.outline(left - 3, top - 3, n * step + 6, n * step + 6, tint, 4)
    sheet.text(0.06 * w, 0.95 * h, rules, style.body, 0.025 * h, BLACK, fit=0.6 * w)
    sheet.text(0.95 * w, 0.95 * h, f"No. {digits(own, 6)}", style.body, 0.03 * h, BLACK, "r")
    return sheet.pixels


def _moves(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a sheet of scores: ruled pairs of columns filled by one hand, names above."""
    w, h = extent(shared, (0.65, 0.9), (600, 1100))
    style, face, columns = random_style(shared, 0), random_face(shared, "hand"), int(shared.integers(2, 4))
    rows, ink, head = int(shared.integers(14, 26)), hsv(shared.uniform(0.5, 0.7), 0.8, 0.35), title(shared, 1, 3)
    labels = [title(shared, 1, 1) for _ in range(4)]
    sheet = Sheet(w, h, style.ground)
    sheet.text(w / 2, 0.045 * h, head, style.head, 0.035 * h, style.ink, "m")
    for i, label in enumerate(labels):
        x, y = (0.05 + 0.47 * (i % 2)) * w, (0.09 + 0.04 * (i // 2)) * h
        end = x + sheet.text(x, y, label, style.body, 0.02 * h, style.ink) + 8
        sheet.box(end, y + 0.012 * h, 0.3 * w, 1, style.ink)
        sheet.text(end + 6, y, person(own) if i < 2 else date(own), face, 0.026 * h, ink, fit=0.28 * w, rng=own)
    wide, tall = 0.92 * w / columns, 0.8 * h / rows
    played = int(own.integers(rows, columns * rows + 1))
    for i in range(columns * rows):
        x, y = 0.04 * w + i // rows * wide, 0.17 * h + i % rows * tall
        sheet.outline(x, y, wide, tall + 1, style.faint, 1)
        sheet.box(x + 0.14 * wide, y, 1, tall, style.faint)
        sheet.box(x + 0.57 * wide, y, 1, tall, style.faint)
        sheet.text(x + 0.07 * wide, y + tall / 2, str(i + 1), style.body, 0.45 * tall, style.ink, "m")
        if i < played:
            for at in (0.18, 0.6):
                move = made_word(own, 1)[:2].title() + digits(own, 1)
                sheet.text(x + at * wide, y + tall / 2, move, face, 0.6 * tall, ink, rng=own)
    return sheet.pixels


ANSWERS = family("answers", (_answers, _moves))
SEATS = family("seats", (_seats,))
CHORDS = family("chords", (_chords,))
BINGO = family("bingo", (_bingo,))
