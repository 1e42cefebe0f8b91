"""Boundaries and the rectangles that they make, against plain NumPy and against trying everything."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fingerprint.kernels.rectangles import (
    best_rectangles,
    best_segments,
    boundary_bins,
    measure_rectangles,
)
from fingerprint.types import RECTANGLE_MEASURES, U8

#: Rectangles that overlap more are one.
OVERLAP = 0.75


def bins_of(grey: U8) -> U8:
    out = np.full((grey.shape[0] + 1, grey.shape[1]), 99, np.uint8)
    boundary_bins(grey, out)
    return out


def bins_by_numpy(grey: U8) -> np.ndarray:
    h, w = grey.shape
    padded = np.pad(grey.astype(int), ((0, 0), (1, 1)), mode="edge")
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    steps = np.abs(np.diff(rows, axis=0)) / 3  # between the rows y and y + 1
    out = np.zeros((h + 1, w), int)
    for y in range(1, h):
        beside = [k for k in range(1, h) if 3 <= abs(k - y) <= 6]
        mean = steps[[k - 1 for k in beside]].sum(axis=0) / max(1, len(beside)) + 1
        size = np.searchsorted([1, 2, 4, 8, 16, 32, 64], steps[y - 1] + 1e-9, side="right")
        ratio = np.searchsorted([0.5, 1, 1.5, 2, 3, 5, 8], steps[y - 1] / mean + 1e-9, side="right")
        out[y] = 8 * size + ratio
    return out


class TestBoundaryBins:
    @pytest.mark.parametrize("kind", ["noise", "smooth", "two values"])
    def test_against_numpy(self, kind: str) -> None:
        for shape in [(40, 30), (1, 9), (2, 2), (5, 1), (9, 200), (13, 3)]:
            rng = np.random.default_rng(shape[0])
            values = rng.integers(0, 256, shape)
            if kind == "smooth":
                values = np.cumsum(rng.integers(-3, 4, shape), axis=0) + 128
            elif kind == "two values":
                values = 90 + 60 * (values > 128)
            grey = values.astype(np.uint8)
            np.testing.assert_array_equal(bins_of(grey), bins_by_numpy(grey), err_msg=str(shape))

    @given(arrays.arrays(np.uint8, arrays.array_shapes(min_dims=2, max_dims=2, max_side=16)))
    def test_any_small_picture(self, grey: U8) -> None:
        found = bins_of(grey)
        np.testing.assert_array_equal(found, bins_by_numpy(grey))
        assert not found[[0, -1]].any()

    def test_upside_down_and_mirrored_bins_are_those_of_the_picture(self) -> None:
        grey = np.random.default_rng(0).integers(0, 256, (30, 20)).astype(np.uint8)
        np.testing.assert_array_equal(bins_of(np.ascontiguousarray(grey[::-1])), bins_of(grey)[::-1])
        np.testing.assert_array_equal(bins_of(np.ascontiguousarray(grey[:, ::-1])), bins_of(grey)[:, ::-1])

    def test_negatives_have_the_same_boundaries(self) -> None:
        grey = np.random.default_rng(1).integers(0, 256, (30, 20)).astype(np.uint8)
        np.testing.assert_array_equal(bins_of(255 - grey), bins_of(grey))

    def test_one_step_in_quiet_surroundings(self) -> None:
        for step, size in [(0, 0), (1, 1), (3, 2), (4, 3), (15, 4), (16, 5), (63, 6), (64, 7), (255, 7)]:
            grey = np.zeros((24, 10), np.uint8)
            grey[12:] = step
            ratio = sum(step >= limit for limit in (0.5, 1, 1.5, 2, 3, 5, 8))
            assert (bins_of(grey)[12] == 8 * size + ratio).all(), (step, size)

    def test_the_same_step_among_others_has_a_lower_ratio(self) -> None:
        stripes = np.zeros((24, 10), np.uint8)
        stripes[::2] = 100
        assert (bins_of(stripes)[12] == 8 * 7 + 1).all()  # 100 to 100 + 1 is not quite 1


class TestBestSegments:
    @given(
        arrays.arrays(
            np.float32,
            st.tuples(st.integers(1, 4), st.integers(0, 12)),
            elements=st.integers(-20, 20).map(lambda x: x / 4),
        )
    )
    def test_against_all_segments(self, evidence: np.ndarray) -> None:
        out = np.full(len(evidence), np.nan, np.float32)
        best_segments(evidence, out)
        n = evidence.shape[1]
        for row, found in zip(evidence, out, strict=True):
            pairs = itertools.combinations(range(n + 1), 2)
            assert found == max([0.0, *(float(row[a:b].sum()) for a, b in pairs)])


def running(evidence: np.ndarray) -> np.ndarray:
    sums = np.zeros((evidence.shape[0], evidence.shape[1] + 1), np.float32)
    np.cumsum(evidence, axis=1, out=sums[:, 1:])
    return sums


Evidence = tuple[np.ndarray, np.ndarray]


def noise(seed: int, h: int, w: int) -> Evidence:
    """Evidence of horizontal boundaries (h + 1, w) and of vertical ones (w + 1, h), a little against any."""
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(-0.1, 0.3, shape).astype(np.float32) for shape in ((h + 1, w), (w + 1, h)))  # type: ignore[return-value]


def plant(evidence: Evidence, box: tuple[int, int, int, int], height: float) -> None:
    left, top, right, bottom = box
    across_y, across_x = evidence
    across_y[[top, bottom], left:right] += height
    across_x[[left, right], top:bottom] += height


def search(
    evidence: Evidence, n: int = 8, least: tuple[int, int] = (4, 4), lines: tuple[list[int], list[int]] | None = None
) -> np.ndarray:
    """Rows of evidence, left, top, right, bottom."""
    across_y, across_x = evidence
    h, w = across_y.shape[0] - 1, across_x.shape[0] - 1
    rows, columns = lines or (range(h + 1), range(w + 1))
    out = np.full((n, 5), np.nan, np.float32)
    found = best_rectangles(
        running(across_y), running(across_x), np.array(rows, np.int64), np.array(columns, np.int64), *least, out
    )
    return out[:found]


def total_of(evidence: Evidence, box: tuple[int, int, int, int]) -> float:
    left, top, right, bottom = box
    across_y, across_x = (e.astype(float) for e in evidence)
    h, w = across_y.shape[0] - 1, across_x.shape[0] - 1
    rows = sum(across_y[y, left:right].sum() for y in (top, bottom) if 0 < y < h)
    return float(rows + sum(across_x[x, top:bottom].sum() for x in (left, right) if 0 < x < w))


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    common = max(wide, 0) * max(high, 0)
    return float(common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common))


BOXES = [
    *[(5, 4, 20, 17), (1, 1, 23, 19), (0, 4, 12, 15), (5, 0, 20, 20), (7, 8, 24, 20)],
]


class TestBestRectangles:
    @pytest.mark.parametrize("box", BOXES, ids=str)
    def test_a_planted_one_comes_first(self, box: tuple[int, int, int, int]) -> None:
        for seed in range(5):
            evidence = noise(seed, 20, 24)
            plant(evidence, box, 1.5)
            assert search(evidence)[0, 1:].tolist() == list(box)

    def test_two_planted_ones_are_both_found_the_stronger_first(self) -> None:
        evidence = noise(0, 40, 60)
        weak, strong = (3, 3, 27, 17), (33, 22, 57, 36)
        plant(evidence, weak, 1.8)
        plant(evidence, strong, 2.0)
        found = search(evidence)[:, 1:].tolist()
        assert found[0] == list(strong)
        assert list(weak) in found  # the one from corner to corner of both may come between

    @pytest.mark.parametrize("seed", range(6))
    def test_evidence_is_the_sum_along_the_sides(self, seed: int) -> None:
        """A side on the picture's border counts nothing."""
        evidence = noise(seed, 14, 18)
        plant(evidence, (*BOXES[seed % len(BOXES)][:2], 13, 13), 0.5)
        evidence[0][[0, -1]] = evidence[1][[0, -1]] = 50.0  # must not be looked at
        found = search(evidence)
        assert len(found) > 1
        for total, left, top, right, bottom in found:
            box = int(left), int(top), int(right), int(bottom)
            assert total == pytest.approx(total_of(evidence, box), abs=1e-3)

    @pytest.mark.parametrize("seed", range(4))
    def test_the_first_is_the_best_of_all(self, seed: int) -> None:
        evidence = noise(seed, 9, 10)
        plant(evidence, (2, 2, 8, 7), 0.4)
        best = -np.inf
        for y0, y1 in itertools.combinations(range(10), 2):
            for x0, x1 in itertools.combinations(range(11), 2):
                side = evidence[1][x0, y0:y1].mean() if x0 else 0.0
                whole = (x0, y0, x1, y1) == (0, 0, 10, 9)
                if y1 - y0 >= 4 and x1 - x0 >= 4 and side >= -0.3 and not whole:
                    best = max(best, total_of(evidence, (x0, y0, x1, y1)))
        assert search(evidence)[0, 0] == pytest.approx(best, abs=1e-4)

    @pytest.mark.parametrize("n", [1, 2, 8])
    def test_are_sorted_apart_inside_and_large_enough(self, n: int) -> None:
        for seed in range(4):
            evidence = noise(seed, 24, 30)
            plant(evidence, (6, 5, 22, 18), 0.8)
            found = search(evidence, n, least=(5, 7))
            assert 1 <= len(found) <= n, seed
            assert (np.diff(found[:, 0]) <= 0).all(), seed
            assert (found[:, 0] > 0).all(), seed
            left, top, right, bottom = found[:, 1:].T
            assert (left >= 0).all() and (top >= 0).all() and (right <= 30).all() and (bottom <= 24).all(), seed  # noqa: PT018
            assert (right - left >= 7).all(), seed
            assert (bottom - top >= 5).all(), seed
            assert [0, 0, 30, 24] not in found[:, 1:].tolist(), seed

    def test_none_is_there_twice(self) -> None:
        for seed in range(8):
            evidence = noise(seed, 24, 30)
            plant(evidence, (6, 5, 22, 18), 0.8)
            found = search(evidence)[:, 1:]
            assert len({tuple(box) for box in found.tolist()}) == len(found), seed

    def test_no_two_overlap_too_much(self) -> None:
        for seed in range(8):
            evidence = noise(seed, 24, 30)
            plant(evidence, (6, 5, 22, 18), 0.8)
            found = search(evidence)[:, 1:]
            assert max(overlap(a, b) for a, b in itertools.combinations(found, 2)) <= OVERLAP

    def test_only_the_given_lines_are_used(self) -> None:
        evidence = noise(0, 20, 24)
        plant(evidence, (5, 4, 20, 17), 2.0)
        lines = ([0, 3, 17, 20], [0, 5, 21, 24])
        for _, left, top, right, bottom in search(evidence, lines=lines):
            assert {top, bottom} <= set(lines[0])
            assert {left, right} <= set(lines[1])

    def test_nothing_for_it_gives_none(self) -> None:
        flat = (np.full((21, 24), -0.2, np.float32), np.full((25, 20), -0.2, np.float32))
        assert len(search(flat)) == 0
        assert len(search(noise(0, 6, 6), least=(7, 7))) == 0


def measured(grey: U8, evidence: Evidence, boxes: list[tuple[float, ...]]) -> np.ndarray:
    out = np.full((len(boxes), RECTANGLE_MEASURES), np.nan)
    rectangles = np.array(boxes, np.float32).reshape(-1, 5)
    measure_rectangles(grey, running(evidence[0]), running(evidence[1]), rectangles, out)
    return out


class TestMeasureRectangles:
    @pytest.mark.parametrize("seed", range(4))
    def test_all_are_finite_for_whatever_is_found(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        h, w = rng.integers(20, 70, 2)
        evidence = noise(seed, int(h), int(w))
        found = search(evidence, lines=([0, *range(3, h - 2, 3), h], [0, *range(3, w - 2, 3), w]))
        grey = rng.integers(0, 256, (h, w)).astype(np.uint8)
        values = measured(grey, evidence, found.tolist())
        assert len(found) > 1
        assert np.isfinite(values).all()
        assert (values[:, 6:10].sum(axis=1) == 1).all()
        assert (np.diff(values[:, 0]) <= 0).all()

    def test_of_none_there_is_none(self) -> None:
        assert measured(np.zeros((30, 40), np.uint8), noise(0, 30, 40), []).shape == (0, RECTANGLE_MEASURES)

    @pytest.fixture
    def values(self) -> np.ndarray:
        """A noisy inset at (10, 20, 70, 50) of 100 x 80 in a flat picture, and the left half, a little weaker."""
        grey = np.full((80, 100), 40, np.uint8)
        grey[20:50, 10:70] = np.tile([[0, 30], [30, 0]], (15, 30))
        evidence = (np.zeros((81, 100), np.float32), np.zeros((101, 80), np.float32))
        plant(evidence, (10, 20, 70, 50), 2.0)
        evidence[1][10, 20:50] = 5.0
        evidence[1][50, :40] = 1.0
        first, second = 2.0 * (60 + 60 + 30) + 5.0 * 30, 40.0
        return measured(grey, evidence, [(first, 10, 20, 70, 50), (second, 0, 0, 50, 80)])

    def test_evidence(self, values: np.ndarray) -> None:
        assert values[0, :6] == pytest.approx([np.log(450), 1, 450 / 180, 2, 5, 11 / 4], rel=1e-6)
        assert values[1, :6] == pytest.approx([np.log(40), 40 / 450, 40 / 80, 0.5, 0.5, 0.5], rel=1e-6)

    def test_sides_on_the_border(self, values: np.ndarray) -> None:
        assert values[0, 6:11].tolist() == [1, 0, 0, 0, 1]  # none at all are opposite ones, too
        assert values[1, 6:11].tolist() == [0, 0, 0, 1, 0]

    def test_shape(self, values: np.ndarray) -> None:
        assert values[0, 11:14] == pytest.approx([1800 / 8000, np.log(1800 / 8000), np.log(2)])
        assert values[1, 11:14] == pytest.approx([0.5, np.log(0.5), np.log(80 / 50)])

    def test_texture(self, values: np.ndarray) -> None:
        inside, outside, flat_inside, flat_outside = values[0, 14:18]
        assert 40 < inside <= 60  # twice a step of 30 in most pixels
        assert outside < 1
        assert flat_inside == 0
        assert flat_outside > 0.98

    def test_strips_outside(self, values: np.ndarray) -> None:
        mean, most, least, texture = values[0, 18:22]
        assert least <= mean <= most == 1
        assert mean > 0.7  # the strip above and that on the left see the step in their last pixels
        assert texture < 15

    def test_place_rank_and_size(self, values: np.ndarray) -> None:
        assert values[0, 22:28] == pytest.approx([0.1, 35 / 80 - 0.5 + 0.125, 1, 0, 180 / 360, np.log(90)])
        assert values[1, 22:28] == pytest.approx([0.25, 0, 0, 1, 80 / 360, np.log(130)])

    def test_thirds_and_what_goes_on_beyond_the_corners(self, values: np.ndarray) -> None:
        assert values[0, 28:32] == pytest.approx([2, 1, 0, 0])
        # of the side at 50, rows 0-26 have 1, rows 26-53 14/27 of it, the last third nothing
        assert values[1, 28:30] == pytest.approx([0, 2 / 3])
        assert values[1, 30:32].tolist() == [-1, -1]  # there is nothing beyond the picture

    def test_a_line_that_goes_on_is_seen(self) -> None:
        evidence = (np.zeros((81, 100), np.float32), np.zeros((101, 80), np.float32))
        plant(evidence, (30, 20, 70, 50), 2.0)
        evidence[0][20] = 2.0  # like a horizon
        values = measured(np.zeros((80, 100), np.uint8), evidence, [(240.0, 30, 20, 70, 50)])
        assert values[0, 30:32] == pytest.approx([2, 2 * 2 / 8])
