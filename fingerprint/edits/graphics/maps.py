"""Maps of one style: other streets, hills and lines."""

from __future__ import annotations

import numpy as np

from fingerprint.edits.canvas import Colour
from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.sheet import Sheet, arc
from fingerprint.edits.graphics.styles import BLACK, WHITE, extent, hsv, ink_on, mixed, palette, random_style
from fingerprint.edits.graphics.wording import digits, title, words
from fingerprint.types import F64, U8


def _curve(own: Rng, w: float, h: float, bend: float, n: int = 24) -> F64:
    """Draw a line from one edge of the map to another, more or less straight."""
    upright = own.random() < 0.5
    t = np.linspace(-0.05, 1.05, n)
    across = (
        own.uniform(-0.1, 1.1) + own.uniform(-0.3, 0.3) * t + bend * np.sin(t * own.uniform(1, 6) + own.uniform(0, 7))
    )
    return np.column_stack([across * w, t * h] if upright else [t * w, across * h])


def _pin(sheet: Sheet, x: float, y: float, r: float, colour: Colour) -> None:
    """Draw a pin with its tip at ``(x, y)``."""
    sheet.polygon([(x - 0.8 * r, y - 1.6 * r), (x + 0.8 * r, y - 1.6 * r), (x, y)], colour)
    sheet.disc(x, y - 2 * r, r, colour)
    sheet.disc(x, y - 2 * r, 0.4 * r, WHITE)


def _controls(sheet: Sheet, shared: Rng, own: Rng) -> None:
    """Draw what lies over the map of an app: search, buttons, scale, rights; or nothing."""
    u, on, text, dark = (
        min(sheet.width, sheet.height) / 100,
        shared.random() < 0.6,
        words(shared, 2, 4),
        shared.random() < 0.2,
    )
    panel, ink = ((40, 42, 48), WHITE) if dark else (WHITE, (60, 60, 60))
    style = random_style(shared)
    if not on:
        return
    sheet.box(3 * u, 3 * u, 50 * u, 8 * u, panel, 2 * u)
    sheet.text(7 * u, 7 * u, title(own, 1, 2), style.body, 4 * u, ink, fit=40 * u)
    for i, sign in enumerate("+-"):
        sheet.box(sheet.width - 11 * u, sheet.height - (26 - 9 * i) * u, 8 * u, 8 * u, panel, u)
        sheet.text(sheet.width - 7 * u, sheet.height - (22 - 9 * i) * u, sign, style.body, 6 * u, ink, "m")
    sheet.box(0, sheet.height - 4 * u, style.body.measure(text, 2.6 * u) + 4 * u, 4 * u, panel)
    sheet.text(2 * u, sheet.height - 2 * u, text, style.body, 2.6 * u, ink)


def _streets(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a map of streets: areas, water, minor and major streets, names, a pin."""
    w, h = extent(shared, (0.6, 1.7), (450, 1100))
    style, hue, dark = random_style(shared), shared.random(), shared.random() < 0.3
    land = hsv(0.1, 0.04, 0.94) if not dark else hsv(hue, 0.3, 0.16)
    road, casing, major = (
        mixed(land, WHITE if not dark else BLACK, 0.6),
        mixed(land, BLACK, 0.25),
        hsv(shared.uniform(0.05, 0.17), 0.6, 0.95 if not dark else 0.5),
    )
    park, water = (
        (hsv(0.3, 0.25, 0.85), hsv(0.57, 0.35, 0.9)) if not dark else (hsv(0.35, 0.4, 0.22), hsv(0.6, 0.5, 0.28))
    )
    pen, pinned = shared.uniform(0.006, 0.014) * min(w, h), shared.random() < 0.6
    sheet = Sheet(w, h, land)
    for _ in range(int(own.integers(1, 5))):
        x, y, r = own.uniform(0, w), own.uniform(0, h), own.uniform(0.06, 0.2) * w
        angles = np.sort(own.uniform(0, 2 * np.pi, 9))
        sheet.polygon(np.column_stack([x + r * np.cos(angles), y + r * np.sin(angles)]), park)
    if own.random() < 0.7:
        sheet.line(_curve(own, w, h, 0.12), water, own.uniform(3, 9) * pen)
    turn, pitch = own.uniform(-0.6, 0.6), own.uniform(0.06, 0.12) * max(w, h)
    rotate = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    grid: list[F64] = []
    for axis in (0, 1):
        for k in np.arange(-12, 13) + own.uniform(-0.2, 0.2, 25):
            if own.random() < 0.85:
                start, stop = np.sort(own.uniform(-1, 1, 2)) * max(w, h)
                line = np.array([[k * pitch, start], [k * pitch + own.normal(0, 0.15) * pitch, stop]])
                grid.append((line[:, ::-1] if axis else line) @ rotate.T + [w / 2, h / 2])
    sheet.lines(grid, casing, 1.5 * pen + 2)
    sheet.lines(grid, road, 1.5 * pen)
    avenues = [_curve(own, w, h, 0.06) for _ in range(int(own.integers(2, 5)))]
    sheet.lines(avenues, mixed(major, BLACK, 0.3), 3 * pen + 3)
    sheet.lines(avenues, major, 3 * pen)
    for line in [*grid[:: max(1, len(grid) // 9)], *avenues]:
        k = len(line) // 2
        step = line[k] - line[k - 1]
        angle = float(np.arctan2(step[1], step[0]))
        angle = angle - np.pi * np.sign(angle) if abs(angle) > np.pi / 2 else angle
        x, y = (line[k] + line[k - 1]) / 2
        name, ink = f"{title(own, 1, 1)} St", ink_on(land)
        sheet.text(x, y, name, style.body, 3.2 * pen + 5, ink, "m", angle=angle, rim=land)
    if pinned:
        _pin(sheet, own.uniform(0.2, 0.8) * w, own.uniform(0.3, 0.8) * h, 3 * pen, (220, 50, 45))
    _controls(sheet, shared, own)
    return sheet.pixels


def _contours(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a map of hills: bands of height with lines between, paths, summits with names, a grid."""
    w, h = extent(shared, (0.7, 1.5), (450, 1100))
    style, n_levels, tint = random_style(shared), int(shared.integers(7, 14)), shared.uniform(0.08, 0.35)
    low, high = hsv(tint, 0.3, 0.9), hsv(tint - 0.08, 0.35, 0.65)
    gridded, pen = shared.random() < 0.6, shared.uniform(0.9, 2)
    small = np.zeros((48, 48))
    y, x = np.mgrid[:48, :48] / 47
    for _ in range(int(own.integers(5, 11))):
        cx, cy, s = own.uniform(-0.1, 1.1), own.uniform(-0.1, 1.1), own.uniform(0.08, 0.3)
        small += own.uniform(0.3, 1) * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * s * s))
    rows, columns = np.linspace(0, 46.99, h), np.linspace(0, 46.99, w)
    i, j = rows.astype(int)[:, None], columns.astype(int)
    a, b = rows[:, None] - i, columns - j
    height = (small[i, j] * (1 - a) + small[i + 1, j] * a) * (1 - b) + (
        small[i, j + 1] * (1 - a) + small[i + 1, j + 1] * a
    ) * b
    scaled = height / height.max() * n_levels
    level = np.floor(scaled)
    share = (level / n_levels)[:, :, None]
    sheet = Sheet(w, h, low)
    sheet.pixels[:] = np.rint(np.array(low) * (1 - share) + np.array(high) * share)
    slope = np.hypot(*np.gradient(scaled)) + 1e-6
    near = np.abs(scaled - np.rint(scaled)) / slope < pen / 2
    sheet.pixels[near] = mixed(high, BLACK, 0.4)
    for _ in range(int(own.integers(1, 4))):
        sheet.line(_curve(own, w, h, 0.12, 40), (190, 60, 50), 2 * pen)
    for _ in range(5):
        px, py = own.uniform(0.1, 0.9) * w, own.uniform(0.1, 0.9) * h
        sheet.polygon([(px - 6, py + 5), (px + 6, py + 5), (px, py - 6)], BLACK)
        sheet.text(px + 10, py, f"{title(own, 1, 1)} {digits(own, 3)}", style.body, 0.024 * w + 4, BLACK, rim=low)
    for k in range(1, 6) if gridded else ():
        sheet.box(w * k / 6, 0, 1, h, hsv(0.6, 0.4, 0.7))
        sheet.box(0, h * k / 6, w, 1, hsv(0.6, 0.4, 0.7))
    return sheet.pixels


def _lines_of_trains(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a plan of trains: coloured lines with right and half-right bends, stations with names."""
    w, h = extent(shared, (0.8, 1.7), (500, 1200))
    style, colours, head = random_style(shared, 0.1), palette(shared, 6), title(shared, 1, 2)
    pen, n_lines, ringed, slanted = (
        shared.uniform(0.006, 0.011) * w,
        int(shared.integers(3, 7)),
        shared.random() < 0.6,
        shared.random() < 0.5,
    )
    unit = w / 22
    sheet = Sheet(w, h, style.ground)
    steps = np.array([[1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0], [-1, -1], [0, -1], [1, -1]], dtype=np.float64)
    stations: list[tuple[F64, Colour]] = []
    for i in range(n_lines):
        position = own.uniform([0.05 * w, 0.2 * h], [0.9 * w, 0.9 * h])
        position = np.rint(position / unit) * unit
        to_middle = np.arctan2(h / 2 - position[1], w / 2 - position[0])
        way = round(float(to_middle) / (np.pi / 4)) % 8
        points = [position]
        for _ in range(int(own.integers(3, 7))):
            length = int(own.integers(2, 6))
            for _ in range(length):
                position = position + steps[way] * unit
                points.append(position)
                if own.random() < 0.75:
                    stations.append((position, colours[i]))
            way = (way + int(own.integers(-1, 2))) % 8
        sheet.line(np.array(points), colours[i], 2 * pen)
    for (x, y), colour in stations:
        sheet.disc(x, y, 1.5 * pen, colour if not ringed else BLACK)
        sheet.disc(x, y, pen, WHITE)
        angle = -0.7 if slanted else 0.0
        sheet.text(x + 2 * pen, y - 2 * pen, title(own, 1, 1), style.body, 0.35 * unit + 3, style.ink, angle=angle)
    sheet.box(0, 0, w, 0.1 * h, style.accent)
    sheet.text(0.03 * w, 0.05 * h, head, style.head, 0.055 * h, ink_on(style.accent))
    for i in range(n_lines):
        x = (0.55 + 0.07 * i) * w
        sheet.box(x, 0.03 * h, 0.05 * w, 0.04 * h, colours[i], 4)
        sheet.text(x + 0.025 * w, 0.05 * h, str(i + 1), style.head, 0.03 * h, ink_on(colours[i]), "m")
    return sheet.pixels


def _rings_of_streets(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a printed town plan: streets in rings and rays, blocks of houses, letters and numbers along a border."""
    w, h = extent(shared, (0.7, 1.4), (500, 1100))
    style, ground, block = (
        random_style(shared),
        hsv(0.12, shared.uniform(0.05, 0.2), 0.95),
        hsv(shared.uniform(0, 0.15), 0.25, 0.8),
    )
    rim, n_grid, name, ink = 0.05 * w, int(shared.integers(5, 9)), title(shared, 1, 2), hsv(0.08, 0.5, 0.3)
    water = hsv(0.57, 0.3, 0.85)
    cx, cy = own.uniform(0.3, 0.7) * w, own.uniform(0.3, 0.7) * h
    n_rays, radii = int(own.integers(7, 14)), np.cumsum(own.uniform(0.06, 0.13, 12)) * w
    angles = np.sort(own.uniform(0, 2 * np.pi, n_rays))
    sheet = Sheet(w, h, ground)
    for k in range(11):
        for i in range(n_rays):
            start, stop = angles[i], angles[(i + 1) % n_rays] + 2 * np.pi * (i == n_rays - 1)
            parts = max(1, int((stop - start) * radii[k] / (0.09 * w)))
            for part in range(parts):
                gap = 0.006 * w / radii[k]
                a, b = start + (stop - start) * part / parts + gap, start + (stop - start) * (part + 1) / parts - gap
                if b - a < 2 * gap or own.random() < 0.12:
                    continue
                inner = arc(cx, cy, radii[k] + 0.006 * w, a, b)
                outer = arc(cx, cy, radii[k + 1] - 0.006 * w, a, b)
                sheet.polygon(np.vstack([inner, outer[::-1]]), block if own.random() < 0.9 else hsv(0.3, 0.3, 0.75))
    sheet.disc(cx, cy, 0.7 * radii[0], water)
    sheet.line(_curve(own, w, h, 0.08), water, 0.03 * w)
    for _ in range(12):
        x, y = own.uniform(2 * rim, w - 2 * rim), own.uniform(2 * rim, h - 2 * rim)
        sheet.text(x, y, title(own, 1, 1), style.body, 0.02 * w + 3, ink, "m", rim=ground)
    for i in range(n_grid):
        for x in (rim / 2, w - rim / 2):
            sheet.box(x - rim / 2, h * i / n_grid, rim, h / n_grid, ground if i % 2 else mixed(ground, ink, 0.12))
            sheet.text(x, h * (i + 0.5) / n_grid, str(i + 1), style.head, 0.5 * rim, ink, "m")
        for y in (rim / 2, h - rim / 2):
            sheet.box(w * i / n_grid, y - rim / 2, w / n_grid, rim, ground if i % 2 else mixed(ground, ink, 0.12))
            sheet.text(w * (i + 0.5) / n_grid, y, "ABCDEFGHI"[i], style.head, 0.5 * rim, ink, "m")
    sheet.outline(rim, rim, w - 2 * rim, h - 2 * rim, ink, 3)
    sheet.box(0.06 * w, h - 0.15 * h, 0.32 * w, 0.09 * h, ground)
    sheet.outline(0.06 * w, h - 0.15 * h, 0.32 * w, 0.09 * h, ink, 2)
    sheet.text(0.22 * w, h - 0.105 * h, name, style.head, 0.04 * h, ink, "m", fit=0.3 * w)
    return sheet.pixels


MAPS = family("maps", (_streets, _contours), (_lines_of_trains, _rings_of_streets))
