"""The transform on which keypoint matches agree, on keypoints whose truth is known."""

from __future__ import annotations

import dataclasses
import math

import cv2
import numpy as np
import pytest

from fingerprint.config import MatchConfig
from fingerprint.types import F64, Keypoints
from fingerprint.verify.align import MAX_HYPOTHESES, align
from fingerprint.verify.geometry import apply_transform

CONFIG = MatchConfig()


def random_keypoints(rng: np.random.Generator, n: int) -> Keypoints:
    angle = rng.uniform(0, 2 * np.pi, n)
    raw = rng.random((n, 128)) * (rng.random((n, 128)) < 0.5)
    descriptors = np.rint(np.sqrt(raw / raw.sum(axis=1, keepdims=True)) * 512).astype(np.uint8) if n else raw
    return Keypoints(
        descriptors=descriptors.astype(np.uint8),
        signatures=rng.integers(0, 2**63, (n, 2)).astype(np.uint64),
        frame=np.column_stack([rng.random((n, 2)), rng.uniform(-4, -3, n), np.cos(angle), np.sin(angle)]).astype(
            np.float32
        ),
        width=800,
        height=800,
    )


def derivatives(transform: F64, points: F64) -> F64:
    """The derivative of a projective map at each point, by differences: shape (n, 2, 2)."""
    step = 1e-6
    sides = [
        apply_transform(transform, points + by) - apply_transform(transform, points - by) for by in np.eye(2) * step
    ]
    return np.stack(sides, axis=2) / (2 * step)


def moved(keypoints: Keypoints, transform: F64, rng: np.random.Generator, jitter: float = 0.0) -> Keypoints:
    """The same keypoints after a projective map of the picture: each is turned and scaled as the map does there."""
    frame = keypoints.frame.astype(np.float64)
    linear = derivatives(transform, frame[:, :2])
    direction = np.einsum("nij,nj->ni", linear, frame[:, 3:])
    place = apply_transform(transform, frame[:, :2]) + rng.normal(0, jitter, (len(frame), 2))
    size = frame[:, 2] + np.log(np.abs(np.linalg.det(linear))) / 2
    unit = direction / np.linalg.norm(direction, axis=1, keepdims=True)
    return dataclasses.replace(keypoints, frame=np.column_stack([place, size, unit]).astype(np.float32))


def tilted(height: float) -> F64:
    """The map of a square picture to one that is tilted: its right side is only so high as a part of its left."""
    low, high = (1 - height) / 2, (1 + height) / 2
    before, after = [[0, 0], [1, 0], [1, 1], [0, 1]], [[0, 0], [0.7, low], [0.7, high], [0, 1]]
    return np.asarray(
        cv2.getPerspectiveTransform(np.array(before, np.float32), np.array(after, np.float32)), np.float64
    )


def joined(*parts: Keypoints) -> Keypoints:
    return dataclasses.replace(
        parts[0],
        descriptors=np.concatenate([part.descriptors for part in parts]),
        signatures=np.concatenate([part.signatures for part in parts]),
        frame=np.concatenate([part.frame for part in parts]),
    )


def random_affine(rng: np.random.Generator) -> np.ndarray:
    c, s = rng.uniform(0.5, 1.6) * np.array([math.cos(1.1), math.sin(1.1)])
    stretch = np.array([[1, rng.uniform(-0.2, 0.2), 0], [0, rng.uniform(0.85, 1.15), 0], [0, 0, 1]])
    return np.array([[c, -s, rng.uniform(-1, 1)], [s, c, rng.uniform(-1, 1)], [0, 0, 1]]) @ stretch


def test_recovers_a_planted_transform_among_strangers() -> None:
    for seed in range(8):
        rng = np.random.default_rng(seed)
        query, truth = random_keypoints(rng, 80), random_affine(rng)
        copies = moved(query, truth, rng, jitter=0.001)
        wrong = dataclasses.replace(  # similar descriptors at other places
            copies, frame=np.concatenate([copies.frame[:40], random_keypoints(rng, 40).frame])
        )
        found = align(query, joined(wrong, random_keypoints(rng, 50)), CONFIG)
        assert found.transform is not None, seed
        corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1.0]])
        np.testing.assert_allclose(
            apply_transform(found.transform, corners), apply_transform(truth, corners), atol=0.01, err_msg=str(seed)
        )
        assert set(range(40)) <= set(found.query_idx.tolist()), seed
        np.testing.assert_array_equal(found.query_idx, found.reference_idx, err_msg=str(seed))
        assert len(found.query_idx) < 50, seed
        assert found.n_matches == 80, seed
        assert ((found.residuals >= 0) & (found.residuals < 1)).all(), seed
        np.testing.assert_allclose(found.similarities, 1, atol=0.02, err_msg=str(seed))


@pytest.mark.parametrize("side", ["query", "reference"])
@pytest.mark.parametrize("height", [0.35, 0.42, 0.5])
def test_a_strong_perspective_is_followed_among_strangers(height: float, side: str) -> None:
    """One affine map agrees with a tilted picture only in a part."""
    truth = tilted(height)
    n, n_wrong, corners = 80, 60, np.array([[0, 0], [1, 0], [1, 1], [0, 1.0]])
    for seed in range(6):
        rng = np.random.default_rng(seed)
        flat = random_keypoints(rng, n + n_wrong)
        tilt = moved(flat, truth, rng, jitter=0.001)
        tilt.frame[n:] = random_keypoints(rng, n_wrong).frame  # similar descriptors at other places
        if side == "query":
            found, back = align(tilt, flat, CONFIG), (apply_transform(truth, corners), corners)
        else:
            found, back = align(flat, tilt, CONFIG), (corners, apply_transform(truth, corners))
        assert found.transform is not None, seed
        np.testing.assert_allclose(apply_transform(found.transform, back[0]), back[1], atol=0.01, err_msg=str(seed))
        assert (found.query_idx < n).sum() >= 0.97 * n, seed
        assert (found.query_idx >= n).sum() <= 2, seed
        assert np.median(found.residuals) < 0.2, seed


@pytest.mark.parametrize("side", ["query", "reference"])
def test_sizes_are_judged_where_a_keypoint_lies(side: str) -> None:
    """A keypoint at the far end of a tilted picture contradicts it if it is as large as one at the near end."""
    rng = np.random.default_rng(2)
    flat, truth = random_keypoints(rng, 80), tilted(0.35)
    flat.frame[:8, 0] = 0.97
    tilt = moved(flat, truth, rng)
    near = derivatives(truth, np.array([[0.0, 0.5]]))[0]
    tilt.frame[:8, 2] = flat.frame[:8, 2] + np.float32(math.log(np.linalg.det(near)) / 2)
    found = align(tilt, flat, CONFIG) if side == "query" else align(flat, tilt, CONFIG)
    assert found.query_idx.tolist() == list(range(8, 80))


@pytest.mark.parametrize("seed", range(4))
def test_arrays_belong_together_and_come_by_query_row(seed: int) -> None:
    rng = np.random.default_rng(seed)
    query = random_keypoints(rng, 60)
    found = align(query, moved(query, random_affine(rng), rng, jitter=0.005), CONFIG)
    n = len(found.query_idx)
    assert {len(a) for a in (found.query_idx, found.reference_idx, found.similarities, found.residuals)} == {n}
    assert (np.diff(found.query_idx) > 0).all()
    assert 0 < n <= found.n_matches


@pytest.mark.parametrize("wrong", ["angle", "size"])
def test_a_match_in_the_right_place_must_have_the_right_angle_and_size(wrong: str) -> None:
    rng = np.random.default_rng(5)
    query, truth = random_keypoints(rng, 50), random_affine(rng)
    reference = moved(query, truth, rng)
    frame = reference.frame.copy()
    if wrong == "angle":
        frame[:10, 3:] = -frame[:10, 3:]
    else:
        frame[:10, 2] += 1.5
    found = align(query, dataclasses.replace(reference, frame=frame), CONFIG)
    assert found.query_idx.tolist() == list(range(10, 50))


@pytest.mark.parametrize(
    ("scale", "off", "stays"), [(0.5, 0.35, True), (0.5, 0.7, False), (1.0, 0.7, False), (2.0, 0.7, True)]
)
def test_a_transform_that_magnifies_is_allowed_errors_as_much_larger(scale: float, off: float, *, stays: bool) -> None:
    """Half of the tolerance is allowed, times the scale where that is above 1."""
    rng = np.random.default_rng(6)
    query = random_keypoints(rng, 60)
    reference = moved(query, np.diag([scale, scale, 1.0]), rng)
    reference.frame[7, 0] += np.float32(off * CONFIG.tolerance)
    found = align(query, reference, CONFIG)
    assert (7 in found.query_idx) == stays
    if stays:  # the fit gives way a little
        np.testing.assert_allclose(found.residuals[found.query_idx == 7], 2 * off / max(1.0, scale), rtol=0.15)


@pytest.mark.parametrize("seed", range(4))
def test_similar_descriptors_at_random_places_hardly_agree(seed: int) -> None:
    rng = np.random.default_rng(seed)
    query = random_keypoints(rng, 100)
    scattered = dataclasses.replace(query, frame=random_keypoints(rng, 100).frame)
    found = align(query, scattered, CONFIG)
    assert found.n_matches == 100
    assert len(found.query_idx) < 12


def test_no_more_matches_are_tried_than_allowed_and_the_most_similar_are() -> None:
    rng = np.random.default_rng(0)
    n = MAX_HYPOTHESES + 60
    reference = random_keypoints(rng, n)
    signatures = reference.signatures.copy()
    worse = rng.choice(n, 60, replace=False)
    signatures[worse, 0] ^= np.uint64(0b111)  # less similar
    found = align(dataclasses.replace(reference, signatures=signatures), reference, CONFIG)
    assert found.n_matches == MAX_HYPOTHESES
    assert not set(worse.tolist()) & set(found.query_idx.tolist())


@pytest.mark.parametrize(("bits", "cosine"), [(0, 1.0), (16, math.cos(math.pi / 8)), (32, math.cos(math.pi / 4))])
def test_similarity_is_the_cosine_of_the_angle_that_the_bits_tell(bits: int, cosine: float) -> None:
    rng = np.random.default_rng(0)
    reference = random_keypoints(rng, 20)
    signatures = reference.signatures ^ np.array([(1 << bits) - 1, 0], np.uint64)
    found = align(dataclasses.replace(reference, signatures=signatures), reference, CONFIG)
    np.testing.assert_allclose(found.similarities, cosine, rtol=1e-12)
    assert len(found.similarities) == (20 if bits <= CONFIG.verify_bits else 0)


def test_local_descriptors_are_not_looked_at() -> None:
    """A collection may have been made without them."""
    rng = np.random.default_rng(1)
    reference = random_keypoints(rng, 40)
    bare = dataclasses.replace(reference, descriptors=np.zeros((0, 128), np.uint8))
    with_them, without = align(reference, reference, CONFIG), align(bare, bare, CONFIG)
    np.testing.assert_array_equal(with_them.query_idx, without.query_idx)
    np.testing.assert_array_equal(with_them.transform, without.transform)


@pytest.mark.parametrize(("n_query", "n_reference"), [(0, 0), (0, 5), (5, 0), (5, 5)])
def test_nothing_in_common(n_query: int, n_reference: int) -> None:
    rng = np.random.default_rng(1)
    found = align(random_keypoints(rng, n_query), random_keypoints(rng, n_reference), CONFIG)
    assert found.transform is None
    assert (found.n_matches, len(found.query_idx)) == (0, 0)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_few_matches_give_a_similarity_or_none(n: int) -> None:
    rng = np.random.default_rng(n)
    query = random_keypoints(rng, n)
    turn = np.array([[0.0, -1, 1], [1, 0, 0], [0, 0, 1]])
    found = align(query, moved(query, turn, rng), CONFIG)
    assert len(found.query_idx) == n
    if n == 1:
        assert found.transform is None
    else:
        assert found.transform is not None
        np.testing.assert_allclose(found.transform, turn, atol=1e-4)


def test_matches_on_a_line_give_a_transform_that_holds_on_it() -> None:
    rng = np.random.default_rng(3)
    query = random_keypoints(rng, 30)
    frame = query.frame.copy()
    frame[:, 1] = 0.5 + 0.25 * frame[:, 0]
    query = dataclasses.replace(query, frame=frame)
    turn = np.array([[0.8, -0.6, 0.4], [0.6, 0.8, 0], [0, 0, 1]])
    found = align(query, moved(query, turn, rng), CONFIG)
    assert found.transform is not None
    places = frame[:, :2].astype(np.float64)
    np.testing.assert_allclose(apply_transform(found.transform, places), apply_transform(turn, places), atol=1e-3)


def test_inputs_are_not_changed() -> None:
    rng = np.random.default_rng(4)
    query, reference = random_keypoints(rng, 30), random_keypoints(rng, 30)
    copies = [getattr(k, name).copy() for k in (query, reference) for name in ("descriptors", "signatures", "frame")]
    align(query, joined(query, reference), CONFIG)
    now = [getattr(k, name) for k in (query, reference) for name in ("descriptors", "signatures", "frame")]
    for before, after in zip(copies, now, strict=True):
        np.testing.assert_array_equal(before, after)
