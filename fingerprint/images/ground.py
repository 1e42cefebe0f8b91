"""The ground that a transparent picture is laid over: the one on which its content shows.

It is white, as in most programs and in most copies without transparency, unless the content would hardly show on white.
Then it is black. The measure is the mean luma of the pixels, each weighted by its alpha: a picture whose mean lies
above `WHITISH` is at least four times as near to white as to black.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

WHITISH = 204


def over_ground(image: Image.Image) -> Image.Image:
    """Return an image with transparency laid over white or black, without it.

    Parameters
    ----------
    image : PIL.Image.Image
        Loaded, with an alpha channel, a palette with alpha or a transparent colour.

    Returns
    -------
    PIL.Image.Image
        Of mode RGB.
    """
    colours = image.convert("RGBA")
    laid = Image.new("RGB", image.size, "black" if _is_whitish(colours) else "white")
    laid.paste(colours, mask=colours)
    return laid


def _is_whitish(colours: Image.Image) -> bool:
    alpha = np.asarray(colours.getchannel("A"))
    luma = np.asarray(colours.convert("RGB").convert("L"))
    weight = int(alpha.sum(dtype=np.int64))
    return int(np.multiply(luma, alpha, dtype=np.uint32).sum(dtype=np.int64)) > WHITISH * weight
