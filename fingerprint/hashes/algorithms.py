"""Which perceptual hashes there are, how long they are, and from which distance on two pictures count as alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fingerprint.errors import ConfigError


@dataclass(frozen=True, slots=True)
class HashAlgorithm:
    """One kind of perceptual hash.

    Attributes
    ----------
    name : str
        What it is called in files and on the command line.
    n_bits : int
        Length, at most 256.
    match_distance : int
        Two hashes at most so many bits apart count as a match, unless a caller says otherwise.
    title : str
        One line about it.
    """

    name: str
    n_bits: int
    match_distance: int
    title: str

    @property
    def n_digits(self) -> int:
        """Hexadecimal digits of a hash as text."""
        return -(-self.n_bits // 4)

    @property
    def n_words(self) -> int:
        """``uint64`` words of a packed hash."""
        return -(-self.n_bits // 64)


#: All algorithms by name.
ALGORITHMS: Mapping[str, HashAlgorithm] = MappingProxyType(
    {
        algorithm.name: algorithm
        for algorithm in (
            HashAlgorithm("pdq", 256, 31, "PDQ: 16 x 16 cosine coefficients against their median"),
            HashAlgorithm("phash", 64, 8, "pHash: 8 x 8 cosine coefficients against their median"),
            HashAlgorithm("phash-simple", 64, 6, "pHash of rows only: cosine coefficients against their mean"),
            HashAlgorithm("dhash", 64, 6, "dHash: is a pixel brighter than its left neighbour"),
            HashAlgorithm("dhash-vertical", 64, 6, "dHash: is a pixel brighter than the one above"),
            HashAlgorithm("ahash", 64, 3, "aHash: is a pixel brighter than the mean"),
            HashAlgorithm("whash", 64, 3, "wavelet hash: Haar coefficients against their median"),
            HashAlgorithm("blockmean", 256, 12, "block-mean: means of 16 x 16 blocks against their median"),
            HashAlgorithm("colorhash", 42, 1, "colour hash: shares of black, grey and six hues, 3 bits each"),
        )
    }
)


def algorithm_named(name: str) -> HashAlgorithm:
    """Return an algorithm by its name; case, hyphens and underscores do not matter.

    Raises
    ------
    ConfigError
        There is none of this name.

    Examples
    --------
    >>> algorithm_named("dHash_vertical").name
    'dhash-vertical'
    """
    sought = name.lower().replace("_", "").replace("-", "")
    for algorithm in ALGORITHMS.values():
        if algorithm.name.replace("-", "") == sought:
            return algorithm
    raise ConfigError(f"no hash algorithm is called {name!r}; there are {', '.join(ALGORITHMS)}")
