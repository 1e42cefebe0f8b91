"""Colours, faces and sizes that the members of a template share."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np

from fingerprint.edits.canvas import Colour
from fingerprint.edits.graphics.faces import Face, random_face
from fingerprint.edits.graphics.families import Rng

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Style:
    """Colours and faces that go together.

    Attributes
    ----------
    ground, panel, faint, ink : tuple of int
        RGB of the ground, of areas and of lines on it, and of text; light or dark.
    accent, second : tuple of int
        RGB of what stands out.
    head, body : Face
        Faces of titles and of text.
    """

    ground: Colour
    panel: Colour
    faint: Colour
    ink: Colour
    accent: Colour
    second: Colour
    head: Face
    body: Face


def random_style(rng: Rng, dark: float = 0.25, kinds: str = "sans sans pen pen serif serif") -> Style:
    """Draw a style.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    dark : float
        Chance of light text on a dark ground.
    kinds : str
        Faces to choose from, as in `fingerprint.edits.graphics.faces.random_face`.

    Returns
    -------
    Style
    """
    hue, tint = rng.random(), rng.uniform(0, 0.12) if rng.random() < 0.6 else 0.0
    is_dark = rng.random() < dark
    levels = (
        (rng.uniform(0.05, 0.2), 0.09, 0.22, rng.uniform(0.82, 1))
        if is_dark
        else (*(rng.uniform(0.94, 1), -0.05, -0.16, rng.uniform(0.02, 0.25)),)
    )
    ground, panel, faint, ink = levels[0], levels[0] + levels[1], levels[0] + levels[2], levels[3]
    saturation = tint * (3 if is_dark else 0.7)
    accent_hue = rng.random()
    return Style(
        hsv(hue, saturation, ground),
        hsv(hue, saturation, panel),
        hsv(hue, saturation, faint),
        hsv(hue, tint, ink),
        hsv(accent_hue, rng.uniform(0.55, 0.95), rng.uniform(0.55, 0.95)),
        hsv(accent_hue + rng.uniform(0.25, 0.75), rng.uniform(0.4, 0.9), rng.uniform(0.5, 0.95)),
        random_face(rng, kinds),
        random_face(rng, kinds),
    )


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """Return RGB of a hue (any number, its fraction counts), a saturation and a value (cut to 0..1)."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, min(max(saturation, 0.0), 1.0), min(max(value, 0.0), 1.0))
    return (round(red * 255), round(green * 255), round(blue * 255))


def palette(rng: Rng, count: int) -> list[Colour]:
    """Draw colours of clearly different hues."""
    start, saturation, value = rng.random(), rng.uniform(0.4, 0.9), rng.uniform(0.6, 0.95)
    hues = start + np.arange(count) / count + rng.uniform(-0.25, 0.25, count) / count
    return [hsv(float(hue), saturation * rng.uniform(0.8, 1), value * rng.uniform(0.8, 1)) for hue in hues]


def vivid(rng: Rng) -> Colour:
    """Draw a strong colour."""
    return hsv(rng.random(), rng.uniform(0.5, 1), rng.uniform(0.4, 1))


def ink_on(ground: Colour) -> Colour:
    """Return black or white, the one that is read better."""
    return BLACK if is_light(ground) else WHITE


def is_light(colour: Colour) -> bool:
    """Return whether dark text is read better on a colour."""
    return 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2] > 140


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """Return a colour between two; `share` 0 gives the first, 1 the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return (red, green, blue)


def extent(rng: Rng, shapes: tuple[float, float], longer: tuple[int, int] = (500, 1200)) -> tuple[int, int]:
    """Draw the size of a template.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    shapes : tuple of float
        Least and largest ratio of width to height.
    longer : tuple of int
        Least and largest longer side in pixels.

    Returns
    -------
    tuple of int
        Width and height.
    """
    ratio = float(np.exp(rng.uniform(np.log(shapes[0]), np.log(shapes[1]))))
    side = float(np.exp(rng.uniform(np.log(longer[0]), np.log(longer[1]))))
    return round(side * min(1.0, ratio)), round(side * min(1.0, 1 / ratio))


def side(rng: Rng, low: int = 360, high: int = 900) -> int:
    """Draw the width of a template whose height is that of its photograph, in pixels."""
    return round(float(np.exp(rng.uniform(np.log(low), np.log(high)))))
