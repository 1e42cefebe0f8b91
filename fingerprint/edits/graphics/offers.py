"""Offers, tickets and menus: one design with other goods, names and prices."""

from __future__ import annotations

import numpy as np

from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import brand, icon, photo_of, star_points
from fingerprint.edits.graphics.sheet import Sheet
from fingerprint.edits.graphics.styles import BLACK, WHITE, extent, ink_on, mixed, palette, random_style
from fingerprint.edits.graphics.wording import amount, clock, date, digits, made_word, person, slogan, title, words
from fingerprint.types import U8


def _flyer(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw a flyer of a shop: a grid of goods with names and prices under a loud head."""
    w, h = extent(shared, (0.65, 1.1), (600, 1200))
    style, columns, rows = random_style(shared, 0.1), int(shared.integers(2, 5)), int(shared.integers(2, 5))
    seed, shop, call = int(shared.integers(2**31)), title(shared, 1, 2), slogan(shared, 2, 4)
    tips, tilted, edge = int(shared.integers(8, 20)), shared.uniform(-0.2, 0.2), shared.uniform(0, 0.08)
    sheet = Sheet(w, h, style.panel)
    sheet.box(0, 0, w, 0.13 * h, style.accent)
    brand(sheet, 0.07 * w, 0.065 * h, 0.09 * h, seed, WHITE, style.second)
    sheet.text(0.14 * w, 0.045 * h, shop, style.head, 0.05 * h, ink_on(style.accent), fit=0.5 * w)
    sheet.text(0.14 * w, 0.1 * h, call, style.body, 0.03 * h, ink_on(style.accent), fit=0.5 * w)
    sheet.text(0.98 * w, 0.065 * h, f"{date(own)}", style.body, 0.03 * h, ink_on(style.accent), "r")
    cell = 0.98 * w / columns, 0.81 * h / rows
    for i in range(columns * rows):
        x, y = 0.01 * w + i % columns * cell[0], 0.14 * h + i // columns * cell[1]
        sheet.box(x + 3, y + 3, cell[0] - 6, cell[1] - 6, WHITE, edge * cell[0])
        sheet.paste(photo_of(photos, own, 0.9 * cell[0], 0.6 * cell[1]), x + 0.05 * cell[0], y + 0.05 * cell[1])
        sheet.text(
            x + 0.06 * cell[0],
            y + 0.73 * cell[1],
            title(own, 1, 3),
            style.head,
            0.08 * cell[1],
            BLACK,
            fit=0.88 * cell[0],
        )
        sheet.text(
            x + 0.06 * cell[0],
            y + 0.87 * cell[1],
            words(own, 2, 4),
            style.body,
            0.05 * cell[1],
            BLACK,
            fit=0.5 * cell[0],
        )
        sheet.polygon(
            star_points(x + 0.78 * cell[0], y + 0.84 * cell[1], 0.2 * min(cell), tips, 0.85, tilted), style.second
        )
        sheet.text(
            x + 0.78 * cell[0],
            y + 0.84 * cell[1],
            amount(own, 99),
            style.head,
            0.1 * min(cell),
            ink_on(style.second),
            "m",
            angle=tilted,
        )
    sheet.text(0.02 * w, 0.975 * h, f"{shop} - {call.lower()}", style.body, 0.022 * h, style.ink, fit=0.9 * w)
    return sheet.pixels


def _ticket(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw a ticket with a stub: event or journey, seat, name, bars of a code."""
    w, h = extent(shared, (1.9, 2.8), (500, 1200))
    style, stub, seed = random_style(shared, 0.3), shared.uniform(0.66, 0.78) * w, int(shared.integers(2**31))
    labels, maker, pictured = (
        [title(shared, 1, 1).upper() for _ in range(7)],
        title(shared, 1, 3),
        shared.random() < 0.4,
    )
    sign = int(shared.integers(1, 12))
    sheet = Sheet(w, h, style.ground)
    sheet.box(0, 0, w, 0.2 * h, style.accent)
    brand(sheet, 0.04 * w, 0.1 * h, 0.15 * h, seed, WHITE, style.second)
    sheet.text(0.08 * w, 0.1 * h, maker, style.head, 0.11 * h, ink_on(style.accent), fit=0.5 * w)
    icon(sheet, 0.95 * w, 0.1 * h, 0.06 * h, sign, ink_on(style.accent))
    left = 0.03 * w
    if pictured:
        sheet.paste(photo_of(photos, own, 0.2 * w, 0.7 * h), 0.02 * w, 0.25 * h)
        left = 0.24 * w
    where = made_word(own, 2).upper(), made_word(own, 2).upper()
    sheet.text(left, 0.36 * h, where[0], style.head, 0.15 * h, style.ink, fit=0.2 * w)
    sheet.line([(left + 0.21 * w, 0.36 * h), (left + 0.26 * w, 0.36 * h)], style.accent, 0.02 * h)
    sheet.text(left + 0.28 * w, 0.36 * h, where[1], style.head, 0.15 * h, style.ink, fit=0.16 * w)
    values = person(own), date(own), clock(own), digits(own, 2), f"{digits(own, 2)}{'ABCDEF'[int(own.integers(6))]}"
    room = (stub - left) / 3
    for i, value in enumerate(values):
        x, y = left + (i % 3) * room, (0.55 + 0.23 * (i // 3)) * h
        sheet.text(x, y, labels[i], style.body, 0.05 * h, mixed(style.ink, style.ground, 0.5))
        sheet.text(x, y + 0.1 * h, value, style.head, 0.08 * h, style.ink, fit=0.92 * room)
    sheet.lines([[(stub, y * h), (stub, (y + 0.03) * h)] for y in np.arange(0.21, 1, 0.06)], style.faint, 2)
    sheet.text(stub + 0.02 * w, 0.3 * h, " - ".join(where), style.head, 0.08 * h, style.ink, fit=0.2 * w)
    for i in range(2):
        sheet.text(
            stub + 0.02 * w, (0.42 + 0.1 * i) * h, f"{labels[5 + i]} {values[3 + i]}", style.body, 0.07 * h, style.ink
        )
    x, room = stub + 0.02 * w, w - stub - 0.04 * w
    widths = own.integers(1, 4, 60).cumsum()
    for k in range(0, 59, 2):
        a, b = room * widths[k] / widths[-1], room * widths[k + 1] / widths[-1]
        sheet.box(x + a, 0.62 * h, max(1.0, b - a), 0.24 * h, style.ink)
    sheet.text(x, 0.92 * h, digits(own, 13), style.body, 0.06 * h, style.ink, fit=room)
    return sheet.pixels


def _menu(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a menu: sections, dishes with dots to their prices, an ornament."""
    w, h = extent(shared, (0.6, 1.0), (600, 1200))
    style, columns, dotted = random_style(shared, 0.35), int(shared.integers(1, 3)), shared.random() < 0.5
    house, sections, seed = title(shared, 1, 3), [title(shared, 1, 1) for _ in range(4)], int(shared.integers(2**31))
    framed, size = shared.random() < 0.5, shared.uniform(0.018, 0.026) * h
    sheet = Sheet(w, h, style.ground)
    if framed:
        sheet.outline(0.025 * w, 0.02 * h, 0.95 * w, 0.96 * h, style.accent, 3)
        sheet.outline(0.035 * w, 0.027 * h, 0.93 * w, 0.946 * h, style.accent, 1)
    brand(sheet, w / 2, 0.07 * h, 0.07 * h, seed, style.accent, style.second)
    sheet.text(w / 2, 0.135 * h, house, style.head, 0.05 * h, style.accent, "m", fit=0.8 * w)
    for column in range(columns):
        x, room, y = (0.07 + 0.45 * column) * w, (0.86 if columns == 1 else 0.41) * w, 0.2 * h
        for section in sections[column * 2 : column * 2 + 2]:
            sheet.text(x, y, section, style.head, 1.5 * size, style.second)
            y += 2.4 * size
            for _ in range(int(own.integers(4, 8))):
                end = x + sheet.text(x, y, title(own, 2, 4), style.body, size, style.ink, fit=0.7 * room)
                price = amount(own, 60)
                start = x + room - sheet.text(x + room, y, price, style.body, size, style.ink, "r")
                if dotted:
                    for dot in np.arange(end + size / 2, start - size / 2, 0.6 * size):
                        sheet.disc(float(dot), y + 0.3 * size, 0.06 * size, style.ink)
                sheet.text(
                    x,
                    y + 1.1 * size,
                    words(own, 3, 7),
                    style.body,
                    0.7 * size,
                    mixed(style.ink, style.ground, 0.4),
                    fit=room,
                )
                y += 2.7 * size
            y += size
    return sheet.pixels


def _recipe(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw a card of a recipe: photograph, things to take, steps with numbers."""
    w, h = extent(shared, (0.65, 1.5), (600, 1200))
    style, above, step_word = random_style(shared, 0.1), shared.random() < 0.5, title(shared, 1, 1)
    heads, kinds, colours = [title(shared, 1, 1) for _ in range(2)], shared.integers(0, 13, 3), palette(shared, 3)
    sheet = Sheet(w, h, style.ground)
    box = (0, 0, w, 0.36 * h) if above else (0.0, 0.0, 0.42 * w, h)
    sheet.paste(photo_of(photos, own, box[2], box[3]), 0, 0)
    x, y = (0.05 * w, 0.42 * h) if above else (0.46 * w, 0.07 * h)
    room, size = w - x - 0.04 * w, 0.024 * min(h, 1.3 * w)
    sheet.text(x, y, title(own, 2, 5), style.head, 2 * size, style.accent, fit=room)
    for i, kind in enumerate(kinds):
        icon(sheet, x + (0.04 + 0.33 * i) * room, y + 3 * size, 0.8 * size, int(kind), colours[i])
        sheet.text(
            x + (0.08 + 0.33 * i) * room, y + 3 * size, f"{int(own.integers(5, 90))} min", style.body, size, style.ink
        )
    y += 6 * size
    sheet.text(x, y, heads[0], style.head, 1.3 * size, style.second)
    for _ in range(int(own.integers(4, 9))):
        y += 1.5 * size
        sheet.disc(x + 0.4 * size, y, 0.2 * size, style.accent)
        sheet.text(x + size, y, f"{digits(own, 2)} g {words(own, 1, 3)}", style.body, size, style.ink, fit=room)
    y += 2.5 * size
    sheet.text(x, y, heads[1], style.head, 1.3 * size, style.second)
    number = 1
    while y < h - 4 * size:
        y += 2.4 * size
        sheet.disc(x + 0.7 * size, y, 0.8 * size, style.accent)
        sheet.text(x + 0.7 * size, y, str(number), style.head, size, ink_on(style.accent), "m")
        sheet.text(
            x + 2 * size, y, f"{step_word}: {words(own, 6, 11)}", style.body, size, style.ink, fit=room - 2 * size
        )
        number += 1
    return sheet.pixels


OFFERS = family("offers", (_flyer, _recipe))
TICKETS = family("tickets", (_ticket, _menu))
