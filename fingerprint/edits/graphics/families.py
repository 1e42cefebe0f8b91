"""What a family of graphics is: layouts, each of which draws any number of templates with any number of members."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

import numpy as np

from fingerprint.types import U8

#: Which models see a layout: those that are trained on it, or those that are judged with it.
Split: TypeAlias = Literal["training", "judging"]
SPLITS: tuple[Split, ...] = get_args(Split)
#: A generator of chance.
Rng: TypeAlias = np.random.Generator
#: Photographs that a drawing may show: uint8 arrays, shape (h, w, 3).
Photos: TypeAlias = Sequence[U8]
#: A function of the generators of the template and of the content, and of photographs; it returns RGB pixels.
Draw: TypeAlias = Callable[[Rng, Rng, Photos], U8]


@dataclass(frozen=True, slots=True)
class Layout:
    """One way to lay a graphic out.

    Attributes
    ----------
    name : str
        Unique within all families: family and function.
    split : str
        ``"training"`` or ``"judging"``. A layout belongs to one of them, so no judge shows what a model was trained on.
    draw : callable
        ``draw(template_rng, content_rng, photos)`` returns a uint8 array of shape (h, w, 3). What it draws from
        `template_rng` does not depend on `content_rng`, so members of a template share all of that.
    """

    name: str
    split: Split
    draw: Draw


@dataclass(frozen=True, slots=True)
class GraphicsFamily:
    """Graphics of one kind.

    Attributes
    ----------
    name : str
        Unique.
    layouts : tuple of Layout
        A template uses one of them, drawn at random.
    """

    name: str
    layouts: tuple[Layout, ...]

    def of_split(self, split: Split) -> GraphicsFamily:
        """Return the family with the layouts of one split, perhaps none."""
        return replace(self, layouts=tuple(layout for layout in self.layouts if layout.split == split))


def family(name: str, training: Sequence[Draw] = (), judging: Sequence[Draw] = ()) -> GraphicsFamily:
    """Make a family from the functions that draw its layouts."""
    split_functions: tuple[tuple[Split, Sequence[Draw]], ...] = (("training", training), ("judging", judging))
    layouts = (
        Layout(f"{name}/{function.__name__.strip('_')}", split, function)
        for split, functions in split_functions
        for function in functions
    )
    return GraphicsFamily(name, tuple(layouts))
