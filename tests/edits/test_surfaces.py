"""Close-ups of surfaces."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fingerprint.edits import surfaces
from fingerprint.edits.surfaces import draw_surface


def test_the_same_seed_gives_the_same_bytes_and_another_gives_another_surface() -> None:
    drawn = [draw_surface(np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert drawn[0].tobytes() == drawn[1].tobytes() != drawn[2].tobytes()


@pytest.mark.parametrize("seed", range(30))
def test_a_surface_is_a_picture_with_texture_everywhere(seed: int) -> None:
    pixels = draw_surface(np.random.default_rng(seed))
    assert pixels.dtype == np.uint8
    assert pixels.shape[2] == 3
    assert all(320 <= side < 640 for side in pixels.shape[:2])
    grey = pixels.mean(axis=2)
    quarters = [part for half in np.array_split(grey, 4) for part in np.array_split(half, 4, axis=1)]
    assert min(part.std() for part in quarters) > 4


def test_all_materials_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def noting(number: int) -> Callable[[np.random.Generator, int, int], np.ndarray]:
        def draw(rng: np.random.Generator, h: int, w: int) -> np.ndarray:
            seen.append(number)
            return rng.standard_normal((h, w)).astype(np.float32)

        return draw

    monkeypatch.setattr(surfaces, "_MATERIALS", tuple(map(noting, range(len(surfaces._MATERIALS)))))
    for seed in range(60):
        draw_surface(np.random.default_rng(seed))
    assert set(seen) == set(range(len(surfaces._MATERIALS)))
