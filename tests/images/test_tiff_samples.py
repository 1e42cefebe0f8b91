"""TIFF kinds that Pillow reads wrong or not at all, against files that tifffile writes and reads."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from fingerprint.errors import ImageError
from fingerprint.images import tiff_samples
from fingerprint.images.decode import read_as_pillow, read_for_pdq, read_grey, read_rgb
from fingerprint.images.tiff_samples import samples_of
from fingerprint.types import U8

ORDERS = ("<", ">")
TILES = (None, (48, 64))  # both leave a rest at the edges
CLEAR = 30  # columns that are transparent


@pytest.fixture(scope="module")
def rgb(photos: dict[str, U8]) -> U8:
    picture = np.asarray(Image.fromarray(photos["coffee"]).resize((150, 100))).copy()
    picture[0, 0], picture[0, 1] = 255, 0
    return picture


def written(pixels: NDArray[Any], photometric: str, *, planar: bool = False, **settings: Any) -> bytes:
    """Write samples of shape (h, w) or (h, w, n)."""
    buffer = io.BytesIO()
    if pixels.ndim == 3:
        settings["planarconfig"] = "separate" if planar else "contig"
        pixels = np.ascontiguousarray(np.moveaxis(pixels, 2, 0)) if planar else pixels
    tifffile.imwrite(buffer, pixels, photometric=photometric, **settings)
    return buffer.getvalue()


def widened(values: U8, width: int) -> NDArray[np.uint16]:
    """Values of 8 bits as ones of `width` bits, the low bits not empty."""
    low = (values >> 1).astype(np.uint16) % (1 << (width - 8))
    return (values * np.uint16(1 << (width - 8)) + low).astype(np.uint16)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("tile", TILES)
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("width", [12, 16])
def test_deep_planes_are_the_contiguous_picture(
    order: str, tile: tuple[int, int] | None, compression: str | None, width: int, rgb: U8
) -> None:
    deep = widened(rgb, width)
    settings: dict[str, Any] = {"byteorder": order, "tile": tile, "compression": compression}
    variants: list[dict[str, Any]] = [{}]
    if compression is not None:
        variants.append({"predictor": 2})
    elif tile is None:
        variants.append({"rowsperstrip": 7})
    for more in variants:
        planes = written(deep, "rgb", planar=True, **settings, **more)
        assert np.array_equal(read_rgb(planes).pixels, rgb)
        assert np.array_equal(read_rgb(written(deep, "rgb", **settings, **more)).pixels, rgb)
        both = tifffile.imread(io.BytesIO(planes))
        assert np.array_equal(np.moveaxis(both, 0, 2) >> (width - 8), rgb)
        assert not read_for_pdq(planes).plain
        assert np.array_equal(read_for_pdq(planes).pixels, rgb)
        assert np.array_equal(read_as_pillow(planes, colours=True).pixels, rgb)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("tile", TILES)
@pytest.mark.parametrize("planar", [True, False])
@pytest.mark.parametrize("width", [8, 12, 16])
def test_extra_samples(order: str, tile: tuple[int, int] | None, planar: bool, width: int, rgb: U8) -> None:
    alpha = np.full((*rgb.shape[:2], 1), 255, np.uint8)
    alpha[:, :CLEAR] = 0
    seen = np.where(alpha == 0, 255, rgb)
    deep, deep_alpha = (widened(part, width) if width > 8 else part for part in (rgb, alpha))
    settings: dict[str, Any] = {"byteorder": order, "tile": tile, "planar": planar}
    colours = np.dstack([deep, deep_alpha])
    transparent = written(colours, "rgb", extrasamples=["unassalpha"], **settings)
    assert np.array_equal(read_rgb(transparent).pixels, seen)
    opaque = written(colours, "rgb", extrasamples=["unspecified"], **settings)
    assert np.array_equal(read_rgb(opaque).pixels, rgb)
    grey = written(colours[..., [1, 3]], "minisblack", extrasamples=["unassalpha"], **settings)
    assert np.array_equal(read_grey(grey).pixels, seen[..., 1])
    inverted = np.dstack([(1 << width) - 1 - colours[..., 1], colours[..., 3]]).astype(colours.dtype)
    white = written(inverted, "miniswhite", extrasamples=["unassalpha"], **settings)
    assert np.array_equal(read_grey(white).pixels, seen[..., 1])


def test_colours_multiplied_by_their_alpha(rgb: U8) -> None:
    alpha = np.full((*rgb.shape[:2], 1), 128, np.uint8)
    pixels = np.dstack([(rgb.astype(np.uint16) * alpha // 255).astype(np.uint8), alpha])
    expected = read_rgb(written(pixels, "rgb", extrasamples=["assocalpha"])).pixels
    assert np.abs(expected.astype(int) - (rgb * (128 / 255) + 255 * (127 / 255))).max() < 3
    for planar in (True, False):
        deep = written(widened(pixels, 16), "rgb", planar=planar, extrasamples=["assocalpha"])
        assert np.array_equal(read_rgb(deep).pixels, expected)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("planar", [True, False])
@pytest.mark.parametrize("width", [12, 16])
def test_deep_inks(order: str, compression: str | None, planar: bool, width: int, rgb: U8) -> None:
    inks = np.dstack([255 - rgb, rgb[..., :1] // 4])
    expected = read_rgb(written(inks, "separated")).pixels
    settings: dict[str, Any] = {"byteorder": order, "compression": compression, "planar": planar}
    assert np.array_equal(read_rgb(written(widened(inks, width), "separated", **settings)).pixels, expected)
    if width == 16 and not planar:
        pillow = Image.open(io.BytesIO(written(widened(inks, width), "separated", **settings))).convert("RGB")
        assert np.array_equal(np.asarray(pillow), expected)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("tile", TILES)
@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_wide_numbers(
    order: str, tile: tuple[int, int] | None, bigtiff: bool, compression: str | None, rgb: U8
) -> None:
    settings: dict[str, Any] = {"byteorder": order, "tile": tile, "bigtiff": bigtiff, "compression": compression}
    grey = rgb[..., 1]
    for dtype in (np.uint32, np.int32, np.float32, np.float64):
        assert np.array_equal(read_grey(written(grey.astype(dtype), "minisblack", **settings)).pixels, grey), dtype
    for planar in (False, True):
        for pixels in (rgb.astype(np.float32) / 100 - 1, rgb.astype(np.int16), rgb.astype(np.uint32) << 16):
            data = written(pixels, "rgb", planar=planar, **settings)
            assert np.array_equal(read_rgb(data).pixels, rgb), (pixels.dtype, planar)
    assert np.array_equal(read_rgb(written(rgb, "rgb", **settings)).pixels, rgb)


def test_floats_with_alpha_and_without_end() -> None:
    pixels = np.zeros((2, 3, 4), np.float32)
    pixels[..., :3] = np.array([0.0, 0.5, 1.0])[None, :, None]
    pixels[..., 3] = [[1, 1, 1], [0, 0, 0]]
    pixels[0, 0, 0], pixels[0, 2, 1] = np.nan, np.inf
    seen = read_rgb(written(pixels, "rgb", extrasamples=["unassalpha"])).pixels
    assert seen.tolist() == [[[0] * 3, [128] * 3, [255, 0, 255]], [[255] * 3] * 3]


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate"])
@pytest.mark.parametrize(("dtype", "predictor"), [("f", 1), ("f", 3), ("u2", 1), ("u2", 2), ("u1", 1), ("u1", 2)])
def test_predictors_are_undone_as_libtiff_does(compression: str, dtype: str, predictor: int, rgb: U8) -> None:
    """Kinds that Pillow reads too, so both ways can be compared."""
    pixels = rgb if dtype == "u1" else (rgb[..., 0].astype(dtype) * 3)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "TIFF", compression=compression, tiffinfo={317: predictor, 278: 9})
    buffer.seek(0)
    with TiffImagePlugin.TiffImageFile(buffer) as image:
        assert image.tag_v2.get(317, 1) == predictor
        stored = samples_of(image.tag_v2, image.tag_v2.prefix)
        assert stored is not None
        read = np.concatenate([block for _, block in stored.blocks(buffer)])
        assert np.array_equal(read.squeeze(), np.asarray(image))


def test_rows_are_read_some_at_a_time(rgb: U8, monkeypatch: pytest.MonkeyPatch) -> None:
    data = written(widened(rgb, 16), "rgb", planar=True)
    with TiffImagePlugin.TiffImageFile(io.BytesIO(data)) as image:
        stored = samples_of(image.tag_v2, image.tag_v2.prefix)
    assert stored is not None
    monkeypatch.setattr(tiff_samples, "_BLOCK_PIXELS", 1000)
    blocks = [block for _, block in stored.blocks(io.BytesIO(data))]
    assert {len(block) for block in blocks} == {6, 4}
    assert np.array_equal(np.concatenate(blocks), widened(rgb, 16))


@pytest.mark.parametrize("compression", [None, "zlib", "packbits"])
@pytest.mark.parametrize("planar", [True, False])
def test_a_cut_file_is_refused(compression: str | None, planar: bool, rgb: U8) -> None:
    if compression == "packbits":
        pytest.importorskip("imagecodecs")
    data = written(rgb.astype(np.float32), "rgb", planar=planar, compression=compression)
    with pytest.raises(ImageError, match=r"truncated|damaged"):
        read_rgb(data[: -len(data) // 4])


def changed(data: bytes, tag: int, value: int) -> bytes:
    """Give a tag of a little-endian file another value."""
    at = int.from_bytes(data[4:8], "little")
    n = int.from_bytes(data[at : at + 2], "little")
    entry = next(
        at + 2 + 12 * i for i in range(n) if data[at + 2 + 12 * i : at + 4 + 12 * i] == tag.to_bytes(2, "little")
    )
    return data[: entry + 2] + b"\4\0\1\0\0\0" + value.to_bytes(4, "little") + data[entry + 12 :]


@pytest.mark.parametrize("tag", [256, 257, 277, 278, 322, 323])
@pytest.mark.parametrize("value", [0, 1, 0x7FFFFFFF, 0xFFFFFFFF])
def test_sizes_that_lie_are_refused_or_read(tag: int, value: int, rgb: U8) -> None:
    tile = (48, 64) if tag > 300 else None
    data = changed(written(widened(rgb, 16), "rgb", planar=True, tile=tile), tag, value)
    try:
        picture = read_rgb(data)
    except ImageError:
        return
    assert picture.pixels.shape == (picture.height, picture.width, 3)


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda a: written(a.astype(np.uint64), "rgb"), "3 unsigned samples of 64 bits"),
        (lambda a: written(a.astype(np.complex64)[..., 0], "minisblack"), "of format 6 samples of 64 bits"),
        (lambda a: changed(written(a, "rgb"), 259, 34712), "compression 34712"),
        (lambda a: changed(written(a, "rgb"), 262, 32844), "photometric interpretation 32844"),
    ],
)
def test_kinds_that_are_not_read_are_named(make: Callable[[U8], bytes], what: str, rgb: U8) -> None:
    with pytest.raises(ImageError, match=r"TIFF file of a kind that is not supported .*save it as PNG") as caught:
        read_rgb(make(rgb))
    assert what in str(caught.value)
    assert "damaged" not in str(caught.value)


def test_a_bitmap_with_10_bits_a_channel_is_named_as_not_supported() -> None:
    masks = b"".join(mask.to_bytes(4, "little") for mask in (0x3FF00000, 0xFFC00, 0x3FF))
    header = b"BM" + (58).to_bytes(4, "little") + bytes(4) + (66).to_bytes(4, "little") + (40).to_bytes(4, "little")
    header += (1).to_bytes(4, "little") * 2 + b"\1\0\x20\0" + (3).to_bytes(4, "little") + bytes(20) + masks
    with pytest.raises(ImageError, match=r"BMP file of a kind that is not supported .*save it as PNG"):
        read_rgb(header + bytes(4))
