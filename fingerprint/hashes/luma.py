"""Luma for hashes: thumbnails of any size from a picture that may have been decoded at a reduced size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from PIL import Image

from fingerprint.errors import ImageError
from fingerprint.kernels.fused import contrast_of, phash_of
from fingerprint.kernels.hashing import thumbnail_quality
from fingerprint.kernels.information import measured_phash
from fingerprint.kernels.pdq import jarosz_weights, pdq_of
from fingerprint.kernels.resample import block_means, lanczos_weights, luma, reduce_rows, resample
from fingerprint.types import F32, F64, I32, U8, U64, Picture

_ROWS = 64  # least rows that averaging leaves: twice those of the largest thumbnail
_MOST_ROWS = 256  # most rows averaged into one
_LARGEST = 32  # side of the largest thumbnail, on which the contrast is measured

#: A hash with its information in bits, as the kernels return it.
Measured = tuple["int | np.uint64", float]


@dataclass(frozen=True, slots=True)
class ThumbnailHash:
    """The kernels of a hash that is made from a thumbnail.

    Attributes
    ----------
    width, height : int
        Size of the thumbnail.
    of_thumbnail : callable
        Computes the hash and its information from the thumbnail.
    of_picture : callable
        Computes them from a picture and its resampling weights, in one call.
    """

    width: int
    height: int
    of_thumbnail: Callable[[U8], Measured]
    of_picture: Callable[[U8, I32, I32, I32, I32], Measured]


@dataclass(frozen=True, slots=True)
class PdqParts:
    """The PDQ hash of a picture and the values it is made from.

    Attributes
    ----------
    words : uint64 array, shape (4,)
        The hash.
    quality : int
        [0, 100].
    coefficients : float32 array, shape (16, 16)
        Of the cosine transform.
    n_undecided : int
        How many of these are so near the median that rounding may change their bits.
    """

    words: U64
    quality: int
    coefficients: F32
    n_undecided: int


@dataclass(frozen=True, slots=True)
class Luma:
    """Grey values of a picture, from which thumbnails are made.

    In a JPEG decoded at an eighth of its size, each pixel stands for 8 x 8 original pixels, but a part of the last one
    in each row and column may lie beyond the picture. Taking it as whole would stretch a picture of 267 rows by 2 %,
    which flips 2.7 bits of a pHash on average. So the size of the whole picture is kept with the pixels.

    Attributes
    ----------
    pixels : uint8 array, shape (h, w)
        The picture, possibly reduced.
    width, height : int
        Size of the whole picture in pixels.
    divisors : tuple of int
        Columns and rows of the whole picture for one column and one row of `pixels`.
    exact : bool
        Make Lanczos thumbnails with Pillow, as `imagehash` does, instead of with our own kernels.
    unrounded : float32 array, shape (h, w), or None
        The same grey values before rounding, for PDQ.
    """

    pixels: U8
    width: int
    height: int
    divisors: tuple[int, int]
    exact: bool
    unrounded: F32 | None = None
    _contrast: list[int] = field(default_factory=list)  # empty until it is known
    _pdq: list[PdqParts] = field(default_factory=list)

    def thumbnail(self, width: int, height: int) -> U8:
        """Return the whole picture at another size, by a Lanczos filter; uint8 (height, width)."""
        if self.exact:
            resized = Image.fromarray(self.pixels).resize((width, height), Image.Resampling.LANCZOS)
            return np.asarray(resized).copy()
        return resample(self.pixels, *self._weights(width, height))

    def phash(self) -> tuple[int, float]:
        """Return the pHash and its information; its thumbnail gives the contrast as well, which is kept."""
        if self.exact:
            bits, known = measured_phash(self.thumbnail(_LARGEST, _LARGEST))
        else:
            (bits, known), contrast = phash_of(self.pixels, *self._weights(_LARGEST, _LARGEST))
            self._contrast[:] = [int(contrast)]
        return int(bits), known

    def hash_of(self, kernels: ThumbnailHash) -> tuple[int, float]:
        """Return a hash of 64 bits that is made from a thumbnail, and its information."""
        if self.exact:
            bits, known = kernels.of_thumbnail(self.thumbnail(kernels.width, kernels.height))
        else:
            bits, known = kernels.of_picture(self.pixels, *self._weights(kernels.width, kernels.height))
        return int(bits), known

    def _weights(self, width: int, height: int) -> tuple[I32, I32, I32, I32]:
        n_rows, n_columns = self.pixels.shape
        x = _lanczos_weights(n_columns, self.width / self.divisors[0], width)
        y = _lanczos_weights(n_rows, self.height / self.divisors[1], height)
        return *x, *y

    def pdq(self) -> PdqParts:
        """Return the PDQ hash and the values it is made from."""
        if not self._pdq:
            x, y = _jarosz_weights(self.width, self.divisors[0]), _jarosz_weights(self.height, self.divisors[1])
            words, quality, coefficients, undecided = pdq_of(
                self.pixels if self.unrounded is None else self.unrounded, *x, *y
            )
            self._pdq.append(PdqParts(words, int(quality), coefficients, int(undecided)))
        return self._pdq[0]

    def means(self, n: int) -> F64:
        """Return the means over ``n x n`` blocks; float64 (n, n)."""
        return block_means(self.pixels, self.width / self.divisors[0], self.height / self.divisors[1], n)

    def contrast(self) -> int:
        """Return an estimate of PDQ's quality, [0, 100], from a 32 x 32 thumbnail such as the pHash makes."""
        if not self._contrast:
            if self.exact:
                found = thumbnail_quality(self.thumbnail(_LARGEST, _LARGEST))
            else:
                found = contrast_of(self.pixels, *self._weights(_LARGEST, _LARGEST))
            self._contrast.append(int(found))
        return self._contrast[0]

    def turned(self, n_quarters: int, *, mirrored: bool) -> Luma:
        """Return the picture, mirrored left to right if asked, then turned clockwise by quarter turns."""
        pixels = np.ascontiguousarray(np.rot90(self.pixels[:, ::-1] if mirrored else self.pixels, -n_quarters))
        if n_quarters % 2 == 0:
            return Luma(pixels, self.width, self.height, self.divisors, self.exact)
        return Luma(pixels, self.height, self.width, self.divisors[::-1], self.exact)


def whole_luma(picture: Picture, *, exact: bool = False, unrounded: F32 | None = None) -> Luma:
    """Return all grey values of a picture from `fingerprint.images.decode.read_grey`."""
    divisor = _reduction_of(picture)
    pixels = np.ascontiguousarray(picture.pixels)
    return Luma(pixels, picture.width, picture.height, (divisor, divisor), exact, unrounded)


def averaged_luma(picture: Picture) -> Luma:
    """Return the grey values of a picture in grey or colours, with rows averaged if there are more than needed.

    Parameters
    ----------
    picture : Picture
        Pixels of shape (h, w) or (h, w, 3).
    """
    divisor = _reduction_of(picture)
    pixels = np.ascontiguousarray(picture.pixels)
    n_rows = len(pixels)
    n = min(max(1, n_rows // _ROWS), _MOST_ROWS)
    if n > 1:
        pixels = reduce_rows(pixels.reshape(n_rows, -1), n).reshape(-1, *pixels.shape[1:])
    if pixels.ndim == 3:
        pixels = luma(pixels)
    return Luma(pixels, picture.width, picture.height, (divisor, divisor * n), exact=False)


def _reduction_of(picture: Picture) -> int:
    """Return the divisor at which a picture was decoded: 1, 2, 4 or 8."""
    height, width = picture.pixels.shape[:2]
    for divisor in (1, 2, 4, 8):
        if -(-picture.width // divisor) == width and -(-picture.height // divisor) == height:
            return divisor
    whole = f"{picture.width} x {picture.height}"
    raise ImageError(picture.name, f"{width} x {height} pixels are no half, quarter or eighth of {whole}")


@lru_cache(maxsize=1024)
def _lanczos_weights(size: int, length: float, n_out: int) -> tuple[I32, I32]:
    return lanczos_weights(size, length, n_out)


@lru_cache(maxsize=1024)
def _jarosz_weights(n: int, divisor: int) -> tuple[I32, F32]:
    return jarosz_weights(n, divisor)
