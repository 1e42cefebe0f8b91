"""Vectors with their ids and the model that made them, and checks of both."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fingerprint.challenge.files import first_repeated
from fingerprint.errors import ConfigError
from fingerprint.types import F32, is_unicode

#: Most dimensions that a vector may have.
MAX_DIMENSION = 4096


@dataclass(frozen=True, slots=True, eq=False)
class VectorSet:
    """Vectors of one model; row i belongs to id i. `of` takes any floating-point numbers.

    Attributes
    ----------
    ids : tuple of str, length n
        Each once and not empty, at least one; they need not be ids of pictures.
    vectors : float32 array, shape (n, d), d from 1 to 4096
        Finite. Compared as they are: norms count.
    model_id : str or None
        Id of the model that made the vectors; vectors of different models are never compared.

    Raises
    ------
    ConfigError
        If one of these rules is broken.
    """

    ids: tuple[str, ...]
    vectors: F32
    model_id: str | None = None

    def __post_init__(self) -> None:
        """Check ids and vectors and that they fit each other."""
        if self.vectors.dtype != np.float32:
            raise ConfigError(f"the vectors are {self.vectors.dtype}: give float32")
        if what := shape_fault(self.vectors.shape) or ids_fault(self.ids, self.vectors.shape[0]):
            raise ConfigError(what)
        if not np.isfinite([self.vectors.max(), self.vectors.min()]).all():
            row = int(np.isfinite(self.vectors).all(axis=1).argmin())
            raise ConfigError(f"the vector of {self.ids[row]!r} is not finite in float32: leave it out or replace it")
        if self.model_id is not None:
            check_model_id(self.model_id)

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def of(cls, ids: Iterable[str], vectors: Any, model_id: str | None = None) -> VectorSet:
        """Return a set of vectors of any floating-point type, which become float32.

        Raises
        ------
        ConfigError
            If they are not floating-point numbers, or break a rule of the class.

        Examples
        --------
        >>> import numpy as np
        >>> VectorSet.of(["a", "b"], np.eye(2)).vectors.dtype
        dtype('float32')
        """
        array = np.asarray(vectors)
        if array.dtype.kind != "f":
            raise ConfigError(f"the vectors are {array.dtype}: give floating-point numbers, preferably float32")
        with np.errstate(over="ignore", under="ignore"):  # __post_init__ reports values that are too large
            return cls(tuple(ids), np.ascontiguousarray(array, dtype=np.float32), model_id)


def check_model_id(model_id: str) -> None:
    """Raise `ConfigError` unless a text can be the id of a model."""
    if what := _text_fault(model_id):
        raise ConfigError(f"the model id {model_id!r} {what}: choose another one")


def shape_fault(shape: tuple[int, ...]) -> str | None:
    """Return what is wrong with the shape of vectors, or None."""
    if len(shape) != 2:
        return f"the vectors have shape {shape}: give (n, d), a vector a row"
    if 0 in shape:
        return f"the vectors have shape {shape}: there must be at least one row and one dimension"
    if shape[1] > MAX_DIMENSION:
        return f"{shape[1]} dimensions, {MAX_DIMENSION} are allowed: project them"
    return None


def ids_fault(ids: Sequence[str], n: int) -> str | None:
    """Return what is wrong with the ids of n vectors, or None."""
    if len(ids) != n:
        return f"{len(ids)} ids for {n} vectors: give one each"
    for name in ids:
        if what := _text_fault(name):
            return f"the id {name!r} {what}: give texts of valid Unicode"
    if (repeated := first_repeated(ids)) is not None:
        return f"the id {repeated!r} is there twice: keep one row of it"
    return None


def _text_fault(text: object) -> str | None:
    if not isinstance(text, str):
        return "is no text"
    if not text:
        return "is empty"
    if not text.isascii() and not is_unicode(text):
        return "is not valid Unicode"
    return "has a NUL character" if "\0" in text else None


def file_fault(path: str | os.PathLike[str], what: str) -> ConfigError:
    """Return an error that names the file and what is wrong."""
    return ConfigError(f"{os.fspath(path)}: {what}")


def rows_at_once(dimension: int) -> int:
    """Return how many vectors of a dimension are written at a time."""
    return max(1, (1 << 20) // dimension)
