"""Edits of AugLy, where it is installed, for the profile ``augly``: the challenge was made with them.

AugLy is a package of its own (MIT licence), and no dependency. Version 1.0 works with today's Pillow and NumPy but for
its memes and its perspective, which are left out; the edits of `fingerprint.edits` have both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from PIL import Image

from fingerprint.edits import EditContext, Edited, EditFunction
from fingerprint.edits.canvas import moved, other_photo
from fingerprint.errors import ConfigError
from fingerprint.types import U8

Rng = np.random.Generator

_PREFIX = "augly_"
#: The arguments of each function of ``augly.image``, drawn.
_STRENGTHS: Mapping[str, Callable[[Rng], dict[str, Any]]] = MappingProxyType(
    {
        "blur": lambda rng: {"radius": float(rng.uniform(1, 8))},
        "brightness": lambda rng: {"factor": float(rng.uniform(0.4, 1.9))},
        "change_aspect_ratio": lambda rng: {"ratio": float(rng.uniform(0.5, 2))},
        "color_jitter": lambda rng: {
            f"{what}_factor": float(rng.uniform(0.5, 1.6)) for what in ("brightness", "contrast", "saturation")
        },
        "contrast": lambda rng: {"factor": float(rng.uniform(0.4, 2))},
        "crop": lambda rng: {
            **{f"{axis}1": float(rng.uniform(0, 0.4)) for axis in "xy"},
            **{f"{axis}2": float(rng.uniform(0.6, 1)) for axis in "xy"},
        },
        "encoding_quality": lambda rng: {"quality": int(rng.integers(5, 60))},
        "grayscale": lambda _: {},
        "hflip": lambda _: {},
        "opacity": lambda rng: {"level": float(rng.uniform(0.3, 0.9))},
        "overlay_emoji": lambda rng: {
            "emoji_size": float(rng.uniform(0.15, 0.5)),
            **{f"{axis}_pos": float(rng.uniform(0, 0.7)) for axis in "xy"},
        },
        "overlay_image": lambda rng: {
            "overlay_size": float(rng.uniform(0.2, 0.6)),
            **{f"{axis}_pos": float(rng.uniform(0, 0.6)) for axis in "xy"},
        },
        "overlay_onto_background_image": lambda rng: {
            "overlay_size": float(rng.uniform(0.35, 0.8)),
            **{f"{axis}_pos": float(rng.uniform(0, 0.4)) for axis in "xy"},
        },
        "overlay_onto_screenshot": lambda _: {},
        "overlay_stripes": lambda rng: {
            "line_angle": float(rng.uniform(-90, 90)),
            "line_opacity": float(rng.uniform(0.4, 1)),
        },
        "overlay_text": lambda rng: {
            "text": [int(i) for i in rng.integers(0, 200, int(rng.integers(4, 20)))],
            **{f"{axis}_pos": float(rng.uniform(0, 0.6)) for axis in "xy"},
        },
        "pad": lambda rng: {f"{side}_factor": float(rng.uniform(0, 0.4)) for side in "wh"},
        "pad_square": lambda _: {},
        "pixelization": lambda rng: {"ratio": float(rng.uniform(0.1, 0.6))},
        "random_noise": lambda rng: {"var": float(rng.uniform(0.005, 0.05)), "seed": int(rng.integers(1 << 31))},
        "rotate": lambda rng: {"degrees": float(rng.uniform(-180, 180))},
        "saturation": lambda rng: {"factor": float(rng.uniform(0, 3))},
        "scale": lambda rng: {"factor": float(rng.uniform(0.15, 0.7))},
        "sharpen": lambda rng: {"factor": float(rng.uniform(2, 12))},
        "shuffle_pixels": lambda rng: {"factor": float(rng.uniform(0.05, 0.3)), "seed": int(rng.integers(1 << 31))},
        "skew": lambda rng: {"skew_factor": float(rng.uniform(-0.5, 0.5))},
        "vflip": lambda _: {},
    }
)
#: What the other photograph of an edit is called.
_OTHERS: Mapping[str, str] = MappingProxyType(
    {"overlay_image": "overlay", "overlay_onto_background_image": "background_image"}
)


def check_augly() -> Any:
    """Return AugLy's functions on images.

    Raises
    ------
    ConfigError
        If AugLy is not installed.
    """
    try:
        from augly.image import functional
    except ImportError as error:
        raise ConfigError(f"the profile 'augly' needs AugLy ({error}): pip install augly") from error
    return functional


def _edit(name: str) -> EditFunction:
    def edit(edited: Edited, rng: Rng, context: EditContext) -> Edited:
        arguments = _STRENGTHS[name](rng)
        if name in _OTHERS:
            arguments[_OTHERS[name]] = Image.fromarray(other_photo(context, rng, max(edited.pixels.shape)))
        found = getattr(check_augly(), name)(Image.fromarray(edited.pixels), **arguments)
        pixels: U8 = np.array(found.convert("RGB"), np.uint8)
        sizes = [pixels.shape[axis] / edited.pixels.shape[axis] for axis in (1, 0)]
        return moved(edited, (pixels, np.diag([*sizes, 1.0])))

    return edit


#: The edits by name; each needs AugLy only when it is made.
AUGLY: Mapping[str, EditFunction] = MappingProxyType({f"{_PREFIX}{name}": _edit(name) for name in _STRENGTHS})
