"""Faces to write in: the font that Pillow ships, its bitmap font, and faces drawn with a pen from `glyphs`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fingerprint.edits.graphics.glyphs import CAPITAL, glyph
from fingerprint.edits.sprites import Font, font
from fingerprint.types import F64, U8

#: Height of capitals as a share of a face's size.
CAPITAL_SHARE = 0.7
#: Free rows and columns around a mask, as a share of the size.
_MARGIN = 0.45
_SERIF = 1.5  # half a serif, in units of the glyphs


@dataclass(frozen=True, slots=True)
class Face:
    """How letters look.

    Attributes
    ----------
    kind : str
        ``"sans"`` (Pillow's font), ``"bitmap"`` (its small fixed font, enlarged) or ``"pen"``.
    width : float
        Stretch of the letters, 1 as designed.
    weight : float
        Width of the pen, or what is added to a sans face's strokes, as a share of the size.
    slant : float
        Shear: 0 upright, 0.2 italic.
    nib : float, [0, 1)
        Contrast of thick and thin strokes of a pen face.
    nib_angle : float
        Direction in which the pen is broad, in radians; 0 makes upright strokes thick.
    serif : bool
        Whether the upright strokes of a pen face end in serifs.
    spacing : float
        Gap between the letters of a pen face, as a share of the size.
    fixed : bool
        Whether all letters of a pen face are equally wide, as on a typewriter.
    wobble : float
        How far letters stray from their line, as a share of the size: handwriting. Only where a generator is given.
    """

    kind: str = "sans"
    width: float = 1.0
    weight: float = 0.0
    slant: float = 0.0
    nib: float = 0.0
    nib_angle: float = 0.0
    serif: bool = False
    spacing: float = 0.12
    fixed: bool = False
    wobble: float = 0.0

    def measure(self, text: str, size: float) -> float:
        """Return the width of a text in pixels."""
        if self.kind == "sans":
            return float(_sans(size).getlength(text)) * self.width
        if self.kind == "bitmap":
            return len(text) * 6 * _enlargement(size) * self.width
        return float(sum(self._advance(character) for character in text)) * size

    def mask(self, text: str, size: float, rng: np.random.Generator | None = None) -> tuple[U8, int, int]:
        """Draw a line of text.

        Parameters
        ----------
        text : str
            One line.
        size : float
            Size of the face in pixels; capitals are `CAPITAL_SHARE` of it high.
        rng : numpy.random.Generator, optional
            Source of the wobble of a hand.

        Returns
        -------
        mask : uint8 array, shape (h, w)
            Coverage, 0 to 255.
        x, y : int
            Column where the text starts, and row of the baseline.
        """
        if self.kind == "pen":
            return self._written(text, size, rng)
        mask, margin, baseline = _sans_mask(self, text, size) if self.kind == "sans" else _bitmap_mask(text, size)
        if self.width == 1 and self.slant == 0:
            return mask, margin, baseline
        step = np.array([[self.width, -self.slant, margin * (1 - self.width) + self.slant * baseline], [0, 1.0, 0]])
        right = round(margin * 2 + (mask.shape[1] - 2 * margin) * self.width)
        return np.asarray(cv2.warpAffine(mask, step, (right, mask.shape[0])), dtype=np.uint8), margin, baseline

    def _advance(self, character: str) -> float:
        """Return how far a pen face moves on after a letter, as a share of the size."""
        width = 6.5 if self.fixed else glyph(character)[0]
        return width * self.width * CAPITAL_SHARE / CAPITAL + self.spacing + self.weight / 2 + 0.05 * self.serif

    def _written(self, text: str, size: float, rng: np.random.Generator | None) -> tuple[U8, int, int]:
        """Draw a line of text with a pen, letter by letter."""
        size = round(size * 4) / 4
        wobbles = self.wobble and rng is not None
        pieces: list[tuple[U8, float]] = []
        x = 0.0
        for character in text:
            pieces.append((_letter(self, character, size), x))
            x += self._advance(character) * size
        margin = int(np.ceil(_MARGIN * size))
        rows = round(CAPITAL_SHARE * size) + 2 * margin
        mask = np.zeros((rows, int(np.ceil(x)) + 3 * margin), np.uint8)
        for letter, at in pieces:
            dx, dy = rng.normal(0, self.wobble * size, 2) if wobbles and rng else (0.0, 0.0)
            left, up = max(round(at + dx), 0), int(np.clip(round(dy), -margin, margin))
            seen = letter[max(0, -up) : rows - max(0, up), : mask.shape[1] - left]
            under = mask[max(0, up) : max(0, up) + seen.shape[0], left : left + seen.shape[1]]
            np.maximum(under, seen, out=under)
        return mask, margin, margin + round(CAPITAL_SHARE * size)


def random_face(rng: np.random.Generator, kinds: str = "sans sans pen pen serif serif") -> Face:
    """Draw a face.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    kinds : str
        Names to choose from: ``sans``, ``bitmap``, ``pen``, ``serif`` (a pen face with serifs), ``fixed`` (equally wide
        letters), ``hand`` (handwriting); repeated ones are more frequent.

    Returns
    -------
    Face
    """
    names = kinds.split()
    name = names[int(rng.integers(len(names)))]
    width, slant = rng.uniform(0.8, 1.2), rng.uniform(0.1, 0.25) if rng.random() < 0.15 else 0.0
    if name == "sans":
        return Face("sans", float(width), rng.uniform(0.01, 0.03) if rng.random() < 0.4 else 0.0, slant)
    if name == "bitmap":
        return Face("bitmap")
    if name == "hand":
        lean = rng.uniform(-0.05, 0.35)
        nib = float(rng.choice([0, 0.3]))
        return Face("pen", width * 0.95, rng.uniform(0.035, 0.07), lean, nib, 0.6, spacing=0.09, wobble=0.025)
    weight = rng.uniform(0.055, 0.13)
    if name == "fixed":
        return Face("pen", width, min(weight, 0.1), serif=bool(rng.random() < 0.5), spacing=0.12, fixed=True)
    if name == "serif":
        return Face("pen", width, weight, slant, rng.uniform(0.3, 0.7), rng.uniform(-0.1, 0.5), serif=True)
    nib = float(rng.uniform(0.2, 0.5)) if rng.random() < 0.4 else 0.0
    return Face("pen", width, weight, slant, nib, rng.uniform(0, 0.7), spacing=rng.uniform(0.11, 0.17))


@lru_cache(maxsize=4096)
def _letter(face: Face, character: str, size: float) -> U8:
    """Draw a letter with a pen, enlarged, and reduce it; the result is shared and must not be changed."""
    enlarged = 4 if size < 24 else 2 if size < 120 else 1
    unit = CAPITAL_SHARE * size / CAPITAL
    margin = int(np.ceil(_MARGIN * size))
    width, lines = glyph(character)
    squeeze = min(1.0, 6 / max(width, 1)) * face.width if face.fixed else face.width
    inset = (6 * face.width - width * squeeze) / 2 if face.fixed else 0.0
    side = (face.spacing + face.weight / 2 + 0.05 * face.serif) * size / 2
    strokes: list[F64] = []
    serifs: list[F64] = []
    for line in lines:
        points = np.column_stack([line[:, 0] * squeeze + inset, line[:, 1] - CAPITAL])
        points[:, 0] -= face.slant * points[:, 1]
        strokes.append(points * unit + [side, 0])
        serifs += _serifs(line, strokes[-1], unit) if face.serif else []
    rows = round(CAPITAL_SHARE * size) + 2 * margin
    columns = int(np.ceil(width * squeeze * unit + side)) + 2 * margin
    canvas = np.zeros((rows * enlarged, columns * enlarged), np.uint8)
    pen = max(face.weight * size, 0.7) * enlarged
    broad = np.array([np.cos(face.nib_angle), -np.sin(face.nib_angle)]) * pen * face.nib / 2
    origin = np.array([margin, margin + round(CAPITAL_SHARE * size)]) * enlarged
    thin, foot = max(1, round(pen * (1 - face.nib))), max(1, round(pen * min(0.6, 1 - 0.8 * face.nib)))
    for share in (-1.0, -0.5, 0.0, 0.5, 1.0) if face.nib else (0.0,):
        _draw(canvas, strokes, enlarged, origin + broad * share, thin)
    _draw(canvas, serifs, enlarged, origin, foot)
    if enlarged == 1:
        return canvas
    return np.asarray(cv2.resize(canvas, (columns, rows), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _draw(canvas: U8, lines: list[F64], enlarged: int, origin: F64, pen: int) -> None:
    """Draw lines, in pixels of the picture, on an enlarged canvas."""
    points = [np.rint((line * enlarged + origin) * 16).astype(np.int32) for line in lines]
    cv2.polylines(canvas, points, False, 255, pen, cv2.LINE_AA, 4)


def _serifs(line: F64, drawn: F64, unit: float) -> list[F64]:
    """Return short level lines across the ends of upright strokes."""
    found = []
    for end, inner in ((0, 1), (-1, -2)):
        run = np.abs(line[end] - line[inner])
        if line[end, 1] in (0, 4, 12, 16) and run[1] > 2 * run[0]:
            x, y = drawn[end]
            found.append(np.array([[x - _SERIF * unit, y], [x + _SERIF * unit, y]]))
    return found


@lru_cache(maxsize=256)
def _sans(size: float) -> Font:
    """Return Pillow's font at a size to half a pixel; making one takes time."""
    return font(round(size * 2) / 2)


def _sans_mask(face: Face, text: str, size: float) -> tuple[U8, int, int]:
    """Draw a line of text in Pillow's font, unstretched."""
    drawn = _sans(size)
    margin = int(np.ceil(_MARGIN * size))
    baseline = margin + round(CAPITAL_SHARE * size)
    image = Image.new("L", (int(np.ceil(drawn.getlength(text))) + 2 * margin, baseline + margin))
    where = (margin, baseline)
    ImageDraw.Draw(image).text(where, text, fill=255, font=drawn, anchor="ls", stroke_width=face.weight * size)
    return np.array(image), margin, baseline


def _bitmap_mask(text: str, size: float) -> tuple[U8, int, int]:
    """Draw a line of text in Pillow's bitmap font, whose letters are 6 x 11 pixels with capitals of 7."""
    image = Image.new("L", (6 * max(1, len(text)) + 8, 19))
    ImageDraw.Draw(image).text((4, 4), text, fill=255, font=ImageFont.load_default_imagefont())
    factor = _enlargement(size)
    mask = np.repeat(np.repeat(np.array(image), factor, axis=0), factor, axis=1)
    return mask, 4 * factor, 13 * factor


def _enlargement(size: float) -> int:
    """Return how often the pixels of the bitmap font are repeated at a size."""
    return max(1, int(size / 10))
