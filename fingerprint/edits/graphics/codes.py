"""Codes for machines: the same finder patterns and bars, other payloads."""

from __future__ import annotations

import numpy as np

from fingerprint.edits.canvas import Colour
from fingerprint.edits.graphics.bills import bars
from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import brand
from fingerprint.edits.graphics.sheet import Sheet
from fingerprint.edits.graphics.styles import BLACK, WHITE, extent, hsv, ink_on, random_style, vivid
from fingerprint.edits.graphics.wording import amount, digits, domain, slogan, title
from fingerprint.types import U8, Bool


def _matrix(own: Rng, size: int) -> Bool:
    """Return the dark modules of a QR code of 21 + 4k modules: finder, timing and alignment patterns, random data."""
    dark = own.random((size, size)) < 0.5
    finder = np.ones((7, 7), dtype=np.bool_)
    finder[1:6, 1:6] = False
    finder[2:5, 2:5] = True
    for y, x in ((0, 0), (0, size - 7), (size - 7, 0)):
        dark[max(y - 1, 0) : y + 8, max(x - 1, 0) : x + 8] = False
        dark[y : y + 7, x : x + 7] = finder
    dark[6, 8 : size - 8] = dark[8 : size - 8, 6] = np.arange(8, size - 8) % 2 == 0
    if size > 21:
        ring = np.ones((5, 5), dtype=np.bool_)
        ring[1:4, 1:4] = False
        ring[2, 2] = True
        dark[size - 9 : size - 4, size - 9 : size - 4] = ring
    dark[size - 8, 8] = True
    return dark


def _draw_modules(sheet: Sheet, dark: Bool, x: float, y: float, side: float, ink: Colour, kind: int = 0) -> None:
    """Draw modules as squares (0), discs (1) or rounded squares (2)."""
    step = side / len(dark)
    for row, column in np.argwhere(dark):
        px, py = x + column * step, y + row * step
        finder = (row < 7 or row >= len(dark) - 7) and (column < 7 or (column >= len(dark) - 7 and row < 7))
        if kind == 0 or finder:
            sheet.box(px, py, round(px + step) - round(px), round(py + step) - round(py), ink)
        elif kind == 1:
            sheet.disc(px + step / 2, py + step / 2, 0.46 * step, ink)
        else:
            sheet.box(px + 0.04 * step, py + 0.04 * step, 0.92 * step, 0.92 * step, ink, 0.3 * step)


def _plain_square(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a square code alone on its ground."""
    side = int(shared.integers(300, 800))
    size, kind = 17 + 4 * int(shared.integers(1, 8)), int(shared.choice([0, 0, 0, 1, 2]))
    ink, quiet = BLACK if shared.random() < 0.7 else hsv(shared.random(), 0.8, 0.4), shared.uniform(0.04, 0.15)
    marked, seed, colour = shared.random() < 0.25, int(shared.integers(10**6)), vivid(shared)
    sheet = Sheet(side, side, WHITE)
    _draw_modules(sheet, _matrix(own, size), quiet * side, quiet * side, (1 - 2 * quiet) * side, ink, kind)
    if marked:
        sheet.box(0.4 * side, 0.4 * side, 0.2 * side, 0.2 * side, WHITE, 0.03 * side)
        brand(sheet, side / 2, side / 2, 0.16 * side, seed, colour, ink)
    return sheet.pixels


def _plain_bars(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a bar code with its number below."""
    w, h = extent(shared, (1.3, 2.6), (350, 900))
    style, n_bars, head, guarded = (
        random_style(shared, 0, "sans fixed bitmap"),
        int(shared.integers(18, 40)),
        slogan(shared, 1, 2),
        shared.random() < 0.5,
    )
    titled = shared.random() < 0.4
    top = 0.2 * h if titled else 0.06 * h
    sheet = Sheet(w, h, WHITE)
    if titled:
        sheet.text(w / 2, 0.1 * h, head, style.head, 0.11 * h, BLACK, "m", fit=0.9 * w)
    bars(sheet, 0.07 * w, top, 0.86 * w, 0.8 * h - top, n_bars, own)
    for x in (0.07, 0.495, 0.915) if guarded else ():
        for k in (0.0, 0.01):
            sheet.box((x + k) * w, top, 0.005 * w, 0.86 * h - top, BLACK)
    sheet.text(
        w / 2,
        0.89 * h,
        f"{digits(own, 1)} {digits(own, 6)} {digits(own, 6)}",
        style.body,
        0.13 * h,
        BLACK,
        "m",
        fit=0.85 * w,
    )
    return sheet.pixels


def _sign(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a coloured sign with a square code in a white field, words above and an address below."""
    w, h = extent(shared, (0.6, 0.72), (450, 1000))
    style, head, seed = random_style(shared, 0.5), slogan(shared, 2, 3), int(shared.integers(10**6))
    size, kind, line = 17 + 4 * int(shared.integers(2, 7)), int(shared.integers(3)), title(shared, 2, 4)
    sheet = Sheet(w, h, style.accent)
    brand(sheet, w / 2, 0.09 * h, 0.1 * h, seed, ink_on(style.accent), style.second)
    sheet.text(w / 2, 0.2 * h, head, style.head, 0.09 * w, ink_on(style.accent), "m", fit=0.9 * w)
    sheet.box(0.11 * w, 0.26 * h, 0.78 * w, 0.78 * w, WHITE, 0.04 * w)
    _draw_modules(sheet, _matrix(own, size), 0.17 * w, 0.26 * h + 0.06 * w, 0.66 * w, BLACK, kind)
    y = 0.26 * h + 0.78 * w
    sheet.text(w / 2, (y + h) / 2 - 0.02 * h, line, style.body, 0.05 * w, ink_on(style.accent), "m", fit=0.9 * w)
    sheet.text(
        w / 2, (y + h) / 2 + 0.05 * h, domain(own), style.body, 0.045 * w, ink_on(style.accent), "m", fit=0.9 * w
    )
    return sheet.pixels


def _bull_eye(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a code with squares around its middle, on a ticket with an amount."""
    w, h = extent(shared, (1.4, 2.0), (450, 1000))
    style, size, head, rows = (
        random_style(shared, 0.1),
        2 * int(shared.integers(11, 18)) + 1,
        slogan(shared, 1, 2),
        [title(shared, 1, 1) for _ in range(3)],
    )
    dark = own.random((size, size)) < 0.5
    middle = size // 2
    y, x = np.mgrid[:size, :size]
    ring = np.maximum(np.abs(y - middle), np.abs(x - middle))
    dark[ring <= 5] = (ring % 2 == 0)[ring <= 5]
    side = 0.78 * h
    sheet = Sheet(w, h, style.ground)
    sheet.box(0.03 * w, 0.11 * h - 0.02 * w, side + 0.04 * w, side + 0.04 * w, WHITE)
    _draw_modules(sheet, dark, 0.05 * w, 0.11 * h, side, BLACK, 2)
    left = side + 0.12 * w
    sheet.text(left, 0.18 * h, head, style.head, 0.12 * h, style.accent, fit=0.95 * w - left)
    for i, row in enumerate(rows):
        sheet.text(left, (0.38 + 0.2 * i) * h, row, style.body, 0.05 * h, style.faint)
        sheet.text(
            left,
            (0.46 + 0.2 * i) * h,
            (amount(own, 90), digits(own, 7), title(own, 1, 2))[i],
            style.head,
            0.08 * h,
            style.ink,
            fit=0.95 * w - left,
        )
    return sheet.pixels


CODES = family("codes", (_plain_square, _plain_bars), (_sign, _bull_eye))
