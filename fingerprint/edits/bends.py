"""Edits that move parts of the picture against each other.

No one homography says where everything went. The map is kept as it was: it is right where little moves, in the middle
of what is said to move at most.

Each takes pixels, uint8 of shape (h, w, 3), and a random generator, and returns new pixels of the same shape.
"""

from __future__ import annotations

import cv2
import numpy as np

from fingerprint.edits.canvas import pixel_grid
from fingerprint.types import F32, U8


def wave(pixels: U8, rng: np.random.Generator) -> U8:
    """Bend it by waves of 1 to 3 % of a side, 1 to 4 across."""
    height, width = pixels.shape[:2]
    x, y = pixel_grid(width, height)
    reach, n = rng.uniform(0.01, 0.03, 2), rng.uniform(1, 4, 2)
    dx = np.float32(reach[0] * width) * np.sin(y * np.float32(2 * np.pi * n[0] / height))
    dy = np.float32(reach[1] * height) * np.sin(x * np.float32(2 * np.pi * n[1] / width))
    return _remapped(pixels, x + dx, y + dy)


def swirl(pixels: U8, rng: np.random.Generator) -> U8:
    """Turn the middle by 40 to 90 degrees, less the farther out."""
    height, width = pixels.shape[:2]
    x, y = pixel_grid(width, height)
    dx, dy = x - np.float32(width / 2), y - np.float32(height / 2)
    distance = np.hypot(dx, dy) / np.float32(0.6 * min(width, height))
    angle = np.float32(np.deg2rad(rng.uniform(40, 90)) * rng.choice([-1, 1])) * np.exp(-(distance**2) * 3)
    cos, sin = np.cos(angle), np.sin(angle)
    return _remapped(pixels, cos * dx - sin * dy + np.float32(width / 2), sin * dx + cos * dy + np.float32(height / 2))


def liquify(pixels: U8, rng: np.random.Generator) -> U8:
    """Push 2 to 6 places aside, or swell or pinch them, each 10 to 25 % of the shorter side wide."""
    height, width = pixels.shape[:2]
    x, y = pixel_grid(width, height)
    x, y = np.broadcast_to(x, (height, width)).copy(), np.broadcast_to(y, (height, width)).copy()
    for _ in range(int(rng.integers(2, 7))):
        radius = np.float32(rng.uniform(0.1, 0.25) * min(width, height))
        dx, dy = x - np.float32(rng.uniform(0.1, 0.9) * width), y - np.float32(rng.uniform(0.1, 0.9) * height)
        near = np.exp(-(dx * dx + dy * dy) / (2 * radius * radius))
        if rng.random() < 0.5:
            push = rng.uniform(-0.5, 0.5, 2).astype(np.float32) * radius
            x, y = x + near * push[0], y + near * push[1]
        else:
            grow = np.float32(rng.uniform(-0.6, 0.6))
            x, y = x + near * grow * dx, y + near * grow * dy
    return _remapped(pixels, x, y)


def glitch(pixels: U8, rng: np.random.Generator) -> U8:
    """Shift 4 to 12 bands sideways by up to 12 % of the width, and the red channel by up to 2 %."""
    out = pixels.copy()
    height, width = pixels.shape[:2]
    for _ in range(int(rng.integers(4, 13))):
        top, thick = int(rng.integers(height)), max(1, round(height * float(rng.uniform(0.01, 0.08))))
        shift = round(width * float(rng.uniform(-0.12, 0.12)))
        out[top : top + thick] = np.roll(out[top : top + thick], shift, axis=1)
    out[:, :, 0] = np.roll(out[:, :, 0], round(width * float(rng.uniform(-0.02, 0.02))), axis=1)
    return out


def mirrored_halves(pixels: U8, rng: np.random.Generator) -> U8:
    """Replace one half, or three quarters, by the mirror image of the rest, as in a kaleidoscope."""
    axes = ((1,), (0,), (1, 0))[int(rng.integers(3))]
    out = pixels
    for axis in axes:
        lines = out.shape[axis]
        kept = np.arange(lines)
        kept = np.minimum(kept, kept[::-1]) if rng.random() < 0.5 else np.maximum(kept, kept[::-1])
        out = np.take(out, kept, axis=axis)
    return out


def _remapped(pixels: U8, from_x: F32, from_y: F32) -> U8:
    seen = cv2.remap(
        pixels, from_x.astype(np.float32), from_y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(seen, np.uint8)
