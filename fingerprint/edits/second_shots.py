"""Made second shots: two photographs of one scene, which share much and are no copies of each other.

Both are made from one photograph, as real pairs are rare. The camera moves: areas of one colour lie at different depths
and shift against each other, so that no single map leads from one picture to the other. Parts of the scene move or
are exchanged. Light, colours, grain and the cut-out differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from fingerprint.edits.canvas import MIN_SIDE, as_rgb, bounded_size, resize
from fingerprint.errors import ConfigError
from fingerprint.types import F32, F64, I64, U8

Rng = np.random.Generator

_N_LAYERS = (2, 3)
_N_AREAS = (5, 9)
_AREA_SIDE = 160  # longer side at which areas are found, in pixels
#: Shift of the nearest layer against the farthest, as a share of the longer side, at strength 0 and at strength 1.
_PARALLAX = (0.03, 0.1)
_RUBBER = 0.6  # softness of the edge between two areas, as a share of their largest shift: without folds
_TRIES = 24  # pairs of parts of which the most alike are exchanged


@dataclass(frozen=True, slots=True)
class SecondShots:
    """Two pictures of one scene; neither was made from the other.

    Attributes
    ----------
    first, second : uint8 array, shape (h, w, 3) RGB
        The pictures. Their sizes may differ; sides are within `fingerprint.edits.MIN_SIDE` and
        `fingerprint.edits.MAX_SIDE`.
    parallax : float
        How far the nearest layer moved against the farthest, as a share of the longer side.
    n_moved : int
        Number of parts that walked or were exchanged.
    """

    first: U8
    second: U8
    parallax: float
    n_moved: int


def second_shots(photo: U8, rng: Rng, strength: float = 0.5) -> SecondShots:
    """Make two shots of one scene from a photograph.

    Parameters
    ----------
    photo : uint8 array, shape (h, w, 3) RGB or (h, w) grey
        A photograph; it is not changed. Its shorter side should be 100 pixels or more.
    rng : numpy.random.Generator
        Source of randomness: the same state gives the same bytes.
    strength : float, 0 to 1
        How much the shots differ. At 0 the layers shift by 3 % of the longer side, at 1 by 10 %; the moved parts and
        the differences of light, colour, grain and viewpoint grow with it.

    Returns
    -------
    SecondShots

    Raises
    ------
    ConfigError
        If `strength` is not within 0 to 1.
    ImageError
        If `photo` is no picture.

    Examples
    --------
    >>> import numpy as np
    >>> from fingerprint.edits.second_shots import second_shots
    >>> noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    >>> shots = second_shots(noise, np.random.default_rng(1), strength=0.5)
    >>> round(shots.parallax, 3), shots.first.dtype.name
    (0.065, 'uint8')
    """
    if not 0 <= strength <= 1:
        raise ConfigError(f"strength {strength} must lie within 0 to 1")
    pixels = as_rgb(photo)
    pixels, _ = resize(pixels, *bounded_size(pixels.shape[1], pixels.shape[0]))
    parallax = _PARALLAX[0] + (_PARALLAX[1] - _PARALLAX[0]) * strength
    moved, n_exchanged = _exchanged(pixels, rng, strength)
    moved, n_walked = _seen_from_aside(moved, rng, parallax, strength)
    n_moved = n_exchanged + n_walked
    first, second = (_developed(_cut_out(shot, rng, strength), rng, strength) for shot in (pixels, moved))
    return SecondShots(first, second, parallax, n_moved)


def _smooth_noise(rng: Rng, width: int, height: int, cells: int) -> F32:
    """Draw a smooth random surface with about `cells` hills along each side, float32 of shape (height, width)."""
    small = rng.standard_normal((cells + 2, cells + 2), dtype=np.float32)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def _areas(pixels: U8, rng: Rng) -> I64:
    """Return the area of each pixel: k-means over colour and position at a small size; int64 of shape (h, w)."""
    factor = min(1.0, _AREA_SIDE / max(pixels.shape[:2]))
    small, _ = resize(pixels, *(max(8, round(side * factor)) for side in pixels.shape[1::-1]))
    height, width = small.shape[:2]
    y, x = np.mgrid[:height, :width] / max(width, height)
    colours = cv2.GaussianBlur(small, (0, 0), sigmaX=1.5).astype(np.float64) / 255
    points = np.column_stack([colours.reshape(-1, 3), 0.7 * x.ravel(), 0.7 * y.ravel()])
    centres = points[rng.choice(len(points), int(rng.integers(_N_AREAS[0], _N_AREAS[1] + 1)), replace=False)]
    for _ in range(8):
        distances = (centres**2).sum(axis=1) - 2 * points @ centres.T
        nearest = distances.argmin(axis=1)
        counts = np.bincount(nearest, minlength=len(centres))
        sums = [np.bincount(nearest, column, len(centres)) for column in points.T]
        centres = np.where(counts[:, None] > 0, np.column_stack(sums) / np.maximum(counts, 1)[:, None], centres)
    return np.asarray(cv2.medianBlur(nearest.reshape(height, width).astype(np.uint8), 5), dtype=np.int64)


def _seen_from_aside(pixels: U8, rng: Rng, parallax: float, strength: float) -> tuple[U8, int]:
    """Move the camera: areas shift with their layer of depth, and some on their own; return how many did that."""
    height, width = pixels.shape[:2]
    longer = max(width, height)
    areas = _areas(pixels, rng)
    n_areas = int(areas.max()) + 1
    down = np.repeat(np.arange(areas.shape[0]) / areas.shape[0], areas.shape[1])
    sizes = np.maximum(np.bincount(areas.ravel(), minlength=n_areas), 1)
    nearness = np.bincount(areas.ravel(), down, n_areas) / sizes + rng.normal(0, 0.25, n_areas)
    n_layers = int(rng.integers(_N_LAYERS[0], _N_LAYERS[1] + 1))
    order = nearness.argsort()
    farther = np.cumsum(sizes[order]) - sizes[order] / 2
    share = np.zeros(n_areas)
    share[order] = np.minimum(farther * n_layers // sizes.sum(), n_layers - 1) / (n_layers - 1)
    angle = rng.uniform(-0.35, 0.35) + (np.pi if rng.random() < 0.5 else 0.0)
    shifts = (share[:, None] + rng.uniform(-0.7, -0.3)) * [np.cos(angle), np.sin(angle)] * parallax * longer
    walking = np.flatnonzero((rng.random(n_areas) < 0.1 + 0.2 * strength) & (sizes < 0.2 * sizes.sum()))
    shifts[walking] += rng.uniform(-1, 1, (len(walking), 2)) * parallax * longer
    field = cv2.resize(shifts.astype(np.float32)[areas], (width, height), interpolation=cv2.INTER_LINEAR)
    field = cv2.GaussianBlur(field, (0, 0), sigmaX=_RUBBER * parallax * longer, borderType=cv2.BORDER_REPLICATE)
    bend = np.stack([_smooth_noise(rng, width, height, 3) for _ in range(2)], axis=2)
    field = field + bend * np.float32(0.15 * parallax * longer)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    from_x, from_y = np.ascontiguousarray(x - field[:, :, 0]), np.ascontiguousarray(y - field[:, :, 1])
    moved = cv2.remap(pixels, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(moved, dtype=np.uint8), len(walking)


def _exchanged(pixels: U8, rng: Rng, strength: float) -> tuple[U8, int]:
    """Exchange parts of the scene that are alike; return how many."""
    n_pairs = int(rng.integers(0, 2 + round(2 * strength)))
    height, width = pixels.shape[:2]
    out = pixels
    for _ in range(n_pairs):
        w, h = (max(4, round(rng.uniform(0.08, 0.12 + 0.1 * strength) * side)) for side in (width, height))
        spots = rng.integers(0, [width - w + 1, height - h + 1], (_TRIES, 2, 2))
        means = np.array([[_rim(out[y : y + h, x : x + w]) for x, y in pair] for pair in spots])
        apart = (np.abs(spots[:, 0] - spots[:, 1]) >= [w, h]).any(axis=1)
        unlike = np.abs(means[:, 0] - means[:, 1]).sum(axis=1) + np.where(apart, 0, 1e6)
        (ax, ay), (bx, by) = spots[int(unlike.argmin())]
        one, other = (out[y : y + h, x : x + w].copy() for x, y in ((ax, ay), (bx, by)))
        out = _laid(_laid(out, other, int(ax), int(ay)), one, int(bx), int(by))
    return out, 2 * n_pairs


def _rim(patch: U8) -> F64:
    """Return the mean colours of the four sides of a part, float64 of shape (12,)."""
    sides = (patch[:2], patch[-2:], patch[:, :2], patch[:, -2:])
    return np.concatenate([side.reshape(-1, 3).mean(axis=0, dtype=np.float64) for side in sides])


def _laid(pixels: U8, patch: U8, x: int, y: int) -> U8:
    """Lay a part over the picture as an ellipse with a soft edge."""
    height, width = patch.shape[:2]
    v, u = np.mgrid[:height, :width].astype(np.float32)
    distance = np.hypot((2 * u + 1) / width - 1, (2 * v + 1) / height - 1)
    weight = np.clip((1 - distance) / np.float32(0.3), 0, 1)[:, :, None]
    out = pixels.copy()
    under = out[y : y + height, x : x + width]
    under[:] = np.rint(under + (patch - under.astype(np.float32)) * weight)
    return out


def _cut_out(pixels: U8, rng: Rng, strength: float) -> U8:
    """Cut the picture out through a slightly turned and tilted window."""
    height, width = pixels.shape[:2]
    spread = (0.01 + 0.05 * strength) * np.array([width, height])
    inset = spread * 1.5
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * ([width, height] - 2 * inset) + inset
    corners += rng.uniform(-1, 1, (4, 2)) * spread / 2 + rng.uniform(-1, 1, 2) * spread
    factor = rng.uniform(1 - 0.3 * strength, 1)
    w, h = (max(MIN_SIDE, round(side * factor)) for side in (width, height))
    target = np.array([[0, 0], [w, 0], [w, h], [0, h]], dtype=np.float32) - np.float32(0.5)
    step = cv2.getPerspectiveTransform((corners - 0.5).astype(np.float32), target)
    drawn = cv2.warpPerspective(pixels, step, (w, h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(drawn, dtype=np.uint8)


def _developed(pixels: U8, rng: Rng, strength: float) -> U8:
    """Change exposure, contrast, white balance and the light over the scene; smooth the old grain and add new."""
    height, width = pixels.shape[:2]
    smooth = cv2.GaussianBlur(pixels, (0, 0), sigmaX=float(rng.uniform(0.4, 0.8))).astype(np.float32) / 255
    exposure, gamma = np.exp(rng.uniform(-0.5, 0.5) * strength), np.exp(rng.uniform(-0.35, 0.35) * strength)
    warmth, green = rng.uniform(-0.15, 0.15) * strength, rng.uniform(-0.05, 0.05) * strength
    balance = np.array([1 + warmth, 1 + green, 1 - warmth], dtype=np.float32)
    light = 1 + np.clip(_smooth_noise(rng, width, height, 2), -2, 2) * np.float32(0.15 * strength)
    values: F32 = (
        np.power(np.clip(smooth, 0, 1), np.float32(gamma)) * np.float32(exposure) * balance * light[:, :, None]
    )
    grain = rng.standard_normal((height, width, 1), dtype=np.float32) * np.float32(rng.uniform(1, 2 + 6 * strength))
    return np.clip(np.rint(values * 255 + grain), 0, 255).astype(np.uint8)
