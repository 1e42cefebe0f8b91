"""The hashes against `imagehash`: bit for bit, or nearly for those that are stored; their text, and their distances."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import imagehash
import numpy as np
import pytest
import scipy.fftpack
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from fingerprint.errors import ConfigError, ImageError
from fingerprint.hashes import (
    compute_hashes,
    compute_mirrored_hashes,
    from_imagehash,
    hamming,
    hash_distance,
    hash_from_imagehash,
    hash_to_hex,
    hex_to_hash,
    perceptual_hash,
    perceptual_hashes,
    to_imagehash,
)
from fingerprint.kernels.hamming import hamming_pairs, hamming_to_one, near_hashes
from fingerprint.kernels.hashing import (
    ahash64,
    dhash64,
    dhash_vertical64,
    low_dct,
    phash64,
    phash_simple64,
    thumbnail_quality,
)
from fingerprint.types import HASH_ALGORITHMS, U8, U64

REFERENCE = {"phash": imagehash.phash, "dhash": imagehash.dhash, "ahash": imagehash.average_hash}

#: Elsewhere SciPy's FFT is compiled with fused multiply-adds, whose rounding decides ties differently.
same_rounding = pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64"), reason="exact ties are rounded as SciPy does it on x86-64"
)


def grey_of(rgb: U8) -> U8:
    return np.array(Image.fromarray(rgb).convert("L"))


def reference(grey: U8) -> list[str]:
    return [str(REFERENCE[name](Image.fromarray(grey))) for name in HASH_ALGORITHMS]


def exactly(grey: U8) -> list[str]:
    return [found.hex for found in perceptual_hashes(grey, HASH_ALGORITHMS, exact=True)]


def bits_apart(grey: U8) -> list[int]:
    theirs = np.array([hex_to_hash(text) for text in reference(grey)], np.uint64)
    return hamming(compute_hashes(grey), theirs).tolist()


# --- Against imagehash ------------------------------------------------------------------------------------------------


def test_photographs_hash_as_with_imagehash(photos: dict[str, U8]) -> None:
    for name, rgb in photos.items():
        assert exactly(grey_of(rgb)) == reference(grey_of(rgb)), name


def test_stored_hashes_are_nearly_those_of_imagehash(photos: dict[str, U8]) -> None:
    differ = [bits_apart(grey_of(rgb)) for rgb in photos.values()]
    assert np.mean(differ) <= 0.5
    assert np.max(differ) <= 4


def test_stored_hashes_of_crops_are_nearly_those_of_imagehash(photos: dict[str, U8]) -> None:
    rng = np.random.default_rng(3)
    greys = [grey_of(rgb) for rgb in photos.values()]
    differ = []
    for _ in range(250):
        grey = greys[rng.integers(len(greys))]
        top, left = rng.integers(0, grey.shape[0] - 64), rng.integers(0, grey.shape[1] - 64)
        differ.append(bits_apart(grey[top : top + rng.integers(64, 300), left : left + rng.integers(64, 300)]))
    assert np.mean(differ) <= 1  # many are of grass and gravel, whose thumbnails are nearly flat


def test_crops_of_photographs_hash_as_with_imagehash(photos: dict[str, U8]) -> None:
    rng = np.random.default_rng(3)
    greys = [grey_of(rgb) for rgb in photos.values()]
    for _ in range(250):
        grey = greys[rng.integers(len(greys))]
        top, left = rng.integers(0, grey.shape[0] - 16), rng.integers(0, grey.shape[1] - 16)
        crop = grey[top : top + rng.integers(1, 200), left : left + rng.integers(1, 200)]  # a strided view
        assert exactly(crop) == reference(np.ascontiguousarray(crop))


def test_the_order_is_the_one_in_the_configuration(photos: dict[str, U8]) -> None:
    hashes = compute_hashes(grey_of(photos["coffee"]))
    assert hashes.dtype == np.uint64
    assert hashes.shape == (len(HASH_ALGORITHMS),)
    assert len(set(hashes.tolist())) == len(HASH_ALGORITHMS)
    others = compute_hashes(grey_of(photos["astronaut"]))
    for name, value, other in zip(HASH_ALGORITHMS, hashes, others, strict=True):
        expected = from_imagehash(REFERENCE[name](Image.fromarray(grey_of(photos["coffee"]))))
        assert hash_distance(value, expected) <= 2 < hash_distance(other, expected)


@same_rounding
@given(
    st.one_of(
        hnp.arrays(np.uint8, st.tuples(st.integers(1, 70), st.integers(1, 70))),
        hnp.arrays(
            np.uint8, st.tuples(st.integers(1, 70), st.integers(1, 70)), elements=st.sampled_from([0, 128, 255])
        ),
    )
)
@settings(max_examples=150)
def test_any_grey_array_hashes_as_with_imagehash(grey: U8) -> None:
    assert exactly(grey) == reference(grey)


def test_a_mirrored_picture_has_the_mirrored_hashes(photos: dict[str, U8]) -> None:
    rng = np.random.default_rng(4)
    for rgb in photos.values():
        grey = grey_of(rgb)
        for rows, columns in [grey.shape, *rng.integers(1, 400, (6, 2))]:
            picture = grey[:rows, :columns]
            mirrored = np.ascontiguousarray(picture[:, ::-1])
            expected = [compute_hashes(picture).tolist(), compute_hashes(mirrored).tolist()]
            assert compute_mirrored_hashes(picture).tolist() == expected
            assert compute_mirrored_hashes(mirrored).tolist() == expected[::-1]


def scipy_phash(thumbnail: U8) -> str:
    """As in imagehash 4.3, behind the thumbnail."""
    dct = scipy.fftpack.dct(scipy.fftpack.dct(thumbnail, axis=0), axis=1)[:8, :8]
    return str(imagehash.ImageHash(dct > np.median(dct)))


def drawn_thumbnails() -> Iterator[np.ndarray]:
    """Thumbnails with zeros and ties among their coefficients: flat, stripes, checkers, ramps, mirrored, sparse."""
    y, x = np.mgrid[:32, :32]
    for level in range(256):
        yield np.full((32, 32), level)
    for low, high in ((0, 255), (0, 1), (50, 200), (127, 128), (255, 3)):
        for width in range(1, 33):
            for odd in ((x // width) % 2, (y // width) % 2, (x // width + y // width) % 2, (x + y) // width % 2):
                yield np.where(odd, high, low)
    for slope in range(1, 9):
        yield from (x * slope % 256, y * slope % 256, (x + y) * slope % 256, (x - y) * slope % 256, x * y * slope % 256)
    for radius in range(1, 24):
        yield np.where((x - 15.5) ** 2 + (y - 15.5) ** 2 < radius**2, 255, 0)
        yield np.where(np.maximum(abs(x - 15.5), abs(y - 15.5)) < radius, 30, 200)
    rng = np.random.default_rng(11)
    for _ in range(150):
        noise = rng.integers(0, 256, (32, 32))
        right, lower = np.where(x < 16, noise, noise[:, ::-1]), np.where(y < 16, noise, noise[::-1])
        yield from (
            right,
            lower,
            np.where(y < 16, right, right[::-1]),
            255 - right,
            np.where(x < 16, noise, 255 - noise[:, ::-1]),
        )
        yield np.where(x > y, noise, noise.T)
        yield np.kron(rng.integers(0, 2, (4, 4)) * 255, np.ones((8, 8), int))
        dots = np.zeros((32, 32), int)
        dots[tuple(rng.integers(0, 32, (2, rng.integers(1, 4))))] = 255
        yield dots


@same_rounding
def test_drawn_thumbnails_have_the_bits_that_scipy_rounds_to() -> None:
    count = 0
    for thumbnail in drawn_thumbnails():
        pixels = thumbnail.astype(np.uint8)
        assert hash_to_hex(phash64(pixels)) == scipy_phash(pixels)
        count += 1
    assert count > 2000


@given(hnp.arrays(np.uint8, (32, 32)))
def test_low_dct_is_scipys(thumbnail: U8) -> None:
    expected = scipy.fftpack.dct(scipy.fftpack.dct(thumbnail, axis=0), axis=1)[:8, :8]
    np.testing.assert_allclose(low_dct(thumbnail), expected, rtol=0, atol=1e-8)


def test_phash_of_noise_is_scipys() -> None:
    for thumbnail in np.random.default_rng(5).integers(0, 256, (1500, 32, 32), np.uint8):
        assert hash_to_hex(phash64(thumbnail)) == scipy_phash(thumbnail)


def test_the_constant_coefficient_takes_part_in_the_median() -> None:
    bright = np.full((32, 32), 250, np.uint8)
    assert hash_to_hex(phash64(bright)) == "8000000000000000"  # it alone exceeds a median of zero
    assert hash_to_hex(phash64(np.zeros((32, 32), np.uint8))) == "0000000000000000"


# --- Which bit is which -----------------------------------------------------------------------------------------------


def test_bits_follow_the_picture_in_reading_order() -> None:
    for bit in range(64):
        row, column = divmod(bit, 8)
        spot = np.zeros((8, 8), np.uint8)
        spot[row, column] = 1
        assert ahash64(spot) == 1 << (63 - bit), bit
        step = np.zeros((8, 9), np.uint8)
        step[row, column + 1 :] = 1
        assert dhash64(step) == 1 << (63 - bit), bit


def test_a_pixel_at_the_mean_is_no_bit() -> None:
    assert ahash64(np.full((8, 8), 200, np.uint8)) == 0
    spot = np.full((8, 8), 100, np.uint8)
    spot[0, 0], spot[7, 7] = 99, 101
    assert ahash64(spot) == 1
    assert dhash64(np.full((8, 9), 200, np.uint8)) == 0


def test_turned_contrast_turns_the_difference_hash(photos: dict[str, U8]) -> None:
    ramp = np.tile(np.arange(64, dtype=np.uint8), (64, 1))
    assert hash_to_hex(compute_hashes(ramp)[1]) == "ffffffffffffffff"
    assert hash_to_hex(compute_hashes(ramp[:, ::-1])[1]) == "0000000000000000"


def test_a_small_change_moves_few_bits_and_another_scene_many(photos: dict[str, U8]) -> None:
    original = grey_of(photos["astronaut"])
    smaller = np.array(Image.fromarray(original).resize((200, 200), Image.Resampling.BICUBIC))
    near = hamming(compute_hashes(original), compute_hashes(smaller))
    far = hamming(compute_hashes(original), compute_hashes(grey_of(photos["coffee"])))
    assert near.max() <= 4
    assert far.min() >= 12


@pytest.mark.parametrize(
    "grey", [np.zeros((8, 8)), np.zeros((8, 8, 3), np.uint8), np.zeros((0, 8), np.uint8), np.zeros(64, np.uint8)]
)
def test_only_grey_pictures_are_hashed(grey: U8) -> None:
    with pytest.raises(ImageError, match="grey picture"):
        compute_hashes(grey)


def test_hashing_leaves_its_input_alone_and_threads_agree(photos: dict[str, U8]) -> None:
    greys = [grey_of(rgb) for rgb in list(photos.values())[:4]]
    before = [grey.copy() for grey in greys]
    alone = [compute_hashes(grey).tolist() for grey in greys]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda grey: compute_hashes(grey).tolist(), greys * 4))
    assert together == alone * 4
    assert all(np.array_equal(a, b) for a, b in zip(greys, before, strict=True))


# --- Text and imagehash -----------------------------------------------------------------------------------------------

hashes_ = st.integers(0, 2**64 - 1)


@given(hashes_)
def test_text_and_imagehash_go_there_and_back(value: int) -> None:
    text = hash_to_hex(value)
    assert len(text) == 16
    assert hex_to_hash(text) == hex_to_hash(text.upper()) == value
    assert hash_to_hex(np.uint64(value)) == text
    assert str(to_imagehash(value)) == text
    assert from_imagehash(to_imagehash(np.uint64(value))) == value
    assert to_imagehash(value).hash.shape == (8, 8)


def test_hashes_of_imagehash_come_in_as_they_are(photos: dict[str, U8]) -> None:
    grey = grey_of(photos["rocket"])
    values = [from_imagehash(REFERENCE[name](Image.fromarray(grey))) for name in HASH_ALGORITHMS]
    assert [hash_to_hex(value) for value in values] == reference(grey)


def test_hashes_of_imagehash_become_hashes_of_an_algorithm(photos: dict[str, U8]) -> None:
    image = Image.fromarray(photos["rocket"])
    made: dict[str, Callable[..., imagehash.ImageHash]] = {
        "phash": imagehash.phash,
        "phash-simple": imagehash.phash_simple,
        "ahash": imagehash.average_hash,
        "dhash": imagehash.dhash,
        "dhash-vertical": imagehash.dhash_vertical,
        "whash": imagehash.whash,
        "colorhash": imagehash.colorhash,
    }
    for name, make in made.items():
        theirs, own = make(image), perceptual_hash(image, name, exact=True)
        assert hash_from_imagehash(theirs, name, own.quality) == own, name
        assert to_imagehash(own) == theirs
        assert str(to_imagehash(hash_from_imagehash(theirs, name))) == str(theirs)
    with pytest.raises(ConfigError, match="a hash of 256 bits is needed, not of 64"):
        hash_from_imagehash(imagehash.phash(image), "pdq")
    with pytest.raises(ConfigError, match="quality"):
        hash_from_imagehash(imagehash.phash(image), "phash", 101)


@pytest.mark.parametrize(
    "text", ["", "0", "0" * 15, "0" * 17, "0x" + "0" * 14, "g" * 16, "0" * 15 + "\n", "\u0661" * 16]
)
def test_other_texts_are_no_hashes(text: str) -> None:
    with pytest.raises(ValueError, match="16 hexadecimal digits"):
        hex_to_hash(text)


@pytest.mark.parametrize("value", [-1, 2**64])
def test_other_numbers_are_no_hashes(value: int) -> None:
    with pytest.raises(ValueError, match="64 bits"):
        hash_to_hex(value)
    with pytest.raises(ValueError, match="64 bits"):
        to_imagehash(value)


def test_longer_hashes_of_imagehash_are_refused(photos: dict[str, U8]) -> None:
    with pytest.raises(ValueError, match="not of 256"):
        from_imagehash(imagehash.phash(Image.fromarray(photos["coffee"]), hash_size=16))


# --- Distances --------------------------------------------------------------------------------------------------------


def oracle(a: U64, b: U64) -> list[int]:
    return [bin(int(x) ^ int(y)).count("1") for x, y in zip(np.ravel(a), np.ravel(b), strict=True)]


@given(st.lists(st.tuples(hashes_, hashes_), max_size=40))
def test_distances_are_counted_bits(pairs: list[tuple[int, int]]) -> None:
    a = np.array([pair[0] for pair in pairs], np.uint64)
    b = np.array([pair[1] for pair in pairs], np.uint64)
    assert hamming(a, b).tolist() == oracle(a, b)
    assert hamming_pairs(a, b).tolist() == oracle(a, b)
    assert [hash_distance(x, y) for x, y in pairs] == oracle(a, b)
    if pairs:
        assert hamming(a, b[0]).tolist() == oracle(a, np.full_like(a, b[0]))
        assert hamming_to_one(a, b[0]).tolist() == oracle(a, np.full_like(a, b[0]))


def test_the_extremes_of_distance() -> None:
    everything = np.array([2**64 - 1], np.uint64)
    assert hamming(everything, np.zeros(1, np.uint64)).tolist() == [64]
    assert hamming(everything, everything).tolist() == [0]
    single = np.uint64(1) << np.arange(64, dtype=np.uint64)
    assert hamming(single, np.zeros(64, np.uint64)).tolist() == [1] * 64
    assert hash_distance(np.uint64(2**64 - 1), 0) == 64


@pytest.mark.parametrize(
    ("shape_a", "shape_b"),
    [
        ((5, 3), (3,)),
        ((3,), (5, 3)),
        ((5, 1), (3,)),
        ((4,), ()),
        ((), (4,)),
        ((), ()),
        ((1,), ()),
        ((0, 3), (3,)),
        ((0,), (1,)),
    ],
)
def test_shapes_broadcast_as_in_numpy(shape_a: tuple[int, ...], shape_b: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    a = rng.integers(0, 2**64, shape_a, np.uint64, endpoint=False)
    b = rng.integers(0, 2**64, shape_b, np.uint64, endpoint=False)
    a, b = np.asarray(a, np.uint64), np.asarray(b, np.uint64)
    distances = hamming(a, b)
    assert distances.dtype == np.uint8
    assert distances.shape == np.broadcast_shapes(shape_a, shape_b)
    assert distances.ravel().tolist() == oracle(*np.broadcast_arrays(a, b))


def test_distances_of_strided_and_locked_arrays() -> None:
    codes = np.random.default_rng(2).integers(0, 2**64, (20, 3), np.uint64)
    column = codes[::-2, 1]
    locked = codes[:10, 0].copy()
    locked.setflags(write=False)
    assert hamming(column, locked).tolist() == oracle(column, locked)
    assert hamming(locked, column[3]).tolist() == oracle(locked, np.full(10, column[3]))


def test_only_packed_hashes_have_distances() -> None:
    with pytest.raises(TypeError, match="uint64"):
        hamming(np.zeros(3, np.int64), np.zeros(3, np.uint64))
    with pytest.raises(ValueError, match="broadcast"):
        hamming(np.zeros(3, np.uint64), np.zeros(4, np.uint64))


# --- Looking for near ones --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 30, 5000])
def test_near_hashes_are_those_within_the_distance_of_any_variant_and_algorithm(n: int) -> None:
    for limit in [-1, 0, 12, 22, 64]:
        rng = np.random.default_rng(n)
        seen = rng.integers(0, 2**64, (4, 3), dtype=np.uint64)
        stored = rng.integers(0, 2**64, (n, 3), dtype=np.uint64)
        for row in range(0, n, 3):
            stored[row, rng.integers(3)] = seen[rng.integers(4), rng.integers(3)]
            stored[row, row % 3] = seen[row % 4, row % 3] ^ np.uint64((1 << (row % 30)) - 1)
        bits = [np.unpackbits(x[:, :, None].view(np.uint8), axis=2).astype(np.int64) for x in (stored, seen)]
        least = (bits[0][:, None] != bits[1][None]).sum(axis=3).min(axis=(1, 2), initial=64)
        rows, distances = near_hashes(stored, seen, limit)
        assert (rows.dtype, distances.dtype) == (np.int64, np.int64), limit
        assert rows.tolist() == np.flatnonzero(least <= limit).tolist(), limit
        assert distances.tolist() == least[least <= limit].tolist(), limit


def test_a_hash_is_near_only_to_one_of_its_own_algorithm() -> None:
    stored, seen = np.array([[0, 2**64 - 1, 0]], np.uint64), np.array([[2**64 - 1, 0, 2**64 - 1]], np.uint64)
    assert near_hashes(stored, seen, 63)[0].tolist() == []


# --- Simple pHash and vertical dHash ----------------------------------------------------------------------------------


def scipy_phash_simple(thumbnail: U8) -> str:
    """As in imagehash 4.3, behind the thumbnail."""
    dct = scipy.fftpack.dct(thumbnail)[:8, 1:9]
    return str(imagehash.ImageHash(dct > dct.mean()))


def assert_rarer_hashes(rgb: U8) -> None:
    image, grey = Image.fromarray(rgb), Image.fromarray(rgb).convert("L")
    square = np.array(grey.resize((32, 32), Image.Resampling.LANCZOS))
    tall = np.array(grey.resize((8, 9), Image.Resampling.LANCZOS))
    assert hash_to_hex(phash_simple64(square)) == str(imagehash.phash_simple(image))
    assert hash_to_hex(dhash_vertical64(tall)) == str(imagehash.dhash_vertical(image))


def test_photographs_and_crops_have_the_rarer_hashes_of_imagehash(photos: dict[str, U8]) -> None:
    rng = np.random.default_rng(9)
    for rgb in photos.values():
        assert_rarer_hashes(rgb)
        for _ in range(12):
            top, left = rng.integers(0, rgb.shape[0] - 16), rng.integers(0, rgb.shape[1] - 16)
            assert_rarer_hashes(rgb[top : top + rng.integers(1, 200), left : left + rng.integers(1, 200)].copy())


@same_rounding
def test_drawn_thumbnails_have_the_simple_bits_that_scipy_and_numpy_round_to() -> None:
    for thumbnail in drawn_thumbnails():
        pixels = thumbnail.astype(np.uint8)
        assert hash_to_hex(phash_simple64(pixels)) == scipy_phash_simple(pixels)


@same_rounding
@given(
    st.one_of(
        hnp.arrays(np.uint8, (32, 32)),
        hnp.arrays(np.uint8, (32, 32), elements=st.sampled_from([0, 128, 255])),
    )
)
@settings(max_examples=150)
def test_any_thumbnail_has_the_simple_phash_of_scipy(thumbnail: U8) -> None:
    assert hash_to_hex(phash_simple64(thumbnail)) == scipy_phash_simple(thumbnail)


def test_the_simple_phash_sees_the_upper_eight_rows_and_not_their_level() -> None:
    noise = np.random.default_rng(10).integers(0, 200, (32, 32), np.uint8)
    other = noise.copy()
    other[8:] = 7
    assert phash_simple64(other) == phash_simple64(noise)
    shifted = noise + np.arange(32, dtype=np.uint8)[:, None]  # changes the constant coefficients alone
    assert phash_simple64(shifted) == phash_simple64(noise)
    assert phash_simple64(noise[::-1]) != phash_simple64(noise)


def test_bits_of_the_rarer_hashes_follow_in_reading_order() -> None:
    for bit in range(64):
        row, column = divmod(bit, 8)
        step = np.zeros((9, 8), np.uint8)
        step[row + 1 :, column] = 1
        assert dhash_vertical64(step) == 1 << (63 - bit), bit
        wave = np.full((32, 32), 128, np.uint8)
        wave[row] = np.rint(128 + 120 * np.cos(np.pi * (column + 1) * (np.arange(32) + 0.5) / 32))
        assert phash_simple64(wave) == 1 << (63 - bit), bit


def test_flat_thumbnails_have_no_rarer_bits() -> None:
    for level in [0, 1, 200, 255]:
        assert phash_simple64(np.full((32, 32), level, np.uint8)) == 0, level
        assert dhash_vertical64(np.full((9, 8), level, np.uint8)) == 0, level


def test_the_vertical_dhash_is_the_horizontal_one_of_the_turned_picture() -> None:
    for thumbnail in np.random.default_rng(12).integers(0, 4, (100, 9, 8), np.uint8):
        across = np.array([int(bit) for bit in f"{dhash64(thumbnail.T):064b}"]).reshape(8, 8)
        assert f"{dhash_vertical64(thumbnail):064b}" == "".join(map(str, across.T.ravel()))


# --- Quality ----------------------------------------------------------------------------------------------------------


@given(hnp.arrays(np.uint8, (32, 32), elements=st.integers(100, 120)))
def test_quality_counts_whole_hundredths_between_neighbours(thumbnail: U8) -> None:
    values = thumbnail.astype(int)
    steps = [abs(np.diff(values, axis=axis)) * 100 // 255 for axis in (0, 1)]
    assert thumbnail_quality(thumbnail) == min(sum(int(part.sum()) for part in steps) // 30, 100)


def test_quality_is_none_where_nothing_changes_and_full_where_all_does() -> None:
    assert thumbnail_quality(np.full((32, 32), 77, np.uint8)) == 0
    assert thumbnail_quality(np.tile(np.arange(100, 164, 2, dtype=np.uint8), (32, 1))) == 0  # steps below a hundredth
    assert thumbnail_quality((np.indices((32, 32)).sum(axis=0) % 2 * 255).astype(np.uint8)) == 100
