"""A small photo library with copies of many kinds, for the tests of de-duplicating."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fingerprint.edits.second_shots import second_shots
from fingerprint.types import U8


def make_library(folder: Path, photos: dict[str, U8]) -> None:
    """Make a library: ``camera`` has photographs, two shots of one scene and a torn file, ``phone`` copies of them."""
    camera, phone = folder / "camera", folder / "phone"
    camera.mkdir(parents=True)
    phone.mkdir()
    images = {}
    for name in ("astronaut", "chelsea", "coffee", "rocket", "clock_motion"):
        image = Image.fromarray(photos[name])
        image.thumbnail((320, 320), Image.Resampling.LANCZOS)
        images[name] = image
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0132] = "Canon", "EOS 5D", "2019:05:01 12:00:00"
    for name, image in images.items():
        if name != "coffee":
            image.save(camera / f"{name}.jpg", quality=93, exif=exif if name == "chelsea" else Image.Exif())
    images["coffee"].save(camera / "coffee.png")
    shots = second_shots(photos["motorcycle_left"], np.random.default_rng(4), 0.5)
    for name, pixels in (("first", shots.first), ("second", shots.second)):
        image = Image.fromarray(pixels)
        image.thumbnail((320, 320), Image.Resampling.LANCZOS)
        image.save(camera / f"shot-{name}.jpg", quality=90)
    whole = (camera / "chelsea.jpg").read_bytes()
    (camera / "torn.jpg").write_bytes(whole[: len(whole) // 2])
    cat, cup = images["chelsea"], images["coffee"]
    shutil.copy(camera / "chelsea.jpg", phone / "chelsea (1).jpg")
    cat.resize((cat.width // 2, cat.height // 2)).save(phone / "small.jpg", quality=80)
    cat.crop((60, 40, cat.width - 60, cat.height - 20)).save(phone / "crop.jpg", quality=85)
    cup.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(phone / "mirrored.jpg", quality=85)
    large = images["astronaut"]
    large.resize((2 * large.width, 2 * large.height), Image.Resampling.BICUBIC).save(phone / "large.jpg", quality=90)
    images["rocket"].rotate(-90, expand=True).save(phone / "turned.jpg", quality=85)
    os.link(camera / "coffee.png", phone / "hard.png")
    (phone / "soft.png").symlink_to("../camera/coffee.png")


@pytest.fixture(scope="package")
def made(photos: dict[str, U8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the library; nobody may change it."""
    folder = tmp_path_factory.mktemp("dedupe") / "library"
    make_library(folder, photos)
    return folder
