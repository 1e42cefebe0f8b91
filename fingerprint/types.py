"""Immutable values that rooms pass to each other, with their ids and their scale to the original picture."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fingerprint.htmltables import facts_table, inline_picture
from fingerprint.locations import without_credentials

if TYPE_CHECKING:
    from PIL import Image

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


class BinaryFile(Protocol):
    """A file that is open in binary mode."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes from where the file stands."""


#: A picture as the engine takes it: a path or URL, the bytes of a file, a file that is open in binary mode, pixels
#: (uint8, (h, w), (h, w, 3) RGB or (h, w, 4) RGBA), or a Pillow image.
ImageSource: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryFile | U8 | Image.Image"


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
    n_frames : int
        Frames or pages of its file, if they were counted; otherwise 1.
    """

    pixels: U8
    width: int
    height: int
    name: str
    plain: bool = True
    n_frames: int = 1


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


def _same_values(first: Any, second: Any) -> bool:
    """Return whether two dataclasses of one class are equal, with arrays compared as wholes."""
    pairs = ((getattr(first, part.name), getattr(second, part.name)) for part in fields(first))
    return all(np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b for a, b in pairs)


@dataclass(frozen=True, slots=True, eq=False)
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

    def __eq__(self, other: object) -> bool:
        return _same_values(self, other) if isinstance(other, Keypoints) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.width, self.height, self.frame.tobytes()))

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


@dataclass(frozen=True, slots=True, eq=False)
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
    colours : int8 array, shape (8, 8, 2)
        Mean Cb and Cr of the cells of the picture, less 128; see `fingerprint.features.colour_grid`. All -128 if they
        are not known, as in collections of format 3 to 5.
    model_id : str
        Content digest of the models that made signatures and descriptor.
    identity : Identity or None
        None if it is not known. A collection keeps it in its catalogue, not with the rest.
    """

    hashes: U64
    keypoints: Keypoints
    descriptor: F32
    thumbnail: U8
    colours: I8
    model_id: str
    identity: Identity | None = None

    def __eq__(self, other: object) -> bool:
        """Return whether all that is kept is the same."""
        return _same_values(self, other) if isinstance(other, Fingerprint) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.model_id, self.hashes.tobytes(), self.descriptor.tobytes()))

    def __repr__(self) -> str:
        """Return size and counts, without the arrays."""
        n, d = len(self.keypoints), len(self.descriptor)
        return f"Fingerprint({self.width} x {self.height}, {n} keypoints, {d} dimensions, model {self.model_id!r})"

    def _repr_html_(self) -> str:
        """Return what it holds as a table, with its thumbnail, for notebooks."""
        hashes = zip(HASH_ALGORITHMS, self.hashes.tolist(), strict=True)
        facts = {
            "size": f"{self.width} x {self.height}",
            "keypoints": len(self.keypoints),
            "descriptor": f"{len(self.descriptor)} numbers",
            **{name: f"{value:016x}" for name, value in hashes},
            "model": self.model_id,
        }
        return facts_table("Fingerprint", facts, inline_picture(self.thumbnail.tobytes()))

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
    colours : int8 array, shape (64, 64, 2)
        As in `Fingerprint`, of more cells.
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
    colours: I8
    flat: bool
    descriptor: F32
    model_id: str
    identity: Identity | None = None

    def __sizeof__(self) -> int:
        """Return the bytes of its arrays."""
        return array_bytes(tuple(getattr(self, own.name) for own in fields(self)))

    @property
    def plain(self) -> Keypoints:
        """Keypoints of the picture as it is."""
        return self.variants[0]

    @property
    def is_plain(self) -> bool:
        """Whether it shows so little that only the same bytes or pixels are sure to be found."""
        return self.flat or not len(self.plain)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A reference that a candidate source named for a query.

    Attributes
    ----------
    reference_id : str
    keypoints : Keypoints
        Of the reference, with which its votes are counted.
    variants : tuple of int
        Indices in `VARIANTS` of the variants of the query that may show the reference.
    always_verified : bool
        Whether it is verified whatever its votes: its hashes are near, or it is the first by words or by descriptor.
    load : callable
        Returns all of the reference's `Fingerprint`, which only few candidates need.
    """

    reference_id: str
    keypoints: Keypoints
    variants: tuple[int, ...]
    always_verified: bool
    load: Callable[[], Fingerprint]


def array_bytes(value: object) -> int:
    """Return the bytes of the arrays in a value: in its dataclasses, tuples and lists.

    A value that stays with a worker says by ``__sizeof__`` how large it is, so that the cluster moves a task to a value
    rather than the value to a task.
    """
    if isinstance(value, np.ndarray):
        return int(value.nbytes)
    if isinstance(value, tuple | list):
        return sum(map(array_bytes, value))
    if is_dataclass(value):
        return sum(array_bytes(getattr(value, own.name)) for own in fields(value))
    return 0


def source_name(source: object) -> str:
    """Return the name of a picture in messages.

    It is its path, or its URL without credentials; of an open file or a Pillow image that of its file; or
    ``"<bytes>"``, ``"<array>"``, ``"<file>"`` or ``"<image>"``.
    """
    if isinstance(source, str | os.PathLike):
        return without_credentials(str(source))
    if isinstance(source, np.ndarray):
        return "<array>"
    if isinstance(source, bytes | bytearray | memoryview):
        return "<bytes>"
    is_file = hasattr(source, "read")
    name = getattr(source, "name" if is_file else "filename", None)
    return name if isinstance(name, str) and name else "<file>" if is_file else "<image>"


def is_unicode(text: str) -> bool:
    """Return whether a text is valid Unicode, as ids must be.

    File names need not be valid: Python keeps their bytes that are not UTF-8 as lone surrogates.
    """
    return not any("\ud800" <= character <= "\udfff" for character in text)
