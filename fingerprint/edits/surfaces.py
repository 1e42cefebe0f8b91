"""Close-ups of surfaces: walls, pebbles, fibres and plaster, all over alike and yet each its own.

Keypoints of such a picture resemble each other, so much of what is found in it is found at a wrong place, and two
pictures of one material agree in all that can be counted. Still a copy of one is a copy, and another wall is not.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from fingerprint.types import F32, U8

_SIDES = (320, 640)  # pixels


def draw_surface(rng: np.random.Generator) -> U8:
    """Draw a close-up of a surface of a random material.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness: the same state gives the same bytes.

    Returns
    -------
    uint8 array, shape (h, w, 3) RGB
        Its sides are 320 to 640 pixels.
    """
    h, w = (int(side) for side in rng.integers(*_SIDES, 2))
    draw = _MATERIALS[int(rng.integers(len(_MATERIALS)))]
    relief = draw(rng, h, w)
    relief = (relief - relief.mean()) / max(float(relief.std()), 1e-6)
    dark, bright = rng.uniform(0, 110, 3), rng.uniform(110, 250, 3)
    if rng.random() < 0.4:
        dark[:], bright[:] = dark[0], bright[0]
    share = np.clip(0.5 + rng.uniform(0.12, 0.3) * relief, 0, 1)[..., None]
    light = 1 + rng.uniform(0, 0.25) * np.linspace(-1, 1, w)[:, None]
    pixels = (dark * (1 - share) + bright * share) * light + rng.normal(0, rng.uniform(0, 6), (h, w, 1))
    return np.asarray(np.clip(np.rint(pixels), 0, 255), np.uint8)


def _grain(rng: np.random.Generator, h: int, w: int, roughness: float, stretch: float = 1.0) -> F32:
    """Return noise of all scales, fine ones the stronger the rougher, drawn out in height by a factor."""
    total, size, weight = np.zeros((h, w), np.float32), 2.0, 1.0
    while size < max(h, w):
        rows, columns = max(2, round(h / size / stretch)), max(2, round(w / size))
        field = rng.standard_normal((rows, columns)).astype(np.float32)
        total += weight * np.asarray(cv2.resize(field, (w, h), interpolation=cv2.INTER_CUBIC), np.float32)
        size, weight = 2 * size, weight / roughness
    return np.asarray(total / max(float(total.std()), 1e-6), np.float32)


def _plaster(rng: np.random.Generator, h: int, w: int) -> F32:
    return _grain(rng, h, w, rng.uniform(0.9, 1.8))


def _bark(rng: np.random.Generator, h: int, w: int) -> F32:
    return _grain(rng, h, w, rng.uniform(0.9, 1.5), rng.uniform(2.5, 7))


def _masonry(rng: np.random.Generator, h: int, w: int) -> F32:
    """Rows of stones, each with its own brightness, between joints."""
    height = rng.uniform(14, 70)
    width, joint, shift = height * rng.uniform(1, 3.2), rng.uniform(1.5, 5), rng.uniform(0, 1)
    relief = np.full((h, w), rng.uniform(-1.8, 1.8), np.float32)
    for row in range(int(h / height) + 1):
        for column in range(-1, int(w / width) + 2):
            x, y = (column + row * shift % 1) * width + rng.normal(0, 0.6), row * height + rng.normal(0, 0.6)
            corners = [(round(x), round(y)), (round(x + width - joint), round(y + height - joint))]
            cv2.rectangle(relief, corners[0], corners[1], float(rng.normal(0, 0.35)), -1)
    return np.asarray(cv2.GaussianBlur(relief, (0, 0), 0.8), np.float32) + rng.uniform(0.2, 0.9) * _plaster(rng, h, w)


def _pebbles(rng: np.random.Generator, h: int, w: int) -> F32:
    """Stones side by side, each brightest in its middle."""
    n = int(h * w / rng.uniform(6, 30) ** 2)
    ground = np.full((h, w), 255, np.uint8)
    ground[rng.integers(0, h, n), rng.integers(0, w, n)] = 0
    away, stone = cv2.distanceTransformWithLabels(ground, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    brightness = rng.normal(0, 1, int(stone.max()) + 1).astype(np.float32)
    rim = np.asarray(away, np.float32) / max(float(away.mean()), 1e-6)
    relief = brightness[stone] - rng.uniform(0.5, 1.5) * rim + rng.uniform(0.1, 0.6) * _plaster(rng, h, w)
    return np.asarray(relief, np.float32)


def _fibres(rng: np.random.Generator, h: int, w: int) -> F32:
    """Blades and hairs that lie over each other, most of them in one direction."""
    relief = rng.uniform(0.2, 0.5) * _plaster(rng, h, w)
    main, spread, length = rng.uniform(0, np.pi), rng.uniform(0.1, 0.9), rng.uniform(12, 60)
    for _ in range(int(h * w / length / rng.uniform(1.2, 3))):
        angle, x, y = main + spread * rng.standard_normal(), rng.uniform(0, w), rng.uniform(0, h)
        end = (round(x + length * np.cos(angle)), round(y + length * np.sin(angle)))
        cv2.line(relief, (round(x), round(y)), end, float(rng.normal(0, 1)), int(rng.integers(1, 3)), cv2.LINE_8)
    return np.asarray(cv2.GaussianBlur(relief, (0, 0), 0.6), np.float32)


_MATERIALS: tuple[Callable[[np.random.Generator, int, int], F32], ...] = (_plaster, _bark, _masonry, _pebbles, _fibres)
