"""Drawn faces of one hand: the same outline, another mouth and other eyes."""

from __future__ import annotations

import numpy as np

from fingerprint.edits.canvas import Colour
from fingerprint.edits.graphics.expressions import INK, draw_features
from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.sheet import Sheet, arc
from fingerprint.edits.graphics.styles import BLACK, WHITE, hsv, ink_on, mixed, random_style, side, vivid
from fingerprint.edits.graphics.wording import made_word
from fingerprint.types import U8


def _smiley(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a round face like an emoji."""
    w = side(shared, 300, 700)
    skin = hsv(0.13, 0.75, 1) if shared.random() < 0.5 else vivid(shared)
    shaded, rim, gap, brows = (
        shared.random() < 0.6,
        shared.random() < 0.5,
        shared.uniform(0.28, 0.4),
        shared.random() < 0.5,
    )
    ground = WHITE if shared.random() < 0.7 else vivid(shared)
    blush = own.random() < 0.3
    sheet = Sheet(w, w, ground)
    c, r = w / 2, 0.45 * w
    sheet.disc(c, c, r, mixed(skin, BLACK, 0.35) if rim else skin)
    sheet.disc(c, c, 0.95 * r if rim else r, skin)
    if shaded:
        sheet.disc(c, c - 0.05 * r, 0.86 * r, mixed(skin, WHITE, 0.18), 0.8 * r)
    for x in (-0.6, 0.6) if blush else ():
        sheet.disc(c + x * r, c + 0.2 * r, 0.16 * r, (240, 110, 110), opacity=0.6)
    draw_features(sheet, own, c, c, r, gap, brows)
    return sheet.pixels


def _animal(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw the head of an animal: ears, snout, whiskers."""
    w, kind = side(shared, 300, 700), int(shared.integers(3))
    fur, ground, gap = (
        hsv(shared.uniform(0, 0.15), shared.uniform(0.1, 0.7), shared.uniform(0.3, 1)),
        mixed(vivid(shared), WHITE, 0.5),
        shared.uniform(0.3, 0.42),
    )
    light, whiskers, patch = mixed(fur, WHITE, 0.55), shared.random() < 0.6, shared.random() < 0.4
    sheet = Sheet(w, w, ground)
    c, r = w / 2, 0.38 * w
    for s in (-1, 1):
        x = c + s * 0.66 * r
        if kind == 0:
            sheet.polygon(
                [(x - 0.38 * r, c - 0.5 * r), (x + s * 0.3 * r, c - 1.25 * r), (x + 0.38 * r, c - 0.4 * r)], fur
            )
        elif kind == 1:
            sheet.disc(x, c - 0.75 * r, 0.38 * r, fur)
            sheet.disc(x, c - 0.75 * r, 0.2 * r, light)
        else:
            sheet.disc(x, c - 1.05 * r, 0.2 * r, fur, 0.6 * r)
            sheet.disc(x, c - 1.05 * r, 0.1 * r, light, 0.45 * r)
    sheet.disc(c, c, r, fur, 0.92 * r)
    if patch:
        sheet.disc(c + 0.38 * r, c - 0.2 * r, 0.3 * r, light)
    sheet.disc(c, c + 0.42 * r, 0.48 * r, light, 0.36 * r)
    draw_features(sheet, own, c, c + 0.05 * r, r, gap, brows=False)
    sheet.polygon([(c - 0.1 * r, c + 0.12 * r), (c + 0.1 * r, c + 0.12 * r), (c, c + 0.24 * r)], INK)
    for s in (-1, 1) if whiskers else ():
        for k in (-0.1, 0.02, 0.14):
            sheet.line(
                [(c + s * 0.3 * r, c + (0.3 + k) * r), (c + s * 1.05 * r, c + (0.3 + 2.2 * k) * r)], INK, 0.02 * r
            )
    return sheet.pixels


def _blob(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a soft figure with arms and feet on a ground with dots or rays, a name below."""
    w, style = side(shared, 300, 700), random_style(shared)
    lobes, depth, turn = int(shared.integers(2, 9)), shared.uniform(0.02, 0.14), shared.uniform(0, 6)
    colour, ground, dotted, lifted = (
        vivid(shared),
        mixed(vivid(shared), WHITE, 0.6),
        shared.random() < 0.5,
        shared.random(2) < 0.5,
    )
    spots, gap, series = (
        shared.uniform(-0.7, 0.7, (int(shared.integers(0, 8)), 2)),
        shared.uniform(0.25, 0.4),
        made_word(shared, 2).title(),
    )
    h = round(1.25 * w)
    sheet = Sheet(w, h, ground)
    c, y, r = w / 2, 0.45 * h, 0.3 * w
    for k in range(12):
        angle = k * np.pi / 6 + turn
        if dotted:
            sheet.disc(c + 0.44 * w * np.cos(angle), y + 0.44 * w * np.sin(angle), 0.02 * w, mixed(ground, WHITE, 0.6))
        else:
            ends = [(c + w * np.cos(angle + d), y + w * np.sin(angle + d)) for d in (-0.12, 0.12)]
            sheet.polygon([(c, y), *ends], mixed(ground, WHITE, 0.35))
    for s, up in zip((-1, 1), lifted, strict=True):
        sheet.line([(c + s * 0.8 * r, y), (c + s * 1.45 * r, y + (-0.5 if up else 0.5) * r)], colour, 0.16 * r)
        sheet.disc(c + s * 0.45 * r, y + 1.1 * r, 0.3 * r, colour, 0.18 * r)
    angles = np.linspace(0, 2 * np.pi, 90)
    radii = r * (1 + depth * np.sin(lobes * angles + turn))
    sheet.polygon(np.column_stack([c + radii * np.cos(angles), y + 1.1 * radii * np.sin(angles)]), colour)
    for dx, dy in spots:
        sheet.disc(c + dx * r * 0.7, y + dy * r, 0.07 * r, mixed(colour, BLACK, 0.2))
    draw_features(sheet, own, c, y, 0.95 * r, gap, brows=True)
    sheet.box(0, 0.88 * h, w, 0.12 * h, style.accent)
    sheet.text(0.05 * w, 0.94 * h, series, style.head, 0.06 * h, ink_on(style.accent))
    sheet.text(0.95 * w, 0.94 * h, made_word(own, 2).title(), style.body, 0.05 * h, ink_on(style.accent), "r")
    return sheet.pixels


def _portrait(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw a person of flat shapes: the same hair and clothes, another face."""
    w = side(shared, 350, 700)
    skin, hair, shirt, ground = (
        hsv(0.07, shared.uniform(0.2, 0.6), shared.uniform(0.45, 1)),
        hsv(shared.uniform(0, 0.15), 0.6, shared.uniform(0.1, 0.8)),
        vivid(shared),
        mixed(vivid(shared), WHITE, 0.5),
    )
    long_hair, glasses, gap, stripes = (
        shared.random() < 0.5,
        shared.random() < 0.3,
        shared.uniform(0.32, 0.42),
        int(shared.integers(0, 6)),
    )
    h = round(1.2 * w)
    sheet = Sheet(w, h, ground)
    c, y, r = w / 2, 0.5 * h, 0.26 * w
    if long_hair:
        sheet.box(c - 1.25 * r, y - 0.6 * r, 2.5 * r, 2.3 * r, hair, 0.6 * r)
    sheet.polygon(np.vstack([arc(c, 1.03 * h, 0.44 * w, np.pi, 2 * np.pi, 0.26 * h)]), shirt)
    for i in range(stripes):
        sheet.line(
            arc(c, (1.05 + 0.05 * i) * h, 0.42 * w, 1.2 * np.pi, 1.8 * np.pi, 0.24 * h),
            mixed(shirt, WHITE, 0.5),
            0.012 * h,
        )
    sheet.box(c - 0.3 * r, y + 0.6 * r, 0.6 * r, 0.7 * r, mixed(skin, BLACK, 0.12), 0.2 * r)
    sheet.disc(c, y - 0.15 * r, 1.15 * r, hair)
    sheet.disc(c, y + 0.05 * r, r, skin, 1.1 * r)
    sheet.polygon(arc(c, y - 0.55 * r, 0.98 * r, np.pi, 2 * np.pi, 0.55 * r), hair)
    draw_features(sheet, own, c, y + 0.15 * r, r, gap, brows=True)
    for s in (-1, 1) if glasses else ():
        sheet.ring(c + s * gap * r, y, 0.26 * r, INK, 0.05 * r)
    return sheet.pixels


def _robot(shared: Rng, own: Rng, _photos: Photos) -> U8:
    """Draw the head of a robot: plates, rivets, aerials, a screen with the face."""
    w = side(shared, 300, 700)
    metal, screen, ground = (
        hsv(shared.random(), 0.25, 0.75),
        hsv(shared.random(), 0.25, 0.95),
        mixed(vivid(shared), WHITE, 0.35),
    )
    aerials, rivets, ears, gap = (
        int(shared.integers(1, 4)),
        int(shared.integers(3, 8)),
        shared.random() < 0.6,
        shared.uniform(0.3, 0.45),
    )
    dark: Colour = mixed(metal, BLACK, 0.5)
    sheet = Sheet(w, w, ground)
    c, r = w / 2, 0.33 * w
    for i in range(aerials):
        x = c + (i - (aerials - 1) / 2) * 0.5 * r
        sheet.line([(x, c - r), (x, c - 1.35 * r)], dark, 0.06 * r)
        sheet.disc(x, c - 1.4 * r, 0.1 * r, (220, 60, 50))
    for s in (-1, 1) if ears else ():
        sheet.box(c + s * 1.2 * r - 0.15 * r, c - 0.35 * r, 0.3 * r, 0.7 * r, dark, 0.1 * r)
    sheet.box(c - 1.1 * r, c - r, 2.2 * r, 2.1 * r, dark, 0.25 * r)
    sheet.box(c - 1.04 * r, c - 0.94 * r, 2.08 * r, 1.98 * r, metal, 0.22 * r)
    sheet.box(c - 0.85 * r, c - 0.7 * r, 1.7 * r, 1.4 * r, screen, 0.15 * r)
    for i in range(rivets):
        sheet.disc(c - 0.9 * r + 1.8 * r * i / (rivets - 1), c + 0.87 * r, 0.06 * r, dark)
    draw_features(sheet, own, c, c + 0.02 * r, r, gap, brows=False)
    sheet.box(c - 0.4 * r, c + 1.1 * r, 0.8 * r, 0.3 * r, dark)
    sheet.box(c - 1.2 * r, c + 1.35 * r, 2.4 * r, r, metal, 0.3 * r)
    return sheet.pixels


DRAWN_FACES = family("drawn_faces", (_smiley, _animal, _blob), (_portrait, _robot))
