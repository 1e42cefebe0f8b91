"""What headers say: the size that a decoder would find, and what is not plain."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fingerprint.config import ReadLimits
from fingerprint.images import stream
from fingerprint.images.headers import Header, header_of
from tests import hostile

SIZE = (37, 21)


def encode(form: str, mode: str = "RGB", **options: object) -> bytes:
    out = io.BytesIO()
    Image.new(mode, SIZE, 1).save(out, form, **options)
    return out.getvalue()


PLAIN = {
    "jpeg": ("JPEG", encode("JPEG")),
    "grey jpeg": ("JPEG", encode("JPEG", "L")),
    "cmyk jpeg": ("JPEG", encode("JPEG", "CMYK")),
    "jpeg with a profile": ("JPEG", encode("JPEG", icc_profile=bytes(200_000))),
    "png": ("PNG", encode("PNG")),
    "palette png": ("PNG", encode("PNG", "P")),
    "1-bit png": ("PNG", encode("PNG", "1")),
    "rgba png": ("PNG", encode("PNG", "RGBA")),
    "webp": ("WEBP", encode("WEBP")),
    "lossless webp": ("WEBP", encode("WEBP", lossless=True)),
    "webp with alpha": ("WEBP", encode("WEBP", "RGBA")),
    "webp with exif": ("WEBP", encode("WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0")),
}


@pytest.mark.parametrize(("form", "data"), PLAIN.values(), ids=PLAIN.keys())
def test_plain_files(form: str, data: bytes) -> None:
    assert header_of(form, data) == Header(*SIZE)


def test_a_jpeg_in_several_scans_is_walked_so_many_times() -> None:
    data = encode("JPEG", progressive=True)
    header = header_of("JPEG", data)
    assert header is not None
    assert header.n_passes == data.count(b"\xff\xda") > 3
    made = header_of("JPEG", hostile.jpeg(64, 64, sof=0xC2, n_scans=300))
    assert made is not None
    assert made.n_passes >= 300


UNUSUAL = {
    "16-bit png": ("PNG", encode("PNG", "I;16")),
    "animated png": ("PNG", hostile.apng(8, 3)),
    "png in tiny parts": ("PNG", hostile.png(64, 64, parts=10**6, pixels=bytes(9_000))),
    "png with many texts": ("PNG", hostile.png(8, 8, before=hostile.chunk(b"tEXt", b"k\0v") * 100)),
    "png with a long text": ("PNG", hostile.png(8, 8, before=hostile.chunk(b"tEXt", b"k\0" + bytes(2_000_000)))),
    "png without an end": ("PNG", encode("PNG")[:-12]),
    "12-bit jpeg": ("JPEG", hostile.jpeg(8, 8, bits=12)),
    "arithmetic jpeg": ("JPEG", hostile.jpeg(8, 8, 1, sof=0xC9)),
    "jpeg with many segments": ("JPEG", hostile.jpeg(8, 8, before=hostile.segment(0xE5, b"x") * 1_000)),
    "jpeg with fill bytes": ("JPEG", hostile.jpeg(8, 8, before=b"\xff" * 1_000)),
    "animated webp": ("WEBP", hostile.animated_webp(8, 8, 2)),
    "webp with many chunks": ("WEBP", hostile.riff((b"VP8X", bytes(10)), *[(b"XXXX", b"")] * 100)),
    "gif": ("GIF", encode("GIF")),
    "tiff": ("TIFF", encode("TIFF")),
}


@pytest.mark.parametrize(("form", "data"), UNUSUAL.values(), ids=UNUSUAL.keys())
def test_unusual_files_are_not_plain(form: str, data: bytes) -> None:
    header = header_of(form, data)
    assert header is None or not header.plain


@given(st.sampled_from(list(PLAIN.values())), st.data())
def test_any_bytes_are_a_header_or_none(plain: tuple[str, bytes], data: st.DataObject) -> None:
    form, whole = plain
    kept = whole[: data.draw(st.integers(12, len(whole)))]
    header_of(form, kept + data.draw(st.binary(max_size=60)))  # any exception fails


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_exif_that_pillow_warns_of_is_not_plain(form: str) -> None:
    """Its warning would be printed without the name of the file."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x011A], exif[0x0128] = 6, "a maker of cameras", 72.5, 2
    block = exif.tobytes()
    rng = np.random.default_rng(5)
    n_plain = n_warned = 0
    for turn in range(400):
        changed = bytearray(block)
        for at in rng.integers(6, len(block), rng.integers(0, 4)):
            changed[at] = rng.integers(256)
        data = encode(form, exif=bytes(changed[: rng.integers(20, len(block))] if turn % 5 == 4 else changed))
        header = header_of(form, data)
        assert header is not None
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            read = stream.decode_stream(io.BytesIO(data), "", form, stream.Request("RGB", None, "seen", ReadLimits()))
        assert sorted((read.width, read.height)) == [21, 37]
        assert not (header.plain and warned), changed.hex()
        n_plain += header.plain
        n_warned += bool(warned)
    assert n_plain > 150
    assert n_warned > 50
