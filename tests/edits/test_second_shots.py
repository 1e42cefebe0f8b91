"""Made second shots: from their seed, not equal, not related by one map, more different the stronger they are."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fingerprint.edits import MAX_SIDE, MIN_SIDE
from fingerprint.edits.canvas import resize
from fingerprint.edits.second_shots import second_shots
from fingerprint.errors import ConfigError, ImageError
from fingerprint.types import F64, U8


@pytest.fixture(scope="module")
def cat(photos: dict[str, U8]) -> U8:
    return resize(photos["chelsea"], 300, 200)[0]


def flow(first: U8, second: U8) -> F64:
    """Measure how far points moved, shape (n, 4): x and y in the first picture, and the shift."""
    same_size = resize(second, first.shape[1], first.shape[0])[0]
    grey = [cv2.cvtColor(shot, cv2.COLOR_RGB2GRAY) for shot in (first, same_size)]
    points = cv2.goodFeaturesToTrack(grey[0], 200, 0.01, 8)
    moved, found, _ = cv2.calcOpticalFlowPyrLK(grey[0], grey[1], points, np.empty(0, np.float32))
    kept = found.ravel() == 1
    old, new = points.reshape(-1, 2)[kept], moved.reshape(-1, 2)[kept]
    return np.column_stack([old, new - old]).astype(np.float64)


def misfit(moves: F64) -> float:
    """Return by how many pixels half of the points miss the best affine map."""
    ones = np.column_stack([moves[:, :2], np.ones(len(moves))])
    residual = moves[:, 2:] - ones @ np.linalg.lstsq(ones, moves[:, 2:], rcond=None)[0]
    return float(np.median(np.hypot(*residual.T)))


class TestSecondShots:
    def test_come_back_from_the_seed(self, cat: U8) -> None:
        before = cat.copy()
        one, again, other = (second_shots(cat, np.random.default_rng(seed), 0.6) for seed in (4, 4, 5))
        assert (one.first.tobytes(), one.second.tobytes()) == (again.first.tobytes(), again.second.tobytes())
        assert one.second.tobytes() != other.second.tobytes()
        assert (cat == before).all()

    def test_are_two_other_pictures(self, cat: U8) -> None:
        for strength in (0.0, 0.5, 1.0):
            shots = second_shots(cat, np.random.default_rng(0), strength)
            for shot in (shots.first, shots.second):
                assert shot.dtype == np.uint8
                assert shot.shape[2:] == (3,)
                assert shot.flags.c_contiguous
                assert MIN_SIDE <= min(shot.shape[:2]) <= max(shot.shape[:2]) <= MAX_SIDE
                assert not np.array_equal(shot, cat)
            assert not np.array_equal(shots.first, shots.second)

    def test_differ_more_the_stronger_they_are(self, cat: U8) -> None:
        def difference(strength: float) -> float:
            apart = []
            for seed in range(3):
                shots = second_shots(cat, np.random.default_rng(seed), strength)
                first, second = (resize(shot, 60, 40)[0].astype(float) for shot in (shots.first, shots.second))
                apart.append(np.abs(first - second).mean())
            return float(np.mean(apart))

        assert difference(0) < difference(0.5) < difference(1)
        assert second_shots(cat, np.random.default_rng(0), 0).parallax == pytest.approx(0.03)
        assert second_shots(cat, np.random.default_rng(0), 1).parallax == pytest.approx(0.1)

    def test_no_single_map_leads_from_one_to_the_other(self, cat: U8) -> None:
        step = np.array([[1.02, 0.01, 2], [-0.01, 1.02, 1]])
        copy = np.asarray(cv2.warpAffine(cat, step, (300, 200)), dtype=np.uint8)
        misfits = [
            misfit(flow(s.first, s.second))
            for s in (second_shots(cat, np.random.default_rng(k), 0.3) for k in range(4))
        ]
        assert misfit(flow(cat, copy)) < 0.5 < 1 < min(misfits)

    def test_some_parts_move_on_their_own(self, cat: U8) -> None:
        counts = [second_shots(cat, np.random.default_rng(seed), 1).n_moved for seed in range(5)]
        assert min(counts) >= 0
        assert max(counts) >= 3

    @pytest.mark.parametrize("shape", [(16, 16), (1, 1), (17, 31), (1, 300), (1500, 40)], ids=str)
    def test_runs_on_pictures_of_any_shape(self, shape: tuple[int, int]) -> None:
        grey = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        shots = second_shots(grey, np.random.default_rng(1), 1)
        assert min(*shots.first.shape[:2], *shots.second.shape[:2]) >= MIN_SIDE
        assert max(*shots.first.shape[:2], *shots.second.shape[:2]) <= MAX_SIDE

    @pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
    def test_refuses_other_strengths(self, strength: float, cat: U8) -> None:
        with pytest.raises(ConfigError, match="within 0 to 1"):
            second_shots(cat, np.random.default_rng(0), strength)

    def test_refuses_what_is_no_picture(self) -> None:
        with pytest.raises(ImageError, match="expected uint8"):
            second_shots(np.zeros((5, 5)), np.random.default_rng(0))  # type: ignore[arg-type]
