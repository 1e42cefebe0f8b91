"""Wavelet, block mean and colour hash, bit for bit against `imagehash` and OpenCV, also where only rounding decides."""

from __future__ import annotations

import platform
from collections.abc import Iterator

import cv2
import imagehash
import numpy as np
import pytest
import pywt
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from fingerprint.kernels.blocks import (
    block_mean256,
    block_mean256_of_means,
    block_sums,
    colour_hash42,
    low_haar,
    whash64,
)
from fingerprint.types import F64, U8, U64

SIDES = (8, 16, 32, 64, 128, 256)

#: Elsewhere PyWavelets is compiled with fused multiply-adds, whose rounding decides ties differently.
same_rounding = pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64"),
    reason="exact ties are rounded as PyWavelets does it on x86-64",
)


def thumbnail_of(rgb: U8, side: int) -> U8:
    return np.array(Image.fromarray(rgb).convert("L").resize((side, side), Image.Resampling.LANCZOS))


def drawn(side: int) -> Iterator[U8]:
    """Square pictures with ties: flat, stripes, checkers, ramps, mirrored, blocks of few levels, sparse."""
    y, x = np.mgrid[:side, :side]
    for level in range(0, 256, 15):
        yield np.full((side, side), level, np.uint8)
    pictures = []
    for low, high in ((0, 255), (50, 201), (255, 3)):
        for width in sorted({1, 2, 3, side // 8, side // 5, side // 2}):
            odd = ((x // width) % 2, (y // width) % 2, (x // width + y // width) % 2, (x + y) // width % 2)
            pictures += [np.where(stripe, high, low) for stripe in odd]
    for slope in (1, 3, 7):
        pictures += [x * slope, y * slope, (x + y) * slope, (x - y) * slope, x * y * slope]
    rng = np.random.default_rng(side)
    for _ in range(8):
        noise = rng.integers(0, 256, (side, side))
        right = np.where(x < side // 2, noise, noise[:, ::-1])
        pictures += [right, 255 - right, np.where(y < side // 2, right, right[::-1]), np.where(x > y, noise, noise.T)]
        pictures.append(np.kron(rng.integers(0, 3, (8, 8)) * 127, np.ones((side // 8, side // 8), int)))
        pictures.append(np.kron(rng.integers(0, 256, (4, 4)), np.ones((side // 4, side // 4), int)))
        dots = np.zeros((side, side), int)
        dots[tuple(rng.integers(0, side, (2, rng.integers(1, 9))))] = 255
        page = np.full((side, side), 255)
        page[side // 4 : side // 2, side // 8 : -side // 8] = noise[side // 4 : side // 2, side // 8 : -side // 8]
        pictures += [dots, page]
    yield from (picture.astype(np.uint8) for picture in pictures)


def crops(photos: dict[str, U8], count: int, seed: int) -> Iterator[U8]:
    rng = np.random.default_rng(seed)
    scenes = list(photos.values())
    for _ in range(count):
        rgb = scenes[rng.integers(len(scenes))]
        top, left = rng.integers(0, rgb.shape[0] - 16), rng.integers(0, rgb.shape[1] - 16)
        yield np.ascontiguousarray(rgb[top : top + rng.integers(1, 200), left : left + rng.integers(1, 200)])


def text(words: U64) -> str:
    assert words.dtype == np.uint64
    assert words.shape == (4,)
    return "".join(f"{word:016x}" for word in words)


# --- Wavelet hash -----------------------------------------------------------------------------------------------------


def whash_reference(grey: U8) -> str:
    return str(imagehash.whash(Image.fromarray(grey)))


def natural_side(rgb: U8) -> int:
    return max(1 << (min(rgb.shape[:2]).bit_length() - 1), 8)


@same_rounding
def test_photographs_have_the_wavelet_hash_of_imagehash(photos: dict[str, U8]) -> None:
    for name, photo in photos.items():
        rgb = photo if max(photo.shape) < 800 else np.ascontiguousarray(photo[::2, ::2])  # the reference is slow
        ours = whash64(thumbnail_of(rgb, natural_side(rgb)))
        assert f"{ours:016x}" == str(imagehash.whash(Image.fromarray(rgb))), name


@same_rounding
def test_crops_have_the_wavelet_hash_of_imagehash(photos: dict[str, U8]) -> None:
    for rgb in crops(photos, 150, 5):
        ours = whash64(thumbnail_of(rgb, natural_side(rgb)))
        assert f"{ours:016x}" == str(imagehash.whash(Image.fromarray(rgb)))


@same_rounding
@pytest.mark.parametrize("side", SIDES)
def test_drawings_have_the_bits_that_pywavelets_rounds_to(side: int) -> None:
    tied = 0
    for grey in drawn(side):
        assert f"{whash64(grey):016x}" == whash_reference(grey)
        ordered = np.sort(block_sums(grey, side // 8))
        tied += int(ordered[31] == ordered[32])
    assert tied > 50


@same_rounding
@pytest.mark.parametrize("side", [8, 16, 64])
def test_the_averages_are_those_of_pywavelets_to_the_last_bit(side: int) -> None:
    rng = np.random.default_rng(side)
    for grey in [*drawn(side), *rng.integers(0, 256, (20, side, side), np.uint8)]:
        coefficients = list(pywt.wavedec2(grey / 255.0, "haar"))
        coefficients[0] *= 0
        expected = pywt.wavedec2(pywt.waverec2(coefficients, "haar"), "haar", level=side.bit_length() - 4)[0]
        np.testing.assert_array_equal(low_haar(grey), expected)


@same_rounding
@given(
    st.sampled_from([8, 16, 32]).flatmap(
        lambda side: st.one_of(
            hnp.arrays(np.uint8, (side, side)),
            hnp.arrays(np.uint8, (side, side), elements=st.sampled_from([0, 128, 255])),
        )
    )
)
@settings(max_examples=150)
def test_any_thumbnail_has_the_wavelet_hash_of_imagehash(grey: U8) -> None:
    assert f"{whash64(grey):016x}" == whash_reference(grey)


@pytest.mark.parametrize("side", [64, 512])
def test_sums_that_differ_by_one_decide_as_the_transforms_do(side: int) -> None:
    steps = np.arange(64)
    for order in (steps, steps[::-1], np.random.default_rng(1).permutation(steps)):
        grey = np.full((side, side), 177, np.uint8)
        blocks = grey.reshape(8, side // 8, 8, side // 8).swapaxes(1, 2)
        for block, more in enumerate(order):
            blocks[block // 8, block % 8].flat[:more] = 178
        assert sorted(block_sums(grey, side // 8) - 177 * (side // 8) ** 2) == steps.tolist()
        averages = low_haar(grey)
        assert (
            f"{whash64(grey):016x}" == str(imagehash.ImageHash(averages > np.median(averages))) == whash_reference(grey)
        )


def test_bits_of_the_wavelet_hash_are_blocks_in_reading_order() -> None:
    for bit in range(64):
        row, column = divmod(bit, 8)
        grey = np.zeros((32, 32), np.uint8)
        grey[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = 255
        assert whash64(grey) >> (63 - bit) & 1 == 1, bit
        others = np.arange(64, dtype=np.uint8)
        half = np.where(others < 32, 10, 20).astype(np.uint8)  # without ties the bits are plain
        assert whash64(half.reshape(8, 8)) == 0x00000000FFFFFFFF, bit


def test_flat_thumbnails_have_no_wavelet_bits() -> None:
    for side in (*SIDES, 512, 1024):
        for level in (0, 1, 127, 255):
            assert whash64(np.full((side, side), level, np.uint8)) == 0


def test_a_strided_or_locked_thumbnail_hashes_alike(photos: dict[str, U8]) -> None:
    grey = thumbnail_of(photos["coffee"], 256)
    wide = np.repeat(grey, 2, axis=1)[:, ::2]
    locked = grey.copy()
    locked.setflags(write=False)
    assert not wide.flags.c_contiguous
    assert whash64(wide) == whash64(grey)
    assert text(block_mean256(locked)) == text(block_mean256(grey))


# --- Block mean hash --------------------------------------------------------------------------------------------------


def block_mean_reference(grey: U8) -> str:
    """OpenCV's bytes hold the first block in their last bit."""
    packed = np.asarray(cv2.img_hash.blockMeanHash(grey, mode=0), np.uint8).ravel()
    return np.packbits(np.unpackbits(packed, bitorder="little")).tobytes().hex()


def means_of(grey: U8) -> F64:
    return np.asarray(grey.reshape(16, 16, 16, 16).mean(axis=(1, 3)), np.float64)


def test_photographs_have_the_block_means_of_opencv(photos: dict[str, U8]) -> None:
    for name, rgb in photos.items():
        whole = np.array(Image.fromarray(rgb).convert("L"))
        grey = np.asarray(cv2.resize(whole, (256, 256), interpolation=cv2.INTER_LINEAR_EXACT), np.uint8)
        assert text(block_mean256(grey)) == block_mean_reference(whole) == block_mean_reference(grey), name
        assert text(block_mean256_of_means(means_of(grey))) == block_mean_reference(whole), name


def test_crops_have_the_block_means_of_opencv(photos: dict[str, U8]) -> None:
    for rgb in crops(photos, 100, 6):
        grey = thumbnail_of(rgb, 256)
        assert text(block_mean256(grey)) == block_mean_reference(grey)
        assert text(block_mean256_of_means(means_of(grey))) == block_mean_reference(grey)


def test_drawings_and_noise_have_the_block_means_of_opencv() -> None:
    for grey in [*drawn(256), *np.random.default_rng(2).integers(0, 256, (50, 256, 256), np.uint8)]:
        assert text(block_mean256(grey)) == block_mean_reference(grey)
        assert text(block_mean256_of_means(means_of(grey))) == block_mean_reference(grey)


@given(hnp.arrays(np.uint8, (16, 16), elements=st.sampled_from([0, 1, 2, 100, 255])), st.integers(0, 2**32 - 1))
@settings(max_examples=100)
def test_any_blocks_have_the_block_means_of_opencv(levels: U8, seed: int) -> None:
    grey = np.kron(levels, np.ones((16, 16), np.uint8))
    rng = np.random.default_rng(seed)
    for block in grey.reshape(16, 16, 16, 16).swapaxes(1, 2).reshape(256, 256):  # one more, one less: means stay
        block[rng.integers(256)] ^= 1
    assert text(block_mean256(grey)) == block_mean_reference(grey)


def test_bits_of_the_block_mean_hash_are_blocks_in_reading_order() -> None:
    for bit in [0, 1, 7, 8, 63, 64, 127, 128, 200, 255]:
        row, column = divmod(bit, 16)
        means = np.zeros((16, 16))
        means[row, column] = 1.0
        grey = np.kron(means, np.ones((16, 16))).astype(np.uint8)
        for words in (block_mean256_of_means(means), block_mean256(grey)):
            assert int(text(words), 16) == 1 << (255 - bit), bit


@given(st.floats(0, 255))
def test_a_block_at_the_mean_is_a_bit_whatever_the_level(level: float) -> None:
    assert text(block_mean256_of_means(np.full((16, 16), level))) == "f" * 64


def test_flat_thumbnails_have_all_block_mean_bits() -> None:
    for level in range(256):
        grey = np.full((256, 256), level, np.uint8)
        assert text(block_mean256(grey)) == "f" * 64 == block_mean_reference(grey)


def test_the_means_are_left_alone() -> None:
    means = np.random.default_rng(4).uniform(0, 255, (16, 16))
    before = means.copy()
    first = text(block_mean256_of_means(means))
    np.testing.assert_array_equal(means, before)
    assert text(block_mean256_of_means(np.asfortranarray(means))) == first


# --- Colour hash ------------------------------------------------------------------------------------------------------


def colour(image: Image.Image) -> str:
    luma, hsv = np.array(image.convert("L")), np.array(image.convert("HSV"))
    return f"{colour_hash42(luma, hsv):011x}"


def assert_colour(rgb: U8) -> None:
    image = Image.fromarray(rgb)
    assert colour(image) == str(imagehash.colorhash(image, binbits=3))


class Planes:
    """What `imagehash.colorhash` asks of an image, with the planes it is to see."""

    def __init__(self, luma: U8, hsv: U8) -> None:
        size = luma.shape[::-1]
        self.planes = {mode: Image.frombytes(mode, size, x.tobytes()) for mode, x in (("L", luma), ("HSV", hsv))}

    def convert(self, mode: str) -> Image.Image:
        return self.planes[mode]


def assert_planes(luma: U8, hsv: U8) -> None:
    assert f"{colour_hash42(luma, hsv):011x}" == str(imagehash.colorhash(Planes(luma, hsv), binbits=3))  # type: ignore[arg-type]


def test_photographs_have_the_colours_of_imagehash(photos: dict[str, U8]) -> None:
    for rgb in photos.values():
        assert_colour(rgb[: rgb.shape[0] // 2])
        assert_colour(np.ascontiguousarray(rgb[::3, ::3]))


def test_crops_have_the_colours_of_imagehash(photos: dict[str, U8]) -> None:
    for rgb in crops(photos, 150, 7):
        assert_colour(rgb)


def test_palette_like_pictures_have_the_colours_of_imagehash() -> None:
    rng = np.random.default_rng(8)
    for _ in range(150):
        palette = rng.integers(0, 256, (rng.integers(1, 9), 3), np.uint8)
        assert_colour(palette[rng.integers(0, len(palette), rng.integers(1, 40, 2))])


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 30), st.integers(1, 30), st.just(3))))
@settings(max_examples=100)
def test_any_colours_hash_as_with_imagehash(rgb: U8) -> None:
    assert_colour(rgb)


@given(
    hnp.arrays(np.uint8, (6, 8), elements=st.sampled_from([0, 31, 32, 33, 255])),
    hnp.arrays(
        np.uint8, (6, 8), elements=st.sampled_from([0, 42, 43, 84, 85, 86, 127, 128, 169, 170, 171, 212, 213, 255])
    ),
    hnp.arrays(np.uint8, (6, 8), elements=st.sampled_from([0, 84, 85, 86, 169, 170, 171, 255])),
)
@settings(max_examples=150)
def test_values_at_the_edges_fall_where_imagehash_has_them(luma: U8, hue: U8, saturation: U8) -> None:
    assert_planes(luma, np.stack([hue, saturation, np.full_like(hue, 200)], axis=2))


def test_every_single_pixel_of_hue_and_saturation() -> None:
    for saturation in (0, 84, 85, 169, 170, 171, 255):
        for hue in range(256):
            assert_planes(np.full((1, 1), 100, np.uint8), np.array([[[hue, saturation, 200]]], np.uint8))


@pytest.mark.parametrize("pixels", [3, 7, 8, 24, 41])
def test_amounts_are_cut_to_eighths_as_by_imagehash(pixels: int) -> None:
    """Every share of black, of grey, and of one hue among two."""
    for share in range(pixels + 1):
        first = np.arange(pixels)[None] < share
        flat = np.full((1, pixels), 100, np.uint8)
        hsv = np.stack([flat, flat * 0 + 200, flat], axis=2)
        assert_planes(np.where(first, 10, flat).astype(np.uint8), hsv)
        grey = hsv.copy()
        grey[..., 1][first] = 10
        assert_planes(flat, grey)
        two = hsv.copy()
        two[..., 0][first] = 20
        assert_planes(flat, two)


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ((0, 0, 0), 0b111 << 39),
        ((255, 255, 255), 0b111 << 36),
        ((90, 90, 90), 0b111 << 36),
        ((255, 0, 0), 0b111 << 15),
        ((255, 128, 128), 0b111 << 33),
        ((0, 255, 0), 0b111 << 9),
        ((255, 0, 40), 0b111),
        ((0, 0, 255), 0),  # its grey value is 29: black
    ],
)
def test_flat_colours_fill_one_place(level: tuple[int, int, int], expected: int) -> None:
    for shape in [(1, 1), (1, 50), (50, 1), (9, 13)]:
        rgb = np.full((*shape, 3), level, np.uint8)
        assert_colour(rgb)
        assert int(colour(Image.fromarray(rgb)), 16) == (expected or 0b111 << 39), shape


def test_an_amount_is_not_quite_binary() -> None:
    """Four eighths read 110, as six do."""
    luma = np.full((1, 8), 100, np.uint8)
    luma[0, :4] = 0
    assert colour_hash42(luma, np.zeros((1, 8, 3), np.uint8)) == 0b110110 << 36
    luma[0, :6] = 0
    assert colour_hash42(luma, np.zeros((1, 8, 3), np.uint8)) == 0b110010 << 36


def test_strided_planes_count_alike(photos: dict[str, U8]) -> None:
    image = Image.fromarray(photos["coffee"])
    luma, hsv = np.array(image.convert("L")), np.array(image.convert("HSV"))
    for planes in ((luma[::3, ::2], hsv[::3, ::2]), (luma[::-1], hsv[::-1])):
        assert colour_hash42(*planes) == colour_hash42(*(np.ascontiguousarray(plane) for plane in planes))
    assert colour_hash42(luma[::-1], hsv[::-1]) == colour_hash42(luma, hsv)
