"""dHash: 64 bits, whether a pixel is brighter than its left neighbour; the bits of `imagehash`."""

from __future__ import annotations

from pathlib import Path

from fingerprint.bench.base import DescribingMethod, Learned, Role
from fingerprint.bench.codes import as_code
from fingerprint.hashes import perceptual_hash
from fingerprint.types import U64


class DHash(DescribingMethod):
    """dHash, as `imagehash.dhash` computes it."""

    title = "dHash (imagehash), 64 bits"

    def describe(self, picture: Path, role: Role, learned: Learned) -> U64:
        """Return the hash; see `DescribingMethod`."""
        del role, learned
        return as_code(perceptual_hash(picture, "dhash", exact=True))
