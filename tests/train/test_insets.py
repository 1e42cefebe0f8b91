"""What the detector of insets learns from edited views: how borders look, and which rectangles show the source."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingerprint.edits import apply_edits
from fingerprint.errors import ConfigError
from fingerprint.features.insets import SEARCH_SIDE, find_insets, find_rectangles, probabilities
from fingerprint.images.decode import read_grey
from fingerprint.models import InsetModel
from fingerprint.train.insets import InsetExample, fit_evidence, fit_insets, overlap
from fingerprint.types import F64, RECTANGLE_MEASURES, U8

WHOLE = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])


def silent(_stage: str, _done: int, _total: int) -> None:
    return


def corners_of(left: float, top: float, right: float, bottom: float) -> F64:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])


@pytest.fixture(scope="module")
def greys(photos: dict[str, U8]) -> list[U8]:
    """Photographs of 200 x 150 pixels."""
    greys = [read_grey(photo).pixels for photo in photos.values()]
    return [np.asarray(cv2.resize(grey, (200, 150), interpolation=cv2.INTER_AREA), np.uint8) for grey in greys]


def planted(greys: list[U8], which: int, rng: np.random.Generator) -> InsetExample:
    """A photograph pasted onto another one."""
    canvas = greys[(which + int(rng.integers(1, len(greys)))) % len(greys)].copy()
    w, h = (int(v) for v in rng.integers((60, 50), (150, 110)))
    x, y = int(rng.integers(5, 195 - w)), int(rng.integers(5, 145 - h))
    canvas[y : y + h, x : x + w] = cv2.resize(greys[which], (w, h), interpolation=cv2.INTER_AREA)
    return InsetExample(canvas, corners_of(x / 200, y / 150, (x + w) / 200, (y + h) / 150))


@pytest.fixture(scope="module")
def views(greys: list[U8]) -> list[InsetExample]:
    """Six pastes of each of twelve photographs, and the photographs themselves."""
    rng = np.random.default_rng(0)
    known = greys[:12]
    return [planted(known, i, rng) for i in range(12) for _ in range(6)] + [InsetExample(g, WHOLE) for g in known]


@pytest.fixture(scope="module")
def fitted(views: list[InsetExample]) -> InsetModel:
    return fit_insets(views, 2, silent)


class TestInsetExample:
    def test_of_an_untouched_picture_the_box_is_everything(self, greys: list[U8]) -> None:
        view = InsetExample.of(greys[0], (200, 150), (200, 150), np.eye(3))
        np.testing.assert_allclose(view.corners, WHOLE, atol=1e-12)
        assert view.box.tolist() == [0, 0, 1, 1]

    @pytest.mark.parametrize("name", ["hflip", "vflip"])
    def test_of_a_mirrored_picture_the_corners_change_places(self, name: str, photos: dict[str, U8]) -> None:
        copy = apply_edits(photos["chelsea"], [name], np.random.default_rng(0))
        h, w = photos["chelsea"].shape[:2]
        view = InsetExample.of(read_grey(copy.pixels).pixels, (w, h), (w, h), copy.transform)
        np.testing.assert_allclose(view.box, [0, 0, 1, 1], atol=1e-9)
        np.testing.assert_allclose(view.corners[0], [1, 0] if name == "hflip" else [0, 1], atol=1e-9)

    def test_the_box_is_around_what_was_pasted(self) -> None:
        shift = np.array([[0.5, 0, 0.5 * 0.5 - 0.5 + 30], [0, 0.5, 0.5 * 0.5 - 0.5 + 20], [0, 0, 1]])
        view = InsetExample.of(np.zeros((100, 200), np.uint8), (200, 100), (80, 60), shift * 7)  # its scale is free
        np.testing.assert_allclose(view.box, [30 / 200, 20 / 100, 70 / 200, 50 / 100], atol=1e-9)

    def test_what_lies_outside_is_cut_off_the_box_not_the_corners(self) -> None:
        crop = np.array([[2.0, 0, -50], [0, 2, -20], [0, 0, 1]])
        view = InsetExample.of(np.zeros((50, 50), np.uint8), (50, 50), (100, 100), crop)
        assert view.box.tolist() == [0, 0, 1, 1]
        assert view.corners.min() < -0.5
        assert view.corners.max() > 2

    def test_of_a_turned_source_the_box_is_around_it(self) -> None:
        angle = np.pi / 4
        turn = np.array([[np.cos(angle), -np.sin(angle), 50], [np.sin(angle), np.cos(angle), 20], [0, 0, 1]])
        box = InsetExample.of(np.zeros((100, 100), np.uint8), (100, 100), (40, 40), turn).box
        reach = 40 * np.sqrt(0.5) / 100
        np.testing.assert_allclose(box, [0.505 - reach, 0.195, 0.505 + reach, 0.195 + 2 * reach], atol=0.02)

    def test_is_kept_at_the_side_that_is_searched(self) -> None:
        view = InsetExample.of(np.zeros((900, 1200), np.uint8), (2400, 1800), (10, 10), np.eye(3))
        assert view.grey.shape == (240, SEARCH_SIDE)


class TestOverlap:
    @given(st.lists(st.lists(st.integers(0, 12), min_size=4, max_size=4), min_size=2, max_size=6))
    def test_against_counting_pixels(self, corners: list[list[int]]) -> None:
        boxes = np.array([[*np.sort(c[:2]), *np.sort(c[2:])] for c in corners])[:, [0, 2, 1, 3]]
        masks = np.zeros((len(boxes), 12, 12), bool)
        for mask, (left, top, right, bottom) in zip(masks, boxes, strict=True):
            mask[top:bottom, left:right] = True
        found = overlap(boxes[1:].astype(float), boxes[0].astype(float))
        for value, mask in zip(found, masks[1:], strict=True):
            union = (mask | masks[0]).sum()
            assert value == pytest.approx((mask & masks[0]).sum() / union if union else 0)

    def test_with_none(self) -> None:
        assert overlap(np.zeros((0, 4)), np.array([0, 0, 1, 1.0])).shape == (0,)


class TestFitEvidence:
    def test_borders_stand_out(self, views: list[InsetExample]) -> None:
        evidence = fit_evidence(views)
        assert (evidence.dtype, evidence.shape) == (np.float32, (64,))
        assert np.isfinite(evidence).all()
        steps = evidence.reshape(8, 8)
        assert steps[0].max() < 0 < 1 < steps[6:, 6:].min()  # no step at all, and large ones in quiet surroundings

    def test_is_a_ratio_of_two_distributions(self, views: list[InsetExample]) -> None:
        """Somewhere it is for, somewhere against; weighed by either distribution the mean of the ratio is one."""
        ratio = np.exp(fit_evidence(views).astype(float))
        assert ratio.min() < 1 < ratio.max()

    @pytest.mark.parametrize(
        "corners",
        [
            WHOLE,
            corners_of(-0.2, -0.1, 1.4, 1.2),  # a crop
            corners_of(0.3, 0.3, 0.35, 0.8),  # too thin
            np.array([[0.5, 0.1], [0.9, 0.5], [0.5, 0.9], [0.1, 0.5]]),  # turned
            np.array([[0.2, 0.2], [0.8, 0.25], [0.8, 0.8], [0.2, 0.75]]),  # skewed
        ],
        ids=["whole", "crop", "thin", "turned", "skewed"],
    )
    def test_views_without_straight_borders_teach_nothing(self, corners: F64, greys: list[U8]) -> None:
        np.testing.assert_allclose(fit_evidence([InsetExample(grey, corners) for grey in greys]), 0, atol=1e-5)
        np.testing.assert_array_equal(fit_evidence([]), 0)

    def test_pictures_turned_by_a_right_angle_teach_the_same(self, views: list[InsetExample]) -> None:
        turned = [InsetExample(np.ascontiguousarray(v.grey.T), v.corners[:, ::-1]) for v in views]
        np.testing.assert_allclose(fit_evidence(turned), fit_evidence(views), atol=0.02)


class TestFitInsets:
    def test_has_the_shapes_that_are_checked(self, fitted: InsetModel) -> None:
        n = RECTANGLE_MEASURES
        assert [a.shape for a in (fitted.evidence, fitted.centre, fitted.spread, fitted.weights, fitted.bias)] == [
            *[(64,), (n,), (n,), (n + n * (n + 1) // 2,), (1,)]
        ]
        assert {a.dtype for a in (fitted.centre, fitted.spread, fitted.weights, fitted.bias)} == {np.dtype(np.float64)}
        assert (fitted.spread > 0).all()
        assert np.isfinite([*fitted.weights, *fitted.bias]).all()

    def test_photographs_that_it_has_not_seen_are_found(self, greys: list[U8], fitted: InsetModel) -> None:
        rng, found, n = np.random.default_rng(1), 0, 0
        for which in range(12, len(greys)):
            for _ in range(4):
                view = planted(greys, which, rng)
                rectangles = find_rectangles(view.grey, fitted.evidence)
                if len(rectangles.boxes):
                    likeliest = probabilities(rectangles.measures, fitted).argmax()
                    found += overlap(rectangles.boxes[likeliest : likeliest + 1], view.box)[0] > 0.7
                n += 1
        assert n == 20
        assert found >= 17

    def test_mean_probability_is_the_share_of_insets(self, views: list[InsetExample], fitted: InsetModel) -> None:
        chances, labels = [], []
        for view in views:
            rectangles = find_rectangles(view.grey, fitted.evidence)
            chances += probabilities(rectangles.measures, fitted).tolist()
            labels += (overlap(rectangles.boxes, view.box) > 0.7).tolist()
        assert np.mean(chances) == pytest.approx(np.mean(labels), abs=5e-3)
        assert 0.02 < np.mean(labels) < 0.6

    def test_pastes_are_likelier_than_plain_pictures(self, views: list[InsetExample], fitted: InsetModel) -> None:
        def likeliest(some: list[InsetExample]) -> list[float]:
            return [max((i.probability for i in find_insets(v.grey, fitted)), default=0.0) for v in some]

        assert np.median(likeliest(views[:72:3])) > 0.5 > 0.3 > np.median(likeliest(views[72:]))

    def test_workers_do_not_matter_and_progress_is_told(self, views: list[InsetExample], fitted: InsetModel) -> None:
        told: list[tuple[str, int, int]] = []
        again = fit_insets(views, 1, lambda *state: told.append(state))
        for name in ("evidence", "centre", "spread", "weights", "bias"):
            assert getattr(again, name).tobytes() == getattr(fitted, name).tobytes()
        assert [n for _, n, _ in told] == list(range(1, len(views) + 1))
        assert {(stage, total) for stage, _, total in told} == {("insets", len(views))}

    def test_without_any_inset_it_says_so(self, greys: list[U8]) -> None:
        for none in ([], [InsetExample(grey, WHOLE) for grey in greys[:3]]):
            with pytest.raises(ConfigError, match="inset"):
                fit_insets(none, 1, silent)
