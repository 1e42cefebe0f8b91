"""Frames of keypoints as collections store them: 8 bytes each instead of 20."""

from __future__ import annotations

from functools import cache

import numpy as np

from fingerprint.kernels import frames as kernels
from fingerprint.types import F32, U16


def pack_frames(frame: F32) -> U16:
    """Pack frames.

    Parameters
    ----------
    frame : float32 array, shape (n, 5)
        As in `fingerprint.types.Keypoints`, finite.

    Returns
    -------
    uint16 array, shape (n, 4)
        x, y, logarithm of the size, angle; see `fingerprint.kernels.frames`. Positions outside of 0 to 1 and logarithms
        outside of -12 to 4 are cut off.
    """
    out = np.empty((len(frame), 4), np.uint16)
    kernels.pack_frames(np.ascontiguousarray(frame), out)
    return out


def unpack_frames(packed: U16) -> F32:
    """Return packed frames as float32 array, shape (n, 5)."""
    out = np.empty((len(packed), 5), np.float32)
    kernels.unpack_frames(packed, _directions(), out)
    return out


@cache
def _directions() -> F32:
    """Return cosine and sine of each step of the angle: float32 array, shape (65536, 2)."""
    angles = (np.arange(kernels.STEPS) + 0.5) * (2 * np.pi / kernels.STEPS)
    return np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)


def rounded_frames(frame: F32) -> F32:
    """Return frames as they come back from a collection. Packing these again gives the same bytes.

    Examples
    --------
    >>> frame = np.array([[0.25, 0.1, -4, 0, 1]], np.float32)
    >>> bool(np.abs(rounded_frames(frame) - frame).max() < 0.0002)
    True
    """
    return unpack_frames(pack_frames(frame))
