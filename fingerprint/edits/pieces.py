"""Cutting a piece out of the picture, and pasting it onto another one."""

from __future__ import annotations

import cv2
import numpy as np

from fingerprint.edits.canvas import EditContext, Edited, affine_about, moved, other_photo, translation
from fingerprint.types import F64, U8

_TURNED = 0.5  # how often a piece is turned
_OUTLINED = 0.3  # how often it is cut out along an outline
_TRANSLUCENT = 0.15
_CUT_OUT = (0.2, 0.55)  # of the area, within an outline
_N_CORNERS = 12  # of an outline


def paste_piece(edited: Edited, rng: np.random.Generator, context: EditContext) -> Edited:
    """Cut out 40 to 85 % of each side and paste it onto another photograph, at 35 to 80 % of its size.

    Half of the pieces are turned by up to 30 degrees; three in ten are cut out along an outline; some are a little
    transparent.
    """
    height, width = edited.pixels.shape[:2]
    part_width, part_height = (max(1, round(side * rng.uniform(0.4, 0.85))) for side in (width, height))
    left, top = (int(rng.integers(0, side - part + 1)) for side, part in ((width, part_width), (height, part_height)))
    piece = edited.pixels[top : top + part_height, left : left + part_width]
    mask = (
        _outline(part_width, part_height, rng) if rng.random() < _OUTLINED else np.full(piece.shape[:2], 255, np.uint8)
    )
    background = other_photo(context, rng, max(width, height) * rng.uniform(0.9, 1.6))
    step, factor = _place((part_width, part_height), background, rng, most_turned=30, filled=(0.35, 0.8))
    opacity = rng.uniform(0.7, 0.95) if rng.random() < _TRANSLUCENT else 1.0
    return moved(edited, (_laid(background, piece, mask, step, factor, opacity), step @ translation(-left, -top)))


def cut_out(edited: Edited, rng: np.random.Generator, context: EditContext) -> Edited:
    """Cut out what lies within a smooth outline, 20 to 55 % of the area, and paste it onto another photograph.

    There it fills 50 to 95 % of one side; half of them are turned by up to 20 degrees.
    """
    height, width = edited.pixels.shape[:2]
    mask = _smooth_outline(width, height, rng)
    left, top, part_width, part_height = cv2.boundingRect(mask)
    background = other_photo(context, rng, max(width, height) * rng.uniform(0.8, 1.3))
    step, factor = _place((part_width, part_height), background, rng, most_turned=20, filled=(0.5, 0.95))
    part = (slice(top, top + part_height), slice(left, left + part_width))
    drawn = _laid(background, edited.pixels[part], mask[part], step, factor, 1.0)
    return moved(edited, (drawn, step @ translation(-left, -top)))


def _place(
    size: tuple[int, int], background: U8, rng: np.random.Generator, *, most_turned: float, filled: tuple[float, float]
) -> tuple[F64, float]:
    """Draw where a piece lies on a background; return the map from its pixels, and the factor of its size.

    `size` : width and height of the piece in pixels; `most_turned` : degrees, for those that are turned; `filled` :
    least and largest part of one side of the background.
    """
    room = background.shape[1], background.shape[0]
    angle = np.deg2rad(rng.uniform(-most_turned, most_turned)) if rng.random() < _TURNED else 0.0
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    extent = np.abs(turn) @ size
    factor = rng.uniform(*filled) * float(np.min(np.array(room) / extent))
    half = np.minimum(extent * factor, room) / 2
    middle = rng.uniform(half, np.array(room) - half)
    return translation(*(middle - 0.5)) @ affine_about(turn * factor, size, (1, 1)), factor


def _laid(background: U8, piece: U8, mask: U8, step: F64, factor: float, opacity: float) -> U8:
    """Return the background with the piece warped onto it. A piece that shrinks is blurred first, against aliasing."""
    size = background.shape[1], background.shape[0]
    if factor < 1:
        piece = np.asarray(cv2.GaussianBlur(piece, (0, 0), 0.5 * (1 / factor - 1) + 0.3), np.uint8)
    warped = cv2.warpAffine(piece, step[:2], size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    weight = cv2.warpAffine(mask, step[:2], size, flags=cv2.INTER_LINEAR)[:, :, None] * (opacity / 255)
    return np.asarray(np.rint(warped * weight + background * (1 - weight)), np.uint8)


def _outline(width: int, height: int, rng: np.random.Generator) -> U8:
    """Draw the mask of a round shape with an uneven outline, as people cut things out."""
    angles = np.arange(_N_CORNERS) * (2 * np.pi / _N_CORNERS)
    reach = rng.uniform(0.75, 1.0, _N_CORNERS)
    x = (width - 1) / 2 * (1 + reach * np.cos(angles))
    y = (height - 1) / 2 * (1 + reach * np.sin(angles))
    mask = np.zeros((height, width), np.uint8)
    corners = np.rint(np.column_stack([x, y])).astype(np.int32)
    return np.asarray(cv2.fillPoly(mask, [corners], (255,), cv2.LINE_AA), np.uint8)


def _smooth_outline(width: int, height: int, rng: np.random.Generator) -> U8:
    """Draw the mask of a figure: a closed curve of a few waves round a place near the middle."""
    angles = np.arange(180) * (2 * np.pi / 180)
    reach = np.ones(180)
    for n in range(2, 6):
        reach += rng.uniform(0, 0.5 / n) * np.cos(n * angles + rng.uniform(0, 2 * np.pi))
    shape = np.column_stack([reach * np.cos(angles), reach * np.sin(angles)]) * rng.uniform(0.7, 1, 2)
    area = abs(float(np.sum(shape[:, 0] * np.roll(shape[:, 1], 1) - shape[:, 1] * np.roll(shape[:, 0], 1)))) / 2
    shape *= np.sqrt(rng.uniform(*_CUT_OUT) / area)  # in parts of the sides
    middle = rng.uniform(0.4, 0.6, 2)
    corners = np.clip(np.rint((middle + shape) * [width, height]), 0, [width - 1, height - 1]).astype(np.int32)
    mask = np.zeros((height, width), np.uint8)
    return np.asarray(cv2.fillPoly(mask, [corners], (255,), cv2.LINE_AA), np.uint8)
