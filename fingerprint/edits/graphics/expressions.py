"""Eyes, brows and mouths of drawn faces."""

from __future__ import annotations

import numpy as np

from fingerprint.edits.graphics.families import Rng
from fingerprint.edits.graphics.sheet import Sheet, arc
from fingerprint.edits.graphics.styles import WHITE

INK = (40, 30, 20)


def _eye(sheet: Sheet, x: float, y: float, r: float, kind: int, look: float, mirror: int) -> None:
    """Draw one of eight eyes."""
    pen = max(1.5, 0.22 * r)
    if kind == 0:
        sheet.disc(x, y, 0.7 * r, INK)
    elif kind == 1:
        sheet.disc(x, y, r, WHITE, 1.2 * r)
        sheet.disc(x + 0.4 * look * r, y + 0.2 * r, 0.5 * r, INK)
        sheet.ring(x, y, r, INK, 0.5 * pen, 1.2 * r)
    elif kind == 2:
        sheet.line(arc(x, y + 0.4 * r, r, np.pi * 1.1, np.pi * 1.9), INK, pen)
    elif kind == 3:
        sheet.line([(x - r, y), (x + r, y)], INK, pen)
    elif kind == 4:
        sheet.lines(
            [
                [(x - 0.7 * r, y - 0.7 * r), (x + 0.7 * r, y + 0.7 * r)],
                [(x - 0.7 * r, y + 0.7 * r), (x + 0.7 * r, y - 0.7 * r)],
            ],
            INK,
            pen,
        )
    elif kind == 5:
        sheet.lines(
            [[(x - mirror * 0.7 * r, y - 0.7 * r), (x + mirror * 0.6 * r, y), (x - mirror * 0.7 * r, y + 0.7 * r)]],
            INK,
            pen,
        )
    elif kind == 6:
        sheet.disc(x, y, 0.75 * r, INK, r)
        sheet.disc(x - 0.25 * r, y - 0.35 * r, 0.25 * r, WHITE)
    else:
        heart = [
            (x, y + r),
            (x - r, y - 0.1 * r),
            (x - 0.5 * r, y - 0.8 * r),
            (x, y - 0.3 * r),
            (x + 0.5 * r, y - 0.8 * r),
            (x + r, y - 0.1 * r),
        ]
        sheet.polygon(heart, (225, 45, 70))


def _mouth(sheet: Sheet, x: float, y: float, r: float, kind: int, tongue: bool) -> None:
    """Draw one of eight mouths, `r` half as wide."""
    pen = max(2.0, 0.14 * r)
    if kind == 0:
        sheet.line(arc(x, y - 0.3 * r, r, 0.25, np.pi - 0.25, 0.8 * r), INK, pen)
    elif kind == 1:
        sheet.line(arc(x, y + 0.7 * r, r, np.pi + 0.35, 2 * np.pi - 0.35, 0.8 * r), INK, pen)
    elif kind == 2:
        sheet.line([(x - 0.8 * r, y), (x + 0.8 * r, y)], INK, pen)
    elif kind == 3:
        sheet.polygon(arc(x, y - 0.2 * r, r, 0, np.pi, 0.95 * r), INK)
        sheet.box(x - 0.75 * r, y - 0.2 * r, 1.5 * r, 0.2 * r, WHITE)
        if tongue:
            sheet.disc(x, y + 0.45 * r, 0.4 * r, (225, 80, 90), 0.22 * r)
    elif kind == 4:
        sheet.disc(x, y + 0.1 * r, 0.4 * r, INK, 0.55 * r)
    elif kind == 5:
        points = [(x + k * 0.4 * r, y + (0.18 * r if i % 2 else -0.18 * r)) for i, k in enumerate(range(-2, 3))]
        sheet.line(points, INK, pen)
    elif kind == 6:
        sheet.line(arc(x + 0.2 * r, y - 0.2 * r, 0.8 * r, 0.1, np.pi - 0.9, 0.6 * r), INK, pen)
    else:
        sheet.box(x - 0.9 * r, y - 0.3 * r, 1.8 * r, 0.7 * r, WHITE, 0.3 * r)
        sheet.outline(x - 0.9 * r, y - 0.3 * r, 1.8 * r, 0.7 * r, INK, 0.7 * pen, 0.3 * r)
        sheet.lines(
            [[(x + k * 0.45 * r, y - 0.3 * r), (x + k * 0.45 * r, y + 0.4 * r)] for k in (-1, 0, 1)], INK, 0.5 * pen
        )


def draw_features(sheet: Sheet, own: Rng, x: float, y: float, r: float, gap: float, brows: bool) -> None:
    """Draw eyes, brows and a mouth on a face of radius `r`."""
    kind, size, look = int(own.integers(8)), own.uniform(0.1, 0.18) * r, own.uniform(-1, 1)
    wink = own.random() < 0.15
    lift, lean = own.uniform(0.05, 0.2) * r, own.uniform(-0.5, 0.5)
    for mirror in (-1, 1):
        ex, ey = x + mirror * gap * r, y - own.uniform(0.14, 0.2) * r
        _eye(sheet, ex, ey, size, 3 if wink and mirror > 0 else kind, look, mirror)
        if brows:
            top = ey - size - lift
            sheet.line(
                [(ex - size, top - mirror * lean * size), (ex + size, top + mirror * lean * size)], INK, 0.05 * r
            )
    _mouth(
        sheet, x, y + own.uniform(0.34, 0.44) * r, own.uniform(0.2, 0.42) * r, int(own.integers(8)), own.random() < 0.5
    )
