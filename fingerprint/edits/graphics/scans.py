"""What a scanner or a camera does to paper."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from fingerprint.edits.graphics.families import Rng
from fingerprint.types import F32, U8


@dataclass(frozen=True, slots=True)
class Scanner:
    """How the pages of one template were digitised.

    Attributes
    ----------
    skew : float
        Largest turn of a page in degrees, either way.
    noise : float
        Standard deviation of the grain, in grey levels.
    blur : float
        Standard deviation of the blur in pixels.
    shade : float
        How much darker the page is at one side, as a share.
    tint : tuple of float
        Factors of red, green and blue.
    grey : bool
        Whether the page is grey.
    """

    skew: float = 0.0
    noise: float = 0.0
    blur: float = 0.0
    shade: float = 0.0
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    grey: bool = False


def random_scanner(rng: Rng, chance: float = 0.5) -> Scanner | None:
    """Draw a scanner, or None for pages that were never on paper."""
    scanned = rng.random() < chance
    yellow, grey = rng.uniform(0, 0.14), bool(rng.random() < 0.5)
    skew, noise, blur, shade = rng.uniform(0.2, 2.5), rng.uniform(2, 12), rng.uniform(0.3, 0.9), rng.uniform(0, 0.25)
    tint = (1.0, 1.0, 1.0) if grey else (1.0, 1 - 0.3 * yellow, 1 - yellow)
    return Scanner(skew, noise, blur, shade, tint, grey) if scanned else None


def scanned(pixels: U8, scanner: Scanner | None, own: Rng) -> U8:
    """Digitise a page.

    Parameters
    ----------
    pixels : uint8 array, shape (h, w, 3)
        The page.
    scanner : Scanner or None
        Drawn for the template; None leaves the page as it is.
    own : numpy.random.Generator
        Source of what differs between pages: turn, shadow, grain.

    Returns
    -------
    uint8 array, shape (h, w, 3)
    """
    if scanner is None:
        return pixels
    h, w = pixels.shape[:2]
    step = cv2.getRotationMatrix2D((w / 2, h / 2), float(own.uniform(-scanner.skew, scanner.skew)), 1)
    step[:, 2] += own.uniform(-0.012, 0.012, 2) * w
    page = cv2.warpAffine(pixels, step, (w, h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    page = cv2.GaussianBlur(page, (0, 0), sigmaX=scanner.blur)
    if scanner.grey:
        page = cv2.cvtColor(cv2.cvtColor(page, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    angle = float(own.uniform(0, 2 * np.pi))
    x, y = np.linspace(-0.5, 0.5, w, dtype=np.float32), np.linspace(-0.5, 0.5, h, dtype=np.float32)[:, None]
    light: F32 = 1 - np.float32(scanner.shade) * (0.5 + np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y)
    grain = own.standard_normal((h, w, 1), dtype=np.float32) * np.float32(scanner.noise)
    values = page * light[:, :, None] * np.array(scanner.tint, np.float32) + grain
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
