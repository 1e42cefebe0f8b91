"""What a method of the bench is: it describes pictures one at a time, or it matches queries with references."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fingerprint.types import F32, U64, Skipped

#: As what a picture is described.
Role: TypeAlias = Literal["train", "reference", "query"]
#: What a method learned: arrays by name, kept in a file between runs.
Learned: TypeAlias = Mapping[str, NDArray[Any]]

#: References that a query keeps, with any method.
CANDIDATES = 10
#: Training images over which the background of a query is averaged.
BACKGROUND_IMAGES = 3


class DescribingMethod(ABC):
    """A method that makes a vector or a code of each picture; the bench compares them by exact search.

    Attributes
    ----------
    title : str
        What the method is, in one line, for tables.
    timed : bool
        Whether describing is the work of the method; not if its vectors are read from files.
    """

    title: str = ""
    timed: bool = True

    @property
    def identity(self) -> str:
        """What else makes results differ, as a model's digest; a run only goes on with the same. By default none."""
        return ""

    def learn(self, training: Sequence[Path]) -> Learned:
        """Learn from the training images; called once, before any picture is described.

        Parameters
        ----------
        training : sequence of Path
            The only pictures that anything may be learned from.

        Returns
        -------
        mapping of str to array
            What `describe` gets. By default nothing.
        """
        del training
        return {}

    @abstractmethod
    def describe(self, picture: Path, role: Role, learned: Learned) -> F32 | U64:
        """Describe one picture by itself; called from several threads.

        Parameters
        ----------
        picture : Path
            An image file.
        role : {"train", "reference", "query"}
            What it is described as; training images are described as references would be.
        learned : mapping of str to array
            What `learn` returned.

        Returns
        -------
        float32 array, shape (d,), or uint64 array, shape (n_bits / 64,)
            Vectors are compared by Euclidean distance as they are, codes by Hamming distance. A query may have several
            views, shape (v, d) or (v, n_bits / 64): the nearest counts.

        Raises
        ------
        ImageError
            If the picture cannot be read; it is skipped.
        """


class Matcher(ABC):
    """References that were taken in, to be scored for queries."""

    #: Processor time that taking in the references took, also in runs before; None if the bench is to measure it.
    seconds: float | None = None
    #: References that could not be read.
    skipped: Sequence[Skipped] = ()

    @property
    @abstractmethod
    def n_bytes(self) -> int:
        """Bytes that are kept of all references."""

    @abstractmethod
    def match(self, query: Path) -> Sequence[tuple[int, float]]:
        """Score references for one query by itself; called from several threads.

        Parameters
        ----------
        query : Path
            An image file.

        Returns
        -------
        sequence of (row of the reference, score)
            In any order, each row once; only the `CANDIDATES` with the highest scores are kept. A reference that is
            left out counts as a score of 0 where the background of a query is averaged.

        Raises
        ------
        ImageError
            If the picture cannot be read; it is skipped.
        """

    def close(self) -> None:
        """Free what is open. By default there is nothing."""
        return


class MatchingMethod(ABC):
    """A method that scores pairs by itself.

    Attributes
    ----------
    title : str
        What the method is, in one line, for tables.
    normalised : bool
        Whether there is a background-normalised row too, for which the training images are taken in as references.
    """

    title: str = ""
    normalised: bool = True

    @property
    def identity(self) -> str:
        """What else makes results differ, as a model's digest; a run only goes on with the same. By default none."""
        return ""

    def learn(self, training: Sequence[Path]) -> Learned:
        """Learn from the training images, as in `DescribingMethod`."""
        del training
        return {}

    @abstractmethod
    def open(self, references: Sequence[Path], learned: Learned, work: Path, n_workers: int | None) -> Matcher:
        """Take in the references.

        Parameters
        ----------
        references : sequence of Path
            Their positions are the rows that `Matcher.match` returns.
        learned : mapping of str to array
            What `learn` returned.
        work : Path
            A folder for what is kept between runs; after an interruption it is as it was left.
        n_workers : int or None
            Threads; one for each core if None.
        """


Method: TypeAlias = DescribingMethod | MatchingMethod


def unit(vector: NDArray[Any]) -> F32:
    """Return a vector, or each row of several, at unit length: float32, same shape; zeros stay."""
    norms = np.linalg.norm(vector, axis=-1, keepdims=True)
    return np.asarray(vector / np.maximum(norms, 1e-12), np.float32)
