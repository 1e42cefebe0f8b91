"""Medleys: parts of many kinds laid out at random, each either of the template or of the content.

Other families say by their kind what their members share: a form its lines, a meme its caption. Here that is drawn as
well, so that nothing can be learned about particular templates: only that what is fixed agrees, and what is not does
not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import cv2
import numpy as np

from fingerprint.edits.graphics.families import Photos, Rng, family
from fingerprint.edits.graphics.pictures import any_photo, fitted, icon, made_scene, star_points
from fingerprint.edits.graphics.sheet import Sheet
from fingerprint.edits.graphics.styles import Style, extent, mixed, palette, random_style
from fingerprint.edits.graphics.wording import digits, filled, title, word
from fingerprint.types import F32, U8

_N_ICONS = 12


class _Place(NamedTuple):
    """Where a part is drawn, in pixels."""

    x: float
    y: float
    w: float
    h: float

    @property
    def middle(self) -> tuple[float, float]:
        return self.x + self.w / 2, self.y + self.h / 2

    @property
    def radius(self) -> float:
        return 0.5 * min(self.w, self.h)


class _Share(NamedTuple):
    """How much of the parts is content.

    Attributes
    ----------
    changing : (float, float)
        Least and largest share of the parts that are content.
    least : int
        Fewest parts that are content.
    framed : float
        How often the parts have panels behind them.
    """

    changing: tuple[float, float]
    least: int
    framed: float


_ON_GROUND = _Share(changing=(0.1, 0.7), least=2, framed=0.5)  # two, as one may show the same again
_ON_PHOTO = _Share(changing=(0.0, 0.3), least=0, framed=0.2)  # the photograph is content

#: A function of the sheet, the place, the generators of what is fixed and of what it shows, the style, and photographs.
_Part: TypeAlias = Callable[[Sheet, _Place, Rng, Rng, Style, Photos], None]


def _words(sheet: Sheet, at: _Place, fixed: Rng, shown: Rng, style: Style, _photos: Photos) -> None:
    """Draw a word or a number, large."""
    text = digits(shown, int(fixed.integers(1, 6))) if fixed.random() < 0.5 else word(shown)
    size = min(0.7 * at.h, 0.3 * at.w) * fixed.uniform(0.5, 1)
    sheet.text(*at.middle, text, style.head, size, style.accent, "m", fit=0.94 * at.w)


def _lines(sheet: Sheet, at: _Place, fixed: Rng, shown: Rng, style: Style, _photos: Photos) -> None:
    """Draw a paragraph."""
    n = int(fixed.integers(2, 7))
    size = min(at.h / (1.6 * n), 0.12 * at.w)
    for i, line in enumerate(filled(shown, style.body, size, 0.94 * at.w, n, ragged=0.3)):
        sheet.text(at.x + 0.03 * at.w, at.y + (i + 0.5) * at.h / n, line, style.body, size, style.ink)


def _sign(sheet: Sheet, at: _Place, fixed: Rng, shown: Rng, style: Style, _photos: Photos) -> None:
    """Draw an icon."""
    icon(sheet, *at.middle, 0.8 * at.radius * fixed.uniform(0.5, 1), int(shown.integers(_N_ICONS)), style.accent)


def _photo(sheet: Sheet, at: _Place, fixed: Rng, shown: Rng, _style: Style, photos: Photos) -> None:
    """Show a photograph; one that is fixed is a drawn scene, as members are given photographs of their own."""
    w, h = max(8, round(at.w)), max(8, round(at.h))
    picture = made_scene(shown, w, h) if shown is fixed else fitted(any_photo(photos, shown), shown, w, h)
    sheet.paste(picture, at.x, at.y)


def _level(sheet: Sheet, at: _Place, fixed: Rng, shown: Rng, style: Style, _photos: Photos) -> None:
    """Draw a bar that is filled to a share."""
    upright, pen, share = fixed.random() < 0.5, fixed.uniform(0.15, 0.5), float(shown.uniform(0.05, 0.95))
    w, h = (pen * at.w, at.h) if upright else (at.w, pen * at.h)
    x, y, rounding = at.middle[0] - w / 2, at.middle[1] - h / 2, 0.3 * min(w, h) * fixed.integers(2)
    sheet.box(x, y, w, h, style.faint, rounding)
    if upright:
        sheet.box(x, y + h * (1 - share), w, h * share, style.accent, rounding)
    else:
        sheet.box(x, y, w * share, h, style.accent, rounding)


def _sliders(sheet: Sheet, at: _Place, fixed: Rng, shown: Rng, style: Style, _photos: Photos) -> None:
    """Draw sliders, one below the other."""
    n = int(fixed.integers(1, 5))
    r = min(0.3 * at.h / n, 0.1 * at.w)
    for i in range(n):
        y = at.y + (i + 0.5) * at.h / n
        sheet.line([(at.x, y), (at.x + at.w, y)], style.faint, 0.4 * r)
        sheet.disc(at.x + at.w * float(shown.uniform(0.05, 0.95)), y, r, style.accent)


def _marks(sheet: Sheet, at: _Place, fixed: Rng, shown: Rng, style: Style, _photos: Photos) -> None:
    """Draw a row of discs or stars, some of them filled."""
    n, stars = int(fixed.integers(3, 9)), fixed.random() < 0.5
    r, n_filled = 0.4 * min(at.w / n, at.h), int(shown.integers(0, n + 1))
    for i in range(n):
        x, y = at.x + (i + 0.5) * at.w / n, at.middle[1]
        colour = style.accent if i < n_filled else style.faint
        if stars:
            sheet.polygon(star_points(x, y, r, 5, 0.45, -np.pi / 2), colour)
        else:
            sheet.disc(x, y, r, colour)


def _hands(sheet: Sheet, at: _Place, fixed: Rng, shown: Rng, style: Style, _photos: Photos) -> None:
    """Draw a clock."""
    (x, y), r = at.middle, 0.95 * at.radius
    sheet.disc(x, y, r, style.panel)
    sheet.ring(x, y, r, style.ink, fixed.uniform(0.03, 0.12) * r)
    for angle in np.arange(12) * np.pi / 6:
        ends = [(x + reach * r * np.cos(angle), y + reach * r * np.sin(angle)) for reach in (0.78, 0.88)]
        sheet.line(ends, style.ink, 0.04 * r)
    for reach, pen in ((0.5, 0.09), (0.75, 0.05)):
        angle = float(shown.uniform(0, 2 * np.pi))
        sheet.line([(x, y), (x + reach * r * np.cos(angle), y + reach * r * np.sin(angle))], style.accent, pen * r)


def _shapes(sheet: Sheet, at: _Place, fixed: Rng, shown: Rng, _style: Style, _photos: Photos) -> None:
    """Draw triangles, boxes and discs."""
    colours = palette(fixed, 4)
    for _ in range(int(fixed.integers(2, 9))):
        r = at.radius * float(shown.uniform(0.1, 0.5))
        x, y = at.x + r + shown.random() * (at.w - 2 * r), at.y + r + shown.random() * (at.h - 2 * r)
        kind, colour = int(shown.integers(3)), colours[int(shown.integers(4))]
        if kind == 0:
            sheet.disc(x, y, r, colour)
        elif kind == 1:
            sheet.box(x - r, y - 0.6 * r, 2 * r, 1.2 * r, colour)
        else:
            sheet.polygon(star_points(x, y, r, 3, 0.5, float(shown.uniform(0, 2 * np.pi))), colour)


def _curve(sheet: Sheet, at: _Place, fixed: Rng, shown: Rng, style: Style, _photos: Photos) -> None:
    """Draw a curve over lines."""
    for i in range(int(fixed.integers(0, 5))):
        y = at.y + (i + 0.5) * at.h / 5
        sheet.line([(at.x, y), (at.x + at.w, y)], style.faint, 1)
    n = int(fixed.integers(8, 40))
    walk = np.cumsum(shown.normal(0, 1, n))
    walk = (walk - walk.min()) / max(float(np.ptp(walk)), 1e-9)
    points = np.column_stack([at.x + at.w * np.linspace(0, 1, n), at.y + at.h * (0.95 - 0.9 * walk)])
    sheet.line(points, style.second, float(fixed.uniform(1.5, 5)))


def _matrix(sheet: Sheet, at: _Place, fixed: Rng, shown: Rng, style: Style, _photos: Photos) -> None:
    """Draw a matrix of dark and light squares, or of seats that are taken or free."""
    columns, rows, gap = int(fixed.integers(4, 16)), int(fixed.integers(3, 12)), fixed.choice([0.0, 0.2])
    size, taken = min(at.w / columns, at.h / rows), float(fixed.uniform(0.25, 0.6))
    for j in range(rows):
        for i in range(columns):
            colour = style.ink if shown.random() < taken else style.faint
            sheet.box(at.x + i * size, at.y + j * size, (1 - gap) * size, (1 - gap) * size, colour)


def _stripes(sheet: Sheet, at: _Place, fixed: Rng, shown: Rng, style: Style, _photos: Photos) -> None:
    """Draw upright bars of different widths, or of different heights."""
    n, alike = int(fixed.integers(6, 30)), fixed.random() < 0.5
    lengths = shown.uniform(0.1, 1, n) if alike else np.ones(n)
    widths = np.ones(n) if alike else shown.integers(1, 5, n).astype(float)
    edges = at.x + at.w * np.concatenate([[0], np.cumsum(widths)]) / widths.sum()
    for i in range(n):
        if alike or i % 2:
            height = at.h * float(lengths[i])
            sheet.box(edges[i] + 1, at.y + at.h - height, max(1.0, edges[i + 1] - edges[i] - 2), height, style.ink)


_PARTS: tuple[_Part, ...] = (
    *(_words, _words, _lines, _lines, _sign, _photo, _level, _sliders, _marks, _hands, _shapes, _curve),
    *(_matrix, _stripes),
)


def _drawn(
    sheet: Sheet, places: list[_Place], shared: Rng, own: Rng, style: Style, photos: Photos, share: _Share = _ON_GROUND
) -> None:
    """Draw a part at each place; which ones, and whether they are content, belongs to the template."""
    changing = shared.uniform(*share.changing)
    kinds = shared.integers(len(_PARTS), size=int(shared.integers(2, 6)))
    changes = shared.random(len(places)) < changing
    changes[shared.permutation(len(places))[: share.least]] = True
    framed, label = shared.random() < share.framed, shared.random() < 0.5
    for place, is_content in zip(places, changes, strict=True):
        part, seed = _PARTS[int(shared.choice(kinds))], int(shared.integers(1 << 31))
        fixed, name = np.random.default_rng(seed), title(shared, 1, 2)
        if framed:
            sheet.box(*place, style.panel, 0.05 * place.radius)
        inner = _Place(place.x + 0.08 * place.w, place.y + 0.08 * place.h, 0.84 * place.w, 0.84 * place.h)
        if label:
            size = min(0.14 * inner.h, 0.1 * inner.w)
            sheet.text(inner.x, inner.y + 0.5 * size, name, style.body, size, style.ink, fit=inner.w)
            inner = inner._replace(y=inner.y + 1.5 * size, h=inner.h - 1.5 * size)
        part(sheet, inner, fixed, own if is_content else fixed, style, photos)


def _grid(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw parts in rows of different heights, each with columns of its own."""
    w, h = extent(shared, (0.6, 2.2), (450, 1200))
    style, n_rows = random_style(shared, 0.4), int(shared.integers(1, 6))
    edges = np.concatenate([[0], np.cumsum(shared.uniform(0.4, 1, n_rows))])
    edges *= h / edges[-1]
    places = []
    for j in range(n_rows):
        columns = int(shared.integers(1, 6))
        places += [
            _Place(i * w / columns + 3, edges[j] + 3, w / columns - 6, edges[j + 1] - edges[j] - 6)
            for i in range(columns)
        ]
    sheet = Sheet(w, h, style.ground)
    _drawn(sheet, places, shared, own, style, photos)
    return sheet.pixels


def _free(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw parts anywhere, also over each other, on a ground that is plain, shaded or a scene."""
    w, h = extent(shared, (0.6, 1.8), (450, 1200))
    style, ground = random_style(shared, 0.4), shared.random()
    sheet = Sheet(w, h, style.ground)
    if ground < 0.25:
        sheet.fade(0, 0, w, h, style.ground, mixed(style.ground, style.accent, 0.4))
    elif ground < 0.4:
        sheet.paste(made_scene(shared, w, h), 0, 0)
    places = []
    for _ in range(int(shared.integers(2, 10))):
        width, height = shared.uniform(0.15, 0.6) * w, shared.uniform(0.1, 0.4) * h
        places.append(_Place(shared.uniform(0, w - width), shared.uniform(0, h - height), width, height))
    _drawn(sheet, places, shared, own, style, photos)
    return sheet.pixels


def _over_photo(shared: Rng, own: Rng, photos: Photos) -> U8:
    """Draw parts over a photograph that a template darkens, brightens, tints or softens so that they stand out."""
    w, h = extent(shared, (0.6, 1.9), (450, 1100))
    style = random_style(shared, 0.65)
    strength, soft, grey = shared.uniform(0, 0.8), shared.random() < 0.25, shared.random() < 0.25
    veil, towards = shared.random(), shared.uniform(-1, 1, 2)
    photo: F32 = fitted(any_photo(photos, own), own, w, h).astype(np.float32)
    if soft:
        sigma = float(shared.uniform(0.002, 0.012)) * max(w, h)
        photo = np.asarray(cv2.GaussianBlur(photo, (0, 0), sigma), np.float32)
    if grey:
        photo = np.repeat(photo.mean(axis=2, keepdims=True, dtype=np.float32), 3, axis=2)
    y, x = np.linspace(-1, 1, h, dtype=np.float32)[:, None], np.linspace(-1, 1, w, dtype=np.float32)
    shade = np.clip(0.5 + 0.7 * (towards[0] * x + towards[1] * y), 0, 1) if veil < 0.3 else np.ones((h, w), np.float32)
    weight = np.float32(strength) * shade[..., None]
    colour = np.array(style.accent if veil > 0.8 else style.ground, np.float32)
    sheet = Sheet(w, h, style.ground)
    sheet.paste(np.rint(photo + weight * (colour - photo)).astype(np.uint8), 0, 0)
    places, across = [], shared.random() < 0.5
    n = int(shared.integers(1, 7))
    for i in range(n):
        if across:  # one below the other, over most of the width
            width, height, top = shared.uniform(0.5, 0.92) * w, shared.uniform(0.6, 0.95) * h / n, i * h / n
            places.append(_Place((w - width) * shared.choice([0.1, 0.5, 0.9]), top, width, height))
        else:
            width, height = shared.uniform(0.2, 0.7) * w, shared.uniform(0.1, 0.5) * h
            places.append(_Place(shared.uniform(0, w - width), shared.uniform(0, h - height), width, height))
    _drawn(sheet, places, shared, own, style, photos, _ON_PHOTO)
    return sheet.pixels


MEDLEYS = family("medleys", (_grid,))
PINBOARDS = family("pinboards", (_free,))
OVERLAYS = family("overlays", (_over_photo,))
