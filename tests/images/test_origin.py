"""What the headers of a file say of its picture."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fingerprint.images.origin import Origin, origin_of, origin_of_bytes
from fingerprint.types import U8
from tests.images.raw_files import dng

PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8))


def exif(*, big: bool = False, maker: str = "Canon", model: str = "Canon EOS 5D") -> bytes:
    block = Image.Exif()
    block.endian = ">" if big else "<"
    block[0x010F], block[0x0110], block[0x0132] = maker, model, "2020:01:02 03:04:05"
    block.get_ifd(0x8769)[0x9003] = "2019:05:01 12:30:59"
    return block.tobytes()


def encoded(form: str, **options: Any) -> bytes:
    out = io.BytesIO()
    PICTURE.save(out, form, **options)
    return out.getvalue()


@pytest.mark.parametrize("quality", [15, 20, 50, 75, 90, 100])
def test_the_quality_of_a_jpeg(quality: int) -> None:
    found = origin_of_bytes(encoded("JPEG", quality=quality))
    assert found.form == "JPEG"
    assert found.quality == pytest.approx(quality, abs=2)
    assert (found.camera, found.taken) == (None, None)


@pytest.mark.parametrize(
    ("form", "options", "quality"),
    [
        ("PNG", {}, 100),
        ("WEBP", {"lossless": True}, 100),
        ("WEBP", {"quality": 60}, None),
        ("TIFF", {}, 100),
        ("BMP", {}, 100),
        ("GIF", {}, None),
    ],
)
def test_other_formats(form: str, options: dict[str, Any], quality: int | None) -> None:
    found = origin_of_bytes(encoded(form, **options))
    assert found.form.upper() == form
    assert found.quality == quality


def test_a_palette_has_lost_colours() -> None:
    out = io.BytesIO()
    PICTURE.quantize(32).save(out, "PNG")
    assert origin_of_bytes(out.getvalue()).quality is None


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("big", [False, True])
def test_camera_and_date(form: str, *, big: bool) -> None:
    found = origin_of_bytes(encoded(form, exif=exif(big=big)))
    assert found.camera == "Canon EOS 5D"
    assert found.taken == "2019-05-01 12:30:59"


def test_the_maker_is_named_where_the_model_does_not() -> None:
    assert origin_of_bytes(encoded("JPEG", exif=exif(model="X-T3", maker="FUJIFILM"))).camera == "FUJIFILM X-T3"


@pytest.mark.parametrize("text", ["0000:00:00 00:00:00", "    :  :     :  :  ", "yesterday"])
def test_a_date_that_is_none(text: str) -> None:
    block = Image.Exif()
    block[0x0132] = text
    assert origin_of_bytes(encoded("JPEG", exif=block.tobytes())).taken is None


def test_other_files_say_nothing() -> None:
    assert origin_of_bytes(b"") == Origin("", None, None, None)
    assert origin_of_bytes(b"no picture at all") == Origin("", None, None, None)


@given(st.integers(0, 400), st.binary(min_size=1, max_size=8), st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF"]))
def test_damage_is_no_error(at: int, noise: bytes, form: str) -> None:
    data = encoded(form, exif=exif())
    damaged = data[:at] + noise + data[at + len(noise) :]
    for cut in (damaged, damaged[: at + 20]):
        assert isinstance(origin_of_bytes(cut), Origin)


def test_formats_of_phones_and_cameras(photos: dict[str, U8]) -> None:
    found = origin_of_bytes(dng(photos["chelsea"][:300, :450]))
    assert (found.form, found.quality, found.camera) == ("camera RAW", 100, "Nobody Nothing")
    assert origin_of_bytes(b"\xff\x0a" + bytes(32)).form == "JPEG XL"
    assert origin_of_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic").form == "HEIC"


@pytest.mark.parametrize("side", [48, 640])
@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF", "AVIF", "HEIF", "JPEG XL"])
def test_camera_and_date_behind_a_large_picture(form: str, side: int, tmp_path: Path) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8))
    path = tmp_path / "picture"
    if form == "JPEG XL":
        imagecodecs = pytest.importorskip("imagecodecs")
        codestream = imagecodecs.jpegxl_encode(np.asarray(noise), usecontainer=False)
        path.write_bytes(jxl_boxes((b"jxlc", codestream), (b"Exif", bytes(4) + exif().removeprefix(b"Exif\0\0"))))
    elif form == "HEIF":
        pytest.importorskip("pillow_heif").from_pillow(noise).save(path, exif=exif(), quality=95)
    else:
        noise.save(path, form, exif=exif(), quality=95)
    found = origin_of(path)
    assert (found.camera, found.taken) == ("Canon EOS 5D", "2019-05-01 12:30:59")
    assert side < 640 or path.stat().st_size > 1 << 18


def jxl_boxes(*boxes: tuple[bytes, bytes]) -> bytes:
    start = b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0\0\0\x14ftypjxl \0\0\0\0jxl "
    return start + b"".join((8 + len(body)).to_bytes(4, "big") + kind + body for kind, body in boxes)


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF", "AVIF"])
def test_what_may_have_frames(form: str) -> None:
    more = PICTURE.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert origin_of_bytes(encoded(form, save_all=True, append_images=[more])).may_have_frames
    assert form in ("GIF", "TIFF", "AVIF") or not origin_of_bytes(encoded(form)).may_have_frames
    assert not origin_of_bytes(encoded("JPEG")).may_have_frames


def test_a_heic_file_may_have_several_pictures(tmp_path: Path) -> None:
    made = pytest.importorskip("pillow_heif").from_pillow(PICTURE)
    made.add_from_pillow(PICTURE.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    made.save(tmp_path / "burst.heic", save_all=True)
    assert origin_of(tmp_path / "burst.heic").may_have_frames


@pytest.mark.parametrize(("side", "n_further"), [(64, 1), (12, 0)], ids=["another picture", "a gain map"])
def test_pictures_of_their_own_behind_the_first_are_counted(side: int, n_further: int) -> None:
    more = PICTURE.transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((side, side * 3 // 4))
    data = encoded("MPO", save_all=True, append_images=[more])
    assert origin_of_bytes(data).n_further == n_further
    assert origin_of_bytes(data[: data.index(b"MPF") + 30]).n_further == 0  # a header that makes no sense
