"""Transparent pictures are laid over the ground on which they show: white, or black for what is nearly white."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from fingerprint.images.decode import read_grey, read_planes, read_rgb
from fingerprint.images.ground import WHITISH
from fingerprint.types import U8

SIZE = (64, 48)


def logo(colour: tuple[int, int, int], hidden: tuple[int, int, int]) -> Image.Image:
    """A drawing in one colour; what is transparent has another."""
    alpha = Image.new("L", SIZE, 0)
    draw = ImageDraw.Draw(alpha)
    draw.ellipse((8, 8, 40, 40), fill=255)
    draw.line((10, 44, 60, 4), fill=140, width=3)
    image = Image.new("RGB", SIZE, hidden)
    image.paste(colour, mask=alpha.point(lambda value: 255 if value else 0))
    image.putalpha(alpha)
    return image


def encode(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def hard(image: Image.Image) -> Image.Image:
    """The same with alpha 0 or 255."""
    image = image.copy()
    image.putalpha(image.getchannel("A").point(lambda value: 255 if value > 200 else 0))
    return image


def as_palette(image: Image.Image) -> Image.Image:
    """The same as a palette of two colours, of which the first is transparent."""
    palette = Image.new("P", SIZE, 0)
    palette.putpalette([7, 7, 7, *image.getpixel((24, 24))[:3]])  # type: ignore[index]
    palette.paste(1, mask=image.getchannel("A"))
    return palette


def as_named_colour(image: Image.Image, mode: str) -> tuple[Image.Image, object]:
    """The same without alpha, its transparent parts of one colour."""
    named = (1, 2, 3)
    plain = Image.new("RGB", SIZE, named)
    plain.paste(image.convert("RGB"), mask=image.getchannel("A"))
    return plain.convert(mode), named if mode == "RGB" else plain.convert(mode).getpixel((0, 0))


def kinds_of(image: Image.Image) -> dict[str, bytes | U8]:
    """A drawing with hard edges in every kind of transparency."""
    image = hard(image)
    rgb, colour = as_named_colour(image, "RGB")
    grey, level = as_named_colour(image, "L")
    return {
        "array": np.asarray(image),
        "PNG, RGBA": encode(image, "PNG"),
        "PNG, grey and alpha": encode(image.convert("LA"), "PNG"),
        "PNG, a colour": encode(rgb, "PNG", transparency=colour),
        "PNG, a grey level": encode(grey, "PNG", transparency=level),
        "PNG, palette with a transparent entry": encode(as_palette(image), "PNG", transparency=0),
        "PNG, palette with alpha": encode(as_palette(image), "PNG", transparency=bytes([0, 255])),
        "GIF": encode(as_palette(image), "GIF", transparency=0),
        "WebP": encode(image, "WEBP", lossless=True),
        "WebP, exact": encode(image, "WEBP", lossless=True, exact=True),
        "TIFF": encode(image, "TIFF"),
        "TIFF, deflated": encode(image, "TIFF", compression="tiff_adobe_deflate"),
        "AVIF": encode(image, "AVIF", quality=100),
    }


@pytest.mark.parametrize(
    ("colour", "ground"),
    [
        ((255, 255, 255), 0),
        ((235, 235, 235), 0),
        ((255, 255, 0), 0),
        ((WHITISH + 1,) * 3, 0),
        ((WHITISH,) * 3, 255),
        ((128, 128, 128), 255),
        ((200, 30, 60), 255),
        ((0, 0, 0), 255),
    ],
)
@pytest.mark.parametrize("hidden", [(255, 255, 255), (0, 0, 0), (90, 160, 20)])
def test_every_kind_of_transparency_lies_on_the_ground_where_it_shows(
    colour: tuple[int, int, int], ground: int, hidden: tuple[int, int, int]
) -> None:
    drawing = logo(colour, hidden)
    for name, source in kinds_of(drawing).items():
        if "grey" in name and colour not in ((255, 255, 255), (0, 0, 0)):
            continue  # what is grey has another colour
        pixels = read_rgb(source).pixels
        tolerance = 6 if name == "AVIF" else 0
        assert np.abs(pixels[0, 0].astype(int) - ground).max() <= tolerance, name
        assert np.abs(pixels[24, 24].astype(int) - colour).max() <= tolerance, name
        assert not read_rgb(source).plain, name
        contrast = np.ptp(read_grey(source).pixels.astype(int))
        assert contrast >= 50, name
        assert np.array_equal(read_planes(source).pixels[..., 0], read_grey(source).pixels), name


def test_soft_edges_are_mixed_with_the_ground() -> None:
    pixels = read_rgb(encode(logo((255, 255, 255), (0, 0, 0)), "PNG")).pixels
    assert set(np.unique(pixels)) == {0, 140, 255}


def test_alpha_weighs_what_shows() -> None:
    """Many faint white pixels weigh less than few dark ones that cover."""
    pixels = np.full((10, 10, 4), (255, 255, 255, 10), np.uint8)
    pixels[0] = (0, 0, 0, 255)
    assert read_grey(pixels).pixels[5, 5] == 255
    pixels[..., 3] = 255
    pixels[5:, :, 3] = 0
    pixels[0, :5] = 255
    assert read_grey(pixels).pixels[9, 9] == 0  # nine tenths of what shows are white


def test_nothing_visible_is_white() -> None:
    assert (read_rgb(np.zeros((4, 4, 4), np.uint8)).pixels == 255).all()


def test_what_is_opaque_needs_no_ground(photos: dict[str, U8]) -> None:
    pixels = np.dstack([photos["chelsea"], np.full(photos["chelsea"].shape[:2], 255, np.uint8)])
    assert np.array_equal(read_rgb(pixels).pixels, photos["chelsea"])
