"""Two cues of the compact descriptor that need no keypoints: the positions of edges (GIST) and of colours.

They also describe pictures in which blur, noise or a small size leave no keypoints. Both are the same for a picture and
its mirror image.

References
----------
Oliva and Torralba, *Modeling the shape of the scene: a holistic representation of the spatial envelope*, IJCV 2001
(GIST).
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from scipy import fft

from fingerprint.features.thumbnail import shrink
from fingerprint.kernels.cues import count_colours, pool_magnitudes
from fingerprint.types import F32, F64, U8

#: Sides of the square that a picture is squeezed into, in pixels.
CUE_SIDE = 128

_MARGIN = CUE_SIDE // 8  # pixels that GIST leaves out on each side, as edits add things at the borders
_GIST_SIDE = 64
_CELLS = 4
_CONTRAST_SIGMA = 6.0  # pixels; standard deviation of the Gaussian for normalising local contrast
_CONTRAST_FLOOR = 0.1
#: Frequency in cycles per pixel and number of orientations of each scale of the Gabor filters.
_SCALES = ((0.3, 8), (0.15, 8), (0.075, 8), (0.0375, 6))
_LOG_BANDWIDTH, _ANGULAR_BANDWIDTH = 0.55, 0.7
_POWER = np.float32(0.5)


def make_cue_thumbnail(planes: U8) -> U8:
    """Squeeze a picture into a square.

    Parameters
    ----------
    planes : uint8 array, shape (h, w, 3)
        Y, Cb, Cr, as `fingerprint.images.decode.read_planes` gives them.

    Returns
    -------
    uint8 array, shape (128, 128, 3)
    """
    return shrink(planes, CUE_SIDE, CUE_SIDE)


def compute_gist(thumbnail: U8) -> F32:
    """Return the energy of Gabor filters in 4 x 4 cells of the picture's middle, with local contrast normalised.

    Parameters
    ----------
    thumbnail : uint8 array, shape (128, 128, 3)
        From `make_cue_thumbnail`.

    Returns
    -------
    float32 array, shape (480,)
        Square roots, of unit length; zeros for a flat picture.
    """
    middle = np.ascontiguousarray(thumbnail[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN, 0])
    grey = np.log1p(cv2.resize(middle, (_GIST_SIDE, _GIST_SIDE), interpolation=cv2.INTER_AREA).astype(np.float32))
    detail = grey - cv2.GaussianBlur(grey, (0, 0), _CONTRAST_SIGMA)
    contrast = np.sqrt(np.maximum(cv2.GaussianBlur(detail * detail, (0, 0), _CONTRAST_SIGMA), 0))
    filters, cells, mirrored = _gabor_filters()
    spectrum = fft.rfft2(detail / (np.float32(_CONTRAST_FLOOR) + contrast))
    responses = fft.irfft2(spectrum[np.newaxis] * filters, s=grey.shape)
    energies = np.empty((_CELLS, _CELLS, len(filters)), np.float32)
    pool_magnitudes(responses.astype(np.float32, copy=False), cells, energies)
    return unit(_rooted(energies) + _rooted(energies[:, ::-1][:, :, mirrored]))


def compute_colours(thumbnail: U8) -> F32:
    """Return histograms of colours: of the whole picture, and of its 2 x 2 and 4 x 4 cells.

    Parameters
    ----------
    thumbnail : uint8 array, shape (128, 128, 3)
        From `make_cue_thumbnail`.

    Returns
    -------
    float32 array, shape (2304,)
        Powers of the shares, of unit length.
    """
    lab = cv2.cvtColor(_to_rgb(thumbnail), cv2.COLOR_RGB2LAB)
    counts = np.zeros((_CELLS, _CELLS, 4, 8, 8), np.int64)
    count_colours(lab, counts)
    quarters = counts.reshape(2, 2, 2, 2, 256).sum(axis=(1, 3))
    coarse = counts.reshape(_CELLS, _CELLS, 4, 4, 2, 4, 2).sum(axis=(4, 6)).reshape(_CELLS, _CELLS, 64)
    parts = []
    for cells in (quarters.sum(axis=(0, 1), keepdims=True), quarters, coarse):
        share = np.sqrt(cells / (CUE_SIDE * CUE_SIDE / (len(cells) ** 2))).astype(np.float32)
        parts.append((share + share[:, ::-1]).ravel())
    return _rooted(np.concatenate(parts))


def unit(vector: F32) -> F32:
    """Return a vector at unit length; zeros stay."""
    norm = np.sqrt(np.square(vector, dtype=np.float32).sum(dtype=np.float64))
    return vector.astype(np.float32) if norm == 0 else (vector / np.float32(norm)).astype(np.float32)


def _rooted(values: F32) -> F32:
    return unit(np.abs(values).ravel() ** _POWER)


def _to_rgb(planes: U8) -> U8:
    """Convert JPEG's Y, Cb, Cr to RGB."""
    return np.asarray(cv2.cvtColor(planes[..., [0, 2, 1]], cv2.COLOR_YCrCb2RGB), dtype=np.uint8)


@lru_cache(maxsize=1)
def _gabor_filters() -> tuple[F32, F32, list[int]]:
    """Return the filters in the frequency domain (f, 64, 33), the cells' weights (4, 64), and each filter's mirror."""
    y, x = np.meshgrid(fft.fftfreq(_GIST_SIDE), fft.rfftfreq(_GIST_SIDE), indexing="ij")
    frequency, angle = np.hypot(x, y), np.arctan2(y, x)
    filters: list[F64] = []
    mirrored: list[int] = []
    for centre, n_orientations in _SCALES:
        first = len(filters)
        octaves = np.log(np.maximum(frequency, 1e-6) / centre) / _LOG_BANDWIDTH
        for k in range(n_orientations):
            off = (angle - np.pi * k / n_orientations + np.pi / 2) % np.pi - np.pi / 2
            turned = off / (np.pi / n_orientations * _ANGULAR_BANDWIDTH)
            filters.append(np.exp(-(octaves**2 + turned**2) / 2))
            mirrored.append(first + (-k) % n_orientations)
    at = (np.arange(_GIST_SIDE) + 0.5) / _GIST_SIDE * _CELLS - 0.5
    inner = np.clip(at, 0, _CELLS - 1)  # beyond the outer centres a pixel belongs to the outer cell alone
    cells = np.maximum(0, 1 - np.abs(inner - np.arange(_CELLS)[:, np.newaxis]))
    built = np.array(filters, np.float32)
    half = _GIST_SIDE // 2  # this row stands for a frequency and its negative, so for a filter and its mirror
    built[:, half] = (built[:, half] + built[mirrored, half]) / 2
    return built, cells.astype(np.float32), mirrored
