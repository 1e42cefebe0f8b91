"""Certificates: one paper with other names and reasons."""

from __future__ import annotations

import numpy as np

from fingerprint.edits.graphics.faces import random_face
from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import brand, star_points
from fingerprint.edits.graphics.scans import random_scanner, scanned
from fingerprint.edits.graphics.sheet import Sheet, arc
from fingerprint.edits.graphics.styles import BLACK, WHITE, extent, hsv, ink_on, mixed, random_style
from fingerprint.edits.graphics.wording import date, digits, person, slogan, title, words
from fingerprint.types import U8


def _bordered(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a certificate: a border of ornaments, a title, the name by hand, lines, a seal."""
    w, h = extent(shared, (1.25, 1.5), (500, 1200))
    style, scanner, head = random_style(shared, 0, "serif serif pen"), random_scanner(shared, 0.3), slogan(shared, 1, 2)
    lines, hand, petals = (
        [words(shared, 4, 8) for _ in range(2)],
        random_face(shared, "hand serif"),
        int(shared.integers(4, 10)),
    )
    labels, tips, pitch = (
        [title(shared, 1, 1) for _ in range(2)],
        int(shared.integers(12, 30)),
        shared.uniform(0.025, 0.05) * w,
    )
    paper, depth, n_links = hsv(0.12, 0.06, 0.99), shared.uniform(0.3, 0.7), round(shared.uniform(0, 1))
    sheet = Sheet(w, h, paper)
    for x in np.arange(pitch, w - pitch / 2, pitch):
        for y in (0.05 * h, 0.95 * h):
            sheet.polygon(star_points(float(x), y, 0.42 * pitch, petals, depth), style.accent)
    for y in np.arange(0.05 * h + pitch, 0.95 * h - pitch / 2, pitch):
        for x in (pitch, w - pitch):
            sheet.polygon(
                star_points(x, float(y), 0.42 * pitch, petals, depth), style.accent if n_links else style.second
            )
    for inset in (1.8, 2.1):
        sheet.outline(inset * pitch, inset * pitch, w - 2 * inset * pitch, h - 2 * inset * pitch, style.accent, 2)
    sheet.text(w / 2, 0.24 * h, head, style.head, 0.11 * h, style.accent, "m", fit=0.7 * w)
    sheet.text(w / 2, 0.36 * h, lines[0], style.body, 0.035 * h, BLACK, "m", fit=0.7 * w)
    sheet.text(w / 2, 0.48 * h, person(own), hand, 0.1 * h, BLACK, "m", fit=0.7 * w, rng=own)
    sheet.box(0.22 * w, 0.54 * h, 0.56 * w, 2, style.accent)
    sheet.text(w / 2, 0.61 * h, lines[1], style.body, 0.035 * h, BLACK, "m", fit=0.7 * w)
    sheet.text(w / 2, 0.67 * h, words(own, 4, 7), style.body, 0.035 * h, BLACK, "m", fit=0.7 * w)
    for i, entry in enumerate((date(own), person(own))):
        x = (0.22 + 0.56 * i) * w
        sheet.text(x, 0.79 * h, entry, hand, 0.04 * h, (30, 30, 80), "m", rng=own)
        sheet.box(x - 0.1 * w, 0.82 * h, 0.2 * w, 1, BLACK)
        sheet.text(x, 0.85 * h, labels[i], style.body, 0.025 * h, BLACK, "m")
    sheet.polygon(star_points(w / 2, 0.81 * h, 0.09 * h, tips, 0.85), hsv(0.12, 0.7, 0.8))
    sheet.ring(w / 2, 0.81 * h, 0.06 * h, WHITE, 2)
    return scanned(sheet.pixels, scanner, own)


def _voucher(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a voucher: a coloured field with a large amount, a dotted line, lines filled in by hand."""
    w, h = extent(shared, (1.9, 2.6), (500, 1200))
    style, seed, head, hand = (
        random_style(shared, 0.1),
        int(shared.integers(10**6)),
        slogan(shared, 1, 2),
        random_face(shared, "hand"),
    )
    labels, share, rings = (
        [title(shared, 1, 1) for _ in range(3)],
        shared.uniform(0.32, 0.45),
        int(shared.integers(3, 9)),
    )
    scanner, currency = random_scanner(shared, 0.25), ("$", "EUR", "Fr", "")[int(shared.integers(4))]
    sheet = Sheet(w, h, style.ground)
    split = share * w
    sheet.box(0, 0, split, h, style.accent)
    for k in range(rings):
        sheet.ring(split, 0.5 * h, (0.1 + 0.13 * k) * h, mixed(style.accent, style.ground, 0.3), 0.01 * h)
    amount_text = f"{int(own.integers(1, 100)) * 5} {currency}"
    sheet.text(split / 2, 0.45 * h, amount_text, style.head, 0.34 * h, ink_on(style.accent), "m", fit=0.85 * split)
    sheet.text(split / 2, 0.78 * h, f"No. {digits(own, 6)}", style.body, 0.07 * h, ink_on(style.accent), "m")
    for y in np.arange(0.03 * h, h, 0.06 * h):
        sheet.disc(split, float(y), 0.012 * h, style.ground)
    brand(sheet, w - 0.16 * h, 0.18 * h, 0.2 * h, seed, style.accent, style.second)
    sheet.text(split + 0.05 * w, 0.18 * h, head, style.head, 0.16 * h, style.accent, fit=w - split - 0.45 * h)
    for i, entry in enumerate((person(own), words(own, 2, 4), date(own))):
        y = (0.44 + 0.19 * i) * h
        sheet.text(split + 0.05 * w, y, f"{labels[i]}:", style.body, 0.06 * h, style.ink, fit=0.12 * w)
        sheet.box(split + 0.18 * w, y + 0.05 * h, 0.95 * w - split - 0.18 * w, 1, style.ink)
        sheet.text(
            split + 0.2 * w,
            y,
            entry,
            hand,
            0.1 * h,
            (40, 45, 110) if sum(style.ground) > 380 else style.ink,
            fit=0.73 * w - split,
            rng=own,
        )
    return scanned(sheet.pixels, scanner, own)


def _diploma(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a modern certificate: slanted areas at the corners, a ribbon with a medal, the name in large letters."""
    w, h = extent(shared, (1.2, 1.5), (500, 1200))
    style, head, seed = random_style(shared, 0.2), title(shared, 1, 2), int(shared.integers(10**6))
    line, reach, turns = words(shared, 6, 10), shared.uniform(0.25, 0.45), int(shared.integers(2, 5))
    hand, labels = random_face(shared, "hand"), [title(shared, 1, 2) for _ in range(2)]
    sheet = Sheet(w, h, style.ground)
    for i in range(turns):
        a, colour = reach * (1 - i / turns), mixed(style.accent, style.second, i / turns)
        sheet.polygon([(0, 0), (a * w, 0), (0, 1.2 * a * h)], colour)
        sheet.polygon([(w, h), ((1 - a) * w, h), (w, (1 - 1.2 * a) * h)], colour)
    sheet.text(0.3 * w, 0.2 * h, head, style.head, 0.1 * h, style.ink, fit=0.5 * w)
    sheet.text(0.3 * w, 0.31 * h, line, style.body, 0.032 * h, style.ink, fit=0.6 * w)
    sheet.text(0.3 * w, 0.47 * h, person(own), style.head, 0.09 * h, style.accent, fit=0.6 * w)
    sheet.text(0.3 * w, 0.58 * h, words(own, 5, 9), style.body, 0.035 * h, style.ink, fit=0.6 * w)
    for side in (-1, 1):
        sheet.polygon(
            [(0.16 * w, 0.6 * h), ((0.16 + 0.06 * side) * w, 0.86 * h), ((0.16 + 0.02 * side) * w, 0.84 * h)],
            style.second,
        )
    sheet.disc(0.16 * w, 0.56 * h, 0.1 * h, hsv(0.12, 0.7, 0.85))
    sheet.line(arc(0.16 * w, 0.56 * h, 0.08 * h, 0, 6.3), WHITE, 2)
    brand(sheet, 0.16 * w, 0.56 * h, 0.09 * h, seed, style.accent, WHITE)
    for i in range(2):
        x = (0.3 + 0.28 * i) * w
        sheet.text(x, 0.78 * h, person(own), hand, 0.05 * h, style.ink, rng=own, fit=0.24 * w)
        sheet.box(x, 0.82 * h, 0.22 * w, 1, style.ink)
        sheet.text(x, 0.86 * h, labels[i], style.body, 0.025 * h, style.ink)
    return sheet.pixels


CERTIFICATES = family("certificates", (_bordered, _voucher), (_diploma,))
