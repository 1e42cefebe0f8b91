"""What was done to a copy, in words, from verdicts whose transform is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from fingerprint import compare
from fingerprint.results import Verification
from fingerprint.types import F64, U8
from fingerprint.verify.changes import changes_of, turned_round
from fingerprint.verify.verification import SAME_BYTES_LOG_ODDS

SIZE = (400, 300)


def corners(width: int, height: int) -> F64:
    return np.array([[-0.5, -0.5], [width - 0.5, -0.5], [width - 0.5, height - 0.5], [-0.5, height - 0.5]])


def applied(matrix: F64, points: F64) -> F64:
    mapped = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return np.asarray(mapped[:, :2] / mapped[:, 2:])


def verdict(
    to_query: F64, region: F64, size: tuple[int, int] = SIZE, *, mirrored: bool = False, inverted: bool = False
) -> Verification:
    """Return a verdict on a query of this size, which shows a region of the reference where a map leads to."""
    matrix = np.linalg.inv(to_query)
    matrix = matrix / matrix[2, 2]
    return Verification(
        probability=0.99,
        shared_probability=0.0,
        log_odds=4.6,
        n_inliers=50,
        transform=tuple(matrix.ravel().tolist()),
        mirrored=mirrored,
        inverted=inverted,
        reference_region=tuple((x, y) for x, y in region.tolist()),
        query_region=tuple((x, y) for x, y in applied(to_query, region).tolist()),
        query_size=size,
        reference_size=SIZE,
    )


def affine(a: float, b: float, c: float, d: float, x: float = 0.0, y: float = 0.0) -> F64:
    return np.array([[a, b, x], [c, d, y], [0.0, 0.0, 1.0]])


WHOLE = corners(*SIZE)
MIDDLE = np.array([100, 75])
#: To the query, its size, the region of the reference, what else is known, and the words.
KNOWN = {
    "again": (affine(1, 0, 0, 1), SIZE, WHOLE, {}, "re-encoded or retouched"),
    "half": (affine(0.5, 0, 0, 0.5), (200, 150), WHOLE, {}, "smaller (50 %)"),
    "twice": (affine(2, 0, 0, 2), (800, 600), WHOLE, {}, "enlarged (200 %)"),
    "mirrored": (affine(-1, 0, 0, 1, 399), SIZE, WHOLE, {"mirrored": True}, "mirrored"),
    "upside down": (affine(1, 0, 0, -1, 0, 299), SIZE, WHOLE, {"mirrored": True}, "mirrored top to bottom"),
    "a quarter": (affine(0, -1, 1, 0, 299), (300, 400), WHOLE, {}, "rotated by 90°"),
    "a quarter back": (affine(0, 1, -1, 0, 0, 399), (300, 400), WHOLE, {}, "rotated by 90° anticlockwise"),
    "negative": (affine(1, 0, 0, 1), SIZE, WHOLE, {"inverted": True}, "negative"),
    "crop": (
        affine(1, 0, 0, 1, -100, -75),
        (200, 150),
        corners(200, 150) + np.array([100, 75]),
        {},
        "crop, 25 % shown (middle)",
    ),
    "inset": (
        affine(0.5, 0, 0, 0.5, 50, 20),
        (600, 400),
        WHOLE,
        {},
        "inset, takes 12 % of it (upper left), smaller (50 %)",
    ),
    "border": (affine(1, 0, 0, 1, 40, 40), (480, 380), WHOLE, {}, "larger picture that contains it"),
    "wide": (affine(1.5, 0, 0, 1), (600, 300), WHOLE, {}, "stretched, enlarged (122 %)"),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_changes(name: str) -> None:
    to_query, size, region, known, words = KNOWN[name]
    assert changes_of(verdict(to_query, region, size, **known)).words == words


def test_a_part_is_stretched_if_many_keypoints_say_so() -> None:
    to_query = affine(1.12, 0, 0, 1, -112, -75)
    stretched = verdict(to_query, corners(200, 150) + MIDDLE, (224, 150))
    assert "stretched" in changes_of(stretched).words
    assert "stretched" not in changes_of(replace(stretched, n_inliers=5)).words
    small = verdict(to_query, corners(50, 40) + MIDDLE, (56, 40))
    assert "stretched" not in changes_of(small).words
    whole = verdict(affine(1.12, 0, 0, 1), WHOLE, (448, 300))
    assert "stretched" in changes_of(replace(whole, n_inliers=5)).words  # its borders tell


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_of_crops_only_the_stretched_are_called_so(photos: dict[str, U8], name: str) -> None:
    rng, photo = np.random.default_rng(5), photos[name]
    height, width = photo.shape[:2]
    said: dict[float, list[bool]] = {1.0: [], 1.4: []}
    for _ in range(5):
        w, h = (int(side * rng.uniform(0.25, 0.6)) for side in (width, height))
        x, y = int(rng.integers(width - w)), int(rng.integers(height - h))
        for stretch, words in said.items():
            crop = Image.fromarray(photo[y : y + h, x : x + w]).resize((round(1.2 * stretch * w), round(1.2 * h)))
            found = compare(crop, photo)
            if found.relation == "copy" and found.transform is not None:
                words.append("stretched" in changes_of(found).words)
    assert len(said[1.0]) >= 3
    assert not any(said[1.0])
    assert len(said[1.4]) >= 3
    assert sum(said[1.4]) > len(said[1.4]) / 2


def test_a_tilt_is_no_larger_picture() -> None:
    angle = np.radians(12)
    tilt = affine(np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle), 62, 0)
    changes = changes_of(verdict(tilt, WHOLE, (454, 377)))
    assert changes.words == "rotated by 12°"
    assert changes.is_tilted
    assert changes.has_more


def test_the_same_needs_no_transform() -> None:
    plain = Verification(1.0, 0.0, 100.0, 0, None, False, False, None, None, identical=True)
    assert changes_of(plain).words == "same pixels"
    assert changes_of(replace(plain, log_odds=SAME_BYTES_LOG_ODDS)).words == "same file"
    assert changes_of(plain).shown == 1


def test_what_is_not_known_is_not_said() -> None:
    unlocated = Verification(0.9, 0.0, 2.2, 0, None, False, False, None, None)
    assert changes_of(unlocated).words == "re-encoded or retouched"
    assert changes_of(replace(unlocated, probability=0.1, shared_probability=0.8)).words == "as a whole"


def test_crop_and_larger_picture_are_each_other_turned_round() -> None:
    to_query, size, region, _, _ = KNOWN["crop"]
    crop = verdict(to_query, region, size)
    assert changes_of(crop).is_part
    assert changes_of(turned_round(crop)).has_more
    again = turned_round(turned_round(crop))
    assert again.transform == pytest.approx(crop.transform)
    assert again.reference_region == crop.reference_region


def test_a_turn_the_other_way_is_its_opposite() -> None:
    found = verdict(KNOWN["a quarter"][0], WHOLE)
    assert found.rotation == pytest.approx(90)
    assert turned_round(found).rotation == pytest.approx(270)


def test_a_transform_without_an_inverse_is_left_out() -> None:
    flat = verdict(affine(1, 0, 0, 1), WHOLE)
    broken = Verification(
        **{
            **{name: getattr(flat, name) for name in flat.__slots__},
            "transform": (1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0),
        }
    )
    assert turned_round(broken).transform is None
    assert turned_round(broken).probability == flat.probability
