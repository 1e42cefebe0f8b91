"""Words, inverted files and votes on photographs: what is found, and that each picture is looked at for itself."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from fingerprint import vocabulary as vocabulary_module
from fingerprint.config import DEFAULT_CONFIG
from fingerprint.describe import describe_query
from fingerprint.edits import apply_edits
from fingerprint.models import Models, VocabularyModel
from fingerprint.types import U8, VERSIONS, Fingerprint, Keypoints, Postings, Query
from fingerprint.vocabulary import BACKGROUND_IMAGES, build_postings, measure_background, rotate, visit_words, vote

MATCH = DEFAULT_CONFIG.match
NAMES = ("astronaut", "chelsea", "coffee", "rocket")
#: What is done to a picture, and the version of the query in which it is found.
CHANGES = {"crop": 0, "rotate": 0, "jpeg": 0, "mirror": 1, "negative": 2, "mirrored negative": 3}
NO_KEYPOINTS = Keypoints(
    np.zeros((0, 128), np.uint8), np.zeros((0, 2), np.uint64), np.zeros((0, 5), np.float32), 40, 30
)


def changed(pixels: U8, change: str, seed: int) -> U8:
    if change in ("crop", "rotate", "jpeg"):
        return apply_edits(pixels, [change], np.random.default_rng(seed)).pixels
    mirrored = pixels[:, ::-1] if "mirror" in change else pixels
    return np.ascontiguousarray(255 - mirrored if "negative" in change else mirrored)


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


def scores_of(query: Query, version: int, postings: Postings, models: Models) -> np.ndarray:
    """Scores of all pictures, 0 where there is no agreement."""
    rows, scores = vote(query.versions[version], query.visits[version], postings, models.vocabulary, MATCH)
    assert (rows.dtype, scores.dtype) == (np.int64, np.float32)
    assert (np.diff(rows) > 0).all()
    assert (scores > 0).all()
    out = np.zeros(postings.n_references, np.float32)
    out[rows] = scores
    return out


def own(postings: Postings, row: int) -> list[tuple[int, int, int]]:
    """(word, signature, geometry) of one picture's postings."""
    words = np.repeat(postings.words, np.diff(postings.starts.astype(np.int64)))
    mine = postings.references == row
    columns = (words[mine], postings.signatures[mine], postings.geometry[mine])
    return list(zip(*(column.tolist() for column in columns), strict=True))


def assert_same_postings(a: Postings, b: Postings) -> None:
    assert a.n_references == b.n_references
    for name in ("words", "starts", "signatures", "references", "geometry"):
        assert getattr(a, name).dtype == getattr(b, name).dtype
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


class TestVisitWords:
    @pytest.mark.parametrize("n_words", [1, 2, 5])
    def test_names_different_words_the_nearest_first(
        self, n_words: int, keypoints: dict[str, Keypoints], models: Models
    ) -> None:
        vocabulary = models.vocabulary
        descriptors = keypoints["chelsea"].descriptors
        visits = visit_words(descriptors, vocabulary, n_words)
        assert (visits.words.dtype, visits.words.shape) == (np.int32, (len(descriptors), n_words))
        assert (visits.signatures.dtype, visits.signatures.shape) == (np.uint64, (len(descriptors), n_words))
        assert ((visits.words >= 0) & (visits.words < len(vocabulary.centres))).all()
        assert all(len(set(row)) == n_words for row in visits.words.tolist())
        centres = vocabulary.centres.astype(np.float64) * vocabulary.step[0]
        distance = np.linalg.norm(rotate(descriptors, vocabulary)[:, None] - centres[visits.words], axis=2)
        assert (np.diff(distance, axis=1) >= -1e-2).all()

    def test_the_first_is_nearly_always_the_nearest_of_all(
        self, keypoints: dict[str, Keypoints], models: Models
    ) -> None:
        vocabulary = models.vocabulary
        points = rotate(keypoints["coffee"].descriptors, vocabulary).astype(np.float64)
        centres = vocabulary.centres.astype(np.float64) * vocabulary.step[0]
        nearest = ((centres**2).sum(axis=1) / 2 - points @ centres.T).argmin(axis=1)
        found = visit_words(keypoints["coffee"].descriptors, vocabulary, MATCH.n_words).words[:, 0]
        assert (found == nearest).mean() > 0.9

    def test_signatures_tell_the_side_of_the_centre(self, keypoints: dict[str, Keypoints], models: Models) -> None:
        vocabulary = models.vocabulary
        descriptors = keypoints["coffee"].descriptors[:40]
        visits = visit_words(descriptors, vocabulary, 3)
        points = rotate(descriptors, vocabulary)
        centres = vocabulary.centres.astype(np.float32) * vocabulary.step[0]
        above = points[:, None] > centres[visits.words]
        wanted = np.packbits(above, axis=2, bitorder="little").view("<u8")[:, :, 0]
        np.testing.assert_array_equal(visits.signatures, wanted)

    def test_a_stored_keypoint_is_looked_for_where_it_was_stored(
        self, keypoints: dict[str, Keypoints], models: Models
    ) -> None:
        """References are looked up less widely than queries."""
        one = keypoints["rocket"]
        stored = own(build_postings([one], models.vocabulary), 0)
        visits = visit_words(one.descriptors, models.vocabulary, MATCH.n_words)
        asked = {
            (word, signature)
            for row, signatures in zip(visits.words.tolist(), visits.signatures.tolist(), strict=True)
            for word, signature in zip(row, signatures, strict=True)
        }
        assert np.mean([(word, signature) in asked for word, signature, _ in stored]) > 0.95

    @pytest.mark.parametrize("n_words", [0, 1, 5])
    def test_no_keypoints_no_words(self, n_words: int, models: Models) -> None:
        visits = visit_words(np.zeros((0, 128), np.uint8), models.vocabulary, n_words)
        assert visits.words.shape == visits.signatures.shape == (0, n_words)

    def test_none_asked_for(self, keypoints: dict[str, Keypoints], models: Models) -> None:
        visits = visit_words(keypoints["coffee"].descriptors, models.vocabulary, 0)
        assert visits.words.shape == (len(keypoints["coffee"]), 0)

    def test_more_words_than_there_are(self, keypoints: dict[str, Keypoints], models: Models) -> None:
        whole = models.vocabulary
        n_fine = len(whole.centres) // len(whole.coarse)
        small = VocabularyModel(
            whole.mean, whole.basis, whole.coarse[:1], whole.centres[:n_fine], whole.step, whole.rarity[:n_fine]
        )
        words = visit_words(keypoints["coffee"].descriptors[:5], small, n_fine + 3).words
        assert [sorted(row) for row in words.tolist()] == [list(range(n_fine))] * 5

    def test_blank_and_full_descriptors_are_looked_up_too(self, models: Models) -> None:
        ends = np.array([[0] * 128, [255] * 128], np.uint8)
        assert (visit_words(ends, models.vocabulary, 2).words >= 0).all()


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
        monkeypatch.setattr(vocabulary_module, "_CHUNK", chunk)
        assert_same_postings(build_postings(list(keypoints.values()), models.vocabulary), postings)

    @pytest.mark.parametrize("chunk", [1, 100_000])
    def test_pictures_without_keypoints_keep_their_rows(
        self, chunk: int, keypoints: dict[str, Keypoints], models: Models, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(vocabulary_module, "_CHUNK", chunk)
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
    @pytest.mark.parametrize("name", NAMES)
    def test_the_source_has_most_votes(
        self,
        name: str,
        change: str,
        queries: dict[tuple[str, str], Query],
        keypoints: dict[str, Keypoints],
        postings: Postings,
        models: Models,
    ) -> None:
        truth = list(keypoints).index(name)
        scores = np.stack([scores_of(queries[name, change], v, postings, models) for v in range(len(VERSIONS))])
        assert np.unravel_index(scores.argmax(), scores.shape) == (CHANGES[change], truth)
        others = np.delete(scores, truth, axis=1)
        assert scores[CHANGES[change], truth] > 2 * others.max()

    def test_a_picture_gets_the_same_in_any_company(
        self,
        queries: dict[tuple[str, str], Query],
        keypoints: dict[str, Keypoints],
        postings: Postings,
        models: Models,
    ) -> None:
        query = queries["coffee", "crop"]
        for version in range(len(VERSIONS)):
            together = scores_of(query, version, postings, models)
            alone = [
                scores_of(query, version, build_postings([k], models.vocabulary), models)[0] for k in keypoints.values()
            ]
            assert together.tolist() == alone

    def test_nothing_to_vote_with_or_on(
        self, queries: dict[tuple[str, str], Query], postings: Postings, models: Models
    ) -> None:
        query = queries["coffee", "crop"]
        nothing = build_postings([NO_KEYPOINTS], models.vocabulary)
        assert scores_of(query, 0, nothing, models).tolist() == [0]
        visits = visit_words(NO_KEYPOINTS.descriptors, models.vocabulary, 5)
        assert len(vote(NO_KEYPOINTS, visits, postings, models.vocabulary, MATCH)[0]) == 0

    def test_a_narrower_setting_finds_no_more(
        self, queries: dict[tuple[str, str], Query], postings: Postings, models: Models
    ) -> None:
        query = queries["chelsea", "crop"]
        totals = []
        for bits in (21, 12, 4, 0):
            narrow = dataclasses.replace(MATCH, word_bits=bits)
            rows, _ = vote(query.versions[0], query.visits[0], postings, models.vocabulary, narrow)
            totals.append(len(rows))
        assert totals == sorted(totals, reverse=True)


class TestBackground:
    def test_is_the_mean_of_the_three_best(self, queries: dict[tuple[str, str], Query], models: Models) -> None:
        known = models.background.postings
        for change in ("crop", "negative"):
            query = queries["coffee", change]
            best = np.maximum(scores_of(query, 0, known, models), scores_of(query, 1, known, models))
            wanted = np.sort(best)[-BACKGROUND_IMAGES:].sum() / BACKGROUND_IMAGES
            found = measure_background(query.versions, query.visits, models, MATCH)
            assert found == pytest.approx(float(wanted), rel=1e-6)
            assert query.background == found > 0

    def test_only_the_picture_and_its_mirror_image_are_asked(
        self, queries: dict[tuple[str, str], Query], models: Models
    ) -> None:
        query = queries["rocket", "crop"]
        two = measure_background(query.versions[:2], query.visits[:2], models, MATCH)
        assert measure_background(query.versions, query.visits, models, MATCH) == two

    def test_excluded_images_are_not_asked(self, queries: dict[tuple[str, str], Query], models: Models) -> None:
        query = queries["astronaut", "crop"]
        known = models.background.postings
        best = np.maximum(scores_of(query, 0, known, models), scores_of(query, 1, known, models))
        order = np.argsort(-best, kind="stable")
        found = [
            measure_background(query.versions, query.visits, models, MATCH, order[:n].tolist())
            for n in (0, 1, 3, len(order))
        ]
        assert found == sorted(found, reverse=True)
        assert found[0] > found[2]
        assert found[2] == pytest.approx(float(best[order[3:6]].sum()) / BACKGROUND_IMAGES, rel=1e-6)
        assert found[3] == 0
        for kind in (set, tuple, frozenset):
            assert measure_background(query.versions, query.visits, models, MATCH, kind(order[:3].tolist())) == found[2]

    def test_a_picture_without_keypoints_agrees_with_nothing(self, models: Models) -> None:
        flat = describe_query(np.full((60, 80), 99, np.uint8), models)
        assert flat.background == 0

    def test_fewer_images_than_the_mean_is_over(
        self, queries: dict[tuple[str, str], Query], keypoints: dict[str, Keypoints], models: Models
    ) -> None:
        query = queries["coffee", "crop"]

        def with_background(*pictures: Keypoints) -> float:
            made = build_postings(pictures, models.vocabulary)
            part = dataclasses.replace(
                models.background,
                **{name: getattr(made, name) for name in ("words", "starts", "signatures", "references", "geometry")},
                n_images=np.array([len(pictures)], np.uint32),
            )
            other = dataclasses.replace(models, background=part)
            return measure_background(query.versions, query.visits, other, MATCH)

        assert with_background() == with_background(NO_KEYPOINTS) == 0
        one = with_background(keypoints["coffee"])
        assert with_background(*[keypoints["coffee"]] * 3) == pytest.approx(3 * one, rel=1e-5)
