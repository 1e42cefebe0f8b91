"""Looking closer: a query is looked at again only while no reference is surely its source."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import pytest

from fingerprint.collection.collection import Collection, create_collection, open_collection
from fingerprint.collection.looks import Look
from fingerprint.config import PROFILES, CloserConfig, config_for
from fingerprint.features.describe import describe_query
from fingerprint.models import Models
from fingerprint.results import Answer, Verification
from fingerprint.types import U8
from fingerprint.verify import compare

NAMES = ("astronaut", "chelsea", "rocket")
#: Upper edge and left edge of photographs in a collage.
CELLS = {"astronaut": (3, 3), "chelsea": (3, 103), "rocket": (103, 203)}
PLACE = np.array([[500, 220], [650, 220], [650, 320], [500, 320]]) - 0.5


def place_within(photos: dict[str, U8], name: str) -> U8:
    """A blurred photograph, 150 pixels wide, within another."""
    page = np.asarray(cv2.resize(photos["coffee"], (900, 600)), np.uint8)
    small = cv2.resize(photos[name], (150, 100), interpolation=cv2.INTER_AREA)
    page[220:320, 500:650] = cv2.GaussianBlur(small, (0, 0), 1.2)
    return page


def collage(photos: dict[str, U8]) -> U8:
    """Three photographs of the collection among nine, 97 pixels each, and six of another one."""
    page = np.full((303, 303, 3), 255, np.uint8)
    shown = dict.fromkeys(product((3, 103, 203), repeat=2), photos["coffee"])
    shown |= {place: photos[name] for name, place in CELLS.items()}
    for (top, left), pixels in shown.items():
        page[top : top + 97, left : left + 97] = cv2.resize(pixels, (97, 97), interpolation=cv2.INTER_AREA)
    return page


@pytest.fixture(scope="module")
def within(photos: dict[str, U8]) -> U8:
    return place_within(photos, "rocket")


@pytest.fixture(scope="module")
def folder(photos: dict[str, U8], models: Models, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("closer") / "collection"
    with create_collection(made, models=models) as collection:
        collection.add_many([(name, photos[name]) for name in NAMES])
    return made


def answer_of(folder: Path, models: Models, pixels: U8, closer: CloserConfig, least: float = 0.0) -> Answer:
    config = replace(config_for("fast"), closer=closer)
    with open_collection(folder, models=models, config=config) as collection:
        return collection.answer(pixels, min_probability=least)


def found_in(answer: Answer, name: str) -> Verification:
    return next(match.verification for match in answer.matches if match.reference_id == name)


class TestSearch:
    def test_a_blurred_inset_is_found_by_itself(self, folder: Path, within: U8, models: Models) -> None:
        once = answer_of(folder, models, within, PROFILES["fast"], 0.5)
        assert not once.matches
        assert once.counters["looks"] == 1
        answer = answer_of(folder, models, within, PROFILES["standard"], 0.5)
        assert [match.reference_id for match in answer.matches] == ["rocket"]
        assert 1 < answer.counters["looks"] <= 5
        assert answer.counters["pairs_aligned"] > once.counters["pairs_aligned"]

    def test_regions_are_in_pixels_of_the_query(
        self, folder: Path, within: U8, photos: dict[str, U8], models: Models
    ) -> None:
        found = found_in(answer_of(folder, models, within, PROFILES["standard"]), "rocket")
        assert found.query_region is not None
        assert found.transform is not None
        region = np.array(found.query_region)
        for corner in PLACE:
            assert np.linalg.norm(region - corner, axis=1).min() < 6
        height, width = photos["rocket"].shape[:2]
        ends = np.column_stack([PLACE, np.ones(4)]) @ np.reshape(found.transform, (3, 3)).T
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]])
        np.testing.assert_allclose(ends[:, :2] / ends[:, 2:], corners, atol=0.05 * width)

    def test_a_sure_source_ends_it(self, folder: Path, photos: dict[str, U8], models: Models) -> None:
        answer = answer_of(folder, models, photos["chelsea"][:250, :300].copy(), PROFILES["thorough"])
        assert answer.counters["looks"] == 1
        assert found_in(answer, "chelsea").probability > 0.95

    def test_a_query_that_is_a_reference_is_looked_at_closely_on_demand(
        self, folder: Path, within: U8, models: Models, tmp_path: Path
    ) -> None:
        shutil.copytree(folder, tmp_path / "own")
        with open_collection(tmp_path / "own", models=models) as collection:
            collection.add("within", within)
            (once,) = collection.answer_many([within], min_probability=0.5)
            (closely,) = collection.answer_many([within], min_probability=0.5, past_identical=True)
        assert isinstance(once, Answer)
        assert isinstance(closely, Answer)
        assert [match.reference_id for match in once.matches] == ["within"]
        assert [match.reference_id for match in closely.matches] == ["within", "rocket"]
        assert once.counters["looks"] == 1 < closely.counters["looks"] <= 5

    def test_all_sources_of_a_collage_are_found(self, folder: Path, photos: dict[str, U8], models: Models) -> None:
        page = collage(photos)
        answer = answer_of(folder, models, page, PROFILES["standard"], 0.5)
        assert {match.reference_id for match in answer.matches} == set(CELLS)
        for name, (top, left) in CELLS.items():
            region = found_in(answer, name).query_region
            assert region is not None
            assert np.mean(region, axis=0) == pytest.approx([left + 48, top + 48], abs=8)

    def test_also_of_a_collage_that_is_a_reference_itself(
        self, folder: Path, photos: dict[str, U8], models: Models, tmp_path: Path
    ) -> None:
        shutil.copytree(folder, tmp_path / "own")
        with open_collection(tmp_path / "own", models=models) as collection:
            collection.add("collage", collage(photos))
            (closely,) = collection.answer_many([collage(photos)], min_probability=0.5, past_identical=True)
        assert isinstance(closely, Answer)
        assert {match.reference_id for match in closely.matches} == {"collage", *CELLS}

    @pytest.mark.parametrize(("copy", "kept"), [(0.7, "shared"), (0.99, "copy")])
    def test_what_shares_a_scene_becomes_a_copy_only_where_that_is_surer(self, copy: float, kept: str) -> None:
        whole = Verification(0.02, 0.95, -3.9, 90, None, False, False, None, None)
        part = replace(whole, probability=copy, shared_probability=0.005, log_odds=4.0)
        look = Look({"a": whole}, {}, {}, {})
        look.add(Look({"a": part}, {}, {}, {}))
        assert look.verified["a"].relation == kept

    def test_how_sure_is_asked_for(self, folder: Path, photos: dict[str, U8], models: Models) -> None:
        pixels = photos["chelsea"][:250, :300].copy()
        closer = replace(PROFILES["thorough"], n_insets=0, sure=1.0)
        again = answer_of(folder, models, pixels, closer)
        assert again.counters["looks"] == 4
        once = answer_of(folder, models, pixels, PROFILES["fast"])
        for match in once.matches:  # no look takes anything back
            assert found_in(again, match.reference_id).log_odds >= match.verification.log_odds

    def test_a_query_that_is_described_has_one_look(self, folder: Path, within: U8, models: Models) -> None:
        with open_collection(folder, models=models) as collection:
            query = describe_query(within, models)
            assert not [m for m in collection.search_described(query) if m.probability >= 0.5]

    def test_is_the_same_in_a_batch(
        self, folder: Path, within: U8, photos: dict[str, U8], models: Models, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        queries = [within, photos["chelsea"], photos["gravel"], np.full((30, 40, 3), 7, np.uint8)]

        def without_times(answers: list[object]) -> list[object]:
            return [replace(answer, milliseconds={}) for answer in answers if isinstance(answer, Answer)]

        def search_all(collection: Collection) -> list[object]:
            return list(collection.answer_many(queries, n_workers=2))

        with open_collection(folder, models=models) as collection:
            alone = without_times(search_all(collection))
            monkeypatch.setattr("fingerprint.collection.search.BATCH_FROM", 1)
            assert without_times(search_all(collection)) == alone
        assert len(alone) == len(queries)


@pytest.mark.parametrize("pictures", [place_within, lambda photos, name: photos[name][::-1].copy()])
def test_a_comparison_says_what_a_search_says(
    folder: Path, photos: dict[str, U8], models: Models, pictures: Callable[[dict[str, U8], str], U8]
) -> None:
    for name in NAMES:
        query = pictures(photos, name)
        answer = answer_of(folder, models, query, PROFILES["standard"])
        found = compare(query, photos[name], models=models)
        assert found.log_odds == pytest.approx(found_in(answer, name).log_odds, abs=1e-6)
