"""Comics: the same figures and frames with other words, poses and scenes."""

from __future__ import annotations

import numpy as np

from fingerprint.edits.canvas import Colour
from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.sheet import Sheet, arc
from fingerprint.edits.graphics.styles import BLACK, WHITE, Style, extent, hsv, mixed, palette, random_style
from fingerprint.edits.graphics.wording import person, slogan, title, words, wrapped
from fingerprint.types import U8


def _figure(sheet: Sheet, x: float, y: float, tall: float, looks: Rng, pose: Rng) -> None:
    """Draw a standing person, feet at ``(x, y)``; `looks` decides clothes and head, `pose` limbs and face."""
    skin, hair = hsv(0.07, looks.uniform(0.2, 0.6), looks.uniform(0.45, 0.95)), hsv(looks.random(), 0.6, 0.4)
    shirt, trousers = hsv(looks.random(), 0.6, 0.8), hsv(looks.random(), 0.5, 0.4)
    head, broad, tuft = 0.13 * tall, looks.uniform(0.16, 0.28) * tall, int(looks.integers(3))
    pen = max(1.0, 0.012 * tall)
    hip, neck = y - 0.42 * tall, y - 0.74 * tall
    for turn in (pose.uniform(-0.35, -0.05), pose.uniform(0.05, 0.35)):
        sheet.line([(x, hip), (x + np.sin(turn) * 0.42 * tall, y)], trousers, 0.09 * tall)
    for way in (-1.0, 1.0):
        elbow = x + way * broad * 0.9, neck + pose.uniform(0.0, 0.2) * tall
        hand = elbow[0] + pose.uniform(-0.12, 0.16) * way * tall, elbow[1] + pose.uniform(-0.2, 0.2) * tall
        sheet.line([(x + way * 0.3 * broad, neck + 0.05 * tall), elbow, hand], shirt, 0.06 * tall)
        sheet.disc(*hand, 0.035 * tall, skin)
    sheet.box(x - broad / 2, neck, broad, hip - neck + 0.04 * tall, shirt, 0.3 * broad)
    at = x + pose.uniform(-0.04, 0.04) * tall, neck - 0.8 * head
    sheet.disc(*at, head, skin, 1.1 * head)
    sheet.ring(*at, head, BLACK, pen, 1.1 * head)
    if tuft:
        sheet.polygon(arc(at[0], at[1] - 0.2 * head, head, np.pi, 2 * np.pi, (0.7 + 0.4 * tuft) * head), hair)
    look = pose.uniform(-0.3, 0.3) * head
    for way in (-0.35, 0.35):
        sheet.disc(at[0] + way * head + look, at[1], 0.11 * head, BLACK)
    bend = pose.uniform(-0.35, 0.35) * head
    mouth = [(at[0] + k * 0.4 * head + look, at[1] + 0.5 * head + bend * (1 - k * k)) for k in (-1, -0.5, 0, 0.5, 1)]
    sheet.line(mouth, BLACK, pen)


def _bubble(sheet: Sheet, x: float, y: float, width: float, tail: float, style: Style, text: str) -> None:
    """Draw a speech bubble with its top at ``(x, y)`` in the middle; its tail points down to x = `tail`."""
    lines = wrapped(text, 1 + len(text) // 18)
    size = min(0.16 * width, 1.5 * width / max(len(line) for line in lines))
    tall = (len(lines) * 1.3 + 1) * size
    foot = y + tall
    points = [(x - 0.1 * width, foot - 0.1 * size), (x + 0.05 * width, foot - 0.1 * size), (tail, foot + 1.6 * size)]
    sheet.box(x - width / 2 - 2, y - 2, width + 4, tall + 4, BLACK, 0.5 * tall)
    sheet.line([*points, points[0]], BLACK, 3)
    sheet.box(x - width / 2, y, width, tall, WHITE, 0.5 * tall)
    sheet.polygon(points, WHITE)
    for i, line in enumerate(lines):
        sheet.text(x, y + (1.1 + 1.3 * i) * size, line, style.body, size, BLACK, "m", fit=0.88 * width)


def _strip(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a strip: one place, two persons, other words and gestures in every panel."""
    n = int(shared.integers(2, 5))
    w, h = extent(shared, (0.75 * n, 1.0 * n), (600, 1200))
    style, wall, floor = random_style(shared, 0), hsv(shared.random(), 0.25, 0.92), hsv(shared.random(), 0.4, 0.7)
    heads, name, author = shared.integers(0, 2**31, 2), title(shared, 1, 3), person(shared)
    window, pen = shared.random() < 0.6, max(2.0, 0.012 * h)
    sheet = Sheet(w, h, WHITE)
    sheet.text(0.02 * w, 0.05 * h, name, style.head, 0.07 * h, style.accent)
    sheet.text(0.98 * w, 0.05 * h, author, style.body, 0.04 * h, BLACK, "r")
    cell = 0.97 * w / n
    for i in range(n):
        x, y, pw, ph = 0.015 * w + i * cell, 0.11 * h, cell - 0.012 * w, 0.86 * h
        panel = Sheet(round(pw), round(ph), wall)
        panel.box(0, 0.8 * ph, pw, 0.2 * ph, floor)
        if window:
            panel.box(0.36 * pw, 0.28 * ph, 0.28 * pw, 0.28 * ph, mixed(wall, (120, 180, 240), 0.6))
            panel.outline(0.36 * pw, 0.28 * ph, 0.28 * pw, 0.28 * ph, BLACK, pen)
        for k, seed in enumerate(heads.tolist()):
            place = (0.25 + 0.5 * k + own.uniform(-0.05, 0.05)) * pw
            _figure(panel, place, 0.95 * ph, 0.55 * ph, np.random.default_rng(seed), own)
        talks = int(own.integers(2))
        _bubble(
            panel, (0.34 + 0.3 * talks) * pw, 0.03 * ph, 0.6 * pw, (0.25 + 0.5 * talks) * pw, style, words(own, 2, 8)
        )
        panel.outline(0, 0, pw, ph, BLACK, pen)
        sheet.paste(panel.pixels, x, y)
    return sheet.pixels


def _splash(sheet: Sheet, x: float, y: float, w: float, h: float, own: Rng, colours: list[Colour]) -> None:
    """Fill a panel with rays, dots or hills."""
    panel, kind = Sheet(round(w), round(h), colours[int(own.integers(len(colours)))]), int(own.integers(3))
    second = mixed(colours[int(own.integers(len(colours)))], WHITE, 0.4)
    at = own.uniform(0.2, 0.8) * w, own.uniform(0.2, 0.8) * h
    if kind == 0:
        for k in range(0, 24, 2):
            ends = [
                (at[0] + 2 * (w + h) * np.cos(a), at[1] + 2 * (w + h) * np.sin(a))
                for a in ((k + 0.2) * np.pi / 12, (k + 1) * np.pi / 12)
            ]
            panel.polygon([at, *ends], second)
    elif kind == 1:
        step = max(6.0, 0.06 * w)
        for i in range(int(h / step) + 1):
            for j in range(int(w / step) + 1):
                panel.disc((j + 0.5 * (i % 2)) * step, i * step, step * 0.45 * (1 - i * step / h), second)
    else:
        along = np.linspace(0, w, 30)
        hill = np.column_stack([along, h * (0.6 + 0.12 * np.sin(along / w * own.uniform(3, 9) + own.uniform(0, 6)))])
        panel.polygon(np.vstack([hill, [[w, h], [0, h]]]), second)
    for _ in range(int(own.integers(1, 3))):
        _figure(panel, own.uniform(0.2, 0.8) * w, 0.97 * h, own.uniform(0.5, 0.8) * h, own, own)
    panel.outline(0, 0, w, h, BLACK, 3)
    sheet.paste(panel.pixels, x, y)


def _comic_page(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a page: panels of the same shapes, a head and a foot; scenes and words differ."""
    w, h = extent(shared, (0.65, 0.8), (600, 1200))
    style, colours, head = random_style(shared, 0), palette(shared, 5), slogan(shared, 1, 2)
    rows = [(int(shared.integers(1, 4)), shared.uniform(0.7, 1.3)) for _ in range(int(shared.integers(2, 4)))]
    cuts = [shared.dirichlet(np.full(n, 8.0)) for n, _ in rows]
    gap, ground = shared.uniform(0.006, 0.02) * w, WHITE if shared.random() < 0.7 else style.ink
    sheet = Sheet(w, h, ground)
    sheet.box(0, 0, w, 0.09 * h, style.accent)
    sheet.text(w / 2, 0.045 * h, head, style.head, 0.06 * h, WHITE, "m", fit=0.9 * w, rim=BLACK)
    y, scale = 0.1 * h, 0.87 * h / sum(share for _, share in rows)
    for (_, share), row in zip(rows, cuts, strict=True):
        x = gap
        for part in row:
            room = part * (w - gap), share * scale
            _splash(sheet, x, y, room[0] - gap, room[1] - gap, own, colours)
            if own.random() < 0.6:
                label = words(own, 2, 5)
                sheet.box(x + 4, y + 4, 0.7 * room[0], 0.045 * h, (255, 244, 190))
                sheet.text(x + 10, y + 4 + 0.022 * h, label, style.body, 0.024 * h, BLACK, fit=0.66 * room[0])
            x += room[0]
        y += share * scale
    return sheet.pixels


COMICS = family("comics", (_strip, _comic_page))
