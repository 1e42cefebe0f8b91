"""Edits that lay text, signs, stripes or a picture over the picture, or paste it onto a background."""

from __future__ import annotations

import cv2
import numpy as np

from fingerprint.edits.canvas import (
    EditContext,
    Edited,
    Step,
    affine_about,
    inside,
    moved,
    other_photo,
    paste,
    random_colour,
    resize,
    seen_points,
    translation,
)
from fingerprint.edits.signs import sign_sprite
from fingerprint.edits.sprites import random_line, stamp, text_sprite
from fingerprint.types import F64, U8

_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)


def overlay_onto_background(edited: Edited, rng: np.random.Generator, context: EditContext) -> Edited:
    """Paste the picture, at 30 to 80 % of the size, onto another photograph; sometimes a little transparent."""
    height, width = edited.pixels.shape[:2]
    background = other_photo(context, rng, max(width, height) * rng.uniform(0.9, 1.8))
    room_height, room_width = background.shape[:2]
    factor = rng.uniform(0.3, 0.8) * min(room_width / width, room_height / height)
    patch, step = resize(edited.pixels, max(1, round(width * factor)), max(1, round(height * factor)))
    overhang = 0.2 if rng.random() < 0.15 else 0.0
    x, y = _place(patch, background, rng, overhang)
    opacity = rng.uniform(0.6, 0.95) if rng.random() < 0.25 else 1.0
    return moved(edited, (paste(background, patch, x, y, opacity), translation(x, y) @ step))


def overlay_image(edited: Edited, rng: np.random.Generator, context: EditContext) -> Edited:
    """Paste another photograph, at 15 to 50 % of the size, on top; 50 to 100 % opaque."""
    height, width = edited.pixels.shape[:2]
    photo = other_photo(context, rng, max(width, height))
    factor = rng.uniform(0.15, 0.5) * min(width / photo.shape[1], height / photo.shape[0])
    factor *= rng.uniform(1, 1.4)  # there is room, as only one side fits tightly
    patch, _ = resize(photo, max(1, round(photo.shape[1] * factor)), max(1, round(photo.shape[0] * factor)))
    points = seen_points(edited, context)
    x, y = _place(patch, edited.pixels, rng)
    for _ in range(8):  # do not hide what is left of a small inset
        if len(points) == 0 or inside(points, x, y, patch.shape[1], patch.shape[0]).mean() < 0.5:
            break
        x, y = _place(patch, edited.pixels, rng)
    opacity = 1.0 if rng.random() < 0.5 else rng.uniform(0.5, 1)
    return Edited(paste(edited.pixels, patch, x, y, opacity), edited.transform, edited.names)


def overlay_text(pixels: U8, rng: np.random.Generator) -> U8:
    """Write one to three lines over it, in any colour and size, upright or turned."""
    height, width = pixels.shape[:2]
    lines = [random_line(rng) for _ in range(int(rng.choice([1, 1, 1, 2, 3])))]
    colour = random_colour(rng) if rng.random() < 0.7 else (_WHITE if rng.random() < 0.5 else _BLACK)
    rim = (_BLACK if sum(colour) > 380 else _WHITE) if rng.random() < 0.3 else None
    room = rng.uniform(0.3, 1) * width, rng.uniform(0.06, 0.2) * height * len(lines)
    sprite = text_sprite(lines, *room, colour, rim, rng.uniform(0.02, 0.05) if rim else rng.uniform(-0.02, 0.02))
    opacity = 1.0 if rng.random() < 0.6 else rng.uniform(0.5, 1)
    return stamp(pixels, sprite, _turned(sprite, pixels, rng, 0.35), opacity)


def overlay_emoji(pixels: U8, rng: np.random.Generator) -> U8:
    """Lay one to three flat signs over it, each 12 to 45 % of the shorter side."""
    out = pixels
    for _ in range(int(rng.choice([1, 1, 1, 2, 2, 3]))):
        sprite = sign_sprite(max(4, round(min(pixels.shape[:2]) * rng.uniform(0.12, 0.45))), rng)
        opacity = 1.0 if rng.random() < 0.7 else rng.uniform(0.4, 1)
        out = stamp(out, sprite, _turned(sprite, pixels, rng, 0.4), opacity)
    return out


def overlay_stripes(pixels: U8, rng: np.random.Generator) -> U8:
    """Draw translucent stripes over it, level or slanted, a single broad one up to a dozen."""
    height, width = pixels.shape[:2]
    angle = np.deg2rad(rng.choice([0, 90, 45, -45]) if rng.random() < 0.5 else rng.uniform(-90, 90))
    period = max(3.0, max(height, width) * float(np.exp(rng.uniform(np.log(0.08), np.log(0.8)))))
    across = np.arange(width, dtype=np.float32) * np.float32(np.cos(angle) / period)
    down = np.arange(height, dtype=np.float32) * np.float32(np.sin(angle) / period)
    phase = (down[:, None] + across + np.float32(rng.random())) % 1
    weight = rng.uniform(0.3, 0.95)
    paint = np.full_like(pixels, random_colour(rng))
    painted = np.asarray(cv2.addWeighted(paint, weight, pixels, 1 - weight, 0), dtype=np.uint8)
    return np.where((phase < rng.uniform(0.15, 0.5))[:, :, None], painted, pixels)


def meme(pixels: U8, rng: np.random.Generator) -> Step:
    """Put a bar with a caption above it, below it, or both."""
    height, width = pixels.shape[:2]
    kind = rng.random()
    ground = _BLACK if kind < 0.4 else _WHITE if kind < 0.8 else random_colour(rng)
    ink = random_colour(rng)
    if rng.random() < 0.6 or np.abs(np.subtract(ink, ground)).sum() < 200:  # so that it can be read
        ink = _BLACK if sum(ground) > 380 else _WHITE
    sides = int(rng.choice([1, 1, 1, 2, 3]))  # 1 above, 2 below, 3 both
    bars = [_bar(width, height, ground, ink, rng) if sides & side else pixels[:0] for side in (1, 2)]
    return np.concatenate([bars[0], pixels, bars[1]]), translation(0, len(bars[0]))


def _bar(
    width: int, height: int, ground: tuple[int, int, int], ink: tuple[int, int, int], rng: np.random.Generator
) -> U8:
    """Draw a caption in the middle of a bar."""
    bar_height = max(8, round(min(height, 2 * width) * rng.uniform(0.12, 0.35)))
    bar = np.full((bar_height, width, 3), ground, dtype=np.uint8)
    lines = [random_line(rng, (2, 5)) for _ in range(1 if rng.random() < 0.7 else 2)]
    sprite = text_sprite(lines, 0.92 * width, 0.7 * bar_height, ink, None, rng.uniform(-0.02, 0.02))
    step = affine_about(np.eye(2), (sprite.shape[1], sprite.shape[0]), (width, bar_height))
    return stamp(bar, sprite, step)


def _place(patch: U8, canvas: U8, rng: np.random.Generator, overhang: float = 0.0) -> tuple[int, int]:
    """Draw a position for the patch: on the canvas, or sticking out by up to a share of the patch."""
    room = np.array(canvas.shape[1::-1]) - patch.shape[1::-1]
    spare = np.rint(overhang * np.array(patch.shape[1::-1]))
    x, y = rng.integers(np.minimum(-spare, room + spare), np.maximum(-spare, room + spare) + 1)
    return int(x), int(y)


def _turned(sprite: U8, canvas: U8, rng: np.random.Generator, chance: float) -> F64:
    """Draw a map that puts a sprite on the canvas, turned by up to 45 degrees with the given probability."""
    angle = np.deg2rad(rng.uniform(-45, 45)) if rng.random() < chance else 0.0
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    size = np.array(sprite.shape[1::-1])
    half = np.minimum(np.abs(turn) @ size, canvas.shape[1::-1]) / 2
    middle = rng.uniform(half, np.array(canvas.shape[1::-1]) - half)
    step: F64 = translation(*(middle - 0.5)) @ affine_about(turn, (int(size[0]), int(size[1])), (1, 1))
    return step
