"""Charts of one style: other data, other titles."""

from __future__ import annotations

import numpy as np

from fingerprint.edits.canvas import Colour
from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.sheet import Sheet, arc
from fingerprint.edits.graphics.styles import Style, extent, hsv, ink_on, mixed, palette, random_style
from fingerprint.edits.graphics.wording import date, made_word, title, words
from fingerprint.types import F64, U8

Box = tuple[float, float, float, float]


def _axes(sheet: Sheet, shared: Rng, own: Rng, style: Style) -> Box:
    """Draw title, axes, grid and ticks; return left, top, width and height of the area for the data."""
    w, h = sheet.width, sheet.height
    boxed, level, upright, n_lines = (
        shared.random() < 0.4,
        shared.random() < 0.85,
        shared.random() < 0.4,
        int(shared.integers(4, 9)),
    )
    names, size = [title(shared, 1, 2) for _ in range(2)], 0.028 * min(w, h) + 5
    left, top, width, height = 0.13 * w, 0.15 * h, 0.82 * w, 0.66 * h
    if shared.random() < 0.4:
        sheet.box(left, top, width, height, style.panel)
    sheet.text(w / 2, 0.07 * h, title(own, 2, 5), style.head, 1.7 * size, style.ink, "m", fit=0.9 * w)
    scale = float(own.choice([1, 2, 5, 10, 20, 100, 500]))
    for i in range(n_lines + 1):
        y, x = top + height * i / n_lines, left + width * i / n_lines
        if level:
            sheet.box(left, y, width, 1, style.faint)
        if upright:
            sheet.box(x, top, 1, height, style.faint)
        sheet.text(left - 8, y, f"{scale * (n_lines - i):g}", style.body, size, style.ink, "r")
    sheet.text(left + width / 2, 0.955 * h, names[0], style.body, 1.1 * size, style.ink, "m")
    sheet.text(0.03 * w, top + height / 2, names[1], style.body, 1.1 * size, style.ink, "m", angle=-np.pi / 2)
    if boxed:
        sheet.outline(left, top, width, height, style.ink, 1)
    else:
        sheet.box(left, top, 2, height, style.ink)
        sheet.box(left, top + height, width, 2, style.ink)
    return left, top, width, height


def _legend(sheet: Sheet, x: float, y: float, names: list[str], colours: list[Colour], style: Style) -> None:
    """Draw the names of the series beside their colours."""
    size = 0.028 * min(sheet.width, sheet.height) + 4
    widest = max(style.body.measure(name, size) for name in names)
    sheet.box(x, y, widest + 2.6 * size, (1.6 * len(names) + 0.6) * size, style.ground, opacity=0.8)
    for i, (name, colour) in enumerate(zip(names, colours, strict=False)):
        middle = y + (1.1 + 1.6 * i) * size
        sheet.box(x + 0.5 * size, middle - 0.4 * size, 0.9 * size, 0.8 * size, colour)
        sheet.text(x + 2 * size, middle, name, style.body, size, style.ink)


def _walk(own: Rng, n: int) -> F64:
    """Draw a curve of n points within 0.04 to 0.96."""
    values = np.cumsum(own.normal(own.normal(0, 0.25), 1, n))
    spread = max(float(np.ptp(values)), 1e-6)
    low, high = sorted(own.uniform(0.04, 0.96, 2))
    curve: F64 = (values - values.min()) / spread * max(high - low, 0.25) * 0.9 + min(low, 0.6)
    return curve


def _lines(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a chart of lines, with or without markers."""
    w, h = extent(shared, (1.1, 1.9), (450, 1200))
    style, n_series, pen = random_style(shared, 0.2), int(shared.integers(1, 5)), shared.uniform(1.5, 4)
    colours, names, marked = palette(shared, 5), [made_word(shared, 2) for _ in range(5)], shared.random() < 0.4
    area, n_points = shared.random() < 0.2, int(shared.integers(8, 60))
    sheet = Sheet(w, h, style.ground)
    left, top, width, height = _axes(sheet, shared, own, style)
    for i in range(n_series):
        x = left + width * np.linspace(0.01, 0.99, n_points)
        y = top + height * (1 - _walk(own, n_points))
        points = np.column_stack([x, y])
        if area:
            feet = np.array([[x[-1], top + height], [x[0], top + height]])
            sheet.polygon(np.vstack([points, feet]), colours[i], 0.3)
        sheet.line(points, colours[i], pen)
        for px, py in points if marked and n_points < 25 else ():
            sheet.disc(px, py, 1.8 * pen, colours[i])
    for k in range(5):
        sheet.text(
            left + width * (k + 0.5) / 5, top + 1.05 * height, date(own)[-8:], style.body, 0.03 * h, style.ink, "m"
        )
    if n_series > 1:
        _legend(sheet, left + 0.03 * width, top + 0.03 * height, names[:n_series], colours, style)
    return sheet.pixels


def _columns(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a chart of columns, grouped by category."""
    w, h = extent(shared, (1.0, 1.9), (450, 1200))
    style, n_groups, n_series = random_style(shared, 0.2), int(shared.integers(4, 11)), int(shared.integers(1, 4))
    colours, names, gap = palette(shared, 4), [made_word(shared, 2) for _ in range(4)], shared.uniform(0.2, 0.5)
    valued, categories = shared.random() < 0.4, [title(shared, 1, 1) for _ in range(n_groups)]
    same = shared.random() < 0.6
    sheet = Sheet(w, h, style.ground)
    left, top, width, height = _axes(sheet, shared, own, style)
    step = width / n_groups
    bar = step * (1 - gap) / n_series
    for i in range(n_groups):
        for k in range(n_series):
            share = float(own.uniform(0.05, 0.95))
            x, y = left + i * step + step * gap / 2 + k * bar, top + height * (1 - share)
            sheet.box(x, y, bar, height * share, colours[k])
            if valued:
                sheet.text(x + bar / 2, y - 0.02 * h, f"{share * 100:.0f}", style.body, 0.026 * h, style.ink, "m")
        name = categories[i] if same else title(own, 1, 1)
        sheet.text(
            left + (i + 0.5) * step, top + 1.05 * height, name, style.body, 0.03 * h, style.ink, "m", fit=0.95 * step
        )
    if n_series > 1:
        _legend(sheet, left + 0.7 * width, top + 0.02 * height, names[:n_series], colours, style)
    return sheet.pixels


def _pie(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a pie with shares and a legend."""
    w, h = extent(shared, (1.1, 1.8), (400, 1100))
    style, n_parts, gap = random_style(shared, 0.2), int(shared.integers(3, 8)), shared.random() < 0.5
    colours, names = palette(shared, n_parts), [title(shared, 1, 2) for _ in range(n_parts)]
    right, note = shared.random() < 0.7, words(shared, 4, 7)
    shares = own.dirichlet(np.full(n_parts, 2.0))
    sheet = Sheet(w, h, style.ground)
    sheet.text(w / 2, 0.08 * h, title(own, 2, 5), style.head, 0.065 * h, style.ink, "m", fit=0.9 * w)
    x, y, r = (0.36 if right else 0.66) * w, 0.54 * h, 0.34 * h
    angle = -np.pi / 2
    for share, colour in zip(shares, colours, strict=True):
        stop = angle + 2 * np.pi * float(share)
        sheet.polygon(np.vstack([[[x, y]], arc(x, y, r, angle, stop)]), colour)
        if gap:
            sheet.line([(x, y), (x + r * np.cos(stop), y + r * np.sin(stop))], style.ground, 3)
        middle = (angle + stop) / 2
        if share > 0.05:
            at = (x + 0.65 * r * np.cos(middle), y + 0.65 * r * np.sin(middle))
            sheet.text(*at, f"{share * 100:.0f}%", style.head, 0.05 * h, ink_on(colour), "m")
        angle = stop
    _legend(sheet, (0.68 if right else 0.05) * w, 0.3 * h, names, colours, style)
    sheet.text(0.04 * w, 0.95 * h, note, style.body, 0.03 * h, style.faint)
    return sheet.pixels


def _levels(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw level bars with labels at the left and values at their ends."""
    w, h = extent(shared, (0.8, 1.5), (450, 1100))
    style, n_bars, radius = random_style(shared, 0.3), int(shared.integers(5, 13)), shared.uniform(0, 0.5)
    labels, track, colour = [title(shared, 1, 2) for _ in range(n_bars)], shared.random() < 0.5, style.accent
    same, one = shared.random() < 0.6, shared.random() < 0.5
    row, left = 0.78 * h / n_bars, 0.27 * w
    sheet = Sheet(w, h, style.ground)
    sheet.text(0.04 * w, 0.08 * h, title(own, 2, 5), style.head, 0.06 * h, style.ink, fit=0.9 * w)
    values = own.uniform(0.05, 1, n_bars)
    for i, value in enumerate(np.sort(values)[::-1] if own.random() < 0.5 else values):
        y = 0.16 * h + i * row
        sheet.text(
            left - 10,
            y + 0.4 * row,
            labels[i] if same else title(own, 1, 2),
            style.body,
            0.36 * row,
            style.ink,
            "r",
            fit=0.23 * w,
        )
        if track:
            sheet.box(left, y + 0.1 * row, 0.6 * w, 0.6 * row, style.panel, radius * 0.6 * row)
        fill = colour if one else mixed(colour, style.second, float(value))
        sheet.box(left, y + 0.1 * row, 0.6 * w * value, 0.6 * row, fill, radius * 0.6 * row)
        sheet.text(left + 0.62 * w, y + 0.4 * row, f"{value * 100:.1f}", style.head, 0.36 * row, style.ink)
    return sheet.pixels


def _scatter(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a scatter of points in groups, with a line through them."""
    w, h = extent(shared, (0.9, 1.5), (450, 1100))
    style, n_groups, radius = random_style(shared, 0.2), int(shared.integers(1, 4)), shared.uniform(0.004, 0.012) * w
    colours, names, opacity = palette(shared, 4), [made_word(shared, 2) for _ in range(4)], shared.uniform(0.4, 1)
    fitted, n_points = shared.random() < 0.5, int(shared.integers(30, 120))
    sheet = Sheet(w, h, style.ground)
    left, top, width, height = _axes(sheet, shared, own, style)
    for i in range(n_groups):
        middle, spread = own.uniform(0.25, 0.75, 2), own.uniform(0.05, 0.2, 2)
        lean = own.uniform(-1, 1)
        cloud = own.normal(0, 1, (n_points, 2)) * spread
        cloud[:, 1] += lean * cloud[:, 0]
        for px, py in np.clip(cloud + middle, 0.01, 0.99):
            sheet.disc(left + px * width, top + (1 - py) * height, radius, colours[i], opacity=opacity)
        if fitted:
            ends = [(left + (middle[0] + k) * width, top + (1 - middle[1] - lean * k) * height) for k in (-0.2, 0.2)]
            sheet.line(ends, colours[i], 2)
    _legend(sheet, left + 0.75 * width, top + 0.03 * height, names[:n_groups], colours, style)
    return sheet.pixels


def _stacked(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw stacked areas with a legend above."""
    w, h = extent(shared, (1.2, 2.0), (500, 1200))
    style, n_series, n_points = random_style(shared, 0.3), int(shared.integers(3, 6)), int(shared.integers(12, 40))
    colours, names = palette(shared, n_series), [title(shared, 1, 1) for _ in range(n_series)]
    sheet = Sheet(w, h, style.ground)
    left, top, width, height = _axes(sheet, shared, own, style)
    heights = np.array([_walk(own, n_points) for _ in range(n_series)])
    tops = np.vstack([np.zeros(n_points), np.cumsum(heights, axis=0)])
    tops *= float(own.uniform(0.6, 0.97)) / tops[-1].max()
    x = left + width * np.linspace(0, 1, n_points)
    for i in range(n_series):
        low, high = (np.column_stack([x, top + height * (1 - edge)]) for edge in (tops[i], tops[i + 1]))
        sheet.polygon(np.vstack([low, high[::-1]]), colours[i])
    for i, name in enumerate(names):
        sheet.disc(left + width * (i + 0.1) / n_series, 0.125 * h, 0.013 * h, colours[i])
        sheet.text(left + width * (i + 0.16) / n_series, 0.125 * h, name, style.body, 0.03 * h, style.ink)
    return sheet.pixels


def _rings(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a panel of gauges: rings that are filled to a share, numbers in their middle, labels below."""
    w, h = extent(shared, (1.2, 2.2), (500, 1200))
    style, columns, rows = random_style(shared, 0.6), int(shared.integers(2, 5)), int(shared.integers(1, 3))
    labels, colours, pen = [title(shared, 1, 2) for _ in range(12)], palette(shared, 4), shared.uniform(0.1, 0.3)
    whole, unit, head = shared.random() < 0.5, ("%", "k", "")[int(shared.integers(3))], title(shared, 2, 3)
    tint = hsv(shared.random(), 0.3, 0.6)
    sheet = Sheet(w, h, style.ground)
    sheet.text(0.03 * w, 0.07 * h, head, style.head, 0.06 * h, tint, fit=0.7 * w)
    sheet.text(0.97 * w, 0.07 * h, date(own), style.body, 0.04 * h, style.ink, "r")
    cell_w, cell_h = w / columns, 0.86 * h / rows
    for i in range(columns * rows):
        x, y = (i % columns + 0.5) * cell_w, 0.14 * h + (i // columns + 0.45) * cell_h
        sheet.box(x - 0.46 * cell_w, y - 0.43 * cell_h, 0.92 * cell_w, 0.94 * cell_h, style.panel, 0.03 * h)
        r, share = 0.3 * min(cell_w, cell_h), float(own.uniform(0.05, 1))
        start, sweep = (-np.pi / 2, 2 * np.pi) if whole else (0.75 * np.pi, 1.5 * np.pi)
        sheet.line(arc(x, y, r, start, start + sweep), style.faint, pen * r)
        sheet.line(arc(x, y, r, start, start + sweep * share), colours[i % 4], pen * r)
        sheet.text(x, y, f"{share * 100:.0f}{unit}", style.head, 0.55 * r, style.ink, "m")
        sheet.text(x, y + 1.45 * r, labels[i], style.body, 0.3 * r, style.ink, "m", fit=0.85 * cell_w)
    return sheet.pixels


CHARTS = family("charts", (_lines, _columns, _pie), (_levels, _scatter, _stacked, _rings))
