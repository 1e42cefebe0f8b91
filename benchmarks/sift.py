"""Time our SIFT beside OpenCV's on the same pictures, by turns, on one core; grey pixels in, RootSIFT out.

The yardstick is OpenCV's SIFT with its default thresholds at 512 pixels and 500 keypoints.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from _records import RESULTS, command_line, digest_of, write

from fingerprint.features.local_features import select_by_octave
from fingerprint.features.sift import describe, detect, orient
from fingerprint.images.decode import read_grey
from fingerprint.images.find import find_images
from fingerprint.types import F32, ROOTSIFT_SCALE, U8
from fingerprint.version import __version__

Value = TypeVar("Value")
#: Longer side, first octave, keypoints.
OURS = ((300, -1, 300), (400, 0, 300), (512, 0, 500))
#: Longer side, keypoints, contrast and edge thresholds, octave share.
OPENCVS = ((300, 300, 0.01, 12.0, 0.5), (512, 500, 0.04, 10.0, 1.0))
YARDSTICK = "OpenCV, 512 px, 500 keypoints"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3, help="the fastest of so many counts")
    parser.add_argument("--out", type=Path, default=RESULTS / "sift.json")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    result = run(find_images([arguments.images])[0][: arguments.count], arguments.rounds)
    result |= {
        "copyprint": __version__,
        "opencv": cv2.__version__,
        "machine": f"{platform.machine()}, one core",
        "command": command_line(),
        "data_digest": digest_of(arguments.images),
    }
    write(arguments.out, result)


def run(paths: list[Path], rounds: int) -> dict[str, Any]:
    fastest: dict[str, list[float]] = defaultdict(list)
    counts: dict[str, list[int]] = defaultdict(list)
    for number, path in enumerate([paths[0], *paths]):
        pixels = read_grey(path, at_least=512).pixels
        spent: dict[str, list[float]] = defaultdict(list)

        def timed(name: str, work: Callable[[], Value], spent: dict[str, list[float]] = spent) -> Value:
            start = time.perf_counter()
            value = work()
            spent[name].append((time.perf_counter() - start) * 1e3)
            return value

        for _ in range(rounds):
            for side, n, contrast, edge, share in OPENCVS:
                grey = resized(pixels, side)
                name = f"OpenCV, {side} px, {n} keypoints"
                found = timed(name, lambda g=grey, n=n, c=contrast, e=edge, s=share: opencv(g, n, c, e, s))
                counts[name].append(found)
            for side, first_octave, n in OURS:
                grey = resized(pixels, side)
                name = f"ours, {side} px{', doubled' if first_octave else ''}, {n} keypoints"
                counts[name].append(ours(grey, first_octave, n, name, timed))
        if number:  # the first waits for the compiler
            for name, times in spent.items():
                fastest[name].append(min(times))
    base = np.array(fastest[YARDSTICK])
    small = np.array(fastest["OpenCV, 300 px, 300 keypoints"])
    whole = [name for name in fastest if ": " not in name]
    return {
        "n_images": len(paths),
        "median_ms": {name: round(statistics.median(times), 2) for name, times in fastest.items()},
        "median_keypoints": {name: int(statistics.median(found)) for name, found in counts.items()},
        "ratio_to_yardstick": {n: round(float(np.median(np.array(fastest[n]) / base)), 3) for n in whole},
        "ratio_to_opencv_300": {n: round(float(np.median(np.array(fastest[n]) / small)), 3) for n in whole},
    }


def resized(pixels: U8, side: int) -> U8:
    factor = side / max(pixels.shape)
    size = (round(pixels.shape[1] * factor), round(pixels.shape[0] * factor))
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, size, interpolation=method), dtype=np.uint8)


def ours(grey: U8, first_octave: int, n: int, name: str, timed: Callable[[str, Callable[[], Value]], Value]) -> int:
    """Time all of it, and then its stages once more."""

    def everything() -> int:
        extrema = detect(grey, first_octave, 0.01, 12.0)
        oriented = orient(extrema, select_by_octave(extrema.response, extrema.octave, n, 0.5))
        chosen = select_by_octave(oriented.response, oriented.octave, n, 0.5)
        return len(describe(extrema, oriented, chosen)[0])

    found = timed(name, everything)
    extrema = timed(f"{name}: detect", lambda: detect(grey, first_octave, 0.01, 12.0))
    first = timed(f"{name}: choose", lambda: select_by_octave(extrema.response, extrema.octave, n, 0.5))
    oriented = timed(f"{name}: orient", lambda: orient(extrema, first))
    chosen = select_by_octave(oriented.response, oriented.octave, n, 0.5)
    timed(f"{name}: describe", lambda: describe(extrema, oriented, chosen))
    return found


def opencv(grey: U8, n: int, contrast: float, edge: float, share: float) -> int:
    """Extract as `fingerprint.features.local_features` did with OpenCV: detect, choose, describe."""
    sift = cv2.SIFT.create(0, 3, contrast, edge)
    keypoints = sift.detect(grey, None)
    if not keypoints:
        return 0
    response = np.array([k.response for k in keypoints], np.float32)
    octave = np.array([(k.octave & 255) for k in keypoints], np.int64)
    chosen = select_by_octave(response, np.where(octave >= 128, octave - 256, octave), n, share)
    kept, raw = sift.compute(grey, [keypoints[i] for i in chosen])
    return len(_root_sift(np.asarray(raw, dtype=np.float32))) if kept else 0


def _root_sift(descriptors: F32) -> U8:
    """Return SIFT descriptors as RootSIFT in 8 bits: L1-normalised, square root, times `ROOTSIFT_SCALE`."""
    total = np.maximum(descriptors.sum(axis=1, keepdims=True), np.float32(1e-6))
    scaled = np.sqrt(descriptors / total) * np.float32(ROOTSIFT_SCALE)
    return np.asarray(np.minimum(np.rint(scaled), 255), dtype=np.uint8)


if __name__ == "__main__":
    main()
