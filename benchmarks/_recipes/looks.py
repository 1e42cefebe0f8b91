"""Whole-picture cues beside those that the package has; all equal for a picture and its mirror image."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from fingerprint.features.global_cues import compute_colours, compute_gist, unit
from fingerprint.types import F32, U8

_N_ORIENTATIONS = 8
_SIDE = 128
_MARGIN = 16


def whole_gist(thumbnail: U8) -> F32:
    """Return GIST of the whole picture: the package's function looks at the middle of what it is given."""
    inner = cv2.resize(thumbnail, (_SIDE - 2 * _MARGIN,) * 2, interpolation=cv2.INTER_AREA)
    border = cv2.BORDER_REPLICATE
    return compute_gist(np.asarray(cv2.copyMakeBorder(inner, *(_MARGIN,) * 4, border), np.uint8))


def middle_colours(thumbnail: U8) -> F32:
    return compute_colours(_middle(thumbnail))


def gradient_blocks(thumbnail: U8, n_cells: int, middle: bool) -> F32:
    """Return square roots of gradient magnitudes by cell and unsigned orientation, of unit length."""
    seen = _middle(thumbnail) if middle else thumbnail
    grey = cv2.resize(np.ascontiguousarray(seen[..., 0]), (64, 64), interpolation=cv2.INTER_AREA).astype(np.float32)
    dx, dy = (cv2.Sobel(grey, cv2.CV_32F, *order, ksize=1) for order in ((1, 0), (0, 1)))
    turn = np.arctan2(dy, dx) % np.pi / np.pi * _N_ORIENTATIONS
    below = np.floor(turn)
    magnitudes = np.sqrt(np.hypot(dx, dy))
    rows, columns = np.indices(grey.shape)
    energies = np.zeros((_N_ORIENTATIONS, *grey.shape), np.float32)
    bins = below.astype(np.int64) % _N_ORIENTATIONS
    energies[bins, rows, columns] = magnitudes * (1 - turn + below)
    energies[(bins + 1) % _N_ORIENTATIONS, rows, columns] += magnitudes * (turn - below)
    cells = _cells(grey.shape[0], n_cells)
    blocks = np.asarray(cells @ energies @ cells.T, np.float32)
    mirrored = blocks[(-np.arange(_N_ORIENTATIONS)) % _N_ORIENTATIONS, :, ::-1]
    return unit(rooted(blocks) + rooted(mirrored))


def dct_blocks(thumbnail: U8, middle: bool) -> F32:
    """Return the 8 x 8 lowest frequencies of Y, Cb and Cr; of those that are odd across, the magnitudes."""
    seen = cv2.resize(_middle(thumbnail) if middle else thumbnail, (32, 32), interpolation=cv2.INTER_AREA)
    parts = []
    for channel in range(3):
        found = cv2.dct(np.ascontiguousarray(seen[..., channel], np.float32) - 128)[:8, :8]
        found[:, 1::2] = np.abs(found[:, 1::2])
        parts.append(found.ravel())
    return rooted(np.concatenate(parts))


def colour_layout(thumbnail: U8) -> F32:
    """Return mean Y, Cb and Cr of 6 x 6 cells: what is even across, and magnitudes of what is odd."""
    cells = cv2.resize(thumbnail, (6, 6), interpolation=cv2.INTER_AREA).astype(np.float32) - 128
    mirrored = cells[:, ::-1]
    return rooted(np.concatenate([cells + mirrored, np.abs(cells - mirrored)]).ravel())


def rooted(values: F32) -> F32:
    """Return signed square roots at unit length."""
    flat = values.ravel()
    return unit((np.sign(flat) * np.sqrt(np.abs(flat))).astype(np.float32))


def _middle(thumbnail: U8) -> U8:
    part = np.ascontiguousarray(thumbnail[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN])
    return np.asarray(cv2.resize(part, (_SIDE, _SIDE), interpolation=cv2.INTER_LINEAR), np.uint8)


@lru_cache(maxsize=4)
def _cells(side: int, n_cells: int) -> F32:
    at = np.clip((np.arange(side) + 0.5) / side * n_cells - 0.5, 0, n_cells - 1)
    return np.asarray(np.maximum(0, 1 - np.abs(at - np.arange(n_cells)[:, None])), np.float32)
