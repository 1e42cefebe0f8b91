"""The algorithms of perceptual hashes: their names, lengths and match distances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fingerprint.errors import ConfigError
from fingerprint.htmltables import facts_table

#: A hash below this quality is never a match; the authors of PDQ advise this value.
MIN_QUALITY = 50


@dataclass(frozen=True, slots=True)
class HashAlgorithm:
    """One kind of perceptual hash.

    Attributes
    ----------
    name : str
        Name in files and on the command line.
    n_bits : int
        Length, at most 256.
    match_distance : int
        Largest distance in bits at which two hashes match by default. PDQ's authors advise its value; the others are
        the largest at which at most eight of 1.6 million pairs of unrelated training photographs match (see
        benchmarks/README.md). Colour hashes of unrelated pictures are often equal.
    title : str
        Description in one line.
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
            HashAlgorithm("phash-simple", 64, 0, "pHash of rows only: cosine coefficients against their mean"),
            HashAlgorithm("dhash", 64, 5, "dHash: is a pixel brighter than its left neighbour"),
            HashAlgorithm("dhash-vertical", 64, 4, "dHash: is a pixel brighter than the one above"),
            HashAlgorithm("ahash", 64, 1, "aHash: is a pixel brighter than the mean"),
            HashAlgorithm("whash", 64, 1, "wavelet hash: Haar coefficients against their median"),
            HashAlgorithm("blockmean", 256, 10, "block-mean: means of 16 x 16 blocks against the mean"),
            HashAlgorithm("colorhash", 42, 0, "colour hash: shares of black, grey and six hues, 3 bits each"),
        )
    }
)


def algorithm_named(name: str) -> HashAlgorithm:
    """Return an algorithm by its name; case, hyphens and underscores do not matter.

    Raises
    ------
    ConfigError
        No algorithm has this name.

    Examples
    --------
    >>> algorithm_named("dHash_vertical").name
    'dhash-vertical'
    """
    if name in ALGORITHMS:
        return ALGORITHMS[name]
    plain = name.lower().replace("_", "").replace("-", "")
    for algorithm in ALGORITHMS.values():
        if algorithm.name.replace("-", "") == plain:
            return algorithm
    raise ConfigError(f"no hash algorithm is called {name!r}; there are {', '.join(ALGORITHMS)}")


@dataclass(frozen=True, slots=True)
class PerceptualHash:
    """A perceptual hash of a picture.

    Attributes
    ----------
    algorithm : str
        Name in `ALGORITHMS`.
    value : int
        The bits as one number; the first bit is the most significant.
    quality : int
        How much the hash can rely on, [0, 100]. For PDQ it is PDQ's own figure. For the others it is the lesser of
        two: how much detail the picture has, as PDQ measures it, and how many bits describe those bits of the hash that
        are not decided by rounding (see `fingerprint.kernels.information`). Flat, blank and tiny pictures have little;
        so have pictures of two halves, ramps and stripes, which many others equal. A hash below `MIN_QUALITY` is never
        a match.

    Examples
    --------
    >>> a, b = PerceptualHash("phash", 0xFF, 100), PerceptualHash("phash", 0xF0, 100)
    >>> a.hex, a.distance(b), a.matches(b)
    ('00000000000000ff', 4, True)
    >>> a.matches(PerceptualHash("phash", 0xFF, 3))  # of a flat picture
    False
    """

    algorithm: str
    value: int
    quality: int

    def __repr__(self) -> str:
        """Return the hash in hexadecimal digits, as it can be given again."""
        return f"PerceptualHash({self.algorithm!r}, {self.value:#x}, {self.quality})"

    def _repr_html_(self) -> str:
        """Return the hash as a table, for notebooks."""
        known = ALGORITHMS.get(self.algorithm)
        digits = f"{self.value:0{known.n_digits if known else 1}x}"
        return facts_table(self.algorithm, {"hash": digits, "quality": f"{self.quality} of 100"})

    @property
    def hex(self) -> str:
        """The bits in hexadecimal digits, as `imagehash` and PDQ's tools write them."""
        return f"{self.value:0{ALGORITHMS[self.algorithm].n_digits}x}"

    def distance(self, other: PerceptualHash) -> int:
        """Return how many bits differ.

        Raises
        ------
        ConfigError
            The hashes are of different algorithms.
        """
        if self.algorithm != other.algorithm:
            raise ConfigError(f"a {self.algorithm} cannot be compared with a {other.algorithm}; use one algorithm")
        return (self.value ^ other.value).bit_count()

    def matches(self, other: PerceptualHash, max_distance: int | None = None) -> bool:
        """Return whether two hashes match: they are near enough, and both of at least `MIN_QUALITY`.

        Parameters
        ----------
        other : PerceptualHash
            Of the same algorithm.
        max_distance : int, optional
            Largest distance in bits; the algorithm's `match_distance` by default.

        Raises
        ------
        ConfigError
            The hashes are of different algorithms.
        """
        limit = ALGORITHMS[self.algorithm].match_distance if max_distance is None else max_distance
        return self.distance(other) <= limit and min(self.quality, other.quality) >= MIN_QUALITY
