"""Forms: the same paper, filled in differently."""

from __future__ import annotations

import numpy as np

from fingerprint.edits.canvas import Colour
from fingerprint.edits.graphics.faces import random_face
from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import brand, photo_of
from fingerprint.edits.graphics.scans import random_scanner, scanned
from fingerprint.edits.graphics.sheet import Sheet
from fingerprint.edits.graphics.styles import BLACK, WHITE, extent, hsv, ink_on, mixed, random_style
from fingerprint.edits.graphics.wording import amount, date, digits, made_word, person, phone, slogan, title, words
from fingerprint.types import U8


def _entry(own: Rng) -> str:
    """Return what somebody writes into a field."""
    kind = int(own.integers(6))
    entries = (
        person(own),
        date(own),
        digits(own, 6),
        f"{title(own, 1, 1)} {int(own.integers(1, 99))}",
        phone(own),
        amount(own),
    )
    return entries[kind]


def _pen(shared: Rng) -> Colour:
    """Draw the colour of ink in a pen."""
    return hsv(0.63, 0.8, 0.55) if shared.random() < 0.6 else (25, 25, 30)


def _boxed_form(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a form of boxes with small labels, in sections, filled in by hand or by machine."""
    w, h = extent(shared, (0.68, 0.85), (600, 1200))
    style, scanner, ink = random_style(shared, 0), random_scanner(shared, 0.6), _pen(shared)
    hand, seed = random_face(shared, "hand hand fixed"), int(shared.integers(10**6))
    name, number, row = (
        title(shared, 3, 5),
        f"{made_word(shared, 1).upper()}-{digits(shared, 3)}",
        shared.uniform(0.045, 0.06) * h,
    )
    plan = [(shared.integers(1, 4), [title(shared, 1, 3) for _ in range(4)]) for _ in range(int(0.8 * h / row))]
    heads = [(i % 6 == 0, title(shared, 1, 3)) for i in range(len(plan))]
    sheet = Sheet(w, h, WHITE)
    brand(sheet, 0.1 * w, 0.065 * h, 0.08 * w, seed, style.accent, style.second)
    sheet.text(0.18 * w, 0.06 * h, name, style.head, 0.04 * w, BLACK, fit=0.55 * w)
    sheet.text(0.94 * w, 0.06 * h, number, style.body, 0.025 * w, BLACK, "r")
    for i, ((columns, labels), (is_head, head)) in enumerate(zip(plan, heads, strict=True)):
        y = 0.12 * h + i * row
        if is_head:
            sheet.box(0.06 * w, y, 0.88 * w, row, style.accent)
            sheet.text(0.08 * w, y + row / 2, head, style.head, 0.45 * row, ink_on(style.accent))
            continue
        width = 0.88 * w / columns
        for j in range(columns):
            x = 0.06 * w + j * width
            sheet.outline(x, y, width + 1, row + 1, mixed(BLACK, WHITE, 0.3), 1)
            sheet.text(x + 4, y + 0.2 * row, labels[j], style.body, 0.24 * row, BLACK, fit=0.9 * width)
            if own.random() < 0.85:
                sheet.text(
                    x + 0.06 * width, y + 0.66 * row, _entry(own), hand, 0.46 * row, ink, fit=0.9 * width, rng=own
                )
    return scanned(sheet.pixels, scanner, own)


def _lined_form(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a questionnaire: questions with boxes to tick, lines to write on, a signature."""
    w, h = extent(shared, (0.68, 0.85), (600, 1200))
    style, scanner, ink, hand = (
        random_style(shared, 0),
        random_scanner(shared, 0.6),
        _pen(shared),
        random_face(shared, "hand"),
    )
    head, n_questions, round_boxes = title(shared, 2, 4), int(shared.integers(7, 12)), shared.random() < 0.4
    questions = [
        (words(shared, 5, 9), [title(shared, 1, 1) for _ in range(int(shared.integers(0, 5)))])
        for _ in range(n_questions)
    ]
    sign = title(shared, 1, 2)
    sheet = Sheet(w, h, WHITE)
    sheet.text(w / 2, 0.05 * h, head, style.head, 0.05 * w, style.accent, "m", fit=0.86 * w)
    sheet.box(0.06 * w, 0.08 * h, 0.88 * w, 2, style.accent)
    step, size = 0.8 * h / n_questions, 0.022 * w
    for i, (question, options) in enumerate(questions):
        y = 0.11 * h + i * step
        sheet.text(0.06 * w, y, f"{i + 1}. {question}?", style.body, size, BLACK, fit=0.85 * w)
        for j, option in enumerate(options):
            x = (0.09 + 0.21 * j) * w
            if round_boxes:
                sheet.ring(x, y + 0.4 * step, 0.6 * size, BLACK, 1)
            else:
                sheet.outline(x - size / 2, y + 0.4 * step - size / 2, size, size, BLACK, 1)
            sheet.text(x + size, y + 0.4 * step, option, style.body, 0.9 * size, BLACK, fit=0.17 * w)
            if own.random() < 0.4:
                wild = own.uniform(-0.9, 0.9, (4, 2)) * size * [1, 0.5] + [x, y + 0.4 * step]
                sheet.line(wild, ink, 0.12 * size + 1)
        if len(options) < 2:
            for k in (0.42, 0.74):
                sheet.box(0.09 * w, y + k * step, 0.82 * w, 1, BLACK)
                if own.random() < 0.8:
                    sheet.text(
                        0.11 * w, y + (k - 0.1) * step, words(own, 3, 7), hand, 1.3 * size, ink, fit=0.78 * w, rng=own
                    )
    sheet.box(0.55 * w, 0.955 * h, 0.39 * w, 1, BLACK)
    sheet.text(0.55 * w, 0.975 * h, sign, style.body, 0.8 * size, BLACK)
    sheet.text(0.6 * w, 0.935 * h, person(own), hand, 1.8 * size, ink, rng=own)
    return scanned(sheet.pixels, scanner, own)


def _identity(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw a card of identity: a ground of fine waves, a portrait, fields, a line for machines."""
    w, h = extent(shared, (1.45, 1.65), (450, 1000))
    style, seed, land = random_style(shared, 0), int(shared.integers(10**6)), slogan(shared, 2, 3)
    labels, waves, phase = [title(shared, 1, 1) for _ in range(6)], shared.uniform(4, 14), shared.uniform(0.01, 0.05)
    on_right, hand = shared.random() < 0.3, random_face(shared, "hand")
    sheet = Sheet(w, h, mixed(style.accent, WHITE, 0.8))
    x = np.linspace(0, w, 60)
    for y in np.arange(-0.1 * h, 1.1 * h, 0.022 * h):
        sheet.line(
            np.column_stack([x, y + phase * h * np.sin(x / w * waves + y * 0.05)]), mixed(style.accent, WHITE, 0.6), 1
        )
    sheet.box(0, 0, w, 0.15 * h, style.accent)
    brand(sheet, 0.07 * w, 0.075 * h, 0.11 * h, seed, style.second, ink_on(style.accent))
    sheet.text(0.14 * w, 0.075 * h, land, style.head, 0.075 * h, ink_on(style.accent), fit=0.8 * w)
    left, text = (0.68, 0.05) if on_right else (0.05, 0.36)
    sheet.paste(photo_of(photos, own, 0.27 * w, 0.52 * h), left * w, 0.2 * h)
    entries = [person(own).split()[1], person(own).split()[0], date(own), digits(own, 8), title(own, 1, 1), date(own)]
    for i, (label, entry) in enumerate(zip(labels, entries, strict=True)):
        px, py = (text + 0.29 * (i % 2)) * w, (0.23 + 0.18 * (i // 2)) * h
        sheet.text(px, py, label, style.body, 0.032 * h, style.accent, fit=0.25 * w)
        sheet.text(px, py + 0.06 * h, entry, style.head, 0.055 * h, BLACK, fit=0.26 * w)
    sheet.text((left + 0.13) * w, 0.76 * h, person(own), hand, 0.06 * h, BLACK, "m", fit=0.25 * w, rng=own)
    face = random_face(np.random.default_rng(seed), "fixed")
    for i in range(2):
        line = "<".join(made_word(own, 3).upper() for _ in range(3)) + digits(own, 9) + "<" * 30
        sheet.text(0.05 * w, (0.86 + 0.08 * i) * h, line[:30], face, 0.055 * h, BLACK, fit=0.9 * w)
    return sheet.pixels


def _answers(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a sheet of answers: columns of numbered circles, one of each row filled in."""
    w, h = extent(shared, (0.65, 1.0), (600, 1200))
    style, scanner, columns = random_style(shared, 0), random_scanner(shared, 0.6), int(shared.integers(2, 5))
    n_options, rows, head, red = (
        int(shared.integers(4, 6)),
        int(shared.integers(15, 30)),
        title(shared, 2, 3),
        hsv(shared.random(), 0.6, 0.8),
    )
    labels, hand = [title(shared, 1, 1) for _ in range(3)], random_face(shared, "hand")
    sheet = Sheet(w, h, WHITE)
    for corner in ((0.03, 0.02), (0.94, 0.02), (0.03, 0.96), (0.94, 0.96)):
        sheet.box(corner[0] * w, corner[1] * h, 0.03 * w, 0.03 * w, BLACK)
    sheet.text(w / 2, 0.05 * h, head, style.head, 0.045 * w, BLACK, "m", fit=0.8 * w)
    for i, label in enumerate(labels):
        sheet.outline((0.06 + 0.3 * i) * w, 0.085 * h, 0.28 * w, 0.045 * h, red, 1)
        sheet.text((0.07 + 0.3 * i) * w, 0.095 * h, label, style.body, 0.014 * w, red)
        sheet.text((0.09 + 0.3 * i) * w, 0.115 * h, _entry(own), hand, 0.028 * w, (30, 30, 90), fit=0.24 * w, rng=own)
    width, step = 0.88 * w / columns, 0.8 * h / rows
    radius = min(0.36 * step, 0.36 * width / (n_options + 1.5))
    for c in range(columns):
        for r in range(rows):
            y = 0.16 * h + r * step
            x = 0.06 * w + c * width
            sheet.text(x + 0.1 * width, y, str(c * rows + r + 1), style.body, 1.4 * radius, BLACK, "r")
            answer = int(own.integers(n_options)) if own.random() < 0.95 else -1
            for k in range(n_options):
                cx = x + (k + 1.3) * width / (n_options + 1.2)
                sheet.ring(cx, y, radius, red, max(1, 0.12 * radius))
                sheet.text(cx, y, "ABCDE"[k], style.body, 1.2 * radius, red, "m")
                if k == answer:
                    sheet.disc(cx + own.uniform(-1, 1), y + own.uniform(-1, 1), radius, (45, 45, 50))
    return scanned(sheet.pixels, scanner, own)


FORMS = family("forms", (_boxed_form, _lined_form), (_identity, _answers))
