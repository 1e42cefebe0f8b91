"""Frames that are read one after the other: the pixels of each by itself, and each is decoded once."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from struct import pack
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from fingerprint.config import ReadLimits
from fingerprint.errors import ImageError
from fingerprint.images import decoder_pool, sandbox
from fingerprint.images.decode import count_frames, read_for_pdq, read_grey, read_planes, read_rgb
from fingerprint.images.decoder_pool import POOL
from fingerprint.images.frame_paths import frame_path
from fingerprint.images.limits import GATE, MEMORY_KEPT, open_cost
from fingerprint.images.stream import OpenFile, Request
from fingerprint.types import U8
from tests import hostile

N = 9
SIDE = 48
READINGS: tuple[Callable[..., Any], ...] = (read_rgb, read_grey, read_planes, read_for_pdq)
pytestmark = pytest.mark.usefixtures("pool")


def drawn(mode: str) -> list[Image.Image]:
    """Return frames that differ in a part of the picture, some of it transparent."""
    rng = np.random.default_rng(3)
    frames = []
    for k in range(N):
        image = Image.new("RGBA", (SIDE, SIDE), (40, 90, 20 * k, 255) if k % 4 == 0 else (0, 0, 0, 0))
        ImageDraw.Draw(image).ellipse((4 * k, 5, 4 * k + 20, 30), fill=(250 - 20 * k, 10 * k, 200, 255))
        noise = Image.fromarray(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8))
        image.paste(noise, (3 * k, 30))
        frames.append(image.convert(mode))
    return frames


def saved(form: str, mode: str = "RGBA", **options: Any) -> bytes:
    frames, out = drawn(mode), io.BytesIO()
    frames[0].save(out, form, save_all=True, append_images=frames[1:], duration=50, **options)
    return out.getvalue()


def raw_apng(bits: int, colour: int, rows: Callable[[int], bytes], before: bytes = b"") -> bytes:
    """Return an APNG of a kind that Pillow does not write; `rows` gives those of a frame, without their filters."""

    def packed(k: int) -> bytes:
        data = rows(k)
        step = len(data) // SIDE
        return zlib.compress(b"".join(b"\0" + data[at : at + step] for at in range(0, len(data), step)))

    size = pack(">IIII", SIDE, SIDE, 0, 0) + pack(">HHBB", 1, 10, 0, 0)
    start = hostile.chunk(b"acTL", pack(">II", N, 0)) + before + hostile.chunk(b"fcTL", pack(">I", 0) + size)
    whole = hostile.png(SIDE, SIDE, bits, colour, before=start, pixels=packed(0))
    more = b"".join(
        hostile.chunk(b"fcTL", pack(">I", 2 * k - 1) + size) + hostile.chunk(b"fdAT", pack(">I", 2 * k) + packed(k))
        for k in range(1, N)
    )
    return whole[:-12] + more + whole[-12:]


class CountedBytes(io.BytesIO):
    """A file that counts the bytes that are read from it."""

    n_read = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.n_read += len(data)
        return data


@pytest.mark.parametrize("form", ["WEBP", "AVIF"])
def test_a_file_is_not_read_again_for_each_frame(form: str) -> None:
    file = CountedBytes(saved(form))
    opened = OpenFile(file, form)
    read = []
    for frame in range(N):
        opened.read("film", Request("RGB", None, "seen", ReadLimits(), frame))
        read.append(file.n_read)
    assert read[-1] - read[0] <= len(file.getvalue())


def shades(k: int) -> bytes:
    """Return the rows of a frame of 2-bit grey."""
    return np.random.default_rng(k).integers(0, 256, SIDE * SIDE // 4, dtype=np.uint8).tobytes()


def ten_bits(k: int) -> bytes:
    """Return the rows of a frame of 16-bit colours that use 10 bits."""
    return np.random.default_rng(k).integers(0, 1024, SIDE * SIDE * 3).astype(">u2").tobytes()


FILMS: dict[str, Callable[[], bytes]] = {
    "gif": partial(saved, "GIF", "RGB"),
    "gif-dispose-2": partial(saved, "GIF", disposal=2),
    "gif-dispose-3": partial(saved, "GIF", disposal=[0, 1, 3, 2, 3, 1, 0, 3, 2]),
    "gif-grey": partial(saved, "GIF", "L"),
    "apng": partial(saved, "PNG", "RGB"),
    "apng-blend": partial(saved, "PNG", blend=1, disposal=[0, 1, 2, 0, 2, 1, 0, 2, 0]),
    "apng-palette": partial(saved, "PNG", "P"),
    "apng-2-bits": partial(raw_apng, 2, 0, shades, hostile.chunk(b"tRNS", pack(">H", 1))),
    "apng-16-bits": partial(raw_apng, 16, 2, ten_bits),
    "webp": partial(saved, "WEBP", lossless=True),
    "webp-lossy": partial(saved, "WEBP", "RGB", quality=50),
    "avif": partial(saved, "AVIF", "RGB", quality=80),
}


def film_at(folder: Path, name: str) -> Path:
    path = folder / f"film.{name.partition('-')[0]}"
    path.write_bytes(FILMS[name]())
    return path


def pixels(path: Path, frame: int, read: Callable[..., Any] = read_rgb) -> U8:
    found: U8 = read(frame_path(path, frame)).pixels
    return found


@pytest.mark.parametrize("name", FILMS)
def test_the_pixels_are_those_of_a_frame_that_is_read_by_itself(name: str, tmp_path: Path) -> None:
    path = film_at(tmp_path, name)
    assert count_frames(path) == N
    alone = []
    for k in range(N):
        for decoder in POOL._idle:
            decoder.close_file()
        alone.append(pixels(path, k))
    assert len({each.tobytes() for each in alone}) > N // 2
    for order in (range(N), (1, 4, 4, 8), (5, 2, 6, 0, 7)):
        for k in order:
            assert np.array_equal(pixels(path, k), alone[k]), (order, k)


@pytest.mark.parametrize("name", ["gif-dispose-3", "apng-2-bits", "apng-16-bits", "webp"])
def test_a_frame_that_is_read_in_several_ways(name: str, tmp_path: Path) -> None:
    path = film_at(tmp_path, name)
    for k in (3, 6):
        in_turn = [pixels(path, k, read) for read in (*READINGS, *READINGS)]
        POOL.close()
        alone = [pixels(path, k, read) for read in READINGS]
        for found, expected in zip(in_turn, (*alone, *alone), strict=True):
            assert np.array_equal(found, expected)


def counted(log: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Let the processes note each frame that they make; return how many they were since the last call."""
    patch = f"""
from PIL import GifImagePlugin, PngImagePlugin, WebPImagePlugin
import fingerprint.images.decoder as decoder
def noted(real):
    def note(self, *arguments, **options):
        with open({str(log)!r}, "ab") as file:
            file.write(b".")
        return real(self, *arguments, **options)
    return note
for kind, name in (
    (GifImagePlugin.GifImageFile, "_seek"),
    (PngImagePlugin.PngImageFile, "_seek"),
    (WebPImagePlugin.WebPImageFile, "_get_next"),
):
    setattr(kind, name, noted(getattr(kind, name)))
decoder.main()
"""
    start = decoder_pool._START.partition(";")[0] + "\nsys.path[:] = sys.argv[1:]\n" + patch
    monkeypatch.setattr(decoder_pool, "_START", start)

    def count() -> int:
        n = log.stat().st_size if log.exists() else 0
        log.write_bytes(b"")
        return n

    return count


@pytest.mark.parametrize("name", ["gif", "apng", "webp"])
def test_each_frame_is_decoded_once(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, count = film_at(tmp_path, name), counted(tmp_path / "log", monkeypatch)
    for k in range(N):
        pixels(path, k)
    looks = 2 if name == "webp" else 1  # each frame of a WebP is decoded once more, to see whether it is damaged
    assert N - 1 <= count() <= looks * N + 2  # the first frame by itself, and then all once; not N * (N + 1) / 2
    for k in range(1, N):
        pixels(path, k), pixels(path, k, read_grey)
    assert count() <= looks * N + 1


def test_of_several_processes_the_nearest_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, count = film_at(tmp_path, "gif"), counted(tmp_path / "log", monkeypatch)
    with ThreadPoolExecutor(3) as workers:
        assert len(list(workers.map(partial(pixels, path), range(1, N)))) == N - 1
    assert POOL.n_started <= 3
    assert count() <= POOL.n_started * (N + 1)
    kept = sorted(decoder.kept.frame for decoder in POOL._idle if decoder.kept)
    pixels(path, 8)
    assert count() <= 8 - kept[-1]


def test_another_file_of_that_name_is_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = film_at(tmp_path, "gif")
    pixels(path, 3)
    frames = drawn("RGB")[::-1]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    found = pixels(path, 4)
    POOL.close()
    assert np.array_equal(found, pixels(path, 4))


def test_a_large_file_is_gone_on_with_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fingerprint.images.files._SMALL", 1)
    path, count = film_at(tmp_path, "gif"), counted(tmp_path / "log", monkeypatch)
    expected = [pixels(path, k) for k in range(1, N)]
    assert count() <= N + 2
    monkeypatch.undo()
    POOL.close()
    assert all(np.array_equal(pixels(path, k), found) for k, found in enumerate(expected, start=1))


def test_pictures_that_are_read_in_between(tmp_path: Path) -> None:
    path, other = film_at(tmp_path, "gif"), film_at(tmp_path, "webp")
    alone = pixels(path, 5)
    for k in range(1, 6):
        found = pixels(path, k)
        pixels(other, k)
        read_grey(hostile.gif(8, 8))
    assert np.array_equal(found, alone)
    assert POOL.n_started == 1


def test_what_is_kept_open_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, other = film_at(tmp_path, "gif"), film_at(tmp_path, "webp")
    cost = open_cost("GIF", SIDE * SIDE, path.stat().st_size)
    monkeypatch.setattr(sandbox, "MEMORY_KEPT", cost - 1)
    pixels(path, 2)
    assert [decoder.kept for decoder in POOL._idle] == [None]  # too large by itself
    monkeypatch.undo()
    monkeypatch.setattr(decoder_pool, "MEMORY_KEPT", cost)
    first, second = POOL.take(), POOL.take()
    POOL.give(first)
    pixels(path, 2)
    POOL.give(second)
    (kept,) = [decoder.kept for decoder in POOL._idle if decoder.kept]
    assert (kept.frame, kept.cost) == (2, cost)
    pixels(other, 1)
    assert [decoder.kept.frame for decoder in POOL._idle if decoder.kept] == [1]  # the older one is closed
    assert np.array_equal(pixels(path, 3), pixels(path, 3))


def test_all_together_are_within_the_memory_of_before() -> None:
    assert GATE._total + MEMORY_KEPT == 850_000_000


def test_an_error_ends_it(tmp_path: Path) -> None:
    path = film_at(tmp_path, "gif")
    path.write_bytes(path.read_bytes()[:-900])
    reasons = []
    for fresh in (False, True):
        for k in range(1, N):
            if fresh:
                POOL.close()
            try:
                pixels(path, k)
            except ImageError as error:
                reasons.append((k, error.reason))
    assert len(reasons) >= 2
    assert reasons[: len(reasons) // 2] == reasons[len(reasons) // 2 :]


def test_the_limits_hold_for_a_frame_that_is_gone_on_to(tmp_path: Path) -> None:
    path = film_at(tmp_path, "gif")
    pixels(path, 1)
    with pytest.raises(ImageError, match="48 x 48 pixels are more than the limit of 100"):
        read_rgb(frame_path(path, 2), limits=ReadLimits(max_pixels=100))
    assert pixels(path, 2).shape == (SIDE, SIDE, 3)


def test_a_process_that_died_with_an_open_file_is_replaced(tmp_path: Path) -> None:
    path = film_at(tmp_path, "gif")
    pixels(path, 1)
    (idle,) = POOL._idle
    idle.kill()
    idle._process.wait()
    found = pixels(path, 2)
    POOL.close()
    assert np.array_equal(found, pixels(path, 2))
