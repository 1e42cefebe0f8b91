"""Edits that move pixels: crop, mirror, turn, stretch, pad, tilt.

All but `crop` take pixels, uint8 of shape (h, w, 3), and a random generator, and return a `Step`: new pixels and the
map from the old pixel coordinates to the new. None of them changes its input.
"""

from __future__ import annotations

import cv2
import numpy as np

from fingerprint.edits.canvas import (
    MIN_SIDE,
    EditContext,
    Edited,
    Step,
    affine_about,
    fill_colour,
    inside,
    moved,
    random_colour,
    resize,
    seen_points,
    translation,
    warp,
)
from fingerprint.types import F64, U8


def crop(edited: Edited, rng: np.random.Generator, context: EditContext) -> Edited:
    """Cut out a rectangle of 35 to 95 % of each side that keeps a good part of the visible source."""
    height, width = edited.pixels.shape[:2]
    points = seen_points(edited, context)
    best, best_share = (0, 0, width, height), -1.0
    for _ in range(12):
        w, h = (max(1, round(side * rng.uniform(0.35, 0.95))) for side in (width, height))
        x, y = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
        share = float(inside(points, x, y, w, h).mean()) if len(points) else 1.0
        if share > best_share:
            best, best_share = (x, y, w, h), share
        if share >= 0.3:
            best = (x, y, w, h)
            break
    x, y, w, h = best
    return moved(edited, (edited.pixels[y : y + h, x : x + w].copy(), translation(-x, -y)))


def hflip(pixels: U8, _rng: np.random.Generator) -> Step:
    """Mirror left and right."""
    step = np.array([[-1.0, 0, pixels.shape[1] - 1], [0, 1, 0], [0, 0, 1]])
    return np.ascontiguousarray(pixels[:, ::-1]), step


def vflip(pixels: U8, _rng: np.random.Generator) -> Step:
    """Mirror up and down."""
    step = np.array([[1.0, 0, 0], [0, -1, pixels.shape[0] - 1], [0, 0, 1]])
    return np.ascontiguousarray(pixels[::-1]), step


def rotate(pixels: U8, rng: np.random.Generator) -> Step:
    """Turn by any angle, often a right one; on a canvas that holds all of it, of the same size, or without border."""
    height, width = pixels.shape[:2]
    if rng.random() < 0.3:
        turns = int(rng.integers(1, 4))
        cos, sin = float((1, 0, -1, 0)[turns]), float((0, 1, 0, -1)[turns])
    else:
        limit = 45 if rng.random() < 0.6 else 180
        angle = np.deg2rad(rng.uniform(2, limit) * rng.choice([-1, 1]))
        cos, sin = float(np.cos(angle)), float(np.sin(angle))
    whole_width = width * abs(cos) + height * abs(sin)
    whole_height = width * abs(sin) + height * abs(cos)
    size = (round(whole_width), round(whole_height))
    kind = rng.random()
    if kind < 0.2:
        size = (width, height)
    elif kind < 0.55 and 0 not in (cos, sin):  # the largest upright rectangle of the same shape inside the turned one
        keep = min(width / whole_width, height / whole_height)
        size = (max(1, int(width * keep)), max(1, int(height * keep)))
    step = affine_about(np.array([[cos, -sin], [sin, cos]]), (width, height), size)
    return warp(pixels, step, *size, fill_colour(rng)), step


def aspect(pixels: U8, rng: np.random.Generator) -> Step:
    """Change the ratio of width to height by a factor of 1.2 to 2.2, either way."""
    height, width = pixels.shape[:2]
    stretch = float(np.exp(rng.uniform(np.log(1.2), np.log(2.2)) * rng.choice([-0.5, 0.5])))
    return resize(pixels, max(1, round(width * stretch)), max(1, round(height / stretch)))


def scale(pixels: U8, rng: np.random.Generator) -> Step:
    """Shrink to 15 to 60 % of the size; half of the time enlarge it back, which leaves the blur."""
    height, width = pixels.shape[:2]
    factor = max(float(rng.uniform(0.15, 0.6)), min(1.0, MIN_SIDE / min(width, height)))
    small, step = resize(pixels, max(1, round(width * factor)), max(1, round(height * factor)))
    if rng.random() < 0.5:
        return small, step
    method = int(rng.choice([cv2.INTER_NEAREST_EXACT, cv2.INTER_LINEAR, cv2.INTER_CUBIC]))
    return resize(small, width, height, method)[0], np.eye(3)


def pad(pixels: U8, rng: np.random.Generator) -> Step:
    """Put a border of one colour around it: equal on opposite sides, on two sides only, or different on each."""
    height, width = pixels.shape[:2]
    kind = rng.random()
    if kind < 0.5:
        share_x, share_y = rng.uniform(0.04, 0.4, 2)
        left = right = round(width * share_x)
        top = bottom = round(height * share_y)
    else:
        left, right = (round(width * share) for share in rng.uniform(0, 0.5, 2))
        top, bottom = (round(height * share) for share in rng.uniform(0, 0.5, 2))
        if kind < 0.75:
            left, right, top, bottom = (left, right, 0, 0) if rng.random() < 0.5 else (0, 0, top, bottom)
    return _padded(pixels, left, right, top, bottom, rng)


def pad_square(pixels: U8, rng: np.random.Generator) -> Step:
    """Put borders of one colour along the longer sides until it is square."""
    height, width = pixels.shape[:2]
    side = max(width, height)
    left, top = (side - width) // 2, (side - height) // 2
    return _padded(pixels, left, side - width - left, top, side - height - top, rng)


def perspective(pixels: U8, rng: np.random.Generator) -> Step:
    """Tilt it: the four corners move inward, which leaves empty wedges, or outward, which cuts them off."""
    height, width = pixels.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32) - 0.5
    inward = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]], dtype=np.float32) * np.array([width, height])
    reach = rng.uniform(0.08, 0.3) if rng.random() < 0.75 else -rng.uniform(0.08, 0.25)
    target = (corners + inward * (reach * rng.random((4, 2)))).astype(np.float32)
    size = (width, height)
    if reach > 0 and rng.random() < 0.4:  # trim the empty border away
        low = np.floor(target.min(axis=0))
        target -= low
        size = (max(1, int(np.ceil(target[:, 0].max()))), max(1, int(np.ceil(target[:, 1].max()))))
    step: F64 = np.asarray(cv2.getPerspectiveTransform(corners, target), dtype=np.float64)
    return warp(pixels, step, *size, fill_colour(rng)), step


def skew(pixels: U8, rng: np.random.Generator) -> Step:
    """Shear along one axis by 0.1 to 0.7, on a canvas that holds all of it or of the same size."""
    height, width = pixels.shape[:2]
    shear = float(rng.uniform(0.1, 0.7) * rng.choice([-1, 1]))
    whole = rng.random() < 0.6
    if rng.random() < 0.6:
        linear = np.array([[1, shear], [0, 1]])
        size = (width + round(abs(shear) * height * whole), height)
    else:
        linear = np.array([[1, 0], [shear, 1]])
        size = (width, height + round(abs(shear) * width * whole))
    step = affine_about(linear, (width, height), size)
    return warp(pixels, step, *size, fill_colour(rng)), step


def _padded(pixels: U8, left: int, right: int, top: int, bottom: int, rng: np.random.Generator) -> Step:
    """Put the picture on a larger canvas of one colour."""
    height, width = pixels.shape[:2]
    colour = random_colour(rng) if rng.random() < 0.6 else fill_colour(rng)
    canvas = np.empty((top + height + bottom, left + width + right, 3), dtype=np.uint8)
    canvas[:] = colour
    canvas[top : top + height, left : left + width] = pixels
    return canvas, translation(left, top)
