"""Photographs and the small pictures in graphics: avatars, icons, marks of a brand."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from fingerprint.edits.canvas import Colour, as_rgb, random_colour, resize
from fingerprint.edits.graphics.families import Rng
from fingerprint.edits.graphics.sheet import Sheet, arc
from fingerprint.edits.graphics.styles import hsv, ink_on, mixed
from fingerprint.types import F64, I64, U8

N_ICONS = 14


def any_photo(photos: Sequence[U8], rng: Rng) -> U8:
    """Return one of the photographs as it is, or a made scene if there are none; uint8 of shape (h, w, 3)."""
    if not photos:
        return made_scene(rng, 480, int(rng.integers(320, 600)))
    return as_rgb(photos[int(rng.integers(len(photos)))])


def photo_of(photos: Sequence[U8], rng: Rng, width: float, height: float) -> U8:
    """Return one of the photographs, cut and resized to a size in pixels; uint8 of shape (height, width, 3)."""
    return fitted(any_photo(photos, rng), rng, width, height)


def fitted(photo: U8, rng: Rng, width: float, height: float) -> U8:
    """Cut the largest part of a given shape out of a photograph, and resize it."""
    w, h = max(1, round(width)), max(1, round(height))
    factor = min(photo.shape[1] / w, photo.shape[0] / h)
    cut_w, cut_h = max(1, round(w * factor)), max(1, round(h * factor))
    x, y = (round(float(rng.uniform(0.2, 0.8)) * room) for room in (photo.shape[1] - cut_w, photo.shape[0] - cut_h))
    return resize(np.ascontiguousarray(photo[max(y, 0) : y + cut_h, max(x, 0) : x + cut_w]), w, h)[0]


def broad_photo(photos: Sequence[U8], rng: Rng, width: float, low: float = 0.55, high: float = 1.35) -> U8:
    """Return one of the photographs at a width; its height is cut to between `low` and `high` times the width."""
    photo = any_photo(photos, rng)
    height = width * photo.shape[0] / photo.shape[1]
    return fitted(photo, rng, width, float(np.clip(height, low * width, high * width)))


def scaled(photo: U8, longer: float) -> U8:
    """Resize a photograph to a longer side in pixels."""
    factor = longer / max(photo.shape[:2])
    return resize(photo, max(1, round(photo.shape[1] * factor)), max(1, round(photo.shape[0] * factor)))[0]


def made_scene(rng: Rng, width: int, height: int) -> U8:
    """Draw soft hills and discs under a sky, for where no photographs are given."""
    soft = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
    sheet = Sheet(width, height, (0, 0, 0))
    sheet.pixels[:] = cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(int(rng.integers(4, 9))):
        sheet.disc(
            rng.uniform(0, width),
            rng.uniform(0, height),
            rng.uniform(0.03, 0.2) * width,
            random_colour(rng),
            opacity=rng.uniform(0.4, 1),
        )
    along = np.linspace(0, width, 40)
    for i in range(3):
        swing = np.sin(along / width * rng.uniform(4, 20) + rng.uniform(0, 7)) * rng.uniform(0.02, 0.1)
        hill = np.column_stack([along, height * (0.55 + 0.13 * i + swing)])
        ends = np.array([[width, height], [0, height]])
        sheet.polygon(np.vstack([hill, ends]), random_colour(rng))
    grain = rng.normal(0, 7, (height, width, 1))
    return np.clip(np.rint(sheet.pixels + grain), 0, 255).astype(np.uint8)


def avatar(sheet: Sheet, x: float, y: float, radius: float, rng: Rng) -> None:
    """Draw the round picture of a person."""
    ground, shirt = hsv(rng.random(), 0.4, 0.85), hsv(rng.random(), 0.7, 0.6)
    skin, hair = hsv(0.07, rng.uniform(0.25, 0.6), rng.uniform(0.4, 0.95)), hsv(0.08, 0.6, rng.uniform(0.05, 0.8))
    sheet.disc(x, y, radius, ground)
    lean = rng.uniform(-0.15, 0.15) * radius
    body = arc(x, y + 0.95 * radius, 0.62 * radius, np.pi, 2 * np.pi, 0.7 * radius)
    beyond = np.maximum(1, np.hypot(body[:, 0] - x, body[:, 1] - y) / (0.97 * radius))
    body = (body - [x, y]) / beyond[:, None] + [x, y]
    sheet.polygon(body, shirt)
    sheet.disc(x + lean, y - 0.2 * radius, 0.4 * radius, hair)
    sheet.disc(x + lean, y - 0.1 * radius, 0.32 * radius, skin, 0.38 * radius)


def icon(sheet: Sheet, x: float, y: float, radius: float, kind: int, colour: Colour, pen: float | None = None) -> None:
    """Draw one of `N_ICONS` line icons."""
    r, pen = radius, pen or max(1.0, radius / 7)
    shapes: dict[int, list[list[tuple[float, float]]]] = {
        1: [[(-1, -0.8), (1, -0.8), (1, 0.8), (-1, 0.8), (-1, -0.8)], [(-1, -0.8), (0, 0.1), (1, -0.8)]],
        2: [[(-1, -0.6), (1, -0.6)], [(-1, 0), (1, 0)], [(-1, 0.6), (1, 0.6)]],
        3: [[(-1, 0), (1, 0)], [(0, -1), (0, 1)]],
        4: [[(-1, 0.1), (0, -0.9), (1, 0.1)], [(-0.7, 0), (-0.7, 0.9), (0.7, 0.9), (0.7, 0)]],
        5: [[(0, 0.9), (-0.95, -0.1), (-0.6, -0.8), (0, -0.4), (0.6, -0.8), (0.95, -0.1), (0, 0.9)]],
        6: [[(-0.9, -0.2), (0.9, -0.9), (0.2, 0.9), (-0.1, 0.1), (-0.9, -0.2)]],
        7: [[(-0.6, -1), (0.6, -1), (0.6, 1), (0, 0.4), (-0.6, 1), (-0.6, -1)]],
        8: [[(-0.8, -0.9), (0.9, 0), (-0.8, 0.9), (-0.8, -0.9)]],
        9: [[(-1, 0), (1, 0)], [(0.3, -0.7), (1, 0), (0.3, 0.7)]],
        10: [[(-0.8, 0.1), (-0.2, 0.7), (0.9, -0.7)]],
        11: [[(-0.7, -0.7), (0.7, 0.7)], [(-0.7, 0.7), (0.7, -0.7)]],
        12: [
            [(-0.9, 0.9), (-0.9, 0.2)],
            [(-0.3, 0.9), (-0.3, -0.5)],
            [(0.3, 0.9), (0.3, -0.1)],
            [(0.9, 0.9), (0.9, -0.9)],
        ],
    }
    if kind == 0:
        sheet.ring(x - 0.2 * r, y - 0.2 * r, 0.65 * r, colour, pen)
        sheet.line([(x + 0.3 * r, y + 0.3 * r), (x + r, y + r)], colour, pen)
    elif kind in shapes:
        sheet.lines([[(x + a * r, y + b * r) for a, b in line] for line in shapes[kind]], colour, pen)
    else:
        sheet.ring(x, y, 0.9 * r, colour, pen)
        sheet.lines([[(x, y - 0.55 * r), (x, y), (x + 0.4 * r, y + 0.25 * r)]], colour, pen)


def icons(
    sheet: Sheet, x: float, y: float, width: float, radius: float, kinds: Sequence[int] | I64, colour: Colour
) -> None:
    """Draw a row of icons, evenly over a width."""
    for i, kind in enumerate(kinds):
        icon(sheet, x + width * (i + 0.5) / len(kinds), y, radius, int(kind), colour)


def star_points(x: float, y: float, radius: float, tips: int, depth: float, turn: float = 0) -> F64:
    """Return the corners of a star; `depth` is the inner radius as a share of the outer one; shape (2 * tips, 2)."""
    angles = np.arange(2 * tips) * np.pi / tips - np.pi / 2 + turn
    radii = np.where(np.arange(2 * tips) % 2, depth * radius, radius)
    return np.column_stack([x + radii * np.cos(angles), y + radii * np.sin(angles)])


def brand(sheet: Sheet, x: float, y: float, size: float, seed: int, colour: Colour, second: Colour) -> None:
    """Draw the mark of a brand, at most `size` wide and high, with its middle at ``(x, y)``; one for each seed."""
    rng = np.random.default_rng([7, seed])
    r, kind = size / 2, int(rng.integers(6))
    if kind == 0:
        sheet.disc(x, y, r, colour)
        sheet.disc(x + r * rng.uniform(-0.3, 0.3), y + r * rng.uniform(-0.3, 0.3), 0.55 * r, second)
    elif kind == 1:
        sheet.box(x - r, y - r, size, size, colour, r * rng.uniform(0.2, 0.7))
        icon(sheet, x, y, 0.5 * r, int(rng.integers(N_ICONS)), ink_on(colour), max(1, r / 6))
    elif kind == 2:
        tips = int(rng.integers(3, 9))
        sheet.polygon(star_points(x, y, r, tips, rng.uniform(0.35, 0.75)), colour)
        sheet.disc(x, y, 0.3 * r, second)
    elif kind == 3:
        for i, shade in enumerate((colour, second, mixed(colour, second, 0.5))):
            sheet.polygon(np.vstack([[[x, y]], arc(x, y, r, i * 2.1, i * 2.1 + rng.uniform(0.9, 2))]), shade)
    elif kind == 4:
        heights = rng.uniform(0.3, 1, 4) * size
        for i, height in enumerate(heights):
            sheet.box(x - r + i * size / 4, y + r - height, size / 5, height, colour if i % 2 else second)
    else:
        sheet.ring(x, y, 0.85 * r, colour, max(2, 0.25 * r))
        points = star_points(x, y, 0.55 * r, int(rng.integers(3, 6)), rng.uniform(0.3, 0.9), rng.uniform(0, 1))
        sheet.polygon(points, second)
