"""A set of a few photographs, small enough for every method."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fingerprint.bench.sets import BenchSet, open_set
from fingerprint.types import U8


def save(path: Path, pixels: U8, side: int = 160) -> None:
    picture = Image.fromarray(pixels)
    picture.thumbnail((side, side))
    picture.save(path, quality=90)


@pytest.fixture(scope="session")
def set_folder(photos: dict[str, U8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five training images, six references, three copies of references and two strangers."""
    folder = tmp_path_factory.mktemp("made") / "small"
    pictures = list(photos.values())
    for name in ("train", "references", "queries"):
        (folder / name).mkdir(parents=True)
    for row, pixels in enumerate(pictures[6:11]):
        save(folder / "train" / f"T{row}.jpg", pixels)
    for row, pixels in enumerate(pictures[:6]):
        save(folder / "references" / f"R{row}.jpg", pixels)
    for row, pixels in enumerate((pictures[0], pictures[1][:, ::-1], pictures[2] // 2)):
        save(folder / "queries" / f"Q{row}.jpg", np.ascontiguousarray(pixels), 140)
    for row, pixels in enumerate(pictures[11:13], start=3):
        save(folder / "queries" / f"Q{row}.jpg", pixels)
    (folder / "ground_truth.csv").write_text("query_id,reference_id\nQ0,R0\nQ1,R1\nQ2,R2\nQ3,\nQ4,\n")
    (folder / "edits.tsv").write_text("Q0\tR0\tscale\nQ1\tR1\thflip+scale\nQ2\tR2\tdark+scale\nQ3\t\tscale\nQ4\t\t\n")
    return folder


@pytest.fixture(scope="session")
def bench_set(set_folder: Path) -> BenchSet:
    return open_set(set_folder)
