"""Reading datasets of HDF5 files by h5py; only the process that `fingerprint.hdf5.process` starts does so.

HDF5 can take a dataset's contents from elsewhere: from any other file (external storage, external links, virtual
datasets), or under another name (soft links). None of this is followed. Sizes are checked before anything is read.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from fingerprint.files.datafiles import check_claim, open_regular
from fingerprint.hdf5.texts import TextHeap

if TYPE_CHECKING:
    import h5py

_LONGEST_TEXT = 1 << 16  # bytes, of a text of fixed length
_MOST_OBJECTS = 1000
_FILTERS = (1, 2, 3, 4, 32000)  # deflate, shuffle, fletcher32, szip, lzf: parts of HDF5 and h5py, not loaded plug-ins


class Dangerous(Exception):  # noqa: N818 - it may also be incomplete, or of another form
    """A file that is not read; the text says why, and what to do."""


class Datasets:
    """The datasets in the root group of an open file.

    Parameters
    ----------
    path : path-like
    allow : callable
        Called with the bytes of memory that are about to be needed.
    """

    def __init__(self, path: str | os.PathLike[str], allow: Callable[[int], None]) -> None:
        import h5py

        self._path = path
        self._allow = allow
        self._file = h5py.File(path, "r")
        self._datasets: dict[str, h5py.Dataset] = {}
        self._unusable: dict[str, str] = {}
        if len(self._file) > _MOST_OBJECTS:
            raise Dangerous(f"{len(self._file):,} objects in it: write only the datasets that are needed")
        for name in self._file:
            self._enter(name)

    def facts(self) -> dict[str, Any]:
        """Return the forms of the datasets, and why others are not read."""
        forms = {name: [list(item.shape or ()), str(item.dtype)] for name, item in self._datasets.items()}
        return {"datasets": forms, "unusable": self._unusable}

    def _enter(self, name: str) -> None:
        """Note a dataset, or why it is not read."""
        import h5py

        link = self._file.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            self._unusable[name] = "is a link, which is not followed: write the dataset itself"
            return
        item = h5py.h5o.open(self._file.id, name.encode())
        if not isinstance(item, h5py.h5d.DatasetID):
            return
        plan = item.get_create_plist()  # before anything asks for the shape: a virtual dataset would open its sources
        if plan.get_layout() not in (h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED):
            self._unusable[name] = "is a virtual dataset, made of other files: write the numbers themselves"
        elif plan.get_external_count():
            self._unusable[name] = "keeps its contents in another file: write the numbers themselves"
        elif unknown := [n for i in range(plan.get_nfilters()) if (n := plan.get_filter(i)[0]) not in _FILTERS]:
            self._unusable[name] = f"is compressed by the filter {unknown[0]}: use gzip, lzf or none"
        else:
            self._datasets[name] = h5py.Dataset(item)

    def numbers(self, name: str) -> NDArray[Any]:
        """Return a dataset of numbers.

        Raises
        ------
        Dangerous
            If it is not of numbers, parts of it are missing, or it claims far more memory than the file has.
        """
        dataset = self._datasets[name]
        if dataset.dtype.kind not in "biufc" or dataset.dtype.subdtype is not None:
            raise Dangerous(f"{name} is of type {dataset.dtype}: write numbers")
        self._check_size(name)
        array: NDArray[Any] = dataset[()]
        return array

    def texts(self, name: str, encoding: str, wanted: str) -> list[str]:
        """Return a one-dimensional dataset of bytes of fixed length or texts of any length.

        `wanted` says for the message what should be in the file.

        Raises
        ------
        Dangerous
            As `numbers`.
        """
        import h5py

        dataset = self._datasets[name]
        if dataset.shape is None or len(dataset.shape) != 1:
            raise Dangerous(f"{name} is not one-dimensional: write one id a row")
        form = h5py.check_string_dtype(dataset.dtype)
        if form is None:
            raise Dangerous(f"{name} are not {wanted}")
        self._check_size(name)
        if form.length is None:
            texts = self._texts_of_any_length(name)
        elif form.length > _LONGEST_TEXT:
            raise Dangerous(f"{name} are texts of {form.length:,} bytes: write short ids")
        else:
            texts = dataset[()].tolist()
        try:
            return [text.decode(encoding) for text in texts]
        except UnicodeDecodeError as error:
            raise Dangerous(f"{name} are not {wanted}") from error

    def attribute(self, name: str) -> str | None:
        """Return an attribute of the file that is one text, or None."""
        import h5py

        if name not in self._file.attrs:
            return None
        item = self._file.attrs.get_id(name)
        if item.shape != () or h5py.check_string_dtype(item.dtype) is None or item.dtype.itemsize > _LONGEST_TEXT:
            return None
        value = self._file.attrs[name]
        return value if isinstance(value, str) else None

    def _check_size(self, name: str) -> None:
        """Check that all of a dataset is there and claims no more memory than is likely; allow that."""
        import h5py

        dataset = self._datasets[name]
        item, shape, width = dataset.id, tuple(dataset.shape), dataset.dtype.itemsize
        width = max(width, item.get_type().get_size())
        stored, chunk = item.get_storage_size(), dataset.chunks
        if chunk is None:
            if stored < math.prod(shape) * width:
                raise Dangerous(f"{name}: {stored:,} bytes where its shape {shape} needs more: write it again")
            self._allow(3 * stored)
            if item.get_create_plist().get_layout() == h5py.h5d.CONTIGUOUS and math.prod(shape):
                end = (item.get_offset() or 0) + stored
                if end > Path(self._path).stat().st_size:
                    raise Dangerous(f"{name}: it ends beyond the end of the file: copy it again")
            return
        n_chunks = math.prod(-(-n // size) for n, size in zip(shape, chunk, strict=True))
        try:
            check_claim(n_chunks * math.prod(chunk) * width, stored)
        except ValueError as error:
            raise Dangerous(f"{name}: {error}") from error
        self._allow(3 * n_chunks * math.prod(chunk) * width)
        if item.get_num_chunks() != n_chunks:
            raise Dangerous(f"{name}: parts of it were never written: write it again")

    def _texts_of_any_length(self, name: str) -> list[bytes]:
        """Return texts of any length, read without HDF5.

        For damaged ones HDF5 takes any amount of memory, or never ends.
        """
        dataset = self._datasets[name]
        item, n = dataset.id, len(dataset)
        if item.get_create_plist().get_nfilters() or self._file.userblock_size:
            raise Dangerous(f"{name}: texts in a form that is not read: write bytes of fixed length")
        if dataset.chunks is not None:
            chunks = [item.get_chunk_info(at) for at in range(item.get_num_chunks())]
            parts = sorted((chunk.chunk_offset[0], chunk.byte_offset) for chunk in chunks)
            width = dataset.chunks[0]
        elif (offset := item.get_offset()) is not None or not n:
            parts, width = [(0, offset)] if n else [], n
        else:
            raise Dangerous(f"{name}: texts in a form that is not read: write bytes of fixed length")
        with open_regular(self._path) as file:
            heap = TextHeap(file)
            texts: list[bytes] = []
            for start, where in parts:
                if start != len(texts):
                    raise ValueError(f"{name}: parts are missing")
                texts += heap.texts(where, min(width, n - start))
        return texts
