"""More than 8 bits a sample: one rule for every depth, container and interpretation; files as their formats say."""

from __future__ import annotations

import io
import struct
import sys
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fingerprint.config import ReadLimits
from fingerprint.features.describe import describe_query, describe_reference
from fingerprint.hashes import perceptual_hash
from fingerprint.images import depth, stream
from fingerprint.images.decode import read_for_pdq, read_grey, read_planes, read_rgb
from fingerprint.images.depth import USUAL_WIDTHS, width_of
from fingerprint.types import U8

BILEVEL_WHITE, BILEVEL_BLACK, COLOURS = 0, 1, 2  # TIFF 6.0: PhotometricInterpretation
UNSIGNED, SIGNED, FLOATING = 1, 2, 3  # SampleFormat


@pytest.fixture(scope="module")
def grey(photos: dict[str, U8]) -> U8:
    return np.asarray(Image.fromarray(photos["coffee"]).convert("L").resize((120, 80))).copy()


@pytest.fixture(scope="module")
def rgb(photos: dict[str, U8]) -> U8:
    return np.asarray(Image.fromarray(photos["chelsea"]).resize((120, 80))).copy()


def png(pixels: NDArray[np.uint16], colour_type: int, transparent: Sequence[int] | None = None) -> bytes:
    """Write a PNG of 16 bits a sample, as its specification says: samples big-endian, a filter byte before each row."""
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0))]
    if transparent is not None:
        chunks.append((b"tRNS", np.array(transparent, ">u2").tobytes()))
    chunks += [(b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    parts = (struct.pack(">I", len(b)) + kind + b + struct.pack(">I", zlib.crc32(kind + b)) for kind, b in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(
    pixels: NDArray[Any],
    photometric: int,
    *,
    order: str = "<",
    sample_format: int = UNSIGNED,
    deflated: bool = False,
    data: bytes | None = None,
    bits: int | None = None,
) -> bytes:
    """Write a TIFF of one strip, as TIFF 6.0 says. `data` replaces the pixels' bytes, `bits` their depth."""
    height, width = pixels.shape[:2]
    n_samples = 1 if pixels.ndim == 2 else pixels.shape[2]
    swapped = pixels.byteswap() if (order == ">") == (sys.byteorder == "little") else pixels
    strip = data if data is not None else swapped.tobytes()
    strip = zlib.compress(strip) if deflated else strip
    depth = bits or pixels.dtype.itemsize * 8
    tags: Mapping[int, tuple[int, ...]] = {
        256: (width,), 257: (height,), 258: (depth,) * n_samples, 259: (8 if deflated else 1,), 262: (photometric,),
        273: (0,), 277: (n_samples,), 278: (height,), 279: (len(strip),), 284: (1,),
        339: (sample_format,) * n_samples,
    }  # fmt: skip
    start = 8
    extra_at = start + 2 + 12 * len(tags) + 4
    extra = b""
    entries = b""
    strip_at = extra_at + sum(4 * len(values) for values in tags.values() if len(values) > 1)
    for tag, values in tags.items():
        values = (strip_at,) if tag == 273 else values
        packed = struct.pack(f"{order}{len(values)}I", *values)
        if len(values) > 1:
            entries += struct.pack(f"{order}HHII", tag, 4, len(values), extra_at + len(extra))
            extra += packed
        else:
            entries += struct.pack(f"{order}HHI", tag, 4, 1) + packed
    magic = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, start)
    return magic + struct.pack(f"{order}H", len(tags)) + entries + bytes(4) + extra + strip


def encode(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


WIDTHS = (8, 10, 12, 14, 16)


def widened(values: U8, width: int) -> NDArray[np.uint16]:
    """Values of 8 bits as ones of `width` bits, the low bits not empty."""
    low = (values >> 1).astype(np.uint16) % (1 << (width - 8))
    return (values * np.uint16(1 << (width - 8)) + low).astype(np.uint16)


@pytest.mark.parametrize("width", WIDTHS)
def test_grey_in_16_bit_files_is_as_wide_as_its_values(width: int, grey: U8) -> None:
    assert grey.max() > 127
    deep = widened(grey, width)
    files = {
        "PNG": png(deep, 0),
        "TIFF": tiff(deep, BILEVEL_BLACK),
        "TIFF, big-endian": tiff(deep, BILEVEL_BLACK, order=">"),
        "TIFF, deflated": tiff(deep, BILEVEL_BLACK, deflated=True),
        "TIFF, 32 bits": tiff(deep.astype(np.uint32), BILEVEL_BLACK),
        "TIFF, 32 bits, signed": tiff(deep.astype(np.int32), BILEVEL_BLACK, sample_format=SIGNED),
        "TIFF, 0 is white": tiff(np.uint16((1 << width) - 1) - deep, BILEVEL_WHITE),
        "TIFF, 0 is white, big-endian": tiff(np.uint16((1 << width) - 1) - deep, BILEVEL_WHITE, order=">"),
        "TIFF, 0 is white, deflated": tiff(np.uint16((1 << width) - 1) - deep, BILEVEL_WHITE, deflated=True),
    }
    for name, data in files.items():
        assert np.array_equal(read_grey(data).pixels, grey), name
        assert np.array_equal(read_rgb(data).pixels, np.dstack([grey] * 3)), name
        assert np.array_equal(read_planes(data).pixels[..., 0], grey), name
        assert not read_grey(data).plain, name


def test_12_bits_are_12_bits_where_the_file_says_so() -> None:
    """TIFF packs two samples into three bytes; a dark picture stays dark, as its width is known."""
    values = np.array([[0, 16, 900, 1023]], np.uint16)
    packed = bytes(b for a, c in values.reshape(-1, 2) for b in (a >> 4, (a & 15) << 4 | c >> 8, c & 255))
    data = tiff(values, BILEVEL_BLACK, data=packed, bits=12)
    assert read_grey(data).pixels.tolist() == [[0, 1, 900 >> 4, 1023 >> 4]]


@pytest.mark.parametrize(("width", "largest"), [(24, 0xFFFFFF), (31, 0x7FFFFFFF), (32, 0xFFFFFFFF)])
def test_32_bit_grey(width: int, largest: int) -> None:
    values = np.array([[0, largest // 2, largest]], np.uint32)
    assert read_grey(tiff(values, BILEVEL_BLACK)).pixels.tolist() == [[0, 127, 255]]


@pytest.mark.parametrize("order", ["<", ">"])
def test_negative_values_are_black(order: str) -> None:
    values = np.array([[-30000, -1, 0, 16384, 32767]], np.int16)
    data = tiff(values, BILEVEL_BLACK, sample_format=SIGNED, order=order)
    assert read_grey(data).pixels.tolist() == [[0, 0, 0, 64, 127]]


@pytest.mark.parametrize("order", ["<", ">"])
def test_floats_have_their_own_rule_and_may_be_inverted(order: str) -> None:
    values = np.array([[0.0, 0.25, 1.0]], np.float32)
    black = tiff(values, BILEVEL_BLACK, sample_format=FLOATING, order=order)
    assert read_grey(black).pixels.tolist() == [[0, 64, 255]]
    white = tiff(values, BILEVEL_WHITE, sample_format=FLOATING, order=order)
    assert read_grey(white).pixels.tolist() == [[255, 191, 0]]


@pytest.mark.parametrize("bits", [1, 8])
def test_shallow_files_whose_0_is_white(bits: int) -> None:
    data = bytes([0b10000000]) if bits == 1 else bytes([255, 0])
    file = tiff(np.zeros((1, 2), np.uint8), BILEVEL_WHITE, data=data, bits=bits)
    assert read_grey(file).pixels.tolist() == [[0, 255]]


@pytest.mark.parametrize("width", WIDTHS)
def test_colours_in_16_bit_files_are_as_wide_as_their_values(width: int, rgb: U8) -> None:
    deep = widened(rgb, width)
    files = {
        "PNG": png(deep, 2),
        "TIFF": tiff(deep, COLOURS),
        "TIFF, big-endian": tiff(deep, COLOURS, order=">"),
        "TIFF, deflated": tiff(deep, COLOURS, deflated=True),
        "TIFF, big-endian and deflated": tiff(deep, COLOURS, order=">", deflated=True),
    }
    for name, data in files.items():
        assert np.array_equal(read_rgb(data).pixels, rgb), name


@pytest.mark.parametrize("width", WIDTHS)
def test_alpha_in_16_bit_files_is_as_wide_as_its_values(width: int, rgb: U8) -> None:
    alpha = np.where(np.arange(rgb.shape[1]) < 40, 0, 255)[None, :, None] * np.ones((len(rgb), 1, 1))
    deep = widened(np.dstack([rgb, alpha.astype(np.uint8)]), width)
    expected = np.where(alpha == 0, 255, rgb)
    assert np.array_equal(read_rgb(png(deep, 6)).pixels, expected)
    grey_and_alpha = deep[..., [1, 3]]
    assert np.array_equal(read_grey(png(grey_and_alpha, 4)).pixels, expected[..., 1])


def test_the_transparent_colour_is_named_in_full_depth() -> None:
    """PNG 11.3.2: a pixel is transparent if all 16 bits of its samples agree with those of tRNS."""
    row = np.array([[[0x1234, 0x4000, 0x0102], [0x1235, 0x4000, 0x0102], [0xFFFF, 0, 0]]], np.uint16)
    seen = read_rgb(png(row, 2, (0x1234, 0x4000, 0x0102))).pixels
    assert seen.tolist() == [[[255] * 3, [0x12, 0x40, 0x01], [255, 0, 0]]]
    grey = np.array([[0x1234, 0x1235, 0x8000]], np.uint16)
    assert read_grey(png(grey, 0, (0x1234,))).pixels.tolist() == [[255, 0x12, 0x80]]


@pytest.mark.parametrize(("bits", "most"), [(2, 3), (4, 15)])
def test_the_transparent_grey_of_a_shallow_png(bits: int, most: int) -> None:
    header = struct.pack(">IIBBBBB", 2, 1, bits, 0, 0, 0, 0)
    row = bytes([0, (1 << 4 | 2) if bits == 4 else (1 << 6 | 2 << 4)])
    chunks = ((b"IHDR", header), (b"tRNS", b"\0\1"), (b"IDAT", zlib.compress(row)), (b"IEND", b""))
    parts = (struct.pack(">I", len(b)) + kind + b + struct.pack(">I", zlib.crc32(kind + b)) for kind, b in chunks)
    data = b"\x89PNG\r\n\x1a\n" + b"".join(parts)
    assert read_grey(data).pixels.tolist() == [[255, 2 * 255 // most]]


def test_a_width_holds_its_values_and_the_next_smaller_one_does_not() -> None:
    for smaller, width in zip((0, *USUAL_WIDTHS), USUAL_WIDTHS, strict=False):
        assert width_of((1 << width) - 1) == width
        assert width_of(1 << smaller) == width


# --- Hashes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", WIDTHS)
def test_pdq_quick_and_exact_agree_on_deep_grey_with_the_8_bit_picture(width: int, photos: dict[str, U8]) -> None:
    shallow = np.asarray(Image.fromarray(photos["coffee"]).convert("L").point(lambda v: v * 9 // 10 + 20))
    data = png(widened(shallow, width), 0)
    expected = perceptual_hash(encode(Image.fromarray(shallow), "PNG"))
    for exact in (False, True):
        found = perceptual_hash(data, exact=exact)
        assert (found.value ^ expected.value).bit_count() <= 10, exact
        assert found.quality == 100


def test_pdq_of_16_bit_grey_is_what_its_tools_see_where_that_is_a_picture() -> None:
    """Pillow, which they are built on, takes values beyond 255 for white."""
    deep = np.random.default_rng(1).integers(0, 65536, (256, 256)).astype(np.uint16)
    deep[::3] //= 256  # a third of the rows is within 8 bits
    expected = perceptual_hash(np.minimum(deep, 255).astype(np.uint8), exact=True)
    for exact in (False, True):
        assert perceptual_hash(png(deep, 0), exact=exact) == expected


def test_the_engine_sees_16_bit_grey_as_people_do_where_pdq_does_not() -> None:
    rng = np.random.default_rng(4)
    soft = Image.fromarray(rng.integers(0, 256, (12, 16), np.uint8)).resize((160, 120), Image.Resampling.BICUBIC)
    deep = np.asarray(soft).astype(np.uint16) * 2  # so Pillow's clipping leaves a picture, but another one
    deep[0, 0] = 65_535
    file, shallow = png(deep, 0), (deep >> 8).astype(np.uint8)
    assert np.unique(read_for_pdq(file).pixels).size > 100
    assert np.array_equal(read_planes(file).pixels[..., 0], shallow)
    found, expected = describe_reference(file), describe_reference(shallow)
    assert np.array_equal(found.hashes, expected.hashes)
    assert np.array_equal(found.thumbnail, expected.thumbnail)
    assert np.array_equal(describe_query(file).hashes, describe_query(shallow).hashes)


def test_pdq_quick_and_exact_agree_on_transparent_pictures(photos: dict[str, U8], grey: U8) -> None:
    """PDQ's tools drop transparency; a picture that is in its transparency alone is taken as it is seen."""
    height, width = photos["coffee"].shape[:2]
    alpha = np.tile(np.linspace(0, 255, width).astype(np.uint8), (height, 1))
    luma = np.asarray(Image.fromarray(photos["coffee"]).convert("L"))
    for pixels in (np.dstack([photos["coffee"], alpha]), np.dstack([luma, alpha])):
        data = encode(Image.fromarray(pixels), "PNG")
        opaque = encode(Image.fromarray(pixels[..., :-1].squeeze()), "PNG")
        for exact in (False, True):
            assert perceptual_hash(data, exact=exact).value == perceptual_hash(opaque, exact=True).value
    for value in (0, 255):
        logo = encode(Image.fromarray(np.dstack([np.full_like(luma, value), luma])), "PNG")
        quick, exact_one = perceptual_hash(logo), perceptual_hash(logo, exact=True)
        assert quick == exact_one
        assert quick.quality == 100


def test_a_picture_is_the_same_however_few_rows_are_taken_at_a_time(grey: U8, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = grey.astype(np.uint16) * 30
    deep[0] = 0  # the largest value is in other rows
    colours = np.dstack([deep, deep[::-1], deep // 2])
    floats = np.where(grey % 7 == 0, np.inf, grey).astype(np.float32)
    files = {
        "PNG": [png(deep, 0), png(deep, 0, [int(deep[40, 60])]), png(colours, 2), png(np.dstack([colours, deep]), 6)],
        "TIFF": [tiff(deep.astype(np.int32) * 900 - 5, BILEVEL_WHITE, sample_format=SIGNED), tiff(floats, 1)],
    }
    readings: tuple[stream.Reading, ...] = ("seen", "pdq")
    cases = [
        (form, data, stream.Request("RGB", None, reading, ReadLimits()))
        for form, some in files.items()
        for data in some
        for reading in readings
    ]
    whole = [stream.decode_stream(io.BytesIO(data), "", form, request).pixels for form, data, request in cases]
    monkeypatch.setattr(depth, "_STRIP_PIXELS", 1)
    for (form, data, request), expected in zip(cases, whole, strict=True):
        assert request.reading == "pdq" or np.ptp(expected) > 100
        assert np.array_equal(stream.decode_stream(io.BytesIO(data), "", form, request).pixels, expected)
