"""What the readers of formats that come with packages of their own have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from fingerprint.images.depth import high_bits, stretched, width_of


class ExtraImage(ImageFile.ImageFile):
    """A file whose size is known when it is opened, and which is decoded as a whole, upright, when it is loaded.

    Subclasses set ``_size`` and ``_mode`` in ``_open`` and give the picture in ``_decoded``. Its size may then differ
    from the one before, as some formats turn and cut pictures after decoding.
    """

    def _file(self) -> IO[bytes]:
        """Return the open file."""
        assert self.fp is not None  # noqa: S101 - it is, until the picture is loaded
        return self.fp

    def _expect(self, size: tuple[int, int], mode: str, *, deep: bool) -> None:
        """Note what the header says; `mode` is that of 8 bits."""
        self._size, self._mode = size, mode
        layout = f"{mode};16" if deep else mode  # which `depth.is_plain` looks at
        self.tile = [ImageFile._Tile("raw", (0, 0, *size), 0, layout)]  # noqa: SLF001 - to say how it is stored

    def _decoded(self) -> Image.Image:
        """Return the picture with 8 bits a sample, of mode L, LA, RGB or RGBA."""
        raise NotImplementedError

    def load(self) -> Any:
        """Load the picture."""
        if self.tile:
            made = self._decoded()
            self.im, self._mode, self._size, self.tile = made.im, made.mode, made.size, []
        return super().load()

    def getexif(self) -> Image.Exif:
        """Return no EXIF data: the picture is upright already, whatever its EXIF data says of the orientation."""
        return Image.Exif()


def picture_of(samples: NDArray[Any], bits: Sequence[int] | None = None) -> Image.Image:
    """Return samples as a picture of 8 bits, by the rule of `fingerprint.images.depth`.

    Parameters
    ----------
    samples : uint8, uint16 or float array, shape (h, w) or (h, w, c)
        Grey, grey and alpha, RGB, or RGBA.
    bits : (int, int), optional
        How many bits colours and alpha have, if the file states it; by default the least usual width that holds their
        largest value.
    """
    planes = samples if samples.ndim == 3 else samples[..., np.newaxis]
    n_colours = planes.shape[2] - (planes.shape[2] in (2, 4))
    colours, alpha = planes[..., :n_colours], planes[..., n_colours:]
    if samples.dtype.kind == "f":
        finite = np.isfinite(colours)
        low = float(colours.min(where=finite, initial=np.inf))
        high = float(colours.max(where=finite, initial=-np.inf))
        full = float(alpha.max(where=np.isfinite(alpha), initial=1.0))
        parts = [stretched(colours, low, high), stretched(np.maximum(alpha, 0), 0.0, full)]
    elif samples.dtype == np.uint8:
        parts = [colours, alpha]
    else:
        widths = bits or [width_of(int(part.max(initial=0))) for part in (colours, alpha)]
        parts = [high_bits(part, width) for part, width in zip((colours, alpha), widths, strict=True)]
    levels = np.ascontiguousarray(np.concatenate(parts, axis=2))
    mode = ("L", "LA", "RGB", "RGBA")[levels.shape[2] - 1]
    return Image.frombytes(mode, (levels.shape[1], levels.shape[0]), levels.tobytes())
