"""Shared by all edits: the picture being edited, its map from the source, and small operations on both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from fingerprint.errors import ImageError
from fingerprint.types import F32, F64, U8

#: Longest side of an edited picture, in pixels.
MAX_SIDE = 1024
#: Shortest side of an edited picture, in pixels.
MIN_SIDE = 32

Colour: TypeAlias = tuple[int, int, int]
#: New pixels, and the 3 x 3 map from the old pixel coordinates to the new.
Step: TypeAlias = tuple[U8, F64]


@dataclass(frozen=True, slots=True)
class Edited:
    """A picture made from another one, and the map between the two.

    Attributes
    ----------
    pixels : uint8 array, shape (h, w, 3) RGB
        The edited picture.
    transform : float64 array, shape (3, 3)
        Homography from pixel coordinates ``(x, y)`` of the source to those of `pixels`, pixel centres at integers.
        Its scale is free; the third homogeneous coordinate is positive for all visible points.
    names : tuple of str
        The edits, in the order in which they were made.
    """

    pixels: U8
    transform: F64
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EditContext:
    """What an edit may use besides the picture itself.

    Attributes
    ----------
    width, height : int
        Size of the source in pixels.
    others : tuple of uint8 array, shape (h, w, 3) RGB
        Other photographs, for backgrounds and overlays; a drawn pattern replaces them if there are none.
    """

    width: int
    height: int
    others: tuple[U8, ...] = ()


def as_rgb(pixels: U8) -> U8:
    """Return `pixels` as RGB, or raise `ImageError` if they are no picture.

    Parameters
    ----------
    pixels : uint8 array, shape (h, w) grey or (h, w, 3) RGB
        A decoded picture.

    Returns
    -------
    uint8 array, shape (h, w, 3)
        The same object if it is RGB already.

    Raises
    ------
    ImageError
        If the array has another type or shape, or no pixels.
    """
    if pixels.dtype != np.uint8 or pixels.size == 0 or (pixels.ndim != 2 and pixels.shape[2:] != (3,)):
        reason = (
            f"expected uint8 pixels, (h, w) or (h, w, 3), got {pixels.dtype} {pixels.shape}; decode it to RGB first"
        )
        raise ImageError("<array>", reason)
    return np.repeat(pixels[:, :, None], 3, axis=2) if pixels.ndim == 2 else pixels


def translation(dx: float, dy: float) -> F64:
    """Return the map that moves by ``(dx, dy)`` pixels, a float64 array of shape (3, 3)."""
    return np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1]], dtype=np.float64)


def affine_about(linear: F64, old: tuple[int, int], new: tuple[int, int]) -> F64:
    """Return the map with this linear part that takes the middle of one canvas to the middle of another.

    Parameters
    ----------
    linear : float64 array, shape (2, 2)
        Rotation, shear or stretch of ``(x, y)``.
    old, new : tuple of int
        ``(width, height)`` of the two canvases in pixels.

    Returns
    -------
    float64 array, shape (3, 3)
    """
    step = np.eye(3)
    step[:2, :2] = linear
    step[:2, 2] = (np.array(new) - 1) / 2 - linear @ ((np.array(old) - 1) / 2)
    return step


def resize(pixels: U8, width: int, height: int, method: int | None = None) -> Step:
    """Resize `pixels`: by area if that shrinks them, else linearly, unless `method` is given.

    Parameters
    ----------
    pixels : uint8 array, shape (h, w, 3)
        Any picture.
    width, height : int
        The new size in pixels, >= 1.
    method : int, optional
        One of OpenCV's interpolation constants.

    Returns
    -------
    pixels : uint8 array, shape (height, width, 3)
        A new array.
    step : float64 array, shape (3, 3)
        The map between the two, exact for pixel centres.
    """
    old_height, old_width = pixels.shape[:2]
    sx, sy = width / old_width, height / old_height
    step = np.array([[sx, 0, (sx - 1) / 2], [0, sy, (sy - 1) / 2], [0, 0, 1]])
    if (width, height) == (old_width, old_height):
        return pixels.copy(), step
    if method is None:
        method = cv2.INTER_AREA if sx * sy < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=method), dtype=np.uint8), step


def warp(pixels: U8, step: F64, width: int, height: int, fill: Colour) -> U8:
    """Draw `pixels` through the homography `step` on a canvas of one colour, uint8 of shape (height, width, 3)."""
    drawn = cv2.warpPerspective(
        pixels, step, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=fill
    )
    return np.asarray(drawn, dtype=np.uint8)


def paste(canvas: U8, patch: U8, x: int, y: int, opacity: float = 1.0) -> U8:
    """Return `canvas` with the top left corner of `patch` at ``(x, y)``; what sticks out is cut off."""
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + patch.shape[1], canvas.shape[1]), min(y + patch.shape[0], canvas.shape[0])
    out = canvas.copy()
    if right <= left or bottom <= top:
        return out
    seen = patch[top - y : bottom - y, left - x : right - x]
    under = out[top:bottom, left:right]
    out[top:bottom, left:right] = seen if opacity >= 1 else cv2.addWeighted(seen, opacity, under, 1 - opacity, 0)
    return out


def moved(edited: Edited, step: Step) -> Edited:
    """Return `edited` after one more step."""
    return Edited(step[0], step[1] @ edited.transform, edited.names)


def bounded_size(width: float, height: float) -> tuple[int, int]:
    """Return the nearest size within `MIN_SIDE` and `MAX_SIDE`; only very long pictures change their shape."""
    shrink = min(1.0, MAX_SIDE / max(width, height))
    grow = max(1.0, MIN_SIDE / (min(width, height) * shrink))
    w, h = (int(np.clip(round(side * shrink * grow), MIN_SIDE, MAX_SIDE)) for side in (width, height))
    return w, h


def bounded(edited: Edited) -> Edited:
    """Return `edited` within the bounds of `bounded_size`; the same object if it is within them already."""
    height, width = edited.pixels.shape[:2]
    size = bounded_size(width, height)
    return edited if size == (width, height) else moved(edited, resize(edited.pixels, *size))


def seen_points(edited: Edited, context: EditContext) -> F64:
    """Return where a 9 x 9 grid over the source lies in the edited picture, without those that were cut off.

    Returns
    -------
    float64 array, shape (n, 2), n <= 81
        ``(x, y)`` in pixels of the edited picture.
    """
    x, y = np.meshgrid((np.arange(9) + 0.5) / 9 * context.width, (np.arange(9) + 0.5) / 9 * context.height)
    mapped = np.stack([x.ravel() - 0.5, y.ravel() - 0.5, np.ones(81)], axis=1) @ edited.transform.T
    mapped = mapped[mapped[:, 2] > 0]
    points: F64 = mapped[:, :2] / mapped[:, 2:]
    return points[inside(points, 0, 0, edited.pixels.shape[1], edited.pixels.shape[0])]


def inside(points: F64, x: float, y: float, width: float, height: float) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which points lie in a rectangle, a bool array of shape (n,)."""
    low = np.array([x, y]) - 0.5
    return np.asarray(((points >= low) & (points <= low + np.array([width, height]))).all(axis=1))


def pixel_grid(width: int, height: int) -> tuple[F32, F32]:
    """Return x and y of every pixel, float32 arrays of shapes (1, width) and (height, 1)."""
    return np.arange(width, dtype=np.float32)[None, :], np.arange(height, dtype=np.float32)[:, None]


def rounded(values: NDArray[np.floating]) -> U8:
    """Round to whole numbers within 0..255."""
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def fill_colour(rng: np.random.Generator) -> Colour:
    """Draw the colour of an empty border: mostly black, else white or any colour."""
    kind = rng.random()
    if kind < 0.55:
        return (0, 0, 0)
    return (255, 255, 255) if kind < 0.7 else random_colour(rng)


def random_colour(rng: np.random.Generator) -> Colour:
    """Draw any colour."""
    red, green, blue = (int(value) for value in rng.integers(0, 256, 3))
    return (red, green, blue)


def other_photo(context: EditContext, rng: np.random.Generator, longer_side: float) -> U8:
    """Draw another photograph, or a part of one, at a given size.

    Parameters
    ----------
    context : EditContext
        Where the photographs come from; without any, a pattern of soft colours is drawn.
    rng : numpy.random.Generator
        Source of randomness.
    longer_side : float
        Longer side of the result in pixels, kept within the bounds of edited pictures.

    Returns
    -------
    uint8 array, shape (h, w, 3)
    """
    if context.others:
        photo = as_rgb(context.others[int(rng.integers(len(context.others)))])
        height, width = photo.shape[:2]
        w, h = (max(1, round(side * rng.uniform(0.6, 1))) for side in (width, height))
        x, y = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
        photo = photo[y : y + h, x : x + w]
    else:
        soft = rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)
        photo = np.asarray(cv2.resize(soft, (192, 160), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    factor = longer_side / max(photo.shape[:2])
    return resize(photo, *bounded_size(photo.shape[1] * factor, photo.shape[0] * factor))[0]


def as_jpeg(rgb: U8, quality: int) -> bytes:
    """Return the bytes of a picture saved as JPEG: uint8 array, shape (h, w, 3) RGB, quality 1 to 100."""
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    return cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), options)[1].tobytes()
