"""Comparing pictures with a list of hashes: which entries are near, how near, and in which orientation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fingerprint.config import DEFAULT_LIMITS, ReadLimits
from fingerprint.errors import ConfigError
from fingerprint.hamming import HammingIndex
from fingerprint.hashes import ALGORITHMS, MIN_QUALITY, ORIENTATIONS, dihedral_hashes, int_to_words, words_to_int
from fingerprint.hashlists.lists import UNKNOWN_QUALITY, HashGroup, HashList
from fingerprint.images.given import held
from fingerprint.types import I64, ImageSource

#: Inverse orientations; those that are not in here are their own inverse.
_INVERSE = {"rotated-90": "rotated-270", "rotated-270": "rotated-90"}


@dataclass(frozen=True, slots=True)
class ListMatch:
    """An entry of a list that a picture matches.

    Attributes
    ----------
    id : str
        Id in the list; empty where it gives none.
    algorithm : str
        Name in `fingerprint.hashes.ALGORITHMS`.
    hash : str
        The listed hash in hexadecimal digits.
    line : int
        Line in the list, from 1.
    distance : int
        Differing bits.
    orientation : str
        How the listed picture was turned and mirrored to give this one, a key of `fingerprint.hashes.ORIENTATIONS`:
        ``rotated-90`` for a clockwise quarter turn.
    """

    id: str
    algorithm: str
    hash: str
    line: int
    distance: int
    orientation: str


@dataclass(frozen=True, slots=True)
class ListedPicture:
    """The matches of a picture in a list.

    Attributes
    ----------
    quality : int
        Best quality of its hashes, [0, 100], over the algorithms of the list and the orientations that are compared.
        Hashes below `fingerprint.hashes.MIN_QUALITY` are not compared.
    matches : tuple of ListMatch
        By distance, then in the order of the list; each hash of an id once, also if the list repeats it, in its nearest
        orientation.
    """

    quality: int
    matches: tuple[ListMatch, ...]


class ListMatcher:
    """Compares pictures with a list of hashes; may be used from several threads.

    Pictures, and entries of known quality, below `fingerprint.hashes.MIN_QUALITY` never match.

    Parameters
    ----------
    hash_list : HashList
        From `read_hash_list`.
    max_distance : int, optional
        Largest distance of a match in bits; each algorithm's `match_distance` by default.
    orientations : bool
        Also find pictures that were turned by right angles or mirrored.
    exact : bool
        Hash pictures as `imagehash` and PDQ's tools do, to the bit; see `fingerprint.hashes.perceptual_hash`.
    limits : ReadLimits, optional
        What a picture may cost before it is refused.

    Raises
    ------
    ConfigError
        `max_distance` is negative, or not below the length of a hash of the list.

    Examples
    --------
    >>> import io, skimage.data
    >>> from fingerprint.hashes import perceptual_hash
    >>> from fingerprint.hashlists import read_hash_list
    >>> cat = skimage.data.chelsea()
    >>> known = io.BytesIO(f"{perceptual_hash(cat).hex},cat".encode())
    >>> matcher = ListMatcher(read_hash_list(known))
    >>> [(match.id, match.orientation) for match in matcher.match(cat[:, ::-1]).matches]
    [('cat', 'mirrored')]
    """

    def __init__(
        self,
        hash_list: HashList,
        *,
        max_distance: int | None = None,
        orientations: bool = True,
        exact: bool = False,
        limits: ReadLimits = DEFAULT_LIMITS,
    ) -> None:
        self._n_orientations = len(ORIENTATIONS) if orientations else 1
        self._exact = exact
        self._limits = limits
        self._groups = [_Group(group, max_distance) for group in hash_list.groups]

    @property
    def n_left_out(self) -> int:
        """Entries that are not compared, because the list gives them a low quality."""
        return sum(group.n_left_out for group in self._groups)

    def match(self, source: ImageSource) -> ListedPicture:
        """Compare a picture with all entries of the list.

        Raises
        ------
        ImageError
            The picture cannot be read.
        """
        given = held(source, self._limits)
        quality, matches = 0, []
        for group in self._groups:
            hashes = dihedral_hashes(given, group.algorithm, exact=self._exact, limits=self._limits)
            hashes = hashes[: self._n_orientations]
            quality = max(quality, *(found.quality for found in hashes))
            worthy = {i: found.value for i, found in enumerate(hashes) if found.quality >= MIN_QUALITY}
            if worthy:
                matches += group.near(worthy)
        once: dict[tuple[str, str, str], ListMatch] = {}
        for match in sorted(matches, key=lambda match: (match.distance, match.line)):
            once.setdefault((match.algorithm, match.hash, match.id), match)
        return ListedPicture(quality, tuple(once.values()))


class _Group:
    """The entries of one algorithm."""

    def __init__(self, group: HashGroup, max_distance: int | None) -> None:
        algorithm = ALGORITHMS[group.algorithm]
        self.algorithm = algorithm.name
        self._limit = algorithm.match_distance if max_distance is None else max_distance
        if not 0 <= self._limit < algorithm.n_bits:
            raise ConfigError(
                f"max_distance is {self._limit}, and must lie in 0..{algorithm.n_bits - 1} for {algorithm.name}"
            )
        worthy = (group.qualities == UNKNOWN_QUALITY) | (group.qualities >= MIN_QUALITY)
        self._entries: I64 = np.flatnonzero(worthy)
        self.n_left_out = len(group) - len(self._entries)
        self._group = group
        self._index = HammingIndex(64 * algorithm.n_words)
        self._index.add(group.codes[self._entries])

    def near(self, values: dict[int, int]) -> list[ListMatch]:
        """Return the entries near a picture, each in the nearest orientation; `values` are hashes by orientation."""
        n_words = ALGORITHMS[self.algorithm].n_words
        found = self._index.within(np.stack([int_to_words(value, n_words) for value in values.values()]), self._limit)
        best: dict[int, tuple[int, int]] = {}
        for i, orientation in enumerate(values):
            part = slice(found.starts[i], found.starts[i + 1])
            for row, distance in zip(found.rows[part].tolist(), found.distances[part].tolist(), strict=True):
                best[row] = min(best.get(row, (distance, orientation)), (distance, orientation))
        return [self._match(int(self._entries[row]), *nearest) for row, nearest in best.items()]

    def _match(self, entry: int, distance: int, orientation: int) -> ListMatch:
        name = list(ORIENTATIONS)[orientation]
        return ListMatch(
            id=self._group.ids[entry],
            algorithm=self.algorithm,
            hash=f"{words_to_int(self._group.codes[entry]):0{ALGORITHMS[self.algorithm].n_digits}x}",
            line=int(self._group.lines[entry]),
            distance=distance,
            orientation=_INVERSE.get(name, name),
        )
