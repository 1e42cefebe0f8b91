"""Words, inverted files and votes on photographs: what is found, and that each picture is looked at for itself."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest

from fingerprint.config import DEFAULT_CONFIG
from fingerprint.edits import apply_edits
from fingerprint.errors import ConfigError
from fingerprint.features import inverted_file as inverted_file_module
from fingerprint.features.describe import describe_query
from fingerprint.features.inverted_file import COHORT_IMAGES, build_postings, measure_cohort_score, vote
from fingerprint.features.vocabulary import assign_words, quantise, rotate
from fingerprint.models import Models, VocabularyModel
from fingerprint.models.reflections import INVERT_PERMUTATION, MIRROR_PERMUTATION
from fingerprint.types import U8, VARIANTS, Fingerprint, Keypoints, Postings, Query, WordAssignments

MATCH = DEFAULT_CONFIG.match
NAMES = ("astronaut", "chelsea", "coffee", "rocket")
#: What is done to a picture, and the variant of the query in which it is found.
CHANGES = {"crop": 0, "rotate": 0, "jpeg": 0, "mirror": 1, "negative": 2, "mirrored negative": 3}
NO_KEYPOINTS = Keypoints(
    np.zeros((0, 128), np.uint8), np.zeros((0, 2), np.uint64), np.zeros((0, 5), np.float32), 40, 30
)


def changed(pixels: U8, change: str, seed: int) -> U8:
    if change in ("crop", "rotate", "jpeg"):
        return apply_edits(pixels, [change], np.random.default_rng(seed)).pixels
    mirrored = pixels[:, ::-1] if "mirror" in change else pixels
    return np.ascontiguousarray(255 - mirrored if "negative" in change else mirrored)


def centres_of(vocabulary: VocabularyModel) -> np.ndarray:
    """The centre of each word, reflections among them: float64 (W, 64)."""
    kept = vocabulary.centres.astype(np.float64) * vocabulary.step[0]
    return (kept[:, np.newaxis] * vocabulary.signs.astype(np.float64)).reshape(vocabulary.n_words, -1)


@pytest.fixture(scope="module")
def keypoints(described: dict[str, Fingerprint]) -> dict[str, Keypoints]:
    return {name: fingerprint.keypoints for name, fingerprint in described.items()}


@pytest.fixture(scope="module")
def postings(keypoints: dict[str, Keypoints], models: Models) -> Postings:
    return build_postings(list(keypoints.values()), models.vocabulary)


@pytest.fixture(scope="module")
def queries(photos: dict[str, U8], models: Models) -> dict[tuple[str, str], Query]:
    return {
        (name, change): describe_query(changed(photos[name], change, seed), models)
        for seed, name in enumerate(NAMES)
        for change in CHANGES
    }


def scores_of(assignments: WordAssignments, postings: Postings, models: Models) -> np.ndarray:
    """Scores by variant and picture, 0 where there is no agreement."""
    votes = vote(assignments, postings, models.vocabulary, MATCH)
    rows, variants, scores = votes.rows, votes.variants, votes.scores
    assert (rows.dtype, variants.dtype, scores.dtype) == (np.int64, np.int64, np.float32)
    assert (np.diff(rows) >= 0).all()
    assert (scores > 0).all()
    out = np.zeros((len(VARIANTS), postings.n_references), np.float32)
    assert len({*zip(rows.tolist(), variants.tolist(), strict=True)}) == len(rows)
    out[variants, rows] = scores
    return out


def own(postings: Postings, row: int) -> list[tuple[int, int, int]]:
    """(word, signature, geometry) of one picture's postings."""
    starts = postings.starts.astype(np.int64)
    words = np.repeat(postings.words, starts[1:] - starts[:-1])
    mine = postings.references == row
    columns = (words[mine], postings.signatures[mine], postings.geometry[mine])
    return list(zip(*(column.tolist() for column in columns), strict=True))


def assert_same_postings(a: Postings, b: Postings) -> None:
    assert a.n_references == b.n_references
    for name in ("words", "starts", "signatures", "references", "geometry"):
        assert getattr(a, name).dtype == getattr(b, name).dtype
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


class TestQuantise:
    @pytest.mark.parametrize("n_words", [1, 2, 5])
    def test_names_different_words_the_nearest_first(
        self, n_words: int, keypoints: dict[str, Keypoints], models: Models
    ) -> None:
        vocabulary = models.vocabulary
        descriptors = keypoints["chelsea"].descriptors
        words, signatures = quantise(descriptors, vocabulary, n_words)
        assert (words.dtype, words.shape) == (np.int32, (len(descriptors), n_words))
        assert (signatures.dtype, signatures.shape) == (np.uint64, (len(descriptors), n_words))
        assert ((words >= 0) & (words < vocabulary.n_words)).all()
        assert all(len(set(row)) == n_words for row in words.tolist())
        centres = centres_of(vocabulary)
        distance = np.linalg.norm(rotate(descriptors, vocabulary)[:, None] - centres[words], axis=2)
        assert (np.diff(distance, axis=1) >= -1e-2).all()

    def test_the_first_is_nearly_always_the_nearest_of_all(
        self, keypoints: dict[str, Keypoints], models: Models
    ) -> None:
        vocabulary = models.vocabulary
        points = rotate(keypoints["coffee"].descriptors, vocabulary).astype(np.float64)
        centres = centres_of(vocabulary)
        nearest = ((centres**2).sum(axis=1) / 2 - points @ centres.T).argmin(axis=1)
        found, _ = quantise(keypoints["coffee"].descriptors, vocabulary, MATCH.n_words)
        assert (found[:, 0] == nearest).mean() > 0.85

    def test_fewer_words_are_the_first_of_more(self, keypoints: dict[str, Keypoints], models: Models) -> None:
        """So a stored keypoint is looked for in the word that it is stored in."""
        one, many = (quantise(keypoints["rocket"].descriptors, models.vocabulary, n) for n in (1, 5))
        np.testing.assert_array_equal(one[0][:, 0], many[0][:, 0])
        np.testing.assert_array_equal(one[1][:, 0], many[1][:, 0])

    def test_signatures_tell_the_side_of_the_centre(self, keypoints: dict[str, Keypoints], models: Models) -> None:
        vocabulary = models.vocabulary
        descriptors = keypoints["coffee"].descriptors[:40]
        words, signatures = quantise(descriptors, vocabulary, 3)
        centres = vocabulary.centres.astype(np.float32) * vocabulary.step[0]
        above = rotate(descriptors, vocabulary)[:, None] * vocabulary.signs[words & 3] > centres[words >> 2]
        wanted = np.packbits(above, axis=2, bitorder="little").view("<u8")[:, :, 0]
        np.testing.assert_array_equal(signatures, wanted)

    @pytest.mark.parametrize("n_words", [0, 1, 5])
    def test_no_keypoints_no_words(self, n_words: int, models: Models) -> None:
        words, signatures = quantise(np.zeros((0, 128), np.uint8), models.vocabulary, n_words)
        assert words.shape == signatures.shape == (0, n_words)

    def test_more_words_than_there_are(self, keypoints: dict[str, Keypoints], models: Models) -> None:
        whole = models.vocabulary
        small = dataclasses.replace(whole, coarse=whole.coarse[:1], centres=whole.centres[:2], rarity=whole.rarity[:2])
        words, _ = quantise(keypoints["coffee"].descriptors[:5], small, 11)
        n_searched = 3  # reflections of the only cell
        assert words.shape == (5, 8)
        assert ((words >= 0).sum(axis=1) == 2 * n_searched).all()
        assert all(len(set(row)) == 2 * n_searched + 1 for row in words.tolist())  # and -1

    def test_blank_and_full_descriptors_are_looked_up_too(self, models: Models) -> None:
        ends = np.array([[0] * 128, [255] * 128], np.uint8)
        assert (quantise(ends, models.vocabulary, 2)[0] >= 0).all()


class TestReflections:
    @pytest.mark.parametrize(("permutation", "variant"), [(MIRROR_PERMUTATION, 1), (INVERT_PERMUTATION, 2)])
    def test_a_variants_descriptors_differ_in_signs_alone(
        self, permutation: np.ndarray, variant: int, keypoints: dict[str, Keypoints], models: Models
    ) -> None:
        descriptors = keypoints["chelsea"].descriptors
        points = rotate(descriptors, models.vocabulary)
        reflected = rotate(np.ascontiguousarray(descriptors[:, permutation]), models.vocabulary)
        np.testing.assert_allclose(reflected, points * models.vocabulary.signs[variant], atol=1e-2)

    @pytest.mark.parametrize(("permutation", "variant"), [(MIRROR_PERMUTATION, 1), (INVERT_PERMUTATION, 2)])
    def test_and_have_the_words_and_signatures_of_the_picture_itself(
        self, permutation: np.ndarray, variant: int, keypoints: dict[str, Keypoints], models: Models
    ) -> None:
        """Apart from descriptors in the middle between two words, where rounding decides."""
        descriptors = keypoints["chelsea"].descriptors
        words, signatures = quantise(descriptors, models.vocabulary, 3)
        changed, own = quantise(np.ascontiguousarray(descriptors[:, permutation]), models.vocabulary, 3)
        same = words ^ variant == changed
        assert same.mean() > 0.98
        assert (signatures == own)[same].mean() > 0.98


class TestVisitWords:
    def test_are_the_words_of_all_variants_in_ascending_order(
        self, queries: dict[tuple[str, str], Query], models: Models
    ) -> None:
        query = queries["coffee", "crop"]
        assignments = assign_words(query.variants, models.vocabulary, MATCH)
        assert (np.diff(assignments.words.astype(np.int64)) >= 0).all()
        types = [getattr(assignments, name).dtype for name in ("words", "signatures", "rows", "frames", "variants")]
        assert types == [np.uint32, np.uint64, np.int32, np.float32, np.uint8]
        start = 0
        for variant, (keypoints, (_, inverted)) in enumerate(zip(query.variants, VARIANTS, strict=True)):
            n = min(len(keypoints), MATCH.n_inverted) if inverted else len(keypoints)
            rows = np.arange(start, start + n)
            assert (assignments.variants[rows] == variant).all()
            np.testing.assert_array_equal(assignments.frames[rows], keypoints.frame[:n])
            n_words = MATCH.n_words_inverted if inverted else MATCH.n_words
            words, signatures = quantise(query.plain.descriptors[:n], models.vocabulary, n_words)
            words ^= variant
            wanted = {
                (row, word, signature)
                for row, own_words, own_signatures in zip(
                    rows.tolist(), words.tolist(), signatures.tolist(), strict=True
                )
                for word, signature in zip(own_words, own_signatures, strict=True)
            }
            mine = np.isin(assignments.rows, rows)
            columns = (assignments.rows[mine], assignments.words[mine], assignments.signatures[mine])
            found = list(zip(*(column.tolist() for column in columns), strict=True))
            assert len(found) == words.size
            assert set(found) == wanted
            start += n
        assert len(assignments.variants) == len(assignments.frames) == start

    def test_a_negatives_are_fewer(self, queries: dict[tuple[str, str], Query], models: Models) -> None:
        few = dataclasses.replace(MATCH, n_inverted=20)
        assignments = assign_words(queries["coffee", "crop"].variants, models.vocabulary, few)
        counts = np.bincount(assignments.variants, minlength=4)
        assert counts[2:].tolist() == [20, 20]
        assert (counts[:2] > 20).all()

    def test_of_a_picture_without_keypoints(self, models: Models) -> None:
        assignments = assign_words([NO_KEYPOINTS] * 4, models.vocabulary, MATCH)
        assert len(assignments.words) == len(assignments.signatures) == len(assignments.rows) == 0
        assert (assignments.frames.shape, assignments.variants.shape) == ((0, 5), (0,))

    @pytest.mark.parametrize(
        "wrong", [{"n_words": 0}, {"n_words_inverted": 0}, {"n_inverted": -1}, {"word_bits": 64}, {"vote_bits": 129}]
    )
    def test_settings_that_make_no_sense_are_refused(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ConfigError):
            dataclasses.replace(MATCH, **wrong)

    def test_negatives_can_be_left_out(self, queries: dict[tuple[str, str], Query], models: Models) -> None:
        assignments = assign_words(
            queries["coffee", "crop"].variants, models.vocabulary, dataclasses.replace(MATCH, n_inverted=0)
        )
        assert set(assignments.variants.tolist()) == {0, 1}
        assert len(assignments.words) > 0


class TestBuildPostings:
    def test_every_keypoint_is_there_once_in_ascending_order(
        self, keypoints: dict[str, Keypoints], postings: Postings
    ) -> None:
        counts = np.bincount(postings.references, minlength=len(keypoints))
        assert counts.tolist() == [len(k) for k in keypoints.values()]
        assert postings.n_references == len(keypoints)
        assert (np.diff(postings.words.astype(np.int64)) > 0).all()
        starts = postings.starts.astype(np.int64)
        assert (starts[0], starts[-1]) == (0, len(postings.references))
        assert (np.diff(starts) > 0).all()  # words without postings are not listed
        for start, stop in itertools.pairwise(starts):
            assert (np.diff(postings.references[start:stop].astype(np.int64)) >= 0).all()

    def test_a_pictures_postings_do_not_depend_on_its_company(
        self, keypoints: dict[str, Keypoints], postings: Postings, models: Models
    ) -> None:
        names = list(keypoints)
        backwards = build_postings([keypoints[name] for name in reversed(names)], models.vocabulary)
        for row, name in enumerate(names):
            alone = own(build_postings([keypoints[name]], models.vocabulary), 0)
            assert own(postings, row) == alone
            assert own(backwards, len(names) - 1 - row) == alone

    @pytest.mark.parametrize("chunk", [1, 300, 301, 1000])
    def test_nor_on_how_many_are_quantised_together(
        self,
        chunk: int,
        keypoints: dict[str, Keypoints],
        postings: Postings,
        models: Models,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(inverted_file_module, "_CHUNK", chunk)
        assert_same_postings(build_postings(list(keypoints.values()), models.vocabulary), postings)

    @pytest.mark.parametrize("chunk", [1, 100_000])
    def test_pictures_without_keypoints_keep_their_rows(
        self, chunk: int, keypoints: dict[str, Keypoints], models: Models, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(inverted_file_module, "_CHUNK", chunk)
        some = [NO_KEYPOINTS, keypoints["coffee"], NO_KEYPOINTS, keypoints["rocket"], NO_KEYPOINTS]
        found = build_postings(some, models.vocabulary)
        assert found.n_references == 5
        assert set(found.references.tolist()) == {1, 3}
        assert own(found, 1) == own(build_postings([keypoints["coffee"]], models.vocabulary), 0)

    @pytest.mark.parametrize("n", [0, 1, 3])
    def test_nothing_but_pictures_without_keypoints(self, n: int, models: Models) -> None:
        found = build_postings([NO_KEYPOINTS] * n, models.vocabulary)
        assert (found.n_references, len(found.words), found.starts.tolist()) == (n, 0, [0])


class TestVote:
    @pytest.mark.parametrize("change", CHANGES)
    def test_the_source_has_most_votes(
        self,
        change: str,
        queries: dict[tuple[str, str], Query],
        keypoints: dict[str, Keypoints],
        postings: Postings,
        models: Models,
    ) -> None:
        for name in NAMES:
            truth = list(keypoints).index(name)
            scores = scores_of(queries[name, change].assignments, postings, models)
            assert np.unravel_index(scores.argmax(), scores.shape) == (CHANGES[change], truth), name
            others = np.delete(scores, truth, axis=1)
            assert scores[CHANGES[change], truth] > 2 * others.max(), name

    def test_a_picture_gets_the_same_in_any_company(
        self,
        queries: dict[tuple[str, str], Query],
        keypoints: dict[str, Keypoints],
        postings: Postings,
        models: Models,
    ) -> None:
        assignments = queries["coffee", "crop"].assignments
        together = scores_of(assignments, postings, models)
        alone = [
            scores_of(assignments, build_postings([k], models.vocabulary), models)[:, 0] for k in keypoints.values()
        ]
        np.testing.assert_array_equal(together, np.stack(alone, axis=1))

    def test_nothing_to_vote_with_or_on(
        self, queries: dict[tuple[str, str], Query], postings: Postings, models: Models
    ) -> None:
        nothing = build_postings([NO_KEYPOINTS], models.vocabulary)
        assert not scores_of(queries["coffee", "crop"].assignments, nothing, models).any()
        assignments = assign_words([NO_KEYPOINTS] * 4, models.vocabulary, MATCH)
        assert not scores_of(assignments, postings, models).any()

    def test_a_narrower_setting_finds_no_more(
        self, queries: dict[tuple[str, str], Query], postings: Postings, models: Models
    ) -> None:
        totals = []
        for bits in (21, 12, 4, 0):
            narrow = dataclasses.replace(MATCH, word_bits=bits)
            totals.append(len(vote(queries["chelsea", "crop"].assignments, postings, models.vocabulary, narrow).rows))
        assert totals == sorted(totals, reverse=True)


def best_scores(query: Query, models: Models) -> np.ndarray:
    """Of the background's images, each with the best variant."""
    return scores_of(query.assignments, models.cohort.postings, models).max(axis=0)


class TestBackground:
    def test_is_the_mean_of_the_three_best(self, queries: dict[tuple[str, str], Query], models: Models) -> None:
        for change in ("crop", "negative"):
            query = queries["coffee", change]
            wanted = np.sort(best_scores(query, models))[-COHORT_IMAGES:].sum() / COHORT_IMAGES
            found = measure_cohort_score(query.assignments, models, MATCH)
            assert found == pytest.approx(float(wanted), rel=1e-6)
            assert query.cohort_score == found > 0

    def test_excluded_images_are_not_asked(self, queries: dict[tuple[str, str], Query], models: Models) -> None:
        query = queries["astronaut", "crop"]
        best = best_scores(query, models)
        order = np.argsort(-best, kind="stable")
        found = [
            measure_cohort_score(query.assignments, models, MATCH, order[:n].tolist()) for n in (0, 1, 3, len(order))
        ]
        assert found == sorted(found, reverse=True)
        assert found[0] > found[2]
        assert found[2] == pytest.approx(float(best[order[3:6]].sum()) / COHORT_IMAGES, rel=1e-6)
        assert found[3] == 0
        for kind in (set, tuple, frozenset):
            assert measure_cohort_score(query.assignments, models, MATCH, kind(order[:3].tolist())) == found[2]

    def test_a_picture_without_keypoints_agrees_with_nothing(self, models: Models) -> None:
        flat = describe_query(np.full((60, 80), 99, np.uint8), models)
        assert flat.cohort_score == 0

    def test_fewer_images_than_the_mean_is_over(
        self, queries: dict[tuple[str, str], Query], keypoints: dict[str, Keypoints], models: Models
    ) -> None:
        def with_background(*pictures: Keypoints) -> float:
            made = build_postings(pictures, models.vocabulary)
            part = dataclasses.replace(
                models.cohort,
                **{name: getattr(made, name) for name in ("words", "starts", "signatures", "references", "geometry")},
                n_images=np.array([len(pictures)], np.uint32),
            )
            other = dataclasses.replace(models, cohort=part)
            return measure_cohort_score(queries["coffee", "crop"].assignments, other, MATCH)

        assert with_background() == with_background(NO_KEYPOINTS) == 0
        one = with_background(keypoints["coffee"])
        assert with_background(*[keypoints["coffee"]] * 3) == pytest.approx(3 * one, rel=1e-5)
