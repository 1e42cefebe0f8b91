"""A query beside a reference, with the part that both show outlined; its corners have the same numbers and colours."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fingerprint.errors import ImageError
from fingerprint.report.outline import outlines
from fingerprint.report.words import RELATION_NAMES, probability_text, variant_text
from fingerprint.results import Relation, Verification
from fingerprint.types import F64, U8
from fingerprint.verify.geometry import signed_area

#: Largest size of each of the two pictures, in pixels.
MAX_WIDTH, MAX_HEIGHT = 560, 480
#: Margin around each picture, in pixels, so that marks on its border are not cut off.
MARGIN = 16
#: Position of the upper left pixel of the query.
QUERY_X, QUERY_Y = 24, 56
#: Height of the caption under the higher picture, in pixels.
CAPTION_HEIGHT = 100
#: Colours of the corners, in order, after Okabe and Ito (2008), which colour-blind people can distinguish too.
CORNER_COLOURS = (
    *((213, 94, 0), (240, 228, 66), (0, 158, 115), (86, 180, 233)),
    *((204, 121, 167), (230, 159, 0), (236, 238, 242), (51, 124, 196)),
)
#: Colour of the bar beside the caption: green, amber, grey.
RELATION_COLOURS: dict[Relation, tuple[int, int, int]] = {
    "copy": (63, 185, 120),
    "shared": (235, 172, 48),
    "unrelated": (150, 156, 166),
}

_MIN_HEIGHT = 240  # pixels; smaller pictures are enlarged, or the marks would hide them
_GAP = 40
_RADIUS = 11
_GROUND, _BRIGHT, _SOFT, _DARK = (24, 26, 31), (240, 242, 245), (166, 173, 184), (12, 13, 16)
_SUBPIXEL_BITS = 4
_FAR = 20_000.0  # pixels; OpenCV does not draw correctly from farther away


def comparison_picture(query: U8, reference: U8, verification: Verification) -> U8:
    """Draw a query and a reference side by side, with the part that both show outlined, and say how they are related.

    The corners of the outline have the same numbers and colours in both pictures, which shows mirroring and rotation.
    For a copy the rest of the pictures is darkened; for something shared the outline is thin, and nothing is darkened.
    Unrelated pictures have no outline.

    Parameters
    ----------
    query, reference : uint8 arrays, shape (h, w, 3) RGB
        The original pictures, upright, at their full size.
    verification : Verification
        Outcome of comparing the two.

    Returns
    -------
    uint8 array, shape (h, w, 3) RGB

    Raises
    ------
    ImageError
        If one of the pictures has another type or shape, or no pixels.

    Examples
    --------
    >>> import fingerprint, skimage.data
    >>> cat = skimage.data.chelsea()
    >>> mirrored = cat[:, ::-1]
    >>> comparison_picture(mirrored, cat, fingerprint.compare(mirrored, cat)).shape
    (456, 990, 3)
    """
    _check(query, "<query>")
    _check(reference, "<reference>")
    relation = verification.relation
    height = min(MAX_HEIGHT, max(_MIN_HEIGHT, query.shape[0], reference.shape[0]))
    regions = outlines(verification)
    left = _panel(query, height, regions[0], darkened=relation == "copy")
    right = _panel(reference, height, regions[1], darkened=relation == "copy")

    headline = RELATION_NAMES[relation].capitalize()
    beside = f"probability of a copy {probability_text(verification.probability)}"
    if relation == "shared":
        beside += f", of something shared {probability_text(verification.shared_probability)}"
    detail = _detail(verification, regions[1], reference.shape[1] * reference.shape[0])
    heads = [_head("Query", query), _head("Reference", reference)]
    reference_x = QUERY_X + max(left.shape[1] - 2 * MARGIN, round(_width(*heads[0]))) + _GAP
    width = QUERY_X + max(
        reference_x + max(right.shape[1] - 2 * MARGIN, round(_width(*heads[1]))),
        QUERY_X + 40 + round(_width(headline, beside, 24)),
        QUERY_X + 28 + round(_font(16).getlength(detail)),
    )
    bottom = QUERY_Y + max(left.shape[0], right.shape[0]) - 2 * MARGIN
    canvas = np.full((bottom + CAPTION_HEIGHT, width, 3), _GROUND, dtype=np.uint8)
    for panel, x in ((left, QUERY_X), (right, reference_x)):
        canvas[QUERY_Y - MARGIN : QUERY_Y - MARGIN + panel.shape[0], x - MARGIN : x - MARGIN + panel.shape[1]] = panel
    cv2.rectangle(canvas, (QUERY_X, bottom + 24), (QUERY_X + 5, bottom + 76), RELATION_COLOURS[relation], cv2.FILLED)

    image = Image.fromarray(canvas)
    draw = ImageDraw.Draw(image)
    for x, head in ((QUERY_X, heads[0]), (reference_x, heads[1])):
        _write(draw, x, 31, *head)
    _write(draw, QUERY_X + 20, bottom + 46, headline, beside, 24)
    draw.text((QUERY_X + 20, bottom + 74), detail, fill=_SOFT, font=_font(16), anchor="ls")
    return np.array(image)


def _check(pixels: U8, name: str) -> None:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.size == 0:
        raise ImageError(name, f"expected uint8 pixels (h, w, 3) RGB, not {pixels.dtype} {pixels.shape}")


def _detail(verification: Verification, region: F64 | None, area: int) -> str:
    inliers = f"{verification.n_inliers} inlier{'' if verification.n_inliers == 1 else 's'}"
    if verification.transform is None:
        return f"{inliers} · no geometry: the keypoints agree on no transform"
    if verification.relation == "unrelated":
        return f"{inliers} · no outline: no part of the reference is seen"
    start = f"{inliers} · shown {variant_text(verification)}"
    if region is None:
        return f"{start} · no region that both show"
    if verification.relation == "shared":
        return f"{start} · thin outline: where the two overlap"
    share = min(100.0, 100 * abs(signed_area(region)) / area)
    return f"{start} · shows {'less than 1' if share < 1 else round(share)} % of the reference"


def _panel(pixels: U8, height: int, region: F64 | None, *, darkened: bool) -> U8:
    """Return a picture at its final size, with the region drawn, a margin, and perhaps the rest darkened."""
    factor = min(height / pixels.shape[0], MAX_WIDTH / pixels.shape[1])
    size = (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    scaled = np.asarray(cv2.resize(pixels, size, interpolation=method), dtype=np.uint8)
    panel = np.full((size[1] + 2 * MARGIN, size[0] + 2 * MARGIN, 3), _GROUND, dtype=np.uint8)
    inner = (slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN))
    panel[inner] = scaled
    if region is None:
        return panel
    scale = np.array(size) / np.array(pixels.shape[1::-1])
    points = np.clip((region + 0.5) * scale - 0.5 + MARGIN, -_FAR, _FAR)
    if darkened:
        panel[inner] = _darkened_outside(panel, points)[inner]
    return _outlined(panel, points, 2 if darkened else 1)


def _darkened_outside(panel: U8, points: F64) -> U8:
    mask = np.zeros(panel.shape[:2], dtype=np.uint8)
    cv2.fillPoly(mask, [_fixed(points)], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    weight = (0.4 + 0.6 / 255 * mask.astype(np.float32))[:, :, None]
    return np.asarray(np.rint(panel * weight + np.array(_GROUND, np.float32) * (1 - weight)), dtype=np.uint8)


def _outlined(panel: U8, points: F64, thickness: int) -> U8:
    """Return the panel with a closed line through the points, and a numbered disc on each of them."""
    out = panel.copy()
    fixed = _fixed(points)
    for colour, width in ((_DARK, thickness + 3), (_BRIGHT, thickness)):
        cv2.polylines(out, [fixed], True, colour, width, cv2.LINE_AA, _SUBPIXEL_BITS)
    for i, (x, y) in enumerate(fixed.tolist()):
        for grow, colour in ((2, _DARK), (0, CORNER_COLOURS[i % len(CORNER_COLOURS)])):
            radius = (_RADIUS + grow) << _SUBPIXEL_BITS
            cv2.circle(out, (x, y), radius, colour, cv2.FILLED, cv2.LINE_AA, _SUBPIXEL_BITS)
    image = Image.fromarray(out)
    draw = ImageDraw.Draw(image)
    for i, (x, y) in enumerate(points.tolist(), start=1):
        draw.text((x + 0.5, y + 0.5), str(i), fill=_DARK, font=_font(15), anchor="mm")
    return np.array(image)


def _fixed(points: F64) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    """Return points as OpenCV takes them: integers in 1/16 pixels."""
    return np.rint(points * (1 << _SUBPIXEL_BITS)).astype(np.int32)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _head(word: str, pixels: U8) -> tuple[str, str, int]:
    return word, f"{pixels.shape[1]} x {pixels.shape[0]}", 18


def _width(strong: str, beside: str, size: int) -> float:
    return _font(size).getlength(strong) + size / 2 + _font(round(0.8 * size)).getlength(beside)


def _write(draw: ImageDraw.ImageDraw, x: float, y: float, strong: str, beside: str, size: int) -> None:
    """Write a bright word and a soft one beside it, on the base line `y`."""
    draw.text((x, y), strong, fill=_BRIGHT, font=_font(size), anchor="ls")
    x += _font(size).getlength(strong) + size / 2
    draw.text((x, y), beside, fill=_SOFT, font=_font(round(0.8 * size)), anchor="ls")
