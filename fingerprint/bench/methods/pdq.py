"""PDQ: 256 bits; of a query all eight orientations are compared, and the best counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fingerprint.bench.base import DescribingMethod, Learned, Role
from fingerprint.bench.codes import as_code
from fingerprint.hashes import dihedral_hashes, perceptual_hash
from fingerprint.types import U64


class Pdq(DescribingMethod):
    """PDQ with eight orientations of the query."""

    title = "PDQ, 256 bits, eight orientations of the query"

    def describe(self, picture: Path, role: Role, learned: Learned) -> U64:
        """Return the hash, or those of a query's orientations; see `DescribingMethod`."""
        del learned
        if role == "query":
            return np.stack([as_code(found) for found in dihedral_hashes(picture, "pdq", exact=True)])
        return as_code(perceptual_hash(picture, "pdq", exact=True))
