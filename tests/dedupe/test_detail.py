"""Enlarged pictures are known by their spectrum."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from fingerprint.dedupe.detail import detail_share
from fingerprint.types import U8

NAMES = ("astronaut", "chelsea", "coffee", "motorcycle_left")
METHODS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)


def grey(photos: dict[str, U8], name: str, scale: float = 1.0, method: Image.Resampling = METHODS[0]) -> U8:
    image = Image.fromarray(photos[name]).convert("L")
    image.thumbnail((400, 400), Image.Resampling.LANCZOS)  # so that no photograph is soft by itself
    size = round(image.width * scale), round(image.height * scale)
    return np.asarray(image if scale == 1 else image.resize(size, method))


@pytest.mark.parametrize("name", NAMES)
def test_a_photograph_needs_all_its_pixels(photos: dict[str, U8], name: str) -> None:
    assert detail_share(grey(photos, name)) == 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", NAMES)
def test_enlarged_twice_it_needs_half(photos: dict[str, U8], name: str, method: Image.Resampling) -> None:
    assert detail_share(grey(photos, name, 2, method)) == pytest.approx(0.5, abs=0.17)


@pytest.mark.parametrize("name", NAMES)
def test_enlarged_three_times_it_needs_a_third(photos: dict[str, U8], name: str) -> None:
    assert detail_share(grey(photos, name, 3, METHODS[1])) <= 0.5


def test_what_has_no_spectrum_needs_all() -> None:
    assert detail_share(np.zeros((5, 400), np.uint8)) == 1
    assert detail_share(np.full((200, 200), 7, np.uint8)) == 1
