"""Perceptual hashes as codes of the bench."""

from __future__ import annotations

from fingerprint.hashes import ALGORITHMS, PerceptualHash, int_to_words
from fingerprint.types import U64


def as_code(found: PerceptualHash) -> U64:
    """Return a hash as packed words: uint64 array, shape (n_bits / 64,)."""
    return int_to_words(found.value, ALGORITHMS[found.algorithm].n_words)
