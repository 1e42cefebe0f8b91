"""Logos: the same disc, shield or emblem around other letters and signs."""

from __future__ import annotations

import numpy as np

from fingerprint.edits.canvas import Colour
from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import N_ICONS, brand, icon, star_points
from fingerprint.edits.graphics.sheet import Sheet
from fingerprint.edits.graphics.styles import BLACK, WHITE, ink_on, random_style, side, vivid
from fingerprint.edits.graphics.wording import made_word, slogan, title
from fingerprint.types import F64, U8


def _ground(shared: Rng) -> Colour:
    """Draw what a logo stands on, mostly white."""
    other = vivid(shared)
    return WHITE if shared.random() < 0.7 else other


def _round_logo(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a disc with a ring and letters in it, a name below."""
    w, style, ground = side(shared, 300, 700), random_style(shared), _ground(shared)
    ringed, named, same_colour, gap = (
        shared.random() < 0.6,
        shared.random() < 0.5,
        shared.random() < 0.5,
        shared.uniform(0.05, 0.12),
    )
    colour, second = (style.accent, style.second) if same_colour else (vivid(own), vivid(own))
    letters = made_word(own, 2)[: int(own.integers(1, 4))].upper()
    h = round(w * (1.25 if named else 1))
    sheet = Sheet(w, h, ground)
    r = 0.44 * w
    sheet.disc(w / 2, w / 2, r, colour)
    if ringed:
        sheet.ring(w / 2, w / 2, r * (1 - gap), ink_on(colour), 0.03 * w)
    sheet.text(w / 2, w / 2, letters, style.head, 0.5 * w, second if ringed else ink_on(colour), "m", fit=1.25 * r)
    if named:
        sheet.text(w / 2, 1.09 * w, title(own, 1, 1), style.head, 0.15 * w, ink_on(ground), "m", fit=0.9 * w)
    return sheet.pixels


def _shield_points(x: float, y: float, width: float, height: float) -> F64:
    """Return the outline of a shield."""
    t = np.linspace(0, 1, 20)
    right = np.column_stack([0.5 * np.cos(t * np.pi / 2), 0.35 + 0.65 * np.sin(t * np.pi / 2)])
    left = right[::-1] * [-1, 1]
    shape = np.vstack([[[-0.5, 0], [0, 0.06], [0.5, 0]], right, left])
    return shape * [width, height] + [x, y]


def _shield(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a shield with a band and a sign above and below it."""
    w, style, ground = side(shared, 300, 700), random_style(shared), _ground(shared)
    division, rim, same_colour = int(shared.integers(4)), shared.uniform(0.02, 0.05), shared.random() < 0.6
    year = str(int(shared.integers(1850, 2020)))
    colours = (style.accent, style.second) if same_colour else (vivid(own), vivid(own))
    sheet = Sheet(w, round(1.15 * w), ground)
    outer = _shield_points(w / 2, 0.06 * w, 0.84 * w, 1.03 * w)
    sheet.polygon(outer, BLACK if sum(ground) > 300 else WHITE)
    inner = (outer - [w / 2, 0.5 * w]) * (1 - 2.4 * rim) + [w / 2, 0.5 * w]
    sheet.polygon(inner, colours[0])
    if division == 0:
        sheet.polygon(
            np.vstack([inner[inner[:, 0] >= w / 2], [[w / 2, inner[:, 1].max()]], [[w / 2, inner[:, 1].min()]]]),
            colours[1],
        )
    elif division == 1:
        sheet.box(0.12 * w, 0.45 * w, 0.76 * w, 0.18 * w, colours[1])
    elif division == 2:
        sheet.polygon(
            [
                (0.5 * w, 0.3 * w),
                (0.84 * w, 0.6 * w),
                (0.84 * w, 0.75 * w),
                (0.5 * w, 0.45 * w),
                (0.16 * w, 0.75 * w),
                (0.16 * w, 0.6 * w),
            ],
            colours[1],
        )
    sheet.text(w / 2, 0.54 * w, slogan(own, 1, 1), style.head, 0.16 * w, WHITE, "m", fit=0.6 * w, rim=BLACK)
    icon(sheet, w / 2, 0.28 * w, 0.1 * w, int(own.integers(N_ICONS)), WHITE, 0.02 * w)
    sheet.text(w / 2, 0.82 * w, year, style.body, 0.09 * w, WHITE, "m", rim=BLACK)
    return sheet.pixels


def _hexagon(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a polygon with a sign, and a name and a line beside it."""
    w, style, ground = side(shared, 450, 1000), random_style(shared), _ground(shared)
    corners, turn, line, nested = (
        int(shared.integers(4, 9)),
        shared.uniform(0, 1),
        title(shared, 2, 3),
        int(shared.integers(1, 4)),
    )
    same_colour = shared.random() < 0.5
    colours = (style.accent, style.second) if same_colour else (vivid(own), vivid(own))
    h = round(0.42 * w)
    sheet = Sheet(w, h, ground)
    for k in range(nested):
        angles = turn + np.arange(corners) * 2 * np.pi / corners
        r = 0.42 * h * (1 - 0.14 * k)
        sheet.polygon(
            np.column_stack([0.5 * h + r * np.cos(angles), 0.5 * h + r * np.sin(angles)]),
            colours[0] if k % 2 == 0 else ground,
        )
    inner = colours[0] if nested % 2 else ground
    brand(sheet, 0.5 * h, 0.5 * h, 0.34 * h, int(own.integers(10**6)), ink_on(inner), colours[1])
    sheet.text(
        1.05 * h,
        0.42 * h,
        made_word(own, int(own.integers(1, 4))).title(),
        style.head,
        0.36 * h,
        ink_on(ground),
        fit=w - 1.15 * h,
    )
    sheet.text(1.05 * h, 0.72 * h, line, style.body, 0.12 * h, colours[0], fit=w - 1.15 * h)
    return sheet.pixels


def _emblem(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a round emblem: words along a ring, stars, a sign in the middle, rays."""
    w, style, ground = side(shared, 350, 750), random_style(shared), _ground(shared)
    rays, n_stars, same_colour = int(shared.integers(16, 48)), int(shared.integers(2, 6)), shared.random() < 0.6
    upper = slogan(shared, 1, 2)
    colour = style.accent if same_colour else vivid(own)
    lower = slogan(own, 1, 2)
    sheet = Sheet(w, w, ground)
    c, r = w / 2, 0.46 * w
    sheet.polygon(star_points(c, c, r, rays, 0.93), colour)
    sheet.disc(c, c, 0.86 * r, ink_on(colour))
    sheet.disc(c, c, 0.82 * r, colour)
    sheet.disc(c, c, 0.52 * r, ink_on(colour))
    for text, middle, flip in ((upper, -np.pi / 2, 1), (lower, np.pi / 2, -1)):
        widths = [style.head.measure(letter, 0.2 * r) for letter in text]
        total = sum(widths) / (0.67 * r)
        squeeze = min(1.0, 2.4 / total)
        angle = middle - flip * total * squeeze / 2
        for letter, width in zip(text, widths, strict=True):
            step = width / (0.67 * r) * squeeze
            at = angle + flip * step / 2
            turned = at + flip * np.pi / 2
            sheet.text(
                c + 0.67 * r * np.cos(at),
                c + 0.67 * r * np.sin(at),
                letter,
                style.head,
                0.2 * r * squeeze,
                ink_on(colour),
                "m",
                angle=turned,
            )
            angle += flip * step
    for x in (-0.67, 0.67):
        sheet.polygon(star_points(c + x * r, c, 0.08 * r, 3 + n_stars, 0.45), ink_on(colour))
    brand(sheet, c, c, 0.55 * r, int(own.integers(10**6)), colour, style.second)
    return sheet.pixels


LOGOS = family("logos", (_round_logo, _shield), (_hexagon, _emblem))
