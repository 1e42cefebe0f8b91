"""Which part of a reference is seen: of the whole overlap, or of a piece of it that was pasted."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

import fingerprint
from fingerprint.types import U8
from fingerprint.verify.geometry import signed_area


def overlap_of(
    region: tuple[tuple[float, float], ...], box: tuple[int, int, int, int], shape: tuple[int, ...]
) -> float:
    """Return intersection over union of a region and a box of pixels."""
    seen, true = np.zeros(shape[:2], np.uint8), np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(seen, [np.rint(np.array(region)).astype(np.int32)], (1,))
    true[box[1] : box[3], box[0] : box[2]] = 1
    return float((seen & true).sum() / (seen | true).sum())


def pasted(piece: U8, scene: U8, width: int, angle: float = 0.0) -> U8:
    """Return a scene with a piece in its middle, scaled to a width and turned."""
    factor = width / piece.shape[1]
    turn = cv2.getRotationMatrix2D(((piece.shape[1] - 1) / 2, (piece.shape[0] - 1) / 2), angle, factor)
    turn[:, 2] += [(scene.shape[1] - piece.shape[1]) / 2, (scene.shape[0] - piece.shape[0]) / 2]
    size = scene.shape[1], scene.shape[0]
    warped = cv2.warpAffine(cv2.GaussianBlur(piece, (0, 0), 0.6), turn, size)
    mask = cv2.warpAffine(np.full(piece.shape[:2], 255, np.uint8), turn, size)[:, :, None] / 255
    return np.rint(warped * mask + scene * (1 - mask)).astype(np.uint8)


@pytest.mark.parametrize("angle", [0.0, 12.0])
def test_of_a_pasted_piece_only_the_piece_is_seen(photos: dict[str, U8], angle: float) -> None:
    reference, box = photos["chelsea"], (90, 30, 390, 250)
    piece = reference[box[1] : box[3], box[0] : box[2]]
    query = pasted(piece, photos["coffee"], 250, angle)
    found = fingerprint.compare(query, reference)
    assert found.relation == "copy"
    assert found.reference_region is not None
    assert found.query_region is not None
    assert overlap_of(found.reference_region, box, reference.shape) > 0.9
    area = 250 * 250 * 220 / 300
    assert abs(signed_area(np.array(found.query_region))) == pytest.approx(area, rel=0.1)


def test_something_laid_over_the_middle_does_not_make_a_piece(photos: dict[str, U8]) -> None:
    reference = photos["astronaut"]
    query = reference.copy()
    query[180:330, 150:330] = photos["coffee"][:150, :180]
    found = fingerprint.compare(query, reference)
    assert found.reference_region is not None
    assert overlap_of(found.reference_region, (0, 0, 512, 512), reference.shape) > 0.95


def test_what_is_covered_at_the_border_is_not_seen(photos: dict[str, U8]) -> None:
    reference = photos["astronaut"]
    query = reference.copy()
    query[390:] = cv2.resize(photos["coffee"], (512, 122))
    found = fingerprint.compare(query, reference)
    assert found.reference_region is not None
    assert overlap_of(found.reference_region, (0, 0, 512, 390), reference.shape) > 0.93
