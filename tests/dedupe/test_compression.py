"""What JPEG did to a picture is known by its pixels, whatever it was saved as since."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from fingerprint.dedupe.compression import pixel_quality
from fingerprint.images.decode import read_grey
from fingerprint.types import U8

NAMES = ("astronaut", "chelsea", "coffee", "motorcycle_left")
QUALITIES = (50, 60, 75, 85)


def fresh(photos: dict[str, U8], name: str) -> Image.Image:
    """Return a photograph that was never compressed: reduced by an odd factor."""
    image = Image.fromarray(photos[name])
    factor = 450 / max(image.size)
    return image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.LANCZOS)


def saved(image: Image.Image, form: str, quality: int = 75) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **({} if form == "PNG" else {"quality": quality}))
    return file.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def drawn_on(image: Image.Image) -> Image.Image:
    pixels = np.array(image)
    cv2.rectangle(pixels, (20, 20), (image.width // 2, image.height // 4), (255, 230, 0), -1)
    cv2.putText(pixels, "a caption", (25, 60), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (0, 0, 0), 2)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("name", NAMES)
def test_the_quality_of_a_jpeg_is_in_its_pixels(photos: dict[str, U8], name: str, quality: int) -> None:
    found = pixel_quality(read_grey(saved(fresh(photos, name), "JPEG", quality)).pixels)
    assert found == pytest.approx(quality, abs=3)


@pytest.mark.parametrize("quality", [50, 75])
@pytest.mark.parametrize("name", NAMES)
def test_saving_again_with_less_loss_brings_nothing_back(photos: dict[str, U8], name: str, quality: int) -> None:
    once = opened(saved(fresh(photos, name), "JPEG", quality))
    mirrored = once.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    again = {
        "JPEG": saved(once, "JPEG", 92),
        "PNG": saved(once, "PNG"),
        "drawn on": saved(drawn_on(once), "JPEG", 95),
        "mirrored": saved(mirrored, "PNG"),
        "upside down": saved(once.transpose(Image.Transpose.ROTATE_180), "PNG"),
    }
    for what, data in again.items():
        assert pixel_quality(read_grey(data).pixels) == pytest.approx(quality, abs=3), what


@pytest.mark.parametrize(("first", "second"), [(65, 75), (72, 80), (72, 85), (80, 85)])
@pytest.mark.parametrize("name", NAMES)
def test_a_little_less_loss_brings_nothing_back(photos: dict[str, U8], name: str, first: int, second: int) -> None:
    once = opened(saved(fresh(photos, name), "JPEG", first))
    again = saved(drawn_on(once), "JPEG", second)
    assert pixel_quality(read_grey(again).pixels) == pytest.approx(first, abs=3)
    whole_blocks = once.crop((0, 0, once.width // 8 * 8, once.height))
    mirrored = saved(whole_blocks.transpose(Image.Transpose.FLIP_LEFT_RIGHT), "JPEG", second)
    assert pixel_quality(read_grey(mirrored).pixels) == pytest.approx(first, abs=3)


@pytest.mark.parametrize("name", NAMES)
def test_more_loss_counts(photos: dict[str, U8], name: str) -> None:
    once = opened(saved(fresh(photos, name), "JPEG", 90))
    assert pixel_quality(read_grey(saved(once, "JPEG", 60)).pixels) == pytest.approx(60, abs=3)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_said_of_what_was_never_compressed_or_was_scaled_since(photos: dict[str, U8], name: str) -> None:
    image = fresh(photos, name)
    assert pixel_quality(read_grey(saved(image, "PNG")).pixels) is None
    once = opened(saved(image, "JPEG", 60))
    scaled = once.resize((image.width * 4 // 5, image.height * 4 // 5), Image.Resampling.BICUBIC)
    assert pixel_quality(read_grey(saved(scaled, "PNG")).pixels) is None


@pytest.mark.parametrize("shape", [(5, 400), (8, 8), (200, 200)])
def test_nothing_is_said_of_what_is_small_or_plain(shape: tuple[int, int]) -> None:
    assert pixel_quality(np.full(shape, 7, np.uint8)) is None
