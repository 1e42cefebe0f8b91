"""All settings and their defaults. The command line takes its defaults from here; manifests keep a digest of them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, cast, get_args

from fingerprint.errors import ConfigError

#: Most dimensions of a compact descriptor: the limit of the challenge's Descriptor Track.
MAX_DESCRIPTOR_DIMENSION = 256
#: Least probability with which a reference is called the source of a copy.
COPY_PROBABILITY = 0.5
#: How a collection finds the nearest descriptors of a single query: in large segments by short codes or, where vectors
#: have none, by Annoy's trees; in all segments by trees; or always by comparing all.
DescriptorIndex: TypeAlias = Literal["auto", "annoy", "exact"]
DESCRIPTOR_INDICES: tuple[DescriptorIndex, ...] = get_args(DescriptorIndex)
DEFAULT_PROFILE = "standard"

_MOST_PIXELS = 180_000_000
_READING_MEMORY = 850_000_000


class _Settings:
    """Settings that all have defaults; their ``repr`` names those that differ from them."""

    __slots__ = ()

    def __repr__(self) -> str:
        changed = []
        for f in dataclasses.fields(cast("Any", self)):
            default = f.default if f.default_factory is dataclasses.MISSING else f.default_factory()
            written = repr(getattr(self, f.name))
            if written != repr(default):
                changed.append(f"{f.name}={written}")
        return f"{type(self).__name__}({', '.join(changed)})"


@dataclass(frozen=True, slots=True)
class FeatureConfig:
    """How keypoints are extracted from a picture.

    Attributes
    ----------
    sides : tuple of int
        Longer sides, in pixels, at which the picture is described. Larger pictures are reduced to them, smaller ones
        enlarged, at most three times. The compact descriptor is made at the first.
    n_keypoints : tuple of int
        Largest number of keypoints kept at each side.
    doubled : tuple of bool
        Whether detection starts with the picture at twice the side, which finds the finest keypoints.
    octave_share : float, (0, 1]
        Largest share of the keypoints that one octave may have while others have more. Without this cap the strongest
        keypoints are nearly all of the finest scale, which blur, pixelation and insets destroy.
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
                f"sides {self.sides}, n_keypoints {self.n_keypoints} and doubled {self.doubled} must be of the same "
                "length, at least one"
            )
        if min(self.sides) < 16 or min(self.n_keypoints) < 1:
            raise ConfigError(f"sides {self.sides} must be >= 16 and n_keypoints {self.n_keypoints} >= 1")
        if not 0 < self.octave_share <= 1:
            raise ConfigError(f"octave_share {self.octave_share} must lie in (0, 1]")


@dataclass(frozen=True, slots=True, repr=False)
class CloserConfig(_Settings):
    """Whether and how a query is looked at again, if no reference is surely its source.

    Each further look describes a part of the picture, or all of it in another way, and searches the collection with
    that. Of what the looks say about a reference, the one counts that makes it most probable as a source.

    Attributes
    ----------
    sure : float, [0, 1]
        Probability of a copy from which on there is no further look.
    hint : float, [0, 1]
        Probability of a copy that the looks up to now must have found, or something shared, for the whole picture to be
        looked at again.
    n_insets : int, >= 0
        Largest number of insets, pictures within the picture, that are looked at by themselves: the most probable ones.
    inset : FeatureConfig
        How an inset is described.
    whole : FeatureConfig, optional
        How the whole picture is described once more, if at all.
    n_cells : int, >= 0
        Largest number of cells of a collage that are looked at by themselves, where sources were found in others.
    relief : bool
        Whether a relief, or a drawing of edges, is looked at as the picture that it was made from.
    stretched : tuple of float, > 0
        The whole picture is also looked at stretched: with its width divided by its height multiplied by each of these.
    """

    sure: float = 0.95
    hint: float = 0.03
    n_insets: int = 2
    n_cells: int = 15
    inset: FeatureConfig = field(
        default_factory=lambda: FeatureConfig((450,), (500,), (False,), contrast_threshold=0.005)
    )
    whole: FeatureConfig | None = None
    relief: bool = True
    stretched: tuple[float, ...] = (0.67, 1.5)

    def __post_init__(self) -> None:
        if not (0 <= self.sure <= 1 and 0 <= self.hint <= 1):
            raise ConfigError(f"sure {self.sure} and hint {self.hint} must be numbers from 0 to 1")
        if min(self.n_insets, self.n_cells) < 0:
            raise ConfigError(f"n_insets {self.n_insets} and n_cells {self.n_cells} must not be negative")
        if not all(math.isfinite(factor) and factor > 0 for factor in self.stretched):
            raise ConfigError(f"stretched is {self.stretched}, all of it must be > 0")


#: Named ways to look at a query closely. References are described in the same way for all of them.
PROFILES: Mapping[str, CloserConfig] = MappingProxyType(
    {
        "fast": CloserConfig(n_insets=0, n_cells=0, relief=False, stretched=()),
        "standard": CloserConfig(),
        "thorough": CloserConfig(
            hint=0.0, whole=FeatureConfig((300, 900), (300, 1000), (True, False), contrast_threshold=0.005)
        ),
    }
)


@dataclass(frozen=True, slots=True, repr=False)
class MatchConfig(_Settings):
    """How keypoints of a query and a reference are compared.

    Attributes
    ----------
    n_words : int
        Words that a query keypoint looks up in the inverted file.
    n_words_inverted, n_inverted : int
        The same for the variants as a negative, which are rare; and how many keypoints of each are looked up.
    word_bits : int, 0..63
        Largest Hamming distance of two 64-bit signatures within a word that makes a hit.
    word_bits_large, large_from : int
        The same in collections of at least `large_from` references, where most hits are by chance: two bits less
        leave about a quarter of them, and as many sources are verified.
    cohort_bits : int, 0..63
        The same for the vote on the cohort, whose score the models have learned to weigh.
    vote_bits : int
        Largest Hamming distance of two 128-bit signatures that makes a match when a pair is voted on.
    verify_bits : int
        The same for verification.
    tolerance : float
        Largest distance between a keypoint and its position by the transform, as a part of the longer side.
    log_scale_tolerance, angle_tolerance : float
        Largest differences of a match from its hypothesis: in scale (natural logarithm), and in angle (degrees).
    cells : int
        Cells along the longer side, of the grid that measures how far inliers are spread.
    keep_inliers : bool
        Whether a `Verification` keeps where its inliers lie, for reports; no answer depends on it.
    """

    n_words: int = 4
    n_words_inverted: int = 2
    n_inverted: int = 300
    word_bits: int = 22
    word_bits_large: int = 20
    large_from: int = 200_000
    cohort_bits: int = 22
    vote_bits: int = 28
    verify_bits: int = 32
    tolerance: float = 0.05
    log_scale_tolerance: float = 0.6
    angle_tolerance: float = 30.0
    cells: int = 8
    keep_inliers: bool = False

    def __post_init__(self) -> None:
        if min(self.n_words, self.n_words_inverted) < 1 or self.n_inverted < 0:
            raise ConfigError(
                f"n_words {self.n_words} and n_words_inverted {self.n_words_inverted} must be >= 1, n_inverted "
                f"{self.n_inverted} >= 0; n_inverted=0 leaves negatives out"
            )
        for most, names in ((63, ("word_bits", "word_bits_large", "cohort_bits")), (128, ("vote_bits", "verify_bits"))):
            for name in names:
                if not 0 <= getattr(self, name) <= most:
                    raise ConfigError(f"{name} is {getattr(self, name)}, must lie in 0..{most}")


@dataclass(frozen=True, slots=True, repr=False)
class CandidateConfig(_Settings):
    """How many candidates each source may name for a query, and how many of them are verified.

    Attributes
    ----------
    from_keypoints, from_descriptor, from_hashes : int
        Caps by source. All candidates together are then voted on by 128-bit signatures.
    n_verified : int
        Number of candidates that are verified because they have the most votes. The first ones that keypoints and the
        descriptor name, and all that hashes name, are verified whatever their votes: words find copies that signatures
        miss, and descriptor and hashes find copies that keypoints miss.
    n_verified_more : int
        Number of further candidates that are verified if they have `many_votes`: a picture may have many copies.
    many_votes : float
        Votes that most unrelated pictures do not get.
    hash_distance : int
        Largest Hamming distance, of 64 bits, at which a hash names a candidate.
    descriptor_index : {"auto", "annoy", "exact"}
        How queries that come one by one find the nearest descriptors of a segment, and which segments get Annoy's trees
        when they are written. A collection keeps the setting that it was made with, also for what is added and merged
        later.
    codes_from : int
        With ``"auto"``: pictures from which the codes of a segment are compared first, one bit for each number of a
        descriptor. In smaller segments comparing all descriptors takes about a millisecond.
    codes_kept : float
        The descriptors of ``codes_kept`` times the square root of the pictures are compared then: those with the
        nearest codes.
    annoy_from : int
        With ``"auto"``: imported vectors from which a segment gets trees.
    """

    from_keypoints: int = 100
    from_descriptor: int = 10
    from_hashes: int = 5
    n_verified: int = 7
    n_verified_more: int = 5
    many_votes: float = 10.0
    hash_distance: int = 8
    descriptor_index: DescriptorIndex = "auto"
    codes_from: int = 10_000
    codes_kept: float = 4.0
    annoy_from: int = 30_000

    def __post_init__(self) -> None:
        if self.descriptor_index not in DESCRIPTOR_INDICES:
            raise ConfigError(
                f"descriptor_index {self.descriptor_index!r} is none of {', '.join(map(repr, DESCRIPTOR_INDICES))}"
            )

    def has_trees(self, n_references: int, *, coded: bool) -> bool:
        """Return whether a segment of this size has Annoy's trees; `coded` is whether its vectors have codes."""
        if self.descriptor_index == "auto":
            return not coded and n_references >= self.annoy_from
        return self.descriptor_index == "annoy"

    def kept_by_codes(self, n_references: int) -> int:
        """Return how many vectors of a segment of this size are compared after their codes, 0 if not by codes."""
        if self.descriptor_index != "auto" or n_references < self.codes_from:
            return 0
        return max(1, round(self.codes_kept * math.sqrt(n_references)))


@dataclass(frozen=True, slots=True, repr=False)
class AnnoyConfig(_Settings):
    """How Annoy's trees are built; the metric is always Euclidean.

    Attributes
    ----------
    n_trees, seed, n_jobs : int
        As in Annoy. One job and a fixed seed give the same bytes each time.
    search_base, search_share : int, float
        A query inspects ``search_base + search_share * n`` nodes (Annoy's search_k) of a segment with n references.
        More nodes are slower and find more. The defaults find two thirds of the 10 nearest compact descriptors, and
        more of learned vectors, measured on real ones with ``benchmarks/annoy_search.py``. With more trees a search
        that finds as much takes as long, and the trees more space.
    """

    n_trees: int = 20
    seed: int = 20210621
    n_jobs: int = 1
    search_base: int = 250
    search_share: float = 0.34


@dataclass(frozen=True, slots=True, repr=False)
class StorageConfig(_Settings):
    """How a collection is written. None of these settings changes what a search finds.

    Attributes
    ----------
    keep_local_descriptors : bool
        Whether a new collection keeps local descriptors, so that its pictures can be queries without their files. They
        are then two thirds of its size.
    batch : int, >= 1
        Pictures that are held in memory and then written as one segment. An interruption loses at most these.
    merge_factor : int, >= 2
        Adding merges this many neighbouring segments of similar size into one.
    merge_below : int
        Adding does not merge segments with at least this many pictures.
    merge_at_end : bool
        Whether adding many pictures ends with merging the newest segments into one if that is quick.
    compact_to : int, >= 1
        Largest number of pictures in a segment that compacting writes.
    """

    keep_local_descriptors: bool = False
    batch: int = 200
    merge_factor: int = 8
    merge_below: int = 100_000
    merge_at_end: bool = True
    compact_to: int = 250_000

    def __post_init__(self) -> None:
        if min(self.batch, self.compact_to) < 1 or self.merge_factor < 2:
            raise ConfigError(
                f"batch {self.batch} and compact_to {self.compact_to} must be >= 1, merge_factor {self.merge_factor} "
                ">= 2"
            )


@dataclass(frozen=True, slots=True, repr=False)
class ReadLimits(_Settings):
    """What a picture may cost before it is skipped. None of these changes what is read of a picture within them.

    Attributes
    ----------
    max_pixels : int, >= 1
        Width times height by the header.
    max_side : int, >= 1
        Width or height by the header.
    max_bytes : int, >= 1
        Size of the file.
    timeout : float, > 0
        Seconds that a reading process may take for one picture. Plain JPEG, PNG and WebP files are decoded without
        such a process; their size by the header bounds how long that takes.
    max_memory : int, >= 1, optional
        Bytes that a reading process may take for one picture, where the platform can limit it (Linux). By default 850
        MB, and in proportion more if `max_pixels` is more than by default.
    """

    max_pixels: int = _MOST_PIXELS
    max_side: int = 1_000_000
    max_bytes: int = 1 << 30
    timeout: float = 30.0
    max_memory: int | None = None

    def __post_init__(self) -> None:
        counts = (self.max_pixels, self.max_side, self.max_bytes, self.memory)
        if min(counts) < 1 or not (math.isfinite(self.timeout) and self.timeout > 0):
            raise ConfigError(
                f"max_pixels {self.max_pixels}, max_side {self.max_side}, max_bytes {self.max_bytes} and max_memory "
                f"{self.max_memory} must be >= 1, timeout {self.timeout} a number of seconds > 0"
            )

    @property
    def memory(self) -> int:
        """Bytes that a reading process may take for one picture."""
        if self.max_memory is not None:
            return self.max_memory
        return max(_READING_MEMORY, _READING_MEMORY * self.max_pixels // _MOST_PIXELS)


DEFAULT_LIMITS = ReadLimits()


@dataclass(frozen=True, slots=True, repr=False)
class Config(_Settings):
    """All settings of the engine.

    Attributes
    ----------
    reference, query : FeatureConfig
        How each is described. References are many and described in little detail, queries are few and described in
        more.
    closer : CloserConfig
        Whether and how a query is looked at again.
    match : MatchConfig
    candidates : CandidateConfig
    annoy : AnnoyConfig
    decode_side : int
        Least longer side, in pixels, that scaled decoding must leave. It is the same for queries and references, so
        that a picture has the same hashes as either.
    probability_threshold : float, [0, 1]
        Least probability of the matches that the command ``search`` reports.
    results : int
        Most references returned for a query, and most rows of a query in the challenge's file.
    storage : StorageConfig
    limits : ReadLimits
        What a picture may cost before it is skipped.
    strict : bool
        Whether a picture that cannot be read ends a batch with its `ImageError`, instead of being skipped. What was
        written before stays.
    """

    reference: FeatureConfig = field(default_factory=lambda: FeatureConfig((300,), (300,), (True,)))
    query: FeatureConfig = field(
        default_factory=lambda: FeatureConfig((600,), (600,), (False,), contrast_threshold=0.005)
    )
    closer: CloserConfig = field(default_factory=lambda: PROFILES[DEFAULT_PROFILE])
    match: MatchConfig = field(default_factory=MatchConfig)
    candidates: CandidateConfig = field(default_factory=CandidateConfig)
    annoy: AnnoyConfig = field(default_factory=AnnoyConfig)
    decode_side: int = 512
    probability_threshold: float = COPY_PROBABILITY
    results: int = 10
    storage: StorageConfig = field(default_factory=StorageConfig)
    limits: ReadLimits = field(default_factory=ReadLimits)
    strict: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class TrainConfig(_Settings):
    """How models are trained.

    Attributes
    ----------
    seed : int
        Seed of all random numbers.
    n_codebooks, n_words, local_dimension : int
        Number of codebooks, of codewords in each, and dimensions of reduced local descriptors.
    dimension : int, 1..256
        Dimensions of the compact descriptor; fewer if there are too few images to learn them.
    n_edited_copies : int
        Edited copies of each image that the projections and the detector of insets learn from.
    n_wide_copies : int
        Further ones of each image with one of the edits of phones, printers, scissors and filter apps.
    n_background : int
        Images kept for background normalisation.
    n_local : int
        Local descriptors that codebook and signatures are learned from.
    n_cells : int
        Cells of the vocabulary, and words of each cell; fewer if there are too few local descriptors.
    n_cohort : int
        Images of the cohort, with which a query is compared to see how easily it agrees with unrelated pictures.
    n_calibration : int
        Edited photographs that the calibration is fitted on, as queries.
    n_templates : int
        Templates of each family of graphics that it is fitted on; there are six queries for each.
    n_scenes : int
        Scenes that it is fitted on, each with three second shots; fewer if there are few photographs.
    n_surfaces : int
        Close-ups of walls, pebbles and the like that it is fitted on.
    n_wide : int
        Queries with edits of phones, printers, scissors and filter apps that it is fitted on.
    """

    seed: int = 20210621
    n_codebooks: int = 4
    n_words: int = 32
    local_dimension: int = 64
    dimension: int = MAX_DESCRIPTOR_DIMENSION
    n_edited_copies: int = 12
    n_wide_copies: int = 4
    n_background: int = 2_000
    n_local: int = 200_000
    n_cells: int = 256
    n_cohort: int = 1_000
    n_calibration: int = 2_000
    n_templates: int = 60
    n_scenes: int = 300
    n_surfaces: int = 300
    n_wide: int = 4_000

    def __post_init__(self) -> None:
        if not 1 <= self.dimension <= MAX_DESCRIPTOR_DIMENSION:
            raise ConfigError(f"a descriptor has 1 to {MAX_DESCRIPTOR_DIMENSION} dimensions, not {self.dimension}")
        if not 1 <= self.local_dimension <= 128 or min(self.n_codebooks, self.n_words) < 1:
            raise ConfigError(
                f"n_codebooks {self.n_codebooks} and n_words {self.n_words} must be >= 1, local_dimension "
                f"{self.local_dimension} in 1..128"
            )
        fewest = {"n_local": self.n_words, "n_calibration": 1, "n_edited_copies": 1} | dict.fromkeys(
            ("n_wide_copies", "n_background", "n_cohort", "n_templates", "n_scenes", "n_surfaces", "n_wide"), 0
        )
        for name, least in fewest.items():
            if getattr(self, name) < least:
                raise ConfigError(f"{name} {getattr(self, name)} must be >= {least}")
        if self.n_templates == self.n_scenes == 0:
            raise ConfigError("n_templates and n_scenes are both 0; the calibration needs look-alikes to learn from")
        if self.n_cells < 1:
            raise ConfigError(f"n_cells {self.n_cells} must be >= 1")


DEFAULT_CONFIG = Config()
DEFAULT_TRAIN_CONFIG = TrainConfig()


def config_for(profile: str) -> Config:
    """Return the default settings with a named profile.

    Parameters
    ----------
    profile : str
        A key of `PROFILES`. One collection serves all profiles, as they do not concern references.

    Raises
    ------
    ConfigError
        If there is no such profile.

    Examples
    --------
    >>> config_for("thorough").closer.stretched
    (0.67, 1.5)
    """
    if profile not in PROFILES:
        raise ConfigError(f"no profile {profile!r}; choose from {', '.join(PROFILES)}")
    return dataclasses.replace(DEFAULT_CONFIG, closer=PROFILES[profile])


def config_digest(config: Config | FeatureConfig) -> str:
    """Return a digest, 16 hex digits, of all settings but storage, limits of reading, strictness, what is only kept."""
    settings = dataclasses.asdict(config)
    settings.get("match", {}).pop("keep_inliers", None)
    for name in ("storage", "limits", "strict"):
        settings.pop(name, None)
    return _digest(settings)


def description_digest(config: Config) -> str:
    """Return a digest, 16 hex digits, of the settings that decide what is stored of a picture."""
    return _digest({"reference": dataclasses.asdict(config.reference), "decode_side": config.decode_side})


def _digest(settings: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
