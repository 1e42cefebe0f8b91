"""Pairs that the calibration learns from: who is asked for what, which photographs are shown, and what pairs are."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from fingerprint.config import DEFAULT_CONFIG, TrainConfig
from fingerprint.edits.graphics import TRAINING_FAMILIES
from fingerprint.errors import ConfigError, ImageError
from fingerprint.models import Models
from fingerprint.train.known_pairs import COPY, SHARED, UNRELATED
from fingerprint.train.pairs import Pair, PairMaker, make_pairs
from fingerprint.train.plan import Subject
from fingerprint.types import U8
from fingerprint.verify.overlap import OVERLAP_NAMES
from fingerprint.verify.score import EVIDENCE_NAMES

N_PHOTOS = 270
SETTINGS = TrainConfig(n_templates=2, n_scenes=10, n_surfaces=8, n_calibration=60, n_wide=40)


class Fakes(PairMaker):
    """Photographs that are even, and known by their tone."""

    def photo(self, index: int) -> U8:
        return np.full((150, 200, 3), index % 256, np.uint8)


def fakes(
    models: Models, n: int = N_PHOTOS, known: Mapping[frozenset[str], int] | None = None, train: TrainConfig = SETTINGS
) -> Fakes:
    return Fakes([Path(f"{i}.jpg") for i in range(n)], train, DEFAULT_CONFIG, models, {}, known or {})


def photograph(index: int) -> Subject:
    return Subject(("photograph", "", index), 0)


class TestPlan:
    def test_each_photograph_has_one_role(self, models: Models) -> None:
        for n in (20, 24, 100, N_PHOTOS):
            maker = fakes(models, n)
            roles = np.concatenate([maker.plan.stored, maker.plan.scenes, maker.plan.pool])
            np.testing.assert_array_equal(np.sort(roles), np.arange(n))
            assert len(maker.plan.scenes) == min(10, n // 6)
            assert min(len(maker.plan.stored), len(maker.plan.pool)) > 0

    def test_the_collection_has_each_kind(self, models: Models) -> None:
        maker = fakes(models)
        references = maker.plan.references()
        assert len(set(references)) == len(references)
        by_kind = {kind: [r for r in references if r.group[0] == kind] for kind in ("photograph", "graphics", "scene")}
        assert [r.group[2] for r in by_kind["photograph"]] == maker.plan.stored.tolist()
        assert [r.group[2] for r in by_kind["scene"]] == maker.plan.scenes.tolist()
        assert len(by_kind["graphics"]) == 3 * 2 * len(TRAINING_FAMILIES)
        assert {r.group[1] for r in by_kind["graphics"]} == set(TRAINING_FAMILIES)
        assert {r.number for r in by_kind["scene"]} == {0}
        assert len([r for r in references if r.group[0] == "surface"]) == SETTINGS.n_surfaces / 2

    def test_queries_are_copies_strangers_of_templates_and_second_shots(self, models: Models) -> None:
        maker = fakes(models)
        references, every = set(maker.plan.references()), maker.plan.tasks()
        assert every == fakes(models).plan.tasks()
        wide = [task for task in every if task.wide]
        assert len(wide) == SETTINGS.n_wide
        assert {task.subject.group[0] for task in wide} == {"photograph", "graphics", "scene"}
        assert 0.3 < sum(task.subject in references for task in wide) / len(wide) < 0.9
        pasted = [task for task in every if task.pasted]
        assert 0.1 < len(pasted) / (len(every) - len(wide) - len(pasted)) < 0.3
        assert {task.subject.group[0] for task in pasted} == {"photograph", "graphics", "scene", "surface"}
        tasks = [task for task in every if not task.pasted and not task.wide]
        photographs = [task for task in tasks if task.subject.group[0] == "photograph"]
        assert len(photographs) == SETTINGS.n_calibration
        assert {task.edits for task in photographs} == {(1, 5), None}
        assert sum(task.edits == (1, 5) for task in photographs) > 0.8 * len(photographs)
        absent = [task for task in photographs if task.subject not in references]
        assert 0.15 < len(absent) / len(photographs) < 0.5
        drawn = [task for task in tasks if task.subject.group[0] == "graphics"]
        assert len(drawn) == 6 * 2 * len(TRAINING_FAMILIES)
        assert sum(task.subject in references for task in drawn) == len(drawn) / 2
        for stored in (True, False):  # copies and strangers alike: some are edited, others only saved once more
            assert {task.edits is None for task in drawn if (task.subject in references) is stored} == {True, False}
        shots = [task for task in tasks if task.subject.group[0] == "scene"]
        assert sum(task.subject.number == 1 for task in shots) == len(maker.plan.scenes)
        assert {task.edits is None for task in shots if task.subject.number == 1} == {True, False}
        surfaces = [task for task in tasks if task.subject.group[0] == "surface"]
        assert {task.subject.group[2] for task in surfaces} == set(range(SETTINGS.n_surfaces))
        assert len({task.subject for task in surfaces} & references) == SETTINGS.n_surfaces / 2

    def test_photographs_with_known_second_shots_are_stored_and_asked_for(self, models: Models) -> None:
        known = {frozenset(f"{i}.jpg" for i in pair): SHARED for pair in ((8, 2), (8, 5), (70, 90), (3, 9999))}
        known[frozenset({"30.jpg", "40.jpg"})] = COPY
        maker, others = fakes(models, known=known), fakes(models)
        linked = {2, 5, 8, 70, 90}
        assert linked <= set(maker.plan.stored.tolist())
        assert not linked <= set(others.plan.stored.tolist())
        more = [task for task in maker.plan.tasks() if task.subject.group[2] in linked]
        for number in linked:
            edits = [task.edits for task in more if task.subject == photograph(number)]
            assert {None, (1, 2), (1, 5)} <= set(edits)
        assert len(maker.plan.tasks()) - len(others.plan.tasks()) >= 4 * len(linked)
        assert maker.plan.alike == {2: 2, 5: 2, 8: 2, 70: 70, 90: 70}

    def test_another_seed_gives_other_roles(self, models: Models) -> None:
        one, other = (fakes(models, train=dataclasses.replace(SETTINGS, seed=seed)) for seed in (1, 2))
        assert one.plan.stored.tolist() != other.plan.stored.tolist()

    @pytest.mark.parametrize(("templates", "scenes", "kind"), [(0, 3, "scene"), (1, 0, "graphics")])
    def test_there_may_be_no_templates_or_no_scenes(
        self, models: Models, templates: int, scenes: int, kind: str
    ) -> None:
        maker = fakes(
            models, train=TrainConfig(n_templates=templates, n_scenes=scenes, n_surfaces=0, n_calibration=25, n_wide=5)
        )
        assert {r.group[0] for r in maker.plan.references()} == {"photograph", kind}

    def test_there_are_look_alikes(self) -> None:
        with pytest.raises(ConfigError, match="look-alikes"):
            TrainConfig(n_templates=0, n_scenes=0)


class TestDraw:
    @pytest.mark.parametrize("family", ["memes", "news", "posts", "chats", "covers", "charts", "sites"])
    def test_members_of_one_template_show_different_photographs(self, family: str, models: Models) -> None:
        maker = fakes(models, train=dataclasses.replace(SETTINGS, n_templates=8))
        for template in range(8):
            members = [maker.draw(Subject(("graphics", family, template), number)) for number in range(6)]
            shown = [used for _, used in members]
            assert sum(map(len, shown)) == len(set().union(*shown)), template
            assert set().union(*shown) <= set(maker.plan.pool.tolist())
            assert len({pixels.tobytes() for pixels, _ in members}) == 6

    def test_comes_back_from_the_seed(self, models: Models) -> None:
        for subject in (Subject(("graphics", "memes", 1), 4), Subject(("scene", "", 7), 1), photograph(3)):
            (one, used), (again, shown) = (fakes(models).draw(subject) for _ in range(2))
            np.testing.assert_array_equal(one, again)
            assert used == shown

    def test_photographs_and_shots_show_one(self, models: Models) -> None:
        maker = fakes(models)
        pixels, used = maker.draw(photograph(12))
        np.testing.assert_array_equal(pixels, maker.photo(12))
        assert used == {12}
        first, second = (maker.draw(Subject(("scene", "", 9), number)) for number in range(2))
        assert first[1] == second[1] == {9}
        assert not np.array_equal(first[0], second[0])


class TestLabel:
    MEMBER, OTHER_MEMBER, OTHER_TEMPLATE = (Subject(("graphics", "memes", t), n) for t, n in ((0, 1), (0, 4), (1, 1)))
    FIRST, SECOND = (Subject(("scene", "", 5), n) for n in (0, 1))

    def test_the_same_picture_is_a_copy_and_another_of_its_group_shares(self, models: Models) -> None:
        label = fakes(models).label
        assert label(photograph(3), {3}, {9}, photograph(3), {3}) == COPY
        assert label(self.MEMBER, {7}, {8}, self.MEMBER, {7}) == COPY
        assert label(self.FIRST, {5}, set(), self.FIRST, {5}) == COPY
        assert label(self.OTHER_MEMBER, {8}, set(), self.MEMBER, {7}) == SHARED
        assert label(self.SECOND, {5}, set(), self.FIRST, {5}) == SHARED

    def test_others_are_unrelated(self, models: Models) -> None:
        label = fakes(models).label
        assert label(photograph(3), {3}, {9}, photograph(4), {4}) == UNRELATED
        assert label(self.OTHER_TEMPLATE, {8}, set(), self.MEMBER, {7}) == UNRELATED
        assert label(self.SECOND, {5}, {2}, photograph(3), {3}) == UNRELATED
        assert label(self.MEMBER, set(), set(), self.OTHER_TEMPLATE, set()) == UNRELATED

    def test_a_photograph_that_both_show_makes_a_pair_neither_one_thing_nor_the_other(self, models: Models) -> None:
        label = fakes(models).label
        assert label(photograph(3), {3}, {9}, photograph(9), {9}) is None  # pasted
        assert label(self.OTHER_TEMPLATE, {7, 8}, set(), self.MEMBER, {7}) is None
        assert label(self.OTHER_MEMBER, {7, 8}, set(), self.MEMBER, {7}) is None
        assert label(self.OTHER_MEMBER, {8}, {7}, self.MEMBER, {7}) is None
        assert label(self.SECOND, {5}, set(), self.MEMBER, {5}) is None

    def test_known_pairs_are_used(self, models: Models) -> None:
        known = {frozenset({"3.jpg", "4.jpg"}): COPY, frozenset({"5.jpg", "6.jpg"}): SHARED}
        label = fakes(models, known=known).label
        for a, b in ((3, 4), (4, 3)):
            assert label(photograph(a), {a}, set(), photograph(b), {b}) is None
        for a, b in ((5, 6), (6, 5)):
            assert label(photograph(a), {a}, set(), photograph(b), {b}) == SHARED
        assert label(photograph(1), {1}, {3}, photograph(4), {4}) is None
        assert label(self.MEMBER, {5}, set(), self.OTHER_TEMPLATE, {6}) == UNRELATED
        assert label(photograph(3), {3}, set(), photograph(3), {3}) == COPY
        assert label(photograph(3), {3}, set(), photograph(5), {5}) == UNRELATED


@pytest.fixture(scope="module")
def small(photos: dict[str, U8], models: Models, tmp_path_factory: pytest.TempPathFactory) -> PairMaker:
    """Twelve photographs, few queries of each kind, and the models of the package."""
    folder = tmp_path_factory.mktemp("pairs")
    paths = [folder / f"{name}.png" for name in list(photos)[:12]]
    for path in paths:
        pixels = cv2.resize(photos[path.stem], (240, 200), interpolation=cv2.INTER_AREA)
        Image.fromarray(np.asarray(pixels, np.uint8)).save(path)
    return PairMaker(
        paths,
        TrainConfig(n_templates=1, n_scenes=2, n_surfaces=2, n_calibration=6, n_wide=4),
        DEFAULT_CONFIG,
        models,
        {},
        {},
    )


class TestMakePairs:
    @pytest.fixture(autouse=True)
    def few_families(self, monkeypatch: pytest.MonkeyPatch) -> None:
        few = {name: TRAINING_FAMILIES[name] for name in ("charts", "memes")}
        monkeypatch.setattr("fingerprint.train.plan.TRAINING_FAMILIES", few)

    def made(self, maker: PairMaker, n_workers: int) -> tuple[list[Pair], list[tuple[str, int, int]]]:
        said: list[tuple[str, int, int]] = []
        return make_pairs(maker, n_workers, lambda *state: said.append(state)), said

    def test_pairs_of_all_kinds_the_same_for_any_number_of_workers(self, small: PairMaker) -> None:
        pairs, said = self.made(small, 2)
        again, _ = self.made(small, 1)
        assert [(p.query, p.group, p.label) for p in pairs] == [(p.query, p.group, p.label) for p in again]
        for one, other in zip(pairs, again, strict=True):
            assert one.evidence.tobytes() == other.evidence.tobytes()
            assert one.overlap.tobytes() == other.overlap.tobytes()
        assert {p.label for p in pairs} == {COPY, SHARED, UNRELATED}
        for pair in pairs:
            assert pair.evidence.shape == (len(EVIDENCE_NAMES),)
            assert pair.overlap.shape == (len(OVERLAP_NAMES),)
            assert np.isfinite(pair.evidence).all()
            assert np.isfinite(pair.overlap).all() or np.isnan(pair.overlap).all()
        assert [p.query for p in pairs] == sorted(p.query for p in pairs)
        assert pairs[-1].query < len(small.plan.tasks())
        groups = {p.group for p in pairs if p.group[0] == "graphics"}
        assert groups == {("graphics", "charts", 0), ("graphics", "memes", 0)}  # a family is left out as a whole
        column = OVERLAP_NAMES.index("coarse_correlation")
        agreement = [np.nanmedian([p.overlap[column] for p in pairs if p.label == label]) for label in (0, 1, 2)]
        assert agreement == sorted(agreement)  # unrelated, shared, copy
        n_references, n_queries = len(small.plan.references()), len(small.plan.tasks())
        assert said == [
            *(("calibration references", i + 1, n_references) for i in range(n_references)),
            *(("calibration queries", i + 1, n_queries) for i in range(n_queries)),
        ]

    def test_a_file_that_disappeared_is_named(self, small: PairMaker, tmp_path: Path) -> None:
        paths = list(small.paths)
        gone = int(small.plan.stored[0])
        paths[gone] = tmp_path / "gone.png"
        with pytest.raises(ImageError, match="when the training began") as caught:
            make_pairs(dataclasses.replace(small, paths=paths), 1, lambda *_: None)
        assert caught.value.path == str(paths[gone])
