"""Peers on the same files: GIST-256 as the challenge made it, hashes, and a learned descriptor's vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from _recipes.book import Outcome, Recipe
from _recipes.lab import Lab, Split, negative_distances
from _recipes.sums import unit_rows
from fingerprint.hashes import compute_hashes
from fingerprint.images.decode import read_grey, read_rgb
from fingerprint.types import F32, F64, U8, U64

_NEIGHBOURS = 3
_GIST_SIDE, _GIST_CELLS = 32, 4
_GIST_ORIENTATIONS = (8, 8, 4)
_PREFILTER_CYCLES, _PREFILTER_PADDING, _PREFILTER_FLOOR = 4.0, 5, 0.2
_DIMENSION = 256


def pictures(lab: Lab, of_set: str) -> list[Path]:
    return sorted((lab.data / of_set).glob("*.jpg"))


def _compared(vectors: Sequence[F32], *, normal: bool) -> Outcome:
    """Compare queries with references; if `normal`, minus how near their 3 nearest training images are on average."""
    train, queries, references = vectors
    similarity = negative_distances(queries, references) / 2
    if normal:
        near = np.partition(negative_distances(queries, train) / 2, -_NEIGHBOURS, axis=1)[:, -_NEIGHBOURS:]
        similarity = similarity - near.mean(axis=1, keepdims=True)
    return Outcome(np.asarray(similarity, np.float32), queries.shape[1])


def challenge_gist(path: Path) -> F32:
    """Return colour GIST of the middle of a picture at 32 x 32 pixels: float32 (960,), of unit length."""
    picture = Image.fromarray(read_rgb(path).pixels)
    factor = _GIST_SIDE / min(picture.size)
    width, height = (max(_GIST_SIDE, round(length * factor)) for length in picture.size)
    left, top = (width - _GIST_SIDE) // 2, (height - _GIST_SIDE) // 2
    small = picture.resize((width, height), Image.Resampling.BILINEAR)
    square = np.asarray(small.crop((left, top, left + _GIST_SIDE, top + _GIST_SIDE)), np.float64)
    spectrum = np.fft.fft2(_even_contrast(square.transpose(2, 0, 1)))
    responses = np.abs(np.fft.ifft2(spectrum[:, np.newaxis] * _gabor_filters()))
    cell = _GIST_SIDE // _GIST_CELLS
    blocks = responses.reshape(3, -1, _GIST_CELLS, cell, _GIST_CELLS, cell).mean(axis=(3, 5))
    return np.asarray(unit_rows(blocks.reshape(1, -1))[0])


def _even_contrast(channels: F64) -> F64:
    """Take low frequencies away and divide by the local contrast of all channels together."""
    pad = _PREFILTER_PADDING
    logs = np.pad(np.log(channels + 1), ((0, 0), (pad, pad), (pad, pad)), "symmetric")
    n = logs.shape[1]
    cycles = np.fft.fftfreq(n, 1 / n)
    width = _PREFILTER_CYCLES / np.sqrt(np.log(2))
    low = np.exp(-(cycles[:, np.newaxis] ** 2 + cycles**2) / width**2)
    detail = logs - np.fft.ifft2(np.fft.fft2(logs) * low).real
    contrast = np.sqrt(np.abs(np.fft.ifft2(np.fft.fft2(detail.mean(axis=0) ** 2) * low)))
    return np.asarray((detail / (_PREFILTER_FLOOR + contrast))[:, pad:-pad, pad:-pad])


def _gabor_filters() -> F64:
    cycles = np.fft.fftfreq(_GIST_SIDE, 1 / _GIST_SIDE)
    frequency = np.hypot(*np.meshgrid(cycles, cycles))
    angle = np.arctan2(*np.meshgrid(cycles, cycles)[::-1])
    filters = []
    for scale, count in enumerate(_GIST_ORIENTATIONS):
        centre, sharpness = 0.3 / 1.85**scale, 16 * count**2 / 32**2
        for k in range(count):
            off = (angle + np.pi / count * k + np.pi) % (2 * np.pi) - np.pi
            octaves = frequency / _GIST_SIDE / centre - 1
            filters.append(np.exp(-10 * 0.35 * octaves**2 - 2 * sharpness * np.pi * off**2))
    return np.array(filters)


def gist256(lab: Lab, split: Split, *, normal: bool) -> Outcome:
    del split
    full = {}
    for of_set in ("train", "queries", "references"):
        kept = lab.work / "tables" / "challenge-gist" / f"{of_set}.npy"
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            np.save(kept, np.stack([challenge_gist(path) for path in pictures(lab, of_set)]))
        full[of_set] = np.load(kept)
    mean = full["train"].mean(axis=0)
    basis = np.linalg.eigh(np.cov((full["train"] - mean).T))[1][:, ::-1][:, :_DIMENSION].astype(np.float32)
    return _compared([np.asarray((vectors - mean) @ basis, np.float32) for vectors in full.values()], normal=normal)


def sscd(lab: Lab, split: Split, *, normal: bool) -> Outcome:
    del split
    kept = np.load(lab.data / "sscd.npz")
    vectors = [unit_rows(kept[name].astype(np.float32)) for name in ("train", "queries", "references")]
    return _compared(vectors, normal=normal)


def phash(lab: Lab, split: Split) -> Outcome:
    del split
    bits = [
        np.stack([_bits(compute_hashes(read_grey(path).pixels)[:1]) for path in pictures(lab, of_set)])
        for of_set in ("queries", "references")
    ]
    return Outcome(-_differing(*bits), "64 bits")


def pdq(lab: Lab, split: Split) -> Outcome:
    """Compare the query's eight orientations, and take the best."""
    del split
    try:
        import pdqhash  # type: ignore[import-untyped]
    except ImportError:
        raise SystemExit("pdq: needs pdqhash: pip install pdqhash") from None
    references = np.stack([pdqhash.compute(read_rgb(path).pixels)[0] for path in pictures(lab, "references")])
    queries = np.stack([pdqhash.compute_dihedral(read_rgb(path).pixels)[0] for path in pictures(lab, "queries")])
    distances = [_differing(queries[:, turn], references) for turn in range(queries.shape[1])]
    return Outcome(-np.min(distances, axis=0), "256 bits")


def _bits(values: U64) -> U8:
    return np.unpackbits(values.view(np.uint8))


def _differing(first: U8, second: U8) -> F32:
    x, y = first.astype(np.float32), second.astype(np.float32)
    return np.asarray(x @ (1 - y).T + (1 - x) @ y.T, np.float32)


def _peers() -> Iterator[Recipe]:
    add = partial(Recipe, group="peer", splits=("judged",))
    yield add("phash", description="pHash, 64 bits", run=phash)
    yield add("pdq", description="PDQ, 256 bits, eight orientations of the query", run=pdq)
    three = "minus the query's 3 nearest training images"
    yield add("gist256", description="GIST-256 as the challenge made it", run=partial(gist256, normal=False))
    yield add("gist256-normalised", description=f"GIST-256, {three}", run=partial(gist256, normal=True))
    yield add("sscd", description="SSCD (ResNet50, learned)", run=partial(sscd, normal=False))
    yield add("sscd-normalised", description=f"SSCD, {three}", run=partial(sscd, normal=True))


PEERS = tuple(_peers())
