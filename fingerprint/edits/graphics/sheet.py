"""The canvas that graphics are drawn on: smooth shapes, text, photographs."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from fingerprint.edits.canvas import Colour
from fingerprint.edits.graphics.faces import CAPITAL_SHARE, Face
from fingerprint.types import F64, I32, U8

_SHIFT = 4  # bits of a fraction of a pixel


class Sheet:
    """A picture being drawn. All coordinates are pixels as floats, y down; what sticks out is cut off.

    Parameters
    ----------
    width, height : int
        Size in pixels.
    colour : tuple of int
        RGB of the ground.

    Attributes
    ----------
    pixels : uint8 array, shape (height, width, 3) RGB
        The picture.
    """

    def __init__(self, width: int, height: int, colour: Colour) -> None:
        self.width, self.height = width, height
        self.pixels: U8 = np.empty((height, width, 3), dtype=np.uint8)
        self.pixels[:] = colour

    def box(
        self, x: float, y: float, width: float, height: float, fill: Colour, radius: float = 0, opacity: float = 1
    ) -> None:
        """Draw a filled rectangle, with round corners if `radius` is above 0."""
        if radius > 0:
            self.polygon(_rounded(x, y, width, height, radius), fill, opacity)
            return
        left, top, right, bottom = round(x), round(y), round(x + width), round(y + height)
        part = self.pixels[max(top, 0) : max(bottom, top + 1, 0), max(left, 0) : max(right, left + 1, 0)]
        part[:] = fill if opacity >= 1 else np.rint(part * (1 - opacity) + np.array(fill) * opacity)

    def outline(
        self, x: float, y: float, width: float, height: float, colour: Colour, pen: float = 1, radius: float = 0
    ) -> None:
        """Draw the outline of a rectangle, its pen inside of it."""
        pen = max(1.0, round(pen))
        if radius > 0:
            half = pen / 2
            inner = _rounded(x + half, y + half, width - pen, height - pen, max(radius - half, 0.5))
            self.line(np.vstack([inner, inner[:1]]), colour, pen)
            return
        for bar in ((x, y, width, pen), (x, y + height - pen, width, pen), (x, y, pen, height)):
            self.box(*bar, colour)
        self.box(x + width - pen, y, pen, height, colour)

    def polygon(self, points: F64 | Sequence[Sequence[float]], fill: Colour, opacity: float = 1) -> None:
        """Fill a polygon, `points` of shape (n, 2)."""
        corners = [_fixed(points)]
        if opacity >= 1:
            cv2.fillPoly(self.pixels, corners, fill, cv2.LINE_AA, _SHIFT)
            return
        low = np.floor(np.min(points, axis=0)).astype(int) - 1
        size = np.ceil(np.max(points, axis=0)).astype(int) + 2 - low
        mask = np.zeros((int(size[1]), int(size[0])), dtype=np.uint8)
        cv2.fillPoly(mask, [_fixed(np.asarray(points) - low)], 255, cv2.LINE_AA, _SHIFT)
        self.cover(mask, int(low[0]), int(low[1]), fill, opacity)

    def line(self, points: F64 | Sequence[Sequence[float]], colour: Colour, pen: float = 1) -> None:
        """Draw lines from point to point, with round ends."""
        self.lines([points], colour, pen)

    def lines(self, many: Sequence[F64 | Sequence[Sequence[float]]], colour: Colour, pen: float = 1) -> None:
        """Draw many lines of one colour and width."""
        cv2.polylines(self.pixels, [_fixed(p) for p in many], False, colour, max(1, round(pen)), cv2.LINE_AA, _SHIFT)

    def disc(self, x: float, y: float, rx: float, fill: Colour, ry: float | None = None, opacity: float = 1) -> None:
        """Fill a circle, or an ellipse if `ry` is given."""
        self.polygon(arc(x, y, rx, 0, 2 * np.pi, ry), fill, opacity)

    def ring(self, x: float, y: float, rx: float, colour: Colour, pen: float = 1, ry: float | None = None) -> None:
        """Draw a circle's line, or that of an ellipse."""
        self.line(arc(x, y, rx, 0, 2 * np.pi, ry), colour, pen)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        face: Face,
        size: float,
        colour: Colour,
        align: str = "l",
        *,
        fit: float | None = None,
        angle: float = 0,
        opacity: float = 1,
        rim: Colour | None = None,
        rng: np.random.Generator | None = None,
    ) -> float:
        """Write a line of text.

        Parameters
        ----------
        x, y : float
            Left end, middle or right end of the line, and the middle of its capitals.
        text : str
            One line.
        face : Face
            How letters look.
        size : float
            Size of the face in pixels.
        colour : tuple of int
            RGB of the letters.
        align : str
            ``"l"``, ``"m"`` or ``"r"``: which point of the line `x` is.
        fit : float, optional
            Largest width in pixels; a longer line is made smaller.
        angle : float
            Turn about ``(x, y)`` in radians, clockwise.
        opacity : float
            0 to 1.
        rim : tuple of int, optional
            RGB of an outline.
        rng : numpy.random.Generator, optional
            Source of the wobble of a hand.

        Returns
        -------
        float
            The width of the line in pixels.
        """
        width = face.measure(text, size)
        if fit is not None and width > fit:
            size, width = size * fit / width, fit
        size = max(size, 4.0)
        mask, start, baseline = face.mask(text, size, rng)
        left = start + {"l": 0.0, "m": width / 2, "r": width}[align]
        middle = baseline - CAPITAL_SHARE * size / 2
        if angle:
            mask, left, middle = _turned(mask, left, middle, angle)
        at = round(x - left), round(y - middle)
        if rim is not None:
            reach = 2 * max(1, round(size * 0.06)) + 1
            kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
            self.cover(np.asarray(cv2.dilate(mask, kernel), dtype=np.uint8), *at, rim, opacity)
        self.cover(mask, *at, colour, opacity)
        return width

    def cover(self, mask: U8, x: int, y: int, colour: Colour, opacity: float = 1) -> None:
        """Lay one colour over the picture where a mask, uint8 of shape (h, w), has it; 255 covers all."""
        left, top = max(x, 0), max(y, 0)
        right, bottom = min(x + mask.shape[1], self.width), min(y + mask.shape[0], self.height)
        if right <= left or bottom <= top:
            return
        weight = mask[top - y : bottom - y, left - x : right - x, None].astype(np.float32) * np.float32(opacity / 255)
        under = self.pixels[top:bottom, left:right]
        under[:] = np.rint(under + (np.array(colour, np.float32) - under) * weight)

    def paste(self, patch: U8, x: float, y: float, radius: float = 0) -> None:
        """Lay a picture, uint8 of shape (h, w, 3), on this one; with round corners if `radius` is above 0."""
        x0, y0 = round(x), round(y)
        left, top = max(x0, 0), max(y0, 0)
        right, bottom = min(x0 + patch.shape[1], self.width), min(y0 + patch.shape[0], self.height)
        if right <= left or bottom <= top:
            return
        seen = patch[top - y0 : bottom - y0, left - x0 : right - x0]
        under = self.pixels[top:bottom, left:right]
        if radius <= 0:
            under[:] = seen
            return
        mask = np.zeros(patch.shape[:2], dtype=np.uint8)
        corners = [_fixed(_rounded(0, 0, patch.shape[1], patch.shape[0], radius))]
        cv2.fillPoly(mask, corners, 255, cv2.LINE_AA, _SHIFT)
        weight = mask[top - y0 : bottom - y0, left - x0 : right - x0, None] / np.float32(255)
        under[:] = np.rint(under * (1 - weight) + seen * weight)

    def fade(self, x: float, y: float, width: float, height: float, first: Colour, last: Colour) -> None:
        """Fill a rectangle with a change from one colour at its top to another at its bottom."""
        left, top, right, bottom = round(x), round(y), round(x + width), round(y + height)
        share = np.linspace(0, 1, max(1, bottom - top))[:, None]
        rows = np.rint(np.array(first) * (1 - share) + np.array(last) * share).astype(np.uint8)
        part = self.pixels[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
        part[:] = rows[max(0, -top) : max(0, -top) + part.shape[0], None]


def arc(x: float, y: float, rx: float, start: float, stop: float, ry: float | None = None) -> F64:
    """Return points along a part of a circle or ellipse, angles in radians clockwise from the right; shape (n, 2)."""
    ry = rx if ry is None else ry
    n = int(np.clip(max(rx, ry) * abs(stop - start) / 3, 8, 120))
    angles = np.linspace(start, stop, n)
    return np.column_stack([x + rx * np.cos(angles), y + ry * np.sin(angles)])


def _rounded(x: float, y: float, width: float, height: float, radius: float) -> F64:
    """Return the outline of a rectangle with round corners."""
    r = min(radius, width / 2, height / 2)
    quarter = np.pi / 2
    middles = ((x + width - r, y + height - r), (x + r, y + height - r), (x + r, y + r), (x + width - r, y + r))
    return np.vstack([arc(*middle, r, i * quarter, (i + 1) * quarter) for i, middle in enumerate(middles)])


def _fixed(points: F64 | Sequence[Sequence[float]]) -> I32:
    """Return points in fractions of a pixel, as OpenCV draws them, pixel centres at integers."""
    fixed: I32 = np.rint((np.asarray(points, dtype=np.float64) - 0.5) * 2**_SHIFT).astype(np.int32)
    return fixed


def _turned(mask: U8, x: float, y: float, angle: float) -> tuple[U8, float, float]:
    """Turn a mask about a point of it; return it with the point's new position."""
    reach = int(np.ceil(np.hypot(*mask.shape))) + 2
    cos, sin = np.cos(angle), np.sin(angle)
    step = np.array([[cos, -sin, reach - cos * x + sin * y], [sin, cos, reach - sin * x - cos * y]])
    return np.asarray(cv2.warpAffine(mask, step, (2 * reach, 2 * reach)), dtype=np.uint8), reach, reach
