"""One picture -> everything the engine needs of it, as a reference or as a query."""

from __future__ import annotations

import numpy as np

from fingerprint.config import DEFAULT_CONFIG, Config, FeatureConfig
from fingerprint.descriptor import compute_descriptor
from fingerprint.errors import ConfigError
from fingerprint.features import extract_features, merge_features, thin_features
from fingerprint.hashes import compute_hashes
from fingerprint.image import read_grey
from fingerprint.keypoints import make_keypoints, make_versions
from fingerprint.models import Models, load_models
from fingerprint.pixels import is_flat, make_pyramid, make_thumbnail
from fingerprint.types import F32, U8, U64, Fingerprint, ImageSource, Keypoints, LocalFeatures, Query
from fingerprint.vocabulary import measure_background, visit_words


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
        thumbnail=make_thumbnail(picture.pixels),
        model_id=models.model_id,
    )


def describe_query(source: ImageSource, models: Models | None = None, config: Config = DEFAULT_CONFIG) -> Query:
    """Describe a picture as a search needs it; parameters and errors as in `describe_reference`."""
    models = models or load_models()
    picture = read_grey(source, at_least=config.decode_side)
    parts = extract_features(picture, config.query)
    keypoints = make_keypoints(
        merge_features(_without_repeats(parts)), picture.width, picture.height, models.descriptor
    )
    mirrored_pixels = np.ascontiguousarray(picture.pixels[:, ::-1])
    return _make_query(
        picture.name,
        np.stack([compute_hashes(picture.pixels), compute_hashes(mirrored_pixels)]),
        keypoints,
        make_pyramid(picture.pixels),
        compute_descriptor(_as_reference(parts[0], config.reference), models.descriptor),
        models,
        config,
    )


def _make_query(
    name: str,
    hashes: U64,
    keypoints: Keypoints,
    pixels: tuple[U8, ...],
    descriptor: F32,
    models: Models,
    config: Config,
) -> Query:
    """Complete a query: all versions of its keypoints, what they look up, and how it agrees with just anything."""
    versions = make_versions(keypoints, models.descriptor)
    visits = visit_words(versions, models.vocabulary, config.match)
    return Query(
        name=name,
        hashes=np.concatenate([hashes, ~hashes]),  # in a negative every comparison of grey values turns round
        versions=versions,
        visits=visits,
        background=measure_background(visits, models, config.match),
        pixels=pixels,
        flat=is_flat(make_thumbnail(pixels[0])),
        descriptor=descriptor,
        model_id=models.model_id,
    )


def _as_reference(features: LocalFeatures, profile: FeatureConfig) -> LocalFeatures:
    """Return about the features that a picture has as a reference, for the compact descriptor, without looking again.

    The finest octave of a doubled picture is that of the picture itself at twice the side.
    """
    return thin_features(features, profile.n_keypoints[0], profile.octave_share)


def _without_repeats(parts: tuple[LocalFeatures, ...]) -> list[LocalFeatures]:
    """Drop the sides at which a small picture was described a second time unreduced."""
    seen: dict[tuple[int, int], LocalFeatures] = {}
    for part in parts:
        kept = seen.get((part.width, part.height))
        if kept is None or len(part) > len(kept):
            seen[part.width, part.height] = part
    return list(seen.values())


def query_from_fingerprint(
    name: str, fingerprint: Fingerprint, models: Models, config: Config = DEFAULT_CONFIG
) -> Query:
    """Return a query made from what a collection keeps of a picture, without its pixels.

    The mirror image's hashes cannot be had from that; those of the picture itself stand in their place.

    Raises
    ------
    ConfigError
        If the collection did not keep local descriptors.
    """
    if len(fingerprint.keypoints) > len(fingerprint.keypoints.descriptors):
        raise ConfigError(
            f"{name}: its collection was made without local descriptors (keep_local_descriptors), which a query needs; "
            "give the image file instead"
        )
    return _make_query(
        name,
        np.stack([fingerprint.hashes, fingerprint.hashes]),
        fingerprint.keypoints,
        make_pyramid(fingerprint.thumbnail),
        fingerprint.descriptor,
        models,
        config,
    )
