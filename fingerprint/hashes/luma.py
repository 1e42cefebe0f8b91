"""Grey values as the hashes look at them: thumbnails of any size from a picture that may have been decoded small."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image

from fingerprint.kernels.pdq import jarosz64, jarosz_weights, pdq_quality
from fingerprint.kernels.resample import block_means, lanczos_weights, reduce_rows, resample
from fingerprint.types import F32, F64, I32, U8, Picture

_ROWS = 64  # at least so many are left when rows are averaged before the Lanczos filter: twice the largest thumbnail
_MOST_ROWS = 256  # that are averaged at a time


class Luma:
    """Grey values of a picture, from which thumbnails are made.

    A JPEG that was decoded at an eighth of its size has pixels that stand for 8 x 8 original ones, but for the last in
    each row and column, of which a part may lie beyond the picture. Taken as whole, they would stretch a picture of 267
    rows by 2 %, which turns 2.7 bits of a pHash on average; so the place where the picture ends is kept with it.

    Parameters
    ----------
    picture : Picture
        From `fingerprint.image.read_grey`.
    exact : bool
        Make Lanczos thumbnails with Pillow, as `imagehash` does, rather than with kernels of our own. Then the picture
        must be in full size.
    averaged : bool
        Average rows first for thumbnails and quality, as far as they are many more than are needed.
    unrounded : float32 array, shape (h, w), optional
        The same grey values before rounding, for PDQ.
    """

    def __init__(
        self, picture: Picture, *, exact: bool = False, averaged: bool = False, unrounded: F32 | None = None
    ) -> None:
        self._unrounded = unrounded
        self._jarosz: F32 | None = None  # made when it is first asked for
        self._quality: int | None = None
        self.pixels = np.ascontiguousarray(picture.pixels)
        self.exact, self.averaged = exact, averaged
        self.width, self.height = picture.width, picture.height
        self.divisor = reduction_of(picture)
        self._n = min(max(1, len(self.pixels) // _ROWS), _MOST_ROWS) if averaged else 1
        self._rows = self.pixels if self._n == 1 else reduce_rows(self.pixels, self._n)

    def thumbnail(self, width: int, height: int) -> U8:
        """Return the whole picture at another size, by a Lanczos filter; uint8 (height, width)."""
        if self.exact:
            resized = Image.fromarray(self.pixels).resize((width, height), Image.Resampling.LANCZOS)
            return np.asarray(resized).copy()
        rows = self._rows
        x = _lanczos_weights(rows.shape[1], self.width / self.divisor, width)
        y = _lanczos_weights(rows.shape[0], self.height / (self.divisor * self._n), height)
        return resample(rows, *x, *y)

    @property
    def jarosz(self) -> F32:
        """The picture as PDQ makes it small; float32 (64, 64)."""
        if self._jarosz is None:
            self._jarosz = self._make_jarosz()
        return self._jarosz

    def _make_jarosz(self) -> F32:
        x, y = _jarosz_weights(self.width, self.divisor), _jarosz_weights(self.height, self.divisor * self._n)
        small: F32 = jarosz64(self._rows if self._unrounded is None else self._unrounded, *x, *y)
        return small

    @property
    def quality(self) -> int:
        """PDQ's figure of quality, [0, 100]."""
        if self._quality is None:
            self._quality = int(pdq_quality(self.jarosz))
        return self._quality

    def means(self, n: int) -> F64:
        """Return the means over ``n x n`` blocks; float64 (n, n)."""
        return block_means(self.pixels, self.width / self.divisor, self.height / self.divisor, n)

    def turned(self, n_quarters: int, *, mirrored: bool) -> Luma:
        """Return the picture, mirrored left to right if so wished, then turned clockwise by quarters."""
        pixels = np.ascontiguousarray(np.rot90(self.pixels[:, ::-1] if mirrored else self.pixels, -n_quarters))
        width, height = (self.height, self.width) if n_quarters % 2 else (self.width, self.height)
        return Luma(Picture(pixels, width, height, "<array>"), exact=self.exact, averaged=self.averaged)


def reduction_of(picture: Picture) -> int:
    """Return by how much a picture was reduced while decoding: 1, 2, 4 or 8."""
    height, width = picture.pixels.shape[:2]
    divisor = 1
    while -(-picture.width // divisor) != width or -(-picture.height // divisor) != height:
        divisor *= 2
    return divisor


@lru_cache(maxsize=1024)
def _lanczos_weights(size: int, length: float, n_out: int) -> tuple[I32, I32]:
    return lanczos_weights(size, length, n_out)


@lru_cache(maxsize=1024)
def _jarosz_weights(n: int, divisor: int) -> tuple[I32, F32]:
    return jarosz_weights(n, divisor)
