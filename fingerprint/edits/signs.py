"""Flat signs like emoji: faces, badges, hearts, stars, drawn from circles and polygons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import cv2
import numpy as np
from PIL import Image, ImageDraw

from fingerprint.edits.canvas import Colour, random_colour
from fingerprint.edits.sprites import font
from fingerprint.types import U8

_SIGNS = ("A", "B", "R", "OK", "UP!", "NEW", "100", "?", "!", "+", "%", "#", "ab", "24", "SOS", "Z", "i", "P", "@", "=")
_FLAT = ((59, 136, 195), (255, 172, 51), (221, 46, 68), (120, 177, 89), (153, 170, 181), (146, 102, 204), (49, 55, 61))
_SKINS = (
    (255, 204, 77),
    (255, 204, 77),
    (255, 204, 77),
    (193, 105, 79),
    (244, 171, 186),
    (190, 220, 120),
    (85, 172, 238),
)

_Box: TypeAlias = tuple[float, float, float, float]


def sign_sprite(size: int, rng: np.random.Generator) -> U8:
    """Draw one flat sign like an emoji, uint8 of shape (size, size, 4)."""
    unit = min(2 * size, 512)
    image = Image.new("RGBA", (unit, unit))
    _KINDS[int(rng.integers(len(_KINDS)))](ImageDraw.Draw(image), unit, rng)
    return np.asarray(cv2.resize(np.asarray(image), (size, size), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _round(unit: int, x: float, y: float, rx: float, ry: float | None = None) -> _Box:
    """Return the box of an ellipse, all in shares of `unit`."""
    ry = rx if ry is None else ry
    return ((x - rx) * unit, (y - ry) * unit, (x + rx) * unit, (y + ry) * unit)


def _flat(rng: np.random.Generator) -> Colour:
    """Draw a flat colour."""
    return _FLAT[int(rng.integers(len(_FLAT)))] if rng.random() < 0.8 else random_colour(rng)


def _label(draw: ImageDraw.ImageDraw, unit: int, rng: np.random.Generator, y: float, size: float, fill: Colour) -> None:
    """Write a sign in the middle."""
    sign = _SIGNS[int(rng.integers(len(_SIGNS)))]
    scaled = font(unit * size / max(1.0, 0.62 * len(sign)))
    draw.text((unit / 2, y * unit), sign, fill=fill, font=scaled, anchor="mm", stroke_width=unit * 0.012)


def _face(draw: ImageDraw.ImageDraw, unit: int, rng: np.random.Generator) -> None:
    """Draw a round face, some with ears."""
    skin = _SKINS[int(rng.integers(len(_SKINS)))]
    dark = (102, 69, 0) if rng.random() < 0.6 else (41, 47, 51)
    if rng.random() < 0.3:
        for x in (0.2, 0.8):
            draw.ellipse(_round(unit, x, 0.18, 0.16), fill=skin, outline=dark, width=max(1, unit // 60))
    draw.ellipse(_round(unit, 0.5, 0.52, 0.46), fill=skin)
    eye, gap = rng.uniform(0.035, 0.1), rng.uniform(0.13, 0.2)
    for x in (0.5 - gap, 0.5 + gap):
        if rng.random() < 0.3:
            draw.ellipse(_round(unit, x, 0.42, eye * 1.7), fill=(255, 255, 255))
        draw.ellipse(_round(unit, x, 0.42, eye, eye * rng.uniform(0.5, 1.7)), fill=dark)
    mouth = _round(unit, 0.5, 0.62, rng.uniform(0.12, 0.28), rng.uniform(0.08, 0.22))
    kind = int(rng.integers(4))
    if kind == 0:
        draw.chord(mouth, 0, 180, fill=dark)
    elif kind == 1:
        draw.ellipse(mouth, fill=dark)
    else:
        low, high = (20, 160) if kind == 2 else (200, 340)
        draw.arc(mouth, low, high, fill=dark, width=max(2, unit // 22))


def _badge(draw: ImageDraw.ImageDraw, unit: int, rng: np.random.Generator) -> None:
    """Draw a rounded square with a letter."""
    box = (0.02 * unit, 0.02 * unit, 0.98 * unit, 0.98 * unit)
    draw.rounded_rectangle(box, radius=unit * rng.uniform(0.05, 0.25), fill=_flat(rng))
    _label(draw, unit, rng, 0.5, 0.75, (255, 255, 255))


def _disc(draw: ImageDraw.ImageDraw, unit: int, rng: np.random.Generator) -> None:
    """Draw a ring with a letter or a bar through it."""
    draw.ellipse(_round(unit, 0.5, 0.5, 0.48), fill=_flat(rng))
    hole = (255, 255, 255) if rng.random() < 0.7 else (0, 0, 0, 0)
    draw.ellipse(_round(unit, 0.5, 0.5, rng.uniform(0.3, 0.4)), fill=hole)
    if rng.random() < 0.5:
        ends = ((0.2 * unit, 0.2 * unit), (0.8 * unit, 0.8 * unit))
        draw.line(ends, fill=(190, 25, 49), width=max(2, unit // 9))
    else:
        _label(draw, unit, rng, 0.5, 0.5, _flat(rng))


def _heart(draw: ImageDraw.ImageDraw, unit: int, rng: np.random.Generator) -> None:
    """Draw a heart."""
    t = np.linspace(0, 2 * np.pi, 60)
    x = 0.5 + 0.48 * np.sin(t) ** 3
    y = 0.46 - (13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)) / 34
    draw.polygon(_points(unit, x, y), fill=(221, 46, 68) if rng.random() < 0.6 else _flat(rng))


def _star(draw: ImageDraw.ImageDraw, unit: int, rng: np.random.Generator) -> None:
    """Draw a star or a burst, sometimes one inside another."""
    n_tips, depth = (5, 0.4) if rng.random() < 0.5 else (int(rng.integers(6, 14)), rng.uniform(0.5, 0.8))
    angles = np.arange(2 * n_tips) * np.pi / n_tips - np.pi / 2
    for size in (0.49, 0.3) if rng.random() < 0.4 else (0.49,):
        radii = np.where(np.arange(2 * n_tips) % 2, depth * size, size)
        colour = (255, 172, 51) if size > 0.4 and rng.random() < 0.5 else _flat(rng)
        draw.polygon(_points(unit, 0.5 + radii * np.cos(angles), 0.5 + radii * np.sin(angles)), fill=colour)


def _flower(draw: ImageDraw.ImageDraw, unit: int, rng: np.random.Generator) -> None:
    """Draw petals around a disc."""
    petal, n_petals = _flat(rng), int(rng.integers(5, 9))
    for angle in np.arange(n_petals) * 2 * np.pi / n_petals:
        draw.ellipse(_round(unit, 0.5 + 0.3 * np.cos(angle), 0.5 + 0.3 * np.sin(angle), 0.18), fill=petal)
    draw.ellipse(_round(unit, 0.5, 0.5, 0.17), fill=(255, 204, 77))


def _cloud(draw: ImageDraw.ImageDraw, unit: int, rng: np.random.Generator) -> None:
    """Draw a cloud or a crescent."""
    if rng.random() < 0.4:
        draw.ellipse(_round(unit, 0.5, 0.5, 0.48), fill=(255, 217, 131))
        draw.ellipse(_round(unit, rng.uniform(0.62, 0.8), 0.38, 0.4), fill=(0, 0, 0, 0))
        return
    colour = (225, 232, 237) if rng.random() < 0.6 else _flat(rng)
    for x, y, r in ((0.22, 0.6, 0.18), (0.42, 0.45, 0.24), (0.65, 0.5, 0.2), (0.8, 0.62, 0.16)):
        draw.ellipse(_round(unit, x, y, r), fill=colour)
    draw.rectangle((0.22 * unit, 0.58 * unit, 0.8 * unit, 0.78 * unit), fill=colour)


def _arrow(draw: ImageDraw.ImageDraw, unit: int, rng: np.random.Generator) -> None:
    """Draw an arrow in any of four directions, or a tick."""
    if rng.random() < 0.35:
        tick = np.array([[0.08, 0.55], [0.38, 0.85], [0.92, 0.15]])
        draw.line(_points(unit, *tick.T), fill=(119, 178, 85), width=unit // 6, joint="curve")
        return
    shape = np.array([[0.04, 0.36], [0.5, 0.36], [0.5, 0.1], [0.96, 0.5], [0.5, 0.9], [0.5, 0.64], [0.04, 0.64]]) - 0.5
    turn = int(rng.integers(4))
    for _ in range(turn):
        shape = shape[:, ::-1] * [-1, 1]
    draw.polygon(_points(unit, *(shape.T + 0.5)), fill=_flat(rng))


def _bubble(draw: ImageDraw.ImageDraw, unit: int, rng: np.random.Generator) -> None:
    """Draw a speech bubble with a word."""
    colour = (255, 255, 255) if rng.random() < 0.5 else _flat(rng)
    ink = (41, 47, 51) if sum(colour) > 380 else (255, 255, 255)
    draw.polygon(_points(unit, np.array([0.2, 0.5, 0.14]), np.array([0.6, 0.6, 0.97])), fill=colour)
    draw.ellipse(_round(unit, 0.5, 0.42, 0.48, 0.36), fill=colour)
    _label(draw, unit, rng, 0.42, 0.5, ink)


def _points(unit: int, x: Any, y: Any) -> list[tuple[float, float]]:
    """Return a polygon's corners in pixels."""
    return [(float(a) * unit, float(b) * unit) for a, b in zip(x, y, strict=True)]


_KINDS: tuple[Callable[[ImageDraw.ImageDraw, int, np.random.Generator], None], ...] = (
    _face,
    _face,
    _face,
    _badge,
    _badge,
    _disc,
    _heart,
    _star,
    _flower,
    _cloud,
    _arrow,
    _bubble,
)
