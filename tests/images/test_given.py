"""Whatever is given as a picture: the same pixels as its file has, or a reason that says what to give."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageOps

import fingerprint
from fingerprint.config import ReadLimits
from fingerprint.errors import ConfigError, ImageError
from fingerprint.hashes import crop_resistant_hash, dihedral_hashes, perceptual_hash, perceptual_hashes
from fingerprint.images.decode import read_as_pillow, read_for_pdq, read_grey, read_planes, read_rgb
from fingerprint.images.identity import load_identified
from fingerprint.types import U8, Fingerprint

LIMITS = ReadLimits()
READS = (read_grey, read_rgb, read_planes, read_for_pdq, read_as_pillow)


@pytest.fixture(scope="module")
def scene(photos: dict[str, U8]) -> Image.Image:
    return Image.fromarray(photos["chelsea"]).resize((96, 64))


def encode(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def files(scene: Image.Image) -> Iterator[tuple[str, bytes]]:
    """Files without loss whose pictures Pillow holds in many ways."""
    tags = Image.Exif()
    deep = np.asarray(scene.convert("L")).astype(np.uint16)
    clear = scene.convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(scene.size))
    for orientation in (1, 3, 6, 8):
        tags[0x0112] = orientation
        yield f"turned {orientation}", encode(scene, exif=tags)
        yield f"TIFF, turned {orientation}", encode(scene, "TIFF", exif=tags)
    yield "grey", encode(scene.convert("L"))
    yield "palette", encode(scene.quantize(32))
    yield "palette with a transparent colour", encode(scene.quantize(32), transparency=3)
    yield "one bit", encode(scene.convert("1"))
    yield "alpha", encode(clear)
    yield "grey and alpha", encode(clear.convert("LA"))
    yield "10 bits", encode(Image.fromarray(deep << 2))
    yield "16 bits", encode(Image.fromarray(deep * 257))
    yield "CMYK", encode(scene.convert("CMYK"), "TIFF")
    yield "float", encode(Image.fromarray(deep.astype(np.float32)), "TIFF")
    yield "GIF", encode(scene, "GIF")
    yield "BMP", encode(scene, "BMP")


def test_a_pillow_image_is_read_as_its_file(scene: Image.Image) -> None:
    for name, data in files(scene):
        for read in READS:
            expected = read(data)
            found = read(Image.open(io.BytesIO(data)))
            assert np.array_equal(found.pixels, expected.pixels), (name, read.__name__)
            assert (found.width, found.height, found.plain) == (expected.width, expected.height, expected.plain), name


def test_an_image_that_was_turned_upright_is_not_turned_again(scene: Image.Image) -> None:
    tags = Image.Exif()
    tags[0x0112] = 6
    opened = Image.open(io.BytesIO(encode(scene, exif=tags)))
    upright = ImageOps.exif_transpose(opened)
    assert np.array_equal(read_rgb(upright).pixels, read_rgb(opened).pixels)


def test_the_image_of_the_caller_stays_as_it_is(scene: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    from fingerprint.images import limits

    monkeypatch.setattr(limits, "LARGE_BYTES", 1 << 10)  # so that it is reduced
    for mode in ("RGB", "L", "P", "RGBA", "I;16"):
        image = scene.convert("L").convert(mode) if mode == "I;16" else scene.convert(mode)
        before = image.tobytes()
        read_rgb(image)
        assert image.tobytes() == before


def test_every_way_to_give_a_file_is_one(scene: Image.Image, tmp_path: Path) -> None:
    data = encode(scene, "JPEG", quality=90)
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    spooled = SpooledTemporaryFile()  # noqa: SIM115 - as frameworks hand uploads on
    spooled.write(data)
    spooled.seek(0)
    with path.open("rb") as file, spooled:
        for given in (data, bytearray(data), memoryview(data), io.BytesIO(data), file, spooled, path, str(path)):
            assert np.array_equal(read_rgb(given).pixels, read_rgb(data).pixels)


def test_a_file_is_read_from_where_it_stands(scene: Image.Image) -> None:
    file = io.BytesIO(b"headers" + encode(scene))
    file.seek(7)
    assert read_rgb(file).width == 96
    with pytest.raises(ImageError, match=r"<file>: empty file, or one that was read to its end before: use seek\(0\)"):
        read_rgb(file)


async def upload() -> bytes:
    return b""


class Upload:
    def read(self, size: int = -1) -> object:
        return upload()


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (3, "<int>: an object of the type int is no picture here; give a path"),
        (None, "<NoneType>: an object of the type NoneType is no picture"),
        ([1, 2], "<list>: an object of the type list is no picture"),
        (io.StringIO("text"), "<file>: this file is open as text; open it in binary mode"),
        (Upload(), "<file>: this file is read with 'await'"),
        (np.zeros((4, 4)), "<array>: pixels are a uint8 array"),
        (
            Image.open(io.BytesIO(encode(Image.new("RGB", (64, 64)), "PNG")[:70])),
            "<image>: this Pillow image cannot be",
        ),
    ],
)
def test_what_is_no_picture_is_refused(given: Any, reason: str) -> None:
    for take in (read_rgb, perceptual_hash, dihedral_hashes, crop_resistant_hash, fingerprint.fingerprint_image):
        with pytest.raises(ImageError) as caught:
            take(given)
        assert str(caught.value).startswith(reason)


def test_a_closed_file_and_a_large_one() -> None:
    closed = io.BytesIO(b"x")
    closed.close()
    with pytest.raises(ImageError, match="this file cannot be read"):
        read_rgb(closed)
    with pytest.raises(ImageError, match="bytes are more than the limit of 10"):
        read_rgb(io.BytesIO(bytes(100)), limits=ReadLimits(max_bytes=10))
    with pytest.raises(ImageError, match="pixels are more than the limit"):
        read_rgb(Image.new("L", (40, 40)), limits=ReadLimits(max_pixels=100))


def test_a_plain_image_is_the_same_picture_as_its_array(scene: Image.Image) -> None:
    pixels = np.asarray(scene)
    assert load_identified(scene, LIMITS)[1] == load_identified(pixels, LIMITS)[1]
    turned = scene.copy()
    turned.getexif()[0x0112] = 3
    digests = {load_identified(image, LIMITS)[1] for image in (scene, turned, scene.quantize(8), scene.convert("L"))}
    assert len(digests) == 4


@pytest.fixture(scope="module")
def cat(photos: dict[str, U8]) -> Image.Image:
    return Image.fromarray(photos["chelsea"])


class TestEverywhere:
    def test_hashes(self, cat: Image.Image) -> None:
        data = encode(cat)
        names = ("pdq", "phash", "colorhash")
        for exact in (False, True):
            expected = perceptual_hashes(data, names, exact=exact)
            assert perceptual_hashes(cat, names, exact=exact) == expected
            assert perceptual_hashes(io.BytesIO(data), names, exact=exact) == expected  # which is read once only
            assert dihedral_hashes(io.BytesIO(data), exact=exact) == dihedral_hashes(cat, exact=exact)
        assert perceptual_hash(cat, "phash", exact=True).hex == str(imagehash.phash(cat))

    def test_hashes_of_pictures_that_are_read_twice(self, cat: Image.Image) -> None:
        faint = cat.convert("RGBA")
        faint.putalpha(20)
        white = Image.new("RGBA", cat.size, "white")
        white.putalpha(cat.convert("L"))
        for image in (faint, white):
            data = encode(image)
            assert perceptual_hash(io.BytesIO(data)) == perceptual_hash(data) == perceptual_hash(image)

    def test_descriptions(self, cat: Image.Image, described: dict[str, Fingerprint]) -> None:
        for given in (cat, io.BytesIO(encode(cat))):
            found = fingerprint.fingerprint_image(given)
            assert np.array_equal(found.descriptor, described["chelsea"].descriptor)
        vector = fingerprint.compact_descriptor(cat, as_query=False)
        assert np.array_equal(vector, fingerprint.compact_descriptor(np.asarray(cat), as_query=False))

    def test_comparisons(self, cat: Image.Image) -> None:
        verdict = fingerprint.compare(ImageOps.mirror(cat), io.BytesIO(encode(cat)))
        assert (verdict.relation, verdict.mirrored) == ("copy", True)

    def test_collections(self, cat: Image.Image, tmp_path: Path) -> None:
        coffee = Image.new("RGB", (80, 60), "brown")
        with fingerprint.create_collection(tmp_path / "all.fp") as collection:
            collection.add("cat", cat)
            pairs = [("plain", coffee), ("file", io.BytesIO(encode(cat))), ("none", 3), ("cat", cat)]
            report = collection.add_images(pairs)  # type: ignore[arg-type] # one is no picture
            assert (report.added, report.unchanged) == (2, 1)
            assert [(item.path, item.reason[:22]) for item in report.skipped] == [("none", "an object of the type ")]
            assert collection.record("cat").path is None
            (found,) = collection.search(io.BytesIO(encode(cat)), n_results=1)
            assert (found.query, found.relation) == ("<file>", "copy")
            assert [len(answer) for answer in collection.search_many([cat, np.asarray(cat)], n_results=1)] == [1, 1]  # type: ignore[arg-type]
            for alone in (cat, io.BytesIO(encode(cat))):
                with pytest.raises(ConfigError, match="give a list"):
                    list(collection.search_many(alone))  # type: ignore[arg-type]
