"""Panels of small displays: the same labels and frames, other numbers."""

from __future__ import annotations

import numpy as np

from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import icon, star_points
from fingerprint.edits.graphics.sheet import Sheet, arc
from fingerprint.edits.graphics.styles import Style, extent, hsv, mixed, palette, random_style
from fingerprint.edits.graphics.wording import clock, date, digits, title
from fingerprint.types import U8

_NEEDLE = (0.75 * np.pi, 1.5 * np.pi)  # where the scale of a dial begins, and how far it reaches
_MARKS = 9  # on the scale of a dial
_WEATHER = 4  # kinds of weather


def _tiles(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw tiles with a label, a number, a change and a small curve."""
    w, h = extent(shared, (1.0, 2.2), (500, 1200))
    style, columns, rows = random_style(shared, 0.5), int(shared.integers(2, 5)), int(shared.integers(2, 4))
    labels, curved = [title(shared, 1, 2) for _ in range(columns * rows)], shared.random() < 0.6
    n_digits, units = int(shared.integers(2, 6)), [("%", "k", "", " h")[int(i)] for i in shared.integers(4, size=12)]
    rounding, head = shared.uniform(0, 0.12), title(shared, 1, 3)
    sheet = Sheet(w, h, style.ground)
    sheet.text(0.03 * w, 0.06 * h, head, style.head, 0.06 * h, style.ink, fit=0.6 * w)
    sheet.text(0.97 * w, 0.06 * h, f"{date(own)} {clock(own)}", style.body, 0.035 * h, style.faint, "r")
    cell_w, cell_h = 0.96 * w / columns, 0.86 * h / rows
    for i in range(columns * rows):
        x, y = 0.02 * w + i % columns * cell_w, 0.12 * h + i // columns * cell_h
        sheet.box(x + 4, y + 4, cell_w - 8, cell_h - 8, style.panel, rounding * cell_h)
        room = 0.84 * cell_w
        sheet.text(x + 0.08 * cell_w, y + 0.2 * cell_h, labels[i], style.body, 0.12 * cell_h, style.ink, fit=room)
        number = digits(own, n_digits).lstrip("0") or "0"
        sheet.text(
            x + 0.08 * cell_w, y + 0.48 * cell_h, number + units[i], style.head, 0.28 * cell_h, style.accent, fit=room
        )
        change = float(own.uniform(-30, 30))
        colour = style.second if change < 0 else style.ink
        sheet.text(x + 0.08 * cell_w, y + 0.76 * cell_h, f"{change:+.1f} %", style.body, 0.11 * cell_h, colour)
        curve = np.cumsum(own.normal(0, 1, 14))
        if curved:
            curve = (curve - curve.min()) / max(float(np.ptp(curve)), 1e-9)
            across = x + cell_w * np.linspace(0.5, 0.92, 14)
            sheet.line(np.column_stack([across, y + cell_h * (0.88 - 0.22 * curve)]), style.second, 2)
    return sheet.pixels


def _dials(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw dials with a scale and a needle, as on a dashboard."""
    w, h = extent(shared, (1.3, 3.0), (500, 1200))
    style, n, rows = random_style(shared, 0.6), int(shared.integers(2, 5)), int(shared.integers(1, 3))
    labels, tops = [title(shared, 1, 1) for _ in range(n * rows)], shared.integers(1, 25, n * rows) * 10
    face, rim = mixed(style.panel, style.ground, shared.uniform(0, 1)), shared.uniform(0.04, 0.12)
    warned = shared.uniform(0.65, 0.9)
    sheet = Sheet(w, h, style.ground)
    cell_w, cell_h = w / n, h / rows
    for i in range(n * rows):
        x, y, r = (i % n + 0.5) * cell_w, (i // n + 0.48) * cell_h, 0.42 * min(cell_w, cell_h)
        sheet.disc(x, y, r, face)
        sheet.ring(x, y, r, style.faint, rim * r)
        start, sweep = _NEEDLE
        sheet.line(arc(x, y, 0.86 * r, start + warned * sweep, start + sweep), style.second, 0.07 * r)
        for k in range(_MARKS):
            angle = start + sweep * k / (_MARKS - 1)
            ends = [(x + reach * r * np.cos(angle), y + reach * r * np.sin(angle)) for reach in (0.74, 0.86)]
            sheet.line(ends, style.ink, 0.03 * r)
            at = x + 0.6 * r * np.cos(angle), y + 0.6 * r * np.sin(angle)
            sheet.text(*at, f"{tops[i] * k // (_MARKS - 1)}", style.body, 0.13 * r, style.ink, "m")
        share = float(own.uniform(0, 1))
        angle = start + sweep * share
        sheet.line([(x, y), (x + 0.72 * r * np.cos(angle), y + 0.72 * r * np.sin(angle))], style.accent, 0.06 * r)
        sheet.disc(x, y, 0.09 * r, style.accent)
        sheet.text(x, y + 0.42 * r, f"{tops[i] * share:.0f}", style.head, 0.22 * r, style.ink, "m")
        sheet.text(x, y + 0.72 * r, labels[i], style.body, 0.16 * r, style.ink, "m", fit=r)
    return sheet.pixels


def _weather(sheet: Sheet, x: float, y: float, r: float, kind: int, style: Style) -> None:
    """Draw a sun, a cloud, rain or a flash of lightning."""
    sun, cloud = hsv(0.13, 0.8, 0.95), mixed(style.ink, style.ground, 0.45)
    if kind == 0:
        sheet.polygon(star_points(x, y, r, 12, 0.62), sun)
        return
    for dx, dy, size in ((-0.45, 0.1, 0.45), (0.1, -0.15, 0.55), (0.55, 0.15, 0.4)):
        sheet.disc(x + dx * r, y + dy * r, size * r, cloud)
    if kind == 2:
        drops = [[(x + dx * r, y + 0.6 * r), (x + (dx - 0.15) * r, y + r)] for dx in (-0.5, 0, 0.5)]
        sheet.lines(drops, style.accent, max(1, r / 10))
    elif kind == 3:
        bolt = [(0.1, 0.3), (-0.25, 0.8), (0.0, 0.8), (-0.1, 1.2), (0.35, 0.65), (0.1, 0.65)]
        sheet.polygon([(x + a * r, y + b * r) for a, b in bolt], sun)


def _forecast(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a forecast of the weather: days, signs, temperatures."""
    w, h = extent(shared, (1.0, 2.4), (450, 1100))
    style, n, level = random_style(shared, 0.4), int(shared.integers(4, 8)), shared.random() < 0.5
    days, place = [title(shared, 1, 1)[:3] for _ in range(n)], title(shared, 1, 2)
    colours, sign = palette(shared, 2), int(shared.integers(1, 12))
    sheet = Sheet(w, h, style.ground)
    sheet.box(0, 0, w, 0.16 * h, colours[0])
    sheet.text(0.03 * w, 0.08 * h, place, style.head, 0.08 * h, style.ink, fit=0.6 * w)
    icon(sheet, 0.94 * w, 0.08 * h, 0.04 * h, sign, style.ink)
    for i in range(n):
        if level:
            x, y, r = (i + 0.5) * w / n, 0.5 * h, 0.32 * w / n
            sheet.box(i * w / n + 3, 0.2 * h, w / n - 6, 0.76 * h, style.panel, 6)
            places = ((x, 0.28 * h), (x, y), (x, 0.74 * h), (x, 0.87 * h))
        else:
            y, r = 0.2 * h + (i + 0.5) * 0.78 * h / n, 0.26 * h / n
            sheet.box(0.02 * w, y - 0.36 * h / n, 0.96 * w, 0.72 * h / n, style.panel, 6)
            places = ((0.14 * w, y), (0.4 * w, y), (0.64 * w, y), (0.84 * w, y))
        warm = int(own.integers(-5, 36))
        size = min(0.07 * h, 0.2 * w / n) if level else 0.3 * h / n
        sheet.text(*places[0], days[i], style.body, size, style.ink, "m")
        _weather(sheet, *places[1], r, int(own.integers(_WEATHER)), style)
        sheet.text(*places[2], f"{warm}", style.head, 1.4 * size, style.ink, "m")
        sheet.text(*places[3], f"{warm - int(own.integers(2, 12))}", style.body, size, style.second, "m")
    return sheet.pixels


PANELS = family("panels", (_tiles, _dials, _forecast))
