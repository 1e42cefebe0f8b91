"""How far saving and scaling move what the bits of a hash stand on, and which pictures have hashes of low quality.

- ``steps``: of photographs saved as JPEG and scaled, the 50th, 90th and 99th percentile of the change of each value
  that a bit compares with its threshold: grey values of a thumbnail (aHash, dHash), means of blocks (wavelet, block
  mean), cosine coefficients. `fingerprint.kernels.information` takes a bit for decided from about the 99th percentile.
- ``quality``: the share of photographs whose hash has a quality below `MIN_QUALITY`, and the first, second and fifth
  percentile of the quality.
- ``simple``: pictures of one edge or slope, in sets that differ only in faint dots; how many pairs of a set are within
  the match distance, and how many of these have the quality to be a match.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from _records import RESULTS, SEED, header, write
from PIL import Image, ImageDraw

from fingerprint.hashes import ALGORITHMS, MIN_QUALITY, perceptual_hashes
from fingerprint.kernels.blocks import block_sums
from fingerprint.kernels.hashing import low_dct, median64, simple_dct
from fingerprint.kernels.resample import block_means
from fingerprint.types import F64

DOTTED = 6  # pictures in a set
PERCENTILES = (50, 90, 99)


def saved(image: Image.Image, quality: int) -> Image.Image:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return Image.open(io.BytesIO(out.getvalue())).convert("RGB")


def scaled(image: Image.Image, share: float) -> Image.Image:
    return image.resize((round(image.width * share), round(image.height * share)), Image.Resampling.BICUBIC)


EDITS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG 95": lambda image: saved(image, 95),
    "JPEG 75": lambda image: saved(image, 75),
    "JPEG 40": lambda image: saved(image, 40),
    "half size": lambda image: scaled(image, 0.5),
    "0.7 of the size": lambda image: scaled(image, 0.7),
    "0.6 of the size, JPEG 75": lambda image: saved(scaled(image, 0.6), 75),
}


def compared(image: Image.Image) -> dict[str, F64]:
    """Return what the bits of each hash compare, with the threshold subtracted."""
    grey = image.convert("L")

    def thumbnail(width: int, height: int) -> Any:
        return np.asarray(grey.resize((width, height), Image.Resampling.LANCZOS)).copy()

    eight, large = thumbnail(8, 8).astype(float), thumbnail(32, 32)
    dct, (rows, mean) = low_dct(large), simple_dct(large)
    means = block_sums(thumbnail(64, 64), 8) / 64
    blocks = block_means(np.asarray(grey).copy(), float(grey.width), float(grey.height), 16)
    return {
        "phash": dct - median64(dct),
        "phash-simple": rows - mean,
        "dhash": np.diff(thumbnail(9, 8).astype(float), axis=1),
        "dhash-vertical": np.diff(thumbnail(8, 9).astype(float), axis=0),
        "ahash": eight - eight.mean(),
        "whash": means - np.median(means),
        "blockmean": blocks - blocks.mean(),
    }


def steps(paths: list[Path]) -> dict[str, dict[str, list[float]]]:
    changes: dict[str, dict[str, list[F64]]] = {}
    for path in paths:
        image = Image.open(path).convert("RGB")
        original = compared(image)
        for edit, change in EDITS.items():
            for name, values in compared(change(image)).items():
                changes.setdefault(name, {}).setdefault(edit, []).append(np.abs(values - original[name]).ravel())
    return {
        name: {
            edit: np.percentile(np.concatenate(values), PERCENTILES).round(2).tolist() for edit, values in edits.items()
        }
        for name, edits in changes.items()
    }


def photographs(paths: list[Path]) -> dict[str, Any]:
    qualities = np.array([[found.quality for found in perceptual_hashes(path, list(ALGORITHMS))] for path in paths])
    return {
        name: {
            "below": round(float((qualities[:, i] < MIN_QUALITY).mean()), 4),
            "percentiles 1, 2, 5": np.percentile(qualities[:, i], (1, 2, 5)).round().astype(int).tolist(),
        }
        for i, name in enumerate(ALGORITHMS)
    }


def simple_pictures() -> dict[str, F64]:
    y, x = np.mgrid[:480, :640].astype(float)
    across, down = x / 640, y / 480
    return {
        "halves": np.where(across < 0.5, 236.0, 28),
        "halves, one above the other": np.where(down < 0.5, 236.0, 28),
        "unequal halves": np.where(across < 0.62, 236.0, 28),
        "diagonal halves": np.where(across + down < 1, 236.0, 28),
        "quarters": np.where((across < 0.5) ^ (down < 0.5), 236.0, 28),
        "stripes": np.where(x // 40 % 2, 200.0, 40),
        "chequers": np.where((x // 80 + y // 60) % 2, 200.0, 40),
        "ramp": 255 * across,
        "ramp, downwards": 255 * down,
        "diagonal ramp": 127 * (across + down),
        "frame": np.where((abs(x - 320) < 230) & (abs(y - 240) < 160), 40.0, 235),
        "disc": np.where(np.hypot(x - 320, y - 240) < 160, 40.0, 235),
    }


def dotted(grey: F64, rng: np.random.Generator) -> Any:
    drawn = Image.fromarray(grey.astype(np.uint8))
    draw = ImageDraw.Draw(drawn)
    for _ in range(60):
        x, y, radius = int(rng.integers(drawn.width)), int(rng.integers(drawn.height)), int(rng.integers(5, 22))
        level = min(max(int(grey[y, x]) + int(rng.integers(-16, 17)), 0), 255)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=level)
    return np.asarray(drawn.convert("RGB")).copy()


def simple() -> dict[str, dict[str, list[int]]]:
    found: dict[str, dict[str, list[int]]] = {}
    for what, grey in simple_pictures().items():
        rng = np.random.default_rng(SEED)
        hashes = [perceptual_hashes(dotted(grey, rng), list(ALGORITHMS)) for _ in range(DOTTED)]
        for i, (name, algorithm) in enumerate(ALGORITHMS.items()):
            near = [(a[i], b[i]) for a, b in combinations(hashes, 2) if a[i].distance(b[i]) <= algorithm.match_distance]
            found.setdefault(what, {})[name] = [len(near), sum(a.matches(b) for a, b in near)]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--out", type=Path, default=RESULTS / "hash_information.json")
    arguments = parser.parse_args()
    paths = sorted(arguments.images.glob("*.jpg"))
    record = header(arguments.images) | {
        "photographs": len(paths[::2]),
        "saved and scaled": len(paths[::9]),
        "steps": steps(paths[::9]),
        "quality": photographs(paths[::2]),
        "pairs of a set": DOTTED * (DOTTED - 1) // 2,
        "simple": simple(),
    }
    write(arguments.out, record, show=False)


if __name__ == "__main__":
    main()
