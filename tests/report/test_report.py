"""The comparison picture: what is drawn lies where it belongs, and its words are true."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from PIL import ImageDraw

import fingerprint
from fingerprint.errors import ImageError
from fingerprint.report import comparison_picture, probability_text, variant_text
from fingerprint.report.outline import true_corners
from fingerprint.report.picture import (
    CAPTION_HEIGHT,
    CORNER_COLOURS,
    MAX_HEIGHT,
    MAX_WIDTH,
    QUERY_X,
    QUERY_Y,
    RELATION_COLOURS,
)
from fingerprint.results import Verification
from fingerprint.types import F64, U8

Map = Callable[[F64], F64]
GAP = 40  # between the two pictures
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


def grey(width: int, height: int, value: int = 120) -> U8:
    pixels = np.full((height, width, 3), value, dtype=np.uint8)
    pixels.setflags(write=False)
    return pixels


def box(left: float, top: float, right: float, bottom: float) -> F64:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.float64)


def as_region(points: F64) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in points)


def verification(
    in_reference: F64 | None = None,
    in_query: F64 | None = None,
    *,
    probability: float = 0.98,
    shared: float = 0.0,
    n_inliers: int = 57,
    mirrored: bool = False,
    inverted: bool = False,
) -> Verification:
    return Verification(
        probability=probability,
        shared_probability=shared,
        log_odds=float(np.log(probability / (1 - probability))),
        n_inliers=n_inliers,
        transform=None if in_reference is None else IDENTITY,
        mirrored=mirrored,
        inverted=inverted,
        reference_region=None if in_reference is None else as_region(in_reference),
        query_region=None if in_query is None else as_region(in_query),
    )


def centres(picture: U8, left: int, right: int) -> dict[int, tuple[float, float]]:
    """Return where each corner colour lies between two columns, by its number: the middle of all its pixels."""
    found = {}
    for number, colour in enumerate(CORNER_COLOURS, start=1):
        y, x = np.nonzero((picture[:, left:right] == colour).all(axis=2))
        if len(x) > 60:
            found[number] = ((x.min() + x.max()) / 2 + left, (y.min() + y.max()) / 2)
    return found


def written(monkeypatch: pytest.MonkeyPatch, *arguments: Any) -> str:
    """Return all words that are written into a picture."""
    words: list[str] = []
    draw = ImageDraw.ImageDraw.text

    def recording(self: ImageDraw.ImageDraw, xy: tuple[float, float], text: str, **more: Any) -> None:
        words.append(text)
        draw(self, xy, text, **more)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", recording)
    comparison_picture(*arguments)
    return " | ".join(words)


# ---------------------------------------------------------------------------------------------------- the picture


SIZES = [  # query, reference, the sizes at which they are shown
    ((400, 300), (400, 300), (400, 300), (400, 300)),
    ((2000, 1500), (640, 480), (560, 420), (560, 420)),
    ((300, 900), (600, 900), (160, 480), (320, 480)),
    ((60, 60), (80, 60), (240, 240), (320, 240)),
    ((3000, 100), (400, 400), (560, 19), (400, 400)),
]


@pytest.mark.parametrize(("query", "reference", "shown_query", "shown_reference"), SIZES)
def test_corners_lie_at_the_mapped_places_of_the_shown_sizes(
    query: tuple[int, int],
    reference: tuple[int, int],
    shown_query: tuple[int, int],
    shown_reference: tuple[int, int],
) -> None:
    share = np.array([[0.2, 0.1], [0.8, 0.2], [0.9, 0.9], [0.1, 0.8]])
    in_query, in_reference = (share * size - 0.5 for size in (query, reference))
    picture = comparison_picture(grey(*query), grey(*reference), verification(in_reference, in_query))
    reference_x = picture.shape[1] - QUERY_X - shown_reference[0]
    assert reference_x >= QUERY_X + shown_query[0] + GAP
    assert picture.shape[0] == QUERY_Y + max(shown_query[1], shown_reference[1]) + CAPTION_HEIGHT
    at_reference = centres(picture, reference_x - GAP // 2, picture.shape[1])
    assert list(at_reference) == [1, 2, 3, 4]
    for number, centre in at_reference.items():
        expected = share[number - 1] * shown_reference + (reference_x, QUERY_Y) - 0.5
        np.testing.assert_allclose(centre, expected, atol=1)
    if shown_query[1] > 40:  # in a ribbon the marks lie on each other
        at_query = centres(picture, 0, reference_x - GAP // 2)
        assert list(at_query) == [1, 2, 3, 4]
        for number, centre in at_query.items():
            np.testing.assert_allclose(centre, share[number - 1] * shown_query + (QUERY_X, QUERY_Y) - 0.5, atol=1)


@pytest.mark.parametrize("size", [(5000, 10), (10, 5000), (1, 1), (4000, 3000)])
def test_pictures_of_any_shape_give_one_of_bounded_size(size: tuple[int, int]) -> None:
    picture = comparison_picture(grey(*size), grey(*size), verification())
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
    assert picture.shape[0] <= QUERY_Y + MAX_HEIGHT + CAPTION_HEIGHT
    assert picture.shape[1] <= 2 * QUERY_X + 2 * MAX_WIDTH + GAP


def test_a_mirrored_query_wears_its_corners_mirrored() -> None:
    whole = box(-0.5, -0.5, 399.5, 299.5)
    flipped = whole * (-1, 1) + (399, 0)
    picture = comparison_picture(grey(400, 300), grey(400, 300), verification(whole, flipped, mirrored=True))
    left, right = centres(picture, 0, QUERY_X + 420), centres(picture, QUERY_X + 420, picture.shape[1])
    assert right[1][0] < right[2][0]
    assert left[1][0] > left[2][0]
    assert left[1][1] == left[2][1] < left[3][1]


def test_numbers_start_at_the_references_upper_left_wherever_the_region_starts() -> None:
    region = np.roll(box(50, 40, 300, 200), 2, axis=0)
    picture = comparison_picture(grey(400, 300), grey(400, 300), verification(region, region))
    marks = centres(picture, 0, QUERY_X + 420)
    np.testing.assert_allclose(marks[1], (50 + QUERY_X, 40 + QUERY_Y), atol=1)
    np.testing.assert_allclose(marks[2], (300 + QUERY_X, 40 + QUERY_Y), atol=1)


def test_for_a_copy_all_outside_the_region_is_darker_and_all_inside_is_as_it_was() -> None:
    region = box(100, 80, 300, 220)
    picture = comparison_picture(grey(400, 300), grey(400, 300), verification(region, region))
    assert (picture[QUERY_Y + 150, QUERY_X + 200] == 120).all()
    assert (picture[QUERY_Y + 20, QUERY_X + 30] < 80).all()


def test_for_something_shared_nothing_is_darkened_and_the_outline_stays() -> None:
    region = box(100, 80, 300, 220)
    outcome = verification(region, region, probability=0.02, shared=0.9)
    picture = comparison_picture(grey(400, 300), grey(400, 300), outcome)
    assert (picture[QUERY_Y + 20, QUERY_X + 30] == 120).all()
    assert list(centres(picture, 0, QUERY_X + 420)) == [1, 2, 3, 4]


def test_unrelated_pictures_are_shown_as_they_are() -> None:
    region = box(100, 80, 300, 220)
    picture = comparison_picture(grey(400, 300), grey(400, 300), verification(region, region, probability=0.02))
    assert (picture[QUERY_Y : QUERY_Y + 300, QUERY_X : QUERY_X + 400] == 120).all()


def test_each_relation_has_a_colour_of_its_own() -> None:
    region = box(100, 80, 300, 220)
    seen = []
    for probability, shared in ((0.98, 0.01), (0.02, 0.9), (0.02, 0.1)):
        outcome = verification(region, region, probability=probability, shared=shared)
        caption = comparison_picture(grey(400, 300), grey(400, 300), outcome)[-CAPTION_HEIGHT:]
        seen.append([r for r, c in RELATION_COLOURS.items() if (caption == c).all(axis=2).sum() > 100])
    assert seen == [["copy"], ["shared"], ["unrelated"]]


def test_without_geometry_both_pictures_are_shown_as_they_are() -> None:
    picture = comparison_picture(grey(400, 300), grey(400, 300, 90), verification(probability=0.7))
    assert (picture[QUERY_Y : QUERY_Y + 300, QUERY_X : QUERY_X + 400] == 120).all()
    start = QUERY_X + 400 + GAP
    assert (picture[QUERY_Y : QUERY_Y + 300, start : start + 400] == 90).all()


def test_the_caption_is_there_and_tells_outcomes_apart() -> None:
    region = box(100, 80, 300, 220)
    captions = [
        comparison_picture(grey(400, 300), grey(400, 300), outcome)[-CAPTION_HEIGHT:]
        for outcome in (
            verification(region, region),
            verification(region, region, probability=0.1),
            verification(region, region, probability=0.1, shared=0.8),
            verification(),
        )
    ]
    for i, caption in enumerate(captions):
        assert (caption > 150).all(axis=2).sum() > 300
        for other in captions[i + 1 :]:
            assert caption.shape != other.shape or (caption != other).any()


@pytest.mark.parametrize(
    ("outcome", "expected", "absent"),
    [
        (
            verification(box(0, 0, 200, 300), box(0, 0, 9, 9)),
            [
                *("A copy", "probability of a copy 98.0 %", "400 x 300"),
                "57 inliers · shown as it is · shows 50 % of the reference",
            ],
            ["Something shared", "of something shared", "Unrelated", "outline"],
        ),
        (
            verification(box(0, 0, 3, 3), box(0, 0, 9, 9), mirrored=True),
            ["· shown mirrored ·", "shows less than 1 % of the reference"],
            ["as it is", "negative"],
        ),
        (
            verification(box(0, 0, 30, 30), box(0, 0, 9, 9), inverted=True),
            ["· shown negative ·"],
            ["as it is", "mirrored"],
        ),
        (
            verification(box(0, 0, 30, 30), box(0, 0, 9, 9), mirrored=True, inverted=True),
            ["· shown mirrored negative ·"],
            ["as it is"],
        ),
        (
            verification(box(0, 0, 200, 300), box(0, 0, 9, 9), probability=0.0001, n_inliers=1),
            ["Unrelated", "probability of a copy < 0.1 %", "1 inlier ·", "no part of the reference is seen"],
            ["shows", "shown", "A copy", "shared"],
        ),
        (
            verification(box(0, 0, 200, 300), box(0, 0, 9, 9), probability=0.03, shared=0.95, mirrored=True),
            [
                *("Something shared", "probability of a copy 3.0 %, of something shared 95.0 %"),
                "57 inliers · shown mirrored · thin outline",
            ],
            ["A copy", "Unrelated", "% of the reference"],
        ),
        (verification(n_inliers=0, probability=0.01), ["Unrelated", "0 inliers", "no geometry"], ["mirrored"]),
        (
            verification(n_inliers=1, probability=0.99),
            ["A copy", "probability of a copy 99.0 %", "no geometry"],
            ["Unrelated"],
        ),
        (
            Verification(0.9, 0.05, 2.2, 8, IDENTITY, False, False, None, None),
            ["A copy", "8 inliers · shown as it is · no region that both show"],
            ["no geometry"],
        ),
    ],
)
def test_the_caption_says_plainly_what_was_found(
    monkeypatch: pytest.MonkeyPatch, outcome: Verification, expected: Sequence[str], absent: Sequence[str]
) -> None:
    words = written(monkeypatch, grey(400, 300), grey(400, 300), outcome)
    for word in expected:
        assert word in words
    for word in absent:
        assert word not in words


@pytest.mark.parametrize("wild", [np.inf, np.nan, 1e12])
def test_a_region_that_runs_away_does_not_stop_the_drawing(wild: float) -> None:
    region = box(0, 0, 50, 50)
    far = region.copy()
    far[2] = wild
    picture = comparison_picture(grey(400, 300), grey(400, 300), verification(region, far))
    assert picture.shape == comparison_picture(grey(400, 300), grey(400, 300), verification(region, region)).shape


@pytest.mark.parametrize(
    "bad",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4, 3))],
)
def test_what_is_no_picture_is_refused_by_name(bad: U8) -> None:
    with pytest.raises(ImageError, match="<query>"):
        comparison_picture(bad, grey(4, 4), verification())
    with pytest.raises(ImageError, match="<reference>"):
        comparison_picture(grey(4, 4), bad, verification())


def test_corners_on_nearly_straight_lines_are_left_out() -> None:
    noisy = np.array([[0.2, -0.5], [51.4, -0.5], [450.5, -0.4], [450.5, 299.5], [0.2, 299.5]])
    assert true_corners(noisy).tolist() == [0, 2, 3, 4]


@pytest.mark.parametrize(
    "region",
    [
        box(0, 0, 100, 80),
        box(0, 0, 500, 4),
        np.array([[0, 0], [9, 0], [4, 7]], dtype=np.float64),
        np.array([[3, 0], [7, 0], [10, 3], [10, 7], [7, 10], [3, 10], [0, 7], [0, 3]], dtype=np.float64),
    ],
)
def testtrue_corners_all_stay(region: F64) -> None:
    assert true_corners(region).tolist() == list(range(len(region)))


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (lambda p: p[:, ::-1], {1: "right top", 2: "left top", 3: "left bottom", 4: "right bottom"}),
        (lambda p: p[::-1, ::-1], {1: "right bottom", 2: "left bottom", 3: "left top", 4: "right top"}),
        (lambda p: p, {1: "left top", 2: "right top", 3: "right bottom", 4: "left bottom"}),
    ],
)
def test_what_the_engine_finds_is_drawn_right(
    photos: dict[str, U8], edit: Callable[[U8], U8], expected: dict[int, str]
) -> None:
    reference = photos["chelsea"]
    query = np.ascontiguousarray(edit(reference))
    picture = comparison_picture(query, reference, fingerprint.compare(query, reference))
    marks = centres(picture, 0, QUERY_X + reference.shape[1] + GAP // 2)
    middle_x, middle_y = QUERY_X + reference.shape[1] / 2, QUERY_Y + reference.shape[0] / 2
    said = {
        number: f"{'left' if x < middle_x else 'right'} {'top' if y < middle_y else 'bottom'}"
        for number, (x, y) in marks.items()
    }
    assert said == expected


@pytest.mark.parametrize(
    ("probability", "text"),
    [
        *((0.0, "0 %"), (1e-9, "< 0.1 %"), (0.00049, "< 0.1 %"), (0.00051, "0.1 %"), (0.5, "50.0 %")),
        *((0.9994, "99.9 %"), (0.9995, "> 99.9 %"), (1 - 1e-12, "> 99.9 %"), (1.0, "100 %")),
    ],
)
def test_a_probability_is_called_0_or_100_only_where_it_is(probability: float, text: str) -> None:
    assert probability_text(probability) == text


@pytest.mark.parametrize(
    ("mirrored", "inverted", "text"),
    [
        *[(False, False, "as it is"), (True, False, "mirrored")],
        *[(False, True, "negative"), (True, True, "mirrored negative")],
    ],
)
def test_the_variant_in_words(*, mirrored: bool, inverted: bool, text: str) -> None:
    assert variant_text(verification(mirrored=mirrored, inverted=inverted)) == text


TURNS = {0: "", 3: "rotated 3° ", 90: "rotated 90° ", 180: "rotated 180° ", 270: "rotated 270° ", 358.6: ""}


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("degrees", TURNS)
@pytest.mark.parametrize("depth", [1.0, -2.0])
def test_a_rotation_in_words(degrees: float, depth: float, *, mirrored: bool) -> None:
    """The reference is mirrored, then turned clockwise, enlarged and moved, to give the query."""
    angle = np.radians(degrees)
    turn = 1.7 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    made = np.eye(3)
    made[:2, :2] = turn @ np.diag([-1.0 if mirrored else 1.0, 1.0])
    made[:2, 2] = 30.0, -40.0
    back = depth * np.linalg.inv(made)
    found = dataclasses.replace(verification(mirrored=mirrored), transform=tuple(back.ravel().tolist()))
    assert found.rotation is not None
    assert (found.rotation - degrees + 180) % 360 == pytest.approx(180)
    expected = (("mirrored " if mirrored else "") + TURNS[degrees]).strip()
    assert variant_text(found) == (expected or "as it is")


def test_the_rotation_of_a_perspective_is_that_in_the_middle() -> None:
    """In the middle of the region, the derivative of this transform is a rotation; elsewhere it is another one."""
    transform = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.002, 1.0)
    region = ((-10.0, -5.0), (10.0, -5.0), (10.0, 5.0), (-10.0, 5.0))
    found = dataclasses.replace(verification(), transform=transform, query_region=region)
    assert found.rotation == pytest.approx(0.0)
    aside = tuple((x + 200.0, y) for x, y in region)
    turned = dataclasses.replace(found, query_region=aside).rotation
    assert turned is not None
    assert 5 < min(turned, 360 - turned) < 30
    assert verification().rotation is None
