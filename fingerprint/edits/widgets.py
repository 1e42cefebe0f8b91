"""The parts that a drawn screen is made of: panels, avatars, icons, lines of text."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from fingerprint.edits.canvas import Colour, EditContext, other_photo, random_colour, resize
from fingerprint.edits.sprites import font

#: Texts on drawn screens.
TITLES = ("home", "network", "photos", "messages", "explore", "my feed", "gallery", "friends", "moments", "timeline")
NAMES = (
    "Anna B.",
    "Jo Miller",
    "sam_92",
    "Kim Lee",
    "Maria",
    "T. Novak",
    "old friend",
    "Ali K.",
    "photo club",
    "Lucy",
)
LINES = (
    "2 hours ago",
    "just now",
    "What is new?",
    "Like",
    "Reply",
    "Share",
    "128 likes",
    "View all",
    "Stories",
    "Write ...",
)
_ACCENTS = ((24, 119, 242), (225, 48, 108), (29, 161, 142), (255, 69, 0), (120, 80, 200), (20, 40, 60))


class Screen:
    """A screen being drawn: a light or dark ground and the parts that interfaces are made of.

    Parameters
    ----------
    width, height : float
        Size in pixels.
    rng : numpy.random.Generator
        Source of randomness.
    context : EditContext
        Where the photographs in the interface come from.
    """

    def __init__(self, width: float, height: float, rng: np.random.Generator, context: EditContext) -> None:
        self.width, self.height = round(width), round(height)
        self.rng = rng
        self.context = context
        dark = rng.random() < 0.25
        self.ground: Colour = (24, 26, 30) if dark else (255, 255, 255)
        self.panel: Colour = (44, 47, 53) if dark else (240, 242, 245)
        self.faint: Colour = (84, 88, 96) if dark else (206, 210, 216)
        self.ink: Colour = (228, 230, 235) if dark else (32, 36, 42)
        self.accent: Colour = _ACCENTS[int(rng.integers(len(_ACCENTS)))]
        self.image = Image.new("RGB", (self.width, self.height), self.ground)
        self.draw = ImageDraw.Draw(self.image)

    def box(self, x: float, y: float, width: float, height: float, colour: Colour, radius: float = 0) -> None:
        """Draw a filled rectangle, rounded if asked."""
        corners = (x, y, x + max(width, 1), y + max(height, 1))
        self.draw.rounded_rectangle(corners, radius=min(radius, width / 2, height / 2), fill=colour)

    def text(self, x: float, y: float, size: float, choices: tuple[str, ...], colour: Colour | None = None) -> None:
        """Write one of the choices, vertically centred on y."""
        words = choices[int(self.rng.integers(len(choices)))]
        self.draw.text((x, y), words, fill=colour or self.ink, font=font(size), anchor="lm")

    def lines(self, x: float, y: float, width: float, step: float, n_lines: int) -> None:
        """Draw grey bars that stand for lines of text."""
        for i in range(n_lines):
            self.box(x, y + i * step, width * self.rng.uniform(0.4, 1), step * 0.45, self.faint, step)

    def avatar(self, x: float, y: float, radius: float) -> None:
        """Draw the round picture of a person."""
        self.draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=random_colour(self.rng))
        skin = (235, 205, 180) if self.rng.random() < 0.7 else (120, 85, 65)
        head, body = 0.36 * radius, 0.58 * radius
        self.draw.chord((x - body, y + 0.15 * radius, x + body, y + 1.5 * radius), 180, 360, fill=self.accent)
        self.draw.ellipse((x - head, y - 0.55 * radius, x + head, y + 0.2 * radius), fill=skin)

    def icon(self, x: float, y: float, radius: float) -> None:
        """Draw one of a few outlined icons."""
        pen = max(1, round(radius / 5))
        box = (x - radius, y - radius, x + radius, y + radius)
        kind = int(self.rng.integers(5))
        if kind == 0:
            self.draw.ellipse(box, outline=self.ink, width=pen)
        elif kind == 1:
            self.draw.rounded_rectangle(box, radius=radius / 3, outline=self.ink, width=pen)
        elif kind == 2:
            self.draw.polygon(
                [(x - radius, y), (x, y - radius), (x + radius, y), (x, y + radius)], outline=self.ink, width=pen
            )
        elif kind == 3:
            for i in (-1, 0, 1):
                self.draw.line(
                    (x - radius, y + i * radius * 0.6, x + radius, y + i * radius * 0.6), fill=self.ink, width=pen
                )
        else:
            self.draw.line((x - radius, y, x + radius, y), fill=self.ink, width=pen)
            self.draw.line((x, y - radius, x, y + radius), fill=self.ink, width=pen)

    def icons(self, x: float, y: float, width: float, radius: float, n_icons: int) -> None:
        """Draw a row of icons, evenly over the width."""
        for i in range(n_icons):
            self.icon(x + width * (i + 0.5) / n_icons, y, radius)

    def thumbnail(self, x: float, y: float, width: float, height: float) -> None:
        """Draw a small part of another photograph."""
        photo, _ = resize(other_photo(self.context, self.rng, 2 * max(width, height)), round(width), round(height))
        self.image.paste(Image.fromarray(photo), (round(x), round(y)))
