"""Receipts, invoices and tickets: one printer, other goods, amounts and seats."""

from __future__ import annotations

import numpy as np

from fingerprint.edits.canvas import Colour
from fingerprint.edits.graphics.faces import random_face
from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import N_ICONS, brand, icon
from fingerprint.edits.graphics.scans import random_scanner, scanned
from fingerprint.edits.graphics.sheet import Sheet
from fingerprint.edits.graphics.styles import BLACK, WHITE, extent, ink_on, mixed, random_style
from fingerprint.edits.graphics.wording import (
    amount,
    clock,
    date,
    digits,
    domain,
    made_word,
    person,
    phone,
    pick,
    slogan,
    title,
    words,
)
from fingerprint.types import U8


def bars(
    sheet: Sheet, x: float, y: float, width: float, height: float, n_bars: int, own: Rng, ink: Colour = BLACK
) -> None:
    """Draw a bar code of `n_bars` bars and gaps of one to four units each."""
    runs = np.concatenate([[1, 1, 1], own.integers(1, 5, 2 * n_bars), [1, 1, 1]])
    edges = np.rint(x + np.concatenate([[0], np.cumsum(runs)]) * width / runs.sum())
    for i in range(0, len(runs), 2):
        sheet.box(edges[i], y, edges[i + 1] - edges[i], height, ink)


def _receipt(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a receipt: the shop's head, goods with amounts, totals, thanks, a bar code."""
    w, h = extent(shared, (0.38, 0.55), (600, 1200))
    face, scanner, seed = (
        random_face(shared, "fixed bitmap sans"),
        random_scanner(shared, 0.7),
        int(shared.integers(10**6)),
    )
    shop, lines, thanks = (
        slogan(shared, 1, 2),
        [title(shared, 2, 3), phone(shared), domain(shared)],
        words(shared, 3, 5),
    )
    labels, rule, size = [slogan(shared, 1, 1) for _ in range(4)], pick(shared, "- = * ."), 0.045 * w
    marked = shared.random() < 0.5
    sheet = Sheet(w, h, (250, 250, 248))
    y = 0.03 * h
    if marked:
        brand(sheet, w / 2, y + 0.08 * w, 0.15 * w, seed, BLACK, (120, 120, 120))
        y += 0.2 * w
    sheet.text(w / 2, y, shop, face, 2 * size, BLACK, "m", fit=0.9 * w)
    for line in lines:
        y += 1.7 * size
        sheet.text(w / 2, y, line, face, size, BLACK, "m", fit=0.9 * w)
    y += 2 * size
    sheet.text(0.06 * w, y, f"{date(own)} {clock(own)}", face, size, BLACK)
    sheet.text(0.94 * w, y, digits(own, 4), face, size, BLACK, "r")
    ruled = rule * 60
    for _ in range(int(own.integers(4, 5 + max(1, int((0.78 * h - y) / (1.5 * size)))))):
        y += 1.5 * size
        if y > 0.74 * h:
            break
        sheet.text(0.06 * w, y, f"{int(own.integers(1, 5))} {slogan(own, 1, 2)}", face, size, BLACK, fit=0.62 * w)
        sheet.text(0.94 * w, y, amount(own, 60), face, size, BLACK, "r")
    for i, label in enumerate(labels):
        y += 1.7 * size
        if i in (0, 3):
            sheet.text(0.06 * w, y, ruled, face, size, BLACK, fit=0.88 * w)
            y += 1.6 * size
        scale = 1.4 if i == 2 else 1
        sheet.text(0.06 * w, y, label, face, scale * size, BLACK, fit=0.5 * w)
        sheet.text(0.94 * w, y, amount(own, 300), face, scale * size, BLACK, "r")
    sheet.text(w / 2, y + 2.5 * size, thanks, face, size, BLACK, "m", fit=0.9 * w)
    bars(sheet, 0.15 * w, y + 4 * size, 0.7 * w, 0.05 * h, 25, own)
    return scanned(sheet.pixels, scanner, own)


def _invoice(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw an invoice: mark, addresses, a table of items, totals, a foot."""
    w, h = extent(shared, (0.68, 0.78), (700, 1200))
    style, scanner, seed = random_style(shared, 0), random_scanner(shared, 0.4), int(shared.integers(10**6))
    firm, heads = title(shared, 1, 3), [title(shared, 1, 1) for _ in range(5)]
    word, foot, striped = slogan(shared, 1, 1), [words(shared, 3, 5) for _ in range(3)], shared.random() < 0.5
    columns = (0.08, 0.16, 0.6, 0.75, 0.92)
    sheet = Sheet(w, h, WHITE)
    brand(sheet, 0.13 * w, 0.07 * h, 0.1 * w, seed, style.accent, style.second)
    sheet.text(0.2 * w, 0.07 * h, firm, style.head, 0.045 * w, style.ink, fit=0.4 * w)
    sheet.text(0.92 * w, 0.07 * h, word, style.head, 0.06 * w, style.accent, "r", fit=0.35 * w)
    for i, line in enumerate(
        [person(own), f"{title(own, 1, 1)} {digits(own, 2)}", f"{digits(own, 5)} {title(own, 1, 1)}"]
    ):
        sheet.text(0.08 * w, (0.16 + 0.022 * i) * h, line, style.body, 0.022 * w, style.ink)
    for i, entry in enumerate((digits(own, 6), date(own), date(own))):
        sheet.text(0.66 * w, (0.16 + 0.022 * i) * h, f"{heads[i]}:", style.body, 0.02 * w, style.ink)
        sheet.text(0.92 * w, (0.16 + 0.022 * i) * h, entry, style.body, 0.02 * w, style.ink, "r")
    top, row = 0.27 * h, 0.032 * h
    sheet.box(0.06 * w, top, 0.88 * w, row, style.accent)
    for x, head, align in zip(columns, heads, "llrrr", strict=True):
        sheet.text(x * w, top + row / 2, head, style.head, 0.02 * w, ink_on(style.accent), align, fit=0.14 * w)
    n_rows = int(own.integers(3, 15))
    for i in range(n_rows):
        y = top + (i + 1) * row
        if striped and i % 2:
            sheet.box(0.06 * w, y, 0.88 * w, row, mixed(style.accent, WHITE, 0.88))
        cells = (str(i + 1), title(own, 2, 4), str(int(own.integers(1, 40))), amount(own, 90), amount(own, 900))
        for x, cell, align in zip(columns, cells, "llrrr", strict=True):
            sheet.text(x * w, y + row / 2, cell, style.body, 0.02 * w, style.ink, align, fit=0.36 * w)
        sheet.box(0.06 * w, y + row, 0.88 * w, 1, style.faint)
    y = top + (n_rows + 2) * row
    for i in range(3):
        sheet.text(0.7 * w, y + i * row, heads[4 - i], style.head, 0.022 * w, style.ink, "r", fit=0.2 * w)
        sheet.text(
            0.92 * w, y + i * row, amount(own, 5000), style.head, 0.022 * w, style.accent if i == 2 else style.ink, "r"
        )
    sheet.box(0.06 * w, 0.93 * h, 0.88 * w, 2, style.accent)
    for i, line in enumerate(foot):
        sheet.text((0.2 + 0.3 * i) * w, 0.955 * h, line, style.body, 0.015 * w, style.ink, "m", fit=0.28 * w)
    return scanned(sheet.pixels, scanner, own)


def _boarding(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a boarding pass: a coloured head, large codes, fields, a stub beyond a dotted line, a bar code."""
    w, h = extent(shared, (2.0, 2.6), (600, 1200))
    style, seed, line, labels = (
        random_style(shared, 0.1),
        int(shared.integers(10**6)),
        title(shared, 1, 2),
        [slogan(shared, 1, 1) for _ in range(6)],
    )
    kind, radius = int(shared.integers(N_ICONS)), float(shared.choice([0, 0.06]))
    sheet = Sheet(w, h, mixed(style.accent, BLACK, 0.7) if radius else style.ground)
    sheet.box(0, 0, w, h, style.ground, radius * h)
    sheet.box(0, 0, w, 0.2 * h, style.accent, radius * h)
    brand(sheet, 0.05 * w, 0.1 * h, 0.13 * h, seed, style.second, ink_on(style.accent))
    sheet.text(0.1 * w, 0.1 * h, line, style.head, 0.1 * h, ink_on(style.accent), fit=0.4 * w)
    first, last, name = made_word(own, 2)[:3].upper(), made_word(own, 2)[:3].upper(), person(own)
    entries = [
        digits(own, 4),
        date(own),
        clock(own),
        pick(own, "A B C D E F") + digits(own, 2),
        digits(own, 2) + "C",
        digits(own, 3),
    ]
    for x, size, columns in ((0.04, 1.0, 4), (0.77, 0.42, 2)):
        sheet.text(x * w, 0.36 * h, first, style.head, 0.22 * h * size, style.ink, fit=0.17 * size * w)
        icon(sheet, (x + 0.22 * size) * w, 0.36 * h, 0.05 * h * size, kind, style.accent)
        sheet.text((x + 0.28 * size) * w, 0.36 * h, last, style.head, 0.22 * h * size, style.ink, fit=0.17 * size * w)
        sheet.text(x * w, 0.54 * h, name, style.body, 0.06 * h, style.ink, fit=0.2 * w)
        for i in range(2 + columns):
            px, py = (x + 0.115 * (i % columns)) * w, (0.68 + 0.16 * (i // columns)) * h
            sheet.text(px, py, labels[i], style.body, 0.035 * h, style.accent, fit=0.1 * w)
            sheet.text(px, py + 0.065 * h, entries[i], style.head, 0.06 * h, style.ink, fit=0.1 * w)
    for y in np.arange(0.02 * h, h, 0.04 * h):
        sheet.box(0.735 * w, y, 2, 0.02 * h, style.faint)
    bars(sheet, 0.56 * w, 0.3 * h, 0.15 * w, 0.6 * h, 22, own, ink_on(style.ground))
    return sheet.pixels


def _parcel(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw the label of a parcel: sender, receiver, a large code of the route, bar codes."""
    w, h = extent(shared, (0.6, 0.8), (500, 1100))
    face, seed, carrier = random_face(shared, "sans sans pen fixed"), int(shared.integers(10**6)), slogan(shared, 1, 2)
    labels, scanner, cuts = (
        [slogan(shared, 1, 1) for _ in range(4)],
        random_scanner(shared, 0.6),
        np.sort(shared.uniform(0.3, 0.6, 2)),
    )
    sender = [title(shared, 1, 2), title(shared, 1, 2), digits(shared, 5)]
    sheet = Sheet(w, h, WHITE)
    sheet.outline(0.03 * w, 0.02 * h, 0.94 * w, 0.96 * h, BLACK, 3)
    brand(sheet, 0.12 * w, 0.075 * h, 0.12 * w, seed, BLACK, (90, 90, 90))
    sheet.text(0.22 * w, 0.075 * h, carrier, face, 0.08 * w, BLACK, fit=0.7 * w)
    sheet.box(0.03 * w, 0.13 * h, 0.94 * w, 3, BLACK)
    for i, line in enumerate([labels[0], *sender]):
        sheet.text(0.06 * w, (0.155 + 0.025 * i) * h, line, face, 0.03 * w, BLACK, fit=0.4 * w)
    sheet.box(0.03 * w, 0.26 * h, 0.94 * w, 2, BLACK)
    sheet.text(0.06 * w, 0.285 * h, labels[1], face, 0.03 * w, BLACK)
    for i, line in enumerate(
        [person(own), f"{title(own, 1, 2)} {digits(own, 2)}", f"{digits(own, 5)} {title(own, 1, 1)}"]
    ):
        sheet.text(0.12 * w, (0.32 + 0.04 * i) * h, line, face, 0.055 * w, BLACK, fit=0.8 * w)
    sheet.box(0.03 * w, 0.46 * h, 0.94 * w, 4, BLACK)
    sheet.text(
        0.06 * w,
        0.535 * h,
        f"{made_word(own, 1)[:2].upper()} {digits(own, 3)}-{digits(own, 2)}",
        face,
        0.14 * w,
        BLACK,
        fit=cuts[1] * w,
    )
    sheet.box((cuts[1] + 0.08) * w, 0.46 * h, 3, 0.15 * h, BLACK)
    sheet.text((cuts[1] + 0.12) * w, 0.5 * h, labels[2], face, 0.04 * w, BLACK, fit=(0.8 - cuts[1]) * w)
    sheet.text((cuts[1] + 0.12) * w, 0.56 * h, f"{amount(own, 30)} kg", face, 0.05 * w, BLACK, fit=(0.8 - cuts[1]) * w)
    sheet.box(0.03 * w, 0.61 * h, 0.94 * w, 3, BLACK)
    bars(sheet, 0.1 * w, 0.65 * h, 0.8 * w, 0.2 * h, 32, own)
    sheet.text(w / 2, 0.89 * h, " ".join(digits(own, 4) for _ in range(4)), face, 0.045 * w, BLACK, "m")
    sheet.text(w / 2, 0.94 * h, labels[3], face, 0.03 * w, BLACK, "m")
    return scanned(sheet.pixels, scanner, own)


BILLS = family("bills", (_receipt, _invoice), (_boarding, _parcel))
