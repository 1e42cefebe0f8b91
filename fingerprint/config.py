"""Every default, once. The command line reads its defaults from here, and manifests keep a digest of what was used."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from fingerprint.errors import ConfigError

#: Most dimensions of a compact descriptor: the limit of the challenge's Descriptor Track.
MAX_DESCRIPTOR_DIMENSION = 256


def _changes(settings: Any) -> str:
    """Return the settings that are not the defaults, as a ``repr``."""
    default = type(settings)()
    changed = [
        f"{f.name}={getattr(settings, f.name)!r}"
        for f in dataclasses.fields(settings)
        if getattr(settings, f.name) != getattr(default, f.name)
    ]
    return f"{type(settings).__name__}({', '.join(changed)})"


@dataclass(frozen=True, slots=True)
class FeatureConfig:
    """How keypoints are taken from a picture.

    Attributes
    ----------
    sides : tuple of int
        Longer sides, in pixels, at which the picture is described; larger pictures are reduced to it, smaller ones
        enlarged, three times at most. The first is the one that the compact descriptor is made from.
    n_keypoints : tuple of int
        The most keypoints kept at each side.
    doubled : tuple of bool
        Whether keypoints are first looked for in the picture at twice the side, which finds the finest ones.
    octave_share : float, (0, 1]
        The largest part of them that may come from one octave while others have more to offer. Without it the
        strongest responses are nearly all of the finest scale, which blur, pixelation and insets destroy.
    contrast_threshold, edge_threshold : float
        As in SIFT.
    """

    sides: tuple[int, ...]
    n_keypoints: tuple[int, ...]
    doubled: tuple[bool, ...]
    octave_share: float = 0.5
    contrast_threshold: float = 0.01
    edge_threshold: float = 12.0

    def __post_init__(self) -> None:
        if not self.sides or not len(self.sides) == len(self.n_keypoints) == len(self.doubled):
            raise ConfigError(
                f"sides {self.sides}, n_keypoints {self.n_keypoints} and doubled {self.doubled} must be as long as "
                "each other, at least one"
            )
        if min(self.sides) < 16 or min(self.n_keypoints) < 1:
            raise ConfigError(f"sides {self.sides} must be >= 16 and n_keypoints {self.n_keypoints} >= 1")
        if not 0 < self.octave_share <= 1:
            raise ConfigError(f"octave_share {self.octave_share} must lie in (0, 1]")


#: Named ways to describe a query; references are described in the same way for all of them.
QUERY_PROFILES: Mapping[str, FeatureConfig] = MappingProxyType(
    {
        "standard": FeatureConfig((600,), (800,), (False,), contrast_threshold=0.005),
        "thorough": FeatureConfig((300, 900), (300, 1000), (True, False), contrast_threshold=0.005),
    }
)


@dataclass(frozen=True, slots=True)
class MatchConfig:
    """How keypoints of a query and a reference are compared.

    Attributes
    ----------
    n_words : int
        Words that a query keypoint looks up in the inverted file.
    n_words_inverted, n_inverted : int
        The same for the query as a negative, which is rare, and how many of its keypoints are looked up.
    word_bits : int, 0..63
        Largest Hamming distance of two 64-bit signatures within a word that is a hit.
    vote_bits : int
        Largest Hamming distance of two 128-bit signatures that counts when a pair is voted on.
    verify_bits : int
        The same for verification.
    tolerance : float
        Largest distance between where a transform puts a keypoint and where it is, as a part of the longer side.
    log_scale_tolerance, angle_tolerance : float
        Largest differences of a match from its hypothesis: natural logarithm of the scale, degrees.
    cells : int
        The picture is divided into cells x cells; inliers must lie in several.
    """

    n_words: int = 4
    n_words_inverted: int = 2
    n_inverted: int = 300
    word_bits: int = 21
    vote_bits: int = 28
    verify_bits: int = 32
    tolerance: float = 0.05
    log_scale_tolerance: float = 0.6
    angle_tolerance: float = 30.0
    cells: int = 8

    def __repr__(self) -> str:
        """Return the settings that are not the defaults."""
        return _changes(self)

    def __post_init__(self) -> None:
        if min(self.n_words, self.n_words_inverted) < 1 or self.n_inverted < 0:
            raise ConfigError(
                f"n_words {self.n_words} and n_words_inverted {self.n_words_inverted} must be >= 1, n_inverted "
                f"{self.n_inverted} >= 0; n_inverted=0 leaves negatives out"
            )
        bits = (self.vote_bits, self.verify_bits)
        if not 0 <= self.word_bits <= 63 or min(bits) < 0 or max(bits) > 128:
            raise ConfigError(
                f"word_bits {self.word_bits} must lie in 0..63, vote_bits {self.vote_bits} and verify_bits "
                f"{self.verify_bits} in 0..128"
            )


@dataclass(frozen=True, slots=True)
class CandidateConfig:
    """How many candidates each source may name for a query, and how many of them are compared in full.

    Attributes
    ----------
    from_keypoints, from_descriptor, from_hashes : int
        Caps by source; keypoints on the union of them all are voted on by 128-bit signatures.
    n_verified : int
        Candidates with most votes that are compared in full.
    n_always_verified : int
        Of each source, candidates that are compared in full whatever their votes: words see what signatures do not, and
        a descriptor what keypoints do not. Those that hashes name are as well.
    hash_distance : int
        Largest Hamming distance, of 64 bits, at which a hash names a candidate.
    annoy_from : int
        Segments with at least this many references get Annoy's trees when they are written, and are searched by them
        when queries come one by one. Up to there to compare all is as quick as Annoy with a ``search_k`` that finds
        nine and a half of the ten nearest.
    """

    from_keypoints: int = 100
    from_descriptor: int = 10
    from_hashes: int = 5
    n_verified: int = 8
    n_always_verified: int = 3
    hash_distance: int = 12
    annoy_from: int = 1_000_000

    def __repr__(self) -> str:
        """Return the settings that are not the defaults."""
        return _changes(self)


@dataclass(frozen=True, slots=True)
class AnnoyConfig:
    """How Annoy's trees are built; the metric is always Euclidean.

    Attributes
    ----------
    n_trees, seed, n_jobs : int
        As in Annoy. One job and a fixed seed give the same bytes each time.
    search_base, search_share : int, float
        A query inspects ``search_base + search_share * n`` nodes of a segment with n references, Annoy's search_k; more
        is slower and finds more. With the defaults nine and a half of the ten nearest are found, measured up to a
        million references with ``benchmarks/annoy_search.py``.
    """

    n_trees: int = 50
    seed: int = 20210621
    n_jobs: int = 1
    search_base: int = 6_000
    search_share: float = 0.41

    def __repr__(self) -> str:
        """Return the settings that are not the defaults."""
        return _changes(self)


@dataclass(frozen=True, slots=True)
class StorageConfig:
    """How a collection is written; nothing of it changes what a search finds.

    Attributes
    ----------
    keep_local_descriptors : bool
        Whether a new collection keeps what its pictures need to be queries themselves without their files; two thirds
        of its size if so.
    batch : int, >= 1
        Pictures that are held in memory before they are written as a segment: what an interruption may lose.
    merge_factor : int, >= 2
        As soon as so many neighbouring segments are of like size, adding makes one of them.
    merge_below : int
        Segments with at least this many pictures are left alone by adding.
    compact_to : int, >= 1
        The most pictures in a segment that compacting makes.
    """

    keep_local_descriptors: bool = False
    batch: int = 200
    merge_factor: int = 8
    merge_below: int = 100_000
    compact_to: int = 250_000

    def __repr__(self) -> str:
        """Return the settings that are not the defaults."""
        return _changes(self)

    def __post_init__(self) -> None:
        if min(self.batch, self.compact_to) < 1 or self.merge_factor < 2:
            raise ConfigError(
                f"batch {self.batch} and compact_to {self.compact_to} must be >= 1, merge_factor {self.merge_factor} "
                ">= 2"
            )


@dataclass(frozen=True, slots=True)
class Config:
    """All settings of the engine.

    Attributes
    ----------
    reference, query : FeatureConfig
        References are many and described in little detail; queries are few and described in more.
    query_views : bool
        Whether the compact descriptor of a query that is searched is made of several views of it: at three sides, and
        of what may be a picture within the picture. Those of the Descriptor Track always are; a search has other means.
    match : MatchConfig
    candidates : CandidateConfig
    annoy : AnnoyConfig
    decode_side : int
        Pixels of the longer side that scaled decoding must leave; the same for both roles, so that a picture has the
        same hashes in both.
    probability_threshold : float, [0, 1]
        From here on a match is reported as a copy.
    results : int
        References returned for a query, and rows written for one into the challenge's file.
    storage : StorageConfig
    """

    reference: FeatureConfig = field(default_factory=lambda: FeatureConfig((300,), (300,), (True,)))
    query: FeatureConfig = field(default_factory=lambda: QUERY_PROFILES["standard"])
    query_views: bool = False
    match: MatchConfig = field(default_factory=MatchConfig)
    candidates: CandidateConfig = field(default_factory=CandidateConfig)
    annoy: AnnoyConfig = field(default_factory=AnnoyConfig)
    decode_side: int = 512
    probability_threshold: float = 0.5
    results: int = 10
    storage: StorageConfig = field(default_factory=StorageConfig)

    def __repr__(self) -> str:
        """Return the settings that are not the defaults."""
        return _changes(self)


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How models are trained.

    Attributes
    ----------
    seed : int
        Of all chance.
    n_words, local_dimension : int
        Size of the codebook and of reduced local descriptors.
    dimension : int, 1..256
        Of the compact descriptor; fewer if the images are too few to learn so many.
    n_edited_copies : int
        Edited copies of each image that the projections and the detector of insets learn from.
    n_background : int
        Images kept for background normalisation.
    n_local : int
        Local descriptors that codebook and signatures are learned from.
    n_cells : int
        Coarse cells of the vocabulary, and words of each; fewer if the local descriptors are too few.
    n_cohort : int
        Images of the cohort: unrelated pictures, which a query is compared with to see how easily it agrees.
    n_calibration : int
        Edited queries that the calibration is fitted on.
    """

    seed: int = 20210621
    n_words: int = 64
    local_dimension: int = 64
    dimension: int = MAX_DESCRIPTOR_DIMENSION
    n_edited_copies: int = 12
    n_background: int = 2_000
    n_local: int = 200_000
    n_cells: int = 256
    n_cohort: int = 1_000
    n_calibration: int = 2_400

    def __repr__(self) -> str:
        """Return the settings that are not the defaults."""
        return _changes(self)

    def __post_init__(self) -> None:
        if not 1 <= self.dimension <= MAX_DESCRIPTOR_DIMENSION:
            raise ConfigError(f"a descriptor has 1 to {MAX_DESCRIPTOR_DIMENSION} dimensions, not {self.dimension}")
        if not 1 <= self.local_dimension <= 128 or self.n_words < 1:
            raise ConfigError(f"{self.n_words} words of {self.local_dimension} dimensions: give >= 1 and 1 to 128")
        if (
            self.n_local < self.n_words
            or self.n_calibration < 1
            or self.n_edited_copies < 1
            or min(self.n_background, self.n_cohort) < 0
        ):
            raise ConfigError(
                f"n_local {self.n_local} must be >= n_words, n_calibration {self.n_calibration} >= 1, "
                f"n_edited_copies {self.n_edited_copies} >= 1, n_background {self.n_background} and n_cohort "
                f"{self.n_cohort} >= 0"
            )
        if self.n_cells < 1:
            raise ConfigError(f"n_cells is {self.n_cells}, must be >= 1")


DEFAULT_CONFIG = Config()
DEFAULT_PROFILE = "standard"
DEFAULT_TRAIN_CONFIG = TrainConfig()


def config_for(profile: str) -> Config:
    """Return the default settings with a named way to describe queries.

    Parameters
    ----------
    profile : str
        A key of `QUERY_PROFILES`. Collections serve all of them: references are described in one way.

    Raises
    ------
    ConfigError
        If there is no such profile.

    Examples
    --------
    >>> config_for("thorough").query.sides
    (300, 900)
    """
    if profile not in QUERY_PROFILES:
        raise ConfigError(f"no profile {profile!r}; choose from {', '.join(QUERY_PROFILES)}")
    return dataclasses.replace(DEFAULT_CONFIG, query=QUERY_PROFILES[profile], query_views=profile != DEFAULT_PROFILE)


def config_digest(config: Config | FeatureConfig) -> str:
    """Return 16 hex digits that change whenever a setting changes that has to do with pictures, not with disks."""
    settings = dataclasses.asdict(config)
    settings.pop("storage", None)
    return _digest(settings)


def description_digest(config: Config) -> str:
    """Return 16 hex digits that change whenever a setting changes that decides what is stored of a picture."""
    return _digest({"reference": dataclasses.asdict(config.reference), "decode_side": config.decode_side})


def _digest(settings: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
