"""What mirroring a picture, or taking its negative, does to the 128 bins of a local descriptor.

Both permute the bins. With what they do together, and with doing nothing, that makes the four `VARIANTS`. Each of them
moves every bin, so the bins fall into 32 *orbits* of four that the variants exchange. Four sums and differences of the
bins of an orbit, one of each *kind*, keep or change their signs in a variant, and nothing else.
"""

from __future__ import annotations

import numpy as np

_CELL_ROW, _CELL_COLUMN, _BIN = (axis.ravel() for axis in np.indices((4, 4, 8)))
#: ``mirrored[:, k] = original[:, MIRROR_PERMUTATION[k]]``: the descriptor of the mirrored patch.
MIRROR_PERMUTATION = ((3 - _CELL_ROW) * 4 + _CELL_COLUMN) * 8 + (8 - _BIN) % 8
#: The same for the photographic negative: every gradient turns by 180 degrees, and the patch turns with them.
INVERT_PERMUTATION = ((3 - _CELL_ROW) * 4 + (3 - _CELL_COLUMN)) * 8 + _BIN
#: The permutation of each variant, int64 (4, 128).
PERMUTATIONS = np.stack(
    [np.arange(128), MIRROR_PERMUTATION, INVERT_PERMUTATION, MIRROR_PERMUTATION[INVERT_PERMUTATION]]
)
#: The signs of each kind, int8 (4, 4), by variant: as it is, mirrored, negative, mirrored negative.
KINDS = np.array([[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]], np.int8)
#: The bins of each orbit, int64 (32, 4): those of the first bin's permutations.
ORBITS = np.ascontiguousarray(PERMUTATIONS.T[(np.arange(128) <= PERMUTATIONS).all(axis=0)])


def kind_basis(kind: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return an orthonormal basis of what changes as a kind does: float64 (128, 32), a direction for each orbit."""
    basis = np.zeros((128, len(ORBITS)))
    for column, orbit in enumerate(ORBITS):
        basis[orbit, column] = KINDS[kind] / 2
    return basis
