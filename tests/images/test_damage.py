"""Files of which a part is missing: what decodes completely is read, and what a decoder would make up is not."""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simplejpeg
import tifffile
from click.testing import CliRunner
from PIL import Image, PngImagePlugin

from fingerprint.cli import main
from fingerprint.errors import ImageError
from fingerprint.hashes import perceptual_hash
from fingerprint.images.decode import read_as_pillow, read_for_pdq, read_grey, read_planes, read_rgb
from fingerprint.images.jpeg_damage import DamagedJpegError, check_jpeg, complete_jpeg
from fingerprint.types import U8, Picture

READERS: tuple[Callable[[bytes], Picture], ...] = (
    read_grey,
    read_rgb,
    read_planes,
    read_as_pillow,
    read_for_pdq,
    lambda data: read_grey(data, at_least=48),
    lambda data: read_planes(data, at_least=100),
)
EOI = b"\xff\xd9"


@pytest.fixture(scope="module")
def scene(photos: dict[str, U8]) -> Image.Image:
    return Image.fromarray(photos["coffee"][:300, :450])


def encode(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def refused(data: bytes) -> set[str]:
    """The reasons for which all readers refuse a file."""
    reasons = set()
    for read in READERS:
        with pytest.raises(ImageError) as caught:
            read(data)
        reasons.add(caught.value.reason)
    return reasons


def assert_read_as(data: bytes, sound: bytes) -> None:
    for read in READERS:
        assert np.array_equal(read(data).pixels, read(sound).pixels)


def in_scan(data: bytes, share: float) -> int:
    """A position in the data of the first scan."""
    start = data.index(b"\xff\xda") + 14
    return start + int((len(data) - start) * share)


KINDS: dict[str, dict[str, object]] = {
    "usual": {},
    "fine": {"quality": 98, "subsampling": 0},
    "optimised": {"optimize": True, "quality": 60},
    "restarts": {"restart_marker_rows": 2},
    "progressive": {"progressive": True},
}
MODES = ["RGB", "L", "CMYK"]


@pytest.fixture(params=[(kind, mode) for kind in KINDS for mode in MODES], ids=lambda p: f"{p[0]}, {p[1]}")
def jpeg(request: pytest.FixtureRequest, scene: Image.Image) -> bytes:
    kind, mode = request.param
    options = {key: value for key, value in KINDS[kind].items() if mode == "RGB" or key != "subsampling"}
    return encode(scene.convert(mode), "JPEG", **options)


def test_a_jpeg_without_its_end_marker_is_whole(jpeg: bytes) -> None:
    for n_missing in (1, 2):
        assert_read_as(jpeg[:-n_missing], jpeg)


def test_a_jpeg_of_millions_of_segments_is_refused_before_they_are_gathered(jpeg: bytes) -> None:
    end = jpeg[: -len(EOI)]
    assert_read_as(end + b"\xff\xfe\0\2" * 10_000 + EOI, jpeg)
    (reason,) = refused(end + b"\xff\xfe\0\2" * 1_000_000)
    assert reason == "damaged JPEG file: it has more than 20,000 segments"


@pytest.mark.parametrize("more", [b"\0", b"\0" * 5000, b"trailing text", EOI, b"\xff", b"\xff\xd8\xff\xe0"])
def test_bytes_after_a_jpeg_do_no_harm(jpeg: bytes, more: bytes) -> None:
    assert_read_as(jpeg + more, jpeg)


@pytest.mark.parametrize("padding", [b"\0", b"\x5a", b"\0" * 40, b"\0" * 3000])
def test_padding_before_the_end_marker_does_no_harm(jpeg: bytes, padding: bytes) -> None:
    assert_read_as(jpeg[:-2] + padding + EOI, jpeg)


def test_fill_bytes_before_markers_do_no_harm(jpeg: bytes) -> None:
    assert_read_as(jpeg[:2] + b"\xff\xff" + jpeg[2:-2] + b"\xff\xff" + EOI, jpeg)


@pytest.mark.parametrize("stray", [b"\0" * 5, b"\xff\0\xff\0", b"a camera's notes"])
def test_stray_bytes_between_headers_are_no_damage_and_hide_none(jpeg: bytes, stray: bytes) -> None:
    for marker in (b"\xff\xdb", b"\xff\xda"):  # the first tables, and the first scan
        at = jpeg.index(marker)
        odd = jpeg[:at] + stray + jpeg[at:]
        assert_read_as(odd, jpeg)
        hole = in_scan(odd, 0.5)
        assert refused(odd[:hole] + odd[hole + 300 :])


def test_odd_headers_are_no_damage_and_hide_none(scene: Image.Image) -> None:
    """libjpeg warns of headers too, and it only gives its first warning."""
    sound = encode(scene, "JPEG")
    odd = sound.replace(b"JFIF\0\x01", b"JFIF\0\x07", 1)
    with pytest.raises(ValueError, match="JFIF revision"):
        simplejpeg.decode_jpeg(odd, "GRAY")
    assert_read_as(odd, sound)
    at = in_scan(odd, 0.5)
    assert all("damaged" in reason or "truncated" in reason for reason in refused(odd[:at] + odd[at + 300 :]))


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9, 0.99])
def test_a_cut_jpeg_is_refused(jpeg: bytes, share: float) -> None:
    cut = jpeg[: in_scan(jpeg, share)]
    for data in (cut, cut + EOI, cut + b"\xff"):
        for reason in refused(data):
            assert reason.startswith("truncated"), reason


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_jpeg_with_a_hole_is_refused(jpeg: bytes, share: float) -> None:
    at = in_scan(jpeg, share)
    for data in (jpeg[:at] + bytes(300) + jpeg[at + 300 :], jpeg[:at] + jpeg[at + 400 :], jpeg[:at] + b"\xff" * 300):
        if jpeg[data.index(b"\xff\xda") - 1 :].count(b"\xff\xda") > 1 and share > 0.6:
            continue  # the last scan of a progressive JPEG holds bare bits, in which a hole need not show
        for reason in refused(data):
            assert "JPEG file" in reason


def test_zeros_in_a_sequential_jpeg_are_always_noticed(scene: Image.Image) -> None:
    """Disks that lose a block, and downloads into a file of full length, leave zeros. They are valid Huffman codes."""
    silent = 0
    for options in (KINDS["usual"], KINDS["fine"], KINDS["optimised"]):
        data = encode(scene, "JPEG", **options)
        for share in np.linspace(0.02, 0.9, 30):
            at = in_scan(data, share)
            for hole in (data[:at] + bytes(40) + data[at + 40 :], data[:at] + bytes(len(data) - at)):
                hole = complete_jpeg(hole) if hole.endswith(EOI) else hole + EOI
                try:
                    simplejpeg.decode_jpeg(hole, "GRAY")
                    silent += 1
                except ValueError:
                    pass
                with pytest.raises(DamagedJpegError):
                    check_jpeg(io.BytesIO(hole))
    assert silent > 0  # otherwise the decoder would be enough


def test_zeros_that_mean_an_even_area_are_no_damage() -> None:
    for mode in ("L", "RGB"):
        image = Image.new(mode, (1500, 1500), 200 if mode == "L" else (200, 10, 90))
        image.paste(image.resize((40, 40)).point(lambda value: 255 - value), (700, 700))
        for options in ({"optimize": True}, {"progressive": True}):
            data = encode(image, "JPEG", **options)
            assert bytes(24) in data
            assert complete_jpeg(data) is data
            check_jpeg(io.BytesIO(data))


def scans_of(data: bytes) -> list[int]:
    return [i for i in range(len(data) - 1) if data[i : i + 2] == b"\xff\xda"]


def test_a_jpeg_that_is_cut_between_two_scans_is_refused(scene: Image.Image) -> None:
    """No scan is damaged then; the picture is only less fine, or grey."""
    progressive = encode(scene, "JPEG", progressive=True)
    starts = scans_of(progressive)
    assert len(starts) > 5
    for start in starts[1:]:
        marker = progressive.rindex(b"\xff\xc4", 0, start) if progressive[start - 2 : start] != EOI else start
        for reason in refused(progressive[:marker]):
            assert reason.startswith("truncated"), reason
    assert_read_as(progressive[:-2], progressive)


def test_the_first_picture_of_an_mpo_is_enough(scene: Image.Image) -> None:
    first = encode(scene, "JPEG", quality=90)
    mpo = encode(scene, "MPO", save_all=True, append_images=[scene.rotate(90)], quality=90)
    assert mean_difference(read_rgb(mpo).pixels, read_rgb(first).pixels) < 1
    assert np.array_equal(read_rgb(mpo[:-500]).pixels, read_rgb(mpo).pixels)  # the second one is cut


def mean_difference(a: U8, b: U8) -> float:
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


def test_an_exif_thumbnail_is_not_the_picture(scene: Image.Image) -> None:
    thumbnail = encode(scene.resize((64, 48)), "JPEG")
    for embedded in (thumbnail, thumbnail[:-2], thumbnail[:200] + bytes(200)):
        block = b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0" + embedded
        segment = b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block
        sound = encode(scene, "JPEG")
        data = sound[:2] + segment + sound[2:]
        assert_read_as(data, sound)
        assert_read_as(data[:-2], sound)


# --- PNG --------------------------------------------------------------------------------------------------------------


Part = tuple[bytes, bytes]


def png_parts(data: bytes) -> list[Part]:
    parts, at = [], 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        parts.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return parts


def joined(parts: list[Part], wrong: bytes = b"") -> bytes:
    """A PNG of these parts; the checksum of those of the kind `wrong` is wrong."""
    out = [b"\x89PNG\r\n\x1a\n"]
    for kind, body in parts:
        crc = zlib.crc32(kind + body) ^ (1 if kind == wrong else 0)
        out.append(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc))
    return b"".join(out)


@pytest.fixture(scope="module", params=["RGB", "L", "RGBA", "P", "1"])
def png(request: pytest.FixtureRequest, scene: Image.Image) -> bytes:
    comment = PngImagePlugin.PngInfo()
    comment.add_text("Comment", "a cup")
    image = scene.convert(request.param)
    if request.param == "RGBA":
        image.putalpha(scene.convert("L"))
    return encode(image, "PNG", pnginfo=comment)


def with_stream(png: bytes, change: Callable[[bytes], bytes], *, inflated: bool = False) -> bytes:
    """A PNG whose pixels, deflated or `inflated`, are changed; all its checksums are right."""
    parts = png_parts(png)
    stream = b"".join(body for kind, body in parts if kind == b"IDAT")
    stream = zlib.compress(change(zlib.decompress(stream))) if inflated else change(stream)
    head = [part for part in parts if part[0] not in (b"IDAT", b"IEND")]
    return joined([*head, (b"IDAT", stream), (b"IEND", b"")])


def test_what_is_not_needed_of_a_png_may_be_damaged(png: bytes) -> None:
    parts = png_parts(png)
    assert joined(parts) == png
    assert_read_as(joined(parts, wrong=b"tEXt"), png)
    assert_read_as(joined(parts, wrong=b"IEND"), png)
    assert_read_as(joined(parts[:-1]), png)
    assert_read_as(png + b"something else", png)
    assert_read_as(joined(parts, wrong=b"IDAT"), png)  # the stream in it has a checksum too, and that one is right


def test_a_png_with_a_part_missing_is_refused(png: bytes) -> None:
    half = len(png_parts(png)[-2][1]) // 2
    damaged = {
        "cut": png[: len(png) // 2],
        "a header that is wrong": joined(png_parts(png), wrong=b"IHDR"),
        "the stream is cut": with_stream(png, lambda stream: stream[: len(stream) // 2]),
        "a hole in the stream": with_stream(png, lambda s: s[:half] + bytes(300) + s[half + 300 :]),
        "the stream's checksum is wrong": with_stream(png, lambda s: s[:-4] + bytes(4)),
        "rows are missing": with_stream(png, lambda rows: rows[: len(rows) // 2], inflated=True),
        "a row is missing": with_stream(png, lambda rows: rows[: len(rows) * 299 // 300], inflated=True),
    }
    for what, data in damaged.items():
        for reason in refused(data):
            assert "PNG file" in reason, what


def test_a_png_that_is_black_below_is_whole(scene: Image.Image) -> None:
    image = scene.copy()
    image.paste("black", (0, 200, *image.size))
    for mode in ("RGB", "L", "1", "P"):
        for interlaced in (False, True):
            data = encode(image.convert(mode), "PNG", interlace=interlaced)
            assert np.array_equal(read_rgb(data).pixels, np.asarray(image.convert(mode).convert("RGB")))


# --- Others -----------------------------------------------------------------------------------------------------------


def packbits(pixels: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, compression="packbits", **options)
    return file.getvalue()


def forms_of_packbits(scene: Image.Image) -> dict[str, bytes]:
    pixels = np.array(scene)
    planes = np.ascontiguousarray(np.moveaxis(pixels, 2, 0))
    return {
        "by Pillow": encode(scene, "TIFF", compression="packbits"),
        "grey": encode(scene.convert("L"), "TIFF", compression="packbits"),
        "one bit": encode(scene.convert("1"), "TIFF", compression="packbits"),
        "strips": packbits(pixels, photometric="rgb", rowsperstrip=7),
        "tiles": packbits(pixels, photometric="rgb", tile=(64, 48)),
        "planes": packbits(planes, photometric="rgb", planarconfig="separate", rowsperstrip=16),
        "16 bits": packbits(pixels[:, :, 0].astype(np.uint16) * 257, photometric="minisblack"),
    }


def test_whole_tiffs_of_packbits_are_read(scene: Image.Image) -> None:
    for name, data in forms_of_packbits(scene).items():
        assert read_rgb(data).pixels.shape == (300, 450, 3), name


def test_a_hole_in_packbits_is_noticed(scene: Image.Image) -> None:
    for name, data in forms_of_packbits(scene).items():
        middle = len(data) // 2
        reasons = refused(data[:middle] + bytes(300) + data[middle + 300 :])
        assert all("damaged TIFF file" in reason for reason in reasons), (name, reasons)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "jpeg", "group4"])
def test_a_tiff_with_a_part_missing_is_refused(
    compression: str, scene: Image.Image, capfd: pytest.CaptureFixture[str]
) -> None:
    image = scene.convert("1") if compression == "group4" else scene
    data = encode(image, "TIFF", compression=compression)
    assert read_rgb(data).pixels.shape == (300, 450, 3)
    with Image.open(io.BytesIO(data)) as opened:
        offsets, counts = opened.tag_v2[273], opened.tag_v2[279]  # type: ignore[attr-defined]
    at, n = offsets[-1], counts[-1]
    cut = bytearray(data)
    cut[at + n // 3 :] = b""
    damaged = [bytes(cut)]
    if compression in ("tiff_adobe_deflate", "jpeg"):  # what has checksums, or is a JPEG
        for share in np.linspace(0.1, 0.9, 9):
            hole = bytearray(data)
            start = offsets[0] + int((sum(counts) - 300) * share)
            hole[start : start + 300] = bytes(300)
            damaged.append(bytes(hole))
    for file in damaged:
        with pytest.raises(ImageError):
            read_rgb(file)
    capfd.readouterr()  # what libtiff says


@pytest.mark.parametrize(
    ("form", "options"),
    [("GIF", {}), ("WEBP", {"lossless": True}), ("WEBP", {}), ("AVIF", {}), ("BMP", {}), ("PPM", {})],
)
def test_other_formats_that_are_cut_are_refused(form: str, options: dict[str, object], scene: Image.Image) -> None:
    data = encode(scene, form, **options)
    for share in (0.3, 0.6, 0.9):
        with pytest.raises(ImageError, match=form):
            read_rgb(data[: int(len(data) * share)])


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_a_tiff_that_lost_the_end_of_its_directory_is_called_truncated(compression: str, scene: Image.Image) -> None:
    data = encode(
        scene, "TIFF", compression=compression
    )  # Pillow writes the directory last, and the bits a sample there
    for n_lost in (1, 4):
        with pytest.raises(ImageError, match="truncated TIFF file: it ends before"):
            read_rgb(data[:-n_lost])


# --- WebP and AVIF: no checksums ------------------------------------------------------------------------------------


def with_hole(data: bytes, share: float, filling: bytes) -> bytes:
    at = int((len(data) - len(filling)) * share)
    return data[:at] + filling + data[at + len(filling) :]


def webp_parts(data: bytes) -> dict[bytes, bytes]:
    parts, at = {}, 12
    while at < len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        parts[kind] = data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    return parts


def webp_of(**parts: bytes) -> bytes:
    body = b"".join(
        kind.encode().ljust(4) + struct.pack("<I", len(part)) + part + b"\0" * (len(part) % 2)
        for kind, part in parts.items()
    )
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


class TestWebp:
    @pytest.mark.parametrize("options", [{"quality": 60}, {"quality": 90, "method": 6}, {"quality": 20, "method": 0}])
    def test_a_hole_is_noticed_wherever_it_is(self, options: dict[str, object], scene: Image.Image) -> None:
        data = encode(scene, "WEBP", **options)
        for share in np.linspace(0.1, 0.9, 9):
            with pytest.raises(ImageError, match="damaged WEBP file"):
                read_rgb(with_hole(data, share, bytes(300)))

    def test_a_half_that_is_all_zeros_is_noticed(self, scene: Image.Image) -> None:
        for options in ({"quality": 80}, {"lossless": True}):
            data = encode(scene, "WEBP", **options)
            half = len(data) // 2
            assert refused(data[:half] + bytes(len(data) - half)) == {
                "damaged WEBP file: the end of its data is overwritten"
            }

    def test_most_holes_of_noise_are_noticed(self, scene: Image.Image) -> None:
        noise = np.random.default_rng(5).bytes(300)
        data = encode(scene, "WEBP", quality=80)
        n_noticed = 0
        for share in np.linspace(0.1, 0.9, 20):
            with suppress(ImageError):
                read_rgb(with_hole(data, share, noise))
                continue
            n_noticed += 1
        assert n_noticed >= 18

    @pytest.mark.parametrize("quality", [1, 80, 100])
    @pytest.mark.parametrize("method", [0, 6])
    def test_sound_files_of_little_content_are_read(self, quality: int, method: int) -> None:
        """Their data are mostly zeros, which a sound code may have."""
        flat, dots = np.zeros((200, 300, 3), np.uint8), np.zeros((200, 300, 3), np.uint8)
        dots[::16, ::16] = 255
        half = flat.copy()
        half[:100] = 255
        for pixels in (flat, dots, half, flat[:1], flat[:, :1]):
            for lossless in (True, False):
                image = Image.fromarray(pixels)
                data = encode(image, "WEBP", quality=quality, method=method, lossless=lossless)
                assert read_rgb(data).pixels.shape == pixels.shape

    @pytest.mark.parametrize("padding", [bytes(100), b"\xff" * 41, bytes(5000)])
    def test_padding_that_an_encoder_appends_is_no_damage(self, padding: bytes, scene: Image.Image) -> None:
        for options, kind in (({"quality": 80}, b"VP8 "), ({"lossless": True}, b"VP8L")):
            data = encode(scene, "WEBP", **options)
            padded = webp_of(**{kind.decode(): webp_parts(data)[kind] + padding})
            assert_read_as(padded, data)

    def test_frames_are_checked_one_by_one(self, scene: Image.Image, tmp_path: Path) -> None:
        frames = [scene.rotate(30 * k) for k in range(3)]
        data = encode(frames[0], "WEBP", save_all=True, append_images=frames[1:], quality=80)
        starts = [match.start() for match in re.finditer(b"ANMF", data)]
        path = tmp_path / "three.webp"
        at = starts[1] + (starts[2] - starts[1]) // 2
        path.write_bytes(data[:at] + bytes(300) + data[at + 300 :])
        assert read_rgb(path).pixels.shape == (300, 450, 3)
        with pytest.raises(ImageError, match="WEBP"):
            read_rgb(path / "#frame=1")


class TestAvif:
    def test_a_hole_of_zeros_is_noticed_wherever_it_is(self, scene: Image.Image) -> None:
        data = encode(scene, "AVIF", quality=80)
        start = data.index(b"mdat") / len(data)
        for share in np.linspace(start + 0.05, 0.98, 12):
            with pytest.raises(ImageError, match="damaged AVIF file"):
                read_rgb(with_hole(data, share, bytes(600)))

    def test_sound_files_of_little_content_are_read(self) -> None:
        dots = np.zeros((256, 512, 3), np.uint8)
        dots[::64, ::64] = 255
        for pixels in (dots, np.zeros_like(dots)):
            for quality in (20, 60, 100):
                data = encode(Image.fromarray(pixels), "AVIF", quality=quality, speed=10)
                assert read_rgb(data).pixels.shape == pixels.shape

    def test_zeros_in_notes_are_no_damage(self, scene: Image.Image) -> None:
        exif = Image.Exif()
        exif[0x010F] = "maker" + "\0" * 2000 + "x"
        assert read_rgb(encode(scene, "AVIF", exif=exif)).pixels.shape == (300, 450, 3)


def test_bytes_after_other_formats_do_no_harm(scene: Image.Image) -> None:
    for form in ("GIF", "WEBP", "BMP", "PPM", "TIFF", "AVIF"):
        data = encode(scene, form)
        assert np.array_equal(read_rgb(data + b"\0" * 64).pixels, read_rgb(data).pixels), form


# --- Commands ---------------------------------------------------------------------------------------------------------


def test_commands_skip_what_is_damaged_and_say_why(
    tmp_path: Path, scene: Image.Image, capfd: pytest.CaptureFixture[str]
) -> None:
    sound = encode(scene, "JPEG")
    at = in_scan(sound, 0.5)
    files = {"sound.jpg": sound, "no-end.jpg": sound[:-2], "rotten.jpg": sound[:at] + bytes(300) + sound[at + 300 :]}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    result = CliRunner().invoke(main, ["hash", "--algorithm", "pdq", str(tmp_path)])
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 2
    assert result.stdout.count(perceptual_hash(sound).hex) == 2
    assert re.search("rotten.jpg: .*JPEG file", result.stderr)
    assert capfd.readouterr().err == ""  # no line of a codec without a file's name


# --- Parts that are sound, and too large for Pillow ------------------------------------------------------------------

LARGE = bytes(3 << 20)
RAW_EXIF = (
    b"\nexif\n      34\n" + b"457869660000" + b"4d4d002a00000008" + b"0001011200030000000100060000" + b"00000000\n"
)


def with_parts(picture: bytes, *parts: tuple[bytes, bytes]) -> bytes:
    """Return a PNG with more parts after its header."""
    made = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )
    return picture[:33] + made + picture[33:]


@pytest.mark.parametrize(
    "parts",
    [
        [(b"iCCP", b"profile\0\0" + zlib.compress(LARGE))],
        [(b"iCCP", b"profile\0\0" + b"no zlib stream")],
        [(b"zTXt", b"Comment\0\0" + zlib.compress(LARGE))],
        [(b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(LARGE))],
        [(b"tEXt", b"Comment\0" + b"x" * 1000)] * 60,
        [(b"tEXt", b"Comment\0" + b"x" * (2 << 20))] * 40,
        [(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(LARGE))],
        [(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(LARGE))],
        [(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + LARGE)],
    ],
)
def test_profiles_and_texts_that_pillow_refuses_do_no_harm(
    parts: list[tuple[bytes, bytes]], scene: Image.Image
) -> None:
    buffer = io.BytesIO()
    scene.save(buffer, "PNG")
    read = read_rgb(with_parts(buffer.getvalue(), *parts)).pixels
    assert np.array_equal(read, np.asarray(scene.convert("RGB")))


@pytest.mark.parametrize(
    "part",
    [
        (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(RAW_EXIF)),
        (b"iTXt", b'XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation="6"/>'),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b'<x tiff:Orientation="6"/>')),
    ],
)
def test_an_orientation_in_a_text_is_still_followed(part: tuple[bytes, bytes], scene: Image.Image) -> None:
    buffer = io.BytesIO()
    scene.save(buffer, "PNG")
    upright = scene.convert("RGB").transpose(Image.Transpose.ROTATE_270)
    assert np.array_equal(read_rgb(with_parts(buffer.getvalue(), part)).pixels, np.asarray(upright))
