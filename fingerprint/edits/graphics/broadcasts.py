"""News and other television: the bars, marks and windows of one channel around other photographs."""

from __future__ import annotations

from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import brand, photo_of
from fingerprint.edits.graphics.sheet import Sheet
from fingerprint.edits.graphics.styles import BLACK, WHITE, extent, ink_on, mixed, random_style, vivid
from fingerprint.edits.graphics.wording import (
    clock,
    digits,
    made_word,
    person,
    slogan,
    title,
    words,
    wrapped,
)
from fingerprint.types import U8


def _lower_third(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw a lower third with two lines, a ticker, the channel's mark and the time."""
    w, h = extent(shared, (1.5, 1.78), (500, 1200))
    style, seed = random_style(shared, 0.5), int(shared.integers(10**6))
    left, top = shared.uniform(0.03, 0.2) * w, shared.uniform(0.68, 0.76) * h
    label, channel = slogan(shared, 1, 1), made_word(shared, 2).upper()
    mark_x, slanted = float(shared.choice([0.08, 0.92])) * w, shared.random() < 0.4
    head, line, ticker, now = (
        title(own, 2, 5),
        words(own, 4, 8),
        " + ".join(words(own, 4, 7) for _ in range(3)),
        clock(own),
    )
    sheet = Sheet(w, h, BLACK)
    sheet.paste(photo_of(photos, own, w, h), 0, 0)
    bar, skew = 0.1 * h, 0.03 * w if slanted else 0.0
    sheet.polygon([(left + skew, top), (0.96 * w, top), (0.96 * w - skew, top + bar), (left, top + bar)], style.accent)
    sheet.box(left, top + bar, 0.9 * w - left, 0.65 * bar, style.ground)
    sheet.box(left, top - 0.45 * bar, 0.2 * w, 0.45 * bar, style.second)
    sheet.text(left + 0.1 * w, top - 0.22 * bar, label, style.head, 0.35 * bar, ink_on(style.second), "m", fit=0.18 * w)
    sheet.text(left + 0.03 * w, top + bar / 2, head, style.head, 0.6 * bar, ink_on(style.accent), fit=0.85 * w - left)
    sheet.text(left + 0.02 * w, top + 1.33 * bar, line, style.body, 0.38 * bar, style.ink, fit=0.85 * w - left)
    sheet.box(0, h - 0.55 * bar, w, 0.55 * bar, mixed(style.ground, BLACK, 0.3))
    sheet.text(0.14 * w, h - 0.27 * bar, ticker, style.body, 0.3 * bar, ink_on(mixed(style.ground, BLACK, 0.3)))
    sheet.box(0, h - 0.55 * bar, 0.12 * w, 0.55 * bar, style.second)
    sheet.text(0.06 * w, h - 0.27 * bar, now, style.head, 0.32 * bar, ink_on(style.second), "m")
    brand(sheet, mark_x, 0.1 * h, 0.09 * h, seed, style.accent, style.second)
    sheet.text(mark_x, 0.18 * h, channel, style.head, 0.04 * h, WHITE, "m", rim=BLACK)
    return sheet.pixels


def _breaking(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw a broad band with a fixed word above a headline, and a border around the picture."""
    w, h = extent(shared, (1.3, 1.78), (500, 1200))
    style, word, seed = random_style(shared, 0.4), slogan(shared, 1, 2), int(shared.integers(10**6))
    top, rim, live = shared.uniform(0.7, 0.78) * h, shared.uniform(0, 0.03) * w, shared.random() < 0.6
    head = slogan(own, 3, 6)
    sheet = Sheet(w, h, style.accent)
    sheet.paste(photo_of(photos, own, w - 2 * rim, top - rim), rim, rim)
    sheet.fade(0, top, w, 0.11 * h, mixed(style.accent, WHITE, 0.25), mixed(style.accent, BLACK, 0.25))
    sheet.text(0.04 * w, top + 0.055 * h, word, style.head, 0.085 * h, ink_on(style.accent), fit=0.7 * w)
    brand(sheet, 0.93 * w, top + 0.055 * h, 0.09 * h, seed, ink_on(style.accent), style.second)
    sheet.box(0, top + 0.11 * h, w, h, style.ground)
    sheet.text(0.04 * w, (top + 0.11 * h + h) / 2, head, style.body, 0.07 * h, style.ink, fit=0.92 * w)
    if live:
        sheet.box(rim + 0.02 * w, rim + 0.03 * h, 0.1 * w, 0.06 * h, (200, 20, 30), 0.01 * h)
        sheet.text(rim + 0.07 * w, rim + 0.06 * h, "LIVE", style.head, 0.04 * h, WHITE, "m", fit=0.09 * w)
    return sheet.pixels


def _subtitles(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw a still of a film: bars above and below, a channel's mark in a corner, subtitles, sometimes a rating."""
    w, h = extent(shared, (1.3, 1.8), (450, 1200))
    seed, colours, corner = int(shared.integers(10**6)), (vivid(shared), vivid(shared)), int(shared.integers(4))
    bar, yellow, boxed = shared.uniform(0, 0.12) * h, shared.random() < 0.3, shared.random() < 0.4
    style, name, size, rated = (
        random_style(shared),
        made_word(shared, 2).upper(),
        shared.uniform(0.05, 0.08) * h,
        shared.random() < 0.4,
    )
    sheet = Sheet(w, h, BLACK)
    sheet.paste(photo_of(photos, own, w, h - 2 * bar), 0, bar)
    x, y = (0.08 if corner % 2 else 0.92) * w, (0.1 * h + bar) if corner < 2 else (0.72 * h)
    brand(sheet, x, y, 0.1 * h, seed, *colours)
    sheet.text(x, y + 0.08 * h, name, style.head, 0.035 * h, WHITE, "m", rim=BLACK)
    for i, line in enumerate(wrapped(words(own, 4, 12), 2)[:2]):
        row = h - bar - (2.6 - 1.4 * i) * size
        if boxed:
            width = min(style.body.measure(line, size), 0.9 * w)
            sheet.box(w / 2 - width / 2 - 8, row - 0.7 * size, width + 16, 1.4 * size, BLACK, opacity=0.7)
        ink = (250, 225, 60) if yellow else WHITE
        sheet.text(w / 2, row, line, style.body, size, ink, "m", fit=0.9 * w, rim=None if boxed else BLACK)
    if rated:
        sheet.box(0.03 * w, 0.03 * h + bar, 0.09 * h, 0.09 * h, colours[0], 0.01 * h)
        sheet.text(0.03 * w + 0.045 * h, 0.075 * h + bar, "12", style.head, 0.055 * h, ink_on(colours[0]), "m")
    return sheet.pixels


def _score(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw the board of a match over a photograph: two teams, the score, the time, a channel's mark."""
    w, h = extent(shared, (1.5, 1.78), (500, 1200))
    style, seed = random_style(shared, 0.6), int(shared.integers(10**6))
    teams, colours = [made_word(shared, 2)[:3].upper() for _ in range(2)], [vivid(shared) for _ in range(2)]
    x, y, bottom = 0.04 * w, 0.06 * h, slogan(shared, 2, 3)
    scores, minute, name = own.integers(0, 8, 2), f"{int(own.integers(90))}:{digits(own, 2)}", person(own)
    sheet = Sheet(w, h, BLACK)
    sheet.paste(photo_of(photos, own, w, h), 0, 0)
    row = 0.07 * h
    for i in range(2):
        left = x + i * 0.14 * w
        sheet.box(left, y, 0.14 * w, row, style.ground, opacity=0.92)
        sheet.box(left, y, 0.012 * w, row, colours[i])
        sheet.text(left + 0.02 * w, y + row / 2, teams[i], style.head, 0.6 * row, style.ink, fit=0.07 * w)
        sheet.box(left + 0.095 * w, y, 0.045 * w, row, style.accent)
        sheet.text(left + 0.118 * w, y + row / 2, str(scores[i]), style.head, 0.65 * row, ink_on(style.accent), "m")
    sheet.box(x + 0.28 * w, y, 0.09 * w, row, style.second)
    sheet.text(x + 0.325 * w, y + row / 2, minute, style.body, 0.5 * row, ink_on(style.second), "m")
    brand(sheet, 0.93 * w, 0.1 * h, 0.1 * h, seed, style.accent, style.second)
    sheet.polygon([(0.25 * w, h), (0.29 * w, 0.84 * h), (0.71 * w, 0.84 * h), (0.75 * w, h)], style.ground, 0.92)
    sheet.box(0.29 * w, 0.835 * h, 0.42 * w, 0.012 * h, style.accent)
    sheet.text(w / 2, 0.885 * h, bottom, style.head, 0.045 * h, style.accent, "m", fit=0.38 * w)
    sheet.text(w / 2, 0.95 * h, name, style.body, 0.05 * h, style.ink, "m", fit=0.4 * w)
    return sheet.pixels


def _two_windows(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw a studio with two windows side by side, names below them, and a headline."""
    w, h = extent(shared, (1.5, 1.78), (600, 1200))
    style, show, seed = random_style(shared, 0.6), title(shared, 1, 2), int(shared.integers(10**6))
    rays, deep = int(shared.integers(5, 14)), mixed(style.accent, BLACK, 0.5)
    sheet = Sheet(w, h, style.accent)
    sheet.fade(0, 0, w, h, style.accent, deep)
    for i in range(rays):
        x = w * i / rays
        sheet.polygon([(x, 0), (x + 0.5 * w / rays, 0), (x + 0.9 * w / rays, h), (x - 0.1 * w, h)], WHITE, 0.07)
    for i in range(2):
        x = (0.04 + 0.47 * i) * w
        sheet.box(x - 3, 0.11 * h - 3, 0.45 * w + 6, 0.58 * h + 6, WHITE)
        sheet.paste(photo_of(photos, own, 0.45 * w, 0.58 * h), x, 0.11 * h)
        sheet.box(x, 0.63 * h, 0.3 * w, 0.07 * h, style.second)
        sheet.text(x + 0.01 * w, 0.665 * h, person(own), style.head, 0.045 * h, ink_on(style.second), fit=0.28 * w)
    brand(sheet, 0.06 * w, 0.055 * h, 0.08 * h, seed, WHITE, style.second)
    sheet.text(0.11 * w, 0.055 * h, show, style.head, 0.06 * h, WHITE, fit=0.6 * w)
    sheet.box(0.04 * w, 0.76 * h, 0.92 * w, 0.18 * h, style.ground)
    for i, line in enumerate(wrapped(words(own, 8, 13), 2)[:2]):
        sheet.text(0.06 * w, (0.81 + 0.075 * i) * h, line, style.body, 0.06 * h, style.ink, fit=0.88 * w)
    return sheet.pixels


NEWS = family("news", (_lower_third, _breaking, _subtitles), (_score, _two_windows))
