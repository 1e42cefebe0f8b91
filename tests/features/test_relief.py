"""Reliefs and drawings of edges become pictures again."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image, ImageFilter

from fingerprint.config import CloserConfig, Config, config_for
from fingerprint.features.describe import compact_descriptor, read_picture
from fingerprint.features.relief import restore, undo_relief
from fingerprint.features.views import Likeliest, closer_views
from fingerprint.models import Models
from fingerprint.types import U8
from fingerprint.verify.compare import compare

SCENES = ("astronaut", "chelsea", "coffee", "rocket")


def luma_of(pixels: U8) -> U8:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)


def embossed(pixels: U8, angle: float, gain: float = 0.7) -> U8:
    grey = luma_of(pixels).astype(np.float32)
    dx, dy = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    relief = 128 + gain * (dx * np.cos(angle) + dy * np.sin(angle))
    return np.repeat(np.clip(np.rint(relief), 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


def drawn_edges(pixels: U8, name: str) -> U8:
    edges = Image.fromarray(pixels).filter(getattr(ImageFilter, name)).convert("L")
    return np.repeat(np.asarray(edges)[2:-2, 2:-2, None], 3, axis=2)


def likeness(first: U8, second: U8) -> float:
    """Correlation of two pictures in detail: without what is wider than a sixteenth."""
    size = (256, 256)
    a, b = (
        np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.float64) for pixels in (first, second)
    )
    a, b = ((grey - cv2.GaussianBlur(grey, (0, 0), 16)).ravel() for grey in (a, b))
    return abs(float(np.corrcoef(a, b)[0, 1]))


class TestReliefs:
    @pytest.mark.parametrize("name", SCENES)
    @pytest.mark.parametrize("angle", [0.0, 0.4, 1.1, 2.0, 2.9])
    def test_lit_from_any_side_are_undone(self, name: str, angle: float, photos: dict[str, U8]) -> None:
        relief = embossed(photos[name], angle)
        restored = undo_relief(read_picture(relief).planes)
        assert restored is not None
        luma = luma_of(photos[name])
        assert likeness(restored.pixels[:, :, 0], luma) > max(0.75, 2 * likeness(relief[:, :, 0], luma))

    def test_keep_the_size_of_their_picture_and_have_no_colour(self, photos: dict[str, U8]) -> None:
        planes = read_picture(embossed(photos["coffee"], 1.0)).planes
        restored = undo_relief(planes)
        assert restored is not None
        assert (restored.width, restored.height, restored.name) == (planes.width, planes.height, planes.name)
        assert max(restored.pixels.shape[:2]) <= 512
        assert (restored.pixels[:, :, 1:] == 128).all()

    def test_with_a_sticker_are_undone(self, photos: dict[str, U8]) -> None:
        relief = embossed(photos["coffee"], 0.8)
        relief[100:220, 150:300] = (230, 180, 20)
        restored = undo_relief(read_picture(relief).planes)
        assert restored is not None
        assert likeness(restored.pixels[:, :, 0], luma_of(photos["coffee"])) > 0.5

    def test_photographs_are_none(self, photos: dict[str, U8]) -> None:
        assert [name for name, pixels in photos.items() if undo_relief(read_picture(pixels).planes) is not None] == []

    @pytest.mark.parametrize("value", [0, 128, 255])
    def test_one_colour_is_none(self, value: int) -> None:
        assert restore(read_picture(np.full((80, 90, 3), value, np.uint8)).planes) is None

    @pytest.mark.parametrize("shape", [(1, 1), (1, 600), (600, 1), (3, 5)])
    def test_the_smallest_pictures_break_nothing(self, shape: tuple[int, int]) -> None:
        noise = np.random.default_rng(0).integers(120, 136, (*shape, 1), dtype=np.uint8)
        restored = restore(read_picture(np.repeat(noise, 3, axis=2)).planes)
        assert restored is None or restored.pixels.shape[2] == 3


@pytest.mark.parametrize("kind", ["FIND_EDGES", "CONTOUR"])
def test_drawings_of_edges_are_filled(kind: str, photos: dict[str, U8]) -> None:
    gained = 0
    for name in SCENES:
        drawing, luma = drawn_edges(photos[name], kind), luma_of(photos[name])[2:-2, 2:-2]
        restored = restore(read_picture(drawing).planes)
        gained += restored is not None and likeness(restored.pixels[:, :, 0], luma) > likeness(drawing[:, :, 0], luma)
    assert gained >= 3


class TestSearches:
    def test_a_relief_is_looked_at_as_a_picture_first(self, photos: dict[str, U8], models: Models) -> None:
        config = Config(closer=CloserConfig(n_insets=0, n_cells=0, stretched=()))
        read = read_picture(embossed(photos["chelsea"], 2.0), config)
        (view,) = closer_views(read, models, config, lambda: Likeliest(0.0, shared=False))
        np.testing.assert_array_equal(view.place, np.eye(3))
        assert not view.partial
        assert list(closer_views(read, models, config, lambda: Likeliest(1.0, shared=False))) == []
        assert list(closer_views(read, models, config_for("fast"), lambda: Likeliest(0.0, shared=False))) == []

    @pytest.mark.parametrize("name", SCENES)
    def test_most_keypoints_come_back(self, name: str, photos: dict[str, U8], models: Models) -> None:
        relief = embossed(photos[name], 0.8)
        found = compare(relief, photos[name], models=models)
        blind = compare(relief, photos[name], models=models, config=config_for("fast"))
        assert found.n_inliers > max(30, 3 * blind.n_inliers)
        assert found.probability > blind.probability

    def test_compact_descriptors_are_nearer_to_the_source(self, photos: dict[str, U8], models: Models) -> None:
        references = {name: compact_descriptor(photos[name], models, as_query=False) for name in photos}
        nearest = []
        for name in SCENES:
            asked = compact_descriptor(embossed(photos[name], 2.2), models, as_query=True)
            nearest.append(min(references, key=lambda other: float(np.square(references[other] - asked).sum())))
        assert sum(found == name for found, name in zip(nearest, SCENES, strict=True)) >= 3
