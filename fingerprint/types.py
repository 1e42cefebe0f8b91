"""Immutable values that rooms pass to each other, with their ids and their scale to the original picture."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fingerprint.config import COPY_PROBABILITY

I8: TypeAlias = NDArray[np.int8]
U16: TypeAlias = NDArray[np.uint16]
U8: TypeAlias = NDArray[np.uint8]
U32: TypeAlias = NDArray[np.uint32]
U64: TypeAlias = NDArray[np.uint64]
I32: TypeAlias = NDArray[np.int32]
I64: TypeAlias = NDArray[np.int64]
F32: TypeAlias = NDArray[np.float32]
F64: TypeAlias = NDArray[np.float64]
Bool: TypeAlias = NDArray[np.bool_]

#: Order of the packed hashes in every array of hashes.
HASH_ALGORITHMS = ("phash", "dhash", "ahash")
#: Dimensions of the global cues of `fingerprint.features.global_cues`.
GIST_DIMENSION, COLOUR_DIMENSION = 480, 2304
#: Number of measures of a rectangle; number of bins for the step, and for the ratio, that describe a boundary.
RECTANGLE_MEASURES, BOUNDARY_BINS = 32, 8
#: Norm of the vectors in `LocalFeatures.descriptors`: RootSIFT vectors, whose norm is 1, are stored times this.
ROOTSIFT_SCALE = 512

#: Called as ``progress(done, total)`` during a long call; ``total`` is 0 where it is not known in advance.
Progress: TypeAlias = Callable[[int, int], None]
#: Called as ``progress(stage, done, total)`` during a long call of several stages.
StageProgress: TypeAlias = Callable[[str, int, int], None]
#: A picture as the engine takes it: a path, the bytes of a file, or decoded pixels (uint8, (h, w) or (h, w, 3) RGB).
ImageSource: TypeAlias = str | os.PathLike[str] | bytes | U8
#: How a query is related to a reference: made from it (``copy``); neither was made from the other, and both show the
#: same template or the same scene (``shared``); they have nothing to do with each other (``unrelated``).
Relation: TypeAlias = Literal["copy", "shared", "unrelated"]


@dataclass(frozen=True, slots=True)
class Picture:
    """Decoded pixels, with the name and the full size of their picture.

    Attributes
    ----------
    pixels : uint8 array, shape (h, w) grey or (h, w, 3) RGB
        Upright (EXIF orientation applied), possibly decoded at a fraction of the full size.
    width, height : int
        Size of the full picture in pixels, upright.
    name : str
        The file's path, or ``"<bytes>"`` / ``"<array>"``.
    plain : bool
        Whether the original is opaque and has at most 8 bits a sample, so that every program reads it alike.
    """

    pixels: U8
    width: int
    height: int
    name: str
    plain: bool = True


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was skipped, and the reason."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class LocalFeatures:
    """Keypoints of one picture and their local descriptors.

    Attributes
    ----------
    points : float32 array, shape (n, 2)
        ``(x, y)``, pixel centres at integers, in the normalised picture of `width` x `height`.
    sizes : float32 array, shape (n,)
        Diameter of the described neighbourhood, in pixels of the normalised picture, > 0.
    angles : float32 array, shape (n,)
        Dominant gradient direction in degrees, [0, 360), clockwise from the x axis, since y points down.
    descriptors : uint8 array, shape (n, 128)
        RootSIFT times 512, so the squared norm is near 512**2.
    width, height : int
        Size of the normalised picture.
    scale : float
        Pixels of the normalised picture for one pixel of the original.
    """

    points: F32
    sizes: F32
    angles: F32
    descriptors: U8
    width: int
    height: int
    scale: float

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True, slots=True)
class Keypoints:
    """A picture's keypoints as matching takes them and a collection keeps them, independent of the picture's size.

    Attributes
    ----------
    descriptors : uint8 array, shape (n, 128), or (0, 128)
        As in `LocalFeatures`. Only queries need them; a collection that does not keep them gives none.
    signatures : uint64 array, shape (n, 2)
        128-bit signatures: bit ``b`` is bit ``b % 64`` of column ``b // 64``.
    frame : float32 array, shape (n, 5)
        x, y, natural logarithm of the size, cosine and sine of the angle. Lengths are in units of the picture's longer
        side; (0, 0) is the picture's upper left corner. Those of references are rounded as collections keep them.
    width, height : int
        Size of the original picture in pixels, upright.
    """

    descriptors: U8
    signatures: U64
    frame: F32
    width: int
    height: int

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def side(self) -> int:
        """Longer side of the original picture in pixels, the unit of `frame`."""
        return max(self.width, self.height)


@dataclass(frozen=True, slots=True)
class WordAssignments:
    """The words that the keypoints of a query, in all `VARIANTS`, look up in an inverted file.

    Attributes
    ----------
    words : uint32 array, shape (v,)
        Ascending; several for each keypoint.
    signatures : uint64 array, shape (v,)
        64-bit signature of the keypoint within the word.
    rows : int32 array, shape (v,)
        Row of the keypoint in the two arrays below.
    frames : float32 array, shape (n, 5)
        `Keypoints.frame` of the keypoints that are looked up, of all variants.
    variants : uint8 array, shape (n,)
        Index in `VARIANTS` of each keypoint's variant.
    """

    words: U32
    signatures: U64
    rows: I32
    frames: F32
    variants: U8


@dataclass(frozen=True, slots=True)
class Postings:
    """An inverted file: for each word, the keypoints of pictures that fell into it.

    Attributes
    ----------
    words : uint32 array, shape (u,)
        Words that have postings, ascending.
    starts : uint32 array, shape (u + 1,)
        First posting of each word, and at the end the number of postings.
    signatures : uint64 array, shape (n,)
        64-bit signature within the word.
    references : uint32 array, or uint16 in a segment of few pictures, shape (n,)
        Row of the picture; ascending within a word.
    geometry : uint32 array, shape (n,)
        Position, size and angle, 8 bits each; see `fingerprint.kernels.postings`.
    n_references : int
        Number of pictures, including those without keypoints.
    """

    words: U32
    starts: U32
    signatures: U64
    references: U32
    geometry: U32
    n_references: int


@dataclass(frozen=True, slots=True)
class Identity:
    """Digests by which the same picture is known again, however little there is to see in it.

    Attributes
    ----------
    content : str or None
        SHA-256 in hex of the file's bytes; of an array, of its pixels with their type and shape.
    pixels : str or None
        BLAKE2b of 16 bytes in hex of the decoded pixels and the full size. It depends on the versions of the decoders.
    """

    content: str | None
    pixels: str | None

    def same_as(self, other: Identity) -> bool:
        """Return whether the bytes or the pixels are the same."""
        same_content = self.content is not None and self.content == other.content
        return same_content or (self.pixels is not None and self.pixels == other.pixels)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """All that a collection keeps of one picture.

    Attributes
    ----------
    hashes : uint64 array, shape (3,)
        Packed perceptual hashes in the order of `HASH_ALGORITHMS`.
    keypoints : Keypoints
        Keypoints and local descriptors.
    descriptor : float32 array, shape (d,), d <= 256
        The compact descriptor, of unit length but for rounding; compared by Euclidean distance. Collections keep it in
        8 bits a number.
    thumbnail : uint8 array, shape (n,) or (64, 64)
        The whole picture in grey, squeezed into a square, as it is stored: the bytes of a JPEG or PNG, or raw pixels in
        collections of format 3. `fingerprint.features.thumbnail.open_thumbnail` returns the pixels.
    model_id : str
        Content digest of the models that made signatures and descriptor.
    identity : Identity or None
        None if it is not known. A collection keeps it in its catalogue, not with the rest.
    """

    hashes: U64
    keypoints: Keypoints
    descriptor: F32
    thumbnail: U8
    model_id: str
    identity: Identity | None = None

    def __repr__(self) -> str:
        """Return size and counts, without the arrays."""
        n, d = len(self.keypoints), len(self.descriptor)
        return f"Fingerprint({self.width} x {self.height}, {n} keypoints, {d} dimensions, model {self.model_id!r})"

    @property
    def width(self) -> int:
        """Width of the original picture in pixels."""
        return self.keypoints.width

    @property
    def height(self) -> int:
        """Height of the original picture in pixels."""
        return self.keypoints.height


#: The variants of a query: (mirrored, inverted). The keypoints of all are computed from those of the first.
VARIANTS: tuple[tuple[bool, bool], ...] = ((False, False), (True, False), (False, True), (True, True))


@dataclass(frozen=True, slots=True)
class Query:
    """All that a search needs of one picture, in each of the `VARIANTS`.

    Attributes
    ----------
    name : str
        Name in results.
    hashes : uint64 array, shape (4, 3)
        Hashes of each variant.
    variants : tuple of 4 Keypoints
        Keypoints of each variant.
    assignments : WordAssignments
        Words that all variants look up.
    cohort_score : float, >= 0
        How well the picture agrees with unrelated pictures: mean score of the three images of the cohort that agree
        best. High for text, screenshots and patterns, which agree with many pictures.
    pixels : tuple of uint8 arrays, shape (h, w)
        Grey, at decreasing sizes; see `fingerprint.features.thumbnail.make_pyramid`.
    flat : bool
        Whether the picture is so even that its hashes and descriptor say nothing about it.
    descriptor : float32 array, shape (d,)
        As in `Fingerprint`.
    model_id : str
        As in `Fingerprint`.
    identity : Identity or None
        As in `Fingerprint`.
    """

    name: str
    hashes: U64
    variants: tuple[Keypoints, ...]
    assignments: WordAssignments
    cohort_score: float
    pixels: tuple[U8, ...]
    flat: bool
    descriptor: F32
    model_id: str
    identity: Identity | None = None

    @property
    def plain(self) -> Keypoints:
        """Keypoints of the picture as it is."""
        return self.variants[0]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A reference that a candidate source named for a query.

    Attributes
    ----------
    reference_id : str
    fingerprint : Fingerprint
    variants : tuple of int
        Indices in `VARIANTS` of the variants of the query that may show the reference.
    always_verified : bool
        Whether it is verified whatever its votes: its hashes are near, or it is among the first of another source.
    """

    reference_id: str
    fingerprint: Fingerprint
    variants: tuple[int, ...]
    always_verified: bool


@dataclass(frozen=True, slots=True)
class Verification:
    """Outcome of comparing a query with one reference.

    Attributes
    ----------
    probability : float
        Calibrated probability, [0, 1], of a copy: that the query was made from the reference.
    shared_probability : float
        Calibrated probability, [0, 1], that neither was made from the other, and both show the same template or the
        same scene. The two probabilities and `unrelated_probability` add up to 1.
    log_odds : float
        `probability` on the logit scale. It is unbounded, so scores do not tie at the top.
    n_inliers : int
        Distinct query keypoints that agree on one transform.
    transform : tuple of 9 float, or None
        Row-major 3 x 3 homography from pixels of the original query to pixels of the original reference;
        None where no geometry was found.
    mirrored : bool
        Whether the query shows the reference mirrored.
    inverted : bool
        Whether the query shows the reference as a photographic negative.
    reference_region, query_region : tuple of (x, y), or None
        Corners of the part of the reference that the query shows, in pixels of the original reference, clockwise; and
        the same corners, in the same order, in pixels of the original query.
    identical : bool
        Whether the two have the same bytes or the same pixels. Such a query is a copy, whatever there is to see in it.
    query_size, reference_size : (int, int)
        Width and height of the two originals in pixels, upright; (0, 0) if they are not known.
    """

    probability: float
    shared_probability: float
    log_odds: float
    n_inliers: int
    transform: tuple[float, ...] | None
    mirrored: bool
    inverted: bool
    reference_region: tuple[tuple[float, float], ...] | None
    query_region: tuple[tuple[float, float], ...] | None
    identical: bool = False
    query_size: tuple[int, int] = (0, 0)
    reference_size: tuple[int, int] = (0, 0)

    @property
    def unrelated_probability(self) -> float:
        """Calibrated probability, [0, 1], that the two have nothing to do with each other."""
        return max(0.0, 1.0 - self.probability - self.shared_probability)

    @property
    def rotation(self) -> float | None:
        """Degrees clockwise, [0, 360), by which the reference was turned to give the query; None without a transform.

        A mirrored query was mirrored left to right first, then turned. Of a perspective transform it is the rotation in
        the middle of what the query shows; of a shear, that of the nearest similarity.
        """
        return None if self.transform is None else _rotation(self.transform, self.query_region or ((0.0, 0.0),))

    @property
    def relation(self) -> Relation:
        """``"copy"`` from a probability of 0.5 on, otherwise the more probable of ``"shared"`` and ``"unrelated"``."""
        if self.probability >= COPY_PROBABILITY:
            return "copy"
        return "shared" if self.shared_probability > self.unrelated_probability else "unrelated"


@dataclass(frozen=True, slots=True)
class Match:
    """One reference found for a query, with its verification."""

    query: str
    reference_id: str
    verification: Verification

    @property
    def relation(self) -> Relation:
        """``"copy"``, ``"shared"`` or ``"unrelated"``, as `Verification.relation`."""
        return self.verification.relation

    @property
    def probability(self) -> float:
        """Calibrated probability, [0, 1], of a copy."""
        return self.verification.probability

    @property
    def shared_probability(self) -> float:
        """Calibrated probability, [0, 1], of a shared template or scene."""
        return self.verification.shared_probability

    @property
    def score(self) -> float:
        """Log-odds of a copy; the score in the challenge's file."""
        return self.verification.log_odds


@dataclass(frozen=True, slots=True)
class Work:
    """Time that stages of a search took, and how much they did.

    Attributes
    ----------
    milliseconds : mapping of str to float
        Wall clock by stage.
    counters : mapping of str to int
        Counts by name.
    """

    milliseconds: Mapping[str, float]
    counters: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Answer:
    """Matches of one query, the time that each stage of the search took, and how much it did.

    Attributes
    ----------
    query : str
        Name of the query.
    matches : tuple of Match
        References with at least the probability of a copy that was asked for, highest score first.
    shared : tuple of Match
        References with the relation ``shared`` that are not in `matches`, highest shared probability first. There are
        at most as many as matches were asked for. If any probability of a copy was enough, `matches` has them first.
    milliseconds : mapping of str to float
        Wall clock by stage, in their order: ``describe``; ``descriptors``, ``hashes`` and ``vote``, which name
        candidates; ``shortlist``; ``verify``. If descriptors of several queries were compared together, each query
        gets an equal share of that time. If the query was looked at more than once, each has the time of all looks.
    counters : mapping of str to int
        ``looks`` at the query; and of all these, ``postings_visited`` and ``hits`` of the vote, ``references_scored``
        by it (once for each variant of the query), ``candidates`` that the shortlist was chosen from, ``pairs_aligned``
        by verification.
    damaged : tuple of Skipped
        Ids of references that were left out as what is stored of them is damaged, and the reason. Only those that the
        query would have been compared with are named.
    plain : bool
        Whether the query is so flat, or so bare of keypoints, that only the same file, or one with the same pixels, can
        be found for it.
    """

    query: str
    matches: tuple[Match, ...]
    shared: tuple[Match, ...]
    milliseconds: Mapping[str, float]
    counters: Mapping[str, int]
    damaged: tuple[Skipped, ...] = ()
    plain: bool = False

    def __repr__(self) -> str:
        """Return the best match, how many more there are, and how many references share something."""
        shared = f"; shared: {len(self.shared)}" if self.shared else ""
        if not self.matches:
            return f"Answer({self.query!r}: nothing found{shared})"
        best = self.matches[0]
        more = f" and {len(self.matches) - 1} more" if len(self.matches) > 1 else ""
        return f"Answer({self.query!r}: {best.reference_id!r} {best.probability:.3f}{more}{shared})"


@dataclass(frozen=True, slots=True)
class AddReport:
    """Outcome of adding files to a collection.

    Attributes
    ----------
    added, unchanged, replaced : int
        Pictures with new ids, pictures that the collection has with the same bytes, pictures that replaced others.
    skipped : tuple of Skipped
        Files that could not be added, with the reason.
    ignored : tuple of str
        Files whose names are not those of images.
    plain : tuple of str
        Ids of the pictures that were added and show so little that only the same file, or one with the same pixels,
        will be found as a copy of them.
    again : tuple of str
        Ids of the pictures that were added although the collection has the same file under another id, as happens if
        files are added once with and once without a root.
    """

    added: int
    unchanged: int
    replaced: int
    skipped: tuple[Skipped, ...]
    ignored: tuple[str, ...]
    plain: tuple[str, ...] = ()
    again: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Return the counts, and the first file that was skipped; there may be thousands."""
        counts = f"added={self.added}, unchanged={self.unchanged}, replaced={self.replaced}"
        first = f" ({self.skipped[0].path!r}, ...)" if self.skipped else ""
        lists = f"skipped: {len(self.skipped)}{first}, ignored: {len(self.ignored)}, plain: {len(self.plain)}"
        return f"AddReport({counts}, {lists})"


def _rotation(transform: tuple[float, ...], region: tuple[tuple[float, float], ...]) -> float | None:
    points = [point for point in region if all(map(math.isfinite, point))] or [(0.0, 0.0)]
    x, y = (sum(values) / len(points) for values in zip(*points, strict=True))
    along_x, along_y, depth = (
        row[0] * x + row[1] * y + row[2] for row in (transform[:3], transform[3:6], transform[6:])
    )
    g, h = transform[6:8]
    # the derivative of the transform there, up to a factor of the sign that `depth` has
    a, b = transform[0] * depth - along_x * g, transform[1] * depth - along_x * h
    c, d = transform[3] * depth - along_y * g, transform[4] * depth - along_y * h
    sine, cosine = (b - c, a + d) if a * d - b * c > 0 else (-b - c, d - a)
    return math.degrees(math.atan2(sine, cosine)) % 360 if sine or cosine else None


def source_name(source: ImageSource) -> str:
    """Return the name of `source` in messages: its path, ``"<bytes>"`` or ``"<array>"``."""
    if isinstance(source, np.ndarray):
        return "<array>"
    return "<bytes>" if isinstance(source, bytes) else str(source)


def is_unicode(text: str) -> bool:
    """Return whether a text is valid Unicode, as ids must be.

    File names need not be valid: Python keeps their bytes that are not UTF-8 as lone surrogates.
    """
    return not any("\ud800" <= character <= "\udfff" for character in text)
