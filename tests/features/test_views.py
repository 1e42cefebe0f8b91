"""Views of a query: what they show, and where that is in the query."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fingerprint.config import DEFAULT_CONFIG, CloserConfig, Config, config_for
from fingerprint.features.describe import describe_query, read_picture
from fingerprint.features.views import Likeliest, View, closer_views
from fingerprint.kernels.polygons import shared_region
from fingerprint.models import Models
from fingerprint.types import F64, U8


def views_of(
    pixels: U8, models: Models, closer: CloserConfig, probability: float = 0.0, shared: bool = False
) -> list[View]:
    config = Config(closer=closer)
    return list(closer_views(read_picture(pixels, config), models, config, lambda: Likeliest(probability, shared)))


@pytest.fixture(scope="module")
def pasted(photos: dict[str, U8]) -> U8:
    """A photograph within another, 300 by 200 pixels from (700, 500) on."""
    page = np.asarray(cv2.resize(photos["coffee"], (1500, 1000), interpolation=cv2.INTER_CUBIC), np.uint8)
    page[500:700, 700:1000] = cv2.resize(photos["chelsea"], (300, 200), interpolation=cv2.INTER_AREA)
    return page


def mapped(place: F64, x: float, y: float) -> list[float]:
    image = place @ [x, y, 1.0]
    return (image[:2] / image[2]).tolist()


class TestInsets:
    def test_the_most_probable_are_cut_out(self, pasted: U8, models: Models) -> None:
        views = views_of(pasted, models, CloserConfig(n_insets=3, stretched=()))
        assert 1 <= len(views) <= 3
        boxes = []
        for view in views:
            plain = view.query.plain
            corner = np.linalg.inv(view.place) @ [-0.5, -0.5, 1.0]
            end = np.linalg.inv(view.place) @ [plain.width - 0.5, plain.height - 0.5, 1.0]
            boxes.append([*corner[:2], *end[:2]])
        assert np.abs(np.array(boxes) - [700, 500, 1000, 700]).max(axis=1).min() < 12

    def test_no_more_than_asked_for(self, pasted: U8, models: Models) -> None:
        assert views_of(pasted, models, CloserConfig(n_insets=0, stretched=())) == []
        assert len(views_of(pasted, models, CloserConfig(n_insets=1, stretched=()))) == 1

    def test_a_view_has_no_identity_and_its_own_hashes(self, pasted: U8, models: Models) -> None:
        view = views_of(pasted, models, CloserConfig(n_insets=1, stretched=()))[0]
        whole = describe_query(pasted, models)
        assert view.query.identity is None
        assert whole.identity is not None
        assert (view.query.name, view.query.model_id) == (whole.name, whole.model_id)
        assert view.query.hashes.tolist() != whole.hashes.tolist()


class TestWhen:
    """How probable a copy is by the looks up to now decides which views follow."""

    @pytest.mark.parametrize(
        ("probability", "partial", "whole"),
        [(0.0, True, False), (0.02, True, False), (0.1, True, True), (0.96, False, False)],
    )
    def test_insets_unless_sure_and_the_whole_if_something_hints(
        self, probability: float, partial: bool, whole: bool, pasted: U8, models: Models
    ) -> None:
        views = views_of(pasted, models, CloserConfig(whole=DEFAULT_CONFIG.reference), probability)
        assert any(view.partial for view in views) == partial
        assert sum(not view.partial for view in views) == (3 if whole else 0)

    def test_something_shared_is_a_hint(self, pasted: U8, models: Models) -> None:
        views = views_of(pasted, models, CloserConfig(n_insets=0), 0.0, shared=True)
        assert len(views) == 2
        assert views_of(pasted, models, CloserConfig(n_insets=0), 0.96, shared=True) == []

    def test_a_look_that_is_sure_is_the_last(self, pasted: U8, models: Models) -> None:
        config = config_for("thorough")
        best = [0.5]
        views = closer_views(read_picture(pasted, config), models, config, lambda: Likeliest(best[-1], shared=False))
        next(views)
        best.append(0.99)
        assert next(views, None) is None


class TestWhole:
    def test_once_more_and_stretched(self, photos: dict[str, U8], models: Models) -> None:
        pixels = photos["chelsea"]
        height, width = pixels.shape[:2]
        closer = CloserConfig(hint=0.0, n_insets=0, whole=DEFAULT_CONFIG.reference, stretched=(0.5, 2.0))
        again, narrow, wide = views_of(pixels, models, closer)
        np.testing.assert_array_equal(again.place, np.eye(3))
        assert len(again.query.plain) <= DEFAULT_CONFIG.reference.n_keypoints[0]
        for view, factor in ((again, 1.0), (narrow, 0.5), (wide, 2.0)):
            shape = view.query.plain.width / view.query.plain.height
            assert shape == pytest.approx(factor * width / height, rel=0.02)
            assert mapped(view.place, -0.5, -0.5) == pytest.approx([-0.5, -0.5])
            corner = mapped(view.place, width - 0.5, height - 0.5)
            assert corner == pytest.approx([view.query.plain.width - 0.5, view.query.plain.height - 0.5])
            seen, _ = shared_region(view.place, width, height, view.query.plain.width, view.query.plain.height)
            assert len(seen) == 4

    def test_of_a_reduced_picture_in_pixels_of_the_original(self, models: Models) -> None:
        """A large JPEG is decoded at a fraction of its size."""
        rng = np.random.default_rng(1)
        small = rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)
        large = np.asarray(cv2.resize(small, (3200, 2400), interpolation=cv2.INTER_CUBIC), np.uint8)
        _, encoded = cv2.imencode(".jpg", large)
        read = read_picture(encoded.tobytes(), DEFAULT_CONFIG)
        assert read.planes.pixels.shape[1] < 3200 == read.planes.width
        config = Config(closer=CloserConfig(hint=0.0, n_insets=0, stretched=(4.0,)))
        (view,) = closer_views(read, models, config, lambda: Likeliest(0.0, shared=False))
        assert (view.query.plain.width, view.query.plain.height) == (6400, 1200)
        assert mapped(view.place, 3199.5, 2399.5) == pytest.approx([6399.5, 1199.5])


@pytest.mark.parametrize("shape", [(1, 1, 3), (40, 60, 3), (2, 500, 3)])
def test_flat_pictures_have_none(shape: tuple[int, int, int], models: Models) -> None:
    config = config_for("thorough")
    read = read_picture(np.full(shape, 90, np.uint8), config)
    assert list(closer_views(read, models, config, lambda: Likeliest(0.0, shared=False))) == []
