"""Looks at the pixels of copies: what is plain around a part, how fine a part is, and what was enlarged."""

from __future__ import annotations

from collections.abc import Sequence

from fingerprint.config import ReadLimits
from fingerprint.dedupe.detail import Box, detail_share, plain_share, was_enlarged
from fingerprint.dedupe.values import Picture
from fingerprint.errors import ImageError
from fingerprint.images.decode import read_grey

_PLAIN_SIDE = 256  # pixels at which it is seen whether something is plain


class Looks:
    """Looks at pictures, by their positions. Of one that is gone since it was described, nothing is seen.

    Parameters
    ----------
    pictures : sequence of Picture
    limits : ReadLimits
    """

    def __init__(self, pictures: Sequence[Picture], limits: ReadLimits) -> None:
        self._pictures, self._limits = pictures, limits

    def plain_around(self, position: int, boxes: Sequence[Box]) -> float:
        """Return how plain a picture is outside some boxes; see `fingerprint.dedupe.detail.plain_share`."""
        picture = self._pictures[position]
        try:
            grey = read_grey(picture.image_id, at_least=_PLAIN_SIDE, limits=self._limits).pixels
        except ImageError:
            return 0.0
        return plain_share(grey, picture.size, boxes)

    def detail_within(self, position: int, box: Box) -> float:
        """Return which part of its pixels along a line a picture needs within a box, as `detail_share` does."""
        try:
            read = read_grey(self._pictures[position].image_id, limits=self._limits)
        except ImageError:
            return 1.0
        scale_x, scale_y = read.pixels.shape[1] / read.width, read.pixels.shape[0] / read.height
        left, top, right, bottom = box
        rows = slice(max(0, round(top * scale_y)), max(0, round((bottom + 1) * scale_y)))
        columns = slice(max(0, round(left * scale_x)), max(0, round((right + 1) * scale_x)))
        return detail_share(read.pixels[rows, columns])

    def was_enlarged(self, large: int, small: int) -> bool:
        """Return whether one picture was made by enlarging another one, as `detail.was_enlarged` does."""
        try:
            first, second = (read_grey(self._pictures[k].image_id, limits=self._limits).pixels for k in (large, small))
        except ImageError:
            return False
        return was_enlarged(first, second)
