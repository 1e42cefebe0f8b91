"""Diagrams and technical drawings: the same shapes and pens with other links, labels and sizes."""

from __future__ import annotations

import numpy as np

from fingerprint.edits.canvas import Colour
from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.sheet import Sheet, arc
from fingerprint.edits.graphics.styles import WHITE, Style, extent, ink_on, mixed, palette, random_style
from fingerprint.edits.graphics.wording import date, digits, made_word, person, title
from fingerprint.types import U8


def _arrow(sheet: Sheet, start: tuple[float, float], end: tuple[float, float], colour: Colour, pen: float) -> None:
    """Draw a bent arrow: across first, then down."""
    corner = (end[0], start[1])
    sheet.line([start, corner, end], colour, pen)
    way = 1 if end[1] >= start[1] else -1
    tip = 4 * pen
    sheet.polygon([end, (end[0] - tip, end[1] - way * 1.6 * tip), (end[0] + tip, end[1] - way * 1.6 * tip)], colour)


def _node(
    sheet: Sheet, x: float, y: float, w: float, h: float, kind: int, fill: Colour, style: Style, text: str
) -> None:
    """Draw a step of a flow chart: a box, a round box, a decision, data, an ellipse."""
    line = mixed(fill, style.ink, 0.6)
    if kind < 2:
        sheet.box(x - w / 2, y - h / 2, w, h, fill, 0.4 * h * kind)
        sheet.outline(x - w / 2, y - h / 2, w, h, line, 2, 0.4 * h * kind)
    elif kind == 2:
        corners = [(x, y - 0.62 * h), (x + 0.55 * w, y), (x, y + 0.62 * h), (x - 0.55 * w, y)]
        sheet.polygon(corners, fill)
        sheet.line([*corners, corners[0]], line, 2)
    elif kind == 3:
        corners = [(x - 0.4 * w, y - h / 2), (x + w / 2, y - h / 2), (x + 0.4 * w, y + h / 2), (x - w / 2, y + h / 2)]
        sheet.polygon(corners, fill)
        sheet.line([*corners, corners[0]], line, 2)
    else:
        sheet.disc(x, y, w / 2, fill, h / 2)
        sheet.ring(x, y, w / 2, line, 2, h / 2)
    sheet.text(x, y, text, style.body, 0.26 * h, ink_on(fill), "m", fit=0.8 * w)


def _flow_chart(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a flow chart: steps on a grid; which there are, how they are linked and called differs."""
    w, h = extent(shared, (0.7, 1.5), (500, 1200))
    columns, rows = int(shared.integers(2, 5)), int(shared.integers(3, 7))
    style, colours, kinds = random_style(shared, 0.2), palette(shared, 5), shared.permutation(5)
    pale, pen, head = shared.uniform(0.2, 0.8), shared.uniform(1, 3), title(shared, 1, 3)
    sheet = Sheet(w, h, style.ground)
    sheet.text(0.03 * w, 0.05 * h, head, style.head, 0.05 * h, style.ink, fit=0.9 * w)
    cell = w / columns, 0.9 * h / rows
    middles = [
        ((i % columns + 0.5) * cell[0], 0.1 * h + (i // columns + 0.45) * cell[1]) for i in range(columns * rows)
    ]
    there = [i for i in range(columns * rows) if own.random() < 0.7]
    for i in there:
        below = [j for j in there if j // columns == i // columns + 1]
        for j in below if len(below) < 2 else own.permutation(below)[: int(own.integers(1, 3))].tolist():
            start, end = middles[i], middles[int(j)]
            _arrow(sheet, start, (end[0], end[1] - 0.3 * cell[1]), style.ink, pen)
    for i in there:
        kind = int(own.integers(5))
        fill = mixed(colours[kind], style.ground, pale)
        _node(sheet, *middles[i], 0.7 * cell[0], 0.5 * cell[1], int(kinds[kind]), fill, style, title(own, 1, 2))
    return sheet.pixels


def _network(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a network: discs of some colours with labels, and lines between them."""
    w, h = extent(shared, (0.8, 1.5), (450, 1100))
    style, colours, n = random_style(shared, 0.35), palette(shared, 4), int(shared.integers(9, 26))
    pen, named, radius = shared.uniform(1, 2.5), shared.random() < 0.7, shared.uniform(0.015, 0.04) * w
    head = title(shared, 1, 3)
    sheet = Sheet(w, h, style.ground)
    at = np.column_stack([own.uniform(0.06, 0.94, n) * w, own.uniform(0.14, 0.94, n) * h])
    for _ in range(20):  # push apart those that are too near
        apart = at[:, None] - at
        near = np.maximum(np.hypot(*apart.transpose(2, 0, 1)), 1e-3)
        at += (apart / near[:, :, None] * np.maximum(0, 4 * radius - near)[:, :, None]).sum(1) * 0.2
        at = np.clip(at, [0.05 * w, 0.12 * h], [0.95 * w, 0.95 * h])
    for i in range(1, n):
        nearest = np.argsort(np.hypot(*(at[:i] - at[i]).T))[: int(own.integers(1, 3))]
        for j in nearest:
            sheet.line([at[i], at[j]], mixed(style.ink, style.ground, 0.4), pen)
    for x, y in at:
        colour, size = colours[int(own.integers(4))], radius * own.uniform(0.6, 1.5)
        sheet.disc(x, y, size, colour)
        sheet.ring(x, y, size, style.ink, pen)
        if named:
            sheet.text(x, y + size + 0.02 * w, made_word(own, 2).title(), style.body, 0.022 * w, style.ink, "m")
    sheet.text(0.03 * w, 0.05 * h, head, style.head, 0.05 * h, style.accent)
    return sheet.pixels


def _workpiece(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a workpiece with its sizes, a frame and a box of facts in the corner."""
    w, h = extent(shared, (1.2, 1.6), (600, 1200))
    style, pen, grid = random_style(shared, 0.15), shared.uniform(1.5, 3.5), shared.random() < 0.4
    firm, author, labels = title(shared, 1, 2), person(shared), [title(shared, 1, 1) for _ in range(3)]
    sheet = Sheet(w, h, style.ground)
    if grid:
        step = 0.025 * w
        sheet.lines([[(k * step, 0), (k * step, h)] for k in range(41)], style.faint, 1)
        sheet.lines([[(0, k * step), (w, k * step)] for k in range(int(h / step) + 1)], style.faint, 1)
    sheet.outline(0.02 * w, 0.03 * h, 0.96 * w, 0.94 * h, style.ink, pen)
    left, right, top, foot = (
        own.uniform(0.1, 0.2) * w,
        own.uniform(0.5, 0.62) * w,
        own.uniform(0.14, 0.25) * h,
        own.uniform(0.62, 0.85) * h,
    )
    n = int(own.integers(2, 6))
    steps = np.sort(own.uniform(left, right, n))
    levels = own.uniform(top, (top + foot) / 2, n + 1)
    outline = [(left, foot), (left, levels[0])]
    for x, before, after in zip(steps, levels[:-1], levels[1:], strict=True):
        outline += [(x, before), (x, after)]
    outline += [(right, levels[-1]), (right, foot), (left, foot)]
    sheet.polygon(outline, mixed(style.panel, style.second, 0.12))
    sheet.line(outline, style.ink, pen)
    for _ in range(int(own.integers(1, 4))):
        x, y, r = own.uniform(left, right), own.uniform((top + foot) / 2, foot), own.uniform(0.015, 0.05) * w
        sheet.disc(x, y, r, style.ground)
        sheet.ring(x, y, r, style.ink, pen)
        sheet.lines([[(x - 1.5 * r, y), (x + 1.5 * r, y)], [(x, y - 1.5 * r), (x, y + 1.5 * r)]], style.accent, 1)
        sheet.text(x + 1.2 * r, y - 1.2 * r, f"d{digits(own, 2)}", style.body, 0.02 * w, style.ink)
    for y, (a, b) in ((foot + 0.05 * h, (left, right)), (top - 0.05 * h, (float(steps[0]), right))):
        sheet.line([(a, y), (b, y)], style.ink, 1)
        sheet.lines([[(k, y - 0.02 * h), (k, y + 0.02 * h)] for k in (a, b)], style.ink, 1)
        sheet.text((a + b) / 2, y - 0.02 * h, f"{digits(own, 3)}", style.body, 0.022 * w, style.ink, "m")
    centre, r = (0.8 * w, 0.36 * h), own.uniform(0.08, 0.13) * w
    for share in np.sort(own.uniform(0.2, 1, int(own.integers(2, 5)))):
        sheet.ring(*centre, r * share, style.ink, pen)
    for k in range(int(own.integers(3, 9))):
        angle = 2 * np.pi * k / 8
        sheet.ring(centre[0] + 0.8 * r * np.cos(angle), centre[1] + 0.8 * r * np.sin(angle), 0.08 * r, style.ink, 1)
    sheet.line(arc(*centre, 1.15 * r, 0, own.uniform(1, 5)), style.accent, 1)
    x, y = 0.66 * w, 0.74 * h
    sheet.outline(x, y, 0.32 * w, 0.23 * h, style.ink, pen)
    for i, (label, value) in enumerate(zip(labels, (date(own), digits(own, 6), made_word(own, 2)), strict=True)):
        row = y + (0.045 + 0.058 * i) * h
        sheet.text(x + 0.01 * w, row, label, style.body, 0.018 * w, style.ink, fit=0.12 * w)
        sheet.text(x + 0.15 * w, row, value, style.body, 0.02 * w, style.ink, fit=0.15 * w)
    sheet.text(x + 0.01 * w, y + 0.205 * h, f"{firm} / {author}", style.head, 0.02 * w, style.accent, fit=0.3 * w)
    return sheet.pixels


def _molecule(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a formula of rings and chains with letters at some corners, on a plain ground with a caption."""
    w, h = extent(shared, (0.9, 1.7), (400, 1000))
    style, pen, caption = random_style(shared, 0.15), shared.uniform(1.5, 4), title(shared, 1, 2)
    inks, size = palette(shared, 3), shared.uniform(0.06, 0.1) * w
    ground = style.ground if shared.random() < 0.6 else WHITE
    sheet = Sheet(w, h, ground)

    def end_with_letters(x: float, y: float, names: tuple[str, str, str]) -> None:
        kind = int(own.integers(3))
        sheet.disc(x, y, 0.35 * size, ground)
        sheet.text(x, y, names[kind], style.head, 0.5 * size, inks[kind], "m")

    x, y, down = 0.15 * w, own.uniform(0.35, 0.6) * h, True
    while x < 0.88 * w:
        if own.random() < 0.4:
            middle = x + size
            angles = np.arange(7) * np.pi / 3 + np.pi
            corners = np.column_stack([middle + size * np.cos(angles), y + size * np.sin(angles)])
            sheet.line(corners, style.ink, pen)
            inner = np.array([middle, y]) + 0.8 * (corners - [middle, y])
            for first in range(int(own.integers(2)), 6, 2):
                sheet.line(inner[first : first + 2], style.ink, pen)
            if own.random() < 0.6:
                k = int(own.choice([1, 2, 4, 5]))
                end = (middle + 1.8 * size * float(np.cos(angles[k])), y + 1.8 * size * float(np.sin(angles[k])))
                sheet.line([(float(corners[k, 0]), float(corners[k, 1])), end], style.ink, pen)
                end_with_letters(*end, ("OH", "N", "Cl"))
            x += 2 * size
        else:
            new = x + 0.88 * size, y + (0.48 if down else -0.48) * size
            sheet.line([(x, y), new], style.ink, pen)
            if own.random() < 0.25:
                sheet.line([(x, y + 0.15 * size), (new[0], new[1] + 0.15 * size)], style.ink, pen)
            if own.random() < 0.3:
                end = new[0], new[1] + (size if down else -size)
                sheet.line([new, end], style.ink, pen)
                end_with_letters(*end, ("O", "NH", "F"))
            (x, y), down = new, not down
    sheet.text(w / 2, 0.92 * h, f"{caption} {digits(own, 3)}", style.body, 0.06 * h, style.ink, "m", fit=0.9 * w)
    return sheet.pixels


DIAGRAMS = family("diagrams", (_flow_chart, _network))
DRAWINGS = family("drawings", (_workpiece, _molecule))
