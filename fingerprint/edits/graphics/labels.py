"""Labels and tickets of one print: other names, other numbers, other small pictures."""

from __future__ import annotations

import numpy as np

from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import brand, photo_of, star_points
from fingerprint.edits.graphics.sheet import Sheet
from fingerprint.edits.graphics.styles import WHITE, extent, hsv, ink_on, palette, random_style, vivid
from fingerprint.edits.graphics.wording import amount, clock, date, digits, made_word, person, pick, title
from fingerprint.types import U8

_NUMBERS = 75  # on the balls of a bingo game


def _price_tag(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a shelf label: a brand, a product, a large price, lines of a bar code."""
    w, h = extent(shared, (1.2, 2.4), (400, 1000))
    style, colour, seed = random_style(shared, 0.1), vivid(shared), int(shared.integers(1_000_000))
    burst, unit, shop = shared.random() < 0.5, pick(shared, ("kg", "l", "piece", "100 g")), title(shared, 1, 2)
    sheet = Sheet(w, h, hsv(shared.random(), shared.uniform(0, 0.15), 1))
    sheet.box(0, 0, w, 0.22 * h, colour)
    brand(sheet, 0.09 * w, 0.11 * h, 0.18 * h, seed, style.ground, style.second)
    sheet.text(0.2 * w, 0.11 * h, shop, style.head, 0.12 * h, ink_on(colour), fit=0.75 * w)
    sheet.text(0.04 * w, 0.34 * h, title(own, 2, 4), style.body, 0.1 * h, style.ink, fit=0.9 * w)
    if burst:
        sheet.polygon(star_points(0.72 * w, 0.64 * h, 0.3 * h, 14, 0.8), colour)
    price = amount(own, 100)
    sheet.text(0.72 * w, 0.64 * h, price, style.head, 0.2 * h, ink_on(colour) if burst else style.ink, "m", fit=0.5 * w)
    sheet.text(0.04 * w, 0.52 * h, f"{amount(own, 50)} / {unit}", style.body, 0.07 * h, style.ink)
    x = 0.04 * w
    for width in own.integers(1, 5, 44):
        sheet.box(x, 0.66 * h, float(width) * w / 500, 0.2 * h, style.ink)
        x += float(width + own.integers(1, 4)) * w / 500
    sheet.text(0.04 * w, 0.93 * h, digits(own, 13), style.body, 0.06 * h, style.ink)
    return sheet.pixels


def _name_tag(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw what is worn at a conference: an event, a name, a company, sometimes a portrait."""
    w, h = extent(shared, (0.6, 1.6), (400, 900))
    style, colours, seed = random_style(shared, 0.2), palette(shared, 3), int(shared.integers(1_000_000))
    event, pictured, striped = title(shared, 1, 3), shared.random() < 0.4, shared.random() < 0.5
    role = pick(shared, ("SPEAKER", "GUEST", "STAFF", "PRESS", "VISITOR"))
    sheet = Sheet(w, h, style.ground)
    sheet.box(0, 0, w, 0.26 * h, colours[0])
    if striped:
        for i in range(3):
            sheet.box(0, (0.26 + 0.02 * i) * h, w, 0.02 * h, colours[i % 3])
    brand(sheet, 0.5 * w, 0.08 * h, 0.1 * h, seed, ink_on(colours[0]), colours[1])
    sheet.text(0.5 * w, 0.19 * h, event, style.head, 0.08 * h, ink_on(colours[0]), "m", fit=0.9 * w)
    first, last = (person(own).split(" ", 1) * 2)[:2]
    top = 0.46 * h
    if pictured:
        side = 0.26 * min(w, h)
        sheet.paste(photo_of(photos, own, side, side), 0.5 * w - side / 2, 0.36 * h, side / 2)
        top = 0.36 * h + side + 0.06 * h
    sheet.text(0.5 * w, top, first, style.head, 0.12 * h, style.ink, "m", fit=0.9 * w)
    sheet.text(0.5 * w, top + 0.11 * h, last, style.body, 0.07 * h, style.ink, "m", fit=0.9 * w)
    sheet.text(0.5 * w, 0.8 * h, title(own, 1, 2), style.body, 0.05 * h, style.ink, "m", fit=0.9 * w)
    sheet.box(0, 0.88 * h, w, 0.12 * h, colours[1])
    sheet.text(0.5 * w, 0.94 * h, role, style.head, 0.07 * h, ink_on(colours[1]), "m")
    return sheet.pixels


def _admission(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw a ticket of a hall: a picture, an event, a seat, a stub that is torn off."""
    w, h = extent(shared, (1.8, 3.0), (500, 1200))
    style, colour, hall = random_style(shared, 0.3), vivid(shared), title(shared, 1, 2)
    labels, words = [title(shared, 1, 1) for _ in range(4)], pick(shared, ("ADMIT ONE", "TICKET", "ENTRY"))
    tint, lengths = hsv(shared.random(), 0.15, 0.98), shared.integers(1, 4, 4)
    sheet = Sheet(w, h, tint)
    sheet.paste(photo_of(photos, own, 0.26 * w, 0.8 * h), 0.02 * w, 0.1 * h)
    sheet.box(0.3 * w, 0.08 * h, 0.46 * w, 0.16 * h, colour)
    sheet.text(0.53 * w, 0.16 * h, words, style.head, 0.11 * h, ink_on(colour), "m")
    sheet.text(0.3 * w, 0.38 * h, title(own, 2, 4), style.head, 0.13 * h, style.accent, fit=0.46 * w)
    sheet.text(0.3 * w, 0.54 * h, f"{hall}, {date(own)} {clock(own)}", style.body, 0.08 * h, (20, 20, 20), fit=0.46 * w)
    for i, label in enumerate(labels):
        x = (0.3 + 0.115 * i) * w
        sheet.text(x, 0.7 * h, label, style.body, 0.06 * h, (90, 90, 90), fit=0.1 * w)
        sheet.text(x, 0.84 * h, digits(own, int(lengths[i])), style.head, 0.13 * h, (20, 20, 20), fit=0.1 * w)
    for k in range(int(h / 9)):
        sheet.box(0.79 * w, 9 * k, 2, 5, (110, 110, 110))
    sheet.text(0.9 * w, 0.5 * h, digits(own, 6), style.body, 0.09 * h, colour, "m", angle=-np.pi / 2)
    sheet.outline(2, 2, w - 4, h - 4, colour, 3)
    return sheet.pixels


def _bingo(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a card of numbers, some of them marked."""
    w, h = extent(shared, (0.7, 1.3), (400, 900))
    style, n, colour = random_style(shared, 0.1), int(shared.integers(4, 8)), vivid(shared)
    head, round_cells = made_word(shared).upper()[:n], shared.random() < 0.4
    sheet = Sheet(w, h, style.ground)
    sheet.box(0, 0, w, 0.16 * h, colour)
    sheet.text(0.5 * w, 0.08 * h, head, style.head, 0.12 * h, ink_on(colour), "m", fit=0.9 * w)
    cell_w, cell_h = 0.94 * w / n, 0.78 * h / n
    numbers, marked = own.permutation(_NUMBERS)[: n * n] + 1, own.random(n * n) < 0.2
    for i in range(n * n):
        x, y = 0.03 * w + i % n * cell_w, 0.19 * h + i // n * cell_h
        sheet.outline(x + 1, y + 1, cell_w - 2, cell_h - 2, style.faint, 2)
        middle = x + cell_w / 2, y + cell_h / 2
        if round_cells:
            sheet.disc(*middle, 0.4 * min(cell_w, cell_h), WHITE)
        if marked[i]:
            sheet.disc(*middle, 0.42 * min(cell_w, cell_h), style.second, opacity=0.6)
        sheet.text(*middle, str(numbers[i]), style.head, 0.4 * min(cell_w, cell_h), style.ink, "m")
    return sheet.pixels


LABELS = family("labels", (_price_tag, _name_tag, _admission, _bingo))
