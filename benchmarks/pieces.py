"""Pieces of photographs, pasted into others: whether they are found, and how well the part that is seen is known.

Photographs of ``DATA/references`` are cut by turns, and nothing else is done but saving as JPEG:

- ``crop``: 40 to 90 % of each side;
- ``pasted``: 40 to 80 % of each side, pasted onto a photograph of ``DATA/train`` at 40 to 70 % of its size;
- ``turned``: the same, turned by up to 20 degrees;
- ``outlined``: the same, an ellipse;
- ``band``: the lowest 15 to 30 % are covered by another photograph.

Each is compared with its photograph by ``fingerprint.compare``. ``overlap`` is intersection over union of the part of
the reference that is said to be seen and the true one, over those that are found at 0.5; of ellipses it is their box.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from _records import RESULTS, SEED, header, write

import fingerprint
from fingerprint.config import PROFILES, config_for
from fingerprint.edits.canvas import as_jpeg
from fingerprint.images.decode import read_rgb
from fingerprint.models import load_models
from fingerprint.results import Verification
from fingerprint.types import U8

KINDS = ("crop", "pasted", "turned", "outlined", "band")


@dataclass(frozen=True, slots=True)
class Cut:
    """A query, and the box of the reference that it shows: left, top, right, bottom in pixels."""

    query: U8
    box: tuple[int, int, int, int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with train/ and references/")
    parser.add_argument("--each", type=int, default=40, help="queries of each kind")
    arguments = parser.parse_args()
    references, scenes = (sorted((arguments.data / name).glob("*.jpg")) for name in ("references", "train"))
    order = np.random.default_rng(SEED).permutation(len(references))
    found: dict[str, dict[str, list[tuple[Verification, float]]]] = {}
    for number in range(arguments.each * len(KINDS)):
        rng, kind = np.random.default_rng([SEED, number]), KINDS[number % len(KINDS)]
        reference = read_rgb(references[order[number]]).pixels
        cut = make(kind, reference, read_rgb(scenes[int(rng.integers(len(scenes)))]).pixels, rng)
        query = as_jpeg(cut.query, int(rng.integers(70, 96)))
        for profile in PROFILES:
            verdict = fingerprint.compare(query, reference, config=config_for(profile))
            found.setdefault(profile, {}).setdefault(kind, []).append((verdict, overlap(verdict, cut, reference)))
    models = load_models()
    result = {
        **header(arguments.data),
        "model_id": models.model_id,
        "calibration_id": models.calibration_id,
        "profiles": {name: {kind: judged(rows) for kind, rows in by_kind.items()} for name, by_kind in found.items()},
    }
    write(RESULTS / "pieces.json", result)


def make(kind: str, pixels: U8, scene: U8, rng: np.random.Generator) -> Cut:
    height, width = pixels.shape[:2]
    if kind == "band":
        top = round(height * (1 - rng.uniform(0.15, 0.3)))
        query = pixels.copy()
        query[top:] = cv2.resize(scene, (width, height - top), interpolation=cv2.INTER_AREA)
        return Cut(query, (0, 0, width, top))
    part_width, part_height = (
        round(side * rng.uniform(0.4, 0.9 if kind == "crop" else 0.8)) for side in (width, height)
    )
    left, top = int(rng.integers(width - part_width + 1)), int(rng.integers(height - part_height + 1))
    box = (left, top, left + part_width, top + part_height)
    piece = pixels[top : box[3], left : box[2]]
    if kind == "crop":
        return Cut(piece, box)
    mask = np.full(piece.shape[:2], 255, np.uint8)
    if kind == "outlined":
        mask[:] = 0
        cv2.ellipse(mask, ((part_width / 2, part_height / 2), (part_width, part_height), 0.0), (255,), -1)
    return Cut(pasted(piece, mask, scene, float(rng.uniform(-20, 20)) if kind == "turned" else 0.0, rng), box)


def pasted(piece: U8, mask: U8, scene: U8, angle: float, rng: np.random.Generator) -> U8:
    """Return a scene with a piece at any place, at 40 to 70 % of the size that fits."""
    height, width = piece.shape[:2]
    factor = rng.uniform(0.4, 0.7) * min(scene.shape[1] / width, scene.shape[0] / height)
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, factor)
    extent = np.abs(turn[:, :2]) @ (width, height)
    middle = rng.uniform(extent / 2, np.maximum(np.array(scene.shape[1::-1]) - extent / 2, extent / 2))
    turn[:, 2] += middle - [(width - 1) / 2, (height - 1) / 2]
    size = scene.shape[1], scene.shape[0]
    soft = cv2.GaussianBlur(piece, (0, 0), max(0.3, 0.5 / factor - 0.2))
    warped = cv2.warpAffine(soft, turn, size, borderMode=cv2.BORDER_REPLICATE)
    weight = cv2.warpAffine(mask, turn, size)[:, :, None] / 255
    return np.rint(warped * weight + scene * (1 - weight)).astype(np.uint8)


def overlap(verdict: Verification, cut: Cut, reference: U8) -> float:
    seen, true = np.zeros(reference.shape[:2], np.uint8), np.zeros(reference.shape[:2], np.uint8)
    if verdict.reference_region is not None:
        cv2.fillPoly(seen, [np.rint(np.array(verdict.reference_region)).astype(np.int32)], (1,))
    true[cut.box[1] : cut.box[3], cut.box[0] : cut.box[2]] = 1
    return float((seen & true).sum() / (seen | true).sum())


def judged(rows: list[tuple[Verification, float]]) -> dict[str, Any]:
    p = np.array([verdict.probability for verdict, _ in rows])
    overlaps = [share for verdict, share in rows if verdict.relation == "copy"]
    return {
        "queries": len(rows),
        "found_at_half": round(float((p >= 0.5).mean()), 4),
        "found_at_nine_tenths": round(float((p >= 0.9).mean()), 4),
        "called_shared": sum(verdict.relation == "shared" for verdict, _ in rows),
        "overlap_median": round(float(np.median(overlaps)), 4) if overlaps else None,
        "overlap_tenth": round(float(np.quantile(overlaps, 0.1)), 4) if overlaps else None,
    }


if __name__ == "__main__":
    main()
