"""The short way to the luma of ordinary JPEG files: the same pixels as the long way, and only where that is so."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from fingerprint.config import ReadLimits
from fingerprint.errors import ImageError
from fingerprint.images import decode as door
from fingerprint.images.decode import read_grey
from fingerprint.images.jpeg import decode_ordinary, ordinary_header
from fingerprint.types import U8, Picture


@pytest.fixture(scope="module")
def scene(photos: dict[str, U8]) -> Image.Image:
    return Image.fromarray(photos["chelsea"][:203, :317])


def encode(image: Image.Image, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", **options)
    return out.getvalue()


def exif(orientation: int) -> bytes:
    block = Image.Exif()
    block[0x0112] = orientation
    return block.tobytes()


def long_way(data: bytes, at_least: int | None, monkeypatch: pytest.MonkeyPatch) -> Picture:
    with monkeypatch.context() as patch:
        patch.setattr(door, "ordinary_header", lambda _: None)
        return read_grey(data, at_least=at_least)


ORDINARY = {
    "usual": {},
    "poor": {"quality": 5},
    "fine": {"quality": 100, "subsampling": 0},
    "progressive": {"progressive": True},
    "optimised": {"optimize": True},
    "restarts": {"restart_marker_blocks": 3},
    "comment": {"comment": b"said \xff\xd9 nothing"},
    "profile": {"icc_profile": b"not really" * 9000},
    **{f"exif {i}": {"exif": exif(i)} for i in range(10)},
}


@pytest.mark.parametrize("options", ORDINARY.values(), ids=ORDINARY.keys())
def test_both_ways_give_the_same(
    scene: Image.Image, options: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for at_least in [None, 1, 30, 48, 100, 200, 1000]:
        for image in (scene, scene.convert("L")):
            if "subsampling" in options and image.mode == "L":
                continue
            data = encode(image, **options)
            assert ordinary_header(data) is not None, at_least
            short, long = read_grey(data, at_least=at_least), long_way(data, at_least, monkeypatch)
            assert np.array_equal(short.pixels, long.pixels), at_least
            assert (short.width, short.height, short.name) == (long.width, long.height, long.name), at_least
            assert short.pixels.flags.writeable, at_least
            assert short.pixels.flags.c_contiguous, at_least


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (7, 7), (8, 3), (15, 9), (16, 16), (23, 400), (64, 65)])
def test_both_ways_give_the_same_of_small_pictures(
    scene: Image.Image, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for at_least in [None, 1, 2, 9]:
        data = encode(scene.resize(size))
        short, long = read_grey(data, at_least=at_least), long_way(data, at_least, monkeypatch)
        assert np.array_equal(short.pixels, long.pixels), at_least


def with_segment(data: bytes, marker: int, body: bytes) -> bytes:
    return data[:2] + bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body + data[2:]


def test_what_is_unusual_goes_the_long_way(scene: Image.Image) -> None:
    usual = encode(scene)
    xmp = b'http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation="6"/>'
    adobe = b"Adobe\0\x64\0\0\0\0"
    unusual = {
        "CMYK": encode(scene.convert("CMYK")),
        "RGB, as Adobe marks it": with_segment(usual, 0xEE, adobe + b"\0"),
        "RGB by its names": encode(scene, keep_rgb=True),
        "orientation in XMP": with_segment(usual, 0xE1, xmp),
        "EXIF in two pieces": with_segment(encode(scene, exif=exif(3)), 0xE1, b"Exif\0\0more"),
        "no picture": usual[:2] + usual[-2:],
        "arithmetic coding": usual.replace(b"\xff\xc0", b"\xff\xc9", 1),
        "12 bits": usual.replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc0\x00\x11\x0c", 1),
        "no JPEG": b"\x89PNG",
        "nothing": b"",
    }
    for what, data in unusual.items():
        assert ordinary_header(data) is None, what
    assert ordinary_header(with_segment(usual, 0xEE, adobe + b"\1")) is not None
    assert ordinary_header(usual[:2] + b"\xff\xff" + usual[2:]) is not None  # fill bytes


def test_truncated_files_are_refused_as_before(scene: Image.Image) -> None:
    data = encode(scene)
    for length in (3, 50, 700, len(data) - 300):
        with pytest.raises(ImageError):
            read_grey(data[:length])


def test_too_many_pixels_are_refused_before_decoding(scene: Image.Image) -> None:
    with pytest.raises(ImageError, match="317 x 203 pixels are more than the limit of 1,000"):
        read_grey(encode(scene), limits=ReadLimits(max_pixels=1000))


def test_what_the_short_way_cannot_read_is_left_to_pillow(scene: Image.Image) -> None:
    data = encode(scene)
    broken = data.replace(b"\xff\xdb", b"\xff\xfe")  # its quantisation tables are comments now
    header = ordinary_header(broken)
    assert header is not None
    assert decode_ordinary(broken, header, "L", 1) is None
    with pytest.raises(ImageError):
        read_grey(broken)


@given(st.integers(2, 4000), st.binary(min_size=1, max_size=4))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_files_are_a_picture_of_the_size_they_say_or_an_error(
    scene: Image.Image, place: int, damage: bytes
) -> None:
    data = encode(scene, quality=40)
    place %= len(data)
    data = data[:place] + damage + data[place + len(damage) :]
    try:
        picture = read_grey(data, at_least=48)
    except ImageError:
        return
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.ndim == 2
    assert picture.pixels.shape[1] in {-(-picture.width // d) for d in (1, 2, 4, 8)}
