"""Checks of the arrays that were read from a file of models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerprint.config import MAX_DESCRIPTOR_DIMENSION
from fingerprint.errors import ModelError
from fingerprint.models.parts import (
    CalibrationModel,
    CohortModel,
    DescriptorModel,
    InsetModel,
    TreesModel,
    VocabularyModel,
)
from fingerprint.types import (
    BOUNDARY_BINS,
    COLOUR_DIMENSION,
    GIST_DIMENSION,
    RECTANGLE_MEASURES,
    VARIANTS,
    Postings,
)

#: Dimensions of the space that is divided into words, and bits of the signatures within a word.
WORD_DIMENSION = 64

_REMEDY = "restore the file or train the models again"


def check_parts(
    descriptor: DescriptorModel,
    vocabulary: VocabularyModel,
    insets: InsetModel,
    cohort: CohortModel,
    first: Sequence[CalibrationModel],
    trees: Sequence[TreesModel],
    path: Path,
) -> None:
    """Raise unless all arrays of a file have the shapes and types that the engine relies on.

    Raises
    ------
    ModelError
        With the names of the file and of the array.
    """
    _check_descriptor(descriptor, path)
    _check_vocabulary(vocabulary, path)
    _check_insets(insets, path)
    _check_cohort(cohort, vocabulary.n_words, path)
    for look in first:
        _check_calibration(look, path)
    for model in trees:
        _check_trees(model, path)


def _check_descriptor(d: DescriptorModel, path: Path) -> None:
    b, k, p = d.codebooks.shape if d.codebooks.ndim == 3 else (0, 0, 0)
    parts = [p.shape[1] if p.ndim == 2 else 0 for _, p in d.cue_projections]
    dimension = sum(parts)
    _check_arrays(
        path,
        {
            "codebooks": (d.codebooks, np.float32, (b, k, p)),
            "signature_rotation": (d.signature_rotation, np.float32, (128, 128)),
            "signature_thresholds": (d.signature_thresholds, np.float32, (128,)),
            "local_mean": (d.local_mean, np.float32, (128,)),
            "local_basis": (d.local_basis, np.float32, (128, p)),
            "vlad_mean": (d.vlad_mean, np.float32, (b * k * p,)),
            "vlad_projection": (d.vlad_projection, np.float32, (b * k * p, parts[0])),
            "gist_mean": (d.gist_mean, np.float32, (GIST_DIMENSION,)),
            "gist_projection": (d.gist_projection, np.float32, (GIST_DIMENSION, parts[1])),
            "colour_mean": (d.colour_mean, np.float32, (COLOUR_DIMENSION,)),
            "colour_projection": (d.colour_projection, np.float32, (COLOUR_DIMENSION, parts[2])),
            "cue_weights": (d.cue_weights, np.float32, (len(parts),)),
            "background": (d.background, np.float32, (*d.background.shape[:1], dimension)),
        },
    )
    if not 1 <= dimension <= MAX_DESCRIPTOR_DIMENSION:
        raise ModelError(f"{path}: descriptors of {dimension} dimensions; the challenge allows 1 to 256; {_REMEDY}")


def _check_insets(i: InsetModel, path: Path) -> None:
    n = RECTANGLE_MEASURES
    _check_arrays(
        path,
        {
            "evidence": (i.evidence, np.float32, (BOUNDARY_BINS**2,)),
            "centre": (i.centre, np.float64, (n,)),
            "spread": (i.spread, np.float64, (n,)),
            "weights": (i.weights, np.float64, (n + n * (n + 1) // 2,)),
            "bias": (i.bias, np.float64, (1,)),
        },
    )


def _check_vocabulary(v: VocabularyModel, path: Path) -> None:
    n_words, n_cells = v.centres.shape[:1], (v.coarse.shape or (0,))[0]
    _check_arrays(
        path,
        {
            "mean": (v.mean, np.float32, (128,)),
            "basis": (v.basis, np.float32, (128, WORD_DIMENSION)),
            "signs": (v.signs, np.int8, (len(VARIANTS), WORD_DIMENSION)),
            "coarse": (v.coarse, np.float32, (n_cells, WORD_DIMENSION)),
            "centres": (v.centres, np.int8, (*n_words, WORD_DIMENSION)),
            "step": (v.step, np.float32, (1,)),
            "rarity": (v.rarity, np.float32, n_words),
        },
    )
    if n_cells == 0 or len(v.centres) == 0 or len(v.centres) % n_cells:
        raise ModelError(f"{path}: {len(v.centres)} words in {n_cells} cells cannot be equally many in each; {_REMEDY}")
    if (np.abs(v.signs) != 1).any() or (v.signs[0] * v.signs[1] * v.signs[2] != v.signs[3]).any():
        raise ModelError(f"{path}: signs are not those of a picture and its three variants; {_REMEDY}")


def _check_cohort(b: CohortModel, n_words: int, path: Path) -> None:
    n_present, n = (b.words.shape or (0,))[0], b.signatures.shape[:1]
    _check_arrays(
        path,
        {
            "words": (b.words, np.uint32, (n_present,)),
            "starts": (b.starts, np.uint32, (n_present + 1,)),
            "signatures": (b.signatures, np.uint64, n),
            "references": (b.references, np.uint32, n),
            "geometry": (b.geometry, np.uint32, n),
            "n_images": (b.n_images, np.uint32, (1,)),
        },
    )
    if fault := postings_fault(b.postings, n_words):
        raise ModelError(f"{path}: the cohort's {fault}; {_REMEDY}")


def postings_fault(postings: Postings, n_words: int) -> str | None:
    """Return what is wrong with an inverted file, or None if it can be searched.

    Shapes must have been checked. An index out of range would make a kernel read memory outside its arrays.
    """
    if len(postings.words) and (postings.words[-1] >= n_words or (np.diff(postings.words.astype(np.int64)) <= 0).any()):
        return f"words are not ascending numbers of at most {n_words - 1}"
    starts = postings.starts.astype(np.int64)
    if starts[0] != 0 or starts[-1] != len(postings.signatures) or (np.diff(starts) < 0).any():
        return f"lists do not run from 0 to {len(postings.signatures)}"
    if len(postings.references) and int(postings.references.max()) >= postings.n_references:
        return f"postings name pictures beyond the last of {postings.n_references}"
    return None


def _check_calibration(c: CalibrationModel, path: Path) -> None:
    n = c.weights.shape[:1]
    names = ("weights", "centre", "spread")
    _check_arrays(
        path,
        {name: (getattr(c, name), np.float64, n) for name in names} | {"bias": (c.bias, np.float64, (1,))},
    )


def _check_trees(t: TreesModel, path: Path) -> None:
    n, depth = t.features.shape if t.features.ndim == 2 else (0, 0)
    _check_arrays(
        path,
        {
            "features": (t.features, np.int32, (n, depth)),
            "thresholds": (t.thresholds, np.float64, (n, depth)),
            "values": (t.values, np.float64, (n, 1 << depth)),
            "weights": (t.weights, np.float64, (t.weights.size,)),
            "bias": (t.bias, np.float64, (1,)),
        },
    )
    if np.isnan(t.thresholds).any() or not all(np.isfinite(a).all() for a in (t.values, t.weights, t.bias)):
        raise ModelError(f"{path}: a tree has numbers that are not finite; {_REMEDY}")
    if t.features.size and not 0 <= t.features.min() <= t.features.max() < len(t.weights):
        raise ModelError(
            f"{path}: trees ask about evidence {t.features.min()} to {t.features.max()} of {len(t.weights)}; {_REMEDY}"
        )


def _check_arrays(path: Path, expected: Mapping[str, tuple[NDArray[Any], type, tuple[int, ...]]]) -> None:
    for name, (array, dtype, shape) in expected.items():
        if array.shape != shape or array.dtype != dtype:
            raise ModelError(
                f"{path}: {name} is {array.dtype} {array.shape}, expected {np.dtype(dtype)} {shape}; {_REMEDY}"
            )
