"""Thumbnails: what is kept of a reference's pixels, and what comes back."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingerprint.errors import CollectionCorruptError
from fingerprint.features.thumbnail import (
    QUERY_SIDE,
    THUMBNAIL_SIDE,
    is_flat,
    lengthen,
    make_pyramid,
    make_thumbnail,
    open_thumbnail,
    pack_thumbnail,
    shorten,
    shrink,
)
from fingerprint.types import U8

SQUARE = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)


@pytest.fixture(scope="module")
def grey(photos: dict[str, U8]) -> U8:
    return np.asarray(cv2.cvtColor(photos["coffee"], cv2.COLOR_RGB2GRAY), np.uint8)


def test_a_thumbnail_is_a_small_grey_jpeg_of_the_picture(grey: U8) -> None:
    stored = make_thumbnail(grey)
    assert (stored.dtype, stored.ndim) == (np.uint8, 1)
    assert 2_000 < len(stored) < 9_000
    decoded = cv2.imdecode(stored, cv2.IMREAD_UNCHANGED)
    assert decoded is not None
    assert decoded.shape == SQUARE  # one channel
    off = open_thumbnail(stored).astype(int) - shrink(grey, *SQUARE)
    assert np.abs(off).mean() < 6


def test_the_same_picture_gives_the_same_bytes(grey: U8) -> None:
    strided = np.repeat(grey, 2, axis=1)[:, ::2]
    assert make_thumbnail(grey).tobytes() == make_thumbnail(strided).tobytes()


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1), (20, 30), (191, 193), (64, 64), (30, 2000)])
def test_any_shape_becomes_a_square(shape: tuple[int, int]) -> None:
    height, width = shape
    ramp = np.add.outer(np.linspace(0, 120, height), np.linspace(0, 120, width)).astype(np.uint8)
    square = open_thumbnail(make_thumbnail(ramp))
    assert square.shape == SQUARE
    assert abs(float(square.mean()) - float(ramp.mean())) < 4


def test_what_is_enlarged_in_one_direction_is_averaged_in_the_other() -> None:
    stripes = np.zeros((30, 192 * 16), np.uint8)
    stripes[:, ::2] = 200  # without averaging all samples would be of one kind
    assert np.abs(open_thumbnail(make_thumbnail(stripes)).astype(int) - 100).max() < 6


def test_an_enlarged_picture_is_smooth() -> None:
    ramp = np.tile(np.arange(0, 240, 10, dtype=np.uint8), (24, 1))
    steps = np.diff(open_thumbnail(make_thumbnail(ramp)).astype(int), axis=1)
    assert steps.max() < 9  # a step of 10 is spread over eight pixels


def test_raw_pixels_are_packed_without_loss(grey: U8) -> None:
    raw = shrink(grey, 64, 64)
    assert open_thumbnail(raw) is raw
    packed = pack_thumbnail(raw)
    assert packed.ndim == 1
    np.testing.assert_array_equal(open_thumbnail(packed), raw)


@pytest.mark.parametrize("kind", ["jpeg", "png"])
@pytest.mark.parametrize("harm", ["empty", "cut", "started late", "noise", "middle gone"])
def test_damaged_bytes_are_refused(harm: str, kind: str, grey: U8) -> None:
    whole = make_thumbnail(grey) if kind == "jpeg" else pack_thumbnail(shrink(grey, 64, 64))
    damaged = {
        "empty": whole[:0],
        "cut": whole[:-1],
        "started late": whole[1:],
        "noise": np.random.default_rng(0).integers(0, 256, 400).astype(np.uint8),
        "middle gone": np.concatenate([whole[:8], whole[-12:]]),
    }[harm]
    with pytest.raises(CollectionCorruptError, match=rf"{len(damaged)} bytes of its stored thumbnail.*index check"):
        open_thumbnail(damaged)


def test_a_picture_that_is_no_square_is_refused() -> None:
    oblong = cv2.imencode(".png", np.zeros((8, 9), np.uint8))[1].reshape(-1)
    with pytest.raises(CollectionCorruptError, match="square"):
        open_thumbnail(np.asarray(oblong, np.uint8))


def test_flat_does_not_depend_on_the_size_or_on_fine_noise(grey: U8) -> None:
    noise = np.random.default_rng(0).normal(128, 6, (768, 768)).astype(np.uint8)
    for pixels, flat in ((noise, True), (grey, False), (np.full((5, 3), 9, np.uint8), True)):
        seen = (pixels, make_pyramid(pixels)[0], shrink(pixels, 64, 64), open_thumbnail(make_thumbnail(pixels)))
        assert [is_flat(each) for each in seen] == [flat] * 4


def test_the_pyramid_halves_from_512_pixels_on(grey: U8) -> None:
    levels = make_pyramid(np.ascontiguousarray(np.tile(grey, (2, 2))))
    assert QUERY_SIDE == 512
    assert [max(level.shape) for level in levels] == [512, 256, 128, 64, 32, 16]
    small = grey[:100, :80]
    np.testing.assert_array_equal(make_pyramid(small)[0], small)


def test_a_shortened_one_comes_back_to_the_byte(photos: dict[str, U8]) -> None:
    """The head that is left out is the one that this version of OpenCV writes."""
    for pixels in photos.values():
        whole = make_thumbnail(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8))
        short = shorten(whole)
        assert len(whole) - len(short) == 328
        assert lengthen(short).tobytes() == whole.tobytes()


def test_another_head_is_kept(grey: U8) -> None:
    png = pack_thumbnail(shrink(grey, 64, 64))
    other = np.asarray(cv2.imencode(".jpg", shrink(grey, *SQUARE), [cv2.IMWRITE_JPEG_QUALITY, 54])[1]).reshape(-1)
    for whole in (png, other):
        assert len(shorten(whole)) == len(whole) + 2
        assert lengthen(shorten(whole)).tobytes() == whole.tobytes()


@given(st.binary(max_size=40), st.sampled_from(["", "head", "both ends"]))
def test_any_bytes_come_back(data: bytes, ends: str) -> None:
    blank = make_thumbnail(np.zeros((192, 192), np.uint8)).tobytes()
    whole = {"": data, "head": blank[:328] + data, "both ends": blank[:328] + data + blank[-2:]}[ends]
    assert lengthen(shorten(np.frombuffer(whole, np.uint8))).tobytes() == whole


def test_a_damaged_one_is_refused_though_opencv_would_decode_it(grey: U8) -> None:
    short = shorten(make_thumbnail(grey)).copy()
    short[1_000] ^= 1
    with pytest.raises(CollectionCorruptError, match="not a square JPEG or PNG"):
        open_thumbnail(lengthen(short))
    with pytest.raises(CollectionCorruptError):
        open_thumbnail(lengthen(np.zeros(4_000, np.uint8)))
