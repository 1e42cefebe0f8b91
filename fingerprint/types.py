"""Values that travel between the rooms: frozen, with their ids and their scale to the original picture."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

U8: TypeAlias = NDArray[np.uint8]
U64: TypeAlias = NDArray[np.uint64]
I64: TypeAlias = NDArray[np.int64]
F32: TypeAlias = NDArray[np.float32]
F64: TypeAlias = NDArray[np.float64]
Bool: TypeAlias = NDArray[np.bool_]

#: What the engine takes for a picture: a path, the bytes of a file, or decoded pixels (uint8, (h, w) or (h, w, 3) RGB).
ImageSource: TypeAlias = str | os.PathLike[str] | bytes | U8


@dataclass(frozen=True, slots=True)
class Picture:
    """Decoded pixels and what is known of where they come from.

    Attributes
    ----------
    pixels : uint8 array, shape (h, w) grey or (h, w, 3) RGB
        Upright (EXIF orientation applied), possibly decoded at a fraction of the full size.
    width, height : int
        Size of the full picture in pixels, upright.
    name : str
        The file's path, or ``"<bytes>"`` / ``"<array>"``.
    """

    pixels: U8
    width: int
    height: int
    name: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that a batch went past, and why."""

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
        Dominant gradient direction in degrees, [0, 360), clockwise from the x axis as y points down.
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
    """A picture's keypoints in the form that matching takes and a collection keeps, free of the picture's size.

    Attributes
    ----------
    descriptors : uint8 array, shape (n, 128)
        As in `LocalFeatures`.
    signatures : uint64 array, shape (n, 2)
        128-bit signatures: bit ``b`` is bit ``b % 64`` of column ``b // 64``.
    frame : float32 array, shape (n, 5)
        x and y in longer sides of the picture (0, 0 is its corner), natural logarithm of the size in longer sides,
        cosine and sine of the angle.
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
class Fingerprint:
    """All that a collection keeps of one picture.

    Attributes
    ----------
    hashes : uint64 array, shape (3,)
        Packed perceptual hashes in the order of `fingerprint.config.HASH_ALGORITHMS`.
    keypoints : Keypoints
        Keypoints and local descriptors.
    descriptor : float32 array, shape (d,), d <= 256
        The compact descriptor, of unit length; compared by Euclidean distance.
    model_id : str
        Content digest of the models that made signatures and descriptor.
    """

    hashes: U64
    keypoints: Keypoints
    descriptor: F32
    model_id: str

    @property
    def width(self) -> int:
        """Width of the original picture in pixels."""
        return self.keypoints.width

    @property
    def height(self) -> int:
        """Height of the original picture in pixels."""
        return self.keypoints.height


@dataclass(frozen=True, slots=True)
class Query:
    """All that a search needs of one picture: described in more detail than a reference, and as its mirror image.

    Attributes
    ----------
    name : str
        What to call it in results.
    hashes : uint64 array, shape (2, 3)
        Hashes of the picture and of its mirror image.
    plain, mirrored : Keypoints
        Keypoints of the picture and of its mirror image.
    descriptor : float32 array, shape (d,)
        As in `Fingerprint`.
    model_id : str
        As in `Fingerprint`.
    """

    name: str
    hashes: U64
    plain: Keypoints
    mirrored: Keypoints
    descriptor: F32
    model_id: str


@dataclass(frozen=True, slots=True)
class Verification:
    """Outcome of comparing a query with one reference.

    Attributes
    ----------
    probability : float
        Calibrated probability, [0, 1], that the query was made from the reference.
    log_odds : float
        The same on the logit scale, unbounded: the score that never ties at the top.
    n_inliers : int
        Distinct query keypoints that agree on one transform.
    transform : tuple of 9 float, or None
        Row-major 3 x 3 homography from pixels of the original query to pixels of the original reference;
        None where no geometry was found.
    mirrored : bool
        Whether the query shows the reference mirrored.
    reference_region, query_region : tuple of (x, y), or None
        Corners, clockwise as seen in the reference, of the part of the reference that is seen, in pixels of the
        original reference, and where the same corners lie in the original query.
    """

    probability: float
    log_odds: float
    n_inliers: int
    transform: tuple[float, ...] | None
    mirrored: bool
    reference_region: tuple[tuple[float, float], ...] | None
    query_region: tuple[tuple[float, float], ...] | None


@dataclass(frozen=True, slots=True)
class Match:
    """One reference found for a query, with its verification."""

    query: str
    reference_id: str
    verification: Verification

    @property
    def probability(self) -> float:
        """Calibrated probability, [0, 1]."""
        return self.verification.probability

    @property
    def score(self) -> float:
        """Log-odds; what the challenge's file gets."""
        return self.verification.log_odds


def source_name(source: ImageSource) -> str:
    """Return what to call `source` in messages: its path, ``"<bytes>"`` or ``"<array>"``."""
    if isinstance(source, np.ndarray):
        return "<array>"
    return "<bytes>" if isinstance(source, bytes) else str(Path(source))
