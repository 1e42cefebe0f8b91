"""GIST in 256 dimensions as the challenge made its baseline: the only hand-made row of its tables.

References
----------
Oliva and Torralba, *Modeling the shape of the scene*, IJCV 2001; Douze et al., *The 2021 Image Similarity Dataset and
Challenge*, 2021 (short side 32, centre crop, PCA to 256 without whitening, not normalised again).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from fingerprint.bench.base import DescribingMethod, Learned, Role, unit
from fingerprint.errors import ConfigError
from fingerprint.images.decode import read_rgb
from fingerprint.types import F32, F64, U8, Skipped
from fingerprint.workers import map_images

DIMENSION = 256
_SIDE, _CELLS = 32, 4
_ORIENTATIONS = (8, 8, 4)
_PREFILTER_CYCLES, _PREFILTER_PADDING, _PREFILTER_FLOOR = 4.0, 5, 0.2


class Gist256(DescribingMethod):
    """Colour GIST of 960 dimensions, reduced to 256 by principal components of the training images."""

    title = "GIST, PCA to 256, as the challenge made it"

    def learn(self, training: Sequence[Path]) -> Learned:
        """Return mean and principal directions of the training images' GIST."""
        found = [item for item in map_images(_gist_of, training) if not isinstance(item, Skipped)]
        if len(found) < 2:
            raise ConfigError("gist256: no training images that can be read; its directions are learned from them")
        full = np.stack(found)
        mean = full.mean(axis=0)
        basis = np.linalg.eigh(np.cov((full - mean).T))[1][:, ::-1][:, :DIMENSION]
        return {"mean": mean, "basis": basis.astype(np.float32)}

    def describe(self, picture: Path, role: Role, learned: Learned) -> F32:
        """Return the projected GIST; see `DescribingMethod`."""
        del role
        return np.asarray((_gist_of(picture) - learned["mean"]) @ learned["basis"], np.float32)


def _gist_of(path: Path) -> F32:
    return challenge_gist(read_rgb(path).pixels)


def challenge_gist(pixels: U8) -> F32:
    """Return colour GIST of the middle of a picture at 32 x 32 pixels.

    Parameters
    ----------
    pixels : uint8 array, shape (h, w, 3)

    Returns
    -------
    float32 array, shape (960,)
        Of unit length.
    """
    picture = Image.fromarray(pixels)
    factor = _SIDE / min(picture.size)
    width, height = (max(_SIDE, round(length * factor)) for length in picture.size)
    left, top = (width - _SIDE) // 2, (height - _SIDE) // 2
    small = picture.resize((width, height), Image.Resampling.BILINEAR)
    square = np.asarray(small.crop((left, top, left + _SIDE, top + _SIDE)), np.float64)
    spectrum = np.fft.fft2(_even_contrast(square.transpose(2, 0, 1)))
    responses = np.abs(np.fft.ifft2(spectrum[:, np.newaxis] * _gabor_filters()))
    cell = _SIDE // _CELLS
    blocks = responses.reshape(3, -1, _CELLS, cell, _CELLS, cell).mean(axis=(3, 5))
    return unit(blocks.ravel())


def _even_contrast(channels: F64) -> F64:
    """Take low frequencies away and divide by the local contrast of all channels together."""
    pad = _PREFILTER_PADDING
    logs = np.pad(np.log(channels + 1), ((0, 0), (pad, pad), (pad, pad)), "symmetric")
    n = logs.shape[1]
    cycles = np.fft.fftfreq(n, 1 / n)
    width = _PREFILTER_CYCLES / np.sqrt(np.log(2))
    low = np.exp(-(cycles[:, np.newaxis] ** 2 + cycles**2) / width**2)
    detail = logs - np.fft.ifft2(np.fft.fft2(logs) * low).real
    contrast = np.sqrt(np.abs(np.fft.ifft2(np.fft.fft2(detail.mean(axis=0) ** 2) * low)))
    return np.asarray((detail / (_PREFILTER_FLOOR + contrast))[:, pad:-pad, pad:-pad])


@cache
def _gabor_filters() -> F64:
    cycles = np.fft.fftfreq(_SIDE, 1 / _SIDE)
    frequency = np.hypot(*np.meshgrid(cycles, cycles))
    angle = np.arctan2(*np.meshgrid(cycles, cycles)[::-1])
    filters = []
    for scale, count in enumerate(_ORIENTATIONS):
        centre, sharpness = 0.3 / 1.85**scale, 16 * count**2 / 32**2
        for k in range(count):
            off = (angle + np.pi / count * k + np.pi) % (2 * np.pi) - np.pi
            octaves = frequency / _SIDE / centre - 1
            filters.append(np.exp(-10 * 0.35 * octaves**2 - 2 * sharpness * np.pi * off**2))
    return np.array(filters)
