"""Packed frames against NumPy: half a step of error, the same bytes again, the same step of a posting's geometry."""

from __future__ import annotations

import numpy as np
import pytest

from fingerprint.features.packed_frames import pack_frames, rounded_frames, unpack_frames
from fingerprint.kernels.postings import pack_geometry
from fingerprint.types import F32, U32


def frames(n: int, seed: int = 0) -> F32:
    rng = np.random.default_rng(seed)
    turn = rng.uniform(-np.pi, np.pi, n)
    columns = [rng.random(n), rng.random(n), rng.uniform(-7, 0, n), np.cos(turn), np.sin(turn)]
    return np.column_stack(columns).astype(np.float32)


def geometry(frame: F32) -> U32:
    out = np.empty(len(frame), np.uint32)
    pack_geometry(frame, out)
    return out


def test_they_are_the_steps_that_numpy_finds() -> None:
    some = frames(5_000)
    packed = pack_frames(some)
    wide = some.astype(np.float64)
    turn = np.arctan2(wide[:, 4], wide[:, 3]) / (2 * np.pi)
    expected = [wide[:, 0] * 65_536, wide[:, 1] * 65_536, (wide[:, 2] + 12) * 4_096, turn * 65_536 % 65_536]
    assert (packed.dtype, packed.shape) == (np.uint16, (5_000, 4))
    np.testing.assert_array_equal(packed, np.floor(np.column_stack(expected)).astype(np.int64) & 65_535)


def test_they_come_back_within_half_a_step() -> None:
    some = frames(5_000, 1)
    apart = np.abs(rounded_frames(some).astype(np.float64) - some)
    assert apart[:, :2].max() <= 0.5 / 65_536 + 1e-7
    assert apart[:, 2].max() <= 0.5 / 4_096 + 1e-6
    assert apart[:, 3:].max() <= np.pi / 65_536 + 1e-6


def test_packed_again_they_are_the_same() -> None:
    every = np.arange(65_536, dtype=np.uint16)
    packed = np.column_stack([every, every[::-1], every, np.roll(every, 7)])
    np.testing.assert_array_equal(pack_frames(unpack_frames(packed)), packed)


@pytest.mark.parametrize("seed", range(3))
def test_the_geometry_of_postings_stays(seed: int) -> None:
    some = frames(20_000, seed)
    np.testing.assert_array_equal(geometry(rounded_frames(some)), geometry(some))


def test_what_is_beyond_is_cut_off() -> None:
    far = np.array([[-0.5, 1.5, -40, -1, 0], [1, 0, 40, 0, -1]], np.float32)
    np.testing.assert_array_equal(pack_frames(far), [[0, 65_535, 0, 32_768], [65_535, 0, 65_535, 49_152]])


def test_none_at_all() -> None:
    assert rounded_frames(frames(0)).shape == (0, 5)
