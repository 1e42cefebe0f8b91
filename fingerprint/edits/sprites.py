"""Small drawings laid over pictures, and text as one of them.

A sprite is a uint8 array of shape (h, w, 4): RGB times coverage, and coverage (premultiplied alpha). So it can be
resized and turned without dark seams.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fingerprint.edits.canvas import Colour, translation
from fingerprint.types import F64, U8

_TEXT = (
    "the best day ever when you see it wait for what new sale today only free look at this my friend said never again "
    "always love good morning happy birthday holiday summer winter so true story of life breaking news follow me more "
    "hello world who did that nobody knows why still waiting one does not simply repost if agree weekend mood big deal "
    "coming soon limited edition top ten original style home made with care fresh live update part two the end"
)
_WORDS = tuple(_TEXT.split())
_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!?#$%&*+-=<>@/:;()[]"
Font: TypeAlias = ImageFont.FreeTypeFont | ImageFont.ImageFont


def random_line(rng: np.random.Generator, n_words: tuple[int, int] = (1, 5)) -> str:
    """Draw a line of words, or of arbitrary characters; sometimes in capitals."""
    if rng.random() < 0.25:
        return "".join(rng.choice(list(_CHARACTERS), int(rng.integers(4, 14))))
    line = " ".join(rng.choice(_WORDS, int(rng.integers(n_words[0], n_words[1] + 1))))
    return line.upper() if rng.random() < 0.3 else line


def font(size: float) -> Font:
    """Return the font that Pillow ships, at a size in pixels."""
    return ImageFont.load_default(size=max(float(size), 4.0))


def text_sprite(
    lines: Sequence[str], width: float, height: float, colour: Colour, rim: Colour | None = None, weight: float = 0
) -> U8:
    """Draw lines of text as large as fits.

    Parameters
    ----------
    lines : sequence of str
        The text.
    width, height : float
        The space for it in pixels; the sprite exceeds it by no more than rounding.
    colour : tuple of int
        RGB of the letters.
    rim : tuple of int, optional
        RGB of their outline.
    weight : float
        Width of the outline, or added boldness without an outline, as a share of the font's size; below 0 counts as 0.

    Returns
    -------
    uint8 array, shape (h, w, 4)
    """
    text = "\n".join(lines)
    ruler = ImageDraw.Draw(Image.new("L", (1, 1)))
    weight = max(weight, 0.0)
    size, stroke = 48.0, 48 * weight
    for _ in range(2):  # the second time for the rounding
        box = ruler.multiline_textbbox((0, 0), text, font=font(size), stroke_width=stroke, align="center")
        size = max(4.0, size * min(width / max(box[2] - box[0], 1), height / max(box[3] - box[1], 1)))
        stroke = size * weight
    box = ruler.multiline_textbbox((0, 0), text, font=font(size), stroke_width=stroke, align="center")
    image = Image.new("RGBA", (max(1, int(np.ceil(box[2] - box[0]))), max(1, int(np.ceil(box[3] - box[1])))))
    ImageDraw.Draw(image).multiline_text(
        (-box[0], -box[1]),
        text,
        fill=colour,
        font=font(size),
        stroke_width=stroke,
        stroke_fill=rim or colour,
        align="center",
    )
    return np.array(image)


def stamp(pixels: U8, sprite: U8, step: F64, opacity: float = 1.0) -> U8:
    """Lay a sprite over a picture.

    Parameters
    ----------
    pixels : uint8 array, shape (h, w, 3)
        The picture.
    sprite : uint8 array, shape (sh, sw, 4)
        The sprite.
    step : float64 array, shape (3, 3)
        Affine map from the sprite's pixels to the picture's.
    opacity : float
        0 to 1.

    Returns
    -------
    uint8 array, shape (h, w, 3)
        A new array; what sticks out is cut off.
    """
    out = pixels.copy()
    corners = np.array([[0, 0, 1], [1, 0, 1], [0, 1, 1], [1, 1, 1]]) * [sprite.shape[1] - 1, sprite.shape[0] - 1, 1]
    corners = (corners @ step.T)[:, :2]
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    right, bottom = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, [pixels.shape[1], pixels.shape[0]])
    if right <= left or bottom <= top:
        return out
    local = (translation(-left, -top) @ step)[:2]
    patch = np.asarray(cv2.warpAffine(sprite, local, (int(right - left), int(bottom - top)))).astype(np.float32)
    under = out[top:bottom, left:right]
    mixed = under * (1 - patch[:, :, 3:] * np.float32(opacity / 255)) + patch[:, :, :3] * np.float32(opacity)
    out[top:bottom, left:right] = np.clip(np.rint(mixed), 0, 255)
    return out
