"""The Hamming index: adding codes, and exact search in them."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from fingerprint.errors import (
    CollectionBusyError,
    CollectionCorruptError,
    CollectionError,
    CollectionExistsError,
    ConfigError,
)
from fingerprint.hamming import files
from fingerprint.hamming.neighbours import Neighbours
from fingerprint.hamming.search import ALL, Method, search
from fingerprint.hamming.tables import TableSegment, build_segment, planned_spans
from fingerprint.types import U64

_LENGTHS = (64, 128, 192, 256)
_METHODS = ("auto", "scan", "tables")
_OPENING_ATTEMPTS = 5  # a writer may merge the tables that the manifest names while we open them


class HammingIndex:
    """Packed codes that can be searched exactly for the nearest, or for all within a radius.

    An index lives in memory, or in a folder from which it is mapped (`create`, `open`). Codes can be added at any time;
    rows are numbered in the order of adding. Only one process and thread may add to a folder at a time; any number may
    search it meanwhile and keep the snapshot that they opened.

    Few queries and small radii are answered by multi-index hashing, in the segments of a log-structured merge tree. For
    others, and in the codes added last, all codes are scanned. Both ways give the same answer; the cheaper one is
    chosen for each query.

    Parameters
    ----------
    n_bits : int
        Length of a code: 64, 128, 192 or 256.

    Raises
    ------
    ConfigError
        `n_bits` is another length.

    References
    ----------
    M. Norouzi, A. Punjani, D. J. Fleet, "Fast exact search in Hamming space with multi-index hashing", TPAMI 2014.

    Examples
    --------
    >>> import numpy as np
    >>> index = HammingIndex(64)
    >>> index.add(np.array([0b0000, 0b0111, 0b1111], np.uint64))
    range(0, 3)
    >>> [column.tolist() for column in index.nearest(np.array([0b0011], np.uint64), 2).of(0)]
    [[1, 0], [1, 2]]
    """

    def __init__(self, n_bits: int) -> None:
        if n_bits not in _LENGTHS:
            raise ConfigError(f"codes of {n_bits} bits: choose one of {', '.join(map(str, _LENGTHS))}")
        self._folder: Path | None = None
        self._manifest = files.Manifest(n_bits)
        self._room: U64 = np.empty((0, n_bits // 64), np.uint64)  # codes of an index in memory, filled from the front
        self._codes: U64 | None = _read_only(self._room)
        self._segments: list[TableSegment] = []

    @classmethod
    def create(cls, folder: str | os.PathLike[str], n_bits: int) -> Self:
        """Make an empty index in a folder and open it.

        Parameters
        ----------
        folder : str or path
            Must not exist or be empty.
        n_bits : int
            Length of a code: 64, 128, 192 or 256.

        Raises
        ------
        CollectionExistsError
            The folder is not empty, or it is a file.
        ConfigError
            `n_bits` is another length.

        Examples
        --------
        >>> import numpy as np, tempfile
        >>> with tempfile.TemporaryDirectory() as folder, HammingIndex.create(folder, 256) as index:
        ...     index.add(np.zeros((2, 4), np.uint64))
        range(0, 2)
        """
        index, path = cls(n_bits), Path(folder)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise CollectionExistsError(f"{path}: exists and is not empty; choose an empty or a new folder")
        path.mkdir(parents=True, exist_ok=True)
        files.append_codes(path, index._manifest, index.codes)
        files.write_manifest(path, index._manifest)
        index._folder = path
        return index

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Self:
        """Open the index in a folder in its current state.

        Parameters
        ----------
        folder : str or path
            A folder in which `create` made an index.

        Raises
        ------
        CollectionNotFoundError
            There is no index in the folder.
        CollectionCorruptError
            A file is missing, of the wrong size or of another format version. Only sizes and the starts of the tables'
            buckets are checked; `check` reads everything.
        """
        path = Path(folder)
        for _ in range(_OPENING_ATTEMPTS):
            manifest = files.read_manifest(path)
            try:
                return cls._mapped(path, manifest)
            except CollectionCorruptError:
                if files.read_manifest(path) == manifest:
                    raise
        raise CollectionBusyError(f"{path}: changed during every attempt to open it; open it when less is being added")

    @classmethod
    def _mapped(cls, folder: Path, manifest: files.Manifest) -> Self:
        index = cls(manifest.n_bits)
        index._codes = files.map_codes(folder, manifest)
        index._segments = [files.map_tables(folder, manifest, file) for file in manifest.tables]
        index._folder, index._manifest = folder, manifest
        return index

    def __len__(self) -> int:
        return self._manifest.n_codes

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def n_bits(self) -> int:
        """Length of a code."""
        return self._manifest.n_bits

    @property
    def codes(self) -> U64:
        """All codes: uint64 array, shape (n, n_bits / 64), read-only; codes added later are not in it."""
        if self._codes is None:
            raise CollectionError("this Hamming index is closed: open it again")
        return self._codes

    def add(self, codes: U64) -> range:
        """Add codes and return their rows.

        When this returns, codes added to a folder are on disk. If the call or the machine fails, the index in the
        folder is unchanged.

        Parameters
        ----------
        codes : uint64 array, shape (m, n_bits / 64), or (m,) for 64 bits
            Any bits.

        Raises
        ------
        ConfigError
            The array is of another type or shape.
        CollectionBusyError
            Another process has added to the folder since this one opened it.
        CollectionError
            The index is closed.

        Examples
        --------
        >>> import numpy as np
        >>> index = HammingIndex(64)
        >>> index.add(np.arange(5, dtype=np.uint64)), index.add(np.arange(2, dtype=np.uint64))
        (range(0, 5), range(5, 7))
        """
        codes = self._checked(codes, "codes")
        first, stop = len(self.codes), len(self.codes) + len(codes)
        if self._folder is None:
            self._add_in_memory(codes, stop)
        elif len(codes):
            self._add_in_folder(self._folder, codes, stop)
        return range(first, stop)

    def within(self, queries: U64, radius: int, *, method: Method = "auto") -> Neighbours:
        """Return all codes within a radius of each query.

        Parameters
        ----------
        queries : uint64 array, shape (q, n_bits / 64), or (q,) for 64 bits
            Any bits.
        radius : int
            The largest distance, at least 0.
        method : {"auto", "scan", "tables"}
            How to search, for tests and measurements: the answer is the same.

        Returns
        -------
        Neighbours
            Sorted by distance, then by row.

        Raises
        ------
        ConfigError
            An argument is out of its range.
        CollectionError
            The index is closed.

        Examples
        --------
        >>> import numpy as np
        >>> index = HammingIndex(64)
        >>> _ = index.add(np.array([0b000, 0b001, 0b111], np.uint64))
        >>> [column.tolist() for column in index.within(np.array([0b011], np.uint64), 1).of(0)]
        [[1, 2], [1, 1]]
        """
        return self._search(queries, ALL, radius, method)

    def nearest(self, queries: U64, k: int, radius: int | None = None, *, method: Method = "auto") -> Neighbours:
        """Return the `k` nearest codes of each query.

        Parameters
        ----------
        queries : uint64 array, shape (q, n_bits / 64), or (q,) for 64 bits
            Any bits.
        k : int
            How many, at least 1; fewer are returned if the index has fewer within the radius.
        radius : int, optional
            The largest distance, at least 0; no limit by default.
        method : {"auto", "scan", "tables"}
            How to search, for tests and measurements: the answer is the same.

        Returns
        -------
        Neighbours
            Sorted by distance, then by row; at equal distance the lowest rows are kept.

        Raises
        ------
        ConfigError
            An argument is out of its range.
        CollectionError
            The index is closed.

        Examples
        --------
        >>> import numpy as np
        >>> index = HammingIndex(64)
        >>> _ = index.add(np.array([0b000, 0b001, 0b111], np.uint64))
        >>> found = index.nearest(np.array([0b011, 0], np.uint64), 1)
        >>> found.rows.tolist(), found.distances.tolist()
        ([1, 0], [1, 0])
        """
        if k < 1:
            raise ConfigError(f"k is {k}: ask for at least 1 neighbour")
        return self._search(queries, k, self.n_bits if radius is None else radius, method)

    def check(self) -> list[str]:
        """Compare the files with their checksums and return the differences; empty if there are none."""
        return [] if self._folder is None else files.problems(self._folder, self._manifest)

    def close(self) -> None:
        """Release the files; arrays that were returned before stay valid."""
        self._codes = None
        self._room = np.empty((0, 0), np.uint64)
        self._segments = []

    def _search(self, queries: U64, k: int, radius: int, method: Method) -> Neighbours:
        queries = self._checked(queries, "queries")
        if radius < 0:
            raise ConfigError(f"radius is {radius}: a distance is at least 0")
        if method not in _METHODS:
            raise ConfigError(f"method is {method!r}: choose one of {', '.join(_METHODS)}")
        return search(self.codes, self._segments, queries, k, radius, method)

    def _checked(self, codes: U64, name: str) -> U64:
        codes, n_words = np.asarray(codes), self.n_bits // 64
        if codes.ndim == 1 and n_words == 1:
            codes = codes[:, np.newaxis]
        if codes.dtype != np.uint64 or codes.ndim != 2 or codes.shape[1] != n_words:
            raise ConfigError(
                f"{name} are {codes.dtype} {codes.shape}: codes of {self.n_bits} bits are uint64 (n, {n_words})"
            )
        return np.ascontiguousarray(codes)

    def _add_in_memory(self, codes: U64, stop: int) -> None:
        first = self._manifest.n_codes
        if stop > len(self._room):
            room = np.empty((max(stop, 2 * len(self._room)), codes.shape[1]), np.uint64)
            room[:first] = self._room[:first]
            self._room = room
        self._room[first:stop] = codes
        self._codes = _read_only(self._room[:stop])
        self._manifest = files.Manifest(self.n_bits, stop)
        self._segments = self._planned(self._codes)

    def _add_in_folder(self, folder: Path, codes: U64, stop: int) -> None:
        if files.read_manifest(folder) != self._manifest:
            raise CollectionBusyError(f"{folder}: another process has added to it; open it again before you add")
        crc32 = files.append_codes(folder, self._manifest, codes)
        mapped = files.map_codes(folder, files.Manifest(self.n_bits, stop))
        known = {file.span: file for file in self._manifest.tables}
        listed = tuple(
            known.get(segment.span) or files.write_tables(folder, segment) for segment in self._planned(mapped)
        )
        manifest = files.Manifest(self.n_bits, stop, crc32, listed)
        files.write_manifest(folder, manifest)
        files.remove_unlisted(folder, manifest)
        built = {segment.span: segment for segment in self._segments}
        self._segments = [built.get(file.span) or files.map_tables(folder, manifest, file) for file in listed]
        self._codes, self._manifest = mapped, manifest

    def _planned(self, codes: U64) -> list[TableSegment]:
        """Return the planned segments: existing ones, and new ones, which are built."""
        built = {segment.span: segment for segment in self._segments}
        spans = planned_spans(list(built), len(codes))
        return [built.get(span) or build_segment(codes, span) for span in spans]


def _read_only(array: U64) -> U64:
    """Return a read-only view."""
    view = array.view()
    view.setflags(write=False)
    return view
