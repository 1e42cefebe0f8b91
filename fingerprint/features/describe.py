"""One picture -> everything the engine needs of it, as a reference or as a query."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fingerprint.config import DEFAULT_CONFIG, Config, FeatureConfig
from fingerprint.errors import ConfigError, ImageError
from fingerprint.features.colour_grid import QUERY_SIDE, REFERENCE_SIDE, enlarge_colour_grid, make_colour_grid
from fingerprint.features.descriptor import (
    Cues,
    compute_cues,
    compute_descriptor,
    compute_vlad,
    embed,
    join_views,
    rounded_descriptor,
)
from fingerprint.features.global_cues import make_cue_thumbnail
from fingerprint.features.insets import find_insets
from fingerprint.features.inverted_file import measure_cohort_score
from fingerprint.features.local_features import extract_features, merge_features, thin_features
from fingerprint.features.packed_frames import rounded_frames
from fingerprint.features.relief import undo_relief
from fingerprint.features.signatures import make_keypoints, make_variants, unsigned_keypoints
from fingerprint.features.thumbnail import is_flat, make_pyramid, make_thumbnail, open_thumbnail
from fingerprint.features.vocabulary import assign_words
from fingerprint.hashes import compute_hashes, compute_mirrored_hashes
from fingerprint.images.decode import luma_of, read_planes
from fingerprint.images.identity import load_identified, pixel_digest
from fingerprint.models import Models, load_models
from fingerprint.types import (
    F32,
    I8,
    U8,
    U64,
    Fingerprint,
    Identity,
    ImageSource,
    Keypoints,
    LocalFeatures,
    Picture,
    Query,
    source_name,
)

_WHOLE_WEIGHT = 0.4  # of the whole picture; the weight of an inset is its probability
_LEAST_INSET, _MOST_INSETS = 0.05, 4  # least probability, and number, of the insets that a descriptor is made of
_OTHER_SIDES = (2**0.5, 2**-0.5)  # times the reference's; a whole query is described at these too, for crops and scale


@dataclass(frozen=True, slots=True)
class ReadPicture:
    """A picture that was read, to be described.

    Attributes
    ----------
    planes : Picture
        In luma and chroma, uint8 (h, w, 3).
    identity : Identity, optional
        Of the file; None for a part of a picture, or for one in another shape.
    """

    planes: Picture
    identity: Identity | None = None


def describe_reference(
    source: ImageSource, models: Models | None = None, config: Config = DEFAULT_CONFIG
) -> Fingerprint:
    """Describe a picture as a reference: what a collection would give back of it, rounded as it rounds.

    Parameters
    ----------
    source : path, bytes of an image file, binary file, uint8 array (h, w) or (h, w, 3) RGB, or Pillow image
    models : Models, optional
        Those that ship with the package by default.
    config : Config, optional

    Raises
    ------
    ImageError
        If the picture cannot be read.
    """
    return describe_read_reference(read_picture(source, config), models or load_models(), config)


def describe_read_reference(read: ReadPicture, models: Models, config: Config) -> Fingerprint:
    """Describe a picture that was read as a reference."""
    planes, picture = read.planes, luma_of(read.planes)
    parts = extract_features(picture, config.reference)
    keypoints = make_keypoints(merge_features(parts), picture.width, picture.height, models.descriptor)
    cue_thumbnail = make_cue_thumbnail(planes.pixels)
    descriptor = compute_descriptor(parts[0], cue_thumbnail, models.descriptor)
    return Fingerprint(
        hashes=compute_hashes(picture.pixels),
        keypoints=replace(keypoints, frame=rounded_frames(keypoints.frame)),
        descriptor=rounded_descriptor(descriptor),
        thumbnail=make_thumbnail(picture.pixels),
        colours=make_colour_grid(cue_thumbnail, REFERENCE_SIDE),
        model_id=models.model_id,
        identity=read.identity,
    )


def read_picture(source: ImageSource, config: Config = DEFAULT_CONFIG) -> ReadPicture:
    """Read a picture, with its identity; parameters and errors as in `describe_reference`."""
    data, content, _ = load_identified(source, config.limits)
    name = source_name(source)
    try:
        planes = read_planes(data, at_least=config.decode_side, limits=config.limits)
    except ImageError as error:
        raise ImageError(name, error.reason) from error
    return ReadPicture(replace(planes, name=name), Identity(content, pixel_digest(planes)))


def describe_query(source: ImageSource, models: Models | None = None, config: Config = DEFAULT_CONFIG) -> Query:
    """Describe a picture as a query, for a first look at it; parameters and errors as in `describe_reference`."""
    return describe_read_query(read_picture(source, config), config.query, models or load_models(), config)


def describe_read_query(read: ReadPicture, features: FeatureConfig, models: Models, config: Config) -> Query:
    """Describe a picture that was read as a query, with keypoints as `features` says."""
    picture = luma_of(read.planes)
    parts = extract_features(picture, features)
    keypoints = unsigned_keypoints(merge_features(_without_repeats(parts)), picture.width, picture.height)
    thumbnail = make_cue_thumbnail(read.planes.pixels)
    return _make_query(
        picture.name,
        compute_mirrored_hashes(picture.pixels),
        keypoints,
        make_pyramid(picture.pixels),
        make_colour_grid(thumbnail, QUERY_SIDE),
        compute_descriptor(_as_reference(parts[0], config.reference), thumbnail, models.descriptor),
        models,
        config,
        read.identity,
    )


def _make_query(
    name: str,
    hashes: U64,
    keypoints: Keypoints,
    pixels: tuple[U8, ...],
    colours: I8,
    descriptor: F32,
    models: Models,
    config: Config,
    identity: Identity | None,
) -> Query:
    """Complete a query: the variants of its keypoints, their word assignments, and the cohort score."""
    variants = make_variants(keypoints, models.descriptor)
    assignments = assign_words(variants, models.vocabulary, config.match)
    return Query(
        name=name,
        hashes=np.concatenate([hashes, ~hashes]),  # a negative reverses every comparison of grey values
        variants=variants,
        assignments=assignments,
        cohort_score=measure_cohort_score(assignments, models, config.match),
        pixels=pixels,
        colours=colours,
        flat=is_flat(pixels[0]),
        descriptor=descriptor,
        model_id=models.model_id,
        identity=identity,
    )


def compact_descriptor(
    source: ImageSource, models: Models | None = None, config: Config = DEFAULT_CONFIG, *, as_query: bool
) -> F32:
    """Return the compact descriptor alone.

    Parameters
    ----------
    source, models, config
        As in `describe_reference`.
    as_query : bool
        Whether to describe a query: the vector then includes its insets and is stretched (see
        `fingerprint.features.descriptor.join_views`). Otherwise a reference is described.

    Returns
    -------
    float32 array, shape (d,), d <= 256
        Of a reference, as in `describe_reference` but not rounded, of unit length. Of a query, stretched to a length of
        about 0.5 to 1.

    Raises
    ------
    ImageError
        If the picture cannot be read.
    """
    models = models or load_models()
    planes = read_planes(source, at_least=config.decode_side, limits=config.limits)
    if as_query:
        return _describe_views(planes, models, config)
    features = extract_features(luma_of(planes), config.reference)[0]
    return compute_descriptor(features, make_cue_thumbnail(planes.pixels), models.descriptor)


def _describe_views(planes: Picture, models: Models, config: Config) -> F32:
    """Return the compact descriptor of a query from its views: the whole, and insets weighted by their probability."""
    model, side = models.descriptor, config.reference.sides[0]
    planes = undo_relief(planes) or planes
    luma = luma_of(planes)
    # the finest keypoints weigh little in VLAD, and take half of the time: only the whole at its own side has them
    coarse = replace(config.reference, sides=(side,), n_keypoints=config.reference.n_keypoints[:1], doubled=(False,))
    others = [
        compute_vlad(extract_features(luma, replace(coarse, sides=(round(side * f),)))[0], model) for f in _OTHER_SIDES
    ]
    views = [(_WHOLE_WEIGHT, embed(_cues(planes, models, config.reference), model, others))]
    likely = [inset for inset in find_insets(luma.pixels, models.insets) if inset.probability >= _LEAST_INSET]
    for inset in sorted(likely, key=lambda inset: -inset.probability)[:_MOST_INSETS]:
        pixels = inset.cut(planes.pixels)
        region = Picture(pixels, pixels.shape[1], pixels.shape[0], planes.name)
        views.append((inset.probability, embed(_cues(region, models, coarse), model)))
    return join_views(views, model, stretched=True)


def _cues(planes: Picture, models: Models, profile: FeatureConfig) -> Cues:
    features = extract_features(luma_of(planes), profile)[0]
    return compute_cues(features, make_cue_thumbnail(planes.pixels), models.descriptor)


def _as_reference(features: LocalFeatures, profile: FeatureConfig) -> LocalFeatures:
    """Approximate the features of a picture as a reference, for the compact descriptor, without a second extraction.

    This works because the finest octave of a doubled picture is that of the picture itself at twice the side.
    """
    return thin_features(features, profile.n_keypoints[0], profile.octave_share)


def _without_repeats(parts: tuple[LocalFeatures, ...]) -> list[LocalFeatures]:
    """Keep one description of each size: a small picture is not reduced, so several sides may give the same size."""
    seen: dict[tuple[int, int], LocalFeatures] = {}
    for part in parts:
        kept = seen.get((part.width, part.height))
        if kept is None or len(part) > len(kept):
            seen[part.width, part.height] = part
    return list(seen.values())


def has_local_descriptors(fingerprint: Fingerprint) -> bool:
    """Return whether a fingerprint has its local descriptors, which a query needs."""
    return len(fingerprint.keypoints) == len(fingerprint.keypoints.descriptors)


def query_from_fingerprint(
    name: str, fingerprint: Fingerprint, models: Models, config: Config = DEFAULT_CONFIG
) -> Query:
    """Return a query made from a fingerprint, without the picture's pixels.

    The hashes of the mirror image cannot be computed without pixels; those of the picture itself replace them.

    Raises
    ------
    ConfigError
        If the collection did not keep local descriptors.
    CollectionCorruptError
        If its thumbnail is damaged.
    """
    if not has_local_descriptors(fingerprint):
        raise ConfigError(
            f"{name}: its collection was made without local descriptors (keep_local_descriptors), which a query needs; "
            "give the image file instead"
        )
    return _make_query(
        name,
        np.stack([fingerprint.hashes, fingerprint.hashes]),
        fingerprint.keypoints,
        make_pyramid(open_thumbnail(fingerprint.thumbnail)),
        enlarge_colour_grid(fingerprint.colours),
        fingerprint.descriptor,
        models,
        config,
        fingerprint.identity,
    )
