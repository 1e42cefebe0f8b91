"""A fuzzer of the image door: changed pictures must end as a picture or as one that is skipped with a reason.

Run by ``make fuzz``, or alone::

    python tests/fuzz_pictures.py --files 10000 --seed 1
    python tests/fuzz_pictures.py --only tiff --files 500
    python tests/fuzz_pictures.py --case 1234 --seed 1

Sound pictures of every format and of many kinds are made, and changed by chance: bytes, headers, lengths, cuts, parts
that are repeated, moved, zeroed or taken from another file. The hostile ones of `hostile` are among them, small and as
they are. Children read them with two threads, as ``index create --workers 2`` does, so that a crash or a hang costs
only that child. Each case depends on the seed and its number alone. The exit code is 1 if a case ended in any other
way, if a line was written to stderr, or if the processes took more memory than they may.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import os
import select
import signal
import struct
import sys
import tempfile
import threading
import time
import traceback
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import hostile  # type: ignore[import-not-found] # beside this file
import numpy as np
import tifffile
from PIL import Image

from fingerprint.errors import ImageError
from fingerprint.features.describe import describe_reference
from fingerprint.hashes import perceptual_hashes
from fingerprint.images.decode import read_as_pillow, read_for_pdq, read_grey, read_planes, read_rgb
from fingerprint.types import Picture

#: Seconds without an answer after which a case hangs: the limit for one picture is 30, and it is read up to 5 times.
PATIENCE = 240
#: Bytes that all processes may take together.
MOST_MEMORY = 1_500_000_000
_PARCEL = 100  # cases that a child does; then another one begins
_SIDE = 96
_HOSTILE_SIDE = 300

Change = Callable[[bytes, np.random.Generator, bytes], bytes]


# --- sound pictures ---------------------------------------------------------------------------------------------------


def scene(rng: np.random.Generator, height: int = 64, width: int = _SIDE) -> Image.Image:
    """Return a picture with soft and sharp parts."""
    small = Image.fromarray(rng.integers(0, 256, (8, 12, 3), np.uint8))
    pixels = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC)).copy()
    pixels[10:30, 20:50] = rng.integers(0, 256, 3)
    pixels[40:60, 50:90] = rng.integers(0, 256, (20, 40, 3))
    return Image.fromarray(pixels)


def saved(image: Image.Image, form: str, frames: Sequence[Image.Image] = (), **options: Any) -> bytes:
    """Return an image as a file; copies are saved, as saving leaves settings in an image."""
    out = io.BytesIO()
    if frames:
        options |= {"save_all": True, "append_images": [frame.copy() for frame in frames]}
    image.copy().save(out, form, **options)
    return out.getvalue()


def sound_pictures(rng: np.random.Generator) -> dict[str, list[bytes]]:
    """Return sound files by format."""
    colour = scene(rng)
    grey, see_through, palette = colour.convert("L"), colour.convert("RGBA"), colour.quantize(64)
    see_through.putalpha(grey)
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "maker"
    frames = [scene(rng) for _ in range(3)]
    made = {
        "jpeg": [
            saved(colour, "JPEG", quality=90, exif=exif),
            saved(colour, "JPEG", progressive=True, optimize=True),
            saved(grey, "JPEG"),
            saved(colour.convert("CMYK"), "JPEG"),
            saved(colour, "JPEG", subsampling=0, restart_marker_blocks=2, comment=b"a comment"),
            saved(scene(rng, 300, 400), "JPEG", quality=60),
            saved(colour, "MPO", frames),
        ],
        "png": [
            saved(colour, "PNG", exif=exif),
            saved(see_through, "PNG"),
            saved(palette, "PNG", transparency=3),
            saved(deep, "PNG"),
            saved(colour.convert("1"), "PNG"),
            saved(colour, "PNG", compress_level=0),
            saved(colour, "PNG", frames),
            png_of_16_bits(rng),
        ],
        "webp": [
            saved(colour, "WEBP", exif=exif),
            saved(see_through, "WEBP", lossless=True),
            saved(see_through, "WEBP"),
            saved(colour, "WEBP", frames),
        ],
        "gif": [
            saved(palette, "GIF"),
            saved(palette, "GIF", transparency=2),
            saved(colour, "GIF", frames),
            saved(palette, "GIF", interlace=0),
        ],
        "tiff": [
            *(saved(colour, "TIFF", compression=name) for name in _TIFF_COLOUR),
            *(saved(colour.convert("1"), "TIFF", compression=name) for name in ("group3", "group4", "tiff_ccitt")),
            saved(deep, "TIFF", compression="tiff_adobe_deflate"),
            saved(Image.fromarray(np.asarray(grey).astype(np.float32)), "TIFF"),
            saved(see_through, "TIFF", compression="tiff_lzw"),
            saved(colour.convert("CMYK"), "TIFF"),
            saved(colour, "TIFF", frames, exif=exif),
            *tiffs_by_sample(rng),
        ],
        "bmp": [saved(colour, "BMP"), saved(grey, "BMP"), saved(palette, "BMP"), saved(colour.convert("1"), "BMP")],
        "avif": [saved(colour, "AVIF"), saved(see_through, "AVIF", quality=40), saved(grey, "AVIF")],
        "ppm": [saved(colour, "PPM"), saved(grey, "PPM"), saved(colour.convert("1"), "PPM"), saved(deep, "PPM")],
    }
    made["hostile"] = [data for _, data in hostile.pictures(_HOSTILE_SIDE) if len(data) < 1 << 20]
    return made


def tiffs_by_sample(rng: np.random.Generator) -> Iterator[bytes]:
    """Yield TIFF files of the kinds that Pillow does not read: planes, 64-bit floats, big-endian BigTIFF."""
    deep = rng.integers(0, 1 << 16, (3, _SIDE, _SIDE), np.uint16)
    kinds: tuple[tuple[Any, dict[str, Any]], ...] = (
        (deep, {"planarconfig": "separate", "photometric": "rgb"}),
        (deep, {"planarconfig": "separate", "photometric": "rgb", "tile": (32, 48), "compression": "zlib"}),
        (deep, {"planarconfig": "separate", "photometric": "rgb", "compression": "zlib", "predictor": 2}),
        (deep.astype(np.float64)[0], {"byteorder": ">", "bigtiff": True, "compression": "zlib"}),
        (deep.astype(np.float32)[0], {"byteorder": ">", "bigtiff": True, "tile": (64, 32)}),
    )
    for pixels, settings in kinds:
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, pixels, **settings)
        yield buffer.getvalue()


_TIFF_COLOUR = (None, "tiff_lzw", "packbits", "tiff_adobe_deflate", "jpeg", "lzma", "zstd")


def png_of_16_bits(rng: np.random.Generator) -> bytes:
    rows = rng.integers(0, 256, (64, 1 + _SIDE * 6), np.uint8)
    rows[:, 0] = 0
    return bytes(hostile.png(_SIDE, 64, 16, 2, pixels=zlib.compress(rows.tobytes())))


# --- changes ----------------------------------------------------------------------------------------------------------

_BITS = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x80\0", b"\0\x01", b"\xff\xda")
_HEADER = 200


def span(data: bytes, rng: np.random.Generator, most: int) -> tuple[int, int]:
    at = int(rng.integers(len(data)))
    return at, min(len(data), at + int(rng.integers(1, most + 1)))


def some_bytes(data: bytes, rng: np.random.Generator, _: bytes) -> bytes:
    out = bytearray(data)
    for at in rng.integers(0, len(out), int(rng.choice([1, 2, 5, 20]))):
        out[at] = rng.integers(256)
    return bytes(out)


def header_bytes(data: bytes, rng: np.random.Generator, _: bytes) -> bytes:
    out = bytearray(data)
    for at in rng.integers(0, min(_HEADER, len(out)), int(rng.choice([1, 2, 4]))):
        out[at] = rng.integers(256)
    return bytes(out)


def one_bit(data: bytes, rng: np.random.Generator, _: bytes) -> bytes:
    out = bytearray(data)
    out[int(rng.integers(len(out)))] ^= 1 << int(rng.integers(8))
    return bytes(out)


def extreme_numbers(data: bytes, rng: np.random.Generator, _: bytes) -> bytes:
    within = len(data) if rng.random() < 0.3 else min(_HEADER, len(data))
    at, bits = int(rng.integers(within)), _BITS[int(rng.integers(len(_BITS)))]
    return data[:at] + bits + data[at + len(bits) :]


def cut_short(data: bytes, rng: np.random.Generator, _: bytes) -> bytes:
    return data[: int(rng.integers(len(data)))]


def zeros(data: bytes, rng: np.random.Generator, _: bytes) -> bytes:
    at, end = span(data, rng, 300)
    return data[:at] + bytes(end - at) + data[end:]


def noise(data: bytes, rng: np.random.Generator, _: bytes) -> bytes:
    at, end = span(data, rng, 300)
    return data[:at] + rng.bytes(end - at) + data[end:]


def left_out(data: bytes, rng: np.random.Generator, _: bytes) -> bytes:
    at, end = span(data, rng, 300)
    return data[:at] + data[end:]


def repeated(data: bytes, rng: np.random.Generator, _: bytes) -> bytes:
    at, end = span(data, rng, 500)
    return data[:at] + data[at:end] * int(rng.choice([2, 3, 50, 2000])) + data[end:]


def spliced(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    return data[: int(rng.integers(len(data)))] + other[int(rng.integers(len(other))) :]


def surplus(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    return data + (other if rng.random() < 0.5 else rng.bytes(int(rng.integers(1, 5000))))


def sound_checksums(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    """Change a PNG's parts and make their checksums right again, so that what is within them is read."""
    if not data.startswith(b"\x89PNG"):
        return some_bytes(data, rng, other)
    changed, out, at = header_bytes(data, rng, other), bytearray(data[:8]), 8
    while at + 12 <= len(data):
        end = at + 12 + int(struct.unpack_from(">I", data, at)[0])
        out += data[at : at + 4] + changed[at + 4 : end - 4] + struct.pack(">I", zlib.crc32(changed[at + 4 : end - 4]))
        at = end
    return bytes(out)


def as_it_is(data: bytes, _rng: np.random.Generator, _other: bytes) -> bytes:
    return data


CHANGES: tuple[Change, ...] = (
    *(some_bytes, header_bytes, one_bit, extreme_numbers, cut_short, zeros, noise, left_out, repeated, spliced),
    *(surplus, sound_checksums),
)


def case(number: int, seed: int, sound: Mapping[str, list[bytes]]) -> tuple[str, bytes]:
    """Return the name and the bytes of a case."""
    rng = np.random.default_rng([seed, number])
    form = list(sound)[number % len(sound)]
    files, everything = sound[form], [data for some in sound.values() for data in some]
    index = int(rng.integers(len(files)))
    data, other = files[index], everything[int(rng.integers(len(everything)))] or b"\0"
    changes = [CHANGES[int(i)] for i in rng.integers(0, len(CHANGES), int(rng.choice([1, 1, 2, 3])))]
    if form == "hostile" and rng.random() < 0.5:
        changes = [as_it_is]
    for change in changes:
        data = change(data or b"\0", rng, other)
    return f"{form} {index}, {' + '.join(change.__name__ for change in changes)}", data


# --- reading ----------------------------------------------------------------------------------------------------------


def read(data: bytes, path: Path, number: int) -> str:
    """Read a picture in one of the ways in which the package does; return how it ended.

    Raises
    ------
    AssertionError
        If what is read is no picture, or the reason for which it is skipped says nothing.
    """
    path.write_bytes(data)
    readers: tuple[Callable[[], object], ...] = (
        lambda: read_grey(path, at_least=48),
        lambda: read_planes(path),
        lambda: (read_rgb(path), read_as_pillow(path, colours=True)),
        lambda: read_for_pdq(path),
        lambda: perceptual_hashes(path, ("pdq", "phash", "colorhash"), exact=number % 2 == 0),
        lambda: describe_reference(path),
    )
    try:
        found = readers[number // 8 % len(readers)]()
    except ImageError as error:
        if error.path != str(path) or not error.reason.strip():
            raise AssertionError(f"the error is about {error.path!r} and says {error.reason!r}") from error
        return "skipped"
    finally:
        path.unlink()
    for picture in found if isinstance(found, tuple) else (found,):
        if isinstance(picture, Picture):
            assert picture.pixels.dtype == np.uint8
            assert picture.pixels.size > 0
    return "read"


def do_cases(cases: range, seed: int, sound: Mapping[str, list[bytes]], folder: Path, pipe: int) -> None:
    """Read pictures with two threads, and write to the pipe how each begins and ends."""
    lock = threading.Lock()

    def say(number: int, outcome: str) -> None:
        with lock:
            os.write(pipe, f"{number} {outcome}\n".encode())

    def do(number: int) -> None:
        name, data = case(number, seed, sound)
        say(number, "begin")
        try:
            outcome = read(data, folder / f"{number}.img", number)
        except Exception:  # noqa: BLE001 - what this looks for
            outcome = json.dumps(f"{name}\n{traceback.format_exc()}")
        say(number, outcome)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(do, cases))


class Meter(threading.Thread):
    """Measures the memory of this process and its children, in proportion where they share it, until it is stopped.

    Parameters
    ----------
    pause : float
        Seconds between two measurements, which take time themselves.
    """

    def __init__(self, pause: float = 0.05) -> None:
        super().__init__(daemon=True)
        self.pause, self.peak = pause, 0
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.wait(self.pause):
            self.peak = max(self.peak, sum(map(_memory, _family(os.getpid()))))


def _family(process: int) -> Iterator[int]:
    yield process
    try:
        for children in Path(f"/proc/{process}/task").glob("*/children"):
            for child in children.read_text(encoding="ascii").split():
                yield from _family(int(child))
    except OSError:  # it has ended
        return


def _memory(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:  # it has ended
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def run(n_cases: int, seed: int, sound: Mapping[str, list[bytes]], folder: Path) -> tuple[dict[int, str], Counter[str]]:
    """Read all cases in children; return what went wrong by case, and how many ended in which way."""
    failed: dict[int, str] = {}
    counts: Counter[str] = Counter()
    left = iter(range(0, n_cases, _PARCEL))
    parcels = (range(start, min(n_cases, start + _PARCEL)) for start in left)
    for cases in parcels:
        while cases:
            open_cases, done = _run_child(cases, seed, sound, folder, failed, counts)
            cases = range(max((*open_cases, *done, cases.start)) + 1, cases.stop) if open_cases else range(0)
    return failed, counts


def _run_child(
    cases: range,
    seed: int,
    sound: Mapping[str, list[bytes]],
    folder: Path,
    failed: dict[int, str],
    counts: Counter[str],
) -> tuple[set[int], set[int]]:
    """Let a child read cases; return those that it began and did not end, and those that it ended."""
    reader, writer = os.pipe()
    noise_path = folder / "stderr"
    child = os.fork()
    if child == 0:
        os.setsid()
        os.close(reader)
        os.dup2(os.open(noise_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        try:
            do_cases(cases, seed, sound, folder, writer)
        finally:
            _end_decoders()
            os._exit(0)
    os.close(writer)
    begun: set[int] = set()
    done: set[int] = set()
    buffer, hung = b"", False
    while True:
        if not select.select([reader], [], [], PATIENCE)[0]:
            hung = True
            os.killpg(child, signal.SIGKILL)
        data = os.read(reader, 1 << 16)
        if not data:
            break
        *lines, buffer = (buffer + data).split(b"\n")
        for line in lines:
            word, _, outcome = line.decode().partition(" ")
            number = int(word)
            if outcome == "begin":
                begun.add(number)
                continue
            done.add(number)
            if outcome in ("read", "skipped"):
                counts[f"{list(sound)[number % len(sound)]} {outcome}"] += 1
            else:
                failed[number] = json.loads(outcome)
    os.close(reader)
    status = os.waitpid(child, 0)[1]
    open_cases = begun - done
    if not open_cases:  # a case that was never begun would otherwise be missing without a word
        failed |= dict.fromkeys(set(cases) - done, "the child ended before it")
    for number in open_cases:
        what = f"hangs for more than {PATIENCE} s" if hung else f"crashes: status {status}"
        failed[number] = f"{case(number, seed, sound)[0]}\n{what} (one of {sorted(open_cases)})"
    written = noise_path.read_text(encoding="utf-8", errors="replace").strip()
    if written:
        failed[cases.start] = f"cases {cases.start} to {cases.stop - 1} wrote to stderr:\n{written[:2000]}"
    return open_cases, done


def _end_decoders() -> None:
    from fingerprint.images.decoder_pool import POOL

    POOL.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000, help="how many changed pictures to read")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="one format: jpeg, png, webp, gif, tiff, bmp, avif, ppm or hostile")
    parser.add_argument("--case", type=int, help="do this case alone, in this process, and show what it raises")
    parser.add_argument("--json", type=Path, help="a file for how the cases of each format ended")
    options = parser.parse_args()
    sound = sound_pictures(np.random.default_rng(options.seed))
    if options.only is not None:
        if options.only not in sound:
            parser.error(f"--only is one of {', '.join(sound)}")
        sound = {options.only: sound[options.only]}
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        for data in itertools.chain.from_iterable(sound[form] for form in sound if form != "hostile"):
            path = folder / "sound"
            path.write_bytes(data)
            read_grey(path)  # it must not be refused by itself
        describe_reference(path)  # children need not load the compiled code then
        _end_decoders()
        if options.case is not None:
            what, data = case(options.case, options.seed, sound)
            sys.stdout.write(f"{what}: {read(data, folder / 'case.img', options.case)}\n")
            return
        begun = time.monotonic()
        meter = Meter()
        meter.start()
        failed, counts = run(options.files, options.seed, sound, folder)
        meter.stopped.set()
    for number, text in sorted(failed.items()):
        sys.stdout.write(f"--- case {number} of seed {options.seed}: {text}\n")
    if options.json is not None:
        options.json.write_text(json.dumps({**dict(sorted(counts.items())), "failed": len(failed)}), encoding="utf-8")
    sys.stdout.write(
        f"{options.files} changed pictures in {time.monotonic() - begun:.0f} s ({dict(sorted(counts.items()))}): "
        f"{len(failed)} did not end as they should; at most {meter.peak / 1e9:.2f} GB of memory\n"
    )
    if meter.peak > MOST_MEMORY:
        sys.stdout.write(f"that is more than {MOST_MEMORY / 1e9:.1f} GB\n")
    sys.exit(bool(failed) or meter.peak > MOST_MEMORY)


if __name__ == "__main__":
    main()
