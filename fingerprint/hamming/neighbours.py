"""The result of a search in Hamming space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fingerprint.types import I64

U16: TypeAlias = NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The neighbours of several queries: grouped by query, sorted by distance and then by row.

    Attributes
    ----------
    starts : int64 array, shape (n_queries + 1,)
        The neighbours of query ``q`` are at ``starts[q]:starts[q + 1]`` of the other arrays.
    rows : int64 array, shape (t,)
        Rows of the codes, numbered in the order of adding.
    distances : uint16 array, shape (t,)
        Differing bits, [0, n_bits].

    Examples
    --------
    >>> import numpy as np
    >>> found = Neighbours(np.array([0, 0, 2]), np.array([7, 3]), np.array([0, 5], np.uint16))
    >>> len(found), [column.tolist() for column in found.of(1)]
    (2, [[7, 3], [0, 5]])
    """

    starts: I64
    rows: I64
    distances: U16

    def __len__(self) -> int:
        return len(self.starts) - 1

    def of(self, query: int) -> tuple[I64, U16]:
        """Return rows and distances of one query's neighbours.

        Parameters
        ----------
        query : int
            Row of the query, [0, n_queries).
        """
        mine = slice(int(self.starts[query]), int(self.starts[query + 1]))
        return self.rows[mine], self.distances[mine]
