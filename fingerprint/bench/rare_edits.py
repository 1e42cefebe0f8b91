"""Edits that models are not trained on: those of the profiles ``unseen`` and ``hard``.

They are kept from `fingerprint.edits.EDITS`, which training draws from. Each docstring has the strength.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np

from fingerprint.edits import EditContext, Edited, EditFunction
from fingerprint.edits.canvas import (
    as_jpeg,
    as_rgb,
    moved,
    other_photo,
    paste,
    random_colour,
    resize,
    translation,
    warp,
)
from fingerprint.images.decode import read_rgb
from fingerprint.types import F32, U8

Rng = np.random.Generator


def collage(edited: Edited, rng: Rng, context: EditContext) -> Edited:
    """Put the picture, as it is, into a grid of 2 x 1 to 3 x 3 photographs, with a border of 0 to 3 %."""
    height, width = edited.pixels.shape[:2]
    columns, rows = ((2, 1), (1, 2), (2, 2), (3, 2), (3, 3))[int(rng.integers(5))]
    cell = min(1.0, 900 / max(columns * width, rows * height))
    w, h = max(16, round(width * cell)), max(16, round(height * cell))
    gap = round(float(rng.uniform(0, 0.03)) * min(w, h))
    canvas = np.full((rows * (h + gap) + gap, columns * (w + gap) + gap, 3), random_colour(rng), np.uint8)
    own = int(rng.integers(columns * rows))
    step = np.eye(3)
    for number in range(columns * rows):
        x, y = gap + number % columns * (w + gap), gap + number // columns * (h + gap)
        if number == own:
            patch, scaled = resize(edited.pixels, w, h)
            step = translation(x, y) @ scaled
        else:
            patch, _ = resize(other_photo(context, rng, max(w, h)), w, h)
        canvas = paste(canvas, patch, x, y)
    return moved(edited, (canvas, step))


def inset_fifth(edited: Edited, rng: Rng, context: EditContext) -> Edited:
    """Paste the picture onto another photograph at 17 to 23 % of its longer side."""
    background = other_photo(context, rng, 1000)
    height, width = edited.pixels.shape[:2]
    factor = float(rng.uniform(0.17, 0.23)) * max(background.shape[:2]) / max(height, width)
    patch, step = resize(edited.pixels, max(1, round(width * factor)), max(1, round(height * factor)))
    x = int(rng.integers(max(1, background.shape[1] - patch.shape[1] + 1)))
    y = int(rng.integers(max(1, background.shape[0] - patch.shape[0] + 1)))
    return moved(edited, (paste(background, patch, x, y), translation(x, y) @ step))


def keep_tenth(edited: Edited, rng: Rng, _context: EditContext) -> Edited:
    """Keep a tenth of the area, 28 to 36 % of each side, from near the middle."""
    height, width = edited.pixels.shape[:2]
    w, h = (max(16, round(side * float(rng.uniform(0.28, 0.36)))) for side in (width, height))
    x, y = (round(float(rng.uniform(0.2, 0.8)) * max(0, full - part)) for full, part in ((width, w), (height, h)))
    return moved(edited, (edited.pixels[y : y + h, x : x + w].copy(), translation(-x, -y)))


def screen_photo(edited: Edited, rng: Rng, _context: EditContext) -> Edited:
    """Photograph it from a screen: tilted by up to 12 % of a side, a moiré of 4 to 10 %, uneven light, blur, noise."""
    height, width = edited.pixels.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    shifts = rng.uniform(0, 0.12, (4, 2)) * [width, height] * [[1, 1], [-1, 1], [-1, -1], [1, -1]]
    step = cv2.getPerspectiveTransform(corners, (corners + shifts).astype(np.float32)).astype(np.float64)
    seen = warp(edited.pixels, step, width, height, random_colour(rng)).astype(np.float32)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    angle, period = rng.uniform(0, np.pi), rng.uniform(3, 9)
    wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * np.float32(2 * np.pi / period))
    light = 1 + rng.uniform(-0.3, 0.3) * (x / width - 0.5) + rng.uniform(-0.3, 0.3) * (y / height - 0.5)
    seen *= ((1 + rng.uniform(0.04, 0.1) * wave) * light)[:, :, None]
    seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), float(rng.uniform(0.6, 1.4))), np.float32)
    return moved(edited, (_clipped(seen + rng.normal(0, 5, seen.shape)), step))


def print_scan(pixels: U8, rng: Rng) -> U8:
    """Print it in dots and scan it: contrast down by 15 to 40 %, yellowed, dots of 3 to 6 pixels, noise."""
    height, width = pixels.shape[:2]
    low, high = rng.uniform(10, 45), rng.uniform(200, 240)
    paper = np.array([1.0, rng.uniform(0.94, 1.0), rng.uniform(0.82, 0.95)], np.float32)
    seen = (low + pixels.astype(np.float32) / 255 * (high - low)) * paper
    y, x = np.mgrid[:height, :width].astype(np.float32)
    period = rng.uniform(3, 6)
    dots = np.cos((x + y) * np.float32(2 * np.pi / period)) * np.cos((x - y) * np.float32(2 * np.pi / period))
    return _clipped(seen + 14 * dots[:, :, None] + rng.normal(0, 4, seen.shape))


def low_light(pixels: U8, rng: Rng) -> U8:
    """Darken it to 8 to 20 %, with noise, and lighten it again by as much."""
    factor = rng.uniform(0.08, 0.2)
    dark = pixels.astype(np.float32) * factor + rng.normal(0, 2.5, pixels.shape)
    return _clipped(np.rint(np.clip(dark, 0, 255)) / factor * rng.uniform(0.6, 1))


def blown_up(pixels: U8, rng: Rng) -> U8:
    """Reduce it to 48 to 80 pixels, save that as JPEG, and enlarge it again."""
    height, width = pixels.shape[:2]
    factor = float(rng.uniform(48, 80)) / max(height, width)
    small, _ = resize(pixels, max(8, round(width * factor)), max(8, round(height * factor)))
    small = read_rgb(as_jpeg(small, int(rng.integers(40, 80)))).pixels
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def painted(pixels: U8, rng: Rng) -> U8:
    """Paint it over: edges kept, all else smoothed, as filter apps do; strokes of 10 to 40 pixels."""
    smooth = cv2.edgePreservingFilter(pixels, flags=1, sigma_s=float(rng.uniform(10, 40)), sigma_r=0.4)
    return np.asarray(smooth, np.uint8)


def tiny(pixels: U8, rng: Rng) -> U8:
    """Reduce it to 64 to 110 pixels on the longer side."""
    height, width = pixels.shape[:2]
    factor = min(1.0, float(rng.uniform(64, 110)) / max(height, width))
    return resize(pixels, max(16, round(width * factor)), max(16, round(height * factor)))[0]


def wave(pixels: U8, rng: Rng) -> U8:
    """Bend it by waves of 1 to 3 % of a side, 1 to 4 across."""
    height, width = pixels.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    reach, n = rng.uniform(0.01, 0.03, 2), rng.uniform(1, 4, 2)
    from_x = x + np.float32(reach[0] * width) * np.sin(y * np.float32(2 * np.pi * n[0] / height))
    from_y = y + np.float32(reach[1] * height) * np.sin(x * np.float32(2 * np.pi * n[1] / width))
    return _remapped(pixels, from_x, from_y)


def swirl(pixels: U8, rng: Rng) -> U8:
    """Turn the middle by 40 to 90 degrees, less the farther out."""
    height, width = pixels.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    dx, dy = x - np.float32(width / 2), y - np.float32(height / 2)
    distance = np.hypot(dx, dy) / np.float32(0.6 * min(width, height))
    angle = np.float32(np.deg2rad(rng.uniform(40, 90)) * rng.choice([-1, 1])) * np.exp(-(distance**2) * 3)
    cos, sin = np.cos(angle), np.sin(angle)
    return _remapped(pixels, cos * dx - sin * dy + np.float32(width / 2), sin * dx + cos * dy + np.float32(height / 2))


def scribble(pixels: U8, rng: Rng) -> U8:
    """Draw 2 to 6 thick strokes of the hand over it, 1 to 4 % of a side wide."""
    out = pixels.copy()
    height, width = pixels.shape[:2]
    for _ in range(int(rng.integers(2, 7))):
        path = np.cumsum(rng.normal(0, 0.09, (12, 2)), axis=0) + rng.uniform(0.2, 0.8, 2)
        points = np.rint(path * [width, height]).astype(np.int32)
        thick = max(1, round(float(rng.uniform(0.01, 0.04)) * min(width, height)))
        cv2.polylines(out, [points], False, random_colour(rng), thick, cv2.LINE_AA)
    return out


def solarize(pixels: U8, rng: Rng) -> U8:
    """Reverse all values above a threshold of 90 to 170."""
    limit = int(rng.integers(90, 171))
    return np.where(pixels > limit, 255 - pixels, pixels).astype(np.uint8)


def duotone(pixels: U8, rng: Rng) -> U8:
    """Replace grey values by steps between two colours, at least 300 apart in all channels together."""
    first, second = np.array(random_colour(rng)), np.array(random_colour(rng))
    if np.abs(first - second).sum() < 300:
        second = np.where(first > 127, 20, 235)
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)[:, :, None] / 255
    return _clipped(first + (second - first) * grey)


def glitch(pixels: U8, rng: Rng) -> U8:
    """Shift 4 to 12 bands sideways by up to 12 % of the width, and the red channel by up to 2 %."""
    out = pixels.copy()
    height, width = pixels.shape[:2]
    for _ in range(int(rng.integers(4, 13))):
        top, thick = int(rng.integers(height)), max(1, round(height * float(rng.uniform(0.01, 0.08))))
        shift = round(width * float(rng.uniform(-0.12, 0.12)))
        out[top : top + thick] = np.roll(out[top : top + thick], shift, axis=1)
    out[:, :, 0] = np.roll(out[:, :, 0], round(width * float(rng.uniform(-0.02, 0.02))), axis=1)
    return out


def vignette(pixels: U8, rng: Rng) -> U8:
    """Darken the corners to 5 to 40 %, with warmer colours."""
    height, width = pixels.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    away = np.hypot(x / width - 0.5, y / height - 0.5) / np.float32(np.sqrt(0.5))
    light = 1 - (1 - rng.uniform(0.05, 0.4)) * away**2
    warm = np.array([rng.uniform(1.0, 1.2), 1.0, rng.uniform(0.75, 0.95)], np.float32)
    return _clipped(pixels * light[:, :, None] * warm)


def _remapped(pixels: U8, from_x: F32, from_y: F32) -> U8:
    seen = cv2.remap(
        pixels, from_x.astype(np.float32), from_y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(seen, np.uint8)


def _clipped(values: object) -> U8:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)  # type: ignore[call-overload]


def _simple(change: Callable[[U8, Rng], U8]) -> EditFunction:
    """Make an edit from a function of pixels; its map counts as the one between two sizes, which is near enough."""

    def edit(edited: Edited, rng: Rng, _context: EditContext) -> Edited:
        found = change(as_rgb(edited.pixels), rng)
        sizes = [found.shape[axis] / edited.pixels.shape[axis] for axis in (1, 0)]
        return moved(edited, (found, np.diag([*sizes, 1.0])))

    return edit


#: Edits that AugLy and the training lack.
UNSEEN: Mapping[str, EditFunction] = MappingProxyType(
    {
        "collage": collage,
        **{
            change.__name__: _simple(change)
            for change in (tiny, wave, swirl, scribble, solarize, duotone, glitch, vignette)
        },
    }
)
#: Edits that leave little.
HARD: Mapping[str, EditFunction] = MappingProxyType(
    {
        "inset_fifth": inset_fifth,
        "keep_tenth": keep_tenth,
        "screen_photo": screen_photo,
        **{change.__name__: _simple(change) for change in (print_scan, low_light, blown_up, painted)},
    }
)
