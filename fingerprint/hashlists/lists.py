"""A list of hashes in memory: one group for each algorithm, and the malformed lines."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fingerprint.errors import ConfigError
from fingerprint.hashes.algorithms import ALGORITHMS, HashAlgorithm
from fingerprint.types import I64, U64

#: Stands for a quality that a list does not give.
UNKNOWN_QUALITY = -1


@dataclass(frozen=True, slots=True)
class MalformedLine:
    """A line of a list that could not be used.

    Attributes
    ----------
    number : int
        Number of the line, from 1.
    reason : str
        What is wrong with it, with the beginning of its text; escaped for a terminal.
    """

    number: int
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class HashGroup:
    """The hashes of a list that are of one algorithm, in the order of the file.

    Attributes
    ----------
    algorithm : str
        Name in `fingerprint.hashes.algorithms.ALGORITHMS`.
    codes : uint64 array, shape (n, n_words)
        Packed hashes. The first word holds the first 16 digits; a hash of fewer than 64 bits is in the low bits.
    ids : tuple of str, length n
        Ids of the pictures, empty where the list gives none. Need not be distinct.
    qualities : int16 array, shape (n,)
        [0, 100], or -1 where the list gives none.
    lines : int64 array, shape (n,)
        Line of the file, from 1; the first one if an id goes over several.

    Raises
    ------
    ConfigError
        If there is no such algorithm, or types, lengths and words do not agree.
    """

    algorithm: str
    codes: U64
    ids: tuple[str, ...]
    qualities: NDArray[np.int16]
    lines: I64

    def __post_init__(self) -> None:
        """Check the types and shapes that all users of the arrays rely on."""
        if self.algorithm not in ALGORITHMS:
            raise ConfigError(f"no hash algorithm is called {self.algorithm!r}; there are {', '.join(ALGORITHMS)}")
        n, n_words = len(self.ids), ALGORITHMS[self.algorithm].n_words
        given = [f"{part.dtype} {part.shape}" for part in (self.codes, self.qualities, self.lines)]
        wanted = [f"uint64 {(n, n_words)}", f"int16 {(n,)}", f"int64 {(n,)}"]
        if given != wanted:
            raise ConfigError(
                f"codes, qualities and lines of {n} hashes of {self.algorithm} are {', '.join(given)}: "
                f"give {', '.join(wanted)}"
            )

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True, eq=False)
class HashList:
    """A list of hashes that was read.

    Attributes
    ----------
    name : str
        The file's path, or the stream's name.
    groups : tuple of HashGroup
        One for each algorithm in the list, in the order of `fingerprint.hashes.algorithms.ALGORITHMS`.
    malformed : tuple of MalformedLine
        Lines that could not be used, ascending.
    """

    name: str
    groups: tuple[HashGroup, ...]
    malformed: tuple[MalformedLine, ...]

    def __len__(self) -> int:
        return sum(map(len, self.groups))


class GroupBuilder:
    """Collects the hashes of one algorithm while a list is read, in little memory.

    Parameters
    ----------
    algorithm : HashAlgorithm
        Of all hashes that are added.
    """

    __slots__ = ("_algorithm", "_codes", "_ids", "_lines", "_n_digits", "_qualities")

    def __init__(self, algorithm: HashAlgorithm) -> None:
        self._algorithm = algorithm
        self._n_digits = 16 * algorithm.n_words
        self._codes = bytearray()
        self._ids: list[str] = []
        self._qualities = array("h")
        self._lines = array("q")

    def add(self, digits: str, identifier: str, quality: int, line: int) -> None:
        """Add a hash by its digits; the caller has checked that there are as many as the algorithm has."""
        self._codes += bytes.fromhex(digits.zfill(self._n_digits))
        self._ids.append(identifier)
        self._qualities.append(quality)
        self._lines.append(line)

    def __len__(self) -> int:
        return len(self._ids)

    def group(self) -> HashGroup:
        """Return all hashes that were added."""
        codes = np.frombuffer(self._codes, ">u8").astype(np.uint64).reshape(len(self._ids), self._algorithm.n_words)
        return HashGroup(
            self._algorithm.name,
            codes,
            tuple(self._ids),
            np.array(self._qualities, np.int16),
            np.array(self._lines, np.int64),
        )
