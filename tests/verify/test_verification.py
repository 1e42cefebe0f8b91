"""Verification on photographs and their edited copies: how sure, the true map, what is seen where, and of whom not."""

from __future__ import annotations

import dataclasses
import itertools
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from fingerprint import compare
from fingerprint.config import DEFAULT_CONFIG, config_for
from fingerprint.edits import Edited, apply_edits
from fingerprint.edits.canvas import as_jpeg
from fingerprint.edits.graphics import draw_member
from fingerprint.edits.second_shots import second_shots
from fingerprint.errors import ModelMismatchError
from fingerprint.features.describe import (
    describe_query,
    describe_read_query,
    describe_reference,
    query_from_fingerprint,
    read_picture,
)
from fingerprint.features.thumbnail import open_thumbnail, shrink
from fingerprint.index.shortlist import shortlist
from fingerprint.models import Models
from fingerprint.results import Verification
from fingerprint.types import F64, U8, VARIANTS, Candidate, Fingerprint, Query
from fingerprint.verify.changes import changes_of
from fingerprint.verify.geometry import apply_transform, signed_area
from fingerprint.verify.score import LOOK_CLOSER, Judgement, evidence_vector
from fingerprint.verify.verification import find_agreement, verify

NAMES = ("chelsea", "coffee")
#: Chains of edits, and how far from the truth the found map may lie, in hundredths of the longer side.
CHAINS = dict.fromkeys(
    [
        *("crop", "hflip", "vflip", "rotate", "aspect", "skew", "scale", "pad", "overlay_emoji+jpeg", "screenshot"),
        *("overlay_onto_background", "rotate+overlay_onto_background", "hflip+crop+jpeg"),
    ],
    2,
) | {"jpeg+blur": 3, "perspective": 5}
MANY = 12
MATCH = DEFAULT_CONFIG.match
ALL = tuple(range(len(VARIANTS)))


@dataclasses.dataclass(frozen=True)
class Case:
    """An edited copy and what verification says of it."""

    source: U8
    edited: Edited
    query: Query
    found: Verification

    @property
    def side(self) -> int:
        return max(self.source.shape[:2])

    @property
    def transform(self) -> np.ndarray:
        assert self.found.transform is not None
        return np.array(self.found.transform).reshape(3, 3)

    def seen(self, points: np.ndarray) -> np.ndarray:
        """Mask of the source's points that lie inside the copy."""
        height, width = self.edited.pixels.shape[:2]
        places = apply_transform(self.edited.transform, points)
        return np.asarray(((places >= -0.5) & (places <= [width - 0.5, height - 0.5])).all(axis=1))


@pytest.fixture(scope="module")
def cases(photos: dict[str, U8], described: dict[str, Fingerprint], models: Models) -> dict[tuple[str, str], Case]:
    backgrounds = [photos[name] for name in ("rocket", "camera", "coins") if name in photos]
    out = {}
    for seed, name in enumerate(NAMES):
        for chain in CHAINS:
            edited = apply_edits(photos[name], chain.split("+"), np.random.default_rng([seed, 7]), backgrounds)
            query = describe_query(edited.pixels, models)
            out[name, chain] = Case(photos[name], edited, query, verify(query, described[name], models, MATCH))
    return out


def grid_of(pixels: U8, step: int) -> np.ndarray:
    height, width = pixels.shape[:2]
    x, y = np.meshgrid(np.arange(0, width, step), np.arange(0, height, step))
    return np.column_stack([x.ravel(), y.ravel()]).astype(np.float64)


class TestEditedCopies:
    def test_are_known_for_copies(self, cases: dict[tuple[str, str], Case]) -> None:
        for name, chain in cases:
            found = cases[name, chain].found
            assert found.probability > 0.5, (name, chain)
            assert found.log_odds > 0, (name, chain)
            assert found.n_inliers >= 10, (name, chain)

    def test_the_transform_is_the_true_one(self, cases: dict[tuple[str, str], Case]) -> None:
        for name, chain in cases:
            case = cases[name, chain]
            points = grid_of(case.source, 10)
            points = points[case.seen(points)]
            assert len(points) > 50, (name, chain)
            back = apply_transform(case.transform, apply_transform(case.edited.transform, points))
            errors = np.linalg.norm(back - points, axis=1) / case.side * 100
            assert np.median(errors) < 1, (name, chain)
            assert errors.max() < CHAINS[chain], (name, chain)

    def test_mirroring_is_noticed(self, cases: dict[tuple[str, str], Case]) -> None:
        for name, chain in cases:
            case = cases[name, chain]
            truly = bool(np.linalg.det(case.edited.transform[:2, :2]) < 0)
            assert truly == any(edit in ("hflip", "vflip") for edit in chain.split("+")), (name, chain)
            assert case.found.mirrored is truly, (name, chain)
            assert case.found.inverted is False, (name, chain)
            assert (np.linalg.det(case.transform[:2, :2]) < 0) == truly, (name, chain)

    def test_the_region_is_what_the_copy_shows(self, cases: dict[tuple[str, str], Case]) -> None:
        for name, chain in cases:
            case = cases[name, chain]
            assert case.found.reference_region is not None, (name, chain)
            region = np.array(case.found.reference_region)
            height, width = case.source.shape[:2]
            assert signed_area(region) > 0, (name, chain)  # clockwise
            assert (region >= -0.51).all(), (name, chain)
            assert (region <= [width - 0.49, height - 0.49]).all(), (name, chain)
            points = grid_of(case.source, 4)
            outline = region.astype(np.float32).reshape(-1, 1, 2)
            inside = np.array([cv2.pointPolygonTest(outline, (float(x), float(y)), False) >= 0 for x, y in points])
            seen = case.seen(points)
            assert (inside & seen).sum() / (inside | seen).sum() > (0.9 if chain == "perspective" else 0.95), (
                name,
                chain,
            )

    def test_the_same_corners_are_told_in_the_query(self, cases: dict[tuple[str, str], Case]) -> None:
        for name, chain in cases:
            case = cases[name, chain]
            assert case.found.query_region is not None, (name, chain)
            there, here = np.array(case.found.reference_region), np.array(case.found.query_region)
            np.testing.assert_allclose(
                apply_transform(case.transform, here), there, atol=0.05, err_msg=str((name, chain))
            )
            height, width = case.edited.pixels.shape[:2]
            assert (here >= -1.5).all(), (name, chain)
            assert (here <= [width + 0.5, height + 0.5]).all(), (name, chain)


@pytest.mark.parametrize("quality", [12, 20])
def test_plain_jpegs_are_copies(quality: int, photos: dict[str, U8]) -> None:
    """In a smooth photograph compression leaves corners of blocks, which agree in many wrong places."""
    for name, photo in photos.items():
        assert compare(as_jpeg(photo, quality), photo).relation == "copy", name


@pytest.mark.parametrize(("quality", "scale"), [(40, 0.3), (40, 0.6), (65, 0.6), (85, 0.3)])
def test_a_smooth_photograph_is_seen_whole(quality: int, scale: float, photos: dict[str, U8]) -> None:
    """Its keypoints agree on a part, or on a rotation; its pixels agree on the whole."""
    photo = photos["clock_motion"]
    height, width = (round(scale * side) for side in photo.shape[:2])
    small = as_jpeg(shrink(photo, height, width), quality)
    found = changes_of(compare(photo, small))
    assert (found.is_copy, found.is_whole, found.mirrored) == (True, True, False)
    assert min(found.rotation, 360 - found.rotation) < 2


@pytest.mark.parametrize("name", ["astronaut", "brick", "chelsea", "grass"])
@pytest.mark.parametrize("turned", [False, True])
def test_a_compressed_smaller_copy_is_seen_whole(name: str, turned: bool, photos: dict[str, U8]) -> None:
    photo = photos[name]
    small = as_jpeg(shrink(photo, photo.shape[0] * 2 // 5, photo.shape[1] * 2 // 5), 40)
    assert changes_of(compare(small, photo) if turned else compare(photo, small)).is_whole


class TestStrangers:
    def test_unrelated_photographs_get_a_low_probability(
        self, photos: dict[str, U8], described: dict[str, Fingerprint], models: Models
    ) -> None:
        queries = {name: describe_query(pixels, models) for name, pixels in photos.items()}
        worst = {
            (a, b): verify(query, reference, models, MATCH).probability
            for a, query in queries.items()
            for b, reference in described.items()
            if a != b
        }
        assert max(worst.values()) < 0.2, max(worst, key=lambda pair: worst[pair])

    @pytest.mark.parametrize("name", NAMES)
    def test_a_copy_is_surest_of_its_own_source(
        self, name: str, cases: dict[tuple[str, str], Case], described: dict[str, Fingerprint], models: Models
    ) -> None:
        for chain in CHAINS:
            if "overlay_onto_background" in chain:
                continue  # the background is among the references
            odds = {
                other: verify(cases[name, chain].query, reference, models, MATCH).log_odds
                for other, reference in described.items()
            }
            assert max(odds, key=lambda other: odds[other]) == name

    def test_two_flat_pictures_have_no_geometry(self, models: Models, described: dict[str, Fingerprint]) -> None:
        flat = describe_query(np.full((60, 80), 127, np.uint8), models)
        found = verify(flat, described["chelsea"], models, MATCH)
        assert found.n_inliers == 0
        assert (found.transform, found.reference_region, found.query_region) == (None, None, None)
        assert found.probability < 0.05


class TestIndependence:
    def test_order_and_other_references_do_not_matter(
        self, cases: dict[tuple[str, str], Case], described: dict[str, Fingerprint], models: Models
    ) -> None:
        query = cases["chelsea", "rotate"].query
        forth = {name: verify(query, described[name], models, MATCH) for name in described}
        back = {name: verify(query, described[name], models, MATCH) for name in reversed(described)}
        assert forth == back
        assert forth["chelsea"] == cases["chelsea", "rotate"].found

    def test_same_from_many_threads(
        self, cases: dict[tuple[str, str], Case], described: dict[str, Fingerprint], models: Models
    ) -> None:
        query = cases["coffee", "crop"].query
        with ThreadPoolExecutor(4) as pool:
            found = pool.map(lambda _: verify(query, described["coffee"], models, MATCH), range(12))
        assert set(found) == {cases["coffee", "crop"].found}

    def test_read_only_arrays_of_a_collection_do_as_well(
        self, cases: dict[tuple[str, str], Case], described: dict[str, Fingerprint], models: Models
    ) -> None:
        reference = described["coffee"]
        frozen = dataclasses.replace(
            reference.keypoints,
            **{name: getattr(reference.keypoints, name).copy() for name in ("descriptors", "signatures", "frame")},
        )
        for name in ("descriptors", "signatures", "frame"):
            getattr(frozen, name).setflags(write=False)
        again = verify(cases["coffee", "crop"].query, dataclasses.replace(reference, keypoints=frozen), models, MATCH)
        assert again == cases["coffee", "crop"].found


class TestVerification:
    def test_is_frozen_and_of_plain_values(self, cases: dict[tuple[str, str], Case]) -> None:
        found = cases["chelsea", "hflip"].found
        with pytest.raises(dataclasses.FrozenInstanceError):
            found.probability = 0.0  # type: ignore[misc]
        assert [
            type(getattr(found, name))
            for name in ("probability", "shared_probability", "log_odds", "n_inliers", "mirrored", "inverted")
        ] == [
            float,
            float,
            float,
            int,
            bool,
            bool,
        ]
        assert found.transform is not None
        assert all(type(value) is float for value in found.transform)
        assert found.transform[8] == 1.0
        assert isinstance(hash(found), int)

    @pytest.mark.parametrize(
        ("judgement", "relation"),
        [
            (Judgement(3.5, 0.97, 0.02), "copy"),
            (Judgement(-2.0, 0.12, 0.8), "shared"),
            (Judgement(-2.0, 0.12, 0.1), "unrelated"),
        ],
    )
    def test_has_what_the_evidence_says(
        self,
        judgement: Judgement,
        relation: str,
        cases: dict[tuple[str, str], Case],
        described: dict[str, Fingerprint],
        models: Models,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("fingerprint.verify.verification.judge", lambda *_: judgement)
        found = verify(cases["chelsea", "hflip"].query, described["chelsea"], models, MATCH)
        assert Judgement(found.log_odds, found.probability, found.shared_probability) == judgement
        assert found.relation == relation

    def test_bits_do_not_depend_on_where_arrays_lie_in_memory(
        self, cases: dict[tuple[str, str], Case], described: dict[str, Fingerprint], models: Models
    ) -> None:
        """Vectorised routines may round differently at the ends of rows that begin elsewhere."""
        case = cases["coffee", "crop"]
        reference = described["coffee"]
        raw = shrink(open_thumbnail(reference.thumbnail), 64, 64)  # as collections of format 3 keep it
        for thumbnail in (reference.thumbnail, raw):
            expected = verify(case.query, dataclasses.replace(reference, thumbnail=thumbnail), models, MATCH)
            assert expected.relation == "copy"
            held = []
            for offset in range(0, 64, 4):
                buffer = np.empty(thumbnail.size + 64, np.uint8)
                held.append(buffer)
                moved = buffer[offset : offset + thumbnail.size].reshape(thumbnail.shape)
                moved[:] = thumbnail
                again = dataclasses.replace(reference, thumbnail=moved)
                assert verify(case.query, again, models, MATCH) == expected

    @pytest.mark.parametrize("mirrored", [False, True])
    def test_a_negative_is_told(
        self, photos: dict[str, U8], described: dict[str, Fingerprint], models: Models, *, mirrored: bool
    ) -> None:
        for name in NAMES:
            pixels = 255 - photos[name][:, :: -1 if mirrored else 1]
            found = verify(describe_query(np.ascontiguousarray(pixels), models), described[name], models, MATCH)
            assert (found.mirrored, found.inverted) == (mirrored, True)
            assert found.probability > 0.9
            assert found.transform is not None
            assert (np.linalg.det(np.array(found.transform).reshape(3, 3)[:2, :2]) < 0) == mirrored

    def test_other_models_are_refused_and_both_named(
        self, cases: dict[tuple[str, str], Case], described: dict[str, Fingerprint], models: Models
    ) -> None:
        other = dataclasses.replace(described["chelsea"], model_id="vlad1-1-other")
        with pytest.raises(ModelMismatchError) as caught:
            verify(cases["chelsea", "crop"].query, other, models, MATCH)
        assert models.model_id in str(caught.value)
        assert "vlad1-1-other" in str(caught.value)

    def test_a_picture_is_the_surest_copy_of_itself(
        self, photos: dict[str, U8], described: dict[str, Fingerprint], models: Models
    ) -> None:
        found = verify(describe_query(photos["coffee"], models), described["coffee"], models, MATCH)
        assert found.probability > 0.999
        height, width = photos["coffee"].shape[:2]
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]]) - 0.5
        moved = apply_transform(np.array(found.transform).reshape(3, 3), corners)
        assert np.abs(moved - corners).max() < 0.01 * width
        assert not found.mirrored

    @pytest.mark.parametrize(
        ("profile", "name"),
        [
            *(("thorough", name) for name in NAMES),
            ("standard", "chelsea"),
            ("standard", "coffee"),
        ],
    )
    def test_a_mirrored_copy_is_mapped_to_the_pixel(
        self, profile: str, name: str, photos: dict[str, U8], described: dict[str, Fingerprint], models: Models
    ) -> None:
        """The first column of the copy is the last of the source."""
        config = config_for(profile)
        read = read_picture(photos[name][:, ::-1], config)
        query = describe_read_query(read, config.closer.whole or config.query, models, config)
        found = verify(query, described[name], models, MATCH)
        height, width = photos[name].shape[:2]
        corners = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1.0]])
        moved = apply_transform(np.array(found.transform).reshape(3, 3), corners)
        assert np.abs(moved - corners[[1, 0, 3, 2]]).max() < 0.8
        assert abs((moved - corners[[1, 0, 3, 2]]).mean()) < 0.3

    def test_a_mirrored_copy_is_mapped_as_well_as_a_plain_one(
        self, photos: dict[str, U8], described: dict[str, Fingerprint], models: Models
    ) -> None:
        """The first column of the copy is the last of the source: the same errors as without the mirror."""
        for name in NAMES:
            height, width = photos[name].shape[:2]
            corners = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1.0]])
            moved = []
            for step, seen in ((1, corners), (-1, corners[[1, 0, 3, 2]])):
                query = describe_query(np.ascontiguousarray(photos[name][:, ::step]), models)
                found = verify(dataclasses.replace(query, identity=None), described[name], models, MATCH)
                moved.append(apply_transform(np.array(found.transform).reshape(3, 3), seen))
            assert np.abs(moved[0] - corners).max() < 0.01 * width
            assert np.abs(moved[0] - moved[1]).max() < 0.3

    def test_a_larger_copy_is_mapped_to_the_references_pixels(
        self, photos: dict[str, U8], described: dict[str, Fingerprint], models: Models
    ) -> None:
        """The transform is between original pictures, whatever size they were described at."""
        large = np.asarray(cv2.resize(photos["coffee"], None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC), np.uint8)
        found = verify(describe_query(large, models), described["coffee"], models, MATCH)
        centre = apply_transform(np.array(found.transform).reshape(3, 3), np.array([[901.0, 601.0]]))
        np.testing.assert_allclose(centre, [[300, 200]], atol=3)

    def test_a_stored_picture_as_query_finds_the_same(self, described: dict[str, Fingerprint], models: Models) -> None:
        query = query_from_fingerprint("again", described["astronaut"], models)
        assert verify(query, described["astronaut"], models, MATCH).probability > 0.99
        assert verify(query, described["chelsea"], models, MATCH).probability < 0.2


class TestTwoLooks:
    def found(self, query: U8, reference: U8, models: Models) -> Verification:
        return verify(describe_query(query, models), describe_reference(reference, models), models, MATCH)

    def test_edited_copies_are_called_copies(self, cases: dict[tuple[str, str], Case]) -> None:
        for key, case in cases.items():
            assert case.found.relation == "copy", key
            assert case.found.probability + case.found.shared_probability <= 1 + 1e-12, key

    def test_a_second_look_is_taken_from_its_limit_on(
        self,
        cases: dict[tuple[str, str], Case],
        described: dict[str, Fingerprint],
        models: Models,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        query, reference = cases["chelsea", "crop"].query, described["chelsea"]
        looks: list[bool] = []

        def judging(_evidence: F64, overlap: F64 | None, _models: Models) -> Judgement:
            looks.append(overlap is not None)
            return Judgement(0.0, 0.5, 0.1)

        monkeypatch.setattr("fingerprint.verify.verification.judge", judging)
        for most in (MANY, np.inf):  # inliers, from which a pair gets a second look in any case
            monkeypatch.setattr("fingerprint.verify.score._MANY", most)
            for odds in (-50.0, LOOK_CLOSER - 1e-9, LOOK_CLOSER, 50.0):
                monkeypatch.setattr("fingerprint.verify.score.first_look", lambda *_, odds=odds: odds)
                verify(query, reference, models, MATCH)
        assert looks == [True, True, True, True, False, False, True, True]

    def test_one_ruled_out_by_the_first_look_is_no_copy(
        self,
        cases: dict[tuple[str, str], Case],
        described: dict[str, Fingerprint],
        models: Models,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("fingerprint.verify.score._MANY", np.inf)  # inliers: however many agree
        first = models.calibration
        doubting = dataclasses.replace(first, weights=0 * first.weights, bias=np.array([-30.0]))
        rarely = dataclasses.replace(first, weights=0 * first.weights, bias=np.array([np.log(0.02 / 0.98)]))
        judges = dataclasses.replace(models, calibration=doubting, ruled_out=rarely)
        found = verify(cases["chelsea", "crop"].query, described["chelsea"], judges, MATCH)
        assert found.log_odds == -30
        assert found.probability < 0.001
        assert found.shared_probability == pytest.approx(0.02)
        assert found.relation == "unrelated"
        assert found.transform == cases["chelsea", "crop"].found.transform

    def test_two_members_of_one_template_are_no_copies(self, photos: dict[str, U8], models: Models) -> None:
        """They show other photographs; an edited copy of one of them is a copy of that one only."""
        same, other, copies = [], [], []
        for template in range(5):
            shown = [photos[("astronaut", "chelsea", "coffee", "rocket")[(template + i) % 4]] for i in range(2)]
            first, second = (draw_member("memes", template, i, [photo], "judging") for i, photo in enumerate(shown))
            edited = apply_edits(second, ["crop", "jpeg"], np.random.default_rng(template)).pixels
            same.append(self.found(second, first, models))
            copies.append(self.found(edited, second, models))
            other.append(self.found(edited, first, models))
        for which in (same, other):
            assert sum(f.probability < 0.5 for f in which) >= 4
            assert np.median([f.probability for f in which]) < 0.3
        assert sum(f.relation == "shared" for f in same) >= 3
        assert sum(f.relation == "copy" for f in copies) >= 4

    def test_second_shots_are_no_copies(self, photos: dict[str, U8], models: Models) -> None:
        shots, copies = [], []
        for name, seed in itertools.product(("astronaut", "chelsea", "coffee", "rocket"), range(2)):
            rng = np.random.default_rng([seed, 3])
            pair = second_shots(photos[name], rng, 0.3)
            shots.append(self.found(pair.second, pair.first, models))
            copies.append(self.found(apply_edits(pair.first, ["pad", "jpeg"], rng).pixels, pair.first, models))
        assert sum(f.probability < 0.5 for f in shots) >= 6
        assert sum(f.relation == "shared" for f in shots) >= 5
        assert sum(f.relation == "copy" for f in copies) >= 6
        assert np.median([f.log_odds for f in copies]) > np.median([f.log_odds for f in shots]) + 2


def candidate(
    name: str, reference: Fingerprint, *, always_verified: bool = False, variants: tuple[int, ...] = ALL
) -> Candidate:
    return Candidate(name, reference.keypoints, variants, always_verified, lambda: reference)


class TestShortlist:
    def test_the_source_comes_first_whatever_the_order(
        self, cases: dict[tuple[str, str], Case], described: dict[str, Fingerprint]
    ) -> None:
        for name in NAMES:
            offered = [candidate(other, reference) for other, reference in described.items()]
            for order in (offered, offered[::-1]):
                chosen = shortlist(cases[name, "crop"].query, order, DEFAULT_CONFIG)
                assert chosen[0].reference_id == name
                caps = DEFAULT_CONFIG.candidates
                assert len(chosen) <= caps.n_verified + caps.n_verified_more
                assert set(map(id, chosen)) <= set(map(id, offered))

    def test_the_cap_keeps_the_most_promising(
        self, cases: dict[tuple[str, str], Case], described: dict[str, Fingerprint]
    ) -> None:
        offered = [candidate(name, reference) for name, reference in described.items()]
        query = cases["chelsea", "hflip+crop+jpeg"].query

        def chosen(n: int) -> list[str]:
            caps = dataclasses.replace(DEFAULT_CONFIG.candidates, n_verified=n, n_verified_more=0)
            settings = dataclasses.replace(DEFAULT_CONFIG, candidates=caps)
            return [c.reference_id for c in shortlist(query, offered, settings)]

        most = chosen(100)
        assert most[0] == "chelsea"
        for n in (0, 1, 3):
            assert chosen(n) == most[:n]

    def test_many_copies_of_one_picture_are_verified_but_no_crowd_of_strangers(
        self, cases: dict[tuple[str, str], Case], described: dict[str, Fingerprint]
    ) -> None:
        """Beyond the first few, only candidates with many votes are."""
        caps = DEFAULT_CONFIG.candidates
        query = cases["chelsea", "crop"].query
        copies = [candidate(f"copy {i}", described["chelsea"]) for i in range(8)]
        strangers = [candidate(f"{name} {i}", described[name]) for name in NAMES if name != "chelsea" for i in range(8)]
        chosen = [c.reference_id for c in shortlist(query, strangers + copies, DEFAULT_CONFIG)]
        assert set(chosen) == {c.reference_id for c in copies}
        assert len(shortlist(query, strangers, DEFAULT_CONFIG)) <= caps.n_verified

    def test_always_verified_ones_are_kept_without_repeats(
        self, cases: dict[tuple[str, str], Case], described: dict[str, Fingerprint], models: Models
    ) -> None:
        flat = describe_query(np.full((60, 80), 127, np.uint8), models)
        offered = [candidate(name, reference, always_verified=name in NAMES) for name, reference in described.items()]
        assert {c.reference_id for c in shortlist(flat, offered, DEFAULT_CONFIG)} == set(NAMES)
        found = [c.reference_id for c in shortlist(cases["coffee", "crop"].query, offered, DEFAULT_CONFIG)]
        assert len(found) == len(set(found))
        assert set(NAMES) <= set(found)

    def test_only_versions_that_were_named_are_looked_at(
        self, cases: dict[tuple[str, str], Case], described: dict[str, Fingerprint]
    ) -> None:
        query = cases["coffee", "crop"].query
        votes = {
            variant: len(shortlist(query, [candidate("x", described["coffee"], variants=(variant,))], DEFAULT_CONFIG))
            for variant in ALL
        }
        assert votes[0] == 1
        stranger = candidate("y", described["chelsea"], variants=(0,))
        wrong = candidate("x", described["coffee"], variants=(2,))
        ranked = shortlist(query, [stranger, wrong, candidate("z", described["coffee"])], DEFAULT_CONFIG)
        assert ranked[0].reference_id == "z"

    def test_nobody(self, cases: dict[tuple[str, str], Case]) -> None:
        assert shortlist(cases["coffee", "crop"].query, [], DEFAULT_CONFIG) == []


class TestEvidence:
    def test_stays_in_its_ranges(self, cases: dict[tuple[str, str], Case], described: dict[str, Fingerprint]) -> None:
        for chain in CHAINS:
            for name in NAMES:
                for reference in described.values():
                    evidence = find_agreement(cases[name, chain].query, reference, MATCH).evidence
                    assert 0 <= evidence.n_inliers <= evidence.n_matches, chain
                    assert evidence.significance >= 0, chain
                    for part in ("similarity", "reference_cover", "query_cover"):
                        assert 0 <= getattr(evidence, part) <= 1.0, part
                    for part in ("reference_density", "residual"):
                        assert 0 <= getattr(evidence, part) <= 1.0, part
                    assert 0 <= evidence.n_precise <= evidence.n_inliers, chain
                    assert 0 <= evidence.n_cells <= evidence.n_inliers, chain
                    assert 0 <= evidence.anisotropy <= 2, chain
                    likeness = evidence.likeness
                    assert -1.001 <= likeness.descriptor_similarity <= 1.001, chain
                    assert 0 <= likeness.hash_distance <= 64, chain
                    assert 0 <= likeness.cohort_score == cases[name, chain].query.cohort_score, chain
                    assert 0 <= likeness.pixel_correlation <= 1, chain
                    assert -1 <= likeness.pixel_edges <= 1, chain
                    assert np.isfinite(evidence_vector(evidence)).all(), chain

    def test_a_harder_crop_proves_less(
        self, photos: dict[str, U8], described: dict[str, Fingerprint], models: Models
    ) -> None:
        inliers = []
        for keep in (1.0, 0.6, 0.3):
            height, width = (round(side * keep) for side in photos["astronaut"].shape[:2])
            query = describe_query(np.ascontiguousarray(photos["astronaut"][:height, :width]), models)
            evidence = find_agreement(query, described["astronaut"], MATCH).evidence
            inliers.append(evidence.n_inliers)
            assert evidence.reference_cover <= keep**2 + 0.02
        assert inliers == sorted(inliers, reverse=True)
        assert inliers[0] > inliers[2]
