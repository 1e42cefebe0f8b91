"""One ground in several states: regions of a map, a plant's valves, a room's things, a league's results."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from fingerprint.edits.canvas import Colour
from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import brand, star_points
from fingerprint.edits.graphics.sheet import Sheet, arc
from fingerprint.edits.graphics.styles import BLACK, WHITE, Style, extent, hsv, ink_on, mixed, palette, random_style
from fingerprint.edits.graphics.wording import clock, date, digits, made_word, title
from fingerprint.types import F64, U8


def _regions(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a land whose regions have other shades and numbers, with a key."""
    w, h = extent(shared, (0.7, 1.4), (450, 1100))
    style, n, hue = random_style(shared, 0.2), int(shared.integers(12, 45)), shared.random()
    steps, labelled, head = int(shared.integers(3, 8)), shared.random() < 0.6, title(shared, 2, 4)
    places = shared.uniform(0, 1, (n, 2)) * [0.94 * w, 0.8 * h] + [0.03 * w, 0.12 * h]
    tails = shared.uniform(0, 2 * np.pi, 4)
    shades = [hsv(hue + 0.1 * k / steps, 0.15 + 0.75 * k / steps, 0.97 - 0.4 * k / steps) for k in range(steps)]
    y, x = np.mgrid[:h, :w]
    nearest = np.zeros((h, w), np.int64)
    least = np.full((h, w), np.inf)
    across, down = x + 6 * np.sin(y / 23 + tails[0]), y + 6 * np.sin(x / 19 + tails[1])
    for k, (px, py) in enumerate(places):
        distance = (across - px) ** 2 + (down - py) ** 2
        nearer = distance < least
        nearest[nearer], least[nearer] = k, distance[nearer]
    angle, far = np.arctan2(y - 0.52 * h, x - 0.5 * w), np.hypot((x - 0.5 * w) / w, (y - 0.52 * h) / h)
    land = far < 0.36 + 0.04 * np.sin(3 * angle + tails[2]) + 0.03 * np.sin(7 * angle + tails[3])
    border = np.zeros((h, w), bool)
    border[1:] |= nearest[1:] != nearest[:-1]
    border[:, 1:] |= nearest[:, 1:] != nearest[:, :-1]
    states = own.integers(0, steps, n)
    table = np.array(shades, np.uint8)[states]
    sheet = Sheet(w, h, mixed(style.ground, (150, 190, 230), 0.3))
    sheet.pixels[land] = table[nearest[land]]
    sheet.pixels[land & border] = style.ink
    if labelled:
        for (px, py), state in zip(places, states, strict=True):
            if land[min(int(py), h - 1), min(int(px), w - 1)]:
                text = f"{state * 10 + int(own.integers(10))}"
                sheet.text(px, py, text, style.body, 0.028 * h, ink_on(shades[int(state)]), "m")
    sheet.text(0.03 * w, 0.05 * h, head, style.head, 0.05 * h, style.ink, fit=0.7 * w)
    sheet.text(0.97 * w, 0.05 * h, date(own), style.body, 0.035 * h, style.ink, "r")
    for k, shade in enumerate(shades):
        sheet.box(0.03 * w, (0.95 - 0.035 * k) * h, 0.04 * w, 0.03 * h, shade)
        sheet.text(0.08 * w, (0.965 - 0.035 * k) * h, f"{10 * k} - {10 * k + 9}", style.body, 0.022 * h, style.ink)
    return sheet.pixels


def _plant(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw the scheme of a plant: tanks, pipes and valves stay, levels, states and values differ."""
    w, h = extent(shared, (1.1, 1.9), (600, 1200))
    style, n, head = random_style(shared, 0.6), int(shared.integers(3, 7)), title(shared, 1, 3)
    spots = [((k + 0.5) * w / n, shared.uniform(0.3, 0.65) * h, shared.uniform(0.2, 0.35) * h) for k in range(n)]
    names, pipe = [title(shared, 1, 1)[:7] for _ in range(n)], mixed(style.ink, style.ground, 0.5)
    wide, on, off, liquid = 0.5 * w / n, (60, 200, 90), (220, 60, 50), hsv(shared.random(), 0.6, 0.8)
    sheet = Sheet(w, h, style.ground)
    sheet.box(0, 0, w, 0.09 * h, style.panel)
    sheet.text(0.02 * w, 0.045 * h, head, style.head, 0.05 * h, style.ink)
    sheet.text(0.98 * w, 0.045 * h, f"{date(own)} {clock(own)}", style.body, 0.04 * h, style.ink, "r")
    for (ax, ay, at), (bx, by, bt) in pairwise(spots):
        start, end = (ax, ay + at / 2 + 0.04 * h), (bx, by - bt / 2 - 0.04 * h)
        middle = (ax + bx) / 2
        sheet.line([(ax, ay), start, (middle, start[1]), (middle, end[1]), end, (bx, by)], pipe, 0.012 * h)
        state, r = own.random() < 0.5, 0.025 * h
        y = (start[1] + end[1]) / 2
        for way in (-1, 1):
            sheet.polygon([(middle, y), (middle - r, y + way * r), (middle + r, y + way * r)], on if state else off)
    for (x, y, tall), name in zip(spots, names, strict=True):
        share = float(own.uniform(0.05, 0.95))
        sheet.box(x - wide / 2, y - tall / 2, wide, tall, style.panel, 0.1 * tall)
        sheet.box(x - wide / 2 + 3, y + tall / 2 - share * tall, wide - 6, share * tall - 3, liquid)
        sheet.outline(x - wide / 2, y - tall / 2, wide, tall, style.ink, 3, 0.1 * tall)
        sheet.text(x, y - tall / 2 - 0.035 * h, name, style.body, 0.03 * h, style.ink, "m")
        sheet.text(x, y, f"{100 * share:.1f} %", style.head, 0.04 * h, style.ink, "m", fit=0.9 * wide)
        sheet.box(x - wide / 2, y + tall / 2 + 0.06 * h, wide, 0.05 * h, BLACK)
        value = f"{digits(own, 2)}.{digits(own, 1)}"
        sheet.text(x, y + tall / 2 + 0.085 * h, value, style.body, 0.035 * h, on, "m", fit=0.9 * wide)
    return sheet.pixels


def _thing(sheet: Sheet, x: float, y: float, r: float, kind: int, colour: Colour) -> None:
    """Draw a ball, a box, a lamp, a plant, a book, a cup, a cat or a star, standing at ``(x, y)``."""
    dark = mixed(colour, BLACK, 0.35)
    if kind == 0:
        sheet.disc(x, y - r, r, colour)
        sheet.line(arc(x, y - r, r, 0.5, 2.6, 0.5 * r), dark, 0.12 * r)
    elif kind == 1:
        sheet.box(x - r, y - 1.6 * r, 2 * r, 1.6 * r, colour)
        sheet.box(x - 0.15 * r, y - 1.6 * r, 0.3 * r, 1.6 * r, dark)
    elif kind == 2:
        sheet.box(x - 0.08 * r, y - 1.5 * r, 0.16 * r, 1.5 * r, dark)
        sheet.polygon(
            [(x - 0.5 * r, y - 2.3 * r), (x + 0.5 * r, y - 2.3 * r), (x + r, y - 1.3 * r), (x - r, y - 1.3 * r)], colour
        )
        sheet.box(x - 0.5 * r, y - 0.15 * r, r, 0.15 * r, dark)
    elif kind == 3:
        sheet.polygon(
            [(x - 0.5 * r, y - 0.8 * r), (x + 0.5 * r, y - 0.8 * r), (x + 0.35 * r, y), (x - 0.35 * r, y)],
            (170, 90, 60),
        )
        for k in range(5):
            a = -np.pi * (0.2 + 0.15 * k)
            sheet.line(
                [(x, y - 0.8 * r), (x + 1.4 * r * np.cos(a), y - 0.8 * r + 1.4 * r * np.sin(a))], (60, 140, 70), 0.2 * r
            )
    elif kind == 4:
        for k in range(4):
            sheet.box(
                x + (k - 2) * 0.4 * r,
                y - (1.2 + 0.2 * (k % 3)) * r,
                0.36 * r,
                (1.2 + 0.2 * (k % 3)) * r,
                mixed(colour, dark, k / 4),
            )
    elif kind == 5:
        sheet.box(x - 0.6 * r, y - r, 1.2 * r, r, colour, 0.2 * r)
        sheet.ring(x + 0.7 * r, y - 0.5 * r, 0.3 * r, colour, 0.15 * r)
    elif kind == 6:
        sheet.disc(x, y - 0.6 * r, 0.9 * r, colour, 0.6 * r)
        sheet.disc(x + 0.7 * r, y - 1.3 * r, 0.45 * r, colour)
        for way in (-0.3, 0.3):
            top = x + (0.7 + way) * r
            sheet.polygon([(top - 0.2 * r, y - 1.5 * r), (top + 0.2 * r, y - 1.5 * r), (top, y - 2.1 * r)], colour)
        sheet.line(arc(x - 0.9 * r, y - 0.9 * r, 0.5 * r, 1.5, 4.5), colour, 0.18 * r)
    else:
        sheet.polygon(star_points(x, y - r, r, 5, 0.45), colour)


def _room(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a room with shelves: walls and furniture stay, the things in it differ."""
    w, h = extent(shared, (0.9, 1.6), (450, 1100))
    wall, floor, wood = hsv(shared.random(), 0.3, 0.85), hsv(0.08, 0.45, 0.6), hsv(0.07, 0.5, shared.uniform(0.35, 0.6))
    n_shelves, window, striped = int(shared.integers(2, 5)), shared.uniform(0.1, 0.7), shared.random() < 0.5
    colours, usual = palette(shared, 6), shared.integers(0, 8, 12)
    left, right = shared.uniform(0.05, 0.3) * w, shared.uniform(0.65, 0.95) * w
    changed = own.uniform(0.3, 1)
    sheet = Sheet(w, h, wall)
    for k in range(12 if striped else 0):
        sheet.box(k * w / 12, 0, w / 24, 0.8 * h, mixed(wall, WHITE, 0.25))
    sheet.box(0, 0.8 * h, w, 0.2 * h, floor)
    sheet.box(window * w, 0.06 * h, 0.2 * w, 0.22 * h, (170, 210, 245))
    sheet.outline(window * w, 0.06 * h, 0.2 * w, 0.22 * h, wood, 0.012 * w)
    rows = [0.36 + 0.42 * k / n_shelves for k in range(n_shelves)]
    for y in rows:
        sheet.box(left, y * h, right - left, 0.018 * h, wood)
    sheet.disc(0.5 * w, 0.93 * h, 0.35 * w, mixed(floor, colours[0], 0.5), 0.05 * h)
    at = 0
    for y in [*rows, 0.95]:
        n = 4 if y < 0.9 else 3
        for k in range(n):
            kind = int(usual[at % 12]) if own.random() > changed else int(own.integers(8))
            x = left + (k + 0.5 + own.uniform(-0.15, 0.15)) * (right - left) / n
            if own.random() < 0.85:
                _thing(sheet, x, y * h, (0.035 if y < 0.9 else 0.06) * h, kind, colours[int(own.integers(6))])
            at += 1
    return sheet.pixels


def _league(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw the results of a league, or the score of a match: the clubs stay, numbers and order differ."""
    w, h = extent(shared, (0.8, 1.9), (500, 1100))
    style, single = random_style(shared, 0.5), shared.random() < 0.4
    n = 2 if single else int(shared.integers(6, 15))
    clubs = [(int(shared.integers(2**31)), title(shared, 1, 2)) for _ in range(n)]
    head, heads = title(shared, 1, 3), [made_word(shared, 1).upper()[:2] for _ in range(5)]
    stripes: list[Colour] = palette(shared, 3)
    sheet = Sheet(w, h, style.ground)
    sheet.box(0, 0, w, 0.13 * h, style.accent)
    sheet.text(0.04 * w, 0.065 * h, head, style.head, 0.07 * h, ink_on(style.accent), fit=0.6 * w)
    sheet.text(0.97 * w, 0.065 * h, date(own), style.body, 0.04 * h, ink_on(style.accent), "r")
    if single:
        for k, (seed, name) in enumerate(clubs):
            x = (0.2 + 0.6 * k) * w
            brand(sheet, x, 0.42 * h, min(0.26 * w, 0.4 * h), seed, stripes[k], style.second)
            sheet.text(x, 0.74 * h, name, style.head, 0.06 * h, style.ink, "m", fit=0.34 * w)
        score = f"{int(own.integers(6))} : {int(own.integers(6))}"
        sheet.text(0.5 * w, 0.42 * h, score, style.head, 0.16 * h, style.accent, "m", fit=0.26 * w)
        sheet.text(0.5 * w, 0.6 * h, f"{int(own.integers(1, 91))} min", style.body, 0.05 * h, style.ink, "m")
        _bars(sheet, own.uniform(0.2, 0.8, 3), style, heads)
        return sheet.pixels
    order = own.permutation(n) if own.random() < 0.7 else np.arange(n)
    room = 0.8 * h / n
    for k, text in enumerate(heads):
        sheet.text((0.6 + 0.085 * k) * w, 0.16 * h, text, style.body, 0.03 * h, style.ink, "m")
    for i, club in enumerate(order):
        seed, name = clubs[int(club)]
        y = 0.19 * h + (i + 0.5) * room
        if i % 2:
            sheet.box(0, y - room / 2, w, room, style.panel)
        sheet.box(0, y - room / 2, 0.012 * w, room, stripes[0 if i < 2 else 1 if i < n - 2 else 2])
        sheet.text(0.05 * w, y, str(i + 1), style.body, 0.5 * room, style.ink, "m")
        brand(sheet, 0.12 * w, y, 0.75 * room, seed, stripes[seed % 3], style.second)
        sheet.text(0.17 * w, y, name, style.head, 0.45 * room, style.ink, fit=0.36 * w)
        for k in range(5):
            number = str(int(own.integers(0, 70)))
            sheet.text((0.6 + 0.085 * k) * w, y, number, style.body, 0.45 * room, style.ink, "m")
    return sheet.pixels


def _bars(sheet: Sheet, shares: F64, style: Style, names: list[str]) -> None:
    """Draw bars that two sides share, with names, at the foot."""
    w, h = sheet.width, sheet.height
    for k, share in enumerate(shares.tolist()):
        y = (0.83 + 0.055 * k) * h
        sheet.box(0.2 * w, y, 0.6 * w, 0.025 * h, style.second)
        sheet.box(0.2 * w, y, 0.6 * w * share, 0.025 * h, style.accent)
        sheet.text(0.1 * w, y + 0.012 * h, names[k], style.body, 0.03 * h, style.ink, "m")
        sheet.text(0.9 * w, y + 0.012 * h, f"{100 * share:.0f} %", style.body, 0.03 * h, style.ink, "m")


REGIONS = family("regions", (_regions,))
PLANTS = family("plants", (_plant,))
ROOMS = family("rooms", (_room,))
LEAGUES = family("leagues", (_league,))
