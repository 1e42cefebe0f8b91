"""SIFT, faster than OpenCV's: pyramid, extrema, orientations and RootSIFT descriptors, one pass for each.

The steps are Lowe's, but the caller chooses among the extrema before they are oriented and described::

    extrema = detect(grey, 0, 0.01, 12.0)
    oriented = orient(extrema, select(extrema.response, extrema.octave))
    features = describe(extrema, oriented, select(oriented.response, oriented.octave))

Four differences from OpenCV make it fast. The picture need not be doubled. Blurring goes row by row, in both directions
while the row is in the cache, and the differences of a few rows are searched while those are. Levels that are already
blurred are blurred further by kernels whose samples lie several pixels apart, which changes them by no more than
cutting kernels off does. Descriptors sample the patch on a grid of 20 by 20 points, turned and scaled
with the keypoint, so that all weights are constants; this is dense enough, as the level is blurred.

Each octave has every second pixel of the one before, or values interpolated halfway between two pixels if their number
is even. So both ends are treated alike, and a mirrored picture gives mirrored keypoints.

All sums run in a fixed order and no fast mathematics is allowed, so the same picture always gives the same bytes.

References
----------
Lowe, *Distinctive image features from scale-invariant keypoints*, IJCV 2004; Arandjelović and Zisserman, *Three things
everyone should know to improve object retrieval*, CVPR 2012 (RootSIFT).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fingerprint.errors import ConfigError
from fingerprint.kernels.sift_patches import MOST_PEAKS, describe_patches, find_orientations
from fingerprint.kernels.sift_pyramid import BLURS, BORDER, LAYERS, LEVELS, find
from fingerprint.types import F32, I64, ROOTSIFT_SCALE, U8

_SMALLEST = 2 * BORDER + 1
_NO_PICTURE = "SIFT needs grey uint8 pixels (h, w), at least one pixel"


@dataclass(frozen=True, slots=True)
class Extrema:
    """Extrema of the differences of Gaussians, with the pyramid that they were found in.

    Attributes
    ----------
    points : float32 array, shape (m, 2)
        x and y in pixels of the picture, whose pixel centres are at integers.
    sizes : float32 array, shape (m,)
        Twice the sigma of the blur at which they are extreme, in pixels of the picture.
    octave : int64 array, shape (m,)
        -1 is the doubled picture, 0 the picture, 1 its half and so on.
    response : float32 array, shape (m,)
        Absolute refined contrast, where 1 is from black to white.
    levels : float32 array, shape (size of the pyramid,)
        All Gaussian levels, octave by octave.
    layout : int64 array, shape (octaves, 3)
        Where an octave begins in `levels`, its height, its width.
    grids : float32 array, shape (octaves, 3)
        Step between two pixels of an octave, x and y of its first pixel; all in pixels of the picture.
    pixels : int64 array, shape (m, 4)
        Row in `layout`, level, row and column of the pixel from which each extremum was refined.
    exact : float32 array, shape (m, 4)
        x, y and sigma in pixels of the octave; contrast times 255.
    """

    points: F32
    sizes: F32
    octave: I64
    response: F32
    levels: F32
    layout: I64
    grids: F32
    pixels: I64
    exact: F32

    def __len__(self) -> int:
        return len(self.response)


@dataclass(frozen=True, slots=True)
class Oriented:
    """Extrema with a direction; one extremum may have several.

    Attributes
    ----------
    extremum : int64 array, shape (k,)
        Position of each in the `Extrema`.
    angles : float32 array, shape (k,)
        Direction of the gradient in degrees, [0, 360), from x towards y, which points down.
    octave : int64 array, shape (k,)
        As in `Extrema`.
    response : float32 array, shape (k,)
        As in `Extrema`.
    """

    extremum: I64
    angles: F32
    octave: I64
    response: F32

    def __len__(self) -> int:
        return len(self.extremum)


def detect(grey: U8, first_octave: int, contrast_threshold: float, edge_threshold: float) -> Extrema:
    """Build the pyramid of a grey picture and find its extrema, refined to fractions of a pixel.

    Parameters
    ----------
    grey : uint8 array, shape (h, w)
        In any memory order.
    first_octave : int
        -1 doubles the picture first, which finds about four times as many keypoints in about four times the time;
        0 does not.
    contrast_threshold : float
        Least contrast of an extremum, times the 3 layers of an octave; 1 is the contrast of black and white.
    edge_threshold : float
        Largest ratio of the principal curvatures.

    Returns
    -------
    Extrema
        Octave by octave from the finest, in each from top to bottom; none for flat or tiny pictures.

    Raises
    ------
    ConfigError
        If `grey` is not a grey uint8 array with pixels in it, or `first_octave` is neither -1 nor 0.

    Notes
    -----
    Lowe, *Distinctive image features from scale-invariant keypoints*, IJCV 2004, sections 3 and 4.
    """
    if grey.ndim != 2 or grey.dtype != np.uint8 or grey.size == 0:
        raise ConfigError(f"{_NO_PICTURE}, not {grey.dtype} {grey.shape}")
    if first_octave not in (-1, 0):
        raise ConfigError(f"first_octave {first_octave} must be -1 or 0")
    layout, grids = _plan(grey.shape[0], grey.shape[1], first_octave)
    size = int(layout[-1, 0] + LEVELS * layout[-1, 1] * layout[-1, 2]) if len(layout) else 0
    levels = np.empty(size, np.float32)
    # Rounding gives even flat pictures some contrast, about 1e-5.
    least = np.float32(max(contrast_threshold * 255 / LAYERS, 1e-3))
    pixels, exact = find(
        np.ascontiguousarray(grey), levels, layout, BLURS[first_octave], least, np.float32(edge_threshold)
    )
    step = grids[pixels[:, 0]]
    return Extrema(
        points=exact[:, :2] * step[:, :1] + step[:, 1:],
        sizes=2 * exact[:, 2] * step[:, 0],
        octave=pixels[:, 0] + first_octave,
        response=exact[:, 3] / np.float32(255),
        levels=levels,
        layout=layout,
        grids=grids,
        pixels=pixels,
        exact=exact,
    )


def orient(extrema: Extrema, chosen: I64) -> Oriented:
    """Assign to extrema the main directions of the gradients around them.

    Parameters
    ----------
    extrema : Extrema
        As `detect` returns them.
    chosen : int64 array, shape (n,)
        Positions of those to orient.

    Returns
    -------
    Oriented
        In the order of `chosen`, each extremum once for every direction that has at least 0.8 of its largest weight.

    Notes
    -----
    Lowe, *Distinctive image features from scale-invariant keypoints*, IJCV 2004, section 5.
    """
    angles = np.zeros((len(chosen), MOST_PEAKS), np.float32)
    counts = np.zeros(len(chosen), np.int64)
    find_orientations(extrema.levels, extrema.layout, extrema.pixels[chosen], extrema.exact[chosen], angles, counts)
    found = np.arange(MOST_PEAKS) < counts[:, None]
    extremum = np.repeat(chosen, counts).astype(np.int64)
    return Oriented(extremum, angles[found], extrema.octave[extremum], extrema.response[extremum])


def describe(extrema: Extrema, oriented: Oriented, chosen: I64) -> tuple[F32, F32, F32, U8]:
    """Describe oriented extrema by 4 by 4 histograms of 8 directions of the gradient.

    Parameters
    ----------
    extrema : Extrema
        As `detect` returns them.
    oriented : Oriented
        As `orient` returns them for `extrema`.
    chosen : int64 array, shape (n,)
        Positions in `oriented` of those to describe.

    Returns
    -------
    points : float32 array, shape (n, 2)
        x and y in pixels, whose centres are at integers.
    sizes : float32 array, shape (n,)
        Twice the sigma, in pixels.
    angles : float32 array, shape (n,)
        Degrees, [0, 360).
    descriptors : uint8 array, shape (n, 128)
        RootSIFT times 512, by row of cells, column of cells and direction, in the order of OpenCV.

    Notes
    -----
    Lowe, *Distinctive image features from scale-invariant keypoints*, IJCV 2004, section 6; Arandjelović and Zisserman,
    *Three things everyone should know to improve object retrieval*, CVPR 2012 (RootSIFT).
    """
    extremum, angles = oriented.extremum[chosen], oriented.angles[chosen]
    descriptors = np.empty((len(chosen), 128), np.uint8)
    describe_patches(
        extrema.levels,
        extrema.layout,
        extrema.pixels[extremum],
        extrema.exact[extremum],
        angles,
        np.float32(ROOTSIFT_SCALE),
        descriptors,
    )
    return extrema.points[extremum], extrema.sizes[extremum], angles, descriptors


def _plan(height: int, width: int, first_octave: int) -> tuple[I64, F32]:
    """Return `layout` and `grids` of `Extrema` for a picture of this size."""
    step, x, y = 1.0, 0.0, 0.0
    if first_octave < 0:
        # New pixels lie between old ones, not beyond the last: the doubled picture begins and ends on old pixels.
        step, height, width = 0.5, 2 * height - 1, 2 * width - 1
    layout, grids, offset = [], [], 0
    while min(height, width) >= _SMALLEST:
        layout.append((offset, height, width))
        grids.append((step, x, y))
        offset += LEVELS * height * width
        x += step / 2 * (width % 2 == 0)
        y += step / 2 * (height % 2 == 0)
        step, height, width = 2 * step, (height + 1) // 2, (width + 1) // 2
    return np.array(layout, np.int64).reshape(-1, 3), np.array(grids, np.float32).reshape(-1, 3)
