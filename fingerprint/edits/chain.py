"""The registry of edits, and chains of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from fingerprint.edits import (
    bends,
    captures,
    compositions,
    covers,
    filters,
    geometry,
    overlays,
    photometric,
    pieces,
    screens,
)
from fingerprint.edits.canvas import EditContext, Edited, Step, as_rgb, bounded, moved
from fingerprint.errors import ConfigError
from fingerprint.types import U8

EditFunction: TypeAlias = Callable[[Edited, np.random.Generator, EditContext], Edited]

_STAYING: tuple[Callable[[U8, np.random.Generator], U8], ...] = (
    photometric.grayscale,
    photometric.color_jitter,
    photometric.blur,
    photometric.pixelization,
    photometric.noise,
    photometric.shuffle_pixels,
    photometric.edge_filter,
    photometric.sharpen,
    photometric.opacity,
    photometric.jpeg,
    photometric.negative,
    photometric.posterize,
    photometric.halftone,
    overlays.overlay_text,
    overlays.overlay_emoji,
    overlays.overlay_stripes,
)
_MOVING: tuple[Callable[[U8, np.random.Generator], Step], ...] = (
    geometry.hflip,
    geometry.vflip,
    geometry.rotate,
    geometry.aspect,
    geometry.scale,
    geometry.pad,
    geometry.pad_square,
    geometry.perspective,
    geometry.skew,
    overlays.meme,
)
_KNOWING: tuple[EditFunction, ...] = (
    geometry.crop,
    overlays.overlay_onto_background,
    overlays.overlay_image,
    screens.screenshot,
    pieces.paste_piece,
)


def _staying(change: Callable[[U8, np.random.Generator], U8]) -> EditFunction:
    """Make an edit from a function that leaves each pixel where it is."""

    @wraps(change)
    def edit(edited: Edited, rng: np.random.Generator, _context: EditContext) -> Edited:
        return Edited(change(edited.pixels, rng), edited.transform, edited.names)

    return edit


def _moving(change: Callable[[U8, np.random.Generator], Step]) -> EditFunction:
    """Make an edit from a function that moves the pixels."""

    @wraps(change)
    def edit(edited: Edited, rng: np.random.Generator, _context: EditContext) -> Edited:
        return moved(edited, change(edited.pixels, rng))

    return edit


_Changes: TypeAlias = Sequence[Callable[[U8, np.random.Generator], U8]]


def _named(
    knowing: Sequence[EditFunction], moving: Sequence[Callable[[U8, np.random.Generator], Step]], staying: _Changes
) -> dict[str, EditFunction]:
    return (
        {change.__name__: change for change in knowing}
        | {change.__name__: _moving(change) for change in moving}
        | {change.__name__: _staying(change) for change in staying}
    )


_USUAL = _named(_KNOWING, _MOVING, _STAYING)

#: Edits by phones, printers, scissors and filter apps, by name: `random_chain` makes them only if it is asked to.
WIDE_EDITS: Mapping[str, EditFunction] = MappingProxyType(
    _named(
        (compositions.collage, compositions.inset_fifth, compositions.keep_tenth, pieces.cut_out),
        (captures.screen_photo, captures.thumbnail),
        (
            captures.print_scan,
            captures.low_light,
            captures.blown_up,
            filters.painted,
            filters.solarize,
            filters.duotone,
            filters.equalize,
            filters.vignette,
            filters.emboss,
            bends.wave,
            bends.swirl,
            bends.liquify,
            bends.glitch,
            bends.mirrored_halves,
            covers.scribble,
            covers.paragraphs,
            covers.stickers,
        ),
    )
)

#: A quarter of `WIDE_EDITS`, on which no model is trained: what helps the others must help these too.
HELD_OUT_EDITS: tuple[str, ...] = ("low_light", "solarize", "swirl", "glitch", "mirrored_halves", "scribble")

#: The others of `WIDE_EDITS`.
TRAINED_WIDE_EDITS: tuple[str, ...] = tuple(name for name in WIDE_EDITS if name not in HELD_OUT_EDITS)

#: Every edit by its name; the docstring of each says how strong it is.
EDITS: Mapping[str, EditFunction] = MappingProxyType({**_USUAL, **WIDE_EDITS})

#: Edits that are rare in practice and leave little of the picture's own gradients.
_RARE = frozenset({"edge_filter", "opacity", "negative", "posterize", "halftone"})

#: Edits that `random_chain` does not make by itself: a crop and a background, one after the other, make as much.
_BY_NAME = frozenset({"paste_piece"})

#: Relative frequency of each edit in `random_chain`. Nearly even on purpose: not fitted to any set of queries.
EDIT_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {name: 0.0 if name in _BY_NAME else 0.3 if name in _RARE else 1.0 for name in _USUAL}
)

#: How often `random_chain` makes 1, 2, 3, 4 and 5 edits.
COUNT_WEIGHTS: tuple[float, ...] = (0.1, 0.35, 0.3, 0.15, 0.1)


def apply_edits(source: U8, names: Sequence[str], rng: np.random.Generator, others: Sequence[U8] = ()) -> Edited:
    """Make an edited copy of a picture by a given chain of edits.

    Parameters
    ----------
    source : uint8 array, shape (h, w, 3) RGB or (h, w) grey
        The picture; it is not changed.
    names : sequence of str
        Keys of `EDITS`, in order; they may be repeated. Without any, the picture is only brought within the bounds.
    rng : numpy.random.Generator
        Source of randomness: the same state gives the same bytes.
    others : sequence of uint8 array, shape (h, w, 3) or (h, w)
        Photographs for backgrounds and overlays; a drawn pattern replaces them if there are none.

    Returns
    -------
    Edited
        For any source, its sides are `fingerprint.edits.MIN_SIDE` to `fingerprint.edits.MAX_SIDE` pixels.

    Raises
    ------
    ConfigError
        If a name is not in `EDITS`.
    ImageError
        If `source` is no picture.

    Examples
    --------
    >>> import numpy as np
    >>> from fingerprint.edits import apply_edits
    >>> ramp = np.tile(np.arange(100, dtype=np.uint8)[:, None], (1, 80))
    >>> edited = apply_edits(ramp, ["hflip", "grayscale"], np.random.default_rng(0))
    >>> edited.pixels.shape, edited.transform[0].tolist()
    ((100, 80, 3), [-1.0, 0.0, 79.0])
    """
    unknown = [name for name in names if name not in EDITS]
    if unknown:
        raise ConfigError(f"unknown edits {', '.join(map(repr, unknown))}; choose from {', '.join(EDITS)}")
    pixels = as_rgb(source)
    context = EditContext(pixels.shape[1], pixels.shape[0], tuple(others))
    edited = bounded(Edited(pixels, np.eye(3)))
    for name in names:
        edited = bounded(EDITS[name](edited, rng, context))
    result = edited.pixels.copy() if np.may_share_memory(edited.pixels, source) else edited.pixels
    return Edited(result, edited.transform, tuple(names))


def random_chain(
    source: U8,
    rng: np.random.Generator,
    others: Sequence[U8] = (),
    n_edits: tuple[int, int] = (1, 5),
    one_of: Sequence[str] = (),
) -> Edited:
    """Make an edited copy of a picture by a random chain of different edits.

    Parameters
    ----------
    source : uint8 array, shape (h, w, 3) RGB or (h, w) grey
        The picture; it is not changed.
    rng : numpy.random.Generator
        Source of randomness: the same state gives the same bytes.
    others : sequence of uint8 array, shape (h, w, 3) or (h, w)
        Photographs for backgrounds and overlays; a drawn pattern replaces them if there are none.
    n_edits : tuple of int
        Fewest and most edits, 1 to 5; the number is drawn by `COUNT_WEIGHTS`.
    one_of : sequence of str
        If there are any: one of these keys of `EDITS` is in the chain, at any place.

    Returns
    -------
    Edited
        See `apply_edits`; the edits made are in ``names``.

    Raises
    ------
    ConfigError
        If `n_edits` is not within 1 to 5, or its first number is the larger one.
    ImageError
        If `source` is no picture.

    Examples
    --------
    >>> import numpy as np
    >>> from fingerprint.edits import random_chain
    >>> edited = random_chain(np.zeros((60, 90, 3), np.uint8), np.random.default_rng(7), n_edits=(2, 2))
    >>> len(edited.names)
    2
    """
    low, high = n_edits
    if not 1 <= low <= high <= len(COUNT_WEIGHTS):
        raise ConfigError(f"n_edits is {n_edits}; give fewest and most within 1 to {len(COUNT_WEIGHTS)}")
    counts = np.array(COUNT_WEIGHTS[low - 1 : high])
    n = int(rng.choice(np.arange(low, high + 1), p=counts / counts.sum()))
    own = [str(rng.choice(one_of))] if len(one_of) else []
    weights = np.array([0.0 if name in own else weight for name, weight in EDIT_WEIGHTS.items()])
    names = [
        str(name) for name in rng.choice(list(EDIT_WEIGHTS), n - len(own), replace=False, p=weights / weights.sum())
    ]
    for name in own:
        names.insert(int(rng.integers(len(names) + 1)), name)
    return apply_edits(source, names, rng, others)
