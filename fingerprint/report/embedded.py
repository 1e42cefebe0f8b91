"""Pictures as a page embeds them: reduced, as WebP, in base64. The size follows from how many there are."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from fingerprint.config import ReadLimits
from fingerprint.errors import CollectionCorruptError, ImageError
from fingerprint.features.thumbnail import open_thumbnail
from fingerprint.images.decode import read_rgb
from fingerprint.images.identity import load_identified
from fingerprint.report.values import PagePicture
from fingerprint.types import U8

#: Longer sides, in pixels, at which pictures are embedded: the largest with which the page stays loadable.
SIDES = (640, 512, 384, 288, 208)
#: Bytes of a page that are aimed at.
PAGE_BYTES = 80_000_000
_BYTES_PER_PIXEL = 0.16  # of a square of the longer side, in base64; what photographs take at this quality
_QUALITY, _METHOD = 72, 2  # of WebP: 100 is the best, 6 the slowest method


@dataclass(frozen=True, slots=True)
class Embedded:
    """A picture as it is embedded.

    Attributes
    ----------
    text : str
        A WebP file in base64; empty if the picture cannot be shown.
    size : (int, int) or None
        Width and height of the original.
    stored : bool
        Whether it is what a collection keeps of it.
    problem : str
        Why its file is not shown; empty if it is.
    """

    text: str
    size: tuple[int, int] | None
    stored: bool = False
    problem: str = ""


def side_for(n_pictures: int) -> int:
    """Return the longer side, in pixels, at which this many pictures are embedded."""
    fitting = (side for side in SIDES if n_pictures * _BYTES_PER_PIXEL * side * side <= PAGE_BYTES)
    return next(fitting, SIDES[-1])


def embed(picture: PagePicture, side: int, limits: ReadLimits) -> Embedded:
    """Return a picture as a page embeds it.

    A file that cannot be read, or has other bytes than those that were compared, is not shown. What the collection
    keeps of the picture is, if that is at hand.
    """
    problem = "its file was not found"
    if picture.file is not None:
        try:
            data, content, _ = load_identified(picture.file, limits)
            if picture.content not in ("", content):
                raise ImageError(str(picture.file), "its file has changed since it was described")
            read = read_rgb(data, at_least=side, limits=limits)
        except ImageError as error:
            problem = error.reason
        else:
            return Embedded(_encoded(Image.fromarray(read.pixels), side), (read.width, read.height))
    if picture.thumbnail is not None and picture.size is not None:
        try:
            square = open_thumbnail(picture.thumbnail)
        except CollectionCorruptError as error:
            return Embedded("", picture.size, problem=f"{problem}; {error}")
        return Embedded(_encoded(_unsquared(square, picture.size), side), picture.size, stored=True, problem=problem)
    return Embedded("", picture.size, problem=problem)


def _unsquared(square: U8, size: tuple[int, int]) -> Image.Image:
    """Return a picture that was squeezed into a square in its own shape, as large as the square."""
    longer = max(size)
    shape = [max(1, round(side * square.shape[0] / longer)) for side in size]
    return Image.fromarray(np.ascontiguousarray(square)).resize((shape[0], shape[1]), Image.Resampling.BOX)


def _encoded(image: Image.Image, side: int) -> str:
    image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    file = io.BytesIO()
    image.save(file, "WEBP", quality=_QUALITY, method=_METHOD)
    return base64.b64encode(file.getvalue()).decode("ascii")
