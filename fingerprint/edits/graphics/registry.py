"""All families, and members of them by seeds."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from fingerprint.edits.canvas import resize
from fingerprint.edits.graphics import (
    bills,
    broadcasts,
    calendars,
    captions,
    cards,
    certificates,
    characters,
    charts,
    chats,
    codes,
    comics,
    covers,
    devices,
    diagrams,
    forms,
    games,
    keepsakes,
    labels,
    lists,
    logos,
    maps,
    marks,
    medleys,
    music,
    offers,
    pages,
    panels,
    patterns,
    plans,
    posts,
    screens,
    sites,
    situations,
    slides,
    tables,
    tallies,
    traces,
)
from fingerprint.edits.graphics.families import SPLITS, GraphicsFamily, Layout, Split
from fingerprint.errors import ConfigError
from fingerprint.types import U8

_ALL = (
    captions.MEMES,
    captions.SLOGANS,
    marks.ADVERTISEMENTS,
    marks.WATERMARKS,
    broadcasts.NEWS,
    posts.POSTS,
    chats.CHATS,
    screens.TERMINALS,
    sites.SITES,
    slides.SLIDES,
    forms.FORMS,
    bills.BILLS,
    pages.TEXT_PAGES,
    music.MUSIC,
    certificates.CERTIFICATES,
    calendars.CALENDARS,
    tables.TABLES,
    charts.CHARTS,
    maps.MAPS,
    codes.CODES,
    logos.LOGOS,
    cards.CARDS,
    characters.DRAWN_FACES,
    patterns.PATTERNS,
    covers.COVERS,
    plans.PLANS,
    plans.BOARDS,
    plans.BADGES,
    plans.STAMPS,
    panels.PANELS,
    labels.LABELS,
    medleys.MEDLEYS,
    medleys.PINBOARDS,
    medleys.OVERLAYS,
    comics.COMICS,
    diagrams.DIAGRAMS,
    diagrams.DRAWINGS,
    devices.DEVICES,
    devices.SYMBOLS,
    offers.OFFERS,
    offers.TICKETS,
    games.GAMES,
    games.SPRITES,
    traces.TRACES,
    keepsakes.KEEPSAKES,
    keepsakes.POSTERS,
    keepsakes.NOTES,
    lists.LISTS,
    lists.TIMETABLES,
    tallies.ANSWERS,
    tallies.SEATS,
    tallies.CHORDS,
    tallies.BINGO,
    situations.REGIONS,
    situations.PLANTS,
    situations.ROOMS,
    situations.LEAGUES,
)

#: Every family by its name, with all its layouts.
FAMILIES: Mapping[str, GraphicsFamily] = MappingProxyType({family.name: family for family in _ALL})


def families_of(split: Split) -> Mapping[str, GraphicsFamily]:
    """Return the families that have layouts of a split, with these layouts only.

    Parameters
    ----------
    split : str
        ``"training"`` or ``"judging"``.

    Returns
    -------
    mapping of str to GraphicsFamily
        By name. Some families are only for judging.

    Raises
    ------
    ConfigError
        If there is no such split.
    """
    if split not in SPLITS:
        raise ConfigError(f"unknown split {split!r}; choose from {', '.join(SPLITS)}")
    parts = (family.of_split(split) for family in _ALL)
    return MappingProxyType({part.name: part for part in parts if part.layouts})


#: Families to train on.
TRAINING_FAMILIES: Mapping[str, GraphicsFamily] = families_of("training")
#: Families to judge with; none of their layouts is in `TRAINING_FAMILIES`.
JUDGING_FAMILIES: Mapping[str, GraphicsFamily] = families_of("judging")
_BY_SPLIT: Mapping[Split, Mapping[str, GraphicsFamily]] = {"training": TRAINING_FAMILIES, "judging": JUDGING_FAMILIES}

_LONGER_SIDE = (300, 1200)  # of a member in pixels
_SHRUNK = 0.25  # how often a member comes in a smaller size than its template has


def draw_member(
    family: str, template_seed: int, content_seed: int, photos: Sequence[U8] = (), split: Split = "training"
) -> U8:
    """Draw a member of a template.

    Two members of one template share layout, colours, faces, marks and fixed words; their photographs, texts and data
    differ. They are not copies of each other as long as they show different photographs: to be sure of that, give each
    member other `photos`.

    Parameters
    ----------
    family : str
        A key of `FAMILIES` that has layouts of the split.
    template_seed : int, >= 0
        The template: one of the family's layouts, with its style and its fixed parts.
    content_seed : int, >= 0
        The content. The same seed in another template gives other content.
    photos : sequence of uint8 array, shape (h, w, 3) or (h, w)
        Photographs to choose from; drawn scenes replace them if there are none.
    split : str
        ``"training"`` or ``"judging"``: which layouts are used.

    Returns
    -------
    uint8 array, shape (h, w, 3) RGB
        Its longer side is 300 to 1,200 pixels.

    Raises
    ------
    ConfigError
        If the family has no layout of the split, or a seed is negative.

    Examples
    --------
    >>> from fingerprint.edits.graphics import draw_member
    >>> first, second = (draw_member("charts", 5, content) for content in (1, 2))
    >>> first.dtype.name, first.shape[2], bool((first[:300, :300] == second[:300, :300]).all())
    ('uint8', 3, False)
    """
    layout, key = _chosen(family, template_seed, split), zlib.crc32(family.encode())
    if content_seed < 0:
        raise ConfigError(f"content_seed {content_seed} must be >= 0")
    shared = np.random.default_rng([key, template_seed, 1])
    own = np.random.default_rng([key, template_seed, 2, content_seed])
    return _sized(layout.draw(shared, own, photos), own)


def layout_of(family: str, template_seed: int, split: Split = "training") -> str:
    """Return the name of the layout that a template uses.

    Parameters
    ----------
    family, template_seed, split
        As in `draw_member`.

    Returns
    -------
    str
        For instance ``"charts/pie"``.

    Raises
    ------
    ConfigError
        If the family has no layout of the split, or the seed is negative.
    """
    return _chosen(family, template_seed, split).name


def _chosen(family: str, template_seed: int, split: Split) -> Layout:
    """Return the layout of a template."""
    found = _BY_SPLIT.get(split, {}).get(family)
    if found is None:
        names = ", ".join(_BY_SPLIT.get(split, ()))
        raise ConfigError(f"no family {family!r} in split {split!r}; splits are {', '.join(SPLITS)}, families {names}")
    if template_seed < 0:
        raise ConfigError(f"template_seed {template_seed} must be >= 0")
    rng = np.random.default_rng([zlib.crc32(family.encode()), template_seed, 0])
    return found.layouts[int(rng.integers(len(found.layouts)))]


def _sized(pixels: U8, own: np.random.Generator) -> U8:
    """Reduce some members, as pictures on the web come in several sizes."""
    factor = own.uniform(0.55, 0.95) if own.random() < _SHRUNK else 1.0
    longer = max(pixels.shape[:2])
    factor = min(max(factor, min(1.0, _LONGER_SIDE[0] / longer)), _LONGER_SIDE[1] / longer)
    if factor >= 1:
        return pixels
    return resize(pixels, max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))[0]
