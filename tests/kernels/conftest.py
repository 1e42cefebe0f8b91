"""Fixtures that tests of several kernels share."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fingerprint.types import U8

_SCENES = ("astronaut", "chelsea", "coffee", "brick")
_SIDE = 192


@pytest.fixture(scope="session")
def scenes(photos: dict[str, U8]) -> dict[str, U8]:
    """Grey photographs of 192 x 192 pixels."""
    greys = {name: cv2.cvtColor(photos[name], cv2.COLOR_RGB2GRAY) for name in _SCENES if name in photos}
    return {
        name: np.asarray(cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), np.uint8)
        for name, grey in greys.items()
    }
