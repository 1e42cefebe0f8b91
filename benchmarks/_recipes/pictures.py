"""Edited copies of training images, and the features of every picture that recipes are tried on, as arrays on disk.

A set is a folder: ``descriptors.npy`` uint8 (n, 128) and ``sizes.npy`` float32 (n,) of all keypoints, ``offsets.npy``
int64 (pictures + 1,) which are whose, and ``thumbnails.npy`` uint8 (pictures, 128, 128, 3), Y, Cb, Cr. Views of queries
also have ``owners.npy``, ``kinds.npy`` and ``probabilities.npy``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from fingerprint.config import DEFAULT_CONFIG
from fingerprint.edits import random_chain
from fingerprint.features.global_cues import make_cue_thumbnail
from fingerprint.features.insets import find_insets
from fingerprint.features.local_features import extract_features
from fingerprint.images.decode import read_planes, read_rgb
from fingerprint.models import InsetModel
from fingerprint.train.insets import InsetExample, fit_insets
from fingerprint.types import F32, F64, I64, U8, LocalFeatures, Picture, Skipped
from fingerprint.workers import map_images

SEED = 77
N_COPIES = 12
#: Edited copies of each image that are queries in the dev figures.
N_QUERIED = 4
#: One identity of so many is left out of every fit in the dev figures.
FOLDS = 3
OTHER_SIDES = (424, 212)

_QUALITIES = (70, 96)
_INSET_COPIES = 6
_LEAST_VIEW = 12
_DECODED = DEFAULT_CONFIG.decode_side
_COUNT = "{} {} of {}"

Item = TypeVar("Item")
Result = TypeVar("Result")
View = tuple[str, float, U8, F32, U8]  # kind, probability, descriptors, sizes, thumbnail


@dataclass(frozen=True)
class PictureSet:
    """The features of a set of pictures, mapped from disk."""

    folder: Path

    def load(self, name: str) -> NDArray[np.generic]:
        return np.asarray(np.load(self.folder / f"{name}.npy", mmap_mode="r"))

    @cached_property
    def offsets(self) -> I64:
        return np.array(np.load(self.folder / "offsets.npy"), np.int64)

    def __len__(self) -> int:
        return len(self.offsets) - 1


def data_folders(data: Path, work: Path) -> dict[str, Path]:
    """Return where the pictures of each set are."""
    return {
        "train": data / "train",
        "copies": work / "copies-jpeg",
        "queries": data / "queries",
        "references": data / "references",
    }


def list_pictures(folder: Path, limit: int | None) -> list[Path]:
    return sorted(folder.glob("*.jpg"))[:limit]


def is_held_out(identities: I64) -> NDArray[np.bool_]:
    return np.asarray(identities % FOLDS == 0)


def prepare(data: Path, work: Path, n_workers: int, limit: int | None) -> None:
    """Make what is not there yet."""
    folders = data_folders(data, work)
    train = list_pictures(folders["train"], limit)
    if not (work / "copies.npz").exists():
        make_copies(train, work, n_workers)
    copies = list_pictures(folders["copies"], None)
    listed = {name: list_pictures(folder, limit) for name, folder in folders.items() if name != "copies"}
    listed["copies"] = copies
    for name, paths in listed.items():
        if not (work / name / "offsets.npy").exists():
            found = walk(name, describe, paths, n_workers)
            save_set(work / name, [(f.descriptors, f.sizes, thumbnail) for f, thumbnail in found])
    if not (work / "insets.npz").exists():
        fit_detector(copies, work, n_workers)
    queried = [path for path in copies if is_queried(path) and is_held_out(np.array(int(path.stem[:4])))]
    detector = load_detector(work)
    for name, paths in (("views-dev", queried), ("views-judged", listed["queries"])):
        if not (work / name / "offsets.npy").exists():
            save_views(work / name, list(walk(name, partial(describe_views, detector=detector), paths, n_workers)))


def is_queried(copy: Path) -> bool:
    return int(copy.stem[5:]) < N_QUERIED


def walk(name: str, work: Callable[[Item], Result], items: Sequence[Item], n_workers: int) -> Iterator[Result]:
    for done, result in enumerate(map_images(work, items, n_workers), start=1):
        if isinstance(result, Skipped):
            raise SystemExit(f"{result.path}: {result.reason}")
        if done % 200 == 0 or done == len(items):
            print(_COUNT.format(name, done, len(items)), flush=True)
        yield result


def make_copies(train: Sequence[Path], work: Path, n_workers: int) -> None:
    """Save edited copies as JPEG files named by image and number, and how each came about in ``copies.npz``."""
    folder = work / "copies-jpeg"
    folder.mkdir(parents=True, exist_ok=True)

    def edit(index: int) -> tuple[F64, I64]:
        picture = read_rgb(train[index], at_least=_DECODED)
        transforms, sizes = np.empty((N_COPIES, 3, 3)), np.empty((N_COPIES, 4), np.int64)
        others_of = np.delete(np.arange(len(train)), index)
        for number in range(N_COPIES):
            rng = np.random.default_rng([SEED, index, number])
            others = [read_rgb(train[i], at_least=_DECODED).pixels for i in rng.choice(others_of, 2)]
            edited = random_chain(picture.pixels, rng, others)
            quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(*_QUALITIES))]
            bgr = cv2.cvtColor(edited.pixels, cv2.COLOR_RGB2BGR)
            cv2.imwrite(str(folder / f"{index:04d}_{number:02d}.jpg"), bgr, quality)
            transforms[number] = edited.transform
            sizes[number] = [*edited.pixels.shape[1::-1], *picture.pixels.shape[1::-1]]
        return transforms, sizes

    made = list(walk("edited images", edit, range(len(train)), n_workers))
    transforms, sizes = (np.concatenate(parts) for parts in zip(*made, strict=True))
    np.savez(work / "copies.npz", transforms=transforms, sizes=sizes)


def fit_detector(copies: Sequence[Path], work: Path, n_workers: int) -> None:
    """Fit the detector of insets on the identities that dev does not ask for."""
    made = np.load(work / "copies.npz")

    def view(row: int) -> InsetExample:
        width, height, source_width, source_height = (int(side) for side in made_sizes[row])
        grey = luma(read_planes(copies[row], at_least=_DECODED)).pixels
        return InsetExample.of(grey, (width, height), (source_width, source_height), transforms[row])

    made_sizes, transforms = made["sizes"], made["transforms"]
    rows = np.arange(len(copies))
    rows = rows[~is_held_out(rows // N_COPIES) & (rows % N_COPIES < _INSET_COPIES)]
    views = list(walk("views with insets", view, rows.tolist(), n_workers))
    np.savez(work / "insets.npz", **asdict(fit_insets(views, n_workers, lambda *_: None)))


def load_detector(work: Path) -> InsetModel:
    return InsetModel(**dict(np.load(work / "insets.npz")))


def luma(planes: Picture) -> Picture:
    return replace(planes, pixels=np.ascontiguousarray(planes.pixels[..., 0]))


def describe(path: Path) -> tuple[LocalFeatures, U8]:
    """Return what a reference's compact descriptor is made of."""
    planes = read_planes(path, at_least=_DECODED)
    return extract_features(luma(planes), DEFAULT_CONFIG.reference)[0], make_cue_thumbnail(planes.pixels)


def describe_views(path: Path, detector: InsetModel) -> list[View]:
    """Return the whole picture, the whole picture at other sides, and its insets."""
    planes = read_planes(path, at_least=_DECODED).pixels
    grey = np.ascontiguousarray(planes[..., 0])
    plan = [("whole", 1.0, planes, 300), *((f"side {side}", 1.0, planes, side) for side in OTHER_SIDES)]
    plan += [("inset", inset.probability, inset.cut(planes), 300) for inset in find_insets(grey, detector)]
    views = []
    for kind, probability, pixels, side in plan:
        if min(pixels.shape[:2]) >= _LEAST_VIEW:
            height, width = pixels.shape[:2]
            config = replace(DEFAULT_CONFIG.reference, sides=(side,))
            features = extract_features(luma(Picture(pixels, width, height, str(path))), config)[0]
            views.append((kind, probability, features.descriptors, features.sizes, make_cue_thumbnail(pixels)))
    return views


def save_set(folder: Path, pictures: Sequence[tuple[U8, F32, U8]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "descriptors.npy", np.concatenate([descriptors for descriptors, _, _ in pictures]))
    np.save(folder / "sizes.npy", np.concatenate([sizes for _, sizes, _ in pictures]))
    np.save(folder / "thumbnails.npy", np.stack([thumbnail for _, _, thumbnail in pictures]))
    np.save(folder / "offsets.npy", np.cumsum([0, *(len(sizes) for _, sizes, _ in pictures)]))  # last: all is there


def save_views(folder: Path, queries: Sequence[Sequence[View]]) -> None:
    views = [view for query in queries for view in query]
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "owners.npy", np.repeat(np.arange(len(queries)), [len(query) for query in queries]))
    np.save(folder / "kinds.npy", np.array([kind for kind, *_ in views]))
    np.save(folder / "probabilities.npy", np.array([probability for _, probability, *_ in views], np.float32))
    save_set(folder, [(descriptors, sizes, thumbnail) for _, _, descriptors, sizes, thumbnail in views])
