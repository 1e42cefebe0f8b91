"""A hash of a picture in one call, because threads wait for each other at every return to the interpreter.

With PDQ in one call, two threads did 1.92 times the work of one; with four calls it was 1.72 times.

Numba's cache does not see a change in another file: after a change in `hashing` or `resample`, remove the caches of the
kernels.
"""

from __future__ import annotations

import numpy as np

from fingerprint.kernels.compiled import njit
from fingerprint.kernels.hashing import (
    ahash64,
    dhash64,
    dhash_vertical64,
    phash64,
    phash_simple64,
    thumbnail_quality,
)
from fingerprint.kernels.resample import resample
from fingerprint.types import I32, U8


@njit(cache=True, nogil=True)
def phash_of(grey: U8, x_spans: I32, x_weights: I32, y_spans: I32, y_weights: I32) -> tuple[np.uint64, int]:
    """Return the pHash of a picture and its quality; the weights are those of `resample` for 32 x 32."""
    thumbnail = resample(grey, x_spans, x_weights, y_spans, y_weights)
    return phash64(thumbnail), thumbnail_quality(thumbnail)


@njit(cache=True, nogil=True)
def phash_simple_of(grey: U8, x_spans: I32, x_weights: I32, y_spans: I32, y_weights: I32) -> np.uint64:
    """Return the pHash along rows of a picture; the weights are those of `resample` for 32 x 32."""
    return phash_simple64(resample(grey, x_spans, x_weights, y_spans, y_weights))


@njit(cache=True, nogil=True)
def dhash_of(grey: U8, x_spans: I32, x_weights: I32, y_spans: I32, y_weights: I32) -> np.uint64:
    """Return the horizontal dHash of a picture; the weights are those of `resample` for 9 x 8."""
    return dhash64(resample(grey, x_spans, x_weights, y_spans, y_weights))


@njit(cache=True, nogil=True)
def dhash_vertical_of(grey: U8, x_spans: I32, x_weights: I32, y_spans: I32, y_weights: I32) -> np.uint64:
    """Return the vertical dHash of a picture; the weights are those of `resample` for 8 x 9."""
    return dhash_vertical64(resample(grey, x_spans, x_weights, y_spans, y_weights))


@njit(cache=True, nogil=True)
def ahash_of(grey: U8, x_spans: I32, x_weights: I32, y_spans: I32, y_weights: I32) -> np.uint64:
    """Return the aHash of a picture; the weights are those of `resample` for 8 x 8."""
    return ahash64(resample(grey, x_spans, x_weights, y_spans, y_weights))


@njit(cache=True, nogil=True)
def quality_of(grey: U8, x_spans: I32, x_weights: I32, y_spans: I32, y_weights: I32) -> int:
    """Return the quality of a picture; the weights are those of `resample` for 32 x 32."""
    return thumbnail_quality(resample(grey, x_spans, x_weights, y_spans, y_weights))
