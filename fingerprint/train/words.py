"""The fit of the vocabulary: words that are as good for a picture as for its mirror image and its negative."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from fingerprint.features.vocabulary import quantise, rotate
from fingerprint.kernels.vlad import assign
from fingerprint.models import WORD_DIMENSION, VocabularyModel
from fingerprint.models.reflections import KINDS, PERMUTATIONS, kind_basis
from fingerprint.types import F32, I8, I64, U8

_WORD_ROUNDS = 12
_CELL_SAMPLE = 100_000  # points that the cells are learned from
_POINTS_PER_WORD = 8
_RARITY_PRIOR = 3.0  # images


def fit_vocabulary(descriptors: Sequence[U8], n_cells: int, rng: np.random.Generator) -> VocabularyModel:
    """Learn words: cells by k-means, then words within each cell by k-means of its own points, then their rarity.

    Mirroring or negating a picture permutes the bins of its local descriptors. The axes are chosen so that a
    permutation only changes their signs; points are clustered together with their three reflections. So the words of
    all variants of a query are known from those of one.

    Parameters
    ----------
    descriptors : sequence of uint8 arrays, shape (n, 128)
        Of each training image.
    n_cells : int
        Number of cells, and of words in each; fewer if there are not 8 descriptors for a word.
    """
    everything = np.concatenate(descriptors)
    mean, basis, signs = fit_symmetric_basis(everything, rng)
    empty = np.zeros((0, WORD_DIMENSION))
    step, rarity = np.ones(1, np.float32), np.zeros(0, np.float32)
    space = VocabularyModel(mean, basis, signs, empty.astype(np.float32), empty.astype(np.int8), step, rarity)
    points = rotate(everything, space)
    n_fine = max(1, min(n_cells, math.isqrt(4 * len(points) // _POINTS_PER_WORD)))
    n_cells = max(1, n_fine // 4)
    sample = points[np.sort(rng.choice(len(points), min(len(points), _CELL_SAMPLE), replace=False))]
    coarse = _kmeans(sample, n_cells, rng, signs)
    nearest = _nearest(points, _reflections(coarse, signs))
    cells, points = nearest // 4, points * signs[nearest % 4]
    centres = np.concatenate(
        [
            _kmeans(own if len(own := points[cells == cell]) else coarse[cell : cell + 1], n_fine, rng, signs[:1])
            for cell in range(n_cells)
        ]
    )
    step[0] = np.abs(centres).max() / 127
    found = VocabularyModel(
        mean=mean,
        basis=basis,
        signs=signs,
        coarse=coarse,
        centres=np.rint(centres / step[0]).astype(np.int8),
        step=step,
        rarity=np.ones(len(centres), np.float32),
    )
    words = quantise(everything, found, 1)[0][:, 0].astype(np.int64) // 4
    image = np.repeat(np.arange(len(descriptors)), [len(own) for own in descriptors])
    once = np.unique(image * len(centres) + words) % len(centres)
    found.rarity[:] = fit_rarity(np.bincount(once, minlength=len(centres)), len(descriptors))
    return found


def fit_symmetric_basis(descriptors: U8, rng: np.random.Generator) -> tuple[F32, F32, I8]:
    """Return mean (128,), basis (128, 64) and signs (4, 64) of local descriptors and their reflections.

    The axes are the leading principal directions of the descriptors in all variants, each of one of four kinds: those
    that a mirrored picture keeps or reverses, and that a negative keeps or reverses. Axes of one kind are randomly
    rotated among themselves.
    """
    x = descriptors.astype(np.float64)
    own = x.mean(axis=0)
    mean = np.mean([own[p] for p in PERMUTATIONS], axis=0)
    scatter = np.cov(x, rowvar=False) + np.outer(own - mean, own - mean)
    scatter = np.mean([scatter[np.ix_(p, p)] for p in PERMUTATIONS], axis=0)
    values, axes, kinds = [], [], []
    for kind in range(len(KINDS)):
        part = kind_basis(kind)
        value, within = np.linalg.eigh(part.T @ scatter @ part)
        values.append(value)
        axes.append(part @ within)
        kinds.append(np.full(len(value), kind))
    chosen = np.sort(np.argsort(-np.concatenate(values), kind="stable")[:WORD_DIMENSION])
    kept = np.concatenate(kinds)[chosen]
    directions = np.concatenate(axes, axis=1)[:, chosen]
    for kind in range(len(KINDS)):
        alike = np.flatnonzero(kept == kind)
        q, r = np.linalg.qr(rng.standard_normal((len(alike), len(alike))))
        directions[:, alike] = directions[:, alike] @ (q * np.sign(np.diag(r)))
    signs = np.ascontiguousarray(KINDS[kept].T)
    return mean.astype(np.float32), directions.astype(np.float32), signs


def _reflections(centres: F32, signs: I8) -> F32:
    """Return centres with their reflections, shape (4 n, p): reflection v of centre i is row 4 i + v."""
    return (centres[:, np.newaxis] * signs.astype(np.float32)).reshape(-1, centres.shape[1])


def fit_rarity(n_images_with: I64, n_images: int) -> F32:
    """Return weights of words by their rarity in the training images, with a mean of 1 over the postings.

    The weight is the square of the inverse document frequency: one factor for each side of a match. It is smoothed, as
    most words are in few images, and bounded, as no single match should decide.
    """
    frequency = np.log((n_images + _RARITY_PRIOR) / (n_images_with + _RARITY_PRIOR))
    weight = np.square(frequency)
    mean = (weight * n_images_with).sum() / max(1, n_images_with.sum())
    relative = weight / mean if mean > 0 else np.ones_like(weight)
    return np.asarray(np.clip(relative, 0.25, 2.0), dtype=np.float32)


def _kmeans(points: F32, n_words: int, rng: np.random.Generator, signs: I8) -> F32:
    """Cluster points by k-means from random points; words beyond the number of points repeat some of them.

    Each point counts for the word that it, or a reflection of it by `signs`, is nearest to.
    """
    codebook = points[rng.permutation(max(len(points), n_words))[:n_words] % len(points)].copy()
    for _ in range(_WORD_ROUNDS):
        nearest = _nearest(points, _reflections(codebook, signs))
        words, reflected = nearest // len(signs), points * signs[nearest % len(signs)]
        counts = np.bincount(words, minlength=n_words)
        sums = np.stack([np.bincount(words, weights=column, minlength=n_words) for column in reflected.T], axis=1)
        kept = counts > 0
        codebook[kept] = (sums[kept] / counts[kept, None]).astype(np.float32)
    return codebook


def _nearest(points: F32, codebook: F32) -> I64:
    words = np.empty(len(points), dtype=np.int64)
    half_norms = (np.square(codebook).sum(axis=1) / 2).astype(np.float32)
    assign(points, np.ascontiguousarray(codebook.T), half_norms, words)
    return words
