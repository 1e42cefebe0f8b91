"""Comparing two pictures: both are described, then verified."""

from __future__ import annotations

from fingerprint.config import DEFAULT_CONFIG, Config
from fingerprint.features.describe import describe_query, describe_reference
from fingerprint.models import Models, load_models
from fingerprint.types import ImageSource, Verification
from fingerprint.verify.verification import verify


def compare(
    query: ImageSource, reference: ImageSource, *, models: Models | None = None, config: Config = DEFAULT_CONFIG
) -> Verification:
    """Return whether `query` was made from `reference`, how sure that is, and which part is seen where.

    Parameters
    ----------
    query, reference : path, bytes of an image file, or uint8 array (h, w) or (h, w, 3) RGB
    models : Models, optional
        Those that ship with the package by default.
    config : Config, optional

    Raises
    ------
    ImageError
        If one of them cannot be read; the message names it.

    Examples
    --------
    >>> import fingerprint, skimage.data
    >>> cat = skimage.data.chelsea()
    >>> fingerprint.compare(cat[40:260, 200:30:-1], cat).mirrored
    True
    """
    models = models or load_models()
    described = describe_query(query, models, config)
    return verify(described, describe_reference(reference, models, config), models, config.match)
