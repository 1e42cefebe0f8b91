"""Devices and sheets of symbols: the same outline with another display, other colours or other signs."""

from __future__ import annotations

import numpy as np

from fingerprint.edits.canvas import Colour
from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import N_ICONS, brand, icon, star_points
from fingerprint.edits.graphics.sheet import Sheet
from fingerprint.edits.graphics.styles import BLACK, WHITE, extent, hsv, ink_on, mixed, palette, random_style, vivid
from fingerprint.edits.graphics.wording import MONTHS, WEEKDAYS, digits, made_word, title, word
from fingerprint.types import U8

#: Which of the seven bars of a digit are lit: top, upper left, upper right, middle, lower left, lower right, foot.
_BARS = ("1110111", "0010010", "1011101", "1011011", "0111010", "1101011", "1101111", "1010010", "1111111", "1111011")


def _digit(sheet: Sheet, x: float, y: float, size: float, value: int, lit: Colour, dim: Colour) -> None:
    """Draw a digit of seven bars, `size` high, with its upper left corner at ``(x, y)``."""
    pen, wide = max(1.0, 0.1 * size), 0.5 * size
    ends = (
        ((0, 0), (1, 0)),
        ((0, 0), (0, 0.5)),
        ((1, 0), (1, 0.5)),
        ((0, 0.5), (1, 0.5)),
        ((0, 0.5), (0, 1)),
        ((1, 0.5), (1, 1)),
        ((0, 1), (1, 1)),
    )
    for on in ("0", "1"):
        for bar, ((ax, ay), (bx, by)) in zip(_BARS[value], ends, strict=True):
            if bar == on:
                points = [(x + ax * wide, y + ay * size), (x + bx * wide, y + by * size)]
                sheet.line(points, lit if on == "1" else dim, pen)


def _calculator(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a calculator: the keys stay, the number on the display differs."""
    w, h = extent(shared, (0.55, 0.8), (400, 900))
    style, case, glass = (
        random_style(shared, 0.5),
        hsv(shared.random(), 0.3, shared.uniform(0.15, 0.9)),
        shared.random(),
    )
    columns, rows, n = int(shared.integers(4, 6)), int(shared.integers(4, 7)), int(shared.integers(6, 10))
    keys, maker, rounding = [made_word(shared, 1)[:3] for _ in range(30)], title(shared, 1, 1), shared.uniform(0.1, 0.5)
    display = mixed(hsv(glass, 0.25, 0.8), WHITE, 0.2)
    sheet = Sheet(w, h, style.ground)
    sheet.box(0.03 * w, 0.02 * h, 0.94 * w, 0.96 * h, case, 0.05 * w)
    sheet.text(0.08 * w, 0.06 * h, maker, style.head, 0.03 * h, ink_on(case))
    sheet.box(0.08 * w, 0.09 * h, 0.84 * w, 0.17 * h, display, 0.01 * w)
    shown, step = int(own.integers(1, n + 1)), 0.82 * w / n
    for i in range(n):
        x, dim = 0.1 * w + i * step, mixed(display, BLACK, 0.06)
        value = int(own.integers(10)) if i >= n - shown else 8
        lit = mixed(display, BLACK, 0.85) if i >= n - shown else dim
        _digit(sheet, x, 0.115 * h, min(0.12 * h, 1.5 * step), value, lit, dim)
    cell = 0.86 * w / columns, 0.68 * h / rows
    for i in range(columns * rows):
        x, y = 0.07 * w + i % columns * cell[0], 0.29 * h + i // columns * cell[1]
        fill = style.accent if i % columns == columns - 1 else style.second if i < columns else style.panel
        sheet.box(x + 4, y + 4, cell[0] - 8, cell[1] - 8, fill, rounding * cell[1])
        label = keys[i] if i < columns or i % columns == columns - 1 else str((i * 7) % 10)
        sheet.text(x + cell[0] / 2, y + cell[1] / 2, label, style.body, 0.35 * cell[1], ink_on(fill), "m")
    return sheet.pixels


def _clock_face(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a clock, with hands or digits, with the day: the time differs."""
    w, h = extent(shared, (0.9, 1.3), (350, 800))
    style, rim, numbered = random_style(shared, 0.4), shared.uniform(0.02, 0.12), int(shared.integers(3))
    analogue, tips, maker = shared.random() < 0.6, int(shared.integers(0, 3)), title(shared, 1, 1)
    sheet = Sheet(w, h, style.ground)
    x, y, r = w / 2, h / 2, 0.44 * min(w, h)
    if analogue:
        sheet.disc(x, y, r, style.accent)
        sheet.disc(x, y, (1 - rim) * r, style.panel)
        for k in range(60 if tips else 12):
            angle, far = 2 * np.pi * k / (60 if tips else 12) - np.pi / 2, (0.88 - rim) * r
            near = far - (0.1 if k % 5 == 0 or not tips else 0.04) * r
            sheet.line([(x + d * np.cos(angle), y + d * np.sin(angle)) for d in (near, far)], style.ink, 0.015 * r)
        for k in range(12 if numbered else 0):
            angle = 2 * np.pi * (k + 1) / 12 - np.pi / 2
            name = str(k + 1) if numbered == 1 else ("I", "II", "III", "IV", "V", "VI")[k % 6] + ("V" if k > 5 else "")
            at = x + 0.66 * r * np.cos(angle), y + 0.66 * r * np.sin(angle)
            sheet.text(*at, name, style.head, 0.16 * r, style.ink, "m")
        sheet.text(x, y - 0.3 * r, maker, style.head, 0.09 * r, style.ink, "m")
        minutes = float(own.uniform(0, 720))
        for turn, length, pen, colour in (
            (minutes / 720, 0.45, 0.06, style.ink),
            (minutes / 60, 0.7, 0.04, style.ink),
            (own.random(), 0.75, 0.015, style.second),
        ):
            angle = 2 * np.pi * turn - np.pi / 2
            sheet.line([(x, y), (x + length * r * np.cos(angle), y + length * r * np.sin(angle))], colour, pen * r)
        sheet.disc(x, y, 0.05 * r, style.second)
        return sheet.pixels
    sheet.box(0.05 * w, 0.1 * h, 0.9 * w, 0.8 * h, style.panel, 0.06 * w)
    sheet.outline(0.05 * w, 0.1 * h, 0.9 * w, 0.8 * h, style.accent, rim * 0.2 * w, 0.06 * w)
    size, dim = min(0.4 * h, 0.3 * w), mixed(style.panel, style.ink, 0.05)
    for i in range(4):
        left = 0.12 * w + i * 0.19 * w + (0.04 * w if i > 1 else 0)
        _digit(sheet, left, 0.24 * h, size, int(own.integers(10)), style.ink, dim)
    for share in (0.35, 0.65):
        sheet.disc(0.495 * w, 0.24 * h + share * size, 0.015 * w, style.ink)
    day = f"{WEEKDAYS[int(own.integers(7))]} {int(own.integers(1, 29))} {MONTHS[int(own.integers(12))][:3]}"
    sheet.text(0.5 * w, 0.8 * h, f"{day}  {digits(own, 2)} %", style.body, 0.08 * h, style.second, "m")
    return sheet.pixels


def _signs(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a sheet of signs in equal frames with names: which signs differs."""
    w, h = extent(shared, (0.8, 1.5), (400, 1000))
    style, columns = random_style(shared, 0.2), int(shared.integers(3, 8))
    rows, kind, head = max(2, round(columns * h / w)), int(shared.integers(3)), title(shared, 1, 3)
    rounding, named, one = shared.uniform(0, 0.5), shared.random() < 0.5, shared.random() < 0.5
    sheet = Sheet(w, h, style.ground)
    sheet.text(0.03 * w, 0.05 * h, head, style.head, 0.05 * h, style.ink)
    cell = 0.94 * w / columns, 0.88 * h / rows
    for i in range(columns * rows):
        x, y = 0.03 * w + (i % columns + 0.5) * cell[0], 0.1 * h + (i // columns + 0.45) * cell[1]
        r, fill = 0.38 * min(cell), style.accent if one else vivid(own)
        sheet.box(x - r, y - r, 2 * r, 2 * r, fill, rounding * 2 * r)
        if kind == 0:
            icon(sheet, x, y, 0.55 * r, int(own.integers(N_ICONS)), ink_on(fill))
        elif kind == 1:
            brand(sheet, x, y, 1.3 * r, int(own.integers(10**6)), ink_on(fill), style.second)
        else:
            sheet.text(x, y, chr(65 + int(own.integers(26))), style.head, 1.2 * r, ink_on(fill), "m")
        if named:
            sheet.text(x, y + 1.2 * r, word(own), style.body, 0.28 * r, style.ink, "m", fit=cell[0])
    return sheet.pixels


def _flags(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a flag: the stripes lie as in the others, colours and the mark differ."""
    w, h = extent(shared, (1.3, 2.0), (400, 1000))
    kind, n, where = int(shared.integers(5)), int(shared.integers(2, 8)), shared.uniform(0.2, 0.5)
    waved, pole = shared.random() < 0.3, shared.random() < 0.3
    count = int(own.integers(2, 5))
    colours = [*palette(own, count), WHITE if own.random() < 0.7 else BLACK]
    rows = own.permutation(len(colours))
    picked = [colours[int(k)] for k in rows]
    sheet = Sheet(w, h, picked[0])
    for i in range(n):
        colour = picked[i % len(picked)]
        if kind in (0, 3):
            sheet.box(0, i * h / n, w, h / n + 1, colour)
        elif kind == 1:
            sheet.box(i * w / n, 0, w / n + 1, h, colour)
    if kind == 2:
        sheet.box(0, 0.38 * h, w, 0.24 * h, picked[1])
        sheet.box((where - 0.06) * w, 0, 0.14 * w, h, picked[1])
        sheet.box(0, 0.44 * h, w, 0.12 * h, picked[-1])
        sheet.box((where - 0.025) * w, 0, 0.07 * w, h, picked[-1])
    elif kind == 3:
        sheet.polygon([(0, 0), (where * w, h / 2), (0, h)], picked[-1])
    elif kind == 4:
        sheet.polygon([(0, h), (0, 0.7 * h), (w, 0), (w, 0.3 * h)], picked[1])
        sheet.polygon([(0, 0.9 * h), (0, 0.8 * h), (w, 0.1 * h), (w, 0.2 * h)], picked[-1])
    mark = int(own.integers(4))
    x, r, colour = (0.5 if kind != 3 else 0.15) * w, own.uniform(0.1, 0.22) * h, vivid(own)
    if mark == 0:
        sheet.disc(x, h / 2, r, colour)
    elif mark == 1:
        sheet.polygon(star_points(x, h / 2, r, int(own.integers(5, 9)), own.uniform(0.3, 0.6)), colour)
    elif mark == 2:
        brand(sheet, x, h / 2, 2 * r, int(own.integers(10**6)), colour, picked[-1])
    if pole:
        sheet.box(0, 0, 0.02 * w, h, (120, 90, 60))
    if waved:
        across = np.arange(w)
        light = 1 + 0.12 * np.sin(across / w * 9)
        sheet.pixels[:] = np.clip(np.rint(sheet.pixels * light[None, :, None]), 0, 255)
    return sheet.pixels


DEVICES = family("devices", (_calculator, _clock_face))
SYMBOLS = family("symbols", (_signs, _flags))
