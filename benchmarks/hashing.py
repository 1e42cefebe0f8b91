"""Speed and agreement of the perceptual hashes, beside `imagehash`, the package `pdqhash` and the bare JPEG decoder.

All times are of one core and one run. For every file all functions run in an order that is shuffled again in each of
several rounds; of each function and file the least time counts, and the ratios are of sums over the files. OpenCV runs
with one thread.

- ``files``: from path to hashes. ``decode 1/8`` is ``cv2.imread`` of the luma at an eighth of the size, the quickest
  complete reader among our dependencies; ``decode 1/8, Pillow`` the same by Pillow.
- ``arrays``: from decoded pixels to pHash and dHash, beside ``imagehash.phash(Image.fromarray(pixels))``.
- ``pdq``: from path; the package gets the colours that OpenCV decodes, as it wants them.
- ``workers``: ``fingerprint hash`` over as many files, with one worker and with two, by turns; the whole command, and
  without what a command that hashes one file takes.
- ``agreement``: differing bits, from the same files; ``exact`` must be 0 (PDQ: rounding).
- ``pdq, all files``: the same for PDQ over all folders, of files with a quality of 80 or more.
- ``pairs``: how many pairs of unrelated photographs are within a distance, for `HashAlgorithm.match_distance`.
- ``quality``: photographs of falling contrast, and whether PDQ's quality and that of the other hashes agree on which
  side of `MIN_QUALITY` they lie.
- ``tiny``: photographs made small, and how far their hashes are from those of the originals.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import imagehash
import numpy as np
import pdqhash
from _records import RESULTS, ROOT, SEED, header, write
from PIL import Image

from fingerprint.hashes import (
    ALGORITHMS,
    MIN_QUALITY,
    dihedral_hashes,
    int_to_words,
    perceptual_hash,
    perceptual_hashes,
)
from fingerprint.types import U8

ROUNDS = 7
CONTRASTS = (1, 0.5, 0.3, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03)
TINY_SIDES = (4, 6, 8, 10, 12, 16, 20, 24, 32, 64, 128)
REDUCED = {2: cv2.IMREAD_REDUCED_GRAYSCALE_2, 4: cv2.IMREAD_REDUCED_GRAYSCALE_4, 8: cv2.IMREAD_REDUCED_GRAYSCALE_8}
REFERENCE: dict[str, Callable[[Image.Image], object]] = {
    "phash": imagehash.phash,
    "phash-simple": imagehash.phash_simple,
    "dhash": imagehash.dhash,
    "dhash-vertical": imagehash.dhash_vertical,
    "ahash": imagehash.average_hash,
    "whash": imagehash.whash,
    "colorhash": imagehash.colorhash,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with train/ and references/")
    parser.add_argument("--files", type=int, default=400, help="files of each folder that are timed")
    parser.add_argument("--many", type=int, default=10_000, help="files for the workers; some come more than once")
    parser.add_argument("--quick", action="store_true", help="40 files, 500 for the workers, 300 for the pairs")
    parser.add_argument("--json", type=Path, default=RESULTS / "hashing.json")
    arguments = parser.parse_args()
    n_files, n_many, n_pairs = (40, 500, 300) if arguments.quick else (arguments.files, arguments.many, None)
    cv2.setNumThreads(1)
    folders = {name: sorted((arguments.data / name).glob("*.jpg")) for name in ("train", "references")}
    chosen = {name: random.Random(SEED).sample(paths, min(n_files, len(paths))) for name, paths in folders.items()}
    result: dict[str, Any] = header(arguments.data)
    result["files"] = {name: time_files(paths) for name, paths in chosen.items()}
    result["arrays"] = {name: time_arrays(paths[:100]) for name, paths in chosen.items()}
    result["pdq"] = {name: time_pdq(paths) for name, paths in chosen.items()}
    result["agreement"] = {name: agreement(paths) for name, paths in chosen.items()}
    everything = [path for folder in sorted(arguments.data.iterdir()) for path in sorted(folder.glob("*.jpg"))]
    result["pdq, all files"] = pdq_agreement(everything[:n_pairs])
    result["pairs"] = pairs(folders["train"][:n_pairs])
    result["quality"] = quality_agreement(chosen["train"])
    result["tiny"] = tiny(chosen["train"])
    result["workers"] = time_workers(folders["references"], n_many)
    write(arguments.json, result)


def least_times(functions: dict[str, Callable[[Any], object]], items: Sequence[Any]) -> dict[str, float]:
    """Return the sums over the items of the least time that each function took, in milliseconds an item."""
    least = {name: np.full(len(items), np.inf) for name in functions}
    order = list(functions)
    shuffle = random.Random(SEED).shuffle
    for item in items[:3]:  # compiled, and the weights of these sizes are known
        for function in functions.values():
            function(item)
    for _ in range(ROUNDS):
        for i, item in enumerate(items):
            shuffle(order)
            for name in order:
                start = time.perf_counter()
                functions[name](item)
                least[name][i] = min(least[name][i], time.perf_counter() - start)
    return {name: float(times.mean() * 1e3) for name, times in least.items()}


def pillow_eighth(path: Path) -> object:
    with Image.open(path) as image:
        image.draft("L", (max(1, image.width // 8), max(1, image.height // 8)))
        return image.load()


def time_files(paths: Sequence[Path]) -> dict[str, Any]:
    times = least_times(
        {
            "decode 1/8": lambda path: cv2.imread(str(path), cv2.IMREAD_REDUCED_GRAYSCALE_8),
            "decode 1/8, Pillow": pillow_eighth,
            "phash and dhash": lambda path: perceptual_hashes(path, ("phash", "dhash")),
            "phash": lambda path: perceptual_hash(path, "phash"),
            "imagehash.phash": lambda path: imagehash.phash(Image.open(path)),
        },
        paths,
    )
    ours = times["phash and dhash"]
    return {
        "pixels, median": float(np.median([np.prod(Image.open(path).size) for path in paths])),
        "ms": times,
        "ratio to decode 1/8": ours / times["decode 1/8"],
        "ratio to decode 1/8, Pillow": ours / times["decode 1/8, Pillow"],
        "times faster than imagehash.phash": times["imagehash.phash"] / ours,
    }


def time_arrays(paths: Sequence[Path]) -> dict[str, Any]:
    out = {}
    for kind, mode in (("grey", "L"), ("colour", "RGB")):
        arrays = [np.asarray(Image.open(path).convert(mode)).copy() for path in paths]
        times = least_times(
            {
                "phash and dhash": lambda pixels: perceptual_hashes(pixels, ("phash", "dhash")),
                "imagehash.phash": lambda pixels: imagehash.phash(Image.fromarray(pixels)),
            },
            arrays,
        )
        out[kind] = {"ms": times, "times faster": times["imagehash.phash"] / times["phash and dhash"]}
    return out


def opencv_pixels(path: Path) -> U8:
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)  # type: ignore[return-value]


def time_pdq(paths: Sequence[Path]) -> dict[str, Any]:
    times = least_times(
        {
            "pdq": lambda path: perceptual_hash(path, "pdq"),
            "pdq, eight orientations": lambda path: dihedral_hashes(path, "pdq"),
            "pdqhash": lambda path: pdqhash.compute(opencv_pixels(path)),
        },
        paths,
    )
    return {
        "ms": times,
        "times faster": times["pdqhash"] / times["pdq"],
        "eight for the cost of": times["pdq, eight orientations"] / times["pdq"],
    }


def reference_pdq(pixels: U8) -> tuple[int, int]:
    bits, quality = pdqhash.compute(pixels)
    return int(np.packbits(np.asarray(bits, np.uint8)).tobytes().hex(), 16), int(quality)


def reference_block_mean(image: Image.Image) -> int:
    found = cv2.img_hash.blockMeanHash(np.asarray(image.convert("L")), mode=0)[0]
    return int(np.packbits(np.unpackbits(found, bitorder="little")).tobytes().hex(), 16)


def agreement(paths: Sequence[Path]) -> dict[str, Any]:
    apart: dict[str, dict[str, list[int]]] = {name: {"exact": [], "quick": []} for name in ALGORITHMS}
    for path in paths:
        with Image.open(path) as image:
            expected = {name: int(str(function(image)), 16) for name, function in REFERENCE.items()}
            expected["blockmean"] = reference_block_mean(image)
            pixels = np.asarray(image.convert("RGB"))
        expected["pdq"], quality = reference_pdq(pixels)
        for mode in ("exact", "quick"):
            for found in perceptual_hashes(path, list(ALGORITHMS), exact=mode == "exact"):
                if found.algorithm != "pdq" or quality >= 80:
                    apart[found.algorithm][mode].append((found.value ^ expected[found.algorithm]).bit_count())
    return {
        name: {
            mode: {
                "files": len(bits),
                "equal": int(np.sum(np.array(bits) == 0)),
                "mean": float(np.mean(bits)),
                "median": float(np.median(bits)),
                "p95": float(np.percentile(bits, 95)),
                "max": max(bits),
            }
            for mode, bits in modes.items()
        }
        for name, modes in apart.items()
    }


def pdq_agreement(paths: Sequence[Path]) -> dict[str, Any]:
    """Compare quick PDQ with the package, which sees what OpenCV decodes, on every file there is."""
    apart, worth = [], []
    for path in paths:
        expected, quality = reference_pdq(opencv_pixels(path))
        found = perceptual_hash(path, "pdq")
        worth.append(abs(found.quality - quality))
        if quality >= 80:
            apart.append((found.value ^ expected).bit_count())
    return {
        "files": len(paths),
        "of quality 80 or more": len(apart),
        "equal": apart.count(0),
        "mean": float(np.mean(apart)),
        "median": float(np.median(apart)),
        "most": max(apart),
        "quality off by at most": max(worth),
    }


def pairs(paths: Sequence[Path]) -> dict[str, Any]:
    hashes = [perceptual_hashes(path, list(ALGORITHMS)) for path in paths]
    out: dict[str, Any] = {}
    for i, algorithm in enumerate(ALGORITHMS.values()):
        worthy = [found[i] for found in hashes if found[i].quality >= MIN_QUALITY]
        codes = np.stack([int_to_words(found.value, algorithm.n_words) for found in worthy])
        counts = np.zeros(algorithm.n_bits + 1, np.int64)
        for row in range(len(codes) - 1):
            distances = np.bitwise_count(codes[row + 1 :] ^ codes[row]).sum(axis=1)
            counts += np.bincount(distances, minlength=len(counts))
        within = np.cumsum(counts)
        first = int(np.flatnonzero(within)[0])
        out[algorithm.name] = {
            "pairs": int(within[-1]),
            "match_distance": algorithm.match_distance,
            "within it": int(within[algorithm.match_distance]),
            "from the least distance on": [[d, int(within[d])] for d in range(first, min(first + 8, len(within)))],
        }
    return out


def quality_agreement(paths: Sequence[Path]) -> dict[str, Any]:
    """Compare the quality of small hashes with PDQ's on photographs of falling contrast."""
    both = []
    for path in paths:
        with Image.open(path) as image:
            grey = np.asarray(image.convert("L")).astype(float)
        for contrast in CONTRASTS:
            faint = ((grey - 128) * contrast + 128).round().astype(np.uint8)
            both.append([found.quality for found in perceptual_hashes(faint, ("phash", "pdq"))])
    small, pdq = np.array(both).T
    same = (small >= MIN_QUALITY) == (pdq >= MIN_QUALITY)
    low, high = pdq < MIN_QUALITY, pdq >= MIN_QUALITY
    return {
        "pictures": len(both),
        "on the same side": float(same.mean()),
        "low by PDQ alone": float((low & ~same).sum() / low.sum()),
        "high by PDQ alone": float((high & ~same).sum() / high.sum()),
    }


def tiny(paths: Sequence[Path]) -> list[dict[str, Any]]:
    rows = []
    greys = [Image.open(path).convert("L") for path in paths]
    names = ("pdq", "phash", "dhash")
    whole = [perceptual_hashes(np.asarray(grey), names) for grey in greys]
    for side in TINY_SIDES:
        apart: dict[str, list[int]] = {name: [] for name in names}
        for grey, originals in zip(greys, whole, strict=True):
            scale = side / min(grey.size)
            size = max(1, round(grey.width * scale)), max(1, round(grey.height * scale))
            small = np.asarray(grey.resize(size, Image.Resampling.BICUBIC))
            for found, original in zip(perceptual_hashes(small, names), originals, strict=True):
                apart[found.algorithm].append(found.distance(original))
        rows.append(
            {"shorter side": side}
            | {f"{name}, median": float(np.median(bits)) for name, bits in apart.items()}
            | {
                f"{name}, share within match_distance": float(
                    np.mean(np.array(bits) <= ALGORITHMS[name].match_distance)
                )
                for name, bits in apart.items()
            }
        )
    return rows


def time_workers(paths: Sequence[Path], n_files: int) -> dict[str, Any]:
    """Time the whole command over links to the files."""
    command = [sys.executable, "-m", "fingerprint", "hash", "--quiet", "--algorithm"]
    out: dict[str, Any] = {"files": n_files}
    with tempfile.TemporaryDirectory() as folder:
        for i in range(n_files):
            (Path(folder) / f"{i:06}.jpg").symlink_to(paths[i % len(paths)].resolve())
        one = str(Path(folder) / "000000.jpg")

        def seconds(*arguments: str) -> float:
            start = time.perf_counter()
            subprocess.run([*command, *arguments], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
            return time.perf_counter() - start

        for algorithm in ("pdq", "phash"):
            start_up = min(seconds(algorithm, one) for _ in range(5))
            times = {1: [], 2: []}  # type: dict[int, list[float]]
            for _ in range(3):
                for n_workers in times:
                    times[n_workers].append(seconds(algorithm, "--workers", str(n_workers), folder))
            single, double = min(times[1]), min(times[2])
            out[algorithm] = {
                "seconds, one worker": times[1],
                "seconds, two": times[2],
                "seconds for one file": start_up,
                "scaling": single / double,
                "scaling without start-up": (single - start_up) / (double - start_up),
            }
    return out


if __name__ == "__main__":
    main()
