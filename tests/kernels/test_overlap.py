"""What is measured of an overlap and of a picture: against SciPy and OpenCV, and on pictures changed in a known way."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from fingerprint.kernels.cells import (
    AREA,
    BEST,
    CELL,
    MOVED_X,
    MOVED_Y,
    QUERY_ENERGY,
    REFERENCE_ENERGY,
    UNMOVED,
    compare_cells,
)
from fingerprint.kernels.drawn import measure_drawn
from fingerprint.kernels.overlap import MEASURES, connected_parts, fit_moves, likeness_of, summarise_cells
from fingerprint.types import F64, U8, Bool

SIDE = 192
#: Measures that are shares of something.
SHARES = (
    *("contradicting", "largest_contradiction", "contradicting_alike", "contradicting_reference"),
    *("contradicting_query", "agreeing", "same_tone", "other_tone", "same_tone_part", "tone_broken"),
)


def everywhere(picture: U8) -> Bool:
    return np.ones(picture.shape, np.bool_)


def compared(query: U8, reference: U8) -> F64:
    return compare_cells(query, reference, everywhere(query))


def measured(query: U8, reference: U8) -> dict[str, float]:
    return dict(zip(MEASURES, summarise_cells(compared(query, reference)).tolist(), strict=True))


def noise(seed: int, side: int = SIDE) -> U8:
    """Soft noise, of the contrast of a photograph."""
    drawn = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=(side, side)), (0, 0), 1.2)
    return np.asarray(np.clip(128 + 45 * drawn / drawn.std(), 0, 255), np.uint8)


class TestFitMoves:
    @pytest.mark.parametrize("side", [64, SIDE])
    def test_recovers_a_small_affine_map(self, side: int, scenes: dict[str, U8]) -> None:
        middle = (side - 1) / 2
        for name in ("chelsea", "coffee"):
            scene = cv2.resize(scenes[name], (side, side), interpolation=cv2.INTER_AREA)
            turned = np.vstack([cv2.getRotationMatrix2D((middle, middle), 32 / side, 1 + 0.6 / side), [0, 0, 1]])
            true = np.array([[1.0, 0.4 / side, 0.6], [0, 1, -0.5], [0, 0, 1]]) @ turned
            query = cv2.warpAffine(scene, true[:2], (side, side), borderMode=cv2.BORDER_REFLECT)
            found, move, distances = fit_moves(compared(np.asarray(query, np.uint8), np.asarray(scene, np.uint8)))
            assert found, name
            assert np.median(distances) < 0.3, name
            corners = np.array([[0, 0, 1], [side, 0, 1], [0, side, 1], [side, side, 1.0]]).T
            error = np.abs((move - true) @ corners)[:2]
            assert error.max() < 0.35, name
            assert error.max() < np.abs((np.eye(3) - true) @ corners)[:2].max() / 2, name

    def test_a_few_cells_that_moved_otherwise_count_little(self, scenes: dict[str, U8]) -> None:
        table = compared(np.roll(scenes["brick"], 1, 1), scenes["brick"])
        table[:4, :4, MOVED_X], table[:4, :4, MOVED_Y] = -2, 2
        found, move, distances = fit_moves(table)
        assert found
        np.testing.assert_allclose(move @ [SIDE / 2, SIDE / 2, 1], [SIDE / 2 + 1, SIDE / 2, 1], atol=0.15)
        assert distances.max() > 2

    @pytest.mark.parametrize("level", [0, 200])
    def test_without_texture_there_is_none(self, level: int) -> None:
        flat = np.full((64, 64), level, np.uint8)
        found, move, distances = fit_moves(compared(flat, flat))
        assert not found
        np.testing.assert_array_equal(move, np.eye(3))
        assert len(distances) == 0


class TestLikeness:
    def test_of_a_copy_is_higher_than_of_others(self, scenes: dict[str, U8]) -> None:
        for name, scene in scenes.items():
            blurred = np.asarray(cv2.GaussianBlur(scene, (0, 0), 1), np.uint8)
            own = likeness_of(compared(blurred, scene), BEST, 0.3)
            others = [likeness_of(compared(o, scene), BEST, 0.3) for n, o in scenes.items() if n != name]
            assert own > 2 * max(others) >= 0, name

    def test_is_the_sum_over_the_cells(self, scenes: dict[str, U8]) -> None:
        table = compared(scenes["coffee"], scenes["chelsea"])
        for column in (UNMOVED, BEST):
            parts = np.maximum(table[..., column] - 0.2, 0)
            expected = (parts * np.sqrt(table[..., REFERENCE_ENERGY] * table[..., QUERY_ENERGY])).sum()
            assert likeness_of(table, column, 0.2) == pytest.approx(expected)


class TestParts:
    @given(seed=st.integers(0, 2**32 - 1), side=st.integers(1, 24), share=st.floats(0, 1))
    def test_against_scipy(self, seed: int, side: int, share: float) -> None:
        marked = np.random.default_rng(seed).random(side * side) < share
        before = marked.copy()
        labels, n = ndimage.label(marked.reshape(side, side))
        expected = np.bincount(labels.ravel(), minlength=n + 1)[1:]
        assert sorted(connected_parts(marked, side).tolist()) == sorted(expected.tolist())
        np.testing.assert_array_equal(marked, before)


def drawn(kind: str, seed: int, side: int) -> U8:
    rng = np.random.default_rng(seed)
    if kind == "flat":
        return np.full((side, side), rng.integers(256), np.uint8)
    if kind == "soft":
        return noise(seed, side)
    if kind == "extreme":
        return (rng.integers(0, 2, (side, side)) * 255).astype(np.uint8)
    if kind == "dots":
        return ((rng.random((side, side)) < 0.01) * 255).astype(np.uint8)
    return rng.integers(0, 256, (side, side), dtype=np.uint8)


kinds = st.sampled_from(["flat", "soft", "extreme", "dots", "random"])


class TestSummary:
    @given(
        query=kinds, reference=kinds, seed=st.integers(0, 2**32 - 1), cells=st.integers(1, 12), share=st.floats(0, 1)
    )
    def test_is_finite_for_any_pictures(self, query: str, reference: str, seed: int, cells: int, share: float) -> None:
        side = cells * CELL
        shared = np.random.default_rng(seed).random((side, side)) < share**0.1
        table = compare_cells(drawn(query, seed, side), drawn(reference, seed + 1, side), shared)
        assert np.isfinite(table).all()
        values = summarise_cells(table)
        assert values.shape == (len(MEASURES),)
        assert np.isfinite(values).all()
        found = dict(zip(MEASURES, values.tolist(), strict=True))
        for name in SHARES:
            assert 0 <= found[name] <= 1, name
        levels = [found[name] for name in ("tenth", "quarter", "half", "three_quarters", "nine_tenths")]
        assert levels == sorted(levels)
        assert found["gain"] >= -1e-6
        assert found["largest_contradiction"] <= found["contradicting"]
        assert found["contradicting"] == pytest.approx(
            sum(found[f"contradicting_{which}"] for which in ("alike", "reference", "query"))
        )
        assert found["contradicting"] == pytest.approx(found["same_tone"] + found["other_tone"])

    def test_without_an_overlap_nothing_is_said(self, scenes: dict[str, U8]) -> None:
        table = compare_cells(scenes["coffee"], scenes["coffee"], np.zeros((SIDE, SIDE), np.bool_))
        assert not table.any()
        values = dict(zip(MEASURES, summarise_cells(table), strict=True))
        assert values["log_textured"] == values["contradicting"] == values["agreeing"] == 0
        assert values["flow"] == values["flow_most"] == -1

    def test_of_identical_pictures_all_agrees(self, scenes: dict[str, U8]) -> None:
        for name, scene in scenes.items():
            found = measured(scene, scene)
            assert found["agreeing"] == 1, name
            assert found["contradicting"] == found["log_contradictions"] == found["log_largest"] == 0, name
            assert found["correlation"] == pytest.approx(1, abs=1e-4), name
            assert found["gain"] == pytest.approx(0, abs=1e-4), name
            assert found["tone_noise"] == pytest.approx(0, abs=1e-6), name
            assert found["log_tone_slope"] == pytest.approx(0, abs=1e-6), name
            assert 0 <= found["flow"] < 0.3, name

    def test_of_unrelated_pictures_little_agrees(self, scenes: dict[str, U8]) -> None:
        for name, other in (("astronaut", "chelsea"), ("coffee", "brick"), ("brick", "astronaut")):
            assert measured(scenes[name], scenes[other])["agreeing"] < 0.2, (name, other)

    @pytest.mark.parametrize("size", [3, 6])
    def test_a_replaced_square_contradicts_exactly_there(self, size: int, scenes: dict[str, U8]) -> None:
        for name in ("astronaut", "brick"):
            reference = scenes[name]
            query, first = reference.copy(), 8
            at = slice(first * CELL, (first + size) * CELL)
            query[at, at] = noise(3)[at, at]
            table = compared(query, reference)
            inside = np.zeros(table.shape[:2], np.bool_)
            inside[first : first + size, first : first + size] = True
            textured = np.maximum(table[..., REFERENCE_ENERGY], table[..., QUERY_ENERGY]) > 0.06 * table[..., AREA]
            contradicts = table[..., BEST] < 0.5
            # Cells at the rim see a little of both.
            assert contradicts[inside].mean() > 0.85, name
            assert not contradicts[textured & ~inside].any(), name
            found = measured(query, reference)
            assert found["contradicting"] == pytest.approx(size**2 / textured.sum(), rel=0.2), name
            assert found["largest_contradiction"] == pytest.approx(found["contradicting"], rel=0.2), name
            assert found["log_contradictions"] == pytest.approx(np.log(2)), name

    def test_what_is_added_or_gone_is_told_apart(self, scenes: dict[str, U8]) -> None:
        scene = scenes["brick"].copy()
        scene[40:120, 40:120] = 128
        added = scene.copy()
        added[48:112, 48:112] = noise(1)[48:112, 48:112]
        more, less = measured(added, scene), measured(scene, added)
        assert more["contradicting_query"] > 0.05 > 0.01 > more["contradicting_reference"]
        assert less["contradicting_reference"] > 0.05 > 0.01 > less["contradicting_query"]

    @pytest.mark.parametrize(("slope", "shift"), [(0.6, 70), (0.5, 0), (0.8, 20), (1.0, 25)])
    def test_a_change_of_tone_is_no_contradiction(self, slope: float, shift: float, scenes: dict[str, U8]) -> None:
        for name, scene in scenes.items():
            middle = np.clip(scene, 0, 225)  # so that the change is a straight line, without a limit at 255
            changed = np.asarray(np.rint(middle * slope + shift), np.uint8)
            before, after = measured(middle, middle), measured(changed, middle)
            assert after["agreeing"] > before["agreeing"] - 0.05, name
            assert after["contradicting"] < 0.02, name
            assert after["correlation"] > 0.93, name
            assert after["log_tone_slope"] == pytest.approx(np.log(slope), abs=0.05), name
            assert after["tone_noise"] < 2, name
            assert after["tone_broken"] < 0.02, name

    def test_replaced_text_has_the_tones_of_the_page_and_a_photograph_has_not(self, scenes: dict[str, U8]) -> None:
        def page(lines: tuple[str, ...]) -> U8:
            sheet = np.full((4 * SIDE, 4 * SIDE), 245, np.uint8)
            for i in range(10):
                cv2.putText(sheet, "THE FORM THAT ALL SHARE", (10, 60 + 76 * i), 0, 1.7, 20, 5, cv2.LINE_AA)
            cv2.rectangle(sheet, (180, 180), (600, 600), 245, -1)
            for i, line in enumerate(lines):
                cv2.putText(sheet, line, (190, 240 + 80 * i), 0, 1.9, 20, 5, cv2.LINE_AA)
            return np.asarray(cv2.resize(sheet, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)

        reference = page(("quick brown", "foxes jump", "over a dog", "while seven", "wizards mix"))
        retyped = page(("another text", "4711 and 0815", "of the sort", "fill the last", "KLMNOPQ"))
        pasted = reference.copy()
        pasted[45:150, 45:150] = cv2.resize(scenes["chelsea"], (105, 105), interpolation=cv2.INTER_AREA)
        text, photo = measured(retyped, reference), measured(pasted, reference)
        assert min(text["contradicting"], photo["contradicting"]) > 0.05
        assert text["same_tone"] > 0.02 > photo["same_tone"]
        assert text["same_tone_part"] > 0.2 > 0.1 > photo["same_tone_part"]
        assert photo["other_tone"] > 3 * text["other_tone"]
        assert text["tone_difference"] < photo["tone_difference"]


def ground_of(picture: U8) -> float:
    """Largest share of the pixels that lie within two grey values of one tone, by trying each tone."""
    tones = picture.astype(int)
    return max(float((np.abs(tones - tone) <= 2).mean()) for tone in range(256))


def gradient_lengths(picture: U8) -> F64:
    """Lengths of the Scharr gradients of the pixels that have all neighbours, by OpenCV."""
    along, down = (cv2.Scharr(picture, cv2.CV_64F, *axis, scale=1 / 32) for axis in ((1, 0), (0, 1)))
    return np.hypot(along, down)[1:-1, 1:-1]


def drawing() -> U8:
    """Black lines and words on white, without a soft edge."""
    sheet = np.full((SIDE, SIDE), 255, np.uint8)
    cv2.rectangle(sheet, (20, 30), (150, 120), 0, 2)
    cv2.putText(sheet, "a drawing", (10, 170), 0, 1, 0, 2, cv2.LINE_8)
    return sheet


class TestMeasureDrawn:
    def check(self, picture: U8, name: str) -> tuple[float, float, float]:
        ground, flat, gradient = measure_drawn(picture)
        lengths = gradient_lengths(picture)
        assert ground == pytest.approx(ground_of(picture), abs=1e-12), name
        assert flat == pytest.approx((lengths < 1).mean(), abs=1e-12), name
        # Of an even number of lengths, the smaller of the two in the middle counts.
        assert gradient == pytest.approx(np.quantile(lengths, 0.5, method="inverted_cdf"), abs=1 / 128 + 1e-9), name
        return ground, flat, gradient

    def test_of_photographs(self, scenes: dict[str, U8]) -> None:
        for name, scene in scenes.items():
            for picture in (scene, scene[1:96, 64:159].copy(), noise(2, 40)):
                _, _, gradient = self.check(picture, name)
                assert gradient == pytest.approx(np.median(gradient_lengths(picture)), abs=1 / 64), name

    @pytest.mark.parametrize("side", [3, 4, 17])
    def test_of_any_pixels(self, side: int) -> None:
        for seed in range(20):
            rng = np.random.default_rng(seed)
            low, high = sorted(rng.integers(0, 256, 2).tolist())
            self.check(rng.integers(low, high + 1, (side, side), dtype=np.uint8), str(seed))

    @pytest.mark.parametrize("level", [0, 1, 128, 254, 255])
    def test_of_one_tone_all_is_ground_and_flat(self, level: int) -> None:
        for side in (3, 64):
            ground, flat, gradient = measure_drawn(np.full((side, side), level, np.uint8))
            assert (ground, flat) == (1, 1), side
            assert 0 <= gradient <= 1 / 64, side

    def test_of_the_strongest_edges(self) -> None:
        """Black and white pixels, in all arrangements around one pixel: no gradient is too long to be counted."""
        for code in range(512):
            picture = ((code >> np.arange(9) & 1) * 255).astype(np.uint8).reshape(3, 3)
            self.check(picture, str(code))
        edge = np.zeros((64, 64), np.uint8)
        edge[:, 32:] = 255
        ground, flat, gradient = self.check(edge, "edge")
        assert ground == 0.5
        assert flat == pytest.approx(60 / 62)
        assert gradient < 1 / 64

    @pytest.mark.parametrize(("step", "flat"), [(1, 0.0), (0, 1.0)])
    def test_a_slope_of_one_grey_value_is_not_flat(self, step: int, flat: float) -> None:
        slope = np.tile(np.arange(32) * step + 7, (32, 1)).astype(np.uint8)
        assert measure_drawn(slope)[1] == flat
        assert measure_drawn(np.ascontiguousarray(slope.T))[1] == flat

    @pytest.mark.parametrize(("apart", "ground"), [(0, 1.0), (4, 1.0), (5, 0.7)])
    def test_the_ground_is_five_grey_values_wide(self, apart: int, ground: float) -> None:
        for darker in (0, 100, 255 - apart):
            picture = np.full((10, 10), darker, np.uint8)
            picture[:3] += np.uint8(apart)
            assert measure_drawn(picture)[0] == pytest.approx(ground), darker

    def test_a_drawing_is_told_from_photographs(self, scenes: dict[str, U8]) -> None:
        ground, flat, gradient = self.check(drawing(), "drawing")
        for name, scene in scenes.items():
            of_photo = measure_drawn(scene)
            assert ground > 0.7 > of_photo[0], name
            assert flat > 0.7 > of_photo[1], name
            assert gradient < of_photo[2], name
