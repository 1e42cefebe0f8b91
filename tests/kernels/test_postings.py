"""Voting on postings against slow, plain Python that was written from its description."""

from __future__ import annotations

import cmath
import dataclasses
import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingerprint.kernels.postings import pack_geometry, unpack_geometry, vote_postings
from fingerprint.types import Postings

TOLERANCE, LOG_SCALE, MIN_COS = 0.05, 0.6, math.cos(math.radians(30))
MAX_BITS, N_WORDS = 21, 12
seeds = st.integers(0, 2**32 - 1)


class Asked(NamedTuple):
    """Keypoints of a query, each with the words that it looks up, -1 for none."""

    words: np.ndarray  # int32 (n, m)
    signatures: np.ndarray  # uint64 (n, m)
    frame: np.ndarray  # float32 (n, 5)

    @property
    def assignments(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Words, signatures and rows as the kernel takes them: by word."""
        rows, columns = np.nonzero(self.words >= 0)
        order = np.argsort(self.words[rows, columns], kind="stable")
        rows, columns = rows[order], columns[order]
        return self.words[rows, columns].astype(np.uint32), self.signatures[rows, columns], rows.astype(np.int32)


class Stored(NamedTuple):
    """Keypoints of one reference: a word, a signature and a geometry each."""

    words: np.ndarray
    signatures: np.ndarray
    geometry: np.ndarray


def random_frame(rng: np.random.Generator, n: int) -> np.ndarray:
    angle = rng.uniform(0, 2 * np.pi, n)
    return np.column_stack(
        [rng.random((n, 2)), rng.uniform(-4, -2, n), np.cos(angle), np.sin(angle)],
    ).astype(np.float32)


def pack(frame: np.ndarray) -> np.ndarray:
    out = np.zeros(len(frame), np.uint32)
    pack_geometry(np.ascontiguousarray(frame, np.float32), out)
    return out


def unpack(geometry: int) -> tuple[float, float, float, float]:
    """x, y, log of the size, angle in radians, in the middle of what each byte stands for."""
    x, y, size, angle = (geometry >> shift & 255 for shift in (0, 8, 16, 24))
    return (x + 0.5) / 256, (y + 0.5) / 256, (size + 0.5) / 32 - 7, angle / 256 * 2 * math.pi


def moved(rng: np.random.Generator, frame: np.ndarray) -> np.ndarray:
    """Turn, scale and shift a frame by one random similarity transform that stays in the picture."""
    scale, turn = rng.uniform(0.4, 0.9), rng.uniform(0, 2 * np.pi)
    z = (frame[:, 0] + 1j * frame[:, 1] - 0.5 - 0.5j) * scale * np.exp(1j * turn) * 0.7 + 0.5 + 0.5j
    angle = np.arctan2(frame[:, 4], frame[:, 3]) + turn
    size = frame[:, 2] + np.log(scale * 0.7)
    return np.column_stack([z.real, z.imag, size, np.cos(angle), np.sin(angle)]).astype(np.float32)


def flipped(rng: np.random.Generator, signatures: np.ndarray, most: int) -> np.ndarray:
    """Signatures of which up to `most` bits are changed in each."""
    out = signatures.copy()
    for i in range(len(out)):
        for bit in rng.choice(64, rng.integers(0, most + 1), replace=False):
            out[i] ^= np.uint64(1) << np.uint64(bit)
    return out


def random_query(rng: np.random.Generator, n: int, m: int = 2) -> Asked:
    words = rng.integers(-1, N_WORDS, (n, m)).astype(np.int32)
    return Asked(words, rng.integers(0, 2**64, (n, m), dtype=np.uint64), random_frame(rng, n))


def stranger(rng: np.random.Generator, query: Asked, n: int) -> Stored:
    """Keypoints near the query's by their signatures, but anywhere in the picture."""
    if not query.words.size:
        n = 0
    rows, columns = rng.integers(0, max(1, len(query.words)), n), rng.integers(0, query.words.shape[1], n)
    words = np.where(rng.random(n) < 0.8, query.words[rows, columns], rng.integers(0, N_WORDS, n))
    return Stored(np.maximum(words, 0), flipped(rng, query.signatures[rows, columns], 40), pack(random_frame(rng, n)))


def copy_of(rng: np.random.Generator, query: Asked, n: int) -> Stored:
    """The first keypoints of the query, moved together, each in one of its words."""
    column = rng.integers(0, query.words.shape[1], n)
    words = np.maximum(query.words[np.arange(n), column], 0)
    return Stored(words, flipped(rng, query.signatures[np.arange(n), column], 24), pack(moved(rng, query.frame)[:n]))


def index(pictures: list[Stored]) -> Postings:
    """The inverted file of pictures, put together one posting at a time."""
    entries = sorted(
        (int(word), row, place) for row, picture in enumerate(pictures) for place, word in enumerate(picture.words)
    )
    present = sorted({word for word, _, _ in entries})
    starts = [sum(entry[0] < word for entry in entries) for word in present] + [len(entries)]
    return Postings(
        words=np.array(present, np.uint32),
        starts=np.array(starts, np.uint32),
        signatures=np.array([pictures[row].signatures[place] for _, row, place in entries], np.uint64),
        references=np.array([row for _, row, _ in entries], np.uint32),
        geometry=np.array([pictures[row].geometry[place] for _, row, place in entries], np.uint32),
        n_references=len(pictures),
    )


def weights_by_distance(max_bits: int = MAX_BITS) -> np.ndarray:
    weights = np.zeros(66, np.float32)
    weights[: max_bits + 1] = np.linspace(1.0, 0.15, max_bits + 1)
    return weights


KEPT_RARITY = np.linspace(0.25, 2.0, -(-N_WORDS // 4)).astype(np.float32)
RARITY = np.repeat(KEPT_RARITY, 4)[:N_WORDS]  # of words and their reflections


def ask_all(
    query: Asked,
    postings: Postings,
    variants: np.ndarray,
    n_variants: int,
    max_hits: int = 200,
    max_bits: int = MAX_BITS,
    most_hits: int = 1 << 22,
) -> dict[tuple[int, int], float]:
    """Scores by reference and variant of the query."""
    rows, found_variants, scores, _, _ = vote_postings(
        *query.assignments,
        query.frame,
        variants,
        n_variants,
        postings.words,
        postings.starts,
        postings.signatures,
        postings.references,
        postings.geometry,
        postings.n_references,
        weights_by_distance(max_bits),
        KEPT_RARITY,
        max_hits,
        np.float32(TOLERANCE),
        np.float32(LOG_SCALE),
        np.float32(MIN_COS),
        most_hits,
    )
    assert (rows.dtype, found_variants.dtype, scores.dtype) == (np.int64, np.int64, np.float32)
    assert (np.diff(rows * n_variants + found_variants) > 0).all()
    return dict(zip(zip(rows.tolist(), found_variants.tolist(), strict=True), scores.tolist(), strict=True))


def ask(query: Asked, postings: Postings, max_hits: int = 200, max_bits: int = MAX_BITS) -> dict[int, float]:
    """Scores by reference of a query in one variant."""
    variants = np.zeros(len(query.frame), np.uint8)
    return {row: score for (row, _), score in ask_all(query, postings, variants, 1, max_hits, max_bits).items()}


class Hit(NamedTuple):
    """A query keypoint and a posting that are near."""

    query: int
    posting: int
    distance: int
    word: int


def hits_by_reference(query: Asked, postings: Postings, max_bits: int) -> dict[int, list[Hit]]:
    found: dict[int, list[Hit]] = {}
    for word, signature, i in zip(*(part.tolist() for part in query.assignments), strict=True):
        for at in np.flatnonzero(postings.words == word):
            for t in range(int(postings.starts[at]), int(postings.starts[at + 1])):
                distance = (int(postings.signatures[t]) ^ signature).bit_count()
                reference = int(postings.references[t])
                if distance <= max_bits and reference < postings.n_references:
                    found.setdefault(reference, []).append(Hit(i, t, distance, word))
    return found


def best_agreement(query: Asked, postings: Postings, hits: list[Hit], weights: list[float]) -> float:
    """Take every hit as a hypothesis, in complex numbers."""
    places = []
    for hit in hits:
        x, y, size, angle = unpack(int(postings.geometry[hit.posting]))
        q = query.frame[hit.query].astype(float)
        places.append((complex(q[0], q[1]), complex(x, y), size - q[2], cmath.exp(1j * angle) * complex(q[3], -q[4])))
    best = 0.0
    for q_place, r_place, growth, turn in places:
        agree: dict[int, float] = {}
        for hit, (q_other, r_other, growth_other, turn_other) in zip(hits, places, strict=True):
            predicted = r_place + math.exp(growth) * turn * (q_other - q_place)
            if (
                abs(predicted - r_other) < TOLERANCE * max(1.0, math.exp(growth))
                and abs(growth_other - growth) < LOG_SCALE
                and (turn_other * turn.conjugate()).real > MIN_COS
            ):
                weight = weights[hit.distance] * float(RARITY[hit.word])
                agree[hit.query] = max(agree.get(hit.query, 0.0), weight)
        if len(agree) >= 2:
            best = max(best, sum(agree.values()))
    return best


def expected(query: Asked, postings: Postings, max_hits: int = 200, max_bits: int = MAX_BITS) -> dict[int, float]:
    """The rule, one hit at a time."""
    weights = weights_by_distance(max_bits).tolist()
    out = {}
    for reference, hits in sorted(hits_by_reference(query, postings, max_bits).items()):
        nearest = np.sort(np.argsort([hit.distance for hit in hits], kind="stable")[:max_hits])
        score = best_agreement(query, postings, [hits[at] for at in nearest], weights)
        if score > 0:
            out[reference] = score
    return out


def agreeing_pair(distances: tuple[int, int] = (0, 0), words: tuple[int, int] = (3, 4)) -> tuple[Asked, Stored]:
    """Two keypoints and the same two stored, with signatures so many bits away."""
    frame = np.array([[0.25, 0.25, -3, 1, 0], [0.75, 0.5, -3, 1, 0]], np.float32)
    query = Asked(np.array(words, np.int32)[:, None], np.zeros((2, 1), np.uint64), frame)
    signatures = np.array([(1 << distance) - 1 for distance in distances], np.uint64)
    return query, Stored(np.array(words), signatures, pack(frame))


class TestGeometry:
    @given(seeds)
    def test_comes_back_within_half_a_step(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        frame = random_frame(rng, 20)
        frame[:, 2] = rng.uniform(-6.9, 0.9, 20)
        for row, packed in zip(frame.astype(float), pack(frame).tolist(), strict=True):
            x, y, size, angle = unpack(packed)
            assert abs(x - row[0]) <= 0.5 / 256 + 1e-6
            assert abs(y - row[1]) <= 0.5 / 256 + 1e-6
            assert abs(size - row[2]) <= 0.5 / 32 + 1e-6
            away = cmath.phase(cmath.exp(1j * angle) * complex(row[3], -row[4]))
            assert abs(away) <= math.pi / 256 + 1e-6

    @given(st.integers(0, 2**32 - 1))
    def test_the_kernel_unpacks_the_same(self, geometry: int) -> None:
        out = np.empty(5, np.float32)
        unpack_geometry(np.uint32(geometry), out)
        x, y, size, angle = unpack(geometry)
        np.testing.assert_allclose(out, [x, y, size, math.cos(angle), math.sin(angle)], atol=1e-6)

    @given(st.integers(0, 2**32 - 1))
    def test_packing_what_was_unpacked_gives_the_same(self, geometry: int) -> None:
        out = np.empty((1, 5), np.float32)
        unpack_geometry(np.uint32(geometry), out[0])
        assert pack(out).tolist() == [geometry]

    def test_angles_wrap_around(self) -> None:
        for degrees in [0.0, 359.9, -0.1, 360.0, 179.9, -179.9, 180.0, 0.69, -0.69, 359.2]:
            radians = math.radians(degrees)
            frame = np.array([[0.5, 0.5, -3, math.cos(radians), math.sin(radians)]], np.float32)
            assert int(pack(frame)[0]) >> 24 == round(degrees * 256 / 360) % 256, degrees

    def test_values_out_of_range_are_kept_at_the_ends(self) -> None:
        for column, value, byte in [
            *[(0, -0.01, 0), (0, 0.0, 0), (0, 1.0, 255), (0, 7.0, 255), (1, -1e9, 0), (1, 1e9, 255)],
            *[(2, -20.0, 0), (2, -7.0, 0), (2, 1.0, 255), (2, 30.0, 255), (0, math.inf, 255), (2, -math.inf, 0)],
        ]:
            frame = np.array([[0.5, 0.5, -3, 1, 0]], np.float32)
            middle = int(pack(frame)[0])
            frame[0, column] = value
            packed = int(pack(frame)[0])
            shift = 8 * column
            assert packed >> shift & 255 == byte, (column, value, byte)
            assert packed & ~(255 << shift) == middle & ~(255 << shift), (
                column,
                value,
                byte,
            )  # the others are as they were

    def test_none(self) -> None:
        assert pack(np.zeros((0, 5))).shape == (0,)


class TestAgainstTheRule:
    def check(self, query: Asked, postings: Postings, **limits: int) -> dict[int, float]:
        found, wanted = ask(query, postings, **limits), expected(query, postings, **limits)
        assert found.keys() == wanted.keys()
        for row, score in wanted.items():
            assert found[row] == pytest.approx(score, rel=1e-5), row
        return found

    @pytest.mark.parametrize("m", [1, 3])
    def test_copies_and_strangers(self, m: int) -> None:
        for seed in range(6):
            rng = np.random.default_rng([seed, m])
            query = random_query(rng, 24, m)
            pictures = [stranger(rng, query, int(n)) for n in rng.integers(0, 60, 6)]
            pictures.insert(2, copy_of(rng, query, 20))
            found = self.check(query, index(pictures))
            assert max(found, key=lambda row: found[row]) == 2, seed

    @pytest.mark.parametrize("max_hits", [1, 2, 5, 11, 30])
    def test_only_the_nearest_hits_are_looked_at(self, max_hits: int) -> None:
        rng = np.random.default_rng(max_hits)
        query = random_query(rng, 15, 2)
        pictures = [stranger(rng, query, 80), copy_of(rng, query, 15), stranger(rng, query, 30)]
        self.check(query, index(pictures), max_hits=max_hits)

    @pytest.mark.parametrize("max_bits", [0, 1, 30, 63, 64])
    def test_hits_lie_within_the_distance(self, max_bits: int) -> None:
        rng = np.random.default_rng(max_bits)
        query = random_query(rng, 10, 2)
        pictures = [stranger(rng, query, 25), copy_of(rng, query, 10)]
        self.check(query, index(pictures), max_bits=max_bits)

    def test_crowded_words(self) -> None:
        """More hits than there is room for at the start."""
        rng = np.random.default_rng(0)
        n = 260
        query = Asked(np.zeros((n, 1), np.int32), np.zeros((n, 1), np.uint64), random_frame(rng, n))
        pictures = [
            Stored(np.zeros(n, int), np.zeros(n, np.uint64), pack(query.frame if copy else random_frame(rng, n)))
            for copy in (False, True)
        ]
        self.check(query, index(pictures))  # 135,200 hits
        apart = query._replace(signatures=np.arange(n, dtype=np.uint64)[:, None] * np.uint64(0x9E3779B97F4A7C15))
        stored = [picture._replace(signatures=apart.signatures[:, 0]) for picture in pictures]
        assert ask(apart, index(stored), max_hits=n)[1] > 0.9 * n * RARITY[0]


class TestRules:
    def test_a_pair_that_agrees_scores_the_weights_times_the_rarity(self) -> None:
        query, picture = agreeing_pair((0, 5))
        weights = weights_by_distance()
        wanted = weights[0] * RARITY[3] + weights[5] * RARITY[4]
        assert ask(query, index([picture])) == {0: pytest.approx(wanted)}

    @pytest.mark.parametrize(("bits", "hit"), [(MAX_BITS, True), (MAX_BITS + 1, False)])
    def test_the_largest_distance_is_a_hit(self, bits: int, *, hit: bool) -> None:
        query, picture = agreeing_pair((0, bits))
        assert bool(ask(query, index([picture]))) is hit

    def test_another_word_is_no_hit(self) -> None:
        query, picture = agreeing_pair()
        assert ask(query, index([picture._replace(words=np.array([3, 5]))])) == {}

    def test_one_keypoint_is_not_enough_however_often_it_is_hit(self) -> None:
        query, picture = agreeing_pair()
        only = Asked(query.words[:1], query.signatures[:1], query.frame[:1])
        many = Stored(*(np.repeat(part[:1], 7) for part in picture))
        assert ask(only, index([many])) == {}
        assert ask(query, index([many])) == {}

    def test_a_keypoint_counts_once_with_its_best_hit(self) -> None:
        query, picture = agreeing_pair()
        rng = np.random.default_rng(0)
        for _ in range(5):
            order = rng.permutation(4)
            crowd = Stored(
                np.array([3, 3, 3, 4])[order],
                np.array([0b111, 0b1, 0b11111, 0b11], np.uint64)[order],
                picture.geometry[[0, 0, 0, 1]][order],
            )
            weights = weights_by_distance()
            wanted = weights[1] * RARITY[3] + weights[2] * RARITY[4]
            assert ask(query, index([crowd])) == {0: pytest.approx(wanted)}

    def test_a_keypoint_found_in_two_words_counts_once(self) -> None:
        query, picture = agreeing_pair((0, 0), (3, 4))
        twice = Asked(np.array([[3, 7], [4, -1]], np.int32), np.zeros((2, 2), np.uint64), query.frame)
        crowd = Stored(np.array([3, 7, 4]), np.zeros(3, np.uint64), picture.geometry[[0, 0, 1]])
        assert ask(twice, index([crowd])) == {0: pytest.approx(RARITY[7] + RARITY[4])}

    @pytest.mark.parametrize(
        ("column", "change", "agrees"),
        [(0, 0.03, True), (0, 0.08, False), (1, -0.08, False), (2, 0.5, True), (2, 0.7, False), (2, -0.7, False)],
    )
    def test_tolerances_of_place_and_size(self, column: int, change: float, *, agrees: bool) -> None:
        query, _ = agreeing_pair()
        frame = query.frame.copy()
        frame[1, column] += change
        picture = Stored(np.array([3, 4]), np.zeros(2, np.uint64), pack(frame))
        assert bool(ask(query, index([picture]))) is agrees

    @pytest.mark.parametrize(("degrees", "agrees"), [(27, True), (33, False), (-27, True), (-33, False), (180, False)])
    def test_tolerance_of_angle(self, degrees: float, *, agrees: bool) -> None:
        query, _ = agreeing_pair()
        frame = query.frame.copy()
        frame[1, 3:] = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        picture = Stored(np.array([3, 4]), np.zeros(2, np.uint64), pack(frame))
        assert bool(ask(query, index([picture]))) is agrees

    def test_rare_words_weigh_more(self) -> None:
        scores = []
        for words in ((0, 1), (5, 6), (10, 11)):
            query, picture = agreeing_pair(words=words)
            scores.append(ask(query, index([picture]))[0])
        assert scores == sorted(scores)
        assert scores[0] < scores[2]


class TestEachReferenceForItself:
    def some(self, rng: np.random.Generator) -> tuple[Asked, list[Stored]]:
        query = random_query(rng, int(rng.integers(0, 20)), int(rng.integers(1, 4)))
        pictures = [stranger(rng, query, int(n)) for n in rng.integers(0, 30, 3)]
        pictures += [copy_of(rng, query, int(rng.integers(0, len(query.words) + 1))) for _ in range(2)]
        return query, pictures

    @given(seeds, st.integers(1, 25))
    def test_order_and_company_do_not_change_a_bit(self, seed: int, max_hits: int) -> None:
        rng = np.random.default_rng(seed)
        query, pictures = self.some(rng)
        alone = {row: ask(query, index([picture]), max_hits).get(0) for row, picture in enumerate(pictures)}
        order = rng.permutation(len(pictures))
        together = ask(query, index([pictures[row] for row in order]), max_hits)
        assert {int(row): together.get(place) for place, row in enumerate(order)} == alone

    @given(seeds)
    def test_a_further_hit_never_lowers_a_score(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        query, pictures = self.some(rng)
        more = [
            Stored(*(np.concatenate(pair) for pair in zip(p, stranger(rng, query, 4), strict=True))) for p in pictures
        ]
        before, after = ask(query, index(pictures)), ask(query, index(more))
        assert all(after[row] >= score * (1 - 1e-6) for row, score in before.items())

    @given(seeds, st.sampled_from([1, 2, 1000, 2**31, 2**32 - 1]))
    def test_postings_of_pictures_that_are_not_there_are_passed_over(self, seed: int, beyond: int) -> None:
        """A damaged file must not crash a search, and the sound part of it gives what it gave."""
        rng = np.random.default_rng(seed)
        query, pictures = self.some(rng)
        whole = index(pictures)
        before = ask(query, whole)
        lost = int(rng.integers(len(pictures)))
        references = whole.references.copy()
        references[whole.references == lost] = min(len(pictures) - 1 + beyond, 2**32 - 1)
        damaged = ask(query, with_references(whole, references))
        assert damaged == {row: score for row, score in before.items() if row != lost}


def with_references(postings: Postings, references: np.ndarray) -> Postings:
    return dataclasses.replace(postings, references=references)


class TestHitsInParts:
    @pytest.mark.parametrize("most_hits", [0, 1, 7, 100])
    def test_the_number_of_hits_that_are_held_changes_nothing(self, most_hits: int) -> None:
        for seed in range(6):
            rng = np.random.default_rng([seed, most_hits])
            query = random_query(rng, 24, 3)
            pictures = [(copy_of if rng.random() < 0.5 else stranger)(rng, query, 20) for _ in range(seed * 3)]
            variants, postings = rng.integers(0, 3, 24).astype(np.uint8), index(pictures)
            whole = ask_all(query, postings, variants, 3)
            assert ask_all(query, postings, variants, 3, most_hits=most_hits) == whole


class TestVariants:
    @given(seeds, st.integers(1, 4), st.integers(2, 25))
    def test_each_is_voted_on_for_itself(self, seed: int, n_variants: int, max_hits: int) -> None:
        rng = np.random.default_rng(seed)
        parts = [random_query(rng, int(rng.integers(0, 12)), 2) for _ in range(n_variants)]
        together = Asked(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
        variants = np.repeat(np.arange(n_variants, dtype=np.uint8), [len(part.frame) for part in parts])
        pictures = [copy_of(rng, part, len(part.frame)) for part in parts]
        pictures += [stranger(rng, together, int(n)) for n in rng.integers(0, 40, 2)]
        postings = index(pictures)
        wanted = {
            (row, variant): score
            for variant, part in enumerate(parts)
            for row, score in ask(part, postings, max_hits).items()
        }
        assert ask_all(together, postings, variants, n_variants, max_hits) == wanted

    def test_keypoints_of_two_variants_do_not_agree_with_each_other(self) -> None:
        query, picture = agreeing_pair()
        assert ask_all(query, index([picture]), np.array([0, 1], np.uint8), 2) == {}
        assert list(ask_all(query, index([picture]), np.array([1, 1], np.uint8), 2)) == [(0, 1)]

    def test_references_beyond_those_there_are_do_not_become_another_variant(self) -> None:
        query, picture = agreeing_pair()
        damaged = with_references(index([picture]), np.array([1, 1], np.uint32))
        for variant in range(4):
            assert ask_all(query, damaged, np.full(2, variant, np.uint8), 4) == {}


class TestNothing:
    def test_no_query_keypoints(self) -> None:
        _, picture = agreeing_pair()
        nobody = Asked(np.zeros((0, 3), np.int32), np.zeros((0, 3), np.uint64), np.zeros((0, 5), np.float32))
        assert ask(nobody, index([picture])) == {}

    def test_no_words(self) -> None:
        query, picture = agreeing_pair()
        assert ask(query._replace(words=np.full((2, 1), -1, np.int32)), index([picture])) == {}
        wordless = query._replace(words=np.zeros((2, 0), np.int32), signatures=np.zeros((2, 0), np.uint64))
        assert ask(wordless, index([picture])) == {}

    def test_no_postings(self) -> None:
        query, _ = agreeing_pair()
        nothing = Stored(np.zeros(0, int), np.zeros(0, np.uint64), np.zeros(0, np.uint32))
        assert ask(query, index([])) == {}
        assert ask(query, index([nothing, nothing])) == {}

    def test_a_picture_without_keypoints_among_others(self) -> None:
        query, picture = agreeing_pair()
        nothing = Stored(np.zeros(0, int), np.zeros(0, np.uint64), np.zeros(0, np.uint32))
        assert list(ask(query, index([nothing, picture, nothing]))) == [1]

    def test_read_only_arrays_do_as_well(self) -> None:
        query, picture = agreeing_pair()
        postings = index([picture])
        before = ask(query, postings)
        for name in ("words", "starts", "signatures", "references", "geometry"):
            getattr(postings, name).setflags(write=False)
        assert ask(query, postings) == before
