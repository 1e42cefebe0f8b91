"""Whether two pictures agree if one of them was bent: by waves, a swirl, or a face that was pushed about.

No one transform lays such a copy onto its source, so most of the overlap contradicts. Matches that hang together by
their neighbours say where each part went; bent back by them, a copy agrees. Most second shots of a scene still
differ in parts: what was seen from elsewhere, or moved, is not the same pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fingerprint.kernels.bend import chain_matches, fit_bend, warp_bent
from fingerprint.kernels.cells import compare_cells
from fingerprint.kernels.matching import filled_cells
from fingerprint.kernels.overlap import MEASURES, summarise_cells
from fingerprint.types import F64, I64, U8, Keypoints

#: What of `MEASURES` is measured once more on the query as it is bent back.
_KEPT = (
    *("correlation", "gain", "quarter", "half", "three_quarters", "agreeing", "contradicting"),
    *("contradicting_alike", "largest_contradiction", "tone_noise", "same_tone", "tone_broken"),
)
_ROWS = np.array([MEASURES.index(name) for name in _KEPT])
#: What `Chain.measure` measures, in order.
BEND_NAMES = (
    "log_chained",  # logarithm of the number of places with matches that hang together
    "turn",  # how much these are turned against each other, in radians
    "stretch",  # the same of the logarithms of their scales
    *(f"bent_{name}" for name in _KEPT),
)
_FEWEST = 5  # places; fewer hang together by chance
_FINE_CELLS = 100  # cells along the longer side; matches in the same cell count once
_AGREEING = MEASURES.index("agreeing")
_ALL = 0.9  # share of the texture that agrees, from which there is nothing to bend back


@dataclass(frozen=True, slots=True)
class Chain:
    """The matches of a pair, whether or not they agree on one transform.

    Attributes
    ----------
    query, reference : Keypoints
    query_rows, reference_rows : int64 arrays, shape (m,)
        The rows of the matches.
    mirrored, inverted : bool
        Of which variant of the query the keypoints are.
    """

    query: Keypoints
    reference: Keypoints
    query_rows: I64
    reference_rows: I64
    mirrored: bool
    inverted: bool

    def measure(self, levels: Sequence[U8], reference: U8, coarse: F64) -> F64:
        """Return what is measured: float64 array, shape (len(BEND_NAMES),).

        Parameters
        ----------
        levels : sequence of uint8 arrays
            The query, from `fingerprint.features.thumbnail.make_pyramid`.
        reference : uint8 array, shape (s, s)
            The reference on the coarse grid.
        coarse : float64 array, shape (len(MEASURES),)
            What was measured on that grid with one transform. It stands for the bent picture if that agrees nearly
            everywhere, or if hardly any matches hang together.
        """
        out = np.zeros(len(BEND_NAMES))
        out[-len(_KEPT) :] = coarse[_ROWS]
        chained, turn, stretch = chain_matches(
            self.query.frame, self.reference.frame, self.query_rows, self.reference_rows
        )
        source = self.reference.frame[self.reference_rows[chained], :2].astype(np.float64)
        target = self.query.frame[self.query_rows[chained], :2].astype(np.float64)
        n_places = min(filled_cells(source, _FINE_CELLS), filled_cells(target, _FINE_CELLS))
        if n_places < _FEWEST:
            return out
        out[:3] = math.log1p(n_places), turn, stretch
        if coarse[_AGREEING] < _ALL:
            grid, covered = self._bent_back(levels, source, target, len(reference))
            out[-len(_KEPT) :] = summarise_cells(compare_cells(grid, reference, covered))[_ROWS]
        return out

    def _bent_back(self, levels: Sequence[U8], source: F64, target: F64, side: int) -> tuple[U8, np.ndarray]:
        """Return the query on the grid of the reference, and which pixels of it it covers."""
        reference = self.reference
        nodes = fit_bend(source, target, reference.width / reference.side, reference.height / reference.side)
        across = np.median(np.hypot(*np.diff(nodes, axis=1).transpose(2, 0, 1))) * (len(nodes) - 1)
        wanted = side / max(float(across), 1e-6)  # pixels of the query's longer side: one for one of the grid
        number = round(math.log2(max(levels[0].shape) / wanted))
        level = np.ascontiguousarray(levels[min(max(number, 0), len(levels) - 1)])
        grid, covered = warp_bent(level, nodes, self.mirrored, side)
        return (255 - grid if self.inverted else grid), covered
