"""The contact sheet of a set: queries beside their references, to be looked at before anything is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from fingerprint.edits.sprites import font
from fingerprint.images.decode import read_rgb
from fingerprint.types import U8

_CELL, _TEXT, _GAP, _COLUMNS = 150, 32, 8, 3


@dataclass(frozen=True, slots=True)
class Pair:
    """A query and its reference, or one that it looks like.

    Attributes
    ----------
    query, reference : str
        Ids.
    folder : Path
        Of the set.
    look_alike : bool
        Whether the query was made from another shot of the reference's scene, so the two do not match.
    chain : str
    """

    query: str
    reference: str
    folder: Path
    look_alike: bool
    chain: str


def contact_sheet(pairs: Sequence[Pair]) -> U8:
    """Draw pairs, three in a row, each with ids and edits: uint8 array, shape (h, w, 3)."""
    n_rows = max(1, -(-len(pairs) // _COLUMNS))
    width, height = 2 * _CELL + 2 * _GAP, _CELL + _TEXT + _GAP
    canvas = Image.new("RGB", (_COLUMNS * width + _GAP, n_rows * height + _GAP), (250, 250, 250))
    pen = ImageDraw.Draw(canvas)
    for number, pair in enumerate(pairs):
        x, y = _GAP + number % _COLUMNS * width, _GAP + number // _COLUMNS * height
        for place, path in enumerate(
            (pair.folder / "queries" / f"{pair.query}.jpg", pair.folder / "references" / f"{pair.reference}.jpg")
        ):
            picture = Image.fromarray(read_rgb(path).pixels)
            picture.thumbnail((_CELL, _CELL))
            canvas.paste(picture, (x + place * (_CELL + 2), y))
        verdict = "looks like" if pair.look_alike else "from"
        pen.text((x, y + _CELL + 1), f"{pair.query} {verdict} {pair.reference}", (20, 20, 20), font(11))
        pen.text((x, y + _CELL + 15), pair.chain[:52], (90, 90, 90), font(10))
    return np.asarray(canvas, np.uint8)
