"""The door from bytes to pixels: every format and mode, upright, over white, and a reason for what cannot be read."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from fingerprint.config import ReadLimits
from fingerprint.errors import FingerprintError, ImageError
from fingerprint.images import files, stream
from fingerprint.images.decode import read_grey, read_planes, read_rgb
from fingerprint.images.find import IMAGE_SUFFIXES, find_images
from fingerprint.types import U8

PILLOW = int(PIL.__version__.partition(".")[0])  # before 13 it cannot read a TIFF of YCbCr that is not compressed
SIZE = (96, 64)  # width, height: no square, so that turning shows


@pytest.fixture(scope="module")
def scene(photos: dict[str, U8]) -> Image.Image:
    """A small photograph without any symmetry."""
    return Image.fromarray(photos["chelsea"]).resize(SIZE, Image.Resampling.LANCZOS)


def encode(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def mean_error(a: U8, b: U8) -> float:
    assert a.shape == b.shape
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


def grey_of(rgb: U8) -> U8:
    r, g, b = (rgb[..., i].astype(np.int64) for i in range(3))
    return ((19595 * r + 38470 * g + 7471 * b + 32768) >> 16).astype(np.uint8)


def png(header: tuple[int, ...], pixels: bytes) -> bytes:
    """Build a PNG by hand: `header` as in IHDR, `pixels` with a filter byte before each row."""
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", *header)), (b"IDAT", zlib.compress(pixels)), (b"IEND", b""))
    parts = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


LOSSLESS = [
    ("PNG", {}),
    ("WEBP", {"lossless": True}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("TIFF", {"compression": "tiff_adobe_deflate", "big_tiff": True}),
    ("BMP", {}),
    ("PPM", {}),
]
LOSSY = [
    ("JPEG", {"quality": 95, "subsampling": 0}),
    ("JPEG", {"quality": 95, "progressive": True}),
    ("WEBP", {"quality": 95}),
    ("AVIF", {"quality": 95}),
    ("TIFF", {"compression": "jpeg", "quality": 95}),
]


def label(value: object) -> str:
    return value if isinstance(value, str) else "-".join(str(v) for v in value.values()) if value else ""  # type: ignore[attr-defined]


@pytest.mark.parametrize(("form", "options"), LOSSLESS, ids=label)
def test_lossless_formats_come_back_exactly(form: str, options: dict[str, object], scene: Image.Image) -> None:
    data = encode(scene, form, **options)
    picture = read_rgb(data)
    assert picture.pixels.dtype == np.uint8
    assert np.array_equal(picture.pixels, np.asarray(scene))
    assert (picture.width, picture.height) == SIZE
    grey = read_grey(data)
    assert np.array_equal(grey.pixels, grey_of(np.asarray(scene)))
    assert (grey.width, grey.height) == SIZE


@pytest.mark.parametrize(("form", "options"), LOSSY, ids=label)
def test_lossy_formats_come_back_nearly(form: str, options: dict[str, object], scene: Image.Image) -> None:
    data = encode(scene, form, **options)
    assert mean_error(read_rgb(data).pixels, np.asarray(scene)) < 5
    assert mean_error(read_grey(data).pixels, grey_of(np.asarray(scene))) < 3


def test_a_path_a_string_and_bytes_are_one(tmp_path: Path, scene: Image.Image) -> None:
    data = encode(scene, "JPEG")
    path = tmp_path / "named.anything"  # the content tells the format, not the name
    path.write_bytes(data)
    pictures = [read_rgb(path), read_rgb(str(path)), read_rgb(data)]
    assert [picture.name for picture in pictures] == [str(path), str(path), "<bytes>"]
    assert all(np.array_equal(picture.pixels, pictures[0].pixels) for picture in pictures)


@pytest.mark.parametrize("form", ["PNG", "TIFF", "GIF", "BMP", "PPM", "JPEG", "WEBP", "AVIF"])
def test_grey_and_one_bit_pictures(form: str, scene: Image.Image) -> None:
    luma = scene.convert("L")
    exact = form in ("PNG", "TIFF", "GIF", "BMP", "PPM")
    data = encode(luma, form)
    assert mean_error(read_grey(data).pixels, np.asarray(luma)) < (1e-9 if exact else 4)
    rgb = read_rgb(data).pixels
    assert mean_error(rgb, np.stack([np.asarray(luma)] * 3, axis=2)) < (1e-9 if exact else 4)
    if form in ("PNG", "TIFF", "BMP", "PPM"):
        bits = luma.convert("1")
        expected = np.where(np.asarray(bits), 255, 0).astype(np.uint8)
        assert np.array_equal(read_grey(encode(bits, form)).pixels, expected)


@pytest.mark.parametrize("form", ["PNG", "TIFF", "GIF", "BMP"])
def test_palettes_become_colours(form: str, scene: Image.Image) -> None:
    palette = scene.quantize(32)
    expected = np.asarray(palette.convert("RGB"))
    assert np.array_equal(read_rgb(encode(palette, form)).pixels, expected)
    assert np.array_equal(read_grey(encode(palette, form)).pixels, grey_of(expected))


@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP", "AVIF"])
def test_transparent_pixels_lie_over_white(form: str, scene: Image.Image) -> None:
    alpha = np.tile(np.linspace(0, 255, SIZE[0]).astype(np.uint8), (SIZE[1], 1))
    rgba = np.dstack([np.asarray(scene), alpha])
    weight = alpha[..., None] / 255
    expected = np.rint(rgba[..., :3] * weight + 255 * (1 - weight)).astype(np.uint8)
    lossless: dict[str, dict[str, object]] = {"WEBP": {"lossless": True, "exact": True}, "AVIF": {"quality": 95}}
    options = lossless.get(form, {})
    data = encode(Image.fromarray(rgba), form, **options)
    tolerance = 3 if form == "AVIF" else 0.5
    assert mean_error(read_rgb(data).pixels, expected) < tolerance
    assert mean_error(read_grey(data).pixels, grey_of(expected)) < tolerance
    assert mean_error(read_rgb(rgba).pixels, expected) < 0.5  # and an array likewise


def test_grey_with_alpha_lies_over_white() -> None:
    values = np.array([[[0, 0], [0, 255], [100, 0], [100, 255]]], np.uint8)
    assert read_grey(encode(Image.fromarray(values), "PNG")).pixels.tolist() == [[255, 0, 255, 100]]


@pytest.mark.parametrize("form", ["PNG", "GIF"])
def test_a_transparent_palette_entry_is_white(form: str) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    assert read_rgb(encode(image, form)).pixels.tolist() == [[[10, 20, 30], [40, 50, 60]]]
    assert read_rgb(encode(image, form, transparency=1)).pixels.tolist() == [[[10, 20, 30], [255, 255, 255]]]


def test_a_palette_with_partial_alpha_is_mixed_with_white() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, 100, 100, 100])
    image.putpixel((1, 0), 1)
    pixels = read_grey(encode(image, "PNG", transparency=bytes([51, 255]))).pixels
    assert pixels.tolist() == [[204, 100]]


@pytest.mark.parametrize(("mode", "key"), [("RGB", (9, 9, 9)), ("L", 9)])
def test_a_transparent_colour_is_white(mode: str, key: object) -> None:
    image = Image.new(mode, (2, 1), key)  # type: ignore[arg-type]
    image.putpixel((1, 0), 0 if mode == "L" else (0, 0, 0))
    assert read_grey(encode(image, "PNG", transparency=key)).pixels.tolist() == [[255, 0]]


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk_becomes_rgb(form: str, scene: Image.Image) -> None:
    inked = scene.convert("CMYK")
    data = encode(inked, form, **({"quality": 95} if form == "JPEG" else {}))
    with Image.open(io.BytesIO(data)) as check:
        assert check.mode == "CMYK"
    assert mean_error(read_rgb(data).pixels, np.asarray(scene)) < 4
    assert mean_error(read_grey(data).pixels, grey_of(np.asarray(scene))) < 4


def test_ycbcr_and_lab_become_rgb(scene: Image.Image) -> None:
    assert (
        mean_error(read_rgb(encode(scene.convert("YCbCr"), "TIFF", compression="tiff_lzw")).pixels, np.asarray(scene))
        < 2
    )
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    lab = ImageCms.applyTransform(scene, ImageCms.buildTransform(*profiles, "RGB", "LAB"))
    assert lab is not None
    assert mean_error(read_rgb(encode(lab, "TIFF")).pixels, np.asarray(scene)) < 2


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_16_bit_grey_keeps_its_high_byte(form: str) -> None:
    deep = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64)
    data = encode(Image.fromarray(deep), form)
    assert np.array_equal(read_grey(data).pixels, deep >> 8)
    assert np.array_equal(read_rgb(data).pixels[..., 2], deep >> 8)


def test_big_endian_16_bit_grey() -> None:
    tags = [(256, 4), (257, 1), (258, 16), (259, 1), (262, 1), (273, 122), (277, 1), (278, 1), (279, 8)]
    data = struct.pack(">2sHIH", b"MM", 42, 8, len(tags))
    data += b"".join(struct.pack(">HHII", tag, 4, 1, value) for tag, value in tags) + bytes(4)
    assert len(data) == 122
    data += np.array([0, 255, 256, 65535], ">u2").tobytes()
    assert read_grey(data).pixels.tolist() == [[0, 0, 1, 255]]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 7, 255], [0, 7, 255]),
        ([-5, 256, 65535], [0, 1, 255]),
        ([0, 1 << 23, (1 << 31) - 1], [0, 1, 255]),
    ],
)
def test_32_bit_whole_numbers(values: list[int], expected: list[int]) -> None:
    data = encode(Image.fromarray(np.array([values], np.int32)), "TIFF")
    assert read_grey(data).pixels.tolist() == [expected]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([-1.0, 0.0, 1.0], [0, 128, 255]),
        ([0.25, 0.25, 0.25], [0, 0, 0]),
        ([np.nan, 3.0, 4.0], [0, 0, 255]),
        ([-np.inf, np.inf, np.nan], [0, 0, 0]),
        ([-3e38, 0.0, 3e38], [0, 128, 255]),
    ],
)
def test_floats_are_stretched(values: list[float], expected: list[int]) -> None:
    data = encode(Image.fromarray(np.array([values], np.float32)), "TIFF")
    assert read_grey(data).pixels.tolist() == [expected]


def test_16_bit_colour_png() -> None:
    row = struct.pack(">6H", 0x1234, 0xFFFF, 0x0000, 0x8000, 0x00FF, 0x0100)
    data = png((2, 1, 16, 2, 0, 0, 0), b"\0" + row)
    assert read_rgb(data).pixels.tolist() == [[[0x12, 0xFF, 0x00], [0x80, 0x00, 0x01]]]


@pytest.mark.parametrize(("form", "options"), [("GIF", {}), ("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {})])
def test_of_several_frames_the_first_counts(form: str, options: dict[str, object]) -> None:
    frames = [Image.new("RGB", (8, 4), colour) for colour in ("red", "lime", "blue")]
    data = encode(frames[0], form, save_all=True, append_images=frames[1:], **options)
    with Image.open(io.BytesIO(data)) as check:
        assert check.n_frames == 3  # type: ignore[attr-defined]
    assert np.array_equal(read_rgb(data).pixels, np.full((4, 8, 3), (255, 0, 0)))


def test_of_an_mpo_the_first_picture_counts(scene: Image.Image) -> None:
    data = encode(scene, "MPO", save_all=True, append_images=[Image.new("RGB", SIZE, "red")], quality=95)
    with Image.open(io.BytesIO(data)) as check:
        assert check.format == "MPO"
    assert mean_error(read_rgb(data).pixels, np.asarray(scene)) < 5


# --- EXIF orientation -------------------------------------------------------------------------------------------------

#: How pixels must be stored so that each orientation shows them upright; NumPy's words, none of Pillow's.
STORED: dict[int, Callable[[U8], U8]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF", "JPEG", "AVIF"])
def test_every_orientation_comes_upright(form: str, scene: Image.Image) -> None:
    fine: dict[str, object] = {"lossless": True} if form == "WEBP" else {"quality": 95}
    options = fine if form in ("WEBP", "JPEG", "AVIF") else {}
    for orientation in range(1, 9):
        upright = np.asarray(scene)
        stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](upright)))
        data = encode(stored, form, exif=exif(orientation), **options)
        tolerance = 5 if form in ("JPEG", "AVIF") else 1e-9
        for read, expected in ((read_rgb, upright), (read_grey, grey_of(upright))):
            picture = read(data)
            assert (picture.width, picture.height) == SIZE, orientation
            assert mean_error(picture.pixels, expected) < tolerance, orientation


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_scaled_jpeg_comes_upright_too(orientation: int, photos: dict[str, U8]) -> None:
    upright = photos["coffee"]
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](upright)))
    data = encode(stored, "JPEG", exif=exif(orientation), quality=95)
    picture = read_grey(data, at_least=150)
    assert (picture.width, picture.height) == (600, 400)
    assert picture.pixels.shape == (100, 150)
    assert mean_error(picture.pixels, grey_of(np.asarray(Image.fromarray(upright).reduce(4)))) < 3


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_unknown_orientation_means_none(orientation: int, scene: Image.Image) -> None:
    assert np.array_equal(read_rgb(encode(scene, "PNG", exif=exif(orientation))).pixels, np.asarray(scene))


def test_damaged_exif_leaves_the_picture_readable(scene: Image.Image) -> None:
    data = encode(scene, "WEBP", lossless=True, exif=b"Exif\0\0not a TIFF header")
    assert np.array_equal(read_rgb(data).pixels, np.asarray(scene))


# --- Scaled decoding --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at_least", "longer"),
    [(None, 600), (601, 600), (600, 600), (301, 600), (300, 300), (151, 300), (150, 150), (76, 150), (75, 75), (1, 75)],
)
def test_the_longer_side_of_a_jpeg_stays_long_enough(at_least: int | None, longer: int, photos: dict[str, U8]) -> None:
    data = encode(Image.fromarray(photos["coffee"]), "JPEG", quality=95)
    divisor = 600 // longer
    small = np.asarray(Image.fromarray(photos["coffee"]).reduce(divisor))
    for read, expected in ((read_grey, grey_of(small)), (read_rgb, small)):
        picture = read(data, at_least=at_least)
        assert picture.pixels.shape[:2] == (400 // divisor, longer)
        assert (picture.width, picture.height) == (600, 400)
        assert mean_error(picture.pixels, expected) < 4


@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 100))
def test_scaling_never_goes_below_what_was_asked(width: int, height: int, at_least: int) -> None:
    picture = read_grey(encode(Image.new("L", (width, height), 77), "JPEG"), at_least=at_least)
    assert (picture.width, picture.height) == (width, height)
    assert max(picture.pixels.shape) >= min(at_least, max(width, height))
    assert abs(int(picture.pixels.min()) - 77) <= 1


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF", "AVIF", "BMP"])
def test_other_formats_are_never_scaled(form: str, scene: Image.Image) -> None:
    assert read_grey(encode(scene, form), at_least=1).pixels.shape == SIZE[::-1]


def test_at_least_nothing_makes_no_sense(scene: Image.Image) -> None:
    with pytest.raises(ValueError, match="at_least"):
        read_grey(encode(scene, "JPEG"), at_least=0)


# --- Arrays -----------------------------------------------------------------------------------------------------------


def test_arrays_pass_through_as_copies(photos: dict[str, U8]) -> None:
    rgb = photos["astronaut"][::2, ::-3]  # strided, and not to be written to
    picture = read_rgb(rgb)
    assert np.array_equal(picture.pixels, rgb)
    assert picture.name == "<array>"
    assert picture.pixels.flags.writeable
    assert not np.shares_memory(picture.pixels, rgb)
    assert np.array_equal(read_grey(rgb).pixels, grey_of(rgb))
    grey = grey_of(rgb)
    assert np.array_equal(read_rgb(grey).pixels, np.dstack([grey] * 3))
    assert not np.shares_memory(read_grey(grey).pixels, grey)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4), np.float32),
        np.zeros((4, 4), np.int64),
        np.zeros((4, 4), bool),
        np.zeros(4, np.uint8),
        np.zeros((4, 4, 1), np.uint8),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((4, 4, 5), np.uint8),
        np.zeros((1, 4, 4, 3), np.uint8),
        np.zeros((0, 4), np.uint8),
        np.zeros((4, 0, 3), np.uint8),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_other_arrays_are_refused(array: U8) -> None:
    with pytest.raises(ImageError, match="<array>"):
        read_grey(array)


def test_the_smallest_picture() -> None:
    for form in ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "PPM"):
        picture = read_grey(encode(Image.new("L", (1, 1), 200), form), at_least=64)
        assert picture.pixels.shape == (1, 1)
        assert abs(int(picture.pixels[0, 0]) - 200) <= 2


@given(st.integers(0, 2**32 - 1))
def test_grey_of_colours_is_pillows_luma(seed: int) -> None:
    rgb = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), np.uint8)
    grey = read_grey(rgb).pixels
    assert np.array_equal(grey, np.asarray(Image.fromarray(rgb).convert("L")))
    assert np.array_equal(grey, grey_of(rgb))


# --- What cannot be read ----------------------------------------------------------------------------------------------


def refusal(source: Path | bytes) -> ImageError:
    with pytest.raises(ImageError) as caught:
        read_grey(source)
    with pytest.raises(ImageError) as again:
        read_rgb(source)
    assert str(caught.value) == str(again.value)
    return caught.value


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "PPM"])
def test_truncated_files_are_refused(form: str, scene: Image.Image, tmp_path: Path) -> None:
    for part in [0.03, 0.2, 0.5, 0.9]:
        data = encode(scene, form)
        path = tmp_path / f"cut.{form.lower()}"
        path.write_bytes(data[: max(16, int(len(data) * part))])
        error = refusal(path)
        assert error.path == str(path), part
        assert form in error.reason, part
        assert "truncated" in error.reason or "damaged" in error.reason, part


@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_a_truncated_jpeg_is_refused_when_scaled(part: float, photos: dict[str, U8]) -> None:
    data = encode(Image.fromarray(photos["coffee"]), "JPEG")
    with pytest.raises(ImageError, match="truncated JPEG"):
        read_grey(data[: int(len(data) * part)], at_least=64)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"once upon a time there was a picture", "not an image of a known format"),
        (b"\xff\xd8\xff", "damaged JPEG"),
        (b"%PDF-1.7 and so on and on", "not an image of a known format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image of a known format"),
        (b"\0\0\0\x18ftypqt  \0\0\0\0qt  ....", "not an image of a known format"),
    ],
)
def test_what_is_no_image_is_refused(data: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "so-called.jpg"
    path.write_bytes(data)
    assert refusal(path).reason.startswith(reason)
    assert refusal(data).path == "<bytes>"


def test_missing_files_folders_and_pipes(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.jpg").reason == "no such file"
    assert refusal(tmp_path / "none" / "none.jpg").reason == "no such file"
    assert refusal(tmp_path).reason == "a folder, not an image"
    os.mkfifo(tmp_path / "pipe.jpg")
    assert refusal(tmp_path / "pipe.jpg").reason == "not a regular file"
    (tmp_path / "file").write_bytes(b"x")
    assert refusal(tmp_path / "file" / "below.jpg").reason == "Not a directory"
    assert refusal(Path("a\0b")).reason == "embedded null byte"


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, flags: int) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "a.jpg").write_bytes(b"x")
    monkeypatch.setattr(os, "open", refuse)
    assert refusal(tmp_path / "a.jpg").reason == "no permission to read it"


def test_too_many_pixels_are_refused_by_the_header() -> None:
    error = refusal(png((20_000, 10_001, 8, 0, 0, 0, 0), b"cut"))
    assert error.reason == "20000 x 10001 pixels are more than the limit of 180,000,000"


def test_a_picture_without_pixels_is_refused() -> None:
    assert refusal(png((0, 5, 8, 0, 0, 0, 0), b"")).reason == "no pixels (0 x 5)"
    with pytest.raises(ImageError, match=r"no pixels \(0 x 5\)"):
        read_grey(np.zeros((5, 0), np.uint8))


def test_the_limit_holds_for_arrays_too() -> None:
    limits = ReadLimits(max_pixels=99)
    assert read_grey(np.zeros((9, 11), np.uint8), limits=limits).width == 11
    with pytest.raises(ImageError, match="more than the limit of 99"):
        read_grey(np.zeros((10, 10), np.uint8), limits=limits)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "AVIF", "PPM"])
def test_pillows_bomb_guard_is_not_consulted(form: str, scene: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    data = encode(scene, form)
    monkeypatch.setattr(
        Image, "MAX_IMAGE_PIXELS", SIZE[0] * SIZE[1] - 1
    )  # Image.open would warn: an error under pytest
    assert read_grey(data).width == SIZE[0]


def test_where_the_guard_sits_deeper_it_is_not_consulted_either(
    scene: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert read_grey(encode(scene, "TIFF")).width == SIZE[0]


def test_no_memory_is_a_refusal(scene: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*args: object) -> U8:
        raise MemoryError

    monkeypatch.setattr(stream, "pixels_of", exhausted)
    assert refusal(encode(scene, "PNG")).reason == "not enough memory to decode this PNG file"


def test_a_pillow_without_a_codec_says_so(scene: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import AvifImagePlugin

    data = encode(scene, "AVIF")
    monkeypatch.setattr(AvifImagePlugin, "SUPPORTED", False)
    assert refusal(data).reason == "AVIF files cannot be read by this build of Pillow"


SIGNATURES = [
    *(b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBPVP8 ", b"RIFF\0\0\0\0WEBPVP8X", b"GIF89a", b"II*\0"),
    *(b"MM\0*", b"II+\0", b"BM", b"\0\0\0\x1cftypavif", b"P5\n", b"P6\n", b"Pf\n", b""),
]


@given(st.sampled_from(SIGNATURES), st.binary(max_size=120))
def test_any_bytes_are_a_picture_or_a_refusal(signature: bytes, rest: bytes) -> None:
    with contextlib.suppress(ImageError):  # any other exception fails
        picture = read_rgb(signature + rest)
        assert picture.pixels.shape == (picture.height, picture.width, 3)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "PPM"])
def test_damaged_files_are_a_picture_or_a_refusal(form: str, scene: Image.Image) -> None:
    rng = np.random.default_rng(7)
    data = encode(scene.resize((24, 16)), form)
    refused = 0
    for _ in range(120):
        damaged = np.frombuffer(data, np.uint8).copy()
        damaged[rng.integers(0, min(len(damaged), 300), 4)] = rng.integers(0, 256, 4)
        try:
            assert read_grey(damaged.tobytes(), at_least=8).pixels.ndim == 2
        except ImageError:
            refused += 1
    assert refused > 0


# --- Threads, files, folders ------------------------------------------------------------------------------------------


def test_threads_read_the_same(scene: Image.Image, tmp_path: Path) -> None:
    paths = []
    for form in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "PPM"):
        paths.append(tmp_path / form)
        paths[-1].write_bytes(encode(scene, form))
    alone = [read_grey(path, at_least=40).pixels for path in paths]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda path: read_grey(path, at_least=40).pixels, paths * 8))
    assert all(np.array_equal(pixels, alone[i % len(paths)]) for i, pixels in enumerate(together))


@pytest.mark.parametrize("small", [1 << 26, 0], ids=["in one piece", "as a stream"])
def test_files_are_closed(scene: Image.Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: int) -> None:
    opened: list[int] = []
    really_open = os.open

    def watch(path: Path, flags: int, *mode: int) -> int:
        number = really_open(path, flags, *mode)
        if Path(path).parent == tmp_path:  # a decoder that is started opens files of its own
            opened.append(number)
        return number

    read_rgb(encode(scene, "GIF"))  # starts the process that decodes such files, which takes numbers of files itself
    monkeypatch.setattr(os, "open", watch)
    monkeypatch.setattr(files, "_SMALL", small)
    for form in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "PPM"):
        data = encode(scene, form)
        (tmp_path / "whole").write_bytes(data)
        (tmp_path / "cut").write_bytes(data[: len(data) // 2])
        opened.clear()
        assert read_rgb(tmp_path / "whole").pixels.tolist() == read_rgb(data).pixels.tolist()
        assert read_grey(tmp_path / "whole").pixels.tolist() == read_grey(data).pixels.tolist()
        with pytest.raises(ImageError):
            read_rgb(tmp_path / "cut")
        assert len(opened) == 3
        for number in opened:
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.fstat(number)


def test_find_images_walks_folders_in_order(tmp_path: Path) -> None:
    names = ["b.jpg", "a.PNG", "notes.txt", ".hidden.jpg", "sub/z.webp", "sub/deep/y.tif", "Sub2/x.avif", ".git/w.jpg"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    images, ignored = find_images([tmp_path])
    assert [path.relative_to(tmp_path).as_posix() for path in images] == [
        *("a.PNG", "b.jpg", "Sub2/x.avif", "sub/z.webp", "sub/deep/y.tif")
    ]
    assert ignored == [tmp_path / "notes.txt"]
    again, _ = find_images([str(tmp_path)])
    assert again == images


def test_files_named_explicitly_are_taken_whatever_their_name(tmp_path: Path) -> None:
    for name in ("a.jpg", "notes.txt", ".hidden"):
        (tmp_path / name).write_bytes(b"")
    images, ignored = find_images([tmp_path / "notes.txt", tmp_path / ".hidden", tmp_path])
    assert images == [tmp_path / "notes.txt", tmp_path / ".hidden", tmp_path / "a.jpg"]
    assert ignored == []


def test_find_images_names_each_path_once(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"")
    images, _ = find_images([tmp_path / "a.jpg", tmp_path, tmp_path])
    assert images == [tmp_path / "a.jpg"]


def test_links_to_folders_are_told_not_followed(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.jpg").write_bytes(b"")
    (tmp_path / "inner" / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "link.jpg").symlink_to(tmp_path / "inner" / "a.jpg")
    images, ignored = find_images([tmp_path])
    assert images == [tmp_path / "link.jpg", tmp_path / "inner" / "a.jpg"]
    assert ignored == [tmp_path / "inner" / "loop"]


def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really_scan = os.scandir

    def scan(path: str) -> object:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", path)
        return really_scan(path)

    (tmp_path / "locked").mkdir()
    monkeypatch.setattr(os, "scandir", scan)
    assert find_images([tmp_path]) == ([], [tmp_path / "locked"])


def test_a_name_without_a_file_is_listed_so_that_reading_it_says_why(tmp_path: Path) -> None:
    """Named by itself or found in a folder: a dangling link does not end the run."""
    (tmp_path / "dangling.jpg").symlink_to(tmp_path / "gone")
    names = [tmp_path / "nowhere", tmp_path / "dangling.jpg", tmp_path / ("long" * 200), Path("null\0byte")]
    assert find_images(names) == (names, [])
    assert find_images([tmp_path])[0] == [tmp_path / "dangling.jpg"]
    for name in names:
        with pytest.raises(ImageError) as caught:
            read_grey(name)
        assert caught.value.path == str(name)


def test_suffixes_are_lower_case_and_dotted() -> None:
    assert {".jpg", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".avif", ".jpeg"} <= IMAGE_SUFFIXES
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in IMAGE_SUFFIXES)


def planes_sources(scene: Image.Image) -> dict[str, bytes | U8]:
    """The scene in everything that holds colours one way or another."""
    luma, rgba = scene.convert("L"), np.dstack([np.asarray(scene), np.asarray(scene.convert("L"))])
    deep = (np.asarray(luma).astype(np.uint16) * 257).astype(np.uint16)
    jpegs: dict[str, dict[str, object]] = {"jpeg, progressive": {"progressive": True}, "jpeg, RGB": {"keep_rgb": True}}
    jpegs |= {f"jpeg 4:{name}": {"subsampling": k} for k, name in enumerate(("4:4", "2:2", "2:0"))}
    jpegs |= {f"jpeg, turned {k}": {"exif": exif(k)} for k in range(1, 9)}
    rgb_jpeg = encode(scene, "JPEG", keep_rgb=True)
    return {
        **{name: encode(scene, "JPEG", quality=92, **options) for name, options in jpegs.items()},
        "jpeg, RGB without a marker": rgb_jpeg.replace(b"Adobe", b"adobe"),
        "jpeg, YCbCr without a marker": encode(scene, "JPEG").replace(b"JFIF", b"none"),
        "jpeg, grey": encode(luma, "JPEG"),
        "jpeg, CMYK": encode(scene.convert("CMYK"), "JPEG"),
        **{form: encode(scene, form) for form in ("PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "PPM")},
        **({"tiff, YCbCr": encode(scene.convert("YCbCr"), "TIFF")} if PILLOW >= 13 else {}),
        "tiff, jpeg": encode(scene, "TIFF", compression="jpeg"),
        "tiff, LAB": encode(scene.convert("LAB"), "TIFF"),
        "png, transparent": encode(Image.fromarray(rgba), "PNG"),
        "png, 16 bits": encode(Image.fromarray(deep), "PNG"),
        "png, palette": encode(scene.quantize(40), "PNG"),
        "png, one bit": encode(scene.convert("1"), "PNG"),
        "array": np.asarray(scene),
        "array, transparent": rgba,
        "array, grey": np.asarray(luma),
    }


@pytest.mark.parametrize("at_least", [None, 30])
def test_the_first_plane_is_the_grey_picture_to_the_bit(at_least: int | None, scene: Image.Image) -> None:
    for name, source in planes_sources(scene).items():
        planes, grey = (read(source, at_least=at_least) for read in (read_planes, read_grey))
        assert planes.pixels.dtype == np.uint8
        assert planes.pixels.shape == (*grey.pixels.shape, 3), name
        assert np.array_equal(planes.pixels[..., 0], grey.pixels), name
        assert (planes.width, planes.height, planes.name) == (grey.width, grey.height, grey.name)
        assert planes.pixels.flags.writeable


def test_the_other_planes_are_those_of_pillow(scene: Image.Image) -> None:
    """Exactly where colours are read, nearly where a JPEG's own planes are: those did not go through colours."""
    for name, source in planes_sources(scene).items():
        chroma = read_planes(source).pixels[..., 1:].astype(int)
        expected = np.asarray(Image.fromarray(read_rgb(source).pixels).convert("YCbCr"))[..., 1:].astype(int)
        stored = "YCbCr" in name or (name.startswith("jpeg") and not name.endswith(("RGB", "RGB without a marker")))
        if stored and "grey" not in name and "CMYK" not in name:
            assert np.abs(chroma - expected).mean() < 1, name
        else:
            assert np.array_equal(chroma, expected), name


def test_grey_pictures_have_neutral_planes(scene: Image.Image) -> None:
    for source in (
        encode(scene.convert("L"), "JPEG"),
        encode(scene.convert("L"), "PNG"),
        np.asarray(scene.convert("L")),
    ):
        assert (read_planes(source).pixels[..., 1:] == 128).all()


def test_a_jpegs_planes_are_what_it_holds(scene: Image.Image) -> None:
    """As Pillow gives them if asked for YCbCr, without the way through colours and back."""
    data = encode(scene, "JPEG", quality=80, subsampling=0)
    with Image.open(io.BytesIO(data)) as image:
        image.draft("YCbCr", image.size)
        assert image.mode == "YCbCr"
        assert np.array_equal(read_planes(data).pixels, np.asarray(image))


def test_planes_do_not_share_memory_and_what_cannot_be_read_is_named(scene: Image.Image) -> None:
    array = np.asarray(scene).copy()
    before = array.copy()
    assert not np.shares_memory(read_planes(array).pixels, array)
    assert np.array_equal(array, before)
    with pytest.raises(ImageError, match="empty"):
        read_planes(b"")
    with pytest.raises(FingerprintError):
        read_planes(encode(scene, "JPEG"), at_least=0)
    with pytest.raises(ImageError):
        read_planes(encode(scene, "JPEG")[:600])
