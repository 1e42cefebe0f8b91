"""Limits before decoding, memory in flight, and the reduction of large pictures."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from fingerprint.config import ReadLimits
from fingerprint.errors import ConfigError, ImageError
from fingerprint.images import limits as room
from fingerprint.images.decode import read_as_pillow, read_grey, read_planes, read_rgb
from fingerprint.images.limits import Gate, divisor_of, reduced
from tests import hostile


def reason(data: bytes, **limits: float) -> str:
    with pytest.raises(ImageError) as caught:
        read_grey(data, limits=ReadLimits(**limits))  # type: ignore[arg-type] # numbers of either kind
    return caught.value.reason


class TestBeforeDecoding:
    @pytest.mark.parametrize("data", [hostile.png(50, 40), hostile.gif(50, 40), hostile.tiff(50, 40)])
    def test_pixels_sides_and_bytes(self, data: bytes) -> None:
        assert reason(data, max_pixels=1_999) == "50 x 40 pixels are more than the limit of 1,999"
        assert reason(data, max_side=49) == "50 x 40: a side is more than the limit of 49 pixels"
        assert reason(data, max_bytes=60) == f"{len(data):,} bytes are more than the limit of 60"
        limits = ReadLimits(max_pixels=2_000, max_side=50, max_bytes=len(data))
        assert read_grey(data, limits=limits).pixels.shape == (40, 50)

    def test_memory_grows_with_the_pixels_that_are_allowed(self) -> None:
        assert ReadLimits().memory == ReadLimits(max_pixels=1).memory == 850_000_000
        assert ReadLimits(max_pixels=360_000_000).memory == 1_700_000_000
        assert ReadLimits(max_pixels=360_000_000, max_memory=5).memory == 5

    @pytest.mark.parametrize("options", [{"max_pixels": 0}, {"timeout": 0.0}, {"timeout": np.nan}, {"max_memory": -1}])
    def test_limits_that_are_none(self, options: dict[str, float]) -> None:
        with pytest.raises(ConfigError):
            ReadLimits(**options)  # type: ignore[arg-type] # as above


class TestGate:
    def test_never_more_than_its_total(self) -> None:
        gate, most, lock = Gate(100), [0], threading.Lock()
        rng = np.random.default_rng(3)

        def work(n_bytes: int) -> int:
            with gate.reserved(n_bytes):
                with lock:
                    most[0] = max(most[0], gate.used)
                return n_bytes

        sizes = [int(n) for n in rng.integers(1, 150, 400)]
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(work, sizes)) == sizes
        assert 0 < most[0] <= 100
        assert gate.used == 0

    def test_one_that_needs_all_waits_for_the_others_and_is_not_passed(self) -> None:
        gate, order = Gate(100), []
        entered = threading.Event()

        def large() -> None:
            entered.set()
            with gate.reserved(1_000):
                order.append("large")

        def small() -> None:
            with gate.reserved(1):
                order.append("small")

        with ThreadPoolExecutor(2) as pool:
            with gate.reserved(50):
                first = pool.submit(large)
                entered.wait()
                while not gate._waiting:
                    pass
                second = pool.submit(small)
                while len(gate._waiting) < 2:
                    pass
                assert order == []
            first.result()
            second.result()
        assert order == ["large", "small"]

    def test_it_is_free_again_after_an_error(self) -> None:
        gate = Gate(10)
        with pytest.raises(ImageError), gate.reserved(10):
            raise ImageError("x", "y")
        assert gate.used == 0


MODES = ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "I", "F", "I;16"]


def noise(mode: str, size: tuple[int, int]) -> Image.Image:
    rng = np.random.default_rng(5)
    if mode == "I;16":
        return Image.fromarray(rng.integers(0, 1 << 16, size[::-1], dtype=np.uint16))
    rgba = Image.fromarray(rng.integers(0, 256, (*size[::-1], 4), dtype=np.uint8))
    if mode in ("P", "PA"):
        return rgba.convert("RGB").quantize(16).convert(mode)
    return (
        rgba.convert("L").convert(mode)
        if mode in ("I", "F")
        else rgba.convert("RGB" if mode == "CMYK" else "RGBA").convert(mode)
    )


class TestReduction:
    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("divisor", [2, 4, 8])
    def test_strips_change_nothing(self, mode: str, divisor: int, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = reduced(noise(mode, (61, 83)), divisor)
        monkeypatch.setattr(room, "_STRIP_BYTES", 1)
        strips = reduced(noise(mode, (61, 83)), divisor)
        assert whole.size == strips.size == (-(-61 // divisor), -(-83 // divisor))
        assert whole.mode == strips.mode
        assert np.array_equal(np.asarray(whole), np.asarray(strips))

    def test_it_is_the_mean_of_each_block(self) -> None:
        image = noise("I;16", (8, 8))
        blocks = np.asarray(image).astype(np.float64).reshape(2, 4, 2, 4).mean(axis=(1, 3))
        assert np.abs(np.asarray(reduced(image, 4)) - blocks).max() <= 0.51

    def test_transparent_pixels_do_not_colour_their_neighbours(self) -> None:
        pixels = np.zeros((2, 2, 4), np.uint8)
        pixels[0] = (200, 100, 50, 255)
        pixels[1] = (0, 255, 0, 0)
        assert np.asarray(reduced(Image.fromarray(pixels), 2)).tolist() == [[[199, 99, 49, 128]]]  # as rounded

    def test_a_small_picture_stays_as_it_is(self) -> None:
        image = noise("RGB", (9, 9))
        assert reduced(image, 1) is image
        assert divisor_of((5_792, 5_792), "RGB", "YCbCr") == 1
        assert divisor_of((5_794, 5_794), "RGB", "YCbCr") == 2
        assert divisor_of((5_794, 5_794), "L", "L") == 1  # the luma of a JPEG takes a quarter of that
        assert divisor_of((13_400, 13_400), "RGB", "RGB") == 4

    @pytest.mark.parametrize("form", ["png", "jpg", "gif", "tif"])
    def test_large_pictures_keep_their_size_and_lose_their_pixels(
        self, form: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Here for pictures that are called large at a thousandth of the size."""
        data = {
            "png": hostile.png(200, 300),
            "jpg": hostile.jpeg(200, 300),
            "gif": hostile.gif(200, 300),
            "tif": hostile.tiff(200, 300),
        }[form]
        before = {read: read(data) for read in (read_grey, read_rgb, read_planes)}
        monkeypatch.setattr(room, "LARGE_BYTES", 1 << 17)
        if form in ("gif", "tif"):
            from fingerprint.images import decode as door
            from fingerprint.images.decoder_pool import SandboxUnavailableError

            def refuse(*_: object) -> None:
                raise SandboxUnavailableError

            monkeypatch.setattr(door, "decode_apart", refuse)  # the other process would not see the change
        for read, whole in before.items():
            picture = read(data)
            assert (picture.width, picture.height) == (whole.width, whole.height) == (200, 300)
            grey = whole.pixels.ndim == 2 and form == "jpg"
            assert picture.pixels.shape[:2] == ((300, 200) if grey else (150, 100))
        assert read_as_pillow(data).pixels.shape == (300, 200)  # exact hashes need all of them
