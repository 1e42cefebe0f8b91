"""Comparing two pictures: both are described, then verified."""

from __future__ import annotations

from dataclasses import replace

from fingerprint.config import DEFAULT_CONFIG, Config
from fingerprint.features.describe import describe_read_query, describe_reference, read_picture
from fingerprint.features.views import Likeliest, closer_views
from fingerprint.models import Models, load_models
from fingerprint.results import Verification
from fingerprint.types import ImageSource
from fingerprint.verify.verification import Examined, examine, examine_view, surer


def compare(
    query: ImageSource, reference: ImageSource, *, models: Models | None = None, config: Config = DEFAULT_CONFIG
) -> Verification:
    """Return whether `query` was made from `reference`, how sure that is, and which part is seen where.

    Parameters
    ----------
    query, reference : path, bytes of an image file, binary file, uint8 array (h, w) or (h, w, 3) RGB, or Pillow image
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
    return examine_sources(query, reference, models or load_models(), config).verification


def examine_sources(query: ImageSource, reference: ImageSource, models: Models, config: Config) -> Examined:
    """Compare two pictures as `compare` does, and return the verdict with what it comes from."""
    read = read_picture(query, config)
    against = describe_reference(reference, models, config)
    whole = describe_read_query(read, config.query, models, config)
    found = [examine(whole, against, models, config.match)]  # the surest so far is the last
    for view in closer_views(read, models, config, lambda: Likeliest.of([found[-1].verification])):
        seen = examine_view(view, whole, against, models, config.match)
        verdict = surer(found[-1].verification, seen.verification)
        if verdict is not found[-1].verification:
            found.append(replace(seen, verification=verdict))
    return found[-1]
