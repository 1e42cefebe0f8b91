"""PDQ, against the package of its reference implementation and against its definition in NumPy."""

from __future__ import annotations

import numpy as np
import pdqhash
import pytest
import scipy.fft
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fingerprint.hashes import ORIENTATIONS
from fingerprint.kernels.pdq import jarosz64, jarosz_weights, pdq_bits, pdq_coefficients, pdq_dihedral, pdq_quality
from fingerprint.types import F32, U8, U64

#: Position of each of `ORIENTATIONS` among the reference's eight hashes, which turn counterclockwise.
REFERENCE_ORDER = {
    "upright": 0,
    "rotated-90": 3,
    "rotated-180": 2,
    "rotated-270": 1,
    "mirrored": 5,
    "mirrored-rotated-90": 7,
    "mirrored-rotated-180": 4,
    "mirrored-rotated-270": 6,
}


def small(grey: U8 | F32) -> F32:
    height, width = grey.shape
    return jarosz64(grey, *jarosz_weights(width, 1), *jarosz_weights(height, 1))


def luma(rgb: U8) -> F32:
    return (rgb[:, :, 0] * 0.299 + rgb[:, :, 1] * 0.587 + rgb[:, :, 2] * 0.114).astype(np.float32)


def packed(bits: object) -> U64:
    return np.packbits(np.asarray(bits, np.uint8)).view(">u8").astype(np.uint64)


def distance(a: U64, b: U64) -> int:
    return int(np.bitwise_count(a ^ b).sum())


def boxed(values: np.ndarray, window: int) -> np.ndarray:
    """One pass of a box filter down the columns, narrower where it would reach beyond the edge."""
    after = (window + 2) // 2 - 1
    rows = [values[max(i - (window - 1 - after), 0) : i + after + 1].mean(axis=0) for i in range(len(values))]
    return np.array(rows)


def by_definition(grey: U8) -> np.ndarray:
    """Two passes of box filters each way, then the value in the middle of each of 64 x 64 fields."""
    out = grey.astype(float)
    for _ in range(2):
        out = boxed(out, -(-grey.shape[0] // 128))
        out = boxed(out.T, -(-grey.shape[1] // 128)).T
    rows, columns = (((np.arange(64) + 0.5) * n / 64).astype(int) for n in grey.shape)
    return out[rows][:, columns]


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 300), st.integers(1, 300))))
@settings(max_examples=40)
def test_the_filter_is_the_one_that_is_described(grey: U8) -> None:
    np.testing.assert_allclose(small(grey), by_definition(grey), atol=2e-3)


@given(st.integers(1, 6000), st.sampled_from([1, 2, 4, 8, 13]))
def test_weights_add_up_and_stay_within_the_picture(n: int, divisor: int) -> None:
    spans, weights = jarosz_weights(n, divisor)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-4)
    assert (spans[:, 0] >= 0).all()
    assert (spans.sum(axis=1) <= -(-n // divisor)).all()
    assert all(not weights[i, count:].any() for i, (_, count) in enumerate(spans))


@pytest.mark.parametrize("divisor", [2, 4, 8])
def test_a_reduced_picture_is_filtered_like_the_whole_if_its_pixels_are_alike(divisor: int) -> None:
    coarse = np.random.default_rng(divisor).integers(0, 256, (40, 50), np.uint8)
    whole = np.kron(coarse, np.ones((divisor, divisor), np.uint8))[: 40 * divisor - 1, : 50 * divisor - divisor + 1]
    height, width = whole.shape
    reduced = jarosz64(coarse, *jarosz_weights(width, divisor), *jarosz_weights(height, divisor))
    np.testing.assert_allclose(reduced, small(np.ascontiguousarray(whole)), atol=2e-3)


@given(hnp.arrays(np.float32, (64, 64), elements=st.floats(0, 255, width=32)))
@settings(max_examples=30)
def test_coefficients_are_those_of_the_cosine_transform(picture: F32) -> None:
    expected = scipy.fft.dctn(picture.astype(float), norm="ortho")[1:17, 1:17]
    np.testing.assert_allclose(pdq_coefficients(picture), expected, atol=2e-2)


def test_photographs_have_the_reference_hash_and_quality(photos: dict[str, U8]) -> None:
    for name, rgb in photos.items():
        bits, quality = pdqhash.compute(np.ascontiguousarray(rgb))
        picture = small(luma(rgb))
        assert distance(pdq_bits(pdq_coefficients(picture)), packed(bits)) <= 2, name
        assert abs(pdq_quality(picture) - quality) <= 1, name


def test_crops_of_photographs_are_within_the_tolerance_of_the_reference(photos: dict[str, U8]) -> None:
    rng = np.random.default_rng(8)
    distances = []
    for rgb in photos.values():
        for _ in range(6):
            height, width = rng.integers(40, 400, 2)
            crop = np.ascontiguousarray(rgb[:height, :width])
            bits, quality = pdqhash.compute(crop)
            picture = small(luma(crop))
            assert abs(pdq_quality(picture) - quality) <= 1
            if quality >= 80:
                distances.append(distance(pdq_bits(pdq_coefficients(picture)), packed(bits)))
    assert len(distances) > 40
    assert max(distances) <= 2
    assert np.median(distances) == 0


def test_all_eight_orientations_are_the_reference_ones(photos: dict[str, U8]) -> None:
    assert list(REFERENCE_ORDER) == list(ORIENTATIONS)
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        reference, _ = pdqhash.compute_dihedral(np.ascontiguousarray(photos[name]))
        found = pdq_dihedral(pdq_coefficients(small(luma(photos[name]))))
        for code, place in zip(found, REFERENCE_ORDER.values(), strict=True):
            assert distance(code, packed(reference[place])) <= 2


def test_the_first_orientation_is_the_hash_itself() -> None:
    coefficients = np.random.default_rng(3).normal(size=(16, 16)).astype(np.float32)
    before = coefficients.copy()
    assert pdq_dihedral(coefficients)[0].tolist() == pdq_bits(coefficients).tolist()
    assert np.array_equal(coefficients, before)


@pytest.mark.parametrize("bit", [0, 1, 15, 16, 100, 255])
def test_the_last_coefficient_is_the_first_bit(bit: int) -> None:
    coefficients = np.zeros((16, 16), np.float32)
    coefficients.ravel()[bit] = 1
    words = pdq_bits(coefficients)
    assert int.from_bytes(words.astype(">u8").tobytes(), "big") == 1 << bit


@given(hnp.arrays(np.float32, (16, 16), elements=st.floats(-1000, 1000, width=32), unique=True))
@settings(max_examples=30)
def test_half_the_bits_are_set_where_no_two_coefficients_are_alike(coefficients: F32) -> None:
    assert np.bitwise_count(pdq_bits(coefficients)).sum() == 128


def test_quality_counts_whole_hundredths_of_steps() -> None:
    assert pdq_quality(np.full((64, 64), 99, np.float32)) == 0
    ramp = np.tile(np.arange(64, dtype=np.float32) * 2.5, (64, 1))  # steps below a hundredth of 255 count for nothing
    assert pdq_quality(ramp) == 0
    assert pdq_quality(ramp * 2) == 44  # 63 x 64 steps of one hundredth, over 90
    checks = np.indices((64, 64)).sum(axis=0) % 2 * np.float32(255)
    assert pdq_quality(checks) == 100
