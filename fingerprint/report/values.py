"""What a page is made of: pictures, and pairs of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from fingerprint.config import COPY_PROBABILITY
from fingerprint.locations import Location
from fingerprint.results import Verification
from fingerprint.types import U8, Skipped

#: What a page shows, which decides its words and what can be decided.
Kind: TypeAlias = Literal["search", "dedupe", "challenge", "compare"]
#: What the threshold is compared with: a probability of a copy, or the scores of a file.
Axis: TypeAlias = Literal["probability", "score"]


@dataclass(frozen=True, slots=True)
class PagePicture:
    """A picture on a page, which is embedded once however many pairs it is in.

    Attributes
    ----------
    name : str
        What it is called.
    file : Path or Url or None
        The file to read; None if there is none.
    path : str
        What decisions call it, for those who read them: an absolute path. By default its name.
    size : (int, int), optional
        Width and height of the original in pixels, upright, if known before it is read.
    thumbnail : uint8 array, optional
        What a collection keeps of it, to be shown if the file cannot be; see `fingerprint.features.thumbnail`.
    content : str
        SHA-256 in hex that the file must have; empty if any will do.
    n_bytes : int, optional
        Size of the file.
    """

    name: str
    file: Location | None
    path: str = ""
    size: tuple[int, int] | None = None
    thumbnail: U8 | None = None
    content: str = ""
    n_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class PagePair:
    """A pair on a page.

    Attributes
    ----------
    query, reference : int
        Positions among the pictures of the page; no `reference` if nothing was found for the query.
    found : Verification or None
        Outcome of comparing the two, if it is known.
    words : str, optional
        What was done to a copy; by default it is said from `found` and the sizes of both pictures.
    score : float, optional
        What the threshold is compared with on a page of scores.
    group : int, optional
        Number of the group of copies that it belongs to.
    why : str
        Why the reference is kept.
    frees : int
        Bytes that are free without the query.
    goes : bool
        Whether the query may go, by decision: it is a copy of all that was compared.
    is_true : bool, optional
        Whether it is a true pair, if the truth is known.
    edits : tuple of str
        What was done to the query, if that is known.
    reasons : tuple of str
        What speaks for and against a copy, such as ``"+++ 134 keypoints agree"``, if that was asked for.
    """

    query: int
    reference: int | None = None
    found: Verification | None = None
    words: str | None = None
    score: float | None = None
    group: int | None = None
    why: str = ""
    frees: int = 0
    goes: bool = True
    is_true: bool | None = None
    edits: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A page.

    Attributes
    ----------
    kind : Kind
    title : str
    pictures : tuple of PagePicture
    pairs : tuple of PagePair
        In the order in which they are listed at first.
    notes : tuple of str
        What is to be known about the page.
    skipped : tuple of Skipped
        Pictures that could not be read before there was a page.
    axis : Axis
    threshold : float
        Where the threshold is set at first.
    span : (float, float)
        Least and largest value of the threshold.
    """

    kind: Kind
    title: str
    pictures: tuple[PagePicture, ...]
    pairs: tuple[PagePair, ...]
    notes: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    axis: Axis = "probability"
    threshold: float = COPY_PROBABILITY
    span: tuple[float, float] = (0.0, 1.0)
