"""The kernels of the vocabulary against plain NumPy: projection, nearest words, signatures within a word.

Points and centres are small whole numbers, of which single precision makes no error: the answers must be equal, ties
included.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingerprint.kernels.words import nearest_words, rotate_descriptors, word_signatures

#: Signs of an axis in a picture, its mirror image, its negative and its mirrored negative.
KINDS = np.array([[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]], np.float32)

UNCHANGED = np.ones((4, 64), np.float32)


class Words(NamedTuple):
    """A vocabulary of A cells of B words each, and their reflections."""

    signs: np.ndarray  # (4, p)
    coarse: np.ndarray  # (A, p)
    fine: np.ndarray  # (A, B, p)

    def reflected(self, v: int) -> tuple[np.ndarray, np.ndarray]:
        """Reflection v of all cells and all words."""
        return self.coarse * self.signs[v], self.fine * self.signs[v]

    @property
    def tables(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """What the kernel takes."""
        return (
            self.signs,
            np.ascontiguousarray(self.coarse.T),
            (np.square(self.coarse).sum(axis=1) / 2).astype(np.float32),
            np.ascontiguousarray(self.fine.transpose(0, 2, 1)),
            (np.square(self.fine).sum(axis=2) / 2).astype(np.float32),
        )


def whole_numbers(rng: np.random.Generator, *shape: int, most: int = 8) -> np.ndarray:
    return rng.integers(-most, most + 1, shape).astype(np.float32)


def random_words(rng: np.random.Generator, n_cells: int, n_fine: int, p: int, most: int = 8) -> Words:
    coarse, fine = whole_numbers(rng, n_cells, p, most=most), whole_numbers(rng, n_cells, n_fine, p, most=most)
    return Words(random_signs(rng, p), coarse, fine)


def random_signs(rng: np.random.Generator, p: int) -> np.ndarray:
    return np.ascontiguousarray(KINDS[rng.integers(0, 4, p)].T)


def find(points: np.ndarray, vocabulary: Words, beam: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    words, costs = np.full((len(points), m), 77, np.int32), np.full((len(points), m), np.nan, np.float32)
    nearest_words(points, *vocabulary.tables, beam, words, costs)
    return words, costs


def expected(points: np.ndarray, vocabulary: Words, beam: int, m: int) -> list[list[tuple[float, int]]]:
    """(cost, word) of the m nearest words of each point in its `beam` nearest reflected cells, by squared distances."""
    n_cells, n_fine = vocabulary.fine.shape[:2]
    out = []
    for point in points.astype(np.float64):
        own = (point**2).sum()
        cells, costs = [], {}
        for v in range(4):
            coarse, fine = vocabulary.reflected(v)
            to_cell = ((coarse.astype(np.float64) - point) ** 2).sum(axis=1)
            cells += [(float(to_cell[a]), a, v) for a in range(n_cells)]
            costs[v] = (((fine.astype(np.float64) - point) ** 2).sum(axis=2) - own) / 2
        found = [
            (float(costs[v][a, b]), a, beam_rank, 4 * (a * n_fine + b) + v)
            for beam_rank, (_, a, v) in enumerate(sorted(cells)[:beam])
            for b in range(n_fine)
        ]
        out.append([(cost, word) for cost, *_, word in sorted(found, key=lambda row: (row[0], row[1], row[2]))[:m]])
    return out


class TestRotateDescriptors:
    @pytest.mark.parametrize("seed", range(3))
    def test_against_a_matrix_product(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        descriptors = rng.integers(0, 256, (50, 128)).astype(np.uint8)
        mean, basis = rng.uniform(0, 80, 128).astype(np.float32), rng.normal(0, 0.1, (128, 64)).astype(np.float32)
        out = np.full((50, 64), np.nan, np.float32)
        rotate_descriptors(descriptors, mean, basis, out)
        exact = (descriptors.astype(np.float64) - mean) @ basis.astype(np.float64)
        np.testing.assert_allclose(out, exact, atol=2e-3)

    def test_a_descriptor_gives_the_same_bits_in_any_company(self) -> None:
        rng = np.random.default_rng(0)
        descriptors = rng.integers(0, 256, (40, 128)).astype(np.uint8)
        mean, basis = rng.uniform(0, 80, 128).astype(np.float32), rng.normal(size=(128, 64)).astype(np.float32)
        together = np.empty((40, 64), np.float32)
        rotate_descriptors(descriptors, mean, basis, together)
        for i in range(40):
            alone = np.empty((1, 64), np.float32)
            rotate_descriptors(descriptors[i : i + 1], mean, basis, alone)
            assert alone.tobytes() == together[i].tobytes()

    def test_none(self) -> None:
        out = np.empty((0, 64), np.float32)
        rotate_descriptors(np.zeros((0, 128), np.uint8), np.zeros(128, np.float32), np.ones((128, 64), np.float32), out)


class TestNearestWords:
    @pytest.mark.parametrize(("n_cells", "n_fine", "beam", "m"), [(9, 5, 3, 2), (4, 40, 4, 5), (6, 64, 1, 1)])
    def test_against_all_distances_in_the_beam(self, n_cells: int, n_fine: int, beam: int, m: int) -> None:
        for p in [1, 7, 8, 13, 64]:
            rng = np.random.default_rng([p, n_cells])
            vocabulary = random_words(rng, n_cells, n_fine, p)
            points = whole_numbers(rng, 30, p)
            words, costs = find(points, vocabulary, beam, m)
            wanted = expected(points, vocabulary, beam, m)
            assert words.tolist() == [[word for _, word in row] for row in wanted], p
            assert costs.tolist() == [[cost for cost, _ in row] for row in wanted], p

    def test_a_full_beam_finds_the_nearest_of_all_words(self) -> None:
        rng = np.random.default_rng(0)
        vocabulary = random_words(rng, 7, 6, 16)
        points = whole_numbers(rng, 25, 16)
        words, _ = find(points, vocabulary, 28, 1)
        centres = np.stack([vocabulary.reflected(v)[1].reshape(-1, 16) for v in range(4)], axis=1).reshape(-1, 16)
        distance = ((centres[None] - points[:, None]) ** 2).sum(axis=2)
        np.testing.assert_array_equal(distance[np.arange(25), words[:, 0]], distance.min(axis=1))

    @given(st.integers(0, 2**32 - 1), st.integers(1, 3))
    def test_reflections_of_a_point_have_the_same_words_reflected(self, seed: int, v: int) -> None:
        rng = np.random.default_rng(seed)
        signs = random_signs(rng, 64)
        fine = rng.normal(size=(5, 7, 64)).astype(np.float32)
        vocabulary = Words(signs, rng.normal(size=(5, 64)).astype(np.float32), fine)
        points = rng.normal(size=(12, 64)).astype(np.float32)
        words, costs = find(points, vocabulary, 4, 3)
        reflected, own_costs = find(points * signs[v], vocabulary, 4, 3)
        # where axes of a kind cancel, rounding may order two cells differently
        same = (reflected == (words ^ v)).all(axis=1)
        assert same.mean() > 0.8
        np.testing.assert_allclose(own_costs[same], costs[same], rtol=1e-5)

    def test_many_ties_go_to_the_lower_cell_and_the_lower_word(self) -> None:
        rng = np.random.default_rng(1)
        vocabulary = random_words(rng, 8, 33, 2, most=1)  # nine places for all of them
        points = whole_numbers(rng, 40, 2, most=1)
        for beam, m in ((1, 4), (3, 4), (8, 4)):
            words, _ = find(points, vocabulary, beam, m)
            assert words.tolist() == [[w for _, w in row] for row in expected(points, vocabulary, beam, m)]

    @pytest.mark.parametrize("beam", [1, 2])
    def test_too_few_words_leave_minus_one(self, beam: int) -> None:
        rng = np.random.default_rng(2)
        vocabulary = random_words(rng, 3, 2, 8)
        points = whole_numbers(rng, 10, 8)
        words, _ = find(points, vocabulary, beam, 5)
        wanted = expected(points, vocabulary, beam, 5)
        assert words.tolist() == [[w for _, w in row] + [-1] * (5 - 2 * beam) for row in wanted]

    @given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 40), st.integers(1, 6), st.integers(1, 5))
    def test_any_vocabulary(self, seed: int, n_cells: int, n_fine: int, beam: int, m: int) -> None:
        rng = np.random.default_rng(seed)
        beam = min(beam, 4 * n_cells)
        vocabulary = random_words(rng, n_cells, n_fine, 9, most=int(rng.integers(1, 9)))
        points = whole_numbers(rng, int(rng.integers(0, 12)), 9)
        words, costs = find(points, vocabulary, beam, m)
        for row, cost, wanted in zip(words, costs, expected(points, vocabulary, beam, m), strict=True):
            assert row[: len(wanted)].tolist() == [word for _, word in wanted]
            assert cost[: len(wanted)].tolist() == [c for c, _ in wanted]
            assert (row[len(wanted) :] == -1).all()

    @given(st.integers(0, 2**32 - 1))
    def test_a_point_is_quantised_for_itself(self, seed: int) -> None:
        """Real numbers this time: order and company do not change a bit."""
        rng = np.random.default_rng(seed)
        coarse, fine = rng.normal(size=(5, 64)).astype(np.float32), rng.normal(size=(5, 7, 64)).astype(np.float32)
        vocabulary = Words(random_signs(rng, 64), coarse, fine)
        points = rng.normal(size=(12, 64)).astype(np.float32)
        together = find(points, vocabulary, 3, 3)
        order = rng.permutation(12)[: rng.integers(0, 13)]
        apart = find(np.ascontiguousarray(points[order]), vocabulary, 3, 3)
        for one, other in zip(together, apart, strict=True):
            assert one[order].tobytes() == other.tobytes()

    def test_none(self) -> None:
        words, costs = find(np.zeros((0, 8), np.float32), random_words(np.random.default_rng(0), 3, 4, 8), 2, 2)
        assert words.shape == costs.shape == (0, 2)


class TestWordSignatures:
    def signatures(
        self,
        points: np.ndarray,
        words: np.ndarray,
        thresholds: np.ndarray,
        step: float,
        signs: np.ndarray | None = None,
    ) -> np.ndarray:
        out = np.full(words.shape, 12345, np.uint64)
        signs = np.ones((4, 64), np.float32) if signs is None else signs
        word_signatures(points, signs, words, thresholds, np.float32(step), out)
        return out

    @pytest.mark.parametrize("step", [0.25, 1.0, 0.7])
    def test_against_a_comparison_with_the_centres(self, step: float) -> None:
        rng = np.random.default_rng(3)
        points = whole_numbers(rng, 20, 64, most=60)
        thresholds = rng.integers(-128, 128, (15, 64)).astype(np.int8)
        words = rng.integers(-1, 60, (20, 4)).astype(np.int32)
        signs = random_signs(rng, 64)
        found = self.signatures(points, words, thresholds, step, signs)
        for i, row in enumerate(words):
            for j, word in enumerate(row):
                above = points[i] * signs[word & 3] > thresholds[word >> 2].astype(np.float32) * np.float32(step)
                bits = sum(1 << b for b in range(64) if above[b])
                assert int(found[i, j]) == (bits if word >= 0 else 0)

    def test_a_reflected_point_has_the_same_signature_in_the_reflected_word(self) -> None:
        rng = np.random.default_rng(4)
        points, signs = rng.normal(0, 30, (20, 64)).astype(np.float32), random_signs(rng, 64)
        thresholds = rng.integers(-128, 128, (15, 64)).astype(np.int8)
        words = rng.integers(0, 60, (20, 4)).astype(np.int32)
        found = self.signatures(points, words, thresholds, 0.5, signs)
        for v in range(1, 4):
            np.testing.assert_array_equal(self.signatures(points * signs[v], words ^ v, thresholds, 0.5, signs), found)

    def test_a_value_at_the_centre_is_a_zero(self) -> None:
        thresholds = np.full((1, 64), 3, np.int8)
        points = np.full((3, 64), 1.5, np.float32)
        points[1] += np.float32(1e-3)
        points[2] -= np.float32(1e-3)
        found = self.signatures(points, np.zeros((3, 1), np.int32), thresholds, 0.5)
        assert found.ravel().tolist() == [0, 2**64 - 1, 0]

    def test_none(self) -> None:
        assert self.signatures(
            np.zeros((0, 64), np.float32), np.zeros((0, 2), np.int32), np.zeros((1, 64), np.int8), 1.0
        ).shape == (0, 2)
