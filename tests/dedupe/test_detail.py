"""Enlarged pictures are known by their spectrum, and borders by what does not go on within them."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from fingerprint.dedupe.detail import detail_share, drops, plain_share, share_of, shows_no_more, was_enlarged
from fingerprint.types import U8

NAMES = ("astronaut", "chelsea", "coffee", "motorcycle_left")
METHODS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)


def grey(photos: dict[str, U8], name: str, scale: float = 1.0, method: Image.Resampling = METHODS[0]) -> U8:
    image = Image.fromarray(photos[name]).convert("L")
    image.thumbnail((400, 400), Image.Resampling.LANCZOS)  # so that no photograph is soft by itself
    size = round(image.width * scale), round(image.height * scale)
    return np.asarray(image if scale == 1 else image.resize(size, method))


@pytest.mark.parametrize("name", NAMES)
def test_a_photograph_needs_all_its_pixels(photos: dict[str, U8], name: str) -> None:
    assert detail_share(grey(photos, name)) == 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", NAMES)
def test_enlarged_twice_it_needs_half(photos: dict[str, U8], name: str, method: Image.Resampling) -> None:
    assert detail_share(grey(photos, name, 2, method)) == pytest.approx(0.5, abs=0.17)


@pytest.mark.parametrize("name", NAMES)
def test_enlarged_three_times_it_needs_a_third(photos: dict[str, U8], name: str) -> None:
    assert detail_share(grey(photos, name, 3, METHODS[1])) <= 0.5


def test_what_has_no_spectrum_needs_all() -> None:
    assert detail_share(np.zeros((5, 400), np.uint8)) == 1
    assert detail_share(np.full((200, 200), 7, np.uint8)) == 1


def encoded(pixels: U8, quality: int) -> U8:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


@pytest.mark.parametrize("name", NAMES)
def test_a_compressed_copy_of_a_soft_photograph_shows_no_more(photos: dict[str, U8], name: str) -> None:
    soft = np.asarray(cv2.GaussianBlur(grey(photos, name), (0, 0), 0.6), np.uint8)
    assert shows_no_more(drops(soft), drops(encoded(soft, 60)))
    assert shows_no_more(drops(soft), drops(soft))


@pytest.mark.parametrize("name", NAMES)
def test_the_source_of_an_enlarged_copy_shows_more(photos: dict[str, U8], name: str) -> None:
    source = Image.fromarray(grey(photos, name))
    small = source.resize((source.width // 2, source.height // 2), METHODS[2])
    enlarged = drops(encoded(np.asarray(small.resize(source.size, METHODS[1])), 90))
    assert share_of(enlarged) < 1
    assert not shows_no_more(enlarged, drops(np.asarray(source)))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scale", [1.25, 1.6, 2.5])
@pytest.mark.parametrize("name", NAMES)
def test_which_of_two_sizes_was_made_from_the_other(
    photos: dict[str, U8], name: str, scale: float, method: Image.Resampling
) -> None:
    source = grey(photos, name)
    large = encoded(grey(photos, name, scale, method), 90)
    assert was_enlarged(large, source)
    assert not was_enlarged(source, large)
    small = encoded(grey(photos, name, 1 / scale, method), 70)
    assert not was_enlarged(source, small)
    soft = np.asarray(cv2.GaussianBlur(source, (0, 0), 1.0), np.uint8)
    image = Image.fromarray(soft)
    reduced = image.resize((round(image.width / scale), round(image.height / scale)), method)
    assert not was_enlarged(soft, encoded(np.asarray(reduced), 70))


def test_of_pictures_without_a_spectrum_nothing_is_said() -> None:
    assert not was_enlarged(np.zeros((200, 200), np.uint8), np.zeros((100, 100), np.uint8))
    assert not was_enlarged(np.zeros((20, 20), np.uint8), np.zeros((10, 10), np.uint8))


BOX = (0.0, 60.0, 255.0, 195.0)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_bars_are_plain_around_a_photograph(photos: dict[str, U8], value: int) -> None:
    inside = np.asarray(Image.fromarray(grey(photos, "coffee")).resize((256, 136)))
    page = np.full((256, 256), value, np.uint8)
    page[60:196] = inside
    assert plain_share(page, (256, 256), [BOX]) == 1
    assert plain_share(np.asarray(Image.fromarray(page).resize((512, 512))), (256, 256), [BOX]) > 0.98


def test_a_sky_goes_on_within_the_crop_and_is_no_border(photos: dict[str, U8]) -> None:
    scene = np.full((256, 256), 180, np.uint8)
    scene[120:] = np.asarray(Image.fromarray(grey(photos, "coffee")).resize((256, 136)))
    crop = (0.0, 60.0, 255.0, 255.0)
    assert plain_share(scene, (256, 256), [crop]) == 0
    scene[:60] = 255  # a bar above the same sky
    assert plain_share(scene, (256, 256), [crop]) == 1


def test_nothing_is_plain_around_the_whole() -> None:
    assert plain_share(np.full((20, 30), 9, np.uint8), (30, 20), [(-0.5, -0.5, 29.5, 19.5)]) == 0
