"""Reading datasets of HDF5 files that may be damaged or made to harm.

HDF5 can take a dataset's contents from elsewhere: from any other file (external storage, external links, virtual
datasets), or under another name (soft links). None of this is followed. Sizes are checked before anything is read.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fingerprint.challenge.files import fault
from fingerprint.datafiles import check_claim, open_regular
from fingerprint.errors import ChallengeFileError

if TYPE_CHECKING:
    import h5py

_MOST_TEXT = 1 << 28  # bytes; of texts of any length that are read at once, each may be as long as the file
_MOST_TEXTS = 1 << 12
_LONGEST_TEXT = 1 << 16  # bytes, of a text of fixed length
_FILTERS = (1, 2, 3, 4, 32000)  # deflate, shuffle, fletcher32, szip, lzf: parts of HDF5 and h5py, not loaded plug-ins


class Hdf5File:
    """An open file; a damaged or dangerous one is a `ChallengeFileError`.

    Attributes
    ----------
    names : tuple of str
        Of the datasets in the root group; of links only those that are no references to something else.
    """

    def __init__(self, path: str | os.PathLike[str], file: h5py.File) -> None:
        self._path = path
        self._file = file
        self._datasets: dict[str, h5py.Dataset] = {}
        self._unusable: dict[str, str] = {}
        for name in file:
            self._enter(name)
        self.names = tuple(self._datasets)

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

    def check(self, *names: str) -> None:
        """Raise if one of these datasets is there and must not be read.

        Raises
        ------
        ChallengeFileError
        """
        for name in names:
            if name in self._unusable:
                raise fault(self._path, f"{name} {self._unusable[name]}")

    def form(self, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Return the shape and type of a dataset."""
        dataset = self._datasets[name]
        return tuple(dataset.shape or ()), dataset.dtype

    def numbers(self, name: str) -> NDArray[Any]:
        """Return a dataset of numbers.

        Raises
        ------
        ChallengeFileError
            If it is not of numbers, parts of it are missing, or it claims far more memory than the file has.
        """
        dataset = self._datasets[name]
        if dataset.dtype.kind not in "biufc" or dataset.dtype.subdtype is not None:
            raise fault(self._path, f"{name} is of type {dataset.dtype}: write numbers")
        self._check_size(name)
        array: NDArray[Any] = dataset[()]
        return array

    def texts(self, name: str, encoding: str, wanted: str) -> tuple[str, ...]:
        """Return a one-dimensional dataset of bytes of fixed length or texts of any length.

        `wanted` says for the message what should be in the file.

        Raises
        ------
        ChallengeFileError
            As `numbers`.
        """
        import h5py

        dataset = self._datasets[name]
        if dataset.shape is None or len(dataset.shape) != 1:
            raise fault(self._path, f"{name} is not one-dimensional: write one id a row")
        form = h5py.check_string_dtype(dataset.dtype)
        if form is None:
            raise fault(self._path, f"{name} are not {wanted}")
        self._check_size(name)
        if form.length is None:
            step = max(16, min(_MOST_TEXTS, _MOST_TEXT // max(1, Path(self._path).stat().st_size)))
        elif form.length > _LONGEST_TEXT:
            raise fault(self._path, f"{name} are texts of {form.length:,} bytes: write short ids")
        else:
            step = max(1, _MOST_TEXT // max(1, form.length))
        found: list[str] = []
        for start in range(0, len(dataset), step):
            try:
                found += [item.decode(encoding) for item in dataset[start : start + step].tolist()]
            except UnicodeDecodeError as error:
                raise fault(self._path, f"{name} are not {wanted}") from error
        return tuple(found)

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
        """Check that all of a dataset is there, and that it does not claim far more memory than that."""
        import h5py

        dataset = self._datasets[name]
        item, shape, width = dataset.id, tuple(dataset.shape), dataset.dtype.itemsize
        width = max(width, item.get_type().get_size())
        stored, chunk = item.get_storage_size(), dataset.chunks
        if chunk is None:
            if stored < math.prod(shape) * width:
                raise fault(self._path, f"{name}: {stored:,} bytes where its shape {shape} needs more: write it again")
            if item.get_create_plist().get_layout() == h5py.h5d.CONTIGUOUS and math.prod(shape):
                end = (item.get_offset() or 0) + stored
                if end > Path(self._path).stat().st_size:
                    raise fault(self._path, f"{name}: it ends beyond the end of the file: copy it again")
            return
        n_chunks = math.prod(-(-n // size) for n, size in zip(shape, chunk, strict=True))
        try:
            check_claim(n_chunks * math.prod(chunk) * width, stored)
        except ValueError as error:
            raise fault(self._path, f"{name}: {error}") from error
        if item.get_num_chunks() != n_chunks:
            raise fault(self._path, f"{name}: parts of it were never written: write it again")


@contextmanager
def open_hdf5(path: str | os.PathLike[str]) -> Iterator[Hdf5File]:
    """Open a file for reading.

    Raises
    ------
    ChallengeFileError
        If it cannot be read, is not HDF5, or is damaged.
    """
    import h5py

    try:
        open_regular(path).close()
        with h5py.File(path, "r") as file:
            yield Hdf5File(path, file)
    except ChallengeFileError:
        raise
    except Exception as error:
        number = getattr(error, "errno", None)
        reason = os.strerror(number) if number else (str(error).strip() or type(error).__name__)
        raise fault(path, f"cannot be read as HDF5: {reason}; write or copy it again") from error
