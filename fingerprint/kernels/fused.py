"""A hash of a picture in one call, because threads wait for each other at every return to the interpreter.

With PDQ in one call, two threads did 1.92 times the work of one; with four calls it was 1.72 times.

Numba's cache does not see a change in another file: after a change in `hashing`, `information` or `resample`, remove
the caches of the kernels.
"""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.compiled import njit
from fingerprint.kernels.hashing import thumbnail_quality
from fingerprint.kernels.information import (
    measured_ahash,
    measured_dhash,
    measured_dhash_vertical,
    measured_phash,
    measured_phash_simple,
)
from fingerprint.kernels.resample import resample
from fingerprint.types import I32, U8


@njit(cache=True, nogil=True)
def phash_of(
    grey: U8, x_spans: I32, x_weights: I32, y_spans: I32, y_weights: I32
) -> tuple[tuple[np.uint64, float], int]:
    """Return the pHash of a picture with its information, and the picture's contrast.

    The weights are those of `resample` for 32 x 32.
    """
    thumbnail = resample(grey, x_spans, x_weights, y_spans, y_weights)
    return measured_phash(thumbnail), thumbnail_quality(thumbnail)


@njit(cache=True, nogil=True)
def phash_simple_of(grey: U8, x_spans: I32, x_weights: I32, y_spans: I32, y_weights: I32) -> tuple[np.uint64, float]:
    """Return the pHash along rows of a picture and its information; the weights are those of `resample` for 32 x 32."""
    return measured_phash_simple(resample(grey, x_spans, x_weights, y_spans, y_weights))


@njit(cache=True, nogil=True)
def dhash_of(grey: U8, x_spans: I32, x_weights: I32, y_spans: I32, y_weights: I32) -> tuple[np.uint64, float]:
    """Return the horizontal dHash of a picture and its information; the weights are those of `resample` for 9 x 8."""
    return measured_dhash(resample(grey, x_spans, x_weights, y_spans, y_weights))


@njit(cache=True, nogil=True)
def dhash_vertical_of(grey: U8, x_spans: I32, x_weights: I32, y_spans: I32, y_weights: I32) -> tuple[np.uint64, float]:
    """Return the vertical dHash of a picture and its information; the weights are those of `resample` for 8 x 9."""
    return measured_dhash_vertical(resample(grey, x_spans, x_weights, y_spans, y_weights))


@njit(cache=True, nogil=True)
def ahash_of(grey: U8, x_spans: I32, x_weights: I32, y_spans: I32, y_weights: I32) -> tuple[np.uint64, float]:
    """Return the aHash of a picture and its information; the weights are those of `resample` for 8 x 8."""
    return measured_ahash(resample(grey, x_spans, x_weights, y_spans, y_weights))


@njit(cache=True, nogil=True)
def contrast_of(grey: U8, x_spans: I32, x_weights: I32, y_spans: I32, y_weights: I32) -> int:
    """Return the contrast of a picture; the weights are those of `resample` for 32 x 32."""
    return thumbnail_quality(resample(grey, x_spans, x_weights, y_spans, y_weights))
