"""The matching kernels against slow, plain NumPy that was written from their descriptions."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingerprint.config import DEFAULT_CONFIG, FeatureConfig
from fingerprint.edits import apply_edits
from fingerprint.features.local_features import extract_features
from fingerprint.features.signatures import compute_frame
from fingerprint.images.decode import read_grey
from fingerprint.kernels.agreement import nearest_matches
from fingerprint.kernels.matching import (
    best_similarity,
    match_signatures,
    pack_signatures,
    residuals_under,
    vote_variants,
)
from fingerprint.models.reflections import KINDS, ORBITS, PERMUTATIONS, kind_basis
from fingerprint.train.fitting import fit_signatures
from fingerprint.types import F32, U8, U64

TOLERANCE, LOG_SCALE, MIN_COS = np.float32(0.05), np.float32(0.6), np.float32(math.cos(math.radians(30)))
SETTINGS = (TOLERANCE, LOG_SCALE, MIN_COS)


class Side(NamedTuple):
    """Keypoints of one picture as the kernels take them."""

    signatures: np.ndarray
    descriptors: np.ndarray
    frame: np.ndarray


def bit_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Hamming distances of all pairs of 128-bit signatures, by unpacking them."""
    bits_a, bits_b = (np.unpackbits(x.view(np.uint8), axis=1).astype(np.int64) for x in (a, b))
    return (bits_a[:, None] != bits_b[None]).sum(axis=2)


def random_frame(rng: np.random.Generator, n: int) -> np.ndarray:
    angle = rng.uniform(0, 2 * np.pi, n)
    return np.column_stack(
        [rng.random((n, 2)), rng.uniform(-4, -2, n), np.cos(angle), np.sin(angle)],
    ).astype(np.float32)


def moved_frame(rng: np.random.Generator, frame: np.ndarray, jitter: float = 0.01) -> np.ndarray:
    """Turn, scale and shift a frame by one random similarity transform, with errors."""
    scale, turn, shift = rng.uniform(0.4, 2.0), rng.uniform(0, 2 * np.pi), rng.random(2)
    z = (frame[:, 0] + 1j * frame[:, 1]) * scale * np.exp(1j * turn) + shift[0] + 1j * shift[1]
    angle = np.arctan2(frame[:, 4], frame[:, 3]) + turn + rng.normal(0, 0.1, len(frame))
    place = np.column_stack([z.real, z.imag]) + rng.normal(0, jitter, (len(frame), 2))
    return np.column_stack(
        [place, frame[:, 2] + np.log(scale) + rng.normal(0, 0.1, len(frame)), np.cos(angle), np.sin(angle)]
    ).astype(np.float32)


def agreeing(h: int, q_frame: np.ndarray, r_frame: np.ndarray, mi: np.ndarray, mj: np.ndarray) -> np.ndarray:
    """Mask of the matches that agree with the similarity transform of match `h`, in complex numbers."""
    q, r = q_frame[mi].astype(np.float64), r_frame[mj].astype(np.float64)
    q_place, r_place = q[:, 0] + 1j * q[:, 1], r[:, 0] + 1j * r[:, 1]
    growth = r[:, 2] - q[:, 2]
    turn = (r[:, 3] + 1j * r[:, 4]) * (q[:, 3] - 1j * q[:, 4])
    predicted = r_place[h] + np.exp(growth[h]) * turn[h] * (q_place - q_place[h])
    near = np.abs(predicted - r_place) < float(TOLERANCE) * max(1.0, math.exp(growth[h]))
    same_size = np.abs(growth - growth[h]) < float(LOG_SCALE)
    return near & same_size & ((turn * np.conj(turn[h])).real > float(MIN_COS))


def best_by_brute_force(
    q_frame: np.ndarray, r_frame: np.ndarray, mi: np.ndarray, mj: np.ndarray
) -> tuple[int, np.ndarray]:
    masks = [agreeing(h, q_frame, r_frame, mi, mj) for h in range(len(mi))]
    counts = [int(mask.sum()) for mask in masks]
    return (max(counts), masks[counts.index(max(counts))]) if masks else (0, np.zeros(0, bool))


def votes_by_brute_force(q: Side, r: Side, max_bits: int, max_matches: int) -> list[float]:
    """Votes that one reference may get.

    Where there are too many matches the nearest are tried; of those at the first distance that does not fit as a
    whole, either the first few or none.
    """
    if not len(q.signatures) or not len(r.signatures):
        return [0.0]
    distances = bit_distances(q.signatures, r.signatures)
    best = distances.argmin(axis=1)
    bits = distances[np.arange(len(best)), best]
    rows = np.flatnonzero(bits <= max_bits)
    nearness = float((max_bits + 1 - bits[rows]).sum())
    choices = [np.sort(rows[np.argsort(bits[rows], kind="stable")[:max_matches]])]
    if len(rows) > max_matches:
        fitting = [b for b in range(max_bits + 1) if (bits[rows] <= b).sum() <= max_matches]
        choices.append(rows[bits[rows] <= max(fitting, default=-1)])
    counts = [best_by_brute_force(q.frame, r.frame, chosen, best[chosen])[0] for chosen in choices]
    return [count + nearness / (nearness + 1000) for count in counts]


def assert_votes(votes: np.ndarray, q: Side, references: list[Side], max_bits: int, max_matches: int) -> None:
    for vote, reference in zip(votes.tolist(), references, strict=True):
        allowed = votes_by_brute_force(q, reference, max_bits, max_matches)
        assert any(vote == pytest.approx(one, rel=1e-5) for one in allowed), (vote, allowed)


def scan(q: Side, references: list[Side], max_bits: int = 28, max_matches: int = 150) -> np.ndarray:
    plain = np.zeros(1, np.int64)
    votes = [
        vote_variants(
            plain, q.signatures[None], q.frame[None], r.signatures, r.frame, max_bits, max_matches, *SETTINGS
        )[0]
        for r in references
    ]
    return np.array(votes, np.float32)


def random_side(rng: np.random.Generator, n: int) -> Side:
    return Side(
        rng.integers(0, 2**64, (n, 2), dtype=np.uint64),
        rng.integers(0, 100, (n, 128)).astype(np.uint8),
        random_frame(rng, n),
    )


def flipped(rng: np.random.Generator, signatures: np.ndarray, most: int) -> np.ndarray:
    """Signatures of which up to `most` bits are changed in each."""
    out = signatures.copy()
    for row in out:
        for bit in rng.choice(128, rng.integers(0, most + 1), replace=False):
            row[bit // 64] ^= np.uint64(1) << np.uint64(bit % 64)
    return out


def packed(descriptors: U8, rotation: F32, thresholds: F32, n_variants: int = 1) -> U64:
    """Return the signatures of descriptors in the first variants."""
    by_kind = [kind_basis(kind).T @ rotation.astype(np.float64) / 2 for kind in range(4)]
    out = np.empty((n_variants, len(descriptors), 2), np.uint64)
    pack_signatures(descriptors, ORBITS, KINDS, np.stack(by_kind).astype(np.float32), thresholds, out)
    return out


@pytest.fixture(scope="module")
def real(photos: dict[str, U8]) -> dict[str, Side]:
    """Keypoints of photographs, of an edited copy of one, and of a flat picture."""
    config = FeatureConfig(sides=(200,), n_keypoints=(90,), doubled=(True,))
    copy = apply_edits(photos["chelsea"], ["crop", "rotate", "jpeg"], np.random.default_rng(5)).pixels
    pictures = {name: photos[name] for name in ("chelsea", "coffee", "rocket")}
    pictures |= {"copy": copy, "flat": np.zeros((50, 60, 3), np.uint8)}
    features = {name: extract_features(read_grey(x), config)[0] for name, x in pictures.items()}
    everything = np.concatenate([f.descriptors for f in features.values()])
    rotation, thresholds = fit_signatures(everything, np.random.default_rng(0))
    out = {}
    for name, f in features.items():
        signatures = packed(f.descriptors, rotation, thresholds)[0]
        out[name] = Side(signatures, f.descriptors, compute_frame(f))
    return out


class TestPackSignatures:
    @pytest.mark.parametrize("seed", range(3))
    def test_against_a_matrix_product_and_packbits(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        descriptors = rng.integers(0, 256, (200, 128)).astype(np.uint8)
        rotation, thresholds = fit_signatures(descriptors, rng)
        out = packed(descriptors, rotation, thresholds, 4)
        for own, permutation in zip(out, PERMUTATIONS, strict=True):
            above = descriptors[:, permutation].astype(np.float64) @ rotation.astype(np.float64) - thresholds
            expected = np.packbits(above > 0, axis=1, bitorder="little").view("<u8")
            clear = np.abs(above) > 1e-2  # the kernel sums in single precision
            differ = np.unpackbits((own ^ expected).view(np.uint8), axis=1, bitorder="little").astype(bool)
            assert not (differ & clear).any()
            assert clear.mean() > 0.99

    def test_a_reflection_has_the_bytes_of_its_own_descriptor(self, real: dict[str, Side]) -> None:
        descriptors = real["chelsea"].descriptors
        rotation, thresholds = fit_signatures(descriptors, np.random.default_rng(1))
        out = packed(descriptors, rotation, thresholds, 4)
        for own, permutation in zip(out, PERMUTATIONS, strict=True):
            alone = packed(np.ascontiguousarray(descriptors[:, permutation]), rotation, thresholds)[0]
            np.testing.assert_array_equal(own, alone)

    def test_a_value_at_the_threshold_is_a_zero(self) -> None:
        out = packed(np.zeros((1, 128), np.uint8), np.eye(128, dtype=np.float32), np.zeros(128, np.float32))
        assert out.tolist() == [[[0, 0]]]

    def test_bit_b_is_bit_b_modulo_64_of_word_b_over_64(self) -> None:
        half = np.full(128, 0.5, np.float32)
        (out,) = packed(np.eye(128, dtype=np.uint8), np.eye(128, dtype=np.float32), half)
        for b in range(128):
            assert [int(w) for w in out[b]] == [1 << b if b < 64 else 0, 1 << (b - 64) if b >= 64 else 0]

    def test_none(self) -> None:
        nothing = np.zeros((0, 128), np.uint8)
        assert packed(nothing, np.eye(128, dtype=np.float32), np.zeros(128, np.float32), 4).shape == (4, 0, 2)


class TestMatchSignatures:
    def expected(self, q: Side, r: Side, max_bits: int) -> list[tuple[int, int, int]]:
        if not len(r.signatures):
            return []
        distances = bit_distances(q.signatures, r.signatures)
        best = distances.argmin(axis=1)
        return [(i, int(j), int(distances[i, j])) for i, j in enumerate(best) if distances[i, j] <= max_bits]

    def found(self, q: Side, r: Side, max_bits: int) -> list[tuple[int, int, int]]:
        mi, mj, bits = match_signatures(q.signatures, r.signatures, max_bits)
        assert mi.dtype == mj.dtype == bits.dtype == np.int64
        return list(zip(mi.tolist(), mj.tolist(), bits.tolist(), strict=True))

    @pytest.mark.parametrize("max_bits", [0, 20, 45, 55, 128])
    def test_random(self, max_bits: int) -> None:
        rng = np.random.default_rng(max_bits)
        q, r = random_side(rng, 40), random_side(rng, 60)
        r.signatures[7:20] = flipped(rng, q.signatures[7:20], 30)
        assert self.found(q, r, max_bits) == self.expected(q, r, max_bits)

    @pytest.mark.parametrize("reference", ["chelsea", "coffee", "copy"])
    def test_photographs(self, reference: str, real: dict[str, Side]) -> None:
        q, r = real["copy"], real[reference]
        expected = self.expected(q, r, DEFAULT_CONFIG.match.verify_bits)
        assert self.found(q, r, DEFAULT_CONFIG.match.verify_bits) == expected
        if reference != "coffee":
            assert len(expected) > 20

    def test_the_first_of_equally_near_ones_is_taken(self) -> None:
        rng = np.random.default_rng(2)
        q = random_side(rng, 3)
        twice = Side(*(np.concatenate([x, x]) for x in q))
        assert self.found(q, twice, 10) == [(0, 0, 0), (1, 1, 0), (2, 2, 0)]

    def test_opposite_signatures_are_128_bits_apart(self) -> None:
        rng = np.random.default_rng(3)
        q = random_side(rng, 4)
        opposite = Side(~q.signatures[:1], q.descriptors[:1], q.frame[:1])
        assert (0, 0, 128) in self.found(q, opposite, 128)
        assert self.found(Side(*(x[:1] for x in q)), opposite, 127) == []

    @pytest.mark.parametrize(("n_query", "n_reference"), [(0, 0), (0, 5), (5, 0)])
    def test_no_keypoints(self, n_query: int, n_reference: int) -> None:
        rng = np.random.default_rng(0)
        assert self.found(random_side(rng, n_query), random_side(rng, n_reference), 128) == []


class TestNearestMatches:
    @given(st.lists(st.integers(0, 128), max_size=60), st.integers(1, 70))
    def test_against_a_sort(self, distances: list[int], cap: int) -> None:
        kept = nearest_matches(np.array(distances, np.int64), cap)
        assert kept.tolist() == sorted(sorted(range(len(distances)), key=lambda t: (distances[t], t))[:cap])


class TestBestSimilarity:
    def check(self, q_frame: np.ndarray, r_frame: np.ndarray, mi: np.ndarray, mj: np.ndarray) -> int:
        mask = best_similarity(q_frame, r_frame, mi, mj, *SETTINGS)
        count, expected = best_by_brute_force(q_frame, r_frame, mi, mj)
        np.testing.assert_array_equal(mask, expected)
        assert mask.sum() == count
        return count

    def test_a_planted_transform_among_strangers(self) -> None:
        for seed in range(8):
            rng = np.random.default_rng(seed)
            q_frame = random_frame(rng, 60)
            r_frame = np.concatenate([moved_frame(rng, q_frame[:25]), random_frame(rng, 50)])
            mi = np.arange(60)
            mj = np.concatenate([np.arange(25), rng.integers(25, 75, 35)])
            assert self.check(q_frame, r_frame, mi, mj) >= 8, seed

    def test_chance_alone(self) -> None:
        for seed in range(8):
            rng = np.random.default_rng(seed)
            rows = [rng.integers(0, 30, 80) for _ in range(2)]
            assert self.check(random_frame(rng, 30), random_frame(rng, 30), *rows) < 20, seed

    @pytest.mark.parametrize("reference", ["chelsea", "coffee"])
    def test_photographs(self, reference: str, real: dict[str, Side]) -> None:
        q, r = real["copy"], real[reference]
        mi, mj, _ = match_signatures(q.signatures, r.signatures, 28)
        n = self.check(q.frame, r.frame, mi, mj)
        assert n > 20 if reference == "chelsea" else n < 20

    def test_a_single_match_agrees_with_itself(self) -> None:
        rng = np.random.default_rng(0)
        one = np.zeros(1, np.int64)
        assert self.check(random_frame(rng, 1), random_frame(rng, 1), one, one) == 1

    def test_no_match(self) -> None:
        rng = np.random.default_rng(0)
        none = np.zeros(0, np.int64)
        assert self.check(random_frame(rng, 3), random_frame(rng, 3), none, none) == 0

    def test_ties_go_to_the_first_match(self) -> None:
        rng = np.random.default_rng(0)
        frame = np.zeros((4, 5), np.float32)
        frame[:, 0] = [0, 0.01, 0.5, 0.51]
        frame[:, 2:4] = [-3, 1]
        apart = frame.copy()
        apart[2:, 1] += 0.5  # the second pair agrees too, on another transform
        rows = np.arange(4)
        mask = best_similarity(frame, apart, rows, rows, *SETTINGS)
        assert mask.tolist() == [True, True, False, False]
        order = rng.permutation(4)
        mask = best_similarity(frame, apart, order, order, *SETTINGS)
        assert mask.sum() == 2
        assert mask[0]

    @pytest.mark.parametrize(
        ("column", "change", "agrees"),
        [
            *[(0, 0.049, True), (0, 0.051, False), (1, -0.049, True), (1, -0.051, False)],
            *[(2, 0.59, True), (2, 0.61, False), (2, -0.61, False)],
        ],
    )
    def test_tolerances_of_place_and_size(self, column: int, change: float, *, agrees: bool) -> None:
        frame = np.zeros((2, 5), np.float32)
        frame[1, :2] = 0.2
        frame[:, 2:4] = [-3, 1]
        other = frame.copy()
        other[1, column] += change
        rows = np.arange(2)
        assert best_similarity(frame, other, rows, rows, *SETTINGS).sum() == 1 + agrees

    @pytest.mark.parametrize(("degrees", "agrees"), [(29, True), (31, False), (-29, True), (-31, False), (180, False)])
    def test_tolerance_of_the_angle(self, degrees: float, *, agrees: bool) -> None:
        frame = np.zeros((2, 5), np.float32)  # both at one place, so that only the angle can differ
        frame[:, 2:4] = [-3, 1]
        other = frame.copy()
        other[1, 3:] = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        rows = np.arange(2)
        assert best_similarity(frame, other, rows, rows, *SETTINGS).sum() == 1 + agrees

    @given(st.integers(0, 2**32 - 1))
    def test_moving_the_whole_reference_changes_nothing(self, seed: int) -> None:
        """A copy is found in the corner as well as in the middle."""
        rng = np.random.default_rng(seed)
        q_frame = random_frame(rng, 20)
        r_frame = moved_frame(rng, q_frame, jitter=0.0)
        r_frame[:, 2] = q_frame[:, 2] + (r_frame[0, 2] - q_frame[0, 2])  # no errors of size and angle
        rows = np.arange(20)
        before = best_similarity(q_frame, r_frame, rows, rows, *SETTINGS)
        r_frame[:, :2] += np.float32(0.25)
        after = best_similarity(q_frame, r_frame, rows, rows, *SETTINGS)
        assert abs(int(before.sum()) - int(after.sum())) <= 1


class TestResidualsUnder:
    def mapped(self, transform: np.ndarray, points: np.ndarray) -> np.ndarray:
        x, y, w = transform @ np.column_stack([points, np.ones(len(points))]).T
        return np.column_stack([x / w, y / w])

    def derivatives(self, transform: np.ndarray, points: np.ndarray) -> np.ndarray:
        """By differences: shape (m, 2, 2)."""
        step = 1e-6
        sides = [self.mapped(transform, points + by) - self.mapped(transform, points - by) for by in np.eye(2) * step]
        return np.stack(sides, axis=2) / (2 * step)

    def random_transform(self, rng: np.random.Generator) -> np.ndarray:
        out = np.eye(3)
        scale, turn = rng.uniform(0.4, 2.5), rng.uniform(0, 2 * np.pi)
        turned = scale * np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
        out[:2, :2] = turned @ [[1, rng.uniform(-0.3, 0.3)], [0, rng.uniform(0.7, 1.4)]]
        out[:2, 2] = rng.normal(size=2)
        out[2, :2] = rng.uniform(-1.2, 1.2, 2)
        return out

    def test_against_numpy_and_differences(self) -> None:
        n_finite = n_refused = n_beyond = 0
        for seed in range(40):
            rng = np.random.default_rng(seed)
            transform, q_frames = self.random_transform(rng), random_frame(rng, 100)
            source = q_frames[:, :2].astype(np.float64)
            depth = source @ transform[2, :2] + transform[2, 2]
            apart = np.abs(depth) > 0.1  # from the horizon, or differences tell little
            q_frames, source, depth = q_frames[apart], source[apart], depth[apart]
            linear, n = self.derivatives(transform, source), len(source)
            scale = np.sqrt(np.abs(np.linalg.det(linear)))
            turned = np.einsum("nij,nj->ni", linear, q_frames[:, 3:].astype(np.float64))
            angle = np.arctan2(turned[:, 1], turned[:, 0]) + rng.normal(0, 0.4, n)
            target = self.mapped(transform, source) + rng.normal(0, 0.05, (n, 2))
            size = q_frames[:, 2] + np.log(scale) + rng.normal(0, 0.5, n)
            r_frames = np.column_stack([target, size, np.cos(angle), np.sin(angle)]).astype(np.float32)

            r = r_frames.astype(np.float64)
            distance = np.hypot(*(self.mapped(transform, source) - r[:, :2]).T)
            cosine = (turned * r[:, 3:]).sum(axis=1) / np.hypot(*turned.T)
            growth = np.abs(r[:, 2] - q_frames[:, 2].astype(np.float64) - np.log(scale))
            expected = distance / (0.03 * np.maximum(1, scale))
            agrees = (growth < 0.7) & (cosine > 0.8) & (depth > 0)
            certain = (np.abs(growth - 0.7) > 1e-6) & (np.abs(cosine - 0.8) > 1e-6)
            found = residuals_under(transform, q_frames, r_frames, 0.03, 0.7, 0.8)
            assert found.dtype == np.float64
            np.testing.assert_allclose(
                found[certain], np.where(agrees, expected, np.inf)[certain], rtol=1e-5, err_msg=str(seed)
            )
            n_finite += np.isfinite(found).sum()
            n_refused += (~agrees & (depth > 0)).sum()
            n_beyond += (depth < 0).sum()
        assert min(n_finite, n_refused, n_beyond) > 100

    def test_a_match_on_the_horizon_is_not_near(self) -> None:
        frames = random_frame(np.random.default_rng(0), 1)
        frames[0, :2] = 0.5, 0.25
        horizon = np.array([[1.0, 0, 0], [0, 1, 0], [2, 0, -1]])
        assert residuals_under(horizon, frames, frames, 0.05, 0.6, 0.5).tolist() == [np.inf]

    def test_a_map_to_a_point_agrees_with_nothing(self) -> None:
        frames = random_frame(np.random.default_rng(0), 5)
        assert (residuals_under(np.diag([0.0, 0, 1]), frames, frames, 0.05, 0.6, 0.5) == np.inf).all()

    @pytest.mark.parametrize(("scale", "expected"), [(0.5, 0.4), (1.0, 0.4), (2.0, 0.2), (4.0, 0.1)])
    def test_is_in_tolerances_that_grow_as_the_map_magnifies(self, scale: float, expected: float) -> None:
        q_frames = random_frame(np.random.default_rng(1), 6)
        r_frames = q_frames.copy()
        r_frames[:, :2] *= np.float32(scale)
        r_frames[:, 2] += np.float32(math.log(scale))
        r_frames[:, 1] += np.float32(0.02)
        transform = np.diag([scale, scale, 1.0])
        np.testing.assert_allclose(residuals_under(transform, q_frames, r_frames, 0.05, 0.1, 0.9), expected, rtol=1e-4)

    def test_no_match(self) -> None:
        none = np.zeros((0, 5), np.float32)
        assert residuals_under(np.eye(3), none, none, 0.05, 0.6, 0.5).shape == (0,)


class TestVotePair:
    @pytest.mark.parametrize("max_matches", [12, 150])
    def test_random_with_planted_copies(self, max_matches: int) -> None:
        for seed in range(4):
            rng = np.random.default_rng(seed)
            q = random_side(rng, 40)
            references = [random_side(rng, n) for n in (30, 0, 1, 25)]
            references.append(Side(flipped(rng, q.signatures, 30), q.descriptors, moved_frame(rng, q.frame)))
            votes = scan(q, references, max_matches=max_matches)
            assert_votes(votes, q, references, 28, max_matches)
            assert votes.argmax() == 4, seed

    @pytest.mark.parametrize("max_bits", [20, 28, 40])
    def test_photographs(self, max_bits: int, real: dict[str, Side]) -> None:
        references = [real[name] for name in ("flat", "coffee", "chelsea", "rocket")]
        votes = scan(real["copy"], references, max_bits=max_bits)
        assert_votes(votes, real["copy"], references, max_bits, 150)
        assert votes.argmax() == 2
        assert votes[0] == 0

    def test_a_single_match_counts_for_one(self) -> None:
        rng = np.random.default_rng(0)
        q = random_side(rng, 1)
        votes = scan(q, [q])
        np.testing.assert_allclose(votes, 1 + 29 / 1029, rtol=1e-6)

    def test_no_keypoints_on_either_side(self) -> None:
        rng = np.random.default_rng(0)
        some, none = random_side(rng, 5), random_side(rng, 0)
        assert scan(none, [some, none]).tolist() == [0, 0]
        assert scan(some, [none]).tolist() == [0]

    @pytest.mark.parametrize("n_bits", [0, 5])
    def test_a_copy_of_many_equally_near_keypoints_is_voted_for(self, n_bits: int) -> None:
        """More matches than are tried, all at one distance: as many of them as are allowed must be tried."""
        rng = np.random.default_rng(0)
        q = random_side(rng, 60)
        changed = q.signatures ^ np.array([(1 << n_bits) - 1, 0], dtype=np.uint64)
        votes = scan(q, [Side(changed, q.descriptors, q.frame)], max_matches=20)
        assert votes[0] >= 20
