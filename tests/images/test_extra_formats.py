"""HEIC, JPEG XL and camera RAW: read by their content, upright, within the limits; advice where they cannot."""

from __future__ import annotations

import contextlib
import io
import struct
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fingerprint.config import DEFAULT_LIMITS, ReadLimits
from fingerprint.errors import ImageError
from fingerprint.images import formats
from fingerprint.images.decode import count_frames, read_as_pillow, read_for_pdq, read_grey, read_rgb
from fingerprint.images.find import IMAGE_SUFFIXES, find_images
from fingerprint.images.formats import EXTRA_FORMATS, format_of
from fingerprint.images.frame_paths import frame_path
from fingerprint.images.frames import with_frames
from fingerprint.images.heif import is_heic
from fingerprint.images.jxl import codestream_of, read_header
from fingerprint.images.raw import PREVIEW_SIDE
from fingerprint.types import U8
from tests.images.raw_files import dng

pillow_heif = pytest.importorskip("pillow_heif")
imagecodecs = pytest.importorskip("imagecodecs")
pytest.importorskip("rawpy")

SIZE = (96, 64)  # width, height: no square, so that turning shows


@pytest.fixture(scope="module")
def scene(photos: dict[str, U8]) -> Image.Image:
    """A small photograph without any symmetry."""
    return Image.fromarray(photos["chelsea"]).resize(SIZE, Image.Resampling.LANCZOS)


def heic(image: Image.Image, **settings: object) -> bytes:
    out = io.BytesIO()
    made = pillow_heif.from_pillow(image)
    made.save(out, **{"quality": 95, **settings})
    return out.getvalue()


def heic_of(samples: NDArray[Any], mode: str) -> bytes:
    """Return deep samples, 16 bits wide, as HEIC of 10 bits."""
    out = io.BytesIO()
    pillow_heif.from_bytes(mode, samples.shape[1::-1], samples.astype(np.uint16).tobytes()).save(out, quality=-1)
    return out.getvalue()


def jxl(samples: object, **settings: object) -> bytes:
    return bytes(imagecodecs.jpegxl_encode(np.asarray(samples), **{"lossless": True, **settings}))


def turned(image: Image.Image, orientation: int) -> tuple[Image.Image, bytes]:
    """Return an image as stored by a turned camera, and its EXIF data."""
    tags = Image.Exif()
    tags[0x0112] = orientation
    back = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}[orientation]
    return image.transpose(back), tags.tobytes()


def error(a: U8, b: U8) -> float:
    assert a.shape == b.shape
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


def refusal(data: bytes, **limits: int) -> str:
    with pytest.raises(ImageError) as caught:
        read_grey(data, limits=ReadLimits(**limits))
    return caught.value.reason


@pytest.fixture(scope="module")
def files(scene: Image.Image, photos: dict[str, U8]) -> dict[str, bytes]:
    return {"HEIC": heic(scene), "JPEG XL": jxl(scene), "camera RAW": dng(photos["chelsea"][:300, :450])}


class TestRecognised:
    def test_by_content_and_not_by_name(self, files: dict[str, bytes], tmp_path: Path, scene: Image.Image) -> None:
        for form, data in files.items():
            path = tmp_path / "named.jpg"
            path.write_bytes(data)
            assert format_of(io.BytesIO(data), "") == form
            assert np.array_equal(read_rgb(path).pixels, read_rgb(data).pixels)

    def test_folders_are_searched_for_them(self, tmp_path: Path) -> None:
        names = ("IMG_1.HEIC", "a.heif", "b.jxl", "c.DNG", "d.cr3", "e.nef", "f.arw")
        for name in names:
            (tmp_path / name).touch()
        assert {path.name for path in find_images([tmp_path])[0]} == set(names)
        assert all(suffix == suffix.lower() for suffix in IMAGE_SUFFIXES)

    def test_avif_stays_with_pillow(self, scene: Image.Image) -> None:
        out = io.BytesIO()
        scene.save(out, "AVIF")
        data = out.getvalue()
        assert format_of(io.BytesIO(data), "") == "AVIF"
        box = struct.pack(">I4s4sI", 24, b"ftyp", b"mif1", 0)
        assert not is_heic(box + b"mif1avif")
        assert is_heic(box + b"mif1heic")
        assert not is_heic(data)

    @pytest.mark.parametrize("order", ["<", ">"])
    def test_an_ordinary_tiff_is_none(self, order: Literal["<", ">"], scene: Image.Image) -> None:
        import tifffile

        out = io.BytesIO()
        tifffile.imwrite(out, np.asarray(scene), byteorder=order, photometric="rgb")
        assert format_of(io.BytesIO(out.getvalue()), "") == "TIFF"

    @pytest.mark.parametrize(
        "start",
        [b"FUJIFILMCCD-RAW 0201", b"II*\0\x10\0\0\0CR\x02\0", b"\0\0\0\x18ftypcrx \0\0\0\1", b"IIU\0\x18\0\0\0"],
    )
    def test_raw_files_that_begin_in_their_own_way(self, start: bytes) -> None:
        assert format_of(io.BytesIO(start + bytes(64)), "") == "camera RAW"
        assert refusal(start + bytes(64)).startswith(("camera RAW file of a kind", "damaged camera RAW file"))

    def test_folders_of_tags_that_lead_in_circles(self) -> None:
        circle = b"II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, 330, 4, 1, 8) + bytes(4)
        assert format_of(io.BytesIO(circle), "") == "TIFF"
        assert format_of(io.BytesIO(b"MM\0*\xff\xff\xff\xff"), "") == "TIFF"
        assert format_of(io.BytesIO(b"MM\0*"), "") == "TIFF"


class TestPixels:
    def test_heic_nearly(self, scene: Image.Image, files: dict[str, bytes]) -> None:
        picture = read_rgb(files["HEIC"])
        assert (picture.width, picture.height, picture.plain) == (*SIZE, True)
        assert error(picture.pixels, np.asarray(scene)) < 5
        assert error(read_rgb(heic(scene.convert("L"))).pixels[..., 0], np.asarray(scene.convert("L"))) < 3

    def test_jpeg_xl_exactly(self, scene: Image.Image, files: dict[str, bytes]) -> None:
        for source in (scene, scene.convert("L")):
            picture = read_rgb(jxl(source))
            assert np.array_equal(picture.pixels, np.asarray(source.convert("RGB")))
            assert (picture.width, picture.height, picture.plain) == (*SIZE, True)

    def test_a_grid_of_tiles(self, photos: dict[str, U8]) -> None:
        whole = Image.fromarray(photos["chelsea"])
        assert error(read_rgb(heic(whole, tile_size=128)).pixels, photos["chelsea"]) < 5

    @pytest.mark.parametrize("orientation", [3, 6, 8])
    def test_heic_is_turned_once(self, orientation: int, scene: Image.Image) -> None:
        stored, tags = turned(scene, orientation)
        data = heic(stored, exif=tags)
        assert b"irot" in data
        assert b"Exif" in data
        for read in (read_rgb, read_for_pdq):
            picture = read(data)
            assert (picture.width, picture.height) == SIZE
        assert error(read_rgb(data).pixels, np.asarray(scene)) < 5

    def test_exif_alone_does_not_turn_heic(self, scene: Image.Image) -> None:
        """The standard makes the transformations count, and all readers follow it."""
        stored, tags = turned(scene, 6)
        data = heic(stored, exif=tags).replace(b"irot", b"free")  # a property that readers pass over
        assert read_rgb(data).pixels.shape[:2] == stored.size[::-1]

    @pytest.mark.parametrize("orientation", [3, 6, 8])
    def test_jpeg_xl_is_turned_by_its_codestream(self, orientation: int, scene: Image.Image) -> None:
        stored, tags = turned(scene, orientation)
        out = io.BytesIO()
        stored.save(out, "JPEG", quality=95, subsampling=0, exif=tags)
        picture = read_rgb(imagecodecs.jpegxl_encode_jpeg(out.getvalue(), usecontainer=True))
        assert (picture.width, picture.height) == SIZE
        assert error(picture.pixels, np.asarray(scene)) < 5

    def test_ten_bits_keep_their_eight_highest(self, scene: Image.Image) -> None:
        deep = np.asarray(scene).astype(np.uint16) * 4 + 1
        for data, tolerance in ((jxl(deep, bitspersample=10), 0), (heic_of(deep << 6, "RGB;16"), 3)):
            picture = read_rgb(data)
            assert not picture.plain
            assert error(picture.pixels, np.asarray(scene)) <= tolerance
        dark = heic_of((deep >> 2) << 6, "RGB;16")  # it states 10 bits, so it is dark
        assert error(read_rgb(dark).pixels, np.asarray(scene) // 4) < 3
        assert np.array_equal(read_rgb(jxl(deep << 6)).pixels, np.asarray(scene))

    def test_floats_are_stretched(self, scene: Image.Image) -> None:
        light = np.asarray(scene.convert("L")).astype(np.float32) / 255
        grey = read_grey(jxl(light)).pixels
        assert (grey.min(), grey.max()) == (0, 255)

    def test_transparency_lies_over_white(self, scene: Image.Image) -> None:
        clear = scene.convert("RGBA")
        clear.putalpha(Image.linear_gradient("L").resize(SIZE))
        expected = np.asarray(Image.alpha_composite(Image.new("RGBA", SIZE, "white"), clear).convert("RGB"))
        assert error(read_rgb(heic(clear)).pixels, expected) < 5
        picture = read_rgb(jxl(clear))
        assert error(picture.pixels, expected) < 1
        assert not picture.plain
        assert error(read_as_pillow(jxl(clear), colours=True).pixels, np.asarray(scene)) == 0
        assert read_for_pdq(jxl(clear.convert("LA"))).pixels.shape == (64, 96, 3)

    def test_the_first_frame_of_an_animation(self, scene: Image.Image) -> None:
        frames = np.stack([np.asarray(scene), 255 - np.asarray(scene)])
        assert np.array_equal(read_rgb(jxl(frames)).pixels, np.asarray(scene))


def album(pictures: list[Image.Image], primary: int, **settings: object) -> bytes:
    """Return a HEIC file of several pictures, as a burst is stored."""
    out, made = io.BytesIO(), pillow_heif.HeifFile()
    for picture in pictures:
        made.add_from_pillow(picture)
    made.save(out, **{"quality": 95, "primary_index": primary, "save_all": True, **settings})
    return out.getvalue()


@pytest.fixture(scope="module")
def pictures(scene: Image.Image) -> list[Image.Image]:
    """A burst of four: one of them is grey, and one of another size."""
    grey = scene.transpose(Image.Transpose.FLIP_TOP_BOTTOM).convert("L")
    return [scene.transpose(Image.Transpose.FLIP_LEFT_RIGHT), grey, scene, scene.crop((8, 8, 72, 40))]


class TestSeveralPictures:
    def test_the_primary_one_is_the_first(
        self, pictures: list[Image.Image], tmp_path: Path, scene: Image.Image
    ) -> None:
        path = tmp_path / "burst.heic"
        path.write_bytes(album(pictures, primary=2))
        assert count_frames(path) == 4
        for k, original in enumerate([2, 0, 1, 3]):
            expected = pictures[original]
            picture = read_rgb(frame_path(path, k))
            assert (picture.width, picture.height) == expected.size
            assert error(picture.pixels, np.asarray(expected.convert("RGB"))) < 6
        assert np.array_equal(read_rgb(path).pixels, read_rgb(album([*pictures[2:3], *pictures], 0)).pixels)
        with pytest.raises(ImageError, match="it has no frame 4"):
            read_rgb(frame_path(path, 4))

    def test_one_picture_with_a_thumbnail_is_one(self, scene: Image.Image) -> None:
        made = pillow_heif.from_pillow(scene)
        out = io.BytesIO()
        made.info["thumbnails"] = [32]
        made.save(out)
        assert count_frames(out.getvalue()) == 1

    def test_they_get_paths_of_their_own(self, pictures: list[Image.Image], tmp_path: Path) -> None:
        path = tmp_path / "burst.heic"
        path.write_bytes(album(pictures, primary=1))
        named = with_frames([("burst.heic", path)], 2, DEFAULT_LIMITS)
        assert [image_id for image_id, _ in named] == ["burst.heic", "burst.heic#frame=2"]

    def test_the_limits_hold_for_each(self, pictures: list[Image.Image], tmp_path: Path) -> None:
        path = tmp_path / "burst.heic"
        path.write_bytes(album([pictures[3], pictures[0]], primary=0))
        assert read_rgb(path, limits=ReadLimits(max_pixels=5_000)).width == 64
        with pytest.raises(ImageError, match="96 x 64 pixels are more than the limit of 5,000"):
            read_rgb(frame_path(path, 1), limits=ReadLimits(max_pixels=5_000))


class TestRaw:
    def test_a_large_preview_is_taken(self, photos: dict[str, U8]) -> None:
        seen = photos["chelsea"][:300, :450]
        preview = Image.fromarray(255 - seen).resize((300, 200))  # half of the sensor's side, and told apart from it
        picture = read_rgb(dng(seen, preview=preview))
        assert (picture.width, picture.height) == (300, 200)
        assert error(picture.pixels, np.asarray(preview)) < 8

    def test_a_small_one_is_not(self, photos: dict[str, U8]) -> None:
        seen = photos["chelsea"][:300, :450]
        for preview in (None, Image.fromarray(255 - seen).resize((150, 100))):
            picture = read_rgb(dng(seen, preview=preview))
            assert (picture.width, picture.height) == (225, 150)
            small = np.asarray(Image.fromarray(seen).resize((225, 150)))
            assert np.corrcoef(picture.pixels.ravel(), small.ravel())[0, 1] > 0.97

    def test_pictures_are_described_at_less_than_a_preview(self) -> None:
        from fingerprint.config import PROFILES, config_for

        sides = [side for name in PROFILES for side in config_for(name).query.sides]
        assert max(sides) <= PREVIEW_SIDE

    @pytest.mark.parametrize("orientation", [3, 6, 8])
    @pytest.mark.parametrize("with_preview", [False, True])
    def test_it_is_turned_once(self, orientation: int, with_preview: bool, photos: dict[str, U8]) -> None:
        upright = Image.fromarray(photos["chelsea"][:300, :450])
        stored, _ = turned(upright, orientation)
        data = dng(np.asarray(stored), orientation=orientation, preview=stored if with_preview else None)
        size = (450, 300) if with_preview else (225, 150)
        picture = read_rgb(data)
        assert (picture.width, picture.height) == size
        assert np.corrcoef(picture.pixels.ravel(), np.asarray(upright.resize(size)).ravel())[0, 1] > 0.97


class TestLimits:
    def test_pixels_are_counted_before_decoding(self, files: dict[str, bytes]) -> None:
        for form, data in files.items():
            assert "pixels are more than the limit of 1,000" in refusal(data, max_pixels=1000), form

    def test_a_heic_bomb(self, files: dict[str, bytes]) -> None:
        data = files["HEIC"]
        at = data.index(b"ispe") + 8
        bomb = data[:at] + struct.pack(">II", 60_000, 60_000) + data[at + 8 :]
        assert "limit" in refusal(bomb)

    def test_a_jpeg_xl_bomb(self) -> None:
        assert "1073741824 x 1073741824 pixels are more than the limit" in refusal(header(1 << 30, 1 << 30) + bytes(64))

    def test_a_raw_bomb(self, photos: dict[str, U8]) -> None:
        data = dng(photos["chelsea"][:300, :450])
        wide = data.replace(struct.pack("<HHII", 256, 4, 1, 450), struct.pack("<HHII", 256, 4, 1, 40_000_000))
        assert wide != data
        refusal(wide)

    def test_bytes(self, files: dict[str, bytes]) -> None:
        for data in files.values():
            assert "bytes are more than the limit" in refusal(data, max_bytes=1000)


class TestDamage:
    @pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.95, 0.9999])
    def test_a_cut_file_is_refused(self, part: float, files: dict[str, bytes], photos: dict[str, U8]) -> None:
        tiled = heic(Image.fromarray(photos["chelsea"]), tile_size=128)  # of which libheif would fill the rest in black
        for data in (files["HEIC"], tiled, files["JPEG XL"]):
            reason = refusal(data[: int(len(data) * part)])
            assert reason.startswith(("truncated", "damaged")), reason

    @pytest.mark.parametrize("tile_size", [None, 128])
    def test_a_hole_of_zeros_in_heic_is_noticed(self, tile_size: int | None, photos: dict[str, U8]) -> None:
        settings = {} if tile_size is None else {"tile_size": tile_size}
        data = heic(Image.fromarray(photos["chelsea"]), **settings)
        start = data.index(b"mdat") + 50
        for at in np.linspace(start, len(data) - 400, 9).astype(int):
            with pytest.raises(ImageError, match="damaged HEIC file"):
                read_rgb(data[:at] + bytes(300) + data[at + 300 :])

    def test_zeros_in_notes_and_thumbnails_of_heic_are_no_damage(self, photos: dict[str, U8]) -> None:
        exif = Image.Exif()
        exif[0x010F] = "maker" + "\0" * 2000 + "x"
        data = heic(Image.fromarray(photos["chelsea"]), exif=exif.tobytes(), thumbnails=[128])
        assert read_rgb(data).pixels.shape == photos["chelsea"].shape

    def test_a_hole_in_another_picture_of_a_heic_file_is_that_ones(
        self, pictures: list[Image.Image], tmp_path: Path
    ) -> None:
        data = album(pictures, 0)
        path = tmp_path / "burst.heic"
        path.write_bytes(data[:-400] + bytes(300) + data[-100:])  # the last one's data are the last
        assert read_rgb(path).pixels.size
        with pytest.raises(ImageError, match="damaged HEIC file"):
            read_rgb(path / f"#frame={len(pictures) - 1}")

    def test_what_follows_the_last_part_does_no_harm(self, files: dict[str, bytes]) -> None:
        assert read_grey(files["HEIC"] + bytes(5)).width == SIZE[0]

    def test_bytes_changed_by_chance_end_as_pictures_or_reasons(self, files: dict[str, bytes]) -> None:
        rng = np.random.default_rng(3)
        for form, data in files.items():
            for _ in range(12):
                changed = bytearray(data)
                for at in rng.integers(0, len(data) if form != "camera RAW" else 600, 3):
                    changed[at] = rng.integers(256)
                with contextlib.suppress(ImageError):
                    read_grey(bytes(changed))


class TestNotInstalled:
    @pytest.fixture(autouse=True)
    def without(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(formats, "find_spec", lambda _: None)

    def test_the_reason_says_what_to_install(self, files: dict[str, bytes]) -> None:
        assert refusal(files["HEIC"]) == "HEIC needs pillow-heif: pip install 'copyprint[heif]'"
        assert refusal(files["JPEG XL"]) == "JPEG XL needs imagecodecs: pip install 'copyprint[jxl]'"
        assert refusal(files["camera RAW"]) == "camera RAW needs rawpy: pip install 'copyprint[raw]'"

    def test_other_pictures_are_read(self, scene: Image.Image) -> None:
        out = io.BytesIO()
        scene.save(out, "TIFF")
        assert read_rgb(out.getvalue()).width == SIZE[0]
        assert all(not extra.installed for extra in EXTRA_FORMATS.values())


def header(width: int, height: int) -> bytes:
    """Return the beginning of a codestream of JPEG XL with sides that are written in full."""
    value = at = 0
    for number, n in ((0, 1), (3, 2), (height - 1, 30), (0, 3), (3, 2), (width - 1, 30)):
        value |= number << at
        at += n
    return b"\xff\x0a" + value.to_bytes(-(-at // 8), "little")


class TestHeaderOfJpegXl:
    @pytest.mark.parametrize(
        "size", [(8, 8), (256, 256), (96, 64), (97, 64), (1000, 800), (1600, 900), (5, 700), (513, 9)]
    )
    def test_sizes(self, size: tuple[int, int]) -> None:
        data = jxl(np.zeros((*size[::-1], 3), np.uint8))
        assert read_header(codestream_of(data))[:2] == size

    @pytest.mark.parametrize(("dtype", "bits"), [(np.uint8, 8), (np.uint16, 16), (np.float32, 32)])
    def test_depths(self, dtype: type, bits: int) -> None:
        assert read_header(codestream_of(jxl(np.zeros((64, 96), dtype))))[2] == bits
