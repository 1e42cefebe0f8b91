"""Profiles of edits for sets: which edits queries get, how often, and how many in a chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from fingerprint.bench.augly_edits import AUGLY
from fingerprint.edits import (
    COUNT_WEIGHTS,
    EDIT_WEIGHTS,
    EDITS,
    HELD_OUT_EDITS,
    WIDE_EDITS,
    EditContext,
    Edited,
    EditFunction,
)
from fingerprint.edits.canvas import as_rgb, bounded
from fingerprint.errors import ConfigError
from fingerprint.types import U8

#: All edits by name.
ALL_EDITS: Mapping[str, EditFunction] = MappingProxyType({**EDITS, **AUGLY})


@dataclass(frozen=True, slots=True)
class Profile:
    """How queries are edited.

    Attributes
    ----------
    name, title : str
    weights : mapping of str to float
        Relative frequency of each edit; an edit is once in a chain.
    own : tuple of str
        If there are any: one of these is in every chain.
    counts : tuple of 5 float
        How often a chain has 1, 2, 3, 4 and 5 edits.
    """

    name: str
    title: str
    weights: Mapping[str, float]
    own: tuple[str, ...]
    counts: tuple[float, ...]


_MILD = (
    *("jpeg", "scale", "color_jitter", "grayscale", "sharpen", "noise", "hflip", "pad", "pad_square"),
    *("overlay_text", "overlay_emoji", "meme", "aspect"),
)
_LITTLE_LEFT = (
    *("inset_fifth", "keep_tenth", "cut_out", "collage", "screen_photo", "print_scan", "low_light", "blown_up"),
    *("painted", "duotone", "emboss", "liquify", "glitch", "mirrored_halves", "paragraphs"),
)
_COMMON = {name: 0.3 for name, weight in EDIT_WEIGHTS.items() if weight}

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            Profile(
                "mild",
                "what sharing does to a picture: one or two light edits",
                dict.fromkeys(_MILD, 1.0),
                (),
                (0.6, 0.4, 0.0, 0.0, 0.0),
            ),
            Profile(
                "challenge",
                "one to five edits of the kinds of the Image Similarity Challenge",
                {name: weight for name, weight in EDIT_WEIGHTS.items() if weight},
                (),
                COUNT_WEIGHTS,
            ),
            Profile(
                "unseen",
                "at least one edit on which the models of this package are not trained",
                {**_COMMON, **dict.fromkeys(HELD_OUT_EDITS, 1.0)},
                HELD_OUT_EDITS,
                (0.3, 0.4, 0.2, 0.1, 0.0),
            ),
            Profile(
                "wide",
                "at least one edit of phones, printers, scissors and filter apps",
                {**_COMMON, **dict.fromkeys(WIDE_EDITS, 1.0)},
                tuple(WIDE_EDITS),
                (0.3, 0.4, 0.2, 0.1, 0.0),
            ),
            Profile(
                "hard",
                "at least one edit that leaves little: a fifth, a tenth, a photograph of a screen",
                {**_COMMON, **dict.fromkeys(_LITTLE_LEFT, 1.0)},
                _LITTLE_LEFT,
                (0.5, 0.35, 0.15, 0.0, 0.0),
            ),
            Profile(
                "augly",
                "one to five edits of AugLy, which must be installed",
                dict.fromkeys(AUGLY, 1.0),
                (),
                COUNT_WEIGHTS,
            ),
        )
    }
)


def draw_chain(profile: Profile, rng: np.random.Generator, n_edits: tuple[int, int] = (1, 5)) -> tuple[str, ...]:
    """Draw the names of a chain.

    Parameters
    ----------
    profile : Profile
    rng : numpy.random.Generator
    n_edits : tuple of int
        Fewest and most edits, 1 to 5.

    Raises
    ------
    ConfigError
        If `n_edits` is not within 1 to 5, or the profile has no chain of these lengths.
    """
    low, high = n_edits
    if not 1 <= low <= high <= len(profile.counts):
        raise ConfigError(f"chains of {low} to {high} edits: give fewest and most within 1 to {len(profile.counts)}")
    counts = np.array(profile.counts[low - 1 : high])
    if not counts.sum():
        counts = np.ones_like(counts)  # the profile would not, but the caller asks for it
    n = int(rng.choice(np.arange(low, high + 1), p=counts / counts.sum()))
    chosen = [str(rng.choice(profile.own))] if profile.own else []
    others = {name: weight for name, weight in profile.weights.items() if name not in chosen}
    weights = np.array(list(others.values()))
    n_others = n - len(chosen)
    chosen += [str(name) for name in rng.choice(list(others), size=n_others, replace=False, p=weights / weights.sum())]
    return tuple(chosen[position] for position in rng.permutation(n))


def apply_chain(source: U8, names: Sequence[str], rng: np.random.Generator, others: Sequence[U8]) -> Edited:
    """Make an edited copy by a chain of any of `ALL_EDITS`; see `fingerprint.edits.apply_edits`."""
    pixels = as_rgb(source)
    context = EditContext(pixels.shape[1], pixels.shape[0], tuple(others))
    edited = bounded(Edited(pixels, np.eye(3)))
    for name in names:
        edited = bounded(ALL_EDITS[name](edited, rng, context))
    return edited
