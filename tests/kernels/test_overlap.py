"""The comparison of two aligned pictures, cell by cell: against NumPy, and on pictures changed in a known way."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from fingerprint.kernels.overlap import (
    AREA,
    BEST,
    CELL,
    MEASURES,
    MOVED_X,
    MOVED_Y,
    N_COLUMNS,
    QUERY_DEVIATION,
    QUERY_ENERGY,
    QUERY_MEAN,
    REACH,
    REFERENCE_DEVIATION,
    REFERENCE_ENERGY,
    REFERENCE_MEAN,
    UNMOVED,
    _parts,
    compare_cells,
    fit_moves,
    likeness_of,
    summarise_cells,
)
from fingerprint.types import F64, U8, Bool

SIDE = 192
SCENES = ("astronaut", "chelsea", "coffee", "brick")
#: Measures that are shares of something.
SHARES = (
    *("contradicting", "largest_contradiction", "contradicting_alike", "contradicting_reference"),
    *("contradicting_query", "agreeing", "same_tone", "other_tone", "same_tone_part", "tone_broken"),
)


@pytest.fixture(scope="module")
def scenes(photos: dict[str, U8]) -> dict[str, U8]:
    """Grey photographs of 192 x 192 pixels."""
    greys = {name: cv2.cvtColor(photos[name], cv2.COLOR_RGB2GRAY) for name in SCENES if name in photos}
    return {
        name: np.asarray(cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
        for name, grey in greys.items()
    }


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


def soft_gradients(grey: U8, inner: Bool) -> F64:
    """Scharr gradients by OpenCV, of a length that tends to 1; 0 where not all neighbours are shared: (2, n, n)."""
    both = np.stack([cv2.Scharr(grey, cv2.CV_64F, *axis) / 32 for axis in ((1, 0), (0, 1))])
    return np.asarray(np.where(inner, both / (np.sqrt((both**2).sum(axis=0)) + 2), 0.0))


def moved_correlations(query: F64, reference: F64, inner: Bool, top: int, left: int) -> F64:
    """Correlation of a cell of soft gradients for each move of the query, down by across."""
    rows, columns = slice(top, top + CELL), slice(left, left + CELL)
    wide = np.pad(query, ((0, 0), (REACH, REACH), (REACH, REACH)))
    cell = reference[:, rows, columns]
    whole = (query[:, rows, columns] ** 2).sum()
    out = np.empty((2 * REACH + 1, 2 * REACH + 1))
    for j in range(2 * REACH + 1):
        for i in range(2 * REACH + 1):
            part = wide[:, top + j : top + j + CELL, left + i : left + i + CELL]
            energy = ((part**2).sum(axis=0) * inner[rows, columns]).sum()
            out[j, i] = (part * cell).sum() / np.sqrt((cell**2).sum() * max(energy, 0.25 * whole))
    return out


class TestCompareCells:
    @pytest.mark.parametrize("kind", ["changed", "moved", "half", "other"])
    def test_against_numpy(self, kind: str, scenes: dict[str, U8]) -> None:
        reference = scenes["chelsea"]
        query = {
            "changed": np.asarray(cv2.GaussianBlur(reference, (0, 0), 1) // 2 + 40, np.uint8),
            "moved": np.roll(reference, (1, -2), (0, 1)),
            "half": reference[::-1],
            "other": scenes["coffee"],
        }[kind]
        shared = everywhere(reference)
        if kind == "half":
            shared = np.add.outer(np.arange(SIDE), 2 * np.arange(SIDE)) % 500 < 250
        inner = ndimage.binary_erosion(shared, np.ones((3, 3)))
        q, r = soft_gradients(query, inner), soft_gradients(reference, inner)
        table = compare_cells(np.ascontiguousarray(query), reference, shared)
        assert table.shape == (SIDE // CELL, SIDE // CELL, N_COLUMNS)
        assert table.dtype == np.float64
        n_correlated = 0
        for (row, column), cell in zip(np.ndindex(*table.shape[:2]), table.reshape(-1, N_COLUMNS), strict=True):
            at = slice(row * CELL, row * CELL + CELL), slice(column * CELL, column * CELL + CELL)
            assert cell[AREA] == inner[at].sum()
            energies = [(part[:, at[0], at[1]] ** 2).sum() for part in (r, q)]
            np.testing.assert_allclose(cell[[REFERENCE_ENERGY, QUERY_ENERGY]], energies, rtol=1e-4, atol=1e-4)
            if not cell[AREA]:
                continue
            tones = [query[at][inner[at]], reference[at][inner[at]]]
            np.testing.assert_allclose(cell[[QUERY_MEAN, REFERENCE_MEAN]], [t.mean() for t in tones])
            np.testing.assert_allclose(
                cell[[QUERY_DEVIATION, REFERENCE_DEVIATION]], [t.std() for t in tones], atol=1e-4
            )
            if cell[AREA] < 0.3 * CELL**2 or min(energies) < 1e-2:
                continue
            n_correlated += 1
            moves = moved_correlations(q, r, inner, row * CELL, column * CELL)
            assert cell[UNMOVED] == pytest.approx(moves[REACH, REACH], abs=1e-4)
            assert cell[BEST] == pytest.approx(moves.max(), abs=1e-4)
            if (moves > moves.max() - 1e-3).sum() == 1:
                j, i = np.unravel_index(moves.argmax(), moves.shape)
                assert abs(cell[MOVED_X] - (i - REACH)) <= 0.5
                assert abs(cell[MOVED_Y] - (j - REACH)) <= 0.5
        assert n_correlated > 200

    @pytest.mark.parametrize(("x", "y"), [(0, 0), (1, 0), (0, -1), (-2, 1)])
    def test_finds_the_move_of_a_shifted_photograph(self, x: int, y: int, scenes: dict[str, U8]) -> None:
        for name, scene in scenes.items():
            inside = compared(np.roll(scene, (y, x), (0, 1)), scene)[1:-1, 1:-1].reshape(-1, N_COLUMNS)
            seen = inside[np.minimum(inside[:, REFERENCE_ENERGY], inside[:, QUERY_ENERGY]) > 4]
            assert len(seen) > 100, name
            assert np.median(seen[:, BEST]) > 0.97, name
            # The best move of a cell on an edge is uncertain along it, and the largest move is not refined.
            assert (np.abs(seen[:, MOVED_X] - x) < 0.5).mean() > 0.85, name
            assert (np.abs(seen[:, MOVED_Y] - y) < 0.5).mean() > 0.85, name

    def test_nothing_that_is_passed_is_written_to(self, scenes: dict[str, U8]) -> None:
        query, reference = scenes["coffee"].copy(), scenes["chelsea"].copy()
        shared = everywhere(query)
        for array in (query, reference, shared):
            array.setflags(write=False)
        np.testing.assert_array_equal(compare_cells(query, reference, shared), compared(query, reference))


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
        assert sorted(_parts(marked, side).tolist()) == sorted(expected.tolist())
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
