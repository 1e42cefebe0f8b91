"""Covers of one series: the same bands and marks around other titles and pictures."""

from __future__ import annotations

import numpy as np

from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import brand, made_scene, photo_of, star_points
from fingerprint.edits.graphics.sheet import Sheet
from fingerprint.edits.graphics.styles import BLACK, WHITE, extent, hsv, ink_on, mixed, random_style, vivid
from fingerprint.edits.graphics.wording import amount, date, digits, person, slogan, title, words, wrapped
from fingerprint.types import U8


def _series(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw a book of a series: band of the series, title, author, picture, mark of the house."""
    w, h = extent(shared, (0.6, 0.72), (500, 1100))
    style, seed, name = random_style(shared), int(shared.integers(10**6)), slogan(shared, 2, 3)
    top, share, same_colour = shared.uniform(0.05, 0.1), shared.uniform(0.45, 0.62), shared.random() < 0.5
    colour = style.accent if same_colour else vivid(own)
    sheet = Sheet(w, h, style.ground)
    sheet.box(0, 0, w, top * h, style.second)
    sheet.text(0.06 * w, top * h / 2, name, style.body, 0.5 * top * h, ink_on(style.second), fit=0.6 * w)
    sheet.text(0.94 * w, top * h / 2, digits(own, 2), style.head, 0.6 * top * h, ink_on(style.second), "r")
    sheet.box(0, top * h, w, (0.92 - share - top) * h + 1, colour)
    band = (0.92 - share - top) * h
    for i, line in enumerate(wrapped(title(own, 2, 5), 2)[:2]):
        y = top * h + (0.24 + 0.28 * i) * band
        sheet.text(0.06 * w, y, line, style.head, min(0.11 * w, 0.3 * band), ink_on(colour), fit=0.88 * w)
    sheet.text(0.06 * w, top * h + 0.84 * band, person(own), style.body, min(0.055 * w, 0.2 * band), ink_on(colour))
    sheet.paste(photo_of(photos, own, w, share * h), 0, (0.92 - share) * h)
    sheet.box(0, 0.92 * h, w, 0.08 * h, style.ground)
    brand(sheet, 0.9 * w, 0.96 * h, 0.06 * h, seed, style.accent, style.second)
    return sheet.pixels


def _magazine_cover(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw the cover of a magazine: masthead over a photograph, lines of contents, a price, a burst."""
    w, h = extent(shared, (0.68, 0.8), (500, 1100))
    style, head, tips = random_style(shared), slogan(shared, 1, 1), int(shared.integers(8, 20))
    banded, on_left, line = shared.random() < 0.4, shared.random() < 0.6, title(shared, 2, 3)
    sheet = Sheet(w, h, BLACK)
    sheet.paste(photo_of(photos, own, w, h), 0, 0)
    if banded:
        sheet.box(0, 0, w, 0.2 * h, style.accent)
    colour = ink_on(style.accent) if banded else style.accent
    sheet.text(w / 2, 0.1 * h, head, style.head, 0.3 * w, colour, "m", fit=0.92 * w, rim=None if banded else WHITE)
    sheet.text(
        w / 2, 0.185 * h, f"{line} - {date(own)} - {amount(own, 12)}", style.body, 0.026 * w, WHITE, "m", rim=BLACK
    )
    x, align = (0.05 * w, "l") if on_left else (0.95 * w, "r")
    for i in range(4):
        y = (0.36 + 0.14 * i) * h
        sheet.text(x, y, slogan(own, 1, 3), style.head, 0.055 * w, style.second, align, fit=0.5 * w, rim=BLACK)
        sheet.text(x, y + 0.045 * h, words(own, 3, 6), style.body, 0.032 * w, WHITE, align, fit=0.5 * w, rim=BLACK)
    bx, by = (0.82 if on_left else 0.18) * w, 0.32 * h
    sheet.polygon(star_points(bx, by, 0.13 * w, tips, 0.82), style.second)
    sheet.text(bx, by, f"{digits(own, 2)}!", style.head, 0.1 * w, ink_on(style.second), "m")
    sheet.box(0.05 * w, 0.92 * h, 0.2 * w, 0.06 * h, WHITE)
    for k in np.flatnonzero(own.random(40) < 0.5):
        sheet.box((0.055 + 0.19 * k / 40) * w, 0.925 * h, 0.19 * w / 42, 0.05 * h, BLACK)
    return sheet.pixels


def _three_bands(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw an old paperback: two coloured bands, title and author between, a mark."""
    w, h = extent(shared, (0.6, 0.7), (500, 1000))
    style, seed, house, series = (
        random_style(shared, 0, "sans pen serif"),
        int(shared.integers(10**6)),
        title(shared, 1, 1),
        slogan(shared, 1, 1),
    )
    paper, worn, ruled = hsv(0.12, shared.uniform(0.05, 0.2), 0.96), shared.uniform(0, 8), shared.random() < 0.5
    sheet = Sheet(w, h, paper)
    for y in (0.0, 0.67):
        sheet.box(0, y * h, w, 0.33 * h, style.accent)
    sheet.box(0.2 * w, 0.12 * h, 0.6 * w, 0.1 * h, paper, 0.05 * h)
    sheet.text(w / 2, 0.17 * h, house, style.head, 0.05 * h, BLACK, "m", fit=0.5 * w)
    for i, line in enumerate(wrapped(slogan(own, 2, 5), 2)[:2]):
        sheet.text(w / 2, (0.42 + 0.065 * i) * h, line, style.head, 0.1 * w, BLACK, "m", fit=0.85 * w)
    if ruled:
        sheet.box(0.35 * w, 0.545 * h, 0.3 * w, 3, style.accent)
    sheet.text(w / 2, 0.59 * h, person(own).upper(), style.body, 0.06 * w, BLACK, "m", fit=0.8 * w)
    brand(sheet, w / 2, 0.83 * h, 0.14 * h, seed, paper, BLACK)
    sheet.text(0.05 * w, 0.5 * h, series, style.body, 0.03 * w, style.accent, "m", angle=-np.pi / 2)
    grain = own.normal(0, 1 + worn, (h, w, 1))
    return np.clip(np.rint(sheet.pixels + grain), 0, 255).astype(np.uint8)


def _album(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw a square cover of music: border, name of the label, a picture or drawn scene, sides listed."""
    w = int(shared.integers(350, 800))
    style, label, seed = random_style(shared, 0.5), title(shared, 1, 2), int(shared.integers(10**6))
    rim, round_picture, drawn = shared.uniform(0.04, 0.12), shared.random() < 0.4, shared.random() < 0.4
    stripes = int(shared.integers(2, 6))
    size = round((0.92 - 2 * rim) * w * 0.8)
    picture = made_scene(own, size, size) if drawn else photo_of(photos, own, size, size)
    sheet = Sheet(w, w, style.ground)
    for i in range(stripes):
        sheet.box(
            0, (0.86 + 0.1 * i / stripes) * w, w, 0.06 * w / stripes, mixed(style.accent, style.second, i / stripes)
        )
    x, y = (w - size) / 2, 0.16 * w
    sheet.paste(picture, x, y, size / 2 if round_picture else 0)
    sheet.outline(rim * w / 2, rim * w / 2, (1 - rim) * w, (1 - rim) * w, style.accent, 0.12 * rim * w)
    sheet.text(0.08 * w, 0.1 * w, person(own), style.head, 0.065 * w, style.ink, fit=0.5 * w)
    sheet.text(0.92 * w, 0.1 * w, title(own, 1, 3), style.body, 0.045 * w, style.accent, "r", fit=0.32 * w)
    brand(sheet, 0.9 * w, 0.9 * w, 0.09 * w, seed, style.ink, style.second)
    sheet.text(0.83 * w, 0.9 * w, label, style.body, 0.03 * w, style.ink, "r", rim=style.ground)
    return sheet.pixels


COVERS = family("covers", (_series, _magazine_cover), (_three_bands, _album))
