"""Frames of keypoints in 8 bytes each, for collections on disk.

A packed frame is four uint16: x and y in 65,536ths of the longer side, the natural logarithm of the size in 4,096ths
from -12 on, and the angle in 65,536ths of a turn. Each number is the step that a value lies in, and comes back as the
middle of that step. So it is wrong by half a step at most, and it falls into the same coarser step of a posting's
geometry (`fingerprint.kernels.postings`) as before.
"""

from __future__ import annotations

import math

import numpy as np

from fingerprint.kernels.compiled import njit

STEPS = 65_536.0
_MOST = 65_535.0
_LOG_LEAST, _LOG_STEPS = -12.0, 4_096.0
_TURN = 2 * math.pi


@njit(cache=True, nogil=True)
def pack_frames(frame, out):  # type: ignore[no-untyped-def]
    """Pack frames: float32 (n, 5), finite, as in `fingerprint.types.Keypoints`; uint16 (n, 4)."""
    for i in range(len(frame)):
        out[i, 0] = _step(frame[i, 0] * STEPS)
        out[i, 1] = _step(frame[i, 1] * STEPS)
        out[i, 2] = _step((frame[i, 2] - _LOG_LEAST) * _LOG_STEPS)
        turn = math.atan2(np.float64(frame[i, 4]), np.float64(frame[i, 3])) / _TURN
        out[i, 3] = np.uint16(np.int64(math.floor(turn * STEPS)) & 65_535)


@njit(cache=True, nogil=True, inline="always")
def _step(value):  # type: ignore[no-untyped-def]
    return np.uint16(min(max(value, 0.0), _MOST))


@njit(cache=True, nogil=True)
def unpack_frames(packed, directions, out):  # type: ignore[no-untyped-def]
    """Do the reverse: uint16 (n, 4), float32 (65536, 2), float32 (n, 5).

    directions are cosine and sine of the angle in the middle of each step.
    """
    for i in range(len(packed)):
        out[i, 0] = (packed[i, 0] + 0.5) / STEPS
        out[i, 1] = (packed[i, 1] + 0.5) / STEPS
        out[i, 2] = (packed[i, 2] + 0.5) / _LOG_STEPS + _LOG_LEAST
        direction = directions[packed[i, 3]]
        out[i, 3], out[i, 4] = direction[0], direction[1]
