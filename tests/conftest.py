"""Fixtures that several test modules share."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

from fingerprint.features.describe import describe_reference
from fingerprint.models import Models, load_models
from fingerprint.types import U8, Fingerprint

# No time limit a case: the first one may have to wait for Numba.
settings.register_profile("copyprint", deadline=None)
settings.load_profile("copyprint")

#: Photographs in the wheel of scikit-image, each of another scene. The first four are in colour and in every variant.
PHOTOGRAPHS = (
    *("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"),
    *("brick.png", "camera.png", "cell.png", "clock_motion.png", "coins.png", "grass.png", "gravel.png"),
    *("hubble_deep_field.jpg", "ihc.png", "moon.png", "motorcycle_left.png", "page.png", "retina.jpg"),
)


@pytest.fixture(scope="session")
def photos() -> dict[str, U8]:
    """Photographs by name: read-only uint8 arrays (h, w, 3); grey ones have three equal channels."""
    spec = importlib.util.find_spec("skimage")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "data"
    found: dict[str, U8] = {}
    for name in PHOTOGRAPHS:
        if (folder / name).exists():
            with Image.open(folder / name) as image:
                pixels = np.array(image.convert("RGB"))
            pixels.setflags(write=False)
            found[Path(name).stem] = pixels
    assert {"astronaut", "chelsea", "coffee", "rocket"} <= found.keys()
    return found


@pytest.fixture(scope="session")
def models() -> Models:
    """The models that ship with the package."""
    return load_models()


@pytest.fixture(scope="session")
def described(photos: dict[str, U8], models: Models) -> dict[str, Fingerprint]:
    """The photographs as references, by name."""
    return {name: describe_reference(pixels, models) for name, pixels in photos.items()}
