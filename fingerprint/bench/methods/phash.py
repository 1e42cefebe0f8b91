"""pHash: 64 bits of the lowest cosine coefficients, the bits of `imagehash`."""

from __future__ import annotations

from pathlib import Path

from fingerprint.bench.base import DescribingMethod, Learned, Role
from fingerprint.bench.codes import as_code
from fingerprint.hashes import perceptual_hash
from fingerprint.types import U64


class PHash(DescribingMethod):
    """pHash, as `imagehash.phash` computes it."""

    title = "pHash (imagehash), 64 bits"

    def describe(self, picture: Path, role: Role, learned: Learned) -> U64:
        """Return the hash; see `DescribingMethod`."""
        del role, learned
        return as_code(perceptual_hash(picture, "phash", exact=True))
