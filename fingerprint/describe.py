"""One picture -> everything the engine needs of it, as a reference or as a query."""

from __future__ import annotations

import numpy as np

from fingerprint.config import DEFAULT_CONFIG, Config
from fingerprint.descriptor import compute_descriptor
from fingerprint.features import extract_features, merge_features
from fingerprint.hashes import compute_hashes
from fingerprint.image import read_grey
from fingerprint.keypoints import make_keypoints, mirror_keypoints
from fingerprint.models import Models, load_models
from fingerprint.types import Fingerprint, ImageSource, LocalFeatures, Query


def describe_reference(
    source: ImageSource, models: Models | None = None, config: Config = DEFAULT_CONFIG
) -> Fingerprint:
    """Describe a picture as a collection keeps it.

    Parameters
    ----------
    source : path, bytes of a file, or uint8 array (h, w) or (h, w, 3) RGB
    models : Models, optional
        Those that ship with the package by default.
    config : Config, optional

    Raises
    ------
    ImageError
        If the picture cannot be read.
    """
    models = models or load_models()
    picture = read_grey(source, at_least=config.decode_side)
    parts = extract_features(picture, config.reference)
    return Fingerprint(
        hashes=compute_hashes(picture.pixels),
        keypoints=make_keypoints(merge_features(parts), picture.width, picture.height, models.descriptor),
        descriptor=compute_descriptor(parts[0], models.descriptor),
        model_id=models.model_id,
    )


def describe_query(source: ImageSource, models: Models | None = None, config: Config = DEFAULT_CONFIG) -> Query:
    """Describe a picture as a search needs it; parameters and errors as in `describe_reference`."""
    models = models or load_models()
    picture = read_grey(source, at_least=config.decode_side)
    parts = extract_features(picture, config.query)
    plain = make_keypoints(merge_features(_without_repeats(parts)), picture.width, picture.height, models.descriptor)
    mirrored_pixels = np.ascontiguousarray(picture.pixels[:, ::-1])
    return Query(
        name=picture.name,
        hashes=np.stack([compute_hashes(picture.pixels), compute_hashes(mirrored_pixels)]),
        plain=plain,
        mirrored=mirror_keypoints(plain, models.descriptor),
        descriptor=compute_descriptor(parts[0], models.descriptor),
        model_id=models.model_id,
    )


def _without_repeats(parts: tuple[LocalFeatures, ...]) -> list[LocalFeatures]:
    """Drop the sides at which a small picture was described a second time unreduced."""
    seen: dict[tuple[int, int], LocalFeatures] = {}
    for part in parts:
        kept = seen.get((part.width, part.height))
        if kept is None or len(part) > len(kept):
            seen[part.width, part.height] = part
    return list(seen.values())


def query_from_fingerprint(name: str, fingerprint: Fingerprint, models: Models) -> Query:
    """Return a query made from what a collection keeps of a picture, without its pixels.

    The mirror image's hashes cannot be had from that; those of the picture itself stand in their place.
    """
    return Query(
        name=name,
        hashes=np.stack([fingerprint.hashes, fingerprint.hashes]),
        plain=fingerprint.keypoints,
        mirrored=mirror_keypoints(fingerprint.keypoints, models.descriptor),
        descriptor=fingerprint.descriptor,
        model_id=fingerprint.model_id,
    )
