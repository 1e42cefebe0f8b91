"""Pages of text: one face and layout, other words."""

from __future__ import annotations

from fingerprint.edits.graphics.faces import random_face
from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import brand, photo_of
from fingerprint.edits.graphics.scans import random_scanner, scanned
from fingerprint.edits.graphics.sheet import Sheet
from fingerprint.edits.graphics.styles import BLACK, extent, hsv, mixed, random_style
from fingerprint.edits.graphics.wording import date, digits, filled, person, slogan, title, words
from fingerprint.types import U8

_PAPER = (252, 251, 247)


def _novel(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a page of a book: a running head, one column, a number."""
    w, h = extent(shared, (0.62, 0.8), (600, 1200))
    face, size = random_face(shared, "serif serif sans pen"), shared.uniform(0.022, 0.034) * w
    head, scanner, margin = slogan(shared, 2, 4), random_scanner(shared), shared.uniform(0.08, 0.14) * w
    leading, indent = shared.uniform(1.4, 1.8) * size, shared.uniform(0, 3) * size
    sheet = Sheet(w, h, _PAPER)
    sheet.text(w / 2, 0.055 * h, head, face, 0.8 * size, BLACK, "m")
    begins, y = own.random() < 0.25, 0.1 * h
    if begins:
        sheet.text(w / 2, 0.16 * h, title(own, 2, 4), face, 2 * size, BLACK, "m")
        y = 0.26 * h
    n = int((0.93 * h - y) / leading)
    after_end = True
    for i, line in enumerate(filled(own, face, size, w - 2 * margin - indent, n, ragged=0.12)):
        sheet.text(margin + indent * after_end, y + i * leading, line, face, size, BLACK)
        after_end = line.endswith(".") and face.measure(line, size) < 0.8 * (w - 2 * margin)
    sheet.text(w / 2, 0.96 * h, str(int(own.integers(2, 600))), face, size, BLACK, "m")
    return scanned(sheet.pixels, scanner, own)


def _article(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw a page of a journal: head line, title, authors, two or three columns, sometimes a figure."""
    w, h = extent(shared, (0.68, 0.8), (700, 1200))
    style, columns, journal = (
        random_style(shared, 0, "serif serif sans"),
        int(shared.integers(2, 4)),
        title(shared, 3, 5),
    )
    size, scanner, margin = shared.uniform(0.015, 0.021) * w, random_scanner(shared, 0.4), 0.07 * w
    sheet = Sheet(w, h, _PAPER)
    sheet.text(margin, 0.035 * h, journal, style.body, 0.018 * w, style.accent)
    sheet.text(w - margin, 0.035 * h, f"Vol. {digits(own, 2)}, {date(own)}", style.body, 0.016 * w, BLACK, "r")
    sheet.box(margin, 0.048 * h, w - 2 * margin, 2, style.accent)
    sheet.text(margin, 0.085 * h, title(own, 5, 8), style.head, 0.04 * w, BLACK, fit=w - 2 * margin)
    sheet.text(
        margin, 0.12 * h, ", ".join(person(own) for _ in range(3)), style.body, 0.02 * w, BLACK, fit=w - 2 * margin
    )
    gap = 0.03 * w
    width = (w - 2 * margin - (columns - 1) * gap) / columns
    figure = int(own.integers(columns)) if own.random() < 0.6 else -1
    figure_y = float(own.uniform(0.2, 0.6)) * h
    for c in range(columns):
        x, y = margin + c * (width + gap), 0.165 * h
        lines = filled(own, style.body, size, width, int(0.79 * h / (1.4 * size)), ragged=0.08)
        for line in lines:
            if not (c == figure and figure_y - size < y < figure_y + 0.75 * width + size):
                sheet.text(x, y, line, style.body, size, BLACK)
            y += 1.4 * size
        if c == figure:
            sheet.paste(photo_of(photos, own, width, 0.7 * width), x, figure_y)
    sheet.text(w / 2, 0.975 * h, str(int(own.integers(100, 2000))), style.body, 0.018 * w, BLACK, "m")
    return scanned(sheet.pixels, scanner, own)


def _letter(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a letter on a firm's paper: head, address, text, signature, foot."""
    w, h = extent(shared, (0.68, 0.78), (600, 1200))
    style, face = random_style(shared, 0, "sans serif fixed"), random_face(shared, "fixed sans serif bitmap")
    seed, firm, scanner = int(shared.integers(10**6)), title(shared, 1, 3), random_scanner(shared, 0.6)
    foot, hand, size = (
        [words(shared, 3, 5) for _ in range(3)],
        random_face(shared, "hand"),
        shared.uniform(0.02, 0.028) * w,
    )
    sheet = Sheet(w, h, _PAPER)
    brand(sheet, 0.14 * w, 0.07 * h, 0.1 * w, seed, style.accent, style.second)
    sheet.text(0.22 * w, 0.07 * h, firm, style.head, 0.045 * w, style.accent, fit=0.6 * w)
    sheet.box(0.09 * w, 0.12 * h, 0.82 * w, 2, style.accent)
    for i, line in enumerate([person(own), title(own, 2, 2), f"{digits(own, 5)} {title(own, 1, 1)}"]):
        sheet.text(0.09 * w, (0.16 + 0.022 * i) * h, line, face, size, BLACK)
    sheet.text(0.91 * w, 0.25 * h, date(own), face, size, BLACK, "r")
    n = int(own.integers(10, 1 + max(11, int(0.5 * h / (1.6 * size)))))
    for i, line in enumerate(filled(own, face, size, 0.82 * w, n, ragged=0.15)):
        sheet.text(0.09 * w, 0.29 * h + 1.6 * size * i, line, face, size, BLACK)
    name = person(own)
    y = min(0.29 * h + 1.6 * size * n + 0.04 * h, 0.88 * h)
    sheet.text(0.12 * w, y, name, hand, 0.045 * w, hsv(0.63, 0.8, 0.5), rng=own)
    for i, line in enumerate(foot):
        sheet.text((0.2 + 0.3 * i) * w, 0.965 * h, line, style.body, 0.014 * w, style.accent, "m", fit=0.28 * w)
    return scanned(sheet.pixels, scanner, own)


def _verses(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw an old page: a border of double lines, a large initial, numbered lines, a note column."""
    w, h = extent(shared, (0.6, 0.8), (600, 1200))
    face, size, rim = random_face(shared, "serif"), shared.uniform(0.025, 0.034) * w, shared.uniform(0.04, 0.07) * w
    scanner, red, paper = random_scanner(shared, 0.7), hsv(0.01, 0.8, 0.65), hsv(0.11, shared.uniform(0.08, 0.25), 0.94)
    sheet = Sheet(w, h, paper)
    for inset in (rim, rim + 6):
        sheet.outline(inset, inset, w - 2 * inset, h - 2 * inset, BLACK, 1)
    sheet.box(0.76 * w, rim, 1, h - 2 * rim, BLACK)
    sheet.text(0.42 * w, rim + 2.2 * size, title(own, 1, 3), face, 1.6 * size, red, "m", fit=0.6 * w)
    top, left = rim + 4.5 * size, rim + 2.5 * size
    n, letter = int((h - rim - top - size) / (1.5 * size)), slogan(own, 1, 1)[0]
    sheet.box(left, top - size * 0.6, 4.2 * size, 4.2 * size, mixed(paper, red, 0.25))
    sheet.text(left + 2.1 * size, top + 1.5 * size, letter, face, 4.5 * size, red, "m")
    for i, line in enumerate(filled(own, face, size, 0.72 * w - left - 5 * size, n, ragged=0.05)):
        shift = 5 * size if i < 3 else 0
        sheet.text(left + shift, top + 1.5 * size * i, line, face, size, BLACK)
        if (i + 1) % 5 == 0:
            sheet.text(left - 0.5 * size, top + 1.5 * size * i, str(i + 1), face, 0.7 * size, red, "r")
        if own.random() < 0.3:
            sheet.text(0.775 * w, top + 1.5 * size * i, words(own, 1, 3), face, 0.6 * size, BLACK, fit=0.22 * w - rim)
    return scanned(sheet.pixels, scanner, own)


TEXT_PAGES = family("text_pages", (_novel, _article), (_letter, _verses))
