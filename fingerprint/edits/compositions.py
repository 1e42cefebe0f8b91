"""Edits that leave little of the picture's own area: collages, small insets, small parts."""

from __future__ import annotations

import numpy as np

from fingerprint.edits.canvas import (
    EditContext,
    Edited,
    moved,
    other_photo,
    paste,
    random_colour,
    resize,
    translation,
)

_GRIDS = ((2, 1), (1, 2), (2, 2), (2, 2), (3, 2), (3, 3), (3, 3))  # columns and rows
_LARGEST = 900  # pixels of a collage's longer side


def collage(edited: Edited, rng: np.random.Generator, context: EditContext) -> Edited:
    """Put the picture, as it is, into a grid of 2 x 1 to 3 x 3 photographs, with a border of 0 to 3 %."""
    height, width = edited.pixels.shape[:2]
    columns, rows = _GRIDS[int(rng.integers(len(_GRIDS)))]
    factor = min(1.0, _LARGEST / max(columns * width, rows * height))
    w, h = max(16, round(width * factor)), max(16, round(height * factor))
    gap = round(float(rng.uniform(0, 0.03)) * min(w, h))
    canvas = np.full((rows * (h + gap) + gap, columns * (w + gap) + gap, 3), random_colour(rng), np.uint8)
    own = int(rng.integers(columns * rows))
    step = np.eye(3)
    for number in range(columns * rows):
        x, y = gap + number % columns * (w + gap), gap + number // columns * (h + gap)
        if number == own:
            patch, scaled = resize(edited.pixels, w, h)
            step = translation(x, y) @ scaled
        else:
            patch, _ = resize(other_photo(context, rng, max(w, h)), w, h)
        canvas = paste(canvas, patch, x, y)
    return moved(edited, (canvas, step))


def inset_fifth(edited: Edited, rng: np.random.Generator, context: EditContext) -> Edited:
    """Paste the picture onto another photograph, at 17 to 23 % of that one's longer side."""
    background = other_photo(context, rng, 1000)
    height, width = edited.pixels.shape[:2]
    factor = float(rng.uniform(0.17, 0.23)) * max(background.shape[:2]) / max(height, width)
    patch, step = resize(edited.pixels, max(1, round(width * factor)), max(1, round(height * factor)))
    x = int(rng.integers(max(1, background.shape[1] - patch.shape[1] + 1)))
    y = int(rng.integers(max(1, background.shape[0] - patch.shape[0] + 1)))
    return moved(edited, (paste(background, patch, x, y), translation(x, y) @ step))


def keep_tenth(edited: Edited, rng: np.random.Generator, _context: EditContext) -> Edited:
    """Keep a tenth of the area, 28 to 36 % of each side, from near the middle."""
    height, width = edited.pixels.shape[:2]
    w, h = (max(16, round(side * float(rng.uniform(0.28, 0.36)))) for side in (width, height))
    x, y = (round(float(rng.uniform(0.2, 0.8)) * max(0, full - part)) for full, part in ((width, w), (height, h)))
    return moved(edited, (edited.pixels[y : y + h, x : x + w].copy(), translation(-x, -y)))
