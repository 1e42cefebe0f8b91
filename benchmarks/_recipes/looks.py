"""A whole-picture cue beside those that the package has; equal for a picture and its mirror image."""

from __future__ import annotations

import cv2
import numpy as np

from fingerprint.features.global_cues import compute_gist
from fingerprint.types import F32, U8

_SIDE = 128
_MARGIN = 16


def whole_gist(thumbnail: U8) -> F32:
    """Return GIST of the whole picture: the package's function looks at the middle of what it is given."""
    inner = cv2.resize(thumbnail, (_SIDE - 2 * _MARGIN,) * 2, interpolation=cv2.INTER_AREA)
    border = cv2.BORDER_REPLICATE
    return compute_gist(np.asarray(cv2.copyMakeBorder(inner, *(_MARGIN,) * 4, border), np.uint8))
