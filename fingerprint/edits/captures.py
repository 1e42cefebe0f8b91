"""Edits that phones, screens, printers and scanners make.

Each takes pixels, uint8 of shape (h, w, 3), and a random generator. Those that leave every pixel where it is return new
pixels of the same shape; the others return a `Step`.
"""

from __future__ import annotations

import cv2
import numpy as np

from fingerprint.edits.canvas import Step, as_jpeg, pixel_grid, random_colour, resize, rounded, warp
from fingerprint.images.decode import read_rgb
from fingerprint.types import F32, U8

_TILT = 0.12  # most that a corner of a photographed screen moves inwards, of a side


def screen_photo(pixels: U8, rng: np.random.Generator) -> Step:
    """Photograph it from a screen: tilted by up to 12 % of a side, a moiré of 4 to 10 %, a glare, blur and noise."""
    height, width = pixels.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    shifts = rng.uniform(0, _TILT, (4, 2)) * [width, height] * inwards
    step = cv2.getPerspectiveTransform(corners, (corners + shifts).astype(np.float32)).astype(np.float64)
    seen = warp(pixels, step, width, height, random_colour(rng)).astype(np.float32)
    x, y = pixel_grid(width, height)
    angle, period = rng.uniform(0, np.pi), rng.uniform(3, 9)
    wave = np.sin((x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))) * np.float32(2 * np.pi / period))
    light = 1 + rng.uniform(-0.3, 0.3) * (x / width - 0.5) + rng.uniform(-0.3, 0.3) * (y / height - 0.5)
    seen *= ((1 + np.float32(rng.uniform(0.04, 0.1)) * wave) * light)[:, :, None]
    if rng.random() < 0.5:
        at, reach = rng.uniform(0.1, 0.9, 2), rng.uniform(0.05, 0.15)
        distance = ((x / width - np.float32(at[0])) ** 2 + (y / height - np.float32(at[1])) ** 2) / np.float32(reach**2)
        seen += np.float32(rng.uniform(80, 200)) * np.exp(-distance)[:, :, None]
    seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), float(rng.uniform(0.6, 1.4))), np.float32)
    return _noisy(seen, 5, rng), step


def print_scan(pixels: U8, rng: np.random.Generator) -> U8:
    """Print it in dots and scan it: contrast down by 15 to 40 %, yellowed, dots of 3 to 6 pixels, noise."""
    height, width = pixels.shape[:2]
    low, high = rng.uniform(10, 45), rng.uniform(200, 240)
    paper = np.array([1.0, rng.uniform(0.94, 1.0), rng.uniform(0.82, 0.95)], np.float32)
    seen = (low + pixels.astype(np.float32) / 255 * (high - low)) * paper
    x, y = pixel_grid(width, height)
    rate = np.float32(2 * np.pi / rng.uniform(3, 6))
    dots = np.cos((x + y) * rate) * np.cos((x - y) * rate)
    return _noisy(np.asarray(seen + 14 * dots[:, :, None], np.float32), 4, rng)


def low_light(pixels: U8, rng: np.random.Generator) -> U8:
    """Darken it to 8 to 20 %, with the noise of a sensor, and lighten it again by as much."""
    factor = rng.uniform(0.08, 0.2)
    dark = pixels.astype(np.float32) * np.float32(factor)
    dark = np.clip(np.rint(dark + np.float32(2.5) * rng.standard_normal(pixels.shape, np.float32)), 0, 255)
    return rounded(dark * np.float32(rng.uniform(0.6, 1) / factor))


def thumbnail(pixels: U8, rng: np.random.Generator) -> Step:
    """Reduce it to 50 to 110 pixels on the longer side."""
    height, width = pixels.shape[:2]
    factor = min(1.0, float(rng.uniform(50, 110)) / max(height, width))
    return resize(pixels, max(16, round(width * factor)), max(16, round(height * factor)))


def blown_up(pixels: U8, rng: np.random.Generator) -> U8:
    """Reduce it to 48 to 90 pixels, save that as JPEG, and enlarge it to the size that it had."""
    height, width = pixels.shape[:2]
    factor = min(1.0, float(rng.uniform(48, 90)) / max(height, width))
    small, _ = resize(pixels, max(8, round(width * factor)), max(8, round(height * factor)))
    small = read_rgb(as_jpeg(small, int(rng.integers(40, 80)))).pixels
    method = cv2.INTER_CUBIC if rng.random() < 0.7 else cv2.INTER_LINEAR
    return resize(small, width, height, method)[0]


def _noisy(values: F32, strength: float, rng: np.random.Generator) -> U8:
    """Add noise with this standard deviation in levels of 0..255."""
    return rounded(values + np.float32(strength) * rng.standard_normal(values.shape, np.float32))
