"""Camera RAW files of the simplest kind: a DNG of a Bayer mosaic, with or without a JPEG preview."""

from __future__ import annotations

import io

import numpy as np
import tifffile
from PIL import Image

from fingerprint.types import U8

_SRGB = (3.2404542, -1.5371385, -0.4985314, -0.969266, 1.8760108, 0.041556, 0.0556434, -0.2040259, 1.0572252)
_CFA, _WHITE = 32803, 16383
_BYTE, _TEXT, _SHORT, _LONG, _FRACTION, _SIGNED_FRACTION = 1, 2, 3, 4, 5, 10


def dng(pixels: U8, *, orientation: int = 1, preview: Image.Image | None = None) -> bytes:
    """Return a DNG whose sensor saw `pixels`, RGB of even sides, as stored by a camera that was turned."""
    light = (pixels.astype(np.float64) / 255) ** 2.2
    mosaic = np.zeros(pixels.shape[:2], np.uint16)
    for y, x, channel in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)):
        mosaic[y::2, x::2] = light[y::2, x::2, channel] * _WHITE
    matrix = tuple(number for value in _SRGB for number in (round(value * 10_000), 10_000))
    camera = [
        (50706, _BYTE, 4, (1, 4, 0, 0), True),  # DNG version
        (271, _TEXT, 0, "Nobody", True),
        (272, _TEXT, 0, "Nothing", True),
        (50708, _TEXT, 0, "Nobody Nothing", True),
        (274, _SHORT, 1, orientation, True),
        (50721, _SIGNED_FRACTION, 9, matrix, True),
        (50728, _FRACTION, 3, (1, 1, 1, 1, 1, 1), True),  # white as shot
        (50778, _SHORT, 1, 21, True),  # light of the matrix: D65
    ]
    sensor = [
        (33421, _SHORT, 2, (2, 2), True),
        (33422, _BYTE, 4, bytes((0, 1, 1, 2)), True),
        (50717, _LONG, 1, _WHITE, True),
    ]
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as file:
        if preview is None:
            file.write(mosaic, photometric=_CFA, metadata=None, extratags=camera + sensor)
        else:
            encoded = io.BytesIO()
            preview.save(encoded, "JPEG", quality=95, subsampling=0)
            file.write(
                iter([encoded.getvalue()]),
                shape=(preview.height, preview.width, 3),
                dtype=np.uint8,
                photometric="ycbcr",
                compression="jpeg",
                rowsperstrip=preview.height,
                subfiletype=1,
                subifds=1,
                metadata=None,
                extratags=camera,
            )
            file.write(mosaic, photometric=_CFA, subfiletype=0, metadata=None, extratags=sensor)
    return out.getvalue()
