"""Texts of any length in HDF5 files: read by the format's specification, without HDF5.

References
----------
*HDF5 File Format Specification*, version 3.0: "Disk Format: Level 1E - Global Heap" and "Variable-length datatypes".
"""

from __future__ import annotations

import struct
from typing import BinaryIO

from fingerprint.files.datafiles import check_claim

_REFERENCE = struct.Struct("<IQI")  # length of a text, address of its collection, index in it
_COLLECTION = struct.Struct("<4sB3xQ")  # signature, version, size with this header
_OBJECT = struct.Struct("<HH4xQ")  # index, references to it, size without this header
_ALIGNED = 8  # bytes


class TextHeap:
    """The texts of an open file whose addresses and lengths have 8 bytes; all that is wrong is a `ValueError`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = file.seek(0, 2)
        self._collections: dict[int, dict[int, bytes]] = {}
        self._total = 0

    def texts(self, start: int, n: int) -> list[bytes]:
        """Return the texts that `n` references at a position of the file stand for."""
        raw = self._read(start, n * _REFERENCE.size)
        return [self._text(*reference) for reference in _REFERENCE.iter_unpack(raw)]

    def _text(self, length: int, address: int, index: int) -> bytes:
        if not length:
            return b""
        self._total += length
        check_claim(self._total, self._size, " of text")  # many references may stand for one long text
        if address not in self._collections:
            self._collections[address] = self._collection(address)
        text = self._collections[address].get(index, b"")[:length]
        if len(text) < length:
            raise ValueError(f"a text of {length:,} bytes is not there")
        return text.rstrip(b"\0")  # as h5py does for texts that are filled up

    def _collection(self, address: int) -> dict[int, bytes]:
        """Return the objects of a collection by index."""
        signature, version, size = _COLLECTION.unpack(self._read(address, _COLLECTION.size))
        if signature != b"GCOL" or version != 1:
            raise ValueError("no collection of texts where one is said to be")
        data = self._read(address, size)
        objects: dict[int, bytes] = {}
        at = _COLLECTION.size
        while at + _OBJECT.size <= size:
            index, _, length = _OBJECT.unpack_from(data, at)
            if index == 0:  # the rest is free
                break
            at += _OBJECT.size
            if length > size - at:
                raise ValueError("a text goes beyond the end of its collection")
            objects[index] = data[at : at + length]
            at += -(-length // _ALIGNED) * _ALIGNED
        return objects

    def _read(self, start: int, n: int) -> bytes:
        if not 0 <= start <= start + n <= self._size:
            raise ValueError("a text that is said to be beyond the end of the file")
        self._file.seek(start)
        return self._file.read(n)
