"""Edits that lay much over the picture.

Each takes pixels, uint8 of shape (h, w, 3), and a random generator, and returns new pixels of the same shape.
"""

from __future__ import annotations

import cv2
import numpy as np

from fingerprint.edits.canvas import affine_about, paste, random_colour, translation
from fingerprint.edits.signs import sign_sprite
from fingerprint.edits.sprites import random_line, stamp, text_sprite
from fingerprint.types import U8


def scribble(pixels: U8, rng: np.random.Generator) -> U8:
    """Draw 2 to 6 thick strokes of the hand over it, 1 to 4 % of a side wide."""
    out = pixels.copy()
    height, width = pixels.shape[:2]
    for _ in range(int(rng.integers(2, 7))):
        path = np.cumsum(rng.normal(0, 0.09, (12, 2)), axis=0) + rng.uniform(0.2, 0.8, 2)
        points = np.rint(path * [width, height]).astype(np.int32)
        thick = max(1, round(float(rng.uniform(0.01, 0.04)) * min(width, height)))
        cv2.polylines(out, [points], False, random_colour(rng), thick, cv2.LINE_AA)
    return out


def paragraphs(pixels: U8, rng: np.random.Generator) -> U8:
    """Write 5 to 12 lines over 60 to 95 % of each side, half of the time on a panel that is 20 to 70 % opaque."""
    height, width = pixels.shape[:2]
    lines = [
        " ".join(random_line(rng) for _ in range(int(rng.integers(1, 4)))) for _ in range(int(rng.integers(5, 13)))
    ]
    colour = random_colour(rng)
    ground = (0, 0, 0) if sum(colour) > 380 else (255, 255, 255)
    room = np.rint(rng.uniform(0.6, 0.95, 2) * [width, height]).astype(int)
    corner = np.rint(rng.uniform(0, 1, 2) * ([width, height] - room)).astype(int)
    sprite = text_sprite(lines, float(room[0]), float(room[1]), colour, ground if rng.random() < 0.3 else None, 0.02)
    if rng.random() < 0.5:
        panel = np.full((int(room[1]), int(room[0]), 3), ground, np.uint8)
        pixels = paste(pixels, panel, int(corner[0]), int(corner[1]), float(rng.uniform(0.2, 0.7)))
    free = (room - sprite.shape[1::-1]) / 2
    return stamp(pixels, sprite, translation(*(corner + np.maximum(free, 0))))


def stickers(pixels: U8, rng: np.random.Generator) -> U8:
    """Lay 1 to 3 opaque signs over its middle, each 35 to 65 % of the shorter side."""
    height, width = pixels.shape[:2]
    out = pixels
    for _ in range(int(rng.integers(1, 4))):
        sprite = sign_sprite(max(4, round(min(height, width) * float(rng.uniform(0.35, 0.65)))), rng)
        angle = rng.uniform(-0.5, 0.5)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        middle = rng.uniform(0.3, 0.7, 2) * [width, height]
        out = stamp(out, sprite, translation(*(middle - 0.5)) @ affine_about(turn, sprite.shape[1::-1], (1, 1)))
    return out
