"""Edits of filter apps that change how a picture is drawn, and leave every pixel where it is.

Each takes pixels, uint8 of shape (h, w, 3), and a random generator, and returns new pixels of the same shape.
"""

from __future__ import annotations

import cv2
import numpy as np

from fingerprint.edits.canvas import random_colour, rounded
from fingerprint.types import U8

_LEAST_CONTRAST = 300  # between the two colours of a duotone, over all three channels


def painted(pixels: U8, rng: np.random.Generator) -> U8:
    """Paint it over: edges are kept and all else is smoothed, over 10 to 40 pixels; or drawn with a pencil's edges."""
    if rng.random() < 0.7:
        smooth = cv2.edgePreservingFilter(pixels, flags=1, sigma_s=float(rng.uniform(10, 40)), sigma_r=0.4)
    else:
        smooth = cv2.stylization(pixels, sigma_s=float(rng.uniform(10, 40)), sigma_r=0.3)
    return np.asarray(smooth, np.uint8)


def solarize(pixels: U8, rng: np.random.Generator) -> U8:
    """Reverse all values above a threshold of 90 to 170."""
    limit = int(rng.integers(90, 171))
    return np.where(pixels > limit, 255 - pixels, pixels).astype(np.uint8)


def duotone(pixels: U8, rng: np.random.Generator) -> U8:
    """Replace grey values by steps between two colours, at least 300 apart in all channels together."""
    first, second = np.array(random_colour(rng)), np.array(random_colour(rng))
    if np.abs(first - second).sum() < _LEAST_CONTRAST:
        second = np.where(first > 127, 20, 235)
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    table = first + (second - first) * (np.arange(256)[:, None] / 255)
    return np.asarray(rounded(table)[grey], np.uint8)


def equalize(pixels: U8, rng: np.random.Generator) -> U8:
    """Spread the levels evenly, over the whole picture or over 4 x 4 to 8 x 8 tiles of it."""
    colours = cv2.cvtColor(pixels, cv2.COLOR_RGB2YCrCb)
    if rng.random() < 0.5:
        colours[:, :, 0] = cv2.equalizeHist(colours[:, :, 0])
    else:
        n = int(rng.integers(4, 9))
        colours[:, :, 0] = cv2.createCLAHE(float(rng.uniform(3, 12)), (n, n)).apply(colours[:, :, 0])
    return np.asarray(cv2.cvtColor(colours, cv2.COLOR_YCrCb2RGB), np.uint8)


def vignette(pixels: U8, rng: np.random.Generator) -> U8:
    """Darken the corners to 5 to 40 %, with warmer colours."""
    height, width = pixels.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    away = np.hypot(x / width - 0.5, y / height - 0.5) / np.float32(np.sqrt(0.5))
    light = 1 - np.float32(1 - rng.uniform(0.05, 0.4)) * away**2
    warm = np.array([rng.uniform(1.0, 1.2), 1.0, rng.uniform(0.75, 0.95)], np.float32)
    return rounded(pixels * light[:, :, None] * warm)


def emboss(pixels: U8, rng: np.random.Generator) -> U8:
    """Leave a relief of the edges on grey, lit from one of eight sides, or the lengths of the gradients alone."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    dx, dy = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    if rng.random() < 0.5:
        angle = int(rng.integers(8)) * np.pi / 4
        relief = 128 + np.float32(rng.uniform(0.4, 1)) * (
            dx * np.float32(np.cos(angle)) + dy * np.float32(np.sin(angle))
        )
    else:
        relief = np.hypot(dx, dy) * np.float32(rng.uniform(0.5, 1))
        relief = 255 - relief if rng.random() < 0.5 else relief
    return np.repeat(rounded(relief)[:, :, None], 3, axis=2)
