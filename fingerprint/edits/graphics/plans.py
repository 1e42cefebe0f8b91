"""Plans of flats, boards of games, badges and stamps: families that only judge."""

from __future__ import annotations

import numpy as np

from fingerprint.edits.canvas import Colour
from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import brand, photo_of
from fingerprint.edits.graphics.sheet import Sheet, arc
from fingerprint.edits.graphics.styles import BLACK, WHITE, extent, hsv, ink_on, mixed, palette, random_style
from fingerprint.edits.graphics.wording import digits, made_word, person, slogan, title
from fingerprint.types import U8


def _floor_plan(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw the plan of a flat: walls, doors, furniture, names and sizes of rooms, a head below."""
    w, h = extent(shared, (0.9, 1.5), (500, 1100))
    style, pen, furnished = random_style(shared, 0.05), shared.uniform(0.006, 0.014) * w, shared.random() < 0.7
    tints, firm, labels = palette(shared, 5), title(shared, 1, 2), [title(shared, 1, 1) for _ in range(4)]
    coloured = shared.random() < 0.5
    rooms = [(0.08 * w, 0.08 * h, 0.84 * w, 0.7 * h)]
    for _ in range(int(own.integers(4, 8))):
        k = int(np.argmax([room[2] * room[3] for room in rooms]))
        x, y, rw, rh = rooms.pop(k)
        cut = own.uniform(0.35, 0.65)
        rooms += (
            [(x, y, rw * cut, rh), (x + rw * cut, y, rw * (1 - cut), rh)]
            if rw > rh
            else [(x, y, rw, rh * cut), (x, y + rh * cut, rw, rh * (1 - cut))]
        )
    sheet = Sheet(w, h, style.ground)
    for i, (x, y, rw, rh) in enumerate(rooms):
        if coloured:
            sheet.box(x, y, rw, rh, mixed(tints[i % 5], WHITE, 0.75))
        sheet.outline(x, y, rw + pen / 2, rh + pen / 2, style.ink, pen)
        door = 0.25 * min(rw, rh)
        dx = x + own.uniform(0.1, 0.6) * rw
        sheet.box(dx, y + rh - pen, door, 1.6 * pen, style.ground)
        sheet.line(np.vstack([[[dx, y + rh]], arc(dx, y + rh, door, -np.pi / 2, 0)]), style.ink, 1)
        if furnished:
            fx, fy = x + own.uniform(0.1, 0.5) * rw, y + own.uniform(0.1, 0.3) * rh
            sheet.outline(fx, fy, 0.35 * rw, 0.25 * rh, style.faint, 2, 4)
            sheet.disc(x + own.uniform(0.2, 0.8) * rw, y + own.uniform(0.6, 0.85) * rh, 0.06 * min(rw, rh), style.faint)
        name = f"{digits(own, 2)[:1]},{digits(own, 1)} m2"
        sheet.text(
            x + rw / 2, y + rh / 2, labels[int(own.integers(4))], style.body, 0.02 * w + 2, style.ink, "m", fit=0.8 * rw
        )
        sheet.text(x + rw / 2, y + rh / 2 + 0.03 * w, name, style.body, 0.016 * w + 2, style.ink, "m")
    sheet.box(0, 0.86 * h, w, 0.14 * h, style.accent)
    sheet.text(0.04 * w, 0.93 * h, firm, style.head, 0.05 * h, ink_on(style.accent), fit=0.4 * w)
    sheet.text(
        0.96 * w,
        0.93 * h,
        f"{made_word(own, 2).title()} {digits(own, 2)} - {digits(own, 2)} m2",
        style.body,
        0.04 * h,
        ink_on(style.accent),
        "r",
        fit=0.45 * w,
    )
    return sheet.pixels


def _chess(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a position of chess, or of draughts, with letters and numbers at the edges."""
    w = int(shared.integers(350, 900))
    style, light, dark = random_style(shared), hsv(shared.random(), 0.15, 0.95), hsv(shared.random(), 0.45, 0.55)
    rim, draughts, edge = shared.uniform(0.03, 0.07) * w, shared.random() < 0.3, mixed(dark, BLACK, 0.4)
    step = (w - 2 * rim) / 8
    sheet = Sheet(w, w, edge)
    for i in range(64):
        x, y = rim + (i % 8) * step, rim + (i // 8) * step
        sheet.box(
            x, y, round(x + step) - round(x), round(y + step) - round(y), light if (i + i // 8) % 2 == 0 else dark
        )
    for i in range(8):
        sheet.text(rim / 2, rim + (7.5 - i) * step, str(i + 1), style.body, 0.6 * rim, light, "m")
        sheet.text(rim + (i + 0.5) * step, w - rim / 2, "abcdefgh"[i], style.body, 0.6 * rim, light, "m")
    for square in own.permutation(64)[: int(own.integers(8, 30))]:
        x, y = rim + (square % 8 + 0.5) * step, rim + (square // 8 + 0.5) * step
        fill, line = ((250, 246, 236), (20, 20, 20)) if own.random() < 0.5 else ((45, 42, 40), (235, 230, 220))
        _piece(sheet, x, y, 0.4 * step, 6 if draughts else int(own.integers(6)), fill, line)
    return sheet.pixels


def _piece(sheet: Sheet, x: float, y: float, r: float, kind: int, fill: Colour, line: Colour) -> None:
    """Draw a chessman, or a stone if `kind` is 6."""
    if kind == 6:
        sheet.disc(x, y, r, line)
        sheet.disc(x, y, 0.92 * r, fill)
        sheet.ring(x, y, 0.6 * r, line, 0.06 * r)
        return
    for grow, colour in ((0.09, line), (0.0, fill)):
        g = grow * r
        sheet.box(x - 0.7 * r - g, y + 0.6 * r - g, 1.4 * r + 2 * g, 0.35 * r + 2 * g, colour, 0.08 * r)
        top = (0.3, -0.1, -0.35, -0.3, -0.5, -0.55)[kind] * r
        sheet.polygon(
            [
                (x - 0.5 * r - g, y + 0.65 * r),
                (x + 0.5 * r + g, y + 0.65 * r),
                (x + 0.25 * r + g, y + top),
                (x - 0.25 * r - g, y + top),
            ],
            colour,
        )
        if kind == 0:
            sheet.disc(x, y - 0.2 * r, 0.36 * r + g, colour)
        elif kind == 1:
            sheet.box(x - 0.5 * r - g, y - 0.7 * r - g, r + 2 * g, 0.6 * r + 2 * g, colour)
        elif kind == 2:
            sheet.disc(x, y - 0.45 * r, 0.28 * r + g, colour, 0.42 * r + g)
        elif kind == 3:
            sheet.polygon(
                [
                    (x - 0.45 * r - g, y),
                    (x - 0.2 * r, y - 0.85 * r - g),
                    (x + 0.6 * r + g, y - 0.2 * r),
                    (x + 0.3 * r, y + 0.1 * r),
                ],
                colour,
            )
        else:
            tips = [(x + (k - 2) * 0.3 * r * (1 + grow), y - (0.95 if k % 2 == 0 else 0.55) * r - g) for k in range(5)]
            sheet.polygon([*tips, (x + 0.35 * r, y), (x - 0.35 * r, y)], colour)
            if kind == 5:
                sheet.box(x - 0.08 * r - g, y - 1.15 * r, 0.16 * r + 2 * g, 0.5 * r, colour)


def _puzzle(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a number puzzle or a crossword in one design."""
    w, h = extent(shared, (0.75, 0.95), (450, 1000))
    style, crossed, name = random_style(shared, 0), shared.random() < 0.5, title(shared, 1, 2)
    n = int(shared.integers(11, 16)) if crossed else 9
    step = 0.9 * w / n
    top = 0.16 * h
    sheet = Sheet(w, h, style.ground)
    sheet.text(0.05 * w, 0.08 * h, name, style.head, 0.07 * h, style.accent, fit=0.6 * w)
    sheet.text(0.95 * w, 0.08 * h, f"No. {digits(own, 4)}", style.body, 0.04 * h, style.ink, "r")
    dark = own.random((n, n)) < 0.16
    dark |= dark[::-1, ::-1]
    number = 0
    for i in range(n):
        for j in range(n):
            x, y = 0.05 * w + j * step, top + i * step
            if crossed and dark[i, j]:
                sheet.box(x, y, step + 1, step + 1, style.ink)
            elif crossed:
                sheet.outline(x, y, step + 1, step + 1, style.ink, 1)
                starts = (j == 0 or dark[i, j - 1]) or (i == 0 or dark[i - 1, j])
                number += starts
                if starts:
                    sheet.text(x + 2, y + 0.22 * step, str(number), style.body, 0.3 * step, style.ink)
            else:
                sheet.outline(x, y, step + 1, step + 1, style.faint, 1)
                if own.random() < 0.4:
                    sheet.text(
                        x + step / 2,
                        y + step / 2,
                        str(int(own.integers(1, 10))),
                        style.head,
                        0.65 * step,
                        style.ink,
                        "m",
                    )
    for k in range(0 if crossed else 4):
        sheet.box(0.05 * w + 3 * k * step, top, 3, 9 * step, style.ink)
        sheet.box(0.05 * w, top + 3 * k * step, 9 * step, 3, style.ink)
    return sheet.pixels


def _badge(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw the badge of a conference: event, portrait, name, firm, a coloured foot with a role."""
    w, h = extent(shared, (0.62, 0.8), (400, 900))
    style, seed, event, where = (
        random_style(shared, 0.1),
        int(shared.integers(10**6)),
        slogan(shared, 2, 3),
        title(shared, 2, 3),
    )
    with_photo, roles, turn = shared.random() < 0.6, [slogan(shared, 1, 1) for _ in range(3)], shared.uniform(0.02, 0.1)
    sheet = Sheet(w, h, style.ground)
    sheet.polygon([(0, 0), (w, 0), (w, (0.26 - turn) * h), (0, (0.26 + turn) * h)], style.accent)
    sheet.box(0.42 * w, 0.02 * h, 0.16 * w, 0.022 * h, style.ground, 0.011 * h)
    brand(sheet, 0.14 * w, 0.14 * h, 0.16 * w, seed, ink_on(style.accent), style.second)
    sheet.text(0.26 * w, 0.11 * h, event, style.head, 0.08 * w, ink_on(style.accent), fit=0.68 * w)
    sheet.text(0.26 * w, 0.17 * h, where, style.body, 0.045 * w, ink_on(style.accent), fit=0.68 * w)
    y = 0.52 if with_photo else 0.45
    if with_photo:
        sheet.paste(photo_of(photos, own, 0.36 * w, 0.36 * w), 0.32 * w, 0.3 * h, 0.18 * w)
    first, last = person(own).split()
    sheet.text(w / 2, (y + 0.09) * h, first, style.head, 0.14 * w, style.ink, "m", fit=0.9 * w)
    sheet.text(w / 2, (y + 0.19) * h, last, style.head, 0.09 * w, style.ink, "m", fit=0.9 * w)
    sheet.text(w / 2, (y + 0.26) * h, title(own, 1, 2), style.body, 0.055 * w, style.ink, "m", fit=0.9 * w)
    sheet.box(0, 0.87 * h, w, 0.13 * h, style.second)
    sheet.text(
        w / 2, 0.935 * h, roles[int(own.integers(3))], style.head, 0.07 * h, ink_on(style.second), "m", fit=0.8 * w
    )
    return sheet.pixels


def _stamp(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw a postage stamp of a series: teeth, land, value, a picture in a border."""
    w, h = extent(shared, (0.7, 1.4), (350, 800))
    style, land, teeth = random_style(shared, 0), slogan(shared, 1, 2), shared.uniform(0.018, 0.03) * w
    ground, toned, year = mixed(style.panel, BLACK, 0.5), shared.random() < 0.5, str(int(shared.integers(1900, 2025)))
    rim, tint = 4 * teeth, np.array(style.accent) / 255
    picture = photo_of(photos, own, w - 2.6 * rim, h - 4.2 * rim)
    if toned:
        grey = picture.mean(axis=2, keepdims=True)
        picture = np.rint(grey * (0.35 + 0.65 * tint)).astype(np.uint8)
    sheet = Sheet(w, h, ground)
    sheet.box(1.5 * teeth, 1.5 * teeth, w - 3 * teeth, h - 3 * teeth, (250, 248, 240))
    for x in np.arange(1.5 * teeth, w, 2.4 * teeth):
        for y in (1.5 * teeth, h - 1.5 * teeth):
            sheet.disc(float(x), y, 0.75 * teeth, ground)
    for y in np.arange(1.5 * teeth, h, 2.4 * teeth):
        for x in (1.5 * teeth, w - 1.5 * teeth):
            sheet.disc(x, float(y), 0.75 * teeth, ground)
    sheet.paste(picture, 1.3 * rim, 2.3 * rim)
    sheet.outline(1.15 * rim, 2.15 * rim, w - 2.3 * rim, h - 3.9 * rim, style.accent, 3)
    sheet.text(1.3 * rim, 1.6 * rim, land, style.head, 0.8 * rim, style.accent, fit=0.55 * w)
    sheet.text(w - 1.3 * rim, 1.6 * rim, str(int(own.integers(1, 100))), style.head, 1.1 * rim, style.ink, "r")
    sheet.text(1.3 * rim, h - 1.3 * rim, title(own, 1, 2), style.body, 0.5 * rim, style.ink, fit=0.55 * w)
    sheet.text(w - 1.3 * rim, h - 1.3 * rim, year, style.body, 0.5 * rim, style.ink, "r")
    return sheet.pixels


PLANS = family("plans", (), (_floor_plan,))
BOARDS = family("boards", (), (_chess, _puzzle))
BADGES = family("badges", (), (_badge,))
STAMPS = family("stamps", (), (_stamp,))
