"""Pictures within pictures are found where they are, ordinary photographs have none, and nothing trips the search."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from fingerprint.edits import apply_edits
from fingerprint.features.insets import (
    SEARCH_SIDE,
    Inset,
    bins_both_ways,
    expand,
    find_insets,
    find_rectangles,
    probabilities,
    shrink_for_search,
)
from fingerprint.images.decode import read_grey
from fingerprint.models import Models
from fingerprint.types import F64, RECTANGLE_MEASURES, U8

Made = tuple[U8, F64]  # a picture, and left, top, right, bottom of the source in units of its width and height


@pytest.fixture(scope="module")
def pictures(photos: dict[str, U8]) -> dict[str, U8]:
    """The photographs at 360 pixels, read-only."""
    out: dict[str, U8] = {}
    for name, photo in photos.items():
        factor = 360 / max(photo.shape[:2])
        size = (round(photo.shape[1] * factor), round(photo.shape[0] * factor))
        out[name] = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
        out[name].flags.writeable = False
    return out


def pasted(source: U8, rng: np.random.Generator, others: list[U8]) -> Made:
    background = others[rng.integers(len(others))].copy()
    (h, w), (room_h, room_w) = source.shape[:2], background.shape[:2]
    factor = rng.uniform(0.4, 0.75) * min(room_w / w, room_h / h)
    patch = cv2.resize(source, (round(w * factor), round(h * factor)), interpolation=cv2.INTER_AREA)
    h, w = patch.shape[:2]
    y, x = rng.integers(0, room_h - h + 1), rng.integers(0, room_w - w + 1)
    background[y : y + h, x : x + w] = patch
    return background, np.array([x / room_w, y / room_h, (x + w) / room_w, (y + h) / room_h])


def bordered(source: U8, across: int, along: int, colour: tuple[int, ...]) -> Made:
    sides = (along, along, across, across)
    made = np.asarray(cv2.copyMakeBorder(source, *sides, cv2.BORDER_CONSTANT, value=colour), np.uint8)
    h, w = made.shape[:2]
    return made, np.array([across / w, along / h, 1 - across / w, 1 - along / h])


def letterboxed(source: U8, rng: np.random.Generator, _others: list[U8]) -> Made:
    return bordered(source, 0, int(rng.integers(20, 80)), (int(rng.choice([0, 255])),) * 3)


def framed(source: U8, rng: np.random.Generator, _others: list[U8]) -> Made:
    side = int(rng.integers(20, 60))
    return bordered(source, side, side, tuple(int(value) for value in rng.integers(0, 256, 3)))


def edited(name: str) -> Callable[[U8, np.random.Generator, list[U8]], Made]:
    def make(source: U8, rng: np.random.Generator, others: list[U8]) -> Made:
        copy = apply_edits(source, [name], rng, others)
        h, w = source.shape[:2]
        corners = np.array([[-0.5, -0.5, 1], [w - 0.5, h - 0.5, 1]]) @ copy.transform.T
        corners = (corners[:, :2] / corners[:, 2:] + 0.5) / copy.pixels.shape[1::-1]
        return copy.pixels, np.clip(corners.ravel(), 0, 1)

    return make


def box_of(inset: Inset, grey: U8) -> F64:
    height, width = grey.shape
    return np.array([inset.left / width, inset.top / height, inset.right / width, inset.bottom / height])


def overlap(a: F64, b: F64) -> float:
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    common = np.maximum(sides, 0).prod()
    return float(common / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - common))


def noisy(shape: tuple[int, ...], seed: int = 0) -> U8:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


@pytest.fixture(scope="module")
def card(pictures: dict[str, U8]) -> U8:
    """The cat on grey card, (60, 40) to (420, 280), in grey values."""
    canvas = np.full((400, 600), 170, np.uint8)
    grey = read_grey(pictures["chelsea"]).pixels
    canvas[40 : 40 + grey.shape[0], 60 : 60 + grey.shape[1]] = grey
    canvas.flags.writeable = False
    return canvas


class TestFindInsets:
    @pytest.mark.parametrize(
        ("make", "wanted"),
        [
            (pasted, 22),
            (letterboxed, 31),
            (framed, 31),
            (edited("overlay_onto_background"), 22),
            (edited("pad"), 30),
            (edited("screenshot"), 28),
        ],
        ids=["pasted", "letterboxed", "framed", "onto a background", "padded", "on a screen"],
    )
    def test_the_source_is_found_where_it_is(
        self, make: Callable[..., Made], wanted: int, pictures: dict[str, U8], models: Models
    ) -> None:
        """With a probability above 0.3 and an overlap above 0.7, of 34 pictures each."""
        found = 0
        for (row, (name, source)), k in itertools.product(enumerate(pictures.items()), range(2)):
            others = [other for key, other in pictures.items() if key != name]
            made, box = make(source, np.random.default_rng([row, k]), others)
            grey = read_grey(made).pixels
            likely = [inset for inset in find_insets(grey, models.insets) if inset.probability > 0.3]
            found += any(overlap(box_of(inset, grey), box) > 0.7 for inset in likely)
        assert found >= wanted

    def test_ordinary_photographs_have_none_that_is_likely(self, photos: dict[str, U8], models: Models) -> None:
        likeliest = [
            max((inset.probability for inset in find_insets(read_grey(photo).pixels, models.insets)), default=0.0)
            for photo in photos.values()
        ]
        assert sum(p < 0.05 for p in likeliest) >= len(likeliest) - 4
        assert max(likeliest) < 0.3

    def test_on_card_the_region_is_right_to_a_few_pixels_and_without_its_border(
        self, card: U8, pictures: dict[str, U8], models: Models
    ) -> None:
        best = max(find_insets(card, models.insets), key=lambda inset: inset.probability)
        h, w = pictures["chelsea"].shape[:2]
        assert best.probability > 0.8
        assert 60 <= best.left <= 66
        assert 40 <= best.top <= 46
        assert 60 + w - 6 <= best.right <= 60 + w
        assert 40 + h - 6 <= best.bottom <= 40 + h

    def test_a_framed_picture_on_a_screen_has_two_regions(self, pictures: dict[str, U8], models: Models) -> None:
        """Of seeded pastes of framed photographs the inner region has a share of the probability in most."""
        within = 0
        for source in pictures.values():
            frame, inner = bordered(source, 50, 50, (250, 250, 250))
            canvas = np.full((frame.shape[0] + 240, frame.shape[1] + 240, 3), 30, np.uint8)
            canvas[100:-140, 120:-120] = frame
            grey = read_grey(canvas).pixels
            h, w = grey.shape
            size = np.array([frame.shape[1], frame.shape[0]] * 2)
            box = (inner * size + [120, 100, 120, 100]) / [w, h, w, h]
            found = find_insets(grey, models.insets)
            within += any(overlap(box_of(inset, grey), box) > 0.8 and inset.probability > 0.1 for inset in found)
        assert within >= 14

    @pytest.mark.parametrize("fill", ["flat", "noise"])
    def test_too_small_too_thin_and_flat_pictures_have_none(self, fill: str, models: Models) -> None:
        for shape in [(1, 1), (1, 500), (500, 1), (2, 2), (31, 400), (400, 31), (16, 16), (20_000, 30), (3, 20_000)]:
            grey = noisy(shape) if fill == "noise" else np.full(shape, 77, np.uint8)
            assert find_insets(grey, models.insets) == (), shape

    @pytest.mark.parametrize("value", [0, 128, 255])
    def test_flat_pictures_of_any_size_have_none(self, value: int, models: Models) -> None:
        for shape in ((32, 32), (300, 200), (700, 900)):
            assert find_insets(np.full(shape, value, np.uint8), models.insets) == ()

    @settings(max_examples=40)
    @given(seed=st.integers(0, 2**32 - 1), height=st.integers(20, 180), width=st.integers(20, 180))
    def test_whatever_is_found_lies_inside(self, models: Models, seed: int, height: int, width: int) -> None:
        """Rectangles upon rectangles, some of them noisy."""
        rng = np.random.default_rng(seed)
        grey = np.full((height, width), rng.integers(256), np.uint8)
        for _ in range(4):
            (x0, x1), (y0, y1) = (np.sort(rng.integers(0, side + 1, 2)) for side in (width, height))
            grey[y0:y1, x0:x1] = rng.integers(0, 256, (y1 - y0, x1 - x0)) if rng.random() < 0.5 else rng.integers(256)
        found = find_insets(grey, models.insets)
        assert len(found) <= 9
        for inset in found:
            assert 0 <= inset.left < inset.right <= width
            assert 0 <= inset.top < inset.bottom <= height
            assert 0 < inset.probability <= 1
            assert inset.cut(grey).shape == (inset.bottom - inset.top, inset.right - inset.left)

    def test_same_answer_again_in_threads_and_from_read_only_memory(self, card: U8, models: Models) -> None:
        before = card.copy()
        alone = find_insets(before, models.insets)
        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(lambda _: find_insets(card, models.insets), range(8))) == {alone}
        assert len(alone) > 0
        np.testing.assert_array_equal(card, before)

    @pytest.mark.parametrize("size", [1, 3], ids=["at full size", "larger"])
    def test_of_a_view_is_that_of_a_copy(self, size: int, card: U8, models: Models) -> None:
        card = np.repeat(np.repeat(card, size, axis=0), size, axis=1)
        planes = np.dstack([card, 255 - card, card])
        views = (planes[..., 0], np.asfortranarray(card), planes[5:-7, 3:-9, 2], card[::-1, ::-1])
        for view in views:
            assert not view.flags.c_contiguous
            assert find_insets(view, models.insets) == find_insets(np.ascontiguousarray(view), models.insets)

    def test_a_larger_picture_has_the_same_regions(self, card: U8, models: Models) -> None:
        one = max(find_insets(card, models.insets), key=lambda inset: inset.probability)
        large = np.asarray(cv2.resize(card, (1800, 1200), interpolation=cv2.INTER_CUBIC), np.uint8)
        other = max(find_insets(large, models.insets), key=lambda inset: inset.probability)
        assert overlap(box_of(one, card), box_of(other, large)) > 0.97


class TestCut:
    def test_is_the_region_of_grey_and_of_colours(self) -> None:
        rgb = noisy((40, 50, 3))
        inset = Inset(10, 5, 30, 25, 0.5)
        for pixels in (rgb, rgb[..., 1]):
            cut = inset.cut(pixels)
            np.testing.assert_array_equal(cut, pixels[5:25, 10:30])
            assert cut.flags.c_contiguous


class TestFindRectangles:
    def test_boxes_are_in_units_of_the_picture(self, card: U8, models: Models) -> None:
        found = find_rectangles(card, models.insets.evidence)
        assert found.boxes.shape == (len(found.measures), 4)
        assert found.measures.shape[1] == RECTANGLE_MEASURES
        assert ((found.boxes >= 0) & (found.boxes <= 1)).all()
        assert (found.boxes[:, :2] < found.boxes[:, 2:]).all()
        assert np.isfinite(found.measures).all()
        true = np.array([60 / 600, 40 / 400, 420 / 600, (40 + 240) / 400])
        assert max(overlap(box, true) for box in found.boxes) > 0.95

    @pytest.mark.parametrize("shape", [(1, 1), (31, 200), (320, 31)])
    def test_pictures_that_are_too_small_have_none(self, shape: tuple[int, int], models: Models) -> None:
        found = find_rectangles(noisy(shape), models.insets.evidence)
        assert found.boxes.shape == (0, 4)
        assert found.measures.shape == (0, RECTANGLE_MEASURES)
        assert probabilities(found.measures, models.insets).shape == (0,)

    def test_without_any_evidence_there_are_none(self, card: U8) -> None:
        for evidence in (np.zeros(64, np.float32), np.full(64, -1, np.float32)):
            assert len(find_rectangles(card, evidence).boxes) == 0


class TestParts:
    @pytest.mark.parametrize(
        ("shape", "small"),
        [
            ((100, 320), (100, 320)),
            ((640, 480), (320, 240)),
            ((1, 5000), (1, 320)),
            ((7, 3), (7, 3)),
            ((321, 11), (320, 11)),
        ],
    )
    def test_shrinking(self, shape: tuple[int, int], small: tuple[int, int]) -> None:
        grey = noisy(shape)
        found = shrink_for_search(grey)
        assert (found.shape, found.dtype, found.flags.c_contiguous) == (small, np.uint8, True)
        assert max(found.shape) <= SEARCH_SIDE
        if shape == small:
            np.testing.assert_array_equal(found, grey)

    def test_bins_of_the_turned_picture_are_those_of_the_other_direction(self) -> None:
        grey = noisy((40, 60))
        across_y, across_x = bins_both_ways(grey)
        assert (across_y.shape, across_x.shape) == ((41, 60), (61, 40))
        turned_y, turned_x = bins_both_ways(np.ascontiguousarray(grey.T))
        np.testing.assert_array_equal(turned_y, across_x)
        np.testing.assert_array_equal(turned_x, across_y)

    def test_expanding_gives_all_products_once(self) -> None:
        rng = np.random.default_rng(0)
        measures, centre, spread = rng.normal(0, 5, (6, 4)), rng.normal(size=4), rng.uniform(0.5, 2, 4)
        x = np.minimum(np.maximum((measures - centre) / spread, -4), 4)
        assert (np.abs(x) == 4).any()
        expected = [[*row, *(row[i] * row[j] for i in range(4) for j in range(i, 4))] for row in x]
        np.testing.assert_allclose(expand(measures, centre, spread), expected)

    def test_probabilities_by_hand(self, models: Models) -> None:
        model = models.insets
        measures = model.centre + model.spread * np.random.default_rng(0).normal(size=(5, RECTANGLE_MEASURES))
        expected = expit(expand(measures, model.centre, model.spread) @ model.weights + model.bias)
        np.testing.assert_allclose(probabilities(measures, model), expected)
        at_centre = probabilities(model.centre[np.newaxis], model)
        assert at_centre[0] == pytest.approx(1 / (1 + np.exp(-model.bias[0])))

    @pytest.mark.parametrize("value", [-1e9, 1e9])
    def test_wild_measures_give_probabilities(self, value: float, models: Models) -> None:
        found = probabilities(np.full((1, RECTANGLE_MEASURES), value), models.insets)
        assert 0 <= found[0] <= 1
