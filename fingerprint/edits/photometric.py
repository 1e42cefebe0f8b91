"""Edits that change colours and leave every pixel where it is.

Each takes pixels, uint8 of shape (h, w, 3), and a random generator, and returns new pixels of the same shape.
`shuffle_pixels` belongs here too: the pixels it scatters are noise, and the rest stay where they were.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fingerprint.edits.canvas import resize, rounded
from fingerprint.types import F64, U8

_LUMA = np.array([0.299, 0.587, 0.114])


def grayscale(pixels: U8, rng: np.random.Generator) -> U8:
    """Remove the colour; one time in four tint the grey, as in old photographs."""
    tint = np.array([1.07, 0.94, 0.76]) if rng.random() < 0.25 else np.ones(3)
    return _mixed(pixels, tint[:, None] * _LUMA, np.zeros(3))


def color_jitter(pixels: U8, rng: np.random.Generator) -> U8:
    """Change brightness, contrast, saturation and hue, slightly to strongly; each of them most of the time."""
    brightness, contrast = np.exp(rng.uniform(-0.7, 0.7, 2) * (rng.random(2) < 0.75))
    saturation = rng.uniform(0, 2.5) if rng.random() < 0.7 else 1.0
    turn = rng.uniform(-np.pi, np.pi) * (0.25 if rng.random() < 0.7 else 1) if rng.random() < 0.6 else 0.0
    cos, sin = np.cos(turn), np.sin(turn) / np.sqrt(3)
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    hue = cos * np.eye(3) + sin * cross + (1 - cos) / 3  # a rotation of the colour cube about its grey axis
    colour = saturation * np.eye(3) + (1 - saturation) * _LUMA
    middle = float(np.asarray(cv2.mean(pixels)[:3]) @ _LUMA) * brightness
    return _mixed(pixels, brightness * contrast * hue @ colour, np.full(3, (1 - contrast) * middle))


def blur(pixels: U8, rng: np.random.Generator) -> U8:
    """Blur with a Gaussian of 0.3 to 2.5 % of the longer side; sometimes with a box, or along a line (motion blur)."""
    longer = max(pixels.shape[:2])
    sigma = longer * float(np.exp(rng.uniform(np.log(0.003), np.log(0.025))))
    kind = rng.random()
    if kind < 0.65:
        return _u8(cv2.GaussianBlur(pixels, (0, 0), sigmaX=sigma))
    length = 2 * max(1, round(1.5 * sigma)) + 1
    if kind < 0.8:
        return _u8(cv2.blur(pixels, (length, length)))
    reach = (length - 1) / 2 * np.array([np.cos(angle := rng.uniform(0, np.pi)), np.sin(angle)])
    start, end = (tuple(int(value) for value in np.rint(length // 2 + side * reach)) for side in (-1, 1))
    line = np.zeros((length, length), dtype=np.float32)
    cv2.line(line, start, end, 1.0)
    return _u8(cv2.filter2D(pixels, -1, line / line.sum()))


def pixelization(pixels: U8, rng: np.random.Generator) -> U8:
    """Lower the resolution to 10 to 60 % and keep the size: square blocks."""
    height, width = pixels.shape[:2]
    ratio = rng.uniform(0.1, 0.6)
    small, _ = resize(pixels, max(1, round(width * ratio)), max(1, round(height * ratio)))
    return resize(small, width, height, cv2.INTER_NEAREST_EXACT)[0]


def noise(pixels: U8, rng: np.random.Generator) -> U8:
    """Add grain (in colour or grey), multiply by it, or scatter black and white pixels."""
    height, width = pixels.shape[:2]
    kind = rng.random()
    if kind < 0.25:
        out = pixels.copy()
        chance = rng.random((height, width), dtype=np.float32)
        amount = rng.uniform(0.01, 0.12)
        out[chance < amount] = 0
        out[chance > 1 - amount] = 255
        return out
    grain = rng.standard_normal((height, width, 1 if rng.random() < 0.3 else 3), dtype=np.float32)
    if kind < 0.75:
        return rounded(pixels + grain * np.float32(rng.uniform(8, 60)))
    return rounded(pixels * (1 + grain * np.float32(rng.uniform(0.1, 0.6))))


def shuffle_pixels(pixels: U8, rng: np.random.Generator) -> U8:
    """Exchange 10 to 30 % of the pixels with each other at random."""
    out = pixels.reshape(-1, 3).copy()
    chosen = np.flatnonzero(rng.random(len(out), dtype=np.float32) < rng.uniform(0.1, 0.3))
    out[chosen] = out[rng.permutation(chosen)]
    return out.reshape(pixels.shape)


def edge_filter(pixels: U8, rng: np.random.Generator) -> U8:
    """Enhance the edges, leave little but the edges, or emboss; blended with the picture."""
    kind = rng.random()
    if kind < 0.4:
        changed = _u8(cv2.filter2D(pixels, -1, np.array([[-1, -1, -1], [-1, 10, -1], [-1, -1, -1]]) / 2))
    elif kind < 0.75:
        changed = _u8(cv2.filter2D(pixels, -1, np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]])))
        changed = 255 - changed if rng.random() < 0.5 else changed
    else:
        changed = _u8(cv2.filter2D(pixels, -1, np.array([[-2, -1, 0], [-1, 0, 1], [0, 1, 2]]), delta=128))
    weight = float(rng.uniform(0.4, 1))
    return _u8(cv2.addWeighted(changed, weight, pixels, 1 - weight, 0))


def sharpen(pixels: U8, rng: np.random.Generator) -> U8:
    """Sharpen by taking away 1 to 6 times the blurred picture."""
    soft = cv2.GaussianBlur(pixels, (0, 0), sigmaX=float(rng.uniform(0.8, 3)))
    amount = float(rng.uniform(1, 6))
    return _u8(cv2.addWeighted(pixels, 1 + amount, soft, -amount, 0))


def opacity(pixels: U8, rng: np.random.Generator) -> U8:
    """Make it 20 to 80 % opaque, on white or black."""
    weight = rng.uniform(0.2, 0.8)
    return _looked_up(pixels, np.arange(256) * weight + (255 * (1 - weight) if rng.random() < 0.6 else 0))


def jpeg(pixels: U8, rng: np.random.Generator) -> U8:
    """Save it as a JPEG of quality 4 to 60 and open it again."""
    quality = round(float(np.exp(rng.uniform(np.log(4), np.log(60)))))
    _, data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return pixels.copy() if decoded is None else _u8(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB))


def negative(pixels: U8, _rng: np.random.Generator) -> U8:
    """Turn dark to bright and each colour to its opposite."""
    return 255 - pixels


def posterize(pixels: U8, rng: np.random.Generator) -> U8:
    """Leave 2 to 6 levels of each colour."""
    steps = int(rng.integers(2, 7)) - 1
    return _looked_up(pixels, np.rint(np.arange(256) / 255 * steps) * 255 / steps)


def halftone(pixels: U8, rng: np.random.Generator) -> U8:
    """Print it as dots on a turned grid, in black or with one grid for each colour."""
    height, width = pixels.shape[:2]
    in_colour = rng.random() < 0.5
    period = rng.uniform(2.5, max(4.0, 0.016 * max(height, width)))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    inks = np.moveaxis(pixels, 2, 0) if in_colour else [cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)]
    out = np.empty_like(pixels)
    for i, ink in enumerate(inks):
        angle = np.deg2rad(45 + 30 * i)
        u = (x * np.cos(angle) + y * np.sin(angle)) * np.float32(np.pi / period)
        v = (y * np.cos(angle) - x * np.sin(angle)) * np.float32(np.pi / period)
        screen = 127.5 + 127.5 * np.cos(u) * np.cos(v)
        printed = rounded(127.5 + (ink - screen) * np.float32(period))
        out[:, :, i if in_colour else slice(None)] = printed if in_colour else printed[:, :, None]
    return out


def _mixed(pixels: U8, matrix: F64, offset: F64) -> U8:
    """Apply an affine map to the colours, kept to 0..255."""
    return _u8(cv2.transform(pixels, np.column_stack([matrix, offset])))


def _looked_up(pixels: U8, table: NDArray[np.floating]) -> U8:
    """Replace each value by its entry in a table of 256."""
    return _u8(cv2.LUT(pixels, rounded(table)))


def _u8(values: object) -> U8:
    """Return an array of OpenCV or NumPy as uint8, also for the type checker."""
    return np.asarray(values, dtype=np.uint8)
